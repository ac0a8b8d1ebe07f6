"""The verdict on a month: all clear only where each recurring line was compared and agrees, or ignored."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reconcile.test_billed import line, totals_of
from xlsync.models import BillingLine, LineType, Status
from xlsync.reconcile.billed import InvoiceTotal, account_for
from xlsync.reconcile.verdict import ALL_CLEAR, Uncompared, Verdict, judge_month


def month(*statuses: Status) -> tuple[list[BillingLine], dict[str, Status]]:
    lines = [line(n, "A", Decimal(1)) for n, _ in enumerate(statuses)]
    return lines, {one.key: status for one, status in zip(lines, statuses, strict=True)}


def test_a_month_in_which_every_recurring_line_agrees_or_is_ignored_is_all_clear() -> None:
    assert judge_month(*month(Status.OK, Status.IGNORED), {}, 0) == Verdict(True, ALL_CLEAR)


@pytest.mark.parametrize("reason", list(Uncompared))
def test_one_line_that_was_not_compared_hinders_it_and_is_counted_with_its_reason(reason: Uncompared) -> None:
    found = judge_month(*month(Status.OK, Status.OK), {"1": reason}, 0)
    assert not found.all_clear
    assert "1 of 2 recurring lines was compared and agrees" in found.text
    words = (
        "1 further line agrees, but ConnectWise does not bill it" if reason is Uncompared.NOT_BILLED else "1"
    )
    assert f"{words} {reason}" in found.text


def test_a_row_that_is_open_an_incomplete_month_and_unexplained_money_hinder_it() -> None:
    lines, statuses = month(Status.OK)
    billed = account_for(lines, statuses, [InvoiceTotal(number="A", currency="EUR", total=Decimal(3))])
    assert not judge_month(lines, statuses, {}, 1).all_clear
    incomplete = judge_month(lines, statuses, {}, 0, (), "2026-10 is not over.")
    assert (incomplete.all_clear, "is not over" in incomplete.text) == (False, True)
    unexplained = judge_month(lines, statuses, {}, 0, billed)
    assert (unexplained.all_clear, "Invoice A" in unexplained.text) == (False, True)
    assert judge_month(lines, statuses, {}, 0, account_for(lines, statuses, totals_of(lines))).all_clear


def test_a_charge_of_the_month_that_is_invoiced_in_another_hinders_it() -> None:
    found = judge_month(*month(Status.OK), {}, 0, left_out=1)
    assert (found.all_clear, "1 row of the report charges for the month and is left out" in found.text) == (
        False,
        True,
    )


def test_a_doubt_about_the_report_hinders_the_all_clear_and_is_told() -> None:
    doubt = "No period in a.csv touches 2026-10: is it the report of that month?"
    found = judge_month(*month(Status.OK), {}, 0, doubts=[doubt])
    assert not found.all_clear
    assert found.text == f"1 of 1 recurring line was compared and agrees. {doubt}"


def test_nothing_billed_and_nothing_recurring_are_not_all_clear() -> None:
    assert judge_month([], {}, {}, 0) == Verdict(False, "No billing lines: nothing was compared.")
    usage = line(1, "A", Decimal(1))
    usage = BillingLine(
        **{name: getattr(usage, name) for name in ("key", "invoice", "customer", "product", "units", "cost")},
        type=LineType.USAGE, charge=LineType.USAGE, amount=Decimal(1), currency="EUR",
    )  # fmt: skip
    found = judge_month([usage], {"1": Status.NOT_COMPARED}, {}, 0)
    assert (found.all_clear, "nothing was compared" in found.text) == (False, True)


@given(st.lists(st.sampled_from([Status.OK, Status.IGNORED, Status.MISMATCH, Status.NOT_LINKED]), min_size=1))
def test_the_words_of_the_all_clear_are_never_said_of_another_verdict(statuses: list[Status]) -> None:
    lines, known = month(*statuses)
    uncompared = {key: Uncompared.NOT_LINKED for key, status in known.items() if status is Status.NOT_LINKED}
    found = judge_month(lines, known, uncompared, statuses.count(Status.MISMATCH))
    assert found.all_clear == {Status.MISMATCH, Status.NOT_LINKED}.isdisjoint(statuses)
    assert ("No mismatch" in found.text) == found.all_clear
