"""The object store: an origin of its own that takes and gives files for a signature (protocol 7.2).

The works that the site made lie here, too, each behind a key in its address.
Plain HTTP, because the clients that write to it are no browsers with a pinned key. Refuses in XML, as the vendor does.
"""

from __future__ import annotations

import hmac
import time
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from xml.sax.saxutils import escape

from quart import Quart, Response, request

from qwenproxy.sandbox.faults import answers as fault_answers
from qwenproxy.sandbox.files.file import BUCKET, LIFETIME_S, REGION, StoredFile
from qwenproxy.sandbox.files.signatures import ALGORITHM, Signable, v1_signature, v4_signature
from qwenproxy.sandbox.media.gallery import Work
from qwenproxy.sandbox.state import SiteState, current_state

_CLOCK_SKEW_S = 900
_MAX_BYTES = 600 * 1024 * 1024
_DEAD = "<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"


class StoreError(Exception):
    """A refusal, with the vendor's code for it."""

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status


def create_store(state: SiteState) -> Quart:
    """Return the store over this state's files."""
    app = Quart("qwenproxy.sandbox.store", static_folder=None)
    app.extensions["sandbox"] = state
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BYTES
    app.register_error_handler(StoreError, _refused)
    app.after_request(_let_pages_in)
    app.add_url_rule("/<path:path>", view_func=_preflight, methods=["OPTIONS"], provide_automatic_options=False)
    app.add_url_rule("/<path:path>", view_func=_put, methods=["PUT"], provide_automatic_options=False)
    app.add_url_rule("/<path:path>", view_func=_get, methods=["GET", "HEAD"], provide_automatic_options=False)
    return app


async def _preflight(path: str) -> Response:
    return Response(b"", 200)


async def _put(path: str) -> Response:
    data = await request.get_data(cache=True, as_text=False, parse_form_data=False)
    state = current_state()
    file = _writable(state, _object_path(path))
    fault = state.faults.take(f"/{file.path}", file.account_id)
    if fault is not None:
        answer = await fault_answers.answer(fault, file.account_id)
        if answer is not None:
            return answer
    file.data = data
    file.content_type = request.headers.get("content-type", "")
    file.put_headers = _headers()
    return Response(b"", 200, headers={"etag": f'"{uuid.uuid4().hex.upper()}"'})


async def _get(path: str) -> Response:
    state = current_state()
    work = state.gallery.find(path)
    if work is not None:
        return _work(work)
    file = state.files.by_path(_object_path(path))
    if file is None or not state.files.may_read(file, dict(request.args), state.now()):
        raise StoreError("AccessDenied", "Request has expired or is not signed for this object.")
    if file.data is None:
        raise StoreError("NoSuchKey", "The specified key does not exist.", 404)
    return Response(file.data, 200, content_type=file.content_type or "application/octet-stream")


def _work(work: Work) -> Response:
    if not hmac.compare_digest(request.args.get("key", ""), work.key):
        raise StoreError("AccessDenied", "The key is invalid.")
    if work.dead:
        return Response(_DEAD, 404, content_type="text/html")
    return Response(work.data, 200, content_type=work.content_type)


def _object_path(path: str) -> str:
    """Return the object's path without the bucket, which stands before it in path-style addresses."""
    return path.removeprefix(f"{BUCKET}/")


def _writable(state: SiteState, path: str) -> StoredFile:
    """Return the file that this request may write. Raises StoreError."""
    headers = _headers()
    authorization = headers.get("authorization", "")
    now = state.now()
    if authorization.startswith(f"{ALGORITHM} "):
        file = _signed_v4(state, path, authorization)
    elif authorization.startswith("OSS "):
        file = _signed_v1(state, path, authorization)
    elif request.args:
        raise StoreError("SignatureDoesNotMatch", "The address was signed for another method.")
    else:
        raise StoreError("AccessDenied", "Anonymous access is forbidden for this operation.")
    if not hmac.compare_digest(headers.get("x-oss-security-token", ""), file.token):
        raise StoreError("InvalidSecurityToken", "The security token you provided is invalid.")
    if now >= file.issued_at + LIFETIME_S:
        raise StoreError("SecurityTokenExpired", "The security token you provided has expired.")
    if file.path != path:
        raise StoreError("AccessDenied", "You have no right to access this object.")
    return file


def _signed_v4(state: SiteState, path: str, authorization: str) -> StoredFile:
    fields = dict(part.partition("=")[::2] for part in authorization.removeprefix(f"{ALGORITHM} ").split(","))
    key_id, *scope = fields.get("Credential", "").split("/")
    date = _headers().get("x-oss-date", "")
    file = _owner_of_key(state, key_id)
    _check_time(_moment(date))
    if scope != [date[:8], REGION, "oss", "aliyun_v4_request"]:
        raise StoreError("InvalidArgument", "The credential scope is wrong.", 400)
    own = v4_signature(Signable("PUT", BUCKET, path, _headers(), dict(request.args)), file.secret, REGION, date)
    _compare(own, fields.get("Signature", ""))
    return file


def _signed_v1(state: SiteState, path: str, authorization: str) -> StoredFile:
    key_id, _, signature = authorization.removeprefix("OSS ").partition(":")
    file = _owner_of_key(state, key_id)
    headers = _headers()
    try:
        moment = parsedate_to_datetime(headers.get("x-oss-date") or headers.get("date", "")).timestamp()
    except ValueError:
        raise StoreError("AccessDenied", "The request carries no valid Date.") from None
    _check_time(moment)
    _compare(v1_signature(Signable("PUT", BUCKET, path, headers), file.secret), signature)
    return file


def _owner_of_key(state: SiteState, key_id: str) -> StoredFile:
    file = state.files.by_key(key_id)
    if file is None:
        raise StoreError("InvalidAccessKeyId", "The access key id does not exist in our records.")
    return file


def _moment(date: str) -> float:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise StoreError("AccessDenied", "The request carries no valid x-oss-date.") from None


def _check_time(moment: float) -> None:
    # by this machine's clock, because clients sign by theirs and the site's may be days ahead
    if abs(moment - time.time()) > _CLOCK_SKEW_S:
        raise StoreError("RequestTimeTooSkewed", "The request's time and the server's are too far apart.")


def _compare(own: str, signature: str) -> None:
    if not hmac.compare_digest(own.encode(), signature.encode("utf-8", "replace")):
        raise StoreError("SignatureDoesNotMatch", "The signature we calculated does not match the one you provided.")


def _headers() -> Mapping[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


async def _refused(error: StoreError) -> Response:
    fields = {
        "Code": error.code,
        "Message": error.message,
        "RequestId": uuid.uuid4().hex.upper()[:24],
        "HostId": request.host,
    }
    lines = "".join(f"  <{name}>{escape(text)}</{name}>\n" for name, text in fields.items())
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n{lines}</Error>\n'
    return Response(body, error.status, content_type="application/xml")


async def _let_pages_in(response: Response) -> Response:
    if request.headers.get("origin"):
        response.headers["access-control-allow-origin"] = "*"
        response.headers["access-control-expose-headers"] = "ETag, x-oss-request-id"
    if request.method == "OPTIONS":
        response.headers["access-control-allow-methods"] = "GET, HEAD, PUT"
        response.headers["access-control-max-age"] = "0"
        names = request.headers.get("access-control-request-headers", "")
        names_to_allow = [name for name in map(str.strip, names.lower().split(",")) if _page_may_send(name)]
        response.headers["access-control-allow-headers"] = ", ".join(names_to_allow)
    return response


def _page_may_send(header: str) -> bool:
    return header in ("authorization", "content-type") or header.startswith("x-oss-")
