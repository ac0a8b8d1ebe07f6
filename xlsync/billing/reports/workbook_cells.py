"""Sheets of workbooks: their values, and what their files say beside them.

python-calamine gives values fast, but an error and a formula without a value come as empty cells. The XML of
.xlsx sheets tells of those, of merged cells, hidden rows and currencies; `xls`, `xlsb` and `opendocument` do
for other workbooks.
"""

from __future__ import annotations

import html
import io
import re
import struct
import zipfile
from collections.abc import Mapping, Sequence, Set
from typing import Any, Final
from xml.etree import ElementTree as ET

from msgspec import Struct, field
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from xlsync.billing.reports.number_formats import ShownCurrency, shown_by_format
from xlsync.billing.reports.opendocument import facts_in_opendocument
from xlsync.billing.reports.sheet_facts import SheetFacts
from xlsync.billing.reports.xls import facts_in_xls
from xlsync.billing.reports.xlsb import facts_in_xlsb
from xlsync.files import ZIP_ERRORS

NO_VALUE: Final = "a formula without a value"
_ERROR: Final = re.compile(
    rb'<(?:\w+:)?c\b([^>]*\bt="e"[^>]*)>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]*)<', re.DOTALL
)
_FORMULA: Final = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_STYLED: Final = re.compile(rb"<(?:\w+:)?c\b([^>]*)>")
_STYLE: Final = re.compile(rb'\bs="(\d+)"')
_REFERENCE: Final = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_MERGED: Final = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_HIDDEN_ROW: Final = re.compile(rb'<(?:\w+:)?row\b(?=[^>]*\bhidden="(?:1|true)")[^>]*\br="(\d+)"')
_SHEET: Final = re.compile(rb'<(?:\w+:)?sheet\s(?:[^>"]|"[^"]*")*>')  # a title may hold >
_FROM_1904: Final = re.compile(rb'<(?:\w+:)?workbookPr\b[^>]*\bdate1904="(?:1|true)"')
_RELATION: Final = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")
_ATTRIBUTE: Final = re.compile(rb'(?:\w+:)?(\w+)="([^"]*)"')
_WRITTEN: Final = re.compile(rb"""(?<=\s)([\w:.-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
_WRITTEN_OTHERWISE: Final = (b"='", b"= '", b'= "', b' ="')

_DAMAGE: Final = (
    CalamineError,
    ValueError,  # a bad date, say
    OSError,
    KeyError,
    IndexError,
    OverflowError,
    struct.error,
    ET.ParseError,
)


class NotAWorkbook(Exception):
    """A file that is damaged, has a password, or would unpack to too much."""


class ReportSheet(Struct, frozen=True):
    """A sheet of a workbook with its facts, or a text file split into cells; see SheetFacts."""

    name: str
    rows: Sequence[Sequence[Any]]
    is_text: bool = False
    bad_cells: Mapping[tuple[int, int], str] = field(default_factory=dict)
    merged: Sequence[tuple[int, int, int, int]] = ()
    hidden_rows: Set[int] = frozenset()
    counts_from_1904: bool = False
    currencies: Mapping[tuple[int, int], ShownCurrency] = field(default_factory=dict)


def read_sheets(content: bytes, most_bytes: int) -> tuple[tuple[ReportSheet, ...], tuple[str, ...]]:
    """Return the visible sheets, and the names of the hidden ones. Raises NotAWorkbook."""
    parts = _unpack(content, most_bytes) if content.startswith(b"PK") else {}
    try:
        xml, facts_of = _sheet_parts(parts), _facts_of_others(content, parts)
        styles = _currency_styles(parts.get("xl/styles.xml", b""))
        counts_from_1904 = _FROM_1904.search(parts.get("xl/workbook.xml", b"")) is not None
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
            facts = facts_of.get(sheet.name) or SheetFacts()
            if "xl/workbook.xml" in parts:
                if not xml.get(sheet.name):
                    raise NotAWorkbook(f"the part of its sheet {sheet.name} is not where it says")
                facts = _facts_in_xml(xml[sheet.name], styles)
            elif ranges := values.merged_cell_ranges:
                facts.merged = [
                    (top + 1, left + 1, low + 1, right + 1) for (top, left), (low, right) in ranges
                ]
            sheets.append(
                ReportSheet(
                    sheet.name,
                    rows,
                    bad_cells=facts.bad_cells,
                    merged=facts.merged,
                    hidden_rows=facts.hidden_rows,
                    counts_from_1904=counts_from_1904,
                    currencies=facts.currencies,
                )
            )
    except _DAMAGE as error:
        raise NotAWorkbook(_why(content) or str(error)[:120]) from None
    return tuple(sheets), tuple(hidden)


def _facts_of_others(content: bytes, parts: Mapping[str, bytes]) -> Mapping[str, SheetFacts]:
    """Return the facts of each sheet of a workbook that is no .xlsx, by its name."""
    if not content.startswith(b"PK"):
        return facts_in_xls(content)
    if "xl/workbook.bin" in parts:
        return facts_in_xlsb(parts, _targets(parts, "xl/_rels/workbook.bin.rels"))
    return facts_in_opendocument(parts.get("content.xml", b""))


def _why(content: bytes) -> str:
    marks = ("EncryptedPackage".encode("utf-16-le"), "EncryptionInfo".encode("utf-16-le"))
    return "it has a password" if any(mark in content for mark in marks) else "it is damaged"


def _facts_in_xml(xml: bytes, styles: Mapping[bytes, ShownCurrency]) -> SheetFacts:
    """Return the facts of a sheet of an .xlsx; `styles` are those that show a currency."""
    merges = xml.find(b"mergeCell")  # they stand behind the rows
    merged = [
        (int(match[2]), _column(match[1]), int(match[4]), _column(match[3]))
        for match in (_MERGED.finditer(xml, merges - 10) if merges > 0 else ())
    ]
    bad_cells = _bad_cells(xml)
    if bad_cells is None:
        return _count_cells(xml, styles, merged)
    return SheetFacts(
        bad_cells=bad_cells,
        merged=merged,
        hidden_rows={int(match[1]) for match in (_HIDDEN_ROW.finditer(xml) if b"hidden=" in xml else ())},
        currencies=_currencies(xml, styles) if styles else {},
    )


def _currency_styles(xml: bytes) -> dict[bytes, ShownCurrency]:
    """Return the styles of cells, by their numbers as cells write them, whose format shows a currency.

    A format that the file only numbers is the one of whoever opens it, and shows no currency of the file's.
    """
    if b"numFmt" not in xml:
        return {}
    try:
        root = ET.fromstring(xml)  # noqa: S314 - expat bounds entities
    except ET.ParseError:
        return {}  # the values can be read without the styles
    codes = {one.get("numFmtId"): one.get("formatCode", "") for one in root.iterfind("{*}numFmts/*")}
    styles = (
        shown_by_format(int(number), code)
        if (code := codes.get(number := one.get("numFmtId", ""), "")) and number.isdecimal()
        else None
        for one in root.iterfind("{*}cellXfs/*")
    )
    return {str(number).encode(): currency for number, currency in enumerate(styles) if currency}


def _currencies(xml: bytes, styles: Mapping[bytes, ShownCurrency]) -> dict[tuple[int, int], ShownCurrency]:
    """Return the currencies that the formats of a sheet's cells show, by row and column."""
    currencies: dict[tuple[int, int], ShownCurrency] = {}
    for match in _STYLED.finditer(xml):
        style = _STYLE.search(match[1])
        if style is not None and style[1] in styles and (place := _place(match[1])) is not None:
            currencies[place] = styles[style[1]]
    return currencies


def _bad_cells(xml: bytes) -> dict[tuple[int, int], str] | None:
    """Return the errors of a sheet and its formulas without a value, by row and column.

    None where the first cell, or one of those, has no reference, or not as Excel writes it.
    """
    first = _STYLED.search(xml)
    if first is not None and _place(first[1]) is None:
        return None
    bad: dict[tuple[int, int] | None, str] = {}
    if b'"e"' in xml:
        bad = {_place(match[1]): match[2].decode("utf-8", errors="replace") for match in _ERROR.finditer(xml)}
    if b"<f" in xml or b":f" in xml:
        for match in _FORMULA.finditer(xml):
            if b't="str"' not in match[1]:
                bad[_place(match[1])] = NO_VALUE
    return None if None in bad else {place: what for place, what in bad.items() if place is not None}


def _count_cells(
    xml: bytes, styles: Mapping[bytes, ShownCurrency], merged: list[tuple[int, int, int, int]]
) -> SheetFacts:
    """Return the facts of a sheet whose cells are counted, since they do not say where they stand."""
    facts = SheetFacts(merged=merged)
    number = 0
    for row in ET.fromstring(xml).iterfind(".//{*}row"):  # noqa: S314 - expat bounds entities
        number = int(row.get("r", number + 1))
        if row.get("hidden") in {"1", "true"}:
            facts.hidden_rows.add(number)
        column = 0
        for cell in row.iterfind("{*}c"):
            letters = cell.get("r", "").rstrip("0123456789")
            column = _column(letters.encode()) if letters else column + 1
            value = cell.findtext("{*}v", "")
            if cell.get("t") == "e":
                facts.bad_cells[number, column] = value
            elif cell.find("{*}f") is not None and not value and cell.get("t") != "str":
                facts.bad_cells[number, column] = NO_VALUE
            if (currency := styles.get(cell.get("s", "").encode())) is not None:
                facts.currencies[number, column] = currency
    return facts


def _place(attributes: bytes) -> tuple[int, int] | None:
    match = _REFERENCE.search(attributes)
    return (int(match[2]), _column(match[1])) if match else None


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _unpack(content: bytes, most_bytes: int) -> dict[str, bytes]:
    """Return the parts of a packed workbook that tell of its cells, by their names in small letters.

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
                name = _part_name(member.filename)
                if name.endswith((".xml", ".rels")):
                    parts[name] = _with_double_quotes(data)
                elif name.endswith(".bin"):
                    parts[name] = data
    except ZIP_ERRORS:
        raise NotAWorkbook(_why(content)) from None
    return parts


def _part_name(path: str) -> str:
    """Return the name of a part as it is compared: names of parts know no case (ECMA-376-2, 9.1.1)."""
    return path.replace("\\", "/").lstrip("/").casefold()


def _with_double_quotes(xml: bytes) -> bytes:
    """Return XML whose attributes are written `name="value"`, as nearly all programs write them."""
    begin = max(0, xml.find(b"?>"))
    if all(xml.find(mark, begin) < 0 for mark in _WRITTEN_OTHERWISE):
        return xml
    return _WRITTEN.sub(_as_usual, xml)


def _as_usual(attribute: re.Match[bytes]) -> bytes:
    name, doubly, singly = attribute.groups()
    return b'%b="%b"' % (name, singly.replace(b'"', b"&quot;") if doubly is None else doubly)


def _targets(parts: Mapping[str, bytes], relations: str) -> dict[str, str]:
    """Return the paths of a workbook's parts by their relation."""
    paths = {}
    for attributes in map(_attributes, _RELATION.findall(parts.get(relations, b""))):
        target = attributes.get("Target", "")
        path = target if target.startswith("/") else f"xl/{target}"
        paths[attributes.get("Id", "")] = _part_name(path)
    return paths


def _sheet_parts(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the XML of each sheet of an .xlsx by its name; nothing for workbooks of another kind."""
    targets = _targets(parts, "xl/_rels/workbook.xml.rels")
    return {
        attributes.get("name", ""): parts.get(targets.get(attributes.get("id", ""), ""), b"")
        for attributes in map(_attributes, _SHEET.findall(parts.get("xl/workbook.xml", b"")))
    }


def _attributes(tag: bytes) -> dict[str, str]:
    """Return the attributes of an element by their names without a prefix."""
    return {
        name.decode(): html.unescape(value.decode("utf-8", errors="replace"))
        for name, value in _ATTRIBUTE.findall(tag)
    }
