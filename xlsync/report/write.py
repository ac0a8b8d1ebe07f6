"""The report as a workbook: a page with the month, and the sheets behind it.

A report is nobody's to edit: it is made anew each time, over an earlier report but over nothing else.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from openpyxl import Workbook

from xlsync.errors import WorkbookError, XlsyncError
from xlsync.files import write_file
from xlsync.report.month import Report
from xlsync.report.page import overview
from xlsync.report.tables import add_sheets
from xlsync.xlsx.conventions import as_excel_writes

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
        write_file(path, as_excel_writes(content.getvalue()), None)
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


def find_office() -> str | None:
    """LibreOffice on this machine."""
    for name in ("soffice", "libreoffice"):
        found = shutil.which(name)
        if found:
            return found
    places = {
        "darwin": ("/Applications/LibreOffice.app/Contents/MacOS/soffice",),
        "win32": (r"C:\Program Files\LibreOffice\program\soffice.exe",),
    }
    return next((place for place in places.get(sys.platform, ()) if Path(place).exists()), None)


def write_pdf(path: Path) -> Path:
    """The workbook as a PDF beside it, by LibreOffice; raises XlsyncError where that cannot be."""
    office = find_office()
    if office is None:
        raise XlsyncError(
            f"{path} is written; a PDF needs LibreOffice, which is not on this machine.",
            "Install LibreOffice, or save the report as a PDF from Excel.",
        )
    pdf = path.with_suffix(".pdf")
    with tempfile.TemporaryDirectory() as folder:  # a profile of its own: one that is open is no hindrance
        profile = Path(folder, "profile").as_uri()
        words = [office, f"-env:UserInstallation={profile}", "--headless", "--convert-to", "pdf"]
        try:
            done = subprocess.run(  # noqa: S603 - LibreOffice by its full path
                [*words, "--outdir", folder, str(path.resolve())],
                capture_output=True,
                timeout=180,
                check=False,
            )
            made = Path(folder, f"{path.stem}.pdf")
            if made.exists():
                write_file(pdf, made.read_bytes(), None)
                return pdf
            why = done.stderr.decode(errors="replace").strip()[-200:] or f"it ended with {done.returncode}"
        except subprocess.TimeoutExpired:
            why = "it took longer than three minutes"
        except OSError as error:
            why = error.strerror or str(error)
        except WorkbookError as error:
            why = error.message
    raise XlsyncError(
        f"{path} is written; LibreOffice could not make a PDF of it: {why}.",
        "Close a PDF of that name, or save the report as a PDF from Excel.",
    )
