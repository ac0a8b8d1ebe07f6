"""The table `[creation.fields]`: further values of new records, by kind and by field."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from xlsync.config.problems import SettingProblems
from xlsync.settings import CUSTOM

OWN: Final[Mapping[str, frozenset[str]]] = {  # kind: the fields that rows, or other settings, give
    "company": frozenset({"id", "identifier", "name", "site", "types", "customFields"}),
    "contact": frozenset({"id", "firstName", "lastName", "company", "communicationItems", "customFields"}),
    "agreement": frozenset(
        {"id", "name", "type", "company", "contact", "billingCycle", "startDate", "billStartDate"}
        | {"noEndingDateFlag", "endDate", "cancelledFlag", "customFields"}
    ),
    "product": frozenset(
        {"id", "identifier", "description", "subcategory", "type", "productClass", "price", "cost"}
        | {"customFields"}
    ),
    "addition": frozenset(
        {
            "id",
            "product",
            "quantity",
            "unitCost",
            "unitPrice",
            "lessIncluded",
            "effectiveDate",
            "cancelledDate",
        }
        | {"billCustomer", "customFields"}
    ),
}


def read_creation_fields(given: object, problems: SettingProblems) -> dict[str, dict[str, Any]]:
    """Read the values by kind; what cannot be used is a problem that says where it stands."""
    where = f"{problems.file_name}: [creation.fields"
    if not isinstance(given, Mapping):
        problems.add(f"{where}] must be a table of {', '.join(OWN)}, not {given!r}")
        return {}
    by_kind: dict[str, dict[str, Any]] = {}
    for kind, values in given.items():
        if kind not in OWN or not isinstance(values, Mapping):
            problems.add(f"{where}] {kind} must be a table, and one of {', '.join(OWN)}")
            continue
        usable: dict[str, Any] = {}
        for name, value in values.items():
            if name == CUSTOM:
                usable[CUSTOM] = _read_custom(f"{where}.{kind}.custom]", value, problems)
            elif name in OWN[kind]:
                problems.add(f"{where}.{kind}] {name} is given by xlsync itself: leave it out")
            elif not re.fullmatch(r"[a-z][A-Za-z0-9]*", name):
                custom = f"captions stand under [creation.fields.{kind}.{CUSTOM}]"
                problems.add(f"{where}.{kind}] {name!r} is no field's name: {custom}")
            elif (plain := _plain(value)) is None:
                kinds = "a text, a number, true, false or a table such as {id = 4}"
                problems.add(f"{where}.{kind}] {name} must be {kinds}")
            else:
                usable[name] = plain
        by_kind[kind] = usable
    return by_kind


def _read_custom(where: str, given: object, problems: SettingProblems) -> dict[str, Any]:
    """Read the values of custom fields by caption."""
    if not isinstance(given, Mapping):
        problems.add(f"{where} must be a table of captions and values, not {given!r}")
        return {}
    usable: dict[str, Any] = {}
    for caption, value in given.items():
        plain = _plain(value)
        if plain is None or isinstance(plain, dict | list):
            problems.add(f"{where} {caption!r} must be a text, a number, true or false")
        else:
            usable[caption] = plain
    return usable


def _plain(value: object) -> Any:
    """Convert a value of a settings file for a request, decimals exact; None where it cannot be sent."""
    match value:
        case bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return Decimal(str(value))
        case Mapping():
            inner = {str(name): _plain(entry) for name, entry in value.items()}
            return None if None in inner.values() else inner
        case list():
            entries = [_plain(entry) for entry in value]
            return None if None in entries else entries
    return None
