"""A month out of the BSS: against a small BSS whose invoices a test writes, and the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug import Response

from tests.helpers.fake_bss import BORIS, MARCH, YEAR, Fake, invoice, item, march, only, read_billing, sub
from tests.helpers.remote import Remote, reply
from xlsync.billing.bss import Bss
from xlsync.config import BSS_VARIABLES
from xlsync.errors import ApiError
from xlsync.models import Account, BillingLine, LineType, Month
from xlsync.sandbox.server import Sandbox
from xlsync.settings import BssSettings

# --- the month's invoices


@pytest.mark.parametrize(
    "told", [{"name": "x", "type": "Canceled"}, {"name": "x", "type": "Voided"}, {"name": "Cancelled"}]
)
def test_cancelled_invoices_are_dropped(fake: Fake, bss: Bss, told: dict[str, str]) -> None:
    fake.invoices = [invoice("EX-1", item(), status={"id": 3, **told})]
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


def test_no_invoice_by_its_date_is_held_against_the_dates_of_creation(fake: Fake, bss: Bss) -> None:
    fake.unmet = ("invoiceDate",)
    fake.invoices = [invoice("EX-1", item())]
    assert [line.invoice for line in march(bss)] == ["EX-1"]
    assert len(fake.asked("/api/invoices?")) == 2


def test_no_invoice_is_no_line(fake: Fake, bss: Bss) -> None:
    assert march(bss) == ()
    assert len(fake.asked("/api/invoices?")) == 2


def test_units_are_looked_up_by_name_where_they_may_not_be_read(fake: Fake, bss: Bss) -> None:
    fake.answers["/api/organization/unitGroups"] = reply({}, 500)
    with pytest.raises(ApiError):
        only(fake, bss, item())
    fake.answers["/api/organization/unitGroups"] = reply({}, 403)
    assert only(fake, bss, item()).commitment_months == 1


def test_units_are_read_once_for_all_months(fake: Fake, bss: Bss) -> None:
    assert only(fake, bss, item()) == march(bss)[0]
    assert len(fake.asked("unitGroups")) == 1


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
    lines = read_billing(bss, MARCH, by="service-period", progress=None).lines
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
    told: list[tuple[str, int, int | None]] = []
    read_billing(bss, MARCH, by="invoice-date", progress=lambda *step: told.append(step[:3]))
    invoices, plans = "Reading the month's billing", "Reading billing plans"
    assert told[:2] == [(invoices, 1, None), (invoices, 1, 1)]
    assert told[2:] == [(plans, done, 9) for done in range(1, 10)]


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
    keys = BssSettings(**{name: sandbox.environ[variable] for variable, name in BSS_VARIABLES.items()})
    return Bss(keys, plans=plans, workers=workers, patience=0.001)


OCTOBER = Month(2026, 10)


def october(sandbox: Sandbox, plans: dict[str, Any] | None = None) -> tuple[BillingLine, ...]:
    bss = at(sandbox, {} if plans is None else plans)
    with bss.service:
        return read_billing(bss, OCTOBER, by="invoice-date", progress=None).lines


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
    token, *others = (request.path for request in sandbox.log[before:])
    assert token == "/oauth/token"
    assert sorted(others) == ["/api/invoices", "/api/organization/unitGroups"]


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
        assert read_billing(bss, OCTOBER, by="invoice-date", progress=None).lines == first


def test_a_plan_that_fails_for_good_is_told_in_its_line_only(sandbox: Sandbox) -> None:
    plans: dict[str, Any] = {}
    whole = october(sandbox)
    sandbox.fail("error", path="Installmentplan", times=5)
    bss = at(sandbox, plans, workers=1)  # so that one plan meets all the failures
    with bss.service:
        lines = read_billing(bss, OCTOBER, by="invoice-date", progress=None).lines
    failed = {line.contract_id for line in lines if line.unread}
    assert len(failed) == 1
    assert not failed & set(plans)
    assert [line.key for line in lines] == [line.key for line in whole]
    assert october(sandbox, plans) == whole


def test_the_sandboxs_own_units_agree_with_its_subscriptions(sandbox: Sandbox) -> None:
    bss = at(sandbox, {})
    with bss.service:
        lines = read_billing(bss, OCTOBER, by="invoice-date", progress=None).lines
        units = bss.list_own_units(lines)
    for line in lines:
        if line.contract_id and not line.addon_id:
            record = sandbox.bss.subscriptions[line.contract_id]
            own = units[line.contract]
            assert (own == record["quantity"]) or (
                isinstance(own, ApiError) and record["status"] == "Cancelled"
            )
