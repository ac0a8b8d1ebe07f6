"""A real terminal: a pseudo-terminal of some size, and the screen that a person would see in it."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import pyte

from tests.helpers.copies import copies
from tests.helpers.process import Process

LONG = 10  # seconds in which a command says something to a text that was typed
SOON = 2  # seconds in which it ends after Ctrl-C or Ctrl-D
LINES = 200  # more than any command prints: nothing scrolls away


@dataclass(frozen=True)
class Shown:
    """What a command left on the screen, its exit code, and every byte that it sent to the terminal."""

    code: int
    lines: tuple[str, ...]
    sent: str


def run_on_terminal(
    words: Sequence[str],
    columns: int,
    environment: Mapping[str, str] | None = None,
    answers: Sequence[tuple[str, bytes]] = (),
) -> Shown:
    """Run xlsync on a terminal of so many columns, and look at the screen when it has ended.

    `answers` are questions in the order in which they are asked, and what is typed when each has been. A key
    that comes while Python begins to wait for it may be lost (a signal just before its `read`): where nothing
    comes of it for long, it is typed once more, as a person does.
    """
    to_answer, answered, unheard = list(answers), 0, b""
    person, terminal = os.openpty()
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    not_here = ("COLUMNS", "LINES", "PYTHONUNBUFFERED")
    environ = {name: value for name, value in os.environ.items() if name not in not_here}
    environ |= {"TERM": "xterm-256color", **(environment or {})}
    running = _begin(words, environ, terminal)
    os.close(terminal)
    screen = pyte.Screen(columns, LINES)
    stream = pyte.ByteStream(screen)
    sent = b""
    while True:
        if unheard and not select.select([person], [], [], SOON if unheard < b" " else LONG)[0]:
            os.write(person, unheard)
            unheard = b""
        more = _read(person)
        if not more:
            break
        sent += more
        stream.feed(more)
        if to_answer and to_answer[0][0].encode() in sent[answered:]:
            answered = len(sent)
            unheard = to_answer.pop(0)[1]
            os.write(person, unheard)
    os.close(person)
    code = running.wait(timeout=600)
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return Shown(code, tuple(lines), sent.decode())


def _read(person: int) -> bytes:
    """Return what came to the terminal; nothing once its other end is closed and all that came was read.

    Linux answers EIO then, and may do so a moment before it hands over what was written just before the end.
    """
    for _ in range(2):
        with suppress(OSError):
            return os.read(person, 65536)
    return b""


def _begin(words: Sequence[str], environ: Mapping[str, str], terminal: int) -> Process:
    if sys.platform == "linux":
        return copies().begin(environ, Path.cwd(), *words, terminal=os.ttyname(terminal))
    program = [sys.executable, "-m", "xlsync", *words]
    return subprocess.Popen(
        program, env=environ, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
