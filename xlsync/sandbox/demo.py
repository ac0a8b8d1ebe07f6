"""The demo: the sandbox for one command, with all that is kept in a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from xlsync.config import Settings, load_settings
from xlsync.errors import XlsyncError
from xlsync.sandbox.server import Sandbox


def environment() -> str:
    """The demo's environment: one name, whatever port it gets."""
    return "sandbox"


def demo_home(home: Path) -> Path:
    """Where the demo keeps its state, links, journal and caches: delete it to begin anew."""
    return home / "demo"


@contextmanager
def demo_settings(home: Path) -> Iterator[Settings]:
    """Serve the sandbox with its kept state, and the settings that use it."""
    folder = demo_home(home)
    with ExitStack() as stack:
        try:
            sandbox = stack.enter_context(Sandbox(state=folder / "sandbox"))
        except OSError as error:
            raise XlsyncError(
                f"The demo cannot begin: its state is kept in {folder} ({error.strerror or error}).",
                "Set XLSYNC_HOME to a folder that can be written.",
            ) from error
        environ = {**os.environ, **sandbox.environ, "XLSYNC_HOME": str(folder)}
        yield load_settings(bss=True, connectwise=True, environ=environ, environment=environment())
