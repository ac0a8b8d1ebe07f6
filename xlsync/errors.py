"""Errors that a user can cause or meet: a message, and what to do about it.

XlsyncError
├── ConfigError      settings: all that is missing or wrong, at once
│   └── NotSignedInError  nobody has signed in on this machine yet
├── WorkbookError    the workbook cannot be used at all (single bad cells are `Problem` values)
│   ├── OtherEnvironmentError  it belongs to another environment
│   ├── BadCells     all cells that cannot be accepted (commands/writing.py)
│   ├── UnaskedReports  it names reports that are opened only after asking (commands/report_files.py)
│   └── NotNoted     writes were made, and the workbook could not take their results
├── ReportError      a billing report that cannot be read
├── NotJsonError     an entry of a store that is not JSON (store/cache.py)
├── StoreUnreachable the store that a team shares cannot be used (team_store.py)
├── ApiError         a service answered with an error, or could not be reached
│   └── NoAnswer     a request was sent and its outcome is not known
├── UnsafePlan       a limit was passed
└── StoppedError     a person cancelled a box of the ribbon (ribbon/setup.py)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct


class Problem(Struct, frozen=True):
    """A cell that cannot be accepted: where it is, what is wrong, what to do."""

    where: str  # `Mismatches!P14`
    what: str
    todo: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.todo}"


class Notice(Struct, frozen=True):
    """Something that a person should know; `where` is the address of the cell it is about, or empty."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


class XlsyncError(Exception):
    """Shown to the user as two lines, without a traceback: what happened, and what to do.

    `problems` are the single things that are wrong, for programs: cells, or a place and what is wrong there.
    """

    def __init__(
        self, message: str, hint: str = "", problems: Iterable[Problem | tuple[str, str]] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)


class ConfigError(XlsyncError):
    """Settings are missing or cannot be used."""


class NotSignedInError(ConfigError):
    """Nobody has signed in to a system on this machine yet: not even its address is known."""


class WorkbookError(XlsyncError):
    """A workbook that is not xlsync's, is broken, belongs elsewhere, or cannot be written."""


class OtherEnvironmentError(WorkbookError):
    """A workbook belongs to another environment than the settings."""


class NotNoted(WorkbookError):
    """Writes were made, and what became of them could not be put into the workbook or the links.

    `run` and `outcomes` are what was written, for the message about the run.
    """

    def __init__(
        self, message: str, hint: str = "", *, run: str = "", outcomes: tuple[Any, ...] = ()
    ) -> None:
        super().__init__(message, hint)
        self.run = run
        self.outcomes = outcomes


class ReportError(XlsyncError):
    """A billing report whose columns or rows cannot be read."""


class ApiError(XlsyncError):
    """A service refused a request or could not be reached.

    `status` is None where there was no answer at all. `path` never holds the query. `codes` are
    the error codes that the service named, outermost first. `sent` is False where the request
    surely never reached the service, so that it may be sent again. `repeat_after` are the seconds
    after which a write may be sent again, since the service surely did not act on it; else None.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        method: str,
        path: str,
        status: int | None = None,
        codes: tuple[str, ...] = (),
        sent: bool = True,
        repeat_after: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.method = method
        self.path = path
        self.status = status
        self.codes = codes
        self.sent = sent
        self.repeat_after = repeat_after

    @property
    def is_absence(self) -> bool:
        """Return whether a record is not there; other answers 404 mean wrong keys, address or release."""
        return self.status == 404 and "NotFound" in self.codes


class NoAnswer(ApiError):
    """A request was sent and no answer came: what became of it must be looked up."""


class UnsafePlan(XlsyncError):
    """A plan passes one of the limits; only `--force` lets it through."""
