"""The next invoice of every agreement of the month, beside what the distributor billed. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from xlsync.models import ActionLabel, Agreement, BillingLine, Link, Mismatch, Recap


@dataclass(frozen=True, slots=True, kw_only=True)
class NextInvoice:
    """A row of *Invoices*: what ConnectWise would invoice next, beside what the distributor billed.

    `amount` and `date` are ConnectWise's, None where its recap could not be read; `bss_amount` is None
    where lines of several currencies would have to be added. The currencies are empty where unknown.
    """

    key: str
    agreement: int
    company: int | None
    customer: str
    date: dt.date | None
    amount: Decimal | None
    bss_amount: Decimal | None
    mismatches: int
    currency: str = ""
    bss_currency: str = ""

    @property
    def margin(self) -> Decimal | None:
        """The invoice less the distributor's charges; None where their currencies differ."""
        if self.amount is None or self.bss_amount is None:
            return None
        if self.currency and self.bss_currency and self.currency != self.bss_currency:
            return None
        return self.amount - self.bss_amount


def preview_invoices(
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    mismatches: Iterable[Mismatch],
    recaps: Mapping[int, Recap],
    agreements: Mapping[int, Agreement],
) -> tuple[NextInvoice, ...]:
    """Make one row for each agreement that lines of the month are linked to."""
    billed: dict[int, Decimal] = {}
    currencies: dict[int, set[str]] = {}
    first: dict[int, BillingLine] = {}
    for line in lines:
        link = links[line.key]
        if link.agreement and isinstance(link.agreement.to, int) and not link.is_suggested:
            billed[link.agreement.to] = billed.get(link.agreement.to, Decimal(0)) + line.amount
            currencies.setdefault(link.agreement.to, set()).add(line.currency)
            first.setdefault(link.agreement.to, line)
    open_rows: dict[int, int] = {}
    for mismatch in mismatches:
        if isinstance(mismatch.agreement, int) and mismatch.action is not ActionLabel.IGNORE:
            open_rows[mismatch.agreement] = open_rows.get(mismatch.agreement, 0) + 1
    rows: list[NextInvoice] = []
    for agreement, amount in billed.items():
        line, recap = first[agreement], recaps.get(agreement)
        known = agreements.get(agreement)
        is_one = len(currencies[agreement]) == 1
        company = links[line.key].company
        rows.append(
            NextInvoice(
                key=f"invoice:{agreement}",
                agreement=agreement,
                company=company.to if company and isinstance(company.to, int) else None,
                customer=line.customer,
                date=recap.next_date if recap else None,
                amount=recap.next_amount if recap else None,
                bss_amount=amount if is_one else None,
                mismatches=open_rows.get(agreement, 0),
                currency=known.currency if known else "",
                bss_currency=line.currency if is_one else "",
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.customer.casefold(), row.agreement)))
