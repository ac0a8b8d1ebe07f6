"""Blocks of cells beside the rows that may be a person's own table, though Excel knows of none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from xlsync.workbook.read import Book
from xlsync.xlsx.cells import Row, Value
from xlsync.xlsx.moves import Moves
from xlsync.xlsx.ranges import range_of


class Block(NamedTuple):
    """The outer columns and rows, 0-based, of neighbouring columns that are filled."""

    left: int
    right: int
    top: int
    bottom: int


def tell_parted_blocks(book: Book, title: str, rows: Sequence[Row]) -> list[str]:
    """Name in a sentence each block beside the rows of a sheet that reads like a table and comes apart.

    An empty column parts it from the columns of xlsync, each of its cells is filled, and it ends before the
    rows do. Its cells go with the rows that they stand beside, as those of a person's own columns must.
    """
    first = book.header_rows[title] + 1
    numbers = [row.number for row in book.rows[title]]
    to = {row.was: new for new, row in enumerate(rows, first) if row.was is not None}
    last = max([*numbers, *to], default=first - 1)
    moves = Moves(first, last, first - 1 + len(rows), to)
    if moves.nothing_moves:
        return []
    grid = book.package.grid(title)
    return [
        f"{title}!{range_of(*block)} went with the rows beside it, which moved apart. If it is a table of "
        "its own, put it below the rows, or on a sheet of its own"
        for block in find_blocks(grid, max(book.columns[title].values()))
        if max(block.top, first) < min(block.bottom, last) < last
        and moves.together(block.top, block.bottom) is None
    ]


def find_blocks(grid: Sequence[Sequence[Value]], last_column: int) -> Iterator[Block]:
    """Yield the full blocks of two columns or more that an empty column parts from the columns before it.

    `grid` are the values of the cells by row and column, `last_column` is the last one of xlsync's.
    """
    filled = _filled_rows(grid, last_column)
    for left in sorted(filled):
        if left - 1 in filled or left == last_column + 1:
            continue
        right = left
        while right + 1 in filled:
            right += 1
        rows = filled[left]
        is_full = len(rows) == rows[-1] - rows[0] + 1 and all(
            filled[column] == rows for column in range(left, right + 1)
        )
        if left < right and is_full:
            yield Block(left, right, rows[0], rows[-1])


def _filled_rows(grid: Sequence[Sequence[Value]], last_column: int) -> Mapping[int, list[int]]:
    """Return the rows of filled cells by column, of the columns behind one."""
    filled: dict[int, list[int]] = {}
    for row, line in enumerate(grid):
        for column in range(last_column + 1, len(line)):
            if line[column] is not None:
                filled.setdefault(column, []).append(row)
    return filled
