"""Columns that are not read, or stand beside what their headers say: each is named, or the file refused."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from tests.helpers.report_rows import doubts_of, read, refused
from xlsync.billing.reports.reading import read_reports
from xlsync.errors import ReportError
from xlsync.models import Month
from xlsync.settings import ReportSettings


def refusal(path: Path, *rows: str) -> str:
    error = refused(path, *rows)
    return f"{error.message}\n{error.hint}"


@pytest.mark.parametrize(
    "header",
    ["Amount (incl. VAT)", "Betrag (inkl. MwSt.)", "Montant (TTC)", "Amount (gross)", "Amount (cents)",
     "Amount (in thousands)", "Amount (k€)", "Amount (previous)"],
)  # fmt: skip
def test_a_bracket_that_changes_what_the_figures_are_is_no_part_to_leave_out(path: Path, header: str) -> None:
    assert "no column for: Amount or Unit Price" in refusal(
        path, f"Customer,Product,Quantity,{header}", "Amber,Mail,6,75"
    )


def test_of_a_net_and_a_gross_amount_the_net_one_is_read(path: Path) -> None:
    header = "Customer,Product,Quantity,Unit Price,Amount (net),Amount (gross),Currency (ISO)"
    (line,) = read(path, header, "Amber,Mail,6,10.50,63.00,74.97,EUR").lines
    assert (line.amount, line.currency) == (63, "EUR")


@pytest.mark.parametrize(
    "header", ["Customer,Product,Quantity,Tax Rate,Total", "Kunde,Produkt,Menge,MwSt. %,Gesamt"]
)
def test_a_total_beside_a_rate_of_tax_may_hold_the_tax(path: Path, header: str) -> None:
    assert "so it may hold the tax" in refusal(path, header, "Amber,Mail,6,19 %,74.97")


def test_a_column_without_a_header_is_told_and_one_that_tells_credits_is_asked_about(path: Path) -> None:
    header = "Customer,Product,,Quantity,Unit Price,Amount"
    found = read(path, header, "Amber,Mail,north,6,10.50,63.00")
    assert any("columns not read: column 3 without a header" in told for told in found.notices)
    message = refusal(path, header, "Amber,Mail,DR,6,10.50,63.00", "Amber,Mail,CR,2,10.50,21.00")
    assert "the column “column 3 without a header” looks as if it told a kind, a sign or a date" in message


def test_a_description_that_is_not_read_and_tells_the_kind_is_asked_about(path: Path) -> None:
    rows = "Amber,Mail,Monthly fee,6,10.50,63.00", "Amber,Mail,Credit,2,10.50,21.00"
    message = refusal(path, "Customer,Product,Description,Quantity,Unit Price,Amount", *rows)
    assert "the column “Description” looks as if it told a kind" in message
    assert 'ignore = ["Description"]' in message


def test_a_column_of_customers_that_is_not_known_beside_the_resellers_company_is_asked_about(
    path: Path,
) -> None:
    header = "Company,Client Organisation Name,Product,Quantity,Unit Price,Amount"
    assert "“Client Organisation Name” is not known and may be the customer" in refusal(
        path, header, "Reseller Ltd,Amber,Mail,6,10.50,63.00"
    )
    same = read(path, header, "Amber,Amber,Mail,6,10.50,63.00")
    assert [line.customer for line in same.lines] == ["Amber"]


def test_the_decimals_that_an_unquoted_comma_puts_into_the_next_column_are_recognised(path: Path) -> None:
    header = "Customer,Product,Quantity,Unit Price,Note"
    message = refusal(path, header, "Amber,Mail,6,10,50", "Beech,Backup,3,4,20")
    assert "the cells of “Note” look like the decimals of “Unit Price”" in message
    assert read(path, header, "Amber,Mail,6,10,50", "Beech,Backup,3,4,new").lines
    rates = read(path, header.replace("Note", "Rate %"), "Amber,Mail,6,10,19")
    assert [line.cost for line in rates.lines] == [10]


def test_a_header_over_two_columns_with_cells_is_a_problem(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Customer", None, "Product", "Quantity", "Unit Price", "Amount"])
    sheet.append(["A001", "Amber", "Mail", 6, 10.5, 63])
    sheet.merge_cells("A1:B1")
    book.save(path.with_suffix(".xlsx"))
    with pytest.raises(ReportError, match="“Customer” stands over 2 columns with cells"):
        read_reports([path.with_suffix(".xlsx")], Month(2026, 10), ReportSettings())


@pytest.mark.parametrize("word", ["dito", "ditto", "same as above", "wie oben"])
def test_a_word_that_repeats_the_cell_above_is_no_name(path: Path, word: str) -> None:
    rows = "Amber,Mail,6,10.50,63.00", f"{word},Backup,3,4.20,12.60"
    assert f"row 3, Customer: “{word}” is no name" in refusal(
        path, "Customer,Product,Quantity,Unit Price,Amount", *rows
    )


@pytest.mark.parametrize(
    ("header", "cell", "kind"),
    [
        ("Billing Frequency", "One-time", "One-time"),
        ("Billing Cycle Type", "OneTime", "One-time"),
        ("Abrechnungsintervall", "einmalig", "One-time"),
        ("Billing Plan", "Pay as you go", "Usage"),
        ("Billing Frequency", "Monthly", "Recurring"),
    ],
)
def test_a_charge_that_is_billed_once_or_by_usage_does_not_recur(
    path: Path, header: str, cell: str, kind: str
) -> None:
    (line,) = read(
        path, f"Customer,Product,{header},Quantity,Amount", f"Amber,Server 2025,{cell},1,900"
    ).lines
    assert str(line.type) == kind


@pytest.mark.parametrize("status", ["Voided", "cancelled", "DRAFT", "storniert"])
def test_a_row_of_a_document_that_is_void_is_asked_about(path: Path, status: str) -> None:
    header = "Customer,Product,Charge Type,Invoice Status,Quantity,Amount"
    rows = "Amber,Mail,Recurring,Paid,6,63", f"Beech,Mail,Recurring,{status},3,31"
    message = refusal(path, header, *rows)
    assert f"row 3, Invoice Status: “{status}” says that no money is owed" in message
    assert 'ignore = ["Invoice Status"]' in message


def test_a_product_with_several_names_at_their_own_prices_in_another_column_raises_a_doubt(
    path: Path,
) -> None:
    header = "Customer,Service,Description,Quantity,Unit Price,Amount"
    rows = [
        "Amber,Office,Basic,6,5.00,30.00",
        "Amber,Office,Premium,2,9.00,18.00",
        "Beech,Office,Basic,1,5,5",
    ]
    (doubt,) = read(path, header, *rows).tables[0].doubts
    assert "“Service” is read as the product, and “Description” tells 2 under “Office”" in doubt
    assert 'Product = ["Description"]' in doubt
    alike = [row.replace("9.00,18", "5.00,10") for row in rows]
    assert not read(path, header, *alike).tables[0].doubts


@pytest.mark.parametrize("name", ["Quote", "Forecast", "Template", "Angebot"])
def test_a_sheet_beside_others_that_is_named_as_no_invoice_is_a_problem(path: Path, name: str) -> None:
    book = openpyxl.Workbook()
    for title, product in (("October", "Mail"), (name, "Backup")):
        sheet = book.create_sheet(title)
        sheet.append(["Customer", "Product", "Quantity", "Amount"])
        sheet.append(["Amber", product, 6, 63])
    book.remove(book.worksheets[0])
    book.save(path.with_suffix(".xlsx"))
    with pytest.raises(ReportError, match=f"{name}, row 2: its name says that it is no invoice"):
        read_reports([path.with_suffix(".xlsx")], Month(2026, 10), ReportSettings())
    book.worksheets[1].title = f"{name} Foods Ltd"  # a customer's sheet
    book.save(path.with_suffix(".xlsx"))
    assert len(read_reports([path.with_suffix(".xlsx")], Month(2026, 10), ReportSettings()).lines) == 2


@pytest.mark.parametrize(
    ("header", "row", "names"),
    [
        (
            "Kunde,Name,Artikel,Menge,Betrag",
            "10023,Amber GmbH,Mail,6,63",
            ("10023", "Amber GmbH", "", "Mail"),
        ),
        ("Client,Item,Description,Qty,Amount", "Amber,M-01,Mail box,6,63", ("", "Amber", "M-01", "Mail box")),
        ("Kunde,Artikel,Bezeichnung,Menge,Betrag", "A,10234,Postfach,6,63", ("", "A", "10234", "Postfach")),
        ("Client,Item,Description,Qty,Amount", "Amber,E3,Monthly fee,6,63", ("", "Amber", "", "E3")),
    ],
)
def test_a_name_comes_before_a_code_where_a_code_stands_under_the_names_header(
    path: Path, header: str, row: str, names: tuple[str, ...]
) -> None:
    (line,) = read(path, header, row).lines
    assert (line.customer_id, line.customer, line.product_code, line.product) == names


@pytest.mark.parametrize(
    ("id_", "is_left_out"), [("1001", True), ("72f988bf-86f1-41af-91ab-2d7cd011db47", False)]
)
def test_a_customer_number_of_several_names_in_two_files_tells_nobody_apart(
    path: Path, id_: str, is_left_out: bool
) -> None:
    header = "Customer,Customer ID,Product,Quantity,Amount,Charge Start"
    other = path.with_name("other.csv")
    path.write_text(f"{header}\nAcme,{id_},Mail,6,63,2026-10-01\nBeta,1002,Mail,6,63,2026-10-01\n", "utf-8")
    other.write_text(
        f"{header}\nZeta,{id_},Vault,6,63,2026-10-01\nBETA,1002,Vault,6,63,2026-10-01\n", "utf-8"
    )
    lines = read_reports([path, other], Month(2026, 10), ReportSettings()).lines
    own = "" if is_left_out else id_
    assert [line.customer_id for line in lines] == [own, "1002", own, "1002"]


def test_a_description_that_several_codes_share_is_not_their_name(path: Path) -> None:
    header = "Customer,Item,Description,Quantity,Amount"
    found = read(path, header, "Amber,MAIL-01,Cloud service,6,63", "Amber,BACK-02,Cloud service,3,12.60")
    assert [line.product for line in found.lines] == ["MAIL-01", "BACK-02"]


def test_an_id_of_zeros_is_no_contract(path: Path) -> None:
    header, zeros = "Customer,Product,Subscription ID,Quantity,Amount", "00000000-0000-0000-0000-000000000000"
    found = read(path, header, f"Amber,Mail,{zeros},6,63", f"Beech,Mail,{zeros},3,31.50")
    assert {line.contract_id for line in found.lines} == {""}


@pytest.mark.parametrize(
    ("cell", "currency"),
    [
        *(("US Dollar", "USD"), ("U.S. Dollar", "USD"), ("EUR (€)", "EUR"), ("CAD$", "CAD"), ("DKK.", "DKK")),
        *(("Pound Sterling", "GBP"), ("Schweizer Franken", "CHF"), ("kr", ""), ("Dollar", "")),
    ],
)
def test_a_currency_is_known_by_its_code_or_its_name(path: Path, cell: str, currency: str) -> None:
    (line,) = read(path, "Customer,Product,Quantity,Amount,Currency", f"Amber,Mail,6,63,{cell}").lines
    assert line.currency == currency


def test_words_that_are_no_currency_are_a_problem(path: Path) -> None:
    message = refusal(path, "Customer,Product,Quantity,Amount,Currency", "Amber,Mail,6,63,per month")
    assert "row 2, Currency: “per month” is no currency" in message


def test_an_empty_currency_is_that_of_all_other_rows_and_is_told(path: Path) -> None:
    header = "Customer,Product,Quantity,Amount,Currency"
    found = read(path, header, "Amber,Mail,6,63,EUR", "Beech,Mail,3,31.50,")
    assert [line.currency for line in found.lines] == ["EUR", "EUR"]
    assert any("Currency is empty in row 3, and counts as EUR" in told for told in found.notices)
    found = read(path, header, "Amber,Mail,6,63,EUR", "Beech,Mail,3,31.50,", "Beech,Backup,1,9,USD")
    assert [line.currency for line in found.lines] == ["EUR", "", "USD"]


def test_a_currency_in_the_header_of_the_amounts_that_is_not_that_of_the_row_is_a_problem(path: Path) -> None:
    header = "Customer,Product,Quantity,Amount (EUR),Currency"
    assert "the row names USD and EUR" in refusal(path, header, "Amber,Mail,6,63,USD")


@pytest.mark.parametrize(
    ("amount", "credit", "expected"),
    [("63", "0", "63"), ("63", "", "63"), ("0", "21", "-21"), ("", "21", "-21"), ("21", "21", "-21")],
)
def test_an_amount_beside_a_column_of_credits_counts_unless_there_is_a_credit(
    path: Path, amount: str, credit: str, expected: str
) -> None:
    (line,) = read(path, "Customer,Product,Quantity,Amount,Credit", f"Amber,Mail,6,{amount},{credit}").lines
    assert str(line.amount) == expected


def test_an_amount_and_another_credit_in_one_row_are_a_problem(path: Path) -> None:
    message = refusal(path, "Customer,Product,Quantity,Amount,Credit", "Amber,Mail,6,63,21")
    assert "row 2, Credit: stands beside another amount" in message


def test_a_row_with_a_meter_is_usage(path: Path) -> None:
    header = "CustomerName,ProductName,MeterName,Quantity,UnitPrice,BillingPreTaxTotal"
    found = read(path, header, "Amber,Virtual Machines,D2 v3,23.5,0.10,2.35", "Amber,Mail,,6,10.50,63.00")
    assert [(str(line.type), str(line.amount)) for line in found.lines] == [
        ("Usage", "2.35"),
        ("Recurring", "63.00"),
    ]


FIGURES = "Customer,Product,Quantity,Unit Price,Amount,Type,Invoice Date"
PROVEN = "Amber,Mail,6,10.50,63.00,Recurring,2026-10-31", "Beech,Mail,2,10.50,21.00,Recurring,2026-10-31"


def doubts(path: Path, *rows: str) -> list[str]:
    return doubts_of(read(path, FIGURES, *PROVEN, *rows))


@pytest.mark.parametrize(
    ("row", "doubt"),
    [
        ("Clara,Mail,2,10.50,31.50,Recurring,2026-10-31", "Amount in row 4 (2 × 10.5 is not 31.5)."),
        ("Clara,Mail,2,10.50,-31.50,Credit,2026-10-31", "Amount in row 4 (-2 × 10.5 is not -31.5)."),
        ("Clara,Mail,0,10.50,31.50,Recurring,2026-10-31", "Quantity is zero beside money in row 4."),
        ("Clara,Mail,2,10.50,0.00,Recurring,2026-10-31", "amount of row 4 does not have: it is zero."),
    ],
)
def test_a_recurring_row_whose_figures_break_the_proof_hinders_the_all_clear(
    path: Path, row: str, doubt: str
) -> None:
    (own,) = doubts(path, row)
    assert own.startswith(f"{path.name}: Quantity ")
    assert own.endswith(doubt)


@pytest.mark.parametrize(
    "row",
    [
        "Clara,Storage,2,10.50,31.50,Usage,2026-10-31",  # nothing of it is compared
        "Clara,Setup,2,10.50,0.00,One-time,2026-10-31",
        "Clara,Mail,2,10.50,31.50,Recurring,2026-11-30",  # left out: invoiced in another month
        "Clara,Mail,3,10.503,31.51,Recurring,2026-10-31",  # rounded
        "Amber,Mail,1,10.50,-5.08,Credit,2026-10-31",  # for the rest of the month
    ],
)
def test_a_row_that_is_not_compared_hinders_nothing_by_its_figures(path: Path, row: str) -> None:
    assert doubts(path, row) == []


def test_a_price_and_an_amount_under_headers_of_two_currencies_are_refused(path: Path) -> None:
    header = "Customer,Product,Quantity,Unit Price (USD),Amount (EUR)"
    message = refusal(path, header, "Amber,Mail,6,10.50,63.00")
    assert "the row names EUR and USD: its currency is not told" in message
    (line,) = read(path, header.replace("USD", "EUR"), "Amber,Mail,6,10.50,63.00").lines
    assert line.currency == "EUR"


@pytest.mark.parametrize("word", ["NET", "PER", "EXC"])
def test_a_word_in_brackets_that_is_no_currency_names_none(path: Path, word: str) -> None:
    header = f"Customer,Product,Quantity,Unit Price ({word}),Amount ({word}),Currency"
    assert [line.currency for line in read(path, header, "Amber,Mail,6,10.50,63.00,EUR").lines] == ["EUR"]


def test_credits_of_a_part_of_a_period_that_name_no_days_refuse_no_report(path: Path) -> None:
    header = "Customer,Product,Quantity,Unit Price,Amount,Type"
    rows = "Amber,Mail,6,10.50,63.00,Recurring", "Amber,Mail,1,10.50,-5.08,Credit"
    lines = read(path, header, *rows).lines
    assert [(line.units, line.cost, str(line.amount)) for line in lines] == [
        (6, Decimal("10.50"), "63.00"),
        (-1, Decimal("10.50"), "-5.08"),
    ]


@pytest.mark.parametrize(
    "header", ["Billing Value", "Monthly Sum", "Extension", "Charge", "Gesamtpreis Zeile"]
)
def test_figures_that_may_be_the_amount_are_asked_about_where_they_are_not_units_times_cost(
    path: Path, header: str
) -> None:
    """Half a month is billed: what units times the cost make would be twice the money."""
    head = f"Customer,Product,Quantity,Unit Price,{header}"
    message = refusal(path, head, "Amber,Mail,6,10.50,63.00", "Birch,Mail,2,10.50,10.50")
    assert f"row 3, {header}: 10.50 is not Quantity × Unit Price (2 × 10.5)" in message
    assert f'Amount = ["{header}"]' in message
    assert f'ignore = ["{header}"]' in message
    assert "2 × 10.5" in refusal(path, head, "Amber,Mail,6,10.50,63.00", "Birch,Mail,2,10.50,-21.00")


@pytest.mark.parametrize(
    "header", ["Billing Value", "Sell Total", "Invoice Total", "Total Units", "Gross Amount", "Montant TTC"]
)
def test_figures_that_are_units_times_cost_or_of_something_else_are_left_unread(
    path: Path, header: str
) -> None:
    head = f"Customer,Product,Quantity,Unit Price,{header}"
    other = "21.00" if header == "Billing Value" else "84.00"
    found = read(path, head, "Amber,Mail,6,10.50,63.00", f"Birch,Mail,2,10.50,{other}")
    assert [line.amount for line in found.lines] == [63, 21]


@pytest.mark.parametrize("header", ["Amount Credited", "Returned Quantity", "Chargeback"])
def test_a_header_that_names_what_went_back_is_asked_about(path: Path, header: str) -> None:
    rows = "Amber,Mail,6,10.50,63.00,", "Birch,Mail,2,10.50,21.00,2"
    assert f"“{header}” looks as if it told" in refusal(
        path, f"Customer,Product,Quantity,Unit Price,Amount,{header}", *rows
    )


@pytest.mark.parametrize("header", ["Your Price", "Cost", "Net Price", "Promo Price", "Prorated Unit Price"])
def test_another_price_beside_a_unit_price_is_asked_about_where_no_amount_tells_which_is_paid(
    path: Path, header: str
) -> None:
    rows = "Amber,Mail,6,12.00,10.00", "Birch,Mail,2,12.00,12.00"
    message = refusal(path, f"Customer,Product,Quantity,Unit Price,{header}", *rows)
    assert f"row 2, {header}: 10.00 stands beside 12 in Unit Price" in message
    assert f'ignore = ["{header}"]' in message


@pytest.mark.parametrize(
    "header",
    ["Price,Cost", "List Price,Unit Price", "End Customer Price,Unit Price",
     "Unit Price,Price After Discount", "Gross Price,Unit Price", "Listenpreis,EK-Preis",
     "Unit Price,Final Price"],
)  # fmt: skip
def test_of_two_prices_whose_headers_tell_which_the_msp_pays_that_one_is_read(
    path: Path, header: str
) -> None:
    (line,) = read(path, f"Customer,Product,Quantity,{header}", "Amber,Mail,6,12.00,10.00").lines
    assert (line.cost, line.amount) == (10, 60)


def test_the_quantity_that_was_billed_comes_before_any_other(path: Path) -> None:
    for header in ("Qty Billed", "Invoiced Quantity", "Billable Qty", "Chargeable Quantity"):
        (line,) = read(path, f"Customer,Product,Quantity,{header},Unit Price", "Amber,Mail,6,4,10.50").lines
        assert line.units == 4


@pytest.mark.parametrize("header", ["End Customer Email", "End User PO", "Data Center"])
def test_a_header_about_an_end_customer_or_about_data_is_no_end_and_no_date(path: Path, header: str) -> None:
    (line,) = read(path, f"Customer,Product,Quantity,Unit Price,{header}", "Amber,Mail,6,10.50,north").lines
    assert line.amount == 63


@pytest.mark.parametrize("header", ["Billing Value", "Reseller Charge", "Final Sum"])
def test_another_amount_is_asked_about_where_no_price_tells_which_is_charged(path: Path, header: str) -> None:
    message = refusal(path, f"Customer,Product,Quantity,Amount,{header}", "Amber,Mail,6,63.00,50.00")
    assert f"row 2, {header}: 50.00 stands beside 63 in Amount" in message
    priced = f"Customer,Product,Quantity,Unit Price,Amount,{header}"
    assert read(path, priced, "Amber,Mail,6,10.50,63.00,50.00").lines[0].amount == 63


def test_an_amount_after_discount_comes_before_the_amount(path: Path) -> None:
    for header in ("Amount After Discount", "Discounted Amount", "Net Payable"):
        (line,) = read(path, f"Customer,Product,Quantity,Amount,{header}", "Amber,Mail,6,63.00,50.00").lines
        assert line.amount == 50


def test_a_sign_of_several_currencies_is_told_where_nothing_says_which(path: Path) -> None:
    header = "Customer,Product,Quantity,Unit Price,Amount"
    found = read(path, header, "Amber,Mail,6,$10.50,$63.00", "Birch,Mail,1,10.50,10.50")
    assert any("the sign in Amount stands for several currencies (row 2)" in one for one in found.notices)
    for more, cell in ((",Currency", ",USD"), ("", "")):
        priced = "US$10.50" if not more else "$10.50"
        other = read(path, f"{header}{more}", f"Amber,Mail,6,{priced},63.00{cell}")
        assert not any("several currencies" in one for one in other.notices)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Amount (US$)", "USD"),
        ("Amount C$", "CAD"),
        ("Amount (in CA$)", "CAD"),
        ("Amount (A$)", "AUD"),
        ("Amount AU$", "AUD"),
        ("NZ$ Amount", "NZD"),
        ("Amount (CAD$)", "CAD"),
    ],
)
def test_a_dollar_of_one_country_in_a_header_names_the_currency(path: Path, name: str, code: str) -> None:
    found = read(path, f"Customer,Product,Quantity,{name}", "Amber,Mail,6,63.00")
    assert [(one.amount, one.currency) for one in found.lines] == [(63, code)]


def test_a_dollar_of_one_country_in_a_title_names_the_currency(path: Path) -> None:
    found = read(path, "Amounts in NZ$", "Customer,Product,Quantity,Amount", "Amber,Mail,6,63.00")
    assert found.lines[0].currency == "NZD"


def test_a_dollar_of_no_country_is_told_in_a_header_and_in_the_column_of_currencies(path: Path) -> None:
    header, row = "Customer,Product,Quantity,Amount", "Amber,Mail,6,63.00"
    told = "the sign in {} stands for several currencies"
    for where, headers, cells in (
        ("Amount ($)", f"{header} ($)", row),
        ("Currency", f"{header},Currency", f"{row},$"),
    ):
        found = read(path, headers, cells)
        assert any(told.format(where) in one for one in found.notices)
        assert found.lines[0].currency == ""
    beside = read(path, f"{header},Currency", f"{row},CAD", "Birch,Mail,1,10.50,$")
    assert [one.currency for one in beside.lines] == ["CAD", "CAD"]
    assert any(
        "Currency is “$” in row 3, and counts as CAD, like that of the others" in n for n in beside.notices
    )
    unnamed = read(path, header, "Amber,Mail,6,US$63.00", "Birch,Mail,1,10.50")
    assert any("no currency is named in row 3, and others name one" in n for n in unnamed.notices)


@pytest.mark.parametrize(("sign", "header"), [("$", "Amount"), ("kr", "Amount"), ("EUR", "Amount ($)")])
def test_a_sign_that_cannot_be_the_currency_of_the_other_rows_is_asked_about(
    path: Path, sign: str, header: str
) -> None:
    rows = "Amber,Mail,6,63.00,EUR", f"Birch,Mail,1,10.50,{sign}"
    assert "its currency is not told" in refusal(path, f"Customer,Product,Quantity,{header},Currency", *rows)


@pytest.mark.parametrize("headers", ["Debe,Haber", "Dare,Avere", "Charged to you,In your favour"])
def test_two_columns_of_which_either_holds_a_rows_money_are_asked_about(path: Path, headers: str) -> None:
    rows = "Amber,Mail,6,10.50,63.00,", "Amber,Mail,2,10.50,,21.00"
    message = refusal(path, f"Customer,Product,Quantity,Unit Price,{headers}", *rows)
    second = headers.split(",")[1]
    assert f"row 3, {second}: 21.00 is the row's money" in message
    assert f'"{second}"' in message.partition("ignore = ")[2]


def test_a_column_that_holds_the_money_of_rows_without_an_amount_is_asked_about(path: Path) -> None:
    rows = "Amber,Mail,6,10.50,63.00,0.00", "Amber,Mail,2,10.50,,21.00"
    message = refusal(path, "Customer,Product,Quantity,Unit Price,Amount,Correction", *rows)
    assert "row 3, Correction: 21.00 is the row's money, and other rows have none there" in message


@pytest.mark.parametrize(("discount", "payable"), [("12.60", "50.40"), ("20", "50.40"), ("20 %", "50.40")])
def test_a_column_of_the_amounts_less_their_discounts_is_asked_about(
    path: Path, discount: str, payable: str
) -> None:
    header = "Customer,Product,Quantity,Unit Price,Total,Discount,Payable"
    message = refusal(path, header, f"Amber,Mail,6,10.50,63.00,{discount},{payable}")
    assert f"row 2, Payable: {payable} is Total less Discount" in message
    assert 'Amount = ["Payable"]' in message
    taxed = read(path, header.replace("Payable", "Incl. VAT"), f"Amber,Mail,6,10.50,63.00,{discount},74.97")
    assert taxed.lines[0].amount == 63


@pytest.mark.parametrize(
    ("plus", "minus"), [("1", "-1"), ("POS", "NEG"), ("INV", "CRN"), ("RE", "GS"), ("plus", "minus")]
)
def test_an_unread_column_of_signs_or_of_codes_of_documents_is_asked_about(
    path: Path, plus: str, minus: str
) -> None:
    header = "Customer,Product,Quantity,Unit Price,Amount,Code"
    rows = f"Amber,Mail,6,10.50,63.00,{plus}", f"Amber,Mail,2,10.50,21.00,{minus}"
    assert "the column “Code” looks as if it told a kind, a sign or a date" in refusal(path, header, *rows)
    for other in (("CN",), ("1", "-"), ("-", "-")):
        assert read(path, header, *(f"Amber,Mail,6,10.50,63.00,{code}" for code in other)).lines


@pytest.mark.parametrize(
    ("title", "currency"),
    [("All amounts in EUR", "EUR"), ("Currency: CHF", "CHF"), ("Währung,€", "EUR"), ("Made in USA", ""),
     ("VAT in EUR: 12.00", ""), ("Exchange rate USD in EUR: 0.91", ""),
     ("Tax Invoice in AUD", "AUD")],
)  # fmt: skip
def test_a_title_tells_the_currency_where_nothing_nearer_does(path: Path, title: str, currency: str) -> None:
    header = "Customer,Product,Quantity,Unit Price,Amount"
    (line,) = read(path, title, header, "Amber,Mail,6,10.50,63.00").lines
    assert line.currency == currency
    (line,) = read(path, title, f"{header},Currency", "Amber,Mail,6,10.50,63.00,GBP").lines
    assert line.currency == "GBP"


@pytest.mark.parametrize(
    ("header", "row"),
    [("Amount (EUR)", "63.00"), ("Amount €", "63.00"), ("Amount,Currency", "63.00,EUR")],
)
def test_a_title_of_another_currency_than_the_rows_raises_a_doubt(path: Path, header: str, row: str) -> None:
    headers = f"Customer,Product,Quantity,{header}"
    found = read(path, "Invoice in USD", headers, f"Amber,Mail,6,{row}")
    assert found.lines[0].currency == "EUR"
    (doubt,) = doubts_of(found)
    assert doubt == "report.csv: a title names USD, and the money counts as EUR."
    for title in ("Invoice in EUR", "Exchange rate USD in EUR: 0.91", "VAT in USD"):
        assert not doubts_of(read(path, title, headers, f"Amber,Mail,6,{row}"))


@pytest.mark.parametrize(
    ("title", "named"),
    [("Invoice (USD)", "USD"), ("Invoice USD 2026-10", "USD"), ("Total USD", "USD"), ("Prices in $", "$"),
     ("Amount due (USD): 63", "USD"), ("Invoice currency is USD", "USD"), ("In US Dollars", "USD"),
     ("Invoice in USD,Amounts in GBP", "GBP and USD")],
)  # fmt: skip
def test_a_title_that_may_name_another_currency_raises_a_doubt_and_names_none(
    path: Path, title: str, named: str
) -> None:
    header, row = "Customer,Product,Quantity,Amount", "Amber,Mail,6,63.00"
    (doubt,) = doubts_of(read(path, title, f"{header} (EUR)", row))
    assert doubt == f"report.csv: a title names {named}, and the money counts as EUR."
    fitting = title.replace("USD", "EUR").replace("$", "EUR").replace("US Dollars", "Euro")
    for same in (fitting, "FX EUR/USD", "1 EUR = 1.08 USD", "Bank account USD 4711"):
        assert not doubts_of(read(path, same, f"{header} (EUR)", row))


def test_titles_of_several_currencies_over_rows_of_none_raise_a_doubt(path: Path) -> None:
    rows = "Customer,Product,Quantity,Amount", "Amber,Mail,6,63.00"
    found = read(path, "Invoice in USD", "Amounts in EUR", *rows)
    assert found.lines[0].currency == ""
    (doubt,) = doubts_of(found)
    assert "titles name EUR and USD, and nothing says which of them the money is in" in doubt


def test_a_title_of_the_currency_of_some_rows_raises_no_doubt(path: Path) -> None:
    rows = "Amber,Mail,6,63.00,EUR", "Birch,Mail,1,10.50,USD"
    assert not doubts_of(read(path, "Invoice in USD", "Customer,Product,Quantity,Amount,Currency", *rows))


def test_signs_that_contradict_the_currency_of_the_title_are_a_problem(path: Path) -> None:
    rows = "Customer,Product,Quantity,Unit Price,Amount", "Amber,Mail,6,£10.50,£63.00"
    assert "the row names EUR and GBP" in refusal(path, "Currency: EUR", *rows)
    header, row = "Customer,Product,Quantity,Unit Price ($),Amount", "Amber,Mail,6,10.50,63.00"
    for contradicting in (("Currency: EUR", header), (f"{header} (EUR)",)):
        assert "its currency is not told" in refusal(path, *contradicting, row)
    for fitting in (("Currency: USD", header), (f"{header} (US$)",)):
        assert read(path, *fitting, row).lines[0].currency == "USD"


def test_what_is_read_as_the_amount_and_is_the_price_of_one_unit_is_asked_about(path: Path) -> None:
    header, rows = (
        "Customer,Product,Quantity,Net,Amount",
        ("Amber,Mail,6,10.50,63.00", "Birch,Mail,1,10.50,10.50"),
    )
    message = refusal(path, header, *rows)
    assert "row 2, Amount: 63.00 is 6 × 10.5, so Net is the price of one" in message
    assert 'ignore = ["Amount"]' in message
    ignoring = ReportSettings(ignore=["Amount"])
    assert read_reports([path], Month(2026, 10), ignoring).lines[0].amount == Decimal("10.50")
    assert read(path, header, "Amber,Mail,6,63.00,74.97").lines[0].amount == 63


def test_another_quantity_is_asked_about_where_no_amount_tells_which_is_charged(path: Path) -> None:
    header = "Customer,Product,Quantity,Total Quantity,Unit Price"
    assert "row 2, Total Quantity: 6 stands beside 4 in Quantity" in refusal(
        path, header, "Amber,Mail,4,6,10.50"
    )
    assert read(path, f"{header},Amount", "Amber,Mail,4,6,10.50,42.00").lines[0].units == 4


@pytest.mark.parametrize("header", ["Sub-customer", "Child Account", "Beneficiary", "Consumer"])
def test_the_customer_of_a_customer_is_asked_about(path: Path, header: str) -> None:
    columns = f"Customer,{header},Product,Quantity,Unit Price,Amount"
    message = refusal(path, columns, "Reseller Ltd,Amber,Mail,6,10.50,63.00")
    assert f"“{header}” is not known and may be the customer, and so may “Customer”" in message
    assert read(path, columns, "Amber,Amber,Mail,6,10.50,63.00").lines


@pytest.mark.parametrize("more", ["Unit Price.1,Amount.1", "Unit Price2,Amount2", "Unit Price_1,Amount_1"])
def test_a_header_that_a_program_numbered_since_it_stands_twice_means_the_same(path: Path, more: str) -> None:
    header = f"Customer,Product,Quantity,Unit Price,Amount,{more}"
    second = more.split(",")[1]
    message = refusal(path, header, "Amber,Mail,6,12.00,72.00,10.50,63.00")
    assert f"“Amount” and “{second}” with different values, and both mean Amount" in message
    assert read(path, header, "Amber,Mail,6,10.50,63.00,10.50,63.00").lines
    assert read(path, "Customer,Description,Description 2,Quantity,Amount", "Amber,Mail,Basic,6,63.00").lines


def test_parts_of_a_unit_for_a_part_of_the_month_raise_a_doubt_where_other_units_are_whole(
    path: Path,
) -> None:
    header = "Customer,Product,Quantity,Unit Price,Amount,Start Date,End Date"
    month, half = "2026-10-01,2026-10-31", "2026-10-16,2026-10-31"
    share = f"Amber,Mail,0.5,10.50,5.25,{half}"
    (doubt,) = doubts_of(read(path, header, f"Amber,Mail,6,10.50,63.00,{month}", share))
    assert "Quantity may be units for a part of a period, not in force, in row 3" in doubt
    assert not doubts_of(read(path, header, f"Amber,Mail,2.5,10.50,26.25,{month}", share))


@pytest.mark.parametrize(
    ("header", "charged", "free"),
    [("Billable", "Yes", "No"), ("Is Billable", "TRUE", "FALSE"), ("Invoiced", "1", "0"),
     ("Abgerechnet", "ja", "nein"), ("Facturable", "oui", "non"), ("Excluded", "", "x"),
     ("Free of charge", "no", "yes"), ("Trial", "N", "Y"), ("Line Status", "Billed", "Pending"),
     ("Charge Status", "Invoiced", "Unbilled")],
)  # fmt: skip
def test_a_column_that_says_that_a_row_with_money_is_not_charged_is_asked_about(
    path: Path, header: str, charged: str, free: str
) -> None:
    columns = f"Customer,Product,Quantity,Unit Price,Amount,{header}"
    rows = f"Amber,Mail,6,10.50,63.00,{charged}", f"Birch,Mail,2,10.50,21.00,{free}"
    assert f"row 3, {header}: “{free}” says that no money is owed (row 3)" in refusal(path, columns, *rows)
    without_money = read(path, columns, rows[0], f"Birch,Mail,2,10.50,0.00,{free}")
    assert [line.amount for line in without_money.lines] == [63, 0]


@pytest.mark.parametrize(
    ("header", "cells"),
    [("Included", "50"), ("Free", "15"), ("Billable", "YY"), ("Belegstatus", ["offen", "bezahlt"])],
)
def test_a_column_of_counts_and_one_of_what_is_paid_say_nothing_of_what_is_charged(
    path: Path, header: str, cells: Sequence[str]
) -> None:
    rows = (f"Amber,Mail,6,10.50,63.00,{cell}" for cell in cells)
    assert len(read(path, f"Customer,Product,Quantity,Unit Price,Amount,{header}", *rows).lines) == 2


@pytest.mark.parametrize(
    "title",
    ["All prices incl. VAT", "Alle Preise inkl. 19 % MwSt.", "Prices including sales tax: 19 %",
     "Montants TTC (gross)"],
)  # fmt: skip
def test_a_title_that_says_that_money_holds_the_tax_is_a_problem(path: Path, title: str) -> None:
    rows = "Customer,Product,Quantity,Unit Price,Amount", "Amber,Mail,6,10.50,63.00"
    assert "write the money of this table without the tax" in refusal(path, title, *rows)
    for other in (
        "All prices excl. VAT",
        "Prices include the discount of the partner",
        "Amount due incl. VAT: $75.60",
        "Amount due incl. VAT,75.60",
    ):
        assert read(path, other, *rows).lines


@pytest.mark.parametrize("header", ["Months", "Number of Months", "Faktor", "Multiplier"])
def test_a_factor_is_asked_about_where_no_amount_tells_whether_the_price_is_multiplied(
    path: Path, header: str
) -> None:
    columns = f"Customer,Product,Quantity,Unit Price,{header}"
    message = refusal(path, columns, "Amber,Mail,6,10.50,1", "Birch,Mail,2,10.50,3")
    assert f"row 3, {header}: 3 stands beside Unit Price without an amount" in message
    assert read(path, columns, "Amber,Mail,6,10.50,1", "Birch,Mail,2,10.50,1.00").lines
    assert read(path, f"{columns},Amount", "Amber,Mail,6,10.50,3,63.00").lines


def test_a_price_for_several_units_is_no_unit_price(path: Path) -> None:
    header, row = 'Customer,Product,Quantity,"Unit Price (per {})"', "Amber,Mail,6,10.50"
    for several in ("100", "1,000", "1000"):
        message = refusal(path, header.format(several), row)
        assert "no column for: Amount or Unit Price" in message
    assert read(path, header.format(1), row).lines[0].amount == 63
