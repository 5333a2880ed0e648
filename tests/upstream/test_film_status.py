"""What the site says of films, in all its forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qwenproxy.errors import ProtocolChanged
from qwenproxy.upstream.films import FilmStatus, film_status, task_in_answer, task_in_chat
from qwenproxy.upstream.works import means_films

ADDRESS = "https://cdn.qwenlm.ai/output/u/t2v/c/t.mp4?key=k"
MESSAGE = {"role": "assistant", "extra": {"wanx": {"task_id": "t1"}}}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"data": {"task_status": "running", "content": ""}}, FilmStatus("running")),
        ({"data": {"task_status": "pending"}}, FilmStatus("running")),
        ({"data": {"task_status": "success", "content": ADDRESS}}, FilmStatus("done", ADDRESS)),
        ({"task_status": "completed", "content": f" {ADDRESS}\n"}, FilmStatus("done", ADDRESS)),
        ({"status": "SUCCESS", "result": {"url": ADDRESS}}, FilmStatus("done", ADDRESS)),
        ({"data": {"task_status": "success", "content": ""}}, FilmStatus("failed")),
        ({"data": {"task_status": "failed", "message": "No."}}, FilmStatus("failed", message="No.")),
        ({"status": "error", "message": None}, FilmStatus("failed")),
        ({"status": "what"}, FilmStatus("failed")),
    ],
    ids=str,
)
def test_how_a_film_stands(answer: dict[str, Any], status: FilmStatus) -> None:
    assert film_status(json.dumps(answer)) == status


@pytest.mark.parametrize("text", ["", "<html>", "[]", "{}", '{"data":{"task_status":1}}'])
def test_an_unknown_form(text: str) -> None:
    for read in (film_status, task_in_answer):
        with pytest.raises(ProtocolChanged):
            read(text)
    assert task_in_chat(text) is None


@pytest.mark.parametrize(
    "chat",
    [
        {"messages": [{"role": "user"}, MESSAGE]},
        {"messages": [], "history": {"messages": {"a": {"extra": None}, "b": MESSAGE}}},
        {"history": {"messages": [MESSAGE]}},
    ],
    ids=["a list", "by id", "a list in the history"],
)
def test_the_task_in_a_chat(chat: dict[str, Any]) -> None:
    assert task_in_chat(json.dumps({"data": {"chat": chat}})) == "t1"


def test_the_task_in_an_answer() -> None:
    assert task_in_answer(json.dumps({"success": True, "data": {"messages": [MESSAGE]}})) == "t1"


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("sora-2", True), ("openai/sora-2-pro", True), ("wan2.5-t2v-preview", True), ("veo-3", True), ("qwen-max", False)],
)
def test_names_of_film_engines(name: str, is_one: bool) -> None:
    assert means_films(name) is is_one
