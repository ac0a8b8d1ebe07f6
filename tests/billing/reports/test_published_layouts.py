"""Published layouts are known by their headers, read without settings and named."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import pytest

from xlsync.billing.reports.reading import ReportsRead, read_reports
from xlsync.errors import ReportError
from xlsync.models import BillingLine, LineType, Month
from xlsync.settings import ReportSettings

OCTOBER = Month(2026, 10)
FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 10, 31)
Row = dict[str, str]

NEW_COMMERCE: Row = {
    "PartnerId": "p", "CustomerId": "c-1", "CustomerName": "Amber Ltd", "InvoiceNumber": "G1",
    "OrderDate": "2026-10-01T00:00:00Z", "ProductId": "CFQ7", "SkuId": "0001", "SkuName": "Mail Basic",
    "ProductName": "Mail", "ChargeType": "cycleCharge", "UnitPrice": "10.5", "Quantity": "6",
    "Subtotal": "63", "TaxTotal": "0", "Total": "63", "Currency": "GBP", "SubscriptionId": "s-1",
    "ChargeStartDate": "2026-10-01T00:00:00Z", "ChargeEndDate": "2026-10-31T00:00:00Z",
    "TermAndBillingCycle": "One-Year commitment for monthly/yearly billing", "EffectiveUnitPrice": "10.5",
    "UnitType": "Licenses", "BillableQuantity": "6", "BillingFrequency": "Monthly",
    "PCToBCExchangeRate": "1", "PCToBCExchangeRateDate": "2026-10-01T00:00:00Z", "CreditReasonCode": "",
    "SubscriptionStartDate": "2026-05-01T00:00:00Z", "SubscriptionEndDate": "2027-04-30T00:00:00Z",
}  # fmt: skip
LICENCES: Row = {
    "CustomerId": "c-1", "SubscriptionId": "inner", "SyndicationPartnerSubscriptionNumber": "s-1",
    "OfferId": "o", "DurableOfferId": "d", "OfferName": "Mail", "SubscriptionStartDate": "2026-01-01",
    "SubscriptionEndDate": "2026-12-31", "ChargeStartDate": "2026-10-01", "ChargeEndDate": "2026-10-31",
    "ChargeType": "Cycle fee", "UnitPrice": "10.5", "Quantity": "6", "Amount": "63",
    "TotalOtherDiscount": "0", "Subtotal": "63", "Tax": "12", "TotalForCustomer": "75", "Currency": "EUR",
    "CustomerName": "Amber Ltd", "BillingCycleType": "Monthly",
}  # fmt: skip
DAILY: Row = {
    "CustomerId": "c-1", "CustomerName": "Amber Ltd", "InvoiceNumber": "G2", "ProductId": "DZH",
    "SkuId": "0001", "ProductName": "Azure plan", "SubscriptionId": "s-1", "ChargeStartDate": "10/01/2026",
    "ChargeEndDate": "10/31/2026", "UsageDate": "10/05/2026", "MeterType": "1 Hour", "MeterName": "B2s",
    "ChargeType": "new", "UnitPrice": "0.0416", "Quantity": "24", "BillingPreTaxTotal": "0.9984",
    "BillingCurrency": "EUR", "EffectiveUnitPrice": "0.0416", "CreditType": "Partner Earned Credit",
}  # fmt: skip
PAX8: Row = {
    "invoice_id": "I1", "invoice_date": "2026-10-05", "company_name": "Amber Ltd", "company_id": "7",
    "sku": "MST", "description": "Mail", "type": "subscription", "rate_type": "flat", "term": "Annual",
    "start_period": "2026-10-01", "end_period": "2026-10-31", "quantity": "6", "price": "12",
    "cost": "10.5", "subtotal": "72", "cost_total": "63", "currency": "USD",
}  # fmt: skip
INGRAM: Row = {
    "Invoice Number": "IM1", "Invoice Date": "31-Oct-2026", "End Customer Name": "Amber Ltd",
    "Subscription ID": "s-1", "Subscription Name": "Basic", "Resource Name": "Mail", "MPN": "CFQ:1",
    "Quantity": "6", "Unit Cost": "10.50", "Extended Cost": "63.00", "Unit Price": "12",
    "Extended Price": "72", "Currency": "EUR", "Charge Type": "Recurring",
    "Charge Start Date": "01-Oct-2026", "Charge End Date": "31-Oct-2026",
    "Subscription Expiration Date": "30-Apr-2027", "Subscription Period": "1 year(s)",
}  # fmt: skip
APPDIRECT: Row = {
    "Invoice ID": "A1", "Invoice Creation Date": "2026-10-02", "Company Name": "Amber Ltd",
    "Application Name": "Mail", "Edition Name": "Basic", "Subscription ID": "s-1",
    "Line Item Type": "RECURRING_PER_UNIT", "Quantity": "6", "Price": "10.5", "Total Price": "63.00",
    "Currency": "USD", "Service Start Date": "2026-10-01", "Service End Date": "2026-10-31",
}  # fmt: skip
MSP_HUB: Row = {
    "CustomerName": "Amber Ltd", "ResourceName": "Mail", "SubscriptionId": "s-1", "Quantity": "6",
    "PartnerEffectiveUnitPrice": "10.5", "PartnerTotal": "63", "CustomerEffectiveUnitPrice": "12",
    "CustomerTotal": "72", "ValidFrom": "2026-10-01", "ValidTo": "2026-10-31", "PurchaseDate": "2026-01-03",
}  # fmt: skip
XARIOS: Row = {
    "quantity": "6", "value": "63.00", "fromdate": "2026-10-01", "todate": "2026-10-31",
    "productname": "Mail", "tenantname": "Amber Ltd", "tenantcode": "7",
}  # fmt: skip
ACTIVE_PLATFORM: Row = {
    "Account Name": "Amber Ltd", "Subscription ID": "1", "Plan": "Mail",
    "Billing period start date": "01.10.2026", "Billing period end date": "31.10.2026", "Quantity": "6",
    "Unit price": "10.5", "Amount": "63", "Charge type": "Recurring", "Charge create date": "02.10.2026",
}  # fmt: skip
USAGE: Row = {
    "CustomerCompanyName": "Amber Ltd", "InvoiceNumber": "D1", "SubscriptionId": "s-1",
    "ServiceName": "Compute", "ServiceType": "VM", "ResourceGuid": "g-1", "ResourceName": "B2s",
    "ConsumedQuantity": "744", "IncludedQuantity": "0", "OverageQuantity": "744", "ListPrice": "0.096",
    "PretaxCharges": "71.42", "TaxAmount": "13.57", "PostTaxTotal": "84.99", "Currency": "EUR",
    "PostTaxEffectiveRate": "0.114", "ChargeType": "Assess Usage Fee for Current Cycle",
    "BillingCycleType": "Monthly", "MeteredServiceType": "VM", "UsageDate": "",
    "ChargeStartDate": "10/01/2026", "ChargeEndDate": "10/31/2026",
}  # fmt: skip


def read(folder: Path, *rows: Row, settings: ReportSettings | None = None) -> ReportsRead:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path = folder / "report.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return read_reports([path], OCTOBER, settings or ReportSettings())


@pytest.mark.parametrize(
    ("row", "name", "product"),
    [
        (NEW_COMMERCE, "Microsoft new commerce reconciliation", "Mail Basic"),
        (LICENCES, "Microsoft licence reconciliation", "Mail"),
        (PAX8, "Pax8 invoice", "Mail"),
        (INGRAM, "Ingram Micro (CloudBlue)", "Mail"),
        (APPDIRECT, "AppDirect invoice", "Mail"),
        (MSP_HUB, "MSP Hub", "Mail"),
        (XARIOS, "Xarios", "Mail"),
        (ACTIVE_PLATFORM, "ActivePlatform charges", "Mail"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_published_layout_is_read_and_named(tmp_path: Path, row: Row, name: str, product: str) -> None:
    found = read(tmp_path, row)
    (line,) = found.lines
    assert (line.customer, line.product, line.type) == ("Amber Ltd", product, LineType.RECURRING)
    assert (line.units, line.amount, line.start, line.end) == (6, 63, FIRST, LAST)
    assert line.cost in {Decimal("10.5"), None}  # Xarios tells none
    assert any(f"read as: {name}" in told for told in found.notices)


def test_a_layout_is_known_also_where_one_of_its_columns_is_ignored(tmp_path: Path) -> None:
    found = read(tmp_path, LICENCES, settings=ReportSettings(ignore=("UnitPrice",)))
    assert [(line.contract_id, line.cost, line.amount) for line in found.lines] == [("s-1", None, 63)]
    assert any("read as: Microsoft licence reconciliation" in told for told in found.notices)


def test_a_needed_column_that_the_settings_ignore_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ReportError, match=r"no column for: Quantity\..* The settings ignore: quantity\."
    ) as it:
        read(tmp_path, XARIOS, settings=ReportSettings(ignore=("Quantity",)))
    assert '"Quantity" = ["…"]' in it.value.hint


def test_daily_usage_is_usage_whatever_its_charge_type_says(tmp_path: Path) -> None:
    (line,) = read(tmp_path, DAILY).lines
    assert (line.type, line.units, line.amount) == (LineType.USAGE, 24, Decimal("0.9984"))


def test_aggregated_usage_is_usage_as_the_daily_one_is(tmp_path: Path) -> None:
    aggregated = {name: cell for name, cell in DAILY.items() if name != "UsageDate"}
    (line,) = read(tmp_path, aggregated | {"PartnerEarnedCreditPercentage": "15", "UnitType": "1 Hour"}).lines
    assert (line.type, line.units, line.amount) == (LineType.USAGE, 24, Decimal("0.9984"))


def test_the_older_usage_file_is_read_with_all_its_columns(tmp_path: Path) -> None:
    (line,) = read(tmp_path, USAGE).lines
    assert (line.type, line.units, line.amount) == (LineType.USAGE, 744, Decimal("71.42"))


def signs(lines: tuple[BillingLine, ...]) -> list[tuple[Decimal, Decimal]]:
    return [(line.units, line.amount) for line in lines]


def test_a_rebill_of_microsoft_takes_the_old_units_back_and_charges_the_new(tmp_path: Path) -> None:
    old = {
        "ChargeType": "removeQuantity",
        "BillableQuantity": "-6",
        "Subtotal": "-42",
        "EffectiveUnitPrice": "7",
    }
    new = old | {"BillableQuantity": "4", "Quantity": "4", "Subtotal": "28"}
    found = read(tmp_path, NEW_COMMERCE, NEW_COMMERCE | old, NEW_COMMERCE | new)
    assert signs(found.lines) == [(6, 63), (-6, -42), (4, 28)]


def test_where_the_billable_quantity_is_empty_the_quantity_is_read_and_told(tmp_path: Path) -> None:
    found = read(tmp_path, NEW_COMMERCE, NEW_COMMERCE | {"BillableQuantity": "", "SubscriptionId": "s-2"})
    assert signs(found.lines) == [(6, 63), (6, 63)]
    assert any("BillableQuantity is empty in row 3, where Quantity is read" in one for one in found.notices)


def test_an_exchange_rate_turns_the_price_into_what_is_billed(tmp_path: Path) -> None:
    (line,) = read(tmp_path, NEW_COMMERCE | {"PCToBCExchangeRate": "0.8", "Subtotal": "50.4"}).lines
    assert (line.cost, line.amount) == (Decimal("8.4"), Decimal("50.4"))


def test_a_price_that_microsoft_rounds_down_to_cents_before_it_multiplies_agrees(tmp_path: Path) -> None:
    long_price = {"BillableQuantity": "100", "EffectiveUnitPrice": "16.5377", "Subtotal": "1653.00"}
    (line,) = read(tmp_path, NEW_COMMERCE | long_price).lines
    assert (line.cost, line.amount) == (Decimal("16.5377"), 1653)


def test_daily_usage_in_another_currency_than_its_price_is_turned_by_the_exchange_rate(
    tmp_path: Path,
) -> None:
    (line,) = read(tmp_path, DAILY | {"PCToBCExchangeRate": "0.5", "BillingPreTaxTotal": "0.4992"}).lines
    assert (line.cost, line.amount) == (Decimal("0.0208"), Decimal("0.4992"))


def test_both_kinds_of_active_platform_count(tmp_path: Path) -> None:
    both = ACTIVE_PLATFORM | {"Operation type": "Renewal"}
    back = ACTIVE_PLATFORM | {"Operation type": "Cancellation", "Subscription ID": "2"}
    assert signs(read(tmp_path, both, back).lines) == [(6, 63), (-6, -63)]


def test_a_licence_credit_is_known_by_its_minus_and_a_discount_lowers_the_cost(tmp_path: Path) -> None:
    credit = {"ChargeType": "Prorate fees when cancel", "Quantity": "3", "Subtotal": "-9.90"}
    other = {"SyndicationPartnerSubscriptionNumber": "s-2", "ChargeStartDate": "2026-10-22"}
    assert signs(read(tmp_path, LICENCES, LICENCES | credit | other).lines) == [
        (6, 63),
        (-3, Decimal("-9.90")),
    ]
    (line,) = read(tmp_path, LICENCES | {"TotalOtherDiscount": "-6.3", "Subtotal": "56.70"}).lines
    assert (line.cost, line.amount) == (Decimal("9.45"), Decimal("56.70"))
