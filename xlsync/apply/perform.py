"""Perform a plan: for each action look, write the journal, send, look again, write the journal.

No record is created twice and no request is repeated blindly: one without an answer is *unknown*
and is looked up. A record is searched for just before its creation; a value read more than five seconds
ago is read again before it is overwritten.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from xlsync.apply.actions import Action, CreateAddition, kind_of
from xlsync.apply.creation_fields import tell_where_to_give, with_further_fields
from xlsync.apply.freshness import Look
from xlsync.apply.handlers import handler_of
from xlsync.apply.journal import Journal
from xlsync.apply.judging import judge
from xlsync.apply.kinds.handler import Handler, HttpWrite
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, Plan, RefusedFor, State, first_lost, outcome, skip_for
from xlsync.apply.set_fields import RETIRE, SetFields
from xlsync.apply.stored_fields import id_in, tell_differences, unanswered_fields
from xlsync.connectwise.custom_fields import (
    demands_custom_field,
    is_about_custom_fields,
    restate_custom_fields,
)
from xlsync.connectwise.records import CUSTOM_FIELDS, record_of
from xlsync.errors import ApiError, NoAnswer, XlsyncError
from xlsync.records import replace
from xlsync.rest.pacing import TRIES

# Somebody on the way did not wait for ConnectWise, or sends on to see what came of the request.
_GIVEN_UP: Final = frozenset({303, 408, 499})
_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)  # seconds between looks after a lost answer
_SENT: Final = frozenset({State.DONE, State.FAILED, State.UNKNOWN})
_WAIT: Final = "wait ten minutes, then apply again: it is looked for before anything is sent"


def perform(
    plan: Plan, live: Live, journal: Journal, progress: Callable[[Outcome], None] | None = None
) -> tuple[Outcome, ...]:
    """Perform all actions of a plan; those that need a failed one are skipped.

    Records are created one after another, in order of need; then the additions of different agreements
    are written side by side. What an undo takes back by a flag comes last, since additions stand on it.
    An interruption (Ctrl-C) lets the requests under way end and skips the rest.
    """
    run = _Run(live, journal, progress, {result.key: result for result in plan.outcomes})
    first, groups, last = _part(plan.actions)
    with ThreadPoolExecutor(max_workers=live.connectwise.side_by_side) as pool:
        try:
            # In a thread, so that Ctrl-C does not interrupt a request.
            pool.submit(run.do_all, first).result()
            for job in as_completed([pool.submit(run.do_all, group) for group in groups]):
                job.result()
            pool.submit(run.do_all, last).result()
        except KeyboardInterrupt:
            run.stop.set()
            pool.shutdown(wait=True)
            run.do_all([action for action in plan.actions if action.key not in run.outcomes])
    return tuple(run.outcomes.values())


def _part(actions: Iterable[Action]) -> tuple[list[Action], list[list[Action]], list[Action]]:
    """Split actions into those performed first one after another, those of each agreement, and the last."""
    first: list[Action] = []
    last: list[Action] = []
    groups: dict[int | str, list[Action]] = {}
    for action in actions:
        if action.lane is None:
            first.append(action)
        elif isinstance(action, SetFields) and action.kind == RETIRE:
            last.append(action)
        else:
            groups.setdefault(action.lane, []).append(action)
    return first, [_in_pairs(group) for group in groups.values()], last


def _in_pairs(actions: list[Action]) -> list[Action]:
    """Put each addition that continues another directly behind the end of that one."""
    keys = {action.key for action in actions}
    continuing: dict[str, list[Action]] = {}
    others: list[Action] = []
    for action in actions:
        ends = action.succeeds.key if isinstance(action, CreateAddition) and action.succeeds else ""
        (continuing.setdefault(ends, []) if ends in keys else others).append(action)
    return [member for action in others for member in (action, *continuing.get(action.key, ()))]


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

    def do_all(self, actions: Iterable[Action]) -> None:
        """Perform actions one after another.

        No second addition is ended to be continued before the first is continued, since a refusal of that
        stops the run.
        """
        with ExitStack() as first_pair:
            for action in actions:
                if self._ends_first(action):
                    first_pair.enter_context(self._pairs)
                result = self._perform_in_turn(action)
                self.outcomes[action.key] = result
                if self.progress:
                    self.progress(result)
                if isinstance(action, CreateAddition):
                    first_pair.close()

    def _ends_first(self, action: Action) -> bool:
        """Return whether an action ends an addition before it is known that additions are created."""
        is_end = isinstance(action, SetFields) and action.successor_item is not None
        return is_end and CreateAddition.__name__ not in self._accepted

    def _perform_in_turn(self, action: Action) -> Outcome:
        """Perform an action, unless the run was interrupted or an action that it needs was not done."""
        if self.stop.is_set():
            return outcome(action, State.SKIPPED, "the run was interrupted before it")
        known = dict(self.outcomes)
        lost = first_lost(action, known)
        if lost:
            return skip_for(action, lost)
        ids = {key: result.id for key, result in known.items() if result.id is not None}
        result = self._try_first(action.with_ids(ids))
        return self._tell_ended(action, result)

    def _try_first(self, action: Action) -> Outcome:
        """Perform an action, the first of each kind alone: its refusal may be one that stops the run.

        A run that went on would meet the refusal at every row of the kind; what was left is applied again.
        """
        kind = kind_of(action)
        if kind not in self._accepted:
            with self._firsts:
                if kind not in self._accepted and self._refusal is None:
                    result = _perform(action, self.live, self.journal)
                    if result.refused_for is not None:
                        self._refusal = result
                    elif result.state in _SENT:
                        self._accepted.add(kind)
                    return result
        if self._refusal is None:
            return _perform(action, self.live, self.journal)
        todo = (
            "mend that, or take away the Yes of that row, and apply again: it does this row then"
            if action.rows
            else "mend that and undo again: it does the rest then"
        )
        detail = (
            f"not sent: the run stopped when {self._refusal.subject} was refused for "
            f"{self._refusal.refused_for}; {todo}"
        )
        return outcome(action, State.SKIPPED, detail)

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


def _perform(action: Action, live: Live, journal: Journal) -> Outcome:
    """Look, write the journal, send, look again, write the journal; returns the outcome."""
    handler = handler_of(action)
    prepared = _prepare(action, handler, live)
    if isinstance(prepared, Outcome):
        return prepared
    unwritten = _journal_request(action, prepared.request, journal)
    if unwritten is not None:
        return unwritten
    result = _send(action, handler, live, prepared, journal)
    if result.id is not None and result.state is not State.ALREADY and prepared.request.method == "POST":
        live.earlier.add_created(prepared.request.path, result.id)
    try:
        journal.after(action.key, state=str(result.state), detail=result.detail, id=result.id)
    except OSError as error:
        detail = f"{result.detail} (the journal could not note it: {error.strerror})"
        return replace(result, detail=detail)
    return result


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A request that may be sent now, and the look at ConnectWise that it rests upon."""

    request: HttpWrite
    look: Look


def _prepare(action: Action, handler: Handler, live: Live) -> _Prepared | Outcome:
    """Look at ConnectWise and make the request; an outcome where nothing is to be sent.

    Where making the request took long, what it replaces is looked at again, last of all.
    """
    began = live.clock()
    live.forget_additions(action.agreement_id)
    judged = judge(action, live)
    if judged is not None:
        return judged
    try:
        request = handler.request(live)
        if isinstance(request, str):
            return outcome(action, State.SKIPPED, request)
        request = _with_custom_fields(with_further_fields(action, request, live), live)
        if not began.is_fresh(live.clock()):
            began = live.clock()
            live.forget_additions(action.agreement_id)
            judged = handler.judge(live)
            if judged is not None:
                return judged
        request = replace(request, was=handler.read_replaced(live))
    except XlsyncError as error:
        return outcome(action, State.SKIPPED, f"could not be prepared: {error.message}")
    return _Prepared(request, Look(began, live.clock()))


def _journal_request(action: Action, request: HttpWrite, journal: Journal) -> Outcome | None:
    """Write the journal's line of a request before it is sent; skipped where that is not possible."""
    try:
        journal.before(
            action.key,
            kind=kind_of(action),
            what=str(action),
            subject=action.subject,
            rows=action.rows,
            method=request.method,
            path=request.path,
            body={} if request.body is None else request.body,
            was=request.was,
            **({"succeeds": request.succeeds} if request.succeeds else {}),
            **({"company": company} if (company := _company_of(action)) is not None else {}),
        )
    except OSError as error:
        detail = f"not sent, since the journal cannot be written ({error.strerror})"
        return outcome(action, State.SKIPPED, detail)
    return None


def _company_of(action: Action) -> int | None:
    """Return the company whose agreement a write touches, as it was approved."""
    if isinstance(action, SetFields) and action.company:
        return action.company
    return action.basis.company if action.basis else None


def _with_custom_fields(request: HttpWrite, live: Live) -> HttpWrite:
    """Add the record's present custom fields to a PATCH where ConnectWise demands them."""
    if request.method != "PATCH" or not live.restates_custom_fields:
        return request
    return replace(request, body=[*request.body, *restate_custom_fields(live.connectwise, request.path)])


def _send(action: Action, handler: Handler, live: Live, prepared: _Prepared, journal: Journal) -> Outcome:
    """Send one write and return its outcome; ConnectWise is read where the answer does not give it.

    An error of the server itself (5xx), and some that a gateway makes of a write that was carried out, may
    come after the write was carried out, so those are looked up too.
    """
    trouble: ApiError | None = None
    created_id: int | None = None
    request = prepared.request
    try:
        sent = _repeat(action, handler, live, prepared, journal)
        if isinstance(sent, Outcome):
            return sent
        request, answer = sent
        created_id = id_in(answer) if request.method == "POST" else None
        if created_id is not None and handler.is_proved_by_answer:
            return _created(action, handler, live, request, created_id, answer)
    except ApiError as error:
        if not _may_have_acted(request, error):
            return _refused(action, error)
        trouble = error
    try:
        shown = _look_until_seen(handler, live, is_unanswered=isinstance(trouble, NoAnswer))
    except ApiError as error:
        detail = f"it was sent, and could not be looked up: {error.message}; {_WAIT}"
        return outcome(action, State.UNKNOWN, detail)
    if shown is not None and trouble is not None and _is_refusal(trouble):
        return replace(shown, state=State.ALREADY)  # somebody else made it after the last look
    if shown is not None:
        detail = f"{shown.detail} (the answer was lost, it is there)" if trouble else shown.detail
        done = replace(
            shown, state=State.DONE, detail=detail, id=created_id if created_id is not None else shown.id
        )
        return _with_unlike(handler, live, done)
    if created_id is not None:
        detail = (
            f"ConnectWise answered {handler.word} id {created_id}, but the agreement's recap does not show it"
        )
        return outcome(action, State.UNKNOWN, f"{detail}: look at it in ConnectWise", created_id)
    if trouble is not None and not isinstance(trouble, NoAnswer) and trouble.status not in _GIVEN_UP:
        return _refused(action, trouble)
    if trouble is None:
        return _stored_otherwise(action, handler, live) or outcome(
            action, State.UNKNOWN, f"{action}: ConnectWise accepted it, but does not show it: {_WAIT}"
        )
    return outcome(
        action, State.UNKNOWN, f"{action}: the answer was lost and it is not seen there yet: {_WAIT}"
    )


def _with_unlike(handler: Handler, live: Live, done: Outcome) -> Outcome:
    """Add to a write that was carried out what ConnectWise made otherwise than it was approved."""
    try:
        unlike = handler.tell_unlike_approved(live, done)
    except ApiError as error:
        unlike = f"whether it is as approved could not be looked up: {error.message.rstrip('.')}"
    return replace(done, detail=f"{done.detail}; {unlike}", differs=True) if unlike else done


def _stored_otherwise(action: Action, handler: Handler, live: Live) -> Outcome | None:
    """Return the outcome of a change that ConnectWise accepted and stored as other values; else None."""
    try:
        differing = handler.tell_stored_otherwise(live)
    except ApiError:
        return None  # that it is not shown is all that is known
    return replace(outcome(action, State.DONE, differing), differs=True) if differing else None


def _refused(action: Action, error: ApiError) -> Outcome:
    """Make the outcome of a write that ConnectWise refused; `refused_for` says whether the run stops."""
    refused_for = None
    if error.status == 401:
        refused_for = RefusedFor.KEYS
    elif error.status == 403:
        refused_for = RefusedFor.RIGHTS
    elif demands_custom_field(error):
        refused_for = RefusedFor.CUSTOM_FIELDS
    elif error.status == 400 and "ConnectWiseApi" in error.codes and "version" in error.message:
        refused_for = RefusedFor.RELEASE
    hint = tell_where_to_give(action, error) or (error.hint if refused_for is not None else "")
    detail = f"{error.message.rstrip('.')}. {hint}" if hint else error.message
    return replace(outcome(action, State.FAILED, detail), refused_for=refused_for)


def _is_refusal(trouble: ApiError) -> bool:
    """Return whether ConnectWise itself refused a creation, such as one of an identifier that is taken."""
    return not isinstance(trouble, NoAnswer) and trouble.status in {400, 409}


def _may_have_acted(request: HttpWrite, error: ApiError) -> bool:
    """Return whether ConnectWise may have carried out a write that it answered with an error."""
    if isinstance(error, NoAnswer):
        return True
    if error.status is None:
        return False
    is_creation = request.method == "POST"
    may_be_sent_on = 300 <= error.status < 400
    is_by_server = error.status >= 500 or error.status in _GIVEN_UP
    return is_by_server or may_be_sent_on or (is_creation and error.status in {400, 409})


def _created(
    action: Action, handler: Handler, live: Live, request: HttpWrite, created_id: int, answer: object
) -> Outcome:
    """Return the outcome of a creation: id, differences from what was sent, duplicates made meanwhile."""
    details = [f"{handler.word} {created_id}", _tell_stored(live, request, created_id, answer)]
    details.append(handler.tell_unlike_row(answer))
    try:
        twins = handler.find_twins(live, created_id)
    except ApiError as error:
        why = f"could not be looked up: {error.message.rstrip('.')}"
        details.append(f"whether another run or person made the same at the same time {why}")
    else:
        if twins:
            ids = ", ".join(map(str, twins))
            details.append(
                f"another run or person made {ids} of the same at the same time: keep one, end the other"
            )
    done = outcome(action, State.DONE, "; ".join(filter(None, [*details, request.note])), created_id)
    return replace(done, differs=any(details[1:]))


def _tell_stored(live: Live, request: HttpWrite, created_id: int, answer: object) -> str:
    """Name what ConnectWise stored otherwise than it was sent; read where the answer does not show it."""
    stored = answer if isinstance(answer, Mapping) else {}
    if lacking := unanswered_fields(request.body, stored):
        path = f"{request.path}/{created_id}"
        try:
            fields = ",".join(["id", *lacking])
            record = record_of(live.connectwise.service.get(path, {"fields": fields}), path)
        except ApiError as error:
            return f"whether it is stored as it was sent could not be looked up: {error.message.rstrip('.')}"
        stored = {**stored, **{name: record.get(name) for name in lacking}}
    return tell_differences(request.body, stored)


def _look_until_seen(handler: Handler, live: Live, *, is_unanswered: bool) -> Outcome | None:
    """Return the outcome done if ConnectWise shows the write; repeated for a while after a lost answer."""
    shown = handler.confirm(live)
    if not is_unanswered:
        return shown
    waited = 0.0
    for pause in _PAUSES:
        if shown is not None or waited + pause > max(live.connectwise.seconds_until_unknown, live.list_lag):
            break
        live.connectwise.service.wait(pause)
        waited += pause
        shown = handler.confirm(live)
    return shown


def _repeat(
    action: Action, handler: Handler, live: Live, prepared: _Prepared, journal: Journal
) -> tuple[HttpWrite, Any] | Outcome:
    """Send one write, and again after a wait or a refusal where ConnectWise surely did not act on it.

    A PATCH that is refused since it does not name the custom fields is sent once more with them as they are.
    Before every repetition ConnectWise is looked at and the request is made anew: what is settled by then is
    the outcome. A write that had to wait, for the rate or while the computer slept, is repeated in this way
    too. Returns what was sent last, and its answer.
    """
    attempt = 0
    while True:
        attempt += 1
        request = prepared.request
        may_send = partial(_is_fresh, prepared.look, live)
        try:
            answer = live.connectwise.service.send(request.method, request.path, request.body, may_send)
        except ApiError as error:
            refusal = error
        else:
            return request, answer
        lacks_customs = _lacks_custom_fields(request) and is_about_custom_fields(refusal)
        if lacks_customs:
            live.restates_custom_fields = True
        elif refusal.repeat_after is None or attempt >= TRIES:
            raise refusal
        else:
            live.connectwise.service.wait(refusal.repeat_after)
        again = _prepare(action, handler, live)
        if isinstance(again, Outcome):
            return again
        if lacks_customs and _lacks_custom_fields(again.request):  # the record has no custom field to name
            raise refusal
        if again.request != request:
            unwritten = _journal_request(action, again.request, journal)
            if unwritten is not None:
                return unwritten
        prepared = again


def _lacks_custom_fields(request: HttpWrite) -> bool:
    """Return whether a request is a PATCH that says nothing of custom fields."""
    return request.method == "PATCH" and all(change["path"] != CUSTOM_FIELDS for change in request.body)


def _is_fresh(look: Look, live: Live) -> bool:
    return look.is_fresh(live.clock())
