"""The sheets with a table: headers, one empty row that carries the look of all rows, and dropdowns."""

from __future__ import annotations

from typing import Final, Literal

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.template.colors import PAD, fraction, rules_of
from xlsync.workbook.layout import Column, Sheet
from xlsync.workbook.style import (
    GREY,
    INK,
    INPUT,
    INPUT_EDGE,
    INPUT_HEAD,
    SLATE,
    add_table,
    edge,
    fill,
    font,
    frame,
    print_setup,
)
from xlsync.xlsx.cells import letters

_FORMATS: Final = {
    "text": "@",
    "choice": "@",
    "units": f"#,##0{PAD}",
    "money": f"#,##0.00##{PAD}",
    "date": "yyyy-mm-dd",
}
_PAPER: Final = 240  # characters that can still be read on a page's width


def add_table_sheet(workbook: Workbook, sheet: Sheet) -> None:
    """One table: header, one empty row that carries the styles, dropdowns, colours."""
    page = workbook.create_sheet(sheet.title)
    page.sheet_view.showGridLines = False
    page.sheet_view.zoomScale = 100
    page.sheet_properties.tabColor = f"FF{SLATE}"
    page.freeze_panes = f"{letters(sheet.frozen)}2"
    page.print_title_cols = f"A:{letters(sheet.frozen - 1)}"
    page.row_dimensions[1].height = 34  # the filter buttons sit below the text
    rules = rules_of(sheet)
    for index, column in enumerate(sheet.columns):
        _header(page, letters(index), column)
        _first_row(page, letters(index), column)
        for rule in rules.get(column.header, []):
            page.conditional_formatting.add(f"{letters(index)}2", rule)
    add_table(page, sheet.table, f"A1:{letters(len(sheet.columns) - 1)}2")
    print_setup(page, sheet.title)
    page.print_title_rows = "1:1"
    page.page_setup.fitToWidth = -(-sum(column.width for column in sheet.columns) // _PAPER)


def add_dropdown(page: Worksheet, cell: str, column: Column) -> None:
    """A list, or a prompt alone; other entries bring a warning, since xlsync checks every cell anyway."""
    validation = DataValidation(
        type="list" if column.choices else None,
        formula1=column.choices or None,
        allow_blank=True,
        showErrorMessage=bool(column.choices),
        errorStyle="warning",
        errorTitle=column.header[:32] if column.choices else None,
        error="This is not in the list. Keep it only if you are sure." if column.choices else None,
        showInputMessage=bool(column.prompt),
        promptTitle=column.header[:32] if column.prompt else None,
        prompt=column.prompt or None,
    )
    validation.add(cell)
    page.add_data_validation(validation)


def _header(page: Worksheet, name: str, column: Column) -> None:
    head = page[f"{name}1"]
    head.value = column.header
    head.font = font("FFFFFF", bold=True)
    head.fill = fill(INPUT_HEAD if column.is_input else GREY if column.is_key else SLATE)
    side = _horizontal(column)
    head.alignment = Alignment(
        horizontal=side, vertical="top", wrap_text=True, indent=0 if side == "center" else 1
    )


def _first_row(page: Worksheet, name: str, column: Column) -> None:
    dimension, cell = page.column_dimensions[name], page[f"{name}2"]
    dimension.width, dimension.hidden = column.width, column.is_key
    side = _horizontal(column)
    for part in (dimension, cell):
        part.number_format = _format(column)
        part.font = font(GREY, 8) if column.is_key else font(INK)
        part.alignment = Alignment(
            horizontal=side,
            vertical="top",
            wrap_text=column.wraps or None,
            indent=1 if side == "left" else 0,
        )
    if column.is_input:
        cell.fill, cell.border = fill(INPUT), frame(INPUT_EDGE)
    else:
        cell.border = Border(bottom=edge())
    if column.kind == "units":
        page.conditional_formatting.add(f"{name}2", fraction(f"{name}2"))
    if column.choices or column.prompt:
        add_dropdown(page, f"{name}2", column)


def _horizontal(column: Column) -> Literal["left", "center", "right"]:
    if column.kind in {"units", "money"}:
        return "right"
    is_short = column.kind == "date" or column.header in {"Approve", "Status", "Currency"}
    return "center" if is_short else "left"


def _format(column: Column) -> str:
    # Excel shows a long text in a cell formatted as text as ##### in older versions.
    return "General" if column.wraps or column.header == "Result" else _FORMATS[column.kind]
