"""The billing period of a report that tells the commitment and the charged days, and no such period. PURE."""

from __future__ import annotations

from collections.abc import Sequence

from xlsync.amounts import counted
from xlsync.billing.periods import period_name
from xlsync.billing.reports.proof import agrees
from xlsync.billing.reports.tables import Table
from xlsync.models import BillingLine, LineType
from xlsync.reconcile.charges import months_charged
from xlsync.records import replace


def billed_by_days(lines: Sequence[BillingLine], table: Table) -> tuple[list[BillingLine], list[str]]:
    """Return the lines with the billing period that their days show, and notices of it.

    A commitment is billed in parts where all its charges at the full price are for one number of months that
    is less than the commitment.
    """
    charged: dict[int, set[int]] = {}
    for line in lines:
        months = months_charged(line) if line.type is LineType.RECURRING else None
        is_full_price = line.cost and line.units and agrees(line.units, line.cost, line.amount)
        if line.commitment_months and months and is_full_price:
            charged.setdefault(line.commitment_months, set()).add(months)
    billed = {
        term: min(months) for term, months in charged.items() if len(months) == 1 and min(months) < term
    }
    notices = [
        f"no column tells how often is billed: lines of a commitment of {counted(term, 'month')} under "
        f"{table.header_of('cycle')} charge for {counted(months, 'month')} each, and count as billed "
        f"{period_name(months)}"
        for term, months in billed.items()
    ]
    return [_billed_for(line, billed.get(line.commitment_months or 0)) for line in lines], notices


def _billed_for(line: BillingLine, months: int | None) -> BillingLine:
    if months is None or line.charge is not LineType.RECURRING:
        return line
    return replace(line, billing_period=period_name(months), billing_months=months)
