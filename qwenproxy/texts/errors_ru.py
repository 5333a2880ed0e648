"""The errors for people and the meanings of the settings, in Russian; the keys are those of errors_en.py."""

from __future__ import annotations

RU = {
    "folder_refused": "не удалось создать папку {path}: {reason}",
    "write_refused": "не удалось записать {path}: {reason}",
    "delete_refused": "не удалось удалить {path}: {reason}",
    "set_aside_refused": "не удалось отложить в сторону {path}: {reason}",
    "read_refused": "не удалось прочитать {path}: {reason}",
    "no_regular_file": "{path} не обычный файл, заменить его нельзя. Укажите другой.",
    "look_refused": "нет доступа к {path}: {reason}",
    "lock_refused": "не удалось заблокировать {path}: {reason}",
    "list_refused": "не удалось просмотреть папку {path}: {reason}",
    "path_busy": "{path} дольше {seconds} с занят другим процессом qwenproxy: дождитесь, пока он закончит, или "
    "остановите его и повторите",
    "bad_setting": "{name}: здесь нужно {expected}, а не {value}",
    "unknown_setting": "{name}: такой настройки нет; список покажет qwenproxy config",
    "unknown_setting_close": "{name}: такой настройки нет; возможно, имелась в виду {close}?",
    "expected_text": "значение в одну строку",
    "expected_path": "путь, домашняя папка (~) в котором существует",
    "expected_flag": "1 или 0",
    "expected_whole": "целое число от {low}",
    "expected_whole_between": "целое число от {low} до {high}",
    "expected_seconds": "число секунд",
    "expected_seconds_above": "число секунд больше 0",
    "expected_word": "{words} или {last}",
    "expected_version": "обозначение версии, например 0.3.12",
    "expected_host": "имя или адрес машины, без схемы и порта",
    "expected_grid": "http(s)://user:password@host:port, знак % в имени и пароле пишется как %25",
    "expected_address": "полный адрес, начиная с http или https",
    "expected_origin": "адрес http или https без пути",
    "expected_key_hash": "SHA-256 открытого ключа в base64",
    "expected_origins": "адреса вида https://example.org через запятую",
    "install_browser": "Установите Chrome или Chromium с драйвером (Debian/Ubuntu: apt-get install chromium "
    "chromium-driver) или укажите пути к ним в QWENPROXY_CHROME и QWENPROXY_CHROMEDRIVER.",
    "no_program": "В {setting} указано {path}, но такой программы нет или её нельзя запустить.",
    "program_fails": "{path} не работает ({reason}). {advice}",
    "program_fails_saying": "{path} не работает ({how}): {words} {cure}",
    "no_browser": "На этой машине нет ни Chrome, ни Chromium, и загрузить их не удалось. {advice}",
    "no_xvfb": "Для QWENPROXY_HEADLESS=virtual нужен Xvfb, а он не установлен. Установите его (Debian/Ubuntu: apt-get "
    "install xvfb; Fedora: dnf install xorg-x11-server-Xvfb; Arch: pacman -S xorg-server-xvfb) или задайте "
    "QWENPROXY_HEADLESS=1.",
    "virtual_needs_linux": "QWENPROXY_HEADLESS=virtual работает только в Linux. Задайте 1 (без окон) или 0 (с окнами).",
    "no_driver": "На этой машине нет драйвера для {path}, и загрузить его не удалось. {advice}",
    "browser_cannot_start": "Не удалось запустить {path}: {reason}. {cure}",
    "browser_ended": "{path} сразу завершился ({how}): {words} {cure}",
    "browser_ended_silent": "{path} сразу завершился ({how}) и не сообщил причину. {cure}",
    "browser_late": "{path} не запустился за {seconds} с. {cure}",
    "browser_late_saying": "{path} не запустился за {seconds} с: {words} {cure}",
    "browser_died": "Браузер завершается, пока открывает сайт. {reason} Запустите: qwenproxy doctor",
    "driver_unfit": "Драйвер рассчитан на версию {driver}, а версия браузера - {browser} (драйвер сообщает: "
    "{words}) {cure}",
    "driver_cannot_attach": "Драйвер не смог подключиться к браузеру: {words} {cure}",
    "driver_copy_refused": "Не удалось записать исправленную копию драйвера в {path}: {reason}. {cure}",
    "folder_forbids_programs": "запускать оттуда программы нельзя",
    "silent_for": "нет ответа за {seconds} с",
    "exit_status": "код завершения {status}",
    "exit_signal": "сигнал {name}",
    "cure_versions": "Установите браузер и драйвер одной версии (Debian/Ubuntu: apt-get update && apt-get install "
    "chromium chromium-driver) или укажите подходящий драйвер в QWENPROXY_CHROMEDRIVER.",
    "cure_versions_named": "Укажите в QWENPROXY_CHROMEDRIVER драйвер той же версии, что и браузер, или уберите эту "
    "настройку: тогда qwenproxy сам найдёт или загрузит подходящий.",
    "cure_sandbox": "Chrome нужна его песочница: разрешите обычному пользователю создавать пространства имён (Ubuntu "
    "23.10 и новее: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 или профиль AppArmor для этого "
    "браузера; Docker: профиль seccomp, который их разрешает) или запускайте qwenproxy от root, где Chrome обходится "
    "без неё.",
    "cure_libraries": "Установите библиотеки, которые нужны браузеру (Debian/Ubuntu: apt-get install chromium "
    "chromium-driver поставит всё), или укажите другой браузер в QWENPROXY_CHROME.",
    "cure_display": "Нет экрана для окна: задайте DISPLAY, а в QWENPROXY_HEADLESS - 1 или virtual.",
    "cure_profile": "Профиль открыт в другом браузере: закройте его и повторите.",
    "cure_disk": "Освободите место на диске или разрешите запись на него и повторите.",
    "cure_shm": "Увеличьте /dev/shm (Docker: --shm-size=1g).",
    "cure_memory": "Возможно, не хватает памяти: завершите другие программы или уменьшите QWENPROXY_MAX_BROWSERS.",
    "cure_rights": "Chrome не может записать свои файлы: разрешите пользователю, от имени которого работает qwenproxy, "
    "писать в папку данных и в домашнюю папку (HOME).",
    "cure_noexec": "На этом диске запрещён запуск программ (noexec): укажите папку на другом диске в XDG_CACHE_HOME "
    "или QWENPROXY_SESSION_DIR либо подключите этот без noexec.",
    "cure_executable": "Разрешите пользователю, от имени которого работает qwenproxy, запускать эту программу (chmod "
    "a+rx) или укажите другую в QWENPROXY_CHROME либо QWENPROXY_CHROMEDRIVER.",
    "cure_architecture": "Эта программа собрана не для такой машины: установите браузер и драйвер, которые для неё "
    "подходят.",
    "cure_handover": "Похоже, эта программа запускает браузер в фоне: укажите в QWENPROXY_CHROME сам браузер.",
    "cure_cache": "Укажите в XDG_CACHE_HOME папку, куда qwenproxy может писать, или используйте драйвер без "
    "исправлений: QWENPROXY_DRIVER=plain.",
    "cure_late": "Возможно, машина перегружена или программа зависла. Повторите или укажите другую в QWENPROXY_CHROME "
    "либо QWENPROXY_CHROMEDRIVER. Её вывод записан в {log}.",
    "display_late": "Виртуальный экран ({path}) не запустился за {seconds} с: возможно, машина перегружена или "
    "программа зависла. Повторите; её вывод записан в {log}.",
    "cure_log": "Весь её вывод записан в {log}.",
    "gunicorn_setting": "Установленный gunicorn {version} не знает настройки {name}. Установите версию, которая нужна "
    "qwenproxy (pip install --upgrade qwenproxy), или запускайте с --server waitress.",
    "profile_held": "Профиль браузера {id} занят процессом {pid}. Остановите этот процесс и повторите.",
    "account_removed_meanwhile": "Аккаунт {id} удалили, пока его окно было открыто.",
    "login_unrenewed": "Сайт не продлил вход этого аккаунта. Следующая попытка - через минуту.",
    "login_unfinished": "Вход не завершён ({outcome}).",
    "user_known": "Этот пользователь сайта уже добавлен как аккаунт {id}. Войти в него заново: qwenproxy account "
    "relogin {id}",
    "other_user": "Вход выполнен под другим пользователем, поэтому аккаунт {id} остался прежним. Войдите под "
    "пользователем {id} или добавьте для другого свой аккаунт: qwenproxy account add",
    "other_user_known": "Вход выполнен в аккаунт {other}, поэтому аккаунт {id} остался прежним. Войдите под "
    "пользователем {id} или обновите вход другого: qwenproxy account relogin {other}",
    "no_token": "Это не токен входа. Токен состоит из трёх частей, разделённых точками, и начинается с eyJ.",
    "expired_token": "Срок токена истёк {moment}. Войдите на сайт снова и скопируйте новый токен.",
    "account_exists": "Аккаунт {id} уже есть. Войдите в него заново (relogin) или выберите другой ID.",
    "account_reserved": "В аккаунт {id} сейчас входят. Дождитесь, пока этот вход закончится.",
    "bad_account_id": "ID аккаунта должен подходить как имя папки. Возьмите до 128 символов, без / \\ : * ? и без "
    "точки в начале и в конце.",
    "folder_stays": "аккаунт {id} удалён, но его папка {path} осталась: {reason}",
    "no_session_folder": "В {path} нет ни tokens.json, ни accounts, ни history. Укажите папку session.",
    "same_session_folder": "{path} - это и есть используемая папка. Укажите ту, из которой переносить.",
    "bad_key": "API-ключ - это одно слово из латинских букв, цифр и знаков ASCII, которое не начинается с «#».",
    "key_file_gone": "файла {path} больше нет: запустите прокси заново или создайте его (пустой, если ключи не нужны)",
    "key_file_unreadable": "{path} записан не в UTF-8: сохраните его в UTF-8, до тех пор прокси отказывает всем "
    "клиентам",
    "already_running": "qwenproxy уже работает с папкой {path} (процесс {pid}). Остановите его или задайте новому свою "
    "папку в QWENPROXY_SESSION_DIR.",
    "already_running_at": "qwenproxy уже работает с папкой {path} (процесс {pid}) по адресу {url}. Остановите его или "
    "задайте новому свою папку в QWENPROXY_SESSION_DIR.",
    "cannot_listen": "Адрес {host}, порт {port}: занять не удалось ({reason}). {advice}",
    "advice_host": "У этой машины нет адреса {host}: задайте в QWENPROXY_HOST тот, который у неё есть (127.0.0.1 - "
    "только для программ этой машины, 0.0.0.0 - все адреса).",
    "advice_port_right": "Этот порт доступен только администратору: задайте в {setting} другой, от 1024 и выше.",
    "advice_port_taken": "Остановите программу, которая занимает порт, или задайте другой в QWENPROXY_PORT.",
    "advice_ollama_runs": "Остановите программу, которая занимает порт (возможно, саму Ollama), или задайте другой в "
    "QWENPROXY_OLLAMA_PORT.",
    "advice_listen": "Задайте другой адрес в QWENPROXY_HOST или другой порт в {setting}.",
    "same_ports": "В QWENPROXY_PORT и QWENPROXY_OLLAMA_PORT один и тот же порт {port}. Задайте в QWENPROXY_OLLAMA_PORT "
    "другой; у самой Ollama это 11434.",
    "server_stopping": "Остановка.",
    "server_stopping_busy": "Остановка: у начатых запросов есть до {seconds} с, чтобы завершиться. Нажмите Ctrl-C ещё "
    "раз, чтобы прервать их сразу.",
    "server_stopped": "Остановлено.",
    "setting_host": "адрес, на котором работает прокси; вне этой машины только с API-ключом",
    "setting_port": "порт, на котором работает прокси; 0 - любой свободный",
    "setting_ollama_port": "второй порт, с API Ollama в корне; у самой Ollama - 11434; пусто - нет",
    "setting_base_url": "адрес сайта",
    "setting_base_url_spki": "SHA-256 единственного самоподписанного ключа, который примет Chrome",
    "setting_site_version": "версия сайта; если пусто, берётся с его страницы",
    "setting_session_dir": "папка для всех данных",
    "setting_default_model": "модель для запросов, где она не названа",
    "setting_chrome": "путь к браузеру; если пусто, qwenproxy найдёт его сам",
    "setting_chromedriver": "путь к драйверу; если пусто, qwenproxy найдёт его сам",
    "setting_driver": "undetected - исправленная копия драйвера, plain - драйвер как есть",
    "setting_headless": "1 - без окон, 0 - окна на вашем экране, virtual - на отдельном экране, "
    "которого никто не видит (Linux и Xvfb)",
    "setting_grid_url": "адрес Selenium Grid, где открывать браузеры: http(s)://[user:password@]host:port",
    "setting_no_menu": "1 - без меню при запуске",
    "setting_max_file_size": "байт на загружаемый файл",
    "setting_max_body": "байт на тело JSON",
    "setting_max_history_length": "сколько сообщений чата хранить",
    "setting_tools": "как предлагать сайту функции: средствами сайта, в тексте или как лучше работает",
    "setting_inline_limit": "сколько символов отправлять текстом; остальное уходит текстовым файлом",
    "setting_model_variants": "1 показывает и модели с окончаниями -thinking, -fast и -search",
    "setting_responses_days": "сколько дней после последнего обращения хранить сохранённые ответы и беседы",
    "setting_api_chats": "сколько записанных чатов API хранить, здесь и на сайте; лишние удаляются; 0: ни одного",
    "setting_spare_chats": "заранее создавать чат для занятого аккаунта, чтобы ответ начался раньше; 0: нет",
    "setting_admin": "0 выключает панель управления и её API",
    "setting_account_concurrency": "сколько ответов одновременно на аккаунт",
    "setting_queue_wait": "сколько секунд запрос ждёт свободного аккаунта",
    "setting_stall_timeout": "сколько секунд ждать, пока сайт молчит",
    "setting_idle_browser": "через сколько секунд закрыть ненужный браузер; 0 - никогда",
    "setting_max_browsers": "сколько браузеров открыто одновременно",
    "setting_accounts_per_browser": "сколько аккаунтов в одном браузере; больше 1: он общий, а cookies у каждого свои",
    "setting_on_no_accounts": "что делать, когда все аккаунты INVALID: завершиться или ждать",
    "setting_unknown_model": "для неизвестной модели: взять DEFAULT_MODEL или ответить 404",
    "setting_threads": "потоки для запросов",
    "setting_log_level": "подробность журнала: debug, info, warning или error",
    "setting_log_format": "text для людей, json для программ, которые собирают журналы",
    "setting_cors_origins": "сайты, страницам которых разрешено обращаться к прокси, через запятую",
    "setting_lang": "язык меню и сообщений, en или ru; если пусто, язык системы",
}
