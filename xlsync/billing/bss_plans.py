"""Billing plans of the BSS's subscriptions, which tell the billing period of a line. PURE.

Asking costs a request each, so what is known is kept, as plain data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from xlsync.billing.bss_answers import Json, count_of, id_of, part
from xlsync.billing.bss_lines import Charged
from xlsync.billing.periods import period_name
from xlsync.errors import ApiError
from xlsync.models import BillingLine


def plans_to_ask(charged: Iterable[Charged], plans: Mapping[str, Any]) -> dict[str, str]:
    """The subscriptions whose plan is not known or is of another term, each with its line's unit."""
    asked: dict[str, str] = {}
    for one in charged:
        if not one.wants_plan:
            continue
        contract_id = one.line.contract_id
        kept = plans.get(contract_id)
        is_own = not one.line.addon_id  # the plan is the subscription's: an add-on's unit may differ
        if isinstance(kept, Mapping) and (not is_own or kept.get("unit") in ("", one.unit_id)):
            continue
        asked[contract_id] = one.unit_id if is_own else asked.get(contract_id, one.unit_id)
    return asked


def keep_plan(plan: object, unit_id: str) -> dict[str, Any]:
    """What is kept of a subscription's installment plan: how many payments, every how many months.

    The BSS answers nothing where there is no plan; that is kept too, for the unit that was asked about.
    """
    if not isinstance(plan, Mapping) or not plan:
        return {"unit": unit_id, "installments": 0, "months": 0}
    return {
        "unit": id_of(part(plan, "unit")),
        "installments": count_of(plan.get("installments")),
        "months": count_of(plan.get("installmentsFrequency")),
    }


def with_plan(charged: Charged, plan: Json | None) -> BillingLine:
    """The line with its billing period: from its installment plan (kept as in `keep_plan`), else its term.

    A plan of another unit is that of the add-on's subscription, or of a later term: it says nothing here.
    """
    line = charged.line
    if plan is None or plan.get("unit") not in ("", None, charged.unit_id):
        return line
    count, months = plan.get("installments") or 0, plan.get("months") or 0
    if not months or (count == 1 and line.commitment_months):
        return line  # paid at once, for the whole term
    return replace(line, billing_period=period_name(months), billing_months=months)


def without_plan(charged: Charged, error: ApiError) -> BillingLine:
    """The line, whose billing period is not known since a read failed."""
    why = f"The billing plan could not be read ({error.message})."
    line = charged.line
    return replace(line, billing_period="", billing_months=None, unread=line.unread or why)
