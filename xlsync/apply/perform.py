"""Perform a plan: look, write it down, send, look again, write down what became of it.

Nothing is created twice and nothing is sent blindly again: a request without an answer is *unknown*
and is looked up. What is to be created is looked for just before; what was looked at longer than five seconds
ago is looked at again before it is written over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import count
from typing import Any, Final

from xlsync.apply.actions import (
    Action,
    CreateAddition,
    CreateAgreement,
    CreateCatalogItem,
    CreateCompany,
    CreateContact,
    CreateInvoice,
    SetFields,
    Setting,
    UpdateAddition,
    kind_of,
)
from xlsync.apply.journal import Journal
from xlsync.apply.lookup import Live, agreement_of, judge_found, resolve
from xlsync.apply.plan import (
    Outcome,
    Plan,
    State,
    first_lost,
    judge_creation,
    judge_invoice,
    outcome,
    skip_for,
)
from xlsync.apply.request_bodies import Request, request_of
from xlsync.apply.stored import id_in, tell_differences
from xlsync.errors import ApiError, NoAnswer
from xlsync.rest.pacing import TRIES

_GIVEN_UP: Final = frozenset({408, 499})  # somebody on the way did not wait for ConnectWise
_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds between looks after a lost answer
_WAIT: Final = "wait ten minutes, then apply again: it is looked for before anything is sent"


def perform(
    plan: Plan, live: Live, journal: Journal, progress: Callable[[Outcome], None] | None = None
) -> tuple[Outcome, ...]:
    """Do all actions of a plan; what needs a lost one is skipped, the rest goes on.

    Things are created one after another, in order of need; then the additions of different agreements
    are written side by side. An interruption (Ctrl-C) lets the requests under way end and skips the rest.
    """
    run = _Run(live, journal, progress, {result.key: result for result in plan.settled})
    first, groups = _part(plan.actions)
    with ThreadPoolExecutor(max_workers=live.connectwise.side_by_side) as pool:
        try:
            pool.submit(run.do_all, first).result()  # in a thread: Ctrl-C must not cut a request off
            for job in as_completed([pool.submit(run.do_all, group) for group in groups]):
                job.result()
        except KeyboardInterrupt:
            run.stop.set()
            pool.shutdown(wait=True)
            run.do_all([action for action in plan.actions if action.key not in run.outcomes])
    return tuple(run.outcomes.values())


def _part(actions: Iterable[Action]) -> tuple[list[Action], list[list[Action]]]:
    """What is created one after another, and the writes to each agreement."""
    first: list[Action] = []
    groups: dict[int | str, list[Action]] = {}
    for action in actions:
        match action:
            case CreateAddition():
                groups.setdefault(action.agreement, []).append(action)
            case SetFields() | UpdateAddition() | CreateInvoice():
                groups.setdefault(agreement_of(action) or action.key, []).append(action)
            case _:
                first.append(action)
    return first, list(groups.values())


class _Run:
    """One run under way: its outcomes so far, and whether it is to stop."""

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

    def do_all(self, actions: Iterable[Action]) -> None:
        """One action after another."""
        for action in actions:
            result = self._do(action)
            self.outcomes[action.key] = result
            if self.progress:
                self.progress(result)

    def _do(self, action: Action) -> Outcome:
        if self.stop.is_set():
            return outcome(action, State.SKIPPED, "the run was interrupted before it")
        known = dict(self.outcomes)
        lost = first_lost(action, known)
        if lost:
            return skip_for(action, lost)
        ids = {key: result.id for key, result in known.items() if result.id is not None}
        return _perform(resolve(action, ids), self.live, self.journal)


def _perform(action: Action, live: Live, journal: Journal) -> Outcome:
    live.forget(action)
    settled = live.judge(action)
    if settled is not None:
        return settled
    try:
        request = request_of(action, live)
        was = _was(action, live)
    except ApiError as error:
        return outcome(action, State.SKIPPED, f"could not be prepared: {error.message}")
    if isinstance(request, str):
        return outcome(action, State.SKIPPED, request)
    try:
        journal.before(
            action.key,
            kind=kind_of(action),
            what=str(action),
            rows=action.rows,
            method=request.method,
            path=request.path,
            body=request.body,
            was=was,
        )
    except OSError as error:
        detail = f"not sent, since the journal cannot be written ({error.strerror})"
        return outcome(action, State.SKIPPED, detail)
    result = _send(action, live, request)
    if result.id is not None and request.method == "POST":
        live.earlier.made.add(result.id)
    try:
        journal.after(action.key, state=str(result.state), detail=result.detail, id=result.id)
    except OSError as error:
        told = f"{result.detail} (the journal could not note it: {error.strerror})"
        return replace(result, detail=told)
    return result


def _send(action: Action, live: Live, request: Request) -> Outcome:
    """Send one write and tell what became of it, by looking where the answer does not tell.

    An error of the server itself (5xx), and some that a gateway makes of a write that was carried out, may
    come after it has acted, so those are looked up too.
    """
    trouble: ApiError | None = None
    answer: Any = None
    try:
        answer = _repeat(action, live, request)
        if isinstance(answer, Outcome):
            return answer
        made = id_in(answer)
        if made is not None and request.method == "POST" and not isinstance(action, CreateInvoice):
            return _created(action, live, request, made, answer)
    except ApiError as error:
        if not _may_have_acted(action, error):
            return outcome(action, State.FAILED, error.message)
        trouble = error
    invoice = answer if type(answer) is int and answer > 0 else None
    try:
        found = _look_until_seen(action, live, is_unanswered=isinstance(trouble, NoAnswer))
    except ApiError as error:
        told = f"it was sent, and could not be looked up: {error.message}; {_WAIT}"
        return outcome(action, State.UNKNOWN, told)
    if found is not None:
        told = f"{found.detail} (the answer was lost, it is there)" if trouble else found.detail
        return replace(found, state=State.DONE, detail=told, id=found.id if invoice is None else invoice)
    if invoice is not None:
        told = f"ConnectWise answered invoice id {invoice}, but the agreement's recap does not show it"
        return outcome(action, State.UNKNOWN, f"{told}: look at it in ConnectWise", invoice)
    if trouble is not None and not isinstance(trouble, NoAnswer) and trouble.status not in _GIVEN_UP:
        return outcome(action, State.FAILED, trouble.message)
    if trouble is None:
        told = f"{action}: ConnectWise accepted it, but does not show it: {_WAIT}"
        return outcome(action, State.UNKNOWN, told)
    return outcome(
        action, State.UNKNOWN, f"{action}: the answer was lost and it is not seen there yet: {_WAIT}"
    )


def _may_have_acted(action: Action, error: ApiError) -> bool:
    """Whether ConnectWise may have carried a write out though it answered with an error."""
    if isinstance(error, NoAnswer):
        return True
    if error.status is None:
        return False
    is_creation = not isinstance(action, UpdateAddition | SetFields)
    return error.status >= 500 or error.status in _GIVEN_UP or (is_creation and error.status in {400, 409})


def _created(action: Action, live: Live, request: Request, made: int, answer: object) -> Outcome:
    """What was created, what ConnectWise stored otherwise, and others like it that were made meanwhile."""
    told = [_tell_created(action, made), tell_differences(request.body, answer)]
    if isinstance(action, CreateAddition | CreateAgreement):
        try:
            twins = live.find_twins(action, made)
        except ApiError:
            twins = ()  # it was made: that the second look failed changes nothing
        if twins:
            ids = ", ".join(map(str, twins))
            told.append(
                f"another run or person made {ids} of the same at the same time: keep one, end the other"
            )
    done = outcome(action, State.DONE, "; ".join(filter(None, told)), made)
    return replace(done, differs=any(told[1:]))


def _look_until_seen(action: Action, live: Live, *, is_unanswered: bool) -> Outcome | None:
    """The action as done, where ConnectWise shows it; after a lost answer it is looked for anew."""
    found = _look_up(action, live)
    if not is_unanswered:
        return found
    waited = 0.0
    for pause in _PAUSES:
        if found is not None or waited + pause > live.connectwise.seconds_until_unknown:
            break
        live.connectwise.service.wait(pause)
        waited += pause
        found = _look_up(action, live)
    return found


def _repeat(action: Action, live: Live, request: Request) -> Any:
    """Send one write, and again after a wait where ConnectWise surely did not act on it.

    After every wait ConnectWise is looked at: what is settled by then is the outcome.
    """
    for attempt in count(1):
        try:
            return live.connectwise.service.send(
                request.method, request.path, None if isinstance(action, CreateInvoice) else request.body
            )
        except ApiError as error:
            if error.repeat_after is None or attempt >= TRIES:
                raise
            live.connectwise.service.wait(error.repeat_after)
        live.forget(action)
        settled = live.judge(action)
        if settled is not None:
            return settled
    return None


def _look_up(action: Action, live: Live) -> Outcome | None:
    """The action as done, where ConnectWise shows it."""
    match action:
        case CreateAddition(agreement=int() as agreement):
            additions = live.connectwise.list_additions([agreement])[agreement]
            if isinstance(additions, ApiError):
                raise additions
            found = judge_creation(action, additions)
        case CreateCompany() | CreateContact() | CreateAgreement() | CreateCatalogItem():
            found = judge_found(action, live.find(action))
        case CreateInvoice():
            found = judge_invoice(action, live.connectwise.read_recap(action.agreement))
            if found is None or found.state is not State.ALREADY:
                found = find_invoice_made(action, live)
        case SetFields():
            now = live.settings(action)
            is_set = all(now[change.name] == change.wanted for change in action.changes)
            id_ = int(action.path.rsplit("/", 1)[-1])
            return outcome(action, State.DONE, action.what, id_) if is_set else None
        case UpdateAddition():
            addition = live.connectwise.read_addition(action.seen.agreement_id, action.seen.id)
            is_set = addition is not None and all(c.field.of(addition) == c.wanted for c in action.changes)
            told = ", ".join(map(str, action.changes))
            return outcome(action, State.DONE, told, action.seen.id) if is_set else None
        case _:
            return None
    return found if found is not None and found.state is State.ALREADY else None


def find_invoice_made(action: CreateInvoice, live: Live) -> Outcome | None:
    """The invoice among those of the agreement, where the recap does not show it yet."""
    made = live.connectwise.list_invoices(action.agreement, action.seen_date)
    if not made:
        return None
    id_, number = made[-1]
    return replace(outcome(action, State.ALREADY, f"invoice {number}", id_), invoice_number=number)


def _tell_created(action: Action, id_: int) -> str:
    match action:
        case CreateAddition():
            return f"addition {id_}"
        case CreateAgreement():
            return f"agreement {id_}"
        case _:
            return f"id {id_}"


def _was(action: Action, live: Live) -> dict[str, Setting] | None:
    """The values that a write replaces, as they are just before it."""
    match action:
        case UpdateAddition():
            now = live.addition(action.seen) or action.seen
            return {str(change.field): change.field.of(now) for change in action.changes}
        case SetFields():
            return dict(live.settings(action))
        case CreateInvoice():
            return {"nextInvoiceDate": action.seen_date}
        case _:
            return None
