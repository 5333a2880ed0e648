"""What the dashboard shows of requests: a row for each, whatever becomes of it, and the stream of changes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dashboard import Dashboard, dashboard_of
from kept_chats import KeptChats
from openapi_checks import check
from replies import CUT, RATE_LIMITED, TICK, Reply, answer
from simple_websocket import Client
from transcripts import CREATED, delta, end

from qwenproxy.admin import events
from qwenproxy.admin.office import VIEWERS
from qwenproxy.api.auth import client_of
from qwenproxy.api.sockets import SOCKETS
from qwenproxy.observe.inspector import KEPT

ASK = {"messages": [{"role": "user", "content": "Hello?"}]}
GONE = {"waitress.client_disconnected": lambda: True}


def facts(row: dict[str, Any]) -> tuple[object, ...]:
    return row["state"], row["status"], row["error"], row["finish"], row["account"]


def ask(dashboard: Dashboard, path: str = "/v1/chat/completions", **more: Any) -> dict[str, Any]:
    """Ask, and return the newest row."""
    body = more.pop("body", ASK)
    response = dashboard.chats.client.post(path, json=body, buffered=True, **more)
    row = dashboard.rows()[0]
    assert row["id"] == response.headers["x-request-id"]
    check("RequestRow", row)
    return row


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer(dashboard: Dashboard, stream: bool) -> None:
    row = ask(dashboard, body={**ASK, "stream": stream})
    assert facts(row) == ("done", 200, "", "stop", "a")
    assert (row["method"], row["path"], row["route"]) == ("POST", "/v1/chat/completions", "/v1/chat/completions")
    assert (row["model"], row["context"], row["address"]) == ("qwen3-max", "new", "127.0.0.1") or row[
        "context"
    ] == "new"
    assert row["laps"].startswith("account;dur=")
    assert row["received"] > 10 and row["sent"] > 100 and row["seconds"] >= 0
    assert dashboard.read(f"/admin/api/requests/{row['id']}") == {**row, "texts": None}


PIXEL = "data:image/png;base64,iVBORw0KGgo="
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def test_what_a_question_asks_for_but_none_of_its_texts(dashboard: Dashboard) -> None:
    pictures = [{"type": "image_url", "image_url": {"url": PIXEL}}] * 2
    content = [{"type": "text", "text": "Secret words"}, *pictures]
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": "Hm."}, *ASK["messages"]]
    key = dashboard.office.client_keys.add()
    row = ask(
        dashboard,
        body={"model": "gpt-4o", "messages": messages, "tools": [LOOK]},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert (row["asked"], row["tools"], row["attachments"]) == ("gpt-4o", 1, 2)
    assert row["client"] == client_of(key)[:8]
    assert "Secret" not in str(row) and PIXEL not in str(row)


def test_a_question_without_more_and_what_is_no_question(dashboard: Dashboard) -> None:
    row = ask(dashboard)
    assert (row["asked"], row["tools"], row["attachments"], row["client"]) == ("", 0, 0, "")
    dashboard.chats.client.get("/api/chats")
    row = dashboard.rows()[0]
    assert (row["asked"], row["tools"], row["attachments"]) == ("", None, None)


def test_a_request_that_is_wrong(dashboard: Dashboard) -> None:
    assert facts(ask(dashboard, body={})) == ("failed", 400, "invalid_request", "", "")


def test_an_answer_that_does_not_begin(dashboard: Dashboard) -> None:
    dashboard.chats.site.script("a", RATE_LIMITED)
    row = ask(dashboard)
    assert facts(row) == ("failed", 429, "rate_limited", "", "")
    assert any("WAIT" in note for note in row["notes"])


def test_an_answer_that_does_not_begin_after_signs_of_life(dashboard: Dashboard, no_patience: None) -> None:
    dashboard.chats.site.always("a", RATE_LIMITED)
    gate = dashboard.chats.opener.open_gates["a"] = threading.Event()
    threading.Timer(0.3, gate.set).start()
    row = ask(dashboard, body={**ASK, "stream": True})
    assert (row["state"], row["status"]) == ("failed", 200)
    assert row["error"] == "rate_limited"


def test_an_answer_that_breaks_off(dashboard: Dashboard) -> None:
    dashboard.chats.site.script("a", CUT)
    assert facts(ask(dashboard, body={**ASK, "stream": True})) == ("failed", 200, "upstream_error", "", "a")


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves(dashboard: Dashboard, stream: bool) -> None:
    dashboard.chats.site.script("a", Reply((CREATED, delta("Half"), TICK, delta(" more"), end())))
    row = ask(dashboard, body={**ASK, "stream": stream}, environ_overrides=GONE)
    assert (row["state"], row["finish"]) == ("left", "")


def test_a_client_that_reads_no_further(dashboard: Dashboard) -> None:
    dashboard.chats.site.script("a", answer("One", "Two", "Three"))
    response = dashboard.chats.client.post("/v1/chat/completions", json={**ASK, "stream": True})
    frames = response.iter_encoded()
    next(frames), next(frames)
    response.close()
    assert dashboard.rows()[0]["state"] == "left"


def test_a_conversation_that_goes_on(dashboard: Dashboard) -> None:
    dashboard.chats.site.script("a", answer("Hi."))
    ask(dashboard)
    more = [*ASK["messages"], {"role": "assistant", "content": "Hi."}, {"role": "user", "content": "And now?"}]
    assert ask(dashboard, body={"messages": more})["context"] == "continued"


def test_answers_over_a_socket(chats: KeptChats, serve: Callable[..., int], connect: Callable[..., Client]) -> None:
    port = serve()
    with dashboard_of(chats) as dashboard:
        chats.site.script("a", answer("One"), CUT)
        ws = connect(port)
        for message in ('{"message":"Hello?"}', '{"message":"Again?"}', '{"message":5}'):
            ws.send(message)
            while json.loads(str(ws.receive(10)))["type"] not in ("done", "error"):
                pass
        ws.close()
        ws.thread.join(10)
        rows = [row for row in dashboard.rows() if row["method"] == "WS"]
        assert [(row["state"], row["error"]) for row in reversed(rows)] == [
            ("done", ""), ("failed", "upstream_error"), ("failed", "invalid_request"),
        ]  # fmt: skip
        assert {row["path"] for row in rows} == {"/api/ws"} and rows[-1]["account"] == "a"


def test_a_response_in_the_background(dashboard: Dashboard) -> None:
    body = {"input": "Hello?", "background": True}
    response = dashboard.chats.client.post("/v1/responses", json=body, buffered=True)
    path = f"/v1/responses/{response.get_json()['id']}"
    while dashboard.chats.client.get(path).get_json()["status"] in ("queued", "in_progress"):
        pass
    [row] = [row for row in dashboard.rows() if row["method"] == "POST"]
    assert facts(row) == ("done", 200, "", "stop", "a")


def test_the_dashboard_does_not_show_itself(dashboard: Dashboard) -> None:
    dashboard.read("/admin/api/overview")
    dashboard.client.get("/ui/")
    dashboard.client.get("/health")
    assert [row["path"] for row in dashboard.rows()] == ["/health"]


def test_so_many_rows_and_no_more(dashboard: Dashboard) -> None:
    for number in range(KEPT + 5):
        dashboard.chats.client.get(f"/api/chats/{number}")
    rows = dashboard.rows()
    assert (len(rows), rows[0]["path"]) == (KEPT, f"/api/chats/{KEPT + 4}")
    gone = dashboard.ask("GET", "/admin/api/requests/gone")
    assert (gone.status_code, gone.get_json()["code"]) == (404, "not_found")


class Viewer:
    """A page that reads the stream of changes."""

    def __init__(self, dashboard: Dashboard) -> None:
        self.response = dashboard.chats.app.test_client().get("/admin/api/events", headers=dashboard.bearer)
        self._pieces = self.response.iter_encoded()

    def next(self) -> tuple[str, Any]:
        """Return kind and value of the next event."""
        head, data = next(self._pieces).decode().strip().split("\n")
        return head.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    def next_but_the_moment(self) -> tuple[str, Any]:
        """Return the next event that is no overview."""
        while (event := self.next())[0] == "overview":
            pass
        return event


@pytest.fixture
def viewer(dashboard: Dashboard) -> Iterator[Viewer]:
    viewer = Viewer(dashboard)
    assert viewer.response.status_code == 200
    yield viewer
    viewer.response.close()


def test_a_viewer_sees_the_moment_and_then_what_changes(dashboard: Dashboard, viewer: Viewer) -> None:
    kind, now = viewer.next()
    assert (kind, [account["id"] for account in now["accounts"]]) == ("overview", ["a"])
    dashboard.chats.client.get("/health", buffered=True)
    kind, row = viewer.next_but_the_moment()
    assert (kind, row["path"], row["state"]) == ("request", "/health", "done"), "changes that come together are one"


def test_a_viewer_that_is_too_slow_reads_everything_anew(dashboard: Dashboard, viewer: Viewer) -> None:
    viewer.next()
    for _ in range(400):
        dashboard.chats.client.get("/health", buffered=True)
    assert viewer.next_but_the_moment()[0] == "again"
    dashboard.chats.client.get("/health")
    assert viewer.next_but_the_moment()[0] == "request"


def test_so_many_viewers_at_once_and_a_place_comes_back(dashboard: Dashboard) -> None:
    viewers = [Viewer(dashboard) for _ in range(VIEWERS + 1)]
    assert [viewer.response.status_code for viewer in viewers] == [200] * VIEWERS + [429]
    assert "Close one" in viewers[-1].response.get_json()["error"]
    viewers[0].next()
    for begun in (viewers[0], viewers[1]):  # one that read, and one that did not
        begun.response.close()
    again = [Viewer(dashboard) for _ in range(3)]
    assert [viewer.response.status_code for viewer in again] == [200, 200, 429]
    for viewer in (*viewers, *again):
        viewer.response.close()


def test_a_viewer_that_left_is_noticed(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "OVERVIEW_EVERY", 0.0)
    response = dashboard.ask("GET", "/admin/api/events", environ_overrides=GONE, buffered=True)
    assert response.text.count("event: overview") == 1


def test_the_stream_ends_when_the_server_stops(dashboard: Dashboard, viewer: Viewer) -> None:
    viewer.next()
    dashboard.chats.app.extensions[SOCKETS].stopping.set()
    with pytest.raises(StopIteration):
        viewer.next()


def test_an_endless_answer_is_running(dashboard: Dashboard) -> None:
    dashboard.chats.site.script("a", Reply((CREATED, delta("On")), endless=True, head_after=0))
    response = dashboard.chats.client.post("/v1/chat/completions", json={**ASK, "stream": True})
    row = dashboard.rows()[0]
    assert (row["state"], row["account"], row["seconds"]) == ("running", "a", None)
    assert dashboard.read("/admin/api/overview")["running"] == 1
    response.close()


def texts_of(dashboard: Dashboard, row_id: str) -> Any:
    opened = dashboard.read(f"/admin/api/requests/{row_id}")
    check("OpenedRequest", opened)
    return opened["texts"]


def switch_texts(dashboard: Dashboard, *, on: bool) -> None:
    response = dashboard.ask("POST", "/admin/api/requests/texts", json={"on": on})
    assert (response.status_code, response.get_json()) == (200, {"on": on})
    assert dashboard.read("/admin/api/requests")["texts"] == on


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "system", "content": "Be kind."}, *ASK["messages"]]}),
        ("/v1/chat/completions", {**ASK, "stream": True}),
        ("/api/chat", {"message": "Hello?"}),
        ("/v1/responses", {"input": "Hello?"}),
    ],
    ids=["whole", "streamed", "kept chat", "response"],
)
def test_texts_of_messages_are_kept_only_while_somebody_wants_them(
    dashboard: Dashboard, path: str, body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert not dashboard.read("/admin/api/requests")["texts"]
    before = ask(dashboard, path, body=body)
    switch_texts(dashboard, on=True)
    row = ask(dashboard, path, body=body)
    texts = texts_of(dashboard, row["id"])
    assert texts["messages"][-1] == {"role": "user", "text": "Hello?"}
    assert (texts["answer"], texts["leftOut"]) == ("Hello world", 0)
    assert texts_of(dashboard, before["id"]) is None
    assert "Hello" not in str(dashboard.rows()) and "Hello" not in caplog.text
    switch_texts(dashboard, on=False)
    assert texts_of(dashboard, row["id"]) is None
    assert texts_of(dashboard, ask(dashboard, path, body=body)["id"]) is None


def test_the_texts_of_an_answer_that_fails_or_is_left_are_kept_as_far_as_they_came(dashboard: Dashboard) -> None:
    switch_texts(dashboard, on=True)
    dashboard.chats.site.script("a", RATE_LIMITED)
    texts = texts_of(dashboard, ask(dashboard)["id"])
    assert (texts["messages"], texts["answer"]) == ([{"role": "user", "text": "Hello?"}], None)
    dashboard.chats.registry.mark_ok("a")
    dashboard.chats.site.script("a", CUT)
    assert texts_of(dashboard, ask(dashboard, body={**ASK, "stream": True})["id"])["answer"]


@pytest.mark.parametrize("body", [{}, {"on": "yes"}, {"on": None}], ids=["missing", "text", "null"])
def test_the_switch_is_on_or_off(dashboard: Dashboard, body: dict[str, Any]) -> None:
    response = dashboard.ask("POST", "/admin/api/requests/texts", json=body)
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
    assert not dashboard.read("/admin/api/requests")["texts"]
