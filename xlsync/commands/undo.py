"""Undo: the plan that takes one run of the journal back, and what the run's workbook says of it then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

from xlsync.apply.ledger import Ledger
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, Plan, State
from xlsync.apply.runs import WRITE_TEST, Run, Write
from xlsync.apply.spent_approvals import TAKEN_BACK, Spent
from xlsync.apply.undo import plan_undo
from xlsync.commands.writing import noting, open_book, open_live, with_noted, write
from xlsync.errors import XlsyncError
from xlsync.files import is_reachable
from xlsync.gather.systems import Systems
from xlsync.models import Progress
from xlsync.workbook.save import Save
from xlsync.workbook.write import write_results


def review_undo(systems: Systems, run: Run, progress: Progress) -> tuple[Plan, Live]:
    """Plan how to take a run back, by what ConnectWise holds now; XlsyncError for a test of writing."""
    if run.command == WRITE_TEST:
        raise _not_taken_back(run)
    runs = systems.list_runs()
    live = open_live(systems, runs)
    return plan_undo(run, runs, live, progress), live


def _not_taken_back(test: Run) -> XlsyncError:
    """Make the error for the undo of a test of writing, which names what the test did not end itself."""
    ended = {
        write.path
        for write in test.writes
        if write.state == State.DONE and write.changes.keys() & {"cancelledDate", "cancelledFlag"}
    }
    left = [
        write.record if write.id is not None else f"{write.path} (whether it was made is not known)"
        for write in test.writes
        if write.method == "POST" and write.state in {State.DONE, State.UNKNOWN} and write.record not in ended
    ]
    if left:
        return XlsyncError(
            f"Run {test.number} was a test of writing, which did not end all that it made, and only a person "
            "can.",
            f"End it by hand in ConnectWise: {', '.join(left)}.",
        )
    return XlsyncError(
        f"Run {test.number} was a test of writing, which ended itself what it made: to take it back would "
        "let that be billed.",
        f"`xlsync history {test.number}` shows what it wrote.",
    )


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
        taken_back = f"{TAKEN_BACK} on {now.date()} by run {systems.run_number(by)}"
        if run.command == "undo":
            results = _results_of_redone(run, systems.list_runs(), taken_back)
        else:
            results = _results_of_undone(run, outcomes, taken_back)
        return by, outcomes, _note_undone(systems, path, results, run.id, save)


def _results_of_undone(run: Run, outcomes: Sequence[Outcome], taken_back: str) -> dict[str, str]:
    """Write the *Result* of each row whose writes were taken back, by row key."""
    fields: dict[str, list[bool]] = {}  # whether they were taken back, by record
    for result in outcomes:
        record = result.key.partition(" ")[0]
        fields.setdefault(record, []).append(result.state in {State.DONE, State.ALREADY})
    rows: dict[str, list[bool]] = {}
    for written in run.writes:
        if written.state == State.DONE:
            for row in written.rows:
                rows.setdefault(row, []).extend(fields.get(written.record, [False]))
    return {row: _tell_parts(parts, taken_back) for row, parts in rows.items() if any(parts)}


def _tell_parts(parts: Sequence[bool], taken_back: str) -> str:
    """Say that all of a row's parts were taken back, or only some of them."""
    return taken_back if all(parts) else f"partly {taken_back}"


def _results_of_redone(undo: Run, runs: Sequence[Run], taken_back: str) -> dict[str, str]:
    """Write the *Result* of each row that an undo concerned which was undone itself, by row key.

    The journal tells whether what carried the row out is in force again, or was taken back once more.
    """
    ledger = Ledger(runs, undo.month, undo.environment)
    records = {undone.record for undone in undo.writes}
    by_row: dict[str, list[tuple[Run, Write]]] = {}
    for run, written in ledger.writes:
        if run.command != "undo" and written.state == State.DONE:
            for row in written.rows:
                by_row.setdefault(row, []).append((run, written))
    results: dict[str, str] = {}
    for row, of_row in by_row.items():
        last, written = of_row[-1]
        of_last = [one for run, one in of_row if run.id == last.id]
        if records.isdisjoint(one.record for one in of_last):
            continue
        parts = [part for one in of_last for part in ledger.parts_taken_back(one)]
        in_force = f"{State.ALREADY}: {Spent(last, written).text}"
        results[row] = _tell_parts(parts, taken_back) if any(parts) else in_force
    return results


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
    if not is_reachable(path):
        return [f"The rows of {path.name} do not say that they were taken back: {path} cannot be reached."]
    book = open_book(path, systems)
    keys = {row.key for row in book.to_approve}
    shown = {key: (text, False) for key, text in results.items() if key in keys}
    if not shown:
        return []
    about = with_noted(book.about, [(run, row) for row in shown])
    written = write_results(book, shown, {}, save, about)
    beside = [] if written == path else [f"{path.name} could not be written; the results are in {written}"]
    return [*beside, *book.package.warnings]
