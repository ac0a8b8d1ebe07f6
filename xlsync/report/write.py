"""Write the report as a workbook and as a PDF.

A report is made anew each time: it replaces an earlier report, but no other file.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from itertools import count
from pathlib import Path
from typing import Final

from openpyxl import Workbook

from xlsync.errors import WorkbookError, XlsyncError
from xlsync.files import ZIP_ERRORS, read_regular, write_file
from xlsync.report.month import Report
from xlsync.report.page import overview
from xlsync.report.tables import add_sheets
from xlsync.xlsx.conventions import as_excel_writes

_MARK: Final = "xlsync report"  # the title in the file's properties, by which a report is recognised
# The title as it may stand in a PDF (PDF 1.7, 7.9.2): plain, in UTF-16, or that in hexadecimal.
_PDF_MARKS: Final = (_MARK.encode(), _MARK.encode("utf-16-be"), _MARK.encode("utf-16-be").hex().encode())
_LARGEST_PDF: Final = 100_000_000  # bytes


def write_report(report: Report, path: Path, made_at: str) -> None:
    """Write the report; raises XlsyncError where `path` is another file, or is open."""
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
        raise XlsyncError(error.message, f"{error.hint} Or choose another file with --output.") from error


def _is_report(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as package:
            return f">{_MARK}<".encode() in package.read("docProps/core.xml")
    except (KeyError, *ZIP_ERRORS):
        return False


def pdf_beside(path: Path) -> Path:
    """Return the path of a report's PDF: beside it, under a free name if another file has the usual one."""
    names = (f"{path.stem}{'' if number == 1 else f'-{number}'}.pdf" for number in count(1))
    places = (path.with_name(name) for name in names)
    return next(place for place in places if not place.exists() or _is_report_pdf(place))


def _is_report_pdf(path: Path) -> bool:
    try:
        content = read_regular(path, _LARGEST_PDF)
    except OSError:
        return False
    return content.startswith(b"%PDF-") and any(mark in content.lower() for mark in _PDF_MARKS)


def build(report: Report, made_at: str) -> Workbook:
    """Make the report's workbook in memory."""
    workbook = Workbook()
    page = workbook.worksheets[0]
    workbook.properties.creator, workbook.properties.title = "xlsync", _MARK
    overview(page, report, made_at)
    add_sheets(workbook, report)
    return workbook


def find_office() -> str | None:
    """Find LibreOffice on this machine; None where there is none."""
    for name in ("soffice", "libreoffice"):
        program = shutil.which(name)
        if program:
            return program
    places = {
        "darwin": ("/Applications/LibreOffice.app/Contents/MacOS/soffice",),
        "win32": (r"C:\Program Files\LibreOffice\program\soffice.exe",),
    }
    return next((place for place in places.get(sys.platform, ()) if Path(place).exists()), None)


def _fitted(report: bytes) -> bytes:
    """Return a report whose pages are fitted to the paper's width, however wide its letters are.

    LibreOffice takes another font where it lacks Calibri, and keeps page breaks, which Excel would ignore.
    """
    fitted = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(report)) as package, zipfile.ZipFile(fitted, "w") as copy:
        for name in package.namelist():
            part = package.read(name)
            if name.startswith("xl/worksheets/"):
                part = part.replace(b'fitToPage="0"', b'fitToPage="1"')
                part = re.sub(rb'(<pageSetup [^>]*)scale="\d+"', rb'\1fitToWidth="1" fitToHeight="0"', part)
            copy.writestr(name, part)
    return fitted.getvalue()


def write_pdf(path: Path) -> Path:
    """Convert a report to a PDF beside it with LibreOffice; raises XlsyncError where that fails."""
    office = find_office()
    if office is None:
        raise XlsyncError(
            f"{path} is written; a PDF needs LibreOffice, which is not on this machine.",
            "Install LibreOffice, or save the report as a PDF from Excel.",
        )
    # With its own profile LibreOffice works while another one is open.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # it may end late
        profile = Path(folder, "profile").as_uri()
        words = [office, f"-env:UserInstallation={profile}", "--headless", "--convert-to", "pdf"]
        copy = Path(folder, path.name)
        try:
            copy.write_bytes(_fitted(path.read_bytes()))
            done = subprocess.run(  # noqa: S603 - LibreOffice by its full path
                [*words, "--outdir", folder, str(copy)],
                capture_output=True,
                timeout=180,
                check=False,
            )
            made = Path(folder, f"{path.stem}.pdf")
            if made.exists():
                pdf = pdf_beside(path)
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
