"""The first day from which ConnectWise takes an addition on an agreement, and the last. PURE.

Live servers refuse an addition that begins before the agreement's bill start date, and one in a period that
is invoiced already where the agreement does not prorate; they ask for the next invoice date then.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from xlsync.amounts import cents, tell_money
from xlsync.models import ActionLabel, Agreement, Mismatch, Month
from xlsync.reconcile.explanations import join_sentences, with_warnings
from xlsync.records import replace


def closed_until(agreement: Agreement | None) -> dt.date | None:
    """Return the next invoice date of an agreement that does not prorate; None for any other.

    What lies before that day is invoiced.
    """
    return None if agreement is None or agreement.prorated else agreement.next_invoice


def why_refused(day: dt.date, bill_start: dt.date | None, closed_until: dt.date | None) -> str:
    """Say why ConnectWise would refuse an addition from a day on; empty where it would not.

    `closed_until` is the next invoice date of an agreement that does not prorate: what comes before it counts
    as invoiced. An invoice on the last day of a month may bill that month, whose days are open then.
    """
    if bill_start is not None and day < bill_start:
        return f"the agreement bills from {bill_start} only"
    is_of_month = closed_until is not None and Month(day.year, day.month).last == closed_until
    if closed_until is not None and day < closed_until and not is_of_month:
        return f"the agreement does not prorate, and what comes before {closed_until} is invoiced"
    return ""


def begin_where_allowed(
    mismatch: Mismatch, month: Month, agreement: Agreement | None, units: Decimal
) -> Mismatch:
    """Move the offer of a new addition to the first day that ConnectWise takes it.

    `units` are those that nothing else bills. If that day lies after the month, no write bills the month, and
    the row says how much to bill by hand.
    """
    begins = mismatch.begins
    if begins is None or agreement is None:
        return mismatch
    allowed, reasons = begins, []
    bounds = (mismatch.bill_start, mismatch.closed_until)
    while why := why_refused(allowed, *bounds):
        reasons.append(why)
        allowed = min(bound for bound in bounds if bound is not None and bound > allowed)
    if not reasons:
        return mismatch
    why = " and ".join(dict.fromkeys(reasons))
    sentence = f"A new addition can begin on {allowed} at the earliest: {why}."
    ended = agreement.end is not None and allowed > agreement.end
    warning = f"The agreement ends on {agreement.end}, so that none can begin." if ended else ""
    amount = None if mismatch.unit_price is None else cents(units * mismatch.unit_price, 1)
    row = replace(
        mismatch,
        begins=None if ended else allowed,
        is_held=mismatch.is_held or ended,
        explanation=join_sentences(mismatch.explanation, sentence),
    )
    if (ended or allowed > month.last) and units > 0:
        row = tell_by_hand(row, month, amount)
    return with_warnings(row, warning)


def hold_on_ended(mismatch: Mismatch, agreement: Agreement | None, today: dt.date) -> Mismatch:
    """Remove any write from a mismatch on an agreement that has ended: apply carries none out there."""
    if agreement is None or agreement.end is None or agreement.end >= today:
        return mismatch
    if mismatch.is_held or ActionLabel.offered(mismatch.kind) == (ActionLabel.IGNORE,):
        return mismatch
    warning = f"The agreement ended on {agreement.end}: nothing is written on it while that stands."
    return with_warnings(replace(mismatch, is_held=True), warning)


def tell_by_hand(mismatch: Mismatch, month: Month, amount: Decimal | None) -> Mismatch:
    """Say that no write bills this money of the month; None where its price is not known."""
    if amount == 0:
        return replace(mismatch, by_hand=amount)
    how_much = "its price is not known" if amount is None else tell_money(amount, mismatch.currency)
    sentence = f"{month} itself must be billed by hand: {how_much}."
    return replace(
        mismatch,
        by_hand=amount,
        explanation=join_sentences(mismatch.explanation, sentence),
    )
