"""The obvious way to do the same: one request after another, openpyxl cell by cell.

It asks for the very same things and writes the same cells as xlsync does; what differs is how.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import requests
import xlsxwriter

from xlsync.workbook.layout import BILLING_LINES

ADDITION_FIELDS = (
    "id,product/id,product/identifier,quantity,lessIncluded,unitPrice,unitCost,billCustomer,"
    "effectiveDate,cancelledDate,description,invoiceDescription,taxableFlag,customFields"
)
Cells = list[list[Any]]
Asked = tuple[str, str, Mapping[str, str]]  # service, path, query


class Sites:
    """Both systems, each over one kept connection."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.bss_url = environ["XLSYNC_BSS_URL"]
        self.psa_url = f"{environ['XLSYNC_CW_URL']}/v4_6_release/apis/3.0"
        self.bss, self.psa = requests.Session(), requests.Session()
        for session in (self.bss, self.psa):
            session.trust_env = False
        token = self.bss.post(
            f"{self.bss_url}/oauth/token",
            data={
                "grant_type": "password",
                "username": environ["XLSYNC_BSS_USERNAME"],
                "password": environ["XLSYNC_BSS_PASSWORD"],
            },
            auth=(environ["XLSYNC_BSS_CLIENT_KEY"], environ["XLSYNC_BSS_CLIENT_SECRET"]),
            timeout=60,
        ).json()["access_token"]
        self.bss.headers.update({"Authorization": f"Bearer {token}", "X-Api-Version": "3"})
        self.psa.auth = (
            f"{environ['XLSYNC_CW_COMPANY']}+{environ['XLSYNC_CW_PUBLIC_KEY']}",
            environ["XLSYNC_CW_PRIVATE_KEY"],
        )
        self.psa.headers.update(
            {
                "clientId": environ["XLSYNC_CW_CLIENT_ID"],
                "Accept": "application/vnd.connectwise.com+json; version=2025.1",
            }
        )

    def read(self, service: str, path: str, query: Mapping[str, str]) -> None:
        """One read, parsed; an answer that says there is nothing is as good as any."""
        is_bss = service == "bss"
        session, root = (self.bss, self.bss_url) if is_bss else (self.psa, self.psa_url)
        answer = session.get(f"{root}{path}", params=query, timeout=60)
        if answer.ok and answer.content:
            answer.json(parse_float=Decimal)

    def patch(self, path: str, field: str, value: Any) -> None:
        """One write of ConnectWise."""
        body = [{"op": "replace", "path": field, "value": value}]
        self.psa.patch(f"{self.psa_url}{path}", json=body, timeout=60).raise_for_status()


def read_month(environ: Mapping[str, str], asked: Iterable[Asked]) -> None:
    """Ask for all that an export asked for, one request after another."""
    sites = Sites(environ)
    for service, path, query in asked:
        sites.read(service, path, query)


def write_cells(template: Path, path: Path, sheets: Mapping[str, Cells]) -> None:
    """Write rows into the template's sheets, cell by cell."""
    workbook = openpyxl.load_workbook(template)
    for title, rows in sheets.items():
        sheet = workbook[title]
        for number, row in enumerate(rows, start=2):
            for column, value in enumerate(row, start=1):
                if value is not None:
                    sheet.cell(number, column).value = value
    workbook.save(path)


def apply_changes(environ: Mapping[str, str], changes: Iterable[tuple[str, Any]]) -> None:
    """Look, write and look again, one change after another."""
    sites = Sites(environ)
    for path, quantity in changes:
        sites.read("connectwise", path, {"fields": ADDITION_FIELDS})
        sites.patch(path, "quantity", quantity)
        sites.read("connectwise", path, {"fields": ADDITION_FIELDS})


def write_results(path: Path, results: Mapping[str, str]) -> None:
    """Write each row's result with openpyxl."""
    workbook = openpyxl.load_workbook(path)
    sheet = workbook["Mismatches"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        told = results.get(str(sheet.cell(row, columns["Row Key"]).value))
        if told:
            sheet.cell(row, columns["Result"]).value = told
    workbook.save(path)


def write_lines(path: Path, rows: Cells) -> None:
    """Write *Billing Lines* with XlsxWriter in constant memory: formats, a date style, the same cells."""
    workbook = xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_formulas": False})
    sheet = workbook.add_worksheet(BILLING_LINES.title)
    style = workbook.add_format({"font_name": "Calibri"})
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, BILLING_LINES.headers, style)
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, column, value, style)
            elif isinstance(value, Decimal):
                sheet.write_number(number, column, value, style)
            elif value is not None:
                sheet.write_datetime(number, column, value, day)
    workbook.close()
