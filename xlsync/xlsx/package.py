"""One .xlsx workbook as its parts, changed only where asked: the one place that owns the file format.

An export is the template with its rows renewed; a check is a person's workbook with xlsync's rows renewed;
an apply is a person's workbook with single cells changed. Every other part stays as it was, byte for byte,
with two exceptions: the calculation chain goes when a formula moves or goes (Excel builds it anew, and calls
a workbook damaged whose chain names a cell without a formula), as does the list of cells that wait for other
programs; and a workbook with formulas is marked to be calculated when it is opened, since their values may be
out of date.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Final, Self

from xlsync.errors import WorkbookError
from xlsync.files import SAVE_AGAIN, digest_of, read_file, write_file
from xlsync.xlsx.additions import add_worksheet, drawing_of, move_pictures, with_drawing
from xlsync.xlsx.annotations import pictures_of
from xlsync.xlsx.cell_changes import change_cells, set_heights
from xlsync.xlsx.cells import Cell, CellWriter, Position, Row, Value
from xlsync.xlsx.followers import Followers, RenewalNotices
from xlsync.xlsx.lengths import Ends, parts_with_lengths
from xlsync.xlsx.markup import ANY_PREFIX
from xlsync.xlsx.parts import Parts, packed, unpacked
from xlsync.xlsx.ranges import Rows
from xlsync.xlsx.reading import Grid, last_filled, read_values
from xlsync.xlsx.renewal import DataRows, Renewal, plan_moves
from xlsync.xlsx.sheet_annotations import SheetAnnotations
from xlsync.xlsx.workbook_part import (
    TablePart,
    calculated_when_opened,
    counts_from_1904,
    defined_names,
    is_workbook,
    sheets_of,
    with_name,
    with_sheet,
    workbook_of,
    wrapping_styles,
)
from xlsync.xlsx.worksheet import SheetXml, is_plain

_MOST_CELLS: Final = 12_000_000  # of one sheet's rectangle


class Package:
    """One .xlsx workbook, all parts in memory, changed only where asked."""

    def __init__(self, parts: Parts) -> None:
        self.name = parts.workbook
        self.digest = ""  # of the file as it was read, or saved last
        self._parts = parts
        self._grids: dict[str, Grid] = {}  # of parts that did not change since
        self._cut: dict[str, SheetXml] = {}
        self._plain: dict[str, bool] = {}
        self.notices = RenewalNotices()
        self._workbook = self._find_workbook()
        self._sheets = self._find_sheets()
        self._from_1904 = counts_from_1904(parts.text(self._workbook))

    # opening

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a workbook; WorkbookError for whatever cannot be one."""
        return cls.from_bytes(read_file(path), path.name)

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "the workbook") -> Self:
        """Read a workbook from memory; `name` is for messages."""
        package = cls(unpacked(data, name))
        package.digest = digest_of(data)
        return package

    def _find_workbook(self) -> str:
        if not self._parts.has_types:
            raise WorkbookError(f"{self.name} is not an Excel workbook.", SAVE_AGAIN)
        parts = self._parts.related("", "officeDocument")
        if not parts:
            raise WorkbookError(
                f"{self.name} is damaged: it has no workbook part", "Take a backup, or export again."
            )
        if parts[0].casefold().endswith(".bin"):
            raise WorkbookError(f"{self.name} is a binary workbook (.xlsb)", SAVE_AGAIN)
        if not is_workbook(self._parts.text(parts[0])):
            raise WorkbookError(f"{self.name} is not an Excel workbook.", SAVE_AGAIN)
        return parts[0]

    def _find_sheets(self) -> dict[str, str]:
        targets = self._parts.relations(self._workbook)
        sheets: dict[str, str] = {}
        for title, id_ in sheets_of(self._parts.text(self._workbook)):
            _, part = targets.get(id_, ("", ""))
            if part not in self._parts:
                raise WorkbookError(
                    f"{self.name} is damaged: the sheet {title} is missing", "Take a backup of it."
                )
            sheets[title] = part
        if not sheets:
            raise WorkbookError(f"{self.name} has no sheets", SAVE_AGAIN)
        return sheets

    def hold_compressed(self) -> None:
        """Take less memory until the sheets are renewed: large parts are held compressed."""
        self._cut.clear()
        self._parts.hold_compressed()

    def _put(self, part: str, content: str | bytes) -> None:
        if self._parts.put(part, content):
            self._grids.pop(part, None)
            self._cut.pop(part, None)
            self._plain.pop(part, None)

    # reading

    @property
    def sheets(self) -> tuple[str, ...]:
        """The titles of all sheets, in order."""
        return tuple(self._sheets)

    def grid(self, title: str) -> Grid:
        """The values of a sheet from A1 on, 0-based; numbers as Decimal, dates as dates, empty as None."""
        self.read_grids([title])
        return self._grids[self._part(title)]

    def read_grids(self, titles: Iterable[str], texts: dict[str, str] | None = None) -> None:
        """Read the values of these sheets at once: for each reading the package is opened anew.

        Texts that are known already are taken from `texts`, which learns the others.
        """
        new = [title for title in titles if self._part(title) not in self._grids]
        for title in new:  # calamine makes room for the whole rectangle, or aborts
            if not self._is_plain(self._part(title)) and self._sheet(title).is_far_flung(_MOST_CELLS):
                raise WorkbookError(
                    f"the sheet {title} of {self.name} has a cell far away from all others",
                    "Delete the rows and columns around it.",
                )
        if not new:
            return
        known = {} if texts is None else texts
        for title, grid in read_values(self._to_be_read(new), new, self.name, known):
            if not self._is_plain(self._part(title)):
                for (row, column), text in self._sheet(title).errors():
                    if row < len(grid) and column < len(grid[row]):
                        grid[row][column] = text
            self._grids[self._part(title)] = grid

    def formulas(self, title: str) -> dict[Position, str]:
        """The formulas of a sheet by 0-based row and column, without `=`."""
        return {} if self._is_plain(self._part(title)) else self._sheet(title).formulas()

    def annotations(self, title: str) -> SheetAnnotations:
        """Return what a person put on the cells of a sheet, as the sheet is now."""
        return SheetAnnotations(self._parts, self._workbook, self._part(title), self._sheet(title))

    def styles(self, title: str) -> dict[Position, str]:
        """The index of the style of each cell of a sheet that is there."""
        return dict(self._sheet(title).styles())

    def row_styles(self, title: str) -> dict[int, str]:
        """The index of the style of the cells of each row that are not there yet, where it has one."""
        sheet = self._sheet(title)
        return {row.number: style for row in sheet.rows() if (style := sheet.row_style(row))}

    def column_styles(self, title: str) -> dict[int, str]:
        """The index of the style of the cells of each column that are not there yet."""
        return self._sheet(title).column_styles()

    def filtered_out(self, title: str) -> frozenset[int]:
        """The rows of a sheet, 0-based, that are hidden while a filter of its tables, or its own, is set."""
        parts = (self._part(title), *self._parts.related(self._part(title), "table"))
        is_filtered = any(b"filterColumn" in self._parts.utf8(part) for part in parts)
        return frozenset(self._sheet(title).hidden_rows() if is_filtered else ())

    def _is_plain(self, part: str) -> bool:
        if part not in self._plain:
            self._plain[part] = is_plain(self._parts.utf8(part))
        return self._plain[part]

    def _sheet(self, title: str) -> SheetXml:
        """The sheet's part as it is now, to be read."""
        part = self._part(title)
        if part not in self._cut:
            with self._parts.as_text(part):
                self._cut[part] = SheetXml(self._parts.utf8(part).removeprefix(BOM_UTF8), title)
        return self._cut[part]

    def _sheet_to_change(self, title: str) -> SheetXml:
        self._sheet(title)
        return self._cut.pop(self._part(title))

    def _part(self, title: str) -> str:
        part = self._sheets.get(title)
        if part is None:
            known = ", ".join(self.sheets)
            raise WorkbookError(
                f"{self.name} has no sheet {title}; its sheets are {known}",
                "Use a workbook made by xlsync export.",
            )
        return part

    @property
    def saved_by(self) -> str:
        """The program that saved it last, in its own words; empty where it does not say."""
        for part in self._properties("extended"):
            if match := re.search(rf"<{ANY_PREFIX}Application>([^<]*)<", self._parts.text(part)):
                return match[1].strip()
        return ""

    def _properties(self, kind: str) -> Sequence[str]:
        """The parts of a kind of properties of the document; the strict variant names them otherwise."""
        return [*self._parts.related("", f"{kind}-properties"), *self._parts.related("", f"{kind}Properties")]

    @property
    def warnings(self) -> Iterator[str]:
        """Yield what a change of the workbook breaks, or what hinders the next person from editing it."""
        if self._parts.related("", "origin"):  # of digital signatures
            yield "The workbook is digitally signed, and changing it breaks the signature: sign it again"
        final = re.compile(r"""["']_MarkAsFinal["'][^>]*>\s*<[^>]*>\s*(?:true|1)\s*<""")
        for part in self._properties("custom"):
            if final.search(self._parts.text(part)):
                yield "The workbook is marked as final: Excel asks before anybody edits it"

    def names(self) -> dict[str, str]:
        """The defined names of the whole workbook, and what they stand for."""
        return defined_names(self._parts.text(self._workbook))

    def set_name(self, name: str, reference: str) -> None:
        """Let a defined name of the whole workbook stand for a reference such as `Lists!$A$2:$A$9`."""
        self._put(self._workbook, with_name(self._parts.text(self._workbook), name, reference))

    # changing

    def change_cells(self, title: str, cells: Mapping[Position, Value | Cell]) -> None:
        """Write single cells (0-based row and column), which keep their style; nothing else changes."""
        if not cells:
            return
        sheet = self._sheet_to_change(title)
        self._changed(title, sheet, formula_went=change_cells(sheet, self._writer(sheet.prefix), cells))

    def follow_lengths(self, title: str, ends: Ends) -> None:
        """Let all ranges over whole columns of a sheet end where these columns end from now on."""
        for part, content in parts_with_lengths(self._parts, self._part(title), title, ends):
            self._put(part, content)

    def set_heights(self, title: str, heights: Mapping[int, float]) -> None:
        """Give rows (0-based) a height in points, but for those that a person made as high as they are."""
        sheet = self._sheet_to_change(title)
        set_heights(sheet, heights)
        self._changed(title, sheet, formula_went=False)

    def add_sheet(self, title: str, header: Sequence[str], widths: Sequence[float], style: str) -> None:
        """Add a sheet at the end, with a row of headers in a style that stays in sight."""
        part, entry = add_worksheet(self._parts, self._workbook, next(iter(self._sheets.values())), widths)
        self._put(self._workbook, with_sheet(self._parts.text(self._workbook), title, entry))
        self._sheets[title] = part
        cells = {(0, column): Cell(text, style=style) for column, text in enumerate(header)}
        self.change_cells(title, cells)

    def move_pictures(self, title: str, to: str, rows: Mapping[int, Sequence[int]], column: int) -> None:
        """Move what `pictures` finds in these rows to a column of another sheet, each to a row of its own."""
        heights: dict[int, float] = {}
        waiting = {row: deque(targets) for row, targets in rows.items()}
        for drawing in self._parts.related(self._part(title), "drawing"):
            if not any(pictures_of(self._parts.text(drawing), rows)):
                continue
            target, relation = drawing_of(self._parts, self._part(to), drawing, self._part(title))
            if relation:
                changed = self._sheet_to_change(to)
                kind = self._parts.kind_of(self._part(to), relation)
                changed.after = with_drawing(changed.after, changed.prefix, relation, kind)
                self._put(self._part(to), changed.encoded())
            heights |= dict(move_pictures(self._parts, drawing, title, target, waiting, column))
        line = self._sheet(to).line_height()
        self.set_heights(to, {row: max(height, line) for row, height in heights.items()})

    def replace_rows(
        self,
        title: str,
        rows: Sequence[Row],
        *,
        columns: Collection[int] = (),
        header_row: int | None = None,
        own_rows: Rows | None = None,
    ) -> Mapping[int, int]:
        """Renew the data rows of a sheet: below `header_row`, else below the header of its table, or row 1.

        Its table is the one that stands in most of `columns`, which are those of the rows if none are given.
        `own_rows` are the first and the last row of xlsync's, if known. The data rows end with the table, or
        with the last of those where that is further down; without both, with the last row that holds
        something. Those that no item names in `was` go; what stands below them stays below them. Returns the
        new place of each row that was named.
        """
        values = self.grid(title)
        columns = set(columns) or {column for row in rows for column in row.cells}
        data = self._find_data_rows(title, columns, values, header_row, own_rows)
        named = [row.was for row in rows if row.was is not None]
        rows, moves = plan_moves(rows, data, values, own_rows)
        if len(set(named)) != len(named) or any(not data.first <= old <= data.last for old in moves.to):
            raise ValueError("a row may be taken once, and from the data rows only")
        went = {old: moves.to.get(old, old + moves.shift) for old in named}
        is_plain = self._is_plain(self._part(title))
        if moves.nothing_moves and is_plain and self._writer().all_hold(values, rows):
            return went
        sheet = self._sheet_to_change(title)
        had_formulas = sheet.holds(f"<{sheet.prefix}f")
        writer = self._writer(sheet.prefix)
        calculated = data.table.calculated if data.table else frozenset()
        changing = {row.was: row.cells for row in rows if row.was is not None}
        if not moves.nothing_moves or sheet.has_shared(changing):
            sheet.unshare()
        followers = Followers(self._parts, self._workbook, self._sheets, title, moves, data.table_part)
        if not moves.nothing_moves:
            followers.refuse_to_part(sheet)
        renewal = Renewal(sheet, writer, moves, values, calculated, self._wrapping(), is_plain=is_plain)
        if not renewal.write(rows):
            return went
        if not moves.nothing_moves:
            for part, content in followers.follow(sheet):
                self._put(part, content)
            self.notices.add(title, moves, followers.notices)
        del renewal, values, writer  # they hold the old rows and their texts
        self._grids.pop(self._sheets[title], None)
        self._changed(title, sheet, formula_went=had_formulas)
        return went

    def _find_data_rows(
        self,
        title: str,
        columns: Set[int],
        values: Sequence[Sequence[Value]],
        header_row: int | None,
        own_rows: Rows | None,
    ) -> DataRows:
        """Find a sheet's data rows, and the table around them that stands in most of `columns`, if any."""
        tables = {
            part: known
            for part in self._parts.related(self._sheets[title], "table")
            if (known := TablePart(self._parts.text(part))) and (not columns or columns & set(known.columns))
        }
        part = max(tables, key=lambda part: len(columns & set(tables[part].columns)), default="")
        table = tables.get(part)
        if table and header_row is None:
            return DataRows(part, table, table.first, table.last)
        if table and header_row == table.first - 1:
            return DataRows(part, table, table.first, max(table.last, own_rows[1] if own_rows else 0))
        # the table was made a plain range, or lags behind rows that were inserted
        first = (header_row or 0) + 1
        last = own_rows[1] if own_rows else last_filled(values, first, columns)
        if table and (table.last < first - 1 or table.first > last):  # a person's, above or below the rows
            part, table = "", None
        return DataRows(part, table, first, last)

    def _writer(self, prefix: str = "") -> CellWriter:
        return CellWriter(prefix, from_1904=self._from_1904)

    def _wrapping(self) -> frozenset[str]:
        """The cell styles that wrap text."""
        styles = self._parts.related(self._workbook, "styles")
        return frozenset(style for part in styles for style in wrapping_styles(self._parts.text(part)))

    def _changed(self, title: str, sheet: SheetXml, *, formula_went: bool) -> None:
        self._put(self._sheets[title], sheet.encoded())
        if formula_went:
            for kind in ("calcChain", "volatileDependencies"):
                for part in self._parts.related(self._workbook, kind):
                    self._parts.drop(part, self._workbook)
        workbook = self._parts.text(self._workbook)
        marked = calculated_when_opened(workbook)
        if marked != workbook and any(map(self._has_formulas, self._sheets.values())):
            self._put(self._workbook, marked)

    def _has_formulas(self, part: str) -> bool:
        """Return whether a sheet may hold a formula; plain sheets, which most are, hold none."""
        return not self._is_plain(part) and bool(
            re.search(rf"<{ANY_PREFIX}f[\s>]".encode(), self._parts.utf8(part))
        )

    # saving

    def to_bytes(self) -> bytes:
        """The workbook as a file's content; a part that was not changed stands there as it was read."""
        return packed(self._parts.all())

    def _to_be_read(self, titles: Collection[str]) -> bytes:
        """A workbook of these sheets alone, for a reader that knows parts by their usual names only."""
        sheets = {f"xl/worksheets/sheet{n}.xml": title for n, title in enumerate(titles, 1)}
        parts = {part: self._parts.utf8(self._part(title)) for part, title in sheets.items()}
        for kind in ("styles", "sharedStrings"):
            for part in self._parts.related(self._workbook, kind)[:1]:
                parts[f"xl/{kind}.xml"] = self._parts.utf8(part)
        parts |= workbook_of(tuple(sheets.values()), from_1904=self._from_1904)
        return packed(parts.items())

    def save(self, path: Path, *, backup: Path | None = None) -> None:
        """Write the workbook in one step: the old file or the new one is there, never a half.

        `backup` gets a copy of the old file first.
        """
        data = self.to_bytes()
        write_file(path, data, backup)
        self.digest = digest_of(data)

    def is_still(self, path: Path) -> bool:
        """Return whether a file is as it was read, or saved last."""
        return digest_of(read_file(path)) == self.digest
