"""The tenant's custom fields that mark an addition with its contract."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from xlsync.connectwise.client import ConnectWise, quoted_text
from xlsync.connectwise.records import CUSTOM_FIELDS, MARK_ID, MARK_NAME, records_of
from xlsync.errors import ApiError
from xlsync.models import Addition


def fields_of_additions(
    known: Iterable[Iterable[Addition]], captions: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return the custom fields of these captions by caption, as an existing addition shows them."""
    for addition in (addition for additions in known for addition in additions):
        fields = addition.carried_over.get(CUSTOM_FIELDS)
        if isinstance(fields, list):
            by_caption = {field.get("caption"): field for field in fields if field.get("caption") in captions}
            if by_caption:
                return {str(caption): _mark(field) for caption, field in by_caption.items()}
    return {}


def marks_of_definitions(connectwise: ConnectWise) -> dict[str, dict[str, Any]]:
    """Return the marks by caption from their definitions; none where the keys may not read them."""
    try:
        defined = read_definitions(connectwise, (MARK_ID, MARK_NAME))
    except ApiError as error:
        if error.status not in {400, 403, 404}:
            raise
        return {}  # an addition without marks is better than no addition
    return {caption: fields[0] for caption, fields in defined.items() if len(fields) == 1}


def read_definitions(connectwise: ConnectWise, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the custom fields of each name: those with the caption, else the one with the id."""
    path = "/system/userDefinedFields"
    fields: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        definitions, _ = connectwise.list_records(path, conditions=f"caption={quoted_text(name)}")
        if not definitions and name.isdecimal():
            definitions, _ = connectwise.list_records(path, conditions=f"id={int(name)}")
        fields[name] = [
            _mark(
                {
                    **field,
                    "type": field.get("fieldTypeIdentifier"),
                    "entryMethod": field.get("entryTypeIdentifier"),
                    "numberOfDecimals": field.get("numberDecimals"),
                }
            )
            for field in definitions
        ]
    return fields


def read_fields_of(connectwise: ConnectWise, path: str) -> dict[str, dict[str, Any]]:
    """Return by caption the custom fields that a record of a list shows: every field of its screen."""
    records = records_of(connectwise.service.get(path, {"pageSize": 1, "fields": "id,customFields"}), path)
    return {
        str(field.get("caption")): _mark(field)
        for record in records
        for field in record.get(CUSTOM_FIELDS) or ()
    }


def _mark(field: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "caption", "type", "entryMethod", "numberOfDecimals")
    return {name: field[name] for name in names if field.get(name) is not None}
