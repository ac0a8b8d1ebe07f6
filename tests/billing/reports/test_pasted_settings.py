"""The lines that a refusal offers for xlsync.toml are ready to paste: with them the file is read."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from xlsync.billing.reports.reading import read_reports
from xlsync.errors import ReportError
from xlsync.models import BillingLine, LineType, Month
from xlsync.settings import ReportSettings

OCTOBER = Month(2026, 10)


def offered(*paths: Path) -> ReportSettings:
    """The settings that a refusal of these files offers, pasted as they are."""
    with pytest.raises(ReportError) as caught:
        read_reports(paths, OCTOBER, ReportSettings())
    _, _, lines = caught.value.hint.partition("xlsync.toml:\n")
    return ReportSettings(**tomllib.loads(lines)["report"])


def read_with_offer(*paths: Path) -> tuple[BillingLine, ...]:
    return read_reports(paths, OCTOBER, offered(*paths)).lines


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Customer,Widget,Quantity,Unit Price,Amount", "A,Mail,2,10,20"),
        ("Purchaser,Product,Quantity,Unit Price,Amount", "A,Mail,2,10,20"),
        ("Customer,Product,Count,Unit Price,Amount", "A,Mail,2,10,20"),
    ],
)
def test_the_header_of_a_missing_column(path: Path, header: str, row: str) -> None:
    path.write_text(f"{header}\n{row}\n", encoding="utf-8")
    (line,) = read_with_offer(path)
    assert (line.customer, line.product, line.units, line.amount) == ("A", "Mail", 2, 20)


def test_headers_that_several_columns_may_be_are_all_named(path: Path) -> None:
    path.write_text("Customer,Widget,Region,Quantity\nA,Mail,North,2\n", encoding="utf-8")
    with pytest.raises(ReportError) as caught:
        read_reports([path], OCTOBER, ReportSettings())
    assert caught.value.hint.endswith('"Product" = ["…"]  # in place of the dots one of: Widget, Region')


def test_the_columns_of_money_that_are_missing(path: Path) -> None:
    path.write_text(
        "Customer,Product,Quantity,Pengar,Egysegar,Region\nA,Mail,2,20,10,North\n", encoding="utf-8"
    )
    with pytest.raises(
        ReportError, match=r"no column for: Amount or Unit Price\. Found: .*“Pengar”"
    ) as caught:
        read_reports([path], OCTOBER, ReportSettings())
    choice = '["…"]  # in place of the dots one of: Pengar, Egysegar'
    assert caught.value.hint.endswith(f'"Amount" = {choice}\n  "Unit Price" = {choice}')
    answer = ReportSettings(headers={"Amount": ("Pengar",), "Unit Price": ("Egysegar",)})
    (line,) = read_reports([path], OCTOBER, answer).lines
    assert (line.cost, line.amount) == (10, 20)


def test_unknown_words_each_under_its_likely_kind(path: Path) -> None:
    rows = (
        "A,Mail,2,10,20,Blorb",
        "B,Mail,1,10,-10,Zurp",
        "C,Mail,1,10,10,Blorb fee",
        "D,Mail,1,1,1,Blorb usage",
    )
    path.write_text("\n".join(("Customer,Product,Quantity,Unit Price,Amount,Type", *rows)), encoding="utf-8")
    assert [line.type for line in read_with_offer(path)] == [
        LineType.RECURRING,
        LineType.CREDIT,
        LineType.ONE_TIME,
        LineType.USAGE,
    ]


def test_the_order_of_days_and_months(path: Path) -> None:
    path.write_text(
        "Customer,Product,Quantity,Amount,Start Date,End Date\nA,Mail,2,20,10/10/2026,11/10/2026\n",
        encoding="utf-8",
    )
    (line,) = read_with_offer(path)
    assert str(line.start) == "2026-10-10"


def test_headers_to_leave_unread_and_words_and_an_order_of_two_files_together(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text(
        "Customer,Product,Quantity,Amount,Posting Date,Type\nA,Mail,2,20,x,Blorb\n", encoding="utf-8"
    )
    other.write_text(
        "Customer,Product,Quantity,Amount,Entry Type,Start Date\nB,Mail,2,20,y,10/11/2026\n", encoding="utf-8"
    )
    assert {line.customer for line in read_with_offer(one, other)} == {"A", "B"}


def test_columns_of_one_meaning_that_differ(path: Path) -> None:
    path.write_text("Customer,Product,Quantity,Qty,Amount\nA,Mail,2,3,20\n", encoding="utf-8")
    (line,) = read_with_offer(path)
    assert line.units == 2


def test_a_price_that_is_no_cost_per_unit(path: Path) -> None:
    rows = ("A,Mail,2,20,20", "B,Mail,3,30,30")
    path.write_text("\n".join(("Customer,Product,Quantity,Unit Price,Amount", *rows)), encoding="utf-8")
    assert [line.amount for line in read_with_offer(path)] == [20, 30]


def test_the_settings_and_the_file_that_the_documentation_shows_are_read(path: Path) -> None:
    project = Path(__file__).parents[3]
    page = (project / ".github/docs/reports.md").read_text("utf-8")
    shown = tomllib.loads(page.partition("```toml\n")[2].partition("```")[0])["report"]
    example = (
        (project / "README.md").read_text("utf-8").partition("   Customer,Product,")[2].partition("   ```")[0]
    )
    rows = f"Customer,Product,{example}".replace("\n   ", "\n")
    path.write_text(rows.replace("Quantity", "Mailboxes").replace("Unit Price", "Our Rate"), encoding="utf-8")
    (line,) = read_reports([path], OCTOBER, ReportSettings(**shown)).lines
    assert (line.units, line.amount) == (6, 63)
