"""Mismatches: how billing and ConnectWise differ on a target, and what can be done about it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from xlsync.models.connectwise import Addition


class Status(StrEnum):
    """The status of a billing line: the *Status* column."""

    OK = "OK"
    MISMATCH = "Mismatch"
    NOT_LINKED = "Not linked"
    CONFIRM_LINK = "Confirm link"
    IGNORED = "Ignored"
    NOT_COMPARED = "Not compared"


UNLINKED: Final = (Status.NOT_LINKED, Status.CONFIRM_LINK)  # of lines that wait for a link


class MismatchKind(StrEnum):
    """The kinds of differences between billing and ConnectWise: the *Mismatch* column."""

    UNITS_DIFFER = "Units differ"
    COST_DIFFERS = "Cost differs"
    NOT_IN_CONNECTWISE = "Not in ConnectWise"
    ONLY_IN_CONNECTWISE = "Only in ConnectWise"
    NOT_LINKED = "Not linked"
    SEVERAL_ADDITIONS = "Several additions"
    BILLING_PERIOD_DIFFERS = "Billing period differs"
    CURRENCY_DIFFERS = "Currency differs"
    COULD_NOT_CHECK = "Could not check"
    CHANGED_SINCE_EXPORT = "Changed since export"


class ActionLabel(StrEnum):
    """The possible actions on a mismatch: the *Action* column."""

    UPDATE_UNITS = "Update units"
    UPDATE_COST = "Update cost"
    CREATE_ADDITION = "Create addition"
    CANCEL_ADDITION = "Cancel addition"
    IGNORE = "Ignore"

    @classmethod
    def offered(cls, kind: MismatchKind) -> tuple[ActionLabel, ...]:
        """Return the actions that can be chosen for a mismatch, `Ignore` always among them."""
        possible = {
            MismatchKind.UNITS_DIFFER: (cls.UPDATE_UNITS,),
            MismatchKind.COST_DIFFERS: (cls.UPDATE_COST,),
            MismatchKind.NOT_IN_CONNECTWISE: (cls.CREATE_ADDITION,),
            MismatchKind.ONLY_IN_CONNECTWISE: (cls.CANCEL_ADDITION,),
        }
        return (*possible.get(kind, ()), cls.IGNORE)


class Mismatch(Struct, frozen=True, kw_only=True):
    """Billing and ConnectWise differ on a target, or could not be compared; one possible write.

    `company`, `agreement` and `item` are ConnectWise ids, row keys of what is still to be created, or
    None where not linked. `addition` is the one that an update would change. `beside` are the additions
    of the same product on the agreement at that time: any other one was created since.
    Money is in the agreement's currency; `impact` is a month's.
    """

    key: str
    kind: MismatchKind
    customer: str  # the BSS's names
    product: str
    customer_id: str = ""  # of the BSS, where the customer has no line that tells it
    line_keys: tuple[str, ...] = ()
    company: int | str | None = None
    agreement: int | str | None = None
    item: int | str | None = None
    currency: str = ""  # of the agreement, or of the lines that it is to be created for
    addition: Addition | None = None
    beside: tuple[int, ...] = ()
    bss_units: Decimal | None = None
    connectwise_units: Decimal | None = None
    bss_cost: Decimal | None = None
    connectwise_cost: Decimal | None = None
    unit_price: Decimal | None = None
    months: int = 1
    impact: Decimal | None = None
    stake: Decimal = Decimal(0)  # money that orders the rows where `impact` is not known
    last: bool = False  # sorted to the end of the sheet
    not_due: bool = False  # billed for several months, and not in this one: no money at stake
    contract_id: str = ""  # for the mark on a new addition
    begins: dt.date | None = None  # the first day of a new addition
    bill_start: dt.date | None = None  # of the agreement: ConnectWise takes no addition from before it
    next_invoice: dt.date | None = None  # of the agreement: on it a change shows
    closed_until: dt.date | None = None  # the agreement does not prorate, and has invoiced until this day
    action: ActionLabel | None = None  # chosen already when the row is written
    is_ruled: bool = False  # ignored by a lasting rule, with its reason and its last day
    is_taken_up: bool = False  # a person chose something else than to ignore it, in spite of a rule
    reason: str = ""
    until: dt.date | None = None
    is_held: bool = False  # a later month bills otherwise, or ConnectWise refuses it: nothing can be written
    since: str = ""  # the earliest month in which it was seen
    by_hand: Decimal | None = None  # money of the month that no write will bill
    is_half_done: bool = False  # its addition has ended, and the successor is not there yet
    explanation: str = ""

    @property
    def difference(self) -> Decimal | None:
        """Units billed minus units in ConnectWise; an absent side counts as none."""
        if self.bss_units is None and self.connectwise_units is None:
            return None
        return (self.bss_units or Decimal(0)) - (self.connectwise_units or Decimal(0))
