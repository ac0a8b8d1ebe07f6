"""A command in a process of its own, which something befalls at one of its writes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.helpers.desk import OCTOBER, Desk

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it told."""

    code: int
    out: bytes
    err: bytes


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
        started.wait(10)
        struck.set()
        strike(running[0])

    desk.sandbox.fail(kind, write=number, call=call)
    words = [sys.executable, "-m", "xlsync", command, of, "--yes", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        running.append(process)
        started.set()
        out, err = process.communicate(timeout=120)
    assert struck.is_set(), err.decode()
    return Ended(process.returncode, out, err)


def kill_at(desk: Desk, kind: str, number: int, command: str = "apply", of: str = OCTOBER) -> Ended:
    """Kill it before or after its n-th write is committed."""

    def kill(process: Process) -> None:
        process.kill()
        process.wait(10)
        if kind == "call":
            raise ConnectionAbortedError  # so that nothing is committed

    before = len(desk.sandbox.writes)
    ended = strike_at(desk, kind, number, kill, command, of)
    assert ended.code not in {0, 3}
    assert len(desk.sandbox.writes) >= before + number, ended.err  # others may be on their way beside it
    return ended
