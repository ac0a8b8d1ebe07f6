"""A person's workbook comes back from check and apply as it was, but for the cells that xlsync owns."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.filters import FilterColumn, Filters

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES, Hand
from tests.helpers.world import DeskAfter
from xlsync.workbook.layout import BILLING_LINES, LIST_COLUMNS, LISTS, MEMORY, START, TABLES

FOREIGN = {  # parts that openpyxl does not know, as Excel puts them into a package
    "xl/pivotCache/pivotCacheDefinition9.xml": b'<?xml version="1.0"?><pivotCacheDefinition kept="yes"/>',
    "xl/pivotCache/pivotCacheRecords9.xml": b'<?xml version="1.0"?><pivotCacheRecords count="0"/>',
    "xl/pivotTables/pivotTable9.xml": b'<?xml version="1.0"?><pivotTableDefinition name="Mine"/>',
    "customXml/item1.xml": b"<mine>\xc3\xa9</mine>",
    "xl/media/picture.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
}
MINE = "My sums"
TITLES = (*(sheet.title for sheet in TABLES), START, LISTS, MEMORY)
COMPUTED = {  # columns that check computes anew, or that apply writes
    sheet.title: {c.header for c in sheet.columns if not c.is_input} for sheet in TABLES
}


def furnish(hand: Hand) -> None:
    """What people put into a workbook: sheets, charts, columns, comments, colours, rules."""
    mine = hand.book.create_sheet(MINE)
    for row in range(1, 6):
        mine.cell(row, 1).value, mine.cell(row, 2).value = row, f"=A{row}*2"
    mine["C1"].comment = Comment("mine", "Pia")
    chart = BarChart()
    chart.add_data(Reference(mine, min_col=1, min_row=1, max_row=5))
    mine.add_chart(chart, "E2")
    red = PatternFill("solid", start_color="FFFF0000")
    for title in (LINES, MISMATCHES):
        sheet = hand.sheet(title)
        last = sheet.max_column + 3
        sheet.cell(1, last).value = "My column"
        for row in range(2, sheet.max_row + 1):
            sheet.cell(row, last).value = row if row % 2 else f"=LEN(A{row})"
        sheet.cell(3, 1).fill = red
        sheet.cell(4, last).comment = Comment(f"about {title}", "Pia")
        sheet.row_dimensions[5].height = 44
        sheet.column_dimensions["C"].width = 61
        area = f"{get_column_letter(last)}2:{get_column_letter(last)}9"
        sheet.conditional_formatting.add(area, CellIsRule("equal", ["3"], font=Font(bold=True)))
    hand.set(LINES, hand.line("DELTA"), {"Note": "Ask Pia"})
    hand.approve("units:52")


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def part_of_sheet(found: dict[str, bytes], title: str) -> str:
    """The part that a sheet stands in."""
    book = found["xl/workbook.xml"].decode()
    tag = next(tag for tag in re.findall(r"<sheet [^>]*>", book) if f'name="{title}"' in tag)
    reference = re.search(r'r:id="([^"]*)"', tag)
    assert reference
    relations = found["xl/_rels/workbook.xml.rels"].decode()
    relation = next(
        tag for tag in re.findall(r"<Relationship [^>]*>", relations) if f'"{reference[1]}"' in tag
    )
    target = re.search(r'Target="/?(?:xl/)?([^"]*)"', relation)
    assert target
    return f"xl/{target[1]}"


def cells(hand: Hand) -> dict[tuple[str, str, int | str], Any]:
    """Every cell that is a person's: by sheet and row key, or by sheet and row, with its looks."""
    found: dict[tuple[str, str, int | str], Any] = {}
    for sheet in hand.book.worksheets:
        if sheet.title in {LISTS, MEMORY, START}:
            continue
        computed = COMPUTED.get(sheet.title, set())
        headers = {column: header for header, column in hand.columns(sheet.title).items()} if computed else {}
        keys = {row: key for key, row in hand.rows(sheet.title).items()} if computed else {}
        for line in sheet.iter_rows():
            for cell in line:
                if headers.get(cell.column) in computed:
                    continue
                row = keys.get(cell.row, cell.row)
                value = cell.value
                if isinstance(value, str):  # a formula moves with its row
                    value = value.replace(f"(A{cell.row})", "(A here)")
                told = (
                    value,
                    cell.comment and cell.comment.text,
                    cell.font.b,
                    cell.fill.start_color.rgb,
                )
                if told != (None, None, False, "00000000"):
                    found[sheet.title, str(row), cell.column] = told
    return found


BEFORE = "before.xlsx"


def furnish_desk(desk: Desk) -> None:
    """Let a workbook lie on the desk that a person has worked in for long, and a copy of it beside."""
    with desk.editing() as hand:
        furnish(hand)
    with zipfile.ZipFile(desk.file, "a") as package:
        for name, data in FOREIGN.items():
            package.writestr(name, data)
    shutil.copy(desk.file, desk.folder / BEFORE)


def check_furnished(desk: Desk) -> None:
    furnish_desk(desk)
    assert desk.check().code == 0


def apply_furnished(desk: Desk) -> None:
    furnish_desk(desk)
    assert desk.apply().code == 0


def check_four_times(desk: Desk) -> None:
    """What a check remembers shows as evidence in those after it."""
    for _ in range(4):
        desk.check()


BY_COMMAND = pytest.mark.parametrize("command", [check_furnished, apply_furnished])


@BY_COMMAND
def test_every_part_that_is_not_xlsyncs_is_the_same_byte_for_byte(
    desk_after: DeskAfter, command: Callable[[Desk], None]
) -> None:
    desk = desk_after(command)
    before, after = parts(desk.folder / BEFORE), parts(desk.file)
    own = {part_of_sheet(before, title) for title in TITLES}
    marked = {"xl/workbook.xml"}  # to be calculated when it is opened, and the names of the lists
    assert before.keys() == after.keys()
    assert FOREIGN.items() <= after.items()
    assert {name for name in before if before[name] != after[name]} <= own | marked
    assert part_of_sheet(before, MINE) not in own


def looks(hand: Hand) -> list[Any]:
    return [
        (
            title,
            hand.sheet(title).row_dimensions[5].height,
            hand.sheet(title).column_dimensions["C"].width,
            [str(rule.sqref) for rule in hand.sheet(title).conditional_formatting],
            hand.sheet(title).freeze_panes,
            [rule.formula1 for rule in hand.sheet(title).data_validations.dataValidation],
        )
        for title in (LINES, MISMATCHES)
    ]


@BY_COMMAND
def test_every_cell_of_a_person_is_as_it_was_and_so_are_widths_heights_and_rules(
    desk_after: DeskAfter, command: Callable[[Desk], None]
) -> None:
    desk = desk_after(command)
    hands = Hand(desk.folder / BEFORE), desk.read()
    before, after = map(cells, hands)
    assert {key: after.get(key) for key in before} == before
    assert before.keys() == after.keys()
    assert looks(hands[1]) == looks(hands[0])


def test_apply_changes_results_and_nothing_else_on_the_sheets(desk_after: DeskAfter) -> None:
    desk = desk_after(apply_furnished)
    before, after = parts(desk.folder / BEFORE), parts(desk.file)
    changed = {name for name in before if before[name] != after[name]}
    assert part_of_sheet(before, LINES) not in changed
    assert part_of_sheet(before, MISMATCHES) in changed
    row = next(row for row in before[part_of_sheet(before, MISMATCHES)].decode().split("<row ")[3:4])
    assert row in after[part_of_sheet(before, MISMATCHES)].decode()


def test_a_check_of_what_did_not_change_leaves_the_sheets_of_rows_alone(desk_after: DeskAfter) -> None:
    desk = desk_after(check_four_times)
    before = parts(desk.file)
    assert desk.check().code == 0
    after = parts(desk.file)
    told = {part_of_sheet(before, title) for title in (START, MEMORY)}
    assert {name for name in before if before[name] != after[name]} <= told


def test_a_line_that_changed_is_renewed_among_those_that_did_not(desk_after: DeskAfter) -> None:
    furnished = desk_after(furnish_desk)
    before = cells(furnished.read())
    furnished.addition(52)["quantity"] = Decimal(16)
    assert furnished.check().code == 0
    hand = furnished.read()
    assert hand.get(MISMATCHES, "units:52", "ConnectWise Units") == 16
    after = cells(hand)
    approve = (MISMATCHES, "units:52", hand.columns(MISMATCHES)["Approve"])
    assert {key: after.get(key) for key in before if key != approve} == {
        key: value for key, value in before.items() if key != approve
    }
    assert BILLING_LINES.title in hand.book.sheetnames


def test_a_computed_cell_that_is_nearly_as_it_was_is_renewed_where_its_row_did_not_change(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(check_four_times)
    before = [list(line) for line in desk.read().sheet(LINES).values]
    with desk.editing() as hand:
        units = hand.column(LINES, "Units")
        two, three, one, *_ = sorted(units, key=lambda key: units[key] != 1)
        hand.set(LINES, one, {"Units": True})
        hand.set(LINES, two, {"Product": f"{hand.get(LINES, two, 'Product')} "})
        hand.set(LINES, three, {"Units": 1.000000000000001})
    ran = desk.check()
    assert ran.code == 0
    after = desk.read()
    assert [list(line) for line in after.sheet(LINES).values] == before
    assert after.get(LINES, one, "Units") is not True  # which is equal to 1
    assert ran.err.count("was altered and is computed anew") == 1  # blanks and last digits are no edit


def differ(desk: Desk, by: int) -> None:
    """Let many more additions hold other units than are billed."""
    for addition in list(desk.sandbox.connectwise.additions.values())[:40]:
        addition["quantity"] += by


def place_of_table(hand: Hand) -> str:
    (table,) = hand.sheet(MISMATCHES).tables.values()
    return str(table.ref)


def test_what_stands_below_the_table_keeps_its_distance_when_rows_are_added_and_dropped(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet = hand.sheet(MISMATCHES)
        last = sheet.max_row
        sheet.cell(last + 3, 1).value = "Ask Pia about these"
        sheet.cell(last + 3, 8).value = f"=SUM(H2:H{last})"
    for by in (3, -3):
        differ(desk, by)
        assert desk.check().code == 0
        hand = desk.read()
        sheet = hand.sheet(MISMATCHES)
        last = max(hand.rows(MISMATCHES).values())
        assert place_of_table(hand) == f"A1:W{last}"
        assert sheet.cell(last + 3, 1).value == "Ask Pia about these"
        assert sheet.cell(last + 3, 8).value == f"=SUM(H2:H{last})"
        assert sheet.max_row == last + 3


def test_a_row_of_a_person_between_the_others_stays_under_the_row_that_it_stood_under(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet = hand.sheet(MISMATCHES)
        keys = {row: key for key, row in hand.rows(MISMATCHES).items()}
        sheet.insert_rows(9)
        sheet.cell(9, 1).value = "These are for Pia"
        sheet.insert_rows(5)
        sheet.cell(5, 8).value = "=H4+H4"  # saved without its value
        (table,) = sheet.tables.values()
        table.ref = f"A1:W{sheet.max_row}"
    for by in (0, 3):
        differ(desk, by)
        assert desk.check().code == 0
        hand = desk.read()
        sheet, rows = hand.sheet(MISMATCHES), hand.rows(MISMATCHES)
        assert sheet.cell(rows[keys[8]] + 1, 1).value == "These are for Pia"
        above = rows[keys[4]]
        assert sheet.cell(above + 1, 8).value == f"=H{above}+H{above}"
        assert place_of_table(hand) == f"A1:W{sheet.max_row}"
        assert sheet.max_row == len(rows) + 3


def test_a_filter_that_hides_rows_which_changed_is_to_be_applied_anew(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet, row = hand.sheet(MISMATCHES), hand.rows(MISMATCHES)["units:52"]
        (table,) = sheet.tables.values()
        table.autoFilter.filterColumn = [FilterColumn(colId=3, filters=Filters(filter=["Cost differs"]))]
        sheet.row_dimensions[row].hidden = True
    told = "Mismatches is filtered, and rows that the filter hides changed: apply the filter anew"
    assert told not in desk.check().err
    desk.sandbox.connectwise.additions[52]["quantity"] += 1
    assert told in desk.check().err
    assert told not in desk.check("--refresh").err


def test_a_persons_list_beside_those_of_xlsync_stays_where_it_is_however_long_those_are(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet = hand.sheet(LISTS)
        column, length = sheet.max_column + 2, sheet.max_row
        for row in range(1, length + 9):
            sheet.cell(row, column).value = f"mine {row}"
    catalog = desk.sandbox.connectwise.catalog
    made = {max(catalog) + n: {**catalog[max(catalog)], "identifier": f"Z{n}"} for n in range(1, length + 20)}
    for products in (made, {}):  # they come and go
        for key in made:
            catalog.pop(key, None)
        catalog.update({key: {**product, "id": key} for key, product in products.items()})
        assert desk.check("--refresh").code == 0
        hand = desk.read()
        sheet = hand.sheet(LISTS)
        mine = [sheet.cell(row, column).value for row in range(1, sheet.max_row + 1)]
        assert (
            [value for value in mine if value]
            == mine[: length + 8]
            == [f"mine {n + 1}" for n in range(length + 8)]
        )
        assert ("Z1" in str(hand.offered("Product"))) == bool(products)


def test_a_persons_ranges_over_a_list_of_xlsync_end_with_it_and_others_stay(desk: Desk) -> None:
    width = len(LIST_COLUMNS)
    at = {column.header: get_column_letter(number) for number, column in enumerate(LIST_COLUMNS, 1)}
    product, id_, customer = at["Product"], at["Item Id"], at["Customer"]
    catalog = desk.sandbox.connectwise.catalog
    with desk.editing() as hand:
        end = len([cell.value for cell in hand.sheet(LISTS)[product] if cell.value])
        customers = len([cell.value for cell in hand.sheet(LISTS)[customer] if cell.value])
        workbook = hand.sheet(LISTS).parent
        mine = workbook.create_sheet("Mine")
        mine["A1"] = f"=VLOOKUP(B1,Lists!{product}1:{id_}{end},2,FALSE)"
        mine["A2"] = f"=COUNTA(Lists!${product}$5:${product}${end})"
        mine["A3"] = f"=COUNTA(Lists!${product}$2:${product}${end + 500})"
        mine["A4"] = f"=COUNTA(Lists!${customer}$2:${customer}${customers})"
        hand.sheet(LISTS).cell(1, width + 2).value = f"=COUNTA({product}2:{product}{end})"
        rule = DataValidation(type="list", formula1=f"Lists!${product}$2:${product}${end}")
        rule.add("D2:D9")
        mine.add_data_validation(rule)
        workbook.defined_names["products"] = DefinedName(
            "products", attr_text=f"Lists!${product}$2:${product}${end}"
        )
    key = max(catalog)
    made = {key + n: {**catalog[key], "identifier": f"Z{n}", "id": key + n} for n in range(1, 8)}
    for products in (made, {}):  # they come and go
        for old in made:
            catalog.pop(old, None)
        catalog.update(products)
        assert desk.check("--refresh").code == 0
        hand, more = desk.read(), len(products)
        mine = hand.sheet("Mine")
        assert mine["A1"].value == f"=VLOOKUP(B1,Lists!{product}1:{id_}{end + more},2,FALSE)"
        assert mine["A2"].value == f"=COUNTA(Lists!${product}$5:${product}${end})"
        assert mine["A3"].value == f"=COUNTA(Lists!${product}$2:${product}${end + 500})"
        assert mine["A4"].value == f"=COUNTA(Lists!${customer}$2:${customer}${customers})"
        whole = f"Lists!${product}$2:${product}${end + more}"
        assert [rule.formula1 for rule in mine.data_validations.dataValidation] == [whole]
        assert mine.parent.defined_names["products"].attr_text == whole
        shown = hand.sheet(LISTS).cell(1, width + 2).value
        assert shown == f"=COUNTA({product}2:{product}{end + more})"


def test_rows_that_a_person_sorted_keep_that_order_however_often_checked(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet, width = hand.sheet(MISMATCHES), len(hand.columns(MISMATCHES))
        rows = sorted(hand.rows(MISMATCHES).values())
        lines = [[sheet.cell(row, column).value for column in range(1, width + 1)] for row in rows]
        lines.sort(key=lambda line: str(line[1]))
        for row, line in zip(rows, lines, strict=True):
            for column, value in enumerate(line, 1):
                sheet.cell(row, column).value = value
    order = list(desk.read().rows(MISMATCHES))
    for by in (1, 1, -2):
        desk.sandbox.connectwise.additions[52]["quantity"] += by
        assert desk.check().code == 0
        assert list(desk.read().rows(MISMATCHES)) == order
