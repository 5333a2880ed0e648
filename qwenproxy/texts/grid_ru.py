"""Russian texts about a Selenium Grid; the English ones are in grid_en.py under the same keys, in the same order."""

RU = {
    "grid_shares_nothing": "QWENPROXY_ACCOUNTS_PER_BROWSER - для браузеров этой машины: на Grid у каждого аккаунта "
    "свой браузер. Уберите её или QWENPROXY_GRID_URL.",
    "grid_silent": "Selenium Grid по адресу {hub} не отвечает ({reason}). Запустите его хаб или исправьте "
    "QWENPROXY_GRID_URL.",
    "grid_hangs_up": "Selenium Grid по адресу {hub} обрывает соединение без ответа. Если его хаб работает по TLS, "
    "укажите https:// в QWENPROXY_GRID_URL.",
    "grid_hangs_up_tls": "Selenium Grid по адресу {hub} обрывает соединение без ответа. Перезапустите его хаб; если он "
    "работает без TLS, укажите http:// в QWENPROXY_GRID_URL.",
    "grid_refused": "Selenium Grid по адресу {hub} не принимает эти имя и пароль. Укажите их в QWENPROXY_GRID_URL: "
    "http(s)://user:password@host:port",
    "grid_untrusted": "Сертификату Selenium Grid по адресу {hub} нет доверия ({reason}). Укажите в SSL_CERT_FILE файл "
    "с сертификатом его центра.",
    "grid_certificate": "Сертификат Selenium Grid по адресу {hub} не годится ({reason}). Дайте хабу действующий "
    "сертификат на имя из QWENPROXY_GRID_URL.",
    "grid_no_tls": "С Selenium Grid по адресу {hub} не вышло соединение по TLS ({reason}). Если его хаб работает без "
    "TLS, укажите http:// в QWENPROXY_GRID_URL.",
    "grid_unlike": "По адресу {hub} отвечает не Selenium Grid 4. Исправьте QWENPROXY_GRID_URL или запустите там хаб.",
    "grid_no_nodes": "У Selenium Grid по адресу {hub} нет работающего узла с Chrome. Запустите: qwenproxy doctor",
    "grid_full": "Заняты все места ({slots}) Selenium Grid по адресу {hub}. Запустите ещё узел, увеличьте "
    "--max-sessions или уменьшите QWENPROXY_MAX_BROWSERS.",
    "grid_not_created": "Selenium Grid по адресу {hub} не запустил браузер. {words} Запустите: qwenproxy doctor",
    "grid_late": "Selenium Grid по адресу {hub} не запустил браузер за {seconds} с. Возможно, его узлы перегружены.",
    "grid_browser_died": "Браузер на Selenium Grid по адресу {hub} завершился, пока открывал сайт. {reason} "
    "Повторите; если не поможет, запустите: qwenproxy doctor",
    "grid_proxy_password": "У прокси {proxy} аккаунта {id} есть пароль, а браузер на Selenium Grid по адресу {hub} "
    "так не умеет. Дайте аккаунту прокси без пароля или открывайте браузеры на этой машине (без QWENPROXY_GRID_URL).",
    "grid_no_window": "Для входа нужно окно, а на этой машине нет ни Chrome, ни Chromium, чтобы его открыть. Окна "
    "Selenium Grid покажет панель управления; до тех пор установите браузер здесь или перенесите аккаунт с машины, "
    "где он есть (qwenproxy account import).",
    "grid_local_window": "Окно входа откроется на этой машине. Браузеры аккаунта будут открываться на Selenium Grid.",
    "doctor_grid": "Selenium Grid {version} по адресу {hub}: узлов: {nodes}, занято мест: {taken} из {slots}",
    "doctor_grid_node": "Узел {uri}: сеансов: {sessions} из {slots}{accounts}",
    "doctor_grid_accounts": ", аккаунты: {ids}",
    "doctor_grid_queue": "Запросов, которые ждут места на Grid: {count}.",
    "doctor_grid_queue_remedy": "Запустите ещё узел или увеличьте --max-sessions у узлов.",
    "doctor_grid_fails": "Selenium Grid использовать нельзя.",
    "doctor_grid_no_nodes": "На хабе не зарегистрирован ни один узел.",
    "doctor_grid_no_nodes_remedy": "Запустите узел. Ему нужны адрес хаба, открытый путь к его портам 4442 и 4443 и, "
    "если у хаба есть пароль, тот же --registration-secret, что у хаба.",
    "doctor_grid_no_chrome": "Ни на одном узле Grid нет Chrome.",
    "doctor_grid_no_chrome_remedy": "Установите на узлах Chrome и chromedriver или укажите их в "
    "--driver-configuration.",
    "doctor_grid_down": "Узел {uri} в состоянии {status}.",
    "doctor_grid_down_remedy": "Запустите его заново. Если он работает, поищите его сигналы (heartbeat) в журнале "
    "хаба.",
    "doctor_grid_few": "Мест на Grid: {slots}, а браузеров может быть открыто до {wanted}.",
    "doctor_grid_few_remedy": "Запускайте узлы с --max-sessions N --override-max-sessions true или задайте "
    "QWENPROXY_MAX_BROWSERS={slots}.",
    "doctor_grid_short": "Узел {uri} завершает сеансы через {seconds} с без команд, а страница может грузиться дольше.",
    "doctor_grid_long": "Узел {uri} хранит то, что осталось от убитого qwenproxy, {seconds} с, и места вместе с ним.",
    "doctor_grid_timeout_remedy": "Запускайте узел с --session-timeout 300.",
    "doctor_grid_heartbeat": "Узел {uri} подаёт признаки жизни раз в {seconds} с, поэтому его гибель заметна поздно.",
    "doctor_grid_heartbeat_remedy": "Запускайте узел с --heartbeat-period 5.",
    "doctor_grid_open": "У Grid нет пароля: всем, кому доступен {hub}, доступны и браузеры с их входами.",
    "doctor_grid_open_remedy": "Запускайте хаб с --username и --password, хаб и узлы - с одинаковым "
    "--registration-secret и укажите имя и пароль в QWENPROXY_GRID_URL.",
    "doctor_grid_plain": "Путь до {hub} не зашифрован: входы и ответы можно прочитать по дороге.",
    "doctor_grid_plain_remedy": "Запускайте хаб с --https-certificate и --https-private-key и укажите https:// в "
    "QWENPROXY_GRID_URL; для собственного центра сертификации задайте SSL_CERT_FILE.",
    "doctor_grid_fit": "Настройки Grid подходят.",
}
