"""The billing period of a report that tells the commitment and the charged days, and no such period. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from xlsync.amounts import counted
from xlsync.billing.periods import period_name
from xlsync.billing.reports.proof import agrees
from xlsync.billing.reports.table_values import TableValues
from xlsync.billing.reports.terms import parse_term_and_cycle
from xlsync.models import BillingLine, LineType
from xlsync.reconcile.charges import months_charged
from xlsync.records import replace

_COMMITMENTS: Final = ("term_and_cycle", "cycle")


def billed_by_days(
    lines: Sequence[BillingLine], rows: Sequence[int], values: TableValues
) -> tuple[list[BillingLine], list[str]]:
    """Return the lines of rows, billed as their days show where nothing tells how often, and notices."""
    commitment = _commitment_without_billing(values)
    if commitment is None:
        return list(lines), []
    places = _billing_not_told(rows, values.texts[commitment])
    by_days, notices = _by_days([lines[n] for n in places], values.table.header_of(commitment))
    changed = dict(zip(places, by_days, strict=True))
    return [changed.get(n, line) for n, line in enumerate(lines)], notices


def _commitment_without_billing(values: TableValues) -> str | None:
    """Return what tells the commitments where no column is sure to tell how often is billed."""
    return (
        None if "plan" in values.texts else next((one for one in _COMMITMENTS if one in values.texts), None)
    )


def _billing_not_told(rows: Sequence[int], commitments: Sequence[Any]) -> list[int]:
    """Return the places of the rows whose commitment does not tell how often is billed.

    `One-Year commitment for monthly/yearly billing` does not.
    """
    telling = {text for text in set(commitments) if isinstance(text, str) and parse_term_and_cycle(text)[1]}
    return [n for n, at in enumerate(rows) if commitments[at] not in telling]


def _by_days(lines: Sequence[BillingLine], header: str) -> tuple[list[BillingLine], list[str]]:
    """Return the lines with the billing period that their days show, and notices of it.

    A charge at the full price for one month of a longer commitment is billed monthly, and so are the other
    lines of its contract. A commitment whose charges are all for one other number of months is billed for as
    many. `header` is that of the commitment.
    """
    charged: dict[int, set[int]] = {}
    monthly: set[str] = set()
    for line in lines:
        months = months_charged(line) if line.type is LineType.RECURRING else None
        is_full_price = line.cost and line.units and agrees(line.units, line.cost, line.amount)
        if line.commitment_months and months and is_full_price and _is_open(line):
            charged.setdefault(line.commitment_months, set()).add(months)
            if months == 1 < line.commitment_months:
                monthly.add(line.contract)
    billed = {
        term: min(months) for term, months in charged.items() if len(months) == 1 and min(months) < term
    }
    by_days = [
        _billed_for(line, 1 if line.contract in monthly else billed.get(line.commitment_months or 0))
        for line in lines
    ]
    counts = {
        (line.commitment_months, line.billing_months): None
        for line, before in zip(by_days, lines, strict=True)
        if line is not before
    }
    notices = [
        f"nothing tells how often is billed: by their days, lines of a commitment of "
        f"{counted(term or 0, 'month')} under {header} count as billed "
        f"{period_name(months or 0)}"
        for term, months in counts
    ]
    return by_days, notices


def _is_open(line: BillingLine) -> bool:
    """Return whether the billing period of a recurring line is taken from its commitment alone."""
    is_of_term = line.commitment_months is not None and line.billing_months == line.commitment_months
    return is_of_term and line.charge is LineType.RECURRING


def _billed_for(line: BillingLine, months: int | None) -> BillingLine:
    if months is None or not _is_open(line) or months_charged(line) not in (None, months):
        return line
    return replace(line, billing_period=period_name(months), billing_months=months)
