"""An HTTP server on loopback: a thread for each kept-alive connection, which it can cut at any moment."""

from __future__ import annotations

import contextlib
import functools
import gzip
import os
import socket
import struct
import threading
import traceback
from collections.abc import Callable
from typing import Any, Final, NoReturn

from werkzeug import Request as HttpRequest
from werkzeug import Response
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

NO_LINGER: Final = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
_BIG: Final = 1400
_LONGEST_LINE: Final = 65536
_LONGEST_CLOSE: Final = 5.0  # seconds
Answer = Callable[[HttpRequest, socket.socket], Response]


@functools.lru_cache(maxsize=64)
def _compressed(body: bytes) -> bytes:
    """Compress a body; clients ask for the same lists again and again."""
    return gzip.compress(body, compresslevel=1)


class HungUp(Exception):
    """The connection is to be closed without an answer."""


def hang_up(connection: socket.socket) -> NoReturn:
    """Close a connection as a server does that goes away."""
    _shut(connection)
    raise HungUp


def refuse(connection: socket.socket) -> NoReturn:
    """Close a connection with a reset, which a linger time of zero causes."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    connection.close()
    raise HungUp


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # already closed
        connection.shutdown(socket.SHUT_RDWR)


class _Connection(WSGIRequestHandler):
    """The connection of one client, kept alive between requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    server: Listener

    def finish(self) -> None:
        # Each by itself: the base class leaves the reading one open where the last bytes cannot be written,
        # and the connection is closed only when both are.
        for stream in (self.wfile, self.rfile):
            with contextlib.suppress(OSError):  # the client, or the sandbox on purpose, has closed it
                stream.close()

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def parse_request(self) -> bool:
        """Read the head of a request; Python's own parser, made for mail, takes several times as long."""
        words = self.raw_requestline.decode("iso-8859-1").split()
        if len(words) != 3 or words[2] != "HTTP/1.1" or words[1].startswith("//"):
            return super().parse_request()
        self.requestline = " ".join(words)
        self.command, self.path, self.request_version = words
        headers: dict[str, str] = {}
        while (line := self.rfile.readline(_LONGEST_LINE)).strip():
            name, _, value = line.decode("iso-8859-1").partition(":")
            before = headers.get(name.title())
            headers[name.title()] = value.strip() if before is None else f"{before},{value.strip()}"
        self.headers = headers  # type: ignore[assignment]  # what reads it asks for names in this form
        self.close_connection = headers.get("Connection", "").lower() == "close"
        return headers.get("Expect", "").lower() != "100-continue" or self.handle_expect_100()

    def handle_expect_100(self) -> bool:
        """Tell a client at once that waits with its body."""
        is_expected = super().handle_expect_100()
        self.wfile.flush()
        return is_expected

    def run_wsgi(self) -> None:
        """Answer one request; Werkzeug's own method would close the connection afterwards."""
        request = HttpRequest(self.make_environ())
        request.get_data()
        try:
            response = self.server.answer(request, self.connection)
        except HungUp:
            self.close_connection = True
            return
        except Exception:  # a bug of the sandbox, told to whoever reads the answer
            response = Response(traceback.format_exc(), status=500, content_type="text/plain")
        body = response.get_data()
        if len(body) > _BIG and "gzip" in request.headers.get("Accept-Encoding", ""):
            body = _compressed(body)
            response.headers["Content-Encoding"] = "gzip"
        if response.status_code != 204:
            response.headers["Content-Length"] = str(len(body))
        self.send_response(response.status_code)
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        if request.method != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        pass


class Listener(ThreadedWSGIServer):
    """A server on a port of this machine that answers with `answer`, until `close`."""

    def __init__(self, answer: Answer, port: int) -> None:
        self.answer = answer
        self.connections: set[socket.socket] = set()
        self._closed = threading.Condition()
        # Werkzeug's own way of listening prints and exits when the port is taken.
        with socket.create_server(("127.0.0.1", port), backlog=128) as listening:
            super().__init__("127.0.0.1", port, lambda *_: [], handler=_Connection, fd=listening.fileno())

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Print no line for a request, unlike Werkzeug."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: the client went away. `run_wsgi` answers a bug of the sandbox with status 500."""

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and note it at once, so that `close` misses none whose thread is starting."""
        connection, address = super().get_request()
        with self._closed:
            self.connections.add(connection)
        return connection, address

    def close_request(self, request: Any) -> None:
        """Close a connection that has been served."""
        super().close_request(request)
        with self._closed:
            self.connections.discard(request)
            self._closed.notify_all()

    def close(self) -> None:
        """Stop listening, and close every connection."""
        self.shutdown()
        self.server_close()
        with self._closed:
            for connection in self.connections:
                _shut(connection)
            # A function that was given to `fail` may run for long, or be the one that stops the sandbox.
            self._closed.wait_for(lambda: not self.connections, _LONGEST_CLOSE)
