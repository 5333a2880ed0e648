"""state.db: what is kept in tables, because it is looked up by more than a name (contract 3).

The only module that knows SQLite. Rooms above hand in statements; schema.py lists the tables. All threads share one
connection, one at a time, since a statement takes less than a millisecond; other processes may read and write beside it
(WAL). Must not know what a table means.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from qwenproxy.disk import files
from qwenproxy.disk.locks import PathLock
from qwenproxy.disk.schema import MIGRATIONS
from qwenproxy.errors import StorageError
from qwenproxy.texts import Phrase

LOCK_WAIT = 5.0  # seconds that a statement waits for a write of another process
WAL_LIMIT = 4 << 20  # bytes of the write-ahead log that stay on the disk

Row = tuple[Any, ...]
Result = TypeVar("Result")

# Python raises the second one when a damaged file makes SQLite quote it.
_TROUBLES = (sqlite3.Error, UnicodeDecodeError)
# What the disk or another process refuses. Any other failure of the database means that its file is broken.
_REFUSALS = ("disk is full", "readonly", "unable to open", "disk i/o error", "locked", "out of memory", "permission")


class Transaction:
    """Statements that take effect together or not at all."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, *values: object) -> list[Row]:
        """Return the rows that a statement selects."""
        return self._connection.execute(statement, values).fetchall()

    def do(self, statement: str, *values: object) -> int:
        """Execute a statement that changes something; return the number of rows it changed."""
        return self._connection.execute(statement, values).rowcount


class State:
    """The database of one session folder. Safe among threads and processes.

    Opens its file when it is first used. A broken file is moved aside, and its place taken by an empty one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = PathLock(path)
        self._mutex = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # device and inode of the file that is open
        self._disconnect: Callable[[], object] = _nothing_to_close

    def rows(self, statement: str, *values: object) -> list[Row]:
        """Return the rows that one statement selects. Raises StorageError."""
        return self._attempt(lambda connection: Transaction(connection).rows(statement, *values))

    def change(self, work: Callable[[Transaction], Result]) -> Result:
        """Do some work as one transaction and return its result. Raises StorageError, and what the work raises.

        The work happens again on an empty database if the file turns out broken, so it must change nothing else.
        """
        return self._transact("BEGIN IMMEDIATE", work)

    def look(self, work: Callable[[Transaction], Result]) -> Result:
        """Do work that only reads, all of it as of one moment; it waits for no other process. Raises as `change`."""
        return self._transact("BEGIN", work)

    def close(self) -> None:
        """Close the file; the next use opens it again. Idempotent."""
        with self._mutex:
            self._forget_connection()

    def _transact(self, begin: str, work: Callable[[Transaction], Result]) -> Result:
        def transact(connection: sqlite3.Connection) -> Result:
            with _transaction(connection, begin):
                return work(Transaction(connection))

        return self._attempt(transact)

    def _attempt(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        with self._mutex:
            try:
                return self._once(work)
            except _TROUBLES as error:
                self._forget_connection()
                if not _shows_damage(error):
                    raise self._refused(error) from error
                self._set_aside(error)
            try:
                return self._once(work)
            except _TROUBLES as error:
                self._forget_connection()
                raise self._refused(error) from error

    def _once(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        # Somebody may have removed or replaced the file: what is written to the old one would be lost.
        if self._connection is None or self._file != _identity(self._path):
            self._forget_connection()
            self._connection = self._connect()
        return work(self._connection)

    def _connect(self) -> sqlite3.Connection:
        files.ensure_folder(self._path.parent)
        with self._lock:
            _make_private_file(self._path)
            # Not SQLite's own transactions of Python: ours begin and end where we say so.
            connection = sqlite3.connect(
                self._path, timeout=LOCK_WAIT, isolation_level=None, check_same_thread=False, cached_statements=64
            )
            self._disconnect = weakref.finalize(self, connection.close)
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", f"journal_size_limit = {WAL_LIMIT}"):
                connection.execute(f"PRAGMA {pragma}")
            _migrate(connection)
            self._file = _identity(self._path)
            return connection

    def _forget_connection(self) -> None:
        self._connection = None
        self._disconnect()
        self._disconnect = _nothing_to_close

    def _set_aside(self, error: Exception) -> None:
        """Move the broken file out of the way, with what belongs to it. Raises StorageError."""
        with self._lock:
            if not self._path.exists():
                return
            target = files.set_aside(self._path, _reason(error))
            for suffix in ("-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    self._path.with_name(self._path.name + suffix).replace(target.with_name(target.name + suffix))

    def _refused(self, error: Exception) -> StorageError:
        return StorageError(Phrase("write_refused", path=self._path, reason=_reason(error)))


def _nothing_to_close() -> None:
    """Stand in for the closing of a connection."""


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """Commit at the end of the block, or undo what a block that fails has done."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has ended the transaction itself after some failures.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date; leave those of a newer version alone."""
    if _version(connection) >= len(MIGRATIONS):
        return
    with _transaction(connection):
        # Read again: another process may have done it meanwhile.
        for number, migration in enumerate(MIGRATIONS[_version(connection) :], _version(connection) + 1):
            for statement in migration:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _reason(error: Exception) -> str:
    """Return what SQLite says, without the content of the table that it may quote."""
    return str(error).partition(" with text ")[0] if isinstance(error, sqlite3.Error) else "text that is not UTF-8"


def _shows_damage(error: Exception) -> bool:
    """Tell whether the file is broken: it is no database, its pages contradict each other, or tables are missing."""
    if isinstance(error, UnicodeDecodeError):
        return True
    kinds = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.NotSupportedError)
    if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, kinds):
        return False
    return not any(words in str(error).lower() for words in _REFUSALS)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _make_private_file(path: Path) -> None:
    """Create the file for its owner alone; what SQLite puts beside it gets the same rights. Raises StorageError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        files.make_private(path)
    except OSError as error:
        raise files.refused("write_refused", path, error) from error
