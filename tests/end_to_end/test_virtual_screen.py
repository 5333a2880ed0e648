"""Real windows on a screen of the product's own: what the site sees, and what is left when something is killed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import psutil
import pytest
from asking import ask
from proxy_process import Proxy, assert_nothing_left, eventually, runs

from qwenproxy.sandbox import Sandbox

COMPLETIONS = "/api/v2/chat/completions"

pytestmark = pytest.mark.browser


def processes(proxy: Proxy) -> dict[str, psutil.Process]:
    """Return screen, browser and driver of the one account by the beginning of their names."""
    found: dict[str, psutil.Process] = {}
    for process in proxy.family():
        for name in ("Xvfb", "chromium", "chrome", "chromedriver"):
            if process.name() == name and not any(word.startswith("--type=") for word in process.cmdline()):
                found[name] = process
    return found


def shows(environment: dict[str, str]) -> bool:
    """Tell whether a program with this environment may look at its screen."""
    look = ["xdotool", "getmouselocation"]
    return subprocess.run(look, env=environment, capture_output=True, timeout=30, check=False).returncode == 0


def test_the_site_sees_a_window_and_nobody_else_does(new_proxy: Callable[..., Proxy], site: Sandbox) -> None:
    site.clear()
    proxy = new_proxy(headless="virtual")
    proxy.start()
    assert ask(proxy.url, "{{say hello}}").text == "hello"
    # The shared server's browser may be at the site, too, but it asks nothing.
    agents = {request.headers["user-agent"] for request in site.requests if request.path == COMPLETIONS}
    assert agents
    assert not [agent for agent in agents if "Headless" in agent or "Chrome/" not in agent]

    screen = processes(proxy)["Xvfb"]
    assert "DISPLAY" not in screen.environ() or screen.environ()["DISPLAY"] == os.environ.get("DISPLAY")
    authority = proxy.registry.folder("sandbox1").display_authority
    assert authority.stat().st_mode & 0o777 == 0o600
    browser = next(each for each in proxy.family() if each.environ().get("XAUTHORITY") == str(authority))
    display = browser.environ()["DISPLAY"]
    stranger = {**os.environ, "DISPLAY": display, "XAUTHORITY": "/nowhere"}
    assert shows(browser.environ())
    assert not shows(stranger), "a program without the cookie may look at the screen"

    screen.kill()
    assert eventually(lambda: not runs(browser)), "the browser outlives its screen"
    assert ask(proxy.url, "{{say again}}").text == "again"
    assert proxy.end() == 0
    assert_nothing_left(proxy)
    assert not authority.exists()


def test_a_killed_server_leaves_no_screen(new_proxy: Callable[..., Proxy]) -> None:
    proxy = new_proxy(headless="virtual")
    proxy.start()
    assert ask(proxy.url, "{{say hello}}").text == "hello"
    left = processes(proxy)
    assert "Xvfb" in left
    for process in [psutil.Process(proxy.pid), *psutil.Process(proxy.pid).children()]:
        if "python" in process.name():
            process.kill()
    assert eventually(lambda: not any(map(runs, left.values()))), "something of the killed server's browser runs"
