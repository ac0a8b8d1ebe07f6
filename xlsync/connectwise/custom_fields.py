"""Custom fields: their values as a record holds them, and refusals that demand them.

Live servers were seen to refuse a PATCH that says nothing of custom fields, on records that have some.
"""

from __future__ import annotations

from typing import Any

from xlsync.connectwise.client import ConnectWise
from xlsync.connectwise.records import CUSTOM_FIELDS, record_of
from xlsync.errors import ApiError


def is_about_custom_fields(error: ApiError) -> bool:
    """Return whether ConnectWise refused a request over custom fields."""
    return error.status == 400 and "customfield" in "".join(error.message.casefold().split())


def demands_custom_field(error: ApiError) -> bool:
    """Return whether ConnectWise refused a request that lacks a custom field, not one with a wrong value."""
    is_lacking = "required" in error.message.casefold() or "MissingRequiredField" in error.codes
    return is_lacking and is_about_custom_fields(error)


def restate_custom_fields(connectwise: ConnectWise, path: str) -> list[dict[str, Any]]:
    """Return the PATCH operations that set a record's custom fields to what they are; none without any.

    Empty values, which every record shows, are left out.
    """
    record = record_of(connectwise.service.get(path, {"fields": f"id,{CUSTOM_FIELDS}"}), path)
    fields = [
        {name: value for name, value in field.items() if value is not None}
        for field in record.get(CUSTOM_FIELDS) or ()
    ]
    return [{"op": "replace", "path": CUSTOM_FIELDS, "value": fields}] if fields else []
