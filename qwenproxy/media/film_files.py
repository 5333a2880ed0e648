"""The file of a film: read once from the address that the site gave, looked at, and kept here."""

from __future__ import annotations

from dataclasses import dataclass

from qwenproxy.media.fetching import DeadAddress, WorkFetcher
from qwenproxy.media.mp4 import Film, film_in
from qwenproxy.media.store import MediaStore

MOST_FILM_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FilmFiles:
    """Films as files."""

    store: MediaStore
    fetcher: WorkFetcher

    def read(self, address: str, account_id: str) -> tuple[bytes, Film]:
        """Return the file of a film and what it says of itself; it is fetched only if it is not kept.

        Raises DeadAddress, SetupError, and what WorkFetcher.fetch raises.
        """
        data = self.store.get(address)
        if data is not None and (film := film_in(data)):
            return data, film
        data = self.fetcher.fetch(address, account_id, MOST_FILM_BYTES)
        film = film_in(data)
        if film is None:
            raise DeadAddress("The site's address for the film leads to something else. Try again in a moment.")
        self.store.keep(address, data)
        return data, film

    def drop(self, address: str) -> None:
        """Delete the file of a film, if it is kept. Raises SetupError."""
        if address:
            self.store.drop(address)
