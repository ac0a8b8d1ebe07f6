"""What a person put beside a row that goes is told, and moved to the sheet *Left over*."""

from __future__ import annotations

import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl.comments import Comment
from openpyxl.styles import Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from tests.helpers.command import Ran
from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES, NEW
from tests.helpers.workbooks import parts, zipped
from tests.workbook.test_workbook_keeps import part_of_sheet
from xlsync.workbook.left_over import LEFT_OVER
from xlsync.xlsx.package import Package

pytestmark = pytest.mark.filterwarnings("ignore:DrawingML support is incomplete")  # of openpyxl
GONE = "units:52"


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
IN_DRAWINGS = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"


def put_picture(file: Path, row: int) -> None:
    """Lay a picture and a text box on a row of *Mismatches*, as Excel writes them into a package."""
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    sheet = part_of_sheet(content, MISMATCHES)
    corner = "<xdr:{0}><xdr:col>20</xdr:col><xdr:row>{1}</xdr:row></xdr:{0}>"
    content["xl/media/mine.png"] = b"\x89PNG"
    content["xl/drawings/drawing77.xml"] = (
        f'<xdr:wsDr xmlns:xdr="{IN_DRAWINGS}" xmlns:a="a" xmlns:r="{OFFICE}"><xdr:twoCellAnchor>'
        f"{corner.format('from', row)}{corner.format('to', row + 4)}<xdr:pic><xdr:blipFill>"
        '<a:blip r:embed="rId4"/></xdr:blipFill></xdr:pic><xdr:clientData/></xdr:twoCellAnchor>'
        f"<xdr:oneCellAnchor>{corner.format('from', row)}<xdr:sp><a:t>call </a:t>"
        "<a:t>&amp; ask</a:t></xdr:sp><xdr:clientData/></xdr:oneCellAnchor></xdr:wsDr>"
    ).encode()
    content["xl/drawings/_rels/drawing77.xml.rels"] = (
        f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId4" Type="{OFFICE}/image" '
        'Target="../media/mine.png"/></Relationships>'
    ).encode()
    relations = sheet.replace("worksheets/", "worksheets/_rels/") + ".rels"
    content[relations] = content[relations].replace(
        b"</Relationships>",
        f'<Relationship Id="rId77" Type="{OFFICE}/drawing" Target="/xl/drawings/drawing77.xml"/>'
        "</Relationships>".encode(),
    )
    content[sheet] = re.sub(
        rb"(<legacyDrawing|<tableParts|</worksheet>)",
        f'<drawing xmlns:r="{OFFICE}" r:id="rId77"/>'.encode() + rb"\1",
        content[sheet],
        count=1,
    )
    file.write_bytes(zipped(content))


def furnish(desk: Desk) -> str:
    """Put whatever people write or draw beside one mismatch; what the row is about."""
    with desk.editing() as hand:
        sheet, row = hand.sheet(MISMATCHES), hand.rows(MISMATCHES)[GONE]
        own = sheet.max_column + 2
        sheet.cell(1, own).value = "Who asks"
        sheet.cell(row, own).value = "Pia rings <them> & asks"
        sheet.cell(row, own + 1).value = f"=E{row}*2"
        sheet.cell(row, 1).comment = Comment("Pia:\npays late", "Pia")
        sheet.cell(row, own + 9).comment = Comment("on a cell that is not there", "Pia")
        sheet.cell(row, own).hyperlink = "https://example.com/pia"
        sheet.cell(row, 3).fill = PatternFill("solid", start_color="FF00FF00")
        customer = str(hand.get(MISMATCHES, GONE, "Customer"))
        hand.set(MISMATCHES, GONE, {"Explanation": "they moved", "New Units": 7})
    put_picture(desk.file, row - 1)
    content = parts(desk.file.read_bytes())
    name = part_of_sheet(content, MISMATCHES)
    cell = f'<c r="{get_column_letter(own + 9)}{row}"[^>]*/>'.encode()
    content[name], count = re.subn(cell, b"", content[name])  # as Excel writes it
    assert count == 1
    desk.file.write_bytes(zipped(content))
    return customer


def settle(desk: Desk) -> Ran:
    """Let ConnectWise hold what is billed, so that the mismatch goes, and check."""
    units = desk.read().get(MISMATCHES, GONE, "BSS Units")
    desk.addition(52)["quantity"] = Decimal(units)
    ran = desk.check()
    assert ran.code == 0
    assert GONE not in desk.read().rows(MISMATCHES)
    return ran


def test_whatever_stood_beside_a_row_that_goes_is_told_and_moved(desk: Desk) -> None:
    customer = furnish(desk)
    ran = settle(desk)
    hand = desk.read()
    sheet = hand.sheet("Left over")
    headers, *rows = sheet.values
    customer_header = hand.sheet(MISMATCHES)["B1"]
    assert sheet["A1"].fill.start_color.rgb == customer_header.fill.start_color.rgb
    assert headers == ("Sheet", "Row", "Column", "What", "Content", "Moved on")
    assert {line[0] for line in rows} == {MISMATCHES}
    assert all(str(line[1]).startswith(customer) and line[5] for line in rows)
    told = {(line[3], line[4]) for line in rows}
    assert {("Text", "Pia rings <them> & asks"), ("Note", "Pia:\npays late"), ("Picture", None)} < told
    assert {("Note", "on a cell that is not there"), ("Link", "https://example.com/pia")} < told
    assert {("Text box", "call & ask"), ("Text", "they moved")} < told
    assert 7 not in {content for _, content in told}  # a decision about the row, not a text beside it
    assert any(kind == "Text" and str(text).startswith("=E") for kind, text in told)
    coloured = next(row for row in sheet.iter_rows() if row[3].value == "Colour")
    assert coloured[4].fill.start_color.rgb == "FF00FF00"
    note = next(row for row in sheet.iter_rows() if row[4].value == "Pia:\npays late")
    assert note[4].alignment.wrap_text
    assert sheet.row_dimensions[note[4].row].height == 30
    content = parts(desk.file.read_bytes())
    place = next(number for number, line in enumerate(rows, 1) if line[3] == "Picture")
    drawings = {name: data.decode() for name, data in content.items() if "/drawings/drawing" in name}
    (moved,) = (
        name for name, xml in drawings.items() if f"<xdr:row>{place}</xdr:row>" in xml and "blip" in xml
    )
    assert re.findall(r"<xdr:(\w+)Anchor", drawings[moved]) == ["oneCell", "oneCell"]
    assert re.findall(r"<xdr:col>(\d+)<", drawings[moved]) == ["6", "6"]  # beside all that is written
    assert sheet.row_dimensions[place + 1].height == 75  # of the five rows that it covered
    assert not re.search("blip|xdr:sp", drawings["xl/drawings/drawing77.xml"])
    reference = re.search(r'r:embed="(\w+)"', drawings[moved])
    relations = content[moved.replace("drawings/", "drawings/_rels/") + ".rels"].decode()
    assert reference
    assert f'Id="{reference[1]}" Type="{OFFICE}/image" Target="../media/mine.png"' in relations
    for text in ("Who asks (Pia rings <them> & asks)", "pays late", "picture"):
        assert text in ran.err
    assert ran.err.count("was moved to the sheet Left over") == len(rows)


def test_a_yes_on_a_row_that_goes_and_what_a_person_wrote_into_result_are_told(desk: Desk) -> None:
    with desk.editing() as hand:
        line = hand.line("Willowbrook Solicitors", "E3 without Teams")
        about = " · ".join(
            str(hand.get(MISMATCHES, "units:7", header)) for header in ("Customer", "Product", "Agreement")
        )
        hand.approve("units:7", "units:69", GONE, "units:53")
        hand.set(MISMATCHES, "units:69", {"Result": "waiting for Bob", "Mismatch": "as agreed"})
        hand.set(MISMATCHES, GONE, {"Result": "skipped: the addition is not active any more"})
        hand.set(MISMATCHES, "units:53", {"Approve": "Yes", "Result": "already 18 units: no change needed"})
        hand.set(LINES, line, {"ConnectWise Product": "CL-0002: M365 Business Standard"})
    for addition in (69, 52, 53):
        desk.addition(addition)["quantity"] = Decimal(
            desk.read().get(MISMATCHES, f"units:{addition}", "BSS Units")
        )
    ran = desk.check()
    (told,) = (text for text in ran.json["notices"] if "a Yes whose row is gone" in text)
    assert told.startswith("No write follows from a Yes whose row is gone from Mismatches: ")
    assert len(told.split("; ")) == 3
    assert about in told
    assert "Redstart Textiles · CL-0009" not in told  # carried out, as its Result says
    rows = list(desk.read().sheet("Left over").values)
    assert [(line[2], line[4]) for line in rows[1:]] == [
        ("Mismatch", "as agreed"),
        ("Result", "waiting for Bob"),
    ]


def test_an_agreement_that_need_not_be_created_any_more_is_named_with_its_customer(desk: Desk) -> None:
    with desk.editing() as hand:
        waiting = hand.column(LINES, "Status")
        for line, customer in hand.column(LINES, "Customer").items():
            if customer == "Juniper Studio" and waiting[line] == "Confirm link":
                hand.set(LINES, line, {"Match": "confirmed"})
        row = hand.rows(NEW)["agreement:bss:620|Monthly"]
        hand.sheet(NEW).cell(row, hand.sheet(NEW).max_column + 1).value = "which one?"
    assert (
        "The row of Agreement · Juniper Studio · Monthly is gone from New in ConnectWise" in desk.check().err
    )


def test_what_was_chosen_on_a_line_that_the_bss_bills_under_another_id_is_told(desk: Desk) -> None:
    with desk.editing() as hand:
        line = hand.line("Quillfeather Books")
        hand.set(LINES, line, {"ConnectWise Customer": "Delta Ltd", "ConnectWise Agreement": "(create new)"})
    (item,) = (i for invoice in desk.sandbox.bss.invoices for i in invoice["items"] if i["id"] == line)
    item["id"] = "00000000-0000-4000-8000-000000000001"
    told = (
        "What was chosen on a line that is gone from Billing Lines is not used: Quillfeather Books · "
        "M365 - Business Basic (New Commerce) (Delta Ltd, (create new))"
    )
    assert told in desk.check("--refresh").json["notices"]
    assert not desk.read().get(LINES, item["id"], "ConnectWise Customer")
    assert told not in desk.check().json["notices"]


def test_what_is_left_over_later_stands_below_what_was_before(desk: Desk) -> None:
    furnish(desk)
    settle(desk)
    before = list(desk.read().sheet("Left over").values)
    desk.addition(52)["quantity"] += 1
    desk.check()
    furnish(desk)
    settle(desk)
    after = list(desk.read().sheet("Left over").values)
    assert after[: len(before)] == before
    assert len(after) == 2 * len(before) - 1


def test_a_row_without_anything_beside_it_leaves_nothing(desk: Desk) -> None:
    settle(desk)
    assert LEFT_OVER not in Package.open(desk.file).sheets


def test_a_sheet_of_that_name_in_other_letters_is_used(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.book.create_sheet("LEFT OVER")["A1"] = "mine"
    furnish(desk)
    settle(desk)
    assert LEFT_OVER not in Package.open(desk.file).sheets  # Excel repairs a workbook with both
    lines = list(desk.read().sheet("LEFT OVER").values)
    assert lines[0][0] == "mine"
    assert {line[0] for line in lines[1:]} == {MISMATCHES}


def test_a_row_of_a_person_that_holds_nothing_but_a_note_a_colour_or_a_line_stays(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet = hand.sheet(MISMATCHES)
        keys = {row: key for key, row in hand.rows(MISMATCHES).items()}
        for place in (30, 20, 10, 5):  # the last stays empty
            sheet.insert_rows(place)
        sheet.cell(11, 2).comment = Comment("ask Pia", "Pia")
        sheet.cell(22, 2).fill = PatternFill("solid", start_color="FF00FF00")
        sheet.cell(33, 2).border = Border(top=Side("thick"))
        (table,) = sheet.tables.values()
        table.ref = table.autoFilter.ref = f"A1:W{sheet.max_row}"
    ran = desk.check()
    assert ran.code == 0
    hand = desk.read()
    sheet, rows = hand.sheet(MISMATCHES), hand.rows(MISMATCHES)
    noted = rows[keys[9]] + 1
    assert sheet.cell(noted, 2).comment.text == "ask Pia"
    assert sheet.cell(noted, 2).value is None
    assert sheet.cell(rows[keys[19]] + 1, 2).fill.start_color.rgb == "FF00FF00"
    assert sheet.cell(rows[keys[29]] + 1, 2).border.top.style == "thick"
    assert max(rows.values()) == len(rows) + 4


def test_an_empty_row_of_a_person_that_was_coloured_as_a_whole_stays(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet = hand.sheet(MISMATCHES)
        keys = {row: key for key, row in hand.rows(MISMATCHES).items()}
        sheet.insert_rows(10)
        sheet.cell(50, 30).fill = PatternFill("solid", start_color="FF00FF00")
        (table,) = sheet.tables.values()
        table.ref = table.autoFilter.ref = f"A1:W{max(keys) + 1}"
    content = parts(desk.file.read_bytes())
    name = part_of_sheet(content, MISMATCHES)
    style = re.search(rb'<c r="AD50" s="(\d+)"', content[name])
    assert style
    coloured = b'<row r="10" s="%b" customFormat="1"/>' % style[1]  # as Excel writes it, without cells
    assert b'<row r="10"' not in content[name]
    content[name] = content[name].replace(b'<row r="11"', coloured + b'<row r="11"')
    desk.file.write_bytes(zipped(content))
    assert desk.check().code == 0
    row = desk.read().rows(MISMATCHES)[keys[9]] + 1
    content = parts(desk.file.read_bytes())
    assert coloured.replace(b'"10"', b'"%d"' % row) in content[name]


def test_a_row_coloured_from_end_to_end_is_one_thing(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet, row = hand.sheet(MISMATCHES), hand.rows(MISMATCHES)[GONE]
        for column in range(1, 40):
            sheet.cell(row, column).fill = PatternFill("solid", start_color="FFFFFF00")
    ran = settle(desk)
    sheet = desk.read().sheet("Left over")
    _, line = sheet.values
    assert line[2:5] == ("the row", "Colour", None)
    assert sheet["E2"].fill.start_color.rgb == "FFFFFF00"
    assert "the colour beside it, in the row, was moved" in ran.err


def test_a_formula_that_is_filled_down_a_column_is_not_left_over_as_it_stands_in_the_other_rows(
    desk: Desk,
) -> None:
    with desk.editing() as hand:
        sheet, rows = hand.sheet(MISMATCHES), hand.rows(MISMATCHES)
        for row in rows.values():
            sheet.cell(row, 26).value = f"=E{row}*2+SUM(E$2:E{row})+$F$1"
            sheet.cell(row, 27).value = f"=E{row}*2"
        sheet.cell(rows[GONE], 27).value = f"=E{rows[GONE]}*3"
    settle(desk)
    _, *lines = desk.read().sheet("Left over").values
    assert [(line[2], str(line[4])[-2:]) for line in lines] == [("column AA", "*3")]


def test_a_colour_of_text_and_a_colour_or_a_border_in_a_column_of_a_persons_own_are_left_over(
    desk: Desk,
) -> None:
    with desk.editing() as hand:
        sheet, row = hand.sheet(MISMATCHES), hand.rows(MISMATCHES)[GONE]
        font = sheet.cell(row, 2).font
        sheet.cell(row, 2).font = Font(name=font.name, sz=font.sz, color="FFFF0000")
        sheet.cell(row, 3).font = Font(name=font.name, sz=font.sz, color=font.color, strike=True)
        sheet.cell(row, 4).font = Font(name="Arial", sz=15)  # pasted from elsewhere
        sheet.cell(row, 27).border = Border(bottom=Side("double", color="FFFF0000"))
        sheet.cell(row, 26).fill = PatternFill("solid", start_color="FFFFFF00")
        customer, product = hand.get(MISMATCHES, GONE, "Customer"), hand.get(MISMATCHES, GONE, "Product")
    settle(desk)
    sheet = desk.read().sheet("Left over")
    _, *lines = sheet.values
    assert sorted((str(line[2]), line[3], line[4]) for line in lines) == [
        ("Customer", "Colour", customer),
        ("Product", "Font", product),
        ("column AA", "Border", None),
        ("column Z", "Colour", None),
    ]
    looks = {line[2].value: line[4] for line in sheet.iter_rows(min_row=2)}
    assert looks["Customer"].font.color.rgb == "FFFF0000"
    assert looks["Product"].font.strike
    assert looks["column AA"].border.bottom.style == "double"
    assert looks["column Z"].fill.start_color.rgb == "FFFFFF00"


def test_a_row_whose_text_was_coloured_from_end_to_end_is_one_thing(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet, row = hand.sheet(MISMATCHES), hand.rows(MISMATCHES)[GONE]
        for column in range(1, 24):
            sheet.cell(row, column).font = Font(color="FFFF0000")
        customer = hand.get(MISMATCHES, GONE, "Customer")
    settle(desk)
    sheet = desk.read().sheet("Left over")
    _, line = sheet.values
    assert line[2:5] == ("the row", "Colour", customer)
    assert sheet["E2"].font.color.rgb == "FFFF0000"


def test_hints_how_to_read_a_note_aloud_are_no_text_of_it(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.cell(MISMATCHES, GONE, "Customer").comment = Comment("山田", "Pia")
    content = parts(desk.file.read_bytes())
    (name,) = (name for name in content if "comments/comment" in name)
    hint = '</t><rPh sb="0" eb="2"><t>ヤマダ</t></rPh></text>'.encode()
    content[name] = content[name].replace(b"</t></text>", hint)
    desk.file.write_bytes(zipped(content))
    settle(desk)
    _, line = desk.read().sheet("Left over").values
    assert line[4] == "山田"
