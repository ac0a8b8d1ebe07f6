"""Prices under headers of many senses, which only units × price = amount tells apart."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from tests.helpers.report_rows import doubts_of, read, refused
from xlsync.billing.reports.reading import read_reports
from xlsync.models import Month
from xlsync.settings import ReportSettings

HEADERS = ["Monthly Price", "Contract Price", "Price per month", "MRR", "Monthly Cost", "Monthly Unit Price",
           "Price per User", "Annual Price", "Monthly Fee", "Monatspreis", "Prix mensuel",
           "Månadspris"]  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_a_price_that_all_amounts_prove_is_what_one_unit_costs(path: Path, header: str) -> None:
    found = read(
        path,
        f"Customer;Product;Quantity;{header};Amount",
        "Amber;Mail;6;10,50;63,00",
        "Birch;Mail;1;10,50;10,50",
    )
    assert [(line.units, line.cost, line.amount) for line in found.lines] == [
        (6, Decimal("10.50"), 63),
        (1, Decimal("10.50"), Decimal("10.50")),
    ]
    assert not doubts_of(found)
    assert found.tables[0].columns[header] == "Cost"


def test_a_price_in_a_workbook_is_proven_too(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("Customer", "Product", "Quantity", "MRR", "Amount"), ("A", "Mail", 6, 1.125, 6.75)):
        book.worksheets[0].append(row)
    book.save(tmp_path / "report.xlsx")
    (line,) = read_reports([tmp_path / "report.xlsx"], Month(2026, 10), ReportSettings()).lines
    assert line.cost == Decimal("1.125")


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("MRR", ("Amber,Mail,6,63.00,63.00", "Birch,Mail,1,10.50,10.50")),
        ("Monthly Price", ("Amber,Mail,6,10.50,756.00", "Birch,Mail,1,10.50,126.00")),
        ("Monthly Price", ("Amber,Mail,6,10.50,63.00", "Birch,Mail,2,10.50,126.00")),
        ("Monthly Price", ("Amber,Mail,6,10.50,63.00", "Birch,Mail,2,10.50,20.00")),
        ("Monthly Price", ("Amber,Mail,1,10.50,10.50", "Birch,Mail,1,10.50,10.50")),
        ("Customer Price", ("Amber,Mail,6,10.50,63.00", "Birch,Mail,1,10.50,10.50")),
        ("List Price", ("Amber,Mail,6,10.50,63.00", "Birch,Mail,1,10.50,10.50")),
        ("Factor", ("Amber,Mail,6,10.50,63.00", "Birch,Mail,1,10.50,10.50")),
    ],
)
def test_a_price_that_the_amounts_do_not_prove_is_no_cost(
    path: Path, header: str, rows: tuple[str, str]
) -> None:
    found = read(path, f"Customer,Product,Quantity,{header},Amount", *rows)
    assert [line.cost for line in found.lines] == [None, None]
    assert not doubts_of(found)


def test_rows_of_a_part_of_a_period_may_be_less_than_a_price_that_the_others_prove(path: Path) -> None:
    header = "Customer,Product,Quantity,Monthly Price,Amount,Start Date,End Date"
    full = "2026-10-01,2026-10-31"
    rows = f"Amber,Mail,6,10.50,63.00,{full}", f"Birch,Mail,2,10.50,21.00,{full}"
    found = read(path, header, *rows, "Cedar,Mail,2,10.50,10.16,2026-10-17,2026-10-31")
    assert [line.cost for line in found.lines] == [Decimal("10.50")] * 3
    assert not doubts_of(found)


def test_rows_of_as_many_periods_that_are_less_prove_no_price(path: Path) -> None:
    header = "Customer,Product,Quantity,Monthly Price,Amount,Start Date,End Date"
    rows = (
        f"C{day},Mail,2,10.50,{amount},2026-{month}-{day},2026-{month + 1}-{day - 1}"
        for day, month, amount in ((12, 10, "21.00"), (14, 10, "20.00"), (16, 10, "19.00"))
    )
    assert {line.cost for line in read(path, header, *rows).lines} == {None}


def test_a_price_of_many_senses_without_an_amount_is_asked_about(path: Path) -> None:
    rows = "Customer,Product,Quantity,Monthly Price", "Amber,Mail,6,10.50"
    assert "no column for: Amount or Unit Price" in refused(path, *rows).message


def test_a_known_price_comes_before_one_that_the_amounts_prove(path: Path) -> None:
    header = "Customer,Product,Quantity,Monthly Price,Unit Price,Amount"
    assert read(path, header, "Amber,Mail,6,10.50,10.5,63.00").tables[0].columns["Unit Price"] == "Cost"
