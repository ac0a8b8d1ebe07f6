"""The reports that a workbook names: where they are, and which are opened without asking.

Anybody may have sent a workbook: to open a file that it names far away may hand a password to a stranger's
server, or show what it holds in the workbook. Files beside the workbook, and those that this person chose
before, are opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PureWindowsPath
from typing import Final

from xlsync.errors import WorkbookError
from xlsync.files import read_regular, write_file
from xlsync.plain_json import from_json, to_json

_MOST_KNOWN: Final = 500  # reports that are remembered as chosen
_LARGEST: Final = 10_000_000  # bytes of the file that names them


class UnaskedReports(WorkbookError):
    """A workbook names reports outside its folder that this person did not choose before."""

    def __init__(self, workbook: Path, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        self.question = (
            f"{workbook.name} takes its lines from {', '.join(map(str, paths))}, which lies outside its "
            "folder and was not chosen on this machine. Open it?"
        )
        super().__init__(
            f"{workbook.name} takes its lines from {', '.join(map(str, paths))}, outside its folder, which "
            "is opened only after asking.",
            "Check it once on a terminal, or put the report beside the workbook.",
        )


def find_reports(home: Path, names: Iterable[str], workbook: Path) -> tuple[Path, ...]:
    """Find the reports that a workbook's lines came from: where they were, else beside the workbook.

    Raises UnaskedReports where one may not be opened yet. A file that is not there is none of those: to
    look whether it is would already ask another machine where it lies on one.
    """
    known = _chosen(home)
    found: list[Path] = []
    unasked: list[Path] = []
    for name in names:
        beside = workbook.parent / PureWindowsPath(name).name
        path = Path(name)
        is_far = _machine(name) not in {"", _machine(str(workbook.parent.absolute()))}
        is_there = path.exists() if str(path) in known or not is_far else not beside.exists()
        if not is_there and beside.exists():
            path, is_there, is_far = beside, True, False
        if is_there and str(path) not in known and (is_far or not _is_within(path, workbook.parent)):
            unasked.append(path)
        found.append(path)
    if unasked:
        raise UnaskedReports(workbook, unasked)
    return tuple(found)


def remember_chosen(home: Path, paths: Iterable[Path]) -> None:
    """Remember reports that this person chose: they are opened from now on."""
    known = _chosen(home)
    new = [str(path) for path in paths if str(path) not in known]
    if new:
        home.mkdir(parents=True, exist_ok=True)
        write_file(_file(home), to_json([*known, *new][-_MOST_KNOWN:]), None)


def _machine(path: str) -> str:
    """Return the machine and share that a path names; empty where it names none."""
    drive = PureWindowsPath(path).drive.casefold()
    return drive if drive.startswith("\\\\") else ""


def _is_within(path: Path, folder: Path) -> bool:
    """Return whether a path lies in a folder, wherever links lead."""
    return path.resolve().is_relative_to(folder.resolve())


def _file(home: Path) -> Path:
    return home / "reports.json"


def _chosen(home: Path) -> list[str]:
    """Read the reports that were chosen; none where the file is damaged: then it is asked again."""
    try:
        known = from_json(read_regular(_file(home), _LARGEST))
    except (OSError, ValueError):
        return []
    return [name for name in known if isinstance(name, str)] if isinstance(known, list) else []
