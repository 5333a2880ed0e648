"""The parts of a look at a tab that need no browser: what waits for a viewer, which page is shown, files for a page."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from qwenproxy.browser.view.files import MOST_BYTES, GivenFiles
from qwenproxy.browser.view.inputs import InputRefused
from qwenproxy.browser.view.outbox import MOST_NOTES, Outbox, Picture
from qwenproxy.browser.view.pages import PageInView, Pages


def picture(number: int) -> Picture:
    return Picture(number, 800, 600, b"jpeg")


def test_notes_come_in_order_and_of_pictures_only_the_newest() -> None:
    outbox = Outbox()
    outbox.show(picture(1))
    outbox.note("page", origin="https://a")
    outbox.show(picture(2))
    outbox.note("dialog", message="Да?")
    taken = [outbox.take(0) for _ in range(4)]
    assert [json.loads(each)["kind"] for each in taken[:2] if isinstance(each, bytes)] == ["page", "dialog"]
    assert taken[2:] == [picture(2), None]


def test_what_is_in_a_closed_outbox_still_comes_out_and_nothing_more_goes_in() -> None:
    outbox = Outbox()
    outbox.note("state", state="done")
    outbox.close()
    outbox.note("late")
    outbox.show(picture(1))
    assert outbox.take(0) == b'{"kind":"state","state":"done"}'
    assert (outbox.take(9), outbox.is_closed) == (None, True)


def test_a_viewer_is_woken_by_news() -> None:
    outbox, taken = Outbox(), []
    viewer = threading.Thread(target=lambda: taken.append(outbox.take(20)))
    viewer.start()
    outbox.show(picture(3))
    viewer.join(20)
    assert taken == [picture(3)]


def test_a_viewer_that_takes_nothing_is_given_up() -> None:
    outbox = Outbox()
    for _ in range(MOST_NOTES + 1):
        outbox.note("taken")
    assert outbox.is_closed


def test_a_picture_tells_number_and_size_before_the_jpeg() -> None:
    assert picture(258).to_bytes() == bytes([0, 0, 1, 2, 3, 32, 2, 88]) + b"jpeg"


def test_the_newest_page_is_shown_and_its_opener_when_it_has_gone() -> None:
    pages = Pages()
    assert pages.shown is None
    first, popup = PageInView("t1", "s1"), PageInView("t2", "s2")
    pages.add(first)
    pages.add(popup)
    assert pages.shown is popup and pages.of_target("t2") is popup
    pages.remove("t2")
    assert pages.shown is first
    pages.remove("t1")
    assert pages.shown is None and len(pages) == 0


def given(*files: tuple[str, bytes]) -> dict[str, Any]:
    return {"files": [{"name": name, "data": base64.b64encode(data).decode()} for name, data in files]}


def test_files_have_their_names_but_no_folders_and_go_in_the_end() -> None:
    files = GivenFiles()
    paths = [Path(each) for each in files.keep(given(("../../etc/passwd", b"1"), ("C:\\x?.txt", b"2"), ("", b"3")))]
    assert [path.name for path in paths] == ["_.._etc_passwd", "C_x_.txt", "file"]
    assert [path.read_bytes() for path in paths] == [b"1", b"2", b"3"]
    again = [Path(each) for each in files.keep(given(("a", b"1"), ("a", b"2")))]
    assert len({path.parent for path in (*paths, *again)}) == 2 and len(set(again)) == 2
    root = paths[0].parent.parent
    files.close()
    files.close()
    assert not root.exists()


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"files": "x"},
        {"files": ["x"]},
        {"files": [{"name": "a", "data": "no base64!"}]},
        {"files": [{"name": 5, "data": ""}]},
        given(*[("a", b"")] * 6),
        given(("a", bytes(MOST_BYTES)), ("b", b"1")),
    ],
    ids=["none", "no list", "no file", "no base64", "no name", "too many", "too large"],
)
def test_other_files_are_refused(event: dict[str, Any]) -> None:
    files = GivenFiles()
    with pytest.raises(InputRefused):
        files.keep(event)
    files.close()
