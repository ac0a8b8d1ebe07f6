"""Totals in reports, wherever they stand, held against the lines that they are of."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.helpers.report_rows import doubts_of
from xlsync.billing.reports.reading import ReportsRead, read_reports
from xlsync.errors import ReportError
from xlsync.models import Month
from xlsync.settings import ReportSettings

HEADER = "Customer,Product,Quantity,Unit Price,Amount,Currency,Invoice Date"
LINES = (
    "Anna,Mail,2,10,20,EUR,2026-03-31",
    "Anna,Backup,1,5,5,EUR,2026-03-31",
    "Boris,Mail,3,10,30,EUR,2026-03-31",
)


def read(path: Path, *rows: str) -> ReportsRead:
    path.write_text("\n".join((HEADER, *rows)), encoding="utf-8")
    return read_reports([path], Month(2026, 3), ReportSettings())


def totals(found: ReportsRead) -> dict[str, Decimal | None] | None:
    return None if found.totals is None else {one.currency: one.total for one in found.totals}


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        ((*LINES, "Total,,6,,55,EUR,"), "55"),
        ((*LINES, ",,,,55,,"), "55"),  # figures without a name
        ((*LINES, ",,,,55 EUR,,"), "55"),
        ((*LINES, "Grand Total:,,,,55.00,,"), "55"),
        (("Total,,,,55,,", *LINES), "55"),  # above the lines
        ((*LINES, "Ukupno,,6,,55,EUR,"), "55"),  # in a language that is not known
        ((*LINES, ",小計,,,55,EUR,"), "55"),
        ((*LINES, "Grand Total,All products,6,,55,EUR,"), "55"),
        ((*LINES[:2], "Anna Total,,,,25,,", LINES[2], "Boris Total,,,,30,,", "Total,,,,55,,"), "55"),
        ((*LINES, "Subtotal,,,,55,,", "VAT 24%,,,,13.20,,", "Total,,,,68.20,,"), "55"),
        ((*LINES, "Total,,,,68.20,,", "incl. VAT,,,,13.20,,"), "55"),
        ((*LINES, "zzgl. 19% MwSt.,,,,10.45,,", "Gesamtsumme,,,,65.45,,"), "55"),
        ((*LINES, "Total,,,,56,,"), "56"),  # another sum than that of the lines
        (LINES, None),
        ((*LINES, "Total,,6,,,,"), None),  # of units alone
        ((*LINES[:2], "Anna Total,,,,25,,", LINES[2]), None),  # of a part of the lines
    ],
)
def test_the_total_before_tax_of_all_lines_is_the_reports(
    path: Path, rows: tuple[str, ...], total: str | None
) -> None:
    found = read(path, *rows)
    assert len(found.lines) == 3
    assert totals(found) == (None if total is None else {"EUR": Decimal(total)})


def test_a_total_that_is_not_the_sum_is_told(path: Path) -> None:
    assert "row 5: the total says 56.00, its lines make 55.00" in "\n".join(
        read(path, *LINES, "Total,,,,56,,").notices
    )


def test_a_count_of_units_that_is_not_the_sum_is_told(path: Path) -> None:
    assert "row 5: the total says 7 units, its lines make 6" in "\n".join(
        read(path, *LINES, "Total,,7,,55,,").notices
    )


def test_each_currency_has_its_own_total_or_none(path: Path) -> None:
    pounds = "Clara,Mail,1,9,9,GBP,2026-03-31"
    both = read(path, *LINES, pounds, "Total EUR,,,,55,,", "Total,,,,9,GBP,")
    assert totals(both) == {"EUR": Decimal(55), "GBP": Decimal(9)}
    assert totals(read(path, *LINES, pounds, "Total,,,,9,GBP,")) == {"EUR": None, "GBP": Decimal(9)}
    assert totals(read(path, *LINES, pounds, "Total,,,,64,,")) is None  # a sum of two currencies


def test_what_another_month_invoices_is_no_part_of_the_total(path: Path) -> None:
    found = read(path, *LINES, "Dora,Mail,1,10,10,EUR,2026-04-01", "Total,,,,65,,")
    assert totals(found) == {"EUR": Decimal(55)}
    assert sum(table.other_months for table in found.tables) == 1


def test_a_tax_without_a_total_is_no_line(path: Path) -> None:
    assert len(read(path, *LINES, "VAT,,,,13.20,,").lines) == 3


def test_a_line_whose_product_is_a_tax_stays_a_line(path: Path) -> None:
    assert len(read(path, *LINES, "Anna,Sales tax,1,2,2,EUR,2026-03-31").lines) == 4


def test_figures_that_are_no_total_are_a_problem(path: Path) -> None:
    with pytest.raises(ReportError, match="row 5, Customer: is empty, and the figures are no total"):
        read(path, *LINES, ",,,,54,,")


def test_a_row_with_the_names_of_a_charge_and_the_sum_of_all_rows_is_a_problem(path: Path) -> None:
    with pytest.raises(ReportError, match="row 5: its figures are the sum of the rows above"):
        read(path, *LINES, "Our customers,Everything,6,,55,EUR,2026-03-31")


def test_names_that_begin_or_end_like_totals_are_charges_where_both_are_there(path: Path) -> None:
    found = read(path, *LINES, "Suma Ltd,Total Protection,4,2,8,EUR,2026-03-31")
    assert [line.customer for line in found.lines].count("Suma Ltd") == 1


def test_a_customer_whose_letters_were_all_lost_is_a_problem(path: Path) -> None:
    with pytest.raises(ReportError, match="row 5, Customer: “\\?\\?\\? \\?\\?” is no name"):
        read(path, *LINES, "??? ??,Total Protection,4,2,8,EUR,2026-03-31")


def test_units_and_money_that_happen_to_be_a_sum_are_a_charge_where_no_row_has_a_price(path: Path) -> None:
    header = "Customer,Product,Quantity,Amount"
    rows = "Anna,Mail,1,10", "Boris,Mail,1,10", "Clara,Mail,2,20"
    path.write_text("\n".join((header, *rows)), encoding="utf-8")
    assert len(read_reports([path], Month(2026, 3), ReportSettings()).lines) == 3
    path.write_text("\n".join((header, *rows, ",Support,4,40")), encoding="utf-8")
    with pytest.raises(ReportError, match="row 5, Customer: is empty"):
        read_reports([path], Month(2026, 3), ReportSettings())
    path.write_text("\n".join((header, *rows, "All customers,All products,4,40")), encoding="utf-8")
    assert len(read_reports([path], Month(2026, 3), ReportSettings()).lines) == 3


def test_a_product_named_total_with_a_price_that_makes_its_amount_is_a_charge(path: Path) -> None:
    found = read(path, *LINES, "Dora,Total,4,2,8,EUR,2026-03-31", "Total,,10,,63,EUR,")
    assert [(line.customer, line.units, line.amount) for line in found.lines if line.product == "Total"] == [
        ("Dora", 4, 8)
    ]
    assert totals(found) == {"EUR": 63}


@pytest.mark.parametrize(
    "row", ["Boris,Total,3,10,30,EUR,", "Anna,Total,3,8.3333,25,EUR,", "Anna,Total,3,,25,,"]
)
def test_a_row_named_total_with_the_sum_of_its_customers_rows_is_no_charge(path: Path, row: str) -> None:
    assert len(read(path, *LINES, row).lines) == 3


@pytest.mark.parametrize(
    ("rows", "doubt"),
    [
        ((*LINES, "Anna,Total,4,,8,EUR,"), "row 5: the total says 8.00, its lines make 55.00"),
        (
            (*LINES, "Anna Total,,,,26,,", "Total,,,,55,,"),
            "row 5: the total says 26.00, its lines make 55.00",
        ),
        ((*LINES[:2], "Total,,,,26,,", LINES[2]), "row 4: the total says 26.00, its lines make 25.00"),
        ((*LINES, "Total,,7,,55,,"), "row 5: the total says 7 units, its lines make 6"),
    ],
)
def test_a_total_that_is_no_sum_of_lines_hinders_the_all_clear(
    path: Path, rows: tuple[str, ...], doubt: str
) -> None:
    assert any(doubt in one for one in doubts_of(read(path, *rows)))


def test_totals_of_customers_and_of_groups_of_customers_are_sums_of_lines(path: Path) -> None:
    north = (*LINES[:2], "Anna Total,,,,25,,", LINES[2], "Boris Total,,,,30,,", "North Total,,,,55,,")
    south = ("Clara,Mail,1,10,10,EUR,2026-03-31", "Clara Total,,,,10,,", "South Total,,,,10,,")
    assert doubts_of(read(path, *north, *south, "Total,,,,65,,")) == []
    east = ("Dora,Mail,2,10,20,EUR,2026-03-31", "Dora Total,,,,20,,", "East Total,,,,30,,")
    assert doubts_of(read(path, *north, *south[:2], *east, "Total,,,,85,,")) == []


def test_a_total_of_the_units_as_they_are_written_beside_a_discount_is_a_sum_of_lines(path: Path) -> None:
    assert doubts_of(read(path, *LINES, "Boris,Mail,3,10,-3,EUR,2026-03-31", "Total,,9,,52,,")) == []


def test_a_customer_named_like_a_total_has_totals_of_its_own(path: Path) -> None:
    row = "Total Energy Ltd,Mail,2,10,20,EUR,2026-03-31"
    found = read(
        path, *SEVERAL, row, "Total Energy Ltd,Total Energy Ltd Total,2,,20,EUR,", "Total,,8,,75,EUR,"
    )
    assert (len(found.lines), totals(found), doubts_of(found)) == (4, {"EUR": 75}, [])


def test_a_product_named_total_whose_figures_are_those_of_all_rows_above_is_a_problem(path: Path) -> None:
    with pytest.raises(ReportError, match="row 3: its figures are the sum of the rows above: is it a total"):
        read(path, LINES[0], "Boris,Total,2,10,20,EUR,2026-03-31")


def test_a_product_named_total_in_a_report_without_amounts_is_a_charge(path: Path) -> None:
    rows = "Customer,Product,Quantity,Unit Price", "Anna,Mail,6,10", "Boris,Total,5,10", "Total,,11,"
    path.write_text("\n".join(rows), encoding="utf-8")
    found = read_reports([path], Month(2026, 3), ReportSettings())
    assert [(line.product, line.units) for line in found.lines] == [("Mail", 6), ("Total", 5)]
    assert doubts_of(found) == []


def test_a_total_over_several_currencies_that_is_no_sum_is_told(path: Path) -> None:
    found = read(path, *LINES, "Clara,Mail,1,9,9,GBP,2026-03-31", "Total,,,,65.55,,")
    assert any("row 6: the total says 65.55 in no currency that is told" in told for told in found.notices)
    assert totals(found) is None


SEVERAL = (
    "Anna,Mail,2,10,20,EUR,2026-03-31",
    "Anna,Backup,1,5,5,EUR,2026-03-31",
    "Boris,Mail,3,10,30,EUR,2026-03-31",
)


@pytest.mark.parametrize(
    ("rows", "totals_read"),
    [
        ((*SEVERAL, "Total March 2026,,6,9.1667,55,EUR,"), 1),  # the price is the average
        ((*SEVERAL, "Made-up MSP,Total:,6,9.1667,55,EUR,"), 1),
        ((SEVERAL[0], "Total Anna,,2,10,20,,", SEVERAL[2], "Total Boris,,3,10,30,,", "Total,,5,,50,,"), 3),
        (("Anna,Total,3,8.3333,25,EUR,", *SEVERAL[:2], "Boris,Total,3,10,30,EUR,", SEVERAL[2]), 2),
        ((*SEVERAL, "Total Boris,Total Boris,3,10,30,,", "Total,Total,6,9.1667,55,EUR,"), 2),
        ((*SEVERAL, "Boris,Total Boris,3,,30,EUR,", "Anna,Anna Total,3,,25,EUR,"), 2),
        ((*SEVERAL[:2], "North,Total,3,8.3333,25,EUR,", SEVERAL[2], "All,Total,6,9.1667,55,EUR,"), 2),
    ],
)
def test_a_total_with_a_price_is_a_total_wherever_the_rows_that_it_sums_stand(
    path: Path, rows: tuple[str, ...], totals_read: int
) -> None:
    found = read(path, *rows)
    assert {line.product for line in found.lines} <= {"Mail", "Backup"}
    assert found.tables[0].left_out == {"totals": totals_read}
    assert doubts_of(found) == []


@pytest.mark.parametrize(
    "totals_read",
    [
        ("Total Mail,,5,,50,EUR,", "Total Backup,,1,,5,EUR,", "Total,,6,,55,EUR,"),
        ("Total,,6,,55,EUR,", "Total Mail,,5,,50,EUR,", "Total Backup,,1,,5,EUR,"),
        ("Total recurring,,6,,55,EUR,", "Total,,6,,55,EUR,"),
    ],
)
def test_totals_of_products_and_of_kinds_of_charge_are_sums_of_lines(
    path: Path, totals_read: tuple[str, ...]
) -> None:
    found = read(path, *SEVERAL, *totals_read)
    assert (doubts_of(found), totals(found)) == ([], {"EUR": 55})


def test_totals_of_recurring_and_of_one_time_charges_are_sums_of_lines(path: Path) -> None:
    header = "Customer,Product,Quantity,Unit Price,Amount,Currency,Type"
    rows = "Anna,Mail,2,10,20,EUR,Recurring", "Boris,Setup,1,50,50,EUR,One-time"
    ends = "Total recurring,,2,,20,EUR,", "Total one-time,,1,,50,EUR,", "Total,,3,,70,EUR,"
    path.write_text("\n".join((header, *rows, *ends)), encoding="utf-8")
    found = read_reports([path], Month(2026, 3), ReportSettings())
    assert (doubts_of(found), totals(found)) == ([], {"EUR": 70})


def test_a_total_of_credits_beside_discounts_is_a_sum_of_lines(path: Path) -> None:
    header = "Customer,Product,Quantity,Unit Price,Amount,Currency,Type"
    charge, credit = "Anna,Mail,4,10,40,EUR,Recurring", "Anna,Mail,-1,10,-10,EUR,Credit"
    discount = "Anna,Mail,1,-5,-5,EUR,Discount"
    ends = "Total credits,,,,-10,EUR,", "Total discounts,,,,-5,EUR,", "Total,,,,25,EUR,"
    path.write_text("\n".join((header, charge, credit, discount, *ends)), encoding="utf-8")
    assert doubts_of(read_reports([path], Month(2026, 3), ReportSettings())) == []


@pytest.mark.parametrize("row", ["Total USD,,,,0.00,,", "Total,,,,0.00,USD,"])
def test_a_total_of_nothing_in_a_currency_of_no_line_is_passed_over(path: Path, row: str) -> None:
    found = read(path, *LINES, "Total,,,,55,EUR,", row)
    assert (totals(found), doubts_of(found)) == ({"EUR": 55}, [])


@pytest.mark.parametrize("row", ["Total USD,,,,55,,", "Total,,,,55,USD,"])
def test_a_total_of_the_lines_in_a_currency_of_none_raises_a_doubt(path: Path, row: str) -> None:
    (doubt,) = doubts_of(read(path, *LINES, row))
    assert "row 5: the total is in USD, its lines are in EUR" in doubt
    for fitting in ("Total EUR,,,,55,,", "Total excl. VAT,,,,55,,", "Total (1 EUR = 1.08 USD),,,,55,,"):
        assert not doubts_of(read(path, *LINES, fitting))


def test_a_total_of_nothing_is_told(path: Path) -> None:
    (doubt,) = doubts_of(read(path, *LINES, "Total,,,,0.00,,"))
    assert "row 5: the total says 0.00, its lines make 55.00" in doubt


def test_a_row_that_is_like_an_earlier_one_in_every_cell_counts_and_is_named(path: Path) -> None:
    found = read(path, *LINES, LINES[0])
    assert len(found.lines) == len(LINES) + 1
    assert any(f"row {len(LINES) + 2} is like an earlier row" in notice for notice in found.notices)
    assert not any("like an earlier row" in notice for notice in read(path, *LINES).notices)


def test_a_total_that_adds_credits_with_a_minus_like_charges_is_no_total(path: Path) -> None:
    credit = "Anna,Mail,-1,10,-10,EUR,2026-03-31"
    (doubt,) = doubts_of(read(path, *LINES, credit, "Total,,,,65,,"))
    assert "65" in doubt
    assert not doubts_of(read(path, *LINES, credit, "Total,,,,45,,"))
