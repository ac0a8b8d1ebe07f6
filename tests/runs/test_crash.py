"""Cut off around every single write and started again, a run ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import MISMATCHES
from tests.helpers.process import Process, kill_at, strike_at
from tests.helpers.still_clock import stop_clock
from tests.helpers.world import WRITES, Undisturbed, end_of

SURE = {"done", "already"}


def assert_ended_well(desk: Desk, undisturbed: Undisturbed) -> None:
    connectwise, links, results = end_of(desk)
    assert connectwise - undisturbed.connectwise == undisturbed.connectwise - connectwise == Counter()
    assert links == undisturbed.links
    assert results == undisturbed.results
    assert set(results.values()) == {True}


def journal(desk: Desk) -> list[dict[str, Any]]:
    """Every write of every run."""
    runs = desk.run("history", "--json").json["runs"]
    return [write for run in reversed(runs) for write in run["writes"]]


def assert_journal_tells_every_write(desk: Desk, *, was_killed: bool = False) -> None:
    """What was killed may have written down what it had no time to send."""
    sent = Counter(f"{request.path} {request.body}" for request in desk.sandbox.writes)
    told = Counter(f"{write['path']} {write['body']}" for write in journal(desk))
    assert sent <= told if was_killed else sent == told


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        *((kind, n) for kind in ("hang-up-before", "hang-up-after") for n in range(1, WRITES + 1)),
        *(("error-after", n) for n in (1, 4, 6, 10)),
    ],
)
def test_an_answer_lost_at_the_nth_write_leads_to_the_same_end(
    approved: Desk, undisturbed: Undisturbed, kind: str, number: int
) -> None:
    approved.sandbox.fail(kind, write=number)
    first = approved.apply()
    assert first.json["failed"] == 0
    assert (first.json["unknown"] == 0) == (kind != "hang-up-before")
    assert first.code == (3 if kind == "hang-up-before" else 0)
    if kind == "hang-up-before":
        (unknown,) = (key for key, state in first.states.items() if state == "unknown")
        sent = len(approved.sandbox.writes)
        second = approved.apply()
        if unknown.startswith(("update:", "cancel:")):
            assert second.code == 0  # to set a value twice is to set it once
        else:
            assert second.states[unknown] == "skipped"
            assert len(approved.sandbox.writes) == sent
        approved.let_minutes_pass()
    last = approved.apply()
    assert last.code == 0, last.err
    assert set(last.states.values()) <= SURE
    if kind != "hang-up-before":
        assert len(approved.sandbox.writes) == WRITES  # nothing was sent twice
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved)


@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("when", ["call", "call-after"])
def test_killed_at_the_nth_write_and_started_again_leads_to_the_same_end(
    approved: Desk, undisturbed: Undisturbed, when: str, number: int
) -> None:
    """SIGKILL before and after ConnectWise has committed the n-th write."""
    killed = kill_at(approved, when, number)
    assert (killed.code != 0, killed.out) == (True, b"")
    unfinished = journal(approved)
    assert any(write["state"] == "unknown" for write in unfinished)
    approved.let_minutes_pass()
    again = approved.apply()
    assert again.code == 0, again.err
    assert set(again.states.values()) <= SURE
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved, was_killed=True)


@pytest.mark.parametrize("second", [2, 3])
def test_killed_twice_the_later_creations_are_found_by_what_the_first_run_left_without_an_answer(
    approved: Desk, undisturbed: Undisturbed, second: int
) -> None:
    """The customer has no outcome in the journal; its contact, or contact and agreement, are done."""
    kill_at(approved, "call-after", 1)
    kill_at(approved, "call-after", second)
    last = approved.apply()
    assert last.code == 0, last.err
    assert set(last.states.values()) <= SURE
    assert_ended_well(approved, undisturbed)


@pytest.mark.parametrize(
    ("number", "seconds"), [(1, 1), (2, 30), (4, 5), (5, 30), (6, 1), (8, 30), (10, 5), (13, 30)]
)
def test_a_write_that_lands_seconds_after_the_connection_was_cut_leads_to_the_same_end(
    approved: Desk, undisturbed: Undisturbed, number: int, seconds: int
) -> None:
    """ConnectWise goes on working at what nobody waits for any more."""
    approved.be_impatient()
    stop_clock(approved.sandbox)
    approved.sandbox.fail("commit-late", write=number, seconds=seconds)
    first = approved.apply()
    assert (first.code, first.json["failed"]) == (3, 0)
    at_once = approved.apply()
    assert set(at_once.states.values()) <= {*SURE, "skipped"}
    approved.let_minutes_pass()  # by then it has landed
    last = approved.apply()
    assert last.code == 0, last.err
    assert set(last.states.values()) <= SURE
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved)


@pytest.mark.parametrize("number", [1, 3, 5])
def test_where_lists_lag_a_lost_answer_to_the_nth_write_leads_to_the_same_end(
    approved: Desk, undisturbed: Undisturbed, number: int
) -> None:
    """Applied again at once, while no list shows what was made, nothing is made twice."""
    approved.sandbox.fail("hide-new", seconds=300)
    approved.sandbox.fail("hang-up-after", write=number)
    approved.apply()
    sent = Counter(f"{request.path} {request.body}" for request in approved.sandbox.writes)
    approved.apply()
    approved.let_minutes_pass()
    assert approved.apply().code == 0
    assert_ended_well(approved, undisturbed)
    again = Counter(f"{request.path} {request.body}" for request in approved.sandbox.writes)
    assert all(again[write] == 1 for write in sent if "/invoice" not in write)


def test_several_cut_offs_in_a_row_lead_to_the_same_end(approved: Desk, undisturbed: Undisturbed) -> None:
    for number in (2, 1, 3, 1):
        approved.sandbox.fail("hang-up-after", write=number)
        approved.sandbox.fail("hang-up-before", write=number + 1)
        approved.apply()
    approved.sandbox._faults.waiting.clear()  # those that no write has met
    approved.let_minutes_pass()
    assert approved.apply().code == 0
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved)


def test_an_unknown_write_is_told_as_unknown_and_how_to_go_on(approved: Desk) -> None:
    approved.sandbox.fail("hang-up-before", write=1)
    ran = approved.apply()
    (unknown,) = (action for action in ran.json["actions"] if action["state"] == "unknown")
    assert "wait ten minutes, then apply again" in unknown["detail"]
    results = approved.read().column("New in ConnectWise", "Result").values()
    assert any(str(text).startswith("unknown") for text in results if text)


def test_a_journal_that_cannot_be_written_stops_before_any_write(approved: Desk) -> None:
    (approved.home / "journal").write_text("in the way", encoding="utf-8")
    ran = approved.apply()
    assert (ran.code, approved.sent()) == (1, [])
    assert "journal" in ran.err


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C cannot be sent to one process elsewhere")
def test_ctrl_c_lets_the_request_end_skips_the_rest_and_tells_it(
    approved: Desk, undisturbed: Undisturbed
) -> None:
    ran = strike_at(approved, "call", 3, lambda process: process.send_signal(signal.SIGINT))
    assert ran.code == 3, ran.err
    states = Counter(action["state"] for action in json.loads(ran.out)["actions"])
    assert states["skipped"] >= 1
    assert states["failed"] == states["unknown"] == 0
    assert states["done"] == len(approved.sandbox.writes)
    assert b"Traceback" not in ran.err
    results = [text for text in approved.read().column(MISMATCHES, "Result").values() if text]
    assert any("interrupted" in text for text in results)
    assert approved.apply().code == 0
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved)


FULL = f"""
import resource, signal, sys
sys.dont_write_bytecode = True  # it would be cut off, too
from xlsync.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
sys.argv = ["xlsync", "apply", "{OCTOBER}", "--yes", "--json"]
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no disk can be made full for one process")
def test_a_disk_on_which_the_stores_cannot_be_written_stops_before_any_write_and_the_next_run_does_all(
    approved: Desk, undisturbed: Undisturbed
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FULL], capture_output=True, text=True, timeout=120, check=False
    )
    assert len(approved.sandbox.writes) == 0
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False), ran.stderr
    again = approved.apply()
    assert again.code == 0, again.err
    assert_ended_well(approved, undisturbed)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no disk becomes full for a running process")
def test_a_disk_that_is_full_in_mid_run_sends_nothing_more_tells_all_and_the_next_run_does_the_rest(
    approved: Desk, undisturbed: Undisturbed
) -> None:
    def fill(process: Process) -> None:
        import resource  # noqa: PLC0415 - Windows has no such module

        (journal,) = (approved.home / "journal").rglob("*.jsonl")
        most = journal.stat().st_size  # what the command prints stands in files too, and is less
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))

    ran = strike_at(approved, "call-after", 4, fill)
    assert (ran.code, b"Traceback" in ran.err) == (3, False), ran.err
    assert len(approved.sandbox.writes) == 4  # what is created first is sent one after another
    told = {action["key"]: action for action in json.loads(ran.out)["actions"]}
    assert Counter(action["state"] for action in told.values())["done"] == 4
    assert any("the journal cannot be written" in action["detail"] for action in told.values())
    approved.let_minutes_pass()
    again = approved.apply()
    assert again.code == 0, again.err
    assert len(approved.sandbox.writes) == WRITES
    assert_ended_well(approved, undisturbed)
