"""The papers in docs/ and CONTRIBUTING.md: what cites them finds its section, and what they list is what the code has.

A reference is the name of a paper and the numbers of sections: `protocol 5.2`, `contract 4.3, 5 and 6`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli_runner import commands_of
from promises import NEVER_SENT, dashboard_routes, described_routes, on_every_prefix, statuses_of_codes
from readmes import ROOT, anchors, links, marked, prose, quoted, rows
from spelling import spelled

from qwenproxy.api.openapi.schemas import ERROR_CODES
from qwenproxy.cli import cli
from qwenproxy.config import SETTINGS
from qwenproxy.sandbox.faults.fault import KINDS, parse_fault

DOCS = ROOT / "docs"
PAPERS = {
    "architecture": DOCS / "architecture.md",
    "contract": DOCS / "contract.md",
    "protocol": DOCS / "site-protocol.md",
}
PAGES = sorted([*DOCS.glob("*.md"), *ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md"])
READ = (".py", ".js", ".html", ".md", ".sh", "")
FOLDERS = ("qwenproxy", "tests", "scripts", "docs")
FOREIGN = ("node_modules", "__pycache__")

NUMBER = r"\d+(?:\.\d+)*"
GAP = r"[\s#*]"  # a line break inside a comment may stand between the words
REFERENCE = re.compile(
    rf"\b(architecture|contract|protocol){GAP}+({NUMBER}(?:(?:,|{GAP}+(?:and|to)){GAP}+{NUMBER})*)(?![\w%])",
    re.IGNORECASE,
)
# forms that a reference must not have: of the papers before these, or by a number alone
OTHER_FORMS = re.compile(
    rf"\b(?:addendum|design|sheet|house){GAP}+(?:sections?{GAP}+)?\d"
    rf"|\b(?:architecture|contract|protocol){GAP}+sections?{GAP}+\d",
    re.IGNORECASE,
)
BY_NUMBER_ALONE = re.compile(rf"\bsections?{GAP}+({NUMBER})", re.IGNORECASE)
# inside a paper a number in brackets is one of its own sections
IN_BRACKETS = re.compile(r"\((\d{1,2}(?:\.\d+)*)(?=\)|;|,\s)")


def titles(text: str) -> list[str]:
    """Return the headings of a paper."""
    return re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)


def sections(text: str) -> list[str]:
    """Return the numbers of a paper's sections, in their order."""
    return [found[1] for title in titles(text) if (found := re.match(rf"({NUMBER})\s", title))]


SECTIONS = {name: sections(path.read_text("utf-8")) for name, path in PAPERS.items()}


def references(text: str) -> Iterator[tuple[str, str]]:
    """Yield paper and section of everything that a text cites."""
    for found in REFERENCE.finditer(text):
        for number in re.findall(NUMBER, found[2]):
            yield found[1].lower(), number


def broken(text: str) -> list[str]:
    """Return what a text cites and no paper has, and what it cites in another form."""
    missing = [f"{paper} {number}" for paper, number in references(text) if number not in SECTIONS[paper]]
    return missing + [found[0] for found in OTHER_FORMS.finditer(text)]


def read_files() -> list[Path]:
    """Return the files in which references are looked for."""
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    own = [path for path in inside if path.suffix in READ and not set(FOREIGN) & set(path.parts)]
    return sorted({*own, *PAGES, ROOT / "CHANGES.md"} - {Path(__file__).resolve()})


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", read_files(), ids=name_of)
def test_every_reference_leads_to_a_section(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not broken(text)
    if path.suffix != ".md":
        assert not BY_NUMBER_ALONE.findall(text), "a section without its paper"
    elif path in PAPERS.values():
        assert {*BY_NUMBER_ALONE.findall(text), *IN_BRACKETS.findall(prose(text))} <= set(sections(text))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("(protocol 5.2)", []),
        ("contract 4.3, 5 and 6", []),
        ("protocol 6.1 to 6.4 and 13", []),
        ("Sources: contract\n    # 4.2 and\n    # 6", []),
        ("HTTP protocol 1.1x, a protocol of 2026, contract 100%", []),
        ("(Protocol 5.99)", ["protocol 5.99"]),
        ("contract 4.3, 44 and 6", ["contract 44"]),
        ("protocol 6.1 to\n    6.40", ["protocol 6.40"]),
        ("contract section 5", ["contract section 5"]),
        ("(design section 2), addendum 9", ["design section 2", "addendum 9"]),
    ],
    ids=spelled,
)
def test_a_broken_reference_is_found(text: str, wrong: list[str]) -> None:
    assert broken(text) == wrong


def test_the_code_cites_every_paper() -> None:
    cited = Counter(paper for path in read_files() if path.suffix == ".py" for paper, _ in references(path.read_text()))
    assert set(cited) == set(PAPERS)
    assert sum(cited.values()) > 100


@pytest.mark.parametrize("paper", PAPERS)
def test_sections_are_numbered_in_order(paper: str) -> None:
    numbers = [tuple(map(int, number.split("."))) for number in SECTIONS[paper]]
    assert numbers == sorted(set(numbers))
    for number in numbers:
        before = (*number[:-1], number[-1] - 1)
        assert number[-1] in (0, 1) or before in numbers, f"nothing stands between {before} and {number}"
        assert len(number) == 1 or number[:-1] in numbers


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    text = path.read_text("utf-8")
    headings = Counter(titles(text))
    assert path.name.startswith("README") or max(headings.values()) == 1, "a heading stands there twice"
    for target in links(text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        aim = (path.parent / file).resolve() if file else path
        assert aim.exists(), target
        assert not anchor or anchor in anchors(aim.read_text("utf-8")), target


@pytest.mark.parametrize("path", [*PAPERS.values(), ROOT / "CONTRIBUTING.md"], ids=name_of)
def test_the_files_a_paper_names_exist(path: Path) -> None:
    named = {
        word
        for word in quoted([prose(path.read_text("utf-8"))])
        if re.fullmatch(r"[\w./-]+\.(?:py|js|md|sh|cfg)", word)
    }
    assert named
    for word in named:
        places = [ROOT / word, ROOT / "qwenproxy" / word, DOCS / word]
        assert any(place.exists() for place in places), word


def test_every_module_has_its_room() -> None:
    package = ROOT / "qwenproxy"
    files = [path.relative_to(package).as_posix() for path in package.rglob("*") if path.suffix in (".py", ".js")]
    modules = {re.sub(r"(?<=/)__init__\.py$", "", file) for file in files}
    named = quoted([PAPERS["architecture"].read_text("utf-8").partition("\n## 3 ")[2].partition("\n## 4 ")[0]])
    listed = Counter(word for word in named if word in modules)
    assert set(listed) == modules, sorted(modules - set(listed))
    assert max(listed.values()) == 1, [word for word, times in listed.items() if times > 1]


@pytest.mark.parametrize("path", [*PAPERS.values(), ROOT / "CONTRIBUTING.md"], ids=name_of)
def test_the_commands_a_paper_names_exist(path: Path) -> None:
    today = prose(path.read_text("utf-8")).partition("\n## 8 Planned")[0]
    for words in quoted([today]):
        if words.startswith("qwenproxy "):
            command: click.Command = cli
            for word in re.findall(r"[\w-]+", words)[1:]:
                if word.startswith("--"):
                    assert any(word in each.opts for each in command.params), words
                elif isinstance(command, click.Group):
                    assert word in commands_of(command), words
                    command = commands_of(command)[word]


def test_the_architecture_has_every_fault_of_the_stand_in() -> None:
    listed = rows(marked(PAPERS["architecture"].read_text("utf-8"), "faults"))
    shown = [(kind, frozenset(quoted([keys]))) for kinds, keys, _ in listed for kind in quoted([kinds])]
    assert len(dict(shown)) == len(shown), "a kind stands there twice"
    assert dict(shown) == dict(KINDS)
    assert all(meaning for *_, meaning in listed)


def test_the_faults_shown_to_newcomers_can_be_ordered_and_the_first_does_not_last() -> None:
    shown = re.findall(r"\{\{fault ([^}]+)\}\}", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    faults = [parse_fault(text) for text in shown]
    assert faults[0].kind in ("moderation", "http_500"), "an example that people copy leaves the account usable"


def table(name: str) -> list[list[str]]:
    """Return the rows of one of the contract's tables that the code is compared with."""
    return rows(marked(PAPERS["contract"].read_text("utf-8"), name))


def test_the_contract_has_every_setting() -> None:
    for row in table("settings"):
        assert row[3], f"{row[0]} has no meaning"
    shown = [(quoted([name]), quoted([older]), quoted([default])) for name, older, default, _ in table("settings")]
    assert shown == [([one.name], list(one.older), [one.default] if one.default else []) for one in SETTINGS]


def test_the_contract_has_every_route() -> None:
    listed = [tuple(route.split(" ", 1)) for row in table("routes") for route in quoted(row[:1])]
    assert len(set(listed)) == len(listed)
    assert set().union(*(on_every_prefix(method, path) for method, path in listed)) == described_routes()


def test_the_contract_has_every_route_of_the_dashboard() -> None:
    listed = [tuple(route.split(" ", 1)) for row in table("dashboard-routes") for route in quoted(row[:1])]
    assert len(set(listed)) == len(listed)
    assert set(listed) == dashboard_routes()


def test_the_contract_has_every_error_code() -> None:
    listed = [(int(status), code) for status, codes, _ in table("errors") for code in quoted([codes])]
    assert len(set(listed)) == len(listed)
    assert sorted(code for _, code in listed) == sorted(ERROR_CODES)
    assert {pair for pair in listed if pair[1] not in NEVER_SENT} <= statuses_of_codes()
