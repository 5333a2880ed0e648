"""`qwenproxy account export` and `import` of one file: passphrases, files that are not ours, nothing lost."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path
from typing import Literal

import pyrage
import pytest
from cli_runner import Terminal, clean_environment, new_token, run_here

from qwenproxy.accounts import identity
from qwenproxy.accounts.registry import Registry
from qwenproxy.browser.page_login import Login, Storage
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.logins import sealed_file

PASSPHRASE = "correct horse battery"
COOKIE = {"name": "refresh_token", "value": "planted-secret", "domain": ".site.test"}
LOGIN = Login(new_token("ann"), (COOKIE,), Storage("https://site.test", (("lswusea", "planted-device"),)))


def fill(session: Path) -> None:
    """Put an account whose login is kept into a session folder."""
    registry = Registry.open(SessionFolder(session))
    registry.add(LOGIN.token, "acc_1", renewable=True)
    identity.write(registry.folder("acc_1"), LOGIN)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported account; made once, because encrypting takes a second."""
    folder = tmp_path_factory.mktemp("exported")
    fill(folder / "session")
    arguments = ("export", "acc_1", str(folder / "acc_1.qwenproxy"), "--session-dir", str(folder / "session"))
    ended = run_here("account", *arguments, text=f"{PASSPHRASE}\n")
    assert ended.status == 0, ended.output
    assert "Account acc_1 is in" in ended.stdout and "remove acc_1" in ended.stdout
    assert PASSPHRASE not in ended.output
    return folder / "acc_1.qwenproxy"


def ids_in(session: Path) -> list[str]:
    return [one.id for one in Registry.open(SessionFolder(session)).all()]


def test_the_file_is_private_and_says_nothing(exported: Path) -> None:
    if os.name == "posix":
        assert exported.stat().st_mode & 0o777 == 0o600
    data = exported.read_bytes()
    assert b"age-encryption.org/v1" in data
    for secret in (b"planted", b"acc_1", LOGIN.token.encode(), b"ann", PASSPHRASE.encode()):
        assert secret not in data


def test_it_comes_in_with_the_passphrase_of_a_file_once(session: Path, exported: Path, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\nanother line\n")
    arguments = ("account", "import", str(exported), "--passphrase-file", str(tmp_path / "passphrase"))
    first = run_here(*arguments)
    assert (first.status, first.stdout) == (0, "Imported: acc_1\n"), first.output
    folder = SessionFolder(session).account("acc_1")
    assert identity.read(folder, LOGIN.token) == LOGIN
    again = run_here(*arguments)
    assert again.status == 1
    assert "is account acc_1 here" in again.output and "account check acc_1" in again.output
    assert ids_in(session) == ["acc_1"]


def test_it_renews_the_login_of_an_account_that_needs_one(session: Path, exported: Path) -> None:
    registry = Registry.open(SessionFolder(session))
    registry.add(new_token("ann", expires_at=1), "mine")
    ended = run_here("account", "import", str(exported), text=PASSPHRASE)
    assert ended.status == 0 and "mine was here already" in ended.output, ended.output
    [account] = registry.all()
    assert (account.id, account.token, account.renewable) == ("mine", LOGIN.token, True)


def test_a_wrong_passphrase_imports_nothing(session: Path, exported: Path) -> None:
    before = exported.read_bytes()
    ended = run_here("account", "import", str(exported), text="wrong passphrase\n")
    assert ended.status == 1
    assert "The passphrase does not open the file" in ended.output
    assert "wrong passphrase" not in ended.output
    assert ids_in(session) == [] and exported.read_bytes() == before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data[:-7], "is damaged"),
        (lambda data: data[:-7] + b"x" + data[-6:], "is damaged"),
        (lambda data: data + b"x", "is damaged"),
        (lambda data: data[:40], "is no exported account"),
        (lambda data: b"", "is no exported account"),
        (lambda data: b'[{"id":"acc_1","token":"t"}]', "is no exported account"),
        (lambda data: data.partition(b"\n")[2], "is no exported account"),
        (lambda data: data.replace(b"-account 1 ", b"-account 2 ", 1), "newer version"),
    ],
    ids=["torn", "changed", "longer", "torn head", "empty", "tokens.json", "age alone", "newer"],
)
def test_a_file_that_is_not_whole_or_not_ours_is_known_at_once(
    session: Path, exported: Path, tmp_path: Path, spoil: object, message: str
) -> None:
    spoilt = tmp_path / "spoilt"
    assert callable(spoil)
    spoilt.write_bytes(spoil(exported.read_bytes()))
    ended = run_here("account", "import", str(spoilt), text="")  # no passphrase is asked for
    assert ended.status == 1
    assert message in ended.output
    assert ids_in(session) == []


def test_something_encrypted_by_others_is_told_as_such(session: Path, tmp_path: Path) -> None:
    sealed = b"age-encryption.org/v1\n-> X25519 abc\n"
    path = tmp_path / "odd"
    path.write_bytes(f"qwenproxy-account 1 {hashlib.sha256(sealed).hexdigest()}\n".encode() + sealed)
    ended = run_here("account", "import", str(path), text=PASSPHRASE)
    assert ended.status == 1 and "does not open the file" in ended.output


class QuickSealing:
    """In place of the encryption, which takes a second on purpose, and which other tests here use."""

    @staticmethod
    def encrypt(data: bytes, passphrase: str) -> bytes:
        return passphrase.encode() + b"\n" + data

    @staticmethod
    def decrypt(sealed: bytes, passphrase: str) -> bytes:
        used, _, data = sealed.partition(b"\n")
        if used != passphrase.encode():
            raise pyrage.DecryptError("no")
        return data


@pytest.fixture
def quick_sealing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyrage, "passphrase", QuickSealing)


class TestExporting:
    @pytest.fixture(autouse=True)
    def account(self, session: Path, quick_sealing: None) -> None:
        fill(session)

    def test_never_overwrites_a_file(self, tmp_path: Path) -> None:
        target = tmp_path / "mine"
        target.write_text("mine")
        ended = run_here("account", "export", "acc_1", str(target), text=PASSPHRASE)
        assert ended.status == 1 and "--force" in ended.output
        assert target.read_text() == "mine"

    def test_overwrites_with_force(self, tmp_path: Path) -> None:
        target = tmp_path / "mine"
        target.write_text("mine")
        ended = run_here("account", "export", "acc_1", str(target), "--force", text=PASSPHRASE)
        assert ended.status == 0 and target.read_bytes().startswith(b"qwenproxy-account 1 ")

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes among its files")
    @pytest.mark.parametrize("force", [(), ("--force",)], ids=["", "force"])
    def test_replaces_no_pipe_and_no_folder(self, tmp_path: Path, force: tuple[str, ...]) -> None:
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "folder").mkdir()
        for name in ("pipe", "folder"):
            ended = run_here("account", "export", "acc_1", str(tmp_path / name), *force, text=PASSPHRASE)
            assert ended.status == 1 and "no file that could be replaced" in ended.output
        assert (tmp_path / "pipe").is_fifo() and (tmp_path / "folder").is_dir()
        assert sorted(path.name for path in tmp_path.glob("*")) == ["folder", "pipe", "session"]

    @pytest.mark.skipif(os.name == "nt", reason="links need rights there")
    def test_keeps_a_link_and_replaces_what_it_names(self, tmp_path: Path) -> None:
        (tmp_path / "mine").write_text("mine")
        (tmp_path / "link").symlink_to("mine")
        assert run_here("account", "export", "acc_1", str(tmp_path / "link"), "--force", text=PASSPHRASE).status == 0
        assert (tmp_path / "link").is_symlink() and (tmp_path / "mine").read_bytes().startswith(b"qwenproxy-account 1 ")

    def test_writes_no_account_to_standard_output(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        ended = run_here("account", "export", "acc_1", "-", text=PASSPHRASE)
        assert ended.status == 2 and "Name a file" in ended.output
        assert not (tmp_path / "-").exists()

    @pytest.mark.parametrize(
        ("text", "message"), [("", "no passphrase"), ("\n", "no passphrase"), ("short\n", "at least 8")]
    )
    def test_wants_a_passphrase(self, tmp_path: Path, text: str, message: str) -> None:
        ended = run_here("account", "export", "acc_1", str(tmp_path / "new"), text=text)
        assert ended.status == 2 and message in ended.output
        assert not (tmp_path / "new").exists()

    def test_says_that_a_file_of_the_passphrase_is_missing(self, tmp_path: Path) -> None:
        ended = run_here("account", "export", "acc_1", str(tmp_path / "new"), "--passphrase-file", str(tmp_path / "no"))
        assert ended.status == 2 and "first line" in ended.output

    def test_says_what_the_disk_refuses(self, tmp_path: Path) -> None:
        ended = run_here("account", "export", "acc_1", str(tmp_path / "no" / "new"), text=PASSPHRASE)
        assert ended.status == 1 and str(tmp_path / "no" / "new") in ended.output

    def test_of_an_unknown_account_says_so(self, tmp_path: Path) -> None:
        ended = run_here("account", "export", "acc_2", str(tmp_path / "new"), text=PASSPHRASE)
        assert ended.status == 1 and "acc_1" in ended.output

    @pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")
    def test_asks_twice_on_a_terminal_and_shows_nothing(self, session: Path, tmp_path: Path) -> None:
        command = ["account", "export", "acc_1", str(tmp_path / "new")]
        with Terminal(command, clean_environment(session)) as terminal:
            terminal.expect("Passphrase")
            terminal.type(f"{PASSPHRASE}\n")
            terminal.expect("once more")
            terminal.type("something else\n")
            terminal.expect("differ")
            assert terminal.end() == 1
        assert PASSPHRASE not in terminal.text
        assert not (tmp_path / "new").exists()


def test_a_passphrase_that_is_no_text_is_refused(session: Path, exported: Path, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("пароль-latin".encode("cp1251"))
    ended = run_here("account", "import", str(exported), "--passphrase-file", str(tmp_path / "latin"))
    assert ended.status == 2 and "no text in UTF-8" in ended.output


@pytest.mark.usefixtures("quick_sealing")
@pytest.mark.parametrize("seal_form", ["NFC", "NFD"])
def test_a_passphrase_opens_in_each_form_of_its_accents(
    seal_form: Literal["NFC", "NFD"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = "pässwörd-é"
    with monkeypatch.context() as patch:
        patch.setattr(sealed_file, "_one_form", lambda text: unicodedata.normalize(seal_form, text))  # as it was
        (tmp_path / "sealed").write_bytes(sealed_file.seal(b"x", word))
    sealed = sealed_file.read(tmp_path / "sealed")
    assert [sealed_file.unseal(sealed, unicodedata.normalize(form, word)) for form in ("NFC", "NFD")] == [b"x", b"x"]


def test_a_folder_has_no_passphrase(session: Path, tmp_path: Path) -> None:
    assert run_here("account", "import", str(tmp_path), "--passphrase-file", "x").status == 2


def test_a_session_folder_brings_the_kept_login_without_the_profile(session: Path, tmp_path: Path) -> None:
    fill(tmp_path / "source")
    assert run_here("account", "import", str(tmp_path / "source")).status == 0
    [account] = Registry.open(SessionFolder(session)).all()
    assert account.renewable and account.status(5_000_000_000) == "OK"
    assert identity.read(SessionFolder(session).account("acc_1"), LOGIN.token) == LOGIN


def test_a_session_folder_with_a_broken_login_is_left_alone(session: Path, tmp_path: Path) -> None:
    fill(tmp_path / "source")
    login = SessionFolder(tmp_path / "source").account("acc_1").login
    login.write_text("{")
    ended = run_here("account", "import", str(tmp_path / "source"))
    assert ended.status == 0 and "not taken over" in ended.output
    assert login.read_text() == "{"
    assert [one.renewable for one in Registry.open(SessionFolder(session)).all()] == [False]
