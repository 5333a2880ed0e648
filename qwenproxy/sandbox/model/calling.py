"""Steps become parts of a script: words, and calls in the way that the site and the offer leave to the model. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from qwenproxy.sandbox.model.dialects import Call, written
from qwenproxy.sandbox.model.offers import Offer
from qwenproxy.sandbox.model.parts import Answer, ChannelCalls, NativeCalls, Part
from qwenproxy.sandbox.model.steps import Step
from qwenproxy.sandbox.model.texts import cut, words
from qwenproxy.sandbox.switches import Switches

_PIECE = 12  # characters of a frame
_CALL_PIECE = 7
_GIVES_UP = "I cannot use that function here."


def parts_of(step: Step, offer: Offer, switches: Switches) -> Iterator[Part]:
    """Return what a step looks like: its words, then its calls, grouped by how they leave the model."""
    if step.say:
        yield Answer(cut(step.say, _PIECE))
    calls = [_complete(call, offer) for call in step.calls]
    for dialect, group in groupby(calls, key=lambda call: _dialect(call, offer)):
        if dialect == "native":
            yield _native(list(group), offer, switches)
        elif dialect == "channel":
            yield ChannelCalls(tuple((call.name, call.arguments) for call in group), switches.channel_texts)
            if switches.channel_goes_on:
                yield Answer(words(_GIVES_UP))
        else:
            texts = (written(call, dialect, _schema(call, offer)) for call in group)
            yield Answer(cut("".join(texts), _CALL_PIECE))


def _complete(call: Call, offer: Offer) -> Call:
    """Return the call with arguments: those it has, else ones that fit the function's schema."""
    if call.arguments is not None:
        return call
    function = offer.function(call.name)
    return offer.call(function, call.dialect) if function else Call(call.name, {}, call.dialect)


def _schema(call: Call, offer: Offer) -> Any:
    function = offer.function(call.name)
    return function.parameters if function else None


def _dialect(call: Call, offer: Offer) -> str:
    """Return how a call leaves: what the model was trained to write never gets through an open channel."""
    dialect = call.dialect or offer.dialect
    if dialect == "native" and offer.way != "native":
        dialect = "tool_call"
    return "channel" if dialect == "tool_call" and offer.intercepted else dialect


def _native(calls: Sequence[Call], offer: Offer, switches: Switches) -> NativeCalls:
    """Return native calls: in one frame, or in two, of which the second repeats what the first had."""
    named = tuple(_with_server(call, offer) for call in calls)
    frames = [named] if switches.native_spread == "list" or len(named) == 1 else [named[:1], named]
    if switches.native_form == "function_call":
        frames = [(one,) for one in named]
    return NativeCalls(tuple(frames), switches.native_form, switches.native_prefix)


def _with_server(call: Call, offer: Offer) -> tuple[str, str, Any]:
    function = offer.function(call.name) or offer.functions[0]
    return function.server, call.name, call.arguments
