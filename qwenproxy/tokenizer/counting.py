"""Count the tokens of texts, whole or while they grow, and take the first tokens of a text.

The neutral vocabulary in chat/ counts questions and answers with it. Pure, but for the vocabulary that it loads; knows
no conversation and no site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from qwenproxy.tokenizer.vocabulary import encoding

# Places where every tokenization of a text has a boundary, whatever follows: the vocabulary's pattern never crosses
# them. So the tokens on both sides can be counted by themselves.
_SEAM = re.compile(
    r"(?<=\S)(?= )"
    r"|(?<=\n)(?=\S)"
    r"|(?<=[^\W_])(?=[0-9,.;:!?\uff0c\u3002\uff1b\uff1a\uff01\uff1f\u3001])"
    r"|(?<=[0-9])(?=\S)"
)
_CHUNK = 20_000  # characters that we count at once; the library fails for a run of a million blanks
_LONGEST_RUN = 2_000  # characters in which we look for a seam; a run without one is cut, which may add a token


def byte_length(text: str) -> int:
    """Return the length in UTF-8 bytes; a text never has more tokens than that."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def count(text: str) -> int:
    """Return the number of tokens."""
    return sum(_count_chunk(chunk) for chunk in _chunks(text))


def count_all(texts: Iterable[str], enough: int) -> int:
    """Return the number of tokens of all texts together, in bounded time.

    Exact up to `enough` tokens; beyond that the rest is taken to have as many tokens to a byte as what was counted.
    """
    tokens = counted = uncounted = 0
    for text in texts:
        for chunk in _chunks(text):
            length = byte_length(chunk)
            if tokens > enough:
                uncounted += length
            else:
                tokens += _count_chunk(chunk)
                counted += length
    return tokens + -(-uncounted * tokens // counted) if uncounted else tokens


def split_at_seam(text: str) -> tuple[str, str]:
    """Return the part whose tokens nothing that follows can change, and the rest."""
    seams = [match.start() for match in _SEAM.finditer(text)]
    return (text[: seams[-1]], text[seams[-1] :]) if seams else ("", text)


def first_tokens(text: str, number: int) -> str:
    """Return the beginning of the text that has this number of tokens, without a character that is incomplete."""
    taken: list[str] = []
    for chunk in _chunks(text):
        tokens = encoding().encode_ordinary(chunk)
        if len(tokens) > number:
            taken.append(encoding().decode_bytes(tokens[:number]).decode("utf-8", "ignore"))
            break
        taken.append(chunk)
        number -= len(tokens)
    return "".join(taken)


def _count_chunk(chunk: str) -> int:
    return len(encoding().encode_ordinary(chunk))


def _chunks(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > _CHUNK:
        end = start + _CHUNK
        seam = _SEAM.search(text, end, end + _LONGEST_RUN)
        stop = seam.start() if seam else end
        yield text[start:stop]
        start = stop
    if start < len(text):
        yield text[start:]
