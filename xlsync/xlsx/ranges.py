"""Ranges of cells as they are written, and as their columns and rows. PURE."""

from __future__ import annotations

from collections.abc import Iterable

from xlsync.xlsx.cells import address, position

Rows = tuple[int, int]
"""The first and the last row of a range, 0-based."""


def joined(spans: Iterable[Rows]) -> list[Rows]:
    """Join ranges of rows that touch or overlap, in order."""
    runs: list[Rows] = []
    for top, bottom in sorted(spans):
        if runs and top <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(runs[-1][1], bottom))
        else:
            runs.append((top, bottom))
    return runs


def columns_and_rows(reference: str) -> tuple[Rows, Rows] | None:
    """Return the first and last column, and the first and last row, of a range; None for no range."""
    first, _, last = reference.partition(":")
    try:
        corners = position(first), position(last or first)
    except ValueError:
        return None
    (top, bottom), (left, right) = map(sorted, zip(*corners, strict=True))
    return (left, right), (top, bottom)


def row_span(cells: str) -> Rows | None:
    """Return the first and the last row of one or more ranges; None where a text names none."""
    ranges = [
        rows for reference in cells.split() if (piece := columns_and_rows(reference)) for rows in piece[1:]
    ]
    return (min(top for top, _ in ranges), max(bottom for _, bottom in ranges)) if ranges else None


def range_of(left: int, right: int, top: int, bottom: int) -> str:
    """Return the range of these columns and rows as it is written: `B2:D9`, or `B2` for one cell."""
    first, last = address(top, left), address(bottom, right)
    return first if first == last else f"{first}:{last}"
