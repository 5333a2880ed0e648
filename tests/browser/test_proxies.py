"""The address of an account's proxy: what a person may write, what is shown, where it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.browser.proxies import ProxyAddress, proxy_of
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import SetupError

GOOD = {
    "http://[fe80::1%25eth0]:8080": ProxyAddress("http", "fe80::1%eth0", 8080),
    "http://my_proxy.local:8080": ProxyAddress("http", "my_proxy.local", 8080),
    "http://proxy.example": ProxyAddress("http", "proxy.example", 80),
    "HTTPS://Proxy.Example/": ProxyAddress("https", "proxy.example", 443),
    "socks5://10.0.0.1": ProxyAddress("socks5", "10.0.0.1", 1080),
    "socks5h://anna:s3cret@proxy:9": ProxyAddress("socks5", "proxy", 9, "anna", "s3cret"),
    "socks5://a%40b:p%3A%2F%25@[2001:DB8::1]:1081": ProxyAddress("socks5", "2001:db8::1", 1081, "a@b", "p:/%"),
    "http://user@proxy:1": ProxyAddress("http", "proxy", 1, "user"),
    "http://u:p@ss:w@proxy:1": ProxyAddress("http", "proxy", 1, "u", "p@ss:w"),
    "http://%D1%8F:%D1%8E@пример.example:1": ProxyAddress("http", "xn--e1afmkfd.example", 1, "я", "ю"),
    "  http://proxy:1\n": ProxyAddress("http", "proxy", 1),
}
BAD = {
    "": "cannot be read",
    "proxy.example:8080": "cannot be read",
    "http://": "cannot be read",
    "http://:8080": "cannot be read",
    "http://proxy:0": "port 0 is none",
    "http://proxy:99999": "port 99999 is none",
    "http://proxy:port": "cannot be read",
    "http://proxy/path": "cannot be read",
    "http://proxy?x": "cannot be read",
    "http://pro xy:1": "host pro xy cannot be",
    "http://256.1.1.1:1": "host 256.1.1.1 cannot be",
    "http://1.2.3.4.5:1": "host 1.2.3.4.5 cannot be",
    "http://-a:1": "host -a cannot be",
    "http://a..b:1": "host a..b cannot be",
    "http://[fe80::1::2]:1": "host fe80::1::2 cannot be",
    "http://[::1:1": "cannot be read",
    "http://a\tb@proxy:1": "cannot be read",
    "ftp://proxy:1": "scheme ftp is unknown",
    "socks4://proxy:1": "scheme socks4 is unknown",
    "http://u:100%@proxy:1": "write % as %25",
    "http://u:%FF@proxy:1": "write % as %25",
    "http://u:%0D%0AX@proxy:1": "write % as %25",
    "http://:p@proxy:1": "no user",
    "http://a%3Ab:p@proxy:1": "colon",
    "socks5://user@proxy:1": "1 to 255 characters",
    "socks5://user:%D1%8F@proxy:1": "1 to 255 characters",
    "socks5://user:" + "x" * 256 + "@proxy:1": "1 to 255 characters",
}


@pytest.mark.parametrize("text", GOOD)
def test_addresses_that_people_write(text: str) -> None:
    assert ProxyAddress.parse(text) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(SetupError, match=BAD[text]) as raised:
        ProxyAddress.parse(text)
    assert raised.value.phrase and raised.value.phrase.say("ru")


def test_nothing_but_the_file_shows_the_password() -> None:
    proxy = ProxyAddress.parse("socks5://anna:s3cret@[::1]:9")
    assert proxy.public == str(proxy) == f"{proxy}" == "socks5://[::1]:9"
    assert "anna" not in repr(proxy) and "s3cret" not in repr(proxy)
    assert proxy.url == "socks5://anna:s3cret@[::1]:9"


words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@given(words.filter(lambda user: ":" not in user), st.one_of(st.just(""), words))
def test_the_file_form_comes_back_as_it_was(user: str, password: str) -> None:
    proxy = ProxyAddress("https", "proxy.example", 8443, user, password)
    assert ProxyAddress.parse(proxy.url) == proxy


def test_an_account_without_a_proxy_has_the_default(tmp_path: Path) -> None:
    default = ProxyAddress("http", "default", 1)
    folder = AccountFolder(tmp_path)
    assert (proxy_of(folder), proxy_of(folder, default)) == (None, default)
    folder.proxy.write_text("socks5://own:1\n")
    assert proxy_of(folder, default) == ProxyAddress("socks5", "own", 1)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\xfe", b"http://u:secret@proxy:bad"])
def test_a_file_that_names_no_proxy_is_no_reason_to_go_another_way(tmp_path: Path, content: bytes) -> None:
    folder = AccountFolder(tmp_path / "acc_1")
    folder.path.mkdir()
    folder.proxy.write_bytes(content)
    with pytest.raises(SetupError, match="qwenproxy account proxy acc_1 URL") as raised:
        proxy_of(folder, ProxyAddress("http", "default", 1))
    assert "secret" not in raised.value.message
