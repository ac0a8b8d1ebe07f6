"""A desk to work at: the sandbox over HTTP, a folder, the real commands, and workbooks edited by hand."""

from __future__ import annotations

import datetime as dt
import gc
import ipaddress
import logging
import os
import pickle
import shutil
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import simplejson
from client import Client
from fake_bss import Fake
from hypothesis import HealthCheck, settings
from openpyxl.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet
from remote import Remote, connected, connectwise_settings
from tables import Case, read_case
from typer.testing import CliRunner

from xlsync.billing.bss import Bss
from xlsync.cli import app
from xlsync.connectwise.client import ConnectWise
from xlsync.sandbox.server import Sandbox

OCTOBER = "xlsync-2026-10.xlsx"
WRITES = 13  # of the run in which everything is approved, below
LINES, MISMATCHES, NEW = "Billing Lines", "Mismatches", "New in ConnectWise"
TABLES = ("companies", "contacts", "agreements", "additions", "catalog", "invoices")
_NOT_COMPARED = {"id", "_info", "sequenceNumber"}  # they tell in which order things were made
Records = dict[tuple[str, int], dict[str, Any]]

# A busy machine is slow at times: that is no finding.
settings.register_profile("xlsync", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("xlsync")


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """The tables of the test's docstring, already found to give what they expect."""
    found = read_case(request.function.__doc__)
    assert found.found == found.expected
    return found


def pytest_collection_finish() -> None:
    """What is loaded by now stays: not to look at it again in every test saves a sixth of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture(scope="session", autouse=True)
def apart() -> Iterator[None]:
    """No setting, keyring or settings file of this machine reaches a test, and no test the network."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("XLSYNC_")]:
            patch.delenv(name)
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # each command would compile it all
        connect = socket.socket.connect

        def to_loopback(self: socket.socket, address: Any) -> None:
            if self.family in {socket.AF_INET, socket.AF_INET6}:
                assert ipaddress.ip_address(address[0]).is_loopback, f"a test wants to reach {address}"
            connect(self, address)

        patch.setattr(socket.socket, "connect", to_loopback)
        yield


def records(sandbox: Sandbox) -> Records:
    """All that ConnectWise holds, record by record, without the time of the last change."""
    return {
        (table, key): {name: value for name, value in record.items() if name != "_info"}
        for table in TABLES
        for key, record in sandbox.connectwise.table(table).items()
    }


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


def without_ids(sandbox: Sandbox) -> Counter[str]:
    """All that ConnectWise holds with names in place of ids, so that two worlds can be compared."""
    agreements = sandbox.connectwise.agreements

    def named(thing: Any) -> Any:
        if isinstance(thing, dict):
            named_of = {name: named(value) for name, value in thing.items() if name not in _NOT_COMPARED}
            if "agreementId" in named_of:
                of = agreements[thing["agreementId"]]
                named_of["agreementId"] = f"{of['company']['identifier']} {of['name']}"
            return {name: named_of[name] for name in sorted(named_of)}
        return [named(value) for value in thing] if isinstance(thing, list) else str(thing)

    return Counter(
        f"{table} {named(record)}" for table in TABLES for record in sandbox.connectwise.table(table).values()
    )


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code and what it told."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        found = simplejson.loads(self.out, use_decimal=True)
        assert isinstance(found, dict)
        return found

    @property
    def states(self) -> dict[str, str]:
        """What became of each action, by key."""
        return {action["key"]: action["state"] for action in self.json["actions"]}


class Hand:
    """A workbook opened by a person: cells are found by sheet, row key and header."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.book = openpyxl.load_workbook(path)

    def sheet(self, title: str) -> Worksheet:
        found = self.book[title]
        assert isinstance(found, Worksheet)
        return found

    def columns(self, title: str) -> dict[str, int]:
        """1-based columns by header."""
        for line in self.sheet(title).iter_rows(min_row=1, max_row=20):
            if {"Line Key", "Row Key"} & {cell.value for cell in line}:
                return {str(cell.value): cell.column for cell in line if cell.value}
        raise KeyError(title)

    def rows(self, title: str) -> dict[str, int]:
        """1-based rows by key."""
        columns = self.columns(title)
        key = columns.get("Line Key") or columns["Row Key"]
        sheet = self.sheet(title)
        found = {str(sheet.cell(row, key).value): row for row in range(2, sheet.max_row + 1)}
        return {key: row for key, row in found.items() if key not in {"None", "Line Key", "Row Key"}}

    def cell(self, title: str, key: str, header: str) -> Cell:
        found = self.sheet(title).cell(self.rows(title)[key], self.columns(title)[header])
        assert isinstance(found, Cell)
        return found

    def get(self, title: str, key: str, header: str) -> Any:
        return self.cell(title, key, header).value

    def set(self, title: str, key: str, cells: Mapping[str, Any]) -> None:
        for header, value in cells.items():
            self.cell(title, key, header).value = value

    def approve(self, *keys: str, **cells: Any) -> None:
        """Say Yes on rows of *Mismatches* or *New in ConnectWise*."""
        for key in keys:
            title = MISMATCHES if key in self.rows(MISMATCHES) else NEW
            self.set(
                title, key, {**{name.replace("_", " "): v for name, v in cells.items()}, "Approve": "Yes"}
            )

    def column(self, title: str, header: str) -> dict[str, Any]:
        """A column's values by row key."""
        sheet, column = self.sheet(title), self.columns(title)[header]
        return {key: sheet.cell(row, column).value for key, row in self.rows(title).items()}

    def line(self, customer: str, product: str = "") -> str:
        """The key of the one billing line of a customer (or whose ever) and product."""
        customers, products = self.column(LINES, "Customer"), self.column(LINES, "Product")
        found = [
            k for k, name in customers.items() if customer in {"", name} and product in (products[k] or "")
        ]
        assert len(found) == 1, found
        return found[0]

    def offered(self, header: str) -> list[Any]:
        """The entries of a dropdown."""
        lists = self.sheet("Lists")
        (column,) = (cell.column for cell in lists[1] if cell.value == header)
        return [lists.cell(row, column).value for row in range(2, lists.max_row + 1)]

    def save(self) -> None:
        self.book.save(self.path)


@dataclass
class Desk:
    """Where the billing administrator works: both systems, a folder, and the commands."""

    sandbox: Sandbox
    folder: Path
    file: Path
    before: Records = field(default_factory=dict)

    def run(self, *words: str, stdin: str = "") -> Ran:
        """Run one command; anything but an exit is a bug and fails the test."""
        result = CliRunner().invoke(app, list(words), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    def export(self, *words: str) -> Ran:
        return self.run("export", "--month", "2026-10", "--json", *words)

    def check(self, *words: str) -> Ran:
        return self.run("check", str(self.file), "--json", *words)

    def apply(self, *words: str) -> Ran:
        return self.run("apply", str(self.file), "--yes", "--json", *words)

    @contextmanager
    def editing(self) -> Iterator[Hand]:
        """Open the workbook, change it, save it."""
        hand = Hand(self.file)
        yield hand
        hand.save()

    def read(self) -> Hand:
        return Hand(self.file)

    @property
    def home(self) -> Path:
        return self.folder / "home"

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

    def links(self) -> list[tuple[Any, ...]]:
        """What is remembered, without when."""
        listed = self.run("links", "list", "--json").json["links"]
        names = ("kind", "key", "company_id", "agreement_id", "item_id", "evidence")
        return sorted(tuple(link[name] for name in names) for link in listed)


@dataclass(frozen=True)
class World:
    """A running sandbox, and October exported from it once: the folder to begin every test with."""

    sandbox: Sandbox
    folder: Path
    begun: bytes  # what both systems held: read back in a third of the time that making it anew takes

    def renew(self) -> None:
        """Put both systems back to how they began."""
        bss, connectwise = pickle.loads(self.begun)  # noqa: S301 - our own, of this process
        vars(self.sandbox.bss).update(vars(bss))
        vars(self.sandbox.connectwise).update(vars(connectwise))
        self.sandbox._faults.waiting.clear()
        self.sandbox.log.clear()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The sandbox of this worker, and October's workbook as export makes it."""
    folder = tmp_path_factory.mktemp("october")
    with Sandbox() as sandbox, pytest.MonkeyPatch.context() as patch:
        begun = pickle.dumps((sandbox.bss, sandbox.connectwise))
        settle(patch, sandbox, folder)
        result = CliRunner().invoke(app, ["export", "--month", "2026-10"])
        assert result.exit_code == 0, result.stderr
        patch.undo()
        yield World(sandbox, folder, begun)


@pytest.fixture
def remote() -> Iterator[Remote]:
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = Remote()
    yield server
    server.stop()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small one, of twenty lines."""
    with Sandbox(lines=20) as one:
        yield one


@pytest.fixture
def fake(remote: Remote) -> Fake:
    return Fake(remote)


@pytest.fixture
def bss(remote: Remote) -> Iterator[Bss]:
    one = Bss(remote.url, "key", "made-up-secret", "user", "made-up-word", plans={}, patience=0.001)
    with one.service:
        yield one


@pytest.fixture
def connectwise(sandbox: Sandbox) -> Iterator[ConnectWise]:
    with connected(connectwise_settings(sandbox.url, sandbox.environ)) as one:
        yield one


@pytest.fixture
def client() -> Iterator[Client]:
    """Requests to a sandbox with the whole month."""
    with Sandbox() as running:
        found = Client(running)
        with found.session:
            yield found


def settle(patch: pytest.MonkeyPatch, sandbox: Sandbox, folder: Path) -> None:
    """Work in a folder with the settings of a sandbox."""
    for name, value in sandbox.environ.items():
        patch.setenv(name, value)
    patch.setenv("XLSYNC_HOME", str(folder / "home"))
    patch.chdir(folder)
    (folder / "xlsync.toml").touch()  # else one in the user's own folder would be read


@pytest.fixture
def desk(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk on which October's workbook lies, exported and untouched."""
    world.renew()
    shutil.copytree(world.folder, tmp_path, dirs_exist_ok=True)
    settle(monkeypatch, world.sandbox, tmp_path)
    return Desk(world.sandbox, tmp_path, tmp_path / OCTOBER, records(world.sandbox))


@pytest.fixture
def empty_desk(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk on which nothing lies yet, and nothing is remembered."""
    world.renew()
    settle(monkeypatch, world.sandbox, tmp_path)
    return Desk(world.sandbox, tmp_path, tmp_path / OCTOBER, records(world.sandbox))


def day(text: str) -> dt.datetime:
    """A day as openpyxl reads and writes one."""
    return dt.datetime.fromisoformat(text)


# A run in which every kind of write is approved


def choose_new(desk: Desk) -> None:
    """Ask for a customer with its agreement, and for a product, and renew the workbook."""
    with desk.editing() as hand:
        new = {"ConnectWise Customer": "(create new)", "ConnectWise Agreement": "(create new)"}
        hand.set(LINES, hand.line("Quillfeather Books"), new)
        hand.set(LINES, hand.line("", "Dark Web Watch"), {"ConnectWise Product": "(create new)"})
    assert desk.check().code == 0


def approve_every_kind(hand: Hand) -> None:
    """A customer with contact, agreement and addition; a product with its addition; changes in place."""
    hand.approve("customer:bss:622", Contact_First_Name="Ada", Contact_Last_Name="Voss", Identifier="QUILL")
    hand.approve("agreement:bss:622|Monthly", "add:agreement:bss:622|Monthly:1")
    products = [key for key in hand.rows(NEW) if key.startswith("product:")]
    (dark,) = (k for k in products if hand.get(NEW, k, "Name") == "Dark Web Watch")
    hand.approve(dark, Price=1.5)
    hand.approve(*(key for key in hand.rows(MISMATCHES) if key.startswith("add:") and "product:" in key))
    hand.approve("add:38:15", "add:38:5")
    hand.approve("units:53", "units:55", "cost:55")
    hand.approve("units:52", Effective_From=day("2026-10-14"))
    hand.approve("only:62", Action="Cancel addition", Effective_From=day("2026-10-31"))


@dataclass(frozen=True)
class Undisturbed:
    """The folder in which everything is approved, and how it all ends where nothing goes wrong."""

    folder: Path
    connectwise: Counter[str]
    links: list[tuple[Any, ...]]
    results: dict[str, bool]


def end_of(desk: Desk) -> tuple[Counter[str], list[tuple[Any, ...]], dict[str, bool]]:
    """What stands in ConnectWise, what is remembered, and which rows are told to be done."""
    hand = desk.read()
    results = {
        key: str(text).startswith(("done", "already"))
        for title in (MISMATCHES, NEW)
        for key, text in hand.column(title, "Result").items()
        if text
    }
    links = [(kind, key, *(id_ is not None for id_ in ids), why) for kind, key, *ids, why in desk.links()]
    return without_ids(desk.sandbox), links, results


def _desk(world: World, folder: Path) -> Desk:
    return Desk(world.sandbox, folder, folder / OCTOBER, records(world.sandbox))


@pytest.fixture(scope="session")
def undisturbed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    folder, ended = tmp_path_factory.mktemp("approved"), tmp_path_factory.mktemp("ended")
    world.renew()
    shutil.copytree(world.folder, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, world.sandbox, folder)
        desk = _desk(world, folder)
        choose_new(desk)
        with desk.editing() as hand:
            approve_every_kind(hand)
        (folder / "xlsync.toml").write_text("[limits]\nzero = 1\n")  # one of them is a cancellation
    shutil.copytree(folder, ended, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, world.sandbox, ended)
        desk = _desk(world, ended)
        ran = desk.apply()
        assert ran.code == 0, ran.err
        assert len(desk.sandbox.writes) == WRITES
        yield Undisturbed(folder, *end_of(desk))


@pytest.fixture
def approved(world: World, undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The same folder, before apply."""
    world.renew()
    shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    settle(monkeypatch, world.sandbox, tmp_path)
    return _desk(world, tmp_path)
