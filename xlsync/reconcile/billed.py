"""The distributor's invoices against their lines, and what became of the money of every line. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from xlsync.amounts import cents
from xlsync.models import BillingLine, Month, Status

ENOUGH: Final = Decimal("0.8")  # share of the month before; a month with less is not billed completely yet
_ZERO: Final = Decimal(0)


class Fate(StrEnum):
    """The five parts into which the money of billing lines is divided."""

    AGREES = "Agrees"
    DIFFERS = "Differs"
    TO_LINK = "To link"
    NOT_COMPARED = "Not compared"
    IGNORED = "Ignored"


FATES: Final[Mapping[Status, Fate]] = {
    Status.OK: Fate.AGREES,
    Status.MISMATCH: Fate.DIFFERS,
    Status.NOT_LINKED: Fate.TO_LINK,
    Status.CONFIRM_LINK: Fate.TO_LINK,
    Status.NOT_COMPARED: Fate.NOT_COMPARED,
    Status.IGNORED: Fate.IGNORED,
}


@dataclass(frozen=True, slots=True)
class Share:
    """A number of billing lines and their amount."""

    lines: int = 0
    amount: Decimal = _ZERO

    def plus(self, amount: Decimal) -> Share:
        """Return the share with one more line of this amount."""
        return Share(self.lines + 1, self.amount + amount)


@dataclass(frozen=True, slots=True)
class Gap:
    """An invoice whose own total is not the sum of its lines; `amount` is the total less the lines.

    Of a report (`is_report`) it is the total that the file states, and `invoice` the file's name, if needed.
    """

    invoice: str
    amount: Decimal
    is_report: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """A month's money in one currency.

    `invoices` is the total of the distributor's invoices before tax, None where there is none to hold the
    lines against; `unexplained` is that total less the lines, in cents.
    """

    currency: str
    invoices: Decimal | None
    lines: Share
    parts: Mapping[str, Share]  # by the text of each Fate
    unexplained: Decimal | None
    gaps: tuple[Gap, ...] = ()

    @property
    def is_explained(self) -> bool:
        """Return whether every invoice that has a total is the sum of its lines."""
        return not self.gaps and not self.unexplained


def account_for(
    lines: Iterable[BillingLine],
    statuses: Mapping[str, Status],
    invoices: Sequence[InvoiceTotal] | None,
) -> tuple[Billed, ...]:
    """Sum the money by currency, the one with the most lines first; `invoices` is None without totals."""
    whole: dict[str, Share] = {}
    parts: dict[str, dict[str, Share]] = {}
    by_invoice: dict[tuple[str, str], Decimal] = {}
    of_reports = any(invoice.is_report for invoice in invoices or ())
    for line in lines:
        currency = line.currency
        whole[currency] = whole.get(currency, Share()).plus(line.amount)
        own = parts.setdefault(currency, {str(fate): Share() for fate in Fate})
        fate = str(FATES[statuses[line.key]])
        own[fate] = own[fate].plus(line.amount)
        key = (currency, line.report if of_reports else line.invoice)
        by_invoice[key] = by_invoice.get(key, _ZERO) + line.amount
    totals: dict[tuple[str, str], Decimal] = {}
    unknown: set[str] = set()
    for invoice in invoices or ():
        key = (invoice.currency, invoice.number)
        totals[key] = totals.get(key, _ZERO) + (invoice.total or _ZERO)
        if invoice.total is None:
            unknown.add(invoice.currency)
    all_billed = []
    for currency in {*whole, *(currency for currency, _ in totals)}:
        total: Decimal | None = None
        unexplained: Decimal | None = None
        gaps: tuple[Gap, ...] = ()
        if invoices is not None and currency not in unknown:
            own_totals = {number: amount for (code, number), amount in totals.items() if code == currency}
            own_lines = {number: amount for (code, number), amount in by_invoice.items() if code == currency}
            total = sum(own_totals.values(), _ZERO)
            unexplained = cents(total - whole.get(currency, Share()).amount, 1)
            differences = {
                number: cents(own_totals.get(number, _ZERO) - own_lines.get(number, _ZERO), 1)
                for number in sorted({*own_totals, *own_lines})
            }
            gaps = tuple(
                Gap(number, amount, is_report=of_reports) for number, amount in differences.items() if amount
            )
        all_billed.append(
            Billed(
                currency=currency,
                invoices=total,
                lines=whole.get(currency, Share()),
                parts=parts.get(currency, {str(fate): Share() for fate in Fate}),
                unexplained=unexplained,
                gaps=gaps,
            )
        )
    return tuple(sorted(all_billed, key=lambda one: (-one.lines.lines, one.currency)))


@dataclass(frozen=True, slots=True)
class MonthSums:
    """The number of customers that a month bills, and its money by currency."""

    customers: int
    money: Mapping[str, Decimal]


def sums_of_invoices(invoices: Iterable[InvoiceTotal]) -> MonthSums:
    """Sum the totals of invoices."""
    money: dict[str, Decimal] = {}
    customers: set[str] = set()
    for invoice in invoices:
        customers.add(invoice.customer)
        money[invoice.currency] = money.get(invoice.currency, _ZERO) + (invoice.total or _ZERO)
    return MonthSums(len(customers), money)


def sums_of_lines(lines: Iterable[BillingLine]) -> MonthSums:
    """Add up billing lines."""
    money: dict[str, Decimal] = {}
    customers: set[str] = set()
    for line in lines:
        customers.add(line.customer_key)
        money[line.currency] = money.get(line.currency, _ZERO) + line.amount
    return MonthSums(len(customers), money)


def why_incomplete(month: Month, today: dt.date, now: MonthSums, before: MonthSums | None) -> str:
    """Say in a sentence why a month is not billed completely yet; empty where it is.

    `before` are the sums of the month before, None where unknown.
    """
    if today <= month.last:
        return f"{month} is not over: more may be billed until {month.last}."
    if before is None:
        return ""
    previous = month.plus(-1)
    if now.customers < ENOUGH * before.customers:
        return (
            f"{month} bills {now.customers:,} customers, {previous} billed {before.customers:,}: "
            "it does not seem to be billed whole yet."
        )
    for currency, amount in sorted(before.money.items()):
        billed = now.money.get(currency, _ZERO)
        if amount > 0 and billed < ENOUGH * amount:
            return (
                f"{month} bills {billed:,.2f} {currency}, {previous} billed {amount:,.2f}: "
                "it does not seem to be billed whole yet."
            )
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTotal:
    """One of the distributor's invoices: its own total before tax, negative for a credit.

    `total` is None where the invoice does not say it; `customer` is whom the invoice names. Of a report
    (`is_report`) it is the total that the file states, and `number` the file's name where there are several.
    """

    number: str
    currency: str
    total: Decimal | None
    customer: str = ""
    date: dt.date | None = None
    is_report: bool = False


@dataclass(frozen=True, slots=True)
class Billing:
    """A month's billing: its lines, and the totals of its invoices (None where the source has none)."""

    lines: tuple[BillingLine, ...]
    invoices: tuple[InvoiceTotal, ...] | None = None
