"""Invoices: previewed from the recaps; made once, on approval, by ConnectWise, and only where switched on."""

from __future__ import annotations

import signal
import sys
import threading
from decimal import Decimal
from typing import Any

import pytest

from tests.helpers.command import Ran
from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import LINES, MISMATCHES, day
from tests.helpers.process import kill_at
from tests.helpers.workbooks import signed_and_final
from xlsync.sandbox.connectwise.invoicing import invoice as make_invoice
from xlsync.workbook.layout import START_CELLS

INVOICES = "Invoices"
FIELDS = ["run", "workbook", "environment", "done", "already", "skipped", "failed", "unknown", "actions"]
REDSTART, SISKIN, TWITE = "invoice:37", "invoice:38", "invoice:44"


@pytest.fixture
def billing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk at which invoices may be created."""
    monkeypatch.setenv("XLSYNC_INVOICING", "enabled")
    return desk


def approve(desk: Desk, *keys: str) -> None:
    with desk.editing() as hand:
        for key in keys:
            hand.set(INVOICES, key, {"Approve": "Yes"})


def invoice(desk: Desk, *words: str) -> Ran:
    return desk.run("invoice", str(desk.file), "--yes", "--json", *words)


def made(desk: Desk, agreement: int) -> list[dict[str, Any]]:
    """The invoices of an agreement that were made since the test began."""
    invoices = desk.sandbox.connectwise.invoices
    new = [key for table, key in desk.changes if table == "invoices"]
    return [invoices[key] for key in sorted(new) if invoices[key]["agreement"]["id"] == agreement]


def result(desk: Desk, key: str) -> str:
    return str(desk.read().get(INVOICES, key, "Result") or "")


# The preview


def test_the_sheet_shows_the_recap_beside_what_was_billed(desk: Desk) -> None:
    hand = desk.read()
    row = {header: hand.get(INVOICES, REDSTART, header) for header in hand.columns(INVOICES)}
    lines = [
        key
        for key, name in hand.column(LINES, "ConnectWise Customer").items()
        if name == "Redstart Textiles" and hand.get(LINES, key, "ConnectWise Agreement") == "Cloud Services"
    ]
    billed = sum(Decimal(str(hand.get(LINES, key, "Amount"))) for key in lines)
    assert (row["Customer"], row["Agreement"]) == ("Redstart Textiles", "Cloud Services")
    assert row["Next Invoice Date"] == day("2026-10-31")
    assert Decimal(str(row["Next Invoice Amount"])) == Decimal("2244.60")
    assert Decimal(str(row["BSS Amount"])) == billed
    linked = {hand.get(LINES, key, "ConnectWise Product") for key in lines}
    catalog = desk.sandbox.connectwise.catalog
    labels = {id_: f"{item['identifier']}: {item['description']}" for id_, item in catalog.items()}
    held = [one for one in desk.sandbox.connectwise.additions.values() if one["agreementId"] == 37]
    additions = [one for one in held if labels[one["product"]["id"]] in linked]
    assert len(additions) > 5
    margin = sum(
        one["unitPrice"] * (one["quantity"] - one["lessIncluded"]) - one["unitCost"] * one["quantity"]
        for one in additions
    )
    assert Decimal(str(row["Margin"])) == margin != Decimal("2244.60") - billed
    keys = [key for key in hand.rows(MISMATCHES) if hand.get(MISMATCHES, key, "Customer") == row["Customer"]]
    assert row["Unapplied Mismatches"] == len(keys) == 5
    assert (row["Approve"], row["Result"]) == (None, None)


def test_start_ends_with_the_invoices_and_leads_to_the_first_that_is_due_this_month(billing: Desk) -> None:
    def led_to() -> tuple[str, str | None]:
        book = billing.read().book
        told = str(book["Start"][START_CELLS["to_invoice"]].value)
        place = book.defined_names["xlsync_first_to_invoice"].attr_text.split("$")[-1]
        return told, book[INVOICES].cell(int(place), columns["Row Key"]).value

    hand = billing.read()
    columns = {str(cell.value): cell.column for cell in hand.book[INVOICES][1]}
    keys = list(hand.rows(INVOICES))
    assert led_to() == (f"{len(keys)} invoices previewed", keys[0])
    approve(billing, keys[0])
    invoice(billing)
    assert billing.check().code == 0
    assert led_to() == (f"{len(keys)} invoices previewed", keys[1])


def test_mismatches_that_were_applied_or_ignored_are_no_longer_open(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "cost:54")
        hand.set(MISMATCHES, "units:53", {"Action": "Ignore"})
    desk.apply()
    assert desk.check().code == 0
    hand = desk.read()
    assert hand.get(INVOICES, REDSTART, "Unapplied Mismatches") == 2
    assert hand.get(INVOICES, REDSTART, "Next Invoice Amount") == pytest.approx(2244.6 + 3 * 21.5)


def test_recaps_that_could_not_be_read_are_told_and_cannot_be_approved(desk: Desk) -> None:
    desk.sandbox.fail("busy", path="GET /finance/agreementrecap/", times=99, seconds=600)
    checked = desk.check()
    assert checked.code == 0
    assert "next invoices could not be read" in checked.err
    assert desk.read().get(INVOICES, REDSTART, "Next Invoice Amount") is None
    approve(desk, REDSTART)
    desk.sandbox._faults.waiting.clear()
    ran = invoice(desk)
    assert (ran.code, desk.sent()) == (1, [])
    assert "Invoices!" in ran.err


# Off by default


def test_invoicing_is_off_and_says_why(desk: Desk) -> None:
    approve(desk, REDSTART)
    before = desk.file.read_bytes()
    ran = invoice(desk)
    assert (ran.code, desk.sent(), desk.changes) == (0, [], {})
    assert ran.states == {REDSTART: "planned"}
    assert "never tried on a live ConnectWise" in ran.err
    assert "XLSYNC_INVOICING=enabled" in ran.err
    assert "[invoicing]" in ran.err
    assert desk.file.read_bytes() == before


def test_a_signature_that_the_results_of_invoices_break_is_told(desk: Desk) -> None:
    approve(desk, REDSTART)
    desk.file.write_bytes(signed_and_final(desk.file.read_bytes()))
    told = " ".join(invoice(desk, "--dry-run").err.split())
    assert "changing it breaks the signature" in told
    assert "marked as final" in told


@pytest.mark.parametrize(
    ("settings", "variable", "is_on"),
    [
        ("[invoicing]\nenabled = true\n", "", True),
        ("[invoicing]\nenabled = false\n", "", False),
        ("", "enabled", True),
        ("", "false", False),
        ("[invoicing]\nenabled = false\n", "enabled", True),
        ("[invoicing]\nenabled = true\n", "disabled", False),  # variables come before the file
    ],
)
def test_the_settings_switch_it_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, settings: str, variable: str, is_on: bool
) -> None:
    (desk.folder / "xlsync.toml").write_text(settings, encoding="utf-8")
    if variable:
        monkeypatch.setenv("XLSYNC_INVOICING", variable)
    approve(desk, REDSTART)
    ran = invoice(desk)
    assert (ran.code, bool(desk.sent())) == (0, is_on), ran.err
    assert ("Invoices are only previewed" in ran.err) != is_on


def test_a_setting_that_is_no_truth_value_does_not_switch_it_on(desk: Desk) -> None:
    (desk.folder / "xlsync.toml").write_text('[invoicing]\nenabled = "false"\n', encoding="utf-8")
    approve(desk, REDSTART)
    ran = invoice(desk)
    assert (ran.code, desk.sent()) == (1, [])
    assert "enabled" in ran.err


# Made once


def test_only_approved_rows_are_invoiced_once_with_number_and_pdf(billing: Desk) -> None:
    desk = billing
    approve(desk, REDSTART)
    ran = invoice(desk)
    assert (ran.code, desk.sent()) == (0, [("POST", "/finance/agreements/37/invoice")])
    (one,) = made(desk, 37)
    assert one["total"] == Decimal("2244.60")
    (action,) = ran.json["actions"]
    assert (action["key"], action["kind"], action["state"], action["id"]) == (
        REDSTART, "CreateInvoice", "done", one["id"],
    )  # fmt: skip
    assert result(desk, REDSTART).startswith(f"done invoice {one['invoiceNumber']}")
    pdf = desk.folder / "xlsync-2026-10-invoices" / f"{one['invoiceNumber']}.pdf"
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.name in result(desk, REDSTART)
    rest = {key: text for key, text in desk.read().column(INVOICES, "Result").items() if text}
    assert rest.keys() == {REDSTART}
    again = invoice(desk)
    assert (again.code, again.states, len(made(desk, 37))) == (0, {REDSTART: "already"}, 1)
    assert len(desk.sent()) == 1
    assert one["invoiceNumber"] in result(desk, REDSTART)


def test_a_file_that_has_the_name_of_an_invoices_pdf_is_left_alone_and_not_called_saved(
    billing: Desk,
) -> None:
    approve(billing, REDSTART)
    folder = billing.folder / "xlsync-2026-10-invoices"
    folder.mkdir()
    state = billing.sandbox.connectwise
    own = folder / f"AG{max(state.invoices, default=0) + 1:08}.pdf"
    own.write_bytes(b"a person's own file")
    assert invoice(billing).code == 0
    assert own.read_bytes() == b"a person's own file"
    assert "saved" not in result(billing, REDSTART)
    assert f"{folder.name}/{own.name} was there before" in result(billing, REDSTART)


def test_nobody_is_told_that_undo_takes_an_invoice_back(billing: Desk) -> None:
    approve(billing, "invoice:9")
    told = billing.run("invoice", OCTOBER, "--yes").err
    assert "`xlsync history " in told
    assert "undo" not in told


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("creations = 1", "2 creations, the limit is 1: invoice "),
        ("money = 2244", " to invoice, the limit is 2,244.00: invoice "),
    ],
)
def test_invoices_and_their_amounts_count_for_the_limits(billing: Desk, limit: str, told: str) -> None:
    approve(billing, REDSTART, SISKIN)
    billing.write_own_settings(f"[limits]\n{limit}\n")
    stopped = invoice(billing)
    assert (stopped.code, billing.sent()) == (1, [])
    assert told in stopped.err
    assert "set their Approve to Yes, over limit, or raise the limits" in stopped.err
    with billing.editing() as hand:
        hand.set(INVOICES, REDSTART, {"Approve": "Yes, over limit"})
    assert invoice(billing).code == 0


def test_json_of_invoice_has_the_fields_of_the_contract(billing: Desk) -> None:
    approve(billing, REDSTART, SISKIN)
    for ran in (invoice(billing, "--dry-run"), invoice(billing)):
        assert list(ran.json) == FIELDS
        assert all(list(a) == ["key", "kind", "state", "detail", "id"] for a in ran.json["actions"])
        assert ran.json["workbook"] == str(billing.file)
    assert (ran.json["done"], len(billing.sent())) == (2, 2)
    told = billing.run("history", ran.json["run"], "--json").json
    assert (told["command"], {write["state"] for write in told["writes"]}) == ("invoice", {"done"})


def test_nothing_is_invoiced_without_approval_or_answer(billing: Desk) -> None:
    assert (invoice(billing).code, billing.sent()) == (0, [])
    approve(billing, REDSTART)
    asked = billing.run("invoice", OCTOBER)
    assert (asked.code, billing.sent()) == (1, [])
    assert "--yes" in asked.err
    planned = invoice(billing, "--dry-run")
    assert (planned.code, planned.states, billing.sent()) == (0, {REDSTART: "planned"}, [])


def test_an_agreement_with_mismatches_that_are_not_applied_is_invoiced_only_after_a_question(
    billing: Desk,
) -> None:
    approve(billing, REDSTART, TWITE)
    asked = billing.run("invoice", OCTOBER)
    assert (asked.code, billing.sent()) == (1, [])
    told = " ".join(asked.err.split())
    assert "Redstart Textiles, Cloud Services: 5 mismatches are not applied yet:" in told
    assert "Business Premium (New Commerce) (units differ)" in told
    with billing.editing() as hand:
        keys = [k for k, name in hand.column(MISMATCHES, "Customer").items() if name == "Redstart Textiles"]
        hand.set(MISMATCHES, keys[0], {"Result": "Done by Ann"})  # which no run did
    assert "5 mismatches are not applied yet" in " ".join(billing.run("invoice", OCTOBER).err.split())
    with billing.editing() as hand:
        hand.set(MISMATCHES, keys[0], {"Result": None})
        hand.approve(*keys)
    billing.apply()
    told = billing.run("invoice", OCTOBER).err
    assert "Redstart Textiles, Cloud Services:" not in told
    assert "TWITE" in told.upper()
    assert invoice(billing).states[TWITE] == "done"  # with --yes nobody is asked


def test_apply_makes_no_invoices(billing: Desk) -> None:
    approve(billing, REDSTART)
    ran = billing.apply()
    assert (ran.code, ran.json["actions"], billing.sent()) == (0, [], [])


def test_an_approval_that_is_no_approval_stops_all(billing: Desk) -> None:
    approve(billing, REDSTART)
    with billing.editing() as hand:
        hand.set(INVOICES, SISKIN, {"Approve": "perhaps"})
    ran = invoice(billing)
    assert (ran.code, billing.sent()) == (1, [])
    assert "Invoices!" in ran.err
    assert "perhaps" in ran.err


# Changed since it was shown


def test_an_amount_that_changed_since_it_was_shown_is_skipped_with_both_amounts(billing: Desk) -> None:
    approve(billing, REDSTART, SISKIN)
    billing.addition(52)["quantity"] = Decimal(16)
    ran = invoice(billing)
    assert (ran.code, ran.states) == (3, {REDSTART: "skipped", SISKIN: "done"})
    assert "was 2,244.60 on 2026-10-31 and is now 2,266.10 on 2026-10-31" in result(billing, REDSTART)
    assert (len(made(billing, 37)), len(made(billing, 38))) == (0, 1)


def test_an_invoice_of_another_amount_than_was_approved_is_told_and_the_run_exits_3(billing: Desk) -> None:
    """Somebody changes units after the last look, in the moment in which ConnectWise makes the invoice."""
    approve(billing, REDSTART)

    def change() -> None:
        billing.addition(52)["quantity"] = Decimal(16)

    billing.sandbox.fail("call", write=1, call=change)
    ran = invoice(billing)
    assert (ran.code, ran.states) == (3, {REDSTART: "done"})
    assert "ConnectWise invoiced 2,266.10, approved were 2,244.60" in result(billing, REDSTART)


def test_of_two_who_invoice_one_agreement_at_once_the_later_names_both_invoices_and_exits_3(
    billing: Desk,
) -> None:
    """ConnectWise invoices whatever is next: the second request makes November's, which nobody approved."""
    approve(billing, REDSTART)
    state = billing.sandbox.connectwise
    billing.sandbox.fail("call", write=1, call=lambda: make_invoice(state, state.agreements[37]))
    ran = invoice(billing)
    first, second = (one["invoiceNumber"] for one in made(billing, 37))
    assert (ran.code, ran.states) == (3, {REDSTART: "done"})
    assert f"another run or person made {first} of the same agreement" in result(billing, REDSTART)
    assert ran.json["actions"][0]["id"] == max(one["id"] for one in made(billing, 37))
    assert second != first


def test_of_two_who_invoice_one_agreement_at_once_the_earlier_tells_its_own_number(billing: Desk) -> None:
    """The recap shows the other's, which is the last; the PDF is named like the invoice that it shows."""
    approve(billing, REDSTART)
    state = billing.sandbox.connectwise
    billing.sandbox.fail("call-after", write=1, call=lambda: make_invoice(state, state.agreements[37]))
    ran = invoice(billing)
    first, second = (one["invoiceNumber"] for one in made(billing, 37))
    assert (ran.code, ran.states) == (3, {REDSTART: "done"})
    assert result(billing, REDSTART).startswith(f"done invoice {first}; another run or person made {second}")
    assert [file.stem for file in (billing.folder / "xlsync-2026-10-invoices").iterdir()] == [first]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"currency": {"id": 2, "currencyCode": "USD"}}, "the agreement's currency was EUR and is now USD"),
        ({"agreementStatus": "Inactive"}, "the agreement is inactive now"),
    ],
)
def test_an_agreement_that_is_closed_or_of_another_currency_now_is_not_invoiced(
    billing: Desk, fields: dict[str, Any], told: str
) -> None:
    approve(billing, REDSTART)
    billing.sandbox.connectwise.agreements[37].update(fields)
    ran = invoice(billing)
    assert (ran.code, ran.states, billing.sent()) == (3, {REDSTART: "skipped"}, [])
    assert told in result(billing, REDSTART)


def test_an_approval_lapses_when_check_shows_another_amount(billing: Desk) -> None:
    approve(billing, REDSTART, SISKIN)
    billing.addition(52)["quantity"] = Decimal(16)
    checked = billing.check()
    assert "Yes was removed: the row's figures changed" in checked.err
    hand = billing.read()
    assert [hand.get(INVOICES, key, "Approve") for key in (REDSTART, SISKIN)] == [None, "Yes"]
    assert invoice(billing).states == {SISKIN: "done"}


def test_an_invoice_that_someone_made_meanwhile_is_already(billing: Desk) -> None:
    approve(billing, REDSTART)
    state = billing.sandbox.connectwise
    make_invoice(state, state.agreements[37])
    ran = invoice(billing)
    assert (ran.code, ran.states, billing.sent()) == (0, {REDSTART: "already"}, [])
    assert made(billing, 37)[0]["invoiceNumber"] in result(billing, REDSTART)


def test_a_next_invoice_date_that_moved_on_without_an_invoice_is_not_told_as_invoiced(billing: Desk) -> None:
    """The last invoice is still that of the month before, unless the list shows one of the approved day."""
    approve(billing, REDSTART)
    state = billing.sandbox.connectwise
    state.agreements[37]["nextInvoiceDate"] = "2026-11-30T00:00:00Z"
    ran = invoice(billing)
    assert (ran.code, ran.states, billing.sent()) == (3, {REDSTART: "skipped"}, [])
    (last,) = (one["invoiceNumber"] for one in state.invoices.values() if one["agreement"]["id"] == 37)
    assert f"and is now 2,244.60 on 2026-11-30, but its last invoice is still {last}" in result(
        billing, REDSTART
    )


def test_an_invoice_is_not_made_where_the_agreement_and_its_recap_name_different_days(billing: Desk) -> None:
    """Which of the two ConnectWise would invoice is not known."""
    approve(billing, REDSTART)
    agreement = billing.sandbox.connectwise.agreements[37]

    def invoiced() -> None:
        agreement["nextInvoiceDate"] = "2026-11-30T00:00:00Z"

    billing.sandbox.fail("call-after", path="GET /finance/agreementrecap/37$", call=invoiced)
    ran = invoice(billing)
    assert (ran.code, ran.states, billing.sent()) == (3, {REDSTART: "skipped"}, [])
    assert "is of 2026-10-31, the agreement's own of 2026-11-30" in result(billing, REDSTART)


def test_an_agreement_without_a_next_invoice_is_not_told_as_invoiced(billing: Desk) -> None:
    """It was ended or cancelled meanwhile: the number of its last invoice is that of another period."""
    approve(billing, REDSTART)
    billing.sandbox.connectwise.agreements[37]["nextInvoiceDate"] = None
    ran = invoice(billing)
    assert (ran.code, ran.states, billing.sent()) == (3, {REDSTART: "skipped"}, [])
    assert "was 2,244.60 on 2026-10-31 and is now none" in result(billing, REDSTART)


def test_the_last_invoice_of_an_agreement_whose_answer_was_lost_is_found(billing: Desk) -> None:
    approve(billing, REDSTART)

    def end() -> None:
        billing.sandbox.connectwise.agreements[37]["nextInvoiceDate"] = None
        raise ConnectionAbortedError

    billing.sandbox.fail("call-after", write=1, call=end)
    ran = invoice(billing)
    assert (ran.code, ran.states, len(made(billing, 37))) == (0, {REDSTART: "done"}, 1)
    assert invoice(billing).states == {REDSTART: "already"}


def test_after_invoicing_the_month_is_told_as_already_invoiced(billing: Desk) -> None:
    approve(billing, REDSTART)
    invoice(billing)
    assert billing.check().code == 0
    hand = billing.read()
    assert hand.get(INVOICES, REDSTART, "Next Invoice Date") == day("2026-11-30")
    assert hand.get(INVOICES, REDSTART, "Approve") is None  # else November would be invoiced next
    assert hand.get(MISMATCHES, "units:52", "Explanation").startswith("Already invoiced:")
    approve(billing, REDSTART)  # as somebody does who does not look at the date
    told = "this is the invoice of 2026-11-30; 2026-10 is invoiced already, or with it."
    assert told in billing.run("invoice", str(billing.file), "--dry-run").err
    assert len(made(billing, 37)) == 1


# Lost answers


def test_a_lost_answer_is_found_by_the_recap_and_not_sent_again(billing: Desk) -> None:
    approve(billing, REDSTART)
    billing.sandbox.fail("hang-up-after", write=1)
    ran = invoice(billing)
    (one,) = made(billing, 37)
    assert (ran.code, ran.states, len(billing.sent())) == (0, {REDSTART: "done"}, 1)
    assert one["invoiceNumber"] in result(billing, REDSTART)
    assert (billing.folder / "xlsync-2026-10-invoices" / f"{one['invoiceNumber']}.pdf").exists()
    assert invoice(billing).states == {REDSTART: "already"}
    assert len(made(billing, 37)) == 1


def test_a_request_that_was_lost_is_unknown_and_a_second_run_makes_it_once(billing: Desk) -> None:
    approve(billing, REDSTART, SISKIN)
    billing.be_impatient()
    billing.sandbox.fail("hang-up-before", path="POST /finance/agreements/37/invoice")
    first = invoice(billing)
    assert (first.code, first.states) == (3, {REDSTART: "unknown", SISKIN: "done"})
    assert result(billing, REDSTART).startswith("unknown")
    assert made(billing, 37) == []
    second = invoice(billing)
    assert (second.code, second.states[SISKIN], made(billing, 37)) == (3, "already", [])
    repeat(billing)
    third = invoice(billing)
    assert (third.code, third.states) == (0, {REDSTART: "done", SISKIN: "already"})
    assert (len(made(billing, 37)), len(made(billing, 38))) == (1, 1)


@pytest.mark.parametrize("other", [{"type": "Standard"}, {"date": "2026-11-30T00:00:00Z"}, {"date": ""}])
def test_an_invoice_of_another_kind_or_day_is_not_taken_for_one_whose_request_was_lost(
    billing: Desk, other: dict[str, Any]
) -> None:
    approve(billing, REDSTART)
    billing.be_impatient()
    invoices = billing.sandbox.connectwise.invoices
    whose = {"agreement": {"id": 37, "name": "Cloud"}, "company": {"id": 137}}
    like = {"type": "Agreement", "date": "2026-10-31T00:00:00Z", **other}
    invoices[9900] = {"id": 9900, "invoiceNumber": "AG9900", "total": Decimal(7), **whose, **like}
    billing.sandbox.fail("hang-up-before", write=1)
    first = invoice(billing)
    assert (first.code, first.states) == (3, {REDSTART: "unknown"})
    second = invoice(billing)
    assert (second.code, second.states) == (3, {REDSTART: "skipped"})
    assert [one["id"] for one in made(billing, 37)] == [9900]
    assert "look there" in result(billing, REDSTART)


def test_an_answer_and_a_look_up_that_are_both_lost_are_unknown_and_found_later(billing: Desk) -> None:
    approve(billing, REDSTART)

    def lose_the_recap() -> None:
        path = "GET /finance/agreementrecap/37"
        billing.sandbox.fail("busy", path=path, times=99, seconds=600)
        raise ConnectionAbortedError

    billing.sandbox.fail("call-after", write=1, call=lose_the_recap)
    first = invoice(billing)
    assert (first.code, first.states) == (3, {REDSTART: "unknown"})
    billing.sandbox._faults.waiting.clear()
    second = invoice(billing)
    assert (second.code, second.states, len(made(billing, 37))) == (0, {REDSTART: "already"}, 1)


def repeat(desk: Desk) -> None:
    """Empty the *Result* of Redstart's invoice, some minutes later: a person wants it sent again."""
    with desk.editing() as hand:
        hand.set(INVOICES, REDSTART, {"Result": None})
    desk.let_minutes_pass()


@pytest.mark.parametrize("kind", ["call", "call-after"])
def test_killed_around_the_request_and_started_again_there_is_never_a_second_invoice(
    billing: Desk, kind: str
) -> None:
    approve(billing, REDSTART)
    kill_at(billing, kind, 1, "invoice")
    ran = invoice(billing)
    if kind == "call":  # nobody knows whether ConnectWise still works at it
        assert (ran.code, made(billing, 37)) == (3, [])
        run = billing.run("history", "--json").json["runs"][-1]["number"]
        assert f"skipped: run {run} sent it without an answer" in result(billing, REDSTART)
    else:
        assert (ran.code, len(made(billing, 37)), ran.states) == (0, 1, {REDSTART: "already"})


def test_an_invoice_whose_run_was_killed_before_it_is_made_once_a_person_has_emptied_its_result(
    billing: Desk,
) -> None:
    approve(billing, REDSTART)
    kill_at(billing, "call", 1, "invoice")
    told = invoice(billing)
    assert (told.code, told.states, made(billing, 37)) == (3, {REDSTART: "skipped"}, [])
    assert "look there" in result(billing, REDSTART)
    again = invoice(billing)
    assert (again.code, made(billing, 37)) == (3, [])  # nobody has emptied it
    with billing.editing() as hand:
        hand.set(INVOICES, REDSTART, {"Result": None})
    ran = invoice(billing)
    assert (ran.code, ran.states, len(made(billing, 37))) == (0, {REDSTART: "done"}, 1)


def test_an_invoice_that_the_recap_does_not_show_is_found_in_the_list_and_not_made_again(
    billing: Desk,
) -> None:
    """Whether the recap follows at once was never seen on a live tenant."""
    desk = billing
    approve(desk, REDSTART)
    agreements = desk.sandbox.connectwise.agreements

    def stay_behind() -> None:
        agreements[37]["nextInvoiceDate"] = "2026-10-31T00:00:00Z"

    desk.sandbox.fail("call-after", write=1, call=stay_behind)
    first = invoice(desk)
    (one,) = made(desk, 37)
    assert (first.code, first.states) == (0, {REDSTART: "done"})  # the list of invoices shows it
    second = invoice(desk)
    assert (second.code, second.states, len(made(desk, 37))) == (0, {REDSTART: "already"}, 1)
    assert one["invoiceNumber"] in result(desk, REDSTART)
    repeat(desk)
    again = invoice(desk)
    assert (again.code, again.states, len(made(desk, 37))) == (0, {REDSTART: "already"}, 1)
    assert "made before; the agreement's recap does not show it" in result(desk, REDSTART)
    del desk.sandbox.connectwise.invoices[one["id"]]  # it was wrong: ConnectWise may make it again
    with desk.editing() as hand:
        hand.set(INVOICES, REDSTART, {"Result": None})
    third = invoice(desk)
    assert (third.code, third.states, len(made(desk, 37))) == (0, {REDSTART: "done"}, 1)


def test_what_connectwise_refuses_to_invoice_is_failed_with_its_reason(billing: Desk) -> None:
    for addition in billing.sandbox.connectwise.additions.on_agreement(44):
        addition["billCustomer"] = "NoCharge"
    billing.check()
    approve(billing, TWITE)
    ran = invoice(billing)
    assert (ran.code, ran.states) == (3, {TWITE: "failed"})
    assert "nothing to invoice" in result(billing, TWITE)


# The PDF


def test_a_pdf_that_cannot_be_read_does_not_fail_the_invoice_and_comes_later(billing: Desk) -> None:
    approve(billing, REDSTART)
    billing.sandbox.fail("busy", path="GET /finance/invoices/.*/pdf", times=99, seconds=600)
    ran = invoice(billing)
    assert (ran.code, ran.states) == (0, {REDSTART: "done"})
    assert "its PDF could not be read" in result(billing, REDSTART)
    billing.sandbox._faults.waiting.clear()
    assert invoice(billing).states == {REDSTART: "already"}
    (one,) = made(billing, 37)
    assert (billing.folder / "xlsync-2026-10-invoices" / f"{one['invoiceNumber']}.pdf").exists()


def test_a_pdf_that_cannot_be_saved_does_not_fail_the_invoice(billing: Desk) -> None:
    approve(billing, REDSTART)
    (billing.folder / "xlsync-2026-10-invoices").write_text("in the way", encoding="utf-8")
    ran = invoice(billing)
    assert (ran.code, ran.states) == (0, {REDSTART: "done"})
    assert "its PDF could not be saved" in result(billing, REDSTART)


def test_an_invoice_cannot_be_taken_back_and_is_named(billing: Desk) -> None:
    approve(billing, REDSTART)
    run = invoice(billing).json["run"]
    billing.forget_log()
    ran = billing.run("undo", run, "--yes", "--json")
    assert (ran.code, billing.sent()) == (3, [])
    (named,) = ran.json["actions"]
    assert (named["state"], named["id"]) == ("skipped", made(billing, 37)[0]["id"])
    assert "cannot be taken back" in named["detail"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one thread")
def test_ctrl_c_while_a_pdf_is_read_tells_of_the_invoice_that_was_made(billing: Desk) -> None:
    approve(billing, REDSTART)
    main = threading.get_ident()
    billing.sandbox.fail("call", path="GET .*/pdf$", call=lambda: signal.pthread_kill(main, signal.SIGINT))
    ran = invoice(billing)
    assert (ran.code, ran.json["done"], len(made(billing, 37))) == (3, 1, 1)
    assert f"Run {ran.json['run']} wrote to ConnectWise" in ran.err
    again = invoice(billing)
    assert (again.code, again.states) == (0, {REDSTART: "already"})
    assert len(made(billing, 37)) == 1


def test_nothing_is_invoiced_while_a_run_does_not_tell_the_date_of_its_invoice(billing: Desk) -> None:
    approve(billing, REDSTART)
    assert invoice(billing).code == 0
    (file,) = (billing.home / "journal").rglob("*.jsonl")
    file.write_text(file.read_text().replace("nextInvoiceDate", "date"))
    billing.forget_log()
    ran = invoice(billing)
    assert (ran.code, billing.sent()) == (1, [])
    assert "Which invoice run" in ran.err
