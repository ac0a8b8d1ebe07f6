"""Writes are held to what their rows showed: existing agreements, catalog prices, first days, no formulas."""

from __future__ import annotations

import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES, NEW, day
from tests.helpers.world import choose_new

AGREEMENT, ADDITION = "agreement:bss:622|Monthly", "add:agreement:bss:622|Monthly:1"


def approve_new(desk: Desk) -> None:
    """Approve a new customer with its contact, agreement and addition."""
    choose_new(desk)
    with desk.editing() as hand:
        hand.approve("customer:bss:622", Contact_First_Name="Ada", Identifier="QUILL")
        hand.approve(AGREEMENT, ADDITION)


def yearly(desk: Desk) -> dict[str, Any]:
    cycles = desk.sandbox.connectwise.table("billing_cycles").values()
    (cycle,) = (one for one in cycles if one["billingOptions"] == "Yearly")
    return {"billingCycle": {"id": cycle["id"], "name": cycle["name"]}}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("ended", "has ended on 2025-01-31"),
        ("expired", "is expired"),
        ("yearly", "is billed by another billing cycle"),
        ("currency", "the agreement's currency was EUR and is now USD"),
    ],
)
def test_an_agreement_of_the_name_that_cannot_bill_the_row_gets_no_addition(
    desk: Desk, kind: str, told: str
) -> None:
    """A colleague makes it while apply is at work, just after the customer is created."""
    fields = {
        "ended": {"endDate": "2025-01-31T00:00:00Z", "noEndingDateFlag": False},
        "expired": {"agreementStatus": "Expired"},
        "yearly": yearly(desk),
        "currency": {"currency": {"id": 2, "currencyCode": "USD"}},
    }
    approve_new(desk)
    state, name = desk.sandbox.connectwise, desk.read().get(NEW, AGREEMENT, "Name")

    def make() -> None:
        company = state.companies[max(state.companies)]
        id_ = state.next_id("agreements")
        reference = {key: company[key] for key in ("id", "identifier", "name")}
        like = next(one for one in state.agreements.values() if one["billingCycle"]["name"] == "Monthly")
        state.commit(
            ("agreements", id_, {**like, "id": id_, "name": name, "company": reference, **fields[kind]})
        )

    desk.sandbox.fail("call-after", write=1, call=make)
    ran = desk.apply()
    assert (ran.code, ran.states[ADDITION]) == (3, "skipped")
    assert any(told in action["detail"] for action in ran.json["actions"])
    assert not [path for _, path in desk.sent() if path.endswith("/additions")]


def test_an_agreement_of_the_name_that_bills_the_row_takes_its_place(desk: Desk) -> None:
    approve_new(desk)
    assert desk.apply().code == 0
    made = max(desk.sandbox.connectwise.agreements)
    with desk.editing() as hand:
        for title, key in ((NEW, "customer:bss:622"), (NEW, AGREEMENT), (MISMATCHES, ADDITION)):
            hand.set(title, key, {"Result": None})
    again = desk.apply()
    assert set(again.states.values()) == {"already"}
    assert max(desk.sandbox.connectwise.agreements) == made


def test_an_agreement_for_a_customer_of_another_name_now_is_not_created(desk: Desk) -> None:
    """The record was merged or renamed since the row showed it: nobody approved this name."""
    key = "agreement:bss:649|Monthly"
    with desk.editing() as hand:
        customers = hand.column(LINES, "ConnectWise Customer")
        line = next(line for line, name in customers.items() if name == "Pipit Tutors")
        hand.set(LINES, line, {"ConnectWise Agreement": "(create new)"})
        hand.approve(key, Contact_First_Name="Ann")
    companies = desk.sandbox.connectwise.companies
    company = next(one for one in companies.values() if one["name"] == "Pipit Tutors")
    company["name"] = "Wryneck Holdings"
    ran = desk.apply()
    assert (ran.code, desk.sent(), set(ran.states.values())) == (3, [], {"skipped"})
    told = "the row shows the customer Pipit Tutors, and would be written to Wryneck Holdings"
    assert told in ran.json["actions"][0]["detail"]
    company["name"] = "Pipit Tutors"
    assert set(desk.apply().states.values()) == {"done"}


def test_units_at_a_price_of_the_catalog_are_skipped_where_that_price_is_another_now(desk: Desk) -> None:
    price = desk.addition(52).pop("unitPrice")
    item = desk.sandbox.connectwise.catalog[desk.addition(52)["product"]["id"]]
    item["price"] = price
    assert desk.check().code == 0
    with desk.editing() as hand:
        hand.approve("units:52")
    item["price"] = price * 1000
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    assert "Unit Price was 21.50 and is now 21,500.00" in desk.read().get(MISMATCHES, "units:52", "Result")
    item["price"] = price
    assert desk.apply().states == {"update:52": "done"}


@pytest.mark.parametrize("key", ["units:52", "only:62"])
def test_an_addition_that_begins_on_another_day_now_is_skipped(desk: Desk, key: str) -> None:
    with desk.editing() as hand:
        hand.approve(key, Action="Cancel addition" if key == "only:62" else "Update units")
    desk.addition(int(key[-2:]))["effectiveDate"] = "2027-05-01T00:00:00Z"
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    assert "is now 2027-05-01" in desk.read().get(MISMATCHES, key, "Result")


@pytest.mark.parametrize("from_a_day_on", [False, True])
def test_a_cost_that_falls_to_zero_is_a_drop_also_from_a_day_on(desk: Desk, *, from_a_day_on: bool) -> None:
    with desk.editing() as hand:
        cells = {"Effective_From": day("2026-10-14")} if from_a_day_on else {}
        hand.approve("cost:54", New_Cost=0, **cells)
    desk.write_own_settings("[limits]\nzero = 0\n")
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (1, [])
    assert "nine tenths" in ran.err


@pytest.mark.parametrize("key", ["units:52", "cost:54", "add:38:15", "only:62"])
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("invoiced", "the agreement was invoiced: its next invoice was of 2026-10-31, and is of 2026-11-30"),
        ("yearly", "the agreement is billed every 12 months now"),
    ],
)
def test_a_row_whose_agreement_was_invoiced_or_is_billed_otherwise_now_is_skipped(
    desk: Desk, key: str, kind: str, told: str
) -> None:
    """The month's invoice went out with the old units, which the row did not say when it was approved."""
    with desk.editing() as hand:
        cells = {"Action": "Cancel addition"} if key == "only:62" else {}
        hand.approve(key, **cells)
    number = {"units:52": 37, "cost:54": 37, "add:38:15": 38, "only:62": desk.addition(62)["agreementId"]}[
        key
    ]
    changes = {"nextInvoiceDate": "2026-11-30T00:00:00Z"} if kind == "invoiced" else yearly(desk)
    desk.sandbox.connectwise.agreements[number].update(changes)
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    if (key, kind) != ("only:62", "invoiced"):  # an end within an invoiced period has its own reason
        assert told in desk.read().get(MISMATCHES, key, "Result")


def test_a_row_of_an_agreement_that_was_invoiced_says_so_after_a_check_and_is_done(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.sandbox.connectwise.agreements[37]["nextInvoiceDate"] = "2026-11-30T00:00:00Z"
    assert desk.apply().code == 3
    assert desk.check().code == 0
    explanation = desk.read().get(MISMATCHES, "units:52", "Explanation")
    assert explanation.startswith("Already invoiced: the change shows on the next invoice, 2026-11-30.")
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.apply().states == {"update:52": "done"}


# Formulas


def calculate(file: Path) -> None:
    """Give every formula of one text its value, as a spreadsheet program does."""
    with zipfile.ZipFile(file) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            if name.startswith("xl/worksheets/"):
                text = content.decode("utf-8")
                pattern = r'<c r="(\w+)"([^>]*)><f>"([^"<]*)"</f></c>'
                content = re.sub(  # noqa: PLW2901
                    pattern, r'<c r="\1"\2 t="str"><f>"\3"</f><v>\3</v></c>', text
                ).encode()
            package.writestr(name, content)


def test_the_value_of_a_formula_in_a_note_makes_no_rule_and_is_told(desk: Desk) -> None:
    """A rule decides how many units are written."""
    with desk.editing() as hand:
        line = hand.line("Redstart Textiles", "M365 - Business Premium")
        hand.set(LINES, line, {"Note": '="free 2"'})
    calculate(desk.file)
    place = desk.read().place(LINES, line, "Note")
    told = f"{place}: a formula stands here, and its value 'free 2' makes no rule: type it as a text"
    assert told in " ".join(desk.check().err.split())
    assert desk.run("links", "rules", "--json").json["rules"] == []
    with desk.editing() as hand:
        hand.set(LINES, line, {"Note": "free 2"})
    desk.check()
    assert [rule["units"] for rule in desk.run("links", "rules", "--json").json["rules"]] == [2]


@pytest.mark.parametrize("is_calculated", [False, True])
def test_no_formula_on_a_row_of_something_new_is_read_or_counts_as_empty(
    desk: Desk, *, is_calculated: bool
) -> None:
    """An agreement whose billing cycle counted as empty would be billed by ConnectWise's own default."""
    approve_new(desk)
    texts = {
        "customer:bss:622": ("Name", "Identifier", "Type", "Country", "City", "Contact First Name"),
        AGREEMENT: ("Customer", "Name", "Type", "Billing Cycle"),
    }
    with desk.editing() as hand:
        hand.set(NEW, "customer:bss:622", {"Contact Email": '="ada@example.com"'})
        for key, headers in texts.items():
            for header in headers:
                hand.set(NEW, key, {header: f'="{hand.get(NEW, key, header)}"'})
        cells = [hand.place(NEW, key, header) for key, headers in texts.items() for header in headers]
        cells.append(hand.place(NEW, "customer:bss:622", "Contact Email"))
    if is_calculated:
        calculate(desk.file)
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (1, [])
    told = {problem["where"]: problem["message"] for problem in ran.json["error"]["problems"]}
    assert {cell: "a formula stands here" in told[cell] for cell in cells} == dict.fromkeys(cells, True)
    assert len(ran.json["error"]["problems"]) == len(told)


@pytest.mark.parametrize("is_calculated", [False, True])
def test_a_formula_confirms_no_link_and_chooses_no_action(desk: Desk, *, is_calculated: bool) -> None:
    with desk.editing() as hand:
        line = next(key for key, text in hand.column(LINES, "Match").items() if "suggested" in str(text))
        hand.set(LINES, line, {"Match": '="confirmed"'})
        hand.approve("units:52", Action='="Update units"')
    if is_calculated:
        calculate(desk.file)
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (1, [])
    told = {problem["where"] for problem in ran.json["error"]["problems"]}
    hand = desk.read()
    assert told == {hand.place(LINES, line, "Match"), hand.place(MISMATCHES, "units:52", "Action")}
    assert desk.addition(52)["quantity"] == Decimal(15)
