"""The socket of the API."""

from __future__ import annotations

import socket

from cmetrics.api.serve import listen


def test_connections_send_without_delay():
    """The body of a response is sent without waiting for the acknowledgement of its head, which would take 40 ms."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
