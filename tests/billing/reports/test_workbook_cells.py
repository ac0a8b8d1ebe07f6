"""Errors of formulas in workbooks of every format are named with their row and column."""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path

import openpyxl
import pytest

from tests.helpers.office import Office
from xlsync.billing.reports.reading import read_reports
from xlsync.errors import ReportError
from xlsync.models import Month
from xlsync.settings import ReportSettings

STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/"  # where its namespaces begin
HEADER = ("Customer", "Product", "Quantity", "Unit Price", "Amount")


def refusal(path: Path) -> str:
    with pytest.raises(ReportError) as caught:
        read_reports([path], Month(2026, 10), ReportSettings())
    return caught.value.message


@pytest.fixture(scope="module")
def converted(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with workbooks of two errors, merged cells and hidden rows, as LibreOffice writes them too."""
    folder = tmp_path_factory.mktemp("errors")
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (HEADER, ("A", "Mail", 2, 10, "=1/0"), ("B", "Mail", 2, '=VLOOKUP("x",A1:B2,2,0)', 20)):
        sheet.append(row)
    book.save(folder / "made.xlsx")
    book = openpyxl.Workbook()
    for row in (HEADER, ("A", "Mail", 2, 10, 20), (None, "Backup", 1, 5, 5)):
        book.worksheets[0].append(row)
    book.worksheets[0].merge_cells("A2:A3")
    book.save(folder / "merged.xlsx")
    book = openpyxl.Workbook()
    for row in (HEADER, ("A", "Mail", 2, 10, 20), ("B", "Mail", 1, 10, 10), ("C", "Mail", 3, 10, 30)):
        book.worksheets[0].append(row)
    book.worksheets[0].row_dimensions[3].hidden = book.worksheets[0].row_dimensions[4].hidden = True
    book.save(folder / "hidden.xlsx")
    for source in list(folder.glob("*.xlsx")):
        for suffix in (".xls", ".ods"):
            office.convert(source, source.with_suffix(suffix))
    return folder


@pytest.mark.parametrize("suffix", ["xls", "ods"])
def test_an_error_cell_is_named_and_never_read_as_empty(converted: Path, suffix: str) -> None:
    told = refusal(converted / f"made.{suffix}")
    assert "row 2, Amount: “#DIV/0!” is an error of a formula" in told
    assert "row 3, Unit Price: “#N/A” is an error of a formula" in told


@pytest.mark.parametrize("suffix", ["xls", "ods", "xlsx"])
def test_merged_customers_hold_for_their_rows_in_every_format(converted: Path, suffix: str) -> None:
    found = read_reports([converted / f"merged.{suffix}"], Month(2026, 10), ReportSettings())
    assert [(line.customer, line.units) for line in found.lines] == [("A", 2), ("A", 1)]


@pytest.mark.parametrize("suffix", ["xls", "ods", "xlsx"])
def test_hidden_rows_are_read_and_counted_in_every_format(converted: Path, suffix: str) -> None:
    found = read_reports([converted / f"hidden.{suffix}"], Month(2026, 10), ReportSettings())
    assert [line.customer for line in found.lines] == ["A", "B", "C"]
    assert any("2 hidden rows are read like the others" in text for text in found.tables[0].tell())


def test_a_formula_that_was_never_computed_is_named(converted: Path) -> None:
    assert "row 2, Amount: holds a formula without a value" in refusal(converted / "made.xlsx")


def record(kind: int, data: bytes) -> bytes:
    """A record of .xlsb, of fewer than 16,384 bytes."""
    number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return number + bytes([len(data) & 0x7F | 0x80, len(data) >> 7]) + data


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode("utf-16-le")


def write_xlsb(
    path: Path, *rows: tuple[str | float | bytes, ...], hidden: int | None = None, number_format: str = ""
) -> None:
    """A small .xlsb; bytes are the code of an error, `hidden` is the index of a hidden row.

    The last column has the number format.
    """
    sheet = (
        record(129, b"") + record(148, struct.pack("<4I", 0, len(rows), 0, len(rows[0]))) + record(145, b"")
    )
    for n, row in enumerate(rows):
        flags = 0x10 if n == hidden else 0
        sheet += record(0, struct.pack("<II", n, 0) + bytes([0, 0, 0, flags, 0, 0, 0, 0, 0]))
        for at, value in enumerate(row):
            where = struct.pack("<II", at, 1 if number_format and at == len(row) - 1 else 0)
            match value:
                case str():
                    sheet += record(6, where + text(value))
                case bytes():
                    sheet += record(3, where + value)
                case _:
                    sheet += record(5, where + struct.pack("<d", value))
    sheet += record(146, b"") + record(130, b"")
    book = record(131, b"") + record(143, b"")
    book += (
        record(156, struct.pack("<II", 0, 1) + text("rId1") + text("Lines"))
        + record(144, b"")
        + record(132, b"")
    )
    base = "http://schemas.openxmlformats.org"
    kind = f"{base}/officeDocument/2006/relationships"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{base}/package/2006/content-types"><Default Extension="bin" '
            'ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>',
        )
        file.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{base}/package/2006/relationships"><Relationship Id="rId1" '
            f'Type="{kind}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
        )
        file.writestr("xl/workbook.bin", book)
        if number_format:
            styles = record(44, struct.pack("<H", 164) + text(number_format)) + record(617, bytes(4))
            styles += b"".join(record(47, struct.pack("<HH", 0, n) + bytes(12)) for n in (0, 164))
            file.writestr("xl/styles.bin", styles + record(618, b""))
        file.writestr(
            "xl/_rels/workbook.bin.rels",
            f'<Relationships xmlns="{base}/package/2006/relationships"><Relationship Id="rId1" '
            f'Type="{kind}/worksheet" Target="worksheets/sheet1.bin"/></Relationships>',
        )
        file.writestr("xl/worksheets/sheet1.bin", sheet)


@pytest.mark.parametrize(
    ("price", "told"), [("=1/0", "#DIV/0!"), ("=B2*2", "holds a formula without a value")]
)
def test_errors_and_formulas_are_named_where_cells_have_no_references(
    tmp_path: Path, price: str, told: str
) -> None:
    path, made = tmp_path / "report.xlsx", tmp_path / "made.xlsx"
    book = openpyxl.Workbook()
    for row in (HEADER, ("A", "Mail", 2, 10, 20), ("B", "Mail", 2, price, 20)):
        book.worksheets[0].append(row)
    book.save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                part = re.sub(rb' r="[A-Z]*\d+"', b"", part)
                part = part.replace(b"<c><f>1/0</f><v /></c>", b'<c t="e"><f>1/0</f><v>#DIV/0!</v></c>')
            new.writestr(name, part)
    message = refusal(path)
    assert "row 3, Unit Price" in message
    assert told in message


@pytest.mark.parametrize(
    ("title", "written"),
    [
        *((title, r"='\1'") for title in ("Lines", 'Lines "Oct"', "Lines > 5", "Lines a='b' c")),
        ("Lines", r' = "\1"'),
        ("Lines a='b' c", r'="\1"'),
    ],
)
def test_what_the_xml_of_a_sheet_tells_is_read_in_single_quotes_and_with_blanks_too(
    tmp_path: Path, title: str, written: str
) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    for row in (
        HEADER,
        ("A", "Mail", 2, 10, 20),
        ("B", "Mail", 2, 10, "#REF!"),
        ("C", "Mail", 2, 10, "=C4*9"),
    ):
        sheet.append(row)
    sheet["E3"].data_type = "e"
    book.save(tmp_path / "double.xlsx")
    path = tmp_path / "written.xlsx"
    with zipfile.ZipFile(tmp_path / "double.xlsx") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            xml = (
                re.sub(r'="([^"\']*)"', written, old.read(name).decode())
                .replace("&quot;", '"')
                .replace("&gt;", ">")
            )
            new.writestr(name, xml)
    told = refusal(path)
    assert "row 3, Amount: “#REF!” is an error of a formula" in told
    assert "row 4, Amount: holds a formula without a value" in told


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("xl/worksheets/sheet1.xml", "xl/worksheets/Sheet1.xml"),
        ("xl/workbook.xml", "XL/Workbook.xml"),
        ("xl/worksheets/sheet1.xml", "xl\\worksheets\\sheet1.xml"),
    ],
)
def test_an_error_cell_is_named_however_the_parts_of_a_workbook_are_spelt(
    tmp_path: Path, part: str, name: str
) -> None:
    book = openpyxl.Workbook()
    for row in (HEADER, ("A", "Mail", 2, 10, 20), ("B", "Mail", 2, 10, "#REF!")):
        book.worksheets[0].append(row)
    book.worksheets[0]["E3"].data_type = "e"
    book.save(tmp_path / "made.xlsx")
    path = tmp_path / "report.xlsx"
    with zipfile.ZipFile(tmp_path / "made.xlsx") as old, zipfile.ZipFile(path, "w") as new:
        for own in old.namelist():
            new.writestr(name if own == part else own, old.read(own))
    assert "row 3, Amount: “#REF!” is an error of a formula" in refusal(path)


@pytest.mark.parametrize("has_references", [True, False])
@pytest.mark.parametrize("is_strict", [True, False])
def test_errors_and_currencies_are_told_in_both_variants_of_the_standard(
    tmp_path: Path, *, is_strict: bool, has_references: bool
) -> None:
    path, made = tmp_path / "report.xlsx", tmp_path / "made.xlsx"
    for amount in (20, "#REF!"):
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        for row in (HEADER, ("A", "Mail", 2, 10, 20), ("B", "Mail", 2, 10, amount)):
            sheet.append(row)
        sheet["E2"].number_format = sheet["E3"].number_format = "#,##0.00 [$EUR]"
        if amount != 20:
            sheet["E3"].data_type = "e"
        book.save(made)
        with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                part = old.read(name)
                if is_strict:
                    part = part.replace(b"http://schemas.openxmlformats.org/spreadsheetml/2006/", STRICT)
                if name == "xl/worksheets/sheet1.xml" and not has_references:
                    part = re.sub(rb' r="[A-Z]*\d+"', b"", part)
                new.writestr(name, part)
        if amount == 20:
            lines = read_reports([path], Month(2026, 10), ReportSettings()).lines
            assert [(line.customer, line.currency) for line in lines] == [("A", "EUR"), ("B", "EUR")]
    assert "row 3, Amount: “#REF!” is an error of a formula" in refusal(path)


def test_a_sheet_whose_part_cannot_be_told_is_refused_since_its_errors_would_read_as_empty(
    tmp_path: Path,
) -> None:
    book = openpyxl.Workbook()
    for row in (HEADER, ("A", "Mail", 2, 10, 20)):
        book.worksheets[0].append(row)
    book.save(tmp_path / "made.xlsx")
    path = tmp_path / "report.xlsx"
    with zipfile.ZipFile(tmp_path / "made.xlsx") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'name="Sheet"', b'name="Sheet&#x80;"'))
    assert "the part of its sheet Sheet\x80 is not where it says" in refusal(path)


def test_a_binary_workbook_is_read_and_its_errors_named(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsb"
    write_xlsb(path, HEADER, ("A", "Mail", 2.0, 10.0, 20.0))
    (line,) = read_reports([path], Month(2026, 10), ReportSettings()).lines
    assert (line.customer, line.units, line.cost, line.amount) == ("A", 2, 10, 20)
    write_xlsb(path, HEADER, ("A", "Mail", 2.0, b"\x17", 20.0))
    assert "row 2, Unit Price: “#REF!” is an error of a formula" in refusal(path)


def test_a_number_format_of_a_binary_workbook_shows_the_currency(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsb"
    write_xlsb(path, HEADER, ("A", "Mail", 2.0, 10.0, 20.0), number_format="[$CHF-807] #,##0.00")
    (line,) = read_reports([path], Month(2026, 10), ReportSettings()).lines
    assert (line.amount, line.currency) == (20, "CHF")


def test_a_hidden_row_of_a_binary_workbook_is_read_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsb"
    write_xlsb(path, HEADER, ("A", "Mail", 2.0, 10.0, 20.0), ("B", "Mail", 1.0, 10.0, 10.0), hidden=2)
    found = read_reports([path], Month(2026, 10), ReportSettings())
    assert [line.customer for line in found.lines] == ["A", "B"]
    assert any("1 hidden row is read like the others" in text for text in found.tables[0].tell())
