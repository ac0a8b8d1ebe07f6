"""Whole runs: a month in which all agrees is all clear, and a single change in either system hinders that."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES
from tests.helpers.world import DeskAfter
from xlsync.workbook.layout import START_CELLS

Item = dict[str, Any]


def invoices(desk: Desk) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = desk.sandbox.bss.invoices
    return [invoice for invoice in held if invoice["invoiceDate"].startswith("2026-10")]


def add_up(invoice: dict[str, Any]) -> None:
    invoice["totalBeforeTax"] = invoice["total"] = sum(
        (item["total"] for item in invoice["items"]), Decimal(0)
    )


def let_all_agree(desk: Desk) -> None:
    """Leave the lines that agree and are alone of their contract, and no addition without a line."""
    agreeing = {key for key, status in desk.read().column(LINES, "Status").items() if status == "OK"}
    of_contract = Counter(
        item["subscriptions"][0]["id"]
        for invoice in invoices(desk)
        for item in invoice["items"]
        if item["subscriptions"]
    )
    for invoice in invoices(desk):
        invoice["items"] = [
            item
            for item in invoice["items"]
            if item["id"] in agreeing
            and item["unitPrice"]
            and item["subscriptions"]
            and of_contract[item["subscriptions"][0]["id"]] == 1
            and item["startDate"].startswith("2026-10-01")
        ]
        add_up(invoice)
    desk.sandbox.bss.invoices[:] = [invoice for invoice in invoices(desk) if invoice["items"]]
    desk.check("--refresh")
    for key in desk.read().rows(MISMATCHES):
        assert key.startswith("only:")
        del desk.sandbox.connectwise.additions[int(key.removeprefix("only:"))]


def monthly(desk: Desk) -> Item:
    """One line that is billed by the month."""
    return next(
        item
        for invoice in invoices(desk)
        for item in invoice["items"]
        if item["unit"]["name"] == "Month" and item["quantity"] > 3 and not item["discount"]
    )


def addition_of(desk: Desk, item: Item) -> dict[str, Any]:
    """The addition that a line agrees with."""
    hand = desk.read()
    identifier = hand.get(LINES, item["id"], "ConnectWise Product").split(":")[0]
    customer, name = (
        hand.get(LINES, item["id"], f"ConnectWise {what}") for what in ("Customer", "Agreement")
    )
    state = desk.sandbox.connectwise
    found: Iterator[dict[str, Any]] = (
        addition
        for addition in state.additions.values()
        if addition["product"]["identifier"] == identifier
        and state.agreements[addition["agreementId"]]["company"]["name"] == customer
        and state.agreements[addition["agreementId"]]["name"] == name
    )
    return next(found)


def credit_ten_cents_for_each(desk: Desk) -> None:
    credit = copy.deepcopy(monthly(desk)) | {"id": "credit", "unitPrice": Decimal("0.10")}
    credit["total"] = credit["totalOriginal"] = credit["quantity"] * credit["unitPrice"]
    invoice = copy.deepcopy(invoices(desk)[0]) | {"id": "credits", "code": "CR-1", "items": [credit]}
    invoice["type"] = {"id": 2, "name": "Credit Invoice", "type": "Credit"}
    add_up(invoice)
    desk.sandbox.bss.invoices.append(invoice)


def add_invoice(desk: Desk, kind: str, **changes: Any) -> None:
    """Add an invoice of a kind with a line like one that is billed by the month."""
    item = copy.deepcopy(monthly(desk)) | {"id": "added"} | changes
    item["totalOriginal"] = item["total"]
    invoice = copy.deepcopy(invoices(desk)[0]) | {"id": "added", "code": "EX-NEW", "items": [item]}
    invoice["type"] = {"id": 2, "name": kind, "type": kind}
    add_up(invoice)
    desk.sandbox.bss.invoices.append(invoice)


def take_one_unit_back_within_the_month(desk: Desk) -> None:
    """The credit names the whole month's days, and gives back the money of the days that are left."""
    addition_of(desk, monthly(desk))["quantity"] -= 1
    add_invoice(desk, "Credit", quantity=Decimal(1), total=Decimal("3.99"))


def give_money_back(desk: Desk) -> None:
    add_invoice(desk, "Credit", quantity=Decimal(0), unitPrice=Decimal(0), total=Decimal("5.00"))


def sell_work_once_by_a_debit_note(desk: Desk) -> None:
    work = {"subscriptions": [], "product": None, "description": "Work", "quantity": Decimal(1)}
    add_invoice(desk, "DebitNote", **work, unitPrice=Decimal(99), total=Decimal(99))


def send_a_receipt_for_work(desk: Desk) -> None:
    work = {"subscriptions": [], "product": None, "description": "Work", "quantity": Decimal(1)}
    add_invoice(desk, "Receipt", **work, unitPrice=Decimal(99), total=Decimal(99))


def charge_for_september(desk: Desk) -> None:
    monthly(desk).update(startDate="2026-09-01T00:00:00+02:00", endDate="2026-09-30T23:59:59+02:00")


def sell_it_once(desk: Desk) -> None:
    item = monthly(desk)
    account = item["subscriptions"][0]["account"]
    item.update(subscriptions=[], assets=[{"id": "asset", "name": "bought", "account": account}])


def do_not_bill_it(desk: Desk) -> None:
    addition_of(desk, monthly(desk))["billCustomer"] = "NoCharge"


def end_the_agreement_within_the_month(desk: Desk) -> None:
    agreement = addition_of(desk, monthly(desk))["agreementId"]
    desk.sandbox.connectwise.agreements[agreement].update(
        endDate="2026-10-15T00:00:00Z", noEndingDateFlag=False
    )


def give_a_parent_to_an_agreement(desk: Desk, **fields: object) -> None:
    agreements = desk.sandbox.connectwise.agreements
    child = agreements[addition_of(desk, monthly(desk))["agreementId"]]
    parent = {**child, "id": max(agreements) + 1, "name": "All Services", **fields}
    agreements[parent["id"]] = parent
    child["parentAgreement"] = {"id": parent["id"], "name": parent["name"], "_info": {}}


def cancel_the_parent_of_an_agreement(desk: Desk) -> None:
    give_a_parent_to_an_agreement(desk, cancelledFlag=True)


def let_the_parent_of_an_agreement_bill_later(desk: Desk) -> None:
    give_a_parent_to_an_agreement(desk, billStartDate="2027-01-01T00:00:00Z")


def bill_a_product_of_other_customers_too(desk: Desk) -> None:
    additions = desk.sandbox.connectwise.additions
    addition, more = addition_of(desk, monthly(desk)), max(additions) + 1
    agreement = addition["agreementId"]
    own = {one["product"]["id"] for one in additions.values() if one["agreementId"] == agreement}
    billed = {str(label).split(":")[0] for label in desk.read().column(LINES, "ConnectWise Product").values()}
    product = next(
        one["product"]
        for one in additions.values()
        if one["product"]["identifier"] in billed and one["product"]["id"] not in own
    )
    additions[more] = copy.deepcopy(addition) | {"id": more, "product": product}


def let_a_customer_vanish_whose_additions_may_not_be_read(desk: Desk) -> None:
    items = [item for invoice in invoices(desk) for item in invoice["items"]]
    count = Counter(item["subscriptions"][0]["account"]["id"] for item in items)
    item = next(item for item in items if count[item["subscriptions"][0]["account"]["id"]] == 1)
    addition = addition_of(desk, item)
    for invoice in invoices(desk):
        invoice["items"] = [one for one in invoice["items"] if one is not item]
        add_up(invoice)
    del desk.sandbox.connectwise.additions[addition["id"]]
    assert desk.check("--refresh").json["all_clear"] is True
    path = f"GET /finance/agreements/{addition['agreementId']}/additions"
    desk.sandbox.fail("forbid", path=path, times=9)


def test_a_month_in_which_every_line_agrees_is_all_clear(desk_after: DeskAfter) -> None:
    told = desk_after(let_all_agree).check("--refresh").json
    assert told["all_clear"] is True
    assert told["lines"] > 40
    assert not any(told["mismatches"].values())


@pytest.mark.parametrize(
    "change", [take_one_unit_back_within_the_month, give_money_back, sell_work_once_by_a_debit_note]
)
def test_ordinary_credits_and_notes_leave_a_month_all_clear(
    desk_after: DeskAfter, change: Callable[[Desk], None]
) -> None:
    desk = desk_after(let_all_agree)
    change(desk)
    told = desk.check("--refresh").json
    assert (told["all_clear"], told["mismatches"]) == (True, dict.fromkeys(told["mismatches"], 0))


def test_additions_that_are_not_billed_as_the_settings_want_it_leave_a_month_all_clear(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(let_all_agree)
    do_not_bill_it(desk)
    assert desk.check("--refresh").json["all_clear"] is False
    desk.write_own_settings('[creation]\nbill_customer = "NoCharge"\n')
    assert desk.check("--refresh").json["all_clear"] is True


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (send_a_receipt_for_work, "EX-NEW charges or credits is not told: its type is “Receipt”."),
        (credit_ten_cents_for_each, "2 whose units in force are not known"),
        (charge_for_september, "1 for an earlier period"),
        (bill_a_product_of_other_customers_too, "1 addition is only in ConnectWise."),
        (sell_it_once, "and the distributor billed it once: it is compared with nothing"),
        (
            let_a_customer_vanish_whose_additions_may_not_be_read,
            "whether ConnectWise alone bills one of them",
        ),
        (do_not_bill_it, "1 further line agrees, but ConnectWise does not bill it to the customer"),
        (
            end_the_agreement_within_the_month,
            "ConnectWise does not bill it to the customer, or not for the",
        ),
        (cancel_the_parent_of_an_agreement, "but ConnectWise does not bill"),
        (let_the_parent_of_an_agreement_bill_later, "but ConnectWise does not bill"),
    ],
)
def test_a_single_change_hinders_the_all_clear_and_writes_nothing(
    desk_after: DeskAfter, change: Callable[[Desk], None], told: str
) -> None:
    desk = desk_after(let_all_agree)
    change(desk)
    assert desk.check("--refresh").json["all_clear"] is False
    hand = desk.read()
    assert told in str(hand.at("Start", START_CELLS["verdict"]))
    assert not [action for action in hand.column(MISMATCHES, "Action").values() if action]
