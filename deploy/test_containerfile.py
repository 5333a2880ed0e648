"""The Containerfile is good: each RUN line works in a fresh Debian, and the product answers there as a normal user.

Not part of the ordinary suite, because it takes minutes and needs root: run scripts/test-deploy. Debian and Python
packages come from where this machine's own apt and pip get theirs.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from containerfile import health_command, instructions, named
from readmes import ROOT

CONTAINERFILE = ROOT / "deploy" / "Containerfile"
ENTER = """
set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount --rbind /sys "$ROOT/sys"
mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
for folder in $SHARED; do mkdir -p "$ROOT$folder"; mount --bind "$folder" "$ROOT$folder"; done
cd "$ROOT"
mkdir -p .outside
pivot_root . .outside  # not chroot: in one of those the system allows no namespaces, which Chrome's sandbox is made of
umount -l /.outside
cd /
exec "$@"
"""
PIP_NAMES = ("cert", "constraint", "default-timeout", "extra-index-url", "find-links", "index-url", "trusted-host")
KEY = "a-key-that-is-long-enough-0123456789"
QUESTION = {"messages": [{"role": "user", "content": "{{say Good morning.}}"}]}


class Image:
    """A root folder that goes through the instructions of the Containerfile."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.user = "root"
        self.shared: list[str] = []  # folders of this machine with packages for pip

    def command(self, *words: str, **variables: str) -> list[str]:
        """Return the command that runs these words in the root, as its user, with namespaces of its own."""
        inside = {"HOME": f"/home/{self.user}" if self.user != "root" else "/root", **self.environment, **variables}
        person = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups"]
        settings = ["env", "-i", *(f"{name}={value}" for name, value in inside.items())]
        outside = ["env", f"ROOT={self.root}", f"SHARED={' '.join(self.shared)}"]
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh"]
        return [*outside, *enter, *person, *settings, *words]

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        done = self.command(*words, **variables)
        return subprocess.run(done, capture_output=True, text=True, timeout=1800, check=False)

    def build(self) -> None:
        """Carry out what makes the image."""
        for each in instructions(CONTAINERFILE):
            if each.name == "RUN":
                done = self.run("sh", "-c", each.text)
                assert done.returncode == 0, f"{each.text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            elif each.name == "COPY":
                self._copy(each.words)
            elif each.name == "ENV":
                self.environment |= each.variables
            elif each.name == "USER":
                self.user = each.text

    def _copy(self, words: list[str]) -> None:
        *sources, target = words
        for source in sources:
            place = self.root / target.strip("/")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)


def debian_sources(suite: str) -> list[str]:
    """Return lines for sources.list with the mirrors of this machine's apt, the main one first."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    mirrors = list(dict.fromkeys(uri.rstrip("/") for uri in listed.stdout.split() if "debian" in uri))
    main = [f"deb {uri} {suite} main" for uri in mirrors if not uri.endswith("-security")]
    return [*main, *(f"deb {uri} {suite}-security main" for uri in mirrors if uri.endswith("-security"))]


def take_settings(image: Image) -> None:
    """Let apt and pip in the root get packages from where this machine's own do."""
    for name in ("resolv.conf", "hosts"):
        shutil.copy(Path("/etc") / name, image.root / "etc" / name)
    dumped = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    kept = [line for line in dumped.splitlines() if re.match(r"Acquire::(https?|Check-|Retries)", line)]
    (image.root / "etc/apt/apt.conf.d/00outside").write_text("\n".join([*kept, ""]))
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    settings: dict[str, str] = {}
    for scope, name, value in re.findall(r"^(\S+)\.([\w-]+)='(.*)'$", listed.stdout, re.MULTILINE):
        if name in PIP_NAMES and (name not in settings or scope == ":env:"):
            settings[name] = value
    for name, value in settings.items():
        places = [Path(word.removeprefix("file://")) for word in value.split()]
        image.shared += [str(place.parent if place.name == "simple" else place) for place in places if place.is_dir()]
        if places[0].is_file():
            shutil.copy(places[0], image.root / f"outside-{name}")
            settings[name] = f"/outside-{name}"
    lines = ["[global]", *(f"{name} = {value}" for name, value in settings.items()), ""]
    (image.root / "etc/pip.conf").write_text("\n".join(lines))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Return the image, built from nothing; QWENPROXY_DEPLOY_ROOT names a folder with a fresh Debian to begin with."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a fresh Debian: run scripts/test-deploy as root")
    for program in ("debootstrap", "unshare", "setpriv", "apt-get"):
        if not shutil.which(program):
            pytest.skip(f"{program} is missing, and without it there is no fresh Debian: apt-get install {program}")
    [base] = named(CONTAINERFILE, "FROM")
    suite = base.text.removeprefix("debian:").removesuffix("-slim")
    sources = debian_sources(suite)
    root = tmp_path_factory.mktemp("image") / "root"
    if ready := os.environ.get("QWENPROXY_DEPLOY_ROOT"):
        subprocess.run(["cp", "-a", ready, str(root)], check=True)  # which copies devices as devices
    else:
        command = ["debootstrap", "--variant=minbase", suite, str(root), sources[0].split()[1]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (root / "etc/apt/sources.list").write_text("\n".join([*sources, ""]))
    image = Image(root)
    take_settings(image)
    image.build()
    yield image
    shutil.rmtree(root.parent)


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def health(image: Image, port: int) -> int:
    """Return the exit status of the image's health check."""
    return image.run("sh", "-c", health_command(CONTAINERFILE), QWENPROXY_PORT=str(port)).returncode


def command_of(image: Image, *words: str) -> list[str]:
    """Return what the image runs, with these words behind its entry point."""
    [entrypoint], [command] = named(CONTAINERFILE, "ENTRYPOINT"), named(CONTAINERFILE, "CMD")
    return [*entrypoint.words, *(words or command.words)]


@pytest.mark.timeout(3600)
def test_without_a_key_it_lets_nobody_in(image: Image, port: int) -> None:
    refused = image.run(*command_of(image, "start", "--sandbox"), QWENPROXY_PORT=str(port))
    assert refused.returncode == 2, refused.stderr
    assert "keys" in refused.stdout + refused.stderr


@contextlib.contextmanager
def serving(image: Image, port: int, output: Path) -> Iterator[psutil.Process]:
    """Run the product of the image on its stand-in; give the process that gets the container's signals."""
    command = image.command(*command_of(image, "start", "--sandbox"), QWENPROXY_PORT=str(port))
    with open(output, "w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            deadline = time.monotonic() + 180
            while "listens on" not in output.read_text():
                assert process.poll() is None and time.monotonic() < deadline, output.read_text()
                time.sleep(0.1)
            [first] = psutil.Process(process.pid).children()
            yield first
            assert process.wait(60) == 0, output.read_text()
        finally:
            process.kill()


@pytest.mark.timeout(900)
def test_it_answers_as_a_normal_user_and_stops(image: Image, port: int, tmp_path: Path) -> None:
    folder = ("--session-dir", "/session/sandbox")
    added = image.run("qwenproxy", "keys", *folder, "add", KEY)
    assert added.returncode == 0, added.stdout + added.stderr
    assert health(image, port) != 0, "nothing runs yet"
    with serving(image, port, tmp_path / "log") as first:
        url, headers = f"http://127.0.0.1:{port}/v1/chat/completions", {"Authorization": f"Bearer {KEY}"}
        answer = httpx.post(url, json=QUESTION, headers=headers, timeout=120)
        assert answer.status_code == 200, f"{answer.text}\n{(tmp_path / 'log').read_text()}"
        assert answer.json()["choices"][0]["message"]["content"] == "Good morning."
        assert httpx.post(url, json=QUESTION, timeout=30).status_code == 401
        assert health(image, port) == 0
        family = [first, *first.children(recursive=True)]
        assert {process.uids().effective for process in family} == {10001}
        names = {process.name().partition("-")[0] for process in family}  # the driver's copy has its version behind it
        assert {"Xvfb", "chromium", "chromedriver"} <= names
        browsers = [process.cmdline() for process in family if process.name() == "chromium"]
        assert not any("--no-sandbox" in shlex.join(words) for words in browsers), "Chrome runs without its sandbox"
        assert not any("--headless" in shlex.join(words) for words in browsers)
        begun = time.monotonic()
        first.send_signal(signal.SIGTERM)
    assert time.monotonic() - begun < 45
    assert health(image, port) != 0
