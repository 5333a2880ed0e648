"""The texts of `qwenproxy connect`, in English: the command, and the notes on programs."""

from __future__ import annotations

EN = {
    "help_connect": "Show what to set in a program so that it uses this proxy, or change its settings file.\n"
    "Without PROGRAM: the programs that are known.",
    "help_connect_api": "API to use, where the program speaks several: chat, responses, messages, gemini or ollama "
    "[the first one listed].",
    "help_connect_model": "Model to use [QWENPROXY_DEFAULT_MODEL].",
    "help_connect_write": "Change the program's own settings file: show the difference, ask, keep a copy beside it.",
    "connect_each": "What to set for one of them: {command}",
    "connect_running": "The proxy runs on {url}.",
    "connect_not_running": "No proxy runs on session folder {folder}; the address {url} is that of the settings.",
    "connect_keyless": "No API key is set, so any text will do as one. To make one: {command}",
    "connect_key_missing": "This proxy is open to other machines and has no API key yet, so it lets nobody in. "
    "Make one first: {command}",
    "connect_key": "The key is {key}, one of those that this shows: {command}",
    "connect_model_unknown": "The proxy has no model {model}; unknown names are answered by QWENPROXY_DEFAULT_MODEL. "
    "See all: {url}",
    "connect_variables": "Variables of its environment, to be set where it starts:",
    "connect_file": "In {path}:",
    "connect_or_file": "Or in {path}:",
    "connect_write_hint": "This writes it there, after showing what changes: {command}",
    "connect_sample": "To copy:",
    "connect_notes": "Good to know:",
    "connect_unknown": "qwenproxy does not know the program {name}. Those it knows: {command}",
    "connect_unknown_close": "qwenproxy does not know the program {name}. Did you mean {close}?",
    "connect_no_api": "{title} does not speak {api}. It speaks: {apis}.",
    "connect_api_unknown": "There is no API {api}. There are: {apis}.",
    "connect_only_variables": "{title} has no settings file for this. Set what this shows: {command}",
    "connect_same": "{path} has it already; nothing changes.",
    "connect_sure": "Write this to {path}?",
    "connect_unasked": "Nobody is there to be asked. To write without asking add --yes.",
    "connect_kept": "{path} stays as it was.",
    "connect_written": "Written: {path}",
    "connect_copy": "What was there is kept in {path}.",
    "connect_private": "From now on only you can read {path}, because the key is in it.",
    "connect_changed": "{path} was changed by somebody else meanwhile, so nothing was written. Try again.",
    "connect_no_regular": "{path} is no file.",
    "connect_not_text": "{path} is not a text in UTF-8, so it stays as it is.",
    "connect_unparsable": "{path} stays as it is: {reason} Mend it, or write the settings in by hand.",
    "connect_fault_at": "it has a fault near line {line}.",
    "connect_fault_kind": 'what it has for "{name}" has no place for these settings.',
    "connect_unfit": "it cannot hold the character ' in the key or the model's name.",
    "note_slots": "It asks for titles and side work beside the main answer: with one account start the proxy with "
    "`QWENPROXY_ACCOUNT_CONCURRENCY=4`, else that work waits for a minute.",
    "note_window": "It takes a window of a million tokens for models it does not know; "
    "`CLAUDE_CODE_MAX_CONTEXT_TOKENS` "
    "and `CLAUDE_CODE_AUTO_COMPACT_WINDOW` tell it the true one.",
    "note_fast_model": "`ANTHROPIC_DEFAULT_HAIKU_MODEL` answers its small questions, such as titles.",
    "note_retries": "By itself it asks ten times before it shows why an answer failed, which takes two minutes and a "
    "half; with `CLAUDE_CODE_MAX_RETRIES` of 5, ten to twenty seconds. `Not logged in · Please run /login` means that "
    "the key is wrong: write its settings anew.",
    "note_no_v1": "This address has no `/v1` at its end.",
    "note_codex_provider": "It needs a provider of its own with `wire_api`; with the built-in one the compacting of "
    "long "
    "conversations is done by another call.",
    "note_codex_model": "It warns that it has no metadata for the model: it then calls `apply_patch` through the "
    "shell, which works.",
    "note_gemini_model": "Without a model it asks a second one to choose, so `model.name` is set.",
    "note_gemini_env": "In a folder it does not trust it reads no `.env`: answer its question, or set "
    "`GEMINI_CLI_TRUST_WORKSPACE=true`.",
    "note_gemini_https": "For a proxy on another machine it demands an address with https.",
    "note_qwen_background": "It asks once more in the background after each answer.",
    "note_qwen_retries": "By itself it waits for many minutes without a word when an answer fails; with `maxRetries` "
    "of 0 it says why after one.",
    "note_opencode_limits": "While an account is limited `opencode run` waits without a word, for as long as the "
    "limit lasts; `--print-logs` shows why.",
    "note_copilot_offline": "It needs no login this way. Start it where these variables are set.",
    "note_aider_commit": "It calls no functions, so any model will do; a second question writes the commit's message.",
    "note_cline_extension": "This is for its command line. In VS Code: its settings, provider *OpenAI Compatible*, "
    "with the same address, key and model.",
    "note_continue_first": "It takes the first model of the list: put this one first, or choose it.",
    "note_droid_model": "Choose the model with `/model`, or start `droid exec -m custom:qwenproxy-0`.",
    "note_webui_tools": "By itself it sends 36 tools with every message, 24 KB; `DEFAULT_MODEL_METADATA` switches "
    "them off, and with them its notes, its memory and searches of the model's own. By hand: *Admin Panel → Settings "
    "→ Models → Model Defaults*.",
    "note_webui_tasks": "Titles, tags and follow-ups are questions of their own, up to four for each message: here "
    "they "
    "are off, and the fast model has the rest.",
    "note_webui_images": "Pictures are for *Image* below a message; the site gives an account a few a day.",
    "note_webui_first": "It reads these variables on its very first start only. If it has run before, enter address "
    "and key in *Admin Panel → Settings → Connections*, or start it with `ENABLE_PERSISTENT_CONFIG=False`: then they "
    "count at every start, and what is changed in its settings lasts until the next one.",
    "note_webui_people": "Other people than its admin see no model before you make some public in *Admin Panel → "
    "Settings → Models*, or set `BYPASS_MODEL_ACCESS_CONTROL=True`. Without a key, or with a wrong one, it says "
    "`Model not found`.",
    "note_webui_speech": "Speech, both ways: engine *OpenAI* with this address and key in *Admin Panel → Settings → "
    "Audio*. Documents: keep its own embedding engine, the proxy has none.",
    "note_docker": "Inside Docker the proxy is another machine: write `host.docker.internal` for `127.0.0.1` (on "
    "Linux with `--add-host=host.docker.internal:host-gateway`), make a key, and start the proxy with "
    "`QWENPROXY_HOST=0.0.0.0`.",
    "note_ollama_port": "A program that takes no path in the address needs `QWENPROXY_OLLAMA_PORT`, a port with "
    "this API "
    "alone.",
    "note_ollama_names": "Models may have `:latest` behind their name.",
    "note_home_assistant": "Home Assistant: *Settings → Devices & services → Add integration → Ollama*, with this "
    "address "
    "and, where one is set, the key.",
    "note_llm_model": "Then: `llm -m qwenproxy`; `llm models default qwenproxy` makes it the usual one.",
    "note_sdk_model": "Your program still has to name a model.",
    "note_langchain_structured": "Function calling and `with_structured_output` work with every method.",
    "note_ai_sdk_structured": "Without `supportsStructuredOutputs` a schema never leaves the SDK.",
}
