"""Every kind of workbook that xlsync makes satisfies the validator of those who make Excel."""

from __future__ import annotations

import shutil
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES
from tests.helpers.own_cells import furnish
from tests.helpers.own_objects import lay
from tests.helpers.validator import faults, read_with_exceljs, save_with_exceljs
from tests.helpers.workbooks import BUSY, SHEET, reordered
from tests.workbook.test_left_over import GONE as SETTLED
from tests.workbook.test_left_over import furnish as furnish_row
from tests.workbook.test_left_over import settle
from tests.workbook.test_own_cells import GONE, KEY
from tests.workbook.test_workbook_keeps import differ
from xlsync.cli.terminal import opened_here
from xlsync.commands.remembered_sheet import TITLE, write_sheet
from xlsync.excel import addin
from xlsync.workbook.layout import INVOICES
from xlsync.workbook.left_over import LEFT_OVER
from xlsync.workbook.write import template_path
from xlsync.xlsx.package import Package

pytestmark = pytest.mark.filterwarnings("ignore:DrawingML support", "ignore:Sparkline Group")  # of openpyxl


def test_the_validator_finds_a_fault_that_is_there(tmp_path: Path) -> None:
    with zipfile.ZipFile(template_path()) as good, zipfile.ZipFile(tmp_path / "bad.xlsx", "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name).replace(b"<sheetData", b"<odd/><sheetData"))
    assert faults(tmp_path / "bad.xlsx")


def test_the_template_is_valid() -> None:
    assert not faults(template_path())


def test_an_export_the_same_with_results_and_the_same_checked_are_valid(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The results are those of rows of *Mismatches* and of *Invoices*."""
    assert not faults(desk.file)
    monkeypatch.setenv("XLSYNC_INVOICING", "enabled")
    package = Package.open(desk.file)  # not through openpyxl, which writes styles in its own way
    for title, key in ((MISMATCHES, "units:52"), (INVOICES.title, "invoice:44")):
        headers, *rows = package.grid(title)
        row = 1 + [row[headers.index("Row Key")] for row in rows].index(key)
        package.change_cells(title, {(row, headers.index("Approve")): "Yes"})
    package.save(desk.file)
    assert desk.apply().json["done"] == 1
    assert desk.run("invoice", str(desk.file), "--yes", "--json").json["done"] == 1
    assert not faults(desk.file)
    assert desk.check().code == 0
    assert not faults(desk.file)


def test_the_sheet_of_all_that_is_remembered_is_valid(desk: Desk) -> None:
    path = desk.folder / "remembered.xlsx"
    assert desk.check().code == 0
    with opened_here(demo=False) as systems:
        write_sheet(systems, path)
    assert len(Package.open(path).grid(TITLE)) > 1
    assert not faults(path)


def test_what_people_put_beside_and_below_the_rows_is_valid_after_a_check(desk: Desk) -> None:
    furnish(desk.file, desk.read().rows(MISMATCHES), KEY, GONE, {})
    assert not faults(desk.file)
    differ(desk, 3)
    assert desk.check().code == 0
    assert LEFT_OVER in Package.open(desk.file).sheets
    assert not faults(desk.file)


def test_objects_and_pictures_in_cells_are_valid_after_their_row_went(desk: Desk) -> None:
    lay(desk.file, desk.read().rows(MISMATCHES)[SETTLED] - 1)
    assert not faults(desk.file)
    settle(desk)
    assert not faults(desk.file)


def test_a_check_adds_no_fault_to_what_exceljs_saved(desk: Desk) -> None:
    def sum_of_all_rows() -> str:
        hand = desk.read()
        ends = {title: max(hand.rows(title).values()) for title in (LINES, MISMATCHES)}
        return f"SUM('{LINES}'!C2:C{ends[LINES]})+SUM({MISMATCHES}!H2:H{ends[MISMATCHES]})"

    sum_before = sum_of_all_rows()
    save_with_exceljs(desk.file, sum_before)
    before = faults(desk.file)
    differ(desk, 3)
    assert desk.check().code == 0
    assert faults(desk.file) <= before
    assert Package.open(desk.file).formulas("Start")[49, 10] == sum_of_all_rows() != sum_before


def test_a_report_is_valid(desk: Desk) -> None:
    report = desk.folder / "report.xlsx"
    assert desk.run("report", str(desk.file), "--output", str(report)).code == 0
    assert not faults(report)


def test_the_add_in_is_valid(tmp_path: Path) -> None:
    pytest.importorskip("xlwings", reason="xlwings, whose add-in it is made from, is not installed")
    assert not faults(addin.write_addin(tmp_path / "xlsync.xlam"))


def test_exceljs_reads_an_export_a_check_and_a_report_as_they_are(desk: Desk) -> None:
    exported, report = desk.folder / "exported.xlsx", desk.folder / "report.xlsx"
    shutil.copy(desk.file, exported)
    assert desk.check().code == 0
    assert desk.run("report", str(desk.file), "--output", str(report)).code == 0
    *months, of_report = read_with_exceljs(exported, desk.file, report)
    for file, read in zip((exported, desk.file), months, strict=True):
        package = Package.open(file)
        assert list(read) == list(package.sheets)
        for title in (LINES, MISMATCHES):
            ours = package.grid(title)
            assert [row[0] for row in read[title]] == [str(row[0] or "") for row in ours]
            assert read[title][0] == [str(cell or "") for cell in ours[0]]
    assert list(of_report) == list(Package.open(report).sheets)


def test_a_check_adds_no_fault_to_the_workbook_of_a_person(desk: Desk) -> None:
    furnish_row(desk)
    with desk.editing() as hand:  # openpyxl knows no picture, and saves the rest in its own way
        for title in (LINES, MISMATCHES):
            sheet = hand.sheet(title)
            sheet.cell(sheet.max_row + 3, 1).value = f"=SUM(F2:F{sheet.max_row})"
            sheet.merge_cells(start_row=4, end_row=5, start_column=30, end_column=31)
    before = faults(desk.file)
    settle(desk)
    assert LEFT_OVER in Package.open(desk.file).sheets
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
