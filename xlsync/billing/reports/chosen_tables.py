"""Which tables of a file are read, and whether their columns may be read as they stand. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from xlsync.billing.reports.columns import Aliases, find_columns
from xlsync.billing.reports.layouts import MEANINGS, NEEDED, SETTING
from xlsync.billing.reports.opening import ReportFile
from xlsync.billing.reports.problems import Problems, quoted
from xlsync.billing.reports.table_values import holds_ranges
from xlsync.billing.reports.tables import Table, find_tables
from xlsync.billing.reports.text import plain_text
from xlsync.errors import ReportError

_HEADER_WITHIN: Final = 60


def best_way(file: ReportFile, aliases: Aliases) -> tuple[int, list[Table]]:
    """The way of splitting the file into cells by which most columns are known, with its tables."""
    best: tuple[int, list[Table]] = (0, [])
    most = 0
    for n, sheets in enumerate(file.ways):
        tables = [table for sheet in sheets for table in find_tables(sheet, aliases)]
        known = max((len(table.columns.at) for table in tables), default=0)
        if known > most:
            best, most = (n, tables), known
    return best


def choose_tables(tables: Sequence[Table]) -> tuple[list[Table], list[Table]]:
    """The tables to read, those with the most known columns, and the others."""
    groups: dict[frozenset[str], list[Table]] = {}
    for table in tables:
        if table.rows:
            groups.setdefault(table.meanings, []).append(table)
    if not groups:
        return list(tables[:1]), list(tables[1:])
    largest = max(groups, key=len)
    return groups[largest], [table for table in tables if table.rows and table.meanings != largest]


def with_period(table: Table) -> Table:
    """The table with a column of charged periods that another column of its meaning hid."""
    columns = table.columns
    for n in columns.unread:
        if "period" not in columns.at and holds_ranges(table, n):
            unread = tuple(one for one in columns.unread if one != n)
            return replace(
                table,
                columns=replace(
                    columns,
                    at={**columns.at, "period": n},
                    unread=unread,
                    suspicious=tuple(one for one in columns.suspicious if one != n),
                ),
            )
    return table


def refuse_without_header(file: ReportFile, aliases: Aliases) -> None:
    """Raise ReportError for a file without a fitting header: what is missing, what it has, what to write."""
    best: tuple[int, int, tuple[str, ...]] = (0, 0, ())
    for sheets in file.ways:
        for sheet in sheets:
            for row in sheet.rows[:_HEADER_WITHIN]:
                header = tuple(map(plain_text, row))
                known = len(set(NEEDED) & set(find_columns(header, aliases).at)) if any(header) else 0
                best = max(best, (known, sum(map(bool, header)), header), key=lambda one: one[:2])
    header = best[2]
    there = find_columns(header, aliases).at if header else {}
    missing = [name for name in NEEDED if name not in there]
    found = ", ".join(f"“{name[:40]}”" for name in header[:30] if name) or "nothing"
    names = ", ".join(SETTING[name] for name in missing)
    lines = "\n  ".join(f'{quoted(SETTING[name])} = ["…"]' for name in missing)
    hidden = (
        f" Its hidden sheets are not read: {', '.join(file.hidden_sheets)}." if file.hidden_sheets else ""
    )
    raise ReportError(
        f"{file.name} has no column for: {names}. Found: {found}.{hidden}",
        f"Name the report's own headers in xlsync.toml, in place of the dots:\n  [report.headers]\n  {lines}",
    )


def refuse_columns(table: Table, problems: Problems) -> None:
    """Problems of columns: of one meaning with different values, unread ones that may not be, long rows."""
    columns, where = table.columns, table.sheet.name
    for meaning, places in columns.rivals.items():
        first = columns.at[meaning]
        own = _spelled(table, first)
        for other in places:
            if _spelled(table, other) != own:
                names = table.header[first], table.header[other]
                told = (
                    f"“{names[0]}” stands twice" if names[0] == names[1] else f"“{names[0]}” and “{names[1]}”"
                )
                problems.add(
                    where,
                    table.header_row,
                    f": {told} with different values, and both mean {MEANINGS.get(meaning, meaning)}",
                )
                if names[0] != names[1]:
                    problems.ignore[names[1]] = None
    read = {tuple(_spelled(table, n)) for n in columns.at.values()} if columns.suspicious else set()
    for n in columns.suspicious:
        values = _spelled(table, n)
        if any(values) and tuple(values) not in read:
            header = table.header[n]
            problems.add(
                where,
                table.header_row,
                f": the column “{header}” looks as if it told a kind, a sign or a date, and is not known",
            )
            problems.ignore[header] = None
    width = table.width
    for number, row in table.rows:
        if len(row) > width and any(plain_text(one) for one in row[width:]):
            problems.add(
                where, number, ": is longer than the header; a decimal comma may lack its quotation marks"
            )


def _spelled(table: Table, column: int) -> list[str]:
    return [plain_text(row[column]) if column < len(row) else "" for _, row in table.rows]
