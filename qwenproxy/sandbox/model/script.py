"""The stand-in model: what it thinks, looks up, calls and says to a prompt.

It knows the prompt and the conversation as they reached the site, and nothing else: that makes {{echo}} a proof.
Directives go before what it does by itself (acting.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwenproxy.sandbox.envelope import compact
from qwenproxy.sandbox.model.acting import act, asks_for_news
from qwenproxy.sandbox.model.calling import parts_of
from qwenproxy.sandbox.model.conversation import Conversation
from qwenproxy.sandbox.model.dialects import Call
from qwenproxy.sandbox.model.directives import ANSWERS, SERIES, Directive
from qwenproxy.sandbox.model.offers import Offer, read_offer
from qwenproxy.sandbox.model.parts import Answer, BuiltIn, NativeCalls, Part, Script, Thinking
from qwenproxy.sandbox.model.searching import cited, searches
from qwenproxy.sandbox.model.steps import Step
from qwenproxy.sandbox.model.texts import CLOCK, UNICODE_TEXT, cut, long_text, numbered, words
from qwenproxy.sandbox.model.view import read_view
from qwenproxy.sandbox.switches import Switches

_THOUGHTS = (
    ("Reading the question", "I look at what is asked. "),
    ("Weighing the answer", "The answer is simple, so I keep it short. "),
)
# milliseconds between frames of those directives that have a pace of their own
_PACE_MS = {"stream": 20.0, "long": 0.001}
_MEMORY = {"bio": "enable_memory", "history_retriever": "enable_history_memory"}
_CALLS = frozenset({"tool", "call"})


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model sees: the messages as the site has them, how to think (None: not at all), what it may use.

    `search` forces a search; `features` is the question's feature_config, `settings` are the account's; `misread` says
    why a fault that it orders cannot be read.
    """

    context: Sequence[dict[str, Any]]
    thinking: str | None
    search: bool
    features: Mapping[str, Any]
    settings: Mapping[str, Any]
    switches: Switches
    misread: str = ""


def compose(prompt: Prompt) -> Script:
    """Return what the model does with this prompt."""
    model = _Model(prompt)
    parts = tuple(model.parts())
    ends = prompt.switches.native_answer_ends or not any(isinstance(part, NativeCalls) for part in parts)
    return Script(parts, model.interval_ms() / 1000, ends)


class _Model:
    """The model before one prompt: has read the view, the offer and the directives."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._conversation = Conversation(read_view(prompt.context))
        self._offer: Offer = read_offer(self._conversation.entries, prompt.features)
        directives = self._conversation.directives
        self._modifiers = [one for one in directives if one.name not in ANSWERS]
        self._answers = [one for one in directives if one.name in ANSWERS - SERIES]
        self._search = next((one for one in self._modifiers if one.name == "search"), None)

    def parts(self) -> Iterator[Part]:
        """Return what the model does, in order."""
        thinking = self._prompt.thinking
        for modifier in self._modifiers:
            if modifier.name == "think" and thinking:
                thinking = modifier.text.strip() or thinking
        if thinking:
            yield Thinking(thinking, _THOUGHTS)
        looks_up = self._looks_up()
        if looks_up:
            yield from searches(self._search.text if self._search else "", thinking)
        for modifier in self._modifiers:
            if modifier.name == "builtin":
                yield from self._built_in(modifier.text.strip())
        yield from self._answer(looks_up)

    def interval_ms(self) -> float:
        """Return the milliseconds between frames."""
        usual = self._prompt.switches.interval_ms
        if not self._answers:
            return usual
        newest = self._answers[-1]
        return newest.option("interval_ms", _PACE_MS.get(newest.name, usual))

    def _answer(self, looks_up: bool) -> Iterator[Part]:
        if trouble := self._prompt.misread or self._conversation.trouble:
            yield Answer(words(f"This directive could not be read: {trouble}."))
        elif self._answers and self._answers[0].name in _CALLS:
            calls = tuple(Call(one.text, one.arguments, one.dialect) for one in self._answers)
            yield from parts_of(Step("", calls), self._offer, self._prompt.switches)
        elif self._answers:
            yield Answer(self._pieces(self._answers[-1]))
        elif step := self._conversation.step(has_functions=bool(self._offer.way)):
            yield from parts_of(step, self._offer, self._prompt.switches)
        elif looks_up:
            yield Answer(cited(self._search.text if self._search else ""))
        else:
            may_search = self._prompt.features.get("auto_search") is True
            step = act(self._conversation, self._offer, may_search=may_search)
            yield from parts_of(step, self._offer, self._prompt.switches)

    def _pieces(self, directive: Directive) -> Iterator[str]:
        if directive.name == "echo":
            return cut(compact(self._prompt.context), 1000)
        if directive.name == "view":
            entries = read_view(self._prompt.context, unfold=directive.text.strip() != "raw")
            return cut(compact([entry.json() for entry in entries]), 1000)
        if directive.name == "stream":
            stamp = CLOCK if directive.option("stamp", 0) else ""
            return numbered(int(directive.option("chunks", 100)), int(directive.option("size", 10)), stamp)
        if directive.name == "long":
            return long_text(int(directive.option("bytes", 1_000_000)))
        if directive.name == "unicode":
            return cut(UNICODE_TEXT, 3)
        return cut(directive.arguments, 12) if directive.name == "write" else words(directive.text)

    def _looks_up(self) -> bool:
        """Tell whether there is a web search: forced, ordered and not forbidden, or the model's own idea.

        With functions on offer, or in a folded conversation, the model does not search by itself (protocol 5.8).
        """
        allowed, is_on = self._prompt.features.get("auto_search"), self._has("web_search")
        if self._prompt.search:
            return True
        if self._search is not None:
            return is_on or allowed is not False
        is_bare = not self._offer.way and not self._conversation.is_folded and not self._answers
        return allowed is True and is_on and is_bare and asks_for_news(self._conversation)

    def _built_in(self, text: str) -> Iterator[BuiltIn]:
        """Return the use of a tool of the site, if the account has it on and the question does not forbid it."""
        name, _, words_of_it = text.partition(" ")
        memory = self._prompt.settings.get("memory", {})
        remembers = name not in _MEMORY or memory.get(_MEMORY[name]) is True
        if remembers and self._has(name) and self._prompt.features.get(name) is not False:
            yield BuiltIn(name, compact({"input": words_of_it}), words_of_it or f"What {name} has to say.")

    def _has(self, tool: str) -> bool:
        return self._prompt.settings.get("tools_enabled", {}).get(tool) is not False
