"""What both hosts serve: the templates of pages, and the one script behind all of them."""

from __future__ import annotations

from importlib import resources

from quart import Blueprint, Response

from qwenproxy.sandbox.envelope import html_response
from qwenproxy.sandbox.state import SiteState, current_state

bp = Blueprint("assets", __name__)
_SHOWN = 3  # accounts whose passwords the form names


@bp.get("/qwen-chat-fe/<version>/page.js")
async def page_script(version: str) -> Response:
    """Serve the pages' script; its address contains the version."""
    return Response(asset("page.js"), content_type="application/javascript; charset=utf-8")


@bp.get("/partner")
async def partner() -> Response:
    """Serve the form of somebody else by whom people sign in, in a pop-up window."""
    return page(current_state(), "partner.html")


def page(state: SiteState, name: str, login: str = "") -> Response:
    """Return a page with what its script has to know: hosts, the margin for renewals, and the site's time.

    `login` is the part on logging in, as HTML.
    """
    switches = state.switches
    data = {
        "sdk-delay": switches.sdk_delay_ms,
        "chat": state.chat_origin,
        "sign-in": state.sign_in_origin if switches.sign_in_host else "",
        "renew-margin": switches.renew_margin_s,
        "site-time": state.now(),
        "mark": state.page_mark,
    }
    attributes = " ".join(f'data-{name}="{value}"' for name, value in data.items())
    text = asset(name).replace("@VERSION@", switches.page_version)
    response = html_response(text.replace("@DATA@", attributes).replace("@LOGIN@", login))
    # a cached page would carry an old site time
    response.headers["cache-control"] = "no-store"
    return response


def sign_in_page(state: SiteState) -> Response:
    """Return the sign-in form, which also names logins that work here."""
    accounts = state.accounts
    people = [(accounts.spare, "for one more account"), *((one, one.id) for one in accounts.all[:_SHOWN])]
    rows = [f"<li>{use}: <br><b>{one.email}</b> <br>password <b>{one.password}</b></li>" for one, use in people]
    more = "<li>... and so on, by number</li>" if len(accounts.all) > _SHOWN else ""
    return page(state, "auth.html", f"{''.join(rows)}{more}")


def asset(name: str) -> str:
    """Return the text of a file that comes with the sandbox."""
    return resources.files("qwenproxy.sandbox.pages").joinpath(name).read_text(encoding="utf-8")
