"""Write a file's bytes to the site's object store (protocol 7.2): a plain PUT with the vendor's signature.

The only request to the site's side that Python makes itself, so it takes the account's proxy as the browser does.
Knows credentials, bytes and ways out; nothing else of accounts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import urlsplit

import requests
from requests import PreparedRequest

from qwenproxy.browser.way_out import WayOut
from qwenproxy.errors import NetworkFailed, SiteFailure
from qwenproxy.upstream.files import UploadCredentials

CONNECT_TIMEOUT = 10.0  # seconds
ANSWER_TIMEOUT = 60.0  # seconds of silence during the upload and before the answer


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """The store as accounts reach it; `way_of` returns an account's way out, None if it has none."""

    way_of: Callable[[str], WayOut | None] = lambda account_id: None

    def put(self, credentials: UploadCredentials, content_type: str, data: bytes, account_id: str) -> None:
        """Store the bytes for an account. Raises NetworkFailed, SiteFailure, SetupError (its proxy fails)."""
        way = self.way_of(account_id)
        if way is None:
            put(credentials, content_type, data)
            return
        host = urlsplit(credentials.object_url).hostname or ""
        way.carry(host, lambda proxy: put(credentials, content_type, data, proxy))


def through(proxy: str) -> dict[str, str]:
    """Return what `requests` calls `proxies`, for one proxy or ("") none."""
    # Plain HTTP is for stand-ins on this machine; a proxy of the environment cannot reach them.
    return {"http": proxy, "https": proxy} if proxy else {"http": ""}


def put(credentials: UploadCredentials, content_type: str, data: bytes, proxy: str = "") -> None:
    """Store the bytes through a proxy; "" for none. Raises NetworkFailed, SiteFailure."""

    def sign(request: PreparedRequest) -> PreparedRequest:
        request.headers.update(signed_headers(credentials, content_type, datetime.now(timezone.utc)))
        return request

    try:
        answer = requests.put(
            credentials.object_url,
            data=data,
            # Sign by `auth`, so that no entry of a .netrc replaces it.
            auth=sign,
            proxies=through(proxy),
            timeout=(CONNECT_TIMEOUT, ANSWER_TIMEOUT),
            allow_redirects=False,
        )
    except requests.RequestException as error:
        # Name only the kind of error, because its text quotes addresses.
        raise NetworkFailed(
            f"The file store cannot be reached ({type(error).__name__}). Try again in a moment."
        ) from None
    if answer.status_code != 200:
        code = re.search(r"<Code>(\w{1,60})</Code>", answer.text[:4000])
        hint = " Set this machine's clock." if code and code[1] == "RequestTimeTooSkewed" else ""
        raise SiteFailure(f"The file store refused the file ({code[1] if code else answer.status_code}).{hint}")


def signed_headers(credentials: UploadCredentials, content_type: str, now: datetime) -> dict[str, str]:
    """Return the headers of a PUT, signed with version 4 at the moment `now`."""
    # Import late: it takes a fifth of a second and several megabytes, and many servers never upload.
    from alibabacloud_oss_v2.signer import SignerV4  # noqa: PLC0415
    from alibabacloud_oss_v2.types import Credentials, HttpRequest, SigningContext  # noqa: PLC0415

    request = HttpRequest("PUT", credentials.object_url, headers={"content-type": content_type})
    context = SigningContext(
        product="oss",
        region=credentials.region,
        bucket=credentials.bucket,
        key=credentials.file_path,
        request=request,
        credentials=Credentials(credentials.access_key_id, credentials.access_key_secret, credentials.security_token),
        signing_time=now,
    )
    SignerV4().sign(context)
    return dict(request.headers)
