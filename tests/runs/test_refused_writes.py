"""Refusals of writes: what is sent once more, what stops the others, and what is in force afterwards."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.helpers.additions import additions_of
from tests.helpers.desk import Desk
from tests.helpers.hand import MISMATCHES, NEW
from tests.helpers.world import DeskAfter, choose_new
from xlsync.commands.write_test import TenantBehaviour, store_tenant
from xlsync.config import load_settings

ADD = "add:38:15"


def approve(desk: Desk, *keys: str, **cells: object) -> None:
    with desk.editing() as hand:
        for key in keys:
            hand.approve(key, **cells)
    desk.be_impatient()


def patches(desk: Desk) -> list[list[str]]:
    return [
        [step["path"] for step in request.body]
        for request in desk.sandbox.writes
        if request.method == "PATCH"
    ]


def test_a_patch_refused_over_custom_fields_is_sent_once_more_with_them_as_they_are(desk: Desk) -> None:
    desk.sandbox.fail("demand-customs")
    before = desk.sandbox.connectwise.additions[52]["customFields"]
    approve(desk, "units:52", "units:55")
    ran = desk.apply()
    assert (ran.code, set(ran.states.values())) == (0, {"done"})
    paths = patches(desk)
    assert paths.count(["quantity"]) == 1, "a tenant that demands them once is not asked without again"
    assert paths.count(["quantity", "customFields"]) == 2
    after = desk.sandbox.connectwise.additions[52]["customFields"]
    assert [(f["id"], f["value"]) for f in after] == [(f["id"], f["value"]) for f in before]


def test_undo_of_such_a_patch_restores_the_units_alone(desk: Desk) -> None:
    was = desk.sandbox.connectwise.additions[52]["quantity"]
    desk.sandbox.fail("demand-customs")
    approve(desk, "units:52")
    assert desk.apply().code == 0
    assert desk.run("undo", "last", "--yes", "--json").code == 0
    assert desk.sandbox.connectwise.additions[52]["quantity"] == was


def test_the_journal_holds_what_was_sent_and_tells_of_the_approved_change_alone(desk: Desk) -> None:
    """The first such PATCH is refused and sent with more, others are sent so at once."""
    desk.sandbox.fail("demand-customs")
    approve(desk, "units:52", "units:55")
    run = desk.apply().json["run"]
    (writes,) = [one.json["writes"] for one in [desk.run("history", run, "--json")]]
    sent = {request.path: request.body for request in desk.sandbox.writes}  # the last of each path
    assert [write["body"] for write in writes] == [sent[write["path"]] for write in writes]
    assert all([step["path"] for step in write["body"]] == ["quantity", "customFields"] for write in writes)
    assert [write["state"] for write in writes] == ["done", "done"]
    told = desk.run("history", run).out
    assert "customFields" not in told
    undone = desk.run("undo", run, "--yes", "--json").json
    assert len(undone["actions"]) == 2
    assert not [action for action in undone["actions"] if "customFields" in action["detail"]]


def test_apply_uses_what_a_test_of_writing_found(desk: Desk) -> None:
    behaviour = TenantBehaviour("2026-11-01", "today", 0, takes_twins=True, needs_custom_fields=True)
    store_tenant(desk.home, load_settings(bss=False, connectwise=True).environment, behaviour)
    desk.sandbox.fail("demand-customs")
    approve(desk, "units:52")
    assert desk.apply().code == 0
    assert patches(desk) == [["quantity", "customFields"]]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("forbid", "a right that the keys lack"), ("release", "the release of the API")],
)
def test_a_refusal_that_meets_every_row_stops_the_run_after_the_first(
    desk: Desk, kind: str, reason: str
) -> None:
    approve(desk, "units:52", "units:55", ADD)
    desk.sandbox.fail(kind, path="^(PATCH|POST)", times=99)
    ran = desk.apply()
    assert ran.code == 3
    assert len(desk.sent()) == 1
    assert sorted(ran.states.values()) == ["failed", "skipped", "skipped"]
    told = [str(desk.read().get(MISMATCHES, key, "Result")) for key in ("units:52", "units:55", ADD)]
    stopped = [text for text in told if text.startswith("skipped: not sent: the run stopped when")]
    assert len(stopped) == 2
    for text in stopped:
        assert (
            f"was refused for {reason}; mend that, or take away the Yes of that row, and apply again" in text
        )


def test_what_a_stopped_run_left_is_done_by_the_next(desk: Desk) -> None:
    approve(desk, "units:52", "units:55", ADD)
    desk.sandbox.fail("forbid", path="^POST", times=1)
    first = desk.apply()
    assert (first.code, sorted(first.states.values())) == (3, ["failed", "skipped", "skipped"])
    assert desk.apply().states == dict.fromkeys(first.states, "done")


def test_a_run_that_stopped_in_the_middle_is_completed_by_exactly_the_rest(desk_after: DeskAfter) -> None:
    desk = desk_after(choose_new)
    with desk.editing() as hand:
        hand.approve("customer:bss:622", Contact_First_Name="Ada", Identifier="QUILL")
        hand.approve("agreement:bss:622|Monthly", "add:agreement:bss:622|Monthly:1", "units:52")
    desk.sandbox.fail("forbid", path="^POST /finance/agreements$")
    first = desk.apply()
    assert sorted(first.states.values()) == ["done", "done", "failed", "skipped", "skipped"]
    agreement = desk.read().get(NEW, "agreement:bss:622|Monthly", "Result")
    assert agreement.startswith("failed: ")
    assert "`xlsync doctor` names the rights" in agreement
    desk.forget_log()
    assert set(desk.apply().states.values()) == {"done", "already"}
    assert sorted(method for method, _ in desk.sent()) == ["PATCH", "POST", "POST"]
    assert desk.addition(52)["quantity"] == 18


def test_a_value_of_a_custom_field_that_is_refused_does_not_stop_the_other_rows(desk: Desk) -> None:
    approve(desk, "units:52", "units:55", ADD)
    settings = '[creation.fields.addition.custom]\nReviewed = "neither"\n'
    (desk.folder / "xlsync.toml").write_text(settings, encoding="utf-8")
    ran = desk.apply()
    assert (ran.code, ran.states) == (3, {"update:52": "done", "update:55": "done", ADD: "failed"})
    assert "must be true or false" in desk.read().get(MISMATCHES, ADD, "Result")


def test_a_successor_that_is_refused_leaves_a_result_that_says_what_is_in_force(desk: Desk) -> None:
    approve(desk, "units:52", Effective_From=date(2026, 10, 14))
    desk.sandbox.fail("forbid", path="^POST")
    ran = desk.apply()
    assert ran.code == 3
    told = desk.read().get(MISMATCHES, "units:52", "Result")
    assert "addition 52 ends on 2026-10-13 and nothing continues it" in told
    run = ran.json["run"]
    assert f"`xlsync undo {run}` takes the end back" in told
    assert desk.run("undo", run, "--yes", "--json").code == 0
    assert [one.get("cancelledDate") for one in additions_of(desk, 37, 3)] == [None]


def test_only_one_addition_is_ended_where_the_first_successor_is_refused(desk: Desk) -> None:
    """Agreements are written side by side, and would all end theirs before one refusal is known."""
    hand = desk.read()
    units = [key for key in hand.rows(MISMATCHES) if hand.get(MISMATCHES, key, "Action") == "Update units"]
    approve(desk, *units, Effective_From=date(2026, 10, 14))
    desk.sandbox.fail("forbid", path="^POST", times=99)
    ran = desk.apply()
    assert ran.code == 3
    assert patches(desk) == [["cancelledDate"]]
    assert len([state for state in ran.states.values() if state == "skipped"]) > 4


def test_nothing_is_ended_where_the_successor_would_be_refused(desk: Desk) -> None:
    approve(desk, "units:52", Effective_From=date(2026, 10, 14))
    desk.sandbox.connectwise.agreements[37]["billStartDate"] = "2026-10-20T00:00:00Z"
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    told = desk.read().get(MISMATCHES, "units:52", "Result")
    assert "nothing was ended" in told
    assert "the agreement bills from 2026-10-20 only" in told


def test_nothing_is_ended_where_the_product_of_the_successor_is_inactive(desk: Desk) -> None:
    approve(desk, "units:52", Effective_From=date(2026, 10, 14))
    item = desk.sandbox.connectwise.additions[52]["product"]["id"]
    desk.sandbox.connectwise.catalog[item]["inactiveFlag"] = True
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    assert "its product is inactive now" in desk.read().get(MISMATCHES, "units:52", "Result")


def test_an_addition_is_not_sent_where_its_agreement_was_given_a_later_bill_start_meanwhile(
    desk: Desk,
) -> None:
    approve(desk, ADD)
    desk.sandbox.connectwise.agreements[38]["billStartDate"] = "2026-11-05T00:00:00Z"
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    assert "the agreement bills from 2026-11-05 only" in desk.read().get(MISMATCHES, ADD, "Result")


def test_an_addition_of_an_agreement_that_bills_later_is_proposed_from_then_and_is_taken(desk: Desk) -> None:
    desk.sandbox.connectwise.agreements[38]["billStartDate"] = "2026-11-05T00:00:00Z"
    assert desk.check("--refresh").code == 0
    hand = desk.read()
    assert str(hand.get(MISMATCHES, ADD, "Effective From"))[:10] == "2026-11-05"
    assert "2026-10 itself must be billed by hand" in hand.get(MISMATCHES, ADD, "Explanation")
    approve(desk, ADD)
    assert desk.apply().states == {ADD: "done"}
    assert [one["effectiveDate"][:10] for one in additions_of(desk, 38, 15)] == ["2026-11-05"]


def test_a_date_that_the_agreement_does_not_take_is_told_by_check(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:72", Effective_From=date(2026, 10, 15))
    ran = desk.check()
    assert ran.code == 0
    assert "ConnectWise would refuse an addition that begins on 2026-10-15" in ran.err + ran.out


@pytest.mark.parametrize(
    ("day", "fault"), [("2026-11-12T00:00:00Z", "day-first"), ("2026-10-31T23:00:00Z", "delay")]
)
def test_a_recap_date_that_could_be_read_two_ways_is_a_reason_to_skip(
    desk: Desk, day: str, fault: str
) -> None:
    """The twelfth of November day-first may be the eleventh of December, an evening in UTC the next day."""
    approve(desk, "units:52", Effective_From=date(2026, 10, 14))
    desk.sandbox.connectwise.agreements[37]["nextInvoiceDate"] = day
    desk.sandbox.fail(fault, path="agreementrecap")
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    assert "cannot be read for sure" in desk.read().get(MISMATCHES, "units:52", "Result")


def test_the_agreements_own_next_invoice_date_counts_where_its_recap_tells_an_earlier_one(desk: Desk) -> None:
    approve(desk, "units:52", Effective_From=date(2026, 10, 14))
    agreement = desk.sandbox.connectwise.agreements[37]

    def invoice() -> None:
        agreement["nextInvoiceDate"] = "2026-11-30T00:00:00Z"

    desk.sandbox.fail("call-after", path="GET /finance/agreementrecap/37$", call=invoice)
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    assert "already invoiced (next invoice 2026-11-30)" in desk.read().get(MISMATCHES, "units:52", "Result")


def test_a_terminal_says_once_why_many_changes_were_left(desk: Desk) -> None:
    hand = desk.read()
    units = [key for key in hand.rows(MISMATCHES) if hand.get(MISMATCHES, key, "Action") == "Update units"]
    approve(desk, *units)
    desk.sandbox.fail("forbid", path="^PATCH", times=99)
    ran = desk.run("apply", str(desk.file), "--yes")
    assert ran.code == 3
    assert ran.err.count("the run stopped when") == 1
    assert f"skipped {len(units) - 1} changes, such as" in ran.err
    assert "takes it back" not in ran.err, "nothing was done"


def test_a_successor_of_which_another_price_was_stored_says_so_and_the_run_exits_3(desk: Desk) -> None:
    approve(desk, "units:52", Effective_From=date(2026, 10, 14))
    price = desk.addition(52)["unitPrice"]
    desk.sandbox.fail("stores", path="^POST", fields={"unitPrice": Decimal("0.01")})
    ran = desk.apply()
    assert (ran.code, set(ran.states.values())) == (3, {"done"})
    told = desk.read().get(MISMATCHES, "units:52", "Result")
    assert f"ConnectWise stored unitPrice 0.01 instead of {price.normalize()}" in told
