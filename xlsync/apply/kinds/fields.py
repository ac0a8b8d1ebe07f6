"""Handler of setting fields of one record: an end date, a flag, and values that undo restores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from xlsync.apply.field_names import FIELDS, tell_field
from xlsync.apply.kinds.handler import Handler, HttpWrite
from xlsync.apply.ledger import tell_value
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, State, changed, judge_product, outcome
from xlsync.apply.runs import Write
from xlsync.apply.set_fields import RETIRE, FieldChange, SetFields, Setting
from xlsync.connectwise.records import read_date_strictly, read_number, record_of, write_date
from xlsync.models import Addition, Month
from xlsync.reconcile.beginnings import why_refused
from xlsync.records import replace

RESTORE: Final = "Restore"  # the kind of an undo of a PATCH


@dataclass(frozen=True, slots=True)
class FieldsUpdate(Handler):
    """Handler of fields of one record, which are set in one request."""

    action: SetFields

    def judge(self, live: Live) -> Outcome | None:
        """Compare the present fields with the approved ones; skipped if the period is invoiced already."""
        guarded = live.addition(self.action.guard) if self.action.guard else None
        outcome = judge_settings(self.action, read_settings(self.action, live), guarded)
        return outcome or _judge_begin(self.action, live)

    def judge_needed(self, live: Live) -> Outcome | None:
        """Skipped, where the agreement is another company's now, or would not take the successor."""
        action = self.action
        if action.company is not None and action.agreement is not None:
            now = live.agreement(action.agreement)
            if now is not None and now.company_id != action.company:
                return changed(action, "the agreement belongs to another company now")
        if action.successor_item is None or action.begins is None or action.agreement is None:
            return None
        item, agreement = live.item(action.successor_item), live.agreement(action.agreement)
        why = ""
        if item is None or not item.is_active:
            why = "its product is inactive now" if item else "its product is no longer in the catalog"
        elif agreement is not None:
            why = why_refused(action.begins, agreement.bill_start, agreement.closed_until)
        detail = (
            f"nothing was ended, since ConnectWise would refuse the successor from {action.begins} on: {why}"
        )
        return outcome(action, State.SKIPPED, detail) if why else None

    def request(self, live: Live) -> HttpWrite:  # noqa: ARG002
        """Make the request: one operation for each field with a new value."""
        changes = [operation(c.name, c.wanted) for c in self.action.changes if c.seen != c.wanted]
        return HttpWrite("PATCH", self.action.path, changes, self.action.succeeds)

    def read_replaced(self, live: Live) -> dict[str, Setting]:
        """Return the present fields."""
        return read_settings(self.action, live)

    def confirm(self, live: Live) -> Outcome | None:
        """Return the outcome done if every field has the wanted value."""
        now = read_settings(self.action, live)
        if any(now[change.name] != change.wanted for change in self.action.changes):
            return None
        id_ = int(self.action.path.rsplit("/", 1)[-1])
        return outcome(self.action, State.DONE, self.action.what, id_)


def judge_settings(
    action: SetFields, live: Mapping[str, Setting], guarded: Addition | None
) -> Outcome | None:
    """Compare seen, live and wanted fields: return the outcome if nothing is to be sent, else None.

    `live` are the present fields; `guarded` is the present state of `action.guard`.
    """
    if all(live[change.name] == change.wanted for change in action.changes):
        values = ", ".join(
            f"{FIELDS.get(change.name, change.name)} {tell_setting(change.name, change.wanted)}"
            for change in action.changes
            if change.seen != change.wanted
        )
        return outcome(action, State.ALREADY, values)
    differing = [
        tell_change(change.name, change.name, change.seen, live[change.name])
        for change in action.changes
        if live[change.name] not in (change.seen, change.wanted)
    ]
    if action.guard is not None and guarded is not None:
        if other := judge_product(action, guarded.product):
            return other
        differing += filter(None, [tell_differing(action.guard, guarded, {})])
    return changed(action, "; ".join(differing)) if differing else None


def tell_differing(seen: Addition, live: Addition, wanted: Mapping[str, Decimal]) -> str:
    """Name the values that changed since the row showed them and are not the wanted ones."""
    words = [
        tell_change(header, field, was, now)
        for header, field, was, now in (
            ("ConnectWise Units", "quantity", seen.quantity, live.quantity),
            ("ConnectWise Cost", "unitCost", seen.unit_cost, live.unit_cost),
            ("Unit Price", "unitPrice", seen.unit_price, live.unit_price),
            ("lessIncluded", "lessIncluded", seen.less_included, live.less_included),
            ("effectiveDate", "effectiveDate", seen.effective, live.effective),
        )
        if now != was and (field not in wanted or now != wanted[field])
    ]
    was_billed, is_billed = seen.bill_customer, live.bill_customer
    if was_billed and is_billed and was_billed != is_billed:
        words.append(f"billCustomer was {was_billed} and is now {is_billed}")
    if live.item_id != seen.item_id:
        words.append("it is another product now")
    return "; ".join(words)


def tell_change(name: str, field: str, was: Setting, now: Setting) -> str:
    """Write a changed value in words: as shown, and at present."""
    return f"{name} was {tell_setting(field, was)} and is now {tell_setting(field, now)}"


def tell_setting(field: str, value: Setting) -> str:
    """Write the value of a field in words."""
    match value:
        case None:
            return "empty"
        case Decimal():
            return tell_field(field, value)
    return str(value)


def _judge_begin(action: SetFields, live: Live) -> Outcome | None:
    """Return the outcome skipped if a change would begin in a period that is invoiced already.

    A month is invoiced where the recap's next invoice date lies after its end.
    """
    if action.begins is None or action.agreement is None:
        return None
    recap = live.connectwise.read_recap(action.agreement)
    following, last = recap.next_date, recap.last_date
    if recap.unclear:
        reason = f"whether {action.begins} is invoiced already is not sure: {recap.unclear} of the recap"
        return outcome(action, State.SKIPPED, f"{reason} cannot be read for sure")
    agreement = live.agreement(action.agreement)
    if agreement is not None and agreement.next_invoice is not None:
        following = max(following or agreement.next_invoice, agreement.next_invoice)
    month = Month(action.begins.year, action.begins.month)
    if following is None and (last is None or action.begins > Month(last.year, last.month).last):
        return None
    if following is not None and following <= month.last:
        return None
    reason = f"{action.begins} lies in a period already invoiced (next invoice {following or 'none'})"
    return outcome(action, State.SKIPPED, f"{reason}: {_ways_around(action)}")


def _ways_around(action: SetFields) -> str:
    """Say what a person can do about a change that would begin in a period already invoiced."""
    if not action.rows:
        return "change it in ConnectWise, where the invoice can be credited"
    if action.successor_item is None:
        return "choose a later Effective From"
    return "choose a later Effective From, or clear it to change the addition in place"


def read_settings(action: SetFields, live: Live) -> dict[str, Setting]:
    """Read the present fields, each as the type of the wanted or seen value."""
    names = ",".join(change.name for change in action.changes)
    answer = live.connectwise.service.get(action.path, {"fields": f"id,{names}"})
    record = record_of(answer, action.path)
    return {
        change.name: _read_setting(record.get(change.name), change, action.path) for change in action.changes
    }


def _read_setting(value: object, change: FieldChange, path: str) -> Setting:
    example = change.wanted if change.wanted is not None else change.seen
    if isinstance(example, bool):
        return bool(value)
    return read_date_strictly(value, path) if isinstance(example, dt.date) else read_number(value, path)


def operation(field: str, value: Setting) -> dict[str, Any]:
    """Make one PATCH operation; an emptied field is removed (Developer Guide, "Patch")."""
    if value is None:
        return {"op": "remove", "path": field}
    return {
        "op": "replace",
        "path": field,
        "value": write_date(value) if isinstance(value, dt.date) else value,
    }


def retire(write: Write, flag: str) -> SetFields | None:
    """Make the undo of a creation by setting a flag on the record; None where its id is not known."""
    if write.id is None:
        return None
    path = write.record
    return SetFields(
        key=path,
        rows=(),
        kind=RETIRE,
        path=path,
        changes=(FieldChange(flag, False, True),),
        what=f"cancel {write.subject}" if flag == "cancelledFlag" else f"make {write.subject} {FIELDS[flag]}",
        subject=write.subject,
    )


def restore(write: Write) -> SetFields:
    """Make the undo of a PATCH: every field that it set gets the replaced value again."""
    was = write.was or {}
    changes = tuple(
        FieldChange(name, to_setting(name, value), to_setting(name, was.get(name)))
        for name, value in write.changes.items()
    )
    return SetFields(
        key=write.path,
        rows=(),
        kind=RESTORE,
        path=write.path,
        changes=changes,
        what=f"restore {write.subject}: {', '.join(map(_tell_restored, changes))}",
        subject=write.subject,
        agreement=agreement_in(write.path),
        begins=_first_day_of(changes),
        succeeds=write.succeeds,
        company=write.company,
    )


def field_by_field(action: SetFields) -> list[SetFields]:
    """Split the undo of a PATCH into an action for each field: somebody changed one of them since."""
    if action.kind != RESTORE or len(action.changes) < 2:
        return [action]
    return [
        replace(
            action,
            key=f"{action.path} {change.name}",
            changes=(change,),
            what=f"restore {action.subject}: {_tell_restored(change)}",
        )
        for change in action.changes
    ]


def _first_day_of(changes: Iterable[FieldChange]) -> dt.date | None:
    """Return the first day whose billing changes if the end of an addition is moved; else None."""
    for change in changes:
        if change.name == "cancelledDate":
            ends = [day for day in (change.seen, change.wanted) if isinstance(day, dt.date)]
            return min(ends) + dt.timedelta(days=1) if ends else None
    return None


def _tell_restored(change: FieldChange) -> str:
    """Write a restored value: `12 units (now 15)`, `no end (now ends 2026-10-31)`."""
    name = FIELDS.get(change.name, change.name)
    wanted, now = tell_value(change.name, change.wanted), tell_value(change.name, change.seen)
    if change.name == "quantity":
        return f"{wanted} units (now {now})"
    if change.name == "cancelledDate":
        return f"{'no end' if change.wanted is None else f'ends {wanted}'} (now ends {now})"
    return f"{name} {wanted} (now {now})"


def to_setting(field: str, value: Any) -> Setting:
    """Convert a value of the journal to the type of its field."""
    match value:
        case None:
            return None
        case bool():
            return value
        case int() | Decimal():
            return Decimal(value)
    text = str(value)
    if field.endswith("Date"):
        return dt.date.fromisoformat(text[:10])
    return Decimal(text)


def agreement_in(path: str) -> int | None:
    """Return the agreement id in the path of an addition."""
    parts = path.strip("/").split("/")
    return int(parts[2]) if parts[:2] == ["finance", "agreements"] and len(parts) > 3 else None
