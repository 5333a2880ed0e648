"""The README with its two pages in docs/, in both languages, taken apart: code blocks, tables, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = {
    "en": ("README.md", "docs/api.md", "docs/running.md"),
    "ru": ("README.ru.md", "docs/api.ru.md", "docs/running.ru.md"),
}
# All that is said to users in a language.
READMES = {lang: "\n".join((ROOT / name).read_text("utf-8") for name in names) for lang, names in FILES.items()}
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, *languages: str) -> list[str]:
    """Return the code blocks in these languages, all of them where none is named."""
    return [code for _, language, code in BLOCK.findall(text) if not languages or language in languages]


def all_blocks(*languages: str) -> list[str]:
    """Return the blocks of both languages, each once."""
    return list(dict.fromkeys(block for text in READMES.values() for block in blocks(text, *languages)))


def prose(text: str) -> str:
    """Return a README without its code blocks."""
    return BLOCK.sub("", text)


def marked(text: str, name: str) -> str:
    """Return what stands between the comments <!-- name --> and <!-- /name -->."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert found, name
    return found[1]


def rows(table: str) -> list[list[str]]:
    """Return the cells of a table's rows below its head."""
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def quoted(cells: Iterable[str]) -> list[str]:
    """Return what stands in backquotes."""
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]


def anchors(text: str) -> set[str]:
    """Return the targets that GitHub makes of the headings."""
    titles = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def links(text: str) -> list[str]:
    """Return the targets of all links."""
    return re.findall(r"\]\(([^)]+)\)", prose(text))
