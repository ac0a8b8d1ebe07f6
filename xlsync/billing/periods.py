"""Billing and commitment periods: their lengths by name, and their last days. PURE."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

_NAMES: Final = {1: "Monthly", 3: "Quarterly", 12: "Annual"}
_WORDS: Final = {
    "month": 1,
    "monthly": 1,
    "quarter": 3,
    "quarterly": 3,
    "halfyear": 6,
    "halfyearly": 6,
    "semiannual": 6,
    "semiannually": 6,
    "year": 12,
    "yearly": 12,
    "annual": 12,
    "annually": 12,
    "biennial": 24,
    "triennial": 36,
    "triennially": 36,
}
_UNITS: Final = {"m": 1, "month": 1, "quarter": 3, "y": 12, "year": 12}


def period_name(months: int) -> str:
    """Return the readable name of a period of months: `Monthly`, `Annual`, `Every 3 years`."""
    if months in _NAMES:
        return _NAMES[months]
    return f"Every {months // 12} years" if months % 12 == 0 else f"Every {months} months"


@cache  # thousands of lines name a few periods
def months_of(name: str) -> int | None:
    """Return the number of months of a period's name; None where the name is unknown."""
    word = re.sub(r"[\s_-]", "", name.casefold())
    if word in _WORDS:
        return _WORDS[word]
    match = re.fullmatch(r"(?:every|p)?(\d{1,3})(m|y|months?|quarters?|years?)", word)
    count = int(match[1]) * months_in(match[2]) if match else 0
    return count or None


def months_in(unit: str) -> int:
    """Return the number of months of a unit of time; 0 for one that is no whole number of months."""
    word = unit.strip().casefold()
    return _UNITS.get(word, 0) or _UNITS.get(word.removesuffix("s"), 0)


class ChargedPeriod(NamedTuple):
    """The period of a charge as it is written; `subject` is what is charged for, such as a contract."""

    subject: str
    start: dt.date | None
    end: dt.date | None
    ends_at_midnight: bool


_TIME: Final = re.compile(r"[T\s](\d{1,2}:\d{2}.*)")
_MIDNIGHT: Final = re.compile(r"(00?:00(:00(\.0+)?)?(?![\d:.])|12:00(:00)?\s*AM)", re.IGNORECASE)


def is_midnight(text: str) -> bool:
    """Return whether a date is written without a time, or with midnight."""
    time = _TIME.search(text)
    return time is None or _MIDNIGHT.match(time[1]) is not None


def last_days(charges: Sequence[ChargedPeriod]) -> list[dt.date | None]:
    """Return the last day of each charge of one listing.

    An end at midnight is the last day or the day after it: a charge that ends whole months
    after its start shows which, and the majority decides for all. Without any, the last of a month
    is a last day and every other the day after. No charge ends before it starts.
    """
    first: dict[tuple[str, dt.date | None], dt.date] = {}
    for subject, start, end, _ in charges:
        if start is not None:
            first[subject, end] = min(start, first.get((subject, end), start))
    votes = sum(
        _vote(start, end)
        for subject, start, end, at_midnight in charges
        # a charge from a later day to the same end is not a whole period
        if at_midnight and start is not None and end is not None and start == first[subject, end]
    )
    return [_last_day(start, end, at_midnight, votes) for _, start, end, at_midnight in charges]


@cache  # many charges are of the same few periods
def _vote(start: dt.date, end: dt.date) -> int:
    """Return 1 if the end is the day after whole months, -1 if it is their last day, else 0."""
    if not start < end < dt.date.max:
        return 0
    is_after_short_month = end.day == 1 and start.day > (end - dt.timedelta(days=1)).day
    if end.day == start.day or is_after_short_month:
        return 1
    return -1 if (end + dt.timedelta(days=1)).day == start.day else 0


@cache
def _last_day(start: dt.date | None, end: dt.date | None, at_midnight: bool, votes: int) -> dt.date | None:
    if end is None or not at_midnight or not dt.date.min < end < dt.date.max:
        return end
    is_last_of_month = (end + dt.timedelta(days=1)).day == 1
    is_day_after = votes > 0 if votes else not is_last_of_month
    return end - dt.timedelta(days=1) if is_day_after and (start is None or start < end) else end
