"""An account's login as a file beside its profile: a killed browser may not have written it into the profile.

Written whenever the page renewed the login, read when a browser opens; `state.json` in the account's folder. The
profile wins while it has the newest token. Knows no browser and no site.
"""

from __future__ import annotations

import logging
from typing import Any

from qwenproxy.browser.page_login import Login
from qwenproxy.disk import files
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import StorageError

log = logging.getLogger(__name__)


def read(folder: AccountFolder, token: str) -> Login:
    """Return the login that belongs to a token: with its cookies if they are on file, else the token alone."""
    try:
        data = files.read_bytes(folder.login)
        content: Any = files.parse_json(data) if data else {}
    except (StorageError, ValueError) as error:
        log.warning("account=%s its %s cannot be read: %s", folder.id, folder.login.name, type(error).__name__)
        return Login(token)
    cookies = content.get("cookies") if isinstance(content, dict) and content.get("token") == token else None
    if not isinstance(cookies, list) or not all(_is_cookie(cookie) for cookie in cookies):
        return Login(token)
    return Login(token, tuple(cookies))


def write(folder: AccountFolder, login: Login) -> None:
    """Keep a login in place of the last one, cookies included. Raises StorageError."""
    content = {"token": login.token, "cookies": list(login.cookies)}
    files.write_atomic(folder.login, files.format_json(content))


def _is_cookie(cookie: Any) -> bool:
    return isinstance(cookie, dict) and all(isinstance(cookie.get(key), str) for key in ("name", "value", "domain"))
