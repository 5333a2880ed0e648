"""Chrome's own log of its network: where it opened connections to, and which names it looked up itself."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def logging_chrome(chrome: str, folder: Path) -> Path:
    """Write a program that is this Chrome with a log in the folder, one for each process; return its path."""
    path = folder / "logging-chrome"
    path.write_text(f'#!/bin/sh\nexec "{chrome}" "$@" "--log-net-log={folder}/net-$$.json"\n')
    path.chmod(0o755)
    return path


@dataclass(frozen=True)
class NetworkLog:
    """What one Chrome did: host and port of each TCP connection, names it looked up, bytes sent in UDP packets."""

    command_line: str
    connected: set[str]
    looked_up: set[str]
    sent_without_connection: int

    @classmethod
    def read(cls, path: Path) -> NetworkLog:
        """Read a log; one that a killed Chrome left lacks its end."""
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        constants = json.loads(head.rstrip(",") + "}")["constants"]
        numbers: dict[str, int] = constants["logEventTypes"]
        events = _events(lines)

        def told(name: str, what: str) -> list[Any]:
            return [params[what] for number, params in events if number == numbers[name] and what in params]

        return cls(
            constants["clientInfo"]["command_line"],
            set(told("TCP_CONNECT_ATTEMPT", "address")),
            set(told("HOST_RESOLVER_MANAGER_JOB", "host")),
            sum(told("UDP_BYTES_SENT", "byte_count")),
        )


def _events(lines: list[str]) -> list[tuple[int, dict[str, Any]]]:
    found = []
    for line in lines:
        with suppress(ValueError):  # the last one, where Chrome was writing it
            event = json.JSONDecoder().raw_decode(line)[0]
            if isinstance(event, dict) and "type" in event:
                found.append((int(event["type"]), event.get("params") or {}))
    return found
