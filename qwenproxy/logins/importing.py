"""Take over the accounts of another session folder (contract 5).

Called by the command line. Only reads the source, and leaves what is here already as it is.
"""

from __future__ import annotations

import logging
import shutil
from typing import Any

from qwenproxy.accounts import identity
from qwenproxy.accounts.account import is_token, parse_records
from qwenproxy.accounts.proxies import keep_proxy
from qwenproxy.accounts.registry import Registry
from qwenproxy.accounts.salvage import completed, salvaged, tokens_in
from qwenproxy.browser.profile import ProfileInUse, disk_refuses, profile_owner
from qwenproxy.browser.proxies import proxy_of
from qwenproxy.disk import files
from qwenproxy.disk.folder import AccountFolder, SessionFolder
from qwenproxy.errors import SetupError
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

# A browser makes these anew, or they belong to the running one.
LEFT_BEHIND = shutil.ignore_patterns("*Cache*", "Singleton*", "lockfile", "*.tmp", "Crashpad", "BrowserMetrics*")


def import_accounts(registry: Registry, session: SessionFolder, source: SessionFolder) -> tuple[str, ...]:
    """Take over the accounts of `source` into `session`; return the ids of the accounts that were new.

    Nobody gets a second account. An account's browser profile and its kept login come with it, because only these can
    renew its token. An account whose token is no JWT needs a new login; one without any token is skipped.
    Raises SetupError, ProfileInUse if a browser has a profile of the source open.
    """
    if not source.is_one:
        raise SetupError(Phrase("no_session_folder", path=source.root))
    if source.root.resolve() == session.root.resolve():
        raise SetupError(Phrase("same_session_folder", path=source.root))
    records = _records_in(source)
    tokenless = [one["id"] for one in records if not one["token"].strip()]
    if tokenless:
        log.warning("not taken over, since they have no token: %s", ", ".join(tokenless))
    new = registry.newcomers([one for one in records if one["id"] not in tokenless])
    for record in new:
        account_id = record["id"]
        origin, target = source.account(account_id), registry.folder(account_id)
        # The proxy first: without it the account's traffic would go another way than before.
        if proxy := proxy_of(origin):
            keep_proxy(target, proxy)
        has_profile = _bring_profile(origin, target)
        has_login = identity.bring(origin, target)
        record["renewable"] = (has_profile or has_login) and record.get("renewable") is not False
        if not is_token(record["token"]):
            record["invalid"] = True
    return registry.adopt(new)


def _records_in(source: SessionFolder) -> list[dict[str, Any]]:
    data = files.read_bytes(source.tokens) or b""
    try:
        return completed(parse_records(data), source)
    except ValueError:
        return salvaged(data, tokens_in(source))


def _bring_profile(source: AccountFolder, target: AccountFolder) -> bool:
    """Copy an account's browser profile, unless there is one; tell whether the account has one now."""
    if target.profile.exists() or not source.profile.is_dir():
        return target.profile.exists()
    owner = profile_owner(source)
    if owner is not None:
        raise ProfileInUse(Phrase("profile_held", id=source.id, pid=owner))
    try:
        files.ensure_folder(target.path)
        copy = target.unfinished_profile
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(source.profile, copy, ignore=LEFT_BEHIND, symlinks=True)
        copy.chmod(0o700)
        copy.rename(target.profile)
    except OSError as error:  # shutil.Error, too
        raise disk_refuses(target, error) from error
    return True
