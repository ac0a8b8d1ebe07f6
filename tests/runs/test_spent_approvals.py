"""An approval is spent when its row is carried out, and what a write rests upon is looked at before it."""

from __future__ import annotations

import shutil
from decimal import Decimal

import pytest

from tests.helpers.additions import additions_of, days
from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import MISMATCHES, NEW, Hand, day
from tests.helpers.world import DeskAfter, choose_new

ROWS = ("units:52", "cost:54", "add:38:15")


def carry_out(desk: Desk) -> None:
    """Carry three rows out; `before.xlsx` is the workbook as it was before it."""
    with desk.editing() as hand:
        hand.approve(*ROWS)
    shutil.copy(desk.file, desk.folder / "before.xlsx")
    ran = desk.apply()
    assert (ran.code, ran.json["done"]) == (0, 3)


def newest(desk: Desk) -> str:
    """The newest run, by the number that people read and type."""
    return str(desk.run("history", "--json").json["runs"][0]["number"])


def change_behind_its_back(desk: Desk) -> None:
    """Units by a colleague, and an end of the new addition."""
    desk.addition(52)["quantity"] = Decimal(15)
    made = max(desk.sandbox.connectwise.additions)
    desk.addition(made)["cancelledDate"] = "2026-11-30T00:00:00Z"


@pytest.mark.parametrize("name", [OCTOBER, "before.xlsx"])
def test_a_carried_out_row_is_already_whatever_connectwise_holds_by_now(
    desk_after: DeskAfter, name: str
) -> None:
    desk = desk_after(carry_out)
    carried_out = newest(desk)
    change_behind_its_back(desk)
    again = desk.run("apply", name, "--yes", "--json")
    assert (again.code, set(again.states.values()), desk.sent()) == (0, {"already"}, [])
    assert all(f"by run {carried_out}" in action["detail"] for action in again.json["actions"])


def test_result_tells_when_and_by_which_run_a_row_was_carried_out(desk_after: DeskAfter) -> None:
    desk = desk_after(carry_out)
    carried_out = newest(desk)
    desk.apply()
    told = desk.read().get(MISMATCHES, "units:52", "Result")
    assert told.startswith("already: carried out on 20")
    assert told.endswith(f"by run {carried_out}")


def test_a_carried_out_row_that_asks_for_other_values_now_says_that_they_are_not_written(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(carry_out)
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"New Units": 19})
    again = desk.apply()
    assert (again.code, set(again.states.values()), desk.sent()) == (0, {"already"}, [])
    what = "the row was changed since, and what it asks for now is not written"
    assert [what in action["detail"] for action in again.json["actions"]].count(True) == 1
    assert f"{desk.read().place(MISMATCHES, 'units:52', 'Result')}: {what}" in " ".join(again.err.split())
    assert what in desk.read().get(MISMATCHES, "units:52", "Result")


def test_what_a_row_created_before_with_other_values_is_named_with_them_and_not_created_again(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(choose_new)
    customer, agreement = "customer:bss:622", "agreement:bss:622|Monthly"
    (product,) = (key for key, name in desk.read().column(NEW, "Name").items() if name == "Dark Web Watch")
    with desk.editing() as hand:
        hand.approve(customer, Identifier="QUILL", Contact_First_Name="Ada")
        hand.approve(product, Price=1.5)
        hand.approve(agreement)
    assert desk.apply().code == 0
    desk.forget_log()
    with desk.editing() as hand:
        hand.set(NEW, customer, {"Identifier": "QUILL-2", "Contact First Name": "Eva", "Result": None})
        hand.set(NEW, product, {"Price": 2, "Result": None})
        hand.set(NEW, agreement, {"Result": None})
    again = desk.apply()
    assert (again.code, set(again.states.values()), desk.sent()) == (3, {"already"}, [])
    assert "QUILL instead of QUILL-2: change it in ConnectWise" in " ".join(again.err.split())
    assert "Nothing to do" not in again.err
    details = {action["key"]: action["detail"] for action in again.json["actions"]}
    assert "and was created with identifier QUILL instead of QUILL-2: " in details[customer]
    assert "and was created with price 1.5 instead of 2: " in details[product]
    assert "and was created with first name Ada instead of Eva: " in details[f"contact:{customer}"]
    assert "created with" not in details[agreement]
    assert "QUILL instead of QUILL-2" in desk.read().get(NEW, customer, "Result")


def test_a_result_that_a_person_typed_writes_nothing_and_says_why_each_time(desk: Desk) -> None:
    results = {
        "units:52": "done",
        "units:53": "Done by Ann on the phone",
        "units:69": "already billed by hand",
    }
    for key, typed in results.items():
        with desk.editing() as hand:
            hand.approve(key, Result=typed)
        if key == "units:52":
            told = desk.run("apply", str(desk.file), "--yes").err
            assert told.endswith("Nothing to do: the row says that it is done.\n")
    places = {key: hand.place(MISMATCHES, key, "Result") for key in results}
    for _ in range(2):
        ran = desk.run("apply", str(desk.file), "--yes")
        assert (ran.code, desk.sent()) == (0, [])
        told = " ".join(ran.err.split())
        for key, typed in results.items():
            why = f"Result says '{typed}', which no run wrote: nothing is written"
            assert f"{places[key]}: {why}" in told
        assert told.endswith("Nothing to do: all 3 changes were made earlier, or their rows say so.")
    for key, typed in results.items():
        assert f"Result says '{typed}', which no run wrote" in desk.read().get(MISMATCHES, key, "Result")
    with desk.editing() as hand:
        for key in results:
            hand.set(MISMATCHES, key, {"Result": None})
    assert desk.apply().states == dict.fromkeys(("update:52", "update:53", "update:69"), "done")


def test_a_check_keeps_the_yes_of_a_row_whose_result_a_person_typed(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:53")
        hand.set(MISMATCHES, "units:52", {"Result": "Done?"})
    desk.check()
    assert desk.read().get(MISMATCHES, "units:52", "Approve") == "Yes"


def test_a_result_of_a_run_is_its_own_in_a_workbook_that_went_to_another_machine(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(carry_out)
    shutil.rmtree(desk.home / "journal")
    again = desk.run("apply", str(desk.file), "--yes")
    assert (again.code, desk.sent(), "no run wrote" in again.err) == (0, [], False)


@pytest.mark.parametrize(
    ("name", "told"), [(OCTOBER, "taken back on"), ("before.xlsx", "taken back since, as the journal shows")]
)
def test_an_undone_row_is_not_done_again_and_says_that_it_was_taken_back_until_the_undo_is_undone(
    desk_after: DeskAfter, name: str, told: str
) -> None:
    desk = desk_after(carry_out)
    assert desk.run("undo", newest(desk), "--yes").code == 0

    def apply() -> tuple[set[str], str, list[str]]:
        desk.forget_log()
        ran = desk.run("apply", name, "--yes", "--json")
        assert (ran.code, desk.sent(), set(ran.states.values())) == (0, [], {"already"})
        hand = Hand(desk.folder / name)
        return (
            {action["detail"] for action in ran.json["actions"]},
            ran.err,
            [str(hand.get(MISMATCHES, key, "Result")) for key in ROWS],
        )

    for _ in range(2):
        details, told_at_the_end, results = apply()
        assert all(told in detail for detail in details)
        assert "all 3 changes were made earlier, and taken back since" in told_at_the_end
        assert all(text.startswith(told) for text in results)
    undo_of_undo = desk.run("undo", newest(desk), "--yes")
    at_once = [str(Hand(desk.file).get(MISMATCHES, key, "Result")) for key in ROWS]
    _, told_at_the_end, results = apply()
    assert all(text.startswith("already: carried out on") for text in results)
    assert (undo_of_undo.code, at_once) == (0, results)
    assert "all 3 changes were made earlier." in told_at_the_end


def test_a_row_of_which_an_undo_left_a_part_goes_on_to_say_so(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:55", "cost:55")
    shutil.copy(desk.file, desk.folder / "before.xlsx")
    assert desk.apply().states == {"update:55": "done"}
    desk.addition(55)["quantity"] += 1  # by a colleague since
    assert desk.run("undo", newest(desk), "--yes").code == 3
    desk.forget_log()
    for name, told in (
        (OCTOBER, "partly taken back on"),
        ("before.xlsx", "partly taken back since, as the journal shows"),
    ):
        for _ in range(2):
            ran = desk.run("apply", name, "--yes")
            assert (ran.code, desk.sent()) == (0, [])
            assert "and taken back since, at least in part." in ran.err
            hand = Hand(desk.folder / name)
            results = [str(hand.get(MISMATCHES, key, "Result")) for key in ("units:55", "cost:55")]
            assert all(text.startswith(told) for text in results), results


def test_a_row_that_says_that_it_was_taken_back_goes_on_to_where_the_journal_lacks_the_undo(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(carry_out)
    runs = set((desk.home / "journal").rglob("*.jsonl"))
    assert desk.run("undo", newest(desk), "--yes").code == 0
    for of_undo in set((desk.home / "journal").rglob("*.jsonl")) - runs:
        of_undo.unlink()
    ran = desk.apply()
    assert set(ran.states.values()) == {"already"}
    assert "all 3 changes were made earlier, and taken back since" in ran.err
    assert desk.read().get(MISMATCHES, "units:52", "Result").startswith("taken back on")


def test_a_row_that_needed_no_change_after_an_undo_does_not_say_that_it_was_taken_back(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(carry_out)
    wanted = desk.addition(52)["quantity"]
    assert desk.run("undo", newest(desk), "--yes").code == 0
    desk.addition(52)["quantity"] = wanted  # by a colleague since
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Result": None})
    for _ in range(2):
        ran = desk.apply()
        assert set(ran.states.values()) == {"already"}
        assert "2 of them taken back since" in ran.err
        assert "taken back" not in desk.read().get(MISMATCHES, "units:52", "Result")


def test_a_row_that_was_changed_after_it_was_done_writes_nothing_where_only_the_journal_tells_its_undo(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(carry_out)
    shutil.copy(desk.file, desk.folder / "done.xlsx")
    assert desk.run("undo", newest(desk), "--yes").code == 0
    desk.forget_log()
    hand = Hand(desk.folder / "done.xlsx")
    hand.set(MISMATCHES, "units:52", {"New Units": 19})
    hand.save()
    for _ in range(2):
        assert (desk.run("apply", "done.xlsx", "--yes").code, desk.sent()) == (0, [])
        told = str(Hand(desk.folder / "done.xlsx").get(MISMATCHES, "units:52", "Result"))
        assert "taken back since, as the journal shows" in told
        assert "what it asks for now is not written" in told


def test_a_time_without_a_zone_in_the_journal_is_one_of_this_machine(desk_after: DeskAfter) -> None:
    desk = desk_after(carry_out)
    for file in (desk.home / "journal").rglob("*.jsonl"):
        file.write_text(file.read_text(encoding="utf-8").replace("+00:00", ""), encoding="utf-8")
    for name in (OCTOBER, "before.xlsx"):
        again = desk.run("apply", name, "--yes", "--json")
        assert (again.code, set(again.states.values()), desk.sent()) == (0, {"already"}, [])


def test_emptying_result_and_approving_anew_repeats_a_row(desk_after: DeskAfter) -> None:
    desk = desk_after(carry_out)
    carried_out = newest(desk)
    desk.run("undo", carried_out, "--yes")
    desk.forget_log()
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Result": None})
    again = desk.apply()
    assert again.states == {"update:52": "done", "update:54": "already", "add:38:15": "already"}
    assert desk.sent() == [("PATCH", "/finance/agreements/37/additions/52")]
    assert set(desk.apply().states.values()) == {"already"}


def test_a_workbook_that_is_exported_anew_asks_anew(desk_after: DeskAfter) -> None:
    desk = desk_after(carry_out)
    carried_out = newest(desk)
    desk.run("undo", carried_out, "--yes")
    desk.file.unlink()
    assert desk.export().code == 0
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.apply().states == {"update:52": "done"}


def test_the_cost_of_an_addition_is_still_written_where_its_units_were_carried_out(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:55")
    assert desk.apply().code == 0
    wanted = desk.addition(55)["quantity"]
    desk.addition(55)["quantity"] = wanted + 1  # by a colleague since
    with desk.editing() as hand:
        hand.approve("cost:55")
    ran = desk.apply()
    assert ran.states["units:55"] == "already"
    assert ran.states["update:55"] == "skipped"  # the row showed other units
    assert desk.addition(55)["quantity"] == wanted + 1


def test_a_row_that_asks_for_other_values_than_were_carried_out_is_carried_out(desk_after: DeskAfter) -> None:
    desk = desk_after(carry_out)
    carried_out = newest(desk)
    shutil.copy(desk.folder / "before.xlsx", desk.file)
    desk.run("undo", carried_out, "--yes")
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"New Units": 17})
    assert desk.apply().states["update:52"] == "done"
    assert desk.addition(52)["quantity"] == Decimal(17)


def test_an_older_month_than_the_last_one_applied_says_so(desk: Desk) -> None:
    desk.run("export", "--month", "2026-09", "--output", "september.xlsx")
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.apply().json["run"]
    told = desk.run("apply", "september.xlsx", "--dry-run").err
    assert "This workbook holds 2026-09, and 2026-10 was applied on" in " ".join(told.split())
    assert f"by run {newest(desk)}" in " ".join(told.split())


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("cancelledFlag", True, "the agreement is cancelled now"),
        ("company", {"id": 999, "name": "Another"}, "belongs to another company now"),
        ("endDate", "2026-10-31T00:00:00Z", "the agreement has ended on 2026-10-31"),
        ("currency", {"id": 9, "currencyCode": "CHF"}, "and is now CHF"),
    ],
)
def test_nothing_is_written_to_an_agreement_that_was_ended_or_moved_since(
    desk: Desk, field: str, value: object, told: str
) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
        hand.approve("units:53", Effective_From=day("2026-12-01"))
        hand.approve("only:62", Action="Cancel addition")
    owner = desk.sandbox.connectwise.additions[62]["agreementId"]
    for agreement in {37, 38, owner}:
        record = desk.sandbox.connectwise.agreements[agreement]
        record |= {"noEndingDateFlag": False} if field == "endDate" else {}
        record[field] = value
    ran = desk.apply("--force")
    assert (ran.code, desk.sent()) == (3, [])
    assert set(ran.states.values()) == {"skipped"}
    details = {a["key"]: a["detail"] for a in ran.json["actions"] if told not in a["detail"]}
    assert details == {}
    assert told in desk.read().get(MISMATCHES, "units:52", "Result")


def test_an_agreement_that_is_gone_is_told(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("add:38:15")
    del desk.sandbox.connectwise.agreements[38]
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])


def test_what_agreements_are_is_asked_for_once_for_all_of_them(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:53", "add:38:15", "units:1", "units:2")
    desk.forget_log()
    assert desk.run("apply", OCTOBER, "--dry-run").code == 0
    asked = [request for request in desk.sandbox.log if request.path == "/finance/agreements"]
    assert len(asked) == 1


def test_approvals_that_moved_since_the_last_check_are_told_with_count_and_sum(desk: Desk) -> None:
    """Sorting the Approve column alone moves every Yes to another row."""
    with desk.editing() as hand:
        hand.approve("units:52", "units:53")
    assert desk.check().code == 0
    assert "When the workbook was last checked" not in desk.apply("--dry-run").err
    with desk.editing() as hand:
        hand.set("Mismatches", "units:53", {"Approve": None})
        hand.approve("units:55")
    told = " ".join(desk.apply("--dry-run").err.split())
    assert "When the workbook was last checked, 2 rows (+" in told
    assert "EUR of Monthly Impact) were approved" in told, "the column's sum, whatever New Units says"
    assert "1 of them not approved then" in told
    assert desk.apply().code == 0
    assert "When the workbook was last checked" not in desk.apply("--dry-run").err, "all was carried out"


AGREEMENT = "agreement:bss:622|Monthly"
ADDITION = f"add:{AGREEMENT}:1"


def do_half(desk: Desk) -> None:
    """Create a customer and its agreement; the addition on it fails."""
    choose_new(desk)
    with desk.editing() as hand:
        hand.approve("customer:bss:622", Contact_First_Name="Ada", Contact_Last_Name="Voss")
        hand.approve(AGREEMENT, ADDITION)
    desk.sandbox.fail("error-json", write=4, status=400)
    ran = desk.apply()
    assert (ran.states[AGREEMENT], ran.states[ADDITION]) == ("done", "failed")


@pytest.fixture
def half_done(desk_after: DeskAfter) -> Desk:
    return desk_after(do_half)


def made_agreement(desk: Desk) -> int:
    return int(max(desk.sandbox.connectwise.agreements))


def test_an_addition_goes_to_the_agreement_that_only_result_says_was_created(half_done: Desk) -> None:
    """A machine without the journal of the first run: the agreement's id is looked up by its name."""
    shutil.rmtree(half_done.home / "journal")
    ran = half_done.apply()
    assert (ran.code, ran.states[AGREEMENT], ran.states[ADDITION]) == (0, "already", "done")
    assert half_done.sent() == [("POST", f"/finance/agreements/{made_agreement(half_done)}/additions")]


def test_an_addition_waits_where_the_agreement_that_result_says_was_created_is_gone(half_done: Desk) -> None:
    shutil.rmtree(half_done.home / "journal")
    half_done.sandbox.connectwise.agreements[made_agreement(half_done)]["name"] = "Another"
    ran = half_done.apply()
    assert (ran.code, half_done.sent(), ran.states[ADDITION]) == (3, [], "skipped")
    assert "was created earlier and is not seen in ConnectWise now" in half_done.read().get(
        MISMATCHES, ADDITION, "Result"
    )


def test_an_addition_is_not_written_to_the_agreement_that_an_undo_took_back(half_done: Desk) -> None:
    half_done.run("undo", "last", "--yes")
    half_done.forget_log()
    ran = half_done.apply()
    assert (ran.code, half_done.sent(), ran.states[ADDITION]) == (3, [], "skipped")


def apply_copy(desk: Desk, name: str, *keys: str, command: str = "apply") -> dict[str, str]:
    """Approve rows of a copy of the workbook, and apply it; returns the states by key."""
    hand = Hand(desk.folder / name)
    for key in keys:
        title = "Invoices" if key.startswith("invoice:") else MISMATCHES
        hand.set(title, key, {"Approve": "Yes"})
    hand.save()
    return desk.run(command, name, "--yes", "--json").states


def test_a_copy_that_showed_a_run_for_one_row_does_not_repeat_its_other_rows(desk: Desk) -> None:
    """A colleague's copy names the run of one row, then approves another row that the run carried out."""
    shutil.copy(desk.file, desk.folder / "copy.xlsx")
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
    assert desk.apply().json["done"] == 2
    made = max(desk.sandbox.connectwise.additions)
    desk.addition(made)["cancelledDate"] = "2026-11-30T00:00:00Z"
    desk.forget_log()
    assert apply_copy(desk, "copy.xlsx", "units:52") == {"update:52": "already"}
    assert set(apply_copy(desk, "copy.xlsx", "add:38:15").values()) == {"already"}
    assert desk.sent() == []


def test_an_invoice_without_an_answer_waits_for_a_person_in_a_copy_that_names_the_run_for_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XLSYNC_INVOICING", "enabled")
    desk.be_impatient()
    shutil.copy(desk.file, desk.folder / "copy.xlsx")
    rows = [k for k, amount in desk.read().column("Invoices", "Next Invoice Amount").items() if amount]
    desk.sandbox.fail("commit-late", write=2, seconds=900)
    states = apply_copy(desk, OCTOBER, *rows[:2], command="invoice")
    (done,) = (key for key, state in states.items() if state == "done")
    (unknown,) = (key for key, state in states.items() if state == "unknown")
    assert apply_copy(desk, "copy.xlsx", done, command="invoice") == {done: "already"}
    for _ in range(2):
        assert apply_copy(desk, "copy.xlsx", unknown, command="invoice")[unknown] == "skipped"
    assert len(desk.sent()) == 2


def end_without_successor(desk: Desk) -> None:
    """Carry out the end of an addition and not its successor, as a run does that is killed between them."""
    with desk.editing() as hand:
        hand.approve("units:52", Effective_From=day("2026-10-14"))
    shutil.copy(desk.file, desk.folder / "before.xlsx")
    desk.sandbox.fail("error-json", write=2)
    desk.be_impatient()
    assert desk.apply().states == {"cancel:52": "done", "successor:52": "failed"}
    shutil.copy(desk.folder / "before.xlsx", desk.file)  # a killed run notes no results


@pytest.mark.parametrize("name", [OCTOBER, "before.xlsx"])
def test_undo_spends_a_change_from_a_date_on_of_which_one_write_was_made(
    desk_after: DeskAfter, name: str
) -> None:
    """A successor beside the addition that it was to continue would bill twice."""
    desk = desk_after(end_without_successor)
    run = newest(desk)
    assert desk.run("undo", run, "--yes").code == 0
    desk.forget_log()
    for _ in range(3):
        assert set(desk.run("apply", name, "--yes", "--json").states.values()) == {"already"}
    assert desk.sent() == []


def test_who_empties_what_undo_says_of_a_killed_run_asks_for_the_row_anew(desk_after: DeskAfter) -> None:
    desk = desk_after(end_without_successor)
    run = newest(desk)
    assert desk.run("undo", run, "--yes").code == 0
    with desk.editing() as hand:
        assert hand.get(MISMATCHES, "units:52", "Result").startswith("taken back on")
        hand.set(MISMATCHES, "units:52", {"Result": None})
    assert set(desk.apply().states.values()) == {"done"}
    ends = [days(one)[1] for one in additions_of(desk, 37, 3)]
    assert ends == ["2026-10-13", None]


def test_no_successor_is_made_where_a_colleague_took_the_end_of_the_addition_back(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(end_without_successor)
    desk.addition(52)["cancelledDate"] = None
    for _ in range(3):
        ran = desk.apply()
        assert (ran.code, ran.states) == (3, {"cancel:52": "already", "successor:52": "skipped"})
    assert "ends on no day now, so both would be billed" in ran.json["actions"][1]["detail"]
    assert desk.sent() == []


def test_a_row_that_was_approved_anew_and_failed_is_sent_by_the_next_apply(desk_after: DeskAfter) -> None:
    desk = desk_after(carry_out)
    carried_out = newest(desk)
    desk.run("undo", carried_out, "--yes")
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Result": None})
    desk.sandbox.fail("error-json", write=1)
    assert desk.apply().states["update:52"] == "failed"
    assert desk.apply().states["update:52"] == "done"
    assert set(desk.apply().states.values()) == {"already"}
