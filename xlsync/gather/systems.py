"""Both systems, and xlsync's own stores and caches, opened for one command."""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Final, Self, TypeVar

from xlsync.apply.journal import exchange_lines
from xlsync.apply.one_writer import one_writer
from xlsync.apply.runs import Run, list_run_ids, list_runs, read_run, run_number
from xlsync.billing.bss import Bss
from xlsync.connectwise.client import ConnectWise
from xlsync.errors import ConfigError, XlsyncError
from xlsync.gc_tuning import use_one_heap
from xlsync.links.ages import Ages, merge_months
from xlsync.links.store import Links, Rules
from xlsync.models import Month
from xlsync.settings import Settings
from xlsync.store import (
    Cache,
    EnvironmentStore,
    FileStore,
    Merge,
    Store,
    keep_newer,
)
from xlsync.team_store import StoreUnreachable, TeamStore

S = TypeVar("S", bound=EnvironmentStore)
_EARLY: Final = 2  # days before a month at which a run about it may be, by a clock that is wrong
_THREADS: Final = 12  # reads of different kinds that go on side by side, each of many requests


class Systems:
    """The systems and stores of a command; each is opened at its first use and closed at the end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stack = ExitStack()
        self._unreached: StoreUnreachable | None = None

    def __enter__(self) -> Self:
        # A raised threshold for garbage collection saves about 25 % of the time of a large month.
        self._stack.callback(gc.set_threshold, *gc.get_threshold())
        gc.set_threshold(100_000, 50, 50)
        use_one_heap()
        return self

    def __exit__(self, *_: object) -> None:
        opened = vars(self)
        for name in ("bss", "connectwise"):
            if name in opened:  # a read that waits for its turn in a thread ends at once
                opened[name].service.close()
        if "threads" in opened:
            self.threads.shutdown(cancel_futures=True)
        self._stack.close()

    @cached_property
    def threads(self) -> ThreadPoolExecutor:
        """The threads in which reads go on beside the command's own work; they end with it."""
        return ThreadPoolExecutor(_THREADS, thread_name_prefix="reading")

    @property
    def home(self) -> Path:
        """The folder of all stores."""
        return self.settings.home

    @cached_property
    def connectwise(self) -> ConnectWise:
        """The ConnectWise site of the settings."""
        if self.settings.connectwise is None:
            raise ConfigError("ConnectWise is not set up.", "Run `xlsync login`.")
        return ConnectWise(self.settings.connectwise)

    @cached_property
    def bss(self) -> Bss:
        """The BSS of the settings, with a cache of its billing plans."""
        if self.settings.bss is None:
            raise ConfigError("The BSS is not set up.", "Run `xlsync login`.")
        return Bss(self.settings.bss, plans=self.plans)

    @cached_property
    def links(self) -> Links:
        """The remembered links of the environment."""
        return self._remembered(Links)

    @cached_property
    def rules(self) -> Rules:
        """The lasting rules of the environment."""
        return self._remembered(Rules)

    @cached_property
    def ages(self) -> Ages:
        """The months of the environment as they were seen last."""
        return self._remembered(Ages, merge_months)

    def _remembered(self, kind: type[S], merge: Merge = keep_newer) -> S:
        folder, environment = self.home / "links", self.settings.environment
        opened = kind(folder, environment, self._entries(kind, merge))
        self._stack.callback(opened.close)
        return opened

    def _entries(self, kind: type[EnvironmentStore], merge: Merge) -> Store:
        """Open the team's entries of a kind, with a copy on this machine; else this machine's own."""
        environment = self.settings.environment
        local = FileStore(kind.folder_in(self.home / "links", environment), environment, kind.what)
        self._stack.callback(local.close)
        if self.settings.store is None or self.team is None:
            return local
        shared, place = self.team.entries(kind.kind, kind.what), self.settings.store.place
        local.exchange(shared, place, merge)

        def copy_at_the_end() -> None:
            with suppress(XlsyncError):  # the next command updates the copy, or tells why it cannot
                local.exchange(shared, place, merge)

        self._stack.callback(copy_at_the_end)
        return shared

    @cached_property
    def team(self) -> TeamStore | None:
        """The store that a team shares, with this machine's journal brought up to date.

        None where none is set or it cannot be reached; `notices` says so then.
        """
        if self.settings.store is None:
            return None
        try:
            team = TeamStore(self.settings.store, self.settings.environment)
            self._stack.callback(team.close)
            exchange_lines(self.home, self.settings.environment, team)
        except StoreUnreachable as error:
            self._unreached = error
            return None
        return team

    @property
    def notices(self) -> tuple[str, ...]:
        """The notice that the team's store cannot be reached."""
        if self.team is not None or self._unreached is None:
            return ()
        return (f"{self._unreached.message}; what this machine knows is used until it is reached again",)

    def list_runs(self) -> tuple[Run, ...]:
        """All runs of the environment, those of the team among them, the newest first."""
        _ = self.team  # opening it copies its lines here
        return list_runs(self.home, self.settings.environment)

    def list_run_ids_since(self, month: Month) -> frozenset[str]:
        """List the ids of all known runs that can be about a month: those named by a day of it, or later."""
        _ = self.team
        earliest = f"{month.first - dt.timedelta(days=_EARLY):%Y%m%d}"
        ids = list_run_ids(self.home, self.settings.environment)
        return frozenset(id_ for id_ in ids if id_ >= earliest)

    def read_run(self, run: str) -> Run:
        """One run, or the `last` of apply; raises XlsyncError where there is none of that name."""
        _ = self.team
        return read_run(self.home, self.settings.environment, run)

    def run_number(self, run: str) -> str:
        """The number of a run, as people type it."""
        return run_number(self.home, self.settings.environment, run)

    @contextmanager
    def one_writer(self) -> Iterator[None]:
        """Hold the locks of the team and of this machine on writing to the environment.

        Raises XlsyncError where somebody else holds one, or the team's store cannot be reached.
        """
        with one_writer(self.home, self.settings.environment), ExitStack() as stack:
            if self.team is not None:
                stack.enter_context(self.team.one_writer())
                exchange_lines(self.home, self.settings.environment, self.team)
            elif self._unreached is not None:
                raise XlsyncError(f"Nothing was sent: {self._unreached.message}", self._unreached.hint)
            yield

    @cached_property
    def plans(self) -> Cache:
        """The cache of the environment's billing plans."""
        return self._cache("plans")

    @cached_property
    def lists(self) -> Cache:
        """The cache of the environment's lists."""
        return self._cache("lists")

    @cached_property
    def checks(self) -> Cache:
        """The cache of results of checks of the environment's workbooks."""
        return self._cache("checks")

    @cached_property
    def additions(self) -> Cache:
        """The cache of the environment's additions."""
        return self._cache("additions")

    def forget_additions(self) -> None:
        """Clear the cache of additions, since they are about to change."""
        for entry in list(self.additions):
            del self.additions[entry]

    def _cache(self, name: str) -> Cache:
        environment = self.settings.environment.replace("/", "_").replace(":", "_")
        return self._stack.enter_context(Cache(self.home / "cache" / environment / name))

    @property
    def requests(self) -> Mapping[str, int]:
        """The number of HTTP requests sent to each system."""
        opened = vars(self)  # a system that was not used is not opened for the count
        return {
            name: opened[name].service.requests if name in opened else 0 for name in ("bss", "connectwise")
        }


def silent(_step: str, _done: int, _total: int | None, _at_least: float = 0.0) -> None:
    """Show no progress."""
