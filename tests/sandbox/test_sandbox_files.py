"""The sandbox's files: credentials, the object store with its signatures and expiry, parsing, and attachments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import httpx
import pytest
from sandbox_caller import Caller, answer_text, refusal, sandbox_fixtures

from qwenproxy.sandbox import Fault, Sandbox
from qwenproxy.sandbox.files.signatures import Signable, v1_signature, v4_signature

VECTOR_PATH = "00000000-0000-4000-8000-000000000001/11111111-1111-4111-8111-111111111111_my photo.png"
VECTOR_HEADERS = {
    "content-type": "image/png",
    "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
    "x-oss-date": "20260304T065913Z",
    "x-oss-security-token": "EXAMPLE-SECURITY-TOKEN==",
}
AGENT = {"x-oss-user-agent": "aliyun-sdk-js/6.23.0 Chrome 145.0.0.0 on Windows 10 64-bit"}
GMT = "Wed, 04 Mar 2026 06:59:13 GMT"
V1_HEADERS = {"content-type": "image/png", "x-oss-security-token": "EXAMPLE-SECURITY-TOKEN=="}
SECRET = "ExampleSecret0123456789"
V2, V1 = "/api/v2/files/getstsToken", "/api/v1/files/getstsToken"

running, cleared, caller = sandbox_fixtures(accounts=2, busy_release_s=0.05)


@pytest.fixture
def site(cleared: Sandbox) -> Iterator[Sandbox]:
    yield cleared
    cleared.switches.clock_ahead_s = 0.0
    cleared.switches.parse_outcome = "success"


def store(method: str, url: str, **options: Any) -> httpx.Response:
    """Make a call to the object store."""
    # loading the authorities would take longer than everything else here
    return httpx.request(method, url, verify=False, **options)


def issue(caller: Caller, name: str = "my photo.png", kind: str = "image", size: object = 5) -> dict[str, Any]:
    answer = caller.call("POST", V2, {"filename": name, "filesize": size, "filetype": kind})
    assert answer.json()["success"] is True, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def put(credentials: dict[str, Any], version: str = "v4", data: bytes = b"bytes", **changes: Any) -> httpx.Response:
    """Send bytes to the store as a client would; `changes` are a `path`, a `secret`, or headers."""
    path = changes.pop("path", credentials["file_path"])
    secret = changes.pop("secret", credentials["access_key_secret"])
    now = changes.pop("now", datetime.now(timezone.utc))
    headers = {"content-type": "image/png", "x-oss-security-token": credentials["security_token"]}
    if version == "v4":
        date = now.strftime("%Y%m%dT%H%M%SZ")
        headers |= {"x-oss-date": date, "x-oss-content-sha256": "UNSIGNED-PAYLOAD"}
        request = Signable("PUT", credentials["bucketname"], path, headers)
        signature = v4_signature(request, secret, "ap-southeast-1", date)
        scope = f"{credentials['access_key_id']}/{date[:8]}/ap-southeast-1/oss/aliyun_v4_request"
        headers["authorization"] = f"OSS4-HMAC-SHA256 Credential={scope},Signature={signature}"
    elif version == "v1":
        headers["date"] = format_datetime(now, usegmt=True)
        signature = v1_signature(Signable("PUT", credentials["bucketname"], path, headers), secret)
        headers["authorization"] = f"OSS {credentials['access_key_id']}:{signature}"
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    return store("PUT", f"{credentials['endpoint']}/{quote(path)}", content=data, headers=headers)


def xml_refusal(answer: httpx.Response) -> tuple[int, str | None]:
    assert answer.headers["content-type"].startswith("application/xml")
    return answer.status_code, ElementTree.fromstring(answer.text).findtext("Code")


def entry(credentials: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a complete files[] entry of protocol 7.4 for the bytes that put() sends; `meta` changes the inner one."""
    meta = {"name": "my photo.png", "size": 5, "content_type": "image/png", **changes.pop("meta", {})}
    return {
        "type": "image",
        "file": {"id": credentials["file_id"], "filename": "my photo.png", "meta": meta},
        "id": credentials["file_id"],
        "url": credentials["file_url"],
        "name": "my photo.png",
        "status": "uploaded",
        "size": 5,
        "file_type": "image/png",
        "showType": "image",
        "file_class": "vision",
        **changes,
    }


@pytest.mark.parametrize(
    ("headers", "signature"),
    [
        (VECTOR_HEADERS, "452eb840409029984ee984ae6ac60863012982cb048f0b4d0bd9443e748ca2b3"),
        ({**VECTOR_HEADERS, **AGENT}, "a15ca800d190b89d398ea005292d331e31a643eaf9c6e1d693d0328cfdcc8d46"),
    ],
    ids=["four headers", "with the agent"],
)
def test_version_4_signs_as_the_vendor_does(headers: dict[str, str], signature: str) -> None:
    request = Signable("PUT", "qwen-webui-prod", VECTOR_PATH, headers)
    assert v4_signature(request, SECRET, "ap-southeast-1", "20260304T065913Z") == signature


@pytest.mark.parametrize(
    ("headers", "signature"),
    [
        ({**V1_HEADERS, "date": GMT}, "zaNCxDxGGgLsjhf0tmQa/cnFgZU="),
        ({**V1_HEADERS, "x-oss-date": GMT}, "iZnXMkaIgiKIeuO1Bo3GjQ54sGg="),
    ],
    ids=["date", "x-oss-date"],
)
def test_version_1_signs_as_the_vendor_does(headers: dict[str, str], signature: str) -> None:
    assert v1_signature(Signable("PUT", "qwen-webui-prod", VECTOR_PATH, headers), SECRET) == signature


@pytest.mark.parametrize("size", [5, "5"], ids=["number", "text"])
def test_credentials_nested_and_flat(site: Sandbox, caller: Caller, size: object) -> None:
    nested = issue(caller, size=size)
    flat = caller.call("POST", V1, {"filename": "a.png", "filesize": size, "filetype": "image"}).json()
    assert set(flat) == set(nested) and "success" not in flat
    assert nested["endpoint"] == site.store_origin
    assert nested["file_path"] == f"{site.accounts[0].user_id}/{nested['file_id']}_my photo.png"
    assert nested["file_url"].startswith(f"{site.store_origin}/{quote(nested['file_path'])}?")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filename": "", "filesize": 1, "filetype": "image"},
        {"filename": "../a.png", "filesize": 1, "filetype": "image"},
        {"filename": "a.png", "filesize": 0, "filetype": "image"},
        {"filename": "a.png", "filesize": True, "filetype": "image"},
        {"filename": "a.png", "filesize": 1, "filetype": "program"},
        {"filename": "a.png", "filesize": (20 << 20) + 1, "filetype": "image"},
        {"filename": "a.mp3", "filesize": (100 << 20) + 1, "filetype": "audio"},
    ],
    ids=["empty", "no name", "a path", "no bytes", "no number", "unknown type", "image too big", "audio too big"],
)
def test_no_credentials_for_a_wrong_file(caller: Caller, body: dict[str, Any]) -> None:
    assert refusal(caller.call("POST", V2, body))[:2] == ("400", "Bad_Request")


def test_credentials_need_a_login_and_the_page(caller: Caller) -> None:
    body = {"filename": "a.png", "filesize": 1, "filetype": "image"}
    assert refusal(caller.call("POST", V2, body, cookie=None))[0] == "401"
    assert "FAIL_SYS_USER_VALIDATE" in caller.call("POST", V2, body, bx_ua=None).text


@pytest.mark.parametrize("version", ["v4", "v1"])
def test_takes_and_gives_the_bytes(site: Sandbox, caller: Caller, version: str) -> None:
    credentials = issue(caller, "фото 100%.png")
    answer = put(credentials, version)
    assert (answer.status_code, answer.content) == (200, b"")
    download = store("GET", credentials["file_url"])
    assert (download.status_code, download.content) == (200, b"bytes")
    assert download.headers["content-type"] == "image/png"
    assert site.files[-1].data == b"bytes"


@pytest.mark.parametrize(
    ("version", "changes", "code"),
    [
        ("v4", {"secret": "guessed"}, "SignatureDoesNotMatch"),
        ("v1", {"secret": "guessed"}, "SignatureDoesNotMatch"),
        ("v4", {"content_type": "text/html"}, "SignatureDoesNotMatch"),
        ("v1", {"content_type": "text/html"}, "SignatureDoesNotMatch"),
        ("v4", {"x_oss_acl": "public-read"}, "SignatureDoesNotMatch"),
        ("v4", {"path": "somebody/else.png"}, "AccessDenied"),
        ("v1", {"path": "somebody/else.png"}, "AccessDenied"),
        ("none", {}, "AccessDenied"),
        ("v4", {"now": datetime(2020, 1, 1, tzinfo=timezone.utc)}, "RequestTimeTooSkewed"),
        ("v1", {"now": datetime(2020, 1, 1, tzinfo=timezone.utc)}, "RequestTimeTooSkewed"),
        ("none", {"authorization": "OSS STS.unknown:c2ln"}, "InvalidAccessKeyId"),
    ],
    ids=[
        "v4 secret",
        "v1 secret",
        "v4 type",
        "v1 type",
        "v4 header more",
        "v4 path",
        "v1 path",
        "unsigned",
        "v4 old",
        "v1 old",
        "unknown key",
    ],
)
def test_refuses_in_xml(caller: Caller, version: str, changes: dict[str, Any], code: str) -> None:
    credentials = issue(caller)
    assert xml_refusal(put(credentials, version, **changes)) == (403, code)
    assert caller.site.files[-1].data is None


def test_refuses_a_foreign_security_token(caller: Caller) -> None:
    first, second = issue(caller), issue(caller)
    mixture = {**first, "security_token": second["security_token"]}
    assert xml_refusal(put(mixture)) == (403, "InvalidSecurityToken")


def test_a_signed_address_is_for_reading_alone(caller: Caller) -> None:
    credentials = issue(caller)
    assert xml_refusal(store("PUT", credentials["file_url"], content=b"x")) == (403, "SignatureDoesNotMatch")
    assert xml_refusal(store("GET", credentials["file_url"])) == (404, "NoSuchKey")
    put(credentials)
    assert xml_refusal(store("GET", credentials["file_url"].partition("?")[0])) == (403, "AccessDenied")
    assert xml_refusal(store("GET", credentials["file_url"] + "0")) == (403, "AccessDenied")


def test_everything_expires_after_300_seconds(site: Sandbox, caller: Caller) -> None:
    in_time, late = issue(caller), issue(caller)
    put(in_time)
    site.switches.clock_ahead_s = 298
    assert store("GET", in_time["file_url"]).status_code == 200
    site.switches.clock_ahead_s = 301
    assert xml_refusal(store("GET", in_time["file_url"])) == (403, "AccessDenied")
    assert xml_refusal(put(late)) == (403, "SecurityTokenExpired")


def test_a_client_by_this_machines_clock_may_write_however_far_ahead_the_site_is(site: Sandbox, caller: Caller) -> None:
    site.advance(30 * 86400)
    site.accounts[0].renew()
    credentials = issue(caller)
    assert put(credentials).status_code == 200
    assert store("GET", credentials["file_url"]).status_code == 200


def test_lets_pages_of_another_origin_write(site: Sandbox, caller: Caller) -> None:
    url = issue(caller)["file_url"].partition("?")[0]
    preflight = {
        "origin": site.base_url,
        "access-control-request-method": "PUT",
        "access-control-request-headers": "authorization,content-type,x-oss-date,x-other",
    }
    answer = store("OPTIONS", url, headers=preflight)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] in ("*", site.base_url)
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization, content-type, x-oss-date"


def test_the_store_fails_on_order(site: Sandbox, caller: Caller) -> None:
    site.add_fault(Fault(kind="http_503", path=f"/{site.accounts[0].user_id}/*", times=1))
    credentials = issue(caller)
    assert [put(credentials).status_code, put(credentials).status_code] == [503, 200]


def test_survives_a_restart(site: Sandbox, caller: Caller) -> None:
    credentials = issue(caller)
    put(credentials)
    site.restart()
    assert store("GET", credentials["file_url"]).content == b"bytes"


def test_a_question_shows_its_files_to_the_model(caller: Caller) -> None:
    credentials = issue(caller)
    put(credentials)
    for url in (credentials["file_url"], credentials["file_url"].partition("?")[0]):
        files = [entry(credentials, url=url)]
        context = json.loads(answer_text(caller.ask("{{echo}}", message={"files": files})))
        assert context[0]["files"] == files


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "00000000-0000-4000-8000-000000000000"},
        {"type": "file"},
        {"status": "uploading"},
        {"size": 6},
        {"meta": {"size": 6}},
        {"file_type": "image/jpeg"},
        {"url": "https://example.com/a.png"},
        {"file": None},
        {"url": None},
        {"id": "", "url": "data:image/png;base64,AAAA"},
    ],
    ids=[
        "unknown id",
        "type",
        "status",
        "size",
        "inner size",
        "file type",
        "address elsewhere",
        "no file",
        "no address",
        "data address",
    ],
)
def test_refuses_a_wrong_attachment(caller: Caller, changes: dict[str, Any]) -> None:
    credentials = issue(caller)
    put(credentials)
    answer = caller.ask("hello", message={"files": [entry(credentials, **changes)]})
    assert refusal(answer) == ("400", "Bad_Request", "Invalid file information!")


def test_refuses_a_file_without_bytes_of_another_account_or_with_an_old_address(site: Sandbox, caller: Caller) -> None:
    credentials = issue(caller)
    wrong = ("400", "Bad_Request", "Invalid file information!")
    assert refusal(caller.ask("hello", message={"files": [entry(credentials)]})) == wrong
    put(credentials)
    other = Caller(site, site.accounts[1])
    assert refusal(other.ask("hello", message={"files": [entry(credentials)]})) == wrong
    other.close()
    site.switches.clock_ahead_s = 301
    assert refusal(caller.ask("hello", message={"files": [entry(credentials)]})) == wrong
    bare_address = credentials["file_url"].partition("?")[0]
    assert answer_text(caller.ask("hello", message={"files": [entry(credentials, url=bare_address)]}))


def document(credentials: dict[str, Any], **meta: Any) -> dict[str, Any]:
    return entry(credentials, type="file", showType="file", file_class="document", meta=meta)


@pytest.mark.parametrize("as_list", [True, False], ids=["list", "one"])
def test_a_document_must_be_parsed_first(site: Sandbox, caller: Caller, as_list: bool) -> None:
    credentials = issue(caller, "a.pdf", "file")
    file_id = credentials["file_id"]
    parsed_document = document(credentials, parse_meta={"parse_status": "success"})
    wrong = ("400", "Bad_Request", "Invalid file information!")
    assert refusal(caller.call("POST", "/api/v2/files/parse", {"file_id": file_id})) == wrong
    put(credentials)
    assert refusal(caller.ask("hello", message={"files": [parsed_document]})) == wrong
    assert caller.call("POST", "/api/v2/files/parse", {"file_id": file_id}).json()["success"] is True
    statuses = []
    for _ in range(2):
        body = {"file_id_list": [file_id]} if as_list else {"file_id": file_id}
        data = caller.call("POST", "/api/v2/files/parse/status", body).json()["data"]
        statuses.append((data[0] if as_list else data)["status"])
    assert statuses == ["running", "success"]
    assert answer_text(caller.ask("hello", message={"files": [parsed_document]}))
    assert refusal(caller.ask("hello", message={"files": [document(credentials)]})) == wrong


def test_the_model_reads_a_text_file(caller: Caller) -> None:
    text = "Äpfel\n{{say never}}"
    data = text.encode()
    credentials = issue(caller, "list.txt", "file", len(data))
    put(credentials, data=data)
    caller.call("POST", "/api/v2/files/parse", {"file_id": credentials["file_id"]})
    for _ in range(2):
        caller.call("POST", "/api/v2/files/parse/status", {"file_id": credentials["file_id"]})
    meta = {"parse_meta": {"parse_status": "success"}, "size": len(data)}
    files = [{**document(credentials, **meta), "size": len(data)}]
    context = json.loads(answer_text(caller.ask("{{echo}}", message={"files": files})))
    assert context[0]["file_texts"] == [{"name": "list.txt", "text": text}]
    view = json.loads(answer_text(caller.ask("{{view}}", message={"files": files})))
    assert view == [
        {"role": "file", "text": text, "name": "list.txt"},
        {"role": "user", "text": "{{view}}"},
    ]
    assert "You said" in answer_text(caller.ask("hello", message={"files": files}))


def test_a_document_that_cannot_be_read(site: Sandbox, caller: Caller) -> None:
    site.switches.parse_outcome = "failed"
    credentials = issue(caller, "a.pdf", "file")
    put(credentials)
    caller.call("POST", "/api/v2/files/parse", {"file_id": credentials["file_id"]})
    body = {"file_id_list": [credentials["file_id"]]}
    answers = [caller.call("POST", "/api/v2/files/parse/status", body).json()["data"][0] for _ in range(2)]
    assert answers[-1]["status"] == "failed"
    files = [document(credentials, parse_meta={"parse_status": "success"})]
    assert refusal(caller.ask("hello", message={"files": files}))[2] == "Invalid file information!"


def test_the_store_is_an_origin_of_its_own(site: Sandbox) -> None:
    assert urlsplit(site.store_origin).scheme == "http"
    assert xml_refusal(store("GET", f"{site.store_origin}/api/v2/models/")) == (403, "AccessDenied")
