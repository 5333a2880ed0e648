"""The errors for people, what the server says when it stops, and what the settings mean, in English."""

from __future__ import annotations

EN = {
    "folder_refused": "cannot create the folder {path}: {reason}",
    "write_refused": "cannot write {path}: {reason}",
    "delete_refused": "cannot delete {path}: {reason}",
    "set_aside_refused": "cannot set aside {path}: {reason}",
    "read_refused": "cannot read {path}: {reason}",
    "look_refused": "cannot look at {path}: {reason}",
    "lock_refused": "cannot lock {path}: {reason}",
    "list_refused": "cannot list {path}: {reason}",
    "path_busy": "{path} is in use by another qwenproxy for more than {seconds} seconds: let that command finish or "
    "end it, then try again",
    "bad_setting": "{name} must be {expected}, not {value}",
    "unknown_setting": "{name} is not a setting; see: qwenproxy config",
    "unknown_setting_close": "{name} is not a setting; did you mean {close}?",
    "expected_text": "text on one line",
    "expected_path": "a path below a home folder that exists",
    "expected_flag": "1 or 0",
    "expected_whole": "a whole number from {low}",
    "expected_whole_between": "a whole number from {low} to {high}",
    "expected_seconds": "a number of seconds",
    "expected_seconds_above": "a number of seconds above 0",
    "expected_word": "{words} or {last}",
    "expected_version": "a version such as 0.3.12",
    "expected_host": "a host name or an address, without scheme and port",
    "expected_address": "an http or https address",
    "expected_origin": "the start of an http or https address, without a path",
    "expected_key_hash": "the base64 SHA-256 of a public key",
    "expected_origins": "origins such as https://example.org, divided by commas",
    "install_browser": "Install Chrome or Chromium with its driver (Debian/Ubuntu: apt-get install chromium "
    "chromium-driver), or name them with QWENPROXY_CHROME and QWENPROXY_CHROMEDRIVER.",
    "no_program": "{setting} names {path}, which is no program that can be run.",
    "program_fails": "{path} does not run ({reason}). {advice}",
    "program_fails_saying": "{path} does not run ({how}): {words} {cure}",
    "no_browser": "There is no Chrome or Chromium on this machine, and none could be fetched. {advice}",
    "no_driver": "There is no driver for {path} on this machine, and none could be fetched. {advice}",
    "browser_cannot_start": "{path} cannot be started: {reason}. {cure}",
    "browser_ended": "{path} ended at once ({how}): {words} {cure}",
    "browser_ended_silent": "{path} ended at once ({how}) and said nothing. {cure}",
    "browser_late": "{path} did not come up within {seconds} s. {cure}",
    "browser_late_saying": "{path} did not come up within {seconds} s: {words} {cure}",
    "browser_died": "The browser does not stay alive while it opens the site. {reason} See: qwenproxy doctor",
    "driver_unfit": "The driver is for version {driver}, but the browser has version {browser} (the driver says: "
    "{words}) {cure}",
    "driver_cannot_attach": "The driver could not attach to the browser: {words} {cure}",
    "driver_copy_refused": "The patched copy of the driver cannot be kept in {path}: {reason}. {cure}",
    "folder_forbids_programs": "programs cannot run from there",
    "silent_for": "no answer within {seconds} s",
    "exit_status": "exit status {status}",
    "exit_signal": "signal {name}",
    "cure_versions": "Install browser and driver of one version (Debian/Ubuntu: apt-get update && apt-get install "
    "chromium chromium-driver), or name a driver that fits with QWENPROXY_CHROMEDRIVER.",
    "cure_versions_named": "Set QWENPROXY_CHROMEDRIVER to a driver of the browser's version, or remove it: then a "
    "driver that fits is looked for, and fetched if need be.",
    "cure_sandbox": "Chrome wants its sandbox: let a normal user make user namespaces (Ubuntu 23.10 and later: sudo "
    "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for this browser; Docker: a "
    "seccomp profile that allows them), or start qwenproxy as root, where Chrome runs without it.",
    "cure_libraries": "Install what the browser needs (Debian/Ubuntu: apt-get install chromium chromium-driver brings "
    "all of it), or name another browser with QWENPROXY_CHROME.",
    "cure_display": "There is no screen for a window: set DISPLAY, or QWENPROXY_HEADLESS=1.",
    "cure_profile": "Another browser has the profile open: close it, then try again.",
    "cure_disk": "Make room on the disk, or make it writable; then try again.",
    "cure_shm": "Give /dev/shm more room (Docker: --shm-size=1g).",
    "cure_memory": "The machine may have too little memory: end something else, or lower QWENPROXY_MAX_BROWSERS.",
    "cure_rights": "Chrome cannot write where it has to: let the user who runs qwenproxy write to the session folder "
    "and to the home folder (HOME).",
    "cure_noexec": "The disk it is on does not let programs run (noexec): name a folder elsewhere with XDG_CACHE_HOME "
    "or QWENPROXY_SESSION_DIR, or mount the disk without noexec.",
    "cure_executable": "Let the user who runs qwenproxy execute it (chmod a+rx), or name another program with "
    "QWENPROXY_CHROME or QWENPROXY_CHROMEDRIVER.",
    "cure_architecture": "It is no program for this kind of machine: install the browser and the driver made for it.",
    "cure_handover": "It seems to start a browser in the background: name the browser itself with QWENPROXY_CHROME.",
    "cure_cache": "Name a folder that can be written with XDG_CACHE_HOME, or use the driver as it is: "
    "QWENPROXY_DRIVER=plain.",
    "cure_late": "The machine may be too busy, or the program hangs; try again, or name another one with "
    "QWENPROXY_CHROME or QWENPROXY_CHROMEDRIVER.",
    "cure_log": "{log} has all it said.",
    "gunicorn_setting": "The installed gunicorn {version} does not know the setting {name}: install the version that "
    "qwenproxy needs (pip install --upgrade qwenproxy), or use --server waitress.",
    "profile_held": "The browser profile of {id} is in use by process {pid}. Stop that server first, then try again.",
    "account_removed_meanwhile": "Account {id} was removed while its window was open.",
    "login_unfinished": "The login was not finished ({outcome}).",
    "user_known": "This user of the site is account {id} already. To give it a new login: "
    "qwenproxy account relogin {id}",
    "other_user": "This login is another user's than that of account {id}, which stays as it was. Log in as its own "
    "user, or give the other one an account: qwenproxy account add",
    "other_user_known": "This login is that of account {other}, not of {id}, which stays as it was. Log in as the user "
    "of {id}, or renew the other one: qwenproxy account relogin {other}",
    "no_token": "this is not a login token: it has three parts divided by dots and begins with eyJ",
    "expired_token": "this token expired at {moment}: log in to the site again and copy the new one",
    "account_exists": "there is an account {id} already: relogin it, or choose another id",
    "bad_account_id": "an account id is up to 128 characters long and can be the name of a folder",
    "folder_stays": "{id} is removed, but not its folder {path}: {reason}",
    "no_session_folder": "{path} holds neither tokens.json nor accounts nor history: name a session folder",
    "same_session_folder": "{path} is the session folder in use: there is nothing to take over",
    "bad_key": 'an API key is one word of letters, digits and signs of ASCII that does not begin with "#"',
    "key_file_gone": "{path} has gone: start the proxy again, or create the file (empty for no keys)",
    "key_file_unreadable": "{path} is not UTF-8 text: save it as UTF-8; until then no client is let in",
    "already_running": "qwenproxy is already running on {path} (process {pid}). Stop it first, or give this one its "
    "own folder with QWENPROXY_SESSION_DIR.",
    "already_running_at": "qwenproxy is already running on {path} (process {pid}) and listens on {url}. Stop it first, "
    "or give this one its own folder with QWENPROXY_SESSION_DIR.",
    "cannot_listen": "Cannot listen on {host} port {port}: {reason}. {advice}",
    "advice_host": "{host} is no address of this machine: set QWENPROXY_HOST to one it has (127.0.0.1 for programs on "
    "this machine alone, 0.0.0.0 for every address).",
    "advice_port_right": "Only an administrator may use that port: choose another one, from 1024 up, with "
    "QWENPROXY_PORT.",
    "advice_port_taken": "Stop the program that has the port, or choose another one with QWENPROXY_PORT.",
    "advice_listen": "Choose another address with QWENPROXY_HOST or another port with QWENPROXY_PORT.",
    "server_stopping": "Stopping.",
    "server_stopping_busy": "Stopping: what is still under way gets up to {seconds} seconds to finish; Ctrl-C once "
    "more ends it at once.",
    "server_stopped": "Stopped.",
    "setting_host": "address to listen on; beyond this machine only with an API key",
    "setting_port": "port to listen on; 0 takes a free one",
    "setting_base_url": "the site",
    "setting_base_url_spki": "the only self-signed key Chrome accepts (its SHA-256)",
    "setting_site_version": "the site's version; read from its page when empty",
    "setting_session_dir": "folder of all state",
    "setting_default_model": "model of requests that name none",
    "setting_chrome": "browser program; found when empty",
    "setting_chromedriver": "driver program; found when empty",
    "setting_driver": "how Selenium drives the browser",
    "setting_headless": "0 shows the browser windows",
    "setting_grid_url": "a Selenium Grid to open browsers on (has no effect yet)",
    "setting_no_menu": "1 skips the menu at start",
    "setting_max_file_size": "bytes per uploaded file",
    "setting_max_body": "bytes of a JSON body",
    "setting_max_history_length": "messages kept per chat",
    "setting_account_concurrency": "running answers per account",
    "setting_queue_wait": "seconds a request may wait for a free account",
    "setting_stall_timeout": "seconds of silence of the site before giving up",
    "setting_idle_browser": "seconds until an unused browser is closed; 0 never",
    "setting_max_browsers": "browsers open at once",
    "setting_on_no_accounts": "what to do when every account is INVALID",
    "setting_unknown_model": "take DEFAULT_MODEL, or answer 404",
    "setting_threads": "request threads",
    "setting_log_level": "debug, info, warning or error",
    "setting_cors_origins": "web origins that may call the proxy, divided by commas",
    "setting_lang": "language of menu and messages, en or ru; else from the locale",
}
