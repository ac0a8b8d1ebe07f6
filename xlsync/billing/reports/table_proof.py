"""A table held against itself: units × cost = amount over all its lines. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from xlsync.amounts import counted, tell_number
from xlsync.billing.reports.layouts import may_hold_tax
from xlsync.billing.reports.problems import Problems, rows_text
from xlsync.billing.reports.proof import Product, Proof, prove
from xlsync.billing.reports.table_values import TableValues
from xlsync.models import BillingLine
from xlsync.reconcile.charges import covers_full_period

_NEARLY: Final = Decimal("0.85")  # February beside January
# Of each line: the number of its row, its place among the rows, and the amount as the row writes it.
Places = Sequence[tuple[int, int, Decimal | None]]


def prove_table(
    values: TableValues, places: Places, lines: Sequence[BillingLine], where: str, problems: Problems
) -> tuple[dict[int, Decimal], list[str]]:
    """Return the costs by row that the amounts prove, and what people are told of rows that break.

    A problem where the columns are not what their headers say.
    """
    longest = _longest_periods(lines)
    products = [
        Product(
            row=number,
            units=line.units,
            cost=line.cost,
            amount=line.amount,
            is_full=covers_full_period(line) and not _is_part_of(line, longest),
            share=_figure_at(values, "duration", at),
            discount=_figure_at(values, "discount", at),
        )
        for (number, at, written), line in zip(places, lines, strict=True)
        if line.cost and line.units and line.amount and written is not None
    ]
    proof = prove(products)
    _refuse_open_discount(values, places, lines, where, problems)
    if not products:
        _refuse_taxed_total(values, places, where, problems)
    notices = [*_tell_no_amount(values), *_tell_free(values, places, lines)]
    if not proof.broken:
        return proof.costs, notices
    return proof.costs, [*notices, *_tell_broken(values, proof, where, problems)]


def _longest_periods(lines: Sequence[BillingLine]) -> dict[tuple[str, Decimal | None], int]:
    """Return the days of the longest period at each price of a product: five months are a part of a year."""
    longest: dict[tuple[str, Decimal | None], int] = {}
    for line in lines:
        if line.billing_months is None and (days := _days(line)) > longest.get((line.product, line.cost), 0):
            longest[line.product, line.cost] = days
    return longest


def _is_part_of(line: BillingLine, longest: Mapping[tuple[str, Decimal | None], int]) -> bool:
    """Return whether another line at this price is for a period that is longer by more than a few days."""
    days = _days(line)
    return 0 < days < longest.get((line.product, line.cost), 0) * _NEARLY


def _days(line: BillingLine) -> int:
    return (line.end - line.start).days + 1 if line.start is not None and line.end is not None else 0


def _tell_broken(values: TableValues, proof: Proof, where: str, problems: Problems) -> list[str]:
    table = values.table
    units, cost = table.header_of("units"), table.header_of("cost")
    amount = next(table.header_of(name) for name in ("amount", "debit", "credit") if name in table.columns.at)
    first = proof.broken[0]
    example = f"{tell_number(first.units)} × {tell_number(first.cost)} is not {tell_number(first.amount)}"
    if not proof.is_refused:
        rows = rows_text(row.row for row in proof.broken)
        return [f"{units} × {cost} is not {amount} in {rows} ({example})"]
    problems.add(
        where,
        first.row,
        f", {units}, {cost}, {amount}: {example}, and so it is in {len(proof.broken)} of "
        f"{counted(proof.checked, 'line')}: {cost} is no cost per unit, or {amount} is not its line's amount",
    )
    problems.ignore[cost] = None
    return []


def _tell_no_amount(values: TableValues) -> list[str]:
    """Tell that a table has no amounts, so that its cost counts as what one unit costs."""
    if not {"amount", "debit", "credit"}.isdisjoint(values.table.columns.at):
        return []
    units, cost = values.table.header_of("units"), values.table.header_of("cost")
    return [
        f"no column is an amount, so {cost} counts as what one unit costs, and amounts are {units} × {cost}"
    ]


def _tell_free(values: TableValues, places: Places, lines: Sequence[BillingLine]) -> list[str]:
    """Tell of lines that have units and a cost, and an amount of zero."""
    rows = [
        number
        for (number, _, written), line in zip(places, lines, strict=True)
        if written == 0 and line.units and line.cost
    ]
    if not rows:
        return []
    units, cost = values.table.header_of("units"), values.table.header_of("cost")
    return [f"{units} and {cost} make money that the amount of {rows_text(rows)} does not have: it is zero"]


def _figure_at(values: TableValues, meaning: str, at: int) -> Decimal | None:
    cells = values.numbers.get(meaning)
    value = cells[at] if cells else None
    return value if isinstance(value, Decimal) else None


def _refuse_open_discount(
    values: TableValues, places: Places, lines: Sequence[BillingLine], where: str, problems: Problems
) -> None:
    """Refuse a discount beside a price without an amount: nothing tells whether the price holds it."""
    for (number, at, written), line in zip(places, lines, strict=True):
        if written is None and line.cost and line.units and (less := _figure_at(values, "discount", at)):
            discount, cost = values.table.header_of("discount"), values.table.header_of("cost")
            what = f"{tell_number(less)} stands beside {cost} without an amount: whether it is taken off"
            problems.add(where, number, f", {discount}: {what} is not told")


def _refuse_taxed_total(values: TableValues, places: Places, where: str, problems: Problems) -> None:
    """Refuse a total beside a tax without a cost per unit: nothing tells whether it holds the tax."""
    table = values.table
    if "amount" not in table.columns.at or not may_hold_tax(table.header_of("amount")):
        return
    taxed = [number for number, at, _ in places if _figure_at(values, "tax", at)]
    if taxed:
        total, tax = table.header_of("amount"), table.header_of("tax")
        problems.add(
            where,
            taxed[0],
            f", {total}: {tax} stands beside it ({rows_text(taxed)}), so it may hold the tax, and no cost "
            "per unit tells",
        )
