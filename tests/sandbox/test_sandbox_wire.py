"""The sandbox's short cut to a connection, over a transport that the test moves: when a frame takes the usual way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from qwenproxy.sandbox.wire import Wire


class Layer:
    """One layer of the server: whoever has its `take` finds what stands in it."""

    def __init__(self, **contents: Any) -> None:
        vars(self).update(contents)

    def take(self) -> None:
        raise AssertionError("the server's own way is not for these tests")


class Transport:
    """A transport that holds `backlog` bytes; None: it has lost its connection, and fails as that of 3.10 does."""

    def __init__(self) -> None:
        self.backlog: int | None = 0
        self.written: list[bytes] = []

    def get_write_buffer_size(self) -> int:
        if self.backlog is None:
            raise AttributeError("'NoneType' object has no attribute 'get_write_buffer_size'")
        return self.backlog

    def is_closing(self) -> bool:
        return self.get_write_buffer_size() < 0


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def wire(transport: Transport) -> Wire:
    """A wire of HTTP/2 over the transport."""
    frames: list[bytes] = []
    connection = SimpleNamespace(
        send_data=lambda stream, data: frames.append(data),
        data_to_send=lambda: b"".join(frames),
        local_flow_control_window=lambda stream: 65536,
        max_outbound_frame_size=16384,
    )
    writer = SimpleNamespace(transport=transport, is_closing=transport.is_closing, write=transport.written.append)
    tcp = Layer(writer=writer)
    http2 = Layer(send=tcp.take, connection=connection, stream_buffers={1: SimpleNamespace(buffer=b"")})
    return Wire(Layer(send=http2.take, stream_id=1).take)


def in_a_loop(act: Callable[[], bool], then: Callable[[], None] = lambda: None) -> bool:
    """Return what `act` returns, and let the event loop come round after `then`."""

    async def run() -> bool:
        result = act()
        then()
        await asyncio.sleep(0)
        return result

    return asyncio.run(run())


def test_frames_of_one_round_go_out_together(wire: Wire, transport: Transport) -> None:
    assert in_a_loop(lambda: wire.write(b"one ") and wire.write(b"two"))
    assert transport.written == [b"one two"]


@pytest.mark.parametrize("backlog", [2 << 20, None])
def test_a_full_or_lost_transport_takes_none(wire: Wire, transport: Transport, backlog: int | None) -> None:
    transport.backlog = backlog
    assert not in_a_loop(lambda: wire.write(b"one"))
    assert transport.written == []


def test_a_connection_lost_before_the_write_is_no_fault(
    wire: Wire, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    assert in_a_loop(lambda: wire.write(b"one"), lambda: setattr(transport, "backlog", None))
    assert (transport.written, caplog.messages) == ([], [])
