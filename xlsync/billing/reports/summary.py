"""The summary of a report for people and programs: columns read and not read, rows left out. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from xlsync.amounts import counted


def table_name(file: str, sheet: str) -> str:
    """Name a table by its file and, in a workbook, its sheet."""
    return f"{file}, sheet {sheet}" if sheet else file


class TableRead(Struct, frozen=True, kw_only=True):
    """The summary of one table of a report as it was read.

    `totals` are the sums of money that the table itself states, by the currency of its lines; None where
    it states none. `other_months` counts rows that charge for the month and are invoiced in another.
    `doubts` are sentences, each a reason why the month is not all clear.
    """

    file: str
    sheet: str = ""
    layout: str = ""
    lines: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    unread: Sequence[str] = ()
    notices: Sequence[str] = ()
    totals: Mapping[str, Decimal | None] = field(default_factory=dict)
    other_months: int = 0
    doubts: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the summary as a JSON object."""
        return {
            "file": self.file,
            "sheet": self.sheet,
            "layout": self.layout,
            "lines": self.lines,
            "left_out": dict(self.left_out),
            "columns": dict(self.columns),
            "unread": list(self.unread),
        }

    @property
    def name(self) -> str:
        """The file, with the sheet of a workbook."""
        return table_name(self.file, self.sheet)

    def tell(self) -> list[str]:
        """Return the summary in sentences."""
        sentences = []
        if self.columns:
            layout = f", read as: {self.layout}" if self.layout else ""
            read = ", ".join(
                header if header.casefold() == meaning.casefold() else f"{header} as {meaning}"
                for header, meaning in self.columns.items()
            )
            sentences.append(f"{self.name}: {counted(self.lines, 'line')}{layout}. Columns read: {read}.")
        if self.unread:
            sentences.append(f"{self.name}: columns not read: {', '.join(self.unread)}.")
        if self.left_out:
            reasons = ", ".join(
                f"{reason} ({counted(rows, 'row')})" for reason, rows in self.left_out.items()
            )
            sentences.append(f"{self.name}: left out: {reasons}.")
        return [*sentences, *(f"{self.name}: {notice}" for notice in self.notices), *self.doubts]
