"""What is remembered of links, and what of a workbook's links is to be kept.

PURE. `links.py` makes it last, `matching.py` proposes from it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from xlsync.links.choices import NOTHING, Emptied, Picked
from xlsync.models import Agreement, BillingLine, CatalogItem, Choice, Company, Evidence, Link

PARTS: Final[tuple[str, ...]] = ("company", "agreement", "item")
_WORDS: Final = {"company": "customer", "agreement": "agreement", "item": "product"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What things were called when a link was remembered: for people, never for matching an id."""

    customer: str = ""
    product: str = ""
    contract: str = ""
    company: str = ""
    agreement: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a customer, product or contract of the BSS was linked to, by ConnectWise ids.

    `evidence`, `when` and `workbook` tell on what it was taken, and when and from which workbook it
    was first remembered. A contract's item holds for the product key `for_product` only: a
    subscription may be changed to another product and keep its id. `emptied` names the parts that a
    person emptied on a contract: no evidence fills them again.
    """

    company_id: int | None = None
    agreement_id: int | None = None
    item_id: int | None = None
    for_product: str = ""
    emptied: tuple[str, ...] = ()
    evidence: Evidence = Evidence.CHOSEN
    when: dt.datetime | None = None
    workbook: str = ""
    names: Names = field(default_factory=Names)

    @property
    def ids(self) -> tuple[int | None, int | None, int | None]:
        """Company, agreement and item."""
        return self.company_id, self.agreement_id, self.item_id

    @property
    def says_something(self) -> bool:
        """Whether anything is remembered at all."""
        return any(self.ids) or bool(self.emptied)

    def part(self, name: str) -> int | Emptied | None:
        """The id of a part, NOTHING where a person emptied it, None where nothing is remembered of it."""
        if name in self.emptied:
            return NOTHING
        id_: int | None = getattr(self, f"{name}_id")
        return id_


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is remembered of one environment: by contract, by BSS customer, by BSS product."""

    contracts: Mapping[str, Remembered] = field(default_factory=dict)
    customers: Mapping[str, Remembered] = field(default_factory=dict)
    products: Mapping[str, Remembered] = field(default_factory=dict)


class LinkKind(StrEnum):
    """For what a link is remembered."""

    CONTRACT = "contract"
    CUSTOMER = "customer"
    PRODUCT = "product"


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedLink:
    """One remembered link with what it is remembered for."""

    kind: LinkKind
    key: str
    link: Remembered

    def __str__(self) -> str:
        names = self.link.names
        subject = {
            LinkKind.CONTRACT: f"contract {names.contract or self.key}",
            LinkKind.CUSTOMER: f"customer {names.customer or self.key}",
            LinkKind.PRODUCT: f"product {names.product or self.key}",
        }[self.kind]
        parts = zip(self.link.ids, (names.company, names.agreement, names.item), strict=True)
        told = [name or str(part) for part, name in parts if part is not None]
        told += [f"no {_WORDS[part]}" for part in self.link.emptied]
        return f"{subject} → {', '.join(told)}"


def customer_key(line: BillingLine) -> str | None:
    """The line's customer key; None where the BSS names no customer at all."""
    return line.customer_key if line.customer_id or line.customer else None


def product_key(line: BillingLine) -> str | None:
    """The line's product key; None for a hand-typed line, which names no product."""
    return line.product_key if line.product_code or line.product_id or line.product else None


def contract_key(line: BillingLine) -> str | None:
    """The line's contract; None where a line without one lacks the customer or product to stand for it."""
    return line.contract if line.contract_id or (customer_key(line) and product_key(line)) else None


_UNKNOWN: Final = Remembered()


def entry_for(entries: Mapping[str, Remembered], key: str | None) -> Remembered:
    """What is remembered under a key; an entry without ids where nothing is."""
    return entries.get(key, _UNKNOWN) if key is not None else _UNKNOWN


@dataclass(frozen=True, slots=True, order=True)
class Forgotten:
    """Something remembered that ConnectWise no longer offers: deleted, inactive or ended."""

    kind: str  # "Customer", "Agreement", "Product", as on the sheets
    name: str
    id: int


def forgotten(
    lines: Iterable[BillingLine],
    memory: Memory,
    companies: Iterable[Company],
    agreements: Iterable[Agreement],
    catalog: Iterable[CatalogItem],
) -> tuple[Forgotten, ...]:
    """What is remembered for these lines and no longer among what ConnectWise offers, by name."""
    offered = (
        ("Customer", {company.id for company in companies}),
        ("Agreement", {agreement.id for agreement in agreements}),
        ("Product", {item.id for item in catalog}),
    )
    gone: dict[tuple[str, int], str] = {}
    for remembered in _remembered_for(lines, memory):
        names = (remembered.names.company, remembered.names.agreement, remembered.names.item)
        for (kind, ids), part, name in zip(offered, remembered.ids, names, strict=True):
            if part is not None and part not in ids:
                gone[kind, part] = max(gone.get((kind, part), ""), name)
    return tuple(sorted(Forgotten(kind, name or str(part), part) for (kind, part), name in gone.items()))


def _remembered_for(lines: Iterable[BillingLine], memory: Memory) -> Iterable[Remembered]:
    lines = list(lines)
    for keys, entries in (
        ({contract_key(line) for line in lines}, memory.contracts),
        ({customer_key(line) for line in lines}, memory.customers),
        ({product_key(line) for line in lines}, memory.products),
    ):
        yield from (entries[key] for key in keys if key is not None and key in entries)


_DECIDED: Final = (Evidence.REMEMBERED, Evidence.CONFIRMED, Evidence.CHOSEN)
_Vote = tuple[BillingLine, Mapping[str, Choice]]  # a line with what it stands on, part by part


def _settled(link: Link) -> dict[str, Choice]:
    """The parts that may be kept: all of a link that counts, else what a person decided."""
    counts = link.counts
    return {
        part: choice
        for part, choice in zip(PARTS, (link.company, link.agreement, link.item), strict=True)
        if choice is not None and isinstance(choice.to, int) and (counts or choice.evidence in _DECIDED)
    }


def _entry(
    votes: Sequence[_Vote], parts: Collection[str], *names: str, emptied: Set[str] = frozenset()
) -> Remembered:
    """What all lines agree on, of these parts; a part on which they differ is left out.

    An agreement is agreed on only together with its company.
    """
    ids: dict[str, set[int]] = {
        part: {to for _, choices in votes if part in choices and isinstance(to := choices[part].to, int)}
        for part in PARTS
    }
    kept = {part for part in parts if len(ids[part]) == 1} - emptied
    if len(ids["company"]) > 1:
        kept.discard("agreement")
    products = {line.product_key for line, _ in votes} if "contract" in names else set()
    if len(products) > 1:
        kept, emptied = kept - {"item"}, emptied - {"item"}
    evidence = {choices[part].evidence for _, choices in votes for part in kept if part in choices}
    company_id, agreement_id, item_id = (ids[part].pop() if part in kept else None for part in PARTS)
    return Remembered(
        company_id=company_id,
        agreement_id=agreement_id,
        item_id=item_id,
        for_product=products.pop() if products and "item" in kept | emptied else "",
        emptied=tuple(part for part in PARTS if part in emptied),
        evidence=max(evidence, key=lambda one: one.strength, default=Evidence.CHOSEN),
        names=Names(**{name: max(_name(line, name) for line, _ in votes) for name in names}),
    )


def _name(line: BillingLine, name: str) -> str:
    return line.contract_id if name == "contract" else getattr(line, name)


def choices_to_remember(
    lines: Sequence[BillingLine], links: Mapping[str, Link], picked: Mapping[str, Picked]
) -> Memory:
    """What of these links is to be kept, for `Links.remember`.

    A customer's company and agreement, and a product's item, where all its lines agree. For the
    contract: what a person picked or emptied on its lines, every part on which its customer or product
    cannot tell, and an agreement that was found by the product alone. A customer or product on which lines
    differ stands in it without that part, so that
    what was remembered of it before is dropped.
    """
    by_customer: defaultdict[str | None, list[_Vote]] = defaultdict(list)
    by_product: defaultdict[str | None, list[_Vote]] = defaultdict(list)
    by_contract: defaultdict[str | None, list[_Vote]] = defaultdict(list)
    own: defaultdict[str | None, set[str]] = defaultdict(set)
    emptied: defaultdict[str | None, set[str]] = defaultdict(set)
    for line in (line for line in lines if line.key in picked):
        for part in PARTS:
            to = getattr(picked[line.key], part)
            if to is not None and not isinstance(to, str):
                (emptied if to is NOTHING else own)[contract_key(line)].add(part)
    for line in lines:
        contract, settled = contract_key(line), _settled(links.get(line.key, Link()))
        if settled or contract in emptied:
            by_contract[contract].append((line, settled))
        if "item" in settled:
            by_product[product_key(line)].append((line, settled))
        of_customer = {
            part: settled[part] for part in PARTS[:2] if part in settled and not settled[part].of_product
        }
        if of_customer:
            by_customer[customer_key(line)].append((line, of_customer))
    customers = {key: _entry(votes, PARTS[:2], "customer") for key, votes in by_customer.items() if key}
    products = {key: _entry(votes, PARTS[2:], "product") for key, votes in by_product.items() if key}

    def untold(line: BillingLine, settled: Mapping[str, Choice]) -> set[str]:
        """The parts that neither the line's customer nor its product tells."""
        customer = entry_for(customers, customer_key(line))
        told = customer.company_id, customer.agreement_id, entry_for(products, product_key(line)).item_id
        return {
            part
            for part, id_ in zip(PARTS, told, strict=True)
            if id_ is None or (part in settled and settled[part].of_product)
        }

    contracts: dict[str, Remembered] = {}
    for contract, votes in by_contract.items():
        picks = own.get(contract, set())
        gone = emptied.get(contract, set()) - picks
        parts = picks.union(*(untold(line, settled) for line, settled in votes))
        if contract and (parts or gone):
            entry = _entry(votes, parts, "customer", "product", "contract", emptied=gone)
            if entry.says_something:
                contracts[contract] = entry
    return Memory(contracts, customers, products)


def names_of(
    companies: Iterable[Company], agreements: Iterable[Agreement], catalog: Iterable[CatalogItem]
) -> dict[str, dict[int, str]]:
    """The names of companies, agreements and catalog items by id, under the names of a link's parts."""
    return {
        "company": {company.id: company.name for company in companies},
        "agreement": {agreement.id: agreement.name for agreement in agreements},
        "item": {item.id: f"{item.identifier}: {item.description}" for item in catalog},
    }


def with_names(memory: Memory, names: Mapping[str, Mapping[int, str]]) -> Memory:
    """The remembered links with the names that ConnectWise has for their ids today, by part of a link."""

    def named(remembered: Remembered) -> Remembered:
        company, agreement, item = remembered.ids
        old = remembered.names
        return replace(
            remembered,
            names=replace(
                old,
                company=names["company"].get(company or 0, old.company),
                agreement=names["agreement"].get(agreement or 0, old.agreement),
                item=names["item"].get(item or 0, old.item),
            ),
        )

    return Memory(
        *(
            {key: named(one) for key, one in kind.items()}
            for kind in (memory.contracts, memory.customers, memory.products)
        )
    )
