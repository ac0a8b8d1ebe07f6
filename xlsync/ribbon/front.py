"""The workbook in front of a person, and the boxes and the status bar around it."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import platformdirs

from xlsync.amounts import tell_time_left
from xlsync.apply.plan import Outcome
from xlsync.errors import WorkbookError
from xlsync.excel.open_file import OpenWorkbook, refuse_shared
from xlsync.gather.systems import Systems
from xlsync.ribbon.texts import notices_text
from xlsync.settings import Settings

_PAUSE: Final = 0.3  # seconds between two texts of the status bar: each costs Excel some time


@dataclass(slots=True)
class Front:
    """The workbook in front of a person, the time, and the log."""

    workbook: OpenWorkbook
    now: dt.datetime
    log: logging.Logger
    _notes: list[str] = field(default_factory=list)
    _steps: set[str] = field(default_factory=set)
    _shown_at: float = 0.0

    def tell(self, *parts: str) -> None:
        """Show a message in a box, and write it to the log."""
        text = "\n\n".join(filter(None, (self._take_notes(), *parts)))
        self.log.info("shown: %s", text)
        self.workbook.tell(text)

    def ask(self, *parts: str) -> bool:
        """Ask a question in a box; True is yes."""
        text = "\n\n".join(filter(None, (self._take_notes(), *parts)))
        yes = self.workbook.ask(text)
        self.log.info("asked: %s: %s", text, "yes" if yes else "no")
        return yes

    def note(self, notices: Iterable[str]) -> None:
        """Show these notices at the beginning of the next box."""
        self._notes += notices

    def _take_notes(self) -> str:
        notes, self._notes = self._notes, []
        return self.noted(notes)

    def noted(self, notices: Sequence[str]) -> str:
        """Write all notices to the log, and return the text that fits a box."""
        for notice in notices:
            self.log.info("note: %s", notice)
        return notices_text(notices)

    def prompt(self, question: str, default: str = "", *, is_secret: bool = False) -> str | None:
        """Ask for a text in a box; the answer does not go into the log. None where the person cancels."""
        self.log.info("asked for: %s", question.partition("\n")[0])
        return self.workbook.prompt(question, default, is_secret=is_secret)

    def folder(self) -> Path:
        """The folder of the workbook in front, where new workbooks go; the documents where it has none."""
        in_front = self.workbook.full_name
        folder = in_front.parent if in_front else platformdirs.user_documents_path()
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def progress(self, step: str, done: int, total: int | None, at_least: float = 0.0) -> None:
        """Show a step in the status bar; may be called from any thread."""
        at = time.monotonic()
        if step not in self._steps:
            self._steps.add(step)
            self.log.info("%s", step)
        elif at - self._shown_at < _PAUSE and done != total:
            return
        self._shown_at = at
        count = f" {done} of {total}" if total else f" {done}" if done else ""
        left = f", {tell_time_left(at_least)}" if at_least > _PAUSE else ""
        self.workbook.status(f"xlsync: {step}{count}{left} …")

    def count_outcomes(self, count: int) -> Callable[[Outcome], None]:
        """Return a function that shows in the status bar how much of a plan is done and logs each outcome."""
        done = 0

        def next_one(result: Outcome) -> None:
            nonlocal done
            done += 1
            self.log.info("%s: %s", result.subject, result.text)
            self.progress("Writing to ConnectWise", done, count)

        return next_one

    def file(self) -> Path:
        """Save the workbook and return its file."""
        path = self.workbook.full_name
        if path is None:
            raise WorkbookError(
                "This workbook is not saved in a folder of this machine.",
                "Save it there first; or make one with Export.",
            )
        refuse_shared(self.workbook, path.name)
        self.workbook.save()
        return path


@contextmanager
def opened(front: Front, settings: Settings) -> Iterator[Systems]:
    """Open both systems and the stores by settings, whose notices the next box shows."""
    front.note(settings.notices)
    with Systems(settings) as systems:
        yield systems
