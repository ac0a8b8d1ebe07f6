"""The charts of the report's page."""

from __future__ import annotations

from typing import Final

from openpyxl.chart import BarChart, Reference
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.marker import DataPoint
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.report.look import LIGHT, MIDDLE
from xlsync.workbook.style import UP, lay_bars, layout, lettering, money_chart, paint, place

CHART_ROWS: Final = 15


def before_after(page: Worksheet, header: int, title: str) -> BarChart:
    """Three columns with their amounts above them."""
    chart = money_chart(title)
    chart.add_data(Reference(page, min_col=5, min_row=header, max_row=header + 3), titles_from_data=True)
    chart.set_categories(Reference(page, min_col=2, min_row=header + 1, max_row=header + 3))
    (series,) = chart.series
    paint(series, LIGHT)
    for number, color in enumerate((LIGHT, MIDDLE, UP)):
        point = DataPoint(idx=number)
        paint(point, color)
        series.dPt.append(point)
    labels = DataLabelList(numFmt="#,##0", showVal=True, showSerName=False, showCatName=False)
    labels.showLegendKey = labels.showPercent = False
    labels.dLblPos = "outEnd"
    labels.txPr = lettering()
    series.dLbls = labels
    chart.legend = None
    chart.y_axis.scaling.min = 0
    chart.layout = layout(x=0.13, y=0.18, w=0.84, h=0.7)
    return chart


def bars(
    page: Worksheet, header: int, count: int, columns: tuple[int, int], colors: tuple[str, str], title: str
) -> BarChart:
    """Two series of horizontal bars; the labels stand in the section's first column."""
    chart = money_chart(title)
    is_apart = columns == (9, 10)  # up and down share a bar's place
    chart.overlap, chart.gapWidth = (100, 45) if is_apart else (0, 35)
    first, last = columns
    chart.add_data(
        Reference(page, min_col=first, max_col=last, min_row=header, max_row=header + count),
        titles_from_data=True,
    )
    chart.set_categories(Reference(page, min_col=first - 2, min_row=header + 1, max_row=header + count))
    lay_bars(chart, colors)
    chart.x_axis.txPr = lettering(size=800)
    chart.layout = layout(x=0.03, y=0.22, w=0.93, h=0.75)
    return chart


def add(page: Worksheet, chart: BarChart, column: int, row: int) -> None:
    """Place a chart over four columns, from a column and a row on (1-based)."""
    place(chart, (column - 1, row - 1), (column + 3, row - 1 + CHART_ROWS))
    page.add_chart(chart)
