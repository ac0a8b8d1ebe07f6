"""The rows of one sheet of an .xlsx workbook, as its XML: found and rewritten, the rest untouched.

A sheet part is cut at its `sheetData` (ECMA-376-1, 18.3.1.80). Rows and cells are found by patterns that
hold because their own attributes are numbers and references only, and because text never holds a bare `<`.
Rows stay bytes until one is looked into: as text a whole sheet takes up to four bytes a letter.
"""

from __future__ import annotations

import io
import re
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Callable, Container, Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from xlsync.errors import WorkbookError
from xlsync.xlsx.cells import LAST_COLUMN, LAST_ROW, Position, address, escape_markup, position
from xlsync.xlsx.formulas import translated
from xlsync.xlsx.markup import (
    NAMESPACES,
    attribute,
    number_of,
    unescape,
    with_tags_closed,
    without_attributes,
)
from xlsync.xlsx.ranges import columns_and_rows

_NOT_PLAIN: Final = re.compile(  # a cell with an error or a formula, far away, or written in another way
    rb'<f[\s/>]|<c(?=[\s/>])(?! r="[A-C]?[A-Z][1-9][0-9]{0,4}"'  # 104 columns of 99,999 rows can be read
    rb'(?: s="[0-9]++")?+(?: t="(?!e")[a-zA-Z]++")?+(?:/>|><[vi/]))'
)

_STRETCH: Final = 1_000_000  # bytes
_SHARED: Final = r"""t\s*=\s*["']shared["']"""
_SPREAD: Final = r"""t\s*=\s*["'](?:array|dataTable)["']"""
_ASIDE = re.compile(r"<!--.*?-->|<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_REFERENCE = re.compile(r'\sr\s*=\s*["\']([A-Z]{1,3})[0-9]+["\']')
_STYLE = re.compile(r'\ss\s*=\s*["\']([0-9]+)["\']')


@cache
def _patterns(
    prefix: str,
) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a row's beginning and end, a cell and a formula under one namespace prefix."""
    p = re.escape(prefix)
    row, row_end = rf"<{p}row(?=[\s/>])([^>]*?)(/?)>".encode(), rf"</{p}row\s*>".encode()
    cell = rf"<{p}c(?=[\s/>])([^>]*?)(?:/>|>(.*?)</{p}c\s*>)"
    formula = rf"<{p}f(?=[\s/>])([^>]*?)(?:/>|>(.*?)</{p}f\s*>)"
    return (
        re.compile(row),
        re.compile(row_end),
        re.compile(cell, re.DOTALL),
        re.compile(formula, re.DOTALL),
    )


@cache
def _column(name: str) -> int:
    return position(f"{name}1")[1]


class OldRow(NamedTuple):
    """A row as it stands: 0-based number, attributes, and the places of row and cells in the body."""

    number: int
    attributes: str
    body: bytes
    start: int
    end: int
    cells_start: int
    cells_end: int

    @property
    def whole(self) -> bytes:
        """The XML of the row."""
        return self.body[self.start : self.end]

    @property
    def inside(self) -> str:
        """The XML of the cells."""
        return self.body[self.cells_start : self.cells_end].decode()


class OldCell(NamedTuple):
    """A cell as it stands in the part."""

    attributes: str
    inside: str
    whole: str

    @property
    def style(self) -> str:
        """The index of the cell's style in the styles part, empty for none."""
        match = _STYLE.search(self.attributes)
        return match[1] if match else ""


def _refuse_other_encodings(part: bytes, start: int, end: int) -> None:
    """Raise UnicodeDecodeError where that stretch of a part is not UTF-8; looked at in pieces."""
    decoder = getincrementaldecoder("utf-8")()
    for at in range(start, end, _STRETCH):
        decoder.decode(part[at : min(at + _STRETCH, end)])
    decoder.decode(b"", final=True)


class SheetXml:
    """One worksheet part, cut into what stands before its rows, the rows, and what stands after."""

    def __init__(self, part: bytes, title: str) -> None:
        self.title = title
        if b"<!" in part:
            part = _ASIDE.sub(lambda match: escape_markup(match[1] or ""), part.decode()).encode()
        root = re.search(rb"<(?:[\w.-]+:)?(?:work|macro)sheet(?=[\s>])[^>]*>", part)
        if not root or b"<!DOCTYPE" in part or not any(space.encode() in root[0] for space in NAMESPACES):
            raise WorkbookError(
                f"the sheet {title} is not written as xlsync can change it",
                "Save the workbook once in Excel, as .xlsx, and try again.",
            )
        opening = re.search(rb"<((?:[\w.-]+:)?)sheetData(?=[\s/>])[^>]*?(/?)>", part)
        prefix = opening[1] if opening else b""
        closing = re.search(rb"</%bsheetData\s*>" % re.escape(prefix), part)
        if not opening or not (opening[2] or closing):
            raise WorkbookError(f"the sheet {title} has no rows", "It is damaged: take a backup of it.")
        self.prefix = p = prefix.decode()
        self.before = with_tags_closed(part[: opening.start()].decode())
        self.opening, self.closing = opening[0].decode().removesuffix("/>").rstrip(), f"</{p}sheetData>"
        self.opening = self.opening if self.opening.endswith(">") else f"{self.opening}>"
        if opening[2] or not closing:
            self.body, self.span, self.after = b"", (0, 0), with_tags_closed(part[opening.end() :].decode())
        else:  # the rows are not cut out of the part, which would hold them twice
            self.body, self.span = part, (opening.end(), closing.start())
            self.after = with_tags_closed(part[closing.end() :].decode())
            _refuse_other_encodings(part, *self.span)
        self.renewed: list[bytes] | None = None  # what stands in place of the body, in pieces
        self._row, self._row_end, self._cell, self.formula = _patterns(p)

    def encoded(self) -> bytes:
        """Return the whole part again, put together piece by piece; the sheet is at its end then."""
        pieces = deque([self.body[slice(*self.span)]] if self.renewed is None else self.renewed)
        self.renewed, self.body, self.span = None, b"", (0, 0)
        whole = io.BytesIO()
        whole.write((self.before + self.opening).encode())
        while pieces:  # each is let go as soon as it is copied
            whole.write(pieces.popleft())
        whole.write((self.closing + self.after).encode())
        return whole.getvalue()

    def rewrite(self, change: Callable[[OldRow], str | None]) -> None:
        """Let other XML stand in place of each row for which `change` returns some."""
        pieces: list[bytes] = []
        at, end = self.span
        for row in self.rows():
            new = change(row)
            if new is not None:
                pieces += [self.body[at : row.start], new.encode()]
                at = row.end
        self.body = b"".join([*pieces, self.body[at:end]])
        self.span = 0, len(self.body)

    def add_below(self, rows: str) -> None:
        """Add the XML of rows below all others."""
        self.body = self.body[slice(*self.span)] + rows.encode()
        self.span = 0, len(self.body)

    def holds(self, mark: str) -> bool:
        """Return whether a text stands anywhere in the sheet's rows."""
        return self.body.find(mark.encode(), *self.span) >= 0

    def _finds(self, pattern: str) -> bool:
        return bool(re.compile(pattern.encode()).search(self.body, *self.span))

    # reading

    def rows(self) -> Iterator[OldRow]:
        """Yield all rows that the part holds, as they stand."""
        number = -1
        at, end = self.span
        while opening := self._row.search(self.body, at, end):
            cells, at = (0, 0), opening.end()
            if not opening[2]:
                closing = self._row_end.search(self.body, at, end)
                if not closing:
                    return
                cells, at = (at, closing.start()), closing.end()
            attributes = opening[1].decode()
            reference = attribute(attributes, "r")
            number = (
                self._number(reference) - 1 if reference else number + 1
            )  # the reference is optional: 18.3.1.73
            yield OldRow(number, attributes, self.body, opening.start(), at, *cells)

    def cells(self, row: OldRow) -> dict[int, OldCell]:
        """Return the cells of a row by 0-based column."""
        by_column: dict[int, OldCell] = {}
        column = -1
        for match in self._cell.finditer(row.inside):
            reference = _REFERENCE.search(match[1])
            column = _column(reference[1]) if reference else column + 1
            by_column[column] = OldCell(match[1], match[2] or "", match[0])
        return by_column

    def hidden_rows(self) -> Iterator[int]:
        """Yield the rows, 0-based, that a person or a filter hid."""
        hidden = (row for row in self.rows() if attribute(row.attributes, "hidden") in {"1", "true"})
        return (row.number for row in hidden)

    def formulas(self) -> dict[Position, str]:
        """Return the formulas of all cells that hold one, without `=`; shared ones written out."""
        mark = f"<{self.prefix}f"
        if not self.holds(mark):
            return {}
        shared: dict[str, tuple[Position, str]] = {}
        formulas: dict[Position, str] = {}
        for row in self.rows():
            if mark not in row.inside:
                continue
            for column, cell in self.cells(row).items():
                match = self.formula.match(cell.inside.lstrip())
                if not match:
                    continue
                text, here = unescape(match[2] or ""), (row.number, column)
                group = attribute(match[1], "si") if attribute(match[1], "t") == "shared" else ""
                if group and text:
                    shared[group] = (here, text)
                elif group in shared:
                    text = translated(shared[group][1], shared[group][0], here)
                formulas[here] = text
        return formulas

    def styles(self) -> Iterator[tuple[Position, str]]:
        """Yield the cells that are there, each with the index of its style, empty for none."""
        for row in self.rows():
            for column, cell in self.cells(row).items():
                yield (row.number, column), cell.style

    def rich_values(self) -> Iterator[tuple[Position, str]]:
        """The cells that hold a picture or a value of a data type, each with the number of its metadata."""
        if not self._finds(r"""\svm\s*=\s*["'][0-9]"""):
            return
        for row in self.rows():
            if "vm" in row.inside:
                for column, cell in self.cells(row).items():
                    if number := attribute(cell.attributes, "vm"):
                        yield (row.number, column), number

    def spread_formulas(self) -> Iterator[str]:
        """Yield the tags of formulas that fill several cells: arrays, spills, what-if tables."""
        if not self._finds(_SPREAD):
            return
        for row in self.rows():
            if "array" in row.inside or "dataTable" in row.inside:
                yield from (
                    match[0] for match in self.formula.finditer(row.inside) if re.search(_SPREAD, match[1])
                )

    def extent(self) -> Position:
        """Return the number of rows and columns that the values span from A1 on."""
        width = height = 0
        for row in self.rows():
            filled = [column for column, cell in self.cells(row).items() if cell.inside] if row.inside else []
            if filled:
                height, width = row.number + 1, max(width, filled[-1] + 1)
        return height, width

    def is_far_flung(self, most: int) -> bool:
        """Return whether the sheet's values span more than so many cells; for most sheets a look suffices."""
        p = re.escape(self.prefix)
        reach = re.compile(rf'<{p}c r="([A-Z]+)'.encode()).findall(self.body, *self.span)
        last = re.compile(rf'<{p}row\s[^>]*?\br="([0-9]+)"'.encode()).findall(self.body, *self.span)
        if any(len(name) > 3 for name in reach):
            raise self._damaged(max(reach, key=len).decode())
        columns = max((_column(name.decode()) for name in set(reach)), default=LAST_COLUMN) + 1
        if columns * (int(last[-1]) if last else LAST_ROW) <= most:
            return False
        height, width = self.extent()
        return height * width > most

    def errors(self) -> Iterator[tuple[Position, str]]:
        """Yield the cells that show an error such as `#REF!`."""
        if not self._finds(r"""t\s*=\s*["']e["']"""):
            return
        value = re.compile(rf"<{re.escape(self.prefix)}v[^>]*>([^<]*)<")
        for row in self.rows():
            if '"e"' in row.inside or "'e'" in row.inside:
                for column, cell in self.cells(row).items():
                    shown = value.search(cell.inside)
                    if shown and attribute(cell.attributes, "t") == "e":
                        yield (row.number, column), unescape(shown[1])

    def column_styles(self) -> dict[int, str]:
        """Return the styles that `<cols>` gives to cells that are not there yet."""
        styles = {column: attribute(tag, "style") for column, tag in self._columns()}
        return {column: style for column, style in styles.items() if style and style != "0"}

    def column_widths(self) -> dict[int, float]:
        """Return the widths that `<cols>` gives, in digits of the default font."""
        return {column: number_of(tag, "width", 9) for column, tag in self._columns()}

    def _columns(self) -> Iterator[tuple[int, str]]:
        """Each column that `<cols>` tells of, with its element; one over the whole sheet is nobody's own."""
        for match in re.finditer(rf"<{re.escape(self.prefix)}col\s([^>]*)>", self.before):
            first, last = (self._number(attribute(match[1], name)) for name in ("min", "max"))
            for column in range(first - 1, min(last, first + 255)):
                yield column, match[1]

    def _number(self, text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text):
            raise self._damaged(text)
        return int(text)

    def _damaged(self, text: str) -> WorkbookError:
        return WorkbookError(
            f"the sheet {self.title} is damaged: {text!r} is no row and no column",
            "Take a backup of it, or export again.",
        )

    def line_height(self) -> float:
        """Return the height of a row with one line, in points."""
        match = re.search(rf"<{re.escape(self.prefix)}sheetFormatPr\s[^>]*>", self.before)
        return number_of(match[0], "defaultRowHeight", 15) if match else 15.0

    # changing

    def unshare(self) -> None:
        """Write shared formulas out, so that a cell can leave its group (18.3.1.40)."""
        if not self._finds(_SHARED):
            return
        formulas = self.formulas()

        def written_out(row: OldRow) -> str | None:
            if "shared" not in row.inside:
                return None
            inside = "".join(
                self._with_formula(cell, formulas[row.number, column])
                if self._is_shared(cell)
                else cell.whole
                for column, cell in self.cells(row).items()
            )
            return self.row_xml(row.attributes, row.number, inside)

        self.rewrite(written_out)

    def has_shared(self, cells: Mapping[int, Container[int]]) -> bool:
        """Return whether any of some cells, columns by row, shares a formula with others."""
        return self._finds(_SHARED) and any(
            self._is_shared(cell)
            for row in self.rows()
            if row.number in cells and "shared" in row.inside
            for column, cell in self.cells(row).items()
            if column in cells[row.number]
        )

    def _is_shared(self, cell: OldCell) -> bool:
        match = self.formula.match(cell.inside.lstrip())
        return bool(match) and attribute(match[1], "t") == "shared"  # type: ignore[index]

    def _with_formula(self, cell: OldCell, formula: str) -> str:
        p = self.prefix
        inside = self.formula.sub(lambda _: f"<{p}f>{escape_markup(formula)}</{p}f>", cell.inside, count=1)
        return f"<{p}c{cell.attributes}>{inside}</{p}c>"

    def row_xml(self, attributes: str, number: int, inside: str) -> str:
        """Return a row; its optional `spans` goes, since it may no longer hold."""
        p = self.prefix
        rest = without_attributes(attributes, "r", "spans")
        return (
            f'<{p}row r="{number + 1}"{rest}>{inside}</{p}row>'
            if inside
            else f'<{p}row r="{number + 1}"{rest}/>'
        )

    def row_style(self, row: OldRow) -> str:
        """Return the style that a row gives to cells that are not there yet."""
        is_own = attribute(row.attributes, "customFormat") in {"1", "true"}
        return attribute(row.attributes, "s") if is_own else ""

    def widen(self, row: int, column: int, *, last_row: int | None = None) -> None:
        """Let the sheet's dimension reach that cell; `last_row` is where it ends, if that is known."""

        def wider(match: re.Match[str]) -> str:
            place = columns_and_rows(match[2])
            if place is None:
                return match[0]
            (left, right), (top, bottom) = place
            end = max(bottom, row) if last_row is None else last_row
            corner = address(min(top, row), min(left, column))
            return f"{match[1]}{corner}:{address(max(end, top), max(right, column))}{match[3]}"

        self.before = re.sub(
            rf"""(<{re.escape(self.prefix)}dimension\s[^>]*?ref\s*=\s*["'])([^"']*)(["'])""",
            wider,
            self.before,
        )


def is_plain(part: bytes) -> bool:
    """Return whether a first look shows that a sheet has no formulas, no errors and no cell far away.

    Where it is in doubt, it is not.
    """
    space = NAMESPACES[0].encode()
    return (
        b' xmlns="%b"' % space in part[:2000]
        and part.count(space) == 1  # else the same elements may stand there under a prefix
        and b'<c r="' in part
        and (b"!" not in part or b"<!" not in part)  # a comment may hold anything; one byte is found sooner
        and not _NOT_PLAIN.search(part)
    )
