"""The models the site has now: read through any account's page, kept, and read again in the background.

The relay asks it before every answer. Knows the page seam and the catalogue's pure half in upstream; no accounts.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace

from qwenproxy.browser.page import Page
from qwenproxy.chat import ChatRequest, token_counts
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone
from qwenproxy.chat.works import Work
from qwenproxy.errors import ClientGone, ContextLengthExceeded, ModelNotFound, ProxyError
from qwenproxy.upstream import calls, models
from qwenproxy.upstream.ask import call
from qwenproxy.upstream.variants import Variant, find_variant, is_foreign, listed_variants, stand_in
from qwenproxy.upstream.works import means_pictures, model_for

log = logging.getLogger(__name__)

MODELS_FRESH = 600.0  # seconds before the list is read again


class ModelList:
    """The site's last catalogue, and the model that it has for a client's name."""

    def __init__(self, default_model: str, unknown_model: str, *, lists_variants: bool = False) -> None:
        """`unknown_model` is `default` (answer with `default_model`) or `error`; `lists_variants` lists variants."""
        self.catalogue = models.FALLBACK
        self._default_model = default_model
        self._unknown_model = unknown_model
        self._lists_variants = lists_variants
        self._must_think: set[str] = set()
        self._read_at = 0.0  # when the site was last asked, or counts as asked after a failure
        self._lock = threading.Lock()

    @property
    def known(self) -> bool:
        """Whether the list was ever read."""
        return self.catalogue is not models.FALLBACK

    @property
    def default(self) -> Variant | None:
        """The default model, None if the last known list lacks it. Does not ask the site."""
        return find_variant(self.catalogue, self._default_model)

    def refresh(self, page: Page, client_gone: ClientGoneCheck = never_gone) -> None:
        """Read the list, at once for the first time, in the background if it is old. A failure keeps the last list.

        Raises ClientGone.
        """
        if not self._read_at:
            with self._lock:
                if not self._read_at:
                    self._read(page, client_gone)
        elif time.monotonic() - self._read_at > MODELS_FRESH and self._lock.acquire(blocking=False):
            threading.Thread(target=self._read_and_unlock, args=(page,), name="models", daemon=True).start()

    def resolve(self, name: str | None, work: Work | None = None) -> Variant:
        """Return the live model for a client's name, None meaning the default, and for a work. Raises ModelNotFound."""
        if work is None:
            return self._resolve(name)
        # Clients name the engine of a picture in the place of a model.
        wanted = self._resolve(None if means_pictures(name) else name).model
        able = model_for(work, wanted, self.catalogue)
        if able is None:
            raise ModelNotFound(f"No model of the site does this kind of work ({work.kind}).", param="model")
        return Variant(able)

    def _resolve(self, name: str | None) -> Variant:
        name = name or self._default_model
        variant = find_variant(self.catalogue, name)
        if variant is not None:
            return variant
        if self._unknown_model == "error":
            raise model_not_found(name)
        default = self.default
        if default is None:
            raise ModelNotFound(f"Neither {name[:100]!r} nor the default model exists on the site.", param="model")
        return stand_in(default, self.catalogue, name)

    def describe(self, name: str) -> Variant:
        """Return what a name means that a client wants described. Raises ModelNotFound, also for a name made up.

        Names of other vendors' models are described while requests may use them.
        """
        if find_variant(self.catalogue, name) is None and not is_foreign(name):
            raise model_not_found(name)
        return self.resolve(name)

    def listing(self) -> list[tuple[str, Variant]]:
        """Return the names to list: the site's own, maybe their variants, then the documented ones, each once."""
        catalogue, names = self.catalogue, dict[str, Variant]()
        for name, model in catalogue.listing():
            names.setdefault(name, Variant(model))
            if self._lists_variants and name == model.id:
                for variant_name, variant in listed_variants(self._able(model)):
                    names.setdefault(variant_name, variant)
        return list(names.items())

    def check_length(self, chat: ChatRequest) -> bool:
        """Return True if a question fits into its model's context. Raises ContextLengthExceeded, ModelNotFound."""
        maximum = self.resolve(chat.model, chat.work).model.context_length
        tokens = token_counts.exceeds(chat, maximum) if maximum else None
        if maximum and tokens:
            raise ContextLengthExceeded(tokens, maximum)
        return True

    def must_think(self, model: models.Model) -> bool:
        """Tell whether the model answers only with thinking: the site's list says so, or the site refused it."""
        return model.always_thinks or model.id in self._must_think

    def note_must_think(self, model: models.Model) -> None:
        """Remember that the site refused to let the model answer without thinking, until the server ends."""
        self._must_think.add(model.id)

    def _able(self, model: models.Model) -> models.Model:
        return replace(model, always_thinks=True) if self.must_think(model) else model

    def _read_and_unlock(self, page: Page) -> None:
        try:
            self._read(page)
        finally:
            self._lock.release()

    def _read(self, page: Page, client_gone: ClientGoneCheck = never_gone) -> None:
        try:
            body = call(page, calls.list_models(), client_gone)
            self.catalogue = models.Catalogue(models.parse_models(body))
            self._read_at = time.monotonic()
        except ClientGone:
            raise
        except ProxyError as error:
            # Use the old list for another minute, because yesterday's names nearly always still work.
            log.warning("the model list could not be read, using the last known one: %s", error.message)
            self._read_at = time.monotonic() - MODELS_FRESH + 60


def model_not_found(name: str) -> ModelNotFound:
    """Return the error for a name that means no model."""
    return ModelNotFound(f"The model {name[:100]!r} does not exist; GET /v1/models lists them.", param="model")
