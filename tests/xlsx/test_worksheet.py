"""Rows of a sheet are replaced, and everything else stays."""

from __future__ import annotations

import datetime as dt
import io
import re
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from tests.helpers.workbooks import (
    BLANK,
    BUSY,
    SHEET,
    blank,
    bytes_of,
    edited,
    loaded,
    part_of,
    parts,
    reordered,
    rows_of,
    with_shared_formulas,
    zipped,
)
from xlsync.xlsx.cells import Cell, Row, Value
from xlsync.xlsx.package import Package


def test_renewed_rows_stand_in_the_order_given_with_the_values_given() -> None:
    grid = reordered().grid(SHEET)
    assert [row[:3] for row in grid[1:7]] == [
        [key, Decimal(100 + index), f"new {key}"]
        for index, key in enumerate(["d", "n1", "b", "c", "n2", "n3"])
    ]


def test_a_persons_column_moves_with_its_row_and_its_formula_follows() -> None:
    formulas = reordered().formulas(SHEET)
    assert {at: text for at, text in formulas.items() if at[1] == 3} == {
        (1, 3): "B2*10+Other!$A$1",
        (3, 3): "B4*10+Other!$A$1",
        (4, 3): "B5*10+Other!$A$1",
    }


def test_styles_and_heights_move_with_their_rows_and_new_rows_take_the_columns_style() -> None:
    page = loaded(reordered())
    assert page["D5"].fill.start_color.rgb == "FFFF0000"
    assert page["A4"].font.bold
    assert page.row_dimensions[4].height == 44
    assert page.row_dimensions[3].height is None
    assert {page.cell(row, 2).number_format for row in range(2, 8)} == {"0.00"}


def test_a_new_row_between_two_rows_of_a_group_is_one_of_it_and_is_seen() -> None:
    def grouped(xml: str) -> str:
        return re.sub(r'<row r="([234])"', r'<row outlineLevel="\1" hidden="1" r="\1"', xml)

    package = Package.from_bytes(edited(BUSY, "xl/worksheets/sheet1.xml", grouped))
    package.replace_rows(
        SHEET,
        rows_of((None, "m"), (1, "a"), (2, "b"), (None, "n"), (None, "o"), (3, "c"), (None, "p"), (4, "d")),
    )
    rows = loaded(package).row_dimensions
    assert [rows[row].outlineLevel for row in range(2, 10)] == [0, 2, 3, 3, 3, 4, 0, 0]
    assert [row for row in range(2, 10) if rows[row].hidden] == [3, 4, 7]


def test_what_stands_below_the_table_moves_down_and_its_formulas_cover_the_new_rows() -> None:
    package = reordered()
    assert package.grid(SHEET)[9][0] == "total"
    assert package.formulas(SHEET)[9, 1] == "SUM(B2:B7)"
    assert package.formulas(SHEET)[9, 2] == "B4+$B$11"  # B3 was the row of b


def test_comments_links_and_merges_follow_their_rows_or_go_with_them() -> None:
    page = loaded(reordered())
    comments = {
        cell.coordinate: cell.comment.text for row in page.iter_rows() for cell in row if cell.comment
    }
    assert comments == {"C2": "about d", "C4": "about b", "A10": "about the total"}
    links = {
        cell.coordinate: cell.hyperlink.target for row in page.iter_rows() for cell in row if cell.hyperlink
    }
    assert links == {"C5": "https://example.com/c"}
    assert {str(merged) for merged in page.merged_cells.ranges} == {"F4:G4", "A12:B12"}
    shapes = next(
        data for name, data in parts(reordered().to_bytes()).items() if name.endswith(".vml")
    ).decode()
    assert sorted(re.findall(r":Row>(\d+)</", shapes)) == ["1", "3", "9"]


def test_links_merges_and_breaks_follow_also_where_they_are_written_with_end_tags() -> None:
    names = "hyperlink|mergeCell|brk"
    breaks = '<rowBreaks count="1" manualBreakCount="1"><brk id="3" max="16383" man="1" /></rowBreaks>'
    whole = edited(
        BUSY, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("<legacyDrawing", f"{breaks}<legacyDrawing")
    )
    moved = []
    for form in (r"<\1\2/>", r"<\1\2></\1>"):
        written = edited(
            whole,
            "xl/worksheets/sheet1.xml",
            lambda xml, form=form: re.sub(rf"<({names})(\s[^>]*?)\s*/>", form, xml),  # type: ignore[misc]
        )
        package = Package.from_bytes(written)
        package.replace_rows(SHEET, rows_of((4, "d"), (None, "n1"), (2, "b"), (3, "c"), (None, "n2")))
        moved.append(re.sub(rf"></(?:{names})>", "/>", part_of(package, "xl/worksheets/sheet1.xml")))
    assert moved[0] == moved[1]
    assert '<brk id="4"' in moved[0]


@pytest.mark.parametrize("note", [b'ObjectType="Note"', b"ObjectType = 'Note'"])
def test_the_box_of_a_comment_moves_with_it(note: bytes) -> None:
    drawing = "xl/drawings/commentsDrawing1.vml"
    content = parts(BUSY)
    content[drawing] = (  # with a negative offset, as LibreOffice writes it
        b'<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:x="urn:schemas-microsoft-com:office:excel">'
        b'<v:shape id="s1"><x:ClientData %b><x:Anchor>\n3, 15, 3, 2, 5, -31, 7, 1</x:Anchor>'
        b"<x:Row>4</x:Row><x:Column>2</x:Column></x:ClientData></v:shape></xml>"
    ) % note
    package = Package.from_bytes(zipped(content))
    assert not package.annotations(SHEET).objects(range(9))
    package.replace_rows(SHEET, rows_of((1, "a"), (4, "d")))
    moved = part_of(package, drawing)
    assert "<x:Anchor>3, 15, 1, 2, 5, -31, 5, 1</x:Anchor><x:Row>2</x:Row>" in moved


def test_table_filter_rules_and_dimension_stretch_to_the_new_last_row() -> None:
    package = reordered()
    page = loaded(package)
    assert page.tables["T"].ref == page.tables["T"].autoFilter.ref == "A1:D7"
    assert str(page.data_validations.dataValidation[0].sqref) == "C2:C7"
    assert [str(rule.sqref) for rule in page.conditional_formatting] == ["B2:B7"]
    assert page.dimensions == "A1:G12"
    assert page.print_area == "'Billing Lines'!$A$1:$D$52"


def test_other_sheets_and_charts_follow_where_they_point_at_the_rows_and_else_stay_byte_for_byte() -> None:
    old, new = parts(BUSY), parts(reordered().to_bytes())
    old["xl/workbook.xml"] = old["xl/workbook.xml"].replace(b"$A$1:$D$50", b"$A$1:$D$52")  # what is printed
    for name in ("xl/worksheets/sheet2.xml", "xl/charts/chart1.xml"):
        assert old[name].count(b"$5<") + old[name].count(b":B5)") == 1
        old[name] = old[name].replace(b"$B$5<", b"$B$7<").replace(b":B5)", b":B7)")
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    assert {name for name in changed if not re.search(r"sheet1\.xml$|table1|comment", name)} == set()


def test_renewing_with_nothing_new_leaves_every_byte() -> None:
    package = Package.from_bytes(BUSY)
    grid = package.grid(SHEET)
    package.replace_rows(
        SHEET, [Row(row, {column: grid[row][column] for column in range(3)}) for row in range(1, 5)]
    )
    assert parts(package.to_bytes()) == parts(BUSY)


def test_renewing_one_value_changes_that_cell_only() -> None:
    package = Package.from_bytes(BUSY)
    grid = package.grid(SHEET)
    rows = [Row(row, {column: grid[row][column] for column in range(3)}) for row in range(1, 5)]
    rows[2] = Row(3, {0: "c", 1: Decimal("7.5"), 2: "note c"})
    package.replace_rows(SHEET, rows)
    old = parts(BUSY)["xl/worksheets/sheet1.xml"].decode()
    new = part_of(package, "xl/worksheets/sheet1.xml")
    assert new == re.sub(r'(<c r="B4"[^>]*?)(?: t="n")?>.*?</c>', r"\1><v>7.5</v></c>", old)


def test_a_table_keeps_one_empty_row_when_all_rows_go_and_grows_again() -> None:
    package = Package.from_bytes(BUSY)
    package.replace_rows(SHEET, [])
    page = loaded(package)
    assert page.tables["T"].ref == "A1:D2"
    assert [page.cell(2, column).value for column in range(1, 5)] == [None] * 4
    assert package.grid(SHEET)[4][0] == "total"
    package.replace_rows(SHEET, [])
    assert loaded(package).tables["T"].ref == "A1:D2"
    package.replace_rows(SHEET, rows_of((None, "x"), (None, "y")))
    page = loaded(package)
    assert page.tables["T"].ref == "A1:D3"
    assert page["B3"].number_format == "0.00"
    assert str(page.data_validations.dataValidation[0].sqref) == "C2:C3"


def test_a_totals_row_stays_last_in_its_table() -> None:
    def with_totals(xml: str) -> str:
        xml = xml.replace('ref="A1:D5"', 'ref="A1:D6" totalsRowCount="1"', 1)
        assert 'autoFilter ref="A1:D5"' in xml
        return xml

    workbook = openpyxl.load_workbook(io.BytesIO(BUSY))
    workbook[SHEET]["A6"] = "Total"
    package = Package.from_bytes(edited(bytes_of(workbook), "xl/tables/table1.xml", with_totals))
    package.replace_rows(SHEET, rows_of((4, "d"), (None, "n")))
    assert [row[0] for row in package.grid(SHEET)[1:4]] == ["d", "n", "Total"]
    xml = part_of(package, "xl/tables/table1.xml")
    assert 'ref="A1:D4" totalsRowCount' in xml
    assert 'autoFilter ref="A1:D3"' in xml


def test_a_calculated_column_fills_new_rows() -> None:
    def calculated(xml: str) -> str:
        return re.sub(
            r'(<tableColumn [^>]*name="Mine"[^>]*?)\s*/>',
            r"\1><calculatedColumnFormula>B2*10</calculatedColumnFormula></tableColumn>",
            xml,
        )

    data = edited(BUSY, "xl/tables/table1.xml", calculated)
    package = Package.from_bytes(data)
    package.replace_rows(SHEET, rows_of((1, "a"), (None, "n")))
    assert package.formulas(SHEET)[2, 3] == "B3*10+Other!$A$1"

    other = edited(data, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("B2*10+Other!$A$1", "B2*99"))
    package = Package.from_bytes(other)
    package.replace_rows(SHEET, rows_of((1, "a"), (2, "b"), (3, "c"), (None, "n")))
    assert package.formulas(SHEET)[1, 3] == "B2*99"
    assert package.formulas(SHEET)[4, 3] == "B5*10+Other!$A$1"  # as most rows have it

    def as_array(xml: str) -> str:
        formula = r'<c r="(D\d)"([^>]*)><f>[^<]*</f>'
        return re.sub(formula, r'<c r="\1"\2 cm="1"><f t="array" ref="\1">SUM((Other!A$1:A$9=B2)*1)</f>', xml)

    package = Package.from_bytes(edited(data, "xl/worksheets/sheet1.xml", as_array))
    package.replace_rows(SHEET, rows_of((1, "a"), (None, "n")))
    filled = '<c r="D3" cm="1"><f t="array" ref="D3">SUM((Other!A$1:A$9=B3)*1)</f></c>'
    assert filled in part_of(
        package, "xl/worksheets/sheet1.xml"
    )  # as a plain formula it would look at one cell of A1:A9


def test_the_formula_of_a_column_that_names_its_own_sheet_follows_once() -> None:
    def calculated(xml: str) -> str:
        formula = f"'{SHEET}'!$B$8+$B$8"
        column = rf"\1><calculatedColumnFormula>{formula}</calculatedColumnFormula></tableColumn>"
        return re.sub(r'(<tableColumn [^>]*name="Mine"[^>]*?)\s*/>', column, xml)

    package = Package.from_bytes(edited(BUSY, "xl/tables/table1.xml", calculated))
    package.replace_rows(SHEET, rows_of((1, "a"), (2, "b"), (3, "c"), (4, "d"), (None, "n"), (None, "o")))
    assert f"'{SHEET}'!$B$10+$B$10<" in part_of(package, "xl/tables/table1.xml")


def test_new_rows_look_as_most_rows_do_and_not_as_one_that_a_person_coloured_or_put_first() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(BUSY))
    page = workbook[SHEET]
    for cell in (page["A2"], page["B2"], page["B3"]):  # B2 is a person's row, B3 the first of xlsync's
        cell.fill = PatternFill("solid", start_color="FF00FF00")
        cell.number_format = "0%"
    package = Package.from_bytes(bytes_of(workbook))
    own = [Row(1, {}, is_persons=True), *rows_of((2, "b"), (None, "n"), (3, "c"), (4, "d"))]
    package.replace_rows(SHEET, own, own_rows=(2, 4))
    page = loaded(package)
    assert [page["A4"].fill.fill_type, page["B4"].fill.fill_type] == [None, None]
    assert (page["B3"].number_format, page["B4"].number_format) == ("0%", "0.00")


def test_threaded_comments_and_extension_rules_follow_too() -> None:
    content = parts(BUSY)
    threads = (
        '<ThreadedComments xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments">'
        '<threadedComment ref="C3" id="{1}"><text>b</text></threadedComment>'
        '<threadedComment ref="C2" id="{2}"><text>a</text></threadedComment></ThreadedComments>'
    )
    content["xl/threadedComments/threadedComment1.xml"] = threads.encode()
    relations = "xl/worksheets/_rels/sheet1.xml.rels"
    kind = "http://schemas.microsoft.com/office/2017/10/relationships/threadedComment"
    relation = f'<Relationship Id="rId98" Type="{kind}" Target="../threadedComments/threadedComment1.xml"/>'
    content[relations] = content[relations].replace(
        b"</Relationships>", f"{relation}</Relationships>".encode()
    )
    extension = (
        '<extLst><ext uri="{x}" xmlns:x14="u" xmlns:xm="v"><x14:conditionalFormattings>'
        '<x14:conditionalFormatting><x14:cfRule type="expression" priority="2" id="{y}"><xm:f>$C2&gt;1</xm:f>'
        "</x14:cfRule><xm:sqref>C2:C5</xm:sqref></x14:conditionalFormatting></x14:conditionalFormattings></ext>"
        '<ext uri="{z}" xmlns:x14="u" xmlns:xm="v"><x14:sparklineGroups><x14:sparklineGroup type="column">'
        "<x14:sparklines>"
        "<x14:sparkline><xm:f>'Billing Lines'!A3:B3</xm:f><xm:sqref>H3</xm:sqref></x14:sparkline>"
        "<x14:sparkline><xm:f>'Billing Lines'!A5:B5</xm:f><xm:sqref>H5</xm:sqref></x14:sparkline>"
        "</x14:sparklines></x14:sparklineGroup></x14:sparklineGroups></ext></extLst>"
    )
    sheet = "xl/worksheets/sheet1.xml"
    content[sheet] = content[sheet].replace(b"</worksheet>", f"{extension}</worksheet>".encode())
    package = Package.from_bytes(zipped(content))
    package.replace_rows(SHEET, rows_of((2, "b"), (None, "n"), (None, "n2")))
    moved = part_of(package, "xl/threadedComments/threadedComment1.xml")
    assert re.findall(r'ref="(\w+)"', moved) == ["C2"]
    xml = part_of(package, sheet)
    assert re.findall(r"<xm:f>([^<]*)</xm:f>(?:</x14:cfRule>)?<xm:sqref>([^<]*)<", xml) == [
        ("$C2&gt;1", "C2:C4"),
        ("'Billing Lines'!A2:B2", "H2"),
    ]
    package.replace_rows(SHEET, rows_of((2, "n")))
    assert "sparkline" not in part_of(package, sheet)
    assert "x14:conditionalFormattings" in part_of(package, sheet)


@pytest.mark.parametrize(
    ("cells", "moved", "formula"),
    [
        ("A2:A5", "A2:A7", "$A2=1"),  # all of them, from the first to the last
        ("A2:D7", "A2:D9", "$A2=1"),
        ("A5:D5", "A2:D2", "$A2=1"),  # one of them
        ("A3:D4", "A4:D5", "$A4=1"),
        ("A4:A5", "A2 A5:A7", "$A2=1"),  # from one of them to the last, and what is new behind it
        ("A2:C2", None, ""),  # it is gone
        ("A2:C2 A3", "A4", "$A4=1"),
        ("H9", "H11", "$A11=1"),  # below
        ("A1:D1", "A1:D1", "$A1=1"),
        ("A1:A1048576", "A1:A1048576", "$A1=1"),
    ],
)
def test_rules_on_some_rows_follow_these_rows_with_their_formulas(
    cells: str, moved: str | None, formula: str
) -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(BUSY))
    sheet = workbook[SHEET]
    row = re.findall(r"\d+", cells)[0]
    sheet.conditional_formatting.add(cells, FormulaRule([f"$A{row}=1"], font=Font(bold=True)))
    rule = DataValidation(type="custom", formula1=f"$A{row}=1", sqref=cells)
    sheet.add_data_validation(rule)
    package = Package.from_bytes(bytes_of(workbook))
    package.replace_rows(
        SHEET, rows_of((4, "d"), (None, "n1"), (2, "b"), (3, "c"), (None, "n2"), (None, "n3"))
    )
    after = loaded(package)
    found = [
        (str(area.sqref), rule.formula[0])
        for area in after.conditional_formatting
        for rule in area.rules
        if rule.type == "expression"
    ]
    found += [
        (str(rule.sqref), rule.formula1)
        for rule in after.data_validations.dataValidation
        if rule.type == "custom"
    ]
    assert found == ([(moved, formula)] * 2 if moved else [])


@pytest.mark.parametrize(
    ("name", "followed"),
    [
        ("'Billing Lines'!$B$2:$B$5", "'Billing Lines'!$B$2:$B$7"),
        ("'Billing Lines'!$A$1:$D$5", "'Billing Lines'!$A$1:$D$7"),
        ("SUM('Billing Lines'!$B$2:$B$5)&\"<5>\"", "SUM('Billing Lines'!$B$2:$B$7)&\"<5>\""),
        ("'Billing Lines'!$B$3", "'Billing Lines'!$B$4"),
        ("'Billing Lines'!$1:$1", "'Billing Lines'!$1:$1"),
        ("'Billing Lines'!B2:B5", "'Billing Lines'!B2:B7"),  # as programs other than Excel write all rows
        ("'Billing Lines'!B3:B4", "'Billing Lines'!B3:B4"),
        ("Other!$B$2:$B$5", "Other!$B$2:$B$5"),
        ("$B$2:$B$5", "$B$2:$B$5"),
        ("#N/A", "#N/A"),
    ],
)
def test_a_name_for_the_rows_follows_them(name: str, followed: str) -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(BUSY))
    workbook.defined_names["mine"] = DefinedName("mine", attr_text=name)
    package = Package.from_bytes(bytes_of(workbook))
    package.replace_rows(
        SHEET, rows_of((4, "d"), (None, "n1"), (2, "b"), (3, "c"), (None, "n2"), (None, "n3"))
    )
    assert package.names()["mine"] == followed
    assert package.names()["choices"] == "Other!$A$1:$A$2"


def test_print_areas_follow_also_without_dollar_signs_as_exceljs_writes_them() -> None:
    def as_exceljs(xml: str) -> str:
        area = '<definedName name="_xlnm.Print_Area" localSheetId="0">\'Billing Lines\'!%s</definedName>'
        assert area % "$A$1:$D$50" in xml
        return xml.replace(area % "$A$1:$D$50", area % "$A1:$D5" + area % "$A8:$D9")

    package = Package.from_bytes(edited(BUSY, "xl/workbook.xml", as_exceljs))
    package.replace_rows(SHEET, rows_of((4, "d"), (None, "n1"), (2, "b"), (3, "c"), (None, "n2")))
    xml = part_of(package, "xl/workbook.xml")
    assert re.findall(r"!(\$A[^<]*\$D[^<]*)<", xml) == ["$A1:$D6", "$A9:$D10"]


def test_a_new_row_between_the_rows_of_a_rule_is_one_of_them() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(BUSY))
    workbook[SHEET].conditional_formatting.add("B2:B3", FormulaRule(["$B2=1"]))
    package = Package.from_bytes(bytes_of(workbook))
    package.replace_rows(SHEET, rows_of((1, "a"), (None, "n1"), (2, "b"), (None, "n2"), (3, "c"), (4, "d")))
    assert "B2:B4" in [str(area.sqref) for area in loaded(package).conditional_formatting]


def test_a_sheet_without_a_table_is_renewed_below_its_first_row() -> None:
    package = Package.from_bytes(blank())
    package.change_cells("Sheet", {(0, 0): "Header"})
    package.replace_rows("Sheet", [Row(None, {0: f"entry {number}", 2: number}) for number in range(5)])
    package.replace_rows("Sheet", [Row(3, {0: "entry 2"}), Row(None, {0: "new"})])
    assert package.grid("Sheet") == [
        ["Header", None, None],
        ["entry 2", None, Decimal(2)],
        ["new", None, None],
    ]
    package.replace_rows("Sheet", [])
    assert package.grid("Sheet") == [["Header"]]


def test_a_filter_without_a_table_stretches_with_its_name() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(BUSY))
    page = workbook[SHEET]
    del page.tables["T"]
    for name in ("A8", "B8", "C8"):
        page[name].value = None
    page.auto_filter.ref = "A1:D5"
    package = Package.from_bytes(bytes_of(workbook))
    assert "_FilterDatabase" in part_of(package, "xl/workbook.xml")
    package.replace_rows(SHEET, rows_of((4, "d"), (None, "n")))
    assert "'Billing Lines'!$A$1:$D$3<" in part_of(package, "xl/workbook.xml")
    assert loaded(package).auto_filter.ref == "A1:D3"


def test_rows_above_a_table_stay_and_their_formulas_cover_the_new_rows() -> None:
    workbook = openpyxl.Workbook()
    page = workbook.worksheets[0]
    page.title = SHEET
    page["A1"], page["B1"] = "All units", "=SUM(B4:B5)"
    for row in ([], ["Key", "Units"], ["a", 1], ["b", 2]):
        page.append(row)
    page.add_table(Table(displayName="T", ref="A3:B5"))
    package = Package.from_bytes(bytes_of(workbook))
    package.replace_rows(SHEET, [Row(None, {0: key}) for key in "xyz"])
    assert [row[0] for row in package.grid(SHEET)] == ["All units", None, "Key", "x", "y", "z"]
    assert package.formulas(SHEET) == {(0, 1): "SUM(B4:B6)"}
    assert loaded(package).tables["T"].ref == "A3:B6"


def test_rows_with_wrapped_text_get_the_height_that_it_needs() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(BUSY))
    page = workbook[SHEET]
    page.column_dimensions["C"].width = 22
    for row in range(2, 6):
        page[f"C{row}"].alignment = Alignment(wrap_text=True)
    package = Package.from_bytes(bytes_of(workbook))
    long = "x" * 50
    rows = [
        Row(1, {2: long}),
        Row(2, {2: long}),
        Row(None, {2: "two\nlines"}),
        Row(None, {2: "漢" * 20}),
        Row(3, {}),
    ]
    package.replace_rows(SHEET, rows)
    heights = [loaded(package).row_dimensions[row].height for row in range(2, 7)]
    assert heights == [45, 44, 30, 30, None]  # a person gave the second row its own height
    package.replace_rows(SHEET, [Row(1, {2: "short"}), Row(4, {2: "漢" * 20})])
    assert [loaded(package).row_dimensions[row].height for row in (2, 3)] == [None, 30]


@pytest.mark.parametrize(
    ("formula", "moved"),
    [
        ("SUM(B2:B5)", "SUM(B2:B7)"),
        ("SUM(B1:B5,$B$2:$B$5)", "SUM(B1:B7,$B$2:$B$7)"),
        ("SUM(B3:B4)", "SUM(B4:B5)"),
        ("B5", "B2"),
        ("B2", "#REF!"),
        ("'Billing Lines'!B2+1", "'Billing Lines'!#REF!+1"),
        ("'Billing Lines'!B5&Other!B5", "'Billing Lines'!B2&Other!B5"),
        ("SUM(B:B)+SUM(T[Units])", "SUM(B:B)+SUM(T[Units])"),
        ("A8&B20:B30", "A10&B22:B32"),
        ('IF(A8="B5","x",1)', 'IF(A10="B5","x",1)'),
        ("SUM('unfinished", "SUM('unfinished"),
    ],
)
def test_formulas_below_follow_what_they_point_at(formula: str, moved: str) -> None:
    package = Package.from_bytes(BUSY)
    package.change_cells(SHEET, {(11, 0): Cell(1, formula)})
    package.replace_rows(
        SHEET, rows_of((4, "d"), (None, "n1"), (2, "b"), (3, "c"), (None, "n2"), (None, "n3"))
    )
    assert package.formulas(SHEET)[13, 0] == moved


def test_a_rule_on_one_row_of_several_does_not_spread() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(BUSY))
    rule = DataValidation(type="list", formula1="choices")
    rule.add("A5")
    rule.add("B2:B5")
    rule.add("C20")
    workbook[SHEET].add_data_validation(rule)
    package = Package.from_bytes(bytes_of(workbook))
    package.replace_rows(SHEET, rows_of((1, "a"), (None, "n")))
    assert str(loaded(package).data_validations.dataValidation[1].sqref) == "B2:B3 C18"


def test_a_merge_over_rows_that_come_apart_goes_and_one_that_stays_together_moves() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(BUSY))
    workbook[SHEET].merge_cells("H2:H3")
    workbook[SHEET].merge_cells("I4:I5")
    workbook[SHEET].merge_cells("J20:J40")
    package = Package.from_bytes(bytes_of(workbook))
    package.replace_rows(SHEET, rows_of((2, "b"), (3, "c"), (4, "d"), (1, "a"), (None, "n")))
    merged = {str(merged) for merged in loaded(package).merged_cells.ranges}
    assert merged == {"F2:G2", "I3:I4", "J21:J41", "A11:B11"}


def test_a_formula_of_xlsyncs_own_is_kept_or_renewed() -> None:
    package = Package.from_bytes(BUSY)
    rows = [Row(row, {2: Cell(Decimal(row), f"B{row + 1}*2")}) for row in range(1, 5)]
    package.replace_rows(SHEET, rows)
    assert package.formulas(SHEET)[1, 2] == "B2*2"
    assert package.grid(SHEET)[4][2] == Decimal(4)
    before = package.to_bytes()
    package.replace_rows(SHEET, rows)
    assert package.to_bytes() == before
    package.replace_rows(SHEET, [Row(row, {2: Cell("plain"), 3: "over", 7: None}) for row in range(1, 5)])
    assert not {at for at in package.formulas(SHEET) if at[0] < 5}
    assert [row[2:4] for row in package.grid(SHEET)[1:5]] == [["plain", "over"]] * 4


def test_an_array_formula_moves_with_its_cell() -> None:
    def array(xml: str) -> str:
        return re.sub(r'(<c r="D3"[^>]*>)<f>.*?</f>', r'\1<f t="array" ref="D3">SUM(B3*C3)</f>', xml)

    package = Package.from_bytes(edited(BUSY, "xl/worksheets/sheet1.xml", array))
    package.replace_rows(SHEET, rows_of((2, "b")))
    assert '<f t="array" ref="D2">SUM(B2*C2)</f>' in part_of(package, "xl/worksheets/sheet1.xml")


def test_a_row_cannot_be_taken_twice_or_from_outside_the_table() -> None:
    for rows in (rows_of((1, "a"), (1, "a")), rows_of((0, "header")), rows_of((7, "total"))):
        with pytest.raises(ValueError, match="taken"):
            Package.from_bytes(BUSY).replace_rows(SHEET, rows)


def test_shared_formulas_are_written_out_when_their_rows_move() -> None:
    package = Package.from_bytes(with_shared_formulas())
    package.replace_rows(SHEET, rows_of((4, "d"), (1, "a")))
    assert {at: text for at, text in package.formulas(SHEET).items() if at[1] == 3} == {
        (1, 3): "B2*10",
        (2, 3): "B3*10",
    }


def test_shared_formulas_are_written_out_when_the_first_is_written_over_where_it_stands() -> None:
    package = Package.from_bytes(with_shared_formulas())
    package.replace_rows(SHEET, [Row(1, {3: "computed"}), *(Row(row, {}) for row in (2, 3, 4))])
    assert {at: text for at, text in package.formulas(SHEET).items() if 0 < at[0] < 5} == {
        (row - 1, 3): f"B{row}*10" for row in (3, 4, 5)
    }
    assert "shared" not in part_of(package, "xl/worksheets/sheet1.xml")


@settings(max_examples=30)
@given(st.permutations(range(1, 5)), st.integers(0, 4), st.integers(0, 3))
def test_any_reordering_keeps_each_persons_cells_with_their_row(
    order: list[int], kept: int, new: int
) -> None:
    package = Package.from_bytes(BUSY)
    package.change_cells(SHEET, {(row, 5): f"mine {row}" for row in range(1, 5)})
    rows = [Row(was, {0: f"key {was}"}) for was in order[:kept]] + [Row(None, {0: "new"})] * new
    package.replace_rows(SHEET, rows)
    grid = Package.from_bytes(package.to_bytes()).grid(SHEET)
    assert [row[5] if len(row) > 5 else None for row in grid[1 : kept + 1]] == [
        f"mine {was}" for was in order[:kept]
    ]
    assert [row[0] for row in grid[1 : kept + new + 1]] == [row.cells[0] for row in rows]
    assert loaded(package).tables["T"].ref == f"A1:D{max(kept + new, 1) + 1}"


_VALUES = st.sampled_from([None, "", "a", "<&", " b ", Decimal("1.50"), 7, True, dt.date(2026, 10, 1)])


@settings(max_examples=80)
@given(
    st.dictionaries(st.tuples(st.integers(1, 3), st.integers(0, 4)), _VALUES),
    st.lists(st.dictionaries(st.integers(0, 4), _VALUES | st.builds(Cell, _VALUES)), min_size=3, max_size=3),
)
def test_cells_that_are_replaced_in_their_row_are_written_as_in_a_row_that_is_taken_apart(
    before: dict[tuple[int, int], Value], wanted: list[dict[int, Value | Cell]]
) -> None:
    package = Package.from_bytes(BLANK)
    package.change_cells("Sheet", {(0, 0): "header", **before, **{(row, 5): "mine" for row in (1, 2, 3)}})
    plain = package.to_bytes()
    package.change_cells("Sheet", {(9, 0): Cell(None, "1+1")})  # each row of such a sheet is taken apart
    written = []
    for data in (plain, package.to_bytes()):
        renewed = Package.from_bytes(data)
        rows = [Row(number, cells) for number, cells in enumerate(wanted, 1)]
        renewed.replace_rows("Sheet", rows, header_row=0, own_rows=(1, 3))
        xml = part_of(renewed, "xl/worksheets/sheet1.xml")
        written.append(re.findall(r'<row r="[2-4]".*?</row>', xml))
    assert written[0] == written[1]


def test_names_are_set_and_added() -> None:
    package = Package.from_bytes(BUSY)
    package.set_name("choices", "Other!$A$1:$A$9")
    package.set_name("another", "'A & B'!$A$1")
    assert package.names() == {"choices": "Other!$A$1:$A$9", "another": "'A & B'!$A$1"}
    names = openpyxl.load_workbook(io.BytesIO(package.to_bytes())).defined_names
    assert names["another"].attr_text == "'A & B'!$A$1"


def test_a_first_name_is_put_where_the_schema_wants_it() -> None:
    package = Package.from_bytes(
        edited(BLANK, "xl/workbook.xml", lambda xml: re.sub(r"<definedNames\s*/>", "", xml))
    )
    package.set_name("one", "Sheet!$A$1")
    assert package.names() == {"one": "Sheet!$A$1"}
    assert "</sheets><definedNames>" in part_of(package, "xl/workbook.xml")
