"""The month in figures: billed, in ConnectWise before and after, found revenue, margin, open, created. PURE.

Made from a workbook and the journal alone. Money is never added across currencies, and every sum is exact:
what is divided (a year's price by its months) is rounded to cents before anything is added, as on the sheets.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final

from xlsync.compared import KEPT_AS, Compared
from xlsync.journal import Run, Write
from xlsync.kept_rows import from_plain
from xlsync.link_edits import Directory
from xlsync.models import ActionLabel, BillingLine, Choice, Evidence, Link, Mismatch, MismatchKind
from xlsync.plan import State
from xlsync.sheets import BILLING_LINES, MISMATCHES
from xlsync.units import covers_full_period, tell_number
from xlsync.workbook import Book

_CENT: Final = Decimal("0.01")
_ZERO: Final = Decimal(0)
_DIGITS: Final = 100  # sums of money never lose one
_ADDITION: Final = re.compile(r"/finance/agreements/(\d+)/additions(?:/(\d+))?")
MADE: Final = {
    "CreateCompany": "Customer",
    "CreateContact": "Contact",
    "CreateAgreement": "Agreement",
    "CreateCatalogItem": "Product",
    "CreateAddition": "Addition",
    "CreateInvoice": "Invoice",
}
_FIELDS: Final = {
    "quantity": "units",
    "unitCost": "cost",
    "unitPrice": "price",
    "cancelledDate": "ends",
    "effectiveDate": "begins",
    "cancelledFlag": "cancelled",
    "inactiveFlag": "inactive",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Money of one currency and counts, of a customer, a product or the whole month.

    `billed` is the distributor's, all lines. `before` and `after` are ConnectWise's money a month without and
    with the month's writes. `revenue` and `cost` are the parts of both sides that can be held against each
    other: `after` of targets with linked recurring lines, and those lines, a month of each.
    """

    lines: int = 0
    billed: Decimal = _ZERO
    before: Decimal = _ZERO
    after: Decimal = _ZERO
    revenue: Decimal = _ZERO
    cost: Decimal = _ZERO
    cost_impact: Decimal = _ZERO  # of unit costs that were set right in ConnectWise: no revenue
    open: int = 0
    up: Decimal = _ZERO  # money a month of open mismatches
    down: Decimal = _ZERO
    unpriced: int = 0  # additions without a price

    @property
    def found(self) -> Decimal:
        """The monthly impact of the month's done changes of units, creations and ends."""
        return self.after - self.before

    @property
    def margin(self) -> Decimal:
        """What is left of the revenue that was compared."""
        return self.revenue - self.cost

    @property
    def rate(self) -> Decimal | None:
        """The margin as a part of the revenue; None without revenue."""
        return self.margin / self.revenue if self.revenue else None


def add(figures: Iterable[Figures]) -> Figures:
    """The sum, exactly."""
    names = Figures.__dataclass_fields__
    found = list(figures)
    with localcontext(prec=_DIGITS):
        return Figures(**{name: sum((getattr(f, name) for f in found), _start(name)) for name in names})


def _start(name: str) -> Any:
    return 0 if name in {"lines", "open", "unpriced"} else _ZERO


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of a customer or a product in one currency; linked where ConnectWise knows it."""

    name: str
    currency: str
    is_linked: bool
    figures: Figures


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
class Written:
    """One write of the month: who, when, what, before and after."""

    at: str
    who: str
    run: str
    command: str
    kind: str
    what: str
    before: str
    after: str
    state: str
    detail: str
    id: int | None
    is_taken_back: bool = False

    @property
    def made(self) -> str:
        """What was created by it, by kind; empty where nothing was, or where it was taken back."""
        is_made = self.state == State.DONE and not self.is_taken_back
        return MADE.get(self.kind, "") if is_made else ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of *Mismatches* as far as the report looks at it."""

    mismatch: Mismatch
    customer: str
    agreement: str
    product: str
    kind: str
    approve: str = ""
    result: str = ""
    is_ignored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a workbook tells for the report. `names` are ConnectWise's labels: company, agreement, item."""

    month: str
    environment: str
    workbook: str = ""
    read_at: str = ""
    lines: tuple[BillingLine, ...] = ()
    links: Mapping[str, Link] = field(default_factory=dict)
    compared: tuple[Compared, ...] = ()
    rows: tuple[Row, ...] = ()
    names: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    knows_additions: bool = True


def read_facts(book: Book) -> Facts:
    """All that the report needs of a workbook: its hidden facts, and what people decided on *Mismatches*.

    Every line that was exported counts, also one whose row somebody deleted.
    """
    kept = book.kept.get(BILLING_LINES.title, {})
    rows = [
        Row(
            mismatch=from_plain(row.facts["mismatch"], Mismatch),
            customer=str(row.kept.shown.get("Customer") or ""),
            agreement=str(row.kept.shown.get("Agreement") or ""),
            product=str(row.kept.shown.get("Product") or ""),
            kind=_kind(row.text("Mismatch"), str(row.kept.shown.get("Mismatch") or "")),
            approve=row.text("Approve"),
            result=row.text("Result"),
            is_ignored=row.text("Action").casefold() == ActionLabel.IGNORE.casefold(),
        )
        for row in book.rows[MISMATCHES.title]
    ]
    return Facts(
        month=book.about.month,
        environment=book.about.environment,
        workbook=book.path.name,
        read_at=book.about.exported_at,
        lines=tuple(from_plain(row.facts["line"], BillingLine) for row in kept.values()),
        links={key: from_plain(row.facts["link"], Link) for key, row in kept.items()},
        compared=tuple(
            from_plain(row.facts["compared"], Compared) for row in book.kept.get(KEPT_AS, {}).values()
        ),
        rows=tuple(rows),
        names=Directory(book.lists).names,
        knows_additions=KEPT_AS in book.kept or not kept,
    )


def _kind(cell: str, shown: str) -> str:
    return cell if cell == MismatchKind.CHANGED_SINCE_EXPORT else shown


def make_report(facts: Facts, runs: Iterable[Run]) -> Report:
    """The month's figures; of the runs, those of this month and environment count, and what undid them."""
    facts = replace(
        facts,
        lines=tuple(sorted(facts.lines, key=lambda line: line.key)),
        compared=tuple(sorted(facts.compared, key=lambda entry: entry.key)),
    )
    ledger = _Ledger(_writes_of(runs, facts.month, facts.environment))
    naming = _Naming(facts, ledger.ids)
    open_rows = [row for row in facts.rows if not row.is_ignored and not ledger.is_settled(row)]
    parts = [
        *_line_parts(facts, ledger, naming),
        *_addition_parts(facts, ledger, naming),
        *_open_parts(open_rows, naming),
    ]
    told = [_open_row(row, naming) for row in open_rows]
    totals = [replace(group, is_linked=True) for group in _grouped((p.currency, "", p) for p in parts)]
    totals.sort(key=lambda group: (-group.figures.lines, -abs(group.figures.billed), group.currency))
    rank = {group.currency: number for number, group in enumerate(totals)}
    customers = _grouped((p.currency, p.customer_key, p) for p in parts)
    products = _grouped((p.currency, p.product_key, p) for p in parts)
    return Report(
        month=facts.month,
        environment=facts.environment,
        workbook=facts.workbook,
        read_at=facts.read_at,
        totals=tuple(replace(group, name=group.currency) for group in totals),
        customers=_ranked(naming.named(customers, naming.customers), rank),
        products=_ranked(naming.named(products, naming.products), rank),
        open=tuple(sorted(told, key=lambda row: rank[row.currency])),
        kinds=tuple(_kinds(told, rank)),
        writes=tuple(ledger.told()),
        ignored=sum(row.is_ignored and not ledger.is_settled(row) for row in facts.rows),
        knows_additions=facts.knows_additions,
    )


def list_writes(runs: Iterable[Run], month: str, environment: str) -> tuple[Written, ...]:
    """Every write of a month in order of time, those that took one back among them."""
    return tuple(_Ledger(_writes_of(runs, month, environment)).told())


# The journal


def _writes_of(runs: Iterable[Run], month: str, environment: str) -> list[tuple[Run, Write]]:
    """The month's writes in order of time, those of undo runs among them.

    An undo run belongs to no month: a write of it counts where it takes back a field that the month wrote.
    """
    pairs = [(run, write) for run in runs if run.environment == environment for write in run.writes]
    pairs.sort(key=lambda pair: (_moment(pair[1].at or pair[0].at), pair[0].id))
    written: set[tuple[str, str]] = set()
    found: list[tuple[Run, Write]] = []
    for run, write in pairs:
        fields = set(_fields(write))
        is_undo = run.command == "undo" and not run.month
        touched = any(entry in written or (entry[0], "") in written for entry in fields)
        if run.month == month or (is_undo and touched):
            found.append((run, write))
            written |= fields
    return found


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = dt.datetime.min  # noqa: DTZ901 - its zone follows
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _fields(write: Write) -> Iterator[tuple[str, str]]:
    """The fields that a write sets, by the path of their record; a whole record has the field ""."""
    if write.method == "PATCH":
        for operation in write.body or ():
            yield write.path, str(operation.get("path")).lstrip("/")
    elif write.id is not None:
        yield f"{write.path}/{write.id}", ""


@dataclass(slots=True)
class _Course:
    """What the month's done writes made of one addition: fields as they were first, and as they are last."""

    first: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    made: Write | None = None

    @property
    def has_ended(self) -> bool:
        return self.last.get("cancelledDate") is not None


class _Ledger:
    """The month's writes, and what they come to."""

    def __init__(self, writes: Sequence[tuple[Run, Write]]) -> None:
        self.writes = writes
        self.ids: dict[str, int] = {}
        self.courses: dict[int, _Course] = {}
        self.roots: dict[int, int] = {}  # the addition that a successor continues
        self._last: dict[tuple[str, str], bool] = {}  # of each field, whether an undo wrote it last
        for run, write in writes:
            if write.state != State.DONE:
                continue
            if write.method != "PATCH" and write.id is not None:
                self.ids[write.key] = write.id
            for path, name in _fields(write):
                self._last[path, name] = run.command == "undo"
                if name:
                    self._last[path, ""] = run.command == "undo"
            self._follow(write)

    def _follow(self, write: Write) -> None:
        found = _ADDITION.fullmatch(write.path)
        id_ = int(found[2]) if found and found[2] else write.id
        if found is None or id_ is None:
            return
        course = self.courses.setdefault(id_, _Course())
        if write.method != "PATCH":
            course.made = write
            if write.key.startswith("successor:"):
                old = int(write.key.removeprefix("successor:"))
                self.roots[id_] = self.roots.get(old, old)
            return
        for operation in write.body or ():
            name = str(operation.get("path")).lstrip("/")
            course.first.setdefault(name, (write.was or {}).get(name))
            course.last[name] = operation.get("value")

    def is_taken_back(self, write: Write) -> bool:
        """Whether an undo wrote all its fields last."""
        fields = list(_fields(write))
        return bool(fields) and all(self._last.get(entry, False) for entry in fields)

    def is_settled(self, row: Row) -> bool:
        """Whether a row's result says done or already, and no undo took that back."""
        if not row.result.casefold().startswith((State.DONE, State.ALREADY)):
            return False
        own = [
            write
            for run, write in self.writes
            if run.command != "undo" and write.state == State.DONE and row.mismatch.key in write.rows
        ]
        return not own or not all(map(self.is_taken_back, own))

    def told(self) -> Iterator[Written]:
        """Every write in words."""
        for run, write in self.writes:
            yield tell_write(run, write, is_taken_back=run.command != "undo" and self.is_taken_back(write))


def tell_write(run: Run, write: Write, *, is_taken_back: bool = False) -> Written:
    """One write in words: its fields as they were, and as they were to be."""
    was = write.was or {}
    if write.method == "PATCH":
        wanted = {str(o.get("path")).lstrip("/"): o.get("value") for o in write.body or ()}
        before, after = _tell({name: was.get(name) for name in wanted}), _tell(wanted)
    elif write.kind == "CreateAddition" and isinstance(write.body, Mapping):
        names = ("quantity", "unitPrice", "unitCost", "effectiveDate")
        before, after = "", _tell({name: write.body[name] for name in names if name in write.body})
    else:
        before, after = "", f"id {write.id}" if write.id is not None else ""
    return Written(
        at=write.at or run.at,
        who=run.who,
        run=run.id,
        command=run.command,
        kind=write.kind,
        what=write.what,
        before=before,
        after=after,
        state=write.state,
        detail=write.detail,
        id=write.id,
        is_taken_back=is_taken_back,
    )


def _tell(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{_FIELDS.get(name, name)} {_tell_value(value)}" for name, value in fields.items())


def _tell_value(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case Decimal() | int():
            return tell_number(Decimal(value))
    return re.sub(r"^(\d{4}-\d\d-\d\d)T[\d:.]+Z?$", r"\1", str(value))


# Parts: what each line, addition and open row adds to the figures of its customer and product


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    currency: str
    customer_key: str
    product_key: str
    figures: Figures


def _line_parts(facts: Facts, ledger: _Ledger, naming: _Naming) -> Iterator[_Part]:
    months = _months_of_targets(facts, ledger.ids)
    for line in facts.lines:
        target = _line_target(line, facts.links[line.key], ledger.ids)
        figures = Figures(lines=1, billed=line.amount)
        if target in months:
            spread = line.billing_months or months[target]
            figures = replace(figures, cost=line.amount if spread == 1 else _cents(line.amount, spread))
        yield _Part(
            currency=line.currency,
            customer_key=naming.customer_of(line),
            product_key=naming.product_of(line),
            figures=figures,
        )


_Target = tuple[int | str, int | str, str]


def _months_of_targets(facts: Facts, ids: Mapping[str, int]) -> dict[_Target, int]:
    """The targets whose lines and additions can be held against each other, with their billing cycles.

    Not those with a part of a longer period: a yearly term that was increased half-way bills the increase
    alone, and what all its units cost stands in no line of the month.
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


def _target(entry: Compared, ids: Mapping[str, int]) -> _Target:
    return _known(entry.agreement, ids), _known(entry.item, ids), entry.currency


def _line_target(line: BillingLine, link: Link, ids: Mapping[str, int]) -> _Target | None:
    """What the line is compared with; None for a line that is not."""
    if not (line.is_compared and link.counts and link.agreement and link.item):
        return None
    return _known(link.agreement.to, ids), _known(link.item.to, ids), line.currency


def _known(to: int | str, ids: Mapping[str, int]) -> int | str:
    return ids.get(to, to) if isinstance(to, str) else to


def _cents(amount: Decimal, months: int) -> Decimal:
    with localcontext(prec=_DIGITS):
        return (amount / months).quantize(_CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class _Standing:
    """An addition with the units that it bills, without and with the month's writes."""

    of: Compared
    before: Decimal
    after: Decimal
    cost_change: Decimal = _ZERO  # of its unit cost


def _addition_parts(facts: Facts, ledger: _Ledger, naming: _Naming) -> Iterator[_Part]:
    months = _months_of_targets(facts, ledger.ids)
    chains: dict[int, list[_Standing]] = {}
    for entry in _additions(facts, ledger):
        assert entry.addition is not None  # noqa: S101 - see _additions
        standing = _standing(entry, ledger.courses.get(entry.addition, _Course()))
        chains.setdefault(ledger.roots.get(entry.addition, entry.addition), []).append(standing)
    for chain in chains.values():
        first = chain[0].of
        money = _money(chain)
        target = _target(first, ledger.ids)
        yield _Part(
            currency=first.currency,
            customer_key=naming.company(first.company, first.customer),
            product_key=naming.item(first.item, first.product),
            figures=replace(money, revenue=money.after) if target in months else money,
        )


def _money(chain: Sequence[_Standing]) -> Figures:
    """An addition with its successors, as one: impacts are rounded once, as on *Mismatches*."""
    first = chain[0].of
    price = next((entry.of.unit_price for entry in chain if entry.of.unit_price is not None), None)
    impact = sum((-e.cost_change * e.after for e in chain), _ZERO)
    figures = Figures(cost_impact=_cents(impact, first.months))
    if price is None:
        return replace(figures, unpriced=1)
    before = _cents(sum((e.before for e in chain), _ZERO) * price, first.months)
    change = _cents(sum((e.after - e.before for e in chain), _ZERO) * price, first.months)
    return replace(figures, before=before, after=before + change)


def _standing(entry: Compared, course: _Course) -> _Standing:
    units = entry.units
    first, last = course.first.get("quantity"), course.last.get("quantity")
    before = _ZERO if course.made else _billed(units if first is None else _number(first), entry)
    after = _ZERO if course.has_ended else _billed(units if last is None else _number(last), entry)
    cost = _ZERO
    if "unitCost" in course.last:
        cost = _number(course.last["unitCost"]) - _number(course.first["unitCost"])
    return _Standing(entry, before, after, cost)


def _billed(units: Decimal, entry: Compared) -> Decimal:
    return max(units - entry.included, _ZERO)


def _number(value: Any) -> Decimal:
    return _ZERO if value is None else Decimal(str(value))


def _additions(facts: Facts, ledger: _Ledger) -> Iterator[Compared]:
    """The additions that count: those that the workbook saw, and those that the month's writes made.

    One that ended since counts where the month's writes ended it.
    """
    seen = {entry.addition: entry for entry in facts.compared if entry.addition is not None}
    for id_, entry in seen.items():
        if not entry.has_ended or id_ in ledger.courses:
            yield entry
    for id_, course in ledger.courses.items():
        if id_ not in seen and course.made is not None:
            yield _made(course.made, id_, seen.get(ledger.roots.get(id_, 0)), facts)


def _made(write: Write, id_: int, root: Compared | None, facts: Facts) -> Compared:
    """An addition of the month that no check has seen yet, described by the row that asked for it."""
    body = write.body if isinstance(write.body, Mapping) else {}
    found = _ADDITION.fullmatch(write.path)
    agreement = int(found[1]) if found else 0
    item = int((body.get("product") or {}).get("id") or 0)
    row = next((row.mismatch for row in facts.rows if row.mismatch.key in write.rows), None)
    beside = root or next((entry for entry in facts.compared if entry.agreement == agreement), None)
    price = body.get("unitPrice")
    if price is None and row is not None:
        price = row.unit_price
    currencies = {line.key: line.currency for line in facts.lines}
    lines = [currencies[key] for key in row.line_keys if key in currencies] if row else []
    company = row.company if row else None
    if not isinstance(company, int):
        company = beside.company if beside else None
    return Compared(
        agreement=agreement,
        item=item,
        company=company,
        customer=row.customer if row else beside.customer if beside else "",
        product=row.product if row else root.product if root else "",
        currency=beside.currency if beside else next(iter(lines), ""),
        months=row.months if row else beside.months if beside else 1,
        addition=id_,
        units=_number(body.get("quantity")),
        included=_number(body.get("lessIncluded")),
        unit_price=None if price is None else _number(price),
    )


def _open_parts(rows: Iterable[Row], naming: _Naming) -> Iterator[_Part]:
    for row in rows:
        impact = row.mismatch.impact or _ZERO
        customer, product = naming.row(row.mismatch)
        yield _Part(
            currency=naming.currency(row.mismatch),
            customer_key=customer,
            product_key=product,
            figures=Figures(open=1, up=max(impact, _ZERO), down=min(impact, _ZERO)),
        )


def _open_row(row: Row, naming: _Naming) -> OpenRow:
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
            up = sum((i for i in impacts if i > 0), _ZERO)
            down = sum((i for i in impacts if i < 0), _ZERO)
            if own:
                yield KindTotal(str(kind), currency, len(own), up, down)


# Names: which customer and product everything belongs to


class _Naming:
    """The customer and product of lines, additions and rows, by keys; and what they are called.

    ConnectWise's label where it is linked, the BSS's name where not. A line without a link of its own belongs
    with the other lines of its BSS customer (or product), where these agree.
    """

    def __init__(self, facts: Facts, ids: Mapping[str, int]) -> None:
        self._ids = ids
        self._names = facts.names
        self.customers: dict[str, str] = {}
        self.products: dict[str, str] = {}
        self._links = facts.links
        self._companies = self._agreed(
            (line.customer_key, facts.links[line.key].company) for line in facts.lines
        )
        self._items = self._agreed((line.bss_product, facts.links[line.key].item) for line in facts.lines)
        self._lines = {line.key: line for line in facts.lines}
        by_currency = Counter(line.currency for line in facts.lines)
        self._usual = max(by_currency, key=lambda name: (by_currency[name], name), default="")
        self._currencies: dict[int | str, str] = {}
        for entry in facts.compared:
            self._currencies.setdefault(entry.agreement, entry.currency)

    def _agreed(self, parts: Iterable[tuple[str, Choice | None]]) -> dict[str, int]:
        found: dict[str, set[int]] = {}
        for key, choice in parts:
            id_ = self._id(choice)
            if id_ is not None:
                found.setdefault(key, set()).add(id_)
        return {key: next(iter(ids)) for key, ids in found.items() if len(ids) == 1}

    def _id(self, choice: Choice | None) -> int | None:
        if choice is None or choice.evidence is Evidence.SUGGESTED:
            return None
        to = _known(choice.to, self._ids)
        return to if isinstance(to, int) else None

    def customer_of(self, line: BillingLine) -> str:
        """The customer of a line."""
        id_ = self._id(self._links[line.key].company)
        id_ = self._companies.get(line.customer_key) if id_ is None else id_
        return self.company(id_, line.customer, line.customer_key)

    def product_of(self, line: BillingLine) -> str:
        """The product of a line."""
        id_ = self._id(self._links[line.key].item)
        id_ = self._items.get(line.bss_product) if id_ is None else id_
        return self.item(id_, line.product, line.bss_product)

    def company(self, id_: int | None, name: str, key: str = "") -> str:
        """A company by id; without one, a BSS customer by its key, or by its name."""
        return self._key(self.customers, "company", id_, name, key)

    def item(self, id_: int | str | None, name: str, key: str = "") -> str:
        """A catalog item by id; without one, a BSS product by its key, or by its name."""
        known = _known(id_, self._ids) if id_ is not None else None
        return self._key(self.products, "item", known if isinstance(known, int) else None, name, key)

    def _key(self, names: dict[str, str], part: str, id_: int | None, name: str, key: str) -> str:
        if id_ is None:
            names.setdefault(f"bss {key or name}", name)
            return f"bss {key or name}"
        names.setdefault(f"id {id_}", self._names.get(part, {}).get(id_) or name or f"{part} {id_}")
        return f"id {id_}"

    def row(self, mismatch: Mismatch) -> tuple[str, str]:
        """The customer and product of a row of *Mismatches*: those of its lines."""
        line = next((self._lines[key] for key in mismatch.line_keys if key in self._lines), None)
        if line is not None:
            return self.customer_of(line), self.product_of(line)
        company = mismatch.company if isinstance(mismatch.company, int) else None
        return self.company(company, mismatch.customer), self.item(mismatch.item, mismatch.product)

    def currency(self, mismatch: Mismatch) -> str:
        """The currency of a row's money."""
        line = next((self._lines[key] for key in mismatch.line_keys if key in self._lines), None)
        if line is not None:
            return line.currency
        known = None if mismatch.agreement is None else self._currencies.get(mismatch.agreement)
        return self._usual if known is None else known

    def named(self, groups: Iterable[Group], names: Mapping[str, str]) -> list[Group]:
        """The groups with their names in place of keys."""
        return [
            replace(group, name=names[group.name], is_linked=group.name.startswith("id ")) for group in groups
        ]


def _grouped(parts: Iterable[tuple[str, str, _Part]]) -> list[Group]:
    found: dict[tuple[str, str], list[Figures]] = {}
    for currency, key, part in parts:
        found.setdefault((currency, key), []).append(part.figures)
    return [Group(key, currency, False, add(figures)) for (currency, key), figures in found.items()]


def _ranked(groups: Iterable[Group], rank: Mapping[str, int]) -> tuple[Group, ...]:
    """The most money first, one currency after another."""
    return tuple(
        sorted(
            groups,
            key=lambda group: (
                rank[group.currency],
                -max(abs(group.figures.billed), abs(group.figures.after)),
                group.name.casefold(),
            ),
        )
    )
