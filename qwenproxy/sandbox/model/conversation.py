"""What a view means for the next answer: whose turn it is, what is ordered, how far a series of steps has come. Pure.

The newest turn begins after the last answer that called nothing: an agent's calls and their results belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qwenproxy.sandbox.model.directives import ANSWERS, SERIES, Directive, all_directives, read_directives, trouble_in
from qwenproxy.sandbox.model.steps import Step, read_steps, step_by_results
from qwenproxy.sandbox.model.view import Entry


@dataclass(frozen=True, slots=True)
class Conversation:
    """The entries of a view, the newest answer not yet written."""

    entries: Sequence[Entry]

    @property
    def newest(self) -> list[Entry]:
        """The entries since the model spoke last, and the system messages beside them."""
        entries = self._answered
        at = next((number for number in range(len(entries), 0, -1) if entries[number - 1].role == "assistant"), 0)
        message = entries[-1].message if entries else 0
        systems = [one for one in entries[:at] if one.role == "system" and one.message == message]
        return [*systems, *entries[at:]]

    @property
    def user_text(self) -> str:
        """What the person says in the newest entries; without a person, all of them."""
        return "\n\n".join(self.spoken or [entry.text for entry in self.newest if entry.role != "tool"])

    @property
    def result(self) -> Entry | None:
        """The newest result of a function that the model has not yet spoken about."""
        return next((entry for entry in reversed(self.newest) if entry.role == "tool"), None)

    @property
    def is_folded(self) -> bool:
        """Whether this is more than one bare question: several messages, or a folded conversation."""
        spoken = [entry for entry in self.entries if entry.role not in ("system", "file")]
        return len(spoken) > 1 or any(entry.marked for entry in self.entries)

    @property
    def directives(self) -> list[Directive]:
        """The directives of the newest entries that count; results of a chain's calls may hold any text."""
        silent = {"file", "tool"} if self._is_led() else {"file"}
        return read_directives("\n".join(entry.text for entry in self.newest if entry.role not in silent))

    @property
    def spoken(self) -> list[str]:
        """What people say in the newest entries, text by text; results and system messages often hold templates."""
        return [entry.text for entry in self.newest if entry.role == "user"]

    @property
    def trouble(self) -> str:
        """Why a directive that a person wrote cannot be read; "" if all can be read."""
        return next(filter(None, map(trouble_in, self.spoken)), "")

    def step(self, *, has_functions: bool) -> Step | None:
        """Return the step that is due in the series which the newest ordering entry began.

        A chain needs functions: programs also ask for titles of conversations, and then nothing is to be called.
        """
        for number in range(len(self._answered) - 1, -1, -1):
            entry = self._answered[number]
            ordered = [one for one in all_directives(entry.text) if one.name in ANSWERS] if _may_order(entry) else []
            if ordered and ordered[-1].name not in SERIES:
                return None
            if ordered:
                is_due = has_functions or ordered[-1].name != "chain"
                return self._due(ordered[-1], number) if is_due else None
        return None

    def manner(self, name: str) -> Directive | None:
        """Return the newest directive of this name on how the model acts by itself."""
        found = self._manner(name)
        return found[0] if found else None

    def is_broken_now(self) -> bool:
        """Tell whether {{breaks N}} spoils the answer that is due."""
        found = self._manner("breaks")
        if found is None:
            return False
        breaks, at = found
        count = next((int(word) for word in breaks.text.split() if word.isdigit()), 1)
        return len(self._answers_after(at)) < count

    def _manner(self, name: str) -> tuple[Directive, int] | None:
        for number in range(len(self._answered) - 1, -1, -1):
            entry = self._answered[number]
            found = [one for one in all_directives(entry.text) if one.name == name] if _may_order(entry) else []
            if found:
                return found[-1], number
        return None

    def _is_led(self) -> bool:
        return any("{{chain" in entry.text and _may_order(entry) for entry in self._answered)

    def _due(self, series: Directive, at: int) -> Step | None:
        steps = read_steps(series.arguments)
        answers = self._answers_after(at)
        if series.name == "answers":
            return steps[min(len(answers), len(steps) - 1)]
        if not all(calls for calls in answers):
            return None  # the chain's turn is over
        return step_by_results(steps, sum(entry.role == "tool" for entry in self._answered[at:]))

    @property
    def _answered(self) -> Sequence[Entry]:
        """The entries up to the last that is not the assistant's: one that stands last is there to be continued."""
        entries = self.entries
        while entries and entries[-1].role == "assistant":
            entries = entries[:-1]
        return entries or self.entries

    def _answers_after(self, at: int) -> list[bool]:
        """Return the answers since an entry: whether each calls functions. Neighbouring entries are one answer."""
        answers: list[bool] = []
        was_assistant = False
        for entry in self._answered[at + 1 :]:
            is_assistant = entry.role == "assistant"
            if is_assistant and was_assistant:
                answers[-1] |= entry.calls
            elif is_assistant:
                answers.append(entry.calls)
            was_assistant = is_assistant
        return answers


def _may_order(entry: Entry) -> bool:
    """Tell whether a series or a manner may stand in this entry: people and proxies order, results do not."""
    return entry.role not in ("assistant", "tool", "file")
