"""An account as one value that can travel: its record, its identity, its proxy, but no browser profile.

`account export` packs one, `account import` takes one in. The account works where it arrives, because a browser without
a profile starts with the identity. Knows no passphrase and no file of the traveller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qwenproxy.accounts import identity
from qwenproxy.accounts.account import (
    Account,
    UserKnown,
    is_token,
    iso_text,
    needs_person,
    new_record,
    parse_accounts,
)
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.page_login import Login
from qwenproxy.browser.tokens import token_user
from qwenproxy.disk import files
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import SetupError
from qwenproxy.logins.removal import abandoned_on_failure, forget_profile, remove_account
from qwenproxy.texts import Phrase

PROXY_LIMIT = 10_000  # characters of an address


@dataclass(frozen=True, slots=True)
class Parcel:
    """What travels. `record` has the fields of tokens.json; `proxy` is an address, "" for none."""

    record: dict[str, Any] = field(repr=False)
    login: Login
    proxy: str = field(default="", repr=False)

    @property
    def id(self) -> str:
        """The account's id where it comes from."""
        return str(self.record["id"])


def pack(registry: Registry, account: Account) -> Parcel:
    """Return an account as a parcel. Raises SetupError if its page can renew its login, but none is kept beside it."""
    folder = registry.folder(account.id)
    login = identity.read(folder, account.token)
    if account.renewable and not login.cookies:
        raise SetupError(Phrase("parcel_without_login", id=account.id))
    record = new_record(account.id, login.token, renewable=bool(login.cookies) and account.renewable)
    record["invalid"] = account.invalid
    # What keeps a browser from starting here says nothing of another machine.
    if account.reset_at is not None and account.trouble is None:
        record.update(resetAt=iso_text(account.reset_at), reason=account.reason)
    return Parcel(record, login, (files.read_bytes(folder.proxy) or b"").decode("utf-8", "replace").strip())


def to_bytes(parcel: Parcel) -> bytes:
    """Return a parcel as bytes for `from_bytes`."""
    content = {
        "account": parcel.record,
        "userId": token_user(parcel.record["token"]),
        "identity": identity.to_json(parcel.login),
        "proxy": parcel.proxy or None,
    }
    return files.format_json(content)


def from_bytes(data: bytes) -> Parcel:
    """Read a parcel. Raises SetupError for anything else."""
    try:
        content = files.parse_json(data)
        if not isinstance(content, Mapping):
            raise ValueError("it is no object")
        proxy = content.get("proxy") or ""
        if not isinstance(proxy, str) or len(proxy) > PROXY_LIMIT or not proxy.isprintable():
            raise ValueError("its proxy is no address")
        return Parcel(_record(content.get("account")), identity.parse(content.get("identity", {})), proxy)
    except ValueError as error:
        raise SetupError(Phrase("parcel_unreadable", reason=error)) from error


def take_in(registry: Registry, parcel: Parcel) -> str:
    """Register the parcel's account and return its id, another one if its own is taken.

    Its folder is whole before its record is there, because a running server may use it at once.
    Raises UserKnown if its person has an account, SetupError; then nothing has changed.
    """
    if account := _same_person(registry, parcel):
        raise UserKnown(account.id)
    is_taken = any(account.id.casefold() == parcel.id.casefold() for account in registry.all())
    account_id = registry.new_id() if is_taken else parcel.id
    if not is_taken:
        remove_account(registry, account_id)  # an ended login may have left another person's profile there
    with abandoned_on_failure(registry, account_id):
        _fill(registry.folder(account_id), parcel)
        if not registry.adopt([{**parcel.record, "id": account_id}]):
            raise SetupError(Phrase("parcel_overtaken", id=account_id))
    return account_id


def renew(registry: Registry, parcel: Parcel, now: float) -> str | None:
    """Give the login to the account that its person has here, and return its id; None if the person has none.

    Only to one that needs its person (`now` in s since 1970), and a login that is not known to have ended. Chats,
    proxy and id stay. Raises SetupError.
    """
    account = _same_person(registry, parcel)
    if account is None:
        return None
    if not needs_person(account, now):
        raise SetupError(Phrase("parcel_not_needed", id=account.id))
    record = parcel.record
    if parse_accounts([record])[parcel.id].status(now) == "INVALID":
        raise SetupError(Phrase("parcel_ended", id=account.id))
    folder = registry.folder(account.id)
    forget_profile(folder)  # its cookies are those of the login that ended
    identity.write(folder, parcel.login)
    registry.renew(account.id, record["token"], renewable=record.get("renewable") is True)
    return account.id


def _same_person(registry: Registry, parcel: Parcel) -> Account | None:
    """Return the account that the parcel's person has here."""
    token = parcel.record["token"]
    user_id = token_user(token)
    same = (one for one in registry.all() if one.token == token or (user_id and one.user_id == user_id))
    return next(same, None)


def _fill(folder: AccountFolder, parcel: Parcel) -> None:
    files.ensure_folder(folder.path)
    identity.write(folder, parcel.login)
    if parcel.proxy:
        files.write_atomic(folder.proxy, f"{parcel.proxy}\n".encode())


def _record(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not files.valid_id(value.get("id")):
        raise ValueError("it has no account with a usable id")
    if not isinstance(value.get("token"), str) or not value["token"].strip():
        raise ValueError("its account has no token")
    return {**value, "invalid": bool(value.get("invalid")) or not is_token(value["token"])}
