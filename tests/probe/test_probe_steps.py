"""The whole probe against the stand-in: nothing is news there, and each change of it is named in the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest
from sandbox_caller import COMPLETIONS, sandbox_fixtures
from sandbox_tab import SandboxTab

from qwenproxy.errors import TabLost
from qwenproxy.probe.names import hidden
from qwenproxy.probe.notes import Outcome
from qwenproxy.probe.plan import STEPS, Step, chats_of, questions_of
from qwenproxy.probe.report import Report, without
from qwenproxy.probe.running import Probe
from qwenproxy.probe.visit import Means, Visit
from qwenproxy.sandbox import Fault, Sandbox, Switches
from qwenproxy.uploads.object_store import put

running, cleared, _ = sandbox_fixtures(accounts=1, busy_release_s=0)
INTERVAL_MS = 0.3  # between frames: enough for an answer to be stopped
NEW_CHAT = "/api/v2/chats/new"
MODELS = "/api/v2/models"
AUTHS = "/api/v1/auths/"


@pytest.fixture
def site(cleared: Sandbox) -> Iterator[Sandbox]:
    """The stand-in as at its start."""
    for name, value in asdict(Switches(interval_ms=INTERVAL_MS, busy_release_s=0)).items():
        setattr(cleared.switches, name, value)
    cleared.accounts[0].renew()
    yield cleared


class Run:
    """A probe of the stand-in, finished."""

    def __init__(
        self, site: Sandbox, begin: Callable[[Step], None] = lambda step: None, last: str = "", **means: Any
    ) -> None:
        """`begin` hears of each step, `last` is the last one before the tidying; the rest are fields of Means."""
        names = [step.name for step in STEPS]
        steps = [*STEPS[: names.index(last) + 1], STEPS[-1]] if last else STEPS
        self.pauses: list[float] = []
        self.noted: list[str] = []
        self.deleted: list[str] = []
        before = set(site.chat_ids())
        means = {"pace": 0.0, "pause": self.pauses.append, **means}
        with SandboxTab(site, site.accounts[0]) as self.tab:
            self.visit = Visit(
                self.tab,
                Means(site.now, put=put, note_chat=self.noted.append, note_deleted=self.deleted.append, **means),
            )
            self.probe = Probe(self.visit, means.get("clock", lambda: 0.0))
            self.outcomes = list(self.probe.run(steps, begin))
        self.left = set(site.chat_ids()) - before
        self.report = Report(self.outcomes, self.probe.is_whole, "1.0", "2026-10-05", {})
        self.json = without(self.report.to_json(), self.visit.private, hidden)
        self.text = without(self.report.to_text("en"), self.visit.private, hidden)

    def __getitem__(self, name: str) -> Outcome:
        return next(outcome for outcome in self.outcomes if outcome.name == name)

    def remarks(self, name: str) -> str:
        return "\n".join(f"{remark.verdict}: {remark.phrase}" for remark in self[name].remarks)


def test_at_the_stand_in_everything_is_as_expected_and_nothing_stays(site: Sandbox) -> None:
    run = Run(site)
    assert {outcome.name: outcome.verdict for outcome in run.outcomes} == {step.name: "expected" for step in STEPS}
    assert (run.report.verdict, run.json["verdict"]) == ("expected", "expected")
    assert run.left == set(run.visit.chats) == set()
    assert run.noted == run.deleted
    paths = [one.path for one in site.requests]
    assert paths.count(COMPLETIONS) == questions_of(STEPS), "as many questions as the person is told"
    assert paths.count(NEW_CHAT) == chats_of(STEPS)
    assert "✅ Thinking and its budget: as expected" in run.text
    assert run["stop"].facts["stop"]["stopped_event"] is True


def test_writes_are_spaced(site: Sandbox) -> None:
    run = Run(site, pace=6.0, clock=lambda: 0.0)
    long_pauses = [pause for pause in run.pauses if pause == 6.0]
    assert len(long_pauses) >= questions_of(STEPS) + chats_of(STEPS) - 1


UNEXPECTED = "changed: The site answered in an unexpected way"
CHANGES: dict[str, tuple[dict[str, Any], str, str]] = {
    # what the site does now, in which step that shows, and what is said of it
    "phase": ({"new_phase": "dreaming"}, "answer", "unknown: phase that we do not know: dreaming"),
    "event": ({"new_event": "response.rated"}, "answer", "unknown: event that we do not know: response.rated"),
    "frame_field": (
        {"renamed": {COMPLETIONS: {"response_id": "responseId"}}},
        "answer",
        "changed: stream: fields are missing: response.created.response_id, response_id",
    ),
    "frame_field_new": (
        {"renamed": {COMPLETIONS: {"timestamp": "moment"}}},
        "answer",
        "unknown: stream: fields that we do not know: moment (number)",
    ),
    "login": ({"renamed": {AUTHS: {"id": "uid"}}}, "login", "changed: profile: fields are missing: id"),
    "models": (
        {"renamed": {MODELS: {"data": "list"}}},
        "models",
        "changed: models: fields are missing: data",
    ),
    "model_field": (
        {"renamed": {MODELS: {"max_context_length": "context_window"}}},
        "models",
        "unknown: models: fields that we do not know: data.data[].info.meta.context_window (number)",
    ),
    "settings": (
        {"renamed": {"/api/v2/users/user/settings": {"tools_enabled": "skills"}}},
        "settings",
        "changed: Settings are missing: tools_enabled; new ones are there: skills",
    ),
    "quota": (
        {"renamed": {"/api/v2/users/user/entitlement_quota": {"times_left": "left"}}},
        "quota",
        "changed: quota: fields are missing: data.*.times_left",
    ),
    "refusal": (
        {"refusal_form": "problem"},
        "refusal",
        "changed: error: fields are missing: success, request_id, data",
    ),
    "chat": ({"renamed": {NEW_CHAT: {"id": "uuid"}}}, "chat", "changed: new chat: fields are missing: data.id"),
    "older_parent": ({"older_parents": False}, "older_parent", "changed: A question below an older answer is refused"),
    "reading": ({"renamed": {"/api/v2/chats/": {"history": "tree"}}}, "reading", "missing: data.chat.history"),
    "thinking": (
        {"renamed": {COMPLETIONS: {"summary_thought": "musing", "summary_title": "topic"}}},
        "thinking",
        "changed: No thoughts came that we can read.",
    ),
    "tools_refused": (
        {"native_tools": {"*": "refused"}},
        "one_call",
        "changed: Functions (local_mcp) are refused: Internal_Server_Error, 500",
    ),
    "tools_silent": (
        {"native_tools": {"*": "empty"}},
        "two_calls",
        "changed: With functions (local_mcp) the answer stays empty.",
    ),
    "tools_ignored": ({"native_tools": {"*": "ignored"}}, "one_call", "changed: Functions (local_mcp) are ignored"),
    "tools_form": (
        {"renamed": {COMPLETIONS: {"local_mcp": "local_calls"}}},
        "one_call",
        "unknown: stream: fields that we do not know: choices[].delta.extra.local_calls (object)",
    ),
    "search": (
        {"renamed": {COMPLETIONS: {"web_search_info": "pages"}}},
        "search",
        "changed: No pages of a web search came that we can read.",
    ),
    "credentials": (
        {"renamed": {"/api/v2/files/getstsToken": {"file_url": "url"}}},
        "upload",
        "changed: credentials: fields are missing: data.file_url",
    ),
    "parsing": (
        {"parse_outcome": "failed"},
        "upload",
        "changed: The site did not read the file; its last word: failed",
    ),
    "parse_state": ({"parse_outcome": "digested"}, "upload", "unknown: parse_status that we do not know: digested"),
    "token_life": ({"token_life_s": 7200.0}, "renewal", "changed: The token lives 7"),
    "bundle": ({"page_version": "0.4.1"}, "page", "expected: the page has version 0.4.1"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_site_is_named(site: Sandbox, change: str) -> None:
    switches, step, words = CHANGES[change]
    for name, value in switches.items():
        setattr(site.switches, name, value)
    run = Run(site, last=step)
    assert words in run.remarks(step), run.text
    assert run.report.verdict == ("expected" if change == "bundle" else "changed")
    in_report = next(each for each in run.json["steps"] if each["step"] == step)
    assert words.partition(": ")[2] in json.dumps(in_report, ensure_ascii=False)
    assert words.partition(": ")[2] in run.text
    assert bool(run.left) == (change == "chat"), "a chat that the site does not name cannot be deleted"


FAULTS: dict[str, tuple[Fault, str, str]] = {
    # what goes wrong, in which step, and what is said of it
    "page": (Fault("waf_page"), "page", "changed: The page names no version"),
    "continuing": (
        Fault("bad_parent", nth=2),
        "continuing",
        "changed: The site answered in an unexpected way: Bad_Request",
    ),
    "result": (
        Fault("bad_request", nth=6),
        "result",
        "changed: The site answered in an unexpected way: Bad_Request, 400",
    ),
    "document": (
        Fault("empty_body", nth=9),
        "document",
        "changed: The site answered in an unexpected way: EmptyAnswer",
    ),
    "stop": (
        Fault("bad_request", path="/api/v2/chat/completions/stop"),
        "stop",
        "changed: The order to stop is refused: Bad_Request",
    ),
    "local": (Fault("validation_error", nth=11), "local_chat", UNEXPECTED),
    "deletion": (Fault("bad_request", path="/api/v2/chats/*", nth=8), "deletion", UNEXPECTED),
    "failing": (
        Fault("internal_error", nth=2),
        "continuing",
        "trouble: The site fails just now (Internal_Server_Error",
    ),
    "upload_limit": (
        Fault("rate_limited", path="/api/v2/files/getstsToken", options={"num": None}),
        "upload",
        "trouble: The account has reached a limit for this kind of work (RateLimited",
    ),
    "spoilt": (Fault("internal_error_frame"), "answer", "trouble: The site fails just now"),
    "cut": (Fault("cut_before_end"), "answer", f"{UNEXPECTED}: 200, UpstreamError"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_one_step_is_named_and_the_others_go_on(site: Sandbox, fault: str) -> None:
    order, step, words = FAULTS[fault]
    site.add_fault(order)
    run = Run(site)
    assert words in run.remarks(step), run.text
    assert run.probe.is_whole
    assert run["quota"].verdict == run["renewal"].verdict == "expected"
    assert run.left == set(run.visit.chats)
    assert bool(run.left) == (fault == "deletion")


ENDS: dict[str, tuple[Fault, str]] = {
    "human_check": (Fault("captcha", nth=4), "The site wants to see a human."),
    "limit": (Fault("rate_limited", nth=4, options={"num": 6}), "The account has reached a limit."),
    "logged_out": (Fault("unauthorized", nth=4), "The site refuses the login."),
    "network": (Fault("reset", nth=4), "The site cannot be reached"),
}


@pytest.mark.parametrize("end", ENDS)
def test_it_stops_politely_where_the_site_wants_it(site: Sandbox, end: str) -> None:
    fault, words = ENDS[end]
    site.add_fault(fault)
    run = Run(site)
    asked = [one.path for one in site.requests].count(COMPLETIONS)
    assert asked == 4, "nothing is asked after that"
    assert run["thinking"].verdict == "trouble"
    assert words in run.remarks("thinking")
    assert [run[step].verdict for step in ("answer", "search", "renewal")] == ["expected", "not_tried", "not_tried"]
    assert words in run.remarks("search")
    assert (run.report.verdict, run["deletion"].verdict) == ("unfinished", "expected")
    assert run.left == set()


def test_a_picture_whose_share_is_spent_says_nothing_of_the_rest(site: Sandbox) -> None:
    site.switches.daily_quotas = {"t2i": 0}
    run = Run(site)
    assert (run["picture"].verdict, run["long_question"].verdict, run.report.verdict) == (
        "trouble",
        "expected",
        "unfinished",
    )


def test_a_long_question_that_draws_the_human_check_is_named(site: Sandbox) -> None:
    site.switches.body_limit = 20_000
    run = Run(site)
    assert "changed: A question of 44" in run.remarks("long_question")
    assert run["renewal"].verdict == "not_tried"


def test_a_list_of_models_that_nobody_can_read_leaves_the_models_of_before(site: Sandbox) -> None:
    site.switches.renamed = {MODELS: {"data": "list"}}
    run = Run(site, last="thinking")
    assert [run[step].verdict for step in ("models", "answer", "thinking")] == ["changed", "expected", "expected"]


def test_steps_without_what_they_stand_on_say_which_step_is_missing(site: Sandbox) -> None:
    site.add_fault(Fault("bad_request", path=NEW_CHAT))
    run = Run(site)
    assert run["chat"].verdict == "changed"
    assert run["answer"].verdict == "not_tried"
    assert 'needs the step "New chat"' in run.remarks("answer")
    assert run["search"].verdict == "expected"


def test_a_person_may_stop_it_and_chats_are_deleted_all_the_same(site: Sandbox) -> None:
    def press(step: Step) -> None:
        if step.name == "thinking":
            raise KeyboardInterrupt

    run = Run(site, press)
    assert run.probe.was_interrupted
    assert [run[step].verdict for step in ("answer", "thinking", "search", "deletion")] == [
        *("expected", "not_tried", "not_tried", "expected")
    ]
    assert "stopped by you" in run.remarks("search")
    assert run.left == set()


def test_a_tab_that_is_lost_leaves_the_chats_to_others(site: Sandbox) -> None:
    tabs: list[Run] = []

    def lose(step: Step) -> None:
        if step.name == "thinking":
            holder["tab"].lost = TabLost("gone")

    holder: dict[str, SandboxTab] = {}
    original = SandboxTab.__enter__

    def remember(tab: SandboxTab) -> SandboxTab:
        holder["tab"] = tab
        return original(tab)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SandboxTab, "__enter__", remember)
        tabs.append(Run(site, lose))
    (run,) = tabs
    assert len(run.visit.chats) == len(run.noted) == 1
    assert run.deleted == []
    assert run["deletion"].verdict == "trouble"


def test_a_person_who_has_the_name_of_a_word_of_ours_hides_nothing(site: Sandbox) -> None:
    personal = site.user_settings.of(site.accounts[0].id)["personalization"]
    personal |= {"name": "Thinking", "instruction": "answer", "style": "frames"}
    run = Run(site)
    assert "✅ Thinking and its budget: as expected" in run.text
    assert "characters>" not in run.text
    personal |= {"name": "", "instruction": "", "style": ""}


CANARIES = ("Anna Karenina-Canary", "canary@example.org", "canary-instruction-text-4711")


def test_no_secret_of_the_account_is_in_the_report(site: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    account = site.accounts[0]
    settings = site.user_settings.of(account.id)
    settings["personalization"] |= {"name": CANARIES[0], "instruction": CANARIES[2]}
    settings["mcp"] = {CANARIES[2]: True, CANARIES[1]: {"enabled": True}}
    site.switches.renamed = {"/api/v2/chats/": {"title": account.email}, AUTHS: {"role": account.user_id}}
    site.switches.new_phase = account.token
    site.switches.new_event = f"event.of.{account.user_id}"
    run = Run(site)
    told = json.dumps(run.json, ensure_ascii=False) + run.text + run.report.to_text("ru")
    bodies = [one.body for one in site.requests if isinstance(one.body, dict)]
    questions = [body["messages"][0]["content"] for body in bodies if "messages" in body]
    secrets = [
        *CANARIES,
        *(account.token, account.user_id, account.email, account.id, account.password),
        *run.noted,
        *(file.id for file in site.files),
        *(file.secret for file in site.files),
        *(question[:60] for question in questions),
        *run.visit.found.answers,
        *(
            header
            for one in site.requests
            for name, header in one.headers.items()
            if name in ("cookie", "x-request-id")
        ),
    ]
    assert len(secrets) > 60
    for secret in secrets:
        assert secret not in told
        assert secret[:16] not in told
    assert "characters>" in told, "what was hidden is said to be there"
    settings["personalization"] |= {"name": ""}
    settings["mcp"] = {}
