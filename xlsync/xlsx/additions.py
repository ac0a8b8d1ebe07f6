"""Parts that a workbook gets in addition: a sheet, and the drawing that its pictures lie in."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from xlsync.xlsx.annotations import POINT, in_cell, pictures_of, size_of, with_namespaces, with_own_ids
from xlsync.xlsx.markup import ANY_PREFIX, NAMESPACES
from xlsync.xlsx.objects import with_sheet_of_linked_cells
from xlsync.xlsx.parts import Parts

_WORKSHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_DRAWING: Final = "application/vnd.openxmlformats-officedocument.drawing+xml"
_OFFICE: Final = (  # of relationships, in both variants of the standard
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)


def add_worksheet(parts: Parts, workbook: str, like: str, widths: Sequence[float]) -> tuple[str, str]:
    """Add an empty sheet beside the part of another one; returns its part and its relation's id."""
    space = next((space for space in NAMESPACES if space in parts.text(like)), NAMESPACES[0])
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{width:g}" customWidth="1"/>' for n, width in enumerate(widths, 1)
    )
    part = parts.free_name(posixpath.join(posixpath.dirname(like), "sheet{}.xml"))
    xml = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{space}">'
        '<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
        'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"<cols>{columns}</cols><sheetData></sheetData>"
        '<pageSetup orientation="landscape" fitToHeight="0"/></worksheet>'
    )
    kind = f"{_OFFICE[NAMESPACES.index(space)]}/worksheet"
    return part, parts.add(part, xml, _WORKSHEET, workbook, kind)


def drawing_of(parts: Parts, sheet: str, like: str, owner: str) -> tuple[str, str]:
    """The drawing of a sheet, and the relation's id if it is new: then it is made like that of `owner`."""
    for drawing in parts.related(sheet, "drawing"):
        return drawing, ""
    opening = re.search(rf"<({ANY_PREFIX}wsDr)[^>]*?/?>", parts.text(like))
    name, tag = (
        (opening[1], opening[0].removesuffix("/>").removesuffix(">")) if opening else ("wsDr", "<wsDr")
    )
    id_ = next(id_ for id_, (_, target) in parts.relations(owner).items() if target == like)
    part = parts.free_name(posixpath.join(posixpath.dirname(like), "drawing{}.xml"))
    return part, parts.add(part, f"{tag}></{name}>", _DRAWING, sheet, parts.kind_of(owner, id_))


def with_drawing(after: str, prefix: str, relation: str, kind: str) -> str:
    """The end of a sheet's part with a drawing, where the schema wants it (18.3.1.99).

    `kind` is the full type of the relation, which tells the variant of the standard.
    """
    space = next((space for space in _OFFICE if kind.startswith(space)), _OFFICE[0])
    later = "legacyDrawing|drawingHF|picture|oleObjects|controls|webPublishItems|tableParts|extLst"
    place = re.search(rf"<{ANY_PREFIX}(?:{later})|</{ANY_PREFIX}worksheet\s*>", after)
    start = place.start() if place else 0
    return f'{after[:start]}<{prefix}drawing xmlns:r="{space}" r:id="{relation}"/>{after[start:]}'


def move_pictures(
    parts: Parts, drawing: str, title: str, target: str, rows: Mapping[int, deque[int]], column: int
) -> Iterator[tuple[int, float]]:
    """Move the pictures of these rows to a column of another drawing, each to the next of its row's new rows.

    The cells that they show are those of the sheet `title`, on which they lay.
    Yields each new row with the height in points that the picture needs there.
    """
    xml = parts.text(drawing)
    relations, outside = parts.relations(drawing), parts.outside(drawing)
    for picture in list(pictures_of(xml, rows)):
        renamed: dict[str, str] = {}
        for id_ in dict.fromkeys(picture.relations):
            if id_ in relations:
                renamed[id_] = parts.relate(target, relations[id_][1], parts.kind_of(drawing, id_))
            elif id_ in outside:
                renamed[id_] = parts.relate_outside(target, outside[id_], parts.kind_of(drawing, id_))
        row = rows[picture.row].popleft()
        anchor = with_sheet_of_linked_cells(with_namespaces(picture.anchor, xml), title)
        moved = in_cell(anchor, row, column, renamed)
        yield row, size_of(picture.anchor)[1] / POINT
        whole = parts.text(target)
        end = whole.rindex("</")
        parts.put(target, f"{whole[:end]}{with_own_ids(moved, whole)}{whole[end:]}")
        parts.put(drawing, parts.text(drawing).replace(picture.anchor, "", 1))
