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


@dataclass(frozen=True, slots=True)
class PlannedText:
    """The text of a question as it will be: `whole`, unless the site takes `file` with the older part of `divided`."""

    whole: str
    divided: Divided | None = None
    file: LocalFile | None = None

    @property
    def inline(self) -> str:
        """The text of the question if all goes well."""
        return self.divided.inline if self.divided else self.whole


class LongTexts:
    """Folds conversations; puts what is over `limit` characters into a file, if the account can take one."""

    def __init__(self, uploader: Uploader | None, limit: int, pool: AccountPool) -> None:
        """`uploader` None sends every text whole; the `pool` knows which accounts take no uploads for now."""
        self._uploader = uploader
        self._limit = limit
        self._pool = pool

    def plan(self, messages: tuple[Message, ...], frame: Frame, account_id: str) -> PlannedText:
        """Return the conversation as the question of an account, in two if it is too long; upload nothing."""
        text = folding.fold(messages, frame)
        if len(text) <= self._limit or self._uploader is None or KIND in self._pool.kinds_resting(account_id):
            return PlannedText(text)
        divided = divide(messages, frame, self._limit)
        data = divided.older.encode("utf-8", "replace") if divided else b""
        if divided is None or len(data) > self._uploader.max_file_size:
            return PlannedText(text)
        # The type is certain; the check of a client's files would refuse control characters, which are no harm here.
        return PlannedText(text, divided, LocalFile(divided.file_name, data, file_types.TXT))

    def put(self, planned: PlannedText, site: SiteCalls) -> SentText:
        """Return what is sent of a planned text; upload its file.

        A file that the site does not take stays in the text. Raises ClientGone, and what the site says about the
        account or its page.
        """
        if planned.divided is None or planned.file is None or self._uploader is None:
            return SentText(planned.whole)
        entry = self._upload(planned.file, planned.divided, self._uploader, site)
        return SentText(planned.divided.inline, (entry,)) if entry else SentText(planned.whole)

    def _upload(self, file: LocalFile, divided: Divided, uploader: Uploader, site: SiteCalls) -> dict[str, Any] | None:
        """Return the entry of the file, None if the site does not take it."""
        try:
            site_file = uploader.store_once(file, site)
        except _NO_FILE as error:
            log.warning("account=%s a long text goes whole, not as a file: %s", site.account_id, error.message)
            if isinstance(error, RateLimited):
                self._pool.note_refusal(site.account_id, error)
            return None
        journal.note(journal.SentAsFile(site.account_id, len(divided.older), len(divided.inline)))
        return files.entry(site_file, uploader.now())
