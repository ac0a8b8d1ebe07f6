"""Discounts and credits that only the name of the product tells, such as `Discount 10%`. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from xlsync.billing.reports.kinds import may_name_discount, names_discount, names_only_credit
from xlsync.billing.reports.lines import RowFigures
from xlsync.billing.reports.text import fold


def find_discounts(rows: Sequence[tuple[RowFigures, str, str]]) -> list[bool]:
    """Return for each row whether it has a minus and its product is named as money off.

    A row has its figures, the word of its kind and its product. Where the kind is told, it decides; a name
    of which some rows charge may be that of a product.
    """
    charging = {fold(product) for figures, _, product in rows if not _has_minus(figures)}

    def is_money_off(product: str) -> bool:
        may_be = names_discount(product) or may_name_discount(product)
        return names_only_credit(product) or (may_be and fold(product) not in charging)

    return [not word and _has_minus(figures) and is_money_off(product) for figures, word, product in rows]


def _has_minus(figures: RowFigures) -> bool:
    """Return whether a row gives money back by a minus of its amount, else of its units or its cost."""
    units, cost, amount = (figure or Decimal(0) for figure in figures[:3])
    if figures.amount is None:
        return units * cost < 0
    return amount < 0 or (units < 0 <= cost and amount > 0)
