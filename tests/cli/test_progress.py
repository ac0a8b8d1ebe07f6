"""What is told while something takes its time: counts for each step on a terminal, nothing elsewhere."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from rich.console import Console

from tests.helpers.desk import Desk
from xlsync.cli import tables as show
from xlsync.commands import apply as reviews
from xlsync.commands.check import check_workbook
from xlsync.config import load_settings
from xlsync.gather.systems import Systems
from xlsync.rest.pacing import with_minutes


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
    with show.progress(console, is_shown=True) as step:
        step("Reading additions", 3, 90)
        step("Writing the workbook", 170, 170)
    assert "Reading additions" in told.getvalue()
    assert "3 of 90" in told.getvalue()
    assert "170 of 170" in told.getvalue()


def test_a_step_whose_end_is_not_known_shows_what_is_done_without_riddles() -> None:
    told = io.StringIO()
    with show.progress(Console(file=told, force_terminal=True, width=100), is_shown=True) as step:
        step("Reading the month's billing", 2, None)
        seen = told.getvalue()
    assert "Reading the month's billing" in seen
    assert "2/?" not in seen
    assert "left" not in seen


@pytest.mark.parametrize(
    ("requests", "told"),
    [
        (1, "Reading additions"),
        (900, "Reading additions"),
        (901, "Reading additions (about 1 min)"),
        (4000, "Reading additions (about 4 min)"),
    ],
)
def test_where_the_rate_makes_it_minutes_the_step_says_how_many(requests: int, told: str) -> None:
    assert with_minutes("Reading additions", requests, 900) == told


def test_with_json_a_terminal_shows_no_bar() -> None:
    told = io.StringIO()
    with show.progress(Console(file=told, force_terminal=True), is_shown=False) as step:
        step("Reading additions", 3, 90)
    assert told.getvalue() == ""


def test_every_step_of_an_export_and_an_apply_ends_at_its_count(desk: Desk) -> None:
    told: dict[str, tuple[int, int | None]] = {}

    def step(what: str, done: int, of: int | None) -> None:
        told[what] = (done, of)

    with desk.editing() as hand:
        hand.approve("units:52", "cost:54")
    with Systems(load_settings(bss=True, connectwise=True)) as systems:
        review = reviews.review_workbook(systems, desk.file, step)
        now = dt.datetime.now().astimezone()
        reviews.perform_review(
            systems, review, now, show.count_outcomes(step, "Writing", len(review.plan.actions))
        )
        check_workbook(systems, desk.file, now, progress=step)
    counted = ("Looking at ConnectWise", "Writing", "Reading additions", "Linking", "Comparing")
    for what in (*counted, "Writing the workbook"):
        done, of = told[what]
        assert done == of, what
        assert done > 0, what
