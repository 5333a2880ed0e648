"""The web searches of the model, and what it says about them (protocol 5.8). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from qwenproxy.sandbox.model.parts import Searches, SearchRound, Thinking

# marks that fall on the borders of deltas
_CITATIONS = ("According to [", "[1]", "] and [[", "2", "]], all is well. See also [[3", "]] and [[4]].")
# the same without anything between them, and in the other form
_GLUED = ("All [[1]", "][[2]", "][[3]][[4", "]] agree, [", "1", "] and [2] as well. An array a[i] is no mark.")
_QUERIES = ("stand-in news", "stand-in history")
_PER_ROUND = 2
_WORDS = frozenset({"parallel", "glued"})


def searches(options: str, thinking: str | None) -> Iterator[Searches | Thinking]:
    """Return two searches: one after the other with thoughts between, or at once with the option `parallel`.

    The other option is the form of the results, web_search_info (which repeats those of earlier rounds) or docs.
    """
    chosen = options.split()
    form = next((word for word in chosen if word not in _WORDS), "web_search_info")
    is_parallel = "parallel" in chosen
    rounds = tuple(_round(number, form, is_parallel) for number in range(len(_QUERIES)))
    if is_parallel:
        yield Searches(rounds)
        return
    for number, one in enumerate(rounds):
        yield Searches((one,))
        if thinking:
            yield Thinking(thinking, ((f"Reading the results of round {number + 1}", "They look helpful. "),))


def cited(options: str) -> tuple[str, ...]:
    """Return the answer after searches: with its marks apart, or with the option `glued` side by side."""
    return _GLUED if "glued" in options.split() else _CITATIONS


def _round(number: int, form: str, is_parallel: bool) -> SearchRound:
    function_id = f"call_{0xAB5C0 + number:x}" if is_parallel else f"round_{number}_call_00{number:02x}"
    first = 1 if form == "web_search_info" else number * _PER_ROUND + 1
    end = (number + 1) * _PER_ROUND + 1
    return SearchRound(function_id, _QUERIES[number], tuple(_result(one) for one in range(first, end)), end, form)


def _result(number: int) -> dict[str, str]:
    return {
        "url": f"https://example.com/page-{number}",
        "title": f"Page {number}",
        "snippet": f"What page {number} says.",
        "hostname": "example.com",
        "hostlogo": "https://example.com/logo.png",
        "date": "2026-08-01",
    }
