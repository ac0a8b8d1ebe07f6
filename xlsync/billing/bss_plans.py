"""Billing plans of the BSS's subscriptions, which tell how often their lines are billed. PURE.

A plan costs a request, and is cached therefore, as plain data.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from xlsync.billing.bss_answers import Json, count_of, id_of, part
from xlsync.billing.bss_lines import ChargedLine
from xlsync.billing.periods import period_name
from xlsync.errors import ApiError
from xlsync.models import BillingLine, LineType
from xlsync.reconcile.charges import months_charged
from xlsync.records import replace


def plans_to_ask(charged: Iterable[ChargedLine], plans: Mapping[str, Any]) -> dict[str, ChargedLine]:
    """Return the subscriptions whose plan is unknown, of another term or outdated, each with its latest line.

    The plan is that of the subscription itself, whose lines come before those of its add-ons.
    """
    asked: dict[str, ChargedLine] = {}
    for charge in charged:
        contract_id = charge.line.contract_id
        if charge.wants_plan and not _is_of_plan(charge, plans.get(contract_id)):
            asked[contract_id] = max(charge, asked.get(contract_id, charge), key=_is_own_and_late)
    return asked


def _is_own_and_late(charge: ChargedLine) -> tuple[bool, dt.date]:
    return not charge.line.addon_id, charge.invoiced


def _is_of_plan(charge: ChargedLine, plan: object) -> bool:
    """Return whether a plan is that of a line, as far as the line tells.

    A charge for other whole months than its plan says may be of a new term with the same unit, unless the
    plan was read when the invoice was there already. Of an add-on neither unit nor months tell anything.
    """
    if not isinstance(plan, Mapping):
        return False
    if charge.line.addon_id:
        return True
    if plan.get("unit") not in ("", charge.unit_id):
        return False
    return str(charge.invoiced) <= str(plan.get("invoiced")) or not _contradicts(charge, plan)


def _contradicts(charge: ChargedLine, plan: Json) -> bool:
    """Return whether a charge is for whole months, and for other ones than its plan says."""
    line = with_plan(charge, plan)
    if line.type is not LineType.RECURRING or not line.billing_months:
        return False
    return months_charged(line) not in (None, line.billing_months)


def plan_to_cache(plan: object, charge: ChargedLine) -> dict[str, Any]:
    """Reduce a subscription's installment plan to the cached data: number of payments and their months.

    An empty answer (no plan) is cached too, for the unit of the line for which it was asked.
    """
    known = {"unit": charge.unit_id, "installments": 0, "months": 0, "invoiced": str(charge.invoiced)}
    if not isinstance(plan, Mapping) or not plan:
        return known
    return known | {
        "unit": id_of(part(plan, "unit")),
        "installments": count_of(plan.get("installments")),
        "months": count_of(plan.get("installmentsFrequency")),
    }


def with_plan(charged: ChargedLine, plan: Json | None) -> BillingLine:
    """Set a line's billing period from its installment plan (see `plan_to_cache`), else from its term.

    A plan of another unit belongs to the add-on's subscription or to a later term, and is not used.
    """
    line = charged.line
    if plan is None or plan.get("unit") not in ("", None, charged.unit_id):
        return line
    count, months = plan.get("installments") or 0, plan.get("months") or 0
    if not months or (count == 1 and line.commitment_months):
        return line  # one payment for the whole term
    return replace(line, billing_period=period_name(months), billing_months=months)


def without_plan(charged: ChargedLine, error: ApiError) -> BillingLine:
    """Mark a line's billing period as unknown since a read failed."""
    why = f"The billing plan could not be read ({error.message})."
    line = charged.line
    return replace(line, billing_period="", billing_months=None, unread=line.unread or why)
