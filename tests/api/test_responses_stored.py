"""Stored responses and conversations over the whole product but for the browser: routes, keys, chains, restarts."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from kept_chats import KeptChats
from makers import MakeClient
from openai.types.conversations import Conversation, ConversationDeletedResource, ConversationItemList
from openai.types.responses import Response, ResponseItemList
from replies import CUT, RATE_LIMITED
from response_events import check, events_in

from qwenproxy.disk import state as state_module

PATH = "/v1/responses"


def create(client: FlaskClient, text: object = "Hello?", **body: Any) -> Any:
    """Return a whole response."""
    response = client.post(PATH, json={"input": text, "model": "qwen-max", **body}, buffered=True)
    assert response.status_code == 200, response.text
    return response.get_json()


def error_of(response: Any) -> tuple[int, str, str | None]:
    error = response.get_json()["error"]
    return response.status_code, error["code"], error["param"]


def texts(items: list[dict[str, Any]]) -> list[str]:
    return [part["text"] for item in items for part in item["content"]]


class TestResponses:
    @pytest.mark.parametrize("prefix", ["/v1", "/api/v1", "/api", ""])
    def test_one_is_there_as_the_client_got_it(self, client: FlaskClient, prefix: str) -> None:
        made = create(client, metadata={"k": "v"})
        response = client.get(f"{prefix}/responses/{made['id']}?include[]=reasoning.encrypted_content")
        assert response.get_json() == made
        Response.model_validate(response.get_json())

    def test_a_streamed_one_is_there_as_the_client_got_it(self, client: FlaskClient) -> None:
        stream = client.post(PATH, json={"input": "Hello?", "stream": True}, buffered=True)
        final = check(events_in(stream.text))
        assert client.get(f"{PATH}/{final['id']}").get_json() == final

    def test_what_is_not_to_be_stored_is_not(self, client: FlaskClient) -> None:
        made = create(client, store=False)
        assert error_of(client.get(f"{PATH}/{made['id']}")) == (404, "not_found", None)
        gone = client.post(PATH, json={"input": "And?", "previous_response_id": made["id"]})
        assert error_of(gone) == (400, "previous_response_not_found", "previous_response_id")

    def test_one_that_failed_is_told_so(self, client: FlaskClient, site: FakeSite) -> None:
        site.script("a", CUT)
        stream = client.post(PATH, json={"input": "Hello?", "stream": True}, buffered=True)
        final = check(events_in(stream.text, fails=True))
        kept = client.get(f"{PATH}/{final['id']}").get_json()
        assert (kept["status"], kept["error"]) == ("failed", final["error"])
        on = client.post(PATH, json={"input": "And?", "previous_response_id": final["id"]})
        assert error_of(on) == (400, "invalid_request", "previous_response_id")

    def test_one_that_was_refused_is_not_kept(self, client: FlaskClient, site: FakeSite, tmp_path: Path) -> None:
        site.script("a", RATE_LIMITED)
        assert client.post(PATH, json={"input": "Hello?"}).status_code == 429
        assert not (tmp_path / "session" / "stored").exists()

    def test_deleted(self, client: FlaskClient) -> None:
        made = create(client)
        deleted = client.delete(f"{PATH}/{made['id']}")
        assert deleted.get_json() == {"id": made["id"], "object": "response", "deleted": True}
        for response in (client.get(f"{PATH}/{made['id']}"), client.delete(f"{PATH}/{made['id']}")):
            assert error_of(response) == (404, "not_found", None)

    def test_its_input_a_page_at_a_time(self, client: FlaskClient) -> None:
        made = create(client, [{"role": "user", "content": f"m{number}"} for number in range(5)])
        path = f"{PATH}/{made['id']}/input_items"
        first = client.get(path, query_string={"limit": 2}).get_json()
        ResponseItemList.model_validate(first)
        assert (texts(first["data"]), first["has_more"]) == (["m4", "m3"], True)
        assert [first["first_id"], first["last_id"]] == [item["id"] for item in first["data"]]
        second = client.get(path, query_string={"limit": 3, "after": first["last_id"]}).get_json()
        assert (texts(second["data"]), second["has_more"]) == (["m2", "m1", "m0"], False)
        upward = client.get(path, query_string={"order": "asc"}).get_json()
        assert texts(upward["data"]) == ["m0", "m1", "m2", "m3", "m4"]

    @pytest.mark.parametrize(
        ("query", "param"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=x", "limit"),
            ("order=up", "order"),
            ("after=x", "after"),
        ],
    )
    def test_a_page_that_cannot_be(self, client: FlaskClient, query: str, param: str) -> None:
        made = create(client)
        response = client.get(f"{PATH}/{made['id']}/input_items?{query}")
        assert error_of(response) == (400, "invalid_request", param)

    def test_only_the_background_can_be_cancelled_and_streamed_again(self, client: FlaskClient) -> None:
        made = create(client)
        assert client.post(f"{PATH}/{made['id']}/cancel").status_code == 400
        assert error_of(client.get(f"{PATH}/{made['id']}?stream=true")) == (400, "invalid_request", "stream")
        assert client.post(f"{PATH}/resp_x/cancel").status_code == 404

    def test_a_reference_to_an_item(self, client: FlaskClient, site: FakeSite) -> None:
        made = create(client)
        (said,) = made["output"]
        items = [{"role": "user", "content": "Hi"}, {"type": "item_reference", "id": said["id"]}, {"id": said["id"]}]
        create(client, [*items, {"role": "user", "content": "And?"}])
        assert "Hello world" in site.questions()[-1]["messages"][0]["content"]
        unknown = client.post(PATH, json={"input": [{"type": "item_reference", "id": "msg_none"}]})
        assert error_of(unknown) == (400, "invalid_request", "input[0].id")


class TestChains:
    def test_it_goes_on_where_the_site_holds_it(self, server: KeptChats) -> None:
        site: Any = server.site
        first = create(server.client, "One?")
        second = server.client.post(
            PATH, json={"input": "Two?", "model": "qwen-max", "previous_response_id": first["id"]}
        )
        assert second.headers["x-qwenproxy-context"] == "continued"
        third = server.client.post(
            PATH,
            json={
                "input": "Three?",
                "model": "qwen-max",
                "previous_response_id": second.get_json()["id"],
                "stream": True,
            },
            buffered=True,
        )
        assert third.headers["x-qwenproxy-context"] == "continued"
        assert site.seen() == [
            "user: One?", "assistant: Answer 1.", "user: Two?", "assistant: Answer 2.", "user: Three?",
        ]  # fmt: skip
        assert site.texts() == ["One?", "Two?", "Three?"]

    def test_after_a_restart(self, server: KeptChats) -> None:
        site: Any = server.site
        first = create(server.client, "One?")
        server.start()
        second = server.client.post(
            PATH, json={"input": "Two?", "model": "qwen-max", "previous_response_id": first["id"]}
        )
        assert second.headers["x-qwenproxy-context"] == "continued"
        assert site.seen() == ["user: One?", "assistant: Answer 1.", "user: Two?"]

    def test_it_can_branch(self, server: KeptChats) -> None:
        site: Any = server.site
        first = create(server.client, "One?")
        create(server.client, "Two?", previous_response_id=first["id"])
        create(server.client, "Another?", previous_response_id=first["id"])
        assert site.seen() == ["user: One?", "assistant: Answer 1.", "user: Another?"]

    def test_instructions_are_not_inherited(self, client: FlaskClient, site: FakeSite) -> None:
        first = create(client, instructions="Be a pirate.")
        create(client, "And?", previous_response_id=first["id"])
        before, after = (question["messages"][0]["content"] for question in site.questions())
        assert "pirate" in before
        assert "pirate" not in after

    def test_the_tokens_and_the_compaction_of_a_chain(self, client: FlaskClient, site: FakeSite) -> None:
        first = create(client, "word " * 100)
        body = {"model": "qwen-max", "input": "And?", "previous_response_id": first["id"]}
        assert client.post(f"{PATH}/input_tokens", json=body).get_json()["input_tokens"] > 100
        compacted = client.post(f"{PATH}/compact", json=body).get_json()
        assert [item["type"] for item in compacted["output"]] == ["message", "message", "compaction"]

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"previous_response_id": "resp_none"}, (400, "previous_response_not_found", "previous_response_id")),
            ({"conversation": "conv_none"}, (404, "not_found", "conversation")),
            ({"previous_response_id": "r", "conversation": "c"}, (400, "invalid_request", "conversation")),
            ({"previous_response_id": 7}, (400, "invalid_request", "previous_response_id")),
            ({"background": True, "store": False}, (400, "invalid_request", "background")),
        ],
        ids=["response", "conversation", "both", "number", "background"],
    )
    def test_what_nothing_can_go_on_from(
        self, client: FlaskClient, site: FakeSite, body: dict[str, Any], expected: tuple[int, str, str]
    ) -> None:
        assert error_of(client.post(PATH, json={"input": "Hi", **body})) == expected
        assert not site.questions()


class TestConversations:
    def test_a_life(self, client: FlaskClient) -> None:
        root = "/v1/conversations"
        made = client.post(root, json={"metadata": {"a": "b"}, "items": [{"role": "user", "content": "Hi"}]}).get_json()
        Conversation.model_validate(made)
        path = f"{root}/{made['id']}"
        assert client.get(path).get_json() == made
        assert client.post(path, json={"metadata": {"c": "d"}}).get_json() == {**made, "metadata": {"c": "d"}}
        more = [{"role": "user", "content": f"m{number}"} for number in range(20)]
        added = client.post(f"{path}/items", json={"items": more}).get_json()
        ConversationItemList.model_validate(added)
        assert (len(added["data"]), added["has_more"]) == (20, False)
        listed = client.get(f"{path}/items?order=asc&limit=3").get_json()
        ConversationItemList.model_validate(listed)
        assert texts(listed["data"]) == ["Hi", "m0", "m1"]
        one = f"{path}/items/{listed['first_id']}"
        assert client.get(one).get_json() == listed["data"][0]
        assert client.delete(one).get_json()["id"] == made["id"]
        assert client.get(one).status_code == 404
        deleted = client.delete(path).get_json()
        ConversationDeletedResource.model_validate(deleted)
        for response in (client.get(path), client.get(f"{path}/items"), client.delete(path)):
            assert error_of(response) == (404, "not_found", None)

    def test_an_empty_body_makes_one(self, client: FlaskClient) -> None:
        assert client.post("/v1/conversations").get_json()["metadata"] == {}

    @pytest.mark.parametrize("named", ["id", "object"])
    def test_responses_in_one(self, server: KeptChats, named: str) -> None:
        site: Any = server.site
        made = server.client.post(
            "/v1/conversations", json={"items": [{"role": "user", "content": "Zero."}]}
        ).get_json()
        conversation = made["id"] if named == "id" else {"id": made["id"]}
        first = create(server.client, "One?", conversation=conversation)
        assert first["conversation"] == {"id": made["id"]}
        second = server.client.post(
            PATH, json={"input": "Two?", "model": "qwen-max", "conversation": conversation, "store": False}
        )
        assert second.headers["x-qwenproxy-context"] == "continued"
        assert site.seen() == ["user: Zero.", "user: One?", "assistant: Answer 1.", "user: Two?"]
        listed = server.client.get(f"/v1/conversations/{made['id']}/items?order=asc").get_json()
        assert texts(listed["data"]) == ["Zero.", "One?", "Answer 1.", "Two?", "Answer 2."]
        assert server.client.get(f"{PATH}/{second.get_json()['id']}").status_code == 404

    def test_a_failed_response_adds_nothing(self, client: FlaskClient, site: FakeSite) -> None:
        made = client.post("/v1/conversations", json={}).get_json()
        site.script("a", CUT)
        client.post(PATH, json={"input": "Hi", "conversation": made["id"], "stream": True}, buffered=True)
        assert client.get(f"/v1/conversations/{made['id']}/items").get_json()["data"] == []
        create(client, "Hi", conversation=made["id"])
        assert len(client.get(f"/v1/conversations/{made['id']}/items").get_json()["data"]) == 2

    @pytest.mark.parametrize(
        ("path", "body", "param"),
        [
            ("", {"items": "x"}, "items"),
            ("", {"items": [{"role": "user", "content": "x"}] * 21}, "items"),
            ("", {"items": [{"role": "king", "content": "x"}]}, "input[0].role"),
            ("", {"metadata": {"k": 1}}, "metadata"),
            ("", {"items": [{"type": "reasoning", "odd": json.loads("[" * 300 + "]" * 300)}]}, "input[0]"),
            ("/ID", {}, "metadata"),
            ("/ID/items", {}, "items"),
            ("/ID/items", {"items": []}, "items"),
        ],
    )
    def test_bad_bodies(self, client: FlaskClient, path: str, body: dict[str, Any], param: str) -> None:
        made = client.post("/v1/conversations", json={}).get_json()
        response = client.post(f"/v1/conversations{path.replace('ID', made['id'])}", json=body)
        assert error_of(response) == (400, "invalid_request", param)


class TestWhoSees:
    def test_another_key_sees_nothing(self, make_client: MakeClient, tmp_path: Path) -> None:
        client = make_client()
        (tmp_path / "session" / "Authorization.txt").write_text("key-1\nkey-2\n")
        one, two = ({"Authorization": f"Bearer key-{number}"} for number in (1, 2))
        made = client.post(PATH, json={"input": "Hi", "background": False}, headers=one).get_json()
        conversation = client.post("/v1/conversations", json={}, headers=one).get_json()["id"]
        path = f"{PATH}/{made['id']}"
        for response in (
            client.get(path, headers=two),
            client.get(f"{path}/input_items", headers=two),
            client.post(f"{path}/cancel", headers=two),
            client.delete(path, headers=two),
            client.get(f"/v1/conversations/{conversation}", headers=two),
            client.delete(f"/v1/conversations/{conversation}", headers=two),
            client.post(PATH, json={"input": "Hi", "conversation": conversation}, headers=two),
        ):
            assert response.status_code == 404
        on = client.post(PATH, json={"input": "Hi", "previous_response_id": made["id"]}, headers=two)
        assert error_of(on)[:2] == (400, "previous_response_not_found")
        assert client.get(path).status_code == 401
        assert client.get(path, headers=one).get_json() == made


class TestDisk:
    @pytest.fixture
    def full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the disk refuse whatever is stored."""

        def refuse(self: Any, statement: str, *values: object) -> int:
            if "stored_" in statement:
                raise sqlite3.OperationalError("database or disk is full")
            return int(self._connection.execute(statement, values).rowcount)

        monkeypatch.setattr(state_module.Transaction, "do", refuse)

    @pytest.mark.usefixtures("full")
    @pytest.mark.parametrize("body", [{}, {"background": True}], ids=["foreground", "background"])
    def test_a_response_that_cannot_be_kept_is_an_error(self, client: FlaskClient, body: dict[str, Any]) -> None:
        response = client.post(PATH, json={"input": "Hi", **body})
        assert error_of(response)[:2] == (503, "storage_error")
        assert client.post("/v1/conversations", json={}).status_code == 503

    @pytest.mark.usefixtures("full")
    def test_a_stream_that_cannot_be_kept_fails(self, client: FlaskClient) -> None:
        stream = client.post(PATH, json={"input": "Hi", "stream": True}, buffered=True)
        assert check(events_in(stream.text, fails=True))["status"] == "failed"

    @pytest.mark.usefixtures("full")
    def test_what_is_not_stored_needs_no_disk(self, client: FlaskClient) -> None:
        assert create(client, store=False)["status"] == "completed"
