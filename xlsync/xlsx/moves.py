"""Moves of rows on a renewed sheet, and the references that follow them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from xlsync.xlsx.cells import LAST_ROW, address, position
from xlsync.xlsx.formulas import DELETED, Corner, Reference, with_references

_END: Final = LAST_ROW - 1  # 0-based: a range that ends here means all rows below, too
_MOST_NAMES: Final = 5  # in a notice

Rows = tuple[int, int]
"""The first and the last row of a range, 0-based."""


@dataclass(frozen=True, slots=True)
class Moves:
    """The new places of the data rows `first` to `last` of a sheet (all 0-based).

    `to` maps each kept row to its new place. Rows below the data keep their distance. `widened` has the old
    and new cells of ranges that cover others' rows now, and what points at each. A method that takes `where`
    notes such changes for what it names, such as `Other!B3` or a name; without `where` it notes none.
    """

    first: int
    last: int
    new_last: int
    to: Mapping[int, int]
    widened: dict[tuple[str, str], list[str]] = field(default_factory=dict, init=False)
    lost: list[str] = field(default_factory=list, init=False)  # what points at rows that are gone
    _new: list[int] = field(default_factory=list, init=False)  # the rows that are new, in order

    def __post_init__(self) -> None:
        taken = set(self.to.values())
        self._new.extend(row for row in range(self.first, self.new_last + 1) if row not in taken)

    @property
    def shift(self) -> int:
        """The number of rows by which everything below the data moves."""
        return self.new_last - self.last

    @property
    def nothing_moves(self) -> bool:
        """Return whether every row stays where it is, and none is new."""
        stays = all(new == old for old, new in self.to.items())
        return not self.shift and stays and len(self.to) == self.last - self.first + 1

    def row(self, old: int) -> int | None:
        """The new place of a row; None where it was dropped, or pushed beyond the end of the sheet."""
        if old < self.first:
            return old
        new = old + self.shift if old > self.last else self.to.get(old)
        return new if new is None or new < LAST_ROW else None

    def span(self, top: int, bottom: int) -> Rows | None:
        """Return the rows that a range covers now; None where all of them are gone.

        A range from the first data row begins with the data rows, one to the last ends with them. Other ends
        follow the row that they name, or the nearest that is left; a range within follows all its rows.
        """
        if bottom < self.first or (top <= self.first and bottom == _END):
            return top, bottom
        if self.first < top and bottom < self.last:
            new = [row for old in range(top, bottom + 1) if (row := self.to.get(old)) is not None]
            return (min(new), max(new)) if new else None
        start = top
        if top > self.last:
            start = top + self.shift
        elif top > self.first:
            start = self._nearest(range(top, self.last + 1), self.new_last + 1)
        end = bottom if bottom == _END else min(bottom + self.shift, _END)
        if bottom < self.last:
            end = self._nearest(range(bottom, self.first - 1, -1), self.first - 1)
        return (start, end) if start <= end else None

    def _nearest(self, rows: Iterable[int], otherwise: int) -> int:
        return next((new for old in rows if (new := self.to.get(old)) is not None), otherwise)

    def together(self, top: int, bottom: int) -> Rows | None:
        """The new places of rows that still stand together in their order; None where they came apart."""
        new = [self.row(row) for row in range(top, bottom + 1)]
        start = new[0]
        if start is None or new != list(range(start, start + len(new))):
            return None
        return start, start + len(new) - 1

    def place(self, reference: str) -> str | None:
        """Return the new place of a cell or range; None where its rows are gone or no longer together."""
        first, _, last = reference.partition(":")
        try:
            (top, left), (bottom, right) = position(first), position(last or first)
        except ValueError:
            return reference
        if bottom >= _END and top == 0:  # whole columns
            return reference
        rows = self.together(top, bottom)
        if rows is None:
            return None
        return address(rows[0], left) + (f":{address(rows[1], right)}" if last else "")

    def pieces(self, reference: str) -> list[str]:
        """Return the new places of a cell or range, one range for each run of rows that stand together."""
        whole, known = self.place(reference), _columns_and_rows(reference)
        if whole is not None or known is None:
            return [whole or reference]
        columns, (top, bottom) = known
        rows = [row for old in range(top, bottom + 1) if (row := self.row(old)) is not None]
        return [_range(*columns, *run) for run in _joined((row, row) for row in rows)]

    def stretched(self, reference: str) -> str:
        """Return the new extent of a range that covers its rows, such as that of a table or a filter."""
        first, _, last = reference.partition(":")
        try:
            (top, left), (bottom, right) = position(first), position(last or first)
        except ValueError:
            return reference
        rows = self.span(top, bottom) or (top, top)
        return address(rows[0], left) + (f":{address(rows[1], right)}" if last else "")

    # formulas

    def formula(self, formula: str, title: str, *, here: bool = True, where: str = "") -> str:
        """Update a formula's references to moved cells; those to gone rows become `#REF!`.

        `here` is True for a formula on the moved sheet `title` itself, which references without a sheet mean.
        """
        return with_references(
            formula,
            lambda match: self._followed(match, where) if match.is_on(title, here=here) else str(match),
        )

    def fixed(self, formula: str, title: str, *, where: str = "") -> str:
        """Update a defined name, or a rule on another sheet: only rows with a dollar sign are followed."""

        def followed(reference: Reference) -> str:
            is_fixed = all(corner.row_is_fixed for corner in reference.corners)
            return (
                self._followed(reference, where)
                if is_fixed and reference.is_on(title, here=False)
                else str(reference)
            )

        return with_references(formula, followed)

    def anchored(self, formula: str, title: str, here: int, there: int, *, where: str = "") -> str:
        """Update a formula for many rows, which was written for row `here` and is now for row `there`.

        Relative references keep their distance to the row, others follow what they point at.
        """

        def moved(reference: Reference) -> str:
            if not reference.is_on(title, here=True):
                return str(reference)
            rows = {corner.row_is_fixed for corner in reference.corners if corner.row is not None}
            if rows == {True}:
                return self._followed(reference, where)
            corners = [
                self._edge(corner) if corner.row_is_fixed else corner.shifted(there - here, 0)
                for corner in reference.corners
            ]
            return _written(reference, corners)

        return with_references(formula, moved)

    def filled(self, formula: str, title: str, here: int, there: int) -> str:
        """Fill the formula of a calculated column in row `here` down to the new row `there`.

        Excel would do the same, except for references to other sheets, to all data rows or to cells
        below them.
        """

        def moved(reference: Reference) -> str:
            if not reference.is_on(title, here=True):
                return str(reference)
            rows = [corner.row for corner in reference.corners if corner.row is not None]
            covers_all = len(rows) > 1 and min(rows) <= self.first < self.last <= max(rows)
            if not rows or covers_all or min(rows) > self.last:
                return self._followed(reference, "")
            corners = [
                self._edge(corner) if corner.row_is_fixed else corner.shifted(there - here, 0)
                for corner in reference.corners
            ]
            return _written(reference, corners)

        return with_references(formula, moved)

    def _edge(self, corner: Corner) -> Corner | None:
        """One corner of a range; the first and the last data row mean the ends of the data rows."""
        if corner.row is None:
            return corner
        if corner.row == self.first:
            return corner
        row = self.new_last if corner.row == self.last else self.row(corner.row)
        return None if row is None else corner.at(row)

    def _followed(self, reference: Reference, where: str) -> str:
        first, last = reference.corners[0], reference.corners[-1]
        if first.row is None or last.row is None:
            return str(reference)
        if len(reference.corners) == 1 or (
            first.row == last.row and not self.first == self.last == first.row
        ):
            row = self.row(first.row)
            if row is None:
                return self._deleted(reference, where)
            return str(Reference(reference.sheet, tuple(corner.at(row) for corner in reference.corners)))
        top, bottom = sorted((first.row, last.row))
        rows = self.span(top, bottom)
        if rows is None:
            return self._deleted(reference, where)
        new = dict(zip((top, bottom), rows, strict=True))
        moved = Reference(reference.sheet, (first.at(new[first.row]), last.at(new[last.row])))
        if where and self.first < top and bottom < self.last and self._came_apart(top, bottom, *rows):
            self.widened.setdefault((_cells(reference), _cells(moved)), []).append(where)
        return str(moved)

    def _deleted(self, reference: Reference, where: str) -> str:
        if where:
            self.lost.append(where)
        return reference.deleted

    def _came_apart(self, top: int, bottom: int, new_top: int, new_bottom: int) -> bool:
        """Return whether rows from outside a range now stand between its rows; new rows do not count."""
        own = sum(old in self.to for old in range(top, bottom + 1))
        new = bisect_right(self._new, new_bottom) - bisect_left(self._new, new_top)
        return new_bottom - new_top + 1 > own + new

    def notices(self, title: str) -> list[str]:
        """Name whatever points at other rows than before, or at none."""
        notices = [
            f"{_listed(where)}: what pointed at {title}!{old} points at {title}!{new} now, since these rows "
            "came apart, and others stand between them"
            for (old, new), where in self.widened.items()
        ]
        if self.lost:
            notices.append(
                f"{_listed(self.lost)}: a row of {title} that this points at is gone, so it is {DELETED} now"
            )
        return notices

    # the cells of rules

    def followed(self, cells: str) -> str:
        """Return the new cells of a rule, such as `L2:L9 L11:L41`; empty where all are gone.

        Rows inserted between two rows of the rule join it, as do new rows at an end that it covered.
        """
        pieces = [_columns_and_rows(reference) for reference in cells.split()]
        known = [piece for piece in pieces if piece is not None]
        if len(known) != len(pieces):  # not written as in the standard
            return cells
        by_rows: dict[tuple[Rows, ...], list[Rows]] = {}
        edges = sorted({edge for (left, right), _ in known for edge in (left, right + 1)})
        for left, after in pairwise(edges):
            old = _joined(rows for (start, end), rows in known if start <= left < end + 1)
            columns = by_rows.setdefault(tuple(self._rows_of_rule(old)), [])
            if columns and columns[-1][1] == left - 1:
                columns[-1] = (columns[-1][0], after - 1)
            else:
                columns.append((left, after - 1))
        new = [(span, one) for rows, spans in by_rows.items() for one in rows for span in spans]
        if sorted(new) == sorted(known):
            return cells
        return " ".join(_range(*columns, *rows) for columns, rows in new)

    def _rows_of_rule(self, old: list[Rows]) -> list[Rows]:
        """Return the new rows of a rule, given and returned as ranges of rows."""
        if old in ([], [(0, _END)]):
            return old
        new = [(top, min(bottom, self.first - 1)) for top, bottom in old if top < self.first]
        for top, bottom in old:
            if bottom > self.last and (below := self.span(max(top, self.last + 1), bottom)):
                new.append(below)
        if any(top <= self.first and bottom >= self.last for top, bottom in old):
            data = [(self.first, self.new_last)] if self.new_last >= self.first else []
            return _joined([*new, *data])
        covered = [range(max(top, self.first), min(bottom, self.last) + 1) for top, bottom in old]
        new_rows = (row for rows in covered for old_row in rows if (row := self.to.get(old_row)) is not None)
        runs: list[Rows] = []
        for top, bottom in _joined((row, row) for row in new_rows):
            if runs and self._are_new(runs[-1][1] + 1, top - 1):
                runs[-1] = (runs[-1][0], bottom)
            else:
                runs.append((top, bottom))
        if runs and any(self.first in rows and len(rows) > 1 for rows in covered):
            top, bottom = runs[0]
            runs[0] = (self.first if self._are_new(self.first, top - 1) else top, bottom)
        if runs and any(self.last in rows and len(rows) > 1 for rows in covered):
            top, bottom = runs[-1]
            runs[-1] = (top, self.new_last if self._are_new(bottom + 1, self.new_last) else bottom)
        return _joined([*new, *runs])

    def _are_new(self, top: int, bottom: int) -> bool:
        """Return whether all rows of a stretch, which may be empty, are new."""
        return bisect_left(self._new, bottom + 1) - bisect_left(self._new, top) == bottom - top + 1


def _written(reference: Reference, corners: Iterable[Corner | None]) -> str:
    known = tuple(corner for corner in corners if corner is not None)
    return (
        str(Reference(reference.sheet, known)) if len(known) == len(reference.corners) else reference.deleted
    )


def _listed(names: Iterable[str]) -> str:
    """The first names of some, and how many more there are."""
    each = list(dict.fromkeys(names))
    more = f" and {len(each) - _MOST_NAMES} more" if len(each) > _MOST_NAMES else ""
    text = ", ".join(each[:_MOST_NAMES]) + more
    return text[0].upper() + text[1:]


def _cells(reference: Reference) -> str:
    """The cells of a reference without its sheet and its dollar signs."""
    return str(Reference("", reference.corners)).replace("$", "")


def _joined(spans: Iterable[Rows]) -> list[Rows]:
    """Join ranges of rows that touch or overlap, in order."""
    joined: list[Rows] = []
    for top, bottom in sorted(spans):
        if joined and top <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], bottom))
        else:
            joined.append((top, bottom))
    return joined


def _columns_and_rows(reference: str) -> tuple[Rows, Rows] | None:
    first, _, last = reference.partition(":")
    try:
        (top, left), (bottom, right) = position(first), position(last or first)
    except ValueError:
        return None
    return (left, right), (top, bottom)


def rows_of(cells: str) -> Rows | None:
    """The first and the last row of one or more ranges; None where a text names none."""
    ranges = [
        rows for reference in cells.split() if (piece := _columns_and_rows(reference)) for rows in piece[1:]
    ]
    return (min(top for top, _ in ranges), max(bottom for _, bottom in ranges)) if ranges else None


def _range(left: int, right: int, top: int, bottom: int) -> str:
    first, last = address(top, left), address(bottom, right)
    return first if first == last else f"{first}:{last}"
