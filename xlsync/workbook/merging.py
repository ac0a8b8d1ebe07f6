"""Merge the rows that xlsync makes anew into a sheet, with a person's edits and order kept."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from xlsync.apply.plan import CHANGED, State, is_carried_out
from xlsync.apply.spent_approvals import is_proven
from xlsync.errors import Notice
from xlsync.reconcile.proposals import Proposal
from xlsync.workbook.contents import Cells
from xlsync.workbook.edits.cells import FIGURES, IGNORING, find_altered, has_yes, is_ignored_anew, was_ignored
from xlsync.workbook.hidden_sheet import StoredRow, is_same
from xlsync.workbook.layout import BILLING_LINES, NEW, PICKED_HEADERS, Sheet
from xlsync.workbook.left_over import find_furnished
from xlsync.workbook.read import Book, SheetRow
from xlsync.xlsx.cells import Row, Value

_OTHER_FIGURES: Final = "Yes was removed: the row's figures changed. Check it and approve again."
_OTHER_VALUE: Final = "Yes was removed: %s changed. Check it and approve again."
_NO_LINE: Final = "Yes was removed: no line needs this any more. Approve again to create it all the same."
_OTHER_ROW: Final = "Yes was removed: %s had been altered beside it. Check the whole row and approve again."
_OTHER_IGNORED: Final = (
    "Ignore was removed: %s had been altered beside it. Check the whole row and choose it again."
)
_OTHER_RULED: Final = (
    "The row is ignored as before: %s had been altered beside it. Check the whole row and change it again."
)


@dataclass(slots=True)
class Merged:
    """A merged sheet: rows in order, their shown values and facts, and notices of lapsed approvals.

    `places` are the indices in `rows` of xlsync's own rows, by key; `other` are the old 0-based numbers of
    those that show other values than before.
    """

    rows: list[Row] = field(default_factory=list)
    stored: dict[str, StoredRow] = field(default_factory=dict)
    lapsed: list[Notice] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    other: set[int] = field(default_factory=set)


def merge_rows(
    sheet: Sheet,
    offered: Mapping[str, StoredRow],
    columns: Mapping[str, int],
    book: Book | None,
) -> Merged:
    """Merge new rows (`offered`, by key) into a sheet; `columns` are its 0-based columns by header.

    A person's order of rows is kept; rows in xlsync's own order are ordered anew. A row that a
    person inserted stays under the row that it was under.
    """
    merged = Merged()
    old = {row.key: row for row in (book.rows[sheet.title] if book else ())}
    kept_on = [key for key in old if key in offered or (sheet is NEW and _is_wanted(old[key]))]
    written = [key for key in (book.stored.get(sheet.title, {}) if book else ()) if key in old]
    is_own_order = list(old) == written
    keys = kept_on + [key for key in offered if key not in old]
    rank = {key: number for number, key in enumerate(offered)}
    own_order = sorted(keys, key=lambda key: rank.get(key, len(rank)))
    if is_own_order:
        keys = own_order
    others = [*book.others[sheet.title], *find_furnished(book, sheet.title)] if book else []
    noted = book.about.noted_rows if book else frozenset()
    made = {key for key in old if sheet is NEW and is_carried_out(old[key].text("Result"))}
    under, last = _find_rows_under([old[key] for key in kept_on], others)
    merged.rows += under.get("", ())
    for key in keys:
        row = old.get(key)
        merged.places[key] = len(merged.rows)
        if key not in offered and row is not None:  # edited by a person, though no line asks for it
            approve: Cells = {}
            if _may_lapse(row):
                approve = _lapse(row, _NO_LINE, merged.lapsed)
            merged.rows.append(Row(row.number, _place(approve, columns)))
            merged.stored[key] = row.stored
        elif row is None:
            merged.rows.append(Row(None, _place(offered[key].shown, columns)))
            merged.stored[key] = offered[key]
        else:
            shows_the_same = row.stored[:2] == offered[key][:2]
            if not shows_the_same:
                merged.other.add(row.number)
            changed = (
                {}
                if row.is_untouched and shows_the_same
                else _keep_edits(row, offered[key].shown, merged.lapsed, is_noted=key in noted, made=made)
            )
            merged.rows.append(Row(row.number, _place(changed, columns)))
            merged.stored[key] = offered[key]
        merged.rows += under.get(key, ())
    merged.rows += last
    merged.stored = {key: merged.stored[key] for key in own_order}  # by which the next check knows the order
    return merged


def _find_rows_under(
    rows: Sequence[SheetRow], others: Iterable[int]
) -> tuple[dict[str, list[Row]], list[Row]]:
    """Split a person's own rows: those under a row of xlsync's, by its key, and those under all."""
    ordered = sorted(rows, key=lambda row: row.number)
    numbers = [row.number for row in ordered]
    under: dict[str, list[Row]] = {}
    last: list[Row] = []
    for number in sorted(others):
        place = bisect(numbers, number)
        key = ordered[place - 1].key if place else ""
        (last if place == len(ordered) else under.setdefault(key, [])).append(
            Row(number, {}, is_persons=True)
        )
    return under, last


def _is_wanted(row: SheetRow) -> bool:
    """Return whether a person edited a row of *New in ConnectWise* that is not done yet."""
    edited = any(row.is_edited(column.header) for column in row.sheet.columns if column.is_input)
    return edited and not is_carried_out(row.text("Result"))


def _may_lapse(row: SheetRow) -> bool:
    """Return whether an approval may be taken back; what is unknown is looked for by the next apply."""
    return has_yes(row) and not row.text("Result").startswith(State.UNKNOWN)


def _lapse(row: SheetRow, why: str, lapsed: list[Notice]) -> Cells:
    """Return the cell that takes back the approval of a row, and note why."""
    lapsed.append(Notice(row.where("Approve"), why))
    return {"Approve": None}


def _keep_edits(
    row: SheetRow,
    cells: Mapping[str, Value],
    lapsed: list[Notice],
    *,
    is_noted: bool,
    made: Set[str],
) -> Cells:
    """Return the cells to write over an existing row: computed ones; a person's edits are left out.

    `is_noted` tells that a run wrote the row's *Result*: one that a person typed spends no approval here.
    `made` are the keys of the rows that were carried out.
    """
    stays = {
        column.header
        for column in row.sheet.columns
        if column.is_input and (column.header not in cells or row.is_edited(column.header))
    }
    changed = {header: value for header, value in cells.items() if header not in stays}
    if row.sheet is BILLING_LINES:
        # A choice that was understood is shown as its label, and Match as what the line's link rests on now:
        # a "confirmed" that stayed would confirm what is suggested only later.
        for header in PICKED_HEADERS:
            if cells[header] is not None or header == "Match":
                changed[header] = cells[header]
        return changed
    shown, result = row.stored.showed, row.text("Result")
    figures, altered = FIGURES.get(row.sheet.title, ()), find_altered(row)
    if altered and is_ignored_anew(row):
        text = _OTHER_RULED if was_ignored(row) else _OTHER_IGNORED
        lapsed.append(Notice(row.where("Action"), text % ", ".join(altered)))
        changed |= {header: cells[header] for header in (IGNORING if was_ignored(row) else ("Action",))}
    if altered and _may_lapse(row) and not is_proven(result, is_noted=is_noted):
        return changed | _lapse(row, _OTHER_ROW % ", ".join(altered), lapsed)
    if not all(is_same(shown(header), cells[header]) for header in figures):
        changed["Result"] = None
        if has_yes(row):
            changed |= _lapse(row, _OTHER_FIGURES, lapsed)
        return changed
    if figures and is_proven(result, is_noted=is_noted):
        changed["Approve"] = None  # the approval was used, for a date still to come
        return changed
    if figures and result.startswith(f"{State.SKIPPED}: {CHANGED}"):
        changed["Result"] = None
    moved = _find_moved(row, changed, made) if _may_lapse(row) else []
    if moved:
        changed |= _lapse(row, _OTHER_VALUE % " and ".join(moved), lapsed)
    return changed


def _find_moved(row: SheetRow, changed: Cells, made: Set[str]) -> list[str]:
    """Return the inputs of a row that xlsync fills in with other values than were approved.

    A person's own choice of *Action* changes them too, and the customer that was to be created with an
    agreement is there once its row is carried out.
    """
    if row.is_edited("Action"):
        return []
    preset = (column.header for column in row.sheet.columns if column.is_input and column.header in changed)
    moved = [header for header in preset if not is_same(row.stored.showed(header), changed[header])]
    return [] if moved == ["Customer"] and row.fact("proposal", Proposal).source in made else moved


def _place(cells: Mapping[str, Value], columns: Mapping[str, int]) -> dict[int, Value]:
    return {columns[header]: value for header, value in cells.items() if header in columns}
