"""Values read from ConnectWise during a run, with their age."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

FRESH: Final = 5.0  # seconds after which a value is read again before it is overwritten
Thing = TypeVar("Thing")


class Looks(Generic[Thing]):
    """Values read from ConnectWise by id, each with the time when its request began."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, Thing]] = {}

    def keep(self, things: Mapping[int, Thing], began: float) -> None:
        """Store the values of one request; `began` is by the monotonic clock."""
        self._known |= {id_: (began, thing) for id_, thing in things.items()}

    def is_fresh(self, id_: int) -> bool:
        """Return whether the value of an id is recent enough."""
        return id_ in self._known and time.monotonic() - self._known[id_][0] <= FRESH

    def latest(self, id_: int, read: Callable[[int], Thing]) -> Thing:
        """Return the value of an id, read again if it is not recent."""
        if not self.is_fresh(id_):
            began = time.monotonic()
            self._known[id_] = (began, read(id_))
        return self._known[id_][1]

    def drop(self, id_: int) -> None:
        """Forget the value of an id."""
        self._known.pop(id_, None)

    def things(self) -> list[Thing]:
        """Return all values, however old; other threads may read meanwhile."""
        return [thing for _, thing in list(self._known.values())]
