"""What a person put on the cells of a sheet, out of a workbook's parts: notes, links, pictures, objects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from xlsync.xlsx.annotations import (
    CellLook,
    DrawnObject,
    RichValue,
    controls_of,
    has_controls,
    is_picture_by_number,
    links_of,
    looks_of,
    notes_of,
    objects_of,
    pictures_of,
    shapes_of,
)
from xlsync.xlsx.cells import Position, position
from xlsync.xlsx.parts import Parts
from xlsync.xlsx.worksheet import SheetXml


class SheetAnnotations:
    """What stands on the cells of a sheet beside their values; `part` is the sheet's, `sheet` its content."""

    def __init__(self, parts: Parts, workbook: str, part: str, sheet: SheetXml) -> None:
        self._parts, self._workbook, self._part, self._sheet = parts, workbook, part, sheet

    def _related(self, kind: str) -> Sequence[str]:
        return self._parts.related(self._part, kind)

    def notes(self) -> dict[Position, str]:
        """Return the texts of the notes and threads on the cells of the sheet."""
        notes: dict[Position, str] = {}
        for kind in ("comments", "threadedComment"):  # a thread stands in both: what counts is the latter
            answers: dict[Position, list[str]] = {}
            for part in self._related(kind):
                for place, text in notes_of(self._parts.text(part)):
                    answers.setdefault(place, []).append(text)
            notes |= {place: "\n".join(texts) for place, texts in answers.items()}
        return notes

    def pictures(self, rows: Collection[int]) -> dict[int, list[str]]:
        """Return the texts of pictures and text boxes that belong to rows; empty for one without text."""
        texts: dict[int, list[str]] = {}
        for part in self._related("drawing"):
            for picture in pictures_of(self._parts.text(part), rows):
                texts.setdefault(picture.row, []).append(picture.text)
        return texts

    def objects(self, rows: Collection[int]) -> list[DrawnObject]:
        """Return the charts, form controls and other objects that begin in these rows, without `pictures`."""
        after = self._sheet.after
        objects = list(controls_of(after, rows))
        for part in self._related("drawing"):
            objects += objects_of(self._parts.text(part), rows)
        if not has_controls(after):  # they stand in the VML drawing alone
            for part in self._related("vmlDrawing"):
                objects += shapes_of(self._parts.text(part), rows)
        return objects

    def rich_values(self) -> dict[Position, RichValue]:
        """Return the pictures in cells and the data types of the sheet."""
        numbers = dict(self._sheet.rich_values())
        if not numbers:
            return {}

        def text(kind: str) -> str:
            return "".join(map(self._parts.text, self._parts.related(self._workbook, kind)[:1]))

        metadata, structures = text("sheetMetadata"), text("rdRichValueStructure")
        pictures = is_picture_by_number(metadata, text("rdRichValue"), structures)
        return {
            place: RichValue(number, 0 < int(number) <= len(pictures) and pictures[int(number) - 1])
            for place, number in numbers.items()
        }

    def links(self) -> dict[Position, str]:
        """Return the targets of the links on the cells of a sheet, by the first cell of each."""
        files = self._parts.outside(self._part)
        targets: dict[Position, str] = {}
        for cells, relation, place in links_of(self._sheet.after):
            with suppress(ValueError):  # a link on no cell
                file = "" if place.startswith("#") else files.get(relation, "")  # as exceljs writes both
                targets[position(cells.partition(":")[0])] = f"{file}#{place.lstrip('#')}" if place else file
        return targets

    def looks(self) -> list[CellLook]:
        """Return the look of each cell style."""
        styles = self._parts.related(self._workbook, "styles")
        return [look for part in styles for look in looks_of(self._parts.text(part))]
