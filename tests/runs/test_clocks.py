"""Two machines whose clocks differ: what one of them wrote later is never taken for something older."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
import simplejson

from tests.helpers.desk import Desk
from tests.helpers.hand import day
from xlsync.apply.runs import list_runs

SLOW = dt.timedelta(minutes=20)


def by_a_slow_clock(file: Path, slow_by: dt.timedelta = SLOW) -> Path:
    """Let a run of the journal be one of another machine, whose clock is slow, that comes here just now."""
    lines = [simplejson.loads(text, use_decimal=True) for text in file.read_text("utf-8").splitlines()]
    for line in lines:
        line["at"] = (dt.datetime.fromisoformat(line["at"]) - slow_by).isoformat(timespec="milliseconds")
    at = dt.datetime.strptime(file.stem[:15], "%Y%m%d-%H%M%S").replace(tzinfo=dt.UTC) - slow_by
    slow = file.with_name(f"{at:%Y%m%d-%H%M%S}{file.stem[15:]}.jsonl")
    slow.write_text("".join(simplejson.dumps(line, use_decimal=True) + "\n" for line in lines), "utf-8")
    file.unlink()
    return slow


def newest(desk: Desk) -> Path:
    """The file of the newest run."""
    return max((desk.home / "journal").rglob("*.jsonl"))


def test_a_creation_without_an_answer_by_a_slow_clock_is_not_sent_again_at_once(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("add:38:15")
    desk.be_impatient()
    desk.sandbox.fail("hang-up-before", write=1)
    assert desk.apply().states == {"add:38:15": "unknown"}
    by_a_slow_clock(newest(desk))
    desk.forget_log()
    again = desk.apply()
    assert (again.states, desk.sent()) == ({"add:38:15": "skipped"}, [])
    desk.let_minutes_pass()
    assert desk.apply().states == {"add:38:15": "done"}


def test_what_another_machine_carried_out_after_the_export_is_spent_though_its_clock_is_slow(
    desk: Desk,
) -> None:
    desk.file.unlink()
    assert desk.export().code == 0
    with desk.editing() as hand:
        hand.approve("units:52")
    shutil.copy(desk.file, desk.folder / "before.xlsx")
    assert desk.apply().states == {"update:52": "done"}
    by_a_slow_clock(newest(desk))
    shutil.copy(desk.folder / "before.xlsx", desk.file)
    desk.addition(52)["quantity"] = Decimal(15)  # by a colleague, who knows why
    desk.forget_log()
    assert (desk.apply().states, desk.sent()) == ({"update:52": "already"}, [])
    desk.file.unlink()
    assert desk.export().code == 0  # this workbook knows of the run, and asks anew
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.apply().states == {"update:52": "done"}


@pytest.mark.parametrize("name", ["number", "last"])
def test_a_number_that_another_run_had_when_it_was_read_takes_nothing_back(desk: Desk, name: str) -> None:
    """A run of a slow clock is named before another one of the day, whose number it takes."""
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.apply()
    first = newest(desk)
    (read,) = desk.run("history", "--json").json["runs"]
    os.utime(first, (first.stat().st_mtime - 300,) * 2)  # minutes ago
    with desk.editing() as hand:
        hand.approve("units:53")
    desk.apply()
    slow = by_a_slow_clock(newest(desk), dt.timedelta(seconds=5))
    assert slow.stem < first.stem
    desk.forget_log()
    ran = desk.run("undo", read["number"] if name == "number" else "last", "--yes", "--json")
    assert (ran.code, desk.sent()) == (1, [])
    assert first.stem in ran.err
    assert slow.stem in ran.err
    assert desk.run("undo", first.stem, "--yes", "--json").code == 0
    assert (desk.addition(52)["quantity"], desk.addition(53)["quantity"]) == (15, 18)


def test_an_end_stays_while_a_successor_that_a_slow_clock_dates_earlier_is_in_force(desk: Desk) -> None:
    """A run was killed between its two writes, and another machine made what continues the addition."""
    with desk.editing() as hand:
        hand.approve("units:52", Effective_From=day("2026-10-14"))
    desk.sandbox.fail("error-json", write=2)
    desk.be_impatient()
    first = str(desk.apply().json["run"])
    desk.apply()
    slow = by_a_slow_clock(newest(desk))
    assert slow.stem < first
    desk.forget_log()
    ran = desk.run("undo", first, "--yes", "--json")
    assert (ran.code, desk.sent(), set(ran.states.values())) == (3, [], {"skipped"})
    assert "made what continues it" in ran.json["actions"][0]["detail"]


def test_a_journal_whose_file_is_older_than_its_lines_is_as_old_as_they_say(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.apply()
    environment = desk.run("history", "--json").json["runs"][0]["environment"]
    (run,) = list_runs(desk.home, environment)
    (write,) = run.writes
    assert write.latest_at is not None
    assert dt.timedelta() <= write.latest_at - dt.datetime.fromisoformat(write.at) < SLOW
    assert newest(desk).is_file()
