"""Charts of money, as *Start* and the report show them."""

from __future__ import annotations

from typing import Any

from openpyxl.chart import BarChart
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.layout import Layout, ManualLayout
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor
from openpyxl.drawing.text import CharacterProperties, Paragraph, ParagraphProperties, RegularTextRun

from xlsync.workbook.style import GREY, INK, RULE


def money_chart(title: str) -> BarChart:
    """An empty chart of columns with a title; the money is told in whole units."""
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


def lay_bars(chart: BarChart, colors: tuple[str, str]) -> None:
    """Turn a chart's two series into bars from the top down, their names at the left and the legend above."""
    chart.type = "bar"
    for series, color in zip(chart.series, colors, strict=True):
        paint(series, color)
    chart.x_axis.scaling.orientation = "maxMin"
    chart.x_axis.tickLblPos = "low"
    chart.y_axis.crosses = "max"
    chart.legend.position = "t"
    chart.legend.txPr = lettering()


def paint(series: Any, color: str) -> None:
    """Give a series, or a point of one, its colour; the same for negative money."""
    series.graphicalProperties = GraphicalProperties(solidFill=color)
    series.graphicalProperties.line = LineProperties(noFill=True)
    series.invertIfNegative = False


def lettering(color: str = GREY, size: int = 900) -> RichText:
    """A chart's letters, in hundredths of a point."""
    small = CharacterProperties(sz=size, solidFill=color, latin=None)
    return RichText(p=[Paragraph(pPr=ParagraphProperties(defRPr=small), endParaRPr=small)])


def layout(*, x: float, y: float, w: float, h: float) -> Layout:
    """Where within its chart the plot stands, as parts of the whole."""
    return Layout(manualLayout=ManualLayout(xMode="edge", yMode="edge", x=x, y=y, w=w, h=h))


def place(chart: BarChart, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Let a chart reach from the corner of one cell (0-based column and row) to that of another."""
    corners = [AnchorMarker(col=column, row=row) for column, row in (start, end)]
    chart.anchor = TwoCellAnchor(editAs="oneCell", _from=corners[0], to=corners[1])  # type: ignore[assignment]
