"""The sound in the site's speech, however the stream is cut."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenproxy.errors import ProtocolChanged, RateLimited
from qwenproxy.upstream.speech import SoundDecoder, voice_in


def stream(*pieces: bytes) -> str:
    deltas = [{"tts": base64.b64encode(piece).decode(), "status": "typing"} for piece in pieces]
    deltas.append({"tts": "", "status": "finished"})
    return "".join(f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n" for delta in deltas)


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=4), st.data())
def test_the_same_sound_wherever_it_is_cut(pieces: list[bytes], data: st.DataObject) -> None:
    text = stream(*pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    decoder = SoundDecoder()
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    sound = b"".join(piece for part in parts for piece in decoder.feed(part))
    assert (sound, decoder.is_finished) == (b"".join(pieces), True)


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ({"error": {"code": "quota_limit", "details": "今日额度已用完"}}, RateLimited),
        ({"choices": [{"delta": {"status": "error", "extra": {"error": {"code": "RateLimited"}}}}]}, RateLimited),
        ({"choices": [{"delta": {"tts": "%%%"}}]}, ProtocolChanged),
    ],
    ids=["an error", "a delta with an error", "no base64"],
)
def test_what_the_site_says_in_the_stream(frame: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        list(SoundDecoder().feed(f"data: {json.dumps(frame)}\n\n"))


@pytest.mark.parametrize("line", ["", ": comment", "data: [DONE]", "data: {", 'data: {"choices":[]}', "event: x"])
def test_other_lines_are_passed_over(line: str) -> None:
    assert not list(SoundDecoder().feed(f"{line}\n\n"))


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ('{"data":{"tts_speaker_v2":{"speaker":"Cherry"}}}', "Cherry"),
        ('{"data":{"tts_speaker_v2":null}}', ""),
        ('{"data":[]}', ""),
        ("<html>", ""),
    ],
)
def test_the_voice_of_an_account(text: str, voice: str) -> None:
    assert voice_in(text) == voice
