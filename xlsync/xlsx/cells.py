"""Values as cells of an .xlsx workbook: text is always text, numbers keep all digits.

Facts are those of ECMA-376-1 (section 18.3.1.4 `c`, 22.9.2.19 `ST_Xstring`) and of Excel's published limits.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from math import ceil
from typing import Final

from msgspec import Struct

_WIDTHS: Final = {  # in digits; a letter that is not named is as wide as one
    **dict.fromkeys(" .,:;'|!ijlI·", 0.52),
    **dict.fromkeys("()[]-/frtsJ", 0.75),
    **dict.fromkeys("ckvxyz", 0.9),
    **dict.fromkeys("ABCDGHKNOPQRSTUVX", 1.2),
    **dict.fromkeys("mwMW@%&", 1.6),
}
_EDGES: Final = 1.5  # the cell's margins and indent

Value = str | Decimal | int | dt.date | bool | None
"""What a cell holds; None is empty, a date is a calendar date shown by the cell's own style."""

Position = tuple[int, int]
"""0-based row and column."""


class Cell(Struct, frozen=True):
    """A cell to be written whole: a value, or a formula (without `=`) with its computed value beside it.

    A cell that is not there yet takes over a style, given by its index, or else that of its column. `rich` is
    the number of the metadata of a picture in the cell, or of a value of a data type.
    """

    value: Value
    formula: str = ""
    style: str = ""
    rich: str = ""


class Row(Struct, frozen=True):
    """One row of a renewed sheet: the row that it stood in before, and the cells that xlsync owns.

    `was` is 0-based, None for a new row; `cells` are by 0-based column. Every other cell of the old row comes
    along.
    """

    was: int | None
    cells: Mapping[int, Value | Cell]
    is_persons: bool = False  # a row that a person put between or below those of xlsync


LONGEST: Final = 32_767  # characters in a cell, by Excel's limits: UTF-16 units
LAST_ROW: Final = 1_048_576
HIGHEST_ROW: Final = 409  # points, by Excel's limits
LAST_COLUMN: Final = 16_384

# XML 1.0, production 2 (Char): everything else cannot stand in a document, not even as a reference.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # what would be read as an escaped letter
_SPACES: Final = ("\n", "\t", "  ")  # within a text, which a reader may change unless it is told not to
_LETTERS_DIGITS = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")

# Excel counts days from 1900-01-00 and believes in a 1900-02-29 (ECMA-376-1, 18.17.4.1).
_DAY_ZERO = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - workbooks know no time zones
_MARCH_1900 = dt.datetime(1900, 3, 1)  # noqa: DTZ001
_DAYS_TO_1904 = 1462

_ZERO = Decimal(0)
_RECURS: Final = 1000  # characters: a longer text is not likely to stand in a second cell


def clean_text(text: str) -> str:
    r"""Convert a text to the form in which a workbook stores it.

    Line breaks become `\n`, what XML cannot hold U+FFFD, and what is too long for a cell ends in an ellipsis.
    """
    if not text.isprintable():  # a printable text holds neither
        text = _ILLEGAL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) * 2 > LONGEST and len(text.encode("utf-16-le")) > LONGEST * 2:
        text = text.encode("utf-16-le")[: (LONGEST - 1) * 2].decode("utf-16-le", "ignore") + "…"
    return text


def escape_text(text: str) -> str:
    """Return a clean text as the content of an element that holds an `ST_Xstring`."""
    if "_x" in text:
        text = _ESCAPE.sub("_x005F_", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def escape_markup(text: str) -> str:
    """Return a text as XML content or attribute that knows no `_x0041_` escapes, such as a formula."""
    return html.escape(_ILLEGAL.sub("\ufffd", text), quote=True).replace("&#x27;", "'")


def serial(day: dt.date, *, from_1904: bool) -> Decimal | None:
    """The number that stands for a date (with its time, if it has one); None where Excel has none for it."""
    moment = day if isinstance(day, dt.datetime) else dt.datetime(day.year, day.month, day.day)  # noqa: DTZ001
    moment = moment.replace(tzinfo=None)
    since = moment - _DAY_ZERO
    number = since.days - (1 if moment < _MARCH_1900 else 0) - (_DAYS_TO_1904 if from_1904 else 0)
    if number < (0 if from_1904 else 1):
        return None
    if not since.seconds and not since.microseconds:
        return Decimal(number)
    seconds = Decimal(since.seconds) + Decimal(since.microseconds) / 1_000_000
    return number + round(seconds / 86_400, 11)


@cache
def letters(column: int) -> str:
    """Return the letters of a 0-based column: 0 is A, 26 is AA."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def address(row: int, column: int) -> str:
    """Return the name of a cell, `A1` for (0, 0)."""
    return f"{letters(column)}{row + 1}"


def position(name: str) -> Position:
    """Return the 0-based row and column of a cell's name, `$A$1` or `A1`; ValueError for anything else."""
    match = _LETTERS_DIGITS.fullmatch(name)
    if not match:
        raise ValueError(name)
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(match[2]) - 1, column - 1


class _Texts(dict[str, str]):
    """The inside of each text's cell, from after its style to its end; made when it is first looked up."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def __missing__(self, value: str) -> str:
        p = self._prefix
        clean = clean_text(value)
        is_spaced = clean != clean.strip() or any(space in clean for space in _SPACES)
        keep = ' xml:space="preserve"' if is_spaced else ""
        made = f' t="inlineStr"><{p}is><{p}t{keep}>{escape_text(clean)}</{p}t></{p}is></{p}c>'
        if len(value) < _RECURS:
            self[value] = made
        return made


class CellWriter:
    """Writes cells as XML, with the namespace prefix and the date system of one workbook's sheet."""

    def __init__(self, prefix: str, *, from_1904: bool) -> None:
        self.prefix = prefix
        self.from_1904 = from_1904
        self.texts = _Texts(prefix)

    def stored(self, value: Value) -> tuple[str, object]:
        """Return the type and content of a value's cell; the type is "" for None, "n" for a number."""
        kind = type(value)
        if kind is str:
            return ("s", clean_text(value)) if value else ("", None)  # type: ignore[arg-type]
        if value is None:
            return "", None
        if kind is bool:
            return "b", value
        if isinstance(value, str):
            return self.stored(str(value))
        if isinstance(value, dt.date):
            day = serial(value, from_1904=self.from_1904)
            return ("s", value.isoformat()) if day is None else ("n", float(day))
        number = Decimal(value)
        if not number.is_finite() or not -300 < number.adjusted() < 300:
            return "s", str(number)
        return "n", float(number) + 0.0  # -0.0 is 0

    def changes(
        self, values: Sequence[Value], cells: Mapping[int, Value | Cell]
    ) -> Iterator[tuple[int, Value | Cell]]:
        """Yield the cells of a row without formulas that do not show yet what they should become."""
        width = len(values)
        for column, content in cells.items():
            value = values[column] if column < width else None
            if value is content or (type(value) is type(content) and value == content):
                continue
            if isinstance(content, Cell) or self.stored(value) != self.stored(content):
                yield column, content

    def all_hold(self, grid: Sequence[Sequence[Value]], rows: Sequence[Row]) -> bool:
        """Return whether all rows of a sheet without formulas already show what they should become."""
        return all(
            row.was is not None
            and not any(self.changes(grid[row.was] if row.was < len(grid) else (), row.cells))
            for row in rows
        )

    def after_style(self, content: Value | Cell) -> str:
        """Return a cell's XML from after its reference and style to its end."""
        kind = type(content)
        if kind is str:
            return self.texts[content] if content else "/>"  # type: ignore[index]
        p = self.prefix
        if kind is Decimal:
            if content.is_finite() and -300 < content.adjusted() < 300:  # type: ignore[union-attr]
                return f"><{p}v>{content or _ZERO:f}</{p}v></{p}c>"
            return self.texts[str(content)]
        if content is None:
            return "/>"
        if isinstance(content, Cell):
            if content.formula:
                return self._formula(content)
            if content.rich:  # programs that know no such values show the error
                return f' t="e" vm="{content.rich}"><{p}v>#VALUE!</{p}v></{p}c>'
            return self.after_style(content.value)
        if kind is bool:
            return f' t="b"><{p}v>{content:d}</{p}v></{p}c>'
        if isinstance(content, dt.date):
            number = serial(content, from_1904=self.from_1904)
            return self.texts[content.isoformat()] if number is None else f"><{p}v>{number:f}</{p}v></{p}c>"
        return self.after_style(str(content) if isinstance(content, str) else Decimal(content))

    def _formula(self, cell: Cell) -> str:
        p = self.prefix
        formula = f"<{p}f>{escape_markup(cell.formula.removeprefix('='))}</{p}f>"
        kind, value = self.stored(cell.value)
        if kind == "":
            return f">{formula}</{p}c>"
        if kind == "s":
            return f' t="str">{formula}<{p}v>{escape_text(str(value))}</{p}v></{p}c>'
        if kind == "b":
            return f' t="b">{formula}<{p}v>{value:d}</{p}v></{p}c>'
        return self.after_style(cell.value).replace(">", f">{formula}", 1)

    def cell(self, row: int, column: int, style: str, content: Value | Cell) -> str:
        """Return one whole cell; `style` is its index in the styles part, empty for none."""
        s = f' s="{style}"' if style else ""
        return f'<{self.prefix}c r="{letters(column)}{row + 1}"{s}{self.after_style(content)}'


def wrapped_lines(text: str, width: float) -> int:
    """Return the number of lines of a text in a column of a width in digits, broken at words."""
    room = max(1.0, width - _EDGES)
    return sum(_wrapped(part, room) for part in text.split("\n"))


def _wrapped(text: str, room: float) -> int:
    lines, used = 1, 0.0
    for word in text.split(" "):
        long = sum(_WIDTHS.get(letter, 2.0 if letter > "\u2e7f" else 1.0) for letter in word)
        if used and used + long > room:
            lines, used = lines + 1, 0.0
        if long > room:  # broken within the word
            more = ceil(long / room) - 1
            lines, long = lines + more, long - more * room
        used += long + _WIDTHS[" "]
    return lines
