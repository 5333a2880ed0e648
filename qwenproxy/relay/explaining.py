"""What would be sent for a request, found out on the way that sends it, up to the moment where a page is needed.

The history asks it through the relay. Nothing is sent, opened, fetched or remembered, and no account's turn is taken.
Knows no lease and no page.
"""

from __future__ import annotations

from dataclasses import dataclass

from qwenproxy.accounts.pool import AccountPool
from qwenproxy.browser.page import PageRequest
from qwenproxy.chat import ChatRequest
from qwenproxy.chat.naming import check_names
from qwenproxy.relay.drafts import Draft, Drafts, attachments_of, wish_for
from qwenproxy.relay.long_texts import PlannedText
from qwenproxy.relay.model_list import ModelList
from qwenproxy.relay.turns import new_messages
from qwenproxy.uploads.attachments import Foreseen, unsent
from qwenproxy.uploads.uploader import Uploader
from qwenproxy.upstream import calls, files, folding
from qwenproxy.upstream.places import SitePlace

NEW_CHAT = "NEW-CHAT"  # in place of the id that the site gives a new chat


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would be sent. `waits`: the account is busy, so the request would wait, and perhaps get another one.

    `files` are those of the request; the text has one more if it is too long. `requests` are the calls of the page
    without uploads: perhaps a new chat, then the question. `is_sure`: the site's models were read, not only assumed.
    """

    draft: Draft
    waits: bool
    turn: calls.Question
    text: PlannedText
    files: tuple[Foreseen, ...]
    requests: tuple[PageRequest, ...]
    is_sure: bool


class Explaining:
    """Explains requests."""

    def __init__(self, pool: AccountPool, models: ModelList, drafts: Drafts, uploader: Uploader | None) -> None:
        self._pool = pool
        self._models = models
        self._drafts = drafts
        self._uploader = uploader

    def explain(self, chat: ChatRequest, place: SitePlace | None) -> Explanation:
        """Return what would be sent now. Raises as `Relay.explain`."""
        check_names(chat)
        self._models.check_length(chat)
        attachments = attachments_of(chat, self._uploader)
        if attachments:
            attachments.look(folding.attachments(new_messages(chat, place)))
        wish = wish_for(chat, place, attachments)
        account_id, waits = self._pool.foresee(wish.prefer, wish.kinds)
        if attachments:
            attachments.check(account_id)
        draft = self._drafts.draft(account_id, chat, place)
        if attachments:
            attachments.look(draft.attachments)  # more than before, if this account cannot go on in the place
        foreseen = attachments.foresee(draft.attachments, account_id) if attachments else ()
        text = self._drafts.text(draft)
        entries = [file.entry for file in foreseen]
        if text.file:
            entries.append(files.entry(unsent(text.file, account_id), 0.0))
        turn = self._drafts.turn(draft, text.inline, tuple(entries))
        return Explanation(draft, waits, turn, text, foreseen, _requests(draft, turn), self._models.known)


def _requests(draft: Draft, turn: calls.Question) -> tuple[PageRequest, ...]:
    if draft.place:
        return (calls.completion(draft.place.chat.chat_id, turn),)
    creation = calls.new_chat(turn.model, chat_type=calls.chat_type_of(turn.search, turn.work))
    return creation, calls.completion(NEW_CHAT, turn)
