"""A price under a header of many senses (`Monthly Price`, `MRR`), read where the amounts prove it. PURE.

What is a price for one customer's seat may be that of a month or of all units; only where units × price is
the amount of every row is it what one unit costs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from xlsync.billing.reports.numbers import MARKS, Mark, NumberReadings
from xlsync.billing.reports.proof import agrees
from xlsync.billing.reports.raw_values import raw_cells
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.text import header_words
from xlsync.billing.reports.unread_money import may_be_price
from xlsync.billing.reports.values import Wrong, number_cell, read_column
from xlsync.records import replace

_OF_MONTHS: Final = re.compile(r"\b(?:mrr|(?:monthly|recurring) (?:fee|charge))\b")
_PERIOD: Final = ("start", "end", "period")

Figures = Sequence[NumberReadings | Wrong | None]


def with_price(table: Table) -> Table:
    """Return a table that reads as its cost a column that nothing reads and that all its amounts prove."""
    columns = table.columns
    if columns.layout is not None or "cost" in columns.at or "amount" not in columns.at:
        return table
    for n in columns.strange:
        words = header_words(table.header[n])
        if (may_be_price(words) or _OF_MONTHS.search(words)) and _is_proven(table, n):
            return replace(table, columns=columns.reading("cost", n))
    return table


def _is_proven(table: Table, column: int) -> bool:
    """Return whether units × this column is the amount, read with one decimal mark, in all rows that tell.

    A row for another period than most may charge for a part of one, and less.
    """
    at = table.columns.at
    units, prices, amounts = (_figures(table, n) for n in (at["units"], column, at["amount"]))
    periods = list(zip(*(table.texts(at[name]) for name in _PERIOD if name in at), strict=True))
    usual = Counter(periods).most_common(1)[0][0] if periods else ()
    is_usual = [period == usual for period in periods] or [True] * len(units)
    return any(_holds(units, prices, amounts, is_usual, mark) for mark in MARKS)


def _figures(table: Table, column: int) -> Figures:
    return read_column(raw_cells(table, column, {}), number_cell).cells


def _holds(units: Figures, prices: Figures, amounts: Figures, is_usual: Sequence[bool], mark: Mark) -> bool:
    """Return whether the price is that of one unit in all usual rows, which one of several units proves."""
    is_told = False
    held = less = 0
    for *cells, usual in zip(units, prices, amounts, is_usual, strict=True):
        if None in cells:
            continue
        read = [cell.by(mark) if isinstance(cell, NumberReadings) else None for cell in cells]
        own, price, amount = read
        if own is None or price is None or amount is None:
            return False
        if agrees(own, price, amount):
            is_told = is_told or (abs(own) != 1 and bool(amount))
            held += usual
        elif usual or abs(amount) > abs(own * price):
            return False
        else:
            less += 1
    return is_told and held > less
