"""The sentences of *Explanation*: what is billed, what hinders a write, when a change shows. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from xlsync.amounts import counted_units, tell_cost, tell_number
from xlsync.models import Addition, Agreement, LineType, Mismatch, Month
from xlsync.reconcile.charges import Charge, billing_lines_of, costs_of, covers_full_period
from xlsync.records import replace


def join_sentences(*parts: str) -> str:
    """Join those sentences that are not empty, with a space between them."""
    return " ".join(part for part in parts if part)


def with_warnings(mismatch: Mismatch, *warnings: str) -> Mismatch:
    """Add warnings against a write to a mismatch's explanation; if there is one, no action is preset."""
    if not any(warnings):
        return mismatch
    explanation = join_sentences(mismatch.explanation, *warnings)
    return replace(mismatch, action=None, explanation=explanation)


def tell_agreement(month: Month, agreement: Agreement | None) -> str:
    """Say on which invoice a change will show; every row of an agreement begins with this sentence."""
    if agreement is None:
        return ""
    already = ""
    if agreement.next_invoice is not None and agreement.next_invoice > month.last:
        already = f"Already invoiced: the change shows on the next invoice, {agreement.next_invoice}."
        # ConnectWise does not tell advance from arrears
        if agreement.next_invoice < month.plus(agreement.billing_months or 1).last:
            already += f" If the agreement is billed in arrears, that invoice bills {month}."
    return join_sentences(
        already,
        "The agreement prorates." if agreement.prorated else "",
        f"It is a child of agreement {agreement.parent}, whose invoice bills it." if agreement.parent else "",
    )


def tell_charges(units: Decimal, charges: Sequence[Charge]) -> str:
    """Say what is billed, by contract where there are several: `Billed 15 (12 + 3 from 2026-10-17)`.

    `units` are those of all charges together. Units that a rule changed are not what was billed,
    but what is to be: `To bill: 16`. The text ends without a full stop.
    """
    is_ruled = any(charge.is_ruled for charge in charges)
    number = f"{'To bill:' if is_ruled else 'Billed'} {tell_number(units)}"
    why = join_sentences(*(charge.why for charge in charges))
    if len(charges) == 1 and charges[0].is_own and charges[0].units == units and not is_ruled:
        return why.removesuffix(".")
    if len(charges) > 1:
        parts = " + ".join(tell_number(charge.units or Decimal(0)) for charge in charges)
        return join_sentences(why, f"{number} ({parts}, of {len(charges)} contracts)")
    is_plain = is_ruled or charges[0].is_own or charges[0].sum_text == tell_number(units)
    return join_sentences(why, number if is_plain else f"{number} ({charges[0].sum_text})")


def tell_costs(charges: Sequence[Charge]) -> str:
    """Say why costs are not compared; empty where they are."""
    costs = sorted(costs_of(charges))
    if len(costs) > 1:
        return f"Several unit costs ({', '.join(map(tell_cost, costs))}): costs are not compared."
    charged = [line for line in billing_lines_of(charges) if line.type is LineType.RECURRING]
    if not costs and not any(map(covers_full_period, charged)):
        return "Cost not compared: a part month tells no unit cost."
    return ""


def tell_included(addition: Addition) -> str:
    """Say how many units of an addition are included, so that they are not billed; else empty."""
    if not addition.less_included:
        return ""
    are = "is" if addition.less_included == 1 else "are"
    return f"{counted_units(addition.less_included)} {are} included (lessIncluded) and left alone."


def tell_unbilled(addition: Addition) -> str:
    """Say that an addition is not billed to the customer, so that it moves no money; else empty."""
    return "" if addition.is_billed else f"Not billed to the customer ({addition.bill_customer})."
