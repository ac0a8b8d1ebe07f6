"""The demo: a sandbox served for one command, with its own folder for everything stored."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from xlsync.config import load_settings
from xlsync.errors import XlsyncError
from xlsync.sandbox.server import Sandbox
from xlsync.sandbox.state import DamagedLog
from xlsync.settings import Settings


def environment() -> str:
    """Return the name of the demo's environment, which does not depend on its port."""
    return "sandbox"


def demo_home(home: Path) -> Path:
    """Return the folder of the demo's state, links, journal and caches; deleting it starts afresh."""
    return home / "demo"


def kept_settings(home: Path) -> Settings:
    """Return the settings of commands that look at what the demo keeps, without the sandbox's servers."""
    return Settings(home=demo_home(home), environment=environment())


@contextmanager
def demo_settings(home: Path, patience: float = 10) -> Iterator[Settings]:
    """Serve the sandbox with its stored state, and yield the settings that use it.

    Each command serves a sandbox of its own from the one state: a second command waits so many seconds
    for the first, since neither would see what the other writes.
    """
    folder = demo_home(home)
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_alone(folder / "in-use.db", patience))
            sandbox = stack.enter_context(Sandbox(state=folder / "sandbox", with_november=True))
        except (DamagedLog, OSError) as error:
            why = error.strerror or error if isinstance(error, OSError) else error
            raise XlsyncError(
                f"The demo cannot begin: its state is kept in {folder} ({why}).",
                f"Delete {folder} to begin anew, or set XLSYNC_HOME to a folder that can be written.",
            ) from error
        environ = {**os.environ, **sandbox.environ, "XLSYNC_HOME": str(folder)}
        yield load_settings(bss=True, connectwise=True, environ=environ, environment=environment())


@contextmanager
def _alone(path: Path, patience: float) -> Iterator[None]:
    """Hold a lock against other commands: SQLite's, which the system releases when a process dies."""
    try:
        lock = sqlite3.connect(path, timeout=patience, isolation_level=None)
    except sqlite3.Error as error:
        raise OSError(str(error)) from error
    with closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise OSError(str(error)) from error
            raise XlsyncError(
                f"Another command is using the demo ({path.parent}).",
                "Wait until it has ended, or set XLSYNC_HOME to another folder.",
            ) from error
        yield
