"""OpenAI's Audio API over the whole product but for the browser: forms of sound, voices, failures, refusals."""

from __future__ import annotations

import base64
import io
import json
import wave
from typing import Any

import pytest
from kept_chats import KeptChats
from replies import JSON, RATE_LIMITED, STREAM, TICK, Reply, refusal

from qwenproxy.errors import NetworkFailed
from qwenproxy.media.wav import wav_of

PATH = "/v1/audio/speech"
SAMPLES = bytes(range(256)) * 4


def sound(*pieces: bytes, ends: bool = True) -> Reply:
    """Return speech in these pieces."""
    deltas = [{"tts": base64.b64encode(piece).decode(), "status": "typing"} for piece in pieces]
    deltas += [{"tts": "", "status": "finished"}] if ends else []
    frames = [f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n" for delta in deltas]
    return Reply((*frames[:1], TICK, *frames[1:]), headers=STREAM)


def settings(voice: str) -> Reply:
    data = {"success": True, "data": {"tts_speaker_v2": {"speaker": voice}}}
    return Reply((json.dumps(data),), headers=JSON)


@pytest.fixture
def speaker(chats: KeptChats) -> KeptChats:
    """A server whose site reads aloud; each account has a voice of its own."""
    for account, voice in (("a", "Cherry"), ("b", "Ethan")):
        chats.site.always(account, sound(SAMPLES[:101], SAMPLES[101:]), call="speech")
        chats.site.always(account, Reply(('{"success":true,"data":{"status":true}}',), headers=JSON), call="rewrite")
        chats.site.always(account, settings(voice), call="settings")
    return chats


def speak(speaker: KeptChats, prefix: str = "/v1", **body: Any) -> Any:
    return speaker.client.post(f"{prefix}/audio/speech", json={"input": "Hello.", **body}, buffered=True)


def error_of(response: Any) -> tuple[int, str, str | None]:
    error = response.get_json()["error"]
    return response.status_code, error["code"], error["param"]


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1", "/api", ""])
def test_a_file_that_plays(speaker: KeptChats, prefix: str) -> None:
    response = speak(speaker, prefix, model="tts-1", voice="alloy")
    assert (response.status_code, response.mimetype) == (200, "audio/wav")
    assert response.headers["x-qwenproxy-ignored"] == "voice"
    with wave.open(io.BytesIO(response.data)) as file:
        assert (file.getparams()[:3], file.readframes(9999)) == ((1, 2, 24_000), SAMPLES)
    (rewrite,) = [request for _, request in speaker.site.calls if "/messages/" in request.path]
    assert json.loads(rewrite.body or "")["content_list"][0]["content"] == "Hello."
    speaker.site.wait_for_deletions(("a", "up-1"))


def test_plain_samples(speaker: KeptChats) -> None:
    response = speak(speaker, response_format="pcm")
    assert (response.mimetype, response.data) == ("audio/pcm", SAMPLES)


@pytest.mark.parametrize("form", ["pcm", "wav"])
def test_events(speaker: KeptChats, form: str) -> None:
    response = speak(speaker, stream_format="sse", response_format=form)
    events = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: ")]
    assert events[-1]["type"] == "speech.audio.done"
    pieces = [base64.b64decode(event["audio"]) for event in events[:-1]]
    assert b"".join(pieces) == (SAMPLES if form == "pcm" else wav_of(SAMPLES, 24_000))


def test_a_voice_leads_to_the_account_that_has_it(speaker: KeptChats) -> None:
    speaker.start(accounts=2)
    assert speak(speaker, voice="ethan").status_code == 200
    assert speaker.site.asked("speech") == ["b"]
    assert error_of(speak(speaker, voice="Nobody")) == (400, "invalid_request", "voice")
    # A voice that an account lacks is no fault of the account.
    assert speak(speaker).status_code == 200


def test_a_limit_of_speech_rests_speech_alone(speaker: KeptChats) -> None:
    speaker.site.always("a", RATE_LIMITED, call="speech")
    assert error_of(speak(speaker))[:2] == (429, "rate_limited")
    assert error_of(speak(speaker))[:2] == (429, "rate_limited")
    assert speaker.site.asked("speech") == ["a"]
    assert speaker.say("Hello?").status_code == 200


@pytest.mark.parametrize(
    ("call", "failure"),
    [
        ("speech", NetworkFailed("no way")),
        ("speech", refusal("internal_error", status=500)),
        ("speech", Reply()),
        ("rewrite", NetworkFailed("no way")),
        ("completion", refusal("internal_error", status=500)),
    ],
    ids=["no connection", "the site fails", "no sound", "no rewrite", "no answer"],
)
def test_before_the_first_sound_it_is_tried_again(speaker: KeptChats, call: str, failure: Any) -> None:
    speaker.site.script("a", failure, call=call)
    response = speak(speaker, response_format="pcm")
    assert (response.status_code, response.data) == (200, SAMPLES)
    speaker.site.wait_for_deletions(("a", "up-1"), ("a", "up-2"))


def test_what_breaks_off_is_no_file(speaker: KeptChats) -> None:
    speaker.site.always("a", sound(SAMPLES, ends=False), call="speech")
    assert error_of(speak(speaker))[:2] == (502, "upstream_error")
    events = speak(speaker, stream_format="sse").text
    assert '"upstream_error"' in events
    assert "speech.audio.done" not in events


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"input": " "}, "invalid_request", "input"),
        ({"input": "x" * 4097}, "invalid_request", "input"),
        ({"response_format": "mp3"}, "unsupported_parameter", "response_format"),
        ({"response_format": "midi"}, "invalid_request", "response_format"),
        ({"stream_format": "video"}, "invalid_request", "stream_format"),
        ({"voice": {"id": "voice_1"}}, "unsupported_parameter", "voice"),
    ],
    ids=["nothing", "too long", "mp3", "midi", "stream", "an own voice"],
)
def test_a_bad_request(speaker: KeptChats, body: dict[str, Any], code: str, param: str) -> None:
    assert error_of(speak(speaker, **body)) == (400, code, param)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "file"),
        ({"file": (io.BytesIO(b""), "a.wav")}, "file"),
        ({"file": (io.BytesIO(b"no sound"), "a.wav")}, "file"),
        ({"file": (io.BytesIO(wav_of(b"", 8000)), "a.wav"), "response_format": "srt"}, "response_format"),
        ({"file": (io.BytesIO(wav_of(b"", 8000)), "a.wav"), "response_format": "verbose_json"}, "response_format"),
        ({"file": (io.BytesIO(wav_of(b"", 8000)), "a.wav"), "prompt": "x" * 8193}, "prompt"),
        ({"file": (io.BytesIO(wav_of(b"", 8000)), "a.wav"), "stream": "maybe"}, "stream"),
    ],
    ids=["no file", "an empty file", "no sound", "srt", "verbose_json", "a long prompt", "no flag"],
)
def test_a_bad_sound_file(speaker: KeptChats, fields: dict[str, Any], param: str) -> None:
    form = {"model": "whisper-1", **fields}
    for name in ("transcriptions", "translations"):
        files = {
            key: (io.BytesIO(value[0].getvalue()), value[1]) if isinstance(value, tuple) else value
            for key, value in form.items()
        }
        response = speaker.client.post(f"/v1/audio/{name}", data=files, content_type="multipart/form-data")
        assert (response.status_code, response.get_json()["error"]["param"]) == (400, param)


def test_no_model_hears(speaker: KeptChats) -> None:
    form = {"file": (io.BytesIO(wav_of(b"", 8000)), "a.wav")}
    response = speaker.client.post("/v1/audio/transcriptions", data=form, content_type="multipart/form-data")
    assert error_of(response) == (404, "model_not_found", "model")
