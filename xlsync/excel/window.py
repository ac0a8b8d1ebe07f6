"""A workbook inside desktop Excel, through xlwings: the only part that cannot be tried without Excel."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from xlsync.errors import WorkbookError
from xlsync.excel.open_file import Cells
from xlsync.xlsx.cells import Value

_TITLE = "xlsync"


class ExcelWorkbook:
    """One workbook that Excel has open."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._app = book.app

    @property
    def full_name(self) -> Path | None:
        """The file on this machine; None where it was never saved, or lies in a cloud folder only."""
        with _asked():
            path = Path(self._book.fullname)
        return path if path.is_file() else None

    def save(self) -> None:
        """Save what was edited."""
        with _asked():
            self._book.save()

    def write(self, cells: Cells) -> None:
        """Put values into cells and save."""
        with _asked():
            for title, of_sheet in cells.items():
                sheet = self._book.sheets[title]
                for (row, column), value in of_sheet.items():
                    cell = sheet.range((row + 1, column + 1))
                    # an apostrophe keeps a text a text, whatever it looks like; a text cell does so itself
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
        """A box with Yes and No."""
        return bool(self._app.alert(question, _TITLE, "yes_no") == "yes")

    def tell(self, text: str) -> None:
        """A box with OK."""
        self._app.alert(text, _TITLE)

    def status(self, text: str) -> None:
        """The status bar; Excel's own texts where there is nothing to say."""
        self._app.status_bar = text or False


def calling_workbook() -> ExcelWorkbook:
    """The workbook in front of which a button was clicked."""
    import xlwings  # noqa: PLC0415 - where there is no Excel it refuses to work

    return ExcelWorkbook(xlwings.Book.caller())


def find_in_excel(path: Path, platform: str = sys.platform) -> ExcelWorkbook | None:
    """A file as a running Excel has it open; None where there is no Excel, or it has not."""
    if platform not in {"win32", "darwin"}:
        return None
    try:
        import xlwings  # noqa: PLC0415

        books = [book for app in xlwings.apps for book in app.books]
        found = (book for book in books if Path(book.fullname).exists() and path.samefile(book.fullname))
        return next(map(ExcelWorkbook, found), None)
    except Exception:  # each system has errors of its own, and no answer is an answer
        return None


def _for_excel(value: Value) -> object:
    """A value as Excel takes it."""
    match value:
        case Decimal():
            return float(value)
        case dt.date() if not isinstance(value, dt.datetime):
            return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - Excel knows no time zones
    return value


@contextmanager
def _asked() -> Iterator[None]:
    """Excel's refusals in words; they are COM errors on Windows and Apple events' on macOS."""
    try:
        yield
    except Exception as error:
        raise WorkbookError(
            f"Excel did not do it: {error}",
            "Leave the cell you are editing and try again.",
        ) from error
