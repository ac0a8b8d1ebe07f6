"""What ConnectWise PSA says: companies, agreements, products, additions, and the tenant's setup tables.

Ids of ConnectWise are integers here and text in the workbook.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from msgspec import Struct

from xlsync.models.month import Month


class Company(Struct, frozen=True, kw_only=True):
    """A ConnectWise company: a customer of the MSP."""

    id: int
    identifier: str
    name: str
    default_contact_id: int | None = None
    town: str = ""
    post_code: str = ""


class Agreement(Struct, frozen=True, kw_only=True):
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
    parent_id: int | None = None


class Recap(Struct, frozen=True, kw_only=True):
    """ConnectWise's recap of an agreement: the last and the next invoice.

    `unclear` names a date that could be read in two ways; such a date is None.
    """

    agreement_id: int
    next_date: dt.date | None = None
    next_amount: Decimal | None = None
    last_date: dt.date | None = None
    last_number: str = ""
    unclear: str = ""


class CatalogItem(Struct, frozen=True, kw_only=True):
    """A product that ConnectWise can sell.

    `codes` are the filled ones of vendorSku, integrationXRef and manufacturerPartNumber.
    """

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

    `contract_mark` is the value of its custom field `Subscription ID`, `bill_customer` says whether the
    customer pays for it (empty where that was not read). `carried_over` are the fields that a
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
    bill_customer: str = ""
    status: str = ""  # additionStatus, where whole records were read
    carried_over: Mapping[str, Any] = field(default_factory=dict, hash=False)
    product: str = field(default="", compare=False)  # the catalog item's identifier

    @property
    def is_billed(self) -> bool:
        """Return whether the customer pays for the addition."""
        return self.bill_customer in {"", "Billable"}

    @property
    def is_taken_back(self) -> bool:
        """Return whether the addition ended no later than it began, as undo leaves what a run created."""
        return self.cancelled is not None and self.effective is not None and self.cancelled <= self.effective

    def contradiction(self, today: dt.date) -> str:
        """Write what the status says against the dates; empty if they agree or the status is not known.

        ConnectWise decides by its own day, which may be the one before or after this machine's `today`: there
        is no contradiction where they agree on one of the three.
        """
        if not self.status or any(self._has_status_of(today + dt.timedelta(days)) for days in (0, -1, 1)):
            return ""
        until = f"until {self.cancelled}" if self.cancelled else "without an end"
        return f"{self.id} of agreement {self.agreement_id} is {self.status}, {until}"

    def _has_status_of(self, day: dt.date) -> bool:
        """Return whether the dates allow the status on a day; before an addition begins they allow any."""
        has_begun = self.effective is None or self.effective <= day
        lasts = self.cancelled is None or self.cancelled >= day
        return not has_begun or (self.status == "Active") == lasts

    def is_active(self, month: Month) -> bool:
        """Return whether the addition has begun by the month's last day and is not cancelled by then."""
        last = month.last
        return (self.effective is None or self.effective <= last) and (
            self.cancelled is None or self.cancelled > last
        )


class Setup(Struct, frozen=True):
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


class SetupTables(Struct, frozen=True, kw_only=True):
    """The tenant's choices that creation needs; statuses and types differ from tenant to tenant."""

    company_types: tuple[Setup, ...] = ()
    agreement_types: tuple[Setup, ...] = ()
    billing_cycles: tuple[Setup, ...] = ()
    product_types: tuple[Setup, ...] = ()
    subcategories: tuple[Setup, ...] = ()
    countries: tuple[Setup, ...] = ()


class Lists(Struct, frozen=True, kw_only=True):
    """The entries of the dropdowns: active companies, agreements and products, and the setup tables.

    `odd` has a sentence for each record that could not be read and is left out.
    """

    companies: tuple[Company, ...]
    agreements: tuple[Agreement, ...]
    items: tuple[CatalogItem, ...]
    setup: SetupTables
    odd: tuple[str, ...] = ()

    @property
    def sellable(self) -> list[CatalogItem]:
        """The products that agreements accept: no bundles."""
        return [item for item in self.items if not item.is_bundle]
