"""Measure the proxy beside the stand-in itself: the same streams, straight over HTTP/2 and through a Chrome tab.

Each stream is 100 chunks, one every 20 ms. The stand-in stamps every chunk with the machine's monotonic clock when it
sends it, so that a chunk's delay is what lies between that moment and its arrival in the load generator. Site, Chrome,
proxy and load generator share the machine: read the ratios, not the absolute figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import psutil

from qwenproxy.cli.sandbox import SandboxAddress
from qwenproxy.cli.sandbox_logins import enter_sandbox
from qwenproxy.config import Config
from qwenproxy.upstream import calls

STAMP = re.compile(rb"chunk-(\d+)@(\d+)")
CHAT_MADE = re.compile(rb"chat;dur=([\d.]+)")  # in the Server-Timing header
STREAM_WAIT = 120.0  # seconds one stream may take


class Stream:
    """What the load generator saw of one stream."""

    def __init__(self) -> None:
        self.begun = time.monotonic_ns()
        self.numbers: list[int] = []
        self.delays: list[float] = []
        self.first: float | None = None
        self.chat = float("nan")  # ms until the site had made the chat, part of `first`
        self.ended = False
        self._tail = b""

    def feed(self, data: bytes) -> None:
        now = time.monotonic_ns()
        text = self._tail + data
        last = 0
        for match in STAMP.finditer(text):
            if match.end() == len(text):
                break  # the stamp may go on in the next piece
            last = match.end()
            if self.first is None:
                self.first = (now - self.begun) / 1e6
            self.numbers.append(int(match[1]))
            self.delays.append((now - int(match[2])) / 1e6)
        self._tail = text[last:][-64:]

    def complete(self, chunks: int) -> bool:
        return self.ended and self.numbers == list(range(chunks))


# --- straight to the stand-in, over one HTTP/2 connection, as Chrome does it ------------------------------------------


class DirectConnection(asyncio.Protocol):
    """One HTTP/2 connection that carries every stream."""

    def __init__(self) -> None:
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.settled = asyncio.get_running_loop().create_future()
        self.news = asyncio.Event()
        self.sinks: dict[int, tuple[object, asyncio.Future[None]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(2**30)
        self.transport.write(self.h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            sink, done = self.sinks.get(getattr(event, "stream_id", 0) or 0, (None, None))
            if isinstance(event, h2.events.RemoteSettingsChanged) and not self.settled.done():
                # As Chrome does it: what the site does not take at once waits.
                self.room = asyncio.Semaphore(min(self.h2.remote_settings.max_concurrent_streams, 10_000))
                self.settled.set_result(None)
            elif isinstance(event, h2.events.DataReceived):
                sink(event.data)
                if event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)) and done and not done.done():
                done.set_result(None)
        self.transport.write(self.h2.data_to_send())
        self.news.set()

    async def post(self, path: str, headers: list[tuple[str, str]], body: bytes, sink) -> None:
        async with self.room:
            await self._post(path, headers, body, sink)

    async def _post(self, path: str, headers: list[tuple[str, str]], body: bytes, sink) -> None:
        while self.h2.outbound_flow_control_window < len(body):
            self.news.clear()
            await self.news.wait()
        number = self.h2.get_next_available_stream_id()
        done = asyncio.get_running_loop().create_future()
        self.sinks[number] = (sink, done)
        self.h2.send_headers(number, [(":method", "POST"), (":path", path), *headers])
        self.h2.send_data(number, body, end_stream=True)
        self.transport.write(self.h2.data_to_send())
        await done


async def direct_load(target: dict, streams: int, prompt: str) -> list[Stream]:
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2"])
    host, port = target["base_url"].removeprefix("https://").split(":")
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(DirectConnection, host, int(port), ssl=context)
    await connection.settled  # the site's own limit of streams, instead of the 100 that hold until it is told
    fixed = [
        (":scheme", "https"),
        (":authority", f"{host}:{port}"),
        ("content-type", "application/json"),
        ("authorization", f"Bearer {next(iter(target['tokens'].values()))}"),
        ("version", "0.3.12"),
        ("source", "web"),
    ]

    async def one() -> Stream:
        stream = Stream()
        answer = bytearray()
        request = ("x-request-id", str(uuid.uuid4()))
        await connection.post("/api/v2/chats/new", [*fixed, request], b'{"models":["qwen3.7-plus"]}', answer.extend)
        chat_id = json.loads(bytes(answer))["data"]["id"]
        stream.chat = (time.monotonic_ns() - stream.begun) / 1e6
        await connection.post(
            f"/api/v2/chat/completions?chat_id={chat_id}", [*fixed, request], _payload(chat_id, prompt), stream.feed
        )
        stream.ended = True
        return stream

    try:
        return await _all(one, streams)
    finally:
        connection.transport.close()


def _payload(chat_id: str, prompt: str) -> bytes:
    return calls.completion(chat_id, calls.Question("qwen3.7-plus", prompt)).body.encode()


# --- through the proxy ------------------------------------------------------------------------------------------------


async def proxied_load(target: dict, streams: int, prompt: str) -> list[Stream]:
    body = json.dumps(
        {"model": "qwen3.7-plus", "stream": True, "messages": [{"role": "user", "content": prompt}]}
    ).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()

    async def one() -> Stream:
        stream = Stream()
        reader, writer = await asyncio.open_connection("127.0.0.1", target["port"])
        writer.write(head + body)
        end = b""
        while data := await reader.read(65536):
            if not end and (made := CHAT_MADE.search(data)):
                stream.chat = float(made[1])
            stream.feed(data)
            end = (end + data)[-64:]
        stream.ended = b"[DONE]" in end
        writer.close()
        return stream

    return await _all(one, streams)


async def _all(one, streams: int) -> list[Stream]:
    tasks = [asyncio.wait_for(one(), STREAM_WAIT) for _ in range(streams)]
    return [s if isinstance(s, Stream) else Stream() for s in await asyncio.gather(*tasks, return_exceptions=True)]


def load_main(target: dict) -> None:
    """Run as a process of its own: one round of streams, its result as JSON on stdout."""
    chunks = target["chunks"]
    prompt = f"{{{{stream chunks={chunks} interval_ms=20 stamp=1}}}}"
    run = direct_load if target["way"] == "direct" else proxied_load
    begun = time.monotonic()
    cpu = time.process_time()
    streams = asyncio.run(run(target, target["streams"], prompt))
    good = [stream for stream in streams if stream.complete(chunks)]
    delays = sorted(delay for stream in good for delay in stream.delays)
    firsts = sorted(stream.first for stream in good)
    result = {
        "errors": len(streams) - len(good),
        "wall": time.monotonic() - begun,
        "ttft50": _quantile(firsts, 0.5),
        "ttft95": _quantile(firsts, 0.95),
        "chat50": _quantile(sorted(stream.chat for stream in good), 0.5),
        "delay50": _quantile(delays, 0.5),
        "delay95": _quantile(delays, 0.95),
        "cpu": time.process_time() - cpu,
    }
    print(json.dumps(result))


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


# --- the servers under test -------------------------------------------------------------------------------------------


@contextmanager
def running(command: list[str], ready, environment: dict[str, str] | None = None):
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}, start_new_session=True
    )
    try:
        for line in process.stdout:
            if (found := ready(line)) is not None:
                break
        else:
            raise SystemExit(f"{' '.join(command)} did not start")
        yield process, found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def control(base_url: str, path: str, body: dict) -> None:
    request = urllib.request.Request(f"{base_url}/__sandbox/{path}", json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request, context=ssl._create_unverified_context()).read()


def family(process: psutil.Process) -> dict[str, list[psutil.Process]]:
    """Return the process and its descendants by the part they play."""
    parts: dict[str, list[psutil.Process]] = {"python": [], "chromedriver": [], "chrome": []}
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.Error):
            name = each.name()
            part = "chromedriver" if "chromedriver" in name else "chrome" if "chrom" in name else "python"
            parts[part].append(each)
    return parts


def cpu_of(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def pss_of(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 2**20


def pss_text(process: psutil.Process) -> str:
    sizes = {part: pss_of(processes) for part, processes in family(process).items()}
    shown = ", ".join(f"{part} {size:.0f}" for part, size in sizes.items())
    return f"{sum(sizes.values()):.0f} MiB ({shown})"


def one_round(target: dict) -> dict:
    command = [sys.executable, __file__, "--load", json.dumps(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=STREAM_WAIT + 60, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def measured(target: dict, parts: dict[str, list[psutil.Process]]) -> dict:
    before = {part: cpu_of(processes) for part, processes in parts.items()}
    result = one_round(target)
    chunks = target["streams"] * target["chunks"]
    result["ms_per_chunk"] = {
        part: (cpu_of(processes) - before[part]) * 1000 / chunks for part, processes in parts.items()
    }
    return result


def medians(results: list[dict]) -> dict:
    middle = {key: statistics.median(result[key] for result in results) for key in results[0] if key != "ms_per_chunk"}
    middle["errors"] = sum(result["errors"] for result in results)
    middle["ms_per_chunk"] = {
        part: statistics.median(result["ms_per_chunk"][part] for result in results)
        for part in results[0]["ms_per_chunk"]
    }
    return middle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", default="1,8,32,64,128", help="numbers of concurrent streams")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each; the median is shown")
    parser.add_argument("--chunks", type=int, default=100, help="chunks of one stream")
    parser.add_argument("--soak", type=int, metavar="REQUESTS", help="instead: many short requests, memory over them")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        load_main(json.loads(arguments.load))
        return
    with tempfile.TemporaryDirectory(prefix="qwenproxy-bench-") as folder:
        bench(arguments, Path(folder))


def bench(arguments: argparse.Namespace, folder: Path) -> None:
    python = [sys.executable, "-m", "qwenproxy"]
    with running([*python, "sandbox", "--json"], json.loads) as (site, target):
        control(target["base_url"], "switches", {"require_bx": False, "require_cookies": False})
        enter(target, folder)
        begun = time.monotonic()
        with running([*python, "start"], _port, _environment(target, folder)) as (proxy, port):
            target["port"] = port
            first = one_round({**target, "way": "proxied", "streams": 1, "chunks": 1})
            print(
                f"process start to the end of the first answer: {time.monotonic() - begun:.2f} s"
                f"{'' if not first['errors'] else ' (FAILED)'}"
            )
            print(f"PSS of the proxy's process tree then: {pss_text(psutil.Process(proxy.pid))}")
            if arguments.soak:
                soak(target, arguments.soak, psutil.Process(proxy.pid))
            else:
                report(arguments, target, psutil.Process(site.pid), psutil.Process(proxy.pid))


def enter(target: dict, folder: Path) -> None:
    """Log the proxy's account in, so that its login lasts however long the load does."""
    address = SandboxAddress(**target)
    told = {"base_url": address.base_url, "base_url_spki": address.spki, "session_dir": str(folder / "session")}
    enter_sandbox(Config.load(told, {}), address)


def _environment(target: dict, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "QWENPROXY_BASE_URL": target["base_url"],
        "QWENPROXY_BASE_URL_SPKI": target["spki"],
        "QWENPROXY_SESSION_DIR": str(folder / "session"),
        "QWENPROXY_ACCOUNT_CONCURRENCY": "200",
        "QWENPROXY_THREADS": "200",
        "QWENPROXY_PORT": "0",
        "QWENPROXY_LOG_LEVEL": "warning",
        "QWENPROXY_NO_MENU": "1",
        "QWENPROXY_LANG": "en",
    }


def _port(line: str) -> int | None:
    found = re.search(r"listens on http://[^ ]+:(\d+)", line)
    return int(found[1]) if found else None


def report(arguments: argparse.Namespace, target: dict, site: psutil.Process, proxy: psutil.Process) -> None:
    print(f"\n{arguments.chunks} chunks per stream, one every 20 ms; medians of {arguments.rounds} rounds\n")
    print(
        "| streams | way | errors | TTFT p50 / p95 ms | of it making the chat | chunk delay p50 / p95 ms | wall s "
        "| wall ratio | CPU ms per chunk |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for streams in map(int, arguments.streams.split(",")):
        rounds: dict[str, list[dict]] = {"direct": [], "proxied": []}
        for _ in range(arguments.rounds):
            for way, results in rounds.items():
                parts = {"site": [site]} | (family(proxy) if way == "proxied" else {})
                wanted = {**target, "way": way, "streams": streams, "chunks": arguments.chunks}
                results.append(measured(wanted, parts))
        direct, proxied = medians(rounds["direct"]), medians(rounds["proxied"])
        for way, row in (("direct", direct), ("proxied", proxied)):
            ratio = f"{row['wall'] / direct['wall']:.2f}"
            cpu = ", ".join(f"{part} {value:.2f}" for part, value in row["ms_per_chunk"].items())
            print(
                f"| {streams} | {way} | {row['errors']} | {row['ttft50']:.0f} / {row['ttft95']:.0f} "
                f"| {row['chat50']:.0f} | {row['delay50']:.1f} / {row['delay95']:.1f} | {row['wall']:.2f} | {ratio} "
                f"| {cpu} |",
                flush=True,
            )
    print(f"\nPSS after all of this: {pss_text(proxy)}")
    idle = [each for processes in family(proxy).values() for each in processes]
    before = cpu_of(idle)
    time.sleep(5)
    print(f"CPU of the idle proxy with its open tab: {(cpu_of(idle) - before) / 5 * 100:.1f} % of one core")


def soak(target: dict, requests: int, proxy: psutil.Process) -> None:
    """Send many short requests, eight at a time, and print how the memory of each part changes over them."""
    step = max(80, requests // 20 // 8 * 8)
    sent, errors = 0, 0
    points: list[tuple[int, dict[str, float]]] = []
    begun = time.monotonic()
    print("\n| requests | python MiB | chromedriver MiB | chrome MiB |\n|---|---|---|---|")
    while sent < requests:
        for _ in range(step // 8):
            errors += one_soak_round(target)
        sent += step
        points.append((sent, {part: pss_of(processes) for part, processes in family(proxy).items()}))
        print(f"| {sent} | " + " | ".join(f"{value:.1f}" for value in points[-1][1].values()) + " |", flush=True)
    print(f"\n{sent} requests in {time.monotonic() - begun:.0f} s, {errors} errors")
    settled = points[len(points) // 4 :]
    for part in settled[0][1]:
        slope, _ = statistics.linear_regression([at for at, _ in settled], [values[part] for _, values in settled])
        print(f"{part}: {slope * 1000:+.2f} MiB per 1,000 requests, after the first quarter")


def one_soak_round(target: dict) -> int:
    """Send eight short requests at once and return how many failed."""
    streams = asyncio.run(proxied_load(target, 8, "{{stream chunks=5 interval_ms=1 stamp=1}}"))
    return sum(not stream.complete(5) for stream in streams)


if __name__ == "__main__":
    main()
