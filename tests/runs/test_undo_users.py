"""Undo looks for everybody else who uses what a run made: a record is known by its kind and id."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import NEW
from tests.helpers.world import choose_new
from xlsync.apply.earlier_creations import EarlierCreations
from xlsync.apply.runs import Run, Write


@pytest.fixture
def made(desk: Desk) -> dict[str, int]:
    """The ids of a customer, contact, agreement, addition and product that one run made, by kind."""
    choose_new(desk)
    with desk.editing() as hand:
        hand.approve("customer:bss:622", Contact_First_Name="Ada", Identifier="QUILL")
        hand.approve("agreement:bss:622|Monthly", "add:agreement:bss:622|Monthly:1")
        (dark,) = (k for k, name in hand.column(NEW, "Name").items() if name == "Dark Web Watch")
        hand.approve(dark, Price=1.5)
    return {action["kind"]: action["id"] for action in desk.apply().json["actions"]}


def undo(desk: Desk) -> dict[str, str]:
    """Take the last run back; returns why something stayed, by kind."""
    ran = desk.run("undo", "last", "--yes", "--json")
    return {
        action["kind"]: action["detail"] for action in ran.json["actions"] if action["state"] == "skipped"
    }


def test_a_contact_that_became_the_default_of_another_customer_stays_active_and_says_so(
    desk: Desk, made: dict[str, int]
) -> None:
    state, contact = desk.sandbox.connectwise, made["CreateContact"]
    company: dict[str, Any] = next(iter(state.companies.values()))
    reference = {"id": contact, "name": "Ada", "_info": {}}
    company["defaultContact"] = reference
    state.contacts[contact]["company"] = {"id": company["id"], "name": company["name"], "_info": {}}
    stayed = undo(desk)
    assert f"in use by customer {company['id']}, whose default contact it is" in stayed["Retire"]
    assert state.contacts[contact]["inactiveFlag"] is False


def changed_by_a_colleague(desk: Desk, addition: int) -> None:
    desk.addition(addition)["quantity"] = Decimal(77)


def refused_once(desk: Desk, addition: int) -> None:
    desk.sandbox.fail("error-json", path=f"PATCH .*/additions/{addition}$")


@pytest.mark.parametrize("hinder", [changed_by_a_colleague, refused_once])
def test_what_an_addition_that_could_not_be_taken_back_stands_on_stays(
    desk: Desk, made: dict[str, int], hinder: Callable[[Desk, int], None]
) -> None:
    """An agreement that is cancelled bills nothing: the units would be given away."""
    state, addition = desk.sandbox.connectwise, made["CreateAddition"]
    hinder(desk, addition)
    stayed = undo(desk)
    assert state.additions[addition].get("cancelledDate") is None
    assert state.agreements[made["CreateAgreement"]]["cancelledFlag"] is False
    assert state.contacts[made["CreateContact"]]["inactiveFlag"] is False
    assert state.catalog[made["CreateCatalogItem"]]["inactiveFlag"] is True  # nothing stands on it
    assert stayed["Retire"].startswith("needs the end of ")


def test_what_others_put_to_use_until_a_later_day_stays(desk: Desk, made: dict[str, int]) -> None:
    state, ends = desk.sandbox.connectwise, {"cancelledDate": "2099-12-31T00:00:00Z"}
    on_agreement = {**state.additions[made["CreateAddition"]], **ends, "id": 9001}
    of_product = {**state.additions[53], **ends, "id": 9002, "product": {"id": made["CreateCatalogItem"]}}
    state.commit(("additions", 9001, on_agreement), ("additions", 9002, of_product))
    undo(desk)
    assert state.agreements[made["CreateAgreement"]]["cancelledFlag"] is False
    assert state.catalog[made["CreateCatalogItem"]]["inactiveFlag"] is False


def test_a_contact_of_an_agreement_that_others_use_stays_with_it(desk: Desk, made: dict[str, int]) -> None:
    state, agreement = desk.sandbox.connectwise, made["CreateAgreement"]
    theirs = {**state.additions[made["CreateAddition"]], "id": 9001}
    state.commit(("additions", 9001, theirs))
    undo(desk)
    assert state.additions[made["CreateAddition"]]["cancelledDate"] is not None
    assert state.agreements[agreement]["cancelledFlag"] is False
    assert state.contacts[made["CreateContact"]]["inactiveFlag"] is False


def test_billing_is_not_resumed_where_the_agreement_is_another_customers_now(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("only:62", Action="Cancel addition")
    assert desk.apply().code == 0
    state = desk.sandbox.connectwise
    agreement = state.agreements[desk.addition(62)["agreementId"]]
    other = next(one for one in state.companies.values() if one["id"] != agreement["company"]["id"])
    agreement["company"] = {name: other[name] for name in ("id", "identifier", "name")}
    ended = desk.addition(62)["cancelledDate"]
    ran = desk.run("undo", "last", "--yes", "--json")
    assert (ran.code, set(ran.states.values())) == (3, {"skipped"})
    assert "belongs to another company now" in ran.json["actions"][0]["detail"]
    assert desk.addition(62)["cancelledDate"] == ended


def test_an_agreement_of_others_with_the_id_of_something_that_the_run_made_still_counts(
    desk: Desk, made: dict[str, int]
) -> None:
    """Each kind of record counts its own ids: that of an addition says nothing of an agreement."""
    state, contact = desk.sandbox.connectwise, made["CreateContact"]
    theirs: dict[str, Any] = dict(next(iter(state.agreements.values())))
    theirs |= {"id": made["CreateAddition"], "contact": {"id": contact, "name": "Ada", "_info": {}}}
    assert theirs["id"] not in state.agreements
    state.commit(("agreements", theirs["id"], theirs))
    assert f"in use by agreement {theirs['id']}" in undo(desk)["Retire"]
    assert state.contacts[contact]["inactiveFlag"] is False


def test_a_customer_of_the_name_is_found_though_its_id_is_that_of_an_addition_that_xlsync_made() -> None:
    write = Write(
        key="add:1:2",
        kind="CreateAddition",
        what="",
        at="2026-10-01T00:00:00+00:00",
        method="POST",
        path="/finance/agreements/1/additions",
        body={"product": {"id": 2}},
        state="done",
        id=77,
    )
    names = ("id", "number", "at", "who", "command", "environment", "workbook", "month")
    run = Run(**dict.fromkeys(names, ""), writes=(write,), is_finished=True)
    earlier = EarlierCreations([run])
    assert 77 in earlier.created_on(write.path)
    assert 77 not in earlier.created_on("/company/companies")


def test_what_a_colleague_made_in_the_moment_of_the_request_is_not_taken_back(desk: Desk) -> None:
    """ConnectWise refuses the second product of an identifier: the one that is there is the colleague's."""
    choose_new(desk)
    with desk.editing() as hand:
        (dark,) = (k for k, name in hand.column(NEW, "Name").items() if name == "Dark Web Watch")
        hand.approve(dark, Price=1.5)
        identifier = hand.get(NEW, dark, "Identifier")
    state = desk.sandbox.connectwise
    id_ = state.next_id("catalog")
    like = next(iter(state.catalog.values()))
    theirs = {**like, "id": id_, "identifier": identifier, "description": "Dark Web Watch"}
    theirs |= {"inactiveFlag": False, "price": Decimal("1.5")}
    desk.sandbox.fail("call", write=1, call=lambda: state.commit(("catalog", id_, theirs)))
    ran = desk.apply()
    assert (ran.code, set(ran.states.values())) == (0, {"already"})
    assert ran.json["actions"][0]["id"] == id_
    assert desk.run("undo", ran.json["run"], "--yes", "--json").json["actions"] == []
    assert state.catalog[id_]["inactiveFlag"] is False
    assert desk.apply().states == {dark: "already"}
