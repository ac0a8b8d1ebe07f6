"""The service under test, with the least patience."""

from __future__ import annotations

import socket


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
