"""HTTP client: sessions, time-outs, retries and rate. Only this module sends HTTP.

Numbers are read as `Decimal` and sent exactly.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Literal, Self, TypeVar
from urllib.parse import urlencode, urlsplit

import simplejson
from msgspec import Struct
from requests.utils import parse_header_links
from urllib3.exceptions import HTTPError

from xlsync.errors import ApiError
from xlsync.models import Progress
from xlsync.rest.connections import Connections
from xlsync.rest.failures import Answer, Failure, Refusals, describe, failure_of, read_json
from xlsync.rest.pacing import TRIES, Gate, pause_after, wait_before_next
from xlsync.rest.url import check_url, within

LONGEST_ANSWER: Final = 300.0  # most seconds from the first to the last byte of an answer
LARGEST_ANSWER: Final = 256 * 1024 * 1024  # most bytes of an unpacked answer
_CHUNK: Final = 64 * 1024
_OPEN_HEADERS: Final = frozenset({"Accept", "Content-Type", "X-Api-Version"})
_OPEN_FIELDS: Final = frozenset({"grant_type", "username"})

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Call:
    """One read: a path under the service's root, and its query."""

    path: str
    query: Mapping[str, str | int] = field(default_factory=dict, hash=False)


class Page(Struct, frozen=True):
    """One page of a list. `next_url` can be passed to `get_page` as it is."""

    data: Any
    headers: Mapping[str, str]
    next_url: str | None


class _Sent(Struct, frozen=True):
    """A request, apart from its authorization: `path` has the query in it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Service:
    """HTTP client of one system.

    `name` ("ConnectWise", "BSS") is for messages. `authorize` returns the Authorization header's
    value and is called once more after a 401; `find_root` returns the present root, and is called once after
    a 404 that says that there is no such endpoint. An answer takes at most `longest` seconds and `largest`
    bytes. `patience` scales every wait between requests.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        headers: Mapping[str, str],
        auth: tuple[str, str] | None = None,
        authorize: Callable[[], str] | None = None,
        find_root: Callable[[], str | None] | None = None,
        workers: int = 8,
        per_minute: int = 900,
        time_out: tuple[float, float] = (10, 60),
        longest: float = LONGEST_ANSWER,
        largest: int = LARGEST_ANSWER,
        patience: float = 1.0,
    ) -> None:
        self.name = name
        self.url = check_url(url)
        self._refusals = Refusals(name)
        self._refusals.hide(*(value for name, value in headers.items() if name not in _OPEN_HEADERS))
        self._credentials = Credentials(self._basic(auth), authorize, self._refusals.hide)
        self.workers = workers
        self._find_root = find_root
        self._finding_root = threading.Lock()
        self._largest = largest
        self._patience = patience
        self._gate = Gate(workers, per_minute, patience)
        self._connections = Connections(
            headers,
            workers=workers,
            longest=longest,
            time_out=time_out,
            is_local=urlsplit(self.url).scheme == "http",
        )
        self._counting = threading.Lock()
        self._requests = 0
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and end every wait."""
        self._closed.set()
        self._gate.close()
        self._connections.close()

    @property
    def requests(self) -> int:
        """The number of HTTP requests sent so far, logins and retries included."""
        return self._requests

    def counting(self, progress: Progress, step: str, total: int) -> Callable[[int], None]:
        """Return a function that tells how many reads of a step are done, and how long the others take."""
        return lambda done: progress(step, done, total, self.seconds_for(total - done))

    def seconds_for(self, requests: int) -> float:
        """Return the seconds until so many more requests can have been sent at the tolerated rate."""
        return self._gate.seconds_for(requests)

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """Read JSON from a path; None where the answer is empty."""
        return self.get_page(path, query).data

    def get_page(self, path: str, query: Mapping[str, str | int] | None = None) -> Page:
        """Read a page with its headers and the next page's address from the Link header."""
        answer, data = self._read(path, query, "application/json", as_json=True)
        return Page(data, answer.headers, answer.next_url)

    def get_bytes(self, path: str) -> bytes:
        """Read bytes, such as a PDF."""
        return self._read(path, None, "*/*", as_json=False)[0].content

    def get_many(
        self, calls: Sequence[Call], progress: Callable[[int], None] | None = None
    ) -> list[Any | ApiError]:
        """Read in parallel; results are in the order of the calls, a failed read is its ApiError.

        `progress` is called in the caller's thread with the number of reads done.
        """
        return self.side_by_side(lambda call: self.get(call.path, call.query), calls, progress)

    def side_by_side(
        self, read: Callable[[T], R], things: Iterable[T], progress: Callable[[int], None] | None = None
    ) -> list[R | ApiError]:
        """Call `read` for each thing in threads; results are in order, a failed read is its ApiError.

        `progress` is called in the caller's thread with the number of reads done.
        """
        listed, results = list(things), dict[int, R | ApiError]()
        with closing(self.as_they_come(lambda place: read(listed[place]), range(len(listed)))) as coming:
            for place, result in coming:
                results[place] = result
                if progress is not None:
                    progress(len(results))
        return [results[place] for place in range(len(listed))]

    def as_they_come(self, read: Callable[[T], R], things: Iterable[T]) -> Generator[tuple[T, R | ApiError]]:
        """Call `read` for each thing in threads; yield each with its result, a failed read's ApiError."""

        def read_or_error(thing: T) -> tuple[T, R | ApiError]:
            try:
                return thing, read(thing)
            except ApiError as error:
                return thing, error

        pool = ThreadPoolExecutor(self.workers, thread_name_prefix=self.name)
        try:
            waiting = [pool.submit(read_or_error, thing) for thing in things]
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # an interruption does not wait for retries

    def send(
        self,
        method: Literal["POST", "PATCH"],
        path: str,
        body: object = None,
        may_send: Callable[[], bool] | None = None,
    ) -> Any:
        """Send one write once, and return the JSON of its answer (None where there is none).

        Raises NoAnswer where it was sent and its outcome is not known, answers of a gateway included; an
        ApiError with `sent` False where it surely never arrived, and with `repeat_after` where it may be
        sent again: what it rests upon is to be looked at before. `may_send` is asked just before it leaves,
        after every wait for the rate: where it says no, the write is not sent.
        """
        content = None if body is None else simplejson.dumps(body, use_decimal=True, allow_nan=False)
        kind = {"Content-Type": "application/json; charset=utf-8"} if content is not None else {}
        sent = _Sent(method, path, kind, None if content is None else content.encode())
        answer = self._once(sent, self._credentials.current(), may_send)
        if isinstance(answer, Answer) and answer.status < 300:
            try:
                return read_json(answer.content)
            except ValueError:
                return None  # the write was carried out: an unreadable confirmation is no failure
        wait = wait_before_next(answer, 1, read=False)
        if isinstance(answer, Answer):
            raise self._refusals.refused(method, path, answer, read=False, repeat_after=wait)
        raise self._refusals.lost(method, path, answer, read=False, repeat_after=wait)

    def wait(self, seconds: float) -> None:
        """Wait before a write is sent again; shorter if xlsync is stopping."""
        self._closed.wait(seconds * self._patience)

    def post_form(self, path: str, form: Mapping[str, str], *, auth: tuple[str, str] | None = None) -> Any:
        """Post a form to get a token. It is retried like a read, since it changes nothing."""
        self._refusals.hide(*(one for name, one in form.items() if name not in _OPEN_FIELDS))
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = _Sent("POST", path, kind, urlencode(form).encode())
        return self._repeat(sent, authorization=self._basic(auth))[1]

    def _basic(self, auth: tuple[str, str] | None) -> str | None:
        """Return the header's value for Basic authentication, and hide its secret in messages."""
        if auth is None:
            return None
        credentials = base64.b64encode(":".join(auth).encode()).decode()
        self._refusals.hide(auth[1], credentials)
        return f"Basic {credentials}"

    def _read(
        self, path: str, query: Mapping[str, str | int] | None, accept: str, *, as_json: bool
    ) -> tuple[Answer, Any]:
        # the headers of the service come first: ConnectWise names its version in Accept
        headers = {} if "Accept" in self._connections.headers and accept != "*/*" else {"Accept": accept}
        asked = urlencode(query) if query else ""
        address = f"{path}{'&' if '?' in path else '?'}{asked}" if asked else path
        return self._repeat(_Sent("GET", address, headers), as_json=as_json, authorize=True)

    def _repeat(
        self,
        request: _Sent,
        *,
        as_json: bool = True,
        authorize: bool = False,
        authorization: str | None = None,
    ) -> tuple[Answer, Any]:
        """Send a read with retries; returns the answer and its JSON.

        Truncated JSON, or a page instead of it, counts as no answer.
        """
        renewed = False
        for attempt in count(1):
            if authorize:
                authorization = self._credentials.current()
            root = self.url
            answer = self._once(request, authorization)
            if isinstance(answer, Answer) and self._has_moved(answer, root):
                continue
            can_renew = authorize and self._credentials.can_be_renewed and not renewed
            if can_renew and isinstance(answer, Answer) and answer.status == 401:
                renewed = True
                self._credentials.renew(authorization)
                continue
            trouble: Answer | Failure = answer
            if isinstance(answer, Answer) and answer.status < 300:
                try:
                    return answer, read_json(answer.content) if as_json else None
                except ValueError:
                    trouble = _UNREADABLE
            wait = wait_before_next(trouble, attempt, read=True)
            if wait is None or attempt >= TRIES + renewed:
                break
            self._closed.wait(wait * self._patience)
        method, path = request.method, request.path
        if not isinstance(answer, Answer):
            raise self._refusals.lost(method, path, answer, read=True)
        if trouble is _UNREADABLE:
            raise self._refusals.unreadable(method, path, answer)
        raise self._refusals.refused(method, path, answer, read=True)

    def _has_moved(self, answer: Answer, root: str) -> bool:
        """Return whether the service has moved to another root, which is used from now on."""
        if answer.status != 404 or "ConnectWiseApi" not in describe(answer.content)[1]:
            return False
        with self._finding_root:
            if self.url != root:  # another thread found it meanwhile
                return True
            find, self._find_root = self._find_root, None
            url = find() if find is not None else None
            self.url = check_url(url) if url else root
            return self.url != root

    def _once(
        self, request: _Sent, authorization: str | None, may_send: Callable[[], bool] | None = None
    ) -> Answer | Failure:
        with self._gate:
            if self._closed.is_set():
                return Failure("was not sent: xlsync is stopping", sent=False, may_pass=False)
            if may_send is not None and not may_send():
                return Failure("was not sent: it had to wait for too long after the last look", sent=False)
            with self._counting:
                self._requests += 1
            try:
                answer = self._answer(request, authorization)
            except (OSError, HTTPError) as error:  # of the network and the environment, and of urllib3
                return failure_of(error)
        if isinstance(answer, Failure):
            return answer
        pause = pause_after(answer)
        if pause is not None:
            self._gate.slow_down(pause)
        elif answer.status < 400:
            self._gate.speed_up()
        return answer

    def _answer(self, request: _Sent, authorization: str | None) -> Answer | Failure:
        """Send a request and read its answer within limits of time and size."""
        headers, url = request.headers, within(self.url, request.path)
        if authorization is not None:
            headers = {**headers, "Authorization": authorization}
        with self._connections.sending(request.method, url, headers, request.body) as response:
            content = bytearray()
            # The bytes that have arrived, not a full chunk.
            while chunk := response.read1(_CHUNK, decode_content=True):
                content += chunk
                if len(content) > self._largest:
                    what = f"answered with more than {self._largest:,} bytes"
                    return Failure(what, sent=True, may_pass=False)
            links = parse_header_links(response.headers.get("Link", ""))
            following = next((link["url"] for link in links if link.get("rel") == "next"), None)
            return Answer(response.status, response.headers, bytes(content), following)


_UNREADABLE: Final = Failure("was answered with something that is not JSON", sent=True)


class Credentials:
    """The Authorization header of a service: a fixed `value`, or one that `ask` returns and renews.

    All threads share it. `hide` is called with what `ask` returned.
    """

    def __init__(self, value: str | None, ask: Callable[[], str] | None, hide: Callable[[str], None]) -> None:
        self._value = value
        self._ask = ask
        self._hide = hide
        self._renewing = threading.Lock()
        self._no_login: ApiError | None = None

    @property
    def can_be_renewed(self) -> bool:
        """Return whether refused credentials can be renewed."""
        return self._ask is not None

    def current(self) -> str | None:
        """Return the header's value, obtained if there is none yet; raises ApiError where it is refused."""
        if self._ask is None:
            return self._value
        with self._renewing:
            if self._no_login is not None:
                raise self._no_login  # repeated logins may lock the account
            if self._value is None:
                try:
                    self._value = self._ask()
                except ApiError as error:
                    self._no_login = error if error.status in (400, 401, 403) else None
                    raise
                self._hide(self._value.removeprefix("Bearer "))
            return self._value

    def renew(self, refused: str | None) -> None:
        """Discard refused credentials, unless another thread has renewed them already."""
        with self._renewing:
            if self._value == refused:
                self._value = None
