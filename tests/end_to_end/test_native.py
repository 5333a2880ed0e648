"""The native chat with real tabs: what the model has seen after turns, refusals, edits, deletions and restarts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from asking import ANSWER_WAIT, ask, together
from proxy_process import Proxy, eventually
from sandbox_caller import Caller

from qwenproxy.accounts.registry import Registry
from qwenproxy.sandbox import Fault, Sandbox

pytestmark = pytest.mark.browser

WAIT = 60.0
NEW_CHAT = "/api/v2/chats/new"


class Talk:
    """One chat with the proxy. `say` has the model say something, `seen` returns what reached the model by then."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.chat_id: str | None = None

    def post(self, message: str, **more: Any) -> httpx.Response:
        body = {"message": message, **({"chatId": self.chat_id} if self.chat_id else {}), **more}
        return httpx.post(f"{self.proxy.url}/api/chat", json=body, timeout=ANSWER_WAIT)

    def ask(self, message: str, **more: Any) -> str:
        answer = self.post(message, **more)
        assert answer.status_code == 200, answer.text
        self.chat_id = answer.json()["chatId"]
        return str(answer.json()["choices"][0]["message"]["content"])

    def say(self, question: str, words: str) -> None:
        assert self.ask(f"{question} {{{{say {words}}}}}") == words

    def seen(self, question: str = "What do you know?") -> list[tuple[str, str]]:
        context = json.loads(self.ask(f"{question} {{{{echo}}}}"))
        return [(message["role"], message["content"]) for message in context]

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._path.read_text())
        return document

    def rewrite(self, document: dict[str, Any]) -> None:
        self._path.write_text(json.dumps(document))

    def delete(self) -> None:
        assert httpx.delete(f"{self.proxy.url}/api/chats/{self.chat_id}", timeout=30).json() == {"success": True}

    @property
    def upstream(self) -> list[dict[str, str]]:
        """The chats of the site that the proxy made for this one."""
        chats: list[dict[str, str]] = self.document["upstream"]["chats"]
        return chats

    @property
    def _path(self) -> Any:
        return self.proxy.session_dir / "history" / f"{self.chat_id}.json"


@pytest.fixture
def talk(proxy: Proxy) -> Talk:
    """A chat with one turn behind it."""
    talk = Talk(proxy)
    talk.say("I am Anna.", "Hello Anna.")
    return talk


@pytest.fixture
def page(site: Sandbox, talk: Talk) -> Iterator[Caller]:
    """Someone else who has the site open as the account that answered."""
    account = next(one for one in site.accounts if one.id == talk.upstream[0]["accountId"])
    caller = Caller(site, account)
    yield caller
    caller.close()


def assert_folded(seen: list[tuple[str, str]], *texts: str) -> None:
    """Check that one message carries all these texts in order."""
    [(role, content)] = seen
    assert role == "user"
    position = 0
    for text in texts:
        assert text in content[position:], f"{text!r} is missing in {content!r}"
        position = content.index(text, position) + len(text)


def chats_made(site: Sandbox) -> int:
    return sum(request.path == NEW_CHAT for request in site.requests)


def test_the_site_keeps_the_history(site: Sandbox, talk: Talk) -> None:
    talk.say("I live in Köln.", "Noted.")
    assert talk.seen("Who am I?") == [
        ("user", "I am Anna. {{say Hello Anna.}}"),
        ("assistant", "Hello Anna."),
        ("user", "I live in Köln. {{say Noted.}}"),
        ("assistant", "Noted."),
        ("user", "Who am I? {{echo}}"),
    ]
    assert chats_made(site) == 1
    assert len(talk.document["messages"]) == 6


def test_a_streamed_turn_is_kept_alike(talk: Talk) -> None:
    streamed = talk.post("I live in Köln. {{say Noted.}}", stream=True).text
    frames = [json.loads(line[6:]) for line in streamed.split("\n\n") if line.startswith("data: {")]
    assert [frame.get("chatId") for frame in (frames[0], frames[-1])] == [talk.chat_id] * 2
    assert streamed.endswith("data: [DONE]\n\n")
    assert [content for _, content in talk.seen()][2:4] == ["I live in Köln. {{say Noted.}}", "Noted."]


def test_another_account_gets_all_of_it(registry: Registry, talk: Talk) -> None:
    first = talk.upstream[0]["accountId"]
    registry.rest(first, until=4e9)
    assert_folded(talk.seen("Who am I?"), "I am Anna.", "Hello Anna.", "Who am I?")
    assert [chat["accountId"] == first for chat in talk.upstream] == [True, False]
    assert len(talk.seen("And now?")) == 3, "the other account goes on from there"


def test_a_refused_turn_moves_with_all_of_it(site: Sandbox, talk: Talk) -> None:
    site.add_fault(Fault("rate_limited", account=talk.upstream[0]["accountId"], options={"num": 1}))
    assert_folded(talk.seen("Who am I?"), "I am Anna.", "Hello Anna.", "Who am I?")


def test_a_chat_deleted_on_the_site(site: Sandbox, talk: Talk, page: Caller) -> None:
    page.call("DELETE", f"/api/v2/chats/{talk.upstream[0]['chatId']}")
    assert_folded(talk.seen("Who am I?"), "I am Anna.", "Hello Anna.", "Who am I?")
    assert len(talk.upstream) == 2
    assert len(talk.seen()) == 3


def test_a_file_edited_by_hand(talk: Talk) -> None:
    document = talk.document
    document["messages"][0]["content"] = "I am Olga."
    talk.rewrite(document)
    assert_folded(talk.seen("Who am I?"), "I am Olga.", "Hello Anna.", "Who am I?")


def test_a_trimmed_chat(new_proxy: Callable[..., Proxy]) -> None:
    with new_proxy(max_history_length=4) as proxy:
        talk = Talk(proxy)
        for number in range(3):
            talk.say(f"Question {number}.", f"Answer {number}.")
        [(_, content)] = seen = talk.seen("Last one.")
        assert_folded(seen, "Question 0.", "Question 2.", "Answer 2.", "Last one.")
        assert "Question 1." not in content
        assert len(talk.document["messages"]) == 4


def test_a_system_message_stays(registry: Registry, proxy: Proxy) -> None:
    talk = Talk(proxy)
    messages = [{"role": "system", "content": "You are a pirate."}, {"role": "user", "content": "Hi. {{say Arr.}}"}]
    answer = httpx.post(f"{proxy.url}/api/chat", json={"messages": messages}, timeout=ANSWER_WAIT).json()
    talk.chat_id = answer["chatId"]
    first, *_ = talk.seen()
    assert "You are a pirate." in first[1]
    registry.rest(talk.upstream[-1]["accountId"], until=4e9)
    [(_, content)] = talk.seen()
    assert "You are a pirate." in content


def test_a_failed_turn_leaves_no_trace(site: Sandbox, talk: Talk) -> None:
    before = talk.document
    site.add_fault(Fault("cut_before_end", options={"after": 2}))
    assert talk.post("Forget this. {{say One two three four five six.}}").status_code == 502
    assert talk.document == before
    assert [content for _, content in talk.seen()][:2] == ["I am Anna. {{say Hello Anna.}}", "Hello Anna."]
    assert not any("Forget this." in content for _, content in talk.seen())


def test_a_client_that_leaves_in_mid_answer(site: Sandbox, talk: Talk) -> None:
    before = talk.document
    body = {"message": "{{stream chunks=100000 interval_ms=20}}", "chatId": talk.chat_id, "stream": True}
    with httpx.stream("POST", f"{talk.proxy.url}/api/chat", json=body, timeout=ANSWER_WAIT) as answer:
        next(piece for piece in answer.iter_text() if "chunk-" in piece)
    site.wait_idle(WAIT)
    assert talk.document == before
    assert len(talk.seen()) == 3


def test_two_turns_at_once(talk: Talk) -> None:
    contexts = [json.loads(one) for one in together(*[lambda: talk.ask("Who am I? {{echo}}")] * 2)]
    assert sorted(map(len, contexts)) == [3, 5]
    assert len(talk.document["messages"]) == 6


def test_a_deleted_chat_goes_on_the_site_too(site: Sandbox, proxy: Proxy, talk: Talk, page: Caller) -> None:
    other, foreign = Talk(proxy), page.new_chat()
    other.say("I am Olga.", "Hello Olga.")
    gone = talk.upstream[0]["chatId"]
    talk.delete()
    site.wait_for(lambda site: gone not in site.chat_ids(), WAIT)
    assert {other.upstream[0]["chatId"], foreign} <= set(site.chat_ids())
    assert httpx.get(f"{proxy.url}/api/chats/{talk.chat_id}", timeout=30).json()["code"] == "chat_not_found"


def test_a_deletion_survives_a_restart(site: Sandbox, new_proxy: Callable[..., Proxy]) -> None:
    proxy = new_proxy()
    (account,) = proxy.registry.all()
    with proxy:
        talk = Talk(proxy)
        talk.say("I am Anna.", "Hello Anna.")
        gone = talk.upstream[0]["chatId"]
        proxy.registry.rest(account.id, until=4e9)
        talk.delete()
        assert proxy.end() == 0
    assert gone in site.chat_ids()
    proxy.registry.renew(account.id, account.token)
    with proxy:
        site.wait_for(lambda site: gone not in site.chat_ids(), WAIT)
        journal = proxy.session_dir / "upstream-deletions.json"
        assert eventually(lambda: json.loads(journal.read_text()) == [])


@pytest.mark.parametrize("stream", [False, True])
def test_a_completion_is_recorded_and_can_be_gone_on_with(site: Sandbox, proxy: Proxy, stream: bool) -> None:
    listed = f"{proxy.url}/api/chats"
    before = {chat["id"] for chat in httpx.get(listed, timeout=30).json()["chats"]}
    question = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "I am Anna. {{say Hello.}}"}]
    assert ask(proxy.url, question, stream=stream).text == "Hello."
    (chat,) = [chat for chat in httpx.get(listed, timeout=30).json()["chats"] if chat["id"] not in before]
    assert (chat["name"], chat["messageCount"], chat["userMessageCount"]) == ("OpenAI API Chat", 3, 1)
    talk = Talk(proxy)
    talk.chat_id = chat["id"]
    first, answer, last = talk.seen("Who am I?")
    assert ("Be brief." in first[1], "I am Anna." in first[1]) == (True, True)
    assert (answer, last) == (("assistant", "Hello."), ("user", "Who am I? {{echo}}"))
    assert chats_made(site) == 1
