"""Left over: what a person put beside rows that are gone, on a sheet of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from xlsync.amounts import shortened
from xlsync.apply.plan import LOST, State, is_carried_out
from xlsync.apply.spent_approvals import TAKEN_BACK, is_proven
from xlsync.models import MismatchKind
from xlsync.printable import cut
from xlsync.workbook.edits.cells import has_yes
from xlsync.workbook.layout import BILLING_LINES, MISMATCHES, NEW, PICKED_HEADERS
from xlsync.workbook.read import Book, SheetRow
from xlsync.xlsx.annotations import CellLook
from xlsync.xlsx.cells import HIGHEST_ROW, Cell, Position, Row, Value, letters, wrapped_lines
from xlsync.xlsx.formulas import translated
from xlsync.xlsx.reading import value_at

LEFT_OVER: Final = "Left over"
_HEADERS: Final = ("Sheet", "Row", "Column", "What", "Content", "Moved on")
_WIDTHS: Final = (20, 90, 22, 20, 60, 18)
_CONTENT: Final = _HEADERS.index("Content")
_LINE: Final = 15.0  # points
_FREE_TEXTS: Final = ("Note", "Reason")  # inputs in which people write for themselves
_MOST_NAMED: Final = 10  # rows in one notice
_OF_RUNS: Final = (
    TAKEN_BACK,
    f"partly {TAKEN_BACK}",
    *(f"{state}: " for state in LOST),
)  # a *Result* begins so
_MOST_COLOURED: Final = 3  # cells of one colour in a row: more of them are the row's colour
_LONGEST: Final = 300  # characters of a text in a notice

Kind = Literal[
    "Text",
    "Note",
    "Link",
    "Colour",
    "Font",
    "Border",
    "Picture",
    "Text box",
    "Picture in the cell",
    "Data type",
]
_DRAWN: Final = ("Picture", "Text box")


class LeftOver(Struct, frozen=True):
    """One thing of a person's beside a row that is gone."""

    sheet: str
    number: int  # 0-based, of the row
    row: str  # what the row was about
    column: str
    kind: Kind
    content: Value
    style: str = ""  # index of the cell's style
    rich: str = ""  # number of the metadata of a picture in the cell, or of a value of a data type

    @property
    def notice(self) -> str:
        """The sentence in which check names the thing and its new place."""
        text = "" if self.content is None else f" ({_cut(str(self.content))})"
        return (
            f"The row of {self.row} is gone from {self.sheet}: the {self.kind.lower()} beside it, in "
            f"{self.column}{text}, was moved to the sheet {LEFT_OVER}"
        )


def _cut(text: str) -> str:
    return cut(" ".join(text.split()), _LONGEST)


def move_left_over(book: Book, title: str, rows: Sequence[Row], moved_on: str) -> list[str]:
    """Move to *Left over* what a person put beside the rows of a sheet that are not among its new rows.

    Returns sentences about what was moved, about objects that cannot be, and about decisions on such rows.
    """
    stays = {row.was for row in rows}
    gone = [row for row in book.rows[title] if row.number not in stays]
    if not gone:
        return []
    things = list(_left_over(book, title, gone))
    _write_left_over(book, things, moved_on)
    notices = [thing.notice for thing in things]
    return [*notices, *_tell_staying(book, title, gone), *_tell_lost_decisions(title, gone)]


def _tell_staying(book: Book, title: str, gone: Sequence[SheetRow]) -> Iterator[str]:
    """Name in a sentence each object beside a row that goes which cannot be moved, such as a button."""
    rows = {row.number: row for row in gone}
    for drawn in book.package.annotations(title).objects(rows):
        name = f" ({_cut(drawn.name)})" if drawn.name else ""
        yield (
            f"The row of {_about(rows[drawn.row])} is gone from {title}: the {drawn.kind} beside it{name} "
            "stays where it is, beside another row: move or delete it"
        )


def _tell_lost_decisions(title: str, gone: Sequence[SheetRow]) -> list[str]:
    """Name in a sentence the rows that go with a Yes without a *Result*, or with a link chosen just now."""
    if title == BILLING_LINES.title:
        sentence = f"What was chosen on a line that is gone from {title} is not used"
        chosen = (
            (row, [row.text(header) for header in PICKED_HEADERS if row.is_edited(header)]) for row in gone
        )
        names = [f"{_about(row)} ({', '.join(filter(None, texts))})" for row, texts in chosen if any(texts)]
    else:
        sentence = f"No write follows from a Yes whose row is gone from {title}"
        names = [_about(row) for row in gone if has_yes(row) and not _has_outcome(row.text("Result"))]
    return [f"{sentence}: {shortened(names, _MOST_NAMED, '; ', '; and ')}"] if names else []


def _has_outcome(result: str) -> bool:
    return is_carried_out(result) or result.startswith(State.UNKNOWN)


def find_furnished(book: Book, title: str) -> list[int]:
    """Find a person's rows among those of xlsync that hold no value, but a note, colour, line or the like."""
    numbers = {row.number for row in book.rows[title]}
    others = {*numbers, *book.others[title]}
    empty = {n for n in range(min(numbers), max(numbers) + 1) if n not in others} if numbers else set()
    if not empty:
        return []
    package = book.package
    own = package.annotations(title)
    holding = {row for row, _ in (*own.notes(), *own.links())}
    holding |= {drawn.row for drawn in own.objects(empty)} | set(own.pictures(empty))
    looks = _Looks(book, title, numbers)  # a row that was cleared has the colours of xlsync
    of_rows = package.row_styles(title)  # Excel writes no empty cell of a row that was coloured as a whole
    styles = (*of_rows.items(), *((row, style) for (row, _), style in looks.styles.items()))
    holding |= {row for row, style in styles if row in empty and looks.is_seen(style)}
    return sorted(empty & holding)


def _left_over(book: Book, title: str, gone: Sequence[SheetRow]) -> Iterator[LeftOver]:
    package = book.package
    grid, formulas = package.grid(title), package.formulas(title)
    own = package.annotations(title)
    notes, links = own.notes(), own.links()
    headers = {column: header for header, column in book.columns[title].items()}
    looks = _Looks(book, title, {row.number for row in book.rows[title]})
    styles = looks.styles
    columns: dict[int, set[int]] = {row.number: set() for row in gone}
    filled = _filled_down(formulas, {row.number for row in book.rows[title]} - columns.keys())
    for number, column in (*styles, *notes, *links):  # a note or a link may be on a cell that is not there
        if number in columns:
            columns[number].add(column)
    noted = book.about.noted_rows
    pictures, rich_values = own.pictures(columns), own.rich_values()
    for row in gone:
        about = _about(row)
        line = grid[row.number] if row.number < len(grid) else ()
        marked: dict[CellLook, list[tuple[str, Value, str]]] = {}  # column, value and style, by look
        for column in sorted({*range(len(line)), *columns[row.number]}):
            place, header = (row.number, column), headers.get(column)
            name = header or _own_header(grid, book.header_rows[title], column)
            value = line[column] if column < len(line) else None
            content: Value = f"={formulas[place]}" if place in formulas else value
            style = styles.get(place, "")
            is_noted = row.key in noted
            is_written = (
                content is not None if header is None else _is_free_text(row, header, is_noted=is_noted)
            )
            stands_elsewhere = place in formulas and (column, _at_top(formulas[place], place)) in filled
            is_written = is_written and not stands_elsewhere
            if is_written and (rich := rich_values.get(place)):
                cell_kind: Kind = "Picture in the cell" if rich.is_picture else "Data type"
                yield LeftOver(title, row.number, about, name, cell_kind, None, style, rich.number)
            elif is_written:
                yield LeftOver(title, row.number, about, name, "Text", content, style)
            elif any(mark := looks.mark(*place)):
                marked.setdefault(mark, []).append((name, value, style))
            if place in notes:
                yield LeftOver(title, row.number, about, name, "Note", notes[place])
            if place in links:
                yield LeftOver(title, row.number, about, name, "Link", links[place])
        for mark, cells in marked.items():
            mark_kind: Kind = "Font" if mark.emphasis else "Border"
            mark_kind = "Colour" if mark.fill or mark.colour else mark_kind
            for name, value, style in _as_whole_row(mark, cells):
                yield LeftOver(title, row.number, about, name, mark_kind, value, style)
        for text in pictures.get(row.number, ()):
            kind: Kind = "Text box" if text else "Picture"
            yield LeftOver(title, row.number, about, "the row", kind, text or None)


class _Looks:
    """The looks of the cells of a sheet, whose columns usually look as in most of these rows."""

    def __init__(self, book: Book, title: str, rows: set[int]) -> None:
        package = book.package
        self._looks, self.styles = package.annotations(title).looks(), package.styles(title)
        self._columns = package.column_styles(title)
        counts: dict[int, Counter[CellLook]] = {}
        for (number, column), style in self.styles.items():
            if number in rows:
                counts.setdefault(column, Counter())[self._look(style)] += 1
        self._usual: dict[int, CellLook] = {}
        for column, count in counts.items():
            count[self._look_of_absent(column)] += len(rows) - count.total()
            self._usual[column] = count.most_common(1)[0][0]

    def _look(self, style: str) -> CellLook:
        number = int(style) if style.isdigit() else 0
        return self._looks[number] if number < len(self._looks) else CellLook()

    def _look_of_absent(self, column: int) -> CellLook:
        return self._look(self._columns.get(column, ""))

    def mark(self, row: int, column: int) -> CellLook:
        """What stands out in a cell as usual cells of its column do not."""
        if (row, column) not in self.styles:
            return CellLook()
        look = self._look(self.styles[row, column])
        usual = self._usual.get(column) or self._look_of_absent(column)
        return CellLook(*(own if own != other else "" for own, other in zip(look, usual, strict=True)))

    def is_seen(self, style: str) -> bool:
        """Return whether a style has a background, or lines, that are usual in no column."""
        look = self._look(style)
        usual = {(other.fill, other.border) for other in self._usual.values()}
        return any(
            own and all(own != other[n] for other in usual) for n, own in enumerate((look.fill, look.border))
        )


def _as_whole_row(mark: CellLook, cells: list[tuple[str, Value, str]]) -> list[tuple[str, Value, str]]:
    """The cells of one look in a row, or the row itself where there are many."""
    if len(cells) <= _MOST_COLOURED:
        return cells
    value = None if mark.fill else next((value for _, value, _ in cells if value is not None), None)
    return [("the row", value, cells[0][2])]


def _filled_down(formulas: Mapping[Position, str], rows: set[int]) -> set[tuple[int, str]]:
    """The formulas of rows by column, as they would read in the first row of the sheet."""
    return {(place[1], _at_top(formula, place)) for place, formula in formulas.items() if place[0] in rows}


def _at_top(formula: str, place: Position) -> str:
    return translated(formula, place, (0, place[1]))


def _is_free_text(row: SheetRow, header: str, *, is_noted: bool) -> bool:
    """Return whether a person wrote in a cell of xlsync's: no choice or value, but a text of their own.

    `is_noted` tells that a run wrote the row's *Result*.
    """
    text = row.text(header)
    if not text or not row.is_edited(header):
        return False
    if header == "Result":
        return not is_proven(text, is_noted=is_noted) and not text.startswith(_OF_RUNS)
    if header == "Mismatch":
        return text != MismatchKind.CHANGED_SINCE_EXPORT
    is_input = any(column.is_input for column in row.sheet.columns if column.header == header)
    return header in _FREE_TEXTS or not is_input


def _own_header(grid: Sequence[Sequence[Value]], header_row: int, column: int) -> str:
    """Return the header of a person's own column, else the column's letters."""
    text = value_at(grid, header_row, column)
    return str(text) if text is not None else f"column {letters(column)}"


def _about(row: SheetRow) -> str:
    names = ("Kind", "For") if row.sheet is NEW else ("Customer", "Product", "Agreement")
    texts = [row.text(name) for name in names if name in row.columns]
    return " · ".join(text for text in texts if text) or row.key


def _write_left_over(book: Book, things: Sequence[LeftOver], moved_on: str) -> None:
    """Append things to the sheet *Left over*, which is made when first needed, with headers like theirs."""
    if not things:
        return
    package, first_sheet = book.package, things[0].sheet
    known = {title.casefold(): title for title in package.sheets}  # Excel knows no case in titles
    title = known.get(LEFT_OVER.casefold(), LEFT_OVER)
    if title not in package.sheets:
        header = (book.header_rows[first_sheet], book.columns[first_sheet].get("Customer", 0))
        package.add_sheet(title, _HEADERS, _WIDTHS, package.styles(first_sheet).get(header, ""))
    first = len(package.grid(title))
    cells: dict[Position, Value | Cell] = {}
    heights: dict[int, float] = {}
    explained = book.columns[MISMATCHES.title].get("Explanation", -1)
    wrapping = package.column_styles(MISMATCHES.title).get(explained, "")
    for number, thing in enumerate(things, first):
        values = (thing.sheet, thing.row, thing.column, thing.kind, thing.content, moved_on)
        cells |= {(number, column): value for column, value in enumerate(values)}
        style = thing.style or (wrapping if isinstance(thing.content, str) else "")
        cells[number, _CONTENT] = Cell(thing.content, style=style, rich=thing.rich)
        if isinstance(thing.content, str) and (lines := wrapped_lines(thing.content, _WIDTHS[_CONTENT])) > 1:
            heights[number] = min(lines * _LINE, HIGHEST_ROW)
    package.change_cells(title, cells)
    package.set_heights(title, heights)
    for sheet in dict.fromkeys(thing.sheet for thing in things):
        rows: dict[int, list[int]] = {}
        for number, thing in enumerate(things, first):
            if thing.kind in _DRAWN and thing.sheet == sheet:
                rows.setdefault(thing.number, []).append(number)
        if rows:
            package.move_pictures(sheet, title, rows, len(_HEADERS))
