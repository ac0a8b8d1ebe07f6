"""The journal: the append-only record of every write, flushed before each request and after it.

One file a run, begun with its first request; `runs` reads them. A line is one JSON object. No secrets come
here: bodies hold business values only.
"""

from __future__ import annotations

import datetime as dt
import errno
import getpass
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol, Self, TextIO

import simplejson

from xlsync import __version__
from xlsync.apply.runs import journal_folder, reading, run_files
from xlsync.errors import XlsyncError
from xlsync.files import write_file

ShareLine = Callable[[str, int, str], None]  # called with a run, the number of a line, and the line
_NOT_SHARED: Final = "the team's store took no line of it"


class TeamLines(Protocol):
    """The lines of the journal in the store that a team shares."""

    def line_counts(self) -> dict[str, int]:
        """Return the number of stored lines of each run."""

    def lines(self, run: str) -> list[str]:
        """Return the lines of a run, in order."""

    def add_line(self, run: str, number: int, line: str) -> None:
        """Store a line of a run, for good when this returns."""


class Journal:
    """The journal of one run, being written."""

    def __init__(
        self, file: Path, first: Mapping[str, Any], asked: Mapping[str, str], share: ShareLine | None
    ) -> None:
        self._file = file
        self._share = share
        self._number = 0
        self._is_cut_off = False  # True after the team's store missed a line
        self._has_begun = False  # True after the team's store stored the line of a request
        self._asked = asked
        self._first = first
        self._out: TextIO | None = None
        self._is_torn = False  # True if the last line was not written completely: it is the last then
        self._lock = threading.Lock()

    @property
    def run(self) -> str:
        """The run's id; empty before the first request."""
        return self._file.stem if self._out else ""

    @classmethod
    def begin(
        cls,
        home: Path,
        environment: str,
        *,
        command: str,
        workbook: str,
        month: str,
        now: dt.datetime,
        asked: Mapping[str, str] = MappingProxyType({}),
        share: ShareLine | None = None,
    ) -> Self:
        """Begin a run; the file is made at the first request, with who, when and from which workbook.

        `asked` is what each row of the workbook asks for; `share` stores each line for the team too.
        """
        utc = now.astimezone(dt.UTC)
        name = f"{utc:%Y%m%d-%H%M%S}-{utc.microsecond // 1000:03}{secrets.token_hex(2)}"
        return cls(
            journal_folder(home, environment) / f"{name}.jsonl",
            {
                "event": "run",
                "at": now.isoformat(timespec="seconds"),
                "who": _who(),
                "command": command,
                "environment": environment,
                "workbook": workbook,
                "month": month,
                "xlsync": __version__,
            },
            asked,
            share,
        )

    def before(self, key: str, *, rows: Iterable[str] = (), **facts: Any) -> None:
        """Write and flush the line of a request before it is sent, with its rows."""
        rows = tuple(rows)
        asked = {row: self._asked[row] for row in rows if row in self._asked}
        try:
            self._write({"event": "before", "key": key, "rows": rows, "asked": asked, **facts})
        except (XlsyncError, OSError):
            if self._out is not None and not self._is_torn:  # it stands here, and the team took no line of it
                with suppress(OSError):
                    self.after(key, state="skipped", detail=f"not sent, since {_NOT_SHARED}")
            raise

    def after(self, key: str, **facts: Any) -> None:
        """Write and flush the line of a request's outcome."""
        self._write({"event": "after", "key": key, **facts})

    def end(self) -> None:
        """Write the end of the run; a run without that line reads as interrupted."""
        if self._out is not None:
            with suppress(OSError), self._out:
                self._write({"event": "end"})

    def _opened(self) -> TextIO:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # a lone surrogate in a product's name must not prevent the record of a write
            return self._file.open("x", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise unwritable(self._file, error) from error

    def _write(self, line: Mapping[str, Any]) -> None:
        stamped = {"at": dt.datetime.now().astimezone().isoformat(timespec="milliseconds"), **line}
        with self._lock:
            if self._is_torn:
                raise OSError(errno.EIO, "an earlier line of it is not whole")
            self._is_torn = True  # until the whole line is on the disk
            lines = [stamped]
            if self._out is None:
                self._out = self._opened()
                lines.insert(0, dict(self._first))
            texts = [
                simplejson.dumps(line, use_decimal=True, ensure_ascii=False, default=str) for line in lines
            ]
            self._out.writelines(f"{text}\n" for text in texts)
            self._out.flush()
            os.fsync(self._out.fileno())
            self._is_torn = False
            self._share_lines(texts, is_before=line["event"] == "before")

    def _share_lines(self, texts: Iterable[str], *, is_before: bool) -> None:
        """Store lines for the team; where that fails, no further request is sent.

        The outcome of a request that was sent is in this machine's journal, and the next run shares it.
        """
        if self._share is None:
            return
        try:
            for text in texts:
                self._number += 1
                if not self._is_cut_off:
                    self._share(self.run, self._number, text)
        except XlsyncError:
            self._is_cut_off = True
        if self._is_cut_off and is_before:
            if self._has_begun:  # the run ends without further requests
                raise OSError(errno.EIO, _NOT_SHARED)
            raise XlsyncError(
                "The team's store took no line of the journal, so nothing was sent.",
                "Look whether it runs and is reached, then try again.",
            )
        self._has_begun = True


def exchange_lines(home: Path, environment: str, team: TeamLines) -> None:
    """Copy the lines of the team's runs to this machine, and those of this machine's runs to the team.

    Lines are only ever appended, so of two copies of a run the longer one is complete.
    """
    folder = journal_folder(home, environment)
    there = team.line_counts()
    files = {file.stem: file for file in run_files(home, environment)}
    for run, file in files.items():
        with reading(file):
            texts = file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
        for number in range(there.get(run, 0) + 1, len(texts) + 1):
            team.add_line(run, number, texts[number - 1])
        if there.get(run, 0) > len(texts):
            write_file(file, "".join(f"{line}\n" for line in team.lines(run)).encode(), None)
    for run in there.keys() - files.keys():
        if re.fullmatch(r"[\w-]+", run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            text = "".join(f"{line}\n" for line in team.lines(run))
            write_file(folder / f"{run}.jsonl", text.encode("utf-8", "backslashreplace"), None)


def unwritable(place: Path, error: Exception) -> XlsyncError:
    """Make the error for a journal, or a lock beside it, that cannot be written."""
    return XlsyncError(
        f"The journal cannot be written, so nothing was sent: {place} ({error})",
        "Make room, or set XLSYNC_HOME to a folder that can be written.",
    )


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no user database, as in a container and on Windows
        return "unknown"
