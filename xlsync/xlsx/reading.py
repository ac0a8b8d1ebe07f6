"""The values of sheets, read by python-calamine: numbers as Decimal, dates as dates, empty as None."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from math import isnan

import python_calamine

from xlsync.errors import WorkbookError
from xlsync.files import SAVE_AGAIN
from xlsync.xlsx.cells import Value

Grid = list[list[Value]]
"""The values of a sheet from A1 on, 0-based."""


def read_values(
    data: bytes, titles: Iterable[str], name: str, texts: dict[str, str]
) -> Iterator[tuple[str, Grid]]:
    """Yield the values of these sheets of a workbook, given its content and name; cells in error are empty.

    A text that is known, or that recurs, is one object and not one a cell; `texts` learns them.
    """
    reader: python_calamine.CalamineWorkbook | None = None
    for title in titles:
        try:
            reader = reader or python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
            rows = reader.get_sheet_by_name(title).to_python(skip_empty_area=False)
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise WorkbookError(f"the sheet {title} of {name} cannot be read: {error}", SAVE_AGAIN) from None
        yield title, _grid(rows, texts)


def value_at(grid: Sequence[Sequence[Value]], row: int, column: int) -> Value:
    """Return the value of a cell; None for one beyond the values of its sheet."""
    return grid[row][column] if row < len(grid) and column < len(grid[row]) else None


def last_filled(grid: Sequence[Sequence[Value]], first: int, columns: Collection[int]) -> int:
    """Return the last row from `first` on that holds something in these columns, or in any if none are given.

    It is the row above `first` where no row does.
    """
    for number in range(len(grid) - 1, first - 1, -1):
        line = grid[number]
        if any(line[column] is not None for column in columns or range(len(line)) if column < len(line)):
            return number
    return first - 1


def _grid(rows: Iterable[Iterable[object]], texts: dict[str, str]) -> Grid:
    numbers, one_of = _Numbers(), texts.setdefault
    return [
        [
            (one_of(v, v) if v else None) if type(v) is str
            else numbers[v] if type(v) is float
            else _converted(v)
            for v in row
        ]
        for row in rows
    ]  # fmt: skip


class _Numbers(dict[float, Value]):
    """The decimal of each number as it is written; made when it is first looked up, since they recur.

    What some programs write where there is no number, `NaN`, is a text: it compares with nothing.
    """

    def __missing__(self, number: float) -> Value:
        if isnan(number):
            return "NaN"
        made = self[number] = Decimal(int(number)) if number.is_integer() else Decimal(repr(number))
        return made


def _converted(value: object) -> Value:
    """Convert a value of calamine's other than text and decimal numbers."""
    if isinstance(value, bool | dt.date):
        return value
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, dt.time):  # a part of a day
        seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1_000_000
        return Decimal(repr(seconds / 86_400)).normalize()
    if isinstance(value, dt.timedelta):
        return Decimal(repr(value / dt.timedelta(days=1)))
    return None
