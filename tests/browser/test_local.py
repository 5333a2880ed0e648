"""How Chrome is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenproxy.browser import chrome_flags
from qwenproxy.browser.chrome_flags import Wishes, command, is_chromes_own, is_chromes_service


@pytest.mark.parametrize("root", [False, True], ids=["person", "root"])
def test_chromes_own_sandbox_is_only_off_for_root_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, root: bool
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(chrome_flags, "_is_root", lambda: root)
    line = command("chrome", Path("profile"), 1, Wishes())
    assert ("--no-sandbox" in line) == root
    assert ("--no-sandbox" in caplog.text) == root


def test_a_proxy_is_for_loopback_and_calls_too() -> None:
    line = command("chrome", Path("profile"), 1, Wishes(proxy="http://127.0.0.1:5"))
    assert {
        "--proxy-server=http://127.0.0.1:5",
        "--proxy-bypass-list=<-loopback>",
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    } <= set(line)
    without = command("chrome", Path("profile"), 1, Wishes())
    assert not [flag for flag in without if flag.startswith(("--proxy", "--webrtc"))]


@pytest.mark.parametrize(
    ("host", "in_chat", "in_login"),
    [
        ("update.googleapis.com", True, True),
        ("clients2.google.com", True, True),
        ("edgedl.me.gvt1.com", True, True),
        ("Accounts.Google.com", True, False),
        ("chat.qwen.ai", False, False),
        ("g.alicdn.com", False, False),
        ("accounts.google.com.evil.example", False, False),
        ("xclients2.google.com", False, False),
    ],
)
def test_hosts_that_only_chrome_itself_asks_for(host: str, in_chat: bool, in_login: bool) -> None:
    assert (is_chromes_own(host), is_chromes_service(host)) == (in_chat, in_login)
