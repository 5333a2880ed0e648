"""A look at one tab of a running browser: its picture as it changes, its pop-ups, its dialogs.

A DevTools session beside the driver's, so that the thread which owns the driver has no part in it (contract 11.6).
Lives as long as the tab; without a viewer it makes no pictures and costs nothing. hands.py does what a viewer wants.
Knows no accounts and no HTTP.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from qwenproxy.browser.devtools_address import DevToolsAddress
from qwenproxy.browser.view.devtools import DevTools, Event
from qwenproxy.browser.view.outbox import Outbox, Picture
from qwenproxy.browser.view.pages import PageInView, Pages

QUALITY = 60  # of the jpegs, in percent
SHOWN_TEXT = 5000  # characters of a dialog
# So many pictures without an answer, and Chrome makes no more: not of what the page shows at last either.
MOST_UNANSWERED = 2
DEFAULT_SIZE = (1100, 760, 1.0)
Size = tuple[int, int, float]  # width and height in the page's pixels, and how many of the picture's are one of them


@dataclass(frozen=True, slots=True)
class Dialog:
    """What a page asks in a dialog of the browser's own; `kind` is alert, confirm, prompt or beforeunload."""

    session: str
    kind: str
    message: str
    default: str


@dataclass(frozen=True, slots=True)
class FileWish:
    """A page wants files: for which of its fields, and whether several."""

    session: str
    field: int
    several: bool


class View:
    """The look at one tab and the pop-ups it opens. Any thread may call, except that `ask` waits for the browser."""

    def __init__(self, address: DevToolsAddress, handle: str) -> None:
        """Connect to the browser whose tab has this handle. Raises OSError."""
        self._handle = handle
        self._context = ""
        self._lock = threading.RLock()  # nobody waits for the browser under it: its events need it
        self._pages = Pages()
        self._dialogs: list[Dialog] = []
        self._wish: FileWish | None = None
        self._outbox: Outbox | None = None
        self._size: Size = DEFAULT_SIZE
        self._casting = ""  # the session that makes pictures
        self._frames: list[tuple[int, str, int]] = []  # our number, session and Chrome's number, not yet confirmed
        self._number = 0
        self._may_lack = False  # Chrome may have left the newest picture out
        self._answers_at_once = 0  # to so many pictures to come, however slowly the viewer draws
        self.devtools = DevTools(address, self._note, self._end)

    def start(self) -> None:
        """Begin to follow the tab. Raises OSError if it has gone."""
        self.devtools.start()
        answer = self.devtools.ask("Target.getTargets") or {}
        targets = {each["targetId"]: each for each in answer.get("targetInfos", [])}
        if self._handle not in targets:
            self.close()
            raise OSError("the tab has gone")
        self._context = str(targets[self._handle].get("browserContextId", ""))
        self.devtools.tell("Browser.setDownloadBehavior", behavior="deny", browserContextId=self._context)
        self.devtools.ask("Target.attachToTarget", targetId=self._handle, flatten=True)
        self.devtools.tell("Target.setDiscoverTargets", discover=True)

    def close(self) -> None:
        """End it; the browser goes on. Idempotent."""
        self.devtools.close()

    def show_to(self, outbox: Outbox) -> None:
        """Let a viewer see the tab from now on."""
        with self._lock:
            self._outbox = outbox
            self._tell_page()
            for dialog in self._dialogs:
                self._tell_dialog(dialog)
            self._cast()

    def leave(self, outbox: Outbox) -> None:
        """Make no more pictures for this viewer. Idempotent."""
        with self._lock:
            if self._outbox is outbox:
                self._outbox = None
                self._cast()

    @property
    def shown(self) -> PageInView | None:
        """The page that the viewer sees, None once there is none."""
        return self._pages.shown

    @property
    def dialog(self) -> Dialog | None:
        """The dialog that waits for an answer; until then the page does nothing else."""
        with self._lock:
            return self._dialogs[-1] if self._dialogs else None

    def take_wish(self) -> FileWish | None:
        """Return what files the page wants, once."""
        with self._lock:
            wish, self._wish = self._wish, None
        return wish

    def tell_viewer(self, kind: str, /, **values: Any) -> None:
        """Send a note to the viewer, if there is one."""
        with self._lock:
            if self._outbox:
                self._outbox.note(kind, **values)

    def resize(self, size: Size) -> None:
        """Give the pages another size."""
        with self._lock:
            if size == self._size:
                return
            self._size = size
            for page in self._pages:
                self._measure(page.session)
            self._stop_casting()
            self._cast()

    def note_drawn(self, number: int) -> None:
        """Note that the viewer has drawn a picture, which lets the browser make the next one."""
        with self._lock:
            drawn = [each for each in self._frames if each[0] <= number]
            self._frames = [each for each in self._frames if each[0] > number]
        for _, session, frame in drawn:
            self.devtools.tell("Page.screencastFrameAck", session, sessionId=frame)

    def catch_up(self) -> None:
        """Have the picture made once more if the browser may have left the newest one out; for a quiet moment."""
        with self._lock:
            if self._may_lack and not self._frames:
                self._stop_casting()
                self._cast()
                self._may_lack, self._answers_at_once = False, MOST_UNANSWERED

    def _note(self, event: Event) -> None:
        handler = _HANDLERS.get(event["method"])
        if handler:
            with self._lock:
                handler(self, event.get("sessionId", ""), event.get("params", {}))

    def _end(self) -> None:
        with self._lock:
            self._outbox = None  # its owner knows whether there is more to say

    def _note_target(self, _: str, details: Event) -> None:
        """Go to a page that the tab has opened."""
        info = details["targetInfo"]
        is_ours = info["type"] == "page" and info.get("browserContextId", "") == self._context
        if is_ours and info["targetId"] != self._handle:
            self.devtools.tell("Target.attachToTarget", targetId=info["targetId"], flatten=True)

    def _note_attached(self, _: str, details: Event) -> None:
        info, session = details["targetInfo"], details["sessionId"]
        if self._pages.of_target(info["targetId"]):
            return
        self._pages.add(PageInView(info["targetId"], session, info.get("url", ""), info.get("title", "")))
        self.devtools.tell("Page.enable", session)
        self.devtools.tell("Page.setInterceptFileChooserDialog", session, enabled=True)
        self.devtools.tell("Emulation.setFocusEmulationEnabled", session, enabled=True)
        self._measure(session)
        self._tell_page()
        self._cast()

    def _note_changed(self, _: str, details: Event) -> None:
        info = details["targetInfo"]
        page = self._pages.of_target(info["targetId"])
        if page:
            page.url, page.title = info.get("url", ""), info.get("title", "")
            self._tell_page()

    def _note_gone(self, _: str, details: Event) -> None:
        page = self._pages.of_target(details["targetId"])
        if page is None:
            return
        self._pages.remove(page.target)
        self._forget_dialogs(page.session)
        if self._casting == page.session:
            self._casting = ""
        self._tell_page()
        self._cast()

    def _note_frame(self, session: str, details: Event) -> None:
        frame, data = details["sessionId"], details["metadata"]
        if self._outbox is None or session != self._casting:
            self.devtools.tell("Page.screencastFrameAck", session, sessionId=frame)
            return
        self._number += 1
        if self._answers_at_once:
            self._answers_at_once -= 1
            self.devtools.tell("Page.screencastFrameAck", session, sessionId=frame)
        else:
            self._frames.append((self._number, session, frame))
            self._may_lack = self._may_lack or len(self._frames) >= MOST_UNANSWERED
        try:
            jpeg = base64.b64decode(details["data"])
        except binascii.Error:
            return
        width, height = (min(65535, max(1, round(data[name]))) for name in ("deviceWidth", "deviceHeight"))
        self._outbox.show(Picture(self._number, width, height, jpeg))

    def _note_dialog(self, session: str, details: Event) -> None:
        texts = (str(details.get(name, ""))[:SHOWN_TEXT] for name in ("message", "defaultPrompt"))
        dialog = Dialog(session, str(details.get("type", "alert")), *texts)
        self._dialogs.append(dialog)
        self._tell_dialog(dialog)

    def _note_answered(self, session: str, _: Event) -> None:
        self._forget_dialogs(session)

    def _note_wish(self, session: str, details: Event) -> None:
        if "backendNodeId" in details:
            several = details.get("mode") == "selectMultiple"
            self._wish = FileWish(session, details["backendNodeId"], several)
            self.tell_viewer("files", several=several)

    def _forget_dialogs(self, session: str) -> None:
        if any(each.session == session for each in self._dialogs):
            self._dialogs = [each for each in self._dialogs if each.session != session]
            self.tell_viewer("answered")

    def _tell_page(self) -> None:
        page = self._pages.shown
        if page:
            parts = urlsplit(page.url)
            # Not the rest of the address: it may hold a secret of the login. Chrome makes a title of it at first.
            origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
            title = "" if page.title.startswith(parts.netloc or page.url) else page.title
            self.tell_viewer("page", origin=origin, title=title[:200], is_popup=len(self._pages) > 1)

    def _tell_dialog(self, dialog: Dialog) -> None:
        self.tell_viewer("dialog", type=dialog.kind, message=dialog.message, default=dialog.default)

    def _measure(self, session: str) -> None:
        width, height, scale = self._size
        order = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.devtools.tell("Emulation.setDeviceMetricsOverride", session, **order)

    def _cast(self) -> None:
        """Let the page that is shown make pictures, and no other; none does without a viewer."""
        page = self._pages.shown if self._outbox else None
        wanted = page.session if page else ""
        if wanted == self._casting:
            return
        self._stop_casting()
        if page:
            self._casting, self._may_lack = page.session, True  # the first picture may be of the size before
            self.devtools.tell("Page.bringToFront", page.session)
            width, height, scale = self._size
            self.devtools.tell(
                "Page.startScreencast",
                page.session,
                format="jpeg",
                quality=QUALITY,
                maxWidth=round(width * scale),
                maxHeight=round(height * scale),
            )

    def _stop_casting(self) -> None:
        if self._casting:
            self.devtools.tell("Page.stopScreencast", self._casting)
        self._casting, self._frames, self._answers_at_once = "", [], 0


_HANDLERS: dict[str, Callable[[View, str, Event], None]] = {
    "Target.targetCreated": View._note_target,
    "Target.attachedToTarget": View._note_attached,
    "Target.targetInfoChanged": View._note_changed,
    "Target.targetDestroyed": View._note_gone,
    "Page.screencastFrame": View._note_frame,
    "Page.javascriptDialogOpening": View._note_dialog,
    "Page.javascriptDialogClosed": View._note_answered,
    "Page.fileChooserOpened": View._note_wish,
}
