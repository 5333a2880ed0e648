"""The fingerprint of a conversation: the same for the same, another for any other; the older form is still known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from spelling import spelled

from qwenproxy.chat import FilePart, ImagePart, Message, TextPart, ToolCall
from qwenproxy.history.fingerprints import fingerprint, stands_for
from qwenproxy.history.reuse import UpstreamMemory
from qwenproxy.upstream.places import SiteChat

TALK = (
    Message("system", (TextPart("Be brief."),)),
    Message("user", (TextPart("What is this? 🙂 'quoted'\n"), ImagePart("https://x.test/a.png"))),
    Message("assistant", (), tool_calls=(ToolCall("call_1", "look", '{"at":"it"}'),)),
    Message("tool", (TextPart("a cat"),), "look", (), "call_1"),
    Message("user", (FilePart("https://x.test/b.pdf", "b.pdf"), FilePart("https://x.test/c.pdf"))),
)
# As the version before wrote it.
OLDER = "1d81a59eec942822b31eb1417f8d12eb"


def changed() -> Iterator[tuple[Message, ...]]:
    first, second, third, fourth, last = TALK
    yield TALK[:-1]
    yield (*TALK, last)
    yield TALK[::-1]
    yield (replace(first, role="user"), *TALK[1:])
    yield (first, replace(second, parts=second.parts[::-1]), *TALK[2:])
    yield (first, replace(second, parts=(TextPart("What is this?"), second.parts[1])), *TALK[2:])
    yield (first, second, replace(third, tool_calls=(ToolCall("call_1", "look", "{}"),)), fourth, last)
    yield (first, second, third, replace(fourth, name=None), last)
    yield (first, second, third, replace(fourth, tool_call_id="call_2"), last)
    yield (first, second, third, fourth, replace(last, parts=(ImagePart("https://x.test/b.pdf"), last.parts[1])))


@pytest.mark.parametrize("other", list(changed()), ids=spelled)
def test_whatever_the_model_would_notice_changes_it(other: tuple[Message, ...]) -> None:
    assert fingerprint(other) != fingerprint(TALK)
    assert not stands_for(fingerprint(TALK), other)
    assert not stands_for(OLDER, other)


def test_it_has_a_version_and_stays_as_it_is() -> None:
    assert fingerprint(TALK) == fingerprint(tuple(TALK))
    assert fingerprint(TALK) == "2:b1979f21ccc83487af31430e1507bfe5"


@pytest.mark.parametrize("talk", [TALK, TALK[:1], ()], ids=["long", "single", "empty"])
def test_the_older_form_is_still_known(talk: tuple[Message, ...]) -> None:
    assert stands_for(hashlib.sha256(repr(talk).encode()).hexdigest()[:32], talk)


def test_a_chat_kept_by_the_version_before_goes_on_where_it_was() -> None:
    kept = {"chats": [{"accountId": "a", "chatId": "c"}], "responseId": "r", "fingerprint": OLDER}
    place = UpstreamMemory.from_json(kept).place(TALK)
    assert place is not None
    assert (place.chat, place.response_id, place.holds) == (SiteChat("a", "c"), "r", len(TALK))


@pytest.mark.parametrize("known", [None, "", "2:", "3:" + "0" * 32, "nonsense"])
def test_nothing_else_stands_for_a_conversation(known: str | None) -> None:
    assert not stands_for(known, TALK)
