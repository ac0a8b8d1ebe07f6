"""The part of a table: where on its sheet it stands, and which of its columns are calculated."""

from __future__ import annotations

import re

from xlsync.errors import WorkbookError
from xlsync.xlsx.cells import position
from xlsync.xlsx.markup import ANY_PREFIX, attribute


class Table:
    """A table's place on its sheet: its columns, and its first and last data row."""

    def __init__(self, xml: str) -> None:
        tag = re.search(rf"<{ANY_PREFIX}table\s[^>]*>", xml)
        corners = attribute(tag[0], "ref").partition(":") if tag else ("", "", "")
        try:
            (top, left), (bottom, right) = position(corners[0]), position(corners[2] or corners[0])
        except ValueError:
            raise WorkbookError(
                "a table of the workbook is damaged", "Take a backup of it, or export again."
            ) from None
        opening = tag[0] if tag else ""
        self.columns = range(left, right + 1)
        self.first = top + (0 if attribute(opening, "headerRowCount") == "0" else 1)
        self.last = max(self.first, bottom - int(attribute(opening, "totalsRowCount") or 0))
        column = rf"<{ANY_PREFIX}tableColumn\s[^>]*?(?:/>|>.*?</{ANY_PREFIX}tableColumn>)"
        self.calculated = frozenset(
            left + index
            for index, found in enumerate(re.findall(column, xml, re.DOTALL))
            if "calculatedColumnFormula" in found
        )
