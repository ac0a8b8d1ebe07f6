"""Ranges over whole columns end where these end; every other reference stays."""

from __future__ import annotations

import openpyxl
import pytest

from tests.helpers.workbooks import bytes_of
from xlsync.xlsx.package import Package

ENDS = {0: (1, 4), 7: (285, 292), 8: (285, 285)}  # columns A, H and I


@pytest.mark.parametrize(
    ("formula", "new"),
    [
        ("SUM(Lists!$H$2:$H$286,Lists!H2:H285)", "SUM(Lists!$H$2:$H$293,Lists!H2:H285)"),
        ("COUNTA('lists'!H1:I286)", "COUNTA('lists'!H1:I293)"),  # both columns, with their headers
        ("COUNTA(Lists!I2:I286)", "COUNTA(Lists!I2:I286)"),
        ("COUNTA(Lists!H2:J286)", "COUNTA(Lists!H2:J286)"),  # a column of somebody else's is among them
        ("Lists!A2&Lists!H286", "Lists!A2&Lists!H286"),
        ("COUNTA(Lists!A2:A2)+COUNTA(A2:A2)", "COUNTA(Lists!A2:A5)+COUNTA(A2:A2)"),
        ('"Lists!H2:H286"&COUNTA(Lists!H:H)', '"Lists!H2:H286"&COUNTA(Lists!H:H)'),
    ],
)
def test_a_range_over_whole_columns_ends_where_they_end(formula: str, new: str) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Lists"
    book.create_sheet("Mine")["A1"] = f"={formula}"
    package = Package.from_bytes(bytes_of(book))
    package.follow_lengths("Lists", ENDS)
    assert package.formulas("Mine") == {(0, 0): new}
