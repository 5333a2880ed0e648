"""Films on their whole way: an SDK's call, the site's task, a killed server between, the file behind the address."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from proxy_process import Proxy

from qwenproxy.media.mp4 import film_in
from qwenproxy.sandbox import Sandbox
from qwenproxy.sandbox.media.filming import film
from qwenproxy.sandbox.media.png import picture

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")]

COMPLETIONS = "/api/v2/chat/completions"


def client_of(proxy: Proxy) -> OpenAI:
    return OpenAI(base_url=f"{proxy.url}/v1", api_key="none", max_retries=0)


def questions(site: Sandbox) -> list[dict[str, Any]]:
    return [each.body for each in site.requests if each.path == COMPLETIONS]


def test_a_film_outlives_a_killed_server(site: Sandbox, new_proxy: Callable[..., Proxy]) -> None:
    site.switches.film_s = 3.0
    proxy = new_proxy()
    proxy.start()
    proxy.environment["QWENPROXY_PORT"] = str(proxy.address[1])
    client = client_of(proxy)
    began = client.videos.create(model="sora-2", prompt="a red fox runs", size="720x1280", seconds="8")
    assert (began.status, began.size) == ("in_progress", "720x1280")
    proxy.end(signal.SIGKILL)
    proxy.start()
    video = client.videos.poll(began.id)
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


def test_films_from_a_picture_and_films_that_fail(site: Sandbox, proxy: Proxy) -> None:
    site.switches.daily_quotas["t2v"] = 10
    site.switches.film_s, site.switches.failing_films = 0.0, 1
    client = client_of(proxy)
    source = ("fox.png", picture(64, 48, "a source"))
    failed, made = (client.videos.create_and_poll(prompt="it runs", input_reference=source) for _ in range(2))
    assert (failed.status, failed.error and failed.error.message) == ("failed", "The video could not be generated.")
    with pytest.raises(openai.BadRequestError, match="has failed"):
        client.videos.download_content(failed.id)
    assert (made.status, made.size) == ("completed", "1280x720")
    assert [question["messages"][0]["chat_type"] for question in questions(site)] == ["i2v", "i2v"]
