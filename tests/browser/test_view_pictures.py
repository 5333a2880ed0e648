"""The pictures of a look at a tab: what the page shows at last reaches the viewer, though Chrome leaves some out."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, cast

import pytest

from qwenproxy.browser.devtools_address import DevToolsAddress
from qwenproxy.browser.view import view as view_module
from qwenproxy.browser.view.outbox import Outbox, Picture
from qwenproxy.browser.view.view import View

Event = dict[str, Any]


class FakeDevTools:
    """A Chrome with one tab. Like the real one it makes no picture while two are unanswered, and makes none anew."""

    def __init__(self, address: object, note: Callable[[Event], None], on_end: Callable[[], None]) -> None:
        self._note = note
        self.shown = "first"
        self.starts = 0
        self._number = 0
        self._unanswered: set[int] = set()
        self._is_casting = False

    def start(self) -> None:
        """Nothing to connect to."""

    def ask(self, method: str, session: str = "", /, **parameters: object) -> Event | None:
        return {"targetInfos": [{"targetId": "tab"}]} if method == "Target.getTargets" else {}

    def tell(self, method: str, session: str = "", /, **parameters: Any) -> None:
        if method == "Target.setDiscoverTargets":
            self._say("Target.attachedToTarget", targetInfo={"targetId": "tab"}, sessionId="s")
        elif method == "Page.startScreencast":
            self.starts += 1
            self._unanswered.clear()
            self._is_casting = True
            self.paint(self.shown)
        elif method == "Page.stopScreencast":
            self._is_casting = False
        elif method == "Page.screencastFrameAck":
            self._unanswered.discard(parameters["sessionId"])

    def paint(self, what: str) -> None:
        """Show something else in the page."""
        self.shown = what
        if not self._is_casting or len(self._unanswered) >= 2:
            return
        self._number += 1
        self._unanswered.add(self._number)
        size = {"deviceWidth": 100, "deviceHeight": 50}
        data = base64.b64encode(what.encode()).decode()
        self._say("Page.screencastFrame", session="s", sessionId=self._number, metadata=size, data=data)

    def _say(self, method: str, session: str = "", **parameters: object) -> None:
        self._note({"method": method, "sessionId": session, "params": parameters})


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> View:
    monkeypatch.setattr(view_module, "DevTools", FakeDevTools)
    made = View(cast(DevToolsAddress, None), "tab")
    made.start()
    return made


def chrome_of(view: View) -> FakeDevTools:
    return cast(FakeDevTools, view.devtools)


def seen(view: View, outbox: Outbox) -> str:
    """Return the newest picture, which the viewer draws."""
    while (item := outbox.take(0)) is not None:
        if isinstance(item, Picture):
            view.note_drawn(item.number)
            return item.jpeg.decode()
    return ""


def test_what_chrome_left_out_is_shown_in_a_quiet_moment(view: View) -> None:
    outbox, chrome = Outbox(), chrome_of(view)
    view.show_to(outbox)
    for what in ("second", "third", "last"):
        chrome.paint(what)  # faster than the viewer draws: two pictures are on the way already
    assert seen(view, outbox) == "second"
    assert seen(view, outbox) == ""
    view.catch_up()
    assert seen(view, outbox) == "last"


def test_a_quiet_page_is_not_shown_again_and_again(view: View) -> None:
    outbox, chrome = Outbox(), chrome_of(view)
    view.show_to(outbox)
    for _ in range(5):
        seen(view, outbox)
        view.catch_up()
    assert chrome.starts == 2  # the first picture may be of the size before, so it is looked at once more
    for what in ("second", "third"):
        chrome.paint(what)
        assert seen(view, outbox) == what
        view.catch_up()
    assert chrome.starts == 2, "a page whose pictures were all answered lacks nothing"


def test_a_slow_viewer_is_waited_for(view: View) -> None:
    outbox, chrome = Outbox(), chrome_of(view)
    view.show_to(outbox)
    view.catch_up()
    assert chrome.starts == 1
    view.leave(outbox)
    view.catch_up()
    assert chrome.starts == 1, "nobody looks"
