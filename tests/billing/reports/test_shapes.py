"""Shapes in which a month is written: each reads right, or is refused in words."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.helpers.report_rows import doubts_of
from xlsync.billing.reports.reading import ReportsRead, read_reports
from xlsync.errors import ReportError
from xlsync.models import LineType, Month
from xlsync.settings import ReportSettings

OCTOBER = Month(2026, 10)
FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 10, 31)
HEADER = [
    "Customer",
    "Product",
    "Subscription ID",
    "Quantity",
    "Unit Price",
    "Amount",
    "Start Date",
    "End Date",
]
AMBER = ["Amber Ltd", "Mail", "s-1", "6", "10.50", "63.00", "2026-10-01", "2026-10-31"]
BEECH = ["Beech GmbH", "Backup", "s-2", "3", "4.20", "12.60", "2026-10-01", "2026-10-31"]
TYPED = ["Amber Ltd", "Mail", "s-1", 6, 10.5, 63, FIRST, LAST]


def read_csv(path: Path, *rows: list[str], header: list[str] = HEADER, delimiter: str = ",") -> ReportsRead:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([header, *rows])
    path.write_text(text.getvalue(), encoding="utf-8")
    return read_reports([path], OCTOBER, ReportSettings())


def amber(**cells: str) -> list[str]:
    """A row for six mails, with some cells written otherwise."""
    return [
        cells.get(name.lower().replace(" ", "_"), value) for name, value in zip(HEADER, AMBER, strict=True)
    ]


def refusal(path: Path, *rows: list[str], **how: Any) -> str:
    with pytest.raises(ReportError) as caught:
        read_csv(path, *rows, **how)
    return caught.value.message


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("01.10.2026", "31.10.2026"),
        ("10/01/2026", "10/31/2026"),
        ("01/10/2026", "31/10/2026"),
        ("01-Oct-26", "31-Oct-26"),
        ("October 1st, 2026", "October 31st, 2026"),
        ("1. Oktober 2026", "31. Oktober 2026"),
        ("1er octobre 2026", "31 octobre 2026"),
        ("1 de octubre de 2026", "31 de octubre de 2026"),
        ("1 ottobre 2026", "31 ottobre 2026"),
        ("1 Οκτωβρίου 2026", "31 Οκτωβρίου 2026"),
        ("Thursday, October 1, 2026", "Saturday, October 31, 2026"),
        ("2026-10-01T00:00:00.000Z", "2026-10-31T23:59:59.999Z"),
        ("10/1/2026 12:00:00 AM", "10/31/2026 11:59:59 PM"),
        ("20261001", "20261031"),
        ("46296", "46326"),
        ("2026-09-30T22:00:00Z", "2026-10-30T23:00:00Z"),  # midnights of another zone
    ],
)
def test_a_period_is_october_however_it_is_written(path: Path, start: str, end: str) -> None:
    (line,) = read_csv(path, amber(start_date=start, end_date=end)).lines
    assert (line.start, line.end) == (FIRST, LAST)


@pytest.mark.parametrize(
    ("cells", "units", "amount"),
    [
        ({"quantity": "1.200", "unit_price": "10,50", "amount": "12.600,00"}, "1200", "12600"),
        ({"quantity": "1'200", "amount": "12'600.00"}, "1200", "12600"),
        ({"quantity": "1 200", "unit_price": "10,50", "amount": "12\u202f600,00"}, "1200", "12600"),
        ({"quantity": "12000", "amount": "1,26,000.00"}, "12000", "126000"),
        ({"unit_price": "€ 10.50", "amount": "63.00 EUR"}, "6", "63"),
        ({"quantity": "'6", "unit_price": "'10.50"}, "6", "63"),
        ({"quantity": '="6"'}, "6", "63"),
        ({"unit_price": "1.05E+01", "amount": "6.3E+01"}, "6", "63"),
        ({"quantity": "2", "amount": "(21.00)"}, "-2", "-21"),
        ({"quantity": "2", "amount": "($21.00)"}, "-2", "-21"),
        ({"quantity": "2", "amount": "21.00-"}, "-2", "-21"),
        ({"quantity": "−2", "amount": "−21.00"}, "-2", "-21"),
        ({"quantity": "-2", "amount": "-€21.00"}, "-2", "-21"),
        ({"quantity": "2", "amount": "-3.33"}, "0", "-3.33"),  # money off, and no unit back
    ],
)
def test_a_number_is_itself_however_it_is_written(
    path: Path, cells: dict[str, str], units: str, amount: str
) -> None:
    (line,) = read_csv(path, amber(**cells)).lines
    assert (line.units, line.amount) == (Decimal(units), Decimal(amount))
    assert (line.type is LineType.CREDIT) == (line.amount < 0)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"quantity": "5%"}, "Quantity: “5%” is not a number"),
        ({"quantity": "٦"}, "Quantity: “٦” is not a number"),
        ({"amount": "21.00 Cr"}, "Amount: “21.00 Cr” is not a number"),
        ({"amount": "#REF!"}, "Amount: “#REF!” is an error of a formula"),
        ({"unit_price": "1.500", "amount": ""}, "may have thousands or three decimals"),
        ({"subscription_id": "1.23457E+17"}, "“1.23457E+17” is a long id that a spreadsheet has shortened"),
        ({"subscription_id": "5.69142413664019E17"}, "“5.69142413664019E17” is a long id that a spreadsheet"),
        ({"subscription_id": "s-1, s-2"}, "Subscription ID: “s-1, s-2” holds 2 contracts"),
        ({"subscription_id": "s-1\ns-2"}, "Subscription ID: “s-1 s-2” holds 2 contracts"),
        ({"end_date": "2206-10-31"}, "“2206-10-31” is not a date"),
        ({"end_date": "2026-02-30"}, "“2026-02-30” is not a date"),
        ({"end_date": "2026-09-01"}, "2026-09-01 is before the start, 2026-10-01"),
        ({"start_date": "10/10/2026", "end_date": "11/10/2026"}, "may have the day or the month first"),
        (
            {"start_date": "13/10/2026", "end_date": "10/31/2026"},
            "the start of the period is written day-first",
        ),
        ({"customer": ""}, "Customer: is empty"),
        ({"customer": '"'}, 'Customer: “"” is no name'),
        ({"customer": "#NOM?"}, "Customer: “#NOM?” is an error of a formula"),
        ({"product": "#¡REF!"}, "Product: “#¡REF!” is an error of a formula"),
        ({"product": "#####"}, "Product: “#####” is an error of a formula"),
        ({"customer": "=VLOOKUP(A2,B:C,2)"}, "Customer: “=VLOOKUP(A2,B:C,2)” is a formula and not its value"),
        ({"unit_price": "€ 10.50", "amount": "63.00 USD"}, "Amount: the row names USD and EUR"),
        ({"quantity": "-6", "unit_price": "-10.50"}, "Amount: is 63.00 and has -6 units at -10.50"),
        ({"quantity": "12"}, "12 × 10.5 is not 63"),
    ],
)
def test_a_cell_that_is_not_sure_is_named_with_its_row_and_column(
    path: Path, cells: dict[str, str], told: str
) -> None:
    message = refusal(path, amber(**cells))
    assert "row 2" in message
    assert told in message


@pytest.mark.parametrize(
    "rows",
    [
        (["Thank you for your business"],),
        (["Report generated on 2026-11-02 10:00"],),
        (["Page 1 of 1"],),
        (["---"] * 8,),
        (["", "=====", "=====", "=====", "", "", "", ""],),
        (["Prepared by:", "Accounts"],),
        (["Endbetrag", "", "", "9", "", "75.60", "", ""],),
        (["", "Razem", "", "9", "", "75.60", "", ""],),
        ([""] * 8, HEADER),
        (["Totaal", "", "", "9", "", "75,60", "", ""],),
        (["Total", "Total", "Total", "9", "", "75.60", "", ""],),
        (["Amount due", "", "", "", "", "75.60", "", ""],),
        (["", "", "", "", "VAT 20%", "15.12", "", ""], ["", "", "", "", "Total", "90.72", "", ""]),
    ],
)
def test_what_is_no_charge_is_left_out_and_told(path: Path, rows: tuple[list[str], ...]) -> None:
    found = read_csv(path, AMBER, BEECH, *rows)
    assert len(found.lines) == 2
    assert any("left out" in told for told in found.notices)


@pytest.mark.parametrize("signs", ["", "()", "."])
def test_a_row_that_numbers_the_columns_is_no_line(path: Path, signs: str) -> None:
    numbers = [f"{signs[:1].strip('.')}{n}{signs[-1:]}" for n in range(1, 9)]
    assert len(read_csv(path, numbers, AMBER, BEECH).lines) == 2


@pytest.mark.parametrize("cells", [{"customer": "Total Wine Ltd"}, {"product": "Total Security"}])
def test_a_charge_is_never_taken_for_a_total(path: Path, cells: dict[str, str]) -> None:
    assert len(read_csv(path, amber(**cells), BEECH).lines) == 2


@pytest.mark.parametrize("word", ["Cancellation fee", "Credit card surcharge", "Reversal of credit", "Blorb"])
def test_a_word_that_is_no_kind_for_sure_refuses_the_file_once(path: Path, word: str) -> None:
    header, rows = [*HEADER, "Type"], [[*AMBER, "Recurring"], [*BEECH, word], [*BEECH, word]]
    assert f"row 3, Type: “{word}” stands there 2 times (rows 3, 4)" in refusal(path, *rows, header=header)


@pytest.mark.parametrize("header", ["Refund Amount", "Activation Date", "Renewal Period", "Entry Type"])
def test_a_column_that_may_matter_is_named_and_one_that_is_empty_is_not(path: Path, header: str) -> None:
    assert header in refusal(path, [*AMBER, "x"], header=[*HEADER, header])
    assert read_csv(path, [*AMBER, ""], header=[*HEADER, header]).lines


def read_workbook(path: Path, *sheets: tuple[str, list[list[Any]]], merge: str = "") -> ReportsRead:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        if merge:
            sheet.merge_cells(merge)
    book.save(path.with_suffix(".xlsx"))
    return read_reports([path.with_suffix(".xlsx")], OCTOBER, ReportSettings())


def test_merged_customers_hold_for_all_their_rows_and_merged_titles_for_none(path: Path) -> None:
    merged = [None, "Backup", "s-2", 3, 4.2, 12.6, FIRST, LAST]
    found = read_workbook(path, ("Lines", [HEADER, TYPED, merged]), merge="A2:A3")
    assert [line.customer for line in found.lines] == ["Amber Ltd", "Amber Ltd"]
    assert len(read_workbook(path, ("Lines", [["October"], HEADER, TYPED]), merge="A1:H1").lines) == 1


def test_a_header_of_two_rows_is_read_together(path: Path) -> None:
    above = ["Customer", "Product", "Subscription", "Charge", None, None, "Period", None]
    below = [None, None, "ID", "Quantity", "Unit Price", "Amount", "Start Date", "End Date"]
    (line,) = read_workbook(path, ("Lines", [above, below, TYPED]), merge="D1:F1").lines
    assert (line.customer, line.contract_id, line.units, line.end) == ("Amber Ltd", "s-1", 6, LAST)


def test_a_sheet_that_is_no_report_and_one_of_another_month_are_left_out_and_named(path: Path) -> None:
    september = [*TYPED[:6], dt.date(2026, 9, 1), dt.date(2026, 9, 30)]
    notes = ("Notes", [["Read me first"]])
    found = read_workbook(path, notes, ("Sep-26", [HEADER, september]), ("Oct-26", [HEADER, TYPED]))
    assert len(found.lines) == 1
    assert any("Sep-26" in told and "no period touches 2026-10" in told for told in found.notices)


def test_true_dates_beside_texts_are_a_problem(path: Path) -> None:
    swapped = [*TYPED[:6], "10/13/2026", "10/31/2026"]
    with pytest.raises(ReportError, match="has likely swapped days and months"):
        read_workbook(path, ("Lines", [HEADER, TYPED, swapped]))


def test_one_column_never_decides_the_order_of_days_against_the_other_end_of_its_period(path: Path) -> None:
    beech = [*BEECH[:6], "10/13/2026", "10/31/2026"]
    message = refusal(path, amber(start_date="01/10/2026", end_date="31/10/2026"), beech)
    assert "row 2, Start Date: “01/10/2026” may have the day or the month first" in message


def test_numbers_of_dates_in_a_workbook_that_counts_from_1904_are_its_days(path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for row in (HEADER, [*TYPED[:6], 46296 - 1462, 46326 - 1462]):
        book.worksheets[0].append(row)
    book.save(path.with_suffix(".xlsx"))
    (line,) = read_reports([path.with_suffix(".xlsx")], OCTOBER, ReportSettings()).lines
    assert (line.start, line.end) == (FIRST, LAST)


@pytest.mark.parametrize(
    ("header", "cell", "months"),
    [
        ("Billing Frequency", "Monatlich", 1),
        ("Billing Plan", "per month", 1),
        ("Billing Frequency", "Jährliche Abrechnung", 12),
        ("Billing Interval", "3 mois", 3),
        ("Billing Plan", "1 yr", 12),
        ("Billing Plan", "3 Year Term", 36),
        ("Billing Plan", "ετήσια", 12),
        ("Billing Interval (months)", "6", 6),
        ("Billing Plan", "Annual Prepaid", 12),
        ("Billing Plan", "Monthly Pre-Paid", 1),
        ("Billing Plan", "Month-to-Month", 1),
        ("Billing Plan", "Annual (billed monthly)", 1),
        ("Billing Frequency", "1 Year / Monthly", 1),
    ],
)
def test_how_often_is_billed_is_read_in_the_words_of_each_language(
    path: Path, header: str, cell: str, months: int
) -> None:
    (line,) = read_csv(path, [*AMBER, cell], header=[*HEADER, header]).lines
    assert line.billing_months == months


def test_where_a_commitment_leaves_open_how_often_is_billed_the_charged_months_show_it(path: Path) -> None:
    header = [*HEADER, "TermAndBillingCycle"]
    open_text = "One-Year commitment for monthly/yearly billing"
    found = read_csv(
        path, [*AMBER, open_text], [*BEECH, "One-Month commitment for monthly billing"], header=header
    )
    assert [(line.billing_months, line.commitment_months) for line in found.lines] == [(1, 12), (1, 1)]
    assert any("under TermAndBillingCycle count as billed Monthly" in notice for notice in found.notices)
    year = [*BEECH[:7], "2027-09-30", open_text]
    assert read_csv(path, year, header=header).lines[0].billing_months == 12


@pytest.mark.parametrize(
    ("cell", "billing"), [("One-Year commitment for yearly billing", 12), ("Annual commit / monthly bill", 1)]
)
def test_a_term_that_tells_how_often_it_is_billed_is_read_under_any_header(
    path: Path, cell: str, billing: int
) -> None:
    for name in ("Term", "Billing Plan", "Term And Billing Cycle"):
        found = read_csv(path, [*AMBER, cell], header=[*HEADER, name])
        assert [(line.billing_months, line.commitment_months) for line in found.lines] == [(billing, 12)]
        assert not any("no number of months" in notice for notice in found.notices)
    unknown = read_csv(path, [*AMBER, "Flexible"], header=[*HEADER, "Term And Billing Cycle"])
    assert any("“Flexible” under Term And Billing Cycle is no number" in one for one in unknown.notices)


def test_without_a_billing_period_the_charged_months_show_how_often_a_commitment_is_billed(
    path: Path,
) -> None:
    header = [*HEADER, "Term"]
    half = ["Amber Ltd", "Mail", "s-1", "2", "10.50", "10.50", "2026-10-17", "2026-10-31", "P1Y"]
    years = [[*BEECH[:6], "2026-10-01", "2027-09-30", term] for term in ("P3Y", "P1Y")]
    found = read_csv(path, [*AMBER, "P1Y"], half, years[0], header=header)
    periods = [(line.billing_months, line.commitment_months) for line in found.lines]
    assert periods == [(1, 12), (1, 12), (12, 36)]
    assert (
        "report.csv: nothing tells how often is billed: by their days, lines of a commitment of 12 months "
        "under Term count as billed Monthly"
    ) in found.notices
    both = read_csv(path, [*AMBER, "P1Y"], half, years[1], header=header)
    assert [line.billing_months for line in both.lines] == [1, 1, 12]
    year = [*amber(subscription_id="", end_date="2027-09-30"), "P1Y"]
    unnamed = read_csv(path, [*amber(subscription_id=""), "P1Y"], year, header=header)
    assert [line.billing_months for line in unnamed.lines] == [1, 12]
    told = read_csv(path, [*AMBER, "1 Year / Monthly"], header=header)
    assert not any("nothing tells how often" in notice for notice in told.notices)
    part = read_csv(path, [*amber(unit_price="126"), "P1Y"], half, header=header)  # of a year's price
    assert [line.billing_months for line in part.lines] == [12, 12]


@pytest.mark.parametrize("header", ["Billing Plan", "Term"])
@pytest.mark.parametrize("cell", ["Annual (billed monthly)", "1 Year / Monthly", "P1Y:Monthly"])
def test_of_two_periods_in_one_cell_the_longer_is_the_commitment(path: Path, header: str, cell: str) -> None:
    (line,) = read_csv(path, [*AMBER, cell], header=[*HEADER, header]).lines
    assert (line.billing_months, line.commitment_months) == (1, 12)


def test_a_period_of_no_known_length_is_named_and_one_with_a_date_refused(path: Path) -> None:
    found = read_csv(path, [*AMBER, "Custom"], header=[*HEADER, "Billing Frequency"])
    assert (
        "“Custom” under Billing Frequency is no number of months that is known (row 2)" in found.notices[-1]
    )
    told = refusal(path, [*AMBER, "as of 2026-10-01"], header=[*HEADER, "Billing Period"])
    assert (
        "row 2, Billing Period: “as of 2026-10-01” is neither a number of months nor a period of days" in told
    )


@pytest.mark.parametrize(
    ("cells", "currency"),
    [
        ({"unit_price": "€ 10.50", "amount": "63.00"}, "EUR"),
        ({"amount": "CHF 63.00"}, "CHF"),
        ({"unit_price": "zł10.50"}, "PLN"),
        ({"amount": "$63.00"}, ""),  # a dollar of several countries
        ({"amount": "63.00"}, ""),
    ],
)
def test_a_row_without_a_column_of_currencies_has_the_one_of_its_money(
    path: Path, cells: dict[str, str], currency: str
) -> None:
    (line,) = read_csv(path, amber(**cells)).lines
    assert line.currency == currency


@pytest.mark.parametrize(
    ("said", "amount", "named"),
    [
        ("CHF", "63.00 USD", "USD"),
        ("EUR", "$63", "$"),
        ("EUR", "kr 63.00", "kr"),
        ("GBP", "€63.00", "EUR"),
    ],
)
def test_money_of_another_currency_or_sign_than_the_rows_is_a_problem(
    path: Path, said: str, amount: str, named: str
) -> None:
    message = refusal(path, [*amber(amount=amount), said], header=[*HEADER, "Currency"])
    assert f"row 2, Currency: the row names {said} and {named}: " in message
    assert (
        read_csv(path, [*amber(amount="$63.00"), "USD"], header=[*HEADER, "Currency"]).lines[0].currency
        == "USD"
    )


def test_a_discount_beside_a_price_without_an_amount_is_a_problem(path: Path) -> None:
    header = [*HEADER, "Discount %"]
    assert "row 2, Discount %: 20 stands beside Unit Price" in refusal(
        path, [*amber(amount=""), "20"], header=header
    )
    assert read_csv(path, [*amber(amount=""), "0"], header=header).lines[0].amount == 63


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("Nutzungszeitraum", "2026-10"),
        ("Buchungsart der Position", "x"),
        ("Laufzeitende", "x"),
        ("Gültig ab", "x"),
        ("Soll/Haben", "S"),
        ("Rimborsi", "19.36"),
        ("Crédito", "sí"),
        ("Avoirs", "non"),
        ("Επιστροφή", "όχι"),
        ("Desde el alta", "x"),
        ("Έως και", "x"),
        ("Reason", "Rückerstattung"),
        ("Action", "cancelled"),
        ("Side", "CR"),
    ],
)
def test_a_column_that_may_tell_a_kind_a_sign_or_a_day_is_known_by_its_header_or_its_cells(
    path: Path, header: str, cell: str
) -> None:
    message = refusal(path, [*AMBER, cell], header=[*HEADER, header])
    assert f"the column “{header}” looks as if it told a kind, a sign or a date" in message


def test_days_that_nothing_reads_are_named_where_no_column_tells_the_period(path: Path) -> None:
    header = [*HEADER[:6], "Zeit"]
    assert "the column “Zeit” looks" in refusal(path, [*AMBER[:6], "Oktober 2026"], header=header)
    assert read_csv(path, [*AMBER, "Oktober 2026"], header=[*HEADER, "Zeit"]).lines


def test_a_column_of_months_tells_the_charged_period(path: Path) -> None:
    header = [*HEADER[:6], "Monat"]
    (line,) = read_csv(path, [*AMBER[:6], "Oktober 2026"], header=header).lines
    assert (line.start, line.end) == (FIRST, LAST)
    assert "Monat: “Oktober” is no period of days" in refusal(path, [*AMBER[:6], "Oktober"], header=header)


def test_a_name_that_a_spreadsheet_has_made_a_date_is_a_problem(path: Path) -> None:
    spoiled = [*TYPED[:2], dt.date(2026, 3, 1), *TYPED[3:]]
    with pytest.raises(ReportError, match="row 2, Subscription ID: is a date, 2026-03-01"):
        read_workbook(path, ("Lines", [HEADER, spoiled]))


def test_one_contract_on_two_customers_is_seen_whatever_its_case(path: Path) -> None:
    assert "row 3, Contract ID: S-1 is of Beech GmbH here" in refusal(
        path, AMBER, ["Beech GmbH", "Backup", "S-1", *BEECH[3:]]
    )


@pytest.mark.parametrize("name", ["Credits", "Gutschriften 2026", "Avoirs"])
def test_a_sheet_named_after_credits_without_a_minus_is_a_problem(path: Path, name: str) -> None:
    beech = [*BEECH[:3], 3, 4.2, 12.6, FIRST, LAST]
    with pytest.raises(ReportError, match="whether they take units back is not told"):
        read_workbook(path, ("Charges", [HEADER, TYPED]), (name, [HEADER, beech]))
    signed = [*BEECH[:3], -3, 4.2, -12.6, FIRST, LAST]
    found = read_workbook(path, ("Charges", [HEADER, TYPED]), (name, [HEADER, signed]))
    assert [line.units for line in found.lines] == [6, -3]


def test_a_sheet_that_copies_another_is_a_problem(path: Path) -> None:
    beech = [*BEECH[:3], 3, 4.2, 12.6, FIRST, LAST]
    with pytest.raises(ReportError, match="Copy, row 2: all lines from here on stand on sheet Lines too"):
        read_workbook(path, ("Lines", [HEADER, TYPED, beech]), ("Copy", [HEADER, TYPED]))


@pytest.mark.parametrize(
    "names", [("2026-09", "2026-10"), ("09.2026", "10.2026"), ("Sep", "Oct"), ("202609", "202610")]
)
def test_a_sheet_without_dates_is_of_the_month_in_its_name(path: Path, names: tuple[str, str]) -> None:
    header, other = HEADER[:6], [*BEECH[:3], 3, 4.2, 12.6]
    found = read_workbook(path, (names[0], [header, TYPED[:6]]), (names[1], [header, other]))
    assert [line.customer for line in found.lines] == ["Beech GmbH"]


def test_the_money_of_a_table_that_is_not_read_is_told(path: Path) -> None:
    usage = ["Customer", "Product", "Quantity", "Amount"]
    rows = [
        usage,
        ["Amber Ltd", "Storage", 5, 12.5],
        ["Beech GmbH", "Storage", 1, 2.5],
        ["Total", None, None, 15],
    ]
    found = read_workbook(path, ("Lines", [HEADER, TYPED]), ("Usage", rows))
    told = "\n".join(found.notices)
    assert (
        "sheet Usage: left out: another table begins in row 1 with fewer known columns, 15.00 in its rows"
        in told
    )


def test_a_sheet_that_has_no_header_that_is_known_is_told_and_its_charges_are_a_doubt(path: Path) -> None:
    charges = [["Customer", "Service", "Amount"], ["Amber Ltd", "Virtual machine", 500]]
    cover = [["Invoice 7"], ["Customer", "Amount"], ["Amber Ltd", 63], ["VAT 20%", 12.6], ["Total", 75.6]]
    prices = [["Product", "Unit Price"], ["Mail", 10.5]]
    lines = "Lines", [HEADER, TYPED]
    found = read_workbook(path, ("Azure", charges), lines)
    why = "left out: the header in row {} lacks the customer, the product or the units"
    assert f"report.xlsx, sheet Azure: {why.format(1)}, 500.00 in its rows (1 row)." in found.notices
    assert doubts_of(found) == [
        "report.xlsx, sheet Azure: 1 row of another table is not read, and is no summary of the lines."
    ]
    found = read_workbook(path, lines, ("Cover", cover), ("Prices", prices), ("Empty", []))
    assert f"report.xlsx, sheet Cover: {why.format(2)}, 63.00 in its rows (3 rows)." in found.notices
    none = "no header names the customer, the product and the units (2 rows)"
    assert f"report.xlsx, sheet Prices: left out: {none}." in found.notices
    assert (doubts_of(found), [table.sheet for table in found.tables]) == ([], ["Cover", "Prices", "Lines"])


def test_by_service_period_the_charged_period_decides_and_the_invoices_date_where_there_is_none(
    path: Path,
) -> None:
    """Periods that end at midnight end on the day before."""
    rows = [
        [*AMBER[:6], "2026-10-01T00:00:00", "2026-11-01T00:00:00", "2026-11-02"],
        [*BEECH[:6], "2026-09-01T00:00:00", "2026-10-01T00:00:00", "2026-10-02"],
        ["Cedar AG", "Setup", "", "1", "5.00", "5.00", "", "", "2026-10-02"],
        ["Cedar AG", "Help", "", "1", "7.00", "7.00", "", "", "2026-11-02"],
        ["Total", "", "", "", "", "87.60", "", "", ""],
    ]
    read_csv(path, *rows, header=[*HEADER, "Invoice Date"])
    found = read_reports([path], OCTOBER, ReportSettings(), "service-period")
    with pytest.raises(ReportError) as it:
        read_csv(path, rows[0], header=[*HEADER, "Invoice Date"])
    hint = "another file, or --by service-period, since rows of other invoices charge for 2026-10."
    assert it.value.hint == f"Choose its month, {hint}"
    assert [(line.customer, line.end) for line in found.lines] == [("Amber Ltd", LAST), ("Cedar AG", None)]
    assert found.totals is None
    left_out = "charged for 2026-09, 12.60 (1 row), invoiced in 2026-11, 7.00 (1 row), totals (1 row)"
    assert f"report.csv: left out: {left_out}." in found.notices
    rows[1][5] = "0.00"  # no doubt about the month
    read_csv(path, *rows[:2], header=[*HEADER, "Invoice Date"])
    assert doubts_of(read_reports([path], OCTOBER, ReportSettings(), "service-period")) == []


def test_charges_above_the_header_that_is_read_are_told_and_a_doubt(path: Path) -> None:
    above = [["Customer", "Service", "Amount"], ["Amber Ltd", "Virtual machine", 500], []]
    found = read_workbook(path, ("Lines", [*above, HEADER, TYPED]))
    assert len(found.lines) == 1
    assert any("the header in row 1 lacks" in told and "500.00" in told for told in found.notices)
    assert doubts_of(found) == [
        "report.xlsx, sheet Lines: 1 row of another table is not read, and is no summary of the lines."
    ]
    titles = [["Customer", "Made-up MSP", "Amount", 63], ["Invoice", "EX-1"], []]
    found = read_workbook(path, ("Lines", [*titles, HEADER, TYPED]))
    assert (doubts_of(found), [table.sheet for table in found.tables]) == ([], ["Lines"])


def test_an_amount_of_zero_beside_a_price_is_told(path: Path) -> None:
    found = read_csv(path, AMBER, [*BEECH[:5], "0.00", *BEECH[6:]])
    assert "make money that the amount of row 3 does not have: it is zero" in found.notices[-1]


@pytest.mark.parametrize("amount", [["Amount"], ["Debit", "Credit"]])
def test_an_empty_amount_beside_others_counts_as_the_units_at_their_price_and_is_a_doubt(
    path: Path, amount: list[str]
) -> None:
    header, none = [*HEADER[:5], *amount], [""] * (len(amount) - 1)
    found = read_csv(path, [*AMBER[:6], *none], [*BEECH[:5], "", *none], header=header)
    assert [line.amount for line in found.lines] == [63, Decimal("12.6")]
    assert doubts_of(found) == [
        f"report.csv: {amount[0]} is empty in row 3, and counts as Quantity × Unit Price."
    ]


def test_a_rebate_without_a_minus_beside_one_with_it_is_money_that_is_charged_and_a_doubt(path: Path) -> None:
    rebates = [["Amber Ltd", "Mail", "1", f"{sign}5.00", "Rebate"] for sign in ("-", "")]
    header = ["Customer", "Product", "Quantity", "Amount", "Type"]
    found = read_csv(path, ["Amber Ltd", "Mail", "6", "63.00", "Recurring"], *rebates, header=header)
    assert [(line.type, line.amount) for line in found.lines[1:]] == [("Credit", -5), ("One-time", 5)]
    assert "so the sign decides: row 4 is read as a charge" in doubts_of(found)[0]


@pytest.mark.parametrize(
    ("kind", "amount", "type_", "money"),
    [
        ("Usage", "500.00", LineType.USAGE, 500),
        ("Setup", "500.00", LineType.ONE_TIME, 500),
        ("Usage", "-5.00", LineType.CREDIT, -5),
        ("Usage credit", "5.00", LineType.CREDIT, -5),
    ],
)
def test_money_without_units_is_read_where_it_is_not_compared(
    path: Path, kind: str, amount: str, type_: LineType, money: int
) -> None:
    header = ["Customer", "Product", "Quantity", "Amount", "Type"]
    (line,) = read_csv(path, ["Amber Ltd", "Azure", "", amount, kind], header=header).lines
    assert (line.type, str(line.units), line.amount, line.is_compared) == (type_, "0", money, False)
    assert "Quantity: is empty" in refusal(path, ["Amber Ltd", "Azure", "", "5", "Recurring"], header=header)


@pytest.mark.parametrize("once", ["Once", "einmal", "Eenmaal", "Une fois", "una volta"])
def test_what_is_billed_once_does_not_recur(path: Path, once: str) -> None:
    header = ["Customer", "Product", "Quantity", "Amount", "Billing Frequency"]
    (line,) = read_csv(path, ["Amber Ltd", "Setup", "1", "63.00", once], header=header).lines
    assert line.type is LineType.ONE_TIME


def test_the_same_line_in_two_files_is_a_problem_and_other_lines_tell_their_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    read_csv(one, AMBER)
    read_csv(other, BEECH)
    found = read_reports([one, other], OCTOBER, ReportSettings())
    assert [line.report for line in found.lines] == ["one.csv", "other.csv"]
    read_csv(other, AMBER, BEECH)
    with pytest.raises(ReportError, match=r"row 2: the same line stands in one\.csv, row 2"):
        read_reports([one, other], OCTOBER, ReportSettings())


def test_files_of_one_name_in_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / above / "oct" / "r.csv" for above in ("one", "other")]
    for path, row in zip(paths, (AMBER, BEECH), strict=True):
        path.parent.mkdir(parents=True)
        read_csv(path, row)
    found = read_reports(paths, OCTOBER, ReportSettings())
    assert [(line.customer, line.report) for line in found.lines] == [
        ("Amber Ltd", "one/oct/r.csv"),
        ("Beech GmbH", "other/oct/r.csv"),
    ]
    with pytest.raises(ReportError, match=r"the same line stands in r\.csv, row 2"):
        read_reports([paths[0], paths[0]], OCTOBER, ReportSettings())


def test_lines_of_one_unit_prove_no_cost_where_others_have_their_whole_amount_as_cost(path: Path) -> None:
    header = ["Customer", "Product", "Quantity", "Cost", "Amount"]
    ones = [["Amber Ltd", f"Tool {n}", "1", "7.05", "7.05"] for n in range(3)]
    message = refusal(path, *ones, ["Beech GmbH", "Backup", "41", "207.05", "207.05"], header=header)
    assert "41 × 207.05 is not 207.05" in message
    assert "Cost is no cost per unit" in message


def test_a_duration_that_may_count_days_multiplies_no_cost(path: Path) -> None:
    header = ["Customer", "Product", "Quantity", "Unit Price", "Duration"]
    assert "Duration: 31 may be days or months" in refusal(
        path, ["Amber Ltd", "Mail", "6", "10.50", "31"], header=header
    )
    half = read_csv(path, ["Amber Ltd", "Mail", "6", "10.50", "0.5"], header=header)
    assert half.lines[0].amount == Decimal("31.50")
    dated = ["Amber Ltd", "Mail", "6", "10.50", "12", "2026-10-01", "2027-09-30"]
    year = read_csv(path, dated, header=[*header, "Start Date", "End Date"])
    assert year.lines[0].amount == 756


def test_an_invoice_numbered_as_a_credit_note_without_a_minus_is_refused(path: Path) -> None:
    header = ["Invoice Number", "Customer", "Product", "Quantity", "Unit Price", "Amount"]
    rows = [["INV-7", "Amber Ltd", "Mail", "6", "10.50", "63.00"]]
    message = refusal(path, *rows, ["CN-8", "Amber Ltd", "Mail", "2", "10.50", "21.00"], header=header)
    assert "“CN-8” looks like the number of a credit note" in message
    minus = read_csv(path, *rows, ["CN-8", "Amber Ltd", "Mail", "2", "10.50", "-21.00"], header=header)
    assert [line.units for line in minus.lines] == [6, -2]
    assert len(read_csv(path, ["CM-1", *rows[0][1:]], ["CM-2", *rows[0][1:]], header=header).lines) == 2


def test_that_no_column_is_an_amount_is_told(path: Path) -> None:
    read = read_csv(path, ["Amber Ltd", "Mail", "6", "10.50"], header=["Customer", "Product", "Qty", "Cost"])
    assert any("Cost counts as what one unit costs, and amounts are Qty × Cost" in n for n in read.notices)


@pytest.mark.parametrize(
    ("other", "own"),
    [("09", "10"), ("SEP26", "OCT26"), ("Sep '26", "Oct '26"), ("OCT25", "OCT26"), ("Sep_2026", "Oct_2026")],
)
def test_sheets_named_for_months_are_told_apart_without_dates(tmp_path: Path, other: str, own: str) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, units in ((other, 5), (own, 6)):
        sheet = book.create_sheet(name)
        sheet.append(HEADER[:6])
        sheet.append(["Amber Ltd", "Mail", "s-1", units, 10.5, units * 10.5])
    book.save(tmp_path / "months.xlsx")
    read = read_reports([tmp_path / "months.xlsx"], OCTOBER, ReportSettings())
    assert [line.units for line in read.lines] == [6]
    assert any(f"sheet {other}: left out: no period touches 2026-10" in notice for notice in read.notices)


def test_a_sheet_named_for_a_day_is_of_no_other_year(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, units in (("Oct 1", 5), ("Oct 15", 6)):
        sheet = book.create_sheet(name)
        sheet.append(HEADER[:6])
        sheet.append(["Amber Ltd", "Mail", "s-1", units, 10.5, units * 10.5])
    book.save(tmp_path / "days.xlsx")
    read = read_reports([tmp_path / "days.xlsx"], OCTOBER, ReportSettings())
    assert [line.units for line in read.lines] == [5, 6]


def test_a_report_of_another_month_raises_a_doubt_unless_its_invoices_are_of_the_month(path: Path) -> None:
    september = amber(start_date="2026-09-01", end_date="2026-09-30")
    assert doubts_of(read_csv(path, september)) == [
        "No period in report.csv touches 2026-10: is it the report of that month?"
    ]
    dated = read_csv(path, [*september, "2026-10-05"], header=[*HEADER, "Invoice Date"])
    assert doubts_of(dated) == []
    assert doubts_of(read_csv(path, AMBER)) == []


def test_lines_of_several_months_without_a_date_of_an_invoice_raise_a_doubt(path: Path) -> None:
    september = amber(start_date="2026-09-01", end_date="2026-09-30")
    november = amber(start_date="2026-11-01", end_date="2026-11-30")
    assert doubts_of(read_csv(path, AMBER, september, november)) == [
        (
            "2 lines of report.csv charge for no day of 2026-10 (63.00 for 2026-09, 63.00 for 2026-11), and "
            "no invoice's date says that they belong to it."
        )
    ]


def test_a_table_that_is_not_read_raises_a_doubt_unless_it_is_a_summary(tmp_path: Path) -> None:
    def read(amount: float) -> ReportsRead:
        book = openpyxl.Workbook()
        details = book.active
        assert details is not None
        for row in (HEADER, TYPED):
            details.append(row)
        other = book.create_sheet("Other")
        for cells in (["Customer", "Product", "Quantity", "Amount"], ["Amber Ltd", "all", 2, amount]):
            other.append(cells)
        book.save(tmp_path / "two.xlsx")
        return read_reports([tmp_path / "two.xlsx"], OCTOBER, ReportSettings())

    assert doubts_of(read(63)) == []
    assert doubts_of(read(-21)) == [
        "two.xlsx, sheet Other: 1 row of another table is not read, and is no summary of the lines."
    ]


@pytest.mark.parametrize(
    ("units", "cost", "amount"),
    [
        ("Number of Licenses", "Price per Seat", "Total excl. VAT"),
        ("Invoiced Quantity", "Unit Price excl. VAT", "Amount ex. tax"),
        ("Seat Count", "Price/Unit", "Pre-Tax Amount"),
        ("Menge", "Einzelpreis exkl. MwSt.", "Gesamt zzgl. MwSt."),
        ("Qty", "Unit Price EUR", "Amount in EUR"),
    ],
)
def test_headers_of_units_and_money_are_known_in_many_words(
    path: Path, units: str, cost: str, amount: str
) -> None:
    header = ["Customer Organization", "Plan Name", units, cost, amount, "VAT"]
    (line,) = read_csv(path, ["Amber Ltd", "Mail", "6", "10.50", "63.00", "11.97"], header=header).lines
    assert (line.customer, line.product, line.units) == ("Amber Ltd", "Mail", 6)
    assert (line.cost, line.amount) == (Decimal("10.50"), 63)


def test_a_currency_behind_the_headers_of_money_is_that_of_the_lines(path: Path) -> None:
    header = ["Customer", "Product", "Quantity", "Unit Price EUR", "Amount EUR"]
    row = ["Amber Ltd", "Mail", "6", "10.50", "63.00"]
    (line,) = read_csv(path, row, header=header).lines
    assert line.currency == "EUR"
    spellings = "amount_eur", "AmountEUR", "Amount (eur)", "Amount (EUR) *", "amount/eur", "Amount (net, EUR)"
    spellings += "Betrag EUR netto", "Total EUR excl. VAT"
    for spelling in spellings:
        (line,) = read_csv(path, row, header=[*header[:3], "Unit Price", spelling]).lines
        assert line.currency == "EUR", spelling
    two = [*header, "Amount USD"]
    assert "both mean Amount" in refusal(path, ["Amber Ltd", "Mail", "6", "1", "6", "7"], header=two)


def test_money_of_customers_by_the_bracket_of_its_header_is_not_what_the_msp_pays(path: Path) -> None:
    header = ["Company (Customer)", "Product", "Quantity", "Price (Customer)", "Price (Partner)"]
    header += ["Total (end customer)", "Total (Partner)"]
    row = ["Amber Ltd", "Mail", "6", "12.10", "10.50", "72.60", "63.00"]
    (line,) = read_csv(path, row, header=header).lines
    assert (line.customer, line.cost, line.amount) == ("Amber Ltd", Decimal("10.50"), 63)
    prices = [
        "Price (Customer)",
        "Unit Price EUR (Customer)",
        "Unit Price (Customer, EUR)",
        "Cost [EUR client]",
    ]
    prices += [
        "Prix (client final)",
        "Prijs (eindklanten)",
        "Precio (cliente)",
        "Pris (slutkund)",
        "Preis (Kunden)",
    ]
    for price in prices:
        what = refusal(path, row[:4], header=[*header[:3], price])
        assert "no column for: Amount or Unit Price" in what, price
    (line,) = read_csv(path, row[:4], header=[*header[:3], "Price (customer currency)"]).lines
    assert line.cost == Decimal("12.10")


def test_an_error_in_the_column_of_charged_periods_is_one_problem(path: Path) -> None:
    header = ["Customer", "Product", "Quantity", "Amount", "Period"]
    rows = (
        ["Amber Ltd", "Mail", "6", "63", "01.10.2026 - 31.10.2026"],
        ["Amber Ltd", "Mail", "6", "63", "#REF!"],
    )
    assert refusal(path, *rows, header=header).count("row 3, Period: “#REF!” is an error of a formula") == 1


@pytest.mark.parametrize("total", ["Total", "Total EUR", "Gesamtbetrag in EUR", "Total Charges"])
def test_a_total_beside_a_tax_may_hold_it_whatever_its_currency(path: Path, total: str) -> None:
    header = ["Customer", "Product", "Quantity", "VAT", total]
    assert "may hold the tax" in refusal(path, ["Amber Ltd", "Mail", "6", "11.97", "74.97"], header=header)


def test_a_column_of_users_beside_the_quantity_is_not_read(path: Path) -> None:
    (line,) = read_csv(path, [*AMBER, "99"], header=[*HEADER, "Users"]).lines
    assert line.units == 6


UNDATED = HEADER[:6]


@pytest.mark.parametrize(
    ("titles", "name"),
    [
        ([["Invoice for September 2026"]], "report.csv"),
        ([["Billing period: 01.09.2026 - 30.09.2026"]], "report.csv"),
        ([["Invoice Date:", "30.09.2026"], [""]], "report.csv"),
        ([["Rechnungsdatum", "30.09.2026"]], "report.csv"),
        ([["Report period: 01.09.2026 - 30.09.2026"]], "report.csv"),
        ([["Usage from 2026-09-01 to 2026-09-30"]], "report.csv"),
        ([], "invoice-2026-09.csv"),
        ([], "Sep 2026.csv"),
    ],
)
def test_a_title_or_a_name_of_another_month_raises_a_doubt_where_no_line_has_a_day(
    path: Path, titles: list[list[str]], name: str
) -> None:
    def doubts(own: Path, *rows: list[str], header: list[str]) -> list[str]:
        return doubts_of(read_csv(own, *rows, header=header))

    named = path.with_name(name)
    rows = [*titles, UNDATED, AMBER[:6]]
    (doubt,) = doubts(named, *rows[1:], header=rows[0])
    assert "names another month than 2026-10" in doubt
    dated = [*titles, HEADER, AMBER]
    assert not doubts(named, *dated[1:], header=dated[0])


@pytest.mark.parametrize("name", ["invoice-2026-10.csv", "export 2026-11-03.csv", "20261103.csv"])
def test_a_name_of_the_month_or_of_the_day_of_a_download_raises_no_doubt(path: Path, name: str) -> None:
    own = [["Invoice for October 2026"], ["Printed: 02.11.2026"], ["Contract 01.01.2026 - 31.12.2026"]]
    rows = [UNDATED, AMBER[:6]]
    found = read_csv(path.with_name(name), *own[1:], *rows, header=own[0])
    assert not found.tables[0].doubts


def test_a_column_that_names_another_month_in_all_rows_raises_a_doubt(path: Path) -> None:
    header = [*UNDATED, "Text"]
    (doubt,) = read_csv(path, [*AMBER[:6], "Charges for September 2026"], header=header).tables[0].doubts
    assert "“Charges for September 2026” in report.csv names another month" in doubt
    assert not read_csv(path, [*AMBER[:6], "PO 2024-09"], header=[*UNDATED, "Order"]).tables[0].doubts


def test_months_of_a_year_at_a_years_price_are_a_part_of_it(path: Path) -> None:
    year = amber(unit_price="120.00", amount="720.00", start_date="2026-03-01", end_date="2027-02-28")
    added = amber(quantity="2", unit_price="120.00", amount="98.63", end_date="2027-02-28")
    assert [line.units for line in read_csv(path, year, added).lines] == [6, 2]
    wrong = amber(quantity="2", unit_price="120.00", amount="980.63", end_date="2027-02-28")
    found = read_csv(path, year, wrong)
    assert any("2 × 120 is not 980.63" in told for told in found.notices)
