"""What a check leaves behind, so that the next one knows at once where nothing changed.

It is kept with fingerprints of all that the workbook was made of: its own bytes, the lines and lists, links,
rules and settings, and every answer that was asked for because of them. Where all are the same again,
linking, comparing and writing would give the same workbook. It lies with the caches, and may be thrown away.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from xlsync import __version__
from xlsync.billing.reports.summary import TableRead
from xlsync.errors import WorkbookError
from xlsync.files import digest_of, read_file
from xlsync.gather.questions import Asked, Asking
from xlsync.gather.sources import MonthRequest, MonthSources
from xlsync.gather.systems import Systems
from xlsync.store import fingerprint, from_plain, to_plain
from xlsync.workbook.hidden_sheet import About
from xlsync.workbook.read import Book
from xlsync.workbook.totals import MonthResult, Totals

NOTHING_CHANGED: Final = "Nothing changed since the last check: the workbook stays as it is."
_VERSION: Final = "version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a check left: the workbook as it wrote it, what that was made of, and what was told."""

    workbook: str
    sources: str
    answers: str
    asked: Asked
    about: About
    totals: Totals
    digest: str
    notices: tuple[str, ...]
    reports: tuple[TableRead, ...] = ()

    def found(self, path: Path) -> MonthResult:
        """What is told once more."""
        notices = (NOTHING_CHANGED, *self.notices)
        return MonthResult(
            totals=self.totals, digest=self.digest, notices=notices, path=path, reports=self.reports
        )


def fingerprint_sources(
    systems: Systems, request: MonthRequest, sources: MonthSources, now: dt.datetime
) -> str:
    """A fingerprint of everything read before linking; `now` tells which months *Start* offers."""
    tables = sources.tables
    about = (request.month, request.by, request.reports, now.year, now.month, systems.settings.creation)
    return fingerprint(
        (*about, systems.links.revision, tables.setup, tables.odd, sources.incomplete),
        systems.rules.list(),
        sources.lines,
        sources.billing.invoices or (),
        [table.as_json() for table in sources.reports],
        sources.latest[1].lines if sources.latest else (),
        tables.companies,
        tables.agreements,
        tables.items,
    )


def find_left(checks: Mapping[str, Any], path: Path) -> Left | None:
    """What the last check left, if this xlsync kept it and the workbook is as it was then."""
    kept = checks.get(str(path.resolve()))
    if not isinstance(kept, dict) or kept.get(_VERSION) != __version__:
        return None
    return from_plain(kept["left"], Left) if kept["left"]["workbook"] == _bytes_of(path) else None


def keep_left(
    checks: MutableMapping[str, Any], found: MonthResult, book: Book, sources: str, asking: Asking
) -> None:
    """Keep what a check leaves, unless an answer is missing.

    The workbook counts as it was written, not as it lies there: somebody may have saved it since.
    """
    answers = asking.fingerprint()
    if not answers:
        return
    left = Left(
        workbook=book.package.digest,
        sources=sources,
        answers=answers,
        asked=asking.asked,
        about=book.about,
        totals=found.totals,
        digest=found.digest,
        notices=found.notices,
        reports=found.reports,
    )
    checks[str(found.path.resolve())] = {_VERSION: __version__, "left": to_plain(left)}


def _bytes_of(path: Path) -> str:
    try:
        return digest_of(read_file(path))
    except WorkbookError:
        return ""  # reading it as a workbook tells what is wrong
