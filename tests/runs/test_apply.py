"""Whole runs of apply: values seen, live and wanted; limits; failures."""

from __future__ import annotations

import shutil
from decimal import Decimal

import pytest

from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import LINES, MISMATCHES, NEW
from tests.helpers.whole_runs import approve_every_creation, choose_every_link
from tests.helpers.workbooks import signed_and_final


def test_apply_tells_a_signature_that_it_breaks_and_a_workbook_marked_as_final(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.file.write_bytes(signed_and_final(desk.file.read_bytes()))
    ran = desk.apply("--dry-run")
    told = " ".join(ran.err.split())
    assert ran.code == 0, told
    assert "changing it breaks the signature" in told
    assert "marked as final" in told


def test_a_quantity_that_changed_since_export_is_skipped_and_the_rest_is_done(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:53")
    desk.addition(52)["quantity"] = Decimal(16)
    ran = desk.apply()
    assert ran.code == 3
    assert [path.rpartition("/")[2] for _, path in desk.sent()] == ["53"]
    assert (desk.addition(52)["quantity"], desk.addition(53)["quantity"]) == (16, 18)
    hand = desk.read()
    told = hand.get(MISMATCHES, "units:52", "Result")
    assert "skipped" in told
    assert "ConnectWise Units was 15 and is now 16" in told
    assert hand.get(MISMATCHES, "units:52", "Mismatch") == "Changed since export"
    assert hand.get(MISMATCHES, "units:53", "Mismatch") == "Units differ"


def test_a_row_that_changed_since_export_can_be_renewed_approved_and_done(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.addition(52)["quantity"] = Decimal(16)
    desk.apply()
    checked = desk.check()
    assert "Yes was removed" in checked.err
    hand = desk.read()
    assert hand.get(MISMATCHES, "units:52", "Mismatch") == "Units differ"
    assert hand.get(MISMATCHES, "units:52", "ConnectWise Units") == 16
    assert [hand.get(MISMATCHES, "units:52", header) for header in ("Approve", "Result")] == [None, None]
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.apply().code == 0
    assert desk.addition(52)["quantity"] == 18


def test_what_is_already_as_wanted_is_already(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
    desk.addition(52)["quantity"] = Decimal(18)
    ran = desk.apply()
    assert ran.code == 0
    assert ran.states["update:52"] == "already"
    assert desk.read().get(MISMATCHES, "units:52", "Result").startswith("already")
    assert [method for method, _ in desk.sent()] == ["POST"]


def test_a_cost_that_changed_since_export_is_skipped(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("cost:54", "units:52")
    desk.addition(54)["unitCost"] = Decimal("4.90")
    ran = desk.apply()
    assert (ran.code, ran.states["update:54"]) == (3, "skipped")
    assert "ConnectWise Cost was 4.80 and is now 4.90" in desk.read().get(MISMATCHES, "cost:54", "Result")


def test_units_are_not_written_over_a_price_that_changed(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.addition(52)["unitPrice"] += 1
    assert desk.apply().code == 3
    assert "Unit Price was 21.50 and is now 22.50" in desk.read().get(MISMATCHES, "units:52", "Result")


def test_a_cancelled_addition_is_not_written_to(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.addition(52)["cancelledDate"] = "2026-10-15T00:00:00Z"
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    assert "2026-10-15" in desk.read().get(MISMATCHES, "units:52", "Result")


def test_an_addition_that_is_gone_is_told(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:53")
    del desk.sandbox.connectwise.additions[52]
    ran = desk.apply()
    assert (ran.code, ran.states) == (3, {"update:52": "skipped", "update:53": "done"})
    assert "no longer there" in desk.read().get(MISMATCHES, "units:52", "Result")


def empty_results(desk: Desk, *keys: str) -> None:
    """Empty *Result*, as somebody does who wants a row to be carried out anew."""
    with desk.editing() as hand:
        for key in keys:
            hand.set(MISMATCHES, key, {"Result": None})


def test_an_addition_that_was_made_since_is_not_made_twice(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("add:38:15")
    desk.apply()
    shutil.copy(desk.folder / "xlsync-2026-10.backup.xlsx", desk.file)
    desk.forget_log()
    again = desk.apply()
    assert (again.code, desk.sent(), set(again.states.values())) == (0, [], {"already"})
    made = max(desk.sandbox.connectwise.additions)
    desk.addition(made)["quantity"] = Decimal(7)
    empty_results(desk, "add:38:15")
    third = desk.apply()
    assert (third.code, desk.sent(), set(third.states.values())) == (3, [], {"skipped"})


def test_units_at_the_limit_pass_and_one_over_stops(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", New_Units=15 + 75 + 1)
    stopped = desk.apply()
    assert (stopped.code, desk.sent()) == (1, [])
    assert "a change of 507 %, the limit is 500 %" in stopped.err
    assert "--force" in stopped.err
    with desk.editing() as hand:
        hand.approve("units:52", New_Units=15 + 75)
    assert desk.apply().code == 0
    assert desk.addition(52)["quantity"] == 90


def test_force_lifts_the_limits(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", New_Units=15 + 75 + 1)
    assert desk.apply("--force").code == 0
    assert desk.addition(52)["quantity"] == 91


def test_a_drop_to_zero_stops(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", New_Units=0)
    desk.write_own_settings("[limits]\nzero = 0\n")
    for words in ((), ("--dry-run",)):
        stopped = desk.apply(*words)
        assert (stopped.code, desk.sent()) == (1, [])
        assert "drop to zero" in stopped.err


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("units = 3\npercent = 9999", ""),
        ("units = 2\npercent = 9999", "a change of 3 units, the limit is 2"),
        ("percent = 20", ""),
        ("percent = 19", "a change of 20 %, the limit is 19 %"),
        ("money = 64.5", ""),
        ("money = 64.4", "64.50 EUR of monthly money, the limit is 64.40"),
    ],
)
def test_each_limit_lets_its_value_pass_and_stops_above(desk: Desk, settings: str, told: str) -> None:
    desk.write_own_settings(f"[limits]\n{settings}\n")
    with desk.editing() as hand:
        hand.approve("units:52")
    ran = desk.apply()
    assert ran.code == (1 if told else 0)
    assert told in ran.err
    assert bool(desk.sent()) != bool(told)
    if told:
        assert "--force" in ran.err


def test_a_change_whose_price_is_not_known_is_over_the_limit_until_its_row_lifts_it(desk: Desk) -> None:
    for addition in (52, 62):
        desk.addition(addition).pop("unitPrice")
        desk.sandbox.connectwise.catalog[desk.addition(addition)["product"]["id"]].pop("price", None)
    shutil.rmtree(desk.home / "cache")
    desk.check()
    with desk.editing() as hand:
        hand.approve("units:52")
        hand.approve("only:62", Action="Cancel addition")
    stopped = desk.apply()
    assert (stopped.code, desk.sent()) == (1, [])
    assert "units 15 -> 18, price unknown" in stopped.err
    assert stopped.err.count("its price is not known") == 2
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Approve": "Yes, over limit"})
        hand.set(MISMATCHES, "only:62", {"Approve": None})
    assert desk.apply().code == 0
    assert desk.addition(52)["quantity"] == 18


@pytest.mark.parametrize(("most", "code"), [(2999970, 0), (2999969, 1)])
def test_the_price_entered_for_a_new_product_counts_as_money_without_another_check(
    approved: Desk, most: int, code: int
) -> None:
    """30 units of a product that is to be created, at a price that the check before did not know."""
    with approved.editing() as hand:
        for title in (MISMATCHES, NEW):
            for key in hand.rows(title):
                hand.set(title, key, {"Approve": None})
        (dark,) = (key for key in hand.rows(NEW) if hand.get(NEW, key, "Name") == "Dark Web Watch")
        hand.approve(dark, Price=99999)
        hand.approve(f"add:27:{dark}")
    approved.write_own_settings(f"[limits]\nmoney = {most}\n")
    ran = approved.apply("--dry-run")
    assert ran.code == code, ran.err
    assert (f"2,999,970.00 EUR of monthly money, the limit is {most:,}.00" in ran.err) == bool(code)


@pytest.mark.parametrize(("most", "code"), [(1, 1), (2, 0)])
def test_creations_are_counted(desk: Desk, most: int, code: int) -> None:
    desk.write_own_settings(f"[limits]\ncreations = {most}\n")
    with desk.editing() as hand:
        hand.approve("add:38:15", "add:38:5", "units:52")
    ran = desk.apply()
    assert ran.code == code
    assert ("2 creations, the limit is 1" in ran.err) == bool(code)


def test_a_write_answered_429_is_sent_again_and_done(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.sandbox.fail("busy", write=1)
    ran = desk.apply()
    assert (ran.code, ran.json["done"]) == (0, 1)
    assert [request.status for request in desk.sandbox.writes] == [429, 200]
    assert desk.changes == {("additions", 52): {"quantity": 18}}


@pytest.mark.parametrize("kind", ["error", "error-json", "error-after"])
def test_a_write_answered_500_is_never_told_as_done_unless_it_is(desk: Desk, kind: str) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:53", "add:38:15")
    desk.sandbox.fail(kind, path="PATCH .*/52$")
    ran = desk.apply()
    assert len([path for method, path in desk.sent() if path.endswith("/52")]) == 1
    committed = desk.addition(52)["quantity"] == 18
    assert committed == (kind == "error-after")
    assert (ran.states["update:52"] == "done") <= committed
    assert ran.states["update:53"] == "done"
    assert ran.code == (0 if ran.states["update:52"] == "done" else 3)
    again = desk.apply()
    assert (again.code, desk.addition(52)["quantity"]) == (0, 18)


@pytest.mark.parametrize("statuses", [(301, 303), (400, 403), (404, 409), (413, 503)])
def test_creations_that_were_carried_out_are_done_whatever_a_gateway_makes_of_the_answers(
    desk: Desk, statuses: tuple[int, int]
) -> None:
    rows = ("add:38:15", "add:38:5")
    with desk.editing() as hand:
        hand.approve(*rows)
    desk.be_impatient()
    for number, status in enumerate(statuses, start=1):
        desk.sandbox.fail("gateway-after", write=number, status=status)
    ran = desk.apply()
    assert (ran.code, ran.states) == (0, dict.fromkeys(rows, "done"))
    assert [request.status for request in desk.sandbox.writes] == list(statuses)
    assert desk.apply().states == dict.fromkeys(rows, "already")
    assert len(desk.sent()) == 2


def test_a_creation_that_was_sent_on_and_is_not_seen_is_unknown(desk: Desk) -> None:
    """303 says where to see what came of a request, so that it may have been carried out."""
    with desk.editing() as hand:
        hand.approve("add:38:15")
    desk.be_impatient()
    desk.sandbox.fail("gateway", write=1, status=303)
    assert desk.apply().states == {"add:38:15": "unknown"}
    assert desk.apply().states == {"add:38:15": "skipped"}
    assert len(desk.sent()) == 1


@pytest.mark.parametrize("kind", ["error", "error-after"])
def test_a_creation_answered_500_leads_to_one_addition(desk: Desk, kind: str) -> None:
    with desk.editing() as hand:
        hand.approve("add:38:15")
    desk.sandbox.fail(kind, write=1)
    desk.apply()
    assert desk.apply().code == 0
    assert len([1 for table, _ in desk.changes if table == "additions"]) == 1


@pytest.mark.parametrize(("kind", "ends"), [("forbid", "done"), ("hang-up-before", "skipped")])
def test_an_agreement_stays_approved_once_its_new_customer_is_there(desk: Desk, kind: str, ends: str) -> None:
    agreement = "agreement:bss:624|Monthly"
    with desk.editing() as hand:
        choose_every_link(hand)
        hand.approve("customer:bss:624")
        hand.approve(agreement, Contact_First_Name="Zoe")
    desk.be_impatient()
    desk.sandbox.fail(kind, path="^POST /finance/agreements$", times=1)
    assert desk.apply().states[agreement] in {"failed", "unknown"}
    assert "Yes was removed" not in desk.check().err
    hand = desk.read()
    shown = [hand.get(NEW, agreement, header) for header in ("Approve", "Customer")]
    assert shown == ["Yes", "Zephyr Kitesurf"]
    assert desk.apply().states[agreement] == ends


def test_what_needs_a_failed_creation_is_skipped_with_that_reason_and_the_rest_goes_on(desk: Desk) -> None:
    with desk.editing() as hand:
        choose_every_link(hand)
    desk.check()
    with desk.editing() as hand:
        approve_every_creation(hand)
        hand.set(NEW, "customer:bss:625", {"Identifier": "MISTRAL26"})
        hand.approve(*(key for key in hand.rows(MISMATCHES) if key.startswith("add:")))
    desk.sandbox.connectwise.limits[("companies", "name")] = 15  # as a tenant's own rule might
    ran = desk.apply()
    states = ran.states
    assert ran.code == 3
    assert (states["customer:bss:622"], states["customer:bss:624"]) == ("failed", "done")
    lost = {key for key, state in states.items() if state == "skipped"}
    of_622 = {"contact:customer:bss:622", "agreement:bss:622|Monthly", "add:agreement:bss:622|Monthly:1"}
    assert of_622 <= lost
    assert all("622" in key or "623" in key for key in lost)
    details = {action["key"]: action["detail"] for action in ran.json["actions"]}
    assert all("customer:bss:622" in details[key] or "Quillfeather" in details[key] for key in of_622)
    assert {states[key] for key in states if "624" in key} == {"done"}
    hand = desk.read()
    assert hand.get(NEW, "customer:bss:622", "Result").startswith("failed")
    assert "skipped" in hand.get(NEW, "agreement:bss:622|Monthly", "Result")
    assert "skipped" in hand.get(MISMATCHES, "add:agreement:bss:622|Monthly:1", "Result")


def test_an_agreement_that_could_not_be_read_is_could_not_check(desk: Desk) -> None:
    untouched = desk.read()
    of_redstart = {
        key for key, name in untouched.column(MISMATCHES, "Customer").items() if name == "Redstart Textiles"
    }
    agreement = desk.addition(52)["agreementId"]
    desk.sandbox.fail("busy", path=f"GET /finance/agreements/{agreement}/additions", times=99, seconds=600)
    checked = desk.check()
    assert checked.code == 0
    hand = desk.read()
    mismatches = hand.column(MISMATCHES, "Mismatch")
    customers = hand.column(MISMATCHES, "Customer")
    products = {
        hand.get(LINES, k, "Product")
        for k, n in hand.column(LINES, "Customer").items()
        if n == "Redstart Textiles"
    }
    unchecked = [key for key, name in customers.items() if name == "Redstart Textiles"]
    assert {mismatches[key] for key in unchecked} == {"Could not check"}
    assert len(unchecked) == len(products)
    assert not of_redstart & hand.rows(MISMATCHES).keys()
    statuses = {
        hand.get(LINES, k, "Status")
        for k, n in hand.column(LINES, "Customer").items()
        if n == "Redstart Textiles"
    }
    assert "OK" not in statuses
    assert checked.json["mismatches"]["Could not check"] == len(unchecked)


def test_an_agreement_that_could_not_be_read_is_not_written_to(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:1")
    agreement = desk.addition(52)["agreementId"]
    desk.sandbox.fail("busy", path=f"GET /finance/agreements/{agreement}/additions", times=99, seconds=600)
    ran = desk.apply()
    assert (ran.code, ran.states) == (3, {"update:52": "skipped", "update:1": "done"})
    assert desk.changes == {("additions", 1): {"quantity": 15}}


def test_a_bss_that_is_down_stops_check_and_leaves_the_workbook(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    before = desk.file.read_bytes()
    desk.sandbox.fail("busy", path="GET /api/invoices", times=99, seconds=600)
    checked = desk.run("check", OCTOBER)
    assert (checked.code, desk.file.read_bytes()) == (1, before)
    assert "BSS" in checked.err
