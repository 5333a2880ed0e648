"""deploy/grafana: its dashboard is whole, and asks only for numbers and labels that the server has."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from qwenproxy.observe import journal
from qwenproxy.observe.metrics import Metrics, Moment

FOLDER = Path(__file__).parent.parent.parent / "deploy/grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "qwenproxy.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
VARIABLES = {each["name"] for each in DASHBOARD["templating"]["list"]}
GRAFANAS_OWN = {"__rate_interval", "__all"}
OF_THE_SCRAPE = {"job", "instance"}  # labels that Prometheus adds
WIDTH = 24  # columns of Grafana's grid
WORD = re.compile(r"[a-z]+_[a-z_]+")


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """The labels of every number, by its name."""
    metrics = Metrics(lambda: Moment(accounts={"OK": 1}))
    metrics.start()
    try:
        journal.note(journal.RequestEnded("POST", "/v1/x", 200, 0.02, "/v1/<name>"))
        journal.note(journal.AnswerBegan("a", "m", "continued", "", 0.2))
        journal.note(journal.AnswerEnded("a", "m", "stop", 2.0, 7, 11))
        journal.note(journal.AnswerBroke("a", "upstream_error", "text"))
        journal.note(journal.AccountInvalid("a", "text"))
        labels: defaultdict[str, set[str]] = defaultdict(set)
        for family in text_string_to_metric_families(metrics.text().decode()):
            for sample in family.samples:
                labels[sample.name] |= set(sample.labels)
        return dict(labels)
    finally:
        metrics.close()


def queries() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]


@pytest.mark.parametrize(("title", "query"), list(queries()), ids=lambda value: value if " " not in value else "")
def test_a_query_names_only_numbers_and_labels_that_there_are(
    known: dict[str, set[str]], title: str, query: str
) -> None:
    bare = re.sub(r'"[^"]*"|\$\w+', "", query)
    names = set(WORD.findall(bare)) - {"histogram_quantile", "label_values"}
    assert names and not names - set(known), names - set(known)
    labels = set(re.findall(r"(\w+)\s*=~?", bare)) | {
        word for group in re.findall(r"by \(([^)]*)\)", bare) for word in group.split(", ")
    }
    allowed = {"le", *OF_THE_SCRAPE, *(label for name in names for label in known[name])}
    assert not labels - allowed, labels - allowed
    assert not set(re.findall(r"\$(\w+)", query)) - VARIABLES - GRAFANAS_OWN
    assert bare.count("(") == bare.count(")") and bare.count("{") == bare.count("}")


def test_every_number_of_our_own_is_shown_or_only_counts_events(known: dict[str, set[str]]) -> None:
    asked = " ".join(query for _, query in queries())
    own = [name for name in known if name.startswith("qwenproxy_") and not name.endswith("_created")]
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in own}
    hidden = {name for name in families if name not in asked}
    assert hidden == {"qwenproxy_events_total", "qwenproxy_request_seconds"}


def test_panels_have_names_and_places_of_their_own() -> None:
    assert len({panel["id"] for panel in PANELS}) == len({panel["title"] for panel in PANELS}) == len(PANELS)
    assert all(panel["description"] and panel["targets"] for panel in PANELS)
    places = [tuple(panel["gridPos"][side] for side in "xywh") for panel in PANELS]
    assert all(x + width <= WIDTH for x, _, width, _ in places)
    for (x, y, width, height), (left, top, wide, high) in combinations(places, 2):
        assert x + width <= left or left + wide <= x or y + height <= top or top + high <= y


def test_no_panel_is_bound_to_one_persons_prometheus() -> None:
    sources = [panel["datasource"] for panel in PANELS] + [
        target["datasource"] for panel in PANELS for target in panel["targets"]
    ]
    assert {(source["type"], source["uid"]) for source in sources} == {("prometheus", "${datasource}")}
    assert "datasource" in VARIABLES and DASHBOARD["schemaVersion"] >= 41


def test_the_scrape_shows_the_key_by_its_file_and_asks_where_the_server_listens() -> None:
    [job] = YAML(typ="safe").load(FOLDER / "prometheus.yml")["scrape_configs"]
    assert job["authorization"] == {"credentials_file": "qwenproxy.key"}
    assert job["static_configs"] == [{"targets": ["127.0.0.1:3264"]}]
    assert job.get("metrics_path", "/metrics") == "/metrics"
