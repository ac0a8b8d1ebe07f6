"""Workbooks that a program has open: writing through the program, or into another file.

Excel keeps an owner file `~$name` beside an open workbook, LibreOffice `.~lock.name#`; on Windows Excel
also lets nobody else write the file. Both owner files outlive a crash of their program.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from xlsync.errors import WorkbookError
from xlsync.excel import synced_folders
from xlsync.files import keep_backup, refuse_long, refuse_special
from xlsync.workbook.read import Book
from xlsync.workbook.save import (
    Save,
    backup_path,
    refuse_changed,
    results_path,
    save_beside,
    save_in_place,
    save_or_beside,
)
from xlsync.xlsx.cells import Position, Value
from xlsync.xlsx.package import Package
from xlsync.xlsx.reading import value_at

UNSHARE: Final = (
    "Turn AutoSave off at the top left of Excel, or save a copy on this machine, with File > Save a Copy, "
    "and use that."
)
_OWNED: Final = ("~$%s", ".~lock.%s#")  # names of owner files: Excel's, LibreOffice's
Cells = Mapping[str, Mapping[Position, Value]]  # values by sheet title and cell


class OpenWorkbook(Protocol):
    """The calls to a program that has a workbook open, and to the person in front of it."""

    @property
    def full_name(self) -> Path | None:
        """Return the file on this machine; None where the workbook has none."""

    @property
    def is_shared(self) -> bool:
        """Return whether others may edit the workbook at the same time (AutoSave, co-authoring)."""

    @property
    def is_edited(self) -> bool:
        """Return whether somebody edited the workbook since it was saved last."""

    def save(self) -> None:
        """Save the workbook."""

    def write(self, cells: Cells) -> None:
        """Put values into cells and save; raises WorkbookError where the program refuses."""

    def put_away(self) -> AbstractContextManager[None]:
        """Close the workbook for a block that replaces its file, and open it again afterwards."""

    def open(self, path: Path) -> None:
        """Open another workbook."""

    def ask(self, question: str) -> bool:
        """Ask a question; True is yes."""

    def tell(self, text: str) -> None:
        """Show a message, and wait until it is closed."""

    def prompt(self, question: str, default: str, *, is_secret: bool) -> str | None:
        """Ask for a text; None where the person cancels. A secret is not shown while it is typed."""

    def choose_file(self, title: str) -> Path | None:
        """Let the person choose a file to read; None where the person cancels."""

    def save_pdf(self, path: Path, pdf: Path) -> None:
        """Save a workbook that is open as a PDF."""

    def status(self, text: str) -> None:
        """Show a text in the status bar; an empty one resets the bar."""


def refuse_shared(workbook: OpenWorkbook, name: str) -> None:
    """Raise WorkbookError where others may edit a workbook while xlsync works on it."""
    if workbook.is_shared:
        raise WorkbookError(
            f"{name} is open in Excel with AutoSave, or is shared: others may edit it at the same time, and "
            "what xlsync writes could be lost.",
            UNSHARE,
        )


def owner_file(path: Path) -> Path | None:
    """Find the owner file that a program leaves beside an open workbook; None where there is none."""
    return next((file for name in _OWNED if (file := path.with_name(name % path.name)).exists()), None)


def owned_files(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the workbooks of a folder that have an owner file beside them, each with that file."""
    for file in sorted(folder.glob("*.xls*")):
        owner = None if file.name.startswith("~$") else owner_file(file)
        if owner is not None:
            yield file, owner


def refuse_unusable(path: Path, *, is_written: bool) -> None:
    """Raise WorkbookError where a file cannot be read, or its folder cannot be written."""
    refuse_long(path)
    if path.is_dir():
        raise WorkbookError(f"{path} is a folder, not a workbook.", "Name the workbook in it.")
    try:
        refuse_special(path)
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise WorkbookError(f"{path} does not exist.", "Check the name and the folder.") from None
    except OSError as error:
        raise WorkbookError(
            f"{path} cannot be read: {error.strerror or error}.",
            "Name a workbook that you may read, and close it where it is open.",
        ) from error
    if is_written and not os.access(path.resolve().parent, os.W_OK):
        raise WorkbookError(
            f"The folder {path.resolve().parent} may not be written to, so neither can the workbook.",
            "Copy the workbook into a folder of your own, and use it there.",
        )


def is_locked(path: Path) -> bool:
    """Return whether the system refuses to write the file (on Windows, while Excel has it open)."""
    try:
        with path.open("r+b"):
            return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


def changed_cells(before: Package, after: Package) -> dict[str, dict[Position, Value]]:
    """Return the cells with other values than before, by sheet."""
    changed: dict[str, dict[Position, Value]] = {}
    before.read_grids(after.sheets)
    after.read_grids(after.sheets)
    for title in after.sheets:
        old, new = before.grid(title), after.grid(title)
        rows, columns = max(len(old), len(new)), max([0, *map(len, old), *map(len, new)])
        for row in range(rows):
            for column in range(columns):
                value = value_at(new, row, column)
                if value != value_at(old, row, column):
                    changed.setdefault(title, {})[row, column] = value
    return changed


def _refuse_edited(workbook: OpenWorkbook, book: Book) -> None:
    """Raise WorkbookError where the workbook is no more what was read: rows may have moved, edits be lost."""
    refuse_changed(book)
    if workbook.is_edited:
        raise WorkbookError(
            f"{book.path.name} was edited in Excel while xlsync worked, so it is left as it is.",
            "Edit nothing meanwhile, and try again.",
        )


def saved_through(workbook: OpenWorkbook) -> Save:
    """Return a save that writes results through an open workbook, or beside it where that is refused."""

    def save(book: Book) -> Path:
        try:
            _refuse_edited(workbook, book)
            keep_backup(book.path, backup_path(book.path))
            workbook.write(changed_cells(Package.open(book.path), book.package))
        except WorkbookError:
            return save_beside(book)
        return book.path

    return save


def replaced_under(workbook: OpenWorkbook) -> Save:
    """Return a save that replaces the file of an open workbook, closing it meanwhile, else writes beside it.

    A check moves rows, resizes tables and renews names, which cannot be done cell by cell. A workbook that
    was edited since it was read is left open: closing it would lose the edits.
    """

    def save(book: Book) -> Path:
        _refuse_edited(workbook, book)
        saved: Path | None = None
        try:
            with workbook.put_away():
                saved = save_in_place(book)
        except WorkbookError:
            return saved or save_beside(book)
        return saved

    return save


class SavePlan(Struct, frozen=True):
    """How to save: `results` for single cells, `renewed` for the whole workbook, `notice` for the user."""

    results: Save
    renewed: Save
    notice: str = ""


def reach(
    path: Path,
    find: Callable[[Path], OpenWorkbook | None],
    *,
    is_written: bool = True,
    is_synced: Callable[[Path], bool] = synced_folders.is_synced,
) -> SavePlan:
    """Decide how to save a workbook that may be open; `find` looks for it in a running Excel.

    A workbook found in Excel is saved first, so that its file has all edits. Excel leaves neither an owner
    file nor a lock where it opened the workbook of a synchronised folder from the cloud.
    """
    refuse_unusable(path, is_written=is_written)
    owner = owner_file(path)
    is_taken = owner is not None or is_locked(path)
    workbook = find(path) if is_taken or is_synced(path) else None
    if workbook is None and not is_taken:
        return SavePlan(save_or_beside, save_in_place)
    if workbook is not None:
        if is_written:
            refuse_shared(workbook, path.name)
        workbook.save()
        through = ", and is written through Excel" if is_written else ""
        notice = f"{path.name} is open in Excel: it was saved{through}."
        return SavePlan(saved_through(workbook), replaced_under(workbook), notice)
    if owner is None:
        notice = f"{path.name} is open in another program or may not be written"
    else:
        notice = f"{path.name} is open in another program: what was not saved there is not seen"
    if is_written:
        notice += f", and {results_path(path).name} is written instead"
    notice += f". If nobody has it open, delete {owner.name}." if owner else "."
    return SavePlan(save_beside, save_beside, notice)
