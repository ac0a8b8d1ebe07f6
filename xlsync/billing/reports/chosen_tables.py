"""Choice of the tables of a file to read, and checks of their columns. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from xlsync.billing.reports.columns import Aliases, find_columns
from xlsync.billing.reports.dates import read_date, read_month, read_range
from xlsync.billing.reports.kinds import KindWords
from xlsync.billing.reports.layouts import MEANINGS, NEEDED, SETTING
from xlsync.billing.reports.numbers import NumberReadings
from xlsync.billing.reports.opening import ReportFile
from xlsync.billing.reports.problems import Problems, quoted
from xlsync.billing.reports.rows import is_total
from xlsync.billing.reports.table_values import holds_ranges
from xlsync.billing.reports.tables import Table, find_tables
from xlsync.billing.reports.text import plain_text
from xlsync.billing.reports.values import Wrong, number_cell
from xlsync.errors import ReportError

_HEADER_WITHIN: Final = 60
_MOST_WORDS: Final = 400
_WORDS: Final = KindWords({})
_KINDS: Final = frozenset({"type", "invoice_type", "mode", "debit", "credit"})
_DAYS: Final = frozenset({"start", "end", "period"})
_SIGNS: Final = frozenset(["c", "d", "cr", "dr", "s", "h", "k", "+", "-"])
_SIDES: Final = frozenset(["c", "cr", "dr", "h", "+", "-"])
_MONEY: Final = ("amount", "cost", "debit", "credit")


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


def written_money(table: Table) -> Decimal | None:
    """Return the sum of a table's amounts without those of its totals; None where a figure is not clear."""
    if "amount" not in table.columns.at:
        return None
    total = Decimal(0)
    for _, row in table.rows:
        at = table.columns.at["amount"]
        figure = number_cell(row[at]) if at < len(row) and not any(map(is_total, row)) else None
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
            unread = tuple(column for column in columns.unread if column != n)
            return replace(
                table,
                columns=replace(
                    columns,
                    at={**columns.at, "period": n},
                    unread=unread,
                    suspicious=tuple(column for column in columns.suspicious if column != n),
                ),
            )
    return table


@dataclass(frozen=True, slots=True)
class _Header:
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
            for n, row in enumerate(sheet.rows[:_HEADER_WITHIN]):
                names = tuple(map(plain_text, row))
                there = (
                    frozenset(NEEDED) & set(find_columns(names, aliases).at) if any(names) else frozenset()
                )
                one = _Header(names, there, sheet.rows[n + 1 : n + 50])
                best = max(best, one, key=lambda header: header.rank)
    missing = [meaning for meaning in NEEDED if meaning not in best.there]
    headers = ", ".join(f"“{name[:40]}”" for name in best.names[:30] if name) or "nothing"
    unread = find_columns(best.names, aliases).unread
    lines = "\n  ".join(_line_for(meaning, best, unread) for meaning in missing)
    hidden = (
        f" Its hidden sheets are not read: {', '.join(file.hidden_sheets)}." if file.hidden_sheets else ""
    )
    raise ReportError(
        f"{file.name} has no column for: {', '.join(SETTING[name] for name in missing)}. "
        f"Found: {headers}.{hidden}",
        f"Name the report's own headers in xlsync.toml:\n  [report.headers]\n  {lines}",
    )


def refuse_without_money(name: str, table: Table) -> None:
    """Raise ReportError for a table without an amount and without a cost per unit, naming a setting."""
    columns = table.columns
    if not columns.at.keys().isdisjoint(_MONEY):
        return
    rows = [row for _, row in table.rows[:50]]
    fitting = [table.header[n] for n in columns.unread if _holds_numbers(rows, n)]
    choice = f"  # in place of the dots one of: {', '.join(fitting[:12])}" if fitting else ""
    headers = ", ".join(f"“{header[:40]}”" for header in table.header[:30] if header)
    raise ReportError(
        f"{name} has no column for: Amount or Unit Price. Found: {headers}.",
        "Name the report's own headers in xlsync.toml, one of them or both:\n  [report.headers]\n"
        f'  "Amount" = ["…"]{choice}\n  "Unit Price" = ["…"]{choice}',
    )


def _line_for(meaning: str, header: _Header, unread: Sequence[int]) -> str:
    """Return the line of settings for a missing meaning: with the only header that it can be, or with all."""
    wants_numbers = meaning == "units"
    fitting = [header.names[n] for n in unread if _holds_numbers(header.rows, n) is wants_numbers]
    if len(fitting) == 1:
        return f"{quoted(SETTING[meaning])} = [{quoted(fitting[0])}]"
    choice = f"  # in place of the dots one of: {', '.join(fitting[:12])}" if fitting else ""
    return f'{quoted(SETTING[meaning])} = ["…"]{choice}'


def _holds_numbers(rows: Sequence[Sequence[Any]], column: int) -> bool | None:
    """Return whether a column holds numbers (False: texts); None where it is empty."""
    cells = [row[column] for row in rows if column < len(row) and plain_text(row[column])]
    if not cells:
        return None
    return all(isinstance(number_cell(cell), NumberReadings) for cell in cells)


def refuse_columns(table: Table, problems: Problems) -> None:
    """Add problems of columns: different values of one meaning, unread columns that matter, long rows."""
    columns, where = table.columns, table.sheet.name
    for meaning, places in columns.rivals.items():
        first = columns.at[meaning]
        own = _spelled(table, first)
        for other in places:
            if _spelled(table, other) != own:
                names = table.header[first], table.header[other]
                message = (
                    f"“{names[0]}” stands twice" if names[0] == names[1] else f"“{names[0]}” and “{names[1]}”"
                )
                problems.add(
                    where,
                    table.header_row,
                    f": {message} with different values, and both mean {MEANINGS.get(meaning, meaning)}",
                )
                if names[0] != names[1]:
                    problems.ignore[names[1]] = None
    suspicious = [*columns.suspicious, *(n for n in columns.strange if _tells_kind_or_day(table, n))]
    read = {tuple(_spelled(table, n)) for n in columns.at.values()} if suspicious else set()
    for n in suspicious:
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
        if len(row) > width and any(plain_text(cell) for cell in row[width:]):
            problems.add(
                where, number, ": is longer than the header; a decimal comma may lack its quotation marks"
            )


def _tells_kind_or_day(table: Table, column: int) -> bool:
    """Return whether cells that nothing reads are words for credits, or days, which no other column tells."""
    there = table.columns.at
    if not (_KINDS.isdisjoint(there) or _DAYS.isdisjoint(there)):
        return False
    texts = {text for text in _spelled(table, column) if text}
    if not texts or len(texts) > _MOST_WORDS:
        return False
    if _KINDS.isdisjoint(there):
        kinds = [_WORDS.find(text) for text in texts]
        if all(kinds) and any(kind is not None and kind.is_credit for kind in kinds):
            return True
        if _SIGNS.issuperset(folded := set(map(str.casefold, texts))) and not _SIDES.isdisjoint(folded):
            return True
    return _DAYS.isdisjoint(there) and all(map(_is_day, texts))


def _is_day(text: str) -> bool:
    """Return whether a text is a day or a period of days."""
    if text.isdecimal() and read_month(text) is None:
        return False
    try:
        return read_range(text) is not None or read_date(text) is not None
    except (ValueError, OverflowError):
        return False


def _spelled(table: Table, column: int) -> list[str]:
    return [plain_text(row[column]) if column < len(row) else "" for _, row in table.rows]
