"""What is told of a service that refuses or does not answer: where, in whose words, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from xlsync.errors import ApiError, NoAnswer
from xlsync.rest.failures import Failure, describe, title_of

if TYPE_CHECKING:
    from requests import Response

_GATEWAY: Final = frozenset({502, 504})
_SETTING: Final = {"ConnectWise": "XLSYNC_CW_URL", "BSS": "XLSYNC_BSS_URL"}


class Refusals:
    """The errors of one service, none of which holds a secret. `name` stands in front of each."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._setting = _SETTING.get(name, f"the settings of {name}")
        self._secrets: frozenset[str] = frozenset()

    def hide(self, *secrets: str) -> None:
        """Never let these stand in a message."""
        self._secrets |= {secret for secret in secrets if len(secret) > 3}

    def refused(self, method: str, path: str, answer: Response, *, read: bool) -> ApiError:
        """It answered, and not well; a write that a gateway lost is NoAnswer."""
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

    def unreadable(self, method: str, path: str, answer: Response) -> ApiError:
        """It answered well, but with no JSON."""
        what = f"with something that is not JSON{title_of(answer.content)}"
        return self._error(method, path, what, status=answer.status_code)

    def lost(self, method: str, path: str, failure: Failure, *, read: bool) -> ApiError:
        """No answer came; of a write that was sent, NoAnswer."""
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
        message = f"{self._name}: {method} /{path.lstrip('/')} {verb}{what}"
        for secret in sorted(self._secrets, key=len, reverse=True):
            message = message.replace(secret, "…")
        hint = hint or self._hint(status, kind)
        return kind(message, hint, method=method, path=path, status=status, codes=codes, sent=sent)

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
