"""The BSS's `$filter` and `$orderby`: eq, gt, ge, lt, le and contains, joined by `and`."""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable, Set
from decimal import Decimal
from typing import Any, Final

from xlsync.sandbox.sorting import sorter
from xlsync.sandbox.state import Record

_PART: Final = re.compile(
    r"""\s*(?:
      (?P<name>\w+)\s+(?P<sign>eq|gt|ge|lt|le)\s+
      (?:datetime'(?P<moment>[^']+)'|'(?P<text>[^']*)'|(?P<number>-?\d+(?:\.\d+)?))
    | contains\(\s*(?P<among>\w+)\s*,\s*'(?P<part>[^']*)'\s*\)
    )\s*(?P<more>and\s|$)""",
    re.VERBOSE,
)
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


class BadFilter(Exception):
    """A filter that the BSS answers with 400."""


def _is_moment(name: str) -> bool:
    return name.endswith(("At", "Date"))


def _literal(part: re.Match[str]) -> Any:
    """Read the literal of a comparison; a moment without an offset is UTC."""
    if (text := part["moment"]) is not None:
        moment = dt.datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return part["text"] if part["number"] is None else Decimal(part["number"])


def _held(record: Record, name: str) -> Any:
    """Return the value of a record's field; None where it is empty."""
    held = record.get(name)
    return dt.datetime.fromisoformat(held) if held and _is_moment(name) else held


def _test(part: re.Match[str]) -> Callable[[Record], bool]:
    if part["among"] is not None:
        name, piece = part["among"], part["part"].casefold()
        return lambda record: piece in str(record.get(name) or "").casefold()
    name, compare, wanted = part["name"], _COMPARE[part["sign"]], _literal(part)
    if _is_moment(name) is not isinstance(wanted, dt.datetime):
        raise ValueError(name)
    kind = (int, Decimal) if isinstance(wanted, Decimal) else type(wanted)

    def test(record: Record) -> bool:
        held = _held(record, name)
        return isinstance(held, kind) and compare(held, wanted)

    return test


def parse_filter(text: str, known: Set[str]) -> Callable[[Record], bool]:
    """Turn `$filter` into a test of a record."""
    tests: list[Callable[[Record], bool]] = []
    at, more = 0, True
    while more:
        part = _PART.match(text, at)
        if part is None or (part["name"] or part["among"]) not in known:
            raise BadFilter(f"The filter '{text[at:].strip()}' is not valid")
        try:
            tests.append(_test(part))
        except ValueError:
            raise BadFilter(f"The filter '{part[0].strip()}' is not valid") from None
        at, more = part.end(), bool(part["more"])
    return lambda record: all(test(record) for test in tests)


def parse_order(text: str, known: Set[str]) -> Callable[[list[Record]], list[Record]]:
    """Turn `$orderby` into a sorting function: a comma list of fields with `asc` or `desc`."""
    keys: list[tuple[str, bool]] = []
    for part in text.split(","):
        name, _, direction = part.strip().partition(" ")
        if name not in known or direction.strip() not in {"", "asc", "desc"}:
            raise BadFilter(f"The order '{part.strip()}' is not valid")
        keys.append((name, direction.strip() == "desc"))
    return sorter(keys, _held)
