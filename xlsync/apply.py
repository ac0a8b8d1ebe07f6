"""Perform a plan: look, write it down, send, look again, write down what became of it.

Nothing is created twice and nothing is sent blindly again: a request without an answer is *unknown*
and is looked up. What is to be created is looked for just before; what was looked at longer than ten seconds
ago is looked at again before it is written over.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Any, assert_never

from xlsync.actions import (
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
from xlsync.errors import ApiError, NoAnswer
from xlsync.journal import Journal
from xlsync.live import Live, agreement_of, judge_found, resolve
from xlsync.plan import (
    Outcome,
    Plan,
    State,
    first_lost,
    judge_creation,
    judge_invoice,
    outcome,
    tell_lost,
)
from xlsync.records import MARK_ID, MARK_NAME, write_date


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
            return outcome(action, State.SKIPPED, tell_lost(lost))
        ids = {key: result.id for key, result in known.items() if result.id is not None}
        return _perform(resolve(action, ids), self.live, self.journal)


def _perform(action: Action, live: Live, journal: Journal) -> Outcome:
    live.look_again(action)
    settled = live.judge(action)
    if settled is not None:
        return settled
    try:
        method, path, body = _request(action, live)
    except ApiError as error:
        return outcome(action, State.SKIPPED, f"could not be prepared: {error.message}")
    if body is None:
        return outcome(action, State.SKIPPED, path)
    try:
        journal.before(
            action.key,
            kind=kind_of(action),
            what=str(action),
            rows=action.rows,
            method=method,
            path=path,
            body=body,
            was=_was(action),
        )
    except OSError as error:
        detail = f"not sent, since the journal cannot be written ({error.strerror})"
        return outcome(action, State.SKIPPED, detail)
    result = _send(action, live, path, body)
    try:
        journal.after(action.key, state=str(result.state), detail=result.detail, id=result.id)
    except OSError as error:
        told = f"{result.detail} (the journal could not note it: {error.strerror})"
        return replace(result, detail=told)
    return result


def _send(action: Action, live: Live, path: str, body: Any) -> Outcome:
    """Send one write and tell what became of it, by looking where the answer does not tell.

    An error of the server itself (5xx) may come after it has acted, so that is looked up too.
    """
    trouble: ApiError | None = None
    invoice: int | None = None
    try:
        if isinstance(action, UpdateAddition | SetFields):
            live.connectwise.service.send("PATCH", path, body)
        elif isinstance(action, CreateInvoice):
            answer = live.connectwise.service.send("POST", path)
            invoice = answer if type(answer) is int else None
        else:
            created = live.connectwise.create(path, body)
            if created is not None:
                return outcome(action, State.DONE, _tell_created(action, created), created)
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


def _request(action: Action, live: Live) -> tuple[str, str, Any]:
    """Method, path and body; no body where it cannot be made, the path then says why."""
    match action:
        case CreateCompany():
            body: dict[str, Any] = {
                "identifier": action.identifier,
                "name": action.name,
                "addressLine1": action.address or None,
                "city": action.city or None,
                "state": action.state or None,
                "zip": action.zip or None,
                "country": _reference(action.country_id),
                "types": [{"id": action.type_id}] if action.type_id else None,
            }
            return "POST", "/company/companies", _filled(body)
        case CreateContact():
            email_type = live.email_type() if action.email else None
            mail = {"value": action.email, "communicationType": "Email", "defaultFlag": True}
            body = {
                "firstName": action.first_name,
                "lastName": action.last_name or None,
                "company": {"id": action.company},
                "communicationItems": [{"type": {"id": email_type}, **mail}] if email_type else None,
            }
            return "POST", "/company/contacts", _filled(body)
        case CreateAgreement():
            contact = action.contact
            if contact is None and isinstance(action.company, int):
                contact = live.default_contact(action.company)
            if contact is None:
                return "POST", "the company has no default contact: fill in Contact First Name", None
            body = {
                "name": action.name,
                "type": {"id": action.type_id},
                "company": {"id": action.company},
                "contact": {"id": contact},
                "billingCycle": _reference(action.billing_cycle_id),
                "startDate": write_date(action.start) if action.start else None,
                "noEndingDateFlag": True,
            }
            return "POST", "/finance/agreements", _filled(body)
        case CreateCatalogItem():
            body = {
                "identifier": action.identifier,
                "description": action.description,
                "customerDescription": action.customer_description,
                "subcategory": {"id": action.subcategory_id},
                "type": {"id": action.type_id},
                "productClass": "Agreement",
                "price": action.price,
                "cost": action.cost,
            }
            if live.creation.code_field != "none":
                body[live.creation.code_field] = action.code[:50] or None
            return "POST", "/procurement/catalog", _filled(body)
        case CreateAddition():
            taken_over = _taken_over(action, live)
            if taken_over is None:
                return "POST", "the addition that it continues is gone from ConnectWise", None
            body = {
                "billCustomer": live.creation.bill_customer,
                "customFields": _mark_values(action, live),
                **taken_over,
                "product": {"id": action.item},
                "quantity": action.quantity,
                "unitCost": action.unit_cost,
                "effectiveDate": write_date(action.effective) if action.effective else None,
            }
            return "POST", f"/finance/agreements/{action.agreement}/additions", _filled(body)
        case CreateInvoice():
            return "POST", f"/finance/agreements/{action.agreement}/invoice", {}
        case SetFields():
            changed = [c for c in action.changes if c.seen != c.wanted]
            return "PATCH", action.path, [_replace(c.name, c.wanted) for c in changed]
        case UpdateAddition():
            path = f"/finance/agreements/{action.seen.agreement_id}/additions/{action.seen.id}"
            return (
                "PATCH",
                path,
                [{"op": "replace", "path": str(c.field), "value": c.wanted} for c in action.changes],
            )
        case _:
            assert_never(action)


def _taken_over(action: CreateAddition, live: Live) -> dict[str, Any] | None:
    """What a successor keeps of the addition it continues: price, custom fields, texts, an end it had.

    As they are now, but for the end, which this very run has set anew. None where that addition is gone.
    """
    if action.succeeds is None:
        return {}
    seen = action.succeeds.addition
    ended = live.addition(seen)
    if ended is None:
        return None
    return {
        **ended.kept,
        "unitPrice": ended.unit_price,
        "lessIncluded": ended.less_included or None,
        "cancelledDate": write_date(seen.cancelled) if seen.cancelled else None,
    }


def _mark_values(action: CreateAddition, live: Live) -> list[dict[str, Any]] | None:
    is_asked = live.creation.mark_additions and action.contract_id
    if not is_asked or not isinstance(action.agreement, int):
        return None
    values = {MARK_ID: action.contract_id, MARK_NAME: action.product}
    marks = live.marks(action.agreement)
    return [{**mark, "value": values[caption]} for caption, mark in marks.items()] or None


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


def _replace(field: str, value: Setting) -> dict[str, Any]:
    """One PATCH operation; an emptied field is removed (Developer Guide, "Patch": add, replace, remove)."""
    if value is None:
        return {"op": "remove", "path": field}
    return {
        "op": "replace",
        "path": field,
        "value": write_date(value) if isinstance(value, dt.date) else value,
    }


def _reference(id_: int | None) -> dict[str, int] | None:
    return None if id_ is None else {"id": id_}


def _filled(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}
