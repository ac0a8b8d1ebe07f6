"""What doctor tells of Windows and macOS, whose files and folders are imitated here."""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from xlsync.commands.findings import CheckState
from xlsync.commands.platform_checks import (
    mac_script_check,
    path_length_check,
    platform_checks,
    replacing_check,
    startup_check,
    sync_check,
)
from xlsync.files import LONGEST


@pytest.mark.parametrize(
    ("folder", "client"),
    [
        (PureWindowsPath(r"C:\Users\ann\OneDrive - Example\Billing"), "OneDrive"),
        (PureWindowsPath(r"D:\Work\Billing"), "OneDrive"),
        (PureWindowsPath(r"G:\My Drive\Billing"), "Google Drive"),
        (PureWindowsPath(r"C:\Users\ann\Dropbox (Example)\Billing"), "Dropbox"),
        (PurePosixPath("/Users/ann/Library/CloudStorage/OneDrive-Example/Billing"), "OneDrive"),
        (PurePosixPath("/Users/ann/Library/CloudStorage/Box-Box/Billing"), "Box"),
        (PurePosixPath("/Users/ann/Library/Mobile Documents/com~apple~CloudDocs"), "iCloud Drive"),
    ],
)
def test_a_folder_that_a_sync_client_holds_is_told_with_what_to_do(folder: PurePath, client: str) -> None:
    told = sync_check({"workbooks": folder}, {"OneDriveCommercial": r"d:\work"})
    assert told.state is CheckState.UNSURE
    assert told.detail == f"{folder} (workbooks) is synchronised by {client}"
    assert "AutoSave" in told.next_step


@pytest.mark.parametrize(
    "folder", [PureWindowsPath(r"D:\Workshop\Billing"), PurePosixPath("/Users/ann/CloudStorage")]
)
def test_a_folder_of_this_machine_alone_is_good(folder: PurePath) -> None:
    assert sync_check({"workbooks": folder}, {"OneDrive": r"d:\work"}).state is CheckState.GOOD


@pytest.mark.parametrize(("over", "state"), [(0, CheckState.GOOD), (1, CheckState.BAD)])
def test_a_path_longer_than_windows_takes_is_bad(over: int, state: CheckState) -> None:
    long = PureWindowsPath("C:\\" + "x" * (LONGEST - 3 + over))
    told = path_length_check(PureWindowsPath(r"C:\short"), long)
    assert told.state is state
    assert str(len(str(long))) in told.detail


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
        ("win32", ["Sync client", "Replacing files", "Startup folder", "Path length"]),
        ("darwin", ["Sync client", "Replacing files", "Startup folder", "Script on macOS"]),
        ("linux", []),
    ],
)
def test_each_system_has_its_checks_and_each_that_is_not_good_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, names: list[str]
) -> None:
    pytest.importorskip("xlwings", reason="xlwings, whose script is looked for, is not installed")
    monkeypatch.setenv("XLSYNC_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    found = list(platform_checks(system, tmp_path, tmp_path, {}))
    assert [one.name for one in found] == names
    assert [one.name for one in found if one.state is not CheckState.GOOD and not one.next_step] == []
