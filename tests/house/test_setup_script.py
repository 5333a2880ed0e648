"""scripts/setup.sh, as far as it runs without installing anything."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parent.parent.parent / "scripts" / "setup.sh"
INSTALL = """
set -euo pipefail
source scripts/setup.sh
apt-get() { echo "apt-get $*"; stat -c %a session/apt.log >> modes; umask >> modes; [ "$1" != "$REFUSED" ]; }
install_packages one two
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script for bash")


def _install(folder: Path, refused: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "scripts").mkdir()
    shutil.copy(SETUP, folder / "scripts")
    return subprocess.run(
        ["bash", "-c", f"umask 022\n{INSTALL.replace('$REFUSED', refused)}", "x"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(("refused", "status"), [("", 0), ("install", 1)], ids=["installed", "refused"])
def test_packages_are_installed_where_no_session_folder_is_left(tmp_path: Path, refused: str, status: int) -> None:
    done = _install(tmp_path, refused)
    assert done.returncode == status, done.stderr
    log = (tmp_path / "session" / "apt.log").read_text()
    assert log.splitlines() == ["apt-get update -qq", "apt-get install -y -qq one two"]
    assert ("install -y -qq one two" in done.stderr) is bool(status)
    assert stat.S_IMODE((tmp_path / "session").stat().st_mode) == 0o700


@pytest.mark.parametrize("there_already", [False, True], ids=["no log", "an older log"])
def test_what_the_installation_logs_is_for_its_owner_alone_from_the_first_byte(
    tmp_path: Path, there_already: bool
) -> None:
    if there_already:
        (tmp_path / "session").mkdir()
        (tmp_path / "session" / "apt.log").write_text("of an earlier version\n")
        (tmp_path / "session" / "apt.log").chmod(0o644)
    _install(tmp_path)
    modes = (tmp_path / "modes").read_text().split()
    assert modes[::2] == ["600", "600"]
    assert set(modes[1::2]) == {"0022"}, "what apt-get makes is for everybody"
    assert "earlier" not in (tmp_path / "session" / "apt.log").read_text()
