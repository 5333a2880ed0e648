"""Films on their whole way: an SDK's call, the site's task, a killed server between, the file behind the address."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from proxy_process import Proxy, eventually, worker

from qwenproxy.media.mp4 import film_in
from qwenproxy.sandbox import Sandbox
from qwenproxy.sandbox.media.filming import film
from qwenproxy.sandbox.media.png import picture

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")]

COMPLETIONS = "/api/v2/chat/completions"


def questions(site: Sandbox) -> list[dict[str, Any]]:
    return [each.body for each in site.requests if each.path == COMPLETIONS]


def test_a_film_outlives_a_killed_server(
    site: Sandbox, new_proxy: Callable[..., Proxy], sdk: Callable[[Proxy], OpenAI]
) -> None:
    site.switches.film_s = 3.0
    proxy = new_proxy()
    proxy.start()
    proxy.environment["QWENPROXY_PORT"] = str(proxy.address[1])
    client = sdk(proxy)
    patient = client.with_options(max_retries=10)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(
            patient.videos.create_and_poll,
            model="sora-2",
            prompt="a red fox runs",
            size="720x1280",
            seconds="8",
            poll_interval_ms=500,
        )
        assert eventually(lambda: client.videos.list().data)
        assert eventually(lambda: client.videos.list().data[0].status == "in_progress")
        (began,) = client.videos.list().data
        assert (began.status, began.size) == ("in_progress", "720x1280")
        serving = worker(proxy)
        os.kill(proxy.pid, signal.SIGKILL)
        serving.kill()
        proxy.wait()
        proxy.start()
        video = waiting.result()
    assert video.id == began.id
    assert (video.status, video.size, video.seconds, video.progress) == ("completed", "720x1280", "5", 100)
    data = client.videos.download_content(video.id).read()
    assert data == film("9:16")
    assert film_in(data) is not None
    part = httpx.get(f"{proxy.url}/v1/videos/{video.id}/content", headers={"Range": "bytes=4-11"})
    assert (part.status_code, part.content) == (206, b"ftypisom")
    (question,) = questions(site)
    assert (question["stream"], question["size"]) == (False, "9:16")
    assert client.videos.list().data[0].id == video.id
    assert client.videos.delete(video.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(video.id)
    # The day's film is used, also though its job is deleted, and the site says so.
    with pytest.raises(openai.RateLimitError):
        client.videos.create(prompt="another one")


def test_films_from_a_picture_and_films_that_fail(site: Sandbox, proxy: Proxy, sdk: Callable[[Proxy], OpenAI]) -> None:
    site.switches.daily_quotas["t2v"] = 10
    site.switches.film_s, site.switches.failing_films = 0.0, 1
    client = sdk(proxy)
    source = ("fox.png", picture(64, 48, "a source"))
    failed, made = (client.videos.create_and_poll(prompt="it runs", input_reference=source) for _ in range(2))
    assert (failed.status, failed.error and failed.error.message) == ("failed", "The video could not be generated.")
    with pytest.raises(openai.BadRequestError, match="has failed"):
        client.videos.download_content(failed.id)
    assert (made.status, made.size) == ("completed", "1280x720")
    assert [question["messages"][0]["chat_type"] for question in questions(site)] == ["i2v", "i2v"]


def test_films_in_a_chat(site: Sandbox, proxy: Proxy, sdk: Callable[[Proxy], OpenAI]) -> None:
    site.switches.daily_quotas["t2v"] = 10
    site.switches.film_s = 1.0
    asked = {"message": "a fox runs", "chatType": "t2v", "size": "720x1280"}
    first = httpx.post(f"{proxy.url}/api/chat", json=asked, timeout=60).json()
    address = first["choices"][0]["message"]["content"]
    assert httpx.get(address).content == film("9:16")
    source = f"data:image/png;base64,{base64.b64encode(picture(64, 48, 'a source')).decode()}"
    parts = [{"type": "text", "text": "it jumps"}, {"type": "image", "image": source}]
    again = {"message": parts, "chatType": "i2v", "chatId": first["chatId"], "stream": True}
    stream = httpx.post(f"{proxy.url}/api/chat", json=again, timeout=60).text
    frames = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    assert "".join(each["choices"][0]["delta"].get("content", "") for each in frames).startswith("http")
    assert stream.endswith("data: [DONE]\n\n")
    assert [question["messages"][0]["chat_type"] for question in questions(site)] == ["t2v", "i2v"]
    assert [job.prompt for job in sdk(proxy).videos.list().data[:2]] == ["it jumps", "a fox runs"]
