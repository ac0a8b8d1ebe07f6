"""Limits: stop a plan that goes further than the settings allow. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Final

from xlsync.amounts import counted_units, shortened, tell_cost, tell_number
from xlsync.apply.actions import Action, CreateInvoice
from xlsync.apply.plan import Plan
from xlsync.apply.set_fields import SetFields
from xlsync.errors import UnsafePlan
from xlsync.settings import Limits

_CENT: Final = Decimal("0.01")
_NAMED: Final = 5  # most actions that the message of a limit names


def check_limits(plan: Plan, limits: Limits) -> None:
    """Raise UnsafePlan, naming each limit, number and row, for a plan that goes over a limit.

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
            _hint_for(counted),
            [("limits", text) for text in over],
        )


def _hint_for(actions: Sequence[Action]) -> str:
    """Return the hint to lift the limits: only apply has `--force`, and undo has no rows to approve."""
    ways = ["raise the limits in the settings"]
    if not all(action.is_price_known or action.rows for action in actions):
        ways.append("for a price that is not known, enter it on the addition in ConnectWise")
    if any(action.rows for action in actions):
        is_apply = not all(isinstance(action, CreateInvoice) for action in actions)
        ways = ["run apply again with --force", *ways] if is_apply else ways
        ways = ["set their Approve to Yes, over limit", *ways]
    return f"Check these rows; if they are right, {', or '.join(ways)}."


def _over_counts(actions: Sequence[Action], limits: Limits) -> Iterator[str]:
    """Yield the limits on creations and on drops to zero that are exceeded."""
    creations = [action for action in actions if action.noun]
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
    """Yield the limits on monthly money, and on amounts of invoices, that are exceeded in a currency."""
    movers: dict[str, list[tuple[Decimal, Action]]] = {}
    for action in actions:
        for amount, kind in ((action.monthly, "of monthly money"), (action.invoiced, "to invoice")):
            if amount:
                movers.setdefault(f"{action.currency} {kind}".strip(), []).append((abs(amount), action))
    for kind, moved in movers.items():
        total = sum((amount for amount, _ in moved), Decimal(0))
        if total > limits.money:
            largest = [action for _, action in sorted(moved, key=lambda entry: -entry[0])]
            amount = total.quantize(_CENT, ROUND_CEILING)
            yield f"{amount:,} {kind}, the limit is {tell_cost(limits.money)}: {_named(largest)}"


def _named(actions: Sequence[Action]) -> str:
    return shortened(actions, _NAMED, "; ", "; and ")


def _drops(action: Action) -> bool:
    """Return whether units or cost fall to zero, or by nine tenths, which is treated alike."""
    if isinstance(action, SetFields) and action.ends_own:
        return False
    return any(after * 10 <= before and before > 0 for before, after in (action.units, action.costs))


def _over_units(action: Action, limits: Limits) -> Iterable[str]:
    before, after = action.units
    change = abs(after - before)
    if change > limits.units:
        yield f"a change of {counted_units(change)}, the limit is {tell_number(limits.units)}"
    if before and change * 100 > limits.percent * abs(before):
        percent = (change * 100 / abs(before)).quantize(Decimal(1))
        yield f"a change of {percent} %, the limit is {tell_number(limits.percent)} %"
