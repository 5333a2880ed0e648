"""Lists of choices in a page: the browser draws an open one outside of the page, so no picture shows it.

hands.py asks here whether a press opens one, has the viewer's page show it in its own way, and sets what was chosen.
All runs in a world of its own, apart from the page's scripts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qwenproxy.browser.view.devtools import DevTools
from qwenproxy.browser.view.pages import PageInView

WORLD = "view"
LONGEST_LIST = 2000  # choices

# Both go into frames of the same site, and into shadow trees; a list that is always open is in the picture.
AT_PLACE = """(x, y) => {
  let root = document, found = null;
  for (;;) {
    const here = root.elementFromPoint(x, y);
    if (!here || here === found) break;
    found = here;
    const inner = here.shadowRoot || contentOf(here);
    if (!inner) break;
    if (!here.shadowRoot) {
      const frame = here.getBoundingClientRect();
      x -= frame.left + here.clientLeft;
      y -= frame.top + here.clientTop;
    }
    root = inner;
  }
  return asList(found);
}"""
IN_FOCUS = """() => {
  let here = document.activeElement;
  for (;;) {
    const inner = here && (here.shadowRoot || contentOf(here));
    if (!inner || !inner.activeElement) break;
    here = inner.activeElement;
  }
  return asList(here);
}"""
COMMON = """
const contentOf = element => { try { return element.contentDocument || null; } catch { return null; } };
const asList = element => {
  const list = element && element.closest && element.closest("select");
  return list && !list.disabled && !list.multiple && list.size <= 1 ? list : null;
};
"""
FACTS = """function (most) {
  const label = this.labels && this.labels[0];
  const name = this.getAttribute("aria-label") || (label && label.textContent) || this.name || "";
  return {
    label: String(name).trim().slice(0, 200),
    chosen: this.selectedIndex,
    choices: [...this.options].slice(0, most).map(each => ({
      text: each.label.slice(0, 500),
      group: each.parentElement.label ? String(each.parentElement.label).slice(0, 200) : "",
      disabled: each.disabled || !!each.parentElement.disabled,
    })),
  };
}"""
CHOOSE = """function (index) {
  const choice = this.options[index];
  if (!choice || choice.disabled || choice.parentElement.disabled) return;
  this.focus();
  if (this.selectedIndex === index) return;
  this.selectedIndex = index;
  this.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
  this.dispatchEvent(new Event("change", { bubbles: true }));
}"""


@dataclass(frozen=True, slots=True)
class OpenList:
    """A list that a press has opened; `facts` are its label, its choices and which one is chosen."""

    session: str
    handle: str
    facts: dict[str, Any]


class Lists:
    """The lists in the pages of one browser. May wait for the browser: not for the thread that gets the events."""

    def __init__(self, devtools: DevTools) -> None:
        self._devtools = devtools
        self._worlds: dict[str, int] = {}  # our world in the document that a session showed last

    def at(self, page: PageInView, x: float, y: float) -> OpenList | None:
        """Return the list at a place of the page, None if there is none."""
        return self._found(page, f"({AT_PLACE})({x}, {y})")

    def in_focus(self, page: PageInView) -> OpenList | None:
        """Return the list that keys would open, None if there is none."""
        return self._found(page, f"({IN_FOCUS})()")

    def choose(self, open_list: OpenList, index: int) -> None:
        """Choose one, and let the page's scripts hear of it."""
        self._call(open_list.session, open_list.handle, CHOOSE, index)

    def _found(self, page: PageInView, expression: str) -> OpenList | None:
        answer = self._evaluate(page, expression)
        if answer is None:  # another document has come
            world = self._devtools.ask("Page.createIsolatedWorld", page.session, frameId=page.target, worldName=WORLD)
            self._worlds[page.session] = (world or {}).get("executionContextId", 0)
            answer = self._evaluate(page, expression)
        handle = str(((answer or {}).get("result") or {}).get("objectId") or "")
        facts = self._call(page.session, handle, FACTS, LONGEST_LIST) if handle else None
        return OpenList(page.session, handle, facts) if facts else None

    def _evaluate(self, page: PageInView, expression: str) -> dict[str, Any] | None:
        """Return what the browser says of an expression; None if our world is not in this document."""
        world = self._worlds.get(page.session)
        if not world:
            return None
        text = f"(() => {{ {COMMON} return {expression}; }})()"
        return self._devtools.ask("Runtime.evaluate", page.session, expression=text, contextId=world)

    def _call(self, session: str, handle: str, function: str, argument: int) -> dict[str, Any] | None:
        answer = self._devtools.ask(
            "Runtime.callFunctionOn",
            session,
            objectId=handle,
            functionDeclaration=function,
            arguments=[{"value": argument}],
            returnByValue=True,
        )
        value = ((answer or {}).get("result") or {}).get("value")
        return value if isinstance(value, dict) else None
