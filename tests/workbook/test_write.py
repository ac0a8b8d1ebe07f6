"""Notices of a check: they name cells where these stand after the rows were renewed."""

from __future__ import annotations

import pytest

from xlsync.errors import Notice
from xlsync.workbook.write import Renewed

RENEWED = Renewed(moved={"Mismatches": {4: 6, 5: 5}})


@pytest.mark.parametrize(
    ("where", "after"),
    [
        ("Mismatches!P5", "Mismatches!P7"),
        ("Mismatches!AB6", "Mismatches!AB6"),
        ("Start!C5", "Start!C5"),
        ("", ""),
    ],
)
def test_a_notice_follows_the_cell_that_it_is_about(where: str, after: str) -> None:
    assert RENEWED.place(Notice(where, "look again")) == Notice(after, "look again")


def test_a_notice_goes_with_the_row_that_it_is_about() -> None:
    assert RENEWED.place(Notice("Mismatches!P8", "look again")) is None


def test_a_text_that_begins_like_an_address_stays_as_it_is() -> None:
    notice = Notice("", "Mismatches!P8: a sheet of the report")
    assert RENEWED.place(notice) == notice
    assert str(notice) == notice.text
