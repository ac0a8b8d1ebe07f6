"""The workbook: write a month into it, read it back by headers and keys, write results into single cells.

The only module that knows where on a sheet a thing stands. Rows are known by their key and columns by
their header, wherever a person moved them. What xlsync computes is never read back: it is compared with
the copy on the hidden sheet, so that an altered cell is told.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NoReturn

from xlsync import __version__
from xlsync.cells import Row, Value, letters, position
from xlsync.compared import KEPT_AS
from xlsync.errors import WorkbookError
from xlsync.kept_rows import FORMAT, About, Kept, KeptRow, is_same, read_kept, to_plain, write_kept
from xlsync.models import MismatchKind, Month, Problem
from xlsync.overview import (
    Cells,
    Overview,
    invoice_cells,
    line_cells,
    list_columns,
    mismatch_cells,
    proposal_cells,
    start_mismatches,
    start_values,
)
from xlsync.sheets import (
    BILLING_LINES,
    INVOICES,
    LIST_COLUMNS,
    LISTS,
    MEMORY,
    MISMATCHES,
    NEW,
    START,
    START_CELLS,
    START_MISMATCH_CELLS,
    Sheet,
)
from xlsync.xlsx import Package

TEMPLATE: Final = "workbook_template.xlsx"
READ_SHEETS: Final = (BILLING_LINES, MISMATCHES, NEW, INVOICES)
_APPROVED_FOR: Final = {  # an approval lapses when these change
    MISMATCHES.title: ("BSS Units", "ConnectWise Units", "BSS Cost", "ConnectWise Cost"),
    INVOICES.title: ("Next Invoice Date", "Next Invoice Amount"),
}
PICKED_HEADERS: Final = ("ConnectWise Customer", "ConnectWise Agreement", "ConnectWise Product", "Match")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row of a sheet as it was found: its cells by header, and what it showed when it was written."""

    sheet: Sheet
    number: int  # 0-based
    key: str
    line: Sequence[Value]  # from column A on
    columns: Mapping[str, int]
    formulas: frozenset[str]  # headers
    edited: frozenset[str]  # headers of cells that no longer read as they were written
    kept: KeptRow

    @property
    def cells(self) -> dict[str, Value]:
        """Its cells by header."""
        return {header: self.get(header) for header in self.columns}

    def get(self, header: str) -> Value:
        """The value of a cell."""
        column = self.columns[header]
        return self.line[column] if column < len(self.line) else None

    def where(self, header: str) -> str:
        """The address of one of its cells."""
        return f"{self.sheet.title}!{letters(self.columns[header])}{self.number + 1}"

    def text(self, header: str) -> str:
        """A cell as text without blanks around it; empty where it is empty."""
        value = self.get(header)
        return "" if value is None else str(value).strip()

    def is_edited(self, header: str) -> bool:
        """Whether a person changed the cell since it was written."""
        return header in self.edited

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the row stands for."""
        return self.kept.facts


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook that was read: what it is, its rows, and every problem of its structure."""

    path: Path
    package: Package
    about: About
    rows: Mapping[str, tuple[SheetRow, ...]]
    kept: Mapping[str, Mapping[str, KeptRow]]
    lists: Mapping[str, tuple[Value, ...]]
    columns: Mapping[str, Mapping[str, int]]
    header_rows: Mapping[str, int]  # 0-based, by title
    others: Mapping[str, tuple[int, ...]]  # rows by title that a person added
    problems: tuple[Problem, ...] = ()
    altered: tuple[Problem, ...] = ()

    @property
    def month(self) -> Month:
        """The month it holds."""
        return Month.parse(self.about.month)

    @property
    def has_edits(self) -> bool:
        """Whether a person or `apply` has left anything in it."""
        edited = any(
            row.is_edited(column.header)
            for rows in self.rows.values()
            for row in rows
            if row.edited
            for column in row.sheet.columns
            if column.is_input or column.header == "Result"
        )
        complete = all(len(self.rows[title]) == len(self.kept.get(title, {})) for title in self.rows)
        return edited or not complete or any(self.others.values())


Progress = Callable[[int, int], None]  # rows done, of how many
Save = Callable[[Book], Path]
"""Puts a changed workbook where it belongs, and tells which file holds it now."""


def template_path() -> Path:
    """The template: in the installed package, else beside the source tree's package."""
    inside = Path(__file__).with_name(TEMPLATE)
    return inside if inside.exists() else Path(__file__).parent.parent / TEMPLATE


def read_workbook(path: Path) -> Book:
    """Read a workbook of xlsync; raises WorkbookError where it cannot be used at all."""
    package = Package.open(path)
    missing = [
        title for title in (*(s.title for s in READ_SHEETS), LISTS, MEMORY) if title not in package.sheets
    ]
    if MEMORY in missing:
        raise WorkbookError(
            f"{path.name} is not a workbook of xlsync.", "Make one with `xlsync export`, then open that."
        )
    if missing:
        raise WorkbookError(
            f"{path.name} lacks the sheet{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            "Go back to its backup, or export the month again into another file.",
        )
    lists = _read_lists(package)
    kept = read_kept(package.grid(MEMORY), lists, path.name)
    rows: dict[str, tuple[SheetRow, ...]] = {}
    columns: dict[str, Mapping[str, int]] = {}
    header_rows: dict[str, int] = {}
    others: dict[str, tuple[int, ...]] = {}
    problems: list[Problem] = []
    altered: list[Problem] = []
    for sheet in READ_SHEETS:
        found = _read_sheet(package, sheet, kept.rows.get(sheet.title, {}), path.name)
        rows[sheet.title], columns[sheet.title], others[sheet.title] = found.rows, found.columns, found.others
        header_rows[sheet.title] = found.header_row
        problems += found.problems
        altered += [problem for row in found.rows for problem in _find_altered(row)]
    return Book(
        path,
        package,
        kept.about,
        rows,
        kept.rows,
        lists,
        columns,
        header_rows,
        others,
        tuple(problems),
        tuple(altered),
    )


@dataclass(slots=True)
class _Found:
    header_row: int
    columns: Mapping[str, int]
    rows: tuple[SheetRow, ...] = ()
    others: tuple[int, ...] = ()
    problems: list[Problem] = field(default_factory=list)


def _read_sheet(package: Package, sheet: Sheet, kept: Mapping[str, KeptRow], name: str) -> _Found:
    grid = package.grid(sheet.title)
    header_row, columns = _find_headers(grid, sheet, name)
    by_column = {column: header for header, column in columns.items()}
    formulas: dict[int, set[str]] = {}
    with_formula: set[int] = set()  # a program that does not calculate leaves it without a value
    for row, column in package.formulas(sheet.title):
        with_formula.add(row)
        if column in by_column:
            formulas.setdefault(row, set()).add(by_column[column])
    key_column = columns[sheet.columns[-1].header]
    width = max(columns.values()) + 1
    untouched: dict[tuple[str, ...], _Untouched] = {}
    found = _Found(header_row, columns)
    rows: list[SheetRow] = []
    others: list[int] = []
    for number, line in enumerate(grid[header_row + 1 :], header_row + 1):
        if len(line) < width:
            line = [*line, *([None] * (width - len(line)))]  # noqa: PLW2901
        key = "" if line[key_column] is None else str(line[key_column])
        if key in kept:
            own, edited = kept[key], frozenset(formulas.get(number, ()))
            rows_like_it = untouched.get(own.headers)
            if rows_like_it is None:
                rows_like_it = untouched[own.headers] = _Untouched(own.headers, columns)
            in_row = edited
            if not rows_like_it.read(line, own.values):
                shown = own.shown
                edited = in_row.union(
                    header for header, place in columns.items() if not is_same(line[place], shown.get(header))
                )
            rows.append(SheetRow(sheet, number, key, line, columns, in_row, edited, own))
            continue
        if number in with_formula or any(value is not None for value in line):
            others.append(number)
        if key or ("Approve" in columns and str(line[columns["Approve"]] or "").strip()):
            found.problems.append(
                Problem(
                    f"{sheet.title}!{letters(key_column)}{number + 1}",
                    f"{key!r} is not the key of a row that xlsync wrote" if key else "the row key is missing",
                    "clear the row, or undo the change of its key",
                )
            )
    count = Counter(row.key for row in rows)
    twice = {key for key, times in count.items() if times > 1}
    for key in sorted(twice):
        places = [str(row.number + 1) for row in rows if row.key == key]
        found.problems.append(
            Problem(
                f"{sheet.title}!{letters(key_column)}{places[1]}",
                f"the row stands twice (rows {' and '.join(places)})",
                "delete the copy: a row is approved once",
            )
        )
    found.rows, found.others = tuple(rows), tuple(others)
    return found


class _Untouched:
    """How rows written under these headers read where nobody changed them, told at a glance."""

    def __init__(self, headers: Sequence[str], columns: Mapping[str, int]) -> None:
        kept = [columns[header] for header in headers if header in columns]
        self._kept = itemgetter(*kept) if len(kept) == len(headers) > 1 else None
        self._others = [place for header, place in columns.items() if header not in headers]

    def read(self, line: Sequence[Value], values: tuple[Value, ...]) -> bool:
        """Whether a row surely reads as it was written; if not, each cell has to be looked at."""
        return (
            self._kept is not None
            and self._kept(line) == values
            and all(line[place] is None for place in self._others)
        )


def _find_headers(grid: Sequence[Sequence[Value]], sheet: Sheet, name: str) -> tuple[int, dict[str, int]]:
    """The row of the headers, and the column of each, wherever they were moved."""
    best: dict[str, int] = {}
    for number, line in enumerate(grid[:50]):
        columns: dict[str, int] = {}
        twice: list[tuple[str, int, int]] = []
        for column, value in enumerate(line):
            if isinstance(value, str) and value.strip() in sheet.headers:
                if value.strip() in columns:
                    twice.append((value.strip(), columns[value.strip()], column))
                columns.setdefault(value.strip(), column)
        if len(columns) == len(sheet.headers):
            if twice:
                _refuse_twice(twice, sheet, name)
            return number, columns
        best = max(best, columns, key=len)
    missing = [header for header in sheet.headers if header not in best]
    seen = [str(value) for value in (grid[0] if grid else ()) if value is not None]
    raise WorkbookError(
        f"{name}, sheet {sheet.title}: the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} "
        f"{'are' if len(missing) > 1 else 'is'} missing (found: {', '.join(seen) or 'nothing'}).",
        "Put the headers back as they were, or go back to the backup.",
    )


def _refuse_twice(twice: Iterable[tuple[str, int, int]], sheet: Sheet, name: str) -> NoReturn:
    told = [f"{header} in {letters(one)} and {letters(other)}" for header, one, other in twice]
    raise WorkbookError(
        f"{name}, sheet {sheet.title}: headers stand in two columns: {', '.join(told)}.",
        "Give your own column another header, or delete the copy.",
    )


def _find_altered(row: SheetRow) -> Iterable[Problem]:
    """Cells that xlsync computed and a person changed."""
    if not row.edited:
        return
    for column in row.sheet.columns:
        if column.is_input or column.header == "Result" or not row.is_edited(column.header):
            continue
        if column.header == "Mismatch" and row.text("Mismatch") == MismatchKind.CHANGED_SINCE_EXPORT:
            continue
        was = row.kept.shown.get(column.header)
        yield Problem(
            row.where(column.header),
            f"{column.header} is computed by xlsync and was altered ({_tell(was)} became "
            f"{_tell(row.get(column.header))})",
            "undo the change, or run check, which computes it anew",
        )


def _tell(value: Value) -> str:
    text = "empty" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def chosen_month(book: Book) -> tuple[str, str]:
    """The month that stands on *Start*, and where; empty where there is none."""
    named = book.package.names().get("xlsync_month", "")
    title, _, cell = named.replace("$", "").rpartition("!")
    title = title.strip("'")
    if title not in book.package.sheets:
        return "", ""
    row, column = position(cell)
    grid = book.package.grid(title)
    value = grid[row][column] if row < len(grid) and column < len(grid[row]) else None
    if isinstance(value, dt.date):  # as Excel takes 2026-09 in a cell that is no text
        value = str(Month(value.year, value.month))
    return f"{title}!{cell}", "" if value is None else str(value).strip()


def _read_lists(package: Package) -> dict[str, tuple[Value, ...]]:
    """The columns of *Lists*, by header, without the empty ends."""
    grid = package.grid(LISTS)
    headers = [str(value or "") for value in grid[0]] if grid else []
    found = dict(reversed(list(zip(headers, zip(*grid[1:], strict=True), strict=False))))
    lists: dict[str, tuple[Value, ...]] = {}
    for column in LIST_COLUMNS:
        lists[column.header] = _without_empty_end(found.get(column.header, ()))
    return lists


def _without_empty_end(values: tuple[Value, ...]) -> tuple[Value, ...]:
    count = len(values)
    while count and values[count - 1] is None:
        count -= 1
    return values[:count]


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a check has to tell of the rows that it renewed, and the file that holds them.

    `moved` are the new numbers of the old rows by sheet: a row that is not among them is gone.
    """

    lapsed: tuple[str, ...] = ()  # approvals whose values no longer hold, where they stood
    moved: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    path: Path = Path()

    def place(self, told: str) -> str | None:
        """A text that begins with the address of a cell, with its new address; None where its row is gone."""
        found = re.match(r"(?P<sheet>[^!:]+)!(?P<column>[A-Z]+)(?P<row>\d+):", told)
        if found is None or found["sheet"] not in self.moved:
            return told
        row = self.moved[found["sheet"]].get(int(found["row"]) - 1)
        if row is None:
            return None
        return f"{found['sheet']}!{found['column']}{row + 1}:{told[found.end() :]}"


def _silent(_done: int, _of: int) -> None:
    """No progress is shown."""


def write_export(
    path: Path,
    overview: Overview,
    *,
    exported_at: str,
    months: Sequence[Month],
    progress: Progress = _silent,
    **about: Any,
) -> None:
    """Write a month into a new workbook."""
    package = Package.open(template_path())
    for title in (*(sheet.title for sheet in READ_SHEETS), LISTS, MEMORY):
        package.grid(title)  # while it is small: after a change the whole package is read again
    columns = {sheet.title: {h: i for i, h in enumerate(sheet.headers)} for sheet in READ_SHEETS}
    _fill(package, overview, columns, None, exported_at, months, {}, about, progress)
    package.save(path)


def write_check(
    book: Book,
    overview: Overview,
    *,
    exported_at: str,
    months: Sequence[Month],
    own: Mapping[str, Any],
    save: Save | None = None,
    progress: Progress = _silent,
    **about: Any,
) -> Renewed:
    """Renew the computed sheets of a workbook in place; a backup is left beside it.

    `own` are the parts of links that a person chose in this workbook, by line key. `save` puts it elsewhere
    than in its place.
    """
    renewed = _fill(book.package, overview, book.columns, book, exported_at, months, own, about, progress)
    return replace(renewed, path=(save or save_in_place)(book))


def save_in_place(book: Book) -> Path:
    """Save the workbook with a backup beside it."""
    book.package.save(book.path, backup=backup_path(book.path))
    return book.path


def backup_path(path: Path) -> Path:
    """Where the workbook as it was before is kept."""
    return path.with_name(f"{path.stem}.backup{path.suffix}")


def _fill(
    package: Package,
    overview: Overview,
    columns: Mapping[str, Mapping[str, int]],
    book: Book | None,
    exported_at: str,
    months: Sequence[Month],
    own: Mapping[str, Any],
    about: Mapping[str, Any],
    progress: Progress,
) -> Renewed:
    lists = list_columns(overview.lists, overview.labels, months)
    names = {row.key: f"{row.name} (new)" for row in overview.proposals}
    ordered = sorted(
        overview.lines, key=lambda line: (line.customer.casefold(), line.product.casefold(), line.key)
    )
    offered: dict[str, dict[str, KeptRow]] = {
        BILLING_LINES.title: {
            line.key: KeptRow.of(
                line_cells(
                    line, overview.links[line.key], overview.findings.statuses[line.key], overview.labels
                ),
                {
                    "line": to_plain(line),
                    "link": to_plain(overview.links[line.key]),
                    **({"own": own[line.key]} if line.key in own else {}),
                },
            )
            for line in ordered
        },
        MISMATCHES.title: {
            mismatch.key: KeptRow.of(
                mismatch_cells(mismatch, overview.labels, names), {"mismatch": to_plain(mismatch)}
            )
            for mismatch in overview.findings.mismatches
        },
        NEW.title: {
            row.key: KeptRow.of(proposal_cells(row), {"proposal": to_plain(row)})
            for row in overview.proposals
        },
        INVOICES.title: {
            row.key: KeptRow.of(invoice_cells(row, overview.labels), {"invoice": to_plain(row)})
            for row in overview.invoices
        },
    }
    kept: dict[str, dict[str, KeptRow]] = {}
    lapsed: list[str] = []
    moved: dict[str, Mapping[int, int]] = {}
    done, of = 0, sum(map(len, offered.values()))
    progress(done, of)
    for sheet in READ_SHEETS:
        renewal = _renew(sheet, offered[sheet.title], columns[sheet.title], book)
        header_row = book.header_rows[sheet.title] if book else 0
        last_row = max((row.number for row in book.rows[sheet.title]), default=None) if book else None
        moved[sheet.title] = package.replace_rows(
            sheet.title, renewal.rows, header_row=header_row, last_row=last_row
        )
        kept[sheet.title] = renewal.kept
        lapsed += renewal.lapsed
        done += len(offered[sheet.title])
        progress(done, of)
    kept[KEPT_AS] = _keep_compared(overview, book)
    _fill_start(package, overview, exported_at)
    _fill_lists(package, lists, book)
    facts = About(
        format=FORMAT,
        version=__version__,
        environment=overview.environment,
        month=str(overview.month),
        by=overview.by,
        exported_at=exported_at,
        **about,
    )
    shown_lists = {column.header: tuple(lists.get(column.header, ())) for column in LIST_COLUMNS}
    package.replace_rows(MEMORY, write_kept(Kept(facts, kept), shown_lists))
    return Renewed(tuple(lapsed), moved)


def _keep_compared(overview: Overview, book: Book | None) -> dict[str, KeptRow]:
    """The additions that the month was compared with, for the report; those that ended since stay known."""
    kept = {entry.key: KeptRow.of({}, {"compared": to_plain(entry)}) for entry in overview.compared}
    for key, row in (book.kept.get(KEPT_AS, {}) if book else {}).items():
        if key not in kept and (compared := row.facts["compared"]).get("addition") is not None:
            kept[key] = KeptRow.of({}, {"compared": {**compared, "has_ended": True}})
    return kept


@dataclass(slots=True)
class _Renewal:
    rows: list[Row] = field(default_factory=list)
    kept: dict[str, KeptRow] = field(default_factory=dict)
    lapsed: list[str] = field(default_factory=list)


def _renew(
    sheet: Sheet,
    offered: Mapping[str, KeptRow],
    columns: Mapping[str, int],
    book: Book | None,
) -> _Renewal:
    """The rows of a sheet as they shall stand: renewed, with every edit kept.

    A person's order of rows is kept; where it is still xlsync's own, the rows are ordered anew. A row that a
    person put between them stays under the one that it stood under.
    """
    renewal = _Renewal()
    old = {row.key: row for row in (book.rows[sheet.title] if book else ())}
    kept_on = [key for key in old if key in offered or (sheet is NEW and _is_wanted(old[key]))]
    written = [key for key in (book.kept.get(sheet.title, {}) if book else ()) if key in old]
    is_own_order = list(old) == written
    keys = kept_on + [key for key in offered if key not in old]
    if is_own_order:
        rank = {key: number for number, key in enumerate(offered)}
        keys.sort(key=lambda key: rank.get(key, len(rank)))
    others = book.others[sheet.title] if book else ()
    under, last = _find_rows_under([old[key] for key in kept_on], others)
    renewal.rows += under.get("", ())
    for key in keys:
        row = old.get(key)
        if key not in offered and row is not None:  # wanted by a person, though no line asks for it
            renewal.rows.append(Row(row.number, {}))
            renewal.kept[key] = row.kept
        elif row is None:
            renewal.rows.append(Row(None, _place(offered[key].shown, columns)))
            renewal.kept[key] = offered[key]
        else:
            changed = _keep_edits(row, offered[key].shown, renewal.lapsed)
            renewal.rows.append(Row(row.number, _place(changed, columns)))
            renewal.kept[key] = offered[key]
        renewal.rows += under.get(key, ())
    renewal.rows += last
    return renewal


def _find_rows_under(
    rows: Sequence[SheetRow], others: Iterable[int]
) -> tuple[dict[str, list[Row]], list[Row]]:
    """A person's own rows by the key of the row that they stand under, and those that stand under all."""
    ordered = sorted(rows, key=lambda row: row.number)
    numbers = [row.number for row in ordered]
    under: dict[str, list[Row]] = {}
    last: list[Row] = []
    for number in others:
        place = bisect(numbers, number)
        key = ordered[place - 1].key if place else ""
        (last if place == len(ordered) else under.setdefault(key, [])).append(Row(number, {}))
    return under, last


def _is_wanted(row: SheetRow) -> bool:
    """A row of *New in ConnectWise* that a person worked on and that is not done yet."""
    edited = any(row.is_edited(column.header) for column in row.sheet.columns if column.is_input)
    return edited and not row.text("Result").startswith(("done", "already"))


def _keep_edits(row: SheetRow, cells: Mapping[str, Value], lapsed: list[str]) -> Cells:
    """The cells to write over an existing row: computed ones anew, a person's edits as they are."""
    kept = {
        column.header
        for column in row.sheet.columns
        if column.is_input and (column.header not in cells or row.is_edited(column.header))
    }
    changed = {header: value for header, value in cells.items() if header not in kept}
    if row.sheet is BILLING_LINES:
        # a choice that was understood is shown as its label; Match stays what the person set
        for header in PICKED_HEADERS[:3]:
            if cells[header] is not None:
                changed[header] = cells[header]
    approved_for = _APPROVED_FOR.get(row.sheet.title)
    if approved_for is None:
        return changed
    same = all(is_same(row.kept.shown.get(header), cells[header]) for header in approved_for)
    if not same:
        changed["Result"] = None
        if row.text("Approve").casefold() == "yes":
            changed["Approve"] = None
            lapsed.append(row.where("Approve"))
    elif row.text("Result").startswith("skipped: changed since export"):
        changed["Result"] = None
    elif row.text("Result").startswith(("done", "already")):
        changed["Approve"] = None  # it was used, for a date still to come
    return changed


def _place(cells: Mapping[str, Value], columns: Mapping[str, int]) -> dict[int, Value]:
    return {columns[header]: value for header, value in cells.items()}


def _fill_start(package: Package, overview: Overview, exported_at: str) -> None:
    cells = {
        position(START_CELLS[name]): value for name, value in start_values(overview, exported_at).items()
    }
    for kind, (count, up, down) in start_mismatches(overview).items():
        places = map(position, START_MISMATCH_CELLS[kind])
        cells |= dict(zip(places, (count, up, down), strict=True))
    if START in package.sheets:
        package.change_cells(START, cells)


def _fill_lists(package: Package, lists: Mapping[str, Sequence[Value]], book: Book | None) -> None:
    if book is not None and not package.formulas(LISTS):
        shown = {header: _without_empty_end(tuple(lists.get(header, ()))) for header in book.lists}
        if shown == book.lists:
            return
    old_count = max((len(values) for values in book.lists.values()), default=0) if book else 0
    count = max(len(values) for values in lists.values())
    ordered = [list(lists.get(column.header, ())) for column in LIST_COLUMNS]
    package.replace_rows(
        LISTS,
        [
            Row(
                number + 1 if number < old_count else None,
                {
                    index: values[number] if number < len(values) else None
                    for index, values in enumerate(ordered)
                    if number < len(values) or number < old_count
                },
            )
            for number in range(count)
        ],
    )
    for index, column in enumerate(LIST_COLUMNS):
        if column.name:
            last = 2 if column.is_block else max(len(ordered[index]), 1) + 1
            package.set_name(
                column.name,
                f"{LISTS}!${letters(index)}$2" + ("" if column.is_block else f":${letters(index)}${last}"),
            )


def write_results(
    book: Book,
    results: Mapping[str, tuple[str, bool]],
    own: Mapping[str, Mapping[str, Any]],
    save: Save | None = None,
) -> Path:
    """Write each row's result into its *Result* cell; where the file cannot be written, beside it.

    `results` gives, by row key, the text and whether ConnectWise had changed since export. `own` are
    the picks of lines, by line key, now with the ids of what was created. Returns the file that holds
    them.
    """
    for sheet in (MISMATCHES, NEW, INVOICES):
        cells: dict[tuple[int, int], Value] = {}
        for row in book.rows[sheet.title]:
            if row.key in results:
                text, is_changed = results[row.key]
                cells[row.number, row.columns["Result"]] = text
                if is_changed and sheet is MISMATCHES:
                    cells[row.number, row.columns["Mismatch"]] = str(MismatchKind.CHANGED_SINCE_EXPORT)
        book.package.change_cells(sheet.title, cells)
    lines = dict(book.kept.get(BILLING_LINES.title, {}))
    for row in book.rows[BILLING_LINES.title]:
        if row.key in own:
            shown = {**row.kept.shown, **{header: row.get(header) for header in PICKED_HEADERS}}
            lines[row.key] = KeptRow.of(shown, {**row.facts, "own": own[row.key]})
    kept = Kept(book.about, {**book.kept, BILLING_LINES.title: lines})
    book.package.replace_rows(MEMORY, write_kept(kept, book.lists))
    return (save or save_or_beside)(book)


def save_or_beside(book: Book) -> Path:
    """Save the workbook with a backup; where that is not possible, into a file beside it."""
    try:
        return save_in_place(book)
    except WorkbookError:
        return save_beside(book)


def save_beside(book: Book) -> Path:
    """Leave the workbook as it is, and save it changed into a file beside it."""
    beside = book.path.with_name(f"{book.path.stem}.results{book.path.suffix}")
    book.package.save(beside)
    return beside
