"""The tables of state.db, as a list of migrations (contract 3). The state applies those that a file lacks, in order.

To add a table, append a migration. Never change one that was released, and only ever add: an older version must be able
to work with the file of a newer one.
"""

from __future__ import annotations

Migration = tuple[str, ...]

# Places in chats of the site where a conversation of a client can go on, the chats they are in, and the accounts that
# were refused a question under an older answer. Times are in ms since 1970.
_SITE_PLACES: Migration = (
    """CREATE TABLE site_chats (
        account TEXT NOT NULL, chat TEXT NOT NULL, newest TEXT NOT NULL, record TEXT, used INTEGER NOT NULL,
        PRIMARY KEY (account, chat)
    ) WITHOUT ROWID""",
    """CREATE TABLE places (
        hash BLOB NOT NULL, account TEXT NOT NULL, chat TEXT NOT NULL, response TEXT NOT NULL, depth INTEGER NOT NULL,
        model TEXT NOT NULL, way TEXT NOT NULL, record TEXT, used INTEGER NOT NULL,
        PRIMARY KEY (hash, account, chat)
    ) WITHOUT ROWID""",
    "CREATE INDEX places_of_chats ON places (account, chat)",
    "CREATE INDEX places_by_use ON places (used)",
    "CREATE TABLE parent_refusals (account TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
)

# Responses and conversations that clients store (contract 4.5), each with the client that may see it; their items in
# order. `events` is the stream of a background response, compressed.
_STORED: Migration = (
    """CREATE TABLE stored_objects (
        id TEXT NOT NULL PRIMARY KEY, client TEXT NOT NULL, created INTEGER NOT NULL, used INTEGER NOT NULL,
        bytes INTEGER NOT NULL, previous TEXT, status TEXT, object BLOB NOT NULL, events BLOB
    )""",
    "CREATE INDEX stored_objects_by_use ON stored_objects (used, bytes, id)",
    "CREATE INDEX stored_objects_by_status ON stored_objects (status)",
    """CREATE TABLE stored_items (
        owner TEXT NOT NULL, place INTEGER NOT NULL, id TEXT NOT NULL, is_output INTEGER NOT NULL, item BLOB NOT NULL,
        PRIMARY KEY (owner, place)
    )""",
    "CREATE INDEX stored_items_by_id ON stored_items (id)",
)

# Films that clients ordered (contract 11), and when each account started one last. Times are in ms since 1970.
_FILMS: Migration = (
    """CREATE TABLE films (
        id TEXT NOT NULL PRIMARY KEY, client TEXT NOT NULL, created INTEGER NOT NULL, status TEXT NOT NULL,
        account TEXT NOT NULL, chat TEXT NOT NULL, task TEXT NOT NULL, prompt TEXT NOT NULL, model TEXT NOT NULL,
        size TEXT NOT NULL, seconds TEXT NOT NULL, address TEXT NOT NULL, ended INTEGER, error TEXT NOT NULL,
        reason TEXT NOT NULL
    )""",
    "CREATE INDEX films_by_client ON films (client)",
    "CREATE TABLE film_starts (account TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
)

MIGRATIONS: tuple[Migration, ...] = (_SITE_PLACES, _STORED, _FILMS)
