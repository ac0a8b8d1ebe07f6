"""The records of the two made-up systems, and the file that keeps ConnectWise's writes."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections import UserDict, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import simplejson

Record = dict[str, Any]
FORMAT: Final = 1


class Additions(UserDict[int, Record]):
    """All additions by id, with an index by agreement."""

    def __init__(self) -> None:
        self._by_agreement: defaultdict[int, set[int]] = defaultdict(set)
        super().__init__()

    def __setitem__(self, key: int, record: Record) -> None:
        if key in self.data:
            self._by_agreement[self.data[key]["agreementId"]].discard(key)
        self.data[key] = record
        self._by_agreement[record["agreementId"]].add(key)

    def __delitem__(self, key: int) -> None:
        self._by_agreement[self.data[key]["agreementId"]].discard(key)
        del self.data[key]

    def on_agreement(self, agreement_id: int) -> list[Record]:
        """Return the additions of one agreement, in order of id."""
        return [self.data[key] for key in sorted(self._by_agreement.get(agreement_id, ()))]


@dataclass
class Clock:
    """The sandbox's clock, which runs as usual and can be moved on; `moved`: by how many seconds so far."""

    moved: float = 0.0

    def seconds(self) -> float:
        """Return the seconds since the epoch."""
        return time.time() + self.moved

    def move(self, seconds: float) -> None:
        """Move the clock on by some seconds."""
        self.moved += seconds

    def now(self) -> str:
        """Return the time in UTC, as ConnectWise writes it."""
        return dt.datetime.fromtimestamp(self.seconds(), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def today(self) -> str:
        """Return the day's midnight in UTC, as ConnectWise writes a date."""
        return f"{self.now()[:10]}T00:00:00Z"


@dataclass
class SandboxConnectWise:
    """The ConnectWise side: plain API-shaped records by id, for tests to look at and to change by hand.

    `limits` replaces maximum lengths, as releases differ: 2025.1 takes company identifiers of 30.
    `per_minute` is the rate above which requests are answered 429, None for no limit. A page has at most
    `largest_page` records, whatever is asked for. `releases` are the oldest and the newest version that
    the header Accept may name. `created` tells when a record came to be; what was there from the
    beginning is not in it.
    """

    companies: dict[int, Record] = field(default_factory=dict)
    contacts: dict[int, Record] = field(default_factory=dict)
    agreements: dict[int, Record] = field(default_factory=dict)
    additions: Additions = field(default_factory=Additions)
    catalog: dict[int, Record] = field(default_factory=dict)
    invoices: dict[int, Record] = field(default_factory=dict)
    company_statuses: dict[int, Record] = field(default_factory=dict)
    company_types: dict[int, Record] = field(default_factory=dict)
    communication_types: dict[int, Record] = field(default_factory=dict)
    countries: dict[int, Record] = field(default_factory=dict)
    states: dict[int, Record] = field(default_factory=dict)
    agreement_types: dict[int, Record] = field(default_factory=dict)
    billing_cycles: dict[int, Record] = field(default_factory=dict)
    currencies: dict[int, Record] = field(default_factory=dict)
    product_types: dict[int, Record] = field(default_factory=dict)
    categories: dict[int, Record] = field(default_factory=dict)
    subcategories: dict[int, Record] = field(default_factory=dict)
    units_of_measure: dict[int, Record] = field(default_factory=dict)
    user_defined_fields: dict[int, Record] = field(default_factory=dict)
    security: dict[int, Record] = field(default_factory=dict)
    limits: dict[tuple[str, str], int] = field(default_factory=dict)
    per_minute: int | None = None
    largest_page: int = 1000
    codebase: str = "v2026_1/"
    releases: tuple[str, str] = ("2019.1", "2026.4")
    created: dict[tuple[str, int], float] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    journal: ChangeLog | None = None

    def table(self, name: str) -> Any:
        """Return the records of one resource."""
        return getattr(self, name) if name != "other" else {}

    def next_id(self, table: str) -> int:
        """Return the id of the next new record."""
        return max(self.table(table), default=0) + 1

    def commit(self, *changes: tuple[str, int, Record | None]) -> None:
        """Write the records that one request changed (None: deleted) with the time, and log the change."""
        now = self.clock.now()
        for table, key, record in changes:
            if record is not None:
                if key not in self.table(table):
                    self.created[table, key] = self.clock.seconds()
                record["_info"] = {**record.get("_info", {}), "lastUpdated": now, "updatedBy": "xlsync"}
            self._put(table, key, record)
        if self.journal is not None:
            self.journal.write(changes)

    def _put(self, table: str, key: int, record: Record | None) -> None:
        records = self.table(table)
        if record is not None:
            records[key] = record
        elif key in records:
            del records[key]

    def replay(self) -> None:
        """Apply the writes of earlier commands to the generated records."""
        if self.journal is not None:
            for table, key, record in self.journal.read():
                self._put(table, key, record)


class DamagedLog(Exception):
    """A line of the file of writes that cannot be read."""


@dataclass
class ChangeLog:
    """An append-only file of the records that writes left, one JSON line for each request.

    `origin` (seed, size) stands in the first line: a file of other generated records is set aside.
    """

    path: Path
    origin: Record

    @property
    def _header(self) -> Record:
        return {"format": FORMAT, **self.origin}

    def read(self) -> list[tuple[str, int, Record | None]]:
        """Read all changes in order; a torn last line is cut off, so that the next write starts a new one.

        Raises DamagedLog for any other line that cannot be read.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = self.path.read_bytes() if self.path.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        lines = whole.splitlines()
        if not lines or self._parsed(1, lines[0]) != self._header:
            if lines:
                self.path.replace(self.path.with_suffix(".old"))
            self.path.write_text(simplejson.dumps(self._header) + "\n", encoding="utf-8")
            return []
        if whole != text:
            os.truncate(self.path, len(whole))
        return [change for number, line in enumerate(lines[1:], 2) for change in self._changes(number, line)]

    def _parsed(self, number: int, line: bytes) -> Any:
        try:
            return simplejson.loads(line, use_decimal=True)
        except (ValueError, RecursionError) as error:
            raise self._damaged(number) from error

    def _changes(self, number: int, line: bytes) -> list[tuple[str, int, Record | None]]:
        """Read the changes of one request."""
        try:
            changes = [(table, int(key), record) for table, key, record in self._parsed(number, line)]
        except (ValueError, TypeError) as error:
            raise self._damaged(number) from error
        tables = SandboxConnectWise.__dataclass_fields__
        if any(table not in tables or not isinstance(record, dict | None) for table, _, record in changes):
            raise self._damaged(number)
        return changes

    def _damaged(self, number: int) -> DamagedLog:
        return DamagedLog(f"line {number} of {self.path} cannot be read")

    def write(self, changes: tuple[tuple[str, int, Record | None], ...]) -> None:
        """Append the records that one request changed."""
        line = simplejson.dumps(changes, use_decimal=True) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


@dataclass
class SandboxBss:
    """The BSS side. An invoice's `items` may hold lines of several subscriptions: their single
    lines stand under `_parts`, which is never served but is what analytical items are made of.

    `filterable` are the fields that `$filter` takes on invoices. A page has at most `largest_page` records,
    whatever is asked for.
    """  # noqa: D205

    invoices: list[Record] = field(default_factory=list)
    subscriptions: dict[str, Record] = field(default_factory=dict)
    addons: dict[str, list[Record]] = field(default_factory=dict)
    plans: dict[str, Record] = field(default_factory=dict)
    accounts: dict[int, Record] = field(default_factory=dict)
    products: dict[str, Record] = field(default_factory=dict)
    unit_groups: list[Record] = field(default_factory=list)
    filterable: set[str] = field(default_factory=lambda: {"invoiceDate", "createdAt", "updatedAt"})
    tokens: set[str] = field(default_factory=set)
    largest_page: int = 500

    def expire_tokens(self) -> None:
        """Answer 401 to every token given so far, from now on."""
        self.tokens.clear()
