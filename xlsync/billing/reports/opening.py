"""Opening of report files: packed or not, text in any code page, or a workbook; limited in size.

A file that cannot be read for sure is refused with a message.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from xlsync.billing.reports.code_pages import SAVE_AS_UTF_8, decode
from xlsync.billing.reports.workbook_cells import NotAWorkbook, ReportSheet, read_sheets
from xlsync.errors import ReportError
from xlsync.files import ZIP_ERRORS, refuse_special
from xlsync.printable import as_typed

MOST_BYTES: Final = 100_000_000  # of a file as it lies there
MOST_UNPACKED: Final = 300_000_000
_MARKUP: Final = re.compile(rb"<(?:\w+:)?(html|!doctype html|table|head|body|meta|style|div|workbook)\b")
# members that operating systems put into archives
_OF_SYSTEMS: Final = re.compile(r"^__MACOSX/|(?:^|/)(?:\.[^/]*|Thumbs\.db|desktop\.ini)$", re.IGNORECASE)
_DELIMITERS: Final = (",", ";", "\t", "|")
_OF_XLSYNC: Final = "_xlsync"  # the hidden sheet of every workbook that an export made


class ReportFile(Struct, frozen=True):
    """An opened report: its sheets, for each way of splitting its text into cells.

    A workbook has one way only, and no text. `delimiters` tells what parts the cells in each way of a text.
    """

    name: str
    ways: tuple[tuple[ReportSheet, ...], ...]
    hidden_sheets: tuple[str, ...] = ()
    delimiters: tuple[str, ...] = ()
    text: str = ""


def open_report(path: Path) -> ReportFile:
    """Open a report's sheets; raises ReportError for a file that is no report."""
    content = _unpack(_read_bytes(path), path.name)
    if not content.strip(b"\xef\xbb\xbf \r\n\t"):
        raise ReportError(f"{path.name} is empty.", "Get the file anew.")
    if _is_workbook(content):
        try:
            sheets, hidden = read_sheets(content, MOST_UNPACKED)
        except NotAWorkbook as error:
            raise ReportError(
                f"{path.name} cannot be read as a workbook: {error}.",
                "Open it and save it as .xlsx without a password, or as CSV.",
            ) from None
        if _OF_XLSYNC in hidden:
            raise ReportError(
                f"{path.name} is a workbook of xlsync, not a distributor's report.",
                "Name the file that the distributor sent; "
                f"`xlsync check {as_typed(path.name)}` renews a workbook.",
            )
        return ReportFile(path.name, (sheets,), hidden)
    _refuse_other_kinds(path, content)
    text = decode(path.name, content)
    delimiters = tuple(delimiter for delimiter in _DELIMITERS if delimiter in text)
    split = [_split(path.name, text, delimiter) for delimiter in delimiters]
    tables = split or [[(line,) for line in text.splitlines()]]
    ways = tuple((ReportSheet("", rows, is_text=True),) for rows in tables)
    return ReportFile(path.name, ways, delimiters=delimiters, text=text)


def check_quotes(file: ReportFile, way: int) -> None:
    """Raise ReportError where a quotation mark is never closed: it would hide all rows after it."""
    if not file.delimiters:
        return
    reader = csv.reader(io.StringIO(file.text, newline=""), delimiter=file.delimiters[way], strict=True)
    try:
        for _ in reader:
            pass
    except csv.Error as error:
        why = f"{file.name} cannot be read after line {reader.line_num}: {error}."
        raise ReportError(why, "Mend the quotation marks there, or save it anew as .xlsx.") from None


def _read_bytes(path: Path) -> bytes:
    try:
        refuse_special(path)
        if path.stat().st_size > MOST_BYTES:
            raise ReportError(
                f"{path.name} has {path.stat().st_size / 1e6:,.0f} MB; a report has {MOST_BYTES // 10**6} "
                f"MB at most.",
                "Export one month only, or part the file in several, each with its own --from.",
            )
        return path.read_bytes()
    except OSError as error:
        why = error.strerror or "it cannot be opened"
        raise ReportError(
            f"{path} cannot be read: {why}.",
            "Check its name and folder. (A check looks for it there, and beside the workbook.)",
        ) from None


# --- packed files


def _unpack(content: bytes, name: str, depth: int = 0) -> bytes:
    """Return what a packed file holds, or the content itself where it is not packed."""
    if content.startswith(b"\x1f\x8b"):
        inner = _gunzip(content, name)
    elif content.startswith((b"PK\x03\x04", b"PK\x05\x06")) and not _is_workbook(content):
        inner = _unzip(content, name)
    else:
        return content
    if depth:
        raise ReportError(f"{name} is packed twice.", "Unpack it, and name the file itself with --from.")
    return _unpack(inner, name, depth + 1)


def _too_large(name: str) -> ReportError:
    return ReportError(
        f"{name} would unpack to more than {MOST_UNPACKED // 10**6} MB: it is not opened.",
        "A month's report is far smaller: check where the file came from.",
    )


def _gunzip(content: bytes, name: str) -> bytes:
    """Unpack all members of a gzip file: one that was packed in parts has several."""
    parts: list[bytes] = []
    room = MOST_UNPACKED + 1
    while content.startswith(b"\x1f\x8b"):
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            parts.append(unpacking.decompress(content, room))
        except zlib.error:
            raise ReportError(f"{name} is damaged: it cannot be unpacked.", "Get the file anew.") from None
        room -= len(parts[-1])
        if room <= 0:
            raise _too_large(name)
        if not unpacking.eof:
            raise ReportError(f"{name} is cut off: it cannot be unpacked.", "Get the file anew.")
        content = unpacking.unused_data
    return b"".join(parts)


def _unzip(content: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [
                member
                for member in archive.infolist()
                if not member.is_dir() and not _OF_SYSTEMS.search(member.filename)
            ]
            if len(members) != 1:
                held = ", ".join(member.filename[:60] for member in members[:5]) or "nothing"
                raise ReportError(
                    f"{name} holds {len(members)} files ({held}), and a report is one.",
                    "Unpack it, and name each report with its own --from.",
                )
            with archive.open(members[0]) as file:
                inner = file.read(MOST_UNPACKED + 1)
    except ZIP_ERRORS:
        raise ReportError(
            f"{name} cannot be unpacked: it is damaged or has a password.",
            "Unpack it, and name the report itself with --from.",
        ) from None
    if len(inner) > MOST_UNPACKED:
        raise _too_large(name)
    return inner


def _is_workbook(content: bytes) -> bool:
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return True
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except ZIP_ERRORS:
        return b"[Content_Types].xml" in content[:4000]
    return bool(names & {"[Content_Types].xml", "mimetype", "content.xml"})


# --- text


def _refuse_other_kinds(path: Path, content: bytes) -> None:
    start = content[:4000].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \r\n\t").replace(b"\0", b"").lower()
    kind = ""
    if b"<office:document" in start:
        kind = "XML of OpenDocument"
    elif start.startswith(b"<") and (match := _MARKUP.search(start)):
        kind = "XML of Excel 2003" if match[1] == b"workbook" else "a web page (HTML)"
    elif start.startswith(b"<?xml"):
        kind = "XML"
    elif start.startswith(b"%pdf"):
        kind = "a PDF"
    elif start.startswith(b"{\\rtf"):
        kind = "RTF, a word processor's text"
    elif start.startswith((b"{", b"[{")):
        kind = "JSON"
    elif start.startswith(b"mime-version:"):
        kind = "a web archive (MHTML)"
    if kind:
        named = (
            f", whatever its name {path.suffix} says"
            if path.suffix.lower() in {".xls", ".xlsx", ".csv"}
            else ""
        )
        raise ReportError(
            f"{path.name} is {kind}{named}.", "Open it in Excel and save it as .xlsx, or as CSV UTF-8."
        )


def _split(name: str, text: str, delimiter: str) -> list[Sequence[str]]:
    try:
        return list(map(tuple, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)))
    except csv.Error as error:
        raise ReportError(f"{name} cannot be read as a table: {error}.", SAVE_AS_UTF_8) from None
