"""POST …/audio/speech, …/audio/transcriptions and …/audio/translations (contract 4.9)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from qwenproxy.api.addresses import PREFIXES
from qwenproxy.api.answering import KEEP_ALIVE_AFTER, event_stream, until_failure
from qwenproxy.api.audio.request import SoundRequest, SpeechRequest, parse_sound, parse_speech
from qwenproxy.api.auth import client_name
from qwenproxy.api.bodies import json_body
from qwenproxy.api.errors import json_response
from qwenproxy.api.form_bodies import form_body
from qwenproxy.api.openai.format import openai_error
from qwenproxy.api.sse import KEEP_ALIVE, frame
from qwenproxy.api.wiring import filing, hearing, speech
from qwenproxy.chat.waiting import ClientGoneCheck, check_client
from qwenproxy.media.wav import wav_of
from qwenproxy.upstream.speech import RATE
from qwenproxy.wsgi.client import client_gone_check

if TYPE_CHECKING:
    from qwenproxy.relay.speaking import Speech

FORM_HINT = "Send a multipart/form-data form with the sound in the field file."
NO_TOKENS = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}  # the site counts none for sound
PCM_TYPE = f"audio/pcm;rate={RATE};channels=1"


def blueprint() -> Blueprint:
    """Return the routes of sound."""
    routes = Blueprint("audio", __name__)
    for prefix in PREFIXES:
        routes.add_url_rule(f"{prefix}/audio/speech", view_func=speak, methods=["POST"])
        routes.add_url_rule(f"{prefix}/audio/transcriptions", view_func=transcribe, methods=["POST"])
        routes.add_url_rule(f"{prefix}/audio/translations", view_func=translate, methods=["POST"])
    return routes


def speak() -> ResponseReturnValue:
    """Answer POST …/audio/speech: a WAV file, plain samples as they come, or events."""
    wanted = parse_speech(json_body())
    client_gone = client_gone_check(request.environ)
    sound = speech().say(wanted.text, wanted.voice, client_gone)
    response = _sound_response(wanted, sound, client_gone)
    # Flask may never start a stream: only this gives the account back in every case.
    response.call_on_close(sound.close)
    return wanted.ignored.put_header(response)


def transcribe() -> ResponseReturnValue:
    """Answer POST …/audio/transcriptions."""
    return _written_down(translated=False)


def translate() -> ResponseReturnValue:
    """Answer POST …/audio/translations."""
    return _written_down(translated=True)


def _sound_response(wanted: SpeechRequest, sound: Speech, client_gone: ClientGoneCheck) -> Response:
    if wanted.as_events:
        return event_stream(until_failure(_events(wanted, sound), lambda error: frame(openai_error(error))))
    if wanted.format == "pcm":
        return Response((piece for piece in sound if piece), mimetype=PCM_TYPE)
    try:
        return Response(wav_of(_whole(sound, client_gone), RATE), mimetype="audio/wav")
    except BaseException:
        sound.close()
        raise


def _whole(sound: Speech, client_gone: ClientGoneCheck) -> bytes:
    """Return all sound, because a WAV file begins with its length. Raises what the site says, ClientGone."""
    samples = bytearray()
    for piece in sound:
        samples += piece
        if not piece:
            check_client(client_gone)
    return bytes(samples)


def _events(wanted: SpeechRequest, sound: Speech) -> Iterator[bytes]:
    """Yield the sound as events. A WAV file comes in one piece."""
    held, silent = bytearray(), 0
    for piece in sound:
        silent = 0 if piece else silent + 1
        if silent and silent % KEEP_ALIVE_AFTER == 0:
            yield KEEP_ALIVE
        if piece and wanted.format == "pcm":
            yield _delta(piece)
        held += piece if wanted.format == "wav" else b""
    if wanted.format == "wav":
        yield _delta(wav_of(bytes(held), RATE))
    yield frame({"type": "speech.audio.done", "usage": NO_TOKENS})


def _delta(piece: bytes) -> bytes:
    return frame({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()})


def _written_down(*, translated: bool) -> Response:
    texts, files = form_body(filing().max_file_size, FORM_HINT)
    file = next((each for each in files if each.field == "file"), None)
    data = file.content.read() if file else None
    wanted = parse_sound(texts, (file.name if file else None) or "", data, translated=translated)
    wish = replace(wanted.wish, client=client_name())
    text = hearing().write_down(wish, client_gone_check(request.environ))
    return wanted.ignored.put_header(_text_response(wanted, text))


def _text_response(wanted: SoundRequest, text: str) -> Response:
    if wanted.form == "text":
        return Response(f"{text}\n", mimetype="text/plain")
    if wanted.form == "json":
        return json_response({"text": text})
    events = ({"type": "transcript.text.delta", "delta": text}, {"type": "transcript.text.done", "text": text})
    return event_stream(map(frame, events))
