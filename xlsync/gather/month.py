"""Gather a month from both systems: read, link and compare. Nothing is written, and no person is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from xlsync.apply.actions import (
    CreateAddition,
)
from xlsync.apply.kinds.additions import judge_creation
from xlsync.apply.plan import State
from xlsync.billing.periods import months_of
from xlsync.connectwise.client import quoted_text
from xlsync.errors import ApiError
from xlsync.gather.ahead import running
from xlsync.gather.questions import Asking, Question
from xlsync.gather.sources import MonthRequest, MonthSources
from xlsync.gather.systems import Systems, silent
from xlsync.links.agreements import agreements_to_read, decide_agreements
from xlsync.links.choices import Picked
from xlsync.links.companies import propose_companies, tell_ties_apart
from xlsync.links.items import propose_items
from xlsync.links.learning import correct
from xlsync.links.matching import propose_links
from xlsync.links.memory import Inactive, Memory, find_inactive
from xlsync.links.names import Place
from xlsync.links.proposed import Proposed
from xlsync.models import (
    Account,
    Addition,
    Agreement,
    BillingLine,
    Choice,
    Link,
    Lists,
    Mismatch,
    MismatchKind,
    Month,
    Progress,
    Recap,
    billing_period_in,
    split_key,
)
from xlsync.reconcile.ages import MonthSeen, find_gone, with_since
from xlsync.reconcile.charges import lines_to_ask, read_charges
from xlsync.reconcile.invoice_preview import preview_invoices
from xlsync.reconcile.mismatches import Findings, RowChoices, find_mismatches
from xlsync.reconcile.past import LatestMonth, bill_latest
from xlsync.reconcile.proposals import (
    CreationKind,
    Known,
    Proposal,
    customers_to_ask,
    new_agreement_key,
    new_customer_key,
    new_product_key,
    propose_creations,
)
from xlsync.reconcile.rules import Rule, find_ignore_rules, with_unit_rules
from xlsync.reconcile.targets import Books, list_compared
from xlsync.reconcile.verdict import tell_gaps
from xlsync.workbook.candidates import tell_candidates, with_evidence, with_looks_like
from xlsync.workbook.contents import Overview
from xlsync.workbook.edits.approvals import NO_EDITS, RowEdits
from xlsync.workbook.labels import Labels, label_key, make_labels, name_setup_apart
from xlsync.workbook.totals import with_currencies

HALFWAY = "It has ended, and its successor is not there yet: apply creates it."
_NAMED: Final = 5  # customers that a notice names one by one


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions in the workbook that is being renewed."""

    picked: Mapping[str, Picked]
    ignored: Set[str] = frozenset()
    prices: Mapping[str, Decimal] | None = None
    rows: RowEdits = NO_EDITS
    contacts: Set[str] = frozenset()  # keys of rows of *New in ConnectWise* that name a contact
    customers: Mapping[str, str] = field(default_factory=dict)  # entered there, by row key


@dataclass(frozen=True, slots=True)
class Gathered:
    """A month from both systems, and notices for people."""

    overview: Overview
    notices: tuple[str, ...]


def gather(
    systems: Systems,
    request: MonthRequest,
    sources: MonthSources,
    lists: Lists,
    asking: Asking,
    memory: Memory,
    decisions: Decisions,
    progress: Progress = silent,
) -> Gathered:
    """Read what the month needs from both systems, link every line, and find every mismatch."""
    lines, picked = sources.lines, decisions.picked
    lists = replace(
        lists,
        agreements=running(lists.agreements, request.month),
        setup=name_setup_apart(lists.setup),
    )
    month_lines = lines
    if sources.latest is not None:  # its lines are linked together with the month's
        lines = (*lines, *sources.latest[1].lines)
    memory = correct(memory, lines, picked)
    companies = propose_companies(lines, lists.companies, memory, picked)
    if companies.ties and not request.reports:
        places = _places_of_ties(lines, companies, asking)
        companies = tell_ties_apart(lines, companies, lists.companies, places)
    decided = decide_agreements(lines, companies.choices, lists.agreements, memory, picked)
    needed = agreements_to_read(lines, companies.choices, lists.agreements, decided)
    needed |= _of_moved_customers(lines, companies.choices, lists.agreements, picked)
    vanished = _vanished(request, sources, memory, lists.agreements)
    needed |= vanished.keys()
    asking.begin_additions(lambda: needed)
    looking_ahead = systems.threads.submit(asking.recaps, needed)
    own_units = systems.threads.submit(asking.own_units, lines_to_ask(lines))
    sellable = [item for item in lists.items if not item.is_bundle]  # agreements accept no bundles
    items = propose_items(lines, sellable, memory, picked)
    labels = make_labels(lists.companies, lists.agreements, lists.items)
    rules = systems.rules.list()
    charges = with_unit_rules(request.month, read_charges(month_lines, own_units.result()), rules)
    recaps = looking_ahead.result()
    read = asking.additions(needed)
    progress("Linking", 0, len(lines))
    active = {
        agreement: tuple(addition for addition in additions if addition.is_active(request.month))
        for agreement, additions in read.items()
        if not isinstance(additions, ApiError)
    }
    proposed = propose_links(lines, companies, items, decided, lists.agreements, sellable, active, picked)
    links = {line.key: _with_own_keys(line, proposed[line.key]) for line in lines}
    progress("Linking", len(lines), len(lines))
    latest = sources.latest_report or _bill_latest(sources, links, own_units.result(), rules)
    lines = month_lines
    links = {line.key: links[line.key] for line in lines}
    progress("Comparing", 0, len(charges))
    known_recaps = {} if isinstance(recaps, ApiError) else recaps
    books = Books(
        agreements={agreement.id: _with_recap(agreement, known_recaps) for agreement in lists.agreements},
        items={item.id: item for item in lists.items},
        additions=read,
        prices=decisions.prices or {},
        linked_items={entry.item_id for entry in memory.products.values() if entry.item_id is not None},
        yearly_items=_yearly_items(lines, links, memory),
    )
    findings = find_mismatches(
        request.month,
        lines,
        charges,
        links,
        books,
        RowChoices(decisions.ignored, decisions.rows.taken_up),
        find_ignore_rules(request.month, lines, rules),
        is_complete=not sources.incomplete,
        latest=latest,
        vanished=vanished,
    )
    findings = keep_halfway(findings, decisions.rows, read)
    months = systems.ages.months()
    findings = replace(findings, mismatches=with_since(findings.mismatches, request.month, months))
    progress("Comparing", len(charges), len(charges))
    addresses = {} if request.reports else asking.addresses(customers_to_ask(lines, links))
    proposals = _propose_new(systems, request.month, lines, links, lists, labels, addresses, asking)
    proposals = with_looks_like(proposals, lines, links, companies, items, lists, labels)
    explained = with_evidence(findings.mismatches, lines, links, lists, labels, _places(addresses))
    findings = replace(findings, mismatches=explained)
    overview = Overview(
        month=request.month,
        environment=systems.settings.environment,
        by=request.by,
        lines=tuple(lines),
        links=links,
        findings=findings,
        proposals=proposals,
        lists=lists,
        labels=labels,
        invoices=preview_invoices(request.month, lines, links, findings.mismatches, known_recaps, books),
        reports=sources.reports,
        compared=list_compared(request.month, lines, links, findings.mismatches, books),
        invoice_totals=sources.billing.invoices,
        incomplete=sources.incomplete,
        targets=bill_latest(request.month, charges, links) if request.reports else None,
        candidates=tell_candidates(lines, links, companies, items, lists, labels, _places(addresses)),
        used_items=_used_items(links, active, memory),
    )
    inactive = find_inactive(lines, memory, lists.companies, lists.agreements, lists.items)
    notices = (
        *systems.notices,
        *_notices(request, sources, inactive, recaps),
        *lists.odd,
        *_tell_without_contact(overview, decisions),
        *(gap for billed in overview.billed for gap in tell_gaps(billed)),
        *_tell_by_hand(overview),
        *_tell_gone_by_itself(systems, overview, months),
    )
    return Gathered(replace(with_currencies(overview), notices=notices), notices)


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
        names = ", ".join(customers[:_NAMED])
        names += f" and {len(customers) - _NAMED} more" if len(customers) > _NAMED else ""
        yield (
            f"A new agreement needs a contact, and ConnectWise has none for {names}: fill in "
            "Contact First Name on New in ConnectWise."
        )


def _tell_by_hand(overview: Overview) -> Iterator[str]:
    """Write a notice for each currency with the money that no write will bill."""
    for currency, amount in sorted(overview.by_hand.items()):
        yield (
            f"To bill by hand for {overview.month}: {amount:,.2f} {currency}".rstrip() + "; its rows say why."
        )


def _tell_gone_by_itself(
    systems: Systems, overview: Overview, months: Mapping[Month, MonthSeen]
) -> Iterator[str]:
    """Say how many mismatches of the month before are gone without a write; empty for an incomplete month."""
    before = overview.month.plus(-1)
    if overview.incomplete or before not in months:
        return
    written = {
        row
        for run in systems.list_runs()
        for write in run.writes
        if write.state == State.DONE
        for row in write.rows
    }
    gone = find_gone(months[before], overview.findings.mismatches, written)
    if gone:
        are = "mismatch of that month is" if len(gone) == 1 else "mismatches of that month are"
        yield f"Since {before}: {len(gone)} {are} gone without a write by xlsync."


def _places_of_ties(lines: Iterable[BillingLine], companies: Proposed, asking: Asking) -> dict[str, Place]:
    """Return the places, by customer key, of BSS customers whose name several companies have."""
    tied = {
        line.customer_key: line.customer_id
        for line in lines
        if line.customer_key in companies.ties and line.customer_id and line.is_compared
    }
    return _places(asking.addresses(tied))


def _places(addresses: Mapping[str, Account]) -> dict[str, Place]:
    return {key: Place(address.city, address.zip) for key, address in addresses.items()}


def _propose_new(
    systems: Systems,
    month: Month,
    lines: Sequence[BillingLine],
    links: Mapping[str, Link],
    lists: Lists,
    labels: Labels,
    addresses: Mapping[str, Account],
    asking: Asking,
) -> tuple[Proposal, ...]:
    """Propose creations, with addresses from the BSS and identifiers that no deleted record holds."""
    settings = systems.settings.creation
    known = Known(
        companies=lists.companies,
        items=lists.items,
        labels=labels.companies,
        setup=lists.setup,
        identifier_length=settings.identifier_length,
        name_length=settings.name_length,
    )
    proposals = propose_creations(month, lines, links, addresses, known)
    taken = asking.taken(_about_identifiers(proposals))
    if taken:
        proposals = propose_creations(month, lines, links, addresses, replace(known, taken=taken))
    return proposals


def _notices(
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
    for total in sources.billing.invoices or ():
        if total.total is None:
            otherwise = "The report" if total.is_report else "An invoice without a number"
            name = total.number if total.is_report or not total.number else f"Invoice {total.number}"
            currency = total.currency or "no currency"
            yield f"{name or otherwise} has no total that its lines in {currency} could be held against."
    for entry in inactive:
        missing = f"{entry.kind} {entry.name} was remembered, but is no longer active in ConnectWise"
        yield f"{missing}: link it anew."
    for table in sources.reports:
        yield from table.tell()
    if request.reports and not _touches(sources.lines, request.month):
        names = ", ".join(report.name for report in request.reports)
        yield f"No period in {names} touches {request.month}: is it the report of that month?"
    if isinstance(recaps, ApiError):
        yield f"The next invoices could not be read: {recaps.message}"
        return
    if unclear := [recap for recap in recaps.values() if recap.unclear]:
        yield (
            f"The recaps of {len(unclear)} agreements tell dates that cannot be read for sure (agreement "
            f"{unclear[0].agreement_id}: {unclear[0].unclear}): they decide nothing."
        )


def _bill_latest(
    sources: MonthSources,
    links: Mapping[str, Link],
    own_units: Mapping[str, Decimal | ApiError],
    rules: Sequence[Rule],
) -> LatestMonth | None:
    """Return the billing of the latest complete month by target; None where this month is not past."""
    if sources.latest is None:
        return None
    month, billing = sources.latest
    return bill_latest(month, with_unit_rules(month, read_charges(billing.lines, own_units), rules), links)


def _vanished(
    request: MonthRequest,
    sources: MonthSources,
    memory: Memory,
    agreements: Iterable[Agreement],
) -> Mapping[int, str]:
    """Return remembered agreements of customers without a line in a complete month, with their names."""
    if sources.incomplete:
        return {}
    billed = {line.customer_key for line in sources.lines}
    running = {agreement.id for agreement in agreements}
    wanted = "report" if request.reports else "bss"
    names: dict[int, str] = {}
    for key, link in sorted(memory.customers.items()):
        source, own_id = split_key(key)
        if source == wanted and key not in billed:
            remembered = {link.agreement_id, *(one.id for one in link.by_period)}
            names |= {id_: link.names.customer or own_id for id_ in remembered & running if id_}
    return names


def _of_moved_customers(
    lines: Iterable[BillingLine],
    companies: Mapping[str, Choice],
    agreements: Iterable[Agreement],
    picked: Mapping[str, Picked],
) -> frozenset[int]:
    """Return all agreements of customers whose agreement a person chose: another may hold the product."""
    moved = {
        choice.to
        for line in lines
        if line.key in picked
        and picked[line.key].agreement is not None
        and (choice := companies.get(line.key)) is not None
    }
    return frozenset(agreement.id for agreement in agreements if agreement.company_id in moved)


def _with_recap(agreement: Agreement, recaps: Mapping[int, Recap]) -> Agreement:
    """Set the agreement's next invoice date to the later of its own and its recap's."""
    recap = recaps.get(agreement.id)
    of_recap = recap.next_date if recap is not None else None
    dates = [day for day in (agreement.next_invoice, of_recap) if day is not None]
    return replace(agreement, next_invoice=max(dates, default=None))


def _touches(lines: Iterable[BillingLine], month: Month) -> bool:
    """Return whether any line's period overlaps the month, or no line has dates."""
    periods = [(line.start or line.end, line.end or line.start) for line in lines]
    dated = [(start, end) for start, end in periods if start and end]
    return not dated or any(start <= month.last and end >= month.first for start, end in dated)


def _about_identifiers(proposals: Iterable[Proposal]) -> Iterator[Question]:
    """Yield the list requests that look up proposed identifiers."""
    paths = {CreationKind.CUSTOMER: "/company/companies", CreationKind.PRODUCT: "/procurement/catalog"}
    for kind, path in paths.items():
        wanted = [quoted_text(row.identifier) for row in proposals if row.kind is kind and row.identifier]
        for start in range(0, len(wanted), 15):  # an identifier may have 75 characters, an address 2000
            yield path, f"identifier in ({','.join(wanted[start : start + 15])})"


def _with_own_keys(line: BillingLine, link: Link) -> Link:
    """Replace "create new" choices copied from another line with this line's own row keys."""

    def own(choice: Choice | None, key: str) -> Choice | None:
        return replace(choice, to=key) if choice is not None and isinstance(choice.to, str) else choice

    return Link(
        company=own(link.company, new_customer_key(line)),
        agreement=own(link.agreement, new_agreement_key(line)),
        item=own(link.item, new_product_key(line)),
    )


def _used_items(
    links: Mapping[str, Link], additions: Mapping[int, Iterable[Addition]], memory: Memory
) -> frozenset[int]:
    """Return the catalog items of this BSS's lines, now or earlier, and of linked agreements' additions."""
    linked = {link.item.to for link in links.values() if link.item is not None}
    added = {addition.item_id for of_one in additions.values() for addition in of_one}
    remembered = {entry.item_id for entry in memory.products.values()}
    return frozenset(id_ for id_ in linked | added | remembered if isinstance(id_, int))


def _yearly_items(lines: Iterable[BillingLine], links: Mapping[str, Link], memory: Memory) -> frozenset[int]:
    """Return the catalog items that the BSS bills only once a year."""
    yearly: set[int] = set()
    other: set[int] = set()
    for key, entry in memory.products.items():
        if entry.item_id is not None:
            is_yearly = months_of(billing_period_in(key)) == 12
            (yearly if is_yearly else other).add(entry.item_id)
    for line in lines:
        item = links[line.key].item
        if item is not None and isinstance(item.to, int) and line.billing_months is not None:
            (yearly if line.billing_months == 12 else other).add(item.to)
    return frozenset(yearly - other)


def keep_halfway(
    findings: Findings, rows: RowEdits, additions: Mapping[int, Sequence[Addition] | Exception]
) -> Findings:
    """Restore approved rows whose addition has ended and whose successor was not created.

    A run was interrupted between the two: the approved row replaces the one that would offer
    a new addition without the old one's fields.
    """
    mismatches = list(findings.mismatches)
    for action in rows.actions:
        if not isinstance(action, CreateAddition) or action.succeeds is None or action.effective is None:
            continue
        held = additions.get(action.succeeds.addition.agreement_id, ())
        if isinstance(held, Exception):
            continue
        ended = next((a for a in held if a.id == action.succeeds.addition.id), None)
        is_ended = ended is not None and ended.cancelled == action.effective - dt.timedelta(days=1)
        if not is_ended or judge_creation(action, held) is not None:
            continue
        target = (action.agreement, action.item)
        mismatches = [
            *(_explain_halfway(rows.mismatches[key]) for key in action.rows),
            *(
                m
                for m in mismatches
                if (m.agreement, m.item) != target or m.kind is MismatchKind.ONLY_IN_CONNECTWISE
            ),
        ]
    return replace(findings, mismatches=tuple(mismatches))


def _explain_halfway(mismatch: Mismatch) -> Mismatch:
    if mismatch.is_half_done:
        return mismatch
    return replace(mismatch, is_half_done=True, explanation=f"{HALFWAY} {mismatch.explanation}")
