"""Servers on loopback that answer what a test says, and a ConnectWise that asks them."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import simplejson
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from xlsync.connectwise.client import ConnectWise
from xlsync.connectwise.lists import LISTS, ListReading, Tables, read_lists
from xlsync.models import Lists
from xlsync.settings import ConnectWiseSettings

Answer = Callable[[Request], Response]


class Silent(WSGIRequestHandler):
    """Writes no log."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class Remote:
    """A server that answers with `answer`, or with the next of `script` while there is one."""

    def __init__(self) -> None:
        self.script: list[Answer | Response] = []
        self.answer: Answer = lambda _: reply({})
        self.seen: list[tuple[str, str]] = []
        self.requests: list[Request] = []
        self.bodies: list[bytes] = []
        self.times: list[float] = []
        self.beside = self.most_beside = 0
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._server = make_server("127.0.0.1", 0, self._app, threaded=True, request_handler=Silent)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def _app(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        with self._lock:
            self.seen.append((request.method, request.full_path.rstrip("?")))
            self.requests.append(request)
            self.bodies.append(request.get_data())
            self.times.append(time.monotonic())
            self.beside += 1
            self.most_beside = max(self.most_beside, self.beside)
            answer = self.script.pop(0) if self.script else self.answer
        try:
            return (answer if isinstance(answer, Response) else answer(request))(environ, start)
        finally:
            with self._lock:
                self.beside -= 1

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def reply(body: object, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(simplejson.dumps(body), status, named, content_type="application/json")


def hang_up(request: Request) -> Response:
    """Close the connection instead of answering."""
    request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return Response()


def connectwise_settings(url: str, keys: dict[str, str], **more: Any) -> ConnectWiseSettings:
    return ConnectWiseSettings(
        **{
            "url": url if "/apis/" in url else f"{url}/v4_6_release/apis/3.0",
            "company": keys["XLSYNC_CW_COMPANY"],
            "public_key": keys["XLSYNC_CW_PUBLIC_KEY"],
            "private_key": keys["XLSYNC_CW_PRIVATE_KEY"],
            "client_id": keys["XLSYNC_CW_CLIENT_ID"],
            **more,
        }
    )


def all_lists(
    connectwise: ConnectWise,
    cache: Any = None,
    *,
    now: dt.datetime,
    refresh: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Lists:
    """All lists as commands read them, one after another."""
    kept = {} if cache is None else cache
    reading = ListReading(connectwise, kept, now=now, refresh=refresh, progress=progress)
    setup, odd = reading.setup()
    companies, agreements, items = map(reading.records, LISTS)
    return read_lists(Tables(companies=companies, agreements=agreements, items=items, setup=setup, odd=odd))


@contextmanager
def connected(to: ConnectWiseSettings) -> Iterator[ConnectWise]:
    """A ConnectWise that waits for next to nothing between requests."""
    connectwise = ConnectWise(to)
    connectwise.service._patience = 0.001
    with connectwise.service:
        yield connectwise
