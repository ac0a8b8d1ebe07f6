"""The sheets behind the report's page: customers, products, open mismatches and every write, as tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Generic, Literal, TypeVar

from msgspec import Struct
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.apply.actions import CREATED
from xlsync.apply.ledger import Written
from xlsync.apply.plan import State
from xlsync.report.figures import FigureGroup
from xlsync.report.month import OpenRow, Report
from xlsync.workbook.style import (
    AMBER,
    DIM,
    FAINT,
    GREEN,
    GREY,
    INK,
    MONEY,
    PALE,
    RED,
    SLATE,
    VIOLET,
    Content,
    add_table,
    break_evenly,
    edge,
    fill,
    font,
    print_report,
    put,
)
from xlsync.xlsx.cells import letters, wrapped_lines

_STATES: Final = {
    str(State.DONE): GREEN,
    str(State.SKIPPED): AMBER,
    str(State.FAILED): RED,
    str(State.UNKNOWN): VIOLET,
}
Kind = Literal["text", "long", "money", "cost", "units", "count", "rate"]

T = TypeVar("T")


class _Column(Struct, Generic[T], frozen=True):
    header: str
    width: float
    kind: Kind
    content: Callable[[T], Content]
    colors: Callable[[T], tuple[str, str] | None] = lambda _: None


_FORMATS: Final[dict[Kind, str]] = {
    "text": "@",
    "long": "General",
    "money": MONEY,
    "cost": "#,##0.00##",  # a cost of one unit may have parts of a cent
    "units": "General",
    "count": "#,##0",
    "rate": "0.0%",
}


def _change_colors(amount: Decimal) -> tuple[str, str] | None:
    return GREEN if amount > 0 else AMBER if amount < 0 else None


def _group_columns(what: str) -> tuple[_Column[FigureGroup], ...]:
    return (
        _Column(what, 23, "text", lambda g: g.name),
        _Column("In ConnectWise", 12, "text", lambda g: "Yes" if g.is_linked else "Not linked",
                lambda g: None if g.is_linked else RED),
        _Column("Currency", 9, "text", lambda g: g.currency),
        _Column("Lines", 7, "count", lambda g: g.figures.lines),
        _Column("Billed", 12, "money", lambda g: g.figures.billed),
        _Column("ConnectWise Before", 12, "money", lambda g: g.figures.before),
        _Column("ConnectWise After", 12, "money", lambda g: g.figures.after),
        _Column("Found Revenue", 10, "money", lambda g: g.figures.found,
                lambda g: _change_colors(g.figures.found)),
        _Column("Revenue Compared", 12, "money", lambda g: g.figures.revenue),
        _Column("Cost Compared", 12, "money", lambda g: g.figures.cost),
        _Column("Margin", 11, "money", lambda g: g.figures.margin,
                lambda g: RED if g.figures.margin < 0 else None),
        _Column("Margin %", 9, "rate", lambda g: g.figures.rate),
        _Column("Open Mismatches", 11, "count", lambda g: g.figures.open),
        _Column("To Bill More", 10, "money", lambda g: g.figures.up),
        _Column("To Bill Less", 10, "money", lambda g: g.figures.down),
    )  # fmt: skip


_OPEN: Final[tuple[_Column[OpenRow], ...]] = (
    _Column("Customer", 16, "text", lambda r: r.customer),
    _Column("Agreement", 13, "long", lambda r: r.agreement),
    _Column("Product", 20, "long", lambda r: r.product),
    _Column("Mismatch", 17, "long", lambda r: r.kind),
    _Column("BSS Units", 7, "units", lambda r: r.bss_units),
    _Column("ConnectWise Units", 12, "units", lambda r: r.connectwise_units),
    _Column("BSS Cost", 8, "cost", lambda r: r.bss_cost),
    _Column("ConnectWise Cost", 12, "cost", lambda r: r.connectwise_cost),
    _Column("Monthly Impact", 10, "money", lambda r: r.impact,
            lambda r: _change_colors(r.impact or Decimal(0))),
    _Column("Currency", 9, "text", lambda r: r.currency),
    _Column("Approve", 9, "text", lambda r: r.approve),
    _Column("Result", 11, "long", lambda r: r.result),
    _Column("Explanation", 28, "long", lambda r: r.explanation),
)  # fmt: skip


def _kind(kind: str) -> str:
    """Write the kind of a write in the sheets' words: `Create product`."""
    return (
        f"Create {CREATED[kind].lower()}"
        if kind in CREATED
        else re.sub(r"\B(?=[A-Z])", " ", kind).capitalize()
    )


_WRITES: Final[tuple[_Column[Written], ...]] = (
    _Column("When", 16, "text", lambda w: w.at[:19].replace("T", " ")),
    _Column("Who", 10, "text", lambda w: w.who),
    _Column("Command", 9, "text", lambda w: w.command),
    _Column("Kind", 15, "text", lambda w: _kind(w.kind)),
    _Column("What", 32, "long", lambda w: w.what),
    _Column("Before", 13, "long", lambda w: w.before),
    _Column("After", 16, "long", lambda w: w.after),
    _Column("State", 9, "text", lambda w: w.state, lambda w: _STATES.get(w.state)),
    _Column("Taken Back", 7, "text", lambda w: "Yes" if w.is_taken_back else "",
            lambda w: DIM if w.is_taken_back else None),
    _Column("Detail", 21, "long", lambda w: w.detail),
    _Column("Id", 7, "text", lambda w: "" if w.id is None else str(w.id)),
    _Column("Run", 17, "long", lambda w: w.run),
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
        head.font, head.fill = font("FFFFFF", bold=True), fill(SLATE)
        right = column.kind not in {"text", "long"}
        head.alignment = Alignment(
            horizontal="right" if right else "left", vertical="top", wrap_text=True, indent=1
        )
        page.column_dimensions[letters(number - 1)].width = column.width
    for row, entry in enumerate(rows, 2):
        _row(page, row, columns, entry)
    if not rows:
        put(page, 2, 1, "None").font = font(GREY)
    last = max(len(rows), 1) + 1
    add_table(page, name, f"A1:{letters(len(columns) - 1)}{last}")
    for row, total in enumerate(totals, last + 1):
        _row(page, row, columns, total)
        put(page, row, 1, "Total")
        put(page, row, 2, None)
        for number in range(1, len(columns) + 1):
            cell = page.cell(row, number)
            cell.font, cell.fill = font(bold=True), fill(PALE)
            cell.border = Border(top=edge(SLATE) if row == last + 1 else None, bottom=edge())
    print_report(page, title, sum(column.width for column in columns))
    page.print_title_rows = "1:1"
    break_evenly(page, 2, last + len(totals), head=34)


def _row(page: Worksheet, row: int, columns: Sequence[_Column[T]], entry: T) -> None:
    lines = 1
    for number, column in enumerate(columns, 1):
        content = column.content(entry)
        wraps = column.kind == "long" or number == 1
        if wraps and isinstance(content, str):
            # Letters are narrower than figures.
            lines = max(lines, wrapped_lines(content, column.width * 1.15))
        cell = put(page, row, number, content if content != "" else None)
        cell.number_format = _FORMATS[column.kind]
        if column.kind == "units" and isinstance(content, Decimal):
            cell.number_format = "#,##0" if content == int(content) else "#,##0.####"
        right = column.kind not in {"text", "long"}
        cell.alignment = Alignment(
            horizontal="right" if right else "left",
            vertical="top",
            wrap_text=wraps or None,
            indent=1,
        )
        colors = column.colors(entry)
        is_nothing = isinstance(content, int | Decimal) and not content
        cell.font = font(colors[1] if colors else FAINT if is_nothing else INK)
        if colors:
            cell.fill = fill(colors[0])
        cell.border = Border(bottom=edge())
    page.row_dimensions[row].height = 13.5 * min(lines, 12) + 1.5


def add_sheets(workbook: Workbook, report: Report) -> None:
    """Add the four sheets with tables behind the page."""
    _table(workbook, "By Customer", "ByCustomer", _group_columns("Customer"), report.customers, report.totals)
    _table(workbook, "By Product", "ByProduct", _group_columns("Product"), report.products, report.totals)
    _table(workbook, "Open Mismatches", "OpenMismatches", _OPEN, report.open)
    _table(workbook, "Writes", "Writes", _WRITES, report.writes)
