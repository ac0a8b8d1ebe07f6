"""Undo: the plan that takes one run of the journal back, and what the run's workbook says of it then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, Plan, State
from xlsync.apply.runs import WRITE_TEST, Run
from xlsync.apply.spent_approvals import TAKEN_BACK
from xlsync.apply.undo import plan_undo
from xlsync.commands.writing import noting, open_book, open_live, with_noted, write
from xlsync.errors import XlsyncError
from xlsync.gather.systems import Systems
from xlsync.models import Progress
from xlsync.workbook.save import Save
from xlsync.workbook.write import write_results


def review_undo(systems: Systems, run: Run, progress: Progress) -> tuple[Plan, Live]:
    """Plan how to take a run back, by what ConnectWise holds now; XlsyncError for a test of writing."""
    if run.command == WRITE_TEST:
        raise XlsyncError(
            f"Run {run.number} was a test of writing, which ended itself what it made: to take it back would "
            "let that be billed.",
            f"`xlsync history {run.number}` shows what it wrote.",
        )
    runs = systems.list_runs()
    live = open_live(systems, runs)
    return plan_undo(run, runs, live, progress), live


def perform_undo(
    systems: Systems,
    run: Run,
    plan: Plan,
    live: Live,
    path: Path,
    now: dt.datetime,
    progress: Callable[[Outcome], None],
    save: Save | None,
) -> tuple[str, tuple[Outcome, ...], Sequence[str]]:
    """Take a run back, and write so into the rows of its workbook, unless nothing was sent.

    Returns the id of the undo, its outcomes, and what to tell of the workbook, which lies at `path`.
    """
    by, outcomes = write(systems, plan, live, "undo", run, now, progress)
    if not by:
        return by, outcomes, ()
    with noting(by, outcomes):
        results = _results_of_undone(run, outcomes, systems.run_number(by), now.date())
        return by, outcomes, _note_undone(systems, path, results, run.id, save)


def _results_of_undone(run: Run, outcomes: Sequence[Outcome], by: str, day: dt.date) -> dict[str, str]:
    """Write the *Result* of each row whose writes were taken back, by row key; `by` is the undo's number."""
    fields: dict[str, list[bool]] = {}  # whether they were taken back, by record
    for result in outcomes:
        record = result.key.partition(" ")[0]
        fields.setdefault(record, []).append(result.state in {State.DONE, State.ALREADY})
    rows: dict[str, list[bool]] = {}
    for written in run.writes:
        if written.state == State.DONE:
            for row in written.rows:
                rows.setdefault(row, []).extend(fields.get(written.record, [False]))
    return {
        row: f"{'' if all(parts) else 'partly '}{TAKEN_BACK} on {day} by run {by}"
        for row, parts in rows.items()
        if any(parts)
    }


def _note_undone(
    systems: Systems, path: Path, results: dict[str, str], run: str, save: Save | None
) -> Sequence[str]:
    """Write the results of an undo into the rows of the workbook that asked for the run.

    Returns what to tell of it, such as that the rows do not say so. `run` is the id of the run that was taken
    back: who empties these results asks for its rows anew. Raises XlsyncError where the workbook is there and
    cannot be noted in.
    """
    if not results:
        return []
    if not path.exists():
        return [f"The rows of {path.name} do not say that they were taken back: {path} does not exist."]
    book = open_book(path, systems)
    keys = {row.key for row in book.to_approve}
    shown = {key: (text, False) for key, text in results.items() if key in keys}
    if not shown:
        return []
    about = with_noted(book.about, [(run, row) for row in shown])
    written = write_results(book, shown, {}, save, about)
    beside = [] if written == path else [f"{path.name} could not be written; the results are in {written}"]
    return [*beside, *book.package.warnings]
