"""Billing lines out of the invoices of a small BSS, line by line."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.fake_bss import (
    BORIS,
    CREDIT,
    GROUPS,
    MARCH,
    ONCE,
    Fake,
    d,
    invoice,
    item,
    march,
    only,
    read_billing,
    sub,
)
from xlsync.billing.bss import Bss
from xlsync.billing.bss_lines import is_cancelled, read_lines, read_unit_groups
from xlsync.errors import ApiError
from xlsync.models import BillingLine, LineType


def test_a_renewal_is_a_recurring_line_with_all_its_columns(fake: Fake, bss: Bss) -> None:
    assert only(fake, bss, item()) == BillingLine(
        key="i-1",
        invoice="EX-1",
        type=LineType.RECURRING,
        charge=LineType.RECURRING,
        customer="Anna's Bakery",
        customer_id="601",
        product="Mail Standard",
        product_id="p-1",
        product_code="CODE:0001",
        contract_id="s-1",
        units=d("12"),
        cost=d("10.30"),
        amount=d("123.60"),
        currency="EUR",
        billing_period="Monthly",
        billing_months=1,
        commitment_period="Monthly",
        commitment_months=1,
        start=dt.date(2026, 3, 1),
        end=dt.date(2026, 3, 31),
    )


def test_zero_is_a_number(fake: Fake, bss: Bss) -> None:
    line = only(fake, bss, item(quantity=Decimal(0), unitPrice=Decimal(0)))
    assert (line.units, line.cost, line.amount) == (0, 0, 0)


def test_a_credit_is_negative_and_its_cost_is_not(fake: Fake, bss: Bss) -> None:
    line = only(fake, bss, item(), type=CREDIT)
    assert (line.type, line.charge) == (LineType.CREDIT, LineType.RECURRING)
    assert (line.units, line.amount, line.cost) == (d("-12"), d("-123.60"), d("10.30"))
    assert line.is_compared


@pytest.mark.parametrize("units", [-2, 2])
@pytest.mark.parametrize("head", [{"total": Decimal(-20)}, {"total": None, "totalBeforeTax": Decimal(-20)}])
def test_a_credit_that_is_signed_already_is_not_turned_round(
    fake: Fake, bss: Bss, units: int, head: Any
) -> None:
    taken = item(
        quantity=Decimal(units), unitPrice=Decimal(10), total=Decimal(-20), totalOriginal=Decimal(-20)
    )
    line = only(fake, bss, taken, type=CREDIT, **head)
    assert (line.units, line.amount, line.cost, line.unread) == (-2, -20, 10, "")


def test_a_line_below_zero_of_a_credit_that_is_above_it_charges(fake: Fake, bss: Bss) -> None:
    price = Decimal(10)
    given, taken = (
        item(
            f"i-{units}",
            quantity=Decimal(units),
            unitPrice=price,
            total=units * price,
            totalOriginal=units * price,
        )
        for units in (3, -1)
    )
    fake.invoices = [invoice("EX-1", given, taken, type=CREDIT, total=Decimal(20))]
    assert [(line.type, line.units, line.amount) for line in march(bss)] == [
        (LineType.RECURRING, 1, 10),
        (LineType.CREDIT, -3, -30),
    ]


def test_units_below_zero_are_a_credit_on_whatever_invoice(fake: Fake, bss: Bss) -> None:
    taken = item(quantity=Decimal(-2), unitPrice=Decimal(10), total=Decimal(-20), totalOriginal=Decimal(-20))
    line = only(fake, bss, taken)
    assert (line.type, line.charge, line.units, line.amount, line.cost) == (
        LineType.CREDIT,
        LineType.RECURRING,
        -2,
        -20,
        10,
    )


@pytest.mark.parametrize(
    ("quantity", "price", "total"),
    [("2", "10.30", "-20.60"), ("2", "-10.30", "-20.60"), ("-2", "10.30", "-20.60")],
)
def test_a_negative_amount_on_an_invoice_that_charges_is_a_credit(
    fake: Fake, bss: Bss, quantity: str, price: str, total: str
) -> None:
    line = only(
        fake, bss, item(quantity=d(quantity), unitPrice=d(price), total=d(total), totalOriginal=d(total))
    )
    assert (line.type, line.charge) == (LineType.CREDIT, LineType.RECURRING)
    assert (line.units, line.cost, line.amount) == (d("-2"), d("10.30"), d("-20.60"))


@pytest.mark.parametrize(
    ("more", "quantity", "total"), [({}, "-2", "20.60"), ({"type": CREDIT}, "2", "-20.60")]
)
def test_units_and_an_amount_of_different_signs_are_not_understood(
    fake: Fake, bss: Bss, more: dict[str, Any], quantity: str, total: str
) -> None:
    odd = item(quantity=d(quantity), total=d(total), totalOriginal=d(total))
    fake.invoices = [invoice("EX-1", odd, **more)]
    (line,) = march(bss)
    assert "which of them has the wrong sign is not told" in line.unread


def test_money_without_units_is_not_understood(fake: Fake, bss: Bss) -> None:
    line = only(fake, bss, item(quantity=d("0"), total=d("20.60"), totalOriginal=d("20.60")))
    assert line.unread == "The line has an amount of 20.60 and no units: how many it is for is not told."


@pytest.mark.parametrize("kind", [{"type": "CreditNote"}, {"name": "Credit Invoice"}, {"type": "CREDIT"}])
def test_an_invoice_whose_type_says_credit_credits(fake: Fake, bss: Bss, kind: dict[str, Any]) -> None:
    fake.invoices = [invoice("EX-1", item(), type=kind)]
    (line,) = march(bss)
    assert (line.type, line.units) == (LineType.CREDIT, -12)


def test_the_lines_of_an_invoice_of_an_unknown_type_say_so_and_stop_nothing(fake: Fake, bss: Bss) -> None:
    proforma = {"id": 3, "name": "Proforma", "type": "Proforma"}
    fake.invoices = [invoice("EX-1", item(), type=proforma), invoice("EX-2", item())]
    doubt = "Whether invoice EX-1 charges or credits is not told: its type is “Proforma”."
    assert {line.invoice: line.unread for line in march(bss)} == {"EX-1": doubt, "EX-2": ""}
    totals = bss.list_invoice_totals(MARCH.first, MARCH.last)
    assert {one.number: one.doubt for one in totals} == {"EX-1": doubt, "EX-2": ""}


@pytest.mark.parametrize("kind", [{"type": "Debit Note"}, {"type": "DebitNote"}, {"type": ""}, None])
def test_an_invoice_whose_type_says_debit_or_nothing_charges(fake: Fake, bss: Bss, kind: Any) -> None:
    fake.invoices = [invoice("EX-1", item(), type=kind)]
    (line,) = march(bss)
    assert (line.type, line.units, line.unread) == (LineType.RECURRING, 12, "")


def test_a_credit_of_money_without_units_is_a_discount_that_is_not_compared(fake: Fake, bss: Bss) -> None:
    goodwill = item(quantity=d("0"), unitPrice=d("0"), total=d("5.00"), totalOriginal=d("5.00"))
    fake.invoices = [invoice("EX-1", goodwill, type=CREDIT)]
    (line,) = march(bss)
    assert (line.type, line.is_compared, line.units, line.cost) == (LineType.CREDIT, False, 0, None)
    assert (line.amount, line.unread) == (d("-5.00"), "")


@pytest.mark.parametrize(
    ("quantity", "price", "units", "charge"),
    [
        ("1", "-5.00", 0, LineType.ONE_TIME),  # a discount that was added to the invoice
        ("12", "-1.00", 0, LineType.ONE_TIME),
        ("1", "-10.30", -1, LineType.RECURRING),  # the price of the charge
        ("-1", "5.00", -1, LineType.RECURRING),  # units below zero are taken back
    ],
)
def test_a_deduction_at_another_price_than_that_of_its_charge_is_a_discount(
    fake: Fake, bss: Bss, quantity: str, price: str, units: int, charge: LineType
) -> None:
    total = d(quantity) * d(price)
    less = item("i-2", quantity=d(quantity), unitPrice=d(price), total=total, totalOriginal=total)
    fake.invoices = [invoice("EX-1", item(), less)]
    (line,) = (one for one in march(bss) if one.key == "i-2")
    assert (line.type, line.charge, line.units, line.amount) == (LineType.CREDIT, charge, units, total)


def test_an_add_on_has_a_contract_of_its_own_beside_its_subscription(fake: Fake, bss: Bss) -> None:
    addon = sub("s-2", relatedAddon={"id": "a-1", "name": "Defender"})
    fake.invoices = [
        invoice("EX-1", item("i-1", subscriptions=[addon]), item("i-2", subscriptions=[sub("s-2")]))
    ]
    assert [line.contract for line in march(bss)] == ["bss:s-2/a-1", "bss:s-2"]


def test_usage_is_told_from_recurring_charges(fake: Fake, bss: Bss) -> None:
    line = only(fake, bss, item(subscriptions=[sub(usages=[{"id": "x", "quantity": 3}])]))
    assert line.type is LineType.USAGE
    assert not line.is_compared


def test_a_hand_typed_line_is_one_time_and_has_the_invoices_account(fake: Fake, bss: Bss) -> None:
    line = only(fake, bss, item(product=None, subscriptions=[], unit=None, startDate=None, endDate=None))
    assert (line.type, line.product, line.customer) == (LineType.ONE_TIME, "As typed", "Made-up MSP")
    assert (line.start, line.end, line.contract_id, line.billing_period) == (None, None, "", "")


def test_an_asset_is_one_time_and_has_its_own_account(fake: Fake, bss: Bss) -> None:
    line = only(fake, bss, item(subscriptions=[], assets=[{"id": "x", "account": BORIS}]))
    assert (line.type, line.customer, line.customer_id) == (LineType.ONE_TIME, "Boris Clinic", "602")


def test_a_unit_that_does_not_recur_makes_a_line_one_time(fake: Fake, bss: Bss) -> None:
    line = only(fake, bss, item(unit=ONCE), type=CREDIT)
    assert (line.type, line.charge) == (LineType.CREDIT, LineType.ONE_TIME)


@pytest.mark.parametrize(
    ("discount", "original", "total", "cost"),
    [
        (None, "100", "100", "10"),
        ({"value": Decimal(0), "type": "Percentage"}, "100", "100", "10"),
        ({"value": Decimal("12.5"), "type": "Percentage"}, "100", "87.5", "8.75"),
        ({"value": Decimal(2), "type": "Amount"}, "100", "80", "8"),  # for each unit
        ({"value": Decimal(2), "type": "Amount"}, "100", "98", "9.8"),  # for the line
        ({"value": Decimal(1), "type": "Amount"}, "100", "99", "9.9"),
        ({"value": Decimal(0), "type": "Amount"}, "100", "100", "10"),
        (None, "100", "66.67", "6.667"),  # a promotion, say
        ({"value": Decimal(10), "type": "Percentage"}, "111.11", "100", "10"),  # the price is net
        ({"value": Decimal(10), "type": "Amount"}, "110", "100", "10"),
    ],
)
def test_cost_is_after_discount(
    fake: Fake, bss: Bss, discount: Any, original: str, total: str, cost: str
) -> None:
    line = only(fake, bss, item(
        quantity=Decimal(10), unitPrice=Decimal(10), discount=discount,
        totalOriginal=Decimal(original), total=Decimal(total),
    ))  # fmt: skip
    assert line.cost == d(cost)
    assert line.amount == d(total)


def test_a_division_is_rounded_to_four_places(fake: Fake, bss: Bss) -> None:
    discount = {"value": Decimal(1), "type": "Amount"}
    line = only(
        fake, bss, item(quantity=Decimal(3), unitPrice=Decimal(2), total=Decimal(5), discount=discount)
    )
    assert line.cost == d("1.6667")


def test_a_line_without_a_price_has_no_cost(fake: Fake, bss: Bss) -> None:
    assert only(fake, bss, item(unitPrice=None, total=Decimal(5))).cost is None


@pytest.mark.parametrize(
    ("start", "end", "last"),
    [
        ("2026-03-01T00:00:00+02:00", "2026-04-01T00:00:00+03:00", dt.date(2026, 3, 31)),
        ("2026-03-17T00:00:00.0000000Z", "2026-04-17T00:00:00.0000000Z", dt.date(2026, 4, 16)),
        ("2026-03-01T00:00:00+02:00", "2026-03-31T00:00:00+03:00", dt.date(2026, 3, 31)),
        ("2026-03-01T00:00:00+02:00", "2026-03-31T23:59:59.99+03:00", dt.date(2026, 3, 31)),
    ],
)
def test_the_charged_period_ends_with_its_last_day(
    fake: Fake, bss: Bss, start: str, end: str, last: dt.date
) -> None:
    assert only(fake, bss, item(startDate=start, endDate=end)).end == last


def test_a_credit_ends_as_the_charge_does_whose_units_it_takes_back(fake: Fake, bss: Bss) -> None:
    end = "2026-04-01T00:00:00+03:00"
    taken = item("i-2", quantity=Decimal(2), startDate="2026-03-20T00:00:00+02:00", endDate=end)
    more = item("i-3", startDate="2026-03-31T00:00:00+02:00", endDate=end)
    fake.invoices = [
        invoice("EX-0", taken, type=CREDIT),
        invoice("EX-1", item(endDate=end)),
        invoice("EX-2", more),
    ]
    assert {line.end for line in march(bss)} == {dt.date(2026, 3, 31)}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"quantity": None}, "invoice EX-1, line 1 cannot be used: it has no quantity"),
        ({"quantity": True}, "its quantity is not a number"),
        ({"quantity": "12"}, "its quantity is not a number"),
        ({"total": None}, "it has no total"),
        ({"id": None}, "it has no id"),
        ({"startDate": "yesterday"}, "'yesterday' is not a date"),
        ({"startDate": "2026-02-30T00:00:00Z"}, "is not a date"),
        ({"product": {"id": "p"}, "description": None}, "it has no product"),
        ({"subscriptions": [sub(account={"id": 1, "name": " "})]}, "it has no customer"),
    ],
)
def test_a_line_that_cannot_be_used_is_told_with_its_invoice(
    fake: Fake, bss: Bss, change: dict[str, Any], why: str
) -> None:
    fake.invoices = [invoice("EX-1", item(**change))]
    with pytest.raises(ApiError) as caught:
        march(bss)
    assert "invoice EX-1, line 1" in caught.value.message
    assert why in caught.value.message


def test_an_invoice_without_id_or_date_is_told(fake: Fake, bss: Bss) -> None:
    fake.invoices = [invoice("EX-7", item(), id=None)]
    with pytest.raises(ApiError, match="EX-7 has no id"):
        march(bss)
    fake.invoices = [invoice("EX-8", item(), invoiceDate=None)]
    with pytest.raises(ApiError, match="invoice EX-8 cannot be used: it has no date"):
        march(bss)


@pytest.mark.parametrize(
    "odd",
    [
        {"status": {"type": "Canceled"}, "invoiceDate": None},
        {"status": {"type": "Cancelled"}, "id": None, "invoiceDate": "?", "analysisItems": None},
        {"invoiceDate": "2026-04-02T00:00:00Z", "id": None},
        {"invoiceDate": "2026-02-27T00:00:00Z", "analysisItems": "x", "currency": None},
        {"invoiceDate": "2026-02-27T00:00:00Z", "analysisItems": [item(quantity=None)]},
    ],
)
def test_an_odd_invoice_that_is_not_of_the_month_is_passed_over(fake: Fake, bss: Bss, odd: Any) -> None:
    fake.invoices = [invoice("EX-9", item("i-9")) | odd, invoice("EX-1", item())]
    assert [line.key for line in march(bss)] == ["i-1"]


def test_by_service_period_an_odd_line_counts_where_it_may_be_of_the_month(fake: Fake, bss: Bss) -> None:
    def read(**change: Any) -> list[str]:
        odd = invoice("EX-9", item("i-9", **change), item("i-8"), invoiceDate="2026-05-01T00:00:00Z")
        fake.invoices = [invoice("EX-1", item()), odd]
        return [line.key for line in read_billing(bss, MARCH, by="service-period").lines]

    elsewhere = {"startDate": "2026-05-01T00:00:00Z", "endDate": "2026-05-31T23:59:59Z"}
    assert read(quantity=None, **elsewhere) == ["i-1", "i-8"]
    assert read(subscriptions=5, **elsewhere) == ["i-1", "i-8"]
    assert read(total=None, startDate=None, endDate=None) == ["i-1", "i-8"]  # so the invoice's date decides
    for change in ({"quantity": None}, {"startDate": "?"}):
        with pytest.raises(ApiError, match="invoice EX-9, line 1"):
            read(**change)
    fake.invoices[1]["analysisItems"] = ["x"]
    with pytest.raises(ApiError, match="invoice EX-9 cannot be used"):
        read_billing(bss, MARCH, by="service-period")


def test_a_unit_of_unknown_length_keeps_its_name(fake: Fake, bss: Bss) -> None:
    line = only(fake, bss, item(unit={"id": "u-odd", "name": "30 days"}))
    assert (line.billing_period, line.billing_months) == ("30 days", None)
    assert (line.commitment_period, line.commitment_months) == ("30 days", None)


def test_several_subscriptions_in_an_analytical_line_are_told(fake: Fake, bss: Bss) -> None:
    fake.invoices = [invoice("EX-1")]
    fake.answers["/api/invoices/id-EX-1/items"] = [item(subscriptions=[sub(), sub("s-2")])]
    (line,) = march(bss)
    assert line.unread == "The BSS charges 2 subscriptions in this one line."


def test_what_zeros_stand_for_is_absent(fake: Fake, bss: Bss) -> None:
    zeros = "00000000-0000-0000-0000-000000000000"
    day = "0001-01-01T00:00:00"
    line = only(fake, bss, item(
        subscriptions=[sub(relatedAddon={"id": zeros, "name": ""})], startDate=day, endDate=day,
    ))  # fmt: skip
    assert (line.contract, line.addon_id, line.start, line.end) == ("bss:s-1", "", None, None)


@pytest.mark.parametrize("units", ["x", [None], {"id": "u-1"}])
def test_unit_groups_of_an_unknown_shape_are_an_error(fake: Fake, bss: Bss, units: Any) -> None:
    groups = {"data": [{"id": 1, "units": units}], "paging": {"totalPages": 1}}
    fake.answers["/api/organization/unitGroups"] = groups
    fake.invoices = [invoice("EX-1", item())]
    with pytest.raises(ApiError, match="the units of a group have an unknown shape"):
        march(bss)


def test_items_of_one_id_on_several_invoices_stay_two_lines(fake: Fake, bss: Bss) -> None:
    other = item("i-1", subscriptions=[sub("s-2", BORIS)])
    fake.invoices = [invoice("EX-1", item("i-1"), item("i-2")), invoice("EX-2", other)]
    found = [(line.key, line.customer) for line in march(bss)]
    assert found == [
        ("EX-1:i-1", "Anna's Bakery"),
        ("i-2", "Anna's Bakery"),
        ("EX-2:i-1", "Boris Clinic"),
    ]


def test_the_name_of_a_unit_tells_its_months_where_the_words_of_its_length_are_not_known() -> None:
    unknown = {"billingCycleDuration": 1, "billingCycleUnitType": "Recurring"}
    named = {name: {**unknown, "id": name, "name": name} for name in ("Month", "Annual", "License")}
    units = read_unit_groups([{"units": list(named.values())}])
    assert {name: unit.months for name, unit in units.items()} == {"Month": 1, "Annual": 12, "License": None}


@given(st.permutations(range(5)))
def test_keys_do_not_depend_on_the_order_of_items(order: list[int]) -> None:
    addon = sub("s-1", relatedAddon={"id": "a-1", "name": "x"})
    items = [
        item("i-1"), item("i-1", subscriptions=[sub("s-2")]), item("i-1", subscriptions=[addon]),
        item("i-1", startDate="2026-03-17T00:00:00Z"), item("i-2"),
    ]  # fmt: skip
    units = read_unit_groups(GROUPS)
    keys = {
        (one.line.key, one.line.contract, one.line.start)
        for one in read_lines(invoice("EX-1"), [items[n] for n in order], units)
    }
    assert keys == {
        ("i-1:s-1", "bss:s-1", dt.date(2026, 3, 1)), ("i-1:s-1:2", "bss:s-1", dt.date(2026, 3, 17)),
        ("i-1:s-2", "bss:s-2", dt.date(2026, 3, 1)), ("i-1:s-1/a-1", "bss:s-1/a-1", dt.date(2026, 3, 1)),
        ("i-2", "bss:s-1", dt.date(2026, 3, 1)),
    }  # fmt: skip


JSON = st.sampled_from([None, True, 0, 5, "", "x", [], {}, [1], [{}], {"id": 3}, {"name": "x"}])

INNER, OUTER = st.sampled_from([*item(), *sub()]), st.sampled_from([*invoice()])


@given(st.dictionaries(INNER, JSON), st.dictionaries(OUTER, JSON))
def test_whatever_an_invoice_holds_it_gives_lines_or_is_named(inner: Any, outer: Any) -> None:
    odd = invoice("EX-1") | outer
    changed = item(subscriptions=[sub() | inner]) | inner
    is_cancelled(odd)
    try:
        assert len(read_lines(odd, [changed], read_unit_groups(GROUPS))) == 1
    except ApiError as error:
        assert "invoice " in error.message  # noqa: PT017 - either is right
