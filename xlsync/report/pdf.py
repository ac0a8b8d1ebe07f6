"""LibreOffice, where it is on this machine: makes a PDF of a workbook."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from xlsync.errors import WorkbookError, XlsyncError
from xlsync.files import write_file


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
