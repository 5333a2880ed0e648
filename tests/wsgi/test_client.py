"""The client's end of a connection: hanging up is noticed, and taking its time gets it nowhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from clocks import FakeClock

from qwenproxy.wsgi import client
from qwenproxy.wsgi.client import ClientSocket, client_gone_check

Pair = tuple[ClientSocket, socket.socket]


@pytest.fixture
def pair(clock: FakeClock) -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ClientSocket(ours, threading.Semaphore(), clock) as connection, theirs:
        yield connection, theirs


def drip(connection: ClientSocket, theirs: socket.socket, clock: FakeClock, pause: float, count: int) -> int:
    """Send a byte each `pause` seconds; return how many of them were read."""
    for number in range(count):
        clock.now += pause
        theirs.send(b"x")
        try:
            connection.recv(100)
        except ConnectionResetError:
            return number
    return count


class TestReading:
    def test_what_is_there(self, pair: Pair) -> None:
        connection, theirs = pair
        theirs.send(b"hello")
        connection.await_head()
        assert connection.recv(3) == b"hel"
        connection.await_body()
        assert connection.recv(100) == b"lo"
        theirs.close()
        assert connection.recv(100) == b""

    @pytest.mark.parametrize("part", ["head", "body"])
    def test_silence_ends(self, pair: Pair, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
        connection, _ = pair
        monkeypatch.setattr(client, f"{part.upper()}_WAIT", 0.01)
        getattr(connection, f"await_{part}")()
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
        assert connection.gettimeout() is None

    def test_a_dripping_head_ends(self, pair: Pair, clock: FakeClock) -> None:
        connection, theirs = pair
        connection.await_head()
        assert drip(connection, theirs, clock, pause=1.0, count=100) == client.HEAD_WAIT - 1

    def test_a_dripping_body_ends(self, pair: Pair, clock: FakeClock) -> None:
        connection, theirs = pair
        connection.await_body()
        assert drip(connection, theirs, clock, pause=1.0, count=100) == client.BODY_WAIT

    def test_a_steady_body_may_take_its_time(self, pair: Pair, clock: FakeClock) -> None:
        connection, theirs = pair
        connection.await_body()
        for _ in range(1000):
            clock.now += 1.0
            theirs.send(b"x" * client.SLOWEST_BODY)
            assert len(connection.recv(1 << 20)) == client.SLOWEST_BODY

    def test_haste_earns_no_credit(self, pair: Pair, clock: FakeClock) -> None:
        connection, theirs = pair
        connection.await_body()
        for _ in range(10):
            theirs.send(b"x" * client.SLOWEST_BODY)
            connection.recv(1 << 20)
        assert drip(connection, theirs, clock, pause=1.0, count=100) <= client.BODY_WAIT

    def test_a_new_request_has_its_own_time(self, pair: Pair, clock: FakeClock) -> None:
        connection, theirs = pair
        connection.await_head()
        clock.now += 1000
        connection.await_head()
        theirs.send(b"x")
        assert connection.recv(1) == b"x"

    def test_without_a_bound(self, pair: Pair, clock: FakeClock) -> None:
        connection, theirs = pair
        connection.await_head()
        connection.read_without_limit()
        clock.now += 1000
        theirs.send(b"x")
        assert connection.recv(1) == b"x"

    def test_a_shorter_timeout_of_the_reader_counts(self, pair: Pair) -> None:
        connection, _ = pair
        connection.await_head()
        connection.settimeout(0.01)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
        assert connection.gettimeout() == 0.01

    def test_only_so_many_may_be_slow_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client, "CROWDED_WAIT", 0.01)
        places = threading.Semaphore(0)
        ours, theirs = socket.socketpair()
        with ClientSocket(ours, places) as connection, theirs:
            connection.await_head()
            theirs.send(b"x")
            assert connection.recv(1) == b"x", "what is there is read"
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
            places.release()
            threading.Timer(0.1, theirs.send, [b"y"]).start()
            assert connection.recv(1) == b"y"
        assert places.acquire(blocking=False), "the place is given back"

    def test_input_is_seen_without_taking_it(self, pair: Pair) -> None:
        connection, theirs = pair
        assert not connection.has_input()
        theirs.send(b"x")
        assert connection.has_input()
        assert connection.recv(1) == b"x"
        theirs.close()
        assert connection.has_input()


def test_a_client_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SEND_WAIT", 0.05)
    ours, theirs = socket.socketpair()
    with ClientSocket(ours, threading.Semaphore()) as connection, theirs, pytest.raises(ConnectionResetError):
        connection.sendall(b"x" * (1 << 24))


class TestParting:
    def test_the_client_can_take_the_last_answer(self, pair: Pair) -> None:
        connection, theirs = pair
        taken: list[bytes] = []

        def take() -> None:
            while data := theirs.recv(1 << 16):
                taken.append(data)
            theirs.close()

        reader = threading.Thread(target=take)
        reader.start()
        connection.sendall(b"x" * 100_000)
        connection.linger()
        reader.join()
        assert sum(map(len, taken)) == 100_000

    def test_one_that_stays_is_not_waited_for(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        connection, theirs = pair
        monkeypatch.setattr(client, "LINGER_SILENCE", 0.01)
        connection.linger()
        theirs.send(b"more")
        assert connection.recv(100) == b""

    def test_one_that_goes_on_talking_is_not_listened_to_for_ever(
        self, pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection, theirs = pair
        monkeypatch.setattr(client, "LINGER", -1.0)
        theirs.send(b"x" * 70_000)
        connection.linger()
        assert connection.recv(100) == b""


class TestHangingUp:
    def test_is_seen_on_the_socket(self, pair: Pair) -> None:
        connection, theirs = pair
        gone = client_gone_check({"gunicorn.socket": connection})
        assert not gone()
        theirs.send(b"the next request")
        assert not gone()
        connection.recv(100)
        theirs.close()
        assert gone()
        connection.close()
        assert gone()

    def test_is_asked_of_waitress(self) -> None:
        answers = iter([False, True])
        gone = client_gone_check({"waitress.client_disconnected": lambda: next(answers)})
        assert (gone(), gone()) == (False, True)

    def test_cannot_be_seen_elsewhere(self) -> None:
        assert client_gone_check({})() is False
