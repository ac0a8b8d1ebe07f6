"""Tables in sheets: header rows, of one row or two, and the rows under them. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct, field

from xlsync.billing.reports.columns import Aliases, Columns, find_columns
from xlsync.billing.reports.text import header_key, plain_text
from xlsync.billing.reports.workbook_cells import ReportSheet

HEADER_WITHIN: Final = 60  # rows; titles may stand above the header


class Table(Struct, frozen=True):
    """A header and the rows under it, each with the number that Excel gives it."""

    sheet: ReportSheet
    header: tuple[str, ...]
    columns: Columns
    header_row: int
    rows: list[tuple[int, Sequence[Any]]] = field(default_factory=list)
    repeated_headers: list[int] = field(default_factory=list)

    @property
    def width(self) -> int:
        """The number of columns of the header."""
        return max((n for n, name in enumerate(self.header, start=1) if name), default=0)

    @property
    def meanings(self) -> frozenset[str]:
        """The meanings of the table's columns."""
        return frozenset(self.columns.at)

    def name_of(self, column: int) -> str:
        """Return the header of a column, or its number where it has none."""
        return self.header[column] or f"column {column + 1} without a header"

    def texts(self, column: int) -> list[str]:
        """Return the text of each row's cell in a column; empty where a row is shorter."""
        return [plain_text(row[column]) if column < len(row) else "" for _, row in self.rows]

    def titles(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows of texts above the header, the nearest first; a row of three texts is no title."""
        for number in range(self.header_row - 1, 0, -1):
            texts = [text for cell in self.sheet.rows[number - 1] if (text := plain_text(cell))]
            if len(texts) > 2:
                return
            yield number, texts

    def header_of(self, meaning: str) -> str:
        """Return the header of a meaning's column, as the report writes it."""
        return self.header[self.columns.at[meaning]]


def find_tables(sheet: ReportSheet, aliases: Aliases) -> list[Table]:
    """Return the tables of a sheet: each fitting header begins one, its own header repeated does not."""
    tables: list[Table] = []
    skip = 0
    for at, row in enumerate(sheet.rows):
        if at < skip:
            continue
        current = tables[-1] if tables else None
        if (current is None and at < HEADER_WITHIN) or (current is not None and _may_be_header(current, row)):
            header_here = _header_at(sheet, at, aliases)
            if header_here is not None:
                header, columns, rows_taken = header_here
                skip = at + rows_taken
                if current is not None and _keys(header) == _keys(current.header):
                    current.repeated_headers.append(at + 1)
                else:
                    tables.append(Table(sheet, header, columns, at + 1))
                continue
        if current is not None:
            current.rows.append((at + 1, row))
    return tables


def _may_be_header(table: Table, row: Sequence[Any]) -> bool:
    """Return whether a row can be a header: it has three texts and no figure where units stand."""
    at = table.columns.at["units"]
    units = row[at] if at < len(row) else None
    if isinstance(units, (int, float)) or (isinstance(units, str) and any(map(str.isdigit, units))):
        return False
    return _is_all_text(row, least=3)


def _keys(header: Sequence[str]) -> tuple[str, ...]:
    return tuple(filter(None, map(header_key, header)))


def _header_at(sheet: ReportSheet, at: int, aliases: Aliases) -> tuple[tuple[str, ...], Columns, int] | None:
    """Return the header that begins in a row, with how many rows it takes; None where none fits there."""
    single = tuple(map(plain_text, sheet.rows[at]))
    columns = find_columns(single, aliases)
    best = (single, columns, 1) if columns.fits else None
    if at + 1 < len(sheet.rows) and _is_all_text(sheet.rows[at + 1]) and _is_all_text(sheet.rows[at]):
        below = tuple(map(plain_text, sheet.rows[at + 1]))
        double = _two_rows(sheet, at, single, below, aliases)
        doubled = find_columns(double, aliases)
        alone = find_columns(below, aliases)
        most = max(len(columns.at) if best else 0, len(alone.at))
        if doubled.fits and len(doubled.at) > most:
            return double, doubled, 2
    return best


def _is_all_text(row: Sequence[Any], least: int = 1) -> bool:
    """Return whether a row has so many cells, each a text that begins with no digit."""
    cells = [value for value in row if value is not None and value != ""]
    return len(cells) >= least and all(isinstance(value, str) and not value[:1].isdigit() for value in cells)


def _two_rows(
    sheet: ReportSheet, at: int, above: Sequence[str], below: Sequence[str], aliases: Aliases
) -> tuple[str, ...]:
    """Return the header of two rows: what stands above holds for the columns that it is merged over."""
    names: list[str] = []
    parent = ""
    merged = {
        column: first
        for row1, first, row2, last in sheet.merged
        if row1 <= at + 1 <= row2
        for column in range(first, last + 1)
    }
    for n in range(max(len(above), len(below))):
        top = above[n] if n < len(above) else ""
        low = below[n] if n < len(below) else ""
        if top:
            parent = top
        elif merged and n + 1 not in merged:
            parent = ""
        both = f"{parent} {low}" if low and parent else low or top
        known = [name for name in (low, both) if name and find_columns((name,), aliases).at]
        names.append(known[0] if known else both)
    return tuple(names)


def merged_values(table: Table) -> dict[tuple[int, int], Any]:
    """Return the values of cells that merged ranges cover in known columns, by row and column (from 0)."""
    wanted = set(table.columns.at.values())
    values: dict[tuple[int, int], Any] = {}
    for row1, column, row2, _ in table.sheet.merged:
        if column - 1 not in wanted or row2 == row1 or row1 <= table.header_row:
            continue
        first = table.sheet.rows[row1 - 1] if row1 <= len(table.sheet.rows) else ()
        value = first[column - 1] if column <= len(first) else None
        for row in range(row1 + 1, row2 + 1):
            values[row, column - 1] = value
    return values
