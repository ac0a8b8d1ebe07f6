"""Undo: a run is taken back from the values that its journal kept, by the same rules as any plan."""

from __future__ import annotations

import itertools
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.additions import additions_of, days, fill_52
from tests.helpers.command import Ran
from tests.helpers.desk import Desk, records
from tests.helpers.hand import LINES, MISMATCHES, NEW, Hand, day
from tests.helpers.process import kill_at, kill_time_after_time
from tests.helpers.workbooks import signed_and_final
from tests.helpers.world import DeskAfter, choose_new
from xlsync.apply.runs import journal_folder

FIELDS = ["run", "workbook", "environment", "done", "already", "skipped", "failed", "unknown", "actions"]
FIRST, SECOND = "/finance/agreements/37/additions/52", "/finance/agreements/37/additions/53"


def undo(desk: Desk, run: str, *words: str) -> Ran:
    return desk.run("undo", run, "--yes", "--json", *words)


def newest(desk: Desk) -> str:
    """The newest run, as `xlsync history` lists it."""
    found = desk.run("history", "--json").json["runs"][0]["run"]
    assert isinstance(found, str)
    return found


def newest_but_one(desk: Desk) -> str:
    return str(desk.run("history", "--json").json["runs"][1]["run"])


def applied(desk: Desk, *keys: str, **cells: Any) -> str:
    """A run in which these rows were applied."""
    with desk.editing() as hand:
        hand.approve(*keys, **cells)
    ran = desk.apply("--force")
    assert ran.code == 0, ran.err
    run = ran.json["run"]
    assert run
    desk.forget_log()
    return str(run)


def apply_units(desk: Desk) -> None:
    applied(desk, "units:52")


def apply_two_units(desk: Desk) -> None:
    applied(desk, "units:52", "units:53")


def apply_addition(desk: Desk) -> None:
    applied(desk, "add:38:15")


def approve_updates(hand: Hand) -> None:
    """Units, cost, both at once, a cancellation, and an addition that had a date of its own."""
    hand.approve("units:52", "cost:54", "units:55", "cost:55", "units:2")
    hand.approve("only:62", Action="Cancel addition")
    hand.approve("only:64", Action="Cancel addition", Effective_From=day("2026-10-20"))


def test_undo_after_apply_is_as_before(desk: Desk) -> None:
    with desk.editing() as hand:
        approve_updates(hand)
    ran = desk.apply("--force")
    assert (ran.code, ran.json["done"]) == (0, 6)
    assert len(desk.changes) == 6
    taken_back = undo(desk, ran.json["run"])
    assert (taken_back.code, taken_back.json["done"]) == (0, 6)
    assert desk.changes == {}
    assert desk.check().code == 0
    assert {"units:52", "cost:54", "only:62", "only:64"} <= desk.read().rows(MISMATCHES).keys()


def test_a_signature_that_the_results_of_undo_break_is_told(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    run = desk.apply().json["run"]
    desk.file.write_bytes(signed_and_final(desk.file.read_bytes()))
    told = " ".join(undo(desk, run).err.split())
    assert "changing it breaks the signature" in told
    assert "marked as final" in told


UPDATES = ("units:52", "units:53", "units:1", "units:2", "units:21", "units:32", "cost:54", "cost:55")


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(approved=st.dictionaries(st.sampled_from(UPDATES), st.decimals(5, 40, places=1), min_size=1))
def test_undo_after_apply_is_as_before_whatever_was_approved(
    desk: Desk, approved: dict[str, Decimal]
) -> None:
    untouched = desk.file.read_bytes()
    with desk.editing() as hand:
        for key, value in approved.items():
            header = "New_Units" if key.startswith("units") else "New_Cost"
            hand.approve(key, **{header: float(value)})
    ran = desk.apply("--force")
    assert ran.code == 0
    assert len(desk.changes) == ran.json["done"]
    if ran.json["run"]:
        assert undo(desk, ran.json["run"]).code == 0
    assert desk.changes == {}
    desk.file.write_bytes(untouched)


def test_undo_asks_first_and_dry_run_sends_nothing(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_units)
    run = newest(desk)
    asked = desk.run("undo", run)
    assert (asked.code, desk.sent()) == (1, [])
    assert "15 units (now 18)" in asked.err.replace("\n", " ")  # it shows what it would take back
    assert "--yes" in asked.err
    planned = undo(desk, run, "--dry-run")
    assert (planned.code, desk.sent(), set(planned.states.values())) == (0, [], {"planned"})
    assert desk.addition(52)["quantity"] == 18


def test_json_of_undo_has_the_fields_of_the_contract(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_units)
    run = newest(desk)
    for ran in (undo(desk, run, "--dry-run"), undo(desk, run)):
        assert list(ran.json) == FIELDS
        assert all(list(a) == ["key", "kind", "state", "detail", "id"] for a in ran.json["actions"])
        assert ran.json["workbook"] == str(desk.file)
    assert ran.json["run"] == newest(desk) != run
    again = undo(desk, ran.json["run"])
    assert again.json["workbook"] == str(desk.file)


def test_a_run_whose_values_cannot_be_read_in_its_journal_is_told_and_nothing_is_sent(desk: Desk) -> None:
    applied(desk, "units:52")
    (file,) = (desk.home / "journal").rglob("*.jsonl")
    file.write_text(file.read_text("utf-8").replace('"quantity": 15', '"quantity": "many"'), "utf-8")
    desk.forget_log()
    ran = undo(desk, "last")
    assert (ran.code, desk.sent()) == (1, [])
    assert "in its journal the values of 'update " in ran.err


def test_the_run_that_is_taken_back_is_named_before_its_plan(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_units)
    (run,) = desk.run("history", "--json").json["runs"]
    ran = desk.run("undo", "last")
    assert ran.err.startswith(f"To be taken back: Run {run['number']} · apply by ")


def test_a_run_that_is_not_there_is_told(desk: Desk) -> None:
    assert "There is no run of apply in" in desk.run("undo", "last", "--yes").err
    for run in ("20200101-000000-abcd", "../links", ""):
        ran = desk.run("undo", run, "--yes")
        assert (ran.code, desk.sent()) == (1, [])
        assert "There is no run" in ran.err
        assert "xlsync history" in ran.err


# Changed since


def test_what_changed_since_is_skipped_said_and_the_rest_taken_back(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_two_units)
    run = newest(desk)
    desk.addition(52)["quantity"] = Decimal(20)
    ran = undo(desk, run)
    assert (ran.code, ran.states) == (3, {FIRST: "skipped", SECOND: "done"})
    (told,) = (action["detail"] for action in ran.json["actions"] if action["key"] == FIRST)
    assert "quantity was 18 and is now 20" in told
    assert (desk.addition(52)["quantity"], desk.addition(53)["quantity"]) == (20, 21)


def test_what_someone_took_back_by_hand_is_already(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_units)
    run = newest(desk)
    desk.addition(52)["quantity"] = Decimal(15)
    ran = undo(desk, run)
    assert (ran.code, ran.states, desk.sent()) == (0, {FIRST: "already"}, [])


def test_another_field_that_changed_since_stays_as_it_is(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_units)
    run = newest(desk)
    desk.addition(52)["unitCost"] = Decimal("16.99")
    assert undo(desk, run).code == 0
    assert desk.changes == {("additions", 52): {"unitCost": Decimal("16.99")}}


def test_of_two_fields_the_one_that_nobody_changed_since_is_restored(desk: Desk) -> None:
    desk.addition(55)["unitCost"] = Decimal("9.1")
    assert desk.check().code == 0
    before = desk.addition(55)["quantity"]
    run = applied(desk, "units:55", "cost:55")
    desk.addition(55)["unitCost"] = Decimal(9)
    ran = undo(desk, run)
    path = "/finance/agreements/37/additions/55"
    assert (ran.code, ran.states) == (3, {f"{path} quantity": "done", f"{path} unitCost": "skipped"})
    assert (desk.addition(55)["quantity"], desk.addition(55)["unitCost"]) == (before, 9)
    assert desk.read().get(MISMATCHES, "units:55", "Result").startswith("partly taken back on")


def test_money_reads_as_money_and_units_as_units(desk: Desk) -> None:
    """In history, in the plan that takes it back, and in the reason why that is skipped."""
    desk.addition(55)["unitCost"] = Decimal("9.1")
    assert desk.check().code == 0
    run = applied(desk, "units:55", "cost:55")
    assert "units 3 -> 4, cost 9.10 -> 8.45" in desk.run("history", run).out
    assert "cost 9.10 (now 8.45)" in desk.run("undo", run, "--dry-run").err
    desk.addition(55)["unitCost"] = Decimal(9)
    assert "unitCost was 8.45 and is now 9.00" in undo(desk, run).json["actions"][0]["detail"]


def test_an_addition_made_by_the_run_and_changed_since_is_not_ended(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_addition)
    run = newest(desk)
    made = max(desk.sandbox.connectwise.additions)
    desk.addition(made)["quantity"] = Decimal(9)
    ran = undo(desk, run)
    assert (ran.code, desk.sent(), ran.json["skipped"]) == (3, [], 1)
    assert "quantity was 2 and is now 9" in ran.json["actions"][0]["detail"]


def test_units_that_a_later_run_wrote_are_left_and_the_run_is_named(desk_after: DeskAfter) -> None:
    """Done, undone, and done again after the row was approved anew: what stands there is of the later run."""
    desk = desk_after(apply_units)
    run = newest(desk)
    assert undo(desk, run).code == 0
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Result": None})
    assert desk.apply().states == {"update:52": "done"}
    desk.forget_log()
    ran = undo(desk, run)
    assert (ran.code, ran.states, desk.sent()) == (3, {FIRST: "skipped"}, [])
    third = next(one["number"] for one in desk.run("history", "--json").json["runs"])
    assert f"run {third} wrote it later: `xlsync undo {third}`" in ran.json["actions"][0]["detail"]
    assert undo(desk, newest(desk)).code == 0
    assert desk.addition(52)["quantity"] == 15


# The two halves of a change from a date on


SUCCESSOR = "/finance/agreements/37/additions/141"


def change_52_from_a_day_on(desk: Desk) -> None:
    applied(desk, "units:52", Effective_From=day("2026-10-14"))


@pytest.mark.parametrize(
    ("addition", "field", "value"),
    [(141, "quantity", Decimal(9)), (52, "cancelledDate", "2026-10-20T00:00:00Z")],
)
def test_where_one_half_cannot_be_taken_back_the_other_stays_too(
    desk_after: DeskAfter, addition: int, field: str, value: object
) -> None:
    """One half alone would bill twice, or bill nothing."""
    desk = desk_after(change_52_from_a_day_on)
    run = newest(desk)
    desk.addition(addition)[field] = value
    ran = undo(desk, run)
    assert (ran.code, desk.sent()) == (3, [])
    assert ran.states == {FIRST: "skipped", SUCCESSOR: "skipped"}


def test_the_successor_ends_first_and_where_that_fails_the_end_before_it_stays(desk_after: DeskAfter) -> None:
    desk = desk_after(change_52_from_a_day_on)
    run = newest(desk)
    desk.sandbox.fail("error-json", write=1)
    ran = undo(desk, run)
    assert (ran.code, desk.sent()) == (3, [("PATCH", SUCCESSOR)])
    assert ran.states == {SUCCESSOR: "failed", FIRST: "skipped"}


def test_where_the_second_half_of_an_undo_fails_it_says_what_is_in_force_and_can_be_undone(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(change_52_from_a_day_on)
    run = newest(desk)
    done = records(desk.sandbox)
    desk.sandbox.fail("error-json", write=2)
    ran = undo(desk, run)
    assert (ran.code, ran.states) == (3, {SUCCESSOR: "done", FIRST: "failed"})
    assert "nothing is billed in its place" in ran.json["actions"][-1]["detail"]
    assert undo(desk, newest(desk)).code == 0
    assert records(desk.sandbox) == done


def test_undo_of_an_undo_takes_back_both_halves_or_none(desk_after: DeskAfter) -> None:
    desk = desk_after(change_52_from_a_day_on)
    run = newest(desk)
    assert undo(desk, run).code == 0
    desk.forget_log()
    desk.addition(52)["cancelledDate"] = "2026-12-31T00:00:00Z"
    ran = undo(desk, newest(desk))
    assert (ran.code, desk.sent(), set(ran.states.values())) == (3, [], {"skipped"})


def test_an_end_stays_while_the_successor_of_a_later_run_is_in_force(desk: Desk) -> None:
    """A run was killed between the two writes, and the next one made the successor."""
    with desk.editing() as hand:
        hand.approve("units:52", Effective_From=day("2026-10-14"))
    before = records(desk.sandbox)
    desk.sandbox.fail("error-json", write=2)
    desk.be_impatient()
    first = str(desk.apply().json["run"])
    second = str(desk.apply().json["run"])
    desk.forget_log()
    ran = undo(desk, first)
    assert (ran.code, desk.sent(), ran.states) == (3, [], {FIRST: "skipped"})
    assert "made what continues it" in ran.json["actions"][0]["detail"]
    assert undo(desk, second).code == undo(desk, first).code == 0
    now = records(desk.sandbox)
    assert {key: now[key] for key in before} == before


# Twice, and undo of undo


def test_undone_twice_changes_nothing_more(desk: Desk) -> None:
    run = applied(desk, "units:52", "cost:54", "add:38:15")
    assert undo(desk, run).code == 0
    after = records(desk.sandbox)
    desk.forget_log()
    again = undo(desk, run)
    assert (again.code, desk.sent(), again.json["run"]) == (0, [], "")
    assert set(again.states.values()) == {"already"}
    assert records(desk.sandbox) == after


def test_undo_of_undo_is_as_applied_and_undo_of_that_as_before(desk: Desk) -> None:
    with desk.editing() as hand:
        approve_updates(hand)
        hand.approve("add:38:15")
        hand.approve("units:53", Effective_From=day("2026-10-14"))
    run = desk.apply("--force").json["run"]
    done = records(desk.sandbox)
    assert undo(desk, run).code == 0
    undone = records(desk.sandbox)
    assert undone != done
    for expected in (done, undone, done):
        assert undo(desk, newest(desk)).code == 0
        assert records(desk.sandbox) == expected


# Creations


def test_a_created_addition_ends_and_is_compared_no_more(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_addition)
    run = newest(desk)
    made = max(desk.sandbox.connectwise.additions)
    ran = undo(desk, run)
    assert (ran.code, [action["kind"] for action in ran.json["actions"]]) == (0, ["CancelAddition"])
    assert desk.addition(made)["cancelledDate"] == desk.addition(made)["effectiveDate"]
    assert [method for method, _ in desk.sent()] == ["PATCH"]  # never deleted
    assert desk.check().code == 0
    assert "add:38:15" in desk.read().rows(MISMATCHES)


def test_an_addition_and_its_successor_are_taken_back(desk: Desk) -> None:
    fill_52(desk)
    run = applied(desk, "units:52", Effective_From=day("2026-10-14"))
    assert undo(desk, run).code == 0
    old, new = additions_of(desk, 37, 3)
    assert days(old) == ("2025-03-01", None)
    assert days(new) == ("2026-10-14", "2026-10-14")
    assert ("additions", 52) not in desk.changes
    assert desk.check().code == 0
    assert desk.read().get(MISMATCHES, "units:52", "ConnectWise Units") == 15


def test_a_successor_with_an_end_of_its_own_is_taken_back_too(desk: Desk) -> None:
    desk.addition(52)["cancelledDate"] = "2026-12-31T00:00:00Z"
    desk.check()
    run = applied(desk, "units:52", Effective_From=day("2026-10-14"))
    assert undo(desk, run).code == 0
    assert [days(one)[1] for one in additions_of(desk, 37, 3)] == ["2026-12-31", "2026-10-14"]


def test_an_undo_keeps_out_of_periods_that_were_invoiced_meanwhile(desk: Desk) -> None:
    run = applied(desk, "units:52", Effective_From=day("2026-10-15"))
    after = desk.changes
    desk.sandbox.connectwise.agreements[37]["nextInvoiceDate"] = "2026-11-30T00:00:00Z"
    taken_back = undo(desk, run)
    assert (taken_back.code, desk.sent(), taken_back.json["skipped"]) == (3, [], 2)
    assert all("already invoiced" in action["detail"] for action in taken_back.json["actions"])
    assert all("credited" in action["detail"] for action in taken_back.json["actions"])
    assert {key: fields for key, fields in desk.changes.items() if key[0] == "additions"} == after


def test_an_undo_goes_over_no_limit_and_names_the_way_that_it_has(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_two_units)
    run = newest(desk)
    after = desk.changes
    desk.write_own_settings("[limits]\nunits = 2\n")
    stopped = undo(desk, run)
    assert (stopped.code, desk.sent(), desk.changes) == (1, [], after)
    assert "a change of 3 units, the limit is 2" in stopped.err
    assert "raise the limits in the settings" in stopped.err
    assert "--force" not in stopped.err


def test_the_money_of_additions_that_an_undo_ends_counts_and_they_are_no_drops_to_zero(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(apply_addition)
    run = newest(desk)
    desk.write_own_settings("[limits]\nzero = 0\nmoney = 0\n")
    stopped = undo(desk, run)
    assert (stopped.code, desk.sent()) == (1, [])
    assert "of monthly money, the limit is 0.00" in stopped.err
    assert "drop to zero" not in stopped.err


def test_more_additions_of_a_run_than_a_plan_may_end_are_taken_back_at_once(desk: Desk) -> None:
    """No invoice has billed them: what was never billed does not drop."""
    run = applied(desk, "add:38:15", "add:38:5")
    desk.write_own_settings("[limits]\nzero = 1\n")
    ran = undo(desk, run)
    assert (ran.code, ran.json["done"]) == (0, 2)


def test_what_was_created_is_inactive_cancelled_or_named(desk_after: DeskAfter) -> None:
    desk = desk_after(choose_new)
    with desk.editing() as hand:
        hand.approve("customer:bss:622", Contact_First_Name="Ada", Identifier="QUILL")
        hand.approve("agreement:bss:622|Monthly", "add:agreement:bss:622|Monthly:1")
        (dark,) = (k for k, name in hand.column(NEW, "Name").items() if name == "Dark Web Watch")
        hand.approve(dark, Price=1.5)
    ran = desk.apply()
    assert (ran.code, ran.json["done"]) == (0, 5)
    state = desk.sandbox.connectwise
    ids = {action["kind"]: action["id"] for action in ran.json["actions"]}
    taken_back = undo(desk, ran.json["run"])
    assert state.additions[ids["CreateAddition"]]["cancelledDate"] == "2026-10-01T00:00:00Z"
    assert state.agreements[ids["CreateAgreement"]]["cancelledFlag"] is True
    assert state.contacts[ids["CreateContact"]]["inactiveFlag"] is True
    assert state.catalog[ids["CreateCatalogItem"]]["inactiveFlag"] is True
    assert state.companies[ids["CreateCompany"]]["name"] == "Quillfeather Books"
    assert taken_back.code == 3  # one thing is left to a person
    (named,) = (action for action in taken_back.json["actions"] if action["state"] == "skipped")
    assert (named["kind"], named["id"]) == ("CreateCompany", ids["CreateCompany"])
    assert "Quillfeather Books" in named["detail"]
    assert "cannot be taken back" in named["detail"]
    assert "DELETE" not in {method for method, _ in desk.sent()}
    again = undo(desk, newest(desk))
    assert (again.code, again.json["done"]) == (0, 4), again.err
    assert state.agreements[ids["CreateAgreement"]]["cancelledFlag"] is False
    assert state.contacts[ids["CreateContact"]]["inactiveFlag"] is False
    assert state.catalog[ids["CreateCatalogItem"]]["inactiveFlag"] is False
    assert "cancelledDate" not in state.additions[ids["CreateAddition"]]


def test_a_contact_that_an_undo_made_inactive_is_not_used_again(desk_after: DeskAfter) -> None:
    desk = desk_after(choose_new)
    with desk.editing() as hand:
        hand.approve("customer:bss:622", Contact_First_Name="Ada", Identifier="QUILL")
        hand.approve("agreement:bss:622|Monthly")
    first = desk.apply().json
    undo(desk, first["run"])
    with desk.editing() as hand:
        for key in ("customer:bss:622", "agreement:bss:622|Monthly"):
            hand.set(NEW, key, {"Result": None})
    again = desk.apply()
    assert again.states["contact:customer:bss:622"] == "done"
    made = {action["kind"]: action["id"] for action in again.json["actions"]}
    agreement = desk.sandbox.connectwise.agreements[made["CreateAgreement"]]
    assert agreement["contact"]["id"] == made["CreateContact"]


def test_a_created_product_that_a_colleague_uses_on_another_agreement_stays_and_says_where(
    desk: Desk,
) -> None:
    with desk.editing() as hand:
        hand.set(LINES, hand.line("", "Dark Web Watch"), {"ConnectWise Product": "(create new)"})
        (product,) = (key for key, name in hand.column(NEW, "Name").items() if name == "Dark Web Watch")
        hand.approve(product, Price=1.5)
    ran = desk.apply()
    made = ran.json["actions"][0]["id"]
    used = {**desk.addition(7), "id": 990, "agreementId": 7, "product": {"id": made, "identifier": "X"}}
    desk.sandbox.connectwise.additions[990] = used
    agreement = desk.sandbox.connectwise.agreements[7]
    kept = undo(desk, ran.json["run"])
    (action,) = kept.json["actions"]
    assert (kept.code, action["state"]) == (3, "skipped")
    assert (
        f"in use by addition 990 on {agreement['company']['name']} · {agreement['name']}" in action["detail"]
    )
    desk.sandbox.fail("forbid", path="GET /finance/agreements/7/additions")
    assert "could not be looked up" in undo(desk, ran.json["run"]).json["actions"][0]["detail"]
    del desk.sandbox.connectwise.additions[990]
    assert undo(desk, ran.json["run"]).json["done"] == 1


# Money


def section(text: str, title: str) -> list[str]:
    """Return the entries of one section of a plan."""
    lines = text.split("\n")
    after = lines[lines.index(title) + 1 :]
    return [line.strip() for line in itertools.takewhile(lambda line: line.startswith("  "), after)]


def sums(text: str) -> dict[str, set[Decimal]]:
    """Return the sums a month that a plan shows, by currency."""
    found = {}
    for line in section(text, "Together, a month:"):
        *amounts, currency = line.replace(",", "").replace(" / ", " ").split(" ")
        found[currency] = set(map(Decimal, amounts))
    return found


def test_the_plan_shows_the_money_a_month_that_apply_showed_with_the_other_sign(desk: Desk) -> None:
    with desk.editing() as hand:
        approve_updates(hand)
        hand.approve("add:38:15", "add:38:5")
        hand.approve("units:53", Effective_From=day("2026-10-14"))
    shown = sums(desk.run("apply", str(desk.file), "--dry-run").err)
    run = desk.apply("--force").json["run"]
    plan = desk.run("undo", run, "--dry-run").err
    assert (
        sums(plan)
        == {currency: {-amount for amount in amounts} for currency, amounts in shown.items()}
        == {"EUR": {Decimal("-186.45"), Decimal("92.95")}}
    )
    assert (
        "restore CL-0003: M365 - Business Premium (New Commerce) for Redstart Textiles: "
        "15 units (now 18), -64.50 EUR" in section(plan, "Changes to additions, a month:")
    )
    resumed = next(line for line in plan.split("\n") if "Dipper Brewery: no end" in line)
    assert resumed.endswith(", +43.00 EUR")
    assert "Other changes:" not in plan


def test_money_is_a_months_in_the_agreements_currency_at_the_price_of_now(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_units)
    run = newest(desk)
    cycles = desk.sandbox.connectwise.table("billing_cycles").values()
    (yearly,) = (one for one in cycles if one["billingOptions"] == "Yearly")
    agreement = desk.sandbox.connectwise.agreements[37]
    agreement["billingCycle"] = {"id": yearly["id"], "name": yearly["name"]}
    agreement["currency"] = {"id": 2, "currencyCode": "USD"}
    desk.addition(52)["unitPrice"] = Decimal(40)
    assert sums(desk.run("undo", run, "--dry-run").err) == {"USD": {Decimal(-10)}}


def test_the_limit_of_money_counts_a_month_of_what_an_undo_bills_again(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("only:62", Action="Cancel addition")
    run = desk.apply().json["run"]
    desk.write_own_settings("[limits]\nmoney = 42\n")
    stopped = undo(desk, run)
    assert stopped.code == 1
    assert "43.00 EUR of monthly money, the limit is 42.00" in stopped.err


def test_an_undo_that_ends_an_addition_again_is_a_drop_to_zero(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("only:62", Action="Cancel addition")
    undo(desk, desk.apply().json["run"])
    desk.write_own_settings("[limits]\nzero = 0\n")
    stopped = undo(desk, newest(desk))
    assert stopped.code == 1
    assert "a drop to zero" in stopped.err


def test_a_price_that_is_not_known_is_said_and_over_the_limit(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_units)
    run = newest(desk)
    product = desk.addition(52)["product"]["id"]
    desk.addition(52).pop("unitPrice")
    desk.sandbox.connectwise.catalog[product]["price"] = Decimal(20)
    assert "15 units (now 18), -60.00 EUR" in desk.run("undo", run, "--dry-run").err
    desk.sandbox.connectwise.catalog[product].pop("price")
    plan = desk.run("undo", run, "--dry-run")
    assert "15 units (now 18), price unknown" in plan.err
    assert (plan.code, desk.sent()) == (1, [])
    assert "its price is not known" in plan.err
    assert "enter it on the addition in ConnectWise" in plan.err
    desk.addition(52)["unitPrice"] = Decimal("21.50")
    assert undo(desk, run).code == 0


def test_a_price_that_may_not_be_read_is_not_known_and_over_the_limit(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_units)
    run = newest(desk)
    desk.addition(52).pop("unitPrice")
    desk.sandbox.fail("forbid", path="GET /procurement/catalog/", times=9)
    stopped = undo(desk, run)
    assert "15 units (now 18), price unknown" in stopped.err
    assert (stopped.code, desk.sent()) == (1, [])


def test_where_the_billing_cycle_is_not_known_the_money_is_that_of_one_invoice(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_units)
    run = newest(desk)
    desk.sandbox.fail("forbid", path="GET /finance/billingCycles")
    plan = desk.run("undo", run, "--dry-run")
    assert plan.code == 0
    assert "15 units (now 18), -64.50 EUR an invoice (how often it is billed is not known)" in plan.err


# Lost answers and cut-off runs


def cut_off(desk: Desk, kind: str, number: int) -> str:
    """A run that was killed at its n-th write, two updates of one agreement."""
    with desk.editing() as hand:
        hand.approve("units:52", "units:53")
    kill_at(desk, kind, number)
    desk.forget_log()
    return newest(desk)


@pytest.mark.parametrize(("kind", "number"), [("call", 2), ("call-after", 2)])
def test_a_run_that_was_cut_off_is_taken_back_as_far_as_it_came(desk: Desk, kind: str, number: int) -> None:
    run = cut_off(desk, kind, number)
    assert len(desk.changes) == (1 if kind == "call" else 2)
    ran = undo(desk, run)
    assert (ran.code, desk.changes) == (0, {})
    assert ran.states == {FIRST: "done", SECOND: "already" if kind == "call" else "done"}


def test_an_addition_that_ended_and_got_no_successor_is_taken_back(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", Effective_From=day("2026-10-14"))
    kill_at(desk, "call", 2)
    assert desk.addition(52)["cancelledDate"] == "2026-10-13T00:00:00Z"
    desk.let_minutes_pass()
    ran = undo(desk, newest(desk))
    assert desk.changes == {}
    assert ran.states[FIRST] == "done"


def test_an_addition_made_as_the_run_was_killed_is_looked_up_and_ended(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("add:38:15")
    kill_at(desk, "call-after", 1)
    made = max(desk.sandbox.connectwise.additions)
    ran = undo(desk, newest(desk))
    assert (ran.code, ran.json["done"]) == (0, 1)
    assert desk.addition(made)["cancelledDate"] == "2026-10-01T00:00:00Z"
    assert set(undo(desk, newest_but_one(desk)).states.values()) == {"already"}
    assert desk.changes.keys() == {("additions", made)}


def test_an_empty_list_of_additions_does_not_prove_that_a_killed_run_made_none(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", Effective_From=day("2026-10-14"))
    kill_at(desk, "call-after", 2)
    desk.let_minutes_pass()
    desk.sandbox.fail("empty", path="GET /finance/agreements/37/additions$")
    assert undo(desk, newest(desk)).code == 0
    old, new = additions_of(desk, 37, 3)
    assert (days(old)[1], days(new)) == (None, ("2026-10-14", "2026-10-14"))


def test_an_addition_whose_line_in_the_journal_names_no_product_is_left_to_a_person(desk: Desk) -> None:
    environment = desk.check().json["environment"]
    at = {"at": "2026-10-10T10:00:00.000+01:00"}
    sent = {"method": "POST", "path": "/finance/agreements/37/additions", "kind": "CreateAddition"}
    lines = [
        {"event": "run", **at, "command": "apply", "environment": environment, "month": "2026-10"},
        {"event": "before", **at, "key": "add:37:1", "what": "create addition X", **sent},
    ]
    file = journal_folder(desk.home, environment) / "20261010-090000-000aaaa.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    undone = undo(desk, "last")
    assert (undone.code, desk.sent(), undone.states) == (3, [], {"add:37:1": "skipped"})
    assert "skipped create addition X: whether it was done is not seen yet" in undone.err


def test_a_creation_that_never_came_to_be_is_nothing_to_take_back(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("add:38:15")
    kill_at(desk, "call", 1)
    desk.let_minutes_pass()
    ran = undo(desk, newest(desk))
    assert (ran.code, desk.changes, ran.json["actions"]) == (0, {}, [])


def test_what_continues_an_addition_may_not_be_shown_yet_so_that_its_end_stays_for_some_minutes(
    desk: Desk,
) -> None:
    """Where lists lag, an end that is taken back at once would bill the addition and its successor."""
    with desk.editing() as hand:
        hand.approve("units:52", Effective_From=day("2026-10-14"))
    desk.be_impatient()
    desk.sandbox.fail("hide-new", seconds=300)
    desk.sandbox.fail("hang-up-after", write=2)
    run = str(desk.apply().json["run"])
    ran = undo(desk, run)
    assert (ran.code, ran.json["skipped"], ran.json["run"]) == (3, 2, "")
    assert any("undo again after" in action["detail"] for action in ran.json["actions"])
    desk.let_minutes_pass()
    assert undo(desk, run).code == 0
    old, new = additions_of(desk, 37, 3)
    assert (days(old)[1], days(new)) == (None, ("2026-10-14", "2026-10-14"))


def test_what_a_later_run_created_in_its_place_is_not_taken_back_with_it(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("add:38:15")
    kill_at(desk, "call", 1)
    killed = newest(desk)
    desk.let_minutes_pass()
    assert desk.apply().json["done"] == 1
    made = max(desk.sandbox.connectwise.additions)
    ran = undo(desk, killed)
    assert (ran.code, ran.json["actions"], desk.addition(made).get("cancelledDate")) == (0, [], None)
    assert undo(desk, newest(desk)).json["done"] == 1


UNDO_WRITES = 6  # of what is applied below: two values of one addition, a pair, an end, two creations


def apply_every_kind(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(LINES, hand.line("", "Dark Web Watch"), {"ConnectWise Product": "(create new)"})
        hand.approve("only:62", Action="Cancel addition")
        hand.approve("units:52", Effective_From=day("2026-10-14"))
        (product,) = (key for key, name in hand.column(NEW, "Name").items() if name == "Dark Web Watch")
        hand.approve(product, Price=1.5)
    applied(desk, "units:55", "cost:55", "add:38:15")


def assert_taken_back(desk: Desk) -> None:
    """What was there is as before; what was created ended on the day it began, or is inactive."""
    left = {key: changed for key, changed in desk.changes.items() if key in desk.before}
    assert left == {}
    made = {key: changed for key, changed in desk.changes.items() if key not in desk.before}
    ends = sorted((days(one), one["quantity"]) for (table, _), one in made.items() if table == "additions")
    assert ends == [(("2026-10-01", "2026-10-01"), 2), (("2026-10-14", "2026-10-14"), 18)]
    assert [one["inactiveFlag"] for (table, _), one in made.items() if table == "catalog"] == [True]
    assert len(made) == 3


def test_an_undo_of_every_kind_of_write(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_every_kind)
    ran = undo(desk, newest(desk))
    assert (ran.code, len(desk.sent())) == (0, UNDO_WRITES)
    assert_taken_back(desk)


@pytest.mark.parametrize(
    ("kind", "write"), [("hang-up-after", None), ("hang-up-after", 3), ("error-after", None)]
)
def test_an_undo_that_loses_the_answer_to_one_write_or_to_each_sends_nothing_twice(
    desk_after: DeskAfter, kind: str, write: int | None
) -> None:
    desk = desk_after(apply_every_kind)
    desk.sandbox.fail(kind, write=write or 1, times=1 if write else UNDO_WRITES)
    run = newest(desk)
    first = undo(desk, run)
    assert (first.code, first.json["unknown"]) == (0, 0)
    assert set(undo(desk, run).states.values()) == {"already"}
    assert len(desk.sent()) == UNDO_WRITES
    assert_taken_back(desk)


# What needs nothing (only the end of the pair needs that its successor has ended), and how many these are.
@pytest.mark.parametrize(
    ("path", "count"),
    [("PATCH .*/(55|62|141|142|catalog/\\d+)$", UNDO_WRITES - 1), ("PATCH .*/additions/52$", 1)],
)
def test_undone_writes_cut_off_before_they_are_committed_are_unknown_and_done_when_started_again(
    desk_after: DeskAfter, path: str, count: int
) -> None:
    desk = desk_after(apply_every_kind)
    desk.be_impatient()
    run = newest(desk)
    desk.sandbox.fail("hang-up-before", path=path, times=count)
    first = undo(desk, run)
    assert (first.code, first.json["unknown"]) == (3, count)
    second = undo(desk, run)
    assert (second.code, set(second.states.values()) <= {"done", "already"}) == (0, True)
    assert len(desk.sent()) == UNDO_WRITES + count
    assert_taken_back(desk)


@pytest.mark.parametrize(("kind", "number"), [("call", 1), ("call-after", 1), ("call", 4), ("call-after", 6)])
def test_an_undo_that_is_killed_ends_as_it_would_have_when_started_again(
    desk_after: DeskAfter, kind: str, number: int
) -> None:
    desk = desk_after(apply_every_kind)
    run = newest(desk)
    kill_at(desk, kind, number, "undo", run)
    again = undo(desk, run)
    assert (again.code, set(again.states.values()) <= {"done", "already"}) == (0, True)
    assert_taken_back(desk)


@pytest.mark.parametrize(("kind", "number"), [("call-after", 1), ("call", 2)])
def test_an_undo_that_is_killed_at_one_write_after_the_other_ends_as_it_would_have(
    desk_after: DeskAfter, kind: str, number: int
) -> None:
    desk = desk_after(apply_every_kind)
    assert kill_time_after_time(desk, kind, number, "undo", newest(desk)) >= 3
    assert_taken_back(desk)


def test_undo_is_in_the_history_with_the_workbook_it_is_about(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_units)
    run = newest(desk)
    undone = undo(desk, run).json["run"]
    told = desk.run("history", undone, "--json").json
    assert (told["command"], told["month"], told["workbook"]) == ("undo", "2026-10", str(desk.file))
    assert [write["kind"] for write in told["writes"]] == ["Restore"]
    assert "undo" in desk.run("history").out


# Told


def test_the_rows_of_the_workbook_say_that_they_were_taken_back_and_stay_spent(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_two_units)
    run = newest(desk)
    desk.addition(53)["quantity"] = Decimal(99)
    assert undo(desk, run).code == 3
    hand = desk.read()
    assert re.fullmatch(
        r"taken back on \d{4}-\d\d-\d\d by run \d{4}-\d\d-\d\d-2",
        hand.get(MISMATCHES, "units:52", "Result"),
    )
    assert hand.get(MISMATCHES, "units:53", "Result").startswith("done units")
    assert set(desk.apply().states.values()) == {"already"}


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_workbook_that_cannot_be_reached_is_told_and_the_run_is_taken_back_all_the_same(
    desk_after: DeskAfter, is_gone: bool
) -> None:
    """It is gone, or the system refuses to look for it, as in the folder of a colleague."""
    desk = desk_after(apply_units)
    run, name = newest(desk), desk.file.name
    if is_gone:
        desk.file.unlink()
    else:
        name = f"{'x' * 300}.xlsx"
        (journal,) = desk.home.glob("journal/*/*.jsonl")
        journal.write_text(journal.read_text("utf-8").replace(desk.file.name, name), "utf-8")
    ran = undo(desk, run)
    assert (ran.code, desk.addition(52)["quantity"]) == (0, 15)
    assert f"The rows of {name} do not say that they were taken back" in ran.err


def test_an_undo_that_cannot_be_noted_in_its_workbook_is_told_with_what_it_wrote_and_exit_code_3(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(apply_units)
    run = newest(desk)
    desk.file.write_bytes(b"no workbook any more")
    ran = undo(desk, run)
    assert (ran.code, desk.addition(52)["quantity"]) == (3, 15)
    assert [action["state"] for action in ran.json["actions"]] == ["done"]
    assert f"Run {ran.json['run']} wrote to ConnectWise, but its results could not be noted" in ran.err
    assert desk.file.read_bytes() == b"no workbook any more"


def test_a_run_is_named_by_its_day_and_number_or_as_the_last(desk: Desk) -> None:
    first, second = applied(desk, "units:52"), applied(desk, "units:53")
    listed = desk.run("history", "--json").json["runs"]
    numbers = {one["run"]: one["number"] for one in listed}
    assert [numbers[run].rpartition("-")[2] for run in (first, second)] == ["1", "2"]
    assert numbers[first] in desk.run("history").out
    assert desk.run("history", numbers[first], "--json").json["run"] == first
    assert desk.run("history", "last", "--json").json["run"] == second
    ran = desk.run("undo", numbers[first], "--yes")
    assert (ran.code, desk.addition(52)["quantity"], desk.addition(53)["quantity"]) == (0, 15, 18)
    assert f"`xlsync undo {numbers[first][:-1]}3` takes it back" in ran.err
