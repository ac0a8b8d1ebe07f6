"""Targets: the charges of an agreement's product beside its additions in ConnectWise. PURE.

Several additions of one target are distinguished by the contract that each is marked with; each part is
compared by itself then. What was compared, agreeing or not, is listed for the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from decimal import Decimal
from functools import cached_property
from typing import Final

from msgspec import Struct, field

from xlsync.models import (
    Addition,
    Agreement,
    BillingLine,
    CatalogItem,
    Link,
    Mismatch,
    MismatchKind,
    Month,
    Target,
)
from xlsync.reconcile.charges import Charge, only_contract
from xlsync.records import replace

STORED_AS: Final = "Compared"


class Books(Struct, frozen=True, kw_only=True, dict=True):
    """The records of ConnectWise for the month's customers.

    `additions` are those of each agreement that was read, the error where reading failed.
    `prices` are the prices of products still to be created, by row key. `linked_items` are the catalog
    items that some product or contract of this BSS is linked to; `periods` are the months for which the BSS
    bills items, the fewest where they are several. `bill_customer` is what the settings say of new
    additions: whether their customer pays for them.
    """

    agreements: Mapping[int, Agreement]
    items: Mapping[int, CatalogItem]
    additions: Mapping[int, Sequence[Addition] | Exception]
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    linked_items: Set[int] = frozenset()
    periods: Mapping[int, int] = field(default_factory=dict)
    bill_customer: str = "Billable"

    @cached_property
    def by_company(self) -> dict[int, list[Agreement]]:
        """The agreements of each company."""
        by_company: dict[int, list[Agreement]] = {}
        for agreement in self.agreements.values():
            by_company.setdefault(agreement.company_id, []).append(agreement)
        return by_company

    @cached_property
    def by_target(self) -> dict[tuple[int, int], list[Addition]]:
        """The additions that were read, by agreement and item."""
        additions: dict[tuple[int, int], list[Addition]] = {}
        for agreement_id in self.additions:
            for addition in self.read_of(agreement_id):
                additions.setdefault((agreement_id, addition.item_id), []).append(addition)
        return additions

    def read_of(self, agreement_id: int) -> Sequence[Addition]:
        """Return an agreement's additions; empty where they were not read."""
        read = self.additions.get(agreement_id, ())
        return () if isinstance(read, Exception) else read

    def agreement(self, to: int | str | None) -> Agreement | None:
        """Return an agreement; None where it is still to be created, or not known."""
        return self.agreements.get(to) if isinstance(to, int) else None

    def active_on(self, month: Month, agreement: int | str | None, item: int | str | None) -> list[Addition]:
        """Return the additions of an agreement's product that are active in a month."""
        if not isinstance(agreement, int) or not isinstance(item, int):
            return []
        additions = self.by_target.get((agreement, item), ())
        return [addition for addition in additions if addition.is_active(month)]

    def currency_of(self, agreement_id: int | str | None, lines: Iterable[BillingLine]) -> str:
        """Return an agreement's currency, or that of its lines where it is still to be created."""
        if isinstance(agreement_id, str):
            return next((line.currency for line in lines if line.currency), "")
        agreement = self.agreement(agreement_id)
        return agreement.currency if agreement else ""

    def catalog_price(self, item: int | str) -> Decimal | None:
        """Return a product's price in the catalog, or on its row where it is still to be created."""
        if isinstance(item, str):
            return self.prices.get(item)
        entry = self.items.get(item)
        return entry.price if entry else None

    def price_of(self, addition: Addition) -> Decimal | None:
        """Return what the customer pays for a unit of an addition: its own price, else the catalog's.

        Zero for an addition that is not billed to the customer.
        """
        if not addition.is_billed:
            return Decimal(0)
        own = addition.unit_price
        return own if own is not None else self.catalog_price(addition.item_id)


class Comparison(Struct, frozen=True):
    """The charges of a target and the active additions that they are compared with.

    `additions` is the error where the agreement's additions could not be read. `beside` are the ids of all
    its additions of this product, whether active or not.
    """

    target: Target
    charges: tuple[Charge, ...]
    additions: tuple[Addition, ...] | Exception
    beside: tuple[int, ...] = ()
    later: tuple[Addition, ...] = ()  # additions that begin after the month
    ended: tuple[Addition, ...] = ()  # additions that ended within the month


def target_of(link: Link) -> Target | None:
    """Return the target of a link; None where the link does not count."""
    if link.counts and link.agreement is not None and link.item is not None:
        return Target(link.agreement.to, link.item.to)
    return None


def common_target(charge: Charge, links: Mapping[str, Link]) -> Target | None:
    """Return the target to which all lines of a charge are linked; None where there is no such target."""
    targets = {target_of(links[line.key]) for line in charge.lines}
    return targets.pop() if len(targets) == 1 else None


def part_by_link(
    charges: Iterable[Charge], links: Mapping[str, Link]
) -> tuple[dict[Target, list[Charge]], list[Charge]]:
    """Split charges into those with a target, by target, and those with units but no link that counts."""
    linked: dict[Target, list[Charge]] = {}
    unlinked: list[Charge] = []
    for charge in charges:
        target = common_target(charge, links)
        if target is not None:
            linked.setdefault(target, []).append(charge)
        elif charge.units is not None or charge.failure:
            unlinked.append(charge)
    return linked, unlinked


def find_comparisons(
    month: Month, target: Target, charges: Sequence[Charge], books: Books
) -> Iterator[Comparison]:
    """Pair the charges of a target with its one active addition, or by contract with several.

    One that has the units of the contract that it is marked with stands for this contract alone where the
    addition of another ended within the month, or begins after it.
    """
    if isinstance(target.agreement, str) or isinstance(target.item, str):
        yield Comparison(target, tuple(charges), ())
        return
    read = books.additions.get(target.agreement, LookupError("its additions were not read"))
    if isinstance(read, Exception):
        yield Comparison(target, tuple(charges), read)
        return
    standing = sorted(books.by_target.get((target.agreement, target.item), ()), key=lambda a: a.id)
    active = [addition for addition in standing if addition.is_active(month)]
    beside = tuple(addition.id for addition in standing)
    later = tuple(
        a for a in standing if a.effective is not None and a.effective > month.last and not a.is_taken_back
    )
    ended = tuple(a for a in standing if a.cancelled and month.first <= a.cancelled <= month.last)
    whole = Comparison(target, tuple(charges), tuple(active), beside, later, ended)
    if len(active) > 1 or (active and _is_of_one_contract(active[0], charges, (*ended, *later))):
        yield from _tell_apart(whole, active)
    else:
        yield whole


def _is_of_one_contract(addition: Addition, charges: Sequence[Charge], others: Sequence[Addition]) -> bool:
    """Return whether an addition has its contract's units, and one of `others` is of another contract."""
    units: dict[str, Decimal] = {}
    for charge in charges:
        contract = charge.lines[0].contract_id.casefold()
        units[contract] = units.get(contract, Decimal(0)) + (charge.units or Decimal(0))
    own = addition.contract_mark.casefold()
    is_own = bool(own) and units.get(own) == addition.quantity
    return is_own and any(
        mark != own and mark in units for other in others if (mark := other.contract_mark.casefold())
    )


def _tell_apart(whole: Comparison, active: Sequence[Addition]) -> Iterator[Comparison]:
    """Pair each contract with the additions that carry its mark, then all that is left of both together."""
    target, charges, later, ended = whole.target, whole.charges, whole.later, whole.ended
    by_contract: dict[str, list[Charge]] = {}
    for charge in charges:
        by_contract.setdefault(charge.lines[0].contract_id.casefold(), []).append(charge)
    unmarked: list[Charge] = []
    for contract_id, group in by_contract.items():
        marked, others = _part_by_mark(active, contract_id)
        if marked:
            part = replace(target, contract_id=group[0].lines[0].contract_id)
            own_later, later = _part_by_mark(later, contract_id)
            own_ended, ended = _part_by_mark(ended, contract_id)
            yield Comparison(part, tuple(group), marked, whole.beside, own_later, own_ended)
            active = others
        else:
            unmarked.extend(group)
    if unmarked or active:
        part = replace(target, contract_id=only_contract(unmarked) or "rest")
        yield Comparison(part, tuple(unmarked), tuple(active), whole.beside, later, ended)


def _part_by_mark(
    additions: Sequence[Addition], contract_id: str
) -> tuple[tuple[Addition, ...], tuple[Addition, ...]]:
    """Split additions into those that carry the mark of a contract and all others."""
    marked = tuple(a for a in additions if contract_id and a.contract_mark.casefold() == contract_id)
    return marked, tuple(addition for addition in additions if addition not in marked)


class ComparedTarget(Struct, frozen=True, kw_only=True):
    """A target of the month's linked lines with one of its active additions (None where it has none).

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
        """The addition's id, or the target where there is no addition."""
        return f"{self.agreement}:{self.item}" if self.addition is None else str(self.addition)


def list_compared(
    month: Month,
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    mismatches: Iterable[Mismatch],
    books: Books,
) -> tuple[ComparedTarget, ...]:
    """List every target of linked lines with its active additions, and those found only in ConnectWise.

    Targets whose additions could not be read are left out.
    """
    by_key: dict[str, ComparedTarget] = {}
    currencies: dict[int | str, str] = {}
    seen: set[Target] = set()
    for line in sorted(lines, key=lambda line: line.key):
        target = target_of(links[line.key])
        if target is None or target in seen or not line.is_compared:
            continue
        seen.add(target)
        currencies.setdefault(target.agreement, line.currency)
        for entry in _compare_line(month, line, links[line.key], target, books):
            by_key.setdefault(entry.key, entry)
    for mismatch in mismatches:
        if mismatch.kind is MismatchKind.ONLY_IN_CONNECTWISE and mismatch.addition is not None:
            entry = _compare_unbilled(mismatch, mismatch.addition, books, currencies)
            by_key.setdefault(entry.key, entry)
    return tuple(by_key.values())


def _compare_line(
    month: Month, line: BillingLine, link: Link, target: Target, books: Books
) -> Iterator[ComparedTarget]:
    """Make an entry of each active addition of a line's target, or one without an addition."""
    agreement_id, item_id = target.agreement, target.item
    agreement = books.agreement(agreement_id)
    company = link.company.to if link.company and isinstance(link.company.to, int) else None
    read = books.additions.get(agreement_id) if isinstance(agreement_id, int) else ()
    if isinstance(item_id, int) and isinstance(read, Exception | None):
        return
    for addition in books.active_on(month, agreement_id, item_id) or (None,):
        yield ComparedTarget(
            agreement=agreement_id,
            item=item_id,
            company=agreement.company_id if agreement else company,
            customer=line.customer,
            product=line.product,
            currency=(agreement.currency if agreement else "") or line.currency,
            months=(agreement.billing_months if agreement else line.billing_months) or 1,
            addition=addition.id if addition else None,
            units=addition.quantity if addition else Decimal(0),
            included=addition.less_included if addition else Decimal(0),
            unit_price=books.price_of(addition) if addition else None,
        )


def _compare_unbilled(
    mismatch: Mismatch, addition: Addition, books: Books, currencies: Mapping[int | str, str]
) -> ComparedTarget:
    """Make the entry of an addition that no line bills."""
    agreement = books.agreements.get(addition.agreement_id)
    return ComparedTarget(
        agreement=addition.agreement_id,
        item=addition.item_id,
        company=mismatch.company if isinstance(mismatch.company, int) else None,
        customer=mismatch.customer,
        product=mismatch.product,
        currency=(agreement.currency if agreement else "") or currencies.get(addition.agreement_id, ""),
        months=mismatch.months,
        addition=addition.id,
        units=addition.quantity,
        included=addition.less_included,
        unit_price=books.price_of(addition),
    )
