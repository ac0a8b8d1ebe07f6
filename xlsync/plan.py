"""Plan: every approved change as an action, in order of need, and what is skipped and why. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from xlsync.errors import UnsafePlan
from xlsync.models import Addition
from xlsync.units import tell_number


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCompany:
    """A customer that ConnectWise lacks."""

    key: str
    rows: tuple[str, ...]
    name: str
    identifier: str
    type_id: int | None = None
    address: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country_id: int | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the actions that must have been done before."""
        return ()

    def __str__(self) -> str:
        return f"create customer {self.name} [{self.identifier}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateContact:
    """A person at a customer; every agreement needs one."""

    key: str
    rows: tuple[str, ...]
    company: int | str
    first_name: str
    last_name: str
    email: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the actions that must have been done before."""
        return _keys(self.company)

    def __str__(self) -> str:
        return f"create contact {' '.join(filter(None, (self.first_name, self.last_name)))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAgreement:
    """A customer's agreement; `contact` is None where the company's default contact is taken."""

    key: str
    rows: tuple[str, ...]
    company: int | str
    contact: int | str | None
    name: str
    type_id: int
    billing_cycle_id: int | None = None
    start: dt.date | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the actions that must have been done before."""
        return _keys(self.company, self.contact)

    def __str__(self) -> str:
        return f"create agreement {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCatalogItem:
    """A product that the catalog lacks; the marketplace's code becomes its mark."""

    key: str
    rows: tuple[str, ...]
    identifier: str
    description: str
    customer_description: str
    type_id: int
    subcategory_id: int
    price: Decimal | None = None
    cost: Decimal | None = None
    code: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the actions that must have been done before."""
        return ()

    def __str__(self) -> str:
        return f"create product {self.identifier}: {self.description}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAddition:
    """A product put on an agreement.

    `beside` are the additions of the product that stood there when it was approved: one that is not
    among them was made since. `monthly` is its price a month.
    """

    key: str
    rows: tuple[str, ...]
    agreement: int | str
    item: int | str
    quantity: Decimal
    unit_cost: Decimal | None
    effective: dt.date | None
    customer: str
    product: str
    contract_id: str = ""
    beside: tuple[int, ...] = ()
    monthly: Decimal = Decimal(0)

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the actions that must have been done before."""
        return _keys(self.agreement, self.item)

    def __str__(self) -> str:
        return f"create addition {self.product} for {self.customer}: {tell_number(self.quantity)} units"


class Field(StrEnum):
    """What may be changed on an addition; the values are ConnectWise's field names."""

    QUANTITY = "quantity"
    UNIT_COST = "unitCost"

    @property
    def header(self) -> str:
        """The column that shows it."""
        return {Field.QUANTITY: "ConnectWise Units", Field.UNIT_COST: "ConnectWise Cost"}[self]

    def of(self, addition: Addition) -> Decimal | None:
        """Its value on an addition."""
        return addition.quantity if self is Field.QUANTITY else addition.unit_cost


@dataclass(frozen=True, slots=True)
class Change:
    """One value of an addition: as it was approved, and as it shall be."""

    field: Field
    seen: Decimal | None
    wanted: Decimal

    def __str__(self) -> str:
        seen = "none" if self.seen is None else tell_number(self.seen)
        return f"{'units' if self.field is Field.QUANTITY else 'cost'} {seen} -> {tell_number(self.wanted)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAddition:
    """New units or cost on one addition: all that is approved for it, in one request.

    `seen` is the addition as the approved rows showed it.
    """

    key: str
    rows: tuple[str, ...]
    seen: Addition
    changes: tuple[Change, ...]
    customer: str
    product: str
    monthly: Decimal = Decimal(0)

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the actions that must have been done before."""
        return ()

    def __str__(self) -> str:
        return f"update {self.product} for {self.customer}: {', '.join(map(str, self.changes))}"


Action = CreateCompany | CreateContact | CreateAgreement | CreateCatalogItem | CreateAddition | UpdateAddition

_ORDER: tuple[type[Action], ...] = (
    CreateCompany,
    CreateContact,
    CreateAgreement,
    CreateCatalogItem,
    CreateAddition,
    UpdateAddition,
)


class State(StrEnum):
    """What became of an action."""

    DONE = "done"
    ALREADY = "already"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one action, in words for the *Result* cells of its rows.

    `changed` tells that ConnectWise no longer held the values that were approved.
    """

    key: str
    kind: str
    rows: tuple[str, ...]
    state: State
    detail: str = ""
    id: int | None = None
    changed: bool = False

    @property
    def text(self) -> str:
        """As it stands in *Result*."""
        glue = " " if self.state in {State.DONE, State.ALREADY} else ": "
        return f"{self.state}{glue}{self.detail}" if self.detail else str(self.state)


@dataclass(frozen=True, slots=True)
class Plan:
    """All actions in order of need, and what needs no action or cannot be done, with the reason."""

    actions: tuple[Action, ...]
    settled: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far one run may go; a plan at a limit passes, one over it does not."""

    creations: int = 50
    percent: Decimal = Decimal(500)
    units: Decimal = Decimal(1000)
    money: Decimal = Decimal(10000)


def outcome(action: Action, state: State, detail: str = "", id: int | None = None) -> Outcome:  # noqa: A002
    """The outcome of an action."""
    return Outcome(
        key=action.key, kind=type(action).__name__, rows=action.rows, state=state, detail=detail, id=id
    )


def judge_update(action: UpdateAddition, live: Addition | None) -> Outcome | None:
    """Compare seen, live and wanted: the outcome where nothing is to be sent, else None.

    Every value that the approved rows showed must still hold, but for those that already are as wanted.
    """
    if live is None:
        return outcome(action, State.SKIPPED, f"addition {action.seen.id} is no longer there")
    if live.cancelled is not None and live.cancelled != action.seen.cancelled:
        return _changed(action, f"the addition has been cancelled as of {live.cancelled}")
    wanted = {change.field: change.wanted for change in action.changes}
    differing = [
        f"{name} was {_tell(seen)} and is now {_tell(now)}"
        for name, seen, now, wish in (
            ("ConnectWise Units", action.seen.quantity, live.quantity, wanted.get(Field.QUANTITY)),
            ("ConnectWise Cost", action.seen.unit_cost, live.unit_cost, wanted.get(Field.UNIT_COST)),
            ("Unit Price", action.seen.unit_price, live.unit_price, None),
        )
        if now != seen and (wish is None or now != wish)
    ]
    if live.item_id != action.seen.item_id:
        differing.append("it is another product now")
    if all(change.field.of(live) == change.wanted for change in action.changes):
        return outcome(action, State.ALREADY, _tell_wanted(action), live.id)
    if differing:
        return _changed(action, "; ".join(differing))
    return None


def judge_creation(action: CreateAddition, live: Sequence[Addition]) -> Outcome | None:
    """Whether the addition was made since it was approved: the outcome then, else None."""
    since = [
        a for a in live if a.item_id == action.item and a.cancelled is None and a.id not in action.beside
    ]
    for addition in since:
        if addition.quantity == action.quantity:
            return outcome(action, State.ALREADY, f"addition {addition.id}", addition.id)
    if since:
        units = tell_number(since[0].quantity)
        return _changed(action, f"addition {since[0].id} was made since, with {units} units")
    return None


def build_plan(actions: Iterable[Action], judge: Callable[[Action], Outcome | None]) -> Plan:
    """Order actions by need and settle those that need no request; what needs a failed one goes with it."""
    ordered = sorted(actions, key=lambda action: (_ORDER.index(type(action)), action.key))
    settled: dict[str, Outcome] = {}
    to_do: list[Action] = []
    for action in ordered:
        lost = first_lost(action, settled)
        result = outcome(action, State.SKIPPED, tell_lost(lost)) if lost else judge(action)
        if result is None:
            to_do.append(action)
        else:
            settled[action.key] = result
    return Plan(tuple(to_do), tuple(settled.values()))


def first_lost(action: Action, outcomes: Mapping[str, Outcome]) -> Outcome | None:
    """What an action needs and cannot have."""
    lost = (State.SKIPPED, State.FAILED, State.UNKNOWN)
    needed = (outcomes[key] for key in action.needs if key in outcomes)
    return next((result for result in needed if result.state in lost), None)


def tell_lost(lost: Outcome) -> str:
    """Why an action is skipped, in terms of what it needed."""
    return f"needs {lost.key}, which is {lost.text}"


def monthly_money(action: Action) -> Decimal:
    """What an action changes in a month's billing, up or down."""
    match action:
        case CreateAddition() | UpdateAddition():
            return action.monthly
        case CreateCompany() | CreateContact() | CreateAgreement() | CreateCatalogItem():
            return Decimal(0)
        case _:
            assert_never(action)


def check_limits(plan: Plan, limits: Limits) -> None:
    """Stop a plan that goes further than the limits; raises UnsafePlan naming each limit and number."""
    over: list[str] = []
    creations = sum(not isinstance(action, UpdateAddition) for action in plan.actions)
    if creations > limits.creations:
        over.append(f"{creations} creations, the limit is {limits.creations}")
    for action in plan.actions:
        over.extend(f"{action}: {text}" for text in _over_units(action, limits))
    money = sum((abs(monthly_money(action)) for action in plan.actions), Decimal(0))
    if money > limits.money:
        over.append(f"{tell_number(money)} of monthly money, the limit is {tell_number(limits.money)}")
    if over:
        raise UnsafePlan(
            "The plan goes over its limits, nothing was written:\n  " + "\n  ".join(over),
            "Check these rows; if they are right, run apply again with --force, "
            "or raise the limits in the settings.",
        )


def _over_units(action: Action, limits: Limits) -> Iterable[str]:
    match action:
        case CreateAddition():
            before, after = Decimal(0), action.quantity
        case UpdateAddition():
            units = [change for change in action.changes if change.field is Field.QUANTITY]
            if not units:
                return
            before, after = units[0].seen or Decimal(0), units[0].wanted
            if after == 0 and before != 0:
                yield "a drop to zero"
        case CreateCompany() | CreateContact() | CreateAgreement() | CreateCatalogItem():
            return
        case _:
            assert_never(action)
    change = abs(after - before)
    if change > limits.units:
        yield f"a change of {tell_number(change)} units, the limit is {tell_number(limits.units)}"
    if before and change * 100 > limits.percent * abs(before):
        percent = (change * 100 / abs(before)).quantize(Decimal(1))
        yield f"a change of {percent} %, the limit is {tell_number(limits.percent)} %"


def _changed(action: Action, detail: str) -> Outcome:
    return Outcome(
        key=action.key,
        kind=type(action).__name__,
        rows=action.rows,
        state=State.SKIPPED,
        detail=f"changed since export: {detail}; run check, look again and approve again",
        changed=True,
    )


def _tell_wanted(action: UpdateAddition) -> str:
    return ", ".join(
        f"{'units' if change.field is Field.QUANTITY else 'cost'} {tell_number(change.wanted)}"
        for change in action.changes
    )


def _tell(number: Decimal | None) -> str:
    return "empty" if number is None else tell_number(number)


def _keys(*references: int | str | None) -> tuple[str, ...]:
    return tuple(reference for reference in references if isinstance(reference, str))
