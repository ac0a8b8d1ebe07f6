"""Save a changed workbook: in place with a backup, or in a file beside it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from xlsync.errors import WorkbookError
from xlsync.workbook.read import Book

Save = Callable[[Book], Path]
"""Saves a changed workbook, and returns the file that holds it now."""


def save_in_place(book: Book) -> Path:
    """Save the workbook in place with a backup; raises WorkbookError if the file changed meanwhile."""
    refuse_changed(book)
    book.package.save(book.path, backup=backup_path(book.path))
    return book.path


def refuse_changed(book: Book) -> None:
    """Raise WorkbookError where the file changed since it was read: decisions in it would be lost."""
    if not book.package.is_still(book.path):
        raise WorkbookError(
            f"{book.path.name} was changed while xlsync worked, so it is left as it is.",
            "Let nobody save it meanwhile, and try again.",
        )


def backup_path(path: Path) -> Path:
    """Return the path of the newest backup of a workbook; up to four older ones lie beside it."""
    return path.with_name(f"{path.stem}.backup{path.suffix}")


def save_or_beside(book: Book) -> Path:
    """Save the workbook with a backup; where that is not possible, into a file beside it."""
    try:
        return save_in_place(book)
    except WorkbookError:
        return save_beside(book)


def save_beside(book: Book) -> Path:
    """Save the changed workbook under a free name beside the old one, which stays as it is."""
    beside = results_path(book.path)
    book.package.save(beside)
    return beside


def results_path(path: Path) -> Path:
    """Return a free name beside a workbook for the results that cannot be written into it."""
    names = (f"{path.stem}.results{'' if n == 1 else f'-{n}'}{path.suffix}" for n in count(1))
    return next(beside for name in names if not (beside := path.with_name(name)).exists())
