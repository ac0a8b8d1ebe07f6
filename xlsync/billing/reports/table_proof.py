"""A table held against itself: units × cost = amount over all its lines. PURE."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from xlsync.amounts import counted, tell_number
from xlsync.billing.reports.meanings import AMOUNTS, may_hold_tax
from xlsync.billing.reports.problems import Problems, rows_text
from xlsync.billing.reports.proof import Product, Proof, prove
from xlsync.billing.reports.table_values import TableValues
from xlsync.billing.reports.unread_money import (
    refuse_discounted_amounts,
    refuse_parted_amounts,
    refuse_unread_money,
)
from xlsync.models import BillingLine
from xlsync.reconcile.charges import covers_full_period

_NEARLY: Final = Decimal("0.85")  # February beside January
# Of each line: the number of its row, its place among the rows, and the amount as the row writes it.
Places = Sequence[tuple[int, int, Decimal | None]]


class TableProof(NamedTuple):
    """The costs by row that the amounts prove, notices, and doubts that hinder the all clear."""

    costs: Mapping[int, Decimal]
    notices: Sequence[str]
    doubts: Sequence[str]


def prove_table(
    values: TableValues,
    places: Places,
    lines: Sequence[BillingLine],
    others: Collection[int],
    problems: Problems,
) -> TableProof:
    """Hold the figures of a table's lines against each other.

    A problem where the columns are not what their headers say. `others` are the places of rows that another
    month invoices; they tell something about the columns, and hinder no all clear.
    """
    products = _products(values, places, lines)
    proof = prove(products)
    _refuse_open_discount(values, places, lines, problems)
    _refuse_unread_money(values, places, lines, problems)
    if not products:
        _refuse_taxed_total(values, places, problems)
    broken = [] if proof.is_refused else proof.broken
    if proof.is_refused:
        _refuse_broken(values, proof, problems)
    compared: set[int] = set()
    free, empty, without_units = list[int](), list[int](), list[int]()
    has_amounts = not _has_no_amounts(values)
    for (number, at, written), line in zip(places, lines, strict=True):
        if line.is_compared and at not in others:
            compared.add(number)
        if written == 0 and line.units and line.cost:
            free.append(number)
        if written is None and line.amount and has_amounts:
            empty.append(number)
        if line.amount and not line.units:
            without_units.append(number)
    return TableProof(
        proof.costs,
        [
            *_tell_no_amount(values),
            *_tell_empty(values, [row for row in empty if row not in compared]),
            *_tell_free(values, [row for row in free if row not in compared]),
            *_tell_broken(values, [one for one in broken if one.row not in compared]),
        ],
        [
            *_tell_shares_of_units(values, places, lines, compared),
            *_tell_without_units(values, [row for row in without_units if row in compared]),
            *_tell_empty(values, [row for row in empty if row in compared]),
            *_tell_free(values, [row for row in free if row in compared]),
            *_tell_broken(values, [one for one in broken if one.row in compared]),
        ],
    )


def _products(values: TableValues, places: Places, lines: Sequence[BillingLine]) -> list[Product]:
    """Make the products of units and cost of the lines whose row writes an amount."""
    longest = _longest_periods(lines)
    return [
        Product(
            row=number,
            units=line.units,
            cost=line.cost,
            amount=line.amount,
            is_full=covers_full_period(line) and not _is_part_of(line, longest) and not _is_part_credit(line),
            share=_figure_at(values, "duration", at),
            discount=_figure_at(values, "discount", at),
        )
        for (number, at, written), line in zip(places, lines, strict=True)
        if line.cost and line.units and line.amount and written is not None
    ]


def _refuse_unread_money(
    values: TableValues, places: Places, lines: Sequence[BillingLine], problems: Problems
) -> None:
    numbered = [(number, at, line) for (number, at, _), line in zip(places, lines, strict=True)]
    refuse_unread_money(values.table, numbered, problems)
    without_amount = {number for number, _, written in places if written is None}
    refuse_parted_amounts(values.table, numbered, without_amount, problems)
    refuse_discounted_amounts(values.table, numbered, values.numbers.get("discount", ()), problems)


def _is_part_credit(line: BillingLine) -> bool:
    """Return whether units are given back for less than their price, as for the rest of a period."""
    return line.units < 0 and line.cost is not None and abs(line.amount) < abs(line.units * line.cost)


def _longest_periods(lines: Sequence[BillingLine]) -> dict[tuple[str, Decimal | None], int]:
    """Return the days of the longest period at each price of a product: five months are a part of a year."""
    longest: dict[tuple[str, Decimal | None], int] = {}
    for line in lines:
        if line.billing_months is None and (days := line.days) > longest.get((line.product, line.cost), 0):
            longest[line.product, line.cost] = days
    return longest


def _is_part_of(line: BillingLine, longest: Mapping[tuple[str, Decimal | None], int]) -> bool:
    """Return whether another line at this price is for a period that is longer by more than a few days."""
    days = line.days
    return 0 < days < longest.get((line.product, line.cost), 0) * _NEARLY


def _tell_broken(values: TableValues, broken: Sequence[Product]) -> list[str]:
    """Tell of lines whose units times their cost is not their amount."""
    if not broken:
        return []
    units, cost, amount = _headers(values)
    rows = rows_text(one.row for one in broken)
    return [f"{units} × {cost} is not {amount} in {rows} ({_example(broken[0])})"]


def _refuse_broken(values: TableValues, proof: Proof, problems: Problems) -> None:
    """Add a problem of a table most of whose lines break."""
    units, cost, amount = _headers(values)
    problems.add(
        values.table.sheet.name,
        proof.broken[0].row,
        f", {units}, {cost}, {amount}: {_example(proof.broken[0])}, and so it is in {len(proof.broken)} of "
        f"{counted(proof.checked, 'line')}: {cost} is no cost per unit, or {amount} is not its line's amount",
    )
    problems.propose_to_ignore(cost)


def _headers(values: TableValues) -> tuple[str, str, str]:
    """Return the headers of units, cost and amount."""
    table = values.table
    amount = next(table.header_of(name) for name in AMOUNTS if name in table.columns.at)
    return table.header_of("units"), table.header_of("cost"), amount


def _example(one: Product) -> str:
    return f"{tell_number(one.units)} × {tell_number(one.cost)} is not {tell_number(one.amount)}"


def _tell_no_amount(values: TableValues) -> list[str]:
    """Tell that a table has no amounts, so that its cost counts as what one unit costs."""
    if not _has_no_amounts(values):
        return []
    units, cost = values.table.header_of("units"), values.table.header_of("cost")
    return [
        f"no column is an amount, so {cost} counts as what one unit costs, and amounts are {units} × {cost}"
    ]


def _has_no_amounts(values: TableValues) -> bool:
    return values.table.columns.at.keys().isdisjoint(AMOUNTS)


def _tell_empty(values: TableValues, rows: Sequence[int]) -> list[str]:
    """Tell of lines without an amount of their own in a table that has amounts."""
    if not rows:
        return []
    units, cost, amount = _headers(values)
    return [f"{amount} is empty in {rows_text(rows)}, and counts as {units} × {cost}"]


def _tell_free(values: TableValues, rows: Sequence[int]) -> list[str]:
    """Tell of lines that have units and a cost, and an amount of zero."""
    if not rows:
        return []
    units, cost = values.table.header_of("units"), values.table.header_of("cost")
    return [f"{units} and {cost} make money that the amount of {rows_text(rows)} does not have: it is zero"]


def _tell_without_units(values: TableValues, rows: Sequence[int]) -> list[str]:
    """Tell of lines that have an amount and no units."""
    return [f"{values.table.header_of('units')} is zero beside money in {rows_text(rows)}"] if rows else []


def _tell_shares_of_units(
    values: TableValues, places: Places, lines: Sequence[BillingLine], compared: Collection[int]
) -> list[str]:
    """Tell of parts of a unit that are charged for a part of a period, where all others are whole."""
    own = [(number, line) for (number, *_), line in zip(places, lines, strict=True) if number in compared]
    parts = [(number, line) for number, line in own if line.units % 1]
    if not parts or len(parts) == len(own) or any(covers_full_period(line) for _, line in parts):
        return []
    rows = rows_text(number for number, _ in parts)
    return [f"{values.table.header_of('units')} may be units for a part of a period, not in force, in {rows}"]


def _figure_at(values: TableValues, meaning: str, at: int) -> Decimal | None:
    cells = values.numbers.get(meaning)
    value = cells[at] if cells else None
    return value if isinstance(value, Decimal) else None


def _refuse_open_discount(
    values: TableValues, places: Places, lines: Sequence[BillingLine], problems: Problems
) -> None:
    """Refuse a discount beside a price without an amount: nothing tells whether the price holds it."""
    for (number, at, written), line in zip(places, lines, strict=True):
        if written is None and line.cost and line.units and (less := _figure_at(values, "discount", at)):
            discount, cost = values.table.header_of("discount"), values.table.header_of("cost")
            what = f"{tell_number(less)} stands beside {cost} without an amount: whether it is taken off"
            problems.add(values.table.sheet.name, number, f", {discount}: {what} is not told")


def _refuse_taxed_total(values: TableValues, places: Places, problems: Problems) -> None:
    """Refuse a total beside a tax without a cost per unit: nothing tells whether it holds the tax."""
    table = values.table
    if "amount" not in table.columns.at or not may_hold_tax(table.header_of("amount")):
        return
    taxed = [number for number, at, _ in places if _figure_at(values, "tax", at)]
    if taxed:
        total, tax = table.header_of("amount"), table.header_of("tax")
        problems.add(
            table.sheet.name,
            taxed[0],
            f", {total}: {tax} stands beside it ({rows_text(taxed)}), so it may hold the tax, and no cost "
            "per unit tells",
        )
