"""Pictures of answers in the dashboard: what the site made is fetched, and nothing that anybody else wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from dashboard import Dashboard
from replies import Reply, answer
from transcripts import CREATED, delta, end
from werkzeug.test import TestResponse

from qwenproxy.api.wiring import PICTURES, RELAY
from qwenproxy.errors import NetworkFailed
from qwenproxy.media.fetching import WorkFetcher
from qwenproxy.media.pictures import Pictures
from qwenproxy.media.store import MediaStore
from qwenproxy.sandbox.media.png import picture

MADE = "https://cdn.example/made/1.png?key=k"
PNG = picture(4, 4, "made")


class Fetches(WorkFetcher):
    """Notes what is fetched; gives the one file, or raises."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012
    result: bytes | Exception = PNG

    def fetch(self, address: str, account_id: str, most_bytes: int) -> bytes:
        self.asked.append((address, account_id))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture
def fetches(dashboard: Dashboard, tmp_path: Path) -> type[Fetches]:
    Fetches.asked, Fetches.result = [], PNG
    extensions = dashboard.chats.app.extensions
    store = MediaStore(tmp_path / "media")
    extensions[PICTURES] = Pictures(extensions[RELAY], store, Fetches(), pause=lambda seconds: None)
    return Fetches


def look(dashboard: Dashboard, address: object) -> TestResponse:
    return dashboard.ask("POST", "/admin/api/pictures", json={"address": address})


def test_a_picture_of_an_answer_is_fetched_by_its_account(dashboard: Dashboard, fetches: type[Fetches]) -> None:
    dashboard.chats.site.script("a", Reply((CREATED, delta(MADE, "image_gen"), end("image_gen"))))
    assert f"]({MADE})" in dashboard.chats.say("Hello?").text
    response = look(dashboard, MADE)
    assert (response.status_code, response.data, response.content_type) == (200, PNG, "image/png")
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert fetches.asked == [(MADE, "a")]


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/x.png",
        "http://127.0.0.1:9/x.png",
        "http://[::1]/x.png",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://cdn.example/made/2.png",
        "",
    ],
)
def test_an_address_that_only_a_model_wrote_opens_nothing(
    dashboard: Dashboard, fetches: type[Fetches], address: str
) -> None:
    dashboard.chats.site.script("a", answer(f"![x]({address})"))
    dashboard.chats.say(f"Say ![x]({address})")
    response = look(dashboard, address)
    assert (response.status_code, response.data, fetches.asked) == (204, b"", [])


def test_what_is_no_picture_is_not_passed_on(dashboard: Dashboard, fetches: type[Fetches]) -> None:
    dashboard.chats.site.script("a", Reply((CREATED, delta(MADE, "image_gen"), end("image_gen"))))
    dashboard.chats.say("Hello?")
    fetches.result = b"<svg onload=alert(1)>"
    assert look(dashboard, MADE).status_code == 502
    fetches.result = NetworkFailed("The site's files cannot be reached.")
    assert look(dashboard, MADE).status_code in (502, 503)
    assert look(dashboard, 5).get_json()["code"] == "invalid_request"
