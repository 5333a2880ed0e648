"""The port that is kept for a browser or driver until that listens there."""

from __future__ import annotations

import socket
import sys

import pytest

from qwenproxy.browser.attaching import kept_port, listens

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a port be kept")


def test_nobody_else_gets_a_kept_port() -> None:
    with kept_port() as port:
        assert not listens(port)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))


def test_a_program_listens_on_its_kept_port_and_has_it_afterwards() -> None:
    with kept_port() as port:
        server = socket.create_server(("127.0.0.1", port))  # as Chrome and its driver do, with SO_REUSEADDR
    with server:
        assert listens(port)


def test_a_kept_port_is_given_back() -> None:
    with kept_port() as port:
        pass
    with socket.create_server(("127.0.0.1", port)):
        pass
