"""Both systems and what xlsync keeps beside them, opened for one command: BSS, ConnectWise, links, caches."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from xlsync.billing.bss import Bss
from xlsync.connectwise.client import ConnectWise
from xlsync.errors import ConfigError
from xlsync.links.rule_store import Rules
from xlsync.links.store import Links
from xlsync.settings import Settings
from xlsync.store import Cache, open_cache


class Systems:
    """What a command works with; opened when first asked for, closed at its end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stack = ExitStack()
        self._open: dict[str, Any] = {}

    def __enter__(self) -> Self:
        # A month is made of a million things that all stay: to look for garbage among them takes a quarter
        # of the time.
        self._stack.callback(gc.set_threshold, *gc.get_threshold())
        gc.set_threshold(100_000, 50, 50)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def home(self) -> Path:
        """The folder of all that is kept."""
        return self.settings.home

    @property
    def connectwise(self) -> ConnectWise:
        """The ConnectWise site of the settings."""
        if "connectwise" not in self._open:
            if self.settings.connectwise is None:
                raise ConfigError("ConnectWise is not set up.", "Run `xlsync login`.")
            self._open["connectwise"] = ConnectWise(self.settings.connectwise)
            self._stack.callback(self._open["connectwise"].service.close)
        return self._open["connectwise"]  # type: ignore[no-any-return]

    @property
    def bss(self) -> Bss:
        """The BSS of the settings; its billing plans are kept."""
        if "bss" not in self._open:
            keys = self.settings.bss
            if keys is None:
                raise ConfigError("The BSS is not set up.", "Run `xlsync login`.")
            self._open["bss"] = Bss(
                keys.url,
                keys.client_key,
                keys.client_secret,
                keys.username,
                keys.password,
                plans=self.plans,
            )
            self._stack.callback(self._open["bss"].service.close)
        return self._open["bss"]  # type: ignore[no-any-return]

    @property
    def links(self) -> Links:
        """The remembered links of the environment."""
        if "links" not in self._open:
            self._open["links"] = self._stack.enter_context(
                Links(self.home / "links", self.settings.environment)
            )
        return self._open["links"]  # type: ignore[no-any-return]

    @property
    def rules(self) -> Rules:
        """The lasting rules of the environment."""
        if "rules" not in self._open:
            self._open["rules"] = self._stack.enter_context(
                Rules(self.home / "links", self.settings.environment)
            )
        return self._open["rules"]  # type: ignore[no-any-return]

    @property
    def plans(self) -> Cache:
        """The kept billing plans of the environment."""
        return self._cache("plans")

    @property
    def lists(self) -> Cache:
        """The kept lists of the environment."""
        return self._cache("lists")

    @property
    def checks(self) -> Cache:
        """What checks of the environment's workbooks left behind."""
        return self._cache("checks")

    def _cache(self, name: str) -> Cache:
        if name not in self._open:
            folder = (
                self.home / "cache" / self.settings.environment.replace("/", "_").replace(":", "_") / name
            )
            self._open[name] = self._stack.enter_context(open_cache(folder))
        return self._open[name]  # type: ignore[no-any-return]

    @property
    def requests(self) -> Mapping[str, int]:
        """How many HTTP requests each system was sent so far."""
        bss, connectwise = self._open.get("bss"), self._open.get("connectwise")
        return {
            "bss": bss.service.requests if bss else 0,
            "connectwise": connectwise.service.requests if connectwise else 0,
        }


def silent(_what: str, _done: int, _of: int | None) -> None:
    """No progress is shown."""
