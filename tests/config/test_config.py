"""The settings: every source of a value, every invalid value, and the printed form."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import qwenproxy
from qwenproxy.config import SETTINGS, Config
from qwenproxy.errors import ConfigError

KEY_HASH = "A" * 43 + "="


def test_table_and_config_have_the_same_settings() -> None:
    fields = [field.name for field in dataclasses.fields(Config) if field.name not in ("set_by", "insecure")]
    assert fields == [setting.name.lower() for setting in SETTINGS]
    assert all(str(setting.meaning) for setting in SETTINGS)


def test_every_setting_is_read_somewhere() -> None:
    package = Path(qwenproxy.__file__).parent
    sources = [path.read_text("utf-8") for path in package.rglob("*.py") if path.parent.name != "config"]
    fields = [setting.name.lower() for setting in SETTINGS]
    assert [field for field in fields if not any(re.search(rf"config\.{field}\b", text) for text in sources)] == []


def test_without_options_and_variables_every_setting_has_its_default() -> None:
    config = Config.load({}, {})
    assert (config.host, config.port, config.base_url) == ("127.0.0.1", 3264, "https://chat.qwen.ai")
    assert (config.driver, config.headless, config.no_menu) == ("undetected", "1", False)
    assert (config.max_file_size, config.max_body, config.max_history_length) == (10485760, 67108864, 100)
    assert (config.queue_wait, config.stall_timeout, config.idle_browser) == (60, 180, 900)
    assert (config.chrome, config.chromedriver, config.cors_origins) == (None, None, ())
    assert (config.on_no_accounts, config.unknown_model, config.lang) == ("exit", "default", "en")
    assert config.session_dir == Path("session").absolute()


@pytest.mark.parametrize("url", ["http://me:%zz@hub:4444", "hub:4444", "http://", "http://hub:4444/?x", "http://hub:0"])
def test_an_address_of_a_grid_that_cannot_be_is_refused_by_name(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^QWENPROXY_GRID_URL"):
        Config.load({}, {"QWENPROXY_GRID_URL": url})


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_browsers_on_a_grid_are_not_shared(lang: str) -> None:
    grid = {"QWENPROXY_GRID_URL": "http://me:s3cret@hub:4444", "QWENPROXY_LANG": lang}
    assert Config.load({}, {**grid, "QWENPROXY_ACCOUNTS_PER_BROWSER": "1"}).grid_url
    with pytest.raises(ConfigError) as caught:
        Config.load({}, {**grid, "QWENPROXY_ACCOUNTS_PER_BROWSER": "2"})
    said = caught.value.say(lang)
    assert "QWENPROXY_ACCOUNTS_PER_BROWSER" in said and "QWENPROXY_GRID_URL" in said and "s3cret" not in said


def test_settings_come_from_the_environment_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWENPROXY_PORT", "4001")
    assert Config.load().port == 4001


def test_an_option_beats_a_variable_beats_an_older_variable_beats_the_default() -> None:
    environ = {"QWENPROXY_PORT": "2", "PORT": "3"}
    assert Config.load({"port": 1}, environ).port == 1
    assert Config.load({"port": None}, environ).port == 2
    assert Config.load({}, {"PORT": "3"}).port == 3
    assert Config.load({}, {"QWENPROXY_PORT": " ", "PORT": ""}).port == 3264


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("QWEN_BASE_URL", "https://localhost:8443/", "base_url", "https://localhost:8443"),
        ("CHROME_PATH", "/opt/chrome", "chrome", Path("/opt/chrome").absolute()),
        ("SKIP_ACCOUNT_MENU", "true", "no_menu", True),
        ("NON_INTERACTIVE", "1", "no_menu", True),
        ("LOG_LEVEL", "WARN", "log_level", "warning"),
        ("LOG_LEVEL", "silly", "log_level", "debug"),
        ("HOST", "[::1]", "host", "::1"),
        ("QWENPROXY_HEADLESS", "off", "headless", "0"),
        ("QWENPROXY_HEADLESS", "true", "headless", "1"),
        ("QWENPROXY_HEADLESS", "Virtual", "headless", "virtual"),
        ("QWENPROXY_PORT", "0", "port", 0),
        ("QWENPROXY_QUEUE_WAIT", "0", "queue_wait", 0.0),
        ("QWENPROXY_STALL_TIMEOUT", "1.5", "stall_timeout", 1.5),
        ("QWENPROXY_BASE_URL_SPKI", KEY_HASH, "base_url_spki", KEY_HASH),
        ("QWENPROXY_SITE_VERSION", "0.3.12", "site_version", "0.3.12"),
        ("QWENPROXY_GRID_URL", "http://grid:4444/wd/hub/", "grid_url", "http://grid:4444/wd/hub"),
        ("QWENPROXY_PROXY", "socks5://anna:p%40ss@[::1]:1080", "proxy", "socks5://anna:p%40ss@[::1]:1080"),
        ("QWENPROXY_CORS_ORIGINS", "https://A.org/, http://b:1", "cors_origins", ("https://a.org", "http://b:1")),
        ("QWENPROXY_LANG", "RU", "lang", "ru"),
    ],
    ids=str,
)
def test_a_variable_sets_its_field(variable: str, text: str, field: str, value: object) -> None:
    assert getattr(Config.load({}, {variable: text}), field) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("QWENPROXY_PORT", "65536"),
        ("QWENPROXY_PORT", "-1"),
        ("PORT", "3_264"),
        ("PORT", "٣"),
        ("PORT", "9" * 5000),
        ("HOST", "http://localhost"),
        ("HOST", "local host"),
        ("QWEN_BASE_URL", "ftp://chat.qwen.ai"),
        ("QWENPROXY_BASE_URL", "https://chat.qwen.ai/path"),
        ("QWENPROXY_BASE_URL", "https://me:secret@chat.qwen.ai"),
        ("QWENPROXY_BASE_URL", "https://host:port"),
        ("QWENPROXY_BASE_URL", "chat.qwen.ai"),
        ("QWENPROXY_BASE_URL_SPKI", "c2hvcnQ="),
        ("QWENPROXY_SITE_VERSION", "1\r\nx: y"),
        ("QWENPROXY_SESSION_DIR", "~no-such-person-here/x"),
        ("QWENPROXY_DRIVER", "remote"),
        ("QWENPROXY_HEADLESS", "maybe"),
        ("NON_INTERACTIVE", "please"),
        ("QWENPROXY_MAX_BODY", "0"),
        ("QWENPROXY_MAX_BODY", "64M"),
        ("QWENPROXY_MAX_HISTORY_LENGTH", "1"),
        ("QWENPROXY_STALL_TIMEOUT", "0"),
        ("QWENPROXY_STALL_TIMEOUT", "nan"),
        ("QWENPROXY_QUEUE_WAIT", "1e3"),
        ("QWENPROXY_CORS_ORIGINS", "example.org"),
        ("QWENPROXY_LANG", "de"),
        ("LOG_LEVEL", "loud"),
    ],
    ids=lambda words: words[:60],
)
def test_an_invalid_value_is_one_line_that_names_the_setting(variable: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.load({}, {variable: text})
    assert caught.value.message.startswith(f"{variable} must be ")
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2


def test_an_invalid_option_is_named_as_the_person_typed_it() -> None:
    with pytest.raises(ConfigError, match=r"^--max-body must be"):
        Config.load({"max_body": "much"}, {})


def test_an_unknown_variable_is_refused_with_the_closest_name() -> None:
    with pytest.raises(ConfigError, match="QWENPROXY_PROT is not a setting; did you mean QWENPROXY_PORT"):
        Config.load({}, {"QWENPROXY_PROT": "1"})
    with pytest.raises(ConfigError, match="QWENPROXY_XYZZY is not a setting"):
        Config.load({}, {"QWENPROXY_XYZZY": "1"})
    with pytest.raises(ConfigError, match="colour is not a setting"):
        Config.load({"colour": "1"}, {})
    assert Config.load({}, {"QWENPROXY_XYZZY": "", "OTHER_VARIABLE": "x"}).port == 3264


@pytest.mark.parametrize(
    ("environ", "lang", "set_by"),
    [
        ({"LANG": "ru_RU.UTF-8"}, "ru", "LANG"),
        ({"LC_ALL": "C", "LANG": "ru_RU.UTF-8"}, "en", "LC_ALL"),
        ({"LC_ALL": "", "LC_MESSAGES": "ru", "LANG": "en_US"}, "ru", "LC_MESSAGES"),
        ({"QWENPROXY_LANG": "en", "LANG": "ru_RU"}, "en", "QWENPROXY_LANG"),
        ({}, "en", "default"),
    ],
    ids=["LANG", "LC_ALL before LANG", "LC_MESSAGES", "own setting", "nothing"],
)
def test_the_language_comes_from_the_locale(environ: dict[str, str], lang: str, set_by: str) -> None:
    config = Config.load({}, environ)
    assert (config.lang, config.set_by["LANG"]) == (lang, set_by)


def test_rows_have_value_and_origin() -> None:
    config = Config.load({"headless": False}, {"PORT": "1", "QWENPROXY_CORS_ORIGINS": "http://a http://b"})
    rows = {name: (value, set_by) for name, value, set_by, _ in config.rows()}
    assert list(rows) == [setting.name for setting in SETTINGS]
    assert rows["HEADLESS"] == ("0", "option")
    assert rows["PORT"] == ("1", "PORT")
    assert rows["CORS_ORIGINS"] == ("http://a, http://b", "QWENPROXY_CORS_ORIGINS")
    assert rows["QUEUE_WAIT"] == ("60", "default")
    assert rows["CHROME"] == ("", "default")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:s3cret@grid:4444", "http://...@grid:4444"),
        ("https://me:s3@cret@grid", "https://...@grid"),
        ("http://grid:4444", "http://grid:4444"),
    ],
)
def test_the_password_of_an_address_is_not_shown(text: str, shown: str) -> None:
    config = Config.load({}, {"QWENPROXY_GRID_URL": text})
    rows = {name: value for name, value, _, _ in config.rows()}
    assert (config.grid_url, rows["GRID_URL"]) == (text, shown)
    assert "cret" not in repr(config)


@pytest.mark.parametrize("text", ["me:s3cret@grid:4444", "ftp://me:s3cret@grid", "http://me:s3cret@grid:99999999"])
def test_the_password_of_an_address_that_is_none_is_not_shown_either(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.load({}, {"QWENPROXY_GRID_URL": text})
    assert "cret" not in str(caught.value) and "QWENPROXY_GRID_URL" in str(caught.value)


def test_printed_values_can_be_loaded_again() -> None:
    config = Config.load({"idle_browser": 1234567.5, "chrome": "/opt/chrome"}, {"PORT": "1"})
    copy = Config.load({name.lower(): value for name, value, _, _ in config.rows()}, {})
    assert copy == config


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("::ffff:10.0.0.1", False),
        ("example.org", False),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(host: str, expected: bool) -> None:
    assert Config.load({"host": host}, {}).is_loopback is expected


@pytest.mark.parametrize("text", ["socks4://anna:s3cret@proxy:1", "http://anna:s3cret@host/path", "a://b:s3@cret@c d"])
def test_no_error_shows_the_password_of_an_address(text: str) -> None:
    with pytest.raises(ConfigError, match="QWENPROXY_PROXY") as caught:
        Config.load({}, {"QWENPROXY_PROXY": text})
    for lang in ("en", "ru"):
        assert "anna" not in caught.value.say(lang) and "cret" not in caught.value.say(lang)


def test_no_row_shows_the_password_of_an_address() -> None:
    rows = Config.load({}, {"QWENPROXY_PROXY": "socks5://anna:s3@cret@proxy:1"}).rows()
    [value] = [value for name, value, *_ in rows if name == "PROXY"]
    assert value == "socks5://...@proxy:1"
