"""The workbook: write a month into it, renew it with every edit kept, write results into single cells.

With `book.py`, which reads it back, the only module that knows where on a sheet a thing stands.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from xlsync import __version__
from xlsync.book import READ_SHEETS, Book, SheetRow, without_empty_end
from xlsync.cells import Row, Value, letters, position
from xlsync.compared import KEPT_AS
from xlsync.errors import WorkbookError
from xlsync.kept_rows import FORMAT, About, Kept, KeptRow, is_same, keep_rows, to_plain, write_kept
from xlsync.models import BillingLine, MismatchKind, Month
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
_APPROVED_FOR: Final = {  # an approval lapses when these change
    MISMATCHES.title: ("BSS Units", "ConnectWise Units", "BSS Cost", "ConnectWise Cost"),
    INVOICES.title: ("Next Invoice Date", "Next Invoice Amount"),
}
PICKED_HEADERS: Final = ("ConnectWise Customer", "ConnectWise Agreement", "ConnectWise Product", "Match")

Progress = Callable[[int, int], None]  # rows done, of how many
Save = Callable[[Book], Path]
"""Puts a changed workbook where it belongs, and tells which file holds it now."""


def template_path() -> Path:
    """The template: in the installed package, else beside the source tree's package."""
    inside = Path(__file__).with_name(TEMPLATE)
    return inside if inside.exists() else Path(__file__).parent.parent / TEMPLATE


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
    # while it is small: after a change the whole package would be opened again
    package.read_grids((*(sheet.title for sheet in READ_SHEETS), LISTS, MEMORY))
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
    """Save the workbook with a backup beside it, where it still is what was read."""
    refuse_changed(book)
    book.package.save(book.path, backup=backup_path(book.path))
    return book.path


def refuse_changed(book: Book) -> None:
    """Raise WorkbookError where the file is another than was read: what was decided in it would be lost."""
    if not book.package.is_still(book.path):
        raise WorkbookError(
            f"{book.path.name} was changed while xlsync worked, so it is left as it is.",
            "Let nobody save it meanwhile, and try again.",
        )


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
    statuses = overview.findings.statuses

    def cells_of(line: BillingLine) -> Cells:
        return line_cells(line, overview.links[line.key], statuses[line.key], overview.labels)

    def facts_of(line: BillingLine) -> dict[str, Any]:
        chosen = {"own": own[line.key]} if line.key in own else {}
        return {"line": to_plain(line), "link": to_plain(overview.links[line.key]), **chosen}

    offered: dict[str, dict[str, KeptRow]] = {
        BILLING_LINES.title: keep_rows(ordered, cells_of, facts_of),
        MISMATCHES.title: keep_rows(
            overview.findings.mismatches,
            lambda mismatch: mismatch_cells(mismatch, overview.labels, names),
            partial(_facts, "mismatch"),
        ),
        NEW.title: keep_rows(overview.proposals, proposal_cells, partial(_facts, "proposal")),
        INVOICES.title: keep_rows(
            overview.invoices, lambda row: invoice_cells(row, overview.labels), partial(_facts, "invoice")
        ),
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
            sheet.title,
            renewal.rows,
            columns=columns[sheet.title].values(),
            header_row=header_row,
            last_row=last_row,
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
    kept = keep_rows(overview.compared, lambda _: {}, partial(_facts, "compared"))
    for key, row in (book.kept.get(KEPT_AS, {}) if book else {}).items():
        if key not in kept and (compared := row.facts["compared"]).get("addition") is not None:
            kept[key] = KeptRow.of({}, {"compared": {**compared, "has_ended": True}})
    return kept


def _facts(name: str, thing: object) -> dict[str, Any]:
    return {name: to_plain(thing)}


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
            is_unchanged = row.is_untouched and row.kept[:2] == offered[key][:2]
            changed = {} if is_unchanged else _keep_edits(row, offered[key].shown, renewal.lapsed)
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
        shown = {header: without_empty_end(tuple(lists.get(header, ()))) for header in book.lists}
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
