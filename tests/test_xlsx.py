"""Workbooks keep what they are given, and keep what xlsync was not asked to change."""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
import python_calamine
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule, FormulaRule
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils.escape import unescape
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from xlsync.errors import WorkbookError
from xlsync.models import Evidence
from xlsync.xlsx.cells import address, letters, position
from xlsync.xlsx.package import Cell, Package, Row, clean_text
from xlsync.xlsx.plain import is_plain

SHEET = "Billing Lines"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


# making workbooks


def bytes_of(workbook: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(content: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def edited(data: bytes, part: str, edit: Callable[[str], str]) -> bytes:
    content = parts(data)
    content[part] = edit(content[part].decode()).encode()
    return zipped(content)


def blank() -> bytes:
    workbook = openpyxl.Workbook()
    workbook.worksheets[0].title = "Sheet"
    return bytes_of(workbook)


BLANK = blank()


def with_rows(rows: str) -> bytes:
    """A blank workbook with that XML as its rows."""

    def put(xml: str) -> str:
        return re.sub(r"<sheetData\s*(/>|></sheetData>)", f"<sheetData>{rows}</sheetData>", xml)

    return edited(BLANK, "xl/worksheets/sheet1.xml", put)


def busy() -> bytes:
    """Four data rows (keys a to d) in A2:C5, and everything that people add: a formula column D, a total
    below, comments, links, a merge, formats, rules, a chart, another sheet.
    """  # noqa: D205
    workbook = openpyxl.Workbook()
    page = workbook.worksheets[0]
    page.title = SHEET
    page.append(["Key", "Units", "Note", "Mine"])
    for number, key in enumerate("abcd", start=2):
        page.append([key, number, f"note {key}", f"=B{number}*10+Other!$A$1"])
        page[f"B{number}"].number_format = "0.00"
    page["A3"].font = Font(bold=True)
    page["D4"].fill = PatternFill("solid", start_color="FFFF0000")
    page.row_dimensions[3].height = 44
    page["C3"].comment = Comment("about b", "Ann")
    page["C5"].comment = Comment("about d", "Ann")
    page["A8"].comment = Comment("about the total", "Ann")
    page["C2"].hyperlink = "https://example.com/a"
    page["C4"].hyperlink = "https://example.com/c"
    page["A8"], page["B8"], page["C8"] = "total", "=SUM(B2:B5)", "=B3+$B$9"
    page.merge_cells("F3:G3")
    page.merge_cells("A10:B10")
    page.add_table(Table(displayName="T", ref="A1:D5"))
    rule = DataValidation(type="list", formula1="choices", allow_blank=True)
    rule.add("C2:C5")
    page.add_data_validation(rule)
    page.conditional_formatting.add(
        "B2:B5", CellIsRule(operator="equal", formula=["0"], font=Font(bold=True))
    )
    page.print_area = "A1:D50"
    other = workbook.create_sheet("Other")
    other["A1"], other["A2"] = 7, "=SUM('Billing Lines'!B2:B5)"
    chart = BarChart()
    chart.add_data(Reference(page, min_col=2, min_row=2, max_row=5))
    other.add_chart(chart, "C3")
    workbook.defined_names["choices"] = DefinedName("choices", attr_text="Other!$A$1:$A$2")
    return bytes_of(workbook)


BUSY = busy()


def loaded(package: Package, title: str = SHEET) -> openpyxl.worksheet.worksheet.Worksheet:
    return openpyxl.load_workbook(io.BytesIO(package.to_bytes()))[title]


def part_of(package: Package, name: str) -> str:
    return parts(package.to_bytes())[name].decode()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes, str], bytes]:
    """Convert a workbook with LibreOffice."""
    program = shutil.which("soffice")
    if not program:
        pytest.skip("LibreOffice is not installed")
    folder = tmp_path_factory.mktemp("office")

    def convert(data: bytes, kind: str) -> bytes:
        (folder / "in").mkdir(exist_ok=True)
        (folder / "in" / "book.xlsx").write_bytes(data)
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        command = [program, profile, "--headless", "--convert-to", kind, "--outdir", str(folder / "out")]
        done = subprocess.run(
            [*command, str(folder / "in" / "book.xlsx")], capture_output=True, timeout=180, check=True
        )
        assert b"Error" not in done.stderr, done.stderr
        return (folder / "out" / f"book.{kind.partition(':')[0]}").read_bytes()

    return convert


# values

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@x",
    '"quoted"',
    "'quoted",
    "a\nb",
    "\n",
    " spaces ",
    "\ttab",
    "a\r\nb\rc",
    "&amp; <b>]]>",
    "_x0041_",
    "_x005F_x0041_",
    "_x005f__x000D_",
    "__x0041_x0042_",
    "\x00\x0b\x1f",
    "\ud800 alone",
    "\ufffe\uffff",
    "株式会社 שלום 🎉",
    "1234567890123456789",
    "0.10",
    "2026-10-01",
    "TRUE",
    "#REF!",
    "x" * 32_767,
    "x" * 32_768,
    "🎉" * 16_383 + "xy",
    "🎉" * 20_000,
]
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="_x0041F5\r\n\t <&", max_size=30),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Co", "Cn"]), max_size=8),
)


def written(values: list[object]) -> Package:
    package = Package.from_bytes(BLANK)
    package.change_cells("Sheet", {(row, 1): value for row, value in enumerate(values)})  # type: ignore[misc]
    return Package.from_bytes(package.to_bytes())


def column_b(package: Package) -> list[object]:
    return [row[1] if len(row) > 1 else None for row in package.grid("Sheet")]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_hostile_text_stays_text_and_reads_back_as_clean_text(text: str) -> None:
    package = written([text, "end"])
    assert column_b(package) == [clean_text(text), "end"]
    cell = loaded(package, "Sheet")["B1"]
    assert (cell.data_type, unescape(cell.value)) == ("s", clean_text(text))


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


# single cells


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


def test_the_calculation_chain_goes_with_a_formula_and_stays_with_values() -> None:
    package = Package.from_bytes(with_chain(BUSY))
    package.change_cells(SHEET, {(1, 2): "value beside"})
    assert part_of(package, "xl/calcChain.xml") == CHAIN
    package.change_cells(SHEET, {(1, 3): "value instead"})
    left = parts(package.to_bytes())
    assert "xl/calcChain.xml" not in left
    assert b"calcChain" not in left["[Content_Types].xml"] + left["xl/_rels/workbook.xml.rels"]


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


def with_shared_formulas() -> bytes:
    def share(xml: str) -> str:
        for row in range(2, 6):
            inside = 'ref="D2:D5" si="0">B2*10</f>' if row == 2 else 'si="0"/>'
            xml = re.sub(rf'(<c r="D{row}"[^>]*>)<f>.*?</f>', rf'\1<f t="shared" {inside}', xml)
        return xml

    return edited(BUSY, "xl/worksheets/sheet1.xml", share)


def test_shared_formulas_are_read_and_survive_when_their_first_cell_goes() -> None:
    package = Package.from_bytes(with_shared_formulas())
    expected = {(row - 1, 3): f"B{row}*10" for row in range(2, 6)}
    assert {at: text for at, text in package.formulas(SHEET).items() if at[0] < 5} == expected
    package.change_cells(SHEET, {(1, 3): "gone"})
    del expected[1, 3]
    assert {at: text for at, text in package.formulas(SHEET).items() if at[0] < 5} == expected


# rows


def with_columns(xml: str, attributes: str) -> str:
    """The sheet with one element that tells of columns."""
    return xml.replace("<sheetData>", f"<cols><col {attributes}/></cols><sheetData>")


def rows_of(*moves: tuple[int | None, str]) -> list[Row]:
    return [
        Row(was, {0: key, 1: number, 2: f"new {key}"}) for number, (was, key) in enumerate(moves, start=100)
    ]


def reordered() -> Package:
    """Busy's rows as d, new, b, c, new, new: a is dropped."""
    package = Package.from_bytes(BUSY)
    package.replace_rows(
        SHEET, rows_of((4, "d"), (None, "n1"), (2, "b"), (3, "c"), (None, "n2"), (None, "n3"))
    )
    return package


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


def test_the_box_of_a_comment_moves_with_it() -> None:
    drawing = "xl/drawings/commentsDrawing1.vml"
    content = parts(BUSY)
    content[drawing] = (
        b'<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:x="urn:schemas-microsoft-com:office:excel">'
        b'<v:shape id="s1"><x:ClientData ObjectType="Note"><x:Anchor>\n3, 15, 3, 2, 5, 31, 7, 1</x:Anchor>'
        b"<x:Row>4</x:Row><x:Column>2</x:Column></x:ClientData></v:shape></xml>"
    )
    package = Package.from_bytes(zipped(content))
    package.replace_rows(SHEET, rows_of((1, "a"), (4, "d")))
    moved = part_of(package, drawing)
    assert "<x:Anchor>3, 15, 1, 2, 5, 31, 5, 1</x:Anchor><x:Row>2</x:Row>" in moved


def test_table_filter_rules_and_dimension_stretch_to_the_new_last_row() -> None:
    package = reordered()
    page = loaded(package)
    assert page.tables["T"].ref == page.tables["T"].autoFilter.ref == "A1:D7"
    assert str(page.data_validations.dataValidation[0].sqref) == "C2:C7"
    assert [str(rule.sqref) for rule in page.conditional_formatting] == ["B2:B7"]
    assert page.dimensions == "A1:G12"
    assert page.print_area == "'Billing Lines'!$A$1:$D$52"


def test_other_sheets_charts_and_other_names_stay_byte_for_byte() -> None:
    old, new = parts(BUSY), parts(reordered().to_bytes())
    old["xl/workbook.xml"] = old["xl/workbook.xml"].replace(b"$A$1:$D$50", b"$A$1:$D$52")  # what is printed
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

    package = Package.from_bytes(edited(BUSY, "xl/tables/table1.xml", calculated))
    package.replace_rows(SHEET, rows_of((1, "a"), (None, "n")))
    assert package.formulas(SHEET)[2, 3] == "B3*10+Other!$A$1"


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
        ("A4:A5", "A4:A7", "$A4=1"),  # from one of them to the last
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
        ("SUM(B3:B4)", "SUM(B3:B4)"),
        ("B5", "B2"),
        ("B2", "B2"),
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


@settings(max_examples=60)
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


# names


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


# foreign and broken files


def prefixed(data: bytes) -> bytes:
    """As some programs write it: every element with a prefix."""

    def prefix(xml: str) -> str:
        xml = re.sub(r"<(/?)(\w)", r"<\1x:\2", xml).replace("xmlns=", "xmlns:x=")
        return xml.replace("r:id", "rel:id").replace("xmlns:r=", "xmlns:rel=")

    for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/tables/table1.xml"):
        data = edited(data, part, prefix)
    return data


def strict(data: bytes) -> bytes:
    """As Excel writes `Strict Open XML`: other namespaces."""
    content = parts(data)
    for name, part in content.items():
        if name.endswith((".xml", ".rels")):
            content[name] = part.replace(
                MAIN.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main"
            ).replace(RELATIONS.encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships")
    return zipped(content)


def use_every_method(package: Package) -> None:
    assert SHEET in package.sheets
    assert package.grid(SHEET)[1][:2] == ["a", Decimal(2)]
    assert package.formulas(SHEET)[1, 3].replace("$Other.", "Other!") == "B2*10+Other!$A$1"
    package.change_cells(SHEET, {(1, 2): "=changed", (20, 1): Decimal("1.5")})
    package.replace_rows(SHEET, rows_of((3, "c"), (1, "a"), (None, "new")))
    package.set_name("choices", "Other!$A$1:$A$3")
    again = Package.from_bytes(package.to_bytes())
    grid = again.grid(SHEET)
    assert [row[:2] for row in grid[1:4]] == [["c", Decimal(100)], ["a", Decimal(101)], ["new", Decimal(102)]]
    assert grid[6][0] == "total"
    assert grid[19][1] == Decimal("1.5")
    assert again.formulas(SHEET)[2, 3] == "B3*10+Other!$A$1"
    assert again.names()["choices"] == "Other!$A$1:$A$3"


def saved_by_openpyxl(data: bytes) -> bytes:
    return bytes_of(openpyxl.load_workbook(io.BytesIO(data)))


@pytest.mark.parametrize("make", [lambda data: data, prefixed, strict, saved_by_openpyxl])
def test_every_method_works_on_what_programs_write(make: Callable[[bytes], bytes]) -> None:
    use_every_method(Package.from_bytes(make(BUSY)))


def test_every_method_works_after_libreoffice_saved_the_workbook(
    office: Callable[[bytes, str], bytes],
) -> None:
    use_every_method(Package.from_bytes(office(BUSY, "xlsx")))


def test_libreoffice_reads_the_same_cells(office: Callable[[bytes, str], bytes]) -> None:
    package = reordered()
    # LibreOffice 7.4 does not write `_x005F_` back
    texts = [text for text in HOSTILE if len(text) < 1000 and "_x" not in text and text.strip() == text]
    package.change_cells("Other", {(row, 12): text for row, text in enumerate(texts)})
    back = Package.from_bytes(office(package.to_bytes(), "xlsx"))
    assert [row[12] for row in back.grid("Other")[: len(texts)]] == [
        clean_text(text) or None for text in texts
    ]
    assert [row[:3] for row in back.grid(SHEET)[:7]] == [row[:3] for row in package.grid(SHEET)[:7]]
    assert [row[3] for row in back.grid(SHEET)[1:5]] == [Decimal(1007), None, Decimal(1027), Decimal(1037)]
    assert back.grid(SHEET)[9][1] == Decimal(615)


def test_cells_and_rows_without_references_are_counted() -> None:
    rows = "<row><c><v>1</v></c><c><v>2</v></c></row><row/><row><c/><c><f>A1</f><v>3</v></c></row>"
    data = with_rows(rows)
    package = Package.from_bytes(data)
    assert package.formulas("Sheet") == {(2, 1): "A1"}
    package.change_cells("Sheet", {(0, 1): "two", (1, 0): "new"})
    xml = part_of(package, "xl/worksheets/sheet1.xml")
    assert '<c><v>1</v></c><c r="B1" t="inlineStr">' in xml
    assert '<row r="2"><c r="A2"' in xml


def test_what_the_element_of_all_rows_says_stays_when_rows_are_renewed() -> None:
    space = 'xmlns:mine="urn:mine"'
    cell = '<row r="2" mine:from="Pia"><c r="A2"><v>1</v></c></row>'

    def put(xml: str) -> str:
        return xml.replace("<sheetData>", f"<sheetData {space}>{cell}")

    package = Package.from_bytes(edited(BLANK, "xl/worksheets/sheet1.xml", put))
    package.replace_rows("Sheet", [Row(1, {0: Decimal(2)}), Row(None, {0: Decimal(3)})])
    assert loaded(package, "Sheet")["A3"].value == 3
    assert f"<sheetData {space}>" in part_of(package, "xl/worksheets/sheet1.xml")


def test_comments_and_cdata_in_a_sheet_do_not_confuse() -> None:
    rows = '<!-- <row r="9"/> --><row r="1"><c r="A1" t="str"><v><![CDATA[</c> & <]]></v></c></row>'
    data = with_rows(rows)
    package = Package.from_bytes(data)
    package.change_cells("Sheet", {(0, 1): "b"})
    assert package.grid("Sheet") == [["</c> & <", "b"]]


def without(part: str) -> bytes:
    return zipped({name: data for name, data in parts(BUSY).items() if name != part})


BROKEN = {
    "empty": (b"", "not an Excel workbook"),
    "text": (b"Customer;Units\n", "not an Excel workbook"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old kind"),
    "encrypted": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
        "password",
    ),
    "truncated": (BUSY[: len(BUSY) // 2], "damaged"),
    "another zip": (zipped({"a.txt": b"x"}), "not an Excel workbook"),
    "no relations": (without("_rels/.rels"), "no workbook part"),
    "no workbook": (without("xl/workbook.xml"), "no workbook part"),
    "no sheet": (without("xl/worksheets/sheet1.xml"), "is missing"),
    "document": (
        edited(BUSY, "xl/workbook.xml", lambda _: '<w:document xmlns:w="x"/>'),
        "not an Excel workbook",
    ),
    "binary": (
        zipped(
            {
                **parts(BUSY),
                "_rels/.rels": parts(BUSY)["_rels/.rels"].replace(b"xl/workbook.xml", b"xl/workbook.bin"),
                "xl/workbook.bin": b"x",
            }
        ),
        "xlsb",
    ),
    "no sheets": (
        edited(BUSY, "xl/workbook.xml", lambda xml: re.sub(r"<sheets>.*</sheets>", "<sheets/>", xml)),
        "no sheets",
    ),
    "not UTF-8": (
        zipped({**parts(BUSY), "xl/workbook.xml": parts(BUSY)["xl/workbook.xml"].decode().encode("utf-16")}),
        "not UTF-8",
    ),
}


@pytest.mark.parametrize(("data", "why"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_workbook_is_refused_with_the_reason_and_what_to_do(
    data: bytes, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(data)
    with pytest.raises(WorkbookError, match=why) as refused:
        Package.open(path)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("part", "edit", "why"),
    [
        ("xl/worksheets/sheet1.xml", lambda _: "<chartsheet/>", "not written as xlsync can change it"),
        ("xl/worksheets/sheet1.xml", lambda xml: re.sub(r"<sheetData.*</sheetData>", "", xml), "has no rows"),
        ("xl/worksheets/sheet1.xml", lambda xml: xml.replace("</sheetData>", ""), "has no rows"),
        ("xl/worksheets/sheet1.xml", lambda xml: xml.replace("<v>3</v>", "<v>x</v>"), "cannot be read"),
        ("xl/styles.xml", lambda xml: xml[:300], "cannot be read"),
        ("xl/tables/table1.xml", lambda xml: xml.replace("A1:D5", "everywhere"), "table of the workbook"),
        ("xl/worksheets/sheet1.xml", lambda xml: xml.replace('r="2"', 'r="two"', 1), "cannot be read"),
        ("xl/worksheets/sheet1.xml", lambda xml: with_columns(xml, 'min="" max="2"'), "'' is no row"),
        ("xl/worksheets/sheet1.xml", lambda xml: xml.replace('r="B2"', 'r="BBBB2"'), "'BBBB' is no row"),
    ],
)
def test_a_damaged_sheet_is_refused_when_it_is_used(part: str, edit: Callable[[str], str], why: str) -> None:
    package = Package.from_bytes(edited(BUSY, part, edit))
    with pytest.raises(WorkbookError, match=why):
        package.replace_rows(SHEET, rows_of((1, "a")))


def test_a_cell_outside_the_sheet_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="16384"):
        Package.from_bytes(BUSY).change_cells(SHEET, {(0, 16_384): "x"})


def test_a_flipped_byte_in_a_part_is_refused() -> None:
    data = bytearray(BUSY)
    offset = BUSY.index(b"xl/worksheets/sheet1.xml") + 60
    data[offset] ^= 0xFF
    with pytest.raises(WorkbookError, match="damaged"):
        Package.from_bytes(bytes(data))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match="does not exist"):
        Package.open(tmp_path / "none.xlsx")
    with pytest.raises(WorkbookError, match="read"):
        Package.open(tmp_path)


def test_a_sheet_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(WorkbookError, match="no sheet Nope; its sheets are Billing Lines, Other"):
        Package.from_bytes(BUSY).grid("Nope")


def test_a_sheet_that_claims_too_much_is_refused() -> None:
    bomb = zipped({"[Content_Types].xml": b""})
    # a directory entry that promises 4 GB, as archives made to fill memory do
    entry = bomb.index(b"PK\x01\x02")
    huge = bomb[: entry + 24] + b"\xf0\xff\xff\xff" + bomb[entry + 28 :]
    with pytest.raises(WorkbookError, match="too large"):
        Package.from_bytes(huge)


# saving


def test_the_same_parts_give_the_same_bytes() -> None:
    assert reordered().to_bytes() == reordered().to_bytes()


def test_saving_leaves_a_backup_and_no_other_file(tmp_path: Path) -> None:
    path, backup = tmp_path / "book.xlsx", tmp_path / "book.backup.xlsx"
    path.write_bytes(BUSY)
    package = Package.open(path)
    package.change_cells(SHEET, {(1, 2): "x"})
    package.save(path, backup=backup)
    assert backup.read_bytes() == BUSY
    assert path.read_bytes() == package.to_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["book.backup.xlsx", "book.xlsx"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.skipif(os.name == "nt", reason="only here a process can be kept from writing much")
@pytest.mark.parametrize("room", [0.5, 1.5])
def test_a_full_disk_leaves_the_workbook_and_its_backup_as_they_were(tmp_path: Path, room: float) -> None:
    path, backup = tmp_path / "month.xlsx", tmp_path / "month.backup.xlsx"
    path.write_bytes(b"now" * 1000)
    backup.write_bytes(b"before" * 500)
    program = (
        "import resource, signal, sys; from pathlib import Path; from xlsync.files import write_file; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({int(3000 * room)}, {int(3000 * room)})); "
        f"write_file(Path({str(path)!r}), bytes(6000), Path({str(backup)!r}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "cannot be written" in ran.stderr
    assert path.read_bytes() == b"now" * 1000
    assert backup.read_bytes() == (b"before" * 500 if room < 1 else b"now" * 1000)
    assert len(list(tmp_path.iterdir())) == 2


def test_saving_keeps_permissions_and_links(tmp_path: Path) -> None:
    path, link = tmp_path / "book.xlsx", tmp_path / "link.xlsx"
    path.write_bytes(BUSY)
    path.chmod(0o640)
    link.symlink_to(path)
    Package.open(link).save(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match="cannot be written"):
        Package.from_bytes(BUSY).save(tmp_path / "none" / "book.xlsx")


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a plain POSIX user"
)
def test_a_folder_that_may_not_be_written_to_is_told_as_open_or_protected(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(WorkbookError, match="open in Excel"):
        Package.from_bytes(BUSY).save(tmp_path / "book.xlsx")


def test_large_sheets_read_back_whole() -> None:
    package = Package.from_bytes(BUSY)
    package.replace_rows(
        SHEET, [Row(None, {0: f"k{number}", 1: number, 2: "same"}) for number in range(3000)]
    )
    with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(package.to_bytes())) as book:
        rows = book.get_sheet_by_name(SHEET).to_python()
    assert [row[0] for row in rows[1:3001]] == [f"k{number}" for number in range(3000)]
    assert loaded(package).tables["T"].ref == f"A1:{letters(3)}3001"
