"""Comparison of what ConnectWise stored with what was sent. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from xlsync.amounts import tell_number

_COMPARED: Final = (
    "identifier",
    "name",
    "description",
    "product",
    "company",
    "quantity",
    "lessIncluded",
    "unitPrice",
    "unitCost",
    "price",
    "cost",
)
_DATES: Final = ("effectiveDate", "cancelledDate", "startDate", "billStartDate")


def id_in(answer: object) -> int | None:
    """Return the id in an answer, which is a record or a bare number; None where there is none."""
    id_ = answer.get("id") if isinstance(answer, Mapping) else answer
    return id_ if type(id_) is int and id_ > 0 else None


def tell_differences(sent: Mapping[str, Any], stored: object) -> str:
    """Name the fields of an answer that differ from what was sent."""
    return "; ".join(_differences(sent, stored)) if isinstance(stored, Mapping) else ""


def _differences(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[str]:
    for name in (*_COMPARED, *_DATES):
        wish, held = sent.get(name), stored.get(name)
        if wish is None or held is None:
            continue
        wish, held = _plain(name, wish), _plain(name, held)
        if wish != held:
            yield f"ConnectWise stored {name} {_tell_stored(held)} instead of {_tell_stored(wish)}"


def _plain(name: str, value: Any) -> Any:
    match value:
        case Mapping():
            return value.get("id")
        case bool():
            return value
        case int() | Decimal():
            return Decimal(value)
        case str() if name in _DATES:
            return value[:10]
    return " ".join(str(value).split()).casefold()


def _tell_stored(value: Any) -> str:
    return tell_number(value) if isinstance(value, Decimal) else str(value)
