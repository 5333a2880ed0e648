"""TOML, with its comments and layout kept. The only room that knows tomlkit. Pure."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

import tomlkit
from tomlkit.exceptions import TOMLKitError

from qwenproxy.connect.formats.unreadable import Unreadable
from qwenproxy.connect.program import Default, Entries, plain


def merge(text: str, changes: Mapping[str, object] | Entries) -> str:
    """Return the text with the changes in it. Raises Unreadable."""
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise Unreadable.at(getattr(error, "line", 1)) from error
    if isinstance(changes, Entries):
        raise Unreadable.kind(changes.key)
    _change(document, changes)
    return tomlkit.dumps(document)


def _change(table: MutableMapping[str, object], changes: Mapping[str, object]) -> None:
    for name, value in changes.items():
        old = table.get(name)
        if isinstance(value, Default) and old is not None:
            continue
        if not isinstance(value, Mapping):
            if old != plain(value):
                table[name] = plain(value)
        elif old is None:
            table[name] = _table(value)
        elif isinstance(old, MutableMapping):
            _change(old, value)
        else:
            raise Unreadable.kind(name)


def _table(values: Mapping[str, object]) -> tomlkit.items.Table:
    """Return a new table; one that holds only tables gets no heading of its own."""
    table = tomlkit.table(is_super_table=all(isinstance(value, Mapping) for value in values.values()))
    for name, value in values.items():
        table[name] = _table(value) if isinstance(value, Mapping) else plain(value)
    return table
