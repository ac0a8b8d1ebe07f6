"""Cut off around every single write and started again, a run ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import LINES, MISMATCHES, OCTOBER, Desk, Hand, World, day, records, settle, without_ids

WRITES = 13  # of the run below: every kind of creation, two updates, an end, an end with a successor
SURE = {"done", "already"}


def approve_every_kind(hand: Hand) -> None:
    """A customer with contact, agreement and addition; a product with its addition; changes in place."""
    hand.approve("customer:bss:622", Contact_First_Name="Ada", Contact_Last_Name="Voss", Identifier="QUILL")
    hand.approve("agreement:bss:622|Monthly", "add:agreement:bss:622|Monthly:1")
    products = [key for key in hand.rows("New in ConnectWise") if key.startswith("product:")]
    (dark,) = (k for k in products if hand.get("New in ConnectWise", k, "Name") == "Dark Web Watch")
    hand.approve(dark, Price=1.5)
    hand.approve(*(key for key in hand.rows(MISMATCHES) if key.startswith("add:") and "product:" in key))
    hand.approve("add:38:15", "add:38:5")
    hand.approve("units:53", "units:55", "cost:55")
    hand.approve("units:52", Effective_From=day("2026-10-14"))
    hand.approve("only:62", Action="Cancel addition", Effective_From=day("2026-10-31"))


@dataclass(frozen=True)
class Undisturbed:
    """The folder in which everything is approved, and how it all ends where nothing goes wrong."""

    folder: Path
    connectwise: Counter[str]
    links: list[tuple[Any, ...]]
    results: dict[str, bool]


def end_of(desk: Desk) -> tuple[Counter[str], list[tuple[Any, ...]], dict[str, bool]]:
    """What stands in ConnectWise, what is remembered, and which rows are told to be done."""
    hand = desk.read()
    results = {
        key: str(text).startswith(("done", "already"))
        for title in (MISMATCHES, "New in ConnectWise")
        for key, text in hand.column(title, "Result").items()
        if text
    }
    links = [(kind, key, *(id_ is not None for id_ in ids), why) for kind, key, *ids, why in desk.links()]
    return without_ids(desk.sandbox), links, results


def _desk(world: World, folder: Path) -> Desk:
    return Desk(world.sandbox, folder, folder / OCTOBER, records(world.sandbox))


@pytest.fixture(scope="session")
def undisturbed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    folder, ended = tmp_path_factory.mktemp("approved"), tmp_path_factory.mktemp("ended")
    world.renew()
    shutil.copytree(world.folder, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, world.sandbox, folder)
        desk = _desk(world, folder)
        with desk.editing() as hand:
            new = {"ConnectWise Customer": "(create new)", "ConnectWise Agreement": "(create new)"}
            hand.set(LINES, hand.line("Quillfeather Books"), new)
            hand.set(LINES, hand.line("", "Dark Web Watch"), {"ConnectWise Product": "(create new)"})
        assert desk.check().code == 0
        with desk.editing() as hand:
            approve_every_kind(hand)
    shutil.copytree(folder, ended, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, world.sandbox, ended)
        desk = _desk(world, ended)
        ran = desk.apply()
        assert ran.code == 0, ran.err
        assert len(desk.sandbox.writes) == WRITES
        yield Undisturbed(folder, *end_of(desk))


@pytest.fixture
def approved(world: World, undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The same folder, before apply."""
    world.renew()
    shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    settle(monkeypatch, world.sandbox, tmp_path)
    return _desk(world, tmp_path)


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
    second = approved.apply()
    assert second.code == 0, second.err
    assert set(second.states.values()) <= SURE
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
    started = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        started.wait(10)
        running[0].kill()
        running[0].wait(10)
        if when == "call":
            raise ConnectionAbortedError  # so that nothing is committed

    approved.sandbox.fail(when, write=number, call=kill)
    words = [sys.executable, "-m", "xlsync", "apply", OCTOBER, "--yes", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        running.append(process)
        started.set()
        out, _ = process.communicate(timeout=60)
    assert process.returncode not in {0, 3}
    assert out == b""
    unfinished = journal(approved)
    assert any(write["state"] == "unknown" for write in unfinished)
    again = approved.apply()
    assert again.code == 0, again.err
    assert set(again.states.values()) <= SURE
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved, was_killed=True)


def test_several_cut_offs_in_a_row_lead_to_the_same_end(approved: Desk, undisturbed: Undisturbed) -> None:
    for number in (2, 1, 3, 1):
        approved.sandbox.fail("hang-up-after", write=number)
        approved.sandbox.fail("hang-up-before", write=number + 1)
        approved.apply()
    assert approved.apply().code == 0
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved)


def test_an_unknown_write_is_told_as_unknown_and_how_to_go_on(approved: Desk) -> None:
    approved.sandbox.fail("hang-up-before", write=1)
    ran = approved.apply()
    (unknown,) = (action for action in ran.json["actions"] if action["state"] == "unknown")
    assert "run apply again" in unknown["detail"]
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
    started = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def interrupt() -> None:
        started.wait(10)
        running[0].send_signal(signal.SIGINT)

    approved.sandbox.fail("call", write=3, call=interrupt)
    words = [sys.executable, "-m", "xlsync", "apply", OCTOBER, "--yes", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        running.append(process)
        started.set()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    states = Counter(action["state"] for action in json.loads(out)["actions"])
    assert states["skipped"] >= 1
    assert states["failed"] == states["unknown"] == 0
    assert states["done"] == len(approved.sandbox.writes)
    assert b"Traceback" not in err
    results = [text for text in approved.read().column(MISMATCHES, "Result").values() if text]
    assert any("interrupted" in text for text in results)
    assert approved.apply().code == 0
    assert_ended_well(approved, undisturbed)
    assert_journal_tells_every_write(approved)
