"""Billing plans of the BSS, and the billing period of a line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from werkzeug import Response

from tests.helpers.fake_bss import MARCH, MONTH, YEAR, Fake, invoice, item, march, only, sub
from tests.helpers.remote import Remote, reply
from xlsync.billing.bss import Bss
from xlsync.billing.bss_lines import read_lines
from xlsync.billing.bss_plans import plan_to_cache
from xlsync.settings import BssSettings

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


def test_a_charge_for_other_months_than_the_kept_plan_asks_for_it_again_once_an_invoice(
    fake: Fake, bss: Bss
) -> None:
    fake.answers[PLAN] = plan(12, 1)
    fake.invoices = [invoice("EX-1", item(unit=YEAR, endDate="2026-03-31T23:59:59"))]
    assert march(bss)[0].billing_period == "Monthly"
    fake.answers[PLAN] = plan(1, 12)
    renewed = item(unit=YEAR, startDate="2026-03-15T00:00:00", endDate="2027-03-14T23:59:59")
    fake.invoices = [invoice("EX-2", renewed, invoiceDate="2026-03-15T04:10:22+02:00")]
    for _ in range(2):
        assert march(bss)[0].billing_period == "Annual"
    assert len(fake.asked("Installmentplan")) == 2


def test_refresh_asks_once_for_each_plan_that_was_kept_before(fake: Fake, remote: Remote) -> None:
    plans: dict[str, Any] = {}
    settings = BssSettings(
        url=remote.url, client_key="key", client_secret="secret", username="user", password="word"
    )
    fake.answers[PLAN] = plan(12, 1)
    fake.invoices = [invoice("EX-1", item(unit=YEAR))]
    assert march(Bss(settings, plans=plans))[0].billing_period == "Monthly"
    fake.answers[PLAN] = plan(4, 3)
    again = Bss(settings, plans=plans)
    assert march(again)[0].billing_period == "Monthly"
    for _ in range(2):
        charged = again.read_charged(MARCH, by="invoice-date", progress=None, refresh=True)
        assert again.read_plans(charged, None).lines[0].billing_period == "Quarterly"
    assert len(fake.asked("Installmentplan")) == 2


def kept(answer: object) -> dict[str, Any]:
    (charge,) = read_lines(invoice("EX-1", item()), [item()], {})
    return plan_to_cache(answer, charge)


@pytest.mark.parametrize("odd", [None, {}, [], "text"])
def test_an_odd_plan_is_kept_as_none(odd: object) -> None:
    assert kept(odd) == {"unit": "u-1", "installments": 0, "months": 0, "invoiced": "2026-03-01"}


def test_numbers_of_a_plan_may_be_written_as_decimals() -> None:
    decimals = {"unit": "u-12", "installments": 12, "months": 1, "invoiced": "2026-03-01"}
    assert kept(plan(Decimal("12.0"), Decimal(1))) == decimals
    assert kept(plan("x", [])) == decimals | {"installments": 0, "months": 0}
