"""Build `workbook_template.xlsx`, the workbook before it holds a month.

Run `python -m xlsync.template` in the source tree after changing this package or the workbook's layout,
and commit the template too.
"""

from __future__ import annotations

import io
import re
import zipfile

from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName

from xlsync.template.start import BAR_MONEY, CHART_TEXTS, add_start_sheet
from xlsync.template.tables import add_table_sheet
from xlsync.workbook.layout import EMPTY_LISTS, FIXED_LISTS, LIST_COLUMNS, LISTS, MEMORY, TABLES
from xlsync.workbook.style import SLATE, fill, font, with_alternative_texts
from xlsync.xlsx.cells import letters
from xlsync.xlsx.conventions import as_excel_writes


def build() -> bytes:
    """Return the template's content; always the same bytes."""
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    workbook.properties.creator = "xlsync"
    add_start_sheet(workbook)
    for sheet in TABLES:
        add_table_sheet(workbook, sheet)
    _add_lists(workbook)
    workbook.create_sheet(MEMORY).sheet_state = "veryHidden"
    buffer = io.BytesIO()
    workbook.save(buffer)
    return _steady(as_excel_writes(buffer.getvalue()))


def _add_lists(workbook: Workbook) -> None:
    """Add the sheet *Lists* and the defined names over its columns."""
    page = workbook.create_sheet(LISTS)
    page.sheet_state = "hidden"
    page.freeze_panes = "A2"
    for index, column in enumerate(LIST_COLUMNS):
        name = letters(index)
        head = page[f"{name}1"]
        head.value, head.font, head.fill = column.header, font("FFFFFF", bold=True), fill(SLATE)
        page.column_dimensions[name].width = 22
        entries = FIXED_LISTS.get(column.header, EMPTY_LISTS.get(column.header, ()))
        for row, entry in enumerate(entries, start=2):
            page[f"{name}{row}"].value = entry
        if column.name:
            last = 2 if column.is_block else max(2, len(entries) + 1)
            reference = f"{LISTS}!${name}$2" + (f":${name}${last}" if last > 2 else "")
            workbook.defined_names[column.name] = DefinedName(column.name, attr_text=reference)


def _steady(data: bytes) -> bytes:
    """Replace the creation time and other changing parts of a package by fixed ones."""
    steady = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(steady, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/app.xml":  # other programs trust cached values only in files of Excel
                content = re.sub(rb"(<Application>)[^<]*", rb"\1xlsync", content)
            if name.startswith("xl/charts/"):  # openpyxl omits that labels have their own number format
                bar = f'numFmt formatCode="{BAR_MONEY}"'.encode()
                content = content.replace(bar, bar + b' sourceLinked="0"')
            if name.startswith("xl/drawings/drawing"):
                content = with_alternative_texts(content, *CHART_TEXTS)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2026-01-01T00:00:00Z", content)
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.create_system = 0
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, content, compresslevel=9)
    return steady.getvalue()
