"""Effective dates: an addition ends, its successor begins, both once; and additions that are cancelled."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from openpyxl.utils import get_column_letter

from tests.helpers.additions import EXPORTED_CUSTOMS, SEEN, additions_of, customs, days, fill_52
from tests.helpers.desk import Desk, changes, records
from tests.helpers.hand import MISMATCHES, Hand, day
from tests.helpers.process import kill_at
from tests.helpers.world import DeskAfter


def approve_from(desk: Desk, text: str, *keys: str, **cells: Any) -> None:
    with desk.editing() as hand:
        hand.approve(*(keys or ("units:52",)), Effective_From=day(text), **cells)


def fill_and_approve(desk: Desk) -> None:
    fill_52(desk)
    approve_from(desk, "2026-10-14")


def fill_and_end_alone(desk: Desk) -> None:
    """Let the first write be done and the second one fail."""
    fill_and_approve(desk)
    desk.sandbox.fail("error", write=2)
    desk.be_impatient()
    assert desk.apply().states == {"cancel:52": "done", "successor:52": "failed"}


# The pair


def test_the_old_addition_ends_the_day_before_and_its_successor_begins(desk: Desk) -> None:
    approve_from(desk, "2026-10-14")
    ran = desk.apply()
    assert (ran.code, ran.states) == (0, {"cancel:52": "done", "successor:52": "done"})
    old, new = additions_of(desk, 37, 3)
    assert days(old) == ("2025-03-01", "2026-10-13")
    assert days(new) == ("2026-10-14", None)
    assert (old["quantity"], new["quantity"]) == (15, 18)
    assert desk.sent() == [
        ("PATCH", "/finance/agreements/37/additions/52"),
        ("POST", "/finance/agreements/37/additions"),
    ]
    told = desk.read().get(MISMATCHES, "units:52", "Result")
    assert told.startswith("done")
    assert str(new["id"]) in told


def test_nothing_is_ended_where_an_addition_made_since_stands_in_its_successors_way(desk: Desk) -> None:
    approve_from(desk, "2026-10-14")
    desk.sandbox.connectwise.additions[9001] = {**desk.addition(52), "id": 9001, "quantity": Decimal(1)}
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    assert ran.states == {"cancel:52": "skipped", "successor:52": "skipped"}
    (told,) = (action["detail"] for action in ran.json["actions"] if action["key"] == "cancel:52")
    assert told.startswith("nothing was ended, since its successor cannot be made: changed since export:")
    assert "with 1 unit at" in told
    assert desk.read().get(MISMATCHES, "units:52", "Result") == f"skipped: {told}"  # once


@pytest.mark.parametrize("failing", [None, 2])
def test_each_contract_of_a_product_gets_its_successor(desk: Desk, failing: int | None) -> None:
    additions = desk.sandbox.connectwise.additions
    additions[70] = {**additions[70], "quantity": Decimal(5)}
    assert desk.check().code == 0
    approve_from(desk, "2026-10-14", "units:69", "units:70")
    if failing is not None:
        desk.sandbox.fail("error", write=failing)
        desk.be_impatient()
        assert desk.apply().states["successor:69"] == "failed"
    ran = desk.apply()
    assert (ran.code, set(ran.states.values()) <= {"done", "already"}) == (0, True)
    old, other, *new = additions_of(desk, 42, 7)
    assert [days(ended)[1] for ended in (old, other)] == ["2026-10-13"] * 2
    assert {customs(one)["Subscription ID"]: one["quantity"] for one in new} == {
        customs(old)["Subscription ID"]: 10,
        customs(other)["Subscription ID"]: 2,
    }
    assert len(new) == 2
    assert desk.check().code == 0
    approved = desk.read().column(MISMATCHES, "Customer")
    assert "Brambling Roofing" not in approved.values()


def test_check_keeps_the_rows_of_all_additions_of_a_product_that_ended_without_successors(desk: Desk) -> None:
    additions = desk.sandbox.connectwise.additions
    additions[70] = {**additions[70], "quantity": Decimal(5)}
    assert desk.check().code == 0
    approve_from(desk, "2026-10-14", "units:69", "units:70")
    desk.sandbox.fail("error", write=2)
    desk.sandbox.fail("error", write=4)
    desk.be_impatient()
    states = desk.apply().states
    assert (states["successor:69"], states["successor:70"]) == ("failed", "failed")
    assert desk.check().code == 0
    ran = desk.apply()
    assert (ran.code, ran.states["successor:69"], ran.states["successor:70"]) == (0, "done", "done")


def test_after_a_failure_the_successor_of_an_addition_without_a_mark_is_not_taken_for_anothers(
    desk: Desk,
) -> None:
    additions = desk.sandbox.connectwise.additions
    unmarked = [{**field, "value": None} for field in additions[70]["customFields"]]
    additions[70] = {**additions[70], "quantity": Decimal(5), "customFields": unmarked}
    assert desk.check().code == 0
    approve_from(desk, "2026-10-14", "units:69", "units:70", New_Units=7)
    desk.sandbox.fail("error", write=2)
    desk.be_impatient()
    assert desk.apply().states["successor:69"] == "failed"
    ran = desk.apply()
    assert (ran.code, ran.states["successor:69"]) == (0, "done")
    assert [one["quantity"] for one in additions_of(desk, 42, 7)[2:]] == [7, 7]


def test_an_end_of_the_month_before_is_a_day_of_that_month(desk: Desk) -> None:
    approve_from(desk, "2026-10-01")
    assert desk.apply().code == 0
    assert [days(one) for one in additions_of(desk, 37, 3)] == [
        ("2025-03-01", "2026-09-30"),
        ("2026-10-01", None),
    ]


def test_the_successor_keeps_price_cost_custom_fields_and_texts(desk_after: DeskAfter) -> None:
    desk = desk_after(fill_and_approve)
    assert desk.apply().code == 0
    old, new = additions_of(desk, 37, 3)
    assert {name: new[name] for name in SEEN} == SEEN
    assert customs(new) == customs(old) == EXPORTED_CUSTOMS  # the whole array, and no mark of its own
    assert desk.changes[("additions", 52)] == {"cancelledDate": "2026-10-13T00:00:00Z"}


def test_the_successor_keeps_the_texts_that_connectwise_holds_now(desk: Desk) -> None:
    approve_from(desk, "2026-10-14")
    now = {"description": "Seats", "invoiceDescription": "As agreed on Monday"}
    desk.addition(52).update(now)
    assert desk.apply().code == 0
    _, new = additions_of(desk, 37, 3)
    assert {name: new[name] for name in now} == now


def test_the_successor_of_what_is_not_billed_is_not_billed_either(desk: Desk) -> None:
    desk.addition(52)["billCustomer"] = "NoCharge"
    assert desk.check().code == 0
    approve_from(desk, "2026-10-14")
    assert desk.apply().code == 0
    _, new = additions_of(desk, 37, 3)
    assert new["billCustomer"] == "NoCharge"


def test_a_new_cost_from_a_date_is_the_successors_alone(desk: Desk) -> None:
    approve_from(desk, "2026-10-14", "cost:54")
    assert desk.apply().code == 0
    old, new = additions_of(desk, 37, 12)
    assert (old["unitCost"], new["unitCost"]) == (Decimal("4.80"), Decimal("5.05"))
    assert (old["quantity"], new["quantity"]) == (18, 18)
    assert old["unitPrice"] == new["unitPrice"]


def test_units_and_cost_of_one_addition_become_one_successor(desk: Desk) -> None:
    approve_from(desk, "2026-10-14", "units:55", "cost:55")
    ran = desk.apply()
    assert (ran.code, len(desk.sent())) == (0, 2)
    old, new = additions_of(desk, 37, 16)
    assert (old["quantity"], old["unitCost"]) == (3, Decimal("9.10"))
    assert (new["quantity"], new["unitCost"]) == (4, Decimal("8.45"))
    results = desk.read().column(MISMATCHES, "Result")
    assert results["units:55"] == results["cost:55"] != None  # noqa: E711 - both told, and alike


def test_an_addition_with_an_end_of_its_own_is_succeeded_until_that_end(desk: Desk) -> None:
    desk.addition(52)["cancelledDate"] = "2026-12-31T00:00:00Z"
    desk.check()
    approve_from(desk, "2026-10-14")
    assert desk.apply().code == 0
    old, new = additions_of(desk, 37, 3)
    assert (days(old), days(new)) == (("2025-03-01", "2026-10-13"), ("2026-10-14", "2026-12-31"))
    desk.forget_log()
    again = desk.apply()
    assert (again.code, desk.sent(), set(again.states.values())) == (0, [], {"already"})


def test_a_successor_is_compared_like_any_addition_and_there_is_nothing_left_to_do(desk: Desk) -> None:
    approve_from(desk, "2026-10-14")
    desk.apply()
    after = records(desk.sandbox)
    desk.forget_log()
    again = desk.apply()
    assert (again.code, desk.sent(), set(again.states.values())) == (0, [], {"already"})
    assert desk.check().code == 0
    keys = desk.read().rows(MISMATCHES)
    new = additions_of(desk, 37, 3)[1]["id"]
    assert not {"units:52", f"units:{new}", "add:37:3"} & keys.keys()
    assert records(desk.sandbox) == after


@pytest.mark.parametrize("date", ["2026-11-01", "2026-11-15"])
def test_a_successor_of_a_later_month_is_not_made_twice_after_a_check(desk: Desk, date: str) -> None:
    """October's units still differ then, and the row is still there or another one is."""
    approve_from(desk, date)
    assert desk.apply().code == 0
    held = additions_of(desk, 37, 3)
    assert [days(one)[0] for one in held] == ["2025-03-01", date]
    desk.forget_log()
    assert desk.check().code == 0
    again = desk.apply()
    assert (again.code, desk.sent()) == (0, []), again.err
    hand = desk.read()
    offered = {key: hand.get(MISMATCHES, key, "Action") for key in ("units:52", "add:37:3")
               if key in hand.rows(MISMATCHES)}  # fmt: skip
    assert offered in ({"units:52": None}, {"add:37:3": None})
    with desk.editing() as hand:
        hand.approve(*offered)
    third = desk.apply()
    assert additions_of(desk, 37, 3) == held, third.err


# A crash between the two


def assert_one_successor(desk: Desk) -> None:
    """However often it was cut off: the old one ended, one successor, with all that the old one held."""
    held = additions_of(desk, 37, 3)
    assert [days(one) for one in held] == [("2025-03-01", "2026-10-13"), ("2026-10-14", None)]
    assert [one["quantity"] for one in held] == [15, 18]
    assert {name: held[1][name] for name in SEEN} == SEEN
    assert customs(held[1]) == EXPORTED_CUSTOMS
    assert desk.changes.keys() == {("additions", 52), ("additions", held[1]["id"])}
    assert desk.read().get(MISMATCHES, "units:52", "Result").startswith(("done", "already"))


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("hang-up-before", 1),
        ("hang-up-after", 1),
        ("hang-up-before", 2),
        ("hang-up-after", 2),
        ("error", 2),
        ("error-after", 2),
    ],
)
def test_a_lost_answer_to_either_write_leads_to_one_successor(
    desk_after: DeskAfter, kind: str, number: int
) -> None:
    desk = desk_after(fill_and_approve)
    desk.be_impatient()
    desk.sandbox.fail(kind, write=number)
    first = desk.apply()
    is_done = kind.endswith("after")
    assert first.code == (0 if is_done else 3)
    if not is_done and number == 1:
        assert first.states["successor:52"] == "skipped"  # the old one must have ended before
        details = {action["key"]: action["detail"] for action in first.json["actions"]}
        assert details["successor:52"].startswith("needs the end of CL-0003")
    desk.let_minutes_pass()
    second = desk.apply()
    assert (second.code, set(second.states.values()) <= {"done", "already"}) == (0, True)
    assert_one_successor(desk)


@pytest.mark.parametrize(("kind", "number"), [("call", 1), ("call-after", 1), ("call-after", 2)])
def test_killed_at_either_write_the_next_run_mends_it(desk_after: DeskAfter, kind: str, number: int) -> None:
    desk = desk_after(fill_and_approve)
    kill_at(desk, kind, number)
    assert desk.apply().code == 0
    assert_one_successor(desk)


def test_killed_between_the_two_and_checked_first_the_next_run_still_mends_it(desk_after: DeskAfter) -> None:
    """Nobody knows by heart that apply comes first: the approval must outlive a check."""
    desk = desk_after(fill_and_approve)
    kill_at(desk, "call", 2)
    checked = desk.check()
    assert checked.code == 0
    desk.let_minutes_pass()
    assert desk.apply().code == 0
    assert_one_successor(desk)


def test_a_row_kept_between_the_two_tells_the_currency_of_its_money_once(desk: Desk) -> None:
    agreements = desk.sandbox.connectwise.agreements
    agreements[39]["currency"] = agreements[43]["currency"]  # in dollars
    desk.check("--refresh")
    approve_from(desk, "2026-10-14")
    desk.sandbox.fail("error", write=2)
    desk.be_impatient()
    assert desk.apply().code == 3
    for _ in range(2):
        assert desk.check().code == 0
        explanation = desk.read().get(MISMATCHES, "units:52", "Explanation")
        assert explanation.count("It has ended") == explanation.count("Its money is in EUR.") == 1


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"quantity": Decimal(16)}, "ConnectWise Units was 15 and is now 16"),
        ({"unitCost": Decimal("99.00")}, "ConnectWise Cost was 17.20 and is now 99.00"),
        ({"unitPrice": Decimal("77.00")}, "Unit Price was 23.45 and is now 77.00"),
    ],
)
def test_what_somebody_changed_between_the_two_is_told_and_no_successor_is_made(
    desk_after: DeskAfter, now: dict[str, Decimal], told: str
) -> None:
    desk = desk_after(fill_and_end_alone)
    desk.addition(52).update(now)
    second = desk.apply()
    assert second.states == {"cancel:52": "already", "successor:52": "skipped"}
    assert told in desk.read().get(MISMATCHES, "units:52", "Result")
    assert len(additions_of(desk, 37, 3)) == 1
    if "quantity" in now:  # the next check asks nothing else where a cost or a price was changed
        assert desk.check().code == 0  # it does what was told to do: the row is offered anew
        assert desk.read().get(MISMATCHES, "add:37:3", "Approve") is None


# Dates that cannot be


def test_a_date_in_a_month_already_invoiced_is_refused_with_the_reason(desk: Desk) -> None:
    """Redstart's October is next to be invoiced; Twite's is invoiced already."""
    approve_from(desk, "2026-09-15", "units:52")
    approve_from(desk, "2026-10-15", "units:72")
    ran = desk.apply()
    assert (ran.code, desk.sent(), desk.changes) == (3, [], {})
    assert set(ran.states.values()) == {"skipped"}
    hand = desk.read()
    for key, date, next_ in (
        ("units:52", "2026-09-15", "2026-10-31"),
        ("units:72", "2026-10-15", "2026-11-30"),
    ):
        told = hand.get(MISMATCHES, key, "Result")
        assert f"{date} lies in a period already invoiced (next invoice {next_})" in told
        assert "choose a later Effective From" in told


def test_a_dry_run_tells_a_date_in_an_invoiced_month(desk: Desk) -> None:
    approve_from(desk, "2026-10-15", "units:72")
    ran = desk.apply("--dry-run")
    assert (ran.code, set(ran.states.values())) == (0, {"skipped"})
    assert "already invoiced" in ran.err


def test_a_date_after_what_is_invoiced_is_done(desk: Desk) -> None:
    approve_from(desk, "2026-11-01", "units:72")
    assert desk.apply().code == 0
    assert [days(one)[1] for one in additions_of(desk, 44, 2)] == ["2026-10-31", None]


def test_a_month_that_is_invoiced_between_export_and_apply_is_refused(desk: Desk) -> None:
    approve_from(desk, "2026-10-14")
    desk.sandbox.connectwise.agreements[37]["nextInvoiceDate"] = "2026-11-30T00:00:00Z"
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    assert "already invoiced" in desk.read().get(MISMATCHES, "units:52", "Result")


def _edit_before_beginning(hand: Hand) -> None:
    hand.approve("units:52", Effective_From=day("2025-02-01"))


def _edit_on_beginning(hand: Hand) -> None:
    hand.approve("units:52", Effective_From=day("2025-03-01"))


def _edit_two_dates(hand: Hand) -> None:
    hand.approve("units:55", Effective_From=day("2026-10-14"))
    hand.approve("cost:55", Effective_From=day("2026-10-15"))


def _edit_date_and_none(hand: Hand) -> None:
    hand.approve("units:55", Effective_From=day("2026-10-14"))
    hand.approve("cost:55")


def _edit_cancel_before_beginning(hand: Hand) -> None:
    hand.approve("only:62", Action="Cancel addition", Effective_From=day("2025-02-28"))


TOO_EARLY = "the addition itself begins on 2025-03-01; enter a later date, or clear it"
TWO_DATES = "the approved rows of this addition have different dates; enter one date in all of them"


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (_edit_before_beginning, TOO_EARLY),
        (_edit_on_beginning, TOO_EARLY),
        (
            _edit_two_dates,
            TWO_DATES,
        ),
        (
            _edit_date_and_none,
            TWO_DATES,
        ),
        (
            _edit_cancel_before_beginning,
            TOO_EARLY,
        ),
    ],
)
def test_a_date_that_cannot_be_is_a_problem_and_stops_the_run(
    desk: Desk, edit: Callable[[Hand], None], told: str
) -> None:
    with desk.editing() as hand:
        edit(hand)
        hand.approve("units:53")
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (1, [])
    assert told in ran.err
    column = get_column_letter(desk.read().columns(MISMATCHES)["Effective From"])
    assert f"Mismatches!{column}" in ran.err


def test_a_date_after_the_additions_own_end_is_a_problem(desk: Desk) -> None:
    desk.addition(52)["cancelledDate"] = "2026-11-15T00:00:00Z"
    desk.check()
    approve_from(desk, "2026-11-20")
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (1, [])
    assert "ends on 2026-11-15" in ran.err


def test_a_new_addition_begins_on_the_day_that_was_entered(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("add:38:15", Effective_From=day("2026-10-20"))
        hand.approve("add:38:5")
    assert desk.apply().code == 0
    assert [days(one)[0] for one in additions_of(desk, 38, 15)] == ["2026-10-20"]
    assert [days(one)[0] for one in additions_of(desk, 38, 5)][-1] == "2026-10-01"


# Cancel addition


def test_a_line_that_is_gone_is_cancelled_at_the_end_of_the_period(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("only:62", Action="Cancel addition")
    desk.write_own_settings("[limits]\nzero = 0\n")
    stopped = desk.apply()
    assert (stopped.code, desk.sent()) == (1, [])
    assert "as of 2026-10-31: a drop to zero\n" in stopped.err
    ran = desk.apply("--force")
    assert (ran.code, ran.json["actions"][0]["kind"]) == (0, "CancelAddition")
    assert desk.changes == {("additions", 62): {"cancelledDate": "2026-10-31T00:00:00Z"}}
    assert [method for method, _ in desk.sent()] == ["PATCH"]
    assert desk.check().code == 0
    assert "only:62" not in desk.read().rows(MISMATCHES)


def test_a_line_that_is_gone_is_cancelled_on_the_day_that_was_entered(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("only:62", Action="Cancel addition", New_Units=3, New_Cost=0)
        place = hand.place(MISMATCHES, "only:62", "New Units")
    refused = desk.apply()
    assert (refused.code, desk.sent()) == (1, [])
    assert f"1 cell cannot be accepted, so nothing was written:\n  {place}: New Units is 3 and" in refused.err
    with desk.editing() as hand:
        hand.set(MISMATCHES, "only:62", {"New Units": None})
        hand.approve("only:62", Action="Cancel addition", Effective_From=day("2026-10-20"))
    assert desk.apply("--force").code == 0
    assert desk.changes == {("additions", 62): {"cancelledDate": "2026-10-20T00:00:00Z"}}


def test_a_cancellation_in_a_month_already_invoiced_is_refused(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("only:62", Action="Cancel addition", Effective_From=day("2026-09-20"))
    ran = desk.apply()
    assert (ran.code, desk.changes) == (3, {})
    assert "already invoiced" in desk.read().get(MISMATCHES, "only:62", "Result")


@pytest.mark.parametrize("units", [None, 0])
def test_a_cancellation_without_a_date_is_refused_where_the_month_is_invoiced(
    desk: Desk, units: int | None
) -> None:
    if units is not None:
        additions = desk.sandbox.connectwise.additions
        additions[62] = {**additions[62], "quantity": Decimal(units)}
        assert desk.check().code == 0
        desk.forget_log()
    with desk.editing() as hand:
        hand.approve("only:62", Action="Cancel addition")
    agreement = desk.sandbox.connectwise.additions[62]["agreementId"]
    desk.sandbox.connectwise.agreements[agreement]["nextInvoiceDate"] = "2026-11-30T00:00:00Z"
    ran = desk.apply()
    assert (ran.code, desk.sent(), ran.json["skipped"]) == (3, [], 1)
    told = desk.read().get(MISMATCHES, "only:62", "Result")
    assert "2026-10-31 lies in a period already invoiced (next invoice 2026-11-30)" in told
    assert told.endswith(": choose a later Effective From")


def test_cancelling_is_never_chosen_for_the_person_and_never_approved_without_choosing(desk: Desk) -> None:
    hand = desk.read()
    only = [key for key in hand.rows(MISMATCHES) if key.startswith("only:")]
    assert len(only) >= 3
    assert {hand.get(MISMATCHES, key, "Action") for key in only} == {None}
    with desk.editing() as hand:
        hand.set(MISMATCHES, "only:62", {"Approve": "Yes"})
    ran = desk.apply()
    assert (ran.code, desk.changes) == (0, {})
    assert "as it has no Action. Choose one." in ran.err


def test_cancelling_what_is_billed_yearly_is_warned_of(desk: Desk) -> None:
    hand = desk.read()
    assert "Billed yearly and not due" in hand.get(MISMATCHES, "only:8", "Explanation")
    assert "Billed yearly" not in hand.get(MISMATCHES, "only:62", "Explanation")


def test_an_addition_that_changed_since_it_was_shown_is_not_cancelled(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("only:62", Action="Cancel addition")
        hand.approve("units:52", Effective_From=day("2026-10-14"))
    desk.addition(62)["quantity"] = Decimal(7)
    desk.addition(52)["quantity"] = Decimal(16)
    ran = desk.apply()
    assert (ran.code, desk.sent(), set(ran.states.values())) == (3, [], {"skipped"})
    assert "ConnectWise Units was 2 and is now 7" in desk.read().get(MISMATCHES, "only:62", "Result")


# What rows tell


def test_rows_of_an_agreement_that_prorates_say_so(desk: Desk) -> None:
    desk.sandbox.connectwise.agreements[37]["prorateFlag"] = True
    assert desk.check("--refresh").code == 0
    hand = desk.read()
    told = {
        hand.get(MISMATCHES, key, "Customer")
        for key, text in hand.column(MISMATCHES, "Explanation").items()
        if "The agreement prorates." in text
    }
    assert told == {"Redstart Textiles"}


def test_what_is_already_invoiced_and_what_is_included_stand_in_the_row(desk_after: DeskAfter) -> None:
    desk = desk_after(fill_52)
    hand = desk.read()
    text = hand.get(MISMATCHES, "units:72", "Explanation")
    assert text.startswith("Already invoiced: the change shows on the next invoice, 2026-11-30.")
    begins = [key for key, t in hand.column(MISMATCHES, "Explanation").items() if t.startswith("Already")]
    assert begins == ["units:72"]
    assert "2 units are included (lessIncluded) and left alone" in hand.get(
        MISMATCHES, "units:52", "Explanation"
    )
    with desk.editing() as hand:
        hand.approve("units:52", "units:72")
    before = records(desk.sandbox)
    assert desk.apply().code == 0
    assert changes(before, records(desk.sandbox)) == {
        ("additions", 52): {"quantity": 18},
        ("additions", 72): {"quantity": 7},
    }
