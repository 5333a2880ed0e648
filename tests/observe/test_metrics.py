"""The numbers for Prometheus: in its format, named as it wants, with few values of labels whatever clients send."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from makers import MakeClient
from prometheus_client.parser import text_string_to_metric_families

from qwenproxy.admin.office import OFFICE
from qwenproxy.observe import journal
from qwenproxy.observe.metrics import CONTENT_TYPE, METHODS, Metrics, Moment

Samples = dict[tuple[str, ...], float]


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    metrics = Metrics(lambda: Moment(3, 2, 1, {"OK": 4, "WAIT": 5}))
    metrics.start()
    yield metrics
    metrics.close()


def samples(text: str) -> Samples:
    """Return the samples by name and labels."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def numbers(metrics: Metrics) -> Samples:
    return samples(metrics.text().decode())


def test_requests_and_answers_are_counted(metrics: Metrics) -> None:
    journal.note(journal.RequestEnded("POST", "/v1/x", 200, 0.02, "/v1/<name>"))
    journal.note(journal.RequestEnded("POST", "/v1/y", 200, 0.02, "/v1/<name>"))
    journal.note(journal.FileSent("GET", "/ui/app.js", 200, 0.02, "/ui/<name>"))
    journal.note(journal.AnswerBegan("a", "m", "continued", "", 0.2))
    journal.note(journal.AnswerBegan("a", "m", "new", "", None))
    journal.note(journal.AnswerEnded("a", "m", "stop", 2.0, 7, 11))
    for _ in range(2):
        journal.note(journal.AnswerPaced((2, *[0] * (len(journal.DELAYS) - 1), 1), 40.5))
    journal.note(journal.AnswerBroke("a", "upstream_error", "text"))
    journal.note(journal.NoAnswer("rate_limited", "text"))
    journal.note(journal.AccountRests("a", 5, "", "text"))
    journal.note(journal.KindRests("a", "upload", 5, "text"))
    journal.note(journal.AccountInvalid("a", "text"))
    journal.note(journal.BrowserOpened("a", 1.5))
    found = numbers(metrics)
    assert found["qwenproxy_requests_total", "POST", "/v1/<name>", "200"] == 2
    assert found["qwenproxy_requests_total", "GET", "/ui/<name>", "200"] == 1
    assert found["qwenproxy_request_seconds_count", "/v1/<name>"] == 2
    assert found["qwenproxy_first_event_seconds_sum",] == 0.2
    assert found["qwenproxy_first_event_seconds_count",] == 1
    assert [found["qwenproxy_contexts_total", context] for context in ("continued", "new")] == [1, 1]
    assert found["qwenproxy_answers_total", "stop"] == 1
    assert found["qwenproxy_answer_seconds_sum",] == 2
    assert [found["qwenproxy_chunk_delay_seconds_bucket", bound] for bound in ("0.001", "30.0", "+Inf")] == [4, 4, 6]
    assert found["qwenproxy_chunk_delay_seconds_count",] == 6 and found["qwenproxy_chunk_delay_seconds_sum",] == 81
    assert [found["qwenproxy_tokens_total", way] for way in ("input", "output")] == [7, 11]
    assert [found["qwenproxy_answer_errors_total", code] for code in ("upstream_error", "rate_limited")] == [1, 1]
    kinds = ("rate_limited", "upload", "invalid")
    assert [found["qwenproxy_refusals_total", kind] for kind in kinds] == [1, 1, 1]
    assert found["qwenproxy_browser_start_seconds_count",] == 1
    assert found["qwenproxy_events_total", "AnswerBegan"] == 2


def test_the_moment_is_read_at_each_look(metrics: Metrics) -> None:
    found = numbers(metrics)
    names = ("answers_running", "requests_waiting", "browsers_open")
    assert [found[f"qwenproxy_{name}",] for name in names] == [3, 2, 1]
    assert [found["qwenproxy_accounts", status] for status in ("OK", "WAIT")] == [4, 5]


def test_the_names_follow_the_conventions(metrics: Metrics) -> None:
    journal.note(journal.BrowserOpened("a", 1.5))
    for family in text_string_to_metric_families(metrics.text().decode()):
        assert family.documentation
        if family.name.startswith("qwenproxy_"):
            unit_is_last = family.name.endswith("_seconds")
            assert unit_is_last == (family.type == "histogram"), family.name
            assert family.type in ("counter", "gauge", "histogram")
            assert not family.name.endswith(("_total", "_count", "_sum")), family.name


def test_nothing_is_counted_once_it_is_closed(metrics: Metrics) -> None:
    metrics.close()
    metrics.close()
    journal.note(journal.BrowserOpened("a", 1.5))
    assert ("qwenproxy_events_total", "BrowserOpened") not in numbers(metrics)


def test_labels_take_no_value_of_a_clients_choosing(make_client: MakeClient) -> None:
    client: FlaskClient = make_client()
    office = client.application.extensions[OFFICE]
    office.start()
    try:
        odd = ["/odd", "/api/chats/odd", "/v1/models/odd", "/ollama/odd", "/v1/odd", "/ui/odd.js", "//odd"]
        for path in odd:
            for method in ("GET", "POST", "ODD", "PROPFIND", "PUT"):
                client.open(path, method=method, json={"model": "odd"}, headers={"x-api-key": "odd"})
        client.post("/v1/chat/completions", json={"model": "odd", "messages": [{"role": "user", "content": "odd"}]})
        bearer = {"Authorization": f"Bearer {office.admin_keys.first()}"}
        response = client.get("/metrics", headers=bearer)
        assert response.headers["Content-Type"] == CONTENT_TYPE
        assert "odd" not in response.text.lower()
        rules = {rule.rule for rule in client.application.url_map.iter_rules()} | {"none"}
        for family in text_string_to_metric_families(response.text):
            for sample in family.samples:
                assert sample.labels.get("route", "none") in rules
                assert sample.labels.get("method", "GET") in METHODS | {"other"}
    finally:
        office.close()
