"""What one key has made does not exist for another one, on any route; the admin sees all, and nobody loses anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from film_studio import Studio
from kept_chats import KeptChats
from replies import answer
from werkzeug.test import TestResponse

from qwenproxy.admin.office import OFFICE
from qwenproxy.api.openapi import document
from qwenproxy.observe.journal import CLIENT_LENGTH

ONE, TWO = "key-of-one", "key-of-two"
BODIES = {
    "rename": {"name": "Mine now"},
    "items": {"items": [{"type": "message", "role": "user", "content": "Mine now"}]},
    "conversations": {"metadata": {"whose": "mine"}},
}


class House:
    """A server with two keys. `made` holds the ids of what the first one has made, by the name of their place."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.chats = studio.chats
        (self.chats.session_dir / "Authorization.txt").write_text(f"{ONE}\n{TWO}\n")
        self.admin = self.chats.app.extensions[OFFICE].admin_keys.first()
        response = self.talk(ONE, "/v1/responses", {"input": "Hi"}).get_json()
        said = {"items": [{"type": "message", "role": "user", "content": "Zero."}]}
        conversation = self.ask(ONE, "POST", "/v1/conversations", said).get_json()["id"]
        items = self.ask(ONE, "GET", f"/v1/conversations/{conversation}/items").get_json()
        self.made = {
            "chatId": self.talk(ONE, "/api/chat", {"message": "Hi"}).get_json()["chatId"],
            "response_id": response["id"],
            "conversation_id": conversation,
            "item_id": items["data"][0]["id"],
            "video_id": self.ask(ONE, "POST", "/v1/videos", {"prompt": "a fox"}).get_json()["id"],
        }

    def ask(self, key: str, method: str, path: str, body: object = None) -> TestResponse:
        """Return an answer to a key, read to its end."""
        headers = {"Authorization": f"Bearer {key}"}
        return self.chats.client.open(path, method=method, json=body, headers=headers, buffered=True)

    def talk(self, key: str, path: str, body: object) -> TestResponse:
        """Do the same for a question that the model answers."""
        self.studio.site.script("a", answer("Hello!"))
        return self.ask(key, "POST", path, body)

    def ids(self, key: str, path: str) -> list[str]:
        """Return the ids in a list."""
        listed = self.ask(key, "GET", path).get_json()
        return [each["id"] for each in listed.get("data", listed.get("chats"))]

    def routes(self) -> Iterator[tuple[str, str]]:
        """Yield every method and address that leads to something of the first key."""
        for path, operations in document()["paths"].items():
            places = re.findall(r"{(\w+)}", path)
            if places and all(place in self.made for place in places):
                for method in operations.keys() & {"get", "post", "put", "delete"}:
                    yield method.upper(), path.format(**self.made)


@pytest.fixture
def house(studio: Studio) -> House:
    return House(studio)


def test_it_does_not_exist_on_any_route(house: House) -> None:
    routes = list(house.routes())
    assert len(routes) > 40
    for method, path in sorted(routes, key=lambda route: route[0] != "GET"):
        is_writing = method in ("POST", "PUT")
        body = next((body for word, body in BODIES.items() if word in path), None) if is_writing else None
        assert house.ask(TWO, method, path, body).status_code == 404, f"{method} {path}"
    for method, path in routes:
        if method == "GET" and not path.endswith("/content"):
            assert house.ask(ONE, method, path).status_code == 200, f"{method} {path}"


def test_lists_show_their_own(house: House) -> None:
    question = {"messages": [{"role": "user", "content": "A secret."}]}
    assert house.talk(ONE, "/v1/chat/completions", question).status_code == 200
    assert house.ids(TWO, "/api/chats") == house.ids(TWO, "/v1/videos") == []
    assert len(house.ids(ONE, "/api/chats")) == 3  # two of them record conversations
    assert house.ids(ONE, "/v1/videos") == [house.made["video_id"]]


def test_a_clean_up_is_of_their_own(house: House) -> None:
    mine = house.ask(TWO, "POST", "/api/chats", {"name": "Mine"}).get_json()["chatId"]
    swept = house.ask(TWO, "POST", "/api/chats/cleanup", {"messageCountLessThan": 1000}).get_json()
    assert swept["deletedChats"] == [mine]
    assert house.made["chatId"] in house.ids(ONE, "/api/chats")


def test_a_chat_of_another_key_is_an_unknown_one(house: House) -> None:
    said = house.talk(TWO, "/api/chat", {"message": "What did I say?", "chatId": house.made["chatId"]})
    assert said.get_json()["chatId"] != house.made["chatId"]
    assert "Hi" not in house.chats.site.texts()[-1]
    assert len(house.chats.kept(house.made["chatId"])) == 2


def test_nothing_goes_on_from_what_another_key_has(house: House) -> None:
    for field, name in (("previous_response_id", "response_id"), ("conversation", "conversation_id")):
        said = house.ask(TWO, "POST", "/v1/responses", {"input": "And?", field: house.made[name]})
        assert said.status_code in (400, 404), field


def test_the_admin_sees_every_chat(house: House) -> None:
    house.ask(TWO, "POST", "/api/chats", {"name": "Of two"})
    assert len(house.ids(house.admin, "/api/chats")) == 1 + len(house.ids(ONE, "/api/chats"))
    assert house.ask(house.admin, "GET", f"/api/chats/{house.made['chatId']}").status_code == 200


def test_what_the_admin_made_stays_with_the_admin_under_another_key(house: House) -> None:
    made = house.talk(house.admin, "/v1/responses", {"input": "Hi"}).get_json()["id"]
    (house.chats.session_dir / "Admin.txt").write_text("another-admin-key\n")
    assert house.ask("another-admin-key", "GET", f"/v1/responses/{made}").status_code == 200


def test_chats_without_an_owner_are_everybodys(chats: KeptChats) -> None:
    chat_id = chats.begin()
    (chats.session_dir / "Authorization.txt").write_text(f"{ONE}\n{TWO}\n")
    for key in (ONE, TWO):
        listed = chats.client.get("/api/chats", headers={"x-api-key": key}).get_json()["chats"]
        assert [each["id"] for each in listed] == [chat_id]


def test_where_no_key_is_needed_any_more_nothing_is_hidden(house: House) -> None:
    (house.chats.session_dir / "Authorization.txt").write_text("")
    listed = house.chats.client.get("/api/chats").get_json()["chats"]
    assert house.made["chatId"] in [each["id"] for each in listed]


def test_the_requests_of_all_are_for_the_admin_alone(house: House) -> None:
    assert house.ask(TWO, "GET", "/admin/api/requests").status_code == 401
    rows = house.ask(house.admin, "GET", "/admin/api/requests").get_json()["requests"]
    assert all(len(row["client"]) <= CLIENT_LENGTH for row in rows)
