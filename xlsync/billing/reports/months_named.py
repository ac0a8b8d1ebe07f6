"""Months that names and titles tell: of sheets, of files, and of the lines above a header. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from xlsync.billing.reports.columns import known_meaning
from xlsync.billing.reports.dates import month_number, read_days
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.text import fold
from xlsync.models import Month

_MONTH_OF_YEAR: Final = re.compile(
    r"\b(20\d\d)[-. ]?(0[1-9]|1[0-2]|[1-9])\b|\b(0?[1-9]|1[0-2])[-. ]?(20\d\d)\b"
)
_SHORT_YEAR: Final = re.compile(r"(?:[^\W\d_]|['’])(\d\d)\s*$")  # `Oct 15` may be a day
_DAY: Final = re.compile(r"\b20\d\d[-. ]?(?:0\d|1[0-2])[-. ]?[0-3]\d\b|\b[0-3]?\d[-. ][0-3]?\d[-. ]20\d\d\b")
# names of months that are other words too: French, Dutch, names of people and brands
_OTHER_WORDS: Final = frozenset({"des", "leden", "maja", "marca", "marco"})
_WORDS_BEFORE: Final = re.compile(r"^\D+")
_OF_A_PERIOD: Final = frozenset({"invoice_date", "period", "plan", "start", "end"})


def month_of_name(name: str) -> tuple[int, int | None] | None:
    """Return the month and the year that a sheet's name tells: `October`, `OCT26`, `2026-10`, `10`."""
    if re.fullmatch(r"0[1-9]|1[0-2]", name.strip()):
        return int(name), None
    if match := _MONTH_OF_YEAR.search(fold(name)):
        return int(match[2] or match[3]), int(match[1] or match[4])
    words = re.findall(r"[^\W\d_]+|\d+", fold(name))
    months = [number for word in words if (number := _month_of_word(word)) is not None]
    years = [int(word) for word in words if word.isdigit() and 1990 <= int(word) <= 2100]
    if not years and (short := _SHORT_YEAR.search(name)):
        years = [2000 + int(short[1])]
    return (months[0], years[0] if years else None) if len(months) == 1 else None


def other_month_named(file_name: str, table: Table, month: Month) -> str:
    """Return what names another month and year than this: a title, a column, the sheet or the file.

    Empty where nothing does.
    A day in a name may be that of the download, so it tells nothing; behind `Invoice Date:` it does.
    """
    for first, last, text in _periods_in_titles(table):
        if not first <= month <= last:
            return text
    for column in (table.columns.at["product"], *table.columns.strange):
        cells = set(table.texts(column)) - {""}
        if cells and all(_has_month_in_words(cell) and _names_another(cell, month) for cell in cells):
            return min(cells)
    for name in (table.sheet.name, file_name.rpartition(".")[0] or file_name):
        if _names_another(name, month):
            return name
    return ""


def _has_month_in_words(text: str) -> bool:
    """Return whether a word of a text is a month: numbers in cells may be anything."""
    return any(_month_of_word(word) is not None for word in re.findall(r"[^\W\d_]+", text))


def _month_of_word(word: str) -> int | None:
    return None if fold(word) in _OTHER_WORDS else month_number(word)


def _names_another(text: str, month: Month) -> bool:
    """Return whether a text names a month and a year, and not those of this month."""
    named = month_of_name(_DAY.sub(" ", fold(text)))
    return named is not None and named[1] is not None and Month(named[1], named[0]) != month


def _periods_in_titles(table: Table) -> Iterator[tuple[Month, Month, str]]:
    """Yield the first and last month of each period that a title tells, with its text."""
    for _, texts in table.titles():
        title = " ".join(texts)
        label, _, value = title.partition(":") if ":" in title else (texts[0] if texts else "", "", "")
        own = value or " ".join(texts[1:])
        days = (
            _months_of_days(own)
            if known_meaning(label) in _OF_A_PERIOD
            else _months_of_range(own) or _months_of_range(_WORDS_BEFORE.sub("", title))
        )
        named = month_of_name(_DAY.sub(" ", fold(title)))
        if days is not None:
            yield *days, title
        elif named is not None and named[1] is not None:
            yield Month(named[1], named[0]), Month(named[1], named[0]), title


def _months_of_range(text: str) -> tuple[Month, Month] | None:
    """Return the first and last month of a period of two days; one day alone may be that of the printing."""
    days = read_days(text)
    return _months_of_days(text) if days is not None and days[0] != days[1] else None


def _months_of_days(text: str) -> tuple[Month, Month] | None:
    """Return the first and last month of a day or a period that allows one reading."""
    days = [one.day_first or one.month_first for one in read_days(text) or () if one.is_clear]
    months = [Month(day.year, day.month) for day in days if day is not None]
    return (months[0], months[-1]) if months else None
