"""What the site said of an account, as a file beside its profile: settings that change answers, and what is left.

Whoever has the account's page open asks (site_questions.py) and writes; `account list` and the dashboard read it
without a browser. It holds names and numbers, no text of a person's.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from qwenproxy.accounts.account import iso_text
from qwenproxy.disk import files
from qwenproxy.disk.folder import AccountFolder
from qwenproxy.errors import StorageError
from qwenproxy.upstream.account_settings import (
    AccountSettings,
    format_settings,
    parse_settings,
)
from qwenproxy.upstream.quota import Left, format_quota, parse_formatted_quota

log = logging.getLogger(__name__)

_DAY = 86400.0  # seconds; the site's day begins at 00:00 UTC
_LATEST = 1e11  # s since 1970; more is no moment


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What the site said of an account last, and when (s since 1970). `settings` is None if nobody asked yet."""

    settings: AccountSettings | None = None
    settings_at: float = 0.0
    quota: tuple[Left, ...] = ()
    quota_at: float = 0.0

    def quota_left(self, now: float) -> tuple[Left, ...]:
        """Return what is left at `now` (s since 1970): nothing that was said on another day of the site."""
        return self.quota if self.quota_at // _DAY == now // _DAY else ()


def read(folder: AccountFolder) -> SiteReport:
    """Return the last report on an account; an empty one if there is none, or it cannot be read."""
    try:
        data = files.read_bytes(folder.site_report)
        content: Any = files.parse_json(data) if data else {}
    except (StorageError, ValueError) as error:
        log.warning("account=%s its %s cannot be read: %s", folder.id, folder.site_report.name, type(error).__name__)
        return SiteReport()
    if not isinstance(content, dict):
        return SiteReport()
    return SiteReport(
        parse_settings(content.get("settings")),
        _moment(content.get("settingsAt")),
        parse_formatted_quota(content.get("quota")),
        _moment(content.get("quotaAt")),
    )


def write(folder: AccountFolder, report: SiteReport) -> None:
    """Keep a report in place of the last one. Raises StorageError."""
    content = {
        "settings": format_settings(report.settings) if report.settings else None,
        "settingsAt": report.settings_at,
        "quota": format_quota(report.quota),
        "quotaAt": report.quota_at,
    }
    files.write_atomic(folder.site_report, files.format_json(content))


def for_programs(report: SiteReport, now: float) -> dict[str, Any]:
    """Return what a program learns of a report at `now` (s since 1970): `settings`, `quota`, and since when."""
    left = report.quota_left(now)
    return {
        "settings": format_settings(report.settings) if report.settings else None,
        "settingsAt": iso_text(report.settings_at) if report.settings else None,
        "quota": format_quota(left) if left else None,
        "quotaAt": iso_text(report.quota_at) if left else None,
    }


def _moment(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < _LATEST else 0.0
