"""Undo: a plan that restores the values from before a run, by its journal.

Changes get their former value where the run's value still stands. What was created is ended, set inactive
or cancelled where ConnectWise allows it and nobody else uses it; a company stays, and is named.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence, Set
from decimal import Decimal
from functools import partial

from xlsync.apply.actions import Action, CreateAddition, CreateCatalogItem
from xlsync.apply.earlier_creations import reference_in, sure_from
from xlsync.apply.handlers import REVERSALS
from xlsync.apply.judging import plan_actions
from xlsync.apply.kinds.fields import agreement_in, field_by_field, restore
from xlsync.apply.lookup import Live
from xlsync.apply.plan import LOST, Outcome, Plan, State, first_lost, outcome, skip_for
from xlsync.apply.runs import Run, Write
from xlsync.apply.set_fields import FieldChange, SetFields
from xlsync.connectwise.records import read_date, read_number
from xlsync.errors import ApiError, XlsyncError
from xlsync.models import Progress
from xlsync.records import replace


def plan_undo(run: Run, runs: Iterable[Run], live: Live, progress: Progress) -> Plan:
    """Plan the undo of a run against ConnectWise's present state; `runs` are all runs of the journal."""
    runs = tuple(runs)
    of_others = frozenset(
        write.id
        for other in runs
        for write in other.writes
        if other.id != run.id and write.kind == CreateAddition.__name__
    )
    run = replace(run, writes=tuple(_look_up(write, live, of_others) for write in run.writes))
    own = {
        write.record
        for write in run.writes
        if write.method == "POST" and write.id is not None and write.state in {State.DONE, State.UNKNOWN}
    }
    touched = {agreement for write in run.writes if (agreement := agreement_in(write.path)) is not None}
    live.read_additions(touched)
    live.read_agreements(touched)
    if any(write.kind == CreateCatalogItem.__name__ and write.id is not None for write in run.writes):
        _read_all_additions(live, progress)
    actions: dict[str, SetFields] = {}
    outcomes: list[Outcome] = []
    in_use: dict[str, Outcome] = {}
    for write, action in _reversed(run):
        if action is None:
            outcomes.append(_irreversible(write))
        elif (used := _find_use(write, action, live, own, runs)) is not None:
            in_use[used.key] = used
        else:
            later = actions.get(action.key)
            actions[action.key] = _joined(action, later) if later else action
    pairs = _pairs_of(run)
    changed = {result.key for result in plan_actions(list(actions.values()), live).outcomes if result.changed}
    actions = {
        part.key: part
        for action in actions.values()
        for part in (field_by_field(action) if action.key in changed else [action])
    }
    wanted = [_with_money(action, pairs, live) for action in actions.values()]
    standing = _what_stands_on(run, {*actions, *in_use})
    ordered = [
        replace(action, after=(*_ends_first(action, actions, pairs), *standing.get(action.key, ())))
        for action in wanted
    ]
    looked_at = len({action.agreement_id for action in ordered} - {None})
    count = live.connectwise.service.counting(progress, "Looking at ConnectWise", looked_at)
    plan = plan_actions(ordered, live, count, in_use)
    for reason_to_leave in (
        partial(_tell_later, run, _writes_of_others(run, runs), live, pairs),
        partial(_tell_half, actions, pairs),
    ):
        plan = _without(plan, {key: reason_to_leave(plan, actions[key]) for key in _keys(plan)})
    return replace(plan, outcomes=(*plan.outcomes, *outcomes))


def _what_stands_on(run: Run, known: Set[str]) -> dict[str, list[str]]:
    """Return what the run put on each record that it created: it is taken back before that record.

    Records are named by their paths; `known` are those that the undo takes back, or leaves and says why.
    """
    standing: dict[str, list[str]] = {}
    for write in run.writes:
        if write.method != "POST" or write.record not in known or not isinstance(write.body, Mapping):
            continue
        below = [f"/finance/agreements/{agreement_in(write.path)}"]
        for field, path in (("product", "/procurement/catalog"), ("contact", "/company/contacts")):
            reference = write.body.get(field)
            below += [f"{path}/{reference.get('id')}"] if isinstance(reference, Mapping) else []
        for record in below:
            standing.setdefault(record, []).append(write.record)
    return standing


def _read_all_additions(live: Live, progress: Progress) -> None:
    """Read the additions of every agreement, which alone show where a product is used."""
    try:
        agreements = live.agreements_in_force()
    except ApiError:
        return  # the look for uses of the product tells what is wrong
    count = live.connectwise.service.counting(progress, "Looking where products are used", len(agreements))
    live.read_additions(agreements, count)


def _keys(plan: Plan) -> list[str]:
    return [action.key for action in plan.actions]


def _without(plan: Plan, reasons: Mapping[str, str]) -> Plan:
    """Leave actions out of a plan that have a reason to be."""
    staying = [action for action in plan.actions if reasons.get(action.key)]
    skipped = (outcome(a, State.SKIPPED, f"{a}: it stays, since {reasons[a.key]}") for a in staying)
    outcomes = {result.key: result for result in (*plan.outcomes, *skipped)}
    to_do: list[Action] = []
    for action in plan.actions:
        lost = first_lost(action, outcomes)
        if action.key not in outcomes and lost is not None:
            outcomes[action.key] = skip_for(action, lost)
        elif action.key not in outcomes:
            to_do.append(action)
    return replace(plan, actions=tuple(to_do), outcomes=tuple(outcomes.values()))


def _pairs_of(run: Run) -> dict[str, str]:
    """Return the two records of each change from a date on: both are taken back, or neither."""
    pairs: dict[str, str] = {}
    made = [write for write in run.writes if write.state in {State.DONE, State.UNKNOWN}]
    records = {write.record for write in made}
    for write in made:
        continued = f"/finance/agreements/{agreement_in(write.path)}/additions/{write.succeeds}"
        if write.succeeds is not None and continued in records:
            pairs |= {write.record: continued, continued: write.record}
    return pairs


def _ends_first(
    action: SetFields, actions: Mapping[str, SetFields], pairs: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the key of the action that ends the other of two records before this one is billed again."""
    other = actions.get(pairs.get(action.key, ""))
    return (other.key,) if other is not None and _is_resumed(action) else ()


def _is_resumed(action: SetFields) -> bool:
    """Return whether an addition is billed for longer afterwards."""
    ends = next((change for change in action.changes if change.name == "cancelledDate"), None)
    if ends is None or ends.seen is None:
        return False
    return ends.wanted is None or str(ends.wanted) > str(ends.seen)


_Others = Mapping[str, Sequence[tuple[Run, Write]]]  # by the path of a record


def _writes_of_others(run: Run, runs: Iterable[Run]) -> _Others:
    """Return what other runs changed of each record, and what they made to continue it, the latest first."""
    of_others: dict[str, list[tuple[Run, Write]]] = {}
    for other in sorted(runs, key=lambda other: other.id, reverse=True):
        for write in other.writes if other.id != run.id else ():
            if write.state in {State.DONE, State.UNKNOWN}:
                record = write.path if write.method == "PATCH" else f"{write.path}/{write.succeeds}"
                of_others.setdefault(record, []).append((other, write))
    return of_others


def _tell_later(
    run: Run, of_others: _Others, live: Live, pairs: Mapping[str, str], _: Plan, action: SetFields
) -> str:
    """Say which later run wrote what an action would set back, or built upon it; empty where none did.

    A successor that the run itself ends again is none that was built upon it.
    """
    names = {change.name for change in action.changes}
    for other, write in of_others.get(action.path, ()):
        if pairs.get(action.path) == write.record:
            continue
        if other.id > run.id and write.state == State.DONE and names & write.changes.keys():
            what = f"run {other.number} wrote it later"
        # what continues it counts whenever it was made: the clock of another machine may be slow
        elif write.method == "POST" and _is_resumed(action) and _is_in_force(write, live):
            what = f"run {other.number} made what continues it"
        else:
            continue
        todo = "" if other.command == "undo" else f": `xlsync undo {other.number}` takes that back first"
        return f"{what}{todo}"
    return ""


def _is_in_force(write: Write, live: Live) -> bool:
    """Return whether a created addition is billed, or may be."""
    agreement = agreement_in(write.path)
    try:
        additions = () if agreement is None else live.additions_of(agreement)
    except ApiError:
        return True
    made = next((addition for addition in additions if addition.id == write.id), None)
    return made is None or not made.is_taken_back


def _tell_half(
    actions: Mapping[str, SetFields], pairs: Mapping[str, str], plan: Plan, action: SetFields
) -> str:
    """Say why the other half of a change from a date on cannot be taken back; empty where it can be.

    One half alone would bill twice, or bill nothing.
    """
    other = pairs.get(action.key)
    if other is None:
        return ""
    lost = next((result for result in plan.outcomes if result.key == other and result.state in LOST), None)
    if lost is not None:
        return f"one goes with the other: {lost.reason}"
    if other in actions or not _is_resumed(action):
        return ""
    return "ConnectWise does not tell whether the addition that continues it was made"


def _reversed(run: Run) -> Iterable[tuple[Write, SetFields | None]]:
    """Yield each write of a run that may have effect, the last one first, with the action that undoes it.

    A change of unknown outcome is undone like one that was done: ConnectWise's state
    decides. A creation without a known id cannot be undone.
    """
    for write in reversed(run.writes):
        if write.state not in {State.DONE, State.UNKNOWN}:
            continue
        try:
            if write.method == "PATCH":
                yield write, restore(write)
            else:
                reversal = REVERSALS.get(write.kind)
                yield write, reversal.take_back(write) if reversal else None
        except (ValueError, ArithmeticError) as error:
            raise XlsyncError(
                f"Run {run.number} cannot be taken back: "
                f"in its journal the values of {write.what!r} cannot be read.",
                "Mend that line of the journal, or set the values back in ConnectWise.",
            ) from error


def _look_up(write: Write, live: Live, of_others: Set[int | None]) -> Write:
    """Look up whether a write that may have created its addition did; returns the write with the outcome.

    For some minutes that is unknown where a list does not show the addition.
    """
    agreement = agreement_in(write.path)
    product = reference_in(write.body, "product") if write.method == "POST" else ""
    if write.kind != CreateAddition.__name__ or not write.is_unsure or agreement is None or not product:
        return write
    try:
        asked = (
            product,
            read_number(write.body.get("quantity"), "journal"),
            read_date(write.body.get("effectiveDate")),
        )
        made = [
            addition.id
            for addition in live.list_additions(agreement, is_counted=True)
            if (str(addition.item_id), addition.quantity, addition.effective) == asked
            and addition.id not in {*of_others, *write.beside}
        ]
    except ApiError:
        return write
    if len(made) == 1:
        return replace(write, id=made[0])
    return write if made or _is_unsure_yet(write) else replace(write, state=State.FAILED)


def _is_unsure_yet(write: Write) -> bool:
    """Return whether a list that does not show what a write may have created proves nothing yet."""
    return write.is_unsure and dt.datetime.now().astimezone() < sure_from(write)


def _find_use(write: Write, action: Action, live: Live, own: Set[str], runs: Iterable[Run]) -> Outcome | None:
    """Return a skipped outcome if others use a record that undo would end; `own` are what the run made."""
    reversal = REVERSALS.get(write.kind)
    if reversal is None or write.id is None:
        return None
    try:
        users = reversal.find_users(write.id, live, own, runs)
    except ApiError as error:
        return outcome(action, State.SKIPPED, f"could not be looked up: {error.message}")
    if not users:
        return None
    return outcome(action, State.SKIPPED, f"{action}: it stays, since it is in use by {', '.join(users)}")


def _with_money(action: SetFields, pairs: Mapping[str, str], live: Live) -> SetFields:
    """Return an action on an addition with its money a month at the price of now."""
    if action.agreement is None:
        return action
    try:
        additions = {addition.id: addition for addition in live.additions_of(action.agreement)}
        agreement = live.agreement(action.agreement)
        now = additions.get(_id_in(action.path))
        if now is None:
            return action
        item = live.item(now.item_id) if now.unit_price is None and now.is_billed else None
    except ApiError:
        return replace(action, is_price_known=False)  # over the limit, also where judging can read it again
    price = item.price if item else now.unit_price
    price = price if now.is_billed else Decimal(0)
    other = additions.get(_id_in(pairs.get(action.path, "")))
    before, after = _billed(action, now.quantity, None if other is None else other.quantity)
    action = replace(action, stops=before, resumes=after)
    before, after = action.units
    cost_before, cost_after = action.costs
    months = live.billing_months(agreement) if agreement else None
    more = (after - before) * (price or Decimal(0))
    dearer = (cost_after - cost_before) * now.quantity
    return replace(
        action,
        monthly=(abs(more) + abs(dearer)) / (months or 1),
        impact=(more - dearer) / (months or 1),
        is_price_known=price is not None or before == after,
        is_cycle_known=months is not None,
        currency=agreement.currency if agreement else "",
    )


def _billed(action: SetFields, units: Decimal, others: Decimal | None) -> tuple[Decimal, Decimal]:
    """Return the units billed before and after an addition's end is set or moved; zero and zero otherwise.

    `units` are the addition's, `others` those of the other record of a change from a date on, of which the
    successor counts for both.
    """
    if all(change.name != "cancelledDate" for change in action.changes):
        return Decimal(0), Decimal(0)
    if others is not None and action.succeeds is None:
        return Decimal(0), Decimal(0)
    beside = others or Decimal(0)
    return (beside, units) if _is_resumed(action) else (units, beside)


def _id_in(path: str) -> int:
    """Return the id at the end of a record's path; 0 for no path, or that of a record without a known id."""
    id_ = path.rpartition("/")[2]
    return int(id_) if id_.isdecimal() else 0


def _joined(earlier: SetFields, later: SetFields) -> SetFields:
    """Join the undo of two writes to a record: from the later's values to those before the earlier."""
    wanted = {change.name: change for change in later.changes}
    for change in earlier.changes:
        known = wanted.get(change.name, change)
        wanted[change.name] = FieldChange(change.name, known.seen, change.wanted)
    return replace(earlier, changes=tuple(wanted.values()))


def _irreversible(write: Write) -> Outcome:
    detail = (
        f"{write.what} (id {write.id or 'unknown'}) cannot be taken back by xlsync: "
        "remove it in ConnectWise if it is unwanted"
    )
    if write.kind == CreateAddition.__name__ and _is_unsure_yet(write):
        detail = (
            f"{write.what}: whether it was done is not seen yet: undo again after {sure_from(write):%H:%M}"
        )
    return Outcome(
        key=write.key,
        kind=write.kind,
        subject=write.what,
        rows=(),
        state=State.SKIPPED,
        detail=detail,
        id=write.id,
    )
