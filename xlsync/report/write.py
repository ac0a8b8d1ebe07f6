"""The report as a workbook: a page with the month, and the sheets behind it.

A report is nobody's to edit: it is made anew each time, over an earlier report but over nothing else.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Final

from openpyxl import Workbook

from xlsync.errors import WorkbookError, XlsyncError
from xlsync.files import write_file
from xlsync.report.month import Report
from xlsync.report.page import overview
from xlsync.report.tables import add_sheets

_MARK: Final = "xlsync report"  # the title in the file's properties


def write_report(report: Report, path: Path, made_at: str) -> None:
    """Write the report there; raises XlsyncError where something else stands there, or it is open."""
    if path.exists() and not _is_report(path):
        raise XlsyncError(
            f"{path} exists and is not a report, so it is not overwritten.",
            "Choose another file with --output.",
        )
    content = io.BytesIO()
    build(report, made_at).save(content)
    try:
        write_file(path, content.getvalue(), None)
    except WorkbookError as error:
        raise XlsyncError(
            error.message, "Close it in Excel, or choose another file with --output."
        ) from error


def _is_report(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as package:
            return f">{_MARK}<".encode() in package.read("docProps/core.xml")
    except (OSError, KeyError, zipfile.BadZipFile):
        return False


def build(report: Report, made_at: str) -> Workbook:
    """The report as a workbook in memory."""
    workbook = Workbook()
    page = workbook.worksheets[0]
    workbook.properties.creator, workbook.properties.title = "xlsync", _MARK
    overview(page, report, made_at)
    add_sheets(workbook, report)
    return workbook
