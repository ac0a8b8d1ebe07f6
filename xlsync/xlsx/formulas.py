"""Formula texts: plain references are found in them and changed, everything else stays letter for letter.

The one tokenizer of formulas. It keeps what it does not understand: texts, names, functions, table columns,
errors such as `#REF!`, references into other workbooks, over several sheets, or to other programs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from msgspec import Struct

from xlsync.xlsx.cells import LAST_COLUMN, LAST_ROW, Position, escape_markup, letters, position

# The characters of names: letters, marks on them, emojis; no blanks. A set of so many takes 20 ms to compile.
_LETTER: Final = r"\w\u0300-\u1fff\u2c00-\u2fff\u3001-\U0010ffff"
_ASCII_LETTER: Final = r"\w"
_QUOTED: Final = r"'(?:[^']|'')*'"
_CELL: Final = r"\$?[A-Za-z]{1,3}\$?[0-9]{1,7}"
_CORNER: Final = re.compile(r"(?:(\$?)([A-Za-z]{1,3}))?(?:(\$?)([0-9]{1,7}))?")
DELETED: Final = "#REF!"


class Corner(Struct, frozen=True):
    """One corner of a reference: 0-based row and column, None where the whole column or row is meant."""

    row: int | None
    column: int | None
    row_is_fixed: bool  # written with a dollar sign
    column_is_fixed: bool

    def __str__(self) -> str:
        """Return the corner as it is written in a formula."""
        column = "" if self.column is None else f"{'$' * self.column_is_fixed}{letters(self.column)}"
        return column if self.row is None else f"{column}{'$' * self.row_is_fixed}{self.row + 1}"

    def at(self, row: int | None) -> Corner:
        """Return the corner in another row."""
        return Corner(row, self.column, self.row_is_fixed, self.column_is_fixed)

    def shifted(self, rows: int, columns: int) -> Corner:
        """The corner as it reads in a cell so far away; relative references begin anew at the sheet's end."""
        row, column = self.row, self.column
        if row is not None and not self.row_is_fixed:
            row = (row + rows) % LAST_ROW
        if column is not None and not self.column_is_fixed:
            column = (column + columns) % LAST_COLUMN
        return Corner(row, column, self.row_is_fixed, self.column_is_fixed)


class Reference(Struct, frozen=True):
    """A plain reference: what stands before it (`Prices!` or nothing), and its one or two corners.

    `between` stands between the corners: a colon, perhaps with blanks, or with the sheet once more, as in
    `Prices!A2:Prices!A9`.
    """

    sheet: str
    corners: tuple[Corner, ...]
    between: str = ":"

    def __str__(self) -> str:
        """Return the reference as it is written in a formula."""
        return f"{self.sheet}{self.between.join(map(str, self.corners))}"

    def at(self, *corners: Corner) -> Reference:
        """Return the reference with other corners."""
        return Reference(self.sheet, corners, self.between)

    def is_on(self, title: str, *, here: bool) -> bool:
        """Return whether the reference points at a sheet; `here`: the formula itself stands on that sheet."""
        if not self.sheet:
            return here
        name = self.sheet.removesuffix("!")
        if name.startswith("'"):
            name = name[1:-1].replace("''", "'")
        return name.casefold() == title.casefold()

    @property
    def deleted(self) -> str:
        """The text that stands in its place when the cells are gone."""
        return f"{self.sheet}{DELETED}"


@cache
def _piece_of(letter: str) -> re.Pattern[str]:
    """Return the pattern of one piece of a formula; `letter` are the characters of names, as in brackets."""
    return re.compile(
        rf"""
          "(?:[^"]|"")*"                                           # a text
        | (?P<sheet>                                               # what names a sheet, or more than one
            (?:[{letter}.]+\|)?{_QUOTED}!
            | (?!{_CELL}:)(?:\[[^\[\]]*\])?[{letter}.\\?|]+(?::[{letter}.\\?]+)?!
            | \[[^\[\]]*\]!
          )?
          (?P<cells>
            {_CELL}(?:(?P<between>\s*:\s*(?:(?P=sheet))?){_CELL})?
            | \$?[0-9]{{1,7}}:\$?[0-9]{{1,7}} | \$?[A-Za-z]{{1,3}}:\$?[A-Za-z]{{1,3}}
          )
          (?![{letter}.\\?($\[!'])
        | (?:{_QUOTED}|(?!:)[{letter}.\\?|:\[\]]+)!                # a name of a sheet or workbook
          (?:\#REF!|[{letter}.\\?$]+|{_QUOTED})?
        | ![{letter}.\\?$:]*                                       # a cell of whichever sheet is shown
        | \#REF![{letter}.$:]*                                     # a reference into a sheet that was deleted
        | \#[A-Z][A-Z0-9_/]*[!?]?                                  # another error
        | \[(?:'.|[^\[\]']|\[(?:'.|[^\[\]'])*\])*\]                # columns of a table
        | [{letter}.\\?$]+                                         # a name, a function or a number
        | ["'\[].*                                                 # not closed: nothing behind it is read
        | .
        """,
        re.VERBOSE | re.DOTALL,
    )


def names_sheet(part: bytes, title: str) -> bool:
    """Return whether a part may hold a reference to a sheet: its title stands before an exclamation mark."""
    name = escape_markup(title.replace("'", "''")).encode().lower()  # Excel knows no case in titles
    reach = len(name) + len("&apos;")
    marks = (match.start() for match in re.finditer(b"!", part))
    return any(name in part[max(0, at - reach) : at].lower() for at in marks)


def with_references(formula: str, change: Callable[[Reference], str]) -> str:
    """The formula with each plain reference replaced; `change` returns the text to put in its place."""

    def changed(match: re.Match[str]) -> str:
        between = match["between"] or ":"
        corners = tuple(map(_corner, match["cells"].split(between))) if match["cells"] else ()
        known = tuple(corner for corner in corners if corner is not None)
        if not known or len(known) != len(corners):
            return match[0]
        reference = Reference(match["sheet"] or "", known, between)
        new = change(reference)
        return match[0] if new == str(reference) else new

    return _piece_of(_ASCII_LETTER if formula.isascii() else _LETTER).sub(changed, formula)


def _corner(text: str) -> Corner | None:
    """Return a corner as it is written; None for what lies outside every sheet, which is a name."""
    match = _CORNER.fullmatch(text)
    if match is None:
        return None
    row = int(match[4]) - 1 if match[4] else None
    column = position(f"{match[2]}1")[1] if match[2] else None
    if (row is not None and not 0 <= row < LAST_ROW) or (column is not None and column >= LAST_COLUMN):
        return None
    return Corner(row, column, bool(match[3]), bool(match[1]))


def translated(formula: str, origin: Position, destination: Position) -> str:
    """Return a shared formula as it reads in another cell of the group: relative references move along."""
    rows, columns = destination[0] - origin[0], destination[1] - origin[1]
    if not rows and not columns:
        return formula

    def moved(reference: Reference) -> str:
        if "|" in reference.sheet:  # an item of another program, which only looks like a reference
            return str(reference)
        return str(reference.at(*(corner.shifted(rows, columns) for corner in reference.corners)))

    return with_references(formula, moved)
