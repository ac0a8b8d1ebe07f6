"""Figures: money of one currency and counts, of a customer, a product or a whole month. PURE.

Money is never added across currencies, and every sum is exact: a quotient (a year's price by its months)
is rounded to cents before anything is added, as on the sheets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Any, Final

from msgspec import Struct

from xlsync.amounts import DIGITS
from xlsync.apply.action_base import id_if_known
from xlsync.models import BillingLine, Choice, Evidence, Mismatch
from xlsync.report.facts import Facts

ZERO: Final = Decimal(0)


class Figures(Struct, frozen=True, kw_only=True):
    """Money of one currency and counts, of a customer, a product or the whole month.

    `billed` is the distributor's, all lines. `before` and `after` are ConnectWise's money a month without and
    with the month's writes. `revenue` and `cost` are the parts of both sides that can be compared with each
    other: `after` of targets with linked recurring lines, and those lines, a month of each.
    """

    lines: int = 0
    billed: Decimal = ZERO
    monthly: Decimal = ZERO  # a month of the recurring charges and their credits
    before: Decimal = ZERO
    after: Decimal = ZERO
    revenue: Decimal = ZERO
    cost: Decimal = ZERO
    cost_impact: Decimal = ZERO  # effect of corrected unit costs, which is no revenue
    open: int = 0
    up: Decimal = ZERO  # money a month that open mismatches would bring
    down: Decimal = ZERO
    unpriced: int = 0  # number of additions without a price

    @property
    def found(self) -> Decimal:
        """The monthly impact of the month's done changes of units, creations and ends."""
        return self.after - self.before

    @property
    def margin(self) -> Decimal:
        """The compared revenue less the compared cost."""
        return self.revenue - self.cost

    @property
    def rate(self) -> Decimal | None:
        """The margin as a fraction of the revenue; None without revenue."""
        return self.margin / self.revenue if self.revenue else None


def add(figures: Iterable[Figures]) -> Figures:
    """Add figures exactly."""
    names = Figures.__struct_fields__
    summands = list(figures)
    with localcontext(prec=DIGITS):
        return Figures(**{name: sum((getattr(f, name) for f in summands), _start(name)) for name in names})


def _start(name: str) -> Any:
    return 0 if name in {"lines", "open", "unpriced"} else ZERO


class FigureGroup(Struct, frozen=True):
    """The figures of a customer or a product in one currency, and whether it is linked to ConnectWise."""

    name: str
    currency: str
    is_linked: bool
    figures: Figures


class Subject(Struct, frozen=True):
    """A customer or product of the report: its ConnectWise id, or its key in the BSS where it has none."""

    id: int | None
    bss_key: str = ""


class Contribution(Struct, frozen=True, kw_only=True):
    """The figures that one line, addition or open row adds to those of its customer and product."""

    currency: str
    customer: Subject
    product: Subject
    figures: Figures


def grouped(
    parts: Iterable[tuple[str, Subject, Contribution]], names: Mapping[Subject, str]
) -> list[FigureGroup]:
    """Add figures by currency and subject; each group has the name of its subject."""
    figures: dict[tuple[str, Subject], list[Figures]] = {}
    for currency, subject, part in parts:
        figures.setdefault((currency, subject), []).append(part.figures)
    return [
        FigureGroup(names[subject], currency, subject.id is not None, add(group))
        for (currency, subject), group in figures.items()
    ]


def totalled(parts: Iterable[Contribution]) -> list[FigureGroup]:
    """Add figures by currency, the one with the most lines first; a group is named by its currency."""
    figures: dict[str, list[Figures]] = {}
    for part in parts:
        figures.setdefault(part.currency, []).append(part.figures)
    totals = [FigureGroup(currency, currency, True, add(group)) for currency, group in figures.items()]
    return sorted(totals, key=lambda g: (-g.figures.lines, -abs(g.figures.billed), g.currency))


def ranked(groups: Iterable[FigureGroup], rank: Mapping[str, int]) -> tuple[FigureGroup, ...]:
    """Sort groups by currency, and within one by money, the most first."""
    return tuple(
        sorted(
            groups,
            key=lambda group: (
                rank[group.currency],
                -max(abs(group.figures.billed), abs(group.figures.after)),
                group.name.casefold(),
            ),
        )
    )


class Naming:
    """The customers and products of lines, additions and rows, and their names.

    Names are ConnectWise's labels, or the BSS's names where not linked. A line without a link of its own
    belongs with the other lines of its BSS customer (or product), where these agree.
    """

    def __init__(self, facts: Facts, ids: Mapping[str, int]) -> None:
        self._ids = ids
        self._names = facts.names
        self.customers: dict[Subject, str] = {}
        self.products: dict[Subject, str] = {}
        self._links = facts.links
        self._companies = self._agreed(
            (line.customer_key, facts.links[line.key].company) for line in facts.lines
        )
        self._items = self._agreed((line.bss_product, facts.links[line.key].item) for line in facts.lines)
        self._lines = {line.key: line for line in facts.lines}
        by_currency = Counter(line.currency for line in facts.lines)
        self._usual = max(by_currency, key=lambda name: (by_currency[name], name), default="")
        self._currencies: dict[int | str, str] = {}
        for entry in facts.compared:
            self._currencies.setdefault(entry.agreement, entry.currency)

    def _agreed(self, parts: Iterable[tuple[str, Choice | None]]) -> dict[str, int]:
        ids_by_key: dict[str, set[int]] = {}
        for key, choice in parts:
            id_ = self._id(choice)
            if id_ is not None:
                ids_by_key.setdefault(key, set()).add(id_)
        return {key: next(iter(ids)) for key, ids in ids_by_key.items() if len(ids) == 1}

    def _id(self, choice: Choice | None) -> int | None:
        if choice is None or choice.evidence is Evidence.SUGGESTED:
            return None
        to = id_if_known(choice.to, self._ids)
        return to if isinstance(to, int) else None

    def customer_of(self, line: BillingLine) -> Subject:
        """Return the customer of a line."""
        id_ = self._id(self._links[line.key].company)
        id_ = self._companies.get(line.customer_key) if id_ is None else id_
        return self.company(id_, line.customer, line.customer_key)

    def product_of(self, line: BillingLine) -> Subject:
        """Return the product of a line."""
        id_ = self._id(self._links[line.key].item)
        id_ = self._items.get(line.bss_product) if id_ is None else id_
        return self.item(id_, line.product, line.bss_product)

    def company(self, id_: int | None, name: str, key: str = "") -> Subject:
        """Return a company by id; without one, a BSS customer by its key or name."""
        return self._subject(self.customers, "company", id_, name, key)

    def item(self, id_: int | str | None, name: str, key: str = "") -> Subject:
        """Return a catalog item by id; without one, a BSS product by its key or name."""
        to = id_if_known(id_, self._ids) if id_ is not None else None
        return self._subject(self.products, "item", to if isinstance(to, int) else None, name, key)

    def _subject(self, names: dict[Subject, str], part: str, id_: int | None, name: str, key: str) -> Subject:
        if id_ is None:
            subject = Subject(None, key or name)
            names.setdefault(subject, name)
        else:
            subject = Subject(id_)
            names.setdefault(subject, self._names.get(part, {}).get(id_) or name or f"{part} {id_}")
        return subject

    def row(self, mismatch: Mismatch) -> tuple[Subject, Subject]:
        """Return the customer and product of a row of *Mismatches*: those of its lines, else its own."""
        line = next((self._lines[key] for key in mismatch.line_keys if key in self._lines), None)
        if line is not None:
            return self.customer_of(line), self.product_of(line)
        company = mismatch.company if isinstance(mismatch.company, int) else None
        return self.company(company, mismatch.customer), self.item(mismatch.item, mismatch.product)

    def currency(self, mismatch: Mismatch) -> str:
        """Return the currency of a row's money."""
        line = next((self._lines[key] for key in mismatch.line_keys if key in self._lines), None)
        if line is not None:
            return line.currency
        of_agreement = None if mismatch.agreement is None else self._currencies.get(mismatch.agreement)
        return self._usual if of_agreement is None else of_agreement
