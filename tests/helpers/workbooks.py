"""Workbooks made by hand and by LibreOffice, and comparisons of their parts."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping

import openpyxl
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from xlsync.xlsx.cells import Row
from xlsync.xlsx.package import Package

SHEET = "Billing Lines"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


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


def signed_and_final(data: bytes) -> bytes:
    """The workbook with a digital signature and the mark of a final one."""
    content = parts(data)
    content["_xmlsignatures/origin.sigs"] = b""
    content["docProps/custom.xml"] = (
        b'<Properties xmlns:vt="v"><property pid="2" name="_MarkAsFinal"><vt:bool>true</vt:bool></property>'
        b"</Properties>"
    )
    entries = (
        f'<Relationship Id="rId8" Type="{RELATIONS}/custom-properties" Target="docProps/custom.xml"/>'
        '<Relationship Id="rId9" Type="http://schemas.openxmlformats.org/package/2006/relationships/'
        'digital-signature/origin" Target="_xmlsignatures/origin.sigs"/></Relationships>'
    )
    content["_rels/.rels"] = content["_rels/.rels"].replace(b"</Relationships>", entries.encode())
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


def written(values: list[object]) -> Package:
    package = Package.from_bytes(BLANK)
    package.change_cells("Sheet", {(row, 1): value for row, value in enumerate(values)})  # type: ignore[misc]
    return Package.from_bytes(package.to_bytes())


def with_shared_formulas() -> bytes:
    def share(xml: str) -> str:
        for row in range(2, 6):
            inside = 'ref="D2:D5" si="0">B2*10</f>' if row == 2 else 'si="0"/>'
            xml = re.sub(rf'(<c r="D{row}"[^>]*>)<f>.*?</f>', rf'\1<f t="shared" {inside}', xml)
        return xml

    return edited(BUSY, "xl/worksheets/sheet1.xml", share)


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


def prefixed(data: bytes) -> bytes:
    """As some programs write it: every element with a prefix."""

    def prefix(xml: str) -> str:
        xml = re.sub(r"<(/?)(\w)", r"<\1x:\2", xml).replace("xmlns=", "xmlns:x=")
        return xml.replace("r:id", "rel:id").replace("xmlns:r=", "xmlns:rel=")

    for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/tables/table1.xml"):
        data = edited(data, part, prefix)
    return data
