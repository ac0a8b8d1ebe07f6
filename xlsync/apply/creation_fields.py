"""Further values of new records, from the settings: required custom fields and whatever else is demanded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from xlsync.apply.actions import (
    Action,
    CreateAddition,
    CreateAgreement,
    CreateCatalogItem,
    CreateCompany,
    CreateContact,
)
from xlsync.apply.kinds.handler import HttpWrite
from xlsync.apply.lookup import Live
from xlsync.errors import ApiError, XlsyncError
from xlsync.records import replace
from xlsync.settings import CUSTOM

_KINDS: Final = {
    CreateCompany: "company",
    CreateContact: "contact",
    CreateAgreement: "agreement",
    CreateCatalogItem: "product",
    CreateAddition: "addition",
}


def settings_kind(action: Action) -> str:
    """Return the kind under which `[creation.fields]` names values for an action; empty without any.

    A successor takes its values over from the addition that it continues.
    """
    if isinstance(action, CreateAddition) and action.succeeds is not None:
        return ""
    return _KINDS.get(type(action), "")


def with_further_fields(action: Action, request: HttpWrite, live: Live) -> HttpWrite:
    """Add the values of the settings to a creation; see `add_further_fields`."""
    kind = settings_kind(action)
    return replace(request, body=add_further_fields(kind, request.body, live)) if kind else request


def add_further_fields(kind: str, body: Mapping[str, Any], live: Live) -> Mapping[str, Any]:
    """Add the settings' values for a kind of record to what is sent; what the row itself says stays.

    Raises XlsyncError where a custom field cannot be found.
    """
    given = live.creation.fields.get(kind, {})
    if not given:
        return body
    filled: dict[str, Any] = {**{name: value for name, value in given.items() if name != CUSTOM}, **body}
    custom: Mapping[str, Any] = given.get(CUSTOM, {})
    if custom:
        known = _find_fields(kind, tuple(custom), live)
        own = filled.get("customFields") or []
        held = {entry["id"] for entry in own}
        new = [{**known[caption], "value": value} for caption, value in custom.items()]
        filled["customFields"] = [*own, *(entry for entry in new if entry["id"] not in held)]
    return filled


def _find_fields(kind: str, captions: tuple[str, ...], live: Live) -> dict[str, dict[str, Any]]:
    """Find the custom fields that the settings name, by caption or id; raises XlsyncError for the others.

    Where fields of several screens share a caption, a record of the kind shows which one it has.
    """
    defined = live.custom_fields(captions)
    fields = {caption: known[0] for caption, known in defined.items() if len(known) == 1}
    shared = [caption for caption, known in defined.items() if len(known) > 1]
    fields |= live.custom_fields_of(kind, shared) if shared else {}
    wrong = [_tell_wrong(caption, defined[caption]) for caption in captions if caption not in fields]
    if wrong:
        raise XlsyncError(f"[creation.fields.{kind}.custom] names {'; '.join(wrong)}")
    return fields


def _tell_wrong(caption: str, known: Sequence[Mapping[str, Any]]) -> str:
    if not known:
        return f"{caption}, which is no custom field of this ConnectWise"
    ids = " and ".join(str(field["id"]) for field in known)
    as_in = f'write the id in its place, as in "{known[0]["id"]}" = …'
    return f"{caption}, which several custom fields are called ({ids}): {as_in}"


def tell_where_to_give(action: Action, error: ApiError) -> str:
    """Say where a demanded value can be given; empty where a refusal demands none."""
    text = "".join(error.message.casefold().split())
    is_demand = "MissingRequiredField" in error.codes or "customfield" in text or "isrequired" in text
    kind = settings_kind(action)
    if error.status != 400 or not is_demand or not kind:
        return ""
    return f"Give it a value under [creation.fields.{kind}] in xlsync.toml."
