"""The table of settings: names, older names, defaults, and a parser for each.

Only the package's `__init__` uses it, which knows where the texts come from. Must not touch the disk or the network.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from qwenproxy.texts import Phrase


class InvalidValue(ValueError):
    """The value of a setting is invalid."""

    def __init__(self, expected: Phrase) -> None:
        """`expected` names the values that are valid."""
        super().__init__(str(expected))
        self.expected = expected


def _text(text: str) -> str:
    if not text.isprintable():
        raise InvalidValue(Phrase("expected_text"))
    return text


def _path(text: str) -> Path | None:
    try:
        return Path(_text(text)).expanduser().absolute() if text else None
    except RuntimeError as error:
        raise InvalidValue(Phrase("expected_path")) from error


def _flag(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise InvalidValue(Phrase("expected_flag"))


def _headless(text: str) -> str:
    if text.lower() == "virtual":
        return "virtual"
    try:
        return "1" if _flag(text) else "0"
    except InvalidValue as error:
        raise InvalidValue(Phrase("expected_word", words="1, 0", last="virtual")) from error


def _whole(low: int, high: int | None = None) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"[0-9]{1,18}", text) else -1
        if number < low or (high is not None and number > high):
            if high is None:
                raise InvalidValue(Phrase("expected_whole", low=low))
            raise InvalidValue(Phrase("expected_whole_between", low=low, high=high))
        return number

    return parse


_port = _whole(0, 65535)


def _port_or_none(text: str) -> int | None:
    return _port(text) if text else None


def _seconds(*, zero: bool) -> Callable[[str], float]:
    def parse(text: str) -> float:
        number = float(text) if re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", text) else -1.0
        if number < 0 or (number == 0 and not zero) or not math.isfinite(number):
            raise InvalidValue(Phrase("expected_seconds") if zero else Phrase("expected_seconds_above"))
        return number

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise InvalidValue(Phrase("expected_word", words=", ".join(words[:-1]), last=words[-1]))
        return text.lower()

    return parse


def _version(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.+_-]{1,40}", text):
        raise InvalidValue(Phrase("expected_version"))
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"\[[0-9a-fA-F:.%]+\]|[0-9a-fA-F:.]+|[\w.-]+", text):
        raise InvalidValue(Phrase("expected_host"))
    return text.strip("[]")


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or not re.fullmatch(r"[^\s\\?#]+", text):
        raise InvalidValue(Phrase("expected_address"))
    return text.rstrip("/")


def _grid(text: str) -> str:
    text, login = _address(text), urlsplit(text).netloc.rpartition("@")[0]
    if re.search(r"%(?![0-9A-Fa-f]{2})", login) or urlsplit(text).query or urlsplit(text).fragment:
        raise InvalidValue(Phrase("expected_grid"))
    return text


def _proxy(text: str) -> str:
    # assembly.py reads the rest: user and password.
    if not re.fullmatch(r"(https?|socks5h?)://(.*@)?[^\s/?#@]+/?", text, re.IGNORECASE):
        raise InvalidValue(Phrase("expected_proxy"))
    return text


def _origin(text: str) -> str:
    text = _address(text)
    if urlsplit(text).path or "@" in text:
        raise InvalidValue(Phrase("expected_origin"))
    return text


def _optional(parse: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: parse(text) if text else ""


def _key_hash(text: str) -> str:
    try:
        is_valid = len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        is_valid = False
    if not is_valid:
        raise InvalidValue(Phrase("expected_key_hash"))
    return text


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(one.rstrip("/").lower() for one in re.split(r"[\s,]+", text) if one)
    if not all(one == "*" or re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#@]+", one) for one in origins):
        raise InvalidValue(Phrase("expected_origins"))
    return origins


def _log_level(text: str) -> str:
    # The keys are level names of the older project's logger.
    level = {"warn": "warning", "http": "debug", "verbose": "debug", "silly": "debug"}.get(text.lower(), text.lower())
    return _one_of("debug", "info", "warning", "error")(level)


@dataclass(frozen=True)
class Setting:
    """One setting.

    `older` are the variables that the older project read. `parse` turns a text into the value; it raises InvalidValue.
    A text of a setting that `has_login` may have a user and password in it.
    """

    name: str
    older: tuple[str, ...]
    default: str
    parse: Callable[[str], object]
    has_login: bool = False

    def public(self, text: str) -> str:
        """Return a text of this setting as people may see it: without user and password."""
        return re.sub(r"^(\w+://)?.*@", r"\1...@", text, flags=re.DOTALL) if self.has_login else text

    @property
    def meaning(self) -> Phrase:
        """What the setting is for."""
        return Phrase(f"setting_{self.name.lower()}")


SETTINGS: tuple[Setting, ...] = (
    Setting("HOST", ("HOST",), "127.0.0.1", _host),
    Setting("PORT", ("PORT",), "3264", _port),
    Setting("OLLAMA_PORT", (), "", _port_or_none),
    Setting("BASE_URL", ("QWEN_BASE_URL",), "https://chat.qwen.ai", _origin),
    Setting("BASE_URL_SPKI", (), "", _optional(_key_hash)),
    Setting("SITE_VERSION", (), "", _optional(_version)),
    Setting("SESSION_DIR", ("SESSION_DIR",), "./session", _path),
    Setting("DEFAULT_MODEL", ("DEFAULT_MODEL",), "qwen-max-latest", _text),
    Setting("CHROME", ("CHROME_PATH",), "", _path),
    Setting("CHROMEDRIVER", (), "", _path),
    Setting("DRIVER", (), "undetected", _one_of("undetected", "plain")),
    Setting("HEADLESS", (), "1", _headless),
    Setting("GRID_URL", (), "", _optional(_grid), has_login=True),
    Setting("PROXY", (), "", _optional(_proxy), has_login=True),
    Setting("NO_MENU", ("SKIP_ACCOUNT_MENU", "NON_INTERACTIVE"), "0", _flag),
    Setting("MAX_FILE_SIZE", ("MAX_FILE_SIZE",), "10485760", _whole(1)),
    Setting("MAX_BODY", (), "67108864", _whole(1)),
    Setting("MAX_HISTORY_LENGTH", ("MAX_HISTORY_LENGTH",), "100", _whole(2)),
    Setting("TOOLS", (), "auto", _one_of("auto", "native", "prompt")),
    Setting("INLINE_LIMIT", (), "45000", _whole(1000)),
    Setting("MODEL_VARIANTS", (), "0", _flag),
    Setting("API_CHATS", (), "1000", _whole(0)),
    Setting("SPARE_CHATS", (), "1", _flag),
    Setting("RESPONSES_DAYS", (), "30", _whole(1, 36_500)),
    Setting("ADMIN", (), "1", _flag),
    Setting("ACCOUNT_CONCURRENCY", (), "2", _whole(1)),
    Setting("QUEUE_WAIT", (), "60", _seconds(zero=True)),
    Setting("STALL_TIMEOUT", (), "180", _seconds(zero=False)),
    Setting("IDLE_BROWSER", (), "900", _seconds(zero=True)),
    Setting("MAX_BROWSERS", (), "8", _whole(1)),
    Setting("ACCOUNTS_PER_BROWSER", (), "1", _whole(1, 100)),
    Setting("ON_NO_ACCOUNTS", (), "exit", _one_of("exit", "wait")),
    Setting("UNKNOWN_MODEL", (), "default", _one_of("default", "error")),
    Setting("THREADS", (), "128", _whole(1, 10_000)),
    Setting("LOG_LEVEL", ("LOG_LEVEL",), "info", _log_level),
    Setting("LOG_FORMAT", (), "text", _one_of("text", "json")),
    Setting("CORS_ORIGINS", (), "", _origins),
    Setting("LANG", (), "", _one_of("en", "ru")),
)
