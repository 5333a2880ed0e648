"""What changes answers at the sandbox besides the question: settings, memories, projects, and the chat's tree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sandbox_caller import Caller, answer_text, deltas, frames, refusal, sandbox_fixtures

from qwenproxy.sandbox import Sandbox

SETTINGS = "/api/v2/users/user/settings"
QUOTA = "/api/v2/users/user/entitlement_quota"

running, site, caller = sandbox_fixtures(accounts=2, busy_release_s=0)


def change(caller: Caller, **settings: Any) -> None:
    assert caller.call("POST", f"{SETTINGS}/update", settings).json()["success"] is True


def view(caller: Caller, chat_id: str | None = None, **changes: Any) -> list[tuple[str, str]]:
    """Return roles and texts of what the model sees."""
    entries = json.loads(answer_text(caller.ask("{{view}}", chat_id, **changes)))
    return [(entry["role"], entry["text"]) for entry in entries]


def test_settings_are_merged(caller: Caller) -> None:
    change(caller, tools_enabled={"bio": False, "web_search": True}, ui={"title": {"auto": False}})
    change(caller, tools_enabled={"web_search": False})
    settings = caller.call("GET", SETTINGS).json()["data"]
    assert {name for name, is_on in settings["tools_enabled"].items() if not is_on} == {"bio", "web_search"}
    assert settings["ui"] == {
        "largeTextAsFile": True,
        "splitLargeChunks": False,
        "autoTags": True,
        "title": {"auto": False},
    }
    change(caller, tools_enabled={"bio": True, "web_search": True})


def test_settings_come_as_json(site: Sandbox, caller: Caller) -> None:
    headers = {**site.page_headers(caller.account), "content-type": "text/plain"}
    answer = caller.http.post(f"{SETTINGS}/update", content=b'{"mcp_remind":false}', headers=headers)
    assert refusal(answer)[:2] == ("400", "RequestValidationError")
    assert caller.call("GET", SETTINGS).json()["data"]["mcp_remind"] is True


def test_a_personal_text_stands_before_new_chats(caller: Caller) -> None:
    old_chat = caller.new_chat()
    change(caller, personalization={"instruction": "Speak as a pirate.", "enable_for_new_chat": True})
    new_chat = caller.new_chat()
    change(caller, personalization={"instruction": "", "enable_for_new_chat": False})
    assert view(caller, new_chat) == [("system", "Speak as a pirate."), ("user", "{{view}}")]
    assert view(caller, old_chat) == [("user", "{{view}}")]


def test_memory_keeps_and_forgets(caller: Caller) -> None:
    prompt = "{{builtin bio likes cats}} {{builtin history_retriever}} {{say done}}"

    def phases() -> set[str]:
        return {delta["phase"] for delta in deltas(caller.ask(prompt))} - {"answer"}

    assert phases() == set()
    change(caller, memory={"enable_memory": True, "enable_history_memory": True})
    assert phases() == {"bio", "history_retriever"}
    assert view(caller)[0] == ("system", "Remembered of the user: likes cats")
    assert refusal(caller.call("POST", "/api/v2/memories/delete", {}))[1] == "RequestValidationError"
    assert caller.call("POST", "/api/v2/memories/delete", {"forget_all": True}).json()["success"] is True
    assert view(caller) == [("user", "{{view}}")]
    change(caller, tools_enabled={"bio": False})
    assert phases() == {"history_retriever"}
    change(caller, tools_enabled={"bio": True}, memory={"enable_memory": False, "enable_history_memory": False})


def test_tools_of_the_site_are_on_or_off(caller: Caller) -> None:
    def phases(**features: Any) -> set[str]:
        return {delta["phase"] for delta in deltas(caller.ask("{{builtin code_interpreter 1+1}}", features=features))}

    assert "code_interpreter" in phases()
    assert "code_interpreter" not in phases(code_interpreter=False)
    change(caller, tools_enabled={"code_interpreter": False})
    assert "code_interpreter" not in phases()
    change(caller, tools_enabled={"code_interpreter": True})


def test_hosted_servers_are_listed_for_a_cookie_alone(caller: Caller) -> None:
    change(caller, mcp={"amap": True})
    servers = caller.call("GET", "/api/v2/mcp/list?language=en").json()["data"]
    assert {server["id"] for server in servers if server["enabled"]} == {"amap"}
    change(caller, mcp={"amap": False})
    bearer = caller.call("GET", "/api/v2/mcp/list", authorization=f"Bearer {caller.account.token}")
    assert refusal(bearer)[1] == "Unauthorized"


def test_the_quota_tells_of_what_is_named(caller: Caller) -> None:
    body = {"features": ["model", "t2i", "thinking", "qwen3.8-max"]}
    data = caller.call("POST", QUOTA, body).json()["data"]
    assert data["user_tier"] == "free"
    assert set(data["model"]) == {"qwen3.8-max"}
    assert (data["model"]["qwen3.8-max"]["times_left"], data["t2i"]["times_left"]) == (-1, 3)
    assert refusal(caller.call("POST", QUOTA, {}))[1] == "RequestValidationError"


def test_a_project_instructs_its_chats(site: Sandbox, caller: Caller) -> None:
    path = "/api/v2/projects/"
    project = caller.call("POST", path, {"name": "P", "custom_instruction": "Rhyme."}).json()["data"]
    assert project == {"id": project["id"], "name": "P", "description": "", "custom_instruction": "Rhyme."}
    chat_id = caller.call("POST", "/api/v2/chats/new", {"project_id": project["id"]}).json()["data"]["id"]
    assert view(caller, chat_id)[0] == ("system", "Rhyme.")
    caller.call("PUT", path + project["id"], {"custom_instruction": "Sing."})
    assert caller.call("GET", path).json()["data"][0]["custom_instruction"] == "Sing."
    assert view(caller, chat_id)[0] == ("system", "Sing.")
    other = Caller(site, site.accounts[1])
    assert refusal(other.call("GET", path + project["id"]))[0] == "404"
    other.close()
    assert caller.call("DELETE", path + project["id"]).json()["success"] is True
    assert view(caller, chat_id)[0][0] == "user"
    assert refusal(caller.call("POST", "/api/v2/chats/new", {"project_id": project["id"]}))[0] == "404"
    assert refusal(caller.call("POST", path, {}))[1] == "RequestValidationError"


def response_id(answer: Any) -> str:
    return str(frames(answer)[0]["response.created"]["response_id"])


def test_older_parents_unless_the_switch_forbids_them(site: Sandbox, caller: Caller) -> None:
    chat_id = caller.new_chat()
    first = response_id(caller.ask("{{say one}}", chat_id))
    second = response_id(caller.ask("{{say two}}", chat_id, parent_id=first))
    assert view(caller, chat_id, parent_id=first)[1:] == [("assistant", "one"), ("user", "{{view}}")]
    site.switches.older_parents = False
    try:
        for parent_id in (first, second, None):
            answer = caller.ask("{{say never}}", chat_id, parent_id=parent_id)
            assert "PARENT_NOT_FOUND" in refusal(answer)[2]
        detail = caller.call("GET", f"/api/v2/chats/{chat_id}").json()["data"]
        assert caller.say("{{say on}}", chat=chat_id, parent_id=detail["currentId"]) == "on"
    finally:
        site.switches.older_parents = True


def test_an_unknown_parent(caller: Caller) -> None:
    code, details = refusal(caller.ask("hi", parent_id="other"))[1:]
    assert (code, "PARENT_NOT_FOUND" in details) == ("Bad_Request", True)


def test_an_answer_is_rewritten_in_place(caller: Caller) -> None:
    chat_id = caller.new_chat()
    answer_id = response_id(caller.ask("{{say one}}", chat_id))
    part = {"content": "uno", "phase": "answer", "status": "finished", "extra": None, "role": "assistant"}
    path = f"/api/v2/chats/{chat_id}/messages/"
    assert caller.call("POST", path + answer_id, {"content_list": [part]}).json()["success"] is True
    assert view(caller, chat_id, parent_id=answer_id)[1] == ("assistant", "uno")
    assert refusal(caller.call("POST", path + "other", {"content_list": [part]}))[0] == "404"
    assert refusal(caller.call("POST", path + answer_id, {}))[1] == "RequestValidationError"


def test_a_local_chat_is_not_listed(caller: Caller) -> None:
    chat_id = caller.call("POST", "/api/v2/chats/new", {"chat_mode": "local"}).json()["data"]["id"]
    assert caller.say("{{say here}}", chat=chat_id, chat_mode="local") == "here"
    assert chat_id not in [row["id"] for row in caller.call("GET", "/api/v2/chats/").json()["data"]]


@pytest.mark.parametrize("parents", ["one", "both"])
def test_the_thoughts_may_have_another_id(caller: Caller, parents: str) -> None:
    thinking = {"thinking_enabled": True, "thinking_format": "summary"}
    fault = "{{fault two_answers thinking=true}}" if parents == "both" else ""
    answer = caller.ask(f"{{{{say so}}}}{fault}", features=thinking)
    ids = {frame["response_id"] for frame in frames(answer) if "choices" in frame}
    assert len(ids) == (2 if fault else 1)
    assert response_id(answer) in ids
