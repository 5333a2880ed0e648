"""The doctor's findings about a Selenium Grid: its nodes and slots, and whether its settings fit the proxy.

Asks the hub twice and opens no browser. What cannot be seen from here (the registration secret) is in the remedies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qwenproxy.browser.grid_address import GridAddress
from qwenproxy.browser.grid_hub import GridHub
from qwenproxy.browser.grid_status import UP, GridReport, Node
from qwenproxy.cli.console import Console
from qwenproxy.cli.finding import Finding
from qwenproxy.errors import GridError

SHORT_TIMEOUT = 60.0  # seconds; a page may take half of it to load
LONG_TIMEOUT = 900.0  # seconds for which a slot may be lost to what a killed proxy left
LATE_HEARTBEAT = 15.0  # seconds between two signs of life of a node


def grid_findings(console: Console, hub: GridHub) -> Iterator[Finding]:
    """Check that the Grid answers, what it has, and how it was started."""
    try:
        report, nodes = hub.report(), hub.nodes()
    except GridError as error:
        yield Finding("wrong", console.say("doctor_grid_fails"), error.say(console.config.lang))
        return
    places = [node.max_sessions for node in nodes if node.availability == UP and node.chrome]
    yield from _stock(console, hub, report)
    if not nodes:
        yield Finding("wrong", console.say("doctor_grid_no_nodes"), console.say("doctor_grid_no_nodes_remedy"))
    elif not any(node.chrome for node in nodes):
        yield Finding("wrong", console.say("doctor_grid_no_chrome"), console.say("doctor_grid_no_chrome_remedy"))
    settings = [
        *_node_findings(console, nodes),
        *_room_findings(console, sum(places)),
        *_way_findings(console, hub.address),
    ]
    yield from settings
    if places and not settings:
        yield Finding("ok", console.say("doctor_grid_fit"))


def _stock(console: Console, hub: GridHub, report: GridReport) -> Iterator[Finding]:
    text = console.say(
        "doctor_grid",
        version=report.version,
        hub=hub.address,
        nodes=len(report.nodes),
        taken=report.sessions,
        slots=report.slots,
    )
    yield Finding("ok", text)
    for node in report.nodes:
        accounts = console.say("doctor_grid_accounts", ids=", ".join(node.accounts)) if node.accounts else ""
        counts = {"sessions": node.sessions, "slots": node.max_sessions}
        if node.status == UP:
            yield Finding("ok", console.say("doctor_grid_node", uri=node.uri, **counts, accounts=accounts))
        else:
            text = console.say("doctor_grid_down", uri=node.uri, status=node.status)
            yield Finding("warning", text, console.say("doctor_grid_down_remedy"))
    if report.queue:
        text = console.say("doctor_grid_queue", count=report.queue)
        yield Finding("warning", text, console.say("doctor_grid_queue_remedy"))


def _node_findings(console: Console, nodes: Sequence[Node]) -> Iterator[Finding]:
    for node in nodes:
        limit, heartbeat = node.session_timeout, node.heartbeat
        remedy = console.say("doctor_grid_timeout_remedy")
        if limit is not None and limit < SHORT_TIMEOUT:
            yield Finding("warning", console.say("doctor_grid_short", uri=node.uri, seconds=f"{limit:.0f}"), remedy)
        if limit is not None and limit > LONG_TIMEOUT:
            yield Finding("warning", console.say("doctor_grid_long", uri=node.uri, seconds=f"{limit:.0f}"), remedy)
        if heartbeat is not None and heartbeat > LATE_HEARTBEAT:
            text = console.say("doctor_grid_heartbeat", uri=node.uri, seconds=f"{heartbeat:.0f}")
            yield Finding("warning", text, console.say("doctor_grid_heartbeat_remedy"))


def _room_findings(console: Console, places: int) -> Iterator[Finding]:
    """Check that there is a slot for each browser that may be open: one for each account, up to MAX_BROWSERS."""
    wanted = min(console.config.max_browsers, len(console.accounts()))
    if 0 < places < wanted:
        text = console.say("doctor_grid_few", slots=places, wanted=wanted)
        yield Finding("warning", text, console.say("doctor_grid_few_remedy", slots=places))


def _way_findings(console: Console, address: GridAddress) -> Iterator[Finding]:
    if not address.user and not address.is_local:
        text = console.say("doctor_grid_open", hub=address)
        yield Finding("warning", text, console.say("doctor_grid_open_remedy"))
    if not address.is_safe:
        text = console.say("doctor_grid_plain", hub=address)
        yield Finding("warning", text, console.say("doctor_grid_plain_remedy"))
