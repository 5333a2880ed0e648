"""The hands of a viewer on the page that is shown: each of the viewer's messages is obeyed here, or refused.

Runs on the viewer's own thread, because it may wait for the browser. Knows no HTTP; logs nothing of what it gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qwenproxy.browser.view.files import GivenFiles
from qwenproxy.browser.view.inputs import ALT, InputRefused, number_of, orders_of, text_of
from qwenproxy.browser.view.lists import Lists, OpenList
from qwenproxy.browser.view.view import View

SIDES = ((280, 1600), (280, 1200))  # what a page may be wide and high (pixels)
SCALES = (1.0, 2.0)
COPY_LIMIT = 100_000  # characters
SELECTION = """(() => {
  const here = document.activeElement;
  return here && here.type === "password" ? "" : String(getSelection());
})()"""


class Hands:
    """What one viewer does. For one thread."""

    def __init__(self, view: View, *, files_reach: bool) -> None:
        """`files_reach` tells whether the browser can read this machine's disk."""
        self._view = view
        self._lists = Lists(view.devtools)
        self._files = GivenFiles()
        self._files_reach = files_reach
        self._open_list: OpenList | None = None
        self._is_press_taken = False  # the mouse was pressed on a list, so its release is not for the page

    def obey(self, event: Mapping[str, Any]) -> bool:
        """Do what a viewer's message says; return whether a person did it. Raises InputRefused."""
        kind = event.get("kind")
        if kind == "drawn":
            self._view.note_drawn(int(number_of(event, "number", 0, 2**32)))
            return False
        own = _OWN.get(str(kind))
        if own:
            own(self, event)
        else:
            self._pass_on(event)
        return kind != "size"

    def rest(self) -> None:
        """Use a moment in which the viewer did nothing: the picture may lack what the page showed last."""
        self._view.catch_up()

    def close(self) -> None:
        """Forget what the viewer gave. Idempotent."""
        self._files.close()

    def _pass_on(self, event: Mapping[str, Any]) -> None:
        orders, page = orders_of(event), self._view.shown
        if page is None or self._view.dialog or self._opens_list(event):
            return
        for order in orders:
            self._view.devtools.tell(order.method, page.session, **order.parameters)

    def _opens_list(self, event: Mapping[str, Any]) -> bool:
        """Show a list of choices that the page would open outside of its picture; tell whether that was it."""
        page, kind, action = self._view.shown, event.get("kind"), event.get("type")
        if page is None:
            return False
        if kind == "mouse" and action == "up" and self._is_press_taken:
            self._is_press_taken = False
            return True
        if kind == "mouse" and action == "down" and event.get("button") == "left":
            found = self._lists.at(page, number_of(event, "x", 0, 1e5), number_of(event, "y", 0, 1e5))
            self._is_press_taken = found is not None
        elif kind == "key" and action == "down" and _opens_by_key(event):
            found = self._lists.in_focus(page)
        else:
            return False
        if found:
            self._open_list = found
            self._view.tell_viewer("list", **found.facts)
        return found is not None

    def _choose(self, event: Mapping[str, Any]) -> None:
        open_list, self._open_list = self._open_list, None
        if open_list:
            self._lists.choose(open_list, int(number_of(event, "index", 0, 1e6)))

    def _answer(self, event: Mapping[str, Any]) -> None:
        dialog = self._view.dialog
        if dialog:
            answer = {"accept": event.get("accept") is True, "promptText": text_of(event, limit=10_000)}
            self._view.devtools.tell("Page.handleJavaScriptDialog", dialog.session, **answer)

    def _give_files(self, event: Mapping[str, Any]) -> None:
        wish = self._view.take_wish()
        if wish is None:
            return
        if not self._files_reach:
            self._view.tell_viewer("no_files")
            return
        paths = self._files.keep(event)
        if paths and not wish.several:
            paths = paths[:1]
        self._view.devtools.tell("DOM.setFileInputFiles", wish.session, files=paths, backendNodeId=wish.field)

    def _copy(self, _: Mapping[str, Any]) -> None:
        page = self._view.shown
        if page and not self._view.dialog:
            answer = self._view.devtools.ask("Runtime.evaluate", page.session, expression=SELECTION, returnByValue=True)
            text = ((answer or {}).get("result") or {}).get("value")
            self._view.tell_viewer("copied", text=text[:COPY_LIMIT] if isinstance(text, str) else "")

    def _resize(self, event: Mapping[str, Any]) -> None:
        sides = [int(number_of(event, name, *each)) for name, each in zip(("width", "height"), SIDES, strict=True)]
        self._view.resize((sides[0], sides[1], round(number_of(event, "scale", *SCALES), 2)))

    def _reload(self, _: Mapping[str, Any]) -> None:
        page = self._view.shown
        if page and not self._view.dialog:
            self._view.devtools.tell("Page.reload", page.session)


def _opens_by_key(event: Mapping[str, Any]) -> bool:
    key, modifiers = event.get("key"), event.get("modifiers")
    with_alt = isinstance(modifiers, int) and bool(modifiers & ALT)
    return key in (" ", "Enter") or (with_alt and key in ("ArrowDown", "ArrowUp"))


_OWN: dict[str, Callable[[Hands, Mapping[str, Any]], None]] = {
    "choose": Hands._choose,
    "answer": Hands._answer,
    "files": Hands._give_files,
    "copy": Hands._copy,
    "size": Hands._resize,
    "reload": Hands._reload,
}
__all__ = ["Hands", "InputRefused"]
