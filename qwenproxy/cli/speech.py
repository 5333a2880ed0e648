"""`qwenproxy speech`: a text read aloud through the running proxy, into a file."""

from __future__ import annotations

from pathlib import Path

import click

from qwenproxy.accounts.registry import Registry
from qwenproxy.cli.settings import command_line
from qwenproxy.cli.terminal.help import Command, WordedUsageError, option, session_option
from qwenproxy.cli.works import Order, ask, check_target, free_name, prompt_of
from qwenproxy.config import Config
from qwenproxy.disk import files
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.logins import site_report
from qwenproxy.media.wav import seconds_of
from qwenproxy.texts import Speaker, speaker

EXAMPLES = """qwenproxy speech "Good morning!" -o morning.wav
qwenproxy speech - < letter.txt
qwenproxy speech --voice list"""
LONGEST = 4096  # characters
LIST = "list"  # in place of a voice: show the voices


@click.command("speech", cls=Command, help="help_speech", epilog=EXAMPLES)
@click.argument("text", metavar="TEXT", required=False)
@option("--output", "-o", metavar="FILE", type=click.Path(path_type=Path), help="help_speech_output")
@option("--voice", metavar="NAME", help="help_speech_voice")
@option("--force", is_flag=True, help="help_image_force")
@session_option
def speech_command(
    text: str | None, *, output: Path | None, voice: str | None, force: bool, session_dir: str | None
) -> None:
    """Have the text read, and write the file."""
    config = Config.load({"session_dir": session_dir})
    say = speaker(config.lang)
    if voice == LIST:
        click.echo(_voices(config, say))
        return
    words = prompt_of(text or "")
    if not words:
        raise WordedUsageError(say("speech_no_text"))
    if len(words) > LONGEST:
        raise WordedUsageError(say("speech_too_long", count=len(words), most=LONGEST))
    path = free_name("speech", ".wav") if output is None else output
    form = path.suffix.lower().removeprefix(".")
    if form not in ("wav", "pcm"):
        raise WordedUsageError(say("speech_ending", path=path))
    check_target(path, is_ours=output is None or force)
    wish = {"input": words, "response_format": form, **({"voice": voice} if voice else {})}
    sound = ask(config, Order("audio/speech", {"json": wish}, "speech_goes_on", "speech_failed")).content
    files.write_atomic(path, sound, mode=0o644)
    click.echo(say("speech_done", path=path, seconds=f"{seconds_of(sound, has_head=form == 'wav'):.1f}"))


def _voices(config: Config, say: Speaker) -> str:
    """Return the voices that the accounts are set to, each with its accounts; it needs no server."""
    registry = Registry(SessionFolder(config.session_dir))
    accounts: dict[str, list[str]] = {}
    for account in registry.all():
        settings = site_report.read(registry.folder(account.id)).settings
        accounts.setdefault(settings.voice if settings else "", []).append(account.id)
    unknown = accounts.pop("", [])
    lines = [f"{voice}  {', '.join(ids)}" for voice, ids in sorted(accounts.items())]
    if unknown or not accounts:
        lines.append(say("speech_voice_unknown", ids=", ".join(unknown) or "-", command=_check(config)))
    return "\n".join(lines)


def _check(config: Config) -> str:
    return command_line(config, "account", "check")
