"""The store of each month's mismatches and report sums, as of its last export or check.

From it come the age of a mismatch and whether a month's report is complete.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final, TypeVar

from msgspec import Struct

from xlsync.billing.reports.summary import TableRead
from xlsync.models import BillingLine, Month
from xlsync.plain_json import from_plain
from xlsync.reconcile.ages import MonthSeen
from xlsync.reconcile.billed import MonthSums, sums_of_lines
from xlsync.reconcile.past import LatestMonth
from xlsync.store import EnvironmentStore

T = TypeVar("T")
_MONTH_NAMES: Final = "|".join(
    sorted(filter(None, (*calendar.month_name, *calendar.month_abbr)), key=len, reverse=True)
)


class ReportSums(Struct, frozen=True):
    """The sums of a month's report; `layout` and `name` tell from which source the report came.

    `billed` is what the report bills on each target, None of a month that is not complete.
    """

    layout: str
    name: str
    sums: MonthSums
    billed: LatestMonth | None = None


def sum_report(tables: Iterable[TableRead], lines: Iterable[BillingLine]) -> ReportSums:
    """Add up a report, and name its source by the tables' layouts and the files' names without a month."""
    tables = list(tables)
    layouts = {table.layout or ", ".join(sorted(table.columns.values())) for table in tables}
    names = {re.sub(rf"{_MONTH_NAMES}|[\W\d_]", "", table.file, flags=re.IGNORECASE) for table in tables}
    return ReportSums(" + ".join(sorted(layouts)), " + ".join(sorted(names)).casefold(), sums_of_lines(lines))


def find_of_source(others: Iterable[ReportSums], report: ReportSums) -> ReportSums | None:
    """Find the report of another month that came from the source of this one; None where that is not clear.

    A report of another name is from the same source if it is the only one of its layout.
    """
    alike = [other for other in others if other.layout == report.layout]
    same = [other for other in alike if other.name == report.name] or alike
    return same[0] if len(same) == 1 else None


def merge_months(newer: dict[str, Any], older: dict[str, Any]) -> dict[str, Any]:
    """Merge two entries of one month: the newer one, with each mismatch and each report of the older one.

    A mismatch that anybody saw in a month stays seen, so its age begins with the earliest month of both.
    """
    merged = dict(newer)
    if "seen" in newer:
        merged["seen"] = sorted({*newer["seen"], *older.get("seen", [])})
    if "sources" in newer:
        reports = [*older.get("sources", []), *newer["sources"]]
        by_source = {(report["layout"], report["name"]): report for report in reports}
        merged["sources"] = [by_source[source] for source in sorted(by_source)]
    return merged


def _read_seen(_: Month, stored: Any) -> MonthSeen:
    """Make a month's mismatches of what is stored of them."""
    return MonthSeen(
        from_plain(stored["seen"], frozenset[str]),
        from_plain(stored["open"], dict[str, str]),
    )


def _read_reports(month: Month, stored: Any) -> list[ReportSums]:
    """Make the sums of a month's reports of what is stored of them."""
    return [
        ReportSums(
            source["layout"],
            source["name"],
            MonthSums(
                int(source["customers"]), {name: Decimal(text) for name, text in source["money"].items()}
            ),
            LatestMonth.from_plain(month, source["billed"]) if source.get("billed") else None,
        )
        for source in stored["sources"]
    ]


class Ages(EnvironmentStore):
    """The store of one environment's months: mismatches and report sums as of the last export or check."""

    kind, suffix, what = "ages", "-ages", "remembered months"

    def months(self) -> dict[Month, MonthSeen]:
        """Return the mismatches of every month that was exported or checked."""
        return dict(self._entries("mismatches", _read_seen))

    def reports(self, month: Month) -> list[ReportSums]:
        """Return the sums of a month's reports."""
        return dict(self._entries("reports", _read_reports)).get(month, [])

    def billed_after(self, month: Month, report: ReportSums) -> LatestMonth | None:
        """Return what the latest complete month after `month` bills by reports of the same source."""
        by_month = dict(self._entries("reports", _read_reports))
        later = sorted((other for other in by_month if other > month), reverse=True)
        reports = (find_of_source(by_month[other], report) for other in later)
        return next((sums.billed for sums in reports if sums and sums.billed and sums.billed.units), None)

    def _entries(self, kind: str, read: Callable[[Month, Any], T]) -> Iterator[tuple[Month, T]]:
        """Yield the entries of a kind, each with its month, as `read` makes them of what is stored."""
        for key, stored in self._store.items():
            entry_kind, _, name = key.partition(" ")
            if entry_kind == kind:
                with self._reading(key):
                    month = Month.parse(name)
                    entry = read(month, stored)
                yield month, entry

    @contextmanager
    def _reading(self, key: str) -> Iterator[None]:
        """Raise XlsyncError that names an entry where it has another form than `keep` gives it."""
        try:
            yield
        except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
            raise self._store.damaged(f"the entry {key} cannot be read") from error

    def keep(self, month: Month, seen: MonthSeen, report: ReportSums | None, when: dt.datetime) -> None:
        """Merge a month's mismatches and report into the store; an unchanged entry is not written."""
        self._set(f"mismatches {month}", {"seen": sorted(seen.seen), "open": dict(seen.open)}, when)
        if report is not None:
            source = {
                "layout": report.layout,
                "name": report.name,
                "customers": report.sums.customers,
                "money": {name: str(amount) for name, amount in report.sums.money.items()},
                "billed": report.billed.as_plain() if report.billed else None,
            }
            self._set(f"reports {month}", {"sources": [source]}, when)

    def _set(self, key: str, value: dict[str, Any], when: dt.datetime) -> None:
        with self._store.writing():
            old = self._store.get(key) or {}
            with self._reading(key):
                value = merge_months(value, old)
            if {name: part for name, part in old.items() if name != "when"} != value:
                self._store.set(key, {**value, "when": when.isoformat(timespec="seconds")})
