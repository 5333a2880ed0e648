"""Who may read the clock on the wall, which people and time servers set: nobody who waits."""

from __future__ import annotations

import ast
from pathlib import Path

from sources import ROOT, nodes_of

WALL = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today"}
# What they tell by it: a moment that is written down, sent, or was written down before. The command line talks to
# people, and the sandbox is not the product.
MAY_LOOK = {
    "accounts/opening.py",  # until when logins and cookies are good
    "accounts/pool.py",  # how long an account rests
    "accounts/registry.py",  # the same, and ids of accounts
    "api/completions/encoder.py",  # `created` of an answer
    "api/images/format.py",  # `created` of a picture
    "api/ollama/format.py",  # `created_at` of an answer
    "api/openai/encoder.py",  # the same
    "api/openai/format.py",  # the same
    "api/videos/routes.py",  # how long a film has been under way
    "api/models/openai_form.py",  # `created` of a model
    "api/responses/encoder.py",  # begin and end of an answer
    "api/responses/failures.py",  # when a quota resets
    "api/status.py",  # which accounts rest
    "api/waits.py",  # when a quota resets
    "app.py",  # the clock that it hands to the dashboard
    "assembly.py",  # the clock that it hands to those above
    "browser/driver_copies.py",  # the age of copies
    "browser/page_login.py",  # until when a cookie is good
    "browser/upkeep.py",  # how old a page and its token are
    "media/films.py",  # when a film was ordered
    "media/film_watch.py",  # how long it has been under way
    "media/store.py",  # the age of files
    "relay/deletions.py",  # which accounts rest
    "history/site_index.py",  # when a place was used
    "history/store.py",  # when a chat was made
    "history/stored/conversations.py",  # when a conversation was made or used
    "history/stored/responses.py",  # when a response was used
    "disk/cached.py",  # the age of files
    "disk/files.py",  # names of files set aside
    "logins/by_token.py",  # whether a token has expired
    "logins/check.py",  # how long an account rests, and how wrong this clock is
    "logins/person_settings.py",  # when settings were read
    "logins/watch.py",  # whether a token has expired
    "logins/window.py",  # whether an account rests for a check
    "uploads/ledger.py",  # the age of contents
    "uploads/object_store.py",  # the time in a signature
    "uploads/uploader.py",  # when a file was uploaded
    "upstream/calls.py",  # times that the site wants to hear
    "upstream/speech.py",  # the same
}


def looks_at_the_wall(path: Path) -> bool:
    names = {name.rpartition(".")[2] for name in WALL}
    found = (node for node in nodes_of(path) if isinstance(node, ast.Attribute) and node.attr in names)
    return any(ast.unparse(node) in WALL for node in found)


def test_only_these_look_at_the_clock_on_the_wall() -> None:
    paths = {path.relative_to(ROOT).as_posix(): path for path in ROOT.rglob("*.py")}
    product = {name: path for name, path in paths.items() if not name.startswith(("cli/", "sandbox/"))}
    assert {name for name, path in product.items() if looks_at_the_wall(path)} == MAY_LOOK
