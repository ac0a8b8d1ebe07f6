"""The sandbox: a made-up BSS and ConnectWise PSA on one loopback port."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import socket
import struct
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import simplejson
from werkzeug import Request as HttpRequest
from werkzeug import Response
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from xlsync.sandbox import bss, connectwise
from xlsync.sandbox.bss import BssApi
from xlsync.sandbox.connectwise import ConnectWiseApi, json_response
from xlsync.sandbox.data import Scale, generate
from xlsync.sandbox.faults import Fault, Faults
from xlsync.sandbox.state import Journal

_API: Final = re.compile(r"/(?P<codebase>v\d+_\d+(?:_release)?/)apis/3\.0(?P<path>/.*)")
_INFO: Final = re.compile(r"/login/companyinfo/(?P<company>[^/]+)")
_BIG: Final = 1400
_LONGEST_CLOSE: Final = 5.0  # seconds
_NO_LINGER: Final = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
_HTML: Final = "<html><body><h1>Server Error in '/' Application.</h1></body></html>"
_SECRET: Final = frozenset({"authorization"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that reached the sandbox. `path` is that below ConnectWise's API root, or the BSS's path.

    `status` is None until it is answered, and stays None where the sandbox hung up.
    """

    number: int
    service: str  # "bss" or "connectwise"
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    status: int | None = None

    @property
    def is_write(self) -> bool:
        """Whether it asks ConnectWise to change something."""
        return self.service == "connectwise" and self.method in {"POST", "PATCH", "PUT", "DELETE"}


class _HungUp(Exception):
    """The connection is to be closed without an answer."""


class _Connection(WSGIRequestHandler):
    """One client's connection, kept alive between requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    server: _Server

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

    def run_wsgi(self) -> None:
        """Answer one request. Werkzeug's own would close the connection after each."""
        request = HttpRequest(self.make_environ())
        request.get_data()
        try:
            response = self.server.sandbox.answer(request, self.connection)
        except _HungUp:
            self.close_connection = True
            return
        except Exception:  # a bug of the sandbox, told to whoever reads the answer
            response = Response(traceback.format_exc(), status=500, content_type="text/plain")
        body = response.get_data()
        if len(body) > _BIG and "gzip" in request.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1)
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


class _Server(ThreadedWSGIServer):
    """Listens on loopback, a thread for each connection."""

    sandbox: Sandbox

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        self.connections: set[socket.socket] = set()
        self._closed = threading.Condition()
        # Werkzeug's own way of listening prints and exits when the port is taken.
        with socket.create_server(("127.0.0.1", port), backlog=128) as listening:
            super().__init__("127.0.0.1", port, lambda *_: [], handler=_Connection, fd=listening.fileno())

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        pass

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to report; anything else is a bug of the sandbox."""

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; noted here, so that `close` misses none whose thread is still starting."""
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
        """Stop listening, and close every connection: none is left open for a thread to close later."""
        self.shutdown()
        self.server_close()
        with self._closed:
            for connection in self.connections:
                _shut(connection)
            # A function that was given to `fail` may run for long, or be the one that stops the sandbox.
            self._closed.wait_for(lambda: not self.connections, _LONGEST_CLOSE)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # already closed
        connection.shutdown(socket.SHUT_RDWR)


class Sandbox:
    """A BSS and a ConnectWise over real HTTP, with a made-up MSP's three months up to October 2026.

    `size` 1 is about 60 customers and 170 billing lines in October; `lines` sets the lines instead, and
    everything grows with them. `state` is the folder where writes are kept, None keeps them in memory.
    `latency` is added to every answer, side by side.
    """

    def __init__(
        self,
        size: float = 1,
        seed: int = 1,
        port: int = 0,
        state: Path | None = None,
        latency: float = 0.0,
        lines: int | None = None,
    ) -> None:
        self._scale = scale = Scale.of(lines if lines is not None else round(170 * size))
        self._seed = seed
        self.bss, self.connectwise = generate(scale, seed)
        if state is not None:
            self.connectwise.journal = Journal(
                Path(state) / "writes.jsonl", {"seed": seed, "lines": scale.lines}
            )
            self.connectwise.replay()
        self.latency = latency
        self.log: list[Request] = []
        self._port = port
        self._write_count = 0
        self._faults = Faults()
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._bss_api = BssApi(self.bss)
        self._connectwise_api = ConnectWiseApi(self.connectwise)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def per_minute(self) -> int | None:
        """How many ConnectWise requests a minute are answered; more get a 429. None for no limit."""
        return self.connectwise.per_minute

    @per_minute.setter
    def per_minute(self, most: int | None) -> None:
        self.connectwise.per_minute = most

    # Running

    def start(self) -> Self:
        """Serve in a thread until `stop`."""
        self._server = _Server(self, self._port)
        self._stopped.clear()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving: connections are closed and nothing listens any more."""
        self._stopped.set()
        if self._server is not None and self._thread is not None:
            self._port = self._server.port
            self._server.close()
            self._thread.join()
        self._server = self._thread = None

    def serve_forever(self) -> None:
        """Serve until the process is interrupted (KeyboardInterrupt)."""
        if self._server is None:
            self.start()
        try:
            while not self._stopped.wait(0.2):
                pass
        finally:
            self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        port = self._server.port if self._server is not None else self._port
        return f"http://127.0.0.1:{port}"

    @property
    def environ(self) -> dict[str, str]:
        """The settings that make xlsync use it. The keys are made up and open nothing else."""
        return {
            "XLSYNC_BSS_URL": self.url,
            "XLSYNC_BSS_CLIENT_KEY": bss.CLIENT_KEY,
            "XLSYNC_BSS_CLIENT_SECRET": bss.CLIENT_SECRET,
            "XLSYNC_BSS_USERNAME": bss.USERNAME,
            "XLSYNC_BSS_PASSWORD": bss.PASSWORD,
            "XLSYNC_CW_URL": self.url,
            "XLSYNC_CW_COMPANY": connectwise.COMPANY_ID,
            "XLSYNC_CW_PUBLIC_KEY": connectwise.PUBLIC_KEY,
            "XLSYNC_CW_PRIVATE_KEY": connectwise.PRIVATE_KEY,
            "XLSYNC_CW_CLIENT_ID": connectwise.CLIENT_ID,
        }

    @property
    def writes(self) -> list[Request]:
        """The requests that asked ConnectWise to change something, the first one first."""
        return [request for request in self.log if request.is_write]

    def fail(
        self,
        kind: str,
        *,
        write: int | None = None,
        path: str | None = None,
        times: int = 1,
        seconds: float = 0.0,
        call: Callable[[], object] | None = None,
    ) -> None:
        """Fail at the n-th ConnectWise write from now, or at the next `times` requests whose
        `METHOD /path` matches the regular expression.
        """  # noqa: D205
        with self._lock:
            first = None if write is None else self._write_count + write
            self._faults.add(kind, first=first, path=path, times=times, seconds=seconds, call=call)

    def reset(self) -> None:
        """Begin anew: the records as generated, an empty log, nothing left to fail."""
        with self._lock:
            journal = self.connectwise.journal
            fresh_bss, fresh = generate(self._scale, self._seed)
            vars(self.bss).update(vars(fresh_bss))
            vars(self.connectwise).update(vars(fresh))
            if journal is not None:
                journal.path.unlink(missing_ok=True)
                self.connectwise.journal = journal
                self.connectwise.replay()
            self._faults.waiting.clear()
            self.log.clear()

    # Answering

    def answer(self, request: HttpRequest, connection: socket.socket) -> Response:
        """Log a request, let it fail if it shall, else pass it to the system that it is for."""
        if api := _API.fullmatch(request.path):
            service, path = "connectwise", api["path"]
        else:
            service = "connectwise" if _INFO.fullmatch(request.path) else "bss"
            path = request.path
        entry, fault = self._logged(request, service, path)
        self._stopped.wait(self.latency + (fault.seconds if fault and fault.kind == "delay" else 0.0))
        response = self._before(fault, connection) if fault else None
        if response is None:
            with self._lock:
                response = self._routed(request, service, path)
            if fault:
                response = self._after(fault, connection) or response
        with self._lock:
            for at in range(len(self.log) - 1, -1, -1):  # not there if someone emptied it meanwhile
                if self.log[at] is entry:
                    self.log[at] = replace(entry, status=response.status_code)
                    break
        return response

    def _logged(self, request: HttpRequest, service: str, path: str) -> tuple[Request, Fault | None]:
        try:
            body = simplejson.loads(request.get_data() or "null", use_decimal=True)
        except ValueError:
            body = None
        headers = {name: value for name, value in request.headers if name.lower() not in _SECRET}
        with self._lock:
            entry = Request(
                number=len(self.log) + 1,
                service=service,
                method=request.method,
                path=path,
                query=request.args.to_dict(),
                headers=headers,
                body=body,
            )
            self.log.append(entry)
            self._write_count += entry.is_write
            write = self._write_count if entry.is_write else None
            return entry, self._faults.take(f"{entry.method} {entry.path}", write)

    def _routed(self, request: HttpRequest, service: str, path: str) -> Response:
        if service == "bss":
            return self._bss_api.answer(request, path)
        api = _API.fullmatch(request.path)
        if api and api["codebase"] not in {"v4_6_release/", connectwise.CODEBASE}:
            return json_response(
                {"code": "NotFound", "message": "There is no such release.", "errors": None}, 404
            )
        if info := _INFO.fullmatch(path):
            return self._connectwise_api.company_info(info["company"])
        return self._connectwise_api.answer(request, path)

    def _before(self, fault: Fault, connection: socket.socket) -> Response | None:
        """What a fault does before anything is committed."""
        match fault.kind:
            case "refuse":
                # With nothing to linger for, closing sends a reset.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                connection.close()
                raise _HungUp
            case "hang-up-before":
                _shut(connection)
                raise _HungUp
            case "error":
                return Response(_HTML, status=500, content_type="text/html")
            case "error-json":
                return json_response(
                    {"code": "ServerError", "message": "Made-up fault.", "errors": None}, 500
                )
            case "busy":
                return connectwise.too_many(fault.seconds)
            case "forbid":
                return json_response(
                    {"code": "Security", "message": "You do not have permission.", "errors": None}, 403
                )
            case "call" if fault.call is not None:
                fault.call()
        return None

    def _after(self, fault: Fault, connection: socket.socket) -> Response | None:
        """What a fault does once the request is committed."""
        match fault.kind:
            case "hang-up-after":
                _shut(connection)
                raise _HungUp
            case "error-after":
                return Response(_HTML, status=500, content_type="text/html")
            case "call-after" if fault.call is not None:
                fault.call()
        return None
