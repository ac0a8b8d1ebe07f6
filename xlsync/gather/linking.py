"""A month's lines linked: what ConnectWise has for them is read, and every line gets its link."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from xlsync.errors import ApiError
from xlsync.gather.ahead import without_ended
from xlsync.gather.questions import Asking
from xlsync.gather.similar import SimilarNames
from xlsync.gather.sources import MonthRequest, MonthSources
from xlsync.gather.systems import Systems
from xlsync.links.agreements import agreements_to_read, decide_agreements
from xlsync.links.choices import Picked
from xlsync.links.companies import namesakes, propose_companies, tell_apart
from xlsync.links.items import propose_items
from xlsync.links.learning import correct
from xlsync.links.matching import propose_links
from xlsync.links.memory import Memory
from xlsync.links.names import Place
from xlsync.links.proposed import Proposed
from xlsync.models import (
    Account,
    Addition,
    Agreement,
    BillingLine,
    Choice,
    LineType,
    Link,
    Lists,
    Month,
    Progress,
    Recap,
    split_key,
)
from xlsync.reconcile.charges import Charge, lines_to_ask, read_charges
from xlsync.reconcile.invoice_preview import parents_of
from xlsync.reconcile.proposals import new_agreement_key, new_customer_key, new_product_key
from xlsync.reconcile.rules import Rule, with_unit_rules
from xlsync.reconcile.targets import target_of
from xlsync.reconcile.unmatched import BilledBefore
from xlsync.records import replace
from xlsync.waiting import result_of
from xlsync.workbook.labels import Labels, make_labels, name_setup_apart


class LinkedMonth(Struct, frozen=True, kw_only=True):
    """A month's lines with their links, and what was read of ConnectWise for them.

    `links` are by line key; `all_links` are those of the latest complete month's lines too. `additions` and
    `recaps` are by agreement; a read that failed is its error. `active` are the additions that are active in
    the month. `vanished` are remembered agreements of customers or contracts without a recurring line, with
    the customers.
    """

    lines: tuple[BillingLine, ...]
    charges: tuple[Charge, ...]
    links: Mapping[str, Link]
    all_links: Mapping[str, Link]
    lists: Lists
    labels: Labels
    memory: Memory
    rules: Sequence[Rule]
    companies: Proposed
    items: Proposed
    additions: Mapping[int, tuple[Addition, ...] | ApiError]
    active: Mapping[int, tuple[Addition, ...]]
    recaps: Mapping[int, Recap] | ApiError
    own_units: Mapping[str, Decimal | ApiError]
    vanished: Mapping[int, BilledBefore]

    @property
    def known_recaps(self) -> Mapping[int, Recap]:
        """The recaps that were read; empty where that failed."""
        return {} if isinstance(self.recaps, ApiError) else self.recaps


def link_month(
    systems: Systems,
    request: MonthRequest,
    sources: MonthSources,
    lists: Lists,
    asking: Asking,
    memory: Memory,
    picked: Mapping[str, Picked],
    similar: SimilarNames,
    progress: Progress,
) -> LinkedMonth:
    """Read what the lines' links need, and link every line; what can be made meanwhile is made meanwhile."""
    lists = replace(
        lists,
        agreements=without_ended(lists.agreements, request.month),
        setup=name_setup_apart(lists.setup),
    )
    later = sources.latest[1].lines if sources.latest is not None else ()
    lines = (*sources.lines, *later)  # they are linked together
    memory = correct(memory, lines, picked)
    companies = propose_companies(lines, lists.companies, memory, picked, similar.companies)
    if (companies.ties or companies.rivals) and not request.reports:
        places = _places_of_ties(lines, companies, asking)
        companies = tell_apart(lines, companies, lists.companies, places)
    decided = decide_agreements(lines, companies.choices, lists.agreements, memory, picked)
    needed = agreements_to_read(lines, companies.choices, lists.agreements, decided)
    needed |= _of_moved_customers(lines, companies.choices, lists.agreements, picked)
    vanished = _vanished(request, sources, memory, lists.agreements)
    needed |= vanished.keys()
    asking.begin_additions(lambda: needed)
    reading_recaps = systems.threads.submit(asking.recaps, needed | parents_of(needed, lists.agreements))
    # A contract may be charged for a part of one month and for the whole of the other.
    part_months = (*lines_to_ask(sources.lines), *lines_to_ask(later))
    reading_units = systems.threads.submit(asking.own_units, part_months)
    sellable = lists.sellable
    items = propose_items(lines, sellable, memory, picked, similar.items)
    labels = make_labels(lists.companies, lists.agreements, lists.items)
    rules = systems.rules.list()
    own_units = result_of(reading_units)
    charges = with_unit_rules(request.month, read_charges(sources.lines, own_units), rules)
    recaps = result_of(reading_recaps)
    additions = asking.additions(needed)
    progress("Linking", 0, len(lines))
    active = _active(additions, request.month)
    proposed = propose_links(lines, companies, items, decided, lists.agreements, sellable, active, picked)
    links = {line.key: _with_own_keys(line, proposed[line.key]) for line in lines}
    progress("Linking", len(lines), len(lines))
    lacking = _lacking(sources.lines, links, active)
    elsewhere = {entry.id for entry in lists.agreements if entry.company_id in lacking} - additions.keys()
    if elsewhere:
        additions |= asking.additions(elsewhere)
        active = _active(additions, request.month)
    return LinkedMonth(
        lines=sources.lines,
        charges=charges,
        links={line.key: links[line.key] for line in sources.lines},
        all_links=links,
        lists=lists,
        labels=labels,
        memory=memory,
        rules=rules,
        companies=companies,
        items=items,
        additions=additions,
        active=active,
        recaps=recaps,
        own_units=own_units,
        vanished=vanished,
    )


def _active(
    additions: Mapping[int, tuple[Addition, ...] | ApiError], month: Month
) -> dict[int, tuple[Addition, ...]]:
    """Return the additions that are active in a month, by agreement; without those that were not read."""
    return {
        agreement: tuple(addition for addition in read if addition.is_active(month))
        for agreement, read in additions.items()
        if not isinstance(read, ApiError)
    }


def _lacking(
    lines: Iterable[BillingLine], links: Mapping[str, Link], active: Mapping[int, Sequence[Addition]]
) -> set[int | str]:
    """Return the companies with an agreement that lacks a product: another of theirs may hold it."""
    held = {agreement: {one.item_id for one in additions} for agreement, additions in active.items()}
    lacking: set[int | str] = set()
    for line in lines:
        link = links[line.key]
        target = target_of(link)
        if target is not None and link.company is not None and line.is_compared:
            agreement = target.agreement if isinstance(target.agreement, int) else None
            if agreement in held and target.item not in held[agreement]:
                lacking.add(link.company.to)
    return lacking


def _places_of_ties(lines: Iterable[BillingLine], companies: Proposed, asking: Asking) -> dict[str, Place]:
    """Return the places, by customer key, of BSS customers whose name several companies or customers have."""
    alike = companies.ties.keys() | set().union(*namesakes(lines, companies).values())
    tied = {
        line.customer_key: line.customer_id
        for line in lines
        if line.customer_key in alike and line.customer_id and line.is_compared
    }
    return places_of(asking.addresses(tied))


def places_of(addresses: Mapping[str, Account]) -> dict[str, Place]:
    """Return the places of addresses, by customer key."""
    return {key: Place(address.city, address.zip) for key, address in addresses.items()}


def _vanished(
    request: MonthRequest,
    sources: MonthSources,
    memory: Memory,
    agreements: Iterable[Agreement],
) -> Mapping[int, BilledBefore]:
    """Return remembered agreements that nothing recurring is billed for in a complete month.

    They are those of customers without such a line, and those of single contracts without one, by id with the
    customers.
    """
    if sources.incomplete:
        return {}
    charged = [line for line in sources.lines if line.type is LineType.RECURRING]
    customers, contracts = {line.customer_key for line in charged}, {line.contract for line in charged}
    running = {agreement.id for agreement in agreements}
    wanted = "report" if request.reports else "bss"
    vanished: dict[int, BilledBefore] = {}
    for billed, entries in ((contracts, memory.contracts), (customers, memory.customers)):
        for key, link in sorted(entries.items()):
            source, own_id = split_key(key)
            if source == wanted and key not in billed:
                remembered = {link.agreement_id, *(entry.id for entry in link.by_period)}
                own_id_of_customer = own_id if entries is memory.customers else ""
                customer = BilledBefore(link.names.customer or own_id, own_id_of_customer)
                vanished |= {id_: customer for id_ in remembered & running if id_}
    return vanished


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


def _with_own_keys(line: BillingLine, link: Link) -> Link:
    """Replace "create new" choices copied from another line with this line's own row keys."""

    def own(choice: Choice | None, make_key: Callable[[BillingLine], str]) -> Choice | None:
        if choice is None or isinstance(choice.to, int):
            return choice
        return replace(choice, to=make_key(line))

    return Link(
        company=own(link.company, new_customer_key),
        agreement=own(link.agreement, new_agreement_key),
        item=own(link.item, new_product_key),
    )
