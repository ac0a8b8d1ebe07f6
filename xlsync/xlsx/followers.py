"""Everything of a workbook that points at renewed rows or lies beside them follows them, or is refused."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from xlsync.errors import WorkbookError
from xlsync.xlsx.annotations import notes_of
from xlsync.xlsx.cells import LAST_ROW, address
from xlsync.xlsx.formulas import names_sheet
from xlsync.xlsx.markup import attribute
from xlsync.xlsx.moves import Moves, listed
from xlsync.xlsx.objects import move_anchors, move_linked_cells, move_shapes
from xlsync.xlsx.parts import Parts
from xlsync.xlsx.ranges import row_span
from xlsync.xlsx.references import (
    cells_of_xml_map,
    follow_elsewhere,
    follow_in_relations,
    follow_on_another_sheet,
    is_apart,
    merged_or_linked,
    move_comments,
    move_named_views,
    move_pivot,
    move_sheet_rules,
    move_table,
    move_xml_map,
    parted_merges,
    pivot_cells,
    scenarios_of,
)
from xlsync.xlsx.renewal import no_room
from xlsync.xlsx.workbook_part import TablePart, with_names_moved
from xlsync.xlsx.worksheet import SheetXml

_PUT_ELSEWHERE: Final = "Put it below the rows, or on a sheet of its own, and try again."


class RenewalNotices:
    """Sentences about what renewals of a workbook's sheets could not leave as a person had it."""

    def __init__(self) -> None:
        self._renewals: list[tuple[str, Moves, list[str]]] = []

    def add(self, title: str, moves: Moves, notices: list[str]) -> None:
        """Add a renewal of the sheet `title`, and move the cells that earlier sentences name."""
        for _, earlier, _ in self._renewals:
            earlier.follow(title, moves)
        self._renewals.append((title, moves, notices))

    def __iter__(self) -> Iterator[str]:
        """Yield the sentences; cells are named by their present places."""
        for title, moves, notices in self._renewals:
            yield from (*notices, *moves.notices(title))


class Followers:
    """What follows the rows of the sheet `title`; `sheets` are the parts of all sheets.

    `own_table` is the part of the table of the rows, empty for none.
    """

    def __init__(
        self,
        parts: Parts,
        workbook: str,
        sheets: Mapping[str, str],
        title: str,
        moves: Moves,
        own_table: str,
    ) -> None:
        self._parts, self._workbook, self._sheets = parts, workbook, sheets
        self._title, self._moves, self._own_table = title, moves, own_table
        self._part = sheets[title]
        self.notices: list[str] = []  # what could not be left as a person had it

    def refuse_to_part(self, sheet: SheetXml) -> None:
        """Raise WorkbookError where rows would part that have to stay together; nothing was changed yet."""
        tables = [part for part in self._parts.related(self._part, "table") if part != self._own_table]
        whole = [("the table", TablePart(self._parts.text(part)).cells) for part in tables]
        pivots = self._parts.related(self._part, "pivotTable")
        whole += [("the pivot table", pivot_cells(self._parts.text(part))) for part in pivots]
        for tag in sheet.spread_formulas():
            is_what_if = attribute(tag, "t") == "dataTable"
            whole.append(("the what-if table" if is_what_if else "the array formula", attribute(tag, "ref")))
            places = [attribute(tag, name) or "A1" for name in ("r1", "r2")]
            if is_what_if and any(self._moves.place(place) is None for place in places):
                raise WorkbookError(
                    f"{self._title}!{attribute(tag, 'ref')}: this what-if table varies a cell of a row that "
                    "goes",
                    _PUT_ELSEWHERE,
                )
        for part in self._parts.related(self._part, "tableSingleCells"):
            for cell in cells_of_xml_map(self._parts.text(part)):
                if self._moves.place(cell) is None:
                    raise WorkbookError(
                        f"{self._title}!{cell}: an XML map fills this cell of a row that goes", _PUT_ELSEWHERE
                    )
        self._refuse_to_push([*(cells for _, cells in whole), *self._furnished(sheet)])
        for what, cells in whole:
            if is_apart(cells, self._moves):
                raise WorkbookError(
                    f"{self._title}!{cells}: {what} stands beside the rows of xlsync, which move apart",
                    _PUT_ELSEWHERE,
                )

    def _furnished(self, sheet: SheetXml) -> Iterator[str]:
        """Yield the cells with a note or a link, and those that are merged."""
        yield from merged_or_linked(sheet.after)
        for kind in ("comments", "threadedComment"):
            for part in self._parts.related(self._part, kind):
                yield from (address(*place) for place, _ in notes_of(self._parts.text(part)))

    def _refuse_to_push(self, references: Iterable[str]) -> None:
        """Raise WorkbookError where something below the rows would be pushed beyond the end of the sheet."""
        moves = self._moves
        for cells in references if moves.shift > 0 else ():
            rows = row_span(cells)
            if rows and rows[0] > moves.last and rows[1] + moves.shift >= LAST_ROW:
                raise no_room(self._title, moves.shift, rows[1])

    def follow(self, sheet: SheetXml) -> Iterator[tuple[str, str | bytes]]:
        """Change what stands below the rows in `sheet`; yield each other part that changes, with its content.

        Whoever calls it puts each part in place before asking for the next.
        """
        yield from self._follow_on_sheet(sheet)
        yield from self._follow_elsewhere()

    def _follow_on_sheet(self, sheet: SheetXml) -> Iterator[tuple[str, str]]:
        """Let everything of the sheet that points at the rows follow them."""
        moves, title = self._moves, self._title
        for cells in parted_merges(sheet.after, moves):
            self.notices.append(
                f"{title}!{cells} was merged, and no longer is: its rows do not stand together"
            )
        before = scenarios_of(sheet.after)
        sheet.after = move_sheet_rules(sheet.after, moves, title)
        self.notices += [
            f"{listed(cells)}: the {what} here is gone with its rows" for what, cells in moves.gone.items()
        ]
        after = scenarios_of(sheet.after)
        self.notices += [
            f"The scenario {name} of {title} is gone: it varied cells of rows that are gone"
            if name not in after
            else f"The scenario {name} of {title} lost {cells - after[name]} of its cells with their rows"
            for name, cells in sorted(before.items())
            if after.get(name, 0) < cells
        ]
        followers: tuple[tuple[str, Callable[[str], str]], ...] = (
            ("comments", lambda xml: move_comments(xml, moves)),
            ("threadedComment", lambda xml: move_comments(xml, moves)),
            ("vmlDrawing", lambda xml: move_linked_cells(move_shapes(xml, moves), moves, title)),
            ("drawing", lambda xml: move_linked_cells(move_anchors(xml, moves), moves, title)),
            ("pivotTable", lambda xml: move_pivot(xml, moves)),
            ("tableSingleCells", lambda xml: move_xml_map(xml, moves)),
            ("namedSheetView", lambda xml: move_named_views(xml, moves)),
            ("ctrlProp", lambda xml: move_linked_cells(xml, moves, title)),
        )
        for kind, move in followers:
            for part in self._parts.related(self._part, kind):
                yield part, move(self._parts.text(part))
        for part in self._parts.related(self._part, "table"):
            yield part, move_table(self._parts.text(part), moves, title, is_own=part == self._own_table)
        yield self._workbook, with_names_moved(self._parts.text(self._workbook), moves, title)

    def _follow_elsewhere(self) -> Iterator[tuple[str, str | bytes]]:
        """Let formulas of other sheets, and charts and pivot tables anywhere, follow the rows."""
        moves, title = self._moves, self._title
        sheets = {part: sheet for sheet, part in self._sheets.items() if sheet != title}
        own = {self._workbook, self._part}
        for kind in ("drawing", "vmlDrawing", "ctrlProp", "table"):
            own |= set(self._parts.related(self._part, kind))
        for part in self._parts.names:
            if part.casefold().endswith(".rels") and b"#" in self._parts.utf8(part):
                yield part, follow_in_relations(self._parts.text(part), moves, title)
            if part in own or not part.casefold().endswith((".xml", ".vml")):
                continue
            data = self._parts.utf8(part)
            if names_sheet(data, title):
                if part in sheets and b"shared" in data:
                    with self._parts.as_text(part):
                        sheet = SheetXml(data.removeprefix(BOM_UTF8), sheets[part])
                    sheet.unshare()
                    yield part, sheet.encoded()
                xml = self._parts.text(part)
                yield (
                    part,
                    follow_on_another_sheet(xml, moves, title, sheets[part])
                    if part in sheets
                    else follow_elsewhere(xml, moves, title),
                )
            elif any(mark in data for mark in (b"worksheetSource", b"rangeSet", b"dataRef")):
                yield part, follow_elsewhere(self._parts.text(part), moves, title)
