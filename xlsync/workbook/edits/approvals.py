"""Approvals: read the decisions on *Mismatches* as actions, and collect all problems. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Set
from decimal import Decimal
from types import MappingProxyType

from msgspec import Struct, field

from xlsync.apply.actions import CreateAddition
from xlsync.errors import Notice, Problem
from xlsync.models import ActionLabel, Mismatch, MismatchKind, Month
from xlsync.reconcile.beginnings import why_refused
from xlsync.reconcile.past import offered as offered_actions
from xlsync.workbook.edits.addition_changes import (
    Approved,
    RowAction,
    change_addition,
    create_addition,
    tell_asked,
)
from xlsync.workbook.edits.cells import (
    find_altered,
    is_ignored_anew,
    read_amount,
    read_approve,
    read_day,
    was_ignored,
)
from xlsync.workbook.labels import LabelDirectory
from xlsync.workbook.layout import MISMATCHES
from xlsync.workbook.read import Book, SheetRow


class Ignored(Struct, frozen=True):
    """A row to be ignored: for good with a reason, up to its last day where it has one; else this month.

    `is_readable` is false where a decision cannot be read: it makes, changes and ends no rule.
    """

    reason: str = ""
    until: dt.date | None = None
    is_readable: bool = True


class RowEdits(Struct, frozen=True):
    """The decisions on *Mismatches*: actions of approved rows, rows to ignore by key, and problems.

    `asked` is what each approved row asks for, by row key.
    `notices` name what counts for nothing: a Yes where nothing can be written, a reason without `Ignore`.
    """

    actions: tuple[RowAction, ...]
    ignored: Mapping[str, Ignored]
    problems: tuple[Problem, ...]
    mismatches: Mapping[str, Mismatch] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()

    @property
    def taken_up(self) -> frozenset[str]:
        """The keys of rows that a rule ignores and a person does not."""
        return frozenset(
            key
            for key, mismatch in self.mismatches.items()
            if (mismatch.is_ruled or mismatch.is_taken_up) and key not in self.ignored
        )


NO_EDITS = RowEdits((), {}, ())


def read_row_edits(
    book: Book, prices: Mapping[str, Decimal] = MappingProxyType({}), without: Set[str] = frozenset()
) -> RowEdits:
    """Read every decision on *Mismatches*, except the approvals of the rows `without`.

    `prices` are those on *New in ConnectWise* now, by row key.
    """
    problems: list[Problem] = []
    ignored: dict[str, Ignored] = {}
    creations: list[CreateAddition] = []
    changes: dict[int, list[Approved]] = {}
    mismatches: dict[str, Mismatch] = {}
    asked: dict[str, str] = {}
    notices: list[Notice] = []
    month, directory = book.month, LabelDirectory(book.lists)
    for row in book.rows[MISMATCHES.title]:
        mismatch = row.fact("mismatch", Mismatch)
        mismatches[mismatch.key] = mismatch
        action = _read_action(row, mismatch, problems)
        if is_ignored_anew(row) and (altered := find_altered(row)):
            what = f"{', '.join(altered)} had been altered beside Ignore, so it may be meant for another row"
            problems.append(
                Problem(row.where("Action"), what, "choose it again once check has renewed the row")
            )
            if was_ignored(row):
                ignored[mismatch.key] = Ignored(is_readable=False)
        elif action is ActionLabel.IGNORE:
            ignored[mismatch.key] = _read_ignored(row, month, problems)
        elif action is None and mismatch.is_ruled and ("Action" in row.formulas or row.text("Action")):
            ignored[mismatch.key] = Ignored(is_readable=False)  # already a problem, and no end of the rule
        else:
            notices += _tell_not_ignored(row)
        approved = _read_approved(row, mismatch, action, month, directory, problems, notices)
        if approved is None or row.key in without:
            continue
        asked[row.key] = tell_asked(approved)
        if action is ActionLabel.CREATE_ADDITION:
            creation = create_addition(approved, prices)
            if creation is not None:
                creations.append(creation)
        elif mismatch.addition is not None:
            changes.setdefault(mismatch.addition.id, []).append(approved)
    updates = [action for group in changes.values() for action in change_addition(group, month, problems)]
    return RowEdits(
        (*creations, *updates),
        ignored,
        tuple(problems),
        mismatches,
        asked,
        tuple(notices),
    )


def _read_action(row: SheetRow, mismatch: Mismatch, problems: list[Problem]) -> ActionLabel | None:
    text = row.text("Action")
    offered = offered_actions(mismatch)
    if not text and "Action" not in row.formulas:
        return None
    action_label = next((action for action in offered if action.casefold() == text.casefold()), None)
    if action_label is None or "Action" in row.formulas:
        problems.append(
            Problem(
                row.where("Action"),
                f"{text!r} is not possible on this row: {mismatch.explanation}"
                if mismatch.is_held
                else f"{text!r} is not possible where the mismatch is {str(mismatch.kind)!r}",
                f"choose {' or '.join(offered)}, or leave it empty",
            )
        )
    return action_label


def _read_ignored(row: SheetRow, month: Month, problems: list[Problem]) -> Ignored:
    """Read the reason and end of ignoring a row; a month in *Until* stands for its last day."""
    known = len(problems)
    if "Reason" in row.formulas:
        problems.append(Problem(row.where("Reason"), "a formula stands here", "enter a text"))
    try:
        until: dt.date | None = Month.parse(row.text("Until")).last
    except ValueError:
        until = read_day(row, "Until", month, problems)
    if until is not None and until < month.first and row.is_edited("Until"):
        what = f"{until} is before {month}, so the row would not be ignored"
        problems.append(Problem(row.where("Until"), what, "enter a later date, or leave it empty"))
    return Ignored(row.text("Reason"), until) if len(problems) == known else Ignored(is_readable=False)


def _tell_not_ignored(row: SheetRow) -> Iterator[Notice]:
    """Name what a person typed about ignoring a row that is not ignored."""
    for header in ("Reason", "Until"):
        if row.is_edited(header) and row.text(header):
            what = f"{header} counts only where Action is Ignore: choose that, or clear this cell"
            yield Notice(row.where(header), what)


def _read_approved(
    row: SheetRow,
    mismatch: Mismatch,
    action: ActionLabel | None,
    month: Month,
    directory: LabelDirectory,
    problems: list[Problem],
    notices: list[Notice],
) -> Approved | None:
    is_approved = read_approve(row, problems)
    units = read_amount(row, "New Units", problems)
    cost = read_amount(row, "New Cost", problems)
    effective = read_day(row, "Effective From", month, problems)
    if not is_approved:
        return None
    if action is None or action is ActionLabel.IGNORE:
        if row.text("Action") and action is None:
            return None  # already a problem
        notices.append(Notice(row.where("Approve"), _tell_left_aside(mismatch, action)))
        return None
    if action is ActionLabel.CANCEL_ADDITION:
        for header, number in (("New Units", units), ("New Cost", cost)):
            if number:
                what = f"{header} is {number} and Action is {action}, which leaves nothing"
                problems.append(Problem(row.where(header), what, f"clear {header} or Approve"))
    elif effective is not None:
        refused = why_refused(effective, mismatch.bill_start, mismatch.closed_until)
        if refused:
            what = f"ConnectWise would refuse an addition that begins on {effective}: {refused}"
            notices.append(Notice(row.where("Effective From"), f"{what}. Enter a later date"))
    labels = directory.shown(
        row.text, Customer=mismatch.company, Agreement=mismatch.agreement, Product=mismatch.item
    )
    return Approved(row, mismatch, action, units, cost, effective, labels)


def _tell_left_aside(mismatch: Mismatch, action: ActionLabel | None) -> str:
    """Say why the Yes of a row writes nothing, and what to do."""
    if action is ActionLabel.IGNORE:
        return "Nothing is written for this row (its Action is Ignore); its Yes is left aside"
    kind = str(mismatch.kind)
    why = f"({kind[0].lower()}{kind[1:]})"
    if mismatch.kind is MismatchKind.NOT_LINKED:
        return f"Nothing can be written for this row {why}. Link its lines first, then run check"
    if len(offered_actions(mismatch)) > 1:
        return f"Nothing is written for this row {why}, as it has no Action. Choose one"
    return f"Nothing can be written for this row {why}. Its Yes is left aside"
