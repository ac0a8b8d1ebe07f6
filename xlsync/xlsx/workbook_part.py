"""The workbook part (sheets, defined names, calculation) and the table parts.

XML text in, XML text out; the numbers are sections of ECMA-376-1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from xlsync.errors import WorkbookError
from xlsync.xlsx.cells import escape_markup
from xlsync.xlsx.markup import ANY_PREFIX, NAMESPACES, attribute, number_of, unescape, with_attribute
from xlsync.xlsx.moves import Moves
from xlsync.xlsx.ranges import columns_and_rows

_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_OWN_NAMES: Final = "xlsync_"  # they are set anew whenever rows are renewed
_BUILT_IN: Final = "_xlnm."  # such as that of a print area: each means cells, with dollar signs or without
_NAME: Final = rf"(<{ANY_PREFIX}definedName\s[^>]*>)([^<]*)<"


def is_workbook(xml: str) -> bool:
    """Return whether a part is a workbook part."""
    return bool(re.search(rf"<{ANY_PREFIX}workbook[\s>]", xml))


def sheets_of(xml: str) -> Iterator[tuple[str, str]]:
    """Yield the title of each sheet in order, and the id of its relationship; empty where it has none."""
    for sheet in re.finditer(rf"<{ANY_PREFIX}sheet\s[^>]*>", xml):
        reference = re.search(r"""\s[\w.-]+:id\s*=\s*["']([^"']*)["']""", sheet[0])
        yield attribute(sheet[0], "name"), unescape(reference[1]) if reference else ""


def workbook_of(titles: Sequence[str], *, from_1904: bool) -> dict[str, bytes]:
    """Return the workbook part and its relationships for sheets that are numbered from `sheet1.xml` on."""
    sheets = "".join(
        f'<sheet name="{escape_markup(title)}" sheetId="{n}" r:id="rId{n}"/>'
        for n, title in enumerate(titles, 1)
    )
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(titles) + 1)
    )
    days = f'<workbookPr date1904="{from_1904:d}"/>'
    root = f'workbook xmlns="{NAMESPACES[0]}" xmlns:r="{_OFFICE}"'
    list_of = f'Relationships xmlns="{_PACKAGE}"'
    return {
        "xl/workbook.xml": f"<{root}>{days}<sheets>{sheets}</sheets></workbook>".encode(),
        "xl/_rels/workbook.xml.rels": f"<{list_of}>{relations}</Relationships>".encode(),
        "_rels/.rels": (
            f'<{list_of}><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>'
        ).encode(),
        "[Content_Types].xml": b"<Types/>",
    }


def with_sheet(xml: str, title: str, relation: str) -> str:
    """Return the workbook part with one sheet more, behind the others, of which there is one at least."""
    taken = [int(number_of(tag, "sheetId", 0)) for tag in re.findall(rf"<{ANY_PREFIX}sheet\s[^>]*>", xml)]
    like = next(re.finditer(rf"<({ANY_PREFIX})sheet(?=\s)[^>]*?\s([\w.-]+):id\s*=", xml))
    name = escape_markup(title)
    entry = f'<{like[1]}sheet name="{name}" sheetId="{max(taken) + 1}" {like[2]}:id="{relation}"/>'
    return re.sub(rf"</{ANY_PREFIX}sheets\s*>", lambda end: entry + end[0], xml, count=1)


def counts_from_1904(xml: str) -> bool:
    """Return whether a workbook counts its days from 1904 (18.2.28)."""
    match = re.search(rf"<{ANY_PREFIX}workbookPr\s[^>]*>", xml)
    return match is not None and attribute(match[0], "date1904") in {"1", "true"}


def wrapping_styles(xml: str) -> Iterator[str]:
    """Yield the indices of the cell styles in a styles part that wrap text (18.8.10 `cellXfs`)."""
    section = re.search(rf"<{ANY_PREFIX}cellXfs[\s>].*?</{ANY_PREFIX}cellXfs>", xml, re.DOTALL)
    styles = re.split(rf"<{ANY_PREFIX}xf(?=[\s/>])", section[0])[1:] if section else ()
    for index, style in enumerate(styles):
        alignment = re.search(rf"<{ANY_PREFIX}alignment\s[^>]*>", style)
        if alignment and attribute(alignment[0], "wrapText") in {"1", "true"}:
            yield str(index)


def defined_names(xml: str) -> dict[str, str]:
    """Return the defined names of the whole workbook, and what they stand for."""
    return {
        attribute(tag, "name"): unescape(inside)
        for tag, inside in re.findall(_NAME, xml)
        if not attribute(tag, "localSheetId")
    }


def with_names_moved(xml: str, moves: Moves, title: str) -> str:
    """Return the workbook part with defined names that follow the moved rows of a sheet."""

    def followed(match: re.Match[str]) -> str:
        name = attribute(match[1], "name")
        is_own = name.casefold().startswith(_OWN_NAMES)
        where, old = "" if is_own else f"the name {name}", unescape(match[2])
        inside = (
            moves.formula(old, title, here=False, where=where)
            if name.startswith(_BUILT_IN)
            else moves.fixed(old, title, where=where)
        )
        return match[0] if inside == old else f"{match[1]}{escape_markup(inside)}<"

    return re.sub(_NAME, followed, xml)


def with_name(xml: str, name: str, reference: str) -> str:
    """Return the workbook part with a defined name of the whole workbook set to a reference."""
    content = escape_markup(reference)
    replaced = False

    def renewed(match: re.Match[str]) -> str:
        nonlocal replaced
        is_it = attribute(match[1], "name").casefold() == name.casefold()
        if not is_it or attribute(match[1], "localSheetId"):
            return match[0]
        replaced = True
        return f"{match[1]}{content}<"

    def entry(p: str) -> str:
        return f'<{p}definedName name="{name}">{content}</{p}definedName>'

    xml = re.sub(_NAME, renewed, xml)
    if replaced:
        return xml
    xml = re.sub(rf"<{ANY_PREFIX}definedNames\s*/>", "", xml)
    closing = re.search(rf"</({ANY_PREFIX})definedNames\s*>", xml)
    if closing:
        return xml[: closing.start()] + entry(closing[1]) + xml[closing.start() :]
    before = "sheets|functionGroups|externalReferences"
    return _behind(xml, before, lambda p: f"<{p}definedNames>{entry(p)}</{p}definedNames>")


def calculated_when_opened(xml: str) -> str:
    """Return the workbook part, marked to be calculated when it is opened (18.2.2 `calcPr`)."""
    match = re.search(rf"<{ANY_PREFIX}calcPr(?=[\s/>])[^>]*>", xml)
    if match is None:
        before = "sheets|functionGroups|externalReferences|definedNames"
        return _behind(xml, before, lambda p: f'<{p}calcPr fullCalcOnLoad="1"/>')
    if attribute(match[0], "fullCalcOnLoad") in {"1", "true"}:
        return xml
    return xml.replace(match[0], with_attribute(match[0], "fullCalcOnLoad", "1"), 1)


def _behind(xml: str, before: str, make: Callable[[str], str]) -> str:
    """Put an element behind the last of those, which is where the schema wants it (18.2.27)."""
    pattern = rf"</({ANY_PREFIX})(?:{before})\s*>|<({ANY_PREFIX})(?:{before})(?=[\s/])[^>]*/>"
    last = list(re.finditer(pattern, xml))[-1]
    return xml[: last.end()] + make(last[1] or last[2] or "") + xml[last.end() :]


class TablePart:
    """A table's place on its sheet: all cells, the columns, the first and last data row."""

    def __init__(self, xml: str) -> None:
        tag = re.search(rf"<{ANY_PREFIX}table\s[^>]*>", xml)
        opening = tag[0] if tag else ""
        self.cells = attribute(opening, "ref")
        place = columns_and_rows(self.cells)
        if place is None:
            raise WorkbookError("a table of the workbook is damaged", "Take a backup of it, or export again.")
        (left, right), (top, bottom) = place
        self.columns = range(left, right + 1)
        self.first = top + (0 if attribute(opening, "headerRowCount") == "0" else 1)
        self.last = max(self.first, bottom - int(number_of(opening, "totalsRowCount", 0)))
        column = rf"<{ANY_PREFIX}tableColumn\s[^>]*?(?:/>|>.*?</{ANY_PREFIX}tableColumn>)"
        self.calculated = frozenset(
            left + index
            for index, text in enumerate(re.findall(column, xml, re.DOTALL))
            if "calculatedColumnFormula" in text
        )
