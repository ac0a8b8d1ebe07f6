"""Learning links from a workbook: corrections of remembered links, and new ones to remember.

PURE. A pick that contradicts what is remembered takes it away everywhere: for the contract, for the
customer or product, and for the same customer or product of another source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set

from msgspec import Struct, field

from xlsync.links.choices import NOTHING, Emptied, Picked
from xlsync.links.memory import (
    PARTS,
    Memory,
    Names,
    PeriodAgreement,
    Recall,
    Remembered,
    contract_key,
    customer_key,
    entry_for,
    product_key,
)
from xlsync.models import Agreement, BillingLine, CatalogItem, Choice, Company, Evidence, Link
from xlsync.records import replace

_Vote = tuple[BillingLine, Mapping[str, Choice]]  # a line with its choices by the names of a link's parts


def correct(memory: Memory, lines: Iterable[BillingLine], picked: Mapping[str, Picked]) -> Memory:
    """Remove from a memory what new picks contradict; entries that become empty stay, to be deleted."""
    contracts, customers, products = dict(memory.contracts), dict(memory.customers), dict(memory.products)
    lines = tuple(lines)
    recall = Recall(memory, lines)

    def keys(own: str | None, elsewhere: Iterable[str]) -> Iterator[str]:
        yield from elsewhere
        if own is not None:
            yield own

    for line in lines:
        pick = picked.get(line.key)
        if pick is None or not pick.is_new:
            continue
        contract = contract_key(line)
        if contract is not None and contract in contracts:
            contracts[contract] = _without_corrected_parts(contracts[contract], line, pick)
        if pick.company is not None or pick.agreement is not None:
            for key in keys(customer_key(line), recall.customers_elsewhere(line)):
                if key in customers:
                    customers[key] = _without_corrected_customer(customers[key], line, pick)
        if pick.item is not None:
            for key in keys(product_key(line), recall.products_elsewhere(line)):
                if key in products and products[key].item_id != pick.item:
                    products[key] = replace(products[key], item_id=None)
    return Memory(contracts, customers, products)


def _without_corrected_parts(entry: Remembered, line: BillingLine, pick: Picked) -> Remembered:
    """Remove from a contract's memory the parts that its line corrects."""
    gone = {
        part
        for part in PARTS
        if (to := getattr(pick, part)) is not None
        and entry.part(part) not in {None, NOTHING if isinstance(to, str) else to}
        and not (part == "item" and entry.for_product not in {"", line.product_key})
    }
    if "company" in gone:
        gone.add("agreement")
    company, agreement, item = (
        None if part in gone else id_ for part, id_ in zip(PARTS, entry.ids, strict=True)
    )
    return replace(
        entry,
        company_id=company,
        agreement_id=agreement,
        item_id=item,
        emptied=tuple(part for part in entry.emptied if part not in gone),
    )


def _without_corrected_customer(entry: Remembered, line: BillingLine, pick: Picked) -> Remembered:
    """Remove from a customer's memory what its line corrects.

    An agreement that all lines had goes for every period that had it, and stays for none.
    """
    if pick.company is not None and entry.company_id not in {None, pick.company}:
        return replace(entry, company_id=None, agreement_id=None, by_period=())
    if pick.agreement is None:
        return entry
    of_all = entry.agreement_id if entry.agreement_id != pick.agreement else None
    return replace(
        entry,
        agreement_id=None if of_all is not None else entry.agreement_id,
        by_period=tuple(
            agreement
            for agreement in entry.by_period
            if agreement.id != of_all
            and (agreement.months != line.billing_months or agreement.id == pick.agreement)
        ),
    )


def learn(
    memory: Memory,
    lines: Sequence[BillingLine],
    links: Mapping[str, Link],
    picked: Mapping[str, Picked],
    *,
    is_earlier: bool = False,
) -> Memory:
    """Return the entries that these links change in a memory; each replaces the entry of its key as a whole.

    `links` and `picked` are by line key. A customer's company and agreement, and a product's item, are
    learned where all its lines agree. For a contract: what a person picked or emptied on its lines, every
    part on which its customer or product cannot tell, and an agreement that was found by the product alone.
    An entry that holds nothing is to be forgotten. Picks that are not new, and links of an earlier workbook
    (`is_earlier`) but for new picks, teach nothing against the memory.
    """
    known = correct(memory, lines, picked)
    recall = Recall(known)
    picks, emptied = _parts_picked(memory, lines, picked, recall)
    new = {key for key, pick in picked.items() if pick.is_new}
    votes = _count_votes(lines, links, emptied.keys(), recall, new, is_earlier=is_earlier)
    customers = _corrected(memory.customers, known.customers) | {
        key: _customer_entry(of_customer, entry_for(known.customers, key))
        for key, of_customer in votes.customers.items()
        if key
    }
    products = _corrected(memory.products, known.products) | {
        key: _entry(of_product, PARTS[2:], "product") for key, of_product in votes.products.items() if key
    }
    contracts = dict(_corrected(memory.contracts, known.contracts))
    for contract, of_contract in votes.contracts.items():
        gone = emptied.get(contract, set()) - picks.get(contract, set())
        untold = (_parts_untold(line, choices, customers, products) for line, choices in of_contract)
        parts = picks.get(contract, set()).union(*untold)
        if contract and (parts or gone):
            entry = _entry(of_contract, parts, "customer", "product", "contract", emptied=gone)
            if entry.says_something:
                contracts[contract] = _merged(entry_for(known.contracts, contract), entry)
    return Memory(contracts, customers, products)


_Parts = Mapping[str | None, set[str]]  # names of a link's parts, by contract


def _parts_picked(
    memory: Memory, lines: Iterable[BillingLine], picked: Mapping[str, Picked], recall: Recall
) -> tuple[_Parts, _Parts]:
    """Return the parts that people picked, and those that they emptied, of each contract.

    `recall` looks up what is remembered in spite of new picks, against which others say nothing.
    """
    before = Recall(memory)
    picks: defaultdict[str | None, set[str]] = defaultdict(set)
    emptied: defaultdict[str | None, set[str]] = defaultdict(set)
    for line in lines:
        pick = picked.get(line.key)
        if pick is None:
            continue
        earlier, now = _remembered(before, line), _remembered(recall, line)
        for part in PARTS:
            to = getattr(pick, part)
            if to is None or not (pick.is_new or now[part].allows(to)):
                continue
            if isinstance(to, int):
                picks[contract_key(line)].add(part)
            elif to is NOTHING or earlier[part].ids:
                emptied[contract_key(line)].add(part)
    return picks, emptied


class _Votes(Struct, frozen=True):
    """The lines that say to what a contract, customer or product is linked, by its key."""

    contracts: defaultdict[str | None, list[_Vote]] = field(default_factory=lambda: defaultdict(list))
    customers: defaultdict[str | None, list[_Vote]] = field(default_factory=lambda: defaultdict(list))
    products: defaultdict[str | None, list[_Vote]] = field(default_factory=lambda: defaultdict(list))


def _count_votes(
    lines: Iterable[BillingLine],
    links: Mapping[str, Link],
    emptied: Set[str | None],
    recall: Recall,
    new: Set[str],
    *,
    is_earlier: bool,
) -> _Votes:
    """Collect the votes of all lines.

    What people picked before, and all that is of an earlier day, must not contradict the memory `recall`, but
    on the `new` lines.
    """
    votes = _Votes()
    for line in lines:
        contract, choices = contract_key(line), _parts_to_keep(links.get(line.key, Link()))
        alone: set[str] = set()  # the parts that hold for the contract alone
        if choices and line.key not in new:
            old = {part for part, choice in choices.items() if is_earlier or choice.evidence.is_by_people}
            remembered = _remembered(recall, line) if old else {}
            gone = {part for part in old if not remembered[part].stands(choices[part])}
            gone |= {"agreement"} if "company" in gone else set()
            choices = {part: choice for part, choice in choices.items() if part not in gone}
            alone = {part for part in old - gone if not remembered[part].is_for_all(choices[part])}
        if choices or contract in emptied:
            votes.contracts[contract].append((line, choices))
        if "item" in choices and "item" not in alone:
            votes.products[product_key(line)].append((line, choices))
        of_customer = {
            part: choices[part]
            for part in PARTS[:2]
            if part in choices and part not in alone and not choices[part].of_product
        }
        if of_customer:
            votes.customers[customer_key(line)].append((line, of_customer))
    return votes


def _parts_untold(
    line: BillingLine,
    choices: Mapping[str, Choice],
    customers: Mapping[str, Remembered],
    products: Mapping[str, Remembered],
) -> set[str]:
    """Return the parts of a line's link that neither its customer's nor its product's entry tells."""
    customer = entry_for(customers, customer_key(line))
    agreement = customer.agreement_billed(line.billing_months) or customer.agreement_id
    remembered_ids = customer.company_id, agreement, entry_for(products, product_key(line)).item_id
    return {
        part
        for part, id_ in zip(PARTS, remembered_ids, strict=True)
        if id_ is None or (part in choices and choices[part].of_product)
    }


def _corrected(before: Mapping[str, Remembered], after: Mapping[str, Remembered]) -> dict[str, Remembered]:
    """Return the entries from which something was removed."""
    return {key: entry for key, entry in after.items() if entry != before[key]}


class _Remembered(Struct, frozen=True):
    """What is remembered of one part of a line's link: for its contract, and for its customer or product."""

    contract: int | Emptied | None
    all: int | None

    @property
    def ids(self) -> set[int]:
        """The ids that are remembered."""
        return {id_ for id_ in (self.contract, self.all) if isinstance(id_, int)}

    def allows(self, to: int | str | Emptied) -> bool:
        """Return whether a pick of an earlier day still holds: nothing else was chosen since."""
        if isinstance(to, int):
            return to in self.ids or (not self.ids and self.contract is not NOTHING)
        return not isinstance(self.contract, int)

    def stands(self, choice: Choice) -> bool:
        """Return whether a choice of an earlier day still holds: no other is remembered by now."""
        return choice.to in self.ids or not (self.ids or choice.evidence is Evidence.REMEMBERED)

    def is_for_all(self, choice: Choice) -> bool:
        """Return whether a choice is not another than the one for all lines of the customer or product."""
        return self.all in {None, choice.to}


def _remembered(recall: Recall, line: BillingLine) -> dict[str, _Remembered]:
    """Return what is remembered of each part of a line's link."""
    contract, customer, product = recall.contract(line), recall.customer(line), recall.product(line)
    is_other = contract.for_product not in {"", line.product_key}
    agreement = customer.agreement_billed(line.billing_months) or customer.agreement_id
    return {
        "company": _Remembered(contract.part("company"), customer.company_id),
        "agreement": _Remembered(contract.part("agreement"), agreement),
        "item": _Remembered(None if is_other else contract.part("item"), product.item_id),
    }


def _parts_to_keep(link: Link) -> dict[str, Choice]:
    """Return the parts that may be remembered: all of a link that counts, else what a person decided."""

    def may(choice: Choice) -> bool:
        return link.counts or choice.evidence.is_by_people or choice.evidence is Evidence.REMEMBERED

    return {
        part: choice
        for part, choice in zip(PARTS, (link.company, link.agreement, link.item), strict=True)
        if choice is not None and isinstance(choice.to, int) and may(choice)
    }


def _entry(
    votes: Sequence[_Vote], parts: Collection[str], *names: str, emptied: Set[str] = frozenset()
) -> Remembered:
    """Make an entry of the parts on which all lines agree.

    An agreement is agreed on only together with its company.
    """
    ids = {part: _ids_of(votes, part) for part in PARTS}
    agreed = {part for part in parts if len(ids[part]) == 1} - emptied
    if len(ids["company"]) > 1:
        agreed.discard("agreement")
    products = {line.product_key for line, _ in votes} if "contract" in names else set()
    if len(products) > 1:
        agreed, emptied = agreed - {"item"}, emptied - {"item"}
    evidence = {choices[part].evidence for _, choices in votes for part in agreed if part in choices}
    company_id, agreement_id, item_id = (ids[part].pop() if part in agreed else None for part in PARTS)
    return Remembered(
        company_id=company_id,
        agreement_id=agreement_id,
        item_id=item_id,
        for_product=products.pop() if products and "item" in agreed | emptied else "",
        emptied=tuple(part for part in PARTS if part in emptied),
        evidence=max(evidence, key=lambda kind: kind.strength, default=Evidence.CHOSEN),
        names=Names(**{name: max(_name(line, name) for line, _ in votes) for name in names}),
    )


def _ids_of(votes: Iterable[_Vote], part: str) -> set[int]:
    return {to for _, choices in votes if part in choices and isinstance(to := choices[part].to, int)}


def _name(line: BillingLine, name: str) -> str:
    return line.contract_id if name == "contract" else getattr(line, name)


def _customer_entry(votes: Sequence[_Vote], known: Remembered) -> Remembered:
    """Make a customer's entry; agreements of periods in which nothing is billed now are kept from `known`."""
    entry = _entry(votes, PARTS[:2], "customer")
    if entry.company_id is None:
        return entry
    by_months: defaultdict[int, list[_Vote]] = defaultdict(list)
    for line, choices in votes:
        if line.billing_months is not None and "agreement" in choices:
            by_months[line.billing_months].append((line, choices))
    agreed = {
        months: ids
        for months, of_period in by_months.items()
        if len(ids := _ids_of(of_period, "agreement")) == 1
    }
    now = [PeriodAgreement(months, ids.pop()) for months, ids in agreed.items()]
    if known.company_id == entry.company_id:
        now += [agreement for agreement in known.by_period if agreement.months not in by_months]
    return replace(entry, by_period=tuple(sorted(now)))


def _merged(old: Remembered, new: Remembered) -> Remembered:
    """Put a contract's new parts over its old ones; an agreement does not outlive its company."""
    moved = new.part("company") not in {None, old.part("company")}
    old_parts = {
        part
        for part in PARTS
        if new.part(part) is None and not (moved and part == "agreement") and old.part(part) is not None
    }
    company, agreement, item = (
        was if part in old_parts else now for part, was, now in zip(PARTS, old.ids, new.ids, strict=True)
    )
    return replace(
        new,
        company_id=company,
        agreement_id=agreement,
        item_id=item,
        for_product=old.for_product if "item" in old_parts else new.for_product,
        emptied=tuple(p for p in PARTS if p in (old if p in old_parts else new).emptied),
        names=old.names.renewed(new.names),
    )


def current_names(
    companies: Iterable[Company], agreements: Iterable[Agreement], catalog: Iterable[CatalogItem]
) -> dict[str, dict[int, str]]:
    """Return the names of companies, agreements and catalog items: by part of a link, then by id."""
    return {
        "company": {company.id: company.name for company in companies},
        "agreement": {agreement.id: agreement.name for agreement in agreements},
        "item": {item.id: f"{item.identifier}: {item.description}" for item in catalog},
    }


def with_current_names(memory: Memory, names: Mapping[str, Mapping[int, str]]) -> Memory:
    """Give all remembered links the names that ConnectWise has for their ids today (of `current_names`)."""

    def named(remembered: Remembered) -> Remembered:
        company, agreement, item = remembered.ids
        old = remembered.names
        now = (
            names["company"].get(company or 0, old.company),
            names["agreement"].get(agreement or 0, old.agreement),
            names["item"].get(item or 0, old.item),
        )
        by_period = tuple(
            PeriodAgreement(period.months, period.id, names["agreement"].get(period.id, period.name))
            for period in remembered.by_period
        )
        if now == (old.company, old.agreement, old.item) and by_period == remembered.by_period:
            return remembered
        renamed = replace(old, company=now[0], agreement=now[1], item=now[2])
        return replace(remembered, names=renamed, by_period=by_period)

    return Memory(
        *(
            {key: named(entry) for key, entry in entries.items()}
            for entries in (memory.contracts, memory.customers, memory.products)
        )
    )
