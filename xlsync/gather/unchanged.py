"""The stored result of a check or an export, used by the next check of the workbook.

A check's is stored with fingerprints of all that the workbook depends on: its bytes, the lines and lists,
links, rules and settings, and the answers to all further reads. Where all are equal again, linking, comparing
and writing would give the same workbook. Where something changed, the next check begins with the reads that
the last command needed, before it knows which it needs itself. The store is a cache and may be deleted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from xlsync import __version__
from xlsync.billing.reports.summary import TableRead
from xlsync.connectwise.lists import Tables
from xlsync.errors import WorkbookError
from xlsync.files import digest_of, read_file
from xlsync.gather.questions import Asked, Asking
from xlsync.gather.sources import MonthRequest, MonthSources
from xlsync.gather.systems import Systems
from xlsync.links.choices import Picked
from xlsync.models import Link
from xlsync.plain_json import fingerprint, from_plain, to_plain
from xlsync.reconcile.ages import NOTHING_SEEN
from xlsync.records import replace
from xlsync.workbook.hidden_sheet import About
from xlsync.workbook.layout import START
from xlsync.workbook.read import Book
from xlsync.workbook.totals import MonthResult, Totals

NOTHING_CHANGED: Final = "Nothing changed since the last check: the workbook stays as it is."
_VERSION: Final = "version"
_CHECK: Final = "check"


class StoredCheck(Struct, frozen=True, kw_only=True):
    """The stored result of a check: fingerprints of the workbook and its sources, and the messages.

    The fingerprints of an export are empty: the first check remembers links, so it always has work to do.
    `learned_from` is the fingerprint of what links were last learned from, whatever else changed.
    """

    workbook: str = ""
    sources: str = ""
    answers: str = ""
    learned_from: str = ""
    asked: Asked
    about: About
    totals: Totals
    digest: str
    notices: tuple[str, ...]
    start: str = START
    reports: tuple[TableRead, ...] = ()

    def result(self, path: Path) -> MonthResult:
        """Return the stored result, with a notice that nothing changed."""
        notices = (NOTHING_CHANGED, *self.notices)
        return MonthResult(
            totals=self.totals,
            digest=self.digest,
            notices=notices,
            path=path,
            start=self.start,
            reports=self.reports,
        )


def fingerprint_sources(
    systems: Systems, request: MonthRequest, sources: MonthSources, tables: Tables, now: dt.datetime
) -> str:
    """Return a fingerprint of everything read before linking; by `now` agreements have ended."""
    ages = systems.ages.months()
    about = (request.month, request.by, request.reports, now.date().isoformat(), systems.settings.creation)
    return fingerprint(
        (*about, systems.links.revision, tables.setup, tables.odd, sources.incomplete),
        systems.rules.list(),
        sorted(
            (month, *sorted(mismatches.seen)) for month, mismatches in ages.items() if month != request.month
        ),
        sorted(ages.get(request.month.plus(-1), NOTHING_SEEN).open),
        sources.lines,
        sources.billing.invoices or (),
        [table.as_json() for table in sources.reports],
        sources.latest[1].lines if sources.latest else (),
        [sources.latest_report.as_plain()] if sources.latest_report else (),
        tables.companies,
        tables.agreements,
        tables.items,
    )


def fingerprint_links(sources: str, links: Mapping[str, Link], picked: Mapping[str, Picked]) -> str:
    """Return a fingerprint of everything that links are learned from: sources, links and picks by line key.

    That of the sources holds the revision of the remembered links: where it is the last check's, the last
    check learned nothing new from it, and this one would not either.
    """
    return fingerprint((sources,), links.values(), picked.items())


def find_stored_check(checks: Mapping[str, Any], path: Path) -> StoredCheck | None:
    """Find what this version stored of the workbook's last export or check."""
    stored = checks.get(str(path.resolve()))
    if not isinstance(stored, dict) or stored.get(_VERSION) != __version__ or _CHECK not in stored:
        return None
    try:
        return from_plain(stored[_CHECK], StoredCheck)
    except ValueError:  # between two releases its form may change too
        return None


def is_unchanged(check: StoredCheck, path: Path) -> bool:
    """Return whether a workbook is byte for byte the one that the last check wrote."""
    return bool(check.workbook) and check.workbook == _digest_of_file(path)


def store_check(
    checks: MutableMapping[str, Any],
    result: MonthResult,
    book: Book,
    sources: str,
    asking: Asking,
    learned_from: str,
) -> None:
    """Store a check's result; without fingerprints where a read failed, since it may succeed next time.

    The fingerprint is that of the workbook as written: somebody may have saved the file since.
    """
    check = _stored_check_of(result, book.about, asking, learned_from)
    answers = asking.fingerprint(check.asked)
    if answers:
        check = replace(check, workbook=book.package.digest, sources=sources, answers=answers)
    _store(checks, result.path, check)


def store_reads(
    checks: MutableMapping[str, Any],
    result: MonthResult,
    about: About,
    asking: Asking,
    learned_from: str = "",
) -> None:
    """Store what a command needed to read, where the next check has work to do in any case."""
    _store(checks, result.path, _stored_check_of(result, about, asking, learned_from))


def _stored_check_of(result: MonthResult, about: About, asking: Asking, learned_from: str) -> StoredCheck:
    return StoredCheck(
        learned_from=learned_from,
        asked=asking.asked,
        about=about,
        totals=result.totals,
        digest=result.digest,
        notices=result.notices,
        start=result.start,
        reports=result.reports,
    )


def _store(checks: MutableMapping[str, Any], path: Path, check: StoredCheck) -> None:
    checks[str(path.resolve())] = {_VERSION: __version__, _CHECK: to_plain(check)}


def _digest_of_file(path: Path) -> str:
    try:
        return digest_of(read_file(path))
    except WorkbookError:
        return ""  # reading the workbook will name the error
