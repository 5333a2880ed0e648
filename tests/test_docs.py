"""What the README says of the settings is what config.py says."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenproxy.config import SETTINGS

README = Path(__file__).parent.parent / "README.md"


def settings_table() -> list[str]:
    """Return the rows that the README's settings table must have."""
    return [
        f"| `QWENPROXY_{one.name}` | {', '.join(f'`{older}`' for older in one.older)} "
        f"| {f'`{one.default}`' if one.default else ''} | {one.help} |"
        for one in SETTINGS
    ]


def test_the_settings_table_is_that_of_the_code() -> None:
    text = README.read_text(encoding="utf-8")
    shown = text.split("<!-- settings -->")[1].split("<!-- /settings -->")[0].strip().splitlines()
    assert shown[2:] == settings_table()


@pytest.mark.parametrize("command", ["scripts/start", "scripts/test", "scripts/check", "scripts/bench"])
def test_the_commands_it_names_exist(command: str) -> None:
    assert command in README.read_text(encoding="utf-8")
    assert (README.parent / command).stat().st_mode & 0o111
