"""The products, customers and subscriptions of a distributor, and the dates and money of its billing."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Final, Literal

from xlsync.sandbox.state import Record
from xlsync.sandbox.world.names import Offer

MSP: Final = {"id": 501, "name": "Maple MSP"}
MONTHS: Final = ((2026, 8), (2026, 9), (2026, 10))
OCTOBER: Final = MONTHS[2]
Term = Literal["month", "annual-monthly", "annual"]
MONTH: Final = {"id": "44444444-0000-4000-8000-000000000001", "name": "Month"}
YEAR: Final = {"id": "44444444-0000-4000-8000-000000000002", "name": "Annual"}
LICENSE: Final = {"id": "44444444-0000-4000-8000-000000000003", "name": "License"}
SETUP_FEE: Final = {"id": "44444444-0000-4000-8000-000000000004", "name": "Setup Fee"}
LICENSES: Final = {"id": "55555555-0000-4000-8000-000000000001", "name": "Licenses"}
PRICE: Final = Decimal("0.0001")
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ListedProduct:
    """A product of the distributor's price list."""

    id: str
    code: str
    offer: Offer

    @property
    def short(self) -> Record:
        """The reference by which lines and subscriptions show it."""
        return {"id": self.id, "name": self.offer.name, "code": self.code}


@dataclass(frozen=True, slots=True)
class Customer:
    """An end customer of the MSP, as the distributor knows it."""

    id: int
    name: str

    @property
    def short(self) -> Record:
        """The reference by which lines and subscriptions show it."""
        return {"id": self.id, "name": self.name}


@dataclass(slots=True)
class Subscription:
    """A customer's subscription. `units` are those charged on the first of each of the three months;
    `now` those in force when October's billing ends.
    """  # noqa: D205

    id: str
    customer: Customer
    product: ListedProduct
    term: Term
    cost: Decimal
    units: list[Decimal]
    now: Decimal
    start: dt.date


def first(month: tuple[int, int]) -> dt.date:
    """Return the month's first day."""
    return dt.date(*month, 1)


@cache
def last(month: tuple[int, int]) -> dt.date:
    """Return the month's last day."""
    return dt.date(*month, calendar.monthrange(*month)[1])


def stamp(day: dt.date, time: str = "00:00:00") -> str:
    """Write a moment as the BSS does: in eastern European time, with the offset."""
    summer = _last_sunday((day.year, 3)) <= day < _last_sunday((day.year, 10))
    return f"{day.isoformat()}T{time}{'+03:00' if summer else '+02:00'}"


@cache
def _last_sunday(month: tuple[int, int]) -> dt.date:
    end = last(month)
    return end - dt.timedelta(days=(end.weekday() + 1) % 7)


def money(value: Decimal) -> Decimal:
    """Round an amount to cents."""
    return value.quantize(_CENT, ROUND_HALF_UP)
