"""The checks of `xlsync doctor` for what only Windows or only macOS does to files and to Excel."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Final

from xlsync.commands.findings import CheckState, Finding
from xlsync.excel import addin
from xlsync.excel.open_file import UNSHARE, owned_files
from xlsync.excel.synced_folders import find_synced, sync_client
from xlsync.excel.window import OpenInExcel, list_open
from xlsync.files import LONGEST, longest_of, patiently

_WORKBOOK: Final = "xlsync-2026-10-corrected.results.backup-5.xlsx"  # about the longest usual name
_STORE: Final = f"links/{'environment'.ljust(40, '-')}-{'digest'.ljust(16, '-')}-rules/cache.db-journal"


def platform_checks(system: str, folder: Path, home: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Check the folder of the workbooks and xlsync's own folder, as Windows and macOS treat them."""
    yield open_workbooks_check(folder, list_open(system))
    if system in {"win32", "darwin"}:
        synced = find_synced(folder, system, environ)
        yield sync_check({"workbooks": folder, "xlsync's own files": home}, synced)
        yield replacing_check(home)
        yield startup_check(addin.startup_folders(system)[-1], addin.told_folder())
    if system == "win32":
        yield path_length_check(folder / _WORKBOOK, home / _STORE)
    if system == "darwin":
        yield mac_script_check(addin.installed(system), addin.mac_script(Path.home()))


def open_workbooks_check(folder: Path, in_excel: Collection[OpenInExcel]) -> Finding:
    """Check which workbooks are open: those that Excel has, and those of a folder with an owner file."""
    name = "Open workbooks"
    shared = [f"{book.name} saves itself (AutoSave) or is shared" for book in in_excel if book.is_shared]
    usual = [
        f"{book.name} is open in Excel, and is written through it" for book in in_excel if not book.is_shared
    ]
    owned = [
        f"{file.name} is open in another program, which {owner.name} names"
        for file, owner in owned_files(folder)
        if file.name not in {book.name for book in in_excel}
    ]
    steps = []
    if shared:
        steps.append(f"What saves itself or is shared is refused. {UNSHARE}")
    if owned:
        steps.append("Close what another program has open; else results are written beside it.")
        steps.append("If nobody has it open, delete the file that names the program.")
    if not steps:
        return Finding(name, CheckState.GOOD, "; ".join(usual) or f"none in {folder}")
    return Finding(name, CheckState.UNSURE, "; ".join([*shared, *owned, *usual]), " ".join(steps))


def sync_check(folders: Mapping[str, PurePath], synced: Mapping[str, str]) -> Finding:
    """Check whether a sync client holds a folder, where Excel saves by itself and others may edit.

    `synced` holds the clients by folders that are known to be theirs.
    """
    held = [
        f"{folder} ({what}) is synchronised by {client}"
        for what, folder in folders.items()
        if (client := sync_client(folder, synced))
    ]
    if not held:
        return Finding("Sync client", CheckState.GOOD, "none is recognised in the folders that are used")
    step = (
        "Keep them on this machine alone, XLSYNC_HOME too; or turn AutoSave off at the top left of Excel: a "
        "workbook that saves itself, or that others may edit, is refused."
    )
    return Finding("Sync client", CheckState.UNSURE, "; ".join(held), step)


def path_length_check(*files: PurePath) -> Finding:
    """Check whether the paths of xlsync are as short as Windows, and Excel for workbooks, need them."""
    name = "Path length"
    longest = max(files, key=lambda file: len(str(file)) - longest_of(file))
    length, most = len(str(longest)), longest_of(longest)
    if length <= most:
        return Finding(name, CheckState.GOOD, f"up to {length} characters of {most}")
    who = "Windows" if most == LONGEST else "Excel"
    return Finding(
        name,
        CheckState.BAD,
        f"{longest} would have {length} characters; {who} takes {most}",
        "Work in a folder that lies less deep, or set XLSYNC_HOME to one.",
    )


def replacing_check(home: Path, replace: Callable[[Path, Path], object] = Path.replace) -> Finding:
    """Replace a file of xlsync's folder, and tell whether a virus scanner or a sync client held it."""
    name = "Replacing files"
    waits: list[float] = []
    step = f"Exempt {home}, and the folder of the workbooks, from the scanner or the sync client."
    try:
        with tempfile.TemporaryDirectory(dir=home, ignore_cleanup_errors=True) as folder:
            old, new = Path(folder, "old.xlsx"), Path(folder, "new.xlsx")
            old.touch()
            new.touch()
            patiently(lambda: replace(new, old), waits.append)
    except OSError as error:
        return Finding(name, CheckState.BAD, f"{home}: {error.strerror}", step)
    if waits:
        held = f"another program held a new file for {sum(waits):.1f} s"
        return Finding(name, CheckState.UNSURE, f"{held}; xlsync waits up to 3 s for each", step)
    return Finding(name, CheckState.GOOD, "at once")


def startup_check(usual: Path, folder: Path | None) -> Finding:
    """Check the folder from which Excel loads the add-in; a company may redirect it to a server."""
    name = "Startup folder"
    if folder is None:
        step = "`xlsync ribbon install` asks Excel for it."
        return Finding(name, CheckState.UNSURE, f"Excel was not asked; {usual} is the usual one", step)
    if not folder.is_dir():
        step = "Connect to the place that it is redirected to, or run `xlsync ribbon install` again."
        return Finding(name, CheckState.BAD, f"{folder}, as Excel told, cannot be reached", step)
    redirected = "" if folder == usual else f", redirected from {usual}"
    return Finding(name, CheckState.GOOD, f"{folder}{redirected}")


def mac_script_check(installed: Path | None, script: Path) -> Finding:
    """Check whether the script is there through which an add-in on macOS starts Python."""
    name, step = "Script on macOS", "`xlsync ribbon install` puts it there."
    if script.is_file():
        return Finding(name, CheckState.GOOD, str(script))
    if installed is None:
        return Finding(name, CheckState.UNSURE, "is not there, and neither is the add-in", step)
    return Finding(name, CheckState.BAD, f"{script} is not there, and no button works without it", step)
