"""Structured output by agreement: the site has no such parameter, so the prompt says which document the answer must be.

On the way out `instruction` becomes part of the folded prompt; on the way back `hold_to_form` is a stage of the answer,
only for requests that want a document: it takes off what surrounds the document, and lets no other answer end well.
It must not know frames, phases or the forms of any wire API.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from qwenproxy.chat import CallStarted, ChatRequest, Citation, Document, Event, Finish, Image, Text, Usage
from qwenproxy.chat.brackets import Balance, Opening
from qwenproxy.chat.candidates import Verdict, find_document, judge
from qwenproxy.chat.corrections import Corrections, NeedsCorrection
from qwenproxy.chat.schemas import Rules
from qwenproxy.errors import StructuredOutputFailed

_CHARACTERS_PER_TOKEN = 4  # over that a document goes to the stage that cuts, which counts exactly
MOST_AFTER = 4000  # characters behind a document: an answer that goes on any longer is ended


def instruction(document: Document, *, may_call: bool) -> str:
    """Return the text that asks the model for a document; `may_call` allows a call of a function in its place."""
    is_object = Rules(document.schema).kinds == {"object"}
    value = "one JSON object" if is_object else "one JSON value (a JSON object only if the schema below says so)"
    words = [
        f"Answer with {value} and nothing else: no words before it or after it, and no code fence around it.",
    ]
    if may_call:
        words.append("You may call a function first, in the form described above; this is about your final answer.")
    if document.schema is not None:
        schema = json.dumps(document.schema, ensure_ascii=False, separators=(",", ":"))
        words.append(f"It must satisfy this JSON schema:\n{schema}")
    return " ".join(words)


def hold_to_form(
    events: Iterator[Event], request: ChatRequest, document: Document, corrections: Corrections
) -> Iterator[Event]:
    """Pass the document of an answer on, without what surrounds it: a stage of the answer.

    A streamed document flows as it comes, any other comes whole. A call of a function may take its place.
    Raises NeedsCorrection for an answer without a valid document, StructuredOutputFailed where that is not possible.
    """
    return _Editor(request, document, corrections).edit(events)


class _Draft:
    """The text of one answer so far: what stands before its document, the document, and how much follows."""

    def __init__(self, rules: Rules) -> None:
        self.start: int | None = None  # characters before the document, None until it begins
        self.length = 0  # characters of the document
        self.is_balanced = False  # the document has come to its end
        self.characters_after = 0
        self._opening = Opening(rules.kinds)
        self._balance = Balance()
        self._texts: list[str] = []
        self._document: list[str] = []

    @property
    def text(self) -> str:
        """All text."""
        return "".join(self._texts)

    @property
    def document(self) -> str:
        """The document so far."""
        return "".join(self._document)

    def feed(self, text: str) -> str:
        """Take new text of the answer; return the part of it, and of what was undecided, that is in the document."""
        self._texts.append(text)
        if self.start is None:
            self.start = self._opening.feed(text)
            if self.start is None:
                return ""
            text = self.text[self.start :]
        if not self.is_balanced:
            end = self._balance.feed(text)
            self.is_balanced = end is not None
            text, after = text[:end], text[end:] if end is not None else ""
        else:
            text, after = "", text
        self.characters_after += len(after)
        self.length += len(text)
        self._document.append(text)
        return text


class _Editor:
    """Edits one answer."""

    def __init__(self, request: ChatRequest, document: Document, corrections: Corrections) -> None:
        self._document = document
        self._may_call = bool(request.tools)
        self._max_tokens = request.max_tokens
        self._corrections = corrections
        self._rules = Rules(document.schema)
        self._draft = _Draft(self._rules)
        self._flows = request.streamed  # the document goes on as it comes
        self._has_call = False
        self._is_judged = False
        self._citations: list[Citation] = []
        self._last_usage: Usage | None = None
        self._usage: Usage | None = None  # the same where the document ended

    def edit(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Text):
                yield from self._text(event.text)
                if (verdict := self._early_verdict()) and not verdict.problem:
                    yield from self._end(verdict, Finish())
                    return
            elif isinstance(event, Finish):
                verdict = Verdict() if self._has_call else self._verdict()
                if verdict.problem:
                    raise self._failure(verdict.problem)
                yield from self._end(verdict, event)
            elif isinstance(event, Usage) and not self._flows:
                self._last_usage = event
                if not self._draft.is_balanced:
                    self._usage = event
            elif isinstance(event, Citation):
                yield from self._cite(event)
            elif not isinstance(event, Image):  # a picture is no part of a document
                self._has_call = self._has_call or isinstance(event, CallStarted)
                yield event

    def _text(self, text: str) -> Iterator[Event]:
        fresh = self._draft.feed(text)
        if not fresh:
            return
        if self._flows:
            yield Text(fresh)
        elif self._is_over_limit():
            # The next stage cuts it, so that nobody waits for the rest.
            self._flows = True
            yield from self._counted(self._draft.document)

    def _is_over_limit(self) -> bool:
        """Tell whether the stage that cuts would have cut a document that flows."""
        if self._max_tokens is None:
            return False
        if self._usage is None:
            return self._draft.length > self._max_tokens * _CHARACTERS_PER_TOKEN
        return self._usage.output_tokens - self._usage.reasoning_tokens > self._max_tokens

    def _counted(self, document: str) -> Iterator[Event]:
        """Yield a document after the counts that belong to it, which is what the stage that cuts goes by."""
        if self._usage:
            yield self._usage
        if document:
            yield Text(document)
        if self._last_usage and self._last_usage is not self._usage:
            yield self._last_usage

    def _early_verdict(self) -> Verdict | None:
        """Return the verdict on an answer that does not end behind its document, None while it may still end."""
        if self._is_judged or self._has_call or self._draft.characters_after <= MOST_AFTER:
            return None
        self._is_judged = True
        return self._verdict()

    def _verdict(self) -> Verdict:
        if self._flows and self._draft.start is not None:
            return judge(self._draft.document, self._rules, self._draft.start)
        return find_document(self._draft.text, self._rules)

    def _end(self, verdict: Verdict, finish: Finish) -> Iterator[Event]:
        if not self._flows or self._draft.start is None:
            yield from self._counted(verdict.text)
            for citation in self._citations:
                yield from _moved(citation, verdict.start, len(verdict.text))
        yield finish

    def _failure(self, problem: str) -> Exception:
        if not self._corrections.available:
            return StructuredOutputFailed(problem)
        form = instruction(self._document, may_call=self._may_call)
        return NeedsCorrection(f"Your answer cannot be used: {problem}. Write it again. {form}")

    def _cite(self, citation: Citation) -> Iterator[Event]:
        if self._flows:
            yield from _moved(citation, self._draft.start, self._draft.length)
        else:
            self._citations.append(citation)


def _moved(citation: Citation, start: int | None, length: int) -> Iterator[Citation]:
    """Yield a citation at its place in a document of this length at `start`, nothing if it is not inside."""
    if start is not None and start <= citation.start and citation.end <= start + length:
        yield replace(citation, start=citation.start - start, end=citation.end - start)
