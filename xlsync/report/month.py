"""The month in figures: billed, in ConnectWise before and after, found revenue, margin, open, created. PURE.

Made from a workbook and the journal alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from xlsync.apply.journal import Run
from xlsync.apply.ledger import MADE, Ledger, Written
from xlsync.models import MismatchKind
from xlsync.report.contributions import addition_parts, line_parts
from xlsync.report.facts import Facts, Row
from xlsync.report.figures import ZERO, Figures, Group, Part, grouped, ranked
from xlsync.report.naming import Naming


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRow:
    """A row of *Mismatches* that is neither done nor ignored."""

    customer: str
    agreement: str
    product: str
    kind: str
    bss_units: Decimal | None
    connectwise_units: Decimal | None
    bss_cost: Decimal | None
    connectwise_cost: Decimal | None
    impact: Decimal | None
    currency: str
    approve: str
    result: str
    explanation: str


@dataclass(frozen=True, slots=True)
class KindTotal:
    """The open rows of one mismatch in one currency, with the money a month that they would bring or take."""

    kind: str
    currency: str
    rows: int
    up: Decimal
    down: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A month on one page, and what stands behind it."""

    month: str
    environment: str
    workbook: str
    read_at: str
    totals: tuple[Group, ...]  # one a currency, the most billed first
    customers: tuple[Group, ...]
    products: tuple[Group, ...]
    open: tuple[OpenRow, ...]
    kinds: tuple[KindTotal, ...]
    writes: tuple[Written, ...]
    ignored: int = 0
    knows_additions: bool = True  # a workbook of an older xlsync holds none

    @property
    def created(self) -> Mapping[str, int]:
        """How many things of each kind the month created."""
        count = Counter(write.made for write in self.writes)
        return {kind: count[kind] for kind in MADE.values()}

    @property
    def states(self) -> Mapping[str, int]:
        """How many writes ended how."""
        return Counter(write.state for write in self.writes)


def make_report(facts: Facts, runs: Iterable[Run]) -> Report:
    """The month's figures; of the runs, those of this month and environment count, and what undid them."""
    facts = replace(
        facts,
        lines=tuple(sorted(facts.lines, key=lambda line: line.key)),
        compared=tuple(sorted(facts.compared, key=lambda entry: entry.key)),
    )
    ledger = Ledger(runs, facts.month, facts.environment)
    naming = Naming(facts, ledger.ids)
    open_rows = [
        row
        for row in facts.rows
        if not row.is_ignored and not ledger.is_settled(row.mismatch.key, row.result)
    ]
    parts = [
        *line_parts(facts, ledger, naming),
        *addition_parts(facts, ledger, naming),
        *_open_parts(open_rows, naming),
    ]
    told = [_open_row(row, naming) for row in open_rows]
    totals = [replace(group, is_linked=True) for group in grouped((p.currency, "", p) for p in parts)]
    totals.sort(key=lambda group: (-group.figures.lines, -abs(group.figures.billed), group.currency))
    rank = {group.currency: number for number, group in enumerate(totals)}
    customers = grouped((p.currency, p.customer_key, p) for p in parts)
    products = grouped((p.currency, p.product_key, p) for p in parts)
    return Report(
        month=facts.month,
        environment=facts.environment,
        workbook=facts.workbook,
        read_at=facts.read_at,
        totals=tuple(replace(group, name=group.currency) for group in totals),
        customers=ranked(naming.named(customers, naming.customers), rank),
        products=ranked(naming.named(products, naming.products), rank),
        open=tuple(sorted(told, key=lambda row: rank[row.currency])),
        kinds=tuple(_kinds(told, rank)),
        writes=tuple(ledger.told()),
        ignored=sum(
            row.is_ignored and not ledger.is_settled(row.mismatch.key, row.result) for row in facts.rows
        ),
        knows_additions=facts.knows_additions,
    )


def _open_parts(rows: Iterable[Row], naming: Naming) -> Iterator[Part]:
    for row in rows:
        impact = row.mismatch.impact or ZERO
        customer, product = naming.row(row.mismatch)
        yield Part(
            currency=naming.currency(row.mismatch),
            customer_key=customer,
            product_key=product,
            figures=Figures(open=1, up=max(impact, ZERO), down=min(impact, ZERO)),
        )


def _open_row(row: Row, naming: Naming) -> OpenRow:
    mismatch = row.mismatch
    return OpenRow(
        customer=row.customer,
        agreement=row.agreement,
        product=row.product,
        kind=row.kind,
        bss_units=mismatch.bss_units,
        connectwise_units=mismatch.connectwise_units,
        bss_cost=mismatch.bss_cost,
        connectwise_cost=mismatch.connectwise_cost,
        impact=mismatch.impact,
        currency=naming.currency(mismatch),
        approve=row.approve,
        result=row.result,
        explanation=mismatch.explanation,
    )


def _kinds(rows: Sequence[OpenRow], rank: Mapping[str, int]) -> Iterator[KindTotal]:
    for currency in rank:
        for kind in MismatchKind:
            own = [row for row in rows if row.kind == kind and row.currency == currency]
            impacts = [row.impact for row in own if row.impact is not None]
            up = sum((i for i in impacts if i > 0), ZERO)
            down = sum((i for i in impacts if i < 0), ZERO)
            if own:
                yield KindTotal(str(kind), currency, len(own), up, down)
