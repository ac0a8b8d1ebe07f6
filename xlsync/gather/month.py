"""Gather a month from both systems: read, link and compare. Nothing is written, and no person is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from xlsync.connectwise.client import quoted_text
from xlsync.gather.comparing import compare_month, make_books
from xlsync.gather.decisions import Decisions
from xlsync.gather.linking import LinkedMonth, link_month, places_of
from xlsync.gather.notices import month_notices
from xlsync.gather.questions import Asking, Question
from xlsync.gather.similar import SimilarNames
from xlsync.gather.sources import MonthRequest, MonthSources
from xlsync.gather.systems import Systems
from xlsync.links.memory import Memory
from xlsync.models import Account, Addition, BillingLine, Link, Lists, Month, Progress
from xlsync.reconcile.invoice_preview import preview_invoices
from xlsync.reconcile.mismatches import Findings
from xlsync.reconcile.past import bill_latest
from xlsync.reconcile.proposals import CreationKind, Known, Proposal, customers_to_ask, propose_creations
from xlsync.reconcile.targets import Books, list_compared
from xlsync.records import replace
from xlsync.workbook.candidates import tell_candidates, with_evidence, with_looks_like
from xlsync.workbook.contents import Overview
from xlsync.workbook.labels import Labels
from xlsync.workbook.totals import with_currencies_named


class Gathered(Struct, frozen=True):
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
    progress: Progress,
) -> Gathered:
    """Read what the month needs from both systems, link every line, and find every mismatch."""
    similar = SimilarNames(systems.checks, lists)
    linked = link_month(systems, request, sources, lists, asking, memory, decisions.picked, similar, progress)
    progress("Comparing", 0, len(linked.charges))
    books = make_books(linked, decisions, systems.settings.creation.bill_customer)
    months = systems.ages.months()
    findings = compare_month(request, sources, linked, books, decisions, months, asking.today)
    progress("Comparing", len(linked.charges), len(linked.charges))
    overview = _overview(systems, request, sources, linked, books, findings, asking)
    similar.store()
    notices = month_notices(systems, request, sources, linked, overview, decisions, months)
    return Gathered(replace(with_currencies_named(overview), notices=notices), notices)


def _overview(
    systems: Systems,
    request: MonthRequest,
    sources: MonthSources,
    linked: LinkedMonth,
    books: Books,
    findings: Findings,
    asking: Asking,
) -> Overview:
    """Put together what the workbook shows; addresses for proposals are read from the BSS."""
    links = linked.links
    month, lines, lists, labels = request.month, linked.lines, linked.lists, linked.labels
    addresses = {} if request.reports else asking.addresses(customers_to_ask(lines, links))
    places = places_of(addresses)
    proposals = _propose_new(systems, month, lines, links, lists, labels, addresses, asking)
    explained = with_evidence(
        findings.mismatches, lines, links, lists, labels, places, linked.companies.rivals
    )
    findings = replace(findings, mismatches=explained)
    return Overview(
        month=month,
        environment=systems.settings.environment,
        by=request.by,
        lines=lines,
        links=links,
        findings=findings,
        proposals=with_looks_like(proposals, lines, links, linked.companies, linked.items, lists, labels),
        lists=lists,
        labels=labels,
        invoices=preview_invoices(month, lines, links, findings.mismatches, linked.known_recaps, books),
        reports=sources.reports,
        compared=list_compared(month, lines, links, findings.mismatches, books),
        invoice_totals=sources.billing.invoices,
        incomplete=sources.incomplete,
        targets=bill_latest(month, linked.charges, links) if request.reports else None,
        candidates=tell_candidates(lines, links, linked.companies, linked.items, lists, labels, places),
        used_items=_used_items(links, linked.active, linked.memory),
    )


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


def _about_identifiers(proposals: Iterable[Proposal]) -> Iterator[Question]:
    """Yield the list requests that look up proposed identifiers."""
    paths = {CreationKind.CUSTOMER: "/company/companies", CreationKind.PRODUCT: "/procurement/catalog"}
    for kind, path in paths.items():
        wanted = [quoted_text(row.identifier) for row in proposals if row.kind is kind and row.identifier]
        for start in range(0, len(wanted), 15):  # an identifier may have 75 characters, an address 2000
            yield path, f"identifier in ({','.join(wanted[start : start + 15])})"


def _used_items(
    links: Mapping[str, Link], additions: Mapping[int, Iterable[Addition]], memory: Memory
) -> frozenset[int]:
    """Return the catalog items of this BSS's lines, now or earlier, and of linked agreements' additions."""
    linked = {link.item.to for link in links.values() if link.item is not None}
    added = {addition.item_id for of_one in additions.values() for addition in of_one}
    remembered = {entry.item_id for entry in memory.products.values()}
    return frozenset(id_ for id_ in linked | added | remembered if isinstance(id_, int))
