"""What the product itself cannot do: no account is free, nobody listens any more, or this machine is not ready."""

from __future__ import annotations

from qwenproxy.errors.base import ProxyError
from qwenproxy.texts import Phrase


class Unavailable(ProxyError):
    """No account can take the request now."""

    status = 503


class NoAccounts(Unavailable):
    """There is no account, or every one is INVALID."""

    code = "no_accounts"


class AccountsResting(Unavailable):
    """Every account is in WAIT; `retry_after` tells when the first one is back."""

    status = 429
    code = "rate_limited"
    type = "rate_limit_error"


class QueueTimeout(Unavailable):
    """No account came free within QUEUE_WAIT."""

    status = 429
    code = "queue_timeout"
    type = "rate_limit_error"


class ClientGone(ProxyError):
    """The client closed its connection; the work for it stops."""

    status = 499
    code = "client_gone"


class InternalError(ProxyError):
    """The product itself failed in a way that nobody foresaw."""

    status = 500
    code = "internal_error"


class SetupError(ProxyError):
    """Something about this machine or its files keeps a command from working."""

    status = 503
    code = "setup_error"
    exit_code = 1

    def __init__(self, words: Phrase | str, *, retry_after: float | None = None) -> None:
        """`words` that are no phrase stand in one language for all."""
        super().__init__(str(words), retry_after=retry_after)
        self._words = words
        if isinstance(words, Phrase):
            self.client_message = words.without_folders()  # where things are on this machine is not for them

    def say(self, lang: str) -> str:
        return self._words.say(lang) if isinstance(self._words, Phrase) else self._words


class StorageError(SetupError):
    """The session folder cannot be read or written as it should."""

    status = 503
    code = "storage_error"


class BrowserError(SetupError):
    """A browser or its driver does not start; the message is the driver's own sentence with its cure."""

    code = "browser_error"

    @property
    def phrase(self) -> Phrase | None:
        """The message in any language, where it is told in more than one."""
        return self._words if isinstance(self._words, Phrase) else None


class ConfigError(SetupError):
    """A setting is unknown or cannot be read."""

    exit_code = 2


class NoUsableAccount(SetupError):
    """No account is usable, and the command needs one."""

    exit_code = 3
