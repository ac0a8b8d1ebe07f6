"""Problems of reports in one message, with the settings that would resolve them. PURE."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from xlsync.amounts import counted, shortened
from xlsync.errors import ReportError

MOST_PROBLEMS: Final = 20
_REPEAT: Final = (
    "Where a name stands only in the first of its rows, write it into each of them "
    "(in a pivot table of Excel: Design, Report Layout, Repeat All Item Labels)."
)


@dataclass
class Problems:
    """The problems of one file in the order of its rows, and the settings that would resolve them."""

    entries: list[tuple[str, int, str]] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)  # the likely kind of each unknown word
    ignore: dict[str, str | None] = field(default_factory=dict)  # with the header that may be meant instead
    asks_for_order: bool = False
    lacks_names: bool = False  # cells below a customer or a product are empty

    def add(self, where: str, row: int, what: str) -> None:
        """Add a problem of a row of a sheet; row 0 is the whole table."""
        self.entries.append((where, row, what))

    def propose_to_ignore(self, header: str) -> None:
        """Propose the setting that leaves a column unread; one without a header cannot be named there."""
        if header:
            self.ignore[header] = None


def settings_lines(problems: Iterable[Problems]) -> str:
    """Write the lines for `xlsync.toml` that answer problems, ready to paste; empty where none would."""
    own = list(problems)
    ignore = {header: other for one in own for header, other in one.ignore.items()}
    instead = [f"{quoted(other)} in place of {quoted(header)}" for header, other in ignore.items() if other]
    types: dict[str, list[str]] = {}
    for word, kind in {word: kind for one in own for word, kind in one.types.items()}.items():
        types.setdefault(kind, []).append(word)
    lines = []
    if ignore or any(one.asks_for_order for one in own):
        lines.append("[report]")
        if any(one.asks_for_order for one in own):
            lines.append('dates = "day-first"  # or "month-first"')
        if ignore:
            choice = f"  # or {', '.join(instead)}" if instead else ""
            lines.append(f"ignore = [{', '.join(map(quoted, ignore))}]{choice}")
    if types:
        lines.append(
            "[report.types]  # Recurring, Credit, Usage or One-time: see that each word stands under its own"
        )
        lines.extend(f"{kind} = [{', '.join(map(quoted, words))}]" for kind, words in types.items())
    return "\n  ".join(lines)


def quoted(text: str) -> str:
    """Quote a text for TOML."""
    return json.dumps(text, ensure_ascii=False)


def refuse(problems: Sequence[tuple[str, Problems]]) -> None:
    """Raise ReportError with the problems of all files, if there are any."""
    parts = []
    places: list[tuple[str, str]] = []
    for name, own in problems:
        if not own.entries:
            continue
        lines = [
            _place_text(where, row, what)
            for where, row, what in sorted(own.entries, key=lambda p: (p[0], p[1]))
        ]
        places.extend((name, line) for line in lines)
        shown = shortened(lines, MOST_PROBLEMS, "\n  ", "\n  and ")
        parts.append(f"{name} has {counted(len(lines), 'problem')}:\n  {shown}")
    if parts:
        wanted = settings_lines(own for _, own in problems)
        hint = "Mend the file, then try again."
        if wanted:
            hint = (
                f"Mend the file, or, where it is right, put what holds of this into xlsync.toml:\n  {wanted}"
            )
        if any(own.lacks_names for _, own in problems):
            hint = f"{_REPEAT} {hint}"
        raise ReportError("\n".join(parts), hint, places)


def _place_text(where: str, row: int, what: str) -> str:
    place = ", ".join(filter(None, (where, f"row {row}" if row else "")))
    separator = "" if what.startswith((",", ":")) else ": "
    return f"{place}{separator}{what}" if place else what.removeprefix(": ")


def rows_text(rows: Iterable[int]) -> str:
    """Write row numbers: `row 4`, `rows 4, 7 and 3 more`."""
    all_rows = list(rows)
    return f"row{'' if len(all_rows) == 1 else 's'} {shortened(all_rows, 5)}"
