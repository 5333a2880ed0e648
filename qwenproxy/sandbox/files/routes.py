"""Upload credentials and the parsing of documents (protocol 7.1 and 7.3); the bytes go to object_store.py."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, g

from qwenproxy.sandbox.envelope import bad_request, json_response, success
from qwenproxy.sandbox.files.file import BUCKET, REGION, SIZE_LIMITS, StoredFile
from qwenproxy.sandbox.state import current_state, logged_in

bp = Blueprint("files", __name__)


@bp.post("/api/v2/files/getstsToken")
async def credentials() -> Response:
    """Issue credentials for one file."""
    return success(_issue())


@bp.post("/api/v1/files/getstsToken")
async def credentials_v1() -> Response:
    """Issue credentials for one file the older way: no envelope."""
    return json_response(_issue(), headers={"x-actual-status-code": "200"})


@bp.post("/api/v2/files/parse")
async def parse() -> Response:
    """Begin to parse a document."""
    state = current_state()
    file = state.files.uploaded(logged_in().id, _body().get("file_id"))
    if not file.parse_status:
        file.parse_status, file.polls_left = "pending", state.switches.parse_polls
    return success({"file_id": file.id})


@bp.post("/api/v2/files/parse/status")
async def parse_status() -> Response:
    """Return how far the parsing is, of one file or of a list."""
    account, body = logged_in(), _body()
    files = current_state().files
    if isinstance(body.get("file_id_list"), list):
        return success([_progress(files.uploaded(account.id, file_id)) for file_id in body["file_id_list"]])
    return success(_progress(files.uploaded(account.id, body.get("file_id"))))


def _issue() -> dict[str, Any]:
    state, account, body = current_state(), logged_in(), _body()
    name, kind, size = body.get("filename"), body.get("filetype"), body.get("filesize")
    if isinstance(size, str) and size.isdigit():
        size = int(size)
    if not isinstance(name, str) or not name or "/" in name or kind not in SIZE_LIMITS:
        raise bad_request("Invalid file information!")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= SIZE_LIMITS[kind]:
        raise bad_request("Invalid file information! The size is not allowed.")
    now = state.now()
    file = state.files.issue(account, name, kind, now)
    return {
        "access_key_id": file.key_id,
        "access_key_secret": file.secret,
        "security_token": file.token,
        "file_url": state.files.signed_address(file, now),
        "file_path": file.path,
        "file_id": file.id,
        "bucketname": BUCKET,
        "region": f"oss-{REGION}",
        # with its scheme, because our store has no host named after the bucket
        "endpoint": state.files.origin,
    }


def _progress(file: StoredFile) -> dict[str, Any]:
    if file.parse_status in ("pending", "running"):
        if file.polls_left > 0:
            file.polls_left -= 1
            file.parse_status = "running"
        else:
            file.parse_status = current_state().switches.parse_outcome
    return {"file_id": file.id, "status": file.parse_status or "pending"}


def _body() -> dict[str, Any]:
    return g.body if isinstance(g.body, dict) else {}
