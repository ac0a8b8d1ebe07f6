"""The clocks by which the age of a look counts, as a test moves them."""

from __future__ import annotations

from xlsync.apply.freshness import Moment


class TwoClocks:
    """Two clocks that stand still until they are moved."""

    def __init__(self) -> None:
        self.moment = Moment(1000.0, 1_800_000_000.0)

    def __call__(self) -> Moment:
        return self.moment

    def move(self, running: float, wall: float) -> None:
        self.moment = Moment(self.moment.running + running, self.moment.wall + wall)
