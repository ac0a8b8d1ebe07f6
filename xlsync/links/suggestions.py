"""The names that come nearest to a name: what they share, rare letters weighing more than common ones.

PURE. A name is the set of its letter trigrams, each with its inverse document frequency among the names of
the list as its weight; two names are as near as the cosine of these. An index is built once for each list.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

MOST: Final = 5  # candidates that are shown
LOWEST_SHOWN: Final = 0.25  # below, two names have only endings in common
_ENOUGH: Final = 30  # names with the most rare trigrams in common that are compared as a whole
_TOO_MANY: Final = 60  # names with equally many
_MOST_LOOKED_UP: Final = 1_500  # entries of the index that one name may look through


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name that comes near, by the id of what bears it; `likeness` is 1 where nothing differs.

    A barred one is shown, but never filled in: something beside its name tells against it.
    """

    id: int
    likeness: float
    is_barred: bool = False

    @property
    def score(self) -> int:
        """The likeness in percent, never 100: that would be equal."""
        return min(int(self.likeness * 100 + 0.5), 99)


class NameIndex:
    """The names of a list, by their trigrams."""

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
        self._places: defaultdict[str, list[int]] = defaultdict(list)  # of the names with a trigram
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
        self._unknown = math.log((count + 1) / 1.5) ** 2  # a trigram that no name has is as rare as one's own
        self._lengths = [self._length(_trigrams(text)) for _, text in self._texts]

    def nearest(self, name: str, most: int = MOST) -> list[Candidate]:
        """The nearest names, the nearest first; where both have numbers, they are the same."""
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
        """The names that share the most of the rarest trigrams, in the order of the list."""
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
    """The words with a number in them: where both names have some, and others, they are different names."""
    return frozenset(word for word in plain if any(map(str.isnumeric, word)))
