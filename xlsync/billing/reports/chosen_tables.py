"""Choice of the tables of a file to read, and refusals of a file without a usable header. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from xlsync.billing.reports.columns import Aliases, find_columns
from xlsync.billing.reports.meanings import AMOUNTS, NEEDED, SETTING
from xlsync.billing.reports.numbers import NumberReadings
from xlsync.billing.reports.opening import ReportFile
from xlsync.billing.reports.problems import quoted
from xlsync.billing.reports.raw_values import holds_ranges
from xlsync.billing.reports.rows import is_tax, is_total
from xlsync.billing.reports.tables import HEADER_WITHIN, Table, find_tables
from xlsync.billing.reports.text import header_key, plain_text
from xlsync.billing.reports.values import Wrong, number_cell
from xlsync.billing.reports.workbook_cells import ReportSheet
from xlsync.errors import ReportError
from xlsync.records import replace

_MONEY: Final = (*AMOUNTS, "cost")


def best_way(file: ReportFile, aliases: Aliases) -> tuple[int, list[Table]]:
    """Return the way of splitting a file into cells that gives the most known columns, with its tables."""
    best: tuple[int, list[Table]] = (0, [])
    most = 0
    for n, sheets in enumerate(file.ways):
        tables = [table for sheet in sheets for table in find_tables(sheet, aliases)]
        known = max((len(table.columns.at) for table in tables), default=0)
        if known > most:
            best, most = (n, tables), known
    return best


def choose_tables(tables: Sequence[Table]) -> tuple[list[Table], list[Table]]:
    """Split tables into those to read, with the most known columns, and the others."""
    groups: dict[frozenset[str], list[Table]] = {}
    for table in tables:
        if table.rows:
            groups.setdefault(table.meanings, []).append(table)
    if not groups:
        return list(tables[:1]), list(tables[1:])
    largest = max(groups, key=len)
    return groups[largest], [table for table in tables if table.rows and table.meanings != largest]


def rows_without_table(
    sheets: Sequence[ReportSheet], tables: Sequence[Table], aliases: Aliases
) -> Iterator[Table]:
    """Yield the rows that no table holds: of a sheet without a fitting header, and above the first header.

    They stand under the most telling of them, one that names the customer or the product, and an amount.
    Without such a row all rows of a sheet count, and those above a header are titles.
    """
    first: dict[str, int] = {}
    for table in tables:
        first.setdefault(table.sheet.name, table.header_row)
    for sheet in sheets:
        above = sheet.rows[: first[sheet.name] - 1] if sheet.name in first else sheet.rows
        rows = [(n, row) for n, row in enumerate(above, start=1) if any(map(plain_text, row))]
        headers = [(n, tuple(map(plain_text, row))) for n, row in rows if n <= HEADER_WITHIN]
        candidates = [Table(sheet, header, find_columns(header, aliases), n) for n, header in headers]
        telling = filter(tells_charges, candidates)
        none = Table(sheet, (), find_columns((), aliases), 0)
        best = max(telling, key=lambda table: len(table.columns.at), default=none)
        block = replace(best, rows=[(n, row) for n, row in rows if n > best.header_row])
        if written_money(block) if sheet.name in first else rows:
            yield block


def tells_charges(table: Table) -> bool:
    """Return whether a header names amounts, and the customer or the product that they are charged for."""
    there = table.columns.at.keys()
    return not there.isdisjoint(AMOUNTS) and not there.isdisjoint(("customer", "product"))


def written_money(table: Table) -> Decimal | None:
    """Return the sum of a table's amounts without its totals and taxes; None where a figure is not clear."""
    if "amount" not in table.columns.at:
        return None
    total = Decimal(0)
    for _, row in table.rows:
        at = table.columns.at["amount"]
        is_no_line = any(map(is_total, row)) or any(map(is_tax, row))
        figure = number_cell(row[at]) if at < len(row) and not is_no_line else None
        if isinstance(figure, Wrong) or (figure is not None and not figure.is_clear):
            return None
        if figure is not None:
            total += figure.point if figure.point is not None else figure.comma or Decimal(0)
    return total


def with_period(table: Table) -> Table:
    """Use a table's column of charged periods, if another column of its meaning hid it."""
    columns = table.columns
    for n in columns.unread:
        if "period" not in columns.at and holds_ranges(table, n):
            return replace(table, columns=columns.reading("period", n))
    return table


class _Header(Struct, frozen=True):
    """A row that may be the header, with the needed meanings that it has and the rows under it."""

    names: tuple[str, ...]
    there: frozenset[str]
    rows: Sequence[Sequence[Any]]

    @property
    def rank(self) -> tuple[int, int]:
        """Rank a header: by the number of needed meanings, then by names."""
        return len(self.there), sum(map(bool, self.names))


def refuse_without_header(file: ReportFile, aliases: Aliases) -> None:
    """Raise ReportError for a file without a usable header, naming missing columns and a setting."""
    best = _Header((), frozenset(), ())
    for sheets in file.ways:
        for sheet in sheets:
            for n, row in enumerate(sheet.rows[:HEADER_WITHIN]):
                names = tuple(map(plain_text, row))
                there = (
                    frozenset(NEEDED) & set(find_columns(names, aliases).at) if any(names) else frozenset()
                )
                one = _Header(names, there, sheet.rows[n + 1 : n + 50])
                best = max(best, one, key=lambda header: header.rank)
    missing = [meaning for meaning in NEEDED if meaning not in best.there]
    unread = [
        n
        for n in find_columns(best.names, aliases).unread
        if header_key(best.names[n]) not in aliases.ignored
    ]
    lines = "\n  ".join(_line_for(meaning, best, unread) for meaning in missing)
    hidden = (
        f" Its hidden sheets are not read: {', '.join(file.hidden_sheets)}." if file.hidden_sheets else ""
    )
    ignored = [name for name in best.names if name and header_key(name) in aliases.ignored]
    left = f" The settings ignore: {', '.join(ignored)}." if ignored else ""
    raise ReportError(
        f"{file.name} has no column for: {', '.join(SETTING[name] for name in missing)}. "
        f"Found: {_tell_headers(best.names)}.{left}{hidden}",
        f"Name the report's own headers in xlsync.toml:\n  [report.headers]\n  {lines}",
    )


def refuse_without_money(name: str, table: Table) -> None:
    """Raise ReportError for a table without an amount and without a cost per unit, naming a setting."""
    columns = table.columns
    if not columns.at.keys().isdisjoint(_MONEY):
        return
    rows = [row for _, row in table.rows[:50]]
    fitting = [table.header[n] for n in columns.unread if _holds_numbers(rows, n)]
    choice = _tell_choice(fitting)
    raise ReportError(
        f"{name} has no column for: Amount or Unit Price. Found: {_tell_headers(table.header)}.",
        "Name the report's own headers in xlsync.toml, one of them or both:\n  [report.headers]\n"
        f'  "Amount" = ["…"]{choice}\n  "Unit Price" = ["…"]{choice}',
    )


def _line_for(meaning: str, header: _Header, unread: Sequence[int]) -> str:
    """Return the line of settings for a missing meaning: with the only header that it can be, or with all."""
    wants_numbers = meaning == "units"
    fitting = [header.names[n] for n in unread if _holds_numbers(header.rows, n) is wants_numbers]
    if len(fitting) == 1:
        return f"{quoted(SETTING[meaning])} = [{quoted(fitting[0])}]"
    return f'{quoted(SETTING[meaning])} = ["…"]{_tell_choice(fitting)}'


def _tell_choice(headers: Sequence[str]) -> str:
    """Write a comment that names the headers which a setting may mean; empty where there are none."""
    return f"  # in place of the dots one of: {', '.join(headers[:12])}" if headers else ""


def _tell_headers(names: Sequence[str]) -> str:
    return ", ".join(f"“{name[:40]}”" for name in names[:30] if name) or "nothing"


def _holds_numbers(rows: Sequence[Sequence[Any]], column: int) -> bool | None:
    """Return whether a column holds numbers (False: texts); None where it is empty."""
    cells = [row[column] for row in rows if column < len(row) and plain_text(row[column])]
    if not cells:
        return None
    return all(isinstance(number_cell(cell), NumberReadings) for cell in cells)
