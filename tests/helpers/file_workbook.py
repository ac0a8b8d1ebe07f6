"""A workbook as a closed file, for tests of what happens in Excel: there is no Excel here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from xlsync.errors import WorkbookError
from xlsync.excel.open_file import Cells
from xlsync.xlsx.package import Package


@dataclass(slots=True)
class FileWorkbook:
    """A workbook as a closed file, for whoever has no Excel; `answer` stands in for the person."""

    full_name: Path | None
    answer: Callable[[str], bool]
    told: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    opened: list[Path] = field(default_factory=list)
    typed: Callable[[str], str | None] = lambda _question: None
    chosen: Path | None = None
    prompts: list[tuple[str, str, bool]] = field(default_factory=list)
    is_shared: bool = False
    is_edited: bool = False

    def save(self) -> None:
        """A closed file holds all that was edited."""

    def write(self, cells: Cells) -> None:
        """Put values into cells of the file."""
        if self.full_name is None:
            raise WorkbookError("There is no file to write into.")
        package = Package.open(self.full_name)
        for title, of_sheet in cells.items():
            package.change_cells(title, of_sheet)
        package.save(self.full_name)

    @contextmanager
    def put_away(self) -> Iterator[None]:
        """A closed file may be replaced."""
        yield

    def open(self, path: Path) -> None:
        """Note it down."""
        self.opened.append(path)

    def ask(self, question: str) -> bool:
        """Let `answer` say yes or no."""
        self.asked.append(question)
        return self.answer(question)

    def tell(self, text: str) -> None:
        """Note it down."""
        self.told.append(text)

    def prompt(self, question: str, default: str, *, is_secret: bool) -> str | None:
        """Let `typed` answer; None cancels."""
        self.prompts.append((question, default, is_secret))
        return self.typed(question)

    def choose_file(self, title: str) -> Path | None:
        """Return `chosen`."""
        self.shown.append(title)
        return self.chosen

    def save_pdf(self, path: Path, pdf: Path) -> None:
        """Write a file that names the workbook."""
        pdf.write_bytes(b"%PDF of " + path.name.encode())

    def status(self, text: str) -> None:
        """Note it down."""
        self.shown.append(text)
