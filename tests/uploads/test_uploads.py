"""Uploads in their parts: the site's forms, signatures, types, the ledger."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from unittest.mock import Mock

import pytest
from clocks import FakeClock
from file_stack import JPEG, PDF, PNG, TEXT
from hypothesis import given
from hypothesis import strategies as st
from proxy_servers import ProxyServer

from qwenproxy.accounts.proxies import keep_proxy
from qwenproxy.browser.page import PageRequest
from qwenproxy.browser.proxies import ProxyAddress
from qwenproxy.browser.way_out import WayOut
from qwenproxy.disk import files as disk_files
from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.errors import (
    BrowserError,
    NetworkFailed,
    ProtocolChanged,
    RateLimited,
    RequestError,
    SiteFailure,
    Transient,
)
from qwenproxy.sandbox.files.signatures import Signable, v4_signature
from qwenproxy.uploads import ledger as ledger_module
from qwenproxy.uploads import object_store
from qwenproxy.uploads.file_types import clean_name, identify
from qwenproxy.uploads.ledger import Ledger
from qwenproxy.uploads.object_store import ObjectStore
from qwenproxy.uploads.uploader import SiteCalls, Uploader
from qwenproxy.upstream import files
from qwenproxy.upstream.files import SiteFile, UploadCredentials

NOW = 1_772_607_554.0
ISSUED = {
    "access_key_id": "STS.EXAMPLEKEYID",
    "access_key_secret": "ExampleSecret0123456789",
    "security_token": "EXAMPLE-SECURITY-TOKEN==",
    "file_url": "https://qwen-webui-prod.oss-accelerate.aliyuncs.com/u-1/f-1_my%20photo.png?x-oss-signature=1",
    "file_path": "00000000-0000-4000-8000-000000000001/11111111-1111-4111-8111-111111111111_my photo.png",
    "file_id": "f-1",
    "bucketname": "qwen-webui-prod",
    "region": "oss-ap-southeast-1",
    "endpoint": "oss-accelerate.aliyuncs.com",
}
CREDENTIALS = files.parse_credentials(ISSUED)
STORED = SiteFile("a", "f-1", ISSUED["file_url"], "u-1", "my photo.png", 5, "image/png", "image", NOW)


def docx() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("[Content_Types].xml", "<Types/>")
        writer.writestr("word/document.xml", "<document/>")
    return archive.getvalue()


def plain_zip() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("a.txt", "hello")
    return archive.getvalue()


BMP = (
    b"BM" + (122).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little") + bytes(36)
)
DOC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64)
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 "


def test_the_signature_is_that_of_the_test_vector() -> None:
    headers = object_store.signed_headers(
        CREDENTIALS, "image/png", datetime(2026, 3, 4, 6, 59, 13, tzinfo=timezone.utc)
    )
    lowered = {name.lower(): value for name, value in headers.items()}
    assert lowered["authorization"] == (
        "OSS4-HMAC-SHA256 Credential=STS.EXAMPLEKEYID/20260304/ap-southeast-1/oss/aliyun_v4_request,"
        "Signature=452eb840409029984ee984ae6ac60863012982cb048f0b4d0bd9443e748ca2b3"
    )
    assert lowered["x-oss-date"] == "20260304T065913Z"
    assert lowered["x-oss-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert lowered["x-oss-security-token"] == "EXAMPLE-SECURITY-TOKEN=="


@given(name=st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=40))
def test_any_name_is_signed_as_the_stores_rules_say(name: str) -> None:
    credentials = replace(CREDENTIALS, file_path=f"u-1/f-1_{name}")
    now = datetime(2026, 3, 4, 6, 59, 13, tzinfo=timezone.utc)
    headers = object_store.signed_headers(credentials, "image/png", now)
    lowered = {key.lower(): value for key, value in headers.items()}
    signed = Signable("PUT", credentials.bucket, credentials.file_path, lowered)
    expected = v4_signature(signed, credentials.access_key_secret, "ap-southeast-1", "20260304T065913Z")
    assert lowered["authorization"].endswith(f",Signature={expected}")


@pytest.mark.parametrize(
    "endpoint, file_url, url",
    [
        ("oss.example", "https://elsewhere/x", "https://qwen-webui-prod.oss.example/u/f_a%20b.png"),
        ("http://localhost:1", "http://localhost:1/u/f_a%20b.png?s=1", "http://localhost:1/u/f_a%20b.png"),
        ("http://localhost:1/", "http://localhost:1/bucket/u/f.png?s=1", "http://localhost:1/bucket/u/f.png"),
        ("http://localhost:1", "http://localhost:12/u/f.png?s=1", "http://localhost:1/u/f_a%20b.png"),
    ],
    ids=["host of the bucket", "path of the file", "path with the bucket", "another port"],
)
def test_where_the_bytes_go(endpoint: str, file_url: str, url: str) -> None:
    credentials = replace(CREDENTIALS, endpoint=endpoint, file_url=file_url, file_path="u/f_a b.png")
    assert credentials.object_url == url


def test_a_store_that_cannot_be_reached() -> None:
    credentials = replace(CREDENTIALS, endpoint="http://localhost:1")
    with pytest.raises(NetworkFailed) as caught:
        object_store.put(credentials, "image/png", b"x")
    assert "localhost" not in caught.value.message


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_bytes_go_through_the_proxy_of_their_account(tmp_path: Path, kind: str) -> None:
    heard: list[bytes] = []
    with ProxyServer(kind, "anna", "s3cret").running() as proxy, one_answer(heard) as port:
        credentials = replace(CREDENTIALS, endpoint=f"http://localhost:{port}")
        address = ProxyAddress(kind, "localhost", proxy.port, "anna", "s3cret")
        store = ObjectStore(lambda account_id: WayOut(AccountFolder(tmp_path / account_id), address))
        store.put(credentials, "image/png", b"bytes", "a")
        assert proxy.asked == [("localhost", port)]
        assert heard[0].startswith(b"PUT /") and heard[0].endswith(b"bytes")
        assert b"Proxy-" not in heard[0]

        keep_proxy(AccountFolder(tmp_path / "b"), replace(address, password="wrong"))
        with pytest.raises(BrowserError, match=r"refuses the user.*account proxy b URL") as caught:
            store.put(credentials, "image/png", b"bytes", "b")
        assert "wrong" not in caught.value.message
        refusals = {"http": b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "socks5": b"\x05\x01\x00"}
        proxy.refusal = refusals[kind]
        with pytest.raises(Transient, match=r"\(503\)|does not lead to localhost"):
            store.put(credentials, "image/png", b"bytes", "a")


@contextlib.contextmanager
def one_answer(heard: list[bytes]) -> Iterator[int]:
    """A server that takes a PUT of five bytes on each connection; yields its port."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    data = b""
                    while not data.endswith(b"\r\n\r\nbytes"):
                        data += connection.recv(65536)
                    heard.append(data)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_store_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer:
        status_code = 403
        text = "<Error><Code>RequestTimeTooSkewed</Code><Message>secret</Message></Error>"

    monkeypatch.setattr("qwenproxy.uploads.object_store.requests.put", lambda *args, **options: Answer)
    with pytest.raises(SiteFailure, match=r"RequestTimeTooSkewed.*clock"):
        object_store.put(CREDENTIALS, "image/png", b"x")


def test_secrets_stay_out_of_texts() -> None:
    shown = repr(CREDENTIALS) + repr(STORED)
    assert not any(ISSUED[name] in shown for name in ("access_key_secret", "security_token", "file_url"))


@pytest.mark.parametrize("body", [ISSUED, {"success": True, "data": ISSUED}], ids=["bare", "in an envelope"])
def test_credentials_with_and_without_envelope(body: object) -> None:
    result = files.credentials_object(json.dumps(body))
    assert result == ISSUED
    assert files.parse_credentials(result) == UploadCredentials(
        access_key_id="STS.EXAMPLEKEYID",
        access_key_secret="ExampleSecret0123456789",
        security_token="EXAMPLE-SECURITY-TOKEN==",
        file_url=ISSUED["file_url"],
        file_path=ISSUED["file_path"],
        file_id="f-1",
        bucket="qwen-webui-prod",
        region="ap-southeast-1",
        endpoint="oss-accelerate.aliyuncs.com",
    )


def test_a_missing_endpoint_follows_from_the_region() -> None:
    result = {name: value for name, value in ISSUED.items() if name != "endpoint"}
    assert files.parse_credentials(result).endpoint == "oss-ap-southeast-1.aliyuncs.com"


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"data":{"file_id":"x"}}', json.dumps({**ISSUED, "file_url": 1})],
    ids=["empty", "a list", "an empty object", "an id alone", "a number for an address"],
)
def test_credentials_of_an_unknown_form(body: str) -> None:
    with pytest.raises(ProtocolChanged):
        files.credentials_object(body)


def test_credentials_without_a_bucket() -> None:
    with pytest.raises(ProtocolChanged):
        files.parse_credentials({**ISSUED, "bucketname": None})


@pytest.mark.parametrize(
    "data, status",
    [
        ([{"file_id": "f-1", "status": "success"}], "success"),
        ([{"file_id": "other", "status": "failed"}, {"file_id": "f-1", "status": "SUCCESS"}], "success"),
        ({"status": "success"}, "success"),
        ({"file_id": "f-1", "status": "error"}, "failed"),
        ([{"file_id": "f-1", "status": "failed"}], "failed"),
        ([{"file_id": "f-1", "status": "running"}], "pending"),
        ([{"file_id": "f-1", "status": None}], "pending"),
        ([], "pending"),
        (None, "pending"),
    ],
    ids=[
        "success",
        "success beside another file",
        "one object",
        "error",
        "failed",
        "running",
        "no status",
        "no file",
        "null",
    ],
)
def test_how_far_the_reading_is(data: object, status: str) -> None:
    assert files.parsing_status(json.dumps({"success": True, "data": data}), "f-1") == status


def test_requests_for_the_page() -> None:
    call = files.request_credentials("фото.png", 7, "image")
    assert (call.method, call.path) == ("POST", "/api/v2/files/getstsToken")
    assert json.loads(call.body or "") == {"filename": "фото.png", "filesize": 7, "filetype": "image"}
    assert {"content-type", "source", "x-request-id"} <= set(call.headers)
    assert json.loads(files.begin_parsing("f").body or "") == {"file_id": "f"}
    assert json.loads(files.ask_parsing("f").body or "") == {"file_id_list": ["f"]}


def test_the_entry_of_an_image() -> None:
    entry = files.entry(STORED, NOW)
    assert len(entry.pop("itemId")) == len(entry.pop("uploadTaskId")) == 36
    assert entry == {
        "type": "image",
        "file": {
            "created_at": 1772607554000,
            "data": {},
            "filename": "my photo.png",
            "hash": None,
            "id": "f-1",
            "user_id": "u-1",
            "meta": {"name": "my photo.png", "size": 5, "content_type": "image/png"},
            "update_at": 1772607554000,
        },
        "id": "f-1",
        "url": ISSUED["file_url"],
        "name": "my photo.png",
        "collection_name": "",
        "progress": 0,
        "status": "uploaded",
        "greenNet": "success",
        "size": 5,
        "error": "",
        "file_type": "image/png",
        "showType": "image",
        "file_class": "vision",
    }


@pytest.mark.parametrize(
    "kind, classes",
    [
        ("file", ("file", "file", "document")),
        ("video", ("video", "video", "video")),
        ("audio", ("audio", "audio", "audio")),
    ],
    ids=["file", "video", "audio"],
)
def test_entries_of_other_kinds(kind: str, classes: tuple[str, str, str]) -> None:
    entry = files.entry(replace(STORED, kind=kind), NOW)
    assert (entry["type"], entry["showType"], entry["file_class"]) == classes
    assert ("parse_meta" in entry["file"]["meta"]) == (kind == "file")


def test_an_entry_drops_a_signature_that_is_about_to_expire() -> None:
    assert files.entry(STORED, NOW + 239)["url"] == ISSUED["file_url"]
    assert files.entry(STORED, NOW + 240)["url"] == ISSUED["file_url"].partition("?")[0]


@pytest.mark.parametrize(
    "name, data, extension",
    [
        ("a.png", PNG, "png"),
        ("a.JPG", JPEG, "jpg"),
        ("a.jpeg", JPEG, "jpg"),
        ("a.gif", b"GIF89a" + bytes(9), "gif"),
        ("a.webp", WEBP, "webp"),
        ("a.bmp", BMP, "bmp"),
        ("a.jpg", WEBP, "webp"),
        ("a.pdf", PDF, "pdf"),
        ("a.pdf", b"\n" * 100 + PDF, "pdf"),
        ("a.doc", DOC, "doc"),
        ("a.docx", docx(), "docx"),
        ("a.txt", TEXT, "txt"),
        ("a.txt", "Привет".encode("cp1251"), "txt"),
        ("a.txt", "Hello".encode("utf-16"), "txt"),
        ("a.txt", b"BMW, GIF89a and RIFF are words", "txt"),
        ("a.txt", b"\xef\xbb\xbfwith a byte order mark\x0c\x1b[0m", "txt"),
        ("a", PNG, "png"),
        ("", PDF, "pdf"),
    ],
    ids=lambda value: ascii(value[:8]),
)
def test_types_by_name_and_content(name: str, data: bytes, extension: str) -> None:
    assert identify(name, data).extension == extension


@pytest.mark.parametrize(
    "name, data",
    [
        ("a.png", b""),
        ("a.png", TEXT),
        ("a.png", PDF),
        ("a.txt", PNG),
        ("a.txt", JPEG),
        ("a.txt", BMP),
        ("a.txt", docx()),
        ("a.txt", b"%PDF-1.4 all ASCII"),
        ("a.txt", b"nul\x00"),
        ("a.txt", b"\xff\xfe\x00"),
        ("a.pdf", docx()),
        ("a.docx", plain_zip()),
        ("a.docx", b"PK\x03\x04" + bytes(30)),
        ("a.doc", docx()),
        ("a.md", TEXT),
        ("a.html", b"<html>"),
        ("a", TEXT),
        ("a.png.exe", PNG),
    ],
    ids=lambda value: ascii(value[:8]),
)
def test_types_that_are_refused(name: str, data: bytes) -> None:
    with pytest.raises(RequestError):
        identify(name, data)


@pytest.mark.parametrize(
    "name, cleaned",
    [
        ("a.png", "a.png"),
        ("/etc/a.png", "a.png"),
        ("C:\\dir\\a.png", "a.png"),
        ("..\\..\\.hidden.png", "hidden.png"),
        ("a\r\nb\u2028\x00.png", "ab.png"),
        ("  фото  .png", "фото.png"),
        ("n" * 500, "n" * 120),
        ("я" * 500 + ".png", "я" * 60 + ".png"),
        ("half \ud83d.png", "half ?.png"),
    ],
    ids=lambda name: ascii(name[:20]),
)
def test_names_are_cleaned(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


@pytest.mark.parametrize("name", ["", "/", "..", "dir/", "\x00", " . "])
def test_names_with_nothing_in_them(name: str) -> None:
    with pytest.raises(RequestError):
        clean_name(name)


@given(st.text(max_size=300))
def test_no_name_escapes_its_folder(name: str) -> None:
    try:
        cleaned = clean_name(name)
    except RequestError:
        return
    assert cleaned and not set(cleaned) & set("/\\\0\n") and not cleaned.startswith(".")
    assert len(cleaned.encode()) <= 120 + 1 + 20 * 4


@pytest.fixture
def ledger(tmp_path: Path, clock: FakeClock) -> Ledger:
    clock.now = 1e10  # later than any file here is old
    return Ledger.open(SessionFolder(tmp_path / "session"), clock)


@pytest.fixture(autouse=True)
def session_folder(tmp_path: Path) -> None:
    (tmp_path / "session").mkdir(mode=0o700)


def stored(name: str, account: str = "a") -> SiteFile:
    url = f"https://store.example/u/{name}%20x.png?signature={account}"
    return replace(STORED, account_id=account, id=f"{name}-{account}", url=url)


def test_uploads_are_found_by_their_address(tmp_path: Path, clock: FakeClock) -> None:
    ledger = Ledger.open(SessionFolder(tmp_path / "session"), clock)
    ledger.add(stored("one"), PNG)
    again = Ledger.open(SessionFolder(tmp_path / "session"), clock)
    for url in ("/u/one%20x.png?signature=other", "/u/one%20x.png", "/u/one x.png#top"):
        result = again.find(f"https://store.example{url}")
        assert result is not None and result.copy_of("a") == stored("one")
    assert again.find("https://store.example/u/two%20x.png") is None
    assert again.find("https://other.example/u/one%20x.png") is None
    assert again.find("http://[broken") is None


def test_origins_are_learnt(ledger: Ledger) -> None:
    assert not ledger.is_own_origin("https://store.example/other")
    ledger.add(stored("one"))
    assert ledger.is_own_origin("https://store.example/other")
    assert ledger.is_own_origin("https://STORE.example/other?x")
    assert not ledger.is_own_origin("http://store.example/other")
    assert not ledger.is_own_origin("https://store.example:8443/other")
    assert not ledger.is_own_origin("https://store.example.net/other")


def test_copies_of_other_accounts(ledger: Ledger) -> None:
    upload = ledger.add(stored("one"), PNG)
    ledger.add_copy(upload, stored("copy", "b"))
    result = ledger.find(stored("one").url)
    assert result is not None
    assert [copy.account_id for copy in result.copies] == ["a", "b"]
    assert result.copy_of("b") == stored("copy", "b")
    assert result.copy_of("c") is None
    ledger.add_copy(result, replace(stored("one"), parsed=True))
    again = ledger.find(stored("one").url)
    assert again is not None
    assert [(copy.account_id, copy.parsed) for copy in again.copies] == [("b", False), ("a", True)]


def test_bytes_are_kept_privately(tmp_path: Path, clock: FakeClock) -> None:
    ledger = Ledger.open(SessionFolder(tmp_path / "session"), clock)
    upload = ledger.add(stored("one"), PNG)
    assert ledger.data_of(upload) == PNG
    assert ledger.data_of(ledger.add(stored("two"))) is None
    [content] = SessionFolder(tmp_path / "session").upload_contents.iterdir()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (content, content.parent, tmp_path / "session/uploads.json")]
    assert modes == [0o600, 0o700, 0o600]


def test_old_bytes_go(tmp_path: Path, clock: FakeClock) -> None:
    ledger = Ledger.open(SessionFolder(tmp_path / "session"), clock)
    old, new = ledger.add(stored("old"), PNG), ledger.add(stored("new"), JPEG)
    clock.now = (tmp_path / "session" / "uploads" / new.digest).stat().st_mtime + 1
    long_ago = clock.now - ledger_module.CONTENT_AGE - 1
    os.utime(tmp_path / "session" / "uploads" / old.digest, (long_ago, long_ago))
    ledger.tidy()
    assert (ledger.data_of(old), ledger.data_of(new)) == (None, JPEG)
    assert ledger.find(stored("old").url) == old


def test_the_oldest_bytes_make_room(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.now = 0.0
    ledger = Ledger.open(SessionFolder(tmp_path / "session"), clock)
    first = ledger.add(stored("first"), b"1" * 40)
    os.utime(tmp_path / "session" / "uploads" / first.digest, (1, 1))
    second = ledger.add(stored("second"), b"2" * 40)
    os.utime(tmp_path / "session" / "uploads" / second.digest, (2, 2))
    monkeypatch.setattr(ledger_module, "CONTENT_BYTES", 100)
    third = ledger.add(stored("third"), b"3" * 40)
    assert [ledger.data_of(each) is not None for each in (first, second, third)] == [False, True, True]


def test_the_ledger_is_bounded(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_UPLOADS", 3)
    for name in ("one", "two", "three", "four"):
        ledger.add(stored(name))
    assert ledger.find(stored("one").url) is None
    assert ledger.find(stored("four").url) is not None


def test_the_list_is_not_read_again_after_each_upload(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = Mock(wraps=disk_files.parse_json)
    monkeypatch.setattr(disk_files, "parse_json", parse)
    for number in range(20):
        ledger.add(stored(f"file{number}"))
    assert all(ledger.find(stored(f"file{number}").url) for number in range(20))
    assert parse.call_count <= 1


def test_two_servers_lose_nothing(tmp_path: Path, clock: FakeClock) -> None:
    first, second = (
        Ledger.open(SessionFolder(tmp_path / "session"), clock),
        Ledger.open(SessionFolder(tmp_path / "session"), clock),
    )
    for number in range(5):
        first.add(stored(f"a{number}"))
        second.add(stored(f"b{number}"))
    assert all(second.find(stored(f"a{number}").url) and first.find(stored(f"b{number}").url) for number in range(5))


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "{}",
        "[1]",
        '[{"address":"x","digest":"","copies":[]}]',
        '[{"address":"x","digest":"../../tokens.json","copies":[]}]',
    ],
    ids=["half", "an object", "a number", "no copies", "a path for a digest"],
)
def test_a_damaged_ledger_is_set_aside(tmp_path: Path, ledger: Ledger, content: str) -> None:
    folder = tmp_path / "session"
    (folder / "uploads.json").write_text(content)
    assert ledger.find(stored("one").url) is None
    assert [path.name for path in folder.glob("uploads.json.corrupt-*")]
    ledger.add(stored("one"))
    assert ledger.find(stored("one").url)


def test_a_digest_that_is_a_path_is_not_read(tmp_path: Path, ledger: Ledger) -> None:
    ledger.add(stored("one"), PNG)
    file = tmp_path / "session" / "uploads.json"
    rows = json.loads(file.read_text())
    rows[0]["digest"] = "../tokens.json"
    file.write_text(json.dumps(rows))
    assert Ledger.open(SessionFolder(tmp_path / "session")).find(stored("one").url) is None


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
def test_what_is_no_content_stops_nothing(tmp_path: Path) -> None:
    ledger = Ledger.open(SessionFolder(tmp_path / "session"))
    upload = ledger.add(stored("one"), PNG)
    folder = tmp_path / "session" / "uploads"
    (folder / "a").symlink_to(tmp_path / "gone")
    (folder / "b").mkdir()
    os.mkfifo(folder / "c")
    ledger.tidy()
    (folder / upload.digest).unlink()
    (folder / upload.digest).mkdir()
    assert ledger.data_of(upload) is None


def test_what_an_interrupted_write_left_is_swept(tmp_path: Path) -> None:
    leftover = tmp_path / "session" / ".uploads.json.0123abcd.tmp"
    leftover.write_bytes(b"half")
    Ledger.open(SessionFolder(tmp_path / "session"))
    assert not leftover.exists()


class LimitedSite:
    """An account whose calls to these paths are over a limit; all others are answered as for one upload."""

    def __init__(self, *limited: str) -> None:
        self._limited = limited

    def lend(self) -> SiteCalls:
        return SiteCalls("a", self._call, lambda seconds: None)

    def _call(self, request: PageRequest) -> str:
        if request.path in self._limited:
            raise RateLimited("x")
        return json.dumps({"success": True, "data": ISSUED})


def uploader_at(tmp_path: Path) -> Uploader:
    return Uploader(Ledger.open(SessionFolder(tmp_path)), 1000, put=lambda *_: None)


@pytest.mark.parametrize("path", ["/api/v2/files/getstsToken", "/api/v2/files/parse"])
def test_the_limit_of_a_call_about_files_is_one_of_uploads(tmp_path: Path, path: str) -> None:
    uploader, site = uploader_at(tmp_path), LimitedSite(path).lend()
    calls: list[Callable[[], object]] = [lambda: uploader.store(uploader.check("a.pdf", PDF), site)]
    if path.endswith("Token"):
        calls.append(lambda: uploader.issue_credentials("a.pdf", 10, "file", site))
    for call in calls:
        with pytest.raises(RateLimited) as caught:
            call()
        assert caught.value.kind == "upload"


def test_what_an_account_got_of_late_needs_no_upload(tmp_path: Path) -> None:
    uploader = uploader_at(tmp_path)
    picture = uploader.check("a.png", PNG)
    assert not uploader.is_stored(picture)
    uploader.store_once(picture, LimitedSite().lend())
    assert uploader.is_stored(picture)
    assert not uploader.is_stored(uploader.check("b.jpg", JPEG))
