"""A command in a process of its own, which something befalls at one of its writes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.copies import COMMAND, Running, copies
from tests.helpers.desk import OCTOBER, Desk

Process = subprocess.Popen[bytes] | Running


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it told."""

    code: int
    out: bytes
    err: bytes


def begin(*words: str, program: str = COMMAND) -> Process:
    """Begin a command where the test stands: on Linux a copy of a process that has loaded xlsync.

    A `program` of the test's own is begun in its place, and finds the words in `sys.argv`.
    """
    if sys.platform == "linux":
        return copies().begin(os.environ, Path.cwd(), *words, program=program)
    begun = [sys.executable, "-c", program, *words]
    return subprocess.Popen(begun, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def strike_at(
    desk: Desk,
    kind: str,
    at: int | str,
    strike: Callable[[Process], None],
    command: str = "apply",
    of: str = OCTOBER,
) -> Ended:
    """Run it until it ends; `strike` befalls it before or after a write is committed.

    That is the n-th write, or the first whose method and path match a regular expression.
    """
    ended, is_struck = _run_until(desk, kind, at, strike, command, of)
    assert is_struck, ended.err.decode()
    return ended


def _run_until(
    desk: Desk, kind: str, at: int | str, strike: Callable[[Process], None], *words: str
) -> tuple[Ended, bool]:
    running: list[Process] = []
    started, struck = threading.Event(), threading.Event()

    def call() -> None:
        started.wait(600)
        struck.set()
        strike(running[0])

    if isinstance(at, int):
        desk.sandbox.fail(kind, write=at, call=call)
    else:
        desk.sandbox.fail(kind, path=at, call=call)
    process = begin(*words, "--yes", "--json")
    running.append(process)
    started.set()
    out, err = process.communicate(timeout=600)
    assert process.returncode is not None
    return Ended(process.returncode, out, err), struck.is_set()


def _killing(kind: str) -> Callable[[Process], None]:
    def kill(process: Process) -> None:
        process.kill()
        process.wait(600)
        if kind == "call":
            raise ConnectionAbortedError  # so that nothing is committed

    return kill


def kill_at(desk: Desk, kind: str, at: int | str, command: str = "apply", of: str = OCTOBER) -> Ended:
    """Kill it before or after a write is committed: the n-th, or the first of a path."""
    before = len(desk.sandbox.writes)
    ended = strike_at(desk, kind, at, _killing(kind), command, of)
    assert ended.code not in {0, 3}
    number = at if isinstance(at, int) else 1
    assert len(desk.sandbox.writes) >= before + number, ended.err  # others may be on their way beside it
    return ended


def kill_time_after_time(desk: Desk, kind: str, at: int, command: str = "apply", of: str = OCTOBER) -> int:
    """Run it and kill it at the n-th write until a run has fewer writes; returns how often it was killed."""
    for killed in range(100):
        ended, is_struck = _run_until(desk, kind, at, _killing(kind), command, of)
        if not is_struck:
            assert ended.code == 0, ended.err.decode()
            desk.sandbox._faults.waiting.clear()
            return killed
        assert ended.code not in {0, 3}
        desk.let_minutes_pass()
    raise AssertionError("the runs do not come to an end")
