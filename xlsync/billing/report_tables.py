"""The rows of a billing report, whatever file it came in: text, or a workbook of Excel or OpenOffice."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook

from xlsync.errors import ReportError

Cell = str | Decimal | dt.date | None

_DELIMITERS: Final = (",", ";", "\t", "|")
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # zip (xlsx, ods) and the older compound file (xls)
_HEADER_WITHIN: Final = 30  # rows; titles may stand above the header


@dataclass(frozen=True, slots=True)
class Table:
    """A header and the rows under it. `first_row` is the number of the first of them as Excel counts.

    `delimiter` is None for a workbook.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    first_row: int
    delimiter: str | None


def read_table(path: Path, is_header: Callable[[tuple[str, ...]], bool]) -> Table:
    """The first table with such a header.

    Raises ReportError, which names the headers that were found instead.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        why = error.strerror or "it cannot be opened"
        raise ReportError(
            f"{path} cannot be read: {why}.",
            "Check its name; `xlsync check` looks there and beside the workbook.",
        ) from None
    text = ""
    candidates: list[tuple[list[tuple[Cell, ...]], str | None]]
    if content.startswith(_WORKBOOKS):
        candidates = [(rows, None) for rows in _sheets(path, content)]
    else:
        text = _decode(path, content)
        candidates = [(_split(text, delimiter), delimiter) for delimiter in _DELIMITERS]
    widest: tuple[str, ...] = ()
    for rows, delimiter in candidates:
        for number, row in enumerate(rows[:_HEADER_WITHIN], start=1):
            header = tuple("" if cell is None else str(cell) for cell in row)
            if is_header(header):
                if delimiter is not None:
                    _check_quotes(path, text, delimiter)
                return Table(header, tuple(rows[number:]), number + 1, delimiter)
            if sum(map(bool, header)) > sum(map(bool, widest)):
                widest = header
    found = ", ".join(f"“{name.strip()[:40]}”" for name in widest[:30] if name.strip()) or "nothing"
    raise ReportError(
        f"{path.name} has no header row with a customer, a product and units; found: {found}.",
        "Name the report's own headers in the settings, under [report.headers].",
    )


def _sheets(path: Path, content: bytes) -> list[list[tuple[Cell, ...]]]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names]
    except (CalamineError, ValueError, OSError):
        hint = "Open it and save it as .xlsx without a password, or as CSV."
        raise ReportError(f"{path.name} cannot be read as a workbook.", hint) from None
    return [[tuple(_cell(value) for value in row) for row in rows] for rows in sheets]


def _cell(value: Any) -> Cell:
    """A cell's value; a number with the 15 digits that Excel shows of it."""
    match value:
        case dt.datetime():
            return value.date()
        case dt.date() | str():
            return value or None
        case bool() | None:
            return None if value is None else str(value).upper()
        case int() | float():
            number = Decimal(format(value, ".15g"))
            return Decimal(int(number)) if number == number.to_integral_value() else number
        case _:
            return str(value)


def _decode(path: Path, content: bytes) -> str:
    """Its text: UTF-8 or UTF-16 with their marks or without, else the code page of Windows."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\0" in content[:200]:
        encodings = ["utf-16-le" if content[1:2] == b"\0" else "utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ReportError(f"{path.name} is not a text that can be read.", "Save it as CSV UTF-8 or as .xlsx.")


def _split(text: str, delimiter: str) -> list[tuple[Cell, ...]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [tuple(value or None for value in row) for row in rows]


def _check_quotes(path: Path, text: str, delimiter: str) -> None:
    """A quote that is never closed would hide all rows after it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for _ in reader:
            pass
    except csv.Error as error:
        why = f"{path.name} cannot be read after line {reader.line_num}: {error}."
        raise ReportError(why, "Mend the quotation marks there, or save it anew as .xlsx.") from None
