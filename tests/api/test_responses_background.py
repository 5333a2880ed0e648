"""Responses in the background over the whole product but for the browser: polling, streams, cancelling, the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from kept_chats import KeptChats
from openai.types.responses import Response
from replies import RATE_LIMITED, Reply, answer
from response_events import events_in
from transcripts import CREATED, delta, end

from qwenproxy.api.responses.stored import job as job_module
from qwenproxy.api.responses.stored.background import BACKGROUND, Background
from qwenproxy.api.responses.stored.events import Events, unpacked
from qwenproxy.api.wiring import STORED
from qwenproxy.errors import QueueTimeout
from qwenproxy.history.stored.responses import UNFINISHED

PATH = "/v1/responses"
WAIT = 20.0  # seconds; only a failing test waits as long


class Gate:
    """Chunks of a reply, of which those after the second one wait until the gate is open."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()
        self.chunks = (CREATED, delta("Half"), delta(" and half"), end())

    def __iter__(self) -> Iterator[str]:
        yield from self.chunks[:2]
        self.begun.set()
        while not self.opened.wait(0.01):
            yield ": still here\n\n"
        yield from self.chunks[2:]

    @property
    def reply(self) -> Reply:
        return Reply(cast(Any, self), pace=0.5)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


@pytest.fixture
def jobs(chats: KeptChats) -> Iterator[Callable[[], Background]]:
    """Return what gives the jobs of the server, which end with the test."""
    yield lambda: cast(Background, chats.app.extensions[BACKGROUND])
    chats.app.extensions[BACKGROUND].close()


@pytest.fixture
def begin(chats: KeptChats, jobs: Callable[[], Background]) -> Callable[..., dict[str, Any]]:
    """Return what begins a response in the background and returns it."""

    def begin(**body: Any) -> dict[str, Any]:
        response = chats.client.post(PATH, json={"input": "Hello?", "background": True, **body})
        assert response.status_code == 200, response.text
        begun: dict[str, Any] = response.get_json()
        Response.model_validate(begun)
        assert (begun["status"], begun["background"]) == ("queued", True)
        return begun

    return begin


def ended(chats: KeptChats, response_id: str) -> dict[str, Any]:
    """Return a response once it has ended."""
    job = chats.app.extensions[BACKGROUND].find(response_id, "")
    if job:
        list(job.events.follow(0, lambda: False))
    for _ in range(int(WAIT / 0.01)):
        if chats.app.extensions[BACKGROUND].find(response_id, "") is None:
            break
        threading.Event().wait(0.01)
    shown: dict[str, Any] = chats.client.get(f"{PATH}/{response_id}").get_json()
    return shown


def kinds(text: str, *, fails: bool = False) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events_in(text, fails=fails)]


def test_it_is_polled_to_its_end(chats: KeptChats, begin: Callable[..., dict[str, Any]], gate: Gate) -> None:
    chats.site.script("a", gate.reply)
    made = begin(stream=False)
    assert gate.begun.wait(WAIT)
    assert chats.client.get(f"{PATH}/{made['id']}").get_json()["status"] == "in_progress"
    gate.opened.set()
    response = ended(chats, made["id"])
    Response.model_validate(response)
    assert (response["status"], response["output"][0]["content"][0]["text"]) == ("completed", "Half and half")
    assert response["usage"]["total_tokens"]
    on = chats.client.post(PATH, json={"input": "And?", "previous_response_id": made["id"]})
    assert on.headers["x-qwenproxy-context"] == "continued"


def test_a_stream_goes_on_where_it_was_left(chats: KeptChats, jobs: Callable[[], Background], gate: Gate) -> None:
    chats.site.script("a", gate.reply)
    stream = chats.client.post(PATH, json={"input": "Hello?", "background": True, "stream": True})
    frames = iter(stream.response)
    seen = [bytes(cast(bytes, next(frames))).decode() for _ in range(3)]
    assert gate.begun.wait(WAIT)
    stream.close()  # the client leaves, the response goes on
    first = events_in("".join([*seen, "data: [DONE]\n\n"]))
    assert [event["type"] for event in first] == ["response.created", "response.queued", "response.in_progress"]
    assert [event["response"]["status"] for event in first] == ["queued", "queued", "in_progress"]
    response_id = first[0]["response"]["id"]
    gate.opened.set()
    rest = chats.client.get(f"{PATH}/{response_id}?stream=true&starting_after=2", buffered=True)
    assert rest.mimetype == "text/event-stream"
    events = [*first, *events_in(rest.text)]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["response"] == ended(chats, response_id)
    # It can be read again when it is over, and after a restart.
    for _ in range(2):
        again = chats.client.get(f"{PATH}/{response_id}?stream=true", buffered=True)
        assert events_in(again.text) == events
        chats.start()


def test_it_can_be_streamed_although_it_was_not_at_first(
    chats: KeptChats, begin: Callable[..., dict[str, Any]]
) -> None:
    made = begin()
    ended(chats, made["id"])
    text = chats.client.get(f"{PATH}/{made['id']}?stream=true&starting_after=1", buffered=True).text
    assert kinds(text)[0] == "in_progress"
    assert kinds(text)[-1] == "completed"


@pytest.mark.parametrize("number", ["x", "-1", "1.5"])
def test_no_number_of_an_event(chats: KeptChats, begin: Callable[..., dict[str, Any]], number: str) -> None:
    made = begin()
    response = chats.client.get(f"{PATH}/{made['id']}?stream=true&starting_after={number}")
    assert (response.status_code, response.get_json()["error"]["param"]) == (400, "starting_after")


def test_a_refusal_is_a_failed_response(chats: KeptChats, begin: Callable[..., dict[str, Any]]) -> None:
    chats.site.script("a", RATE_LIMITED)
    made = begin()
    response = ended(chats, made["id"])
    assert (response["status"], response["error"]["code"]) == ("failed", "insufficient_quota")
    text = chats.client.get(f"{PATH}/{made['id']}?stream=true", buffered=True).text
    assert kinds(text, fails=True)[-2:] == ["error", "failed"]


def test_it_is_cancelled(chats: KeptChats, begin: Callable[..., dict[str, Any]], gate: Gate) -> None:
    chats.site.script("a", gate.reply)
    made = begin(stream=False)
    assert gate.begun.wait(WAIT)
    job = chats.app.extensions[BACKGROUND].find(made["id"], "")
    for _ in range(2):  # once more changes nothing
        cancelled = chats.client.post(f"{PATH}/{made['id']}/cancel")
        assert (cancelled.status_code, cancelled.get_json()["status"]) == (200, "cancelled")
    events = b"".join(job.events.follow(0, lambda: False)).decode()
    assert kinds(events, fails=True)[-1] == "failed"
    assert ended(chats, made["id"])["status"] == "cancelled"
    assert all(response.closed for response in chats.site.responses)


def test_it_is_deleted_while_it_is_made(chats: KeptChats, begin: Callable[..., dict[str, Any]], gate: Gate) -> None:
    chats.site.script("a", gate.reply)
    made = begin()
    assert gate.begun.wait(WAIT)
    assert chats.client.delete(f"{PATH}/{made['id']}").get_json()["deleted"] is True
    gate.opened.set()
    assert "error" in ended(chats, made["id"])
    assert chats.client.get(f"{PATH}/{made['id']}").status_code == 404


def test_cancelled_before_its_turn(chats: KeptChats, begin: Callable[..., dict[str, Any]], gate: Gate) -> None:
    chats.app.extensions[BACKGROUND] = Background(workers=1, most_waiting=1)
    chats.site.script("a", gate.reply)
    first = begin()
    assert gate.begun.wait(WAIT)
    second = begin()
    crowded = chats.client.post(PATH, json={"input": "Hello?", "background": True})
    assert (crowded.status_code, crowded.get_json()["error"]["code"]) == (429, "queue_timeout")
    job = chats.app.extensions[BACKGROUND].find(second["id"], "")
    assert chats.client.post(f"{PATH}/{second['id']}/cancel").get_json()["status"] == "cancelled"
    assert b"response.failed" in b"".join(job.events.follow(0, lambda: False))
    gate.opened.set()
    assert ended(chats, first["id"])["status"] == "completed"
    assert ended(chats, second["id"])["status"] == "cancelled"
    assert len(chats.site.questions()) == 1


def test_the_end_of_the_server_is_told(chats: KeptChats, begin: Callable[..., dict[str, Any]], gate: Gate) -> None:
    background = chats.app.extensions[BACKGROUND] = Background(workers=1)
    chats.site.script("a", gate.reply)
    running = begin()
    assert gate.begun.wait(WAIT)
    waiting = begin()
    background.stop()
    assert chats.client.get(f"{PATH}/{waiting['id']}").get_json()["status"] == "failed"
    assert chats.client.get(f"{PATH}/{running['id']}").get_json()["status"] == "in_progress"
    background.close()
    for made in (running, waiting):
        shown = chats.client.get(f"{PATH}/{made['id']}").get_json()
        assert (shown["status"], shown["error"]["code"]) == ("failed", "server_error")
    assert all(response.closed for response in chats.site.responses)
    refused = chats.client.post(PATH, json={"input": "Hello?", "background": True})
    assert refused.status_code == 429


def test_one_that_nobody_works_on_has_failed(
    chats: KeptChats, begin: Callable[..., dict[str, Any]], gate: Gate
) -> None:
    chats.site.script("a", gate.reply)
    made = begin()
    assert gate.begun.wait(WAIT)
    before = chats.app.extensions[STORED].responses
    lost = chats.app.extensions[BACKGROUND]
    chats.app.extensions[BACKGROUND] = Background()  # as after a kill
    try:
        assert before.get(made["id"], "")["status"] in UNFINISHED
        shown = chats.client.get(f"{PATH}/{made['id']}").get_json()
        assert (shown["status"], shown["error"]["code"]) == ("failed", "server_error")
    finally:
        lost.close()


def test_it_waits_for_a_free_account(
    chats: KeptChats, begin: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "PAUSE", 0.001)
    crowded = iter([True, True, False])
    ask = type(chats.app.extensions["qwenproxy.conversations"]).answer

    def busy(self: Any, *args: Any) -> Any:
        if next(crowded):
            raise QueueTimeout("Every account is busy.")
        return ask(self, *args)

    monkeypatch.setattr(type(chats.app.extensions["qwenproxy.conversations"]), "answer", busy)
    assert ended(chats, begin()["id"])["status"] == "completed"


def test_it_holds_its_conversation(chats: KeptChats, begin: Callable[..., dict[str, Any]], gate: Gate) -> None:
    chats.start(queue_wait=0)
    conversation = chats.client.post("/v1/conversations", json={}).get_json()["id"]
    chats.site.script("a", gate.reply, answer("Next"))
    made = begin(conversation=conversation)
    assert gate.begun.wait(WAIT)
    busy = chats.client.post(PATH, json={"input": "And?", "conversation": conversation})
    assert (busy.status_code, busy.get_json()["error"]["code"]) == (429, "queue_timeout")
    gate.opened.set()
    ended(chats, made["id"])
    response = chats.client.post(PATH, json={"input": "And?", "conversation": conversation})
    assert response.get_json()["output"][0]["content"][0]["text"] == "Next"
    items = chats.client.get(f"/v1/conversations/{conversation}/items").get_json()["data"]
    assert len(items) == 4


class TestEvents:
    def test_silence_is_bridged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("qwenproxy.api.responses.stored.events.LOOK_EVERY", 0.001)
        looks = iter([False] * 15 + [True])
        assert list(Events().follow(0, lambda: next(looks))) == [b": keep-alive\n\n"]

    def test_what_comes_after_the_end_is_none(self) -> None:
        events = Events()
        events.add(b"event: a\ndata: 0\n\nevent: b\ndata: 1\n\n")
        events.end_with(lambda number: b"data: %d\n\n" % number)
        events.add(b"data: late\n\n")
        events.end_with(lambda number: b"data: later\n\n")
        whole = [b"event: a\ndata: 0\n\n", b"event: b\ndata: 1\n\n", b"data: 2\n\n"]
        assert list(events.follow(0, lambda: False)) == whole
        assert list(events.follow(2, lambda: False)) == whole[2:]
        assert list(events.follow(9, lambda: False)) == []
        assert list(unpacked(events.packed(), 1)) == whole[1:]
        assert list(unpacked(b"damaged", 0)) == []
