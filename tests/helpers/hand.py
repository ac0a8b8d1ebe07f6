"""A workbook opened and edited as by a person."""

from __future__ import annotations

import datetime as dt
import functools
import io
import re
import zipfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, unescape

import openpyxl
from openpyxl.cell import Cell
from openpyxl.utils import column_index_from_string, coordinate_to_tuple, get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook

LINES, MISMATCHES, NEW = "Billing Lines", "Mismatches", "New in ConnectWise"
_EMPTY = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/></worksheet>'
)
_FIRST_DAY = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook knows no time zones


class Hand:
    """A workbook opened by a person: cells are found by sheet, row key and header.

    A hand that only looks at values and types into cells reads with calamine and changes nothing but those
    cells in the file, which takes a tenth of the time. A hand that asks for a sheet, a cell or the book gets
    openpyxl's, and openpyxl saves the file. A hand that only looks gets a sheet alone, without the others.
    """

    def __init__(self, path: Path, *, only_looks: bool = False) -> None:
        self.path = path
        self._only_looks = only_looks
        self._typed: dict[tuple[str, int, int], Any] = {}
        self._read: dict[str, list[list[Any]]] = {}
        self._alone: dict[str, Worksheet] = {}
        self._columns: dict[str, dict[str, int]] = {}
        self._rows: dict[str, dict[str, int]] = {}

    @functools.cached_property
    def book(self) -> openpyxl.Workbook:
        book = openpyxl.load_workbook(self.path)
        for (title, row, column), value in self._typed.items():
            book[title].cell(row, column).value = value
        return book

    @property
    def _is_openpyxl(self) -> bool:
        return "book" in self.__dict__

    def _values(self, title: str) -> list[list[Any]]:
        if title not in self._read:
            with CalamineWorkbook.from_path(str(self.path)) as book:
                self._read[title] = book.get_sheet_by_name(title).to_python(skip_empty_area=False)
        return self._read[title]

    def sheet(self, title: str) -> Worksheet:
        if self._only_looks and not self._typed and not self._is_openpyxl:
            if title not in self._alone:
                self._alone[title] = _sheet_alone(self.path, title)
            return self._alone[title]
        found = self.book[title]
        assert isinstance(found, Worksheet)
        return found

    def _value(self, title: str, row: int, column: int) -> Any:
        if self._is_openpyxl:
            return self.sheet(title).cell(row, column).value
        if (title, row, column) in self._typed:
            return self._typed[title, row, column]
        line = self._values(title)[row - 1] if row <= len(self._values(title)) else []
        return _as_openpyxl(line[column - 1]) if column <= len(line) else None

    def _height(self, title: str) -> int:
        if self._is_openpyxl:
            return self.sheet(title).max_row
        return len(self._values(title))

    def columns(self, title: str) -> dict[str, int]:
        """1-based columns by header."""
        if title not in self._columns or self._is_openpyxl:
            self._columns[title] = self._find_columns(title)
        return self._columns[title]

    def _find_columns(self, title: str) -> dict[str, int]:
        for row in range(1, min(20, self._height(title)) + 1):
            width = (
                len(self._values(title)[row - 1]) if not self._is_openpyxl else self.sheet(title).max_column
            )
            line = {self._value(title, row, column): column for column in range(1, width + 1)}
            if {"Line Key", "Row Key"} & line.keys():
                return {str(value): column for value, column in line.items() if value}
        raise KeyError(title)

    def rows(self, title: str) -> dict[str, int]:
        """1-based rows by key."""
        if title not in self._rows or self._is_openpyxl:
            key = self._column_of_keys(title)
            found = {str(self._value(title, row, key)): row for row in range(2, self._height(title) + 1)}
            no_keys = {"None", "Line Key", "Row Key"}
            self._rows[title] = {key: row for key, row in found.items() if key not in no_keys}
        return self._rows[title]

    def _column_of_keys(self, title: str) -> int:
        columns = self.columns(title)
        return columns.get("Line Key") or columns["Row Key"]

    def cell(self, title: str, key: str, header: str) -> Cell:
        found = self.sheet(title).cell(self.rows(title)[key], self.columns(title)[header])
        assert isinstance(found, Cell)
        return found

    def place(self, title: str, key: str, header: str) -> str:
        """Where a cell stands, as messages name it."""
        return f"{title}!{get_column_letter(self.columns(title)[header])}{self.rows(title)[key]}"

    def at(self, title: str, place: str) -> Any:
        """The value of a cell by its letters and number."""
        return self._value(title, *coordinate_to_tuple(place))

    def put(self, title: str, place: str, value: Any) -> None:
        """Type into a cell by its letters and number."""
        if isinstance(value, dt.datetime):  # outside the tables no cell has the format of a date
            self.sheet(title)[place].value = value
        else:
            self._type(title, *coordinate_to_tuple(place), value)

    def get(self, title: str, key: str, header: str) -> Any:
        return self._value(title, self.rows(title)[key], self.columns(title)[header])

    def set(self, title: str, key: str, cells: Mapping[str, Any]) -> None:
        row, columns = self.rows(title)[key], self.columns(title)
        for header, value in cells.items():
            self._type(title, row, columns[header], value)

    def _type(self, title: str, row: int, column: int, value: Any) -> None:
        if self._is_openpyxl or not _is_plain(value):
            self.sheet(title).cell(row, column).value = value
        else:
            self._typed[title, row, column] = value
            rows = self._rows.get(title, {})
            if row not in rows.values() or column == self._column_of_keys(title):
                self._rows.pop(title, None)  # to be looked for anew
                self._columns.pop(title, None)

    def approve(self, *keys: str, **cells: Any) -> None:
        """Say Yes on rows of *Mismatches* or *New in ConnectWise*."""
        for key in keys:
            title = MISMATCHES if key in self.rows(MISMATCHES) else NEW
            self.set(
                title, key, {**{name.replace("_", " "): v for name, v in cells.items()}, "Approve": "Yes"}
            )

    def column(self, title: str, header: str) -> dict[str, Any]:
        """A column's values by row key."""
        column = self.columns(title)[header]
        return {key: self._value(title, row, column) for key, row in self.rows(title).items()}

    def line(self, customer: str, product: str = "") -> str:
        """The key of the one billing line of a customer (or whose ever) and product."""
        customers, products = self.column(LINES, "Customer"), self.column(LINES, "Product")
        found = [
            k for k, name in customers.items() if customer in {"", name} and product in (products[k] or "")
        ]
        assert len(found) == 1, found
        return found[0]

    def offered(self, header: str) -> list[Any]:
        """The entries of a dropdown."""
        (column,) = (i for i, name in enumerate(self._values("Lists")[0], start=1) if name == header)
        return [self._value("Lists", row, column) for row in range(2, self._height("Lists") + 1)]

    def save(self) -> None:
        assert not self._alone, "what is done to a sheet alone is not saved"
        if self._is_openpyxl or (self._typed and not _type_into(self.path, self._typed)):
            self.book.save(self.path)


def _as_openpyxl(value: Any) -> Any:
    """Return a value that calamine read in the form in which openpyxl reads it."""
    match value:
        case "":
            return None
        case float() if value.is_integer():
            return int(value)
        case dt.date() if not isinstance(value, dt.datetime):
            return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001
    return value


def _is_plain(value: Any) -> bool:
    """Tell whether a value can be typed without a format of its own, and every character of it."""
    match value:
        case None | bool() | int() | float() | Decimal() | dt.datetime():
            return True
        case str():
            return value.isprintable()
    return False


def _parts_of_sheets(content: Mapping[str, bytes]) -> dict[str, str]:
    """The part that each sheet stands in, by its title."""
    book, relations = content["xl/workbook.xml"].decode(), content["xl/_rels/workbook.xml.rels"].decode()
    targets = {}
    for relation in re.findall(r"<Relationship [^>]*>", relations):
        identifier, target = (re.search(rf'\b{name}="([^"]*)"', relation) for name in ("Id", "Target"))
        if identifier and target:
            targets[identifier[1]] = "xl/" + target[1].removeprefix("/xl/")
    names = re.findall(r'<(?:\w+:)?sheet [^>]*?name="([^"]*)"[^>]*?r:id="([^"]*)"', book)
    return {unescape(title, {"&apos;": "'", "&quot;": '"'}): targets[id_] for title, id_ in names}


def _sheet_alone(path: Path, title: str) -> Worksheet:
    """A sheet as openpyxl reads it where all others are empty."""
    with zipfile.ZipFile(path) as book:
        content = {name: book.read(name) for name in book.namelist()}
    for other, part in _parts_of_sheets(content).items():
        if other != title:
            content[part] = _EMPTY
            content.pop(part.replace("worksheets/", "worksheets/_rels/") + ".rels", None)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as book:
        for name, part_content in content.items():
            book.writestr(name, part_content)
    found = openpyxl.load_workbook(buffer)[title]
    assert isinstance(found, Worksheet)
    return found


def _type_into(path: Path, typed: Mapping[tuple[str, int, int], Any]) -> bool:
    """Change nothing but the typed cells of a workbook; False where its sheets are not as usual."""
    with zipfile.ZipFile(path) as book:
        parts = {entry: book.read(entry) for entry in book.infolist()}
    by_name = {entry.filename: text for entry, text in parts.items()}
    of_sheets = _parts_of_sheets(by_name)
    for (title, row, column), value in typed.items():
        part = of_sheets.get(title, "")
        sheet = _with_cell(by_name[part].decode(), row, column, value) if part in by_name else None
        if sheet is None:
            return False
        by_name[part] = sheet.encode()
    with zipfile.ZipFile(path, "w") as book:
        for entry in parts:  # not compressed, which would take most of the time, here and in the next command
            book.writestr(entry, by_name[entry.filename], zipfile.ZIP_STORED)
    return True


def _with_cell(sheet: str, row: int, column: int, value: Any) -> str | None:
    """Put a value into one cell of a sheet's XML; None where its row is not written as usual."""
    line = re.search(rf'<row [^>]*?\br="{row}"[^>]*?(?<!/)>(.*?)</row>', sheet, re.DOTALL)
    if line is None:
        return None
    name = f"{get_column_letter(column)}{row}"
    start = line.end(1)
    end = start
    style = ""
    for cell in re.finditer(r'<c r="([A-Z]+)\d+"([^>]*?)(?:/>|>.*?</c>)', line[1], re.DOTALL):
        place = column_index_from_string(cell[1])
        if place >= column:
            start, end = (
                line.start(1) + cell.start(),
                line.start(1) + (cell.end() if place == column else cell.start()),
            )
            found = re.search(r'\bs="\d+"', cell[2]) if place == column else None
            style = f" {found[0]}" if found else ""
            break
    return sheet[:start] + f'<c r="{name}"{style}{_content(value)}' + sheet[end:]


def _content(value: Any) -> str:
    """The rest of a cell's element after its style."""
    match value:
        case None:
            return "/>"
        case bool():
            return f' t="b"><v>{int(value)}</v></c>'
        case str() if value.startswith("="):
            return f"><f>{escape(value[1:])}</f></c>"
        case str():
            return f' t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
        case dt.datetime():
            return f"><v>{(value - _FIRST_DAY) / dt.timedelta(days=1):.10g}</v></c>"
    return f"><v>{value}</v></c>"


def day(text: str) -> dt.datetime:
    """A day as openpyxl reads and writes one."""
    return dt.datetime.fromisoformat(text)
