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
from call_corpus.over_http import ask_all
from call_corpus.wire_apis import WIRE_APIS
from qwenproxy.chat import ChatRequest, Event, Finish, WrittenCall

_LONGEST_PIECE = 12  # characters


def main() -> None:
    """Check the corpus. Exits with status 1 if a call did not arrive."""
    parser = argparse.ArgumentParser("scripts/call-corpus", description=call_corpus.__doc__)
    parser.add_argument("--wheel", type=Path, help="the corpus, if it is here already")
    parser.add_argument("--seed", type=int, default=0, help="of the random pieces")
    parser.add_argument("--server", metavar="URL", help="ask a server on the stand-in instead, as a client does")
    parser.add_argument(
        "--api", action="append", choices=WIRE_APIS, help="with --server: the wire API; may be repeated [all]"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qwenproxy-corpus-") as folder:
        cases = list(_fitting(arguments.wheel or download(Path(folder))))
        misses = (
            _ask(arguments.server, cases, arguments.api or list(WIRE_APIS))
            if arguments.server
            else _check(cases, random.Random(arguments.seed))
        )
    sys.exit(1 if misses else 0)


def _fitting(wheel: Path) -> Iterator[Case]:
    """Yield the calls, but for those that are wrong by the schema of their own function; print those."""
    unfit: list[str] = []
    for case in read_cases(wheel):
        if fits(case):
            yield case
        else:
            unfit.append(case.id)
    print(f"left out, because they do not fit the schema of their own function: {len(unfit)} ({', '.join(unfit)})")


def _ask(url: str, cases: list[Case], apis: list[str]) -> int:
    """Have every call made over HTTP; print the counts of each way and each miss, and return the number of misses."""
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for case, way, fault in ask_all(url, cases, apis):
        asked[way] += 1
        right[way] += not fault
        if fault:
            print(f"{case.id}, {way}: {json.dumps(case.arguments)[:300]} came as {fault}")
    for way, count in asked.items():
        print(f"{way}: {right[way]} of {count}")
    return asked.total() - right.total()


def _check(cases: list[Case], chance: random.Random) -> int:
    """Read every call; print the counts of each notation and each miss, and return the number of misses."""
    right: Counter[str] = Counter()
    misses = 0
    for case in cases:
        for way, events in _ways(case, chance):
            result = outcome(events, ChatRequest((), tools=case.tools))
            expected = [(case.tool.name, case.arguments), {"finish": "tool_calls"}]
            # As text, because Python takes 1 and True for equal.
            if json.dumps(result) == json.dumps(expected):
                right[way] += 1
            else:
                misses += 1
                print(f"{case.id}, {way}: {json.dumps(case.arguments)[:300]} came as {str(result)[:400]}")
    for way, count in right.items():
        print(f"{way}: {count} of {len(cases)}")
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
