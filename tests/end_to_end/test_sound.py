"""Sound on its whole way: texts read aloud as files that play, and sound files written down, by the SDK."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from proxy_process import Proxy, environment

from qwenproxy.media.wav import wav_of
from qwenproxy.sandbox import Sandbox
from qwenproxy.sandbox.media.voice import RATE, say

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")]

TEXT = 'The fox says: "Guten Tag".'


@pytest.fixture
def client(proxy: Proxy, sdk: Callable[[Proxy], OpenAI]) -> OpenAI:
    return sdk(proxy)


def bodies(site: Sandbox, path: str) -> list[dict[str, Any]]:
    return [each.body for each in site.requests if each.path == path]


def test_a_text_is_read_aloud_word_for_word(client: OpenAI, site: Sandbox) -> None:
    file = client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input=TEXT, response_format="wav")
    with wave.open(io.BytesIO(file.read())) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, RATE)
        assert sound.readframes(sound.getnframes()) == say(TEXT, "Cherry")
    rewrites = [each.body for each in site.requests if "/messages/" in each.path]
    assert [body["content_list"][0]["content"] for body in rewrites] == [TEXT]


def test_samples_as_they_come(client: OpenAI, proxy: Proxy) -> None:
    asked: dict[str, Any] = {"model": "tts-1", "voice": "Cherry", "input": TEXT}
    with client.audio.speech.with_streaming_response.create(**asked, response_format="pcm") as answer:
        assert b"".join(answer.iter_bytes()) == say(TEXT, "Cherry")
    events = httpx.post(f"{proxy.url}/v1/audio/speech", json={**asked, "stream_format": "sse"}, timeout=60).text
    frames = [json.loads(line[6:]) for line in events.splitlines() if line.startswith("data: {")]
    assert [each["type"] for each in frames][-1] == "speech.audio.done"
    assert b"".join(base64.b64decode(each.get("audio", "")) for each in frames) == say(TEXT, "Cherry")


def test_a_voice_that_no_account_has(client: OpenAI, site: Sandbox) -> None:
    with pytest.raises(openai.BadRequestError, match="setting of the account"):
        client.audio.speech.create(model="tts-1", voice="Ethan", input=TEXT)
    site.user_settings.update(site.accounts[1].id, {"tts_speaker_v2": {"speaker": "Ethan"}})
    file = client.audio.speech.create(model="tts-1", voice="Ethan", input=TEXT, response_format="pcm")
    assert file.read() == say(TEXT, "Ethan")


def test_a_sound_file_is_written_down(client: OpenAI, site: Sandbox) -> None:
    sound = ("talk.wav", wav_of(say("Hi", "Ryan"), RATE))
    made = client.audio.transcriptions.create(model="whisper-1", file=sound, language="en", prompt="{{say Good day.}}")
    assert made.text == "Good day."
    translated = client.audio.translations.create(
        model="whisper-1", file=sound, prompt="{{say Good day.}}", response_format="text"
    )
    assert str(translated).strip() == "Good day."
    questions = bodies(site, "/api/v2/chat/completions")
    assert {question["model"] for question in questions} == {"qwen3.5-omni-plus"}
    (entry,) = questions[0]["messages"][0]["files"]
    assert (entry["type"], entry["name"], entry["file_type"]) == ("audio", "talk.wav", "audio/wav")
    assert site.files[-1].data == sound[1]


def test_the_command(proxy: Proxy, site: Sandbox, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "qwenproxy", "speech", TEXT, "-o", "fox.wav"]
    told = {**environment(session_dir=proxy.session_dir), "QWENPROXY_LANG": "en"}
    done = subprocess.run(command, cwd=tmp_path, env=told, capture_output=True, text=True, timeout=90, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    with wave.open(str(tmp_path / "fox.wav")) as sound:
        assert sound.readframes(sound.getnframes()) == say(TEXT, "Cherry")
        seconds = sound.getnframes() / sound.getframerate()
    assert done.stdout == f"fox.wav  {seconds:.1f} s\n"
