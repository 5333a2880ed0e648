"""The models the site has now: read through any account's page, kept, and read again in the background.

Asked by the relay before every answer. Knows the page seam and the catalogue's pure half in upstream; no accounts.
"""

from __future__ import annotations

import logging
import threading
import time

from qwenproxy.browser.page import Page
from qwenproxy.chat.waiting import ClientGoneCheck, never_gone
from qwenproxy.errors import ClientGone, ModelNotFound, ProxyError
from qwenproxy.upstream import calls, models
from qwenproxy.upstream.ask import call

log = logging.getLogger(__name__)

MODELS_FRESH = 600.0  # seconds the list is taken as it is


class ModelList:
    """The last known catalogue, and how a client's model name is answered by it."""

    def __init__(self, default_model: str, unknown_model: str) -> None:
        """`unknown_model` is `default` (answer with `default_model`) or `error`."""
        self.catalogue = models.FALLBACK
        self._default_model = default_model
        self._unknown_model = unknown_model
        self._read_at = 0.0
        self._lock = threading.Lock()

    @property
    def known(self) -> bool:
        """Whether the site was ever asked."""
        return bool(self._read_at)

    def refresh(self, page: Page, client_gone: ClientGoneCheck = never_gone) -> None:
        """Read the list now if it never was, in the background if it has aged. Keeps the last one if that fails.

        Raises ClientGone.
        """
        if not self.known:
            with self._lock:
                if not self.known:
                    self._read(page, client_gone)
        elif time.monotonic() - self._read_at > MODELS_FRESH and self._lock.acquire(blocking=False):
            threading.Thread(target=self._read_and_unlock, args=(page,), name="models", daemon=True).start()

    def resolve(self, name: str | None) -> models.Model:
        """Return the live model for a client's name, None meaning the default. Raises ModelNotFound."""
        wanted = name or self._default_model
        model = self.catalogue.resolve(wanted)
        if model is None and self._unknown_model == "error":
            raise ModelNotFound(f"The model {wanted[:100]!r} does not exist; GET /v1/models lists them.", param="model")
        model = model or self.catalogue.resolve(self._default_model)
        if model is None:
            raise ModelNotFound(f"Neither {wanted[:100]!r} nor the default model exists on the site.", param="model")
        return model

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
            # Another minute with the list at hand: the names of a day ago nearly always still work.
            log.warning("the model list could not be read, using the last known one: %s", error.message)
            self._read_at = time.monotonic() - MODELS_FRESH + 60
