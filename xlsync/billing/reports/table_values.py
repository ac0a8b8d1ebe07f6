"""A table's cells as values, by the evidence of the whole file: decimal marks, the order of dates. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from msgspec import Struct, field

from xlsync.billing.reports.dates import ORDERS, DateReadings, Order, local_day, local_days
from xlsync.billing.reports.numbers import MARKS, Mark, NumberReadings, proven_mark
from xlsync.billing.reports.proof import agrees
from xlsync.billing.reports.raw_values import NUMBERS, RawValues
from xlsync.billing.reports.tables import Table
from xlsync.billing.reports.values import ReportColumn, Wrong, read_column
from xlsync.models import Month

_PERIOD: Final = ("start", "end", "period")


class Day(Struct, frozen=True):
    """A day, and whether the report tells no later time of it than midnight."""

    date: dt.date
    is_midnight: bool = True


class TableValues(Struct, frozen=True):
    """A table's values row by row; a cell that cannot be read is `Wrong`."""

    table: Table
    texts: Mapping[str, Sequence[str | Wrong | None]]
    numbers: Mapping[str, Sequence[Decimal | Wrong | None]]
    dates: Mapping[str, Sequence[Day | Wrong | None]]
    periods: Sequence[tuple[Day, Day] | Wrong | None] = field(default_factory=tuple)
    range_of: str = ""


# --- numbers


def find_marks(tables: Sequence[RawValues]) -> dict[str, Mark | None]:
    """Find each meaning's decimal mark: what its column shows, else the file, else units × cost = amount."""
    shown = {
        meaning: set().union(
            *(proven_mark(t.numbers[meaning].values) for t in tables if meaning in t.numbers)
        )
        for meaning in NUMBERS
    }
    everywhere: set[Mark] = set().union(*shown.values())
    proven = _only(everywhere) or (None if everywhere else _mark_by_proof(tables))
    return {meaning: _only(marks) if marks else proven for meaning, marks in shown.items()}


def _mark_by_proof(tables: Sequence[RawValues]) -> Mark | None:
    """Return the one mark with which units × cost is the amount on all rows that tell."""
    held = dict.fromkeys(MARKS, 0)
    broken = dict.fromkeys(MARKS, 0)
    for table in tables:
        if not {"units", "cost", "amount"} <= set(table.numbers):
            continue
        columns = (table.numbers[name].cells for name in ("units", "cost", "amount"))
        for cells in zip(*columns, strict=True):
            readings = [cell for cell in cells if isinstance(cell, NumberReadings)]
            if len(readings) < 3 or all(cell.is_clear for cell in readings):
                continue
            for mark in MARKS:
                units, cost, amount = (cell.by(mark) for cell in readings)
                if units is None or cost is None or amount is None or not amount:
                    continue
                held[mark] += agrees(units, cost, amount)
                broken[mark] += not agrees(units, cost, amount)
    fitting = [mark for mark in MARKS if held[mark] and not broken[mark]]
    return fitting[0] if len(fitting) == 1 else None


def _only(values: Iterable[Any]) -> Any:
    several = set(values)
    return next(iter(several)) if len(several) == 1 else None


def _decided_number(cell: NumberReadings | Wrong | None, mark: Mark | None) -> Decimal | Wrong | None:
    if cell is None or isinstance(cell, Wrong):
        return cell
    if cell.is_clear:
        return cell.point if cell.point is not None else cell.comma
    if mark is None:
        what = "may have thousands or three decimals, and nothing in the file tells which"
        return Wrong(what, quotes_cell=True)
    return cell.by(mark)


# --- dates


def find_orders(tables: Sequence[RawValues], month: Month, setting: Order | None) -> dict[str, Order | None]:
    """Find for each meaning whether its dates have the day or the month first.

    Its column shows it, else the file, else the one reading that touches the month, else the setting.
    """
    shown: dict[str, set[Order]] = {}
    for table in tables:
        for meaning, readings in _all_dates(table):
            shown.setdefault(meaning, set()).update(
                reading.proves for reading in readings if reading.proves is not None
            )
    everywhere: set[Order] = set().union(*shown.values())
    if everywhere:
        otherwise = _only(everywhere)
    else:
        touching = [order for order in ORDERS if any(_touches(table, order, month) for table in tables)]
        otherwise = touching[0] if len(touching) == 1 else None
    of_period: set[Order] = set().union(*(shown.get(meaning, set()) for meaning in _PERIOD))
    for meaning in _PERIOD:  # both ends of a period are written alike
        if shown.get(meaning):
            shown[meaning] = of_period
    return {meaning: (_only(orders) if orders else otherwise) or setting for meaning, orders in shown.items()}


def _all_dates(table: RawValues) -> Iterator[tuple[str, list[DateReadings]]]:
    for meaning, column in table.dates.items():
        yield meaning, column.values
    if table.ranges is not None:
        yield "period", [reading for pair in table.ranges.values for reading in pair]


def _touches(table: RawValues, order: Order, month: Month) -> bool:
    """Return whether some row's period or invoice, read in this order, has a day of the month."""
    if all(reading.is_clear for _, readings in _all_dates(table) for reading in readings):
        return False  # such dates have one reading
    empty: Sequence[None] = [None] * len(table.table.rows)
    starts = table.dates["start"].cells if "start" in table.dates else empty
    ends = table.dates["end"].cells if "end" in table.dates else starts
    pairs: Iterable[Any] = zip(starts, ends, strict=True)
    if table.ranges is not None:
        pairs = [*pairs, *table.ranges.values]
    if "invoice_date" in table.dates:
        pairs = [*pairs, *((reading, reading) for reading in table.dates["invoice_date"].values)]
    for start, end in pairs:
        days = [
            day
            for reading in (start, end)
            if isinstance(reading, DateReadings)
            and not reading.is_clear
            and (day := reading.by(order)) is not None
        ]
        known = [
            reading.day_first or reading.month_first
            for reading in (start, end)
            if isinstance(reading, DateReadings) and reading.is_clear
        ]
        whole = [*days, *(day for day in known if day is not None)]
        if days and min(whole) <= month.last and max(whole) >= month.first:
            return True
    return False


def _days(column: ReportColumn[DateReadings], order: Order | None) -> list[Day | Wrong | None]:
    """Return the days of a column, once its order is known."""
    readings = column.values
    turn = local_days(readings)
    is_mixed = len({reading.is_true for reading in readings}) > 1

    def read(cell: DateReadings | Wrong | None) -> Day | Wrong | None:
        if cell is None or isinstance(cell, Wrong):
            return cell
        if is_mixed:
            kind = "a true date" if cell.is_true else "a text"
            what = f"is {kind} in a column of true dates and texts: a spreadsheet program has likely swapped "
            return Wrong(f"{what}days and months", quotes_cell=True)
        return _day(cell, order, turn)

    return column.map(read)


def _day(cell: DateReadings, order: Order | None, turn: int | None) -> Day | Wrong:
    if cell.is_clear:
        day = cell.day_first or cell.month_first
    elif order is None:
        what = "may have the day or the month first, and nothing in the file tells which"
        return Wrong(what, quotes_cell=True, asks_for_order=True)
    else:
        day = cell.by(order)
    if day is None:
        return Wrong("is not a date", quotes_cell=True)
    return Day(*local_day(day, cell, turn))


# --- all of it


def read_values(
    raw: RawValues, marks: Mapping[str, Mark | None], orders: Mapping[str, Order | None]
) -> TableValues:
    """Return the values of a table, once the file has told its marks and orders."""
    numbers = {
        meaning: column.map(partial(_decided_number, mark=marks.get(meaning)))
        for meaning, column in raw.numbers.items()
    }
    dates = {
        meaning: _days(column, orders.get(meaning))
        for meaning, column in raw.dates.items()
        if meaning != "invoice_date" or column.different != [None]
    }
    _refuse_mixed_periods(raw, dates)
    periods = _periods(raw.ranges, orders.get("period")) if raw.ranges is not None else ()
    texts = {meaning: column.cells for meaning, column in raw.texts.items()}
    return TableValues(raw.table, texts, numbers, dates, periods, raw.range_of)


def _periods(
    ranges: ReportColumn[tuple[DateReadings, DateReadings]], order: Order | None
) -> list[tuple[Day, Day] | Wrong | None]:
    """Return the first and last day of each period that one cell writes."""
    firsts, lasts = (_days(read_column(ranges.cells, partial(_end_of, end=end)), order) for end in (0, 1))
    return [
        next((reading for reading in pair if isinstance(reading, Wrong)), None)
        or ((pair[0], pair[1]) if isinstance(pair[0], Day) and isinstance(pair[1], Day) else None)
        for pair in zip(firsts, lasts, strict=True)
    ]


def _end_of(pair: tuple[DateReadings, DateReadings] | Wrong | None, end: int) -> DateReadings | Wrong | None:
    return pair[end] if isinstance(pair, tuple) else pair


def _refuse_mixed_periods(raw: RawValues, dates: dict[str, list[Day | Wrong | None]]) -> None:
    """Refuse a period with ends written in two ways: a program has swapped some days and months."""
    if not {"start", "end"} <= set(raw.dates):
        return
    columns = raw.dates["start"], raw.dates["end"]
    readings = [value for column in columns for value in column.values]
    if len({one.is_true for one in readings}) < 2 and len({one.proves for one in readings} - {None}) < 2:
        return
    for n, (start, end) in enumerate(zip(columns[0].cells, columns[1].cells, strict=True)):
        if isinstance(start, DateReadings) and isinstance(end, DateReadings):
            dates["start"][n] = _mixed_ends(start, end) or dates["start"][n]


def _mixed_ends(start: DateReadings, end: DateReadings) -> Wrong | None:
    """Say what is wrong where one end is a true date and one a text, or has day and month swapped."""
    if start.is_true != end.is_true:
        true, text = ("start", "end") if start.is_true else ("end", "start")
        return Wrong(
            f"the {true} of the period is a true date and its {text} a text: a spreadsheet program "
            "has likely swapped days and months"
        )
    if start.proves and end.proves and start.proves != end.proves:
        return Wrong(f"the start of the period is written {start.proves} and its end {end.proves}")
    return None
