"""A cache of additions and recaps read minutes ago, since reading thousands one by one takes minutes.

Only export and check use it, and say so; a run that writes clears it first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from itertools import groupby
from typing import Any, Final, Generic, TypeVar

from xlsync.plain_json import from_plain, to_plain

T = TypeVar("T")
FRESH: Final = dt.timedelta(minutes=10)
_TOGETHER: Final = 100  # number of agreements in one entry of the cache


class Recent(Generic[T]):
    """The cached answers of an environment that a command begun at `now` may use, by agreement.

    `name` begins their entries in the cache, and `kind` is what one answer is.
    """

    def __init__(self, name: str, kind: Any, cache: MutableMapping[str, Any], now: dt.datetime) -> None:
        self._name, self._kind, self._cache, self._now = name, kind, cache, now

    def find(self, agreements: Iterable[int]) -> tuple[dict[int, T], dt.datetime | None]:
        """Find cached answers by agreement, and the time when the oldest of them were read."""
        answers: dict[int, T] = {}
        moments: list[dt.datetime] = []
        for entry, ids in groupby(sorted(agreements), self._entry_of):
            cached = self._cache.get(entry) or {}
            for id_ in ids:
                if str(id_) in cached:
                    when, plain = cached[str(id_)]
                    read_at = dt.datetime.fromisoformat(when)
                    if dt.timedelta() <= self._now - read_at < FRESH:
                        with suppress(ValueError):  # another version stored it in another form
                            answers[id_] = from_plain(plain, self._kind)
                            moments.append(read_at)
        return answers, min(moments, default=None)

    def keep(self, answers: Mapping[int, T]) -> None:
        """Cache answers just read; their time is the command's beginning."""
        when = self._now.isoformat()
        for entry, ids in groupby(sorted(answers), self._entry_of):
            new = {str(id_): [when, to_plain(answers[id_])] for id_ in ids}
            self._cache[entry] = {**(self._cache.get(entry) or {}), **new}

    def _entry_of(self, agreement: int) -> str:
        return f"{self._name}{agreement // _TOGETHER}"
