"""Read a workbook: rows are found by key and columns by header, wherever a person moved them.

Computed cells are never read back: they are compared with the copy on the hidden sheet, so that an altered
cell is noticed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

from msgspec import Struct

from xlsync.errors import Problem, WorkbookError
from xlsync.gc_tuning import not_collected
from xlsync.models import MismatchKind, Month
from xlsync.printable import cut
from xlsync.workbook.hidden_sheet import About, StoredRow, is_same, read_hidden_sheet
from xlsync.workbook.layout import (
    LIST_COLUMNS,
    LISTS,
    MEMORY,
    START,
    TABLES,
    TO_APPROVE,
    Sheet,
)
from xlsync.xlsx.cells import Value, letters, position
from xlsync.xlsx.package import Package
from xlsync.xlsx.reading import value_at

# Bytes of the largest workbook whose sheets are read side by side: of a larger one less is held at once.
_SIDE_BY_SIDE: Final = 3_000_000
T = TypeVar("T")


class SheetRow(NamedTuple):
    """One row of a sheet as read: its cells by header, and the values it showed when it was written."""

    sheet: Sheet
    number: int  # 0-based
    key: str
    line: Sequence[Value]  # the cells from column A on
    columns: Mapping[str, int]
    formulas: frozenset[str]  # headers
    edited: frozenset[str]  # headers of cells whose value was changed
    stored: StoredRow
    is_untouched: bool  # every cell is exactly as written, to the last blank and digit

    def get(self, header: str) -> Value:
        """Return the value of a cell."""
        return self.line[self.columns[header]]

    def where(self, header: str) -> str:
        """Return the address of the row's cell under a header, such as `Mismatches!P14`."""
        return f"{self.sheet.title}!{letters(self.columns[header])}{self.number + 1}"

    def text(self, header: str) -> str:
        """Return a cell as text without outer blanks; an empty text for an empty cell."""
        value = self.get(header)
        return "" if value is None else str(value).strip()

    def is_edited(self, header: str) -> bool:
        """Return whether a person changed the cell since it was written."""
        return header in self.edited

    @property
    def facts(self) -> Mapping[str, Any]:
        """The hidden facts behind the row."""
        return self.stored.facts

    def fact(self, name: str, kind: type[T]) -> T:
        """Return one of the hidden facts behind the row as a record of its kind."""
        return self.stored.fact(name, kind)


class Book(Struct, frozen=True):
    """A workbook as read: its environment and month, its rows, and every problem of its structure."""

    path: Path
    package: Package
    about: About
    rows: Mapping[str, tuple[SheetRow, ...]]
    stored: Mapping[str, Mapping[str, StoredRow]]
    lists: Mapping[str, tuple[Value, ...]]
    columns: Mapping[str, Mapping[str, int]]
    header_rows: Mapping[str, int]  # 0-based, by title
    others: Mapping[str, tuple[int, ...]]  # rows by title that a person added
    problems: tuple[Problem, ...] = ()
    altered: tuple[Problem, ...] = ()

    @property
    def month(self) -> Month:
        """The month of the workbook."""
        return Month.parse(self.about.month)

    @property
    def to_approve(self) -> Iterator[SheetRow]:
        """The rows of xlsync's that a person can approve, and that have a *Result*."""
        return (row for sheet in TO_APPROVE for row in self.rows[sheet.title])

    @property
    def has_edits(self) -> bool:
        """Return whether a person or `apply` changed anything in the workbook."""
        edited = any(
            row.is_edited(column.header)
            for rows in self.rows.values()
            for row in rows
            if row.edited
            for column in row.sheet.columns
            if column.is_input or column.header == "Result"
        )
        complete = all(len(self.rows[title]) == len(self.stored.get(title, {})) for title in self.rows)
        return edited or not complete or any(self.others.values())


@not_collected()
def read_workbook(path: Path) -> Book:
    """Read a workbook of xlsync; raises WorkbookError where it cannot be used at all."""
    package = Package.open(path)
    missing = [title for title in (*(s.title for s in TABLES), LISTS, MEMORY) if title not in package.sheets]
    if MEMORY in missing:
        raise WorkbookError(
            f"{path.name} is not a workbook of xlsync.", "Make one with `xlsync export`, then open that."
        )
    if missing:
        known = {*(sheet.title for sheet in TABLES), START, LISTS, MEMORY}
        others = ", ".join(title for title in package.sheets if title not in known)
        raise WorkbookError(
            f"{path.name} lacks the sheet{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            (f"If it was renamed (there is {others}), give it back its name; else go" if others else "Go")
            + " back to its backup, or export the month again into another file.",
        )
    titles = [title for title in (*(s.title for s in TABLES), START) if title in package.sheets]
    texts: dict[str, str] = {}
    read_visible = partial(package.read_grids, titles, texts)
    is_small = path.stat().st_size <= _SIDE_BY_SIDE
    with ThreadPoolExecutor(1) as thread:  # calamine needs no lock of Python's for most of its work
        reading = thread.submit(read_visible) if is_small else None
        package.read_grids((LISTS, MEMORY))
        lists = _read_lists(package)
        hidden = read_hidden_sheet(package.grid(MEMORY), lists, path.name, texts)
        if reading is not None:
            reading.result()
    if reading is None:
        read_visible()
    sheets = {
        sheet.title: _read_sheet(package, sheet, hidden.rows.get(sheet.title, {}), path.name)
        for sheet in TABLES
    }
    return Book(
        path,
        package,
        hidden.about,
        rows={title: sheet.rows for title, sheet in sheets.items()},
        stored=hidden.rows,
        lists=lists,
        columns={title: sheet.columns for title, sheet in sheets.items()},
        header_rows={title: sheet.header_row for title, sheet in sheets.items()},
        others={title: sheet.others for title, sheet in sheets.items()},
        problems=tuple(problem for sheet in sheets.values() for problem in sheet.problems),
        altered=tuple(
            problem for sheet in sheets.values() for row in sheet.rows for problem in _find_altered(row)
        ),
    )


@dataclass(slots=True)
class _SheetRead:
    """A sheet as read: where its headers are, its rows, rows of a person's own, and problems."""

    header_row: int
    columns: Mapping[str, int]
    rows: tuple[SheetRow, ...] = ()
    others: tuple[int, ...] = ()
    problems: list[Problem] = field(default_factory=list)


def _read_sheet(package: Package, sheet: Sheet, stored: Mapping[str, StoredRow], name: str) -> _SheetRead:
    grid = package.grid(sheet.title)
    header_row, columns = _find_headers(grid, sheet, name)
    by_column = {column: header for header, column in columns.items()}
    formulas: dict[int, set[str]] = {}
    with_formula: set[int] = set()  # rows: a program that does not calculate leaves formulas without values
    for row, column in package.formulas(sheet.title):
        with_formula.add(row)
        if column in by_column:
            formulas.setdefault(row, set()).add(by_column[column])
    key_column = columns[sheet.columns[-1].header]
    untouched: dict[tuple[str, ...], _Untouched] = {}
    sheet_read = _SheetRead(header_row, columns)
    rows: list[SheetRow] = []
    others: list[int] = []
    for number, line in enumerate(grid[header_row + 1 :], header_row + 1):
        key = "" if line[key_column] is None else str(line[key_column])
        if key in stored:
            own, edited = stored[key], frozenset(formulas.get(number, ()))
            rows_like_it = untouched.get(own.headers)
            if rows_like_it is None:
                rows_like_it = untouched[own.headers] = _Untouched(own.headers, columns)
            in_row = edited
            is_same_row = rows_like_it.read(line, own.values)
            if not is_same_row:
                shown = own.shown
                edited = in_row.union(
                    header for header, place in columns.items() if not is_same(line[place], shown.get(header))
                )
            is_untouched = is_same_row and not in_row
            rows.append(SheetRow(sheet, number, key, line, columns, in_row, edited, own, is_untouched))
            continue
        if number in with_formula or any(value is not None for value in line):
            others.append(number)
        if key or ("Approve" in columns and _looks_approved(line[columns["Approve"]])):
            sheet_read.problems.append(
                Problem(
                    f"{sheet.title}!{letters(key_column)}{number + 1}",
                    f"{key!r} is not the key of a row that xlsync wrote" if key else "the row key is missing",
                    "clear the row, or undo the change of its key",
                )
            )
    sheet_read.problems += _find_copies(rows, f"{sheet.title}!{letters(key_column)}")
    sheet_read.rows, sheet_read.others = tuple(rows), tuple(others)
    return sheet_read


def _find_copies(rows: Sequence[SheetRow], key_column: str) -> Iterator[Problem]:
    """Find rows whose key stands in another row too; `key_column` is an address such as `Mismatches!W`."""
    places_of: dict[str, list[str]] = {}
    for row in rows:
        places_of.setdefault(row.key, []).append(str(row.number + 1))
    for _, places in sorted((key, places) for key, places in places_of.items() if len(places) > 1):
        yield Problem(
            f"{key_column}{places[1]}",
            f"the row stands twice (rows {' and '.join(places)})",
            "delete the copy: a row is approved once",
        )


class _Untouched:
    """A quick comparison of rows under certain headers with the values they were written with."""

    def __init__(self, headers: Sequence[str], columns: Mapping[str, int]) -> None:
        present = [columns[header] for header in headers if header in columns]
        self._own = itemgetter(*present) if len(present) == len(headers) > 1 else None
        self._others = [place for header, place in columns.items() if header not in headers]

    def read(self, line: Sequence[Value], values: tuple[Value, ...]) -> bool:
        """Return whether a row is surely as it was written; if False, each cell has to be compared."""
        return (
            self._own is not None
            and self._own(line) == values
            and bool not in map(type, line)  # True is equal to 1
            and all(line[place] is None for place in self._others)
        )


def _find_headers(grid: Sequence[Sequence[Value]], sheet: Sheet, name: str) -> tuple[int, dict[str, int]]:
    """Find the 0-based row of the headers, and the column of each."""
    best: dict[str, int] = {}
    needed = {column.header for column in sheet.columns if not column.may_be_missing}
    for number, line in enumerate(grid[:50]):
        columns: dict[str, int] = {}
        twice: list[tuple[str, int, int]] = []
        for column, value in enumerate(line):
            if isinstance(value, str) and value.strip() in sheet.headers:
                if value.strip() in columns:
                    twice.append((value.strip(), columns[value.strip()], column))
                columns.setdefault(value.strip(), column)
        if needed <= columns.keys():
            if twice:
                _refuse_twice(twice, sheet, name)
            return number, columns
        best = max(best, columns, key=len)
    missing = [header for header in sheet.headers if header in needed - best.keys()]
    seen = [str(value) for value in (grid[0] if grid else ()) if value is not None]
    raise WorkbookError(
        f"{name}, sheet {sheet.title}: the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} "
        f"{'are' if len(missing) > 1 else 'is'} missing (found: {', '.join(seen) or 'nothing'}).",
        "Put the headers back as they were, or go back to the backup.",
    )


def _refuse_twice(twice: Iterable[tuple[str, int, int]], sheet: Sheet, name: str) -> NoReturn:
    places = [f"{header} in {letters(one)} and {letters(other)}" for header, one, other in twice]
    raise WorkbookError(
        f"{name}, sheet {sheet.title}: headers stand in two columns: {', '.join(places)}.",
        "Give your own column another header, or delete the copy.",
    )


def _find_altered(row: SheetRow) -> Iterable[Problem]:
    """Find computed cells that a person changed."""
    if not row.edited:
        return
    for column in row.sheet.columns:
        if column.is_input or column.header == "Result" or not row.is_edited(column.header):
            continue
        if column.header == "Mismatch" and row.text("Mismatch") == MismatchKind.CHANGED_SINCE_EXPORT:
            continue
        was = row.stored.showed(column.header)
        yield Problem(
            row.where(column.header),
            f"{column.header} is computed by xlsync and was altered ({_shown(was)} became "
            f"{_shown(row.get(column.header))})",
            "undo the change, or run check, which computes it anew",
        )


def _shown(value: Value) -> str:
    return "empty" if value is None else cut(str(value), 300)  # an explanation may be longer


def start_title(package: Package) -> str:
    """Return the title of *Start*, which a person may have renamed; empty where it was deleted."""
    title = START if START in package.sheets else _month_named(package)[0]
    return title if title in package.sheets else ""


def _month_named(package: Package) -> tuple[str, str]:
    """Return the title and the cell that the name of the month stands for; empty where it has none."""
    title, _, cell = package.names().get("xlsync_month", "").replace("$", "").rpartition("!")
    return title.strip("'").replace("''", "'"), cell


def month_on_start(book: Book) -> tuple[str, str]:
    """Return the address and the text of the month on *Start*; empty texts where there is none."""
    title, cell = _month_named(book.package)
    try:
        row, column = position(cell.partition(":")[0])
    except ValueError:  # the name was redefined to something else
        return "", ""
    if title not in book.package.sheets:
        return "", ""
    value = value_at(book.package.grid(title), row, column)
    if isinstance(value, dt.date):  # Excel reads 2026-09 as a date in a cell that is not text
        value = str(Month(value.year, value.month))
    return f"{title}!{cell}", "" if value is None else str(value).strip()


def _read_lists(package: Package) -> dict[str, tuple[Value, ...]]:
    """Read the columns of *Lists* by header, without empty cells at their ends.

    A workbook of an earlier version has fewer of them.
    """
    grid = package.grid(LISTS)
    headers = [str(value or "") for value in grid[0]] if grid else []
    by_header = dict(reversed(list(zip(headers, zip(*grid[1:], strict=True), strict=False))))
    known = (column.header for column in LIST_COLUMNS)
    return {header: without_empty_end(by_header[header]) for header in known if header in by_header}


def without_empty_end(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Remove the empty cells at the end of a column."""
    count = len(values) - values.count(None)
    if None not in values[:count]:  # all empty cells stand at the end, as in nearly every column
        return values[:count]
    count = len(values)
    while count and values[count - 1] is None:
        count -= 1
    return values[:count]


def _looks_approved(value: Value) -> bool:
    """Return whether a cell outside xlsync's rows holds a Yes; any other text is a remark."""
    return str(value or "").strip().casefold().startswith("y")
