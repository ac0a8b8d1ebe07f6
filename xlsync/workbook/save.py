"""Where a changed workbook is saved: in place with a backup, or in a file beside it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from xlsync.errors import WorkbookError
from xlsync.workbook.read import Book

Save = Callable[[Book], Path]
"""Saves a changed workbook, and returns the file that holds it now."""


def save_in_place(book: Book) -> Path:
    """Save the workbook with a backup beside it, where it still is what was read."""
    refuse_changed(book)
    book.package.save(book.path, backup=backup_path(book.path))
    return book.path


def refuse_changed(book: Book) -> None:
    """Raise WorkbookError where the file is another than was read: what was decided in it would be lost."""
    if not book.package.is_still(book.path):
        raise WorkbookError(
            f"{book.path.name} was changed while xlsync worked, so it is left as it is.",
            "Let nobody save it meanwhile, and try again.",
        )


def backup_path(path: Path) -> Path:
    """The backup of the workbook as it was before the last change; four older ones lie beside it."""
    return path.with_name(f"{path.stem}.backup{path.suffix}")


def save_or_beside(book: Book) -> Path:
    """Save the workbook with a backup; where that is not possible, into a file beside it."""
    try:
        return save_in_place(book)
    except WorkbookError:
        return save_beside(book)


def save_beside(book: Book) -> Path:
    """Leave the workbook as it is, and save it changed into a file beside it, of a name that is free."""
    names = (f"{book.path.stem}.results{'' if n == 1 else f'-{n}'}{book.path.suffix}" for n in count(1))
    beside = next(path for name in names if not (path := book.path.with_name(name)).exists())
    book.package.save(beside)
    return beside
