"""How Chrome is started."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from selenium.common.exceptions import WebDriverException

from qwenproxy.browser import chrome_flags, local
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.chrome_flags import Wishes, command, is_chromes_own, is_chromes_service
from qwenproxy.browser.local import Chrome, LocalLauncher
from qwenproxy.browser.profile import ProfileClaim
from qwenproxy.browser.way_out import WayOut
from qwenproxy.disk.folder import AccountFolder


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


def test_a_browser_that_was_closed_meanwhile_gives_no_tab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = AccountFolder(tmp_path / "acc_1")
    chrome = Chrome(folder, ProfileClaim.take(folder), LocalLauncher(Programs()), WayOut(folder, None))

    def attach(*_: object, **__: object) -> SimpleNamespace:
        chrome.close(politely=False)  # as another thread does while the driver attaches
        return SimpleNamespace(current_window_handle="t1", switch_to=SimpleNamespace(new_window=str))

    monkeypatch.setattr(local, "attach", attach)
    with pytest.raises(WebDriverException, match="closed meanwhile"):
        chrome.open_tab()
