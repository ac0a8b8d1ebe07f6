"""Whether a request is sent again, and after how long.

A read is, where that may help; a write only where the service surely did not act on it (never connected,
or 429).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from xlsync.rest.failures import Failure, is_retriable, retry_after

if TYPE_CHECKING:
    from requests import Response

TRIES: Final = 5
_LONGEST_PAUSE: Final = 120.0  # seconds; a service that asks for more is given up for now
_FIRST_BACK_OFF, _LONGEST_BACK_OFF = 0.5, 20.0  # seconds
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_DICE: Final = random.SystemRandom()


def wait_before_next(answer: Response | Failure, attempt: int, *, read: bool) -> float | None:
    """Seconds to wait before sending it again, None where it may not or need not be."""
    back_off = min(_LONGEST_BACK_OFF, _FIRST_BACK_OFF * 2.0 ** (attempt - 1)) * _DICE.uniform(0.5, 1)
    if isinstance(answer, Failure):
        return back_off if answer.may_pass and (read or not answer.sent) else None
    status = answer.status_code
    if not (status == 429 or (read and (status in _BUSY or _is_too_much(answer)))):
        return None
    asked = retry_after(answer.headers)
    if asked is None:
        return back_off
    return asked + back_off / 10 if asked <= _LONGEST_PAUSE else None


def pause_after(answer: Response) -> float | None:
    """Seconds in which nothing more should be sent to a service that asks for fewer requests, else None."""
    if not _is_too_much(answer):
        return None
    asked = retry_after(answer.headers)
    if asked is None:
        return 1.0
    return asked if asked <= _LONGEST_PAUSE else None


def _is_too_much(answer: Response) -> bool:
    """Whether a service asks for fewer requests; the BSS says so with a 403 too (its status codes)."""
    status = answer.status_code
    return status in {429, 503} or (status == 403 and is_retriable(answer.content))
