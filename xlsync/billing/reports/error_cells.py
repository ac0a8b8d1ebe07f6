"""Error cells, which python-calamine reads as empty, hidden rows and currencies, where the file is no .xlsx.

Of .xls and .xlsb the binary records of cells and rows are read, of OpenDocument the XML. The currencies are
those that the number formats of cells show.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from xml.etree import ElementTree as ET

import olefile

from xlsync.billing.reports.number_formats import ShownCurrency, currency_shown, shown_by_format

Places = dict[tuple[int, int], str]  # row and column, from 1, with what the cell says
Shown = dict[tuple[int, int], ShownCurrency]

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
    "office": "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}",
    "calc": "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}",
}
_ODF_NUMBERS: Final = frozenset({"currency", "float"})
_ODF_CURRENCY: Final = re.compile(
    'value-type="float"[^>]*><text:p>(?:<text:s[^>]*>)?[^<]*?(?:[A-Z]{3}|[$€£])'.encode()
)
Records = Iterable[tuple[int, bytes]]  # each with the number of its kind
_MOST_REPEATED: Final = 10_000  # rows of one element that are counted as hidden
# records of .xls
_XLS_SHEET: Final = 0x0085
_XLS_FORMULA: Final = 0x0006
_XLS_ERROR: Final = 0x0205
_XLS_ROW: Final = 0x0208
_XLS_HIDDEN: Final = 0x20
_XLS_FORMAT: Final = 0x041E
_XLS_STYLE: Final = 0x00E0
_XLS_NUMBERS: Final = frozenset({0x0203, 0x027E, _XLS_FORMULA})
_XLS_SEVERAL: Final = 0x00BD  # numbers of one row
_XLS_BEGIN: Final = 0x0809
_XLS_END: Final = 0x000A
# records of .xlsb
_XLSB_ROW: Final = 0
_XLSB_ERRORS: Final = frozenset({3, 11})  # a cell's, a formula's
_XLSB_SHEET: Final = 156
_XLSB_HIDDEN: Final = 0x10
_XLSB_FORMAT: Final = 44
_XLSB_STYLE: Final = 47
_XLSB_STYLES: Final = (617, 618)  # where those of cells begin and end
_XLSB_NUMBERS: Final = frozenset({2, 5, 9})


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


def currencies_in_xls(content: bytes) -> dict[str, Shown]:
    """Return the currencies that the number formats of cells show in each sheet of an .xls."""
    stream, is_wide_format = _xls_stream(content)
    formats: dict[int, ShownCurrency | None] = {}
    styles: list[int] = []
    for kind, data in _xls_records(stream, 0):
        if kind == _XLS_FORMAT and len(data) > 4:
            (number,) = struct.unpack_from("<H", data)
            code = _xls_text(data[2] | data[3] << 8, data[4:]) if is_wide_format else _narrow(data[2:])
            formats[number] = shown_by_format(number, code)
        elif kind == _XLS_STYLE and len(data) >= 4:
            styles.append(struct.unpack_from("<H", data, 2)[0])
    shown = {n: currency for n, one in enumerate(styles) if (currency := formats.get(one))}
    return {name: _xls_currencies(records, shown) for name, records in _xls_sheets(content)} if shown else {}


def _xls_currencies(records: Records, shown: Mapping[int, ShownCurrency]) -> Shown:
    places: Shown = {}
    for kind, data in records:
        if kind in _XLS_NUMBERS and len(data) >= 6:
            row, column, style = struct.unpack_from("<HHH", data)
            styles = [style]
        elif kind == _XLS_SEVERAL and len(data) >= 6:
            row, column = struct.unpack_from("<HH", data)
            styles = [struct.unpack_from("<H", data, at)[0] for at in range(4, len(data) - 7, 6)]
        else:
            continue
        for n, style in enumerate(styles, column + 1):
            if style in shown:
                places[row + 1, n] = shown[style]
    return places


def _xls_stream(content: bytes) -> tuple[bytes, bool]:
    """Return the records of an .xls, and whether they are those of Excel 97 and later."""
    with olefile.OleFileIO(io.BytesIO(content)) as file:
        name = next((one for one in ("Workbook", "Book") if file.exists(one)), None)
        return (file.openstream(name).read() if name else b""), name == "Workbook"


def _xls_sheets(content: bytes) -> Iterator[tuple[str, Records]]:
    """Yield the name and the records of each sheet of an .xls."""
    stream, is_wide_format = _xls_stream(content)
    for kind, data in _xls_records(stream, 0):
        if kind == _XLS_SHEET and len(data) > 7:
            (offset,) = struct.unpack_from("<I", data)
            name = _xls_text(data[6], data[7:]) if is_wide_format else _narrow(data[6:])
            yield name, _xls_records(stream, offset)


def _xls_text(length: int, data: bytes) -> str:
    """Return a text of so many signs behind the byte that says how wide they are."""
    if data[0] & 1:
        return data[1 : 1 + 2 * length].decode("utf-16-le", errors="replace")
    return data[1 : 1 + length].decode("latin-1")


def _narrow(data: bytes) -> str:
    """Return a text of an old .xls behind the byte of its length."""
    return data[1 : 1 + data[0]].decode("cp1252", errors="replace")


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


def currencies_in_xlsb(parts: Mapping[str, bytes], paths: Mapping[str, str]) -> dict[str, Shown]:
    """Return the currencies that the number formats of cells show in each sheet of an .xlsb."""
    formats: dict[int, ShownCurrency | None] = {}
    styles: list[int] = []
    is_of_cells = False
    for kind, data in _xlsb_records(parts.get("xl/styles.bin", b"")):
        if kind == _XLSB_FORMAT and len(data) >= 6:
            (number,) = struct.unpack_from("<H", data)
            formats[number] = shown_by_format(number, _xlsb_text(data, 2)[0])
        elif kind in _XLSB_STYLES:
            is_of_cells = kind == _XLSB_STYLES[0]
        elif kind == _XLSB_STYLE and is_of_cells and len(data) >= 4:
            styles.append(struct.unpack_from("<H", data, 2)[0])
    shown = {n: currency for n, one in enumerate(styles) if (currency := formats.get(one))}
    return {name: _xlsb_currencies(one, shown) for name, one in _xlsb_sheets(parts, paths)} if shown else {}


def _xlsb_currencies(records: Records, shown: Mapping[int, ShownCurrency]) -> Shown:
    places: Shown = {}
    row = 0
    for kind, record in records:
        if kind == _XLSB_ROW and len(record) >= 4:
            (row,) = struct.unpack_from("<I", record)
        elif kind in _XLSB_NUMBERS and len(record) >= 8:
            column, style = struct.unpack_from("<II", record)
            if (style := style & 0xFFFFFF) in shown:
                places[row + 1, column + 1] = shown[style]
    return places


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
    for sheet, (row, column), _, cell in _cells_of_opendocument(content):
        rows, columns = (int(cell.get(f"{table}number-{what}-spanned", "1")) for what in ("rows", "columns"))
        if rows > 1 or columns > 1:
            by_sheet.setdefault(sheet, []).append((row, column, row + rows - 1, column + columns - 1))
    return by_sheet


def currencies_in_opendocument(content: bytes) -> dict[str, Shown]:
    """Return the currencies that numbers show in each sheet of an OpenDocument.

    A `$` that counts as that of the United States may be any: programs write it where nobody has chosen one.
    """
    if b"office:currency=" not in content and not _ODF_CURRENCY.search(content):
        return {}
    office = _ODF["office"]
    by_sheet: dict[str, Shown] = {}
    for sheet, (row, column), (height, width), cell in _cells_of_opendocument(content):
        if cell.get(f"{office}value-type") not in _ODF_NUMBERS:
            continue
        shown, code = currency_shown(_text_of(cell)), cell.get(f"{office}currency", "")
        if shown := shown if (shown, code) == ("$", "USD") else code or shown:
            by_sheet.setdefault(sheet, {}).update(
                ((row + down, column + right), ShownCurrency(shown, shown != "$"))
                for down in range(min(height, _MOST_REPEATED))
                for right in range(width)
            )
    return by_sheet


def errors_in_opendocument(content: bytes) -> dict[str, Places]:
    """Return the error cells of each sheet of an OpenDocument, out of its `content.xml`."""
    if b'value-type="error"' not in content:
        return {}
    by_sheet: dict[str, Places] = {}
    for sheet, place, _, cell in _cells_of_opendocument(content):
        if cell.get(f"{_ODF['calc']}value-type") == "error":
            by_sheet.setdefault(sheet, {})[place] = _text_of(cell) or "#ERROR"
    return by_sheet


def _cells_of_opendocument(
    content: bytes,
) -> Iterator[tuple[str, tuple[int, int], tuple[int, int], ET.Element]]:
    """Yield the cells of an OpenDocument with their sheet, their row and column, and how often they repeat.

    They repeat in so many rows and in so many columns.
    """
    table = _ODF["table"]
    for sheet in ET.fromstring(content).iter(f"{table}table"):  # noqa: S314 - expat bounds entities
        row = 1
        for one in sheet.iter(f"{table}table-row"):
            height = int(one.get(f"{table}number-rows-repeated", "1"))
            column = 1
            for cell in one:
                width = int(cell.get(f"{table}number-columns-repeated", "1"))
                yield sheet.get(f"{table}name", ""), (row, column), (height, width), cell
                column += width
            row += height


def _text_of(cell: ET.Element) -> str:
    return "".join(part for p in cell.iter(f"{_ODF['text']}p") for part in p.itertext())


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
