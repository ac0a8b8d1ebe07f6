"""Notes, colours and pictures on cells. XML text in, XML text out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from xlsync.xlsx.cells import Position, position
from xlsync.xlsx.markup import ANY_PREFIX, attribute, unescape

_ANCHOR: Final = re.compile(rf"<({ANY_PREFIX}(?:twoCellAnchor|oneCellAnchor))(?=[\s>]).*?</\1\s*>", re.DOTALL)


def notes_of(xml: str) -> Iterator[tuple[Position, str]]:
    """The cells and texts of a part of comments or threaded comments."""
    kind = rf"{ANY_PREFIX}(?:comment|threadedComment)"
    for tag, inside in re.findall(rf"(<{kind}\s[^>]*(?<!/)>)(.*?)</{kind}\s*>", xml, re.DOTALL):
        texts = re.findall(rf"<{ANY_PREFIX}(?:t|text)(?:\s[^>]*)?>([^<]*)", inside)
        try:
            yield position(attribute(tag, "ref")), unescape("".join(texts)).strip()
        except ValueError:
            continue  # a comment on no cell


def fills_of(xml: str) -> list[str]:
    """The background of each cell style of a styles part (18.8.10 `cellXfs`), empty for none."""
    section = re.search(rf"<{ANY_PREFIX}fills[\s>].*?</{ANY_PREFIX}fills\s*>", xml, re.DOTALL)
    fills = (
        re.findall(rf"<{ANY_PREFIX}fill>(.*?)</{ANY_PREFIX}fill>", section[0], re.DOTALL) if section else []
    )
    colours = [
        "" if re.search(r'patternType="(?:none|gray125)"', fill) else re.sub(r"<[^>]*bgColor[^>]*>", "", fill)
        for fill in fills
    ]
    styles = re.search(rf"<{ANY_PREFIX}cellXfs[\s>].*?</{ANY_PREFIX}cellXfs\s*>", xml, re.DOTALL)
    numbers = re.findall(rf"<{ANY_PREFIX}xf\s[^>]*?fillId=[\"']([0-9]+)", styles[0]) if styles else []
    return [colours[int(number)] if int(number) < len(colours) else "" for number in numbers]


class Picture(NamedTuple):
    """A picture that lies beside one row: the anchor in the drawing, and the relations that it names."""

    row: int
    anchor: str
    relations: tuple[str, ...]


def pictures_of(xml: str, rows: Collection[int]) -> Iterator[Picture]:
    """The pictures of a drawing that lie within one of these rows."""
    for match in _ANCHOR.finditer(xml):
        places = {int(row) for row in re.findall(rf"<{ANY_PREFIX}row>([0-9]+)<", match[0])}
        if len(places) == 1 and places <= set(rows) and re.search(rf"<{ANY_PREFIX}pic[\s>]", match[0]):
            yield Picture(
                places.pop(),
                match[0],
                tuple(re.findall(r"""\s[\w.-]+:(?:embed|link)=["']([^"']+)""", match[0])),
            )


def with_namespaces(anchor: str, drawing: str) -> str:
    """An anchor that may stand in another drawing: it declares the namespaces of the one that it is from."""
    root = re.search(rf"<{ANY_PREFIX}wsDr[^>]*>", drawing)
    spaces = re.findall(r"""xmlns(?::[\w.-]+)?\s*=\s*(?:"[^"]*"|'[^']*')""", root[0]) if root else []
    tag, mark, rest = anchor.partition(">")
    missing = [space for space in spaces if space.partition("=")[0] not in tag]
    return f"{' '.join([tag, *missing])}{mark}{rest}"


def in_row(anchor: str, row: int, relations: dict[str, str]) -> str:
    """An anchor moved to a row, with other names of its relations."""
    anchor = re.sub(rf"(<{ANY_PREFIX}row>)[0-9]+", rf"\g<1>{row}", anchor)
    return re.sub(
        r"""(\s[\w.-]+:(?:embed|link)=["'])([^"']+)""",
        lambda match: f"{match[1]}{relations.get(match[2], match[2])}",
        anchor,
    )
