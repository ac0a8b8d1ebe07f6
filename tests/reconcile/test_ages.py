"""How old mismatches are, and which of the last month are gone by themselves."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsync.models import ActionLabel, Addition, Mismatch, MismatchKind, Month
from xlsync.reconcile.ages import MonthSeen, age_key, find_gone, see, with_since

MONTHS = [Month(2026, number) for number in (8, 9, 10)]


def row(kind: MismatchKind, *, is_ignored: bool = False) -> Mismatch:
    words = {
        MismatchKind.UNITS_DIFFER: "units",
        MismatchKind.COST_DIFFERS: "cost",
        MismatchKind.ONLY_IN_CONNECTWISE: "only",
    }
    has_addition = kind in words
    return Mismatch(
        key=f"{words[kind]}:51" if has_addition else "other:7:1",
        kind=kind,
        customer="Contoso",
        product="Backup",
        agreement=7,
        item=1,
        addition=Addition(id=51, agreement_id=7, item_id=1, quantity=Decimal(1)) if has_addition else None,
        action=ActionLabel.IGNORE if is_ignored else None,
    )


UNITS, COST = row(MismatchKind.UNITS_DIFFER), row(MismatchKind.COST_DIFFERS)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_since_is_the_earliest_month_in_whatever_order_months_are_looked_at(order: tuple[int, ...]) -> None:
    seen: dict[Month, MonthSeen] = {}
    for number in order:
        seen[MONTHS[number]] = see([UNITS], seen.get(MONTHS[number], MonthSeen()))
    assert [one.since for one in with_since([UNITS, COST], MONTHS[1], seen)] == ["2026-08", "2026-09"]


def test_a_mismatch_that_was_mended_and_comes_back_keeps_its_age() -> None:
    august = see([UNITS])
    august = see([], august)
    assert august.open == {}
    (found,) = with_since([UNITS], MONTHS[2], {MONTHS[0]: august})
    assert found.since == "2026-08"


def test_an_addition_and_its_successor_are_one_target() -> None:
    later = row(MismatchKind.UNITS_DIFFER)
    successor = Addition(id=99, agreement_id=7, item_id=1, quantity=Decimal(2))
    assert age_key(UNITS) == age_key(Mismatch(**{**_fields(later), "addition": successor, "key": "units:99"}))


def _fields(mismatch: Mismatch) -> dict[str, object]:
    return {name: getattr(mismatch, name) for name in Mismatch.__struct_fields__}


@pytest.mark.parametrize(
    ("before", "now", "written", "gone"),
    [
        ([UNITS, COST], [], set(), ["cost:51", "units:51"]),
        ([UNITS, COST], [COST], set(), ["units:51"]),
        ([UNITS, COST], [UNITS, COST], set(), []),
        ([UNITS], [], {"units:51"}, []),
        ([UNITS], [row(MismatchKind.SEVERAL_ADDITIONS)], set(), []),
        ([UNITS], [row(MismatchKind.COULD_NOT_CHECK)], set(), []),
        ([row(MismatchKind.NOT_LINKED)], [], set(), []),
        ([row(MismatchKind.UNITS_DIFFER, is_ignored=True)], [], set(), []),
    ],
)
def test_what_is_gone_was_open_and_compared_and_nothing_was_written(
    before: list[Mismatch], now: list[Mismatch], written: set[str], gone: list[str]
) -> None:
    assert list(find_gone(see(before), now, written)) == gone


@given(
    looks=st.lists(
        st.tuples(st.sampled_from(MONTHS), st.sets(st.sampled_from(list(MismatchKind)))), max_size=8
    )
)
def test_since_is_never_after_a_month_that_saw_the_mismatch(
    looks: list[tuple[Month, set[MismatchKind]]],
) -> None:
    seen: dict[Month, MonthSeen] = {}
    for month, kinds in looks:
        seen[month] = see(map(row, kinds), seen.get(month, MonthSeen()))
    for found in with_since(map(row, MismatchKind), MONTHS[2], seen):
        saw = [month for month, kinds in looks if found.kind in kinds]
        assert found.since == str(min(saw, default=MONTHS[2]))
