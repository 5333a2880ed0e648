"""The command line of scripts/call-corpus: reads every call in every notation, and prints what did not arrive."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from call_reading import outcome, texts
from dialects import WRITERS

import call_corpus
from call_corpus.corpus import Case, download, read_cases
from call_corpus.fitness import fits
from qwenproxy.chat import ChatRequest, Event, Finish, WrittenCall

_LONGEST_PIECE = 12  # characters


def main() -> None:
    """Check the corpus. Exits with status 1 if a call did not arrive."""
    parser = argparse.ArgumentParser("scripts/call-corpus", description=call_corpus.__doc__)
    parser.add_argument("--wheel", type=Path, help="the corpus, if it is here already")
    parser.add_argument("--seed", type=int, default=0, help="of the random pieces")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qwenproxy-corpus-") as folder:
        misses = _check(arguments.wheel or download(Path(folder)), random.Random(arguments.seed))
    sys.exit(1 if misses else 0)


def _check(wheel: Path, chance: random.Random) -> int:
    """Read every call; print the counts of each notation and each miss, and return the number of misses."""
    right: Counter[str] = Counter()
    calls = misses = 0
    unfit: list[str] = []
    for case in read_cases(wheel):
        if not fits(case):
            unfit.append(case.id)
            continue
        calls += 1
        for way, events in _ways(case, chance):
            result = outcome(events, ChatRequest((), tools=case.tools))
            expected = [(case.tool.name, case.arguments), {"finish": "tool_calls"}]
            # As text, because Python takes 1 and True for equal.
            if json.dumps(result) == json.dumps(expected):
                right[way] += 1
            else:
                misses += 1
                print(f"{case.id}, {way}: {json.dumps(case.arguments)[:300]} came as {str(result)[:400]}")
    print(f"left out, because they do not fit the schema of their own function: {len(unfit)} ({', '.join(unfit)})")
    for way, count in right.items():
        print(f"{way}: {count} of {calls}")
    return misses


def _ways(case: Case, chance: random.Random) -> Iterator[tuple[str, list[Event]]]:
    for name, write in WRITERS.items():
        text = write(case.tool, case.arguments)
        yield f"{name}, whole", list(texts([text]))
        yield f"{name}, in pieces", list(texts(_pieces(text, chance)))
    written: dict[str, Any] = {"name": case.tool.name, "arguments": json.dumps(case.arguments)}
    yield "beside the text", [WrittenCall(**written), Finish()]


def _pieces(text: str, chance: random.Random) -> Iterator[str]:
    while text:
        length = chance.randint(1, _LONGEST_PIECE)
        yield text[:length]
        text = text[length:]


if __name__ == "__main__":
    main()
