"""The report of a month: its figures, open mismatches and writes. PURE.

It is made from a workbook and the journal alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from xlsync.amounts import cents
from xlsync.apply.action_base import id_if_known
from xlsync.apply.actions import CREATED
from xlsync.apply.ledger import ADDITION, Course, Ledger, Written, moment_of
from xlsync.apply.runs import WRITE_TEST, Run, Write
from xlsync.models import BillingLine, Link, Mismatch, MismatchKind
from xlsync.reconcile.billed import Billed
from xlsync.reconcile.charges import covers_full_period
from xlsync.reconcile.targets import ComparedTarget
from xlsync.reconcile.verdict import NO_VERDICT, Verdict
from xlsync.records import replace
from xlsync.report.facts import Facts, MismatchRow
from xlsync.report.figures import ZERO, Contribution, FigureGroup, Figures, Naming, grouped, ranked, totalled
from xlsync.workbook.totals import KindMoney

_Target = tuple[int | str, int | str, str]


class OpenRow(Struct, frozen=True, kw_only=True):
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
    at_stake: Decimal
    currency: str
    approve: str
    result: str
    explanation: str


class ByHand(Struct, frozen=True, kw_only=True):
    """Money of the month that no write will bill: somebody has to bill it by hand."""

    customer: str
    product: str
    currency: str
    amount: Decimal


class Report(Struct, frozen=True, kw_only=True):
    """The figures of a month for the report's page, and the rows for its tables."""

    month: str
    environment: str
    workbook: str
    read_at: str
    totals: tuple[FigureGroup, ...]  # one for each currency, the one with the most lines first
    customers: tuple[FigureGroup, ...]
    products: tuple[FigureGroup, ...]
    open: tuple[OpenRow, ...]
    kinds: tuple[KindMoney, ...]
    writes: tuple[Written, ...]
    ignored: int = 0
    verdict: Verdict = NO_VERDICT.verdict
    billed: tuple[Billed, ...] = ()
    by_hand: tuple[ByHand, ...] = ()

    @property
    def by_hand_sums(self) -> Mapping[str, Decimal]:
        """The money that no write will bill, by currency."""
        sums: dict[str, Decimal] = {}
        for row in self.by_hand:
            sums[row.currency] = sums.get(row.currency, ZERO) + row.amount
        return sums

    @property
    def created(self) -> Mapping[str, int]:
        """The number of records of each kind that the month created."""
        count = Counter(write.made for write in self.writes)
        return {kind: count[kind] for kind in CREATED.values()}

    @property
    def states(self) -> Mapping[str, int]:
        """The number of writes by state."""
        return Counter(write.state for write in self.writes)


def make_report(facts: Facts, runs: Iterable[Run]) -> Report:
    """Compute a month's figures; of `runs`, those of its month and environment and their undos count.

    Tests of writing change nobody's month.
    """
    stored, facts = facts, with_currencies_of_agreements(facts)
    # Where every cent went knows no currency of agreements.
    in_cents = stored.month_verdict.billed if facts.lines == stored.lines else ()
    facts = replace(
        facts,
        lines=tuple(sorted(facts.lines, key=lambda line: line.key)),
        compared=tuple(sorted(facts.compared, key=lambda entry: entry.key)),
    )
    ledger = Ledger((run for run in runs if run.command != WRITE_TEST), facts.month, facts.environment)
    naming = Naming(facts, ledger.ids)
    unsettled = [
        row
        for row in facts.rows
        if not ledger.is_settled(row.mismatch.key, row.result, is_noted=row.is_noted)
    ]
    open_rows = [row for row in unsettled if not row.is_ignored]
    parts = [
        *line_parts(facts, ledger, naming),
        *addition_parts(facts, ledger, naming),
        *_open_parts(open_rows, naming),
    ]
    shown_rows = [_open_row(row, naming) for row in open_rows]
    totals = [_as_billed(total, in_cents) for total in totalled(parts)]
    rank = {group.currency: number for number, group in enumerate(totals)}
    customers = grouped(((p.currency, p.customer, p) for p in parts), naming.customers)
    products = grouped(((p.currency, p.product, p) for p in parts), naming.products)
    return Report(
        month=facts.month,
        environment=facts.environment,
        workbook=facts.workbook,
        read_at=facts.read_at,
        totals=tuple(totals),
        customers=ranked(customers, rank),
        products=ranked(products, rank),
        open=tuple(sorted(shown_rows, key=lambda row: rank[row.currency])),
        kinds=tuple(_kinds(shown_rows, rank)),
        writes=tuple(ledger.described()),
        verdict=_judged_anew(facts, open_rows, ledger),
        billed=facts.month_verdict.billed,
        by_hand=tuple(_by_hand(open_rows)),
        ignored=sum(row.is_ignored for row in unsettled),
    )


def with_currencies_of_agreements(facts: Facts) -> Facts:
    """Let the money of lines whose report names no currency count as that of their agreements.

    A line without an agreement counts as the only currency of the month, where there is one.
    """
    of_agreements: dict[int | str, set[str]] = {}
    for entry in facts.compared:
        if entry.currency:
            of_agreements.setdefault(entry.agreement, set()).add(entry.currency)
    of_month = {line.currency for line in facts.lines if line.currency}.union(*of_agreements.values())

    def currency_of(line: BillingLine) -> str:
        agreement = facts.links[line.key].agreement
        known = of_agreements.get(agreement.to, of_month) if agreement else of_month
        return next(iter(known)) if len(known) == 1 else ""

    lines = (line if line.currency else replace(line, currency=currency_of(line)) for line in facts.lines)
    return replace(facts, lines=tuple(lines))


def _as_billed(total: FigureGroup, billed: Iterable[Billed]) -> FigureGroup:
    """Set the money of a currency's lines to what *Where every cent went* says, in cents by invoice."""
    own = next(
        (of_currency.lines.amount for of_currency in billed if of_currency.currency == total.currency),
        total.figures.billed,
    )
    return replace(total, figures=replace(total.figures, billed=own))


def _judged_anew(facts: Facts, open_rows: Iterable[MismatchRow], ledger: Ledger) -> Verdict:
    """Return the verdict of the last check; not all clear where something was opened or written since."""
    verdict = facts.month_verdict.verdict
    if not verdict.all_clear:
        return verdict
    if any(not row.mismatch.not_due for row in open_rows):
        since = "Rows are open that were not at the last check"
    elif not all(_is_known(write.at or run.at, facts) for run, write in ledger.writes):
        since = "ConnectWise was written to since the last check"
    else:
        return verdict
    return Verdict(False, f"{since}: `xlsync check` judges anew.")


def _is_known(at: str, facts: Facts) -> bool:
    """Return whether the last check began after a moment of the journal."""
    return bool(at) and moment_of(at) < moment_of(facts.renewed_at)


def _open_parts(rows: Iterable[MismatchRow], naming: Naming) -> Iterator[Contribution]:
    for row in rows:
        impact = _at_stake(row.mismatch)
        customer, product = naming.row(row.mismatch)
        yield Contribution(
            currency=naming.currency(row.mismatch),
            customer=customer,
            product=product,
            figures=Figures(open=1, up=max(impact, ZERO), down=min(impact, ZERO)),
        )


def _at_stake(mismatch: Mismatch) -> Decimal:
    """Return a row's money a month; what is not due this month is no money at stake."""
    return ZERO if mismatch.not_due or mismatch.impact is None else mismatch.impact


def _by_hand(rows: Iterable[MismatchRow]) -> Iterator[ByHand]:
    for row in rows:
        if row.mismatch.by_hand:
            yield ByHand(
                customer=row.customer,
                product=row.product,
                currency=row.mismatch.currency,
                amount=row.mismatch.by_hand,
            )


def _open_row(row: MismatchRow, naming: Naming) -> OpenRow:
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
        at_stake=_at_stake(mismatch),
        currency=naming.currency(mismatch),
        approve=row.approve,
        result=row.result,
        explanation=mismatch.explanation,
    )


def _kinds(rows: Sequence[OpenRow], rank: Mapping[str, int]) -> Iterator[KindMoney]:
    for currency in rank:
        for kind in MismatchKind:
            impacts = [row.at_stake for row in rows if row.kind == kind and row.currency == currency]
            if impacts:
                yield KindMoney.summed(kind, currency, impacts)


def line_parts(facts: Facts, ledger: Ledger, naming: Naming) -> Iterator[Contribution]:
    """Yield the contribution of each billing line."""
    months = _months_of_targets(facts, ledger.ids)
    for line in facts.lines:
        target = _line_target(line, facts.links[line.key], ledger.ids)
        figures = Figures(lines=1, billed=line.amount, monthly=_monthly(line))
        if target in months:
            spread = line.billing_months or months[target]
            figures = replace(figures, cost=line.amount if spread == 1 else cents(line.amount, spread))
        yield Contribution(
            currency=line.currency,
            customer=naming.customer_of(line),
            product=naming.product_of(line),
            figures=figures,
        )


def _monthly(line: BillingLine) -> Decimal:
    """Return a month of a recurring charge; usage and one-time charges recur in no month."""
    if not line.is_compared:
        return ZERO
    months = line.billing_months or 1
    if line.start and line.end and not covers_full_period(line):
        months = min(months, max(1, round((line.end - line.start).days / 30)))
    return line.amount if months == 1 else cents(line.amount, months)


def _months_of_targets(facts: Facts, ids: Mapping[str, int]) -> dict[_Target, int]:
    """Return the targets whose revenue and cost can be compared, with the months of their billing cycles.

    Targets with a part of a longer period are left out: a yearly term that was increased half-way bills the
    increase alone, so that the cost of all units is in no line of the month.
    """
    known = {_target(entry, ids): entry.months for entry in facts.compared}
    months: dict[_Target, int] = {}
    partial: set[_Target] = set()
    for line in facts.lines:
        target = _line_target(line, facts.links[line.key], ids)
        if target is not None and target in known:
            months[target] = known[target]
            if (line.billing_months or known[target]) > 1 and not covers_full_period(line):
                partial.add(target)
    return {target: count for target, count in months.items() if target not in partial}


def _target(entry: ComparedTarget, ids: Mapping[str, int]) -> _Target:
    return id_if_known(entry.agreement, ids), id_if_known(entry.item, ids), entry.currency


def _line_target(line: BillingLine, link: Link, ids: Mapping[str, int]) -> _Target | None:
    """Return the target of a line; None for a line that is not compared."""
    if not (line.is_compared and link.counts and link.agreement and link.item):
        return None
    return id_if_known(link.agreement.to, ids), id_if_known(link.item.to, ids), line.currency


class _Standing(Struct, frozen=True):
    """An addition with its billed units before and after the month's writes."""

    compared: ComparedTarget
    before: Decimal
    after: Decimal
    cost_change: Decimal = ZERO  # change of its unit cost


def addition_parts(facts: Facts, ledger: Ledger, naming: Naming) -> Iterator[Contribution]:
    """Yield the contribution of each addition together with its successors."""
    months = _months_of_targets(facts, ledger.ids)
    chains: dict[int, list[_Standing]] = {}
    for entry in _additions(facts, ledger):
        assert entry.addition is not None  # noqa: S101 - see _additions
        course = ledger.courses.get(entry.addition, Course())
        standing = _standing(entry, course, is_read_since=_is_read_since(entry, course, facts, ledger))
        chains.setdefault(ledger.roots.get(entry.addition, entry.addition), []).append(standing)
    for chain in chains.values():
        first = chain[0].compared
        money = _money(chain)
        target = _target(first, ledger.ids)
        yield Contribution(
            currency=first.currency,
            customer=naming.company(first.company, first.customer),
            product=naming.item(first.item, first.product),
            figures=replace(money, revenue=money.after) if target in months else money,
        )


def _money(chain: Sequence[_Standing]) -> Figures:
    """Compute the figures of an addition with its successors; the sum is rounded once, as on *Mismatches*."""
    first = chain[0].compared
    price = next(
        (entry.compared.unit_price for entry in chain if entry.compared.unit_price is not None), None
    )
    impact = sum((-e.cost_change * e.after for e in chain), ZERO)
    figures = Figures(cost_impact=cents(impact, first.months))
    if price is None:
        return replace(figures, unpriced=1)
    before = cents(sum((e.before for e in chain), ZERO) * price, first.months)
    change = cents(sum((e.after - e.before for e in chain), ZERO) * price, first.months)
    return replace(figures, before=before, after=before + change)


def _is_read_since(entry: ComparedTarget, course: Course, facts: Facts, ledger: Ledger) -> bool:
    """Return whether a check read an addition after the month's last write, and no other month wrote it."""
    is_own = not entry.has_ended and entry.addition not in ledger.elsewhere
    return is_own and _is_known(course.at, facts)


def _standing(entry: ComparedTarget, course: Course, *, is_read_since: bool) -> _Standing:
    """Return an addition's units before and after; those that a check read since may be changed by hand."""
    units = entry.units
    first = course.first.get("quantity")
    last = None if is_read_since else course.last.get("quantity")
    before = ZERO if course.made else _billed(units if first is None else _amount_or_zero(first), entry)
    after = ZERO if course.has_ended else _billed(units if last is None else _amount_or_zero(last), entry)
    cost = ZERO
    if "unitCost" in course.last:
        cost = _amount_or_zero(course.last["unitCost"]) - _amount_or_zero(course.first["unitCost"])
    return _Standing(entry, before, after, cost)


def _billed(units: Decimal, entry: ComparedTarget) -> Decimal:
    return max(units - entry.included, ZERO)


def _amount_or_zero(value: Any) -> Decimal:
    return ZERO if value is None else Decimal(str(value))


def _additions(facts: Facts, ledger: Ledger) -> Iterator[ComparedTarget]:
    """Yield the additions that the workbook knows, and those that the month's writes created.

    An addition that is no longer compared counts if the month wrote to it.
    """
    seen = {entry.addition: entry for entry in facts.compared if entry.addition is not None}
    for id_, entry in seen.items():
        if not entry.has_ended or id_ in ledger.courses:
            yield entry
    for id_, course in ledger.courses.items():
        if id_ not in seen and course.made is not None:
            yield _made(course.made, id_, seen.get(ledger.roots.get(id_, 0)), facts)


def _made(write: Write, id_: int, root: ComparedTarget | None, facts: Facts) -> ComparedTarget:
    """Describe an addition that no check has read yet by the row that asked for it."""
    body = write.body if isinstance(write.body, Mapping) else {}
    match = ADDITION.fullmatch(write.path)
    agreement = int(match[1]) if match else 0
    item = int((body.get("product") or {}).get("id") or 0)
    row = next((row.mismatch for row in facts.rows if row.mismatch.key in write.rows), None)
    beside = root or next((entry for entry in facts.compared if entry.agreement == agreement), None)
    price = body.get("unitPrice")
    if body.get("billCustomer", "Billable") != "Billable":
        price = ZERO  # as price_of tells it after a check: the customer does not pay for it
    elif price is None and row is not None:
        price = row.unit_price
    currencies = {line.key: line.currency for line in facts.lines}
    lines = [currencies[key] for key in row.line_keys if key in currencies] if row else []
    company = row.company if row else None
    if not isinstance(company, int):
        company = beside.company if beside else None
    return ComparedTarget(
        agreement=agreement,
        item=item,
        company=company,
        customer=row.customer if row else beside.customer if beside else "",
        product=row.product if row else root.product if root else "",
        currency=beside.currency if beside else next(iter(lines), ""),
        months=row.months if row else beside.months if beside else 1,
        addition=id_,
        units=_amount_or_zero(body.get("quantity")),
        included=_amount_or_zero(body.get("lessIncluded")),
        unit_price=None if price is None else _amount_or_zero(price),
    )
