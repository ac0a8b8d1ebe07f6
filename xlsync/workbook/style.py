"""How xlsync's workbooks look: their colours, the letters, grounds and edges of cells, and pages on paper."""

from __future__ import annotations

from typing import Final

from openpyxl.styles import Border, Font, PatternFill, Side
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableStyleInfo
from openpyxl.worksheet.worksheet import Worksheet

INK: Final = "1F3442"
SLATE: Final = "2F4B5C"
GREY: Final = "7B8A94"
FAINT: Final = "B8C2C9"
PALE: Final = "F3F6F8"
RULE: Final = "D5DDE2"
INPUT: Final = "FFF8E1"
INPUT_EDGE: Final = "EADFB8"
INPUT_HEAD: Final = "9C6F1B"
GREEN: Final = ("DDF0E3", "1E6B3C")  # ground and letters of what has a meaning
AMBER: Final = ("FCE9C9", "8A5A00")
RED: Final = ("F9DEDA", "9C2F20")
BLUE: Final = ("DCE9F7", "1F5A94")
VIOLET: Final = ("E9E1F5", "5B3A8C")
DIM: Final = ("ECEFF1", "66757F")
IDLE: Final = ("FFFFFF", FAINT)
UP: Final = "4C9A6A"
DOWN: Final = "D08A3C"
FONT: Final = "Calibri"


def fill(color: str) -> PatternFill:
    """A cell's ground."""
    return PatternFill("solid", start_color=f"FF{color}", end_color=f"FF{color}")


def font(color: str = INK, size: float = 10, *, bold: bool = False) -> Font:
    """A cell's letters."""
    return Font(name=FONT, size=size, bold=bold, color=f"FF{color}")


def edge(color: str = RULE) -> Side:
    """A thin line at a cell's side."""
    return Side(style="thin", color=f"FF{color}")


def frame(color: str) -> Border:
    """A thin line all around a cell."""
    return Border(left=edge(color), right=edge(color), top=edge(color), bottom=edge(color))


def add_table(page: Worksheet, name: str, reference: str) -> None:
    """Make these cells a table, with filters and without stripes."""
    table = Table(displayName=name, ref=reference)
    table.tableStyleInfo = TableStyleInfo(
        name="TableStyleLight1", showRowStripes=False, showColumnStripes=False
    )
    page.add_table(table)


def print_setup(page: Worksheet, title: str) -> None:
    """Landscape, as wide as the paper, with what it is and which page below."""
    page.page_setup.orientation = "landscape"
    page.page_setup.paperSize = 9  # A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.page_margins.left = page.page_margins.right = 0.4
    page.page_margins.top = page.page_margins.bottom = 0.5
    footer = page.oddFooter
    footer.left.text, footer.right.text = f"xlsync – {title}", "&P / &N"  # type: ignore[union-attr]
