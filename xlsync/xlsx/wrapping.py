"""How many lines a text takes in a column of a sheet, told from the widths of Calibri's letters. PURE."""

from __future__ import annotations

from math import ceil
from typing import Final

_WIDTHS: Final = {  # in digits; a letter that is not named is as wide as one
    **dict.fromkeys(" .,:;'|!ijlI·", 0.52),
    **dict.fromkeys("()[]-/frtsJ", 0.75),
    **dict.fromkeys("ckvxyz", 0.9),
    **dict.fromkeys("ABCDGHKNOPQRSTUVX", 1.2),
    **dict.fromkeys("mwMW@%&", 1.6),
}
_EDGES: Final = 1.5  # the cell's margins and indent


def lines_of(text: str, width: float) -> int:
    """How many lines a text takes, broken at words, in a column as wide as so many digits."""
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
