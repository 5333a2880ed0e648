"""What the sandbox demands and how it behaves: plain attributes, free to change while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Switches:
    """The sandbox's behaviour; by default as strict as the real site.

    `bx_answer` is what a call without the page's anti-bot headers gets: "captcha" (JSON) or "empty" (a bare 200).
    `busy_release_s` is how long a chat stays busy after its client went away; `parallel_limit` bounds the running
    answers per account (None: no bound); `interval_ms` paces answers unless the prompt does. A document is parsed after
    `parse_polls` questions about it, with `parse_outcome` success, failed or error.

    Ageing: people sign in at a separate host (`sign_in_host`; False: at the chat, as before September 2026). Access
    tokens live `token_life_s`, those of the chat's own sign-in `old_token_life_s`; a refresh token lives
    `refresh_life_s` and can be used once (`refresh_rotates`). The page renews a token at load with less than
    `renew_margin_s` left. The firewall's cookie is renewed by "pages" or by every one of the "answers", too
    (`cookies_renewed_on`). The site's clock runs at `clock_speed` (60: an hour in a minute) and is `clock_ahead_s`
    ahead of this machine's.

    Functions: `native_tools` says what becomes of questions with `local_mcp`, by account id or "*": "on", "refused"
    (500), "empty" or "ignored". `native_form` is the form of their calls (parts.NativeCalls), `native_spread`
    "frames" (a later frame repeats earlier calls) or "list" (all in one), `native_prefix` puts `<server>-` before
    names, `native_answer_ends` finishes the phase `answer` after them. In the site's own function channel
    `channel_texts` writes arrays as JSON strings, `channel_goes_on` lets the model speak after the rejection.

    Chats: `older_parents` allows a question under an answer that is not the newest. A completions body of more than
    `body_limit` bytes draws the human check (None: none does).

    Works: `daily_quotas` replaces the number of uses a day of a kind (t2i, image_edit, t2v); a quota that is used up is
    told in an "envelope" or in a "frame" of the stream (`quota_form`). A picture takes `picture_s`, a research
    `research_s`; a picture's address serves `picture_type`, and the next `dead_pictures` addresses lead nowhere. A film
    takes `film_s`; the next `failing_films` fail.

    Changes of the site that nobody has seen yet: `renamed` gives fields other names in answers, by the beginning of the
    path that is asked (`{"/api/v2/models": {"id": "model_id"}}`); each answer of the model has a frame of `new_phase`
    and one that is a `new_event`; refusals are an "envelope" or, in another form, a "problem" (`refusal_form`).
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
    sign_in_host: bool = True
    token_life_s: float = 900.0
    old_token_life_s: float = 30 * 86400.0
    refresh_life_s: float = 30 * 86400.0
    refresh_rotates: bool = True
    renew_margin_s: float = 180.0
    cookies_renewed_on: str = "pages"
    clock_speed: float = 1.0
    clock_ahead_s: float = 0.0
    native_tools: dict[str, str] = field(default_factory=dict)
    native_form: str = "local_mcp"
    native_spread: str = "frames"
    native_prefix: bool = True
    native_answer_ends: bool = True
    channel_texts: bool = False
    channel_goes_on: bool = True
    older_parents: bool = True
    body_limit: int | None = None
    daily_quotas: dict[str, int] = field(default_factory=dict)
    quota_form: str = "envelope"
    picture_s: float = 0.0
    research_s: float = 0.0
    picture_type: str = "image/png"
    dead_pictures: int = 0
    film_s: float = 5.0
    failing_films: int = 0
    renamed: dict[str, dict[str, str]] = field(default_factory=dict)
    new_phase: str = ""
    new_event: str = ""
    refusal_form: str = "envelope"
