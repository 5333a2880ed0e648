"""What the scripted site says to a call: as it is written in a test, chunk by chunk."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from transcripts import CREATED, counts, delta, end

STREAM = {"content-type": "text/event-stream; charset=utf-8"}
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html"}
TICK = ""  # a second of silence
FOREVER = float("inf")


@dataclass(frozen=True)
class Reply:
    """What the site says to one call. A chunk is text, TICK, or an error to raise at that place.

    `head_after` counts the seconds until status and headers come; `endless` lets silence follow the last chunk. Each
    chunk of text takes `pace` seconds.
    """

    chunks: tuple[object, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: STREAM)
    head_after: float = 0
    endless: bool = False
    pace: float = 0

    def __str__(self) -> str:
        """Return status and error code, or the last of its text; so a failing test names it."""
        code = re.search(r'"code": ?"([^"]*)", ?"details": ?"([^"]*)|"ret":\["(\w+)', "".join(map(str, self.chunks)))
        text = " ".join(filter(None, code.groups())) if code else self.chunks[-1] if self.chunks else "nothing"
        return f"{self.status} {text}"


def answer(*texts: str) -> Reply:
    """Return a complete answer with these texts, each counted as one token more."""
    frames = [delta(text, usage=counts(7, number)) for number, text in enumerate(texts, 1)]
    return Reply((CREATED, *frames, end()))


def refusal(code: str, details: str = "", status: int = 429, **more: object) -> Reply:
    """Return an error envelope of protocol 6.1."""
    body = {"success": False, "request_id": "r", "data": {"code": code, "details": details, **more}}
    return Reply((json.dumps(body),), headers={**JSON, "x-actual-status-code": str(status)})


RATE_LIMITED = refusal("RateLimited", "You've reached the upper limit for today's usage.", num=6)
TOO_FAST = refusal("RateLimited", "We are currently experiencing high demand.")
LOGGED_OUT = refusal("Unauthorized", "Token has expired", status=401)
BUSY = refusal("Bad_Request", "The chat is in progress!", status=400)
REFUSED_CONTENT = refusal("data_inspection_failed", "Input data may contain inappropriate content.", status=400)
CAPTCHA = Reply(('{"ret":["FAIL_SYS_USER_VALIDATE","RGV587_ERROR::SM::x"],"data":{}}',), 200, JSON)
WAF_PAGE = Reply(("<!doctypehtml><meta name=aliyun_waf_aa>",), 200, HTML)
GATEWAY_DOWN = Reply(("<html>502</html>",), 502, HTML)
UNKNOWN_FORM = Reply(('{"hello":"world"}',), 200, JSON)
EMPTY = Reply()
STARTED_ONLY = Reply((CREATED,))
CUT = Reply((CREATED, delta("Half an ans")))
MODELS = Reply(
    (
        json.dumps(
            {
                "success": True,
                "data": {
                    "data": [
                        {"id": name, "name": name.title(), "info": {"is_active": True, "created_at": 1770000000}}
                        for name in ("qwen3.8-max", "qwen3.7-plus", "qwen3-coder-plus")
                    ]
                },
            }
        ),
    ),
    headers=JSON,
)
NEW_CHAT = Reply((json.dumps({"success": True, "data": {"id": "chat-1"}}),), headers=JSON)
