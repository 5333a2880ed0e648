"""How Chrome is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenproxy.browser import chrome
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.chrome import ChromeSettings


@pytest.mark.parametrize("root", [False, True])
def test_chromes_own_sandbox_is_only_off_for_root_and_told(monkeypatch, caplog, root):
    caplog.set_level("INFO")
    monkeypatch.setattr(chrome, "_is_root", lambda: root)
    command = chrome._command(ChromeSettings(Programs()), "chrome", Path("profile"), 1)
    assert ("--no-sandbox" in command) == root
    assert ("--no-sandbox" in caplog.text) == root
