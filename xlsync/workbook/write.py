"""Write a month into a workbook, renew it with every edit kept, write results into single cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain, repeat, zip_longest
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from xlsync import __version__
from xlsync.errors import Notice, WorkbookError
from xlsync.files import digest_of, read_file
from xlsync.gc_tuning import give_back_memory
from xlsync.models import UNLINKED, BillingLine, MismatchKind, Month
from xlsync.printable import as_typed
from xlsync.reconcile import verdict
from xlsync.reconcile.targets import STORED_AS
from xlsync.reconcile.verdict import MonthVerdict
from xlsync.records import replace
from xlsync.workbook.contents import (
    NOTHING_NEAR,
    Cells,
    Overview,
    invoice_cells,
    line_cells,
    list_columns,
    mismatch_cells,
    proposal_cells,
)
from xlsync.workbook.hidden_sheet import FORMAT, About, HiddenSheet, StoredRow, store_rows, write_hidden_sheet
from xlsync.workbook.layout import (
    BILLING_LINES,
    FIRST_OPEN_NAMES,
    INVOICES,
    LIST_COLUMNS,
    LISTS,
    MEMORY,
    MISMATCHES,
    NEW,
    NEXT_LINE,
    PICKED_HEADERS,
    START,
    START_BILLED_CELLS,
    START_CELLS,
    START_LINE,
    START_MISMATCH_CELLS,
    TABLES,
    TO_APPROVE,
    VERDICT_ROWS,
    VERDICT_WIDTH,
)
from xlsync.workbook.left_over import move_left_over
from xlsync.workbook.merging import merge_rows
from xlsync.workbook.own_blocks import tell_parted_blocks
from xlsync.workbook.read import Book, start_title, without_empty_end
from xlsync.workbook.save import Save, save_or_beside
from xlsync.workbook.totals import start_billed, start_mismatches, start_values
from xlsync.xlsx.cells import Cell, Position, Row, Value, letters, position, wrapped_lines
from xlsync.xlsx.package import Package
from xlsync.xlsx.reading import value_at

_FILTERED: Final = "{} is filtered, and rows that the filter hides changed: apply the filter anew"
TEMPLATE: Final = "workbook_template.xlsx"
RowsDone = Callable[[int, int], None]  # called with the number of rows done, and of all rows


def template_path() -> Path:
    """Return the template's path: in the installed package, else beside the source tree's package."""
    package = Path(__file__).parent.parent
    inside = package / TEMPLATE
    return inside if inside.exists() else package.parent / TEMPLATE


class Renewed(Struct, frozen=True):
    """The result of renewing a workbook: its file, notices, lapsed approvals, and where rows moved.

    `moved` maps old to new 0-based row numbers, by sheet; a row that is missing in it is gone.
    """

    lapsed: tuple[Notice, ...] = ()  # of approvals that were removed, with their old addresses
    moved: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    path: Path = Path()
    start: str = ""  # the title of *Start*; empty where it was deleted
    notices: tuple[str, ...] = ()  # sentences about a person's cells, notes or pictures that were moved

    def place(self, notice: Notice) -> Notice | None:
        """Update a notice to the present address of its cell; None where the cell's row is gone."""
        sheet, _, cell = notice.where.rpartition("!")
        if sheet not in self.moved:
            return notice
        row, column = position(cell)
        moved = self.moved[sheet].get(row)
        return None if moved is None else replace(notice, where=f"{sheet}!{letters(column)}{moved + 1}")


def write_export(
    path: Path,
    overview: Overview,
    *,
    replaced: str,
    exported_at: str,
    renewed_at: str,
    months: Sequence[Month],
    reports: tuple[str, ...],
    first_exported_at: str,
    known_runs: tuple[str, ...] | None,
    progress: RowsDone,
) -> About:
    """Write a month into a new workbook; `reports` are the files that its lines came from.

    `replaced` is the digest of the file that may be written over, empty where none is there. Returns what the
    hidden sheet says of the workbook as a whole; raises WorkbookError where another file is there by now.
    """
    package = Package.open(template_path())
    # read while the package is small: after a change the whole of it would be opened again
    package.read_grids((*(sheet.title for sheet in TABLES), LISTS, MEMORY))
    columns = {sheet.title: {h: i for i, h in enumerate(sheet.headers)} for sheet in TABLES}
    about = replace(
        _about(overview, exported_at, renewed_at),
        reports=reports,
        first_exported_at=first_exported_at,
        known_runs=known_runs,
    )
    _fill(package, overview, columns, None, about, months, {}, progress)
    if path.exists() and digest_of(read_file(path)) != replaced:
        raise WorkbookError(
            f"{path} was made or changed while xlsync worked, so it is not overwritten.",
            f"`xlsync check {as_typed(str(path))}` renews it and keeps the edits; or choose another "
            "file with --output.",
        )
    package.save(path)
    return about


def write_check(
    book: Book,
    overview: Overview,
    *,
    exported_at: str,
    renewed_at: str,
    months: Sequence[Month],
    own: Mapping[str, Mapping[str, Any]],
    approved: tuple[str, ...],
    save: Save,
    progress: RowsDone,
) -> Renewed:
    """Renew the computed sheets of a workbook, and save it.

    `own` are the facts of what people decided on lines of this workbook, by line key; `approved` are the keys
    of the approved rows.
    """
    about = replace(
        _about(overview, exported_at, renewed_at),
        reports=book.about.reports,
        first_exported_at=book.about.first_exported_at,
        known_runs=book.about.known_runs,
        noted=book.about.noted,
        anew=book.about.anew,
        approved=approved,
    )
    renewed = _fill(book.package, overview, book.columns, book, about, months, own, progress)
    return replace(renewed, path=save(book))


def _about(overview: Overview, exported_at: str, renewed_at: str) -> About:
    """Describe the workbook of a month that is written now."""
    return About(
        format=FORMAT,
        version=__version__,
        environment=overview.environment,
        month=str(overview.month),
        by=overview.by,
        exported_at=exported_at,
        renewed_at=renewed_at,
    )


def _fill(
    package: Package,
    overview: Overview,
    columns: Mapping[str, Mapping[str, int]],
    book: Book | None,
    about: About,
    months: Sequence[Month],
    own: Mapping[str, Mapping[str, Any]],
    progress: RowsDone,
) -> Renewed:
    """Write all sheets of a month into a package; `book` is the workbook that it renews, if any."""
    held = [mismatch.key for mismatch in overview.findings.mismatches if mismatch.is_held]
    lists = list_columns(overview.lists, overview.labels, months, overview.used_items, held)
    offered = _offer_rows(overview, own)
    stored: dict[str, dict[str, StoredRow]] = {}
    lapsed: list[Notice] = []
    notices: list[str] = []
    moved: dict[str, Mapping[int, int]] = {}
    places: dict[str, dict[str, int]] = {}
    done, total = 0, sum(map(len, offered.values()))
    progress(done, total)
    for sheet in TABLES:
        count = len(offered[sheet.title])
        renewal = merge_rows(sheet, offered.pop(sheet.title), columns[sheet.title], book)
        if book:
            notices += move_left_over(book, sheet.title, renewal.rows, about.exported_at)
            notices += tell_parted_blocks(book, sheet.title, renewal.rows)
            if renewal.other and renewal.other & package.filtered_out(sheet.title):
                notices.append(_FILTERED.format(sheet.title))
        header_row = book.header_rows[sheet.title] if book else 0
        old = [row.number for row in book.rows[sheet.title]] if book else []
        moved[sheet.title] = package.replace_rows(
            sheet.title,
            renewal.rows,
            columns=columns[sheet.title].values(),
            header_row=header_row,
            own_rows=(min(old), max(old)) if old else None,
        )
        stored[sheet.title] = renewal.stored
        lapsed += renewal.lapsed
        first_row = header_row + 1
        places[sheet.title] = {key: first_row + place for key, place in renewal.places.items()}
        done += count
        progress(done, total)
        del renewal  # its rows are as large as those of the sheet
        give_back_memory()
    stored[STORED_AS] = _keep_compared(overview, book)
    of_month = MonthVerdict(overview.verdict, overview.billed)
    stored[verdict.STORED_AS] = {verdict.STORED_AS: StoredRow.from_facts({}, {"month": of_month})}
    notices += _fill_start(package, overview, about.exported_at, is_check=book is not None)
    _name_first_rows(package, overview, columns, places)
    _fill_lists(package, lists, book)
    shown_lists = {column.header: tuple(lists.get(column.header, ())) for column in LIST_COLUMNS}
    package.replace_rows(MEMORY, write_hidden_sheet(HiddenSheet(about, stored), shown_lists))
    return Renewed(
        tuple(lapsed),
        moved,
        start=start_title(package),
        notices=(*notices, *package.notices, *package.warnings),
    )


def _offer_rows(overview: Overview, own: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, StoredRow]]:
    """Make the rows of each sheet, by key; `own` are the facts of people's decisions by line key."""
    names = {row.key: row.name for row in overview.proposals}
    ordered = sorted(
        overview.lines, key=lambda line: (line.customer.casefold(), line.product.casefold(), line.key)
    )
    findings = overview.findings

    def cells_of(line: BillingLine) -> Cells:
        nearest = overview.candidates.get(line.key, NOTHING_NEAR)
        status = findings.statuses[line.key]
        why = verdict.tell_reservation(line, status, findings.uncompared.get(line.key))
        return line_cells(line, overview.links[line.key], status, overview.labels, nearest, why)

    def facts_of(line: BillingLine) -> dict[str, Any]:
        return {"line": line, "link": overview.links[line.key], **own.get(line.key, {})}

    return {
        BILLING_LINES.title: store_rows(ordered, cells_of, facts_of),
        MISMATCHES.title: store_rows(
            overview.findings.mismatches,
            lambda mismatch: mismatch_cells(mismatch, overview.labels, names, overview.candidates),
            partial(_facts, "mismatch"),
        ),
        NEW.title: store_rows(overview.proposals, proposal_cells, partial(_facts, "proposal")),
        INVOICES.title: store_rows(
            overview.invoices, lambda row: invoice_cells(row, overview.labels), partial(_facts, "invoice")
        ),
    }


def _keep_compared(overview: Overview, book: Book | None) -> dict[str, StoredRow]:
    """Store the additions that the month was compared with, for the report, also those that ended since."""
    stored = store_rows(overview.compared, lambda _: {}, partial(_facts, "compared"))
    for key, row in (book.stored.get(STORED_AS, {}) if book else {}).items():
        if key not in stored and (compared := row.facts["compared"]).get("addition") is not None:
            stored[key] = StoredRow.from_facts({}, {"compared": {**compared, "has_ended": True}})
    return stored


def _facts(name: str, thing: object) -> dict[str, Any]:
    return {name: thing}


def _name_first_rows(
    package: Package,
    overview: Overview,
    columns: Mapping[str, Mapping[str, int]],
    places: Mapping[str, Mapping[str, int]],
) -> None:
    """Point the link of each step on *Start* to the first row that it is about, else to the first row."""
    open_keys = {
        BILLING_LINES.title: {
            key for key, status in overview.findings.statuses.items() if status in UNLINKED
        },
        NEW.title: {proposal.key for proposal in overview.proposals},
        MISMATCHES.title: {row.key for row in overview.open_mismatches if row.action is not None},
        INVOICES.title: {
            row.key
            for row in overview.invoices
            if row.date is not None and row.date <= overview.month.last and not row.parent
        },
    }
    for name, sheet in FIRST_OPEN_NAMES.items():
        rows = places[sheet.title]
        open_rows = (rows[key] for key in open_keys[sheet.title] if key in rows)
        row = min(open_rows, default=min(rows.values(), default=1))
        header = "Match" if sheet is BILLING_LINES else "Approve"
        column = letters(columns[sheet.title][header])
        package.set_name(name, f"'{sheet.title}'!${column}${row + 1}")


def _fill_start(package: Package, overview: Overview, at: str, *, is_check: bool) -> list[str]:
    """Fill in *Start*; a check sets the time of the check and leaves the time of the export.

    A workbook of an earlier version lacks the last step: the number of invoices would stand without a label.
    Returns a notice where its cells came apart, so that no number would stand beside its label.
    """
    start = start_title(package)
    if not start:
        notice = (
            f"The sheet {START} is not there any more, so the workbook shows no counts and not what to do "
            "next: export the month again into another file to have them back"
        )
        return [notice]
    by = _rows_above_start(package.grid(start)) if is_check else 0
    if by is None:
        notice = (
            f"{start} was not renewed and shows older numbers, since rows or columns were inserted or "
            "deleted there: undo that, and run check again"
        )
        return [notice]
    values = start_values(overview)
    values["checked_at" if is_check else "exported_at"] = at
    cells = {position(START_CELLS[name]): value for name, value in values.items()}
    for kind, (count, up, down) in start_mismatches(overview).items():
        places = map(position, START_MISMATCH_CELLS[kind])
        cells |= dict(zip(places, (count, up, down), strict=True))
    for label, shares in start_billed(overview).items():
        cells |= dict(zip(map(position, START_BILLED_CELLS[label]), shares, strict=True))
    heights = _heights_of_start(cells)
    row, column = position(START_CELLS["to_invoice"])
    if is_check and not any(any(line[:column]) for line in package.grid(start)[row + by : row + by + 1]):
        del cells[row, column]
    package.change_cells(start, {(row + by, column): value for (row, column), value in cells.items()})
    package.set_heights(start, {row + by: height for row, height in heights.items()})
    return []


def _rows_above_start(grid: Sequence[Sequence[Value]]) -> int | None:
    """Return the number of rows that a person put above all of *Start*; None where its tables came apart."""
    moved: list[set[int]] = []  # by how many rows, for each label that stands anywhere
    for label, (cell, *_) in {**START_MISMATCH_CELLS, **START_BILLED_CELLS}.items():
        row, column = position(cell)
        if places := {number for number, line in enumerate(grid) if label in line[column - 1 : column]}:
            moved.append({number - row for number in places})
    return min(set.intersection(*moved), default=None) if moved else None


def _heights_of_start(cells: Mapping[Position, Value]) -> dict[int, float]:
    """Return the heights of the 0-based rows of *Start* that fit their texts; notices raise no row."""
    verdict, notices = position(START_CELLS["verdict"]), position(START_CELLS["notices"])
    needed = START_LINE + NEXT_LINE * (wrapped_lines(str(cells[verdict]), VERDICT_WIDTH) - 1)
    heights = {position(START_CELLS["currency"])[0]: START_LINE}
    heights |= {position(first)[0]: START_LINE for first, _, _ in START_BILLED_CELLS.values()}
    heights |= {row - 1: max(START_LINE, needed / len(VERDICT_ROWS)) for row in VERDICT_ROWS}
    for place, value in cells.items():
        if place[0] in heights and place != notices and isinstance(value, str):
            heights[place[0]] = max(heights[place[0]], START_LINE + NEXT_LINE * value.count("\n"))
    return heights


def _fill_lists(package: Package, lists: Mapping[str, Sequence[Value]], book: Book | None) -> None:
    if book is not None and len(book.lists) < len(LIST_COLUMNS):  # of an earlier version
        package.change_cells(LISTS, {(0, index): column.header for index, column in enumerate(LIST_COLUMNS)})
    elif book is not None and not package.formulas(LISTS):
        shown = {header: without_empty_end(tuple(lists.get(header, ()))) for header in book.lists}
        if shown == book.lists:
            return
    ordered = [tuple(lists.get(column.header, ())) for column in LIST_COLUMNS]
    if book is None:
        package.replace_rows(LISTS, [Row(None, dict(enumerate(line))) for line in zip_longest(*ordered)])
    else:  # rows never move here: a person's own list may stand beside those of xlsync
        old = [book.lists.get(column.header, ()) for column in LIST_COLUMNS]
        formulas = package.formulas(LISTS)
        grid = package.grid(LISTS)
        cells: dict[Position, Value | Cell] = {
            (number, index): value
            for index, values in enumerate(ordered)
            for number, value in enumerate(chain(values, repeat(None, len(old[index]) - len(values))), 1)
            if (number, index) in formulas or value != value_at(grid, number, index)
        }
        if cells:
            package.change_cells(LISTS, cells)
            ends = {
                index: (max(len(before), 1), max(len(values), 1))
                for index, (before, values) in enumerate(zip(old, ordered, strict=True))
            }
            package.follow_lengths(LISTS, ends)
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
    save: Save | None,
    about: About | None,
) -> Path:
    """Write each row's result into its *Result* cell, and save; beside the file where it cannot be written.

    `results` has, by row key, the text and whether ConnectWise had changed since export. `own` are the picks
    of lines, by line key, with the ids of created records. `about` is what the hidden sheet says of the
    workbook from now on; None leaves it. Returns the file that holds the results.
    """
    for sheet in TO_APPROVE:
        cells: dict[Position, Value] = {}
        for row in book.rows[sheet.title]:
            if row.key in results:
                text, is_changed = results[row.key]
                cells[row.number, row.columns["Result"]] = text
                if is_changed and sheet is MISMATCHES:
                    cells[row.number, row.columns["Mismatch"]] = str(MismatchKind.CHANGED_SINCE_EXPORT)
        book.package.change_cells(sheet.title, cells)
    lines = dict(book.stored.get(BILLING_LINES.title, {}))
    for row in book.rows[BILLING_LINES.title]:
        if row.key in own:
            shown = {**row.stored.shown, **{header: row.get(header) for header in PICKED_HEADERS}}
            lines[row.key] = StoredRow.from_facts(shown, {**row.facts, "own": own[row.key]})
    content = HiddenSheet(about or book.about, {**book.stored, BILLING_LINES.title: lines})
    book.package.replace_rows(MEMORY, write_hidden_sheet(content, book.lists))
    return (save or save_or_beside)(book)
