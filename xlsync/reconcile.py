"""Find mismatches: what the month's billing leaves in force against ConnectWise's additions. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from xlsync.models import (
    ActionLabel,
    Addition,
    Agreement,
    BillingLine,
    CatalogItem,
    Choice,
    Evidence,
    LineType,
    Link,
    Mismatch,
    MismatchKind,
    Month,
    Status,
    Target,
)
from xlsync.units import Charge, covers_full_period, tell_cost, tell_number

CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Books:
    """What ConnectWise holds of the month's customers.

    `additions` are those of each agreement that was read, the error where reading failed.
    `prices` are the prices of products still to be created, by row key. `linked_items` are the catalog
    items that some product of this BSS is linked to; `yearly_items` those billed once a year only.
    """

    agreements: Mapping[int, Agreement]
    items: Mapping[int, CatalogItem]
    additions: Mapping[int, Sequence[Addition] | Exception]
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    linked_items: Set[int] = frozenset()
    yearly_items: Set[int] = frozenset()

    @cached_property
    def by_company(self) -> dict[int, list[Agreement]]:
        """The agreements of each company."""
        found: dict[int, list[Agreement]] = {}
        for agreement in self.agreements.values():
            found.setdefault(agreement.company_id, []).append(agreement)
        return found

    @cached_property
    def by_target(self) -> dict[tuple[int, int], list[Addition]]:
        """The additions that were read, by agreement and item."""
        found: dict[tuple[int, int], list[Addition]] = {}
        for agreement_id, read in self.additions.items():
            for addition in () if isinstance(read, Exception) else read:
                found.setdefault((agreement_id, addition.item_id), []).append(addition)
        return found


@dataclass(frozen=True, slots=True)
class Findings:
    """Every mismatch, ordered by money at stake, and what became of every line."""

    mismatches: tuple[Mismatch, ...]
    statuses: Mapping[str, Status]


def find_mismatches(
    month: Month,
    lines: Sequence[BillingLine],
    charges: Sequence[Charge],
    links: Mapping[str, Link],
    books: Books,
    ignored: Set[str] = frozenset(),
    why_ignored: Callable[[Mismatch], str | None] = lambda _mismatch: None,
) -> Findings:
    """Compare every target of the month.

    `ignored` are the row keys that a person chose to ignore, `why_ignored` gives the reason of
    a lasting rule that ignores a mismatch.
    """
    lines = sorted(lines, key=lambda line: line.key)
    linked, unlinked = _part_by_link(charges, links)
    open_products = {_product_of(line) for charge in unlinked for line in charge.lines}
    compared: list[_Comparison] = []
    waiting: list[Charge] = []
    for target, group in linked.items():
        # Of every line: a contract may have changed hands within the month.
        if any(_product_of(line) in open_products for charge in group for line in charge.lines):
            waiting.extend(group)
        else:
            compared.extend(_part_by_mark(month, target, group, books))
    found = list(_not_linked(unlinked, {_product_of(charge.lines[0]) for charge in waiting}, links, books))
    found.extend(
        mismatch for comparison in compared for mismatch in _compare(month, comparison, links, books)
    )
    found.extend(_only_in_connectwise(month, lines, links, books, compared))
    found = [_ignored(mismatch, why_ignored(mismatch), mismatch.key in ignored) for mismatch in found]
    found.sort(key=_rank)
    ignored = {mismatch.key for mismatch in found if mismatch.action is ActionLabel.IGNORE}
    held = {line.key for charge in waiting for line in charge.lines}
    return Findings(tuple(found), dict(_statuses(lines, charges, links, held, found, ignored)))


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The charges of a target and the active additions they are compared with, or why not."""

    target: Target
    charges: tuple[Charge, ...]
    additions: tuple[Addition, ...] | Exception
    beside: tuple[int, ...] = ()
    later: tuple[Addition, ...] = ()  # that begin after the month
    is_continued: bool = False  # one of them on the day after another ended
    ended: tuple[Addition, ...] = ()  # within the month


def _part_by_link(
    charges: Iterable[Charge], links: Mapping[str, Link]
) -> tuple[dict[Target, list[Charge]], list[Charge]]:
    """Charges by target, and those with units that have no link that counts."""
    linked: dict[Target, list[Charge]] = {}
    unlinked: list[Charge] = []
    for charge in charges:
        targets = {_target(links[line.key]) for line in charge.lines}
        target = targets.pop() if len(targets) == 1 else None
        if target is not None:
            linked.setdefault(target, []).append(charge)
        elif charge.units is not None or charge.failure:
            unlinked.append(charge)
    return linked, unlinked


def _product_of(line: BillingLine) -> tuple[str, str]:
    """The customer and product that one row *Not linked* stands for."""
    return line.customer_key, line.bss_product


def _target(link: Link) -> Target | None:
    if link.counts and link.agreement is not None and link.item is not None:
        return Target(link.agreement.to, link.item.to)
    return None


def _part_by_mark(
    month: Month,
    target: Target,
    charges: Sequence[Charge],
    books: Books,
) -> Iterator[_Comparison]:
    """Tell the several additions of a target apart by the contract that each is marked with."""
    if isinstance(target.agreement, str) or isinstance(target.item, str):
        yield _Comparison(target, tuple(charges), ())
        return
    read = books.additions.get(target.agreement, LookupError("its additions were not read"))
    if isinstance(read, Exception):
        yield _Comparison(target, tuple(charges), read)
        return
    standing = sorted(books.by_target.get((target.agreement, target.item), ()), key=lambda a: a.id)
    active = [addition for addition in standing if addition.is_active(month)]
    beside = tuple(addition.id for addition in standing)
    if len(active) == 1:
        yield _Comparison(target, tuple(charges), tuple(active), beside)
        return
    if not active:
        later = tuple(a for a in standing if a.effective is not None and a.effective > month.last)
        ends = {addition.cancelled for addition in standing}
        is_continued = any(a.effective and a.effective - dt.timedelta(days=1) in ends for a in later)
        ended = tuple(a for a in standing if a.cancelled and month.first <= a.cancelled <= month.last)
        yield _Comparison(target, tuple(charges), (), beside, later, is_continued, ended)
        return
    by_contract: dict[str, list[Charge]] = {}
    for charge in charges:
        by_contract.setdefault(charge.lines[0].contract_id.casefold(), []).append(charge)
    rest: list[Charge] = []
    for contract_id, group in by_contract.items():
        marked = [a for a in active if contract_id and a.contract_mark.casefold() == contract_id]
        if marked:
            part = replace(target, contract_id=group[0].lines[0].contract_id)
            yield _Comparison(part, tuple(group), tuple(marked), beside)
            active = [addition for addition in active if addition not in marked]
        else:
            rest.extend(group)
    if rest or active:
        yield _Comparison(
            replace(target, contract_id=_only_contract(rest) or "rest"), tuple(rest), tuple(active), beside
        )


def _compare(
    month: Month, comparison: _Comparison, links: Mapping[str, Link], books: Books
) -> Iterator[Mismatch]:
    charges = comparison.charges
    if not charges:  # additions left over beside those told apart by contract
        return
    unknown = [charge for charge in charges if charge.units is None]
    failure = next((charge.failure for charge in charges if charge.failure), "")
    if isinstance(comparison.additions, Exception):
        failure = failure or f"The agreement's additions could not be read: {comparison.additions}"
    if len(unknown) == len(charges) and not failure:
        return
    if failure or unknown:
        base = _describe(month, comparison, links, books)
        why = failure or (
            f"{unknown[0].why} The other units of this product alone would bill too little: "
            "look at it by hand."
        )
        yield replace(
            base,
            key=f"unchecked:{base.key}",
            kind=MismatchKind.COULD_NOT_CHECK,
            explanation=_sentences(base.explanation, why),
        )
        return
    uncomparable = list(_uncomparable(comparison, books))
    total = sum((charge.units for charge in charges if charge.units is not None), Decimal(0))
    if not uncomparable and _agree(total, comparison):
        return
    base = _describe(month, comparison, links, books)
    if uncomparable:
        for prefix, kind, why in uncomparable:
            explanation = _sentences(base.explanation, why)
            yield replace(base, key=f"{prefix}:{base.key}", kind=kind, explanation=explanation)
        return
    match comparison.additions:
        case ():
            elsewhere = tuple(_tell_held_elsewhere(month, base, books))
            yield _not_in_connectwise(month, base, total, charges, comparison, elsewhere)
        case (addition,):
            yield from _units_and_cost(base, total, charges, addition)
        case several if isinstance(several, tuple):
            ids = ", ".join(f"{a.id} with {tell_number(a.quantity)}" for a in several)
            yield replace(
                base,
                key=f"several:{base.key}",
                kind=MismatchKind.SEVERAL_ADDITIONS,
                connectwise_units=sum((addition.quantity for addition in several), Decimal(0)),
                explanation=_sentences(
                    base.explanation,
                    f"Several active additions of this product: {ids}. Which of them counts must be settled "
                    "in ConnectWise: cancel all but one, or mark each with its Subscription ID.",
                ),
            )


def _agree(units: Decimal, comparison: _Comparison) -> bool:
    match comparison.additions:
        case ():
            return not units  # nothing runs and nothing is billed
        case (addition,):
            cost = _one_cost(comparison.charges)
            return units == addition.quantity and (cost is None or cost == addition.unit_cost)
        case _:
            return False


def _describe(month: Month, comparison: _Comparison, links: Mapping[str, Link], books: Books) -> Mismatch:
    """What the rows of a target share; its key is the target's, to be prefixed."""
    target, charges = comparison.target, comparison.charges
    first = charges[0].lines[0]
    link = links[first.key]
    agreement = books.agreements.get(target.agreement) if isinstance(target.agreement, int) else None
    item = books.items.get(target.item) if isinstance(target.item, int) else None
    units = [charge.units for charge in charges if charge.units is not None]
    months = (agreement.billing_months if agreement else first.billing_months) or 1
    return Mismatch(
        key=f"{target.agreement}:{target.item}" + (f":{target.contract_id}" if target.contract_id else ""),
        kind=MismatchKind.COULD_NOT_CHECK,
        customer=first.customer,
        product=first.product,
        line_keys=tuple(line.key for charge in charges for line in charge.lines),
        company=link.company.to if link.company else None,
        agreement=target.agreement,
        item=target.item,
        beside=comparison.beside,
        bss_units=sum(units, Decimal(0)) if units else None,
        bss_cost=_one_cost(charges),
        unit_price=books.prices.get(target.item) if isinstance(target.item, str) else _price(item),
        months=months,
        stake=sum((line.amount for charge in charges for line in charge.lines), Decimal(0)) / months,
        contract_id=_only_contract(charges),
        explanation=_tell_agreement(month, agreement),
    )


def _tell_agreement(month: Month, agreement: Agreement | None) -> str:
    """When a change shows on an invoice, with which every row of an agreement begins."""
    if agreement is None:
        return ""
    already = ""
    if agreement.next_invoice is not None and agreement.next_invoice > month.last:
        already = f"Already invoiced: the change shows on the next invoice, {agreement.next_invoice}."
    return _sentences(already, "The agreement prorates." if agreement.prorated else "")


def _uncomparable(comparison: _Comparison, books: Books) -> Iterator[tuple[str, MismatchKind, str]]:
    """What stands in place of units and cost where line and agreement cannot be compared."""
    agreement_id = comparison.target.agreement
    agreement = books.agreements.get(agreement_id) if isinstance(agreement_id, int) else None
    if agreement is None:
        return
    lines = [line for charge in comparison.charges for line in charge.lines]
    periods = {line.billing_months: line.billing_period for line in lines if line.billing_months is not None}
    other = [name for months, name in periods.items() if months != agreement.billing_months]
    if agreement.billing_months is not None and other:
        yield (
            "period",
            MismatchKind.BILLING_PERIOD_DIFFERS,
            (
                f"The distributor bills {' and '.join(other)}, the agreement {agreement.billing_cycle}: "
                "link the line to an agreement with its billing period."
            ),
        )
    currencies = sorted({line.currency for line in lines if line.currency})
    if agreement.currency and any(currency != agreement.currency for currency in currencies):
        yield (
            "currency",
            MismatchKind.CURRENCY_DIFFERS,
            f"The distributor bills in {' and '.join(currencies)}, the agreement in {agreement.currency}.",
        )


def _tell_held_elsewhere(month: Month, base: Mismatch, books: Books) -> Iterator[str]:
    """Active additions of the product on other agreements of the same customer, in words."""
    for agreement in books.by_company.get(base.company, ()) if isinstance(base.company, int) else ():
        if agreement.id == base.agreement:
            continue
        read = books.additions.get(agreement.id, ())
        for addition in () if isinstance(read, Exception) else sorted(read, key=lambda a: a.id):
            if addition.item_id == base.item and addition.is_active(month):
                yield (
                    f"Agreement {agreement.name} holds it: addition {addition.id} with "
                    f"{tell_number(addition.quantity)}. Link the line there, or a new one bills twice."
                )


def _not_in_connectwise(
    month: Month,
    base: Mismatch,
    units: Decimal,
    charges: Sequence[Charge],
    comparison: _Comparison,
    elsewhere: Sequence[str],
) -> Mismatch:
    """Offered to be created, unless something that bills it already stands beside: a person decides then."""
    starts = [line.start for charge in charges for line in charge.lines if line.start is not None]
    begins = min(starts, default=month.first)
    later = [f"{a.id} with {tell_number(a.quantity)} from {a.effective}" for a in comparison.later]
    coming = ", ".join(later)
    return replace(
        base,
        key=f"add:{base.key}",
        kind=MismatchKind.NOT_IN_CONNECTWISE,
        impact=_per_month(units, base),
        action=None
        if comparison.is_continued or comparison.ended or elsewhere
        else ActionLabel.CREATE_ADDITION,
        begins=begins if month.first <= begins <= month.last else month.first,
        explanation=_sentences(
            base.explanation,
            f"{_tell_charges(units, charges)}; the agreement has no active addition of this product.",
            f"One begins after the month, beside which a new one would bill twice: {coming}."
            if coming
            else "",
            *(
                f"Addition {a.id} with {tell_number(a.quantity)} ended on {a.cancelled}: "
                "a new one from before that day would bill twice."
                for a in comparison.ended
            ),
            *elsewhere,
            _tell_costs(charges),
        ),
    )


def _units_and_cost(
    base: Mismatch, units: Decimal, charges: Sequence[Charge], addition: Addition
) -> Iterator[Mismatch]:
    price = addition.unit_price if addition.unit_price is not None else base.unit_price
    base = replace(
        base,
        addition=addition,
        connectwise_units=addition.quantity,
        connectwise_cost=addition.unit_cost,
        unit_price=price,
    )
    beside = ""
    if addition.less_included:
        beside = f"{tell_number(addition.less_included)} units are included (lessIncluded) and left alone."
    contracts = {line.contract_id.casefold() for charge in charges for line in charge.lines}
    if addition.contract_mark and addition.contract_mark.casefold() not in contracts:
        beside = _sentences(
            f"The addition is marked with {addition.contract_mark}, which none of these lines is of.",
            beside,
        )
    if units != addition.quantity:
        yield replace(
            base,
            key=f"units:{addition.id}",
            kind=MismatchKind.UNITS_DIFFER,
            impact=_per_month(units - addition.quantity, base),
            action=ActionLabel.UPDATE_UNITS,
            explanation=_sentences(
                base.explanation,
                f"{_tell_charges(units, charges)}; ConnectWise has {tell_number(addition.quantity)}.",
                beside,
                _tell_costs(charges),
            ),
        )
    if base.bss_cost is not None and base.bss_cost != addition.unit_cost:
        difference = base.bss_cost - (addition.unit_cost or Decimal(0))
        yield replace(
            base,
            key=f"cost:{addition.id}",
            kind=MismatchKind.COST_DIFFERS,
            impact=_money(-difference * units / base.months),
            action=ActionLabel.UPDATE_COST,
            explanation=_sentences(
                base.explanation,
                f"A unit costs {tell_cost(base.bss_cost)}; ConnectWise has "
                + ("none." if addition.unit_cost is None else f"{tell_cost(addition.unit_cost)}."),
                beside,
            ),
        )


def _not_linked(
    unlinked: Sequence[Charge], waiting: Set[tuple[str, str]], links: Mapping[str, Link], books: Books
) -> Iterator[Mismatch]:
    """One row a customer and product; `waiting` are those of which other lines are linked already."""
    groups: dict[tuple[str, str], list[Charge]] = {}
    for charge in unlinked:
        groups.setdefault(_product_of(charge.lines[0]), []).append(charge)
    for (customer_key, product), charges in groups.items():
        first = charges[0].lines[0]
        link = links[first.key]
        units = [charge.units for charge in charges if charge.units is not None]
        lines = [line for charge in charges for line in charge.lines]
        amounts: dict[str, Decimal] = {}
        for line in lines:
            amounts[line.currency] = amounts.get(line.currency, Decimal(0)) + line.amount
        billed = " and ".join(f"{amount:,.2f} {currency}".rstrip() for currency, amount in amounts.items())
        parts = {"customer": link.company, "agreement": link.agreement, "product": link.item}
        missing = [name for name, part in parts.items() if part is None]
        if len({_target(links[line.key]) for line in lines}) > 1:
            todo = "Its lines are linked differently: link all lines of a contract alike."
        elif missing:
            wanted = " and ".join(filter(None, (", ".join(missing[:-1]), missing[-1])))
            todo = f"Choose the ConnectWise {wanted} on sheet Billing Lines."
        else:
            todo = "Only suggested: on sheet Billing Lines set Match to confirmed, or choose another."
        item = books.items.get(link.item.to) if link.item and isinstance(link.item.to, int) else None
        price = item.price if item else None
        total = sum(units, Decimal(0)) if units else None
        months = first.billing_months or 1
        yield Mismatch(
            key=f"link:{customer_key}:{product}",
            kind=MismatchKind.NOT_LINKED,
            customer=first.customer,
            product=first.product,
            line_keys=tuple(line.key for line in lines),
            company=_settled(link.company),
            agreement=_settled(link.agreement) if _settled(link.company) is not None else None,
            item=_settled(link.item),
            bss_units=total,
            bss_cost=_one_cost(charges),
            unit_price=price,
            months=months,
            impact=None if price is None or total is None else _money(total * price / months),
            stake=sum(amounts.values(), Decimal(0)) / months,
            explanation=_sentences(
                f"Billed {billed} by the distributor.",
                todo,
                "Its other lines wait for it: half the units would bill too little."
                if (customer_key, product) in waiting
                else "",
                next((charge.failure for charge in charges if charge.failure), ""),
            ),
        )


def _settled(part: Choice | None) -> int | str | None:
    """What a part of a link stands for; a suggestion stands for nothing yet."""
    return None if part is None or part.evidence is Evidence.SUGGESTED else part.to


def _only_in_connectwise(
    month: Month,
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    books: Books,
    compared: Sequence[_Comparison],
) -> Iterator[Mismatch]:
    """Active additions of this BSS's products, on agreements linked this month, that no line is linked to."""
    customers: dict[int, BillingLine] = {}
    billed: set[tuple[int | str, int | str]] = set()
    open_customers: set[int] = set()
    for line in lines:
        link = links[line.key]
        if link.company and link.agreement and isinstance(link.agreement.to, int) and not link.is_suggested:
            customers.setdefault(link.agreement.to, line)
        if link.agreement and link.item:
            billed.add((link.agreement.to, link.item.to))
        if line.is_compared and not link.counts and link.company and isinstance(link.company.to, int):
            open_customers.add(link.company.to)
    left_over = {
        addition.id
        for comparison in compared
        if not comparison.charges and not isinstance(comparison.additions, Exception)
        for addition in comparison.additions
    }
    linked_items = books.linked_items | {
        link.item.to for link in links.values() if link.item and isinstance(link.item.to, int) and link.counts
    }
    for agreement_id, line in customers.items():
        read = books.additions.get(agreement_id)
        agreement = books.agreements.get(agreement_id)
        if read is None or isinstance(read, Exception) or agreement is None:
            continue
        for addition in read:
            without_line = (agreement_id, addition.item_id) not in billed or addition.id in left_over
            if addition.is_active(month) and addition.item_id in linked_items and without_line:
                yield _only(month, line, agreement, addition, books, agreement.company_id in open_customers)


def _only(
    month: Month,
    line: BillingLine,
    agreement: Agreement,
    addition: Addition,
    books: Books,
    customer_is_open: bool,
) -> Mismatch:
    item = books.items.get(addition.item_id)
    price = addition.unit_price if addition.unit_price is not None else _price(item)
    months = agreement.billing_months or 1
    yearly = months == 12 or addition.item_id in books.yearly_items
    begun = addition.effective or agreement.start
    not_due = yearly and (begun is None or begun.month != month.month)
    return Mismatch(
        key=f"only:{addition.id}",
        kind=MismatchKind.ONLY_IN_CONNECTWISE,
        customer=line.customer,
        product=item.description if item else f"product {addition.item_id}",
        company=agreement.company_id,
        agreement=agreement.id,
        item=addition.item_id,
        addition=addition,
        connectwise_units=addition.quantity,
        connectwise_cost=addition.unit_cost,
        unit_price=price,
        months=months,
        impact=None if price is None else _money(-addition.quantity * price / months),
        last=not_due,
        explanation=_sentences(
            _tell_agreement(month, agreement),
            "Billed yearly and not due this month." if not_due else "",
            "The distributor billed nothing for it this month.",
            "A line of this customer is not linked yet and may be it." if customer_is_open else "",
            "Billed yearly: cancelling it may give a running term away." if yearly else "",
        ),
    )


def _statuses(
    lines: Iterable[BillingLine],
    charges: Iterable[Charge],
    links: Mapping[str, Link],
    held: Set[str],
    found: Iterable[Mismatch],
    ignored: Set[str],
) -> Iterator[tuple[str, Status]]:
    in_force = {line.key: charge for charge in charges for line in charge.lines}
    rows: dict[str, list[Mismatch]] = {}
    for mismatch in found:
        for key in mismatch.line_keys:
            rows.setdefault(key, []).append(mismatch)
    for line in lines:
        link, charge, own = links[line.key], in_force.get(line.key), rows.get(line.key, [])
        if own and all(mismatch.key in ignored for mismatch in own):
            yield line.key, Status.IGNORED
        elif charge is None or (charge.units is None and not charge.failure):
            yield line.key, Status.NOT_COMPARED
        elif link.counts and line.key not in held:
            yield line.key, Status.MISMATCH if own else Status.OK
        elif link.is_complete and link.is_suggested:
            yield line.key, Status.CONFIRM_LINK
        else:
            yield line.key, Status.NOT_LINKED


def _ignored(mismatch: Mismatch, why: str | None, by_hand: bool) -> Mismatch:
    """The mismatch, to be ignored where a rule or a person says so; it stands at the end then."""
    if why is None and not by_hand:
        return mismatch
    explanation = _sentences(why or "", mismatch.explanation)
    return replace(mismatch, action=ActionLabel.IGNORE, last=True, explanation=explanation)


def _rank(mismatch: Mismatch) -> tuple[bool, Decimal, str]:
    money = mismatch.impact if mismatch.impact is not None else mismatch.stake
    return mismatch.last, -abs(money), mismatch.key


def _only_contract(charges: Sequence[Charge]) -> str:
    contracts = {charge.lines[0].contract_id for charge in charges}
    return contracts.pop() if len(contracts) == 1 else ""


def _one_cost(charges: Sequence[Charge]) -> Decimal | None:
    costs = {cost for charge in charges for cost in charge.costs}
    return costs.pop() if len(costs) == 1 else None


def _tell_costs(charges: Sequence[Charge]) -> str:
    """Why costs are not compared, where they are not."""
    costs = sorted({cost for charge in charges for cost in charge.costs})
    if len(costs) > 1:
        return f"Several unit costs ({', '.join(map(tell_cost, costs))}): costs are not compared."
    charged = [line for charge in charges for line in charge.lines if line.type is LineType.RECURRING]
    if not costs and not any(map(covers_full_period, charged)):
        return "Prorated lines alone tell no unit cost: costs are not compared."
    return ""


def _tell_charges(units: Decimal, charges: Sequence[Charge]) -> str:
    """`Billed 15 (12 + 3 from 2026-10-17)`, or what each contract has; and what is special about it."""
    number = tell_number(units)
    why = _sentences(*(charge.why for charge in charges))
    if len(charges) > 1:
        parts = " + ".join(tell_number(charge.units or Decimal(0)) for charge in charges)
        return _sentences(why, f"Billed {number} ({parts}, of {len(charges)} contracts)")
    parts = "" if why or charges[0].parts == number else f" ({charges[0].parts})"
    return _sentences(why, f"Billed {number}{parts}")


def _price(item: CatalogItem | None) -> Decimal | None:
    return item.price if item else None


def _per_month(units: Decimal, base: Mismatch) -> Decimal | None:
    return None if base.unit_price is None else _money(units * base.unit_price / base.months)


def _money(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)
