"""Past months: no write moves an addition away from what the latest complete month bills. PURE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from xlsync.amounts import cents, tell_cost, tell_number
from xlsync.models import ActionLabel, Addition, Link, Mismatch, MismatchKind, Month
from xlsync.reconcile.beginnings import tell_by_hand
from xlsync.reconcile.charges import Charge, billing_lines_of, only_cost, total_units
from xlsync.reconcile.explanations import join_sentences
from xlsync.reconcile.targets import common_target
from xlsync.reconcile.unmatched import product_of
from xlsync.records import replace

_WRITABLE: Final = frozenset(
    {
        MismatchKind.UNITS_DIFFER,
        MismatchKind.COST_DIFFERS,
        MismatchKind.NOT_IN_CONNECTWISE,
        MismatchKind.ONLY_IN_CONNECTWISE,
    }
)
_TargetKey = tuple[
    int | str, int | str, str
]  # agreement, item, and the contract where additions are told apart


class LatestMonth(Struct, frozen=True):
    """The units and cost that the latest complete month bills on each target; None where unknown.

    `open_companies` have a line in that month that is not linked and may be any of their products.
    """

    month: Month
    units: Mapping[_TargetKey, Decimal | None]
    costs: Mapping[_TargetKey, Decimal | None]
    open_companies: frozenset[int | str]

    def as_plain(self) -> dict[str, Any]:
        """Make plain data for a store, without targets that are still to be created."""
        targets = sorted(key for key in self.units if isinstance(key[0], int) and isinstance(key[1], int))
        return {
            "targets": [[*key, _text(self.units[key]), _text(self.costs.get(key))] for key in targets],
            "open_companies": sorted(company for company in self.open_companies if isinstance(company, int)),
        }

    @classmethod
    def from_plain(cls, month: Month, plain: Mapping[str, Any]) -> LatestMonth:
        """Make the billing of `month` from the plain data of `as_plain`."""
        units: dict[_TargetKey, Decimal | None] = {}
        costs: dict[_TargetKey, Decimal | None] = {}
        for agreement, item, contract, billed, cost in plain["targets"]:
            units[agreement, item, contract] = None if billed is None else Decimal(billed)
            costs[agreement, item, contract] = None if cost is None else Decimal(cost)
        return cls(month, units, costs, frozenset(plain["open_companies"]))


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def bill_latest(month: Month, charges: Iterable[Charge], links: Mapping[str, Link]) -> LatestMonth:
    """Sum a month's charges by target, as a whole and by contract.

    A target's sums are not known where another line of its customer and product is not linked.
    """
    groups: dict[_TargetKey, list[Charge]] = {}
    open_companies: set[int | str] = set()
    open_products: set[tuple[str, str]] = set()
    for charge in charges:
        target = common_target(charge, links)
        if target is None:
            companies = [links[line.key].company for line in charge.lines]
            open_companies |= {company.to for company in companies if company is not None}
            if charge.units is not None or charge.failure:
                open_products |= set(map(product_of, charge.lines))
            continue
        groups.setdefault((target.agreement, target.item, ""), []).append(charge)
        contract = charge.lines[0].contract_id.casefold()
        if contract:
            groups.setdefault((target.agreement, target.item, contract), []).append(charge)
    is_open = {
        key: not open_products.isdisjoint(map(product_of, billing_lines_of(group)))
        for key, group in groups.items()
    }
    return LatestMonth(
        month=month,
        units={
            key: None if is_open[key] or any(one.units is None for one in group) else total_units(group)
            for key, group in groups.items()
        },
        costs={key: None if is_open[key] else only_cost(group) for key, group in groups.items()},
        open_companies=frozenset(open_companies),
    )


def hold_to_latest(
    mismatch: Mismatch,
    month: Month,
    latest: LatestMonth,
    active: Sequence[Addition] = (),
    *,
    is_apart: bool = False,
) -> Mismatch:
    """Remove from a past month's mismatch any write that moves an addition away from what is billed now.

    `active` are the additions of its target that are active in the latest month: several are told apart by
    the contracts that they are marked with, and `is_apart` tells that the past month has an addition of some
    contracts, and the mismatch is about others. The explanation says what both months bill. Money that the
    past month was billed too little is noted in `by_hand`, unless the row knows it already: no write bills
    it.
    """
    if mismatch.kind not in _WRITABLE or mismatch.agreement is None or mismatch.item is None:
        return mismatch
    is_cost = mismatch.kind is MismatchKind.COST_DIFFERS
    now = _billed_now(mismatch, (mismatch.agreement, mismatch.item), latest, active, is_apart=is_apart)
    wanted = mismatch.bss_cost if is_cost else mismatch.bss_units or Decimal(0)
    had = mismatch.connectwise_cost if is_cost else mismatch.connectwise_units
    tell: Callable[[Decimal], str] = tell_cost if is_cost else tell_number
    then = "nothing" if wanted is None else tell(wanted)
    later = "what is not known" if now is None else tell(now)
    is_right = now is not None and now == had
    is_same = now is not None and now == wanted
    row = replace(
        mismatch,
        action=mismatch.action if is_same else None,
        is_held=mismatch.is_held or not is_same,
        explanation=join_sentences(
            mismatch.explanation,
            f"A unit cost {then} in {month};" if is_cost else f"Billed {then} in {month};",
            f"{latest.month} {'charges' if is_cost else 'bills'} {later}"
            + (", which ConnectWise has." if is_right else ";"),
            "" if is_right else f"ConnectWise has {'none' if had is None else tell(had)}.",
        ),
    )
    is_created = is_same and mismatch.action is ActionLabel.CREATE_ADDITION
    missing, price = mismatch.difference, mismatch.unit_price
    is_billed_otherwise = mismatch.by_hand is not None or is_cost or is_created
    if is_billed_otherwise or not missing or not price or missing * price <= 0:
        return row
    # the whole period, where several months are billed at once
    return tell_by_hand(row, month, cents(missing * price, 1))


def _billed_now(
    mismatch: Mismatch,
    target: tuple[int | str, int | str],
    latest: LatestMonth,
    active: Sequence[Addition],
    *,
    is_apart: bool,
) -> Decimal | None:
    """Return the units, or the unit cost, that the latest month bills on a target; None where not known."""
    contract = ""
    if len(active) > 1 or is_apart:
        contract = (mismatch.addition.contract_mark if mismatch.addition else mismatch.contract_id).casefold()
    key = (*target, contract)
    is_billed = key in latest.units
    marks = {addition.contract_mark.casefold() for addition in active}
    is_unmarked = bool(contract) and any(
        billed[:2] == target and billed[2] not in marks for billed in latest.units if billed[2]
    )
    if not is_billed and (is_unmarked or mismatch.company in latest.open_companies):
        return None  # a line that is not linked may be this product, or that of no mark this addition's
    if mismatch.kind is MismatchKind.COST_DIFFERS:
        return latest.costs.get(key)
    if is_apart and not contract:
        return _billed_on_rest(target, latest, marks)
    return latest.units.get(key) if is_billed else Decimal(0)


def _billed_on_rest(
    target: tuple[int | str, int | str], latest: LatestMonth, marks: Set[str]
) -> Decimal | None:
    """Return the units that the latest month bills on a target but for the contracts of these marks."""
    total = latest.units.get((*target, ""), Decimal(0))
    marked = [latest.units.get((*target, mark), Decimal(0)) for mark in marks if mark]
    known = [units for units in marked if units is not None]
    return None if total is None or len(known) < len(marked) else total - sum(known, Decimal(0))


def offered(mismatch: Mismatch) -> tuple[ActionLabel, ...]:
    """List the actions that can be chosen for a mismatch; `Ignore` is always one."""
    return (ActionLabel.IGNORE,) if mismatch.is_held else ActionLabel.offered(mismatch.kind)
