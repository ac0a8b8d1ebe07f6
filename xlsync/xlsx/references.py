"""References to the rows of a renewed sheet, in its own part and in others: they follow the rows.

XML text in, XML text out; the numbers are sections of ECMA-376-1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from xlsync.xlsx.cells import escape_markup
from xlsync.xlsx.markup import ANY_PREFIX, attribute, unescape, with_attribute
from xlsync.xlsx.moves import Moves, rows_of

_HOLDERS: Final = (  # containers that may not be empty, and their items
    ("mergeCells", "mergeCell"),
    ("hyperlinks", "hyperlink"),
    ("cellWatches", "cellWatch"),
    ("rowBreaks", "brk"),
    ("scenario", "inputCells"),
    ("scenarios", "scenario"),
    ("conditionalFormattings", "conditionalFormatting"),
    ("dataValidations", "dataValidation"),
    ("ignoredErrors", "ignoredError"),
    ("protectedRanges", "protectedRange"),
    ("sparklineGroup", "sparkline"),
    ("sparklineGroups", "sparklineGroup"),
)
_X14_CELLS: Final = re.compile(r"(<[\w.-]+:sqref>)([^<]*)</")  # rules in extLst name them so (MS-XLSX, 2.2.2)
_RULE: Final = re.compile(
    rf"<({ANY_PREFIX}(?:conditionalFormatting|dataValidation|ignoredError|protectedRange|sparkline))(?=[\s/>])"
    r"[^>]*?(?:/>|>.*?</\1\s*>)",
    re.DOTALL,
)
_RULE_FORMULA: Final = re.compile(
    rf"""(<{ANY_PREFIX}(?:formula[12]?|f)>|<{ANY_PREFIX}cfvo\s[^>]*?\bval=["'])([^<"]*)"""
)
_CELL_FORMULA: Final = re.compile(rf"(<{ANY_PREFIX}f(?:\s[^>]*)?(?<!/)>)([^<]*)")
_TABLE_FORMULA: Final = re.compile(rf"(<{ANY_PREFIX}calculatedColumnFormula(?:\s[^>]*)?>)([^<]*)")
_TOTAL_FORMULA: Final = re.compile(rf"(<{ANY_PREFIX}totalsRowFormula(?:\s[^>]*)?>)([^<]*)")
_ANCHOR: Final = re.compile(
    rf"<({ANY_PREFIX}(?:twoCellAnchor|oneCellAnchor|anchor))(?=[\s>])[^>]*>.*?</\1\s*>", re.DOTALL
)
_ROW_HEIGHT: Final = 190_500  # of a row with one line, in the units of drawings


def _with_attribute_changed(tag: str, name: str, value: str) -> str:
    return tag if attribute(tag, name) == value else with_attribute(tag, name, value)


def _with_texts_changed(pattern: re.Pattern[str], xml: str, change: Callable[[str], str]) -> str:
    """Replace the formula that is the second group of each match, where it changes."""

    def changed(match: re.Match[str]) -> str:
        old = unescape(match[2])
        new = change(old)
        return match[0] if new == old else f"{match[1]}{escape_markup(new)}"

    return pattern.sub(changed, xml)


def _without_empty(xml: str, container: str, item: str) -> str:
    """Correct the count of a container, or remove the container if it is empty."""

    def counted(match: re.Match[str]) -> str:
        count = len(re.findall(rf"<{ANY_PREFIX}{item}(?=[\s/>])", match[2]))
        if not count:
            return ""
        opening = with_attribute(match[1], "count", str(count)) if 'count="' in match[1] else match[1]
        return f"{opening}{match[2]}{match[3]}"

    return re.sub(
        rf"(<{ANY_PREFIX}{container}(?=[\s>])[^>]*(?<!/)>)(.*?)(</{ANY_PREFIX}{container}\s*>)",
        counted,
        xml,
        flags=re.DOTALL,
    )


# the moved sheet


def move_sheet_rules(xml: str, moves: Moves, title: str) -> str:
    """Update a sheet's part after its rows: merges, links, rules, breaks and scenarios follow the rows."""

    def placed(name: str) -> Callable[[re.Match[str]], str]:
        def place(match: re.Match[str]) -> str:
            new = moves.place(attribute(match[0], name))
            return "" if new is None else _with_attribute_changed(match[0], name, new)

        return place

    def stretched(match: re.Match[str]) -> str:
        return _with_attribute_changed(match[0], "ref", moves.stretched(attribute(match[0], "ref")))

    xml = re.sub(rf"<{ANY_PREFIX}(?:mergeCell|hyperlink)\s[^>]*?/>", placed("ref"), xml)
    xml = re.sub(rf"<{ANY_PREFIX}(?:cellWatch|inputCells)\s[^>]*?/>", placed("r"), xml)
    xml = re.sub(rf"<{ANY_PREFIX}(?:autoFilter|sort\w+)\s[^>]*>", stretched, xml)
    xml = re.sub(
        rf"<({ANY_PREFIX}rowBreaks)\s[^>]*>.*?</\1\s*>",
        lambda f: _moved_breaks(f[0], moves),
        xml,
        flags=re.DOTALL,
    )
    xml = _RULE.sub(lambda match: _moved_rule(match[0], moves, title), xml)
    xml = move_anchors(xml, moves)
    for holder, item in _HOLDERS:
        if holder in xml:
            xml = _without_empty(xml, holder, item)
    return re.sub(rf"<({ANY_PREFIX}ext)\s[^>]*>\s*</\1>|<({ANY_PREFIX}extLst)>\s*</\2>", "", xml)


def _moved_breaks(xml: str, moves: Moves) -> str:
    """Page breaks, each before the row that it stood before; `id` is that row, 0-based (18.3.1.3)."""
    places: set[str] = set()

    def moved(match: re.Match[str]) -> str:
        old = int(attribute(match[0], "id") or 0)
        new = moves.row(old)
        if new is None and (above := moves.row(old - 1)) is not None:
            new = above + 1
        if new is None or str(new) in places:
            return ""
        places.add(str(new))
        return _with_attribute_changed(match[0], "id", str(new))

    xml = re.sub(rf"<{ANY_PREFIX}brk\s[^>]*?/>", moved, xml)
    breaks = sorted(
        re.findall(rf"<{ANY_PREFIX}brk\s[^>]*?/>", xml), key=lambda tag: int(attribute(tag, "id") or 0)
    )
    manual = sum(attribute(tag, "man") in {"1", "true"} for tag in breaks)
    opening, closing = xml[: xml.index(">") + 1], xml[xml.rindex("</") :]
    if "manualBreakCount" in opening:
        opening = with_attribute(opening, "manualBreakCount", str(manual))
    return f"{opening}{''.join(breaks)}{closing}"


def _moved_rule(rule: str, moves: Moves, title: str) -> str:
    """A rule on the new places of its cells, or nothing; its formulas are written for the first of them."""
    inner = _X14_CELLS.search(rule)
    cells = inner[2] if inner else attribute(rule.partition(">")[0], "sqref")
    new = moves.followed(cells)
    if not new:
        return ""
    if inner and new != cells:
        rule = f"{rule[: inner.start(2)]}{new}{rule[inner.end(2) :]}"
    elif new != cells:
        tag, mark, rest = rule.partition(">")
        rule = with_attribute(f"{tag}>", "sqref", new) + rest if mark else rule
    here, there = rows_of(cells), rows_of(new)
    if here is None or there is None:
        return rule
    if here[0] == here[1] and there == (moves.row(here[0]),) * 2:
        return _with_texts_changed(_RULE_FORMULA, rule, lambda text: moves.formula(text, title))
    return _with_texts_changed(
        _RULE_FORMULA, rule, lambda text: moves.anchored(text, title, here[0], there[0])
    )


# parts of the moved sheet


def move_table(xml: str, moves: Moves, title: str, *, is_own: bool) -> str:
    """Update a table's part: the table of the data rows grows with them, and loses its sort order."""
    place = moves.stretched if is_own else lambda reference: moves.place(reference) or reference
    if is_own:
        xml = re.sub(
            rf"<{ANY_PREFIX}sortState(?=[\s>])[^>]*?(?:/>|>.*?</{ANY_PREFIX}sortState\s*>)",
            "",
            xml,
            flags=re.DOTALL,
        )
    before = table_rows(xml)
    xml = re.sub(
        rf"<{ANY_PREFIX}(?:table|autoFilter|sort\w+)\s[^>]*>",
        lambda match: _with_attribute_changed(match[0], "ref", place(attribute(match[0], "ref"))),
        xml,
    )
    after = table_rows(xml)
    if before is None or after is None:
        return xml
    xml = _with_texts_changed(
        _TABLE_FORMULA, xml, lambda text: moves.anchored(text, title, before[0] + 1, after[0] + 1)
    )
    return _with_texts_changed(_TOTAL_FORMULA, xml, lambda text: moves.formula(text, title))


def table_rows(xml: str) -> tuple[int, int] | None:
    """The first and last row of a table, with its header and its totals row."""
    tag = re.search(rf"<{ANY_PREFIX}table\s[^>]*>", xml)
    return rows_of(attribute(tag[0], "ref")) if tag else None


def pivot_cells(xml: str) -> str:
    """The cells that a pivot table fills, empty where its part does not say."""
    tag = re.search(rf"<{ANY_PREFIX}location\s[^>]*>", xml)
    return attribute(tag[0], "ref") if tag else ""


def move_pivot(xml: str, moves: Moves) -> str:
    """Move a pivot table's part to the new place of its cells."""
    return re.sub(
        rf"<{ANY_PREFIX}location\s[^>]*>",
        lambda match: _with_attribute_changed(
            match[0], "ref", moves.place(attribute(match[0], "ref")) or attribute(match[0], "ref")
        ),
        xml,
    )


def move_comments(xml: str, moves: Moves) -> str:
    """A part of comments or threaded comments: each follows its row, or goes with it."""

    def placed(match: re.Match[str]) -> str:
        new = moves.place(attribute(match[1], "ref"))
        return "" if new is None else _with_attribute_changed(match[1], "ref", new) + match[2]

    kind = rf"{ANY_PREFIX}(?:comment|threadedComment)"
    return re.sub(rf"(<{kind}\s[^>]*(?<!/)>)(.*?</{kind}\s*>)", placed, xml, flags=re.DOTALL)


def move_shapes(xml: str, moves: Moves) -> str:
    """The VML drawing of a sheet: a note's shape follows its row or goes with it, a button follows."""

    def placed(match: re.Match[str]) -> str:
        shape = match[0]
        row = re.search(rf"(<{ANY_PREFIX}Row>\s*)([0-9]+)(\s*<)", shape)
        if not row or 'ObjectType="Note"' not in shape:
            return _with_anchor(shape, moves, None)
        new = moves.row(int(row[2]))
        if new is None:
            return ""
        by = new - int(row[2])
        return _with_anchor(shape.replace(row[0], f"{row[1]}{new}{row[3]}"), moves, by) if by else shape

    return re.sub(rf"<{ANY_PREFIX}shape\s.*?</{ANY_PREFIX}shape\s*>", placed, xml, flags=re.DOTALL)


def _with_anchor(shape: str, moves: Moves, by: int | None) -> str:
    """A shape moved by so many rows, or with the rows that it lies on.

    An anchor names column, offset, row, offset of two corners (Office VML reference, `x:Anchor`).
    """

    def moved(match: re.Match[str]) -> str:
        numbers = [part.strip() for part in match[2].split(",")]
        if len(numbers) != 8 or not all(number.isdigit() for number in numbers):
            return match[0]
        top, bottom = int(numbers[2]), int(numbers[6])
        new = _rows_of_object(moves, top, bottom) if by is None else (max(0, top + by), max(0, bottom + by))
        if new == (top, bottom):
            return match[0]
        numbers[2], numbers[6] = map(str, new)
        return f"{match[1]}{', '.join(numbers)}"

    return re.sub(rf"(<{ANY_PREFIX}Anchor>)([^<]*)", moved, shape)


def move_anchors(xml: str, moves: Moves) -> str:
    """Move pictures, charts and buttons with their row; those over several rows that separate stay."""

    def moved(match: re.Match[str]) -> str:
        anchor = match[0]
        corner = rf"(<{ANY_PREFIX}%s>.*?<{ANY_PREFIX}row>)([0-9]+)"
        start = re.search(corner % "from", anchor, re.DOTALL)
        if start is None or attribute(anchor.partition(">")[0], "editAs") == "absolute":
            return anchor
        end = re.search(corner % "to", anchor, re.DOTALL)
        height = re.search(rf"<{ANY_PREFIX}ext\s[^>]*\bcy=[\"']([0-9]+)", anchor)
        top = int(start[2])
        bottom = int(end[2]) if end else top + (int(height[1]) // _ROW_HEIGHT if height else 0)
        new = _rows_of_object(moves, top, bottom)
        if end:
            anchor = f"{anchor[: end.start(2)]}{new[1]}{anchor[end.end(2) :]}"
        return f"{anchor[: start.start(2)]}{new[0]}{anchor[start.end(2) :]}"

    return _ANCHOR.sub(moved, xml)


def _rows_of_object(moves: Moves, top: int, bottom: int) -> tuple[int, int]:
    """Return the new rows of an object over some rows; an object on a dropped row stays."""
    if top <= moves.first - 1 and bottom > moves.last:
        return top, bottom + moves.shift
    return moves.together(top, bottom) or (top, bottom)


# other parts


def follow_elsewhere(xml: str, moves: Moves, title: str) -> str:
    """Update a part other than a sheet, such as a chart or the source of a pivot table."""

    def source(match: re.Match[str]) -> str:
        if attribute(match[0], "sheet").casefold() != title.casefold():
            return match[0]
        return _with_attribute_changed(match[0], "ref", moves.stretched(attribute(match[0], "ref")))

    xml = _with_texts_changed(_CELL_FORMULA, xml, lambda text: moves.formula(text, title, here=False))
    return re.sub(rf"<{ANY_PREFIX}worksheetSource\s[^>]*>", source, xml)


def follow_on_another_sheet(xml: str, moves: Moves, title: str) -> str:
    """Update another sheet: formulas in its cells, then rules and links below its rows."""
    end = xml.rfind("sheetData")
    cells = _with_texts_changed(_CELL_FORMULA, xml[:end], lambda text: moves.formula(text, title, here=False))
    rules = _with_texts_changed(_RULE_FORMULA, xml[end:], lambda text: moves.fixed(text, title))
    return cells + rules


def move_linked_cells(xml: str, moves: Moves, title: str) -> str:
    """Update a form control's part: the cells that it fills and lists (`fmlaLink`, `fmlaRange`)."""

    def moved(match: re.Match[str]) -> str:
        new = moves.formula(unescape(match[2]), title)
        return f"{match[1]}{escape_markup(new)}{match[3]}"

    return re.sub(r"""(\sfmla(?:Link|Range|Group|Txbx)=")([^"]*)(")""", moved, xml)


# what cannot come apart


def is_apart(reference: str, moves: Moves) -> bool:
    """Return whether rows of a range that cannot be split were separated or dropped."""
    rows = rows_of(reference)
    return rows is not None and rows[0] != rows[1] and moves.together(*rows) is None


def parted_merges(xml: str, moves: Moves) -> Iterator[str]:
    """Yield the merged cells of a sheet whose rows were separated."""
    for tag in re.findall(rf"<{ANY_PREFIX}mergeCell\s[^>]*?/>", xml):
        reference = attribute(tag, "ref")
        rows = rows_of(reference)
        if (
            rows
            and moves.place(reference) is None
            and any(moves.row(r) is not None for r in range(rows[0], rows[1] + 1))
        ):
            yield reference
