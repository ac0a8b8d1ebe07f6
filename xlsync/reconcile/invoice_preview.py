"""The next invoice of every agreement of the month, beside what the distributor billed. PURE."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from decimal import Decimal

from msgspec import Struct

from xlsync.amounts import cents
from xlsync.models import ActionLabel, Agreement, BillingLine, Link, Mismatch, Month, Recap
from xlsync.reconcile.targets import Books


class NextInvoice(Struct, frozen=True, kw_only=True):
    """A row of *Invoices*: what ConnectWise would invoice next, beside what the distributor billed.

    `amount` and `date` are ConnectWise's, None where its recap could not be read; `bss_amount` is None
    where lines of several currencies would have to be added. `margin` is that of the additions that the
    distributor bills, None where a price or a cost is not known. `mismatches` are not applied yet. What is of
    its `children` counts too, since its invoice bills them; `parent` is the agreement that bills it itself.
    """

    key: str
    agreement: int
    company: int | None
    customer: str
    date: dt.date | None
    amount: Decimal | None
    bss_amount: Decimal | None
    mismatches: int
    margin: Decimal | None = None
    currency: str = ""  # the agreement's
    children: tuple[int, ...] = ()
    parent: str = ""
    last_number: str = ""  # of the invoice before it


def is_unapplied(mismatch: Mismatch) -> bool:
    """Return whether an invoice of the agreement would bill something else than the distributor billed."""
    return mismatch.action is not ActionLabel.IGNORE and not mismatch.not_due


def preview_invoices(
    month: Month,
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    mismatches: Iterable[Mismatch],
    recaps: Mapping[int, Recap],
    books: Books,
) -> tuple[NextInvoice, ...]:
    """Make one row for each agreement that lines of the month are linked to, and for its parent."""
    linked: defaultdict[int, list[BillingLine]] = defaultdict(list)
    for line in lines:
        link = links[line.key]
        if link.agreement and isinstance(link.agreement.to, int) and not link.is_suggested:
            linked[link.agreement.to].append(line)
    unapplied = Counter(mismatch.agreement for mismatch in mismatches if is_unapplied(mismatch))
    children: defaultdict[int | None, list[int]] = defaultdict(list)
    for one in books.agreements.values():
        children[one.parent_id].append(one.id)
    rows: list[NextInvoice] = []
    for agreement in linked.keys() | parents_of(linked, books.agreements.values()):
        recap, known = recaps.get(agreement), books.agreements.get(agreement)
        billed = dict.fromkeys((agreement, *children[agreement]))
        own = [line for one in billed for line in linked.get(one, ())]
        company = links[own[0].key].company
        of_line = company.to if company and isinstance(company.to, int) else None
        margins = [_margin(month, one, _items_of(linked.get(one, ()), links), books) for one in billed]
        currencies = {books.currency_of(one, ()) for one in billed if one in linked}
        is_of_one_currency = len({line.currency for line in own}) == 1
        rows.append(
            NextInvoice(
                key=f"invoice:{agreement}",
                agreement=agreement,
                company=of_line if agreement in linked or known is None else known.company_id,
                customer=own[0].customer,
                date=recap.next_date if recap else None,
                last_number=recap.last_number if recap else "",
                amount=recap.next_amount if recap else None,
                bss_amount=sum((line.amount for line in own), Decimal(0)) if is_of_one_currency else None,
                mismatches=sum(unapplied[one] for one in billed),
                margin=_sum_known(margins) if len(currencies) == 1 else None,
                currency=known.currency if known else "",
                children=tuple(children[agreement]),
                parent=known.parent or str(known.parent_id or "") if known else "",
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.customer.casefold(), row.agreement)))


def parents_of(ids: Iterable[int], agreements: Iterable[Agreement]) -> set[int]:
    """Return the agreements, of those that are there, whose invoices bill the agreements of these ids."""
    known = {agreement.id: agreement.parent_id for agreement in agreements}
    return {parent for id_ in ids if (parent := known.get(id_)) is not None and parent in known}


def _items_of(lines: Iterable[BillingLine], links: Mapping[str, Link]) -> set[int]:
    """Return the catalog items of the lines that are compared."""
    return {
        item.to
        for line in lines
        if (item := links[line.key].item) and isinstance(item.to, int) and line.is_compared
    }


def _sum_known(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Add amounts; None where one of them is not known."""
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _margin(month: Month, agreement: int, items: Set[int], books: Books) -> Decimal | None:
    """Price less cost of an agreement's active additions of these products, for one of its billing cycles.

    Included units (lessIncluded) are paid for and not billed.
    """
    if isinstance(books.additions.get(agreement), Exception):
        return None
    margin = Decimal(0)
    for item in items:
        for addition in books.active_on(month, agreement, item):
            price, cost = books.price_of(addition), addition.unit_cost
            if price is None or cost is None:
                return None
            sold = max(addition.quantity - addition.less_included, Decimal(0))
            margin += sold * price - addition.quantity * cost
    return cents(margin, 1)
