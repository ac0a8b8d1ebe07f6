"""What is told while something takes its time: counts for each step on a terminal, nothing elsewhere."""

from __future__ import annotations

import datetime as dt
import io
import re

from rich.console import Console

from tests.helpers.desk import Desk
from tests.helpers.remote import Remote
from xlsync.apply.plan import Outcome, State
from xlsync.cli.progress import count_outcomes, progress
from xlsync.commands import apply as reviews
from xlsync.commands.check import check_workbook
from xlsync.config import load_settings
from xlsync.gather.systems import Systems
from xlsync.rest.service import Service


def test_off_a_terminal_nothing_is_told(empty_desk: Desk) -> None:
    ran = empty_desk.run("export", "--month", "2026-10")
    assert ran.code == 0
    assert ran.err == ""


def test_with_json_standard_output_holds_one_object_only(desk: Desk) -> None:
    assert desk.check().json["lines"] > 0
    assert desk.check("--refresh").err == ""


def test_on_a_terminal_each_step_shows_how_much_of_it_is_done() -> None:
    told = io.StringIO()
    console = Console(file=told, force_terminal=True, width=100)
    with progress(console, is_shown=True) as step:
        step("Reading additions", 3, 90)
        step("Writing the workbook", 170, 170)
    assert "Reading additions" in told.getvalue()
    assert "3 of 90" in told.getvalue()
    assert "170 of 170" in told.getvalue()


def test_a_step_whose_end_is_not_known_shows_what_is_done_without_riddles() -> None:
    told = io.StringIO()
    with progress(Console(file=told, force_terminal=True, width=100), is_shown=True) as step:
        step("Reading the month's billing", 2, None)
        seen = told.getvalue()
    assert "Reading the month's billing" in seen
    assert "2/?" not in seen
    assert "left" not in seen


def test_the_time_left_is_at_least_what_the_rate_of_requests_demands() -> None:
    """The first minute's requests pass at once, so that their speed alone would promise an early end."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    assert isinstance(console.file, io.StringIO)
    with progress(console, is_shown=True) as step:
        step("Reading additions", 900, 3000, 179.0)
        step("Reading billing plans", 4800, 4804, 58.0)
        step("Linking", 1, 9)
        drawn = console.file.getvalue().splitlines()[-3:]
    assert "3 min left" in drawn[0]
    assert re.search(r"(?<!\d)[3-5]\d s left", drawn[1]), "58 s, less what a busy machine takes to draw it"
    assert "left" not in drawn[2]


def test_writes_take_as_long_as_their_requests_at_the_rate(remote: Remote) -> None:
    told: list[float] = []

    def step(_step: str, _done: int, _total: int | None, at_least: float = 0.0) -> None:
        told.append(at_least)

    with Service("ConnectWise", remote.url, headers={}, workers=1, per_minute=7) as service:
        count = count_outcomes(step, "Writing", 9, service)
        for number in range(3):
            service.get("x")
            service.get("x")
            count(Outcome(key=f"{number}", kind="SetFields", subject="", rows=(), state=State.DONE))
    # before the first: 18 requests, of which 7 pass at once; after three writes 12, of which 1 does
    assert [round(seconds / 60) for seconds in told] == [2, 2, 2, 2]


def test_with_json_a_terminal_shows_no_bar() -> None:
    told = io.StringIO()
    with progress(Console(file=told, force_terminal=True), is_shown=False) as step:
        step("Reading additions", 3, 90)
    assert told.getvalue() == ""


def test_every_step_of_an_export_and_an_apply_ends_at_its_count(desk: Desk) -> None:
    told: dict[str, tuple[int, int | None]] = {}

    def step(what: str, done: int, of: int | None, _at_least: float = 0.0) -> None:
        told[what] = (done, of)

    with desk.editing() as hand:
        hand.approve("units:52", "cost:54")
    with Systems(load_settings(bss=True, connectwise=True)) as systems:
        review = reviews.review_workbook(systems, desk.file, step)
        now = dt.datetime.now().astimezone()
        service = systems.connectwise.service
        count = count_outcomes(step, "Writing", len(review.plan.actions), service)
        reviews.perform_review(systems, review, now, count)
        check_workbook(systems, desk.file, now, progress=step)
    counted = ("Looking at ConnectWise", "Writing", "Reading additions", "Linking", "Comparing")
    for what in (*counted, "Writing the workbook"):
        done, of = told[what]
        assert done == of, what
        assert done > 0, what
