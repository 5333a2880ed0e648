"""What can be kept where tokens.json is damaged or missing: its good records, and the tokens in the accounts' folders.

Asked by the registry, which decides when; changes nothing on the disk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from qwenproxy.accounts.account import new_record
from qwenproxy.disk import files
from qwenproxy.disk.folder import SessionFolder

_BETWEEN = re.compile(r"[\s,]*")


def tokens_in(session: SessionFolder) -> dict[str, str]:
    """Return the tokens of the accounts' folders by account id. Raises SetupError."""
    tokens = {}
    for folder in session.account_folders():
        token = (files.read_bytes(folder.token) or b"").decode("utf-8", "replace").strip()
        if token and files.valid_id(folder.id):
            tokens[folder.id] = token
    return tokens


def completed(records: list[dict[str, Any]], session: SessionFolder) -> list[dict[str, Any]]:
    """Return the records, those with a blank token with the one of their account's folder. Raises StorageError."""
    if all(record["token"].strip() for record in records):
        return records
    tokens = tokens_in(session)
    return [one if one["token"].strip() else {**one, "token": tokens.get(one["id"], "")} for one in records]


def salvaged(data: bytes, tokens: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the good records of a damaged tokens.json, then new ones for the accounts that only `tokens` knows.

    A record without a token gets its own from `tokens`, which also tells the right one of two with the same id.
    """
    kept: dict[str, dict[str, Any]] = {}
    for entry in _entries(data):
        if not isinstance(entry, dict) or not files.valid_id(entry.get("id")):
            continue
        account_id = entry["id"]
        noted = entry.get("token")
        if isinstance(noted, str) and noted.strip():
            record = entry
        else:
            record = {**entry, "token": tokens.get(account_id, "" if isinstance(noted, str) else None)}
        confirmed = record["token"] == tokens.get(account_id)
        better = account_id not in kept or confirmed or not kept[account_id]["token"].strip()
        if record["token"] is not None and better:
            kept[account_id] = record
    return [*kept.values(), *(new_record(one, token) for one, token in tokens.items() if one not in kept)]


def _entries(data: bytes) -> list[Any]:
    try:
        found = files.parse_json(data)
    except ValueError:
        return list(_leading_entries(data.decode("utf-8", "replace")))
    return found if isinstance(found, list) else [found]


def _leading_entries(text: str) -> Iterator[Any]:
    """Yield the whole entries of a list that breaks off, or is damaged further on."""
    decoder = json.JSONDecoder()
    position = text.find("[") + 1
    while between := _BETWEEN.match(text, position):
        try:
            entry, position = decoder.raw_decode(text, between.end())
        except (ValueError, RecursionError):
            return
        yield entry
