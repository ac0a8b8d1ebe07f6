"""Ports on which nobody listens."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from typing import Final

# Systems give ports above these to servers that name none, and to connections: nobody takes one meanwhile.
_NOT_GIVEN_AWAY: Final = range(20_000, 32_000)


def closed_port() -> int:
    """Return a port on which nobody listens, and which no other test is given by the system."""
    for port in random.SystemRandom().sample(_NOT_GIVEN_AWAY, len(_NOT_GIVEN_AWAY)):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("every port is in use")
