"""Nothing is sent twice, and nothing is written on a stale look: lost answers, lagging lists, others."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.helpers.additions import additions_of
from tests.helpers.desk import Desk
from tests.helpers.hand import MISMATCHES

ADD = "add:38:15"


def approve(desk: Desk, *keys: str) -> None:
    with desk.editing() as hand:
        hand.approve(*keys)
    desk.be_impatient()


@pytest.mark.parametrize("seconds", [1, 5, 30])
def test_an_addition_that_is_committed_after_the_connection_was_cut_is_not_made_twice(
    desk: Desk, seconds: int
) -> None:
    approve(desk, ADD)
    desk.sandbox.fail("commit-late", write=1, seconds=seconds)
    first = desk.apply()
    assert (first.code, first.states) == (3, {ADD: "unknown"})
    at_once = desk.apply()
    assert at_once.states[ADD] in {"skipped", "already"}  # a slow machine takes longer than a second
    assert len(desk.sent()) == 1
    if at_once.states[ADD] == "skipped":
        assert "apply it after" in at_once.json["actions"][0]["detail"]
    desk.let_minutes_pass()
    last = desk.apply()
    assert (last.code, last.states, len(desk.sent())) == (0, {ADD: "already"}, 1)
    assert len(additions_of(desk, 38, 15)) == 1


def test_a_list_that_does_not_show_a_new_addition_is_not_believed(desk: Desk) -> None:
    approve(desk, ADD)
    assert desk.apply().states == {ADD: "done"}
    with desk.editing() as hand:
        hand.set(MISMATCHES, ADD, {"Result": None})  # approved anew by mistake
    desk.sandbox.fail("hide-new", seconds=300)
    assert desk.apply().states == {ADD: "already"}
    assert len(additions_of(desk, 38, 15)) == 1


def test_what_connectwise_stored_otherwise_is_told_and_the_run_exits_3(desk: Desk) -> None:
    approve(desk, ADD)
    desk.sandbox.fail("stores", write=1, fields={"quantity": Decimal(77)})
    ran = desk.apply()
    assert (ran.code, ran.states) == (3, {ADD: "done"})
    assert "ConnectWise stored quantity 77 instead of" in desk.read().get(MISMATCHES, ADD, "Result")


def test_undo_restores_the_value_that_stood_there_just_before_the_write(desk: Desk) -> None:
    approve(desk, "units:55", "cost:55")
    wanted = desk.read().get(MISMATCHES, "units:55", "New Units")
    desk.addition(55)["quantity"] = Decimal(wanted)  # a colleague was first; the cost is still to do
    ran = desk.apply()
    assert ran.states == {"update:55": "done"}
    assert desk.run("undo", ran.json["run"], "--yes").code == 0
    assert desk.addition(55)["quantity"] == Decimal(wanted)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [("inactiveFlag", True, "the product is inactive now"), ("price", Decimal(9000), "Unit Price was")],
)
def test_an_addition_is_held_to_the_product_that_its_row_showed(
    desk: Desk, field: str, value: object, told: str
) -> None:
    approve(desk, ADD)
    desk.sandbox.connectwise.catalog[15][field] = value
    ran = desk.apply()
    assert (ran.code, ran.states, desk.sent()) == (3, {ADD: "skipped"}, [])
    assert told in ran.json["actions"][0]["detail"]


def test_two_of_the_same_that_were_made_at_the_same_time_are_both_named(desk: Desk) -> None:
    approve(desk, ADD)

    def colleague() -> None:
        additions = desk.sandbox.connectwise.additions
        made = max(additions)
        additions[made + 1] = {**additions[made], "id": made + 1}

    desk.sandbox.fail("call-after", write=1, call=colleague)
    ran = desk.apply()
    assert (ran.code, ran.states) == (3, {ADD: "done"})
    assert f"made {max(desk.sandbox.connectwise.additions)} of the same" in ran.json["actions"][0]["detail"]


def test_a_customer_of_this_very_name_under_another_identifier_is_named_and_not_made_again(
    approved: Desk,
) -> None:
    with approved.editing() as hand:
        name = hand.get("New in ConnectWise", "customer:bss:622", "Name")
    company = next(iter(approved.sandbox.connectwise.companies.values()))
    company["name"] = name
    ran = approved.apply("--force")
    assert ran.states["customer:bss:622"] == "skipped"
    assert not [path for _, path in approved.sent() if path == "/company/companies"]


def test_yes_over_limit_lifts_the_limits_for_its_row_only(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:53", New_Units=5000)
        hand.set(MISMATCHES, "units:52", {"Approve": "Yes, over limit"})
    stopped = desk.apply()
    assert (stopped.code, desk.sent()) == (1, [])
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:53", {"Approve": "Yes, over limit"})
    assert desk.apply().states == {"update:52": "done", "update:53": "done"}


def test_undo_leaves_an_agreement_on_which_a_colleague_built(approved: Desk) -> None:
    ran = approved.apply("--force")
    assert ran.code == 0
    made = next(a["id"] for a in ran.json["actions"] if a["kind"] == "CreateAgreement")
    additions = approved.sandbox.connectwise.additions
    theirs = max(additions) + 1
    additions[theirs] = {**additions[53], "id": theirs, "agreementId": made}
    undone = approved.run("undo", "last", "--yes", "--json")
    assert undone.code == 3
    assert approved.sandbox.connectwise.agreements[made]["cancelledFlag"] is False
    told = next(a["detail"] for a in undone.json["actions"] if a["key"].endswith(f"/agreements/{made}"))
    assert f"it is in use by addition {theirs}" in told
