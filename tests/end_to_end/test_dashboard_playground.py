"""The other kinds of work in the playground: pictures seen without a request to another host, sources, research."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from dashboard_browser import Person, key_of
from leaving import FLOWING, NOTICED_WITHIN
from proxy_process import Proxy
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from qwenproxy.sandbox import Sandbox
from qwenproxy.sandbox.faults.fault import COMPLETIONS
from qwenproxy.texts import EN

pytestmark = pytest.mark.browser

SEEN = """
const seen = [...document.querySelectorAll(arguments[0] + " img")];
return seen.filter(each => each.complete && each.naturalWidth > 0 && each.src.startsWith("blob:")).length;
"""
ANSWERS = "return [...document.querySelectorAll('.said:not(.user)')].map(each => each.innerText)"


# What a browser asks every page that its person leaves: whether it wants a question to be asked first.
STAYS = """
const leaving = new Event("beforeunload", {cancelable: true});
window.dispatchEvent(leaving);
return leaving.defaultPrevented;
"""
# Notes which files the page makes for pictures and gives back.
COUNTS_FILES = """
window.held = new Set();
const make = URL.createObjectURL, giveBack = URL.revokeObjectURL;
URL.createObjectURL = blob => { const url = make.call(URL, blob); window.held.add(url); return url; };
URL.revokeObjectURL = url => { window.held.delete(url); giveBack.call(URL, url); };
"""


def choose(person: Person, kind: str) -> None:
    Select(person.find("#kind")).select_by_value(kind)


def send(person: Person, text: str) -> None:
    """Send a message and wait until its answer is there."""
    person.find("#question").send_keys(text)
    person.click(person.button(EN["ui_send"]))
    person.until(lambda: person.button(EN["ui_send"]).is_enabled())


def begin(person: Person, text: str) -> None:
    """Send a message and wait for the first words of its answer."""
    person.find("#question").send_keys(text)
    person.click(person.button(EN["ui_send"]))
    person.until(lambda: EN["ui_answering"] in answer(person))


def press(person: Person, name: str) -> None:
    """Press a button by keyboard: an answer that comes moves it away from under the mouse."""
    person.script("arguments[0].focus()", person.button(name))
    person.press(Keys.ENTER)


def answer(person: Person) -> str:
    """Return what the newest answer shows."""
    return str((person.script(ANSWERS) or [""])[-1])


def attach(person: Person, file: Path) -> None:
    person.find("input[type=file]").send_keys(str(file))
    person.sees(file.name, "main .tag")


def tags(person: Person) -> int:
    """Return how many pictures and files the next message has."""
    return int(person.script("return document.querySelectorAll('main .panel .tag').length"))


@pytest.fixture
def playground(person: Person, link: str, site: Sandbox) -> Person:
    site.switches.daily_quotas.update(t2i=100, image_edit=100)
    person.chrome.get(f"{link}&to=playground")
    assert person.is_on("playground")
    return person


def looked_at(person: Person, axe: Path) -> list[object]:
    """Return what is wrong with the page for people, on a large and light and on a small and dark screen."""
    found: list[object] = []
    for width, dark in ((360, True), (1200, False)):
        person.look(width=width, dark=dark)
        found += person.barriers(axe)
        found += [f"{person.overflow()} pixels too wide at {width}"] if person.overflow() > 0 else []
    return found


def test_a_picture_is_painted_changed_and_seen(playground: Person, url: str, site: Sandbox, axe: Path) -> None:
    person = playground
    choose(person, "edit")
    send(person, "make it blue")
    person.reads(EN["ui_edit_needs_picture"], ".notice.bad")
    person.find("#question").clear()
    choose(person, "picture")
    Select(person.find("#ratio")).select_by_value("16:9")
    assert not person.find("#thinking").is_displayed()
    assert looked_at(person, axe) == []
    send(person, "a red fox")
    person.until(lambda: person.script(SEEN, ".said:not(.user)") == 1)
    assert answer(person).strip() == EN["ui_model_says"], "a picture has no first words"
    assert looked_at(person, axe) == []
    choose(person, "edit")
    send(person, "make it blue")
    person.until(lambda: person.script(SEEN, ".said:not(.user)") >= 2)
    kinds = [each.body["messages"][0]["chat_type"] for each in site.requests if each.path.endswith("/completions")]
    assert kinds == ["t2i", "image_edit"]
    assert '"chatType": "image_edit"' in person.script("return document.querySelector('aside pre').textContent")
    assert person.complaints() == [] and person.foreign_requests(url) == []


@pytest.fixture
def trap() -> Iterator[socket.socket]:
    """A listener on this machine that nothing may reach."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def test_a_picture_that_only_the_model_wrote_opens_nothing(
    playground: Person, url: str, proxy: Proxy, trap: socket.socket
) -> None:
    person = playground
    here = f"http://127.0.0.1:{trap.getsockname()[1]}/secret.png"
    send(person, f"{{{{say ![mine]({here}) and ![theirs](https://evil.example/x.png)}}}}")
    person.until(lambda: str(person.script(ANSWERS)).count(EN["ui_picture_foreign"]) == 2)
    assert person.script("return document.querySelectorAll('.said:not(.user) img').length") == 0
    headers = {"Authorization": f"Bearer {key_of(proxy)}"}
    for address in (here, "https://evil.example/x.png"):
        answer = httpx.post(f"{url}/admin/api/pictures", headers=headers, json={"address": address}, timeout=30)
        assert (answer.status_code, answer.content) == (204, b"")
    with pytest.raises(BlockingIOError):
        trap.accept()
    assert person.complaints() == [] and person.foreign_requests(url) == []


def test_a_search_names_its_sources_and_a_research_goes_on(playground: Person, site: Sandbox, axe: Path) -> None:
    person = playground
    choose(person, "search")
    send(person, "What is new?")
    assert EN["ui_first_after"].partition("{")[0] in answer(person)
    assert person.script("return document.querySelectorAll('.said:not(.user) ol a').length") > 0
    assert looked_at(person, axe) == []
    person.click(person.button(EN["ui_chat_new"]))
    choose(person, "research")
    send(person, "Whales")
    send(person, "All of it.")
    answers = person.script(ANSWERS)
    assert len(answers) == 2 and all(answers), answers
    asked = [each.body for each in site.requests if each.path.endswith("/completions")][-2:]
    assert [each["messages"][0]["chat_type"] for each in asked] == ["deep_research"] * 2
    assert asked[0]["chat_id"] == asked[1]["chat_id"]


def test_a_call_is_shown_and_its_result_goes_back(playground: Person, axe: Path) -> None:
    person = playground
    tools = '[{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]'
    person.script("document.getElementById('tools').closest('details').open = true")
    person.find("#tools").send_keys(tools[:-1])
    person.sees(EN["ui_json_wrong"].partition("{")[0], "aside [role=status]")
    person.find("#tools").send_keys("]")
    send(person, "{{call look {}}}")
    person.sees("look({})", ".said:not(.user) pre")
    assert looked_at(person, axe) == []
    person.find("#result-0").send_keys("It rains.")
    person.click(person.button(EN["ui_call_results_give"]))
    person.until(lambda: len(person.script(ANSWERS)) == 2 and person.button(EN["ui_send"]).is_enabled())
    assert "It rains." in person.script("return document.querySelector('.talk').innerText")


def test_a_question_that_failed_is_not_lost(playground: Person, axe: Path) -> None:
    person = playground
    send(person, "{{fault rate_limited num=3}}{{fault rate_limited num=3}}Hello?")
    person.until(lambda: person.script("return document.querySelectorAll('.said .notice.bad').length") == 1)
    assert "Hello?" in person.script("return document.getElementById('question').value")
    assert looked_at(person, axe) == []


def test_an_answer_goes_on_while_its_person_is_on_another_page(playground: Person, site: Sandbox) -> None:
    person = playground
    assert not person.script(STAYS)
    begin(person, FLOWING)
    seen = len(answer(person))
    person.go_to("accounts")
    assert person.script(STAYS)
    asked = [each for each in site.requests if each.path == COMPLETIONS]
    person.go_to("playground")
    person.sees(FLOWING, ".said.user")
    assert not person.button(EN["ui_send"]).is_enabled()
    person.until(lambda: len(answer(person)) > seen + 200)
    assert site.running_generations() and len(asked) == 1
    press(person, EN["ui_stop"])
    person.until(lambda: EN["ui_stopped"] in answer(person) and person.button(EN["ui_send"]).is_enabled())
    site.wait_idle(NOTICED_WITHIN)
    assert not person.script(STAYS) and person.complaints() == []


def test_what_came_meanwhile_is_there_with_its_sources_and_pictures(playground: Person, site: Sandbox) -> None:
    person = playground
    person.script(COUNTS_FILES)
    site.switches.picture_s = 1.0
    choose(person, "search")
    send(person, "What is new?")
    choose(person, "picture")
    person.find("#question").send_keys("a red fox")
    person.click(person.button(EN["ui_send"]))
    person.go_to("accounts")
    person.until(lambda: not person.script(STAYS))  # the answer has ended
    person.go_to("playground")
    person.until(lambda: person.script(SEEN, ".said:not(.user)") == 1)
    assert person.script("return document.querySelectorAll('.said ol a').length") > 0
    assert person.script("return window.held.size") == 1
    begin_at = len(person.script(ANSWERS))
    choose(person, "talk")
    begin(person, FLOWING)
    assert len(person.script(ANSWERS)) == begin_at + 1
    press(person, EN["ui_chat_new"])
    assert person.script(ANSWERS) == [] and person.button(EN["ui_send"]).is_enabled()
    assert person.script("return window.held.size") == 0 and not person.script(STAYS)
    site.wait_idle(NOTICED_WITHIN)
    person.go_to("accounts")
    person.go_to("playground")
    assert person.script(ANSWERS) == [] and person.find("#question").get_attribute("value") == ""
    assert person.complaints() == []


def test_nothing_goes_on_after_a_log_out(playground: Person, link: str, site: Sandbox) -> None:
    person = playground
    begin(person, FLOWING)
    person.go_to("accounts")
    person.click(person.button(EN["ui_logout"]))
    person.read(".door")
    site.wait_idle(NOTICED_WITHIN)
    assert not person.script(STAYS)
    person.chrome.get(f"{link}&to=playground")
    assert person.is_on("playground")
    assert person.script(ANSWERS) == [] and person.find("#question").get_attribute("value") == ""


def test_a_notice_goes_with_what_it_was_about(playground: Person, tmp_path: Path) -> None:
    person = playground
    notices = "return [...document.querySelectorAll('main .notice')].map(each => each.innerText)"
    choose(person, "edit")
    send(person, "make it blue")
    assert person.script(notices) == [EN["ui_edit_needs_picture"]]
    assert person.find("#question").get_attribute("value") == "make it blue"
    choose(person, "picture")
    assert person.script(notices) == []
    choose(person, "edit")
    send(person, "")
    assert person.script(notices) == [EN["ui_edit_needs_picture"]]
    person.click(person.button(EN["ui_chat_new"]))
    assert person.script(notices) == []
    choose(person, "talk")
    large = tmp_path / "large.txt"
    large.write_bytes(bytes(10 * 1024 * 1024 + 1))
    person.find("input[type=file]").send_keys(str(large))
    person.reads(EN["ui_file_too_large"].format(name="large.txt"), ".notice.bad")
    begin(person, FLOWING)
    assert person.script(notices) == []
    press(person, EN["ui_chat_new"])


def test_a_refused_attachment_comes_back_and_goes_with_a_new_chat(
    playground: Person, site: Sandbox, tmp_path: Path
) -> None:
    person = playground
    fake = tmp_path / "fake.png"
    fake.write_text("no picture")
    choose(person, "picture")
    attach(person, fake)
    person.sees(EN["ui_picture_attached"], "main .notice.warn")
    choose(person, "talk")
    assert EN["ui_picture_attached"] not in person.read("main")
    person.find("#question").send_keys("What is this?")
    person.click(person.button(EN["ui_send"]))
    person.go_to("accounts")
    person.until(lambda: not person.script(STAYS))
    person.go_to("playground")
    assert person.read(".said .notice.bad")
    assert person.find("#question").get_attribute("value") == "What is this?" and tags(person) == 1
    person.click(person.button(EN["ui_chat_new"]))
    assert tags(person) == 0 and person.script(ANSWERS) == []
    person.find("#question").clear()
    send(person, "{{say Hello.}}")
    assert "Hello." in answer(person)
