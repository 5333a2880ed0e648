"""scripts/setup.sh, as far as it runs without installing anything."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parent.parent / "scripts" / "setup.sh"
INSTALL = """
set -euo pipefail
source scripts/setup.sh
apt-get() { echo "apt-get $*"; [ "$1" != "$REFUSED" ]; }
install_packages one two
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script for bash")


@pytest.mark.parametrize(("refused", "status"), [("", 0), ("install", 1)])
def test_packages_are_installed_where_no_session_folder_is_left(tmp_path, refused, status):
    (tmp_path / "scripts").mkdir()
    shutil.copy(SETUP, tmp_path / "scripts")
    done = subprocess.run(
        ["bash", "-c", INSTALL.replace("$REFUSED", refused), "x"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == status, done.stderr
    log = (tmp_path / "session" / "apt.log").read_text()
    assert log.splitlines() == ["apt-get update -qq", "apt-get install -y -qq one two"]
    assert ("install -y -qq one two" in done.stderr) is bool(status)
    assert stat.S_IMODE((tmp_path / "session").stat().st_mode) == 0o700
