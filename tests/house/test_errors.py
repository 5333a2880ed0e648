"""The tree of errors: every one of them can be imported from one place and is drawn there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import qwenproxy.browser.profile
import qwenproxy.cli  # noqa: F401 - with every module that has errors of its own
from qwenproxy import errors
from qwenproxy.errors import ProxyError


def kinds(parent: type[ProxyError] = ProxyError) -> Iterator[type[ProxyError]]:
    """Yield the kinds of errors that the room of errors defines."""
    for kind in parent.__subclasses__():
        if kind.__module__.startswith("qwenproxy.errors."):
            yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", sorted(set(kinds()), key=str), ids=str)
def test_every_error_is_drawn_and_exported(kind: type[ProxyError]) -> None:
    assert kind.__name__ in errors.__all__
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__doc__
