"""Discounts and credits that only the name of the product tells, such as `Discount 10%`. PURE."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from decimal import Decimal
from typing import Any

from xlsync.billing.reports.kinds import Kind, may_name_discount, names_discount, names_only_credit
from xlsync.billing.reports.lines import ReportRow
from xlsync.billing.reports.table_values import TableValues
from xlsync.billing.reports.text import fold


def charged_products(values: TableValues) -> set[str]:
    """Return the products for which rows of a table charge."""
    nothing: Sequence[None] = [None] * len(values.table.rows)
    columns = (values.numbers.get(name, nothing) for name in ("credit", "units", "cost", "amount"))
    charged: set[str] = set()
    for product, *cells in zip(values.texts["product"], *columns, strict=True):
        credit, *figures = (cell if isinstance(cell, Decimal) else None for cell in cells)
        if isinstance(product, str) and figures[0] and not credit and not _has_minus(*figures):
            charged.add(fold(product))
    return charged


def with_discounts(
    rows: Iterable[ReportRow], products: Sequence[Any], charged: Container[str]
) -> list[ReportRow]:
    """Return the rows, as discounts those that have a minus and whose product is named as money off.

    Where the kind is told, it decides. A name for which a row of any file charges is that of a product, and
    so is one that holds more than words for money off where the minus is that of several units.
    """
    return [
        row._replace(kind=Kind(is_discount=True))
        if not row.word and _has_minus(*row.figures[:3]) and _is_money_off(row, products[row.at], charged)
        else row
        for row in rows
    ]


def _is_money_off(row: ReportRow, name: str, charged: Container[str]) -> bool:
    if row.product in charged:
        return False
    if names_only_credit(name):
        return True
    units, cost = row.figures[:2]
    takes_back = (units or 0) < -1 and (cost is None or cost > 0)
    return not takes_back and (names_discount(name) or may_name_discount(name))


def _has_minus(units: Decimal | None, cost: Decimal | None, amount: Decimal | None) -> bool:
    """Return whether a row gives money back by a minus of its amount, else of its units or its cost."""
    units, cost = units or Decimal(0), cost or Decimal(0)
    if amount is None:
        return units * cost < 0
    return amount < 0 or (units < 0 < cost and amount > 0)
