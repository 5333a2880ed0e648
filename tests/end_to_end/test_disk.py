"""A disk that is full, and one that may only be read: answers flow on, nothing that was kept is lost, all is told."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from asking import Reply, ask, asked_of
from proxy_process import Proxy, environment, eventually

from qwenproxy.sandbox import Fault, Sandbox

pytestmark = pytest.mark.browser

MEGABYTES = 8
STATE = ("tokens.json", "Authorization.txt", "history/*.json", "accounts/*/token.txt")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, small enough to be filled."""
    folder = tmp_path / "session"
    folder.mkdir()
    try:
        mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", folder)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a disk that can be filled has to be mounted, which this user may not do")
    yield folder
    unmount(folder)


@pytest.fixture
def stopped(disk: Path, site: Sandbox) -> Proxy:
    """A server whose session folder is that disk, not yet started. It has two accounts.

    Their profiles are elsewhere: what Chrome deletes there must not make room for others in the middle of a test.
    """
    proxy = Proxy(site, disk, on_no_accounts="wait", lang="en")
    for account in site.accounts[:2]:
        proxy.registry.add(account.token, account.id)
        profile = disk.parent / f"profile of {account.id}"
        profile.mkdir()
        proxy.registry.folder(account.id).profile.symlink_to(profile)
    return proxy


@pytest.fixture
def proxy(stopped: Proxy) -> Iterator[Proxy]:
    """The same, serving. Only the first account's browser is open."""
    with stopped as proxy:
        yield proxy
        assert "unexpected" not in proxy.log()


def mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True, timeout=10)


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=10)


@contextlib.contextmanager
def full(disk: Path) -> Iterator[str]:
    """Leave not a byte on the disk; yield what the system says then."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    try:
        yield "No space left on device"
    finally:
        filler.unlink()


@contextlib.contextmanager
def read_only(disk: Path) -> Iterator[str]:
    """Let nobody write to the disk, not even the superuser; yield what the system says then."""
    mount("--bind", disk, disk)
    try:
        mount("-o", "remount,bind,ro", disk)
        yield "Read-only file system"
    finally:
        unmount(disk)


def say(proxy: Proxy, message: str, **more: object) -> Reply:
    """Say something in a chat that the proxy keeps."""
    answer = httpx.post(f"{proxy.url}/api/chat", json={"message": message, **more}, timeout=60)
    return Reply(answer.status_code, answer.headers, answer.text)


def state(disk: Path) -> dict[Path, bytes]:
    """Return all that must not get lost."""
    return {path: path.read_bytes() for pattern in STATE for path in disk.glob(pattern)}


@pytest.mark.parametrize("trouble", [full, read_only])
def test_a_disk_that_takes_nothing(
    proxy: Proxy, disk: Path, site: Sandbox, trouble: Callable[[Path], contextlib.AbstractContextManager[str]]
) -> None:
    first, second, third = site.accounts
    assert eventually(lambda: "browser opened" in proxy.log()), "only the first account's opens at the start"
    chat_id = str(json.loads(say(proxy, "{{say One.}}").body)["chatId"])
    chats = httpx.get(f"{proxy.url}/api/chats").json()
    before = state(disk)
    with trouble(disk) as reason:
        for stream in (False, True):
            assert ask(proxy.url, "{{say Flowing.}}", stream=stream).text == "Flowing."
        asked = len(asked_of(site))
        assert_told(say(proxy, "{{say Two.}}", chatId=chat_id), reason)
        streamed = say(proxy, "{{say Two.}}", chatId=chat_id, stream=True)
        if trouble is read_only:
            assert_told(streamed, reason)
            assert len(asked_of(site)) == asked, "the site was asked for what cannot be kept"
        else:
            assert (streamed.text, streamed.error["code"], streamed.done) == ("Two.", "storage_error", False)
            assert '"finish_reason":"stop"' not in streamed.body
        for method, path in (("POST", ""), ("PUT", f"/{chat_id}/rename"), ("DELETE", f"/{chat_id}")):
            answer = httpx.request(method, f"{proxy.url}/api/chats{path}", json={"name": "x"})
            assert_told(Reply(answer.status_code, answer.headers, answer.text), reason)
        assert httpx.get(f"{proxy.url}/api/chats").json() == chats
        site.add_fault(Fault("rate_limited", account=first.id, times=None))
        assert_told(ask(proxy.url, "{{say The other browser cannot open.}}"), reason)
        assert_refused(proxy, reason, "account", "add", "--token", third.token)
        assert_refused(proxy, reason, "keys", "add")
        assert state(disk) == before

    site.clear()
    assert say(proxy, "{{say Two.}}", chatId=chat_id).text == "Two."
    kept = httpx.get(f"{proxy.url}/api/chats/{chat_id}").json()["history"]["messages"]
    assert [message["content"] for message in kept][1::2] == ["One.", "Two."]
    site.add_fault(Fault("rate_limited", account=first.id, times=None))
    assert ask(proxy.url, "{{say Open at last.}}").text == "Open at last."
    assert asked_of(site)[-1].account_id == second.id
    proxy.registry.rest(second.id, until=4e9)
    assert ask(proxy.url, "{{say never}}").status == 429
    assert {account.reset_at is None for account in proxy.registry.all()} == {False}, "a limit is not noted"


@pytest.mark.parametrize("trouble", [full, read_only])
def test_a_server_that_finds_no_disk_to_write_on(
    stopped: Proxy, disk: Path, trouble: Callable[[Path], contextlib.AbstractContextManager[str]]
) -> None:
    with trouble(disk) as reason:
        assert_refused(stopped, reason, "start", "--port", "0")
    with stopped as proxy:
        assert ask(proxy.url, "{{say Room again.}}").text == "Room again."


def test_on_a_disk_that_may_only_be_read_lists_are_shown_and_the_doctor_names_it(stopped: Proxy, disk: Path) -> None:
    with read_only(disk) as reason:
        listed = command(stopped, "account", "list")
        assert (listed.returncode, listed.stdout.count("OK")) == (0, 2), listed
        assert command(stopped, "keys", "list").returncode == 0
        doctor = command(stopped, "doctor")
    assert doctor.returncode == 1
    assert f"{disk} is on a read-only disk.\n   -> Make the disk writable" in doctor.stdout
    assert_advised(doctor.stdout, reason)


def test_on_a_full_disk_the_doctor_says_so(stopped: Proxy, disk: Path) -> None:
    with full(disk) as reason:
        doctor = command(stopped, "doctor")
        checked = command(stopped, "account", "check")
    assert doctor.returncode == 1
    assert f"There is no room left on the disk of {disk}.\n   -> Make room" in doctor.stdout
    assert_advised(doctor.stdout, reason)
    assert (checked.returncode, checked.stdout.count("Make room on the disk")) == (1, 2)


def test_beside_a_running_server_the_doctor_names_a_full_disk_too(proxy: Proxy, disk: Path) -> None:
    with full(disk):
        doctor = command(proxy, "doctor")
    assert doctor.returncode == 1
    assert f"There is no room left on the disk of {disk}.\n   -> Make room" in doctor.stdout
    assert f"at {proxy.url}" in doctor.stdout, doctor.stdout


def assert_advised(output: str, reason: str) -> None:
    """Check that the doctor sends nobody to the site for what the disk does to both accounts."""
    lines = output.splitlines()
    remedies = [after for line, after in itertools.pairwise(lines) if reason in line]
    assert len(remedies) == 2, output
    assert all("Make room on the disk" in remedy for remedy in remedies)
    assert "opens in a browser" not in output


def assert_told(reply: Reply, reason: str) -> None:
    """Check that a client learns what the matter is."""
    error = json.loads(reply.body)
    error = error["error"] if isinstance(error["error"], dict) else {**error, "message": error["error"]}
    assert (reply.status, error["code"]) == (503, "storage_error")
    assert reason in error["message"]
    assert "/" not in error["message"], "a client learns where on this machine things are"


def assert_refused(proxy: Proxy, reason: str, *words: str) -> None:
    """Check that a command ends with one line that says why."""
    done = command(proxy, *words)
    [line] = done.stderr.strip().splitlines()
    assert done.returncode == 1
    assert reason in line
    assert str(proxy.session_dir) in line


def command(proxy: Proxy, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the disk of a server and wait for its end."""
    return subprocess.run(
        [sys.executable, "-m", "qwenproxy", *words],
        env=environment(session_dir=proxy.session_dir, lang="en", port=0),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
