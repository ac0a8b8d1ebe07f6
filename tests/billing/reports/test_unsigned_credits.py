"""Credits that only words beside the figures tell: the file is refused, or a doubt is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from tests.helpers.report_rows import doubts_of, read, refused
from xlsync.billing.reports.reading import ReportsRead, read_reports
from xlsync.errors import ReportError
from xlsync.models import LineType, Month
from xlsync.settings import ReportSettings

HEADER = "Customer,Product,Quantity,Unit Price,Amount"
CHARGE = "Amber,Mail,6,10.50,63.00"
POSITIVE = "Amber,Mail,2,10.50,21.00"
POSITIVE_AMOUNT = "Amber,Mail,2,21.00"
NEGATIVE = "Amber,Mail,-2,10.50,-21.00"


def refusal(path: Path, *rows: str) -> str:
    return refused(path, *rows).message


@pytest.mark.parametrize(
    "title", ["CREDIT NOTE", "Credit Note No. 4711", "Gutschrift Nr. 12", "Stornorechnung"]
)
def test_a_title_that_says_credit_over_amounts_without_a_minus_is_a_problem(path: Path, title: str) -> None:
    message = refusal(path, title, "Number 12", HEADER, POSITIVE)
    assert f"row 1: “{title}” stands above the header and no amount has a minus" in message
    assert read(path, title, HEADER, NEGATIVE).lines
    assert read(path, title, f"{HEADER},Type", f"{POSITIVE},Credit").lines


def test_a_file_whose_name_says_credit_without_a_minus_in_it_is_a_problem(path: Path) -> None:
    for name in ("creditnote.csv", "Gutschrift_12.csv"):
        assert "the file's name tells of a credit" in refusal(path.with_name(name), HEADER, POSITIVE)
    named = path.with_name("2026-10 credit note 4711.csv")
    assert "the file's name tells of a credit" in refusal(named, HEADER, POSITIVE)
    assert read(named, HEADER, NEGATIVE).lines
    assert read(path.with_name("credit-control.csv"), HEADER, POSITIVE).lines


@pytest.mark.parametrize(
    "heading", ["Credits", "Gutschriften", "Refunds", "Usage charges", "One-time charges"]
)
@pytest.mark.parametrize("again", [(), (HEADER,)])
def test_a_heading_between_rows_that_tells_their_kind_is_a_problem(
    path: Path, heading: str, again: tuple[str, ...]
) -> None:
    message = refusal(path, HEADER, "Recurring charges,,,,", CHARGE, f"{heading},,,,", *again, POSITIVE)
    assert f"row 4: “{heading}” stands above rows" in message


@pytest.mark.parametrize("title", ["One-time charges", "Usage", "Verbrauch", "Usage,2026-10"])
def test_a_title_that_tells_the_kind_of_all_rows_is_a_problem_where_no_column_tells_it(
    path: Path, title: str
) -> None:
    named = title.partition(",")[0]
    assert f"row 1: “{named}” stands above all rows as their kind" in refusal(path, title, HEADER, CHARGE)
    assert read(path, title, f"{HEADER},Type", f"{CHARGE},Recurring").lines
    assert read(path, "Subscriptions", HEADER, CHARGE).lines


@pytest.mark.parametrize(
    "title", ["Tax Invoice", "VAT,DE123", "Fees", "Cloud Service Fees", "Usage charges,0.00", "Tax:,16.80"]
)
def test_a_title_of_tax_or_fees_and_the_label_of_a_figure_are_no_kind_of_all_rows(
    path: Path, title: str
) -> None:
    found = read(path, title, HEADER, CHARGE)
    assert [line.type for line in found.lines] == [LineType.RECURRING]
    assert not doubts_of(found)


def test_a_sheet_that_is_named_as_a_kind_is_a_problem_and_one_with_a_word_of_a_kind_a_doubt(
    path: Path,
) -> None:
    def read_sheet(name: str) -> ReportsRead:
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active.title = name
        for row in (HEADER.split(","), ["Amber", "Mail", 6, 10.5, 63]):
            book.active.append(row)
        book.save(path.with_suffix(".xlsx"))
        return read_reports([path.with_suffix(".xlsx")], Month(2026, 10), ReportSettings())

    with pytest.raises(ReportError, match="Usage, row 1: “Usage” stands above all rows"):
        read_sheet("Usage")
    (doubt,) = doubts_of(read_sheet("Azure usage"))
    assert "sheet Azure usage: the lines count as recurring, since no column tells their kind; add a" in doubt
    assert not doubts_of(read_sheet("Azure"))
    assert not doubts_of(read_sheet("Lines excl VAT"))


def test_every_doubt_about_rows_names_their_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    header = ["Customer", "Product", "Quantity", "Unit Price", "Amount", "SKU Name", "Start Date", "End Date"]
    days, past = ("2026-10-01", "2026-10-31"), ("2026-08-01", "2026-08-31")
    charge = ["Amber", "Mail", 6, 10.5, 63, "Basic", *days]
    others = (
        ["Amber", "Mail", 1, 20, 20, "Plus", *days],
        ["Boris", "Discount", 1, 3, 3, "", *days],
        ["Boris", "Disk", 2, 3, 6, "", *past],
    )
    for title, rows in (("North", [charge]), ("South", [["Amounts in $"], header, charge, *others])):
        sheet = book.create_sheet(title)
        for row in (header, *rows) if title == "North" else rows:
            sheet.append(row)
        if title == "South":
            sheet["E3"].number_format = "[$EUR]0"
            sheet["D3"].number_format = "[$USD]0"
    path = tmp_path / "report.xlsx"
    book.save(path)
    doubts = doubts_of(read_reports([path], Month(2026, 10), ReportSettings()))
    assert len(doubts) == 5  # a discount, a number format, a title, names of products, another month
    assert [doubt for doubt in doubts if "report.xlsx, sheet South" not in doubt] == []


@pytest.mark.parametrize("heading", ["Amber", "Recurring charges", "October", "Page 2"])
def test_other_headings_are_left_out(path: Path, heading: str) -> None:
    assert len(read(path, HEADER, CHARGE, f"{heading},,,,", POSITIVE).lines) == 2


def test_a_heading_of_credits_above_amounts_with_a_minus_is_left_out(path: Path) -> None:
    assert len(read(path, HEADER, CHARGE, "Credits,,,,", NEGATIVE).lines) == 2


@pytest.mark.parametrize(("header", "cell"), [("Comment", "Refund"), ("Remarks", "credit for September"),
                                              ("Reason", "Void")])  # fmt: skip
def test_a_remark_that_says_credit_of_an_amount_without_a_minus_is_a_problem(
    path: Path, header: str, cell: str
) -> None:
    message = refusal(path, f"{HEADER},{header}", f"{CHARGE},thank you", f"{POSITIVE},{cell}")
    assert f"row 3, {header}: “{cell}” says credit" in message
    assert read(path, f"{HEADER},{header}", f"{CHARGE},thank you", f"{NEGATIVE},{cell}").lines
    assert read(path, f"{HEADER},Payment Method", f"{CHARGE},Transfer", f"{POSITIVE},Credit").lines
    assert read(path, f"{HEADER},Subscription Status", f"{CHARGE},Active", f"{POSITIVE},Cancelled").lines


def test_a_product_named_as_a_credit_is_charged_as_it_stands_and_raises_a_doubt(path: Path) -> None:
    found = read(path, HEADER, CHARGE, "Amber,Credit for Mail,2,10.50,21.00")
    assert [line.amount for line in found.lines] == [63, 21]
    assert [len(table.doubts) for table in found.tables] == [1]
    assert "“Credit for Mail” is named as a credit" in found.tables[0].doubts[0]


@pytest.mark.parametrize("number", ["CRED-13", "Credit Note", "Gutschrift 4712", "GS-12"])
def test_an_invoice_named_as_a_credit_note_without_a_minus_is_a_problem(path: Path, number: str) -> None:
    header = f"{HEADER},Document"
    assert f"“{number}” looks like the number of a credit note" in refusal(
        path, header, f"{CHARGE},Invoice 12", f"{POSITIVE},{number}"
    )
    assert read(path, header, f"{CHARGE},Invoice 12", f"{NEGATIVE},{number}").lines


def test_a_file_of_credit_notes_alone_is_known_by_their_words_and_not_by_letters(path: Path) -> None:
    header = f"{HEADER},Invoice Number"
    assert "looks like the number of a credit note" in refusal(path, header, f"{POSITIVE},Credit Note 4")
    assert read(path, header, f"{CHARGE},GS-12").lines


@pytest.mark.parametrize(
    "product",
    ["Discount 10%", "10% Partner discount", "Rebate", "Mengenrabatt", "Nachlass 5 %", "Rabatt für Mail",
     "Remise", "Remise sur Mail", "Korting op Mail", "Korting 10%", "Descuento 10 %", "Sconto", "Έκπτωση",
     "Sconto su Mail", "Discount 10% - Mail", "Rabatt: Mail", "Credit note 4711", "Gutschrift", "Avoir",
     "Creditnota", "Abono", "Nota di credito", "Πιστωτικό",
     "Volume discount", "Mail discount 10 %", "Discount October 2026", "Sonderrabatt Oktober"],
)  # fmt: skip
@pytest.mark.parametrize(
    "figures", ["1,-5.81,-5.81", "1,5.81,-5.81", "-1,5.81,-5.81", "-1,5.81,5.81", "1,-5.81,"]
)
def test_a_product_that_is_no_more_than_a_word_for_money_off_changes_money_and_no_units(
    path: Path, product: str, figures: str
) -> None:
    found = read(path, HEADER, CHARGE, f"Amber,{product},{figures}")
    (charge, off) = found.lines
    assert not doubts_of(found)
    assert (charge.units, charge.amount) == (6, 63)
    assert (off.type, off.charge, off.units, off.cost) == (LineType.CREDIT, LineType.ONE_TIME, 0, None)
    assert off.amount == Decimal("-5.81")


@pytest.mark.parametrize(
    "product",
    ["Discount Manager", "Credit for Mail", "Mail (10% discount)", "Cloud Credits", "Service Bonus User"],
)
def test_a_product_with_a_word_for_money_off_in_its_name_has_units(path: Path, product: str) -> None:
    lines = read(path, HEADER, f"Amber,{product},6,10.50,63.00", f"Birch,{product},-2,10.50,-21.00").lines
    assert [(line.units, line.cost) for line in lines] == [(6, Decimal("10.50")), (-2, Decimal("10.50"))]


def test_several_units_with_a_minus_of_a_product_with_a_word_for_money_off_in_its_name_are_taken_back(
    path: Path,
) -> None:
    for product in (
        "Discount Bank backup",
        "Mail Non-profit discount",
        "Rabatt Manager",
        "Bonus for Teams",
    ):
        (_, back) = read(path, HEADER, CHARGE, f"Birch,{product},-2,10.50,-21.00").lines
        assert (back.units, back.cost, back.amount) == (-2, Decimal("10.50"), -21)
        (_, off) = read(path, HEADER, CHARGE, f"Birch,{product},2,-10.50,-21.00").lines
        assert (off.units, off.amount) == (0, -21)


def test_a_discount_whose_units_and_amount_differ_in_sign_is_asked_about_without_a_cost(path: Path) -> None:
    header = "Customer,Product,Quantity,Amount"
    for product in ("Rabatt", "Rabatt für Mail", "Volume discount"):
        message = refusal(path, header, POSITIVE_AMOUNT, f"Birch,{product},-1,21.00")
        assert "has -1 units and an amount of 21.00: which of them has the wrong sign is not told" in message
    assert read(path, header, POSITIVE_AMOUNT, "Birch,Mail discount,-3,-21.00").lines[1].units == -3


def test_a_seat_is_taken_back_in_another_sheet_or_file_than_the_one_that_charges_for_its_product(
    tmp_path: Path,
) -> None:
    one, charges, back = (openpyxl.Workbook() for _ in range(3))
    for sheet, units in (
        (one.worksheets[0], 10),
        (one.create_sheet("Credits"), -1),
        (charges.worksheets[0], 10),
        (back.worksheets[0], -1),
    ):
        sheet.append(HEADER.split(","))
        sheet.append(["Amber", "Mail Non-profit discount", units, 10.5, units * 10.5])
    paths = [tmp_path / name for name in ("one.xlsx", "charges.xlsx", "back.xlsx")]
    for book, path in zip((one, charges, back), paths, strict=True):
        book.save(path)
    for files, units in ((paths[:1], [10, -1]), (paths[1:], [10, -1]), (paths[:0:-1], [-1, 10])):
        lines = read_reports(files, Month(2026, 10), ReportSettings()).lines
        assert [line.units for line in lines] == units


def test_a_product_with_a_word_for_money_off_in_its_name_that_charges_raises_no_doubt(path: Path) -> None:
    assert not doubts_of(read(path, HEADER, CHARGE, "Amber,Discount Manager,2,10.50,21.00"))


def test_a_column_of_kinds_says_of_a_product_named_as_a_discount_what_it_is(path: Path) -> None:
    rows = "Amber,Mail,6,10.50,63.00,New", "Amber,Discount 10%,-2,10.50,-21.00,Cancel"
    assert [line.units for line in read(path, f"{HEADER},Type", *rows).lines] == [6, -2]


@pytest.mark.parametrize("product", ["Discount 10%", "Rabatt für Mail", "Remise"])
def test_a_product_named_as_a_discount_that_charges_raises_a_doubt(path: Path, product: str) -> None:
    found = read(path, HEADER, CHARGE, f"Amber,{product},1,5.81,5.81")
    assert found.lines[1].amount == Decimal("5.81")
    (doubt,) = doubts_of(found)
    assert f"“{product}” is named as a discount and has no minus: row 3 is read as a charge" in doubt
