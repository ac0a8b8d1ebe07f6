"""Lines, companies and products to be linked, and all steps of linking as a month takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from xlsync.links import matching
from xlsync.links.agreements import decide_agreements
from xlsync.links.choices import Picked
from xlsync.links.companies import propose_companies
from xlsync.links.items import propose_items
from xlsync.links.learning import learn
from xlsync.links.memory import Memory
from xlsync.models import (
    Addition,
    Agreement,
    BillingLine,
    CatalogItem,
    Choice,
    Company,
    Evidence,
    LineType,
    Link,
)

NO_MEMORY = Memory()


def line(key: str, customer: str = "Contoso", product: str = "Backup", **more: Any) -> BillingLine:
    facts: dict[str, Any] = {
        "invoice": "I-1",
        "type": LineType.RECURRING,
        "charge": LineType.RECURRING,
        "units": Decimal(1),
        "cost": None,
        "amount": Decimal(1),
        "currency": "EUR",
        "contract_id": f"S-{key}",
    }
    return BillingLine(key=key, customer=customer, product=product, **(facts | more))


def companies(*names: str) -> list[Company]:
    return [Company(id=number, identifier=f"C{number}", name=name) for number, name in enumerate(names, 1)]


def catalog(*names: str) -> list[CatalogItem]:
    return [
        CatalogItem(id=number, identifier=f"P{number}", description=name)
        for number, name in enumerate(names, 1)
    ]


def addition(agreement_id: int, item_id: int, mark: str = "", number: int = 1) -> Addition:
    return Addition(
        id=number, agreement_id=agreement_id, item_id=item_id, quantity=Decimal(1), contract_mark=mark
    )


def propose_links(
    lines: Sequence[BillingLine],
    companies: Sequence[Company],
    agreements: Sequence[Agreement],
    catalog: Sequence[CatalogItem],
    additions: Mapping[int, Sequence[Addition]],
    memory: Memory,
    picked: Mapping[str, Picked],
) -> dict[str, Link]:
    """All steps of linking, as a month takes them."""
    known = propose_companies(lines, companies, memory, picked)
    items = propose_items(lines, catalog, memory, picked)
    decided = decide_agreements(lines, known.choices, agreements, memory, picked)
    return matching.propose_links(lines, known, items, decided, agreements, catalog, additions, picked)


def learnt(lines: Sequence[BillingLine], links: Mapping[str, Link], picked: Mapping[str, Picked]) -> Memory:
    return learn(NO_MEMORY, lines, links, picked)


def after(memory: Memory, *taught: Any) -> Memory:
    """The memory with what links and picks of some lines teach."""
    new = learn(memory, *taught)
    return Memory(
        {**memory.contracts, **new.contracts},
        {**memory.customers, **new.customers},
        {**memory.products, **new.products},
    )


def linked(company: int | str, agreement: int | str, item: int | str, evidence: Evidence) -> Link:
    return Link(
        company=Choice(company, evidence), agreement=Choice(agreement, evidence), item=Choice(item, evidence)
    )


def shown(choices: Mapping[str, Choice]) -> dict[str, str]:
    return {
        key: f"{choice.to} {choice.evidence}" + (f" {choice.score}%" if choice.score else "")
        for key, choice in choices.items()
    }
