"""Errors on our side: no account is free, the client has left, or this machine is not ready."""

from __future__ import annotations

from qwenproxy.errors.base import ProxyError
from qwenproxy.texts import Phrase


class Unavailable(ProxyError):
    """No account can take the request now."""

    status = 503


class NoAccounts(Unavailable):
    """There is no account, or every account is INVALID."""

    code = "no_accounts"


class AccountsResting(Unavailable):
    """Every account is in WAIT; `retry_after` is the time until the first one returns."""

    status = 429
    code = "rate_limited"
    type = "rate_limit_error"


class QueueTimeout(Unavailable):
    """No account became free within QUEUE_WAIT."""

    status = 429
    code = "queue_timeout"
    type = "rate_limit_error"


class ClientGone(ProxyError):
    """The client closed its connection, so the work for it stops."""

    status = 499
    code = "client_gone"


class InternalError(ProxyError):
    """A bug: qwenproxy failed in an unforeseen way."""

    status = 500
    code = "internal_error"


class SetupError(ProxyError):
    """This machine or its files prevent the work."""

    status = 503
    code = "setup_error"
    exit_code = 1

    def __init__(self, words: Phrase | str, *, retry_after: float | None = None) -> None:
        """`words` are shown untranslated if they are a plain string."""
        super().__init__(str(words), retry_after=retry_after)
        self._words = words
        if isinstance(words, Phrase):
            self.client_message = words.without_folders()  # clients must not learn the folders of this machine

    @property
    def phrase(self) -> Phrase | None:
        """The message as a phrase; None where it exists in one language only."""
        return self._words if isinstance(self._words, Phrase) else None

    def say(self, lang: str) -> str:
        return self._words.say(lang) if isinstance(self._words, Phrase) else self._words


class StorageError(SetupError):
    """The session folder cannot be read or written."""

    status = 503
    code = "storage_error"


class BrowserError(SetupError):
    """A browser or its driver does not start; the message quotes the driver and names a cure."""

    code = "browser_error"


class SharedBrowserError(SetupError):
    """The Chrome that several accounts share does not start, or ended. No account is to blame, so none rests."""

    code = "browser_error"


class GridError(SetupError):
    """The Selenium Grid opens no browser: its hub is silent, or has no free slot. No account is to blame."""

    code = "browser_error"


class GridFull(GridError):
    """Every slot of the Selenium Grid is taken. One that an idle browser of ours has can be freed."""


class ConfigError(SetupError):
    """A setting is unknown or invalid."""

    exit_code = 2


class NoUsableAccount(SetupError):
    """The command needs a usable account, and there is none."""

    exit_code = 3
