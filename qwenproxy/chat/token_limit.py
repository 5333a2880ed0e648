"""The end of an answer at a number of tokens: by the site's own counts, or by ours where it gives none.

One of the two limits of cutting.py. Pure, but for the vocabulary that it loads once the limit comes near.
"""

from __future__ import annotations

from qwenproxy.chat import Usage
from qwenproxy.tokenizer import counting


class TokenLimit:
    """Lets text through until the limit. Text near the limit waits until its tokens are certain.

    Counts nothing as long as the answer has fewer bytes than it may have tokens, so a text far below the limit costs
    nothing and flows at once.
    """

    def __init__(self, max_tokens: int) -> None:
        """`max_tokens` counts the answer's text without reasoning."""
        self._max_tokens = max_tokens
        self._before = 0.0  # tokens of the text so far, by the site's counts
        self._now: float | None = None  # the same with the next text
        self._room = max_tokens  # tokens left behind the text that we counted
        self._uncounted: list[str] = []  # the text behind it
        self._bytes = 0  # of the uncounted text
        self._passed = 0  # characters of the uncounted text that have passed

    def count(self, usage: Usage) -> None:
        """Take the site's counts, which hold the text that comes next."""
        self._now = usage.output_tokens - usage.reasoning_tokens

    def feed(self, text: str) -> tuple[str, bool]:
        """Return the text to pass on, and whether the limit was exceeded."""
        if self._now is not None:
            return self._feed_counted(text, self._now)
        self._uncounted.append(text)
        self._bytes += counting.byte_length(text)
        if self._bytes <= self._room:
            self._passed += len(text)
            return text, False
        uncounted = "".join(self._uncounted)
        settled, _ = counting.split_at_seam(uncounted)
        return self._settle(uncounted, len(settled))

    def flush(self) -> tuple[str, bool]:
        """Return what waited, and whether the limit was exceeded, because nothing follows that text now."""
        uncounted = "".join(self._uncounted)
        return self._settle(uncounted, len(uncounted)) if self._bytes > self._room else ("", False)

    def _settle(self, uncounted: str, end: int) -> tuple[str, bool]:
        """Count the uncounted text up to `end`, whose tokens are certain, and pass on what the limit allows."""
        settled = uncounted[:end]
        tokens = counting.count(settled)
        if tokens > self._room:
            stop = len(counting.first_tokens(settled, self._room))
            return uncounted[self._passed : stop], True
        self._room -= tokens
        rest = uncounted[end:]
        self._uncounted, self._bytes = [rest], counting.byte_length(rest)
        allowed = len(uncounted) if self._bytes <= self._room else end
        passed = uncounted[self._passed : allowed]
        self._passed = max(self._passed, allowed) - end
        return passed, False

    def _feed_counted(self, text: str, now: float) -> tuple[str, bool]:
        waiting = "".join(self._uncounted)[self._passed :]
        self._before = max(self._before, self._max_tokens - self._room)
        self._uncounted, self._bytes, self._passed, self._room = [], 0, 0, self._max_tokens
        before, after = self._before, max(now, self._before)
        self._before = after
        if after <= self._max_tokens:
            return waiting + text, False
        share = (self._max_tokens - before) / (after - before)
        return waiting + text[: round(len(text) * share)], True
