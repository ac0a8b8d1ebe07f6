"""The charts of the report's page."""

from __future__ import annotations

from typing import Any, Final

from openpyxl.chart import BarChart, Reference
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.layout import Layout, ManualLayout
from openpyxl.chart.marker import DataPoint
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor
from openpyxl.drawing.text import CharacterProperties, Paragraph, ParagraphProperties, RegularTextRun
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.report_look import LIGHT, MIDDLE
from xlsync.template import GREY, INK, RULE, UP

CHART_ROWS: Final = 15


def _look(size: int = 900) -> RichText:
    small = CharacterProperties(sz=size, solidFill=GREY, latin=None)
    return RichText(p=[Paragraph(pPr=ParagraphProperties(defRPr=small), endParaRPr=small)])


def _chart(title: str) -> BarChart:
    chart = BarChart()
    chart.grouping, chart.gapWidth = "clustered", 45
    bold = CharacterProperties(sz=1100, b=True, solidFill=INK)
    heading = Paragraph(pPr=ParagraphProperties(defRPr=bold), r=[RegularTextRun(rPr=bold, t=title)])
    chart.title = Title(tx=Text(rich=RichText(p=[heading])), overlay=False)
    chart.x_axis.txPr = chart.y_axis.txPr = _look()
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.graphicalProperties = GraphicalProperties(ln=LineProperties(solidFill=RULE))
    chart.y_axis.graphicalProperties = GraphicalProperties(ln=LineProperties(noFill=True))
    chart.y_axis.majorGridlines = ChartLines(spPr=GraphicalProperties(ln=LineProperties(solidFill="E6EBEE")))
    chart.y_axis.number_format = "#,##0"
    chart.graphical_properties = GraphicalProperties(ln=LineProperties(solidFill=RULE))
    chart.roundedCorners = False
    return chart


def _paint(series: Any, color: str) -> None:
    series.graphicalProperties = GraphicalProperties(solidFill=color)
    series.graphicalProperties.line = LineProperties(noFill=True)
    series.invertIfNegative = False


def before_after(page: Worksheet, header: int, title: str) -> BarChart:
    """Three columns with their amounts above them."""
    chart = _chart(title)
    chart.add_data(Reference(page, min_col=5, min_row=header, max_row=header + 3), titles_from_data=True)
    chart.set_categories(Reference(page, min_col=2, min_row=header + 1, max_row=header + 3))
    (series,) = chart.series
    _paint(series, LIGHT)
    for number, color in enumerate((LIGHT, MIDDLE, UP)):
        point = DataPoint(idx=number, invertIfNegative=False)
        point.graphicalProperties = GraphicalProperties(solidFill=color)
        point.graphicalProperties.line = LineProperties(noFill=True)
        series.dPt.append(point)
    labels = DataLabelList(numFmt="#,##0", showVal=True, showSerName=False, showCatName=False)
    labels.showLegendKey = labels.showPercent = False
    labels.dLblPos = "outEnd"
    labels.txPr = _look()
    series.dLbls = labels
    chart.legend = None
    chart.y_axis.scaling.min = 0
    chart.layout = Layout(
        manualLayout=ManualLayout(xMode="edge", yMode="edge", x=0.13, y=0.18, w=0.84, h=0.7)
    )
    return chart


def bars(
    page: Worksheet, header: int, count: int, columns: tuple[int, int], colors: tuple[str, str], title: str
) -> BarChart:
    """Two series of horizontal bars; the labels stand in the section's first column."""
    chart = _chart(title)
    chart.type = "bar"
    is_apart = columns == (9, 10)  # up and down share a bar's place
    chart.overlap, chart.gapWidth = (100, 45) if is_apart else (0, 35)
    first, last = columns
    chart.add_data(
        Reference(page, min_col=first, max_col=last, min_row=header, max_row=header + count),
        titles_from_data=True,
    )
    chart.set_categories(Reference(page, min_col=first - 2, min_row=header + 1, max_row=header + count))
    for series, color in zip(chart.series, colors, strict=True):
        _paint(series, color)
    chart.x_axis.scaling.orientation = "maxMin"
    chart.x_axis.tickLblPos = "low"
    chart.x_axis.txPr = _look(800)
    chart.y_axis.crosses = "max"
    chart.legend.position = "t"
    chart.legend.txPr = _look()
    chart.layout = Layout(
        manualLayout=ManualLayout(xMode="edge", yMode="edge", x=0.03, y=0.22, w=0.93, h=0.75)
    )
    return chart


def add(page: Worksheet, chart: BarChart, column: int, row: int) -> None:
    """Place a chart over four columns, from a column and a row on (1-based)."""
    corners = [
        AnchorMarker(col=column - 1, row=row - 1),
        AnchorMarker(col=column + 3, row=row - 1 + CHART_ROWS),
    ]
    chart.anchor = TwoCellAnchor(editAs="oneCell", _from=corners[0], to=corners[1])  # type: ignore[assignment]
    page.add_chart(chart)
