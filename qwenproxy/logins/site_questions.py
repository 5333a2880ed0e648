"""Ask the site for what the report on an account holds (site_report.py). Costs no quota and changes nothing."""

from __future__ import annotations

from qwenproxy.browser.page import Page
from qwenproxy.upstream import calls
from qwenproxy.upstream.account_settings import AccountSettings, read_settings, settings_in
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.quota import FEATURES, Left, parse_quota


def ask_settings(page: Page) -> AccountSettings:
    """Ask the site for the account's settings. Raises as `upstream.ask.call`, ProtocolChanged."""
    return read_settings(settings_in(call(page, calls.account_settings())))


def ask_quota(page: Page) -> tuple[Left, ...]:
    """Ask the site how much the account has left. Raises as `upstream.ask.call`, ProtocolChanged."""
    return parse_quota(call(page, calls.quota(FEATURES)))
