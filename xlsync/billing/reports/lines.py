"""Decision of what a row of a report means: the kind, the sign, and whether units change. PURE."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from xlsync.billing.reports.kinds import Kind
from xlsync.models import LineType

NO_UNITS: Final = "is empty"
_CENT: Final = Decimal("0.01")


class RowFigures(NamedTuple):
    """The figures of a row as written, and the days that it charges for."""

    units: Decimal | None
    cost: Decimal | None
    amount: Decimal | None
    start: dt.date | None = None
    end: dt.date | None = None


class ReportRow(NamedTuple):
    """A row of a table that charges or credits, with the values of its cells."""

    number: int
    at: int  # among the rows of the table
    figures: RowFigures
    kind: Kind
    word: str
    customer: str  # folded, as the product is
    product: str
    contract: str


class Meaning(NamedTuple):
    """The meaning of a row: credits have negative units and amounts; a discount changes money only."""

    type: LineType
    charge: LineType
    units: Decimal
    cost: Decimal | None
    amount: Decimal


class Unclear(NamedTuple):
    """What is unclear about a row, and the figure that it is about; money is its amount, or else its cost."""

    what: str
    figure: Literal["units", "amount", "money"] = "amount"


_NO_MONEY: Final = Unclear("has neither an amount nor a cost per unit beside it", "money")


class Habits(Struct, frozen=True, kw_only=True):
    """The report's way of writing credits, as its other rows show.

    `both_ways` are the words whose rows have both signs; `is_signed` tells that the layout always writes
    a minus for what is given back, `has_minus` that some row has one.
    """

    both_ways: frozenset[str] = frozenset()
    is_signed: bool = False
    has_minus: bool = False


def decide(
    figures: RowFigures, kind: Kind, word: str, habits: Habits, prices: Iterable[Decimal]
) -> Meaning | Unclear:
    """Decide the meaning of a row, or say what is unclear. `prices` are those of its contract's charges."""
    units, cost, amount = figures.units, figures.cost, figures.amount
    charge = kind.charge or LineType.RECURRING
    if cost == 0 and amount:
        cost = None  # a price of zero beside an amount is no price
    if amount is None and cost is None:
        return _NO_MONEY
    money = amount if amount is not None else (units or Decimal(0)) * (cost or Decimal(0))
    if kind.is_discount:
        return _money_only(money if word in habits.both_ways else -abs(money))
    if units is None and needs_units(kind):
        return _money_only(money) if money < 0 and not kind.is_credit else Unclear(NO_UNITS, "units")
    if units is None:
        if amount is None:
            return _NO_MONEY
        units = Decimal(0)
    has_minus = units < 0 or money < 0
    if units < 0 < money and cost is not None and cost < 0:
        return Unclear(f"is {money} and has {units} units at {cost}: whether it takes units back is not told")
    if units < 0 < money and not _is_about(money, abs(units) * abs(cost or Decimal(0)), units):
        what = f"has {units} units and an amount of {money}: which of them has the wrong sign is not told"
        return Unclear(what)
    if kind.is_credit or kind.goes_both_ways:
        is_credit = _is_credit(kind, word, habits, has_minus=has_minus)
        if is_credit is None:
            seen = "where other rows have one" if habits.has_minus else "anywhere in the file"
            return Unclear(f"“{word}” has no minus {seen}: whether it takes units back is not told")
    elif has_minus and units > 0 and not takes_back(figures, money, prices):
        return _money_only(money)
    else:
        is_credit = has_minus
    sign = -1 if is_credit else 1
    return Meaning(
        LineType.CREDIT if is_credit else charge,
        charge,
        units and sign * abs(units),
        None if cost is None else abs(cost),
        sign * abs(money),
    )


def needs_units(kind: Kind | None) -> bool:
    """Return whether a row must say its units: usage and what is charged once are not compared."""
    return kind is None or kind.charge not in (LineType.USAGE, LineType.ONE_TIME)


def _is_credit(kind: Kind, word: str, habits: Habits, *, has_minus: bool) -> bool | None:
    """Return whether a row with a word for a credit or a change of quantity gives back; None: unclear."""
    if has_minus:
        return True
    if word in habits.both_ways or (kind.goes_both_ways and habits.is_signed):
        return False
    return None if kind.goes_both_ways and (habits.has_minus or not kind.is_credit) else True


def _money_only(amount: Decimal) -> Meaning:
    """Make the meaning of a discount: money without units, which is not compared."""
    return Meaning(
        type=LineType.CREDIT if amount < 0 else LineType.ONE_TIME,
        charge=LineType.ONE_TIME,
        units=Decimal(0),
        cost=None,
        amount=amount,
    )


def takes_back(figures: RowFigures, money: Decimal, prices: Iterable[Decimal]) -> bool:
    """Return whether a negative amount is about units × price for the row's days or a part of them."""
    units = abs(figures.units or Decimal(0))
    known = {abs(price) for price in prices if price}
    if not known and figures.cost:
        known = {abs(figures.cost)}
    return any(
        _is_about(abs(money), units * price * share, units * share)
        for price in known
        for share in _shares(figures)
    )


def _shares(figures: RowFigures) -> Iterator[Decimal]:
    """Yield the fractions of a full price that the row's days may cost."""
    yield Decimal(1)
    start, end = figures.start, figures.end
    if start is None or end is None or end < start:
        return
    days = (end - start).days + 1
    month = calendar.monthrange(start.year, start.month)[1]
    for whole in {month, 30} if days <= 31 else {365, 366}:
        for counted in (days - 1, days, days + 1):
            if 0 < counted < whole:
                yield Decimal(counted) / whole


def _is_about(amount: Decimal, product: Decimal, units: Decimal) -> bool:
    return abs(amount - product) <= _CENT * 3 / 2 + abs(units) * _CENT / 2
