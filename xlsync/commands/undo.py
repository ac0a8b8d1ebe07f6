"""Undo: the plan that takes one run of the journal back."""

from __future__ import annotations

from xlsync.apply.journal import Run
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Plan
from xlsync.apply.undo import plan_undo
from xlsync.commands.writing import open_live
from xlsync.gather.systems import Systems


def review_undo(systems: Systems, run: Run) -> tuple[Plan, Live]:
    """The plan that takes a run back, by what ConnectWise holds now."""
    runs = systems.list_runs()
    live = open_live(systems, runs)
    return plan_undo(run, runs, live), live
