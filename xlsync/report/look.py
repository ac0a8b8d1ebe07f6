"""How a report looks beside the workbook: its greys, text that stays text, and room for a footer on paper."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from openpyxl.cell.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.workbook.style import print_setup
from xlsync.xlsx.cells import clean_text

MONEY: Final = "#,##0.00"
LIGHT, MIDDLE = "C3CDD3", "8CA0AC"
Content = str | Decimal | int | None


def put(page: Worksheet, row: int, column: int, content: Content) -> Cell:
    """A value into a cell (1-based); text is always text, whatever it begins with."""
    cell = page.cell(row, column)
    assert isinstance(cell, Cell)  # noqa: S101 - the first of merged cells is one
    if isinstance(content, str):
        cell.value = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", clean_text(content))
        cell.data_type = "s"
        cell.quotePrefix = content.startswith(("=", "+", "-", "@", "'"))
    else:
        cell.value = content
    return cell


def print_report(page: Worksheet, title: str) -> None:
    """Set up a page for paper."""
    print_setup(page, title)
    page.page_margins.bottom, page.page_margins.footer = 0.7, 0.3
