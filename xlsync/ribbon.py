"""The buttons on Excel's ribbon: each runs a command for the workbook in front.

Everything goes through `OpenWorkbook`, so that this module also runs without Excel.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

import platformdirs

from xlsync import __version__
from xlsync.amounts import counted
from xlsync.apply.journal import Run
from xlsync.apply.plan import LOST, Outcome, Plan, count_states
from xlsync.apply.plan_text import tell_nothing, tell_plan
from xlsync.commands import apply as reviews
from xlsync.commands import invoice as invoicing
from xlsync.commands.check import check_workbook, settings_to_check
from xlsync.commands.export import export_month, last_months
from xlsync.commands.report import report_month
from xlsync.commands.undo import review_undo
from xlsync.commands.writing import check_plan, write
from xlsync.config import home_folder, load_settings, settings_file
from xlsync.errors import UnsafePlan, WorkbookError, XlsyncError
from xlsync.excel import addin
from xlsync.excel.one_thread import Switchboard
from xlsync.excel.open_file import OpenWorkbook, replaced_under, saved_through
from xlsync.excel.window import calling_workbook
from xlsync.gather.sources import MonthRequest
from xlsync.gather.systems import Systems
from xlsync.models import Month
from xlsync.report.month import Report
from xlsync.workbook.read import month_on_start, read_workbook
from xlsync.workbook.totals import Totals

LINES: Final = 12  # lines of one kind in a box: more would not fit the screen
NOTICES: Final = 6

_PAUSE: Final = 0.3  # seconds between two texts of the status bar: each costs Excel some time

HELP: Final = """\
1. Export: choose a month. Its billing lines open in a new workbook, linked and compared.
2. Billing Lines: choose what is not linked, confirm what is suggested.
3. New in ConnectWise: fill in and approve what ConnectWise lacks.
4. Check: looks again. Every edit of yours is kept.
5. Mismatches: set Approve to Yes on the rows to be written.
6. Apply: shows what would be written, asks, writes, and puts the results into the rows.
7. Invoices and Report: the agreements' next invoices, and the month on paper.
Undo takes the last Apply of this workbook back. Demo needs no account."""


def main(id_: str) -> None:
    """Run a button for the calling workbook; the add-in calls this with the button's id."""
    press(id_, calling_workbook(), dt.datetime.now().astimezone())


def press(id_: str, workbook: OpenWorkbook, now: dt.datetime) -> None:
    """Run a button; an error is shown in a box that names the log."""
    board = Switchboard(workbook)
    board.run(lambda: _pressed(id_, board, now))


def _pressed(id_: str, workbook: OpenWorkbook, now: dt.datetime) -> None:
    with _log() as (log, file):
        log.info("xlsync %s: %s", __version__, id_)
        try:
            _do(id_, Front(workbook, now, log))
        except XlsyncError as error:
            log.error("%s %s", error.message, error.hint)  # noqa: TRY400 - it is no bug
            workbook.tell("\n\n".join(filter(None, (error.message, error.hint, f"The log: {file}"))))
        except Exception:
            log.exception("a bug")
            workbook.tell(
                f"This should not have happened: it is a mistake in xlsync.\n\nThe log holds the rest: {file}"
            )
        finally:
            workbook.status("")


@contextmanager
def _log() -> Iterator[tuple[logging.Logger, Path]]:
    """Open the ribbon's own log, which never holds keys."""
    folder = home_folder() / "log"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "ribbon.log"
    handler = RotatingFileHandler(file, maxBytes=1_000_000, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("xlsync.ribbon")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(handler)
    try:
        yield log, file
    finally:
        log.removeHandler(handler)
        handler.close()


@dataclass(slots=True)
class Front:
    """The workbook in front of a person, the time, and the log."""

    workbook: OpenWorkbook
    now: dt.datetime
    log: logging.Logger
    _shown: tuple[str, float] = ("", 0.0)

    def tell(self, *parts: str) -> None:
        """Show a message in a box, and write it to the log."""
        text = "\n\n".join(filter(None, parts))
        self.log.info("told: %s", text)
        self.workbook.tell(text)

    def ask(self, *parts: str) -> bool:
        """Ask a question in a box; True is yes."""
        text = "\n\n".join(filter(None, parts))
        yes = self.workbook.ask(text)
        self.log.info("asked: %s: %s", text, "yes" if yes else "no")
        return yes

    def noted(self, notices: Sequence[str]) -> str:
        """Write all notices to the log, and return the text that fits a box."""
        for notice in notices:
            self.log.info("note: %s", notice)
        return notices_text(notices)

    def progress(self, what: str, done: int, of: int | None) -> None:
        """Show a step in the status bar; may be called from any thread."""
        before, when = self._shown
        at = time.monotonic()
        if what == before and at - when < _PAUSE and done != of:
            return
        if what != before:
            self.log.info("%s", what)
        self._shown = (what, at)
        count = f" {done} of {of}" if of else f" {done}" if done else ""
        self.workbook.status(f"xlsync: {what}{count} …")

    def count_outcomes(self, count: int) -> Callable[[Outcome], None]:
        """Return a function that shows in the status bar how much of a plan is done and logs each outcome."""
        done = 0

        def next_one(result: Outcome) -> None:
            nonlocal done
            done += 1
            self.log.info("%s: %s", result.key, result.text)
            self.progress("Writing to ConnectWise", done, count)

        return next_one

    def file(self) -> Path:
        """Save the workbook and return its file."""
        path = self.workbook.full_name
        if path is None:
            raise WorkbookError(
                "This workbook is not saved in a folder of this machine.",
                "Save it there first; or make one with Export.",
            )
        self.workbook.save()
        return path


def _do(id_: str, front: Front) -> None:
    match id_:
        case "Check":
            check(front)
        case "Apply":
            apply(front)
        case "Undo":
            undo(front)
        case "Demo":
            demo(front)
        case "Help":
            help_(front)
        case "ExportChosen":
            export(front, _chosen_month(front))
        case "Invoices":
            invoices(front)
        case "Report":
            report(front)
        case _:
            back = id_.removeprefix("Export")
            if not back.isdecimal() or int(back) not in addin.MONTHS_BACK:
                raise XlsyncError(f"There is no button {id_}.", "Renew the add-in: `xlsync ribbon install`")
            export(front, last_months(front.now.date())[int(back)])


def export(front: Front, month: Month) -> None:
    """Bring a month into a new workbook beside the one in front, and open it."""
    with Systems(load_settings(bss=True, connectwise=True)) as systems:
        _export(front, systems, month, f"xlsync-{month}.xlsx")


def demo(front: Front) -> None:
    """Export a month of made-up data into a new workbook, and open it."""
    from xlsync.sandbox.world.sales import MONTHS  # noqa: PLC0415 - only those who try it need it

    month = Month(*MONTHS[-1])
    with _demo() as systems:
        _export(front, systems, month, f"xlsync-demo-{month}.xlsx")


def _export(front: Front, systems: Systems, month: Month, name: str) -> None:
    in_front = front.workbook.full_name
    folder = in_front.parent if in_front else platformdirs.user_documents_path()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    exported = export_month(systems, MonthRequest(month=month), path, front.now, front.progress)
    front.workbook.open(path)
    front.tell(month_text(exported.totals), front.noted(exported.notices), f"Workbook: {path}")


def _chosen_month(front: Front) -> Month:
    """Return the month that was chosen on *Start* of the workbook in front."""
    path = front.file()
    book = read_workbook(path)
    where, text = month_on_start(book)
    hint = "Choose another month beside Month on the sheet Start, then click Choose… again."
    if not where:
        raise WorkbookError(f"{path.name} has no month on its sheet Start.", "Take one of the menu's months.")
    if text == str(book.month):
        raise WorkbookError(f"The sheet Start shows {text}, which is what this workbook holds.", hint)
    try:
        return Month.parse(text)
    except ValueError:
        raise WorkbookError(f"{text!r} on the sheet Start is not a month.", hint) from None


def check(front: Front) -> None:
    """Read both systems anew and renew the workbook in front; every edit is kept."""
    path = front.file()
    with _systems_of(path, is_checked=True) as systems:
        checked = check_workbook(
            systems, path, front.now, progress=front.progress, save=replaced_under(front.workbook)
        )
    front.tell(month_text(checked.totals), front.noted(checked.notices), _beside(path, checked.path))


def apply(front: Front) -> None:
    """Show what the approved rows would write, ask, write it, and put the results into the rows."""
    path = front.file()
    with _systems_of(path) as systems, systems.one_writer():
        review = reviews.review_workbook(systems, path, front.progress)
        notes = front.noted(review.notices)
        if _agreed(front, systems, review.plan, notes):
            count = front.count_outcomes(len(review.plan.actions))
            save = saved_through(front.workbook)
            run, outcomes, written = reviews.perform_review(systems, review, front.now, count, save)
            unasked = "" if review.plan.actions else notes
            front.tell(outcomes_text(run, outcomes, "Undo takes it back."), unasked, _beside(path, written))


def undo(front: Front) -> None:
    """Show what would undo the last run of the workbook in front, ask, and do it."""
    path = front.file()
    with _systems_of(path) as systems, systems.one_writer():
        runs = systems.list_runs()
        run = next((run for run in runs if run.command == "apply" and _is_of(run, path)), None)
        if run is None:
            front.tell(f"Nothing was written from {path.name} yet, so there is nothing to take back.")
            return
        plan, live = review_undo(systems, run)
        if _agreed(front, systems, plan, f"Run {run.id} by {run.who}:"):
            count = front.count_outcomes(len(plan.actions))
            id_, outcomes = write(systems, plan, live, "undo", run, front.now, count)
            front.tell(outcomes_text(id_, outcomes, "Check renews the workbook."))


def invoices(front: Front) -> None:
    """Show which approved invoices would be made, ask, make them, and put their numbers into the rows."""
    path = front.file()
    with _systems_of(path) as systems, systems.one_writer():
        review = invoicing.review_invoices(systems, path)
        if not systems.settings.invoicing:
            front.tell(invoicing.WHY_OFF, plan_text(review.plan, systems.settings.environment))
        elif _agreed(front, systems, review.plan, front.noted(review.notices), review.question):
            count = front.count_outcomes(len(review.plan.actions))
            save = saved_through(front.workbook)
            run, outcomes, written = invoicing.perform_invoices(systems, review, front.now, count, save)
            front.tell(outcomes_text(run, outcomes), _beside(path, written))


def report(front: Front) -> None:
    """Report the month of the workbook in front into a workbook beside it, and open that."""
    path = front.file()
    with _systems_of(path) as systems:
        written = report_month(systems, path, front.now)
    front.workbook.open(written.path)
    front.tell(report_text(written.report), f"Report: {written.path}")


def help_(front: Front) -> None:
    """Show what the buttons do, and where files are kept."""
    kept = f"Settings: {settings_file()}\nLinks, journal and log: {home_folder()}"
    front.tell(HELP, f"xlsync {__version__}\n{kept}", addin.renew())


def _agreed(front: Front, systems: Systems, plan: Plan, heading: str = "", question: str = "") -> bool:
    """Show a plan and ask for it, and for each limit that it passes; True if the person agrees."""
    site = systems.settings.environment
    for action in plan.actions:
        front.log.info("planned: %s", action)
    try:
        check_plan(systems, plan)
    except UnsafePlan as unsafe:
        if not front.ask(unsafe.message, "Go over the limits, this once?"):
            front.tell("Nothing was written.")
            return False
    if not plan.actions:
        if not plan.settled:
            front.tell(heading, plan_text(plan, site))
        return bool(plan.settled)  # nothing is sent, but the rows get their results
    question = question or f"Write {counted(len(plan.actions), 'change')} to ConnectWise?"
    if front.ask(heading, plan_text(plan, site), question):
        return True
    front.tell("Nothing was written.")
    return False


@contextmanager
def _systems_of(path: Path, *, is_checked: bool = False) -> Iterator[Systems]:
    """Open both systems for a workbook; the demo's for a workbook of the demo."""
    from xlsync.commands.demo import environment  # noqa: PLC0415

    if read_workbook(path).about.environment == environment():
        with _demo() as systems:
            yield systems
    else:
        to_check = settings_to_check(path) if is_checked else None
        with Systems(to_check or load_settings(bss=False, connectwise=True)) as systems:
            yield systems


@contextmanager
def _demo() -> Iterator[Systems]:
    from xlsync.commands.demo import demo_settings  # noqa: PLC0415

    with demo_settings(home_folder()) as settings, Systems(settings) as systems:
        yield systems


def _is_of(run: Run, path: Path) -> bool:
    """Whether a run belongs to this workbook; the command line may have named the file without its folder."""
    named = Path(run.workbook)
    return named == path if named.is_absolute() else named.name == path.name


def _beside(path: Path, written: Path) -> str:
    return "" if written == path else f"{path.name} could not be written; the results are in {written}"


def month_text(totals: Totals) -> str:
    """Write a month's totals in a few lines."""
    rows = [
        f"{money.kind}: {money.count}"
        + (
            f" ({money.up:+,.2f} / {money.down:+,.2f} {money.currency} a month)"
            if money.up or money.down
            else ""
        )
        for money in totals.money
    ]
    return "\n".join([totals.heading, *rows, totals.verdict.text])


def plan_text(plan: Plan, site: str) -> str:
    """Write a plan, money first, as far as it fits a box; the log holds all of it."""
    if not plan.actions:
        return f"Nothing to do: {tell_nothing(plan.settled)}{_reasons(plan.settled)}"
    return "\n".join(tell_plan(plan.actions, site).lines(LINES)) + _reasons(plan.settled)


def report_text(found: Report) -> str:
    """Write a month's figures, one line for each currency."""
    lines = [f"Report of {found.month}"]
    for total in found.totals:
        of = total.figures
        lines.append(
            f"{total.currency} billed {of.billed:,.2f}; in ConnectWise {of.before:,.2f} before and "
            f"{of.after:,.2f} now; found {of.found:,.2f}; open {of.open}"
        )
    return "\n".join(lines)


def outcomes_text(run: str, outcomes: Sequence[Outcome], hint: str = "") -> str:
    """Write the outcomes of a run: counts, everything that is not done, and the run's name."""
    told = (count_states(outcomes) or "Nothing was to be done.") + _reasons(outcomes)
    return told + (f"\n\nRun {run}. {hint}".rstrip() if run else "")


def _reasons(outcomes: Iterable[Outcome]) -> str:
    lost = [f"{o.state} {o.key}: {o.detail}" for o in outcomes if o.state in LOST]
    return f"\n{notices_text(lost)}" if lost else ""


def notices_text(notices: Sequence[str]) -> str:
    """Write the first notices, each in full, since its end says what to do; the log holds all of them."""
    more = len(notices) - NOTICES
    shown = [f"• {notice}" for notice in notices[:NOTICES]]
    return "\n".join([*shown, *([f"… and {more} more: the log holds them"] if more > 0 else [])])
