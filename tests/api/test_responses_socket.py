"""The Responses API over a WebSocket: turns, what a socket remembers, errors, lanes, its end; none at all."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import pytest
from clocks import FakeClock
from flask.testing import FlaskClient
from kept_chats import KeptChats
from openai import OpenAI
from openai.types.responses import ResponsesServerEvent
from pydantic import TypeAdapter
from replies import CUT, RATE_LIMITED, answer
from response_events import check
from simple_websocket import Client, ConnectionClosed

from qwenproxy.api import sockets
from qwenproxy.api.responses.stored import socket as socket_module
from qwenproxy.api.responses.stored.socket import ResponseTalk
from qwenproxy.api.sockets import Messages

WAIT = 20.0  # seconds; only a failing test waits as long
PATH = "/v1/responses"

Connect = Callable[..., Client]
Event = dict[str, Any]


def say(ws: Client, text: object = "Hello?", **more: Any) -> None:
    ws.send(json.dumps({"type": "response.create", "model": "qwen-max", "input": text, **more}))


def event(ws: Client) -> Event:
    text = ws.receive(timeout=WAIT)
    assert text is not None, "no event came"
    value: Event = json.loads(text)
    return value


def events(ws: Client) -> list[Event]:
    """Return the events of one answer."""
    some = [event(ws)]
    while some[-1]["type"] not in ("response.completed", "response.incomplete", "response.failed", "error"):
        some.append(event(ws))
    return some


def turn(ws: Client, text: object = "Hello?", **more: Any) -> Event:
    """Say something and return the final response, whose events are checked."""
    say(ws, text, **more)
    return check(events(ws))


def late_turn(ws: Client, chats: KeptChats) -> Event:
    """Do the same, with a browser that opens after the first two events."""
    gate = chats.opener.open_gates["a"] = threading.Event()
    say(ws)
    first = [event(ws) for _ in range(2)]
    gate.set()
    return check(first + events(ws))


def refused(ws: Client, text: object = "Hello?", **more: Any) -> Event:
    """Say something and return the error that is the only answer to it."""
    say(ws, text, **more)
    error = event(ws)
    assert set(error) == {"type", "status", "error"}
    assert error["type"] == "error"
    return error


def text_of(response: Event) -> str:
    return "".join(part["text"] for item in response["output"] for part in item["content"])


class TestTurns:
    @pytest.mark.parametrize("address", ["/v1/responses", "/api/v1/responses", "/responses"])
    def test_the_events_are_those_of_a_stream(self, connect: Connect, chats: KeptChats, address: str) -> None:
        response = turn(connect(address=address))
        assert (response["status"], text_of(response)) == ("completed", "Hello world")
        assert chats.client.get(f"{PATH}/{response['id']}").get_json() == response

    def test_one_after_the_other(self, connect: Connect, chats: KeptChats) -> None:
        chats.site.script("a", answer("One"), answer("Two"), answer("Three"))
        ws = connect(address=PATH)
        for number in range(3):
            say(ws, f"Q{number}", store=False)
        assert [text_of(check(events(ws))) for _ in range(3)] == ["One", "Two", "Three"]
        assert chats.site.texts() == ["Q0", "Q1", "Q2"]

    def test_signs_of_life_before_the_answer(self, connect: Connect, chats: KeptChats, no_patience: None) -> None:
        response = late_turn(connect(address=PATH), chats)
        assert (response["status"], text_of(response)) == ("completed", "Hello world")

    def test_what_goes_wrong_behind_signs_of_life(self, connect: Connect, chats: KeptChats, no_patience: None) -> None:
        chats.site.always("a", RATE_LIMITED)
        response = late_turn(connect(address=PATH), chats)
        assert (response["status"], response["error"]["code"]) == ("failed", "insufficient_quota")

    def test_a_lane_is_named_in_all_its_events(self, connect: Connect) -> None:
        ws = connect(address=PATH)
        say(ws, stream_id="left")
        assert {each["stream_id"] for each in events(ws)} == {"left"}
        say(ws, 7, stream_id="right")
        assert event(ws)["stream_id"] == "right"

    def test_a_warm_up(self, connect: Connect, chats: KeptChats) -> None:
        ws = connect(address=PATH)
        warm = turn(ws, "Here is what you need.", store=False, generate=False)
        assert (warm["status"], warm["output"]) == ("completed", [])
        assert not chats.site.questions()
        turn(ws, "Now?", store=False, previous_response_id=warm["id"])
        assert "Here is what you need." in chats.site.texts()[0]

    def test_a_client_that_leaves_stops_the_answer(self, connect: Connect, chats: KeptChats) -> None:
        ws = connect(address=PATH)
        turn(ws)
        ws.close()
        ws.thread.join(WAIT)
        assert all(response.closed for response in chats.site.responses)


class TestMemory:
    def test_it_goes_on_without_being_stored(self, connect: Connect, chats: KeptChats) -> None:
        ws = connect(address=PATH)
        first = turn(ws, "One?", store=False)
        second = turn(ws, "Two?", store=False, previous_response_id=first["id"])
        turn(ws, "Three?", store=False, previous_response_id=second["id"])
        assert chats.site.texts() == ["One?", "Two?", "Three?"]
        assert {place[1] for place in chats.site.places()} == {"up-1"}, "the site's chat goes on"
        assert chats.client.get(f"{PATH}/{first['id']}").status_code == 404

    def test_another_socket_does_not_remember(self, connect: Connect) -> None:
        first = turn(connect(address=PATH), store=False)
        ws = connect(address=PATH)
        error = refused(ws, previous_response_id=first["id"])
        assert (error["status"], error["error"]["code"]) == (400, "previous_response_not_found")
        assert turn(ws)["status"] == "completed"

    def test_only_the_newest_one(self, connect: Connect) -> None:
        ws = connect(address=PATH)
        first = turn(ws, store=False)
        turn(ws, store=False)
        assert refused(ws, previous_response_id=first["id"])["error"]["code"] == "previous_response_not_found"

    def test_a_failed_continuation_is_forgotten(self, connect: Connect) -> None:
        ws = connect(address=PATH)
        first = turn(ws, store=False)
        result = [{"type": "function_call_output", "call_id": "none", "output": "x"}]
        assert refused(ws, result, previous_response_id=first["id"])["status"] == 400
        error = refused(ws, previous_response_id=first["id"], store=False)
        assert error["error"]["code"] == "previous_response_not_found"

    def test_a_continuation_that_breaks_off_is_forgotten(self, connect: Connect, chats: KeptChats) -> None:
        ws = connect(address=PATH)
        first = turn(ws, store=False)
        chats.site.script("a", CUT)
        assert turn(ws, store=False, previous_response_id=first["id"])["status"] == "failed"
        error = refused(ws, previous_response_id=first["id"])
        assert error["error"]["code"] == "previous_response_not_found"

    def test_another_failure_changes_nothing(self, connect: Connect, chats: KeptChats) -> None:
        ws = connect(address=PATH)
        first = turn(ws, "One?", store=False)
        refused(ws, 7)
        refused(ws, previous_response_id="resp_none")
        assert turn(ws, "Two?", previous_response_id=first["id"])["status"] == "completed"

    def test_a_stored_one_outlives_its_socket(self, connect: Connect) -> None:
        first = turn(connect(address=PATH))
        assert turn(connect(address=PATH), "And?", previous_response_id=first["id"])["status"] == "completed"


class TestErrors:
    @pytest.mark.parametrize(
        ("body", "code", "param"),
        [
            ("{", "invalid_json", None),
            ("[]", "invalid_json", None),
            ('{"type":"response.steer"}', "invalid_request", "type"),
            ("{}", "invalid_request", "type"),
            ('{"type":"response.create","input":7}', "invalid_request", "input"),
            ('{"type":"response.create","input":"x","background":true}', "unsupported_parameter", "background"),
            ('{"type":"response.create","input":"x","generate":"no"}', "invalid_request", "generate"),
            ('{"type":"response.create","input":"x","stream_id":7}', "invalid_request", "stream_id"),
        ],
    )
    def test_bad_messages_harm_nobody(self, connect: Connect, body: str, code: str, param: str | None) -> None:
        ws = connect(address=PATH)
        ws.send(body)
        error = event(ws)
        assert (error["type"], error["status"]) == ("error", 400)
        assert (error["error"]["code"], error["error"]["param"]) == (code, param)
        assert turn(ws)["status"] == "completed"

    def test_before_the_first_event(self, connect: Connect, chats: KeptChats) -> None:
        chats.site.script("a", RATE_LIMITED)
        error = refused(connect(address=PATH))
        assert (error["status"], error["error"]["code"]) == (429, "rate_limited")

    def test_amid_the_answer_one_event_says_so(self, connect: Connect, chats: KeptChats) -> None:
        chats.site.script("a", CUT)
        ws = connect(address=PATH)
        assert turn(ws)["error"]["code"] == "server_error"
        assert turn(ws)["status"] == "completed"

    def test_a_bug_tells_nothing(self, connect: Connect, chats: KeptChats) -> None:
        chats.site.script("a", ValueError("secret text"))
        error = refused(connect(address=PATH))
        assert (error["status"], error["error"]["code"]) == (500, "internal_error")
        assert "secret" not in json.dumps(error)


class TestBounds:
    def test_a_key_is_needed(self, connect: Connect, chats: KeptChats, serve: Callable[..., int]) -> None:
        port = serve()
        (chats.session_dir / "Authorization.txt").write_text("key-1\n")
        handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        assert chats.client.get(PATH, headers=handshake).status_code == 401
        ws = connect(port, address=PATH, Authorization="Bearer key-1")
        assert turn(ws)["status"] == "completed"
        (chats.session_dir / "Authorization.txt").write_text("key-2 is longer\n")
        assert refused(ws)["error"]["code"] == "invalid_api_key"
        with pytest.raises(ConnectionClosed) as closed:
            ws.receive(timeout=WAIT)
        assert closed.value.reason == sockets.POLICY_VIOLATION

    def test_a_server_that_stops(self, connect: Connect, chats: KeptChats) -> None:
        ws = connect(address=PATH)
        turn(ws)
        chats.app.extensions[sockets.SOCKETS].stop()
        with pytest.raises(ConnectionClosed) as closed:
            ws.receive(timeout=WAIT)
        assert closed.value.reason == sockets.GOING_AWAY

    def test_an_hour(self, chats: KeptChats, clock: FakeClock) -> None:
        class Talking:
            """The client's end: says one thing, then nothing while an hour passes."""

            connected = True

            def __init__(self) -> None:
                self.heard: list[Event] = []
                self.messages = deque([json.dumps({"type": "response.create", "input": "Hello?"})])

            def receive(self, timeout: float | None = None) -> str | None:
                if self.messages and timeout != 0:
                    return self.messages.popleft()
                clock.now += 0 if timeout == 0 else 600
                return None

            def send(self, text: str) -> None:
                self.heard.append(json.loads(text))

        client = Talking()
        with chats.app.test_request_context():
            code = ResponseTalk(Messages(cast(Any, client)), clock).serve()
        assert code == sockets.GOING_AWAY
        *answered, last = client.heard
        assert check(answered)["status"] == "completed"
        assert last["error"]["code"] == "websocket_connection_limit_reached"
        assert socket_module.LONGEST_LIFE == 3600


class TestWithoutOne:
    @pytest.mark.parametrize("headers", [{}, {"Connection": "Upgrade", "Upgrade": "websocket"}], ids=["get", "upgrade"])
    def test_where_there_is_none(self, client: FlaskClient, headers: dict[str, str]) -> None:
        response = client.get(PATH, headers=headers)
        assert (response.status_code, response.get_json()["error"]["code"]) == (426, "upgrade_required")


@pytest.mark.filterwarnings("ignore:connect:DeprecationWarning")  # the official client's own
def test_the_official_client(serve: Callable[..., int]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(ResponsesServerEvent)
    port = serve()
    with (
        OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none") as client,
        client.responses.connect() as connection,
    ):
        connection.response.create(model="qwen-max", input="Hello?", store=False)
        heard = []
        for each in connection:
            adapter.validate_python(each.to_dict())
            heard.append(each.type)
            if each.type == "response.completed":
                first = each.response.id
                break
        assert heard[0] == "response.created"
        connection.response.create(model="qwen-max", input="And?", store=False, previous_response_id=first)
        for each in connection:
            if each.type == "response.completed":
                assert each.response.output_text == "Hello world"
                break
