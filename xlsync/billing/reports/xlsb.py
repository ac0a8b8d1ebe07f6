"""What the records of an .xlsb say of its cells beside the values that python-calamine reads. PURE."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Final

from xlsync.billing.reports.number_formats import ShownCurrency, shown_by_format
from xlsync.billing.reports.sheet_facts import ERRORS, SheetFacts, shown_by_styles

_ROW: Final = 0
_ERRORS: Final = frozenset({3, 11})  # a cell's, a formula's
_SHEET: Final = 156
_HIDDEN: Final = 0x10
_FORMAT: Final = 44
_STYLE: Final = 47
_STYLES: Final = (617, 618)  # where those of cells begin and end
_NUMBERS: Final = frozenset({2, 5, 9})


def facts_in_xlsb(parts: Mapping[str, bytes], paths: Mapping[str, str]) -> dict[str, SheetFacts]:
    """Return the facts of each sheet of an .xlsb by its name; `paths` are the sheets' parts by relation."""
    shown = _shown_by_styles(parts.get("xl/styles.bin", b""))
    facts: dict[str, SheetFacts] = {}
    for kind, data in _records(parts.get("xl/workbook.bin", b"")):
        if kind == _SHEET:
            relation, at = _text(data, 8)
            name, _ = _text(data, at)
            facts[name] = _read_facts(_records(parts.get(paths.get(relation, ""), b"")), shown)
    return facts


def _shown_by_styles(part: bytes) -> dict[int, ShownCurrency]:
    """Return the currencies that the styles of cells show, by the number of the style."""
    formats: dict[int, ShownCurrency | None] = {}
    styles: list[int] = []
    is_of_cells = False
    for kind, data in _records(part):
        if kind == _FORMAT and len(data) >= 6:
            (number,) = struct.unpack_from("<H", data)
            formats[number] = shown_by_format(number, _text(data, 2)[0])
        elif kind in _STYLES:
            is_of_cells = kind == _STYLES[0]
        elif kind == _STYLE and is_of_cells and len(data) >= 4:
            styles.append(struct.unpack_from("<H", data, 2)[0])
    return shown_by_styles(formats, styles)


def _text(data: bytes, at: int) -> tuple[str, int]:
    """Return a text and the place after it."""
    (length,) = struct.unpack_from("<I", data, at)
    end = at + 4 + 2 * length
    return data[at + 4 : end].decode("utf-16-le", errors="replace"), end


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the records of a part, each with the number of its kind."""
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


def _read_facts(records: Iterator[tuple[int, bytes]], shown: Mapping[int, ShownCurrency]) -> SheetFacts:
    facts = SheetFacts()
    row = 1
    for kind, data in records:
        if kind == _ROW and len(data) >= 4:
            row = int.from_bytes(data[:4], "little") + 1
            if len(data) >= 12 and data[11] & _HIDDEN:
                facts.hidden_rows.add(row)
        elif kind in _ERRORS and len(data) >= 9:
            (column,) = struct.unpack_from("<I", data)
            facts.bad_cells[row, column + 1] = ERRORS.get(data[8], "#ERROR")
        elif kind in _NUMBERS and len(data) >= 8:
            column, style = struct.unpack_from("<II", data)
            if (style := style & 0xFFFFFF) in shown:
                facts.currencies[row, column + 1] = shown[style]
    return facts
