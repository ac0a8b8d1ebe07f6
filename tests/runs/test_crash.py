"""Cut off around every single write and started again, a run ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import MISMATCHES
from tests.helpers.process import Process, begin, kill_at, kill_time_after_time, strike_at
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


# Every write of the run is of one of these kinds.
COMPANY, CONTACT, AGREEMENT = "POST /company/companies", "POST /company/contacts", "POST /finance/agreements$"
PRODUCT, SUCCESSOR = "POST /procurement/catalog", "POST /finance/agreements/37/additions"
ADDITION = "POST /finance/agreements/(27|38|57)/additions"
END, UPDATE = "PATCH .*/additions/(52|62)", "PATCH .*/additions/(53|55)"

# What needs nothing, what needs one of those, and so on: a regular expression, and how many writes it meets.
TURNS = {
    "first": (f"{COMPANY}|{PRODUCT}|{END}|{UPDATE}|POST /finance/agreements/38/additions", 8),
    "second": (f"{CONTACT}|{SUCCESSOR}|POST /finance/agreements/27/additions", 3),
    "third": (AGREEMENT, 1),
    "fourth": ("POST /finance/agreements/57/additions", 1),
}


def test_each_write_has_its_turn_in_the_tests_below(approved: Desk) -> None:
    approved.apply()
    sent = [f"{request.method} {request.path}" for request in approved.sandbox.writes]
    assert len(sent) == WRITES == sum(count for _, count in TURNS.values())
    for path, count in TURNS.values():
        assert sum(re.search(path, one) is not None for one in sent) == count


@pytest.mark.parametrize("kind", ["hang-up-after", "error-after"])
def test_where_the_answer_to_every_write_is_lost_nothing_is_sent_twice_and_the_end_is_the_same(
    approved: Desk, undisturbed: Undisturbed, kind: str
) -> None:
    approved.sandbox.fail(kind, write=1, times=WRITES)
    first = approved.apply()
    assert (first.code, first.json["failed"], first.json["unknown"]) == (0, 0, 0)
    last = approved.apply()
    assert last.code == 0, last.err
    assert set(last.states.values()) <= SURE
    assert len(approved.sandbox.writes) == WRITES
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved)


@pytest.mark.parametrize("number", [1, 6, WRITES])
def test_where_one_answer_is_lost_nothing_is_sent_twice_and_the_end_is_the_same(
    approved: Desk, undisturbed: Undisturbed, number: int
) -> None:
    approved.sandbox.fail("hang-up-after", write=number)
    assert approved.apply().code == 0
    assert len(approved.sandbox.writes) == WRITES
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved)


@pytest.mark.parametrize("turn", TURNS)
def test_writes_cut_off_before_they_are_committed_are_unknown_and_lead_to_the_same_end(
    approved: Desk, undisturbed: Undisturbed, turn: str
) -> None:
    path, count = TURNS[turn]
    approved.sandbox.fail("hang-up-before", path=path, times=count)
    first = approved.apply()
    assert (first.code, first.json["failed"], first.json["unknown"]) == (3, 0, count)
    sent = len(approved.sandbox.writes)
    second = approved.apply()
    unknown = {key for key, state in first.states.items() if state == "unknown"}
    changes = {key for key in unknown if key.startswith(("update:", "cancel:"))}
    # To set a value twice is to set it once; what was to be created may be there in a moment.
    assert {second.states[key] for key in changes} <= {"done"}
    assert {second.states[key] for key in unknown - changes} <= {"skipped"}
    assert changes or len(approved.sandbox.writes) == sent
    approved.let_minutes_pass()
    last = approved.apply()
    assert last.code == 0, last.err
    assert set(last.states.values()) <= SURE
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved)


@pytest.mark.parametrize(
    ("when", "path"),
    [
        *(("call-after", path) for path in (COMPANY, CONTACT, AGREEMENT, PRODUCT, ADDITION, SUCCESSOR)),
        *(("call", path) for path in (COMPANY, END, UPDATE)),
    ],
)
def test_killed_at_a_write_and_started_again_leads_to_the_same_end(
    approved: Desk, undisturbed: Undisturbed, when: str, path: str
) -> None:
    """SIGKILL before or after ConnectWise has committed a write of this kind."""
    killed = kill_at(approved, when, path)
    assert (killed.code != 0, killed.out) == (True, b"")
    unfinished = journal(approved)
    assert any(write["state"] == "unknown" for write in unfinished)
    approved.let_minutes_pass()
    again = approved.apply()
    assert again.code == 0, again.err
    assert set(again.states.values()) <= SURE
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved, was_killed=True)


@pytest.mark.parametrize(("when", "number"), [("call-after", 1), ("call", 2)])
def test_killed_at_one_write_after_the_other_and_started_again_each_time_leads_to_the_same_end(
    approved: Desk, undisturbed: Undisturbed, when: str, number: int
) -> None:
    """SIGKILL after the first write of each run is committed, or before the second of each run is."""
    assert kill_time_after_time(approved, when, number) >= 5
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved, was_killed=True)


def test_killed_twice_the_later_creations_are_found_by_what_the_first_run_left_without_an_answer(
    approved: Desk, undisturbed: Undisturbed
) -> None:
    """The customer has no outcome in the journal; its contact and agreement are done."""
    kill_at(approved, "call-after", 1)
    kill_at(approved, "call-after", 3)
    last = approved.apply()
    assert last.code == 0, last.err
    assert set(last.states.values()) <= SURE
    assert_ended_well(approved, undisturbed)


@pytest.mark.parametrize(("turn", "seconds"), [("first", 30), ("second", 5), ("third", 1), ("fourth", 30)])
def test_writes_that_land_seconds_after_the_connection_was_cut_lead_to_the_same_end(
    approved: Desk, undisturbed: Undisturbed, turn: str, seconds: int
) -> None:
    """ConnectWise goes on working at what nobody waits for any more."""
    approved.be_impatient()
    stop_clock(approved.sandbox)
    path, count = TURNS[turn]
    approved.sandbox.fail("commit-late", path=path, times=count, seconds=seconds)
    first = approved.apply()
    assert (first.code, first.json["failed"]) == (3, 0)
    at_once = approved.apply()
    assert set(at_once.states.values()) <= {*SURE, "skipped"}
    approved.let_minutes_pass()  # by then they have landed
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


def press_ctrl_c(process: Process) -> None:
    process.send_signal(signal.SIGINT)


def press_ctrl_c_again(process: Process) -> None:
    """Press it a second time as soon as the first has been heard, while the request is under way."""
    press_ctrl_c(process)
    status = Path(f"/proc/{process.pid}/status")
    for _ in range(1_000_000):
        ignored = re.search(r"SigIgn:\s*(\w+)", status.read_text())
        assert ignored
        if int(ignored[1], 16) >> (signal.SIGINT - 1) & 1:
            break
    else:
        raise AssertionError("the first was not heard")
    press_ctrl_c(process)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process listens to")
@pytest.mark.parametrize("press", [press_ctrl_c, press_ctrl_c_again])
def test_ctrl_c_lets_the_request_end_skips_the_rest_and_tells_it(
    approved: Desk, undisturbed: Undisturbed, press: Callable[[Process], None]
) -> None:
    ran = strike_at(approved, "call", 3, press)
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


FULL = """
import resource, signal, sys
sys.dont_write_bytecode = True  # it would be cut off, too
from xlsync.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no disk can be made full for one process")
def test_a_disk_on_which_the_stores_cannot_be_written_stops_before_any_write_and_the_next_run_does_all(
    approved: Desk, undisturbed: Undisturbed
) -> None:
    process = begin("apply", OCTOBER, "--yes", "--json", program=FULL)
    _, err = process.communicate(timeout=600)
    assert len(approved.sandbox.writes) == 0
    assert (process.returncode, b"Traceback" in err) == (1, False), err.decode()
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
