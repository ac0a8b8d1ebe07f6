"""The sources of a month: its billing, whether that is complete, a later month, and ConnectWise's lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from xlsync.billing.reports.reading import read_reports
from xlsync.billing.reports.summary import TableRead
from xlsync.connectwise.lists import Tables, read_tables
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRequest:
    """A request for a month: which, by which date, and from which reports."""

    month: Month
    by: By = "invoice-date"
    reports: tuple[Path, ...] = ()
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class MonthSources:
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


def read_sources(
    systems: Systems, request: MonthRequest, now: dt.datetime, progress: Progress = silent
) -> tuple[MonthSources, Tables]:
    """Read the month's billing and ConnectWise's lists, side by side."""
    if not request.reports:
        _ = systems.bss  # opened in this thread, since two threads would open it twice
    today = now.date()
    with ThreadPoolExecutor(max_workers=2) as pool:
        reading = pool.submit(_read_billing, systems, request, request.month, progress)
        listing = pool.submit(_list_invoices, systems, request, today)
        tables = read_tables(
            systems.connectwise,
            systems.lists,
            now=now,
            refresh=request.refresh,
            progress=lambda count: progress("Reading ConnectWise's lists", count, None),
        )
        billing, reports = reading.result()
        listed = listing.result()
        billing = billing.with_listed(listed.get(request.month, ()))
        sums = {month: sums_of_invoices(invoices) for month, invoices in listed.items()}
        latest = pool.submit(_read_latest, systems, request, sums, today, progress).result()
    if request.reports:
        report = sum_report(reports, billing.lines)
        before = find_of_source(systems.ages.reports(request.month.plus(-1)), report)
        incomplete = why_incomplete(request.month, today, report.sums, before.sums if before else None)
        latest_report = systems.ages.billed_after(request.month, report)
        return MonthSources(billing, reports, incomplete, latest_report=latest_report), tables
    sources = MonthSources(billing, reports, _why_incomplete(request.month, today, sums), latest)
    return sources, tables


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
        billing, _ = _read_billing(systems, request, month, progress)
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


def _read_billing(
    systems: Systems, request: MonthRequest, month: Month, progress: Progress
) -> tuple[Billing, tuple[TableRead, ...]]:
    if request.reports:
        read = read_reports(request.reports, month, systems.settings.report)
        return Billing(read.lines, read.totals), read.tables
    bss = systems.bss
    try:
        return bss.read_billing(month, by=request.by, progress=progress), ()
    finally:
        systems.plans.close()  # only this thread can close its connection
