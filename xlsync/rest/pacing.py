"""The polite rate: how many requests may pass in a minute, and how many side by side."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final

_MINUTE: Final = 60.0
_GOOD_ANSWERS: Final = 20  # after so many one more request may run beside the others


class Gate:
    """Where every request passes: at most `per_minute` in any minute, and fewer side by side while the
    service says 429, growing back as it answers well.
    """  # noqa: D205

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
        """Seconds until it is worth another look, None where a request may pass."""
        now = time.monotonic()
        full = len(self._sent) == self._sent.maxlen
        opens = max(self._paused_until, self._sent[0] + self._minute if full and self._sent else 0.0)
        if opens > now:
            return opens - now
        return None if self._running < self._allowed else _MINUTE

    def close(self) -> None:
        """Let all pass who still wait: there is nothing more to pace."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def slow_down(self, seconds: float) -> None:
        """Let nothing pass for so long; then half as many side by side."""
        with self._changed:
            now = time.monotonic()
            if now >= self._paused_until:  # the 429s of one burst count once
                self._allowed = max(1, self._allowed // 2)
            self._paused_until = max(self._paused_until, now + seconds * self._patience)
            self._good = 0

    def speed_up(self) -> None:
        """Count a good answer."""
        with self._changed:
            self._good += 1
            if self._good >= _GOOD_ANSWERS and self._allowed < self._most:
                self._allowed, self._good = self._allowed + 1, 0
                self._changed.notify_all()
