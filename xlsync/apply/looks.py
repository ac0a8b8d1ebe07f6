"""What was read of ConnectWise in this run, and how long ago."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

FRESH: Final = 5.0  # seconds: a value read longer ago is read again before it is written over
Thing = TypeVar("Thing")


class Looks(Generic[Thing]):
    """What was read of ConnectWise, by id, each with when its request began."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, Thing]] = {}

    def keep(self, things: Mapping[int, Thing], began: float) -> None:
        """Keep what one request told of several ids; `began` is by the monotonic clock."""
        self._known |= {id_: (began, thing) for id_, thing in things.items()}

    def is_fresh(self, id_: int) -> bool:
        """Whether an id was read so lately that nobody needs to look again."""
        return id_ in self._known and time.monotonic() - self._known[id_][0] <= FRESH

    def latest(self, id_: int, read: Callable[[int], Thing]) -> Thing:
        """What is known of an id, read again where that is not fresh."""
        if not self.is_fresh(id_):
            began = time.monotonic()
            self._known[id_] = (began, read(id_))
        return self._known[id_][1]

    def drop(self, id_: int) -> None:
        """Look again next time."""
        self._known.pop(id_, None)

    def things(self) -> list[Thing]:
        """Everything that is known, however old; others may read meanwhile."""
        return [thing for _, thing in list(self._known.values())]
