"""A check that adds and drops rows leaves whatever people put beside and below them at its own row."""

from __future__ import annotations

import re

import pytest
from openpyxl.worksheet.table import Table

from tests.helpers.desk import Desk
from tests.helpers.hand import MISMATCHES
from tests.helpers.own_cells import BEHIND, furnish
from tests.helpers.workbooks import parts
from tests.workbook.test_workbook_keeps import differ, part_of_sheet
from tests.xlsx.test_formulas import BROKEN, OPAQUE, SHAPES

pytestmark = pytest.mark.filterwarnings("ignore:Sparkline Group extension is not supported")  # of openpyxl
KEY, GONE = "link:bss:629:bss:MQX74E89C3B65:0001", "units:1"


def persons_formulas(rows: list[int]) -> dict[int, list[str]]:
    """Give rows formulas: one that stays letter for letter, one that points at some row, a broken one."""
    shapes = (shape.replace("~", f"A{rows[n * 7 % len(rows)]}") for n, shape in enumerate(SHAPES))
    return {row: three for row, *three in zip(rows, OPAQUE, shapes, BROKEN, strict=False)}


def test_whatever_people_put_beside_and_below_the_rows_stands_at_its_row_after_a_check(desk: Desk) -> None:
    before = desk.read().rows(MISMATCHES)
    rows = sorted(set(before.values()) - {before[GONE]})
    formulas = persons_formulas(rows)
    furnish(desk.file, before, KEY, GONE, formulas)
    differ(desk, 3)
    ran = desk.check()
    assert ran.code == 0
    hand = desk.read()
    after, sheet = hand.rows(MISMATCHES), hand.sheet(MISMATCHES)
    assert GONE not in after
    last, here = max(after.values()), after[KEY]
    assert last - max(before.values()) > 20
    n = last + BEHIND

    # beside the rows
    for key, row in after.items():
        assert sheet.cell(row, 25).value == (key if key in before else None)
        own = f"=H{row}+$H${n}+RANK(H{row},$H$2:$H${last})"
        assert sheet.cell(row, 26).value == (own if key in before else None)
    assert sheet.row_dimensions[here].hidden
    assert sheet.row_dimensions[here].outlineLevel == 2
    assert not sheet.row_dimensions[before[KEY]].hidden
    names = {row: key for key, row in before.items()}
    for row, (opaque, shape, _) in formulas.items():
        assert sheet.cell(after[names[row]], 31).value == f"={opaque}"
        assert len(str(sheet.cell(after[names[row]], 32).value)) >= len(shape)

    # below them
    assert [sheet.cell(n, column).value for column in (1, 8, 9, 10)] == [
        "all",
        f"=SUM(H2:H{last})",
        f"=H{here}",
        "=#REF!",
    ]
    (pivot,) = sheet._pivots
    assert pivot.location.ref == f"A{n + 2}:B{n + 4}"
    assert pivot.cache.cacheSource.worksheetSource.ref == f"A1:D{last}"
    assert sheet.cell(n + 2, 1).value == "Row Labels"
    (chart,) = sheet._charts
    assert (chart.anchor._from.row, chart.anchor.to.row) == (n, n + 9)
    assert [series.val.numRef.f for series in chart.series] == [
        f"{MISMATCHES}!$H$2:$H${last}",
        f"{MISMATCHES}!$E${here}:$H${here}",
    ]

    # rules
    content = parts(desk.file.read_bytes())
    xml = content[part_of_sheet(content, MISMATCHES)].decode()
    for stands in (
        f'<inputCells r="Y{here}" val="1"/></scenario>',
        f'<mergeCell ref="AB{here}:AC{here}"/>',
        f'sqref="Y{here}"><formula1>$H{here}</formula1>',
        f'<hyperlink ref="Y{here}" location="{MISMATCHES}!A{here}" display="here"/></hyperlinks>',
        f'<brk id="{here}" max="16383" man="1"/></rowBreaks>',
        f'<cellWatch r="H{here}"/>',
        f'<ignoredError sqref="Y{here}" numberStoredAsText="1"/>',
        f"<xm:f>{MISMATCHES}!E{here}:H{here}</xm:f><xm:sqref>AD{here}</xm:sqref></x14:sparkline></",
    ):
        assert stands in xml
    covered = rows_in(xml, "conditionalFormatting", "AA")
    assert len(covered) == len(set(covered))
    assert {after[key] for key, row in before.items() if key in after and row != before[GONE] - 2} <= set(
        covered
    )
    guarded = rows_in(xml, "protectedRange", "Y")
    above = {after[key] for key, row in before.items() if row < before[GONE]}
    assert set(guarded) & {after[key] for key in before.keys() & after.keys()} == {here, *above}
    assert f"{MISMATCHES}!$A${here}</definedName>" in content["xl/workbook.xml"].decode()

    # what is gone
    moved = {line[3]: line[4] for line in hand.sheet("Left over").values if line[2] in {"Mine", "column AE"}}
    assert moved == {"Text": GONE, "Link": "#Start!A1"}
    assert f"{MISMATCHES}!J{n}" in ran.err
    for words in (("apply", "--yes"), ("report", "--output", str(desk.folder / "report.xlsx"))):
        assert desk.run(words[0], str(desk.file), *words[1:], "--json").code == 0


def rows_in(xml: str, element: str, column: str) -> list[int]:
    """The rows that the pieces of a rule in a column cover."""
    (cells,) = re.findall(rf'<{element} [^>]*?sqref="({column}\d[^"]*)"', xml)
    ends = [[int(row) for row in re.findall(r"\d+", piece)] for piece in cells.split()]
    return [row for piece in ends for row in range(piece[0], piece[-1] + 1)]


def test_a_second_table_beside_the_rows_is_refused_before_anything_is_written(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet = hand.sheet(MISMATCHES)
        for row in range(1, 30):
            sheet.cell(row, 30).value, sheet.cell(row, 31).value = f"x{row}", f"y{row}"
        sheet.add_table(Table(displayName="Second", ref="AD1:AE29"))
    differ(desk, 3)
    before, links = desk.file.read_bytes(), desk.links()
    ran = desk.check()
    assert ran.code == 1
    assert f"{MISMATCHES}!AD1:AE29: the table stands beside the rows" in ran.err
    assert desk.file.read_bytes() == before
    assert desk.links() == links
    assert not list(desk.folder.glob("*.backup*"))


def test_a_full_block_apart_from_the_columns_that_came_apart_with_the_rows_is_told(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet, rows = hand.sheet(MISMATCHES), range(1, 9)
        last = max(hand.rows(MISMATCHES).values())
        for row in rows:
            sheet.cell(row, 30).value, sheet.cell(row, 31).value = f"plan {row}", row  # a table of prices
            sheet.cell(row, 33).value = f"note {row}"
            if row % 2:
                sheet.cell(row, 35).value, sheet.cell(row, 36).value = "checked", "Ann"
        for row in range(1, last + 1):
            sheet.cell(row, 38).value, sheet.cell(row, 39).value = f"own {row}", row
    assert "which moved apart" not in str(desk.check().json["notices"])
    differ(desk, 3)
    (told,) = (text for text in desk.check().json["notices"] if "which moved apart" in text)
    assert told == (
        f"{MISMATCHES}!AD1:AE8 went with the rows beside it, which moved apart. If it is a table of its own, "
        "put it below the rows, or on a sheet of its own"
    )


def test_a_sum_typed_right_below_the_table_which_grew_by_it_sums_all_rows_after_a_check(desk: Desk) -> None:
    with desk.editing() as hand:
        sheet = hand.sheet(MISMATCHES)
        last = sheet.max_row
        sheet.cell(last + 1, 1).value, sheet.cell(last + 1, 8).value = "total", f"=SUM(H2:H{last})"
        (table,) = sheet.tables.values()
        table.ref = table.autoFilter.ref = f"A1:W{last + 1}"
    for by in (3, -3):
        differ(desk, by)
        assert desk.check().code == 0
        hand = desk.read()
        sheet, last = hand.sheet(MISMATCHES), max(hand.rows(MISMATCHES).values())
        assert sheet.cell(last + 1, 1).value == "total"
        assert sheet.cell(last + 1, 8).value == f"=SUM(H2:H{last})"
        (table,) = sheet.tables.values()
        assert table.ref == f"A1:W{last + 1}"
