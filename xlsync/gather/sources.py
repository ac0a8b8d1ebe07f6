"""The sources of a month: its billing, whether that is complete, a later month, and ConnectWise's lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from xlsync.billing.bss import ChargedMonth
from xlsync.billing.reports.summary import TableRead
from xlsync.connectwise.lists import LISTS, ListName, ListReading, Tables
from xlsync.gather.systems import Systems, silent
from xlsync.links.ages import find_of_source, sum_report
from xlsync.models import (
    BillingLine,
    By,
    LineType,
    Month,
    Progress,
)
from xlsync.reconcile.billed import Billing, InvoiceTotal, MonthSums, sums_of_invoices, why_incomplete
from xlsync.reconcile.past import LatestMonth
from xlsync.records import replace
from xlsync.store import Cache
from xlsync.waiting import result_of

T = TypeVar("T")


class MonthRequest(Struct, frozen=True, kw_only=True):
    """A request for a month: which, by which date, and from which reports."""

    month: Month
    by: By = "invoice-date"
    reports: tuple[Path, ...] = ()
    refresh: bool = False


class MonthSources(Struct, frozen=True):
    """The billing of a month, how complete it is, and the latest month after it."""

    billing: Billing
    reports: tuple[TableRead, ...] = ()
    incomplete: str = ""  # why the month is not billed completely yet
    latest: tuple[Month, Billing] | None = None  # the latest complete month, where this one is past
    latest_report: LatestMonth | None = None  # what it bills, where reports of both months were read

    @property
    def lines(self) -> tuple[BillingLine, ...]:
        """The month's billing lines."""
        return self.billing.lines


class Ahead(Protocol):
    """Something to begin as soon as the month's lines and all lists but the catalog are there."""

    def __call__(
        self, complete: Sequence[BillingLine], waiting: Sequence[BillingLine], tables: Tables
    ) -> None:
        """Begin it, without waiting for its end. The billing period of `waiting` lines is not known yet."""


def read_sources(
    systems: Systems,
    request: MonthRequest,
    now: dt.datetime,
    progress: Progress = silent,
    ahead: Ahead | None = None,
) -> tuple[MonthSources, Tables]:
    """Read the month's billing and ConnectWise's lists, side by side.

    `ahead` is called while the billing plans and the catalog are still being read.
    """
    if not request.reports:
        _ = systems.bss  # opened in this thread, since two threads would open it twice
    today, submit = now.date(), systems.threads.submit
    charging = submit(_read_charged, systems, request, request.month, progress)
    listing = submit(_list_invoices, systems, request, today)
    records = _Counted(progress, "Reading ConnectWise's lists")
    reading = ListReading(
        systems.connectwise,
        systems.lists,
        now=now,
        refresh=request.refresh,
        progress=records.add,
    )
    long: dict[ListName, Future[list[dict[str, Any]]]] = {
        name: submit(_closing, systems.lists, partial(reading.records, name)) for name in LISTS
    }
    setting_up = submit(_closing, systems.lists, reading.setup)

    charged, reports = result_of(charging)
    completing = submit(_read_plans, systems, charged, progress)
    setup, odd = result_of(setting_up)
    tables = Tables(
        companies=result_of(long["companies"]),
        agreements=result_of(long["agreements"]),
        items=[],
        setup=setup,
        odd=odd,
    )
    if ahead is not None:
        complete, waiting = (charged.lines, ()) if isinstance(charged, Billing) else charged.known_lines()
        ahead(complete, waiting, tables)
    tables = replace(tables, items=result_of(long["catalog"]))
    records.end()
    listed = result_of(listing)
    billing = result_of(completing).with_listed(listed.get(request.month, ()))
    sums = {month: sums_of_invoices(invoices) for month, invoices in listed.items()}
    latest = result_of(submit(_read_latest, systems, request, sums, today, progress))
    if request.reports:
        return _held_against_reports(systems, request.month, billing, reports, today), tables
    sources = MonthSources(billing, reports, _why_incomplete(request.month, today, sums), latest)
    return sources, tables


def _held_against_reports(
    systems: Systems, month: Month, billing: Billing, reports: tuple[TableRead, ...], today: dt.date
) -> MonthSources:
    """Decide by the stored reports of other months whether a report is complete, and what came after it."""
    report = sum_report(reports, billing.lines)
    before = find_of_source(systems.ages.reports(month.plus(-1)), report)
    incomplete = why_incomplete(month, today, report.sums, before.sums if before else None)
    latest_report = systems.ages.billed_after(month, report)
    return MonthSources(billing, reports, incomplete, latest_report=latest_report)


class _Counted:
    """A step of several threads whose length is not known before its end."""

    def __init__(self, progress: Progress, step: str) -> None:
        self._progress, self._step = progress, step
        self._adding, self._done = Lock(), 0

    def add(self, count: int) -> None:
        with self._adding:
            self._done += count
            self._progress(self._step, self._done, None)

    def end(self) -> None:
        self._progress(self._step, self._done, self._done)


def _closing(cache: Cache, read: Callable[[], T]) -> T:
    """Read in a thread of its own, which alone can close its connection to the cache."""
    try:
        return read()
    finally:
        cache.close()


def _why_incomplete(month: Month, today: dt.date, sums: Mapping[Month, MonthSums]) -> str:
    own = sums.get(month, MonthSums(0, {}))
    return why_incomplete(month, today, own, sums.get(month.plus(-1)))


def _read_latest(
    systems: Systems,
    request: MonthRequest,
    sums: Mapping[Month, MonthSums],
    today: dt.date,
    progress: Progress,
) -> tuple[Month, Billing] | None:
    """Read the billing of the latest complete month after this one that has a recurring line."""
    for month in sorted((month for month in sums if month > request.month), reverse=True):
        if _why_incomplete(month, today, sums):
            continue
        charged, _ = _read_charged(systems, request, month, progress)
        billing = _read_plans(systems, charged, progress)
        if any(line.type is LineType.RECURRING for line in billing.lines):
            return month, billing
    return None


def _list_invoices(
    systems: Systems, request: MonthRequest, today: dt.date
) -> Mapping[Month, list[InvoiceTotal]]:
    """List the totals of invoices by month, from the month before this one until today."""
    if request.reports:
        return {}
    last = max(today, request.month.last)
    by_month: dict[Month, list[InvoiceTotal]] = {}
    for invoice in systems.bss.list_invoice_totals(request.month.plus(-1).first, last):
        if invoice.date is not None:
            by_month.setdefault(Month(invoice.date.year, invoice.date.month), []).append(invoice)
    return by_month


def _read_charged(
    systems: Systems, request: MonthRequest, month: Month, progress: Progress
) -> tuple[Billing | ChargedMonth, tuple[TableRead, ...]]:
    """Read a month's lines: complete from reports, without billing plans from the BSS."""
    if request.reports:
        from xlsync.billing.reports.reading import read_reports  # noqa: PLC0415 - takes long to load

        read = read_reports(request.reports, month, systems.settings.report, request.by)
        return Billing(read.lines, read.totals), read.tables
    read_charged = partial(
        systems.bss.read_charged, month, by=request.by, progress=progress, refresh=request.refresh
    )
    return _closing(systems.plans, read_charged), ()


def _read_plans(systems: Systems, charged: Billing | ChargedMonth, progress: Progress) -> Billing:
    """Complete a month's lines by their billing plans."""
    if isinstance(charged, Billing):
        return charged
    return _closing(systems.plans, partial(systems.bss.read_plans, charged, progress))
