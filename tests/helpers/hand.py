"""A workbook opened and edited as by a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet

LINES, MISMATCHES, NEW = "Billing Lines", "Mismatches", "New in ConnectWise"


class Hand:
    """A workbook opened by a person: cells are found by sheet, row key and header."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.book = openpyxl.load_workbook(path)

    def sheet(self, title: str) -> Worksheet:
        found = self.book[title]
        assert isinstance(found, Worksheet)
        return found

    def columns(self, title: str) -> dict[str, int]:
        """1-based columns by header."""
        for line in self.sheet(title).iter_rows(min_row=1, max_row=20):
            if {"Line Key", "Row Key"} & {cell.value for cell in line}:
                return {str(cell.value): cell.column for cell in line if cell.value}
        raise KeyError(title)

    def rows(self, title: str) -> dict[str, int]:
        """1-based rows by key."""
        columns = self.columns(title)
        key = columns.get("Line Key") or columns["Row Key"]
        sheet = self.sheet(title)
        found = {str(sheet.cell(row, key).value): row for row in range(2, sheet.max_row + 1)}
        return {key: row for key, row in found.items() if key not in {"None", "Line Key", "Row Key"}}

    def cell(self, title: str, key: str, header: str) -> Cell:
        found = self.sheet(title).cell(self.rows(title)[key], self.columns(title)[header])
        assert isinstance(found, Cell)
        return found

    def get(self, title: str, key: str, header: str) -> Any:
        return self.cell(title, key, header).value

    def set(self, title: str, key: str, cells: Mapping[str, Any]) -> None:
        for header, value in cells.items():
            self.cell(title, key, header).value = value

    def approve(self, *keys: str, **cells: Any) -> None:
        """Say Yes on rows of *Mismatches* or *New in ConnectWise*."""
        for key in keys:
            title = MISMATCHES if key in self.rows(MISMATCHES) else NEW
            self.set(
                title, key, {**{name.replace("_", " "): v for name, v in cells.items()}, "Approve": "Yes"}
            )

    def column(self, title: str, header: str) -> dict[str, Any]:
        """A column's values by row key."""
        sheet, column = self.sheet(title), self.columns(title)[header]
        return {key: sheet.cell(row, column).value for key, row in self.rows(title).items()}

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
        lists = self.sheet("Lists")
        (column,) = (cell.column for cell in lists[1] if cell.value == header)
        return [lists.cell(row, column).value for row in range(2, lists.max_row + 1)]

    def save(self) -> None:
        self.book.save(self.path)


def day(text: str) -> dt.datetime:
    """A day as openpyxl reads and writes one."""
    return dt.datetime.fromisoformat(text)
