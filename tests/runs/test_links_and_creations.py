"""Whole runs in which links are corrected and things are created."""

from __future__ import annotations

import copy
import re
import shutil
import sys
import threading
from collections import Counter
from decimal import Decimal

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES, NEW, Hand
from tests.helpers.office import Office
from tests.helpers.whole_runs import NEW_CUSTOMERS, approve_every_creation, choose_every_link
from tests.helpers.world import DeskAfter


def test_an_agreement_found_by_one_product_never_becomes_the_customers_however_often_checked(
    desk: Desk,
) -> None:
    """Pipit has two agreements; one of them holds the Standard seats, which says nothing of Exchange."""
    exchange = desk.read().line("Pipit Tutors", "Exchange")
    for _ in range(2):
        assert desk.check().code == 0
        hand = desk.read()
        assert hand.get(LINES, hand.line("Pipit Tutors", "Standard"), "Status") == "OK"
        assert hand.get(LINES, exchange, "ConnectWise Agreement") is None


def test_what_lacks_is_chosen_created_linked_and_remembered(desk: Desk) -> None:
    with desk.editing() as hand:
        choose_every_link(hand)
    assert desk.check().code == 0
    with desk.editing() as hand:
        approve_every_creation(hand)
        assert hand.get(NEW, "customer:bss:625", "Identifier") == "MistralSails-2"
        hand.set(NEW, "customer:bss:625", {"Identifier": "MistralSails"})
        hand.approve(*(key for key, action in hand.column(MISMATCHES, "Action").items() if action))
    first = desk.apply()
    # The recycle bin of ConnectWise holds a company of that identifier, for which another was proposed.
    assert first.code == 3
    lost = {
        action["key"]: action["detail"] for action in first.json["actions"] if action["state"] == "skipped"
    }
    assert "belongs to Mistral Sails (deleted): choose another" in lost["customer:bss:625"]
    assert all("625" in key for key in lost)
    assert first.json["failed"] == first.json["unknown"] == 0
    with desk.editing() as hand:
        hand.set(NEW, "customer:bss:625", {"Identifier": "MISTRAL26"})
    assert desk.apply().code == 0
    assert desk.check().code == 0
    hand = desk.read()
    compared = {
        key: status for key, status in hand.column(LINES, "Status").items() if status != "Not compared"
    }
    open_ = {hand.get(LINES, key, "Customer") for key, status in compared.items() if status != "OK"}
    assert open_ == {
        "Fieldfare Landscapes",
        "Bracken Veterinary Centre",
        "Wheatear Marine",
        "Siskin Electrics",  # one of its additions begins later: a new one is not preset
    }
    assert {"Not linked", "Confirm link"}.isdisjoint(compared.values())
    names = [record["name"] for record in desk.sandbox.connectwise.companies.values()]
    assert all(names.count(name) == 1 + (name == "Mistral Sails") for name in NEW_CUSTOMERS.values())
    # A month later there is nothing to link.
    september = desk.run("export", "--month", "2026-09", "--json")
    assert september.json["unlinked"] == 0
    hand = Hand(desk.folder / "xlsync-2026-09.xlsx")
    assert set(hand.column(LINES, "Match").values()) == {"remembered"}


def test_a_chosen_link_that_was_forgotten_is_learned_anew_although_no_link_of_the_workbook_changed(
    desk: Desk,
) -> None:
    with desk.editing() as hand:
        choose_every_link(hand)
    matches, learned = [], []
    for units in (15, 16, 17):
        assert desk.check().code == 0
        exchange = hand.line("Pipit Tutors", "Exchange")
        matches.append(desk.read().get(LINES, exchange, "Match"))
        links = desk.run("links", "list", "--json").json["links"]
        learned.append([(link["kind"], link["key"]) for link in links])
        if units == 16:
            chosen = [link["key"] for link in links if "Pipit" in str(link["names"])]
            assert chosen
            for key in chosen:
                assert desk.run("links", "forget", key, "--yes").code == 0
        with desk.editing() as again:
            again.approve("units:52", New_Units=units)
    assert matches == ["chosen"] * 3
    assert learned[2] == learned[1]


def test_links_are_learned_anew_where_those_that_the_last_check_learned_were_put_back(desk: Desk) -> None:
    links = []
    for units in (15, None, 16):
        if units:
            with desk.editing() as hand:
                hand.approve("units:52", New_Units=units)
        assert desk.check().code == 0
        links.append(desk.links())
        shutil.rmtree(desk.home / "links")
    assert links[0]
    assert links[1:] == [links[0]] * 2


def test_what_was_emptied_stays_empty_in_the_next_month(desk: Desk) -> None:
    with desk.editing() as hand:
        key = hand.line("Redstart Textiles", "Power BI")
        contract = hand.get(LINES, key, "Contract ID")
        hand.set(LINES, key, {"ConnectWise Product": None})
    assert desk.check().json["unlinked"] == 18
    hand = desk.read()
    assert (hand.get(LINES, key, "ConnectWise Product"), hand.get(LINES, key, "Status")) == (
        None,
        "Not linked",
    )
    desk.run("export", "--month", "2026-09", "--json")
    hand = Hand(desk.folder / "xlsync-2026-09.xlsx")
    (before,) = (k for k, id_ in hand.column(LINES, "Contract ID").items() if id_ == contract)
    assert (hand.get(LINES, before, "ConnectWise Product"), hand.get(LINES, before, "Status")) == (
        None,
        "Not linked",
    )


def test_an_older_workbook_does_not_bring_back_a_link_that_a_later_one_corrected(desk: Desk) -> None:
    """Neither a check nor an apply does, though the choice of the older one still stands in it."""
    agreement = {"ConnectWise Agreement": "Cloud Services"}
    with desk.editing() as hand:
        hand.set(LINES, hand.line("DELTA"), {"ConnectWise Customer": "Delta Ltd", **agreement})
    assert desk.check().code == 0
    assert desk.run("export", "--month", "2026-09").code == 0
    other = Hand(desk.folder / "xlsync-2026-09.xlsx")
    line = other.line("DELTA")
    assert other.get(LINES, line, "ConnectWise Customer") == "Delta Ltd"
    other.set(LINES, line, {"ConnectWise Customer": "Delta GmbH", **agreement})
    other.save()
    assert desk.run("check", str(other.path)).code == 0
    corrected = desk.links()
    with desk.editing() as hand:
        hand.set(LINES, hand.line("DELTA"), {"Note": "Ask Pia"})
    assert desk.check().code == 0
    hand = desk.read()
    assert hand.get(LINES, hand.line("DELTA"), "ConnectWise Customer") == "Delta Ltd"
    with desk.editing() as hand:
        hand.approve(next(key for key in hand.rows(MISMATCHES) if key.startswith("units:")))
    assert desk.apply().code == 0
    assert desk.links() == corrected


def test_a_product_on_another_agreement_than_the_remembered_one_is_not_offered_a_second_time(
    desk: Desk,
) -> None:
    assert desk.check().code == 0
    hand, state = desk.read(), desk.sandbox.connectwise
    line = hand.line("Bracken Veterinary Centre", "Business Standard")
    product = hand.get(LINES, line, "ConnectWise Product").split(":")[0]
    (agreement,) = (
        one for one in state.agreements.values() if one["company"]["name"] == "Bracken Veterinary Centre"
    )
    other = max(state.agreements) + 1
    state.agreements[other] = copy.deepcopy(agreement) | {"id": other, "name": "Old Cloud"}
    (moved,) = (
        one
        for one in state.additions.values()
        if one["agreementId"] == agreement["id"] and one["product"]["identifier"] == product
    )
    del state.additions[moved["id"]]
    new = max(state.additions) + 1
    state.additions[new] = moved | {"id": new, "agreementId": other}
    assert desk.check("--refresh").code == 0
    hand = desk.read()
    assert hand.get(LINES, line, "Match") == "remembered"
    (row,) = (
        key
        for key, label in hand.column(MISMATCHES, "Product").items()
        if key.startswith(f"add:{agreement['id']}:") and label.startswith(f"{product}:")
    )
    assert "Agreement Old Cloud already has this product" in hand.get(MISMATCHES, row, "Explanation")
    assert hand.get(MISMATCHES, row, "Action") is None


def test_money_of_two_currencies_is_never_added(desk: Desk) -> None:
    agreements = desk.sandbox.connectwise.agreements
    agreements[39]["currency"] = agreements[43]["currency"]  # in dollars
    assert desk.check("--refresh").code == 0
    told = desk.run("check", str(desk.file)).out
    assert re.search(r"Only in ConnectWise +2 +0\.00 +-4\.15 +EUR\n", told)
    assert re.search(r"Only in ConnectWise +1 +0\.00 +-43\.00 +USD\n", told)
    hand = desk.read()
    explained = hand.column(MISMATCHES, "Explanation")
    assert explained["units:52"].endswith("Its money is in EUR.")
    assert explained["only:62"].endswith("Its money is in USD.")
    cells = {hand.at("Start", f"B{row}"): hand.at("Start", f"C{row}") for row in range(1, 20)}
    euros = [
        Decimal(str(impact))
        for key, impact in hand.column(MISMATCHES, "Monthly Impact").items()
        if impact is not None and key != "only:62" and "not due this month" not in explained[key]
    ]
    assert Decimal(str(cells["To bill less"])) == sum(impact for impact in euros if impact < 0)
    assert Decimal(str(cells["To bill more"])) == sum(impact for impact in euros if impact > 0)
    assert cells["Currency"] == "EUR (apart: USD +0.00 / -43.00)"
    margins = hand.column("Invoices", "Margin")
    assert None not in margins.values()  # price and cost of an addition are in its agreement's own currency
    assert hand.get("Invoices", "invoice:43", "BSS Amount") == 61.8


def test_lines_are_linked_to_link_or_need_no_link_and_that_is_all_of_them(desk: Desk) -> None:
    """Two of the demo's lines are one-time, one is a credit of an earlier period; four more are ignored."""
    hand = desk.read()
    lines, linked, to_link = (hand.at("Start", place) for place in ("C11", "C12", "C13"))
    assert hand.at("Start", "C10") == f"{lines - linked - to_link} need no link (credits, usage, one-time)"
    assert desk.run("links", "ignore", "--customer", "Tansy Accountants", "--reason", "ours").code == 0
    told, digest = (desk.run("check", str(desk.file), *form).out for form in ([], ["--digest"]))
    assert "13 to link, 7 need no link (credits, usage, one-time)\n" in told
    assert "**13** to link, 7 need no link (credits, usage, one-time). **" in digest


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system itself opens files")
def test_a_workbook_that_no_program_opens_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    ran = desk.run("export", "--month", "1990-01", "--open")
    assert (ran.code, desk.folder.joinpath("xlsync-1990-01.xlsx").exists()) == (0, True)
    assert "No program opened xlsync-1990-01.xlsx" in ran.err


def test_a_month_without_lines_does_not_claim_that_all_agrees_nor_that_there_is_something_to_do(
    desk: Desk,
) -> None:
    ran = desk.run("export", "--month", "1990-01")
    assert "No billing lines: nothing was compared." in ran.out
    assert "Nothing was billed in 1990-01" in ran.out
    assert "what to do next" not in ran.out


def test_created_records_hold_what_the_rows_said(desk: Desk) -> None:
    with desk.editing() as hand:
        choose_every_link(hand)
        approve_every_creation(hand)
        hand.set(NEW, "customer:bss:625", {"Identifier": "MISTRAL26"})
        hand.set(
            NEW,
            "customer:bss:624",
            {"Name": "Zephyr Surf", "City": None, "Contact Email": "ada@zephyr.example"},
        )
    assert desk.apply().code == 0
    state = desk.sandbox.connectwise
    company = next(record for record in state.companies.values() if record["name"] == "Zephyr Surf")
    assert company["identifier"] == "ZephyrKitesurf"
    assert (company["addressLine1"], company["zip"], company.get("city")) == ("85 Mill Lane", "10624", None)
    assert [kind["name"] for kind in company["types"]] == ["Client"]
    (contact,) = (person for person in state.contacts.values() if person["company"]["id"] == company["id"])
    assert (contact["firstName"], contact["lastName"]) == ("Ada", "Voss")
    assert [item["value"] for item in contact["communicationItems"]] == ["ada@zephyr.example"]
    (agreement,) = (one for one in state.agreements.values() if one["company"]["id"] == company["id"])
    assert (agreement["name"], agreement["contact"]["id"]) == ("Cloud Subscriptions - Monthly", contact["id"])
    assert (agreement["billingCycle"]["name"], agreement["startDate"]) == ("Monthly", "2026-10-01T00:00:00Z")
    item = next(
        record
        for record in state.catalog.values()
        if record["description"] == "Dark Web Watch" and not record["inactiveFlag"]
    )
    assert item["identifier"] == item["vendorSku"]
    assert (item["price"], item["cost"]) == (2, Decimal("0.9"))
    assert (item["category"]["name"], item["subcategory"]["name"]) == ("Cloud", "Seats")


def test_a_product_without_a_price_is_told_before_anything_is_written(desk: Desk) -> None:
    key = "product:bss:MQX7FE209471F:0001|Monthly|Monthly"
    with desk.editing() as hand:
        hand.approve(key)
        where = hand.place(NEW, key, "Price")
    told = f"{where}: no price, so it will be billed at nothing; enter 0 if it is free"
    assert told in desk.apply("--dry-run").err
    assert told in desk.check().err
    with desk.editing() as hand:
        hand.approve(key, Price=0)
    ran = desk.apply()
    assert (ran.code, "no price" in ran.err) == (0, False)


@pytest.mark.parametrize("email", ["", "ada@zephyr.example"])
def test_one_person_named_on_two_rows_is_one_contact(desk: Desk, email: str) -> None:
    """The customer's row and its agreement's name the same person; the e-mail stands on either."""
    with desk.editing() as hand:
        choose_every_link(hand)
        person = {"Contact First Name": "Ada", "Contact Last Name": "Voss"}
        mail = {"Contact Email": "ada@zephyr.example"}
        hand.set(NEW, "customer:bss:624", {**person, "Contact Email": email or None, "Approve": "Yes"})
        hand.set(NEW, "agreement:bss:624|Monthly", {**person, **mail, "Approve": "Yes"})
    ran = desk.apply()
    assert ran.code == 0, ran.err
    assert [kind["kind"] for kind in ran.json["actions"]].count("CreateContact") == 1
    (company,) = (r for r in desk.sandbox.connectwise.companies.values() if "Zephyr" in r["name"])
    people = desk.sandbox.connectwise.contacts.values()
    (contact,) = (one for one in people if one["company"]["id"] == company["id"])
    assert [item["value"] for item in contact["communicationItems"]] == ["ada@zephyr.example"]


def test_one_contact_with_two_addresses_is_a_problem(desk: Desk) -> None:
    with desk.editing() as hand:
        choose_every_link(hand)
        for key, mail in (("customer:bss:624", "a@x.example"), ("agreement:bss:624|Monthly", "b@x.example")):
            person = {"Contact First Name": "Ada", "Contact Last Name": "Voss", "Contact Email": mail}
            hand.set(NEW, key, {**person, "Approve": "Yes"})
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (1, [])
    assert "another e-mail address" in ran.err


def test_a_run_that_only_skipped_has_no_name_and_nothing_to_take_back(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    desk.addition(52)["quantity"] = 99
    ran = desk.run("apply", str(desk.file), "--yes")
    assert (ran.code, desk.sent()) == (3, [])
    assert "Nothing was done: 1 skipped" in ran.err
    assert "undo" not in ran.err
    assert desk.run("history", "--json").json["runs"] == []


def test_choosing_filling_in_and_approving_is_one_pass(desk: Desk) -> None:
    with desk.editing() as hand:
        choose_every_link(hand)
        approve_every_creation(hand)
        hand.set(NEW, "customer:bss:625", {"Identifier": "MISTRAL26"})
    assert desk.apply().code == 0
    assert desk.check().code == 0
    hand = desk.read()
    for name in NEW_CUSTOMERS.values():
        line = hand.line(name)
        assert hand.get(LINES, line, "ConnectWise Agreement") == "Cloud Subscriptions - Monthly"
        assert hand.get(LINES, line, "Status") == "Mismatch"  # its addition is next
    assert "Not linked" not in hand.column(MISMATCHES, "Mismatch").values()


def test_a_row_that_waits_for_a_creation_shows_the_names_of_the_bss_and_what_lacks(desk: Desk) -> None:
    with desk.editing() as hand:
        choose_every_link(hand)
    assert desk.check().code == 0
    hand = desk.read()
    (key,) = [
        key
        for key, name in hand.column(MISMATCHES, "Customer").items()
        if name == "Quillfeather Books" and key.startswith("add:")
    ]
    assert hand.get(MISMATCHES, key, "Agreement") == "Cloud Subscriptions - Monthly"
    assert hand.get(MISMATCHES, key, "Explanation") == (
        "Billed 3; the customer and the agreement are still to be created: "
        "approve them on New in ConnectWise too."
    )


def test_a_wrong_suggestion_is_replaced_by_a_new_customer_with_its_agreement_in_one_pass(desk: Desk) -> None:
    with desk.editing() as hand:
        line = hand.line("Harbour Dentl Clinic")
        hand.set(LINES, line, {"ConnectWise Customer": "(Create New)"})
        hand.set(NEW, "customer:bss:626", {"Contact First Name": "Ann", "Approve": "Yes"})
        hand.set(NEW, "agreement:bss:626|Monthly", {"Approve": "Yes"})
    assert desk.apply().json["done"] == 3  # the customer, its contact, its agreement
    assert desk.check().code == 0
    hand = desk.read()
    assert hand.get(LINES, line, "ConnectWise Customer") == "Harbour Dentl Clinic"
    assert hand.get(LINES, line, "ConnectWise Agreement") == "Cloud Subscriptions - Monthly"


def test_one_thing_is_created_once_however_many_lines_ask(desk: Desk) -> None:
    """Two customers with a product that the catalog lacks, on several lines: one product."""
    with desk.editing() as hand:
        for key, product in hand.column(LINES, "Product").items():
            if product == "Dark Web Watch" or product.startswith("M365 - Business Basic"):
                hand.set(LINES, key, {"ConnectWise Product": "(create new)"})
    assert desk.check().code == 0
    with desk.editing() as hand:
        wanted = [
            k for k, name in hand.column(NEW, "For").items() if name.startswith("M365 - Business Basic")
        ]
        assert len(wanted) == 1
        hand.approve(*wanted, Price=8)
    before = len(desk.sandbox.connectwise.catalog)
    assert desk.apply().code == 0
    assert len(desk.sandbox.connectwise.catalog) == before + 1


def test_an_agreement_made_for_a_customer_that_was_corrected_is_made_anew_for_the_right_one(
    desk: Desk,
) -> None:
    """What goes onto the first one would be billed to the wrong customer."""
    agreement = "agreement:bss:622|Monthly"
    for customer in ("Redstart Textiles", "Siskin Electrics"):
        for entry in ({"ConnectWise Customer": customer}, {"ConnectWise Agreement": "(create new)"}):
            with desk.editing() as hand:
                hand.set(LINES, hand.line("Quillfeather Books"), entry)
            assert desk.check().code == 0
        with desk.editing() as hand:
            hand.approve(agreement, Contact_First_Name="Ada")
            hand.approve(f"add:{agreement}:1")
        assert desk.apply().json["done"] == 3
    state = desk.sandbox.connectwise
    first, second = list(state.agreements.values())[-2:]
    assert (first["company"]["name"], second["company"]["name"]) == ("Redstart Textiles", "Siskin Electrics")
    assert state.additions[max(state.additions)]["agreementId"] == second["id"]


def test_an_agreement_that_is_to_be_created_stays_so_where_only_the_customer_is_corrected(desk: Desk) -> None:
    customer, agreement = "ConnectWise Customer", "ConnectWise Agreement"
    line = desk.read().line("DELTA")
    shown = []
    for entry in (
        {customer: "Delta GmbH", agreement: "(create new)"},
        {customer: "Delta Ltd"},
        {customer: "(create new)"},
        {customer: "Delta GmbH"},  # its agreement came with the customer that was to be created
    ):
        with desk.editing() as hand:
            hand.set(LINES, line, entry)
        assert desk.check().code == 0
        hand = desk.read()
        shown.append(hand.get(LINES, line, agreement))
        if entry == {customer: "Delta Ltd"}:
            assert hand.get(NEW, "agreement:bss:617|Monthly", "Customer") == "Delta Ltd"
    assert shown == ["(create new)", "(create new)", "(create new)", "Cloud Services"]


def test_writes_to_an_agreement_that_was_to_be_created_and_is_there_wait_for_those_of_its_other_rows(
    desk: Desk,
) -> None:
    state, key = desk.sandbox.connectwise, "agreement:bss:622|Monthly"
    there = state.agreements[desk.addition(52)["agreementId"]]
    choice = {"ConnectWise Customer": there["company"]["name"], "ConnectWise Agreement": "(create new)"}
    with desk.editing() as hand:
        hand.set(LINES, hand.line("Quillfeather Books"), choice)
    assert desk.check().code == 0
    with desk.editing() as hand:
        hand.approve(key, Name=there["name"], Contact_First_Name="Ada")
        hand.approve(f"add:{key}:1", "units:52", "units:53", "units:55", "add:38:15")
    both, met = threading.Barrier(2), threading.Event()

    def meet() -> None:
        try:
            both.wait(0.3)
        except threading.BrokenBarrierError:
            both.reset()
        else:
            met.set()

    path = f"(POST|PATCH) /finance/agreements/{there['id']}/additions"
    desk.sandbox.fail("call", path=path, times=4, call=meet)
    ran = desk.apply()
    assert (ran.code, ran.states[key], set(ran.states.values())) == (0, "already", {"done", "already"})
    assert not met.is_set()


def test_an_agreement_is_offered_only_where_it_belongs_to_the_customer(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(
            LINES,
            hand.line("DELTA"),
            {"ConnectWise Customer": "Delta GmbH", "ConnectWise Agreement": "Cloud Services"},
        )
    desk.check()
    agreement = next(
        one for one in desk.sandbox.connectwise.agreements.values() if one["company"]["name"] == "Delta GmbH"
    )
    linked = [link for link in desk.links() if link[1] == "bss:617"]
    assert linked == [("customer", "bss:617", agreement["company"]["id"], agreement["id"], None, "chosen")]


def test_a_suggested_link_counts_for_nothing_until_it_is_confirmed(desk_after: DeskAfter) -> None:
    desk = desk_after(check)
    line = desk.read().line("Harbour Dentl Clinic")
    assert desk.read().get(LINES, line, "Status") == "Confirm link"
    assert not [link for link in desk.links() if link[1] == "bss:626"]
    with desk.editing() as hand:
        hand.set(LINES, line, {"Match": "confirmed"})
    desk.check()
    assert desk.read().get(LINES, line, "Status") == "OK"
    assert [link for link in desk.links() if link[1] == "bss:626"]


@pytest.mark.parametrize(
    ("customer", "set_to", "shown"),
    [
        ("Harbour Dentl Clinic", "Confirmed", "confirmed"),
        ("Quillfeather Books", "confirmed", None),  # nothing is suggested yet: what comes is not confirmed
        ("+Plus Pharmacy", None, "automatic: only agreement"),
    ],
)
def test_match_tells_the_evidence_whatever_a_person_wrote_there(
    desk: Desk, customer: str, set_to: str | None, shown: str | None
) -> None:
    with desk.editing() as hand:
        line = hand.line(customer)
        hand.set(LINES, line, {"Match": set_to})
    assert desk.check().code == 0
    assert desk.read().get(LINES, line, "Match") == shown


def test_a_choice_goes_to_the_customer_whose_label_was_chosen_though_two_differ_in_blanks_alone(
    desk: Desk,
) -> None:
    companies = desk.sandbox.connectwise.companies
    one, other = sorted(key for key, record in companies.items() if not record.get("deletedFlag"))[:2]
    companies[one] = {**companies[one], "name": "Acme  Trading", "identifier": "ACMEONE"}
    companies[other] = {**companies[other], "name": "Acme Trading", "identifier": "ACMETWO"}
    assert desk.check("--refresh").code == 0
    offered = [label for label in desk.read().offered("Customer") if label and label.startswith("Acme")]
    assert sorted(offered) == ["Acme  Trading [ACMEONE]", "Acme Trading [ACMETWO]"]
    for label, company in (("Acme  Trading [ACMEONE]", one), ("Acme Trading [ACMETWO]", other)):
        with desk.editing() as hand:
            line = hand.line("Quillfeather Books")
            hand.set(LINES, line, {"ConnectWise Customer": label})
        assert desk.check().code == 0
        assert ("customer", "bss:622", company) in {link[:3] for link in desk.links()}


def test_what_is_created_has_what_live_servers_demand(desk: Desk) -> None:
    """A company its site; an agreement a bill start date that is its start, so that additions may begin."""
    (desk.folder / "xlsync.toml").write_text('[creation]\nsite = "Head Office"\n', encoding="utf-8")
    with desk.editing() as hand:
        choose_every_link(hand)
        approve_every_creation(hand)
    assert desk.apply().code == 0
    sites = [one["site"]["name"] for (table, _), one in desk.changes.items() if table == "companies"]
    assert set(sites) == {"Head Office"}
    starts = [
        (one["startDate"], one["billStartDate"])
        for (table, key), one in desk.changes.items()
        if table == "agreements" and (table, key) not in desk.before
    ]
    assert starts
    assert all(start == bill_start for start, bill_start in starts)


def test_why_it_is_not_compared_stands_beside_every_line_that_is_not(desk: Desk) -> None:
    hand = desk.read()
    lines = [key for key, status in hand.column(LINES, "Status").items() if status == "Not compared"]
    assert Counter(hand.get(LINES, key, "Evidence") for key in lines) == {
        "A one-time charge: not compared.": 3,
        "A one-time credit: not compared.": 1,
        "A usage charge: not compared.": 2,
        "For an earlier period.": 1,
        "A credit without a charge.": 1,
    }


def test_what_comes_near_stands_beside_every_line_that_waits_for_a_link(desk: Desk) -> None:
    hand = desk.read()
    keys = [key for key, name in hand.column(LINES, "Customer").items() if name == "DELTA"]
    assert keys
    for key in keys:
        first, second = str(hand.get(LINES, key, "Candidates")).split(" · ")[:2]
        assert (first, second) == ("Delta GmbH 97", "Delta Ltd 97")
        why = str(hand.get(LINES, key, "Evidence"))
        assert why.startswith('Delta GmbH: shares "Delta" · Delta Ltd: shares "Delta"')
    linked = [key for key, status in hand.column(LINES, "Status").items() if status == "OK"]
    assert linked
    assert {hand.get(LINES, key, "Candidates") for key in linked} == {None}
    in_part = "Compared in units only: no one unit cost."
    assert Counter(hand.get(LINES, key, "Evidence") for key in linked) == {None: len(linked) - 1, in_part: 1}
    not_linked = {
        hand.get(MISMATCHES, key, "Candidates")
        for key, name in hand.column(MISMATCHES, "Customer").items()
        if name == "DELTA"
    }
    assert any(str(text).startswith("Delta GmbH 97 · Delta Ltd 97") for text in not_linked)
    suggested = [
        str(hand.get(MISMATCHES, key, "Explanation"))
        for key, name in hand.column(MISMATCHES, "Customer").items()
        if name == "Harbour Dentl Clinic"
    ]
    assert all(
        'Harbour Dental Clinic is suggested (86%): shares "Harbour" and "Clinic"' in why for why in suggested
    )
    assert suggested


def test_a_town_or_post_code_that_both_systems_have_tells_two_companies_of_one_name_apart(
    empty_desk: Desk,
) -> None:
    accounts = empty_desk.sandbox.bss.accounts.values()
    (account,) = (one for one in accounts if one["name"] == "Kestrel Optics")
    account["billingAddress"] |= {"city": "ÅRHUS", "postCode": "8000"}
    companies = empty_desk.sandbox.connectwise.companies.values()
    first, second = (one for one in companies if one["name"] == "Kestrel Optics")
    for of_first, of_second, linked in (
        ({"city": "Aarhus", "zip": "80 00"}, {"city": "Oslo", "zip": "0150"}, "[KESTREL1]"),
        ({"city": "Oslo", "zip": ""}, {"city": "Århus", "zip": ""}, "[KESTREL2]"),
        ({"city": "", "zip": ""}, {"city": "Århus", "zip": "8000"}, None),
    ):
        first |= of_first
        second |= of_second
        empty_desk.file.unlink(missing_ok=True)
        assert empty_desk.run("export", "--month", "2026-10", "--refresh").code == 0
        hand = empty_desk.read()
        key = hand.line("Kestrel Optics")
        assert hand.get(LINES, key, "ConnectWise Customer") == (linked and f"Kestrel Optics {linked}")
        assert hand.get(LINES, key, "Match") == (linked and "automatic: only agreement")


def check(desk: Desk) -> None:
    assert desk.check().code == 0


@pytest.mark.parametrize("entry", [None, "(create new)", "CL-0004: another"])
def test_a_corrected_product_leaves_nothing_of_the_old_link_behind(
    desk_after: DeskAfter, entry: str | None
) -> None:
    """No line without a choice of its own stands on it, it is remembered nowhere, and no row rests on it."""
    desk = desk_after(check)
    hand = desk.read()
    key = hand.line("Redstart Textiles", "Power BI")
    old = str(hand.get(LINES, key, "ConnectWise Product"))
    product = hand.get(LINES, key, "Product")
    alike = [line for line, name in hand.column(LINES, "Product").items() if name == product]
    if entry is not None and entry != "(create new)":
        entry = next(
            str(one) for one in hand.column(LINES, "ConnectWise Product").values() if one not in {None, old}
        )
    with desk.editing() as hand:
        for line in alike:
            hand.set(LINES, line, {"ConnectWise Product": entry})
    assert desk.check().code == 0
    names = [link["names"]["item"] for link in desk.run("links", "list", "--json").json["links"]]
    assert names
    assert old not in names
    hand = desk.read()
    assert old not in hand.column(LINES, "ConnectWise Product").values()
    assert old not in hand.column(MISMATCHES, "Product").values()


def test_a_new_row_that_looks_like_what_exists_needs_a_line_that_asks_for_it(desk: Desk) -> None:
    with desk.editing() as hand:
        line = hand.line("DELTA")
        key = next(key for key, name in hand.column(NEW, "For").items() if str(name).startswith("DELTA"))
        assert str(hand.get(NEW, key, "Looks Like")).startswith("Delta GmbH 97 · Delta Ltd 97")
        hand.approve(key, Identifier="DELTANEW")
    refused = desk.apply()
    assert refused.code == 1
    assert "it looks like what ConnectWise has already: Delta GmbH 97 · Delta Ltd 97" in refused.err
    assert desk.sandbox.writes == []
    with desk.editing() as hand:
        hand.set(LINES, line, {"ConnectWise Customer": "(create new)"})
    assert desk.apply().code == 0
    assert [
        request.body["identifier"] for request in desk.sandbox.writes if "identifier" in request.body
    ] == ["DELTANEW"]


def test_a_creation_that_no_line_needs_any_more_is_approved_no_longer_and_what_was_typed_stays(
    desk: Desk,
) -> None:
    choices = {
        "Remote Monitoring Agent Pro": {"Match": "confirmed"},  # it looks like the one that is suggested
        "Dark Web Watch": {"ConnectWise Product": "CL-0005: M365 Exchange Online Plan 1"},
    }
    rows = {shown: key for key, shown in desk.read().column(NEW, "Name").items() if shown in choices}
    with desk.editing() as hand:
        hand.approve(*rows.values(), Price=5)
    assert desk.check().code == 0
    with desk.editing() as hand:
        for name, choice in choices.items():
            assert hand.get(NEW, rows[name], "Approve") == "Yes"
            hand.set(LINES, hand.line("", name), choice)
            hand.set(NEW, rows[name], {"Result": "skipped: its identifier is taken"})
    checked = desk.check()
    assert "looks like" not in checked.err
    hand = desk.read()
    for row in rows.values():
        assert f"{hand.place(NEW, row, 'Approve')}: Yes was removed: no line needs this" in checked.err
        assert (hand.get(NEW, row, "Approve"), hand.get(NEW, row, "Price")) == (None, 5)
    assert desk.run("apply", str(desk.file), "--dry-run").code == 0


def test_the_product_dropdown_begins_with_what_this_bss_uses(desk: Desk) -> None:
    offered = [str(label) for label in desk.read().offered("Product") if label]
    used = {
        str(label) for label in desk.read().column(LINES, "ConnectWise Product").values() if label is not None
    } - {"(create new)"}
    assert offered[0] == "(create new)"
    order = [label.casefold() for label in offered[1:]]
    (falls,) = (place for place in range(1, len(order)) if order[place] < order[place - 1])
    assert used <= set(offered[1 : falls + 1])
    assert used.isdisjoint(offered[falls + 1 :])


def test_the_agreements_to_choose_are_those_of_the_customer_whatever_signs_its_name_holds(
    empty_desk: Desk, office: Office
) -> None:
    desk = empty_desk
    connectwise = desk.sandbox.connectwise
    active = [one for one in connectwise.agreements.values() if one["name"] == "Cloud Services"]
    names = ["Quay 1", "Quay *", "Quay ?", "Quay ~1"]  # a spreadsheet looks up the last three as patterns
    for name, agreement in zip(names, active, strict=False):
        connectwise.companies[agreement["company"]["id"]]["name"] = name
        agreement["company"]["name"], agreement["name"] = name, f"Cloud for {name}"
    desk.export()
    line = desk.read().line("DELTA")
    customer, agreement = "ConnectWise Customer", "ConnectWise Agreement"
    picks = [(LINES, line, header, name) for name in names for header in (customer, agreement)]
    picked = office.pick(desk.file, *picks)
    assert [one["entry"] for one in picked[::2]] == names
    renamed = [[text for text in one["offered"] if text.startswith("Cloud for ")] for one in picked[1::2]]
    assert renamed == [[f"Cloud for {name}"] for name in names]


def test_a_chosen_product_that_is_gone_is_told_by_name_while_the_workbook_has_it_and_never_by_number(
    desk: Desk,
) -> None:
    with desk.editing() as hand:
        line = hand.line("Redstart Textiles", "Intune")
        product = next(label for label in hand.offered("Product") if str(label).startswith("CL-0010:"))
        hand.set(LINES, line, {"ConnectWise Product": product})
    assert desk.check().code == 0
    catalog = desk.sandbox.connectwise.catalog
    (gone,) = (record for record in catalog.values() if record["identifier"] == "CL-0010")
    gone["inactiveFlag"] = True
    told = []
    for _ in range(2):
        checked = desk.check("--refresh")
        (notice,) = (text for text in checked.json["notices"] if "chosen for Redstart Textiles" in text)
        told.append(notice.removesuffix(" is no longer active in ConnectWise: choose another"))
    assert told == [
        f"The product {product}, chosen for Redstart Textiles,",
        "The product chosen for Redstart Textiles",
    ]
