"""What the month's billing was compared with: each target's additions, agreeing or not. PURE.

*Mismatches* holds only what differs; the report needs all of it. The workbook keeps these facts on its
hidden sheet, also those of an addition that ended since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

from xlsync.models import Addition, BillingLine, Link, Mismatch, MismatchKind, Month
from xlsync.reconcile.targets import Books

KEPT_AS: Final = "Compared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A target of the month's linked lines with one of its active additions, None where it has none.

    `included` units are not billed (lessIncluded). `unit_price` is the catalog's where
    the addition has none; `months` are those of the agreement's billing cycle. `has_ended` marks an addition
    that was active when an earlier check of the workbook saw it.
    """

    agreement: int | str
    item: int | str
    company: int | None = None
    customer: str = ""  # the BSS's names
    product: str = ""
    currency: str = ""
    months: int = 1
    addition: int | None = None
    units: Decimal = Decimal(0)
    included: Decimal = Decimal(0)
    unit_price: Decimal | None = None
    has_ended: bool = False

    @property
    def key(self) -> str:
        """The addition's id, else the target."""
        return f"{self.agreement}:{self.item}" if self.addition is None else str(self.addition)


def list_compared(
    month: Month,
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    mismatches: Iterable[Mismatch],
    books: Books,
) -> tuple[Compared, ...]:
    """Every target of linked lines with its active additions, and those found only in ConnectWise.

    A target whose additions could not be read is not among them.
    """
    found: dict[str, Compared] = {}
    currencies: dict[int | str, str] = {}
    seen: set[tuple[int | str, int | str]] = set()
    for line in sorted(lines, key=lambda line: line.key):
        link = links[line.key]
        if not (line.is_compared and link.counts and link.agreement and link.item):
            continue
        target = link.agreement.to, link.item.to
        if target in seen:
            continue
        seen.add(target)
        currencies.setdefault(link.agreement.to, line.currency)
        for entry in _of_target(month, line, link, books):
            found.setdefault(entry.key, entry)
    for mismatch in mismatches:
        if mismatch.kind is MismatchKind.ONLY_IN_CONNECTWISE and mismatch.addition is not None:
            entry = _only(mismatch, mismatch.addition, books, currencies)
            found.setdefault(entry.key, entry)
    return tuple(found.values())


def _of_target(
    month: Month,
    line: BillingLine,
    link: Link,
    books: Books,
) -> Iterator[Compared]:
    assert link.agreement and link.item  # noqa: S101, PT018 - it counts
    agreement_id, item_id = link.agreement.to, link.item.to
    agreement = books.agreements.get(agreement_id) if isinstance(agreement_id, int) else None
    company = link.company.to if link.company and isinstance(link.company.to, int) else None
    without = partial(
        Compared,
        agreement=agreement_id,
        item=item_id,
        company=agreement.company_id if agreement else company,
        customer=line.customer,
        product=line.product,
        currency=(agreement.currency if agreement else "") or line.currency,
        months=(agreement.billing_months if agreement else line.billing_months) or 1,
    )
    if not isinstance(agreement_id, int) or not isinstance(item_id, int):
        yield without()
        return
    if isinstance(books.additions.get(agreement_id), Exception | None):
        return
    active = [one for one in books.by_target.get((agreement_id, item_id), ()) if one.is_active(month)]
    for addition in active:
        yield _with(without, addition, books)
    if not active:
        yield without()


def _only(
    mismatch: Mismatch, addition: Addition, books: Books, currencies: Mapping[int | str, str]
) -> Compared:
    agreement = books.agreements.get(addition.agreement_id)
    without = partial(
        Compared,
        agreement=addition.agreement_id,
        item=addition.item_id,
        company=mismatch.company if isinstance(mismatch.company, int) else None,
        customer=mismatch.customer,
        product=mismatch.product,
        currency=(agreement.currency if agreement else "") or currencies.get(addition.agreement_id, ""),
        months=mismatch.months,
    )
    return _with(without, addition, books)


def _with(target: Callable[..., Compared], addition: Addition, books: Books) -> Compared:
    return target(
        addition=addition.id,
        units=addition.quantity,
        included=addition.less_included,
        unit_price=books.price_of(addition),
    )
