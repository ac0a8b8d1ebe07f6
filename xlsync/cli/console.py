"""The two consoles that commands print to: messages whole, tables that never break within a word."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Mapping

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from xlsync.cli.command import with_options
from xlsync.cli.streams import NO_READER
from xlsync.printable import printable

_GAP = 2  # between two columns of a table
_JOIN = "\x00"  # stands for a blank at which no line is parted
# Two columns wide: letters of East Asia, between any two of which a line may be parted, and emoji.
_WIDE = (
    "\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f"
    "\uff01-\uff60\uffe0-\uffe6\U0001f000-\U0001faff\U00020000-\U0003fffd"
)
_PIECE = rf"(\s*)([{_WIDE}]|[^\s{_WIDE}]+)"  # what is never parted, with the blanks before it; compiled late
_TOGETHER = re.compile(r"[-+\d.,]*\d (?:-> [-+\d.,]*\d|[A-Z]{3}\b)")  # `15 -> 18`, `+12.90 EUR`


class CleanConsole(Console):
    """A console on which no name of a stranger can move the cursor or turn the writing around."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render a text, with every character replaced that a terminal would obey."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))

    def on_broken_pipe(self) -> None:
        """Raise an error that the command answers: rich would exit with 1, also after writes."""
        raise BrokenPipeError(errno.EPIPE, NO_READER)


out = CleanConsole()
err = CleanConsole(stderr=True)


def say(
    console: Console,
    message: str,
    style: str = "",
    *,
    words: Mapping[str, str] | None = None,
    hanging: str = "",
) -> None:
    """Print a message: parted at words on a terminal, as it is elsewhere, so that it can be searched.

    A word longer than the terminal is wide, such as a path, stays whole. The first of each of `words` is
    printed in its own style. `hanging` begins the further lines of a line that has no indent of its own.
    """
    lines = with_options(message).split("\n")
    if console.is_terminal:
        lines = [part for line in lines for part in _parted(line, console.width, hanging)]
    text = Text("\n".join(lines), style)
    for word, own_style in (words or {}).items():
        if own_style and (start := text.plain.find(word)) >= 0:
            text.stylize(own_style, start, start + len(word))
    console.print(text, highlight=False, soft_wrap=True)


def _parted(line: str, width: int, hanging: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip(" ")))
    hanging = indent + "  " if indent else hanging
    text = _TOGETHER.sub(lambda match: match[0].replace(" ", _JOIN), line)
    parts = [""]
    for gap, piece in re.findall(_PIECE, text):
        longer = f"{parts[-1]}{gap}{piece}"
        if cell_len(longer.replace(_JOIN, " ")) <= max(width, 20) or not parts[-1].strip():
            parts[-1] = longer
        else:
            parts.append(f"{hanging}{piece}")
    return [part.replace(_JOIN, " ") for part in parts]


def print_table(console: Console, table: Table) -> None:
    """Print a table: on a terminal its cells wrap at words; off it each row is one line, to be searched.

    Where the longest words of its columns do not fit beside each other, each row is a paragraph instead.
    """
    columns = [[Text.from_markup(str(cell)).plain for cell in column.cells] for column in table.columns]
    headers = [Text.from_markup(str(column.header)).plain for column in table.columns]
    texts = [[header, *cells] for header, cells in zip(headers, columns, strict=True)]
    widest = [max(map(cell_len, column)) for column in texts]
    if not console.is_terminal:
        table.width = sum(widest) + _GAP * (len(widest) - 1)
        console.print(table, crop=False, soft_wrap=True)
        return
    room = console.width - _GAP * (len(widest) - 1)
    longest = [
        most if column.no_wrap else max(cell_len(word) for text in cells for word in text.split(" "))
        for column, cells, most in zip(table.columns, texts, widest, strict=True)
    ]
    if sum(longest) > room:
        _print_paragraphs(console, headers, columns)
        return
    _set_widths(table.columns, longest, widest, room)
    console.print(table, crop=False)


def _set_widths(columns: Iterable[Column], longest: list[int], widest: list[int], room: int) -> None:
    """Give each column its longest word at least, and what is left where it saves the most lines."""
    widths = list(longest)
    for _ in range(room - sum(widths)):
        needs = [most / width if width < most else 0 for most, width in zip(widest, widths, strict=True)]
        if not any(needs):
            break
        widths[needs.index(max(needs))] += 1
    for column, width in zip(columns, widths, strict=True):
        column.width = width


def _print_paragraphs(console: Console, headers: list[str], columns: list[list[str]]) -> None:
    for number, cells in enumerate(zip(*columns, strict=True)):
        if number:
            console.print()
        for header, cell in zip(headers, cells, strict=True):
            if cell:
                say(console, f"{header}: {cell}" if header else cell)
