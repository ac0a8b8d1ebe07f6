"""Items: to which ConnectWise product a billing line belongs, by people's choices, codes and names.

PURE; a part of `matching.py`, which explains the order of evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from msgspec import Struct

from xlsync.links.choices import Emptied, Group, LinkPart, Picked, find_decided, only_id
from xlsync.links.memory import Memory, Recall, contract_key, product_key
from xlsync.links.names import digits, fold_code, fold_product
from xlsync.links.products import (
    MicrosoftId,
    ProductName,
    are_told_apart,
    product_numbers,
    product_words,
    read_microsoft_id,
    read_product_name,
)
from xlsync.links.proposed import (
    LIKE_SPELLED,
    Directory,
    Proposed,
    add_choices_by_name,
    as_written,
    common_choice,
    suggest,
)
from xlsync.links.suggestions import MOST, Candidate, NameIndex, Similar
from xlsync.models import BillingLine, CatalogItem, Choice, Evidence
from xlsync.records import replace

_NO_TERM: Final = 0.02  # taken off the likeness of an item whose name has no term
_OTHER_TERM: Final = 0.30
_NO_CODES: Final = frozenset({"na", "none", "null", "nil", "tbd", "tba", "unknown"})


class _ItemPart(LinkPart):
    """The part *item* of a link; the memory of a contract holds for one BSS product only."""

    name = "item"

    def __init__(self, catalog: Iterable[CatalogItem], memory: Memory) -> None:
        self.offered = frozenset(item.id for item in catalog)
        self._recall = Recall(memory)

    def contract(self, line: BillingLine) -> tuple[str, str] | None:
        key = contract_key(line)
        return (key, line.product_key) if key is not None else None

    def by_contract(self, line: BillingLine) -> int | Emptied | None:
        entry = self._recall.contract(line)
        return entry.part("item") if not entry.for_product or entry.for_product == line.product_key else None

    def is_only_for_contract(self, line: BillingLine) -> bool:
        return self._recall.contract(line).evidence.is_by_people

    def groups(self, line: BillingLine) -> Sequence[Group]:
        return (Group(product_key(line), self._recall.product(line).item_id),)


def _as_product(name: str) -> tuple[str]:
    return (fold_product(name),)


def _as_code(code: str) -> tuple[str]:
    """Return a code as an index key; empty for what only stands in place of a code, such as `N/A` or `-`."""
    letters = "".join(filter(str.isalnum, code.casefold()))
    is_code = letters.strip("0") and letters not in _NO_CODES
    return (fold_code(code) if is_code else "",)


class _Spelling(Struct, frozen=True):
    """The name, codes and term by which a line names its product."""

    code: str
    name: str
    commitment: int | None  # months

    @classmethod
    def from_line(cls, line: BillingLine) -> _Spelling:
        return cls(line.product_code, line.product, line.commitment_months)

    @property
    def microsoft_id(self) -> MicrosoftId | None:
        """Microsoft's id in the code, with the line's commitment where the code names no term."""
        read = read_microsoft_id(self.code)
        return None if read is None else replace(read, term=read.term or self.commitment)


def propose_items(
    lines: Sequence[BillingLine],
    catalog: Sequence[CatalogItem],
    memory: Memory,
    picked: Mapping[str, Picked],
    similar: Similar | None = None,
) -> Proposed:
    """Propose the catalog item of each line; look-ups of names are taken from `similar`, and added."""
    decided = find_decided(lines, _ItemPart(catalog, memory), picked)
    spellings: defaultdict[str, set[_Spelling]] = defaultdict(set)
    for line in lines:
        if line.key not in decided and (key := product_key(line)):
            spellings[key].add(_Spelling.from_line(line))
    names = _ItemNames(catalog, {} if similar is None else similar)
    chosen = {spelling: names.choice_for(spelling) for spelling in set().union(*spellings.values())}
    by_key = {key: common_choice(chosen[spelling] for spelling in all_) for key, all_ in spellings.items()}
    by_name = {key: choice for key, choice in by_key.items() if choice is not None}
    return Proposed(
        add_choices_by_name(lines, decided, by_name, product_key),
        lambda line: names.candidates(_Spelling.from_line(line)),
        emptied=frozenset(key for key, choice in decided.items() if choice is None),
    )


def name_items(catalog: Iterable[CatalogItem]) -> dict[int, str]:
    """Return the name of each item, by its id."""
    return {item.id: item.description or item.identifier for item in catalog}


class _ItemNames:
    """Indexes over the names and codes of the catalog, each built when it is first used."""

    def __init__(self, catalog: Sequence[CatalogItem], similar: Similar) -> None:
        self._catalog = catalog
        self._similar = similar
        self._directories: dict[str, tuple[Directory, Directory]] = {}
        self._candidates: dict[_Spelling, tuple[Candidate, ...]] = {}
        self._read: dict[int, ProductName] = {}

    @cached_property
    def _by_digits(self) -> dict[str, list[tuple[int, str]]]:
        by_digits: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        for item in self._catalog:
            for name in (item.description, item.identifier):
                by_digits[digits(name)].append((item.id, name))
        return by_digits

    def _equal(self, name: str) -> tuple[set[int], set[int]]:
        """Return the items with this description or identifier: as written, and after folding."""
        key = digits(name)
        if key not in self._directories:
            names = self._by_digits.get(key, [])
            written, folded = (Directory(names, look) for look in (as_written, _as_product))
            self._directories[key] = written, folded
        written, folded = self._directories[key]
        return written[name], folded[name]

    @cached_property
    def _by_code(self) -> Directory:
        return Directory(((item.id, code) for item in self._catalog for code in item.codes), _as_code)

    @cached_property
    def _microsoft_ids(self) -> dict[int, frozenset[MicrosoftId]]:
        """The Microsoft ids in the identifier and the codes of each item that has any."""
        read = {
            item.id: frozenset(filter(None, map(read_microsoft_id, (item.identifier, *item.codes))))
            for item in self._catalog
        }
        return {id_: own for id_, own in read.items() if own}

    @cached_property
    def _by_microsoft_id(self) -> dict[str, set[int]]:
        by_id: defaultdict[str, set[int]] = defaultdict(set)
        for item_id, ids in self._microsoft_ids.items():
            for microsoft_id in ids:
                by_id[microsoft_id.id].add(item_id)
        return by_id

    def _coded(self, spelling: _Spelling) -> set[int]:
        """Return the items with the line's code.

        Of several with a Microsoft id those of the line's term come before those without a term, and those
        of the line's segment before those without one.
        """
        wanted = spelling.microsoft_id
        if wanted is None:
            return self._by_code[spelling.code]
        fitting: defaultdict[tuple[bool, bool], set[int]] = defaultdict(set)
        for item_id in self._by_microsoft_id.get(wanted.id, ()):
            for id_ in self._microsoft_ids[item_id]:
                if not id_.contradicts(wanted) and id_.term in {None, wanted.term}:
                    fitting[id_.term is not None, id_.segment == wanted.segment].add(item_id)
        return fitting[max(fitting)] if fitting else set()

    def _is_another(self, item_id: int, spelling: _Spelling) -> bool:
        """Return whether Microsoft's ids say that an item is not the line's product, whatever its name."""
        wanted = spelling.microsoft_id
        if wanted is None:
            return False
        ids = self._microsoft_ids.get(item_id, frozenset())
        return bool(ids) and all(id_.contradicts(wanted) for id_ in ids)

    def choice_for(self, spelling: _Spelling) -> Choice | None:
        """Choose the item by code, else by equal name, else suggest the nearest name."""
        coded = self._coded(spelling)
        if len(coded) == 1:
            return Choice(next(iter(coded)), Evidence.MARKED)
        as_written, folded = self._equal(spelling.name)
        for equal in (as_written, folded):
            item_id = only_id(equal & coded if coded else equal)
            if item_id is not None and not self._is_another(item_id, spelling):
                return Choice(item_id, Evidence.EXACT)
        return None if coded or folded else suggest(self.candidates(spelling))

    @cached_property
    def _names(self) -> dict[int, str]:
        return name_items(self._catalog)

    @cached_property
    def _index(self) -> NameIndex:
        return NameIndex(self._names, product_words, product_numbers)

    def _nearest(self, name: str) -> tuple[Candidate, ...]:
        if name not in self._similar:
            self._similar[name] = tuple(self._index.nearest(name, 3 * MOST))
        return self._similar[name]

    def candidates(self, spelling: _Spelling) -> tuple[Candidate, ...]:
        """Return the items with the nearest codes or names; those of another term come last."""
        if spelling not in self._candidates:
            microsoft = spelling.microsoft_id
            same_id = self._by_microsoft_id.get(microsoft.id, set()) if microsoft else set()
            coded = same_id | self._by_code[spelling.code]
            near = {candidate.id: candidate for candidate in self._nearest(spelling.name)}
            near |= {id_: Candidate(id_, LIKE_SPELLED) for id_ in coded}
            near |= {id_: Candidate(id_, LIKE_SPELLED) for id_ in self._equal(spelling.name)[1]}
            own = read_product_name(spelling.name)
            wanted = own.term or spelling.commitment
            compared = [self._with_term(candidate, own, wanted, spelling) for candidate in near.values()]
            compared.sort(key=lambda candidate: (-candidate.score, candidate.id))
            self._candidates[spelling] = tuple(compared[:MOST])
        return self._candidates[spelling]

    def _with_term(
        self, one: Candidate, own: ProductName, wanted: int | None, spelling: _Spelling
    ) -> Candidate:
        """Lower or bar a candidate whose term is unknown or is not the one that is wanted.

        Words or an id that tell it from the line's product bar it too.
        """
        if one.id not in self._read:
            self._read[one.id] = read_product_name(self._names[one.id])
        other = self._read[one.id]
        microsoft = spelling.microsoft_id
        ids = self._microsoft_ids.get(one.id, frozenset()) if microsoft else frozenset()
        offered = {mine.term for mine in ids if microsoft and mine.id == microsoft.id} or {other.term}
        likeness = min(one.likeness, LIKE_SPELLED)
        is_other = self._is_another(one.id, spelling) or (
            likeness < LIKE_SPELLED and are_told_apart(own.words, other.words)
        )
        if wanted is None or wanted in offered:
            return replace(one, likeness=likeness, is_barred=is_other)
        if None in offered:
            return replace(one, likeness=likeness - _NO_TERM, is_barred=is_other)
        return replace(one, likeness=max(likeness - _OTHER_TERM, 0), is_barred=True)
