"""Whole runs: incomplete and past months, vanished customers, and one month told alike in five places."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES, Hand
from tests.helpers.office import Office
from xlsync.apply.runs import journal_folder
from xlsync.reconcile.billed import Fate
from xlsync.workbook.layout import NEXT_LINE, START_BILLED_CELLS, START_CELLS, START_LINE, VERDICT_ROWS

Item = dict[str, Any]


def test_a_past_month_offers_no_write_that_the_latest_complete_month_does_not_bill(desk: Desk) -> None:
    ran = desk.run("export", "--month", "2026-09", "--json")
    assert (ran.code, ran.json["complete"]) == (0, True)
    hand = Hand(desk.folder / "xlsync-2026-09.xlsx")
    actions, why = hand.column(MISMATCHES, "Action"), hand.column(MISMATCHES, "Explanation")
    units = hand.column(MISMATCHES, "BSS Units")
    later = {key: re.search(r"2026-10 bills ([0-9.]+)", text or "") for key, text in why.items()}
    judged = {key: found for key, found in later.items() if found}
    assert {bool(actions[key]) for key in judged} == {True, False}
    for key, found in judged.items():
        if actions[key]:
            assert Decimal(str(units[key])) == Decimal(found[1])
    assert all(actions[key] is None for key in judged if key.startswith("only:"))
    held = next(key for key in judged if key.startswith("units:") and not actions[key])
    hand.set(MISMATCHES, held, {"Action": "Update units", "Approve": "Yes"})
    hand.save()
    refused = desk.run("apply", str(hand.path), "--yes", "--json")
    assert refused.code == 1
    assert "is not possible on this row" in refused.err + refused.out
    assert desk.sent() == []


def test_a_part_month_of_a_past_month_has_the_units_that_the_subscription_has(desk: Desk) -> None:
    def month(name: str) -> list[dict[str, Any]]:
        invoices = [one for one in desk.sandbox.bss.invoices if one["invoiceDate"].startswith(name)]
        items = [item for invoice in invoices for item in invoice["items"] if item["subscriptions"]]
        return [
            item for item in items if not item.get("_parts") and item["startDate"].startswith(f"{name}-01")
        ]

    later = {item["subscriptions"][0]["id"] for item in month("2026-10")}
    item = next(item for item in month("2026-09") if item["subscriptions"][0]["id"] in later)
    item["startDate"] = "2026-09-12T00:00:00+03:00"
    assert desk.run("export", "--month", "2026-09").code == 0
    hand = Hand(desk.folder / "xlsync-2026-09.xlsx")
    assert hand.get(LINES, item["id"], "Status") in {"OK", "Mismatch"}
    why = [text or "" for text in hand.column(MISMATCHES, "Explanation").values()]
    assert not [text for text in why if "does not tell the subscription's own quantity" in text]


def test_the_dropdown_of_a_row_of_a_past_month_that_nothing_can_be_written_for_offers_ignore_alone(
    desk: Desk, office: Office
) -> None:
    desk.file = desk.folder / "xlsync-2026-09.xlsx"
    assert desk.run("export", "--month", "2026-09").code == 0
    hand = desk.read()
    actions, kinds = hand.column(MISMATCHES, "Action"), hand.column(MISMATCHES, "Mismatch")
    cancelled = next(key for key, kind in kinds.items() if kind == "Only in ConnectWise")
    held = next(key for key, kind in kinds.items() if kind == "Units differ" and not actions[key])
    free = next(key for key, action in actions.items() if action == "Update units")
    picked = office.pick(
        desk.file, *((MISMATCHES, key, "Action", "Ignore") for key in (cancelled, held, free))
    )
    assert [one["offered"] for one in picked] == [["Ignore"], ["Ignore"], ["Update units", "Ignore"]]


def _bill_no_more(desk: Desk, is_gone: Callable[[Item], bool]) -> set[int]:
    """Take items off all invoices and check the workbook; return the additions newly only in ConnectWise."""
    before = _only_in_connectwise(desk)
    for invoice in desk.sandbox.bss.invoices:
        gone = [item for item in invoice["items"] if is_gone(item)]
        invoice["items"] = [item for item in invoice["items"] if item not in gone]
        invoice["totalBeforeTax"] -= sum((item["total"] for item in gone), Decimal(0))
    assert desk.check("--refresh").code == 0
    return _only_in_connectwise(desk) - before


def _only_in_connectwise(desk: Desk) -> set[int]:
    kinds = desk.read().column(MISMATCHES, "Mismatch")
    return {int(key.removeprefix("only:")) for key, kind in kinds.items() if kind == "Only in ConnectWise"}


def _accounts(item: Item) -> set[int]:
    return {one["account"]["id"] for one in item["subscriptions"] or item["assets"]}


def _agreements_of(desk: Desk, additions: set[int]) -> set[int]:
    return {desk.sandbox.connectwise.additions[addition]["agreementId"] for addition in additions}


def test_a_customer_without_any_line_in_a_complete_month_is_looked_at(desk: Desk) -> None:
    assert desk.check().code == 0  # remembers the links
    items = [item for invoice in desk.sandbox.bss.invoices for item in invoice["items"]]
    shared = set().union(*(accounts for accounts in map(_accounts, items) if len(accounts) > 1))
    remembered = {
        int(str(key).removeprefix("bss:")): agreement
        for kind, key, _, agreement, *_ in desk.links()
        if kind == "customer" and agreement is not None
    }
    customer, agreement = next((id_, to) for id_, to in remembered.items() if id_ not in shared)
    new = _bill_no_more(desk, lambda item: customer in _accounts(item))
    assert _agreements_of(desk, new) == {agreement}
    desk.run("links", "ignore", "--customer", str(customer), "--reason", "leaves")
    for _ in range(2):  # a rule about the customer covers what nobody bills it for
        assert desk.check().code == 0
        actions = desk.read().column(MISMATCHES, "Action")
        assert {actions[f"only:{addition}"] for addition in new} == {"Ignore"}


def test_an_agreement_that_only_a_contract_without_a_line_was_linked_to_is_looked_at(desk: Desk) -> None:
    assert desk.check().code == 0  # remembers the links
    of_contracts = [(str(key), to) for kind, key, _, to, *_ in desk.links() if kind == "contract" and to]
    agreement = of_contracts[0][1]
    linked = {key for key, to in of_contracts if to == agreement}
    new = _bill_no_more(desk, lambda item: any(f"bss:{one['id']}" in linked for one in item["subscriptions"]))
    assert agreement in _agreements_of(desk, new)


def test_an_addition_of_a_product_that_was_chosen_for_a_contract_without_a_line_is_looked_at(
    desk: Desk,
) -> None:
    hand, additions = desk.read(), desk.sandbox.connectwise.additions
    line = hand.line("Bracken Veterinary Centre", "Business Standard")
    (own,) = (
        one["id"]
        for one in additions.values()
        if one["agreementId"] == 7 and one["product"]["identifier"] == "OWN-00048"
    )
    products = hand.column(LINES, "Product")
    other = next(key for key, name in products.items() if name == products[line] and key != line)
    with desk.editing() as hand:  # two choices for one product: each is remembered for its contract
        for key, identifier in ((line, "OWN-00048:"), (other, "OWN-00050:")):
            label = next(label for label in hand.offered("Product") if label.startswith(identifier))
            hand.set(LINES, key, {"ConnectWise Product": label})
    assert desk.check().code == 0
    assert own not in _only_in_connectwise(desk)
    assert own in _bill_no_more(desk, lambda item: item["id"] == line)


def test_a_month_that_bills_less_than_four_fifths_of_the_month_before_is_incomplete(desk: Desk) -> None:
    for invoice in desk.sandbox.bss.invoices:
        if invoice["invoiceDate"].startswith("2026-10") and len(invoice["items"]) > 20:
            lines = sorted(invoice["items"], key=lambda item: item["total"])[:5]
            invoice["items"] = lines
            invoice["totalBeforeTax"] = sum((item["total"] for item in lines), Decimal(0))
    ran = desk.check("--refresh")
    assert (ran.code, ran.json["complete"], ran.json["all_clear"]) == (0, False, False)
    assert ran.json["mismatches"]["Only in ConnectWise"] == 0
    assert any("does not seem to be billed whole" in notice for notice in ran.json["notices"])


def test_a_report_that_bills_less_than_the_report_of_the_month_before_is_incomplete(empty_desk: Desk) -> None:
    def report(month: str, customers: int) -> str:
        file = empty_desk.folder / f"bills-{month}.csv"
        lines = [
            f"Customer {n},Backup,S{n},5,2.00,10.00,EUR,{month}-01,Monthly" for n in range(1, customers + 1)
        ]
        header = (
            "Customer,Product,Subscription ID,Quantity,Unit Price,Amount,Currency,Charge Start,Billing Period"
        )
        file.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
        return str(file)

    def export(month: str, customers: int, name: str) -> Any:
        words = ("--month", month, "--from", report(month, customers), "--output", name, "--json")
        ran = empty_desk.run("export", *words)
        assert ran.code == 0, ran.err
        return ran.json

    assert export("2026-09", 10, "a.xlsx")["complete"] is True
    told = export("2026-10", 7, "b.xlsx")
    assert told["complete"] is False
    assert any("2026-10 bills 7 customers, 2026-09 billed 10" in notice for notice in told["notices"])
    assert export("2026-10", 9, "c.xlsx")["complete"] is True


def test_every_mismatch_says_since_when_and_what_is_gone_by_itself_is_counted(desk: Desk) -> None:
    assert set(desk.read().column(MISMATCHES, "Since").values()) == {"2026-10"}
    assert desk.run("export", "--month", "2026-09").code == 0
    checked = desk.check()
    hand = desk.read()
    since, units = hand.column(MISMATCHES, "Since"), hand.column(MISMATCHES, "ConnectWise Units")
    assert set(since.values()) == {"2026-09", "2026-10"}
    gone = next(key for key, month in since.items() if key.startswith("units:") and month == "2026-09")
    assert units[gone] is not None
    notices = checked.json["notices"]
    before = next((int(n.split()[2]) for n in notices if "gone without a write" in n), 0)
    desk.addition(int(gone[6:]))["quantity"] = hand.get(MISMATCHES, gone, "BSS Units")
    _note_earlier_write(desk, checked.json["environment"], gone)
    (told,) = [n for n in desk.check().json["notices"] if "gone without a write" in n]
    assert told.startswith(f"Since 2026-09: {before + 1} ")
    assert told in str(desk.read().at("Start", START_CELLS["notices"]))
    assert _plain(told) in _plain(desk.run("check", str(desk.file), "--digest").out)


def _note_earlier_write(desk: Desk, environment: str, row: str) -> None:
    """Let the journal tell of a write of a row in March: it mended nothing that was seen in September."""
    at = {"at": "2026-03-10T10:00:00.000+01:00"}
    change = {"path": "/finance/agreements/37/additions/52", "body": [{"op": "replace", "path": "quantity"}]}
    lines = [
        {"event": "run", **at, "command": "apply", "environment": environment, "month": "2026-02"},
        {"event": "before", **at, "key": row, "rows": [row], "method": "PATCH", **change},
        {"event": "after", **at, "key": row, "state": "done"},
    ]
    file = journal_folder(desk.home, environment) / "20260310-090000-000aaaa.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def test_an_invoice_without_a_total_hinders_the_all_clear(desk: Desk) -> None:
    invoice = next(one for one in desk.sandbox.bss.invoices if one["invoiceDate"].startswith("2026-10"))
    invoice["totalBeforeTax"] = None
    told = f"Invoice {invoice['code']} has no total that its lines in EUR could be held against."
    assert told in desk.check().json["notices"]
    assert told in str(desk.read().at("Start", START_CELLS["verdict"]))


def test_an_invoice_whose_total_is_not_its_lines_is_named_everywhere(desk: Desk) -> None:
    invoice = next(one for one in desk.sandbox.bss.invoices if one["invoiceDate"].startswith("2026-10"))
    invoice["totalBeforeTax"] += Decimal("1.23")
    invoice["code"] += " (2)"
    ran = desk.check()
    (billed,) = ran.json["billed"].values()
    assert billed["unexplained"] == "1.23"
    assert Decimal(billed["invoices"]) - Decimal(billed["lines"]) == Decimal("1.23")
    start = desk.read()
    assert invoice["code"] in str(start.at("Start", START_CELLS["verdict"]))
    assert start.at("Start", START_BILLED_CELLS["Unexplained"][2]) == invoice["code"]
    assert any(invoice["code"] in notice for notice in ran.json["notices"])
    assert f"1.23 ({invoice['code']})" in desk.run("check", str(desk.file)).out
    digest = desk.run("check", str(desk.file), "--digest")
    assert _plain(f"1.23 ({invoice['code']})") in _plain(_row(digest.out, "Unexplained"))


def test_rows_of_start_are_as_high_as_the_verdict_needs_whatever_the_notices(desk: Desk) -> None:
    rows = desk.read().sheet("Start").row_dimensions
    heights = {rows[row].height for row in VERDICT_ROWS}
    assert heights == {max(heights)}
    assert 5 <= 1 + (sum(rows[row].height for row in VERDICT_ROWS) - START_LINE) / NEXT_LINE < 6
    for invoice in desk.sandbox.bss.invoices:
        invoice["totalBeforeTax"] = None
    assert len(desk.check().json["notices"]) > 5
    again = desk.read().sheet("Start").row_dimensions
    assert again[VERDICT_ROWS[0]].height > max(heights)
    assert {again[row].height for row in range(VERDICT_ROWS[-1] + 1, 51)} == {START_LINE}


def test_the_money_of_each_other_currency_is_a_line_of_start_that_can_be_read(empty_desk: Desk) -> None:
    lines = ["Customer,Product,Subscription ID,Quantity,Unit Price,Amount,Currency,Start Date,End Date"]
    for number, currency in enumerate(("EUR", "EUR", "USD", "GBP", "CHF")):
        charge = f"6,1210.50,7263.00,{currency},2026-10-01,2026-10-31"
        lines.append(f"Acme {number},Mail,s-{number},{charge}")
    (empty_desk.folder / "report.csv").write_text("\n".join(lines), encoding="utf-8")
    assert empty_desk.run("export", "--month", "2026-10", "--from", "report.csv").code == 0
    start = empty_desk.read().sheet("Start")
    assert start[START_CELLS["billed_of"]].value == "Money billed in EUR"
    cell = start[START_BILLED_CELLS["To link"][2]]
    assert str(cell.value).splitlines() == [f"{name} 7,263.00 (1 line)" for name in ("CHF", "GBP", "USD")]
    assert max(map(len, str(cell.value).splitlines())) < start.column_dimensions["H"].width
    assert start.row_dimensions[cell.row].height == START_LINE + 2 * NEXT_LINE
    assert empty_desk.check().code == 0
    again = empty_desk.read().sheet("Start")
    assert again.row_dimensions[cell.row].height == START_LINE + 2 * NEXT_LINE


@pytest.mark.parametrize("month", ["2026-08", "2026-10"])
def test_start_terminal_digest_and_json_tell_the_same_numbers_and_the_same_verdict(
    empty_desk: Desk, month: str
) -> None:
    assert empty_desk.run("export", "--month", month).code == 0
    path = empty_desk.folder / f"xlsync-{month}.xlsx"
    digest = empty_desk.run("check", str(path), "--digest")
    terminal = empty_desk.run("check", str(path)).out
    told = empty_desk.run("check", str(path), "--json").json
    reported = empty_desk.run("report", str(path), "--json").json
    start = Hand(path)
    (currency,) = told["billed"]
    billed = {name: Decimal(amount) for name, amount in told["billed"][currency].items()}
    assert billed["invoices"] == billed["lines"] == sum(billed[_key(fate)] for fate in Fate)
    for label, cells in START_BILLED_CELLS.items():
        amount = billed[_key(label)]
        assert Decimal(str(start.at("Start", cells[1]))) == amount, label
        assert re.search(rf"{label} .*{amount:,.2f}", terminal), label
        assert f"{amount:,.2f}" in _row(digest.out, label), label
    verdict = str(start.at("Start", START_CELLS["verdict"]))
    assert verdict in terminal
    assert _plain(verdict) in _plain(digest.out)
    assert told["all_clear"] == verdict.startswith("No mismatch")
    assert (reported["billed"], reported["all_clear"]) == (told["billed"], told["all_clear"])
    assert reported["verdict"] == verdict
    total = next(one for one in reported["totals"] if one["currency"] == currency)
    money = told["money"][currency]
    assert (total["billed"], total["lines"]) == (billed["lines"], told["lines"])
    assert (total["up"], total["down"]) == (Decimal(money["more"]), Decimal(money["less"]))
    assert sum(one["open"] for one in reported["totals"]) == sum(told["mismatches"].values())
    by_hand = reported["by_hand"]
    named = [n for n in told["notices"] if n.startswith(f"To bill by hand for {month}:")]
    assert [n.split(": ")[1].split(";")[0] for n in named] == [
        f"{Decimal(amount):,.2f} {name}" for name, amount in by_hand.items()
    ]
    assert bool(by_hand) == (month == "2026-08")
    page = openpyxl.load_workbook(empty_desk.folder / f"xlsync-{month}-report.xlsx")["Report"]
    cells = {cell.value for line in page.iter_rows() for cell in line}
    assert verdict in cells
    assert set(billed.values()) <= {Decimal(str(one)) for one in cells if isinstance(one, int | float)}
    assert Decimal(str(start.at("Start", START_CELLS["money_up"]))) == Decimal(money["more"])
    assert Decimal(str(start.at("Start", START_CELLS["money_down"]))) == Decimal(money["less"])


def test_the_demo_links_november_by_memory_after_october_and_has_small_surprises(empty_desk: Desk) -> None:
    desk = empty_desk
    assert desk.run("export", "--demo", "--month", "2026-10").code == 0
    with desk.editing() as hand:
        for key, match in hand.column(LINES, "Match").items():
            if str(match or "").startswith("suggested"):
                hand.set(LINES, key, {"Match": "confirmed"})
        offered = [key for key, action in hand.column(MISMATCHES, "Action").items() if action]
        hand.approve(*offered)
    assert desk.run("check", "--demo", str(desk.file)).code == 0
    applied = desk.run("apply", "--demo", "--yes", str(desk.file))
    assert applied.code == 0
    assert re.search(r"^\d+ done$", applied.err, re.MULTILINE)  # a colour, not its name in brackets
    october = _not_linked(desk.read())
    told = desk.run("export", "--demo", "--month", "2026-11", "--json").json
    hand = Hand(desk.folder / "xlsync-2026-11.xlsx")
    assert _not_linked(hand) - october == {"Dabchick Opticians"}
    assert told["lines"] > 140
    assert told["unlinked"] <= 16
    matches = Counter(hand.column(LINES, "Match").values())
    assert matches["remembered"] > 0.8 * told["lines"], matches
    found = told["mismatches"]
    assert (found["Units differ"], found["Not in ConnectWise"]) == (1, 1)
    assert 1 <= found["Cost differs"] <= 3
    if told["complete"]:  # its last day has passed
        customers = hand.column(MISMATCHES, "Customer")
        assert [customers[key] for key in customers if key.startswith("only:")]


def _not_linked(hand: Hand) -> set[str]:
    statuses = hand.column(LINES, "Status")
    customers = hand.column(LINES, "Customer")
    return {customers[key] for key, status in statuses.items() if status in {"Not linked", "Confirm link"}}


def _key(label: str) -> str:
    return label.lower().replace(" ", "_")


def _row(digest: str, label: str) -> str:
    return next(line for line in digest.splitlines() if line.startswith(f"| {label} |"))


def _plain(text: str) -> str:
    return text.replace("\\", "")


def test_two_currencies_and_unexplained_cents_are_told_alike_in_all_five_places(empty_desk: Desk) -> None:
    desk = empty_desk
    october = [one for one in desk.sandbox.bss.invoices if one["invoiceDate"].startswith("2026-10")]
    large = max(october, key=lambda one: len(one["items"]))
    other, short = [one for one in october if one is not large and one["totalBeforeTax"]][:2]
    other["currency"] = "USD"
    short["totalBeforeTax"] += Decimal("0.07")
    for item in large["items"][:9]:  # as distributors round: by invoice
        for part in (item, *item.get("_parts", ())):
            part["total"] += Decimal("0.0004")
    told = desk.export().json
    assert set(told["billed"]) == {"EUR", "USD"}
    assert not told["all_clear"]
    digest, terminal = (desk.run("check", str(desk.file), *form).out for form in (["--digest"], []))
    told = desk.run("check", str(desk.file), "--json").json
    reported = desk.run("report", str(desk.file), "--json").json
    assert reported["billed"] == told["billed"]
    start = desk.read().sheet("Start")
    for currency, texts in told["billed"].items():
        billed = {name: Decimal(amount) for name, amount in texts.items()}
        assert billed["lines"] == sum(billed[_key(fate)] for fate in Fate)
        assert billed["invoices"] - billed["lines"] == billed["unexplained"]
        (total,) = (one for one in reported["totals"] if one["currency"] == currency)
        assert total["billed"] == billed["lines"]
        for label, cells in START_BILLED_CELLS.items():
            amount = billed[_key(label)]
            assert f"{amount:,.2f}" in _row(digest, label)
            assert re.search(rf"^{label} .*{amount:,.2f}", terminal, re.MULTILINE), label
            if currency == "EUR":
                assert Decimal(str(start[cells[1]].value)) == amount
            else:
                assert f"USD {amount:,.2f}" in str(start[cells[2]].value)
    assert sum(Decimal(of["unexplained"]) for of in told["billed"].values()) == Decimal("0.07")
    assert f"Invoice {short['code']}: its total less its lines is +0.07" in " ".join(told["notices"])
