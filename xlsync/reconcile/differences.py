"""Differences on a target between the month's charges and its additions. PURE.

A target differs in units and cost, or in something that bars comparing either.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Final

from xlsync.amounts import cents, counted, counted_units, impact_of, tell_cost, tell_number
from xlsync.models import ActionLabel, Addition, Link, Mismatch, MismatchKind, Month
from xlsync.reconcile.beginnings import begin_where_allowed, closed_until, tell_by_hand
from xlsync.reconcile.charges import (
    Charge,
    billing_lines_of,
    months_charged,
    only_contract,
    only_cost,
    total_units,
)
from xlsync.reconcile.explanations import (
    join_sentences,
    tell_agreement,
    tell_charges,
    tell_costs,
    tell_included,
    tell_unbilled,
    with_warnings,
)
from xlsync.reconcile.targets import Books, Comparison
from xlsync.records import replace

_LINK_BY_PERIOD: Final = "link the line to an agreement with its billing period."


def find_differences(
    month: Month, comparison: Comparison, links: Mapping[str, Link], books: Books
) -> Iterator[Mismatch]:
    """Find the rows of one comparison; none where both sides agree or nothing is compared."""
    charges = comparison.charges
    if not charges:  # additions that no marked contract took
        return
    unknown = [charge for charge in charges if charge.units is None]
    failure = _failure_of(comparison)
    units = total_units(charges)
    if units is None and not failure:
        return
    if units is None or failure or unknown:
        base = _describe(month, comparison, links, books)
        why = failure or (
            f"{unknown[0].why} The other units of this product alone would bill too little: "
            "look at it by hand."
        )
        yield _without_action(base, "unchecked", MismatchKind.COULD_NOT_CHECK, why)
        return
    barred = list(_find_barred(comparison, books))
    if not barred and _agree(units, comparison):
        return
    base = _describe(month, comparison, links, books)
    if barred:
        price, held = _price_and_units_held(comparison, books)
        shown = replace(base, unit_price=price) if held else base
        for prefix, kind, why in barred:
            yield _without_action(shown, prefix, kind, join_sentences(why, held))
        return
    match comparison.additions:
        case ():
            yield _not_in_connectwise(month, base, units, comparison, books)
        case (addition,):
            successor = _tell_successor(addition, comparison.later)
            missing = units - addition.quantity
            beside = _overlapping(addition, comparison) if missing > 0 else []
            billed = [one for one in _billed_whole(month, comparison) if one in beside]
            if billed and _units_of(billed) >= missing:
                base = replace(base, by_hand=Decimal(0))
            for row in _units_and_cost(base, units, charges, addition, books):
                is_about_units = row.kind is MismatchKind.UNITS_DIFFER
                yield with_warnings(
                    row, successor, _tell_overlapping(month, beside) if is_about_units else ""
                )
        case several if isinstance(several, tuple):
            yield _several_additions(base, several)


def _failure_of(comparison: Comparison) -> str:
    """Return why either side could not be read; empty where both were."""
    failure = next((charge.failure for charge in comparison.charges if charge.failure), "")
    if not failure and isinstance(comparison.additions, Exception):
        return f"The agreement's additions could not be read: {comparison.additions}"
    return failure


def _agree(units: Decimal, comparison: Comparison) -> bool:
    match comparison.additions:
        case ():
            return not units  # nothing is in force and nothing is billed
        case (addition,):
            cost = only_cost(comparison.charges)
            return units == addition.quantity and (cost is None or cost == addition.unit_cost)
        case _:
            return False


def _describe(month: Month, comparison: Comparison, links: Mapping[str, Link], books: Books) -> Mismatch:
    """Make the part that all rows of a target share; the key is the target's, still without its prefix."""
    target, charges = comparison.target, comparison.charges
    lines = billing_lines_of(charges)
    first = lines[0]
    link = links[first.key]
    agreement = books.agreement(target.agreement)
    months = (agreement.billing_months if agreement else first.billing_months) or 1
    return Mismatch(
        key=f"{target.agreement}:{target.item}" + (f":{target.contract_id}" if target.contract_id else ""),
        kind=MismatchKind.COULD_NOT_CHECK,
        customer=first.customer,
        product=first.product,
        line_keys=tuple(line.key for line in lines),
        company=link.company.to if link.company else None,
        agreement=target.agreement,
        item=target.item,
        currency=books.currency_of(target.agreement, lines),
        beside=comparison.beside,
        bss_units=total_units(charges),
        bss_cost=only_cost(charges),
        unit_price=books.catalog_price(target.item),
        months=months,
        stake=sum((line.amount for line in lines), Decimal(0)) / months,
        contract_id=only_contract(charges),
        explanation=tell_agreement(month, agreement),
        bill_start=agreement.bill_start if agreement else None,
        next_invoice=agreement.next_invoice if agreement else None,
        closed_until=closed_until(agreement),
    )


def _price_and_units_held(comparison: Comparison, books: Books) -> tuple[Decimal | None, str]:
    """Return the price of the one addition that cannot be compared, and a sentence on its units."""
    match comparison.additions:
        case (addition,):
            price = books.price_of(addition)
            at = "" if price is None else f" at {tell_cost(price)}"
            return price, f"The agreement has {counted_units(addition.quantity)}{at}."
        case _:
            return None, ""


def _without_action(base: Mismatch, prefix: str, kind: MismatchKind, why: str) -> Mismatch:
    """Make a row that offers no write."""
    return replace(
        base, key=f"{prefix}:{base.key}", kind=kind, explanation=join_sentences(base.explanation, why)
    )


def _find_barred(comparison: Comparison, books: Books) -> Iterator[tuple[str, MismatchKind, str]]:
    """Find the rows that replace units and cost where line and agreement cannot be compared."""
    agreement = books.agreement(comparison.target.agreement)
    if agreement is None:
        return
    if agreement.cycle_trouble:
        yield ("unchecked", MismatchKind.COULD_NOT_CHECK, agreement.cycle_trouble)
        return
    lines = billing_lines_of(comparison.charges)
    own = {None, agreement.billing_months}
    if agreement.billing_months is not None and any(line.billing_months not in own for line in lines):
        other = {line.billing_months: line.billing_period for line in lines if line.billing_months not in own}
        billed = " and ".join(other.values())
        yield (
            "period",
            MismatchKind.BILLING_PERIOD_DIFFERS,
            f"The distributor bills {billed}, the agreement {agreement.billing_cycle}: {_LINK_BY_PERIOD}",
        )
    currencies = {line.currency for line in lines if line.currency}
    if len(currencies) > 1 or (agreement.currency and currencies - {agreement.currency}):
        billed = " and ".join(sorted(currencies))
        yield (
            "currency",
            MismatchKind.CURRENCY_DIFFERS,
            f"The distributor bills in {billed}, the agreement in {agreement.currency or 'one currency'}.",
        )


def _several_additions(base: Mismatch, additions: Sequence[Addition]) -> Mismatch:
    ids = ", ".join(f"{a.id} with {tell_number(a.quantity)}" for a in additions)
    why = (
        f"Several active additions of this product: {ids}. Which of them counts must be settled "
        "in ConnectWise: cancel all but one, or mark each with its Subscription ID."
    )
    return replace(
        _without_action(base, "several", MismatchKind.SEVERAL_ADDITIONS, why),
        connectwise_units=_units_of(additions),
    )


def _not_in_connectwise(
    month: Month, base: Mismatch, units: Decimal, comparison: Comparison, books: Books
) -> Mismatch:
    """Make the row that offers a new addition; no action where something may bill the product already."""
    charges = comparison.charges
    begins = _first_day_of_units(month, charges)
    item = books.items.get(base.item) if isinstance(base.item, int) else None
    bundle = "The product is a bundle, which no agreement takes as an addition: link one of its parts."
    bundle = bundle if item is not None and item.is_bundle else ""
    billed_whole = _billed_whole(month, comparison)
    successors = [a for a in comparison.later if billed_whole and a.effective == month.plus(1).first]
    row = replace(
        base,
        key=f"add:{base.key}",
        kind=MismatchKind.NOT_IN_CONNECTWISE,
        impact=impact_of(units - _units_of(successors), base.unit_price, base.months),
        action=ActionLabel.CREATE_ADDITION,
        by_hand=Decimal(0) if billed_whole and _units_of(billed_whole) >= units else None,
        begins=begins if month.first <= begins <= month.last else month.first,
        explanation=join_sentences(
            base.explanation,
            f"{tell_charges(units, charges)}; {_tell_absent(base)}.",
            tell_costs(charges),
        ),
    )
    row = with_warnings(
        row,
        _tell_other_months(base, comparison.charges, books),
        *(
            f"Addition {a.id} ({counted_units(a.quantity)}) starts on {a.effective}. "
            "Do not create another: the customer would pay twice."
            for a in comparison.later
        ),
        *(
            f"Addition {a.id} ({_tell_units_and_price(a, base)}) ended on {a.cancelled}. "
            "Do not create another that starts before that day: the customer would pay twice."
            for a in comparison.ended
        ),
        *_tell_held_elsewhere(month, base, books),
        bundle,
    )
    agreement = books.agreement(base.agreement)
    missing = units - _units_of(billed_whole)
    row = begin_where_allowed(row, month, agreement, Decimal(0) if billed_whole else units)
    if not billed_whole or missing <= 0:
        return row
    price = books.price_of(billed_whole[0])
    return tell_by_hand(row, month, None if price is None else cents(missing * price, 1))


def _billed_whole(month: Month, comparison: Comparison) -> list[Addition]:
    """List the additions that ended with the month and billed their units as long as they were charged.

    They began no later than the units, or continue one that ended within the month.
    """
    begun = max(month.first, _first_day_of_units(month, comparison.charges))
    continuing = {one.cancelled + dt.timedelta(days=1) for one in comparison.ended if one.cancelled}
    return [
        addition
        for addition in comparison.ended
        if addition.cancelled == month.last and not addition.is_taken_back
        if (addition.effective or begun) <= begun or addition.effective in continuing
    ]


def _first_day_of_units(month: Month, charges: Iterable[Charge]) -> dt.date:
    """Return the first day on which a contract is charged for units that it is not credited from that day.

    A contract that is credited first had units before the month.
    """
    begins: list[dt.date] = []
    for charge in charges:
        units: defaultdict[dt.date, Decimal] = defaultdict(Decimal)
        for line in charge.lines:
            units[line.start or month.first] += line.units
        day = min((day for day, change in units.items() if change), default=None)
        if day is not None:
            begins.append(day if units[day] > 0 else month.first)
    return min(begins, default=month.first)


def _units_of(additions: Iterable[Addition]) -> Decimal:
    return sum((addition.quantity for addition in additions), Decimal(0))


def _tell_absent(base: Mismatch) -> str:
    """Say why there is no addition: what it belongs to does not exist yet, or the agreement has none."""
    asked = {"customer": base.company, "agreement": base.agreement, "product": base.item}
    lacking = [f"the {name}" for name, to in asked.items() if isinstance(to, str)]
    if not lacking:
        return "the agreement has no active addition of this product"
    are = "is" if len(lacking) == 1 else "are"
    it = "it" if len(lacking) == 1 else "them"
    return f"{' and '.join(lacking)} {are} still to be created: approve {it} on New in ConnectWise too"


def _tell_units_and_price(ended: Addition, base: Mismatch) -> str:
    """Write the units of an ended addition, and its price where a new one would have another."""
    units = counted_units(ended.quantity)
    if ended.unit_price is None or ended.unit_price == base.unit_price:
        return units
    return f"{units} at {tell_cost(ended.unit_price)}, which a new one would not keep"


def _tell_held_elsewhere(month: Month, base: Mismatch, books: Books) -> Iterator[str]:
    """Name active additions of the product on other agreements of the customer, and agreements not read."""
    for agreement in books.by_company.get(base.company, ()) if isinstance(base.company, int) else ():
        if agreement.id == base.agreement:
            continue
        if isinstance(books.additions.get(agreement.id), Exception):
            yield (
                f"The additions of agreement {agreement.name} could not be read: if it has this product "
                "already, the customer would pay twice."
            )
        for addition in sorted(books.active_on(month, agreement.id, base.item), key=lambda a: a.id):
            yield (
                f"Agreement {agreement.name} already has this product (addition {addition.id}, "
                f"{counted_units(addition.quantity)}). Link the line to that agreement: with a second "
                "addition the customer would pay twice."
            )


def _units_and_cost(
    base: Mismatch, units: Decimal, charges: Sequence[Charge], addition: Addition, books: Books
) -> Iterator[Mismatch]:
    price = books.price_of(addition)
    row = partial(
        replace,
        base,
        addition=addition,
        connectwise_units=addition.quantity,
        connectwise_cost=addition.unit_cost,
        unit_price=price,
    )
    beside = _tell_beside(charges, addition)
    if units != addition.quantity:
        yield row(
            key=f"units:{addition.id}",
            kind=MismatchKind.UNITS_DIFFER,
            impact=impact_of(units - addition.quantity, price, base.months),
            action=ActionLabel.UPDATE_UNITS,
            explanation=join_sentences(
                base.explanation,
                f"{tell_charges(units, charges)}; ConnectWise has {tell_number(addition.quantity)}.",
                beside,
                tell_costs(charges),
            ),
        )
    if base.bss_cost is not None and base.bss_cost != addition.unit_cost:
        difference = base.bss_cost - (addition.unit_cost or Decimal(0))
        cost = row(
            key=f"cost:{addition.id}",
            kind=MismatchKind.COST_DIFFERS,
            impact=cents(-difference * units, base.months),
            action=ActionLabel.UPDATE_COST,
            explanation=join_sentences(
                base.explanation,
                f"A unit costs {tell_cost(base.bss_cost)}; ConnectWise has "
                + ("none." if addition.unit_cost is None else f"{tell_cost(addition.unit_cost)}."),
                beside,
            ),
        )
        yield with_warnings(cost, _tell_other_months(base, charges, books))


def _tell_other_months(base: Mismatch, charges: Sequence[Charge], books: Books) -> str:
    """Say that lines of an unknown billing period charge for other whole months than the agreement bills.

    Their days may be those of the charge or of the whole contract, so that their cost may be of either.
    """
    agreement = books.agreement(base.agreement)
    lines = (line for line in billing_lines_of(charges) if line.billing_months is None)
    months = max((n for line in lines if (n := months_charged(line)) is not None), default=None)
    if agreement is None or months is None or agreement.billing_months in (None, months):
        return ""
    return (
        f"The line is for {counted(months, 'month')}, the agreement bills {agreement.billing_cycle}, and no "
        "billing period is told: whether the cost is for the whole of it is not known."
    )


def _tell_successor(addition: Addition, later: Sequence[Addition]) -> str:
    """Say that an addition ends after the month, and which one follows it; empty where none does."""
    return join_sentences(
        *(
            f"Addition {addition.id} ends on {addition.cancelled}, and addition {one.id} "
            f"({counted_units(one.quantity)}) follows on {one.effective}: "
            "a change here would last until then."
            for one in later
            if addition.cancelled is not None and one.effective is not None
            if one.effective > addition.cancelled
        )
    )


def _overlapping(addition: Addition, comparison: Comparison) -> list[Addition]:
    """List additions that bill units of these contracts beside this one, early in the month or after it.

    One that follows another overlaps nothing.
    """
    contracts = {line.contract_id.casefold() for line in billing_lines_of(comparison.charges)} | {""}
    begun, end = addition.effective or dt.date.min, addition.cancelled or dt.date.max
    before = (
        one
        for one in comparison.ended
        if one.cancelled is not None and begun < one.cancelled and not one.is_taken_back
    )
    after = (one for one in comparison.later if one.effective is not None and one.effective < end)
    return [one for one in (*before, *after) if one.quantity and one.contract_mark.casefold() in contracts]


def _tell_overlapping(month: Month, beside: Iterable[Addition]) -> str:
    """Name additions that bill units beside the one of a row: with more units on it, both would bill them."""
    return " ".join(
        f"Addition {one.id} ({counted_units(one.quantity)}) "
        + (
            f"starts beside it on {one.effective}"
            if one.effective is not None and one.effective > month.last
            else f"ran beside it until {one.cancelled}"
        )
        + ": with more units here the customer would pay for them twice."
        for one in beside
    )


def _tell_beside(charges: Sequence[Charge], addition: Addition) -> str:
    """Say what else a person should know about an addition before changing it."""
    contracts = {line.contract_id.casefold() for line in billing_lines_of(charges)}
    is_marked_otherwise = addition.contract_mark and addition.contract_mark.casefold() not in contracts
    return join_sentences(
        tell_unbilled(addition),
        f"The addition is marked with {addition.contract_mark}, which none of these lines is of."
        if is_marked_otherwise
        else "",
        tell_included(addition),
    )
