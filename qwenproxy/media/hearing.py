"""What is said in a sound file, as text: the file goes to a model that hears, with the wish for a transcript.

Between the relay and the routes. The site gives no times, so there are none.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from qwenproxy.chat import ChatRequest, FilePart, Message, TextPart
from qwenproxy.chat.waiting import ClientGoneCheck
from qwenproxy.errors import ModelNotFound
from qwenproxy.relay.questions import Relay
from qwenproxy.upstream.models import Catalogue, Model

_WRITE = (
    "Write down word for word what is said in the attached sound file, in the language that is spoken, with "
    "punctuation. Answer with the transcript alone: no title, no comment, no quotation marks around it."
)
_TRANSLATE = (
    "Write down in English what is said in the attached sound file, whatever language is spoken, with punctuation. "
    "Answer with the English text alone: no title, no comment, no quotation marks around it."
)


@dataclass(frozen=True, slots=True)
class SoundWish:
    """A sound file to write down. `url` is a data: address; `hint` is text that the client gives to help."""

    url: str
    name: str
    model: str | None = None
    language: str | None = None
    hint: str | None = None
    translated: bool = False
    client: str = ""

    @property
    def question(self) -> str:
        """What the model is asked."""
        lines = [_TRANSLATE if self.translated else _WRITE]
        if self.language:
            lines.append(f"The language that is spoken: {self.language}.")
        if self.hint:
            lines.append(f"This may help with names and spelling; it is not part of the sound:\n{self.hint}")
        return "\n\n".join(lines)


class Hearing:
    """Has sound files written down."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def write_down(self, wish: SoundWish, client_gone: ClientGoneCheck) -> str:
        """Return what is said in a file. Raises ModelNotFound if no model hears, and what Relay.open raises."""
        model = _able(self._relay.catalogue(client_gone), wish.model)
        message = Message("user", (TextPart(wish.question), FilePart(wish.url, wish.name, is_sound=True)))
        question = ChatRequest((message,), model.id, client=wish.client)
        with ExitStack() as leaving, self._relay.open(question, client_gone) as run:
            leaving.callback(self._relay.try_to_discard, run.place.chat)
            for _ in run:
                pass
        return run.answer.text.strip()


def _able(catalogue: Catalogue, name: str | None) -> Model:
    """Return the model that the client named if it hears, else the first that does."""
    wanted = catalogue.resolve(name) if name else None
    able = [model for model in ((wanted,) if wanted else ()) + catalogue.live if model.audio]
    if not able:
        raise ModelNotFound("No model of the site hears sound files now.", param="model")
    return able[0]
