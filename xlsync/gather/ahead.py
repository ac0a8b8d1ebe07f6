"""Additions that are read while the billing plans still are: both rates are used from the beginning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xlsync.connectwise.lists import Tables, read_lists
from xlsync.gather.questions import Asking
from xlsync.gather.sources import Ahead
from xlsync.links.agreements import agreements_to_read, decide_agreements
from xlsync.links.companies import propose_companies
from xlsync.links.memory import Memory, Recall
from xlsync.models import Agreement, BillingLine, Month


def additions_ahead(asking: Asking, month: Month, memory: Memory) -> Ahead:
    """Return what begins to read the additions of a new workbook's lines."""

    def begin(complete: Sequence[BillingLine], waiting: Sequence[BillingLine], tables: Tables) -> None:
        asking.begin_additions(lambda: needed_in_any_case(complete, waiting, tables, month, memory))

    return begin


def needed_in_any_case(
    complete: Sequence[BillingLine],
    waiting: Sequence[BillingLine],
    tables: Tables,
    month: Month,
    memory: Memory,
) -> frozenset[int]:
    """Return the agreements whose additions are needed whatever the billing plans say.

    Where something is remembered of a waiting line's customer, its billing period may decide which
    agreement it is: such a line waits for its plan.
    """
    lists = read_lists(tables)
    agreements = without_ended(lists.agreements, month)
    companies = propose_companies((*complete, *waiting), lists.companies, memory, {}).choices
    recall = Recall(memory)
    lines = [*complete, *(line for line in waiting if not recall.customer(line).says_something)]
    decided = decide_agreements(lines, companies, agreements, memory, {})
    return agreements_to_read(lines, companies, agreements, decided)


def without_ended(agreements: Iterable[Agreement], month: Month) -> tuple[Agreement, ...]:
    """Leave out agreements that ended before the month."""
    return tuple(
        agreement for agreement in agreements if agreement.end is None or agreement.end >= month.first
    )
