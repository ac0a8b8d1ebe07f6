"""Units in force: how many units of a contract the month's billing leaves running. PURE.

Of the lines of one contract and product, those whose charged period ends last are in force: a renewal,
its mid-period increases, its credits. Where they hold no charge for a full period (an annual term
increased half-way bills the increase alone), the BSS's own quantity of the subscription counts instead.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Final

from msgspec import Struct

from xlsync.amounts import counted_units, tell_cost, tell_number
from xlsync.models import BillingLine, LineType

_CENT: Final = Decimal("0.01")
_SLIGHTLY: Final = Decimal("0.01")  # part of a price that roundings and exchange rates may cost
_NEARLY: Final = Decimal("0.1")  # part of a full period by which ways to count its days may differ


class Charge(Struct, frozen=True, kw_only=True):
    """The charges of one contract and product in a month, and the units that they leave running.

    `lines` are in force, `earlier` are those of periods that ended before. `units` is None where nothing can
    be compared; `why` explains that, or what is special about the units. `failure` describes a failed read:
    such a contract could not be checked. `costs` are the different unit costs of its full periods. `is_own`
    is True where `units` are the BSS's own quantity of the subscription, `is_ruled` where a rule changed
    them.
    """

    contract: str
    lines: tuple[BillingLine, ...]
    earlier: tuple[BillingLine, ...]
    units: Decimal | None
    costs: tuple[Decimal, ...] = ()
    why: str = ""
    failure: str = ""
    is_own: bool = False
    is_ruled: bool = False

    @property
    def is_lone_credit(self) -> bool:
        """Return whether the charge only credits units."""
        return all(line.type is LineType.CREDIT for line in self.lines)

    @property
    def sum_text(self) -> str:
        """The sum of the billed units, written out: `12 + 3 from 2026-10-17`."""
        return _tell_sum(self.lines)


@cache  # many lines have the same few periods
def last_day(start: dt.date, months: int) -> dt.date:
    """Return the last day of a period of `months` months: the day before the same day, or before the last day
    of a month that has no such day; at most the last date of the calendar.
    """  # noqa: D205
    count = start.year * 12 + start.month - 1 + months
    year, month = count // 12, count % 12 + 1
    if year > dt.MAXYEAR:
        return dt.date.max
    day = min(start.day, calendar.monthrange(year, month)[1])
    return dt.date(year, month, day) - dt.timedelta(days=1)


def covers_full_period(line: BillingLine) -> bool:
    """Return whether the line charges for a whole billing period; a line without dates does.

    Where the period's length is not known, any whole number of months is one.
    """
    if line.start is None or line.end is None:
        return True
    if line.billing_months is None:
        return _whole_months(line.start, line.end) is not None
    return line.end >= last_day(line.start, line.billing_months)


def months_charged(line: BillingLine) -> int | None:
    """Return the number of whole months that the days of a line make; None where they make none."""
    return None if line.start is None or line.end is None else _whole_months(line.start, line.end)


@cache  # many lines have the same few periods
def _whole_months(start: dt.date, end: dt.date) -> int | None:
    span = (end.year - start.year) * 12 + end.month - start.month
    return next((n for n in (span, span + 1) if n > 0 and end == last_day(start, n)), None)


def group_by_contract(lines: Iterable[BillingLine]) -> dict[tuple[str, str], list[BillingLine]]:
    """Group the comparable lines by contract and product; the order of the lines does not matter."""
    groups: dict[tuple[str, str], list[BillingLine]] = {}
    for line in sorted(lines, key=lambda line: line.key):
        if line.is_compared:
            groups.setdefault((line.contract, line.bss_product), []).append(line)
    return groups


def find_in_force(lines: Sequence[BillingLine]) -> tuple[list[BillingLine], list[BillingLine]]:
    """Split a contract's lines into those in force and those of an earlier period."""
    last = max((line.end for line in lines if line.end is not None), default=None)
    in_force = [line for line in lines if line.end is None or line.end == last]
    return in_force, [line for line in lines if line.end is not None and line.end != last]


def lacks_full_charge(in_force: Sequence[BillingLine]) -> bool:
    """Return whether there are charges, but none for a full period."""
    charges = [line for line in in_force if line.type is LineType.RECURRING]
    return bool(charges) and not any(covers_full_period(line) for line in charges)


def lines_to_ask(lines: Iterable[BillingLine]) -> tuple[BillingLine, ...]:
    """Return one line of each contract whose running units only the BSS can tell: a part month was billed."""
    lines = list(lines)
    prorated = {line.contract for line in lines if not covers_full_period(line)}
    contracts = group_by_contract(line for line in lines if line.contract in prorated)
    groups = (find_in_force(group)[0] for group in contracts.values())
    return tuple(
        in_force[0]
        for in_force in groups
        if in_force[0].source == "bss" and in_force[0].contract_id and lacks_full_charge(in_force)
    )


def read_charges(
    lines: Iterable[BillingLine], own_units: Mapping[str, Decimal | Exception]
) -> tuple[Charge, ...]:
    """Make one `Charge` of each contract and product.

    `own_units` are the BSS's answers, by contract, to the questions of `lines_to_ask`: a quantity or a failed
    read.
    """
    groups = group_by_contract(lines)
    last = _products_charged_last(groups)
    return tuple(
        _read_charge(contract, group, own_units, is_only=last.get(contract, {product}) == {product})
        for (contract, product), group in groups.items()
    )


def _products_charged_last(
    groups: Mapping[tuple[str, str], Sequence[BillingLine]],
) -> dict[str, set[str]]:
    """Return the products that each contract of several products is charged for until its last day.

    A product whose units are all credited is not among them.
    """
    several = {
        contract for contract, count in Counter(contract for contract, _ in groups).items() if count > 1
    }
    charged: defaultdict[str, dict[str, dt.date]] = defaultdict(dict)
    for (contract, product), group in groups.items():
        if contract in several:
            in_force = find_in_force(group)[0]
            if sum(line.units for line in in_force) > 0:
                charged[contract][product] = max(line.end or dt.date.max for line in in_force)
    return {
        contract: {product for product, end in ends.items() if end == max(ends.values())}
        for contract, ends in charged.items()
    }


def _read_charge(
    contract: str,
    lines: Sequence[BillingLine],
    own_units: Mapping[str, Decimal | Exception],
    *,
    is_only: bool,
) -> Charge:
    """Make the charge of a contract's product; `is_only` where no other is charged until as late a day."""
    in_force, earlier = find_in_force(lines)
    full = [line for line in in_force if line.type is LineType.RECURRING and covers_full_period(line)]
    running = _find_units(in_force, full, earlier, own_units.get(contract), is_only=is_only)
    unread = next((line.unread for line in in_force if line.unread), "")
    return Charge(
        contract=contract,
        lines=tuple(in_force),
        earlier=tuple(earlier),
        units=running.units,
        costs=tuple(dict.fromkeys(line.cost for line in full if line.cost is not None)),
        why=running.why,
        failure=unread or running.failure,
        is_own=running.is_own,
    )


class _Running(Struct, frozen=True):
    """The units of a contract that run: None with the reason, or with the read that failed."""

    units: Decimal | None = None
    why: str = ""
    failure: str = ""
    is_own: bool = False


def _find_units(
    in_force: Sequence[BillingLine],
    full: Sequence[BillingLine],
    earlier: Sequence[BillingLine],
    own_units: Decimal | Exception | None,
    *,
    is_only: bool,
) -> _Running:
    """Decide how many units run: the sum of the lines in force, or the BSS's own quantity of a part month."""
    first = in_force[0]
    if all(line.type is not LineType.RECURRING for line in in_force):
        return _Running(why="A credit without a charge is not compared: units are never negative.")
    if not first.contract_id and _overlap(full, earlier):
        return _Running(
            why="Its lines name no subscription and their periods overlap, so several subscriptions may run: "
            "which of them do is not told, and they are not compared."
        )
    if full:
        odd_credits = _find_odd_credits(in_force, full)
        if unclear := _find_correction(odd_credits, full) or _find_surcharge(in_force, full):
            return _Running(why=unclear)
        units = sum((line.units for line in in_force), Decimal(0))
        if units < 0:
            return _Running(why=f"Credits exceed charges ({_tell_sum(in_force)}): units are never negative.")
        return _Running(units, _tell_odd_credits(odd_credits))
    if first.source != "bss" or not first.contract_id:
        return _Running(
            why="No charge for a full period, and a report does not tell how many units run: not compared."
        )
    if not is_only:
        return _Running(
            why="No charge for a full period, and its contract is charged for another product too: which of "
            "them the subscription's own quantity is of is not told, and it is not compared."
        )
    match own_units:
        case Decimal():
            why = (
                f"Only a part month was billed ({_tell_sum(in_force)}); "
                f"the subscription has {counted_units(own_units)}."
            )
            return _Running(own_units, why, is_own=True)
        case None:
            return _Running(failure="The BSS does not tell the subscription's own quantity.")
        case _:
            return _Running(failure=f"The BSS's own quantity could not be read: {own_units}")


def _find_odd_credits(in_force: Iterable[BillingLine], full: Sequence[BillingLine]) -> list[BillingLine]:
    """Find the credits whose money is not that of their units at the price of full periods.

    Units are taken back at the whole price, or at the share of it that the credit's days are of a full
    period; a credit without days takes them back at any part of the price.
    """
    credits_of_units = [line for line in in_force if line.type is LineType.CREDIT and line.units]
    if not credits_of_units:
        return []
    prices = {charge.cost for charge in full if charge.cost}
    longest = max(charge.days for charge in full)
    odd = []
    for credit in credits_of_units if prices else ():
        part = Decimal(credit.days) / longest if longest and credit.days else None
        money = abs(credit.amount / credit.units)
        if not any(_is_price(money, price, part) for price in prices):
            odd.append(credit)
    return odd


def _find_correction(odd_credits: Sequence[BillingLine], full: Sequence[BillingLine]) -> str:
    """Say that credits may correct a price: they are for all units of a charge, at another price."""
    if not odd_credits:
        return ""
    charged = {charge.units for charge in full}
    credited = sum((abs(credit.units) for credit in odd_credits), Decimal(0))
    if credited < sum(charge.units for charge in full) and not any(
        abs(credit.units) in charged for credit in odd_credits
    ):
        return ""
    credit = max(odd_credits, key=lambda credit: (abs(credit.units), credit.key))
    return (
        f"{_tell_odd_credit(credit)}: whether it takes them back or corrects the price is not told: "
        "nothing is compared."
    )


def _tell_odd_credits(odd_credits: Iterable[BillingLine]) -> str:
    """Say that credits of some of the units count as units taken back, though their money is another."""
    sentences = (
        f"{_tell_odd_credit(credit)}: it counts as units taken back; if it corrects a price, ignore this row."
        for credit in odd_credits
    )
    return " ".join(sentences)


def _tell_odd_credit(credit: BillingLine) -> str:
    units = counted_units(abs(credit.units))
    their = "its" if abs(credit.units) == 1 else "their"
    return f"A credit of {abs(credit.amount):,.2f} for {units} is not {their} price"


def _is_price(money: Decimal, price: Decimal, part: Decimal | None) -> bool:
    """Return whether money for a unit is its price, or that of a part of a period; None is any part."""
    if abs(money - price) <= _CENT + price * _SLIGHTLY:
        return True
    return money < price if part is None else abs(money / price - part) <= _NEARLY


def _find_surcharge(in_force: Iterable[BillingLine], full: Sequence[BillingLine]) -> str:
    """Say that a contract is charged twice for equal units and days, once at a fraction of the price.

    That may be a higher price of the units, and no further ones; unless a credit takes the whole charge back.
    """
    if len(full) < 2:
        return ""
    credited = {(-line.units, -line.amount) for line in in_force if line.type is LineType.CREDIT}
    highest: dict[tuple[object, ...], Decimal] = {}
    priced = [
        (line, line.cost)
        for line in full
        if line.contract_id and line.cost and (line.units, line.amount) not in credited
    ]
    for line, cost in priced:
        alike = line.units, line.start, line.end
        highest[alike] = max(cost, highest.get(alike, cost))
    for line, cost in priced:
        price = highest[line.units, line.start, line.end]
        if cost * 2 < price:
            return (
                f"{counted_units(line.units)} at {tell_cost(cost)} beside as many at {tell_cost(price)}: "
                "whether they are further units or a surcharge is not told: nothing is compared."
            )
    return ""


def _overlap(full: Sequence[BillingLine], earlier: Sequence[BillingLine]) -> bool:
    """Return whether a full period began before an earlier one ended, as never within one subscription."""
    starts = [line.start for line in full if line.start is not None]
    ends = [
        line.end
        for line in earlier
        if line.end is not None and line.type is LineType.RECURRING and covers_full_period(line)
    ]
    return bool(starts and ends) and min(starts) <= max(ends)


def billing_lines_of(charges: Iterable[Charge]) -> list[BillingLine]:
    """List the lines in force of some charges."""
    return [line for charge in charges for line in charge.lines]


def total_units(charges: Iterable[Charge]) -> Decimal | None:
    """Sum the known units of some charges; None where none are known."""
    units = [charge.units for charge in charges if charge.units is not None]
    return sum(units, Decimal(0)) if units else None


def costs_of(charges: Iterable[Charge]) -> set[Decimal]:
    """Return the different unit costs of the full periods of some charges."""
    return {cost for charge in charges for cost in charge.costs}


def only_cost(charges: Iterable[Charge]) -> Decimal | None:
    """Return the unit cost of some charges; None where they have several or none."""
    costs = costs_of(charges)
    return costs.pop() if len(costs) == 1 else None


def only_contract(charges: Iterable[Charge]) -> str:
    """Return the contract id that all charges share; empty where there are several."""
    contracts = {charge.lines[0].contract_id for charge in charges}
    return contracts.pop() if len(contracts) == 1 else ""


def _tell_sum(lines: Sequence[BillingLine]) -> str:
    """Write out the sum of a contract's units: `12 + 3 from 2026-10-17 - 2 from 2026-10-20`."""
    text = ""
    for line in sorted(lines, key=lambda line: (line.start or dt.date.min, line.key)):
        sign = "-" if line.units < 0 else "+"
        number = tell_number(abs(line.units))
        text += f" {sign} {number}" if text else f"{'-' if line.units < 0 else ''}{number}"
        if line.start is not None and not covers_full_period(line):
            text += f" from {line.start}"
    return text
