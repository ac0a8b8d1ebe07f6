"""One writer at a time: the locks of this machine on writing to an environment."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import platformdirs

from xlsync.apply.journal import unwritable
from xlsync.apply.runs import journal_folder
from xlsync.errors import XlsyncError

SHARED_PLACES = (  # of a machine, for all its users; the first that all of them can write to is taken
    *(("/Users/Shared",) if sys.platform == "darwin" else ("/run/lock", "/var/lock")),
    "/tmp",  # noqa: S108 - a fixed place is what is wanted
)


@contextmanager
def one_writer(home: Path, environment: str) -> Iterator[None]:
    """Hold this machine's lock on writing to an environment; raises XlsyncError while another process does.

    Two runs at once could both create a record that neither found. There is a lock beside the
    journal, and one for all users of the machine, whatever name they give to the loopback.
    The demo, an environment without a host, lies in one home: its journal's lock is enough.
    """
    folder = journal_folder(home, environment)
    with _lock(folder, "writing.lock", environment), _lock_of_machine(environment):
        yield


@contextmanager
def _lock_of_machine(environment: str) -> Iterator[None]:
    """Hold the lock that all users of this machine share."""
    host, slash, company = environment.partition("/")
    if not slash:
        yield
        return
    name, colon, port = host.rpartition(":") if host.rpartition(":")[2].isdecimal() else (host, "", "")
    is_loopback = name.startswith("127.") or name in {"localhost", "[::1]"}
    place = f"{'loopback' if is_loopback else name}{colon}{port}/{company}"
    folder = machine_folder() / "xlsync-locks"
    with suppress(OSError):  # the folder of another user cannot be changed, and need not be
        folder.mkdir(exist_ok=True, parents=True)
        open_to_all_users(folder)
    file = f"{hashlib.sha256(place.encode()).hexdigest()[:24]}.lock"
    with _lock(folder, file, environment):
        with suppress(OSError):
            (folder / file).chmod(0o666)
        yield


def open_to_all_users(folder: Path, system: str = sys.platform) -> None:
    """Let all users of this machine write the files of a folder; raises OSError where that is refused.

    On Windows what one user puts into the machine's folder of programs' data, others may only read.
    """
    if system == "win32":
        # The group of all users, in any language: modify, and what is in it.
        users = "*S-1-5-32-545:(OI)(CI)M"
        subprocess.run(["icacls", str(folder), "/grant", users], capture_output=True, check=False)  # noqa: S603, S607
    else:
        folder.chmod(0o1777)


def machine_folder() -> Path:
    """Return the folder that all users of this machine can write to, wherever their own folders lie.

    Containers, and machines that share a folder, are machines of their own here: across them the store that
    a team shares holds the lock, or a folder that all of them see and that `XLSYNC_LOCKS` names. Only where
    no folder is open to all users, the one for temporary files is returned.
    """
    if given := os.environ.get("XLSYNC_LOCKS", ""):
        return Path(given)
    if sys.platform == "win32":
        return platformdirs.site_data_path(appname=None)
    for place in map(Path, SHARED_PLACES):
        if place.is_dir() and place.stat().st_mode & stat.S_IWOTH:
            return place
    return Path(tempfile.gettempdir())


@contextmanager
def _lock(folder: Path, name: str, environment: str) -> Iterator[None]:
    """Hold a lock of SQLite's, which every system releases when the process ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = sqlite3.connect(folder / name, timeout=0, isolation_level=None)
    except (OSError, sqlite3.OperationalError) as error:
        raise unwritable(folder, error) from error
    with closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                raise unwritable(folder, error) from error
            raise XlsyncError(
                f"Another run writes to {environment} just now, or waits for its answer; nothing was sent.",
                "Let it end, then try again.",
            ) from None
        yield
