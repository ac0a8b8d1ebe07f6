"""Agreements and products that cannot be compared or written: the row says so and offers nothing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import MISMATCHES
from tests.helpers.world import DeskAfter
from xlsync.workbook.layout import START_CELLS


def rows_of(desk: Desk, customer: str) -> list[dict[str, Any]]:
    hand = desk.read()
    headers = ("Customer", "Mismatch", "Action", "Explanation")
    rows = [
        {header: hand.get(MISMATCHES, key, header) for header in headers} for key in hand.rows(MISMATCHES)
    ]
    return [row for row in rows if row["Customer"] == customer]


def agreement_of(desk: Desk, company: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        record
        for record in desk.sandbox.connectwise.agreements.values()
        if record["company"]["name"] == company and not record["cancelledFlag"]
    )
    return found


def invoiced(desk: Desk, key: str) -> tuple[Decimal, Decimal]:
    """What the distributor billed for an agreement's invoice, and the margin of that."""
    hand = desk.read()
    amount, margin = (hand.get("Invoices", key, header) for header in ("BSS Amount", "Margin"))
    return Decimal(str(amount)), Decimal(str(margin))


def let_agreements_be_odd(desk: Desk) -> None:
    """Let the agreement of one customer never recur, and that of another be the child of a third."""
    agreement_of(desk, "Redstart Textiles")["billingCycle"] = {"id": 4, "name": "NotRecurring", "_info": {}}
    parent = {"id": 1, "name": "Head Office Contract", "_info": {}}
    agreement_of(desk, "Siskin Electrics")["parentAgreement"] = parent
    assert desk.check("--refresh").code == 0


def test_an_agreement_that_never_recurs_could_not_be_checked(desk_after: DeskAfter) -> None:
    rows = rows_of(desk_after(let_agreements_be_odd), "Redstart Textiles")
    assert rows
    assert {row["Mismatch"] for row in rows} == {"Could not check"}
    assert all("never recurs (billing cycle NotRecurring)" in row["Explanation"] for row in rows)
    assert not any(row["Action"] for row in rows)


def test_a_child_agreement_is_named_in_its_rows(desk_after: DeskAfter) -> None:
    rows = rows_of(desk_after(let_agreements_be_odd), "Siskin Electrics")
    assert rows
    assert all("It is a child of agreement Head Office Contract" in row["Explanation"] for row in rows)


def test_a_child_agreement_is_invoiced_with_its_parent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    parent, child = (agreement_of(desk, name) for name in ("Twite Joinery", "Siskin Electrics"))
    assert (parent["nextInvoiceDate"], child["nextInvoiceDate"]) == (
        "2026-11-30T00:00:00Z", "2026-10-31T00:00:00Z",
    )  # fmt: skip
    keys = [f"invoice:{one['id']}" for one in (parent, child)]
    alone = [invoiced(desk, key) for key in keys]
    child["parentAgreement"] = {"id": parent["id"], "name": parent["name"], "_info": {}}
    assert desk.check("--refresh").code == 0
    together = [tuple(map(sum, zip(*alone, strict=True))), alone[1]]
    assert [invoiced(desk, key) for key in keys] == together
    rows = rows_of(desk, "Siskin Electrics")
    missing = [row for row in rows if row["Mismatch"] == "Not in ConnectWise"]
    assert missing
    for row in missing:
        assert "Already invoiced: the change shows on the next invoice, 2026-11-30." in row["Explanation"]
        assert "A new addition can begin on 2026-11-30 at the earliest" in row["Explanation"]

    of_both = len(rows) + len(rows_of(desk, "Twite Joinery"))
    counts = [desk.read().get("Invoices", key, "Unapplied Mismatches") for key in keys]
    assert counts == [of_both, len(rows)]
    with desk.editing() as hand:
        hand.set("Invoices", keys[0], {"Approve": "Yes"})
    told = " ".join(desk.run("invoice", str(desk.file)).err.split())
    assert f"{of_both} mismatches are not applied yet" in told

    monkeypatch.setenv("XLSYNC_INVOICING", "enabled")
    with desk.editing() as hand:
        hand.set("Invoices", keys[0], {"Approve": None})
        hand.set("Invoices", keys[1], {"Approve": "Yes"})
    told = "it is a child of agreement Cloud Services, whose invoice bills it: approve that one"
    checked = desk.check()
    assert any(told in notice for notice in checked.json["notices"])
    ran = desk.run("invoice", str(desk.file), "--yes", "--json")
    assert ran.code == 3
    told = str(desk.read().get("Invoices", keys[1], "Result"))
    assert told.startswith("skipped: it is a child of agreement Cloud Services, whose invoice bills it")
    assert not [write for write in desk.sandbox.writes if write.path.endswith("/invoice")]


def test_a_parent_without_lines_of_its_own_has_a_row_with_what_its_children_are_billed(desk: Desk) -> None:
    rows = desk.read().rows("Invoices")
    parent = next(
        one for key, one in sorted(desk.sandbox.connectwise.agreements.items())
        if f"invoice:{key}" not in rows and not one["cancelledFlag"] and one.get("nextInvoiceDate")
    )  # fmt: skip
    children = [agreement_of(desk, name) for name in ("Twite Joinery", "Siskin Electrics")]
    amounts = [invoiced(desk, f"invoice:{child['id']}") for child in children]
    for child in children:
        child["parentAgreement"] = {"id": parent["id"], "name": parent["name"], "_info": {}}
    assert desk.check("--refresh").code == 0
    rows, key = desk.read().rows("Invoices"), f"invoice:{parent['id']}"
    assert desk.read().at("Start", START_CELLS["to_invoice"]) == f"{len(rows) - 2} invoices previewed"
    assert invoiced(desk, key) == tuple(map(sum, zip(*amounts, strict=True)))
    row = {header: desk.read().get("Invoices", key, header) for header in desk.read().columns("Invoices")}
    assert row["Customer"] == parent["company"]["name"]
    assert row["Agreement"] == parent["name"]
    assert row["Next Invoice Date"].isoformat()[:10] == parent["nextInvoiceDate"][:10]
    mismatches = [rows_of(desk, name) for name in ("Twite Joinery", "Siskin Electrics")]
    assert row["Unapplied Mismatches"] == sum(map(len, mismatches))
    asked = [request.path for request in desk.sandbox.log]
    desk.forget_log()
    assert desk.check().code == 0
    assert sum(path.endswith("/agreementrecap/") for path in asked) == 1
    with desk.editing() as hand:
        hand.set("Invoices", key, {"Approve": "Yes"})
    assert f"{row['Unapplied Mismatches']} mismatches are not applied yet" in " ".join(
        desk.run("invoice", str(desk.file)).err.split()
    )
    told = "Siskin Electrics; Twite Joinery: the parent of their agreement"
    assert told not in desk.check().err
    parent["cancelledFlag"] = True
    assert told in " ".join(desk.check("--refresh").err.split())
    assert key not in desk.read().rows("Invoices")


def test_a_child_agreement_whose_parent_was_invoiced_since_its_approval_is_skipped(desk: Desk) -> None:
    parent, child = (agreement_of(desk, name) for name in ("Redstart Textiles", "Siskin Electrics"))
    child["parentAgreement"] = {"id": parent["id"], "name": parent["name"], "_info": {}}
    assert desk.check("--refresh").code == 0
    with desk.editing() as hand:
        key = next(
            key for key in hand.rows(MISMATCHES)
            if (hand.get(MISMATCHES, key, "Customer"), hand.get(MISMATCHES, key, "Mismatch"))
            == ("Siskin Electrics", "Not in ConnectWise")
        )  # fmt: skip
        hand.set(MISMATCHES, key, {"Approve": "Yes"})
    parent["nextInvoiceDate"] = "2026-11-30T00:00:00Z"
    assert desk.apply().code == 3
    assert "the agreement was invoiced" in str(desk.read().get(MISMATCHES, key, "Result"))
    assert not desk.sandbox.writes


def test_recap_dates_that_could_be_read_two_ways_are_told_and_decide_nothing(desk: Desk) -> None:
    for agreement in desk.sandbox.connectwise.agreements.values():
        if not agreement["cancelledFlag"]:
            agreement["nextInvoiceDate"] = "2026-11-12T00:00:00Z"
    desk.sandbox.fail("day-first")
    ran = desk.check("--refresh")
    assert ran.code == 0
    assert "next invoice date 12/11/2026" in ran.err + ran.out


def test_check_and_export_tell_a_status_that_contradicts_the_dates(desk: Desk) -> None:
    """The sandbox's status follows the dates, so its clock goes ahead of this machine's."""
    assert "contradicts the dates" not in desk.check().err
    ends = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=3)
    desk.addition(52)["cancelledDate"] = f"{ends}T00:00:00Z"
    desk.sandbox.move_clock(5 * 86400)
    odd = f"52 of agreement 37 is Cancelled, until {ends}"
    told = f"The status of 1 addition contradicts the dates, by which xlsync goes: {odd}"
    assert told in desk.check().err
    assert told in desk.run("check", str(desk.file)).err, "minutes later, when nothing is read anew"
    assert told in desk.export("--output", "again.xlsx").err
