"""The steps of a probe, in their order: what each asks, and what it costs. A table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from qwenproxy.probe import account_steps, talk_steps, tool_steps, work_steps
from qwenproxy.probe.notes import Notebook
from qwenproxy.probe.visit import Visit


@dataclass(frozen=True, slots=True)
class Step:
    """One fact of the protocol. `title` is a key of the catalogue, `section` that of docs/site-protocol.md.

    `questions` go to a model, `chats` are made. A limit met by one with an `own_limit` says nothing of the others. One
    that `always` runs, runs after a stop, too; one that is `costly` only when it is asked for.
    """

    title: str
    section: str
    run: Callable[[Visit, Notebook], None]
    questions: int = 0
    chats: int = 0
    own_limit: bool = False
    costly: bool = False
    always: bool = False

    @property
    def name(self) -> str:
        """The name of the step in a report for programs."""
        return self.title.removeprefix("probe_step_")


STEPS = (
    Step("probe_step_page", "9.3", account_steps.page),
    Step("probe_step_login", "1.3, 1.4", account_steps.login),
    Step("probe_step_models", "2.1, 2.2", account_steps.models),
    Step("probe_step_settings", "11.1", account_steps.settings),
    Step("probe_step_quota", "10.2", account_steps.quota),
    Step("probe_step_refusal", "6.1, 6.2", account_steps.refusal),
    Step("probe_step_chat", "3.1", talk_steps.chat, chats=1),
    Step("probe_step_answer", "4.2, 5", talk_steps.answer, questions=1),
    Step("probe_step_continuing", "3.8", talk_steps.continuing, questions=1),
    Step("probe_step_older_parent", "3.8", talk_steps.older_parent, questions=1),
    Step("probe_step_reading", "3.3", talk_steps.reading),
    Step("probe_step_thinking", "4.4, 5.2, 5.3", talk_steps.thinking, questions=1),
    Step("probe_step_one_call", "4.8", tool_steps.one_call, questions=1),
    Step("probe_step_result", "4.8", tool_steps.result, questions=1),
    Step("probe_step_two_calls", "4.8", tool_steps.two_calls, questions=1),
    Step("probe_step_search", "5.8", talk_steps.search, questions=1, chats=1, own_limit=True),
    Step("probe_step_upload", "7.1, 7.2, 7.3", work_steps.upload, own_limit=True),
    Step("probe_step_document", "7.4", work_steps.document, questions=1),
    Step("probe_step_stop", "3.6", talk_steps.stop, questions=1),
    Step("probe_step_local_chat", "3.8", talk_steps.local_chat, questions=2, chats=1),
    Step("probe_step_picture", "8.1", work_steps.picture, questions=1, chats=1, own_limit=True, costly=True),
    Step("probe_step_long_question", "4.9", talk_steps.long_question, questions=1),
    Step("probe_step_renewal", "1.7", account_steps.renewal),
    Step("probe_step_deletion", "3.4", account_steps.deletion, always=True),
)


def questions_of(steps: Iterable[Step]) -> int:
    """Return how many questions go to a model."""
    return sum(step.questions for step in steps)


def chats_of(steps: Iterable[Step]) -> int:
    """Return how many chats are made."""
    return sum(step.chats for step in steps)
