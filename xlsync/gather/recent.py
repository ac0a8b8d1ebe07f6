"""A cache of additions read minutes ago, since reading thousands takes minutes.

Only export and check use it, and say so; a run that writes clears it first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, MutableMapping
from itertools import groupby
from typing import Any, Final

from xlsync.models import Addition
from xlsync.plain_json import from_plain, to_plain

FRESH: Final = dt.timedelta(minutes=10)
_TOGETHER: Final = 100  # number of agreements in one entry of the cache


class RecentAdditions:
    """The cached additions of an environment that a command begun at `now` may use."""

    def __init__(self, cache: MutableMapping[str, Any], now: dt.datetime) -> None:
        self._cache, self._now = cache, now

    def find(self, agreements: Iterable[int]) -> tuple[dict[int, tuple[Addition, ...]], dt.datetime | None]:
        """Find cached additions by agreement, and the time when the oldest of them were read."""
        additions: dict[int, tuple[Addition, ...]] = {}
        moments: list[dt.datetime] = []
        for entry, ids in groupby(sorted(agreements), _entry_of):
            cached = self._cache.get(entry) or {}
            for id_ in ids:
                if str(id_) in cached:
                    when, plain = cached[str(id_)]
                    read_at = dt.datetime.fromisoformat(when)
                    if dt.timedelta() <= self._now - read_at < FRESH:
                        additions[id_] = tuple(from_plain(addition, Addition) for addition in plain)
                        moments.append(read_at)
        return additions, min(moments, default=None)

    def keep(self, additions: Mapping[int, tuple[Addition, ...]]) -> None:
        """Cache additions just read; their time is the command's beginning."""
        when = self._now.isoformat()
        for entry, ids in groupby(sorted(additions), _entry_of):
            new = {str(id_): [when, [to_plain(addition) for addition in additions[id_]]] for id_ in ids}
            self._cache[entry] = {**(self._cache.get(entry) or {}), **new}


def _entry_of(agreement: int) -> str:
    return str(agreement // _TOGETHER)
