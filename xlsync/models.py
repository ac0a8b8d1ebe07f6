"""The words of the field, frozen: what xlsync reads from both systems, decides and writes.

Ids of ConnectWise are integers here and text in the workbook; ids of the BSS are text everywhere.
Units and money are `Decimal`; `None` is absent and never the same as zero.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Final, Literal

CREATE_NEW: Final = "(create new)"

By = Literal["invoice-date", "service-period"]  # what decides the month of a billing line
Progress = Callable[
    [str, int, int | None], None
]  # called with the name of a step, the number done, and the total (None where unknown)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month of billing, written `2026-10`."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `2026-10`; raises ValueError for anything else."""
        match = re.fullmatch(r"(\d{4})-(\d{2})", text)
        if not match or not 1 <= int(match[2]) <= 12 or int(match[1]) < 1900:
            raise ValueError(text)
        return cls(int(match[1]), int(match[2]))

    @property
    def first(self) -> dt.date:
        """The month's first day."""
        return dt.date(self.year, self.month, 1)

    @property
    def last(self) -> dt.date:
        """The month's last day."""
        return _last_day(self.year, self.month)

    def plus(self, months: int) -> Month:
        """The month that many months later (earlier, if negative)."""
        count = self.year * 12 + self.month - 1 + months
        return Month(count // 12, count % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


@cache  # called for every addition, with few different months
def _last_day(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


class LineType(StrEnum):
    """The kinds of charge of a billing line."""

    RECURRING = "Recurring"
    CREDIT = "Credit"
    USAGE = "Usage"
    ONE_TIME = "One-time"


def billing_period_in(product_key: str) -> str:
    """The billing period in a `BillingLine.product_key`; empty where it has none."""
    return product_key.rsplit("|", 2)[-2] if product_key.count("|") > 1 else ""


def split_key(key: str) -> tuple[str, str]:
    """The source of a customer's, product's or contract's key (`bss` or `report`), and its id there."""
    source, _, own_id = key.partition(":")
    return source, own_id


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingLine:
    """One line of the month's BSS billing; a credit has negative units and amount.

    `charge` is what kind of charge it is or, for a credit, takes back. `cost` is what the MSP pays
    per unit, after discount. `billing_months` and `commitment_months` are the lengths of the billing
    and commitment period, None where unknown. `start` and `end` (inclusive) are the charged period,
    in the calendar of the BSS's own offset. `unread` says what of this line could not be read
    (a failed request), so that it is never taken for an absence.
    """

    key: str
    invoice: str
    type: LineType
    charge: LineType
    customer: str
    product: str
    units: Decimal
    cost: Decimal | None
    amount: Decimal
    currency: str
    source: str = "bss"  # "bss" or "report": their ids are different keys
    customer_id: str = ""
    contract_id: str = ""
    addon_id: str = ""
    product_id: str = ""
    product_code: str = ""
    billing_period: str = ""
    billing_months: int | None = None
    commitment_period: str = ""
    commitment_months: int | None = None
    start: dt.date | None = None
    end: dt.date | None = None
    unread: str = ""
    report: str = ""  # the name of the report file that the line was read from

    @property
    def customer_key(self) -> str:
        """The key under which a link of the line's BSS customer is remembered."""
        return f"{self.source}:{self.customer_id or self.customer}"

    @property
    def bss_product(self) -> str:
        """The source and code of the line's product, in whatever way it is billed."""
        return f"{self.source}:{self.product_code or self.product_id or self.product}"

    @property
    def product_key(self) -> str:
        """The key under which a link of the line's product with its periods is remembered."""
        return f"{self.bss_product}|{self.billing_period}|{self.commitment_period}"

    @property
    def contract(self) -> str:
        """The subscription, with the add-on that the line is for; without one, the customer's product."""
        if not self.contract_id:
            return f"{self.customer_key}//{self.product_key}"
        return f"{self.source}:{self.contract_id}" + (f"/{self.addon_id}" if self.addon_id else "")

    @property
    def is_compared(self) -> bool:
        """Return whether the line's kind of charge is compared with additions."""
        return self.charge is LineType.RECURRING


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A ConnectWise company: a customer of the MSP."""

    id: int
    identifier: str
    name: str
    default_contact_id: int | None = None
    town: str = ""
    post_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A recurring contract of a company in ConnectWise, whose additions are billed each cycle."""

    id: int
    name: str
    company_id: int
    billing_cycle: str = ""
    billing_months: int | None = None  # None where the cycle is unknown or does not recur in months
    currency: str = ""
    start: dt.date | None = None
    bill_start: dt.date | None = None  # no addition may begin before it
    end: dt.date | None = None
    next_invoice: dt.date | None = None
    prorated: bool = False
    cycle_trouble: str = ""  # why nobody knows how often it bills, as a sentence
    parent: str = ""  # the agreement whose invoice bills this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Recap:
    """ConnectWise's recap of an agreement: the last and the next invoice.

    `unclear` names a date that could be read in two ways; such a date is None.
    """

    agreement_id: int
    next_date: dt.date | None = None
    next_amount: Decimal | None = None
    last_date: dt.date | None = None
    last_number: str = ""
    unclear: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogItem:
    """A product that ConnectWise can sell. `codes` are its vendorSku, integrationXRef and
    manufacturerPartNumber, those that are filled.
    """  # noqa: D205

    id: int
    identifier: str
    description: str
    price: Decimal | None = None
    cost: Decimal | None = None
    codes: tuple[str, ...] = ()
    is_bundle: bool = False  # ConnectWise takes no bundle as an addition


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A catalog item on an agreement, with the quantity that is billed each cycle.

    `contract_mark` is the value of its custom field `Subscription ID`. `carried_over` are the fields that a
    successor takes over unchanged, as ConnectWise gave them; they are read for a write only.
    """

    id: int
    agreement_id: int
    item_id: int
    quantity: Decimal
    less_included: Decimal = Decimal(0)
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None
    effective: dt.date | None = None
    cancelled: dt.date | None = None
    contract_mark: str = ""
    status: str = ""  # additionStatus, where whole records were read
    carried_over: Mapping[str, Any] = field(default_factory=dict, hash=False)
    product: str = field(default="", compare=False)  # the catalog item's identifier

    def contradiction(self, today: dt.date) -> str:
        """Write what the status says against the dates; empty if they agree or the status is not known."""
        has_begun = self.effective is None or self.effective <= today
        lasts = self.cancelled is None or self.cancelled >= today
        if not self.status or not has_begun or (self.status == "Active") == lasts:
            return ""
        until = f"until {self.cancelled}" if self.cancelled else "without an end"
        return f"{self.id} of agreement {self.agreement_id} is {self.status}, {until}"

    def is_active(self, month: Month) -> bool:
        """Return whether the addition has begun by the month's last day and is not cancelled by then."""
        last = month.last
        return (self.effective is None or self.effective <= last) and (
            self.cancelled is None or self.cancelled > last
        )


class Evidence(StrEnum):
    """The reason for which a part of a link was taken, strongest first."""

    REMEMBERED = "remembered"
    MARKED = "marked in ConnectWise"
    EXACT = "exact"
    ONLY_AGREEMENT = "only agreement"  # on the sheets `automatic: only agreement`
    CONFIRMED = "confirmed"
    CHOSEN = "chosen"
    SUGGESTED = "suggested"

    @property
    def strength(self) -> int:
        """The rank of the evidence; 0 is the strongest."""
        return _STRENGTHS[self]


_STRENGTHS: Final = {evidence: strength for strength, evidence in enumerate(Evidence)}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a link's three parts: a company, agreement or catalog item, and why it was taken.

    `to` is its ConnectWise id, or the row key (text) of a row of *New in ConnectWise* where it is
    still to be created. `score` is the percentage of a suggestion. `of_product` is True where the evidence
    for an agreement holds for this product only, not for all of the customer's.
    """

    to: int | str
    evidence: Evidence
    score: int | None = None
    of_product: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The decision that a billing line belongs to a company, an agreement and a catalog item."""

    company: Choice | None = None
    agreement: Choice | None = None
    item: Choice | None = None

    @property
    def parts(self) -> tuple[Choice, ...]:
        """The parts that are known."""
        return tuple(part for part in (self.company, self.agreement, self.item) if part is not None)

    @property
    def is_complete(self) -> bool:
        """Return whether company, agreement and item are all known."""
        return self.company is not None and self.agreement is not None and self.item is not None

    @property
    def is_suggested(self) -> bool:
        """Return whether a part is only a suggestion, which a person has to confirm."""
        for part in (
            self.company,
            self.agreement,
            self.item,
        ):  # called very often: a loop is the fastest form
            if part is not None and part.evidence is Evidence.SUGGESTED:
                return True
        return False

    @property
    def counts(self) -> bool:
        """Return whether the link is complete and confirmed: only then are its lines compared."""
        return self.is_complete and not self.is_suggested

    @property
    def match(self) -> str:
        """The text of the *Match* column: the evidence of the weakest part."""
        if not self.parts or not (self.is_complete or self.is_suggested):
            return ""
        weakest = max(self.parts, key=lambda part: (part.evidence.strength, -(part.score or 0)))
        if weakest.evidence is Evidence.SUGGESTED:
            return f"{Evidence.SUGGESTED} {weakest.score or 0}%"
        if weakest.evidence is Evidence.ONLY_AGREEMENT:
            return f"automatic: {weakest.evidence}"
        return str(weakest.evidence)


@dataclass(frozen=True, slots=True)
class Target:
    """One agreement and one catalog item: what a line's units are compared with.

    Either may be the row key of something still to be created. `contract_id` is filled where
    several additions of the target are told apart by their `Subscription ID` mark.
    """

    agreement: int | str
    item: int | str
    contract_id: str = ""


class Status(StrEnum):
    """The status of a billing line: the *Status* column."""

    OK = "OK"
    MISMATCH = "Mismatch"
    NOT_LINKED = "Not linked"
    CONFIRM_LINK = "Confirm link"
    IGNORED = "Ignored"
    NOT_COMPARED = "Not compared"


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
        """The actions that can be chosen for a mismatch, `Ignore` always among them."""
        possible = {
            MismatchKind.UNITS_DIFFER: (cls.UPDATE_UNITS,),
            MismatchKind.COST_DIFFERS: (cls.UPDATE_COST,),
            MismatchKind.NOT_IN_CONNECTWISE: (cls.CREATE_ADDITION,),
            MismatchKind.ONLY_IN_CONNECTWISE: (cls.CANCEL_ADDITION,),
        }
        return (*possible.get(kind, ()), cls.IGNORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
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
    not_due: bool = False  # billed yearly and not due this month: no money at stake
    contract_id: str = ""  # for the mark on a new addition
    begins: dt.date | None = None  # the first day of a new addition
    bill_start: dt.date | None = None  # of the agreement: ConnectWise takes no addition from before it
    closed_until: dt.date | None = None  # the agreement does not prorate, and has invoiced until this day
    action: ActionLabel | None = None  # chosen already when the row is written
    is_ruled: bool = False  # ignored by a lasting rule, with its reason and its last day
    is_taken_up: bool = False  # a person chose something else than to ignore it, in spite of a rule
    reason: str = ""
    until: dt.date | None = None
    is_held: bool = False  # a later month bills otherwise, or ConnectWise refuses it: nothing can be written
    since: str = ""  # the earliest month in which it was seen
    by_hand: Decimal | None = None  # money of the month that no write will bill
    is_warned: bool = False  # the explanation warns of a write, so that none is preset
    is_half_done: bool = False  # its addition has ended, and the successor is not there yet
    explanation: str = ""

    @property
    def difference(self) -> Decimal | None:
        """Units billed minus units in ConnectWise; an absent side counts as none."""
        if self.bss_units is None and self.connectwise_units is None:
            return None
        return (self.bss_units or Decimal(0)) - (self.connectwise_units or Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An end customer as the BSS knows it: proposals for a new ConnectWise company."""

    name: str
    email: str = ""
    address: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """One entry of a setup table of the tenant; `parent` is the category of a subcategory.

    `months` is the length of a billing cycle, None where it does not recur in months; `recurs` is False
    for one that never does.
    """

    id: int
    name: str
    parent: str = ""
    months: int | None = None
    is_default: bool = False
    recurs: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupTables:
    """The tenant's choices that creation needs; statuses and types differ from tenant to tenant."""

    company_types: tuple[Setup, ...] = ()
    agreement_types: tuple[Setup, ...] = ()
    billing_cycles: tuple[Setup, ...] = ()
    product_types: tuple[Setup, ...] = ()
    subcategories: tuple[Setup, ...] = ()
    countries: tuple[Setup, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The entries of the dropdowns: active companies, agreements and products, and the setup tables.

    `odd` has a sentence for each record that could not be read and is left out.
    """

    companies: tuple[Company, ...]
    agreements: tuple[Agreement, ...]
    items: tuple[CatalogItem, ...]
    setup: SetupTables
    odd: tuple[str, ...] = ()
