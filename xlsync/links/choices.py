"""Choices of people about links, in this workbook and earlier, and the lines for which they hold.

PURE. A pick holds for its line and its contract, and spreads to the lines of the same BSS customer
or product that have no pick and no remembered link of their own, where all picks there agree. A part
that was emptied stays empty for its contract alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import ClassVar, Final, NamedTuple

from xlsync.models import BillingLine, Choice, Evidence, Link


class Emptied(Enum):
    """The type of NOTHING, which stands for a part of a link that a person emptied on purpose."""

    NOTHING = "nothing"


NOTHING: Final = Emptied.NOTHING
Pick = int | str | Emptied | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """A person's choices on one line, part by part.

    None is no choice of that part, NOTHING deliberately empty, a number a ConnectWise id, text the
    row key of something to be created. `evidence` is `chosen`, or `confirmed` where a suggestion was.
    `is_new` is False where an earlier check of the workbook read them: what was remembered since then stands.
    """

    company: Pick = None
    agreement: Pick = None
    item: Pick = None
    evidence: Evidence = Evidence.CHOSEN
    is_new: bool = field(default=True, compare=False)


def confirmed(link: Link) -> Picked:
    """Turn the suggested parts of a link into picks of the person who confirmed it."""

    def part(choice: Choice | None) -> int | str | None:
        return choice.to if choice and choice.evidence is Evidence.SUGGESTED else None

    return Picked(
        company=part(link.company),
        agreement=part(link.agreement),
        item=part(link.item),
        evidence=Evidence.CONFIRMED,
    )


class Group(NamedTuple):
    """Lines that share a person's pick: a key, and the id remembered for all of them.

    Lines of a wide group may have different billing periods.
    """

    key: Hashable | None
    remembered: int | None
    is_wide: bool = False


class LinkPart(ABC):
    """One of a link's three parts: how lines are grouped for it, and which ids may be taken."""

    name: ClassVar[str]  # the part's name in `Picked` and `Remembered`
    offered: frozenset[int]  # the ids that ConnectWise offers today

    @abstractmethod
    def contract(self, line: BillingLine) -> Hashable | None:
        """Return the key of the lines that share a pick first of all: those of a contract."""

    @abstractmethod
    def by_contract(self, line: BillingLine) -> int | Emptied | None:
        """Return the id that is remembered for the line's contract."""

    def is_only_for_contract(self, line: BillingLine) -> bool:  # noqa: ARG002
        """Return whether what a person chose for the line's contract, and is gone, leaves the part empty."""
        return False

    @abstractmethod
    def groups(self, line: BillingLine) -> Sequence[Group]:
        """Return the groups over which a pick spreads, the narrowest first."""

    def fits(self, line: BillingLine, to: int | str) -> bool:  # noqa: ARG002
        """Return whether the line may be linked to an id or row key at all."""
        return True

    def may_spread(self, line: BillingLine, to: int | str) -> bool:  # noqa: ARG002
        """Return whether a pick made on another line may hold for this line."""
        return True

    def suits(self, line: BillingLine, to: int | str) -> bool:  # noqa: ARG002
        """Return whether a choice that holds for all billing periods may hold for this line."""
        return True


def find_decided(
    lines: Sequence[BillingLine], part: LinkPart, picked: Mapping[str, Picked]
) -> dict[str, Choice | None]:
    """Find people's choices of one part, by line key; None where they emptied it, absent without a choice."""
    own: dict[str, Choice | None] = {}
    on_contract: defaultdict[Hashable, set[Choice]] = defaultdict(set)
    in_group: defaultdict[Hashable, set[Choice]] = defaultdict(set)
    emptied: set[Hashable] = set()  # keys of contracts
    for line in lines:
        pick = picked.get(line.key)
        to = getattr(pick, part.name) if pick else None
        if pick is None or to is None:
            continue
        if to is NOTHING or (isinstance(to, int) and to not in part.offered):
            # A picked record that is no longer active in ConnectWise is not replaced by a guess.
            own[line.key] = None
            if to is NOTHING:
                emptied.add(part.contract(line))
        elif part.fits(line, to):
            choice = Choice(to, pick.evidence)
            own[line.key] = choice
            on_contract[part.contract(line)].add(choice)
            for group in part.groups(line):
                in_group[group.key].add(choice)
    of_contract = dict.fromkeys(emptied - {None}, NOTHING) | _agreed(on_contract)
    of_group = _agreed(in_group)
    decided: dict[str, Choice | None] = {}
    for line in lines:
        if line.key in own:
            decided[line.key] = own[line.key]
        elif strongest := _strongest(line, part, of_contract, of_group):
            decided[line.key] = None if strongest is NOTHING else strongest
    return decided


def _agreed(picks: Mapping[Hashable | None, set[Choice]]) -> dict[Hashable, Choice]:
    """Return, by key, the choice on which all picks of one contract, customer or product agree."""
    return {
        key: max(choices, key=lambda choice: choice.evidence.strength)
        for key, choices in picks.items()
        if key is not None and len({choice.to for choice in choices}) == 1
    }


def _strongest(
    line: BillingLine,
    part: LinkPart,
    of_contract: Mapping[Hashable, Choice | Emptied],
    of_group: Mapping[Hashable, Choice],
) -> Choice | Emptied | None:
    """Return the choice that is nearest to the line: on its contract, then on its groups."""
    on_contract = of_contract.get(part.contract(line)) if of_contract else None
    remembered, groups = part.by_contract(line), part.groups(line)
    if on_contract is NOTHING or (remembered is NOTHING and on_contract is None):
        return NOTHING
    if on_contract is not None and part.may_spread(line, on_contract.to):
        return on_contract
    if remembered is not None:
        # A memory of the contract alone does not hold for its customer.
        is_own = all(remembered != group.remembered for group in groups)
        if (choice := _remembered(remembered, part, line, of_product=is_own)) is not None:
            return choice
        if is_own and remembered not in part.offered and part.is_only_for_contract(line):
            return NOTHING  # it was not what its customer or product has: that would be a guess
    for group in groups:
        picked = of_group.get(group.key) if of_group else None
        if picked is not None and not part.may_spread(line, picked.to):
            picked = None
        choice = picked or _remembered(group.remembered, part, line)
        if choice is not None and (not group.is_wide or part.suits(line, choice.to)):
            return choice
    return None


def _remembered(
    to: int | Emptied | None, part: LinkPart, line: BillingLine, *, of_product: bool = False
) -> Choice | None:
    if not isinstance(to, int) or to not in part.offered or not part.fits(line, to):
        return None
    return _remembered_choice(to, of_product)


@cache  # thousands of lines share a few choices
def _remembered_choice(to: int, of_product: bool) -> Choice:
    return Choice(to, Evidence.REMEMBERED, of_product=of_product)


def without_emptied(decided: Mapping[str, Choice | None]) -> dict[str, Choice]:
    """Leave out the lines whose part was emptied."""
    return {key: choice for key, choice in decided.items() if choice is not None}


def only_id(ids: Iterable[int]) -> int | None:
    """Return the only id; None where there are none or several, since a tie is not resolved by guessing."""
    distinct = set(ids)
    return distinct.pop() if len(distinct) == 1 else None
