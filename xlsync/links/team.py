"""What several people remember, merged: what differs is named, and nothing is lost unasked. PURE."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict(Generic[T]):
    """A link or rule of an imported file that is remembered otherwise."""

    remembered: T
    imported: T


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported(Generic[T]):
    """What became of an imported file's links or rules; conflicts were kept as they were unless asked."""

    added: tuple[T, ...]
    unchanged: tuple[T, ...]
    replaced: tuple[Conflict[T], ...]
    conflicts: tuple[Conflict[T], ...]

    @property
    def taken(self) -> tuple[T, ...]:
        """What is to be kept of the file."""
        return (*self.added, *(conflict.imported for conflict in self.replaced))


def merge(
    remembered: Iterable[T],
    imported: Iterable[T],
    *,
    key: Callable[[T], Hashable],
    says: Callable[[T], Hashable],
    overwrite: bool,
) -> Imported[T]:
    """What an import changes: `key` tells what each is about, `says` what it says of it."""
    known = {key(one): one for one in remembered}
    added, unchanged, differing = [], [], []
    for one in imported:
        old = known.get(key(one))
        if old is None:
            added.append(one)
        elif says(old) == says(one):
            unchanged.append(old)
        else:
            differing.append(Conflict(remembered=old, imported=one))
    return Imported(
        added=tuple(added),
        unchanged=tuple(unchanged),
        replaced=tuple(differing) if overwrite else (),
        conflicts=() if overwrite else tuple(differing),
    )
