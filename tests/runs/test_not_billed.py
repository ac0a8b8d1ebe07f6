"""Additions that are not billed to the customer move no money: on the sheet, in the plan, and in an undo."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import MISMATCHES


def leave_unbilled(desk: Desk, *keys: int) -> None:
    """Set additions to *Do Not Bill*, and renew the workbook."""
    for key in keys:
        desk.addition(key)["billCustomer"] = "DoNotBill"
    assert desk.check().code == 0


def test_units_of_an_addition_that_is_not_billed_move_no_money(desk: Desk) -> None:
    leave_unbilled(desk, 52, 62)
    hand = desk.read()
    for key in ("units:52", "only:62"):
        assert [hand.get(MISMATCHES, key, header) for header in ("Unit Price", "Monthly Impact")] == [0, 0]
        assert "Not billed to the customer (DoNotBill)." in hand.get(MISMATCHES, key, "Explanation")
    with desk.editing() as hand:
        hand.approve("units:52")
        hand.approve("only:62", Action="Cancel addition")
    planned = desk.run("apply", str(desk.file), "--dry-run").err
    assert "units 15 -> 18" in planned
    assert "Together, a month:" not in planned
    ran = desk.apply()
    assert (ran.code, desk.addition(52)["quantity"], desk.addition(52)["billCustomer"]) == (
        0,
        18,
        "DoNotBill",
    )
    assert "Together, a month:" not in desk.run("undo", "last", "--dry-run").err


@pytest.mark.parametrize("then", ["Billable", "NoCharge"])
def test_a_row_that_showed_no_money_is_skipped_where_the_customer_would_pay_now(
    desk: Desk, then: str
) -> None:
    leave_unbilled(desk, 52)
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.addition(52)["billCustomer"] = then
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    told = desk.read().get(MISMATCHES, "units:52", "Result")
    assert f"billCustomer was DoNotBill and is now {then}" in told


def test_the_plan_shows_no_money_for_new_additions_that_the_settings_leave_unbilled(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("add:38:15")
    assert "Together, a month:" in desk.run("apply", str(desk.file), "--dry-run").err
    desk.write_own_settings('[creation]\nbill_customer = "DoNotBill"\n[limits]\nmoney = 0\n')
    planned = desk.run("apply", str(desk.file), "--dry-run")
    assert (planned.code, "Together, a month:" in planned.err) == (0, False)
    assert desk.apply().code == 0
    made = max(desk.sandbox.connectwise.additions)
    assert desk.addition(made)["billCustomer"] == "DoNotBill"
    assert desk.addition(made)["quantity"] > Decimal(0)
