"""Calendar months of billing, and how the progress of a long step is told."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from functools import cache
from typing import Final, Literal, Protocol

from msgspec import Struct

FIRST_YEAR: Final = 1990  # years before it, and after the last one, are typing errors
LAST_YEAR: Final = 2100
By = Literal["invoice-date", "service-period"]
"""What decides the month of a billing line."""


class Progress(Protocol):
    """A function that is called while a long step goes on, to show how far it is."""

    def __call__(self, step: str, done: int, total: int | None, at_least: float = 0.0, /) -> None:
        """Tell how much of a step is done, and of how much (None where that is not known).

        What is left takes `at_least` so many seconds, however fast answers come.
        """


class Month(Struct, frozen=True, order=True):
    """A calendar month of billing, written `2026-10`."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `2026-10`; raises ValueError for anything else, and for years that hold no billing."""
        match = re.fullmatch(r"(\d{4})-(\d{2})", text, re.ASCII)
        if not match or not 1 <= int(match[2]) <= 12 or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
            raise ValueError(text)
        return cls(int(match[1]), int(match[2]))

    @property
    def first(self) -> dt.date:
        """The month's first day."""
        return dt.date(self.year, self.month, 1)

    @property
    def last(self) -> dt.date:
        """The month's last day."""
        return _last_day(self.year, self.month)

    def plus(self, months: int) -> Month:
        """The month that many months later (earlier, if negative)."""
        count = self.year * 12 + self.month - 1 + months
        return Month(count // 12, count % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


@cache  # called for every addition, with few different months
def _last_day(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])
