"""Judging actions against ConnectWise's present state, for a plan and again just before each write."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType

from xlsync.amounts import counted
from xlsync.apply.actions import CREATED, Action, CreateAddition, CreateAgreement, CreateContact, kind_of
from xlsync.apply.earlier_creations import tell_unanswered
from xlsync.apply.handlers import handler_of
from xlsync.apply.kinds.companies import PATH as COMPANIES
from xlsync.apply.lookup import Live
from xlsync.apply.plan import (
    Outcome,
    Plan,
    State,
    build_plan,
    changed,
    in_order_of_need,
    is_label_of,
    judge_agreement,
    outcome,
)
from xlsync.errors import ApiError
from xlsync.records import replace


def plan_actions(
    actions: Sequence[Action],
    live: Live,
    progress: Callable[[int], None] | None = None,
    spent: Mapping[str, Outcome] = MappingProxyType({}),
) -> Plan:
    """Order the actions, and decide those that need no request, against ConnectWise's present state.

    `spent` are the outcomes of actions that an earlier run carried out, by key.
    """
    to_judge = [action for action in actions if action.key not in spent]
    live.read_additions({a.agreement_id for a in to_judge if a.agreement_id is not None}, progress)
    live.read_agreements({action.basis.agreement for action in to_judge if action.basis})
    live.read_companies({company for action in to_judge if (company := _company_of(action)) is not None})
    spent = _look_up(spent, actions, live)
    ids = {key: result.id for key, result in spent.items() if result.id is not None}

    def judge_known(action: Action) -> Outcome | None:
        result = judge(action.with_ids(ids), live)
        if result is not None and result.id is not None:
            ids[action.key] = result.id
        return result

    return build_plan(actions, judge_known, spent)


def _look_up(spent: Mapping[str, Outcome], actions: Sequence[Action], live: Live) -> Mapping[str, Outcome]:
    """Look up the records of spent creations that actions to be done need: one may be gone or without an id.

    What these creations need themselves is looked up too, spent or not: a contact is looked for at its
    company. The id of a record that ConnectWise does not show is None.
    """
    ordered = in_order_of_need(actions)
    needed: set[str] = set()
    looked_up: set[str] = set()
    for action in reversed(ordered):
        if action.key not in spent or action.key in needed:
            needed |= set(action.needs)
        is_spent_and_needed = action.key in spent and action.key in needed
        if kind_of(action) in CREATED and (is_spent_and_needed or action.key in looked_up):
            looked_up |= {action.key, *action.needs}
    ids: dict[str, int] = {}
    seen = dict(spent)
    for action in ordered:
        if action.key in looked_up and kind_of(action) in CREATED:
            now = judge(action.with_ids(ids), live)
            id_ = now.id if now is not None and now.state is State.ALREADY else None
            if action.key in spent:
                seen[action.key] = replace(spent[action.key], id=id_)
            ids |= {} if id_ is None else {action.key: id_}
    return seen


def judge(action: Action, live: Live) -> Outcome | None:
    """Return the outcome of an action that needs no request or cannot be done; None if it is to be sent."""
    handler = handler_of(action)
    try:
        judged = handler.judge(live)
        if judged is not None:
            return judged
        unanswered = live.earlier.find_unanswered(action, dt.datetime.now().astimezone())
        if unanswered is not None and handler.waits_when_unanswered:
            return outcome(action, State.SKIPPED, tell_unanswered(unanswered))
        return _judge_basis(action, live) or _judge_company(action, live) or handler.judge_needed(live)
    except ApiError as error:
        return outcome(action, State.SKIPPED, f"could not be looked up: {error.message}")


def read_basis(action: Action, live: Live) -> None:
    """Read what an action rests upon, so that what it replaces is read last; errors are left to `judge`."""
    with suppress(ApiError):
        _judge_basis(action, live)
        _judge_company(action, live)
        handler_of(action).judge_needed(live)


def _judge_basis(action: Action, live: Live) -> Outcome | None:
    """Return a skipped outcome if an action's agreement was ended or moved since its approval."""
    if action.basis is None:
        return None
    today = dt.datetime.now().astimezone().date()
    begins = action.effective if isinstance(action, CreateAddition) else None
    agreement = live.agreement(action.basis.agreement)
    other = judge_agreement(action, action.basis, agreement, max(today, begins or today))
    if other is not None or agreement is None or action.basis.months is None:
        return other
    months = live.billing_months(agreement)
    if months is None or months == action.basis.months:
        return None
    return changed(action, f"the agreement is billed every {counted(months, 'month')} now")


def _company_of(action: Action) -> int | None:
    """Return the existing company that an action depends on."""
    if isinstance(action, CreateContact | CreateAgreement):
        return action.company if isinstance(action.company, int) else None
    return action.basis.company if action.basis else None


def _judge_company(action: Action, live: Live) -> Outcome | None:
    """Return a skipped outcome if an action's company was deleted, or renamed, since its approval.

    Where the action rests upon an agreement, the customer's name is held against that of the agreement.
    """
    company = _company_of(action)
    if company is None:
        return None
    name = live.company_name(company)
    if name is None:
        return changed(action, "the customer was deleted in ConnectWise")
    is_own = company in live.earlier.created_on(COMPANIES)
    if (
        not isinstance(action, CreateContact | CreateAgreement)
        or is_own
        or is_label_of(action.customer, name)
    ):
        return None
    return changed(action, f"the row shows the customer {action.customer}, and would be written to {name}")
