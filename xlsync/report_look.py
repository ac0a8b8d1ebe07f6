"""How a report looks: fonts, fills and edges of its cells, text that stays text, and its pages on paper."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from openpyxl.cell.cell import Cell
from openpyxl.styles import Font, PatternFill, Side
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.cells import clean_text
from xlsync.template import FONT, INK, RULE

MONEY: Final = "#,##0.00"
LIGHT, MIDDLE, FAINT = "C3CDD3", "8CA0AC", "B8C2C9"
Content = str | Decimal | int | None


def fill(color: str) -> PatternFill:
    """A cell's ground."""
    return PatternFill("solid", start_color=f"FF{color}", end_color=f"FF{color}")


def font(color: str = INK, size: float = 10, *, bold: bool = False) -> Font:
    """A cell's letters."""
    return Font(name=FONT, size=size, bold=bold, color=f"FF{color}")


def edge(color: str = RULE) -> Side:
    """A thin line at a cell's side."""
    return Side(style="thin", color=f"FF{color}")


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


def print_setup(page: Worksheet, title: str) -> None:
    """Landscape, as wide as the paper, with what it is and which page below."""
    page.page_setup.orientation = "landscape"
    page.page_setup.paperSize = 9  # A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.page_margins.left = page.page_margins.right = 0.4
    page.page_margins.top, page.page_margins.bottom, page.page_margins.footer = 0.5, 0.7, 0.3
    footer = page.oddFooter
    footer.left.text, footer.right.text = f"xlsync – {title}", "&P / &N"  # type: ignore[union-attr]
