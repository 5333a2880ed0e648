"""The texts of `qwenproxy connect`, in Russian: the command, and the notes on programs."""

from __future__ import annotations

RU = {
    "help_connect": "Показать, что задать в программе, чтобы она работала через этот прокси, или изменить её файл "
    "настроек.\n"
    "Без PROGRAM: список известных программ.",
    "help_connect_api": "Какой API взять, если программа знает несколько: chat, responses, messages, gemini или ollama "
    "[первый в списке].",
    "help_connect_model": "Модель [QWENPROXY_DEFAULT_MODEL].",
    "help_connect_write": "Изменить файл настроек самой программы: показать разницу, спросить, оставить рядом копию.",
    "connect_each": "Что задать для одной из них: {command}",
    "connect_running": "Прокси работает: {url}.",
    "connect_not_running": "На папке {folder} прокси не запущен; адрес {url} взят из настроек.",
    "connect_keyless": "API-ключей нет, поэтому годится любой текст. Создать ключ: {command}",
    "connect_key_missing": "Прокси открыт другим машинам, а API-ключа ещё нет, поэтому он не пускает никого. "
    "Сначала создайте ключ: {command}",
    "connect_key": "Ключ {key} - один из тех, что показывает команда: {command}",
    "connect_model_unknown": "Модели {model} у прокси нет; за неизвестные имена отвечает QWENPROXY_DEFAULT_MODEL. "
    "Все модели: {url}",
    "connect_variables": "Переменные окружения; задайте их там, где программа запускается:",
    "connect_file": "В {path}:",
    "connect_or_file": "Или в {path}:",
    "connect_write_hint": "Записать это туда, сначала показав изменения: {command}",
    "connect_sample": "Для копирования:",
    "connect_notes": "Полезно знать:",
    "connect_unknown": "Программу {name} qwenproxy не знает. Список известных: {command}",
    "connect_unknown_close": "Программу {name} qwenproxy не знает. Может быть, {close}?",
    "connect_no_api": "{title} не знает API {api}. Знает: {apis}.",
    "connect_api_unknown": "Нет такого API: {api}. Есть: {apis}.",
    "connect_only_variables": "Для этого у {title} нет файла настроек. Задайте то, что покажет команда: {command}",
    "connect_same": "В {path} это уже есть; ничего не меняется.",
    "connect_sure": "Записать это в {path}?",
    "connect_unasked": "Спросить некого. Чтобы записать без вопроса, добавьте --yes.",
    "connect_kept": "{path} остаётся как был.",
    "connect_written": "Записано: {path}",
    "connect_copy": "То, что там было, сохранено в {path}.",
    "connect_private": "Теперь {path} можете читать только вы, потому что в нём ключ.",
    "connect_changed": "Кто-то тем временем изменил {path}, поэтому ничего не записано. Попробуйте ещё раз.",
    "connect_no_regular": "{path} - не файл.",
    "connect_not_text": "{path} - не текст в UTF-8, поэтому остаётся как есть.",
    "connect_unparsable": "{path} остаётся как есть: {reason} Исправьте его или впишите настройки сами.",
    "connect_fault_at": "в нём ошибка около строки {line}.",
    "connect_fault_kind": 'то, что стоит в нём под именем "{name}", этим настройкам не место.',
    "connect_unfit": "в нём не записать знак ' из ключа или имени модели.",
    "note_slots": "Рядом с главным ответом просит заголовки и прочее: с одним аккаунтом запускайте прокси с "
    "`QWENPROXY_ACCOUNT_CONCURRENCY=4`, иначе эта работа ждёт по минуте.",
    "note_window": "У незнакомой модели предполагает окно в миллион токенов; настоящее ему сообщают "
    "`CLAUDE_CODE_MAX_CONTEXT_TOKENS` и `CLAUDE_CODE_AUTO_COMPACT_WINDOW`.",
    "note_fast_model": "`ANTHROPIC_DEFAULT_HAIKU_MODEL` отвечает на мелкие вопросы, например о заголовке.",
    "note_retries": "Сам он спрашивает десять раз, прежде чем показать, почему ответ не удался: это две с половиной "
    "минуты; с `CLAUDE_CODE_MAX_RETRIES`, равным 5, десять-двадцать секунд. `Not logged in · Please run /login` "
    "значит, что ключ неверен: запишите его настройки заново.",
    "note_no_v1": "В конце этого адреса нет `/v1`.",
    "note_codex_provider": "Нужен отдельный провайдер с `wire_api`; со встроенным длинные разговоры сжимаются другим "
    "вызовом.",
    "note_codex_model": "Предупреждает, что не знает метаданных модели: `apply_patch` он тогда вызывает через "
    "оболочку, и это работает.",
    "note_gemini_model": "Без модели просит вторую модель выбрать, поэтому задано `model.name`.",
    "note_gemini_env": "В папке, которой не доверяет, не читает `.env`: ответьте на его вопрос или задайте "
    "`GEMINI_CLI_TRUST_WORKSPACE=true`.",
    "note_gemini_https": "Для прокси на другой машине требует адрес с https.",
    "note_qwen_background": "После каждого ответа задаёт ещё один вопрос в фоне.",
    "note_qwen_retries": "Сам при неудаче молча ждёт много минут; с `maxRetries`, равным 0, говорит о причине через "
    "одну.",
    "note_opencode_limits": "Пока аккаунт ограничен, `opencode run` молча ждёт всё это время; почему, покажет "
    "`--print-logs`.",
    "note_copilot_offline": "Вход так не нужен. Запускайте там, где заданы эти переменные.",
    "note_aider_commit": "Функций не вызывает, поэтому годится любая модель; второй вопрос пишет сообщение коммита.",
    "note_cline_extension": "Это для его командной строки. В VS Code: в его настройках провайдер *OpenAI Compatible*, "
    "адрес, ключ и модель те же.",
    "note_continue_first": "Берёт первую модель списка: поставьте эту первой или выберите её.",
    "note_droid_model": "Выберите модель через `/model` или запустите `droid exec -m custom:qwenproxy-0`.",
    "note_webui_tools": "Сам шлёт с каждым сообщением 36 инструментов, 24 КБ; `DEFAULT_MODEL_METADATA` их выключает, "
    "а с ними заметки, память и поиск по воле модели. Вручную: *Admin Panel → Settings → Models → Model Defaults*.",
    "note_webui_tasks": "Заголовки, метки и подсказки - отдельные вопросы, до четырёх на сообщение: здесь они "
    "выключены, "
    "а остальное делает быстрая модель.",
    "note_webui_images": "Картинки - кнопка *Image* под сообщением; сайт даёт аккаунту несколько в день.",
    "note_webui_first": "Эти переменные читает только при самом первом запуске. Если уже запускался, введите адрес и "
    "ключ в *Admin Panel → Settings → Connections* или запускайте с `ENABLE_PERSISTENT_CONFIG=False`: тогда они "
    "действуют при каждом запуске, а изменённое в настройках живёт до следующего.",
    "note_webui_people": "Все, кроме администратора, не видят моделей, пока вы не откроете их в *Admin Panel → "
    "Settings → Models* или не зададите `BYPASS_MODEL_ACCESS_CONTROL=True`. Без ключа или с неверным пишет `Model not "
    "found`.",
    "note_webui_speech": "Речь в обе стороны: движок *OpenAI*, этот адрес и ключ в *Admin Panel → Settings → Audio*. "
    "Документы: оставьте его собственные эмбеддинги, у прокси их нет.",
    "note_docker": "Изнутри Docker прокси - другая машина: пишите `host.docker.internal` вместо `127.0.0.1` (на Linux "
    "с `--add-host=host.docker.internal:host-gateway`), создайте ключ и запускайте прокси с `QWENPROXY_HOST=0.0.0.0`.",
    "note_ollama_port": "Программе, которая не берёт адрес с путём, нужен `QWENPROXY_OLLAMA_PORT` - порт с одним "
    "этим API.",
    "note_ollama_names": "После имени модели может стоять `:latest`.",
    "note_home_assistant": "Home Assistant: *Настройки → Устройства и службы → Добавить интеграцию → Ollama*, этот "
    "адрес и "
    "ключ, если он задан.",
    "note_llm_model": "Затем: `llm -m qwenproxy`; `llm models default qwenproxy` делает её обычной.",
    "note_sdk_model": "Модель называет сама программа.",
    "note_langchain_structured": "Вызов функций и `with_structured_output` работают любым методом.",
    "note_ai_sdk_structured": "Без `supportsStructuredOutputs` схема не выходит из SDK.",
}
