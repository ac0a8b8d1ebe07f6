"""Mismatches of one side alone: billed and not linked, or in ConnectWise and not billed. PURE.

*Not linked*: what is billed and has no link that counts, one row a customer and product. *Only in
ConnectWise*: additions of this BSS's products that nothing was billed for this month.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from decimal import Decimal
from typing import NamedTuple

from xlsync.amounts import counted, counted_units, impact_of, tell_money
from xlsync.models import (
    ActionLabel,
    Addition,
    Agreement,
    BillingLine,
    Choice,
    Evidence,
    LineType,
    Link,
    Mismatch,
    MismatchKind,
    Month,
)
from xlsync.reconcile.charges import Charge, billing_lines_of, only_cost, total_units
from xlsync.reconcile.explanations import join_sentences, tell_agreement, tell_included, tell_unbilled
from xlsync.reconcile.targets import Books, Comparison, target_of


class BilledBefore(NamedTuple):
    """A customer by its name in the BSS; its id there is told where no line of the month tells it."""

    name: str
    id: str = ""


def product_of(line: BillingLine) -> tuple[str, str]:
    """Return the keys of the line's customer and product; a row *Not linked* stands for such a pair."""
    return line.customer_key, line.bss_product


def find_unlinked(
    unlinked: Sequence[Charge], waiting: Set[tuple[str, str]], links: Mapping[str, Link], books: Books
) -> Iterator[Mismatch]:
    """Make the rows *Not linked*; `waiting` are the products of which other lines are linked already."""
    groups: dict[tuple[str, str], list[Charge]] = {}
    for charge in unlinked:
        groups.setdefault(product_of(charge.lines[0]), []).append(charge)
    for product, charges in groups.items():
        yield _not_linked(product, charges, product in waiting, links, books)


def _not_linked(
    product: tuple[str, str],
    charges: Sequence[Charge],
    others_wait: bool,
    links: Mapping[str, Link],
    books: Books,
) -> Mismatch:
    customer_key, product_key = product
    lines = billing_lines_of(charges)
    first = lines[0]
    link = links[first.key]
    price = books.catalog_price(link.item.to) if link.item and isinstance(link.item.to, int) else None
    total = total_units(charges)
    months = first.billing_months or 1
    agreement = _decided_agreement(link)
    return Mismatch(
        key=f"link:{customer_key}:{product_key}",
        kind=MismatchKind.NOT_LINKED,
        customer=first.customer,
        product=first.product,
        line_keys=tuple(line.key for line in lines),
        company=_decided(link.company),
        agreement=agreement,
        item=_decided(link.item),
        currency=books.currency_of(agreement, lines),
        bss_units=total,
        bss_cost=only_cost(charges),
        unit_price=price,
        months=months,
        impact=impact_of(total, price, months),
        stake=sum((line.amount for line in lines), Decimal(0)) / months,
        explanation=join_sentences(
            _tell_amounts(lines),
            _tell_todo(lines, links),
            "Link all lines of this customer and product; until then none of them is compared."
            if others_wait
            else "",
            next((charge.failure for charge in charges if charge.failure), ""),
        ),
    )


def _tell_amounts(lines: Sequence[BillingLine]) -> str:
    amounts: dict[str, Decimal] = {}
    for line in lines:
        amounts[line.currency] = amounts.get(line.currency, Decimal(0)) + line.amount
    billed = " and ".join(tell_money(amount, currency) for currency, amount in amounts.items())
    return f"Billed {billed} by the distributor."


def _tell_todo(lines: Sequence[BillingLine], links: Mapping[str, Link]) -> str:
    """Say what a person has to do before the lines are compared."""
    if len({target_of(links[line.key]) for line in lines}) > 1:
        return "Its lines are linked differently: link all lines of a contract alike."
    link = links[lines[0].key]
    parts = {"customer": link.company, "agreement": link.agreement, "product": link.item}
    missing = [name for name, part in parts.items() if part is None]
    if missing:
        wanted = " and ".join(filter(None, (", ".join(missing[:-1]), missing[-1])))
        return f"Choose the ConnectWise {wanted} on sheet Billing Lines."
    return "Only suggested: on sheet Billing Lines set Match to confirmed, or choose another."


def _decided(part: Choice | None) -> int | str | None:
    """Return the id or row key of a part of a link; None if it is unknown or only suggested."""
    return None if part is None or part.evidence is Evidence.SUGGESTED else part.to


def _decided_agreement(link: Link) -> int | str | None:
    """Return the id or row key of the agreement of a link; none is decided without its company."""
    return None if _decided(link.company) is None else _decided(link.agreement)


def agreements_to_look_at(
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    vanished: Mapping[int, BilledBefore],
    books: Books,
) -> dict[int, BilledBefore]:
    """Return the agreements whose additions may be only in ConnectWise, with their customers.

    They are those that a line is linked to, whether or not its product is, and those of `vanished`.
    """
    customers = dict(vanished)
    for line in lines:
        agreement = _decided_agreement(links[line.key])
        if isinstance(agreement, int):
            customers.setdefault(agreement, BilledBefore(line.customer))
    return {agreement: customer for agreement, customer in customers.items() if agreement in books.agreements}


def tell_unread(
    agreements: Mapping[int, BilledBefore], books: Books, rows: Iterable[Mismatch]
) -> Iterator[str]:
    """Say that additions of these agreements could not be read, where no open row of `rows` says so.

    `agreements` gives their customers.
    """
    shown = {
        row.agreement
        for row in rows
        if row.kind is MismatchKind.COULD_NOT_CHECK and row.action is not ActionLabel.IGNORE
    }
    unread = [
        agreement
        for agreement in agreements
        if agreement not in shown and not isinstance(books.additions.get(agreement), Sequence)
    ]
    if unread:
        first = f"{books.agreements[unread[0]].name} of {agreements[unread[0]].name}"
        others = f" and of {counted(len(unread) - 1, 'other agreement')}" if len(unread) > 1 else ""
        yield (
            f"The additions of agreement {first}{others} could not be read: "
            "whether ConnectWise alone bills one of them is not known."
        )


def find_unbilled(
    month: Month,
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    books: Books,
    compared: Sequence[Comparison],
    agreements: Mapping[int, BilledBefore],
) -> Iterator[Mismatch]:
    """Find active additions on these agreements that no line is linked to; `agreements` gives customers."""
    billed: set[tuple[int | str, int | str]] = set()
    open_customers: set[int] = set()
    for line in lines:
        link = links[line.key]
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
    for agreement_id, customer in agreements.items():
        agreement = books.agreements[agreement_id]
        for addition in books.read_of(agreement_id):
            without_line = (agreement_id, addition.item_id) not in billed or addition.id in left_over
            if without_line and addition.item_id in linked_items and addition.is_active(month):
                is_open = agreement.company_id in open_customers
                yield _only_in_connectwise(month, customer, agreement, addition, books, is_open)


def tell_held_twice(
    month: Month, compared: Iterable[Comparison], links: Mapping[str, Link], books: Books
) -> Iterator[str]:
    """Name active additions of a compared product on an agreement of the customer that no line is linked to.

    The customer pays for the units twice, or for others that the distributor does not bill.
    """
    linked = {link.agreement.to for link in links.values() if link.agreement}
    for comparison in compared:
        target, additions = comparison.target, comparison.additions
        agreement = books.agreement(target.agreement)
        if agreement is None or isinstance(additions, Exception) or not (comparison.charges and additions):
            continue
        line = comparison.charges[0].lines[0]
        for other in books.by_company.get(agreement.company_id, ()):
            if other.id in linked or not _bills_in(month, other):
                continue
            for addition in books.active_on(month, other.id, additions[0].item_id):
                if addition.is_billed and addition.quantity:
                    units = counted_units(addition.quantity)
                    yield (
                        f"Agreement {other.name}, which no line is linked to, has {line.product} for "
                        f"{line.customer} too (addition {addition.id}, {units}): the customer may pay twice."
                    )


def _bills_in(month: Month, agreement: Agreement) -> bool:
    """Return whether an agreement bills for a part of the month at least."""
    has_ended = agreement.end is not None and agreement.end < month.first
    return not has_ended and (agreement.bill_start is None or agreement.bill_start <= month.last)


def tell_billed_once(
    month: Month, lines: Iterable[BillingLine], links: Mapping[str, Link], books: Books
) -> Iterator[str]:
    """Name active additions whose only lines are one-time charges: nothing is compared with them.

    ConnectWise bills an addition each cycle.
    """
    once: dict[tuple[int | str, int | str], str] = {}  # the customer of a target's one-time charges
    charged: set[tuple[int | str, int | str]] = set()  # the targets that are not only credited
    otherwise: set[tuple[int | str, int | str]] = set()
    for line in lines:
        link = links[line.key]
        if link.agreement and link.item:
            target = link.agreement.to, link.item.to
            if line.charge is LineType.ONE_TIME:
                once.setdefault(target, line.customer)
                if line.type is not LineType.CREDIT:
                    charged.add(target)
            else:
                otherwise.add(target)
    for (agreement, item), customer in once.items():
        if (agreement, item) in otherwise:
            continue
        for addition in books.active_on(month, agreement, item):
            known = books.items.get(addition.item_id)
            product = known.description if known else f"product {item}"
            verb = "billed" if (agreement, item) in charged else "credited"
            yield (
                f"ConnectWise bills {counted_units(addition.quantity)} of {product} for {customer} each "
                f"cycle (addition {addition.id}), and the distributor {verb} it once: it is compared with "
                "nothing."
            )


def _only_in_connectwise(
    month: Month,
    customer: BilledBefore,
    agreement: Agreement,
    addition: Addition,
    books: Books,
    customer_is_open: bool,
) -> Mismatch:
    item = books.items.get(addition.item_id)
    price = books.price_of(addition)
    months = agreement.billing_months or 1
    period = max(months, books.periods.get(addition.item_id, 1))
    not_due = not _is_due(month, _first_day(addition, books) or agreement.start, period)
    billed = "yearly" if period == 12 else f"every {period} months"
    return Mismatch(
        key=f"only:{addition.id}",
        kind=MismatchKind.ONLY_IN_CONNECTWISE,
        customer=customer.name,
        customer_id=customer.id,
        product=item.description if item else f"product {addition.item_id}",
        company=agreement.company_id,
        agreement=agreement.id,
        item=addition.item_id,
        currency=agreement.currency,
        addition=addition,
        connectwise_units=addition.quantity,
        connectwise_cost=addition.unit_cost,
        unit_price=price,
        months=months,
        next_invoice=agreement.next_invoice,
        impact=impact_of(-addition.quantity, price, months),
        last=not_due,
        not_due=not_due,
        explanation=join_sentences(
            tell_agreement(month, agreement),
            f"Billed {billed} and not due this month." if not_due else "",
            "The distributor billed nothing for it this month.",
            tell_unbilled(addition),
            tell_included(addition),
            "A line of this customer is not linked yet and may be it." if customer_is_open else "",
            f"It is billed {billed}: cancel only if the customer has left; the paid term would be lost."
            if period > 1
            else "",
        ),
    )


def _is_due(month: Month, begun: dt.date | None, period: int) -> bool:
    """Return whether what is billed for `period` months from a day on is billed in a month."""
    return begun is None or ((month.year - begun.year) * 12 + month.month - begun.month) % period == 0


def _first_day(addition: Addition, books: Books) -> dt.date | None:
    """Return the day on which an addition began, or the first one that it continues without a gap."""
    standing = books.by_target[addition.agreement_id, addition.item_id]
    first = addition
    while (before := _find_continued(first, standing)) is not None:
        first = before
    return first.effective


def _find_continued(addition: Addition, standing: Iterable[Addition]) -> Addition | None:
    """Return the addition of the same contract that ended when this one began; None where none did."""
    begun = addition.effective
    if begun is None:
        return None
    mark = addition.contract_mark.casefold()
    continued = (
        one
        for one in standing
        if one.cancelled in {begun, begun - dt.timedelta(days=1)}
        and (one.effective is None or one.effective < begun)
        and (not mark or one.contract_mark.casefold() in {mark, ""})
    )
    return min(continued, key=lambda one: (one.contract_mark.casefold() != mark, one.id), default=None)
