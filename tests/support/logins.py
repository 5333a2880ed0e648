"""People of the stand-in who log in to accounts of the product: by the link that the stand-in makes for each."""

from __future__ import annotations

from pathlib import Path

from qwenproxy.cli.sandbox import SandboxAddress
from qwenproxy.cli.sandbox_logins import enter_sandbox
from qwenproxy.config import Config
from qwenproxy.sandbox import Sandbox


def config_for(site: Sandbox, session_dir: Path, **settings: object) -> Config:
    """Return the settings of a product that faces the stand-in."""
    told = {"base_url": site.base_url, "base_url_spki": site.spki, "session_dir": str(session_dir)}
    return Config.load({**told, **{name: str(value) for name, value in settings.items()}}, {})


def enter(site: Sandbox, session_dir: Path, accounts: int = 1) -> None:
    """Log in that many people of the stand-in, each in the profile of an account of their own name."""
    people = site.accounts[:accounts]
    entrances = {person.id: site.entrance(person) for person in people}
    address = SandboxAddress(site.base_url, site.spki, {person.id: person.token for person in people}, entrances)
    enter_sandbox(config_for(site, session_dir), address)
