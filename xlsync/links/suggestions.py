"""Suggestions: the names of a list that are most like a name, by shared letter trigrams.

PURE. A name is the set of its letter trigrams, each with its inverse document frequency among the names of
the list as its weight; two names are as near as the cosine of these. An index is built once for each list.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

MOST: Final = 5  # most candidates shown
LOWEST_SHOWN: Final = 0.25  # lowest likeness shown: below it two names share only their endings
_MOST_COMPARED: Final = 60  # most names compared completely with one name
_MOST_LOOKED_UP: Final = 800  # most entries of the index looked through for one name


class Candidate(Struct, frozen=True):
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


Similar: TypeAlias = dict[str, tuple[Candidate, ...]]  # the most similar names of one list, by each name


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
        self._ids: list[int] = []
        self._texts: list[str] = []
        # Positions of the names with a trigram.
        self._holders: defaultdict[str, list[int]] = defaultdict(list)
        for id_, name in sorted(names.items()):
            plain = read(name)
            if plain:
                place, text = len(self._texts), _padded(plain)
                for trigram in _trigrams(text):
                    self._holders[trigram].append(place)
                self._ids.append(id_)
                self._texts.append(text)
        count = len(self._texts)
        by_holders = {
            holders: math.log((count + 1) / (holders + 0.5)) ** 2
            for holders in set(map(len, self._holders.values()))
        }
        self._weights = {trigram: by_holders[len(places)] for trigram, places in self._holders.items()}
        self._unknown = math.log((count + 1) / 1.5) ** 2  # weight of a trigram that no name has
        squares = [0.0] * count
        for trigram, places in self._holders.items():
            weight = self._weights[trigram]
            for place in places:
                squares[place] += weight
        self._lengths = list(map(math.sqrt, squares))

    def nearest(self, name: str, most: int = MOST) -> list[Candidate]:
        """Return the most similar names, best first; names with other numbers are left out."""
        plain = self._read(name)
        if not plain:
            return []
        trigrams, numbers = _trigrams(_padded(plain)), self._numbers_in(plain)
        length = math.sqrt(sum(self._weights.get(trigram, self._unknown) for trigram in trigrams))
        shared, others = self._look_up(trigrams, enough=(LOWEST_SHOWN * length) ** 2)
        weight_of_others = sum(weight for _, weight in others)
        lowest = LOWEST_SHOWN * length
        hopeful = [
            (-(weight + weight_of_others) / self._lengths[place], place)
            for place, weight in shared.items()
            if weight + weight_of_others >= lowest * self._lengths[place]
        ]
        hopeful.sort()
        near: list[Candidate] = []
        for bound, place in hopeful[:_MOST_COMPARED]:
            if len(near) >= most and -bound / length < near[-1].likeness:
                break  # this one and all behind it have less in common at best
            text = self._texts[place]
            if numbers and numbers != (self._numbers_in(tuple(text.split())) or numbers):
                continue
            weight = shared[place] + sum(weight for trigram, weight in others if trigram in text)
            likeness = weight / (length * self._lengths[place])
            if likeness >= LOWEST_SHOWN:
                near.append(Candidate(self._ids[place], likeness))
                near.sort(key=lambda candidate: (-candidate.likeness, candidate.id))
                del near[most:]
        return near

    def _look_up(
        self, trigrams: Iterable[str], enough: float
    ) -> tuple[dict[int, float], list[tuple[str, float]]]:
        """Return the weight that names share of the rarest trigrams, by position, and the other trigrams.

        The others are left out because together they weigh less than `enough`, or because too many names
        have them. A name that has only such trigrams is not similar: it shares at most their weight, and
        is itself at least as long as what it shares.
        """
        rarest = sorted(
            (trigram for trigram in trigrams if trigram in self._weights),
            key=lambda trigram: (-self._weights[trigram], trigram),
        )
        shared: dict[int, float] = {}
        looked_up, weight_left = 0, sum(map(self._weights.__getitem__, rarest))
        for count, trigram in enumerate(rarest):
            places, weight = self._holders[trigram], self._weights[trigram]
            looked_up += len(places)
            if weight_left < enough or (looked_up > _MOST_LOOKED_UP and shared):
                return shared, [(other, self._weights[other]) for other in rarest[count:]]
            for place in places:
                shared[place] = shared.get(place, 0.0) + weight
            weight_left -= weight
        return shared, []


def _padded(plain: tuple[str, ...]) -> str:
    return f" {' '.join(plain)} "


def _trigrams(text: str) -> Iterable[str]:
    """The different trigrams of a text, in its order."""
    return dict.fromkeys(map("".join, zip(text, text[1:], text[2:], strict=False)))


def numbers_in(plain: tuple[str, ...]) -> frozenset[str]:
    """Return the words that hold a number: names with different such words are different names."""
    return frozenset(word for word in plain if any(map(str.isnumeric, word)))
