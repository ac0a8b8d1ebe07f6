"""The sandbox: a made-up BSS and ConnectWise PSA on one loopback port."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import simplejson
from werkzeug import Request as HttpRequest
from werkzeug import Response

from xlsync.sandbox.bss import api as bss
from xlsync.sandbox.bss.api import BssApi
from xlsync.sandbox.connectwise import api as connectwise
from xlsync.sandbox.connectwise.api import ConnectWiseApi, refusal
from xlsync.sandbox.faults import LASTING, Fault, Faults
from xlsync.sandbox.listening import Listener
from xlsync.sandbox.state import ChangeLog, SandboxBss, SandboxConnectWise
from xlsync.sandbox.world.generate import generate
from xlsync.sandbox.world.story import Scale

_API: Final = re.compile(r"/(?P<codebase>v\d+_\d+(?:_release)?/)apis/3\.0(?P<path>/.*)")
_INFO: Final = re.compile(r"/login/companyinfo/(?P<company>[^/]+)")
_WHERE: Final = {"day-first": "agreementrecap", "stores": "^POST", "commit-late": "^(POST|PATCH)"}
_SECRET: Final = frozenset({"authorization"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request that reached the sandbox. `path` is that below ConnectWise's API root, or the BSS's.

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
        """Return whether the request asks ConnectWise to change something."""
        return self.service == "connectwise" and self.method in {"POST", "PATCH", "PUT", "DELETE"}


class Sandbox:
    """A BSS and a ConnectWise over real HTTP, with a made-up MSP's three months up to October 2026.

    `size` 1 is about 60 customers and 170 billing lines in October; `lines` sets the lines instead, and
    everything grows with them. `state` is the folder where writes are kept, None keeps them in memory.
    `latency` is added to every answer, side by side. `with_november` bills one month more.
    """

    def __init__(
        self,
        size: float = 1,
        seed: int = 1,
        port: int = 0,
        state: Path | None = None,
        latency: float = 0.0,
        lines: int | None = None,
        *,
        with_november: bool = False,
    ) -> None:
        self._scale = scale = Scale.for_lines(lines if lines is not None else round(170 * size))
        self._seed = seed
        self._with_november = with_november
        self.bss, self.connectwise = self._made()
        if state is not None:
            self.connectwise.journal = ChangeLog(
                Path(state) / "writes.jsonl", {"seed": seed, "lines": scale.lines}
            )
            self.connectwise.replay()
        self.latency = latency
        self.log: list[ReceivedRequest] = []
        self._port = port
        self._write_count = 0
        self._faults = Faults()
        self._late: list[tuple[float, HttpRequest, str, str]] = []  # committed on that second of the clock
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._bss_api = BssApi(self.bss)
        self._connectwise_api = ConnectWiseApi(self.connectwise)
        self._server: Listener | None = None
        self._thread: threading.Thread | None = None

    def _made(self) -> tuple[SandboxBss, SandboxConnectWise]:
        """Make both systems as they are before any write."""
        return generate(self._scale, self._seed, with_november=self._with_november)

    @property
    def per_minute(self) -> int | None:
        """The number of ConnectWise requests a minute that are answered; more get a 429. None: no limit."""
        return self.connectwise.per_minute

    @per_minute.setter
    def per_minute(self, most: int | None) -> None:
        self.connectwise.per_minute = most

    # Running

    def start(self) -> Self:
        """Serve in a thread until `stop`."""
        self._server = Listener(self.answer, self._port)
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

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address at which the sandbox listens."""
        port = self._server.port if self._server is not None else self._port
        return f"http://127.0.0.1:{port}"

    @property
    def environ(self) -> dict[str, str]:
        """The settings with which xlsync uses the sandbox. The keys are made up and open nothing else."""
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
    def writes(self) -> list[ReceivedRequest]:
        """The requests that asked ConnectWise to change something, the first one first."""
        return [request for request in self.log if request.is_write]

    def fail(
        self,
        kind: str,
        *,
        write: int | None = None,
        path: str | None = None,
        skip: int = 0,
        times: int | None = None,
        seconds: float = 0.0,
        status: int = 520,
        fields: Mapping[str, Any] | None = None,
        call: Callable[[], object] | None = None,
    ) -> None:
        """Fail at the n-th ConnectWise write from now, or at requests whose `METHOD /path` matches.

        `path` is a regular expression; `skip` requests that match it are let pass first. Without `times`
        one request fails, or all of them where the kind is one that lasts. `KINDS` tells what else counts.
        """
        path = _WHERE.get(kind) if path is None else path
        with self._lock:
            fault = Fault(
                kind=kind,
                first=None if write is None else self._write_count + write,
                path=re.compile(path) if path is not None else None,
                skip=skip,
                left=times if times is not None or kind in LASTING else 1,
                seconds=seconds,
                status=status,
                fields=fields or {},
                call=call,
            )
            self._faults.add(fault)

    def move_clock(self, seconds: float) -> None:
        """Let time pass in the sandbox: late commits that are due by then happen, and new records age."""
        with self._lock:
            self.connectwise.clock.move(seconds)
            self._commit_late()

    def move_codebase(self, codebase: str) -> None:
        """Serve ConnectWise under another release's path, as after an upgrade of a hosted tenant."""
        with self._lock:
            self.connectwise.codebase = codebase

    def reset(self) -> None:
        """Begin anew: with the records as generated, an empty log, and no faults."""
        with self._lock:
            journal = self.connectwise.journal
            fresh_bss, fresh = self._made()
            vars(self.bss).update(vars(fresh_bss))
            vars(self.connectwise).update(vars(fresh))
            if journal is not None:
                journal.path.unlink(missing_ok=True)
                self.connectwise.journal = journal
                self.connectwise.replay()
            self._faults.waiting.clear()
            self._late.clear()
            self.log.clear()

    # Answering

    def answer(self, request: HttpRequest, connection: socket.socket) -> Response:
        """Log a request; answer it by a fault if one is due, else by the system that it is for."""
        if api := _API.fullmatch(request.path):
            service, path = "connectwise", api["path"]
        else:
            service = "connectwise" if _INFO.fullmatch(request.path) else "bss"
            path = request.path
        entry, faults = self._logged(request, service, path)
        self._stopped.wait(
            self.latency + sum(candidate.seconds for candidate in faults if candidate.kind == "delay")
        )
        response = None
        for fault in faults:
            if fault.kind == "commit-late":
                with self._lock:
                    at = self.connectwise.clock.seconds() + fault.seconds
                    self._late.append((at, request, service, path))
            response = response or fault.before(connection, entry.body)
        if response is None:
            with self._lock:
                self._commit_late()
                response = self._routed(request, service, path, faults)
            for fault in faults:
                response = fault.after(connection, response)
        with self._lock:
            for at in range(len(self.log) - 1, -1, -1):  # not there if someone emptied it meanwhile
                if self.log[at] is entry:
                    self.log[at] = replace(entry, status=response.status_code)
                    break
        return response

    def _commit_late(self) -> None:
        """Commit writes that were sent over a broken connection and are due by now."""
        now = self.connectwise.clock.seconds()
        due = [write for write in self._late if write[0] <= now]
        self._late = [write for write in self._late if write[0] > now]
        for _, request, service, path in sorted(due, key=lambda write: write[0]):
            self._routed(request, service, path)

    def _logged(self, request: HttpRequest, service: str, path: str) -> tuple[ReceivedRequest, list[Fault]]:
        try:
            body = simplejson.loads(request.get_data() or "null", use_decimal=True)
        except ValueError:
            body = None
        headers = {name: value for name, value in request.headers if name.lower() not in _SECRET}
        with self._lock:
            entry = ReceivedRequest(
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

    def _routed(
        self, request: HttpRequest, service: str, path: str, faults: Sequence[Fault] = ()
    ) -> Response:
        if service == "bss":
            return self._bss_api.answer(request, path)
        api = _API.fullmatch(request.path)
        if api and api["codebase"] not in {"v4_6_release/", self.connectwise.codebase}:
            return refusal(404, "ConnectWiseApi", "The endpoint does not exist.")
        if info := _INFO.fullmatch(path):
            return self._connectwise_api.company_info(info["company"], request.host_url)
        hidden = max((fault.seconds for fault in faults if fault.kind == "hide-new"), default=0.0)
        stored = {
            name: value for fault in faults if fault.kind == "stores" for name, value in fault.fields.items()
        }
        joins = all(fault.kind != "no-joins" for fault in faults)
        return self._connectwise_api.answer(request, path, hidden=hidden, stored=stored, joins=joins)
