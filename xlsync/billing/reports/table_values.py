"""A table's cells as values, by the evidence of the whole file: decimal marks, the order of dates. PURE."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from msgspec import Struct, field

from xlsync.billing.reports.dates import (
    ORDERS,
    DateReadings,
    Order,
    local_day,
    local_days,
    read_range,
)
from xlsync.billing.reports.kinds import KindWords
from xlsync.billing.reports.layouts import BILLING_CYCLES, BILLING_PERIODS
from xlsync.billing.reports.numbers import MARKS, Mark, NumberReadings, proven_mark
from xlsync.billing.reports.problems import rows_text
from xlsync.billing.reports.proof import agrees
from xlsync.billing.reports.tables import Table, merged_values
from xlsync.billing.reports.terms import (
    months_in_words,
    parse_term_and_cycle,
    tells_term_and_cycle,
    term_and_billing,
)
from xlsync.billing.reports.text import fold, header_key
from xlsync.billing.reports.values import (
    ReportColumn,
    Wrong,
    contract_cell,
    date_cell,
    find_rounded,
    from_1904,
    id_cell,
    name_cell,
    number_cell,
    percent_cell,
    read_column,
    text_cell,
    unguarded,
)
from xlsync.billing.reports.workbook_cells import NO_VALUE
from xlsync.models import LineType, Month

NUMBERS: Final = (
    "units",
    "cost",
    "amount",
    "debit",
    "credit",
    "duration",
    "discount",
    "tax",
    "exchange_rate",
)
DATES: Final = ("start", "end", "invoice_date")
IDS: Final = ("contract", "customer_id", "product_code", "sku")
_TEXT_READERS: Final = {
    "customer": name_cell,
    "product": name_cell,
    **dict.fromkeys(IDS, id_cell),
    "contract": contract_cell,
}
_PERIOD: Final = ("start", "end", "period")
_RANGES: Final = ("period", "plan", "cycle")
_TERMS: Final = ("plan", "cycle")
_MONTHS: Final = re.compile(r"month|monat|mois|maand|\bmes|μην")
_DATED: Final = re.compile(r"\b(?:19|20)\d\d|\d[./]\d{1,2}[./]\d")
_PERCENTS: Final = ("discount", "tax")
_ADDED_UP: Final = ("units", "amount", "debit", "credit")


class Day(Struct, frozen=True):
    """A day, and whether the report tells no later time of it than midnight."""

    date: dt.date
    is_midnight: bool = True


class RawValues(Struct, frozen=True):
    """A table's columns by meaning, each cell with every reading that it allows."""

    table: Table
    texts: Mapping[str, ReportColumn[str]]
    numbers: Mapping[str, ReportColumn[NumberReadings]]
    dates: Mapping[str, ReportColumn[DateReadings]]
    ranges: ReportColumn[tuple[DateReadings, DateReadings]] | None = None
    range_of: str = ""  # the meaning whose column holds the ranges
    notices: tuple[str, ...] = ()


class TableValues(Struct, frozen=True):
    """A table's values row by row; a cell that cannot be read is `Wrong`."""

    table: Table
    texts: Mapping[str, Sequence[str | Wrong | None]]
    numbers: Mapping[str, Sequence[Decimal | Wrong | None]]
    dates: Mapping[str, Sequence[Day | Wrong | None]]
    periods: Sequence[tuple[Day, Day] | Wrong | None] = field(default_factory=tuple)
    range_of: str = ""


def read_raw(table: Table) -> RawValues:
    """Return all columns of a table that mean something."""
    merged = merged_values(table)
    texts: dict[str, ReportColumn[str]] = {}
    numbers: dict[str, ReportColumn[NumberReadings]] = {}
    dates: dict[str, ReportColumn[DateReadings]] = {}
    notices: list[str] = []
    for meaning, column in table.columns.at.items():
        raw = raw_cells(table, column, merged, is_added_up=meaning in _ADDED_UP)
        if table.sheet.counts_from_1904 and meaning in DATES:
            raw = [from_1904(cell) for cell in raw]
        if (other := table.columns.instead.get(meaning)) is not None:
            notices.extend(_fill(raw, table, meaning, other))
        if meaning in NUMBERS:
            numbers[meaning] = read_column(raw, percent_cell if meaning in _PERCENTS else number_cell)
        elif meaning in DATES:
            dates[meaning] = read_column(raw, date_cell)
        else:
            texts[meaning] = read_column(raw, _TEXT_READERS.get(meaning, text_cell))
            if meaning in IDS and table.sheet.is_text:
                texts[meaning] = _without_rounded(texts[meaning])
    ranges, range_of = _find_ranges(texts)
    for meaning in _TERMS:
        if meaning in texts:
            header = table.header_of(meaning)
            if meaning != range_of:
                counts_months = _MONTHS.search(fold(header)) is not None
                term_cell = partial(_term_cell, counts_months=counts_months)
                texts[meaning] = read_column(texts[meaning].cells, term_cell)
            notices.extend(_unknown_terms(texts[meaning], table, header, _is_known_term))
    if (both := texts.get("term_and_cycle")) is not None:
        notices.extend(_unknown_terms(both, table, table.header_of("term_and_cycle"), _is_known_pair))
    return RawValues(table, texts, numbers, dates, ranges, range_of, tuple(notices))


def _fill(raw: list[Any], table: Table, meaning: str, other: int) -> Iterator[str]:
    """Take the cells of another column where those of a meaning are empty, and tell in which rows."""
    filled = []
    for at, (number, row) in enumerate(table.rows):
        value = row[other] if other < len(row) else None
        if raw[at] in (None, "") and value not in (None, ""):
            raw[at] = value
            filled.append(number)
    if filled:
        first = table.header_of(meaning)
        yield f"{first} is empty in {rows_text(filled)}, where {table.header[other]} is read instead"


def raw_cells(
    table: Table, column: int, merged: Mapping[tuple[int, int], Any], *, is_added_up: bool = False
) -> list[Any]:
    """Return the cells of one column; errors of formulas, and figures merged over several rows, are wrong."""
    bad = {row: what for (row, at), what in table.sheet.bad_cells.items() if at == column + 1}
    over = {row: value for (row, at), value in merged.items() if at == column}
    cells = [row[column] if column < len(row) else None for _, row in table.rows]
    if bad or over:
        for n, (number, _) in enumerate(table.rows):
            if number in bad:
                cells[n] = Wrong(_tell_bad(bad[number]))
            elif number in over and over[number] not in (None, ""):
                cells[n] = (
                    Wrong("is merged over several rows, which would count it twice")
                    if is_added_up
                    else over[number]
                )
    return cells


def _tell_bad(what: str) -> str:
    if what == NO_VALUE:
        return "holds a formula without a value: open the file in Excel and save it"
    return f"“{what}” is an error of a formula"


def _without_rounded(column: ReportColumn[str]) -> ReportColumn[str]:
    rounded = find_rounded(column.values)
    if not rounded:
        return column
    return read_column(
        column.cells,
        lambda cell: (
            Wrong(
                f"“{cell}” is a number whose last digits a spreadsheet has made zeros: export the report "
                "anew with this column as text"
            )
            if cell in rounded
            else cell
        ),
    )


def _find_ranges(
    texts: Mapping[str, ReportColumn[str]],
) -> tuple[ReportColumn[tuple[DateReadings, DateReadings]] | None, str]:
    """Return the column that holds charged periods, each a range of days in one cell."""
    for meaning in _RANGES:
        if meaning in texts and _holds_ranges(texts[meaning], at_all=meaning == "period"):
            return read_column(texts[meaning].cells, _range_cell), meaning
    return None, ""


def _holds_ranges(column: ReportColumn[str], *, at_all: bool) -> bool:
    different = set(column.values)
    ranges = sum(read_range(text) is not None for text in different)
    return ranges > 0 or (at_all and bool(different))


def holds_ranges(table: Table, column: int) -> bool:
    """Return whether a column that is not read holds periods of days."""
    if header_key(table.header[column]) not in BILLING_PERIODS | BILLING_CYCLES:
        return False
    texts: ReportColumn[str] = read_column(raw_cells(table, column, {}), text_cell)
    return _holds_ranges(texts, at_all=False)


def _range_cell(text: Any) -> tuple[DateReadings, DateReadings] | Wrong | None:
    if text is None or isinstance(text, Wrong):
        return text
    days = read_range(text)
    if days is not None:
        return days
    if months_in_words(text) is not None:
        return None  # how often is billed
    return Wrong(f"“{text[:40]}” is no period of days")


def _term_cell(text: str | Wrong | None, *, counts_months: bool) -> str | Wrong | None:
    """Return a cell of a column that tells how often is billed; one with a date that is no range is wrong."""
    if not isinstance(text, str) or months_in_words(text) is not None:
        return text
    if _DATED.search(text):
        return Wrong(f"“{text[:40]}” is neither a number of months nor a period of days")
    return f"{text} months" if counts_months and text.isdecimal() else text


def _is_known_term(text: str) -> bool:
    return (
        months_in_words(text) is not None or term_and_billing(text) is not None or tells_term_and_cycle(text)
    )


def _is_known_pair(text: str) -> bool:
    return months_in_words(parse_term_and_cycle(text)[0]) is not None


def _unknown_terms(
    column: ReportColumn[str], table: Table, header: str, is_known: Callable[[str], bool]
) -> Iterator[str]:
    """Tell of periods that are no known number of months, unless they say that nothing recurs."""
    words = KindWords({})
    for text in column.values:
        kind = words.find(text)
        is_once = kind is not None and kind.charge in (LineType.USAGE, LineType.ONE_TIME)
        if not is_known(text) and not is_once and read_range(text) is None:
            rows = (
                number for cell, (number, _) in zip(column.cells, table.rows, strict=True) if cell == text
            )
            yield f"“{text[:40]}” under {header} is no number of months that is known ({rows_text(rows)})"


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
        return Wrong("may have thousands or three decimals, and nothing in the file tells which")
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
            return Wrong(
                f"is {kind} in a column of true dates and texts: a spreadsheet program has likely swapped "
                "days and months"
            )
        return _day(cell, order, turn)

    return column.map(read)


def _day(cell: DateReadings, order: Order | None, turn: int | None) -> Day | Wrong:
    if cell.is_clear:
        day = cell.day_first or cell.month_first
    elif order is None:
        return Wrong("may have the day or the month first, and nothing in the file tells which")
    else:
        day = cell.by(order)
    if day is None:
        return Wrong("is not a date")
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


def raw_text(row: Sequence[Any], column: int) -> str:
    """Return a cell as it is quoted to people."""
    value = unguarded(row[column]) if column < len(row) else ""
    return " ".join(str(value).split())[:40] if value is not None else ""
