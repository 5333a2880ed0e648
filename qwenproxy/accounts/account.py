"""One account as a value, and its record in tokens.json (contract 3 and 5; protocol 1.3).

registry.py keeps records on the disk; everybody else sees Account. No input or output here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from typing import Any, Literal, TypeGuard

from qwenproxy.browser.tokens import token_claims, token_expiry, token_user
from qwenproxy.disk.files import parse_json, valid_id
from qwenproxy.errors import SetupError
from qwenproxy.texts import Phrase

Status = Literal["OK", "WAIT", "INVALID"]


class UserKnown(SetupError):
    """The person behind a login has an account here already: `account_id`."""

    def __init__(self, account_id: str) -> None:
        """Name the account that the person has."""
        super().__init__(Phrase("user_known", id=account_id))
        self.account_id = account_id


class OtherUser(SetupError):
    """A login belongs to another person than the account; `other` is that person's account, if any."""

    def __init__(self, account_id: str, other: str | None) -> None:
        """Name the account, and the one of the login's person."""
        phrase = Phrase("other_user_known", id=account_id, other=other)
        super().__init__(phrase if other else Phrase("other_user", id=account_id))
        self.other = other


# A JWT begins with eyJ, so none of these words can be the start of one.
_TOKEN_HEAD = re.compile(r"""\A(?:authorization|bearer|token|cookie|[:="'`{,;])+""", re.IGNORECASE)
_TOKEN_TAIL = re.compile(r"""["'`;,}].*""", re.DOTALL)
_LATEST = datetime(9999, 12, 31, tzinfo=timezone.utc).timestamp()


@dataclass(frozen=True)
class Account:
    """An account as the disk knows it. `reset_at` is in s since 1970; `reason` says why it rests, `trouble` says
    it to a person.

    `renewable`: its profile holds a login, from which the page renews the token; otherwise there is only the token.
    """

    id: str
    token: str = field(repr=False)
    reset_at: float | None = None
    invalid: bool = False
    reason: str | None = None
    renewable: bool = False
    trouble: Phrase | None = None

    @cached_property
    def expires_at(self) -> float | None:
        """The end that the token names (s since 1970), None when it names none."""
        return token_expiry(self.token)

    @cached_property
    def user_id(self) -> str | None:
        """The user's id at the site, None if the token does not name it."""
        return token_user(self.token)

    def status(self, now: float) -> Status:
        """Return the account's status at a moment (s since 1970)."""
        is_expired = self.expires_at is not None and self.expires_at <= now
        if self.invalid or not self.token or (is_expired and not self.renewable):
            return "INVALID"
        return "WAIT" if self.reset_at is not None and self.reset_at > now else "OK"


def is_verify(account: Account, now: float) -> bool:
    """Tell whether the account rests because the site wants to see a human (`now` in s since 1970)."""
    return account.status(now) == "WAIT" and account.reason == "verification"


def needs_person(account: Account, now: float) -> bool:
    """Tell whether an account needs its person: INVALID or VERIFY (`now` in s since 1970)."""
    return account.status(now) == "INVALID" or is_verify(account, now)


def refuse_other_user(account: Account, user_id: str | None, accounts: Iterable[Account]) -> None:
    """Raise OtherUser if a login belongs to another person than the account."""
    if user_id and account.user_id and user_id != account.user_id:
        others = (one.id for one in accounts if one.user_id == user_id)
        raise OtherUser(account.id, next(others, None))


def refuse_taken_id(account_id: str, accounts: Iterable[Account]) -> None:
    """Raise SetupError unless a new account may have this id: before a window opens, or anything is written."""
    if not valid_id(account_id):
        raise SetupError(Phrase("bad_account_id"))
    for account in accounts:
        if account.id.casefold() == account_id.casefold():
            raise SetupError(Phrase("account_exists", id=account.id))


def is_token(text: str) -> bool:
    """Tell whether a text has the form of a login token, a JWT."""
    return token_claims(text) is not None


def clean_token(text: str) -> str:
    """Return the token in a text that a person copied somewhere.

    Drops blanks, line breaks, quotes, and what stands around the token: `Authorization: Bearer`, `token=`, the `;` of
    a cookie.
    """
    line = _TOKEN_HEAD.sub("", re.sub(r"[\s\ufeff\u200b]+", "", text))
    return _TOKEN_TAIL.sub("", line)


def check_token(token: str, now: float) -> str:
    """Return the token in a person's text. Raises SetupError unless it is a JWT that has not expired."""
    token = clean_token(token)
    if not is_token(token):
        raise SetupError(Phrase("no_token"))
    expires_at = token_expiry(token)
    if expires_at is not None and expires_at <= now:
        raise SetupError(Phrase("expired_token", moment=iso_text(expires_at)))
    return token


def new_record(account_id: str, token: str, *, renewable: bool | None = None) -> dict[str, Any]:
    """Return the record of a fresh account: the fields the older project wrote, and `renewable` if we know that."""
    record: dict[str, Any] = {"id": account_id, "token": token, "resetAt": None, "invalid": False}
    return record if renewable is None else {**record, "renewable": renewable}


def parse_records(data: bytes) -> list[dict[str, Any]]:
    """Read tokens.json, unknown fields included. Raises ValueError for JSON of another shape."""
    records = parse_json(data)
    if not isinstance(records, list):
        raise ValueError("not a list of accounts")
    ids = set()
    for record in records:
        if not isinstance(record, dict) or not valid_id(record.get("id")):
            raise ValueError("an entry is no account or has no usable id")
        if not isinstance(record.get("token"), str):
            raise ValueError("an account has no token")
        ids.add(record["id"])
    if len(ids) != len(records):
        raise ValueError("two accounts have the same id")
    return records


def parse_accounts(records: Iterable[Mapping[str, Any]]) -> dict[str, Account]:
    """Return the accounts of some records by id, in their order."""
    return {record["id"]: _account(record) for record in records}


def one_per_user(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the best record of each user, in their order: one that is not INVALID, then the one that lasts longest."""
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for record in records:
        user_id = token_user(record["token"])
        key = ("user", user_id) if user_id else ("account", record["id"])
        if key not in best or _promise(record) > _promise(best[key]):
            best.pop(key, None)
            best[key] = record
    return list(best.values())


def iso_text(moment: float) -> str:
    """Write a moment (s since 1970) as JavaScript's toISOString does."""
    date = datetime.fromtimestamp(min(max(moment, 0.0), _LATEST), timezone.utc)
    return date.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_texts(moments: Mapping[str, float]) -> dict[str, str]:
    """Write moments (s since 1970) as `iso_text` does, each by its name."""
    return {name: iso_text(moment) for name, moment in moments.items()}


def _promise(record: Mapping[str, Any]) -> tuple[bool, float]:
    return not record.get("invalid"), token_expiry(record["token"]) or math.inf


def _account(record: Mapping[str, Any]) -> Account:
    reason = record.get("reason")
    return Account(
        record["id"],
        record["token"].strip(),
        _moment(record.get("resetAt")),
        bool(record.get("invalid")),
        reason if isinstance(reason, str) else None,
        record.get("renewable") is True,
        Phrase.from_json(record.get("trouble")),
    )


def _moment(reset_at: object) -> float | None:
    """Read ISO-8601 text or ms; None for anything else, so that a damaged date does not stop an account."""
    if isinstance(reset_at, str):
        try:
            # Python 3.10 does not read the Z.
            date = datetime.fromisoformat(reset_at.replace("Z", "+00:00"))
        except ValueError:
            return None
        return (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp()
    return min(reset_at / 1000, _LATEST) if _is_number(reset_at) else None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf
