"""Sorting of records, as both made-up systems do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from xlsync.sandbox.state import Record

Key = TypeVar("Key")


def sorter(
    keys: Sequence[tuple[Key, bool]], value_of: Callable[[Record, Key], Any]
) -> Callable[[list[Record]], list[Record]]:
    """Return a function that sorts records by keys, each forwards or backwards; absent values come first."""

    def place(record: Record, key: Key) -> tuple[bool, Any]:
        value = value_of(record, key)
        return value is not None, "" if value is None else value

    def ordered(records: list[Record]) -> list[Record]:
        for key, is_backwards in reversed(keys):
            records = sorted(records, key=lambda record, key=key: place(record, key), reverse=is_backwards)  # type: ignore[misc]
        return records

    return ordered
