"""Remembered links and rules as a workbook that is edited and read back, one row for each.

A second sheet, which Excel does not show, holds the rows as they were written: what was remembered since then
is neither forgotten nor written over. A workbook of an older version lacks it: what was deleted there cannot
be told from what was remembered since.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from xlsync.amounts import counted
from xlsync.errors import WorkbookError, XlsyncError
from xlsync.files import write_file
from xlsync.gather.systems import Systems
from xlsync.links.exchange import HEADERS, Shared, as_rows, read_table
from xlsync.links.memory import LinkKind, RememberedLink
from xlsync.reconcile.rules import Rule
from xlsync.xlsx.conventions import as_excel_writes
from xlsync.xlsx.package import Package

TITLE: Final = "What I remember"
BEFORE: Final = "_before"
_OLDER: Final = (
    "This sheet is of an older version of xlsync: what was deleted on it is remembered all the same. To "
    f"forget a row, delete this file, click {TITLE} in another workbook, and delete the row there"
)
_WIDTHS: Final = {"Key": 30, "Customer": 24, "Product": 30, "ConnectWise Product": 30, "Reason": 40}


def write_sheet(systems: Systems, path: Path) -> None:
    """Write all links and rules into a workbook.

    Raises WorkbookError where another file has that name, or one with changes that were not kept.
    """
    there = open_sheet(path)
    if there is None and path.exists():
        raise WorkbookError(f"{path} exists and is another workbook.", "Move it away, then try again.")
    if there is not None and _holds_changes(systems, there):
        raise WorkbookError(
            f"{path} has changes that were not kept.", f"Open it and click {TITLE} there, or delete it."
        )
    shared = Shared(systems.links.list(), systems.rules.list())
    rows = [HEADERS, *as_rows(systems.settings.environment, shared)]
    workbook = Workbook()
    shown, before = workbook.worksheets[0], workbook.create_sheet(BEFORE)
    shown.title, before.sheet_state = TITLE, "veryHidden"
    for sheet in (shown, before):
        _fill(sheet, rows)
    for column, header in enumerate(HEADERS, 1):
        shown.cell(1, column).font = Font(bold=True)
        shown.column_dimensions[get_column_letter(column)].width = _WIDTHS.get(header, 20)
    shown.freeze_panes = "C2"
    shown.auto_filter.ref = shown.dimensions
    content = io.BytesIO()
    workbook.save(content)
    write_file(path, as_excel_writes(content.getvalue()), None)


def _fill(sheet: Worksheet, rows: Iterable[Sequence[str]]) -> None:
    """Put texts into a sheet, as texts."""
    for number, row in enumerate(rows, 1):
        for column, text in enumerate(row, 1):
            cell = sheet.cell(number, column)
            cell.value, cell.number_format, cell.data_type = text or None, "@", "s"


def open_sheet(path: Path) -> Package | None:
    """Open a workbook that `write_sheet` made, in this version or an older one; None for any other file."""
    try:
        package = Package.open(path)
    except WorkbookError:
        return None
    return package if package.sheets in {(TITLE, BEFORE), (TITLE,)} else None


def _holds_changes(systems: Systems, sheet: Package) -> bool:
    """Return whether the sheet was edited and not everything on it is remembered so.

    A sheet of an older version holds changes where it differs from what is remembered.
    """
    is_older = BEFORE not in sheet.sheets
    if not is_older and sheet.grid(TITLE) == sheet.grid(BEFORE):
        return False
    try:
        changes = read_changes(systems, sheet)
    except XlsyncError:  # a row is wrong, or belongs to another environment
        return True
    remembered = len(systems.links.list()) + len(systems.rules.list())
    return bool(changes.text) or (is_older and len(list(_sheet_rows(sheet, TITLE))) != remembered)


def environment_of(sheet: Package) -> str:
    """Return the environment that the first row of such a workbook names; empty where it has no row."""
    return next((row["Environment"] for _, row in _sheet_rows(sheet, TITLE)), "")


def tell_older(sheet: Package) -> list[str]:
    """Say what is not noticed on a sheet of an older version; nothing for one of this version."""
    return [] if BEFORE in sheet.sheets else [_OLDER]


class Changes(Struct, frozen=True):
    """A person's changes on the sheet: rows added or changed, and rows deleted."""

    links: tuple[RememberedLink, ...]
    rules: tuple[Rule, ...]
    gone_links: tuple[RememberedLink, ...]
    gone_rules: tuple[Rule, ...]

    @property
    def text(self) -> str:
        """The numbers of links and rules to store and to forget, in words; empty where there are none."""
        parts = (
            ("keep", len(self.links), "link"),
            ("keep", len(self.rules), "rule"),
            ("forget", len(self.gone_links), "link"),
            ("forget", len(self.gone_rules), "rule"),
        )
        return ", ".join(f"{verb} {counted(count, what)}" for verb, count, what in parts if count)


def read_changes(systems: Systems, sheet: Package) -> Changes:
    """Compare the sheet with what it was; raises XlsyncError that names every row that is wrong."""
    environment, path = systems.settings.environment, Path(sheet.name)
    shared = read_table(path, environment, _sheet_rows(sheet, TITLE))
    before = Shared((), ())
    if BEFORE in sheet.sheets:
        before = read_table(path, environment, _sheet_rows(sheet, BEFORE))
    now = Shared(systems.links.list(), systems.rules.list())
    known = {*as_rows(environment, before), *as_rows(environment, now)}

    def is_new(one: Shared) -> bool:
        return as_rows(environment, one)[0] not in known

    gone_links = _link_keys(before) - _link_keys(shared)
    gone_rules = {rule.key for rule in before.rules} - {rule.key for rule in shared.rules}
    return Changes(
        links=tuple(link for link in shared.links if is_new(Shared((link,)))),
        rules=tuple(rule for rule in shared.rules if is_new(Shared((), (rule,)))),
        gone_links=tuple(link for link in now.links if (link.kind, link.key) in gone_links),
        gone_rules=tuple(rule for rule in now.rules if rule.key in gone_rules),
    )


def _link_keys(shared: Shared) -> set[tuple[LinkKind, str]]:
    return {(link.kind, link.key) for link in shared.links}


def keep_changes(systems: Systems, changes: Changes) -> None:
    """Remember what the sheet says now; raises XlsyncError before that where one of the stores is damaged."""
    systems.rules.try_writing()
    systems.links.forget(changes.gone_links)
    systems.links.import_from(changes.links, overwrite=True)
    systems.rules.drop(*(rule.key for rule in changes.gone_rules))
    systems.rules.keep(*changes.rules)


def _sheet_rows(sheet: Package, title: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the rows below the headers by header, each with its number in Excel."""
    grid = sheet.grid(title)
    headers = ["" if value is None else str(value).strip() for value in (grid[0] if grid else ())]
    missing = [header for header in HEADERS if header not in headers]
    if missing:
        raise WorkbookError(
            f"{sheet.name} has no column {', '.join(missing)}.", f"Click {TITLE} in another workbook."
        )
    for number, line in enumerate(grid[1:], 2):
        cells = ["" if value is None else str(value).strip() for value in line]
        if any(cells):
            row = dict(zip(headers, cells + [""] * len(headers), strict=False))
            yield number, row
