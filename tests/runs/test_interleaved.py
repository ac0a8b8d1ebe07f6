"""Two people at work at the same time, killed again and again: nothing happens twice, and no link is lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from tests.helpers.copies import Running
from tests.helpers.desk import Desk, without_ids
from tests.helpers.hand import LINES, Hand
from tests.helpers.people import Machine, People
from tests.helpers.postgres import PASSWORD, Postgres, why_not
from tests.helpers.world import Undisturbed
from xlsync.records import replace

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can")
NAMES = ("ada", "bob")
ROUNDS = int(os.environ.get("INTERLEAVED_ROUNDS", "0"))  # a hundred take a quarter of an hour
CHOICES = {"ada": ("DELTA", "Delta GmbH"), "bob": ("Kestrel Optics", "Kestrel Optics [KESTREL2]")}
UNREACHED = {"XLSYNC_STORE_URL": "postgresql://team@127.0.0.1:1/none"}
# A run as far as the store is concerned: what it knows at its beginning, then link by link what it remembers.
REMEMBER = """
import datetime as dt, signal
from xlsync.config import load_settings
from xlsync.gather.systems import Systems
from xlsync.links.memory import Memory, Remembered

signal.setitimer(signal.ITIMER_REAL, order["killed_after"])  # nobody handles the signal, so it kills
with Systems(load_settings(bss=False, connectwise=True)) as systems:
    if order["is_apart"]:
        assert systems.team is None
    print("knows", *systems.links.memory().customers, flush=True)
    for key in order["keys"]:
        new = {key: Remembered(company_id=7), "both": Remembered(company_id=order["number"])}
        systems.links.remember(lambda _: Memory(customers=new), when=dt.datetime.now(dt.UTC), workbook=key)
        print("remembered", key, flush=True)
"""


@pytest.fixture
def machines(
    tmp_path: Path, approved: Desk, postgres: Postgres, request: pytest.FixtureRequest
) -> list[Machine]:
    """Two machines whose links and journals go to one store."""
    database = f"interleaved_{abs(hash(request.node.name))}"
    with psycopg.connect(postgres.url(), password=PASSWORD, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}".encode())
    store = {"XLSYNC_STORE_URL": postgres.url(database), "XLSYNC_STORE_PASSWORD": PASSWORD}
    environ = {**approved.sandbox.environ, **store}
    return [Machine(name, tmp_path / name, environ) for name in NAMES]


@pytest.fixture
def people(tmp_path: Path, approved: Desk) -> People:
    assert approved.file.parent == tmp_path
    return People(tmp_path)


def said(running: Running, word: str) -> set[str]:
    """What a run printed after a word."""
    lines = running.out.read_text(encoding="utf-8").split("\n")[:-1]
    return {one for line in lines if line.startswith(word) for one in line.split(" ")[1:]}


def desk_of(desk: Desk, machine: Machine) -> Desk:
    return replace(desk, file=desk.folder / f"{machine.name}.xlsx", own_home=machine.home)


def seconds_of_a_run(people: People, machine: Machine) -> float:
    """How long a run takes here that is not killed, and remembers nothing."""
    began = time.monotonic()
    run = people.begin(machine, program=REMEMBER, keys=[], number=0, killed_after=600, is_apart=False)
    assert run.wait() == 0
    return time.monotonic() - began


def test_interleaved_runs_with_kills_lose_no_link_and_each_knows_what_ended_before_it(
    machines: list[Machine], people: People
) -> None:
    """One in ten does not reach the store: what it remembers is known once its machine reaches it again."""
    dice = random.Random(17)  # noqa: S311 - no secret
    apart: dict[str, set[str]] = {name: set() for name in NAMES}
    remembered: set[str] = set()
    killed = 0
    whole = min(seconds_of_a_run(people, machine) for machine in machines)
    numbers = range(1, (ROUNDS or 15) + 1)
    for number in numbers:
        before = set(remembered)
        rounds: list[tuple[str, bool, Running]] = []
        for machine in machines:
            is_apart = dice.random() < 0.1
            begun = people.begin(
                replace(machine, environ=machine.environ | UNREACHED) if is_apart else machine,
                program=REMEMBER,
                keys=[f"{machine.name}-{number}-{step}" for step in range(3)],
                number=number,
                killed_after=dice.choice([600, dice.uniform(0.1, 1) * whole]),
                is_apart=is_apart,
            )
            rounds.append((machine.name, is_apart, begun))
        for name, is_apart, begun in rounds:
            code = begun.wait()
            assert code in {0, -signal.SIGALRM}, begun.err.read_text(encoding="utf-8")
            killed += code != 0
            known, done = said(begun, "knows"), said(begun, "remembered")
            if is_apart:
                apart[name] |= done
            else:
                if known:
                    assert before - known == set()
                    remembered |= apart[name]
                    apart[name] = set()
                remembered |= done
    assert 0.1 < killed / (len(numbers) * len(machines)) < 0.9
    for machine in machines:
        last = people.begin(machine, program=REMEMBER, keys=[], number=0, killed_after=600, is_apart=False)
        assert last.wait() == 0
    known = said(last, "knows")
    assert remembered - known == set()
    tried = {f"{name}-{number}-{step}" for name in NAMES for number in numbers for step in range(3)}
    assert known - tried == {"both"}


@pytest.mark.parametrize("seed", range(ROUNDS or 1))
def test_two_who_apply_and_are_killed_at_their_writes_write_nothing_twice_and_share_their_links(
    approved: Desk, undisturbed: Undisturbed, machines: list[Machine], people: People, seed: int
) -> None:
    """Both apply what was approved, each with a link that only this person chose.

    They begin at once; at some write both are killed, and the next runs begin while it is committed.
    """
    dice = random.Random(seed)  # noqa: S311 - no secret
    for machine in machines:
        shutil.copytree(approved.home, machine.home)
        shutil.copy(approved.file, approved.folder / f"{machine.name}.xlsx")
        with desk_of(approved, machine).editing() as hand:
            customer, company = CHOICES[machine.name]
            hand.set(
                LINES,
                hand.line(customer),
                {"ConnectWise Customer": company, "ConnectWise Agreement": "Cloud Services"},
            )
    begun: list[Running] = []
    are_begun, killing = threading.Event(), threading.Lock()

    def begin(machine: Machine) -> None:
        begun.append(people.begin(machine, "apply", f"{machine.name}.xlsx", "--yes", "--json"))

    def kill_at_a_write() -> None:
        kind = dice.choice(["call", "call-after"])
        approved.sandbox.fail(kind, write=dice.randint(1, 3), call=kill_and_begin)

    def kill_and_begin() -> None:
        are_begun.wait(600)
        with killing:
            for one in begun:
                one.kill()
            if len(begun) < 7:
                kill_at_a_write()
            for machine in dice.sample(machines, 2):
                begin(machine)

    kill_at_a_write()
    for machine in machines:
        begin(machine)
    are_begun.set()
    codes: Counter[int] = Counter()
    for one in begun:
        code = one.wait()
        with killing:  # until others were begun in place of those that are killed
            codes[code] += 1
    assert codes.keys() <= {0, 1, 3, -signal.SIGKILL}
    assert codes[-signal.SIGKILL] >= 3
    approved.sandbox._faults.waiting.clear()
    for machine in machines:  # at once: what was done is known by the journals, and what may have been waits
        begin(machine)
        assert begun[-1].wait() in {0, 3}, begun[-1].err.read_text(encoding="utf-8")
        left = [action for action in begun[-1].json["actions"] if action["state"] not in {"done", "already"}]
        assert all("sent at" in action["detail"] for action in left), left
    for machine in machines:  # so that each has all lines, which then are older by as much
        told = people.begin(machine, "history", "--json")
        assert told.wait() == 0
        desk_of(approved, machine).let_minutes_pass()
    for machine in machines:
        begin(machine)
        assert begun[-1].wait() == 0, begun[-1].err.read_text(encoding="utf-8")
        assert {action["state"] for action in begun[-1].json["actions"]} <= {"done", "already"}
    assert without_ids(approved.sandbox) == undisturbed.connectwise
    for machine in machines:
        file = f"{machine.name}-anew.xlsx"
        told = people.begin(machine, "export", "--month", "2026-10", "--output", file, "--json")
        assert told.wait() == 0, told.err.read_text(encoding="utf-8")
        assert companies_in(approved.folder / file) == {
            **{customer: (company, "remembered") for customer, company in CHOICES.values()},
            "Quillfeather Books": ("Quillfeather Books", "remembered"),  # created by one of them
        }


def companies_in(file: Path) -> dict[str, tuple[str, str]]:
    """The ConnectWise customer, and why, of each customer that somebody linked."""
    hand = Hand(file)
    customers = (*(customer for customer, _ in CHOICES.values()), "Quillfeather Books")
    lines = {name: hand.line(name) for name in customers}
    return {
        name: (hand.get(LINES, line, "ConnectWise Customer"), hand.get(LINES, line, "Match"))
        for name, line in lines.items()
    }
