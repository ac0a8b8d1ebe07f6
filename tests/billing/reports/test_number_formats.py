"""The currency that the number formats of a workbook's money show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles.numbers import BUILTIN_FORMATS

from tests.helpers.office import Office
from tests.helpers.report_rows import doubts_of
from tests.helpers.workbooks import edited
from xlsync.billing.reports.number_formats import currency_of_format
from xlsync.billing.reports.reading import ReportsRead, read_reports
from xlsync.models import Month
from xlsync.settings import ReportSettings

HEADER = ("Customer", "Product", "Quantity", "Unit Price", "Amount")
ROW = ("Amber", "Mail", 6, 10.5, 63)


def written(path: Path, rows: Sequence[Sequence[object]], formats: Mapping[str, str]) -> Path:
    """Write a workbook of these rows, with number formats by the letters of their columns."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(row)
    for letter, code in formats.items():
        for cell in sheet[letter]:
            cell.number_format = code
    book.save(path)
    return path


def read(path: Path, rows: Sequence[Sequence[object]], formats: Mapping[str, str]) -> ReportsRead:
    written(path, rows, formats)
    return read_reports([path], Month(2026, 10), ReportSettings())


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "report.xlsx"


@pytest.mark.parametrize(
    ("code", "currency"),
    [
        ("[$USD] #,##0.00", "USD"),
        ("[$€-407]", "€"),
        ('#,##0.00 "EUR"', "EUR"),
        ("_-£* #,##0.00", "£"),
        ('_-"£"* #,##0.00_-;\\-"£"* #,##0.00_-;_-@_-', "£"),
        ("[$CHF-807] #,##0", "CHF"),
        ("#,##0.00\\ \\E\\U\\R", "EUR"),
        ("[Red]-#,##0.00\\ [$€-1]", "€"),
        ("[$$-C09]#,##0.00", "AUD"),
        ("[$$-2C0A]#,##0.00", "ARS"),
        ("[$$-409]#,##0.00", "$"),
        ('"$"#,##0.00', "$"),
        ('"US$"#,##0.00', "US$"),
        ("#,##0.00 [$kr.-406]", "DKK"),
        ("#,##0.00 [$kr-41D]", "SEK"),
        ("[$SFr.-807] #,##0.00", "CHF"),
        ('_-* #,##0.00\\ _€_-;\\-* #,##0.00\\ _€_-;_-* "-"??\\ _€_-', ""),
        ('#,##0 "PCS"', ""),
        ('#,##0.00 "EUR";"USD" 0', ""),
        ("[$-409]d/m/yyyy", ""),
        ("0.00E+00", ""),
        ("General", ""),
    ],
)
def test_a_number_format_shows_one_currency_or_none(code: str, currency: str) -> None:
    assert currency_of_format(code) == currency


@pytest.mark.parametrize(
    ("code", "currency"),
    [("[$USD] #,##0.00", "USD"), ("[$€-407]#,##0", "EUR"), ("_-£* #,##0.00", "GBP"), ("[$CHF-807]0", "CHF")],
)
def test_a_currency_that_only_the_number_format_of_the_amounts_shows_is_theirs(
    book: Path, code: str, currency: str
) -> None:
    for formats in ({"E": code}, {"D": code}, {"D": code, "E": code}):
        found = read(book, (HEADER, ROW), formats)
        assert [(line.amount, line.currency) for line in found.lines] == [(Decimal(63), currency)]
        assert not doubts_of(found)


def test_a_number_format_of_another_currency_than_the_file_names_raises_a_doubt(book: Path) -> None:
    named = (
        ((*HEADER, "Currency"), (*ROW, "EUR")),
        (("Customer", "Product", "Quantity", "Unit Price", "Amount (EUR)"), ROW),
        (("Currency: EUR",), HEADER, ROW),
    )
    for rows in named:
        found = read(book, rows, {"E": "[$USD] #,##0.00"})
        assert found.lines[0].currency == "EUR"
        assert any(
            "shows USD by its number format in row" in one and one.endswith("counts as EUR.")
            for one in doubts_of(found)
        )
        assert not doubts_of(read(book, rows, {"E": "#,##0.00 [$€-407]", "C": '"USD"0'}))
    (doubt,) = doubts_of(read(book, (HEADER, ROW), {"D": "[$USD]0", "E": "[$EUR]0"}))
    assert "Unit Price shows USD by its number format in row 2: the money counts as EUR" in doubt
    (doubt,) = doubts_of(read(book, ((*HEADER[:4], "Amount ($)"), ROW), {"E": "[$EUR]0"}))
    assert "Amount ($) shows EUR by its number format in row 2: which currency it is in is not told" in doubt


def test_a_dollar_of_no_country_in_a_number_format_is_told_and_may_be_any(book: Path) -> None:
    for code in ('"$"#,##0.00', "[$$-409]#,##0.00"):
        found = read(book, (HEADER, ROW), {"E": code})
        assert found.lines[0].currency == ""
        assert any("the sign in Amount stands for several currencies (row 2)" in n for n in found.notices)
        fitting = read(book, ((*HEADER, "Currency"), (*ROW, "CAD")), {"E": code})
        assert fitting.lines[0].currency == "CAD"
        assert not doubts_of(fitting)
    named = read(book, ((*HEADER[:4], "Amount ($)"), ROW), {"E": "[$$-C09]0"})
    assert named.lines[0].currency == "AUD"


def test_a_row_without_a_currency_has_the_one_that_the_number_formats_of_the_others_show(book: Path) -> None:
    written(book, (HEADER, ROW, ("Birch", "Mail", 1, 10.5, 10.5)), {})
    made = openpyxl.load_workbook(book)
    made.worksheets[0]["E2"].number_format = "[$EUR] #,##0.00"
    made.worksheets[0].append(("Total", None, None, None, 73.5))
    made.save(book)
    found = read_reports([book], Month(2026, 10), ReportSettings())
    assert [line.currency for line in found.lines] == ["EUR", "EUR"]
    assert found.tables[0].totals == {"EUR": Decimal("73.5")}
    assert any(
        "no currency is named in row 3, and the money counts as EUR, like that of the others" in one
        for one in found.notices
    )


def test_the_sign_of_a_style_that_the_file_only_numbers_is_that_of_whoever_opens_it(book: Path) -> None:
    found = read(book, ((*HEADER, "Currency"), (*ROW, "EUR")), {"E": BUILTIN_FORMATS[44]})
    assert found.lines[0].currency == "EUR"
    assert not doubts_of(found)


def test_a_sign_that_nobody_chose_for_the_money_is_told_where_the_file_names_another_currency(
    book: Path,
) -> None:
    named = (*HEADER, "Currency"), (*ROW, "EUR")
    for code in ("_($* #,##0.00_);_($* \\(#,##0.00\\)", '"$"#,##0.00', "[$$-409]#,##0.00"):
        found = read(book, named, {"E": code})
        assert found.lines[0].currency == "EUR"
        assert not doubts_of(found)
        assert any(
            "Amount shows $ by its number format in row 2: the money counts as EUR" in one
            for one in found.notices
        )
    # Excel writes the sign of the country of whoever saved the file into the formats that it numbers itself
    for rows, currency in ((named, "EUR"), ((HEADER, ROW), "GBP")):
        written(book, rows, {"E": '_-"£"* #,##0.00_-'})
        book.write_bytes(edited(book.read_bytes(), "xl/styles.xml", lambda xml: xml.replace('"164"', '"44"')))
        found = read_reports([book], Month(2026, 10), ReportSettings())
        assert found.lines[0].currency == currency
        assert not doubts_of(found)
    assert not any("number format" in one for one in found.notices)


def test_the_format_of_a_condition_is_none_of_a_cell(book: Path) -> None:
    written(book, (HEADER, ROW), {"E": "#,##0.00 [$€-407]"})
    of_condition = (
        '<dxfs count="1"><dxf><numFmt numFmtId="164" formatCode="[$USD] 0"/></dxf></dxfs></styleSheet>'
    )
    changed = edited(
        book.read_bytes(), "xl/styles.xml", lambda xml: xml.replace("</styleSheet>", of_condition)
    )
    book.write_bytes(changed)
    assert read_reports([book], Month(2026, 10), ReportSettings()).lines[0].currency == "EUR"


def test_a_number_format_shows_nothing_beside_a_text(book: Path) -> None:
    for amount, currency in (("EUR 63.00", "EUR"), ("63.00", "")):
        found = read(book, (HEADER, (*ROW[:4], amount)), {"E": "[$USD] #,##0.00"})
        assert (found.lines[0].amount, found.lines[0].currency) == (Decimal(63), currency)
        assert not doubts_of(found)


@pytest.mark.parametrize("suffix", ["xls", "ods"])
def test_number_formats_of_other_workbooks_show_the_currency_too(
    tmp_path: Path, office: Office, suffix: str
) -> None:
    rows = (HEADER, ROW, ("Birch", "Mail", 1, 10.5, 10.5), ("Cedar", "Mail", 1, 10.5, 10.5))
    codes = {"[$CHF-807] #,##0.00": "CHF", '#,##0.00 "EUR"': "EUR", "[$€-407]0.00": "EUR", '"$"0.00': ""}
    for n, (code, currency) in enumerate(codes.items()):
        source, target = tmp_path / f"{n}.xlsx", tmp_path / f"{n}.{suffix}"
        written(source, rows, {"D": code, "E": code})
        office.convert(source, target)
        found = read_reports([target], Month(2026, 10), ReportSettings())
        assert [line.currency for line in found.lines] == [currency] * 3
        assert any("stands for several currencies" in one for one in found.notices) == (not currency)
