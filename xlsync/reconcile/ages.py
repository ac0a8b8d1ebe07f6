"""Ages of mismatches: the month since which each is seen, and those of the last month that are gone. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Final

from msgspec import Struct, field

from xlsync.models import ActionLabel, Mismatch, MismatchKind, Month
from xlsync.records import replace

_COMPARED: Final = frozenset(MismatchKind) - {
    MismatchKind.NOT_LINKED,  # it goes when somebody links the line
    MismatchKind.COULD_NOT_CHECK,
    MismatchKind.CHANGED_SINCE_EXPORT,
}


class MonthSeen(Struct, frozen=True):
    """The mismatches of one month: all that any export or check saw, and those open at the last of them.

    `seen` holds age keys (`age_key`); `open` gives the row key of each, so that a write of the row is
    recognised.
    """

    seen: frozenset[str] = frozenset()
    open: Mapping[str, str] = field(default_factory=dict)


NOTHING_SEEN: Final = MonthSeen()


def age_key(mismatch: Mismatch) -> str:
    """Return the identity of a mismatch from month to month: its kind and its target."""
    addition = mismatch.addition
    if addition is None:
        target = mismatch.key.partition(":")[2]
    else:
        mark = addition.contract_mark.casefold() if len(mismatch.beside) > 1 else ""
        target = f"{mismatch.agreement}:{mismatch.item}" + (f":{mark}" if mark else "")
    return f"{mismatch.kind}|{target}"


def with_since(
    mismatches: Iterable[Mismatch], month: Month, seen: Mapping[Month, MonthSeen]
) -> tuple[Mismatch, ...]:
    """Set `since` of each mismatch: the earliest month in which it was seen, `month` itself at the latest."""
    first: dict[str, Month] = {}
    for other in sorted(seen, reverse=True):
        first |= dict.fromkeys(seen[other].seen, other)
    return tuple(
        replace(mismatch, since=str(min(first.get(age_key(mismatch), month), month)))
        for mismatch in mismatches
    )


def see(mismatches: Iterable[Mismatch], before: MonthSeen = NOTHING_SEEN) -> MonthSeen:
    """Return what to store of a month's mismatches; `before` is what is stored of the month so far."""
    mismatches = list(mismatches)
    return MonthSeen(
        before.seen | {age_key(mismatch) for mismatch in mismatches},
        {
            age_key(mismatch): mismatch.key
            for mismatch in mismatches
            if mismatch.action is not ActionLabel.IGNORE and mismatch.kind in _COMPARED
        },
    )


def find_gone(before: MonthSeen, mismatches: Iterable[Mismatch], written: Set[str]) -> tuple[str, ...]:
    """Return the row keys of mismatches that were open in the month before and are gone without a write.

    `mismatches` are those of this month, `written` the keys of rows that xlsync wrote. A mismatch whose
    target cannot be compared now does not count as gone.
    """
    now: dict[str, set[str]] = {}
    for mismatch in mismatches:
        kind, _, target = age_key(mismatch).partition("|")
        now.setdefault(target, set()).add(kind)
    gone = []
    for key, row in sorted(before.open.items()):
        kind, _, target = key.partition("|")
        is_cost = kind == MismatchKind.COST_DIFFERS
        beside = {MismatchKind.UNITS_DIFFER if is_cost else MismatchKind.COST_DIFFERS}
        if row not in written and now.get(target, set()) <= beside:
            gone.append(row)
    return tuple(gone)
