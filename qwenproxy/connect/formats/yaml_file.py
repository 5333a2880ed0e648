"""YAML, with its comments, order and quotes kept. The only room that knows ruamel.yaml. Pure."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, MutableMapping, MutableSequence

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.util import load_yaml_guess_indent

from qwenproxy.connect.formats.unreadable import Unreadable
from qwenproxy.connect.program import Default, Entries, plain


def merge(text: str, changes: Mapping[str, object] | Entries) -> str:
    """Return the text with the changes in it. Raises Unreadable."""
    yaml = _writer(text)
    document = _load(yaml, text)
    if document is None:
        # A file of comments alone is no document; they stay before the first one.
        comments = text if not text or text.endswith("\n") else f"{text}\n"
        return comments + _dump(yaml, plain(changes))
    old = plain(document)
    _change(document, changes, "")
    return text if plain(document) == old else _dump(yaml, document)


def _writer(text: str) -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # long lines stay whole
    yaml.explicit_start = bool(re.match(r"(?:[ \t]*(?:#[^\n]*)?\n)*---", text)) or None
    try:
        _, mapping, offset = load_yaml_guess_indent(text)
    except YAMLError:
        return yaml  # the fault is told when the text is loaded
    sequence = 2 + (offset or 0)
    yaml.indent(mapping=mapping or 2, sequence=sequence, offset=offset or 0)
    return yaml


def _load(yaml: YAML, text: str) -> object:
    try:
        return yaml.load(text)
    except MarkedYAMLError as error:
        raise Unreadable.at(error.problem_mark.line + 1 if error.problem_mark else 1) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise Unreadable.at(1) from error


def _dump(yaml: YAML, document: object) -> str:
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def _change(node: object, new: Mapping[str, object] | Entries, name: str) -> None:
    if isinstance(new, Entries):
        if not isinstance(node, MutableSequence):
            raise Unreadable.kind(name)
        _change_entries(node, new)
        return
    if not isinstance(node, MutableMapping):
        raise Unreadable.kind(name)
    for key, value in new.items():
        old = node.get(key)
        if isinstance(value, Default) and key in node:
            continue
        if isinstance(value, Mapping | Entries) and old is not None:
            _change(old, value, key)
        elif key not in node or plain(old) != plain(value):
            node[key] = plain(value)


def _change_entries(nodes: MutableSequence[object], new: Entries) -> None:
    for entry in new.entries:
        same = [node for node in nodes if isinstance(node, Mapping) and node.get(new.key) == entry[new.key]]
        if same:
            _change(same[0], entry, new.key)
        else:
            nodes.append(plain(entry))
