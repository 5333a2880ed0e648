"""A person at a window of the dashboard: clicks where something is in the other browser, and reads what it shows."""

from __future__ import annotations

import json
from typing import Any

import psutil
from dashboard_browser import Person
from devtools import evaluate
from proxy_process import eventually
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

from qwenproxy.accounts.registry import Registry
from qwenproxy.texts import EN

PLACE = """(() => {
  const box = document.querySelector(%s).getBoundingClientRect();
  return JSON.stringify([box.x + box.width / 2, box.y + box.height / 2]);
})()"""


class Viewer:
    """The person, and the account whose window it is; the registry says which browser that is."""

    def __init__(self, person: Person, registry: Registry, account_id: str) -> None:
        self.person = person
        self._registry = registry
        self._account_id = account_id

    def chrome(self) -> psutil.Process:
        """The browser whose window is shown."""
        note = eventually(self._registry.folder(self._account_id).browser_note.read_text)
        started = [psutil.Process(int(pid)) for pid, _ in json.loads(note)["processes"]]  # a screen may be among them
        return next(each for each in started if any("--remote-debugging-port=" in word for word in each.cmdline()))

    def await_picture(self, origin: str) -> None:
        """Wait until the window shows a page of this origin, in the size that it has here."""
        self.person.until(lambda: self.person.read(".stack-window strong") == origin)
        picture = "const canvas = document.querySelector('.window canvas'); return [canvas.width, canvas.clientWidth]"
        self.person.until(lambda: len(set(self.person.script(picture))) == 1)
        width = self.person.script(picture)[1]
        self.person.until(lambda: self.there("document.readyState === 'complete' && innerWidth") == width)

    def there(self, expression: str, at: str = "") -> Any:
        """Return the value of an expression in the page that is shown, as soon as it has one."""
        return eventually(lambda: evaluate(self.chrome(), expression, at))

    def hears(self, text: str) -> None:
        """Wait until the sign-in page has heard of this."""
        said = "document.getElementById('heard').textContent"
        assert eventually(lambda: evaluate(self.chrome(), said, "signin") == text), evaluate(
            self.chrome(), said, "signin"
        )

    def click(self, selector: str, at: str = "") -> None:
        """Click an element of the page in the window with the mouse."""
        canvas = self.person.find(".window canvas")
        self.person.script("arguments[0].scrollIntoView({block: 'nearest'})", canvas)
        box = self.person.script("const b = arguments[0].getBoundingClientRect(); return [b.width, b.height]", canvas)
        width, height = json.loads(self.there("JSON.stringify([innerWidth, innerHeight])", at))
        across, down = json.loads(self.there(PLACE % json.dumps(selector), at))
        if down > height:
            wheel = ScrollOrigin.from_element(canvas)
            ActionChains(self.person.chrome).scroll_from_origin(wheel, 0, round(down - height / 2)).perform()
            eventually(lambda: json.loads(self.there(PLACE % json.dumps(selector), at))[1] < height)
            across, down = json.loads(self.there(PLACE % json.dumps(selector), at))
        offset = (round(across * box[0] / width - box[0] / 2), round(down * box[1] / height - box[1] / 2))
        ActionChains(self.person.chrome).move_to_element_with_offset(canvas, *offset).click().perform()

    def focus(self, selector: str, at: str = "") -> None:
        """Click a field until it has the focus: of a page that has just come, the old picture may still be there."""
        focused = f"document.activeElement === document.querySelector({json.dumps(selector)})"

        def is_focused() -> bool:
            self.click(selector, at)
            return bool(evaluate(self.chrome(), focused, at))

        self.person.until(is_focused)

    def tap(self, selector: str) -> None:
        """Tap an element of the page in the window with a finger."""
        x, y = self._on_screen(*json.loads(self.there(PLACE % json.dumps(selector))))
        self._touch("touchStart", (x, y))
        self._touch("touchEnd")

    def swipe(self, *, up: int) -> None:
        """Move a finger upwards over the picture by so many pixels."""
        x, y = self._on_screen(*json.loads(self.there("JSON.stringify([innerWidth / 2, innerHeight * 0.8])")))
        self._touch("touchStart", (x, y))
        for moved in range(0, up + 1, 10):
            self._touch("touchMove", (x, y - moved))
        self._touch("touchEnd")

    def compose(self, *texts: str) -> None:
        """Write as an input method does: each text takes the place of the one before, and none is final."""
        for text in texts:
            order = {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}
            self.person.chrome.execute_cdp_cmd("Input.imeSetComposition", order)

    def commit(self, text: str) -> None:
        """End the composition with this text."""
        self.person.chrome.execute_cdp_cmd("Input.insertText", {"text": text})

    def _touch(self, kind: str, *points: tuple[float, float]) -> None:
        order = {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]}
        self.person.chrome.execute_cdp_cmd("Input.dispatchTouchEvent", order)

    def _on_screen(self, x: float, y: float) -> tuple[float, float]:
        """Return where a place of the page in the window is on the person's screen."""
        canvas = self.person.find(".window canvas")
        self.person.script("arguments[0].scrollIntoView({block: 'center'})", canvas)
        box = "const b = arguments[0].getBoundingClientRect(); return [b.left, b.top, b.width, b.height]"
        left, top, width, height = self.person.script(box, canvas)
        inner_width, inner_height = json.loads(self.there("JSON.stringify([innerWidth, innerHeight])"))
        return left + x * width / inner_width, top + y * height / inner_height

    def button(self, key: str) -> None:
        """Press a button of the dashboard."""
        self.person.click(self.person.button(EN[key]))

    def window_id(self) -> str:
        """Return the id of the window, from the page's address."""
        return str(self.person.script("return location.hash")).rpartition("/")[2]
