"""The lasting JSON entries of an environment: on this machine, or in a store that a team shares."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

from diskcache.core import DBNAME

from xlsync.errors import XlsyncError
from xlsync.store.cache import UNWRITTEN, Closes, NotJsonError, open_store, why_unwritten

FORMAT: Final = 1  # the format number of a lasting store
_HEADER: Final = "format"
_NORMAL: Final = 1  # SQLite's synchronous: the last commits may be lost with the power
_FULL: Final = 2  # a commit has reached the disk when it returns
_MADE: Final = "made"  # the name of a file that says that the store beside it was made completely
_INLINE: Final = 2**31 - 1  # bytes below which a value stands in the database itself, inside its transaction


def _size_of(file: Path) -> int:
    """Return the size of a file in bytes; 0 where there is none, or it may not be looked at."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _when(entry: Any) -> dt.datetime:
    """Return the time at which an entry was written; an entry without one counts as the oldest."""
    text = entry.get("when", "") if isinstance(entry, dict) else ""
    try:
        when = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return dt.datetime.min.replace(tzinfo=dt.UTC)
    return when if when.tzinfo else when.replace(tzinfo=dt.UTC)


def environment_folder(environment: str) -> str:
    """Return the name of an environment's folder: readable, with a digest that no other environment has."""
    readable = re.sub(r"[^a-z0-9]+", "-", environment.casefold()).strip("-")[:40]
    digest = hashlib.sha256(environment.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{readable or 'environment'}-{digest}"


class Store(Protocol):
    """The lasting JSON entries of one environment, on this machine or on a server."""

    def get(self, key: str) -> Any:
        """Return the value under a key; None where there is none."""

    def items(self) -> list[tuple[str, Any]]:
        """Return all entries, ordered by key."""

    def set(self, key: str, value: Any) -> None:
        """Store a value under a key."""

    def delete(self, key: str) -> bool:
        """Delete an entry; returns whether there was one."""

    def writing(self) -> contextlib.AbstractContextManager[None]:
        """Run a block as a transaction: everything written in it is kept, or nothing."""

    @property
    def revision(self) -> str:
        """A text that differs after every change; empty before the first."""

    def damaged(self, what: str) -> XlsyncError:
        """Make the error that names this store, what is wrong with it (`what`), and how to mend it."""

    def close(self) -> None:
        """Close the file or the connection."""


class EnvironmentStore(Closes):
    """The lasting entries of one environment: in a folder of this machine, or in a store that a team shares.

    `kind` names the entries in a shared store, `suffix` ends the name of the folder, and `what` names the
    entries for people.
    """

    kind: ClassVar[str]
    suffix: ClassVar[str]
    what: ClassVar[str]

    def __init__(self, folder: Path, environment: str, shared: Store | None = None) -> None:
        """Open the entries of this machine in a folder, or those of a shared store."""
        self.folder = self.folder_in(folder, environment)
        self._store = shared or FileStore(self.folder, environment, self.what)

    @classmethod
    def folder_in(cls, folder: Path, environment: str) -> Path:
        """Return the folder of these entries on this machine."""
        return folder / f"{environment_folder(environment)}{cls.suffix}"

    def try_writing(self) -> None:
        """Raise XlsyncError where a store of this machine cannot be written; the journal tries a team's."""
        if isinstance(self._store, FileStore):
            self._store.try_writing()

    def close(self) -> None:
        """Close the store."""
        self._store.close()


Merge = Callable[[Any, Any], Any]  # one entry of the newer and the older copy


def keep_newer(newer: Any, _older: Any) -> Any:
    """Keep the copy of an entry that was written last."""
    return newer


def _send_entry(shared: Store, key: str, mine: Any, merge: Merge, *, is_first: bool) -> None:
    """Bring an entry of this machine into a shared store; None deletes it there.

    The first time (`is_first`), what the shared store holds counts as newer.
    """
    other = shared.get(key)
    if mine is None:
        shared.delete(key)
    elif other is None:
        shared.set(key, mine)
    else:
        is_newer = not is_first and _when(mine) > _when(other)
        newer, older = (mine, other) if is_newer else (other, mine)
        merged = merge(newer, older)
        if merged != other:
            shared.set(key, merged)


class FileStore:
    """Lasting entries in a folder of this machine, with full synchronous writes and without eviction."""

    def __init__(self, folder: Path, environment: str, what: str) -> None:
        """Open an environment's store; `what` names the entries in messages, such as remembered links."""
        self.folder = folder
        self.environment = environment
        self._what = what
        self._changed: set[str] = set()
        self._is_copying = False  # True while the entries of a shared store are copied here
        self._refuse_lost()
        try:
            self._cache = open_store(
                folder,
                eviction_policy="none",
                cull_limit=0,
                sqlite_synchronous=_NORMAL,
                disk_min_file_size=_INLINE,
            )
        except sqlite3.DatabaseError as error:
            raise self.damaged("the file cannot be opened") from error
        try:
            self._check_format()
            self._note_made()
        except BaseException:
            self.close()
            raise

    def _refuse_lost(self) -> None:
        """Raise XlsyncError where the file was made once and is empty or gone: SQLite would begin it anew.

        A file that another command makes at this moment is empty too, but was not made before.
        """
        file = self.folder / DBNAME
        was_made = os.path.exists(self.folder / _MADE)  # noqa: PTH110 - False where it may not be looked at
        if was_made and not _size_of(file):  # in this order: another command may make both in between
            raise self.damaged(f"{DBNAME} is {'empty' if file.exists() else 'missing'}")

    def _note_made(self) -> None:
        """Note beside the file that it was made, so that its loss is seen."""
        made = self.folder / _MADE
        if not made.exists() and _size_of(self.folder / DBNAME):
            with contextlib.suppress(OSError):  # a folder that may only be read
                made.write_text(f"{DBNAME} beside this file holds {self._what}.\n", encoding="utf-8")

    def _check_format(self) -> None:
        header = self.get(_HEADER)
        if header is None:
            header = {"format": FORMAT, "environment": self.environment}
            with self.writing():
                self._cache.set(_HEADER, header)
        version = header.get("format") if isinstance(header, dict) else None
        if not isinstance(version, int):
            raise self.damaged("it does not say its format")
        if version > FORMAT:
            raise XlsyncError(
                f"The {self._what} in {self.folder} were written by a newer xlsync (format {version}; "
                f"this one reads up to {FORMAT}).",
                "Update xlsync.",
            )
        if header.get("environment", self.environment) != self.environment:
            raise XlsyncError(
                f"The {self._what} in {self.folder} belong to {header['environment']}, "
                f"not to {self.environment}.",
                "Move the folder back to where it came from.",
            )

    @property
    def revision(self) -> str:
        """A text that differs after every change; empty before the first."""
        return str(self.get(_HEADER).get("revision", ""))

    def exchange(self, shared: Store, place: str, merge: Merge = keep_newer) -> None:
        """Send the entries written here by commands without the shared store, then copy its entries here.

        What another command writes here meanwhile is left as it is, and sent the next time. Of an entry that
        both changed, `merge` makes one; the newer copy is the one written last, by its `when`. The first
        time, all entries of this machine are sent, and what the shared store holds counts as newer.
        """
        header = self.get(_HEADER)
        is_first = header.get("shared_at") != place
        mine = dict(self.items())
        unsent = list(mine) if is_first else [str(key) for key in header.get("unsent", [])]
        if unsent:
            with shared.writing():
                for key in unsent:
                    try:
                        _send_entry(shared, key, mine.get(key), merge, is_first=is_first)
                    except (TypeError, ValueError, KeyError, AttributeError) as error:
                        raise self.damaged(f"the entry {key} cannot be merged with the team's") from error
        there = dict(shared.items())
        if there == mine and not unsent and not is_first:
            return
        self._is_copying = True
        try:
            with self.writing():
                self._copy(there, mine, unsent, place)
        finally:
            self._is_copying = False

    def _copy(
        self, there: Mapping[str, Any], mine: Mapping[str, Any], unsent: Collection[str], place: str
    ) -> None:
        """Copy a shared store's entries here, but for those that another command changed since `mine`."""
        header, now = self.get(_HEADER), dict(self.items())
        changed = {key for key in now.keys() | mine.keys() if now.get(key) != mine.get(key)}
        for key in mine.keys() - there.keys() - changed:
            self.delete(key)
        for key in there.keys() - changed:
            if mine.get(key) != there[key]:
                self.set(key, there[key])
        marked = header.get("unsent", []) if header.get("shared_at") == place else changed
        left = sorted(key for key in marked if key in changed or key not in unsent)
        self._cache.set(_HEADER, {**header, "shared_at": place, "unsent": left})

    def get(self, key: str) -> Any:
        """Return the value under a key; None where there is none."""
        try:
            return self._cache.get(key)
        except (NotJsonError, sqlite3.DatabaseError) as error:
            raise self.damaged(f"the entry {key} cannot be read") from error

    def items(self) -> list[tuple[str, Any]]:
        """Return all entries, ordered by key."""
        disk = self._cache.disk
        try:
            # One statement in place of one an entry, for which diskcache has no call of its own.
            rows = self._cache._sql("SELECT key, raw, mode, filename, value FROM Cache").fetchall()  # noqa: SLF001
            entries = {disk.get(key, raw): (mode, file, value) for key, raw, mode, file, value in rows}
        except (NotJsonError, sqlite3.DatabaseError) as error:
            raise self.damaged("an entry cannot be read") from error
        return [(key, self._fetch(key, *entries[key])) for key in sorted(entries) if key != _HEADER]

    def _fetch(self, key: str, mode: int, file: str | None, value: object) -> Any:
        try:
            return self._cache.disk.fetch(mode, file, value, False)
        except (NotJsonError, OSError) as error:
            raise self.damaged(f"the entry {key} cannot be read") from error

    def set(self, key: str, value: Any) -> None:
        """Store a value under a key, within `writing`."""
        self._cache.set(key, value)
        self._changed.add(key)

    def delete(self, key: str) -> bool:
        """Delete an entry, within `writing`; returns whether there was one."""
        was_there = bool(self._cache.delete(key))
        if was_there:
            self._changed.add(key)
        return was_there

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Run a block as a transaction: everything written in it is kept, or nothing."""
        self._changed = set()
        try:
            # diskcache opens a store with some thirty commits; only these here have to reach the disk.
            self._cache.reset("sqlite_synchronous", _FULL, update=False)
            with self._cache.transact():
                yield
                if self._changed:
                    header = {**self.get(_HEADER), "revision": secrets.token_hex(8)}
                    if "shared_at" in header and not self._is_copying:
                        header["unsent"] = sorted({*header.get("unsent", []), *self._changed})
                    self._cache.set(_HEADER, header)
        except UNWRITTEN as error:
            raise XlsyncError(
                f"The {self._what} in {self.folder} cannot be written: {why_unwritten(error)}.",
                "Nothing was changed. Look whether the disk is full or the folder cannot be written.",
            ) from error

    def try_writing(self) -> None:
        """Write the header as it is; raises XlsyncError where the store cannot be written."""
        with self.writing():
            self._cache.set(_HEADER, self.get(_HEADER))

    def damaged(self, what: str) -> XlsyncError:
        """Make the error that names this store, what is wrong with it (`what`), and how to mend it."""
        return XlsyncError(
            f"The {self._what} in {self.folder} are damaged: {what}.",
            "Restore the folder from a backup, or move it away: xlsync begins it anew, and "
            "`xlsync links import` brings back links that were exported.",
        )

    def close(self) -> None:
        """Close the file."""
        self._cache.close()
