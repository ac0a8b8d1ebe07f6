"""The action that sets fields of one record: an end date, a flag, values that an undo restores. PURE."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final

from msgspec import Struct

from xlsync.apply.action_base import ActionBase, Basis
from xlsync.models import Addition

CANCEL: Final = "CancelAddition"  # the kind of a `SetFields` that ends an addition
RETIRE: Final = "Retire"  # the kind of one that takes a created record back by a flag
Setting = Decimal | bool | dt.date | None


class FieldChange(Struct, frozen=True):
    """A field to set: the value when it was approved, and the new one; None means empty.

    Where both are equal nothing is written, but the field must still hold that value.
    """

    name: str
    seen: Setting
    wanted: Setting


class SetFields(ActionBase, frozen=True, kw_only=True):
    """Fields of one record set: an end date, a flag. `kind` names it in journal and JSON.

    `what` says what is written, `subject` names the record, both for people.
    `guard` is the addition as the approved row showed it, if it must still have those values.
    `agreement` is set for a record of an agreement: those are written one after another. `begins` is
    the first day of what changes, where that must not lie in a period that is invoiced already. Where an end
    is set or moved, `stops` are the units billed before, `resumes` those billed afterwards. `ends_own` is set
    where undo ends what the run created itself: it was never invoiced, so that is no drop to zero.
    `successor_item` is the product of the addition that is to continue this one, `succeeds` the id of the
    addition that this one continues. `after` are the keys of actions that must have been done before, so that
    nothing is billed twice, and nothing is taken away that something else stands on. `company` is the one
    that the agreement must still belong to, where an undo knows it. Where `is_cycle_known` is False,
    `monthly` and `impact` are those of an invoice.
    """

    key: str
    rows: tuple[str, ...]
    kind: str
    path: str
    changes: tuple[FieldChange, ...]
    what: str
    subject: str
    guard: Addition | None = None
    agreement: int | None = None
    begins: dt.date | None = None
    stops: Decimal = Decimal(0)
    resumes: Decimal = Decimal(0)
    ends_own: bool = False
    successor_item: int | None = None
    succeeds: int | None = None
    after: tuple[str, ...] = ()
    company: int | None = None
    monthly: Decimal = Decimal(0)
    impact: Decimal = Decimal(0)  # money a month as on the sheet Mismatches, negative if less is billed
    is_price_known: bool = True
    is_cycle_known: bool = True
    currency: str = ""
    basis: Basis | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the actions that must have been done before."""
        return self.after

    @property
    def agreement_id(self) -> int | None:
        """The agreement whose additions the write touches."""
        return self.agreement

    @property
    def lane(self) -> int | str:
        """The agreement, or the record where it belongs to none."""
        return self.agreement or self.key

    @property
    def units(self) -> tuple[Decimal, Decimal]:
        """The units that are billed before and after."""
        return self._change_of("quantity") or (self.stops, self.resumes)

    @property
    def costs(self) -> tuple[Decimal, Decimal]:
        """The cost of a unit before and after; zero and zero where it stays."""
        return self._change_of("unitCost") or (Decimal(0), Decimal(0))

    def _change_of(self, field: str) -> tuple[Decimal, Decimal] | None:
        """A number that is set to another one, before and after."""
        for change in self.changes:
            if change.name == field and change.seen != change.wanted:
                return _number_or_zero(change.seen), _number_or_zero(change.wanted)
        return None

    def __str__(self) -> str:
        return self.what


def _number_or_zero(value: Setting) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(0)


def end_addition(
    addition: Addition,
    last_day: dt.date,
    *,
    rows: tuple[str, ...],
    what: str,
    subject: str,
    begins: dt.date | None,
    basis: Basis | None = None,
) -> SetFields:
    """Make the action that ends an addition on a day; additions are never deleted."""
    return SetFields(
        key=f"cancel:{addition.id}",
        rows=rows,
        kind=CANCEL,
        path=f"/finance/agreements/{addition.agreement_id}/additions/{addition.id}",
        changes=(FieldChange("cancelledDate", addition.cancelled, last_day),),
        what=what,
        subject=subject,
        guard=addition,
        agreement=addition.agreement_id,
        begins=begins,
        currency=basis.currency if basis else "",
        basis=basis,
    )
