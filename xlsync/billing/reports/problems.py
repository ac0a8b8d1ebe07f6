"""All problems of a report in one message, with the lines that would answer them in the settings. PURE."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from xlsync.amounts import counted
from xlsync.errors import ReportError

MOST_PROBLEMS: Final = 20


@dataclass
class Problems:
    """The problems of one file in the order of its rows, and the settings that would answer them."""

    found: list[tuple[str, int, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    types: dict[str, None] = field(default_factory=dict)
    ignore: dict[str, None] = field(default_factory=dict)
    asks_for_order: bool = False

    def add(self, where: str, row: int, what: str) -> None:
        """Remember what is wrong with a row of a sheet; row 0 is the table as a whole."""
        self.found.append((where, row, what))

    def settings(self) -> str:
        """The lines for `xlsync.toml`, ready to paste; empty where no setting would help."""
        lines = []
        if self.ignore or self.asks_for_order:
            lines.append("[report]")
            if self.asks_for_order:
                lines.append('dates = "day-first"  # or "month-first"')
            if self.ignore:
                lines.append(f"ignore = [{', '.join(map(quoted, self.ignore))}]")
        if self.headers:
            lines.append("[report.headers]")
            lines.extend(f"{quoted(name)} = [{quoted(header)}]" for name, header in self.headers.items())
        if self.types:
            lines.append("[report.types]")
            words = ", ".join(map(quoted, self.types))
            lines.append(f"Recurring = [{words}]  # or Credit, Usage, One-time: each word under its own kind")
        return "\n  ".join(lines)


def quoted(text: str) -> str:
    """A text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False)


def refuse(problems: Sequence[tuple[str, Problems]]) -> None:
    """Raise ReportError with the problems of all files, if there are any."""
    parts, settings = [], []
    places: list[tuple[str, str]] = []
    for name, own in problems:
        if not own.found:
            continue
        told = [_tell(where, row, what) for where, row, what in sorted(own.found, key=lambda p: (p[0], p[1]))]
        places.extend((name, one) for one in told)
        shown = told[:MOST_PROBLEMS]
        if len(told) > len(shown):
            shown.append(f"and {len(told) - len(shown)} more")
        parts.append(f"{name} has {counted(len(told), 'problem')}:\n  " + "\n  ".join(shown))
        settings.append(own.settings())
    if parts:
        wanted = "\n  ".join(dict.fromkeys(filter(None, settings)))
        hint = "Mend the file, then try again."
        if wanted:
            hint = (
                f"Mend the file, or, where it is right, put what holds of this into xlsync.toml:\n  {wanted}"
            )
        raise ReportError("\n".join(parts), hint, places)


def _tell(where: str, row: int, what: str) -> str:
    place = ", ".join(filter(None, (where, f"row {row}" if row else "")))
    separator = "" if what.startswith(",") else ": "
    return f"{place}{separator}{what}" if place else what


def rows_text(rows: Iterable[int]) -> str:
    """Some row numbers: `row 4`, `rows 4, 7 and 3 more`."""
    all_rows = list(rows)
    if len(all_rows) == 1:
        return f"row {all_rows[0]}"
    shown = ", ".join(map(str, all_rows[:5]))
    more = f" and {len(all_rows) - 5} more" if len(all_rows) > 5 else ""
    return f"rows {shown}{more}"
