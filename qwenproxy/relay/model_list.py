"""The models the site has now: read through any account's page, kept, and read again in the background.

The relay asks it before every answer. Knows the page seam and the catalogue's pure half in upstream; no accounts.
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

MODELS_FRESH = 600.0  # seconds before the list is read again


class ModelList:
    """The site's last catalogue, and the model that it has for a client's name."""

    def __init__(self, default_model: str, unknown_model: str) -> None:
        """`unknown_model` is `default` (answer with `default_model`) or `error`."""
        self.catalogue = models.FALLBACK
        self._default_model = default_model
        self._unknown_model = unknown_model
        self._read_at = 0.0
        self._lock = threading.Lock()

    @property
    def known(self) -> bool:
        """Whether the list was ever read."""
        return bool(self._read_at)

    def refresh(self, page: Page, client_gone: ClientGoneCheck = never_gone) -> None:
        """Read the list, at once for the first time, in the background if it is old. A failure keeps the last list.

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
        name = name or self._default_model
        model = self.catalogue.resolve(name)
        if model is None and self._unknown_model == "error":
            raise ModelNotFound(f"The model {name[:100]!r} does not exist; GET /v1/models lists them.", param="model")
        model = model or self.catalogue.resolve(self._default_model)
        if model is None:
            raise ModelNotFound(f"Neither {name[:100]!r} nor the default model exists on the site.", param="model")
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
            # Use the old list for another minute, because yesterday's names nearly always still work.
            log.warning("the model list could not be read, using the last known one: %s", error.message)
            self._read_at = time.monotonic() - MODELS_FRESH + 60
