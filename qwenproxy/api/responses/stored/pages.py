"""Lists of items, a page at a time: what the query asks for, and the form of the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from qwenproxy.errors import RequestError
from qwenproxy.history.stored.tables import ItemPage, PageWish

MOST = 100  # items of a page


def read_wish(query: Mapping[str, str]) -> PageWish:
    """Return the page that a query asks for. Raises RequestError."""
    limit, order = query.get("limit", "20"), query.get("order", "desc")
    if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= MOST:
        raise RequestError(f"limit must be a whole number from 1 to {MOST}.", param="limit")
    if order not in ("asc", "desc"):
        raise RequestError("order must be asc or desc.", param="order")
    return PageWish(int(limit), newest_first=order == "desc", after=query.get("after") or None)


def page_object(page: ItemPage) -> dict[str, Any]:
    """Return the list of a page."""
    ends = [page.items[0]["id"], page.items[-1]["id"]] if page.items else ["", ""]
    return {"object": "list", "data": page.items, "first_id": ends[0], "last_id": ends[1], "has_more": page.has_more}
