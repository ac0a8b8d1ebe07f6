"""Numbers and dates as people and distributors write them: nothing is guessed silently. PURE.

A text that can be read in two ways is decided by what is clear elsewhere in its column, else in its
file; where nothing is clear it is `Unclear`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

Mark = Literal[".", ","]
Order = Literal["day first", "month first"]

_GROUPED: Final = re.compile(r"\d{1,3}(?:([., '])\d{3})+")
_MONEY: Final = re.compile(r"^(?:[A-Z]{3}|[€$£¥₹]) ?|(?<=\d) ?(?:[A-Z]{3}|[€$£¥₹])$")
_EXCEL_DAY_ZERO: Final = dt.date(1899, 12, 30)  # so that day 60 and later agree with Excel
_EXCEL_DAYS: Final = range(20_000, 80_000)  # 1954 to 2119
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july",
         "aug august", "sep sept september", "oct october", "nov november", "dec december"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip


class Unclear(Exception):
    """A text that can be read in two ways, and nothing tells which."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a column writes: its decimal mark, and whether days or months come first. None if untold."""

    mark: Mark | None = None
    order: Order | None = None


def numeral(text: str) -> tuple[str, str, Mark | None]:
    """Sign, digits with at most one kind of mark left to explain, and the decimal mark where it is clear.

    Raises ValueError for what is no number.
    """
    core = re.sub(r"[\s\u00a0\u2009\u202f]+", " ", text).strip().replace("\u2212", "-").replace("’", "'")
    sign = ""
    if core.startswith("(") and core.endswith(")"):
        sign, core = "-", core[1:-1].strip()
    core = _MONEY.sub("", core).strip()
    if core.endswith("-"):
        sign, core = "-", core[:-1].strip()
    if core[:1] in ("-", "+"):
        sign, core = ("-" if core[0] == "-" else sign), core[1:].strip()
    core = _MONEY.sub("", core).strip()
    if " " in core or "'" in core:
        whole, mark, _ = _split(core)
        if not _GROUPED.fullmatch(whole) or len(set(whole) - set("0123456789")) > 1:
            raise ValueError(text)
        return sign, re.sub(r"[ ']", "", core), mark
    if not re.fullmatch(r"[\d.,]*\d", core):
        raise ValueError(text)
    kinds = set(core) & {".", ","}
    if not kinds:
        return sign, core, None
    last: Mark = "." if core.rfind(".") > core.rfind(",") else ","
    other: Mark = "," if last == "." else "."
    if len(kinds) == 2:
        whole = core[: core.rfind(last)]
        if core.count(last) > 1 or not _GROUPED.fullmatch(whole):
            raise ValueError(text)
        return sign, core.replace(other, ""), last
    if core.count(last) > 1:
        if not _GROUPED.fullmatch(core):
            raise ValueError(text)
        return sign, core.replace(last, ""), other
    whole, _, part = core.partition(last)
    is_unclear = len(part) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return sign, core, None if is_unclear else last


def _split(core: str) -> tuple[str, Mark | None, str]:
    """The whole part, the decimal mark and the rest, of a number whose groups are parted by other marks."""
    found = re.fullmatch(r"([\d ']+)(?:([.,])(\d+))?", core)
    if not found:
        raise ValueError(core)
    mark: Mark | None = None if not found[2] else "." if found[2] == "." else ","
    return found[1], mark, found[3] or ""


def decimal_marks(texts: Iterable[str]) -> set[Mark]:
    """The decimal marks that these texts clearly use."""
    found: set[Mark] = set()
    for text in texts:
        try:
            mark = numeral(text)[2]
        except ValueError:
            continue
        found |= {mark} if mark else set()
    return found


def parse_number(text: str, style: Style) -> Decimal:
    """The number that a text writes. Raises Unclear, or ValueError for what is no number."""
    sign, core, mark = numeral(text)
    if mark is None and re.search(r"[.,]", core):
        mark = style.mark
        if mark is None:
            raise Unclear(text)
    if mark is not None:
        other = "," if mark == "." else "."
        core = core.replace(other, "").replace(mark, ".")
    return Decimal(sign + core)


def day_and_month(text: str) -> tuple[int, int, int] | dt.date:
    """A date where it is clear, else the two numbers that may be day and month, and the year.

    Raises ValueError for what is no date.
    """
    core = " ".join(text.split()).removesuffix(".")
    core = re.sub(r"(?<=\d)[T ,]+\d{1,2}:\d{2}.*$", "", core)  # the time of day
    if found := re.fullmatch(r"(\d{4})([-/.]?)(\d{2})\2(\d{2})", core):
        return dt.date(int(found[1]), int(found[3]), int(found[4]))
    if re.fullmatch(r"\d{5}", core) and int(core) in _EXCEL_DAYS:
        return _EXCEL_DAY_ZERO + dt.timedelta(days=int(core))
    if found := re.fullmatch(r"(\d{1,2})[-/. ]([A-Za-z]{3,9})\.?,?[-/. ](\d{4}|\d{2})", core):
        return dt.date(_year(found[3]), _month(found[2]), int(found[1]))
    if found := re.fullmatch(r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})", core):
        return dt.date(int(found[3]), _month(found[1]), int(found[2]))
    found = re.fullmatch(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})", core)
    if not found:
        raise ValueError(text)
    if found[2] == "-" and len(found[4]) == 2:
        raise ValueError(text)  # the year may stand first
    first, second, year = int(found[1]), int(found[3]), _year(found[4])
    if found[2] == "." or first > 12 or first == second:  # with points the day always comes first
        return dt.date(year, second, first)
    if second > 12:
        return dt.date(year, first, second)
    dt.date(year, first, second)  # raises for a zero
    return first, second, year


def _year(text: str) -> int:
    return int(text) + (2000 if len(text) == 2 else 0)


def _month(name: str) -> int:
    try:
        return _MONTHS[name.casefold()]
    except KeyError:
        raise ValueError(name) from None


def date_orders(texts: Iterable[str]) -> set[Order]:
    """Whether the dates that are clear among these put the day or the month first."""
    found: set[Order] = set()
    for text in texts:
        numbers = re.match(r"\s*(\d{1,2})[-/](\d{1,2})[-/]\d{2}", text)
        if numbers and int(numbers[1]) > 12 >= int(numbers[2]):
            found.add("day first")
        elif numbers and int(numbers[2]) > 12 >= int(numbers[1]):
            found.add("month first")
    return found


def parse_date(text: str, style: Style) -> dt.date:
    """The date that a text writes. Raises Unclear, or ValueError for what is no date."""
    found = day_and_month(text)
    if isinstance(found, dt.date):
        return found
    if style.order is None:
        raise Unclear(text)
    first, second, year = found
    return dt.date(year, second, first) if style.order == "day first" else dt.date(year, first, second)
