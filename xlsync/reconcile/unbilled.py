"""*Only in ConnectWise*: additions of this BSS's products that nothing was billed for this month. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from xlsync.amounts import impact_of
from xlsync.models import Addition, Agreement, BillingLine, Link, Mismatch, MismatchKind, Month
from xlsync.reconcile.explanation import sentences, tell_agreement
from xlsync.reconcile.targets import Books, Comparison


def find_unbilled(
    month: Month,
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    books: Books,
    compared: Sequence[Comparison],
) -> Iterator[Mismatch]:
    """Active additions, on agreements linked this month, that no line is linked to."""
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
        agreement = books.agreements.get(agreement_id)
        if agreement is None:
            continue
        for addition in books.read_of(agreement_id):
            without_line = (agreement_id, addition.item_id) not in billed or addition.id in left_over
            if addition.is_active(month) and addition.item_id in linked_items and without_line:
                is_open = agreement.company_id in open_customers
                yield _only_in_connectwise(month, line, agreement, addition, books, is_open)


def _only_in_connectwise(
    month: Month,
    line: BillingLine,
    agreement: Agreement,
    addition: Addition,
    books: Books,
    customer_is_open: bool,
) -> Mismatch:
    item = books.items.get(addition.item_id)
    price = books.price_of(addition)
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
        impact=impact_of(-addition.quantity, price, months),
        last=not_due,
        explanation=sentences(
            tell_agreement(month, agreement),
            "Billed yearly and not due this month." if not_due else "",
            "The distributor billed nothing for it this month.",
            "A line of this customer is not linked yet and may be it." if customer_is_open else "",
            "Billed yearly: cancelling it may give a running term away." if yearly else "",
        ),
    )
