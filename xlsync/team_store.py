"""The store that a team shares: links, rules and the journal in a PostgreSQL, and one writer at a time.

Values are JSON texts in ASCII, so that no name can hold what PostgreSQL's text cannot. The connection that
holds the lock of the writer is the one that its journal's lines go through: whoever has lost the lock cannot
write a line, and nothing is sent without one.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from xlsync.errors import ConfigError, XlsyncError
from xlsync.settings import StoreSettings

if TYPE_CHECKING:
    import psycopg

FORMAT: Final = 1
_WAIT: Final = 10  # seconds for a connection
_LOCK_WAIT: Final = 3000  # milliseconds for the lock of a writer
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS xlsync_format (format integer PRIMARY KEY);
CREATE TABLE IF NOT EXISTS xlsync_revision (
    environment text, kind text, revision text NOT NULL, PRIMARY KEY (environment, kind));
CREATE TABLE IF NOT EXISTS xlsync_entry (
    environment text, kind text, key text, value text NOT NULL, PRIMARY KEY (environment, kind, key));
CREATE TABLE IF NOT EXISTS xlsync_journal (
    environment text, run text, number integer, line text NOT NULL, PRIMARY KEY (environment, run, number));
"""


class StoreUnreachable(XlsyncError):
    """The team's store does not answer, or refuses this person."""


class TeamStore:
    """One connection to the team's PostgreSQL, for one environment."""

    def __init__(self, settings: StoreSettings, environment: str) -> None:
        """Connect, and make the tables where there are none; raises StoreUnreachable."""
        try:
            import psycopg  # noqa: PLC0415  (an extra: only teams need it)
        except ImportError:
            raise ConfigError(
                "A store for a team is set, and the library for it is not installed.",
                'Install it beside xlsync: pip install "psycopg[binary]"',
            ) from None
        self.environment = environment
        self.place = settings.place
        self._errors = psycopg.Error
        self._lock_errors = psycopg.errors.LockNotAvailable
        try:
            self._connection: psycopg.Connection[Any] = psycopg.connect(
                psycopg.conninfo.make_conninfo(settings.url, password=settings.password or None),
                autocommit=True,
                connect_timeout=_WAIT,
                options="-c statement_timeout=60000 -c client_encoding=UTF8",
            )
        except psycopg.Error as error:
            raise StoreUnreachable(
                f"The team's store at {self.place} cannot be reached: {_first_line(error)}",
                settings.hint,
            ) from None
        try:
            with self.transaction("tables"):
                ((last,),) = self._run("SELECT to_regclass('xlsync_journal')")
                if last is None:  # to ask for tables that are there already takes the right to make some
                    self._run(_TABLES)
                self._run(
                    "INSERT INTO xlsync_format SELECT %s WHERE NOT EXISTS (TABLE xlsync_format)", FORMAT
                )
            self._check_format()
        except BaseException:
            self.close()
            raise

    def _check_format(self) -> None:
        ((version,),) = self._run("SELECT max(format) FROM xlsync_format")
        if version > FORMAT:
            raise XlsyncError(
                f"The team's store at {self.place} was written by a newer xlsync (format {version}; this "
                f"one reads up to {FORMAT}).",
                "Update xlsync.",
            )

    def _run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            cursor = self._connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []
        except self._errors as error:
            raise self._lost(error) from None

    def _lost(self, error: Exception) -> XlsyncError:
        return StoreUnreachable(
            f"The team's store at {self.place} failed: {_first_line(error)}",
            "Look whether it runs and is reached, then try again.",
        )

    @contextmanager
    def transaction(self, what: str) -> Iterator[None]:
        """Run a block as a transaction that only one process at a time can be in."""
        try:
            with self._connection.transaction():
                lock = f"xlsync {self.environment} {what}"
                self._run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", lock)
                yield
        except self._errors as error:
            raise self._lost(error) from None

    @contextmanager
    def one_writer(self) -> Iterator[None]:
        """Hold the team's lock on writing to the environment; raises XlsyncError where somebody else does.

        The lock belongs to the connection: it is released when the connection ends. PostgreSQL notices the
        end of a killed process only after a moment, so the lock is waited for as long.
        """
        name = f"xlsync {self.environment} writer"
        try:
            with self._connection.transaction():
                self._connection.execute(f"SET LOCAL lock_timeout = {_LOCK_WAIT}".encode())
                self._connection.execute(b"SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        except self._lock_errors:
            raise XlsyncError(
                f"Somebody of the team writes to {self.environment} just now; nothing was sent.",
                "Let that run end, then try again.",
            ) from None
        except self._errors as error:
            raise self._lost(error) from None
        try:
            yield
        finally:
            with suppress(StoreUnreachable):  # a lost connection has no lock any more
                self._run("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", name)

    def entries(self, kind: str, what: str) -> TeamEntries:
        """Return the entries of one kind; `what` names them in messages, such as remembered links."""
        return TeamEntries(self, kind, what)

    def read_entries(self, kind: str) -> dict[str, str]:
        """Return the stored JSON texts of one kind, by the JSON text of their key."""
        rows = self._run(
            "SELECT key, value FROM xlsync_entry WHERE environment = %s AND kind = %s", self.environment, kind
        )
        return {str(key): str(value) for key, value in rows}

    def write_entries(self, kind: str, changes: dict[str, str | None]) -> None:
        """Store or delete texts, and name a new revision; within a transaction."""
        where = (self.environment, kind)
        for key, value in changes.items():
            if value is None:
                self._run(
                    "DELETE FROM xlsync_entry WHERE environment = %s AND kind = %s AND key = %s", *where, key
                )
            else:
                self._run(
                    "INSERT INTO xlsync_entry VALUES (%s, %s, %s, %s) "
                    "ON CONFLICT (environment, kind, key) DO UPDATE SET value = excluded.value",
                    *where,
                    key,
                    value,
                )
        self._run(
            "INSERT INTO xlsync_revision VALUES (%s, %s, %s) "
            "ON CONFLICT (environment, kind) DO UPDATE SET revision = excluded.revision",
            *where,
            secrets.token_hex(8),
        )

    def revision(self, kind: str) -> str:
        """Return a text that differs after every change of a kind of entry; empty before the first."""
        rows = self._run(
            "SELECT revision FROM xlsync_revision WHERE environment = %s AND kind = %s",
            self.environment,
            kind,
        )
        return str(rows[0][0]) if rows else ""

    def line_counts(self) -> dict[str, int]:
        """Return the number of stored lines of each run."""
        rows = self._run(
            "SELECT run, count(*) FROM xlsync_journal WHERE environment = %s GROUP BY run", self.environment
        )
        return {str(run): int(count) for run, count in rows}

    def lines(self, run: str) -> list[str]:
        """Return the journal lines of a run, in order."""
        rows = self._run(
            "SELECT line FROM xlsync_journal WHERE environment = %s AND run = %s ORDER BY number",
            self.environment,
            run,
        )
        return [json.loads(line) for (line,) in rows]

    def add_line(self, run: str, number: int, line: str) -> None:
        """Store a line of a run's journal, for good when this returns; one that is there stays as it is."""
        self._run(
            "INSERT INTO xlsync_journal VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            self.environment,
            run,
            number,
            json.dumps(line),
        )

    def close(self) -> None:
        """Close the connection, and with it the writer's lock."""
        self._connection.close()


class TeamEntries:
    """The entries of one kind in the team's store; a transaction reads them once, and writes at its end."""

    def __init__(self, team: TeamStore, kind: str, what: str) -> None:
        self._team = team
        self._kind = kind
        self._what = what
        self._inside: dict[str, str] | None = None
        self._changes: dict[str, str | None] = {}

    @property
    def revision(self) -> str:
        """A text that differs after every change; empty before the first."""
        return self._team.revision(self._kind)

    def _texts(self) -> dict[str, str]:
        return self._team.read_entries(self._kind) if self._inside is None else self._inside

    def get(self, key: str) -> Any:
        """Return the value under a key; None where there is none."""
        text = self._texts().get(json.dumps(key))
        return None if text is None else self._parse(text)

    def items(self) -> list[tuple[str, Any]]:
        """Return all entries, ordered by key."""
        return sorted(
            ((self._parse(key), self._parse(text)) for key, text in self._texts().items()),
            key=lambda item: str(item[0]),
        )

    def _parse(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self.damaged("an entry is not JSON") from error

    def set(self, key: str, value: Any) -> None:
        """Store a value under a key, within `writing`."""
        if self._inside is None:
            raise ValueError("entries are written within a transaction")
        name = json.dumps(key)
        self._inside[name] = self._changes[name] = json.dumps(value, allow_nan=False, separators=(",", ":"))

    def delete(self, key: str) -> bool:
        """Delete an entry, within `writing`; returns whether there was one."""
        if self._inside is None:
            raise ValueError("entries are written within a transaction")
        name = json.dumps(key)
        was_there = self._inside.pop(name, None) is not None
        if was_there:
            self._changes[name] = None
        return was_there

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Run a block as a transaction; other people of the team wait for its end."""
        with self._team.transaction(self._kind):
            self._changes = {}
            self._inside = self._team.read_entries(self._kind)
            try:
                yield
                if self._changes:
                    self._team.write_entries(self._kind, self._changes)
            finally:
                self._inside = None

    def damaged(self, what: str) -> XlsyncError:
        """Make the error that names this store, what is wrong with it (`what`), and how to mend it."""
        return XlsyncError(
            f"The {self._what} in the team's store at {self._team.place} are damaged: {what}.",
            "Restore the database from a backup.",
        )

    def close(self) -> None:
        """Do nothing: the connection belongs to the team's store."""


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
