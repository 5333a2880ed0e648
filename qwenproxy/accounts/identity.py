"""An account's identity as a value: its login with cookies and storage, in `state.json` beside the profile.

Read when a browser opens: one without the account's cookies starts with it. Written when a login is new, renewed or
read from its page. The form is Playwright's storage state, and the token. Knows no browser and no site.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from qwenproxy.browser.page_login import Login, Storage
from qwenproxy.browser.tokens import is_fresher, token_user
from qwenproxy.disk import files
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.disk.locks import PathLock
from qwenproxy.errors import StorageError

log = logging.getLogger(__name__)

SIZE_LIMIT = 8_000_000  # bytes; we write much less


def read(folder: AccountFolder, token: str) -> Login:
    """Return the login on file for an account with this token; the token alone if it is of no use. Never raises.

    The token on file counts if it is the newer one. Cookies and storage of an older token of the same person come as
    `outdated`. A file that cannot be read is set aside.
    """
    login = _read(folder)
    if login.token == token or is_fresher(login.token, token):
        return login
    if token_user(login.token) and token_user(login.token) == token_user(token):
        return Login(token, login.cookies, login.storage, outdated=True)
    return Login(token)


def exists(folder: AccountFolder) -> bool:
    """Return True if there is a login with cookies on file, from which a browser without a profile can renew it."""
    return bool(_read(folder).cookies)


def write(folder: AccountFolder, login: Login) -> None:
    """Keep a login in place of the last one, unless it is the same or lacks the cookies. Raises StorageError."""
    if not login.cookies:
        return  # the older cookies are of more use than none
    data = files.format_json(to_json(login))
    with PathLock(folder.login):
        if files.read_bytes(folder.login) != data:
            files.sweep(folder.path, folder.login.name)
            files.write_atomic(folder.login, data)


def bring(source: AccountFolder, target: AccountFolder) -> bool:
    """Copy the login on file to another account's folder, unless there is one; tell whether there is one now.

    The source stays as it is, whatever it holds. Raises StorageError.
    """
    if exists(target):
        return True
    try:
        login = parse(files.parse_json(files.read_bytes(source.login) or b"{}"))
    except ValueError:
        log.warning("account=%s its %s cannot be read and is not taken over", source.id, source.login.name)
        return False
    if login.cookies:
        files.ensure_folder(target.path)
        write(target, login)
    return bool(login.cookies)


def to_json(login: Login) -> dict[str, Any]:
    """Return a login in the form of the file."""
    storage = [{"name": name, "value": value} for name, value in login.storage.items]
    origins = [{"origin": login.storage.origin, "localStorage": storage}] if login.storage.origin else []
    return {"token": login.token, "cookies": list(login.cookies), "origins": origins}


def parse(content: object) -> Login:
    """Read what `to_json` returned, or an earlier version's file without storage. Raises ValueError."""
    if not isinstance(content, Mapping):
        raise ValueError("no login")
    token, cookies, origins = content.get("token", ""), content.get("cookies", []), content.get("origins", [])
    if not isinstance(token, str):
        raise ValueError("the token is no text")
    if not isinstance(cookies, list) or not all(_is_cookie(cookie) for cookie in cookies):
        raise ValueError("a cookie has no name, value or domain")
    if not isinstance(origins, list) or not all(isinstance(origin, Mapping) for origin in origins):
        raise ValueError("the storage is no list")
    return Login(token, tuple(cookies), _storage(origins[0]) if origins else Storage())


def _read(folder: AccountFolder) -> Login:
    try:
        data = files.read_bytes(folder.login)
        if data is None:
            return Login()
        if len(data) > SIZE_LIMIT:
            raise ValueError("it is too big")
        return parse(files.parse_json(data))
    except ValueError as error:
        _set_aside(folder, str(error))
    except StorageError as error:
        log.warning("account=%s its %s cannot be read: %s", folder.id, folder.login.name, error.message)
    return Login()


def _set_aside(folder: AccountFolder, reason: str) -> None:
    try:
        files.set_aside(folder.login, reason)
    except StorageError as error:
        log.warning("account=%s its %s stays as it is: %s", folder.id, folder.login.name, error.message)


def _storage(origin: Mapping[str, Any]) -> Storage:
    entries = origin.get("localStorage", [])
    if not isinstance(origin.get("origin"), str) or not isinstance(entries, list):
        raise ValueError("a storage has no origin")
    return Storage(origin["origin"], tuple(_item(entry) for entry in entries))


def _item(entry: object) -> tuple[str, str]:
    name, value = (entry.get("name"), entry.get("value")) if isinstance(entry, Mapping) else (None, None)
    if not isinstance(name, str) or not isinstance(value, str):
        raise ValueError("an entry of the storage has no name or value")
    return name, value


def _is_cookie(cookie: Any) -> bool:
    return isinstance(cookie, dict) and all(isinstance(cookie.get(key), str) for key in ("name", "value", "domain"))
