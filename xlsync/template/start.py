"""The sheet *Start*: counts and money of the month, the next steps, and the meaning of the colours."""

from __future__ import annotations

from typing import Final

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.chart.label import DataLabelList
from openpyxl.styles import Alignment, Border
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.reconcile.billed import Fate
from xlsync.template.tables import add_dropdown, faint
from xlsync.workbook.layout import (
    FIRST_OPEN_NAMES,
    START,
    START_BILLED_CELLS,
    START_CELLS,
    START_LINE,
    START_MISMATCH_CELLS,
    START_NAMES,
    VERDICT_ROWS,
    Column,
)
from xlsync.workbook.style import (
    AMBER,
    BLUE,
    DIM,
    DOWN,
    GREEN,
    GREY,
    INK,
    INPUT,
    INPUT_EDGE,
    INPUT_HEAD,
    PAD,
    PALE,
    RED,
    RULE,
    SLATE,
    UP,
    VIOLET,
    edge,
    fill,
    font,
    frame,
    lay_bars,
    layout,
    lettering,
    money_chart,
    place,
    print_setup,
)

CHART_TEXTS: Final = (
    "Bar chart: money at stake per month for each kind of mismatch. The table above shows the same amounts.",
    "Bar chart: what became of the money billed. The table above shows the same amounts.",
)
BAR_MONEY: Final = "#,##0;-#,##0;;"  # number format of the labels beside bars
_LAST_ROW: Final = 39
_END: Final = 63  # last row of the page
_AS_HIGH_AS_THEIR_TEXT: Final = {
    *(int(cell[1:]) for cell in (START_CELLS["currency"], *(own[0] for own in START_BILLED_CELLS.values()))),
    *VERDICT_ROWS,
}
_STEPS: Final = (
    (
        "Link",
        "xlsync_first_to_link",
        "On Billing Lines, filter Status for Not linked and Confirm link, and choose from the lists.",
    ),
    (
        "Create",
        "xlsync_first_to_create",
        "On New in ConnectWise, fill in the empty cells of what you want created, and set Approve to Yes.",
    ),
    ("Check", "", "Run xlsync check, or click Check on the ribbon. Everything you entered is kept."),
    (
        "Approve",
        "xlsync_first_to_approve",
        "On Mismatches, set Approve to Yes in each row that may be written to ConnectWise.",
    ),
    (
        "Apply",
        "",
        "Run xlsync apply, or click Apply on the ribbon. Then read the column Result.",
    ),
    (
        "Invoice",
        "xlsync_first_to_invoice",
        "Approve rows of Invoices and click Invoices, then Report; or run xlsync invoice, xlsync report.",
    ),
)
_FACTS: Final = (
    (
        "This workbook",
        ("month", "Month"),
        ("environment", "Environment"),
        ("exported_at", "Exported"),
        ("checked_at", "Checked"),
    ),
    ("Billing lines", ("lines", "Lines"), ("linked", "Linked"), ("unlinked", "To link")),
    (
        "Money at stake per month",
        ("mismatches", "Mismatches"),
        ("money_up", "To bill more"),
        ("money_down", "To bill less"),
        ("currency", "Currency"),
    ),
)
_LEGEND: Final = (
    ((INPUT, INK), "Cells you may edit", "all other cells are renewed by Check"),
    (GREEN, "OK · Yes · done", "agrees, approved or written; or more to bill"),
    (AMBER, "Mismatch · skipped", "needs your decision; or less to bill"),
    (RED, "Not linked · failed", "needs your attention first"),
    (BLUE, "Confirm link · suggested", "not used until you set Match to confirmed"),
    (VIOLET, "Could not check · unknown", "run Check, or Apply, once more"),
    (DIM, "Ignored · Not compared · No", "nothing happens here"),
)


def add_start_sheet(workbook: Workbook) -> None:
    """Add the sheet *Start*."""
    page = workbook.create_sheet(START)
    page.sheet_view.showGridLines = False
    page.sheet_properties.tabColor = f"FF{INPUT_HEAD}"
    for name, width in zip("ABCDEFGHI", (2.5, 17, 33, 4, 26, 9, 15, 26, 2.5), strict=True):
        page.column_dimensions[name].width = width
    for row in {*range(4, _END + 1)} - _AS_HIGH_AS_THEIR_TEXT:
        page.row_dimensions[row].height = START_LINE
    page.row_dimensions[2].height = 30
    page["B2"].value, page["B2"].font = "xlsync", font(INK, 22, bold=True)
    page["C2"].value = "What the distributor billed, beside what ConnectWise bills"
    page["C2"].font = font(GREY, 11)
    page["C2"].alignment = Alignment(vertical="bottom")
    page["B2"].alignment = Alignment(vertical="bottom")
    for column in range(2, 9):
        page.cell(3, column).border = Border(top=edge(SLATE))
    _facts(page)
    _mismatch_table(page)
    _steps(page)
    _legend(page)
    page.add_chart(_chart(page))
    _verdict(page)
    _billed_table(page)
    page.add_chart(_billed_chart(page))
    first_rows = {name: f"'{sheet.title}'!$A$2" for name, sheet in FIRST_OPEN_NAMES.items()}
    for name, reference in {**START_NAMES, **first_rows}.items():
        workbook.defined_names[name] = DefinedName(name, attr_text=reference)
    print_setup(page, START)
    page.page_setup.orientation, page.page_setup.fitToHeight = "portrait", 1
    page.print_options.horizontalCentered = True
    page.print_area = f"A1:I{_END}"


def _heading(page: Worksheet, cell: str, text: str, columns: str) -> None:
    page[cell].value = text
    row = page[cell].row
    for name in columns:
        page[f"{name}{row}"].font = font("FFFFFF", bold=True)
        page[f"{name}{row}"].fill = fill(SLATE)
        page[f"{name}{row}"].alignment = Alignment(horizontal="left", vertical="center", indent=1)


def _facts(page: Worksheet) -> None:
    for heading, *facts in _FACTS:
        first = int(START_CELLS[facts[0][0]][1:])
        _heading(page, f"B{first - 1}", heading, "BC")
        for key, label in facts:
            cell = page[START_CELLS[key]]
            name = page[f"B{cell.row}"]
            name.value, name.font, name.alignment = label, font(GREY), Alignment(horizontal="left", indent=1)
            cell.font = font(INK, 11, bold=True)
            cell.alignment = Alignment(
                horizontal="right",
                shrink_to_fit=key != "currency",
                wrap_text=key == "currency",  # the money of each other currency has a line
                indent=1,
            )
            cell.number_format = (
                "#,##0.00"
                if key in {"money_up", "money_down"}
                else "#,##0"
                if first > 10 and key != "currency"
                else "@"
            )
            for part in (name, cell):
                part.border = Border(bottom=edge())
    no_link = page[START_CELLS["no_link"]]  # the number stands in the heading
    no_link.font = font("FFFFFF")
    no_link.alignment = Alignment(horizontal="right", vertical="center", indent=1)
    month = page[START_CELLS["month"]]
    month.fill, month.border = fill(INPUT), frame(INPUT_EDGE)
    add_dropdown(
        page,
        START_CELLS["month"],
        Column("Month", "choice", prompt="Choose a month for a new export from the ribbon."),
        "xlsync_months",
    )


def _table_head(page: Worksheet, first: int, title: str, headers: tuple[str, ...]) -> None:
    """Put the heading and the three headers of a table whose rows begin at row `first`."""
    _heading(page, f"E{first - 2}", title, "EFGH")
    for name, text in zip("EFGH", ("", *headers), strict=True):
        cell = page[f"{name}{first - 1}"]
        cell.value, cell.font, cell.fill = text or None, font(GREY), fill(PALE)
        cell.alignment = Alignment(horizontal="left" if name == "E" else "right", indent=1)


def _mismatch_table(page: Worksheet) -> None:
    first = min(int(cells[0][1:]) for cells in START_MISMATCH_CELLS.values())
    _table_head(page, first, "Mismatches", ("Rows", "To bill more", "To bill less"))
    for label, cells in START_MISMATCH_CELLS.items():
        row = int(cells[0][1:])
        page[f"E{row}"].value, page[f"E{row}"].font = label, font(INK)
        page[f"E{row}"].alignment = Alignment(horizontal="left", indent=1)
        for name, form in zip(cells, (f"#,##0{PAD}", *[f"#,##0.00{PAD}"] * 2), strict=True):
            page[name].number_format, page[name].font = form, font(INK)
            page[name].alignment = Alignment(horizontal="right")
        for name in "EFGH":
            page[f"{name}{row}"].border = Border(bottom=edge())
    last = first + len(START_MISMATCH_CELLS) - 1
    for column in "FGH":
        page.conditional_formatting.add(
            f"{column}{first}:{column}{last}",
            faint(f"{column}{first}=0"),
        )


def _steps(page: Worksheet) -> None:
    _heading(page, "B21", "What to do next", "BC")
    row = 22
    for number, (word, name, text) in enumerate(_STEPS, start=1):
        page[f"B{row}"].value, page[f"B{row}"].font = f"{number}  {word}", font(INK, 11, bold=True)
        page[f"B{row}"].alignment = Alignment(horizontal="left", vertical="center", indent=1)
        page[f"C{row}"].font = font(INK, 11, bold=True)
        page[f"C{row}"].alignment = Alignment(horizontal="right", vertical="center", indent=1)
        if name:
            title = FIRST_OPEN_NAMES[name].title
            tip = f"Go to the first open row of {title}"
            page[f"B{row}"].hyperlink = Hyperlink(ref=f"B{row}", location=name, tooltip=tip)
            page[f"B{row}"].font = font(BLUE[1], 11, bold=True)
        page.merge_cells(f"B{row + 1}:C{row + 2}")
        page[f"B{row + 1}"].value, page[f"B{row + 1}"].font = text, font(GREY, 10)
        page[f"B{row + 1}"].alignment = Alignment(horizontal="left", wrap_text=True, vertical="top", indent=1)
        row += 3


def _legend(page: Worksheet) -> None:
    """Put the meaning of the colours."""
    first = _LAST_ROW - len(_LEGEND) + 1
    _heading(page, f"E{first - 1}", "Colours", "EFGH")
    for row, ((back, front), words, meaning) in enumerate(_LEGEND, start=first):
        page[f"E{row}"].value, page[f"E{row}"].font = words, font(front)
        page[f"E{row}"].fill, page[f"E{row}"].border = (
            fill(back),
            frame(INPUT_EDGE if back == INPUT else RULE),
        )
        page[f"F{row}"].value, page[f"F{row}"].font = meaning, font(GREY)
        for name in "EF":
            page[f"{name}{row}"].alignment = Alignment(horizontal="left", vertical="center", indent=1)


def _chart(page: Worksheet) -> BarChart:
    """Make the chart of money at stake by mismatch: more to bill at the right, less at the left."""
    rows = [int(cells[0][1:]) for cells in START_MISMATCH_CELLS.values()]
    chart = money_chart("Money at stake per month")
    data = Reference(page, min_col=7, max_col=8, min_row=min(rows) - 1, max_row=max(rows))
    chart.add_data(data, titles_from_data=True)
    chart.set_categories(Reference(page, min_col=5, min_row=min(rows), max_row=max(rows)))
    lay_bars(chart, (UP, DOWN))
    for series, color in zip(chart.series, (GREEN[1], AMBER[1]), strict=True):
        series.dLbls = _labels(color)
    chart.overlap = 100
    chart.y_axis.tickLblPos = "nextTo"
    chart.layout = layout(x=0.03, y=0.24, w=0.94, h=0.72)
    place(chart, (4, 16), (8, _LAST_ROW - len(_LEGEND) - 2))
    return chart


def _verdict(page: Worksheet) -> None:
    """Put the cells of the verdict and the notices."""
    for heading, first, last in (("All clear?", VERDICT_ROWS[0], VERDICT_ROWS[-1]), ("Notices", 47, _END)):
        _heading(page, f"B{first - 1}", heading, "BC")
        page.merge_cells(f"B{first}:C{last}")
        page[f"B{first}"].font = font(INK)
        page[f"B{first}"].alignment = Alignment(horizontal="left", vertical="top", wrap_text=True, indent=1)


def _billed_table(page: Worksheet) -> None:
    """Put the table *Where every cent went*."""
    first = min(int(cells[0][1:]) for cells in START_BILLED_CELLS.values())
    _table_head(page, first, "Where every cent went", ("Lines", "Amount", "Other currencies"))
    for label, cells in START_BILLED_CELLS.items():
        row = int(cells[0][1:])
        is_sum = label in {"Invoices", "Lines", "Unexplained"}
        page[f"E{row}"].value, page[f"E{row}"].font = label, font(INK, bold=is_sum)
        page[f"E{row}"].alignment = Alignment(horizontal="left", vertical="top", indent=1)
        for name, form in zip(cells, (f"#,##0{PAD}", f"#,##0.00{PAD}", "@"), strict=True):
            page[name].number_format, page[name].font = form, font(INK, bold=is_sum)
            page[name].alignment = Alignment(horizontal="right", vertical="top")
        page[f"H{row}"].alignment = Alignment(horizontal="right", vertical="top", wrap_text=True)
        for name in "EFGH":
            page[f"{name}{row}"].border = Border(bottom=edge())
    note = START_BILLED_CELLS["Unexplained"][2]
    page.merge_cells(f"{note}:H{page[note].row}")
    page[note].font = font(INK)
    page[note].alignment = Alignment(horizontal="left", vertical="center", shrink_to_fit=True, indent=1)


def _billed_chart(page: Worksheet) -> BarChart:
    """Make the chart of the five parts of the billed money."""
    rows = [int(START_BILLED_CELLS[str(fate)][0][1:]) for fate in Fate]
    chart = money_chart("What became of the money billed")
    chart.add_data(Reference(page, min_col=7, min_row=min(rows), max_row=max(rows)))
    chart.set_categories(Reference(page, min_col=5, min_row=min(rows), max_row=max(rows)))
    lay_bars(chart, (UP,))
    for series in chart.series:
        series.dLbls = _labels(INK)
    chart.legend = None
    chart.y_axis.delete = True  # each bar has a label, and the amounts of an axis would run into each other
    chart.layout = layout(x=0.06, y=0.2, w=0.91, h=0.76)
    place(chart, (4, 51), (8, _END))
    return chart


def _labels(color: str) -> DataLabelList:
    """Return labels with the money beside each bar; zero has none."""
    return DataLabelList(
        numFmt=BAR_MONEY,
        showVal=True,
        showSerName=False,
        showCatName=False,
        showLegendKey=False,
        showPercent=False,
        dLblPos="outEnd",
        txPr=lettering(color),
    )
