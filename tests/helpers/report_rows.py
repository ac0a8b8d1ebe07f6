"""Reports of October written row by row, as they are read or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from xlsync.billing.reports.reading import ReportsRead, read_reports
from xlsync.errors import ReportError
from xlsync.models import Month
from xlsync.settings import ReportSettings


def read(path: Path, *rows: str) -> ReportsRead:
    """Write a report of these rows, and read it."""
    path.write_text("\n".join(rows), encoding="utf-8")
    return read_reports([path], Month(2026, 10), ReportSettings())


def refused(path: Path, *rows: str) -> ReportError:
    """Write a report of these rows, which must be refused."""
    with pytest.raises(ReportError) as caught:
        read(path, *rows)
    return caught.value


def doubts_of(read: ReportsRead) -> list[str]:
    """What hinders the all clear in the tables that were read, in their order."""
    return [doubt for table in read.tables for doubt in table.doubts]
