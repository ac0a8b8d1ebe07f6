"""The sheets with a table: headers, one empty row with the styles of all rows, and dropdowns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from openpyxl import Workbook
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Alignment, Border, Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.styles.numbers import NumberFormat
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.models import MismatchKind
from xlsync.workbook.layout import ASKED, BILLING_LINES, MISMATCHES, NEW, WRITES, Column, Sheet
from xlsync.workbook.style import (
    AMBER,
    BLUE,
    DIM,
    FAINT,
    GREEN,
    GREY,
    IDLE,
    INK,
    INPUT,
    INPUT_EDGE,
    INPUT_HEAD,
    PAD,
    RED,
    SLATE,
    VIOLET,
    add_table,
    edge,
    fill,
    font,
    frame,
    print_setup,
)
from xlsync.xlsx.cells import letters

_RESULTS: Final = (
    (GREEN, ("done", "already")),
    (AMBER, ("skipped",)),
    (RED, ("failed",)),
    (VIOLET, ("unknown",)),
)

_FORMATS: Final = {
    "text": "@",
    "choice": "@",
    "units": f"#,##0{PAD}",
    "money": f"#,##0.00##{PAD}",
    "date": "yyyy-mm-dd",
}
_PAPER: Final = 240  # most characters across a page that stay readable


def add_table_sheet(workbook: Workbook, sheet: Sheet) -> None:
    """Add a sheet with a table: headers, one empty row with styles, dropdowns and colours."""
    page = workbook.create_sheet(sheet.title)
    page.sheet_view.showGridLines = False
    page.sheet_view.zoomScale = 100
    page.sheet_properties.tabColor = f"FF{SLATE}"
    page.freeze_panes = f"{letters(sheet.frozen)}2"
    page.print_title_cols = f"A:{letters(sheet.frozen - 1)}"
    page.row_dimensions[1].height = 34  # room for the filter buttons below the text
    rules = rules_of(sheet)
    for index, column in enumerate(sheet.columns):
        _header(page, letters(index), column)
        _first_row(page, letters(index), column, sheet.choices(column))
        for rule in rules.get(column.header, []):
            page.conditional_formatting.add(f"{letters(index)}2", rule)
    add_table(page, sheet.table, f"A1:{letters(len(sheet.columns) - 1)}2")
    print_setup(page, sheet.title)
    page.print_title_rows = "1:1"
    page.page_setup.fitToWidth = -(-sum(column.width for column in sheet.columns) // _PAPER)


def add_dropdown(page: Worksheet, cell: str, column: Column, choices: str) -> None:
    """Add a list by the formula of its choices, or a prompt alone. Other entries bring a warning only."""
    validation = DataValidation(
        type="list" if choices else None,
        formula1=choices or None,
        allow_blank=True,
        showErrorMessage=bool(choices),
        errorStyle="warning",
        errorTitle=column.header[:32] if choices else None,
        error="This is not in the list. Keep it only if you are sure." if choices else None,
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


def _first_row(page: Worksheet, name: str, column: Column, choices: str) -> None:
    dimension, cell = page.column_dimensions[name], page[f"{name}2"]
    dimension.width, dimension.hidden = column.width, column.is_key
    dimension.outlineLevel = 1 if column.is_seldom_needed else 0
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
        add_dropdown(page, f"{name}2", column, choices)


def _horizontal(column: Column) -> Literal["left", "center", "right"]:
    if column.kind in {"units", "money"}:
        return "right"
    is_short = column.kind == "date" or column.header in {"Approve", "Status", "Currency"}
    return "center" if is_short else "left"


def _format(column: Column) -> str:
    # Excel shows a long text in a cell formatted as text as ##### in older versions.
    return "General" if column.wraps or column.header == "Result" else _FORMATS[column.kind]


def rules_of(sheet: Sheet) -> dict[str, list[Rule]]:
    """Return the conditional formats of a sheet's columns, by header, for row 2."""
    rules: dict[str, list[Rule]] = {}
    if sheet is BILLING_LINES:
        rules = _of_billing_lines()
    elif sheet is MISMATCHES:
        rules = _of_mismatches()
    elif sheet is NEW:
        rules = _of_new()
    for header, make in (("Approve", _of_approve), ("Result", _of_result)):
        if header in sheet.headers:
            rules[header] = make(_cell(sheet, header)) + rules.get(header, [])
    return rules


def fraction(cell: str) -> Rule:
    """Return a rule that shows decimals only where there are some: `#,##0.####` would show five as `5.`."""
    look = DifferentialStyle(numFmt=NumberFormat(numFmtId=170, formatCode=f"#,##0.####{PAD}"))
    return _when(f"AND(ISNUMBER({cell}),{cell}<>INT({cell}))", look)


def faint(formula: str) -> Rule:
    """Return a rule that greys out cells of no interest."""
    return _when(formula, DifferentialStyle(font=Font(color=f"FF{FAINT}")))


def _of_billing_lines() -> dict[str, list[Rule]]:
    status, match = _cell(BILLING_LINES, "Status"), _cell(BILLING_LINES, "Match")
    return {
        "Status": [
            _colored(GREEN, f'{status}="OK"'),
            _colored(AMBER, f'{status}="Mismatch"'),
            _colored(RED, f'{status}="Not linked"'),
            _colored(BLUE, f'{status}="Confirm link"'),
            _colored(DIM, f'OR({status}="Ignored",{status}="Not compared")'),
        ],
        "Match": [_colored(BLUE, _starts(match, "suggested"))],
    }


def _of_mismatches() -> dict[str, list[Rule]]:
    action, label = _cell(MISMATCHES, "Action"), _cell(MISMATCHES, "Mismatch")
    impact = _cell(MISMATCHES, "Monthly Impact")
    unknown = f'OR({label}="{MismatchKind.COULD_NOT_CHECK}",{label}="{MismatchKind.CHANGED_SINCE_EXPORT}")'
    return {
        header: [_colored(IDLE, f"NOT({_is_one_of(action, actions)})")] for header, actions in WRITES.items()
    } | {
        "Monthly Impact": [
            _colored(GREEN, f"AND(ISNUMBER({impact}),{impact}>0)"),
            _colored(AMBER, f"AND(ISNUMBER({impact}),{impact}<0)"),
        ],
        "Mismatch": [
            _colored(RED, f'{label}="{MismatchKind.NOT_LINKED}"'),
            _colored(VIOLET, unknown),
        ],
    }


def _of_new() -> dict[str, list[Rule]]:
    """Return the rules of *New in ConnectWise*: cells that a kind of record does not need are greyed out."""
    kind = _cell(NEW, "Kind")
    rules = {}
    for column in NEW.columns:
        if column.is_input and column.header != "Approve":
            asked = [name for name in ASKED if column.header in ASKED[name]]
            if set(asked) != set(ASKED):
                idle = f'AND({kind}<>"",NOT({_is_one_of(kind, asked)}))'
                rules[column.header] = [_colored(IDLE, idle)]
    return rules


def _of_approve(cell: str) -> list[Rule]:
    return [_colored(GREEN, _starts(cell, "Yes"), bold=True), _colored(DIM, f'{cell}="No"')]


def _of_result(cell: str) -> list[Rule]:
    return [_colored(colors, _starts(cell, *words)) for colors, words in _RESULTS]


def _colored(colors: tuple[str, str], formula: str, *, bold: bool = False) -> Rule:
    back, front = colors
    look = DifferentialStyle(
        font=Font(color=f"FF{front}", bold=bold or None),
        fill=PatternFill(bgColor=f"FF{back}", fill_type="solid"),
    )
    return _when(formula, look)


def _when(formula: str, look: DifferentialStyle) -> Rule:
    return Rule(type="expression", dxf=look, formula=[formula])


def _cell(sheet: Sheet, header: str) -> str:
    return f"${letters(sheet.index(header))}2"


def _starts(cell: str, *words: str) -> str:
    tests = ",".join(f'LEFT({cell},{len(word)})="{word}"' for word in words)
    return f"OR({tests})" if len(words) > 1 else tests


def _is_one_of(cell: str, words: Iterable[str]) -> str:
    tests = ",".join(f'{cell}="{word}"' for word in words)
    return f"OR({tests})"
