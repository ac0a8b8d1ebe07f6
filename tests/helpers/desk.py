"""The billing administrator's desk: the sandbox, a folder, and the real commands."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import simplejson

from tests.helpers.command import Ran, run
from tests.helpers.hand import Hand
from xlsync.config import own_settings_file
from xlsync.sandbox.server import Sandbox
from xlsync.sandbox.state import Additions, Record, SandboxConnectWise
from xlsync.store import Cache

OCTOBER = "xlsync-2026-10.xlsx"


TABLES = ("companies", "contacts", "agreements", "additions", "catalog", "invoices")


_NOT_COMPARED = {"id", "agreementId", "_info", "sequenceNumber"}  # they tell in which order things were made


Records = dict[tuple[str, int], dict[str, Any]]


def records(sandbox: Sandbox) -> Records:
    """All that ConnectWise holds, record by record, without the time of the last change."""
    return records_in(sandbox.connectwise)


def records_in(connectwise: SandboxConnectWise) -> Records:
    """All that this ConnectWise holds, which need not be the one that answers."""
    return {
        (table, key): {name: value for name, value in record.items() if name != "_info"}
        for table in TABLES
        for key, record in connectwise.table(table).items()
    }


def all_of(additions: Additions) -> bytes:
    """Everything about all additions: differs after every change, also from 1 to 1.0."""
    return pickle.dumps(additions.data)


def changes(before: Records, after: Records) -> dict[tuple[str, int], dict[str, Any]]:
    """What differs: new and gone fields and values by record; a new record as a whole."""
    told: dict[tuple[str, int], dict[str, Any]] = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key, {}), after.get(key, {})
        differing = {
            name: new.get(name) for name in old.keys() | new.keys() if old.get(name) != new.get(name)
        }
        if differing:
            told[key] = differing
    return told


def _agreements_changed(before: Mapping[int, Record], after: Mapping[int, Record]) -> set[int]:
    """The agreements one of whose additions came, went, or differs in anything."""
    pairs = [(before.get(key), after.get(key)) for key in before.keys() | after.keys()]
    return {one["agreementId"] for pair in pairs if repr(pair[0]) != repr(pair[1]) for one in pair if one}


_TEXTS: dict[str, str] = {}  # records without ids by their texts with them: most are met after every run


def without_ids(sandbox: Sandbox) -> Counter[str]:
    """All that ConnectWise holds with names in place of ids, so that two worlds can be compared."""
    agreements = sandbox.connectwise.agreements

    def agreement_of(record: dict[str, Any]) -> str:
        if "agreementId" not in record:
            return ""
        agreement = agreements[record["agreementId"]]
        return f"{agreement['company']['identifier']} {agreement['name']}"

    def text_of(record: dict[str, Any]) -> str:
        text = repr(record)
        if text not in _TEXTS:
            _TEXTS[text] = str(_without_ids(record))
        return _TEXTS[text]

    return Counter(
        f"{table} {agreement_of(record)} {text_of(record)}"
        for table in TABLES
        for record in sandbox.connectwise.table(table).values()
    )


def _without_ids(thing: Any) -> Any:
    match thing:
        case dict():
            return {name: _without_ids(thing[name]) for name in sorted(thing.keys() - _NOT_COMPARED)}
        case list():
            return [_without_ids(value) for value in thing]
    return str(thing)


@dataclass
class Desk:
    """Where the billing administrator works: both systems, a folder, and the commands."""

    sandbox: Sandbox
    folder: Path
    file: Path
    before: Records = field(default_factory=dict, repr=False)
    own_home: Path | None = None  # of somebody else at the same desk
    _read: bytes = field(default=b"", repr=False)  # the additions as they were last read

    def __post_init__(self) -> None:
        self._read = self._read or all_of(self.sandbox.connectwise.additions)

    def run(self, *words: str, stdin: str = "") -> Ran:
        """Run one command; anything but an exit is a bug and fails the test."""
        return run(*words, stdin=stdin)

    def export(self, *words: str) -> Ran:
        return self.run("export", "--month", "2026-10", "--json", *words)

    def later(self) -> None:
        """Let more than ten minutes pass, after which a check reads additions anew."""
        for folder in (self.home / "cache").glob("*/additions"):
            shutil.rmtree(folder)

    def check(self, *words: str) -> Ran:
        """Check the workbook when the last reading is more than ten minutes ago.

        Of agreements whose additions have not changed since, that reading tells the same and serves again.
        """
        now = all_of(self.sandbox.connectwise.additions)
        if self.own_home or self.sandbox._faults.waiting:
            self.later()
        elif now != self._read:
            self._forget(_agreements_changed(pickle.loads(self._read), pickle.loads(now)))  # noqa: S301
        self._read = now
        return self.run("check", str(self.file), "--json", *words)

    def _forget(self, agreements: Collection[int]) -> None:
        """Let what was read of some agreements be more than ten minutes old."""
        for folder in (self.home / "cache").glob("*/additions"):
            with Cache(folder) as cache:
                for entry in list(cache):
                    read = cache[entry].items()
                    cache[entry] = {key: answer for key, answer in read if int(key) not in agreements}

    def apply(self, *words: str) -> Ran:
        return self.run("apply", str(self.file), "--yes", "--json", *words)

    @contextmanager
    def editing(self) -> Iterator[Hand]:
        """Open the workbook, change it, save it."""
        hand = Hand(self.file)
        yield hand
        hand.save()

    def read(self) -> Hand:
        return Hand(self.file, only_looks=True)

    @property
    def home(self) -> Path:
        return self.own_home or self.folder / "home"

    def write_own_settings(self, text: str) -> None:
        """Write the settings file in the user's configuration folder."""
        file = own_settings_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    @property
    def changes(self) -> dict[tuple[str, int], dict[str, Any]]:
        """What differs in ConnectWise from when the test began."""
        return changes(self.before, records(self.sandbox))

    def addition(self, key: int) -> dict[str, Any]:
        """One addition as ConnectWise holds it, to look at or to change behind xlsync's back."""
        found = self.sandbox.connectwise.additions[key]
        assert isinstance(found, dict)
        return found

    def sent(self) -> list[tuple[str, str]]:
        """The writes that ConnectWise was asked for: method and path."""
        return [(request.method, request.path) for request in self.sandbox.writes]

    def forget_log(self) -> None:
        """Look at what is sent from now on only."""
        self.sandbox.log.clear()

    def be_impatient(self) -> None:
        """Call a write without an answer unknown at once, in place of looking for it for a minute."""
        settings = "[connectwise]\nseconds_until_unknown = 0\n"
        (self.folder / "xlsync.toml").write_text(settings, encoding="utf-8")

    def let_minutes_pass(self, minutes: int = 11) -> None:
        """Move the sandbox's clock on, and what the journal holds back by as much."""
        self.sandbox.move_clock(minutes * 60)
        for file in (self.home / "journal").rglob("*.jsonl"):
            lines = [
                simplejson.loads(text, use_decimal=True)
                for text in file.read_text("utf-8").split("\n")
                if text
            ]
            for line in lines:
                earlier = dt.datetime.fromisoformat(line["at"]) - dt.timedelta(minutes=minutes)
                line["at"] = earlier.isoformat(timespec="milliseconds")
            texts = [simplejson.dumps(line, use_decimal=True) + "\n" for line in lines]
            written_at = file.stat().st_mtime - minutes * 60
            file.write_text("".join(texts), encoding="utf-8")
            os.utime(file, (written_at, written_at))

    def links(self) -> list[tuple[Any, ...]]:
        """What is remembered, without when."""
        listed = self.run("links", "list", "--json").json["links"]
        names = ("kind", "key", "company_id", "agreement_id", "item_id", "evidence")
        return sorted(tuple(link[name] for name in names) for link in listed)


def settle(patch: pytest.MonkeyPatch, sandbox: Sandbox, folder: Path) -> None:
    """Work in a folder with the settings of a sandbox."""
    for name, value in sandbox.environ.items():
        patch.setenv(name, value)
    patch.setenv("XLSYNC_HOME", str(folder / "home"))
    patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    patch.chdir(folder)
    own_settings_file().parent.mkdir(parents=True, exist_ok=True)
    own_settings_file().touch()
