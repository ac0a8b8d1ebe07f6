"""What doctor tells of Windows and macOS, whose files and folders are imitated here."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest

from tests.helpers.registry import put_into_registry
from xlsync.commands.findings import CheckState
from xlsync.commands.platform_checks import (
    mac_script_check,
    open_workbooks_check,
    path_length_check,
    platform_checks,
    replacing_check,
    startup_check,
    sync_check,
)
from xlsync.excel.window import OpenInExcel
from xlsync.files import LONGEST, LONGEST_OF_EXCEL


def test_a_folder_that_a_sync_client_holds_is_told_with_what_to_do() -> None:
    folder = PureWindowsPath(r"D:\Work\Billing")
    told = sync_check({"workbooks": folder}, {r"d:\work": "OneDrive"})
    assert told.state is CheckState.UNSURE
    assert told.detail == f"{folder} (workbooks) is synchronised by OneDrive"
    assert "AutoSave" in told.next_step
    assert sync_check({"workbooks": folder}, {}).state is CheckState.GOOD


def test_no_open_workbook_is_good_and_each_that_is_open_is_named_with_what_to_do(tmp_path: Path) -> None:
    for name in ("closed.xlsx", "calc.xlsx", ".~lock.calc.xlsx#", "october.xlsx", "~$october.xlsx"):
        (tmp_path / name).touch()
    (tmp_path / "~$of a file that is gone.xlsx").touch()
    usual, cloud = OpenInExcel("october.xlsx", False), OpenInExcel("november.xlsx", True)
    told = open_workbooks_check(tmp_path, [usual, cloud])
    assert told.state is CheckState.UNSURE
    assert told.detail == (
        "november.xlsx saves itself (AutoSave) or is shared; "
        "calc.xlsx is open in another program, which .~lock.calc.xlsx# names; "
        "october.xlsx is open in Excel, and is written through it"
    )
    assert "Turn AutoSave off" in told.next_step
    assert "delete the file that names the program" in told.next_step
    assert "AutoSave" not in open_workbooks_check(tmp_path, [usual]).next_step
    (tmp_path / ".~lock.calc.xlsx#").unlink()
    assert open_workbooks_check(tmp_path, [usual]).state is CheckState.GOOD
    assert open_workbooks_check(tmp_path / "empty", []).detail == f"none in {tmp_path / 'empty'}"


@pytest.mark.parametrize(("over", "state"), [(0, CheckState.GOOD), (1, CheckState.BAD)])
def test_a_path_longer_than_windows_takes_is_bad(over: int, state: CheckState) -> None:
    long = PureWindowsPath("C:\\" + "x" * (LONGEST - 3 + over))
    told = path_length_check(PureWindowsPath(r"C:\short"), long)
    assert told.state is state
    assert str(len(str(long))) in told.detail
    book = PureWindowsPath("C:\\" + "x" * (LONGEST_OF_EXCEL - 8 + over) + ".xlsx")
    told = path_length_check(book, PureWindowsPath("C:\\" + "x" * (LONGEST - 4)))
    assert told.state is state
    assert over == 0 or "Excel takes 218" in told.detail


@pytest.mark.parametrize(
    ("refusals", "state"), [(0, CheckState.GOOD), (3, CheckState.UNSURE), (9, CheckState.BAD)]
)
def test_a_program_that_holds_new_files_is_told(tmp_path: Path, refusals: int, state: CheckState) -> None:
    left = [PermissionError(13, "Access is denied")] * refusals

    def replace(new: Path, old: Path) -> None:
        if left:
            raise left.pop()
        new.replace(old)

    told = replacing_check(tmp_path, replace)
    assert told.state is state
    assert (str(tmp_path) in told.next_step) == bool(refusals)
    assert ("for 0.7 s" in told.detail) == (refusals == 3)
    assert list(tmp_path.iterdir()) == []


def test_the_startup_folder_is_unsure_until_excel_told_it_and_bad_where_it_is_gone(tmp_path: Path) -> None:
    usual, told = tmp_path / "usual", tmp_path / "server"
    assert startup_check(usual, None).state is CheckState.UNSURE
    assert startup_check(usual, told).state is CheckState.BAD
    told.mkdir()
    assert startup_check(usual, told).detail == f"{told}, redirected from {usual}"
    assert startup_check(told, told).detail == str(told)


def test_a_missing_script_on_macos_is_bad_where_the_add_in_is_installed(tmp_path: Path) -> None:
    script = tmp_path / "xlwings.applescript"
    assert mac_script_check(None, script).state is CheckState.UNSURE
    assert "no button works without it" in mac_script_check(tmp_path / "xlsync.xlam", script).detail
    script.touch()
    assert mac_script_check(tmp_path / "xlsync.xlam", script).state is CheckState.GOOD


@pytest.mark.parametrize(
    ("system", "names"),
    [
        ("win32", ["Open workbooks", "Sync client", "Replacing files", "Startup folder", "Path length"]),
        ("darwin", ["Open workbooks", "Sync client", "Replacing files", "Startup folder", "Script on macOS"]),
        ("linux", ["Open workbooks"]),
    ],
)
def test_each_system_has_its_checks_and_each_that_is_not_good_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, names: list[str]
) -> None:
    pytest.importorskip("xlwings", reason="xlwings, whose script is looked for, is not installed")
    monkeypatch.setenv("XLSYNC_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    put_into_registry(monkeypatch)
    found = list(platform_checks(system, tmp_path, tmp_path, {}))
    assert [one.name for one in found] == names
    assert [one.name for one in found if one.state is not CheckState.GOOD and not one.next_step] == []
