"""What users of the older project run works unchanged but for address and file path (tests/support/older_snippets.md).

A code block there is a test here. JSON alone is posted to the route that stands beside its language.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import ANSWER_WAIT, Reply
from proxy_process import Proxy

from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

FILE = (Path(__file__).parent.parent / "support" / "older_snippets.md").read_text("utf-8")
OUR_ADDRESS = "http://localhost:3264"
PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(64))
PICTURE_NAME = "image.jpg"
DAY = 24 * 60 * 60
WORKS = "Everything works."  # the end of all that the stand-in model says of its own accord


@dataclass(frozen=True)
class Snippet:
    """A code block. `target` is the route for JSON alone, `client` what it needs from the block before it."""

    title: str
    language: str
    target: str
    code: str
    client: str = ""

    @property
    def texts(self) -> list[str]:
        """What the model is told, in order."""
        return [text for _, text in re.findall(r"""\b(?:message|content|text)["']?: ?(["'])(.+?)\1""", self.code)]

    @property
    def web_pictures(self) -> list[str]:
        """The pictures it names by their address on the web."""
        return re.findall(r"https://example\.com/[^\"']+", self.code)

    @property
    def carries_upload(self) -> bool:
        """Whether it asks about a file that was uploaded."""
        return bool(self.texts) and bool(re.search(r"files/upload|URL_ИЗОБРАЖЕНИЯ", self.code))

    @property
    def turns(self) -> int:
        """How often it asks."""
        return max(1, self.code.count("await fetch("))

    @property
    def prints_the_answer(self) -> bool:
        """Whether the answer comes out of it."""
        return self.language != "javascript" or bool(re.search(r"console\.log|stdout\.write", self.code))


def read_snippets() -> list[Snippet]:
    """Return all snippets of the file; those of the OpenAI library get the nearest client above them."""
    snippets = []
    client = ""
    for title, language, target, code in re.findall(r"^## (.+)\n\n```(\w+) ?(.*)\n((?s:.*?))^```$", FILE, re.M):
        if made := re.search(r"^import OpenAI.*?^\}\);\n", code, re.M | re.S):
            client = made[0]
        needed = client if "openai." in code and not made else ""
        snippets.append(Snippet(title, language, target, code, needed))
    return snippets


SNIPPETS = read_snippets()
ASKING = [snippet for snippet in SNIPPETS if snippet.texts]
[UPLOAD] = [snippet for snippet in SNIPPETS if "files/upload" in snippet.code and not snippet.texts]
[NEW_CHAT] = [snippet for snippet in SNIPPETS if "/api/chats " in snippet.code]
[CLEAN_UP] = [snippet for snippet in SNIPPETS if "/api/chats/cleanup" in snippet.code]
[WITH_KEY] = [snippet for snippet in SNIPPETS if "Authorization: Bearer" in snippet.code]


class Desk:
    """Where a user sits: a folder with a picture and the JavaScript packages, and a server to send snippets to."""

    def __init__(self, folder: Path, proxy: Proxy, account_id: str) -> None:
        self.proxy = proxy
        self.account_id = account_id
        self._folder = folder

    def play(self, snippet: Snippet) -> str:
        """Run a snippet and return what it printed, or the answer's body."""
        code = (snippet.client + snippet.code).replace(OUR_ADDRESS, self.proxy.url)
        code = re.sub(r"@/[^\"]+", f"@{self._folder / PICTURE_NAME}", code)
        if snippet.language == "json":
            code = code.replace("URL_ИЗОБРАЖЕНИЯ", self._uploaded() if snippet.carries_upload else "")
            return self.post(snippet.target, code.encode()).body
        command = {"bash": ["bash", "-eo", "pipefail"], "javascript": ["node", "--input-type=module"]}[snippet.language]
        done = subprocess.run(
            command, input=code, cwd=self._folder, capture_output=True, text=True, timeout=ANSWER_WAIT, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def post(self, path: str, body: bytes) -> Reply:
        """Post JSON."""
        headers = {"Content-Type": "application/json"}
        answer = httpx.post(f"{self.proxy.url}{path}", content=body, headers=headers, timeout=ANSWER_WAIT)
        assert answer.status_code == 200, answer.text
        return Reply(answer.status_code, answer.headers, answer.text)

    def chats(self) -> dict[str, dict[str, Any]]:
        """Return the list of chats by their ids."""
        chats = httpx.get(f"{self.proxy.url}/api/chats", timeout=30).json()["chats"]
        return {chat["id"]: chat for chat in chats}

    def seen_by_model(self, chat_id: str) -> list[dict[str, Any]]:
        """Ask the model in a chat what it has seen there so far; the last message is this question."""
        body = json.dumps({"message": "{{echo}}", "chatId": chat_id}).encode()
        context: list[dict[str, Any]] = json.loads(self.post("/api/chat", body).text)
        return context

    def _uploaded(self) -> str:
        return str(json.loads(self.play(UPLOAD))["imageUrl"])


@pytest.fixture(scope="module")
def packages(javascript: tuple[Path, str]) -> Path:
    """A folder with what the snippets import, installed as their users do it."""
    folder, missing = javascript
    if missing:
        pytest.fail(missing, pytrace=False)
    return folder


@pytest.fixture(scope="module")
def own_server(stand_in: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A server of this file's own, since keys and clean-ups would touch what other tests rely on."""
    with Proxy(stand_in, tmp_path_factory.mktemp("older") / "session", on_no_accounts="wait") as proxy:
        own_account = stand_in.accounts[-1]  # which the shared server does not have
        proxy.registry.add(own_account.token, own_account.id)
        yield proxy
        assert "unexpected" not in proxy.log(), proxy.log()


@pytest.fixture
def desk(packages: Path, own_server: Proxy, site: Sandbox) -> Desk:
    (packages / PICTURE_NAME).write_bytes(PICTURE)
    return Desk(packages, own_server, site.accounts[-1].id)


def test_every_snippet_has_a_test() -> None:
    assert FILE.count("```") == 2 * len(SNIPPETS), "a code block has no heading of its own"
    assert {snippet.language for snippet in SNIPPETS} == {"bash", "javascript", "json"}
    assert len(ASKING) + len({UPLOAD, NEW_CHAT, CLEAN_UP}) == len(SNIPPETS), "none of the tests runs a snippet"
    assert all((snippet.language == "json") == bool(snippet.target) for snippet in SNIPPETS)


@pytest.mark.parametrize("snippet", ASKING, ids=lambda snippet: snippet.title)
def test_a_snippet_that_asks(desk: Desk, site: Sandbox, snippet: Snippet) -> None:
    before, stored = desk.chats(), len(site.files)
    printed = desk.play(snippet)
    [chat] = [chat for chat_id, chat in desk.chats().items() if chat_id not in before]
    by_library = "openai." in snippet.code or snippet.target.endswith("completions")
    assert (chat["name"] == "OpenAI API Chat") == by_library

    context = desk.seen_by_model(chat["id"])
    assert [message["role"] for message in context] == ["user", "assistant"] * snippet.turns + ["user"]
    assert chats_made(site, desk.account_id) == 1, "a later turn did not go on from the one before"
    assert_in_order("\n".join(message["content"] for message in context), snippet.texts)
    answers = [message["content"] for message in context if message["role"] == "assistant"]
    assert all(answer.endswith(WORKS) for answer in answers)
    assert answer_in(printed) == (answers[-1] if snippet.prints_the_answer else "")

    uploaded = site.files[stored:]
    assert [file.data for file in uploaded] == [PICTURE] * snippet.carries_upload
    wanted = snippet.web_pictures + [file.id for file in uploaded]
    seen = [file for message in context for file in message["files"] or ()]
    assert [file["url"] if file["url"] in snippet.web_pictures else file["id"] for file in seen] == wanted


def chats_made(site: Sandbox, account_id: str) -> int:
    """Return how many chats an account has made on the site."""
    return sum(one.path == "/api/v2/chats/new" and one.account_id == account_id for one in site.requests)


def answer_in(printed: str) -> str:
    """Return the model's answer out of a completion object, a stream or bare text."""
    if printed.startswith("data: "):
        return Reply(200, httpx.Headers({"content-type": "text/event-stream"}), printed).text
    if printed.startswith("{"):
        return Reply(200, httpx.Headers({"content-type": "application/json"}), printed).text
    return printed.removesuffix("\n")


def assert_in_order(whole: str, texts: list[str]) -> None:
    """Check that one text contains others one after another."""
    position = 0
    for text in texts:
        assert text in whole[position:], f"{text!r} is missing in {whole!r}"
        position = whole.index(text, position) + len(text)


def test_a_snippet_with_a_key(desk: Desk) -> None:
    [key] = re.findall(r"Bearer ([^\"]+)", WITH_KEY.code)
    keys = desk.proxy.session_dir / "Authorization.txt"
    template = keys.read_text()
    keys.write_text(f"{template}\nanother-key\n")
    try:
        assert json.loads(desk.play(WITH_KEY))["code"] == "invalid_api_key"
        keys.write_text(f"{template}\nanother-key\n{key}\n")
        assert answer_in(desk.play(WITH_KEY)).endswith(WORKS)
        assert httpx.get(f"{desk.proxy.url}/api/chats", timeout=30).status_code == 401
    finally:
        keys.write_text(template)


def test_the_snippet_that_uploads(desk: Desk, site: Sandbox) -> None:
    stored = len(site.files)
    answer = json.loads(desk.play(UPLOAD))
    [file] = site.files[stored:]
    assert (answer["success"], answer["file"]["id"], answer["file"]["size"]) == (True, file.id, len(PICTURE))
    assert answer["imageUrl"] == answer["file"]["url"]
    assert file.data == PICTURE


def test_the_snippet_that_makes_a_chat(desk: Desk) -> None:
    [name] = re.findall(r'"name": "(.+?)"', NEW_CHAT.code)
    before = desk.chats()
    chat_id = json.loads(desk.play(NEW_CHAT))["chatId"]
    assert chat_id not in before
    assert (desk.chats()[chat_id]["name"], desk.chats()[chat_id]["messageCount"]) == (name, 0)


def test_the_snippet_that_cleans_up(desk: Desk) -> None:
    keep(desk, "old-and-short", age=8 * DAY, messages=1)
    keep(desk, "old-and-long", age=8 * DAY, messages=5)
    keep(desk, "young-and-short", age=6 * DAY, messages=1)
    before = set(desk.chats())
    desk.play(CLEAN_UP)
    assert before - set(desk.chats()) == {"old-and-short"}

    for number in range(60):
        keep(desk, f"of-today-{number}", age=60 * number, messages=1)
    newest_first = list(desk.chats())
    assert len(newest_first) > 50
    desk.play(CLEAN_UP)
    assert list(desk.chats()) == newest_first[:50]


def keep(desk: Desk, chat_id: str, age: float, messages: int) -> None:
    """Put a chat of that age (s) among those of the server."""
    document = {
        "id": chat_id,
        "name": "Kept",
        "created": int((time.time() - age) * 1000),
        "messages": [{"id": str(number), "role": "user", "content": "x"} for number in range(messages)],
    }
    (desk.proxy.session_dir / "history" / f"{chat_id}.json").write_text(json.dumps(document))
