"""The only module that sends HTTP: sessions, time-outs, retries of reads, a polite rate, errors.

Reads are repeated where that may help; a write is sent again only where the server surely did not
act on it (never connected, or 429). Numbers come in as `Decimal` and go out exactly as written.
"""

from __future__ import annotations

import base64
import http.cookiejar
import ipaddress
import random
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit, urlunsplit

import simplejson
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from xlsync import __version__
from xlsync.answers import Failure, describe, failure_of, is_retriable, read_json, retry_after, title_of
from xlsync.errors import ApiError, ConfigError, NoAnswer
from xlsync.pace import Gate

TRIES: Final = 5
LONGEST_PAUSE: Final = 120.0  # seconds; a service that asks for more is given up for now
_FIRST_BACK_OFF, _LONGEST_BACK_OFF = 0.5, 20.0  # seconds
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_GATEWAY: Final = frozenset({502, 504})
_DICE: Final = random.SystemRandom()
_OPEN_HEADERS: Final = frozenset({"Accept", "Content-Type", "X-Api-Version"})
_OPEN_FIELDS: Final = frozenset({"grant_type", "username"})
_SETTING: Final = {"ConnectWise": "XLSYNC_CW_URL", "BSS": "XLSYNC_BSS_URL"}


@dataclass(frozen=True, slots=True)
class Call:
    """One read: a path under the service's root, and its query."""

    path: str
    query: Mapping[str, str | int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `next_url` can be passed to `get_page` as it is."""

    data: Any
    headers: Mapping[str, str]
    next_url: str | None


class Service:
    """One remote system: its address, its credentials, its manners.

    `name` ("ConnectWise", "BSS") stands in messages. `authorize` returns the Authorization header's
    value and is asked once more after a 401. `patience` scales every wait between requests.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        headers: Mapping[str, str],
        auth: tuple[str, str] | None = None,
        authorize: Callable[[], str] | None = None,
        workers: int = 8,
        per_minute: int = 900,
        time_out: tuple[float, float] = (10, 60),
        patience: float = 1.0,
    ) -> None:
        self.name = name
        self.url = check_url(url)
        self._authorize = authorize
        self._authorization = _basic(auth) if auth else None
        self._renewing = threading.Lock()
        self._no_login: ApiError | None = None
        self._secrets: frozenset[str] = frozenset()
        self._hide(*(value for name, value in headers.items() if name not in _OPEN_HEADERS))
        self._hide(*(auth or ())[1:], (self._authorization or "").removeprefix("Basic "))
        self._workers = workers
        self._time_out = time_out
        self._patience = patience
        self._gate = Gate(workers, per_minute, patience)
        self._session = _session(headers, workers, is_local=urlsplit(self.url).scheme == "http")
        self._counting = threading.Lock()
        self._requests = 0
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go, and whoever waits for a next try."""
        self._closed.set()
        self._gate.close()
        self._session.close()

    @property
    def requests(self) -> int:
        """Every HTTP request sent so far, logins and retries included."""
        return self._requests

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """The JSON of one read; None where the answer is empty."""
        return self.get_page(path, query).data

    def get_page(self, path: str, query: Mapping[str, str | int] | None = None) -> Page:
        """One read with its headers and the next page's address from the Link header."""
        answer = self._read(path, query, "application/json")
        try:
            data = read_json(answer.content)
        except ValueError:
            what = f"with something that is not JSON{title_of(answer.content)}"
            raise self._error("GET", path, what, status=answer.status_code) from None
        return Page(data, answer.headers, answer.links.get("next", {}).get("url"))

    def get_bytes(self, path: str) -> bytes:
        """What one read answers, as it is: a PDF, for example."""
        return self._read(path, None, "*/*").content

    def get_many(
        self, calls: Sequence[Call], progress: Callable[[int], None] | None = None
    ) -> list[Any | ApiError]:
        """Read side by side; the results stand in the order of the calls, a failed read as its ApiError.

        `progress` is told, in the caller's own thread, how many are done so far.
        """

        def read(call: Call) -> Any | ApiError:
            try:
                return self.get(call.path, call.query)
            except ApiError as error:
                return error

        pool = ThreadPoolExecutor(self._workers, thread_name_prefix=self.name)
        try:
            waiting = [pool.submit(read, call) for call in calls]
            for done, _ in enumerate(as_completed(waiting), start=1):
                if progress is not None:
                    progress(done)
            return [one.result() for one in waiting]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # an interruption does not wait for retries

    def send(self, method: Literal["POST", "PATCH"], path: str, body: object = None) -> Any:
        """One write, and the JSON that it answers (None where it answers none).

        Raises NoAnswer where it was sent and its outcome is not known, a gateway's 502 and 504
        included; an ApiError with `sent` False where it surely never arrived.
        """
        content = None if body is None else simplejson.dumps(body, use_decimal=True, allow_nan=False)
        kind = {"Content-Type": "application/json; charset=utf-8"} if content is not None else {}
        answer = self._repeat(
            method, path, read=False, data=content and content.encode(), headers=kind, authorize=True
        )
        try:
            return read_json(answer.content)
        except ValueError:
            return None  # it did act: an unreadable confirmation is no failure

    def post_form(self, path: str, form: Mapping[str, str], *, auth: tuple[str, str] | None = None) -> Any:
        """Ask for a token. Repeated like a read, since it changes nothing."""
        value = _basic(auth) if auth else None
        self._hide(*(one for name, one in form.items() if name not in _OPEN_FIELDS))
        self._hide(*(auth or ())[1:], (value or "").removeprefix("Basic "))
        answer = self._repeat("POST", path, read=True, data=dict(form), authorization=value)
        try:
            return read_json(answer.content)
        except ValueError:
            what = f"with something that is not JSON{title_of(answer.content)}"
            raise self._error("POST", path, what, status=answer.status_code) from None

    def _read(self, path: str, query: Mapping[str, str | int] | None, accept: str) -> Response:
        # the headers of the service come first: ConnectWise names its version in Accept
        headers = {} if "Accept" in self._session.headers and accept != "*/*" else {"Accept": accept}
        return self._repeat("GET", path, read=True, params=query, headers=headers, authorize=True)

    def _repeat(
        self,
        method: str,
        path: str,
        *,
        read: bool,
        authorize: bool = False,
        authorization: str | None = None,
        **request: Any,
    ) -> Response:
        """Send until it is answered well, or may not or need not be sent again."""
        renewed = False
        for attempt in count(1):
            if authorize:
                authorization = self._credentials()
            answer = self._once(method, path, authorization, **request)
            if read and self._authorize and authorize and not renewed and _status(answer) == 401:
                renewed = True
                self._renew(authorization)
                continue
            wait = self._wait_before_next(answer, attempt, read=read)
            if wait is None or attempt >= TRIES + renewed:
                break
            self._closed.wait(wait * self._patience)
        if isinstance(answer, Response):
            if answer.status_code < 300:
                return answer
            raise self._refusal(method, path, answer, read=read)
        raise self._lost(method, path, answer, read=read)

    def _once(self, method: str, path: str, authorization: str | None, **request: Any) -> Response | Failure:
        with self._gate:
            if self._closed.is_set():
                return Failure("was not sent: xlsync is stopping", sent=False, may_pass=False)
            with self._counting:
                self._requests += 1
            try:
                answer = self._session.request(
                    method,
                    self._address(path),
                    auth=_Authorization(authorization),
                    timeout=self._time_out,
                    allow_redirects=False,
                    **request,
                )
            except OSError as error:  # RequestException, and what requests lets through of the file system
                return failure_of(error)
        if _is_too_much(answer):
            asked = retry_after(answer.headers)
            if asked is None or asked <= LONGEST_PAUSE:
                self._gate.slow_down(1.0 if asked is None else asked)
        elif answer.status_code < 400:
            self._gate.speed_up()
        return answer

    def _wait_before_next(self, answer: Response | Failure, attempt: int, *, read: bool) -> float | None:
        """Seconds to wait before sending it again, None where it may not or need not be."""
        back_off = min(_LONGEST_BACK_OFF, _FIRST_BACK_OFF * 2.0 ** (attempt - 1)) * _DICE.uniform(0.5, 1)
        if isinstance(answer, Failure):
            return back_off if answer.may_pass and (read or not answer.sent) else None
        status = answer.status_code
        if not (status == 429 or (read and (status in _BUSY or _is_too_much(answer)))):
            return None
        asked = retry_after(answer.headers)
        if asked is not None and asked > LONGEST_PAUSE:
            return None
        return back_off if asked is None else asked + back_off / 10

    def _credentials(self) -> str | None:
        if self._authorize is None:
            return self._authorization
        with self._renewing:
            if self._no_login is not None:
                raise self._no_login  # asking again and again may lock the account
            if self._authorization is None:
                try:
                    self._authorization = self._authorize()
                except ApiError as error:
                    self._no_login = error if error.status in (400, 401, 403) else None
                    raise
                self._hide(self._authorization.removeprefix("Bearer "))
            return self._authorization

    def _hide(self, *secrets: str) -> None:
        """Never let these stand in a message."""
        self._secrets |= {secret for secret in secrets if len(secret) > 3}

    def _renew(self, refused: str | None) -> None:
        with self._renewing:
            if self._authorization == refused:  # else another thread has renewed it already
                self._authorization = None

    def _address(self, path: str) -> str:
        """Under the root; of a whole address only its path and query count, so keys never leave the host."""
        if "://" not in path:
            return f"{self.url}/{path.lstrip('/')}"
        root, there = urlsplit(self.url), urlsplit(path)
        return urlunsplit((root.scheme, root.netloc, there.path, there.query, ""))

    def _refusal(self, method: str, path: str, answer: Response, *, read: bool) -> ApiError:
        status = answer.status_code
        what, codes = describe(answer.content)
        if not read and status in _GATEWAY:
            return self._error(method, path, f"{status}{what}", status=status, kind=NoAnswer)
        hint = ""
        if status < 400:
            to = urlsplit(answer.headers.get("Location", ""))
            where = f" to {to.scheme}://{to.hostname}" if to.hostname else ""
            what = f": it sends the request on{where}"
            hint = f"Set {self._setting} to the address where the service itself answers."
        return self._error(method, path, f"{status}{what}", hint, status=status, codes=codes)

    def _lost(self, method: str, path: str, failure: Failure, *, read: bool) -> ApiError:
        hint = f"Check the network and the address in {self._setting}."
        if failure.sent and not read:
            return self._error(method, path, failure.what, kind=NoAnswer)
        return self._error(method, path, failure.what, hint, sent=failure.sent)

    def _error(
        self,
        method: str,
        path: str,
        what: str,
        hint: str = "",
        *,
        status: int | None = None,
        codes: tuple[str, ...] = (),
        sent: bool = True,
        kind: type[ApiError] = ApiError,
    ) -> ApiError:
        path = urlsplit(path).path if "://" in path else path.partition("?")[0]
        verb = "answered " if status is not None else ""
        message = f"{self.name}: {method} /{path.lstrip('/')} {verb}{what}"
        for secret in sorted(self._secrets, key=len, reverse=True):
            message = message.replace(secret, "…")
        hint = hint or self._hint(status, kind)
        return kind(message, hint, method=method, path=path, status=status, codes=codes, sent=sent)

    def _hint(self, status: int | None, kind: type[ApiError]) -> str:
        if kind is NoAnswer:
            return f"It may have been done or not: look in {self.name} before doing it again."
        match status:
            case 400 | 409 | 415 | 422:
                return "Mend what it names, then try again."
            case 401:
                return "Check the keys: `xlsync login` stores them anew and tries them."
            case 403:
                return f"The keys lack a right in {self.name}: `xlsync doctor` names the rights."
            case 404 if self.name == "ConnectWise":
                return "It may be deleted; ConnectWise also answers 404 to wrong keys: try `xlsync doctor`."
            case 404:
                return "It may be deleted, or hidden from these keys: try `xlsync doctor`."
            case 429:
                return f"{self.name} asks for fewer requests: try again in some minutes."
            case None | 200:
                return f"Check the address in {self._setting}."
            case _:
                return f"The trouble is at {self.name}: try again later."

    @property
    def _setting(self) -> str:
        return _SETTING.get(self.name, f"the settings of {self.name}")


def check_url(text: str) -> str:
    """A service's root as it is used: https (http for this machine only), no slash at its end.

    Raises ConfigError, without repeating an address that holds a password.
    """
    text = text.strip()
    whole = text if "://" in text else f"https://{text}"
    hint = "Write it like https://bss.example.com."
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError("A service's address cannot be read.", hint) from None
    if "@" in parts.netloc:
        raise ConfigError("A service's address holds a user name or password.", "Leave out all before the @.")
    if not re.fullmatch(r"[^\s\\?#<>\"']+", whole) or not re.fullmatch(r"[\w.:-]+", host):
        raise ConfigError(f"{text!r} is not the address of a service.", hint)
    if parts.scheme not in ("http", "https"):
        raise ConfigError(f"{text!r} does not begin with https://.", hint)
    if parts.scheme == "http" and not _is_this_machine(host):
        raise ConfigError(f"{text!r} is not encrypted.", "Use https://; http:// is for this machine only.")
    shown = f"[{host}]" if ":" in host else host
    shown += f":{port}" if port is not None else ""
    return urlunsplit((parts.scheme, shown, parts.path.rstrip("/"), "", ""))


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Authorization(AuthBase):
    """Sets the header, or nothing. Always given, since requests else looks for keys in a netrc file."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self._value is not None:
            request.headers["Authorization"] = self._value
        return request


def _basic(auth: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(auth).encode()).decode()


def _session(headers: Mapping[str, str], workers: int, *, is_local: bool) -> Session:
    bad = [name for name, value in headers.items() if not re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", value)]
    if bad:
        raise ConfigError(f"The header {bad[0]} cannot be sent: it is empty or holds unusual characters.")
    session = Session()
    session.trust_env = (
        not is_local
    )  # proxies and CA bundle of the environment, but not on the way to oneself
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = f"xlsync/{__version__}"
    del session.headers["Accept"]
    session.headers.update(headers)
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=workers, pool_block=False))
    return session


def _is_too_much(answer: Response) -> bool:
    """Whether a service asks for fewer requests; the BSS says so with a 403 too (its status codes)."""
    status = answer.status_code
    return status in {429, 503} or (status == 403 and is_retriable(answer.content))


def _status(answer: Response | Failure) -> int | None:
    return answer.status_code if isinstance(answer, Response) else None
