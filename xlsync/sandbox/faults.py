"""Faults that tests ask of the sandbox: which requests fail, and in what way."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import simplejson
from werkzeug import Response

from xlsync.sandbox.connectwise.api import json_response, refusal, too_many
from xlsync.sandbox.connectwise.invoicing import day_first
from xlsync.sandbox.connectwise.writes import invalid
from xlsync.sandbox.listening import hang_up, refuse

KINDS: Final[Mapping[str, str]] = {
    "refuse": "the connection is reset before anything is committed",
    "hang-up-before": "the connection is closed before anything is committed",
    "hang-up-after": "the connection is closed after the request was committed",
    "commit-late": "the connection is closed at once, and the request is committed `seconds` later",
    "delay": "the answer comes after `seconds`",
    "error": "500 with a page of HTML, before anything is committed",
    "error-json": "500 with ConnectWise's JSON, before anything is committed",
    "error-after": "500 with a page of HTML, after the request was committed",
    "gateway": "a gateway answers `status` (520) with HTML, before anything is committed",
    "gateway-after": "a gateway answers `status` (520) with HTML, after the request was committed",
    "busy": "429 with `seconds` in Retry-After",
    "forbid": "403, as where a right is missing",
    "no-prefix": "403, as from a host of the cloud without its prefix",
    "release": "400, as where the release that is asked for is not served any more",
    "no-endpoint": '404 "The endpoint does not exist."',
    "empty": "a list answers `[]`",
    "cut": "the answer's JSON ends in its middle",
    "not-json": "200 with a page of HTML",
    "hide-new": "a list does not show yet what was created within the last `seconds`",
    "no-joins": "a list answers `[]` to conditions that are joined by `and`",
    "demand-customs": "a PATCH without an operation on customFields is refused",
    "stores": "a creation keeps `fields` in place of what was sent",
    "day-first": "the dates of recaps are texts such as 31/10/2026",
    "call": "`call` is called before the request is committed",
    "call-after": "`call` is called after the request was committed",
}
LASTING: Final = frozenset(
    {"hide-new", "no-joins", "demand-customs", "day-first"}
)  # for every request, not for one
_REFUSALS: Final = {
    "error-json": (500, "ServerError", "Made-up fault."),
    "forbid": (403, "Security", "You do not have permission."),
    "no-prefix": (403, "Security", "SSL is required."),
    "release": (400, "ConnectWiseApi", "ConnectWise does not support the API version '2025.1'."),
    "no-endpoint": (404, "ConnectWiseApi", "The endpoint does not exist."),
}
_HTML: Final = "<html><body><h1>Server Error in '/' Application.</h1></body></html>"
_GATEWAY: Final = "<html><head><title>api.example | {0}: Web server error</title></head></html>"


@dataclass(kw_only=True)
class Fault:
    """A fault of the writes from number `first` on, or of the matching requests after the first `skip`.

    `left` counts the requests that still fail, None for all.
    """

    kind: str
    first: int | None = None
    path: re.Pattern[str] | None = None
    skip: int = 0
    left: int | None = 1
    seconds: float = 0.0
    status: int = 520
    fields: Mapping[str, Any] = field(default_factory=dict)
    call: Callable[[], object] | None = None

    def meets(self, request: str, write: int | None) -> bool:
        """Return whether the fault befalls a request (`METHOD /path`; `write` is its number if it writes)."""
        if self.left == 0:
            return False
        if self.first is not None and (write is None or write < self.first):
            return False
        if self.path is not None and not self.path.search(request):
            return False
        if self.skip:
            self.skip -= 1
            return False
        return True

    def before(self, connection: socket.socket, body: Any) -> Response | None:
        """Answer in place of ConnectWise before anything is committed; None lets the request pass."""
        if self.kind in _REFUSALS:
            return refusal(*_REFUSALS[self.kind])
        match self.kind:
            case "refuse":
                refuse(connection)
            case "hang-up-before" | "commit-late":
                hang_up(connection)
            case "error":
                return Response(_HTML, status=500, content_type="text/html")
            case "gateway":
                return self._gateway()
            case "busy":
                return too_many(self.seconds)
            case "empty":
                return Response("[]", content_type="application/json; charset=utf-8")
            case "not-json":
                return Response(_HTML, content_type="text/html")
            case "demand-customs" if _lacks_customs(body):
                demand = invalid("record", "customFields", "The customFields field is required.")
                return json_response(demand.body, demand.status)
            case "call" if self.call is not None:
                self.call()
        return None

    def after(self, connection: socket.socket, response: Response) -> Response:
        """Answer a request that is committed: with the sandbox's own answer, or a faulty one."""
        match self.kind:
            case "hang-up-after":
                hang_up(connection)
            case "error-after":
                return Response(_HTML, status=500, content_type="text/html")
            case "gateway-after":
                return self._gateway()
            case "cut":
                response.set_data(response.get_data()[: len(response.get_data()) // 2])
            case "day-first":
                answer = simplejson.loads(response.get_data(), use_decimal=True)
                text = simplejson.dumps(day_first(answer), use_decimal=True)
                response.set_data(text)
            case "call-after" if self.call is not None:
                self.call()
        return response

    def _gateway(self) -> Response:
        return Response(_GATEWAY.format(self.status), status=self.status, content_type="text/html")


def _lacks_customs(body: Any) -> bool:
    """Return whether a body is a PATCH without the custom fields."""
    return (
        isinstance(body, list)
        and bool(body)
        and all(isinstance(step, dict) and step.get("path") != "customFields" for step in body)
    )


class Faults:
    """The faults that are still to happen, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        if fault.kind not in KINDS:
            raise ValueError(f"{fault.kind} is not one of {', '.join(sorted(KINDS))}")
        if fault.kind.startswith("call") and fault.call is None:
            raise ValueError(f"{fault.kind} needs a function to call")
        self.waiting.append(fault)

    def take(self, request: str, write: int | None) -> list[Fault]:
        """Take the faults of a request: the first of those that happen once, and all lasting ones."""
        met: list[Fault] = []
        for fault in self.waiting:
            is_taken = any(candidate.kind not in LASTING for candidate in met)
            if (fault.kind in LASTING or not is_taken) and fault.meets(request, write):
                fault.left = None if fault.left is None else fault.left - 1
                met.append(fault)
        return met
