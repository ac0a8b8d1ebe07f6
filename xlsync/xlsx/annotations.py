"""Notes, colours and pictures on cells. XML text in, XML text out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from xlsync.xlsx.cells import HIGHEST_ROW, Position, position
from xlsync.xlsx.markup import ANY_PREFIX, attribute, empty_element, unescape, with_attribute

_ANCHOR: Final = re.compile(rf"<({ANY_PREFIX}(?:twoCellAnchor|oneCellAnchor))(?=[\s>]).*?</\1\s*>", re.DOTALL)
_FALLBACK: Final = re.compile(rf"<({ANY_PREFIX}Fallback)(?=[\s>])[^>]*(?<!/)>.*?</\1\s*>", re.DOTALL)
_CONTROL: Final = re.compile(
    rf"(<{ANY_PREFIX}(control|oleObject)\s[^>]*(?<!/)>)(.*?)</{ANY_PREFIX}\2\s*>", re.DOTALL
)
_IN_RELATION: Final = re.compile(r"""\s[\w.-]+:(?:embed|link|id|pict)=["']([^"']+)""")
_PREFIX: Final = re.compile(r"(?:</?|\s)([\w.-]+):[\w.-]+(?=[\s/>=])")
_KINDS: Final = (("slicer", "slicer"), ("/chart", "chart"), ("pic", "picture"), ("sp>", "text box"))
POINT: Final = 12_700  # in the units of drawings
ROW_HEIGHT: Final = 15 * POINT  # of a row with one line
_MOST_HEIGHT: Final = HIGHEST_ROW * POINT
_USUAL_WIDTH: Final = 1_219_200  # of two columns
ROWS_OF_SMALL: Final = 3  # an object over more rows than these and one belongs to no single row


def notes_of(xml: str) -> Iterator[tuple[Position, str]]:
    """The cells and texts of a part of comments or threaded comments, without hints how they are spoken."""
    kind = rf"{ANY_PREFIX}(?:comment|threadedComment)"
    for tag, inside in re.findall(rf"(<{kind}\s[^>]*(?<!/)>)(.*?)</{kind}\s*>", xml, re.DOTALL):
        spelt = re.sub(rf"<({ANY_PREFIX}rPh)[\s>].*?</\1\s*>", "", inside, flags=re.DOTALL)
        texts = re.findall(rf"<{ANY_PREFIX}(?:t|text)(?:\s[^>]*)?>([^<]*)", spelt)
        try:
            yield position(attribute(tag, "ref")), unescape("".join(texts)).strip()
        except ValueError:
            continue  # a comment on no cell


class CellLook(NamedTuple):
    """How a cell stands out: its background, its text's colour, whether that is bold or the like, its lines.

    Each is empty where it is none, the colour also where it is that of the workbook's first font.
    """

    fill: str = ""
    colour: str = ""
    emphasis: str = ""
    border: str = ""


def looks_of(xml: str) -> list[CellLook]:
    """The look of each cell style of a styles part (18.8.10 `cellXfs`)."""

    def items(container: str, item: str) -> list[str]:
        section = re.search(rf"<{ANY_PREFIX}{container}[\s>].*?</{ANY_PREFIX}{container}\s*>", xml, re.DOTALL)
        element = rf"(<({ANY_PREFIX}{item})(?=[\s/>])[^>]*?(?:/>|>.*?</\2\s*>))"
        return [whole for whole, _ in re.findall(element, section[0], re.DOTALL)] if section else []

    def fill_of(fill: str) -> str:
        kind = re.search(r"""patternType\s*=\s*["'](\w+)""", fill)
        is_none = not kind or kind[1] in {"none", "gray125"}
        return "" if is_none and "gradientFill" not in fill else re.sub(r"<[^>]*bgColor[^>]*>", "", fill)

    def chosen(choices: list[str], name: str, style: str) -> str:
        number = attribute(style.partition(">")[0], name) or "0"
        return choices[int(number)] if number.isdigit() and int(number) < len(choices) else ""

    def emphasis_of(font: str) -> str:
        tags = re.findall(rf"<({ANY_PREFIX}(?:b|i|u|strike)(?=[\s/>])[^>]*?)\s*/?>", font)
        return " ".join(sorted(tag for tag in tags if attribute(tag, "val") not in {"0", "false", "none"}))

    def border_of(border: str) -> str:
        side = rf"(<({ANY_PREFIX}(?:left|right|top|bottom|diagonal))\s[^>]*?(?:/>|>.*?</\2\s*>))"
        sides = [whole for whole, _ in re.findall(side, border, re.DOTALL)]
        return "".join(one for one in sides if attribute(one.partition(">")[0], "style") not in {"", "none"})

    fills, fonts = list(map(fill_of, items("fills", "fill"))), items("fonts", "font")
    colours = ["".join(re.findall(rf"<{ANY_PREFIX}color\s[^>]*>", font)) for font in fonts]
    colours = [colour if colour != colours[0] else "" for colour in colours]
    emphases = list(map(emphasis_of, fonts))
    borders = list(map(border_of, items("borders", "border")))
    parts = ((fills, "fillId"), (colours, "fontId"), (emphases, "fontId"), (borders, "borderId"))
    return [CellLook(*(chosen(*part, style) for part in parts)) for style in items("cellXfs", "xf")]


class Picture(NamedTuple):
    """A picture or text box that belongs to one row: its anchor, the relations that it names, its text."""

    row: int
    anchor: str
    relations: tuple[str, ...]
    text: str


class RichValue(NamedTuple):
    """A picture in a cell, or a value of a data type: the number of its metadata, as cells name it (`vm`)."""

    number: str
    is_picture: bool


def is_picture_by_number(metadata: str, values: str, structures: str) -> list[bool]:
    """Return for each number of a rich value, from 1 on, whether it is a picture (MS-XLSX, 2.2.4.14).

    The number leads over the workbook's metadata to a value, and that over its structure to a kind.
    """
    kinds = re.findall(rf"<{ANY_PREFIX}s\s[^>]*?\bt=[\"']([^\"']*)", structures)
    kind_of_value = [int(n) for n in re.findall(rf"<{ANY_PREFIX}rv\s[^>]*?\bs=[\"']([0-9]+)", values)]
    blocks = [int(n) for n in re.findall(rf"<{ANY_PREFIX}rvb\s[^>]*?\bi=[\"']([0-9]+)", metadata)]
    _, _, section = metadata.partition("valueMetadata")
    numbers = [int(n) for n in re.findall(rf"<{ANY_PREFIX}rc\s[^>]*?\bv=[\"']([0-9]+)", section)]

    def is_picture_at(number: int) -> bool:
        try:
            return kinds[kind_of_value[blocks[number]]] in {"_localImage", "_webimage"}
        except IndexError:  # the parts do not fit together
            return False

    return [is_picture_at(number) for number in numbers]


class DrawnObject(NamedTuple):
    """A chart, a slicer, a button or another object that begins in a row, by its name."""

    row: int
    kind: str
    name: str


def pictures_of(xml: str, rows: Collection[int]) -> Iterator[Picture]:
    """The pictures of a drawing that begin in one of these rows, and the text boxes of a few rows at most."""
    for row, anchor in _anchors(xml, rows):
        if _can_move(anchor, xml):
            texts = re.findall(rf"<{ANY_PREFIX}t>([^<]*)<", anchor)
            yield Picture(row, anchor, tuple(_IN_RELATION.findall(anchor)), unescape("".join(texts)).strip())


def objects_of(xml: str, rows: Collection[int]) -> Iterator[DrawnObject]:
    """The objects of a drawing that begin in one of these rows, without those of `pictures_of`.

    Those of form controls are left out, which stand in the sheet's part or its VML drawing too.
    """
    for row, anchor in _anchors(xml, rows):
        if not _can_move(anchor, xml) and "compatExt" not in anchor:
            kind = next((kind for mark, kind in _KINDS if mark in anchor), "drawn object")
            name = re.search(rf"<{ANY_PREFIX}cNvPr\s[^>]*>", anchor)
            yield DrawnObject(row, kind, attribute(name[0], "name") if name else "")


def controls_of(xml: str, rows: Collection[int]) -> Iterator[DrawnObject]:
    """The form controls, and the objects of other programs, that begin in one of these rows of a sheet."""
    for tag, kind, inside in _CONTROL.findall(xml):
        row = re.search(rf"<{ANY_PREFIX}from>.*?<{ANY_PREFIX}row>([0-9]+)<", inside, re.DOTALL)
        if row and int(row[1]) in rows:
            name = attribute(tag, "name") or attribute(tag, "progId")
            yield DrawnObject(int(row[1]), "form control" if kind == "control" else "embedded object", name)


def has_controls(xml: str) -> bool:
    """Return whether a sheet's part itself names its form controls and objects of other programs."""
    return _CONTROL.search(xml) is not None


def shapes_of(xml: str, rows: Collection[int]) -> Iterator[DrawnObject]:
    """The buttons and boxes of a VML drawing that begin in one of these rows, without those of notes."""
    for shape in re.findall(rf"<{ANY_PREFIX}shape\s.*?</{ANY_PREFIX}shape\s*>", xml, re.DOTALL):
        anchor = re.search(rf"<{ANY_PREFIX}Anchor>([^<]*)<", shape)
        numbers = [part.strip() for part in anchor[1].split(",")] if anchor else []
        row = int(numbers[2]) if len(numbers) == 8 and numbers[2].isdigit() else -1
        if not is_note(shape) and row in rows:
            yield DrawnObject(row, "form control", attribute(shape.partition(">")[0], "id"))


def is_note(shape: str) -> bool:
    """Return whether a shape of a VML drawing is the box of a note."""
    return re.search(r"""\sObjectType\s*=\s*["']Note["']""", shape) is not None


def _anchors(xml: str, rows: Collection[int]) -> Iterator[tuple[int, str]]:
    """The anchors of a drawing that begin in one of these rows, each with its row.

    What older programs show in place of an object stands in an anchor of its own, which is left out.
    """
    instead = [match.span() for match in _FALLBACK.finditer(xml)]
    for match in _ANCHOR.finditer(xml):
        if any(start < match.start() < end for start, end in instead):
            continue
        row = re.search(rf"<{ANY_PREFIX}row>([0-9]+)<", match[0])
        if row and int(row[1]) in rows:
            yield int(row[1]), match[0]


def _can_move(anchor: str, drawing: str) -> bool:
    """Return whether an anchor holds a picture, or a text box of a few rows, that may stand elsewhere."""
    root = re.search(rf"<{ANY_PREFIX}wsDr[^>]*>", drawing)
    declared = set(re.findall(r"xmlns:([\w.-]+)\s*=", f"{root[0] if root else ''}{anchor}"))
    if not set(_PREFIX.findall(anchor)) <= declared | {"xml", "xmlns"}:  # declared around the anchor
        return False
    if is_picture(anchor):
        return True
    places = [int(row) for row in re.findall(rf"<{ANY_PREFIX}row>([0-9]+)<", anchor)]
    is_shape = re.search(rf"<{ANY_PREFIX}(?:sp|cxnSp|grpSp)[\s>]", anchor) and not re.search(
        rf"<{ANY_PREFIX}graphicFrame[\s>]|compatExt", anchor
    )
    return bool(is_shape) and max(places) - min(places) <= ROWS_OF_SMALL


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


def size_of(anchor: str) -> tuple[int, int]:
    """The width and the height of what hangs on an anchor, in the units of drawings."""
    for tag in re.findall(rf"<{ANY_PREFIX}ext\s[^>]*>", anchor):
        width, height = attribute(tag, "cx"), attribute(tag, "cy")
        if width.isdigit() and height.isdigit() and int(width) and int(height):
            return int(width), min(int(height), _MOST_HEIGHT)
    rows = [int(row) for row in re.findall(rf"<{ANY_PREFIX}row>([0-9]+)<", anchor)]
    return _USUAL_WIDTH, min((max(rows) - min(rows) + 1) * ROW_HEIGHT, _MOST_HEIGHT)


def in_cell(anchor: str, row: int, column: int, relations: Mapping[str, str]) -> str:
    """An anchor that begins in a cell, in a size that no row changes, with other names of its relations."""
    opening, _, inside = anchor.partition(">")
    p = opening.partition("<")[2].partition("CellAnchor")[0].removesuffix("two").removesuffix("one")
    spaces = "".join(re.findall(r"""\sxmlns(?::[\w.-]+)?\s*=\s*(?:"[^"]*"|'[^']*')""", opening))
    width, height = size_of(anchor)
    inside = re.sub(rf"^\s*<{p}from>.*?</{p}from>\s*", "", inside, flags=re.DOTALL)
    inside = re.sub(rf"^(?:<{p}to>.*?</{p}to>|{empty_element('ext')})", "", inside, flags=re.DOTALL)
    inside = re.sub(
        r"""(\s[\w.-]+:(?:embed|link|id|pict)=["'])([^"']+)""",
        lambda match: f"{match[1]}{relations.get(match[2], match[2])}",
        inside[: inside.rindex("</")],
    )
    return (
        f"<{p}oneCellAnchor{spaces}><{p}from><{p}col>{column}</{p}col><{p}colOff>0</{p}colOff>"
        f'<{p}row>{row}</{p}row><{p}rowOff>0</{p}rowOff></{p}from><{p}ext cx="{width}" cy="{height}"/>'
        f"{inside}</{p}oneCellAnchor>"
    )


def with_own_ids(anchor: str, drawing: str) -> str:
    """An anchor whose shapes have ids that no shape of a drawing has; lines let go of shapes elsewhere."""
    shape = re.compile(rf"(<{ANY_PREFIX}cNvPr\s[^>]*?\bid=[\"'])([0-9]+)")
    last = max((int(number) for _, number in shape.findall(drawing)), default=1)
    ids = {old: str(new) for new, (_, old) in enumerate(shape.findall(anchor), last + 1)}

    def connected(match: re.Match[str]) -> str:
        old = attribute(match[0], "id")
        return with_attribute(match[0], "id", ids[old]) if old in ids else ""

    anchor = re.sub(empty_element("stCxn|endCxn"), connected, anchor)
    return shape.sub(lambda match: f"{match[1]}{ids[match[2]]}", anchor)
