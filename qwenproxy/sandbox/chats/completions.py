"""The completions route: from an accepted question to a timed stream of frames (protocol 4 and 5)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

from quart import Blueprint, Response, g, request

from qwenproxy.sandbox.chats.chat import ChatMessage
from qwenproxy.sandbox.chats.generations import Generation
from qwenproxy.sandbox.chats.question import Question, read_question, text_of
from qwenproxy.sandbox.envelope import bad_request
from qwenproxy.sandbox.faults import answers as fault_answers
from qwenproxy.sandbox.faults.fault import COMPLETIONS, Fault, parse_fault
from qwenproxy.sandbox.faults.oddities import Frames, HeldOpen
from qwenproxy.sandbox.faults.streams import ConnectionDropped, spoil
from qwenproxy.sandbox.model.script import CLOCK, Answer, Script, SearchRound, Thinking, compose
from qwenproxy.sandbox.model.stream import FrameWriter
from qwenproxy.sandbox.state import SiteState, current_state, logged_in
from qwenproxy.sandbox.wire import Exchange, Wire

bp = Blueprint("completions", __name__)
_CLOCK = CLOCK.encode()
_HEADERS = {"x-actual-status-code": "200", "cache-control": "no-cache", "x-accel-buffering": "no"}


@bp.post(COMPLETIONS)
async def complete() -> Response:
    """Answer a question as a stream."""
    state, account = current_state(), logged_in()
    question = read_question(state, account, g.body, request.args.get("chat_id"))
    fault: Fault | None = g.fault or _ordered_fault(question)
    if fault is not None and not fault.in_stream:
        answer = await fault_answers.answer(fault, account.id)
        if answer is not None:
            return answer
        fault = None
    # no await from here on, so that no other request takes the chat between check and begin
    state.generations.check(question.chat, state.switches.parallel_limit)
    user_message = question.ask()
    answer_message = question.chat.add(user_message.id, _empty_answer(question))
    generation = state.generations.begin(question.chat, answer_message, state.switches.busy_release_s)
    exchange = Exchange.of(request.scope)
    exchange.generation = generation
    writer = _writer(state, question, user_message, answer_message)
    frames = _frames(compose(question.prompt(user_message, state)), writer, state.switches.add_done)
    if fault is not None:
        frames = spoil(fault, frames, writer)
    body = _deliver(frames, generation, writer, exchange.wire)
    response = Response(body, content_type="text/event-stream; charset=utf-8", headers=_HEADERS)
    response.timeout = None
    return response


async def _deliver(frames: Frames, generation: Generation, writer: FrameWriter, wire: Wire) -> AsyncIterator[bytes]:
    """Send each frame when it is due, late ones at once; yield only those the wire does not take."""
    due = asyncio.get_running_loop().time()
    lost = True
    try:
        for gap, frame in frames:
            due += gap
            await generation.rest_until(due)
            if generation.stopped:
                break
            data = frame.replace(_CLOCK, b"@%019d" % time.monotonic_ns()) if _CLOCK in frame else frame
            if not wire.write(data):
                yield data
        if generation.stopped:
            yield writer.stopped()
        lost = False
    except HeldOpen as hold:
        _remember(generation.answer, writer)
        generation.end()
        await asyncio.sleep(hold.seconds)
    except ConnectionDropped as drop:
        wire.drop(whole_connection=drop.whole_connection)
    finally:
        _remember(generation.answer, writer)
        generation.end(lost=lost)


def _frames(script: Script, writer: FrameWriter, add_done: bool) -> Frames:
    yield 0.0, writer.created()
    gap = 0.0
    for data in _content(script, writer):
        yield gap, data
        gap = script.interval
    yield 0.0, writer.text("")
    yield 0.0, writer.finished()
    if add_done:
        yield 0.0, b"data: [DONE]\n\n"


def _content(script: Script, writer: FrameWriter) -> Iterator[bytes]:
    for part in script.parts:
        if isinstance(part, Answer):
            yield from map(writer.text, part.pieces)
        elif isinstance(part, SearchRound):
            yield from _search(part, writer)
        elif part.form == "detail":
            for _, thought in part.steps:
                yield from (writer.text(word + " ", "think") for word in thought.split())
            yield writer.thinking_end("think")
        else:
            yield from _summaries(part, writer)


def _summaries(part: Thinking, writer: FrameWriter) -> Iterator[bytes]:
    """Write growing snapshots, each of them twice, as the site does."""
    titles: list[str] = []
    thoughts: list[str] = []
    for title, thought in part.steps:
        titles.append(title)
        thoughts.append("")
        for half in (thought[: len(thought) // 2], thought[len(thought) // 2 :]):
            thoughts[-1] += half
            yield writer.summary(titles, thoughts, len(half))
            yield writer.summary(titles, thoughts, 0)
    extra = {"summary_title": {"content": titles}, "summary_thought": {"content": thoughts}}
    yield writer.thinking_end("thinking_summary", extra)


def _search(part: SearchRound, writer: FrameWriter) -> Iterator[bytes]:
    function_id = f"round_{part.number}_call_00{part.number:02x}"
    arguments = f'{{"queries": ["{part.query}"]}}'
    # cumulative, and the last one twice
    for prefix in ("", arguments[: len(arguments) // 2], arguments, arguments):
        yield writer.delta(
            {
                "role": "assistant",
                "content": "",
                "phase": "web_search",
                "status": "typing",
                "function_call": {"name": "web_search", "arguments": prefix},
                "function_id": function_id,
                "extra": {"display_position": "think"},
            }
        )
    results = [dict(result) for result in part.results]
    if part.form == "docs":
        first_citation = part.number * len(results) + 1
        yield writer.tool_result(
            "web_search", function_id, {"tool_result": {"docs": results, "used_id": first_citation}}
        )
    else:
        yield writer.tool_result("web_search", function_id, {"web_search_info": results})


def _writer(state: SiteState, question: Question, user_message: ChatMessage, answer: ChatMessage) -> FrameWriter:
    path = question.chat.path_to(user_message)
    return FrameWriter(
        chat_id=question.chat.id,
        parent_id=user_message.id,
        response_id=answer.id,
        prompt_characters=sum(len(text_of(message.fields["content"])) for message in path),
        incremental=question.body.get("incremental_output") is not False,
        phased=question.features.get("output_schema") == "phase",
        indexed=state.switches.response_index,
    )


def _empty_answer(question: Question) -> dict[str, object]:
    chat_type = question.message["chat_type"]
    return {
        "role": "assistant",
        "content": "",
        "content_list": [],
        "model": question.model.id,
        "done": False,
        "timestamp": int(time.time()),
        "extra": {},
        "chat_type": chat_type,
        "sub_chat_type": chat_type,
    }


def _remember(answer: ChatMessage, writer: FrameWriter) -> None:
    answer.fields.update(content=writer.answer, content_list=writer.content_list, done=True, usage=writer.usage)


def _ordered_fault(question: Question) -> Fault | None:
    """Return the fault that the prompt asks for. Raises SiteError if there is no such fault."""
    for directive in question.directives:
        if directive.name == "fault":
            try:
                return parse_fault(directive.text)
            except ValueError as error:
                raise bad_request(f"Invalid input {error}") from error
    return None
