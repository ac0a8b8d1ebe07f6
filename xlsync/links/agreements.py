"""Agreements: to which agreement of its company a billing line belongs, and which have to be read for that.

PURE; a part of `matching.py`, which explains the order of evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from types import EllipsisType

from msgspec import Struct, field

from xlsync.links.choices import Emptied, Group, LinkPart, Picked, find_decided, only_id, without_emptied
from xlsync.links.memory import Memory, Recall, contract_key, customer_key, product_key
from xlsync.links.names import fold_code
from xlsync.models import Addition, Agreement, BillingLine, CatalogItem, Choice, Evidence


def propose_agreements(
    lines: Iterable[BillingLine],
    chosen_companies: Mapping[str, Choice],
    chosen_items: Mapping[str, Choice],
    decided: DecidedAgreements,
    held: Held,
) -> dict[str, Choice]:
    """Propose the agreement of each line, by line key; lines without a proposal are absent.

    `decided` is what `decide_agreements` found for the same lines.
    """
    proposed = without_emptied(decided.choices)
    for line in lines:
        if line.key in decided.choices or (company := chosen_companies.get(line.key)) is None:
            continue
        item = chosen_items.get(line.key)
        of_period = decided.of_period.get(line.key)
        choice = held.agreement_for(line, company, item.to if item else None, of_period)
        if choice is not None:
            proposed[line.key] = choice
    return proposed


def propose_marked_items(
    lines: Iterable[BillingLine],
    chosen_companies: Mapping[str, Choice],
    chosen_items: Mapping[str, Choice],
    catalog: Iterable[CatalogItem],
    picked: Mapping[str, Picked],
    decided: DecidedAgreements,
    held: Held,
) -> dict[str, Choice]:
    """Propose items by the marks of additions for lines whose product is not known, by line key.

    Only contracts with one product and no add-ons, marked on exactly one addition, get a proposal.
    """
    open_lines = [
        line
        for line in lines
        if _is_open(line, chosen_items, picked) and line.contract_id and product_key(line)
    ]
    if not open_lines:
        return {}
    products = {(line.source, line.contract_id): set[str]() for line in open_lines}
    for line in lines:
        if (line.source, line.contract_id) in products:
            products[line.source, line.contract_id].add(f"{product_key(line)}/{line.addon_id}")
    offered = frozenset(item.id for item in catalog)
    marked: dict[str, Choice] = {}
    for line in open_lines:
        company = chosen_companies.get(line.key)
        if company is None or line.addon_id or len(products[line.source, line.contract_id]) > 1:
            continue
        additions = held.marked(line, company, decided.choices.get(line.key, ...))
        if len(additions) == 1 and additions[0].item_id in offered:
            marked[line.key] = Choice(additions[0].item_id, Evidence.MARKED)
    return marked


def _is_open(line: BillingLine, items: Mapping[str, Choice], picked: Mapping[str, Picked]) -> bool:
    item = items.get(line.key)
    own = picked.get(line.key)
    return (item is None or item.evidence is Evidence.SUGGESTED) and (own is None or own.item is None)


class _AgreementPart(LinkPart):
    """The part *agreement* of a link: picks and memories of it hold within the line's company."""

    name = "agreement"

    def __init__(
        self,
        lines: Iterable[BillingLine],
        chosen_companies: Mapping[str, Choice],
        agreements: Iterable[Agreement],
        memory: Memory,
        picked: Mapping[str, Picked],
    ) -> None:
        self._agreements = {agreement.id: agreement for agreement in agreements}
        self.offered = frozenset(self._agreements)
        self._billed: defaultdict[tuple[int, int | None], set[int]] = defaultdict(set)
        for agreement in self._agreements.values():
            self._billed[agreement.company_id, agreement.billing_months].add(agreement.id)
        self._companies = chosen_companies
        self._recall = Recall(memory)
        # An agreement to be created is for one billing period: asked for on a monthly line, it is not a
        # yearly one's.
        self._asked_for = {
            (picked[line.key].agreement, line.billing_period) for line in lines if line.key in picked
        }

    def _company(self, line: BillingLine) -> int | str | None:
        choice = self._companies.get(line.key)
        return choice.to if choice else None

    def contract(self, line: BillingLine) -> tuple[str, int | str | None] | None:
        key = contract_key(line)
        return (key, self._company(line)) if key is not None else None

    def by_contract(self, line: BillingLine) -> int | Emptied | None:
        return self._recall.contract(line).part("agreement")

    def groups(self, line: BillingLine) -> Sequence[Group]:
        key = customer_key(line)
        if key is None:
            return ()
        customer, company = self._recall.customer(line), self._company(line)
        return (
            Group(
                (key, company, line.billing_months or line.billing_period),
                customer.agreement_billed(line.billing_months),
            ),
            Group((key, company), customer.agreement_id, is_wide=True),
        )

    def fits(self, line: BillingLine, to: int | str) -> bool:
        owner = self._company(line)
        if owner is None or isinstance(to, str):
            return owner is not None
        return to in self._agreements and self._agreements[to].company_id == owner

    def may_spread(self, line: BillingLine, to: int | str) -> bool:
        return isinstance(to, int) or (to, line.billing_period) in self._asked_for

    def suits(self, line: BillingLine, to: int | str) -> bool:
        """Return False where another agreement of the company fits the line's billing period better."""
        if line.billing_months is None or not isinstance(to, int):
            return True
        agreement = self._agreements[to]
        return agreement.billing_months in {None, line.billing_months} or not self.billed_as(line)

    def customer(self, line: BillingLine) -> tuple[str, int] | None:
        """Return the key of the line's customer within its company; None where either is not known."""
        key, company = customer_key(line), self._company(line)
        return (key, company) if key is not None and isinstance(company, int) else None

    def is_remembered(self, line: BillingLine) -> bool:
        """Return whether an agreement of the line's company is remembered for its customer."""
        customer = self._recall.customer(line)
        ids = (customer.agreement_id, *(agreement.id for agreement in customer.by_period))
        return any(id_ is not None and self.fits(line, id_) for id_ in ids)

    def billed_as(self, line: BillingLine) -> Set[int]:
        """Return the agreements of the line's company that have the line's billing period."""
        company = self._company(line)
        return self._billed.get((company, line.billing_months), set()) if isinstance(company, int) else set()


class DecidedAgreements(Struct, frozen=True):
    """The agreements that people chose for lines, in this workbook or earlier.

    `choices` is what `find_decided` says of each line. `of_period` is, for lines whose customer is
    linked to an agreement that is billed in another period, the only one that is billed as the line.
    """

    choices: Mapping[str, Choice | None]
    of_period: Mapping[str, int] = field(default_factory=dict)


def decide_agreements(
    lines: Sequence[BillingLine],
    chosen_companies: Mapping[str, Choice],
    agreements: Iterable[Agreement],
    memory: Memory,
    picked: Mapping[str, Picked],
) -> DecidedAgreements:
    """Find the agreements that people chose for lines of these companies, in this workbook or earlier."""
    part = _AgreementPart(lines, chosen_companies, agreements, memory, picked)
    choices = find_decided(lines, part, picked)
    linked = {
        part.customer(line)
        for line in lines
        if (choice := choices.get(line.key)) is not None and isinstance(choice.to, int)
    }
    of_period: dict[str, int] = {}
    for line in lines:
        if line.key in choices or line.billing_months is None:
            continue
        agreement = only_id(part.billed_as(line))
        if agreement is not None and (part.customer(line) in linked or part.is_remembered(line)):
            of_period[line.key] = agreement
    return DecidedAgreements(choices, of_period)


class Held:
    """The additions on the agreements of each company, as far as they were read.

    `agreements` and `additions` are the active ones; an agreement without an entry in `additions`
    was not read, and then nothing is concluded from the additions of its company.
    """

    def __init__(self, agreements: Iterable[Agreement], additions: Mapping[int, Sequence[Addition]]) -> None:
        self._of_company: defaultdict[int, set[int]] = defaultdict(set)
        for agreement in agreements:
            self._of_company[agreement.company_id].add(agreement.id)
        self._additions = additions
        self._read = frozenset(additions)
        self._sorted: dict[int, tuple[dict[int, set[int]], dict[str, list[Addition]]]] = {}

    def agreement_for(
        self, line: BillingLine, company: Choice, item: int | str | None, of_period: int | None
    ) -> Choice | None:
        """Propose the agreement of a line for which nobody chose one.

        `of_period` is the only agreement that is billed as the line, where that tells which it is.
        """
        if not isinstance(company.to, int):
            return None
        all_of_company = self._of_company.get(company.to, set())
        readable = company.evidence is not Evidence.SUGGESTED and all_of_company <= self._read
        if readable and isinstance(item, int):
            marked = {
                addition.agreement_id
                for addition in self.marked(line, company, ...)
                if addition.item_id == item
            }
            if len(marked) == 1:
                return Choice(marked.pop(), Evidence.MARKED, of_product=len(all_of_company) > 1)
        one = only_id(all_of_company)
        if one is not None:
            return Choice(one, Evidence.ONLY_AGREEMENT)
        if readable and of_period is not None:
            return Choice(of_period, Evidence.ONLY_AGREEMENT)
        if readable and isinstance(item, int):
            one = only_id(self._additions_of(company.to)[0].get(item, ()))
        return Choice(one, Evidence.ONLY_AGREEMENT, of_product=True) if one is not None else None

    def marked(
        self, line: BillingLine, company: Choice, decided: Choice | EllipsisType | None
    ) -> list[Addition]:
        """Return the additions marked with the line's contract; empty where an agreement was not read.

        `decided` is the agreement that people chose for the line, None where they emptied it, and an
        ellipsis where nobody did, so that every agreement of the company may be the one.
        """
        mark = fold_code(line.contract_id)
        if not mark or decided is None or not isinstance(company.to, int):
            return []
        where = self._of_company.get(company.to, set())
        if decided is not ...:
            where = where & {decided.to}
        if company.evidence is Evidence.SUGGESTED or not where <= self._read:
            return []
        carrying = self._additions_of(company.to)[1].get(mark, ())
        return [addition for addition in carrying if addition.agreement_id in where]

    def _additions_of(self, company_id: int) -> tuple[dict[int, set[int]], dict[str, list[Addition]]]:
        """Index a company's agreements by item, and its additions by mark; kept after the first call."""
        if company_id not in self._sorted:
            holding: defaultdict[int, set[int]] = defaultdict(set)
            marked: defaultdict[str, list[Addition]] = defaultdict(list)
            for agreement_id in self._of_company.get(company_id, ()):
                for addition in self._additions.get(agreement_id, ()):
                    holding[addition.item_id].add(agreement_id)
                    if mark := fold_code(addition.contract_mark):
                        marked[mark].append(addition)
            self._sorted[company_id] = holding, marked
        return self._sorted[company_id]


def agreements_to_read(
    lines: Sequence[BillingLine],
    chosen_companies: Mapping[str, Choice],
    agreements: Sequence[Agreement],
    decided: DecidedAgreements,
) -> frozenset[int]:
    """Return the agreements whose additions are needed to choose a line's agreement or to compare the line.

    All of a company on one of whose lines nobody decided, else those decided alone; none of a
    company that is only suggested. `decided` is what `decide_agreements` returned for these lines.
    """
    of_company: defaultdict[int, set[int]] = defaultdict(set)
    for agreement in agreements:
        of_company[agreement.company_id].add(agreement.id)
    needed: set[int] = set()
    for line in lines:
        company = chosen_companies.get(line.key)
        if company is None or company.evidence is Evidence.SUGGESTED or not isinstance(company.to, int):
            continue
        if line.key not in decided.choices:
            needed |= of_company[company.to]
        elif (choice := decided.choices[line.key]) is not None and isinstance(choice.to, int):
            needed.add(choice.to)
    return frozenset(needed)
