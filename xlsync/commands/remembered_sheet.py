"""Remembered links and rules as a workbook that is edited and read back, one row for each."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from xlsync.amounts import counted
from xlsync.errors import WorkbookError
from xlsync.files import write_file
from xlsync.gather.systems import Systems
from xlsync.links.exchange import HEADERS, Shared, as_rows, read_table
from xlsync.links.memory import RememberedLink
from xlsync.reconcile.rules import Rule
from xlsync.xlsx.conventions import as_excel_writes
from xlsync.xlsx.package import Package

TITLE: Final = "What I remember"
_WIDTHS: Final = {"Key": 30, "Customer": 24, "Product": 30, "ConnectWise Product": 30, "Reason": 40}


def write_sheet(systems: Systems, path: Path) -> None:
    """Write all links and rules into a workbook; raises WorkbookError where another file has that name."""
    if path.exists() and not is_sheet(path):
        raise WorkbookError(f"{path} exists and is another workbook.", "Move it away, then try again.")
    shared = Shared(systems.links.list(), systems.rules.list())
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = TITLE
    for number, row in enumerate([HEADERS, *as_rows(systems.settings.environment, shared)], 1):
        for column, text in enumerate(row, 1):
            cell = sheet.cell(number, column)
            cell.value, cell.number_format, cell.data_type = text or None, "@", "s"
            if number == 1:
                cell.font = Font(bold=True)
    for column, header in enumerate(HEADERS, 1):
        sheet.column_dimensions[get_column_letter(column)].width = _WIDTHS.get(header, 20)
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = sheet.dimensions
    content = io.BytesIO()
    workbook.save(content)
    write_file(path, as_excel_writes(content.getvalue()), None)


def is_sheet(path: Path) -> bool:
    """Return whether a file is a workbook that `write_sheet` made."""
    try:
        return Package.open(path).sheets == (TITLE,)
    except WorkbookError:
        return False


def environment_of(path: Path) -> str:
    """Return the environment that the first row of such a workbook names; empty where it has no row."""
    return next((row["Environment"] for _, row in _sheet_rows(path)), "")


@dataclass(frozen=True, slots=True)
class Changes:
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


def read_changes(systems: Systems, path: Path) -> Changes:
    """Compare the sheet with what is remembered; raises XlsyncError that names every row that is wrong."""
    environment = systems.settings.environment
    shared = read_table(path, environment, _sheet_rows(path))
    was = Shared(systems.links.list(), systems.rules.list())
    before = set(as_rows(environment, was))

    def is_new(one: Shared) -> bool:
        return as_rows(environment, one)[0] not in before

    after_links = {(link.kind, link.key) for link in shared.links}
    after_rules = {rule.key for rule in shared.rules}
    return Changes(
        links=tuple(link for link in shared.links if is_new(Shared((link,)))),
        rules=tuple(rule for rule in shared.rules if is_new(Shared((), (rule,)))),
        gone_links=tuple(link for link in was.links if (link.kind, link.key) not in after_links),
        gone_rules=tuple(rule for rule in was.rules if rule.key not in after_rules),
    )


def keep_changes(systems: Systems, changes: Changes) -> None:
    """Remember what the sheet says now."""
    systems.links.forget(changes.gone_links)
    systems.links.import_from(changes.links, overwrite=True)
    for rule in changes.gone_rules:
        systems.rules.drop(rule.key)
    for rule in changes.rules:
        systems.rules.keep(rule)


def _sheet_rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the rows below the headers by header, each with its number in Excel."""
    package = Package.open(path)
    if package.sheets != (TITLE,):
        raise WorkbookError(f"{path.name} is not the sheet {TITLE}.", f"Click {TITLE} to make one.")
    grid = package.grid(TITLE)
    headers = ["" if value is None else str(value).strip() for value in (grid[0] if grid else ())]
    missing = [header for header in HEADERS if header not in headers]
    if missing:
        raise WorkbookError(
            f"{path.name} has no column {', '.join(missing)}.", f"Click {TITLE} in another workbook."
        )
    for number, line in enumerate(grid[1:], 2):
        cells = ["" if value is None else str(value).strip() for value in line]
        if any(cells):
            row = dict(zip(headers, cells + [""] * len(headers), strict=False))
            yield number, row
