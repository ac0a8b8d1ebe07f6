"""What points at the rows of a renewed sheet and follows them: comments, links, merges, rules, references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from openpyxl.formula.tokenizer import Token, Tokenizer, TokenizerError
from openpyxl.formula.translate import Translator, TranslatorError

from xlsync.xlsx.cells import LAST_ROW, Position, address, escape_markup, position
from xlsync.xlsx.markup import ANY_PREFIX, attribute, unescape, with_attribute

_HOLDERS: Final = (  # what may not be empty, and what it holds
    ("mergeCells", "mergeCell"),
    ("hyperlinks", "hyperlink"),
    ("conditionalFormattings", "conditionalFormatting"),
    ("dataValidations", "dataValidation"),
    ("ignoredErrors", "ignoredError"),
    ("protectedRanges", "protectedRange"),
    ("sparklineGroup", "sparkline"),
    ("sparklineGroups", "sparklineGroup"),
)
_X14_CELLS = re.compile(r"(<[\w.-]+:sqref>)([^<]*)</")  # rules in extLst name them so (MS-XLSX, 2.2.2)
_FORMULA = re.compile(rf"(<{ANY_PREFIX}(?:formula[12]?|f)>)([^<]*)(<)")
_RANGE = re.compile(r"(\$?[A-Za-z]{1,3}\$?)([0-9]{1,7})(?::(\$?[A-Za-z]{1,3}\$?)([0-9]{1,7}))?")


@dataclass(frozen=True, slots=True)
class Moves:
    """Where the data rows `first` to `last` of a sheet went (all 0-based).

    `to` names the new place of each row that was kept. What stands below keeps its distance.
    """

    first: int
    last: int
    new_last: int
    to: Mapping[int, int]

    @property
    def shift(self) -> int:
        """By how many rows everything below moves."""
        return self.new_last - self.last

    @property
    def nothing_moves(self) -> bool:
        """Every row stays where it is, and none is new."""
        stays = all(new == old for old, new in self.to.items())
        return not self.shift and stays and len(self.to) == self.last - self.first + 1

    def row(self, old: int) -> int | None:
        """The new place of a row; None where it was dropped."""
        if old < self.first:
            return old
        return old + self.shift if old > self.last else self.to.get(old)

    def span(self, top: int, bottom: int) -> tuple[int, int]:
        """A range of rows that covers data rows to their end, stretched; one below, shifted."""
        if bottom < self.first or bottom >= LAST_ROW - 1:
            return top, bottom
        if top > self.last:
            return top + self.shift, bottom + self.shift
        if top == bottom and self.first < self.last:  # one row of several is not all of them
            return top, bottom
        if bottom >= self.last:
            return min(top, self.new_last), bottom + self.shift
        return top, bottom

    def ranges(self, text: str) -> str:
        """References such as `A2:C9 E2`, each stretched as its rows are."""

        def stretched(found: re.Match[str]) -> str:
            top = int(found[2]) - 1
            bottom = int(found[4]) - 1 if found[4] else top
            new_top, new_bottom = self.span(top, bottom)
            if (new_top, new_bottom) == (top, bottom):
                return found[0]
            if new_top == new_bottom and not found[3]:
                return f"{found[1]}{new_top + 1}"
            return f"{found[1]}{new_top + 1}:{found[3] or found[1]}{new_bottom + 1}"

        return _RANGE.sub(stretched, text)

    def followed(self, cells: str) -> str:
        """The cells of a rule: those of some data rows follow these rows, other ranges stretch.

        A new row between two of them is one of them. Empty where all of them are gone.
        """
        taken = set(self.to.values())
        found: list[str] = []
        for reference in cells.split():
            corners = _RANGE.fullmatch(reference)
            top = int(corners[2]) - 1 if corners else 0
            bottom = int(corners[4]) - 1 if corners and corners[4] else top
            is_last_of_several = top == bottom == self.last > self.first
            if not corners or not (self.first <= bottom < self.last or is_last_of_several):
                found.append(self.ranges(reference))
                continue
            runs: list[list[int]] = []
            for row in sorted(new for old in range(top, bottom + 1) if (new := self.row(old)) is not None):
                if runs and taken.isdisjoint(range(runs[-1][1] + 1, row)):
                    runs[-1][1] = row
                else:
                    runs.append([row, row])
            for one, other in runs:
                found.append(f"{corners[1]}{one + 1}" + (f":{corners[3]}{other + 1}" if corners[3] else ""))
        return " ".join(found)

    def place(self, reference: str) -> str | None:
        """A cell or range that sits on its rows, where they are now; None where they are gone or apart."""
        first, _, last = reference.partition(":")
        try:
            (top, left), (bottom, right) = position(first), position(last or first)
        except ValueError:
            return reference
        if bottom >= LAST_ROW - 1:  # whole columns
            return reference
        new = [self.row(row) for row in range(top, bottom + 1)]
        if new[0] is None or new != list(range(new[0], new[0] + len(new))):
            return None
        return address(new[0], left) + (f":{address(new[0] + len(new) - 1, right)}" if last else "")

    def formula(self, formula: str, title: str, *, here: bool = True) -> str:
        """A formula that stands outside the data rows: ranges stretch, single cells follow their row.

        `here` is whether it stands on their sheet, and means that one where it names none.
        """
        try:
            tokens = Tokenizer(f"={formula}").items
        except TokenizerError:
            return formula
        return "".join(
            self._operand(token.value, title, here)
            if token.type == Token.OPERAND and token.subtype == Token.RANGE
            else token.value
            for token in tokens
        )

    def _operand(self, text: str, title: str, here: bool) -> str:
        sheet, mark, ranges = text.rpartition("!")
        if not (mark or here) or (mark and sheet.strip("'").replace("''", "'") != title):
            return text
        found = _RANGE.fullmatch(ranges)
        if not found:
            return text
        if not found[3]:
            new = self.row(int(found[2]) - 1)
            return text if new is None else f"{sheet}{mark}{found[1]}{new + 1}"
        return f"{sheet}{mark}{self.ranges(ranges)}"


def _sub_attribute(tag: str, name: str, value: str) -> str:
    return tag if attribute(tag, name) == value else with_attribute(tag, name, value)


def _emptied(xml: str, container: str, item: str) -> str:
    """A container without its count gone wrong, and itself gone with its last item (it may not be empty)."""

    def counted(found: re.Match[str]) -> str:
        count = len(re.findall(rf"<{ANY_PREFIX}{item}(?=[\s/>])", found[2]))
        if not count:
            return ""
        opening = with_attribute(found[1], "count", str(count)) if "count" in found[1] else found[1]
        return f"{opening}{found[2]}{found[3]}"

    return re.sub(
        rf"(<{ANY_PREFIX}{container}(?=[\s>])[^>]*>)(.*?)(</{ANY_PREFIX}{container}\s*>)",
        counted,
        xml,
        flags=re.DOTALL,
    )


def move_sheet_rules(xml: str, moves: Moves) -> str:
    """The part of a sheet after its rows: merges, links and rules follow their rows, filters stretch."""

    def placed(found: re.Match[str]) -> str:
        new = moves.place(attribute(found[0], "ref"))
        return "" if new is None else _sub_attribute(found[0], "ref", new)

    def stretched(found: re.Match[str]) -> str:
        return _sub_attribute(found[0], "ref", moves.ranges(attribute(found[0], "ref")))

    xml = re.sub(rf"<{ANY_PREFIX}(?:mergeCell|hyperlink)\s[^>]*?/>", placed, xml)
    xml = re.sub(rf"<{ANY_PREFIX}(?:autoFilter|sort\w+)\s[^>]*>", stretched, xml)
    xml = re.sub(
        rf"<({ANY_PREFIX}(?:conditionalFormatting|dataValidation|ignoredError|protectedRange|sparkline))(?=[\s/>])[^>]*?"
        r"(?:/>|>.*?</\1\s*>)",
        lambda found: _moved_rule(found[0], moves),
        xml,
        flags=re.DOTALL,
    )
    for holder, item in _HOLDERS:
        if holder in xml:
            xml = _emptied(xml, holder, item)
    return re.sub(rf"<({ANY_PREFIX}ext)\s[^>]*>\s*</\1>|<({ANY_PREFIX}extLst)>\s*</\2>", "", xml)


def _moved_rule(rule: str, moves: Moves) -> str:
    """A rule on its cells' new places, or nothing; its formulas are written for the first of its cells."""
    inner = _X14_CELLS.search(rule)
    cells = inner[2] if inner else attribute(rule.partition(">")[0], "sqref")
    new = moves.followed(cells)
    if not new:
        return ""
    if new == cells:
        return rule
    if inner:
        rule = f"{rule[: inner.start(2)]}{new}{rule[inner.end(2) :]}"
    else:
        tag, mark, rest = rule.partition(">")
        rule = with_attribute(f"{tag}>", "sqref", new) + rest if mark else rule
    here, there = _first_row(cells), _first_row(new)
    if here is None or there is None or here == there:
        return rule
    return _FORMULA.sub(
        lambda found: (
            found[1] + escape_markup(translated(unescape(found[2]), (here, 0), (there, 0))) + found[3]
        ),
        rule,
    )


def _first_row(cells: str) -> int | None:
    return min((int(found[2]) - 1 for found in _RANGE.finditer(cells)), default=None)


def move_table(xml: str, moves: Moves) -> str:
    """A table's part: its range and filter stretch; a remembered sort order no longer holds."""
    xml = re.sub(
        rf"<{ANY_PREFIX}sortState(?=[\s>])[^>]*?(?:/>|>.*?</{ANY_PREFIX}sortState\s*>)",
        "",
        xml,
        flags=re.DOTALL,
    )
    return re.sub(
        rf"<{ANY_PREFIX}(?:table|autoFilter)\s[^>]*>",
        lambda found: _sub_attribute(found[0], "ref", moves.ranges(attribute(found[0], "ref"))),
        xml,
    )


def move_comments(xml: str, moves: Moves) -> str:
    """A part of comments or threaded comments: each follows its row, or goes with it."""

    def placed(found: re.Match[str]) -> str:
        new = moves.place(attribute(found[1], "ref"))
        return "" if new is None else _sub_attribute(found[1], "ref", new) + found[2]

    kind = rf"{ANY_PREFIX}(?:comment|threadedComment)"
    return re.sub(rf"(<{kind}\s[^>]*(?<!/)>)(.*?</{kind}\s*>)", placed, xml, flags=re.DOTALL)


def move_comment_shapes(xml: str, moves: Moves) -> str:
    """The VML drawing of a sheet's comments: a note's shape follows its row, or goes with it."""

    def placed(found: re.Match[str]) -> str:
        shape = found[0]
        row = re.search(rf"(<{ANY_PREFIX}Row>\s*)([0-9]+)(\s*<)", shape)
        if not row or 'ObjectType="Note"' not in shape:
            return shape
        new = moves.row(int(row[2]))
        if new is None:
            return ""
        by = new - int(row[2])
        if not by:
            return shape
        shape = shape.replace(row[0], f"{row[1]}{new}{row[3]}")
        return re.sub(rf"(<{ANY_PREFIX}Anchor>)([^<]*)(<)", lambda anchor: _lowered(anchor, by), shape)

    return re.sub(rf"<{ANY_PREFIX}shape\s.*?</{ANY_PREFIX}shape\s*>", placed, xml, flags=re.DOTALL)


def _lowered(anchor: re.Match[str], by: int) -> str:
    """An anchor names column, offset, row, offset of two corners (Office VML reference, `x:Anchor`)."""
    numbers = [part.strip() for part in anchor[2].split(",")]
    if len(numbers) != 8 or not all(number.isdigit() for number in numbers):
        return anchor[0]
    for index in (2, 6):
        numbers[index] = str(max(0, int(numbers[index]) + by))
    return f"{anchor[1]}{', '.join(numbers)}{anchor[3]}"


def translated(formula: str, origin: Position, destination: Position) -> str:
    """A formula as it reads when its cell is moved: relative references move along."""
    if origin == destination or not formula:
        return formula
    try:
        moved = Translator(f"={formula}", address(*origin)).translate_formula(address(*destination))
    except TranslatorError:  # a reference would leave the sheet
        return formula
    return str(moved).removeprefix("=")
