"""Sheets of workbooks: their values, and what Excel's own files say beside them.

python-calamine gives values fast, but an error and a formula without a value come as empty cells. The
XML of .xlsx sheets tells of those, of merged cells and of hidden rows.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

NO_VALUE: Final = "a formula without a value"
_ERROR: Final = re.compile(
    rb'<(?:\w+:)?c\b([^>]*\bt="e"[^>]*)>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]*)<', re.DOTALL
)
_FORMULA: Final = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_REFERENCE: Final = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_MERGED: Final = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_HIDDEN_ROW: Final = re.compile(rb'<(?:\w+:)?row\b(?=[^>]*\bhidden="(?:1|true)")[^>]*\br="(\d+)"')
_SHEET: Final = re.compile(rb"<(?:\w+:)?sheet\s[^>]*>")
_RELATION: Final = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")
_ATTRIBUTE: Final = re.compile(rb'(?:\w+:)?(\w+)="([^"]*)"')


class NotAWorkbook(Exception):
    """A file that is damaged, has a password, or would unpack to too much."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook, or a text file split into cells; rows and columns count from 1.

    `bad_cells` are cells whose value is an error, or a formula that was never computed. `merged` holds
    the first and last row and column of each merged range.
    """

    name: str
    rows: Sequence[Sequence[Any]]
    is_text: bool = False
    bad_cells: Mapping[tuple[int, int], str] = field(default_factory=dict)
    merged: Sequence[tuple[int, int, int, int]] = ()
    hidden_rows: frozenset[int] = frozenset()


def read_sheets(content: bytes, most_bytes: int) -> tuple[tuple[Sheet, ...], tuple[str, ...]]:
    """The visible sheets, and the names of the hidden ones. Raises NotAWorkbook."""
    parts = _sheet_parts(content, most_bytes) if content.startswith(b"PK") else {}
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        visible = [sheet for sheet in book.sheets_metadata if sheet.visible is SheetVisibleEnum.Visible]
        hidden = [
            sheet.name for sheet in book.sheets_metadata if sheet.visible is not SheetVisibleEnum.Visible
        ]
        sheets = []
        for sheet in visible:
            try:
                values = book.get_sheet_by_name(sheet.name)
            except (CalamineError, ValueError):
                continue  # a sheet that holds a chart only
            rows = values.to_python(skip_empty_area=False)
            sheets.append(_with_xml(sheet.name, rows, parts.get(sheet.name, b"")))
    except (CalamineError, ValueError, OSError, KeyError, OverflowError) as error:
        raise NotAWorkbook(_why(content) or str(error)[:120] or "it is damaged") from None
    return tuple(sheets), tuple(hidden)


def _why(content: bytes) -> str:
    marks = ("EncryptedPackage".encode("utf-16-le"), "EncryptionInfo".encode("utf-16-le"))
    return "it has a password" if any(mark in content for mark in marks) else "it is damaged"


def _with_xml(name: str, rows: Sequence[Sequence[Any]], xml: bytes) -> Sheet:
    if not xml:
        return Sheet(name, rows)
    bad = {}
    if b'"e"' in xml:
        for found in _ERROR.finditer(xml):
            if (place := _place(found[1])) is not None:
                bad[place] = found[2].decode("utf-8", errors="replace")
    if b"<f" in xml or b":f" in xml:
        for found in _FORMULA.finditer(xml):
            place = _place(found[1])
            if place is not None and b't="str"' not in found[1]:
                bad[place] = NO_VALUE
    merges = xml.find(b"mergeCell")  # they stand behind the rows
    merged = [
        (int(found[2]), _column(found[1]), int(found[4]), _column(found[3]))
        for found in (_MERGED.finditer(xml, merges - 10) if merges > 0 else ())
    ]
    hidden = frozenset(int(found[1]) for found in (_HIDDEN_ROW.finditer(xml) if b"hidden=" in xml else ()))
    return Sheet(name, rows, bad_cells=bad, merged=tuple(merged), hidden_rows=hidden)


def _place(attributes: bytes) -> tuple[int, int] | None:
    found = _REFERENCE.search(attributes)
    return (int(found[2]), _column(found[1])) if found else None


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _sheet_parts(content: bytes, most_bytes: int) -> dict[str, bytes]:
    """The XML of each sheet by its name; nothing for workbooks of another kind than .xlsx.

    All parts are unpacked once, so that one which unpacks to more than it says is found here.
    """
    left = most_bytes
    parts: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > most_bytes:
                raise NotAWorkbook(f"it would unpack to more than {most_bytes // 10**6} MB")
            for member in archive.infolist():
                with archive.open(member) as file:
                    data = file.read(left + 1)
                left -= len(data)
                if left < 0:
                    raise NotAWorkbook(f"it would unpack to more than {most_bytes // 10**6} MB")
                if member.filename.endswith((".xml", ".rels")):
                    parts[member.filename.lstrip("/")] = data
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError, zlib.error):
        raise NotAWorkbook(_why(content)) from None
    return _by_name(parts)


def _by_name(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    if b'calcext:value-type="error"' in parts.get("content.xml", b""):
        raise NotAWorkbook("it holds error cells such as #N/A, and an OpenDocument does not say where")
    if "xl/workbook.xml" not in parts or "xl/_rels/workbook.xml.rels" not in parts:
        return {}
    targets = {
        attributes.get("Id", ""): attributes.get("Target", "")
        for attributes in map(_attributes, _RELATION.findall(parts["xl/_rels/workbook.xml.rels"]))
    }
    found = {}
    for attributes in map(_attributes, _SHEET.findall(parts["xl/workbook.xml"])):
        target = targets.get(attributes.get("id", ""), "")
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        found[attributes.get("name", "")] = parts.get(path, b"")
    return found


def _attributes(tag: bytes) -> dict[str, str]:
    """The attributes of an element by their names without a prefix."""
    return {
        name.decode(): html.unescape(value.decode("utf-8", errors="replace"))
        for name, value in _ATTRIBUTE.findall(tag)
    }
