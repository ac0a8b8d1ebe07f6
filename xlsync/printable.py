"""Text from other systems made safe for a terminal, and short; words as they are typed there."""

from __future__ import annotations

import re
import shlex
import sys
from typing import Final

# Control characters (a terminal obeys them) and marks that turn the direction of writing, which can make a
# line read as another one. Tabs and line breaks lay out our own text and stay.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_LINE_ENDS: Final = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")


def printable(text: str) -> str:
    """Replace every character that a terminal would obey or that turns the writing around."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    """Replace line breaks by blanks, so that a name cannot pretend to be further lines of a text."""
    return _LINE_ENDS.sub(" ", text)


def cut(text: str, most: int) -> str:
    """Cut a text to so many characters at most, of which the last says that it goes on."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def as_typed(word: str, system: str = sys.platform) -> str:
    """Return a word of a command as it is typed, in quotes where it needs them: cmd takes no single ones."""
    if system != "win32":
        return shlex.quote(word)
    return word if re.fullmatch(r"[\w:./\\-]+", word) else f'"{word}"'
