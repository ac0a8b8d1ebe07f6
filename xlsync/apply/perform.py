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
from xlsync.errors import ApiError, NoAnswer
from xlsync.rest.pacing import TRIES


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
    live.look_again(action)
    settled = live.judge(action)
    if settled is not None:
        return settled
    try:
        request = request_of(action, live)
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
            was=_was(action),
        )
    except OSError as error:
        detail = f"not sent, since the journal cannot be written ({error.strerror})"
        return outcome(action, State.SKIPPED, detail)
    result = _send(action, live, request)
    try:
        journal.after(action.key, state=str(result.state), detail=result.detail, id=result.id)
    except OSError as error:
        told = f"{result.detail} (the journal could not note it: {error.strerror})"
        return replace(result, detail=told)
    return result


def _send(action: Action, live: Live, request: Request) -> Outcome:
    """Send one write and tell what became of it, by looking where the answer does not tell.

    An error of the server itself (5xx) may come after it has acted, so that is looked up too.
    """
    trouble: ApiError | None = None
    invoice: int | None = None
    try:
        answer = _repeat(action, live, request)
        match action:
            case _ if isinstance(answer, Outcome):
                return answer
            case CreateInvoice():
                invoice = answer
            case _ if answer is not None:
                return outcome(action, State.DONE, _tell_created(action, answer), answer)
    except ApiError as error:
        if not isinstance(error, NoAnswer) and (error.status is None or error.status < 500):
            return outcome(action, State.FAILED, error.message)
        trouble = error
    try:
        found = _look_up(action, live)
    except ApiError as error:
        return outcome(
            action,
            State.UNKNOWN,
            f"it was sent, and could not be looked up: {error.message}; run apply again",
        )
    if found is not None:
        told = f"{found.detail} (the answer was lost, it is there)" if trouble else found.detail
        return replace(found, state=State.DONE, detail=told, id=found.id if invoice is None else invoice)
    if invoice is not None:
        told = f"ConnectWise answered invoice id {invoice}, but the agreement's recap does not show it"
        return outcome(action, State.UNKNOWN, f"{told}: look at it in ConnectWise", invoice)
    if trouble is not None and not isinstance(trouble, NoAnswer):
        return outcome(action, State.FAILED, trouble.message)
    if trouble is None and isinstance(action, UpdateAddition | SetFields):
        return outcome(
            action, State.FAILED, f"{action}: ConnectWise accepted the change but does not show it"
        )
    lost = f"{action}: the answer was lost and it is not seen there yet; run apply again"
    return outcome(action, State.UNKNOWN, lost)


def _repeat(action: Action, live: Live, request: Request) -> int | Outcome | None:
    """Send one write, and again after a wait where ConnectWise surely did not act on it.

    After every wait ConnectWise is looked at: what is settled by then is the outcome.
    """
    for attempt in count(1):
        try:
            return _request(action, live, request)
        except ApiError as error:
            if error.repeat_after is None or attempt >= TRIES:
                raise
            live.connectwise.service.wait(error.repeat_after)
        live.forget(action)
        settled = live.judge(action)
        if settled is not None:
            return settled
    return None


def _request(action: Action, live: Live, request: Request) -> int | None:
    """Send one write once; the id of what it created, where the answer tells it."""
    match action:
        case UpdateAddition() | SetFields():
            live.connectwise.service.send("PATCH", request.path, request.body)
            return None
        case CreateInvoice():
            answer = live.connectwise.service.send("POST", request.path)
            return answer if type(answer) is int else None
        case _:
            return live.connectwise.create(request.path, request.body)


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


def _tell_created(action: Action, id_: int) -> str:
    match action:
        case CreateAddition():
            return f"addition {id_}"
        case CreateAgreement():
            return f"agreement {id_}"
        case _:
            return f"id {id_}"


def _was(action: Action) -> dict[str, Setting] | None:
    match action:
        case UpdateAddition():
            return {str(change.field): change.seen for change in action.changes}
        case SetFields():
            return {change.name: change.seen for change in action.changes}
        case CreateInvoice():
            return {"nextInvoiceDate": action.seen_date}
        case _:
            return None
