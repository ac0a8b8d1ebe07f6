"""A sandbox in a process of its own, so that its work does not slow the measured one down."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from xlsync.config import own_settings_file
from xlsync.sandbox.server import Sandbox


@dataclass(frozen=True)
class World:
    """A running sandbox: what settings reach it, and a folder to work in."""

    environ: dict[str, str]
    folder: Path
    _line: Connection

    def log(self) -> list[tuple[str, str, str, dict[str, str], Any]]:
        """What was asked since the last look: service, method, path, query, body."""
        self._line.send("log")
        return self._line.recv()  # type: ignore[no-any-return]

    def reset(self) -> None:
        """Put both systems back to how they began."""
        self._line.send("reset")
        self._line.recv()

    def enter(self, home: str) -> None:
        """Work in that home from now on."""
        os.environ.update(self.environ, XLSYNC_HOME=str(self.folder / home))
        os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"


@contextlib.contextmanager
def served(lines: int, latency: float = 0.0, *, nudge: int = 0, rate: int = 900) -> Iterator[World]:
    """Serve that many lines; `nudge` additions hold other units than were billed."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(there, lines, latency, nudge), daemon=True
    )
    process.start()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["XDG_CONFIG_HOME"] = str(
            Path(folder) / "config"
        )  # a limit is raised in a person's own file
        if not own_settings_file().is_relative_to(folder):
            raise SystemExit(
                "Here the settings file of whoever runs this cannot be replaced: run it on Linux."
            )
        own_settings_file().parent.mkdir(parents=True)
        settings = f"[connectwise]\nrequests_per_minute = {rate}\n[limits]\nmoney = 1_000_000\n"
        own_settings_file().write_text(settings, encoding="utf-8")
        try:
            yield World(here.recv(), Path(folder), here)
        finally:
            here.send("stop")
            process.join()


def _serve(line: Connection, lines: int, latency: float, nudge: int) -> None:
    with Sandbox(lines=lines, latency=latency) as sandbox:
        _nudge(sandbox, nudge)
        line.send(sandbox.environ)
        while (word := line.recv()) != "stop":
            if word == "reset":
                sandbox.reset()
                _nudge(sandbox, nudge)
            line.send(
                [
                    (asked.service, asked.method, asked.path, dict(asked.query), asked.body)
                    for asked in sandbox.log
                ]
            )
            sandbox.log.clear()


def _nudge(sandbox: Sandbox, count: int) -> None:
    """Let additions that agree with the billing differ from it, so that there is something to apply."""
    for addition in list(sandbox.connectwise.additions.values())[:count]:
        addition["quantity"] = Decimal(addition["quantity"]) + 1
