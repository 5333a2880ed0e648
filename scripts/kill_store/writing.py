"""What a process does to the store until it is killed: random changes in several threads.

Each change is told before it begins and once it is confirmed.
"""

from __future__ import annotations

import json
import os
import random
import threading
import traceback
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kill_store.model import CLIENT, Changes, Model, Snapshot, is_under_way, new_name, stored_at
from qwenproxy.history.stored import Stored
from qwenproxy.history.stored.responses import NewResponse

THREADS = 4
MOST_OBJECTS = 12  # of one thread
SIZES = (20, 20, 300, 300, 3_000, 30_000)  # characters of an item; the big ones make SQLite empty its log
BEGUN, CONFIRMED = "begun", "confirmed"

Tell = Callable[[str, int, Changes], None]
Change = tuple[Changes, Callable[[], object]]  # what it changes, and what makes it


def write_until_killed(path: Path, model: Model, seed: int, pipe: int) -> None:
    """Change the store for ever, and tell it to `pipe`."""
    _, stored = stored_at(path)
    tell = teller(pipe)
    chances = [random.Random(seed * THREADS + thread) for thread in range(THREADS)]
    change_for_ever(
        [Writer(stored, thread, chance, tell, model).change_something for thread, chance in enumerate(chances)]
    )


def teller(pipe: int) -> Tell:
    """Return what tells changes to `pipe`, as lines of JSON: each before it begins, and once it is confirmed.

    The second line is empty, unless the store has chosen an id.
    """
    telling = threading.Lock()

    def tell(kind: str, thread: int, changes: Changes) -> None:
        line = json.dumps([kind, thread, changes]).encode() + b"\n"
        with telling:
            while line:
                line = line[os.write(pipe, line) :]

    return tell


def change_for_ever(steps: Sequence[Callable[[], None]]) -> None:
    """Take each step again and again, in a thread of its own; an error ends the process."""

    def work(step: Callable[[], None]) -> None:
        try:
            while True:
                step()
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    threads = [threading.Thread(target=work, args=(step,)) for step in steps]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def make_change(tell: Tell, thread: int, model: Model, change: Change) -> None:
    """Make a change of a thread; tell it before it begins and once it is confirmed, and put it into the model."""
    changes, do = change
    tell(BEGUN, thread, changes)
    do()
    tell(CONFIRMED, thread, {})
    model.confirm(thread, changes)


@dataclass(frozen=True)
class Writer:
    """One thread, with objects of its own."""

    stored: Stored
    thread: int
    chance: random.Random
    tell: Tell
    model: Model

    def change_something(self) -> None:
        """Make one change, or the few of a job."""
        responses, conversations = self._own("resp_"), self._own("conv_")
        kinds: list[Callable[[], None]] = [self._keep, self._keep, self._job, self._job, self._converse]
        if responses and len(responses) + len(conversations) > MOST_OBJECTS:
            kinds = [lambda: self._delete(self.chance.choice(responses))]
        if conversations:
            kinds += [lambda: self._change_conversation(self.chance.choice(conversations))] * 3
        self.chance.choice(kinds)()

    def _own(self, start: str) -> list[str]:
        return [each for each in self.model.objects.get(self.thread, {}) if each.startswith(start)]

    def _change(self, changes: Changes, do: Callable[[], object]) -> None:
        make_change(self.tell, self.thread, self.model, (changes, do))

    def _keep(self) -> None:
        """Keep an ended response, perhaps in a conversation."""
        snapshot = self._response(self.chance.choice(("completed", "completed", "incomplete", "failed")))
        new = self._new(snapshot, self._some_conversation())
        self._change(self._kept(snapshot, new), lambda: self.stored.responses.keep(new))

    def _job(self) -> None:
        """Take a job from the queue to its end."""
        responses = self.stored.responses
        waiting = self._response("queued")
        conversation = self._some_conversation()
        object_id = waiting["object"]["id"]
        self._change({object_id: waiting}, lambda: responses.begin(self._new(waiting, conversation)))
        running = _with_object(waiting, status="in_progress")
        self._change({object_id: running}, lambda: responses.note(self._new(running, conversation)))
        status = self.chance.choice(("completed", "incomplete", "failed", "cancelled"))
        ended = _with_object(running, status=status, output=[] if status == "cancelled" else self._items())
        new = self._new(ended, conversation)
        self._change(self._kept(ended, new), lambda: responses.note(new))
        events = "event " * self.chance.choice(SIZES)
        self._change(
            {object_id: {**ended, "events": events}},
            lambda: responses.keep_events(object_id, CLIENT, events.encode()),
        )

    def _kept(self, snapshot: Snapshot, new: NewResponse) -> Changes:
        """Return what a response that ended changes: itself, and its conversation if it ended well."""
        changes: Changes = {new.object["id"]: snapshot}
        if new.conversation and snapshot["object"]["status"] in ("completed", "incomplete"):
            before = self.model.objects[self.thread][new.conversation]
            items = [*before["items"], *snapshot["items"], *snapshot["object"]["output"]]
            changes[new.conversation] = {**before, "items": items}
        return changes

    def _delete(self, response_id: str) -> None:
        self._change({response_id: None}, lambda: self.stored.responses.delete(response_id, CLIENT))

    def _converse(self) -> None:
        """Begin a conversation, whose id the store chooses."""
        metadata, items = {"mark": uuid.uuid4().hex}, self._items()
        coming = {"object": {"id": "", "object": "conversation", "metadata": metadata}, "items": items}
        self.tell(BEGUN, self.thread, {new_name(metadata): coming})
        made = self.stored.conversations.create(CLIENT, metadata, items)
        changes: Changes = {made["id"]: {"object": made, "items": items}}
        self.tell(CONFIRMED, self.thread, changes)
        self.model.confirm(self.thread, changes)

    def _change_conversation(self, object_id: str) -> None:
        conversations = self.stored.conversations
        before = self.model.objects[self.thread][object_id]
        kind = self.chance.choice(("add", "remove", "rename", "delete"))
        if kind == "add":
            items = self._items()
            after: Snapshot | None = {**before, "items": [*before["items"], *items]}
            self._change({object_id: after}, lambda: conversations.add(object_id, CLIENT, items))
        elif kind == "remove" and before["items"]:
            gone = self.chance.choice(before["items"])
            after = {**before, "items": [item for item in before["items"] if item != gone]}
            self._change({object_id: after}, lambda: conversations.remove(object_id, CLIENT, gone["id"]))
        elif kind == "rename":
            metadata = {**before["object"]["metadata"], "name": uuid.uuid4().hex}
            after = _with_object(before, metadata=metadata)
            self._change({object_id: after}, lambda: conversations.update(object_id, CLIENT, metadata))
        elif kind == "delete":
            self._change({object_id: None}, lambda: conversations.delete(object_id, CLIENT))

    def _some_conversation(self) -> str | None:
        return self.chance.choice([None, *self._own("conv_")])

    def _new(self, snapshot: Snapshot, conversation: str | None) -> NewResponse:
        return NewResponse(CLIENT, snapshot["object"], snapshot["items"], conversation)

    def _response(self, status: str) -> Snapshot:
        ended = [each for each in self._own("resp_") if not is_under_way(self.model.objects[self.thread][each])]
        response = {
            "id": f"resp_{uuid.uuid4().hex}",
            "object": "response",
            "status": status,
            "previous_response_id": self.chance.choice([None, *ended]),
            "output": [] if status == "queued" else self._items(),
        }
        return {"object": response, "items": self._items(), "events": ""}

    def _items(self) -> list[dict[str, Any]]:
        texts = ["Привет " * (self.chance.choice(SIZES) // 7) for _ in range(self.chance.randint(1, 3))]
        return [{"id": f"msg_{uuid.uuid4().hex}", "text": text} for text in texts]


def _with_object(snapshot: Snapshot, **changes: Any) -> Snapshot:
    return {**snapshot, "object": {**snapshot["object"], **changes}}
