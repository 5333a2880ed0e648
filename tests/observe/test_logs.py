"""The log: one line per event with its request, and never a secret."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_site import FakeSite
from flask.testing import FlaskClient
from replies import CAPTCHA, CUT, GATEWAY_DOWN, LOGGED_OUT, RATE_LIMITED, REFUSED_CONTENT, Reply, answer
from transcripts import CREATED, delta

from qwenproxy.accounts.registry import Registry
from qwenproxy.observe import logs

MakeClient = Callable[..., FlaskClient]

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR) request=(\S+) .+")
KEY, TOKEN, QUESTION, ANSWER, BROKEN = "qp-secret-key", "token-0", "secret question", "secret answer", "secret fault"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Return a function that tells what the package has written to stderr so far, at level debug."""
    package = logging.getLogger("qwenproxy")
    before = package.handlers, package.level, package.propagate
    stream = io.StringIO()
    monkeypatch.setattr(logs, "sys", SimpleNamespace(stderr=stream))
    logs.configure("debug")
    yield stream.getvalue
    package.handlers, package.level, package.propagate = before


def test_a_line_names_its_request(written: Callable[[], str]) -> None:
    log = logging.getLogger("qwenproxy.somewhere")

    def write() -> None:
        log.warning("two")
        logs.request_id.set("ab12")
        log.info("one %d", 1)

    contextvars.Context().run(write)
    first, second = written().splitlines()
    assert [match[2] for line in (first, second) if (match := LINE.fullmatch(line))] == ["-", "ab12"]
    assert second.endswith("one 1")


@pytest.mark.parametrize("stream", [False, True])
def test_lines_for_programs_are_objects_without_a_secret(
    written: Callable[[], str], make_client: MakeClient, site: FakeSite, stream: bool
) -> None:
    before = len(written())
    logs.configure("debug", "json")
    site.script("a", CUT, answer(ANSWER))
    client = make_client()
    body = {"messages": [{"role": "user", "content": f"{QUESTION}\n{{}}"}], "stream": stream}
    for _ in range(2):
        client.post("/v1/chat/completions", json=body, headers={"x-api-key": KEY}, buffered=True)
    lines = [json.loads(line) for line in written()[before:].splitlines()]
    assert all({"time", "level", "request", "message"} <= set(line) for line in lines)
    ended = [line for line in lines if line.get("event") == "RequestEnded"]
    assert [line["fields"]["path"] for line in ended] == ["/v1/chat/completions"] * 2
    assert ended[0]["request"] != ended[1]["request"]
    assert {line["event"] for line in lines if "event" in line} >= {"RequestBegan", "AnswerBegan", "ResponseEnded"}
    assert not [secret for secret in (KEY, TOKEN, QUESTION, ANSWER) if secret in written()]


def test_files_of_the_dashboard_are_for_debugging_only(written: Callable[[], str], make_client: MakeClient) -> None:
    client = make_client()
    logs.configure("info")
    before = len(written())
    for path in ("/ui/", "/ui/app.js", "/ui/texts-en.json", "/ui/nothing.js", "/health"):
        client.get(path, buffered=True)
    paths = re.findall(r"INFO \S+ GET (\S+) (\d+)", written()[before:])
    assert paths == [("/ui/nothing.js", "404"), ("/health", "200")]


def test_configured_twice_a_line_is_written_once(written: Callable[[], str]) -> None:
    logs.configure("debug")
    logging.getLogger("qwenproxy").info("once")
    assert written().count("once") == 1


def test_a_level_keeps_lesser_lines_out(written: Callable[[], str]) -> None:
    logs.configure("warning")
    logging.getLogger("qwenproxy.x").info("lesser")
    logging.getLogger("qwenproxy.x").warning("greater")
    assert "lesser" not in written() and "greater" in written()


def test_other_packages_are_not_touched(written: Callable[[], str]) -> None:
    logging.getLogger("selenium").warning("not ours")
    assert "not ours" not in written()


def test_what_libraries_say_for_debugging_reaches_nobody() -> None:
    """A driver's debug lines hold every call and every answer of the page, login and all."""
    code = (
        "import logging; from qwenproxy import server; from qwenproxy.observe import logs\n"
        "import alibabacloud_oss_v2, gunicorn.glogging, requests, undetected_chromedriver, waitress\n"
        "logs.configure('debug')\n"
        "names = ['', *logging.root.manager.loggerDict]\n"
        "assert {'selenium.webdriver.remote.remote_connection', 'urllib3.connectionpool'} <= set(names), names\n"
        "for name in names:\n"
        "    if name.partition('.')[0] != 'qwenproxy':\n"
        f"        logging.getLogger(name).debug('{KEY}'); logging.getLogger(name).info('{KEY}')\n"
        "logging.getLogger('qwenproxy.x').debug('ours')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.endswith(" DEBUG request=- ours\n")
    assert KEY not in done.stderr + done.stdout


def test_no_secret_reaches_the_log(
    written: Callable[[], str],
    make_client: MakeClient,
    site: FakeSite,
    registry: Registry,
    tmp_path: Path,
) -> None:
    client = make_client()
    (tmp_path / "session" / "Authorization.txt").write_text(f"{KEY}\n")
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"messages": [{"role": "user", "content": QUESTION}], "stop": [QUESTION], "model": "m"}
    replies: list[Reply | Exception] = [
        answer(ANSWER),
        CUT,
        RATE_LIMITED,
        REFUSED_CONTENT,
        GATEWAY_DOWN,
        Reply((CREATED, delta(ANSWER), ValueError(BROKEN))),
        ValueError(BROKEN),
        CAPTCHA,
        LOGGED_OUT,
    ]
    for reply in replies:
        site.always("a", reply)
        for stream in (False, True):
            registry.mark_ok("a")
            client.post("/v1/chat/completions", json={**body, "stream": stream}, headers=headers, buffered=True)
    client.post("/v1/chat/completions", data=f'{{"x": "{QUESTION}"', content_type="application/json", headers=headers)
    client.post("/v1/chat/completions", json={**body, "n": QUESTION}, headers=headers)
    client.get("/v1/models", headers={"Authorization": f"Bearer {KEY}x"})
    client.get(f"/v1/models?key={KEY}", headers=headers)
    text = written()
    for words in ("WAIT for", "INVALID", "VERIFY", "broke off", "unexpected ValueError", " 400 ", " 401 "):
        assert words in text
    assert all(LINE.fullmatch(line) for line in text.splitlines())
    for secret in (KEY, TOKEN, QUESTION, ANSWER, BROKEN):
        assert secret not in text


def test_each_line_of_a_request_has_its_id(written: Callable[[], str], make_client: MakeClient, site: FakeSite) -> None:
    client = make_client(2)
    site.script("a", RATE_LIMITED)
    body = {"messages": [{"role": "user", "content": "x"}]}
    ours = client.post("/v1/chat/completions", json=body).headers["x-request-id"]
    lines = [line for line in written().splitlines() if "account=a" in line]
    assert lines
    assert all(f"request={ours} " in line for line in lines)


def test_a_request_that_is_over_lends_its_id_to_no_other_line(make_client: MakeClient, site: FakeSite) -> None:
    site.script("a", answer("One", "Two"))
    client = make_client()
    for path, body in (
        ("/v1/models", None),
        ("/v1/chat/completions", {"stream": True, "messages": [{"role": "user", "content": "x"}]}),
    ):
        response = client.post(path, json=body) if body else client.get(path)
        seen = {logs.request_id.get() for _ in response.iter_encoded()}
        assert seen == {response.headers["x-request-id"]}
        response.close()
        assert logs.request_id.get() == logs.NO_REQUEST


def test_a_made_up_path_cannot_forge_a_line(written: Callable[[], str], make_client: MakeClient) -> None:
    make_client().get("/v1/x%0a2026-01-01 00:00:00,000 INFO request=- forged")
    lines = [line for line in written().splitlines() if "forged" in line]
    assert lines and all(" GET /v1/x" in line for line in lines)
