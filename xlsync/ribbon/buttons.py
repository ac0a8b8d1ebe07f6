"""The buttons on Excel's ribbon: each runs a command for the workbook in front.

Everything goes through `OpenWorkbook`, so that this module also runs without Excel.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from xlsync import __version__
from xlsync.amounts import counted
from xlsync.apply.limits import check_limits
from xlsync.apply.plan import Plan
from xlsync.apply.runs import Run
from xlsync.commands import apply as reviews
from xlsync.commands import invoice as invoicing
from xlsync.commands.check import check_workbook, settings_to_check
from xlsync.commands.demo import demo_settings, environment
from xlsync.commands.export import export_month, last_months
from xlsync.commands.report import report_month
from xlsync.commands.report_files import UnaskedReports, remember_chosen
from xlsync.commands.undo import perform_undo, review_undo
from xlsync.config import home_folder, load_settings, settings_file
from xlsync.errors import NotSignedInError, UnsafePlan, WorkbookError, XlsyncError
from xlsync.excel import addin
from xlsync.excel.one_thread import Switchboard
from xlsync.excel.open_file import OpenWorkbook, replaced_under, saved_through
from xlsync.excel.window import calling_workbook
from xlsync.gather.sources import MonthRequest
from xlsync.gather.systems import Systems
from xlsync.models import Month
from xlsync.report.write import pdf_beside
from xlsync.ribbon import setup
from xlsync.ribbon.front import Front, opened
from xlsync.ribbon.texts import LINES, month_text, outcomes_text, plan_text, report_text
from xlsync.workbook.read import month_on_start, read_workbook

HELP: Final = """\
1. Export: choose a month. Its billing lines open in a new workbook, linked and compared.
2. Billing Lines: choose what is not linked, confirm what is suggested.
3. New in ConnectWise: fill in and approve what ConnectWise lacks.
4. Check: looks again. Every edit of yours is kept.
5. Mismatches: set Approve to Yes on the rows to be written (Yes, over limit lifts the limits for a row).
6. Apply: shows what would be written, asks, writes, and puts the results into the rows.
7. Invoices and Report: the agreements' next invoices, and the month on paper.
Undo takes a run of this workbook back. What I remember shows links and rules, to be edited.
Sign in asks for the keys of both systems. Check connection says what does not work. Demo needs no account."""


def main(id_: str, menu_day: str = "") -> None:
    """Run a button for the calling workbook; the add-in calls this with the button's id.

    `menu_day` is the day for which the months menu was labelled, such as `2026-10-31`: Excel may have been
    open since last month. It is before 2000 where the menu has not been shown.
    """
    now = dt.datetime.now().astimezone()
    shown = dt.date.fromisoformat(menu_day) if menu_day else now.date()
    press(id_, calling_workbook(), now, shown if shown.year >= 2000 else None)


def press(id_: str, workbook: OpenWorkbook, now: dt.datetime, menu_day: dt.date | None = None) -> None:
    """Run a button; an error is shown in a box that names the log."""
    board = Switchboard(workbook)
    board.run(lambda: _pressed(id_, board, now, menu_day or now.date()))


def _pressed(id_: str, workbook: OpenWorkbook, now: dt.datetime, menu_day: dt.date) -> None:
    with _log() as (log, file):
        log.info("xlsync %s: %s", __version__, id_)
        front = Front(workbook, now, log)
        try:
            try:
                _do(id_, front, menu_day)
            except NotSignedInError as error:
                log.info("%s %s", error.message, error.hint)
                _offer_sign_in_or_demo(front, error)
        except XlsyncError as error:
            log.error("%s %s", error.message, error.hint)  # noqa: TRY400 - it is no bug
            front.tell(error.message, error.hint, f"The log: {file}")
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


def _offer_sign_in_or_demo(front: Front, error: NotSignedInError) -> None:
    """Offer what a first click needs, in place of the names of settings."""
    if front.ask(error.message, "Sign in now? You need the keys of the marketplace and of ConnectWise."):
        setup.sign_in(front)
    elif front.ask("Try xlsync with made-up data instead? No account is needed."):
        demo(front)
    else:
        front.tell(f"{error.message} Click Sign in, or Demo to try made-up data.")


def _do(id_: str, front: Front, menu_day: dt.date) -> None:
    match id_:
        case "SignIn":
            setup.sign_in(front)
        case "CheckConnection":
            setup.check_connection(front)
        case "Remembered":
            setup.remembered(front)
        case "FromReport":
            export_report(front)
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
            export(front, last_months(menu_day)[int(back)])


def export(front: Front, month: Month) -> None:
    """Bring a month into a new workbook beside the one in front, and open it."""
    with opened(front, load_settings(bss=True, connectwise=True)) as systems:
        _export(front, systems, month, f"xlsync-{month}.xlsx")


def demo(front: Front) -> None:
    """Export a month of made-up data into a new workbook, and open it."""
    from xlsync.sandbox.world.sales import MONTHS  # noqa: PLC0415 - only those who try it need it

    month = Month(*MONTHS[-1])
    with demo_settings(home_folder()) as settings, opened(front, settings) as systems:
        _export(front, systems, month, f"xlsync-demo-{month}.xlsx")


def export_report(front: Front) -> None:
    """Export a month whose billing lines stand in a report file that the person chooses."""
    with opened(front, load_settings(bss=False, connectwise=True)) as systems:
        report = front.workbook.choose_file("The distributor's report of the month")
        last = str(last_months(front.now.date())[1])
        text = front.prompt("Which month of the report?\n\nWrite it as 2026-10.", last) if report else None
        if report is None or text is None:
            front.tell("Stopped: no workbook was made.")
            return
        try:
            month = Month.parse(text.strip())
        except ValueError:
            raise XlsyncError(f"{text!r} is not a month.", "Write it as 2026-10.") from None
        _export(front, systems, month, f"xlsync-{month}.xlsx", (report,))


def _export(front: Front, systems: Systems, month: Month, name: str, reports: tuple[Path, ...] = ()) -> None:
    path = front.folder() / name
    request = MonthRequest(month=month, reports=reports)
    exported = export_month(systems, request, path, front.now, front.progress)
    front.workbook.open(path)
    front.tell(month_text(exported.totals), front.noted(exported.notices), f"Workbook: {path}")


def _chosen_month(front: Front) -> Month:
    """Return the month that was chosen on *Start* of the workbook in front."""
    path = front.file()
    book = read_workbook(path)
    where, text = month_on_start(book)
    hint = "Choose another month beside Month on the sheet Start, then click The month on Start again."
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
    save = replaced_under(front.workbook)
    with _systems_of(front, path, is_checked=True) as systems:
        try:
            checked = check_workbook(systems, path, front.now, progress=front.progress, save=save)
        except UnaskedReports as unasked:
            if not front.ask(unasked.question):
                raise
            remember_chosen(systems.home, unasked.paths)
            checked = check_workbook(systems, path, front.now, progress=front.progress, save=save)
    front.tell(month_text(checked.totals), front.noted(checked.notices), _beside(path, checked.path))


def apply(front: Front) -> None:
    """Show what the approved rows would write, ask, write it, and put the results into the rows."""
    path = front.file()
    with _systems_of(front, path) as systems, systems.one_writer():
        review = reviews.review_workbook(systems, path, front.progress)
        notes = front.noted(review.notices)
        if _agreed(front, systems, review.plan, notes):
            count = front.count_outcomes(len(review.plan.actions))
            save = saved_through(front.workbook)
            run, outcomes, written = reviews.perform_review(systems, review, front.now, count, save)
            unasked = "" if review.plan.actions else notes
            result = outcomes_text(systems.run_number(run), outcomes, "Undo takes it back.")
            front.tell(result, unasked, _beside(path, written))


def undo(front: Front) -> None:
    """Let the person choose a run of the workbook in front, show what would undo it, ask, and do it."""
    path = front.file()
    with _systems_of(front, path) as systems, systems.one_writer():
        runs = [run for run in systems.list_runs() if run.command == "apply" and _is_of(run, path)]
        if not runs:
            front.tell(f"Nothing was written from {path.name} yet, so there is nothing to take back.")
            return
        run = _choose_run(front, runs)
        if run is None:
            front.tell("Nothing was written.")
            return
        plan, live = review_undo(systems, run, front.progress)
        if _agreed(front, systems, plan, f"Undo of run {run.number} by {run.who}:"):
            count = front.count_outcomes(len(plan.actions))
            save = saved_through(front.workbook)
            by, outcomes, noted = perform_undo(systems, run, plan, live, path, front.now, count, save)
            text = outcomes_text(systems.run_number(by), outcomes, "Check renews the workbook.")
            front.tell(text, *noted)


def _choose_run(front: Front, runs: Sequence[Run]) -> Run | None:
    """The run that the person chooses by its place in the list; the only one is not asked for."""
    if len(runs) == 1:
        return runs[0]
    shown = runs[:LINES]
    lines = [
        f"{place}: {run.at[:16].replace('T', ' ')} by {run.who}, {counted(len(run.writes), 'write')}"
        for place, run in enumerate(shown, 1)
    ]
    question = "\n".join(["Which run is to be taken back? Type its number in this list.", "", *lines])
    answer = front.prompt(question, "1")
    if answer is None:
        return None
    place = answer.strip()
    if not (place.isdecimal() and 1 <= int(place) <= len(shown)):
        raise XlsyncError(
            f"{answer!r} is not a number of the list.", f"Type a number from 1 to {len(shown)}."
        )
    return shown[int(place) - 1]


def invoices(front: Front) -> None:
    """Show which approved invoices would be made, ask, make them, and put their numbers into the rows."""
    path = front.file()
    with _systems_of(front, path) as systems, systems.one_writer():
        review = invoicing.review_invoices(systems, path)
        if not systems.settings.invoicing:
            front.tell(invoicing.WHY_OFF, plan_text(review.plan, systems.settings.environment))
        elif _agreed(front, systems, review.plan, front.noted(review.notices), review.question):
            count = front.count_outcomes(len(review.plan.actions))
            save = saved_through(front.workbook)
            run, outcomes, written = invoicing.perform_invoices(systems, review, front.now, count, save)
            front.tell(outcomes_text(systems.run_number(run), outcomes), _beside(path, written))


def report(front: Front) -> None:
    """Report the month of the workbook in front into a workbook beside it, and open that."""
    path = front.file()
    with _systems_of(front, path) as systems:
        written = report_month(systems, path, front.now)
    front.workbook.open(written.path)
    pdf = pdf_beside(written.path)
    try:
        front.workbook.save_pdf(written.path, pdf)
        printed = f"PDF: {pdf}"
    except WorkbookError as error:
        printed = f"No PDF was made: {error.message}"
    front.tell(report_text(written.report), f"Report: {written.path}\n{printed}")


def help_(front: Front) -> None:
    """Show what the buttons do, and where files are kept."""
    places = f"Settings: {settings_file()}\nLinks, journal and log: {home_folder()}"
    front.tell(HELP, f"xlsync {__version__}\n{places}", addin.renew())


def _agreed(front: Front, systems: Systems, plan: Plan, heading: str = "", question: str = "") -> bool:
    """Show a plan and ask for it, and for each limit that it passes; True if the person agrees."""
    front.note(systems.notices)
    site = systems.settings.environment
    for action in plan.actions:
        front.log.info("planned: %s", action)
    try:
        check_limits(plan, systems.settings.limits)
    except UnsafePlan as unsafe:
        if not front.ask(unsafe.message, "Go over the limits, this once?"):
            front.tell("Nothing was written.")
            return False
    if not plan.actions:
        if not plan.outcomes:
            front.tell(heading, plan_text(plan, site))
        return bool(plan.outcomes)  # nothing is sent, but the rows get their results
    question = question or f"Write {counted(len(plan.actions), 'change')} to ConnectWise?"
    if front.ask(heading, plan_text(plan, site), question):
        return True
    front.tell("Nothing was written.")
    return False


@contextmanager
def _systems_of(front: Front, path: Path, *, is_checked: bool = False) -> Iterator[Systems]:
    """Open both systems for a workbook; the demo's for a workbook of the demo."""
    with ExitStack() as stack:
        if read_workbook(path).about.environment == environment():
            settings = stack.enter_context(demo_settings(home_folder()))
        elif is_checked:
            settings = settings_to_check(path)
        else:
            settings = load_settings(bss=False, connectwise=True)
        yield stack.enter_context(opened(front, settings))


def _is_of(run: Run, path: Path) -> bool:
    """Return whether a run belongs to a workbook, by whatever drive, share or link its folder was named."""
    named = Path(run.workbook)
    with suppress(OSError):  # it is not there
        return named == path or (named.name == path.name and named.samefile(path))
    return False


def _beside(path: Path, written: Path) -> str:
    return "" if written == path else f"{path.name} could not be written; the results are in {written}"
