"""What a site's address comes to in a page: the origin that the tab compares."""

from __future__ import annotations

import pytest

from qwenproxy.browser import site as site_module
from qwenproxy.browser.site import Site


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("https://chat.qwen.ai", "https://chat.qwen.ai"),
        ("https://chat.qwen.ai:443", "https://chat.qwen.ai"),
        ("http://Stand-In.test:80", "http://stand-in.test"),
        ("https://localhost:8443", "https://localhost:8443"),
        ("https://localhost:80", "https://localhost:80"),
        ("https://[::1]:443", "https://[::1]"),
    ],
    ids=["bare", "own port", "capitals", "other port", "port of http", "IPv6"],
)
def test_the_origin_is_named_as_a_page_names_it(base_url: str, origin: str) -> None:
    assert Site(base_url).origin == origin


def test_the_bridge_is_read_from_the_disk_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Site("https://site.test").bridge()
    monkeypatch.delattr(site_module, "resources")  # the owner thread of a tab asks for it at each load
    assert Site("https://site.test").bridge() == first


def test_the_bridge_is_told_the_version_that_was_set() -> None:
    assert '"version": "9.9.9"' in Site("https://site.test", "9.9.9").bridge()
    assert '"version": ""' in Site("https://site.test").bridge()
