"""Plan: every approved change as an action, in order of need, and what is skipped and why. PURE."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, assert_never

from xlsync.amounts import tell_cost, tell_number
from xlsync.apply.actions import (
    FIELDS,
    ORDER,
    Action,
    Basis,
    CreateAddition,
    CreateAgreement,
    CreateCatalogItem,
    CreateCompany,
    CreateContact,
    CreateInvoice,
    Field,
    SetFields,
    Setting,
    UpdateAddition,
    kind_of,
    tell_field,
)
from xlsync.connectwise.records import AgreementNow, ItemNow
from xlsync.errors import UnsafePlan
from xlsync.models import Addition, Recap
from xlsync.settings import Limits


class State(StrEnum):
    """What became of an action."""

    DONE = "done"
    ALREADY = "already"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    PLANNED = "planned"

    @property
    def words(self) -> str:
        """The state as people are told of it."""
        return "no change needed" if self is State.ALREADY else str(self)


_NAMED: Final = 5  # actions that a limit names
_ON_AGREEMENTS: Final = (CreateAddition, UpdateAddition, SetFields)
LOST: Final = (State.SKIPPED, State.FAILED, State.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one action, in words for the *Result* cells of its rows.

    `changed` tells that ConnectWise no longer held the values that were approved, `differs` that it stored
    something else than was sent, `is_spent` that an earlier run carried the action out, and `run` which one.
    `waits_for` is the key of what it needs and cannot have.
    """

    key: str
    kind: str
    rows: tuple[str, ...]
    state: State
    detail: str = ""
    id: int | None = None
    changed: bool = False
    differs: bool = False
    is_spent: bool = False
    run: str = ""
    waits_for: str = ""
    invoice_number: str = ""

    @property
    def text(self) -> str:
        """As it stands in *Result*."""
        if self.state is State.ALREADY and not self.is_spent:
            return f"already {self.detail}: no change needed"
        glue = " " if self.state is State.DONE else ": "
        return f"{self.state}{glue}{self.detail}" if self.detail else str(self.state)


@dataclass(frozen=True, slots=True)
class Plan:
    """All actions in order of need, and what needs no action or cannot be done, with the reason.

    `lifted` are the rows for which a person lifted the limits.
    """

    actions: tuple[Action, ...]
    settled: tuple[Outcome, ...] = ()
    lifted: Set[str] = frozenset()


def outcome(action: Action, state: State, detail: str = "", id: int | None = None) -> Outcome:  # noqa: A002
    """The outcome of an action."""
    return Outcome(key=action.key, kind=kind_of(action), rows=action.rows, state=state, detail=detail, id=id)


def judge_update(action: UpdateAddition, live: Addition | None) -> Outcome | None:
    """Compare seen, live and wanted: the outcome where nothing is to be sent, else None.

    Every value that the approved rows showed must still hold, but for those that already are as wanted.
    """
    if live is None:
        return outcome(action, State.SKIPPED, f"addition {action.seen.id} is no longer there")
    if live.cancelled != action.seen.cancelled:
        return _changed(action, _tell_cancelled(live))
    wanted = {change.field: change.wanted for change in action.changes}
    differing = _differing(action.seen, live, wanted)
    if all(change.field.of(live) == change.wanted for change in action.changes):
        return outcome(action, State.ALREADY, _tell_wanted(action), live.id)
    return _changed(action, differing) if differing else None


def judge_settings(
    action: SetFields, live: Mapping[str, Setting], guarded: Addition | None
) -> Outcome | None:
    """Compare seen, live and wanted for a `SetFields`: `live` maps field names to what ConnectWise holds now.

    `guarded` is the current state of `action.guard`.
    """
    if all(live[change.name] == change.wanted for change in action.changes):
        told = ", ".join(
            f"{FIELDS.get(change.name, change.name)} {_tell(change.name, change.wanted)}"
            for change in action.changes
            if change.seen != change.wanted
        )
        return outcome(action, State.ALREADY, told)
    differing = [
        _tell_change(change.name, change.name, change.seen, live[change.name])
        for change in action.changes
        if live[change.name] not in (change.seen, change.wanted)
    ]
    if action.guard is not None and guarded is not None:
        differing += filter(None, [_differing(action.guard, guarded, {})])
    return _changed(action, "; ".join(differing)) if differing else None


def judge_invoice(action: CreateInvoice, live: Recap) -> Outcome | None:
    """Whether an invoice was made since it was approved, or would be another one now.

    An agreement that has no next invoice any more was invoiced only where its last one tells so: it may have
    been cancelled instead.
    """
    if live.unclear:
        return outcome(action, State.SKIPPED, f"its recap cannot be read for sure: {live.unclear}")
    is_later = live.next_date is not None and live.next_date > action.seen_date
    was_last = live.next_date is None and live.last_date is not None and live.last_date >= action.seen_date
    if is_later or was_last:
        found = outcome(action, State.ALREADY, f"invoice {live.last_number}".strip())
        return replace(found, invoice_number=live.last_number)
    if live.next_date != action.seen_date or live.next_amount != action.seen_amount:
        amount = "empty" if live.next_amount is None else tell_cost(live.next_amount)
        now = f"{amount} on {live.next_date}" if live.next_date else "none"
        was = f"{tell_cost(action.seen_amount)} on {action.seen_date}"
        return _changed(action, f"the next invoice was {was} and is now {now}")
    return None


def _differing(seen: Addition, live: Addition, wanted: Mapping[Field, Decimal]) -> str:
    """Which values that a row showed are others now, but for those that are as wanted."""
    told = [
        _tell_change(header, field, was, now)
        for header, field, was, now, wish in (
            ("ConnectWise Units", "quantity", seen.quantity, live.quantity, wanted.get(Field.QUANTITY)),
            ("ConnectWise Cost", "unitCost", seen.unit_cost, live.unit_cost, wanted.get(Field.UNIT_COST)),
            ("Unit Price", "unitPrice", seen.unit_price, live.unit_price, None),
            ("lessIncluded", "lessIncluded", seen.less_included, live.less_included, None),
        )
        if now != was and (wish is None or now != wish)
    ]
    if live.item_id != seen.item_id:
        told.append("it is another product now")
    return "; ".join(told)


def _tell_cancelled(live: Addition) -> str:
    if live.cancelled is None:
        return "the addition is not cancelled any more"
    return f"the addition has been cancelled as of {live.cancelled}"


def _tell_change(name: str, field: str, was: Setting, now: Setting) -> str:
    return f"{name} was {_tell(field, was)} and is now {_tell(field, now)}"


def _tell(field: str, value: Setting) -> str:
    match value:
        case None:
            return "empty"
        case Decimal():
            return tell_field(field, value)
    return str(value)


def judge_creation(action: CreateAddition, live: Sequence[Addition]) -> Outcome | None:
    """Whether the addition was made since it was approved, or continues what is another now; else None."""
    ends = {None, action.succeeds.addition.cancelled if action.succeeds else None}
    since = [
        a for a in live if a.item_id == action.item and a.cancelled in ends and a.id not in action.beside
    ]
    for addition in since:
        if addition.quantity == action.quantity:
            return outcome(action, State.ALREADY, f"there (addition {addition.id})", addition.id)
    if since:
        units = tell_number(since[0].quantity)
        return _changed(action, f"addition {since[0].id} was made since, with {units} units")
    seen = action.succeeds.addition if action.succeeds else None
    differing = [told for a in live if seen and a.id == seen.id and (told := _differing(seen, a, {}))]
    return _changed(action, differing[0]) if differing else None


def judge_agreement(action: Action, seen: Basis, live: AgreementNow | None, day: dt.date) -> Outcome | None:
    """Skipped, where the agreement that a write rests upon has changed; `day` is when the write counts."""
    if live is None:
        return _changed(action, "the agreement is no longer there")
    if live.closed:
        return _changed(action, f"the agreement is {live.closed.casefold()} now")
    if live.end is not None and live.end < day:
        return _changed(action, f"the agreement has ended on {live.end}")
    if seen.company is not None and live.company_id != seen.company:
        return _changed(action, "the agreement belongs to another company now")
    if seen.currency and live.currency and live.currency != seen.currency:
        return _changed(action, f"the agreement's currency was {seen.currency} and is now {live.currency}")
    return None


def judge_item(action: CreateAddition, live: ItemNow | None) -> Outcome | None:
    """Skipped, where the product of a new addition is gone, inactive or of another price than was shown."""
    if live is None:
        return _changed(action, "the product is no longer in the catalog")
    if not live.is_active:
        return _changed(action, "the product is inactive now")
    if action.seen_price is not None and live.price != action.seen_price:
        return _changed(action, _tell_change("Unit Price", "unitPrice", action.seen_price, live.price))
    return None


def build_plan(
    actions: Iterable[Action],
    judge: Callable[[Action], Outcome | None],
    spent: Mapping[str, Outcome] = MappingProxyType({}),
) -> Plan:
    """Order actions by need and settle those that need no request.

    What needs something that is lost, or that nobody approved, goes with it. `spent` are the outcomes of
    those that an earlier run carried out, by key.
    """
    ordered = sorted(actions, key=lambda action: (ORDER.index(type(action)), action.key))
    planned = {action.key for action in ordered}
    settled = {key: result for key, result in spent.items() if key not in planned}
    to_do: list[Action] = []
    for action in ordered:
        lost = first_lost(action, settled)
        missing = next((key for key in action.needs if key not in planned), None)
        result: Outcome | None
        if action.key in spent:
            result = spent[action.key]
        elif lost:
            result = skip_for(action, lost)
        elif missing:
            detail = f"needs {missing}, which is not approved on sheet New in ConnectWise"
            result = replace(outcome(action, State.SKIPPED, detail), waits_for=missing)
        else:
            result = judge(action)
        if result is None:
            to_do.append(action)
        else:
            settled[action.key] = result
    return Plan(tuple(to_do), tuple(settled.values()))


def count_states(outcomes: Iterable[Outcome]) -> str:
    """How many came to what: `2 done, 1 no change needed`; empty where there are none."""
    count = Counter(result.state for result in outcomes)
    return ", ".join(f"{count[state]} {state.words}" for state in State if count[state])


def first_lost(action: Action, outcomes: Mapping[str, Outcome]) -> Outcome | None:
    """What an action needs and cannot have."""
    needed = (outcomes[key] for key in action.needs if key in outcomes)
    return next((result for result in needed if result.state in LOST), None)


def skip_for(action: Action, lost: Outcome) -> Outcome:
    """The outcome of an action that is skipped for what it needed."""
    skipped = outcome(action, State.SKIPPED, f"needs {lost.key}, which is {lost.text}")
    return replace(skipped, waits_for=lost.key)


def monthly_money(action: Action) -> Decimal:
    """What an action changes in a month's billing, up or down."""
    match action:
        case CreateAddition() | UpdateAddition() | SetFields():
            return action.monthly
        case CreateInvoice():
            return Decimal(0)  # what additions bill is not changed by invoicing it
        case CreateCompany() | CreateContact() | CreateAgreement() | CreateCatalogItem():
            return Decimal(0)
        case _:
            assert_never(action)


def check_limits(plan: Plan, limits: Limits) -> None:
    """Stop a plan that goes further than the limits; raises UnsafePlan naming each limit, number and row.

    Rows with *Yes, over limit* are not counted.
    """
    counted = [action for action in plan.actions if not action.rows or not set(action.rows) <= plan.lifted]
    over = [*_over_counts(counted, limits)]
    for action in counted:
        over.extend(f"{action}: {text}" for text in _over_units(action, limits))
        if isinstance(action, CreateAddition) and not action.is_price_known:
            over.append(f"{action}: its price is not known")
    over += _over_money(counted, limits)
    if over:
        raise UnsafePlan(
            "The plan goes over its limits, nothing was written:\n  " + "\n  ".join(over),
            "Check these rows; if they are right, set their Approve to Yes, over limit, "
            "or run apply again with --force, or raise the limits in the settings.",
        )


def _over_counts(actions: Sequence[Action], limits: Limits) -> Iterator[str]:
    """Creations and drops to zero that are too many."""
    creations = [
        action for action in actions if not isinstance(action, UpdateAddition | SetFields | CreateInvoice)
    ]
    if len(creations) > limits.creations:
        yield f"{len(creations)} creations, the limit is {limits.creations}: {_named(creations)}"
    drops = [action for action in actions if _drops(action)]
    if len(drops) > limits.zero:
        for action in drops:
            is_zero = _units(action)[1] == 0 and _units(action)[0] != 0
            yield f"{action}: a drop to zero" if is_zero else f"{action}: a fall by nine tenths or more"
        if limits.zero:
            yield f"{len(drops)} drops to zero, the limit is {limits.zero}"


def _over_money(actions: Sequence[Action], limits: Limits) -> Iterator[str]:
    """Monthly money that comes to too much in one currency."""
    money: dict[str, Decimal] = {}
    movers: dict[str, list[Action]] = {}
    for action in actions:
        currency = action.basis.currency if isinstance(action, _ON_AGREEMENTS) and action.basis else ""
        amount = monthly_money(action)
        if amount:
            kind = " ".join(filter(None, (currency, "of monthly money")))
            money[kind] = money.get(kind, Decimal(0)) + abs(amount)
            movers.setdefault(kind, []).append(action)
    for kind, total in money.items():
        if total > limits.money:
            largest = sorted(movers[kind], key=lambda action: -abs(monthly_money(action)))
            yield f"{tell_cost(total)} {kind}, the limit is {tell_cost(limits.money)}: {_named(largest)}"


def _named(actions: Sequence[Action]) -> str:
    """The first of these actions, and how many more there are."""
    more = len(actions) - _NAMED
    return "; ".join(map(str, actions[:_NAMED])) + (f"; and {more} more" if more > 0 else "")


def _units(action: Action) -> tuple[Decimal, Decimal]:
    """The units that are billed before and after an action; none and none where it changes none."""
    match action:
        case CreateAddition():
            return action.succeeds.addition.quantity if action.succeeds else Decimal(0), action.quantity
        case UpdateAddition():
            units = [change for change in action.changes if change.field is Field.QUANTITY]
            return (units[0].seen or Decimal(0), units[0].wanted) if units else (Decimal(0), Decimal(0))
        case SetFields():
            return action.stops, Decimal(0)
        case CreateCompany() | CreateContact() | CreateAgreement() | CreateCatalogItem() | CreateInvoice():
            return Decimal(0), Decimal(0)
        case _:
            assert_never(action)


def _drops(action: Action) -> bool:
    """Whether units or cost fall to zero, or by nine tenths, which comes to the same for who is billed."""
    before, after = _units(action)
    falls = [(before, after)]
    if isinstance(action, UpdateAddition):
        falls += [(c.seen or Decimal(0), c.wanted) for c in action.changes if c.field is Field.UNIT_COST]
    return any(after * 10 <= before and before > 0 for before, after in falls)


def _over_units(action: Action, limits: Limits) -> Iterable[str]:
    before, after = _units(action)
    change = abs(after - before)
    if change > limits.units:
        yield f"a change of {tell_number(change)} units, the limit is {tell_number(limits.units)}"
    if before and change * 100 > limits.percent * abs(before):
        percent = (change * 100 / abs(before)).quantize(Decimal(1))
        yield f"a change of {percent} %, the limit is {tell_number(limits.percent)} %"


def _changed(action: Action, detail: str) -> Outcome:
    return Outcome(
        key=action.key,
        kind=kind_of(action),
        rows=action.rows,
        state=State.SKIPPED,
        detail=f"changed since export: {detail}; run check, look again and approve again",
        changed=True,
    )


def _tell_wanted(action: UpdateAddition) -> str:
    return ", ".join(
        f"{tell_number(c.wanted)} units"
        if c.field is Field.QUANTITY
        else f"{c.field.word} {tell_field(c.field, c.wanted)}"
        for c in action.changes
    )
