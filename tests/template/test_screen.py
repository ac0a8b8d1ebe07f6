"""What a person sees: columns on a screen 1366 pixels wide, whole words in headers, contrast."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import openpyxl
import pytest

from xlsync.workbook import layout
from xlsync.workbook.layout import BILLING_LINES, INVOICES, MISMATCHES, NEW, TABLES, Sheet

TEMPLATE = Path(__file__).parents[2] / "workbook_template.xlsx"
SCREEN = 1366
MARGINS = 44 + 20  # the numbers of rows at the left, the bar to scroll at the right
LEAST_SEEN = 120  # pixels of a column whose beginning alone must be seen


@pytest.fixture(scope="module")
def workbook() -> openpyxl.Workbook:
    return openpyxl.load_workbook(TEMPLATE)


def pixels(width: float) -> int:
    """The pixels of a column as wide as so many characters, in Excel at 100 %."""
    return int(width * 7 + 5)


def seen_at_once(sheet: Sheet) -> tuple[list[str], str]:
    """The headers of the whole columns that are seen at once, and of one of which a part is seen."""
    left, whole = SCREEN - MARGINS, []
    for column in sheet.columns:
        if pixels(column.width) > left:
            return whole, column.header if left >= LEAST_SEEN else ""
        left -= pixels(column.width)
        whole.append(column.header)
    return whole, ""


def test_the_decision_on_a_mismatch_is_seen_without_scrolling() -> None:
    whole, begun = seen_at_once(MISMATCHES)
    assert whole[:3] == ["Approve", "Customer", "Product"]
    assert MISMATCHES.frozen == 3
    needed = {"Mismatch", "ConnectWise Units", "BSS Units", "New Units", "Monthly Impact"}
    assert needed <= set(whole)
    assert "Explanation" in {*whole, begun}


def test_a_billing_line_is_linked_without_scrolling() -> None:
    whole, _ = seen_at_once(BILLING_LINES)
    assert whole[:2] == ["Customer", "Product"]
    assert BILLING_LINES.frozen == 2
    assert {"Units", *layout.PICKED_HEADERS, "Status"} <= set(whole)
    assert "Candidates" in whole


def test_what_must_be_filled_in_of_a_new_thing_is_seen_without_scrolling() -> None:
    whole, _ = seen_at_once(NEW)
    assert whole[:3] == ["Approve", "Kind", "Name"]
    assert NEW.frozen == 3
    needed = {"Identifier", "Type", "Category", "Billing Cycle", "Start Date", "Price", "Contact First Name"}
    assert needed <= set(whole)
    # Agreements of several customers have one name: For tells whose they are.
    assert {"For", "Looks Like"} <= set(whole)


def test_what_is_seldom_needed_lies_to_the_right_in_an_outline_group(workbook: openpyxl.Workbook) -> None:
    for sheet in TABLES:
        dimensions = workbook[sheet.title].column_dimensions
        grouped = [
            column.header
            for index, column in enumerate(sheet.columns)
            if dimensions[layout.letters(index)].outlineLevel
        ]
        assert grouped == [column.header for column in sheet.columns if column.is_seldom_needed]
        others = [column.header for column in sheet.columns if not column.is_seldom_needed]
        assert [*others[:-1], *grouped, others[-1]] == list(sheet.headers)
        assert grouped or sheet is INVOICES


def width_of(word: str) -> float:
    """About how many pixels a word of a bold header takes; wide letters are counted as such."""
    return sum(10 if letter in "MWmw" else 4 if letter in "iljt.I/ " else 7 for letter in word)


@pytest.mark.parametrize("sheet", TABLES, ids=lambda sheet: sheet.title)
def test_no_header_breaks_within_a_word(sheet: Sheet) -> None:
    for column in sheet.columns:
        room = pixels(column.width) - 14  # an indent, and the cell's edges
        words = column.header.split()
        assert max(map(width_of, words)) <= room, column.header
        lines, used = 1, 0.0
        for word in words:
            if used and used + 4 + width_of(word) > room:
                lines, used = lines + 1, 0.0
            used += width_of(word) + (4 if used else 0)
        assert lines <= (3 if column.header.startswith("Contact") else 2), column.header


def luminance(colour: str) -> float:
    parts = [int(colour[-6:][at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_every_text_stands_out_from_its_ground(workbook: openpyxl.Workbook) -> None:
    seen = 0
    for page in workbook:
        for row in page.iter_rows():
            for cell in row:
                if not cell.font.color or not cell.font.color.rgb:
                    continue
                letters = cell.font.color.rgb if isinstance(cell.font.color.rgb, str) else "FF000000"
                is_filled = cell.fill.fill_type == "solid"
                ground = str(cell.fill.start_color.rgb) if is_filled else "FFFFFFFF"
                assert contrast(letters, ground) >= 4.5, f"{page.title}!{cell.coordinate}"
                seen += 1
    assert seen > 100


def test_every_coloured_state_stands_out_from_its_ground(workbook: openpyxl.Workbook) -> None:
    seen = 0
    for page in workbook:
        for entry in page.conditional_formatting:
            for rule in entry.rules:
                if rule.dxf and rule.dxf.font and rule.dxf.font.color:
                    ground = rule.dxf.fill.bgColor.rgb if rule.dxf.fill else "FFFFFFFF"
                    assert contrast(rule.dxf.font.color.rgb, ground) >= 4.5, rule.formula
                    seen += 1
    assert seen > 20


def test_charts_are_told_in_words_and_their_letters_can_be_read() -> None:
    with zipfile.ZipFile(TEMPLATE) as package:
        drawing = package.read("xl/drawings/drawing1.xml").decode()
        charts = [package.read(name).decode() for name in package.namelist() if "charts/chart" in name]
    told = re.findall(r'cNvPr [^>]*descr="([^"]+)"', drawing)
    assert len(told) == drawing.count("graphicFrame>") // 2
    assert "money at stake" in told[0]
    letters = re.findall(r'<(?:a:)?(?:defRPr|endParaRPr|rPr)[^>]*>.*?srgbClr val="(\w+)"', "".join(charts))
    assert letters
    assert all(contrast(colour, "FFFFFF") >= 4.5 for colour in letters)
