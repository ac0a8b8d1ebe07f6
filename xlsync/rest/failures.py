"""Answers of a service, failed requests, and the errors made of them."""

from __future__ import annotations

import datetime as dt
import email.utils
import html
import re
import ssl
import traceback
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlsplit

import msgspec
import simplejson
import urllib3.exceptions as low
from msgspec import Struct

from xlsync.errors import ApiError, NoAnswer
from xlsync.plain_json import RepeatedField, read_object
from xlsync.printable import cut
from xlsync.rest.answer_time import AnswerTooSlow

# Statuses of a gateway; 520 to 527 are Cloudflare's.
_GATEWAY: Final = frozenset({502, 504, *range(520, 528)})
_ASKED_ANEW: Final = frozenset({429, 500})  # statuses that the service itself answers, in JSON or not
SSL_REQUIRED: Final = "SSL is required"  # the answer of ConnectWise's cloud where the host lacks its prefix
_SETTING: Final = {"ConnectWise": "XLSYNC_CW_URL", "BSS": "XLSYNC_BSS_URL"}

_FIRST_YEAR, _LAST_YEAR = 1990, 2100  # of a clock that may be right
_MOST_PLACES: Final = 30  # highest power of ten in a number; sums of money are exact in 100 digits
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")


class Answer(Struct, frozen=True):
    """A service's answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    next_url: str | None = None

    @property
    def is_page(self) -> bool:
        """Return whether the answer is a page of HTML, as of a gateway: ConnectWise's API answers JSON."""
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
        return kind == "text/html" or self.content[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))

    @property
    def is_of_gateway(self) -> bool:
        """Return whether the answer comes from a gateway, so that the outcome of a write is unknown."""
        is_refusal = self.status >= 400 and self.status not in _ASKED_ANEW
        return self.status in _GATEWAY or (is_refusal and self.is_page)


class Failure(Struct, frozen=True):
    """A request without an answer: whether it may have reached the service, and whether a retry may help."""

    what: str
    sent: bool
    may_pass: bool = True


def failure_of(error: BaseException) -> Failure:
    """Classify an error: the request surely never left, or it may have arrived (in doubt the latter)."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, AnswerTooSlow):
            what = f"did not end its answer within {cause.seconds:g} seconds"
            return Failure(what, sent=True, may_pass=False)
    for cause in causes:
        match cause:
            case ssl.SSLCertVerificationError():
                return Failure("was not sent: its certificate is not trusted", sent=False, may_pass=False)
            case low.NameResolutionError():
                return Failure("was not sent: its name is unknown to this network", sent=False)
            case low.NewConnectionError() | low.ConnectTimeoutError():
                return Failure("was not sent: no connection", sent=False)
            # requests reports it only by this text.
            case OSError() if "TLS CA certificate bundle" in str(cause):
                what = "was not sent: REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names no file of certificates"
                return Failure(what, sent=False, may_pass=False)
            case OSError() if _while_connecting(cause):
                return Failure("was not sent: no secure connection", sent=False)
            case low.ReadTimeoutError():
                return Failure("got no answer in time", sent=True)
            case _:
                continue
    return Failure("got no answer: the connection broke", sent=True)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes.

    `__context__` is left out: it may be an unrelated error that the caller was handling.
    """
    yield error
    inner = [
        *error.args,
        getattr(error, "reason", None),
        getattr(error, "original_error", None),
        error.__cause__,
    ]
    for cause in inner:
        if isinstance(cause, BaseException):
            yield from _causes(cause)


def _while_connecting(error: BaseException) -> bool:
    """Return whether an error came in the TLS handshake or a proxy's CONNECT, before the request was sent."""
    frames = (frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(name in ("do_handshake", "_tunnel") for name in frames)


def read_json(content: bytes) -> Any:
    """Parse the JSON of a body; None if it is empty. Raises ValueError, RepeatedField among others."""
    content = content.removeprefix(BOM_UTF8)
    try:
        data = _DECODER.decode(content)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _read_json_slowly(content)  # which says why, or reads what only msgspec refuses
    # Where no blank stands before a colon, each field ends in a quote and a colon. There are as many of these
    # as fields that were read, unless a field stands twice in its object or a text holds a quote and a colon.
    has_spaced = any(blank in content and blank + b":" in content for blank in _BLANKS)
    if has_spaced or content.count(b'":') != _count_fields(data):
        return _read_json_slowly(content)
    return data


def _count_fields(data: Any) -> int:
    """Count the fields of all objects in parsed JSON."""
    count, left = 0, [data]
    while left:
        value = left.pop()
        if type(value) is dict:  # a third of the time of isinstance, for a hundred thousand values
            count += len(value)
            left.extend(value.values())
        elif type(value) is list:
            left.extend(value)
    return count


def _read_json_slowly(content: bytes) -> Any:
    """Parse JSON as `read_json` does, and look at every object for a field with two values."""
    text = _NOT_ASCII.sub(_escaped, content).decode("ascii")
    try:
        if not text.strip():
            return None
        return simplejson.loads(text, parse_float=_read_number, object_pairs_hook=read_object)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _read_number(text: str) -> Decimal:
    """Read a number exactly. Raises ValueError for one that would fill the memory where it is written out."""
    number = Decimal(text)
    exponent = number.as_tuple().exponent if "e" in text.casefold() else 0
    if not isinstance(exponent, int) or abs(exponent) > _MOST_PLACES:
        raise ValueError(f"a number of the size {text[:20]}")
    return number


_DECODER: Final = msgspec.json.Decoder(float_hook=_read_number)
_BLANKS: Final = (b"\t", b"\n", b"\r", b" ")  # a single byte is searched for much faster than two


def _escaped(match: re.Match[bytes]) -> bytes:
    """Write letters as JSON escapes: a single other letter makes Python's text four times as large."""
    return simplejson.dumps(match[0].decode())[1:-1].encode()


def _tell_repeated(content: bytes) -> str:
    """Name the field that one object of a body holds with two values; empty where there is none."""
    try:
        read_json(content)
    except RepeatedField as error:
        return str(error)
    except ValueError:
        return ""
    return ""


def _error_body(content: bytes) -> dict[str, Any]:
    try:
        body = read_json(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def is_retriable(content: bytes) -> bool:
    """Return whether the service says that a retry may succeed."""
    return _error_body(content).get("isRetriableError") is True


def describe(content: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the service's message (": …", or empty) and its error codes, outermost first.

    Shapes: ConnectWise {code, message, errors[]} and {error, message}; BSS {type, code,
    developerMessage}; OAuth {error, error_description}.
    """
    body = _error_body(content)
    if not body:
        return title_of(content), ()
    errors = body.get("errors")
    inner = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    texts = [body.get("message") or body.get("developerMessage") or body.get("error_description")]
    for error in inner:
        message, name = error.get("message"), error.get("field")
        texts.append(f"{name}: {message}" if name and message and str(name) not in str(message) else message)
    codes = [body.get("code"), body.get("type"), body.get("error"), *(error.get("code") for error in inner)]
    named = tuple(dict.fromkeys(_clean(code) for code in codes if code))
    shown = "; ".join(dict.fromkeys(_clean(text) for text in texts if text)) or ", ".join(named)
    return (f": {cut(shown, 600)}" if shown else ""), named


def title_of(content: bytes) -> str:
    """Return the title of a page (": …", or empty), all that is ever shown of a body that is not JSON."""
    text = content[:20_000].decode(errors="replace")
    match = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    title = _clean(html.unescape(match[1])) if match else ""
    return f": {cut(title, 200)}" if title else ""


def _clean(text: object) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the service asks to wait, from a number or an HTTP date by its own clock."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    then = read_http_date(text)
    if then is None:
        return None
    now = read_http_date(headers.get("Date", "")) or dt.datetime.now(dt.UTC)
    return max(0.0, (then - now).total_seconds())


def read_http_date(text: str) -> dt.datetime | None:
    """Read the moment of a header such as Date; None where it is none, or of another age."""
    try:
        then = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if not _FIRST_YEAR <= then.year <= _LAST_YEAR:
        return None
    return then if then.tzinfo else then.replace(tzinfo=dt.UTC)


class Refusals:
    """Builder of the errors of one service, without its secrets; messages begin with `name`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._setting = _SETTING.get(name, f"the settings of {name}")
        self._secrets: frozenset[str] = frozenset()

    def hide(self, *secrets: str) -> None:
        """Hide texts in all messages from now on, in whatever form a service repeats them."""
        for secret in secrets:
            if len(secret) > 3:
                forms = (quote(secret, safe=""), quote_plus(secret), html.escape(secret))
                self._secrets |= {secret, simplejson.dumps(secret)[1:-1], *forms}

    def _without_secrets(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "…")
        return text

    def refused(
        self, method: str, path: str, answer: Answer, *, read: bool, repeat_after: float | None = None
    ) -> ApiError:
        """Build the error for a non-2xx answer. A write answered by a gateway becomes `NoAnswer`."""
        status = answer.status
        # hidden before a long text is cut: a part of a secret would not be recognised
        what, codes = describe(self._without_secrets(answer.content.decode(errors="replace")).encode())
        if not read and answer.is_of_gateway:
            return self._error(method, path, f"{status}{what}", status=status, kind=NoAnswer)
        hint = self._hint_for_codes(status, codes)
        if SSL_REQUIRED in what:
            cloud = "In ConnectWise's cloud the host begins with api-, as in api-eu.myconnectwise.net"
            hint = f"{cloud}: set {self._setting} so."
        if status == 403 and answer.is_page:
            hint = (
                f"A gateway before {self._name} refuses this network, not the keys: "
                f"try from another network, or ask {self._name}'s support to let yours pass."
            )
        if status < 400:
            to = urlsplit(answer.headers.get("Location", ""))
            where = f" to {to.scheme}://{to.hostname}" if to.hostname else ""
            what = f": it sends the request on{where}"
            hint = f"Set {self._setting} to the address where the service itself answers."
        return self._error(
            method, path, f"{status}{what}", hint, status=status, codes=codes, repeat_after=repeat_after
        )

    def _hint_for_codes(self, status: int, codes: tuple[str, ...]) -> str:
        """Return the hint for an error's code; empty where the status says enough."""
        if self._name != "ConnectWise" or status not in {400, 404}:
            return ""
        if status == 404 and "NotFound" in codes:
            return "It was deleted, or moved: look in ConnectWise."
        if status == 404 and "ConnectWiseApi" in codes:
            return (
                "The address, the release in its path, or the keys are wrong (the cloud answers wrong keys "
                "in the same way): `xlsync doctor` tells which."
            )
        if "ConnectWiseApi" in codes:
            return (
                "This ConnectWise serves other releases of its API: set [connectwise] release in xlsync.toml "
                "to one that `xlsync doctor` names."
            )
        return ""

    def unreadable(self, method: str, path: str, answer: Answer) -> ApiError:
        """Build the error for a success whose body is no JSON, or has a field with two values."""
        if repeated := _tell_repeated(answer.content):
            hint = f"What {self._name} holds cannot be told from that: report it to its vendor."
            return self._error(method, path, f"with {repeated}", hint, status=answer.status)
        if answer.content.lstrip(BOM_UTF8).lstrip()[:1] in {b"[", b"{"}:
            hint = f"The answer was cut off on its way from {self._name}: try again in some minutes."
            return self._error(method, path, "with JSON that is not whole", hint, status=answer.status)
        what = f"with something that is not JSON{title_of(answer.content)}"
        return self._error(method, path, what, status=answer.status)

    def lost(
        self, method: str, path: str, failure: Failure, *, read: bool, repeat_after: float | None = None
    ) -> ApiError:
        """Build the error for a request without an answer; NoAnswer for a write that may have arrived."""
        hint = f"Check the network and the address in {self._setting}."
        if failure.sent and not read:
            return self._error(method, path, failure.what, kind=NoAnswer)
        return self._error(method, path, failure.what, hint, sent=failure.sent, repeat_after=repeat_after)

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
        repeat_after: float | None = None,
        kind: type[ApiError] = ApiError,
    ) -> ApiError:
        path = urlsplit(path).path if "://" in path else path.partition("?")[0]
        verb = "answered " if status is not None else ""
        message = f"{self._name}: {method} /{path.lstrip('/')} {verb}{what}"
        message = self._without_secrets(message)
        hint = hint or self._hint(status, kind)
        return kind(
            message,
            hint,
            method=method,
            path=path,
            status=status,
            codes=codes,
            sent=sent,
            repeat_after=repeat_after,
        )

    def _hint(self, status: int | None, kind: type[ApiError]) -> str:
        if kind is NoAnswer:
            return f"It may have been done or not: look in {self._name} before doing it again."
        match status:
            case 400 | 409 | 415 | 422:
                return "Mend what it names, then try again."
            case 401:
                return "Check the keys: `xlsync login` stores them anew and tries them."
            case 403:
                return f"The keys lack a right in {self._name}: `xlsync doctor` names the rights."
            case 404 if self._name == "ConnectWise":
                return "It may be deleted; ConnectWise also answers 404 to wrong keys: try `xlsync doctor`."
            case 404:
                return "It may be deleted, or hidden from these keys: try `xlsync doctor`."
            case 429:
                return f"{self._name} asks for fewer requests: try again in some minutes."
            case None | 200:
                return f"Check the address in {self._setting}."
            case _:
                return f"The trouble is at {self._name}: try again later."
