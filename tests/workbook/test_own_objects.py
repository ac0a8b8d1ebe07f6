"""Whatever people lay on a row or put into a cell follows the row, or is named when the row goes."""

from __future__ import annotations

import re
from xml.parsers import expat

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import MISMATCHES
from tests.helpers.own_objects import lay
from tests.helpers.workbooks import parts, zipped
from tests.workbook.test_left_over import GONE, put_picture, settle
from tests.workbook.test_own_cells import KEY
from tests.workbook.test_workbook_keeps import differ, part_of_sheet

pytestmark = pytest.mark.filterwarnings("ignore:DrawingML support is incomplete")  # of openpyxl


def drawings(desk: Desk) -> dict[str, str]:
    content = parts(desk.file.read_bytes())
    return {name: data.decode() for name, data in content.items() if "drawings/drawing" in name}


def test_objects_and_pictures_in_cells_follow_their_row_where_rows_part(desk: Desk) -> None:
    before = desk.read().rows(MISMATCHES)[KEY]
    lay(desk.file, before - 1)
    differ(desk, 3)
    assert desk.check().code == 0
    row = desk.read().rows(MISMATCHES)[KEY]
    assert row != before
    content = parts(desk.file.read_bytes())
    xml = content[part_of_sheet(content, MISMATCHES)].decode()
    assert f'<c r="Y{row}" t="e" vm="1"><v>#VALUE!</v></c>' in xml
    assert f'<c r="Z{row}" t="e" vm="2"><v>#VALUE!</v></c>' in xml
    assert re.findall(r"<xdr:row>(\d+)<", xml) == [str(row - 1), str(row)]  # of the check box
    anchored = re.findall(r"<xdr:row>(\d+)<", content["xl/drawings/drawing78.xml"].decode())
    picture, camera, chart, box = zip(anchored[::2], anchored[1::2], strict=True)
    assert picture == (str(row - 1), str(row + 4))
    assert camera == box == (str(row - 1), str(row))
    assert int(chart[1]) - int(chart[0]) == 8
    assert f"24, 0, {row - 1}, 0, 25, 0, {row}, 1" in content["xl/drawings/vmlDrawing78.vml"].decode()


def test_what_lay_on_a_row_that_goes_is_moved_or_named(desk: Desk) -> None:
    row = desk.read().rows(MISMATCHES)[GONE]
    lay(desk.file, row - 1)
    ran = settle(desk)
    kinds = [line[3] for line in list(desk.read().sheet("Left over").values)[1:]]
    assert sorted(kinds) == ["Data type", "Picture", "Picture in the cell"]
    content = parts(desk.file.read_bytes())
    left = content[part_of_sheet(content, "Left over")].decode()
    assert sorted(re.findall(r't="e" vm="(\d)"', left)) == ["1", "2"]
    assert "the picture in the cell beside it, in Proof, was moved to the sheet Left over" in ran.err
    for told in ("form control beside it (Check Box 1)", "chart beside it (Trend 1)", "(Camera 1)"):
        assert f"{told} stays where it is" in ran.err
    for name, data in content.items():
        if name.endswith((".xml", ".rels", ".vml")):
            expat.ParserCreate(namespace_separator=" ").Parse(data, True)
    (moved,) = (name for name, xml in drawings(desk).items() if "Logo" in xml and name.endswith(".xml"))
    assert moved != "xl/drawings/drawing78.xml"
    relations = content[moved.replace("drawings/", "drawings/_rels/") + ".rels"].decode()
    link = re.search(r'hlinkClick [^>]*r:id="(\w+)"', content[moved].decode())
    assert link
    assert f'Id="{link[1]}"' in relations
    assert 'Target="https://example.com/?a=1&amp;b=2" TargetMode="External"' in relations


def test_a_text_box_that_is_moved_still_shows_the_cell_that_it_showed(desk: Desk) -> None:
    row = desk.read().rows(MISMATCHES)[GONE]
    put_picture(desk.file, row - 1)
    content = parts(desk.file.read_bytes())
    drawing = "xl/drawings/drawing77.xml"
    content[drawing] = content[drawing].replace(b"<xdr:sp>", f'<xdr:sp textlink="$H${row + 3}">'.encode())
    desk.file.write_bytes(zipped(content))
    settle(desk)
    linked = [re.findall(r'textlink="([^"]*)"', xml) for xml in drawings(desk).values()]
    assert [f"'{MISMATCHES}'!$H${row + 2}"] in linked
