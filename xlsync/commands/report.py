"""Report: write a month's report from its workbook and the journal."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from msgspec import Struct

from xlsync.commands.writing import open_book
from xlsync.gather.systems import Systems
from xlsync.report.facts import read_facts
from xlsync.report.month import Report, make_report
from xlsync.report.write import write_report


class WrittenReport(Struct, frozen=True):
    """A month's figures, and the file of the report."""

    report: Report
    path: Path


def report_month(
    systems: Systems, workbook: Path, now: dt.datetime, path: Path | None = None
) -> WrittenReport:
    """Write the report of a workbook's month; without a path beside the workbook, named by the month."""
    book = open_book(workbook, systems)
    path = path or workbook.with_name(f"xlsync-{book.month}-report.xlsx")
    report = make_report(read_facts(book), systems.list_runs())
    write_report(report, path, f"{now:%Y-%m-%d %H:%M}")
    return WrittenReport(report, path)
