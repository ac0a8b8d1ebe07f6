"""Propose to which ConnectWise customer, agreement and product each billing line belongs.

PURE. The ladder of evidence is DESIGN, section 6: what a person picked or confirmed, what is
remembered, what is marked in ConnectWise, equal names, the only agreement, and last a suggestion,
which counts for nothing until it is confirmed. A tie is never resolved by guessing, and what could
not be read is never taken for an absence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from xlsync.links.agreements import Held, decide_agreements, propose_agreements, propose_marked_items
from xlsync.links.choices import Emptied, LinkPart, Picked, find_decided, only, present
from xlsync.links.memory import Memory, contract_key, customer_key, entry_for, product_key
from xlsync.links.names import Suggestions, digits, fold, fold_code, fold_product, fold_spelling
from xlsync.models import Addition, Agreement, BillingLine, CatalogItem, Choice, Company, Evidence, Link

# Products share the words of their brand: below 85, `Business Basic` is near to `Business Premium`.
_LOWEST_SCORE: Final = 80
_LOWEST_PRODUCT_SCORE: Final = 85
_SURE_OF_NEARLY: Final = 99  # the score of names that fold to one but are not the only ones to do so


class _CompanyPart(LinkPart):
    """The ConnectWise customer of a line."""

    name = "company"

    def __init__(self, companies: Iterable[Company], memory: Memory) -> None:
        self.offered = frozenset(company.id for company in companies)
        self._memory = memory

    def contract(self, line: BillingLine) -> str | None:
        return contract_key(line)

    def group(self, line: BillingLine) -> str | None:
        return customer_key(line)

    def by_contract(self, line: BillingLine) -> int | Emptied | None:
        return entry_for(self._memory.contracts, contract_key(line)).part("company")

    def by_group(self, line: BillingLine) -> int | None:
        return entry_for(self._memory.customers, customer_key(line)).company_id


class _ItemPart(LinkPart):
    """The ConnectWise product of a line; a contract's holds for one product of the BSS."""

    name = "item"

    def __init__(self, catalog: Iterable[CatalogItem], memory: Memory) -> None:
        self.offered = frozenset(item.id for item in catalog)
        self._memory = memory

    def contract(self, line: BillingLine) -> tuple[str, str] | None:
        key = contract_key(line)
        return (key, line.product_key) if key is not None else None

    def group(self, line: BillingLine) -> str | None:
        return product_key(line)

    def by_contract(self, line: BillingLine) -> int | Emptied | None:
        entry = entry_for(self._memory.contracts, contract_key(line))
        return entry.part("item") if not entry.for_product or entry.for_product == line.product_key else None

    def by_group(self, line: BillingLine) -> int | None:
        return entry_for(self._memory.products, product_key(line)).item_id


class _Directory:
    """Which ConnectWise ids go by a name, in one way of looking at names."""

    def __init__(self, names: Iterable[tuple[int, str]], look: Callable[[str], str]) -> None:
        self._look = look
        self._ids: defaultdict[str, set[int]] = defaultdict(set)
        for entry_id, name in names:
            self._ids[look(name)].add(entry_id)
        self._ids.pop("", None)

    def __getitem__(self, name: str) -> set[int]:
        return self._ids.get(self._look(name), set())


def _united(choices: Iterable[Choice | None]) -> Choice | None:
    """One choice for all spellings of one BSS customer or product; None where they lead apart."""
    found = {choice for choice in choices if choice is not None}
    if len({choice.to for choice in found}) != 1:
        return None
    return min(found, key=lambda choice: (choice.evidence.strength, -(choice.score or 0)))


def propose_companies(
    lines: Sequence[BillingLine],
    companies: Sequence[Company],
    memory: Memory,
    picked: Mapping[str, Picked],
) -> dict[str, Choice]:
    """The company of each line, by line key; lines without a proposal are absent."""
    decided = find_decided(lines, _CompanyPart(companies, memory), picked)
    spellings: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.key not in decided and line.customer.strip() and (key := customer_key(line)):
            spellings[key].add(line.customer)
    by_name = _companies_by_name(lines, companies, memory, decided, spellings)
    return _with_named(lines, decided, by_name, customer_key)


def _with_named(
    lines: Iterable[BillingLine],
    decided: Mapping[str, Choice | None],
    by_name: Mapping[str, Choice],
    key: Callable[[BillingLine], str | None],
) -> dict[str, Choice]:
    """What was decided and, for the other lines, what their names tell, by line key."""
    proposed = present(decided)
    for line in lines:
        if line.key not in decided and (choice := by_name.get(key(line) or "")):
            proposed[line.key] = choice
    return proposed


def _companies_by_name(
    lines: Sequence[BillingLine],
    companies: Sequence[Company],
    memory: Memory,
    decided: Mapping[str, Choice | None],
    spellings: Mapping[str, set[str]],
) -> dict[str, Choice]:
    """The company of each BSS customer, by its names alone.

    One company may not stand for two customers whose names differ by more than spelling: where
    `Delta Ltd` and `Delta GmbH` both come down to the one company `Delta`, it is suggested only.
    """
    if not spellings:
        return {}
    wanted = {digits(name) for all_names in spellings.values() for name in all_names}
    names = [(company.id, company.name) for company in companies if digits(company.name) in wanted]
    as_written, as_spelled, folded = (_Directory(names, look) for look in (str.strip, fold_spelling, fold))
    equal: dict[tuple[str, str], int] = {}
    nearly: dict[tuple[str, str], int] = {}
    ties: set[tuple[str, str]] = set()
    for source, name in {(_source(key), name) for key, all_names in spellings.items() for name in all_names}:
        exact = only(as_written[name]) or only(as_spelled[name])
        after_folding = folded[name]
        if exact is not None:
            equal[source, name] = exact
        elif len(after_folding) == 1:
            nearly[source, name] = next(iter(after_folding))
        elif after_folding:
            ties.add((source, name))
    taken = {(source, company_id): set[str]() for (source, _), company_id in nearly.items()}
    for source, company_id, name in _customers_of(lines, memory, decided, equal | nearly):
        if (source, company_id) in taken:
            taken[source, company_id].add(fold_spelling(name))
    suggestions = Suggestions(dict(names), _LOWEST_SCORE)

    def choice_for(source: str, name: str) -> Choice | None:
        if (source, name) in equal:
            return Choice(equal[source, name], Evidence.EXACT)
        if (source, name) in nearly:
            company_id = nearly[source, name]
            alone = taken[source, company_id] == {fold_spelling(name)}
            return (
                Choice(company_id, Evidence.EXACT)
                if alone
                else Choice(company_id, Evidence.SUGGESTED, _SURE_OF_NEARLY)
            )
        near = None if (source, name) in ties else suggestions.nearest(name)
        return Choice(near[0], Evidence.SUGGESTED, near[1]) if near else None

    found = {
        key: _united(choice_for(_source(key), name) for name in all_names)
        for key, all_names in spellings.items()
    }
    return {key: choice for key, choice in found.items() if choice is not None}


def _customers_of(
    lines: Iterable[BillingLine],
    memory: Memory,
    decided: Mapping[str, Choice | None],
    by_name: Mapping[tuple[str, str], int],
) -> Iterator[tuple[str, int, str]]:
    """The name of every BSS customer that stands for a company, with its source and the company's id."""
    for line in lines:
        choice = decided.get(line.key)
        if choice is not None and isinstance(choice.to, int) and line.customer:
            yield line.source, choice.to, line.customer
    for key, remembered in memory.customers.items():
        if remembered.company_id is not None and remembered.names.customer:
            yield _source(key), remembered.company_id, remembered.names.customer
    for (source, name), company_id in by_name.items():
        yield source, company_id, name


def _source(key: str) -> str:
    return key.partition(":")[0]


def propose_items(
    lines: Sequence[BillingLine],
    catalog: Sequence[CatalogItem],
    memory: Memory,
    picked: Mapping[str, Picked],
) -> dict[str, Choice]:
    """The catalog item of each line, by line key; lines without a proposal are absent."""
    decided = find_decided(lines, _ItemPart(catalog, memory), picked)
    spellings: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for line in lines:
        if line.key not in decided and (key := product_key(line)):
            spellings[key].add((line.product_code, line.product))
    by_name = _items_by_name(catalog, spellings)
    return _with_named(lines, decided, by_name, product_key)


def _items_by_name(
    catalog: Sequence[CatalogItem], spellings: Mapping[str, set[tuple[str, str]]]
) -> dict[str, Choice]:
    """The catalog item of each BSS product, by its code and its names."""
    if not spellings:
        return {}
    wanted = {digits(name) for all_names in spellings.values() for _, name in all_names}
    described = {item.id: item.description for item in catalog if digits(item.description) in wanted}
    named = [(item.id, item.identifier) for item in catalog if digits(item.identifier) in wanted]
    names = [*described.items(), *named]
    as_written, folded = (_Directory(names, look) for look in (str.strip, fold_product))
    by_code = _Directory(((item.id, code) for item in catalog for code in item.codes), fold_code)
    suggestions = Suggestions(described, _LOWEST_PRODUCT_SCORE)

    def choice_for(code: str, name: str) -> Choice | None:
        coded = by_code[code]
        if len(coded) == 1:
            return Choice(next(iter(coded)), Evidence.MARKED)
        among = coded or None
        for equal in (as_written[name], folded[name]):
            item_id = only(equal if among is None else equal & among)
            if item_id is not None:
                return Choice(item_id, Evidence.EXACT)
        near = None if among or folded[name] else suggestions.nearest(name)
        return Choice(near[0], Evidence.SUGGESTED, near[1]) if near else None

    chosen = {spelling: choice_for(*spelling) for spelling in set().union(*spellings.values())}
    found = {key: _united(chosen[spelling] for spelling in all_) for key, all_ in spellings.items()}
    return {key: choice for key, choice in found.items() if choice is not None}


def propose_links(
    lines: Sequence[BillingLine],
    companies: Sequence[Company],
    agreements: Sequence[Agreement],
    catalog: Sequence[CatalogItem],
    additions: Mapping[int, Sequence[Addition]],
    memory: Memory,
    picked: Mapping[str, Picked],
) -> dict[str, Link]:
    """The link of every line, by line key, as far as the evidence goes."""
    companies_of = propose_companies(lines, companies, memory, picked)
    items_of = propose_items(lines, catalog, memory, picked)
    decided = decide_agreements(lines, companies_of, agreements, memory, picked)
    held = Held(agreements, additions)
    items_of |= propose_marked_items(lines, companies_of, items_of, catalog, picked, decided, held)
    agreements_of = propose_agreements(lines, companies_of, items_of, decided, held)
    return {
        line.key: Link(
            company=companies_of.get(line.key),
            agreement=agreements_of.get(line.key),
            item=items_of.get(line.key),
        )
        for line in lines
    }
