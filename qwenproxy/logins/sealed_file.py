"""A file that only a passphrase opens: what `account export` writes and `account import` reads.

The age format does the encryption. One line stands before it, so that a file of another kind, a newer one and a damaged
one are known as such before anybody is asked for a passphrase. Knows nothing of what is inside.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

import pyrage

from qwenproxy.disk import files
from qwenproxy.errors import SetupError
from qwenproxy.texts import Phrase

VERSION = 1
SIZE_LIMIT = 32_000_000  # bytes
_HEAD = re.compile(rb"qwenproxy-account (\d{1,9}) ([0-9a-f]{64})\n")


def seal(data: bytes, passphrase: str) -> bytes:
    """Return the content of a file with `data` inside. Takes about a second, on purpose."""
    sealed = pyrage.passphrase.encrypt(data, _one_form(passphrase))
    return f"qwenproxy-account {VERSION} {hashlib.sha256(sealed).hexdigest()}\n".encode() + sealed


def read(path: Path) -> bytes:
    """Return what is sealed in a file, still closed. Raises SetupError for what `seal` never made."""
    data = _content(path)
    head = _HEAD.match(data)
    if head is None:
        raise SetupError(Phrase("sealed_foreign", path=path))
    if int(head[1]) > VERSION:
        raise SetupError(Phrase("sealed_newer", path=path))
    sealed = data[head.end() :]
    if hashlib.sha256(sealed).hexdigest().encode() != head[2]:
        raise SetupError(Phrase("sealed_damaged", path=path))
    return sealed


def unseal(sealed: bytes, passphrase: str) -> bytes:
    """Return what is inside. Takes about a second. Raises SetupError for another passphrase."""
    # Files of earlier versions have the passphrase as it was typed.
    forms = dict.fromkeys((_one_form(passphrase), passphrase, unicodedata.normalize("NFD", passphrase)))
    for form in forms:
        try:
            return pyrage.passphrase.decrypt(sealed, form)
        except pyrage.DecryptError as error:
            reason = str(error)
    # The file is as it was written, so it can only be this; the library's reason is for a case nobody thought of.
    raise SetupError(Phrase("sealed_refuses", reason=reason))


def _one_form(passphrase: str) -> str:
    """Return a passphrase as every keyboard and system gives it: some write an accent as a character of its own."""
    return unicodedata.normalize("NFC", passphrase)


def _content(path: Path) -> bytes:
    if files.size_of(path) > SIZE_LIMIT:
        raise SetupError(Phrase("sealed_foreign", path=path))
    return files.read_bytes(path) or b""
