"""A real terminal: a pseudo-terminal of some size, and the screen that a person would see in it."""

from __future__ import annotations

import os
import pty
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from termios import TIOCSWINSZ

import pyte

LINES = 200  # more than any command prints: nothing scrolls away


@dataclass(frozen=True)
class Shown:
    """What a command left on the screen, its exit code, and every byte that it sent to the terminal."""

    code: int
    lines: tuple[str, ...]
    sent: str


def run_on_terminal(
    words: Sequence[str], columns: int, environment: Mapping[str, str] | None = None
) -> Shown:
    """Run xlsync on a terminal of so many columns, and look at the screen when it has ended."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update({"TERM": "xterm-256color", **(environment or {})})
        for name in ("COLUMNS", "LINES", "PYTHONUNBUFFERED"):
            os.environ.pop(name, None)
        os.execv(sys.executable, [sys.executable, "-m", "xlsync", *words])  # noqa: S606
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    screen = pyte.Screen(columns, LINES)
    stream = pyte.ByteStream(screen)
    sent = b""
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:  # Linux answers EIO when the other end is closed
            break
        if not more:
            break
        sent += more
        stream.feed(more)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return Shown(os.waitstatus_to_exitcode(status), tuple(lines), sent.decode())
