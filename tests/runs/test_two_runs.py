"""Two at the same work: whoever comes second creates nothing twice and writes nothing over."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections import Counter

import pytest

from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import MISMATCHES, Hand
from tests.helpers.world import Undisturbed, end_of
from xlsync.apply.journal import journal_folder, one_writer
from xlsync.config import load_settings
from xlsync.errors import XlsyncError


def begin(*words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "xlsync", *words, "--yes", "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("name", [OCTOBER, "copy.xlsx"])
def test_a_second_apply_stops_while_the_first_writes_and_nothing_is_created_twice(
    approved: Desk, undisturbed: Undisturbed, name: str
) -> None:
    if name != OCTOBER:
        shutil.copy(approved.file, approved.folder / name)
    arrived, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        arrived.set()
        go_on.wait(60)

    approved.sandbox.fail("call", write=1, call=hold)
    with begin("apply", OCTOBER) as first:
        assert arrived.wait(60)
        second = approved.run("apply", name, "--yes", "--json")
        dry = approved.run("apply", name, "--dry-run", "--json")
        go_on.set()
        out, err = first.communicate(timeout=120)
    assert (second.code, list(second.json)) == (1, ["error"])
    assert "Another run writes to" in second.err
    assert dry.code == 0  # to look is free
    assert first.returncode == 0, err
    assert json.loads(out)["done"] == len(json.loads(out)["actions"])
    again = approved.run("apply", name, "--yes", "--json")
    assert (again.code, set(again.states.values())) == (0, {"already"})
    assert end_of(approved)[0] == undisturbed.connectwise


def test_what_a_colleague_elsewhere_creates_meanwhile_is_not_created_again(
    approved: Desk, undisturbed: Undisturbed
) -> None:
    """With a home of its own no lock keeps the other run back: the look just before creating does."""
    theirs = approved.folder / "theirs"
    shutil.copytree(approved.home, theirs)
    shutil.copy(approved.file, approved.folder / "copy.xlsx")
    told: list[dict[str, str]] = []

    def colleague() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XLSYNC_HOME", str(theirs))
            patch.setenv("TMPDIR", str(theirs))  # another machine: its lock is not ours
            with begin("apply", "copy.xlsx") as process:
                out, _ = process.communicate(timeout=120)
        told.append({action["key"]: action["state"] for action in json.loads(out)["actions"]})

    # the company comes first: before any addition is made here, the colleague does all of it
    approved.sandbox.fail("call-after", write=1, call=colleague)
    ran = approved.apply()
    assert set(told[0].values()) == {"done", "already"}
    made = {key: state for key, state in ran.states.items() if key.startswith(("add:", "successor:"))}
    assert set(made.values()) == {"already"}
    assert Counter(end_of(approved)[0]) == undisturbed.connectwise


def test_a_run_that_was_killed_holds_nobody_up(approved: Desk) -> None:
    running: list[subprocess.Popen[bytes]] = []
    started = threading.Event()

    def kill() -> None:
        started.wait(10)
        running[0].kill()

    approved.sandbox.fail("call-after", write=1, call=kill)
    with begin("apply", OCTOBER) as process:
        running.append(process)
        started.set()
        process.communicate(timeout=120)
    assert process.returncode != 0
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
