"""How Chrome is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenproxy.browser import local
from qwenproxy.browser.binaries import Programs
from qwenproxy.browser.local import LocalLauncher


@pytest.mark.parametrize("root", [False, True], ids=["person", "root"])
def test_chromes_own_sandbox_is_only_off_for_root_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, root: bool
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(local, "_is_root", lambda: root)
    command = local._command(LocalLauncher(Programs()), "chrome", Path("profile"), 1)
    assert ("--no-sandbox" in command) == root
    assert ("--no-sandbox" in caplog.text) == root
