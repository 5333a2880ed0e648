"""What the sandbox demands and how it behaves: plain attributes, free to change while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Switches:
    """The sandbox's behaviour, as strict as the real site unless told otherwise.

    `bx_answer` is what a call without the page's anti-bot headers gets: "captcha" (JSON) or "empty" (a bare 200).
    `busy_release_s` is how long a chat stays busy after its client went away; `parallel_limit` bounds the running
    answers per account (None: no bound); `interval_ms` paces answers whose prompt does not say otherwise. A document is
    parsed after `parse_polls` questions about it, with `parse_outcome` success, failed or error; `clock_ahead_s` lets
    uploads and signed addresses expire without waiting.
    """

    require_bx: bool = True
    bx_answer: str = "captcha"
    require_version: bool = True
    require_request_id: bool = True
    require_cookies: bool = True
    real_status: bool = False
    honour_system_message: bool = False
    add_done: bool = False
    response_index: bool = False
    renew_tokens: bool = False
    busy_release_s: float = 1.0
    parallel_limit: int | None = None
    interval_ms: float = 5.0
    keep_alive_s: float = 10.0
    page_version: str = "0.3.12"
    sdk_delay_ms: int = 100
    parse_polls: int = 1
    parse_outcome: str = "success"
    clock_ahead_s: float = 0.0
