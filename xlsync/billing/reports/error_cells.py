"""Error cells, which python-calamine reads as empty, and hidden rows of workbooks other than .xlsx.

Of .xls and .xlsb the binary records of cells and rows are read, of OpenDocument the XML.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from xml.etree import ElementTree as ET

import olefile

Places = dict[tuple[int, int], str]  # row and column, from 1, with what the cell says

_ERRORS: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_ODF: Final = {
    "table": "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}",
    "text": "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}",
    "calc": "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}",
}
Records = Iterable[tuple[int, bytes]]  # each with the number of its kind
_MOST_REPEATED: Final = 10_000  # rows of one element that are counted as hidden
# records of .xls
_XLS_SHEET: Final = 0x0085
_XLS_FORMULA: Final = 0x0006
_XLS_ERROR: Final = 0x0205
_XLS_ROW: Final = 0x0208
_XLS_HIDDEN: Final = 0x20
_XLS_BEGIN: Final = 0x0809
_XLS_END: Final = 0x000A
# records of .xlsb
_XLSB_ROW: Final = 0
_XLSB_ERRORS: Final = frozenset({3, 11})  # a cell's, a formula's
_XLSB_SHEET: Final = 156
_XLSB_HIDDEN: Final = 0x10


def errors_in_xls(content: bytes) -> dict[str, Places]:
    """Return the error cells of each sheet of an .xls, by the sheet's name."""
    return {name: _xls_errors(records) for name, records in _xls_sheets(content)}


def hidden_in_xls(content: bytes) -> dict[str, frozenset[int]]:
    """Return the numbers of the hidden rows of each sheet of an .xls."""
    return {
        name: frozenset(
            int.from_bytes(data[:2], "little") + 1
            for kind, data in records
            if kind == _XLS_ROW and len(data) >= 13 and data[12] & _XLS_HIDDEN
        )
        for name, records in _xls_sheets(content)
    }


def _xls_sheets(content: bytes) -> Iterator[tuple[str, Records]]:
    """Yield the name and the records of each sheet of an .xls."""
    with olefile.OleFileIO(io.BytesIO(content)) as file:
        name = next((one for one in ("Workbook", "Book") if file.exists(one)), None)
        stream = file.openstream(name).read() if name else b""
    for kind, data in _xls_records(stream, 0):
        if kind == _XLS_SHEET and len(data) > 7:
            (offset,) = struct.unpack_from("<I", data)
            yield _xls_name(data, is_wide_format=name == "Workbook"), _xls_records(stream, offset)


def _xls_name(data: bytes, *, is_wide_format: bool) -> str:
    length = data[6]
    if not is_wide_format:
        return data[7 : 7 + length].decode("cp1252", errors="replace")
    if data[7] & 1:
        return data[8 : 8 + 2 * length].decode("utf-16-le", errors="replace")
    return data[8 : 8 + length].decode("latin-1")


def _xls_records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the records from a place on to the end of its part, which may hold parts of its own."""
    depth = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        depth += (kind == _XLS_BEGIN) - (kind == _XLS_END)
        if depth <= 0:
            return
        at += 4 + length


def _xls_errors(records: Records) -> Places:
    places: Places = {}
    for kind, data in records:
        code = None
        if kind == _XLS_ERROR and len(data) >= 8 and data[7]:
            code = data[6]
        elif kind == _XLS_FORMULA and len(data) >= 14 and data[12:14] == b"\xff\xff" and data[6] == 2:
            code = data[8]
        if code is not None:
            row, column = struct.unpack_from("<HH", data)
            places[row + 1, column + 1] = _ERRORS.get(code, "#ERROR")
    return places


def errors_in_xlsb(parts: Mapping[str, bytes], paths: Mapping[str, str]) -> dict[str, Places]:
    """Return the error cells of each sheet of an .xlsb; `paths` are the sheets' parts by their relation."""
    return {name: _xlsb_errors(records) for name, records in _xlsb_sheets(parts, paths)}


def hidden_in_xlsb(parts: Mapping[str, bytes], paths: Mapping[str, str]) -> dict[str, frozenset[int]]:
    """Return the numbers of the hidden rows of each sheet of an .xlsb."""
    return {
        name: frozenset(
            int.from_bytes(data[:4], "little") + 1
            for kind, data in records
            if kind == _XLSB_ROW and len(data) >= 12 and data[11] & _XLSB_HIDDEN
        )
        for name, records in _xlsb_sheets(parts, paths)
    }


def _xlsb_sheets(parts: Mapping[str, bytes], paths: Mapping[str, str]) -> Iterator[tuple[str, Records]]:
    """Yield the name and the records of each sheet of an .xlsb."""
    for kind, data in _xlsb_records(parts.get("xl/workbook.bin", b"")):
        if kind == _XLSB_SHEET:
            relation, at = _xlsb_text(data, 8)
            name, _ = _xlsb_text(data, at)
            yield name, _xlsb_records(parts.get(paths.get(relation, ""), b""))


def _xlsb_text(data: bytes, at: int) -> tuple[str, int]:
    """Return a text and the place after it."""
    (length,) = struct.unpack_from("<I", data, at)
    end = at + 4 + 2 * length
    return data[at + 4 : end].decode("utf-16-le", errors="replace"), end


def _xlsb_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(data):
        kind = data[at]
        at += 1
        if kind & 0x80:
            kind = (kind & 0x7F) | (data[at] & 0x7F) << 7
            at += 1
        length = 0
        for shift in (0, 7, 14, 21):
            if at >= len(data):
                return
            byte = data[at]
            at += 1
            length |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
        yield kind, data[at : at + length]
        at += length


def _xlsb_errors(records: Records) -> Places:
    places: Places = {}
    row = 0
    for kind, record in records:
        if kind == _XLSB_ROW and len(record) >= 4:
            (row,) = struct.unpack_from("<I", record)
        elif kind in _XLSB_ERRORS and len(record) >= 9:
            (column,) = struct.unpack_from("<I", record)
            places[row + 1, column + 1] = _ERRORS.get(record[8], "#ERROR")
    return places


def merged_in_opendocument(content: bytes) -> dict[str, list[tuple[int, int, int, int]]]:
    """Return the first and last row and column of each merged range of an OpenDocument's sheets."""
    if b"rows-spanned" not in content:
        return {}
    table = _ODF["table"]
    by_sheet: dict[str, list[tuple[int, int, int, int]]] = {}
    for sheet in ET.fromstring(content).iter(f"{table}table"):  # noqa: S314 - expat bounds entities
        ranges = by_sheet.setdefault(sheet.get(f"{table}name", ""), [])
        row = 1
        for one in sheet.iter(f"{table}table-row"):
            column = 1
            for cell in one:
                rows, columns = (
                    int(cell.get(f"{table}number-{what}-spanned", "1")) for what in ("rows", "columns")
                )
                if rows > 1 or columns > 1:
                    ranges.append((row, column, row + rows - 1, column + columns - 1))
                column += int(cell.get(f"{table}number-columns-repeated", "1"))
            row += int(one.get(f"{table}number-rows-repeated", "1"))
    return by_sheet


def errors_in_opendocument(content: bytes) -> dict[str, Places]:
    """Return the error cells of each sheet of an OpenDocument, out of its `content.xml`."""
    if b'value-type="error"' not in content:
        return {}
    table, calc, text = _ODF["table"], _ODF["calc"], _ODF["text"]
    by_sheet: dict[str, Places] = {}
    for sheet in ET.fromstring(content).iter(f"{table}table"):  # noqa: S314 - expat bounds entities
        places = by_sheet.setdefault(sheet.get(f"{table}name", ""), {})
        row = 1
        for one in sheet.iter(f"{table}table-row"):
            column = 1
            for cell in one:
                if cell.get(f"{calc}value-type") == "error":
                    shown = "".join(part for p in cell.iter(f"{text}p") for part in p.itertext())
                    places[row, column] = shown or "#ERROR"
                column += int(cell.get(f"{table}number-columns-repeated", "1"))
            row += int(one.get(f"{table}number-rows-repeated", "1"))
    return by_sheet


def hidden_in_opendocument(content: bytes) -> dict[str, frozenset[int]]:
    """Return the numbers of the rows of each sheet of an OpenDocument that are hidden or filtered out.

    Of rows that repeat, as those under all cells do up to the last of the sheet, the first 10,000 count.
    """
    if b"visibility=" not in content:
        return {}
    table = _ODF["table"]
    by_sheet: dict[str, frozenset[int]] = {}
    for sheet in ET.fromstring(content).iter(f"{table}table"):  # noqa: S314 - expat bounds entities
        hidden: set[int] = set()
        row = 1
        for one in sheet.iter(f"{table}table-row"):
            count = int(one.get(f"{table}number-rows-repeated", "1"))
            if one.get(f"{table}visibility", "visible") != "visible":
                hidden.update(range(row, row + min(count, _MOST_REPEATED)))
            row += count
        by_sheet[sheet.get(f"{table}name", "")] = frozenset(hidden)
    return by_sheet
