"""The HTTP server that Windows gets, proven on Linux: streams, clients that leave, and how it ends."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import ollama
import psutil
import pytest
from asking import COMPLETIONS, ask, request_body, streaming
from leaving import FLOWING, NOTICED_WITHIN, SILENT, asked_and_unread, hang_up_in_mid_stream
from odd_server import DRAIN, KEEP_ALIVE_AFTER, odd_command
from proxy_process import Proxy, assert_nothing_left, eventually

from qwenproxy.sandbox import Fault, Sandbox

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(stand_in: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A server under waitress with little patience, and one account that answers one question at a time."""
    account = stand_in.accounts[0]
    proxy = Proxy(stand_in, tmp_path_factory.mktemp("waitress") / "session", account_concurrency=1, ollama_port=0)
    proxy.command = [*odd_command(proxy.session_dir), "--server", "waitress"]
    proxy.registry.add(account.token, account.id)
    with proxy:
        yield proxy
        assert proxy.end() == 0
    assert "unexpected" not in proxy.log()
    assert "Traceback" not in proxy.log()


@pytest.fixture
def proxy(served: Proxy, site: Sandbox) -> Proxy:
    """The server, with the site as at its start."""
    return served


@pytest.fixture
def new_waitress(new_proxy: Callable[..., Proxy]) -> Proxy:
    """A server of the test's own, serving."""
    proxy = new_proxy(on_no_accounts="exit", lang="en")
    proxy.command += ["--server", "waitress"]
    proxy.start()
    return proxy


def test_it_is_one_process_with_its_browser(proxy: Proxy) -> None:
    """gunicorn would have a worker below."""
    below = psutil.Process(proxy.pid).children()
    assert [process.name() for process in below if "python" in process.name().lower()] == []


def test_each_piece_of_an_answer_arrives_by_itself(proxy: Proxy) -> None:
    body = request_body("{{stream chunks=10 interval_ms=200}}", stream=True)
    came: list[tuple[float, str]] = []
    with httpx.stream("POST", f"{proxy.url}{COMPLETIONS}", json=body, timeout=60) as answer:
        for piece in answer.iter_text():
            if "chunk-" in piece:
                came.append((time.monotonic(), piece))
    assert len(came) > 6, "several of the site's chunks came at once"
    assert came[-1][0] - came[0][0] > 9 * 0.2 * 0.7


def test_ollamas_own_port(proxy: Proxy) -> None:
    assert proxy.ollama_url != proxy.url
    assert httpx.get(proxy.ollama_url).text == "Ollama is running"
    assert httpx.get(f"{proxy.url}/", headers={"Host": proxy.ollama_url[7:]}).status_code == 404
    with ollama.Client(proxy.ollama_url, timeout=60) as client:
        pieces = client.chat("qwen-max", [{"role": "user", "content": "{{say One two three.}}"}], stream=True)
        assert "".join(piece.message.content or "" for piece in pieces) == "One two three."


@pytest.mark.parametrize("question", [FLOWING, SILENT], ids=["flowing", "silent"])
def test_a_client_that_leaves_a_stream(proxy: Proxy, site: Sandbox, question: str) -> None:
    hang_up_in_mid_stream(proxy, question)
    site.wait_idle(NOTICED_WITHIN)
    assert ask(proxy.url, "{{say It is my turn.}}").text == "It is my turn."


@pytest.mark.parametrize("question", [FLOWING, SILENT], ids=["flowing", "silent"])
def test_a_client_that_leaves_a_plain_answer(proxy: Proxy, site: Sandbox, question: str) -> None:
    with asked_and_unread(proxy, question, stream=False):
        site.wait_for(lambda site: site.running_generations())
    site.wait_idle(NOTICED_WITHIN)
    assert ask(proxy.url, "{{say It is my turn.}}").text == "It is my turn."


def test_silence_is_bridged(proxy: Proxy) -> None:
    begun = time.monotonic()
    body = request_body(SILENT, stream=True)
    with httpx.stream("POST", f"{proxy.url}{COMPLETIONS}", json=body, timeout=60) as answer:
        comments = (time.monotonic() for piece in answer.iter_text() if ": keep-alive\n\n" in piece)
        assert next(comments) - begun > KEEP_ALIVE_AFTER - 1


def test_more_clients_than_threads_could_be(proxy: Proxy) -> None:
    with ExitStack() as crowd:
        for _ in range(200):
            crowd.enter_context(socket.create_connection(proxy.address, timeout=30))
        assert httpx.get(f"{proxy.url}/health", timeout=30).status_code == 200


def test_a_running_answer_is_finished_before_the_end(new_waitress: Proxy) -> None:
    with streaming(new_waitress.url, "{{stream chunks=30 interval_ms=50}}") as answer:
        answer.until_text()
        assert signalled(new_waitress, signal.SIGINT)
        reply = answer.rest()
    assert reply.text.split()[-1].startswith("chunk-029")
    assert reply.done
    assert new_waitress.wait() == 0
    assert_nothing_left(new_waitress)


def test_an_endless_answer_ends_with_an_error_after_the_grace_time(new_proxy: Callable[..., Proxy]) -> None:
    proxy = new_proxy()
    proxy.command = [*odd_command(proxy.session_dir), "--server", "waitress"]
    proxy.start()
    with streaming(proxy.url, FLOWING) as answer:
        answer.until_text()
        begun = time.monotonic()
        assert signalled(proxy, signal.SIGTERM)
        reply = answer.rest()
    assert time.monotonic() - begun >= DRAIN - 1
    assert not reply.done
    assert reply.error["code"] == "upstream_error"
    assert proxy.wait() == 0
    assert_nothing_left(proxy)


def test_a_second_ctrl_c_does_not_wait(new_waitress: Proxy) -> None:
    with streaming(new_waitress.url, FLOWING) as answer:
        answer.until_text()
        begun = time.monotonic()
        assert signalled(new_waitress, signal.SIGINT)
        assert new_waitress.end(signal.SIGINT) == 0, new_waitress.log()[-3000:]
        assert time.monotonic() - begun < 15
    assert_nothing_left(new_waitress)


def test_every_account_invalid_ends_it(new_waitress: Proxy, site: Sandbox) -> None:
    site.add_fault(Fault("unauthorized", times=None))
    refused = ask(new_waitress.url, "{{say never}}")
    assert (refused.status, refused.error["code"]) == (503, "no_accounts")
    assert new_waitress.wait() == 3, new_waitress.log()
    assert "stopping. Run: qwenproxy account relogin" in new_waitress.log()
    assert_nothing_left(new_waitress)


def signalled(proxy: Proxy, sent: signal.Signals) -> bool:
    """Send a signal and tell whether the server heard it: new clients are no longer answered."""
    psutil.Process(proxy.pid).send_signal(sent)

    def refuses() -> bool:
        try:
            httpx.get(f"{proxy.url}/health", timeout=1)
        except httpx.HTTPError:
            return True
        return False

    return eventually(refuses)
