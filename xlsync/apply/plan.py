"""Plan: approved changes as actions in order of need, and those skipped with the reason. PURE."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct, field

from xlsync.apply.action_base import Basis, ShownLabels
from xlsync.apply.actions import CREATED, ORDER, Action, CreateAddition, kind_of
from xlsync.apply.set_fields import CANCEL, RETIRE, SetFields
from xlsync.connectwise.records import AgreementNow
from xlsync.printable import one_line
from xlsync.records import replace


class State(StrEnum):
    """The states in which an action can end."""

    DONE = "done"
    ALREADY = "already"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    PLANNED = "planned"

    @property
    def words(self) -> str:
        """The state in words for people."""
        return "no change needed" if self is State.ALREADY else str(self)


class RefusedFor(StrEnum):
    """The reasons for which ConnectWise refuses not one row but every row, so that a run stops."""

    KEYS = "the keys"
    RIGHTS = "a right that the keys lack"
    CUSTOM_FIELDS = "custom fields"
    RELEASE = "the release of the API"


LOST: Final = (State.SKIPPED, State.FAILED, State.UNKNOWN)
UNNEEDED: Final = ": no change needed"  # how the text of an outcome ends that needed no request
CHANGED: Final = "changed since export"  # how the detail of a changed outcome begins


def is_carried_out(result: str) -> bool:
    """Return whether a row's *Result* says that everything was done."""
    return result.casefold().startswith((State.DONE, State.ALREADY))


class Outcome(Struct, frozen=True, kw_only=True):
    """The outcome of one action, with words for the *Result* cells of its rows.

    `changed` is True if ConnectWise no longer had the approved values, `differs` if it stored something else
    than was sent, what is there was created with other values, or the journal could not note the outcome,
    `is_spent` if an earlier run (`run`) carried out the action; `taken_back` holds the *Result* of rows that
    an undo took back since. `waits_for` is the key of a needed action that was not done, `refused_for` why
    other writes would be refused as well. `subject` names for people what the action is about.
    """

    key: str
    kind: str
    subject: str
    rows: tuple[str, ...]
    state: State
    detail: str = ""
    id: int | None = None
    changed: bool = False
    differs: bool = False
    is_spent: bool = False
    taken_back: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    waits_for: str = ""
    invoice_number: str = ""
    refused_for: RefusedFor | None = None

    @property
    def text(self) -> str:
        """The text of the cell *Result*."""
        if self.state is State.ALREADY and not self.is_spent:
            return f"already {self.detail}{'' if self.differs else UNNEEDED}"
        glue = " " if self.state is State.DONE else ": "
        return f"{self.state}{glue}{self.detail}" if self.detail else str(self.state)

    @property
    def is_as_approved(self) -> bool:
        """Return whether ConnectWise is known to hold what was approved; else a person is to be told why."""
        return self.state not in LOST and not self.differs

    @property
    def reason(self) -> str:
        """The reason why ConnectWise holds something else, with what it is about, for terminals and boxes."""
        return one_line(self.detail if self.subject in self.detail else f"{self.subject}: {self.detail}")


class Plan(Struct, frozen=True):
    """All actions in order of need, and the outcomes of those that need no request or cannot be done.

    `lifted` are the rows for which a person lifted the limits.
    """

    actions: tuple[Action, ...]
    outcomes: tuple[Outcome, ...] = ()
    lifted: Set[str] = frozenset()


def outcome(action: Action, state: State, detail: str = "", id: int | None = None) -> Outcome:  # noqa: A002
    """Make the outcome of an action."""
    return Outcome(
        key=action.key,
        kind=kind_of(action),
        subject=action.subject,
        rows=action.rows,
        state=state,
        detail=detail,
        id=id,
    )


def changed(action: Action, detail: str) -> Outcome:
    """Make the outcome of an action skipped because ConnectWise has other values than were approved."""
    detail = f"{CHANGED}: {detail}; run check, look again and approve again"
    return replace(outcome(action, State.SKIPPED, detail), changed=True)


def judge_agreement(action: Action, seen: Basis, live: AgreementNow | None, day: dt.date) -> Outcome | None:
    """Return a skipped outcome if the agreement of a write changed; `day` is the write's effective day."""
    if live is None:
        return changed(action, "the agreement is no longer there")
    if live.closed:
        return changed(action, f"the agreement is {live.closed.casefold()} now")
    if live.end is not None and live.end < day:
        return changed(action, f"the agreement has ended on {live.end}")
    if seen.company is not None and live.company_id != seen.company:
        return changed(action, "the agreement belongs to another company now")
    if seen.currency and live.currency and live.currency != seen.currency:
        return changed(action, f"the agreement's currency was {seen.currency} and is now {live.currency}")
    was, now = seen.next_invoice, live.next_invoice
    if was is not None and now is not None and now > was:
        return changed(action, f"the agreement was invoiced: its next invoice was of {was}, and is of {now}")
    return judge_labels(action, seen.labels, live)


def judge_labels(action: Action, shown: ShownLabels, live: AgreementNow) -> Outcome | None:
    """Return a skipped outcome if the agreement is another one than the row shows people."""
    for what, label, name in (
        ("agreement", shown.agreement, live.name),
        ("customer", shown.customer, live.company),
    ):
        if not is_label_of(label, name):
            return changed(action, f"the row shows the {what} {label}, and would be written to {name}")
    return None


def judge_product(action: Action, identifier: str) -> Outcome | None:
    """Return a skipped outcome if a write's product is another one than the row shows people."""
    label = action.basis.labels.product if action.basis else ""
    if is_label_of(label, identifier):
        return None
    return changed(action, f"the row shows the product {label}, and would be written to {identifier}")


def is_label_of(label: str, name: str) -> bool:
    """Return whether a label can stand for a record of this name.

    Behind a name there may be an identifier in brackets, behind a product's identifier its description.
    """
    shown, named = _folded(label), _folded(name)
    if not shown or not named or shown == named:
        return True
    return shown.startswith((f"{named} [", f"{named}: ")) or shown == f"{named}:"


def _folded(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()).casefold()


def in_order_of_need(actions: Iterable[Action]) -> list[Action]:
    """Sort actions so that each comes after those that it may need."""
    by_key = {action.key: action for action in actions}

    def waits(action: Action) -> int:
        """Return how many actions that set fields must come before this one, each after the other."""
        if not isinstance(action, SetFields):
            return 0
        return max((1 + waits(by_key[key]) for key in action.after if key in by_key), default=0)

    return sorted(by_key.values(), key=lambda a: (ORDER.index(type(a)), waits(a), a.key))


def build_plan(
    actions: Iterable[Action],
    judge: Callable[[Action], Outcome | None],
    spent: Mapping[str, Outcome] = MappingProxyType({}),
) -> Plan:
    """Order actions by need, and decide those that need no request.

    Actions that need a skipped or unapproved one are skipped too, and so is the end of an addition whose
    successor cannot be made. `spent` are the outcomes of those that an earlier run carried out, by key.
    """
    ordered = in_order_of_need(actions)
    planned = {action.key for action in ordered}
    outcomes = {key: result for key, result in spent.items() if key not in planned}
    to_do: list[Action] = []
    for action in ordered:
        lost = first_lost(action, outcomes)
        missing = next((key for key in action.needs if key not in planned), None)
        result: Outcome | None
        if action.key in spent:
            result = spent[action.key]
        elif lost:
            result = skip_for(action, lost)
        elif missing:
            noun = missing.partition(":")[0]
            detail = f"needs the new {noun}, which is not approved on sheet New in ConnectWise"
            result = replace(outcome(action, State.SKIPPED, detail), waits_for=missing)
        else:
            result = judge(action)
        if result is None:
            to_do.append(action)
            continue
        outcomes[action.key] = result
        ends = action.succeeds.key if isinstance(action, CreateAddition) and action.succeeds else ""
        end = next((other for other in to_do if other.key == ends), None)
        if result.state is State.SKIPPED and end is not None:
            outcomes[ends] = _skip_end(end, result)
            outcomes[action.key] = replace(result, waits_for=ends)
            to_do.remove(end)
    return Plan(tuple(to_do), tuple(outcomes.values()))


def _skip_end(end: Action, successor: Outcome) -> Outcome:
    """Make the outcome of the end of an addition that nothing would continue."""
    detail = f"nothing was ended, since its successor cannot be made: {successor.detail}"
    return replace(outcome(end, State.SKIPPED, detail), changed=successor.changed)


def count_states(outcomes: Iterable[Outcome]) -> str:
    """Count outcomes by state: `2 done, 1 no change needed`; empty where there are none."""
    outcomes = tuple(outcomes)
    count = Counter(result.state for result in outcomes if not result.taken_back)
    undone = sum(bool(result.taken_back) for result in outcomes)
    counts = [f"{count[state]} {state.words}" for state in State if count[state]]
    return ", ".join([*counts, *([f"{undone} taken back earlier"] if undone else [])])


def first_lost(action: Action, outcomes: Mapping[str, Outcome]) -> Outcome | None:
    """Return the first outcome, not done or without a record's id, of an action that this one needs."""
    needed = (outcomes[key] for key in action.needs if key in outcomes)
    return next((result for result in needed if result.state in LOST or _lacks_id(result)), None)


def _lacks_id(result: Outcome) -> bool:
    """Return whether a record was created, or is said to be, and its id is not known."""
    return result.kind in CREATED and result.id is None


def skip_for(action: Action, lost: Outcome) -> Outcome:
    """Make the outcome of an action skipped because one that it needs was not done."""
    needed = f"the end of {lost.subject}" if lost.kind in {CANCEL, RETIRE} else lost.subject
    detail = f"needs {needed}, which is {lost.text}"
    if lost.state not in LOST:
        detail = (
            f"needs {needed}, which was created earlier and is not seen in ConnectWise now: "
            "choose the right one on sheet Billing Lines, then run check"
        )
    return replace(outcome(action, State.SKIPPED, detail), waits_for=lost.key)
