"""The container files agree with the product: settings, ports, folders, times. Building is for scripts/test-deploy."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import Any

import pytest
from containerfile import environment, health_command, instructions, named
from readmes import ROOT
from ruamel.yaml import YAML

from qwenproxy.browser.grid_sessions import SESSION_WAIT
from qwenproxy.config import SETTINGS, Config
from qwenproxy.server.under_gunicorn import GRACE

CONTAINERFILE = ROOT / "deploy" / "Containerfile"
COMPOSE = ROOT / "deploy" / "compose.yaml"
QUEUE_LOOK = 10  # seconds between two looks of a hub at the requests that wait, unless an option says otherwise
VARIABLES = {f"QWENPROXY_{setting.name}" for setting in SETTINGS}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    composition = YAML(typ="safe").load(COMPOSE)
    assert set(composition["volumes"]) == {"session"}
    services: dict[str, Any] = composition["services"]
    return services


def test_the_image_sets_what_the_product_reads() -> None:
    variables = {name: value for name, value in environment(CONTAINERFILE).items() if name.startswith("QWENPROXY_")}
    assert set(variables) <= VARIABLES
    config = Config.load({}, variables)
    assert not config.is_loopback, "nobody outside of the container would reach it"
    assert (config.headless, config.on_no_accounts, config.no_menu) == ("virtual", "wait", True)
    assert [each.words for each in named(CONTAINERFILE, "VOLUME")] == [[str(config.session_dir)]]
    assert [each.words for each in named(CONTAINERFILE, "EXPOSE")] == [[str(config.port)]]
    assert "/health" in health_command(CONTAINERFILE)


def test_the_image_runs_as_a_normal_user() -> None:
    names = [each.name for each in instructions(CONTAINERFILE)]
    [user] = named(CONTAINERFILE, "USER")
    assert user.text not in ("root", "0")
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in ("RUN", "COPY"))
    assert names.index("USER") < names.index("ENTRYPOINT")


def test_the_image_copies_only_what_is_let_in() -> None:
    lines = (ROOT / ".containerignore").read_text().splitlines()
    let_in = [line.removeprefix("!/") for line in lines if line.startswith("!/")]
    assert "*" in lines
    copied = [source for each in named(CONTAINERFILE, "COPY") for source in each.words[:-1]]
    assert sorted(copied) == sorted(let_in)
    assert all((ROOT / source).exists() for source in copied)
    assert not any(fnmatch("session", pattern) for pattern in let_in)
    assert (ROOT / ".dockerignore").read_text() == (ROOT / ".containerignore").read_text()


def test_the_composed_proxy_has_settings_port_and_time(services: dict[str, Any]) -> None:
    proxy, image = services["proxy"], environment(CONTAINERFILE)
    assert set(proxy["environment"]) <= VARIABLES
    assert (COMPOSE.parent / proxy["build"]["context"] / proxy["build"]["dockerfile"]).samefile(CONTAINERFILE)
    assert [port.split(":")[-1] for port in proxy["ports"]] == [image["QWENPROXY_PORT"]]
    assert [volume.split(":")[1] for volume in proxy["volumes"]] == [image["QWENPROXY_SESSION_DIR"]]
    assert int(proxy["stop_grace_period"].removesuffix("s")) > GRACE


def test_the_composed_grid_has_what_the_proxy_needs(services: dict[str, Any]) -> None:
    proxy, hub = services["proxy"], services["hub"]["environment"]
    nodes = [services[name]["environment"] for name in services if name.startswith("node")]
    assert len(nodes) == 2
    secret = re.compile(r"\$\{GRID_\w+:\?[^}]+\}")  # from the file of the person, and none is a reason to stop
    url = secret.sub("secret", proxy["environment"]["QWENPROXY_GRID_URL"])
    assert (
        Config.load({}, {"QWENPROXY_GRID_URL": url}).grid_url == f"http://{hub['SE_ROUTER_USERNAME']}:secret@hub:4444"
    )
    assert secret.fullmatch(hub["SE_ROUTER_PASSWORD"])
    for node in nodes:
        assert node["SE_REGISTRATION_SECRET"] == hub["SE_REGISTRATION_SECRET"]
        assert node["SE_EVENT_BUS_HOST"] == "hub"
        assert node["SE_NODE_OVERRIDE_MAX_SESSIONS"] == "true"
        assert 0 < int(node["SE_NODE_HEARTBEAT_PERIOD"]) <= 5
        assert int(node["SE_NODE_SESSION_TIMEOUT"]) >= 60
    slots = sum(int(node["SE_NODE_MAX_SESSIONS"]) for node in nodes)
    assert (
        Config.load({}, {"QWENPROXY_MAX_BROWSERS": proxy["environment"]["QWENPROXY_MAX_BROWSERS"]}).max_browsers
        == slots
    )
    assert int(hub["SE_SESSION_REQUEST_TIMEOUT"]) + QUEUE_LOOK < SESSION_WAIT < Config.load({}, {}).queue_wait
    for name, service in services.items():
        assert name == "proxy" or "ports" not in service, "only the proxy reaches the Grid"
        assert name == "hub" or service["shm_size"] == "2gb"
