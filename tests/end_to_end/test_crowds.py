"""Many at once: clients that vanish by the hundred, and a server that is told to stop while many answers run."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import psutil
import pytest
from asking import COMPLETIONS, ask, request_body, streaming, together
from odd_server import DRAIN, odd_command
from proxy_process import Proxy, assert_nothing_left, eventually, worker

from qwenproxy import server
from qwenproxy.browser.profile import END_WAIT
from qwenproxy.browser.tab import CLOSE_WAIT
from qwenproxy.sandbox import Sandbox
from qwenproxy.server import under_gunicorn as server_gunicorn

pytestmark = pytest.mark.browser

STREAMS = 32
VANISHING = 1000
FEW = 8  # connections and threads of somebody else
THREADS = 128  # as many as the server may begin to answer requests
SOON_DONE = "{{stream chunks=40 interval_ms=50}}"
ENDLESS = "{{stream chunks=100000 interval_ms=50}}"


def test_told_to_stop_with_many_answers_under_way(new_proxy: Callable[..., Proxy], site: Sandbox) -> None:
    proxy = new_proxy(account_concurrency=STREAMS, threads=2 * STREAMS)
    proxy.command = odd_command(proxy.session_dir)
    proxy.start()
    with ExitStack() as stack:
        questions = [SOON_DONE, ENDLESS] * (STREAMS // 2)
        answers = [stack.enter_context(streaming(proxy.url, question)) for question in questions]
        for answer in answers:
            answer.until_text()
        psutil.Process(proxy.pid).terminate()
        replies = together(*[answer.rest for answer in answers])
    for reply in replies[::2]:
        assert reply.done
        assert reply.text.split()[-1].startswith("chunk-039")
    for reply in replies[1::2]:
        assert reply.text.startswith("chunk-")
        assert not reply.done
        assert reply.error["code"] == "upstream_error"
    assert proxy.wait() == 0
    assert_nothing_left(proxy)
    site.wait_idle(15)


def test_told_to_stop_while_the_browser_hangs(new_proxy: Callable[..., Proxy]) -> None:
    """The answers do not wait for a browser that will never say a word again, nor does it live on."""
    proxy = new_proxy(account_concurrency=STREAMS, threads=2 * STREAMS)
    proxy.command = odd_command(proxy.session_dir)
    proxy.start()
    with ExitStack() as stack:
        answers = [stack.enter_context(streaming(proxy.url, ENDLESS)) for _ in range(STREAMS // 2)]
        for answer in answers:
            answer.until_text()
        chrome, driver = proxy.browser("sandbox1")
        for process in (*chrome.children(recursive=True), chrome, driver):
            process.suspend()
        begun = time.monotonic()
        psutil.Process(proxy.pid).terminate()
        replies = together(*[answer.rest for answer in answers])
        assert time.monotonic() - begun < DRAIN + CLOSE_WAIT, "the answers waited for the browser"
    for reply in replies:
        assert not reply.done
        assert (reply.error["code"], "server is stopping" in reply.error["message"]) == ("upstream_error", True)
    assert proxy.wait() == 0
    assert "SIGKILL" not in proxy.log(), "the worker was killed"
    assert_nothing_left(proxy)


def test_a_browser_that_hangs_leaves_time_to_end_it() -> None:
    """Until it is taken for one, then until it is killed, and a moment to note that."""
    assert server.DRAIN + CLOSE_WAIT + END_WAIT + 5 <= server_gunicorn.GRACE


def test_a_thousand_clients_that_ask_and_vanish(proxy: Proxy, site: Sandbox) -> None:
    address = urlsplit(proxy.url)
    body = json.dumps(request_body(ENDLESS, stream=True)).encode()
    head = f"POST {COMPLETIONS} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def ask_and_vanish(_: int) -> None:
        with socket.create_connection(proxy.address, timeout=30) as connection:
            connection.sendall(request)

    assert ask(proxy.url, "{{say ready}}").text == "ready"
    server = worker(proxy)
    files, threads = server.num_fds(), server.num_threads()
    with ThreadPoolExecutor(8) as clients:
        list(clients.map(ask_and_vanish, range(VANISHING)))
    assert ask(proxy.url, "{{say Who is left?}}").text == "Who is left?"
    site.wait_idle(30)
    assert eventually(lambda: server.num_fds() <= files + FEW), "connections or files are left open"
    assert server.num_threads() <= threads + THREADS + FEW
