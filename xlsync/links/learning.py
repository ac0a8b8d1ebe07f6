"""Learning links from a workbook: corrections of remembered links, and new ones to remember.

PURE. A pick that contradicts what is remembered takes it away everywhere: for the contract, for the
customer or product, and for the same customer or product of another source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Final

from xlsync.links.choices import NOTHING, Picked
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

_BY_PEOPLE: Final = (Evidence.CONFIRMED, Evidence.CHOSEN)
_Vote = tuple[BillingLine, Mapping[str, Choice]]  # a line with what it stands on, part by part


def correct(memory: Memory, lines: Iterable[BillingLine], picked: Mapping[str, Picked]) -> Memory:
    """The memory without what these picks contradict; entries of which nothing is left say nothing."""
    contracts, customers, products = dict(memory.contracts), dict(memory.customers), dict(memory.products)
    recall = Recall(memory)

    def keys(own: str | None, elsewhere: Iterable[str]) -> Iterator[str]:
        yield from elsewhere
        if own is not None:
            yield own

    for line in lines:
        pick = picked.get(line.key)
        if pick is None:
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
            one
            for one in entry.by_period
            if one.id != of_all and (one.months != line.billing_months or one.id == pick.agreement)
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
    """The entries that are to be remembered of these links in place of those of the memory, each as a whole.

    A customer's company and agreement, and a product's item, where all its lines agree. For the
    contract: what a person picked or emptied on its lines, every part on which its customer or product
    cannot tell, and an agreement that was found by the product alone. An entry that says nothing is to be
    forgotten. Links that were made earlier (`is_earlier`) teach nothing that the memory says otherwise,
    but for what people picked.
    """
    known = correct(memory, lines, picked)
    before, recall = Recall(memory), Recall(known)
    by_customer: defaultdict[str | None, list[_Vote]] = defaultdict(list)
    by_product: defaultdict[str | None, list[_Vote]] = defaultdict(list)
    by_contract: defaultdict[str | None, list[_Vote]] = defaultdict(list)
    own: defaultdict[str | None, set[str]] = defaultdict(set)
    emptied: defaultdict[str | None, set[str]] = defaultdict(set)
    for line in (line for line in lines if line.key in picked):
        for part in PARTS:
            to = getattr(picked[line.key], part)
            if isinstance(to, int):
                own[contract_key(line)].add(part)
            elif to is NOTHING or (to is not None and _ids_remembered(before, line, part)):
                emptied[contract_key(line)].add(part)
    for line in lines:
        contract, choices = contract_key(line), _kept_parts(links.get(line.key, Link()))
        if is_earlier:
            choices = {part: one for part, one in choices.items() if _stands(recall, line, part, one)}
        if choices or contract in emptied:
            by_contract[contract].append((line, choices))
        if "item" in choices:
            by_product[product_key(line)].append((line, choices))
        of_customer = {
            part: choices[part] for part in PARTS[:2] if part in choices and not choices[part].of_product
        }
        if of_customer:
            by_customer[customer_key(line)].append((line, of_customer))
    customers = _corrected(memory.customers, known.customers) | {
        key: _customer_entry(votes, entry_for(known.customers, key))
        for key, votes in by_customer.items()
        if key
    }
    products = _corrected(memory.products, known.products) | {
        key: _entry(votes, PARTS[2:], "product") for key, votes in by_product.items() if key
    }

    def parts_untold(line: BillingLine, choices: Mapping[str, Choice]) -> set[str]:
        """The parts that neither the line's customer nor its product tells."""
        customer = entry_for(customers, customer_key(line))
        agreement = customer.agreement_billed(line.billing_months) or customer.agreement_id
        remembered_ids = customer.company_id, agreement, entry_for(products, product_key(line)).item_id
        return {
            part
            for part, id_ in zip(PARTS, remembered_ids, strict=True)
            if id_ is None or (part in choices and choices[part].of_product)
        }

    contracts = dict(_corrected(memory.contracts, known.contracts))
    for contract, votes in by_contract.items():
        picks = own.get(contract, set())
        gone = emptied.get(contract, set()) - picks
        parts = picks.union(*(parts_untold(line, choices) for line, choices in votes))
        if contract and (parts or gone):
            entry = _entry(votes, parts, "customer", "product", "contract", emptied=gone)
            if entry.says_something:
                contracts[contract] = _merged(entry_for(known.contracts, contract), entry)
    return Memory(contracts, customers, products)


def _corrected(before: Mapping[str, Remembered], after: Mapping[str, Remembered]) -> dict[str, Remembered]:
    """The entries of which something was taken away."""
    return {key: entry for key, entry in after.items() if entry != before[key]}


def _ids_remembered(recall: Recall, line: BillingLine, part: str) -> Set[int]:
    """Return the remembered ids of a part, for the line's contract and for its customer or product."""
    contract, customer, product = recall.contract(line), recall.customer(line), recall.product(line)
    is_other = part == "item" and contract.for_product not in {"", line.product_key}
    ids = {None if is_other else contract.part(part)}
    match part:
        case "company":
            ids.add(customer.company_id)
        case "agreement":
            ids |= {customer.agreement_billed(line.billing_months) or customer.agreement_id}
        case _:
            ids.add(product.item_id)
    return {id_ for id_ in ids if isinstance(id_, int)}


def _stands(recall: Recall, line: BillingLine, part: str, choice: Choice) -> bool:
    """Return whether a choice of an earlier day still holds: no other is remembered by now."""
    if choice.evidence in _BY_PEOPLE:
        return True
    remembered = _ids_remembered(recall, line, part)
    return choice.to in remembered or not (remembered or choice.evidence is Evidence.REMEMBERED)


def _kept_parts(link: Link) -> dict[str, Choice]:
    """The parts that may be kept: all of a link that counts, else what a person decided."""
    counts = link.counts
    decided = (*_BY_PEOPLE, Evidence.REMEMBERED)
    return {
        part: choice
        for part, choice in zip(PARTS, (link.company, link.agreement, link.item), strict=True)
        if choice is not None and isinstance(choice.to, int) and (counts or choice.evidence in decided)
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
        evidence=max(evidence, key=lambda one: one.strength, default=Evidence.CHOSEN),
        names=Names(**{name: max(_name(line, name) for line, _ in votes) for name in names}),
    )


def _ids_of(votes: Iterable[_Vote], part: str) -> set[int]:
    return {to for _, choices in votes if part in choices and isinstance(to := choices[part].to, int)}


def _name(line: BillingLine, name: str) -> str:
    return line.contract_id if name == "contract" else getattr(line, name)


def _customer_entry(votes: Sequence[_Vote], known: Remembered) -> Remembered:
    """A customer's company and agreements; those of periods in which nothing is billed now are kept."""
    entry = _entry(votes, PARTS[:2], "customer")
    if entry.company_id is None:
        return entry
    by_months: defaultdict[int, list[_Vote]] = defaultdict(list)
    for line, choices in votes:
        if line.billing_months is not None and "agreement" in choices:
            by_months[line.billing_months].append((line, choices))
    agreed = {
        months: ids for months, of_one in by_months.items() if len(ids := _ids_of(of_one, "agreement")) == 1
    }
    now = [PeriodAgreement(months, ids.pop()) for months, ids in agreed.items()]
    if known.company_id == entry.company_id:
        now += [one for one in known.by_period if one.months not in by_months]
    return replace(entry, by_period=tuple(sorted(now)))


def _merged(old: Remembered, new: Remembered) -> Remembered:
    """A contract's new parts over its old ones; an agreement does not outlive its company."""
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
            by_period=tuple(
                replace(one, name=names["agreement"].get(one.id, one.name)) for one in remembered.by_period
            ),
        )

    return Memory(
        *(
            {key: named(one) for key, one in kind.items()}
            for kind in (memory.contracts, memory.customers, memory.products)
        )
    )
