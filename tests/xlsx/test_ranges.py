"""What fills or lies over several rows moves whole, or is refused in words before anything is written."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest
from openpyxl.worksheet.hyperlink import Hyperlink

from tests.helpers.workbooks import BUSY, SHEET, bytes_of, edited, part_of, parts, rows_of, zipped
from xlsync.errors import WorkbookError
from xlsync.xlsx.cells import Row
from xlsync.xlsx.package import Package

PART = "xl/worksheets/sheet1.xml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SWAPPED = rows_of((4, "d"), (None, "n1"), (2, "b"), (3, "c"), (None, "n2"))  # a goes, below: one row more


CALCULATED = "<calculatedColumnFormula>"


def with_part(name: str, xml: str, kind: str) -> bytes:
    """The busy workbook with one part more, which belongs to the sheet."""
    content = parts(BUSY)
    content[f"xl/{name}"] = xml.encode()
    relations = "xl/worksheets/_rels/sheet1.xml.rels"
    entry = f'<Relationship Id="rId77" Type="{OFFICE}/{kind}" Target="/xl/{name}"/></Relationships>'
    content[relations] = content[relations].replace(b"</Relationships>", entry.encode())
    return zipped(content)


def with_cell(reference: str, inside: str) -> bytes:
    """The busy workbook with a cell more at the end of a row that it has."""
    number = re.findall(r"\d+", reference)[0]

    def put(xml: str) -> str:
        row = rf'(<row r="{number}"[^>]*>.*?)(</row>)'
        if not re.search(row, xml):
            last = list(re.finditer("</row>", xml))[-1].end()
            new = f'<row r="{number}"><c r="{reference}">{inside}</c></row>'
            return f"{xml[:last]}{new}{xml[last:]}"
        return re.sub(row, rf'\1<c r="{reference}">{inside}</c>\2', xml)

    return edited(BUSY, PART, put)


def after_rows(addition: str) -> bytes:
    return edited(BUSY, PART, lambda xml: xml.replace("</sheetData>", f"</sheetData>{addition}"))


def renewed(data: bytes, rows: list[Row] | None = None) -> Package:
    package = Package.from_bytes(data)
    package.replace_rows(SHEET, SWAPPED if rows is None else rows)
    return package


@pytest.mark.parametrize(
    ("cell", "inside", "after"),
    [
        ("H12", '<f t="array" ref="H12:H14">B2:B4*2</f><v>1</v>', 'ref="H13:H15"'),
        ("H12", '<f t="array" ref="H12:J12">B8:D8</f><v>1</v>', "B9:D9"),
        ("H12", '<f t="dataTable" ref="H12:I14" dt2D="1" r1="A8" r2="A9"/><v>1</v>', 'ref="H13:I15"'),
        ("H12", '<f t="dataTable" ref="H12:I14" dt2D="1" r1="A8" r2="A9"/><v>1</v>', 'r1="A9"'),
        (
            "H4",
            '<f t="array" ref="H4:J4">_xlfn._xlws.SORT(B4:D4)</f><v>1</v>',
            'ref="H5:J5">_xlfn._xlws.SORT(B5',
        ),
        ("H1", '<f t="array" ref="H1:J1">SUM(B2:B5)</f><v>1</v>', "SUM(B2:B6)"),
        ("H4", '<f t="array" ref="H4:H5">B4:B5</f><v>1</v>', None),
        ("H2", '<f t="array" ref="H2:H5">B2:B5</f><v>1</v>', None),
        ("H3", '<f t="dataTable" ref="H3:I5" r1="A8"/><v>1</v>', None),
        ("H12", '<f t="dataTable" ref="H12:I14" r1="A2"/><v>1</v>', None),  # the row of a goes
    ],
)
def test_arrays_and_what_if_tables_move_whole_or_are_refused(
    cell: str, inside: str, after: str | None
) -> None:
    data = with_cell(cell, inside)
    if after is not None:
        assert after in part_of(renewed(data), PART)
        return
    package = Package.from_bytes(data)
    with pytest.raises(WorkbookError, match=rf"{SHEET}!H\d+:[HI]\d+") as refused:
        package.replace_rows(SHEET, SWAPPED)
    assert "sheet of its own" in refused.value.hint
    assert parts(package.to_bytes()) == parts(data)


def test_an_array_beside_rows_that_stay_together_moves_with_them() -> None:
    data = with_cell("H4", '<f t="array" ref="H4:H5">B4:B5*2</f><v>1</v>')
    package = renewed(data, rows_of((None, "n"), (1, "a"), (2, "b"), (3, "c"), (4, "d")))
    assert '<f t="array" ref="H5:H6">B5:B6*2</f>' in part_of(package, PART)


TABLE = (
    '<table xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" id="9" name="Mine" '
    'displayName="Mine" ref="{ref}"><autoFilter ref="{ref}"/><tableColumns count="2">'
    '<tableColumn id="1" name="x"/><tableColumn id="2" name="y"><calculatedColumnFormula>A21*$B$9'
    "</calculatedColumnFormula></tableColumn></tableColumns></table>"
)


def test_a_second_table_below_moves_whole_with_its_filter_and_its_formula() -> None:
    package = renewed(with_part("tables/table9.xml", TABLE.format(ref="A20:B30"), "table"))
    xml = part_of(package, "xl/tables/table9.xml")
    assert re.findall(r'ref="([^"]*)"', xml) == ["A21:B31", "A21:B31"]
    assert "A22*$B$10" in xml


def test_a_second_table_beside_the_rows_is_refused_and_told_where_to_put_it() -> None:
    data = with_part("tables/table9.xml", TABLE.format(ref="H1:I4"), "table")
    with pytest.raises(WorkbookError, match="Billing Lines!H1:I4: the table stands beside") as refused:
        renewed(data)
    assert "below the rows, or on a sheet of its own" in refused.value.hint
    renewed(data, rows_of((1, "a"), (2, "b"), (3, "c"), (4, "d"), (None, "n")))  # its rows stay


@pytest.mark.parametrize(("cells", "new"), [("F2:G4", None), ("A8:C9", "A9:C10"), ("F12:G13", "F13:G14")])
def test_a_table_of_a_persons_is_not_that_of_the_rows_where_that_was_made_a_plain_range(
    cells: str, new: str | None
) -> None:
    content = parts(BUSY)
    table = "xl/tables/table1.xml"
    content[table] = re.sub(rb'ref="[^"]*"', f'ref="{cells}"'.encode(), content[table])
    package = Package.from_bytes(zipped(content))

    def renew() -> None:
        package.replace_rows(SHEET, SWAPPED, header_row=0, own_rows=(1, 4))

    if new is None:
        with pytest.raises(WorkbookError, match="the table stands beside the rows"):
            renew()
    else:
        renew()
        assert f'ref="{new}"' in part_of(package, table)


def test_a_pivot_below_follows_and_one_beside_is_refused() -> None:
    pivot = '<pivotTableDefinition name="P"><location ref="{}" firstHeaderRow="1"/></pivotTableDefinition>'
    kept = renewed(with_part("pivotTables/pivotTable1.xml", pivot.format("A20:C25"), "pivotTable"))
    assert '<location ref="A21:C26"' in part_of(kept, "xl/pivotTables/pivotTable1.xml")
    with pytest.raises(WorkbookError, match="the pivot table stands beside"):
        renewed(with_part("pivotTables/pivotTable1.xml", pivot.format("H2:J5"), "pivotTable"))
    filtered = pivot.format('H7:J9" rowPageCount="2" colPageCount="1')  # its filters stand in rows 4 and 5
    with pytest.raises(WorkbookError, match="H4:J9: the pivot table stands beside"):
        renewed(with_part("pivotTables/pivotTable1.xml", filtered, "pivotTable"))


@pytest.mark.parametrize(("workbook", "covered"), [("", "A1:D6"), (' r:id="rId1"', "A1:D5")])
def test_the_source_of_a_pivot_covers_the_new_rows_unless_it_is_in_another_workbook(
    workbook: str, covered: str
) -> None:
    cache = (
        '<pivotCacheDefinition><cacheSource type="worksheet"><worksheetSource ref="A1:D5" '
        f'sheet="Billing Lines"{workbook}/></cacheSource></pivotCacheDefinition>'
    )
    part = "pivotCache/pivotCacheDefinition1.xml"
    package = renewed(with_part(part, cache, "pivotCacheDefinition"))
    assert f'ref="{covered}"' in part_of(package, f"xl/{part}")


def drawing(*anchors: str) -> bytes:
    return with_part("drawings/drawing9.xml", f"<xdr:wsDr>{''.join(anchors)}</xdr:wsDr>", "drawing")


def anchor(top: int, bottom: int, kind: str = "") -> str:
    corner = "<xdr:{0}><xdr:col>1</xdr:col><xdr:row>{1}</xdr:row><xdr:rowOff>5</xdr:rowOff></xdr:{0}>"
    ends = corner.format("from", top) + corner.format("to", bottom)
    return f"<xdr:twoCellAnchor{kind}>{ends}<xdr:pic/></xdr:twoCellAnchor>"


@pytest.mark.parametrize(
    ("top", "bottom", "kind", "new"),
    [
        (10, 20, "", ["11", "21"]),  # below
        (4, 4, "", ["1", "1"]),  # beside d
        (1, 1, "", ["1", "1"]),  # beside a, which goes
        (1, 4, "", ["1", "4"]),  # from a, which goes
        (2, 4, "", ["3", "5"]),  # from b, over rows that part
        (2, 3, "", ["3", "4"]),  # over b and c, which stay together
        (0, 9, "", ["0", "10"]),  # over all rows
        (10, 20, ' editAs="absolute"', ["10", "20"]),
        (1, 0, "", ["1", "0"]),  # upside down, from a
        (1048570, 1048575, "", ["1048570", "1048575"]),  # at the end of the sheet
    ],
)
def test_pictures_and_charts_follow_the_row_that_they_lie_beside(
    top: int, bottom: int, kind: str, new: list[str]
) -> None:
    xml = part_of(renewed(drawing(anchor(top, bottom, kind))), "xl/drawings/drawing9.xml")
    assert re.findall(r"<xdr:row>(\d+)<", xml) == new


@pytest.mark.parametrize(("bottom", "new"), [(4, ["3", "5"]), (6, ["2", "6"])])
def test_a_chart_over_rows_that_part_stays_and_one_over_a_few_goes_with_its_first(
    bottom: int, new: list[str]
) -> None:
    chart = anchor(2, bottom).replace("<xdr:pic/>", "<xdr:graphicFrame><c:chart/></xdr:graphicFrame>")
    xml = part_of(renewed(drawing(chart)), "xl/drawings/drawing9.xml")
    assert re.findall(r"<xdr:row>(\d+)<", xml) == new


def test_what_older_programs_show_in_place_of_an_object_is_none_of_its_own() -> None:
    anchor = "<xdr:oneCellAnchor><xdr:from><xdr:row>2</xdr:row></xdr:from>{}</xdr:oneCellAnchor>"
    slicer = anchor.format(
        '<xdr:graphicFrame><xdr:cNvPr id="2" name="Kinds"/><sle:slicer/></xdr:graphicFrame>'
    )
    instead = anchor.format("<xdr:sp><a:t>This shape represents a slicer.</a:t></xdr:sp>")
    drawing = (
        f'<xdr:wsDr xmlns:xdr="x" xmlns:a="a"><mc:AlternateContent><mc:Choice xmlns:sle="s">{slicer}'
        f"</mc:Choice><mc:Fallback>{instead}</mc:Fallback></mc:AlternateContent></xdr:wsDr>"
    )
    data = with_part("drawings/d1.xml", drawing, "drawing")
    on_sheet = Package.from_bytes(data).annotations(SHEET)
    assert [(one.kind, one.name) for one in on_sheet.objects({2})] == [("slicer", "Kinds")]
    assert not on_sheet.pictures({2})
    assert part_of(renewed(data), "xl/drawings/d1.xml").count("<xdr:row>3</xdr:row>") == 2  # both follow


def test_page_breaks_follow_the_row_before_which_they_stand() -> None:
    breaks = "".join(f'<brk id="{row}" max="16383" man="1"/>' for row in (1, 3, 4, 9))
    package = renewed(after_rows(f'<rowBreaks count="4" manualBreakCount="4">{breaks}</rowBreaks>'))
    xml = part_of(package, PART)
    assert re.findall(r'<brk id="(\d+)"', xml) == ["1", "4", "10"]
    assert '<rowBreaks count="3" manualBreakCount="3">' in xml


def test_scenarios_and_watched_cells_follow_and_go_with_their_rows() -> None:
    cells = '<inputCells r="B4" val="1"/><inputCells r="B2" val="2"/><inputCells r="B20" val="3"/>'
    more = '<scenario name="gone" count="1"><inputCells r="B2" val="2"/></scenario>'
    package = renewed(
        after_rows(
            f'<scenarios current="1" show="1" sqref="B8 B2"><scenario name="s" count="3">{cells}</scenario>'
            f"{more}</scenarios>"
            '<cellWatches><cellWatch r="B2"/></cellWatches>'
        )
    )
    xml = part_of(package, PART)
    assert re.findall(r'inputCells r="(\w+)"', xml) == ["B5", "B21"]
    assert '<scenarios sqref="B9"><scenario name="s" count="2">' in xml
    assert "gone" not in xml
    assert list(package.notices) == [
        "The scenario gone of Billing Lines is gone: it varied cells of rows that are gone",
        "The scenario s of Billing Lines lost 1 of its cells with their rows",
    ]
    assert "cellWatch" not in xml


@pytest.mark.parametrize(
    ("name", "kind", "before", "after"),
    [
        ("ctrlProps/c1.xml", "ctrlProp", '<formControlPr fmlaLink="$B$20"/>', 'fmlaLink="$B$21"'),
        ("ctrlProps/c1.xml", "ctrlProp", "<formControlPr fmlaLink='$B$2'/>", 'fmlaLink="#REF!"'),
        ("drawings/v1.vml", "vmlDrawing", "<xml><x:FmlaLink>$B$20</x:FmlaLink></xml>", "Link>$B$21<"),
        ("drawings/v1.vml", "vmlDrawing", "<xml><x:FmlaRange>B20:B29</x:FmlaRange></xml>", ">B21:B30<"),
        ("drawings/d1.xml", "drawing", '<xdr:sp macro="" textlink="$B$4"/>', 'textlink="$B$5"'),
        ("drawings/d1.xml", "drawing", "<xdr:sp textlink=\"'Billing Lines'!$B$4\"/>", "'!$B$5\""),
        ("drawings/d1.xml", "drawing", '<xdr:sp textlink="Other!$B$4"/>', 'textlink="Other!$B$4"'),
        ("drawings/d1.xml", "drawing", '<a14:cameraTool cellRange="$A$3:$B$4"/>', '"$A$4:$B$5"'),
        ("x/d1.xml", "odd", "<xdr:sp textlink=\"'Billing Lines'!$B$4\"/>", "'!$B$5\""),
        ("x/d1.xml", "odd", '<xdr:sp textlink="$B$4" name="\'Billing Lines\'!"/>', 'textlink="$B$4"'),
        ("charts/c1.xml", "odd", "<c15:sqref>'Billing Lines'!$B$2:$B$5</c15:sqref>", "$B$2:$B$6<"),
        ("charts/c1.xml", "odd", "<cx:nf>'Billing Lines'!$B$4</cx:nf>", "$B$5<"),
        ("tables/s1.xml", "tableSingleCells", '<singleXmlCell id="1" r="H4"/>', 'r="H5"'),
        (
            "tables/t9.xml",
            "odd",
            f"{CALCULATED}'Billing Lines'!$B$4*A4</calculatedColumnFormula>",
            "$B$5*A4<",
        ),
        ("tables/t9.xml", "odd", f"{CALCULATED}'Billing Lines'!B4</calculatedColumnFormula>", "'!B4<"),
        ("tables/t9.xml", "odd", "<totalsRowFormula>'BILLING LINES'!B4</totalsRowFormula>", "'!B5<"),
        ("x/p1.xml", "odd", '<rangeSet i1="0" ref="A1:B5" sheet="Billing Lines"/>', 'ref="A1:B6"'),
        ("x/v1.xml", "namedSheetView", '<nsvFilter filterId="{1}" ref="A1:D5" tableId="1"/>', '"A1:D6"'),
        ("x/v1.xml", "namedSheetView", '<sortRule><sortCondition ref="B2:B5"/></sortRule>', '"B2:B6"'),
        ("x/c1.vml", "odd", "<x:FmlaLink>'Billing Lines'!$B$20</x:FmlaLink>", "'!$B$21<"),
    ],
)
def test_what_a_button_fills_and_a_text_box_shows_follows(
    name: str, kind: str, before: str, after: str
) -> None:
    assert after in part_of(renewed(with_part(name, before, kind)), f"xl/{name}")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<control r:id="x"><controlPr linkedCell="B20" listFillRange="B20:B29"/></control>', '"B21:B30"'),
        ('<control r:id="x"><controlPr linkedCell="B20" listFillRange="B20:B29"/></control>', '"B21"'),
        ('<dataConsolidate><dataRefs><dataRef ref="A1:B5" sheet="Billing Lines"/></dataRefs>', '"A1:B6"'),
        ('<dataConsolidate><dataRefs><dataRef ref="A1:B5" sheet="Other"/></dataRefs>', '"A1:B5"'),
        ('<hyperlink ref="H4" location="\'Billing Lines\'!B3"/>', 'ref="H5" location="\'Billing Lines\'!B4"'),
        ('<hyperlink ref="H20" location="Other!B3"/>', 'ref="H21" location="Other!B3"'),
        ('<smartTags><cellSmartTags r="H4"><t/></cellSmartTags></smartTags>', '<cellSmartTags r="H5"><t/><'),
        ('<webPublishItem sourceType="range" sourceRef="A8:D9"/>', 'sourceRef="A9:D10"'),
        ('<webPublishItem sourceType="sheet"/>', '<webPublishItem sourceType="sheet"/>'),
        ('<hyperlink ref="H20" location="choices"/>', 'ref="H21" location="choices"'),
        (  # the cell of another workbook
            '<hyperlink ref="H20" r:id="rId1" location="\'Billing Lines\'!B3"/>',
            'ref="H21" r:id="rId1" location="\'Billing Lines\'!B3"',
        ),
        (  # as exceljs writes the one to a place in the workbook, with a relation that says the same
            '<hyperlink ref="H20" r:id="rId1" location="#\'Billing Lines\'!B3"/>',
            'ref="H21" r:id="rId1" location="#\'Billing Lines\'!B4"',
        ),
        (
            f'<dataRefs><dataRef ref="A1:B5" sheet="{SHEET}" r:id="rId9"/></dataRefs>',
            f'ref="A1:B5" sheet="{SHEET}" r:id="rId9"',
        ),
        ('<hyperlink ref="H3:H5" xr:uid="{1}" location="x"/>', '"H2" location="x"/><hyperlink ref="H4:H5"'),
        ('<hyperlink ref="H3:H4" xr:uid="{1}" location="x"/>', 'ref="H4:H5" xr:uid="{1}" location="x"'),
    ],
)
def test_links_controls_and_consolidations_of_the_sheet_follow(before: str, after: str) -> None:
    assert after in part_of(renewed(after_rows(before)), PART)


@pytest.mark.parametrize(
    ("target", "followed"),
    [
        ("#'Billing%20Lines'!$B$3:B4", "#'Billing%20Lines'!$B$4:B5"),
        ("#&apos;Billing Lines&apos;!B4", "#'Billing%20Lines'!B5"),
        ("#'Billing%20Lines'!B2", "#'Billing%20Lines'!%23REF!"),
        ("#Other!B4", "#Other!B4"),
        ("b.xlsx#'Billing%20Lines'!B4", "b.xlsx#'Billing%20Lines'!B4"),
    ],
)
@pytest.mark.parametrize("mode", ["", 'TargetMode="External" '])
@pytest.mark.parametrize(
    "owner", ["worksheets/_rels/sheet1", "worksheets/_rels/sheet2", "drawings/_rels/drawing1"]
)
def test_a_link_to_a_row_follows_also_where_a_relation_holds_its_target(
    target: str, followed: str, mode: str, owner: str
) -> None:
    relation = f'<Relationship Id="rId9" Type="{OFFICE}/hyperlink" {mode}Target="%s"/>'
    data = edited(
        BUSY,
        f"xl/{owner}.xml.rels",
        lambda xml: xml.replace("</Relationships>", f"{relation % target}</Relationships>"),
    )
    package = renewed(data)
    assert relation % followed in part_of(package, f"xl/{owner}.xml.rels")
    told = "A link: a row of Billing Lines that this points at is gone, so it is #REF! now"
    assert (told in package.notices) == ("REF" in followed)


def test_a_link_to_a_place_in_the_workbook_is_named_once_also_where_exceljs_wrote_it_twice() -> None:
    link = '<hyperlink ref="H20" r:id="rId9" location="#Other!B3"/>'
    relation = f'<Relationship Id="rId9" Type="{OFFICE}/hyperlink" TargetMode="External" Target="#Other!B3"/>'
    data = edited(
        after_rows(f"<hyperlinks>{link}</hyperlinks>"),
        "xl/worksheets/_rels/sheet1.xml.rels",
        lambda xml: xml.replace("</Relationships>", f"{relation}</Relationships>"),
    )
    links = Package.from_bytes(data).annotations(SHEET).links()
    assert links[19, 7] == "#Other!B3"
    assert links[1, 2] == "https://example.com/a"


def sparkline(source: str, place: str) -> str:
    return f"<x14:sparkline><xm:f>{source}</xm:f><xm:sqref>{place}</xm:sqref></x14:sparkline>"


def test_sparklines_and_their_dates_follow_also_from_another_sheet() -> None:
    group = (
        "<x14:sparklineGroup><xm:f>'Billing Lines'!{0}</xm:f><x14:sparklines>{1}</x14:sparklines>"
        "</x14:sparklineGroup>"
    )
    beside = sparkline("'Billing Lines'!A4:D4", "H4") + sparkline("'Billing Lines'!A2:D2", "H2")
    content = parts(after_rows(group.format("B2:B5", beside)))
    other = "xl/worksheets/sheet2.xml"
    rule = (
        "<x14:conditionalFormatting><xm:f>'Billing Lines'!B4&gt;$B$4</xm:f><xm:sqref>{}</xm:sqref>"
        "</x14:conditionalFormatting>"
    )
    rules = sparkline("'Billing Lines'!B4:C4", "B1") + rule.format("C1:C9") + rule.format("C1")
    content[other] = content[other].replace(
        b"</sheetData>", f"</sheetData>{group.format('$B$2:$B$5', rules)}".encode()
    )
    package = renewed(zipped(content))
    assert re.findall(r"<xm:(?:f|sqref)>([^<]*)<", part_of(package, PART)) == [
        "'Billing Lines'!B2:B6",
        "'Billing Lines'!A5:D5",
        "H5",
    ]
    assert re.findall(r"<xm:(?:f|sqref)>([^<]*)<", part_of(package, other)) == [
        "'Billing Lines'!$B$2:$B$6",
        "'Billing Lines'!B5:C5",
        "B1",
        "'Billing Lines'!B4&gt;$B$4",  # a rule for many cells is written for the first
        "C1:C9",
        "'Billing Lines'!B5&gt;$B$4",
        "C1",
    ]
    gone = "Billing Lines!H2: the sparkline here is gone with its rows"
    assert [notice for notice in package.notices if "sparkline" in notice] == [gone]


def test_rules_that_go_with_their_rows_are_told() -> None:
    shade = (
        '<conditionalFormatting sqref="{}"><cfRule type="aboveAverage" priority="9"/></conditionalFormatting>'
    )
    package = renewed(
        after_rows(
            f"{shade.format('H2')}{shade.format('H2:H4')}{shade.format('I2 K2')}"
            '<dataValidations count="1"><dataValidation type="list" sqref="J2"><formula1>$A$8</formula1>'
            "</dataValidation></dataValidations>"
        )
    )
    assert (
        "Billing Lines!H2, Billing Lines!I2 K2: the conditional format here is gone with its rows"
        in package.notices
    )
    assert "Billing Lines!J2: the rule for what is typed here is gone with its rows" in package.notices


def test_a_formula_elsewhere_follows_however_its_sheet_is_written() -> None:
    content = parts(BUSY)
    other = "xl/worksheets/sheet2.xml"
    content[other] = content[other].replace(b"'Billing Lines'", b"'bILLING lINES'")
    assert renewed(zipped(content)).formulas("Other")[1, 0] == "SUM('bILLING lINES'!B2:B6)"


def test_a_row_at_the_end_of_the_sheet_is_never_pushed_beyond_it() -> None:
    data = with_cell("A1048576", "<v>7</v>")
    with pytest.raises(WorkbookError, match="no room for 1 more rows: something stands in row 1048576"):
        renewed(data)
    empty = edited(data, PART, lambda xml: re.sub(r'(<row r="1048576")>.*?</row>', r"\1/>", xml))
    assert 'r="1048577"' not in part_of(renewed(empty), PART)
    coloured = edited(
        data, PART, lambda xml: xml.replace('<c r="A1048576"><v>7</v></c>', '<c r="A1048576" s="1"/>')
    )
    xml = part_of(renewed(coloured), PART)
    assert "A1048577" not in xml
    assert '<dimension ref="A1:G1048576"' in xml


@pytest.mark.parametrize(
    "addition",
    ['<mergeCell ref="A1048576:B1048576"/>', '<hyperlink ref="A1048576" location="Other!A1"/>'],
)
def test_what_is_merged_or_linked_at_the_end_of_the_sheet_is_never_pushed_beyond_it(addition: str) -> None:
    with pytest.raises(WorkbookError, match="no room for 1 more rows: something stands in row 1048576"):
        renewed(after_rows(addition))


def test_a_note_at_the_end_of_the_sheet_is_never_pushed_beyond_it() -> None:
    note = '<comment ref="A1048576" authorId="0"><text><t>mine</t></text></comment>'
    with pytest.raises(WorkbookError, match="no room for 1 more rows: something stands in row 1048576"):
        renewed(with_part("comments9.xml", f"<comments>{note}</comments>", "comments"))


@pytest.mark.parametrize("quote", ['"', "&quot;"])
@pytest.mark.parametrize(("cells", "where", "row"), [("B4:D4", "B5:D5", 5), ("B2:D5", "B2:D6", 2)])
def test_a_rule_follows_also_behind_a_text_in_its_formula(
    quote: str, cells: str, where: str, row: int
) -> None:
    formula = f"AND($C{{}}={quote}it's $C2{quote},$B{{}}&gt;$B${{}})"
    before = formula.format(cells[1], cells[1], 8)
    rules = (
        f'<conditionalFormatting sqref="{cells}"><cfRule type="expression" priority="9">'
        f'<formula xml:space="preserve">{before}</formula></cfRule></conditionalFormatting>'
        f'<dataValidations><dataValidation type="custom" sqref="{cells}"><formula1>{before}</formula1>'
        "</dataValidation></dataValidations>"
    )
    xml = part_of(renewed(after_rows(rules)), PART).replace("&quot;", quote)
    assert xml.count(f">{formula.format(row, row, 9)}</formula") == 2
    assert xml.count(f'sqref="{where}"') == 2


@pytest.mark.parametrize(("cells", "where", "row"), [("B4:D4", "B6:D6", 6), ("B2:D5", "B2:D7", 2)])
def test_a_running_range_in_a_rule_runs_from_the_first_row_as_it_does_in_a_cell(
    cells: str, where: str, row: int
) -> None:
    formula = f"<formula>COUNTIF($A$2:$A{cells[1]},$A{cells[1]})&gt;1</formula>"
    rule = f'<cfRule type="expression" priority="9">{formula}</cfRule>'
    data = after_rows(f'<conditionalFormatting sqref="{cells}">{rule}</conditionalFormatting>')
    rows = rows_of((None, "m"), (None, "n"), (1, "a"), (2, "b"), (3, "c"), (4, "d"))
    xml = part_of(renewed(data, rows), PART)
    assert f'sqref="{where}"' in xml
    assert f"<formula>COUNTIF($A$2:$A{row},$A{row})&gt;1</formula>" in xml


def test_what_follows_does_so_also_where_an_attribute_holds_a_bare_sign_as_apache_poi_writes_it() -> None:
    rule = '<dataValidation type="list" prompt="units > 5" sqref="D2:D5"><formula1>$B$8:$B$9</formula1>'
    link = '<hyperlink tooltip="see > \'here\'" ref="A9" location="\'Billing Lines\'!A3"/>'
    name = "<definedName comment='more > \"less\"' name=\"mine\">'Billing Lines'!$B$3</definedName>"
    data = after_rows(
        f"<dataValidations>{rule}</dataValidation></dataValidations><hyperlinks>{link}</hyperlinks>"
    )
    data = edited(
        data,
        "xl/workbook.xml",
        lambda xml: xml.replace("</definedNames>", f"{name}</definedNames>").replace('"Other"', '"A > B"'),
    )
    package = renewed(data)
    assert "A > B" in package.sheets
    xml = part_of(package, PART).replace("&gt;", ">")
    assert rule.replace("D2:D5", "D2:D6").replace("$B$8:$B$9", "$B$9:$B$10") in xml
    assert link.replace("A9", "A10").replace("!A3", "!A4") in xml
    assert package.names()["mine"] == "'Billing Lines'!$B$4"


def test_a_rule_of_an_extension_follows_also_where_its_elements_have_no_prefix() -> None:
    rule = (
        '<conditionalFormatting xmlns="x14"><cfRule type="expression" priority="9"><f xmlns="xm">$B$8</f>'
        '</cfRule><sqref xmlns="xm">{}</sqref></conditionalFormatting>'
    )
    xml = part_of(renewed(after_rows(rule.format("B2:B5"))), PART)
    assert rule.format("B2:B6").replace("$B$8", "$B$9") in xml
    assert rule.format("") in part_of(renewed(after_rows(rule.format(""))), PART)


def test_a_rule_for_all_rows_that_looks_at_all_rows_looks_at_new_ones_also_without_dollar_signs() -> None:
    rule = '<dataValidation type="list" sqref="H2:H5"><formula1>{}</formula1></dataValidation>'
    for formula, moved in (
        ("COUNTIF(B2:B5,B2)&gt;1", "COUNTIF(B2:B6,B2)&gt;1"),
        ("B2:B$5", "B2:B$6"),
        ("B2:B4", "B2:B4"),
    ):
        xml = part_of(renewed(after_rows(f"<dataValidations>{rule.format(formula)}</dataValidations>")), PART)
        assert f'sqref="H2:H6"><formula1>{moved}<' in xml


@pytest.mark.parametrize("count", ['count="2"', "count='2'"])
def test_rules_are_counted_anew_where_one_goes(count: str) -> None:
    rules = '<dataValidation sqref="H2"/><dataValidation sqref="H3"/>'
    xml = part_of(renewed(after_rows(f"<dataValidations {count}>{rules}</dataValidations>")), PART)
    assert '<dataValidations count="1"><dataValidation sqref="H4"/></dataValidations>' in xml


def test_a_rule_whose_scale_ends_at_a_cell_follows_it() -> None:
    scale = """<cfvo type="num" val="$B$8"/><cfvo type="formula" val='"0"&amp;$B$8'/><cfvo type="max"/>"""
    rule = f'<cfRule type="dataBar" priority="9"><dataBar>{scale}</dataBar></cfRule>'
    package = renewed(after_rows(f'<conditionalFormatting sqref="B2:B5">{rule}</conditionalFormatting>'))
    scale = (
        '<cfvo type="num" val="$B$9"/><cfvo type="formula" val="&quot;0&quot;&amp;$B$9"/><cfvo type="max"/>'
    )
    assert scale in part_of(package, PART)


@pytest.mark.parametrize(
    ("rows", "after", "told"),
    [
        (rows_of((1, "a"), (3, "c"), (4, "d"), (2, "b")), "SUM($B$3:$B$5)", "B3:B4 points at"),
        (rows_of((1, "a"), (2, "b"), (None, "n"), (3, "c"), (4, "d")), "SUM($B$3:$B$5)", None),
        (rows_of((3, "c"), (2, "b"), (1, "a"), (4, "d")), "SUM($B$2:$B$3)", None),
    ],
)
def test_a_range_whose_rows_came_apart_is_told_once_and_new_rows_in_it_are_not(
    rows: list[Row], after: str, told: str | None
) -> None:
    content = parts(with_cell("H12", "<f>SUM($B$3:$B$4)</f><v>1</v>"))
    other = "xl/worksheets/sheet2.xml"
    cell = '<row r="30"><c r="A30"><f>SUM(\'Billing Lines\'!B3:B4)</f></c></row></sheetData>'
    content[other] = content[other].replace(b"</sheetData>", cell.encode())
    package = renewed(zipped(content), rows)
    assert after in part_of(package, PART)
    assert after.replace("$", "").replace("B", "'Billing Lines'!B", 1) in part_of(package, other)
    notices = [notice for notice in package.notices if "came apart" in notice]
    assert len(notices) == (told is not None)
    assert told is None or notices[0].startswith(f"{SHEET}!H12, Other!A30: what pointed at ")
    assert told is None or f"Billing Lines!{told} Billing Lines!B3:B5" in notices[0]


@pytest.mark.parametrize("quote", ["'", "&apos;", "&#39;", "&#x27;"])
def test_formulas_of_another_sheet_follow_however_their_quotes_are_written(quote: str) -> None:
    content = parts(BUSY)
    other = "xl/worksheets/sheet2.xml"
    content[other] = content[other].replace(b"'Billing Lines'", f"{quote}Billing Lines{quote}".encode())
    assert renewed(zipped(content)).formulas("Other")[1, 0] == "SUM('Billing Lines'!B2:B6)"


def test_what_pointed_at_a_row_that_is_gone_is_told() -> None:
    content = parts(with_cell("H12", "<f>B2+1</f><v>1</v>"))
    names = [f"<definedName name=\"{name}\">'{SHEET}'!$B$2</definedName>" for name in ("mine", "xlsync_x")]
    book = "xl/workbook.xml"
    content[book] = content[book].replace(b"</definedNames>", f"{''.join(names)}</definedNames>".encode())
    package = renewed(zipped(content))
    assert (
        f"{SHEET}!H13, the name mine: a row of {SHEET} that this points at is gone, so it is #REF! now"
        in package.notices
    )
    assert package.names()["mine"] == f"'{SHEET}'!#REF!"


def test_a_cell_that_an_xml_map_fills_on_a_row_that_goes_is_refused() -> None:
    data = with_part("tables/s1.xml", '<singleXmlCell id="1" r="H2"/>', "tableSingleCells")
    with pytest.raises(WorkbookError, match="Billing Lines!H2: an XML map fills this cell"):
        renewed(data)


def test_the_list_of_cells_that_wait_for_other_programs_goes_as_excel_builds_it_anew() -> None:
    content = parts(BUSY)
    content["xl/volatileDependencies.xml"] = b'<volTypes><tr r="D4" s="1"/></volTypes>'
    entry = (
        f'<Relationship Id="rId77" Type="{OFFICE}/volatileDependencies" Target="volatileDependencies.xml"/>'
    )
    relations = "xl/_rels/workbook.xml.rels"
    content[relations] = content[relations].replace(b"</Relationships>", f"{entry}</Relationships>".encode())
    after = parts(renewed(zipped(content)).to_bytes())
    assert "xl/volatileDependencies.xml" not in after
    assert b"rId77" not in after[relations]


def test_cells_that_are_no_longer_merged_are_told() -> None:
    data = edited(
        BUSY,
        PART,
        lambda xml: xml.replace('<mergeCell ref="F3:G3"', '<mergeCell ref="H4:H5"/><mergeCell ref="F3:G3"'),
    )
    assert any("H4:H5 was merged" in notice for notice in renewed(data).notices)


def test_a_cell_that_pointed_at_a_row_that_is_gone_is_told_by_its_place_after_its_own_rows_moved() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(BUSY))
    rows = workbook.create_sheet("Mismatches")
    for number, key in enumerate(["Key", *"abcd"], 1):
        rows.append([key, f"='{SHEET}'!B2" if number > 2 else None])
    rows["C3"].hyperlink = Hyperlink(ref="C3", location=f"'{SHEET}'!B2")
    rows["B9"] = f"=SUM('{SHEET}'!B2:B3)"
    package = Package.from_bytes(bytes_of(workbook))
    package.replace_rows(SHEET, rows_of((3, "c"), (4, "d"), (None, "n"), (2, "b")))
    package.replace_rows("Mismatches", [Row(row, {}) for row in (None, 1, None, 2, 4)], own_rows=(1, 4))
    (notice,) = package.notices
    assert notice.startswith("Mismatches!B5, Mismatches!B6, the link in Mismatches!C5: a row of Billing")
