"""The settings: one table that is read strictly, printed by `qwenproxy config`, and explained in the README.

Read once at start by the command line and handed on as a Config; the only reader of the environment. Must not touch
the disk or the network.
"""

from __future__ import annotations

import base64
import difflib
import ipaddress
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qwenproxy.errors import ConfigError

PREFIX = "QWENPROXY_"


def _text(text: str) -> str:
    if not text.isprintable():
        raise ValueError("text on one line")
    return text


def _path(text: str) -> Path | None:
    try:
        return Path(_text(text)).expanduser().absolute() if text else None
    except RuntimeError as error:
        raise ValueError("a path below a home folder that exists") from error


def _flag(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("1 or 0")


def _whole(low: int, high: int | None = None) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"[0-9]{1,18}", text) else -1
        if number < low or (high is not None and number > high):
            raise ValueError(f"a whole number {f'from {low}' if high is None else f'from {low} to {high}'}")
        return number

    return parse


def _seconds(*, zero: bool) -> Callable[[str], float]:
    def parse(text: str) -> float:
        number = float(text) if re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", text) else -1.0
        if number < 0 or (number == 0 and not zero) or not math.isfinite(number):
            raise ValueError(f"a number of seconds{'' if zero else ' above 0'}")
        return number

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(" or ".join((", ".join(words[:-1]), words[-1])))
        return text.lower()

    return parse


def _version(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.+_-]{1,40}", text):
        raise ValueError("a version such as 0.3.12")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"\[[0-9a-fA-F:.%]+\]|[0-9a-fA-F:.]+|[\w.-]+", text):
        raise ValueError("a host name or an address, without scheme and port")
    return text.strip("[]")


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or not re.fullmatch(r"[^\s\\?#]+", text):
        raise ValueError("an http or https address")
    return text.rstrip("/")


def _origin(text: str) -> str:
    text = _address(text)
    if urlsplit(text).path or "@" in text:
        raise ValueError("the start of an http or https address, without a path")
    return text


def _optional(parse: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: parse(text) if text else ""


def _key_hash(text: str) -> str:
    try:
        right = len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        right = False
    if not right:
        raise ValueError("the base64 SHA-256 of a public key")
    return text


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(one.rstrip("/").lower() for one in re.split(r"[\s,]+", text) if one)
    if not all(one == "*" or re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#@]+", one) for one in origins):
        raise ValueError("origins such as https://example.org, divided by commas")
    return origins


def _log_level(text: str) -> str:
    # The words on the right are those of the older project's logger.
    level = {"warn": "warning", "http": "debug", "verbose": "debug", "silly": "debug"}.get(text.lower(), text.lower())
    return _one_of("debug", "info", "warning", "error")(level)


@dataclass(frozen=True)
class Setting:
    """One setting. `older` are the names the older project read; `parse` raises ValueError naming what it expects."""

    name: str
    older: tuple[str, ...]
    default: str
    parse: Callable[[str], object]
    help: str


SETTINGS: tuple[Setting, ...] = (
    Setting("HOST", ("HOST",), "127.0.0.1", _host, "address to listen on; beyond this machine only with an API key"),
    Setting("PORT", ("PORT",), "3264", _whole(0, 65535), "port to listen on; 0 takes a free one"),
    Setting("BASE_URL", ("QWEN_BASE_URL",), "https://chat.qwen.ai", _origin, "the site"),
    Setting("BASE_URL_SPKI", (), "", _optional(_key_hash), "the only self-signed key Chrome accepts (its SHA-256)"),
    Setting("SITE_VERSION", (), "", _optional(_version), "the site's version; read from its page when empty"),
    Setting("SESSION_DIR", ("SESSION_DIR",), "./session", _path, "folder of all state"),
    Setting("DEFAULT_MODEL", ("DEFAULT_MODEL",), "qwen-max-latest", _text, "model of requests that name none"),
    Setting("CHROME", ("CHROME_PATH",), "", _path, "browser program; found when empty"),
    Setting("CHROMEDRIVER", (), "", _path, "driver program; found when empty"),
    Setting("DRIVER", (), "undetected", _one_of("undetected", "plain"), "how Selenium drives the browser"),
    Setting("HEADLESS", (), "1", _flag, "0 shows the browser windows"),
    Setting("GRID_URL", (), "", _optional(_address), "a Selenium Grid to open browsers on"),
    Setting("NO_MENU", ("SKIP_ACCOUNT_MENU", "NON_INTERACTIVE"), "0", _flag, "1 skips the menu at start"),
    Setting("MAX_FILE_SIZE", ("MAX_FILE_SIZE",), "10485760", _whole(1), "bytes per uploaded file"),
    Setting("MAX_BODY", (), "67108864", _whole(1), "bytes of a JSON body"),
    Setting("MAX_HISTORY_LENGTH", ("MAX_HISTORY_LENGTH",), "100", _whole(2), "messages kept per chat"),
    Setting("ACCOUNT_CONCURRENCY", (), "2", _whole(1), "running answers per account"),
    Setting("QUEUE_WAIT", (), "60", _seconds(zero=True), "seconds a request may wait for a free account"),
    Setting("STALL_TIMEOUT", (), "180", _seconds(zero=False), "seconds of silence of the site before giving up"),
    Setting("IDLE_BROWSER", (), "900", _seconds(zero=True), "seconds until an unused browser is closed; 0 never"),
    Setting("MAX_BROWSERS", (), "8", _whole(1), "browsers open at once"),
    Setting("ON_NO_ACCOUNTS", (), "exit", _one_of("exit", "wait"), "what to do when every account is INVALID"),
    Setting("UNKNOWN_MODEL", (), "default", _one_of("default", "error"), "take DEFAULT_MODEL, or answer 404"),
    Setting("THREADS", (), "128", _whole(1, 10_000), "request threads"),
    Setting("LOG_LEVEL", ("LOG_LEVEL",), "info", _log_level, "debug, info, warning or error"),
    Setting("CORS_ORIGINS", (), "", _origins, "web origins that may call the proxy, divided by commas"),
    Setting("LANG", (), "", _one_of("en", "ru"), "language of menu and messages, en or ru; else from the locale"),
)


@dataclass(frozen=True)
class Config:
    """All settings, read and checked. Sizes are in bytes, times in seconds; "" and None stand for not set."""

    host: str
    port: int
    base_url: str
    base_url_spki: str
    site_version: str
    session_dir: Path
    default_model: str
    chrome: Path | None
    chromedriver: Path | None
    driver: str
    headless: bool
    grid_url: str
    no_menu: bool
    max_file_size: int
    max_body: int
    max_history_length: int
    account_concurrency: int
    queue_wait: float
    stall_timeout: float
    idle_browser: float
    max_browsers: int
    on_no_accounts: str
    unknown_model: str
    threads: int
    log_level: str
    cors_origins: tuple[str, ...]
    lang: str
    set_by: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, options: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Config:
        """Read every setting: option, QWENPROXY_ variable, the older project's variable, default (contract section 2).

        `options` has field names; None there means not given. An empty value counts as unset. Raises ConfigError
        with one line naming the first setting that is unknown or unreadable.
        """
        options = options or {}
        environ = os.environ if environ is None else environ
        _refuse_unknown(options, environ)
        values: dict[str, Any] = {}
        set_by: dict[str, str] = {}
        for setting in SETTINGS:
            text, origin = _find(setting, options, environ)
            try:
                values[setting.name.lower()] = setting.parse(text.strip())
            except ValueError as error:
                name = f"--{setting.name.lower().replace('_', '-')}" if origin == "option" else origin
                raise ConfigError(f"{name} must be {error}, not {text[:80]!r}") from error
            set_by[setting.name] = origin
        return cls(**values, set_by=set_by)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return name, value, origin and help of each setting, for people.

        The origin is `option`, the name of a variable, or `default`.
        """
        return [
            (one.name, _shown(getattr(self, one.name.lower())), self.set_by.get(one.name, "default"), one.help)
            for one in SETTINGS
        ]

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can reach the proxy."""
        if self.host.lower() == "localhost":
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)


def _refuse_unknown(options: Mapping[str, object], environ: Mapping[str, str]) -> None:
    names = [setting.name for setting in SETTINGS]
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX)
        if name != variable and environ[variable] and name not in names:
            close = difflib.get_close_matches(name.upper(), names, n=1)
            hint = f"did you mean {PREFIX}{close[0]}?" if close else "see: qwenproxy config"
            raise ConfigError(f"{variable} is not a setting; {hint}")
    for option in options:
        if option.upper() not in names:
            raise ConfigError(f"{option} is not a setting; see: qwenproxy config")


def _find(setting: Setting, options: Mapping[str, object], environ: Mapping[str, str]) -> tuple[str, str]:
    """Return a setting's text and where it comes from."""
    option = options.get(setting.name.lower())
    if option is not None and _shown(option).strip():
        return _shown(option), "option"
    for variable in (PREFIX + setting.name, *setting.older):
        if environ.get(variable, "").strip():
            return environ[variable], variable
    if setting.name == "LANG":
        return _locale_language(environ)
    return setting.default, "default"


def _locale_language(environ: Mapping[str, str]) -> tuple[str, str]:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(variable):
            return ("ru" if environ[variable].lower().startswith("ru") else "en"), variable
    return "en", "default"


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value)


def display_name(environ: Mapping[str, str] = os.environ) -> str:
    """Return the X or Wayland display that a window would open on, "" where none is named."""
    return environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") or ""
