"""The *Explanation* of a mismatch, in sentences. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from xlsync.models import Agreement, LineType, Month
from xlsync.reconcile.charges import Charge, costs_of, covers_full_period, lines_of, tell_cost, tell_number


def sentences(*parts: str) -> str:
    """Those that say something, one after another."""
    return " ".join(part for part in parts if part)


def tell_agreement(month: Month, agreement: Agreement | None) -> str:
    """When a change shows on an invoice, with which every row of an agreement begins."""
    if agreement is None:
        return ""
    already = ""
    if agreement.next_invoice is not None and agreement.next_invoice > month.last:
        already = f"Already invoiced: the change shows on the next invoice, {agreement.next_invoice}."
    return sentences(already, "The agreement prorates." if agreement.prorated else "")


def tell_charges(units: Decimal, charges: Sequence[Charge]) -> str:
    """`Billed 15 (12 + 3 from 2026-10-17)`, or what each contract has; and what is special about it."""
    number = tell_number(units)
    why = sentences(*(charge.why for charge in charges))
    if len(charges) > 1:
        parts = " + ".join(tell_number(charge.units or Decimal(0)) for charge in charges)
        return sentences(why, f"Billed {number} ({parts}, of {len(charges)} contracts)")
    parts = "" if why or charges[0].parts == number else f" ({charges[0].parts})"
    return sentences(why, f"Billed {number}{parts}")


def tell_costs(charges: Sequence[Charge]) -> str:
    """Why costs are not compared, where they are not."""
    costs = sorted(costs_of(charges))
    if len(costs) > 1:
        return f"Several unit costs ({', '.join(map(tell_cost, costs))}): costs are not compared."
    charged = [line for line in lines_of(charges) if line.type is LineType.RECURRING]
    if not costs and not any(map(covers_full_period, charged)):
        return "Prorated lines alone tell no unit cost: costs are not compared."
    return ""
