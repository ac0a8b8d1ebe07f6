"""Makes `workbook_template.xlsx`: the look of the workbook, before any month is in it.

Run `python -m xlsync.template` in the source tree after changing this or `sheets.py`, and commit both.
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.layout import Layout, ManualLayout
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor
from openpyxl.drawing.text import CharacterProperties, Paragraph, ParagraphProperties, RegularTextRun
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.styles.numbers import NumberFormat
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableStyleInfo
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.cells import letters
from xlsync.models import MismatchKind
from xlsync.sheets import (
    ASKED,
    BILLING_LINES,
    EMPTY_LISTS,
    FIXED_LISTS,
    LIST_COLUMNS,
    LISTS,
    MEMORY,
    MISMATCHES,
    NEW,
    START,
    START_CELLS,
    START_MISMATCH_CELLS,
    START_NAMES,
    TABLES,
    WRITES,
    Column,
    Sheet,
)

INK: Final = "1F3442"
SLATE: Final = "2F4B5C"
GREY: Final = "7B8A94"
PALE: Final = "F3F6F8"
RULE: Final = "D5DDE2"
INPUT: Final = "FFF8E1"
INPUT_EDGE: Final = "EADFB8"
INPUT_HEAD: Final = "9C6F1B"
GREEN: Final = ("DDF0E3", "1E6B3C")
AMBER: Final = ("FCE9C9", "8A5A00")
RED: Final = ("F9DEDA", "9C2F20")
BLUE: Final = ("DCE9F7", "1F5A94")
VIOLET: Final = ("E9E1F5", "5B3A8C")
DIM: Final = ("ECEFF1", "66757F")
IDLE: Final = ("FFFFFF", "B8C2C9")
UP: Final = "4C9A6A"
DOWN: Final = "D08A3C"

FONT: Final = "Calibri"
_PAD: Final = "_)_)"  # keeps numbers off the next cell; LibreOffice loses an indent beside coloured cells
FORMATS: Final = {
    "text": "@",
    "choice": "@",
    "units": f"#,##0{_PAD}",
    "money": f"#,##0.00##{_PAD}",
    "date": "yyyy-mm-dd",
}
_PAPER: Final = 240  # characters that can still be read on a page's width
TABLE_STYLE: Final = "TableStyleLight1"
_LAST_ROW: Final = 38  # of Start
STEPS: Final = (
    (
        "Link",
        BILLING_LINES.title,
        "On Billing Lines, filter Status for Not linked and Confirm link; choose, or set Match to confirmed.",
    ),
    ("Create", NEW.title, "On New in ConnectWise, fill in what ConnectWise lacks and set Approve to Yes."),
    ("Check", "", "Renew the workbook with xlsync check, or Check on the ribbon. Every edit is kept."),
    ("Approve", MISMATCHES.title, "On Mismatches, set Approve to Yes on the rows to be written."),
    (
        "Apply",
        "",
        "Write the approved rows with xlsync apply, or Apply on the ribbon; then read the results.",
    ),
)


def _fill(color: str) -> PatternFill:
    return PatternFill("solid", start_color=f"FF{color}", end_color=f"FF{color}")


def _font(color: str = INK, size: float = 10, *, bold: bool = False) -> Font:
    return Font(name=FONT, size=size, bold=bold, color=f"FF{color}")


def _edge(color: str) -> Side:
    return Side(style="thin", color=f"FF{color}")


def _frame(color: str) -> Border:
    return Border(left=_edge(color), right=_edge(color), top=_edge(color), bottom=_edge(color))


def _colored(colors: tuple[str, str], formula: str, *, bold: bool = False) -> Rule:
    back, front = colors
    look = DifferentialStyle(
        font=Font(color=f"FF{front}", bold=bold or None),
        fill=PatternFill(bgColor=f"FF{back}", fill_type="solid"),
    )
    return Rule(type="expression", dxf=look, formula=[formula])


def _fraction(formula: str) -> Rule:
    """Decimals where there are some: `#,##0.####` alone would show five as `5.`."""
    return Rule(
        type="expression",
        dxf=DifferentialStyle(numFmt=NumberFormat(numFmtId=170, formatCode=f"#,##0.####{_PAD}")),
        formula=[formula],
    )


def _format(column: Column) -> str:
    # Excel shows a long text in a cell formatted as text as ##### in older versions.
    return "General" if column.wraps or column.header == "Result" else FORMATS[column.kind]


def _alignment(column: Column) -> Alignment:
    right = column.kind in {"units", "money"}
    centered = column.kind == "date" or column.header in {"Approve", "Status", "Currency"}
    horizontal = "right" if right else "center" if centered else "left"
    indent = 1 if horizontal == "left" else 0
    return Alignment(horizontal=horizontal, vertical="top", wrap_text=column.wraps or None, indent=indent)


def _table_sheet(workbook: Workbook, sheet: Sheet, rules: Mapping[str, list[Rule]]) -> None:
    """One table: header, one empty row that carries the styles, dropdowns, colours."""
    page = workbook.create_sheet(sheet.title)
    page.sheet_view.showGridLines = False
    page.sheet_view.zoomScale = 100
    page.sheet_properties.tabColor = f"FF{SLATE}"
    page.freeze_panes = f"{letters(sheet.frozen)}2"
    page.print_title_cols = f"A:{letters(sheet.frozen - 1)}"
    page.row_dimensions[1].height = 34  # the filter buttons sit below the text
    for index, column in enumerate(sheet.columns):
        _column(page, index, column)
        for rule in rules.get(column.header, []):
            page.conditional_formatting.add(f"{letters(index)}2", rule)
    table = Table(displayName=sheet.table, ref=f"A1:{letters(len(sheet.columns) - 1)}2")
    table.tableStyleInfo = TableStyleInfo(name=TABLE_STYLE, showRowStripes=False, showColumnStripes=False)
    page.add_table(table)
    _print_setup(page, "1:1", title=sheet.title)
    page.page_setup.fitToWidth = -(-sum(column.width for column in sheet.columns) // _PAPER)


def _column(page: Worksheet, index: int, column: Column) -> None:
    name = letters(index)
    head = page[f"{name}1"]
    head.value = column.header
    head.font = _font("FFFFFF", bold=True)
    head.fill = _fill(INPUT_HEAD if column.is_input else GREY if column.is_key else SLATE)
    side = _alignment(column)
    indent = 0 if side.horizontal == "center" else 1
    head.alignment = Alignment(horizontal=side.horizontal, vertical="top", wrap_text=True, indent=indent)
    dimension = page.column_dimensions[name]
    dimension.width = column.width
    dimension.hidden = column.is_key
    dimension.number_format = _format(column)
    dimension.font = _font(GREY if column.is_key else INK, 8 if column.is_key else 10)
    dimension.alignment = _alignment(column)
    cell = page[f"{name}2"]
    cell.number_format = dimension.number_format
    cell.font = _font(GREY if column.is_key else INK, 8 if column.is_key else 10)
    cell.alignment = _alignment(column)
    if column.is_input:
        cell.fill = _fill(INPUT)
        cell.border = _frame(INPUT_EDGE)
    else:
        cell.border = Border(bottom=_edge(RULE))
    if column.kind == "units":
        page.conditional_formatting.add(
            f"{name}2", _fraction(f"AND(ISNUMBER({name}2),{name}2<>INT({name}2))")
        )
    if column.choices or column.prompt:
        _dropdown(page, f"{name}2", column)


def _dropdown(page: Worksheet, cell: str, column: Column) -> None:
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


def _print_setup(page: Worksheet, rows: str, *, title: str) -> None:
    page.page_setup.orientation = "landscape"
    page.page_setup.paperSize = 9  # A4
    page.page_setup.fitToWidth = 1
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    if rows:
        page.print_title_rows = rows
    page.page_margins.left = page.page_margins.right = 0.4
    page.page_margins.top = page.page_margins.bottom = 0.5
    footer = page.oddFooter
    footer.left.text, footer.right.text = f"xlsync – {title}", "&P / &N"  # type: ignore[union-attr]


def _starts(cell: str, *words: str) -> str:
    tests = ",".join(f'LEFT({cell},{len(word)})="{word}"' for word in words)
    return f"OR({tests})" if len(words) > 1 else tests


RESULT_COLORS: Final = (
    (GREEN, ("done", "already")),
    (AMBER, ("skipped",)),
    (RED, ("failed",)),
    (VIOLET, ("unknown",)),
)


def _result_rules(cell: str) -> list[Rule]:
    return [_colored(colors, _starts(cell, *words)) for colors, words in RESULT_COLORS]


def _approve_rules(cell: str) -> list[Rule]:
    return [_colored(GREEN, f'{cell}="Yes"', bold=True), _colored(DIM, f'{cell}="No"')]


def _cell(sheet: Sheet, header: str) -> str:
    return f"${letters(sheet.index(header))}2"


def _rules(sheet: Sheet) -> dict[str, list[Rule]]:
    """Colours with a meaning, by column."""
    rules: dict[str, list[Rule]] = {}
    if sheet is BILLING_LINES:
        status, match = _cell(sheet, "Status"), _cell(sheet, "Match")
        rules["Status"] = [
            _colored(GREEN, f'{status}="OK"'),
            _colored(AMBER, f'{status}="Mismatch"'),
            _colored(RED, f'{status}="Not linked"'),
            _colored(BLUE, f'{status}="Confirm link"'),
            _colored(DIM, f'OR({status}="Ignored",{status}="Not compared")'),
        ]
        rules["Match"] = [_colored(BLUE, _starts(match, "suggested"))]
    if sheet is MISMATCHES:
        action = _cell(sheet, "Action")
        for header, actions in WRITES.items():
            tests = ",".join(f'{action}="{name}"' for name in actions)
            rules[header] = [_colored(IDLE, f"NOT(OR({tests}))")]
        impact, label = _cell(sheet, "Monthly Impact"), _cell(sheet, "Mismatch")
        rules["Monthly Impact"] = [
            _colored(GREEN, f"AND(ISNUMBER({impact}),{impact}>0)"),
            _colored(AMBER, f"AND(ISNUMBER({impact}),{impact}<0)"),
        ]
        rules["Mismatch"] = [
            _colored(RED, f'{label}="{MismatchKind.NOT_LINKED}"'),
            _colored(
                VIOLET,
                f'OR({label}="{MismatchKind.COULD_NOT_CHECK}",{label}="{MismatchKind.CHANGED_SINCE_EXPORT}")',
            ),
        ]
    if sheet is NEW:
        kind = _cell(sheet, "Kind")
        for column in sheet.columns:
            if column.is_input and column.header != "Approve":
                asked = [name for name in ASKED if column.header in ASKED[name]]
                if set(asked) != set(ASKED):
                    tests = ",".join(f'{kind}="{name}"' for name in asked)
                    rules[column.header] = [_colored(IDLE, f'AND({kind}<>"",NOT(OR({tests})))')]
    for header, make in (("Approve", _approve_rules), ("Result", _result_rules)):
        if header in sheet.headers:
            rules[header] = make(_cell(sheet, header)) + rules.get(header, [])
    return rules


def _lists_sheet(workbook: Workbook) -> None:
    page = workbook.create_sheet(LISTS)
    page.sheet_state = "hidden"
    page.freeze_panes = "A2"
    for index, column in enumerate(LIST_COLUMNS):
        name = letters(index)
        head = page[f"{name}1"]
        head.value, head.font, head.fill = column.header, _font("FFFFFF", bold=True), _fill(SLATE)
        page.column_dimensions[name].width = 22
        entries = FIXED_LISTS.get(column.header, EMPTY_LISTS.get(column.header, ()))
        for row, entry in enumerate(entries, start=2):
            page[f"{name}{row}"].value = entry
        if column.name:
            last = 2 if column.is_block else max(2, len(entries) + 1)
            reference = f"{LISTS}!${name}$2" + (f":${name}${last}" if last > 2 else "")
            workbook.defined_names[column.name] = DefinedName(column.name, attr_text=reference)


def _start_sheet(workbook: Workbook) -> None:
    page = workbook.create_sheet(START)
    page.sheet_view.showGridLines = False
    page.sheet_properties.tabColor = f"FF{INPUT_HEAD}"
    for name, width in zip("ABCDEFGHI", (2.5, 17, 33, 4, 26, 9, 15, 15, 2.5), strict=True):
        page.column_dimensions[name].width = width
    for row in range(4, _LAST_ROW + 1):
        page.row_dimensions[row].height = 16
    page.row_dimensions[2].height = 30
    page["B2"].value, page["B2"].font = "xlsync", _font(INK, 22, bold=True)
    page["C2"].value = "What the distributor billed, beside what ConnectWise bills"
    page["C2"].font = _font(GREY, 11)
    page["C2"].alignment = Alignment(vertical="bottom")
    page["B2"].alignment = Alignment(vertical="bottom")
    for column in range(2, 9):
        page.cell(3, column).border = Border(top=_edge(SLATE))
    _facts(page)
    _mismatch_table(page)
    _steps(page)
    _legend(page)
    page.add_chart(_chart(page))
    for name, reference in START_NAMES.items():
        workbook.defined_names[name] = DefinedName(name, attr_text=reference)
    _print_setup(page, "", title=START)
    page.page_setup.fitToHeight = 1
    page.print_options.horizontalCentered = True
    page.print_area = f"A1:I{_LAST_ROW}"


FACTS: Final = (
    ("This workbook", ("month", "Month"), ("environment", "Environment"), ("exported_at", "Exported")),
    ("Billing lines", ("lines", "Lines"), ("linked", "Linked"), ("unlinked", "To link")),
    (
        "Money at stake per month",
        ("mismatches", "Mismatches"),
        ("money_up", "To bill more"),
        ("money_down", "To bill less"),
        ("currency", "Currency"),
    ),
)


def _facts(page: Worksheet) -> None:
    for heading, *facts in FACTS:
        first = int(START_CELLS[facts[0][0]][1:])
        _heading(page, f"B{first - 1}", heading, "BC")
        for key, label in facts:
            cell = page[START_CELLS[key]]
            name = page[f"B{cell.row}"]
            name.value, name.font, name.alignment = label, _font(GREY), Alignment(horizontal="left", indent=1)
            cell.font = _font(INK, 11, bold=True)
            cell.alignment = Alignment(horizontal="right", shrink_to_fit=True, indent=1)
            cell.number_format = (
                "#,##0.00" if key.startswith("money") else "#,##0" if first > 9 and key != "currency" else "@"
            )
            for part in (name, cell):
                part.border = Border(bottom=_edge(RULE))
    no_link = page[START_CELLS["no_link"]]  # in the heading
    no_link.font = _font("FFFFFF")
    no_link.alignment = Alignment(horizontal="right", vertical="center", indent=1)
    month = page[START_CELLS["month"]]
    month.fill, month.border = _fill(INPUT), _frame(INPUT_EDGE)
    _dropdown(
        page,
        START_CELLS["month"],
        Column("Month", "choice", choices="xlsync_months", prompt="For a new export from the ribbon."),
    )


def _heading(page: Worksheet, cell: str, text: str, columns: str) -> None:
    page[cell].value = text
    row = page[cell].row
    for name in columns:
        page[f"{name}{row}"].font = _font("FFFFFF", bold=True)
        page[f"{name}{row}"].fill = _fill(SLATE)
        page[f"{name}{row}"].alignment = Alignment(horizontal="left", vertical="center", indent=1)


def _mismatch_table(page: Worksheet) -> None:
    first = min(int(cells[0][1:]) for cells in START_MISMATCH_CELLS.values())
    _heading(page, f"E{first - 2}", "Mismatches", "EFGH")
    for name, text in zip("EFGH", ("", "Rows", "To bill more", "To bill less"), strict=True):
        cell = page[f"{name}{first - 1}"]
        cell.value, cell.font, cell.fill = text or None, _font(GREY), _fill(PALE)
        cell.alignment = Alignment(horizontal="left" if name == "E" else "right", indent=1)
    for label, cells in START_MISMATCH_CELLS.items():
        row = int(cells[0][1:])
        page[f"E{row}"].value, page[f"E{row}"].font = label, _font(INK)
        page[f"E{row}"].alignment = Alignment(horizontal="left", indent=1)
        for name, form in zip(cells, (f"#,##0{_PAD}", *[f"#,##0.00{_PAD}"] * 2), strict=True):
            page[name].number_format, page[name].font = form, _font(INK)
            page[name].alignment = Alignment(horizontal="right")
        for name in "EFGH":
            page[f"{name}{row}"].border = Border(bottom=_edge(RULE))
    last = first + len(START_MISMATCH_CELLS) - 1
    for column in "FGH":
        page.conditional_formatting.add(
            f"{column}{first}:{column}{last}",
            Rule(
                type="expression",
                dxf=DifferentialStyle(font=Font(color="FFB8C2C9")),
                formula=[f"{column}{first}=0"],
            ),
        )


def _steps(page: Worksheet) -> None:
    _heading(page, "B20", "What to do next", "BC")
    row = 21
    for number, (word, sheet, text) in enumerate(STEPS, start=1):
        page[f"B{row}"].value, page[f"B{row}"].font = f"{number}  {word}", _font(INK, 11, bold=True)
        page[f"B{row}"].alignment = Alignment(horizontal="left", vertical="center", indent=1)
        page[f"C{row}"].font = _font(INK, 11, bold=True)
        page[f"C{row}"].alignment = Alignment(horizontal="right", vertical="center", indent=1)
        if sheet:
            page[f"B{row}"].hyperlink = Hyperlink(ref=f"B{row}", location=f"'{sheet}'!A1", tooltip=sheet)
            page[f"B{row}"].font = _font(BLUE[1], 11, bold=True)
        page.merge_cells(f"B{row + 1}:C{row + 2}")
        page[f"B{row + 1}"].value, page[f"B{row + 1}"].font = text, _font(GREY, 10)
        page[f"B{row + 1}"].alignment = Alignment(horizontal="left", wrap_text=True, vertical="top", indent=1)
        row += 3


LEGEND: Final = (
    ((INPUT, INK), "Yours to fill in", "the rest is computed, and renewed by check"),
    (GREEN, "OK · Yes · done", "agrees, approved, written; money to bill more"),
    (AMBER, "Mismatch · skipped", "look and decide; money to bill less"),
    (RED, "Not linked · failed", "waits for you"),
    (BLUE, "Confirm link · suggested", "counts once Match is set to confirmed"),
    (VIOLET, "Could not check · unknown", "not known: run check, or apply, again"),
    (DIM, "Ignored · Not compared · No", "left alone"),
)


def _legend(page: Worksheet) -> None:
    """What the colours of all sheets mean."""
    first = _LAST_ROW - len(LEGEND) + 1
    _heading(page, f"E{first - 1}", "Colours", "EFGH")
    for row, ((back, front), words, meaning) in enumerate(LEGEND, start=first):
        page[f"E{row}"].value, page[f"E{row}"].font = words, _font(front)
        page[f"E{row}"].fill, page[f"E{row}"].border = (
            _fill(back),
            _frame(INPUT_EDGE if back == INPUT else RULE),
        )
        page[f"F{row}"].value, page[f"F{row}"].font = meaning, _font(GREY)
        for name in "EF":
            page[f"{name}{row}"].alignment = Alignment(horizontal="left", vertical="center", indent=1)


def _chart(page: Worksheet) -> BarChart:
    """Money at stake by mismatch, to bill more to the right and to bill less to the left."""
    rows = [int(cells[0][1:]) for cells in START_MISMATCH_CELLS.values()]
    chart = BarChart()
    chart.type, chart.grouping, chart.overlap, chart.gapWidth = "bar", "clustered", 100, 45
    data = Reference(page, min_col=7, max_col=8, min_row=min(rows) - 1, max_row=max(rows))
    chart.add_data(data, titles_from_data=True)
    chart.set_categories(Reference(page, min_col=5, min_row=min(rows), max_row=max(rows)))
    for series, color in zip(chart.series, (UP, DOWN), strict=True):
        series.graphicalProperties = GraphicalProperties(solidFill=color)
        series.graphicalProperties.line = LineProperties(noFill=True)
        series.invertIfNegative = False
        series.dLbls = _labels(color)
    small = CharacterProperties(sz=900, solidFill=GREY, latin=None)
    look = RichText(p=[Paragraph(pPr=ParagraphProperties(defRPr=small), endParaRPr=small)])
    chart.x_axis.scaling.orientation = "maxMin"
    chart.x_axis.tickLblPos = "low"
    chart.x_axis.txPr = chart.y_axis.txPr = look
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.graphicalProperties = GraphicalProperties(ln=LineProperties(solidFill=RULE))
    chart.y_axis.graphicalProperties = GraphicalProperties(ln=LineProperties(noFill=True))
    chart.y_axis.majorGridlines = ChartLines(spPr=GraphicalProperties(ln=LineProperties(solidFill="E6EBEE")))
    chart.y_axis.number_format = "#,##0"
    chart.y_axis.tickLblPos = "nextTo"
    chart.y_axis.crosses = "max"
    chart.legend.position = "t"
    chart.legend.txPr = look
    bold = CharacterProperties(sz=1100, b=True, solidFill=INK)
    heading = Paragraph(
        pPr=ParagraphProperties(defRPr=bold), r=[RegularTextRun(rPr=bold, t="Money at stake per month")]
    )
    chart.title = Title(tx=Text(rich=RichText(p=[heading])), overlay=False)
    chart.layout = Layout(
        manualLayout=ManualLayout(xMode="edge", yMode="edge", x=0.03, y=0.24, w=0.94, h=0.72)
    )
    chart.graphical_properties = GraphicalProperties(ln=LineProperties(solidFill=RULE))
    chart.roundedCorners = False
    chart.anchor = _between((4, 16), (8, _LAST_ROW - len(LEGEND) - 2))  # type: ignore[assignment]
    return chart


_BAR: Final = "#,##0;-#,##0;;"


def _labels(color: str) -> DataLabelList:
    """The money beside each bar; a bar of nothing has none."""
    letters_ = CharacterProperties(sz=900, solidFill=color, latin=None)
    return DataLabelList(
        numFmt=_BAR,
        showVal=True,
        showSerName=False,
        showCatName=False,
        showLegendKey=False,
        showPercent=False,
        dLblPos="outEnd",
        txPr=RichText(p=[Paragraph(pPr=ParagraphProperties(defRPr=letters_), endParaRPr=letters_)]),
    )


def _between(start: tuple[int, int], end: tuple[int, int]) -> TwoCellAnchor:
    """From the corner of one cell (0-based column and row) to that of another."""
    corners = [AnchorMarker(col=column, row=row) for column, row in (start, end)]
    return TwoCellAnchor(editAs="oneCell", _from=corners[0], to=corners[1])


def build() -> bytes:
    """The template's content; always the same bytes."""
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    workbook.properties.creator = "xlsync"
    _start_sheet(workbook)
    for sheet in TABLES:
        _table_sheet(workbook, sheet, _rules(sheet))
    _lists_sheet(workbook)
    workbook.create_sheet(MEMORY).sheet_state = "veryHidden"
    buffer = io.BytesIO()
    workbook.save(buffer)
    return _steady(buffer.getvalue())


def _steady(data: bytes) -> bytes:
    """The same package without the time of its making."""
    steady = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(steady, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/app.xml":  # programs trust the values of Excel's files
                content = re.sub(rb"(<Application>)[^<]*", rb"\1xlsync", content)
            if name.startswith(
                "xl/charts/"
            ):  # openpyxl leaves out that the labels have a format of their own
                bar = f'numFmt formatCode="{_BAR}"'.encode()
                content = content.replace(bar, bar + b' sourceLinked="0"')
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2026-01-01T00:00:00Z", content)
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.create_system = 0
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, content, compresslevel=9)
    return steady.getvalue()


def main(path: Path) -> None:
    """Write the template there."""
    path.write_bytes(build())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent.parent / "workbook_template.xlsx")
