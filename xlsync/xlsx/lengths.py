"""Columns of a sheet become longer or shorter, and the ranges that cover them whole end where they end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from xlsync.xlsx.formulas import Reference, names_sheet, with_references
from xlsync.xlsx.markup import ANY_PREFIX, with_texts_changed
from xlsync.xlsx.objects import with_linked_cells_changed
from xlsync.xlsx.parts import Parts

Ends = Mapping[int, tuple[int, int]]
"""The last row of each column before and from now on (all 0-based)."""

_TOPS: Final = (0, 1)  # the rows in which a range over a whole column begins: its header's, or the next
_FORMULA: Final = re.compile(
    rf"(<{ANY_PREFIX}(?:n?f|formula[12]?|sqref|calculatedColumnFormula|totalsRowFormula|definedName)"
    r"(?:\s[^>]*)?(?<!/)>)([^<]*)"
)


def parts_with_lengths(parts: Parts, sheet: str, title: str, ends: Ends) -> Iterator[tuple[str, str]]:
    """Yield each part whose formulas change, with its content; `sheet` is the part of the sheet `title`."""
    for part in parts.names:
        is_read = part.casefold().endswith((".xml", ".vml"))
        if part == sheet or (is_read and names_sheet(parts.utf8(part), title)):
            xml = parts.text(part)
            new = _with_lengths(xml, title, ends, here=part == sheet)
            if new != xml:
                yield part, new


def _with_lengths(xml: str, title: str, ends: Ends, *, here: bool) -> str:
    """Update the formulas of any part; `here` is True for the part of the sheet `title` itself."""

    def changed(formula: str) -> str:
        return with_references(
            formula,
            lambda one: str(_with_end(one, ends) if one.is_on(title, here=here) else one),
        )

    return with_linked_cells_changed(with_texts_changed(_FORMULA, xml, changed), changed)


def _with_end(reference: Reference, ends: Ends) -> Reference:
    """Return a range over whole columns with their new end, and any other reference as it is."""
    top, bottom = reference.corners[0], reference.corners[-1]
    if len(reference.corners) == 1 or top.row not in _TOPS or top.column is None or bottom.column is None:
        return reference
    covered = [ends.get(column) for column in range(top.column, bottom.column + 1)]
    known = [rows for rows in covered if rows is not None]
    if not known or len(known) < len(covered) or bottom.row != max(old for old, _ in known):
        return reference
    return reference.at(*reference.corners[:-1], bottom.at(max(new for _, new in known)))
