"""Send what is too long for a question as a text file of the account that asks (protocol 4.9).

Every conversation goes through it once an account is chosen. Stands between folding and the uploads; knows no leases.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from qwenproxy.accounts.pool import AccountPool
from qwenproxy.chat import Message
from qwenproxy.errors import (
    EmptyAnswer,
    NetworkFailed,
    RateLimited,
    RequestError,
    SiteFailure,
    UpstreamError,
)
from qwenproxy.observe import journal
from qwenproxy.uploads import file_types
from qwenproxy.uploads.uploader import LocalFile, SiteCalls, Uploader
from qwenproxy.upstream import files, folding
from qwenproxy.upstream.dividing import Divided, divide
from qwenproxy.upstream.folding import Frame

log = logging.getLogger(__name__)

KIND = "upload"
# After these the question can still be asked without the file. Anything else concerns the account or its page.
_NO_FILE = (EmptyAnswer, NetworkFailed, RateLimited, RequestError, SiteFailure, UpstreamError)


@dataclass(frozen=True, slots=True)
class SentText:
    """The text of a question, and the `files` entries that belong to it."""

    text: str
    files: tuple[dict[str, Any], ...] = ()


class LongTexts:
    """Folds conversations; puts what is over `limit` characters into a file, if the account can take one."""

    def __init__(self, uploader: Uploader | None, limit: int, pool: AccountPool) -> None:
        """`uploader` None sends every text whole; the `pool` knows which accounts take no uploads for now."""
        self._uploader = uploader
        self._limit = limit
        self._pool = pool

    def put(self, messages: tuple[Message, ...], frame: Frame, site: SiteCalls) -> SentText:
        """Return the conversation as the question of an account; upload a file if need be.

        A file that the site does not take stays in the text. Raises ClientGone, and what the site says about the
        account or its page.
        """
        text = folding.fold(messages, frame)
        if len(text) <= self._limit or self._uploader is None or self._pool.rests_for(site.account_id, KIND):
            return SentText(text)
        divided = divide(messages, frame, self._limit)
        entry = self._upload(divided, self._uploader, site) if divided else None
        return SentText(divided.inline, (entry,)) if divided and entry else SentText(text)

    def _upload(self, divided: Divided, uploader: Uploader, site: SiteCalls) -> dict[str, Any] | None:
        """Return the entry of the file, None if the site does not take it."""
        data = divided.older.encode("utf-8", "replace")
        if len(data) > uploader.max_file_size:
            return None
        # The type is certain; the check of a client's files would refuse control characters, which are no harm here.
        file = LocalFile(divided.file_name, data, file_types.TXT)
        try:
            site_file = uploader.store_once(file, site)
        except _NO_FILE as error:
            log.warning("account=%s a long text goes whole, not as a file: %s", site.account_id, error.message)
            if isinstance(error, RateLimited):
                self._pool.note_refusal(site.account_id, error)
            return None
        journal.note(journal.SentAsFile(site.account_id, len(divided.older), len(divided.inline)))
        return files.entry(site_file, uploader.now())
