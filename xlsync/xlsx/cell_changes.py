"""Single cells, and heights of rows, changed in the part of a sheet."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from xlsync.xlsx.cells import LAST_COLUMN, LAST_ROW, Cell, CellWriter, Position, Value
from xlsync.xlsx.markup import attribute, without_attributes
from xlsync.xlsx.worksheet import OldRow, SheetXml

Contents = Mapping[int, Value | Cell]
"""What cells of a row become, by 0-based column."""


def change_cells(sheet: SheetXml, writer: CellWriter, changes: Mapping[Position, Value | Cell]) -> bool:
    """Write one cell or more, which keep their style; True where a formula went."""
    wanted: dict[int, dict[int, Value | Cell]] = {}
    for (number, column), content in sorted(changes.items(), key=lambda item: item[0]):
        if not (0 <= number < LAST_ROW and 0 <= column < LAST_COLUMN):
            raise ValueError((number, column))
        wanted.setdefault(number, {})[column] = content
    if sheet.has_shared(wanted):
        sheet.unshare()
    styles, waiting, lost = sheet.column_styles(), deque(wanted), False

    def changed(row: OldRow) -> str | None:
        nonlocal lost
        rows: list[str] = []
        while waiting and waiting[0] < row.number:
            number = waiting.popleft()
            rows.append(_new_row(sheet, writer, number, wanted[number], styles))
        if waiting and waiting[0] == row.number:
            inside, lost_here = _changed(sheet, writer, row, wanted[waiting.popleft()], styles)
            rows.append(sheet.row_xml(row.attributes, row.number, inside))
            lost = lost or lost_here
        elif rows:
            rows.append(row.whole.decode())
        return "".join(rows) if rows else None

    sheet.rewrite(changed)
    if waiting:
        below = (_new_row(sheet, writer, number, wanted[number], styles) for number in waiting)
        sheet.add_below("".join(below))
    sheet.widen(max(wanted), max(column for _, column in changes))
    return lost


def set_heights(sheet: SheetXml, heights: Mapping[int, float]) -> None:
    """Give rows a height in points, as a program that fits them to their text does; a person's stays."""

    def fitted(row: OldRow) -> str | None:
        if row.number not in heights or attribute(row.attributes, "customHeight") in {"1", "true"}:
            return None
        attributes = f'{without_attributes(row.attributes, "ht")} ht="{heights[row.number]:g}"'
        return sheet.row_xml(attributes, row.number, row.inside)

    sheet.rewrite(fitted)


def _new_row(
    sheet: SheetXml, writer: CellWriter, number: int, cells: Contents, styles: Mapping[int, str]
) -> str:
    """Return a row that is not there yet; `styles` are those of columns."""
    written = (
        writer.cell(number, column, _own_style(content) or styles.get(column, ""), content)
        for column, content in cells.items()
    )
    return sheet.row_xml("", number, "".join(written))


def _changed(
    sheet: SheetXml, writer: CellWriter, row: OldRow, wanted: Contents, styles: Mapping[int, str]
) -> tuple[str, bool]:
    """Return the cells of a row with some written anew, and whether a formula went."""
    cells = sheet.cells(row)
    row_style = sheet.row_style(row)
    inside: list[str] = []
    lost = False
    for column in sorted(cells.keys() | wanted.keys()):
        old = cells.get(column)
        if column not in wanted:
            inside.append(cells[column].whole)
            continue
        style = old.style if old else row_style or styles.get(column, "")
        lost = lost or bool(old and sheet.formula.match(old.inside.lstrip()))
        inside.append(writer.cell(row.number, column, style, wanted[column]))
    return "".join(inside), lost


def _own_style(content: Value | Cell) -> str:
    return content.style if isinstance(content, Cell) else ""
