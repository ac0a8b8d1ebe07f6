"""Report files opened: packed, damaged, too large, of another kind, in any code page."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from xlsync.billing.reports.code_pages import decode
from xlsync.billing.reports.opening import MOST_BYTES, open_report
from xlsync.errors import ReportError

TEXT = "Customer,Product,Quantity,Amount\nA,P,1,1\n"


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        for of_a_system in ("__MACOSX/._a.csv", "sub/.DS_Store", "Thumbs.db"):
            archive.writestr(of_a_system, "x")
    for name in ("a.csv.gz", "a.zip"):
        assert open_report(tmp_path / name).ways[0][0].rows[1] == ("A", "P", "1", "1")


def test_all_parts_of_a_gzip_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(
        b"".join(gzip.compress(part.encode()) for part in (TEXT, "Beech,Mail,1\n"))
    )
    assert len(open_report(tmp_path / "a.csv.gz").ways[0][0].rows) == TEXT.count("\n") + 1


def test_a_file_of_200_megabytes_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(2 * MOST_BYTES)
    with pytest.raises(ReportError, match="has 200 MB"):
        open_report(path)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip", "a.xlsx"])
def test_a_file_that_unpacks_to_too_much_is_refused_in_words(tmp_path: Path, name: str) -> None:
    zeros = bytes(310_000_000)
    buffer = io.BytesIO()
    if name.endswith("gz"):
        buffer.write(gzip.compress(zeros[: len(zeros) // 10], 1) * 10)  # a file of several members
    else:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            if name.endswith("xlsx"):
                archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr("xl/worksheets/sheet1.xml", zeros)
    (tmp_path / name).write_bytes(buffer.getvalue())
    with pytest.raises(ReportError, match="unpack to more than"):
        open_report(tmp_path / name)


def test_a_zip_of_several_files_names_them(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    with pytest.raises(ReportError, match=r"2 files \(a\.csv, b\.csv\)"):
        open_report(tmp_path / "a.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize(("name", "told"), [("a.csv", "cannot be unpacked"), ("xl/workbook.xml", "damaged")])
def test_a_damaged_archive_is_told_however_it_was_packed(
    tmp_path: Path, method: int, name: str, told: str
) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, TEXT * 100)
        if name != "a.csv":
            archive.writestr("[Content_Types].xml", "")
    content = bytearray(file.read_bytes())
    begins = 30 + len(name) + (9 if method == zipfile.ZIP_LZMA else 0)  # after the properties of LZMA
    content[begins : begins + 40] = b"\xff" * 40
    file.write_bytes(content)
    with pytest.raises(ReportError, match=told):
        open_report(file)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"<html><table></table></html>", "web page"), (b"<!-- made --><table></table>", "web page"),
     (b"<div><table></table></div>", "web page"), (b'<?xml version="1.0"?><html></html>', "web page"),
     (b'<?xml version="1.0"?><Workbook>', "XML of Excel 2003"),
     (b"%PDF-1.7", "PDF"), (b"{\\rtf1 a", "is RTF"), (b"\xef\xbb\xbf\n", "is empty"),
     (b'{"a": 1}', "JSON"), (b"PK\x03\x04 broken", "unpacked"),
     (b"\xd0\xcf\x11\xe0 broken", "workbook"), (b"\x1f\x8b broken", "unpacked")],
)  # fmt: skip
def test_a_file_of_another_kind_is_told_for_what_it_is(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "a.xls").write_bytes(content)
    with pytest.raises(ReportError, match=kind):
        open_report(tmp_path / "a.xls")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Bäckerei Größe", "cp1252"), ("Café Solène – Nord", "cp1252"), ("Αρτοποιείο Ελιά ΑΕ", "cp1253"),
     ("Größe", "utf-16"), ("Größe", "utf-16-le"), ("Größe", "utf-8-sig")],
)  # fmt: skip
def test_a_code_page_is_recognised(text: str, encoding: str) -> None:
    assert (
        decode("a.csv", f"Customer;Product\n{text};Mail\n".encode(encoding))
        == f"Customer;Product\n{text};Mail\n"
    )


def test_one_bad_byte_does_not_turn_a_file_into_another_script() -> None:
    text = decode("a.csv", "Bäckerei Größe;1\nCaf".encode() + b"\xe9;2\n")
    assert text == "Bäckerei Größe;1\nCaf\ufffd;2\n"


def test_a_workbook_of_xlsync_is_no_report() -> None:
    """Its billing lines lack the ends of their periods: their units would be compared wrongly."""
    with pytest.raises(ReportError, match="is a workbook of xlsync, not a distributor's report"):
        open_report(Path(__file__).parents[3] / "workbook_template.xlsx")
