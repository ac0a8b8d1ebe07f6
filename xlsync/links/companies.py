"""Companies: to which ConnectWise customer a billing line belongs, by people's choices, names and places.

PURE; a part of `matching.py`, which explains the order of evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from msgspec import Struct

from xlsync.links.choices import Emptied, Group, LinkPart, Picked, find_decided, only_id
from xlsync.links.memory import Memory, Recall, contract_key, customer_key
from xlsync.links.names import (
    STATES,
    Place,
    company_words,
    digits,
    fold_spelling,
    foldings,
    without_any_remark,
    without_remark,
    words,
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
from xlsync.links.suggestions import MOST, Candidate, NameIndex, Similar, numbers_in
from xlsync.models import BillingLine, Choice, Company, Evidence, split_key
from xlsync.records import replace


class _CompanyPart(LinkPart):
    """The part *company* of a link."""

    name = "company"

    def __init__(self, lines: Iterable[BillingLine], companies: Iterable[Company], memory: Memory) -> None:
        self.offered = frozenset(company.id for company in companies)
        self._recall = Recall(memory, lines)

    def contract(self, line: BillingLine) -> str | None:
        return contract_key(line)

    def by_contract(self, line: BillingLine) -> int | Emptied | None:
        return self._recall.contract(line).part("company")

    def is_only_for_contract(self, line: BillingLine) -> bool:
        return self._recall.contract(line).evidence.is_by_people

    def groups(self, line: BillingLine) -> Sequence[Group]:
        return (Group(customer_key(line), self._recall.customer(line).company_id),)


def _as_spelled(name: str) -> tuple[str]:
    return (fold_spelling(name),)


def propose_companies(
    lines: Sequence[BillingLine],
    companies: Sequence[Company],
    memory: Memory,
    picked: Mapping[str, Picked],
    similar: Similar | None = None,
) -> Proposed:
    """Propose the company of each line; look-ups of names are taken from `similar`, and added."""
    decided = find_decided(lines, _CompanyPart(lines, companies, memory), picked)
    spellings: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.key not in decided and line.customer.strip() and (key := customer_key(line)):
            spellings[key].add(line.customer)
    names = _CompanyNames(companies, {} if similar is None else similar)
    by_name, rivals = _companies_by_name(lines, names, memory, decided, spellings)
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
        rivals,
    )


def tell_apart(
    lines: Sequence[BillingLine],
    proposed: Proposed,
    companies: Iterable[Company],
    places: Mapping[str, Place],
) -> Proposed:
    """Resolve names that several companies or several BSS customers have, by their places.

    Of the companies of a tie, the one is proposed that is where the BSS customer is, if all others are known
    to be elsewhere; of several customers that lead to one company likewise. `places` are by customer key.
    """
    by_id = {company.id: company for company in companies}
    by_place: dict[str, Choice] = {}

    def is_there(key: str, id_: int) -> bool | None:
        return places.get(key, Place()).is_also(by_id[id_].town, by_id[id_].post_code)

    for key, ids in proposed.ties.items():
        here = _only_one({id_: is_there(key, id_) for id_ in ids})
        if here is not None:
            by_place[key] = Choice(here, Evidence.EXACT)
    for id_, customers in namesakes(lines, proposed).items():
        customer = _only_one({key: is_there(key, id_) for key in customers})
        if customer is not None and customer in proposed.rivals:
            by_place[customer] = Choice(id_, Evidence.EXACT)
    if not by_place:
        return proposed
    choices = dict(proposed.choices)
    for line in lines:
        key = customer_key(line) or ""
        choice = choices.get(line.key)
        if key in by_place and (choice is None or choice.evidence is Evidence.SUGGESTED):
            choices[line.key] = by_place[key]
    return replace(proposed, choices=choices)


def namesakes(lines: Iterable[BillingLine], proposed: Proposed) -> dict[int, set[str]]:
    """Return the keys of the customers that lead to the company of a rival by its name, by company.

    Beside the rivals they are those of the same name that are linked to it already.
    """
    rivals: set[tuple[int, str]] = set()
    leading: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    for line in lines if proposed.rivals else ():
        choice, rival_of = proposed.choices.get(line.key), proposed.rivals.get(line.customer_key)
        to = choice.to if rival_of is None and choice is not None else rival_of
        if isinstance(to, int):
            leading[to, fold_spelling(line.customer)].add(line.customer_key)
        if rival_of is not None:
            rivals.add((rival_of, fold_spelling(line.customer)))
    customers: defaultdict[int, set[str]] = defaultdict(set)
    for to, name in rivals:
        customers[to] |= leading[to, name]
    return customers


_Key = TypeVar("_Key")


def _only_one(answers: Mapping[_Key, bool | None]) -> _Key | None:
    """Return the only key with the answer True; None where there are several, or an answer is not known."""
    true = [key for key, answer in answers.items() if answer]
    return true[0] if len(true) == 1 and None not in answers.values() else None


class _CompanyNames:
    """Indexes over the names of all companies, each built when it is first used."""

    def __init__(self, companies: Sequence[Company], similar: Similar) -> None:
        self._companies = companies
        self._similar = similar
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

        Where one of several places may be meant, as of `Acme CO` and `Acme AZ`, all of them: `CO` is a form
        and Colorado. Where folding takes a register's remark away from one of two names, all companies that
        are called so but for any remark: of `Foo Inc /DE/` and `Foo Inc /NY/` neither is told to be `Foo`.
        """
        folded = self._directories_for(name)[2][name]
        folded = folded | (self._in_other_states(name) if folded else set())
        plain = without_remark(name)
        remarked = self._without_remark[plain] - folded
        if plain != name.casefold():
            remarked |= self._directories_for(plain)[2][plain] - folded
        return folded | remarked | (self._without_any_remark[without_any_remark(name)] if remarked else set())

    def _in_other_states(self, name: str) -> set[int]:
        """Return the companies that are called so but for a state of North America at the end."""
        plain = words(name)
        places = self._by_state.get(plain[:-1] if plain and plain[-1] in STATES else plain, {})
        return set().union(*places.values()) if len(places.keys() | set(plain[-1:]) & STATES) > 1 else set()

    @cached_property
    def _by_state(self) -> dict[tuple[str, ...], dict[str, set[int]]]:
        """The companies whose names end with a state, by the words before it and by the state."""
        by_state: defaultdict[tuple[str, ...], dict[str, set[int]]] = defaultdict(dict)
        for company in self._companies:
            plain = words(company.name)
            if len(plain) > 1 and plain[-1] in STATES:
                by_state[plain[:-1]].setdefault(plain[-1], set()).add(company.id)
        return by_state

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
        return NameIndex(self._names, company_words, numbers_in)

    def _nearest(self, name: str) -> tuple[Candidate, ...]:
        if name not in self._similar:
            self._similar[name] = tuple(self._index.nearest(name))
        return self._similar[name]

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
                for candidate in self._nearest(name)
                if candidate.id not in equal
            ]
            near.sort(key=lambda candidate: (-candidate.score, candidate.id))
            self._candidates[name] = tuple(near[:MOST])
        return self._candidates[name]

    def _equal_score(self, name: str, company_id: int) -> float:
        same = fold_spelling(name) == fold_spelling(self._names[company_id])
        return LIKE_SPELLED if same else LIKE_FOLDED


class _Customer(Struct, frozen=True):
    """A BSS customer whose name, or a person's choice, leads to a company.

    `numbered_in` are the sources of billing that give it an id: two ids of one source are two accounts.
    """

    key: str
    spelled: str
    numbered_in: frozenset[str]

    def is_another_account(self, other: _Customer) -> bool:
        """Return whether both are spelled alike and are two accounts of one source all the same."""
        return self.spelled == other.spelled and bool(self.numbered_in & other.numbered_in)


def _companies_by_name(
    lines: Sequence[BillingLine],
    names: _CompanyNames,
    memory: Memory,
    decided: Mapping[str, Choice | None],
    spellings: Mapping[str, set[str]],
) -> tuple[dict[str, Choice], dict[str, int]]:
    """Propose the company of each BSS customer by its names alone, by customer key.

    One company is not proposed for two customers whose names differ by more than spelling: where
    `Delta Ltd` and `Delta GmbH` both fold to the only company `Delta`, it is a suggestion. So it is for
    accounts that have one name and may be two customers; these are returned apart, with the company.
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
    numbered = _find_numbered(lines, memory)
    led_to: defaultdict[tuple[str, int], set[_Customer]] = defaultdict(set)
    for key, company_id, name in _customers_of(lines, memory, decided, equal | nearly, spellings):
        customer = _Customer(key, fold_spelling(name), numbered.get(key, frozenset()))
        led_to[split_key(key)[0], company_id].add(customer)
    rivals: dict[str, int] = {}

    def choice_for(key: str, name: str) -> Choice | None:
        source = split_key(key)[0]
        company_id = equal.get((source, name), nearly.get((source, name)))
        if company_id is None:
            return None if (source, name) in ties else suggest(names.candidates(name))
        own = _Customer(key, fold_spelling(name), numbered.get(key, frozenset()))
        others = [other for other in led_to[source, company_id] if other.key != key]
        if (source, name) in nearly and any(other.spelled != own.spelled for other in others):
            return Choice(company_id, Evidence.SUGGESTED, Candidate(company_id, LIKE_FOLDED).score)
        if any(map(own.is_another_account, others)):
            rivals[key] = company_id
            return Choice(company_id, Evidence.SUGGESTED, Candidate(company_id, LIKE_SPELLED).score)
        return Choice(company_id, Evidence.EXACT)

    proposed = {
        key: common_choice(choice_for(key, name) for name in all_names)
        for key, all_names in spellings.items()
    }
    return {key: choice for key, choice in proposed.items() if choice is not None}, rivals


def _find_numbered(lines: Iterable[BillingLine], memory: Memory) -> dict[str, frozenset[str]]:
    """Return where customers have an id, by customer key: in the BSS, or in which reports of the month.

    From which report a remembered customer came is not known.
    """
    numbered: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.customer_id:
            numbered[line.customer_key].add(line.report)
    for key, remembered in memory.customers.items():
        source, own_id = split_key(key)
        if source == "bss" and own_id != remembered.names.customer:
            numbered[key].add("")
    return {key: frozenset(sources) for key, sources in numbered.items()}


def _customers_of(
    lines: Iterable[BillingLine],
    memory: Memory,
    decided: Mapping[str, Choice | None],
    by_name: Mapping[tuple[str, str], int],
    spellings: Mapping[str, set[str]],
) -> Iterator[tuple[str, int, str]]:
    """Yield the key, company id and name of every BSS customer that is linked to a company."""
    decided_customers: set[tuple[str, int, str]] = set()
    for line in lines:
        choice = decided.get(line.key)
        if choice is not None and isinstance(choice.to, int) and line.customer:
            decided_customers.add((line.customer_key, choice.to, line.customer))
    yield from decided_customers
    for key, remembered in memory.customers.items():
        if remembered.company_id is not None and remembered.names.customer:
            yield key, remembered.company_id, remembered.names.customer
    for key, all_names in spellings.items():
        for name in all_names:
            company_id = by_name.get((split_key(key)[0], name))
            if company_id is not None:
                yield key, company_id, name
