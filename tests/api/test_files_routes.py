"""Uploads and attachments from the HTTP routes to the sandbox's model and object store, browsers left out."""

from __future__ import annotations

import base64
import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from file_stack import JPEG, PDF, PNG, TEXT, Stack, file_part, form_with, image
from spelling import spelled

from qwenproxy.sandbox import Fault, Sandbox, Switches
from qwenproxy.uploads import attachments
from qwenproxy.uploads.addresses import is_public
from qwenproxy.uploads.object_store import put
from qwenproxy.uploads.remote import RemoteFetcher
from qwenproxy.upstream.files import parse_credentials
from qwenproxy.upstream.folding import MAX_ATTACHMENTS

LIMIT = 10 * 1024 * 1024


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(accounts=2, switches=Switches(interval_ms=1, busy_release_s=0.05)) as site:
        yield site


@pytest.fixture
def site(running: Sandbox) -> Iterator[Sandbox]:
    running.clear()
    yield running
    running.switches.clock_ahead_s = 0.0
    running.switches.parse_polls, running.switches.parse_outcome = 1, "success"
    running.clear()


@pytest.fixture
def make_stack(site: Sandbox, tmp_path: Path, pauses: list[float]) -> Iterator[Callable[..., Stack]]:
    made = []

    def make(**settings: Any) -> Stack:
        made.append(Stack(site, tmp_path / "session", pause=pauses.append, **settings))
        return made[-1]

    yield make
    for stack in made:
        stack.close()


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder that stands for the system's folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    return make_stack()


def data_url(content_type: str, data: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(data).decode()}"


def test_an_image_is_uploaded_and_named_in_the_order_shell_scripts_expect(stack: Stack, site: Sandbox) -> None:
    answer = stack.upload("photo.png", PNG)
    stored = site.files[-1]
    assert answer.status_code == 200
    assert answer.text.startswith('{"success":true,"file":{"url":"http')
    body = answer.get_json()
    assert list(body["file"]) == ["url", "name", "size", "type", "id"]
    assert body["imageUrl"] == body["file"]["url"]
    assert body["file"] | {"url": ""} == {
        "url": "",
        "name": "photo.png",
        "size": len(PNG),
        "type": "image/png",
        "id": stored.id,
    }
    assert (stored.data, stored.content_type) == (PNG, "image/png")
    assert stored.put_headers["authorization"].startswith("OSS4-HMAC-SHA256 ")
    assert "python-requests" in stored.put_headers["user-agent"]


@pytest.mark.parametrize(
    "name, data, kept_name, content_type",
    [
        ("фото кота 100%.jpg", JPEG, "фото кота 100%.jpg", "image/jpeg"),
        ("../../etc/passwd.txt", TEXT, "passwd.txt", "text/plain"),
        ("a.PDF", PDF, "a.PDF", "application/pdf"),
        ("a\x00b.png", PNG, "ab.png", "image/png"),
        ("n" * 400 + ".png", PNG, "n" * 120 + ".png", "image/png"),
        ("whatsapp.png", JPEG, "whatsapp.png", "image/jpeg"),
        ("lines.txt", b"\r\n--BX\r\n" * 100_000, "lines.txt", "text/plain"),
        ("largest.txt", b"x" * LIMIT, "largest.txt", "text/plain"),
    ],
)
def test_what_is_taken(stack: Stack, site: Sandbox, name: str, data: Any, kept_name: str, content_type: str) -> None:
    file = stack.uploaded(name, data)
    assert (file["name"], file["type"], file["size"]) == (kept_name, content_type, len(data))
    assert site.files[-1].data == data
    assert site.files[-1].name == kept_name


@pytest.mark.parametrize(
    "name, data, refused",
    [
        ("empty.png", b"", (400, "invalid_request")),
        ("large.txt", b"x" * (LIMIT + 1), (413, "file_too_large")),
        ("program.exe", b"MZ\x00\x00", (400, "invalid_request")),
        ("page.svg", b"<svg/>", (400, "invalid_request")),
        ("noextension", b"\x00\x01", (400, "invalid_request")),
        ("disguised.txt", PNG, (400, "invalid_request")),
        ("disguised.png", TEXT, (400, "invalid_request")),
        ("disguised.pdf", PNG, (400, "invalid_request")),
        ("disguised.docx", b"PK\x03\x04 no archive", (400, "invalid_request")),
        ("..", PNG, (400, "invalid_request")),
    ],
)
def test_what_is_refused_leaves_nothing(
    stack: Stack, site: Sandbox, temporary: Path, name: str, data: Any, refused: Any
) -> None:
    before = len(site.files)
    answer = stack.upload(name, data)
    assert (answer.status_code, answer.get_json()["code"]) == refused
    assert isinstance(answer.get_json()["error"], str)
    assert (len(site.files), stack.kept(), list(temporary.iterdir())) == (before, [], [])


@pytest.mark.parametrize(
    "body, content_type, status",
    [
        (b"", "multipart/form-data; boundary=b", 400),
        (b"", "multipart/form-data", 400),
        (b'{"file":1}', "application/json", 415),
        (b"", "application/json", 415),
        (b"", "", 400),
        (b"file=a", "application/x-www-form-urlencoded", 400),
        (b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ncut', None, 400),
        (b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.t', None, 400),
        (b'--b\r\nContent-Disposition: form-data; name="other"; filename="a.txt"\r\n\r\nhi\r\n--b--\r\n', None, 400),
        (b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nhi\r\n--b--\r\n', None, 400),
        (b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"x" * 300_000 + b"\r\n--b--\r\n", None, 400),
    ],
)
def test_a_form_that_is_none(stack: Stack, body: Any, content_type: str, status: int) -> None:
    form_type = "multipart/form-data; boundary=b" if content_type is None else content_type
    answer = stack.client.post("/api/files/upload", data=body, content_type=form_type)
    assert answer.status_code == status
    assert stack.kept() == []


@pytest.mark.parametrize(
    "filename, name",
    [
        (b'"\xee\xf2\xf7\xe5\xf2.txt"', "отчет.txt"),
        (b'"na\xefve.txt"', "naïve.txt"),
        (b"plain.txt", "plain.txt"),
        (b'"C:\\Users\\ivan\\a "b".txt"', 'a "b".txt'),
        (b'""', "file"),
    ],
)
def test_a_file_is_taken_whatever_its_name_looks_like(stack: Stack, site: Sandbox, filename: bytes, name: str) -> None:
    body = b'--B\r\nContent-Disposition: form-data; name="file"; filename=' + filename
    if name == "file":
        body += b"\r\n\r\n" + PDF + b"\r\n--B--\r\n"
    else:
        body += b"\r\n\r\n" + TEXT + b"\r\n--B--\r\n"
    answer = stack.client.post("/api/files/upload", data=body, content_type="multipart/form-data; boundary=B")
    assert (answer.status_code, answer.get_json()["file"]["name"]) == (200, name)


def test_a_packed_form_is_named(stack: Stack) -> None:
    body, content_type = form_with(file=("a.txt", TEXT))
    headers = {"Content-Encoding": "gzip"}
    answer = stack.client.post("/api/files/upload", data=body, content_type=content_type, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media_type")


def test_the_limit_is_a_setting_and_larger_than_that_of_json_bodies_if_need_be(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack(max_file_size="2000", max_body="1000")
    assert stack.upload("a.txt", b"x" * 2000).status_code == 200
    answer = stack.upload("a.txt", b"x" * 2001)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "file_too_large")


def test_two_files_share_the_limit(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(max_file_size="2000")
    body, content_type = form_with(file=("a.txt", b"x" * 1500), other=("b.txt", b"x" * 1500))
    assert stack.client.post("/api/files/upload", data=body, content_type=content_type).status_code == 413


def test_a_document_is_parsed_before_the_answer(stack: Stack, site: Sandbox, pauses: list[float]) -> None:
    site.switches.parse_polls = 3
    answer = stack.upload("a.pdf", PDF)
    assert answer.status_code == 200
    assert "imageUrl" not in answer.get_json()
    assert site.files[-1].parse_status == "success"
    assert len(pauses) == 3


def test_a_document_that_the_site_cannot_read(stack: Stack, site: Sandbox) -> None:
    site.switches.parse_outcome = "failed"
    answer = stack.upload("a.pdf", PDF)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")


def test_a_document_that_takes_forever(stack: Stack, site: Sandbox, pauses: list[float]) -> None:
    site.switches.parse_polls = 10**6
    answer = stack.upload("a.pdf", PDF)
    assert (answer.status_code, answer.get_json()["code"]) == (504, "upstream_timeout")
    assert len(pauses) == 60


def test_a_store_that_fails_once_is_tried_again_unseen(stack: Stack, site: Sandbox) -> None:
    for account in site.accounts:
        site.add_fault(Fault(kind="http_503", path=f"/{account.user_id}/*", times=1))
    assert stack.upload("a.png", PNG).status_code == 200


def test_a_store_that_fails_for_good(stack: Stack, site: Sandbox) -> None:
    for account in site.accounts:
        site.add_fault(Fault(kind="http_503", path=f"/{account.user_id}/*", times=None))
    answer = stack.upload("a.png", PNG)
    assert (answer.status_code, answer.get_json()["code"]) == (502, "upstream_error")


def test_credentials_that_are_refused_are_asked_for_with_the_next_account(stack: Stack, site: Sandbox) -> None:
    stack.only("sandbox1")
    stack.registry.mark_ok("sandbox2")
    site.add_fault(Fault(kind="disguised_401", account="sandbox1", path="/api/v2/files/getstsToken", times=None))
    assert stack.upload("a.png", PNG).status_code == 200
    assert stack.upload("b.png", PNG).status_code == 200
    assert site.files[-1].account_id == "sandbox2"
    account = stack.registry.get("sandbox1")
    assert account and account.status(0) == "INVALID"


def test_the_sites_own_credentials(stack: Stack, site: Sandbox) -> None:
    body = {"filename": "mine.png", "filesize": len(PNG), "filetype": "image"}
    answer = stack.client.post("/api/files/getstsToken", json=body)
    assert answer.status_code == 200
    credentials = answer.get_json()
    assert credentials["file_id"] == site.files[-1].id
    assert credentials["access_key_secret"] == site.files[-1].secret
    assert "success" not in credentials


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filename": "a.png", "filesize": 0, "filetype": "image"},
        {"filename": "a.png", "filesize": True, "filetype": "image"},
        {"filename": "a.png", "filesize": "many", "filetype": "image"},
        {"filename": "", "filesize": 1, "filetype": "image"},
        {"filename": 1, "filesize": 1, "filetype": "image"},
        {"filename": "a.png", "filesize": 1},
        {"filename": "a.png", "filesize": 1, "filetype": "program"},
        {"filename": "a.exe", "filesize": 1, "filetype": "file"},
        {"filename": "a", "filesize": 1, "filetype": "file"},
    ],
)
def test_credentials_for_nothing_sensible(stack: Stack, body: Any) -> None:
    answer = stack.client.post("/api/files/getstsToken", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")


def test_credentials_for_too_much(stack: Stack, site: Sandbox) -> None:
    before = len(site.files)
    for size, status in ((LIMIT, 200), (LIMIT + 1, 413)):
        body = {"filename": "a.png", "filesize": size, "filetype": "image"}
        answer = stack.client.post("/api/files/getstsToken", json=body)
        assert answer.status_code == status
    assert answer.get_json()["code"] == "file_too_large"
    assert len(site.files) == before + 1


def test_a_file_the_client_uploaded_itself_is_known_by_its_address(stack: Stack, site: Sandbox) -> None:
    body = {"filename": "mine.pdf", "filesize": str(len(PDF)), "filetype": "application/pdf"}
    credentials = stack.client.post("/api/files/getstsToken", json=body).get_json()
    put(parse_credentials(credentials), "application/pdf", PDF)
    [entry] = stack.seen(file_part(credentials["file_url"]))
    assert (entry["id"], entry["file"]["meta"]["parse_meta"]) == (credentials["file_id"], {"parse_status": "success"})
    parse_calls = [each for each in site.requests if each.path == "/api/v2/files/parse"]
    stack.seen(file_part(credentials["file_url"]))
    assert len([each for each in site.requests if each.path == "/api/v2/files/parse"]) == len(parse_calls) == 1


@pytest.mark.parametrize("wrap", [image, file_part, lambda url: {"type": "image", "image": url}], ids=spelled)
def test_an_upload_is_attached_in_every_kind_of_part(
    stack: Stack, site: Sandbox, wrap: Callable[[str], dict[str, Any]]
) -> None:
    file = stack.uploaded("photo.png", PNG)
    [entry] = stack.seen(wrap(file["url"]))
    account = next(each for each in site.accounts if each.id == site.files[-1].account_id)
    assert entry["id"] == entry["file"]["id"] == file["id"]
    assert (entry["type"], entry["showType"], entry["file_class"]) == ("image", "image", "vision")
    assert (entry["url"], entry["file"]["user_id"]) == (file["url"], account.user_id)
    assert entry["file"]["meta"] == {"name": "photo.png", "size": len(PNG), "content_type": "image/png"}


def test_the_address_works_without_its_signature_and_after_it_expired(stack: Stack, site: Sandbox) -> None:
    file = stack.uploaded("photo.png", PNG)
    bare = file["url"].partition("?")[0]
    assert stack.seen(image(bare))[0]["id"] == file["id"]
    site.switches.clock_ahead_s = 400
    assert stack.seen(image(file["url"]))[0]["url"] == bare


def test_a_file_is_found_again_after_a_restart(stack: Stack, make_stack: Callable[..., Stack]) -> None:
    file = stack.uploaded("photo.png", PNG)
    stack.close()
    again = make_stack()
    assert again.seen(image(file["url"]))[0]["id"] == file["id"]


def test_the_account_that_has_the_file_is_asked(stack: Stack, site: Sandbox) -> None:
    file = stack.uploaded("photo.png", PNG)
    owner = site.files[-1].account_id
    for _ in range(3):
        stack.seen(image(file["url"]))
    assert {each.account_id for each in site.requests if each.path.endswith("/chat/completions")} == {owner}


def test_another_account_gets_the_file_while_its_bytes_are_at_hand(stack: Stack, site: Sandbox) -> None:
    file = stack.uploaded("a.pdf", PDF)
    owner = site.files[-1].account_id
    other = next(each.id for each in site.accounts if each.id != owner)
    stack.only(other)
    [entry] = stack.seen(file_part(file["url"]))
    copy = site.files[-1]
    assert (copy.account_id, copy.data, copy.id) == (other, PDF, entry["id"])
    stack.seen(file_part(file["url"]))
    assert site.files[-1] is copy
    stack.only(owner)
    assert stack.seen(file_part(file["url"]))[0]["id"] == file["id"]


def test_another_account_cannot_have_a_file_that_nobody_keeps(stack: Stack, site: Sandbox) -> None:
    file = stack.uploaded("photo.png", PNG)
    owner = site.files[-1].account_id
    for path in (stack.session_dir / "uploads").iterdir():
        path.unlink()
    assert stack.seen(image(file["url"]))
    stack.only(next(each.id for each in site.accounts if each.id != owner))
    site.clear()
    answer = stack.ask("hello", image(file["url"]))
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "invalid_request")
    assert "Upload it again" in answer.get_json()["error"]["message"]
    assert [each.path for each in site.requests if each.path == "/api/v2/chats/new"] == []


@pytest.mark.parametrize("kind", ["rate_limited", "unauthorized"])
def test_failover_takes_the_files_along(stack: Stack, site: Sandbox, kind: str) -> None:
    file = stack.uploaded("photo.png", PNG)
    owner = site.files[-1].account_id
    site.add_fault(Fault(kind=kind, account=owner, times=None))
    [uploaded, inline] = stack.seen(image(file["url"]), image(data_url("image/jpeg", JPEG)))
    copies = {each.id: each for each in site.files}
    assert {copies[uploaded["id"]].account_id, copies[inline["id"]].account_id} == (
        {each.id for each in site.accounts} - {owner}
    )
    assert (copies[uploaded["id"]].data, copies[inline["id"]].data) == (PNG, JPEG)


def test_data_urls_are_uploaded_once_for_a_conversation(stack: Stack, site: Sandbox) -> None:
    stack.only("sandbox1")
    url = data_url("image/png", PNG)
    [entry] = stack.seen(image(url))
    assert (entry["name"], entry["file_type"]) == ("image.png", "image/png")
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image(url)]},
        {"role": "assistant", "content": "A picture."},
        {"role": "user", "content": "{{echo}}"},
    ]
    answer = stack.client.post("/v1/chat/completions", json={"messages": messages})
    question = json.loads(answer.get_json()["choices"][0]["message"]["content"])
    assert [each["id"] for each in question[-1]["files"]] == [entry["id"]]
    assert stack.kept() == []


def test_files_inline(stack: Stack) -> None:
    parts = [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": data_url("application/pdf", PDF)}},
        file_part("data:text/plain,hello%20world"),
    ]
    paper, note = stack.seen(*parts)
    assert (paper["file_type"], paper["file"]["meta"]["parse_meta"]) == (
        "application/pdf",
        {"parse_status": "success"},
    )
    assert (note["file_type"], note["size"]) == ("text/plain", 11)


@pytest.mark.parametrize(
    "spell",
    [
        lambda text: text,
        lambda text: "\r\n".join(text[at : at + 20] for at in range(0, len(text), 20)) + "\n",
        lambda text: text.rstrip("="),
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
        lambda text: " " + text.replace("A", "A \t"),
    ],
    ids=["as it is", "in lines", "no padding", "alphabet of URLs", "percent signs", "blanks"],
)
@pytest.mark.parametrize("head", ["data:image/png;base64,", " data:image/png;base64,", "DATA:image/png; BASE64,"])
def test_base64_of_every_habit(stack: Stack, site: Sandbox, head: str, spell: Callable[[str], str]) -> None:
    data = PNG + b"\xfb\xff\xbf"  # gives every letter by which the alphabets differ
    stack.seen(image(head + spell(base64.b64encode(data).decode())))
    assert site.files[-1].data == data


@pytest.mark.parametrize("head", ["data:application/pdf;base64,", "data:;base64,", ""])
@pytest.mark.parametrize("kind", ["file", "input_file"])
def test_file_data_with_and_without_its_head(stack: Stack, site: Sandbox, head: str, kind: str) -> None:
    file = {"filename": "a.pdf", "file_data": head + base64.encodebytes(PDF).decode()}
    stack.seen({"type": kind, **({"file": file} if kind == "file" else file)})
    assert (site.files[-1].data, site.files[-1].name) == (PDF, "a.pdf")


@pytest.mark.parametrize(
    "url, status, code",
    [
        ("data:image/png;base64,????", 400, "invalid_request"),
        ("data:image/png;base64,QQ", 400, "invalid_request"),
        ("data:image/png;base64,", 400, "invalid_request"),
        ("data:image/png;base64", 400, "invalid_request"),
        (data_url("image/png", TEXT), 400, "invalid_request"),
        (data_url("text/plain", PNG), 400, "invalid_request"),
        (data_url("application/pdf", PDF), 400, "invalid_request"),
        (data_url("image/svg+xml", b"<svg/>"), 400, "invalid_request"),
        (data_url("image/png", PNG + bytes(LIMIT)), 413, "file_too_large"),
        ("ftp://example.com/a.png", 400, "invalid_request"),
        ("a.png", 400, "invalid_request"),
        ("http://127.0.0.1/a.png", 400, "invalid_request"),
        ("http://localhost:1/a.png", 400, "invalid_request"),
        ("http://2130706433/a.png", 400, "invalid_request"),
        ("http://[::ffff:127.0.0.1]/a.png", 400, "invalid_request"),
        ("http://169.254.169.254/latest/meta-data/a.png", 400, "invalid_request"),
    ],
)
def test_image_urls_that_are_refused(stack: Stack, site: Sandbox, url: str, status: int, code: str) -> None:
    answer = stack.ask("hello", image(url))
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (status, code)
    assert [each for each in site.requests if each.path == "/api/v2/chats/new"] == []


@pytest.mark.parametrize(
    "name, kept_name",
    [("report 1.pdf", "report 1.pdf"), ("../../report.PDF", "report.PDF"), ("report.exe", "file.pdf")],
)
def test_a_file_inline_keeps_its_name(stack: Stack, site: Sandbox, name: str, kept_name: str) -> None:
    [entry] = stack.seen({"type": "file", "file": {"filename": name, "file_data": data_url("application/pdf", PDF)}})
    assert (entry["name"], site.files[-1].name) == (kept_name, kept_name)


def test_a_file_inline_whose_name_does_not_fit(stack: Stack) -> None:
    part = {"type": "file", "file": {"filename": "a.docx", "file_data": data_url("application/pdf", PDF)}}
    assert stack.ask("hello", part).status_code == 400


def test_a_long_conversation_takes_its_newest_attachments_along(
    stack: Stack, site: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    stack.only("sandbox1")
    caplog.set_level("INFO")
    pictures = [PNG + bytes([number]) for number in range(MAX_ATTACHMENTS + 2)]
    messages = [{"role": "user", "content": [image(data_url("image/png", each))]} for each in pictures]
    before = len(site.files)
    answer = stack.client.post("/v1/chat/completions", json={"messages": messages})
    assert answer.status_code == 200, answer.text
    assert [each.data for each in site.files[before:]] == pictures[2:]
    assert "a conversation has 22 images and files: only the newest 20 are sent" in caplog.text


@pytest.mark.parametrize("field", ["message", "messages"])
def test_too_many_attachments_in_a_kept_chat(stack: Stack, field: str) -> None:
    parts = [image(f"https://cdn.qwenlm.ai/{number}.png") for number in range(MAX_ATTACHMENTS + 1)]
    body = {"message": parts} if field == "message" else {"messages": [{"role": "user", "content": parts}]}
    assert stack.client.post("/api/chat", json=body).status_code == 400


def test_too_many_attachments(stack: Stack) -> None:
    parts = [image(data_url("image/png", PNG + bytes([number]))) for number in range(MAX_ATTACHMENTS + 1)]
    assert stack.ask("hello", *parts).status_code == 400


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.qwenlm.ai/output/a.png?key=1",
        "https://image.qwenlm.ai/a.png",
        "https://qwen-webui-prod.oss-accelerate.aliyuncs.com/u/f_a.png?x-oss-signature=1",
    ],
)
def test_the_sites_own_stores_are_referred_to(stack: Stack, site: Sandbox, url: str) -> None:
    before = len(site.files)
    [entry] = stack.seen(image(url))
    assert entry == {
        "type": "image",
        "name": url.partition("?")[0].rpartition("/")[2],
        "file_type": "image/png",
        "showType": "image",
        "file_class": "vision",
        "status": "uploaded",
        "url": url,
    }
    assert len(site.files) == before


def test_a_store_learnt_from_an_upload_is_the_sites_own(stack: Stack, site: Sandbox) -> None:
    unknown = f"{site.store_origin}/somebody/unknown.png"
    assert stack.ask("hello", image(unknown)).status_code == 400
    stack.uploaded("photo.png", PNG)
    assert stack.seen(image(unknown))[0]["url"] == unknown


@pytest.mark.parametrize("host", ["https://cdn.qwenlm.ai@127.0.0.1", "https://cdn.qwenlm.ai.localhost", "http://x@y"])
def test_names_that_only_look_like_the_sites_stores(stack: Stack, host: str) -> None:
    assert stack.ask("hello", image(f"{host}/a.png")).status_code == 400


@pytest.fixture
def web() -> Iterator[str]:
    """A web server that knows some files."""
    pages = {"/cat.png": ("image/png", PNG), "/blob": ("image/jpeg", JPEG), "/page": ("text/html", b"<html>")}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content_type, content = pages.get(self.path.partition("?")[0], ("", b""))
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://pictures.example:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def reaching(make_stack: Callable[..., Stack]) -> Stack:
    """A stack to which pictures.example is public; nothing else has an address."""

    def resolver(host: str, port: int) -> list[str]:
        if host == "pictures.example":
            return ["127.0.0.1"]
        raise OSError("unknown name")

    return make_stack(fetcher=RemoteFetcher(resolver=resolver, allowed=lambda each: True))


def test_an_image_on_the_web_is_fetched_and_uploaded(reaching: Stack, site: Sandbox, web: str) -> None:
    named, unnamed = reaching.seen(image(f"{web}/cat.png?size=1"), image(f"{web}/blob"))
    assert (named["name"], named["file_type"]) == ("cat.png", "image/png")
    assert (unnamed["name"], unnamed["file_type"]) == ("image.jpg", "image/jpeg")
    assert [each.data for each in site.files[-2:]] == [PNG, JPEG]


def test_a_page_on_the_web_is_no_image(reaching: Stack, web: str) -> None:
    assert reaching.ask("hello", image(f"{web}/page")).status_code == 400
    assert reaching.ask("hello", file_part(f"{web}/page")).status_code == 400


@pytest.mark.parametrize("url", ["https://unknown.example/a.jpg", "{web}/missing.jpg"])
def test_what_cannot_be_fetched_is_left_to_the_site(reaching: Stack, web: str, url: str) -> None:
    url = url.replace("{web}", web)
    [entry] = reaching.seen(image(url))
    assert (entry["url"], entry["file_type"], "id" in entry) == (url, "image/jpeg", False)


def test_the_resolved_address_counts_and_not_the_name(make_stack: Callable[..., Stack], web: str) -> None:
    stack = make_stack(fetcher=RemoteFetcher(resolver=lambda host, port: ["8.8.8.8", "127.0.0.1"], allowed=is_public))
    assert stack.ask("hello", image(f"{web}/cat.png")).status_code == 400


def test_native_chat_takes_files_too(stack: Stack) -> None:
    file = stack.uploaded("photo.png", PNG)
    message = [{"type": "text", "text": "{{echo}}"}, {"type": "image", "image": file["url"]}]
    answer = stack.client.post("/api/chat", json={"message": message}).get_json()
    question = json.loads(answer["choices"][0]["message"]["content"])
    assert question[-1]["files"][0]["id"] == file["id"]
    again = stack.client.post("/api/chat", json={"message": "{{echo}}", "chatId": answer["chatId"]}).get_json()
    question = json.loads(again["choices"][0]["message"]["content"])
    assert [[each["id"] for each in message["files"] or ()] for message in question if message["role"] == "user"] == [
        [file["id"]],
        [],
    ]


def test_urls_that_come_too_late_are_left_to_the_site(
    reaching: Stack, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "FETCH_TIMEOUT", -1.0)
    assert "id" not in reaching.seen(image(f"{web}/cat.png"))[0]


def test_no_proxy_stands_between_here_and_a_store_on_this_machine(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert stack.upload("photo.png", PNG).status_code == 200
