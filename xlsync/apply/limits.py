"""Limits: a plan that goes further than the settings allow is stopped, limits and rows named. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from xlsync.amounts import tell_cost, tell_number
from xlsync.apply.actions import Action, CreateInvoice
from xlsync.apply.plan import Plan
from xlsync.errors import UnsafePlan
from xlsync.settings import Limits

_NAMED: Final = 5  # actions that a limit names


def check_limits(plan: Plan, limits: Limits) -> None:
    """Stop a plan that goes further than the limits; raises UnsafePlan naming each limit, number and row.

    Rows with *Yes, over limit* are not counted.
    """
    counted = [action for action in plan.actions if not action.rows or not set(action.rows) <= plan.lifted]
    over = [*_over_counts(counted, limits)]
    for action in counted:
        over.extend(f"{action}: {text}" for text in _over_units(action, limits))
        if not action.is_price_known:
            over.append(f"{action}: its price is not known")
    over += _over_money(counted, limits)
    if over:
        raise UnsafePlan(
            "The plan goes over its limits, nothing was written:\n  " + "\n  ".join(over),
            "Check these rows; if they are right, set their Approve to Yes, over limit, "
            "or run apply again with --force, or raise the limits in the settings.",
        )


def _over_counts(actions: Sequence[Action], limits: Limits) -> Iterator[str]:
    """Creations and drops to zero that are too many."""
    creations = [action for action in actions if action.noun and not isinstance(action, CreateInvoice)]
    if len(creations) > limits.creations:
        yield f"{len(creations)} creations, the limit is {limits.creations}: {_named(creations)}"
    drops = [action for action in actions if _drops(action)]
    if len(drops) > limits.zero:
        for action in drops:
            is_zero = action.units[1] == 0 and action.units[0] != 0
            yield f"{action}: a drop to zero" if is_zero else f"{action}: a fall by nine tenths or more"
        if limits.zero:
            yield f"{len(drops)} drops to zero, the limit is {limits.zero}"


def _over_money(actions: Sequence[Action], limits: Limits) -> Iterator[str]:
    """Monthly money that comes to too much in one currency."""
    money: dict[str, Decimal] = {}
    movers: dict[str, list[Action]] = {}
    for action in actions:
        currency = action.basis.currency if action.basis else ""
        amount = action.monthly
        if amount:
            kind = " ".join(filter(None, (currency, "of monthly money")))
            money[kind] = money.get(kind, Decimal(0)) + abs(amount)
            movers.setdefault(kind, []).append(action)
    for kind, total in money.items():
        if total > limits.money:
            largest = sorted(movers[kind], key=lambda action: -abs(action.monthly))
            yield f"{tell_cost(total)} {kind}, the limit is {tell_cost(limits.money)}: {_named(largest)}"


def _named(actions: Sequence[Action]) -> str:
    """The first of these actions, and how many more there are."""
    more = len(actions) - _NAMED
    return "; ".join(map(str, actions[:_NAMED])) + (f"; and {more} more" if more > 0 else "")


def _drops(action: Action) -> bool:
    """Whether units or cost fall to zero, or by nine tenths, which comes to the same for who is billed."""
    return any(after * 10 <= before and before > 0 for before, after in (action.units, action.costs))


def _over_units(action: Action, limits: Limits) -> Iterable[str]:
    before, after = action.units
    change = abs(after - before)
    if change > limits.units:
        yield f"a change of {tell_number(change)} units, the limit is {tell_number(limits.units)}"
    if before and change * 100 > limits.percent * abs(before):
        percent = (change * 100 / abs(before)).quantize(Decimal(1))
        yield f"a change of {percent} %, the limit is {tell_number(limits.percent)} %"
