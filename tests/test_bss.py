"""Billing lines out of the BSS: against a small BSS whose invoices a test writes, and the sandbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from remote import Remote, reply
from werkzeug import Request, Response

from xlsync.bss import Account, Bss
from xlsync.bss_lines import is_cancelled, read_lines, read_units
from xlsync.bss_plans import keep_plan
from xlsync.errors import ApiError
from xlsync.models import BillingLine, LineType, Month
from xlsync.periods import Charge, is_midnight, last_days, months_of, period_name
from xlsync.sandbox.server import Sandbox
from xlsync.units import last_day

MARCH = Month(2026, 3)
ANNA, BORIS = {"id": 601, "name": "Anna's Bakery"}, {"id": 602, "name": "Boris Clinic"}
MSP = {"id": 501, "name": "Made-up MSP"}
MONTH, YEAR, ONCE = (
    {"id": "u-1", "name": "Month"},
    {"id": "u-12", "name": "Annual"},
    {"id": "u-0", "name": "Setup"},
)
GROUPS = [
    {
        "id": 1,
        "isRecurringChargeUnit": True,
        "units": [
            {"id": "u-1", "billingCycleDuration": 1, "billingCycleUnitType": "Month"},
            {"id": "u-12", "billingCycleDuration": 12, "billingCycleUnitType": "Month"},
            {"id": "u-36", "billingCycleDuration": 3, "billingCycleUnitType": "Years"},
            {"id": "u-odd", "billingCycleDuration": 30, "billingCycleUnitType": "Day"},
        ],
    },
    {"id": 2, "isRecurringChargeUnit": False, "units": [{"id": "u-0", "billingCycleDuration": 1}]},
]


def d(text: str) -> Decimal:
    return Decimal(text)


def sub(id_: str = "s-1", account: Any = ANNA, **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": "a name", "account": account, "relatedAddon": None, "usages": [], **more}


def item(id_: str = "i-1", **more: Any) -> dict[str, Any]:
    quantity = more.get("quantity", Decimal(12))
    price = more.get("unitPrice", Decimal("10.30"))
    total = quantity * price if isinstance(quantity, Decimal) and isinstance(price, Decimal) else None
    return {
        "id": id_,
        "position": 1,
        "description": "As typed",
        "product": {"id": "p-1", "name": "Mail Standard", "code": "CODE:0001"},
        "subscriptions": [sub()],
        "assets": [],
        "startDate": "2026-03-01T00:00:00+02:00",
        "endDate": "2026-03-31T23:59:59+03:00",
        "unit": MONTH,
        "unitPrice": price,
        "quantity": quantity,
        "totalOriginal": total,
        "discount": None,
        "promotion": None,
        "total": total,
    } | more


def invoice(code: str = "EX-1", *items: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": f"id-{code}",
        "code": code,
        "status": {"id": 1, "name": "Unpaid", "type": "Unpaid"},
        "type": {"id": 1, "name": "Debit Invoice", "type": "Debit"},
        "invoiceDate": "2026-03-01T04:10:22.327+02:00",
        "createdAt": "2026-03-01T04:10:22.327+02:00",
        "account": MSP,
        "billingTo": MSP,
        "currency": "EUR",
        "total": Decimal(100),
        "analysisItems": list(items),
    } | more


CREDIT = {"id": 2, "name": "Credit Invoice", "type": "Credit"}


class Fake:
    """A BSS that holds what a test puts there. `page_size` caps its pages."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.invoices: list[dict[str, Any]] = []
        self.refused: tuple[str, ...] = ()
        self.page_size = 500
        self.answers: dict[str, Callable[[Request], Response] | Response | object] = {
            "/oauth/token": {"access_token": "made-up-token", "expires_in": 3599},
            "/api/organization/unitGroups": {"data": GROUPS, "paging": {"totalPages": 1}},
            "/api/invoices": self.page,
        }
        remote.answer = self.answer

    def answer(self, request: Request) -> Response:
        found = self.answers.get(request.path)
        if found is None:
            return reply({"code": "NotFound", "developerMessage": "not found"}, 404)
        if isinstance(found, Response):
            return found
        return found(request) if callable(found) else reply(found)

    def page(self, request: Request) -> Response:
        assert request.headers["X-Api-Version"] == "3"
        assert request.headers["Authorization"] == "Bearer made-up-token"
        if any(word in request.args.get("$filter", "") for word in self.refused):
            return reply({"code": "BadFilter", "developerMessage": "no such field"}, 400)
        size, page = min(self.page_size, int(request.args["pageSize"])), int(request.args["pageIndex"])
        shown = self.invoices[(page - 1) * size : page * size]
        pages = -(-len(self.invoices) // size)
        return reply({"data": shown, "paging": {"page": page, "size": size, "totalPages": pages}})

    def asked(self, part: str) -> list[str]:
        return [path for _, path in self.remote.seen if part in path]


@pytest.fixture
def fake(remote: Remote) -> Fake:
    return Fake(remote)


@pytest.fixture
def bss(remote: Remote) -> Iterator[Bss]:
    one = Bss(remote.url, "key", "made-up-secret", "user", "made-up-word", plans={}, patience=0.001)
    with one.service:
        yield one


def march(bss: Bss) -> tuple[BillingLine, ...]:
    return bss.list_billing_lines(MARCH, by="invoice-date", progress=None)


def only(fake: Fake, bss: Bss, *items: Any, **more: Any) -> BillingLine:
    fake.invoices = [invoice("EX-1", *items, **more)]
    (line,) = march(bss)
    return line


# --- one line


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


def test_a_credit_that_is_signed_already_is_not_turned_round(fake: Fake, bss: Bss) -> None:
    taken = item(quantity=Decimal(-2), unitPrice=Decimal(10), total=Decimal(-20), totalOriginal=Decimal(-20))
    line = only(fake, bss, taken, type=CREDIT, total=Decimal(-20))
    assert (line.units, line.amount, line.cost) == (-2, -20, 10)


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


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize(
    ("periods", "ends"),
    [
        (["03-01 04-01", "03-20 04-01"], ["03-31", "03-31"]),  # the day after
        (["03-01 03-31", "03-20 03-31"], ["03-31", "03-31"]),  # the last day
        (["03-17 04-17", "03-30 04-17", "05-01 05-31"], ["04-16", "04-16", "05-31"]),  # a tie tells nothing
        (["03-17 04-17", "03-17 04-17", "05-01 05-31"], ["04-16", "04-16", "05-30"]),
        (["03-17 04-16", "03-20 04-16"], ["04-16", "04-16"]),
        (["01-31 03-01", "05-20 05-31"], ["02-28", "05-30"]),
        (["01-31 02-28"], ["02-28"]),
        (["03-20 04-01"], ["03-31"]),  # nothing tells
        (["03-20 03-31"], ["03-31"]),
        (["03-20 04-12"], ["04-11"]),
        (["03-01 03-01", "03-01 04-01"], ["03-01", "03-31"]),  # never before the start
        (["04-01 03-01", "03-01 04-01"], ["03-01", "03-31"]),
        (["03-01 04-01", "? 04-01"], ["03-31", "03-31"]),
        (["03-01 04-01", "03-02 04-01", "03-02 04-01"], ["03-31"] * 3),  # increases on the 2nd
        (["03-01 ?"], [None]),
        ([], []),
    ],
)
def test_all_ends_at_midnight_tell_together_what_they_mean(
    periods: list[str], ends: list[str | None]
) -> None:
    charges = [
        Charge("x", *(None if text == "?" else day(text) for text in period.split()), True)
        for period in periods
    ]
    assert last_days(charges) == [None if end is None else day(end) for end in ends]


DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2030, 12, 1))


@given(DAYS, st.sampled_from([1, 12]), st.lists(st.integers(0, 364)), st.booleans(), st.randoms())
def test_all_charges_to_one_end_end_on_its_last_day(
    first: dt.date, months: int, later: list[int], is_exclusive: bool, random: Any
) -> None:
    first = first.replace(day=min(first.day, 28))
    last = last_day(first, months)
    after = last + dt.timedelta(days=1)
    starts = [first, *(first + dt.timedelta(days=n % (after - first).days) for n in later)]
    random.shuffle(starts)
    end = after if is_exclusive else last
    assert set(last_days([Charge("x", start, end, True) for start in starts])) == {last}


@given(st.lists(st.tuples(st.sampled_from("xy"), st.none() | DAYS, st.none() | DAYS, st.booleans())))
def test_an_end_moves_by_a_day_at_most_and_never_before_its_start(periods: list[Any]) -> None:
    charges = [Charge(*period) for period in periods]
    for one, end in zip(charges, last_days(charges), strict=True):
        if one.end is None or end is None or not one.ends_at_midnight:
            assert end == one.end
        else:
            assert (one.end - end).days in (0, 1)
            assert end == one.end or one.start is None or one.start <= end
    assert last_days(charges[::-1]) == last_days(charges)[::-1]


def test_the_first_and_the_last_day_of_all_stay() -> None:
    ends = [dt.date.min, dt.date.max]
    assert last_days([Charge("", start, end, True) for end in ends for start in (None, end)]) == [
        ends[0], ends[0], ends[1], ends[1],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("2026-04-01", True), ("2026-04-01T00:00Z", True), ("2026-04-01T00:00:00.000+03:00", True),
        ("2026-04-01 00:00:00", True), ("4/1/2026 12:00:00 AM", True), ("4/1/2026 0:00", True),
        ("2026-03-31T23:59:59+00:00", False), ("2026-04-01T00:00:01Z", False), ("", True),
        ("2026-04-01T00:00:00.001Z", False), ("3/31/2026 12:00:00 PM", False),
    ],
)  # fmt: skip
def test_midnight_is_known_however_it_is_written(text: str, is_so: bool) -> None:
    assert is_midnight(text) == is_so


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
        return [line.key for line in bss.list_billing_lines(MARCH, by="service-period")]

    elsewhere = {"startDate": "2026-05-01T00:00:00Z", "endDate": "2026-05-31T23:59:59Z"}
    assert read(quantity=None, **elsewhere) == ["i-1", "i-8"]
    assert read(subscriptions=5, **elsewhere) == ["i-1", "i-8"]
    assert read(total=None, startDate=None, endDate=None) == ["i-1", "i-8"]  # so the invoice's date decides
    for change in ({"quantity": None}, {"startDate": "?"}):
        with pytest.raises(ApiError, match="invoice EX-9, line 1"):
            read(**change)
    fake.invoices[1]["analysisItems"] = ["x"]
    with pytest.raises(ApiError, match="invoice EX-9 cannot be used"):
        bss.list_billing_lines(MARCH, by="service-period")


# --- the month's invoices


def test_cancelled_invoices_are_dropped(fake: Fake, bss: Bss) -> None:
    fake.invoices = [invoice("EX-1", item(), status={"id": 3, "name": "x", "type": "Canceled"})]
    assert march(bss) == ()


@pytest.mark.parametrize(
    ("date", "counts"),
    [
        ("2026-03-01T00:30:00+02:00", True),  # February in UTC
        ("2026-03-31T23:30:00.1234567-05:00", True),  # April in UTC
        ("2026-02-28T23:59:59+02:00", False),
        ("2026-04-01T00:00:00+03:00", False),  # March in UTC
    ],
)
def test_the_local_date_of_the_offset_decides_the_month(
    fake: Fake, bss: Bss, date: str, counts: bool
) -> None:
    fake.invoices = [invoice("EX-1", item(), invoiceDate=date)]
    assert len(march(bss)) == counts


def test_several_customers_stand_on_one_invoice(fake: Fake, bss: Bss) -> None:
    fake.invoices = [invoice("EX-1", item("i-1"), item("i-2", subscriptions=[sub("s-2", BORIS)]))]
    assert [line.customer for line in march(bss)] == ["Anna's Bakery", "Boris Clinic"]


def test_every_page_is_read(fake: Fake, bss: Bss) -> None:
    fake.page_size = 2
    fake.invoices = [invoice(f"EX-{n}", item(f"i-{n}")) for n in range(5)]
    assert [line.key for line in march(bss)] == [f"i-{n}" for n in range(5)]
    assert len(fake.asked("/api/invoices?")) == 3


def test_an_invoice_that_moved_to_the_next_page_is_taken_once(fake: Fake, bss: Bss) -> None:
    fake.page_size = 2
    fake.invoices = [invoice(f"EX-{n}", item(f"i-{n}")) for n in (0, 1, 1, 2)]
    assert [line.key for line in march(bss)] == ["i-0", "i-1", "i-2"]


def test_a_repeated_page_is_an_error(fake: Fake, bss: Bss) -> None:
    page = {"data": [invoice("EX-1", item())], "paging": {"totalPages": 9}}
    fake.answers["/api/invoices"] = page
    with pytest.raises(ApiError, match="page 2 is page 1 again"):
        march(bss)


def test_the_next_link_counts_where_pages_are_not_told(fake: Fake, bss: Bss) -> None:
    def page(request: Request) -> Response:
        n = int(request.args["pageIndex"])
        return reply(
            {"data": [invoice(f"EX-{n}", item(f"i-{n}"))], "links": {"next": "x" if n < 3 else None}}
        )

    fake.answers["/api/invoices"] = page
    assert len(march(bss)) == 3


def in_pages(fake: Fake, count: int, most: int, tell: Callable[[int, int, int], Any]) -> None:
    """Serve so many invoices, at most so many a page; `tell` makes the answer's other members."""
    invoices = [invoice(f"EX-{n:03}", item(f"i-{n:03}")) for n in range(count)]

    def page(request: Request) -> Response:
        number, size = int(request.args["pageIndex"]), min(most, int(request.args["pageSize"]))
        data = invoices[(number - 1) * size : number * size]
        told = tell(number, size, count)
        return reply(data if told is None else {"data": data, **told})

    fake.answers["/api/invoices"] = page


TELLS: dict[str, Callable[[int, int, int], Any]] = {
    "nothing": lambda *_: {},
    "null": lambda *_: {"paging": None, "links": None},
    "records": lambda _, size, count: {"paging": {"size": size, "totalRecords": count}},
    "only records": lambda *of: {"paging": {"totalRecords": of[2]}},
    "no records": lambda *_: {"paging": {"totalRecords": 0}},
    "another name": lambda *of: {"paging": {"totalCount": of[2]}},
    "pages of what was asked": lambda *of: {"paging": {"totalPages": 1, "totalRecords": of[2]}},
    "next": lambda number, size, count: {"links": {"next": "x" if number * size < count else None}},
    "a bare list": lambda *_: None,
}


@pytest.mark.parametrize("tell", TELLS)
@pytest.mark.parametrize(("count", "most"), [(5, 2), (4, 2), (5, 500), (1, 1), (500, 500), (501, 500)])
def test_every_page_is_read_whatever_tells_of_them(
    fake: Fake, bss: Bss, tell: str, count: int, most: int
) -> None:
    in_pages(fake, count, most, TELLS[tell])
    assert len(march(bss)) == count


def test_a_page_that_repeats_is_an_error_where_nothing_tells_of_pages(fake: Fake, bss: Bss) -> None:
    long = [invoice(f"EX-{n}", item(f"i-{n}")) for n in range(500)]
    for answer in ({"data": long[:3]}, long):
        fake.answers["/api/invoices"] = answer
        with pytest.raises(ApiError, match="page 2 is page 1 again"):
            march(bss)
    for count in (3, 499):
        fake.answers["/api/invoices"] = long[:count]  # bare and shorter: it is the whole list
        assert len(march(bss)) == count


@pytest.mark.parametrize(
    ("tell", "pages"), [("records", 3), ("only records", 3), ("next", 3), ("nothing", 4)]
)
def test_no_page_is_asked_for_after_the_last_where_something_tells(
    fake: Fake, bss: Bss, tell: str, pages: int
) -> None:
    in_pages(fake, 5, 2, TELLS[tell])
    march(bss)
    assert len(fake.asked("/api/invoices?")) == pages


def test_further_pages_are_as_long_as_the_first_that_was_served(fake: Fake, bss: Bss) -> None:
    invoices = [invoice(f"EX-{n}", item(f"i-{n}")) for n in range(5)]

    def page(request: Request) -> Response:  # of two at most, and yet it passes over as many as asked for
        first = (int(request.args["pageIndex"]) - 1) * int(request.args["pageSize"])
        return reply({"data": invoices[first : first + 2], "paging": {"totalPages": 1, "totalRecords": 5}})

    fake.answers["/api/invoices"] = page
    assert len(march(bss)) == 5


def test_fewer_entries_than_told_are_an_error(fake: Fake, bss: Bss) -> None:
    in_pages(fake, 5, 2, lambda *_: {"paging": {"totalRecords": 7}})
    with pytest.raises(ApiError, match="it has 7 entries and gives only 5"):
        march(bss)


def test_a_list_that_is_none_is_an_error(fake: Fake, bss: Bss) -> None:
    for odd in ({"data": None}, ["x"], "text"):
        fake.answers["/api/invoices"] = odd
        with pytest.raises(ApiError, match="no list"):
            march(bss)


@pytest.mark.parametrize(
    ("refused", "tries"), [((), 1), (("invoiceDate",), 2), (("invoiceDate", "createdAt"), 3)]
)
def test_a_refused_filter_is_replaced_by_a_wider_one(
    fake: Fake, bss: Bss, refused: tuple[str, ...], tries: int
) -> None:
    fake.refused = refused
    fake.invoices = [
        invoice("EX-1", item()),
        invoice("EX-2", item("i-2"), invoiceDate="2026-04-02T00:00:00Z"),
    ]
    assert [line.invoice for line in march(bss)] == ["EX-1"]
    assert len(fake.asked("/api/invoices?")) == tries


def test_no_invoice_is_no_line(fake: Fake, bss: Bss) -> None:
    assert march(bss) == ()
    assert fake.asked("unitGroups") == []


def test_units_are_looked_up_by_name_where_they_may_not_be_read(fake: Fake, bss: Bss) -> None:
    fake.answers["/api/organization/unitGroups"] = reply({}, 403)
    assert only(fake, bss, item()).commitment_months == 1
    fake.answers["/api/organization/unitGroups"] = reply({}, 500)
    with pytest.raises(ApiError):
        march(bss)


# --- analytical items


SHARED = item("i-9", subscriptions=[sub("s-1"), sub("s-2", BORIS)])


@pytest.mark.parametrize("brought", [{}, {"analysisItems": []}, {"items": [SHARED]}])
def test_analytical_items_are_asked_for_where_the_list_lacks_them(fake: Fake, bss: Bss, brought: Any) -> None:
    fake.invoices = [invoice("EX-1") | {"analysisItems": None} | brought]
    fake.answers["/api/invoices/id-EX-1/items"] = [
        item("i-1"),
        item("i-2", subscriptions=[sub("s-2", BORIS)]),
    ]
    assert [line.contract_id for line in march(bss)] == ["s-1", "s-2"]
    assert fake.asked("/items") == ["/api/invoices/id-EX-1/items?analysis=true"]


def test_items_of_one_subscription_each_need_no_second_look(fake: Fake, bss: Bss) -> None:
    fake.invoices = [invoice("EX-1", items=[item()]) | {"analysisItems": None}]
    assert len(march(bss)) == 1
    assert fake.asked("/items") == []


@pytest.mark.parametrize("answer", [reply({}, 500), reply({"data": None}), reply("x")])
def test_lines_that_cannot_be_read_stop_the_month(fake: Fake, bss: Bss, answer: Response) -> None:
    fake.invoices = [invoice("EX-1", item()), invoice("EX-2")]
    fake.answers["/api/invoices/id-EX-2/items"] = answer
    with pytest.raises(ApiError):
        march(bss)


def test_a_refusal_other_than_of_the_filter_is_an_error(fake: Fake, bss: Bss) -> None:
    fake.answers["/api/invoices"] = reply({}, 403)
    with pytest.raises(ApiError):
        march(bss)
    assert len(fake.asked("/api/invoices?")) == 1


def test_several_subscriptions_in_an_analytical_line_are_told(fake: Fake, bss: Bss) -> None:
    fake.invoices = [invoice("EX-1")]
    fake.answers["/api/invoices/id-EX-1/items"] = [item(subscriptions=[sub(), sub("s-2")])]
    (line,) = march(bss)
    assert line.unread == "The BSS charges 2 subscriptions in this one line."


@given(st.permutations(range(5)))
def test_keys_do_not_depend_on_the_order_of_items(order: list[int]) -> None:
    addon = sub("s-1", relatedAddon={"id": "a-1", "name": "x"})
    items = [
        item("i-1"), item("i-1", subscriptions=[sub("s-2")]), item("i-1", subscriptions=[addon]),
        item("i-1", startDate="2026-03-17T00:00:00Z"), item("i-2"),
    ]  # fmt: skip
    units = read_units(GROUPS)
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
        assert len(read_lines(odd, [changed], read_units(GROUPS))) == 1
    except ApiError as error:
        assert "invoice " in error.message  # noqa: PT017 - either is right


# --- billing plans

PLAN = "/api/subscriptions/s-1/currentInstallmentplan"


def plan(count: Any, months: Any, unit: Any = YEAR) -> dict[str, Any]:
    return {"id": "x", "unit": unit, "installments": count, "installmentsFrequency": months}


@pytest.mark.parametrize(
    ("answer", "period", "months"),
    [
        (plan(12, 1), "Monthly", 1),
        (plan(4, 3), "Quarterly", 3),
        (plan(2, 6), "Every 6 months", 6),
        (plan(1, 12), "Annual", 12),
        (plan(1, 1), "Annual", 12),  # paid at once
        (plan(None, None), "Annual", 12),
        (plan(12, 1, MONTH), "Annual", 12),  # of another term
        ({}, "Annual", 12),
        (Response(status=204), "Annual", 12),
        (reply({"code": "NotFound"}, 404), "Annual", 12),
    ],
)
def test_the_billing_period_comes_from_the_plan_else_the_term(
    fake: Fake, bss: Bss, answer: Any, period: str, months: int
) -> None:
    fake.answers[PLAN] = answer
    line = only(fake, bss, item(unit=YEAR))
    assert (line.billing_period, line.billing_months) == (period, months)
    assert (line.commitment_period, line.commitment_months, line.unread) == ("Annual", 12, "")


@pytest.mark.parametrize("answer", [plan(12, 1), Response(status=204)])
def test_a_plan_is_asked_for_once_and_kept(fake: Fake, bss: Bss, answer: Any) -> None:
    fake.answers[PLAN] = answer
    fake.invoices = [invoice("EX-1", item("i-1", unit=YEAR), item("i-2", unit=YEAR))]
    first = march(bss)
    assert march(bss) == first
    assert len(fake.asked("Installmentplan")) == 1


def test_a_kept_plan_of_another_term_is_asked_for_again(fake: Fake, bss: Bss) -> None:
    fake.answers[PLAN] = plan(12, 1)
    only(fake, bss, item(unit=YEAR))
    three = {"id": "u-36", "name": "Triennial"}
    fake.answers[PLAN] = plan(3, 12, three)
    line = only(fake, bss, item(unit=three))
    assert (line.billing_period, line.commitment_period) == ("Annual", "Every 3 years")


def test_a_plan_that_cannot_be_read_is_told_and_not_kept(fake: Fake, bss: Bss) -> None:
    fake.answers[PLAN] = reply({"developerMessage": "out of order"}, 500)
    line = only(fake, bss, item(unit=YEAR))
    assert "out of order" in line.unread
    assert (line.billing_period, line.billing_months) == ("", None)
    fake.answers[PLAN] = plan(12, 1)
    assert only(fake, bss, item(unit=YEAR)).billing_period == "Monthly"


def test_an_add_on_of_another_unit_does_not_take_its_subscriptions_plan(fake: Fake, bss: Bss) -> None:
    fake.answers[PLAN] = plan(4, 3)
    addon = sub(relatedAddon={"id": "a-1", "name": "x"})
    fake.invoices = [invoice("EX-1", item("i-1", unit=YEAR), item("i-2", unit=MONTH, subscriptions=[addon]))]
    assert [line.billing_period for line in march(bss)] == ["Quarterly", "Monthly"]
    assert len(fake.asked("Installmentplan")) == 1


def test_no_plan_is_asked_for_usage_hand_typed_and_monthly_lines(fake: Fake, bss: Bss) -> None:
    used = item("i-1", unit=YEAR, subscriptions=[sub(usages=[{"id": 1}])])
    fake.invoices = [invoice("EX-1", used, item("i-2", product=None, subscriptions=[]), item("i-3"))]
    assert len(march(bss)) == 3
    assert fake.asked("Installmentplan") == []


def test_a_unit_of_unknown_length_keeps_its_name(fake: Fake, bss: Bss) -> None:
    line = only(fake, bss, item(unit={"id": "u-odd", "name": "30 days"}))
    assert (line.billing_period, line.billing_months) == ("30 days", None)
    assert (line.commitment_period, line.commitment_months) == ("30 days", None)


@given(st.integers(1, 120))
def test_the_name_of_a_period_tells_its_months(months: int) -> None:
    assert months_of(period_name(months)) == months


@pytest.mark.parametrize(
    ("name", "months"),
    [("Month", 1), ("1 Year", 12), ("P1Y", 12), ("P3M", 3), ("36 Months", 36), ("Annually", 12),
     ("Triennial", 36), ("Half-yearly", 6), ("License", None), ("", None), ("0 months", None),
     ("30 days", None)],
)  # fmt: skip
def test_common_names_of_periods_are_known(name: str, months: int | None) -> None:
    assert months_of(name) == months


@pytest.mark.parametrize("odd", [None, {}, [], "text"])
def test_an_odd_plan_is_kept_as_none(odd: object) -> None:
    assert keep_plan(odd, "u-1") == {"unit": "u-1", "installments": 0, "months": 0}


def test_numbers_of_a_plan_may_be_written_as_decimals() -> None:
    assert keep_plan(plan(Decimal("12.0"), Decimal(1)), "u-1") == {
        "unit": "u-12",
        "installments": 12,
        "months": 1,
    }
    assert keep_plan(plan("x", []), "u-1") == {"unit": "u-12", "installments": 0, "months": 0}


# --- service period


def test_by_service_period_lines_count_whose_period_overlaps_the_month(fake: Fake, bss: Bss) -> None:
    def charged(name: str, start: str | None, end: str | None, date: str) -> dict[str, Any]:
        return invoice(name, item(name, startDate=start, endDate=end), invoiceDate=f"{date}T00:00:00Z")

    fake.invoices = [
        charged("before", "2026-02-01", "2026-02-28", "2026-03-01"),
        charged("into", "2026-02-15", "2026-03-01", "2026-02-15"),
        charged("later", "2026-03-31", "2026-04-30", "2026-06-30"),
        charged("too late", "2026-03-01", "2026-03-31", "2026-07-01"),
        charged("after", "2026-04-01", "2026-04-30", "2026-03-31"),
        charged("no dates", None, None, "2026-03-31"),
        charged("no dates of April", None, None, "2026-04-01"),
        charged("no end", "2026-03-04", None, "2026-04-01"),
    ]
    lines = bss.list_billing_lines(MARCH, by="service-period", progress=None)
    assert [line.key for line in lines] == ["into", "later", "no dates", "no end"]


# --- everything else


@pytest.mark.usefixtures("fake")
def test_the_token_is_asked_for_with_the_keys_and_renewed_once(bss: Bss, remote: Remote) -> None:
    bss.check()
    remote.script = [reply({"code": "Unauthorized"}, 401)]
    bss.check()
    assert [path.partition("?")[0] for _, path in remote.seen] == [
        "/oauth/token", "/api/invoices", "/api/invoices", "/oauth/token", "/api/invoices",
    ]  # fmt: skip
    assert remote.bodies[0] == b"grant_type=password&username=user&password=made-up-word"
    assert bss.service.requests == 5


@pytest.mark.parametrize(
    "answer", [reply({"error": "invalid_client"}, 400), reply({"a": 1}), reply([]), reply({}, 500)]
)
def test_wrong_keys_are_told_without_the_keys(fake: Fake, bss: Bss, answer: Response) -> None:
    fake.answers["/oauth/token"] = answer
    with pytest.raises(ApiError) as caught:
        bss.check()
    assert "oauth/token" in caught.value.message
    assert "made-up" not in caught.value.message


def test_progress_counts_reads_upwards(fake: Fake, bss: Bss) -> None:
    fake.invoices = [
        invoice(f"EX-{n}", item(f"i-{n}", unit=YEAR, subscriptions=[sub(f"s-{n}")])) for n in range(9)
    ]
    told: list[int] = []
    bss.list_billing_lines(MARCH, by="invoice-date", progress=told.append)
    assert told == list(range(1, 12))


def test_own_units_come_from_the_subscription_or_the_add_on(fake: Fake, bss: Bss) -> None:
    addon = sub(relatedAddon={"id": "a-1", "name": "x"})
    other = sub(relatedAddon={"id": "a-2", "name": "x"})
    lost, gone = sub("s-2"), sub("s-3")
    fake.invoices = [invoice("EX-1", *(
        item(f"i-{n}", subscriptions=[one]) for n, one in enumerate((sub(), addon, other, lost, gone, sub()))
    ))]  # fmt: skip
    fake.answers |= {
        "/api/subscriptions/s-1": {"id": "s-1", "quantity": 0, "status": "Active"},
        "/api/subscriptions/s-3": {"id": "s-3", "quantity": 5, "status": "Cancelled"},
        "/api/subscriptions/s-1/addons": [
            {"id": "a-1", "status": "Active", "quantity": Decimal("2.5"), "product": {"id": "p-7"}},
            {"id": "zz", "status": "Inactive", "quantity": 4, "product": {"id": "p-1"}},
            {"id": "zy", "status": "Active", "quantity": 3, "product": {"id": "p-1"}},
        ],
    }
    units = bss.list_own_units(march(bss))
    assert units["bss:s-1"] == 0
    assert units["bss:s-1/a-1"] == d("2.5")
    assert units["bss:s-1/a-2"] == 3
    lost_error, gone_error = units["bss:s-2"], units["bss:s-3"]
    assert isinstance(lost_error, ApiError)
    assert lost_error.status == 404
    assert isinstance(gone_error, ApiError)
    assert "the subscription is Cancelled" in gone_error.message
    assert len(fake.asked("/addons")) == 1


@pytest.mark.parametrize("answer", [None, "x", 5, {"data": [{"id": "other"}]}])
def test_own_units_of_an_add_on_that_is_not_told_are_an_error(fake: Fake, bss: Bss, answer: object) -> None:
    fake.answers["/api/subscriptions/s-1/addons"] = reply(answer)
    fake.invoices = [invoice("EX-1", item(subscriptions=[sub(relatedAddon={"id": "a-1", "name": "x"})]))]
    (units,) = bss.list_own_units(march(bss)).values()
    assert isinstance(units, ApiError)
    assert "tells of 0 add-ons Mail Standard" in units.message


@pytest.mark.parametrize("answer", [{"id": "s-1"}, {"id": "s-1", "quantity": None}, [], "x"])
def test_own_units_without_a_quantity_are_an_error(fake: Fake, bss: Bss, answer: object) -> None:
    fake.answers["/api/subscriptions/s-1"] = answer
    fake.invoices = [invoice("EX-1", item())]
    (units,) = bss.list_own_units(march(bss)).values()
    assert isinstance(units, ApiError)


def test_an_account_proposes_a_name_and_an_address(fake: Fake, bss: Bss) -> None:
    fake.answers["/api/accounts/601"] = {
        "id": 601, "name": " Anna's  Bakery", "phone": "1", "email": None,
        "billingAddress": {
            "address": "1 Way", "address2": "Floor 2", "city": "Athens", "postCode": "105 57",
            "country": {"id": 1, "name": "Greece", "code": "GR"}, "state": None,
        },
    }  # fmt: skip
    assert bss.read_account("601") == Account(
        name="Anna's Bakery",
        phone="1",
        address="1 Way, Floor 2",
        city="Athens",
        zip="105 57",
        country="Greece",
    )


def test_an_account_that_may_not_be_read_is_none(fake: Fake, bss: Bss) -> None:
    fake.answers["/api/accounts/601"] = reply({}, 403)
    assert bss.read_account("601") is None
    assert bss.read_account("602") is None
    fake.answers["/api/accounts/601"] = reply({}, 500)
    with pytest.raises(ApiError):
        bss.read_account("601")


# --- a whole made-up month


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=1) as one:
        yield one


def at(sandbox: Sandbox, plans: dict[str, Any], workers: int = 8) -> Bss:
    names = ("URL", "CLIENT_KEY", "CLIENT_SECRET", "USERNAME", "PASSWORD")
    values = (sandbox.environ[f"XLSYNC_BSS_{name}"] for name in names)
    return Bss(*values, plans=plans, workers=workers, patience=0.001)


OCTOBER = Month(2026, 10)


def october(sandbox: Sandbox, plans: dict[str, Any] | None = None) -> tuple[BillingLine, ...]:
    bss = at(sandbox, {} if plans is None else plans)
    with bss.service:
        return bss.list_billing_lines(OCTOBER, by="invoice-date", progress=None)


def test_a_whole_month_is_read_and_every_kind_of_line_with_it(sandbox: Sandbox) -> None:
    lines = october(sandbox)
    assert {line.type for line in lines} == set(LineType)
    assert any(line.addon_id for line in lines)
    assert len({line.key for line in lines}) == len(lines)
    assert all((line.units < 0) == (line.type is LineType.CREDIT) for line in lines)
    assert all(line.unread == "" for line in lines)
    billed = {(line.billing_period, line.commitment_period) for line in lines if line.is_compared}
    assert billed == {("Monthly", "Monthly"), ("Monthly", "Annual"), ("Annual", "Annual")}


def test_a_second_reading_is_the_same_and_asks_for_no_plan(sandbox: Sandbox) -> None:
    plans: dict[str, Any] = {}
    first = october(sandbox, plans)
    before = len(sandbox.log)
    assert october(sandbox, plans) == first
    assert [request.path for request in sandbox.log[before:]] == [
        "/oauth/token", "/api/invoices", "/api/organization/unitGroups",
    ]  # fmt: skip


def test_a_month_is_the_same_whatever_can_be_filtered(sandbox: Sandbox) -> None:
    first = october(sandbox)
    filterable = set(sandbox.bss.filterable)
    try:
        for refused in ("invoiceDate", "createdAt"):
            sandbox.bss.filterable.discard(refused)
            assert october(sandbox) == first
    finally:
        sandbox.bss.filterable |= filterable


def test_a_month_survives_a_busy_service_lost_answers_and_an_expired_token(sandbox: Sandbox) -> None:
    first = october(sandbox)
    bss = at(sandbox, {})
    with bss.service:
        bss.check()
        sandbox.bss.tokens.clear()
        sandbox.fail("busy", path="/api/", times=3)
        sandbox.fail("error", path="Installmentplan", times=2)
        sandbox.fail("hang-up-before", path="unitGroups")
        sandbox.fail("hang-up-after", path="/api/invoices")
        assert bss.list_billing_lines(OCTOBER, by="invoice-date", progress=None) == first


def test_a_plan_that_fails_for_good_is_told_in_its_line_only(sandbox: Sandbox) -> None:
    plans: dict[str, Any] = {}
    whole = october(sandbox)
    sandbox.fail("error", path="Installmentplan", times=5)
    bss = at(sandbox, plans, workers=1)  # so that one plan meets all the failures
    with bss.service:
        lines = bss.list_billing_lines(OCTOBER, by="invoice-date", progress=None)
    failed = {line.contract_id for line in lines if line.unread}
    assert len(failed) == 1
    assert not failed & set(plans)
    assert [line.key for line in lines] == [line.key for line in whole]
    assert october(sandbox, plans) == whole


def test_the_sandboxs_own_units_agree_with_its_subscriptions(sandbox: Sandbox) -> None:
    bss = at(sandbox, {})
    with bss.service:
        lines = bss.list_billing_lines(OCTOBER, by="invoice-date", progress=None)
        units = bss.list_own_units(lines)
    for line in lines:
        if line.contract_id and not line.addon_id:
            record = sandbox.bss.subscriptions[line.contract_id]
            own = units[line.contract]
            assert (own == record["quantity"]) or (
                isinstance(own, ApiError) and record["status"] == "Cancelled"
            )
