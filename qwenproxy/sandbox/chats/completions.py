"""The completions route: from an accepted question to a timed stream of frames (protocol 4 and 5)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from quart import Blueprint, Response, g, request

from qwenproxy.sandbox.chats.chat import ChatMessage
from qwenproxy.sandbox.chats.generations import Generation
from qwenproxy.sandbox.chats.local_tools import draws_human_check
from qwenproxy.sandbox.chats.question import Question, read_question
from qwenproxy.sandbox.envelope import bad_request, success
from qwenproxy.sandbox.faults import answers as fault_answers
from qwenproxy.sandbox.faults.changes import changed, has_changed
from qwenproxy.sandbox.faults.fault import COMPLETIONS, Fault
from qwenproxy.sandbox.faults.oddities import Frames, HeldOpen, Timed
from qwenproxy.sandbox.faults.streams import ConnectionDropped, spoil
from qwenproxy.sandbox.media.filming import FILMS, check_quota, start_film
from qwenproxy.sandbox.media.painting import PICTURES, paint
from qwenproxy.sandbox.media.researching import QUOTA, RESEARCH, ask_back, research
from qwenproxy.sandbox.model.brain import think
from qwenproxy.sandbox.model.parts import BuiltIn, Script
from qwenproxy.sandbox.model.playing import play
from qwenproxy.sandbox.model.script import compose
from qwenproxy.sandbox.model.stream import FrameWriter
from qwenproxy.sandbox.model.texts import CLOCK
from qwenproxy.sandbox.model.view import text_of
from qwenproxy.sandbox.state import SiteState, current_state, logged_in
from qwenproxy.sandbox.wire import Exchange, Wire

bp = Blueprint("completions", __name__)
_CLOCK = CLOCK.encode()
_WITHOUT_TEXT = frozenset({*FILMS, *PICTURES, RESEARCH})  # kinds of chats where the model cannot say what is wrong
_HEADERS = {"x-actual-status-code": "200", "cache-control": "no-cache", "x-accel-buffering": "no"}


@bp.post(COMPLETIONS)
async def complete() -> Response:
    """Answer a question as a stream."""
    state, account = current_state(), logged_in()
    limit = state.switches.body_limit
    if draws_human_check(g.body) or (limit is not None and len(await request.get_data()) > limit):
        return fault_answers.captcha(state, account.id)
    question = read_question(state, account, g.body, request.args.get("chat_id"))
    fault: Fault | None = g.fault or question.fault
    if fault is not None and not fault.in_stream:
        answer = await fault_answers.answer(fault, account.id)
        if answer is not None:
            return answer
        fault = None
    if question.misread and question.message["chat_type"] in _WITHOUT_TEXT:
        raise bad_request(f"Invalid input {question.misread}")
    if question.message["chat_type"] in FILMS:
        return _film(state, question)
    if question.message["chat_type"] in PICTURES and state.switches.quota_form == "envelope":
        state.quotas.check(account.id, question.message["chat_type"], state.now())
    if question.message["chat_type"] == RESEARCH:
        state.quotas.check(account.id, QUOTA, state.now())
    # no await from here on, so that no other request takes the chat between check and begin
    state.generations.check(question.chat, state.switches.parallel_limit)
    user_message = question.ask()
    answer_message = question.chat.add(user_message.id, _empty_answer(question))
    generation = state.generations.begin(question.chat, answer_message, state.switches.busy_release_s)
    exchange = Exchange.of(request.scope)
    exchange.generation = generation
    writer = _writer(state, question, user_message, answer_message)
    frames = await _answer(state, question, user_message, writer, fault)
    if has_changed(state.switches):
        frames = changed(frames, request.path, writer, state.switches)
    body = _deliver(frames, generation, writer, exchange.wire)
    response = Response(body, content_type="text/event-stream; charset=utf-8", headers=_HEADERS)
    response.timeout = None
    return response


def _film(state: SiteState, question: Question) -> Response:
    """Begin a film; the answer comes at once, without a stream."""
    check_quota(state, question.chat.account_id)
    asked = question.ask()
    answer = question.chat.add(asked.id, _empty_answer(question))
    return success(start_film(state, question.chat, asked, answer))


async def _answer(
    state: SiteState, question: Question, user_message: ChatMessage, writer: FrameWriter, fault: Fault | None
) -> AsyncGenerator[Timed, None]:
    """Return the frames of the answer, by the brain if there is one; a fault reworks frames that are all there."""
    if question.message["chat_type"] in PICTURES:
        pictures = paint(state, question.chat.account_id, question.body, question.message, writer)
        return _in_turn(pictures if fault is None else spoil(fault, pictures, writer))
    if question.message["chat_type"] == RESEARCH and state.brain is None:
        found = _research(state, question, user_message, writer)
        return _in_turn(found if fault is None else spoil(fault, found, writer))
    prompt = question.prompt(user_message, state)
    if state.brain is not None and not question.silenced and not question.misread:
        thinking = think(state.brain, prompt, writer, state.switches.keep_alive_s)
        if fault is None:
            return thinking
        frames: Frames = iter([frame async for frame in thinking])
    else:
        script = Script((), 0.0) if question.silenced else compose(prompt)
        memories = state.settings.memories(question.chat.account_id)
        memories += [part.result for part in script.parts if isinstance(part, BuiltIn) and part.phase == "bio"]
        frames = _frames(script, writer, state.switches.add_done)
    return _in_turn(frames if fault is None else spoil(fault, frames, writer))


def _research(state: SiteState, question: Question, user_message: ChatMessage, writer: FrameWriter) -> Frames:
    """Return the frames of a research; the first question of a chat is asked back."""
    first, *later = question.chat.path_to(user_message)
    if not later:
        return ask_back(writer)
    state.quotas.spend(question.chat.account_id, QUOTA, state.now())
    return research(text_of(first.fields["content"]), writer, state.switches)


async def _deliver(
    frames: AsyncGenerator[Timed, None], generation: Generation, writer: FrameWriter, wire: Wire
) -> AsyncIterator[bytes]:
    """Send each frame when it is due, late ones at once; yield only those the wire does not take."""
    due = asyncio.get_running_loop().time()
    lost = True
    try:
        async with aclosing(frames):
            async for gap, frame in frames:
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


async def _in_turn(frames: Frames) -> AsyncGenerator[Timed, None]:
    for frame in frames:
        yield frame


def _frames(script: Script, writer: FrameWriter, add_done: bool) -> Frames:
    yield 0.0, writer.created()
    gap = 0.0
    for data in play(script.parts, writer):
        yield gap, data
        gap = script.interval
    if script.ends:
        yield 0.0, writer.text("")
        yield 0.0, writer.finished()
    if add_done:
        yield 0.0, b"data: [DONE]\n\n"


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
