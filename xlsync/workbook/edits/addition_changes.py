"""Changes of additions: approved rows of *Mismatches* made into actions, one plan for each addition. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from xlsync.apply.action_base import Basis, ShownLabels
from xlsync.apply.actions import Change, CreateAddition, Field, Predecessor, UpdateAddition
from xlsync.apply.set_fields import SetFields, end_addition
from xlsync.errors import Problem
from xlsync.models import ActionLabel, Addition, Mismatch, Month
from xlsync.records import replace
from xlsync.workbook.read import SheetRow

RowAction = CreateAddition | UpdateAddition | SetFields


class Approved(Struct, frozen=True):
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


def tell_asked(approved: Approved) -> str:
    """Write down what a row asks for, so that a repeated approval is recognised."""
    wanted = approved.units_or_billed, approved.cost_or_billed
    numbers = ("" if number is None else f"{number.normalize():f}" for number in wanted)
    return "; ".join((str(approved.action), *numbers, str(approved.effective or "")))


def create_addition(approved: Approved, prices: Mapping[str, Decimal]) -> CreateAddition | None:
    """Make the action that creates an addition; None where its agreement or product is not known.

    `prices` are those on *New in ConnectWise* now, by row key.
    """
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


def _basis_of(approved: Approved) -> Basis | None:
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

    group: Sequence[Approved]
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


def change_addition(group: Sequence[Approved], month: Month, problems: list[Problem]) -> Sequence[RowAction]:
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


def _is_date_possible(group: Sequence[Approved], seen: Addition, problems: list[Problem]) -> bool:
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
    ended = _end(change, last_day, f"cancel {change.subject} as of {last_day}", begins=last_day)
    return replace(
        ended, monthly=money, impact=-money, stops=change.seen.quantity, is_price_known=impact is not None
    )


def _end(change: _ChangeOfAddition, last_day: dt.date, what: str, *, begins: dt.date) -> SetFields:
    """Make the action that ends the addition of a change; `begins` is the day from which that counts."""
    return end_addition(
        change.seen,
        last_day,
        rows=change.rows,
        what=what,
        subject=change.subject,
        begins=begins,
        basis=change.basis,
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
    ended = _end(change, eve, f"end {change.subject} on {eve}", begins=begins)
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


def _all_wanted(group: Sequence[Approved], problems: list[Problem]) -> dict[Field, Decimal] | None:
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


def _wanted(approved: Approved) -> Iterator[tuple[Field, Decimal]]:
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
