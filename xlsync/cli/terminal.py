"""The terminal: how commands open both systems, ask, tell and exit."""

from __future__ import annotations

import datetime as dt
import errno
import io
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import simplejson
import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.prompt import Confirm, IntPrompt
from rich.segment import Segment

from xlsync.amounts import counted
from xlsync.apply.actions import CreateInvoice
from xlsync.apply.plan import LOST, Outcome, Plan
from xlsync.cli import as_json
from xlsync.cli import tables as show
from xlsync.cli.command import tell_error, tell_stop
from xlsync.commands import apply as reviews
from xlsync.commands.check import settings_to_check
from xlsync.commands.export import last_months
from xlsync.config import home_folder, load_environment, load_settings
from xlsync.errors import NotNoted, XlsyncError
from xlsync.excel import addin
from xlsync.excel.open_file import Place, reach, refuse_unusable
from xlsync.excel.window import find_in_excel
from xlsync.gather.systems import Systems
from xlsync.models import By, Month
from xlsync.printable import printable
from xlsync.reconcile.rules import Scope
from xlsync.settings import Settings
from xlsync.workbook.totals import MonthResult

Form = Literal["table", "digest", "json"]
TO_DO: Final = 4  # the exit code of --exit-code
DISK_FULL: Final = "the disk is full, and not all could be told"
NO_READER: Final = "nobody reads the output, and not all could be told"


class CleanConsole(Console):
    """A console on which no name of a stranger can move the cursor or turn the writing around."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as ever, with every character replaced that a terminal would obey."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


out = CleanConsole()
err = CleanConsole(stderr=True)

Demo = Annotated[bool, typer.Option("--demo", help="Use the made-up sandbox: no account is needed.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Digest = Annotated[
    bool, typer.Option("--digest", help="Only a digest in Markdown on standard output, for mail or chat.")
]
WorkbookFile = Annotated[  # whether it can be read is told by `reached`
    Path, typer.Argument(metavar="FILE", help="A workbook that export made.", readable=False)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Stop after the checks: nothing is written.")]
ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="Exit with 4 where there is something to do; else 0, as ever.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before writing.")]


def show_what_can_be_shown() -> None:
    """Let a sign that the terminal's encoding lacks be replaced there; it stops nothing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def output_that_fails_is_an_error() -> Iterator[None]:
    """Tell of output that cannot be written where no command could, such as a help text, and exit with 1."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EPIPE, errno.EIO}:
            raise
        err.print(f"Error: {DISK_FULL if error.errno == errno.ENOSPC else NO_READER}.", style="red")
        sys.exit(1)


def drop_output_that_cannot_be_written() -> None:
    """Leave nothing behind that Python would try to write, and complain of, when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


@contextmanager
def told() -> Iterator[None]:
    """Tell errors that users can cause in two lines, without a traceback."""
    try:
        yield
    except XlsyncError as error:
        err.print(f"Error: {error.message}", style="red", markup=False, highlight=False, soft_wrap=True)
        if error.hint:
            err.print(error.hint, markup=False, highlight=False, soft_wrap=True)
        tell_stop(error)
        raise typer.Exit(3 if isinstance(error, NotNoted) else 1) from None
    except OSError as error:
        match error.errno:
            case errno.ENAMETOOLONG:  # asked of any name, and before anything is written
                what = "the name of a file is too long for this system, or for what is put beside it"
                hint = "Choose a shorter name or folder."
            case errno.ENOSPC:  # where the output goes: what is kept tells so itself
                what, hint = DISK_FULL, "Make room, and try again."
            case _:
                raise
        err.print(f"Error: {what}.", style="red", soft_wrap=True)
        err.print(hint)
        if error.errno != errno.ENOSPC:  # nothing more can be told there
            tell_error(what, hint)
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, EOFError, typer.Abort):
        err.print("Stopped.", style="red")
        tell_error("Stopped.")
        raise typer.Exit(1) from None


@contextmanager
def opened(
    *, demo: bool, bss: bool = True, of: Path | None = None, is_writing: bool = False
) -> Iterator[Systems]:
    """Both systems by the settings, or the sandbox's.

    Where the command is `of` a workbook, that one must be there before settings are asked for, and tells
    whether the BSS is needed. Of those who write, there is one at a time.
    """
    with told(), ExitStack() as stack:
        if of:
            refuse_unusable(of, is_written=False)
        tell_notices(filter(None, [addin.renew()]))
        if demo:
            from xlsync.commands.demo import demo_settings  # noqa: PLC0415 - only those who try it need it

            settings = stack.enter_context(demo_settings(home_folder()))
        else:
            settings = settings_to_check(of) if of and bss else load_settings(bss=bss, connectwise=True)
        tell_notices(settings.notices)
        systems = stack.enter_context(Systems(settings))
        if is_writing:
            stack.enter_context(systems.one_writer())
        yield systems


def settings_for(*, demo: bool, of: Path | None = None) -> Settings:
    """The settings of commands that look at what is kept here and send nothing; `of` must be there."""
    if of:
        refuse_unusable(of, is_written=False)
    if demo:
        from xlsync.commands.demo import demo_home, environment  # noqa: PLC0415

        return Settings(home=demo_home(home_folder()), environment=environment())
    settings = load_environment()
    tell_notices(settings.notices)
    return settings


@contextmanager
def opened_here(*, demo: bool, of: Path | None = None) -> Iterator[Systems]:
    """What is kept here and in the team's store, for commands that send nothing to either system."""
    with told(), Systems(settings_for(demo=demo, of=of)) as systems:
        tell_notices(systems.notices)
        yield systems


def tell_beside(file: Path, written: Path) -> None:
    """Tell where a workbook was written, if not in its own place."""
    if written.resolve() != file.resolve():
        err.print(f"{file} could not be written; the results are in {written}", markup=False)


def noted(file: Path, performed: tuple[str, tuple[Outcome, ...], Path]) -> tuple[str, tuple[Outcome, ...]]:
    """A run and its outcomes, with the file that holds their results told where it is another one."""
    run, outcomes, written = performed
    tell_beside(file, written)
    return run, outcomes


@dataclass(frozen=True, slots=True)
class Job:
    """A plan that is to be shown, checked, asked about and done."""

    systems: Systems
    plan: Plan
    workbook: Path
    dry_run: bool
    yes: bool
    force: bool
    json: bool


def carry_out(
    job: Job, write: Callable[[Callable[[Outcome], None]], tuple[str, tuple[Outcome, ...]]]
) -> None:
    """Show a plan, check its limits, ask, write, tell; exit by the table of exit codes."""
    site = job.systems.settings.environment
    show.plan(err, job.plan, site)
    if not job.force:
        reviews.check_plan(job.systems, job.plan)
    run, outcomes = "", show.planned(job.plan)
    if not job.dry_run:
        question = f"Write {counted(len(job.plan.actions), 'change')}?"
        if job.plan.actions and not job.yes and not confirmed(question, "write"):
            err.print("Nothing was written.")
            tell_error("Nothing was written: nobody agreed.", "`--yes` writes without asking.")
            raise typer.Exit(1)
        with show.progress(err, is_shown=not job.json) as progress:
            step = show.counted(progress, "Writing to ConnectWise", len(job.plan.actions))
            try:
                run, outcomes = write(step)
            except NotNoted as error:
                if job.json:
                    environment = job.systems.settings.environment
                    tell_json(as_json.applied(error.run, job.workbook, environment, error.outcomes))
                raise
        if job.plan.actions:  # else the plan has said that there is nothing to do
            show.outcomes(err, outcomes, told=job.plan.settled)
    if job.json:
        try:
            tell_json(as_json.applied(run, job.workbook, job.systems.settings.environment, outcomes))
        except OSError as error:
            if not run:
                raise
            what = f"Run {run} wrote to ConnectWise, but could not be told of: {error.strerror}"
            raise NotNoted(what, f"`xlsync history {run}` shows it.") from error
    elif run:
        can_end = any(not isinstance(action, CreateInvoice) for action in job.plan.actions)
        undo = f", `xlsync undo {run}` takes it back" if can_end else ""
        told_run = f"Run {run}: `xlsync history {run}` shows it{undo}."
        err.print(told_run, markup=False, highlight=False, soft_wrap=True)
    if not job.dry_run and any(outcome.state in LOST or outcome.differs for outcome in outcomes):
        raise typer.Exit(3)


def now() -> dt.datetime:
    """The present moment, with its offset."""
    return dt.datetime.now().astimezone()


def chosen_month(text: str) -> Month:
    """The month that was asked for, or picked from a list on a terminal."""
    offered = last_months(now().date())
    match text:
        case "this":
            return offered[0]
        case "last":
            return offered[1]
        case "":
            if not sys.stdin.isatty():
                raise typer.BadParameter("say which month, such as --month 2026-10", param_hint="--month")
            for number, month in enumerate(offered):
                err.print(f"{number:3}  {month}", highlight=False)
            numbers = [str(number) for number in range(len(offered))]
            with told():
                number = IntPrompt.ask(
                    "Which month, by its number", console=err, choices=numbers, show_choices=False, default=1
                )
            return offered[number]
    try:
        return Month.parse(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a month; write 2026-10, last or this", param_hint="--month"
        ) from None


def chosen_scope(**given: str) -> tuple[Scope, str]:
    """What a rule is about: one contract, product or customer."""
    named = [(Scope(scope), text.strip()) for scope, text in given.items() if text.strip()]
    if len(named) != 1:
        hint = ", ".join(f"--{scope}" for scope in given)
        raise typer.BadParameter("name one of them" if len(given) > 1 else "name it", param_hint=hint)
    return named[0]


def chosen_day(text: str) -> dt.date | None:
    """A day, or none."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day such as 2026-12-31", param_hint="--until") from None


def chosen_units(text: str) -> Decimal:
    """A number of units from 0 up."""
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise typer.BadParameter(f"{text!r} is not a number of units", param_hint="--free, --minimum")
    return Decimal(text)


def chosen_by(text: str) -> By:
    """What makes a line the month's."""
    match text:
        case "invoice-date":
            return "invoice-date"
        case "service-period":
            return "service-period"
    raise typer.BadParameter(f"{text!r}: choose invoice-date or service-period", param_hint="--by")


def confirmed(question: str, what: str) -> bool:
    """Ask on a terminal; elsewhere nobody can answer, so the answer is no."""
    if not sys.stdin.isatty():
        err.print(f"Nobody is here to be asked; --yes would {what} without asking.")
        return False
    return Confirm.ask(question, console=err)


def chosen_form(*, digest: bool, json: bool) -> Form:
    """What standard output shall hold."""
    if digest and json:
        raise typer.BadParameter(
            "choose --digest or --json: standard output holds one", param_hint="--digest"
        )
    return "digest" if digest else "json" if json else "table"


def told_month(systems: Systems, found: MonthResult, began: float, form: Form) -> None:
    """Tell what an export or a check found."""
    tell_notices(found.notices)
    if form == "json":
        seconds = time.monotonic() - began
        tell_json(as_json.month(found, systems.requests, seconds))
        return
    show.month(err if form == "digest" else out, found.totals, found.path)
    if form == "digest":
        # a file is UTF-8 everywhere
        digest_text = printable(found.digest)
        typer.echo(digest_text if sys.stdout.isatty() else digest_text.encode(), nl=False)


def exit_by_what_is_to_do(found: MonthResult, *, is_asked: bool) -> None:
    """Exit with 4 where lines are to be linked or mismatches stand, if a scheduler wants to know."""
    if is_asked and (found.totals.unlinked or any(found.totals.mismatches.values())):
        raise typer.Exit(TO_DO)


def tell_notices(notices: Iterable[str]) -> None:
    """What people should know besides."""
    for notice in notices:
        err.print(f"Note: {notice}", style="yellow", markup=False, highlight=False, soft_wrap=True)


def tell_json(facts: Any) -> None:
    """One JSON object on standard output."""
    typer.echo(simplejson.dumps(facts, use_decimal=True))  # in ASCII, whatever the terminal's encoding


def new_workbook(path: Path) -> Path:
    """The name of a workbook that is to be written, which tells its kind."""
    if path.suffix.lower() != ".xlsx":
        raise typer.BadParameter(
            f"{path} is not the name of a workbook: let it end in .xlsx, such as {path.with_suffix('.xlsx')}"
            if path.name
            else f"{path} is a folder: name a file in it, such as {path / 'xlsync.xlsx'}",
            param_hint="--output",
        )
    return path


def reached(file: Path, *, is_written: bool = True) -> Place:
    """How a workbook is written that somebody may have open, which is said then."""
    place = reach(file, find_in_excel, is_written=is_written)
    tell_notices(filter(None, [place.notice]))
    return place
