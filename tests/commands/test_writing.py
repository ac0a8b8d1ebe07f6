"""What all commands that write share: writes that were sent are told of, whatever comes after them."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.helpers.desk import Desk
from xlsync.commands.apply import perform_review, review_workbook
from xlsync.commands.doctor import load
from xlsync.errors import NotNoted
from xlsync.gather.systems import Systems


class StoppedAfterWrites(Systems):
    """The systems of a command that a person stops with Ctrl-C when all writes have been sent."""

    def forget_additions(self) -> None:
        if self.list_runs():
            raise KeyboardInterrupt
        super().forget_additions()


def test_ctrl_c_right_after_the_last_write_tells_of_the_run(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    with StoppedAfterWrites(load(False, True)) as systems:
        review = review_workbook(systems, desk.file)
        with pytest.raises(NotNoted, match="stopped") as stopped:
            perform_review(systems, review, dt.datetime.now(dt.UTC))
        (run,) = systems.list_runs()
    assert (stopped.value.run, [outcome.state for outcome in stopped.value.outcomes]) == (run.id, ["done"])
