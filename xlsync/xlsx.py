"""One .xlsx workbook as its parts, changed only where asked: the one place that owns the file format.

An export is the template with its rows renewed; a check is a person's workbook with xlsync's rows renewed;
an apply is a person's workbook with single cells changed. Every other part stays as it was, byte for byte,
with two exceptions: the calculation chain goes when a formula moves or goes (Excel builds it anew, and calls
a workbook damaged whose chain names a cell without a formula), and a workbook with formulas is marked to be
calculated when it is opened, since their values may be out of date.
"""

from __future__ import annotations

import datetime as dt
import io
import posixpath
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote

import python_calamine

from xlsync.archive import SAVE_AGAIN, digest_of, packed, read_file, unpacked, write_file
from xlsync.cells import Cell, CellWriter, Position, Row, Value, clean_text, escape_markup, position
from xlsync.errors import WorkbookError
from xlsync.markup import attribute, unescape, with_attribute
from xlsync.moves import Moves, move_comment_shapes, move_comments, move_sheet_rules, move_table
from xlsync.renewal import Renewal
from xlsync.rows import SheetXml, is_plain

__all__ = ["Cell", "Package", "Row", "Value", "clean_text"]

_MOST_CELLS: Final = 12_000_000  # of one sheet's rectangle
_P: Final = r"(?:[\w.-]+:)?"


class Package:
    """One .xlsx workbook, all parts in memory, changed only where asked."""

    def __init__(self, parts: dict[str, bytes], name: str) -> None:
        self.name = name
        self.digest = ""  # of the file as it was read, or saved last
        self._parts = parts
        self._names = {part.casefold(): part for part in parts}  # part names know no case (ECMA-376-2, 9.1.1)
        self._stored: frozenset[str] = frozenset()
        self._grids: dict[str, list[list[Value]]] = {}  # of parts that did not change since
        self._cut: dict[str, SheetXml] = {}
        self._plain: dict[str, bool] = {}
        self._workbook = self._find_workbook()
        self._sheets = self._find_sheets()
        properties = re.search(rf"<{_P}workbookPr\s[^>]*>", self._text(self._workbook))
        self._from_1904 = bool(properties) and attribute(properties[0], "date1904") in {"1", "true"}  # type: ignore[index]

    # opening

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a workbook; WorkbookError for whatever cannot be one."""
        return cls.from_bytes(read_file(path), path.name)

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "the workbook") -> Self:
        """The same from memory; `name` is for messages."""
        parts, stored = unpacked(data, name)
        package = cls(parts, name)
        package._stored = stored
        package.digest = digest_of(data)
        return package

    def _find_workbook(self) -> str:
        if "[content_types].xml" not in self._names:
            raise WorkbookError(f"{self.name} is not an Excel workbook", SAVE_AGAIN)
        found = self._related("", "officeDocument")
        if not found:
            raise WorkbookError(
                f"{self.name} is damaged: it has no workbook part", "Take a backup, or export again."
            )
        if found[0].casefold().endswith(".bin"):
            raise WorkbookError(f"{self.name} is a binary workbook (.xlsb)", SAVE_AGAIN)
        if not re.search(rf"<{_P}workbook[\s>]", self._text(found[0])):
            raise WorkbookError(f"{self.name} is not an Excel workbook", SAVE_AGAIN)
        return found[0]

    def _find_sheets(self) -> dict[str, str]:
        targets = self._relations(self._workbook)
        found: dict[str, str] = {}
        for sheet in re.finditer(rf"<{_P}sheet\s[^>]*>", self._text(self._workbook)):
            reference = re.search(r"""\s[\w.-]+:id\s*=\s*["']([^"']*)["']""", sheet[0])
            target = targets.get(unescape(reference[1])) if reference else None
            if target is None or target[1] not in self._parts:
                title = attribute(sheet[0], "name")
                raise WorkbookError(
                    f"{self.name} is damaged: the sheet {title} is missing", "Take a backup of it."
                )
            found[attribute(sheet[0], "name")] = target[1]
        if not found:
            raise WorkbookError(f"{self.name} has no sheets", SAVE_AGAIN)
        return found

    def _text(self, part: str) -> str:
        """A part's XML as text; workbooks are written in UTF-8, whoever writes them."""
        with self._as_text(part):
            return self._parts[part].decode("utf-8-sig")

    @contextmanager
    def _as_text(self, part: str) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError:
            raise WorkbookError(f"{self.name} has a part that is not UTF-8: {part}", SAVE_AGAIN) from None

    def _put(self, part: str, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        if data != self._parts[part]:
            self._parts[part] = data
            self._grids.pop(part, None)
            self._cut.pop(part, None)
            self._plain.pop(part, None)

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """The relationships of a part: id to kind (the last word of its type) and part name."""
        folder, name = posixpath.split(part)
        own = self._names.get(posixpath.join(folder, "_rels", f"{name}.rels").casefold())
        found: dict[str, tuple[str, str]] = {}
        for tag in re.findall(rf"<{_P}Relationship\s[^>]*>", self._text(own)) if own else ():
            if attribute(tag, "TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, unquote(attribute(tag, "Target"))))[
                    1:
                ]
                target = self._names.get(target.casefold(), target)
                found[attribute(tag, "Id")] = (attribute(tag, "Type").rpartition("/")[2], target)
        return found

    def _related(self, part: str, kind: str) -> list[str]:
        return [
            target
            for is_kind, target in self._relations(part).values()
            if is_kind == kind and target in self._parts
        ]

    # reading

    @property
    def sheets(self) -> tuple[str, ...]:
        """The titles of all sheets, in order."""
        return tuple(self._sheets)

    def grid(self, title: str) -> list[list[Value]]:
        """The values of a sheet from A1 on, 0-based; numbers as Decimal, dates as dates, empty as None."""
        self.read_grids([title])
        return self._grids[self._part(title)]

    def read_grids(self, titles: Iterable[str]) -> None:
        """Read the values of these sheets at once: for each reading the whole package is opened anew."""
        new = [title for title in titles if self._part(title) not in self._grids]
        for title in new:  # calamine makes room for the whole rectangle, or aborts
            if not self._is_plain(self._part(title)) and self._sheet(title).is_far_flung(_MOST_CELLS):
                raise WorkbookError(
                    f"the sheet {title} of {self.name} has a cell far away from all others",
                    "Delete the rows and columns around it.",
                )
        if not new:
            return
        title = new[0]
        try:
            reader = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(self._bytes(fast=True)))
            for title in new:
                rows = reader.get_sheet_by_name(title).to_python(skip_empty_area=False)
                self._grids[self._part(title)] = self._values(title, rows)
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise WorkbookError(
                f"the sheet {title} of {self.name} cannot be read: {error}", SAVE_AGAIN
            ) from None

    def _values(self, title: str, rows: Iterable[Iterable[object]]) -> list[list[Value]]:
        texts, numbers = _Texts(), _Numbers()
        grid = [
            [texts[v] if type(v) is str else numbers[v] if type(v) is float else _value(v) for v in row]
            for row in rows
        ]
        if not self._is_plain(self._part(title)):
            for (row, column), text in self._sheet(title).errors():
                if row < len(grid) and column < len(grid[row]):
                    grid[row][column] = text
        return grid

    def formulas(self, title: str) -> dict[Position, str]:
        """The formulas of a sheet by 0-based row and column, without `=`."""
        return {} if self._is_plain(self._part(title)) else self._sheet(title).formulas()

    def _is_plain(self, part: str) -> bool:
        if part not in self._plain:
            self._plain[part] = is_plain(self._parts[part])
        return self._plain[part]

    def _sheet(self, title: str) -> SheetXml:
        """The sheet's part as it is now, to be read."""
        part = self._part(title)
        if part not in self._cut:
            with self._as_text(part):
                self._cut[part] = SheetXml(self._parts[part].removeprefix(BOM_UTF8), title)
        return self._cut[part]

    def _sheet_to_change(self, title: str) -> SheetXml:
        sheet = self._sheet(title)
        del self._cut[self._part(title)]
        return sheet

    def _part(self, title: str) -> str:
        part = self._sheets.get(title)
        if part is None:
            known = ", ".join(self.sheets)
            raise WorkbookError(
                f"{self.name} has no sheet {title}; its sheets are {known}",
                "Use a workbook made by xlsync export.",
            )
        return part

    def names(self) -> dict[str, str]:
        """The defined names of the whole workbook, and what they stand for."""
        found: dict[str, str] = {}
        for tag, inside in self._defined_names():
            if not attribute(tag, "localSheetId"):
                found[attribute(tag, "name")] = unescape(inside)
        return found

    def _defined_names(self) -> list[tuple[str, str]]:
        pattern = rf"(<{_P}definedName\s[^>]*>)([^<]*)<"
        return re.findall(pattern, self._text(self._workbook))

    # changing

    def change_cells(self, title: str, cells: Mapping[Position, Value | Cell]) -> None:
        """Write single cells (0-based row and column), which keep their style; nothing else changes."""
        if not cells:
            return
        sheet = self._sheet_to_change(title)
        formula_went = sheet.change(self._writer(sheet), cells)
        self._changed(title, sheet, formula_went=formula_went)

    def replace_rows(
        self,
        title: str,
        rows: Sequence[Row],
        *,
        columns: Collection[int] = (),
        header_row: int | None = None,
        last_row: int | None = None,
    ) -> Mapping[int, int]:
        """Renew the data rows of a sheet: below `header_row`, else below the header of its table, or row 1.

        Its table is the one that stands in most of `columns`, which are those of the rows if none are given.
        They end with the table, or with `last_row` where that is further down; without both, with the last
        row that holds something. Those that no item names in `was` go; what stands below them stays below
        them. Returns the new place of each row that was named.
        """
        values = self.grid(title)
        sheet = self._sheet_to_change(title)
        tables = self._tables(self._sheets[title])
        columns = set(columns) or {column for row in rows for column in row.cells}
        table = max(tables, key=lambda part: len(columns & set(tables[part].columns)), default="")
        if table and header_row is None:
            first, last = tables[table].first, tables[table].last
        elif table and header_row == tables[table].first - 1:
            first, last = tables[table].first, max(tables[table].last, last_row or 0)
        else:  # the table was made a plain range, or lags behind rows that were inserted
            first = (header_row or 0) + 1
            last = self._last_filled(values, first, columns) if last_row is None else last_row
        named = [row.was for row in rows if row.was is not None]
        rows = [row for row in rows if row.was is None or row.was <= last or row.cells]
        if table and not rows:  # a table needs a data row (ECMA-376-1, 18.5.1.2)
            is_blank = first == last and not any(
                value is not None for line in values[first : last + 1] for value in line
            )
            rows = [Row(first if is_blank else None, {})]
        to = {row.was: first + index for index, row in enumerate(rows) if row.was is not None}
        if len(set(named)) != len(named) or any(not first <= old <= last for old in to):
            raise ValueError("a row may be taken once, and from the data rows only")
        moves = Moves(first, last, first + len(rows) - 1, to)
        went = {old: to.get(old, old + moves.shift) for old in named}
        had_formulas = sheet.holds(f"<{sheet.prefix}f")
        writer = self._writer(sheet)
        if moves.nothing_moves and not had_formulas and writer.all_hold(values, rows):
            return went
        calculated = tables[table].calculated if table else frozenset()
        changing = {row.was: row.cells for row in rows if row.was is not None}
        if not moves.nothing_moves or sheet.has_shared(changing):
            sheet.unshare()
        renewal = Renewal(sheet, writer, moves, values, calculated, self._wrapping())
        if not renewal.write(rows):
            return went
        if not moves.nothing_moves:
            self._follow(title, sheet, moves, tables)
        self._changed(title, sheet, formula_went=had_formulas)
        return went

    @staticmethod
    def _last_filled(values: Sequence[Sequence[Value]], first: int, columns: Collection[int]) -> int:
        """The last row from `first` on that holds something in these columns, or in any if there are none."""
        for number in range(len(values) - 1, first - 1, -1):
            line = values[number]
            if any(line[column] is not None for column in columns or range(len(line)) if column < len(line)):
                return number
        return first - 1

    def _writer(self, sheet: SheetXml) -> CellWriter:
        return CellWriter(sheet.prefix, from_1904=self._from_1904)

    def _wrapping(self) -> frozenset[str]:
        """The indices of the cell styles that wrap text (18.8.10 `cellXfs`)."""
        found: set[str] = set()
        for part in self._related(self._workbook, "styles"):
            section = re.search(rf"<{_P}cellXfs[\s>].*?</{_P}cellXfs>", self._text(part), re.DOTALL)
            for index, style in enumerate(re.split(rf"<{_P}xf(?=[\s/>])", section[0])[1:] if section else ()):
                alignment = re.search(rf"<{_P}alignment\s[^>]*>", style)
                if alignment and attribute(alignment[0], "wrapText") in {"1", "true"}:
                    found.add(str(index))
        return frozenset(found)

    def _follow(self, title: str, sheet: SheetXml, moves: Moves, tables: Mapping[str, _Table]) -> None:
        """Let everything that points at the rows follow them."""
        sheet.after = move_sheet_rules(sheet.after, moves)
        followers: tuple[tuple[str, Callable[[str, Moves], str]], ...] = (
            ("comments", move_comments),
            ("threadedComment", move_comments),
            ("vmlDrawing", move_comment_shapes),
        )
        for kind, move in followers:
            for part in self._related(self._sheets[title], kind):
                self._put(part, move(self._text(part), moves))
        for part in tables:
            self._put(part, move_table(self._text(part), moves))

        def followed(found: re.Match[str]) -> str:
            inside = moves.formula(unescape(found[2]), title, here=False)
            return f"{found[1]}{escape_markup(inside)}<" if inside != unescape(found[2]) else found[0]

        text = re.sub(rf"(<{_P}definedName\s[^>]*>)([^<]*)<", followed, self._text(self._workbook))
        self._put(self._workbook, text)

    def _tables(self, part: str) -> dict[str, _Table]:
        return {table: _Table(self._text(table)) for table in self._related(part, "table")}

    def _changed(self, title: str, sheet: SheetXml, *, formula_went: bool) -> None:
        self._put(self._sheets[title], sheet.encoded())
        if formula_went:
            for chain in self._related(self._workbook, "calcChain"):
                self._drop(chain)
        if any(self._has_formulas(part) for part in self._sheets.values()):
            self._calculate_when_opened()

    def _has_formulas(self, part: str) -> bool:
        """Whether a sheet may hold a formula; plain sheets, which most are, hold none."""
        return not self._is_plain(part) and bool(re.search(rb"<(?:[\w.-]+:)?f[\s>]", self._parts[part]))

    def _drop(self, part: str) -> None:
        """Take a part away, with all that names it."""
        del self._parts[part]
        del self._names[part.casefold()]
        folder, name = posixpath.split(self._workbook)
        relations = self._names[posixpath.join(folder, "_rels", f"{name}.rels").casefold()]
        gone = [id_ for id_, (_, target) in self._relations(self._workbook).items() if target == part]
        text = re.sub(
            rf"<{_P}Relationship\s[^>]*>",
            lambda found: "" if attribute(found[0], "Id") in gone else found[0],
            self._text(relations),
        )
        self._put(relations, text)
        types = self._names["[content_types].xml"]
        text = re.sub(
            rf"<{_P}Override\s[^>]*>",
            lambda found: (
                "" if attribute(found[0], "PartName").casefold() == f"/{part}".casefold() else found[0]
            ),
            self._text(types),
        )
        self._put(types, text)

    def _calculate_when_opened(self) -> None:
        text = self._text(self._workbook)
        found = re.search(rf"<{_P}calcPr(?=[\s/>])[^>]*>", text)
        if found:
            if attribute(found[0], "fullCalcOnLoad") not in {"1", "true"}:
                text = text.replace(found[0], with_attribute(found[0], "fullCalcOnLoad", "1"), 1)
        else:
            after = "sheets|functionGroups|externalReferences|definedNames"
            text = self._insert(text, after, lambda prefix: f'<{prefix}calcPr fullCalcOnLoad="1"/>')
        self._put(self._workbook, text)

    @staticmethod
    def _insert(text: str, after: str, make: Callable[[str], str]) -> str:
        """Put an element behind the last of those, which is where the schema wants it (18.2.27)."""
        ends = list(re.finditer(rf"</({_P})(?:{after})\s*>|<({_P})(?:{after})(?=[\s/])[^>]*/>", text))
        last = ends[-1]
        return text[: last.end()] + make(last[1] or last[2] or "") + text[last.end() :]

    def set_name(self, name: str, reference: str) -> None:
        """Let a defined name of the whole workbook stand for a reference such as `Lists!$A$2:$A$9`."""
        text = self._text(self._workbook)
        content = reference.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        replaced = False

        def renewed(found: re.Match[str]) -> str:
            nonlocal replaced
            is_it = attribute(found[1], "name").casefold() == name.casefold()
            if not is_it or attribute(found[1], "localSheetId"):
                return found[0]
            replaced = True
            return f"{found[1]}{content}<"

        def entry(p: str) -> str:
            return f'<{p}definedName name="{name}">{content}</{p}definedName>'

        text = re.sub(rf"(<{_P}definedName\s[^>]*>)([^<]*)<", renewed, text)
        if not replaced:
            text = re.sub(rf"<{_P}definedNames\s*/>", "", text)
            closing = re.search(rf"</({_P})definedNames\s*>", text)
            if closing:
                text = text[: closing.start()] + entry(closing[1]) + text[closing.start() :]
            else:
                text = self._insert(
                    text,
                    "sheets|functionGroups|externalReferences",
                    lambda p: f"<{p}definedNames>{entry(p)}</{p}definedNames>",
                )
        self._put(self._workbook, text)

    # saving

    def to_bytes(self) -> bytes:
        """The workbook as a file's content; the same parts always give the same bytes."""
        return self._bytes(fast=False)

    def _bytes(self, *, fast: bool) -> bytes:
        if fast:  # pictures and macros are not needed to read values
            parts = {
                part: data
                for part, data in self._parts.items()
                if part.casefold().endswith((".xml", ".rels"))
            }
            return packed(parts, frozenset(parts))
        return packed(self._parts, self._stored)

    def save(self, path: Path, *, backup: Path | None = None) -> None:
        """Write the workbook in one step: the old file or the new one is there, never a half.

        `backup` gets a copy of the old file first.
        """
        data = self.to_bytes()
        write_file(path, data, backup)
        self.digest = digest_of(data)

    def is_still(self, path: Path) -> bool:
        """Whether a file is as it was read, or saved last."""
        return digest_of(read_file(path)) == self.digest


class _Table:
    """A table's place on its sheet: its columns, and its first and last data row."""

    def __init__(self, xml: str) -> None:
        tag = re.search(rf"<{_P}table\s[^>]*>", xml)
        corners = attribute(tag[0], "ref").partition(":") if tag else ("", "", "")
        try:
            (top, left), (bottom, right) = position(corners[0]), position(corners[2] or corners[0])
        except ValueError:
            raise WorkbookError(
                "a table of the workbook is damaged", "Take a backup of it, or export again."
            ) from None
        opening = tag[0] if tag else ""
        self.columns = range(left, right + 1)
        self.first = top + (0 if attribute(opening, "headerRowCount") == "0" else 1)
        self.last = max(self.first, bottom - int(attribute(opening, "totalsRowCount") or 0))
        self.calculated = frozenset(
            left + index
            for index, column in enumerate(
                re.findall(rf"<{_P}tableColumn\s[^>]*?(?:/>|>.*?</{_P}tableColumn>)", xml, re.DOTALL)
            )
            if "calculatedColumnFormula" in column
        )


class _Texts(dict[str, str | None]):
    """Texts that recur are one object, not one a cell; the empty text is none."""

    def __missing__(self, text: str) -> str | None:
        made = self[text] = text or None
        return made


class _Numbers(dict[float, Decimal]):
    """The decimal of each number as it is written; made when it is first looked up, since they recur."""

    def __missing__(self, number: float) -> Decimal:
        made = self[number] = Decimal(int(number)) if number.is_integer() else Decimal(repr(number))
        return made


def _value(value: object) -> Value:
    """What calamine read and is no text and no decimal number, as xlsync's values."""
    if isinstance(value, bool | dt.date):
        return value
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, dt.time):  # a part of a day
        seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1_000_000
        return Decimal(repr(seconds / 86_400)).normalize()
    if isinstance(value, dt.timedelta):
        return Decimal(repr(value / dt.timedelta(days=1)))
    return None
