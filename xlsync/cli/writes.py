"""The commands `xlsync apply`, `undo` and `invoice`: show the plan, ask, write, print the results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import typer
from msgspec import Struct

from xlsync.amounts import counted
from xlsync.apply.actions import CreateInvoice
from xlsync.apply.limits import check_limits
from xlsync.apply.plan import Outcome, Plan, State
from xlsync.cli import as_json
from xlsync.cli import tables as show
from xlsync.cli.console import err, say
from xlsync.cli.progress import count_outcomes, progress
from xlsync.cli.terminal import (
    find_save_plan,
    need_agreement,
    now,
    opened,
    tell_json,
    tell_notices,
    written_beside,
)
from xlsync.commands import apply as reviews
from xlsync.commands import invoice as invoicing
from xlsync.commands.undo import perform_undo, review_undo
from xlsync.errors import NotNoted
from xlsync.files import is_reachable
from xlsync.gather.systems import Systems


def apply(*, file: Path, dry_run: bool, yes: bool, force: bool, demo: bool, json: bool) -> None:
    """Run `xlsync apply`."""
    with opened(demo=demo, bss=False, workbook=file, is_writing=not dry_run) as systems:
        save = find_save_plan(file, is_written=not dry_run).results
        with progress(err, is_shown=not json) as step:
            review = reviews.review_workbook(systems, file, step)
        tell_notices(review.notices)
        job = Job(systems, review.plan, file, dry_run=dry_run, yes=yes, force=force, json=json)
        perform = reviews.perform_review
        run_job(job, lambda count: with_place(file, perform(systems, review, now(), count, save)))


def undo(*, run: str, dry_run: bool, yes: bool, demo: bool, json: bool) -> None:
    """Run `xlsync undo`."""
    with opened(demo=demo, bss=False, is_writing=not dry_run) as systems:
        record = systems.read_run(run)
        with progress(err, is_shown=not json) as step:
            plan, live = review_undo(systems, record, step)
        say(err, f"To be taken back: {show.heading(record)}")
        job = Job(systems, plan, Path(record.workbook), dry_run=dry_run, yes=yes, force=False, json=json)

        def take_back(count: Callable[[Outcome], None]) -> Performed:
            workbook = Path(record.workbook)
            save = find_save_plan(workbook).results if is_reachable(workbook) else None
            return perform_undo(systems, record, plan, live, workbook, now(), count, save)

        run_job(job, take_back)


def invoice(*, file: Path, dry_run: bool, yes: bool, demo: bool, json: bool) -> None:
    """Run `xlsync invoice`."""
    with opened(demo=demo, bss=False, workbook=file, is_writing=not dry_run) as systems:
        dry_run = dry_run or not systems.settings.invoicing
        save = find_save_plan(file, is_written=not dry_run).results
        review = invoicing.review_invoices(systems, file)
        if not systems.settings.invoicing:
            tell_notices([invoicing.WHY_OFF])
        tell_notices(review.notices)
        job = Job(
            systems,
            review.plan,
            file,
            dry_run=dry_run,
            yes=yes,
            force=False,
            json=json,
            question=review.question,
        )
        perform = invoicing.perform_invoices
        run_job(job, lambda count: with_place(file, perform(systems, review, now(), count, save)))


class Job(Struct, frozen=True):
    """A plan to show, check, ask about and perform."""

    systems: Systems
    plan: Plan
    workbook: Path
    dry_run: bool
    yes: bool
    force: bool
    json: bool
    question: str = ""  # in place of the usual one


Performed = tuple[str, tuple[Outcome, ...], Iterable[str]]
"""A run that was written: its id, its outcomes, and notices about where its results stand."""

_Write = Callable[[Callable[[Outcome], None]], Performed]


def run_job(job: Job, write: _Write) -> None:
    """Show a plan, check its limits, ask, write, and print the outcomes; exit by the table of exit codes."""
    tell_notices(job.systems.notices)
    show.plan(err, job.plan, job.systems.settings.environment)
    if not job.force:
        check_limits(job.plan, job.systems.settings.limits)
    if job.dry_run:
        if job.plan.actions:
            say(err, "Nothing was written: this only shows what would be.")
        if job.json:
            _tell_run_as_json(job, "", show.planned(job.plan))
        return
    run, outcomes, notices = _write_if_agreed(job, write)
    try:
        _tell_results(job, run, outcomes, notices)
    except OSError as error:
        if not run:
            raise
        what = f"Run {run} wrote to ConnectWise, but could not be told of: {error.strerror}"
        raise NotNoted(what, f"`xlsync history {run}` shows it.") from error
    if not all(outcome.is_as_approved for outcome in outcomes):
        raise typer.Exit(3)


def _write_if_agreed(job: Job, write: _Write) -> Performed:
    """Ask, and write with a bar of progress; exits with 1 where nobody agrees."""
    question = job.question or f"Write {counted(len(job.plan.actions), 'change')}?"
    if job.plan.actions and not job.yes:
        need_agreement(question, "write")
    service = job.systems.connectwise.service
    with progress(err, is_shown=not job.json) as step:
        count = count_outcomes(step, "Writing to ConnectWise", len(job.plan.actions), service)
        try:
            return write(count)
        except NotNoted as error:
            if job.json:
                with suppress(OSError):  # the error tells of the run in any case
                    _tell_run_as_json(job, error.run, error.outcomes)
            raise


def _tell_results(job: Job, run: str, outcomes: tuple[Outcome, ...], notices: Iterable[str]) -> None:
    """Print what became of a plan; what one stream does not take, the other does all the same."""
    try:
        if job.json:
            _tell_run_as_json(job, run, outcomes)
    finally:
        tell_notices(notices)
        if job.plan.actions:  # without actions the plan has said so already
            show.outcomes(err, outcomes, shown=job.plan.outcomes)
        if run and not job.json:
            _tell_run(job, run, outcomes)


def _tell_run_as_json(job: Job, run: str, outcomes: tuple[Outcome, ...]) -> None:
    tell_json(as_json.applied(run, job.workbook, job.systems.settings.environment, outcomes))


def _tell_run(job: Job, run: str, outcomes: tuple[Outcome, ...]) -> None:
    """Print the number of a run, and how to look at it and to take it back."""
    can_end = any(
        result.state in {State.DONE, State.UNKNOWN} and result.kind != CreateInvoice.__name__
        for result in outcomes
    )
    number = job.systems.run_number(run)
    undo = f", `xlsync undo {number}` takes it back" if can_end else ""
    say(err, f"Run {number}: `xlsync history {number}` shows it{undo}.")


def with_place(file: Path, performed: tuple[str, tuple[Outcome, ...], Path]) -> Performed:
    """Return a run and its outcomes, with the notice that names the file of the results if it is another."""
    run, outcomes, written = performed
    return run, outcomes, written_beside(file, written)
