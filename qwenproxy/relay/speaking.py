"""Speech: a text is put in the place of a short answer of the site, which then reads it aloud word for word.

The voice is a setting of the whole account (protocol 11.3). It is never changed here: requests at the same time would
take it from each other, and from the account's person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qwenproxy.accounts.pool import Lease
from qwenproxy.browser.page import Page, PageResponse
from qwenproxy.chat import Tick
from qwenproxy.chat.waiting import ClientGoneCheck, check_client
from qwenproxy.errors import EmptyAnswer, RateLimited, SiteFailure, UpstreamTimeout, VoiceElsewhere
from qwenproxy.relay.attempts import Wish
from qwenproxy.relay.model_list import ModelList
from qwenproxy.relay.questions import Relay
from qwenproxy.relay.reading import Patience, Reading
from qwenproxy.upstream import calls, refusals, speech
from qwenproxy.upstream.ask import REFUSAL_BODY, read_body
from qwenproxy.upstream.models import Model
from qwenproxy.upstream.places import SiteChat

KIND = "tts"
_ANYTHING = "Answer with the word OK."  # the answer is overwritten


@dataclass(frozen=True, slots=True)
class SpeechWish:
    """A text to read aloud. `voice` None leaves the voice to the account."""

    text: str
    voice: str | None = None


class Speech:
    """Sound under way, as an iterator of pieces: 16 bit, little endian, mono, 24 kHz; b"" after a second of silence.

    A piece may end within a sample. The caller closes it.
    """

    def __init__(self, lease: Lease, relay: Relay, chat: SiteChat, response: PageResponse, patience: Patience) -> None:
        self._lease = lease
        self._relay = relay
        self._chat = chat
        self._response = response
        self._patience = patience
        self._decoder = speech.SoundDecoder()
        self._pieces = self._read()
        self._first = b""
        self._is_closed = False

    def prime(self, client_gone: ClientGoneCheck) -> None:
        """Wait for the first piece: until then another account can take over. Raises what the site says, ClientGone."""
        while not self._first:
            self._first = next(self._pieces)
            check_client(client_gone)

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._pieces

    def close(self) -> None:
        """Stop what still runs, and give the account back. Idempotent."""
        if not self._is_closed:
            self._is_closed = True
            self.abandon()
            self._lease.close()

    def abandon(self) -> None:
        """Stop what still runs, but keep the lease for another try."""
        self._response.close()
        self._relay.try_to_discard(self._chat)

    def _read(self) -> Iterator[bytes]:
        """Yield the sound to its end. Raises what the site says, UpstreamTimeout, SiteFailure, EmptyAnswer."""
        yield from self._await_stream()
        silent, has_sound = 0, False
        for text in self._response.iter_text():
            silent = 0 if text else silent + 1
            if silent >= self._patience.stall_timeout:
                raise UpstreamTimeout(f"The site was silent for {silent} s in the middle of its speech.")
            if not text:
                yield b""
            for piece in self._decoder.feed(text):
                has_sound = True
                yield piece
            if self._decoder.is_finished:
                break
        if not has_sound:
            raise EmptyAnswer("The site read nothing aloud. Try again in a moment.")
        if not self._decoder.is_finished:
            raise SiteFailure("The site broke off in the middle of its speech. Try again in a moment.")

    def _await_stream(self) -> Iterator[bytes]:
        seconds = 0
        while (head := self._response.head(1.0)) is None:
            seconds += 1
            if seconds >= self._patience.stall_timeout:
                raise UpstreamTimeout(f"The site did not begin its speech within {seconds} s.")
            yield b""
        if not refusals.is_stream(head):
            raise read_body(self._response, REFUSAL_BODY, clock=self._patience.clock).refusal(head)


class SpeechSite:
    """Has texts read aloud with the first account that can."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def say(self, text: str, voice: str | None, client_gone: ClientGoneCheck) -> Speech:
        """Start to read a text aloud and wait for the first sound; `voice` None leaves the voice to the account.

        Raises VoiceElsewhere if no account has the voice, and as Attempts.take.
        """
        wish = SpeechWish(text, voice)
        return self._relay.attempts.take(
            lambda lease: self._say(lease, wish, client_gone), client_gone, Wish(kinds=(KIND,))
        )

    def _say(self, lease: Lease, wish: SpeechWish, client_gone: ClientGoneCheck) -> Speech:
        page = lease.open()
        site = self._relay.site_calls(lease, page, client_gone)
        if wish.voice is not None:
            _check_voice(wish.voice, speech.voice_in(site.call(calls.account_settings())))
        models = self._relay.models_on(page, client_gone)
        model = _quickest(models)
        chat = SiteChat(lease.account_id, calls.chat_id_from(site.call(calls.new_chat(model.id))))
        try:
            opening = calls.Question(model.id, _ANYTHING, thinking=models.must_think(model))
            message_id = self._answer(page, chat, opening, client_gone)
            site.call(speech.rewrite(chat.chat_id, message_id, wish.text))
            response = page.fetch(speech.speak(chat.chat_id, message_id))
        except BaseException:
            self._relay.try_to_discard(chat)
            raise
        sound = Speech(lease, self._relay, chat, response, self._relay.patience)
        try:
            sound.prime(client_gone)
        except BaseException as error:
            sound.abandon()
            if isinstance(error, RateLimited):
                error.kind = KIND  # it may still talk
            raise
        return sound

    def _answer(self, page: Page, chat: SiteChat, opening: calls.Question, client_gone: ClientGoneCheck) -> str:
        """Let the site give an answer; return its id. Raises what the site says, EmptyAnswer, ClientGone."""
        reading = Reading(page, chat.chat_id, calls.completion(chat.chat_id, opening), self._relay.patience)
        try:
            for event in reading:
                if isinstance(event, Tick):
                    check_client(client_gone)
            if reading.response_id is None:
                raise EmptyAnswer("The site gave no answer to put the text into. Try again in a moment.")
            return reading.response_id
        finally:
            reading.close()


def _quickest(models: ModelList) -> Model:
    """Return the model that answers soonest, since its answer does not matter."""
    live = models.catalogue.live
    return next((model for model in live if model.kind == "fast"), None) or models.resolve(None).model


def _check_voice(wanted: str, own: str) -> None:
    if wanted.lower() != own.lower():
        raise VoiceElsewhere(
            f"No usable account speaks with the voice {wanted[:100]!r}. The voice is a setting of the account on the "
            "site, and requests do not change it. Choose it there, or send alloy to hear the account's own.",
            param="voice",
        )
