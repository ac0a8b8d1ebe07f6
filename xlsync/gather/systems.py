"""Both systems and what xlsync keeps beside them, opened for one command: BSS, ConnectWise, links, caches."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self

from xlsync.billing.bss import Bss
from xlsync.connectwise.client import ConnectWise
from xlsync.errors import ConfigError
from xlsync.links.store import Links, Rules
from xlsync.settings import Settings
from xlsync.store import Cache


class Systems:
    """What a command works with; opened when first asked for, closed at its end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        # A raised threshold for garbage collection saves about 25 % of the time of a large month.
        self._stack.callback(gc.set_threshold, *gc.get_threshold())
        gc.set_threshold(100_000, 50, 50)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def home(self) -> Path:
        """The folder of all that is kept."""
        return self.settings.home

    @cached_property
    def connectwise(self) -> ConnectWise:
        """The ConnectWise site of the settings."""
        if self.settings.connectwise is None:
            raise ConfigError("ConnectWise is not set up.", "Run `xlsync login`.")
        opened = ConnectWise(self.settings.connectwise)
        self._stack.callback(opened.service.close)
        return opened

    @cached_property
    def bss(self) -> Bss:
        """The BSS of the settings; its billing plans are kept."""
        keys = self.settings.bss
        if keys is None:
            raise ConfigError("The BSS is not set up.", "Run `xlsync login`.")
        opened = Bss(
            keys.url, keys.client_key, keys.client_secret, keys.username, keys.password, plans=self.plans
        )
        self._stack.callback(opened.service.close)
        return opened

    @cached_property
    def links(self) -> Links:
        """The remembered links of the environment."""
        return self._stack.enter_context(Links(self.home / "links", self.settings.environment))

    @cached_property
    def rules(self) -> Rules:
        """The lasting rules of the environment."""
        return self._stack.enter_context(Rules(self.home / "links", self.settings.environment))

    @cached_property
    def plans(self) -> Cache:
        """The kept billing plans of the environment."""
        return self._cache("plans")

    @cached_property
    def lists(self) -> Cache:
        """The kept lists of the environment."""
        return self._cache("lists")

    @cached_property
    def checks(self) -> Cache:
        """What checks of the environment's workbooks left behind."""
        return self._cache("checks")

    @cached_property
    def additions(self) -> Cache:
        """The additions that were read last in the environment."""
        return self._cache("additions")

    def forget_additions(self) -> None:
        """Let the next check read all additions anew, since they are about to change."""
        for entry in list(self.additions):
            del self.additions[entry]

    def _cache(self, name: str) -> Cache:
        environment = self.settings.environment.replace("/", "_").replace(":", "_")
        return self._stack.enter_context(Cache(self.home / "cache" / environment / name))

    @property
    def requests(self) -> Mapping[str, int]:
        """How many HTTP requests each system was sent so far."""
        opened = vars(self)  # a system that was never asked for is not opened to be counted
        return {
            name: opened[name].service.requests if name in opened else 0 for name in ("bss", "connectwise")
        }


def silent(_what: str, _done: int, _of: int | None) -> None:
    """No progress is shown."""
