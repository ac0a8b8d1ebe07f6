"""The verdict on a month: whether ConnectWise bills all that the distributor billed, and if not, why. PURE.

*Start*, the terminal, the digest, the ribbon and the JSON all show this one verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from xlsync.amounts import counted, tell_money
from xlsync.models import BillingLine, LineType, Status
from xlsync.reconcile.billed import Billed, InvoiceTotal

ALL_CLEAR: Final = "No mismatch: ConnectWise bills what the distributor billed."


class Uncompared(StrEnum):
    """The reasons why a line of a recurring charge hinders the all clear, worded to follow a number."""

    NOT_LINKED = "not linked"
    UNCONFIRMED = "with a link to confirm"
    EARLIER_PERIOD = "for an earlier period"
    LONE_CREDIT = "with a credit but no charge"
    UNITS_UNKNOWN = "whose units in force are not known"
    NO_UNIT_COST = "compared in units only, without a unit cost"
    NOT_BILLED = "to the customer, or not for the whole month"  # follows `ConnectWise does not bill it`


_OF_LINE: Final[Mapping[Uncompared, str]] = {
    Uncompared.EARLIER_PERIOD: "For an earlier period.",
    Uncompared.LONE_CREDIT: "A credit without a charge.",
    Uncompared.UNITS_UNKNOWN: "The units in force are not known.",
    Uncompared.NO_UNIT_COST: "Compared in units only: no one unit cost.",
    Uncompared.NOT_BILLED: f"ConnectWise does not bill it {Uncompared.NOT_BILLED}.",
}


def tell_reservation(line: BillingLine, status: Status, reason: Uncompared | None) -> str:
    """Say why a line is not compared, or agrees only in part; empty where neither is so."""
    if status is Status.NOT_COMPARED and not line.is_compared:
        noun = "credit" if line.type is LineType.CREDIT else "charge"
        return f"A {line.charge.lower()} {noun}: not compared."
    return _OF_LINE.get(reason, "") if reason is not None else ""


class Verdict(Struct, frozen=True):
    """The statement whether a month is all clear, and the sentence that says so or says why not."""

    all_clear: bool
    text: str


class MonthVerdict(Struct, frozen=True):
    """The verdict and the parts of the money of a month, stored in its workbook for the report."""

    verdict: Verdict
    billed: tuple[Billed, ...] = ()


NO_VERDICT: Final = MonthVerdict(Verdict(False, ""))
STORED_AS: Final = "Month"


def judge_month(
    lines: Iterable[BillingLine],
    statuses: Mapping[str, Status],
    uncompared: Mapping[str, Uncompared],
    open_mismatches: int,
    billed: Iterable[Billed] = (),
    incomplete: str = "",
    left_out: int = 0,
    doubts: Sequence[str] = (),
) -> Verdict:
    """Decide whether a month is all clear by its lines, open rows and invoices; else say what hinders it.

    `open_mismatches` are the rows that nobody ignores and that are money at stake; `incomplete` says why the
    month is not billed whole yet. `left_out` counts rows of a report that charge for the month and are
    invoiced in another; `doubts` say why a report may not show all of the month, or not this month.
    """
    lines = list(lines)
    gaps = [gap for of_currency in billed for gap in tell_gaps(of_currency)]
    if not lines:
        return Verdict(
            False, " ".join(filter(None, ["No billing lines: nothing was compared.", incomplete, *gaps]))
        )
    charges = [line for line in lines if line.is_compared]
    reasons = Counter(uncompared.values())
    if not any(line.type is LineType.RECURRING for line in charges):
        text = f"None of {counted(len(lines), 'line')} charges for a subscription: nothing was compared."
    elif not (uncompared or open_mismatches or gaps or incomplete or left_out or doubts):
        return Verdict(True, ALL_CLEAR)
    else:
        agreeing = sum(statuses[line.key] is Status.OK and line.key not in uncompared for line in charges)
        differing = sum(statuses[line.key] is Status.MISMATCH for line in charges)
        ignored = sum(statuses[line.key] is Status.IGNORED for line in charges)
        counts = [
            f"{agreeing:,} of {counted(len(charges), 'recurring line')} "
            + (
                "was compared and agrees" if agreeing == 1 or len(charges) == 1 else "were compared and agree"
            ),
            f"{differing:,} differ{'s' if differing == 1 else ''}" if differing else "",
            f"{ignored:,} {'is' if ignored == 1 else 'are'} ignored" if ignored else "",
        ]
        text = f"{', '.join(filter(None, counts))}."
    unbilled = reasons.pop(Uncompared.NOT_BILLED, 0)
    reasons_text = ", ".join(f"{reasons[reason]:,} {reason}" for reason in Uncompared if reasons[reason])
    not_compared = f"Not compared, or in part: {reasons_text}." if reasons_text else ""
    not_billed = ""
    if unbilled:
        further, them = ("further line agrees", "it") if unbilled == 1 else ("further lines agree", "them")
        not_billed = f"{unbilled:,} {further}, but ConnectWise does not bill {them} {Uncompared.NOT_BILLED}."
    elsewhere = (
        f"{counted(left_out, 'row')} of the report charge{'s' if left_out == 1 else ''} for the month and "
        f"{'is' if left_out == 1 else 'are'} left out, being invoiced in another."
        if left_out
        else ""
    )
    parts = [text, not_compared, not_billed, elsewhere, *doubts, *gaps, incomplete]
    return Verdict(False, " ".join(filter(None, parts)))


def tell_gaps(billed: Billed) -> Iterable[str]:
    """Name the invoices that are not the sum of their lines, with the unexplained money of each currency."""
    for gap in billed.gaps:
        if gap.is_report:
            name = gap.invoice or "The report"
        else:
            name = f"Invoice {gap.invoice}" if gap.invoice else "Lines without an invoice"
        amount = tell_money(gap.amount, billed.currency, "+")
        yield f"{name}: its total less its lines is {amount}, unexplained."


def tell_odd_totals(invoices: Iterable[InvoiceTotal]) -> Iterator[str]:
    """Tell of the invoices, or a report's currencies, that say no total, and of those that are in doubt."""
    for invoice in invoices:
        if invoice.total is None:
            yield _tell_no_total(invoice)
        if invoice.doubt:
            yield invoice.doubt


def _tell_no_total(invoice: InvoiceTotal) -> str:
    """Say that an invoice, or a report in one currency, has no total."""
    otherwise = "The report" if invoice.is_report else "An invoice without a number"
    name = invoice.number if invoice.is_report or not invoice.number else f"Invoice {invoice.number}"
    currency = invoice.currency or "no currency"
    return f"{name or otherwise} has no total that its lines in {currency} could be held against."
