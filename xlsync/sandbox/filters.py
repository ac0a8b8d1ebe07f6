"""The BSS's `$filter` and `$orderby` on invoices: dates compared with eq, gt, ge, lt, le, joined by `and`."""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable
from typing import Any, Final

Record = dict[str, Any]

_PART: Final = re.compile(r"\s*(\w+)\s+(eq|gt|ge|lt|le)\s+datetime'([^']+)'\s*")
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


class BadFilter(Exception):
    """A filter that the BSS answers with 400."""


def parse_filter(text: str, known: set[str]) -> Callable[[Record], bool]:
    """The test that `$filter` puts to each record. A literal without an offset is UTC."""
    tests: list[tuple[str, Callable[[Any, Any], bool], dt.datetime]] = []
    for part in re.split(r"\s+and\s+", text):
        match = _PART.fullmatch(part)
        if match is None or match[1] not in known:
            raise BadFilter(f"The filter '{part.strip()}' is not valid")
        try:
            moment = dt.datetime.fromisoformat(match[3])
        except ValueError:
            raise BadFilter(f"The filter '{part.strip()}' is not valid") from None
        tests.append(
            (match[1], _COMPARE[match[2]], moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))
        )
    return lambda record: all(
        compare(dt.datetime.fromisoformat(record[name]), moment) for name, compare, moment in tests
    )


def parse_order(text: str, known: set[str]) -> Callable[[list[Record]], list[Record]]:
    """How `$orderby` sorts: a comma list of fields with `asc` or `desc`."""
    keys: list[tuple[str, bool]] = []
    for part in text.split(","):
        name, _, direction = part.strip().partition(" ")
        if name not in known or direction.strip() not in {"", "asc", "desc"}:
            raise BadFilter(f"The order '{part.strip()}' is not valid")
        keys.append((name, direction.strip() == "desc"))

    def ordered(records: list[Record]) -> list[Record]:
        for name, backwards in reversed(keys):
            records = sorted(
                records, key=lambda record: dt.datetime.fromisoformat(record[name]), reverse=backwards
            )
        return records

    return ordered
