"""Links to remember, and readers of their stores."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sqlite3
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings

from xlsync.links.exchange import read_csv
from xlsync.links.memory import Memory, RememberedLink
from xlsync.links.store import Imported, Links

OCTOBER = dt.datetime(2026, 11, 2, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))
SITE = "https://api-eu.myconnectwise.net example"


def remember(links: Links, memory: Memory, when: dt.datetime = OCTOBER, workbook: str = "a.xlsx") -> int:
    return links.remember(lambda _: memory, when=when, workbook=workbook)


def tamper(folder: Path, sql: str, *values: object) -> list[Any]:
    """Do to a store's file what someone else's program may do."""
    with contextlib.closing(sqlite3.connect(folder / "cache.db", isolation_level=None)) as database:
        return database.execute(sql, values).fetchall()


def take_in(links: Links, path: Path, *, overwrite: bool = False) -> Imported[RememberedLink]:
    return links.import_from(read_csv(path, SITE).links, overwrite=overwrite)


SLOW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FULL_DISK = "CREATE TRIGGER full BEFORE INSERT ON Cache BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.abort, ()
