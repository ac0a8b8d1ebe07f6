"""Commands in processes that cost no start of Python, and can be killed.

One process has loaded xlsync and does nothing else; each command is a copy of it.
"""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_PROGRAM = """
import fcntl, gc, importlib, io, json, os, pkgutil, sys, termios
from contextlib import redirect_stderr, redirect_stdout, suppress

import keyring, psycopg, xlsync

for module in pkgutil.walk_packages(xlsync.__path__, "xlsync."):
    if "__main__" not in module.name and not module.name.startswith("xlsync.excel"):
        importlib.import_module(module.name)
keyring.get_keyring()
with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), suppress(SystemExit):
    xlsync.cli.app(["check", "nothing.xlsx"])  # which loads what reads the words of a command
gc.freeze()

def on_files(order):
    files = [os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for name in ("out", "err")]
    for number, end in enumerate([os.open(os.devnull, os.O_RDONLY), *files]):
        os.dup2(end, number)
    sys.stdin = open(0, closefd=False)

def on_terminal(terminal):
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(terminal, number)
    sys.stdin = open(0, closefd=False)
    sys.stdout = open(1, "w", 1, closefd=False)
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)
    for module in [module for module in sys.modules if module.startswith("xlsync.cli")]:
        del sys.modules[module]  # looks at its terminal when it is loaded

def work(order, terminal):
    if terminal is not None:
        on_terminal(terminal)
    else:
        on_files(order)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["folder"])
    sys.argv = ["xlsync", *order["words"]]
    exec(order["program"], {"order": order})

for text in sys.stdin:
    order = json.loads(text)
    if "ended" in order:
        _, status = os.waitpid(order["ended"], 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    terminal = os.open(order["terminal"], os.O_RDWR | os.O_NOCTTY) if order["terminal"] else None
    pid = os.fork()
    if pid:
        if terminal is not None:
            os.close(terminal)
        print(pid, flush=True)
        continue
    code = 1
    try:
        work(order, terminal)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
"""
COMMAND = "from xlsync.__main__ import main; main()"


class Running:
    """A command that was begun."""

    def __init__(self, copies: Copies, pid: int, out: Path, err: Path) -> None:
        self._copies, self.pid, self.out, self.err = copies, pid, out, err
        self.returncode: int | None = None
        self._process = os.pidfd_open(pid)  # names it even where another process has its number by now

    def send_signal(self, number: int) -> None:
        """Send it a signal where it still runs."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, number)

    def kill(self) -> None:
        """Kill it where it still runs."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 600) -> int:
        """Return the exit code, once the command has ended; negative where it was killed."""
        ended = select.poll()  # which takes files of any number: a hundred rounds hold more than a thousand
        ended.register(self, select.POLLIN)
        if not ended.poll(None if timeout is None else timeout * 1000):  # others can be begun meanwhile
            raise TimeoutError(f"process {self.pid} has not ended in {timeout} s")
        return self._copies.code_of(self)

    def fileno(self) -> int:
        """What `select` waits on: readable once it has ended."""
        return self._process

    def close(self) -> None:
        os.close(self._process)

    def communicate(self, timeout: float) -> tuple[bytes, bytes]:
        """What it printed by the time it has ended."""
        self.returncode = self.wait(timeout)
        return self.out.read_bytes(), self.err.read_bytes()

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.out.read_text(encoding="utf-8"))
        assert isinstance(found, dict)
        return found


class Copies:
    """The process that the commands are copies of."""

    def __init__(self) -> None:
        self._begun: list[Running] = []
        self._codes: dict[int, int] = {}
        self._asking = threading.Lock()
        self._folder = tempfile.TemporaryDirectory()
        words = [sys.executable, "-c", _PROGRAM]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def end(self) -> None:
        for one in self._begun:
            one.kill()
            one.close()
        self._process.communicate(timeout=600)
        self._folder.cleanup()
        assert self._process.returncode == 0

    def _ask(self, order: Mapping[str, Any]) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def code_of(self, running: Running) -> int:
        """The exit code of a command, which is asked for once."""
        number = self._begun.index(running)
        with self._asking:
            if number not in self._codes:
                self._codes[number] = self._ask({"ended": running.pid})
            return self._codes[number]

    def begin(
        self,
        environ: Mapping[str, str],
        folder: Path,
        *words: str,
        program: str = COMMAND,
        terminal: str = "",
        **facts: Any,
    ) -> Running:
        """Begin a command, or a program of the test's own, in a folder, and on a terminal where one is named.

        It reads nothing and prints into files where none is.
        """
        with self._asking:
            out, err = (Path(self._folder.name) / f"{len(self._begun)}.{name}" for name in ("out", "err"))
            order = {
                "environ": dict(environ),
                "folder": str(folder),
                "words": words,
                "program": program,
                "terminal": terminal,
                "out": str(out),
                "err": str(err),
                **facts,
            }
            self._begun.append(Running(self, self._ask(order), out, err))
            return self._begun[-1]


@functools.cache
def copies() -> Copies:
    """The one of this worker, begun when a test first asks for it."""
    return Copies()


def end_copies() -> None:
    """End it where it was begun."""
    if copies.cache_info().currsize:
        copies().end()
        copies.cache_clear()
