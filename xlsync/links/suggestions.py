"""Suggestions: the names of a list that are most like a name, by shared letter trigrams.

PURE. A name is the set of its letter trigrams, each with its inverse document frequency among the names of
the list as its weight; two names are as near as the cosine of these. An index is built once for each list.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

MOST: Final = 5  # most candidates shown
LOWEST_SHOWN: Final = 0.25  # lowest likeness shown: below it two names share only their endings
_ENOUGH: Final = 30  # number of names sharing the most rare trigrams that are compared completely
_TOO_MANY: Final = 60  # most names of one number of shared trigrams
_MOST_LOOKED_UP: Final = 1_500  # most entries of the index looked through for one name


@dataclass(frozen=True, slots=True)
class Candidate:
    """A similar name, by the id of its company or item; `likeness` is from 0 to 1.

    A barred candidate is shown but never filled in: something other than its name speaks against it.
    """

    id: int
    likeness: float
    is_barred: bool = False

    @property
    def score(self) -> int:
        """The likeness in percent, never 100: that would be equal."""
        return min(int(self.likeness * 100 + 0.5), 99)


class NameIndex:
    """An index over the names of a list by their trigrams."""

    def __init__(
        self,
        names: Mapping[int, str],
        read: Callable[[str], tuple[str, ...]],
        numbers: Callable[[tuple[str, ...]], frozenset[str]],
    ) -> None:
        self._read = read
        self._numbers_in = numbers
        self._texts: list[tuple[int, str]] = []
        self._numbers: list[frozenset[str]] = []
        self._places: defaultdict[str, list[int]] = defaultdict(list)  # positions of the names with a trigram
        for id_, name in sorted(names.items()):
            plain = read(name)
            if plain:
                text = _padded(plain)
                for trigram in _trigrams(text):
                    self._places[trigram].append(len(self._texts))
                self._texts.append((id_, text))
                self._numbers.append(numbers(plain))
        count = len(self._texts)
        self._weights = {
            trigram: math.log((count + 1) / (len(places) + 0.5)) ** 2
            for trigram, places in self._places.items()
        }
        self._unknown = math.log((count + 1) / 1.5) ** 2  # weight of a trigram that no name has
        self._lengths = [self._length(_trigrams(text)) for _, text in self._texts]

    def nearest(self, name: str, most: int = MOST) -> list[Candidate]:
        """Return the most similar names, best first; names with other numbers are left out."""
        plain = self._read(name)
        trigrams = _trigrams(_padded(plain)) if plain else frozenset()
        length, numbers = self._length(trigrams), self._numbers_in(plain)
        near = []
        for place in self._promising(trigrams):
            others = self._numbers[place]
            if numbers and others and numbers != others:
                continue
            id_, text = self._texts[place]
            shared = sum(map(self._weights.__getitem__, trigrams.intersection(_trigrams(text))))
            likeness = shared / (length * self._lengths[place])
            if likeness >= LOWEST_SHOWN:
                near.append(Candidate(id_, likeness))
        near.sort(key=lambda candidate: (-candidate.likeness, candidate.id))
        return near[:most]

    def _promising(self, trigrams: frozenset[str]) -> list[int]:
        """Return the positions of the names that share the most of the rarest trigrams."""
        rarest = sorted(
            (trigram for trigram in trigrams if trigram in self._places),
            key=lambda trigram: (len(self._places[trigram]), trigram),
        )
        count: Counter[int] = Counter()
        looked_up = 0
        for trigram in rarest:
            places = self._places[trigram]
            looked_up += len(places)
            if looked_up > _MOST_LOOKED_UP and count:
                break
            count.update(places)
        by_count: defaultdict[int, list[int]] = defaultdict(list)
        for place, shared in count.items():
            by_count[shared].append(place)
        promising: list[int] = []
        for shared in sorted(by_count, reverse=True):
            promising += sorted(by_count[shared])[:_TOO_MANY]
            if len(promising) >= _ENOUGH:
                break
        return promising

    def _length(self, trigrams: frozenset[str]) -> float:
        return math.sqrt(sum(self._weights.get(trigram, self._unknown) for trigram in trigrams))


def _padded(plain: tuple[str, ...]) -> str:
    return f" {' '.join(plain)} "


def _trigrams(text: str) -> frozenset[str]:
    return frozenset(map("".join, zip(text, text[1:], text[2:], strict=False)))


def numbers_in(plain: tuple[str, ...]) -> frozenset[str]:
    """Return the words that hold a number: names with different such words are different names."""
    return frozenset(word for word in plain if any(map(str.isnumeric, word)))
