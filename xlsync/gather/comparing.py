"""A linked month compared with ConnectWise: its mismatches, as they are to be shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from xlsync.billing.periods import months_of
from xlsync.connectwise.records import later_of
from xlsync.gather.decisions import Decisions
from xlsync.gather.half_done import keep_half_done
from xlsync.gather.linking import LinkedMonth
from xlsync.gather.sources import MonthRequest, MonthSources
from xlsync.links.memory import Memory
from xlsync.models import Agreement, BillingLine, Link, Month, Recap, billing_period_in
from xlsync.reconcile.ages import MonthSeen, with_since
from xlsync.reconcile.charges import read_charges
from xlsync.reconcile.mismatches import Findings, RowChoices, find_mismatches
from xlsync.reconcile.past import LatestMonth, bill_latest
from xlsync.reconcile.rules import find_ignore_rules, with_unit_rules
from xlsync.reconcile.targets import Books
from xlsync.records import replace


def compare_month(
    request: MonthRequest,
    sources: MonthSources,
    linked: LinkedMonth,
    books: Books,
    decisions: Decisions,
    months: Mapping[Month, MonthSeen],
    today: dt.date,
) -> Findings:
    """Find the month's mismatches; `months` are those seen before, which tell since when each stands."""
    latest = sources.latest_report or _bill_latest(sources, linked)
    findings = find_mismatches(
        request.month,
        linked.lines,
        linked.charges,
        linked.links,
        books,
        RowChoices(decisions.ignored, decisions.rows.taken_up),
        find_ignore_rules(request.month, linked.lines, linked.rules),
        is_complete=not sources.incomplete,
        latest=latest,
        vanished=linked.vanished,
        today=today,
    )
    findings = keep_half_done(findings, decisions.rows, linked.additions)
    return replace(findings, mismatches=with_since(findings.mismatches, request.month, months))


def make_books(linked: LinkedMonth, decisions: Decisions, bill_customer: str) -> Books:
    """Collect the records of ConnectWise that the month's charges are compared with."""
    lists, memory = linked.lists, linked.memory
    return Books(
        agreements=_with_next_invoices(lists.agreements, linked.known_recaps),
        items={item.id: item for item in lists.items},
        additions=linked.additions,
        prices=decisions.prices or {},
        linked_items={
            entry.item_id
            for entries in (memory.products, memory.contracts)
            for entry in entries.values()
            if entry.item_id is not None
        },
        periods=_periods(linked.lines, linked.links, memory),
        bill_customer=bill_customer,
    )


def _bill_latest(sources: MonthSources, linked: LinkedMonth) -> LatestMonth | None:
    """Return the billing of the latest complete month by target; None where this month is not past."""
    if sources.latest is None:
        return None
    month, billing = sources.latest
    charges = with_unit_rules(month, read_charges(billing.lines, linked.own_units), linked.rules)
    return bill_latest(month, charges, linked.all_links)


def _with_next_invoices(agreements: Iterable[Agreement], recaps: Mapping[int, Recap]) -> dict[int, Agreement]:
    """Set each agreement's next invoice date to the latest of its own, its recap's and its parent's."""
    listed = list(agreements)
    days: dict[int | None, dt.date | None] = {
        entry.id: later_of(entry.next_invoice, recaps[entry.id].next_date if entry.id in recaps else None)
        for entry in listed
    }
    return {
        entry.id: _invoiced_on(entry, later_of(days[entry.id], days.get(entry.parent_id))) for entry in listed
    }


def _invoiced_on(agreement: Agreement, day: dt.date | None) -> Agreement:
    return agreement if day == agreement.next_invoice else replace(agreement, next_invoice=day)


def _periods(lines: Iterable[BillingLine], links: Mapping[str, Link], memory: Memory) -> dict[int, int]:
    """Return the months for which the BSS bills each catalog item; the fewest where they are several."""
    periods: dict[int, int] = {}
    for key, entry in memory.products.items():
        if entry.item_id is not None:
            months = months_of(billing_period_in(key)) or 1
            periods[entry.item_id] = min(months, periods.get(entry.item_id, months))
    for line in lines:
        item = links[line.key].item
        if item is not None and isinstance(item.to, int) and line.billing_months is not None:
            periods[item.to] = min(line.billing_months, periods.get(item.to, line.billing_months))
    return periods
