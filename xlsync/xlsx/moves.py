"""Moves of rows on a renewed sheet, and the references that follow them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Final

from msgspec import Struct

from xlsync.amounts import shortened
from xlsync.records import replace
from xlsync.xlsx.cells import LAST_ROW, address
from xlsync.xlsx.formulas import DELETED, Corner, Reference, with_references
from xlsync.xlsx.ranges import Rows, columns_and_rows, joined, range_of

_END: Final = LAST_ROW - 1  # 0-based: a range that ends here means all rows below, too
_MOST_NAMES: Final = 5  # in a notice
_MANY: Final = 5  # rows of which a rule for all rows may lack one


class PointingCells(Struct, frozen=True):
    """Cells of a sheet that hold something which points at rows, such as `the link in Mismatches!B4`."""

    sheet: str
    cells: str
    what: str = ""  # empty for the formulas of the cells

    def __str__(self) -> str:
        """Return the cells as messages name them."""
        return f"{self.what} {self.sheet}!{self.cells}".lstrip()


Where = PointingCells | str
"""What points at rows: cells, else in words."""


@dataclass(frozen=True, slots=True)
class Moves:
    """The new places of the data rows `first` to `last` of a sheet (all 0-based).

    `to` maps each kept row to its new place. Rows below the data keep their distance. `own` are the first and
    the last data row of xlsync's, `new_own` where those begin and end from now on: above and below them may
    stand data rows of a person's, such as a sum that was typed right below a table, which grew by it.
    `widened` has the old and new cells of ranges that cover others' rows now, and what points at each. A
    method that takes `where` notes such changes for what it names; without `where` it notes none.
    """

    first: int
    last: int
    new_last: int
    to: Mapping[int, int]
    own: Rows | None = None  # None for all data rows
    new_own: Rows | None = None  # where `own` is given, None for none
    widened: dict[tuple[str, str], list[Where]] = field(default_factory=dict, init=False)
    lost: list[Where] = field(default_factory=list, init=False)  # what points at rows that are gone
    gone: dict[str, list[str]] = field(default_factory=dict, init=False)  # cells of rules, by kind
    _spans: dict[Rows, tuple[Rows | None, bool]] = field(default_factory=dict, init=False)
    _ends: list[int] = field(default_factory=list, init=False)  # of xlsync's rows and those among them
    _new: list[int] = field(default_factory=list, init=False)  # the rows that are new, in order

    def __post_init__(self) -> None:
        if self.own is None and self.new_last >= self.first:
            object.__setattr__(self, "new_own", (self.first, self.new_last))
        first, last = self.own_rows
        rows = [*(new for old, new in self.to.items() if first <= old <= last), *(self.new_own or ())]
        self._ends.extend((min(rows), max(rows)) if rows else ())
        taken = set(self.to.values())
        self._new.extend(row for row in range(self.first, self.new_last + 1) if row not in taken)

    @property
    def own_rows(self) -> Rows:
        """The first and the last data row of xlsync's, which are those of all where no others are given."""
        return self.own or (self.first, self.last)

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
        """Return the new place of a row; None where it was dropped, or pushed beyond the end of the sheet."""
        if old < self.first:
            return old
        new = old + self.shift if old > self.last else self.to.get(old)
        return new if new is None or new < LAST_ROW else None

    def span(self, top: int, bottom: int) -> Rows | None:
        """Return the rows that a range covers now; None where all of them are gone.

        A range over all rows of xlsync's begins and ends with them, however many they are. Any other follows
        its rows, as in Excel; an end above or below the data rows follows the row that it names.
        """
        if bottom < self.first or (top <= self.first and bottom == _END):
            return top, bottom
        end = bottom if bottom == _END else min(bottom + self.shift, _END)
        if top > self.last:
            start = top + self.shift
        else:
            rows = self._rows_within(max(top, self.first), min(bottom, self.last))
            start = top if top < self.first else min(rows, default=self.new_last + 1)
            end = end if bottom > self.last else max(rows, default=self.first - 1)
        return (start, end) if start <= end else None

    def _rows_within(self, top: int, bottom: int) -> Sequence[int]:
        """The new places of the data rows of a range: all, or the ends where it covers those of xlsync's."""
        old: Iterable[int] = range(top, bottom + 1)
        ends: Sequence[int] = ()
        if self.covers_own(top, bottom):
            first, last = self.own_rows
            old, ends = chain(range(top, first), range(last + 1, bottom + 1)), self._ends
        return [*(row for one in old if (row := self.to.get(one)) is not None), *ends]

    def covers_own(self, top: int, bottom: int) -> bool:
        """Return whether a range covers all rows of xlsync's."""
        first, last = self.own_rows
        return top <= first and bottom >= last

    def together(self, top: int, bottom: int) -> Rows | None:
        """The new places of rows that still stand together in their order; None where they came apart."""
        new = [self.row(row) for row in range(top, bottom + 1)]
        start = new[0] if new else None
        if start is None or new != list(range(start, start + len(new))):
            return None
        return start, start + len(new) - 1

    def place(self, reference: str) -> str | None:
        """Return the new place of a cell or range; None where its rows are gone or no longer together."""
        known = columns_and_rows(reference)
        if known is None:
            return reference
        (left, right), (top, bottom) = known
        if bottom >= _END and top == 0:  # whole columns
            return reference
        rows = self.together(top, bottom)
        if rows is None:
            return None
        return address(rows[0], left) + (f":{address(rows[1], right)}" if ":" in reference else "")

    def place_or_old(self, reference: str) -> str:
        """Return the new place of a cell or range, or its old one where it has none."""
        return self.place(reference) or reference

    def pieces(self, reference: str) -> list[str]:
        """Return the new places of a cell or range, one range for each run of rows that stand together."""
        whole, known = self.place(reference), columns_and_rows(reference)
        if whole is not None or known is None:
            return [whole or reference]
        columns, (top, bottom) = known
        rows = [row for old in range(top, bottom + 1) if (row := self.row(old)) is not None]
        return [range_of(*columns, *run) for run in joined((row, row) for row in rows)]

    def stretched(self, reference: str) -> str:
        """Return the new extent of a range that covers its rows, such as that of a table or a filter."""
        known = columns_and_rows(reference)
        if known is None:
            return reference
        (left, right), (top, bottom) = known
        rows = self.span(top, bottom) or (top, top)
        return address(rows[0], left) + (f":{address(rows[1], right)}" if ":" in reference else "")

    # formulas

    def formula(
        self, formula: str, title: str, *, here: bool = True, where: Where = "", row: int | None = None
    ) -> str:
        """Update a formula's references to moved cells; those to gone rows become `#REF!`.

        `here` is True for a formula on the moved sheet `title` itself, which references without a sheet mean.
        `row` is the data row that the formula stood in, if it did: there a range from the top to that row,
        such as `K$2:K9`, is a running one.
        """
        there = None if row is None else self.to.get(row)

        def followed(reference: Reference) -> str:
            if not reference.is_on(title, here=here):
                return str(reference)
            if row is not None and there is not None and (new := self._in_data_row(reference, row, there)):
                return new
            return self._followed(reference, where)

        return with_references(formula, followed)

    def fixed(self, formula: str, title: str, *, where: Where = "") -> str:
        """Update a defined name, or a rule on another sheet.

        Only rows with a dollar sign are followed, and ranges over all rows of xlsync's.
        """

        def followed(reference: Reference) -> str:
            is_fixed = all(corner.row_is_fixed for corner in reference.corners)
            return (
                self._followed(reference, where)
                if reference.is_on(title, here=False) and (is_fixed or self._covers_all(reference))
                else str(reference)
            )

        return with_references(formula, followed)

    def anchored(self, formula: str, title: str, here: int, there: int, *, where: Where = "") -> str:
        """Update a formula for many rows, which was written for row `here` and is now for row `there`.

        Relative references keep their distance to the row, others follow what they point at, as does a range
        over all rows in a formula whose row stays.
        """

        def moved(reference: Reference) -> str:
            if not reference.is_on(title, here=True):
                return str(reference)
            rows = {corner.row_is_fixed for corner in reference.corners if corner.row is not None}
            if rows == {True} or (rows == {False} and here == there and self._covers_all(reference)):
                return self._followed(reference, where)
            return _written(reference, self._at_distance(reference, there - here))

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
            is_fixed = all(corner.row_is_fixed for corner in reference.corners)
            if not rows or self._covers_all(reference) or is_fixed or min(rows) > self.last:
                return self._followed(reference, "")
            return _written(reference, self._at_distance(reference, there - here))

        return with_references(formula, moved)

    def _covers_all(self, reference: Reference) -> bool:
        """Return whether a reference is a range over several rows, and over all of xlsync's."""
        rows = [corner.row for corner in reference.corners if corner.row is not None]
        return len(rows) > 1 and self.covers_own(min(rows), max(rows)) and self.first < self.last

    def _in_data_row(self, reference: Reference, here: int, there: int) -> str:
        """A range in a formula of a data row that means the formula's own row, or runs from or to an end.

        One runs from the first row of the data, where it has a dollar sign, to the formula's own row or the
        one above; or from there to the last row. Empty for any other reference.
        """
        if len(reference.corners) == 1:
            return ""
        rows = {corner.row for corner in reference.corners if not corner.row_is_fixed}
        first, last = self.own_rows
        fixed = {corner.row for corner in reference.corners if corner.row_is_fixed and corner.row is not None}
        is_running = (rows <= {here - 1, here} and max(fixed, default=_END) <= first) or (
            rows <= {here, here + 1} and min(fixed, default=0) >= last
        )
        if len(rows) != 1 or not (is_running or (rows == {here} and not fixed)):
            return ""
        return _written(reference, self._at_distance(reference, there - here))

    def _at_distance(self, reference: Reference, by: int) -> list[Corner | None]:
        """The corners of a reference in a formula so many rows away; a dollar sign holds an end in its place.

        The first and the last row of the data stay the first and the last.
        """
        first, last = self.own_rows
        new_first, new_last = self.new_own or (self.first, self.new_last)
        corners: list[Corner | None] = []
        for corner in reference.corners:
            if not corner.row_is_fixed or corner.row is None:
                corners.append(corner.shifted(by, 0))
                continue
            is_above = all(corner.row <= other.row for other in reference.corners if other.row is not None)
            if is_above and corner.row in {first, self.first}:
                row: int | None = new_first if corner.row == first else self.first
            elif corner.row in {last, self.last}:
                row = new_last if corner.row == last else self.new_last
            else:
                row = self.row(corner.row)
            corners.append(None if row is None else corner.at(row))
        return corners

    def _followed(self, reference: Reference, where: Where) -> str:
        first, last = reference.corners[0], reference.corners[-1]
        if first.row is None or last.row is None:
            return str(reference)
        if len(reference.corners) == 1 or (
            first.row == last.row and not self.covers_own(first.row, last.row)
        ):
            row = self.row(first.row)
            if row is None:
                return self._deleted(reference, where)
            return str(reference.at(*(corner.at(row) for corner in reference.corners)))
        top, bottom = sorted((first.row, last.row))
        rows, came_apart = self._span_told(top, bottom)
        if rows is None:
            return self._deleted(reference, where)
        start, end = rows if first.row <= last.row else reversed(rows)
        moved = reference.at(first.at(start), last.at(end))
        if where and came_apart:
            self.widened.setdefault((_cells(reference), _cells(moved)), []).append(where)
        return str(moved)

    def _deleted(self, reference: Reference, where: Where) -> str:
        if where:
            self.lost.append(where)
        return reference.deleted

    def _span_told(self, top: int, bottom: int) -> tuple[Rows | None, bool]:
        """Return the rows that a range covers now, and whether others' rows are among them."""
        known = self._spans.get((top, bottom))
        if known is None:
            rows = self.span(top, bottom)
            came_apart = False
            if rows is not None and not self.covers_own(top, bottom):
                own = sum(old in self.to for old in range(max(top, self.first), min(bottom, self.last) + 1))
                new_top, new_bottom = max(rows[0], self.first), min(rows[1], self.new_last)
                new = bisect_right(self._new, new_bottom) - bisect_left(self._new, new_top)
                came_apart = new_bottom - new_top + 1 > own + new
            known = self._spans[top, bottom] = rows, came_apart
        return known

    def follow(self, title: str, later: Moves) -> None:
        """Let the cells that are noted follow the rows of the sheet `title`; those that are gone go."""
        for noted in (self.lost, *self.widened.values()):
            noted[:] = [moved for where in noted if (moved := _followed_cells(where, title, later))]

    def notices(self, title: str) -> list[str]:
        """Name whatever points at other rows than before, or at none."""
        notices = [
            f"{listed(where)}: what pointed at {title}!{old} points at {title}!{new} now, since these rows "
            "came apart, and others stand between them"
            for (old, new), where in self.widened.items()
            if where
        ]
        if self.lost:
            notices.append(
                f"{listed(self.lost)}: a row of {title} that this points at is gone, so it is {DELETED} now"
            )
        return notices

    # the cells of rules

    def followed(self, cells: str) -> str:
        """Return the new cells of a rule, such as `L2:L9 L11:L41`; empty where all are gone.

        Rows inserted between two rows of the rule join it, as do new rows at an end that it covered.
        """
        pieces = [columns_and_rows(reference) for reference in cells.split()]
        known = [piece for piece in pieces if piece is not None]
        if len(known) != len(pieces):  # not written as in the standard
            return cells
        by_rows: dict[tuple[Rows, ...], list[Rows]] = {}
        edges = sorted({edge for (left, right), _ in known for edge in (left, right + 1)})
        for left, after in pairwise(edges):
            old = joined(rows for (start, end), rows in known if start <= left < end + 1)
            columns = by_rows.setdefault(tuple(self._rows_of_rule(old)), [])
            if columns and columns[-1][1] == left - 1:
                columns[-1] = (columns[-1][0], after - 1)
            else:
                columns.append((left, after - 1))
        new = [(span, one) for rows, spans in by_rows.items() for one in rows for span in spans]
        if sorted(new) == sorted(known):
            return cells
        return " ".join(range_of(*columns, *rows) for columns, rows in new)

    def _rows_of_rule(self, old: list[Rows]) -> list[Rows]:
        """Return the new rows of a rule, given and returned as ranges of rows."""
        if old in ([], [(0, _END)]):
            return old
        new = [(top, min(bottom, self.first - 1)) for top, bottom in old if top < self.first]
        for top, bottom in old:
            if bottom > self.last and (below := self.span(max(top, self.last + 1), bottom)):
                new.append(below)
        covered = [range(max(top, self.first), min(bottom, self.last) + 1) for top, bottom in old]
        new_rows = [row for rows in covered for old_row in rows if (row := self.to.get(old_row)) is not None]
        if any(self.covers_own(*piece) for piece in old):
            own = [self.new_own] if self.new_own else []
            return joined([*new, *own, *((row, row) for row in new_rows)])
        if self._lacks_few_rows(old):
            return joined([*new, *((row, row) for row in (*new_rows, *self._new))])
        first, last = self.own_rows
        runs: list[Rows] = []
        for top, bottom in joined((row, row) for row in new_rows):
            if runs and self._are_new(runs[-1][1] + 1, top - 1):
                runs[-1] = (runs[-1][0], bottom)
            else:
                runs.append((top, bottom))
        if runs and self.new_own and any(first in rows and len(rows) > 1 for rows in covered):
            top, bottom = runs[0]
            runs[0] = (self.new_own[0] if self._are_new(self.new_own[0], top - 1) else top, bottom)
        if runs and self.new_own and any(last in rows and len(rows) > 1 for rows in covered):
            top, bottom = runs[-1]
            runs[-1] = (top, self.new_own[1] if self._are_new(bottom + 1, self.new_own[1]) else bottom)
        return joined([*new, *runs])

    def _lacks_few_rows(self, old: list[Rows]) -> bool:
        """Return whether a rule covers all rows of xlsync's but a few single ones between others.

        A program splits a rule for all rows so where a person pastes over a cell of it.
        """
        first, last = self.own_rows
        pieces = [(top, bottom) for top, bottom in old if bottom >= first and top <= last]
        if not pieces or pieces[0][0] > first or pieces[-1][1] < last:
            return False
        gaps = [below - bottom - 1 for (_, bottom), (below, _) in pairwise(pieces)]
        return all(gap == 1 for gap in gaps) and len(gaps) * _MANY <= last - first + 1

    def _are_new(self, top: int, bottom: int) -> bool:
        """Return whether all rows of a stretch, which may be empty, are new."""
        return bisect_left(self._new, bottom + 1) - bisect_left(self._new, top) == bottom - top + 1


def _written(reference: Reference, corners: Iterable[Corner | None]) -> str:
    known = tuple(corner for corner in corners if corner is not None)
    return str(reference.at(*known)) if len(known) == len(reference.corners) else reference.deleted


def _followed_cells(where: Where, title: str, moves: Moves) -> Where:
    """Return where cells are after the rows of the sheet `title` moved; empty where they are gone."""
    if isinstance(where, str) or where.sheet != title:
        return where
    cells = moves.followed(where.cells)
    return replace(where, cells=cells) if cells else ""


def listed(names: Iterable[Where]) -> str:
    """Return the first names of some, and how many more there are."""
    text = shortened(list(dict.fromkeys(map(str, names))), _MOST_NAMES)
    return text[0].upper() + text[1:]


def _cells(reference: Reference) -> str:
    """Return the cells of a reference without its sheet and its dollar signs."""
    return str(Reference("", reference.corners)).replace("$", "")
