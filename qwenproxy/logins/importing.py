"""Take over the accounts of another session folder (contract 5).

Called by the command line. The source is only read; what is here already stays as it is.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

from qwenproxy.accounts.account import is_token, parse_records
from qwenproxy.accounts.registry import Registry
from qwenproxy.accounts.salvage import completed, salvaged, tokens_in
from qwenproxy.browser.profile import ProfileInUse, disk_refuses, profile_owner
from qwenproxy.disk import files
from qwenproxy.errors import SetupError
from qwenproxy.texts import Phrase

log = logging.getLogger(__name__)

# What a browser makes anew, and what belongs to the running one.
LEFT_BEHIND = shutil.ignore_patterns("*Cache*", "Singleton*", "lockfile", "*.tmp", "Crashpad", "BrowserMetrics*")


def import_accounts(registry: Registry, session_dir: Path, source: Path) -> tuple[str, ...]:
    """Take over the accounts of `source` into `session_dir`; return the ids of the accounts that were new.

    Nobody gets a second account. An account's browser profile comes with it, since only that can renew its login. An
    account whose token is none has to be logged in to again; one without any token is passed over.
    Raises SetupError, ProfileInUse where a browser has a profile of the source open.
    """
    if not any((source / name).exists() for name in ("tokens.json", "accounts", "history")):
        raise SetupError(Phrase("no_session_folder", path=source))
    if source.resolve() == session_dir.resolve():
        raise SetupError(Phrase("same_session_folder", path=source))
    found = _records_in(source)
    tokenless = [one["id"] for one in found if not one["token"].strip()]
    if tokenless:
        log.warning("not taken over, since they have no token: %s", ", ".join(tokenless))
    new = registry.newcomers([one for one in found if one["id"] not in tokenless])
    for record in new:
        account_id = record["id"]
        has_profile = _bring_profile(source / "accounts" / account_id, registry.folder(account_id))
        record["renewable"] = has_profile and record.get("renewable") is not False
        if not is_token(record["token"]):
            record["invalid"] = True
    return registry.adopt(new)


def _records_in(source: Path) -> list[dict[str, Any]]:
    data = files.read_bytes(source / "tokens.json") or b""
    try:
        return completed(parse_records(data), source / "accounts")
    except ValueError:
        return salvaged(data, tokens_in(source / "accounts"))


def _bring_profile(source: Path, target: Path) -> bool:
    """Copy an account's browser profile, unless there is one; tell whether the account has one now."""
    if (target / "profile").exists() or not (source / "profile").is_dir():
        return (target / "profile").exists()
    owner = profile_owner(source)
    if owner is not None:
        raise ProfileInUse(Phrase("profile_held", id=source.name, pid=owner))
    try:
        files.ensure_folder(target)
        # Under another name until it is whole: half a profile must not count as one.
        unfinished = target / "profile.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(source / "profile", unfinished, ignore=LEFT_BEHIND, symlinks=True)
        unfinished.chmod(0o700)
        unfinished.rename(target / "profile")
    except OSError as error:  # shutil.Error, too
        raise disk_refuses(target, error) from error
    return True
