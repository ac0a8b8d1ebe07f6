"""What ConnectWise is sent for each action: method, path and body."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, assert_never

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
)
from xlsync.apply.lookup import Live
from xlsync.connectwise.records import MARK_ID, MARK_NAME, write_date
from xlsync.models import Addition


@dataclass(frozen=True, slots=True)
class Request:
    """One write as it is sent, and as the journal keeps it."""

    method: Literal["POST", "PATCH"]
    path: str
    body: Any


def request_of(action: Action, live: Live) -> Request | str:
    """What is sent for an action, or in words why it cannot be; raises ApiError where a look-up fails."""
    match action:
        case CreateCompany():
            return Request("POST", "/company/companies", _company(action, live.creation.site))
        case CreateContact():
            return Request("POST", "/company/contacts", _contact(action, live))
        case CreateAgreement():
            contact = action.contact
            if contact is None and isinstance(action.company, int):
                contact = live.default_contact(action.company)
            if contact is None:
                return "the company has no default contact: fill in Contact First Name"
            return Request("POST", "/finance/agreements", _agreement(action, contact))
        case CreateCatalogItem():
            return Request("POST", "/procurement/catalog", _catalog_item(action, live.creation.code_field))
        case CreateAddition():
            taken_over: dict[str, Any] = {}
            if action.succeeds is not None:
                now = live.addition(action.succeeds.addition)
                if now is None:
                    return "the addition that it continues is gone from ConnectWise"
                taken_over = _taken_over(action.succeeds.addition, now)
            path = f"/finance/agreements/{action.agreement}/additions"
            return Request("POST", path, _addition(action, taken_over, live))
        case CreateInvoice():
            return Request("POST", f"/finance/agreements/{action.agreement}/invoice", {})
        case SetFields():
            changed = [_operation(c.name, c.wanted) for c in action.changes if c.seen != c.wanted]
            return Request("PATCH", action.path, changed)
        case UpdateAddition():
            path = f"/finance/agreements/{action.seen.agreement_id}/additions/{action.seen.id}"
            return Request("PATCH", path, [_operation(str(c.field), c.wanted) for c in action.changes])
        case _:
            assert_never(action)


def _company(action: CreateCompany, site: str) -> dict[str, Any]:
    return _filled(
        {
            "identifier": action.identifier,
            "name": action.name,
            "site": {"name": site},
            "addressLine1": action.address or None,
            "city": action.city or None,
            "state": action.state or None,
            "zip": action.zip or None,
            "country": _reference(action.country_id),
            "types": [{"id": action.type_id}] if action.type_id else None,
        }
    )


def _contact(action: CreateContact, live: Live) -> dict[str, Any]:
    email_type = live.email_type() if action.email else None
    mail = {"value": action.email, "communicationType": "Email", "defaultFlag": True}
    return _filled(
        {
            "firstName": action.first_name,
            "lastName": action.last_name or None,
            "company": {"id": action.company},
            "communicationItems": [{"type": {"id": email_type}, **mail}] if email_type else None,
        }
    )


def _agreement(action: CreateAgreement, contact: int | str) -> dict[str, Any]:
    """The agreement bills from its start: without `billStartDate` ConnectWise sets the day of creation."""
    start = write_date(action.start) if action.start else None
    return _filled(
        {
            "name": action.name,
            "type": {"id": action.type_id},
            "company": {"id": action.company},
            "contact": {"id": contact},
            "billingCycle": _reference(action.billing_cycle_id),
            "startDate": start,
            "billStartDate": start,
            "noEndingDateFlag": True,
        }
    )


def _catalog_item(action: CreateCatalogItem, code_field: str) -> dict[str, Any]:
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
    if code_field != "none":
        body[code_field] = action.code[:50] or None
    return _filled(body)


def _addition(action: CreateAddition, taken_over: Mapping[str, Any], live: Live) -> dict[str, Any]:
    return _filled(
        {
            "billCustomer": live.creation.bill_customer,
            "customFields": _mark_values(action, live),
            **taken_over,
            "product": {"id": action.item},
            "quantity": action.quantity,
            "unitCost": action.unit_cost,
            "effectiveDate": write_date(action.effective) if action.effective else None,
        }
    )


def _taken_over(seen: Addition, now: Addition) -> dict[str, Any]:
    """What a successor keeps: all as it is now, but the end that was seen, since this run has set another.

    Empty values of custom fields, which every record shows, are left out of a POST.
    """
    customs = [_filled(field) for field in now.kept.get("customFields") or ()]
    return {
        **now.kept,
        "customFields": customs or None,
        "unitPrice": now.unit_price,
        "lessIncluded": now.less_included or None,
        "cancelledDate": write_date(seen.cancelled) if seen.cancelled else None,
    }


def _mark_values(action: CreateAddition, live: Live) -> list[dict[str, Any]] | None:
    """The custom fields that tell a new addition's contract, where it is wanted and the tenant has them."""
    is_asked = live.creation.mark_additions and action.contract_id
    if not is_asked or not isinstance(action.agreement, int):
        return None
    values = {MARK_ID: action.contract_id, MARK_NAME: action.contract_name}
    marks = live.marks(action.agreement)
    return [{**mark, "value": values[caption]} for caption, mark in marks.items()] or None


def _operation(field: str, value: Setting) -> dict[str, Any]:
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
