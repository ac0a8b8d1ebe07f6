"""Values read from ConnectWise during a run, with their age by two clocks, since computers sleep."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final, Generic, Self, TypeVar

from msgspec import Struct

FRESH: Final = 5.0  # seconds after which a value is read again before it is overwritten
SHARED: Final = 0.5  # seconds within which one look at an agreement may serve several changes
SLOWEST: Final = 20.0  # most seconds that ConnectWise may take to answer the requests of one look
T = TypeVar("T")


class Moment(Struct, frozen=True):
    """A point in time by two clocks: `running` may stand still while a computer sleeps, `wall` may be set."""

    running: float
    wall: float

    @classmethod
    def now(cls) -> Self:
        """The present."""
        return cls(time.monotonic(), time.time())

    def is_fresh(self, now: Moment, most: float = FRESH) -> bool:
        """Return whether both clocks say that this was at most some seconds before `now`."""
        ages = (now.running - self.running, now.wall - self.wall)
        return all(0 <= age <= most for age in ages)


class Look(Struct, frozen=True):
    """One look at what a write replaces and rests upon: when its first request and its last answer came.

    A slow ConnectWise may take longer over a look than a look may be old: the age counts from its end.
    """

    began: Moment
    ended: Moment

    def is_fresh(self, now: Moment) -> bool:
        """Return whether nothing but ConnectWise's own answers lies between this look and `now`."""
        return self.began.is_fresh(self.ended, SLOWEST) and self.ended.is_fresh(now)


Clock = Callable[[], Moment]


class Looks(Generic[T]):
    """Values read from ConnectWise by id, each with the look that showed it."""

    def __init__(self, clock: Clock = Moment.now) -> None:
        self._clock = clock
        self._known: dict[int, tuple[Look, T]] = {}

    def keep(self, values: Mapping[int, T], began: Moment) -> None:
        """Store the values of a request that was answered just now."""
        look = Look(began, self._clock())
        self._known |= {id_: (look, value) for id_, value in values.items()}

    def is_fresh(self, id_: int) -> bool:
        """Return whether the value of an id is recent enough: its age counts from its request."""
        return id_ in self._known and self._known[id_][0].began.is_fresh(self._clock())

    def latest(self, id_: int, read: Callable[[int], T]) -> T:
        """Return the value of an id, read again if it is not recent."""
        if not self.is_fresh(id_):
            began = self._clock()
            self.keep({id_: read(id_)}, began)
        return self._known[id_][1]

    def look(self, id_: int) -> Look | None:
        """Return the look that showed the value of an id; None where it was never read."""
        return self._known[id_][0] if id_ in self._known else None

    def outdated_from(self, id_: int, most: int) -> list[int]:
        """Return an id whose value is known and not recent, and some such ids that were read after it."""
        if id_ not in self._known or self.is_fresh(id_):
            return []
        known = list(self._known)
        later = (one for one in known[known.index(id_) :] if not self.is_fresh(one))
        return list(islice(later, most))

    def drop(self, id_: int) -> None:
        """Forget the value of an id."""
        self._known.pop(id_, None)

    def known(self, id_: int) -> T | None:
        """Return the value of an id, however old; None where it was never read."""
        return self._known[id_][1] if id_ in self._known else None

    def all(self) -> list[T]:
        """Return all values, however old; other threads may read meanwhile."""
        return [value for _, value in list(self._known.values())]
