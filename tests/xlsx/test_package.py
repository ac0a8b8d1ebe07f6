"""Workbooks as packages: made, opened by other programs, foreign and broken ones."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from tests.helpers.office import Office
from tests.helpers.workbooks import (
    BLANK,
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
    prefixed,
    reordered,
    rows_of,
    signed_and_final,
    with_rows,
    zipped,
)
from xlsync.errors import WorkbookError
from xlsync.workbook.layout import BILLING_LINES, MISMATCHES
from xlsync.workbook.write import template_path
from xlsync.xlsx.cells import Row, clean_text
from xlsync.xlsx.package import Package


def with_columns(xml: str, attributes: str) -> str:
    """The sheet with one element that tells of columns."""
    return xml.replace("<sheetData>", f"<cols><col {attributes}/></cols><sheetData>")


def strict(data: bytes) -> bytes:
    """As Excel writes `Strict Open XML`: other namespaces."""
    content = parts(data)
    for name, part in content.items():
        if name.endswith((".xml", ".rels")):
            content[name] = (
                part.replace(MAIN.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main")
                .replace(RELATIONS.encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships")
                .replace(b"relationships/custom-properties", b"relationships/customProperties")
                .replace(b"relationships/extended-properties", b"relationships/extendedProperties")
            )
    return zipped(content)


def in_single_quotes(data: bytes) -> bytes:
    """As some programs write it: attributes in single quotes."""
    content = parts(data)
    content["docProps/custom.xml"] = content["docProps/custom.xml"].replace(b'"', b"'")
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


def renamed(data: bytes) -> bytes:
    """Parts have names of their own, as some programs give them."""
    content = parts(data)
    new = {
        "xl/workbook.xml": "xl/workbook2.xml",
        "xl/_rels/workbook.xml.rels": "xl/_rels/workbook2.xml.rels",
        "xl/styles.xml": "xl/styles2.xml",
        "xl/sharedStrings.xml": "xl/sharedStrings2.xml",
        "xl/worksheets/sheet2.xml": "xl/sheets/other.xml",
        "xl/worksheets/_rels/sheet2.xml.rels": "xl/sheets/_rels/other.xml.rels",
    }
    for old, name in new.items():
        for part in ("[Content_Types].xml", "_rels/.rels", "xl/_rels/workbook.xml.rels"):
            content[part] = content[part].replace(f"/{old}".encode(), f"/{name}".encode())
            content[part] = content[part].replace(f'"{old}"'.encode(), f'"{name}"'.encode())
    return zipped({new.get(name, name): part for name, part in content.items()})


def with_macro_sheet(data: bytes) -> bytes:
    """A sheet of Excel 4 macros stands beside the others."""
    content = parts(data)
    content["xl/macrosheets/sheet1.xml"] = (
        f'<xm:macrosheet xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main" xmlns="{MAIN}">'
        '<sheetData><row r="1"><c r="A1"><f>HALT()</f></c></row></sheetData></xm:macrosheet>'
    ).encode()
    kind = "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet"
    relations, workbook = "xl/_rels/workbook.xml.rels", "xl/workbook.xml"
    entry = f'<Relationship Id="rId99" Type="{kind}" Target="macrosheets/sheet1.xml"/></Relationships>'
    content[relations] = content[relations].replace(b"</Relationships>", entry.encode())
    sheet = f'<sheet xmlns:r="{RELATIONS}" name="Macro1" sheetId="99" r:id="rId99"/></sheets>'
    content[workbook] = content[workbook].replace(b"</sheets>", sheet.encode())
    return zipped(content)


def in_encoding(encoding: str) -> Callable[[bytes], bytes]:
    """All parts of XML are written in another encoding, and say so."""

    def written(data: bytes) -> bytes:
        content = parts(data)
        for name, part in content.items():
            if name.endswith((".xml", ".rels")):
                text = re.sub(r"<\?xml.*?\?>\s*", "", part.decode())
                content[name] = f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(
                    encoding, "xmlcharrefreplace"
                )
        return zipped(content)

    return written


@pytest.mark.parametrize(
    "make",
    [
        lambda data: data,
        prefixed,
        strict,
        saved_by_openpyxl,
        renamed,
        with_macro_sheet,
        in_encoding("UTF-16"),
        in_encoding("UTF-16-LE"),
        in_encoding("UTF-16-BE"),
        in_encoding("windows-1252"),
        in_encoding("iso-8859-15"),
    ],
)
def test_every_method_works_on_what_programs_write(make: Callable[[bytes], bytes]) -> None:
    use_every_method(Package.from_bytes(make(BUSY)))


def saved_by_libreoffice(office: Office, folder: Path, data: bytes) -> Package:
    (folder / "ours.xlsx").write_bytes(data)
    office.convert(folder / "ours.xlsx", folder / "saved.xlsx")
    return Package.open(folder / "saved.xlsx")


def test_every_method_works_after_libreoffice_saved_the_workbook(office: Office, tmp_path: Path) -> None:
    use_every_method(saved_by_libreoffice(office, tmp_path, BUSY))


def test_formulas_of_a_macro_sheet_follow_also_where_they_are_shared() -> None:
    content = parts(with_macro_sheet(BUSY))
    macros = "xl/macrosheets/sheet1.xml"
    first = b'<f t="shared" ref="A1:B1" si="0">\'Billing Lines\'!B4</f></c>'
    shared = first + b'<c r="B1"><f t="shared" si="0"/></c>'
    content[macros] = content[macros].replace(b"<f>HALT()</f></c>", shared)
    package = Package.from_bytes(zipped(content))
    package.replace_rows(SHEET, rows_of((1, "a"), (None, "new"), (2, "b"), (3, "c"), (4, "d")))
    assert re.findall("<f>(.*?)</f>", part_of(package, macros)) == [
        "'Billing Lines'!B5",
        "'Billing Lines'!C5",
    ]


@pytest.mark.parametrize("encoding", ["windows-1252", "US-ASCII"])
def test_a_part_in_another_encoding_becomes_utf_8_as_a_whole(encoding: str) -> None:
    data = edited(BUSY, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("note b", "Grüße"))
    package = Package.from_bytes(in_encoding(encoding)(data))
    assert package.grid(SHEET)[2][2] == "Grüße"
    package.change_cells(SHEET, {(1, 2): "€ & 漢"})
    changed = parts(package.to_bytes())["xl/worksheets/sheet1.xml"]
    assert changed.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert "Grüße" in html.unescape(changed.decode())
    assert Package.from_bytes(package.to_bytes()).grid(SHEET)[1][2] == "€ & 漢"
    other = parts(package.to_bytes())["xl/worksheets/sheet2.xml"]
    assert other.startswith(f'<?xml version="1.0" encoding="{encoding}"?>'.encode())


def test_print_titles_stay_whether_rows_or_columns_come_first() -> None:
    for titles in (
        "'Billing Lines'!$A:$B,'Billing Lines'!$1:$1",
        "'Billing Lines'!$1:$1,'Billing Lines'!$A:$B",
    ):
        name = (
            f'<definedName name="_xlnm.Print_Titles" localSheetId="0">{titles}</definedName></definedNames>'
        )
        data = edited(BUSY, "xl/workbook.xml", lambda xml, n=name: xml.replace("</definedNames>", n))
        package = Package.from_bytes(data)
        package.replace_rows(SHEET, rows_of((3, "c"), (1, "a"), (None, "new")))
        assert titles in part_of(package, "xl/workbook.xml")


@pytest.mark.parametrize("make", [bytes, strict, in_single_quotes])
def test_a_signature_that_a_change_breaks_and_a_workbook_marked_as_final_are_told(
    make: Callable[[bytes], bytes],
) -> None:
    signed, final = Package.from_bytes(make(signed_and_final(BUSY))).warnings
    assert "breaks the signature" in signed
    assert "marked as final" in final
    assert not list(Package.from_bytes(BUSY).warnings)


def test_libreoffice_reads_the_same_cells(office: Office, tmp_path: Path) -> None:
    package = reordered()
    # LibreOffice 7.4 does not write `_x005F_` back
    texts = [text for text in HOSTILE if len(text) < 1000 and "_x" not in text and text.strip() == text]
    package.change_cells("Other", {(row, 12): text for row, text in enumerate(texts)})
    back = saved_by_libreoffice(office, tmp_path, package.to_bytes())
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


def deflated(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


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
    "unknown encoding": (
        edited(BUSY, "xl/workbook.xml", lambda xml: f'<?xml version="1.0" encoding="klingon"?>{xml}'),
        "encoding cannot be read",
    ),
    "not UTF-8": (
        zipped({**parts(BUSY), "xl/workbook.xml": parts(BUSY)["xl/workbook.xml"] + b"<!--\xff-->"}),
        "encoding cannot be read",
    ),
    "padded": (
        deflated({**parts(BUSY), "xl/worksheets/sheet2.xml": b"<worksheet/>" + b" " * 30_000_000}),
        "too large to be unpacked",
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


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        ("worksheets/sheet1.xml", "<legacyDrawing", '<rowBreaks><brk id="x"/></rowBreaks><legacyDrawing'),
        ("worksheets/sheet1.xml", '<row r="3"', '<row outlineLevel="x" r="3"'),
        ("worksheets/sheet1.xml", "<sheetData>", '<cols><col min="1" max="2" width="x"/></cols><sheetData>'),
        ("worksheets/sheet1.xml", 'defaultRowHeight="15"', 'defaultRowHeight="-"'),
        ("tables/table1.xml", 'headerRowCount="1"', 'headerRowCount="1" totalsRowCount="-1"'),
        ("workbook.xml", 'sheetId="1"', 'sheetId="one"'),
    ],
)
def test_a_number_that_is_none_counts_as_not_there(part: str, before: str, after: str) -> None:
    def damaged(xml: str) -> str:
        assert before in xml
        return xml.replace(before, after)

    package = Package.from_bytes(edited(BUSY, f"xl/{part}", damaged))
    package.replace_rows(SHEET, [Row(1, {0: "a\nb"}), Row(None, {0: "n\no"}), Row(2, {})])
    package.add_sheet("More", ["a"], [9], "")
    package.change_cells("More", {(1, 0): "a\nb"})
    package.set_heights("More", {1: 30})
    assert [line[0] for line in package.grid(SHEET)[1:4]] == ["a\nb", "n\no", "b"]


def test_a_sheet_is_added_where_programs_write_the_relations_of_sheets_before_their_names() -> None:
    def relations_first(xml: str) -> str:
        return re.sub(r'<sheet ([^>]*?) (r:id="\w+")', r"<sheet \2 \1", xml)

    workbook = "xl/workbook.xml"
    package = Package.from_bytes(edited(BUSY, workbook, relations_first))
    assert b'<sheet r:id="' in parts(package.to_bytes())[workbook]
    package.add_sheet("More", ["a"], [9], "")
    assert Package.from_bytes(package.to_bytes()).grid("More") == [["a"]]


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


def test_a_workbook_whose_large_parts_rest_is_read_changed_and_saved_as_one_whose_parts_do_not(
    tmp_path: Path,
) -> None:
    """A check lets them rest while it reads both systems, so that a month is not in memory twice."""
    big = Package.open(template_path())
    rows = [Row(None, {0: f"customer {number}", 1: f"product {number * 7919}"}) for number in range(6_000)]
    big.replace_rows(BILLING_LINES.title, rows)
    content = big.to_bytes()

    def change(package: Package) -> bytes:
        package.change_cells(BILLING_LINES.title, {(3, 0): "another"})
        package.replace_rows(MISMATCHES.title, [Row(None, {0: "a mismatch"})])
        return package.to_bytes()

    resting, awake = (Package.from_bytes(content) for _ in range(2))
    resting.hold_compressed()
    assert resting._parts._held  # the sheet is one of a large month
    assert resting.to_bytes() == awake.to_bytes()
    assert change(resting) == change(awake)
    path = tmp_path / "rested.xlsx"
    resting.save(path)
    assert Package.open(path).grid(BILLING_LINES.title)[3][0] == "another"
