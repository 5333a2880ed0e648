"""Names that a client chose: of the model, of its functions. Control characters are none of any name's.

The relay checks each request here before it asks for an account, whichever API that came by. Pure.
"""

from __future__ import annotations

import re

from qwenproxy.chat import ChatRequest
from qwenproxy.errors import RequestError

# Line separators, too: a name stands within one line of a prompt, a header or a log.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def check_names(request: ChatRequest) -> None:
    """Raise RequestError, naming the field, if the model's name or a function's holds a control character."""
    if request.model and _CONTROL.search(request.model.strip()):
        raise RequestError(
            f"The model name {request.model[:100]!r} holds a control character; GET /v1/models lists the names.",
            param="model",
        )
    for tool in request.tools:
        if _CONTROL.search(tool.name):
            raise RequestError(
                f"The name of a function, {tool.name[:100]!r}, holds a control character. Take it out.", param="tools"
            )
