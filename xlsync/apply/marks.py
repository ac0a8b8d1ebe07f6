"""The tenant's custom fields that mark an addition with its contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from xlsync.connectwise.client import ConnectWise, quoted_text
from xlsync.connectwise.records import MARK_ID, MARK_NAME
from xlsync.errors import ApiError
from xlsync.models import Addition


def marks_of_additions(known: Iterable[Iterable[Addition]]) -> dict[str, dict[str, Any]]:
    """Return the custom fields by caption, as an existing addition shows them."""
    for addition in (addition for additions in known for addition in additions):
        fields = addition.carried_over.get("customFields")
        if isinstance(fields, list):
            by_caption = {f.get("caption"): f for f in fields if f.get("caption") in {MARK_ID, MARK_NAME}}
            if by_caption:
                return {str(caption): _mark(field) for caption, field in by_caption.items()}
    return {}


def marks_of_definitions(connectwise: ConnectWise) -> dict[str, dict[str, Any]]:
    """Return the marks by caption from their definitions; none where the keys may not read them."""
    try:
        return read_definitions(connectwise, (MARK_ID, MARK_NAME))
    except ApiError as error:
        if error.status not in {400, 403, 404}:
            raise
        return {}  # an addition without marks is better than no addition


def read_definitions(connectwise: ConnectWise, captions: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return custom fields by caption from their definitions, those whose caption only one has."""
    marks: dict[str, dict[str, Any]] = {}
    for caption in captions:
        definitions, _ = connectwise.list_records(
            "/system/userDefinedFields", conditions=f"caption={quoted_text(caption)}"
        )
        if len(definitions) == 1:
            field = definitions[0]
            marks[caption] = _mark(
                {
                    **field,
                    "type": field.get("fieldTypeIdentifier"),
                    "entryMethod": field.get("entryTypeIdentifier"),
                    "numberOfDecimals": field.get("numberDecimals"),
                }
            )
    return marks


def _mark(field: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "caption", "type", "entryMethod", "numberOfDecimals")
    return {name: field[name] for name in names if field.get(name) is not None}
