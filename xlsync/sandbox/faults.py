"""How the sandbox is told to fail: which request, and in what way."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from werkzeug import Response

from xlsync.sandbox.connectwise.api import refusal, too_many
from xlsync.sandbox.listening import hang_up, refuse

KINDS: Final = frozenset(
    {"refuse", "delay", "error", "error-json", "error-after", "busy", "hang-up-before", "hang-up-after"}
    | {"call", "call-after", "forbid"}
)
_HTML: Final = "<html><body><h1>Server Error in '/' Application.</h1></body></html>"


@dataclass
class Fault:
    """One way to fail, for the writes `first` to `first + left - 1`, or the next `left` matching requests."""

    kind: str
    first: int | None
    path: re.Pattern[str] | None
    left: int
    seconds: float
    call: Callable[[], object] | None

    def meets(self, request: str, write: int | None) -> bool:
        """Whether it befalls this request (`METHOD /path`; `write` is its number if it writes)."""
        if self.left <= 0:
            return False
        if self.first is not None and (write is None or write < self.first):
            return False
        return self.path is None or bool(self.path.search(request))

    def before(self, connection: socket.socket) -> Response | None:
        """What befalls a request before anything is committed: an answer in place of its own, or none."""
        match self.kind:
            case "refuse":
                refuse(connection)
            case "hang-up-before":
                hang_up(connection)
            case "error":
                return Response(_HTML, status=500, content_type="text/html")
            case "error-json":
                return refusal(500, "ServerError", "Made-up fault.")
            case "busy":
                return too_many(self.seconds)
            case "forbid":
                return refusal(403, "Security", "You do not have permission.")
            case "call" if self.call is not None:
                self.call()
        return None

    def after(self, connection: socket.socket) -> Response | None:
        """What befalls a request once it is committed."""
        match self.kind:
            case "hang-up-after":
                hang_up(connection)
            case "error-after":
                return Response(_HTML, status=500, content_type="text/html")
            case "call-after" if self.call is not None:
                self.call()
        return None


class Faults:
    """The faults still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(
        self,
        kind: str,
        *,
        first: int | None,
        path: str | None,
        times: int,
        seconds: float,
        call: Callable[[], object] | None,
    ) -> None:
        """One more way to fail."""
        if kind not in KINDS:
            raise ValueError(f"{kind} is not one of {', '.join(sorted(KINDS))}")
        if kind.startswith("call") and call is None:
            raise ValueError(f"{kind} needs a function to call")
        pattern = re.compile(path) if path is not None else None
        self.waiting.append(Fault(kind, first, pattern, times, seconds, call))

    def take(self, request: str, write: int | None) -> Fault | None:
        """The fault of this request, if there is one."""
        for fault in self.waiting:
            if fault.meets(request, write):
                fault.left -= 1
                return fault
        return None
