"""The stages between the site's events and the client's: each is an iterator over events, one after the other.

The run chains them. A stage may hold events back, but lets every Tick through, because a Tick is the moment to notice
that a client left. A new filter of answers becomes one more stage here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from qwenproxy.chat import ChatRequest, Document, Event
from qwenproxy.chat.calls.stage import find_calls
from qwenproxy.chat.citations import cite
from qwenproxy.chat.corrections import Corrections
from qwenproxy.chat.cutting import cut
from qwenproxy.chat.document import hold_to_form
from qwenproxy.chat.prefill import beginning, beginning_of_document, with_beginning, without_repetition

Stage = Callable[[Iterator[Event]], Iterator[Event]]


def stages_for(request: ChatRequest, corrections: Corrections, searching: Stage | None = None) -> list[Stage]:
    """Return the stages that an answer to this request goes through, in their order.

    `searching` answers the model's own calls of a web search, and stands behind the stages that find its calls.
    """
    stages: list[Stage] = []
    if begun := beginning(request):
        stages.append(partial(without_repetition, begun=begun))
    stages += call_stages(request, corrections)
    if searching:
        stages.append(searching)
    if request.document:  # where [[1]] is a part of the JSON
        stages += _document_stages(request, request.document, corrections)
    else:
        stages.append(cite)
    if request.stop or request.max_tokens is not None:
        stages.append(partial(cut, stop=request.stop, max_tokens=request.max_tokens))
    return stages


def _document_stages(request: ChatRequest, document: Document, corrections: Corrections) -> list[Stage]:
    """Return the stages of a document; one that the request begins is judged with that, and delivered without."""
    hold = partial(hold_to_form, request=request, document=document, corrections=corrections)
    if not (begun := beginning_of_document(beginning(request))):
        return [hold]
    return [partial(with_beginning, begun=begun), hold, partial(without_repetition, begun=begun)]


def call_stages(request: ChatRequest, corrections: Corrections) -> list[Stage]:
    """Return the stages that find the calls in one answer of the site; each answer needs them anew."""
    return [partial(find_calls, request=request, corrections=corrections)] if request.may_hold_calls else []
