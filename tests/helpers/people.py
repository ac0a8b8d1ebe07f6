"""People at machines of their own: commands in processes that cost no start of Python, and can be killed.

One process has loaded xlsync and does nothing else; each command is a copy of it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_PROGRAM = """
import importlib, json, os, pkgutil, sys, tempfile
import keyring, psycopg, xlsync

for module in pkgutil.walk_packages(xlsync.__path__, "xlsync."):
    if "__main__" not in module.name and not module.name.startswith("xlsync.excel"):
        importlib.import_module(module.name)
keyring.get_keyring()

def work(order):
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ.update(order["environ"])
    os.chdir(order["folder"])
    tempfile.tempdir = order["environ"]["XLSYNC_HOME"]  # another machine: its locks are its own
    xlsync.apply.journal.SHARED_PLACES = ()
    sys.argv = ["xlsync", *order["words"]]
    exec(order["program"], {"order": order})

for text in sys.stdin:
    order = json.loads(text)
    if "ended" in order:
        _, status = os.waitpid(order["ended"], 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        continue
    code = 1
    try:
        work(order)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
"""
_COMMAND = "from xlsync.cli import main; main()"


@dataclass(frozen=True)
class Machine:
    """Somebody's own machine: a folder of its own, and the settings with which commands run there."""

    name: str
    home: Path
    environ: dict[str, str]


class Running:
    """A command that was begun."""

    def __init__(self, people: People, pid: int, out: Path, err: Path) -> None:
        self._people, self._pid, self.out, self.err = people, pid, out, err
        self._process = os.pidfd_open(pid)  # names it even where another process has its number by now

    def kill(self) -> None:
        """Kill it where it still runs."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit code, once it has ended; negative where it was killed."""
        select.select([self._process], [], [], 120)  # whoever began it stays free to begin others meanwhile
        return self._people.ask({"ended": self._pid})

    def close(self) -> None:
        os.close(self._process)

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.out.read_text(encoding="utf-8"))
        assert isinstance(found, dict)
        return found


class People:
    """The process that the commands are copies of."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begun: list[Running] = []
        self._asking = threading.Lock()

    def __enter__(self) -> Self:
        words = [sys.executable, "-c", _PROGRAM]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._begun:
            one.close()
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    def ask(self, order: Mapping[str, Any]) -> int:
        assert self._process.stdin
        assert self._process.stdout
        with self._asking:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

    def begin(self, machine: Machine, *words: str, program: str = _COMMAND, **facts: Any) -> Running:
        """Begin a command, or a program of the test's own, at somebody's machine."""
        out, err = (self._folder / f"{len(self._begun)}.{name}" for name in ("out", "err"))
        machine.home.mkdir(parents=True, exist_ok=True)
        order = {
            "environ": {**machine.environ, "XLSYNC_HOME": str(machine.home)},
            "folder": str(self._folder),
            "words": words,
            "program": program,
            "out": str(out),
            "err": str(err),
            **facts,
        }
        self._begun.append(Running(self, self.ask(order), out, err))
        return self._begun[-1]
