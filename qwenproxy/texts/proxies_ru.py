"""The texts about outgoing proxies for the person at the terminal, in Russian."""

RU = {
    # addresses
    "proxy_unreadable": "Адрес прокси не читается: нужен вид scheme://user:password@host:port, например "
    "socks5://anna:s3cret@proxy.example:1080. Особые знаки в имени и пароле пишутся через проценты.",
    "proxy_port": "Порта {port} у прокси быть не может: нужно число от 1 до 65535.",
    "proxy_host": "Хоста {host} у прокси быть не может: нужно имя или адрес.",
    "proxy_scheme": "Схема прокси {scheme} неизвестна: подходят http, https и socks5.",
    "proxy_percent": "В имени или пароле прокси стоит знак процента, который ничего не означает: пишите % как %25.",
    "proxy_password_alone": "В адресе прокси есть пароль, но нет имени пользователя.",
    "proxy_user_colon": "В имени пользователя HTTP-прокси не может быть двоеточия.",
    "proxy_socks_login": "Прокси SOCKS5 принимает имя и пароль от 1 до {most} знаков, только ASCII.",
    "bad_proxy_setting": "QWENPROXY_PROXY: {reason}",
    "proxy_file_unreadable": "Прокси аккаунта {id} не читается ({reason}), поэтому браузер не открывается. Задайте его "
    "заново: qwenproxy account proxy {id} URL",
    # failures
    "proxy_fails": "Аккаунт {id} не может открыть сайт. {failure} Задайте прокси аккаунта заново: "
    "qwenproxy account proxy {id} URL",
    "proxy_unreachable": "Прокси {proxy} недоступен ({reason}). Проверьте, что он работает.",
    "proxy_silent": "Прокси {proxy} не ответил за {seconds} с.",
    "proxy_silent_tls": "Прокси {proxy} не ответил за {seconds} с. Если сам он без TLS, его адрес начинается с http://.",
    "proxy_refuses_login": "Прокси {proxy} не принимает имя или пароль.",
    "proxy_wants_login": "Прокси {proxy} требует имя и пароль.",
    "proxy_untrusted": "Сертификату прокси {proxy} нет доверия ({reason}). Если он от вашего собственного центра, "
    "укажите в SSL_CERT_FILE файл с сертификатом этого центра.",
    "proxy_no_tls": "С прокси {proxy} не вышло соединение по TLS ({reason}). Если сам он без TLS, его адрес начинается "
    "с http://.",
    "proxy_strange": "{proxy} отвечает не как прокси вида {scheme} ({reason}). Проверьте схему, порт, имя и пароль.",
    "proxy_no_way": "Прокси {proxy} не ведёт к {host} ({reason}).",
    "forwarder_cannot_start": "На этой машине не удалось открыть путь к прокси аккаунта ({reason}), поэтому браузер не "
    "открывается. Закройте другие программы и повторите.",
    # commands
    "setting_proxy": "исходящий прокси браузеров, у аккаунта которых нет своего: "
    "`http`, `https` или `socks5://user:password@host:port`",
    "expected_proxy": "адрес вида socks5://user:password@host:1080 (http, https или socks5)",
    "help_account_proxy": "Показать, задать или убрать исходящий прокси аккаунта. URL: "
    "scheme://user:password@host:port, схема http, https или socks5; - читает адрес, не показывая его.",
    "help_proxy_clear": "убрать собственный прокси аккаунта",
    "help_add_proxy": "исходящий прокси аккаунта, уже для окна входа; - читает адрес, не показывая его",
    "add_two_hidden": "Из стандартного ввода читается либо --token, либо --proxy.",
    "proxy_question": "Адрес прокси (не показывается): ",
    "proxy_own": "{id}: прокси {proxy}",
    "proxy_default": "{id}: прокси {proxy} из QWENPROXY_PROXY",
    "proxy_not_on_grid": "В нём есть пароль, поэтому браузерам Selenium Grid он не подходит, и аккаунт отдыхает",
    "proxy_none": "{id}: без прокси",
    "proxy_unreadable_of": "{id}: прокси не читается; задайте его заново: qwenproxy account proxy {id} URL",
    "proxy_reopens": "Работающий сервер закрывает его браузер и откроет заново этим путём.",
    "proxy_url_and_clear": "Укажите либо адрес, либо --clear.",
}
