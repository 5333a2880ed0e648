"""Films on the site: one is started with the first account that may, and looked at with the account that started it.

Between media/films.py, which keeps what became of them, and the site's forms. Knows leases and the page seam; knows
neither clients nor the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from qwenproxy.accounts.pool import Lease
from qwenproxy.chat import ChatRequest
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone
from qwenproxy.errors import (
    ChatGone,
    EmptyAnswer,
    NetworkFailed,
    NoAccounts,
    ProtocolChanged,
    RateLimited,
    Refusal,
    SetupError,
    Transient,
    UpstreamTimeout,
)
from qwenproxy.relay.attempts import Wish
from qwenproxy.relay.model_list import ModelList
from qwenproxy.relay.questions import Relay, note_question
from qwenproxy.uploads.attachments import Attachments
from qwenproxy.uploads.uploader import SiteCalls
from qwenproxy.upstream import calls, films, folding
from qwenproxy.upstream.films import FilmStatus
from qwenproxy.upstream.places import SiteChat
from qwenproxy.upstream.quota import parse_quota

KIND = "t2v"  # the kind of work that the site counts, films from a picture included
# After these the site may have taken the question nevertheless.
_UNCLEAR = (EmptyAnswer, NetworkFailed, ProtocolChanged, UpstreamTimeout)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FilmTask:
    """A film that the site is making, in a chat of its own."""

    chat: SiteChat
    task_id: str


@dataclass(slots=True)
class FilmWish:
    """A question for a film. `on_chat` hears in which chat it is about to be asked, before it is asked.

    `may_start` tells whether an account has started none today.
    """

    request: ChatRequest
    on_chat: Callable[[SiteChat], None]
    may_start: Callable[[str], bool]
    tried: dict[str, SiteChat] = field(default_factory=dict)  # by account: where it may have been asked already


class FilmSite:
    """Starts films and looks how they stand."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def start(self, wish: FilmWish, client_gone: ClientGoneCheck) -> FilmTask:
        """Start a film with the first account that may. Raises RequestError and what Attempts.take raises."""
        note_question(wish.request)
        attachments = self._relay.attachments(wish.request, None, client_gone)
        uploads = ("upload",) if attachments and attachments.need_upload else ()
        prefer = attachments.account_id if attachments else None
        try:
            task = self._relay.attempts.do(
                lambda lease: self._start(lease, wish, attachments, client_gone),
                client_gone,
                Wish(prefer=prefer, kinds=(KIND, *uploads)),
            )
        except BaseException:
            self._discard(wish.tried.values())
            raise
        self._discard(chat for chat in wish.tried.values() if chat != task.chat)
        return task

    def look(self, task: FilmTask) -> FilmStatus:
        """Return how a film stands.

        Raises ChatGone if the site does not know it any more, NoAccounts while its account cannot be used, and what the
        site says.
        """

        def ask(site: SiteCalls) -> FilmStatus:
            try:
                return films.film_status(site.call(films.task_status(task.task_id)))
            except ProtocolChanged:
                return films.film_status(site.call(films.flat_task_status(task.task_id)))

        return self._on(task.chat.account_id, ask)

    def find(self, chat: SiteChat) -> FilmTask | None:
        """Return the film that was started in a chat, None if none was. Raises as `look`."""
        return self._on(chat.account_id, lambda site: _found(site, chat))

    def knows(self, account_id: str) -> bool:
        """Tell whether an account is still there."""
        return self._relay.pool.registry.get(account_id) is not None

    def discard(self, chat: SiteChat) -> None:
        """Delete the chat of a film that nobody needs any more, as soon as possible."""
        self._relay.try_to_discard(chat)

    def _discard(self, chats: Iterable[SiteChat]) -> None:
        for chat in chats:
            self._relay.try_to_discard(chat)

    def _start(
        self, lease: Lease, wish: FilmWish, attachments: Attachments | None, client_gone: ClientGoneCheck
    ) -> FilmTask:
        account_id = lease.account_id
        if attachments:
            attachments.check(account_id)
        page = lease.open()
        site = self._relay.site_calls(lease, page, client_gone)
        try:
            # An earlier try on this account may have started it, and only its answer was lost.
            if (earlier := wish.tried.get(account_id)) and (task := _found(site, earlier)):
                return task
            if not wish.may_start(account_id):
                _check_share(site)
            return self._ask(site, wish, attachments, self._relay.models_on(page, client_gone))
        except RateLimited as error:
            error.kind = error.kind or KIND  # such a limit is no limit of talk
            raise

    def _ask(self, site: SiteCalls, wish: FilmWish, attachments: Attachments | None, models: ModelList) -> FilmTask:
        request = wish.request
        model = models.resolve(request.model, request.work).model
        parts = folding.attachments(request.messages)
        files = attachments.entries(parts, site) if attachments else ()
        kind = calls.chat_type_of(None, request.work)
        chat = SiteChat(site.account_id, calls.chat_id_from(site.call(calls.new_chat(model.id, chat_type=kind))))
        wish.tried[site.account_id] = chat
        wish.on_chat(chat)
        question = calls.Question(
            model=model.id,
            text=request.messages[-1].text,
            thinking=models.must_think(model),
            files=files,
            work=request.work,
        )
        try:
            return FilmTask(chat, films.task_in_answer(site.call(calls.completion(chat.chat_id, question))))
        except _UNCLEAR:
            task = _found(site, chat)
            if task is None:
                raise
            return task

    def _on(self, account_id: str, work: Callable[[SiteCalls], Result]) -> Result:
        """Do some work with the page of one account, and of no other."""

        def with_page(lease: Lease) -> Result:
            return work(self._relay.site_calls(lease, lease.open(), never_gone))

        for lease in self._relay.pool.leases(never_gone, only=account_id, takes_turn=False):
            try:
                return lease.attempt(with_page)
            except (Refusal, Transient, SetupError) as error:
                # That a film is unknown says nothing about its account.
                if not isinstance(error, ChatGone):
                    lease.reject(error)
                raise
            finally:
                lease.close()
        raise NoAccounts("The account that makes the film cannot be used now.")


def _found(site: SiteCalls, chat: SiteChat) -> FilmTask | None:
    """Return the film that a chat holds, None if it holds none. Raises what the site says."""
    try:
        task_id = films.task_in_chat(site.call(films.read_chat(chat.chat_id)))
    except ChatGone:
        return None
    return FilmTask(chat, task_id) if task_id else None


def _check_share(site: SiteCalls) -> None:
    """Raise RateLimited unless the site says that the account may make one more film today."""
    try:
        left = {each.kind: each.times for each in parse_quota(site.call(calls.quota([KIND])))}
    except ProtocolChanged:
        left = {}
    if not left.get(KIND):
        raise RateLimited("The account has made its film of today.", for_today=True)
