"""The look at ConnectWise is the last thing before a write: after every wait it is repeated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.helpers.additions import one_more_unit
from tests.helpers.two_clocks import TwoClocks
from xlsync.apply.actions import Change, Field, UpdateAddition
from xlsync.apply.freshness import FRESH, SLOWEST, Looks
from xlsync.apply.journal import Journal
from xlsync.apply.lookup import Live
from xlsync.apply.perform import perform
from xlsync.apply.plan import Outcome, Plan, State
from xlsync.apply.runs import list_runs
from xlsync.connectwise.client import ConnectWise
from xlsync.errors import ApiError
from xlsync.models import Addition
from xlsync.records import replace
from xlsync.sandbox.server import Sandbox
from xlsync.settings import Creation

NOON = dt.datetime(2026, 11, 2, 12, 0, tzinfo=dt.UTC)


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
    clock = TwoClocks()
    looks: Looks[str] = Looks(clock)
    looks.keep({7: "twelve"}, clock())
    clock.move(running, wall)
    assert looks.is_fresh(7) is is_fresh
    assert looks.latest(7, lambda _: "thirteen") == ("twelve" if is_fresh else "thirteen")


def write(
    connectwise: ConnectWise,
    action: UpdateAddition,
    home: Path,
    clock: TwoClocks,
    while_waiting: Callable[[], None] = lambda: None,
) -> Outcome:
    """Write; `while_waiting` happens between the journal's first line and the request."""
    waits = [while_waiting]

    def share(_run: str, _number: int, line: str) -> None:
        if '"event": "before"' in line and waits:
            waits.pop()()

    journal = Journal.begin(
        home, "demo", command="apply", workbook="x.xlsx", month="2026-10", now=NOON, share=share
    )
    (result,) = perform(Plan((action,)), Live(connectwise, Creation(), clock=clock), journal)
    journal.end()
    return result


def test_a_value_that_changed_while_the_computer_slept_is_not_written_over(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    clock = TwoClocks()

    def sleep() -> None:
        clock.move(0.1, 3600)
        sandbox.connectwise.additions[seen.id]["quantity"] = Decimal(99)

    result = write(connectwise, one_more_unit(seen), tmp_path, clock, sleep)
    assert (result.state, result.changed, len(sandbox.writes)) == (State.SKIPPED, True, 0)
    assert "is now 99" in result.detail


def test_a_write_that_had_to_wait_is_looked_at_again_and_sent_once(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    clock = TwoClocks()
    result = write(connectwise, one_more_unit(seen), tmp_path, clock, lambda: clock.move(50, 50))
    assert (result.state, len(sandbox.writes)) == (State.DONE, 1)
    assert sandbox.connectwise.additions[seen.id]["quantity"] == seen.quantity + 1


@pytest.mark.parametrize(
    ("seconds", "state"), [(FRESH + 1, State.DONE), (SLOWEST + 1, State.FAILED)], ids=["slow", "too slow"]
)
def test_a_connectwise_that_takes_longer_to_answer_than_a_look_may_be_old_is_written_to(
    sandbox: Sandbox,
    connectwise: ConnectWise,
    seen: Addition,
    tmp_path: Path,
    seconds: float,
    state: State,
) -> None:
    clock = TwoClocks()
    sandbox.fail("call", path="^GET", call=lambda: clock.move(seconds, seconds), times=99)
    result = write(connectwise, one_more_unit(seen), tmp_path, clock)
    assert (result.state, len(sandbox.writes)) == (state, state is State.DONE)
    if state is State.FAILED:
        assert "was not sent" in result.detail


def test_what_a_repeated_write_replaced_is_journalled_as_it_was_before_the_repetition(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition, tmp_path: Path
) -> None:
    """A colleague sets the wanted units while the write waits; the cost is to do."""
    clock, cost = TwoClocks(), Change(Field.UNIT_COST, seen.unit_cost, Decimal("1.23"))
    one_more = one_more_unit(seen)
    action = replace(one_more, changes=(*one_more.changes, cost))

    def colleague() -> None:
        clock.move(50, 50)
        sandbox.connectwise.additions[seen.id]["quantity"] = seen.quantity + 1

    result = write(connectwise, action, tmp_path, clock, colleague)
    assert (result.state, len(sandbox.writes)) == (State.DONE, 1)
    ((written,),) = (run.writes for run in list_runs(tmp_path, "demo"))
    assert written.was == {"quantity": seen.quantity + 1, "unitCost": seen.unit_cost}


def test_a_write_whose_look_is_too_old_never_leaves_and_may_be_repeated(
    sandbox: Sandbox, connectwise: ConnectWise, seen: Addition
) -> None:
    path = f"/finance/agreements/{seen.agreement_id}/additions/{seen.id}"
    with pytest.raises(ApiError, match="had to wait for too long") as raised:
        connectwise.service.send("PATCH", path, [], lambda: False)
    assert (raised.value.sent, raised.value.repeat_after is not None) == (False, True)
    assert sandbox.writes == []
