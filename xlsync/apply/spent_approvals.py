"""Spent approvals: rows that an earlier run carried out, whatever ConnectWise's present state. PURE.

A row is spent if its *Result* says done or already, or if the journal says done for the values that it
asks for. The journal does not count for a workbook that was exported after that write, by the
clock and by the runs that were known then: of two machines one clock may be slow. Nor does it where the
workbook has shown the run's result of this row and *Result* is empty: a person emptied it and approved anew.
Where *Result* says that an undo took the row back, the journal counts.
A *Result* that says done and that no run wrote was typed by a person: the row is spent, and says why. So
does one that asks for other values now than were carried out.
Undo spends a row as a whole: of the two writes of a change from a date on, the run may have made only one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Final

from msgspec import Struct

from xlsync.apply.actions import Action, UpdateAddition, kind_of
from xlsync.apply.plan import UNNEEDED, Outcome, State, is_carried_out
from xlsync.apply.runs import Run, Write

CARRIED_OUT: Final = "carried out before, as Result says"
_TYPED: Final = "Result says "
_TO_DO: Final = "If it is still to be done, empty Result and apply again"
_CHANGED: Final = f"the row was changed since, and what it asks for now is not written. {_TO_DO}"
_LONGEST: Final = 60  # characters that are quoted of a person's own words
Noted = tuple[str, str]  # the result of a run for a row: the run's id, and the key of the row


class Approvals(Struct, frozen=True, kw_only=True):
    """The approved rows of one workbook, and the results of earlier runs in it.

    `asked` and `results` are, by row key, the values that a row asks for and its *Result*. `noted` are the
    results that the workbook has shown, `anew` those after which the row was approved anew.
    """

    month: str
    environment: str
    exported_at: dt.datetime | None
    known_runs: Set[str] | None = None  # the ids of the runs that the export knew; None where it did not say
    noted: Set[Noted]
    anew: Set[Noted]
    asked: Mapping[str, str]
    results: Mapping[str, str]


class Spent(Struct, frozen=True):
    """The write that carried out an approval; `run` is None and `words` say it where only *Result* does."""

    run: Run | None = None
    write: Write | None = None
    words: str = CARRIED_OUT

    @property
    def text(self) -> str:
        """The run and its time, in words."""
        if self.run is None or self.write is None:
            return self.words
        return f"carried out on {self.write.at[:10]} by run {self.run.number}"


class SpentApprovals:
    """The actions, and rows of actions, that earlier runs carried out.

    `anew` are the results after which a row was approved anew: the workbook showed them, and a person emptied
    them. `reservations` say by row key where *Result* holds a person's own words, such as `Done by Ann`, and
    where a row asks for other values than were carried out. `parts_taken_back` tells by the journal of each
    field of a write whether an undo took it back.
    """

    def __init__(
        self,
        approvals: Approvals,
        runs: Iterable[Run],
        parts_taken_back: Callable[[Write], Iterable[bool]] = lambda _: (),
    ) -> None:
        self._approvals = approvals
        self._parts_taken_back = parts_taken_back
        emptied = {row for row in approvals.asked if not approvals.results.get(row)}
        self.anew = frozenset(approvals.anew | {entry for entry in approvals.noted if entry[1] in emptied})
        self._told_by_result = {
            key for key, text in approvals.results.items() if is_carried_out(text) and key in approvals.asked
        }
        self._writes: dict[tuple[str, str], tuple[Run, Write]] = {}  # the last done write by action and row
        self._taken_back: dict[str, tuple[Run, Write]] = {}  # the last done write by row, where it was undone
        last: dict[str, tuple[Run, Write]] = {}
        rows_of_record: dict[str, set[str]] = {}
        for run in sorted(runs, key=lambda run: run.id):
            for write in run.writes:
                if write.state != State.DONE:
                    continue
                if run.command == "undo":
                    self._taken_back |= {row: last[row] for row in rows_of_record.get(write.record, ())}
                elif run.month == approvals.month:
                    for row in write.rows:
                        self._writes[write.key, row] = last[row] = (run, write)
                        self._taken_back.pop(row, None)
                        rows_of_record.setdefault(write.record, set()).add(row)
        self._of_row: dict[str, list[Write]] = {}  # the writes of the last run that carried a row out
        for (_, row), (run, write) in self._writes.items():
            if run.id == last[row][0].id and not self._is_before(run, write, row):
                self._of_row.setdefault(row, []).append(write)
        written = {row for _, row in {*approvals.noted, *self._writes}}
        typed = {row: tell_typed(approvals.results[row]) for row in self._told_by_result - written}
        self._typed = {row: text for row, text in typed.items() if text}
        self._changed = {
            row
            for row in self._told_by_result & last.keys()
            if last[row][1].asked.get(row) not in {None, approvals.asked[row]}
        }

    @property
    def reservations(self) -> Mapping[str, str]:
        """What a person should know of spent rows, by row key."""
        return {**self._typed, **dict.fromkeys(self._changed, _CHANGED)}

    def rows_of(self, action: Action) -> set[str]:
        """Return the rows of an action that were carried out."""
        return {row for row in action.rows if self._find_spent(action.key, row) is not None}

    def outcome_of(self, action: Action, rows: Sequence[str], key: str = "") -> Outcome:
        """Make the outcome of an action, or some of its rows, that was carried out earlier."""
        spent = next(filter(None, (self._find_spent(action.key, row) for row in rows)), Spent())
        undone = {row: text for row in rows if (text := self._tell_taken_back(row))}
        by_undo = list(undone.values())[:1]
        return Outcome(
            key=key or action.key,
            kind=kind_of(action),
            subject=action.subject,
            rows=tuple(rows),
            state=State.ALREADY,
            detail="; ".join(
                (spent.text, *by_undo, *([_CHANGED] if self._changed.intersection(rows) else ()))
            ),
            id=spent.write.id if spent.write else None,
            is_spent=True,
            taken_back={row: text for row, text in undone.items() if row not in self._changed},
            run=spent.run.id if spent.run else "",
        )

    def _tell_taken_back(self, row: str) -> str:
        """Say that an undo took back what carried the row out, and was not undone itself; empty if not so.

        *Result* stays as it is where it says so, also by which run; it counts where the journal has no undo.
        """
        parts = [part for write in self._of_row.get(row, ()) for part in self._parts_taken_back(write)]
        if self._says_taken_back(row) and (any(parts) or row not in self._taken_back):
            return self._approvals.results[row]
        return "" if not any(parts) else UNDONE if all(parts) else f"partly {UNDONE}"

    def _says_taken_back(self, row: str) -> bool:
        """Return whether *Result* says that an undo took the row's writes back: its approval stays spent."""
        return TAKEN_BACK in self._approvals.results.get(row, "").casefold()[: len("partly taken back")]

    def _find_spent(self, key: str, row: str) -> Spent | None:
        run, write = self._writes.get((key, row)) or self._taken_back.get(row) or (None, None)
        spent = Spent(run, write, self._typed.get(row, CARRIED_OUT))
        if row in self._told_by_result:
            return spent
        if run is None or write is None:
            return None
        if self._is_before(run, write, row):
            return None
        return spent if write.asked.get(row) == self._approvals.asked.get(row) else None

    def _is_before(self, run: Run, write: Write, row: str) -> bool:
        """Return whether a write came before the approval: before the export or an emptied *Result*."""
        exported_at = self._approvals.exported_at
        known = self._approvals.known_runs
        is_older = (
            exported_at is not None
            and dt.datetime.fromisoformat(write.at).astimezone() <= exported_at
            and (known is None or run.id in known)
        )
        return (is_older or (run.id, row) in self.anew) and not self._says_taken_back(row)


def tell_typed(result: str) -> str:
    """Say that no run wrote a *Result* that says done; empty where the text has the form of xlsync's own."""
    detail = result.removeprefix(f"{State.ALREADY}: ")
    if detail != result:
        return detail if detail.startswith(_TYPED) else ""
    if result.startswith(f"{State.ALREADY} ") and result.endswith(UNNEEDED):
        return ""
    return f"{_TYPED}{result[:_LONGEST]!r}, which no run wrote: nothing is written for this row. {_TO_DO}"


def is_proven(result: str, *, is_noted: bool) -> bool:
    """Return whether a *Result* says that everything was done, and no person typed that.

    `is_noted` tells that the workbook has shown the result of a run in that row.
    """
    return is_carried_out(result) and (is_noted or not tell_typed(result))


TAKEN_BACK: Final = "taken back"  # how the *Result* of a row begins whose writes an undo took back
UNDONE: Final = f"{TAKEN_BACK} since, as the journal shows"


def part_spent(
    actions: Sequence[Action], spent: SpentApprovals
) -> tuple[tuple[Outcome, ...], frozenset[str]]:
    """Return the outcomes of spent actions, and the spent rows of actions with other rows.

    Units and cost of one addition go out in one request: where one of the two rows was carried out, the other
    is still to be done by itself.
    """
    outcomes: list[Outcome] = []
    left_out: set[str] = set()
    for action in actions:
        rows = spent.rows_of(action)
        if rows == set(action.rows):
            outcomes.append(spent.outcome_of(action, action.rows))
        elif rows and isinstance(action, UpdateAddition):
            left_out |= rows
            outcomes += [spent.outcome_of(action, [row], key=row) for row in sorted(rows)]
    return tuple(outcomes), frozenset(left_out)
