"""JSON stored on disk under keys, through diskcache: the opening of a store, and a cache.

diskcache reads entries marked as pickle by running them (CVE-2025-69872). Here nothing is ever
pickled or unpickled: such an entry was put there by someone else.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final, Self

import diskcache
from diskcache.core import DBNAME, DEFAULT_SETTINGS, METADATA, MODE_RAW, MODE_TEXT

from xlsync.errors import XlsyncError
from xlsync.plain_json import from_json

CACHE_SIZE: Final = 512 * 2**20
_TIME_OUT: Final = 60  # seconds to wait for another command that writes
_LAST_MADE: Final = "Settings_size_delete"  # the trigger with which diskcache ends making a file
UNWRITTEN: Final = (sqlite3.Error, OSError, diskcache.Timeout)  # raised where a store cannot be written


class NotJsonError(XlsyncError):
    """An entry of a store that is not JSON: damaged, or put there by another program."""


class JsonDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no types
    """Keys and values as JSON text; whatever else stands in the file is refused, never run."""

    def put(self, key: object) -> tuple[str, bool]:
        """Return the form in which a key is stored."""
        if not isinstance(key, str):
            raise TypeError(f"a key is text, not {type(key).__name__}")
        return json.dumps(key), True

    def get(self, key: object, raw: object) -> str:
        """Return the key that was stored."""
        stored = _parse(key) if raw else None
        if not isinstance(stored, str):
            raise NotJsonError("a key of the store is not text")
        return stored

    def store(self, value: object, read: bool, key: object = diskcache.UNKNOWN) -> Any:
        """Return the form in which a value is stored."""
        if read:
            raise TypeError("only JSON values are kept, not files")
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
        return super().store(text, False, key=key)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> Any:
        """Return the value that was stored."""
        if read or mode not in (MODE_RAW, MODE_TEXT):
            raise NotJsonError("an entry of the store is not JSON text")
        try:
            return _parse(super().fetch(mode, filename, value, False))
        except UnicodeDecodeError as error:
            raise NotJsonError("an entry of the store is not text") from error


def _parse(text: object) -> Any:
    if not isinstance(text, str):
        raise NotJsonError("an entry of the store is not text")
    try:
        return from_json(text)
    except (ValueError, RecursionError) as error:
        raise NotJsonError("an entry of the store is not JSON") from error


class _JsonCache(diskcache.Cache):  # type: ignore[misc]  # diskcache has no types
    """A diskcache of JSON that opens a file which has these settings already by reading alone.

    diskcache itself writes all settings at every opening, in some thirty commits.
    """

    def __init__(self, folder: Path, **settings: object) -> None:
        if not self._open_as_it_is(folder, settings):
            super().__init__(folder, disk=JsonDisk, **settings)

    def _open_as_it_is(self, folder: Path, settings: Mapping[str, object]) -> bool:
        """Open a file that is complete and has all these settings; returns whether it is one."""
        self._directory = os.path.expandvars(folder.expanduser())  # as diskcache names it
        if not Path(self._directory, DBNAME).exists():
            return False
        self._timeout, self._txn_id, self._local = _TIME_OUT, None, threading.local()
        try:
            is_whole = self._sql("SELECT 1 FROM sqlite_master WHERE name = ?", (_LAST_MADE,)).fetchone()
            stored = dict(self._sql("SELECT key, value FROM Settings").fetchall())
            ((self._page_size,),) = self._sql("PRAGMA page_size").fetchall()
        except sqlite3.OperationalError:
            is_whole, stored = None, {}
        known = DEFAULT_SETTINGS.keys() | METADATA.keys()
        if not is_whole or known - stored.keys() or any(stored[key] != settings[key] for key in settings):
            self.close()
            return False
        for key in known:
            setattr(self, key, stored[key])
        of_disk = {key.removeprefix("disk_"): stored[key] for key in known if key.startswith("disk_")}
        self._disk = JsonDisk(self._directory, **of_disk)
        return True


def open_store(folder: Path, **settings: object) -> Any:
    """Open the diskcache of JSON in a folder, created where missing, that only its owner may enter.

    Raises sqlite3.DatabaseError where the file is damaged.
    """
    store = _JsonCache.__new__(_JsonCache)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _keep_to_owner(folder, stat.S_IRWXU)
        # A constructor that fails half-way leaves the file open, and Windows then cannot remove it.
        with contextlib.ExitStack() as half_way:
            half_way.callback(_close, store)
            store.__init__(folder, **settings)  # type: ignore[misc]
            half_way.pop_all()
        _keep_to_owner(folder / DBNAME, stat.S_IRUSR | stat.S_IWUSR)
    except (OSError, sqlite3.OperationalError) as error:
        raise XlsyncError(
            f"The folder {folder} cannot be used: {error}.",
            "Make it writable, or set XLSYNC_HOME to a folder that is.",
        ) from error
    return store


def _close(store: Any) -> None:
    if hasattr(store, "_local"):
        store.close()


def why_unwritten(error: Exception) -> str:
    """Return in words why a store cannot be written; diskcache itself does not say it."""
    if isinstance(error, diskcache.Timeout):
        return f"it may only be read, or another command has been writing to it for {_TIME_OUT} seconds"
    return str(error)


def _keep_to_owner(path: Path, mode: int) -> None:
    # Some file systems know no owners.
    with contextlib.suppress(OSError):
        path.chmod(mode)


class Closes(ABC):
    """A store that a `with` block closes."""

    @abstractmethod
    def close(self) -> None:
        """Close the store."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Cache(Closes, MutableMapping[str, Any]):
    """A cache of JSON values: lists for dropdowns, billing plans.

    An entry that cannot be read, for whatever reason, counts as missing. Values come back as JSON gives them:
    tuples as lists, number keys as text.
    """

    def __init__(self, folder: Path, size_limit: int = CACHE_SIZE) -> None:
        self._folder = folder
        # Two entries are culled at a time: diskcache's ten would remove a large new list with the old ones.
        settings = {
            "size_limit": size_limit,
            "eviction_policy": "least-recently-stored",
            "cull_limit": 2,
        }
        try:
            self._store = open_store(folder, **settings)
        except sqlite3.DatabaseError:
            try:
                shutil.rmtree(folder)
            except OSError as error:  # on Windows, another command that has it open
                raise XlsyncError(
                    f"The cache in {folder} is damaged and cannot be removed: {error}.",
                    "Let other commands end, or delete the folder, and try again.",
                ) from error
            self._store = open_store(folder, **settings)

    def __getitem__(self, key: str) -> Any:
        try:
            return self._store[key]
        except (NotJsonError, sqlite3.DatabaseError) as error:
            raise KeyError(key) from error

    def __setitem__(self, key: str, value: Any) -> None:
        # A full disk, or a folder that may only be read, stops nobody: what is not kept is fetched again.
        with contextlib.suppress(*UNWRITTEN):
            self._store.set(key, value)

    def __delitem__(self, key: str) -> None:
        try:
            self._store.__delitem__(key, retry=False)
        except UNWRITTEN as error:
            raise XlsyncError(
                f"The cache in {self._folder} cannot be written: {why_unwritten(error)}.",
                "Let other commands end, or delete the folder, and try again.",
            ) from error

    def __iter__(self) -> Iterator[str]:
        try:
            yield from self._store.iterkeys()
        except NotJsonError:
            with contextlib.suppress(*UNWRITTEN):
                self._store.clear()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def close(self) -> None:
        """Close the file for this thread; each thread has a connection of its own."""
        self._store.close()
