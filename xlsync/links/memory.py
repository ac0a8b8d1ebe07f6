"""The memory of links, and looking it up for a billing line.

PURE. `store.py` makes it last, `learning.py` takes it from a workbook, `matching.py` proposes from it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Final

from msgspec import Struct, field
from msgspec.structs import astuple

from xlsync.billing.periods import months_of, period_name
from xlsync.links.choices import NOTHING, Emptied
from xlsync.links.names import fold_code, fold_product, fold_spelling, foldings
from xlsync.links.products import are_told_apart, product_words, read_microsoft_id
from xlsync.models import Agreement, BillingLine, CatalogItem, Company, Evidence, is_unique, split_key
from xlsync.records import replace

PARTS: Final[tuple[str, ...]] = ("company", "agreement", "item")
_WORDS: Final = {"company": "customer", "agreement": "agreement", "item": "product"}


class Names(Struct, frozen=True, kw_only=True):
    """The names at the time when a link was remembered: shown to people, never used to match."""

    customer: str = ""
    product: str = ""
    contract: str = ""
    company: str = ""
    agreement: str = ""
    item: str = ""

    def renewed(self, newer: Names) -> Names:
        """Replace these names by those of `newer` that are not empty."""
        texts = {part: getattr(newer, part) for part in self.__struct_fields__}
        changed = {part: text for part, text in texts.items() if text and text != getattr(self, part)}
        return replace(self, **changed) if changed else self


class PeriodAgreement(Struct, frozen=True, order=True):
    """The agreement of a customer's lines that are billed once in so many months, with its name then."""

    months: int
    id: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name or self.id} ({period_name(self.months)})"


class Remembered(Struct, frozen=True, kw_only=True):
    """The ConnectWise ids to which a customer, product or contract of the BSS was linked.

    A customer's `agreement_id` is that of all its lines; `by_period` holds the agreement of each billing
    period in which its lines agree, in order of the periods. `evidence`, `when` and `workbook` tell on
    what it was taken, and when and from which workbook it was first remembered. A contract's item holds
    for the product key `for_product` only: a subscription may be changed to another product and keep its
    id. `emptied` names the parts that a person emptied on a contract: no evidence fills them again.
    """

    company_id: int | None = None
    agreement_id: int | None = None
    item_id: int | None = None
    for_product: str = ""
    emptied: tuple[str, ...] = ()
    by_period: tuple[PeriodAgreement, ...] = ()
    evidence: Evidence = Evidence.CHOSEN
    when: dt.datetime | None = None
    workbook: str = ""
    names: Names = Names()

    @property
    def ids(self) -> tuple[int | None, int | None, int | None]:
        """The ids of company, agreement and item."""
        return self.company_id, self.agreement_id, self.item_id

    @property
    def says_something(self) -> bool:
        """Return whether the entry holds an id or an emptied part."""
        return any(self.ids) or bool(self.emptied) or bool(self.by_period)

    def part(self, name: str) -> int | Emptied | None:
        """Return the id of a part; NOTHING where a person emptied it, None where nothing is remembered."""
        if name in self.emptied:
            return NOTHING
        id_: int | None = getattr(self, f"{name}_id")
        return id_

    def agreement_billed(self, months: int | None) -> int | None:
        """Return the agreement of the lines that are billed once in `months` months, if any."""
        return next((agreement.id for agreement in self.by_period if agreement.months == months), None)

    @property
    def agreement_names(self) -> str:
        """The agreement's name, and those of the periods that have another, with the period."""
        others = (str(agreement) for agreement in self.by_period if agreement.id != self.agreement_id)
        return ", ".join(filter(None, (_named(self.agreement_id, self.names.agreement), *others)))


class Memory(Struct, frozen=True):
    """All that is remembered of one environment: by contract, by BSS customer, by BSS product."""

    contracts: Mapping[str, Remembered] = field(default_factory=dict)
    customers: Mapping[str, Remembered] = field(default_factory=dict)
    products: Mapping[str, Remembered] = field(default_factory=dict)


class LinkKind(StrEnum):
    """The kinds of things for which links are remembered."""

    CONTRACT = "contract"
    CUSTOMER = "customer"
    PRODUCT = "product"


class RememberedLink(Struct, frozen=True, kw_only=True):
    """A remembered link with the kind and key for which it is remembered."""

    kind: LinkKind
    key: str
    link: Remembered

    @property
    def subject(self) -> str:
        """The customer, product or contract of the entry, by the BSS's names or else its key."""
        names, own_id = self.link.names, split_key(self.key)[1]
        match self.kind:
            case LinkKind.CUSTOMER:
                return names.customer or own_id
            case LinkKind.PRODUCT:
                _, *periods = own_id.rsplit("|", 2)
                return " · ".join(filter(None, (names.product, *periods))) if names.product else own_id
            case LinkKind.CONTRACT:
                named = (names.customer, names.product, names.contract or own_id)
                return " · ".join(filter(None, named))

    @property
    def parts(self) -> tuple[str, ...]:
        """The linked records, by ConnectWise's names or else ids."""
        company, _, item = self.link.ids
        parts = (
            _named(company, self.link.names.company),
            self.link.agreement_names,
            _named(item, self.link.names.item),
            *(f"no {_WORDS[part]}" for part in self.link.emptied),
        )
        return tuple(filter(None, parts))

    @property
    def bss_name(self) -> str:
        """The BSS's name of the customer or product; empty for a contract."""
        names = self.link.names
        return {LinkKind.CUSTOMER: names.customer, LinkKind.PRODUCT: names.product}.get(self.kind, "")

    def is_about(self, text: str) -> bool:
        """Return whether a text is the BSS's whole name or id of the customer or product."""
        own_id = split_key(self.key)[1]
        if self.kind is LinkKind.PRODUCT:
            own_id = own_id.rsplit("|", 2)[0]
        return text.strip().casefold() in {self.bss_name.casefold(), own_id.casefold()} - {""}

    def mentions(self, text: str) -> bool:
        """Return whether a text occurs in the key or in a name of either system, in any spelling."""
        wanted, folded = text.strip().casefold(), fold_spelling(text)
        is_long = len(folded) > 2  # what folding leaves of `S-` is part of nearly every name
        return any(
            wanted in name or (is_long and folded in fold_spelling(name)) for name in self._all_names()
        )

    def _all_names(self) -> Iterator[str]:
        names = self.link.names
        yield self.key.casefold()
        yield from (text.casefold() for text in astuple(names) if text)
        yield from (agreement.name.casefold() for agreement in self.link.by_period if agreement.name)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} → {', '.join(self.parts)}"


def _named(id_: int | None, name: str) -> str:
    return "" if id_ is None else name or str(id_)


def customer_key(line: BillingLine) -> str | None:
    """Return the line's customer key; None where the BSS names no customer."""
    return line.customer_key if line.customer_id or line.customer else None


def product_key(line: BillingLine) -> str | None:
    """Return the line's product key; None for a hand-typed line, which names no product."""
    return line.product_key if line.product_code or line.product_id or line.product else None


def contract_key(line: BillingLine) -> str | None:
    """Return the line's contract; None for a line without contract id that lacks customer or product."""
    return line.contract if line.contract_id or (customer_key(line) and product_key(line)) else None


_UNKNOWN: Final = Remembered()


def entry_for(entries: Mapping[str, Remembered], key: str | None) -> Remembered:
    """Return the entry of a key; an empty entry where there is none."""
    return entries.get(key, _UNKNOWN) if key is not None else _UNKNOWN


class Recall:
    """The look-up of billing lines in a memory.

    The BSS and a report have different keys for one customer or product. Where nothing is remembered for
    a line's own key, the one entry of another source with the same name, or the same product code, counts;
    a product's periods must be the same too. Of two customers of one report or of the BSS that share a name,
    among `lines` or remembered, neither is the one that another source remembers.
    """

    def __init__(self, memory: Memory, lines: Iterable[BillingLine] = ()) -> None:
        self._memory = memory
        self._lines = lines
        self._looked_up: dict[tuple[str, str], Remembered] = {}

    def contract(self, line: BillingLine) -> Remembered:
        """Return the entry of the line's contract."""
        return entry_for(self._memory.contracts, contract_key(line))

    def customer(self, line: BillingLine) -> Remembered:
        """Return the entry of the line's customer, from either source."""
        key, entries = customer_key(line), self._memory.customers
        if key is not None and (own := entries.get(key)) is not None and _is_of_customer(own, line):
            return own
        return self._from_elsewhere(key, line.customer, entries, lambda: self.customers_elsewhere(line))

    def product(self, line: BillingLine) -> Remembered:
        """Return the entry of the line's product, from either source."""
        key, entries = product_key(line), self._memory.products
        if key is not None and (own := entries.get(key)) is not None and _is_of_product(own, line):
            return own
        return self._from_elsewhere(key, line.product, entries, lambda: self.products_elsewhere(line))

    def _from_elsewhere(
        self,
        key: str | None,
        name: str,
        entries: Mapping[str, Remembered],
        find_elsewhere: Callable[[], Sequence[str]],
    ) -> Remembered:
        if key is None or not entries:
            return _UNKNOWN
        if (key, name) not in self._looked_up:
            elsewhere = find_elsewhere()
            self._looked_up[key, name] = entries[elsewhere[0]] if len(elsewhere) == 1 else _UNKNOWN
        return self._looked_up[key, name]

    def customers_elsewhere(self, line: BillingLine) -> list[str]:
        """Return the keys of the entries that other sources have for the line's customer."""
        name = fold_spelling(line.customer)
        known = self._customers.get(name, ())
        accounts = {key for key in known if line.source == "bss" and split_key(key)[0] == "bss"}
        accounts |= {line.customer_key, *self._namesakes.get((line.source, line.report, name), ())}
        if known and len(accounts) > 1:
            return []
        return [key for key in known if split_key(key)[0] != line.source]

    def products_elsewhere(self, line: BillingLine) -> list[str]:
        """Return the keys of other sources' entries for the line's product, billed in the same way."""
        periods = (_months(line.billing_period), _months(line.commitment_period))
        names = {fold_code(line.product_code), fold_product(line.product)} - {""}
        known = {key for name in names for key in self._products.get((name, *periods), ())}
        return sorted(key for key in known if split_key(key)[0] != line.source)

    @cached_property
    def _namesakes(self) -> Mapping[tuple[str, str, str], set[str]]:
        """The keys of the customers of the lines, by source, report and name: each report has its own ids."""
        keys: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        for line in self._lines:
            if key := customer_key(line):
                keys[line.source, line.report, fold_spelling(line.customer)].add(key)
        return keys

    @cached_property
    def _customers(self) -> Mapping[str, list[str]]:
        keys: defaultdict[str, list[str]] = defaultdict(list)
        for key, entry in sorted(self._memory.customers.items()):
            if entry.names.customer:
                keys[fold_spelling(entry.names.customer)].append(key)
        return keys

    @cached_property
    def _products(self) -> Mapping[tuple[str, int | str, int | str], set[str]]:
        keys: defaultdict[tuple[str, int | str, int | str], set[str]] = defaultdict(set)
        for key, entry in self._memory.products.items():
            code, *periods = split_key(key)[1].rsplit("|", 2)
            if len(periods) == 2:
                for name in {fold_code(code), fold_product(entry.names.product)} - {""}:
                    keys[name, _months(periods[0]), _months(periods[1])].add(key)
        return keys


def _is_of_customer(entry: Remembered, line: BillingLine) -> bool:
    """Return whether the entry of a line's customer key is of that customer.

    The customer numbers of two distributors' reports may be the same: there the names must be alike, too.
    """
    if line.source != "report" or not line.customer_id or is_unique(line.customer_id):
        return True
    return not entry.names.customer or not foldings(entry.names.customer).isdisjoint(foldings(line.customer))


def _is_of_product(entry: Remembered, line: BillingLine) -> bool:
    """Return whether the entry of a line's product key is of that product.

    The product numbers of two distributors' reports may be the same, but for Microsoft's ids: there no words
    may tell the names apart.
    """
    if line.source != "report" or not line.product_code or read_microsoft_id(line.product_code) is not None:
        return True
    return not are_told_apart(product_words(entry.names.product), product_words(line.product))


def _months(period: str) -> int | str:
    """Return a period's length in months, else its name in lower case, for comparing."""
    return months_of(period) or period.casefold().strip()


class Inactive(Struct, frozen=True, order=True):
    """A remembered record that is deleted, inactive or ended in ConnectWise."""

    kind: str  # "Customer", "Agreement", "Product", as on the sheets
    name: str
    id: int


def find_inactive(
    lines: Iterable[BillingLine],
    memory: Memory,
    companies: Iterable[Company],
    agreements: Iterable[Agreement],
    catalog: Iterable[CatalogItem],
) -> tuple[Inactive, ...]:
    """List the remembered records of these lines that are no longer active in ConnectWise, by name.

    Many customers have an agreement of the same name: it is named with its customer.
    """
    offered = (
        ("Customer", {company.id for company in companies}),
        ("Agreement", {agreement.id for agreement in agreements}),
        ("Product", {item.id for item in catalog}),
    )
    gone: dict[tuple[str, int], str] = {}
    recall = Recall(memory)
    seen: set[int] = set()  # many lines share few entries
    for line in lines:
        customer = recall.customer(line)
        for remembered in (recall.contract(line), customer, recall.product(line)):
            if id(remembered) in seen:
                continue
            seen.add(id(remembered))
            company, item = remembered.names.company, remembered.names.item
            names = (company, _name_with_company(remembered.names.agreement, company), item)
            for (kind, ids), part, name in zip(offered, remembered.ids, names, strict=True):
                if part is not None and part not in ids:
                    gone[kind, part] = max(gone.get((kind, part), ""), name)
        for entry in customer.by_period:
            if entry.months == line.billing_months and entry.id not in offered[1][1]:
                name = _name_with_company(entry.name, customer.names.company)
                gone["Agreement", entry.id] = max(gone.get(("Agreement", entry.id), ""), name)
    return tuple(sorted(Inactive(kind, name or str(part), part) for (kind, part), name in gone.items()))


def _name_with_company(agreement: str, company: str) -> str:
    return f"{agreement} of {company}" if agreement and company else agreement
