"""Megabytes of answer, and clients that take a byte at a time: all of it arrives, nobody waits, memory is bounded."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from asking import ask, together
from leaving import asked_and_unread
from proxy_process import Proxy, eventually, worker

from qwenproxy.sandbox import Sandbox

pytestmark = pytest.mark.browser

SIZE = 5_000_000
BIG = f"{{{{long bytes={SIZE}}}}}"
HUGE = 100_000_000
SLOW = 4
ROUNDS = 4
HELD = 64 * 2**20  # bytes; what nobody reads is several times that
STILL = 2**20  # bytes in half a second; a server that takes all it can get grows by several times that
END_OF_CHUNKS = b"0\r\n\r\n"


@pytest.fixture(scope="module")
def wide(stand_in: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A server whose one account takes many questions at once."""
    account = stand_in.accounts[-1]
    proxy = Proxy(stand_in, tmp_path_factory.mktemp("wide") / "session", account_concurrency=2 * SLOW)
    proxy.registry.add(account.token, account.id)
    with proxy:
        yield proxy


def peak(process: psutil.Process) -> int:
    """Return the most memory a process ever had, in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(kilobytes) * 1024


def growth(process: psutil.Process) -> int:
    """Return how many bytes of memory a process takes in half a second."""
    before = process.memory_info().rss
    time.sleep(0.5)
    return int(process.memory_info().rss - before)


def numbered_lines(size: int) -> str:
    """Return what the stand-in model says when it is asked for so many bytes."""
    return "".join(f"line {number:07d}\n" for number in range(size // 13 + 1))[:size]


def test_five_megabytes_arrive_whole(wide: Proxy, site: Sandbox) -> None:
    assert ask(wide.url, "{{say ready}}").text == "ready"
    server = worker(wide)
    before = peak(server)
    streamed, plain = together(lambda: ask(wide.url, BIG, stream=True), lambda: ask(wide.url, BIG))
    assert streamed.text == plain.text == numbered_lines(SIZE)
    assert streamed.done
    assert peak(server) - before < 24 * SIZE, "the two answers took more than a dozen times their size"


def test_slow_readers_beside_fast_ones(wide: Proxy, site: Sandbox) -> None:
    assert ask(wide.url, "{{say ready}}").text == "ready"
    server = worker(wide)
    before = server.memory_info().rss
    questions = [BIG] + [f"{{{{long bytes={HUGE}}}}}"] * (SLOW - 1)
    with ExitStack() as stack:
        slow = [stack.enter_context(asked_and_unread(wide, question, stream=True)) for question in questions]
        taken = b""
        for _ in range(ROUNDS):
            assert all(connection.recv(1) for connection in slow[1:])
            taken += slow[0].recv(1)
            fast = together(*[lambda: ask(wide.url, "{{say I do not wait.}}", stream=True)] * SLOW)
            assert [reply.text for reply in fast] == ["I do not wait."] * SLOW
        assert eventually(lambda: growth(server) < STILL, wait=15), "the server goes on taking what nobody reads"
        assert server.memory_info().rss - before < HELD, "the server holds what nobody has read yet"
        while not taken.endswith(END_OF_CHUNKS):
            data = slow[0].recv(1 << 20)
            assert data, "the answer was cut short"
            taken += data
    assert text_of(taken) == numbered_lines(SIZE)
    site.wait_idle(15)


def text_of(answer: bytes) -> str:
    """Return the text of a whole streamed answer as it came over the wire."""
    frames = re.findall(rb"^data: (\{.+\})$", re.sub(rb"\r\n[0-9A-F]+\r\n", b"", answer), re.MULTILINE)
    choices = [choice for frame in frames for choice in json.loads(frame)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)
