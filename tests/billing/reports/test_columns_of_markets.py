"""Headers, periods and words as marketplaces write them, each read without settings."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.helpers.report_rows import doubts_of, read, refused
from xlsync.billing.reports.kinds import KindWords
from xlsync.billing.reports.reading import read_reports
from xlsync.models import BillingLine, Month
from xlsync.settings import ReportSettings

FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 10, 31)


def line_of(path: Path, header: str, row: str) -> BillingLine:
    (line,) = read(path, header, row).lines
    return line


@pytest.mark.parametrize(
    ("price", "amount", "currency"),
    [
        ("Unit Price £", "Amount £", "GBP"),
        ("Unit Price€", "Amount€", "EUR"),
        ("Unit Price in £", "Amount in £", "GBP"),
        ("EUR Unit Price", "EUR Amount", "EUR"),
        ("Unit Price $", "Amount $", ""),  # of several countries
        ("Nett Price", "Extended Nett", ""),
    ],
)
def test_a_header_of_money_may_name_its_currency(path: Path, price: str, amount: str, currency: str) -> None:
    line = line_of(path, f"Customer,Product,Quantity,{price},{amount}", "Amber,Mail,6,10.50,63.00")
    assert (str(line.cost), line.amount, line.currency) == ("10.50", 63, currency)


@pytest.mark.parametrize("period", ["2026/10/01-2026/10/31", "2026-10-01T00:00:00Z/2026-10-31T23:59:59Z"])
def test_a_period_in_one_cell_is_read_with_each_mark_between_its_days(path: Path, period: str) -> None:
    line = line_of(path, "Customer,Product,Billing Period,Quantity,Amount", f"Amber,Mail,{period},6,63")
    assert (line.start, line.end) == (FIRST, LAST)


def test_a_time_zone_at_the_end_of_a_header_says_nothing_more(path: Path) -> None:
    header = "Customer,Product,Quantity,Amount,ChargeStartDateUtc,Charge End Date UTC"
    line = line_of(path, header, "Amber,Mail,6,63,2026-10-01,2026-10-31")
    assert (line.start, line.end) == (FIRST, LAST)


@pytest.mark.parametrize(
    ("coarse", "product"), [("Service Name", "Product Name"), ("Subscription Name", "Resource Name")]
)
def test_the_name_of_a_product_comes_before_that_of_its_service_or_subscription(
    path: Path, coarse: str, product: str
) -> None:
    line = line_of(path, f"Customer,{coarse},{product},Quantity,Amount", "Amber,Cloud,Mail,6,63")
    assert line.product == "Mail"


@pytest.mark.parametrize("status", ["Credited", "refunded", "Reversed", "VOID"])
@pytest.mark.parametrize("header", ["Status", "State"])
def test_a_row_whose_state_says_that_its_money_went_back_is_asked_about(
    path: Path, header: str, status: str
) -> None:
    columns = f"Customer,Product,Quantity,Amount,{header}"
    message = refused(path, columns, "Amber,Mail,6,63,Active", f"Beech,Mail,3,31.50,{status}").message
    assert f"row 3, {header}: “{status}” says that no money is owed" in message
    # a subscription may be cancelled, and is charged to the end of its term
    assert len(read(path, columns, "Amber,Mail,6,63,Active", "Beech,Mail,3,31.50,Cancelled").lines) == 2


@pytest.mark.parametrize("word", ["Reversals", "Chargebacks"])
def test_a_credit_is_known_by_the_plural_of_its_word(word: str) -> None:
    kind = KindWords({}).find(word)
    assert kind is not None
    assert kind.is_credit


CHANGES = "Customer,Product,Subscription ID,Charge Type,Quantity,Unit Price,Amount"


@pytest.mark.parametrize("word", ["moveQuantity", "changeBillingPlan", "extendTerm", "Quantity change"])
def test_a_change_of_a_subscription_goes_the_way_that_its_sign_tells(path: Path, word: str) -> None:
    old, new = f"Amber,Mail,s-1,{word},6,10.50,-63.00", f"Amber,Mail,s-1,{word},4,10.50,42.00"
    assert [(line.units, line.amount) for line in read(path, CHANGES, old, new).lines] == [(-6, -63), (4, 42)]


@pytest.mark.parametrize("word", ["moveQuantity", "Quantity change"])
def test_a_change_in_a_file_without_any_minus_is_asked_about(path: Path, word: str) -> None:
    rows = "Amber,Mail,s-1,Renewal,6,10.50,63.00", f"Amber,Mail,s-1,{word},2,10.50,21.00"
    message = refused(path, CHANGES, *rows).message
    assert "row 3, Amount: “" in message
    assert "quantity" in message
    assert "has no minus anywhere in the file: whether it takes units back is not told" in message


@pytest.mark.parametrize("both", ["1 Year commitment - billed monthly", "Annual / Monthly", "P1Y: Monthly"])
def test_a_term_and_its_billing_in_one_cell_are_read_in_other_words_than_microsofts(
    path: Path, both: str
) -> None:
    line = line_of(path, "Customer,Product,Term And Billing Cycle,Quantity,Amount", f"Amber,Mail,{both},6,63")
    assert (line.commitment_months, line.billing_months) == (12, 1)


@pytest.mark.parametrize("title", ["All amounts in thousands", "Amounts in EUR thousands", "Beträge in Tsd",
                                   "Prices are in cents"])  # fmt: skip
def test_money_in_thousands_or_cents_by_a_title_is_refused(path: Path, title: str) -> None:
    rows = "Customer,Product,Quantity,Unit Price,Amount", "Amber,Mail,6,10.50,63.00"
    assert f"row 1: “{title}” stands above the header" in refused(path, title, *rows).message
    assert read(path, "All amounts in EUR", *rows).lines


@pytest.mark.parametrize("product", ["Credit - Mail", "Refund: Mail"])
def test_a_product_behind_the_word_for_a_credit_raises_a_doubt(path: Path, product: str) -> None:
    header = "Customer,Product,Quantity,Unit Price,Amount"
    (doubt,) = doubts_of(read(path, header, "Amber,Mail,6,10.50,63.00", f"Amber,{product},2,10.50,21.00"))
    assert f"“{product}” is named as a credit" in doubt
    assert doubts_of(read(path, header, "Amber,Credit Union Suite,2,10.50,21.00")) == []


def test_of_two_columns_of_one_meaning_the_hint_offers_to_leave_out_either(path: Path) -> None:
    hint = refused(path, "Customer,Product,Licenses,Quantity,Amount", "Amber,Mail,10,6,63").hint
    assert 'ignore = ["Quantity"]  # or "Licenses" in place of "Quantity"' in hint


@pytest.mark.parametrize(
    ("headers", "product", "code", "contract"),
    [("Item #,Description", "Mail", "BKP", ""), ("Product #,Description", "Mail", "BKP", ""),
     ("Subscription #,Description", "Mail", "", "BKP"), ("Contract #,Description", "Mail", "", "BKP")],
)  # fmt: skip
def test_a_number_sign_behind_a_header_means_its_number(
    path: Path, headers: str, product: str, code: str, contract: str
) -> None:
    line = line_of(path, f"Customer,{headers},# of Licenses,Amount", "Amber,BKP,Mail,6,63")
    assert (line.product, line.product_code, line.contract_id, line.units) == (product, code, contract, 6)
    named = line_of(path, "Customer #,Company,Product,Quantity,Amount", "10023,Amber,Mail,6,63")
    assert named.customer == "Amber"


def test_the_partners_prices_come_before_those_of_the_sale(path: Path) -> None:
    header = (
        "Client Name,Product,Quantity,Partner Cost Price,Sales Price,Total Partner Cost,Total Sales Price"
    )
    line = line_of(path, header, "Amber,Mail,6,10.50,12.00,63.00,72.00")
    assert (str(line.cost), line.amount) == ("10.50", 63)


@pytest.mark.parametrize(("cells", "doubts"), [(("Small", "Large"), 1), (("Small", "Small"), 0)])
def test_a_plan_beside_a_product_that_tells_prices_apart_raises_a_doubt(
    path: Path, cells: tuple[str, str], doubts: int
) -> None:
    rows = f"Amber,Mail,{cells[0]},6,4,24", f"Amber,Mail,{cells[1]},2,8,16"
    for header in ("Plan", "Version", "Size"):
        found = read(path, f"Customer,Product,{header},Quantity,Unit Price,Amount", *rows)
        assert len(doubts_of(found)) == doubts
        assert all(f'if not, under [report]: ignore = ["{header}"].' in one for one in doubts_of(found))
        ignoring = read_reports([path], Month(2026, 10), ReportSettings(ignore=[header]))
        assert not doubts_of(ignoring)
    for header in ("Billing Details", "Customer Details", "Payment Option"):
        assert not doubts_of(read(path, f"Customer,Product,{header},Quantity,Unit Price,Amount", *rows))


def test_a_month_beside_dates_of_another_month_raises_a_doubt(path: Path) -> None:
    header = "Customer,Product,Quantity,Amount,Start Date,End Date,Invoice Month"
    row = "Amber,Mail,6,63,2026-10-01,2026-10-31"
    (doubt,) = doubts_of(read(path, header, f"{row},2026-11"))
    assert "Invoice Month names other days than the dates beside it: row 2" in doubt
    assert 'if the dates hold, write ignore = ["Invoice Month"] under [report]' in doubt
    ignoring = read_reports([path], Month(2026, 10), ReportSettings(ignore=["Invoice Month"]))
    assert (len(ignoring.lines), doubts_of(ignoring)) == (1, [])
    assert not doubts_of(read(path, header, f"{row},2026-10"))
    assert not doubts_of(read(path, header, f"{row},"))
