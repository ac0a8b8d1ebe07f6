"""Every kind of workbook that xlsync makes satisfies the validator of those who make Excel."""

from __future__ import annotations

import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES
from tests.helpers.validator import faults, read_with_exceljs
from tests.helpers.workbooks import BUSY, SHEET, reordered
from tests.workbook.test_left_over import furnish as furnish_row
from tests.workbook.test_left_over import settle
from xlsync.excel import addin
from xlsync.workbook.write import template_path
from xlsync.xlsx.package import Package


def test_the_validator_finds_a_fault_that_is_there(tmp_path: Path) -> None:
    with zipfile.ZipFile(template_path()) as good, zipfile.ZipFile(tmp_path / "bad.xlsx", "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name).replace(b"<sheetData", b"<odd/><sheetData"))
    assert faults(tmp_path / "bad.xlsx")


def test_the_template_is_valid() -> None:
    assert not faults(template_path())


def test_an_export_and_the_same_checked_and_applied_are_valid(desk: Desk) -> None:
    assert not faults(desk.file)
    package = Package.open(desk.file)  # not through openpyxl, which writes styles in its own way
    headers = package.grid(MISMATCHES)[0]
    approve, action = headers.index("Approve"), headers.index("Action")
    rows = [number for number, row in enumerate(package.grid(MISMATCHES)) if row[action] == "Update units"]
    package.change_cells(MISMATCHES, {(row, approve): "Yes" for row in rows[:1]})
    package.save(desk.file)
    assert desk.apply().json["done"] == 1
    assert not faults(desk.file)
    assert desk.check().code == 0
    assert not faults(desk.file)


def test_a_report_is_valid(desk: Desk) -> None:
    report = desk.folder / "report.xlsx"
    assert desk.run("report", str(desk.file), "--output", str(report)).code == 0
    assert not faults(report)


def test_the_add_in_is_valid(tmp_path: Path) -> None:
    pytest.importorskip("xlwings", reason="xlwings, whose add-in it is made from, is not installed")
    assert not faults(addin.write_addin(tmp_path / "xlsync.xlam"))


def test_exceljs_reads_an_export_a_check_and_a_report_as_they_are(desk: Desk) -> None:
    def read_both() -> None:
        package = Package.open(desk.file)
        read = read_with_exceljs(desk.file)
        assert list(read) == list(package.sheets)
        for title in (LINES, MISMATCHES):
            ours = package.grid(title)
            assert [row[0] for row in read[title]] == [str(row[0] or "") for row in ours]
            assert read[title][0] == [str(cell or "") for cell in ours[0]]

    read_both()
    assert desk.check().code == 0
    read_both()
    report = desk.folder / "report.xlsx"
    assert desk.run("report", str(desk.file), "--output", str(report)).code == 0
    assert list(read_with_exceljs(report)) == list(Package.open(report).sheets)


def test_a_check_adds_no_fault_to_the_workbook_of_a_person(desk: Desk) -> None:
    furnish_row(desk)
    with desk.editing() as hand:  # openpyxl knows no picture, and saves the rest in its own way
        for title in (LINES, MISMATCHES):
            sheet = hand.sheet(title)
            sheet.cell(sheet.max_row + 3, 1).value = f"=SUM(F2:F{sheet.max_row})"
            sheet.merge_cells(start_row=4, end_row=5, start_column=30, end_column=31)
    before = faults(desk.file)
    settle(desk)
    assert "Left over" in desk.read().book.sheetnames
    assert faults(desk.file) <= before
    for addition in list(desk.sandbox.connectwise.additions.values())[:30]:
        addition["quantity"] += Decimal(2)
    assert desk.check().code == 0
    assert faults(desk.file) <= before


def test_renewing_rows_adds_no_fault(tmp_path: Path) -> None:
    (tmp_path / "before.xlsx").write_bytes(BUSY)
    reordered().save(tmp_path / "after.xlsx")
    assert SHEET in Package.open(tmp_path / "after.xlsx").sheets
    assert faults(tmp_path / "after.xlsx") <= faults(tmp_path / "before.xlsx")
