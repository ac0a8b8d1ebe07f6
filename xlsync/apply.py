"""Perform a plan: look, write it down, send, look again, write down what became of it.

Nothing is created twice and nothing is sent blindly again: a request without an answer is *unknown*
and is looked up. What was looked at longer than ten seconds ago is looked at again before it is written over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from decimal import Decimal
from typing import Any, assert_never

from xlsync.connectwise import MARK_ID, MARK_NAME, write_date
from xlsync.errors import ApiError, NoAnswer
from xlsync.journal import Journal
from xlsync.live import Live, judge_found, resolve
from xlsync.plan import (
    Action,
    CreateAddition,
    CreateAgreement,
    CreateCatalogItem,
    CreateCompany,
    CreateContact,
    Outcome,
    Plan,
    State,
    UpdateAddition,
    first_lost,
    judge_creation,
    outcome,
    tell_lost,
)


def perform(
    plan: Plan, live: Live, journal: Journal, progress: Callable[[Outcome], None] | None = None
) -> tuple[Outcome, ...]:
    """Do all actions of a plan; what needs a lost one is skipped, the rest goes on.

    Things are created one after another, in order of need; then the additions of different agreements
    are written side by side. An interruption (Ctrl-C) lets the requests under way end and skips the rest.
    """
    outcomes: dict[str, Outcome] = {result.key: result for result in plan.settled}
    stop = threading.Event()

    def do(action: Action) -> None:
        lost = first_lost(action, outcomes)
        ids = {key: result.id for key, result in outcomes.items() if result.id is not None}
        if stop.is_set():
            result = outcome(action, State.SKIPPED, "the run was interrupted before it")
        elif lost:
            result = outcome(action, State.SKIPPED, tell_lost(lost))
        else:
            result = _perform(resolve(action, ids), live, journal)
        outcomes[action.key] = result
        if progress:
            progress(result)

    creations = [a for a in plan.actions if not isinstance(a, CreateAddition | UpdateAddition)]
    by_agreement: dict[int | str, list[Action]] = {}
    for action in plan.actions:
        match action:
            case CreateAddition():
                by_agreement.setdefault(action.agreement, []).append(action)
            case UpdateAddition():
                by_agreement.setdefault(action.seen.agreement_id, []).append(action)
            case _:
                pass

    def do_all(group: list[Action]) -> None:
        for action in group:
            do(action)

    with ThreadPoolExecutor(max_workers=live.connectwise.side_by_side) as pool:
        try:
            for action in creations:
                do(action)
            jobs = [pool.submit(do_all, group) for group in by_agreement.values()]
            for job in as_completed(jobs):
                job.result()
        except KeyboardInterrupt:
            stop.set()
            pool.shutdown(wait=True)
            for action in plan.actions:
                if action.key not in outcomes:
                    do(action)
    return tuple(outcomes.values())


def _perform(action: Action, live: Live, journal: Journal) -> Outcome:
    settled = live.judge(action)
    if settled is not None:
        return settled
    try:
        method, path, body = _request(action, live)
    except ApiError as error:
        return outcome(action, State.SKIPPED, f"could not be prepared: {error.message}")
    if body is None:
        return outcome(action, State.SKIPPED, path)
    journal.before(
        action.key,
        kind=type(action).__name__,
        what=str(action),
        rows=action.rows,
        method=method,
        path=path,
        body=body,
        was=_was(action),
    )
    result = _send(action, live, path, body)
    journal.after(action.key, state=str(result.state), detail=result.detail, id=result.id)
    return result


def _send(action: Action, live: Live, path: str, body: Any) -> Outcome:
    """Send one write and tell what became of it, by looking where the answer does not tell."""
    created: int | None = None
    is_answered = True
    try:
        if isinstance(action, UpdateAddition):
            live.connectwise.service.send("PATCH", path, body)
        else:
            created = live.connectwise.create(path, body)
    except NoAnswer:
        is_answered = False
    except ApiError as error:
        return outcome(action, State.FAILED, error.message)
    try:
        if isinstance(action, UpdateAddition):
            return _read_back(action, live, is_answered=is_answered)
        if created is not None:
            return outcome(action, State.DONE, _tell_created(action, created), created)
        found = _look_up(action, live)
    except ApiError as error:
        return outcome(
            action,
            State.UNKNOWN,
            f"it was sent, and could not be looked up: {error.message}; run apply again",
        )
    if found is not None and found.state is State.ALREADY:
        return replace(found, state=State.DONE, detail=f"{found.detail} (the answer was lost, it is there)")
    return outcome(action, State.UNKNOWN, "the answer was lost and it is not seen there yet; run apply again")


def _look_up(action: Action, live: Live) -> Outcome | None:
    match action:
        case CreateAddition(agreement=int() as agreement):
            additions = live.connectwise.list_additions([agreement])[agreement]
            if isinstance(additions, ApiError):
                raise additions
            return judge_creation(action, additions)
        case CreateCompany() | CreateContact() | CreateAgreement() | CreateCatalogItem():
            return judge_found(action, live.find(action))
        case _:
            return None


def _read_back(action: UpdateAddition, live: Live, *, is_answered: bool) -> Outcome:
    addition = live.connectwise.read_addition(action.seen.agreement_id, action.seen.id)
    told = ", ".join(map(str, action.changes))
    if addition is not None and all(c.field.of(addition) == c.wanted for c in action.changes):
        lost = "" if is_answered else " (the answer was lost, it is there)"
        return outcome(action, State.DONE, told + lost, action.seen.id)
    if not is_answered:
        return outcome(
            action,
            State.UNKNOWN,
            f"{told}: the answer was lost and it is not seen there yet; run apply again",
        )
    return outcome(action, State.FAILED, f"{told}: ConnectWise accepted the change but does not show it")


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
                live.creation.code_field: action.code[:50] or None,
            }
            return "POST", "/procurement/catalog", _filled(body)
        case CreateAddition():
            body = {
                "product": {"id": action.item},
                "quantity": action.quantity,
                "unitCost": action.unit_cost,
                "billCustomer": live.creation.bill_customer,
                "effectiveDate": write_date(action.effective) if action.effective else None,
                "customFields": _mark_values(action, live),
            }
            return "POST", f"/finance/agreements/{action.agreement}/additions", _filled(body)
        case UpdateAddition():
            path = f"/finance/agreements/{action.seen.agreement_id}/additions/{action.seen.id}"
            return (
                "PATCH",
                path,
                [{"op": "replace", "path": str(c.field), "value": c.wanted} for c in action.changes],
            )
        case _:
            assert_never(action)


def _mark_values(action: CreateAddition, live: Live) -> list[dict[str, Any]] | None:
    if not action.contract_id or not isinstance(action.agreement, int):
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


def _was(action: Action) -> dict[str, Decimal | None] | None:
    match action:
        case UpdateAddition():
            return {str(change.field): change.seen for change in action.changes}
        case _:
            return None


def _reference(id_: int | None) -> dict[str, int] | None:
    return None if id_ is None else {"id": id_}


def _filled(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}
