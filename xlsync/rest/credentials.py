"""The Authorization header of a service: given once, or asked for and renewed when it is refused."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable

from xlsync.errors import ApiError


def basic(name: str, password: str) -> str:
    """The header's value of a name and a password."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class Credentials:
    """What lets requests pass, for all threads that send them.

    `value` always holds, if `ask` is not there to give another; `hide` is told what `ask` gave.
    """

    def __init__(self, value: str | None, ask: Callable[[], str] | None, hide: Callable[[str], None]) -> None:
        self._value = value
        self._ask = ask
        self._hide = hide
        self._renewing = threading.Lock()
        self._no_login: ApiError | None = None

    @property
    def can_be_renewed(self) -> bool:
        """Whether another try may help where these were refused."""
        return self._ask is not None

    def current(self) -> str | None:
        """The header's value, asked for where there is none yet; raises ApiError where it is refused."""
        if self._ask is None:
            return self._value
        with self._renewing:
            if self._no_login is not None:
                raise self._no_login  # asking again and again may lock the account
            if self._value is None:
                try:
                    self._value = self._ask()
                except ApiError as error:
                    self._no_login = error if error.status in (400, 401, 403) else None
                    raise
                self._hide(self._value.removeprefix("Bearer "))
            return self._value

    def renew(self, refused: str | None) -> None:
        """Let them be asked for anew, unless another thread has renewed them already."""
        with self._renewing:
            if self._value == refused:
                self._value = None
