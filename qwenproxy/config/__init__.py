"""The settings: reads them strictly from options and environment, and prints them for `qwenproxy config`.

The command line loads them once at start and hands them on as a Config. No other module reads the environment. Must not
touch the disk or the network.
"""

from __future__ import annotations

import difflib
import ipaddress
import locale
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qwenproxy.config.table import SETTINGS, InvalidValue, Setting
from qwenproxy.errors import ConfigError
from qwenproxy.texts import Phrase

__all__ = ["PREFIX", "SETTINGS", "Config", "display_name", "language"]

PREFIX = "QWENPROXY_"


@dataclass(frozen=True)
class Config:
    """The values of all settings. Sizes are in bytes, times in seconds; "" and None mean "not set"."""

    host: str
    port: int
    ollama_port: int | None
    base_url: str
    base_url_spki: str
    site_version: str
    session_dir: Path
    default_model: str
    chrome: Path | None
    chromedriver: Path | None
    driver: str
    headless: str
    grid_url: str = field(repr=False)  # it may have a password, as the next one
    proxy: str = field(repr=False)
    no_menu: bool
    max_file_size: int
    max_body: int
    max_history_length: int
    tools: str
    inline_limit: int
    model_variants: bool
    api_chats: int
    spare_chats: bool
    responses_days: int
    admin: bool
    account_concurrency: int
    queue_wait: float
    stall_timeout: float
    idle_browser: float
    max_browsers: int
    accounts_per_browser: int
    on_no_accounts: str
    unknown_model: str
    threads: int
    log_level: str
    log_format: str
    cors_origins: tuple[str, ...]
    lang: str
    set_by: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    insecure: bool = False  # an option of `start` only: lets other machines in without any key

    @classmethod
    def load(cls, options: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Config:
        """Read every setting: option, QWENPROXY_ variable, the older project's variable, default (contract 2).

        The keys of `options` are field names. None and an empty text mean "not set". Raises ConfigError with one line
        on the first setting that is unknown, has an invalid value, or does not go with another one.
        """
        options = options or {}
        environ = os.environ if environ is None else environ
        _refuse_unknown(options, environ)
        values: dict[str, Any] = {}
        set_by: dict[str, str] = {}
        for setting in SETTINGS:
            text, origin = _text_of(setting, options, environ)
            try:
                values[setting.name.lower()] = setting.parse(text.strip())
            except InvalidValue as error:
                name = f"--{setting.name.lower().replace('_', '-')}" if origin == "option" else origin
                message = Phrase(
                    "bad_setting", name=name, expected=error.expected, value=repr(setting.public(text)[:80])
                )
                raise ConfigError(message) from error
            set_by[setting.name] = origin
        if values["grid_url"] and values["accounts_per_browser"] > 1:
            raise ConfigError(Phrase("grid_shares_nothing"))
        return cls(**values, set_by=set_by)

    def rows(self, lang: str = "") -> list[tuple[str, str, str, str]]:
        """Return name, value, origin and meaning of each setting; the meaning is in `lang`, or the setting's language.

        The origin is `option`, the name of a variable, or `default`. No value shows a password.
        """
        return [
            (
                one.name,
                one.public(_as_text(getattr(self, one.name.lower()))),
                self.set_by.get(one.name, "default"),
                one.meaning.say(lang or self.lang),
            )
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
            if close:
                raise ConfigError(Phrase("unknown_setting_close", name=variable, close=PREFIX + close[0]))
            raise ConfigError(Phrase("unknown_setting", name=variable))
    for option in options:
        if option.upper() not in names:
            raise ConfigError(Phrase("unknown_setting", name=option))


def _text_of(setting: Setting, options: Mapping[str, object], environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the text of a setting and its origin."""
    option = options.get(setting.name.lower())
    if option is not None and _as_text(option).strip():
        return _as_text(option), "option"
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
    if sys.platform == "win32" and (locale.getlocale()[0] or "").lower().startswith("ru"):
        return "ru", "Windows"  # has no variable for the language
    return "en", "default"


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value)


def language(environ: Mapping[str, str] = os.environ) -> str:
    """Return the person's language, en or ru, even where another setting is invalid."""
    lang = environ.get(f"{PREFIX}LANG", "").strip().lower()
    return lang if lang in ("en", "ru") else _locale_language(environ)[0]


def display_name(environ: Mapping[str, str] = os.environ) -> str:
    """Return the X or Wayland display that the environment names, "" for none."""
    return environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") or ""


def has_no_screen() -> bool:
    """Tell whether a window could be seen nowhere: on Linux without a display."""
    return sys.platform.startswith("linux") and not display_name()


def inherited_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return all of this process's environment, for a program that gets it with changes."""
    return dict(environ)


def cache_home(environ: Mapping[str, str] = os.environ) -> str:
    """Return the cache folder that the environment names, "" for none."""
    return environ.get("XDG_CACHE_HOME", "")


def named_place(variable: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the folder that the environment names for another program's settings, "" for none."""
    return environ.get(variable, "")
