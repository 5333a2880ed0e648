"""OpenAI's Videos API over the whole product but for the browser: orders, looks, restarts, files, keys, refusals."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from film_studio import (
    ADDRESS,
    DONE,
    EMPTY_CHAT,
    FAILED,
    PATH,
    RUNNING,
    SPENT,
    STARTED_CHAT,
    UNKNOWN,
    Studio,
    reply,
)
from openai.types import Video, VideoDeleteResponse
from openapi_checks import check
from replies import LOGGED_OUT, Reply, refusal

from qwenproxy.access.keys import KeyFile
from qwenproxy.disk.folder import SessionFolder
from qwenproxy.errors import NetworkFailed
from qwenproxy.media import fetching
from qwenproxy.media.film_watch import BUDGET, PATIENCE
from qwenproxy.sandbox.media.filming import film


def error_of(response: Any) -> tuple[int, str, str | None]:
    error = response.get_json()["error"]
    return response.status_code, error["code"], error["param"]


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1", "/api", ""])
def test_a_film_is_ordered_watched_and_fetched_once(studio: Studio, prefix: str) -> None:
    studio.site.script("a", RUNNING, RUNNING, DONE, call="task")
    response = studio.client.post(f"{prefix}/videos", json={"prompt": "a fox", "model": "sora-2", "seconds": "8"})
    video = response.get_json()
    Video.model_validate(video)
    check("Video", video)
    assert int(response.headers["openai-poll-after-ms"]) > 0
    done = studio.end_of(video)
    assert (done["status"], done["progress"], done["size"], done["seconds"]) == ("completed", 100, "1280x720", "5")
    assert (done["model"], done["error"]) == ("sora-2", None)
    content = studio.client.get(f"{prefix}/videos/{video['id']}/content")
    assert (content.mimetype, content.data) == ("video/mp4", film("16:9"))
    assert studio.fetched == [ADDRESS]
    (question,) = studio.site.questions()
    message = question["messages"][0]
    assert (question["model"], question["stream"], question["size"]) == ("qwen3.7-plus", False, "16:9")
    assert (message["chat_type"], message["extra"]["meta"]["size"]) == ("t2v", "16:9")


def test_parts_of_the_file(studio: Studio) -> None:
    video = studio.end_of(studio.order())
    content = f"{PATH}/{video['id']}/content"
    part = studio.client.get(content, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.data, part.headers["Accept-Ranges"]) == (206, b"ftyp", "bytes")
    assert studio.client.get(content, headers={"Range": "bytes=99999999-"}).status_code == 416
    whole = studio.client.get(content)
    assert whole.status_code == 200
    longer = studio.client.get(content, headers={"Range": "bytes=-99999999"})
    assert (longer.status_code, longer.data) == (206, whole.data)
    assert studio.client.get(content, headers={"Range": "bytes=-4"}).data == whole.data[-4:]
    for other in ("items=0-1", "bytes=abc", "bytes=9-2", "bytes=0-1,5-6"):
        ignored = studio.client.get(content, headers={"Range": other})
        assert (ignored.status_code, ignored.data) == (200, whole.data), other
    assert error_of(studio.client.get(f"{content}?variant=thumbnail")) == (400, "unsupported_parameter", "variant")


@pytest.mark.parametrize(
    ("looks", "reason"),
    [([FAILED], "No such thing."), ([RUNNING, UNKNOWN], "The site does not know the film any more.")],
    ids=["the site failed", "an unknown task"],
)
def test_a_film_that_fails(studio: Studio, looks: list[Reply], reason: str) -> None:
    studio.site.script("a", *looks, call="task")
    failed = studio.end_of(studio.order())
    assert (failed["status"], failed["error"]["message"]) == ("failed", reason)
    Video.model_validate(failed)
    content = studio.client.get(f"{PATH}/{failed['id']}/content")
    assert error_of(content) == (400, "invalid_request", None)
    studio.site.wait_for_deletions(("a", "up-1"))


def test_troubles_on_the_way_end_no_film(studio: Studio) -> None:
    gone = refusal("not found", "Not Found", status=404)
    studio.site.script("a", NetworkFailed("no way"), gone, RUNNING, call="task")
    studio.site.always("a", reply({"status": "completed", "result": {"url": ADDRESS}}, flat=True), call="flat_task")
    assert studio.end_of(studio.order())["status"] == "completed"
    assert studio.site.asked("flat_task") == ["a"]


def test_an_answer_that_is_lost_costs_no_second_film(studio: Studio) -> None:
    studio.site.script("a", NetworkFailed("no way"))
    studio.site.always("a", STARTED_CHAT, call="chat")
    assert studio.end_of(studio.order())["status"] == "completed"
    assert len(studio.site.questions()) == 1


def test_a_film_that_the_site_refuses_leaves_nothing(studio: Studio) -> None:
    studio.site.script("a", SPENT)
    assert error_of(studio.client.post(PATH, json={"prompt": "a fox"})) == (429, "rate_limited", None)
    assert studio.client.get(PATH).get_json()["data"] == []
    studio.site.wait_for_deletions(("a", "up-1"))
    assert studio.chats.registry.get("a").status(studio.chats.clock()) == "OK"  # type: ignore[union-attr]
    assert "films" in studio.client.post(PATH, json={"prompt": "a fox"}).get_json()["error"]["message"]


def test_each_account_makes_one_film_a_day(studio: Studio) -> None:
    studio.start(accounts=2)
    videos = [studio.end_of(studio.order()) for _ in range(2)]
    assert sorted(studio.site.asked()) == ["a", "b"]
    studio.client.delete(f"{PATH}/{videos[0]['id']}")
    assert error_of(studio.client.post(PATH, json={"prompt": "a fox"}))[:2] == (429, "rate_limited")
    assert len(studio.site.questions()) == 2


def test_the_site_may_say_that_one_more_is_left(studio: Studio) -> None:
    studio.site.always("a", reply({"t2v": {"times_left": 1}}), call="quota")
    for _ in range(2):
        studio.end_of(studio.order())
    assert studio.site.asked() == ["a", "a"]


class TestAKilledServer:
    def test_after_the_site_named_the_film(self, studio: Studio) -> None:
        job = studio.put("in_progress", "task-1")
        studio.start()
        assert studio.end_of({"id": job.id})["status"] == "completed"

    def test_before_the_answer_with_its_name(self, studio: Studio) -> None:
        job = studio.put("queued", "")
        studio.site.always("a", STARTED_CHAT, call="chat")
        studio.start()
        assert studio.end_of({"id": job.id})["status"] == "completed"
        assert studio.jobs.has_started_today("a", studio.films._now())

    def test_before_the_site_had_the_question(self, studio: Studio) -> None:
        job = studio.put("queued", "")
        studio.site.always("a", EMPTY_CHAT, call="chat")
        studio.start()
        failed = studio.end_of({"id": job.id})
        assert (failed["status"], "Order it again" in failed["error"]["message"]) == ("failed", True)

    @pytest.mark.parametrize(
        ("age", "look", "status"),
        [
            (BUDGET + 1, RUNNING, "failed"),
            (BUDGET + 1, DONE, "completed"),
            (PATIENCE + 1, NetworkFailed("?"), "failed"),
        ],
        ids=["still running", "done meanwhile", "out of reach"],
    )
    def test_long_ago(self, studio: Studio, age: float, look: Reply | Exception, status: str) -> None:
        job = studio.put("in_progress", "task-1", age=age)
        studio.site.always("a", look, call="task")
        studio.start()
        assert studio.end_of({"id": job.id})["status"] == status

    def test_whose_account_is_gone(self, studio: Studio) -> None:
        job = replace(studio.put("in_progress", "task-1"), account_id="z")
        studio.jobs.put(job)
        studio.start()
        assert "removed" in studio.end_of({"id": job.id})["error"]["message"]

    def test_whose_account_is_logged_out_waits_for_it(self, studio: Studio) -> None:
        job = studio.put("in_progress", "task-1")
        studio.site.script("a", LOGGED_OUT, LOGGED_OUT, LOGGED_OUT, call="task")
        studio.start(accounts=2)
        while studio.chats.registry.get("a").status(studio.chats.clock()) == "OK":  # type: ignore[union-attr]
            threading.Event().wait(0.01)
        assert studio.client.get(f"{PATH}/{job.id}").get_json()["status"] == "in_progress"
        studio.chats.registry.renew("a", "token-new")
        assert studio.end_of({"id": job.id})["status"] == "completed"
        assert set(studio.site.asked("task")) == {"a"}


def test_a_dead_address_is_asked_for_again(studio: Studio) -> None:
    video = studio.end_of(studio.order())
    job = studio.jobs.of(video["id"], "")
    studio.films._files.drop(job.address)
    reads: Iterator[bytes | Exception] = iter([fetching._dead("it is gone"), film("9:16")])

    def read(address: str, most_bytes: int, proxy: str) -> bytes:
        outcome = next(reads)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching, "_read", read)
        new_address = ADDRESS.replace("t.mp4", "new.mp4")
        studio.site.always("a", reply({"task_status": "success", "content": new_address}), call="task")
        assert studio.client.get(f"{PATH}/{video['id']}/content").data == film("9:16")


def test_lists_and_deletes(studio: Studio) -> None:
    studio.site.always("a", reply({"t2v": {"times_left": -1}}), call="quota")
    ids = [studio.end_of(studio.order())["id"] for _ in range(3)]
    page = studio.client.get(f"{PATH}?limit=2").get_json()
    check("VideoList", page)
    assert ([video["id"] for video in page["data"]], page["has_more"]) == (ids[:0:-1], True)
    rest = studio.client.get(f"{PATH}?after={page['last_id']}").get_json()
    assert ([video["id"] for video in rest["data"]], rest["has_more"]) == (ids[:1], False)
    oldest = studio.client.get(f"{PATH}?order=asc&limit=1").get_json()
    assert oldest["data"][0]["id"] == ids[0]
    assert studio.client.get(f"{PATH}?limit=0").get_json()["data"] == []
    deleted = studio.client.delete(f"{PATH}/{ids[0]}").get_json()
    VideoDeleteResponse.model_validate(deleted)
    check("VideoDeleted", deleted)
    assert error_of(studio.client.get(f"{PATH}/{ids[0]}")) == (404, "not_found", None)
    assert error_of(studio.client.get(f"{PATH}?after=video_no")) == (404, "not_found", None)


def test_a_film_is_deleted_where_its_file_cannot_be(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    video = studio.end_of(studio.order())
    assert studio.client.get(f"{PATH}/{video['id']}/content").status_code == 200

    def refuse(self: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert studio.client.delete(f"{PATH}/{video['id']}").status_code == 200
    assert "the file of a deleted film stays" in caplog.text
    assert studio.client.get(f"{PATH}/{video['id']}").status_code == 404


def test_an_old_film_goes(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.site.always("a", reply({"t2v": {"times_left": -1}}), call="quota")
    first = studio.end_of(studio.order())
    monkeypatch.setattr(studio.films, "days", 0)
    studio.films._clock = lambda: first["created_at"] + 10.0
    studio.end_of(studio.order())
    assert studio.client.get(f"{PATH}/{first['id']}").status_code == 404


def test_another_client_sees_no_film(studio: Studio, tmp_path: Path) -> None:
    keys = KeyFile.open(SessionFolder(tmp_path / "session").keys)
    one, other = keys.add("one"), keys.add("other")
    ask = {"headers": {"Authorization": f"Bearer {one}"}}
    video = studio.client.post(PATH, json={"prompt": "a fox"}, **ask).get_json()
    stranger = {"headers": {"Authorization": f"Bearer {other}"}}
    path = f"{PATH}/{video['id']}"
    for call, where in (("get", path), ("get", f"{path}/content"), ("delete", path)):
        assert getattr(studio.client, call)(where, **stranger).status_code == 404
    assert studio.client.get(PATH, **stranger).get_json()["data"] == []
    assert studio.client.get(path, **ask).status_code == 200


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": " "}, "prompt"),
        ({"prompt": "x" * 32_001}, "prompt"),
        ({"size": "large"}, "size"),
        ({"seconds": "long"}, "seconds"),
        ({"model": 7}, "model"),
        ({"n": 3}, "n"),
        ({"input_reference": {"file_id": "file-1"}}, "input_reference.file_id"),
        ({"input_reference": 7}, "input_reference"),
        ({"input_reference": {"image_url": "data:image/png;base64,AAAA"}}, "input_reference"),
    ],
    ids=str,
)
def test_a_bad_order(studio: Studio, body: dict[str, Any], param: str) -> None:
    response = studio.client.post(PATH, json={"prompt": "a fox", **body})
    assert (response.status_code, response.get_json()["error"]["param"]) == (400, param)


def test_orders_as_forms(studio: Studio) -> None:
    form = {"prompt": "a fox", "size": "720x1280", "seconds": "4"}
    response = studio.client.post(PATH, data=form, content_type="multipart/form-data")
    assert (response.status_code, response.get_json()["size"]) == (200, "720x1280")
    assert studio.client.post(PATH, data="prompt=x", content_type="text/plain").status_code == 415


@pytest.mark.parametrize("path", ["edits", "extensions", "characters"])
def test_what_the_site_cannot_do(studio: Studio, path: str) -> None:
    assert error_of(studio.client.post(f"{PATH}/{path}", json={})) == (404, "unsupported_endpoint", None)
    video = studio.end_of(studio.order())
    remix = studio.client.post(f"{PATH}/{video['id']}/remix", json={"prompt": "x"})
    assert error_of(remix) == (404, "unsupported_endpoint", None)
