"""Fields that ConnectWise stored otherwise than they were sent. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from xlsync.amounts import tell_number
from xlsync.connectwise.records import folded, read_date, read_number
from xlsync.errors import ApiError
from xlsync.printable import cut

_COMPARED: Final = (
    "identifier",
    "name",
    "description",
    "type",
    "product",
    "company",
    "contact",
    "billingCycle",
    "billCustomer",
    "taxableFlag",
)
_NUMBERS: Final = ("quantity", "lessIncluded", "unitPrice", "unitCost", "price", "cost")
_DATES: Final = ("effectiveDate", "cancelledDate", "startDate", "billStartDate")
_LONGEST: Final = 60  # characters of a value that a difference shows


def id_in(answer: object) -> int | None:
    """Return the id in an answer, which is a record or a bare number; None where there is none."""
    id_ = answer.get("id") if isinstance(answer, Mapping) else answer
    return id_ if type(id_) is int and id_ > 0 else None


def unanswered_fields(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """Name the fields to compare that were sent and that an answer does not show."""
    names = (*_COMPARED, *_NUMBERS, *_DATES)
    return [name for name in names if sent.get(name) is not None and stored.get(name) is None]


def tell_differences(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> str:
    """Name the fields of a record that differ from what was sent; what it lacks is stored empty."""
    return "; ".join(_differences(sent, stored))


def _differences(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[str]:
    for name in (*_COMPARED, *_NUMBERS, *_DATES):
        wish, held = _plain(name, sent.get(name)), _plain(name, stored.get(name))
        is_unasked = wish is None and name in {"cancelledDate", "lessIncluded"} and held
        if is_unasked or (wish is not None and _folded(wish) != _folded(held)):
            yield f"ConnectWise stored {name} {_tell(held)} instead of {_tell(wish)}"


def _plain(name: str, value: Any) -> Any:
    """Return a value in the form in which equal values are equal."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return value.get("id")
    if name in _DATES:
        return read_date(value) or str(value)
    if name in _NUMBERS:
        try:
            return read_number(value, name)
        except ApiError:
            return str(value)
    return str(value)


def _folded(value: Any) -> Any:
    return folded(value) if isinstance(value, str) else value


def _tell(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case Decimal():
            return tell_number(value)
    return cut(str(value), _LONGEST)
