"""What the BSS or a report says: billing lines and end customers.

Ids of the BSS are text everywhere.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

_UUID: Final = re.compile(r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", re.IGNORECASE)


class LineType(StrEnum):
    """The kinds of charge of a billing line."""

    RECURRING = "Recurring"
    CREDIT = "Credit"
    USAGE = "Usage"
    ONE_TIME = "One-time"


def billing_period_in(product_key: str) -> str:
    """Return the billing period in a `BillingLine.product_key`; empty where it has none."""
    return product_key.rsplit("|", 2)[-2] if product_key.count("|") > 1 else ""


def split_key(key: str) -> tuple[str, str]:
    """The source of a customer's, product's or contract's key (`bss` or `report`), and its id there."""
    source, _, own_id = key.partition(":")
    return source, own_id


def is_unique(customer_id: str) -> bool:
    """Return whether no two customers of any distributors have the id, as Microsoft's of a tenant."""
    return _UUID.fullmatch(customer_id.strip()) is not None


class BillingLine(Struct, frozen=True, kw_only=True):
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
    def days(self) -> int:
        """The number of days of the line's period; 0 where its start or its end is not known."""
        return (self.end - self.start).days + 1 if self.start is not None and self.end is not None else 0

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


class Account(Struct, frozen=True, kw_only=True):
    """An end customer as the BSS knows it: proposals for a new ConnectWise company."""

    name: str
    email: str = ""
    address: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = ""
