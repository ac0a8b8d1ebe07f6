"""Proposals of companies and catalog items for the lines of a month: what both have in common. PURE."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from xlsync.links.choices import without_emptied
from xlsync.links.suggestions import Candidate
from xlsync.models import BillingLine, Choice, Evidence

LOWEST_SUGGESTED: Final = 0.60  # measured: 95 of 100 such suggestions are right (.github/docs/speed.md)
LIKE_SPELLED: Final = 0.99  # likeness of names that are spelled alike where several are
LIKE_FOLDED: Final = 0.97  # likeness of names that differ only in what folding removes (company forms)


class Proposed(Struct, frozen=True):
    """The proposed choice of each line, by line key, and further candidates for any line.

    Lines without a proposal are absent from `choices`. `ties` are, by customer key, the companies that a
    BSS customer's name leads to equally; `rivals` the company to which a customer's name leads as that of
    another account does. `emptied` are the lines that a person, or what is remembered, leaves without any.
    """

    choices: Mapping[str, Choice]
    candidates: Callable[[BillingLine], Sequence[Candidate]]
    ties: Mapping[str, frozenset[int]] = field(default_factory=dict)
    rivals: Mapping[str, int] = field(default_factory=dict)
    emptied: frozenset[str] = frozenset()


class Directory:
    """An index from folded names to ConnectWise ids."""

    def __init__(self, names: Iterable[tuple[int, str]], look: Callable[[str], Iterable[str]]) -> None:
        self._look = look
        self._ids: defaultdict[str, set[int]] = defaultdict(set)
        for entry_id, name in names:
            for text in look(name):
                self._ids[text].add(entry_id)
        self._ids.pop("", None)

    def __getitem__(self, name: str) -> set[int]:
        return set().union(*(self._ids.get(text, ()) for text in self._look(name)))


def as_written(name: str) -> tuple[str]:
    """Return a name without outer spaces, as an index key."""
    return (name.strip(),)


def common_choice(choices: Iterable[Choice | None]) -> Choice | None:
    """Return the common choice of all spellings of a BSS customer or product, or None if they disagree."""
    distinct = {choice for choice in choices if choice is not None}
    if len({choice.to for choice in distinct}) != 1:
        return None
    return min(distinct, key=lambda choice: (choice.evidence.strength, -(choice.score or 0)))


def add_choices_by_name(
    lines: Iterable[BillingLine],
    decided: Mapping[str, Choice | None],
    by_name: Mapping[str, Choice],
    key: Callable[[BillingLine], str | None],
) -> dict[str, Choice]:
    """Add to people's choices, by line key, the choices that names lead to for all other lines."""
    proposed = without_emptied(decided)
    for line in lines:
        if line.key not in decided and (choice := by_name.get(key(line) or "")):
            proposed[line.key] = choice
    return proposed


def suggest(candidates: Sequence[Candidate]) -> Choice | None:
    """Suggest the first candidate, if it is near enough and no other is as near; else None."""
    if not candidates or candidates[0].likeness < LOWEST_SUGGESTED or candidates[0].is_barred:
        return None
    if len(candidates) > 1 and candidates[1].score == candidates[0].score:
        return None
    return Choice(candidates[0].id, Evidence.SUGGESTED, candidates[0].score)
