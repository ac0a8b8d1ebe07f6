"""Figures: money of one currency and counts, of a customer, a product or a whole month. PURE.

Money is never added across currencies, and every sum is exact: what is divided (a year's price by its months)
is rounded to cents before anything is added, as on the sheets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any, Final

from xlsync.amounts import DIGITS

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Money of one currency and counts, of a customer, a product or the whole month.

    `billed` is the distributor's, all lines. `before` and `after` are ConnectWise's money a month without and
    with the month's writes. `revenue` and `cost` are the parts of both sides that can be held against each
    other: `after` of targets with linked recurring lines, and those lines, a month of each.
    """

    lines: int = 0
    billed: Decimal = ZERO
    before: Decimal = ZERO
    after: Decimal = ZERO
    revenue: Decimal = ZERO
    cost: Decimal = ZERO
    cost_impact: Decimal = ZERO  # of unit costs that were set right in ConnectWise: no revenue
    open: int = 0
    up: Decimal = ZERO  # money a month of open mismatches
    down: Decimal = ZERO
    unpriced: int = 0  # additions without a price

    @property
    def found(self) -> Decimal:
        """The monthly impact of the month's done changes of units, creations and ends."""
        return self.after - self.before

    @property
    def margin(self) -> Decimal:
        """What is left of the revenue that was compared."""
        return self.revenue - self.cost

    @property
    def rate(self) -> Decimal | None:
        """The margin as a part of the revenue; None without revenue."""
        return self.margin / self.revenue if self.revenue else None


def add(figures: Iterable[Figures]) -> Figures:
    """The sum, exactly."""
    names = Figures.__dataclass_fields__
    found = list(figures)
    with localcontext(prec=DIGITS):
        return Figures(**{name: sum((getattr(f, name) for f in found), _start(name)) for name in names})


def _start(name: str) -> Any:
    return 0 if name in {"lines", "open", "unpriced"} else ZERO


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of a customer or a product in one currency; linked where ConnectWise knows it."""

    name: str
    currency: str
    is_linked: bool
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one line, addition or open row adds to the figures of its customer and product."""

    currency: str
    customer_key: str
    product_key: str
    figures: Figures


def grouped(parts: Iterable[tuple[str, str, Part]]) -> list[Group]:
    """The figures by currency and key; a group bears its key as a name."""
    found: dict[tuple[str, str], list[Figures]] = {}
    for currency, key, part in parts:
        found.setdefault((currency, key), []).append(part.figures)
    return [Group(key, currency, False, add(figures)) for (currency, key), figures in found.items()]


def ranked(groups: Iterable[Group], rank: Mapping[str, int]) -> tuple[Group, ...]:
    """The most money first, one currency after another."""
    return tuple(
        sorted(
            groups,
            key=lambda group: (
                rank[group.currency],
                -max(abs(group.figures.billed), abs(group.figures.after)),
                group.name.casefold(),
            ),
        )
    )
