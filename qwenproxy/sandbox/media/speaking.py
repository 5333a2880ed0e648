"""The routes of speech: an answer that is read aloud, and the voices there are (protocol 11.3)."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

from quart import Blueprint, Response, g, request

from qwenproxy.sandbox.envelope import SiteError, bad_request, success
from qwenproxy.sandbox.media.voice import SPEAKERS, say
from qwenproxy.sandbox.state import current_state, logged_in

bp = Blueprint("speaking", __name__)
_PIECE = 4_801  # bytes, so that samples are cut
_HEADERS = {"x-actual-status-code": "200", "cache-control": "no-cache"}


@bp.get("/api/v2/tts/config")
async def voices() -> Response:
    """List the voices."""
    logged_in()
    return success({"audio_tts_speakers": [{"speaker": name, "name": name} for name in SPEAKERS]})


@bp.post("/api/v2/tts/completions")
async def speak() -> Response:
    """Read an answer aloud, with the voice of the account."""
    state, account = current_state(), logged_in()
    body = g.body if isinstance(g.body, dict) else {}
    chat = state.chats.get(account.id, request.args.get("chat_id"))
    if body.get("chat_id") != chat.id:
        raise bad_request("Invalid input the two chat ids differ.")
    message = chat.messages.get(_message_id(body.get("messages")))
    if message is None or message.fields["role"] != "assistant":
        raise SiteError(404, "Not_Found", "Message not found")
    text = str(message.fields.get("content") or "")
    if not text.strip():
        raise bad_request("Invalid input there is nothing to say.")
    state.quotas.check(account.id, "tts", state.now())
    state.quotas.spend(account.id, "tts", state.now())
    speaker = state.settings.of(account.id)["tts_speaker_v2"]["speaker"]
    return Response(_frames(say(text, speaker)), content_type="text/event-stream; charset=utf-8", headers=_HEADERS)


async def _frames(sound: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(sound), _PIECE):
        yield _frame(base64.b64encode(sound[start : start + _PIECE]).decode(), "typing")
    yield _frame("", "finished")


def _frame(piece: str, status: str) -> bytes:
    delta = {"role": "assistant", "content": "", "phase": "tts", "tts": piece, "status": status}
    return f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n".encode()


def _message_id(messages: Any) -> str:
    first = messages[0] if isinstance(messages, list) and messages else None
    if not isinstance(first, dict) or first.get("sub_chat_type") != "tts":
        raise bad_request("Invalid input no message to read.")
    return str(first.get("id"))
