"""The compose file is one: it fits the specification, and Docker Compose takes it, where that is on the machine.

No container is started, so no engine is needed. Run with scripts/test-deploy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from readmes import ROOT

COMPOSE = ROOT / "deploy" / "compose.yaml"
CHECKER = "dclint@3"
INSTALL_WAIT = 100  # seconds
PASSWORDS = {"GRID_PASSWORD": "one", "GRID_SECRET": "two"}
FINE = ("require-quotes-in-ports", "service-keys-order", "services-alphabetical-order")  # matters of taste


def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in PASSWORDS}
    return subprocess.run(
        words, env={**kept, **variables}, capture_output=True, text=True, timeout=INSTALL_WAIT, check=False
    )


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that checks a file against the specification's schema, of the version that npm has."""
    folder = tmp_path_factory.mktemp("checker")
    if not shutil.which("npm"):
        pytest.skip("npm is missing, so nobody checks the compose file: apt-get install -y nodejs npm")
    done = run("npm", "install", "--no-audit", "--no-fund", "--prefix", folder, CHECKER)
    if done.returncode:
        pytest.skip(f"npm cannot install {CHECKER}, so nobody checks the compose file:\n{done.stderr[-1000:]}")
    rules = [word for rule in FINE for word in ("--disable-rule", rule)]
    return [str(folder / "node_modules/.bin/dclint"), *rules, "--max-warnings", "0"]


@pytest.fixture(scope="module")
def compose() -> list[str]:
    """The command of Docker Compose on the compose file."""
    for command in (["docker", "compose"], ["docker-compose"], ["podman", "compose"]):
        if shutil.which(command[0]) and run(*command, "version").returncode == 0:
            return [*command, "-f", str(COMPOSE)]
    pytest.skip("Docker Compose is missing, so only the schema was checked: apt-get install docker-compose")


def test_it_fits_the_specification(checker: list[str], tmp_path: Path) -> None:
    done = run(*checker, COMPOSE)
    assert done.returncode == 0, done.stdout + done.stderr
    broken = tmp_path / "compose.yaml"
    broken.write_text(COMPOSE.read_text().replace("shm_size:", "shm_sise:"))
    assert "invalid-schema" in run(*checker, broken).stdout


def test_compose_takes_it_and_wants_the_passwords(compose: list[str]) -> None:
    done = run(*compose, "config", **PASSWORDS)
    assert done.returncode == 0, done.stderr
    assert "http://qwenproxy:one@hub:4444" in done.stdout and "SE_REGISTRATION_SECRET: two" in done.stdout
    for name in PASSWORDS:
        lacking = run(*compose, "config", **{other: "x" for other in PASSWORDS if other != name})
        assert lacking.returncode != 0
        assert f"{name}" in lacking.stderr and "deploy/.env" in lacking.stderr
