"""The pace of requests: rate, waits between tries, and the decision to retry.

A read is retried where that may help. A write is not: its error says after how long it may be
sent again, where the service surely did not act on it (never connected, or 429).
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from typing import Final

from xlsync.rest.failures import Answer, Failure, is_retriable, retry_after

TRIES: Final = 5
_LONGEST_PAUSE: Final = 120.0  # seconds; a service that asks for a longer pause is given up
_FIRST_BACK_OFF, _LONGEST_BACK_OFF = 0.5, 20.0  # seconds
_BUSY: Final = frozenset({429, 500, 502, 503, 504, *range(520, 528)})
_RANDOM: Final = random.SystemRandom()
_MINUTE: Final = 60.0
_GOOD_ANSWERS: Final = 20  # number of good answers after which one more request may run in parallel


class Gate:
    """A limit of `per_minute` requests in any minute, and of fewer in parallel while the service says 429."""

    def __init__(self, workers: int, per_minute: int, patience: float) -> None:
        self._most, self._allowed, self._running, self._good = workers, workers, 0, 0
        self._minute, self._patience = _MINUTE * patience, patience
        self._sent: deque[float] = deque(maxlen=per_minute)
        self._paused_until = 0.0
        self._closed = False
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            while not self._closed and (wait := self._wait()) is not None:
                self._changed.wait(wait)
            self._running += 1
            self._sent.append(time.monotonic())

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def _wait(self) -> float | None:
        """Return the seconds until a request may pass; None if one may pass now."""
        now = time.monotonic()
        full = len(self._sent) == self._sent.maxlen
        opens = max(self._paused_until, self._sent[0] + self._minute if full and self._sent else 0.0)
        if opens > now:
            return opens - now
        return None if self._running < self._allowed else _MINUTE

    def seconds_for(self, count: int) -> float:
        """Return after how many seconds so many more requests can have passed, as far as the rate decides."""
        if count <= 0:
            return 0.0
        with self._changed:
            now, most = time.monotonic(), self._sent.maxlen or 1
            opens = self._paused_until
            waiting = count - (most - len(self._sent))  # requests that follow a minute after another
            if waiting > 0:
                minutes, place = divmod(waiting - 1, most)
                before = self._sent[place] if place < len(self._sent) else now
                opens = max(opens, before + self._minute, now) + minutes * self._minute
            return max(0.0, opens - now)

    def close(self) -> None:
        """Let every waiting request pass when the service is being closed."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def slow_down(self, seconds: float) -> None:
        """Send nothing for some seconds, then half as many requests in parallel."""
        with self._changed:
            now = time.monotonic()
            if now >= self._paused_until:  # the 429s of one burst count once
                self._allowed = max(1, self._allowed // 2)
            self._paused_until = max(self._paused_until, now + seconds * self._patience)
            self._good = 0

    def speed_up(self) -> None:
        """Count a good answer; after some of them one more request may run in parallel."""
        with self._changed:
            self._good += 1
            if self._good >= _GOOD_ANSWERS and self._allowed < self._most:
                self._allowed, self._good = self._allowed + 1, 0
                self._changed.notify_all()


def wait_before_next(answer: Answer | Failure, attempt: int, *, read: bool) -> float | None:
    """Return the seconds to wait before a retry; None if there is none."""
    back_off = min(_LONGEST_BACK_OFF, _FIRST_BACK_OFF * 2.0 ** (attempt - 1)) * _RANDOM.uniform(0.5, 1)
    if isinstance(answer, Failure):
        return back_off if answer.may_pass and (read or not answer.sent) else None
    status = answer.status
    if not (status == 429 or (read and (status in _BUSY or _is_too_much(answer)))):
        return None
    asked = retry_after(answer.headers)
    if asked is None:
        return back_off
    return asked + back_off / 10 if asked <= _LONGEST_PAUSE else None


def pause_after(answer: Answer) -> float | None:
    """Return the pause that a service asks for, in seconds; None if it asks for none."""
    if not _is_too_much(answer):
        return None
    asked = retry_after(answer.headers)
    if asked is None:
        return 1.0
    return asked if asked <= _LONGEST_PAUSE else None


def _is_too_much(answer: Answer) -> bool:
    """Return whether a service asks for fewer requests, which the BSS does with a 403 too."""
    status = answer.status
    return status in {429, 503} or (status == 403 and is_retriable(answer.content))
