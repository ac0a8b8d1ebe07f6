"""References to the rows of a renewed sheet, in its own part and in others: they follow the rows.

XML text in, XML text out; the numbers are sections of ECMA-376-1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote, unquote

from xlsync.xlsx.cells import address, escape_markup
from xlsync.xlsx.markup import (
    ANY_PREFIX,
    attribute,
    empty_element,
    number_of,
    unescape,
    with_attribute,
    with_texts_changed,
    without_attributes,
)
from xlsync.xlsx.moves import Moves, PointingCells
from xlsync.xlsx.objects import move_anchors, move_linked_cells, move_links_of_controls
from xlsync.xlsx.ranges import columns_and_rows, row_span

_HOLDERS: Final = (  # containers that may not be empty, and their items
    ("mergeCells", "mergeCell"),
    ("hyperlinks", "hyperlink"),
    ("cellWatches", "cellWatch"),
    ("smartTags", "cellSmartTags"),
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
_X14_CELLS: Final = re.compile(  # rules in extLst name them so (MS-XLSX, 2.2.2)
    rf"(<{ANY_PREFIX}sqref(?:\s[^>]*)?>)([^<]*)</"
)
_RULE: Final = re.compile(
    rf"<({ANY_PREFIX}(?:conditionalFormatting|dataValidation|ignoredError|protectedRange|sparkline))(?=[\s/>])"
    r"[^>]*?(?:/>|>.*?</\1\s*>)",
    re.DOTALL,
)
_NAMED_RULES: Final = {
    "conditionalFormatting": "conditional format",
    "dataValidation": "rule for what is typed",
    "protectedRange": "protected range",
    "sparkline": "sparkline",
}
_RULE_FORMULA: Final = re.compile(rf"(<{ANY_PREFIX}(?:formula[12]?|f)(?:\s[^>]*)?(?<!/)>)([^<]*)")
_CELL_FORMULA: Final = re.compile(rf"(<{ANY_PREFIX}f(?:\s[^>]*)?(?<!/)>)([^<]*)")
_CHART_FORMULA: Final = re.compile(rf"(<{ANY_PREFIX}(?:f|nf|sqref)(?:\s[^>]*)?(?<!/)>)([^<]*)")
_TABLE_FORMULA: Final = re.compile(rf"(<{ANY_PREFIX}calculatedColumnFormula(?:\s[^>]*)?>)([^<]*)")
_TOTAL_FORMULA: Final = re.compile(rf"(<{ANY_PREFIX}totalsRowFormula(?:\s[^>]*)?>)([^<]*)")
_DATES_OF_SPARKLINES: Final = re.compile(
    rf"(<{ANY_PREFIX}f>)([^<]*)(?=</{ANY_PREFIX}f>\s*<{ANY_PREFIX}sparklines)"
)
_LINK: Final = re.compile(empty_element("hyperlink"))
_MERGED: Final = re.compile(empty_element("mergeCell"))
_SCENARIO: Final = re.compile(rf"<({ANY_PREFIX}scenario)(\s[^>]*)>(.*?)</\1\s*>", re.DOTALL)
_SCENARIOS: Final = re.compile(rf"<{ANY_PREFIX}scenarios\s[^>]*>")
_BREAK: Final = re.compile(empty_element("brk"))
_CELL: Final = re.compile(rf"<{ANY_PREFIX}c\s[^>]*?\br\s*=\s*[\"']([A-Z]+[0-9]+)")
_IN_LINK: Final = "!$:',()"  # signs that stand in the target of a link as they are
_BEFORE_FORMULA: Final = 300  # characters in which the cell of a formula opens


def _with_attribute_changed(tag: str, name: str, value: str) -> str:
    return tag if attribute(tag, name) == value else with_attribute(tag, name, value)


def _with_tags_changed(xml: str, names: str, name: str, change: Callable[[str], str]) -> str:
    """Change the cells in the attribute `name` of all elements of these names, where it changes."""
    return re.sub(
        rf"<{ANY_PREFIX}(?:{names})\s[^>]*>",
        lambda tag: _with_attribute_changed(tag[0], name, change(attribute(tag[0], name))),
        xml,
    )


def _with_cells_changed(xml: str, change: Callable[[str, str], str]) -> str:
    """Replace the formula of each cell, where it changes; `change` takes the formula and the cell's name.

    The name is empty where it is not known.
    """

    def changed(match: re.Match[str]) -> str:
        cell = _CELL.findall(xml[max(0, match.start() - _BEFORE_FORMULA) : match.start()])
        old = unescape(match[2])
        new = change(old, cell[-1] if cell else "")
        return match[0] if new == old else f"{match[1]}{escape_markup(new)}"

    return _CELL_FORMULA.sub(changed, xml)


def _without_empty(xml: str, container: str, item: str) -> str:
    """Correct the count of a container, or remove the container if it is empty."""

    def counted(match: re.Match[str]) -> str:
        count = len(re.findall(rf"<{ANY_PREFIX}{item}(?=[\s/>])", match[2]))
        if not count:
            return ""
        opening = with_attribute(match[1], "count", str(count)) if attribute(match[1], "count") else match[1]
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

    xml = _MERGED.sub(placed("ref"), xml)
    xml = _LINK.sub(lambda match: _moved_links(match[0], moves, title), xml)
    xml = re.sub(empty_element("cellWatch|inputCells"), placed("r"), xml)
    xml = re.sub(
        rf"<({ANY_PREFIX}cellSmartTags)\s[^>]*>.*?</\1\s*>",
        lambda tags: _moved_smart_tags(tags[0], moves),
        xml,
        flags=re.DOTALL,
    )
    xml = _with_tags_changed(xml, r"autoFilter|sort\w+", "ref", moves.stretched)
    xml = _with_tags_changed(xml, "webPublishItem", "sourceRef", moves.stretched)
    xml = re.sub(
        rf"<({ANY_PREFIX}rowBreaks)\s[^>]*>.*?</\1\s*>",
        lambda f: _moved_breaks(f[0], moves),
        xml,
        flags=re.DOTALL,
    )
    xml = _RULE.sub(lambda match: _moved_rule(match, moves, title), xml)
    xml = with_texts_changed(
        _DATES_OF_SPARKLINES, xml, lambda text: moves.formula(text, title, where=f"a sparkline of {title}")
    )
    xml = _with_sources_stretched(xml, moves, title)
    xml = move_links_of_controls(move_anchors(xml, moves), moves, title)
    scenarios = len(scenarios_of(xml))
    for holder, item in _HOLDERS:
        if holder in xml:
            xml = _without_empty(xml, holder, item)
    are_fewer = len(scenarios_of(xml)) < scenarios
    xml = _SCENARIOS.sub(lambda tag: _moved_scenarios(tag[0], moves, are_fewer=are_fewer), xml)
    return re.sub(rf"<({ANY_PREFIX}ext)\s[^>]*>\s*</\1>|<({ANY_PREFIX}extLst)>\s*</\2>", "", xml)


def scenarios_of(xml: str) -> dict[str, int]:
    """The names of the scenarios in a sheet's part, and how many cells each varies."""
    return {
        attribute(match[2], "name"): len(re.findall(rf"<{ANY_PREFIX}inputCells\s", match[3]))
        for match in _SCENARIO.finditer(xml)
    }


def _moved_scenarios(tag: str, moves: Moves, *, are_fewer: bool) -> str:
    """The cells that show what scenarios result in, moved; which one is shown holds while all are there."""
    opening, _, attributes = tag.removesuffix(">").partition(" ")
    results = moves.followed(attribute(tag, "sqref"))
    shown = ("current", "show") if are_fewer else ()
    tag = f"{opening}{without_attributes(attributes, 'sqref', *shown)}>"
    return with_attribute(tag, "sqref", results) if results else tag


def _moved_links(link: str, moves: Moves, title: str) -> str:
    """A link on the new places of its cells, once for each range of them, to the new place of its target."""
    cells = attribute(link, "ref")
    new = moves.pieces(cells)
    if new:
        link = _with_target_moved(link, moves, title, PointingCells(title, " ".join(new), "the link in"))
    if len(new) > 1:
        link = re.sub(r"""\s[\w.-]+:uid\s*=\s*(?:"[^"]*"|'[^']*')""", "", link)  # it names one link only
    return "".join(_with_attribute_changed(link, "ref", piece) for piece in new)


def _is_in_another_workbook(tag: str) -> bool:
    """Return whether a tag has a relation to another workbook, or another file, whose cells it names."""
    return re.search(r"\s[\w.-]+:id\s*=", tag) is not None


def _with_target_moved(link: str, moves: Moves, title: str, where: PointingCells) -> str:
    location = attribute(link, "location")
    target = location.removeprefix("#")  # which exceljs puts before a place in this workbook
    if target == location and _is_in_another_workbook(link):
        return link
    new = moves.formula(target, title, here=False, where=where)
    return link if new == target else with_attribute(link, "location", location.replace(target, new))


def _moved_smart_tags(xml: str, moves: Moves) -> str:
    tag, mark, rest = xml.partition(">")
    new = moves.place(attribute(tag, "r"))
    return "" if new is None else f"{_with_attribute_changed(f'{tag}{mark}', 'r', new)}{rest}"


def _moved_breaks(xml: str, moves: Moves) -> str:
    """Page breaks, each before the row that it stood before; `id` is that row, 0-based (18.3.1.3)."""
    places: set[str] = set()

    def moved(match: re.Match[str]) -> str:
        old = int(number_of(match[0], "id", 0))
        new = moves.row(old)
        if new is None and (above := moves.row(old - 1)) is not None:
            new = above + 1
        if new is None or str(new) in places:
            return ""
        places.add(str(new))
        return _with_attribute_changed(match[0], "id", str(new))

    tags = (match[0] for match in _BREAK.finditer(_BREAK.sub(moved, xml)))
    breaks = sorted(tags, key=lambda tag: int(number_of(tag, "id", 0)))
    manual = sum(attribute(tag, "man") in {"1", "true"} for tag in breaks)
    opening, closing = xml[: xml.index(">") + 1], xml[xml.rindex("</") :]
    if "manualBreakCount" in opening:
        opening = with_attribute(opening, "manualBreakCount", str(manual))
    return f"{opening}{''.join(breaks)}{closing}"


def _moved_rule(match: re.Match[str], moves: Moves, title: str) -> str:
    """A rule on the new places of its cells, or nothing; its formulas are written for the first of them."""
    rule = match[0]
    inner, cells = _cells_of_rule(rule)
    new = moves.followed(cells)
    if not cells:  # it does not say where it holds
        return rule
    if not new:
        kind = _NAMED_RULES.get(match[1].rpartition(":")[2])
        if kind:
            moves.gone.setdefault(kind, []).append(f"{title}!{cells}")
        return ""
    if inner and new != cells:
        rule = f"{rule[: inner.start(2)]}{new}{rule[inner.end(2) :]}"
    elif new != cells:
        tag, mark, rest = rule.partition(">")
        rule = with_attribute(f"{tag}>", "sqref", new) + rest if mark else rule
    here, there = row_span(cells), row_span(new)
    if here is None or there is None:
        return rule
    where = _place_of_rule(rule, title, new)
    if here[0] == here[1] and there == (moves.row(here[0]),) * 2:
        return _with_formulas_changed(rule, lambda text: moves.formula(text, title, where=where, row=here[0]))
    return _with_formulas_changed(
        rule, lambda text: moves.anchored(text, title, here[0], there[0], where=where)
    )


def _with_formulas_changed(rule: str, change: Callable[[str], str]) -> str:
    """Change the formulas of a rule, and those at which its scales end."""
    return _with_tags_changed(with_texts_changed(_RULE_FORMULA, rule, change), "cfvo", "val", change)


def _cells_of_rule(rule: str) -> tuple[re.Match[str] | None, str]:
    """Return the cells of a rule, and where they stand if that is inside of its element."""
    inner = _X14_CELLS.search(rule)
    return inner, inner[2] if inner else attribute(rule.partition(">")[0], "sqref")


def _place_of_rule(rule: str, title: str, cells: str) -> PointingCells:
    return PointingCells(title, cells, f"the {'sparkline' if 'sparkline' in rule[:30] else 'rule'} on")


# parts of the moved sheet


def move_named_views(xml: str, moves: Moves) -> str:
    """Let the filters of a sheet's named views, and what these sort by, cover the new rows."""
    return _with_tags_changed(xml, r"nsvFilter|sort\w+", "ref", moves.stretched)


def move_table(xml: str, moves: Moves, title: str, *, is_own: bool) -> str:
    """Update a table's part: the table of the data rows grows with them, and loses its sort order."""
    if is_own:
        xml = re.sub(
            rf"<{ANY_PREFIX}sortState(?=[\s>])[^>]*?(?:/>|>.*?</{ANY_PREFIX}sortState\s*>)",
            "",
            xml,
            flags=re.DOTALL,
        )
    before = table_rows(xml)
    place = moves.stretched if is_own else moves.place_or_old
    xml = _with_tags_changed(xml, r"table|autoFilter|sort\w+", "ref", place)
    after = table_rows(xml)
    if before is None or after is None:
        return xml
    xml = with_texts_changed(
        _TABLE_FORMULA,
        xml,
        lambda text: moves.anchored(text, title, before[0] + 1, after[0] + 1, where=f"a table of {title}"),
    )
    return with_texts_changed(
        _TOTAL_FORMULA, xml, lambda text: moves.formula(text, title, where=f"a table of {title}")
    )


def table_rows(xml: str) -> tuple[int, int] | None:
    """The first and last row of a table, with its header and its totals row."""
    tag = re.search(rf"<{ANY_PREFIX}table\s[^>]*>", xml)
    return row_span(attribute(tag[0], "ref")) if tag else None


def pivot_cells(xml: str) -> str:
    """The cells that a pivot table fills, with its filters above; empty where its part does not say."""
    tag = re.search(rf"<{ANY_PREFIX}location\s[^>]*>", xml)
    cells, filters = (attribute(tag[0], name) for name in ("ref", "rowPageCount")) if tag else ("", "")
    known = columns_and_rows(cells)
    if known is None or not filters.strip("0").isdigit():
        return cells
    (left, right), (top, bottom) = known
    above = max(0, top - int(filters) - 1)  # a row between them is empty
    return f"{address(above, left)}:{address(bottom, right)}"


def move_pivot(xml: str, moves: Moves) -> str:
    """Move a pivot table's part to the new place of its cells."""
    return _with_tags_changed(xml, "location", "ref", moves.place_or_old)


def cells_of_xml_map(xml: str) -> list[str]:
    """The single cells that an XML map fills (18.5.2)."""
    return [attribute(tag, "r") for tag in re.findall(rf"<{ANY_PREFIX}singleXmlCell\s[^>]*>", xml)]


def move_xml_map(xml: str, moves: Moves) -> str:
    """Move the single cells that an XML map fills to their new places."""
    return _with_tags_changed(xml, "singleXmlCell", "r", moves.place_or_old)


def move_comments(xml: str, moves: Moves) -> str:
    """A part of comments or threaded comments: each follows its row, or goes with it."""

    def placed(match: re.Match[str]) -> str:
        new = moves.place(attribute(match[1], "ref"))
        return "" if new is None else _with_attribute_changed(match[1], "ref", new) + match[2]

    kind = rf"{ANY_PREFIX}(?:comment|threadedComment)"
    return re.sub(rf"(<{kind}\s[^>]*(?<!/)>)(.*?</{kind}\s*>)", placed, xml, flags=re.DOTALL)


# other parts


def follow_elsewhere(xml: str, moves: Moves, title: str) -> str:
    """Update a part other than a sheet, such as a chart, a text box or the source of a pivot table."""
    xml = with_texts_changed(
        _CHART_FORMULA, xml, lambda text: moves.formula(text, title, here=False, where="a chart")
    )
    xml = with_texts_changed(_TABLE_FORMULA, xml, lambda text: moves.fixed(text, title, where="a table"))
    xml = with_texts_changed(
        _TOTAL_FORMULA, xml, lambda text: moves.formula(text, title, here=False, where="a table")
    )
    return _with_sources_stretched(move_linked_cells(xml, moves, title, here=False), moves, title)


def follow_in_relations(xml: str, moves: Moves, title: str) -> str:
    """Update the links to places in the workbook that the relationships of a part hold."""

    def followed(match: re.Match[str]) -> str:
        target = attribute(match[0], "Target")
        if not target.startswith("#") or not attribute(match[0], "Type").endswith("/hyperlink"):
            return match[0]
        old = unquote(target.removeprefix("#"))
        new = moves.formula(old, title, here=False, where="a link")
        return match[0] if new == old else with_attribute(match[0], "Target", f"#{quote(new, _IN_LINK)}")

    return re.sub(rf"<{ANY_PREFIX}Relationship\s[^>]*>", followed, xml)


def follow_on_another_sheet(xml: str, moves: Moves, title: str, other: str) -> str:
    """Update the sheet `other`: formulas in its cells, then rules and links below its rows."""
    end = max(xml.rfind("sheetData"), 0)  # a sheet that is a chart has no rows
    cells = _with_cells_changed(
        xml[:end],
        lambda text, cell: moves.formula(
            text, title, here=False, where=PointingCells(other, cell) if cell else f"a cell of {other}"
        ),
    )
    rules = _LINK.sub(
        lambda match: _with_target_moved(
            match[0], moves, title, PointingCells(other, attribute(match[0], "ref"), "the link in")
        ),
        xml[end:],
    )
    rules = with_texts_changed(
        _DATES_OF_SPARKLINES,
        rules,
        lambda text: moves.formula(text, title, here=False, where=f"a sparkline of {other}"),
    )
    rules = _RULE.sub(lambda match: _with_rule_followed(match[0], moves, title, other), rules)
    rules = move_links_of_controls(rules, moves, title, here=False)
    return cells + _with_sources_stretched(rules, moves, title)


def _with_rule_followed(rule: str, moves: Moves, title: str, other: str) -> str:
    """Update a rule of the sheet `other`; of one for many cells only what has a dollar sign is followed."""
    _, cells = _cells_of_rule(rule)
    where = _place_of_rule(rule, other, cells)
    is_for_one_cell = re.fullmatch("[A-Z]+[0-9]+", cells) is not None
    return _with_formulas_changed(
        rule,
        lambda text: (
            moves.formula(text, title, here=False, where=where)
            if is_for_one_cell
            else moves.fixed(text, title, where=where)
        ),
    )


def _with_sources_stretched(xml: str, moves: Moves, title: str) -> str:
    """Let the sources of pivot tables and consolidations cover the new rows."""

    def stretched(match: re.Match[str]) -> str:
        is_here = attribute(match[0], "sheet").casefold() == title.casefold()
        if not is_here or _is_in_another_workbook(match[0]):
            return match[0]
        return _with_attribute_changed(match[0], "ref", moves.stretched(attribute(match[0], "ref")))

    return re.sub(rf"<{ANY_PREFIX}(?:worksheetSource|rangeSet|dataRef)\s[^>]*>", stretched, xml)


# what cannot come apart


def merged_or_linked(xml: str) -> list[str]:
    """The cells of a sheet that are merged or hold a link."""
    tags = re.findall(rf"<{ANY_PREFIX}(?:mergeCell|hyperlink)\s[^>]*>", xml)
    return [attribute(tag, "ref") for tag in tags]


def is_apart(reference: str, moves: Moves) -> bool:
    """Return whether rows of a range that cannot be split were separated or dropped."""
    rows = row_span(reference)
    return rows is not None and rows[0] != rows[1] and moves.together(*rows) is None


def parted_merges(xml: str, moves: Moves) -> Iterator[str]:
    """Yield the merged cells of a sheet whose rows were separated."""
    for match in _MERGED.finditer(xml):
        reference = attribute(match[0], "ref")
        rows = row_span(reference)
        if (
            rows
            and moves.place(reference) is None
            and any(moves.row(r) is not None for r in range(rows[0], rows[1] + 1))
        ):
            yield reference
