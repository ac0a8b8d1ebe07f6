"""A sandbox's clock that stands still, so that no test depends on how fast it runs or on the hour."""

from __future__ import annotations

import datetime as dt

from xlsync.sandbox.server import Sandbox
from xlsync.sandbox.state import Clock


class StillClock(Clock):
    """A clock that goes on only where a test moves it."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._began = seconds

    def seconds(self) -> float:
        return self._began + self.moved


def stop_clock(sandbox: Sandbox) -> dt.datetime:
    """Stop a sandbox's clock; returns the time on it, in UTC."""
    now = sandbox.connectwise.clock.seconds()
    sandbox.connectwise.clock = StillClock(now)
    return dt.datetime.fromtimestamp(now, dt.UTC)
