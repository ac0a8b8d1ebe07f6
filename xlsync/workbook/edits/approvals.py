"""Approvals: read the decisions on *Mismatches* as actions, and collect all problems. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence, Set
from decimal import Decimal
from types import MappingProxyType

from msgspec import Struct, field

from xlsync.apply.action_base import Basis, ShownLabels
from xlsync.apply.actions import Change, CreateAddition, Field, Predecessor, UpdateAddition
from xlsync.apply.set_fields import SetFields, end_addition
from xlsync.errors import Notice, Problem
from xlsync.models import ActionLabel, Addition, Mismatch, MismatchKind, Month
from xlsync.reconcile.beginnings import why_refused
from xlsync.reconcile.past import offered as offered_actions
from xlsync.records import replace
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

RowAction = CreateAddition | UpdateAddition | SetFields


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
    changes: dict[int, list[_Approved]] = {}
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
        asked[row.key] = _tell_asked(approved)
        if action is ActionLabel.CREATE_ADDITION:
            creation = _create_addition(approved, prices)
            if creation is not None:
                creations.append(creation)
        elif mismatch.addition is not None:
            changes.setdefault(mismatch.addition.id, []).append(approved)
    updates = [action for group in changes.values() for action in _change_addition(group, month, problems)]
    return RowEdits(
        (*creations, *updates),
        ignored,
        tuple(problems),
        mismatches,
        asked,
        tuple(notices),
    )


class _Approved(Struct, frozen=True):
    """One approved row of *Mismatches*, its cells read."""

    row: SheetRow
    mismatch: Mismatch
    action: ActionLabel
    units: Decimal | None
    cost: Decimal | None
    effective: dt.date | None
    labels: ShownLabels

    @property
    def units_or_billed(self) -> Decimal | None:
        """The units that were entered, else those that the distributor billed."""
        return self.mismatch.bss_units if self.units is None else self.units

    @property
    def cost_or_billed(self) -> Decimal | None:
        """The unit cost that was entered, else that which the distributor billed."""
        return self.mismatch.bss_cost if self.cost is None else self.cost


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
) -> _Approved | None:
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
    return _Approved(row, mismatch, action, units, cost, effective, labels)


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


def _tell_asked(approved: _Approved) -> str:
    """Write down what a row asks for, so that a repeated approval is recognised."""
    wanted = approved.units_or_billed, approved.cost_or_billed
    numbers = ("" if number is None else f"{number.normalize():f}" for number in wanted)
    return "; ".join((str(approved.action), *numbers, str(approved.effective or "")))


def _create_addition(approved: _Approved, prices: Mapping[str, Decimal]) -> CreateAddition | None:
    mismatch = approved.mismatch
    if mismatch.agreement is None or mismatch.item is None:
        return None
    price = mismatch.unit_price
    if isinstance(mismatch.item, str):  # a product to be created: its price may have been entered since
        price = prices.get(mismatch.item, price)
    quantity = Decimal(0) if approved.units_or_billed is None else approved.units_or_billed
    monthly = quantity * (price or Decimal(0)) / mismatch.months
    return CreateAddition(
        key=mismatch.key,
        rows=(mismatch.key,),
        agreement=mismatch.agreement,
        item=mismatch.item,
        quantity=quantity,
        unit_cost=approved.cost_or_billed,
        effective=approved.effective or mismatch.begins,
        customer=approved.row.text("Customer"),
        product=approved.row.text("Product") or mismatch.product,
        contract_id=mismatch.contract_id,
        contract_name=mismatch.product,
        beside=mismatch.beside,
        monthly=monthly,
        is_price_known=price is not None,
        impact=monthly,
        basis=_basis_of(approved),
        seen_price=price,
        currency=mismatch.currency,
    )


def _basis_of(approved: _Approved) -> Basis | None:
    """Return the agreement that a row's write depends on; None where it is still to be created."""
    mismatch = approved.mismatch
    if not isinstance(mismatch.agreement, int):
        return None
    company = mismatch.company if isinstance(mismatch.company, int) else None
    return Basis(
        mismatch.agreement,
        company,
        mismatch.currency,
        approved.labels,
        mismatch.months,
        mismatch.next_invoice,
    )


class _ChangeOfAddition(Struct, frozen=True):
    """The approved change of one addition: its rows, the addition as they showed it, and names for people.

    `begins` is the date in *Effective From*; None changes the addition in place.
    """

    group: Sequence[_Approved]
    seen: Addition
    begins: dt.date | None
    basis: Basis | None
    customer: str
    product: str

    @property
    def mismatch(self) -> Mismatch:
        """The mismatch of the first row."""
        return self.group[0].mismatch

    @property
    def rows(self) -> tuple[str, ...]:
        """The keys of the approved rows."""
        return tuple(approved.mismatch.key for approved in self.group)

    @property
    def subject(self) -> str:
        """The name of the addition in a sentence."""
        return f"{self.product} for {self.customer}"


def _change_addition(
    group: Sequence[_Approved], month: Month, problems: list[Problem]
) -> Sequence[RowAction]:
    """Plan all that is approved for one addition: two changes of one addition are never planned.

    The addition is changed in place, or, with a date in Effective From, ends the day before and is succeeded.
    """
    first = group[0]
    seen = first.mismatch.addition
    assert seen is not None  # noqa: S101 - grouped by it
    if not _is_date_possible(group, seen, problems):
        return ()
    change = _ChangeOfAddition(
        group=group,
        seen=seen,
        begins=first.effective,
        basis=_basis_of(first),
        customer=first.row.text("Customer"),
        product=first.row.text("Product") or first.mismatch.product,
    )
    if first.action is ActionLabel.CANCEL_ADDITION:
        return (_cancellation(change, change.begins or month.last),)
    wanted = _all_wanted(group, problems)
    if wanted is None:
        return ()
    update = _update(change, wanted)
    return (update,) if change.begins is None else _succession(change, update, change.begins, wanted)


def _is_date_possible(group: Sequence[_Approved], seen: Addition, problems: list[Problem]) -> bool:
    """Return whether there is one date in *Effective From*, within the addition; else add a problem."""
    first = group[0]
    begins = first.effective
    if len({approved.effective for approved in group}) > 1:
        what, todo = (
            "the approved rows of this addition have different dates",
            "enter one date in all of them",
        )
        problems.append(Problem(first.row.where("Effective From"), what, f"{todo}, or clear all of them"))
        return False
    if begins is not None and seen.effective is not None and begins <= seen.effective:
        what = f"the addition itself begins on {seen.effective}"
        todo = "enter a later date, or clear it"
        problems.append(Problem(first.row.where("Effective From"), what, todo))
        return False
    if begins is not None and seen.cancelled is not None and begins > seen.cancelled:
        what = f"the addition itself ends on {seen.cancelled}"
        problems.append(
            Problem(first.row.where("Effective From"), what, "enter an earlier date, or clear Approve")
        )
        return False
    return True


def _cancellation(change: _ChangeOfAddition, last_day: dt.date) -> SetFields:
    """Make the action that ends an addition for good."""
    impact = change.mismatch.impact
    money = abs(impact or Decimal(0))
    ended = end_addition(
        change.seen,
        last_day,
        rows=change.rows,
        what=f"cancel {change.subject} as of {last_day}",
        subject=change.subject,
        begins=last_day,
        basis=change.basis,
    )
    return replace(
        ended, monthly=money, impact=-money, stops=change.seen.quantity, is_price_known=impact is not None
    )


def _update(change: _ChangeOfAddition, wanted: Mapping[Field, Decimal]) -> UpdateAddition:
    """Make the action that changes an addition in place, with its money a month."""
    seen, mismatch = change.seen, change.mismatch
    units = wanted.get(Field.QUANTITY, seen.quantity)
    cost = wanted.get(Field.UNIT_COST, seen.unit_cost)
    more = (units - seen.quantity) * (mismatch.unit_price or Decimal(0))
    dearer = Decimal(0) if cost is None else (cost - (seen.unit_cost or Decimal(0))) * units
    return UpdateAddition(
        key=f"update:{seen.id}",
        rows=change.rows,
        seen=seen,
        changes=tuple(
            Change(target, target.value_on(seen), wanted[target]) for target in Field if target in wanted
        ),
        customer=change.customer,
        product=change.product,
        catalog_price=_catalog_price(seen, mismatch, units),
        monthly=(abs(more) + abs(dearer)) / mismatch.months,
        impact=(more - dearer) / mismatch.months,
        is_price_known=mismatch.unit_price is not None or units == seen.quantity,
        basis=change.basis,
    )


def _catalog_price(seen: Addition, mismatch: Mismatch, units: Decimal) -> Decimal | None:
    """Return the catalog's price where it is what the units of an addition are billed at; else None."""
    is_needed = units != seen.quantity and seen.unit_price is None and seen.is_billed
    return mismatch.unit_price if is_needed else None


def _succession(
    change: _ChangeOfAddition, update: UpdateAddition, begins: dt.date, wanted: Mapping[Field, Decimal]
) -> tuple[SetFields, CreateAddition]:
    """Make the actions of a change from a date on: an addition ends the day before, its successor begins.

    `update` is the change in place that they are made of; its money is theirs.
    """
    seen, eve = change.seen, begins - dt.timedelta(days=1)
    ended = end_addition(
        seen,
        eve,
        rows=change.rows,
        what=f"end {change.subject} on {eve}",
        subject=change.subject,
        begins=begins,
        basis=change.basis,
    )
    successor = CreateAddition(
        key=f"successor:{seen.id}",
        rows=change.rows,
        agreement=seen.agreement_id,
        item=seen.item_id,
        quantity=wanted.get(Field.QUANTITY, seen.quantity),
        unit_cost=wanted.get(Field.UNIT_COST, seen.unit_cost),
        effective=begins,
        customer=change.customer,
        product=change.product,
        beside=change.mismatch.beside,
        monthly=update.monthly,
        impact=update.impact,
        is_price_known=update.is_price_known,
        succeeds=Predecessor(ended.key, seen),
        basis=change.basis,
        currency=change.mismatch.currency,
    )
    return replace(ended, successor_item=seen.item_id), successor


def _all_wanted(group: Sequence[_Approved], problems: list[Problem]) -> dict[Field, Decimal] | None:
    """Return the new values that all rows want; None, with a problem, where two rows want different ones."""
    wanted: dict[Field, Decimal] = {}
    for approved in group:
        for target, value in _wanted(approved):
            if wanted.setdefault(target, value) != value:
                header = "New Cost" if target is Field.UNIT_COST else "New Units"
                what = "another approved row sets this addition to another value"
                todo = "enter the same value in both, or approve one of them"
                problems.append(Problem(approved.row.where(header), what, todo))
                return None
    return wanted


def _wanted(approved: _Approved) -> Iterator[tuple[Field, Decimal]]:
    """Yield the new values that one row wants; an empty cell stands for what was billed."""
    if approved.action is ActionLabel.UPDATE_UNITS:
        if approved.units_or_billed is not None:
            yield Field.QUANTITY, approved.units_or_billed
        if approved.cost is not None:
            yield Field.UNIT_COST, approved.cost
    if approved.action is ActionLabel.UPDATE_COST:
        if approved.cost_or_billed is not None:
            yield Field.UNIT_COST, approved.cost_or_billed
        if approved.units is not None:
            yield Field.QUANTITY, approved.units
