"""What the file of a workbook says of a sheet's cells beside their values. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from xlsync.billing.reports.number_formats import ShownCurrency

ERRORS: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}  # by their codes in .xls and .xlsb


class SheetFacts(Struct):
    """The bad cells of a sheet, merged ranges, hidden rows, and currencies; rows and columns count from 1.

    Bad cells hold an error, or a formula that was never computed. Of a merged range there are the first and
    last row and column, and the currency of a cell is what its number format shows.
    """

    bad_cells: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    currencies: dict[tuple[int, int], ShownCurrency] = field(default_factory=dict)


def shown_by_styles(
    formats: Mapping[int, ShownCurrency | None], styles: Sequence[int]
) -> dict[int, ShownCurrency]:
    """Return the currencies that styles of cells show, by their numbers; `styles` are those of formats."""
    return {n: currency for n, number in enumerate(styles) if (currency := formats.get(number))}
