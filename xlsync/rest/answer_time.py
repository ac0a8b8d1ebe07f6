"""Connections whose answers come to an end: headers, body and all, however slowly their bytes arrive.

A time-out of a socket counts from the last byte: a byte now and then keeps a reader waiting for ever.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from functools import partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class AnswerTooSlow(TimeoutError):
    """An answer has not ended in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not ended within {seconds:g} seconds")
        self.seconds = seconds


class TimedAdapter(HTTPAdapter):
    """An adapter of requests whose answers take at most some seconds, from the request on."""

    def __init__(self, longest: float, **options: Any) -> None:
        # A static method: from Python 3.14 on, a class passes its instance to a partial function too.
        response = staticmethod(partial(_TimedResponse, longest=longest))
        plain = type("Plain", (HTTPConnection,), {"response_class": response})
        secure = type("Secure", (HTTPSConnection,), {"response_class": response})
        self._pools = {
            "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


class _TimedResponse(http.client.HTTPResponse):
    """An answer, all of whose bytes are read before a moment."""

    def __init__(self, sock: socket.socket, *args: Any, longest: float, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock, longest))


class _TimedReader(io.RawIOBase):
    """The bytes of a socket until a moment, after which reading raises AnswerTooSlow."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, longest: float) -> None:
        self._raw, self._socket, self._longest = raw, sock, longest
        self._until = time.monotonic() + longest

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read the bytes that are there, or wait for the next."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise AnswerTooSlow(self._longest)
        time_out = self._socket.gettimeout()
        if time_out is None or left < time_out:
            self._socket.settimeout(left)
        try:
            return self._raw.readinto(buffer)
        except TimeoutError as error:
            if time.monotonic() >= self._until:
                raise AnswerTooSlow(self._longest) from error
            raise

    def close(self) -> None:
        """Close the socket's reader too."""
        self._raw.close()
        super().close()
