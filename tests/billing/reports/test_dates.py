"""Dates and periods as people write them: every reading that a text allows."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsync.billing.reports.dates import DateReadings, local_day, local_days, of_serial, read_date, read_range

DAY = dt.date(2026, 3, 17)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-17",
        "2026/03/17",
        "2026-3-17",
        "20260317",
        "2026-03-17T23:59:59+02:00",
        "2026-03-17 05:00",
        "17/03/2026",
        "03/17/2026",
        "17.03.2026",
        "17-03-2026",
        "17/3/26",
        "17-Mar-2026",
        "17-Mar-26",
        "17 March 2026",
        "Mar 17, 2026",
        "March 17 2026",
        "March 17th, 2026",
        "17/03/2026 11:30:00 PM",
        "46098",
        "46098.99",
        "17. März 2026",
        "17 mars 2026",
        "17 maart 2026",
        "17 de marzo de 2026",
        "17 marzo 2026",
        "17 Μαρτίου 2026",
        "Tue Mar 17 2026",
        "Dienstag, 17. März 2026",
        "2026-03-17Z",
        "2026 Mar 17",
    ],
)
def test_a_clear_date_is_read(text: str) -> None:
    read = read_date(text)
    assert read is not None
    assert read.is_clear
    assert (read.day_first or read.month_first) == DAY


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("Dez", 12),
        ("Dec", 12),
        ("décembre", 12),
        ("août", 8),
        ("Οκτωβρίου", 10),
        ("ottobre", 10),
        ("enero", 1),
        ("mei", 5),
        ("Jänner", 1),
        ("févr.", 2),
        ("gennaio", 1),
        ("Sept", 9),
    ],
)
def test_months_are_known_by_name_in_seven_languages(name: str, month: int) -> None:
    assert read_date(f"5 {name} 2026") == DateReadings(dt.date(2026, month, 5), dt.date(2026, month, 5))


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "31/31/2026",
        "2026-02-30",
        "26-03-01",
        "17 Foo 2026",
        "3",
        "99999",
        "2026-3",
        "17/03-2026",
        "1 March 1850",
        "2150-05-05",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any
        read_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01",
        "0001-01-01T00:00:00",
        "1900-01-00",
        "00/00/0000",
        "0000-00-00",
        "01/01/0001",
        "1/1/1900",
        "9999-12-31",
        "31.12.9999",
    ],
)
def test_a_date_of_no_day_is_none(text: str) -> None:
    assert read_date(text) is None


@given(st.dates(dt.date(1990, 1, 1), dt.date(2099, 12, 31)), st.sampled_from("/-"))
def test_a_date_written_either_way_is_read_back(day: dt.date, mark: str) -> None:
    first = read_date(f"{day.day:02}{mark}{day.month:02}{mark}{day.year}")
    second = read_date(f"{day.month}{mark}{day.day}{mark}{day.year}")
    assert first is not None
    assert second is not None
    assert (first.day_first, second.month_first) == (day, day)
    is_unclear = day.day <= 12 and day.day != day.month
    assert (first.is_clear, second.is_clear) == (not is_unclear, not is_unclear)


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-01 - 2026-10-31",
        "01.10.2026 bis 31.10.2026",
        "1 Oct 2026 to 31 Oct 2026",
        "2026-10-01/2026-10-31",
        "01.10.2026–31.10.2026",
        "von 01.10.2026 bis 31.10.2026",
        "du 01/10/2026 au 31/10/2026",
        "από 01/10/2026 έως 31/10/2026",
        "20261001-20261031",
        "01.10.-31.10.2026",
        "1-31 Oct 2026",
        "Oct 1 - Oct 31, 2026",
        "202610",
        "Oct 2026",
        "2026-10",
        "10/2026",
        "October 2026",
        "Οκτώβριος 2026",
        "2026-10-01 → 2026-10-31",
        "01.10.2026 thru 31.10.2026",
        "Oct 1, 2026 through Oct 31, 2026",
        "2026-10-01, 2026-10-31",
        "(2026-10-01 - 2026-10-31)",
        "du 1er au 31 octobre 2026",
        "van 01-10-2026 tot en met 31-10-2026",
        "October 1-31, 2026",
        "Oct 1 - 31 2026",
    ],
)
def test_a_period_in_one_cell_has_two_ends(text: str) -> None:
    found = read_range(text)
    assert found is not None
    assert [one.day_first for one in found] == [dt.date(2026, 10, 1), dt.date(2026, 10, 31)]


@pytest.mark.parametrize("text", ["Monthly", "P1Y", "12", "Pro - Annual", ""])
def test_how_often_is_billed_is_no_period_of_days(text: str) -> None:
    assert read_range(text) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-09-30T22:00:00.000Z", "2026-10-01"),
        ("2026-10-31T22:59:59.000Z", "2026-10-31"),
        ("2026-10-01T04:00:00Z", "2026-10-01"),
        ("2026-11-01T03:59:59Z", "2026-10-31"),
        ("2026-09-30T18:30:00Z", "2026-10-01"),
        ("2026-10-01T00:00:00Z", "2026-10-01"),
        ("2026-10-31T23:59:59Z", "2026-10-31"),
        ("2026-10-31 23:30:00 CET", "2026-10-31"),
        ("1.10.2026 00:00 MESZ", "2026-10-01"),
    ],
)
def test_midnight_of_another_zone_keeps_its_local_day(text: str, day: str) -> None:
    read = read_date(text)
    assert read is not None
    assert read.day_first is not None
    assert str(local_day(read.day_first, read, local_days([read]))[0]) == day


def test_half_past_an_hour_is_midnight_only_where_a_zone_is_so_far_off() -> None:
    readings = [read_date(f"2026-10-31T{time}:00Z") for time in ("23:30", "22:00", "18:30")]
    late, hour, india = (reading for reading in readings if reading is not None)
    assert local_days([india]) is not None
    assert local_days([late]) is None
    assert local_days([india, hour]) is None


def test_a_serial_with_a_time_is_its_day() -> None:
    assert [of_serial(one).day_first for one in (46296.0, 46326.99998842)] == [  # type: ignore[union-attr]
        dt.date(2026, 10, 1),
        dt.date(2026, 10, 31),
    ]


@given(
    st.text(max_size=20) | st.from_regex(r"[0-3]?[0-9][-/. ][A-Za-z0-9]{1,9}[-/. ][0-9]{2,4}", fullmatch=True)
)
def test_any_text_is_a_date_or_none_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        read = read_date(text)
        assert read is None or 1990 <= (read.day_first or read.month_first or DAY).year <= 2100
