"""The style of xlsync's workbooks: colours, fonts, fills and borders of cells, charts, and page setup."""

from __future__ import annotations

import re
from decimal import Decimal
from html import escape
from math import ceil
from typing import Any, Final

from openpyxl.cell.cell import Cell
from openpyxl.chart import BarChart
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.layout import Layout, ManualLayout
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor
from openpyxl.drawing.text import CharacterProperties, Paragraph, ParagraphProperties, RegularTextRun
from openpyxl.styles import Border, Font, PatternFill, Side
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableStyleInfo
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.xlsx.cells import clean_text

MONEY: Final = "#,##0.00"
PAD: Final = "_)_)"  # space after numbers: LibreOffice loses an indent beside coloured cells
LIGHT, MIDDLE = "C3CDD3", "8CA0AC"
Content = str | Decimal | int | None

INK: Final = "1F3442"
SLATE: Final = "2F4B5C"
GREY: Final = "5E6C76"
FAINT: Final = "68747D"
PALE: Final = "F3F6F8"
RULE: Final = "D5DDE2"
INPUT: Final = "FFF8E1"
INPUT_EDGE: Final = "EADFB8"
INPUT_HEAD: Final = "8A6114"
GREEN: Final = ("DDF0E3", "1E6B3C")  # fill and font colour of cells with a meaning
AMBER: Final = ("FCE9C9", "8A5A00")
RED: Final = ("F9DEDA", "9C2F20")
BLUE: Final = ("DCE9F7", "1F5A94")
VIOLET: Final = ("E9E1F5", "5B3A8C")
DIM: Final = ("ECEFF1", "56646D")
IDLE: Final = ("FFFFFF", FAINT)
UP: Final = "4C9A6A"
DOWN: Final = "D08A3C"
FONT: Final = "Calibri"


def fill(color: str) -> PatternFill:
    """Return a solid fill of a colour."""
    return PatternFill("solid", start_color=f"FF{color}", end_color=f"FF{color}")


CHARACTERS_ACROSS: Final = 138  # of the columns on A4 across, at 100 %
PAGE_HEIGHT: Final = 500  # points of rows on it
SMALLEST_SCALE: Final = 80


def font(color: str = INK, size: float = 10, *, bold: bool = False) -> Font:
    """Return the font of a cell; `size` is in points."""
    return Font(name=FONT, size=size, bold=bold, color=f"FF{color}")


def edge(color: str = RULE) -> Side:
    """Return a thin line for one side of a cell."""
    return Side(style="thin", color=f"FF{color}")


def frame(color: str) -> Border:
    """Return a thin line for all sides of a cell."""
    return Border(left=edge(color), right=edge(color), top=edge(color), bottom=edge(color))


def add_table(page: Worksheet, name: str, reference: str) -> None:
    """Make the cells of a reference a table, with filters and without stripes."""
    table = Table(displayName=name, ref=reference)
    table.tableStyleInfo = TableStyleInfo(
        name="TableStyleLight1", showRowStripes=False, showColumnStripes=False
    )
    page.add_table(table)


def print_setup(page: Worksheet, title: str) -> None:
    """Set a page up for paper: landscape, fitted to the width, with title and page number in the footer."""
    page.page_setup.orientation = "landscape"
    page.page_setup.paperSize = 9  # A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.page_margins.left = page.page_margins.right = 0.4
    page.page_margins.top = page.page_margins.bottom = 0.5
    footer = page.oddFooter
    footer.left.text, footer.right.text = f"xlsync – {title}", "&P / &N"  # type: ignore[union-attr]


def money_chart(title: str) -> BarChart:
    """Make an empty column chart with a title; money is shown without cents."""
    chart = BarChart()
    chart.grouping, chart.gapWidth = "clustered", 45
    bold = CharacterProperties(sz=1100, b=True, solidFill=INK)
    heading = Paragraph(pPr=ParagraphProperties(defRPr=bold), r=[RegularTextRun(rPr=bold, t=title)])
    chart.title = Title(tx=Text(rich=RichText(p=[heading])), overlay=False)
    chart.x_axis.txPr = chart.y_axis.txPr = lettering()
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.graphicalProperties = GraphicalProperties(ln=LineProperties(solidFill=RULE))
    chart.y_axis.graphicalProperties = GraphicalProperties(ln=LineProperties(noFill=True))
    chart.y_axis.majorGridlines = ChartLines(spPr=GraphicalProperties(ln=LineProperties(solidFill="E6EBEE")))
    chart.y_axis.number_format = "#,##0"
    chart.graphical_properties = GraphicalProperties(ln=LineProperties(solidFill=RULE))
    chart.roundedCorners = False
    return chart


def lay_bars(chart: BarChart, colors: tuple[str, ...]) -> None:
    """Turn a chart into horizontal bars from the top down, with names at the left and the legend above."""
    chart.type = "bar"
    for series, color in zip(chart.series, colors, strict=True):
        paint(series, color)
    chart.x_axis.scaling.orientation = "maxMin"
    chart.x_axis.tickLblPos = "low"
    chart.y_axis.crosses = "max"
    chart.legend.position = "t"
    chart.legend.txPr = lettering()


def paint(series: Any, color: str) -> None:
    """Set the colour of a series or point, also for negative money."""
    series.graphicalProperties = GraphicalProperties(solidFill=color)
    series.graphicalProperties.line = LineProperties(noFill=True)
    series.invertIfNegative = False


def lettering(color: str = GREY, size: int = 900) -> RichText:
    """Return the text style of a chart; `size` is in hundredths of a point."""
    small = CharacterProperties(sz=size, solidFill=color, latin=None)
    return RichText(p=[Paragraph(pPr=ParagraphProperties(defRPr=small), endParaRPr=small)])


def layout(*, x: float, y: float, w: float, h: float) -> Layout:
    """Return the place of the plot within its chart, as fractions of the chart."""
    return Layout(manualLayout=ManualLayout(xMode="edge", yMode="edge", x=x, y=y, w=w, h=h))


def place(chart: BarChart, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Anchor a chart from the corner of one cell (0-based column and row) to the corner of another."""
    corners = [AnchorMarker(col=column, row=row) for column, row in (start, end)]
    chart.anchor = TwoCellAnchor(editAs="oneCell", _from=corners[0], to=corners[1])  # type: ignore[assignment]


def with_alternative_texts(drawing: bytes, *texts: str) -> bytes:
    """Add alternative texts to the charts of a drawing's XML, in their order."""
    waiting = iter(texts)

    def with_text(match: re.Match[bytes]) -> bytes:
        return match[1] + f' descr="{escape(next(waiting, ""))}"'.encode() + match[2]

    return re.sub(rb'(<(?:\w+:)?cNvPr [^>]*?name="Chart \d+")([^>]*>)', with_text, drawing)


def put(page: Worksheet, row: int, column: int, content: Content) -> Cell:
    """Put a value into a cell (1-based row and column); a text is never taken for a formula."""
    cell = page.cell(row, column)
    assert isinstance(cell, Cell)  # noqa: S101 - the first of merged cells is one
    if isinstance(content, str):
        cell.value = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", clean_text(content))
        cell.data_type = "s"
        cell.quotePrefix = content.startswith(("=", "+", "-", "@", "'"))
    else:
        cell.value = content
    return cell


def print_report(page: Worksheet, title: str, width: float) -> None:
    """Set a page of the report up for paper: as wide as the paper, with breaks that leave no short last page.

    `width` is that of its columns in characters. Letters of 10 points are printed with at least 8.
    """
    print_setup(page, title)
    page.page_margins.bottom, page.page_margins.footer = 0.7, 0.3
    page.page_margins.left = page.page_margins.right = 0.3
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=False)
    page.page_setup.fitToWidth = page.page_setup.fitToHeight = None
    page.page_setup.scale = max(SMALLEST_SCALE, min(100, int(CHARACTERS_ACROSS * 100 / width)))


def break_evenly(page: Worksheet, first: int, last: int, head: float) -> None:
    """Spread the rows `first` to `last` evenly over as many pages as they need, below a repeated head."""
    heights = {row: page.row_dimensions[row].height or 15.0 for row in range(first, last + 1)}
    room = PAGE_HEIGHT * 100 / (page.page_setup.scale or 100) - head
    total = sum(heights.values())
    pages = max(1, ceil(total / (room - max(heights.values()))) if total > room else 1)
    filled, broken = 0.0, 1
    for row, height in heights.items():
        if broken < pages and filled + height / 2 > broken * total / pages:
            page.row_breaks.append(Break(id=row - 1))
            broken += 1
        filled += height
