"""The pictures of the README: *Start* and *Mismatches* of the demo's October, as LibreOffice shows them.

`python -m tests.pictures` makes them anew; it needs LibreOffice and poppler's pdftotext and pdftoppm.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / ".github/pictures"
FIRST_WORDS = {"start": ("xlsync", "What the distributor billed"), "mismatches": ("Approve", "Mismatch")}
DOTS_PER_INCH = 110
FOOTER = 45  # points at the foot of a page
MARGIN = 14  # points around the words, which charts and lines reach beyond


def words_of(pdf: Path, page: int) -> list[tuple[float, float, float, float, str]]:
    """Return left, top, right, bottom (in points) and text of each word of a page above its footer."""
    told = run("pdftotext", "-bbox", "-f", str(page), "-l", str(page), str(pdf), "-")
    size = re.search(r"size: +[\d.]+ x ([\d.]+)", run("pdfinfo", "-f", str(page), "-l", str(page), str(pdf)))
    assert size is not None
    pattern = r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)</word>'
    return [
        (float(left), float(top), float(right), float(bottom), text)
        for left, top, right, bottom, text in re.findall(pattern, told)
        if float(bottom) < float(size[1]) - FOOTER
    ]


def draw(pdf: Path, page: int, picture: Path) -> None:
    """Draw what a page shows, without its empty margins, as a PNG."""
    words = words_of(pdf, page)
    left, top = (min(word[side] for word in words) - MARGIN for side in (0, 1))
    right, bottom = (max(word[side] for word in words) + MARGIN for side in (2, 3))
    crop = [f"{round(points * DOTS_PER_INCH / 72)}" for points in (left, top, right - left, bottom - top)]
    sides = [text for pair in zip(("-x", "-y", "-W", "-H"), crop, strict=True) for text in pair]
    where = ["-f", str(page), "-l", str(page), "-singlefile", "-png", "-r", str(DOTS_PER_INCH)]
    run("pdftoppm", *where, *sides, str(pdf), str(picture.with_suffix("")))


def run(*command: str, **variables: str) -> str:
    """Run a program that must succeed, and return its output."""
    done = subprocess.run(command, check=True, capture_output=True, env={**os.environ, **variables})
    return done.stdout.decode()


def main() -> None:
    """Export the demo's October, let LibreOffice print it, and draw the two pages."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workbook, pdf = folder / "month.xlsx", folder / "month.pdf"
        export = ["-m", "xlsync", "export", "--demo", "--month", "2026-10", "--output", str(workbook)]
        run(sys.executable, *export, XLSYNC_HOME=str(folder / "home"))
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        run("soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", name, str(workbook))
        pages = int(re.findall(r"Pages: +(\d+)", run("pdfinfo", str(pdf)))[0])
        PICTURES.mkdir(exist_ok=True)
        for title, wanted in FIRST_WORDS.items():
            beginnings = {
                page: run("pdftotext", "-f", str(page), "-l", str(page), str(pdf), "-")
                for page in range(1, pages + 1)
            }
            first = next(
                page
                for page, text in beginnings.items()
                if text.startswith(wanted[0]) and wanted[1] in text.split("Row Key")[0]
            )
            draw(pdf, first, PICTURES / f"{title}.png")
            print(PICTURES / f"{title}.png")  # noqa: T201


if __name__ == "__main__":
    main()
