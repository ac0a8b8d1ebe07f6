"""A running sandbox with October exported, and a run in which every kind of write is approved."""

from __future__ import annotations

import datetime as dt
import functools
import pickle
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.desk import OCTOBER, Desk, Records, all_of, records_in, settle, without_ids
from tests.helpers.hand import LINES, MISMATCHES, NEW, Hand, day
from xlsync.records import replace
from xlsync.sandbox.server import ReceivedRequest, Sandbox
from xlsync.sandbox.state import SandboxBss, SandboxConnectWise
from xlsync.sandbox.world.generate import generate
from xlsync.sandbox.world.story import Scale
from xlsync.store import Cache

_STILL_NEW = 420  # seconds after which an export is dated anew: what was read is used for ten minutes
# All oddities of the month and two ordinary customers: many more of the same take a third of all time.
_SMALL = Scale(lines=105, customers=52, agreements=56, additions=140, items=80)
WRITES = 13  # of the run in which everything is approved, below


@functools.cache
def _pickled(scale: Scale, seed: int, with_november: bool) -> bytes:
    return pickle.dumps(generate(scale, seed, with_november=with_november))


class CopiedSandbox(Sandbox):
    """A sandbox whose records are a copy of those made once: reading them back takes a third of the time."""

    def _made(self) -> tuple[SandboxBss, SandboxConnectWise]:
        made = pickle.loads(_pickled(self._scale, self._seed, self._with_november))  # noqa: S301 - our own
        assert isinstance(made, tuple)
        return made


class WatchedSandbox(CopiedSandbox):
    """A small sandbox that notes whether somebody had its BSS in hand, and may have changed it."""

    has_lent_bss = True

    def _made(self) -> tuple[SandboxBss, SandboxConnectWise]:
        self._scale = _SMALL
        return super()._made()

    @property
    def bss(self) -> SandboxBss:
        self.has_lent_bss = True
        return self._own_bss

    @bss.setter
    def bss(self, bss: SandboxBss) -> None:
        self._own_bss = bss


@dataclass(frozen=True)
class World:
    """A running sandbox, and October exported from it once: the folder to begin every test with."""

    sandbox: WatchedSandbox
    folder: Path
    # What each system held: read back in a third of the time that making it anew takes.
    begun_bss: bytes = field(repr=False)
    begun_connectwise: bytes = field(repr=False)
    log: tuple[ReceivedRequest, ...] = field(default=(), repr=False)  # of the export
    told: Mapping[str, Any] = field(default_factory=dict, repr=False)  # by the export, as JSON
    made_at: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, sandbox: WatchedSandbox, folder: Path) -> World:
        """The world of a sandbox that nobody has changed yet, with nothing in its folder."""
        return cls(sandbox, folder, pickle.dumps(sandbox.bss), pickle.dumps(sandbox.connectwise))

    @functools.cached_property
    def before(self) -> Records:
        """What ConnectWise held, in records of their own; only to be compared with."""
        return records_in(self._connectwise_as_begun())

    @functools.cached_property
    def additions(self) -> bytes:
        """The additions that the export read."""
        return all_of(self._connectwise_as_begun().additions)

    def _connectwise_as_begun(self) -> SandboxConnectWise:
        connectwise = pickle.loads(self.begun_connectwise)  # noqa: S301 - our own, of this process
        assert isinstance(connectwise, SandboxConnectWise)
        return connectwise

    def lay_out(self, folder: Path) -> None:
        """Put the workbook, and all that the export left, into a folder, as if exported a moment ago."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        if time.monotonic() - self.made_at > _STILL_NEW:
            date_additions(folder / "home", dt.datetime.now(dt.UTC))

    def renew(self) -> None:
        """Put both systems back to how they began."""
        self.set_to(self.begun_bss, self.begun_connectwise)

    def set_to(self, bss: bytes, connectwise: bytes) -> None:
        """Let both systems hold what they held when they were pickled, with an empty log and no faults."""
        if self.sandbox.has_lent_bss or bss is not self.begun_bss:
            vars(self.sandbox.bss).update(vars(pickle.loads(bss)))  # noqa: S301 - our own, of this process
            self.sandbox.has_lent_bss = bss is not self.begun_bss  # the server itself only ever reads from it
        vars(self.sandbox.connectwise).update(vars(pickle.loads(connectwise)))  # noqa: S301
        self.sandbox._faults.waiting.clear()
        self.sandbox._late.clear()
        self.sandbox.log.clear()


def date_additions(home: Path, when: dt.datetime) -> None:
    """Date the additions that were read: all tests together may take longer than those are used."""
    for folder in (home / "cache").glob("*/additions"):
        with Cache(folder) as cache:
            for entry in list(cache):
                cache[entry] = {key: [when.isoformat(), read] for key, (_, read) in cache[entry].items()}


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


def approve_all(desk: Desk) -> None:
    """Choose what is new, and approve every kind of write."""
    choose_new(desk)
    with desk.editing() as hand:
        approve_every_kind(hand)
    desk.write_own_settings("[limits]\nzero = 1\n")  # one of them is a cancellation


@dataclass(frozen=True)
class Undisturbed:
    """The folder in which everything is approved, and how it all ends where nothing goes wrong."""

    folder: Path
    connectwise: Counter[str] = field(repr=False)
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


def desk_in(world: World, folder: Path) -> Desk:
    """The desk in a folder where October's workbook lies."""
    return Desk(world.sandbox, folder, folder / OCTOBER, world.before, _read=world.additions)


@dataclass(frozen=True)
class _Moment:
    """A desk as some steps left it: the folder that it is in, a copy to put back, and both systems."""

    folder: Path
    copy: Path
    bss: bytes = field(repr=False)
    connectwise: bytes = field(repr=False)
    before: Records = field(repr=False)
    read: bytes = field(repr=False)
    made_at: float = field(default_factory=time.monotonic)


DeskAfter = Callable[[Callable[[Desk], object]], Desk]


class Moments:
    """Desks from which several tests go on: the steps to each are done once, and what they left is kept.

    A run's journal names its workbook, so a desk is put back into the folder in which the steps were done.
    """

    def __init__(self, world: World, root: Path) -> None:
        self._world, self._root = world, root
        self._kept: dict[Callable[[Desk], object], _Moment] = {}

    def desk_after(self, steps: Callable[[Desk], object], patch: pytest.MonkeyPatch) -> Desk:
        """Return the desk as these steps leave it; what a test does on it reaches no other test."""
        moment = self._kept.get(steps)
        if moment is None or time.monotonic() - moment.made_at > _STILL_NEW:
            moment = self._kept[steps] = self._made(steps, patch)
        return self._put_back(moment, patch)

    def _made(self, steps: Callable[[Desk], object], patch: pytest.MonkeyPatch) -> _Moment:
        world, folder = self._world, Path(tempfile.mkdtemp(dir=self._root))
        world.renew()
        world.lay_out(folder)
        settle(patch, world.sandbox, folder)
        desk = desk_in(world, folder)
        steps(desk)
        copy = Path(tempfile.mkdtemp(dir=self._root))
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        sandbox = world.sandbox
        bss = pickle.dumps(sandbox.bss) if sandbox.has_lent_bss else world.begun_bss
        return _Moment(folder, copy, bss, pickle.dumps(sandbox.connectwise), desk.before, desk._read)

    def _put_back(self, moment: _Moment, patch: pytest.MonkeyPatch) -> Desk:
        self._world.set_to(moment.bss, moment.connectwise)
        shutil.rmtree(moment.folder)
        shutil.copytree(moment.copy, moment.folder)
        settle(patch, self._world.sandbox, moment.folder)
        desk = desk_in(self._world, moment.folder)
        return replace(desk, before=moment.before, _read=moment.read)
