"""Folders of sync clients, recognised by what Windows, macOS and the clients write down; here imitated."""

from __future__ import annotations

import json
import sys
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from tests.helpers.registry import put_into_registry
from xlsync.excel.synced_folders import find_synced, is_synced, sync_client


@pytest.mark.parametrize(
    ("folder", "client"),
    [
        (PureWindowsPath(r"C:\Users\ann\OneDrive - Example\Billing"), "OneDrive"),
        (PureWindowsPath(r"D:\Work\Billing"), "OneDrive (SharePoint)"),
        (PureWindowsPath(r"G:\My Drive\Billing"), "Google Drive"),
        (PureWindowsPath(r"C:\Users\ann\Dropbox (Example)\Billing"), "Dropbox"),
        (PurePosixPath("/Users/ann/Library/CloudStorage/OneDrive-Example/Billing"), "OneDrive"),
        (PurePosixPath("/Users/ann/Library/CloudStorage/OneDrive-SharedLibraries-Example/Site"), "OneDrive"),
        (PurePosixPath("/Users/ann/Library/CloudStorage/Box-Box/Billing"), "Box"),
        (PurePosixPath("/Users/ann/Library/Mobile Documents/com~apple~CloudDocs"), "iCloud Drive"),
        (PureWindowsPath(r"D:\Workshop\Billing"), ""),
        (PurePosixPath("/Users/ann/CloudStorage"), ""),
    ],
)
def test_a_folder_of_a_sync_client_is_recognised(folder: PurePath, client: str) -> None:
    assert sync_client(folder, {r"d:\work": "OneDrive (SharePoint)", "": "nobody"}) == client


def test_windows_names_the_folders_of_onedrive_and_the_libraries_of_sharepoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = str(tmp_path / "Finance")
    put_into_registry(monkeypatch, library)
    environ = {"OneDriveCommercial": str(tmp_path / "OneDrive - Example")}
    synced = find_synced(tmp_path, "win32", environ, tmp_path)
    assert synced == {
        environ["OneDriveCommercial"]: "OneDrive",
        str(tmp_path / "Example"): "OneDrive (SharePoint)",
        library: "OneDrive (SharePoint)",
    }
    assert sync_client(tmp_path / "Example" / "Site - Documents", synced) == "OneDrive (SharePoint)"


def test_macos_names_a_desktop_and_documents_that_icloud_holds(tmp_path: Path) -> None:
    assert find_synced(tmp_path, "darwin", {}, tmp_path) == {}
    cloud = tmp_path / "Library/Mobile Documents/com~apple~CloudDocs"
    cloud.mkdir(parents=True)
    (tmp_path / "Documents").mkdir()
    (cloud / "Documents").symlink_to(tmp_path / "Documents")
    synced = find_synced(tmp_path, "darwin", {}, tmp_path)
    assert synced == {str(tmp_path / "Documents"): "iCloud Drive"}


def test_dropbox_names_its_folders_itself(tmp_path: Path) -> None:
    info = tmp_path / "roaming" / "Dropbox" / "info.json"
    info.parent.mkdir(parents=True)
    environ = {"APPDATA": str(tmp_path / "roaming")}
    for text in ("", "[1]", '{"personal": 3}', '{"personal": {"path": 3}}'):
        info.write_text(text)
        assert find_synced(tmp_path, "linux", environ, tmp_path) == {}
    info.write_text(json.dumps({"business": {"path": "/work/team"}, "personal": {"path": "/work/own"}}))
    assert find_synced(tmp_path, "linux", environ, tmp_path) == {
        "/work/team": "Dropbox",
        "/work/own": "Dropbox",
    }


def test_a_file_is_synchronised_where_a_link_leads_into_a_clients_folder(tmp_path: Path) -> None:
    (tmp_path / "OneDrive - Example").mkdir()
    (tmp_path / "billing").symlink_to(tmp_path / "OneDrive - Example")
    assert is_synced(tmp_path / "billing" / "a.xlsx")
    assert not is_synced(tmp_path / "a.xlsx")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows the folders of every user")
def test_a_user_without_a_folder_has_no_sync_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has no name."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # knows nobody
    assert not is_synced(tmp_path / "xlsync-2026-10.xlsx")
    assert find_synced(tmp_path, "darwin", {}) == {}
