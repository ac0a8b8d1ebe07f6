"""Cells of a workbook: values come back, and single cells change in place."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from tests.helpers.workbooks import (
    BUSY,
    HOSTILE,
    MAIN,
    RELATIONS,
    SHEET,
    bytes_of,
    edited,
    loaded,
    part_of,
    parts,
    with_rows,
    with_shared_formulas,
    written,
    zipped,
)
from xlsync.errors import WorkbookError
from xlsync.models import Evidence
from xlsync.xlsx.cells import Cell, Row, address, clean_text, position
from xlsync.xlsx.package import Package
from xlsync.xlsx.worksheet import is_plain

WHOLE = settings(max_examples=50)  # each writes a workbook, and reads it with two libraries
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="_x0041F5\r\n\t <&", max_size=30),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Co", "Cn"]), max_size=8),
)


def column_b(package: Package) -> list[object]:
    return [row[1] if len(row) > 1 else None for row in package.grid("Sheet")]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_hostile_text_stays_text_and_reads_back_as_clean_text(text: str) -> None:
    package = written([text, "end"])
    assert column_b(package) == [clean_text(text), "end"]
    cell = loaded(package, "Sheet")["B1"]
    assert (cell.data_type, unescape(cell.value)) == ("s", clean_text(text))


@WHOLE
@given(st.lists(TEXTS, min_size=1, max_size=12))
def test_any_text_reads_back_the_same_in_openpyxl_and_calamine(texts: list[str]) -> None:
    package = written([*texts, "end"])
    expected = [clean_text(text) or None for text in texts]
    assert column_b(package)[:-1] == expected
    page = loaded(package, "Sheet")
    values = [page.cell(row, 2).value for row in range(1, len(texts) + 1)]
    assert [value and unescape(str(value)) for value in values] == expected


@given(TEXTS)
def test_clean_text_is_settled(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


def test_text_too_long_for_a_cell_ends_in_an_ellipsis() -> None:
    assert clean_text("x" * 32_768) == "x" * 32_766 + "…"
    cut = clean_text("🎉" * 20_000)
    assert cut == "🎉" * 16_383 + "…"
    assert len(cut.encode("utf-16-le")) // 2 <= 32_767


@WHOLE
@given(
    st.lists(
        st.one_of(
            st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9),
            st.integers(-(10**14), 10**14),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_numbers_read_back_equal_in_openpyxl_and_calamine(numbers: list[Decimal | int]) -> None:
    package = written([*numbers])
    assert column_b(package) == [Decimal(number) for number in numbers]
    assert all(type(value) is Decimal for value in column_b(package))
    page = loaded(package, "Sheet")
    values = [page.cell(row, 2).value for row in range(1, len(numbers) + 1)]
    assert [Decimal(str(value)) for value in values] == [Decimal(number) for number in numbers]


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        ("1E+20", "100000000000000000000"),
        ("1E-7", "0.0000001"),
        ("-0", "0"),
        ("0.10", "0.10"),
        ("0.00", "0"),
        ("-0.00", "0"),
    ],
)
def test_numbers_are_written_in_full_digits(number: str, digits: str) -> None:
    xml = part_of(written([Decimal(number)]), "xl/worksheets/sheet1.xml")
    assert f"<v>{digits}</v>" in xml


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1E+999"])
def test_what_no_cell_can_hold_as_a_number_is_shown_as_text(number: str) -> None:
    assert column_b(written([Decimal(number)])) == [str(Decimal(number))]


@WHOLE
@given(st.lists(st.dates(dt.date(1900, 1, 1), dt.date(9999, 12, 31)), min_size=1, max_size=8), st.booleans())
def test_dates_read_back_equal_in_openpyxl_and_calamine(days: list[dt.date], from_1904: bool) -> None:
    workbook = openpyxl.Workbook()
    page = workbook.worksheets[0]
    page.title = "Sheet"
    for row in range(1, len(days) + 1):
        page.cell(row, 2).number_format = "yyyy-mm-dd"
    if from_1904:
        workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        days = [max(day, dt.date(1904, 1, 2)) for day in days]
    package = Package.from_bytes(bytes_of(workbook))
    package.change_cells("Sheet", {(row, 1): day for row, day in enumerate(days)})
    assert column_b(package) == days
    page = loaded(package, "Sheet")
    assert [page.cell(row, 2).value.date() for row in range(1, len(days) + 1)] == days


def test_a_date_before_excels_first_day_is_text() -> None:
    assert column_b(written([dt.date(1899, 12, 30)])) == ["1899-12-30"]


def test_a_moment_keeps_its_time() -> None:
    moment = dt.datetime.fromisoformat("2026-10-01T08:14")
    workbook = openpyxl.Workbook()
    workbook.worksheets[0].title = "Sheet"
    workbook.worksheets[0]["B1"].number_format = "yyyy-mm-dd hh:mm"
    package = Package.from_bytes(bytes_of(workbook))
    package.change_cells("Sheet", {(0, 1): moment})
    assert column_b(package) == [moment]


def test_times_read_as_parts_of_a_day() -> None:
    workbook = openpyxl.Workbook()
    page = workbook.worksheets[0]
    page.title = "Sheet"
    page["B1"], page["B2"], page["B3"] = dt.time(6), dt.timedelta(hours=36), 0
    page["B3"].number_format = "yyyy-mm-dd"
    assert column_b(Package.from_bytes(bytes_of(workbook))) == [Decimal("0.25"), Decimal("1.5"), Decimal(0)]


def test_words_of_an_enumeration_are_text_and_numbers_too_large_for_excel_are_shown() -> None:
    package = written([Evidence.EXACT, 10**400, Evidence.EXACT])
    assert column_b(package) == ["exact", str(10**400), "exact"]
    before = package.to_bytes()
    package.replace_rows("Sheet", [Row(1, {1: 10**400}), Row(2, {1: Evidence.EXACT})])
    assert package.to_bytes() == before


def test_booleans_and_empty_cells_read_back() -> None:
    assert column_b(written([True, False, None, "", "end"])) == [True, False, None, None, "end"]


@pytest.mark.parametrize("value", ["<a> & _x0041_", Decimal("2.50"), True, None, dt.date(2026, 10, 1)])
def test_a_formula_is_written_with_its_value_beside_it(value: object) -> None:
    package = written([Cell(value, '=IF(A1<2,"a&b",1)')])  # type: ignore[arg-type]
    assert package.formulas("Sheet") == {(0, 1): 'IF(A1<2,"a&b",1)'}
    expected = Decimal(46296) if isinstance(value, dt.date) else value
    assert (column_b(package) or [None]) == [expected]
    assert loaded(package, "Sheet")["B1"].value == '=IF(A1<2,"a&b",1)'


@pytest.mark.parametrize(
    ("name", "place"), [("A1", (0, 0)), ("$Z$9", (8, 25)), ("AA10", (9, 26)), ("XFD1", (0, 16383))]
)
def test_addresses_and_positions_are_each_others_inverse(name: str, place: tuple[int, int]) -> None:
    assert position(name) == place
    assert address(*place) == name.replace("$", "")


def test_reading_errors_shows_them_as_text() -> None:
    data = with_rows('<row r="2"><c r="B2" t="e"><v>#REF!</v></c><c r="C2"><v>1</v></c></row>')
    assert Package.from_bytes(data).grid("Sheet") == [[None] * 3, [None, "#REF!", Decimal(1)]]


@pytest.mark.parametrize(
    ("cells", "is_told"),
    [
        ('<c r="A1"><v>2</v></c><c r="B1" s="3" t="s"><v>0</v></c><c r="CZ99999"/>', True),
        ('<c r="A1"><f>1+1</f><v>2</v></c>', False),
        ('<c r="A1">\n<f>1+1</f><v>2</v></c>', False),
        ('<c r="A1"><?mark?><f>1+1</f><v>2</v></c>', False),
        ('<c r="A1"><v>2</v><f>1+1</f></c>', False),
        ('<c r="A1" s="3" t="e"><v>#N/A</v></c>', False),
        ('<c r="A1" t="e" vm="1"><v>#VALUE!</v></c>', False),
        ('<c r="A1" t="&#101;"><v>#N/A</v></c>', False),
        ('<c r="A1"/><!-- <c r="A2"> -->', False),
        ('<c r="A1"/><c r="DA1"/>', False),
        ('<c r="ZZ1"/><c r="A99999"/>', False),
        ('<c r="A1"/><c r="A100000"/>', False),
        ('<c r="A1"/><c><v>2</v></c>', False),
        (f'<c r="A1"/><x:c xmlns:x="{MAIN}" r="B1"><x:f>1+1</x:f></x:c>', False),
    ],
)
def test_a_sheet_is_called_plain_only_where_no_formula_error_comment_or_far_cell_can_hide(
    cells: str, is_told: bool
) -> None:
    rows = f'<sheetData><row r="1">{cells}</row></sheetData>'
    assert is_plain(f'<worksheet xmlns="{MAIN}">{rows}</worksheet>'.encode()) is is_told
    prefixed = f'<x:worksheet xmlns="urn:mine" xmlns:x="{MAIN}">{rows}</x:worksheet>'
    assert not is_plain(prefixed.encode())


def test_a_cell_far_away_is_refused_before_memory_is_full() -> None:
    package = written(["a"])
    package.change_cells("Sheet", {(1_048_575, 16_383): "far"})
    with pytest.raises(WorkbookError, match="far away"):
        package.grid("Sheet")


@WHOLE
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 12), st.integers(0, 8)),
        st.one_of(st.none(), TEXTS, st.integers(-9999, 9999), st.booleans()),
        min_size=1,
        max_size=10,
    )
)
def test_changing_cells_changes_no_other_cell_and_no_other_part(
    changes: dict[tuple[int, int], str | int | None],
) -> None:
    package = Package.from_bytes(BUSY)
    before, formulas = package.grid(SHEET), package.formulas(SHEET)
    package.change_cells(SHEET, changes)
    after = package.grid(SHEET)

    def at(grid: list[list[object]], row: int, column: int) -> object:
        return grid[row][column] if row < len(grid) and column < len(grid[row]) else None

    for row in range(15):
        for column in range(10):
            if (row, column) in changes:
                value = changes[row, column]
                wanted = (clean_text(value) or None) if isinstance(value, str) else value
                assert at(after, row, column) == wanted
            else:
                assert at(after, row, column) == at(before, row, column)
    assert package.formulas(SHEET) == {at: text for at, text in formulas.items() if at not in changes}
    old, new = parts(BUSY), parts(package.to_bytes())
    assert {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} == {
        "xl/worksheets/sheet1.xml"
    }
    page = loaded(package)
    assert page["B2"].number_format == "0.00"
    assert page["D4"].fill.start_color.rgb == "FFFF0000"
    assert page["A3"].font.bold


def test_a_new_cell_takes_the_style_of_its_column() -> None:
    workbook = openpyxl.Workbook()
    page = workbook.worksheets[0]
    page["A1"] = "x"
    page.column_dimensions["C"].number_format = "yyyy-mm-dd"
    package = Package.from_bytes(bytes_of(workbook))
    package.change_cells(package.sheets[0], {(0, 2): dt.date(2026, 10, 1), (4, 2): dt.date(2026, 10, 2)})
    assert [row[2] for row in package.grid(package.sheets[0])] == [
        dt.date(2026, 10, 1),
        None,
        None,
        None,
        dt.date(2026, 10, 2),
    ]


def test_changed_cells_widen_the_dimension() -> None:
    package = Package.from_bytes(BUSY)
    package.change_cells(SHEET, {(19, 25): "far"})
    assert '<dimension ref="A1:Z20"' in part_of(package, "xl/worksheets/sheet1.xml")


CHAIN = f'<calcChain xmlns="{MAIN}"><c r="D2" i="1"/><c r="D3"/></calcChain>'


def with_chain(data: bytes) -> bytes:
    content = parts(data)
    content["xl/calcChain.xml"] = CHAIN.encode()
    relation = (
        f'<Relationship Id="rId99" Type="{RELATIONS}/calcChain" Target="calcChain.xml"/></Relationships>'
    )
    content["xl/_rels/workbook.xml.rels"] = content["xl/_rels/workbook.xml.rels"].replace(
        b"</Relationships>", relation.encode()
    )
    override = (
        '<Override PartName="/xl/calcChain.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"/></Types>'
    )
    content["[Content_Types].xml"] = content["[Content_Types].xml"].replace(b"</Types>", override.encode())
    return zipped(content)


def with_end_tags(data: bytes) -> bytes:
    """The workbook with an end tag for each relationship and each content type."""
    for part in ("[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
        data = edited(
            data, part, lambda xml: re.sub(r"<(Override|Relationship)( [^>]*?)\s*/>", r"<\1\2></\1>", xml)
        )
    return data


@pytest.mark.parametrize("write", [bytes, with_end_tags])
def test_the_calculation_chain_goes_with_a_formula_and_stays_with_values(
    write: Callable[[bytes], bytes],
) -> None:
    package = Package.from_bytes(write(with_chain(BUSY)))
    package.change_cells(SHEET, {(1, 2): "value beside"})
    assert part_of(package, "xl/calcChain.xml") == CHAIN
    package.change_cells(SHEET, {(1, 3): "value instead"})
    left = parts(package.to_bytes())
    assert "xl/calcChain.xml" not in left
    assert b"calcChain" not in left["[Content_Types].xml"] + left["xl/_rels/workbook.xml.rels"]
    assert loaded(package)["D2"].value == "value instead"


def test_a_workbook_with_formulas_is_calculated_when_opened() -> None:
    data = edited(
        BUSY, "xl/workbook.xml", lambda xml: re.sub(r"<calcPr[^>]*>", '<calcPr calcId="191029"/>', xml)
    )
    package = Package.from_bytes(data)
    package.change_cells(SHEET, {(1, 2): "x"})
    assert '<calcPr calcId="191029" fullCalcOnLoad="1"/>' in part_of(package, "xl/workbook.xml")
    package = Package.from_bytes(
        edited(BUSY, "xl/workbook.xml", lambda xml: re.sub(r"<calcPr[^>]*>", "", xml))
    )
    package.change_cells(SHEET, {(1, 2): "x"})
    assert re.search(r"</definedNames>\s*<calcPr fullCalcOnLoad", part_of(package, "xl/workbook.xml"))


def test_shared_formulas_are_read_and_survive_when_their_first_cell_goes() -> None:
    package = Package.from_bytes(with_shared_formulas())
    expected = {(row - 1, 3): f"B{row}*10" for row in range(2, 6)}
    assert {at: text for at, text in package.formulas(SHEET).items() if at[0] < 5} == expected
    package.change_cells(SHEET, {(1, 3): "gone"})
    del expected[1, 3]
    assert {at: text for at, text in package.formulas(SHEET).items() if at[0] < 5} == expected
