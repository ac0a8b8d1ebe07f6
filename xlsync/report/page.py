"""The report's page: headline numbers, charts, three tables, and notes on what the figures cover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct
from openpyxl.chart import BarChart, Reference
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.marker import DataPoint
from openpyxl.styles import Alignment, Border, Font
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.amounts import counted
from xlsync.apply.plan import State
from xlsync.models import Month
from xlsync.reconcile.billed import Billed
from xlsync.report.figures import FigureGroup
from xlsync.report.month import Report
from xlsync.workbook.style import (
    AMBER,
    DOWN,
    FAINT,
    GREEN,
    GREY,
    INK,
    LIGHT,
    MIDDLE,
    MONEY,
    PAD,
    PALE,
    RED,
    SLATE,
    UP,
    Content,
    edge,
    fill,
    font,
    lay_bars,
    layout,
    lettering,
    money_chart,
    paint,
    place,
    print_report,
    put,
)
from xlsync.workbook.totals import KindMoney, billed_parts
from xlsync.xlsx.cells import letters

CHART_ROWS: Final = 15
SMALL: Final = 10  # points: printed at 80 % these are still 8
CHART_LETTERS: Final = 1000
_NAME: Final = 22  # letters that fit into the first column of a section
_LINE: Final = 190  # letters that fit into a line of text across the page

OVERVIEW: Final = "Report"
_TOP: Final = 10
_BY_HAND: Final = 20
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip

# Three sections of four columns, with a gutter between.
_WIDTHS: Final = (2, 21, 8, 12.5, 12.5, 2, 21, 8, 12.5, 12.5, 2, 21, 8, 12.5, 12.5, 2)
_SECTIONS: Final = (2, 7, 12)  # first columns
_LAST: Final = 15


class _Tile(Struct, frozen=True):
    """A headline number with its label above and a note below."""

    label: str
    value: Decimal | int
    note: str
    color: str = INK


def overview(page: Worksheet, report: Report, made_at: str) -> None:
    """Fill the page of a month: headline numbers, charts above their tables, then the verdict and notes."""
    page.title = OVERVIEW
    page.sheet_view.showGridLines = False
    page.sheet_properties.tabColor = f"FF{UP}"
    for number, width in enumerate(_WIDTHS):
        page.column_dimensions[letters(number)].width = width
    _heading(page, report, made_at)
    row = 6
    shown = [total for total in report.totals if is_shown(total)]
    for number, total in enumerate(shown):
        if len(shown) > 1:
            cell = put(page, row, 2, total.currency or "No currency")
            cell.font = font(GREY, SMALL, bold=True)
            row += 1
        row = _tiles(page, row, total, is_large=number == 0)
    end = _charts_and_tables(page, row + 1, report)
    page.row_breaks.append(Break(id=end + 1))
    row = _verdict(page, end + 2, report)
    row = _billed(page, row, report.billed)
    row = _to_bill_by_hand(page, row, report)
    last = _notes(page, row, report)
    print_report(page, f"{month_name(report.month)}, {report.environment}", sum(_WIDTHS))
    page.print_options.horizontalCentered = True
    page.print_area = f"A1:{letters(_LAST)}{last}"


def _charts_and_tables(page: Worksheet, row: int, report: Report) -> int:
    """Put three charts, each above its table, in the main currency; returns the last row."""
    main = report.totals[0].currency if report.totals else ""
    unit = f", {main}" if main else ""
    kinds = [total for total in report.kinds if total.currency == main]
    top = [group for group in report.customers if group.currency == main]
    top = sorted(top, key=lambda group: -max(group.figures.monthly, group.figures.after))[:_TOP]
    below = row + CHART_ROWS + 1
    ends = (
        _money_table(page, below, report),
        _kind_table(page, below, kinds),
        _top_table(page, below, top),
    )
    title = f"Recurring charges and ConnectWise, a month{unit}"
    add(page, before_after(page, below, title), _SECTIONS[0], row)
    if kinds:
        title = f"Open mismatches, a month{unit}"
        chart = bars(page, below, len(kinds), (9, 10), (UP, DOWN), title, is_stacked=True)
        add(page, chart, _SECTIONS[1], row)
    if top:
        title = f"Largest customers, a month{unit}"
        add(page, bars(page, below, len(top), (14, 15), (MIDDLE, UP), title), _SECTIONS[2], row)
    return max(ends)


def _heading(page: Worksheet, report: Report, made_at: str) -> None:
    page.row_dimensions[1].height = 8
    page.row_dimensions[2].height = 32
    title = put(page, 2, 2, month_name(report.month))
    title.font, title.alignment = font(INK, 22, bold=True), Alignment(vertical="center")
    page.merge_cells(start_row=2, end_row=2, start_column=2, end_column=5)
    subtitle = put(page, 2, 7, "What the distributor billed, beside what ConnectWise bills")
    subtitle.font, subtitle.alignment = font(GREY, 11), Alignment(vertical="center")
    page.merge_cells(start_row=2, end_row=2, start_column=7, end_column=_LAST)
    for column in range(2, _LAST + 1):
        page.cell(3, column).border = Border(top=edge(SLATE))
    page.row_dimensions[3].height = 6
    facts = put(
        page, 4, 2,
        f"{report.environment}  ·  {report.workbook}, as read {report.read_at}  ·  report made {made_at}",
    )  # fmt: skip
    facts.font = font(GREY, SMALL)
    page.merge_cells(start_row=4, end_row=4, start_column=2, end_column=_LAST)
    page.row_dimensions[5].height = 6


def _tiles(page: Worksheet, row: int, total: FigureGroup, *, is_large: bool) -> int:
    """Put six headline numbers of one currency into three rows; returns the row after them."""
    figures = total.figures
    stake = f"{figures.up:+,.2f} / {figures.down:+,.2f} a month" if figures.open else "nothing is open"
    compared = "nothing to compare"
    if figures.rate is not None:
        compared = f"{figures.rate:.1%} of {_amount_text(figures.revenue)} compared"
    tiles = (
        _Tile("Billed by the distributor", figures.billed, counted(figures.lines, "line")),
        _Tile("ConnectWise before, a month", figures.before, "without the month's writes"),
        _Tile("ConnectWise after, a month", figures.after, "with the month's writes"),
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
            (tile.label, font(GREY, SMALL), "General"),
            (tile.value, font(tile.color, 18 if is_large else 12, bold=True),
             "#,##0" if isinstance(tile.value, int) else MONEY),
            (tile.note, font(GREY, SMALL), "General"),
        )  # fmt: skip
        for offset, (content, letters_, form) in enumerate(contents):
            cell = put(page, row + offset, first, content)
            cell.font, cell.number_format = letters_, form
            cell.alignment = Alignment(horizontal="left", vertical="center", indent=1)
            for column in (first, first + 1):
                page.cell(row + offset, column).fill = fill(PALE)
                page.cell(row + offset, column).border = Border(
                    left=edge(MIDDLE if column == first else PALE) if column == first else None
                )
            page.merge_cells(
                start_row=row + offset, end_row=row + offset, start_column=first, end_column=first + 1
            )
    return row + 4


def _amount_text(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _section(page: Worksheet, row: int, number: int, headers: Sequence[str]) -> None:
    for offset, header in enumerate(headers):
        cell = put(page, row, _SECTIONS[number] + offset, header or None)
        cell.font, cell.fill = font("FFFFFF", SMALL, bold=True), fill(SLATE)
        cell.alignment = Alignment(horizontal="right" if offset else "left", vertical="center", indent=1)


def _line(
    page: Worksheet, row: int, number: int, contents: Sequence[Content], formats: Sequence[str]
) -> None:
    for offset, (content, form) in enumerate(zip(contents, formats, strict=True)):
        cell = put(page, row, _SECTIONS[number] + offset, content)
        is_number = isinstance(content, int | Decimal)
        cell.number_format = form + PAD if is_number else form
        faint = is_number and content == 0
        cell.font = font(FAINT if faint else INK, SMALL)
        cell.alignment = Alignment(
            horizontal="right" if offset else "left", vertical="center", indent=0 if is_number else 1,
        )  # fmt: skip
        cell.border = Border(bottom=edge())


def _money_table(page: Worksheet, row: int, report: Report) -> int:
    """Put the table of the first chart, then what was created and how writes ended; returns the last row."""
    totals = report.totals[0].figures if report.totals else None
    _section(page, row, 0, ("A month", "", "", "Money"))
    amounts = (
        ("Recurring charges", totals.monthly if totals else Decimal(0)),
        ("Before", totals.before if totals else Decimal(0)),
        ("After", totals.after if totals else Decimal(0)),
    )
    for number, (label, amount) in enumerate(amounts, 1):
        _line(page, row + number, 0, (label, None, None, amount), ("@", "@", "@", MONEY))
    row += len(amounts) + 2
    created = [(kind, count) for kind, count in report.created.items() if count]
    _section(page, row, 0, ("Created in ConnectWise", "", "", "Number"))
    for kind, count in created:
        row += 1
        _line(page, row, 0, (_plural(kind, count), None, None, count), ("@", "@", "@", "#,##0"))
    if not created:
        row += 1
        _line(page, row, 0, ("Nothing", None, None, None), ("@", "@", "@", "@"))
    row += 2
    _section(page, row, 0, ("Writes of the month", "", "", "Number"))
    for state, count in sorted(report.states.items()):
        row += 1
        _line(page, row, 0, (state.capitalize(), None, None, count), ("@", "@", "@", "#,##0"))
    if not report.states:
        row += 1
        _line(page, row, 0, ("None", None, None, None), ("@", "@", "@", "@"))
    return row


def _plural(kind: str, count: int) -> str:
    return kind if count == 1 else f"{kind}s"


def _kind_table(page: Worksheet, row: int, kinds: Sequence[KindMoney]) -> int:
    _section(page, row, 1, ("Open mismatches", "Rows", "To bill more", "To bill less"))
    for kind in kinds:
        row += 1
        contents = (str(kind.kind), kind.count, kind.up, kind.down)
        _line(page, row, 1, contents, ("@", "#,##0", MONEY, MONEY))
    if not kinds:
        row += 1
        _line(page, row, 1, ("None is open", None, None, None), ("@", "@", "@", "@"))
    return row


def _top_table(page: Worksheet, row: int, groups: Sequence[FigureGroup]) -> int:
    _section(page, row, 2, ("Customer, a month", "Margin", "Charges", "ConnectWise"))
    for group in groups:
        row += 1
        figures = group.figures
        contents = (_shorten(group.name), figures.rate, figures.monthly, figures.after)
        _line(page, row, 2, contents, ("@", "0%", MONEY, MONEY))
    return row


def _shorten(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1].rstrip()}…"


def is_shown(total: FigureGroup) -> bool:
    """Return whether something was billed, was changed or is open in a currency, which then has a block."""
    figures = total.figures
    return bool(figures.lines or figures.open or figures.found or figures.billed)


def _verdict(page: Worksheet, row: int, report: Report) -> int:
    """Write whether the month is all clear, across the page; returns the row below."""
    _heading_across(page, row, "All clear?")
    cell = put(page, row + 1, 2, report.verdict.text or "The workbook does not tell: run check.")
    cell.font = font(GREEN[1] if report.verdict.all_clear else INK, 11, bold=report.verdict.all_clear)
    cell.alignment = Alignment(wrap_text=True, vertical="top", indent=1)
    page.merge_cells(start_row=row + 1, end_row=row + 1, start_column=2, end_column=_LAST)
    page.row_dimensions[row + 1].height = 16 * (1 + len(report.verdict.text) // (_LINE - 20))
    return row + 3


def _heading_across(page: Worksheet, row: int, text: str) -> None:
    for column in range(2, _LAST + 1):
        page.cell(row, column).fill = fill(SLATE)
    cell = put(page, row, 2, text)
    cell.font, cell.alignment = font("FFFFFF", SMALL, bold=True), Alignment(vertical="center", indent=1)


def _billed(page: Worksheet, row: int, billed: Sequence[Billed]) -> int:
    """Write where every cent went, a section for each currency; returns the row below."""
    for first in range(0, len(billed), len(_SECTIONS)):
        for number, of_currency in enumerate(billed[first : first + len(_SECTIONS)]):
            heading = f"Where every cent went{f', {of_currency.currency}' if of_currency.currency else ''}"
            _section(page, row, number, (heading, "", "Lines", "Amount"))
            for offset, (label, lines, amount) in enumerate(billed_parts(of_currency), 1):
                shown_amount = "no total" if amount is None else amount
                formats = ("@", "@", "#,##0", MONEY)
                _line(page, row + offset, number, (label, None, lines, shown_amount), formats)
        row += len(billed_parts(billed[first])) + 2
    return row


def _to_bill_by_hand(page: Worksheet, row: int, report: Report) -> int:
    """Write what no write will bill, the most money first; returns the row below."""
    if not report.by_hand:
        return row
    sums = ", ".join(f"{_amount_text(amount)} {name}".strip() for name, amount in report.by_hand_sums.items())
    _heading_across(page, row, f"To bill by hand: {sums}")
    rows = sorted(report.by_hand, key=lambda one: (-one.amount, one.customer, one.product))
    for entry in rows[:_BY_HAND]:
        row += 1
        _line(page, row, 0, (entry.customer, None, None, None), ("@", "@", "@", "@"))
        _line(page, row, 1, (entry.product, None, None, None), ("@", "@", "@", "@"))
        _line(page, row, 2, ("", None, entry.currency, entry.amount), ("@", "@", "@", MONEY))
    if len(rows) > _BY_HAND:
        row += 1
        put(page, row, 2, f"… and {len(rows) - _BY_HAND} more: see Open Mismatches.").font = font(GREY, SMALL)
    return row + 2


def _notes(page: Worksheet, row: int, report: Report) -> int:
    """Put the notes; returns the last row."""
    for note in notes(report):
        cell = put(page, row, 2, note)
        cell.font = font(GREY, SMALL)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        page.merge_cells(start_row=row, end_row=row, start_column=2, end_column=_LAST)
        page.row_dimensions[row].height = 14.5 * (1 + len(note) // _LINE)
        row += 1
    return row - 1


def notes(report: Report) -> Iterable[str]:
    """Yield the notes: what the figures cover and what they leave out."""
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
        f"{_amount_text(total.figures.cost_impact)} {total.currency}".strip()
        for total in report.totals
        if total.figures.cost_impact
    ]
    if corrected:
        yield (
            f"Corrected unit costs change the margin by {', '.join(corrected)} a month (not included above)."
        )
    unpriced = sum(total.figures.unpriced for total in report.totals)
    if unpriced:
        yield f"{counted(unpriced, 'addition')} without a price in ConnectWise and its catalog: in no sum."
    if report.ignored:
        yield f"{counted(report.ignored, 'row')} of Mismatches ignored by choice: not among the open ones."
    if report.states.get(str(State.UNKNOWN)):
        count = counted(report.states[str(State.UNKNOWN)], "write")
        yield f"{count} without a known outcome: not counted as done. `xlsync apply` looks them up."


def month_name(month: str) -> str:
    """Write a month with its name: `October 2026` for `2026-10`."""
    parsed = Month.parse(month)
    return f"{_MONTHS[parsed.month - 1]} {parsed.year}"


def before_after(page: Worksheet, header: int, title: str) -> BarChart:
    """Make a chart of three columns with their amounts above them."""
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
    labels.txPr = lettering(size=CHART_LETTERS)
    series.dLbls = labels
    chart.x_axis.txPr = chart.y_axis.txPr = lettering(size=CHART_LETTERS)
    chart.legend = None
    chart.y_axis.scaling.min = 0
    chart.layout = layout(x=0.13, y=0.18, w=0.84, h=0.7)
    return chart


def bars(
    page: Worksheet,
    header: int,
    count: int,
    columns: tuple[int, int],
    colors: tuple[str, str],
    title: str,
    *,
    is_stacked: bool = False,
) -> BarChart:
    """Make a chart of two series of horizontal bars, one above the other or as one bar (`is_stacked`).

    The names of the bars are in the second column before the first of `columns`.
    """
    chart = money_chart(title)
    chart.overlap, chart.gapWidth = (100, 45) if is_stacked else (0, 35)
    first, last = columns
    chart.add_data(
        Reference(page, min_col=first, max_col=last, min_row=header, max_row=header + count),
        titles_from_data=True,
    )
    chart.set_categories(Reference(page, min_col=first - 2, min_row=header + 1, max_row=header + count))
    lay_bars(chart, colors)
    chart.x_axis.txPr = chart.y_axis.txPr = lettering(size=CHART_LETTERS)
    chart.legend.txPr = lettering(size=CHART_LETTERS)
    chart.layout = layout(x=0.03, y=0.22, w=0.93, h=0.75)
    return chart


def add(page: Worksheet, chart: BarChart, column: int, row: int) -> None:
    """Place a chart over four columns, from a column and a row on (1-based)."""
    place(chart, (column - 1, row - 1), (column + 3, row - 1 + CHART_ROWS))
    page.add_chart(chart)
