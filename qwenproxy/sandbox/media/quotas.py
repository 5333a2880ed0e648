"""How many pictures, films and researches an account has made today, by the site's clock (protocol 10.2)."""

from __future__ import annotations

from qwenproxy.sandbox.envelope import SiteError
from qwenproxy.sandbox.switches import Switches

DAILY = {"t2i": 3, "t2v": 1, "image_edit": 3, "deep_research_deep_research": 5}
_DAY = 86400.0
_SPENT = {
    "t2i": "今日生图额度已用完，请明天再来。",
    "image_edit": "今日图片编辑额度已用完，请明天再来。",
    "t2v": "今日视频生成额度已用完，请明天再来。",
}
_ANY_SPENT = "You've reached the upper limit for today's usage."


class Quotas:
    """The uses of each kind that has a daily quota of its own."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._used: dict[tuple[str, str, int], int] = {}

    def left(self, account_id: str, kind: str, now: float) -> int:
        """Return how many uses are left today, -1 for a kind without a quota."""
        total = self._switches.daily_quotas.get(kind, DAILY.get(kind, -1))
        return total if total < 0 else max(0, total - self._used.get(_key(account_id, kind, now), 0))

    def check(self, account_id: str, kind: str, now: float) -> None:
        """Raise SiteError if nothing is left today."""
        if self.left(account_id, kind, now) == 0:
            raise SiteError(429, "RateLimited", _SPENT.get(kind, _ANY_SPENT))

    def spend(self, account_id: str, kind: str, now: float) -> None:
        """Count one use."""
        key = _key(account_id, kind, now)
        self._used[key] = self._used.get(key, 0) + 1

    def clear(self) -> None:
        """Forget all uses."""
        self._used.clear()


def _key(account_id: str, kind: str, now: float) -> tuple[str, str, int]:
    return account_id, kind, int(now // _DAY)
