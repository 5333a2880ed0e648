"""`qwenproxy speech`: what it asks the running proxy for, what it writes, which voices it lists, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runner import run_here
from works_server import Works, served_works

from qwenproxy.accounts.registry import Registry
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.logins import site_report
from qwenproxy.media.wav import wav_of
from qwenproxy.upstream.account_settings import AccountSettings

SAMPLES = bytes(48_000)  # one second
WAV = wav_of(SAMPLES, 24_000)


@pytest.fixture
def works(session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Works]:
    """Return a proxy that answers with a second of sound, and a folder to work in."""
    with served_works(session, tmp_path, monkeypatch, (200, WAV)) as works:
        yield works


def test_a_file(works: Works) -> None:
    done = run_here("speech", "Good morning!", "-o", "morning.wav", "--voice", "Cherry")
    assert (done.status, done.output) == (0, "morning.wav  1.0 s\n")
    assert (works.folder / "morning.wav").read_bytes() == WAV
    ((path, key, body),) = works.asked
    assert (path, key) == ("/v1/audio/speech", "")
    assert json.loads(body) == {"input": "Good morning!", "response_format": "wav", "voice": "Cherry"}


def test_bare_samples(works: Works) -> None:
    works.answer = (200, SAMPLES)
    done = run_here("speech", "Hi", "-o", "hi.PCM")
    assert (done.status, done.output) == (0, "hi.PCM  1.0 s\n")
    assert json.loads(works.asked[0][2])["response_format"] == "pcm"


def test_free_names(works: Works) -> None:
    for _ in range(2):
        assert run_here("speech", "Hi").status == 0
    assert sorted(path.name for path in works.folder.iterdir()) == ["speech-2.wav", "speech.wav"]


def test_a_text_of_standard_input(works: Works) -> None:
    assert run_here("speech", "-", text="From a file.\n").status == 0
    assert json.loads(works.asked[0][2])["input"] == "From a file."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "There is no text"),
        ([" "], "There is no text"),
        (["x" * 4097], "4097 characters; 4096 can be read"),
        (["Hi", "-o", "hi.ogg"], "has to end in .wav"),
        (["Hi", "-o", "hi"], "has to end in .wav"),
        (["Hi", "-o", "old.wav"], "old.wav exists"),
        (["Hi", "-o", "no/hi.wav"], "does not exist"),
        (["Hi", "-o", "dir.wav", "--force"], "is a folder"),
    ],
)
def test_what_is_refused_before_it_costs_anything(works: Works, words: list[str], told: str) -> None:
    (works.folder / "old.wav").write_bytes(b"old")
    (works.folder / "dir.wav").mkdir()
    done = run_here("speech", *words)
    assert done.status
    assert told in done.output
    assert works.asked == []
    assert (works.folder / "old.wav").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, {"error": {"message": "no"}}), "asks for a key"),
        ((400, {"error": {"message": "No account has the voice."}}), "No speech: No account has the voice."),
        ((502, b"<html>"), "No speech: HTTP 502"),
        ((502, []), "No speech: HTTP 502"),
    ],
    ids=["a key is missing", "a voice is missing", "no JSON", "another form"],
)
def test_the_proxy_refuses(works: Works, answer: Any, told: str) -> None:
    works.answer = answer
    done = run_here("speech", "Hi")
    assert done.status == 1
    assert told in done.output
    assert not (works.folder / "speech.wav").exists()


def test_no_proxy(session: Path) -> None:
    done = run_here("speech", "Hi")
    assert done.status == 1
    assert "No proxy runs" in done.output


def test_voices(session: Path) -> None:
    registry = Registry.open(SessionFolder(session))
    assert "account check" in run_here("speech", "--voice", "list").output
    for name, voice in (("a", "Cherry"), ("b", "Ethan"), ("c", "Cherry"), ("d", "")):
        registry.add(f"token-{name}", name)
        settings = AccountSettings(voice=voice)
        site_report.write(registry.folder(name), site_report.SiteReport(settings, 1.0))
    *voices, unknown = run_here("speech", "--voice", "list").output.splitlines()
    assert voices == ["Cherry  a, c", "Ethan  b"]
    assert unknown.startswith("?  d: ")
    assert "qwenproxy account" in unknown
