"""The errors for people, the messages of a stopping server, and the meanings of the settings, in English."""

from __future__ import annotations

EN = {
    "folder_refused": "cannot create the folder {path}: {reason}",
    "write_refused": "cannot write {path}: {reason}",
    "delete_refused": "cannot delete {path}: {reason}",
    "set_aside_refused": "cannot set aside {path}: {reason}",
    "read_refused": "cannot read {path}: {reason}",
    "no_regular_file": "{path} is no file that could be replaced. Name another one.",
    "look_refused": "cannot access {path}: {reason}",
    "lock_refused": "cannot lock {path}: {reason}",
    "list_refused": "cannot list {path}: {reason}",
    "path_busy": "another qwenproxy has used {path} for over {seconds} seconds: wait until it finishes or stop it, "
    "then try again",
    "bad_setting": "{name} must be {expected}, not {value}",
    "unknown_setting": "{name} is not a setting; qwenproxy config lists them",
    "unknown_setting_close": "{name} is not a setting; did you mean {close}?",
    "expected_text": "text on one line",
    "expected_path": "a path whose home folder (~) exists",
    "expected_flag": "1 or 0",
    "expected_whole": "a whole number from {low}",
    "expected_whole_between": "a whole number from {low} to {high}",
    "expected_seconds": "a number of seconds",
    "expected_seconds_above": "a number of seconds above 0",
    "expected_word": "{words} or {last}",
    "expected_version": "a version such as 0.3.12",
    "expected_host": "a host name or an address, without scheme and port",
    "expected_grid": "http(s)://user:password@host:port, a % in user and password written as %25",
    "expected_address": "an http or https address",
    "expected_origin": "an http or https address without a path",
    "expected_key_hash": "the SHA-256 of a public key in base64",
    "expected_origins": "origins such as https://example.org, separated by commas",
    "install_browser": "Install Chrome or Chromium with its driver (Debian/Ubuntu: apt-get install chromium "
    "chromium-driver), or set QWENPROXY_CHROME and QWENPROXY_CHROMEDRIVER to their paths.",
    "no_program": "{setting} names {path}, but that is not a program that can run.",
    "program_fails": "{path} does not run ({reason}). {advice}",
    "program_fails_saying": "{path} does not run ({how}): {words} {cure}",
    "no_browser": "There is no Chrome or Chromium on this machine, and the download failed. {advice}",
    "no_xvfb": "QWENPROXY_HEADLESS=virtual needs Xvfb, and it is not installed. Install it (Debian/Ubuntu: apt-get "
    "install xvfb; Fedora: dnf install xorg-x11-server-Xvfb; Arch: pacman -S xorg-server-xvfb), or set "
    "QWENPROXY_HEADLESS=1.",
    "virtual_needs_linux": "QWENPROXY_HEADLESS=virtual works on Linux only. Set it to 1 (no windows) or 0 (windows).",
    "no_driver": "There is no driver for {path} on this machine, and the download failed. {advice}",
    "browser_cannot_start": "{path} cannot be started: {reason}. {cure}",
    "browser_ended": "{path} ended at once ({how}): {words} {cure}",
    "browser_ended_silent": "{path} ended at once ({how}) and gave no reason. {cure}",
    "browser_late": "{path} did not start within {seconds} s. {cure}",
    "browser_late_saying": "{path} did not start within {seconds} s: {words} {cure}",
    "browser_died": "The browser ends while it opens the site. {reason} Run: qwenproxy doctor",
    "driver_unfit": "The driver is for version {driver}, but the browser has version {browser} (the driver says: "
    "{words}) {cure}",
    "driver_cannot_attach": "The driver could not attach to the browser: {words} {cure}",
    "driver_copy_refused": "The patched copy of the driver cannot be written to {path}: {reason}. {cure}",
    "folder_forbids_programs": "programs cannot run from there",
    "silent_for": "no answer within {seconds} s",
    "exit_status": "exit status {status}",
    "exit_signal": "signal {name}",
    "cure_versions": "Install the same version of browser and driver (Debian/Ubuntu: apt-get update && apt-get install "
    "chromium chromium-driver), or set QWENPROXY_CHROMEDRIVER to a matching driver.",
    "cure_versions_named": "Set QWENPROXY_CHROMEDRIVER to a driver of the browser's version, or remove this setting: "
    "qwenproxy then finds or downloads a matching driver.",
    "cure_sandbox": "Chrome needs its sandbox: allow normal users to make user namespaces (Ubuntu 23.10 and later: "
    "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for this browser; Docker: a "
    "seccomp profile that allows them), or start qwenproxy as root, where Chrome runs without it.",
    "cure_libraries": "Install the libraries that the browser needs (Debian/Ubuntu: apt-get install chromium "
    "chromium-driver installs all of them), or set QWENPROXY_CHROME to another browser.",
    "cure_display": "There is no screen for a window: set DISPLAY, or QWENPROXY_HEADLESS to 1 or virtual.",
    "cure_profile": "Another browser has the profile open: close it, then try again.",
    "cure_disk": "Make room on the disk, or make it writable; then try again.",
    "cure_shm": "Make /dev/shm larger (Docker: --shm-size=1g).",
    "cure_memory": "The machine may have too little memory: stop other programs, or lower QWENPROXY_MAX_BROWSERS.",
    "cure_rights": "Chrome cannot write its files: let the user who runs qwenproxy write to the session folder and to "
    "the home folder (HOME).",
    "cure_noexec": "This disk forbids running programs (noexec): set XDG_CACHE_HOME or QWENPROXY_SESSION_DIR to a "
    "folder on another disk, or mount this one without noexec.",
    "cure_executable": "Let the user who runs qwenproxy execute the program (chmod a+rx), or set QWENPROXY_CHROME or "
    "QWENPROXY_CHROMEDRIVER to another one.",
    "cure_architecture": "The program does not fit this kind of machine: install a browser and a driver made for it.",
    "cure_handover": "The program seems to start a browser in the background: set QWENPROXY_CHROME to the browser "
    "itself.",
    "cure_cache": "Set XDG_CACHE_HOME to a folder that qwenproxy can write to, or use the driver unpatched: "
    "QWENPROXY_DRIVER=plain.",
    "cure_late": "The machine may be too busy, or the program hangs. Try again, or set QWENPROXY_CHROME or "
    "QWENPROXY_CHROMEDRIVER to another program. Its output is in {log}.",
    "display_late": "The virtual screen ({path}) did not start within {seconds} s: the machine may be too busy, or the "
    "program hangs. Try again; its output is in {log}.",
    "cure_log": "Its full output is in {log}.",
    "gunicorn_setting": "The installed gunicorn {version} does not know the setting {name}. Install the version that "
    "qwenproxy needs (pip install --upgrade qwenproxy), or start with --server waitress.",
    "profile_held": "The browser profile of {id} is in use by process {pid}. Stop that process, then try again.",
    "account_removed_meanwhile": "Account {id} was removed while its window was open.",
    "login_unrenewed": "The site did not renew this account's login. The next try is in a minute.",
    "login_unfinished": "The login was not finished ({outcome}).",
    "user_known": "This user of the site is already account {id}. To log in to it again: qwenproxy account relogin "
    "{id}",
    "other_user": "This login belongs to another user, so account {id} stays as it was. Log in as the user of {id}, or "
    "add an account for the other user: qwenproxy account add",
    "other_user_known": "This login belongs to account {other}, so account {id} stays as it was. Log in as the user of "
    "{id}, or renew the other account: qwenproxy account relogin {other}",
    "no_token": "This is not a login token. A token has three parts, separated by dots, and begins with eyJ.",
    "expired_token": "This token expired at {moment}. Log in to the site again and copy the new one.",
    "account_exists": "Account {id} already exists. Log in to it again (relogin), or choose another ID.",
    "account_reserved": "Account {id} is set aside for a login that is under way. Wait until that has ended.",
    "bad_account_id": "An account ID must work as a folder name. Use up to 128 characters, no / \\ : * ? and no dot at "
    "either end.",
    "folder_stays": "account {id} is removed, but its folder {path} is not: {reason}",
    "no_session_folder": "{path} has neither tokens.json nor accounts nor history. Name a session folder.",
    "same_session_folder": "{path} is the session folder in use. Name the folder to import from.",
    "bad_key": 'An API key is one word of ASCII letters, digits and signs, and does not begin with "#".',
    "key_file_gone": "{path} is missing: start the proxy again, or create the file (empty for no keys)",
    "key_file_unreadable": "{path} is not UTF-8 text: save it as UTF-8; until then every client is refused",
    "already_running": "qwenproxy is already running on {path} (process {pid}). Stop it first, or give this one its "
    "own folder with QWENPROXY_SESSION_DIR.",
    "already_running_at": "qwenproxy is already running on {path} (process {pid}) and listens on {url}. Stop it first, "
    "or give this one its own folder with QWENPROXY_SESSION_DIR.",
    "cannot_listen": "Cannot listen on {host} port {port}: {reason}. {advice}",
    "advice_host": "{host} is not an address of this machine: set QWENPROXY_HOST to one that is (127.0.0.1 for "
    "programs on this machine only, 0.0.0.0 for all addresses).",
    "advice_port_right": "Only an administrator may use this port: set {setting} to 1024 or higher.",
    "advice_port_taken": "Stop the program that uses the port, or choose another one with QWENPROXY_PORT.",
    "advice_ollama_runs": "Stop the program that uses the port, perhaps Ollama itself, or choose another one with "
    "QWENPROXY_OLLAMA_PORT.",
    "advice_listen": "Choose another address with QWENPROXY_HOST or another port with {setting}.",
    "same_ports": "QWENPROXY_PORT and QWENPROXY_OLLAMA_PORT are both {port}. Set QWENPROXY_OLLAMA_PORT to another "
    "port; 11434 is Ollama's own.",
    "server_stopping": "Stopping.",
    "server_stopping_busy": "Stopping: running requests have up to {seconds} seconds to finish. Press Ctrl-C again to "
    "end them at once.",
    "server_stopped": "Stopped.",
    "setting_host": "address to listen on; beyond this machine only with an API key",
    "setting_port": "port to listen on; 0 takes a free one",
    "setting_ollama_port": "a second port, with Ollama's API at its root; Ollama itself has 11434; empty: none",
    "setting_base_url": "address of the site",
    "setting_base_url_spki": "SHA-256 of the only self-signed key that Chrome accepts",
    "setting_site_version": "version of the site; when empty, read from its page",
    "setting_session_dir": "folder for all data",
    "setting_default_model": "model for requests that name none",
    "setting_chrome": "path of the browser; when empty, qwenproxy finds it",
    "setting_chromedriver": "path of the driver; when empty, qwenproxy finds it",
    "setting_driver": "undetected uses a patched copy of the driver, plain the driver as it is",
    "setting_headless": "1 opens no windows, 0 opens them on your screen, virtual on a screen of its own that "
    "nobody sees (Linux with Xvfb)",
    "setting_grid_url": "address of a Selenium Grid to open browsers on: http(s)://[user:password@]host:port",
    "setting_no_menu": "1 skips the menu at start",
    "setting_max_file_size": "bytes per uploaded file",
    "setting_max_body": "bytes of a JSON body",
    "setting_max_history_length": "messages to keep per chat",
    "setting_tools": "how functions are offered to the site: natively, in the prompt, or as it works best",
    "setting_inline_limit": "characters to send as text; what is over goes as a text file",
    "setting_model_variants": "1 lists models with the endings -thinking, -fast and -search, too",
    "setting_responses_days": "days that stored responses and conversations are kept after their last use",
    "setting_api_chats": "recorded API chats to keep; over it the oldest go, here and on the site; 0 records none",
    "setting_spare_chats": "make an empty chat ahead for each account in use, so that answers begin sooner; 0: none",
    "setting_admin": "0 switches the dashboard and its API off",
    "setting_account_concurrency": "running answers per account",
    "setting_queue_wait": "seconds a request may wait for a free account",
    "setting_stall_timeout": "seconds to wait while the site is silent",
    "setting_idle_browser": "seconds until an unused browser closes; 0: never",
    "setting_max_browsers": "browsers open at once",
    "setting_accounts_per_browser": "accounts in one browser; over 1 they share it, each with cookies of its own",
    "setting_on_no_accounts": "what to do when every account is INVALID",
    "setting_unknown_model": "for an unknown model: use DEFAULT_MODEL, or answer 404",
    "setting_threads": "request threads",
    "setting_log_level": "debug, info, warning or error",
    "setting_log_format": "text for people, json for programs that collect logs",
    "setting_cors_origins": "web origins that may call the proxy, separated by commas",
    "setting_lang": "language of menu and messages, en or ru; when empty, from the locale",
}
