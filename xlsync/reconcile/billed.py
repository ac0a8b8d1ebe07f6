"""The distributor's invoices against their lines, and what became of the money of every line. PURE."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from xlsync.amounts import cents, tell_money
from xlsync.models import BillingLine, Month, Status

ENOUGH: Final = Decimal("0.8")  # share of the month before; a month with less is not billed completely yet
_ZERO: Final = Decimal(0)
_CENT: Final = Decimal("0.01")


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


class Share(Struct, frozen=True):
    """A number of billing lines and their amount."""

    lines: int = 0
    amount: Decimal = _ZERO


class Gap(Struct, frozen=True):
    """An invoice whose own total is not the sum of its lines; `amount` is the total less the lines.

    For a report (`is_report`) the total is what the file states, and `invoice` the file's name, if needed.
    """

    invoice: str
    amount: Decimal
    is_report: bool = False


class Billed(Struct, frozen=True, kw_only=True):
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


def account_for(
    lines: Iterable[BillingLine],
    statuses: Mapping[str, Status],
    invoices: Sequence[InvoiceTotal] | None,
) -> tuple[Billed, ...]:
    """Sum the money by currency, the one with the most lines first; `invoices` is None without totals.

    All sums are in cents, as those of an invoice are, and add up. Where one invoice says no total, the others
    are still held against their lines, each by itself.
    """
    of_reports = any(invoice.is_report for invoice in invoices or ())
    amounts: defaultdict[tuple[str, str, Fate], list[Decimal]] = defaultdict(list)
    for line in lines:
        number = "" if invoices is None else line.report if of_reports else line.invoice
        amounts[line.currency, number, FATES[statuses[line.key]]].append(line.amount)
    exact: dict[str, dict[str, dict[str, Share]]] = {}  # by currency, invoice and fate
    for (currency, number, fate), some in amounts.items():
        shares = exact.setdefault(currency, {}).setdefault(number, {})
        shares[str(fate)] = Share(len(some), sum(some, _ZERO))
    totals: dict[str, dict[str, Decimal | None]] = {}  # by currency and invoice
    for invoice in invoices or ():
        of_currency = totals.setdefault(invoice.currency, {})
        before = of_currency.get(invoice.number, _ZERO)
        if before is None or invoice.total is None:
            of_currency[invoice.number] = None
        else:
            of_currency[invoice.number] = before + cents(invoice.total, 1)
    return tuple(
        sorted(
            (
                _account_for_currency(
                    currency,
                    {number: _in_cents(parts) for number, parts in exact.get(currency, {}).items()},
                    None if invoices is None else totals.get(currency, {}),
                    of_reports,
                )
                for currency in {*exact, *totals}
            ),
            key=lambda billed: (-billed.lines.lines, billed.currency),
        )
    )


def _account_for_currency(
    currency: str,
    by_invoice: Mapping[str, Mapping[str, Share]],
    totals: Mapping[str, Decimal | None] | None,
    of_reports: bool,
) -> Billed:
    parts = {
        str(fate): _add(shares.get(str(fate), Share()) for shares in by_invoice.values()) for fate in Fate
    }
    lines = _add(parts.values())
    total: Decimal | None = None
    gaps: tuple[Gap, ...] = ()
    if totals is not None:
        known = [amount for amount in totals.values() if amount is not None]
        total = sum(known, _ZERO) if len(known) == len(totals) else None
        differences = {
            number: stated - _add(by_invoice.get(number, {}).values()).amount
            for number in sorted({*totals, *by_invoice})
            if (stated := totals.get(number, _ZERO)) is not None
        }
        gaps = tuple(
            Gap(number, amount, is_report=of_reports) for number, amount in differences.items() if amount
        )
    return Billed(
        currency=currency,
        invoices=total,
        lines=lines,
        parts=parts,
        unexplained=None if total is None else total - lines.amount,
        gaps=gaps,
    )


def _add(shares: Iterable[Share]) -> Share:
    shares = list(shares)
    return Share(sum(share.lines for share in shares), sum((share.amount for share in shares), _ZERO))


def _in_cents(parts: Mapping[str, Share]) -> dict[str, Share]:
    """Round the parts of an invoice to cents, so that they add up to the cents of their sum.

    Cents that are missing after rounding go to the parts that lost most by it.
    """
    rounded = {fate: cents(share.amount, 1) for fate, share in parts.items()}
    missing = cents(_add(parts.values()).amount, 1) - sum(rounded.values(), _ZERO)
    step = _CENT.copy_sign(missing)
    most_lost = sorted(parts, key=lambda fate: ((rounded[fate] - parts[fate].amount) * step, fate))
    for fate in most_lost[: int(missing / step)]:
        rounded[fate] += step
    return {fate: Share(share.lines, rounded[fate]) for fate, share in parts.items()}


class MonthSums(Struct, frozen=True):
    """The number of customers that a month bills, and its money by currency."""

    customers: int
    money: Mapping[str, Decimal]


def sums_of_invoices(invoices: Iterable[InvoiceTotal]) -> MonthSums:
    """Sum the totals of invoices by currency, and count their customers."""
    return _sums((invoice.customer, invoice.currency, invoice.total or _ZERO) for invoice in invoices)


def sums_of_lines(lines: Iterable[BillingLine]) -> MonthSums:
    """Sum the amounts of billing lines by currency, and count their customers."""
    return _sums((line.customer_key, line.currency, line.amount) for line in lines)


def _sums(amounts: Iterable[tuple[str, str, Decimal]]) -> MonthSums:
    """Sum amounts, each given with its customer and currency."""
    money: dict[str, Decimal] = {}
    customers: set[str] = set()
    for customer, currency, amount in amounts:
        customers.add(customer)
        money[currency] = money.get(currency, _ZERO) + amount
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
                f"{month} bills {tell_money(billed, currency)}, {previous} billed {amount:,.2f}: "
                "it does not seem to be billed whole yet."
            )
    return ""


class InvoiceTotal(Struct, frozen=True, kw_only=True):
    """One of the distributor's invoices: its own total before tax, negative for a credit.

    `total` is None where the invoice does not say it; `customer` is the customer it names. `doubt` says in a
    sentence why the invoice cannot be counted for sure, and hinders the all clear. For a report
    (`is_report`) `total` is what the file states, and `number` the file's name where there are several files.
    """

    number: str
    currency: str
    total: Decimal | None
    customer: str = ""
    date: dt.date | None = None
    is_report: bool = False
    doubt: str = ""


class Billing(Struct, frozen=True):
    """A month's billing: its lines, and the totals of its invoices (None where the source has none)."""

    lines: tuple[BillingLine, ...]
    invoices: tuple[InvoiceTotal, ...] | None = None

    def with_listed(self, listed: Iterable[InvoiceTotal]) -> Billing:
        """Add the totals of invoices that another reading of the list names and this one lacks."""
        if self.invoices is None:
            return self
        known = {(invoice.number, invoice.currency) for invoice in self.invoices}
        missing = (invoice for invoice in listed if (invoice.number, invoice.currency) not in known)
        return Billing(self.lines, (*self.invoices, *missing))
