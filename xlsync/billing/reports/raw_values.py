"""A table's columns by meaning, each cell with every reading that it allows. PURE."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct

from xlsync.billing.reports.dates import DateReadings, read_range
from xlsync.billing.reports.kinds import KindWords
from xlsync.billing.reports.meanings import BILLING_CYCLES, BILLING_PERIODS
from xlsync.billing.reports.numbers import NumberReadings
from xlsync.billing.reports.problems import rows_text
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
from xlsync.models import LineType

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
_RANGES: Final = ("period", "plan", "cycle")
_TERMS: Final = ("plan", "cycle")
_MONTHS: Final = re.compile(r"month|monat|mois|maand|\bmes|μην")
_DATED: Final = re.compile(r"\b(?:19|20)\d\d|\d[./]\d{1,2}[./]\d")
_PERCENTS: Final = ("discount", "tax")
_ADDED_UP: Final = ("units", "amount", "debit", "credit")


class RawValues(Struct, frozen=True):
    """A table's columns by meaning, each cell with every reading that it allows."""

    table: Table
    texts: Mapping[str, ReportColumn[str]]
    numbers: Mapping[str, ReportColumn[NumberReadings]]
    dates: Mapping[str, ReportColumn[DateReadings]]
    ranges: ReportColumn[tuple[DateReadings, DateReadings]] | None = None
    range_of: str = ""  # the meaning whose column holds the ranges
    notices: tuple[str, ...] = ()


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
    rows: dict[str, list[int]] = {}
    for text in column.values:
        kind = words.find(text)
        is_once = kind is not None and kind.charge in (LineType.USAGE, LineType.ONE_TIME)
        if not is_known(text) and not is_once and read_range(text) is None:
            rows[text] = []
    for cell, (number, _) in zip(column.cells, table.rows, strict=True) if rows else ():
        if isinstance(cell, str) and cell in rows:
            rows[cell].append(number)
    for text, numbers in rows.items():
        yield f"“{text[:40]}” under {header} is no number of months that is known ({rows_text(numbers)})"


def raw_text(row: Sequence[Any], column: int) -> str:
    """Return a cell as it is quoted to people."""
    value = unguarded(row[column]) if column < len(row) else ""
    return " ".join(str(value).split())[:40] if value is not None else ""
