"""What a question will be on one account, before its page is touched: model, functions, place, text, switches.

Whether a question is sent (asking.py) or only explained (explaining.py), it is drafted here, so both are the same.
Reads what was learned and changes nothing. Knows no lease, no page and no other account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qwenproxy.chat import ChatRequest, Message
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone
from qwenproxy.errors import UnsupportedParameter
from qwenproxy.relay.attempts import Wish
from qwenproxy.relay.long_texts import KIND, LongTexts, PlannedText
from qwenproxy.relay.model_list import ModelList
from qwenproxy.relay.offers import Offers
from qwenproxy.relay.searching import offer_search, site_search
from qwenproxy.relay.turns import frame_for, new_messages
from qwenproxy.uploads.attachments import Attachments
from qwenproxy.uploads.uploader import Uploader
from qwenproxy.upstream import calls, dialects, folding
from qwenproxy.upstream.dialects import Way
from qwenproxy.upstream.folding import Attachment
from qwenproxy.upstream.models import Model
from qwenproxy.upstream.places import SitePlace


@dataclass(frozen=True, slots=True)
class Draft:
    """A question for one account; `chat` has the switches of its model's name.

    `place` is None where the site gets the whole conversation, in a new chat. `way` says how functions are offered,
    None if the request has none; `search_name` is that of the function by which the model searches the web, "" without
    one.
    """

    account_id: str
    chat: ChatRequest
    model: Model
    place: SitePlace | None
    way: Way | None
    search_name: str

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages that are sent."""
        return new_messages(self.chat, self.place)

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The images and files of these messages."""
        return folding.attachments(self.messages)


class Drafts:
    """Drafts questions with what is known of models, and of what accounts take."""

    def __init__(self, models: ModelList, offers: Offers, texts: LongTexts) -> None:
        self._models = models
        self._offers = offers
        self._texts = texts

    def draft(self, account_id: str, request: ChatRequest, place: SitePlace | None) -> Draft:
        """Return the question of a request on an account. Raises ModelNotFound."""
        variant = self._models.resolve(request.model, request.work)
        chat, search_name = offer_search(variant.applied_to(request))
        model = variant.model
        way = self._offers.way(account_id, model.id, chat.tools) if chat.tools else None
        return Draft(account_id, chat, model, _usable(place, account_id, model.id), way, search_name)

    def text(self, draft: Draft) -> PlannedText:
        """Return the text of a question, and what of it goes as a file."""
        frame = frame_for(draft.chat, draft.way, draft.place)
        return self._texts.plan(draft.messages, frame, draft.account_id)

    def turn(self, draft: Draft, text: str, files: tuple[dict[str, Any], ...]) -> calls.Question:
        """Return a question as it goes to the site."""
        chat, model = draft.chat, draft.model
        return calls.Question(
            model=model.id,
            text=text,
            parent_id=draft.place.response_id if draft.place else None,
            thinking=bool(chat.thinking) or self._models.must_think(model),
            thinking_budget=model.thinking_budget(chat.thinking_budget),
            files=files,
            local_tools=dialects.local_tools(chat.tools) if draft.way == "native" else None,
            offers_tools=bool(chat.tools),
            search=site_search(chat, model),
            work=chat.work,
        )


def attachments_of(
    chat: ChatRequest, uploader: Uploader | None, client_gone: ClientGoneCheck = never_gone
) -> Attachments | None:
    """Return a place for a question's images and files, which are not read yet; None if it has none.

    Raises UnsupportedParameter where there is no uploader.
    """
    if not any(message.attachments for message in chat.messages):
        return None
    if uploader is None:
        raise UnsupportedParameter("Images and files are not supported here.", param="messages")
    return Attachments(uploader, client_gone)


def wish_for(chat: ChatRequest, place: SitePlace | None, attachments: Attachments | None) -> Wish:
    """Return which account is best for a question: the one that has the files, or the conversation."""
    owner = attachments.account_id if attachments else None
    kinds = (*((chat.work.kind,) if chat.work else ()), *((KIND,) if attachments and attachments.need_upload else ()))
    return Wish(prefer=owner or (place.chat.account_id if place else None), kinds=kinds)


def _usable(place: SitePlace | None, account_id: str, model: str) -> SitePlace | None:
    """Return the place if this account can go on there with a model, None if it has to begin anew."""
    if place is None or place.chat.account_id != account_id or (place.model and place.model != model):
        return None
    return place
