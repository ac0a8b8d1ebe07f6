"""A distributor's report of many lines, as a workbook, and how long reading it takes."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import python_calamine
import xlsxwriter

from xlsync.billing.reports.reading import read_reports
from xlsync.models import Month
from xlsync.settings import ReportSettings

HEADER = (
    "Customer", "Product", "Subscription ID", "Charge Type", "Quantity", "Unit Price", "Amount", "Currency",
    "Start Date", "End Date", "Invoice", "Term", "Billing Frequency",
)  # fmt: skip


def write_report(path: Path, month: Month, lines: int) -> None:
    """Write a report of so many lines, each with a subscription of its own, and their total."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("Charges")
        sheet.write_row(0, 0, HEADER)
        total = 0.0
        for n in range(lines):
            units, cents = n % 37 + 1, 350 + n % 200 * 37
            total += units * cents / 100
            subscription = f"{n:08x}-aaaa-bbbb-cccc-1234567890ab"
            texts = (f"Customer {n % 2000}", f"Product {n % 300}", subscription, "cycleFee")
            sheet.write_row(n + 1, 0, (*texts, units, cents / 100, units * cents / 100, "EUR"))
            sheet.write_datetime(n + 1, 8, dt.datetime.combine(month.first, dt.time()))
            sheet.write_datetime(n + 1, 9, dt.datetime.combine(month.last, dt.time()))
            sheet.write_row(n + 1, 10, (f"INV-{n % 50}", "P1Y", "Monthly"))
        sheet.write_row(lines + 1, 0, ("Total", "", "", "", "", "", round(total, 2)))


def seconds_of_processor(work: Callable[[], object]) -> float:
    """How much of the processor's time something takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def read_with_xlsync(path: Path, month: Month, lines: int) -> float:
    """Seconds of the processor until the report is read to lines and held against its total."""

    def read() -> None:
        found = read_reports([path], month, ReportSettings())
        if len(found.lines) != lines or found.totals is None:
            message = "the report was not read whole"
            raise AssertionError(message)

    return seconds_of_processor(read)


def read_with_calamine(path: Path) -> float:
    """Seconds of the processor that python-calamine takes for the values alone."""
    return seconds_of_processor(
        lambda: python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    )
