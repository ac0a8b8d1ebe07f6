"""The report as a workbook: one page with the month, its charts, and the sheets behind it; and as a PDF.

A report is nobody's to edit: it is made anew each time, over an earlier report but over nothing else.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
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
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableStyleInfo
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.cells import clean_text, letters
from xlsync.errors import XlsyncError
from xlsync.figures import Group
from xlsync.ledger import Written
from xlsync.models import Month
from xlsync.plan import State
from xlsync.report import KindTotal, OpenRow, Report
from xlsync.template import (
    AMBER,
    DIM,
    DOWN,
    FONT,
    GREEN,
    GREY,
    INK,
    PALE,
    RED,
    RULE,
    SLATE,
    TABLE_STYLE,
    UP,
    VIOLET,
)

OVERVIEW: Final = "Report"
_MARK: Final = "xlsync report"  # the title in the file's properties
_TOP: Final = 10
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_MONEY: Final = "#,##0.00"
_UNITS: Final = "#,##0.####"
_LIGHT, _MIDDLE, _FAINT = "C3CDD3", "8CA0AC", "B8C2C9"
_STATES: Final = {
    str(State.DONE): GREEN,
    str(State.SKIPPED): AMBER,
    str(State.FAILED): RED,
    str(State.UNKNOWN): VIOLET,
}
Kind = Literal["text", "long", "money", "units", "count", "rate"]
Content = str | Decimal | int | None


def month_name(month: str) -> str:
    """`October 2026` for `2026-10`."""
    found = Month.parse(month)
    return f"{_MONTHS[found.month - 1]} {found.year}"


def write_report(report: Report, path: Path, made_at: str) -> None:
    """Write the report there; raises XlsyncError where something else stands there, or it is open."""
    if path.exists() and not _is_report(path):
        raise XlsyncError(
            f"{path} exists and is not a report, so it is not overwritten.",
            "Choose another file with --output.",
        )
    content = io.BytesIO()
    build(report, made_at).save(content)
    try:
        _replace(path, content.getvalue())
    except OSError as error:
        raise XlsyncError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Close it in Excel, or choose another file with --output.",
        ) from error


def _replace(path: Path, content: bytes) -> None:
    """Put a whole file in place of another, never half of it."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _is_report(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as package:
            return f">{_MARK}<".encode() in package.read("docProps/core.xml")
    except (OSError, KeyError, zipfile.BadZipFile):
        return False


def build(report: Report, made_at: str) -> Workbook:
    """The report as a workbook in memory."""
    workbook = Workbook()
    page = workbook.worksheets[0]
    workbook.properties.creator, workbook.properties.title = "xlsync", _MARK
    _overview(page, report, made_at)
    _table(workbook, "By Customer", "ByCustomer", _group_columns("Customer"), report.customers, report.totals)
    _table(workbook, "By Product", "ByProduct", _group_columns("Product"), report.products, report.totals)
    _table(workbook, "Open Mismatches", "OpenMismatches", _OPEN, report.open)
    _table(workbook, "Writes", "Writes", _WRITES, report.writes)
    return workbook


# Cells


def _fill(color: str) -> PatternFill:
    return PatternFill("solid", start_color=f"FF{color}", end_color=f"FF{color}")


def _font(color: str = INK, size: float = 10, *, bold: bool = False) -> Font:
    return Font(name=FONT, size=size, bold=bold, color=f"FF{color}")


def _edge(color: str = RULE) -> Side:
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


# The tables

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Column(Generic[T]):
    header: str
    width: float
    kind: Kind
    of: Callable[[T], Content]
    colors: Callable[[T], tuple[str, str] | None] = lambda _: None


_FORMATS: Final[dict[Kind, str]] = {
    "text": "@",
    "long": "General",
    "money": _MONEY,
    "units": "General",
    "count": "#,##0",
    "rate": "0.0%",
}


def _change_colors(amount: Decimal) -> tuple[str, str] | None:
    return GREEN if amount > 0 else AMBER if amount < 0 else None


def _group_columns(what: str) -> tuple[_Column[Group], ...]:
    return (
        _Column(what, 38, "text", lambda g: g.name),
        _Column("In ConnectWise", 12, "text", lambda g: "Yes" if g.is_linked else "Not linked",
                lambda g: None if g.is_linked else RED),
        _Column("Currency", 9, "text", lambda g: g.currency),
        _Column("Lines", 7, "count", lambda g: g.figures.lines),
        _Column("Billed", 13, "money", lambda g: g.figures.billed),
        _Column("ConnectWise Before", 13, "money", lambda g: g.figures.before),
        _Column("ConnectWise After", 13, "money", lambda g: g.figures.after),
        _Column("Found Revenue", 12, "money", lambda g: g.figures.found,
                lambda g: _change_colors(g.figures.found)),
        _Column("Revenue Compared", 13, "money", lambda g: g.figures.revenue),
        _Column("Cost Compared", 13, "money", lambda g: g.figures.cost),
        _Column("Margin", 13, "money", lambda g: g.figures.margin,
                lambda g: RED if g.figures.margin < 0 else None),
        _Column("Margin %", 9, "rate", lambda g: g.figures.rate),
        _Column("Open Mismatches", 12, "count", lambda g: g.figures.open),
        _Column("To Bill More", 12, "money", lambda g: g.figures.up),
        _Column("To Bill Less", 12, "money", lambda g: g.figures.down),
    )  # fmt: skip


_OPEN: Final[tuple[_Column[OpenRow], ...]] = (
    _Column("Customer", 28, "text", lambda r: r.customer),
    _Column("Agreement", 20, "long", lambda r: r.agreement),
    _Column("Product", 34, "long", lambda r: r.product),
    _Column("Mismatch", 20, "text", lambda r: r.kind),
    _Column("BSS Units", 9, "units", lambda r: r.bss_units),
    _Column("ConnectWise Units", 12, "units", lambda r: r.connectwise_units),
    _Column("BSS Cost", 10, "money", lambda r: r.bss_cost),
    _Column("ConnectWise Cost", 12, "money", lambda r: r.connectwise_cost),
    _Column("Monthly Impact", 12, "money", lambda r: r.impact,
            lambda r: _change_colors(r.impact or Decimal(0))),
    _Column("Currency", 9, "text", lambda r: r.currency),
    _Column("Approve", 9, "text", lambda r: r.approve),
    _Column("Result", 24, "long", lambda r: r.result),
    _Column("Explanation", 64, "long", lambda r: r.explanation),
)  # fmt: skip

_WRITES: Final[tuple[_Column[Written], ...]] = (
    _Column("When", 18, "text", lambda w: w.at[:19].replace("T", " ")),
    _Column("Who", 14, "text", lambda w: w.who),
    _Column("Command", 10, "text", lambda w: w.command),
    _Column("Kind", 18, "text", lambda w: w.kind),
    _Column("What", 56, "long", lambda w: w.what),
    _Column("Before", 24, "long", lambda w: w.before),
    _Column("After", 30, "long", lambda w: w.after),
    _Column("State", 10, "text", lambda w: w.state, lambda w: _STATES.get(w.state)),
    _Column("Taken Back", 9, "text", lambda w: "Yes" if w.is_taken_back else "",
            lambda w: DIM if w.is_taken_back else None),
    _Column("Detail", 44, "long", lambda w: w.detail),
    _Column("Id", 9, "text", lambda w: "" if w.id is None else str(w.id)),
    _Column("Run", 25, "text", lambda w: w.run),
)  # fmt: skip


def _table(
    workbook: Workbook,
    title: str,
    name: str,
    columns: Sequence[_Column[T]],
    rows: Sequence[T],
    totals: Sequence[T] = (),
) -> None:
    page = workbook.create_sheet(title)
    page.sheet_view.showGridLines = False
    page.sheet_properties.tabColor = f"FF{SLATE}"
    page.freeze_panes = "B2"
    page.row_dimensions[1].height = 34
    for number, column in enumerate(columns, 1):
        head = put(page, 1, number, column.header)
        head.font, head.fill = _font("FFFFFF", bold=True), _fill(SLATE)
        right = column.kind not in {"text", "long"}
        head.alignment = Alignment(
            horizontal="right" if right else "left", vertical="top", wrap_text=True, indent=0 if right else 1
        )
        page.column_dimensions[letters(number - 1)].width = column.width
    for row, entry in enumerate(rows, 2):
        _row(page, row, columns, entry)
    if not rows:
        put(page, 2, 1, "None").font = _font(GREY)
    last = max(len(rows), 1) + 1
    table = Table(displayName=name, ref=f"A1:{letters(len(columns) - 1)}{last}")
    table.tableStyleInfo = TableStyleInfo(name=TABLE_STYLE, showRowStripes=False, showColumnStripes=False)
    page.add_table(table)
    for row, total in enumerate(totals, last + 1):
        _row(page, row, columns, total)
        put(page, row, 1, "Total")
        put(page, row, 2, None)
        for number in range(1, len(columns) + 1):
            cell = page.cell(row, number)
            cell.font, cell.fill = _font(bold=True), _fill(PALE)
            cell.border = Border(top=_edge(SLATE) if row == last + 1 else None, bottom=_edge())
    _print_setup(page, title)
    page.print_title_rows = "1:1"


def _row(page: Worksheet, row: int, columns: Sequence[_Column[T]], entry: T) -> None:
    lines = 1
    for number, column in enumerate(columns, 1):
        content = column.of(entry)
        wraps = column.kind == "long" or number == 1
        if wraps and isinstance(content, str):
            lines = max(lines, sum(1 + int(len(part) / column.width) for part in content.split("\n")))
        cell = put(page, row, number, content if content != "" else None)
        cell.number_format = _FORMATS[column.kind]
        if column.kind == "units" and isinstance(content, Decimal):
            cell.number_format = "#,##0" if content == int(content) else "#,##0.####"
        right = column.kind not in {"text", "long"}
        cell.alignment = Alignment(
            horizontal="right" if right else "left",
            vertical="top",
            wrap_text=wraps or None,
            indent=0 if right else 1,
        )
        colors = column.colors(entry)
        is_nothing = isinstance(content, int | Decimal) and not content
        cell.font = _font(colors[1] if colors else _FAINT if is_nothing else INK)
        if colors:
            cell.fill = _fill(colors[0])
        cell.border = Border(bottom=_edge())
    page.row_dimensions[row].height = 13.5 * min(lines, 12) + 1.5


def _print_setup(page: Worksheet, title: str) -> None:
    page.page_setup.orientation = "landscape"
    page.page_setup.paperSize = 9  # A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.page_margins.left = page.page_margins.right = 0.4
    page.page_margins.top = page.page_margins.bottom = 0.5
    footer = page.oddFooter
    footer.left.text, footer.right.text = f"xlsync – {title}", "&P / &N"  # type: ignore[union-attr]


# The page: three sections of four columns, with a gutter between

_WIDTHS: Final = (2, 21, 8, 12.5, 12.5, 2, 21, 8, 12.5, 12.5, 2, 21, 8, 12.5, 12.5, 2)
_SECTIONS: Final = (2, 7, 12)  # first columns
_LAST: Final = 15
_CHART_ROWS: Final = 15


@dataclass(frozen=True, slots=True)
class _Tile:
    label: str
    value: Decimal | int
    note: str
    color: str = INK


def _overview(page: Worksheet, report: Report, made_at: str) -> None:
    page.title = OVERVIEW
    page.sheet_view.showGridLines = False
    page.sheet_properties.tabColor = f"FF{UP}"
    for number, width in enumerate(_WIDTHS):
        page.column_dimensions[letters(number)].width = width
    _heading(page, report, made_at)
    row = 6
    for number, total in enumerate(report.totals):
        if len(report.totals) > 1:
            cell = put(page, row, 2, total.currency or "No currency")
            cell.font = _font(GREY, 10, bold=True)
            row += 1
        row = _tiles(page, row, total, is_large=number == 0)
    row += 1
    main = report.totals[0].currency if report.totals else ""
    kinds = [total for total in report.kinds if total.currency == main]
    top = [group for group in report.customers if group.currency == main][:_TOP]
    below = row + _CHART_ROWS + 1
    ends = [
        _money_table(page, below, report),
        _kind_table(page, below, kinds),
        _top_table(page, below, top),
    ]
    unit = f", {main}" if main else ""
    _add(page, _before_after(page, below, f"Billed and in ConnectWise{unit}"), 0, row)
    if kinds:
        _add(
            page,
            _bars(page, below, len(kinds), (9, 10), (UP, DOWN), f"Open mismatches, a month{unit}"),
            1,
            row,
        )
    if top:
        title = f"Customers billed most{unit}"
        _add(page, _bars(page, below, len(top), (14, 15), (_MIDDLE, UP), title), 2, row)
    last = _notes(page, max(ends) + 1, report)
    _print_setup(page, f"{month_name(report.month)}, {report.environment}")
    page.page_setup.fitToHeight = 1
    page.print_options.horizontalCentered = True
    page.print_area = f"A1:{letters(_LAST)}{last}"


def _heading(page: Worksheet, report: Report, made_at: str) -> None:
    page.row_dimensions[1].height = 8
    page.row_dimensions[2].height = 32
    title = put(page, 2, 2, month_name(report.month))
    title.font, title.alignment = _font(INK, 22, bold=True), Alignment(vertical="center")
    page.merge_cells(start_row=2, end_row=2, start_column=2, end_column=5)
    told = put(page, 2, 7, "What the distributor billed, beside what ConnectWise bills")
    told.font, told.alignment = _font(GREY, 11), Alignment(vertical="center")
    page.merge_cells(start_row=2, end_row=2, start_column=7, end_column=_LAST)
    for column in range(2, _LAST + 1):
        page.cell(3, column).border = Border(top=_edge(SLATE))
    page.row_dimensions[3].height = 6
    facts = put(
        page, 4, 2,
        f"{report.environment}  ·  {report.workbook}, as read {report.read_at}  ·  report made {made_at}",
    )  # fmt: skip
    facts.font = _font(GREY, 9)
    page.merge_cells(start_row=4, end_row=4, start_column=2, end_column=_LAST)
    page.row_dimensions[5].height = 6


def _tiles(page: Worksheet, row: int, total: Group, *, is_large: bool) -> int:
    """Six headline numbers of one currency in three rows; returns the row after them."""
    figures = total.figures
    stake = (
        f"{_told(figures.up)} more, {_told(-figures.down)} less a month"
        if figures.open
        else "nothing is open"
    )
    compared = "nothing to compare"
    if figures.rate is not None:
        compared = f"{figures.rate:.1%} of {_told(figures.revenue)} compared"
    tiles = (
        _Tile("Billed by the distributor", figures.billed, _count(figures.lines, "line")),
        _Tile("In ConnectWise before, a month", figures.before, "without the month's writes"),
        _Tile("In ConnectWise after, a month", figures.after, "with the month's writes"),
        _Tile("Found revenue, a month", figures.found, "of done changes",
              GREEN[1] if figures.found > 0 else AMBER[1] if figures.found < 0 else INK),
        _Tile("Margin, a month", figures.margin, compared, RED[1] if figures.margin < 0 else INK),
        _Tile("Open mismatches", figures.open, stake, AMBER[1] if figures.open else GREEN[1]),
    )  # fmt: skip
    page.row_dimensions[row].height = 16
    page.row_dimensions[row + 1].height = 30 if is_large else 20
    page.row_dimensions[row + 2].height = 15
    page.row_dimensions[row + 3].height = 8
    for number, tile in enumerate(tiles):
        first = _SECTIONS[number // 2] + number % 2 * 2
        contents: tuple[tuple[Content, Font, str], ...] = (
            (tile.label, _font(GREY, 9), "General"),
            (tile.value, _font(tile.color, 18 if is_large else 12, bold=True),
             "#,##0" if isinstance(tile.value, int) else _MONEY),
            (tile.note, _font(GREY, 8), "General"),
        )  # fmt: skip
        for offset, (content, font, form) in enumerate(contents):
            cell = put(page, row + offset, first, content)
            cell.font, cell.number_format = font, form
            cell.alignment = Alignment(horizontal="left", vertical="center", indent=1)
            for column in (first, first + 1):
                page.cell(row + offset, column).fill = _fill(PALE)
                page.cell(row + offset, column).border = Border(
                    left=_edge(_MIDDLE if column == first else PALE) if column == first else None
                )
            page.merge_cells(
                start_row=row + offset, end_row=row + offset, start_column=first, end_column=first + 1
            )
    return row + 4


def _told(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _section(page: Worksheet, row: int, number: int, headers: Sequence[str]) -> None:
    for offset, header in enumerate(headers):
        cell = put(page, row, _SECTIONS[number] + offset, header or None)
        cell.font, cell.fill = _font("FFFFFF", 9, bold=True), _fill(SLATE)
        cell.alignment = Alignment(
            horizontal="right" if offset else "left", vertical="center", indent=0 if offset else 1
        )


def _line(
    page: Worksheet, row: int, number: int, contents: Sequence[Content], formats: Sequence[str]
) -> None:
    for offset, (content, form) in enumerate(zip(contents, formats, strict=True)):
        cell = put(page, row, _SECTIONS[number] + offset, content)
        cell.number_format = form
        faint = isinstance(content, int | Decimal) and content == 0
        cell.font = _font(_FAINT if faint else INK, 9)
        cell.alignment = Alignment(
            horizontal="right" if offset else "left", vertical="center", indent=0 if offset else 1,
            shrink_to_fit=offset == 0 or None,
        )  # fmt: skip
        cell.border = Border(bottom=_edge())


def _money_table(page: Worksheet, row: int, report: Report) -> int:
    """The three amounts that the first chart shows, then what was created and how the writes ended."""
    totals = report.totals[0].figures if report.totals else None
    _section(page, row, 0, ("A month", "", "", "Money"))
    amounts = (
        ("Billed", totals.billed if totals else Decimal(0)),
        ("Before", totals.before if totals else Decimal(0)),
        ("After", totals.after if totals else Decimal(0)),
    )
    for number, (label, amount) in enumerate(amounts, 1):
        _line(page, row + number, 0, (label, None, None, amount), ("@", "@", "@", _MONEY))
    row += len(amounts) + 2
    created = [(kind, count) for kind, count in report.created.items() if count]
    _section(page, row, 0, ("Created in ConnectWise", "", "", "Number"))
    for kind, count in created or [("Nothing", 0)]:
        row += 1
        _line(page, row, 0, (_plural(kind, count), None, None, count), ("@", "@", "@", "#,##0"))
    row += 2
    _section(page, row, 0, ("Writes of the month", "", "", "Number"))
    for state, count in sorted(report.states.items()) or [("None", 0)]:
        row += 1
        _line(page, row, 0, (state.capitalize(), None, None, count), ("@", "@", "@", "#,##0"))
    return row


def _plural(kind: str, count: int) -> str:
    return kind if count == 1 else f"{kind}s"


def _kind_table(page: Worksheet, row: int, kinds: Sequence[KindTotal]) -> int:
    _section(page, row, 1, ("Open mismatches", "Rows", "To bill more", "To bill less"))
    for kind in kinds:
        row += 1
        contents = (kind.kind, kind.rows, kind.up, kind.down)
        _line(page, row, 1, contents, ("@", "#,##0", _MONEY, _MONEY))
    if not kinds:
        row += 1
        _line(page, row, 1, ("None is open", None, None, None), ("@", "@", "@", "@"))
    return row


def _top_table(page: Worksheet, row: int, groups: Sequence[Group]) -> int:
    _section(page, row, 2, ("Customer", "Margin", "Billed", "ConnectWise"))
    for group in groups:
        row += 1
        figures = group.figures
        contents = (group.name, figures.rate, figures.billed, figures.after)
        _line(page, row, 2, contents, ("@", "0%", _MONEY, _MONEY))
    return row


def _notes(page: Worksheet, row: int, report: Report) -> int:
    """What the figures cover; returns the last row."""
    for note in notes(report):
        cell = put(page, row, 2, note)
        cell.font = _font(GREY, 8)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        page.merge_cells(start_row=row, end_row=row, start_column=2, end_column=_LAST)
        page.row_dimensions[row].height = 12 * (1 + len(note) // 290)
        row += 1
    return row - 1


def notes(report: Report) -> Iterable[str]:
    """What the figures cover, and what they leave out."""
    yield (
        "Billed: the sum of all lines of the month, credits, usage and one-time lines among them. "
        "In ConnectWise: units, without included ones, times unit price, divided by the months of the "
        "billing cycle, of every addition that linked lines belong to or that only ConnectWise has. "
        "Before is without the month's writes, after with them; found revenue is the difference."
    )
    yield (
        "Margin: what ConnectWise bills a month on targets with linked recurring lines, minus those lines, a "
        "month of each (a yearly line counts a twelfth). Not in it: usage, one-time and unlinked lines, "
        "additions without a line, products of which the month bills a part of a longer period only, "
        "and lines in another currency than their agreement."
    )
    corrected = [
        f"{_told(total.figures.cost_impact)} {total.currency}".strip()
        for total in report.totals
        if total.figures.cost_impact
    ]
    if corrected:
        yield (
            f"Unit costs set right in ConnectWise: a monthly impact of {', '.join(corrected)}, "
            "which is no revenue and in none of these figures."
        )
    unpriced = sum(total.figures.unpriced for total in report.totals)
    if unpriced:
        yield f"{_count(unpriced, 'addition')} without a price in ConnectWise or its catalog: not in any sum."
    if report.ignored:
        yield f"{_count(report.ignored, 'row')} of Mismatches ignored by choice: not among the open ones."
    if report.states.get(str(State.UNKNOWN)):
        count = _count(report.states[str(State.UNKNOWN)], "write")
        yield f"{count} without a known outcome: not counted as done. `xlsync apply` looks them up."
    if not report.knows_additions:
        yield (
            "This workbook was written by an older xlsync, which did not keep what ConnectWise holds: "
            "before, after and margin cover the month's writes only. `xlsync check` renews it."
        )


# The charts


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


def _before_after(page: Worksheet, header: int, title: str) -> BarChart:
    """Three columns with their amounts above them."""
    chart = _chart(title)
    chart.add_data(Reference(page, min_col=5, min_row=header, max_row=header + 3), titles_from_data=True)
    chart.set_categories(Reference(page, min_col=2, min_row=header + 1, max_row=header + 3))
    (series,) = chart.series
    _paint(series, _LIGHT)
    for number, color in enumerate((_LIGHT, _MIDDLE, UP)):
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


def _bars(
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


def _add(page: Worksheet, chart: BarChart, section: int, row: int) -> None:
    """Place a chart over a section's columns, from a row on (1-based)."""
    first = _SECTIONS[section] - 1
    corners = [
        AnchorMarker(col=first, row=row - 1),
        AnchorMarker(col=first + 4, row=row - 1 + _CHART_ROWS),
    ]
    chart.anchor = TwoCellAnchor(editAs="oneCell", _from=corners[0], to=corners[1])  # type: ignore[assignment]
    page.add_chart(chart)


# The PDF


def find_office() -> str | None:
    """LibreOffice on this machine."""
    for name in ("soffice", "libreoffice"):
        found = shutil.which(name)
        if found:
            return found
    places = {
        "darwin": ("/Applications/LibreOffice.app/Contents/MacOS/soffice",),
        "win32": (r"C:\Program Files\LibreOffice\program\soffice.exe",),
    }
    return next((place for place in places.get(sys.platform, ()) if Path(place).exists()), None)


def write_pdf(path: Path) -> Path:
    """The workbook as a PDF beside it, by LibreOffice; raises XlsyncError where that cannot be."""
    office = find_office()
    if office is None:
        raise XlsyncError(
            f"{path} is written; a PDF needs LibreOffice, which is not on this machine.",
            "Install LibreOffice, or save the report as a PDF from Excel.",
        )
    pdf = path.with_suffix(".pdf")
    with tempfile.TemporaryDirectory() as folder:  # a profile of its own: one that is open is no hindrance
        profile = Path(folder, "profile").as_uri()
        words = [office, f"-env:UserInstallation={profile}", "--headless", "--convert-to", "pdf"]
        try:
            done = subprocess.run(  # noqa: S603 - LibreOffice by its full path
                [*words, "--outdir", folder, str(path.resolve())],
                capture_output=True,
                timeout=180,
                check=False,
            )
            made = Path(folder, f"{path.stem}.pdf")
            if made.exists():
                _replace(pdf, made.read_bytes())
                return pdf
            why = done.stderr.decode(errors="replace").strip()[-200:] or f"it ended with {done.returncode}"
        except subprocess.TimeoutExpired:
            why = "it took longer than three minutes"
        except OSError as error:
            why = error.strerror or str(error)
    raise XlsyncError(
        f"{path} is written; LibreOffice could not make a PDF of it: {why}.",
        "Close a PDF of that name, or save the report as a PDF from Excel.",
    )
