"""Companies: to which ConnectWise customer a billing line belongs, by people's choices, names and places.

PURE; a part of `matching.py`, which explains the order of evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from xlsync.links.choices import Emptied, Group, LinkPart, Picked, find_decided, only_id
from xlsync.links.memory import Memory, Recall, contract_key, customer_key
from xlsync.links.names import (
    Place,
    company_words,
    digits,
    fold_spelling,
    foldings,
    without_any_remark,
    without_remark,
)
from xlsync.links.proposed import (
    LIKE_FOLDED,
    LIKE_SPELLED,
    Directory,
    Proposed,
    add_choices_by_name,
    as_written,
    common_choice,
    suggest,
)
from xlsync.links.suggestions import MOST, Candidate, NameIndex, numbers_in
from xlsync.models import BillingLine, Choice, Company, Evidence, split_key


class _CompanyPart(LinkPart):
    """The part *company* of a link."""

    name = "company"

    def __init__(self, companies: Iterable[Company], memory: Memory) -> None:
        self.offered = frozenset(company.id for company in companies)
        self._recall = Recall(memory)

    def contract(self, line: BillingLine) -> str | None:
        return contract_key(line)

    def by_contract(self, line: BillingLine) -> int | Emptied | None:
        return self._recall.contract(line).part("company")

    def groups(self, line: BillingLine) -> Sequence[Group]:
        return (Group(customer_key(line), self._recall.customer(line).company_id),)


def _as_spelled(name: str) -> tuple[str]:
    return (fold_spelling(name),)


def propose_companies(
    lines: Sequence[BillingLine],
    companies: Sequence[Company],
    memory: Memory,
    picked: Mapping[str, Picked],
) -> Proposed:
    """Propose the company of each line."""
    decided = find_decided(lines, _CompanyPart(companies, memory), picked)
    spellings: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.key not in decided and line.customer.strip() and (key := customer_key(line)):
            spellings[key].add(line.customer)
    names = _CompanyNames(companies)
    by_name = _companies_by_name(lines, names, memory, decided, spellings)
    ties = {
        key: frozenset(tied.pop())
        for key, all_names in spellings.items()
        if key not in by_name
        and len(tied := {frozenset(names.equal(name)) for name in all_names}) == 1
        and len(next(iter(tied))) > 1
    }
    return Proposed(
        add_choices_by_name(lines, decided, by_name, customer_key),
        lambda line: names.candidates(line.customer),
        ties,
    )


def tell_ties_apart(
    lines: Iterable[BillingLine],
    proposed: Proposed,
    companies: Iterable[Company],
    places: Mapping[str, Place],
) -> Proposed:
    """Resolve ties: propose the one company of several that is where its BSS customer is.

    `places` are by customer key. All other companies of the tie must be known to be elsewhere.
    """
    by_id = {company.id: company for company in companies}
    by_place: dict[str, Choice] = {}
    for key, ids in proposed.ties.items():
        place = places.get(key, Place())
        answers = {id_: place.is_also(by_id[id_].town, by_id[id_].post_code) for id_ in ids}
        here = [id_ for id_, is_here in answers.items() if is_here]
        if len(here) == 1 and None not in answers.values():
            by_place[key] = Choice(here[0], Evidence.EXACT)
    if not by_place:
        return proposed
    choices = dict(proposed.choices)
    for line in lines:
        if line.key not in choices and (choice := by_place.get(customer_key(line) or "")):
            choices[line.key] = choice
    return replace(proposed, choices=choices)


class _CompanyNames:
    """Indexes over the names of all companies, each built when it is first used."""

    def __init__(self, companies: Sequence[Company]) -> None:
        self._companies = companies
        self._directories: dict[str, tuple[Directory, Directory, Directory]] = {}
        self._candidates: dict[str, tuple[Candidate, ...]] = {}

    @cached_property
    def _by_digits(self) -> dict[str, list[Company]]:
        """The companies by the digits in their names: names with different digits are not equal."""
        by_digits: defaultdict[str, list[Company]] = defaultdict(list)
        for company in self._companies:
            by_digits[digits(company.name)].append(company)
        return by_digits

    def _directories_for(self, name: str) -> tuple[Directory, Directory, Directory]:
        key = digits(name)
        if key not in self._directories:
            names = [(company.id, company.name) for company in self._by_digits.get(key, ())]
            looks: tuple[Callable[[str], Iterable[str]], ...] = (as_written, _as_spelled, foldings)
            written, spelled, folded = (Directory(names, look) for look in looks)
            self._directories[key] = written, spelled, folded
        return self._directories[key]

    def exactly(self, name: str) -> int | None:
        """Return the only company whose name is written or spelled like `name`."""
        as_written, as_spelled, _ = self._directories_for(name)
        return only_id(as_written[name]) or only_id(as_spelled[name])

    def equal(self, name: str) -> set[int]:
        """Return the companies whose names fold to the same text.

        Where that takes a register's remark away from one of two names, all companies that are called so
        but for any remark: of `Foo Inc /DE/` and `Foo Inc /NY/` neither is told to be `Foo`.
        """
        folded = self._directories_for(name)[2][name]
        plain = without_remark(name)
        remarked = self._without_remark[plain] - folded
        if plain != name.casefold():
            remarked |= self._directories_for(plain)[2][plain] - folded
        return folded | remarked | (self._without_any_remark[without_any_remark(name)] if remarked else set())

    @cached_property
    def _without_remark(self) -> Directory:
        """Index the companies that have a register's remark, by their names without it."""
        plain = ((company.id, without_remark(company.name)) for company in self._companies)
        known = {company.id: company.name.casefold() for company in self._companies}
        return Directory(((id_, name) for id_, name in plain if name != known[id_]), foldings)

    @cached_property
    def _without_any_remark(self) -> Directory:
        """Index all companies by their names without any remark."""
        names = ((company.id, without_any_remark(company.name)) for company in self._companies)
        return Directory(names, foldings)

    @cached_property
    def _index(self) -> NameIndex:
        names = {company.id: company.name for company in self._companies}
        return NameIndex(names, company_words, numbers_in)

    @cached_property
    def _names(self) -> dict[int, str]:
        return {company.id: company.name for company in self._companies}

    def candidates(self, name: str) -> tuple[Candidate, ...]:
        """Return the companies with the nearest names, equal ones first."""
        if name not in self._candidates:
            equal = {id_: self._equal_score(name, id_) for id_ in self.equal(name)}
            near = [Candidate(id_, likeness) for id_, likeness in equal.items()]
            near += [
                replace(candidate, likeness=min(candidate.likeness, LIKE_FOLDED))
                for candidate in self._index.nearest(name)
                if candidate.id not in equal
            ]
            near.sort(key=lambda candidate: (-candidate.score, candidate.id))
            self._candidates[name] = tuple(near[:MOST])
        return self._candidates[name]

    def _equal_score(self, name: str, company_id: int) -> float:
        same = fold_spelling(name) == fold_spelling(self._names[company_id])
        return LIKE_SPELLED if same else LIKE_FOLDED


def _companies_by_name(
    lines: Sequence[BillingLine],
    names: _CompanyNames,
    memory: Memory,
    decided: Mapping[str, Choice | None],
    spellings: Mapping[str, set[str]],
) -> dict[str, Choice]:
    """Propose the company of each BSS customer by its names alone, by customer key.

    One company is not proposed for two customers whose names differ by more than spelling: where
    `Delta Ltd` and `Delta GmbH` both fold to the only company `Delta`, it is a suggestion.
    """
    equal: dict[tuple[str, str], int] = {}
    nearly: dict[tuple[str, str], int] = {}
    ties: set[tuple[str, str]] = set()
    for source, name in {
        (split_key(key)[0], name) for key, all_names in spellings.items() for name in all_names
    }:
        exact, after_folding = names.exactly(name), names.equal(name)
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

    def choice_for(key: str, name: str) -> Choice | None:
        source = split_key(key)[0]
        if (source, name) in equal:
            return Choice(equal[source, name], Evidence.EXACT)
        if (source, name) in nearly:
            company_id = nearly[source, name]
            alone = taken[source, company_id] == {fold_spelling(name)}
            return (
                Choice(company_id, Evidence.EXACT)
                if alone
                else Choice(company_id, Evidence.SUGGESTED, Candidate(company_id, LIKE_FOLDED).score)
            )
        return None if (source, name) in ties else suggest(names.candidates(name))

    proposed = {
        key: common_choice(choice_for(key, name) for name in all_names)
        for key, all_names in spellings.items()
    }
    return {key: choice for key, choice in proposed.items() if choice is not None}


def _customers_of(
    lines: Iterable[BillingLine],
    memory: Memory,
    decided: Mapping[str, Choice | None],
    by_name: Mapping[tuple[str, str], int],
) -> Iterator[tuple[str, int, str]]:
    """Yield the source, company id and name of every BSS customer that is linked to a company."""
    for line in lines:
        choice = decided.get(line.key)
        if choice is not None and isinstance(choice.to, int) and line.customer:
            yield line.source, choice.to, line.customer
    for key, remembered in memory.customers.items():
        if remembered.company_id is not None and remembered.names.customer:
            yield split_key(key)[0], remembered.company_id, remembered.names.customer
    for (source, name), company_id in by_name.items():
        yield source, company_id, name
