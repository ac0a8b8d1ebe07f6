"""Export: write a month from both systems into a new workbook; nothing here prints or asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from xlsync.commands.digest import make_digest
from xlsync.commands.remember import remember_month
from xlsync.commands.report_files import remember_chosen
from xlsync.connectwise.lists import read_lists
from xlsync.errors import WorkbookError
from xlsync.excel.open_file import is_locked, owner_file
from xlsync.excel.synced_folders import is_synced
from xlsync.excel.window import find_in_excel
from xlsync.gather.ahead import additions_ahead
from xlsync.gather.decisions import Decisions
from xlsync.gather.month import gather
from xlsync.gather.questions import Asking
from xlsync.gather.sources import MonthRequest, read_sources
from xlsync.gather.systems import Systems, silent
from xlsync.gather.unchanged import store_reads
from xlsync.gc_tuning import give_back_memory, not_collected
from xlsync.models import Month, Progress
from xlsync.printable import as_typed
from xlsync.workbook.contents import Overview
from xlsync.workbook.layout import START
from xlsync.workbook.read import read_workbook
from xlsync.workbook.totals import MonthResult, Totals
from xlsync.workbook.write import write_export

MONTHS_SHOWN = 15
SAVED_BY = "xlsync"  # the program that the template names as its creator


def last_months(today: dt.date) -> tuple[Month, ...]:
    """Return the months that *Start* offers, the newest first."""
    this = Month(today.year, today.month)
    return tuple(this.plus(-back) for back in range(MONTHS_SHOWN))


@not_collected()
def export_month(
    systems: Systems, request: MonthRequest, path: Path, now: dt.datetime, progress: Progress = silent
) -> MonthResult:
    """Read a month from both systems and write it into a new workbook."""
    replaced = refuse_overwriting(path)
    known_runs = tuple(sorted(systems.list_run_ids_since(request.month)))
    asking, memory = Asking(systems, progress, now), systems.links.memory()
    ahead = additions_ahead(asking, request.month, memory)
    sources, tables = read_sources(systems, request, now, progress, ahead)
    lists = read_lists(tables)
    del tables  # they are as large as the lists that were read of them
    gathered = gather(systems, request, sources, lists, asking, memory, Decisions({}), progress)
    del sources, lists
    give_back_memory()
    about = write_export(
        path,
        gathered.overview,
        replaced=replaced,
        progress=lambda done, total: progress("Writing the workbook", done, total),
        exported_at=exported_at_text(now),
        renewed_at=now.isoformat(timespec="milliseconds"),
        months=last_months(now.date()),
        reports=tuple(str(report.resolve()) for report in request.reports),
        first_exported_at=now.isoformat(timespec="milliseconds"),
        known_runs=known_runs,
    )
    remember_chosen(systems.home, map(Path, about.reports))
    remember_month(systems, gathered.overview, now)
    result = month_result(gathered.overview, (*gathered.notices, *asking.notices), path)
    store_reads(systems.checks, result, about, asking)
    return result


def month_result(overview: Overview, notices: tuple[str, ...], path: Path, start: str = START) -> MonthResult:
    """Make the result of an export or a check; `start` is the title of *Start*, empty where it is gone."""
    totals = Totals.from_overview(overview)
    return MonthResult(
        totals=totals,
        digest=make_digest(overview, totals, notices, str(path)),
        notices=notices,
        path=path,
        start=start,
        reports=overview.reports,
    )


def refuse_overwriting(path: Path, find: Callable[[Path], object] = find_in_excel) -> str:
    """Return the digest of the untouched export that a new one may replace; empty where there is none.

    Raises WorkbookError where `path` holds anything else, or cannot be written. `find` looks for it in a
    running Excel, which leaves no trace where it opened it from a cloud, and would go on showing the old one.
    """
    if not path.absolute().parent.is_dir():
        message = f"{path} cannot be written: its folder does not exist."
        raise WorkbookError(message, "Check the name and the folder.")
    if not path.exists():
        return ""
    what_to_type = f"xlsync check {as_typed(str(path))}"
    hint = f"`{what_to_type}` renews it and keeps the edits; or choose another file with --output."
    try:
        book = read_workbook(path)
    except WorkbookError as error:
        raise WorkbookError(
            f"{path} exists and is not overwritten: {error.message}", "Choose another file with --output."
        ) from error
    if book.has_edits or book.problems or book.altered:
        raise WorkbookError(f"{path} exists and has edits in it, so it is not overwritten.", hint)
    # Another program saved it: there may be own sheets, columns, comments or colours.
    if book.package.saved_by != SAVED_BY:
        message = f"{path} was saved in another program, so it may have edits in it and is not overwritten."
        raise WorkbookError(message, hint)
    owner = owner_file(path)
    if owner is not None or is_locked(path) or (is_synced(path) and find(path) is not None):
        message = f"{path} is open in another program or may not be written, so it is not overwritten."
        stale = f" If nobody has it open, delete {owner.name}." if owner else ""
        raise WorkbookError(message, f"Close it, or choose another file with --output.{stale}")
    return book.package.digest


def exported_at_text(now: dt.datetime) -> str:
    """Write the time of an export or check as *Start* shows it."""
    return f"{now:%Y-%m-%d %H:%M}"
