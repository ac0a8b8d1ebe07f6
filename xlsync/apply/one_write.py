"""Carry out one action: look, write the journal, send, look again, write the journal.

No record is created twice and no request is repeated blindly: one without an answer is *unknown*
and is looked up. A record is searched for just before its creation; a value read more than five seconds
ago is read again before it is overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from msgspec import Struct

from xlsync.apply.actions import Action, CreateAddition, kind_of
from xlsync.apply.creation_fields import tell_where_to_give, with_further_fields
from xlsync.apply.freshness import Look
from xlsync.apply.handlers import handler_of
from xlsync.apply.journal import Journal
from xlsync.apply.judging import judge, read_basis
from xlsync.apply.kinds.handler import Handler, HttpWrite
from xlsync.apply.lookup import Live
from xlsync.apply.plan import Outcome, RefusedFor, State, outcome
from xlsync.apply.set_fields import SetFields
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
_SHOWN_SOON: Final = 3  # seconds for which a creation that met an error is looked for in any case
_WAIT: Final = "wait ten minutes, then apply again: it is looked for before anything is sent"


def carry_out(action: Action, live: Live, journal: Journal) -> Outcome:
    """Look, write the journal, send, look again, write the journal; returns the outcome."""
    handler = handler_of(action)
    prepared = prepare(action, handler, live)
    if isinstance(prepared, Outcome):
        return prepared
    unwritten = journal_request(action, prepared.request, journal)
    if unwritten is not None:
        return unwritten
    sent = send(action, handler, live, prepared, journal)
    result = sent if isinstance(sent, Outcome) else verify(action, handler, live, sent)
    if result.id is not None and result.state is not State.ALREADY and prepared.request.method == "POST":
        live.earlier.add_created(prepared.request.path, result.id)
    return journal_result(action, result, journal)


def journal_result(action: Action, result: Outcome, journal: Journal) -> Outcome:
    """Write the journal's line after a request; returns the outcome, which says where that failed."""
    try:
        journal.after(action.key, state=str(result.state), detail=result.detail, id=result.id)
    except OSError as error:
        detail = f"{result.detail} (the journal could not note it: {error.strerror})"
        return replace(result, detail=detail, differs=True)
    return result


class Prepared(Struct, frozen=True):
    """A request that may be sent now, and the look at ConnectWise that it rests upon."""

    request: HttpWrite
    look: Look


def prepare(action: Action, handler: Handler, live: Live, *, anew: bool = True) -> Prepared | Outcome:
    """Look at ConnectWise and make the request; an outcome where nothing is to be sent.

    What the write replaces is looked at last, and again where making the request took long or asked
    ConnectWise for more. Unless `anew`, the list of the agreement's additions was read for it just before.
    """
    read_basis(action, live)
    began = live.clock()
    if anew:
        live.forget_additions(action.agreement_id)
    judged = judge(action, live)
    if judged is not None:
        return judged
    try:
        request = handler.request(live)
        if isinstance(request, str):
            return outcome(action, State.SKIPPED, request)
        whole = _with_custom_fields(with_further_fields(action, request, live), live)
        is_change_read_for = request.method == "PATCH" and whole is not request
        if is_change_read_for or not began.is_fresh(live.clock()):
            began = live.clock()
            live.forget_additions(action.agreement_id)
            judged = handler.judge(live)
            if judged is not None:
                return judged
        whole = replace(whole, was=handler.read_replaced(live))
    except XlsyncError as error:
        return outcome(action, State.SKIPPED, f"could not be prepared: {error.message}")
    return Prepared(whole, handler.looked_at(live) or Look(began, live.clock()))


def journal_request(action: Action, request: HttpWrite, journal: Journal) -> Outcome | None:
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
            **({"beside": action.beside} if isinstance(action, CreateAddition) and action.beside else {}),
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


class Sent(Struct, frozen=True):
    """A write that left, and its answer; or a trouble after which it may have been carried out."""

    request: HttpWrite
    answer: object = None
    trouble: ApiError | None = None

    @property
    def created_id(self) -> int | None:
        """The id of what was created, where the answer gives one."""
        return id_in(self.answer) if self.request.method == "POST" else None


def send(
    action: Action, handler: Handler, live: Live, prepared: Prepared, journal: Journal
) -> Sent | Outcome:
    """Send one write; an outcome where it was refused, or where a look before a repetition settled it.

    An error of the server itself (5xx), and some that a gateway makes of a write that was carried out, may
    come after the write was carried out, so those are looked up too.
    """
    try:
        sent = _repeat(action, handler, live, prepared, journal)
    except ApiError as error:
        if not _may_have_acted(prepared.request, error):
            return _refused(action, error)
        return Sent(prepared.request, trouble=error)
    return sent if isinstance(sent, Outcome) else Sent(*sent)


def verify(
    action: Action, handler: Handler, live: Live, sent: Sent, listed: Outcome | None = None
) -> Outcome:
    """Return the outcome of a write that left; ConnectWise is read where the answer does not give it.

    `listed` is the outcome where a list that was read since shows the write already.
    """
    trouble, created_id = sent.trouble, sent.created_id
    try:
        if created_id is not None and handler.is_proved_by_answer:
            return _created(action, handler, live, sent.request, created_id, sent.answer)
        shown = listed or _look_until_seen(handler, live, _seconds_to_look(live, sent))
    except ApiError as error:
        detail = f"it was sent, and could not be looked up: {error.message}; {_WAIT}"
        return outcome(action, State.UNKNOWN, detail)
    if shown is not None and trouble is not None and _is_refusal(trouble):
        return replace(shown, state=State.ALREADY)  # somebody else made it after the last look
    if shown is not None:
        done = replace(shown, state=State.DONE, id=created_id if created_id is not None else shown.id)
        if handler.is_proved_by_answer and done.id is not None:
            made = _read_made(live, sent.request, done.id)
            done = _created(action, handler, live, sent.request, done.id, made)
        else:
            done = _with_unlike(handler, live, done)
        return replace(done, detail=f"{done.detail} (the answer was lost, it is there)") if trouble else done
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
        return handler.compare_with_approved(live, done)
    except ApiError as error:
        unlike = f"whether it is as approved could not be looked up: {error.message.rstrip('.')}"
        return replace(done, detail=f"{done.detail}; {unlike}", differs=True)


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


def _read_made(live: Live, request: HttpWrite, id_: int) -> object:
    """Read what was created though no answer shows it; None where that fails."""
    try:
        return live.connectwise.service.get(f"{request.path}/{id_}")
    except ApiError:
        return None  # the look at what is stored tells what is wrong


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


def _seconds_to_look(live: Live, sent: Sent) -> float:
    """Return how long a write is looked for: one without an answer, and a creation that met an error (5xx).

    Such an error may come after the creation, so that its absence counts once lists show what is new.
    """
    trouble, longest = sent.trouble, live.connectwise.seconds_until_unknown
    if isinstance(trouble, NoAnswer):
        return max(longest, live.list_lag)
    is_error = trouble is not None and trouble.status is not None and trouble.status >= 500
    return max(min(longest, _SHOWN_SOON), live.list_lag) if is_error and sent.request.method == "POST" else 0


def _look_until_seen(handler: Handler, live: Live, seconds: float) -> Outcome | None:
    """Return the outcome done if ConnectWise shows the write; looked at again until the seconds passed."""
    shown = handler.confirm(live)
    waited = 0.0
    for pause in _PAUSES:
        if shown is not None or waited + pause > seconds:
            break
        live.connectwise.service.wait(pause)
        waited += pause
        shown = handler.confirm(live)
    return shown


def _repeat(
    action: Action, handler: Handler, live: Live, prepared: Prepared, journal: Journal
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
        again = prepare(action, handler, live)
        if isinstance(again, Outcome):
            return again
        if lacks_customs and _lacks_custom_fields(again.request):  # the record has no custom field to name
            raise refusal
        if again.request != request:
            unwritten = journal_request(action, again.request, journal)
            if unwritten is not None:
                return unwritten
        prepared = again


def _lacks_custom_fields(request: HttpWrite) -> bool:
    """Return whether a request is a PATCH that says nothing of custom fields."""
    return request.method == "PATCH" and all(change["path"] != CUSTOM_FIELDS for change in request.body)


def _is_fresh(look: Look, live: Live) -> bool:
    return look.is_fresh(live.clock())
