"""What survives a damaged or missing tokens.json: its good records, and the tokens in the accounts' folders.

The registry asks for it when it has to; this changes nothing on the disk.
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
    """Return the records, with blank tokens filled from their accounts' folders. Raises StorageError."""
    if all(record["token"].strip() for record in records):
        return records
    tokens = tokens_in(session)
    return [one if one["token"].strip() else {**one, "token": tokens.get(one["id"], "")} for one in records]


def salvaged(data: bytes, tokens: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the good records of a damaged tokens.json, then new ones for the accounts that only `tokens` knows.

    A record without a token gets its own from `tokens`, which also decides gap two records with the same id.
    """
    best: dict[str, dict[str, Any]] = {}
    for entry in _entries(data):
        if not isinstance(entry, dict) or not files.valid_id(entry.get("id")):
            continue
        account_id = entry["id"]
        own_token = entry.get("token")
        if isinstance(own_token, str) and own_token.strip():
            record = entry
        else:
            record = {**entry, "token": tokens.get(account_id, "" if isinstance(own_token, str) else None)}
        is_confirmed = record["token"] == tokens.get(account_id)
        is_better = account_id not in best or is_confirmed or not best[account_id]["token"].strip()
        if record["token"] is not None and is_better:
            best[account_id] = record
    return [*best.values(), *(new_record(one, token) for one, token in tokens.items() if one not in best)]


def _entries(data: bytes) -> list[Any]:
    try:
        document = files.parse_json(data)
    except ValueError:
        return list(_leading_entries(data.decode("utf-8", "replace")))
    return document if isinstance(document, list) else [document]


def _leading_entries(text: str) -> Iterator[Any]:
    """Yield the whole entries of a list that breaks off, or is damaged further on."""
    decoder = json.JSONDecoder()
    position = text.find("[") + 1
    while gap := _BETWEEN.match(text, position):
        try:
            entry, position = decoder.raw_decode(text, gap.end())
        except (ValueError, RecursionError):
            return
        yield entry
