"""Proof of a report by its own figures: units × cost = amount, and totals. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct

_CENT: Final = Decimal("0.01")
_MOST_PLACES: Final = 6


class Product(NamedTuple):
    """The figures of one line that must agree; `share` is the part of a period that it charges for.

    `is_full` tells that the line charges for a full period; a part of one may cost less.
    """

    row: int
    units: Decimal
    cost: Decimal
    amount: Decimal
    is_full: bool = True
    share: Decimal | None = None
    discount: Decimal | None = None


class Proof(Struct, frozen=True):
    """The result of a proof: the cost per unit by row, the rows that break it, and a verdict.

    `costs` holds the costs that are not as the row writes them.
    The columns are not what their headers say where most lines break; full periods decide where there
    are any. A line of one unit costs what its unit costs, so it tells nothing where the cost of others is
    their whole amount.
    """

    costs: dict[int, Decimal]
    broken: tuple[Product, ...]
    checked: int
    is_refused: bool


def prove(products: Iterable[Product]) -> Proof:
    """Check the figures of every line."""
    costs: dict[int, Decimal] = {}
    broken: list[Product] = []
    held = {True: 0, False: 0}
    of_one_unit = {True: 0, False: 0}
    for product in products:
        cost = proven_cost(product)
        if cost is not None:
            if cost != product.cost:
                costs[product.row] = cost
            held[product.is_full] += 1
            of_one_unit[product.is_full] += abs(product.units) == 1
        elif (
            product.is_full
            or abs(product.amount) > abs(product.units * product.cost) * Decimal("1.01") + _CENT
        ):
            broken.append(product)  # a part of a period never costs more than a whole one
    broken_full = sum(one.is_full for one in broken)
    telling = dict(held)
    if any(abs(one.cost) == abs(one.amount) for one in broken):
        telling = {is_full: held[is_full] - of_one_unit[is_full] for is_full in held}
    if held[True] or broken_full:
        is_refused = broken_full > 0 and telling[True] <= broken_full
    else:
        is_refused = len(broken) > 0 and telling[False] <= len(broken)
    return Proof(costs, tuple(broken), sum(held.values()) + len(broken), is_refused)


def proven_cost(one: Product) -> Decimal | None:
    """Return the cost per unit that gives the amount; None where no reading does."""
    for cost in (one.cost, *_discounted(one)):
        for share in {Decimal(1), one.share or Decimal(1)}:
            if agrees(one.units * share, cost, one.amount):
                return cost
    return None


def _discounted(one: Product) -> Sequence[Decimal]:
    """Return the costs after a discount: as a percentage, a fraction, or money."""
    if not one.discount:
        return ()
    less = abs(one.discount)
    costs = [one.cost * (1 - less / 100)] if less <= 100 else []
    if less < 1:
        costs.append(one.cost * (1 - less))
    if one.units:
        costs.append(one.cost - less / abs(one.units))
        costs.append(one.cost - less)
    return costs


def agrees(units: Decimal, cost: Decimal, amount: Decimal) -> bool:
    """Return whether units × cost is the amount, within the precision of the written figures."""
    if abs(abs(units * cost) - abs(amount)) <= _CENT + abs(units) * _half_a_step(cost):
        return True
    # Microsoft rounds the price down to cents before it multiplies, others round it to the nearest cent
    return any(abs(abs(units) * cents - abs(amount)) <= _CENT / 2 for cents in _in_cents(cost))


@lru_cache(maxsize=65_536)
def _half_a_step(cost: Decimal) -> Decimal:
    exponent = cost.normalize().as_tuple().exponent
    places = min(max(2, -exponent if isinstance(exponent, int) else 2), _MOST_PLACES)
    return Decimal(5).scaleb(-places - 1)


@lru_cache(maxsize=65_536)
def _in_cents(cost: Decimal) -> tuple[Decimal, ...]:
    """Return a cost of a cent or more that has digits beyond the cent, rounded to cents in each way."""
    down = abs(cost).quantize(_CENT, ROUND_DOWN)
    if not down or down == abs(cost):
        return ()
    return down, abs(cost).quantize(_CENT, ROUND_HALF_UP)


def total_agrees(total: Decimal, sums: Iterable[Decimal], lines: int) -> bool:
    """Return whether a total is one of some sums, within the rounding of its lines."""
    allowed = _CENT + _CENT / 2 * min(lines, 20)
    return any(abs(total - expected) <= allowed for expected in sums)
