"""The meeting place: a question goes to an account, is asked on the site, and comes back as an answer under way.

The history hands a ChatRequest in and iterates the ChatRun it gets back. Knows leases, the page seam and the site's
forms; knows neither HTTP clients nor Selenium nor JSON of any wire API.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from qwenproxy.accounts.pool import Lease
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.browser.page import Page
from qwenproxy.chat import ChatRequest
from qwenproxy.chat.naming import check_names
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone
from qwenproxy.errors import (
    AccountsResting,
    ProxyError,
    QueueTimeout,
    Refusal,
    SetupError,
    Transient,
)
from qwenproxy.observe import journal
from qwenproxy.observe.pictures import AnsweredPictures
from qwenproxy.relay.asking import Asking, Means, Question
from qwenproxy.relay.attempts import Attempts, Wish
from qwenproxy.relay.deletions import UpstreamDeletions
from qwenproxy.relay.drafts import Drafts, attachments_of, wish_for
from qwenproxy.relay.explaining import Explaining, Explanation
from qwenproxy.relay.long_texts import LongTexts
from qwenproxy.relay.model_list import ModelList
from qwenproxy.relay.offers import Offers
from qwenproxy.relay.reading import Patience
from qwenproxy.relay.run import ChatRun
from qwenproxy.relay.spare_chats import SpareChats
from qwenproxy.relay.turns import new_messages
from qwenproxy.uploads.attachments import Attachments
from qwenproxy.uploads.uploader import SiteCalls, Uploader
from qwenproxy.upstream import folding, models
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.places import SiteChat, SitePlace

log = logging.getLogger(__name__)

DELETION_WAIT = 3.0  # seconds that the last deletions get when a server stops


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`unknown_model` is `default` (use default_model) or `error`; `lists_variants` lists names with endings, too.

    Text over `inline_limit` characters goes as a file. `stall_timeout` is in seconds of `clock`. `tools` says how
    functions are offered: `auto`, `native` or `prompt`. `spare_chats` is the file of chats that are made ahead of need,
    None to make none.
    """

    default_model: str = "qwen-max-latest"
    unknown_model: str = "default"
    lists_variants: bool = False
    inline_limit: int = 45_000
    stall_timeout: float = 180.0
    tools: str = "auto"
    spare_chats: Path | None = None
    clock: Callable[[], float] = time.monotonic


class Relay:
    """Answers chat requests with the first account that can."""

    def __init__(
        self,
        attempts: Attempts,
        settings: RelaySettings,
        deletions: UpstreamDeletions | None = None,
        uploader: Uploader | None = None,
        grid: GridHub | None = None,
    ) -> None:
        """`deletions` None leaves our chats on the site; `uploader` None refuses images and files.

        `grid` is where browsers open, None for this machine; only the state of the server names it.
        """
        self.pool = attempts.pool
        self.grid = grid
        self.attempts = attempts
        self._uploader = uploader
        self.pictures = uploader.pictures if uploader else AnsweredPictures()
        self._deletions = deletions
        self._settings = settings
        self._closing = threading.Lock()
        self._models = ModelList(settings.default_model, settings.unknown_model, lists_variants=settings.lists_variants)
        texts = LongTexts(uploader, settings.inline_limit, attempts.pool)
        self.patience = patience = Patience(settings.stall_timeout, settings.clock, attempts.sleep)
        offers = Offers(settings.tools)
        drafts = Drafts(self._models, offers, texts)
        self.spare_chats = SpareChats(settings.spare_chats, self.discard) if settings.spare_chats else None
        means = Means(
            self._models, offers, drafts, texts, patience, self.site_calls, self.try_to_discard, self.spare_chats
        )
        self._asking = Asking(means)
        self._explaining = Explaining(self.pool, self._models, drafts, uploader)

    def open(
        self, chat: ChatRequest, client_gone: ClientGoneCheck = never_gone, place: SitePlace | None = None
    ) -> ChatRun:
        """Start an answer and wait for its first sign; raise what goes wrong until then.

        Sends only what the site does not hold yet to a `place`, if its account can take it; otherwise sends the whole
        conversation, folded, into a new chat of the site.
        Raises RequestError, TooLarge, ModelNotFound, ContextLengthExceeded, and what Attempts.take raises.
        """
        note_question(chat)
        check_names(chat)
        fits = self._models.known and self._models.check_length(chat)
        attachments = self.attachments(chat, place, client_gone)
        question = Question(chat, place, attachments, client_gone, fits)
        wish = wish_for(chat, place, attachments)
        return self.attempts.take(lambda lease: self._asking.start(lease, question), client_gone, wish)

    def explain(self, chat: ChatRequest, place: SitePlace | None = None) -> Explanation:
        """Return what `open` would send for a request now; send nothing, and change nothing.

        Raises what `open` raises before it has an account, ModelNotFound, and NoAccounts, AccountsResting and the like.
        """
        return self._explaining.explain(chat, place)

    def discard(self, chats: Iterable[SiteChat]) -> None:
        """Delete chats of the site that this proxy made and nobody needs, in the background. Raises SetupError."""
        if self._deletions:
            self._deletions.add(chats)

    def try_to_discard(self, chat: SiteChat) -> None:
        """Do the same for one chat whose answer failed; the log says if it stays, because nobody else can hear it."""
        try:
            self.discard([chat])
        except SetupError as error:
            log.warning("account=%s upstream chat %s stays: %s", chat.account_id, chat.chat_id, error.message)

    def catalogue(self, client_gone: ClientGoneCheck = never_gone) -> models.Catalogue:
        """Return the site's models. Waits and raises as `model_list`."""
        return self.model_list(client_gone).catalogue

    def model_list(self, client_gone: ClientGoneCheck = never_gone) -> ModelList:
        """Return the site's models with the names for them; wait for an account only if the list was never read.

        Returns the last list while all accounts rest or fail, because it is better than an error. Raises NoAccounts,
        ClientGone.
        """
        if not self._models.known:
            try:
                self.warm_up(client_gone)
            except (AccountsResting, QueueTimeout, Refusal, Transient) as error:
                log.warning("the model list could not be read, using the last known one: %s", error.message)
        return self._models

    def default_model(self) -> tuple[str, models.Model | None]:
        """Return the name of the default model and the model, as far as it is known without asking the site."""
        default = self._models.default
        return self._settings.default_model, default.model if default else None

    def warm_up(
        self, client_gone: ClientGoneCheck = never_gone, opening: Callable[[str], None] = lambda account_id: None
    ) -> str:
        """Open the first account's browser and read the model list, so that no request has to wait for that.

        Calls `opening` with each account before its try; returns the one that is open. Raises what keeps every account
        from opening.
        """

        def refresh(lease: Lease) -> str:
            opening(lease.account_id)
            self._models.refresh(lease.open(), client_gone)
            return lease.account_id

        # Do not count this in the rotation, so that the first real request uses the account we just opened.
        return self.attempts.do(refresh, client_gone, Wish(takes_turn=False))

    def try_to_warm_up(self) -> None:
        """Do the same while a server starts, where a failure only goes to the log."""
        try:
            self.warm_up()
        except ProxyError as error:
            log.warning("no browser opened yet: %s", error.message)

    def finish(self, drain_wait: float) -> None:
        """Let running answers end for up to `drain_wait` seconds, then close."""
        deadline = time.monotonic() + drain_wait
        while self.pool.running() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.close()

    def close(self) -> None:
        """Delete chats that nobody used, and close every browser; running answers end with an error. Idempotent."""
        with self._closing:  # a second caller must not close the browsers under the deletions
            if self.spare_chats and self.spare_chats.close() and self._deletions:
                self._deletions.wait_idle(DELETION_WAIT)
        self.pool.close()

    def models_on(self, page: Page, client_gone: ClientGoneCheck) -> ModelList:
        """Return the site's models, read through a page that is open if need be. Raises what the site says."""
        self._models.refresh(page, client_gone)
        return self._models

    def attachments(
        self, chat: ChatRequest, place: SitePlace | None, client_gone: ClientGoneCheck
    ) -> Attachments | None:
        """Read the question's images and files, except those that the site holds already; None if it has none.

        Raises RequestError, TooLarge, UnsupportedParameter, ClientGone.
        """
        attachments = attachments_of(chat, self._uploader, client_gone)
        if attachments:
            attachments.read(folding.attachments(new_messages(chat, place)))
        return attachments

    def site_calls(self, lease: Lease, page: Page, client_gone: ClientGoneCheck) -> SiteCalls:
        """Lend an account's page for work that is not an answer."""
        return SiteCalls(
            lease.account_id,
            lambda request: call(page, request, client_gone, self._settings.clock),
            lambda seconds: self.attempts.pause(seconds, client_gone),
        )


def note_question(chat: ChatRequest) -> None:
    """Put into the journal what a question asks for; none of its texts."""
    client, model = chat.client[: journal.CLIENT_LENGTH], (chat.model or "")[: journal.MODEL_LENGTH]
    attachments = sum(len(message.attachments) for message in chat.messages)
    journal.note(journal.QuestionAsked(client, model, len(chat.tools), attachments))
