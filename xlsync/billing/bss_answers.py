"""What all answers of the BSS have in common, and what is said of an odd one. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from xlsync.errors import ApiError

Json = Mapping[str, Any]


def part(thing: Json, name: str) -> Json:
    """An object within an object; empty where it is none."""
    found = thing.get(name)
    return found if isinstance(found, Mapping) else {}


def entries_of(answer: Any) -> Any:
    """What a list holds, which stands bare or as the data of a page."""
    return answer.get("data") if isinstance(answer, Mapping) else answer


def id_of(thing: Json) -> str:
    """Its id as text; empty where it has none."""
    found = thing.get("id")
    return "" if found is None else str(found)


def text_of(value: object) -> str:
    """A text as people read it, absent as empty."""
    return " ".join(str(value).split()) if value is not None else ""


def number_of(value: object) -> int | Decimal | None:
    """A number; None for all else, yes and no among it."""
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def count_of(value: object) -> int:
    """A number of payments or months; 0 where it is none."""
    return max(0, int(value)) if isinstance(value, int | Decimal) else 0


def whole(number: Decimal) -> Decimal:
    """12 for 12.0, as units are shown."""
    whole = number.to_integral_value()
    return whole if whole == number else number


def odd(path: str, why: str, method: str = "GET") -> ApiError:
    """The error of an answer that is another than the API's description says."""
    hint = "If it stays so, export from a report with --from."
    return ApiError(
        f"BSS: the answer of {method} /{path} cannot be used: {why}.", hint, method=method, path=path
    )
