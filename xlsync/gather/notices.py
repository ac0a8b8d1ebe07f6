"""The notices of a month: what a person should know beside its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from xlsync.amounts import counted, shortened, tell_money
from xlsync.apply.plan import State
from xlsync.errors import ApiError
from xlsync.gather.decisions import Decisions
from xlsync.gather.linking import LinkedMonth
from xlsync.gather.sources import MonthRequest, MonthSources
from xlsync.gather.systems import Systems
from xlsync.links.memory import Inactive, find_inactive
from xlsync.models import Addition, Month, Recap
from xlsync.reconcile.ages import MonthSeen, find_gone
from xlsync.reconcile.proposals import CreationKind
from xlsync.reconcile.verdict import tell_gaps, tell_odd_totals
from xlsync.workbook.contents import Overview
from xlsync.workbook.labels import label_key

_NAMED: Final = 5  # customers that a notice names one by one


def month_notices(
    systems: Systems,
    request: MonthRequest,
    sources: MonthSources,
    linked: LinkedMonth,
    overview: Overview,
    decisions: Decisions,
    months: Mapping[Month, MonthSeen],
) -> tuple[str, ...]:
    """Write all notices of a month, in the order in which they are shown; `months` are those seen before."""
    lists = overview.lists
    inactive = find_inactive(overview.lines, linked.memory, lists.companies, lists.agreements, lists.items)
    return (
        *_tell_unread(linked.additions),
        *systems.notices,
        *_tell_sources(request, sources, inactive, linked.recaps),
        *lists.odd,
        *overview.findings.notices,
        *_tell_without_contact(overview, decisions),
        *(gap for billed in overview.billed for gap in tell_gaps(billed)),
        *_tell_by_hand(overview),
        *_tell_without_parent(overview),
        *_tell_gone_by_itself(systems, overview, months),
    )


def _tell_unread(additions: Mapping[int, tuple[Addition, ...] | ApiError]) -> Iterator[str]:
    """Say that additions could not be read, so that nothing, or not all, was compared, and what to do."""
    errors = [answer for answer in additions.values() if isinstance(answer, ApiError)]
    if not errors:
        return
    count = f"{len(errors)} of {counted(len(additions), 'agreement')}"
    what = f"Not all was compared: the additions of {count}"
    if len(errors) == len(additions):
        all_of_them = "the only agreement" if len(errors) == 1 else f"all {len(errors)} agreements"
        what = f"NOTHING WAS COMPARED: the additions of {all_of_them}"
    first = errors[0]
    hint = (
        first.hint if "xlsync doctor" in first.hint else f"{first.hint} `xlsync doctor` looks for the reason."
    )
    yield (
        f"{what} could not be read ({first.message.rstrip('.')}). Their rows are Could not check, which does "
        f"not mean that ConnectWise agrees. {hint} Once it is mended, run `xlsync check`."
    )


def _tell_sources(
    request: MonthRequest,
    sources: MonthSources,
    inactive: Iterable[Inactive],
    recaps: Mapping[int, Recap] | ApiError,
) -> Iterator[str]:
    """Write the notices of a month."""
    if sources.incomplete:
        yield f"{sources.incomplete} Until then nothing is called Only in ConnectWise or all clear."
    if sources.billing.invoices is None:
        source = "The report" if request.reports else "Billing by service period"
        yield f"{source} has no total of its own that its lines could be held against."
    yield from tell_odd_totals(sources.billing.invoices or ())
    for entry in inactive:
        missing = f"{entry.kind} {entry.name} was remembered, but is no longer active in ConnectWise"
        yield f"{missing}: link it anew."
    for table in sources.reports:
        yield from table.tell()
    if isinstance(recaps, ApiError):
        yield f"The next invoices could not be read: {recaps.message}"
        return
    if unclear := [recap for recap in recaps.values() if recap.unclear]:
        yield (
            f"The recaps of {len(unclear)} agreements tell dates that cannot be read for sure (agreement "
            f"{unclear[0].agreement_id}: {unclear[0].unclear}): they decide nothing."
        )


def _tell_without_contact(overview: Overview, decisions: Decisions) -> Iterator[str]:
    """Name the customers that an agreement is proposed for and that have no contact, which it needs."""
    labels = overview.labels.companies
    without = {
        label_key(labels[c.id])
        for c in overview.lists.companies
        if c.default_contact_id is None and c.id in labels
    }
    wanted = {
        decisions.customers.get(row.key, row.customer)
        for row in overview.proposals
        if row.kind is CreationKind.AGREEMENT and row.key not in decisions.contacts
    }
    customers = sorted(customer for customer in wanted if label_key(customer) in without)
    if customers:
        yield (
            "A new agreement needs a contact, and ConnectWise has none for "
            f"{shortened(customers, _NAMED)}: fill in Contact First Name on New in ConnectWise."
        )


def _tell_by_hand(overview: Overview) -> Iterator[str]:
    """Write a notice for each currency with the money that no write will bill."""
    for currency, amount in sorted(overview.by_hand.items()):
        yield (f"To bill by hand for {overview.month}: {tell_money(amount, currency)}; its rows say why.")


def _tell_without_parent(overview: Overview) -> Iterator[str]:
    """Name the customers whose agreement is billed by the invoice of one that is not active any more."""
    by_parents = {child for row in overview.invoices for child in row.children}
    alone = (row for row in overview.invoices if row.parent and row.agreement not in by_parents)
    customers = sorted({row.customer for row in alone})
    if customers:
        yield (
            f"{shortened(customers, _NAMED, '; ', '; and ')}: the parent of their agreement, whose invoice "
            "would bill it, is not active in ConnectWise, so no invoice of theirs is previewed. "
            "See to it there."
        )


def _tell_gone_by_itself(
    systems: Systems, overview: Overview, months: Mapping[Month, MonthSeen]
) -> Iterator[str]:
    """Say how many mismatches of the month before are gone without a write; empty for an incomplete month."""
    before = overview.month.plus(-1)
    if overview.incomplete or before not in months:
        return
    since = systems.list_run_ids_since(before)
    written = {
        row
        for run in systems.list_runs()
        for write in (run.writes if run.id in since else ())
        if write.state == State.DONE
        for row in write.rows
    }
    gone = find_gone(months[before], overview.findings.mismatches, written)
    if gone:
        are = "mismatch of that month is" if len(gone) == 1 else "mismatches of that month are"
        yield f"Since {before}: {len(gone)} {are} gone without a write by xlsync."
