"""Folders that a sync client keeps in a cloud: by names, by variables, and by what the clients write down.

Excel opens a workbook of such a folder from the cloud, saves it by itself (AutoSave), and lets others edit
it. No owner file lies beside it then, and the system lets everybody write the file.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any, Final

_VARIABLES: Final = ("OneDriveCommercial", "OneDriveConsumer", "OneDrive")
_NAMES: Final = {  # beginnings of folders' names
    "onedrive": "OneDrive",
    "dropbox": "Dropbox",
    "googledrive": "Google Drive",
    "google drive": "Google Drive",
    "my drive": "Google Drive",
    "mobile documents": "iCloud Drive",
    "icloud": "iCloud Drive",
    "nextcloud": "Nextcloud",
}
_REGISTRY: Final = r"SOFTWARE\SyncEngines\Providers\OneDrive"  # of the current user
_ICLOUD: Final = "Library/Mobile Documents/com~apple~CloudDocs"  # in the user's folder


def sync_client(folder: PurePath, synced: Mapping[str, str]) -> str:
    """Return the name of the sync client that holds a folder; empty where none is recognised.

    `synced` holds the clients by folders that are known to be theirs, whatever their names.
    """
    for above, client in synced.items():
        if _is_within(folder, type(folder)(above)):
            return client
    for parent, part in zip(("", *folder.parts), folder.parts, strict=False):
        for beginning, client in _NAMES.items():
            if part.casefold().startswith(beginning):
                return client
        if parent == "CloudStorage":  # where macOS puts the folders of all other clients
            return part.partition("-")[0]
    return ""


def _is_within(folder: PurePath, above: PurePath) -> bool:
    """Return whether a folder is another one or lies in it."""
    parts = [folded(part) for part in above.parts]
    return bool(parts) and [folded(part) for part in folder.parts[: len(parts)]] == parts


def folded(name: str) -> str:
    """Return the name of a file or folder as both systems compare it.

    Neither Windows nor macOS tells A from a, nor macOS a letter with its mark from both one after the other.
    """
    return unicodedata.normalize("NFC", name).casefold()


def find_synced(
    folder: Path,
    system: str = sys.platform,
    environ: Mapping[str, str] = os.environ,
    user: Path | None = None,
) -> dict[str, str]:
    """Return the folders that sync clients name as theirs, with the client; `user` is the user's folder."""
    user = user or _own_folder()
    synced = {environ[name]: "OneDrive" for name in _VARIABLES if environ.get(name)}
    for path in list(synced):
        # The libraries of SharePoint lie beside "OneDrive - Company", in a folder called "Company".
        beside = type(folder)(path)
        if beside.name.startswith("OneDrive - "):
            synced[str(beside.with_name(beside.name.removeprefix("OneDrive - ")))] = "OneDrive (SharePoint)"
    if system == "win32":
        synced |= dict.fromkeys(_mount_points(), "OneDrive (SharePoint)")
        if (Path(folder.anchor) / ".shortcut-targets-by-id").exists():  # in any language
            synced[folder.anchor] = "Google Drive"
    if system == "darwin" and user is not None:
        links = {name: user / _ICLOUD / name for name in ("Desktop", "Documents")}
        synced |= {str(user / name): "iCloud Drive" for name, link in links.items() if link.exists()}
    places = [
        *([user / ".dropbox"] if user is not None else []),
        *(Path(environ[v], "Dropbox") for v in ("APPDATA", "LOCALAPPDATA") if v in environ),
    ]
    for place in places:
        synced |= dict.fromkeys(_dropbox_folders(place / "info.json"), "Dropbox")
    return synced


def _own_folder() -> Path | None:
    """Return the user's folder; None for a user who has none, as in a container."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def is_synced(file: Path) -> bool:
    """Return whether a sync client of this machine holds a file."""
    folder = file.absolute().parent
    places = {folder, folder.resolve()}  # a link may lead into the client's folder, or out of it
    synced = find_synced(folder)
    return any(sync_client(place, synced) for place in places)


def _dropbox_folders(info: Path) -> list[str]:
    """Return the folders that Dropbox names in its file for other programs."""
    try:
        accounts = json.loads(info.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    known = accounts.values() if isinstance(accounts, dict) else ()
    return [link["path"] for link in known if isinstance(link, dict) and isinstance(link.get("path"), str)]


def _mount_points() -> Iterator[str]:
    """Yield the folders of OneDrive and of SharePoint's libraries that Windows' registry names."""
    import winreg  # noqa: PLC0415  (only Windows has it)

    registry: Any = winreg
    with suppress(OSError), registry.OpenKey(registry.HKEY_CURRENT_USER, _REGISTRY) as root:
        for number in range(registry.QueryInfoKey(root)[0]):
            with suppress(OSError), registry.OpenKey(root, registry.EnumKey(root, number)) as key:
                yield str(registry.QueryValueEx(key, "MountPoint")[0])
