"""The ledger of a month: its writes by the journal, and the resulting course of each addition. PURE."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from xlsync.apply.actions import CREATED, CreateAddition, UpdateAddition
from xlsync.apply.field_names import FIELDS, tell_field
from xlsync.apply.plan import State, is_carried_out
from xlsync.apply.runs import Run, Write
from xlsync.apply.spent_approvals import is_proven
from xlsync.printable import one_line

_ENDS: Final = ("cancelledDate", "cancelledFlag", "inactiveFlag")  # by which an undo takes a record back
ADDITION: Final = re.compile(r"/finance/agreements/(\d+)/additions(?:/(\d+))?")


class Written(Struct, frozen=True, kw_only=True):
    """One write of the month: who, when, what, before and after."""

    at: str
    who: str
    run: str
    number: str  # of the run, as people type it
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
    def is_update(self) -> bool:
        """Return whether the write changed units or cost, which `what` tells with both values."""
        return self.kind == UpdateAddition.__name__

    @property
    def made(self) -> str:
        """The kind of record that the write created; empty where it created none, or was undone."""
        is_made = self.state == State.DONE and not self.is_taken_back
        return CREATED.get(self.kind, "") if is_made else ""


def list_writes(runs: Iterable[Run], month: str, environment: str) -> tuple[Written, ...]:
    """List every write of a month in order of time, undos of them included."""
    return tuple(Ledger(runs, month, environment).described())


# The journal


def _writes_of(runs: Iterable[Run], month: str, environment: str) -> list[tuple[Run, Write]]:
    """List the month's writes in order of time; an undo belongs to the month of the run it takes back."""
    pairs = [
        (run, write)
        for run in runs
        if run.environment == environment and run.month == month
        for write in run.writes
    ]
    return sorted(pairs, key=lambda pair: (moment_of(pair[1].at or pair[0].at), pair[0].id))


def moment_of(text: str) -> dt.datetime:
    """Return the moment that a text tells, in UTC if it names no zone; the earliest where it tells none."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = dt.datetime.min  # noqa: DTZ901 - its zone follows
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _fields(write: Write) -> Iterator[tuple[str, str]]:
    """Yield the path and name of each field that a write sets; the name "" is a whole record."""
    if write.method == "PATCH":
        for name in write.changes:
            yield write.path, name
    elif write.id is not None:
        yield write.record, ""


def _addition_of(write: Write) -> int | None:
    """Return the id of the addition that a write changes or creates; None where it is about none."""
    match = ADDITION.fullmatch(write.path)
    if match is None:
        return None
    return int(match[2]) if match[2] else write.id


@dataclass(slots=True)
class Course:
    """The fields of one addition before the month's first write and after its last, which was `at` a time."""

    first: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    made: Write | None = None
    at: str = ""

    @property
    def has_ended(self) -> bool:
        """Return whether the addition was ended, and that was not undone."""
        return self.last.get("cancelledDate") is not None


class Ledger:
    """The month's writes, the ids of created records, and the course of each addition.

    `elsewhere` are the additions that runs of other months wrote to.
    """

    def __init__(self, runs: Iterable[Run], month: str, environment: str) -> None:
        runs = list(runs)
        self.writes: Sequence[tuple[Run, Write]] = _writes_of(runs, month, environment)
        self.elsewhere = {
            _addition_of(write)
            for run in runs
            if run.environment == environment and run.month != month
            for write in run.writes
        }
        self.ids: dict[str, int] = {}
        self.courses: dict[int, Course] = {}
        self.roots: dict[int, int] = {}  # the addition that a successor continues
        self._last: dict[tuple[str, str], bool] = {}  # for each field, whether an undo wrote it last
        self._values: dict[tuple[str, str], Any] = {}  # the last value of each field that a PATCH set
        self._of_row: dict[str, list[Write]] = {}  # the writes that carried a row out
        for run, write in self.writes:
            if write.state != State.DONE:
                continue
            if write.method != "PATCH" and write.id is not None:
                self.ids[write.key] = write.id
            for path, name in _fields(write):
                self._last[path, name] = run.command == "undo"
                if name:
                    self._last[path, ""] = run.command == "undo"
            if write.method == "PATCH":
                self._values |= {(write.path, name): value for name, value in write.changes.items()}
            self._follow(write, write.at or run.at)
            for row in write.rows if run.command != "undo" else ():
                self._of_row.setdefault(row, []).append(write)

    def _follow(self, write: Write, at: str) -> None:
        id_ = _addition_of(write)
        if id_ is None:
            return
        course = self.courses.setdefault(id_, Course())
        course.at = at
        if write.method != "PATCH":
            course.made = write
            if write.succeeds is not None:
                self.roots[id_] = self.roots.get(write.succeeds, write.succeeds)
            return
        for name, value in write.changes.items():
            course.first.setdefault(name, (write.was or {}).get(name))
            course.last[name] = value

    def is_taken_back(self, write: Write) -> bool:
        """Return whether an undo took all of a write back."""
        parts = self.parts_taken_back(write)
        return bool(parts) and all(parts)

    def parts_taken_back(self, write: Write) -> list[bool]:
        """Tell of each field of a write whether an undo wrote it last, and left another value or an end.

        An undo of that undo puts the write's values back.
        """
        return [self._is_undone(path, name, write.changes) for path, name in _fields(write)]

    def _is_undone(self, path: str, name: str, changes: Mapping[str, Any]) -> bool:
        if not self._last.get((path, name), False):
            return False
        if name:
            return bool(self._values[path, name] != changes[name])
        return any(self._values.get((path, end)) for end in _ENDS)

    def is_settled(self, key: str, result: str, *, is_noted: bool) -> bool:
        """Return whether a row's *Result* says done or already by a run, and that was not undone.

        `is_noted` tells that the workbook has shown the result of a run in that row: it may have been another
        machine's.
        """
        if not is_carried_out(result):
            return False
        own = self._of_row.get(key)
        return not all(map(self.is_taken_back, own)) if own else is_proven(result, is_noted=is_noted)

    def described(self) -> Iterator[Written]:
        """Describe every write in words."""
        for run, write in self.writes:
            yield tell_write(run, write, is_taken_back=self.is_taken_back(write))


def tell_write(run: Run, write: Write, *, is_taken_back: bool = False) -> Written:
    """Describe a write in words: its fields before and after."""
    was = write.was or {}
    if write.method == "PATCH":
        wanted = write.changes
        before, after = _tell_fields({name: was.get(name) for name in wanted}), _tell_fields(wanted)
    elif write.kind == CreateAddition.__name__ and isinstance(write.body, Mapping):
        names = ("quantity", "unitPrice", "unitCost", "effectiveDate")
        before, after = "", _tell_fields({name: write.body[name] for name in names if name in write.body})
    else:
        before, after = "", f"id {write.id}" if write.id is not None else ""
    return Written(
        at=write.at or run.at,
        who=run.who,
        run=run.id,
        number=run.number,
        command=run.command,
        kind=write.kind,
        what=one_line(write.what),
        before=before,
        after=after,
        state=write.state,
        detail=one_line(write.detail),
        id=write.id,
        is_taken_back=is_taken_back,
    )


def _tell_fields(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{FIELDS.get(name, name)} {tell_value(name, value)}" for name, value in fields.items())


def tell_value(name: str, value: Any) -> str:
    """Write a field's value in words."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case Decimal() | int():
            return tell_field(name, Decimal(value))
    return re.sub(r"^(\d{4}-\d\d-\d\d)T[\d:.]+Z?$", r"\1", str(value))
