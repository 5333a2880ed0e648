"""`qwenproxy dashboard`: the link of the running server, and what to do where there is none."""

from __future__ import annotations

import re
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cli_runner import run_here

from qwenproxy.access.admin import AdminKeys
from qwenproxy.disk.claim import claimed_session
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.texts import EN, RU


class _Server(ThreadingHTTPServer):
    status = 200


class _Pages(BaseHTTPRequestHandler):
    """Has the dashboard's first page, or not."""

    server: _Server

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/ui/" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Be quiet."""


@contextmanager
def served(folder: SessionFolder, status: int = 200) -> Iterator[str]:
    """Run a server on a session folder; return its address."""
    with _Server(("127.0.0.1", 0), _Pages) as server, claimed_session(folder) as claim:
        server.status = status
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        claim.announce("0.0.0.0", server.server_address[1])
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(session: Path) -> SessionFolder:
    return SessionFolder(session)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the person's browser was asked to open."""
    addresses: list[str] = []

    def note(address: str) -> bool:
        addresses.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", note)
    return addresses


@pytest.mark.parametrize("is_sandbox", [False, True], ids=["of the site", "of the sandbox"])
def test_the_link_leads_to_the_running_server(folder: SessionFolder, opened: list[str], is_sandbox: bool) -> None:
    used = folder.sandbox if is_sandbox else folder
    with served(used) as url:
        key = AdminKeys.open(used.admin_key).first()
        ended = run_here("dashboard")
    assert (ended.status, ended.stdout) == (0, f"{url}/ui/#key={key}\n")
    assert EN["dashboard_secret"] in ended.output
    assert opened == []


def test_it_opens_by_way_of_a_private_file_that_names_no_key_to_others(
    folder: SessionFolder, opened: list[str]
) -> None:
    with served(folder) as url:
        key = AdminKeys.open(folder.admin_key).first()
        assert run_here("dashboard", "--open").status == 0
    assert opened == [folder.dashboard_page.absolute().as_uri()] and key not in opened[0]
    assert f'content="0; url={url}/ui/#key={key}"' in folder.dashboard_page.read_text()
    assert folder.dashboard_page.stat().st_mode & 0o777 == 0o600


def test_without_a_browser_the_link_is_still_there(folder: SessionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    with served(folder) as url:
        ended = run_here("dashboard", "--open")
    assert ended.status == 1 and ended.stdout.startswith(url)
    assert EN["dashboard_no_browser"] in ended.output


@pytest.mark.parametrize(("lang", "texts"), [("en", EN), ("ru", RU)])
def test_without_a_server_it_says_how_to_start_one(
    folder: SessionFolder, lang: str, texts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QWENPROXY_LANG", lang)
    ended = run_here("dashboard")
    words = texts["dashboard_not_running"].format(folder=folder.root, command="qwenproxy start")
    assert (ended.status, ended.output.strip(), ended.stdout) == (1, words, "")
    assert not folder.admin_key.exists()


def test_a_server_that_still_starts(folder: SessionFolder) -> None:
    with claimed_session(folder):
        ended = run_here("dashboard")
    assert (ended.status, ended.output.strip()) == (1, EN["dashboard_not_yet"])


def test_a_server_that_does_not_answer(folder: SessionFolder) -> None:
    with claimed_session(folder) as claim:
        claim.announce("127.0.0.1", 9)
        ended = run_here("dashboard")
    assert (ended.status, ended.output.strip()) == (1, EN["dashboard_silent"].format(url="http://127.0.0.1:9"))


def test_a_server_without_a_dashboard(folder: SessionFolder) -> None:
    with served(folder, status=404) as url:
        ended = run_here("dashboard")
    assert (ended.status, ended.output.strip()) == (1, EN["dashboard_off"].format(url=url))
    assert re.search("QWENPROXY_ADMIN=0", ended.output)


def test_a_file_without_a_key(folder: SessionFolder) -> None:
    with served(folder):
        folder.admin_key.write_text("# nothing\n")
        ended = run_here("dashboard")
    assert (ended.status, ended.output.strip()) == (1, EN["dashboard_no_key"].format(path=folder.admin_key))
