"""A command in a process of its own, which something befalls at one of its writes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.copies import Running, copies
from tests.helpers.desk import OCTOBER, Desk

Process = subprocess.Popen[bytes] | Running


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it told."""

    code: int
    out: bytes
    err: bytes


def begin(*words: str) -> Process:
    """Begin a command where the test stands: on Linux a copy of a process that has loaded xlsync."""
    if sys.platform == "linux":
        return copies().begin(os.environ, Path.cwd(), *words)
    program = [sys.executable, "-m", "xlsync", *words]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def strike_at(
    desk: Desk,
    kind: str,
    number: int,
    strike: Callable[[Process], None],
    command: str = "apply",
    of: str = OCTOBER,
) -> Ended:
    """Run it until it ends; `strike` befalls it before or after its n-th write is committed."""
    running: list[Process] = []
    started, struck = threading.Event(), threading.Event()

    def call() -> None:
        started.wait(60)
        struck.set()
        strike(running[0])

    desk.sandbox.fail(kind, write=number, call=call)
    process = begin(command, of, "--yes", "--json")
    running.append(process)
    started.set()
    out, err = process.communicate(timeout=120)
    assert struck.is_set(), err.decode()
    assert process.returncode is not None
    return Ended(process.returncode, out, err)


def kill_at(desk: Desk, kind: str, number: int, command: str = "apply", of: str = OCTOBER) -> Ended:
    """Kill it before or after its n-th write is committed."""

    def kill(process: Process) -> None:
        process.kill()
        process.wait(60)
        if kind == "call":
            raise ConnectionAbortedError  # so that nothing is committed

    before = len(desk.sandbox.writes)
    ended = strike_at(desk, kind, number, kill, command, of)
    assert ended.code not in {0, 3}
    assert len(desk.sandbox.writes) >= before + number, ended.err  # others may be on their way beside it
    return ended
