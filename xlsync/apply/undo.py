"""Undo: a plan that takes a run back, from the values that its journal kept.

Changes get their former value where the run's value still stands. What was created is ended, set inactive
or cancelled where ConnectWise allows it; a company stays, and is named.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from xlsync.apply.actions import FIELDS, Action, FieldChange, SetFields, Setting
from xlsync.apply.journal import Run, Write
from xlsync.apply.ledger import tell_value
from xlsync.apply.plan import Outcome, State

_FLAGS: Final = {
    "CreateAgreement": "cancelledFlag",
    "CreateCatalogItem": "inactiveFlag",
    "CreateContact": "inactiveFlag",
}


def undo_actions(run: Run) -> tuple[tuple[Action, ...], tuple[Outcome, ...]]:
    """What takes a run back, and what cannot be taken back.

    A change whose outcome is not known is taken back like one that was done: what ConnectWise holds
    now decides. A creation without a known id is named.
    """
    actions: dict[str, Action] = {}
    kept: list[Outcome] = []
    for write in reversed(run.writes):
        if write.state not in {State.DONE, State.UNKNOWN}:
            continue
        action = _undo(write)
        if action is None:
            kept.append(_irreversible(write))
            continue
        later = actions.get(action.key)
        actions[action.key] = _joined(action, later) if isinstance(later, SetFields) else action
    return tuple(actions.values()), tuple(kept)


def _undo(write: Write) -> SetFields | None:
    if write.method == "PATCH":
        return _restore(write)
    if write.id is None:
        return None
    path = f"{write.path}/{write.id}"
    if write.kind == "CreateAddition":
        begun = dt.date.fromisoformat(str(write.body.get("effectiveDate") or write.at)[:10])
        ends = _setting("cancelledDate", write.body.get("cancelledDate"))
        return SetFields(
            key=path,
            rows=(),
            kind="CancelAddition",
            path=path,
            changes=(FieldChange("cancelledDate", ends, begun), *_as_made(write)),
            what=f"end {_subject(write)} on the day it began",
            agreement=agreement_in(write.path),
        )
    flag = _FLAGS.get(write.kind)
    if flag is None:
        return None
    return SetFields(
        key=path,
        rows=(),
        kind="Retire",
        path=path,
        changes=(FieldChange(flag, False, True),),
        what=f"make {_subject(write)} {FIELDS[flag]}",
    )


def _as_made(write: Write) -> tuple[FieldChange, ...]:
    """What a created addition must still hold, so that nothing that was changed since is ended with it."""
    names = [name for name in ("quantity", "unitCost", "unitPrice") if write.body.get(name) is not None]
    values = {name: _setting(name, write.body[name]) for name in names}
    return tuple(FieldChange(name, value, value) for name, value in values.items())


def _restore(write: Write) -> SetFields:
    was = write.was or {}
    changes = tuple(
        FieldChange(name, _setting(name, change.get("value")), _setting(name, was.get(name)))
        for change in write.body
        for name in [str(change["path"])]
    )
    return SetFields(
        key=write.path,
        rows=(),
        kind="Restore",
        path=write.path,
        changes=changes,
        what=f"restore {_subject(write)}: {', '.join(map(_tell_restored, changes))}",
        agreement=agreement_in(write.path),
    )


def _tell_restored(change: FieldChange) -> str:
    """`12 units (now 15)`, `cost 9.50 (now 10.00)`, `no end (now ends 2026-10-31)`."""
    name = FIELDS.get(change.name, change.name)
    wanted, now = tell_value(change.name, change.wanted), tell_value(change.name, change.seen)
    if change.name == "quantity":
        return f"{wanted} units (now {now})"
    if change.name == "cancelledDate":
        return f"{'no end' if change.wanted is None else f'ends {wanted}'} (now ends {now})"
    return f"{name} {wanted} (now {now})"


def _subject(write: Write) -> str:
    """What a write was about: its own words without the verb and without the new values."""
    text = re.sub(r"^(update|create|cancel|end) ", "", write.what)
    if write.kind == "CreateAddition":
        return re.sub(r": [\d.]+ units$", "", text)
    if write.kind == "UpdateAddition":
        return re.sub(r": (units|cost) [^:]*$", "", text)
    return re.sub(r" (on|as of) \d{4}-\d\d-\d\d$", "", text)


def _joined(earlier: SetFields, later: SetFields) -> SetFields:
    """Of two writes to one record: the later one's values are there now, those before the first return."""
    wanted = {change.name: change for change in later.changes}
    for change in earlier.changes:
        known = wanted.get(change.name, change)
        wanted[change.name] = FieldChange(change.name, known.seen, change.wanted)
    return replace(earlier, changes=tuple(wanted.values()))


def _setting(field: str, value: Any) -> Setting:
    """A value as the journal kept it, in its own kind."""
    match value:
        case None:
            return None
        case bool():
            return value
        case int() | Decimal():
            return Decimal(value)
    text = str(value)
    if field.endswith("Flag"):
        return text == "True"
    if field.endswith("Date"):
        return dt.date.fromisoformat(text[:10])
    return Decimal(text)


def _irreversible(write: Write) -> Outcome:
    return Outcome(
        key=write.key,
        kind=write.kind,
        rows=(),
        state=State.SKIPPED,
        detail=f"{write.what} (id {write.id or 'unknown'}) cannot be taken back by xlsync: "
        "remove it in ConnectWise if it is unwanted",
        id=write.id,
    )


def agreement_in(path: str) -> int | None:
    """The agreement whose additions a path is about."""
    parts = path.strip("/").split("/")
    return int(parts[2]) if parts[:2] == ["finance", "agreements"] and len(parts) > 3 else None
