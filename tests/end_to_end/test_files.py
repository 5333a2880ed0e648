"""Files and images on their whole way: a client's form, the page's credentials, the object store, the model."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import ask
from openai import OpenAI
from openai.types.chat import ChatCompletionContentPartImageParam
from proxy_process import Proxy
from session_files import account_of

from qwenproxy.accounts.registry import Registry
from qwenproxy.sandbox import Fault, Sandbox

pytestmark = pytest.mark.browser

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
PDF = b"%PDF-1.7\n" + bytes(range(64))
LIMIT = 10 * 1024 * 1024


def upload(proxy: Proxy, name: str, data: bytes) -> httpx.Response:
    return httpx.post(f"{proxy.url}/api/files/upload", files={"file": (name, data)}, timeout=90)


def uploaded(proxy: Proxy, name: str, data: bytes) -> dict[str, Any]:
    answer = upload(proxy, name, data)
    assert answer.status_code == 200, answer.text
    file: dict[str, Any] = answer.json()["file"]
    return file


def seen_files(proxy: Proxy, *parts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the `files` entries that reached the model with a question of these parts."""
    content = [{"type": "text", "text": "{{echo}}"}, *parts]
    answer = ask(proxy.url, [{"role": "user", "content": content}])
    assert answer.status == 200, answer.body
    files: list[dict[str, Any]] = json.loads(answer.text)[-1]["files"]
    return files


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def test_credentials_come_from_the_page_and_bytes_from_python(proxy: Proxy, site: Sandbox) -> None:
    file = uploaded(proxy, "фото кота.png", PNG)
    stored = site.files[-1]
    assert (stored.data, stored.name, stored.id) == (PNG, "фото кота.png", file["id"])
    assert "python-requests" in stored.put_headers["user-agent"]
    [asked] = [each for each in site.requests if each.path == "/api/v2/files/getstsToken"]
    assert asked.account_id == stored.account_id
    assert {"bx-ua", "bx-umidtoken", "bx-v", "x-request-id"} <= set(asked.headers)
    assert "Chrome" in asked.headers["user-agent"]
    [entry] = seen_files(proxy, image(file["url"]))
    assert (entry["id"], entry["url"], entry["file_class"]) == (file["id"], file["url"], "vision")


def test_a_document_is_read_by_the_site_first(proxy: Proxy, site: Sandbox) -> None:
    file = uploaded(proxy, "paper.pdf", PDF)
    [entry] = seen_files(proxy, {"type": "file", "file": file["url"]})
    assert (entry["id"], entry["file"]["meta"]["parse_meta"]) == (file["id"], {"parse_status": "success"})
    assert site.files[-1].parse_status == "success"


def test_failover_uploads_again(proxy: Proxy, site: Sandbox, registry: Registry) -> None:
    file = uploaded(proxy, "photo.png", PNG)
    owner = site.files[-1].account_id
    site.add_fault(Fault(kind="rate_limited", account=owner, times=None))
    [entry] = seen_files(proxy, image(file["url"]))
    copy = site.files[-1]
    assert (copy.id, copy.data) == (entry["id"], PNG)
    assert copy.account_id != owner
    assert account_of(registry, owner).status(0) == "WAIT"


def test_a_file_outlives_the_server(new_proxy: Callable[..., Proxy]) -> None:
    proxy = new_proxy()
    proxy.start()
    file = uploaded(proxy, "photo.png", PNG)
    assert proxy.end() == 0
    proxy.start()
    [entry] = seen_files(proxy, image(file["url"].partition("?")[0]))
    assert entry["id"] == file["id"]


def test_the_openai_sdk_sends_an_image_inline(proxy: Proxy, site: Sandbox, sdk: Callable[[Proxy], OpenAI]) -> None:
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    client = sdk(proxy)
    picture: ChatCompletionContentPartImageParam = {"type": "image_url", "image_url": {"url": url}}
    with client.chat.completions.create(
        model="qwen-vl-max",
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "Earlier"}, picture]},
            {"role": "assistant", "content": "Yes."},
            {"role": "user", "content": [{"type": "text", "text": "{{echo}}"}, picture]},
        ],
        stream=True,
    ) as chunks:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    [entry] = json.loads(text)[-1]["files"]
    assert entry["id"] == site.files[-1].id
    assert site.files[-1].data == PNG
    client.close()


@pytest.mark.parametrize("size, status", [(LIMIT, 200), (LIMIT + 1, 413), (6 * LIMIT, 413)])
def test_sizes_over_a_real_connection(proxy: Proxy, size: int, status: int) -> None:
    answer = upload(proxy, "notes.txt", b"x" * size)
    assert answer.status_code == status
    if status == 413:
        assert answer.json()["code"] == "file_too_large"


def test_a_form_that_breaks_off(proxy: Proxy, site: Sandbox) -> None:
    before = len(site.files)
    head = (
        "POST /api/files/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
        "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
        '--B\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    )
    with socket.create_connection(proxy.address, 60) as connection:
        connection.sendall(head.encode() + b"x" * 1000)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert len(site.files) == before
    assert uploaded(proxy, "a.txt", b"whole")["size"] == 5


@pytest.mark.skipif(not all(map(shutil.which, ("curl", "grep", "sed"))), reason="needs curl, grep and sed")
def test_shell_scripts_cut_the_addresses_out_of_the_answer(proxy: Proxy, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(PNG)
    script = f"""
        ANSWER=$(curl -s -X POST {proxy.url}/api/files/upload -F "file=@{picture}")
        echo $ANSWER | grep -o '"file":{{"url":"[^"]*"' | sed 's/"file":{{"url":"//;s/"//'
        echo $ANSWER | grep -o '"imageUrl":"[^"]*"' | sed 's/"imageUrl":"//;s/"//'
    """
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=90, check=True)
    first, second = done.stdout.split()
    assert first == second
    assert len(seen_files(proxy, {"type": "image", "image": first})) == 1
