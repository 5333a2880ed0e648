"""Check the client's key and the Host header before any route runs (contract 4)."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import re
from collections.abc import Iterable
from typing import cast

from flask import Flask, current_app, g, request

from qwenproxy.access.admin import ADMIN, AdminKeys
from qwenproxy.access.door import Door, Scope
from qwenproxy.errors import ForbiddenHost, InvalidApiKey, SetupError

log = logging.getLogger(__name__)

DOOR = "qwenproxy.door"
LOGIN_ROUTE = "/admin/api/login"
SESSION_ROUTE = "/admin/api/session"  # says to anybody only whether there is a login
# Ollama's clients look for their server at its root, and Anthropic's with HEAD, before they send a key. Neither answer
# shows more than that a server is here.
OPEN_ROUTES = ("/health", "/ollama", "/ui", LOGIN_ROUTE, SESSION_ROUTE)
PROBES = ("/", "/api/hello")
OPEN_FOLDER = "/ui/"  # the dashboard's own files, which hold no secret
ADMIN_ROUTES = re.compile(r"/(?:admin(?=/|$)|metrics$)")
ADMIN_KEYS = "qwenproxy.admin_keys"
COOKIE = "qwenproxy-admin"
PAGE_HEADER = "x-qwenproxy-page"
READING_METHODS = ("GET", "HEAD", "OPTIONS")
SOCKET_ROUTE = "/api/ws"

# Google's own examples send the key in the query; no log holds that.
_KEY_IN_QUERY = re.compile(r"/(?:api/)?(?:upload/)?v1(?:(?:beta|alpha)(?=/|$)|/models(?=/|$))")
KEY_HEADERS = ("Authorization", "x-api-key", "api-key", "x-goog-api-key")

_QUOTES = " \t\"'`"
_SCHEME = re.compile(r"(?:bearer\s+|[\s\"'`])+", re.IGNORECASE)


def register_auth(app: Flask, door: Door, admin_keys: AdminKeys | None, *, loopback_only: bool) -> None:
    """Check every request; `loopback_only` refuses Host headers that name another machine (DNS rebinding).

    `admin_keys` None: there is no dashboard, and its addresses are like any other.
    """
    app.extensions[DOOR] = door
    app.extensions[ADMIN_KEYS] = admin_keys

    @app.before_request
    def check_request() -> None:
        if loopback_only and not (is_loopback_host(request.headers.get("Host", "")) or _has_no_host()):
            raise ForbiddenHost(
                "This server only answers to localhost. Set QWENPROXY_HOST to open it to other machines."
            )
        if _is_open() or _key_comes_later():
            return
        keys = request_keys()
        if not keys and admin_keys and (cookie := page_cookie()):
            _check_page(admin_keys, cookie)
            keys = (admin_keys.first(),)
        is_admins = admin_keys is not None and ADMIN_ROUTES.match(request.path)
        g.client = let_in(keys, "admin" if is_admins else "client")


def cookie_name() -> str:
    """Return the name of the dashboard's cookie: browsers share cookies among the ports of a machine."""
    return f"{COOKIE}-{request.host.rpartition(':')[2] if ':' in request.host else 80}"


def page_cookie() -> str:
    """Return the cookie of our own page if the request has one that holds, "" for none. Raises InvalidApiKey."""
    keys = cast("AdminKeys | None", current_app.extensions[ADMIN_KEYS])
    cookie = request.cookies.get(cookie_name(), "")
    try:
        return cookie if keys and keys.accepts_cookie(cookie) else ""
    except SetupError as error:
        raise _unreadable_keys(error) from None


def _check_page(keys: AdminKeys, cookie: str) -> None:
    """Raise ForbiddenHost if something is to be changed with the cookie alone, as a foreign page could make it.

    Reading needs no token: no foreign page gets our answers. A WebSocket it would get, so its origin has to be ours.
    """
    if "Upgrade" in request.headers:
        allowed = is_own_origin(request.headers.get("Origin", ""))
    else:
        token = request.headers.get(PAGE_HEADER, "")
        allowed = request.method in READING_METHODS or keys.accepts_page(cookie, token)
    if not allowed:
        raise ForbiddenHost(
            f"This request came with the dashboard's cookie, but not from its page: send the header {PAGE_HEADER} with "
            "the page's token, or the admin key as Authorization: Bearer."
        )


def is_own_origin(origin: str) -> bool:
    """Tell whether an Origin header names the address that was asked: the page is one of ours."""
    # Not the scheme: a server before us may speak https in our place.
    return origin.lower().partition("://")[2] == request.host.lower()


def client_name() -> str:
    """Return what stands for the key of the current request: ADMIN for the admin's, "" where it needed none."""
    return str(g.get("client", ""))


def client_of(key: str) -> str:
    """Return what stands for a client with this key, "" for none; the key cannot be read from it."""
    return hashlib.sha256(f"qwenproxy client {key}".encode("utf-8", "surrogatepass")).hexdigest() if key else ""


def let_in(keys: Iterable[str], scope: Scope = "client") -> str:
    """Return what stands for the one of the keys that opens the scope, as `client_name`. Raises InvalidApiKey."""
    door = cast(Door, current_app.extensions[DOOR])
    try:
        key, is_admins = door.check(keys, scope)
    except SetupError as error:
        raise _unreadable_keys(error) from None
    return ADMIN if is_admins else client_of(key)


def _unreadable_keys(error: SetupError) -> InvalidApiKey:
    # Log the text and do not send it: it names a folder of this machine.
    log.error("every client is refused: %s", error.message)
    return InvalidApiKey("The proxy cannot read its keys, so it refuses everybody. Its log says why.")


def request_keys() -> tuple[str, ...]:
    """Return the keys that the request may hold: in its headers, and where Gemini's clients ask in its query."""
    header = request.headers.get("Authorization", "").strip()
    scheme, _, key = (header.strip(_QUOTES) if header[:1] in _QUOTES else header).partition(" ")
    texts = [key] if scheme.lower() == "bearer" else []
    texts += [request.headers.get(name, "") for name in KEY_HEADERS[1:]]
    if _KEY_IN_QUERY.match(request.path):
        texts.append(request.args.get("key", ""))
    return tuple(dict.fromkeys(key for text in texts for key in keys_in(text)))


def keys_in(text: str) -> tuple[str, ...]:
    """Return the keys that a text may hold: people paste a key with quotes, or with a second `Bearer`."""
    whole = text.strip()
    bare = _SCHEME.sub("", whole).strip(_QUOTES)
    keys = [each for each in dict.fromkeys((whole, bare)) if each]
    return tuple(dict.fromkeys([*keys, *(_as_utf8(each) for each in keys)]))


def _as_utf8(text: str) -> str:
    """Return a header's text read as UTF-8, because servers read its bytes as latin-1."""
    try:
        return text.encode("latin-1").decode()
    except ValueError:
        return text


def is_loopback_host(host: str) -> bool:
    """Tell whether a Host header names this machine by a loopback name or address."""
    parts = re.fullmatch(r"\[([^\]]+)\](?::\d+)?|([^:]+)(?::\d+)?", host)
    if parts is None:
        return False
    name = (parts[1] or parts[2]).lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _has_no_host() -> bool:
    """Tell whether an old program asks: only HTTP/1.0 may omit Host, and no browser speaks that."""
    return request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0" and "Host" not in request.headers


def is_probe() -> bool:
    """Tell whether the current request asks only whether a server is here."""
    return request.method == "HEAD" and request.path in PROBES


def _is_open() -> bool:
    is_open = request.path in OPEN_ROUTES or request.path.startswith(OPEN_FOLDER)
    return is_open or request.method == "OPTIONS" or is_probe()


def _key_comes_later() -> bool:
    """Tell whether this opens a WebSocket without a key header: web pages send the key in the first message."""
    opens_socket = request.path == SOCKET_ROUTE and request.headers.get("Upgrade", "").lower() == "websocket"
    return opens_socket and not any(name in request.headers for name in KEY_HEADERS)
