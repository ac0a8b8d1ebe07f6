"""What the records of an .xls say of its cells beside the values that python-calamine reads."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from typing import Final

import olefile

from xlsync.billing.reports.number_formats import ShownCurrency, shown_by_format
from xlsync.billing.reports.sheet_facts import ERRORS, SheetFacts, shown_by_styles

_SHEET: Final = 0x0085
_FORMULA: Final = 0x0006
_ERROR: Final = 0x0205
_ROW: Final = 0x0208
_HIDDEN: Final = 0x20
_FORMAT: Final = 0x041E
_STYLE: Final = 0x00E0
_NUMBERS: Final = frozenset({0x0203, 0x027E, _FORMULA})
_SEVERAL: Final = 0x00BD  # numbers of one row
_BEGIN: Final = 0x0809
_END: Final = 0x000A


def facts_in_xls(content: bytes) -> dict[str, SheetFacts]:
    """Return the facts of each sheet of an .xls, by the sheet's name."""
    stream, is_wide_format = _stream(content)
    formats: dict[int, ShownCurrency | None] = {}
    styles: list[int] = []
    sheets: list[tuple[str, int]] = []
    for kind, data in _records(stream, 0):
        if kind == _FORMAT and len(data) > 4:
            (number,) = struct.unpack_from("<H", data)
            code = _text(data[2] | data[3] << 8, data[4:]) if is_wide_format else _narrow(data[2:])
            formats[number] = shown_by_format(number, code)
        elif kind == _STYLE and len(data) >= 4:
            styles.append(struct.unpack_from("<H", data, 2)[0])
        elif kind == _SHEET and len(data) > 7:
            (offset,) = struct.unpack_from("<I", data)
            sheets.append((_text(data[6], data[7:]) if is_wide_format else _narrow(data[6:]), offset))
    shown = shown_by_styles(formats, styles)
    return {name: _read_facts(_records(stream, offset), shown) for name, offset in sheets}


def _stream(content: bytes) -> tuple[bytes, bool]:
    """Return the records of an .xls, and whether they are those of Excel 97 and later."""
    with olefile.OleFileIO(io.BytesIO(content)) as file:
        name = next((one for one in ("Workbook", "Book") if file.exists(one)), None)
        return (file.openstream(name).read() if name else b""), name == "Workbook"


def _text(length: int, data: bytes) -> str:
    """Return a text of so many signs behind the byte that says how wide they are."""
    if data[0] & 1:
        return data[1 : 1 + 2 * length].decode("utf-16-le", errors="replace")
    return data[1 : 1 + length].decode("latin-1")


def _narrow(data: bytes) -> str:
    """Return a text of an old .xls behind the byte of its length."""
    return data[1 : 1 + data[0]].decode("cp1252", errors="replace")


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the kinds and records from a place on to the end of its part, which may hold parts of its own."""
    depth = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        depth += (kind == _BEGIN) - (kind == _END)
        if depth <= 0:
            return
        at += 4 + length


def _read_facts(records: Iterator[tuple[int, bytes]], shown: Mapping[int, ShownCurrency]) -> SheetFacts:
    facts = SheetFacts()
    for kind, data in records:
        code = None
        if kind == _ROW and len(data) >= 13 and data[12] & _HIDDEN:
            facts.hidden_rows.add(int.from_bytes(data[:2], "little") + 1)
        elif kind == _ERROR and len(data) >= 8 and data[7]:
            code = data[6]
        elif kind == _FORMULA and len(data) >= 14 and data[12:14] == b"\xff\xff" and data[6] == 2:
            code = data[8]
        if code is not None:
            row, column = struct.unpack_from("<HH", data)
            facts.bad_cells[row + 1, column + 1] = ERRORS.get(code, "#ERROR")
        if shown:
            facts.currencies.update(_read_currencies(kind, data, shown))
    return facts


def _read_currencies(
    kind: int, data: bytes, shown: Mapping[int, ShownCurrency]
) -> Iterator[tuple[tuple[int, int], ShownCurrency]]:
    """Yield the currencies that the formats of a record's numbers show, by row and column."""
    if kind in _NUMBERS and len(data) >= 6:
        row, column, style = struct.unpack_from("<HHH", data)
        styles = [style]
    elif kind == _SEVERAL and len(data) >= 6:
        row, column = struct.unpack_from("<HH", data)
        styles = [struct.unpack_from("<H", data, at)[0] for at in range(4, len(data) - 7, 6)]
    else:
        return
    for n, style in enumerate(styles, column + 1):
        if style in shown:
            yield (row + 1, n), shown[style]
