"""Perform a plan in order of need: records first, then the additions of agreements side by side."""

from __future__ import annotations

import datetime as dt
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Final

from xlsync.apply.actions import Action, CreateAddition, UpdateAddition, kind_of
from xlsync.apply.changes_together import carry_out_together
from xlsync.apply.journal import Journal
from xlsync.apply.lookup import Live
from xlsync.apply.one_write import carry_out
from xlsync.apply.plan import Outcome, Plan, State, first_lost, outcome, skip_for
from xlsync.apply.set_fields import RETIRE, SetFields
from xlsync.records import replace
from xlsync.waiting import wait_for

REQUESTS_OF_A_WRITE: Final = 3  # a look before, the write, a look after
_SENT: Final = frozenset({State.DONE, State.FAILED, State.UNKNOWN})


def perform(
    plan: Plan, live: Live, journal: Journal, progress: Callable[[Outcome], None] | None = None
) -> tuple[Outcome, ...]:
    """Perform all actions of a plan; those that need a failed one are skipped.

    Records are created one after another, in order of need; then the additions of different agreements
    are written side by side. What an undo takes back by a flag comes last, since additions stand on it.
    An interruption (Ctrl-C) lets the requests under way end, also where it is repeated, and skips the rest.
    Each write has looks of its own; only where the run would have to wait for the rate, changes of one
    agreement share them.
    """
    needed = REQUESTS_OF_A_WRITE * len(plan.actions)
    live.shares_looks = live.connectwise.service.seconds_for(needed) > 0
    run = _Run(live, journal, progress, {result.key: result for result in plan.outcomes})
    first, others, last = _part(plan.actions)
    with ThreadPoolExecutor(max_workers=live.connectwise.side_by_side) as pool:
        try:
            # In a thread, so that Ctrl-C does not interrupt a request.
            wait_for([pool.submit(run.do_all, first)])
            wait_for([pool.submit(run.do_all, lane) for lane in _in_lanes(others, run.ids)])
            wait_for([pool.submit(run.do_all, last)])
        except KeyboardInterrupt:
            run.stop.set()
            with _deaf_to_ctrl_c():
                pool.shutdown(wait=True)
                run.do_all([action for action in plan.actions if action.key not in run.outcomes])
    return tuple(run.outcomes.values())


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ignore Ctrl-C for a block in the main thread, the only one that it interrupts."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _part(actions: Iterable[Action]) -> tuple[list[Action], list[Action], list[Action]]:
    """Split actions into those performed first one after another, those side by side, and the last."""
    first: list[Action] = []
    others: list[Action] = []
    last: list[Action] = []
    for action in actions:
        is_last = isinstance(action, SetFields) and action.kind == RETIRE
        (first if action.lane is None else last if is_last else others).append(action)
    return first, others, last


def _in_lanes(actions: Iterable[Action], ids: Mapping[str, int]) -> list[list[Action]]:
    """Group actions by lane; an agreement that was to be created, and is there, is in that of its id."""
    lanes: dict[int | str | None, list[Action]] = {}
    for action in actions:
        lanes.setdefault(action.with_ids(ids).lane, []).append(action)
    return [_in_pairs(lane) for lane in lanes.values()]


def _in_pairs(actions: list[Action]) -> list[Action]:
    """Put each addition that continues another directly behind the end of that one."""
    keys = {action.key for action in actions}
    continuing: dict[str, list[Action]] = {}
    others: list[Action] = []
    for action in actions:
        ends = action.succeeds.key if isinstance(action, CreateAddition) and action.succeeds else ""
        (continuing.setdefault(ends, []) if ends in keys else others).append(action)
    return [member for action in others for member in (action, *continuing.get(action.key, ()))]


def _changes_first(actions: Iterable[Action]) -> list[UpdateAddition]:
    """Return the changes of additions with which a list of actions begins."""
    changes: list[UpdateAddition] = []
    for action in actions:
        if not isinstance(action, UpdateAddition):
            break
        changes.append(action)
    return changes


class _Run:
    """A run in progress: its outcomes so far, and whether it is to stop."""

    def __init__(
        self,
        live: Live,
        journal: Journal,
        progress: Callable[[Outcome], None] | None,
        outcomes: dict[str, Outcome],
    ) -> None:
        self.live = live
        self.journal = journal
        self.progress = progress
        self.outcomes = outcomes
        self.stop = threading.Event()
        self._accepted: set[str] = set()  # kinds of which ConnectWise did not refuse the first write
        self._refusal: Outcome | None = None  # the one that stopped the run
        self._pairs = threading.RLock()  # held from the end of the first continued addition to its successor
        self._firsts = threading.Lock()  # held while the first write of a kind is under way

    @property
    def ids(self) -> dict[str, int]:
        """The ids of records by the key of the action that was to create them."""
        return {key: result.id for key, result in dict(self.outcomes).items() if result.id is not None}

    def do_all(self, actions: Iterable[Action]) -> None:
        """Perform actions one after another.

        No second addition is ended to be continued before the first is continued, since a refusal of that
        stops the run.
        """
        with ExitStack() as first_pair:
            waiting = deque(actions)
            while waiting:
                action = waiting[0]
                if self._ends_first(action):
                    first_pair.enter_context(self._pairs)
                for result in self._perform_next(waiting):
                    waiting.popleft()
                    self.outcomes[result.key] = result
                    if isinstance(action, CreateAddition) and result.id is not None:
                        self.live.made_by[result.id] = result.key
                    if self.progress:
                        self.progress(result)
                if isinstance(action, CreateAddition):
                    first_pair.close()

    def _ends_first(self, action: Action) -> bool:
        """Return whether an action ends an addition before it is known that additions are created."""
        is_end = isinstance(action, SetFields) and action.successor_item is not None
        return is_end and CreateAddition.__name__ not in self._accepted

    def _perform_next(self, waiting: Sequence[Action]) -> Iterator[Outcome]:
        """Perform the first of the actions; where looks are shared, a change with those directly behind it.

        Nothing is sent if the run was interrupted, or if an action that it needs was not done.
        """
        action = waiting[0]
        known = dict(self.outcomes)
        if self.stop.is_set():
            yield outcome(action, State.SKIPPED, "the run was interrupted before it")
        elif lost := first_lost(action, known):
            yield skip_for(action, lost)
        else:
            for result in self._try_first(action.with_ids(self.ids), waiting):
                yield self._tell_ended(action, result)

    def _try_first(self, action: Action, waiting: Sequence[Action]) -> Iterator[Outcome]:
        """Perform the first waiting action, of each kind the first alone: its refusal may stop the run.

        A run that went on would meet the refusal at every row of the kind; what was left is applied again.
        """
        kind = kind_of(action)
        if kind not in self._accepted:
            with self._firsts:
                result = self._carry_out_first(action) if kind not in self._accepted else None
            if result is not None:
                yield result
                return
        if self._refusal is None:
            changes = _changes_first(waiting) if self.live.shares_looks else []
            if len(changes) > 1:
                yield from carry_out_together(changes, self.live, self.journal, self._may_go_on)
            else:
                yield carry_out(action, self.live, self.journal)
            return
        todo = (
            "mend that, or take away the Yes of that row, and apply again: it does this row then"
            if action.rows
            else "mend that and undo again: it does the rest then"
        )
        detail = (
            f"not sent: the run stopped when {self._refusal.subject} was refused for "
            f"{self._refusal.refused_for}; {todo}"
        )
        yield outcome(action, State.SKIPPED, detail)

    def _may_go_on(self) -> bool:
        """Return whether the run was neither interrupted nor stopped by a refusal."""
        return self._refusal is None and not self.stop.is_set()

    def _carry_out_first(self, action: Action) -> Outcome | None:
        """Perform the first action of a kind, unless the run has stopped; None then."""
        if self._refusal is not None:
            return None
        result = carry_out(action, self.live, self.journal)
        if result.refused_for is not None:
            self._refusal = result
        elif result.state in _SENT:
            self._accepted.add(kind_of(action))
        return result

    def _tell_ended(self, action: Action, result: Outcome) -> Outcome:
        """Add to an action that was not done what is in force since the action before it was done."""
        if result.state not in {State.FAILED, State.SKIPPED}:
            return result
        if isinstance(action, SetFields) and action.kind != RETIRE and any(map(self._is_done, action.after)):
            warning = (
                "nothing is billed in its place, since what continued it was ended: set its end in "
                f"ConnectWise, or `xlsync undo {self.journal.run}` brings back what was ended"
            )
        elif isinstance(action, CreateAddition) and action.succeeds and self._is_done(action.succeeds.key):
            eve = action.effective - dt.timedelta(days=1) if action.effective else "its last day"
            warning = (
                f"addition {action.succeeds.addition.id} ends on {eve} and nothing continues it, so "
                f"nothing is billed after that day: apply again, "
                f"or `xlsync undo {self.journal.run}` takes the end back"
            )
        else:
            return result
        return replace(result, detail=f"{result.detail.rstrip('.')}; {warning}")

    def _is_done(self, key: str) -> bool:
        """Return whether this run has done the action of a key."""
        return key in self.outcomes and self.outcomes[key].state is State.DONE
