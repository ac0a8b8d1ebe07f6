"""Two at the same work: whoever comes second creates nothing twice and writes nothing over."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import people as own_machines
from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import MISMATCHES, Hand
from tests.helpers.process import begin, kill_at
from tests.helpers.world import Undisturbed, end_of
from xlsync.apply.one_writer import machine_folder, one_writer
from xlsync.apply.plan import Outcome, State
from xlsync.apply.runs import journal_folder
from xlsync.commands import apply as reviews
from xlsync.commands.demo import environment
from xlsync.config import load_settings
from xlsync.errors import XlsyncError
from xlsync.gather.systems import Systems
from xlsync.records import replace
from xlsync.settings import Settings


@pytest.mark.parametrize("name", [OCTOBER, "copy.xlsx"])
def test_a_second_apply_stops_while_the_first_writes_and_nothing_is_created_twice(
    approved: Desk, undisturbed: Undisturbed, name: str
) -> None:
    if name != OCTOBER:
        shutil.copy(approved.file, approved.folder / name)
    arrived, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        arrived.set()
        go_on.wait(600)

    approved.sandbox.fail("call", write=1, call=hold)
    first = begin("apply", OCTOBER, "--yes", "--json")
    assert arrived.wait(600)
    second = approved.run("apply", name, "--yes", "--json")
    dry = approved.run("apply", name, "--dry-run", "--json")
    go_on.set()
    out, err = first.communicate(timeout=600)
    assert (second.code, list(second.json)) == (1, ["error"])
    assert "Another run writes to" in second.err
    assert dry.code == 0  # to look is free
    assert first.returncode == 0, err
    assert json.loads(out)["done"] == len(json.loads(out)["actions"])
    again = approved.run("apply", name, "--yes", "--json")
    assert (again.code, set(again.states.values())) == (0, {"already"})
    assert end_of(approved)[0] == undisturbed.connectwise


@dataclass(frozen=True)
class Machine:
    """A colleague's machine: a home of its own, a copy of the workbook, and no lock of ours."""

    settings: Settings
    file: Path

    def apply(self, before_writing: Callable[[], object] = lambda: None) -> tuple[Outcome, ...]:
        with Systems(self.settings) as systems:
            review = reviews.review_workbook(systems, self.file)
            before_writing()
            return reviews.perform_review(systems, review, dt.datetime.now(dt.UTC))[1]


def machine(desk: Desk, name: str) -> Machine:
    home = desk.folder / name
    shutil.copytree(desk.home, home)
    file = home / OCTOBER
    shutil.copy(desk.file, file)
    return Machine(replace(load_settings(bss=False, connectwise=True), home=home), file)


def test_what_a_colleague_elsewhere_creates_meanwhile_is_not_created_again(
    approved: Desk, undisturbed: Undisturbed
) -> None:
    """With a home of its own no lock keeps the other run back: the look just before creating does."""
    theirs = machine(approved, "theirs")
    states: list[State] = []

    def colleague() -> None:
        states.extend(result.state for result in theirs.apply())

    # the company comes first: before any addition is made here, the colleague does all of it
    approved.sandbox.fail("call-after", write=1, call=colleague)
    ran = approved.apply()
    assert set(states) == {State.DONE, State.ALREADY}
    made = {key: state for key, state in ran.states.items() if key.startswith(("add:", "successor:"))}
    assert set(made.values()) == {"already"}
    assert Counter(end_of(approved)[0]) == undisturbed.connectwise


def test_an_approval_that_a_colleague_takes_back_while_the_question_waits_is_not_written(
    approved: Desk,
) -> None:
    mine = Machine(load_settings(bss=False, connectwise=True), approved.file)

    def colleague() -> None:
        with approved.editing() as hand:
            hand.set(MISMATCHES, "units:52", {"Approve": "No"})

    with pytest.raises(XlsyncError, match="was changed since it was read, so nothing was written"):
        mine.apply(colleague)
    assert approved.sent() == []


TIMES = int(os.environ.get("XLSYNC_RACES", "2"))  # how often two machines race each other
SAME = {  # what makes two records of a table the same for a person
    "companies": lambda record: record["name"],
    "contacts": lambda record: (record["company"]["id"], record["firstName"]),
    "agreements": lambda record: (record["company"]["id"], record["name"]),
    "catalog": lambda record: record["description"],
    "additions": lambda record: (record["agreementId"], record["product"]["id"]),
}


def made_twice(desk: Desk) -> list[set[int]]:
    """The ids of records in force that the runs made of one thing."""
    alike: dict[tuple[object, ...], set[int]] = {}
    for (table, id_), record in desk.changes.items():
        is_new = table in SAME and (table, id_) not in desk.before
        if is_new and not record.get("cancelledDate"):
            alike.setdefault((table, SAME[table](record)), set()).add(id_)
    assert alike
    return [ids for ids in alike.values() if len(ids) > 1]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no command is a copy of a process")
@pytest.mark.parametrize("time", range(TIMES))
def test_of_two_machines_at_once_at_least_one_names_whatever_was_made_twice(
    approved: Desk, time: int
) -> None:
    """Two processes with two homes: each has looked before the other creates a customer, or an addition."""
    both_have_looked = threading.Barrier(2, timeout=600)
    path = r"POST .*/38/additions" if time % 2 else "POST "
    approved.sandbox.fail("call", path=path, times=2, call=both_have_looked.wait)
    people, running = own_machines.People(approved.folder), []
    for name in ("ours", "theirs"):
        machine(approved, name)
        here = own_machines.Machine(name, approved.folder / name, approved.sandbox.environ)
        running.append(people.begin(here, "apply", str(here.home / OCTOBER), "--yes", "--json"))
    codes = [one.wait() for one in running]
    told = [
        (code, action["detail"])
        for code, one in zip(codes, running, strict=True)
        for action in one.json["actions"]
    ]
    assert not both_have_looked.broken
    for ids in made_twice(approved):
        named = [code for code, detail in told if all(re.search(rf"\b{id_}\b", detail) for id_ in ids)]
        assert 3 in named, ids


def test_the_folder_of_the_machine_does_not_depend_on_where_temporary_files_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XLSYNC_LOCKS")
    before = machine_folder()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)  # Python remembers the first answer
    assert machine_folder() == before


def test_users_with_homes_of_their_own_share_the_lock_of_the_machine(desk: Desk) -> None:
    environment = load_settings(bss=False, connectwise=True).environment
    with (
        one_writer(desk.folder / "home of another user", environment),
        pytest.raises(XlsyncError, match="Another run writes to"),
        one_writer(desk.home, environment),
    ):
        pass


def test_demos_of_two_homes_on_one_machine_do_not_wait_for_each_other(tmp_path: Path) -> None:
    demo = environment()
    with (
        one_writer(tmp_path / "one", demo),
        one_writer(tmp_path / "another", demo),
        pytest.raises(XlsyncError, match="Another run writes to"),
        one_writer(tmp_path / "one", demo),
    ):
        pass


def test_a_run_that_was_killed_holds_nobody_up(approved: Desk) -> None:
    kill_at(approved, "call-after", 1)
    approved.let_minutes_pass()
    assert approved.apply().code == 0


def test_undo_and_invoice_wait_for_nobody_either(approved: Desk) -> None:
    settings = load_settings(bss=False, connectwise=True)
    run = approved.apply().json["run"]
    approved.forget_log()
    with one_writer(settings.home, settings.environment):
        for words in (("undo", run, "--yes"), ("apply", OCTOBER, "--yes")):
            ran = approved.run(*words)
            assert (ran.code, approved.sent()) == (1, [])
            assert "Another run writes to" in ran.err
    assert approved.run("undo", run, "--dry-run").code == 0


def test_another_environment_is_not_held_up(approved: Desk) -> None:
    with one_writer(approved.home, "another/company"):
        assert approved.apply().code == 0
    folder = journal_folder(approved.home, "another/company")
    (folder / "writing.lock").unlink()
    (folder / "writing.lock").mkdir()
    with pytest.raises(XlsyncError, match="cannot be written"), one_writer(approved.home, "another/company"):
        pass


def test_what_a_person_saves_while_check_works_is_not_lost(approved: Desk) -> None:
    """A No in place of a Yes above all: check would give the Yes back."""

    def decide() -> None:
        with approved.editing() as hand:
            hand.set(MISMATCHES, "units:53", {"Approve": "No"})

    approved.sandbox.fail("call", path=r"GET /finance/agreements/37/additions", call=decide)
    ran = approved.check()
    assert (ran.code, "was changed while xlsync worked" in ran.err) == (1, True)
    assert approved.read().get(MISMATCHES, "units:53", "Approve") == "No"
    assert approved.check().code == 0
    assert approved.read().get(MISMATCHES, "units:53", "Approve") == "No"


def test_what_a_person_saves_while_apply_works_is_not_lost_and_the_results_lie_beside_it(
    approved: Desk,
) -> None:
    def decide() -> None:
        with approved.editing() as hand:
            hand.set(MISMATCHES, "cost:54", {"Action": "Ignore"})

    approved.sandbox.fail("call", write=1, call=decide)
    ran = approved.apply()
    assert ran.code == 0
    assert "the results are in" in " ".join(ran.err.split())
    assert approved.read().get(MISMATCHES, "cost:54", "Action") == "Ignore"
    beside = Hand(approved.folder / OCTOBER.replace(".xlsx", ".results.xlsx"))
    assert str(beside.get(MISMATCHES, "units:53", "Result")).startswith("done")
    assert set(approved.apply().states.values()) == {"already"}
