"""Any month in any writing reads back as itself or is refused; any spoiled cell never ends in a traceback."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import gzip
import io
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlsync.billing.reports.reading import read_reports
from xlsync.errors import ReportError
from xlsync.models import LineType, Month
from xlsync.settings import ReportSettings

OCTOBER = Month(2026, 10)
HEADERS = {
    "plain": ("Customer", "Product", "Subscription ID", "Charge Type", "Quantity", "Unit Price", "Amount",
              "Start Date", "End Date"),
    "camel": ("CustomerName", "ProductName", "SubscriptionId", "ChargeType", "Quantity", "UnitPrice",
        "Subtotal",
              "ChargeStartDate", "ChargeEndDate"),
    "snake": ("end_customer", "product_name", "contract_id", "type", "qty", "unit_cost", "amount (EUR)",
              "start_date", "end_date"),
    "Pax8": ("company_name", "description", "subscription_id", "type", "quantity", "cost", "cost_total",
             "start_period", "end_period"),
}  # fmt: skip
CHARGES = (
    "Recurring",
    "cycleCharge",
    "Abonnement",
    "Renouvellement",
    "Verlenging",
    "Ανανέωση",
    "Rinnovo",
    "Nuevo",
)
CREDITS = ("Credit", "Gutschrift", "Avoir", "Creditnota", "Πίστωση", "Abono", "Rimborso", "Refund")
MONTHS = {
    "de": ("Okt.", "Oktober"),
    "fr": ("oct.", "octobre"),
    "nl": ("okt", "oktober"),
    "el": ("Οκτ", "Οκτωβρίου"),
}
DATES = {
    "iso": "{0:%Y-%m-%d}".format,
    "points": "{0:%d.%m.%Y}".format,
    "day-first": "{0:%d/%m/%Y}".format,
    "month-first": "{0:%m/%d/%Y}".format,
    "time": "{0:%Y-%m-%dT00:00:00}".format,
    **{name: (lambda day, word=words[1]: f"{day.day} {word} {day.year}") for name, words in MONTHS.items()},
}
ROW = st.tuples(
    st.sampled_from(["Bäckerei Größe", "Café Solène", "Acme Ltd"]),
    st.sampled_from(["Mail", "Backup"]),
    st.booleans(),
    st.integers(1, 3000),
    st.decimals("0.01", "2000", places=2),
    st.integers(1, 31),
)


def spelled(number: Decimal, mark: str, *, grouped: bool) -> str:
    text = f"{number:,}" if grouped else f"{number}"
    return text.translate(str.maketrans(".,", ",.")) if mark == "," else text


@dataclass(frozen=True)
class Writing:
    """How a month is written to a file."""

    layout: str
    mark: str
    grouped: bool
    dates: str
    encoding: str
    delimiter: str
    is_signed: bool
    word: int
    sheets: int
    title: bool
    total: str
    packing: str

    @property
    def has_greek(self) -> bool:
        """Whether it holds a Greek word."""
        words = f"{CHARGES[self.word]}{CREDITS[self.word]}"
        return self.dates == "el" or not words.encode("cp1253", "ignore").isascii()


WRITINGS = st.builds(
    Writing,
    layout=st.sampled_from(sorted(HEADERS)),
    mark=st.sampled_from(".,"),
    grouped=st.booleans(),
    dates=st.sampled_from(sorted(DATES)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    delimiter=st.sampled_from(",;\t|"),
    is_signed=st.booleans(),
    word=st.integers(0, 7),
    sheets=st.integers(0, 2),
    title=st.booleans(),
    total=st.sampled_from(["", "Total", "Gesamtsumme", "Totaal", "Σύνολο"]),
    packing=st.sampled_from(["", "gz", "zip"]),
).filter(lambda one: one.encoding != "cp1252" or not (one.has_greek or one.total == "Σύνολο"))


def write(folder: Path, table: list[list[str]], how: Writing) -> Path:
    """A file with the table on one sheet or on several, written in that way."""
    title = [["Made-up Distributor"], []] if how.title else []
    if how.sheets:
        path = folder / "report.xlsx"
        book = openpyxl.Workbook()
        book.remove(book.active)
        for one in range(how.sheets):
            page = book.create_sheet(f"Part {one}")
            for row in [*title, list(HEADERS[how.layout]), *table[one :: how.sheets]]:
                page.append(row)
        book.save(path)
    else:
        path = folder / "report.csv"
        text = io.StringIO()
        csv.writer(text, delimiter=how.delimiter).writerows([*title, HEADERS[how.layout], *table])
        path.write_bytes(text.getvalue().encode(how.encoding))
    if how.packing == "gz":
        packed = path.with_name(f"{path.name}.gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        return packed
    if how.packing == "zip":
        packed = path.with_suffix(".zip")
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(path, path.name)
        return packed
    return path


def test_a_month_in_any_writing_reads_back_as_itself_or_is_seldom_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    written, refused = [], []

    @settings(max_examples=80)
    @given(rows=st.lists(ROW, min_size=1, max_size=5), how=WRITINGS)
    def reads_back(rows: list[Any], how: Writing) -> None:
        table, wanted = [], []
        for n, (customer, product, is_credit, units, cost, day) in enumerate(rows):
            start, end = dt.date(2026, 10, day), dt.date(2026, 10, 31)
            sign = -1 if is_credit and how.is_signed else 1
            kind = (CREDITS if is_credit else CHARGES)[how.word]
            numbers = [Decimal(units) * sign, cost, units * cost * sign]
            texts = [spelled(number, how.mark, grouped=how.grouped) for number in numbers]
            days = [DATES[how.dates](one) for one in (start, end)]
            table.append([customer, product, f"s-{n}", kind, *texts, *days])
            factor = -1 if is_credit else 1
            wanted.append((customer, product, f"s-{n}", units * factor, units * cost * factor, start, end))
        if how.total and how.sheets < 2:
            whole = spelled(sum((one[4] for one in wanted), Decimal(0)), how.mark, grouped=how.grouped)
            table.append([how.total, "", "", "", "", "", whole, "", ""])
        written.append(how)
        try:
            found = read_reports(
                [write(tmp_path_factory.mktemp("month"), table, how)], OCTOBER, ReportSettings()
            )
        except ReportError as error:
            refused.append((how, error.message))
            return
        read = sorted(
            (one.customer, one.product, one.contract_id, one.units, one.amount, one.start, one.end)
            for one in found.lines
        )
        assert read == sorted(wanted)
        assert all((one.type is LineType.CREDIT) == (one.units < 0) for one in found.lines)
        assert (found.totals is not None) == bool(how.total and how.sheets < 2)

    reads_back()
    assert len(refused) <= len(written) / 20, refused[:5]  # refusing everything would be safe and of no use


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "-", "N/A", "#REF!", "1e999", "=\"6\"", "31/12/9999", "0000-00-00", "٣", "²",
    "1.234", "Total",
                     "Grand Total", "Credit", "5%", "99999", "-1", "1E+17", "a\ufffdb", "24:99", "Oct 2026"]),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False).map(str),
)  # fmt: skip


@settings(max_examples=100)
@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=11), min_size=1, max_size=6),
    st.sampled_from(sorted(HEADERS)),
)
def test_a_spoiled_cell_is_read_or_refused_and_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], layout: str
) -> None:
    path: Path = tmp_path_factory.mktemp("fuzz") / "report.csv"
    good = ["A", "P", "s-1", "Recurring", "6", "9.68", "58.08", "2026-10-01", "2026-10-31"]
    spoiled = [row[:k] + good[k:] if n % 2 else row for n, row in enumerate(rows) for k in (len(row) % 9,)]
    text = io.StringIO()
    csv.writer(text).writerows([HEADERS[layout], good, *spoiled])
    path.write_bytes(text.getvalue().encode("utf-8", errors="replace"))
    with contextlib.suppress(ReportError):
        read_reports([path], OCTOBER, ReportSettings())


TYPED = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False),
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(9999, 12, 31)),  # noqa: DTZ001 - cells have no zone
    st.dates(dt.date(1900, 1, 1)),
    st.times(),
    st.sampled_from(["#N/A", "#DIV/0!", "=1+1", "Total", "Credit", "2026-10-01", "1.234", "10/10/2026"]),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")),
)


@settings(max_examples=50)
@given(st.lists(st.lists(TYPED, min_size=1, max_size=11), min_size=1, max_size=4))
def test_a_spoiled_cell_of_a_workbook_is_read_or_refused_and_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[Any]]
) -> None:
    path: Path = tmp_path_factory.mktemp("fuzz") / "report.xlsx"
    good = ["A", "P", "s-1", "Recurring", 6, 9.68, 58.08, dt.date(2026, 10, 1), dt.date(2026, 10, 31)]
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (HEADERS["plain"], good, *(good[: len(row) % 9] + row for row in rows)):
        sheet.append(list(row))
    book.save(path)
    with contextlib.suppress(ReportError):
        read_reports([path], OCTOBER, ReportSettings())
