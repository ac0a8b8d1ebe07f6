"""A month from a distributor's report, by the real commands, for an MSP that has no key of the BSS."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from decimal import Decimal

import pytest

from tests.helpers.desk import Desk
from tests.helpers.file_workbook import FileWorkbook
from tests.helpers.hand import LINES, MISMATCHES, Hand
from tests.helpers.world import DeskAfter
from xlsync.config import BSS_VARIABLES
from xlsync.ribbon import press

REPORT = """\
Invoice No.;Customer Name;Currency Code;Invoice Type;MS Subscription ID;Billing Cycle Start Date;\
Billing Cycle End Date;Charge Description;Quantity;End User;Rate Per Qty
EX-1;Made-up MSP;EUR;Debit Invoice;ms-1;01.10.2026;31.10.2026;M365 - Business Premium (New Commerce);\
18,0;Redstart Textiles;17,20
EX-1;Made-up MSP;EUR;Debit Invoice;ms-1;17.10.2026;31.10.2026;M365 - Business Premium (New Commerce);\
4;Redstart Textiles;8,32
EX-2;Made-up MSP;EUR;Credit Invoice;ms-1;20.10.2026;31.10.2026;M365 - Business Premium (New Commerce);\
1;Redstart Textiles;6,66
EX-1;Made-up MSP;EUR;Debit Invoice;;01.10.2026;31.10.2026;Power BI Pro (New Commerce);4;Redstart Textiles;8,45
;;;;;;;;25;;
"""
WORKBOOK = "xlsync-2026-10.xlsx"
NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)


def export_report(desk: Desk) -> None:
    """Export the month from a report, with keys of ConnectWise alone, where nothing lies or is remembered."""
    shutil.rmtree(desk.home)
    desk.file.unlink()
    (desk.folder / "report.csv").write_text(REPORT, encoding="utf-8-sig")
    with pytest.MonkeyPatch.context() as patch:
        for variable in BSS_VARIABLES:
            patch.delenv(variable)
        ran = desk.export("--from", "report.csv")
    assert (ran.code, ran.json["lines"], ran.json["requests"]["bss"]) == (0, 4, 0)


@pytest.fixture
def reported(desk_after: DeskAfter, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = desk_after(export_report)
    for variable in BSS_VARIABLES:
        monkeypatch.delenv(variable)
    return desk


def link_all(desk: Desk) -> None:
    with desk.editing() as hand:
        offered = {str(label).partition(": ")[2]: label for label in hand.offered("Product")}
        names = {
            "M365 - Business Premium (New Commerce)": "M365 - Business Premium (New Commerce)",
            "Power BI Pro (New Commerce)": "Power BI Pro",
        }
        for key, product in hand.column(LINES, "Product").items():
            hand.set(LINES, key, {"ConnectWise Product": offered[names[product]], "Match": "confirmed"})


def test_a_month_from_a_report_is_linked_checked_and_applied_without_keys_of_the_bss(reported: Desk) -> None:
    link_all(reported)
    checked = reported.check()
    assert (checked.code, checked.json["linked"]) == (0, 4)
    with reported.editing() as hand:
        assert hand.get(MISMATCHES, "units:52", "BSS Units") == 21  # 18 + 4 - 1
        hand.approve("units:52", "units:55", "cost:55")
    assert reported.apply().json["done"] == 2
    assert reported.changes == {
        ("additions", 52): {"quantity": 21},
        ("additions", 55): {"quantity": 4, "unitCost": Decimal("8.45")},
    }
    assert reported.apply().json["already"] == 2
    assert reported.check().code == 0
    assert {"units:52", "units:55", "cost:55"}.isdisjoint(reported.read().rows(MISMATCHES))


def test_a_report_is_found_from_another_folder_and_beside_a_workbook_that_moved(
    reported: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = reported.folder / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    (away / "xlsync.toml").touch()
    assert reported.check().code == 0
    for name in (WORKBOOK, "report.csv"):
        (reported.folder / name).rename(away / name)
    monkeypatch.chdir(reported.folder)
    assert reported.run("check", str(away / WORKBOOK)).code == 0
    (away / "report.csv").unlink()
    gone = reported.run("check", str(away / WORKBOOK))
    assert gone.code == 1
    assert f"{reported.folder / 'report.csv'} cannot be read" in gone.err
    assert "beside the workbook" in gone.err


def test_a_workbook_that_was_sent_opens_no_report_elsewhere_before_somebody_agreed(
    reported: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = reported.folder / "mails" / WORKBOOK
    sent.parent.mkdir()
    reported.file.rename(sent)
    monkeypatch.setenv("XLSYNC_HOME", str(reported.folder / "colleague"))
    refused = reported.run("check", str(sent))
    assert refused.code == 1
    assert f"{reported.folder / 'report.csv'}, outside its folder" in refused.err
    questions: list[str] = []
    workbook = FileWorkbook(sent, lambda question: not questions.append(question))
    press("Check", workbook, NOW)
    assert len(questions) == 1
    assert "Open it?" in questions[0]
    assert reported.run("check", str(sent)).code == 0, "it is not asked again"


def test_the_button_checks_a_month_from_a_report_without_keys_of_the_bss(reported: Desk) -> None:
    workbook = FileWorkbook(reported.file, lambda _question: True)
    press("Check", workbook, NOW)
    assert "4 lines, 3 linked, 1 to link" in workbook.told[0]


def test_the_total_of_a_report_is_what_its_lines_are_held_against(reported: Desk) -> None:
    header = "Customer,Product,Quantity,Unit Price,Amount,Currency\n"
    lines = "Redstart Textiles,Power BI Pro,4,8.45,33.80,EUR\nRedstart Textiles,Backup,1,10,10,EUR\n"

    def billed(total: str) -> tuple[object, ...]:
        (reported.folder / "total.csv").write_text(header + lines + total, encoding="utf-8")
        ran = reported.export("--from", "total.csv", "--output", "total.xlsx")
        (reported.folder / "total.xlsx").unlink()
        money = ran.json["billed"]["EUR"]
        return (
            money["invoices"],
            money["unexplained"],
            any("the total says" in one for one in ran.json["notices"]),
        )

    assert billed("") == (None, None, False)
    assert billed("Total,,5,,43.80,") == ("43.80", "0.00", False)
    assert billed("Total,,5,,53.80,") == ("53.80", "10.00", True)
    assert (
        "10.00 (the report)"
        in reported.run("export", "--month", "2026-10", "--from", "total.csv", "--output", "t.xlsx").out
    )


def test_what_was_linked_by_keys_of_the_bss_is_linked_in_a_report_too(desk: Desk) -> None:
    """Quillfeather Books was linked by hand to a company of another name."""
    with desk.editing() as hand:
        key = hand.line("Quillfeather Books")
        (label,) = (name for name in hand.offered("Customer") if str(name).startswith("Amberley Travel"))
        hand.set(LINES, key, {"ConnectWise Customer": label})
        product, item = hand.get(LINES, key, "Product"), hand.get(LINES, key, "ConnectWise Product")
        periods = [hand.get(LINES, key, f"{period} Period") for period in ("Billing", "Commitment")]
    assert item
    assert desk.check().code == 0
    report = (
        "Customer,Subscription ID,Product,Billing Plan,Term,Quantity,Unit Price,Amount,Currency\n"
        f"QUILLFEATHER BOOKS,V-1,{product},{periods[0]},{periods[1]},1,5,5,EUR\n"
    )
    (desk.folder / "other.csv").write_text(report, encoding="utf-8")
    assert desk.run("export", "--month", "2026-10", "--from", "other.csv", "--output", "other.xlsx").code == 0
    hand = Hand(desk.folder / "other.xlsx")
    (line,) = hand.column(LINES, "Customer")
    assert hand.get(LINES, line, "ConnectWise Customer") == label
    assert hand.get(LINES, line, "ConnectWise Product") == item


def test_a_report_of_another_month_is_asked_about(reported: Desk) -> None:
    ran = reported.run("export", "--month", "2026-12", "--from", "report.csv")
    assert ran.code == 0
    assert "No period in report.csv touches 2026-12: is it the report of that month?" in ran.err
    assert "touches" not in reported.check().err


def test_a_months_links_from_a_report_are_remembered_for_the_next_report(reported: Desk) -> None:
    link_all(reported)
    assert reported.check().code == 0
    (reported.folder / "report.csv").write_text(
        REPORT.replace("31.10", "30.11").replace(".10.2026", ".11.2026"), encoding="utf-8"
    )
    ran = reported.run("export", "--month", "2026-11", "--from", "report.csv", "--json")
    assert (ran.code, ran.json["linked"]) == (0, 4)
    hand = Hand(reported.folder / "xlsync-2026-11.xlsx")
    assert set(hand.column(LINES, "Match").values()) == {"remembered"}


def test_a_check_of_a_month_from_the_bss_names_the_keys_that_are_missing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in BSS_VARIABLES:
        monkeypatch.delenv(variable)
    ran = desk.check()
    assert ran.code == 1
    assert all(variable in ran.err for variable in BSS_VARIABLES)


def test_links_made_from_the_bss_serve_the_lines_of_a_report(desk: Desk) -> None:
    with desk.editing() as hand:
        line = next(
            key
            for key, match in hand.column(LINES, "Match").items()
            if match == "exact" and hand.get(LINES, key, "Type") == "Recurring"
        )
        names = [
            hand.get(LINES, line, name)
            for name in ("Customer", "Product", "Billing Period", "Commitment Period")
        ]
        chosen = hand.get(LINES, line, "ConnectWise Product")
    assert desk.check().code == 0  # which remembers them
    (desk.folder / "november.csv").write_text(
        "Customer;Product;Billing Plan;Term;Quantity;Unit Price;Amount;Start Date;End Date\n"
        f"{';'.join(str(name or '') for name in names)};4;8.45;33.80;2026-11-01;2026-11-30\n",
        encoding="utf-8",
    )
    ran = desk.run("export", "--month", "2026-11", "--from", "november.csv", "--json")
    assert (ran.code, ran.json["linked"]) == (0, 1), ran.err
    hand = Hand(desk.folder / "xlsync-2026-11.xlsx")
    assert list(hand.column(LINES, "ConnectWise Product").values()) == [chosen]
    assert list(hand.column(LINES, "Match").values()) == ["remembered"]


def test_a_past_month_from_a_report_offers_no_write_that_the_latest_months_report_does_not_bill(
    reported: Desk,
) -> None:
    link_all(reported)
    assert reported.check().code == 0
    assert "bills" not in str(reported.read().get(MISMATCHES, "units:52", "Explanation"))
    september = REPORT.replace(".10.2026", ".09.2026").replace("31.09.", "30.09.")
    fewer = september.replace("18,0", "15,0").replace(";25;", ";22;")
    for name, text in (("held", fewer), ("same", september)):  # October bills 21
        (reported.folder / "report.csv").write_text(text, encoding="utf-8-sig")
        words = ("--month", "2026-09", "--from", "report.csv", "--output", f"{name}.xlsx", "--json")
        ran = reported.run("export", *words)
        assert ran.code == 0, ran.err
    hand = Hand(reported.folder / "held.xlsx")
    assert hand.get(MISMATCHES, "units:52", "BSS Units") == 18  # 15 + 4 - 1
    assert hand.get(MISMATCHES, "units:52", "Action") is None
    why = str(hand.get(MISMATCHES, "units:52", "Explanation"))
    assert re.search(r"Billed 18 in 2026-09; 2026-10 bills 21; ConnectWise has \d+\.", why)
    hand = Hand(reported.folder / "same.xlsx")
    assert hand.get(MISMATCHES, "units:52", "Action") == "Update units"
    assert "Billed 21 in 2026-09; 2026-10 bills 21;" in str(hand.get(MISMATCHES, "units:52", "Explanation"))
