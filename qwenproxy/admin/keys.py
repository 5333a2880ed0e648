"""/admin/api/keys: the API keys of clients; a key is shown whole only when it is made."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from qwenproxy.access.keys import KeyFile, mask
from qwenproxy.admin.office import office
from qwenproxy.api.auth import client_of
from qwenproxy.api.errors import json_response
from qwenproxy.errors import NotFound
from qwenproxy.observe.journal import CLIENT_LENGTH


def blueprint() -> Blueprint:
    """Return the routes of the keys."""
    routes = Blueprint("admin-keys", __name__)
    routes.add_url_rule("/admin/api/keys", view_func=list_keys)
    routes.add_url_rule("/admin/api/keys", view_func=add_key, methods=["POST"], endpoint="add")
    routes.add_url_rule("/admin/api/keys/<name>", view_func=remove_key, methods=["DELETE"])
    return routes


def list_keys() -> ResponseReturnValue:
    """Answer GET /admin/api/keys: each key by its name, which stands in the list of requests, too."""
    keys = office().client_keys.keys()
    return json_response({"keys": [{"name": _name(key), "masked": mask(key)} for key in keys]})


def add_key() -> ResponseReturnValue:
    """Answer POST /admin/api/keys: make a random key. From the first one on every client needs a key."""
    key = office().client_keys.add()
    return json_response({"name": _name(key), "key": key}, 201)


def remove_key(name: str) -> ResponseReturnValue:
    """Answer DELETE /admin/api/keys/NAME."""
    file = office().client_keys
    if not file.remove(key_named(file, name)):
        raise _no_such_key()
    return json_response({"name": name, "removed": True})


def key_named(file: KeyFile, name: str) -> str:
    """Return the key that the list shows by this name. Raises NotFound."""
    keys = {_name(key): key for key in tuple(file.keys())}
    if name not in keys:
        raise _no_such_key()
    return keys[name]


def _no_such_key() -> NotFound:
    return NotFound("There is no such key.")


def _name(key: str) -> str:
    return client_of(key)[:CLIENT_LENGTH]
