"""A server whose site makes films, and what that site says of them; looks at them come at once."""

from __future__ import annotations

import json
import threading
from typing import Any

from flask.testing import FlaskClient
from kept_chats import KeptChats
from replies import JSON, Reply, refusal

from qwenproxy.api.wiring import FILMS
from qwenproxy.media.film_jobs import FilmJob, FilmJobs
from qwenproxy.media.films import Films

PATH = "/v1/videos"
ADDRESS = "https://cdn.example.com/output/u/t2v/c/t.mp4?key=1"


def reply(data: object, *, flat: bool = False) -> Reply:
    return Reply((json.dumps(data if flat else {"success": True, "data": data}),), headers=JSON)


def model(name: str, *kinds: str) -> dict[str, Any]:
    return {"id": name, "name": name, "info": {"is_active": True, "meta": {"chat_type": ["t2t", *kinds]}}}


MODELS = reply({"data": [model("qwen3.8-max"), model("qwen3.7-plus", "t2v")]})
MESSAGE = {"role": "assistant", "extra": {"wanx": {"task_id": "task-1"}}}
BEGUN = reply({"messages": [MESSAGE]})
RUNNING = reply({"task_status": "running", "content": ""})
DONE = reply({"task_status": "success", "content": ADDRESS})
FAILED = reply({"task_status": "failed", "message": "No such thing."})
UNKNOWN = refusal("Not_Found", "Task not found", status=404)
EMPTY_CHAT = reply({"chat": {"messages": [{"role": "user", "extra": {}}]}})
STARTED_CHAT = reply({"chat": {"history": {"messages": {"m": MESSAGE}}}})
SPENT = refusal("RateLimited", "今日视频生成额度已用完，请明天再来。")


class Studio:
    """A server whose site makes films; looks at them come at once."""

    def __init__(self, chats: KeptChats) -> None:
        self.chats = chats
        self.site = chats.site
        self.fetched: list[str] = []
        for account in "abc":
            self.site.always(account, MODELS, call="models")
            self.site.always(account, BEGUN)
            self.site.always(account, DONE, call="task")
            self.site.always(account, reply({"t2v": {"times_left": 0}}), call="quota")
        self.start()

    def start(self, accounts: int = 1) -> None:
        """Start the server, or start it again."""
        self.chats.start(accounts)
        self.films.watch.pause_at = lambda age: 0.001
        self.films.start()

    @property
    def films(self) -> Films:
        films: Films = self.chats.app.extensions[FILMS]
        return films

    @property
    def jobs(self) -> FilmJobs:
        return self.films._jobs

    @property
    def client(self) -> FlaskClient:
        return self.chats.client

    def order(self, **body: Any) -> dict[str, Any]:
        response = self.client.post(PATH, json={"prompt": "a fox", **body})
        assert response.status_code == 200, response.text
        video: dict[str, Any] = response.get_json()
        return video

    def end_of(self, video: dict[str, Any]) -> dict[str, Any]:
        """Return a film once nobody watches it any more."""
        for thread in threading.enumerate():
            if thread.name.startswith("film-"):
                thread.join(10)
        shown: dict[str, Any] = self.client.get(f"{PATH}/{video['id']}").get_json()
        return shown

    def put(self, status: Any, task_id: str, *, age: float = 0.0) -> FilmJob:
        """Write down the job of a server that was killed."""
        created = self.films._now() - int(age * 1000)
        job = FilmJob("video_1", "", created, status, "a", "up-1", task_id, "a fox", "sora-2", "1280x720", "5")
        self.jobs.put(job)
        return job
