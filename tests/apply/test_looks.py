"""The look at ConnectWise is the last thing before a write: after every wait it is repeated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.helpers.additions import one_more_unit
from xlsync.apply.journal import Journal
from xlsync.apply.looks import FRESH, Looks, Moment
from xlsync.apply.lookup import Live
from xlsync.apply.perform import perform
from xlsync.apply.plan import Outcome, Plan, State
from xlsync.connectwise.client import ConnectWise
from xlsync.errors import ApiError
from xlsync.models import Addition
from xlsync.sandbox.server import Sandbox
from xlsync.settings import Creation

NOON = dt.datetime(2026, 11, 2, 12, 0, tzinfo=dt.UTC)


class Clock:
    """Two clocks that stand still until they are moved."""

    def __init__(self) -> None:
        self.moment = Moment(1000.0, 1_800_000_000.0)

    def __call__(self) -> Moment:
        return self.moment

    def move(self, running: float, wall: float) -> None:
        self.moment = Moment(self.moment.running + running, self.moment.wall + wall)


@pytest.mark.parametrize(
    ("running", "wall", "is_fresh"),
    [
        (0, 0, True),
        (FRESH, FRESH, True),
        (FRESH + 1, FRESH + 1, False),
        (0, 3600, False),  # the computer slept
        (1, -3600, False),  # somebody set the clock back
        (60, 0, False),
    ],
)
def test_a_look_is_fresh_only_by_both_clocks(running: float, wall: float, is_fresh: bool) -> None:
    clock = Clock()
    looks: Looks[str] = Looks(clock)
    looks.keep({7: "twelve"}, clock())
    clock.move(running, wall)
    assert looks.is_fresh(7) is is_fresh
    assert looks.latest(7, lambda _: "thirteen") == ("twelve" if is_fresh else "thirteen")


def write(
    connectwise: ConnectWise, seen: Addition, home: Path, clock: Clock, while_waiting: Callable[[], None]
) -> Outcome:
    """Set one more unit; `while_waiting` happens between the journal's line before and the request."""
    waits = [while_waiting]

    def share(_run: str, _number: int, line: str) -> None:
        if '"event": "before"' in line and waits:
            waits.pop()()

    journal = Journal.begin(
        home, "demo", command="apply", workbook="x.xlsx", month="2026-10", now=NOON, share=share
    )
    (result,) = perform(Plan((one_more_unit(seen),)), Live(connectwise, Creation(), clock=clock), journal)
    journal.end()
    return result


def test_a_value_that_changed_while_the_computer_slept_is_not_written_over(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    clock = Clock()

    def sleep() -> None:
        clock.move(0.1, 3600)
        sandbox.connectwise.additions[seen.id]["quantity"] = Decimal(99)

    result = write(connectwise, seen, tmp_path, clock, sleep)
    assert (result.state, result.changed, len(sandbox.writes)) == (State.SKIPPED, True, 0)
    assert "is now 99" in result.detail


def test_a_write_that_had_to_wait_is_looked_at_again_and_sent_once(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    clock = Clock()
    result = write(connectwise, seen, tmp_path, clock, lambda: clock.move(50, 50))
    assert (result.state, len(sandbox.writes)) == (State.DONE, 1)
    assert sandbox.connectwise.additions[seen.id]["quantity"] == seen.quantity + 1


def test_a_write_whose_look_is_too_old_never_leaves_and_may_be_repeated(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition
) -> None:
    path = f"/finance/agreements/{seen.agreement_id}/additions/{seen.id}"
    with pytest.raises(ApiError, match="had to wait for too long") as raised:
        connectwise.service.send("PATCH", path, [], lambda: False)
    assert (raised.value.sent, raised.value.repeat_after is not None) == (False, True)
    assert sandbox.writes == []
