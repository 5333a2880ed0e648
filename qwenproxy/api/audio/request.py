"""Read a request of OpenAI's Audio API, from JSON or from a form. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from qwenproxy.api.fields import read_text
from qwenproxy.api.ignored import Ignored
from qwenproxy.errors import RequestError, UnsupportedParameter
from qwenproxy.media.hearing import SoundWish
from qwenproxy.uploads.sound_types import identify_sound

LONGEST_INPUT = 4096  # characters
LONGEST_HINT = 8192  # characters
# OpenAI's voices, which every program sends: they mean the account's own.
_ANY_VOICE = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer"),
    *("verse", "auto", "default"),
)
_SPEECH_FIELDS = frozenset({"input", "model", "voice", "response_format", "stream_format"})
_SOUND_FIELDS = frozenset({"file", "model", "language", "prompt", "response_format", "stream"})

Format = Literal["wav", "pcm"]


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text to read aloud. `voice` None is the account's own; `as_events` wants the sound in an event stream."""

    text: str
    voice: str | None
    format: Format
    as_events: bool
    ignored: Ignored


@dataclass(frozen=True, slots=True)
class SoundRequest:
    """A sound file to write down; the answer is an event stream, plain text, or JSON."""

    wish: SoundWish
    form: Literal["json", "text", "events"]
    ignored: Ignored


def parse_speech(body: Mapping[str, Any]) -> SpeechRequest:
    """Return the request of …/audio/speech. Raises RequestError, UnsupportedParameter."""
    ignored = Ignored()
    text = (read_text(body, "input") or "").strip()
    if not text:
        raise RequestError("input must have the text to read aloud.", param="input")
    if len(text) > LONGEST_INPUT:
        raise RequestError(f"input must have at most {LONGEST_INPUT} characters.", param="input")
    stream_format = read_text(body, "stream_format") or "audio"
    if stream_format not in ("audio", "sse"):
        raise RequestError("stream_format must be audio or sse.", param="stream_format")
    if body.get("speed") in (1, 1.0):
        body = {name: value for name, value in body.items() if name != "speed"}
    ignored.add_fields(body, _SPEECH_FIELDS)
    as_events = stream_format == "sse"
    return SpeechRequest(text, _voice(body, ignored), _sound_format(body, as_events=as_events), as_events, ignored)


def parse_sound(texts: Mapping[str, str], name: str, data: bytes | None, *, translated: bool = False) -> SoundRequest:
    """Return the request of …/audio/transcriptions or translations. Raises RequestError, UnsupportedParameter."""
    ignored = Ignored()
    if data is None:
        raise RequestError("There is no sound. Send it in the form's field file.", param="file")
    file_type = identify_sound(data)
    form = texts.get("response_format") or "json"
    if form not in ("json", "text"):
        raise UnsupportedParameter(
            "response_format must be json or text: the site tells neither times nor speakers.", param="response_format"
        )
    hint = (texts.get("prompt") or "").strip()
    if len(hint) > LONGEST_HINT:
        raise RequestError(f"prompt must have at most {LONGEST_HINT} characters.", param="prompt")
    ignored.add_fields({field.removesuffix("[]"): value for field, value in texts.items()}, _SOUND_FIELDS)
    streams = texts.get("stream", "").lower() or "false"
    if streams not in ("true", "false"):
        raise RequestError("stream must be true or false.", param="stream")
    stem = name.rpartition("/")[2].rpartition(".")[0] or "sound"
    wish = SoundWish(
        f"data:{file_type.content_type};base64,{base64.b64encode(data).decode()}",
        f"{stem}.{file_type.extension}",
        texts.get("model") or None,
        (texts.get("language") or "").strip() or None,
        hint or None,
        translated,
    )
    return SoundRequest(wish, "events" if streams == "true" else "text" if form == "text" else "json", ignored)


def _voice(body: Mapping[str, Any], ignored: Ignored) -> str | None:
    value = body.get("voice")
    if isinstance(value, Mapping):  # a voice of the client's own at OpenAI
        raise UnsupportedParameter("voice must be the name of a voice.", param="voice")
    voice = (read_text(body, "voice") or "").strip()
    if not voice or voice.lower() in _ANY_VOICE:
        if voice.lower() not in ("", "auto", "default"):
            ignored.add("voice")
        return None
    return voice


def _sound_format(body: Mapping[str, Any], *, as_events: bool) -> Format:
    wanted = read_text(body, "response_format") or ("pcm" if as_events else "wav")
    if wanted in ("mp3", "opus", "aac", "flac"):
        raise UnsupportedParameter(
            f"response_format {wanted} is not supported: the site sends plain samples, and nothing here compresses "
            "them. Use wav or pcm.",
            param="response_format",
        )
    if wanted not in ("wav", "pcm"):
        raise RequestError("response_format must be wav or pcm.", param="response_format")
    return "wav" if wanted == "wav" else "pcm"
