"""Models as Anthropic lists them. Clients of that API show only ids with `claude`, so each model has such an alias.

Pure. The shapes are those of Anthropic's API reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from qwenproxy.api.models.openai_form import display_name
from qwenproxy.errors import RequestError
from qwenproxy.upstream.variants import CLAUDE

if TYPE_CHECKING:
    from qwenproxy.upstream.models import Model
    from qwenproxy.upstream.variants import Variant


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the list a client wants: at most `limit` models (None: all), after or before the one with an id."""

    limit: int | None = None
    after_id: str | None = None
    before_id: str | None = None


def model_list(rows: Sequence[tuple[str, Variant]], page: Page) -> dict[str, Any]:
    """Return a page of the models: each under its own id, then each as `claude-<id>`. Raises RequestError."""
    names = [(name, variant.model) for name, variant in rows]
    names += [(CLAUDE + name, model) for name, model in names if not name.startswith(CLAUDE)]
    chosen, has_more = _page_of(names, page)
    ids = [name for name, _ in chosen]
    return {
        "data": [model_object(name, model) for name, model in chosen],
        "has_more": has_more,
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
    }


def model_object(name: str, model: Model) -> dict[str, Any]:
    """Return the object of a model under `name`; leave out what the site does not say."""
    lengths = {"max_input_tokens": model.context_length, "max_tokens": model.output_length}
    return {
        "type": "model",
        "id": name,
        "display_name": display_name(name.removeprefix(CLAUDE), model),
        "created_at": datetime.fromtimestamp(model.created or 0, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
        **{field: length for field, length in lengths.items() if length},
    }


def _page_of(names: list[tuple[str, Model]], page: Page) -> tuple[list[tuple[str, Model]], bool]:
    """Return the models of a page, and whether more follow in its direction. Raises RequestError for an unknown id."""
    limit = len(names) if page.limit is None else page.limit
    if page.before_id:
        earlier = names[: _place(names, page.before_id, "before_id")]
        return earlier[max(0, len(earlier) - limit) :], len(earlier) > limit
    later = names[_place(names, page.after_id, "after_id") + 1 :] if page.after_id else names
    return later[:limit], len(later) > limit


def _place(names: list[tuple[str, Model]], model_id: str, field: str) -> int:
    place = next((at for at, (name, _) in enumerate(names) if name == model_id), None)
    if place is None:
        raise RequestError(f"{field} names {model_id[:100]!r}, which is not in the list of models.", param=field)
    return place
