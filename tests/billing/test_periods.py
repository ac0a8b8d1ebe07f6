"""Periods: how long they are, whatever they are called, and what the end of one means."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsync.billing.periods import ChargedPeriod, is_midnight, last_days, months_of, period_name
from xlsync.reconcile.charges import last_day


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize(
    ("periods", "ends"),
    [
        (["03-01 04-01", "03-20 04-01"], ["03-31", "03-31"]),  # the day after
        (["03-01 03-31", "03-20 03-31"], ["03-31", "03-31"]),  # the last day
        (["03-17 04-17", "03-30 04-17", "05-01 05-31"], ["04-16", "04-16", "05-31"]),  # a tie tells nothing
        (["03-17 04-17", "03-17 04-17", "05-01 05-31"], ["04-16", "04-16", "05-30"]),
        (["03-17 04-16", "03-20 04-16"], ["04-16", "04-16"]),
        (["01-31 03-01", "05-20 05-31"], ["02-28", "05-30"]),
        (["01-31 02-28"], ["02-28"]),
        (["03-20 04-01"], ["03-31"]),  # nothing tells
        (["03-20 03-31"], ["03-31"]),
        (["03-20 04-12"], ["04-11"]),
        (["03-01 03-01", "03-01 04-01"], ["03-01", "03-31"]),  # never before the start
        (["04-01 03-01", "03-01 04-01"], ["03-01", "03-31"]),
        (["03-01 04-01", "? 04-01"], ["03-31", "03-31"]),
        (["03-01 04-01", "03-02 04-01", "03-02 04-01"], ["03-31"] * 3),  # increases on the 2nd
        (["03-01 ?"], [None]),
        ([], []),
    ],
)
def test_all_ends_at_midnight_tell_together_what_they_mean(
    periods: list[str], ends: list[str | None]
) -> None:
    charges = [
        ChargedPeriod("x", *(None if text == "?" else day(text) for text in period.split()), True)
        for period in periods
    ]
    assert last_days(charges) == [None if end is None else day(end) for end in ends]


DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2030, 12, 1))


@given(DAYS, st.sampled_from([1, 12]), st.lists(st.integers(0, 364)), st.booleans(), st.randoms())
def test_all_charges_to_one_end_end_on_its_last_day(
    first: dt.date, months: int, later: list[int], is_exclusive: bool, random: Any
) -> None:
    first = first.replace(day=min(first.day, 28))
    last = last_day(first, months)
    after = last + dt.timedelta(days=1)
    starts = [first, *(first + dt.timedelta(days=n % (after - first).days) for n in later)]
    random.shuffle(starts)
    end = after if is_exclusive else last
    assert set(last_days([ChargedPeriod("x", start, end, True) for start in starts])) == {last}


@given(st.lists(st.tuples(st.sampled_from("xy"), st.none() | DAYS, st.none() | DAYS, st.booleans())))
def test_an_end_moves_by_a_day_at_most_and_never_before_its_start(periods: list[Any]) -> None:
    charges = [ChargedPeriod(*period) for period in periods]
    for one, end in zip(charges, last_days(charges), strict=True):
        if one.end is None or end is None or not one.ends_at_midnight:
            assert end == one.end
        else:
            assert (one.end - end).days in (0, 1)
            assert end == one.end or one.start is None or one.start <= end
    assert last_days(charges[::-1]) == last_days(charges)[::-1]


def test_the_first_and_the_last_day_of_all_stay() -> None:
    ends = [dt.date.min, dt.date.max]
    assert last_days([ChargedPeriod("", start, end, True) for end in ends for start in (None, end)]) == [
        ends[0], ends[0], ends[1], ends[1],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("2026-04-01", True), ("2026-04-01T00:00Z", True), ("2026-04-01T00:00:00.000+03:00", True),
        ("2026-04-01 00:00:00", True), ("4/1/2026 12:00:00 AM", True), ("4/1/2026 0:00", True),
        ("2026-03-31T23:59:59+00:00", False), ("2026-04-01T00:00:01Z", False), ("", True),
        ("2026-04-01T00:00:00.001Z", False), ("3/31/2026 12:00:00 PM", False),
    ],
)  # fmt: skip
def test_midnight_is_known_however_it_is_written(text: str, is_so: bool) -> None:
    assert is_midnight(text) == is_so


@given(st.integers(1, 120))
def test_the_name_of_a_period_tells_its_months(months: int) -> None:
    assert months_of(period_name(months)) == months


@pytest.mark.parametrize(
    ("name", "months"),
    [("Month", 1), ("1 Year", 12), ("P1Y", 12), ("P3M", 3), ("36 Months", 36), ("Annually", 12),
     ("Triennial", 36), ("Half-yearly", 6), ("License", None), ("", None), ("0 months", None),
     ("30 days", None)],
)  # fmt: skip
def test_common_names_of_periods_are_known(name: str, months: int | None) -> None:
    assert months_of(name) == months
