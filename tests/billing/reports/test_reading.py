"""Billing lines out of reports: every file here is made by the test that reads it."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsync.billing.reports.meanings import HEADERS
from xlsync.billing.reports.reading import read_reports
from xlsync.errors import ConfigError, ReportError
from xlsync.models import BillingLine, LineType, Month
from xlsync.settings import ReportSettings

MARCH = Month(2026, 3)
REPORT = """\
Invoice No.,Customer Code,Customer Name,Currency Code,Invoice Type,MS Subscription ID,\
Billing Cycle Start Date,Billing Cycle End Date,\
Charge Description,Quantity,LPO Number,End User,Rate Per Qty,Exchange Rate,Unit Cost
I-1,C9,Made-up MSP,EUR,Debit Invoice,sub-1,2026-03-01,2026-03-31,Mail Standard,12,,Anna's Bakery,10.30,1,9.80
I-2,C9,Made-up MSP,EUR,Credit Invoice,,2026-03-20,2026-03-31,Backup,2,,Boris Clinic,9.68,1,8.90
,,,,,,,,,14,,,,,
"""


def d(text: str) -> Decimal:
    return Decimal(text)


def read_report(path: Path, *, month: Month = MARCH, **how: Any) -> tuple[BillingLine, ...]:
    return read_reports([path], month, ReportSettings(**how)).lines


def table(path: Path, header: str, *rows: str, **how: Any) -> tuple[BillingLine, ...]:
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return read_report(path, month=MARCH, **how)


def problems(path: Path, header: str, *rows: str, **how: Any) -> list[str]:
    with pytest.raises(ReportError) as caught:
        table(path, header, *rows, **how)
    return [line.strip() for line in caught.value.message.splitlines()]


# --- the layout of a distributor's report


def test_a_distributors_report_gives_its_lines(path: Path) -> None:
    path.write_text(REPORT, encoding="utf-8-sig")
    charge, credit = read_report(path, month=MARCH)
    assert charge == BillingLine(
        key=charge.key,
        source="report",
        invoice="I-1",
        type=LineType.RECURRING,
        charge=LineType.RECURRING,
        customer="Anna's Bakery",
        product="Mail Standard",
        contract_id="sub-1",
        units=d("12"),
        cost=d("10.30"),  # what the MSP pays, not the distributor's own cost
        amount=d("123.60"),
        currency="EUR",
        start=dt.date(2026, 3, 1),
        end=dt.date(2026, 3, 31),
    )
    assert charge.contract == "report:sub-1"
    assert (credit.type, credit.charge, credit.customer) == (
        LineType.CREDIT,
        LineType.RECURRING,
        "Boris Clinic",
    )
    assert (credit.units, credit.cost, credit.amount) == (-2, d("9.68"), d("-19.36"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_common_encoding_is_read(path: Path, encoding: str) -> None:
    path.write_text("Customer;Product;Quantity;Cost\nBäckerei Größe – Ost;Mail;2;1,5\n", encoding=encoding)
    (line,) = read_report(path, month=MARCH)
    assert (line.customer, line.cost, line.amount) == ("Bäckerei Größe – Ost", d("1.5"), 3)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_common_delimiter_is_read(path: Path, delimiter: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([["Customer", "Product", "Quantity", "Amount"], ["A, B; C | D", 'A "B"\nC', "3", "4"]])
    path.write_text(text.getvalue(), encoding="utf-8")
    (line,) = read_report(path, month=MARCH)
    assert (line.customer, line.product, line.units, line.amount) == ("A, B; C | D", 'A "B" C', 3, 4)


def test_headers_are_known_whatever_their_case_and_spaces(path: Path) -> None:
    header = '\ufeff  END   user ,"Charge\nDescription",qty,unit COST transaction currency (EUR)'
    (line,) = table(path, header, "A,P,0,0")
    assert (line.customer, line.product, line.units, line.cost, line.amount) == ("A", "P", 0, 0, 0)


def test_titles_may_stand_above_the_header(path: Path) -> None:
    (line,) = table(path, "sep=;", "Report of March;;", ";;;", "Customer;Product;Units;Cost", "A;P;1;2")
    assert line.customer == "A"


def test_the_settings_add_headers(path: Path) -> None:
    (line,) = table(
        path,
        "Kunde;Customer;Artikel;Menge;EK",
        "Anna;MSP;Mail;2;3",
        headers={"End Customer": ["Kunde"], "product": ["ARTIKEL"], "Units": ["Menge"], "Cost": ["EK"]},
    )
    assert (line.customer, line.product, line.units, line.cost) == ("Anna", "Mail", 2, 3)


def test_settings_of_an_unknown_column_are_told(path: Path) -> None:
    with pytest.raises(ConfigError, match="“Colour”"):
        table(path, "Customer,Product,Units,Cost", headers={"Colour": ["x"]})


def test_no_header_belongs_to_two_columns() -> None:
    names = [header.casefold() for groups in HEADERS.values() for group in groups for header in group]
    assert len(names) == len(set(names))


def test_a_file_without_the_needed_columns_tells_what_it_has(path: Path) -> None:
    with pytest.raises(ReportError) as caught:
        table(path, "Colour;Size", "red;3")
    assert "Found: “Colour”, “Size”" in caught.value.message
    assert "report.headers" in caught.value.hint
    path.write_bytes(b"")
    with pytest.raises(ReportError, match="is empty"):
        read_report(path, month=MARCH)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"none\.csv cannot be read"):
        read_report(tmp_path / "none.csv", month=MARCH)
    with pytest.raises(ReportError):
        read_report(tmp_path, month=MARCH)


def test_a_quotation_mark_that_is_never_closed_is_told(path: Path) -> None:
    """The mark would hide every row after it."""
    with pytest.raises(ReportError, match="cannot be read after line"):
        table(path, "Customer,Product,Units,Cost", 'A,"P,1,2', "B,P,1,2")


def test_bytes_that_are_no_text_are_told(path: Path) -> None:
    path.write_bytes(b"Customer,Product\x81,Units")
    with pytest.raises(ReportError, match="code page"):
        read_report(path, month=MARCH)
    path.write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(ReportError, match="cannot be unpacked"):
        read_report(path, month=MARCH)


# --- workbooks


def test_a_workbook_gives_typed_cells(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["About this report"])
    sheet = book.create_sheet("Lines")
    sheet.append([None])
    sheet.append(
        [None, "Customer", "Product", "Quantity", "Cost", "Effective Date", "Subscription ID", "End Date"]
    )
    sheet.append([None, "Anna", "=1+1 Mail", 3, 4.98, dt.date(2026, 3, 17), 1234567, 46112])
    sheet.append([None, None, None, 3, None])
    sheet.cell(3, 3).data_type = "s"
    book.save(path)
    (line,) = read_report(path, month=MARCH)
    assert (line.customer, line.product, line.units, line.cost) == ("Anna", "=1+1 Mail", 3, d("4.98"))
    assert (line.amount, line.start, line.end) == (d("14.94"), dt.date(2026, 3, 17), dt.date(2026, 3, 31))
    assert line.contract_id == "1234567"


def test_every_type_of_cell_is_read(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["Customer", "Product", "Quantity", "Cost", "Effective Date"])
    moment = dt.datetime.combine(dt.date(2026, 3, 1), dt.time(23, 59))
    book.active.append([True, 365, 0.1, 1, moment])
    book.save(path)
    (line,) = read_report(path, month=MARCH)
    assert (line.customer, line.product, line.units) == ("TRUE", "365", d("0.1"))
    assert line.start == dt.date(2026, 3, 1)


def test_a_workbooks_row_is_named_as_excel_counts(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["title"])
    book.active.append([])
    book.active.append(["Customer", "Product", "Quantity", "Cost"])
    book.active.append(["A", "P", "many", 1])
    book.save(path)
    with pytest.raises(ReportError, match="row 4, Quantity: “many” is not a number"):
        read_report(path, month=MARCH)


# --- rows


@pytest.mark.parametrize("name", ["", "Total", "TOTALS:", "Grand Total"])
def test_a_row_of_totals_may_be_named_where_the_customers_are(path: Path, name: str) -> None:
    header = "Customer,Product,Units,Cost"
    assert len(table(path, header, "A,P,1,1", f"{name},,1,1")) == 1
    assert len(table(path, header, f"{name},,1,1", "A,P,1,1")) == 1


def test_the_row_of_totals_is_dropped_and_no_other(path: Path) -> None:
    header = "Customer,Product,Units,Cost"
    assert len(table(path, header, "A,P,1,1", "", ",,,", ",,1,1", "", "")) == 1
    assert len(table(path, header, "A,P,1,1", "B,P,1,1")) == 2
    assert problems(path, header, "A,P,1,1", ",,3,1", "A,P,4,1")[1:] == [
        "row 3, Customer: is empty, and the figures are no total of the rows above"
    ]


def test_who_sees_an_empty_name_below_another_reads_how_a_pivot_table_repeats_it(path: Path) -> None:
    header = "Customer,Product,Units,Cost"
    hint = "Where a name stands only in the first of its rows, write it into each of them"
    for rows in (["A,P,1,1", ",Q,2,1"], ["A,,,", ",P,1,1", ",Q,2,1"]):
        path.write_text("\n".join([header, *rows]), encoding="utf-8")
        with pytest.raises(ReportError, match="Customer: is empty") as caught:
            read_reports([path], Month(2026, 3), ReportSettings())
        assert caught.value.hint.startswith(hint)
    path.write_text(f"{header}\n,P,1,1\nA,Q,2,1", encoding="utf-8")
    with pytest.raises(ReportError, match="Customer: is empty") as caught:
        read_reports([path], Month(2026, 3), ReportSettings())
    assert hint not in caught.value.hint


def test_only_rows_of_the_month_stay_where_invoice_dates_are_told(path: Path) -> None:
    header = "Customer,Product,Units,Cost,Invoice Date"
    rows = ["A,P,1,1,2026-02-28", "B,P,1,1,2026-03-01", "C,P,1,1,2026-03-31T23:00", "D,P,x,1,2026-04-01"]
    assert [line.customer for line in table(path, header, *rows)] == ["B", "C"]
    assert len(table(path, header, "A,P,1,1,", "B,P,1,1,")) == 2
    assert problems(path, header, "A,P,1,1,", rows[1])[1:] == [
        "row 2, Invoice Date: is empty, so its month is not known"
    ]


def test_a_report_of_another_month_is_told(path: Path) -> None:
    found = problems(path, "Customer,Product,Units,Cost,Invoice Date", "A,P,1,1,2026-02-28")
    assert found == ["report.csv holds no row of 2026-03; left out: invoiced in 2026-02, 1.00."]


def test_where_no_row_is_of_the_month_the_tables_that_are_not_read_are_told_too(path: Path) -> None:
    header = "Customer,Product,Units,Cost,Invoice Date"
    more = ["Total,,,1,", "Customer,Product,Quantity,Amount", "C,Q,1,7.50"]
    found = problems(path, header, "A,P,1,1,2026-02-28", *more)
    another = "another table begins in row 4 with fewer known columns, 7.50 in its rows"
    assert found == [f"report.csv holds no row of 2026-03; left out: {another}; invoiced in 2026-02, 1.00."]


def test_every_problem_is_listed_at_once(path: Path) -> None:
    found = problems(path, "Customer,Product,Units,Cost", *["A,P,x,y"] * 15, "B,P,,1", "C,P,1,")
    assert found[0] == "report.csv has 32 problems:"
    assert found[1:3] == ["row 2, Units: “x” is not a number", "row 2, Cost: “y” is not a number"]
    assert len(found) == 22
    assert found[-1] == "and 12 more"


def test_a_line_needs_an_amount_or_a_cost(path: Path) -> None:
    (line,) = table(path, "Customer,Product,Units,Amount", "A,P,2,0")
    assert (line.amount, line.cost) == (0, None)
    assert problems(path, "Customer,Product,Units,Cost", "A,P,2,", "B,P,,1")[1:] == [
        "row 2, Cost: has neither an amount nor a cost per unit beside it",
        "row 3, Units: is empty",
    ]


@pytest.mark.parametrize(
    ("row", "kind", "charge", "units", "amount"),
    [
        ("Debit Invoice,,2,20", LineType.RECURRING, LineType.RECURRING, 2, 20),
        ("Credit Invoice,,2,20", LineType.CREDIT, LineType.RECURRING, -2, -20),
        ("CREDIT NOTE,,-2,-20", LineType.CREDIT, LineType.RECURRING, -2, -20),
        (",Credit,2,20", LineType.CREDIT, LineType.RECURRING, -2, -20),
        (",,-2,20", LineType.CREDIT, LineType.RECURRING, -2, -20),
        (",,2,-20", LineType.CREDIT, LineType.RECURRING, -2, -20),
        ("Debit Invoice,,-2,-20", LineType.CREDIT, LineType.RECURRING, -2, -20),
        (",Usage,2,20", LineType.USAGE, LineType.USAGE, 2, 20),
        ("Credit Invoice,one-time,2,20", LineType.CREDIT, LineType.ONE_TIME, -2, -20),
        (",,0,0", LineType.RECURRING, LineType.RECURRING, 0, 0),
    ],
)
def test_credits_are_negative(
    path: Path, row: str, kind: LineType, charge: LineType, units: int, amount: int
) -> None:
    (line,) = table(path, "Customer,Product,Invoice Type,Type,Units,Amount,Cost", f"A,P,{row},10")
    assert (line.type, line.charge, line.units, line.amount, line.cost) == (kind, charge, units, amount, 10)


def test_a_negative_cost_without_an_amount_is_a_credit(path: Path) -> None:
    (line,) = table(path, "Customer,Product,Units,Cost", "A,P,2,-10")
    assert (line.type, line.units, line.cost, line.amount) == (LineType.CREDIT, -2, 10, -20)


def test_an_unknown_kind_of_invoice_is_a_problem(path: Path) -> None:
    found = problems(path, "Customer,Product,Invoice Type,Units,Cost", "A,P,Dings,1,1")
    assert found[1] == (
        "row 2, Invoice Type: “Dings” stands there once (row 2) and is no kind of charge that is known"
    )


def test_periods_have_one_vocabulary(path: Path) -> None:
    header = "Customer,Product,Units,Cost,Billing Plan,Billing Cycle"
    found = table(path, header, "A,P,1,1,Month,1 Year", "A,P,1,1,,P3Y", "A,P,1,1,Odd,", "A,P,1,1,,")
    assert [(line.billing_period, line.billing_months) for line in found] == [
        ("Monthly", 1), ("Every 3 years", 36), ("Odd", None), ("", None),
    ]  # fmt: skip
    assert [line.commitment_months for line in found] == [12, 36, None, None]


def test_an_end_whole_months_later_is_the_day_after(path: Path) -> None:
    header = "Customer,Product,Units,Cost,Start Date,End Date"
    (line,) = table(path, header, "A,P,1,1,2026-03-01,2026-04-01")
    assert line.end == dt.date(2026, 3, 31)


@pytest.mark.parametrize(
    ("ends", "last"),
    [
        (["2026-04-01", "2026-04-01"], 31),
        (["2026-03-31", "2026-03-31"], 31),
        (["2026-03-31 23:59:59", "2026-03-31 23:59:59"], 31),
        (["2026-03-30 23:59:59", "2026-03-30 23:59:59"], 30),
    ],
)
def test_a_credit_row_ends_as_the_charge_does(path: Path, ends: list[str], last: int) -> None:
    header = "Customer,Product,Units,Cost,Start Date,End Date"
    rows = [f"A,P,{units},1,{start},{end}" for (units, start), end in zip(
        [("-2", "2026-03-20"), ("12", "2026-03-01")], ends, strict=True
    )]  # fmt: skip
    assert [line.end for line in table(path, header, *rows)] == [dt.date(2026, 3, last)] * 2


# --- keys


@given(st.permutations(["A,P,1,5.0", "A,P,1,5", "A,P,2,2.5", "B,P,1,5", "A,Q,1,5", "A,P,1,"]))
def test_keys_do_not_depend_on_the_order_or_the_spelling_of_numbers(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str]
) -> None:
    path = tmp_path_factory.mktemp("keys") / "report.csv"
    header = "Customer,Product,Units,Cost,Amount"
    lines = table(path, header, *(f"{row},5" for row in rows))
    keys = {line.key for line in lines}
    assert len(keys) == 6
    assert keys == {line.key for line in table(path, header, *(f"{row},5.00" for row in sorted(rows)))}


# --- numbers


def test_an_unclear_number_is_decided_by_its_column_then_its_file_never_by_the_delimiter(path: Path) -> None:
    header = "Customer;Product;Units;Cost"
    assert [line.units for line in table(path, header, "A;P;1.234;1", "A;P;1.5;2,5")] == [
        d("1.234"),
        d("1.5"),
    ]
    assert [line.units for line in table(path, header, "A;P;1.234;1.50", "A;P;1,234;1")] == [d("1.234"), 1234]
    assert "nothing in the file tells" in problems(path, header, "A;P;1.234;1")[1]
    assert "nothing in the file tells" in problems(path, header.replace(";", ","), 'A,P,"1,234",1')[1]


def test_a_number_that_nothing_decides_is_a_problem(path: Path) -> None:
    header = "Customer\tProduct\tUnits\tCost"
    (_, found) = problems(path, header, "A\tP\t1.234\t1")
    assert found.startswith("row 2, Units: “1.234” may have thousands or three decimals")
    found = problems(path, header, "A\tP\t1.234\t1", "A\tP\t1.5\t1", "A\tP\t1,5\t1")[1]
    assert found.startswith("row 2, Units")


# --- dates


def test_unclear_dates_are_decided_by_their_column_then_their_file(path: Path) -> None:
    header = "Customer,Product,Units,Cost,Start Date,End Date"
    (line,) = table(path, header, "A,P,1,1,01/03/2026,31/03/2026")
    assert line.start == dt.date(2026, 3, 1)
    (line,) = table(path, header, "A,P,1,1,03/01/2026,03/31/2026")
    assert line.start == dt.date(2026, 3, 1)


def test_a_date_that_nothing_decides_is_a_problem_or_a_setting(path: Path) -> None:
    header = "Customer,Product,Units,Cost,Start Date,End Date"
    either = "A,P,1,1,02/03/2026,03/04/2026"  # both readings touch March
    found = problems(path, header, either, "A,P,1,1,soon,")
    assert found[1].startswith("row 2, Start Date: “02/03/2026” may have the day or the month first")
    assert found[3] == "row 3, Start Date: “soon” is not a date"
    (line,) = table(path, header, either, dates="day-first")
    assert line.start == dt.date(2026, 3, 2)
    (line,) = table(path, header, either, dates="month-first")
    assert line.start == dt.date(2026, 2, 3)
    (line,) = table(path, header, "A,P,1,1,01/03/2026,")  # the other reading is January's
    assert line.start == dt.date(2026, 3, 1)
    assert len(problems(path, header, either, "A,P,1,1,31/03/2026,", "A,P,1,1,03/31/2026,")) == 3


@pytest.mark.parametrize("word", ["Credit", "Gutschrift"])
def test_a_word_for_credits_that_has_both_signs_follows_the_sign_and_says_which_rows_charge(
    path: Path, word: str
) -> None:
    path.write_text(
        "Customer,Product,Type,Quantity,Unit Price,Amount\n"
        "A,Mail,Recurring,5,10.00,50.00\n"
        f"A,Mail,{word},2,10.00,-20.00\n"
        f"B,Mail,{word},1,10.00,10.00\n"
        "B,Mail,Recurring,3,10.00,30.00\n",
        encoding="utf-8",
    )
    read = read_reports([path], MARCH, ReportSettings())
    assert sorted((line.customer, line.units) for line in read.lines) == [
        ("A", -2), ("A", 5), ("B", 1), ("B", 3),
    ]  # fmt: skip
    (doubt,) = read.tables[0].doubts
    assert "the sign decides" in doubt
    assert doubt in read.tables[0].tell()
    assert word.casefold() in doubt.casefold()
    assert "has amounts with a minus and without, so the sign decides: row 4 is read as a charge" in doubt
