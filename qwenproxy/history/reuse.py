"""What a kept chat remembers of the site: the chats made there for it, and where its last answer stands.

Written into the chat's file after a turn and read before the next one, so that the turn can go on where the site keeps
the conversation. Pure values: knows neither disk nor accounts nor calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwenproxy.chat import Message
from qwenproxy.history.fingerprints import fingerprint, stands_for
from qwenproxy.upstream.places import SiteChat, SitePlace, filled_text, format_site_chat, parse_site_chat


@dataclass(frozen=True, slots=True)
class UpstreamMemory:
    """All chats of the site that were made for one kept chat, the present one last, and how far that one reaches.

    `fingerprint` stands for the messages the site holds up to `response_id`; without that no question can go on there.
    `work` is the kind of work that the present chat is for, "" for talk.
    """

    chats: tuple[SiteChat, ...] = ()
    response_id: str | None = None
    fingerprint: str | None = None
    work: str = ""

    @classmethod
    def from_json(cls, value: object) -> UpstreamMemory:
        """Read what `to_json` wrote. Anything else, such as a person's edit, is ignored."""
        if not isinstance(value, Mapping):
            return cls()
        rows = value.get("chats")
        chats = tuple(chat for row in (rows if isinstance(rows, list) else ()) if (chat := parse_site_chat(row)))
        return cls(
            chats,
            filled_text(value.get("responseId")),
            filled_text(value.get("fingerprint")),
            filled_text(value.get("work")) or "",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the form in which a chat's file holds this."""
        return {
            "chats": [format_site_chat(chat) for chat in self.chats],
            "responseId": self.response_id,
            "fingerprint": self.fingerprint,
            **({"work": self.work} if self.work else {}),
        }

    def place(self, messages: Sequence[Message], work: str = "") -> SitePlace | None:
        """Return where a conversation that begins with exactly these messages goes on with talk or with a `work`.

        None if nowhere.
        """
        if self.work != work or not self.chats or not self.response_id or not stands_for(self.fingerprint, messages):
            return None
        return SitePlace(self.chats[-1], self.response_id, len(messages))

    def after(
        self, chat: SiteChat, response_id: str | None, messages: Sequence[Message], work: str = ""
    ) -> UpstreamMemory:
        """Return the memory after one more answer, with which `chat`, for talk or a `work`, holds these messages."""
        others = tuple(each for each in self.chats if each != chat)
        return UpstreamMemory((*others, chat), response_id, fingerprint(messages) if response_id else None, work)
