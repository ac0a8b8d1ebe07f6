"""Headers, periods and words as marketplaces write them, each read without settings."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.helpers.report_rows import read, refused
from xlsync.billing.reports.kinds import KindWords
from xlsync.models import BillingLine

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
