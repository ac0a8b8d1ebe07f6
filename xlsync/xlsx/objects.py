"""Objects that lie on a sheet follow its rows: pictures, charts, text boxes, buttons, the boxes of notes.

XML text in, XML text out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from xlsync.xlsx.annotations import ROW_HEIGHT, ROWS_OF_SMALL, is_note, is_picture
from xlsync.xlsx.cells import LAST_ROW, escape_markup
from xlsync.xlsx.formulas import Reference, with_references
from xlsync.xlsx.markup import ANY_PREFIX, attribute, with_texts_changed
from xlsync.xlsx.moves import Moves

_ANCHOR: Final = re.compile(
    rf"<({ANY_PREFIX}(?:twoCellAnchor|oneCellAnchor|anchor))(?=[\s>])[^>]*>.*?</\1\s*>", re.DOTALL
)
_LINKED_CELLS: Final = re.compile(  # of buttons, text boxes and pictures of cells
    r"\s(?:fmla(?:Link|Range|Group|Txbx)|linkedCell|listFillRange|textlink|cellRange)\s*=\s*"
    r"""(?:"[^"]*"|'[^']*')"""
)
_CELLS_IN_SHAPES: Final = re.compile(rf"(<{ANY_PREFIX}Fmla(?:Link|Range|Group|Txbx|Pict)>)([^<]*)")
_CONTROL: Final = re.compile(rf"<{ANY_PREFIX}controlPr\s[^>]*>")


def move_shapes(xml: str, moves: Moves) -> str:
    """Return the VML drawing of a sheet: a note's shape follows its row or goes with it, a button follows."""

    def placed(match: re.Match[str]) -> str:
        shape = match[0]
        row = re.search(rf"(<{ANY_PREFIX}Row>\s*)([0-9]+)(\s*<)", shape)
        if not row or not is_note(shape):
            return _with_anchor(shape, moves, None)
        new = moves.row(int(row[2]))
        if new is None:
            return ""
        by = new - int(row[2])
        return _with_anchor(shape.replace(row[0], f"{row[1]}{new}{row[3]}"), moves, by) if by else shape

    return re.sub(rf"<{ANY_PREFIX}shape\s.*?</{ANY_PREFIX}shape\s*>", placed, xml, flags=re.DOTALL)


def _with_anchor(shape: str, moves: Moves, by: int | None) -> str:
    """Return a shape moved by so many rows, or with the rows that it lies on.

    An anchor names column, offset, row, offset of two corners (Office VML reference, `x:Anchor`).
    """

    def moved(match: re.Match[str]) -> str:
        numbers = [part.strip() for part in match[2].split(",")]
        if len(numbers) != 8 or not all(number.removeprefix("-").isdigit() for number in numbers):
            return match[0]
        top, bottom = int(numbers[2]), int(numbers[6])
        new = _rows_of_object(moves, top, bottom) if by is None else (max(0, top + by), max(0, bottom + by))
        if new == (top, bottom):
            return match[0]
        numbers[2], numbers[6] = map(str, new)
        return f"{match[1]}{', '.join(numbers)}"

    return re.sub(rf"(<{ANY_PREFIX}Anchor>)([^<]*)", moved, shape)


def move_anchors(xml: str, moves: Moves) -> str:
    """Move pictures and small objects with the row in which they begin, others with the rows that they cover.

    A chart over several rows that separate stays.
    """

    def moved(match: re.Match[str]) -> str:
        anchor = match[0]
        corner = rf"(<{ANY_PREFIX}%s>.*?<{ANY_PREFIX}row>)([0-9]+)"
        start = re.search(corner % "from", anchor, re.DOTALL)
        if start is None or attribute(anchor.partition(">")[0], "editAs") == "absolute":
            return anchor
        end = re.search(corner % "to", anchor, re.DOTALL)
        height = re.search(rf"<{ANY_PREFIX}ext\s[^>]*\bcy=[\"']([0-9]+)", anchor)
        top = int(start[2])
        bottom = int(end[2]) if end else top + (int(height[1]) // ROW_HEIGHT if height else 0)
        new = _rows_of_object(moves, top, bottom, is_picture=is_picture(anchor))
        if end:
            anchor = f"{anchor[: end.start(2)]}{new[1]}{anchor[end.end(2) :]}"
        return f"{anchor[: start.start(2)]}{new[0]}{anchor[start.end(2) :]}"

    return _ANCHOR.sub(moved, xml)


def _rows_of_object(moves: Moves, top: int, bottom: int, *, is_picture: bool = False) -> tuple[int, int]:
    """Return the new rows of an object over some rows; one on a dropped row, or at the sheet's end, stays."""
    begins = moves.row(top)
    if top < moves.first and bottom > moves.last:
        new = top, bottom + moves.shift
    elif begins is not None and top >= moves.first and (is_picture or bottom - top <= ROWS_OF_SMALL):
        new = begins, begins + bottom - top
    else:
        new = moves.together(top, bottom) or (top, bottom)
    return new if new[1] < LAST_ROW else (top, bottom)


# the cells that objects show or fill


def move_linked_cells(xml: str, moves: Moves, title: str, *, here: bool = True) -> str:
    """Update the cells that buttons, text boxes and pictures of cells show, fill or list.

    `here` is True for objects on the moved sheet `title` itself.
    """
    return with_linked_cells_changed(
        xml, lambda text: moves.formula(text, title, here=here, where="a button or a text box")
    )


def with_linked_cells_changed(xml: str, change: Callable[[str], str]) -> str:
    """Change the references by which objects show, fill or list cells."""

    def changed(match: re.Match[str]) -> str:
        name = match[0].partition("=")[0].strip()
        old = attribute(match[0], name)
        new = change(old)
        return match[0] if new == old else f' {name}="{escape_markup(new)}"'

    return with_texts_changed(_CELLS_IN_SHAPES, _LINKED_CELLS.sub(changed, xml), change)


def with_sheet_of_linked_cells(xml: str, title: str) -> str:
    """Return objects that may lie on another sheet and still show and fill the cells of the sheet `title`."""
    quoted = title.replace("'", "''")

    def named(reference: Reference) -> str:
        return str(reference if reference.sheet else Reference(f"'{quoted}'!", reference.corners))

    return with_linked_cells_changed(xml, lambda text: with_references(text, named))


def move_links_of_controls(xml: str, moves: Moves, title: str, *, here: bool = True) -> str:
    """Update the cells that the controls of a sheet's own part fill and list."""
    return _CONTROL.sub(lambda match: move_linked_cells(match[0], moves, title, here=here), xml)
