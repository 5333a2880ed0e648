"""`qwenproxy doctor --probe` at the terminal: says what it will do, asks, shows each step, writes the report."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runner import Ended, help_of, new_token, run_here
from sandbox_caller import COMPLETIONS, sandbox_fixtures
from sandbox_tab import SandboxTab
from session_files import account_of

from qwenproxy.accounts.account import Account
from qwenproxy.accounts.registry import Registry
from qwenproxy.cli import console, probe
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import NotLoggedIn
from qwenproxy.probe.plan import STEPS, questions_of
from qwenproxy.sandbox import Fault, Sandbox, Switches

running, stand_in, _ = sandbox_fixtures(accounts=1, busy_release_s=0)
Probing = Callable[..., Ended]
CHEAP = [step for step in STEPS if not step.costly]


@pytest.fixture
def registry(session: Path, stand_in: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    """The accounts of a session folder whose site is the stand-in: `mine`, which is fit."""
    monkeypatch.setenv("QWENPROXY_BASE_URL", stand_in.base_url)
    monkeypatch.chdir(tmp_path)
    registry = Registry.open(SessionFolder(session))
    registry.add(stand_in.accounts[0].renew() or stand_in.accounts[0].token, "mine")
    return registry


@pytest.fixture
def opened(registry: Registry, stand_in: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The accounts whose pages were opened; a page of the stand-in without a browser stands in for each."""
    accounts: list[str] = []

    def opener_for(*args: Any, **kwargs: Any) -> Callable[[Account], SandboxTab]:
        def opener(account: Account) -> SandboxTab:
            accounts.append(account.id)
            return SandboxTab(stand_in, stand_in.accounts[0])

        return opener

    monkeypatch.setattr(probe, "opener_for", opener_for)
    yield accounts
    stand_in.switches.new_phase = Switches().new_phase


def run(*words: str, text: str = "") -> Ended:
    return run_here("doctor", "--probe", *words, text=text)


def asked(site: Sandbox) -> int:
    return [one.path for one in site.requests].count(COMPLETIONS)


def test_it_asks_first_and_does_nothing_where_nobody_can_answer(opened: list[str], stand_in: Sandbox) -> None:
    ended = run()
    assert ended.status == 2
    assert f"asks the model {questions_of(CHEAP)} short questions" in ended.output
    assert "--yes" in ended.output
    assert (opened, stand_in.requests) == ([], [])


@pytest.mark.parametrize(("answer", "begins"), [("no", False), ("yes", True)])
def test_a_person_decides(
    opened: list[str], stand_in: Sandbox, monkeypatch: pytest.MonkeyPatch, answer: str, begins: bool
) -> None:
    monkeypatch.setattr(probe, "is_interactive", lambda: True)
    monkeypatch.setattr(console, "ask", lambda question: answer)
    ended = run()
    assert (opened == ["mine"], asked(stand_in) > 0) == (begins, begins)
    assert ("Nothing was asked." in ended.output) == (not begins)
    assert ended.status == (0 if begins else 1)


def test_each_step_is_shown_and_the_report_is_private_to_its_person(
    opened: list[str], stand_in: Sandbox, tmp_path: Path
) -> None:
    ended = run("--yes")
    assert (ended.status, opened) == (0, ["mine"]), ended.output
    assert asked(stand_in) == questions_of(CHEAP)
    assert ended.output.count("as expected") >= len(CHEAP)
    assert "A picture" not in ended.output
    told, text = (tmp_path / f"qwenproxy-probe.{ending}" for ending in ("json", "txt"))
    for path in (told, text):
        assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "mine" not in path.read_text("utf-8")
        assert "eyJ" not in path.read_text("utf-8")
    report = json.loads(told.read_bytes())
    assert (report["verdict"], report["site"], len(report["steps"])) == ("expected", "another address", len(CHEAP))
    assert "Stopping an answer: as expected" in text.read_text("utf-8")
    assert stand_in.chat_ids() == []
    assert run("--yes").status == 0
    assert (tmp_path / "qwenproxy-probe-2.json").exists()


def test_a_change_ends_with_a_status_of_its_own(opened: list[str], stand_in: Sandbox, tmp_path: Path) -> None:
    stand_in.switches.new_phase = "dreaming"
    ended = run("--yes", "--report", "seen.json")
    assert ended.status == probe.CHANGED == 4
    assert "phase that we do not know: dreaming" in ended.output
    assert json.loads((tmp_path / "seen.json").read_bytes())["verdict"] == "changed"
    assert "dreaming" in (tmp_path / "seen.txt").read_text("utf-8")


def test_a_picture_is_painted_only_on_demand(opened: list[str], stand_in: Sandbox) -> None:
    ended = run("--yes", "--all")
    assert (ended.status, asked(stand_in)) == (0, questions_of(STEPS))
    assert "A picture is painted, too" in ended.output


def test_the_account_that_meets_a_human_check_rests(opened: list[str], stand_in: Sandbox, registry: Registry) -> None:
    stand_in.add_fault(Fault("captcha", nth=2))
    ended = run("--yes")
    assert ended.status == 1
    assert "The site wants to see a human." in ended.output
    assert account_of(registry, "mine").reason == "verification"
    assert stand_in.chat_ids() == []


def test_chats_that_stay_are_written_down_for_the_server(opened: list[str], stand_in: Sandbox, session: Path) -> None:
    stand_in.add_fault(Fault("http_500", path="/api/v2/chats/*", nth=7))
    ended = run("--yes")
    assert ended.status == 1
    assert "Chats that could not be deleted: 3." in ended.output
    left = json.loads(SessionFolder(session).deletions.read_bytes())
    assert sorted(row["chatId"] for row in left) == sorted(stand_in.chat_ids())


def test_a_login_that_the_page_lost_is_written_down(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(account: Account) -> None:
        raise NotLoggedIn("The site asks for a login.")

    monkeypatch.setattr(probe, "opener_for", lambda *args, **kwargs: refuse)
    assert run("--yes").status == 1
    assert account_of(registry, "mine").status(0) == "INVALID"


def test_without_a_usable_account_there_is_no_probe(registry: Registry) -> None:
    registry.mark_invalid("mine")
    ended = run("--yes")
    assert (ended.status, "No account can be used now." in ended.output) == (3, True)
    registry.remove("mine")
    assert run("--yes").status == 3


def test_an_account_can_be_chosen(opened: list[str], registry: Registry) -> None:
    registry.add(new_token("another"), "other")
    assert run("other", "--yes").status == 0
    assert opened == ["other"]
    assert "no account" in run("nobody", "--yes").output.lower()


def test_an_account_that_is_open_elsewhere_is_left_alone(
    opened: list[str], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "profile_owner", lambda folder: 4711 if folder.id == "mine" else None)
    ended = run("--yes")
    assert (ended.status, "process 4711" in ended.output) == (1, True)
    registry.add(new_token("another"), "other")
    assert run("--yes").status == 0
    assert opened == ["other"]


@pytest.mark.parametrize(
    ("report", "words"), [("there.json", "already"), ("nowhere/report", "does not exist"), ("there", "already")]
)
def test_a_report_that_cannot_be_written_costs_no_question(
    opened: list[str], tmp_path: Path, report: str, words: str
) -> None:
    (tmp_path / "there.txt").write_text("mine")
    ended = run("--yes", "--report", report)
    assert (ended.status, words in ended.output, opened) == (1, True, [])
    assert (tmp_path / "there.txt").read_text() == "mine"


@pytest.mark.parametrize("words", [["mine"], ["--all"], ["--yes"], ["--report", "x"]])
def test_its_options_mean_nothing_without_it(registry: Registry, words: list[str]) -> None:
    ended = run_here("doctor", *words)
    assert (ended.status, "--probe" in ended.output) == (2, True)


def test_help_and_report_speak_russian(opened: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "--probe" in help_of("doctor")
    monkeypatch.setenv("QWENPROXY_LANG", "ru")
    ended = run("--yes")
    assert (ended.status, "как ожидалось" in ended.output) == (0, True)
    assert "Остановка ответа" in (tmp_path / "qwenproxy-probe.txt").read_text("utf-8")
