"""The parts shared by all commands that write: opening the workbook, writing with a journal, row results.

Nothing here prints or asks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from xlsync.apply.earlier_creations import EarlierCreations
from xlsync.apply.journal import Journal
from xlsync.apply.lookup import Live
from xlsync.apply.plan import LOST, Outcome, Plan, State
from xlsync.apply.runs import Run
from xlsync.apply.spent_approvals import Approvals, Noted
from xlsync.errors import Notice, NotNoted, OtherEnvironmentError, Problem, WorkbookError, XlsyncError
from xlsync.gather.systems import Systems
from xlsync.records import replace
from xlsync.workbook.edits.creations import NewRows, read_new_rows
from xlsync.workbook.hidden_sheet import About
from xlsync.workbook.read import Book, month_on_start, read_workbook


def open_book(path: Path, systems: Systems) -> Book:
    """Read a workbook; raises WorkbookError where it belongs to another environment."""
    book = read_workbook(path)
    if book.about.environment != systems.settings.environment:
        raise OtherEnvironmentError(
            f"{path.name} belongs to {book.about.environment}, "
            f"the settings to {systems.settings.environment}.",
            "Use the settings it was exported with, `--demo` for the demo's, or export the month again.",
        )
    return book


def new_rows_of(systems: Systems, book: Book) -> NewRows:
    """Read the rows of *New in ConnectWise*, with the lengths of the settings."""
    creation = systems.settings.creation
    return read_new_rows(book, identifier_length=creation.identifier_length, name_length=creation.name_length)


def tell_other_month(book: Book) -> list[str]:
    """Warn if another month was chosen on *Start*: the workbook still holds its own."""
    where, chosen = month_on_start(book)
    if not chosen or chosen == str(book.month):
        return []
    return [f"{where} says {chosen}, the workbook holds {book.month}: export that month instead"]


class BadCells(WorkbookError):
    """An error that names all cells that cannot be accepted."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        count = f"{len(problems)} cell{'s' if len(problems) > 1 else ''}"
        super().__init__(
            f"{path.name}: {count} cannot be accepted, so nothing was written:\n  "
            + "\n  ".join(map(str, problems)),
            "Mend them in Excel, save, and try again.",
            problems,
        )


def approvals_of(book: Book, asked: Mapping[str, str]) -> Approvals:
    """Collect what the approved rows of a workbook ask for, and their results of earlier runs."""
    exported_at = book.about.first_exported_at
    return Approvals(
        month=book.about.month,
        environment=book.about.environment,
        exported_at=dt.datetime.fromisoformat(exported_at) if exported_at else None,
        known_runs=None if book.about.known_runs is None else frozenset(book.about.known_runs),
        noted=noted_results(book.about.noted),
        anew=noted_results(book.about.anew),
        asked=asked,
        results={row.key: row.text("Result") for row in book.to_approve},
    )


def write(
    systems: Systems,
    plan: Plan,
    live: Live,
    command: str,
    source: Book | Run,
    now: dt.datetime,
    progress: Callable[[Outcome], None] | None = None,
    asked: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, tuple[Outcome, ...]]:
    """Perform a plan with a journal; returns the run's id, empty if nothing was sent, and the outcomes.

    `source` is the workbook that the plan comes from, or the run that it takes back. `asked` is what each
    row of the workbook asks for. Raises WorkbookError, before anything is sent, where the workbook was
    changed since it was read: while the question waited, somebody may have taken an approval back.
    """
    from xlsync.apply.perform import perform  # noqa: PLC0415 - takes long to load, and check writes nothing

    if not plan.actions:
        return "", plan.outcomes
    if isinstance(source, Book) and not source.package.is_still(source.path):
        raise WorkbookError(
            f"{source.path.name} was changed since it was read, so nothing was written.",
            "Try again, and look at the plan of what it says now.",
        )
    workbook = source.workbook if isinstance(source, Run) else str(source.path.absolute())
    month = source.month if isinstance(source, Run) else source.about.month
    journal = Journal.begin(
        systems.home,
        systems.settings.environment,
        share=systems.team.add_line if systems.team else None,
        command=command,
        workbook=workbook,
        month=month,
        now=now,
        asked=asked,
    )
    systems.forget_additions()
    outcomes = perform(plan, live, journal, progress)
    with noting(journal.run, outcomes):
        journal.end()
        with suppress(XlsyncError):  # a check may have read them meanwhile; the run is to be told in any case
            systems.forget_additions()
    return journal.run, outcomes


@contextmanager
def noting(run: str, outcomes: tuple[Outcome, ...]) -> Iterator[None]:
    """Turn an error, or Ctrl-C, into NotNoted where the run sent writes: the exit code is 3 and not 1."""
    try:
        yield
    except (XlsyncError, OSError, KeyboardInterrupt) as error:
        if not run:
            raise
        match error:
            case XlsyncError():
                why, hint = error.message, error.hint
            case OSError():  # such as of a server that went away
                why, hint = str(error), ""
            case _:
                why, hint = "stopped", ""
        raise NotNoted(
            f"Run {run} wrote to ConnectWise, but its results could not be noted: {why}",
            f"`xlsync history {run}` shows them. {hint}".rstrip(),
            run=run,
            outcomes=outcomes,
        ) from error


def row_results(outcomes: Iterable[Outcome]) -> dict[str, tuple[str, bool]]:
    """Write each row's *Result*: all outcomes of the row, the worst first, and what reads alike once."""
    order = (State.UNKNOWN, State.FAILED, State.SKIPPED, State.DONE, State.ALREADY)
    by_row: dict[str, list[Outcome]] = {}
    outcomes = tuple(outcomes)
    rows_of = {result.key: set(result.rows) for result in outcomes if result.state in LOST}
    for result in outcomes:
        for row in result.rows:
            if row not in rows_of.get(result.waits_for, ()):  # the lost action's row has the reason
                by_row.setdefault(row, []).append(result)
    return {
        row: (
            "; ".join(
                dict.fromkeys(
                    o.taken_back.get(row) or o.text for o in sorted(group, key=lambda o: order.index(o.state))
                )
            ),
            any(o.changed for o in group),
        )
        for row, group in by_row.items()
    }


def find_spent(book: Book, reservations: Mapping[str, str]) -> list[Notice]:
    """Return a notice at *Result* for each spent row of which there is something to say, by row key."""
    rows = (row for row in book.to_approve if row.key in reservations)
    return [Notice(row.where("Result"), reservations[row.key]) for row in rows]


def noted_results(entries: Iterable[str]) -> frozenset[Noted]:
    """Read the results that a hidden sheet names, each as a run and the key of a row."""
    parts = (entry.partition(" ") for entry in entries)
    return frozenset((run, row) for run, _, row in parts)


def with_noted(about: About, noted: Iterable[Noted], anew: Iterable[Noted] = ()) -> About:
    """Add results to those that a workbook has shown, and to those after which a row was approved anew."""

    def joined(entries: Iterable[str], more: Iterable[Noted]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*entries, *(f"{run} {row}" for run, row in more))))

    return replace(about, noted=joined(about.noted, noted), anew=joined(about.anew, anew))


def results_shown(run: str, outcomes: Iterable[Outcome]) -> list[Noted]:
    """List the results that a workbook will show: those of this run, and of earlier ones that it names."""
    return [(name, row) for result in outcomes for row in result.rows for name in (run, result.run) if name]


def open_live(systems: Systems, runs: Iterable[Run]) -> Live:
    """ConnectWise for the writes of one run, with what the journal and a test of writing tell of it."""
    from xlsync.commands.write_test import LOOKS, read_tenant  # noqa: PLC0415 - check writes nothing

    tenant = read_tenant(systems.home, systems.settings.environment)
    lag = 0 if tenant is None else LOOKS[-1] if tenant.list_lag is None else tenant.list_lag
    return Live(
        systems.connectwise,
        systems.settings.creation,
        EarlierCreations(runs),
        restates_custom_fields=tenant is not None and tenant.needs_custom_fields,
        list_lag=lag,
    )
