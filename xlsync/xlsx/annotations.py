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
    """A picture or text box that belongs to one row: its anchor, the relations that it names, its text."""

    row: int
    anchor: str
    relations: tuple[str, ...]
    text: str


def pictures_of(xml: str, rows: Collection[int]) -> Iterator[Picture]:
    """The pictures of a drawing that begin in one of these rows, and the text boxes that lie within one."""
    for match in _ANCHOR.finditer(xml):
        anchor = match[0]
        places = [int(row) for row in re.findall(rf"<{ANY_PREFIX}row>([0-9]+)<", anchor)]
        is_shape = re.search(rf"<{ANY_PREFIX}(?:sp|cxnSp|grpSp)[\s>]", anchor) and "compatExt" not in anchor
        is_within = is_shape and len(set(places)) == 1
        if places and places[0] in rows and (is_within or is_picture(anchor)):
            texts = re.findall(rf"<{ANY_PREFIX}t>([^<]*)<", anchor)
            relations = re.findall(r"""\s[\w.-]+:(?:embed|link)=["']([^"']+)""", anchor)
            yield Picture(places[0], anchor, tuple(relations), unescape("".join(texts)).strip())


def is_picture(anchor: str) -> bool:
    """Return whether a picture, and nothing else, hangs on an anchor of a drawing."""
    return bool(re.search(rf"<{ANY_PREFIX}pic[\s/>]", anchor)) and not re.search(
        rf"<{ANY_PREFIX}(?:graphicFrame|grpSp|sp)[\s>]", anchor
    )


def links_of(xml: str) -> Iterator[tuple[str, str, str]]:
    """The links of a sheet's part: its cells, the id of the relation to another file, the place in it."""
    for tag in re.findall(rf"<{ANY_PREFIX}hyperlink\s[^>]*>", xml):
        relation = re.search(r"""\s[\w.-]+:id\s*=\s*["']([^"']*)["']""", tag)
        yield attribute(tag, "ref"), unescape(relation[1]) if relation else "", attribute(tag, "location")


def with_namespaces(anchor: str, drawing: str) -> str:
    """An anchor that may stand in another drawing: it declares the namespaces of the one that it is from."""
    root = re.search(rf"<{ANY_PREFIX}wsDr[^>]*>", drawing)
    spaces = re.findall(r"""xmlns(?::[\w.-]+)?\s*=\s*(?:"[^"]*"|'[^']*')""", root[0]) if root else []
    tag, mark, rest = anchor.partition(">")
    missing = [space for space in spaces if space.partition("=")[0] not in tag]
    return f"{' '.join([tag, *missing])}{mark}{rest}"


def in_row(anchor: str, row: int, relations: dict[str, str]) -> str:
    """An anchor moved so that it begins in a row, with other names of its relations."""
    first = re.search(rf"<{ANY_PREFIX}row>([0-9]+)", anchor)
    by = row - int(first[1]) if first else 0
    anchor = re.sub(rf"(<{ANY_PREFIX}row>)([0-9]+)", lambda match: f"{match[1]}{int(match[2]) + by}", anchor)
    return re.sub(
        r"""(\s[\w.-]+:(?:embed|link)=["'])([^"']+)""",
        lambda match: f"{match[1]}{relations.get(match[2], match[2])}",
        anchor,
    )
