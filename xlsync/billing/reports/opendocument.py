"""What an OpenDocument says of its cells beside the values that python-calamine reads. PURE."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

from xlsync.billing.reports.number_formats import ShownCurrency, currency_shown
from xlsync.billing.reports.sheet_facts import SheetFacts

_TABLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_OFFICE: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_CALC: Final = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_NUMBERS: Final = frozenset({"currency", "float"})
_CURRENCY: Final = re.compile(
    'value-type="float"[^>]*><text:p>(?:<text:s[^>]*>)?[^<]*?(?:[A-Z]{3}|[$€£])'.encode()
)
_OF_CELLS: Final = (b"rows-spanned", b'value-type="error"')
_MOST_REPEATED: Final = 10_000  # rows of one element that count: those under all cells go to the sheet's last


def facts_in_opendocument(content: bytes) -> dict[str, SheetFacts]:
    """Return the facts of each sheet of an OpenDocument by its name, out of its `content.xml`.

    Rows that are filtered out are hidden.
    """
    shows_currencies = b"office:currency=" in content or _CURRENCY.search(content) is not None
    tells_of_cells = shows_currencies or any(mark in content for mark in _OF_CELLS)
    if not tells_of_cells and b"visibility=" not in content:
        return {}
    by_sheet: dict[str, SheetFacts] = {}
    for sheet in ET.fromstring(content).iter(f"{_TABLE}table"):  # noqa: S314 - expat bounds entities
        facts = by_sheet.setdefault(sheet.get(f"{_TABLE}name", ""), SheetFacts())
        row = 1
        for one in sheet.iter(f"{_TABLE}table-row"):
            height = int(one.get(f"{_TABLE}number-rows-repeated", "1"))
            rows = range(row, row + min(height, _MOST_REPEATED))
            if one.get(f"{_TABLE}visibility", "visible") != "visible":
                facts.hidden_rows.update(rows)
            if tells_of_cells:
                _read_cells(facts, one, rows, shows_currencies=shows_currencies)
            row += height
    return by_sheet


def _read_cells(facts: SheetFacts, cells: ET.Element, rows: range, *, shows_currencies: bool) -> None:
    """Add what the cells of an element say; it stands for one row, or for several that are alike."""
    column = 1
    for cell in cells:
        width = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
        if cell.get(f"{_CALC}value-type") == "error":
            facts.bad_cells[rows[0], column] = _text_of(cell) or "#ERROR"
        over = [int(cell.get(f"{_TABLE}number-{what}-spanned", "1")) for what in ("rows", "columns")]
        if over != [1, 1]:
            facts.merged.append((rows[0], column, rows[0] + over[0] - 1, column + over[1] - 1))
        if shows_currencies and (currency := _currency_of(cell)):
            columns = range(column, column + width)
            facts.currencies.update(((row, column), currency) for row in rows for column in columns)
        column += width


def _currency_of(cell: ET.Element) -> ShownCurrency | None:
    """Return the currency that a number shows.

    A `$` that counts as that of the United States may be any: programs write it where nobody has chosen one.
    """
    if cell.get(f"{_OFFICE}value-type") not in _NUMBERS:
        return None
    shown, code = currency_shown(_text_of(cell)), cell.get(f"{_OFFICE}currency", "")
    sign = shown if (shown, code) == ("$", "USD") else code or shown
    return ShownCurrency(sign, sign != "$") if sign else None


def _text_of(cell: ET.Element) -> str:
    return "".join(part for p in cell.iter(f"{_TEXT}p") for part in p.itertext())
