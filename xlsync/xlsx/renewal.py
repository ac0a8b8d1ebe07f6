"""Renewal of the data rows of a sheet, fast even for large sheets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from msgspec import Struct

from xlsync.errors import WorkbookError
from xlsync.xlsx.cells import (
    HIGHEST_ROW,
    LAST_ROW,
    Cell,
    CellWriter,
    Row,
    Value,
    address,
    escape_markup,
    letters,
    wrapped_lines,
)
from xlsync.xlsx.formulas import translated
from xlsync.xlsx.markup import attribute, number_of, unescape, without_attributes
from xlsync.xlsx.moves import Moves, PointingCells
from xlsync.xlsx.ranges import Rows
from xlsync.xlsx.workbook_part import TablePart
from xlsync.xlsx.worksheet import OldCell, OldRow, SheetXml

_MODELS: Final = 9  # rows that show how a column usually looks: a person may have coloured some


def no_room(title: str, more: int, row: int) -> WorkbookError:
    """The refusal to push what stands in a row (0-based) beyond the end of its sheet."""
    return WorkbookError(
        f"the sheet {title} has no room for {more} more rows: something stands in row {row + 1}, at the end "
        "of the sheet",
        "Move it up, or to a sheet of its own, and try again.",
    )


class DataRows(Struct, frozen=True):
    """The first and the last data row of a sheet (0-based), and the table around them, if any."""

    table_part: str
    table: TablePart | None
    first: int
    last: int


def plan_moves(
    rows: Sequence[Row], data: DataRows, values: Sequence[Sequence[Value]], own_rows: Rows | None
) -> tuple[Sequence[Row], Moves]:
    """Decide where the data rows go; returns the rows to write, with a blank one for a table without any."""
    first, last = data.first, data.last
    rows = [row for row in rows if row.was is None or row.was <= last or row.cells]
    persons = {row.was for row in rows if row.is_persons}
    others = [number for number in range(first, last + 1) if number not in persons]
    if data.table and len(rows) == len(persons):  # a table needs a data row (ECMA-376-1, 18.5.1.2)
        is_blank = others == [first] and not any(
            value is not None for line in values[first : first + 1] for value in line
        )
        rows = [Row(first if is_blank else None, {}), *rows]
    to = {row.was: first + index for index, row in enumerate(rows) if row.was is not None}
    own = own_rows or ((others[0], others[-1]) if others else None)
    new_own = [first + index for index, row in enumerate(rows) if not row.is_persons]
    own_span = (new_own[0], new_own[-1]) if new_own else None
    return rows, Moves(first, last, first + len(rows) - 1, to, own, own_span)


class _Pattern(NamedTuple):
    """The formula of a calculated column, the 0-based row that it stands in, and how its cell spreads it."""

    formula: str
    row: int
    is_array: bool  # it looks at whole ranges, where a plain formula takes one cell of each (18.3.1.40)
    metadata: str  # number of the cell's metadata, which tells a dynamic array from one of older versions


class Renewal:
    """One renewal of a sheet's data rows.

    New rows take over the formulas of the `calculated` columns. Rows whose text wraps, by one of the
    `wrapping` styles, are given the height that it needs: not every program fits it on opening. In a plain
    sheet (`is_plain` of `worksheet`) a cell is found by its opening tag.
    """

    def __init__(
        self,
        sheet: SheetXml,
        writer: CellWriter,
        moves: Moves,
        old_values: Sequence[Sequence[Value]],
        calculated: frozenset[int],
        wrapping: frozenset[str],
        *,
        is_plain: bool,
    ) -> None:
        self.sheet, self.writer, self.moves, self.old_values = sheet, writer, moves, old_values
        self.stays, self.is_plain = moves.nothing_moves, is_plain
        self.above: list[OldRow] = []
        self.data: dict[int, OldRow] = {}
        self.below: list[OldRow] = []
        for row in sheet.rows():
            if row.number < moves.first:
                self.above.append(row)
            elif row.number <= moves.last:
                self.data[row.number] = row
            else:
                self.below.append(row)
        self._refuse_without_room()
        below = self.below[-1].number + moves.shift if self.below else 0
        self.last_row = max(moves.new_last, min(below, LAST_ROW - 1))
        self.column_styles = sheet.column_styles()
        self.styles = dict(self.column_styles)
        self.pattern: dict[int, _Pattern] = {}  # formulas that a new row takes over
        self._take_over_from_old_rows(calculated)
        widths = sheet.column_widths() if wrapping else {}
        self.wrapped = {
            column: widths.get(column, 9.0) for column, style in self.styles.items() if style in wrapping
        }
        self.line_height = sheet.line_height()
        self.openings: dict[int, tuple[str, str]] = {}
        self.plans: dict[tuple[int, ...], list[int]] = {}

    def _refuse_without_room(self) -> None:
        """Raise WorkbookError where rows below would be pushed beyond the end of the sheet."""
        pushed = [
            row
            for row in self.below
            if self.moves.row(row.number) is None
            and any(cell.inside for cell in self.sheet.cells(row).values())
        ]
        if pushed or self.moves.new_last >= LAST_ROW:
            row = pushed[0].number if pushed else LAST_ROW - 1
            raise no_room(self.sheet.title, self.moves.shift, row)

    def _take_over_from_old_rows(self, calculated: frozenset[int]) -> None:
        """Take for new rows the usual styles of xlsync's first ones, and formulas of calculated columns."""
        first, last = self.moves.own_rows
        own = (row for row in self.data.values() if first <= row.number <= last)
        usual: dict[int, Counter[str]] = {}
        patterns: dict[int, dict[str, list[_Pattern]]] = {}  # by column, and by what they read in row 1
        for row in islice(own, _MODELS):
            for column, cell in self.sheet.cells(row).items():
                usual.setdefault(column, Counter())[cell.style] += 1
                match = self.sheet.formula.match(cell.inside.lstrip())
                if column in calculated and match and match[2]:
                    formula, is_array = unescape(match[2]), attribute(match[1], "t") == "array"
                    pattern = _Pattern(formula, row.number, is_array, attribute(cell.attributes, "cm"))
                    at_top = translated(formula, (row.number, column), (0, column))
                    patterns.setdefault(column, {}).setdefault(at_top, []).append(pattern)
        self.styles |= {column: count.most_common(1)[0][0] for column, count in usual.items()}
        for column, alike in patterns.items():
            self.pattern[column] = max(alike.values(), key=len)[0]

    def write(self, rows: Sequence[Row]) -> bool:
        """Replace the data rows by rows in a new order; False where nothing changes."""
        self.sheet.renewed = self._pieces(rows)
        if self.sheet.renewed is None:
            return False
        columns = [column for row in rows[:1] for column in row.cells]
        self.sheet.widen(self.moves.first, max(columns, default=0), last_row=self.last_row)
        return True

    def _pieces(self, rows: Sequence[Row]) -> list[bytes] | None:
        """Return the XML of all rows, or None where nothing changes."""
        moves = self.moves
        pieces = [self._aside(row) for row in self.above]
        same = self.stays
        levels = self._levels_of_new(rows)
        for place, row in enumerate(rows):
            number, old = moves.first + place, None if row.was is None else self.data.pop(row.was, None)
            if old is None:
                piece: str | None = self._new(number, row.cells, levels.get(place, 0))
            else:
                piece = self._renewed(number, old, row.cells)
            same = same and piece is None
            pieces.append(old.whole if piece is None and old is not None else (piece or "").encode())
        if same:
            return None
        return pieces + [self._aside(row) for row in self.below]

    def _levels_of_new(self, rows: Sequence[Row]) -> dict[int, int]:
        """Find the outline levels of new rows, by place: one between two rows of a group is of that group."""
        if not self.sheet.holds("outlineLevel"):
            return {}
        levels: dict[int, int] = {}
        waiting: list[int] = []  # new rows since the last old one
        above = 0
        for place, row in enumerate(rows):
            old = None if row.was is None else self.data.get(row.was)
            if old is None:
                waiting.append(place)
                continue
            level = int(number_of(old.attributes, "outlineLevel", 0))
            levels |= dict.fromkeys(waiting, min(above, level))
            above, waiting = level, []
        return levels

    def _aside(self, row: OldRow) -> bytes:
        """Return a row outside the data rows, with updated references."""
        sheet, moves = self.sheet, self.moves
        number = moves.row(row.number)
        if self.stays or (number == row.number and f"<{sheet.prefix}f" not in row.inside):
            return row.whole
        if number is None:  # a row without values that was pushed beyond the end of the sheet
            return b""
        inside = "".join(self._placed(cell, number, column) for column, cell in sheet.cells(row).items())
        return sheet.row_xml(row.attributes, number, inside).encode()

    def _placed(self, cell: OldCell, number: int, column: int, was: int | None = None) -> str:
        """Return a cell at its new place, with updated references; `was` is its data row, if any."""
        sheet, moves = self.sheet, self.moves
        p = sheet.prefix
        start = f'<{p}c r="'
        if f"<{p}f" not in cell.inside and cell.whole.startswith(start):
            rest = cell.whole[cell.whole.index('"', len(start)) :]
            return f"{start}{letters(column)}{number + 1}{rest}"
        opening = f'<{p}c r="{letters(column)}{number + 1}"{without_attributes(cell.attributes, "r")}'
        if not cell.inside:
            return f"{opening}/>"
        inside = cell.inside

        def moved(match: re.Match[str]) -> str:
            attributes = re.sub(
                r"""(\s(?:ref|r1|r2)\s*=\s*["'])([A-Z0-9:]+)(["'])""",
                lambda ref: f"{ref[1]}{moves.place_or_old(ref[2])}{ref[3]}",
                match[1],
            )
            old = unescape(match[2] or "")
            where = PointingCells(sheet.title, address(number, column))
            new = moves.formula(old, sheet.title, where=where, row=was)
            text = (match[2] or "") if new == old else escape_markup(new)
            return f"<{p}f{attributes}>{text}</{p}f>" if text else f"<{p}f{attributes}/>"

        if f"<{p}f" in inside:
            inside = sheet.formula.sub(moved, inside, count=1)
        return f"{opening}>{inside}</{p}c>"

    def _plan(self, cells: Mapping[int, Value | Cell]) -> list[int]:
        """The columns of a new row in order: its own and those that need a style or a formula."""
        key = tuple(cells)
        plan = self.plans.get(key)
        if plan is None:
            needed = {
                column
                for column, style in self.styles.items()
                if style != self.column_styles.get(column, "") or column in self.pattern
            }
            plan = self.plans[key] = sorted(needed | cells.keys())
            for column in plan:
                style = self.styles.get(column, "")
                self.openings[column] = (
                    f'<{self.sheet.prefix}c r="{letters(column)}',
                    f'" s="{style}"' if style and style != "0" else '"',
                )
        return plan

    def _new(self, number: int, cells: Mapping[int, Value | Cell], level: int) -> str:
        row, after_style, texts = str(number + 1), self.writer.after_style, self.writer.texts
        openings, styles, column_styles = self.openings, self.styles, self.column_styles
        parts: list[str] = []
        for column in self._plan(cells):
            content = cells.get(column)
            opening, style = openings[column]
            if column in self.pattern and column not in cells:
                end = self._filled(number, column)
            elif type(content) is str and content:
                end = texts[content]
            elif (content is None or content == "") and (
                styles.get(column, "") == column_styles.get(column, "")
            ):
                continue  # an absent cell looks the same
            else:
                end = after_style(content)
            parts.append(f"{opening}{row}{style}{end}")
        height = self._height(cells, ()) if self.wrapped else ""
        group = f' outlineLevel="{level}"' if level else ""
        return f'<{self.sheet.prefix}row r="{row}"{height}{group}>{"".join(parts)}</{self.sheet.prefix}row>'

    def _filled(self, number: int, column: int) -> str:
        """The formula of a calculated column in a new row, as the cell's XML from after its style on."""
        p, pattern = self.sheet.prefix, self.pattern[column]
        formula = self.moves.filled(pattern.formula, self.sheet.title, pattern.row, number)
        metadata = f' cm="{pattern.metadata}"' if pattern.metadata else ""
        spread = f' t="array" ref="{address(number, column)}"' if pattern.is_array else ""
        return f"{metadata}><{p}f{spread}>{escape_markup(formula)}</{p}f></{p}c>"

    def _height(self, cells: Mapping[int, Value | Cell], values: Sequence[Value]) -> str:
        """The height of a row as an attribute, if its text takes more than one line."""
        lines = 1
        for column, width in self.wrapped.items():
            content = cells[column] if column in cells else values[column] if column < len(values) else None
            if isinstance(content, str):
                lines = max(lines, wrapped_lines(content, width))
        return f' ht="{min(lines * self.line_height, HIGHEST_ROW):g}"' if lines > 1 else ""

    def _renewed(self, number: int, old: OldRow, wanted: Mapping[int, Value | Cell]) -> str | None:
        """Return an old row at its new place with its cells renewed; None where nothing changes."""
        values = self.old_values[old.number] if old.number < len(self.old_values) else ()
        cells = old.inside
        has_formula = f"<{self.sheet.prefix}f" in cells
        changed: Mapping[int, Value | Cell] = {}
        inside: str | None = None
        if number == old.number and not has_formula:
            changed = dict(self.writer.changes(values, wanted))
            if not changed:
                return None
            inside = self._replaced(cells, number, changed) if self.is_plain else None
        if inside is None:
            changed, inside = self._rewritten(number, old, wanted, values)
        if number == old.number and not changed and (self.stays or not has_formula):
            return None
        attributes = old.attributes
        if changed and self.wrapped and attribute(attributes, "customHeight") not in {"1", "true"}:
            attributes = without_attributes(attributes, "ht") + self._height(wanted, values)
        return self.sheet.row_xml(attributes, number, inside)

    def _replaced(self, cells: str, number: int, changed: Mapping[int, Value | Cell]) -> str | None:
        """Return the XML of a row's cells with some replaced; None where a cell is not there yet."""
        for column, content in changed.items():
            opening = f'<c r="{letters(column)}{number + 1}"'
            start = cells.find(opening)
            if start < 0 or isinstance(content, Cell):
                return None
            after = start + len(opening)
            style = cells[after + 4 : cells.index('"', after + 4)] if cells.startswith(' s="', after) else ""
            end = cells.find("<c ", after)
            rest = cells[end:] if end >= 0 else ""
            cells = cells[:start] + self.writer.cell(number, column, style, content) + rest
        return cells

    def _rewritten(
        self, number: int, old: OldRow, wanted: Mapping[int, Value | Cell], values: Sequence[Value]
    ) -> tuple[Mapping[int, Value | Cell], str]:
        """Return the cells of an old row that change, and the XML of all its cells at their new place."""
        sheet, writer = self.sheet, self.writer
        cells = sheet.cells(old)
        changed = {
            column: content
            for column, content in wanted.items()
            if not self._holds(old, column, cells.get(column), values, content)
        }
        row_style = sheet.row_style(old)
        inside: list[str] = []
        for column in sorted(cells.keys() | changed.keys()):
            cell = cells.get(column)
            if column in changed:
                style = cell.style if cell else row_style or self.styles.get(column, "")
                inside.append(writer.cell(number, column, style, changed[column]))
            elif number == old.number and (self.stays or f"<{sheet.prefix}f" not in cells[column].inside):
                inside.append(cells[column].whole)
            else:
                inside.append(self._placed(cells[column], number, column, old.number))
        return changed, "".join(inside)

    def _holds(
        self, row: OldRow, column: int, cell: OldCell | None, values: Sequence[Value], content: Value | Cell
    ) -> bool:
        """Return whether a cell already has the content that it should get."""
        if isinstance(content, Cell):
            if content.formula:
                same = self.writer.cell(row.number, column, cell.style, content) if cell else ""
                return cell is not None and cell.whole == same
            content = content.value
        if cell is None:
            return content is None or content == ""
        if f"<{self.sheet.prefix}f" in cell.inside:
            return False
        value = values[column] if column < len(values) else None
        if type(value) is type(content) and value == content:
            return True
        return self.writer.stored(value) == self.writer.stored(content)
