"""Propose to which ConnectWise customer, agreement and product each billing line belongs.

PURE. Evidence is taken in this order: what a person picked or confirmed, what is
remembered, what is marked in ConnectWise, equal names, the only agreement, and last a suggestion,
which counts for nothing until it is confirmed. A tie is never resolved by guessing, and what could
not be read is never taken for an absence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xlsync.links.agreements import DecidedAgreements, Held, propose_agreements, propose_marked_items
from xlsync.links.choices import Picked
from xlsync.links.proposed import Proposed
from xlsync.models import Addition, Agreement, BillingLine, CatalogItem, Link


def propose_links(
    lines: Sequence[BillingLine],
    companies: Proposed,
    items: Proposed,
    decided: DecidedAgreements,
    agreements: Sequence[Agreement],
    catalog: Sequence[CatalogItem],
    additions: Mapping[int, Sequence[Addition]],
    picked: Mapping[str, Picked],
) -> dict[str, Link]:
    """Return the link of every line, by line key, with each part for which there is evidence.

    `decided` is what `decide_agreements` returned for these companies.
    """
    held = Held(agreements, additions)
    marked = propose_marked_items(lines, companies.choices, items.choices, catalog, picked, decided, held)
    items_of = {
        **items.choices,
        **{key: choice for key, choice in marked.items() if key not in items.emptied},
    }
    agreements_of = propose_agreements(lines, companies.choices, items_of, decided, held)
    return {
        line.key: Link(
            company=companies.choices.get(line.key),
            agreement=agreements_of.get(line.key),
            item=items_of.get(line.key),
        )
        for line in lines
    }
