"""A workbook inside desktop Excel, through xlwings; only this module cannot be tested without Excel."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from xlsync.errors import WorkbookError
from xlsync.excel import synced_folders
from xlsync.excel.dialogs import mac_dialog, mac_prompt, windows_prompt
from xlsync.excel.loading import load_xlwings
from xlsync.excel.open_file import Cells
from xlsync.xlsx.cells import Value

_TITLE = "xlsync"
_REPORTS = "Reports,*.xls*;*.ods;*.csv;*.tsv;*.txt;*.zip;*.gz"  # what `billing.reports` opens
_LONGEST_QUESTION = 255  # characters: Excel's own box refuses more


class ExcelWorkbook:
    """One workbook that Excel has open."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._app = book.app

    @property
    def full_name(self) -> Path | None:
        """Return the file on this machine; None where it was never saved, or is in a cloud folder only."""
        try:
            path = Path(self._book.fullname)
        except Exception as error:
            if is_cloud_address(_excels_own_name(self._book)):
                return None  # xlwings finds no folder of this machine for it
            raise _refusal(error) from error
        return path if path.is_file() else None

    @property
    def is_shared(self) -> bool:
        """Return whether others may edit the workbook at the same time."""
        return is_shared(self._book)

    @property
    def is_edited(self) -> bool:
        """Return whether somebody edited the workbook since it was saved last."""
        return is_edited(self._book)

    def save(self) -> None:
        """Save the workbook."""
        with _asked():
            self._book.save()

    def write(self, cells: Cells) -> None:
        """Put values into cells and save."""
        with _asked():
            for title, of_sheet in cells.items():
                sheet = self._book.sheets[title]
                for (row, column), value in of_sheet.items():
                    cell = sheet.range((row + 1, column + 1))
                    # an apostrophe keeps a text a text; cells of format text need none
                    is_bare = isinstance(value, str) and cell.number_format != "@"
                    cell.value = f"'{value}" if is_bare else _for_excel(value)
            self._book.save()

    @contextmanager
    def put_away(self) -> Iterator[None]:
        """Close the workbook while its file is replaced."""
        with _asked():
            path = self._book.fullname
            self._book.close()
        try:
            yield
        finally:
            with _asked():
                self._book = self._app.books.open(path)

    def open(self, path: Path) -> None:
        """Open another workbook in the same Excel."""
        with _asked():
            self._app.books.open(str(path))

    def ask(self, question: str) -> bool:
        """Show a box with Yes and No; True is yes."""
        return bool(self._app.alert(question, _TITLE, "yes_no") == "yes")

    def tell(self, text: str) -> None:
        """Show a box with OK."""
        self._app.alert(text, _TITLE)

    def prompt(self, question: str, default: str, *, is_secret: bool) -> str | None:
        """Ask for a text: Excel's box on Windows; a dialog of xlsync's own for secrets and long questions."""
        if sys.platform == "darwin":
            return mac_prompt(question, default, is_secret=is_secret)
        if is_secret or len(question) > _LONGEST_QUESTION:
            return windows_prompt(question, default, is_secret=is_secret)
        answer = self._app.api.InputBox(question, _TITLE, default, Type=2)
        return None if answer is False else str(answer)

    def choose_file(self, title: str) -> Path | None:
        """Let the person choose a file in the dialog of the system."""
        if sys.platform == "darwin":
            chosen = mac_dialog("POSIX path of (choose file with prompt (item 1 of argv))", title)
        else:
            answer = self._app.api.GetOpenFilename(_REPORTS, 1, title)
            chosen = answer if isinstance(answer, str) else None
        return Path(chosen) if chosen else None

    def save_pdf(self, path: Path, pdf: Path) -> None:
        """Let Excel save a workbook that it has open as a PDF."""
        with _asked():
            self._app.books[path.name].to_pdf(str(pdf))

    def status(self, text: str) -> None:
        """Show a text in the status bar; an empty one brings back Excel's own."""
        self._app.status_bar = text or False


def is_shared(book: Any) -> bool:
    """Return whether a workbook saves itself or is edited by several people: in the cloud, or shared.

    Excel for Mac and old Excel do not know all of these properties; what cannot be asked counts as no.
    """
    signs = (
        lambda: is_cloud_address(_excels_own_name(book)),
        lambda: book.api.AutoSaveOn,
        lambda: book.api.MultiUserEditing,
    )
    return any(_first_answer(sign) is True for sign in signs)


def is_edited(book: Any) -> bool:
    """Return whether a workbook holds edits that are not saved; not where Excel does not tell it."""
    saved = _first_answer(lambda: book.api.Saved, lambda: bool(book.api.saved.get()))  # Windows, macOS
    return saved is False


def is_cloud_address(name: str) -> bool:
    """Return whether Excel names a workbook by an address of a cloud, and not by a path."""
    return "://" in name


def _excels_own_name(book: Any) -> str:
    """Return the path or address by which Excel names a workbook; empty where it does not tell it.

    xlwings turns an address into a path where it finds one, which takes long and hides that it was one.
    """
    name = _first_answer(
        lambda: book.api.FullName,  # Windows
        lambda: str(book.api.full_name.get()),  # macOS
        lambda: book.fullname,
    )
    return "" if name is None else str(name)


def _first_answer(*asks: Callable[[], object]) -> object:
    """Return what the first question gives that Excel can answer; None where it can answer none of them."""
    for ask in asks:
        try:
            return ask()
        except Exception:  # noqa: S112 - each system has its own errors
            continue
    return None


def calling_workbook() -> ExcelWorkbook:
    """Return the workbook in which a button was clicked."""
    return ExcelWorkbook(load_xlwings().Book.caller())


def find_in_excel(path: Path, platform: str = sys.platform) -> ExcelWorkbook | None:
    """Find a file in a running Excel; None where no Excel runs or it has not opened the file.

    Raises WorkbookError where an Excel does not answer.
    """
    return find_among(_running(platform), path)


def _running(platform: str) -> list[Any]:
    """List the Excels that run; none where there is no Excel."""
    if platform not in {"win32", "darwin"}:
        return []
    try:
        return list(load_xlwings().apps)
    except Exception:  # each system has its own errors; any means that no Excel runs
        return []


def find_among(apps: Iterable[Any], path: Path) -> ExcelWorkbook | None:
    """Find a file in Excels; raises WorkbookError where one does not answer, which may have opened it."""
    silent: list[Any] = []
    workbook = next(map(ExcelWorkbook, books_of_file(_books_in(apps, silent), path)), None)
    if workbook is None and silent:
        raise WorkbookError(
            f"Excel does not answer, and {path.name} may be open in it.",
            "Leave the cell that you are editing, answer what Excel asks, and try again.",
        )
    return workbook


def _books_in(apps: Iterable[Any], silent: list[Any]) -> Iterator[Any]:
    """Yield the open workbooks of all Excels; one that does not answer is added to `silent`."""
    for app in apps:
        try:
            books = list(app.books)
        except Exception:  # each system has its own errors
            silent.append(app)
        else:
            yield from books


def books_of_file(
    books: Iterable[Any], path: Path, is_synced: Callable[[Path], bool] = synced_folders.is_synced
) -> Iterator[Any]:
    """Yield the open workbooks of a file; one that cannot be named is passed.

    A workbook of the file's name that Excel opened from a cloud is the file, if a sync client holds that.
    """
    for book in books:
        name = _excels_own_name(book)
        try:
            if is_cloud_address(name):
                in_cloud = synced_folders.folded(unquote(name.rpartition("/")[2]))
                is_it = in_cloud == synced_folders.folded(path.name) and is_synced(path)
            else:
                is_it = path.samefile(name)
        except OSError:  # it was never saved, or its folder is gone
            continue
        if is_it:
            yield book


class OpenInExcel(Struct, frozen=True):
    """A workbook that Excel has open: its name, and whether it saves itself or others may edit it."""

    name: str
    is_shared: bool


def list_open(platform: str) -> tuple[OpenInExcel, ...]:
    """List the workbooks that a running Excel has open; none where no Excel runs."""
    return describe_open(_books_in(_running(platform), []))


def describe_open(books: Iterable[Any]) -> tuple[OpenInExcel, ...]:
    """Describe open workbooks; one that cannot be named is passed."""
    named = ((book, unquote(re.split(r"[/\\]", _excels_own_name(book))[-1])) for book in books)
    return tuple(OpenInExcel(name, is_shared(book)) for book, name in named if name)


def _for_excel(value: Value) -> object:
    """Convert a value to one that Excel accepts."""
    match value:
        case Decimal():
            return float(value)
        case dt.date() if not isinstance(value, dt.datetime):
            return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - Excel knows no time zones
    return value


@contextmanager
def _asked() -> Iterator[None]:
    """Turn Excel's refusals (COM errors on Windows, Apple events' on macOS) into WorkbookError."""
    try:
        yield
    except Exception as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> WorkbookError:
    return WorkbookError(f"Excel did not do it: {error}", "Leave the cell you are editing and try again.")
