"""What a tenant demands of new records beside what rows say: told by name, given by the settings."""

from __future__ import annotations

from typing import Any

from tests.helpers.additions import additions_of
from tests.helpers.desk import Desk
from tests.helpers.hand import MISMATCHES, NEW
from tests.helpers.whole_runs import choose_every_link

ADD = "add:38:15"
OWNER = 51  # the custom field Contract Owner of agreements


def require(desk: Desk, caption: str) -> dict[str, Any]:
    definitions = desk.sandbox.connectwise.user_defined_fields.values()
    definition: dict[str, Any] = next(one for one in definitions if one["caption"] == caption)
    definition["requiredFlag"] = True
    return definition


def approve(desk: Desk, settings: str = "") -> None:
    with desk.editing() as hand:
        hand.approve(ADD)
    text = f"[connectwise]\nseconds_until_unknown = 0\n{settings}"
    (desk.folder / "xlsync.toml").write_text(text, encoding="utf-8")


def test_a_required_custom_field_is_named_with_the_setting_that_gives_it(desk: Desk) -> None:
    require(desk, "Reviewed")
    approve(desk)
    ran = desk.apply()
    assert (ran.code, ran.states) == (3, {ADD: "failed"})
    told = desk.read().get(MISMATCHES, ADD, "Result")
    assert "The custom field Reviewed is required" in told
    assert "[creation.fields.addition]" in told


def test_the_settings_give_a_required_custom_field_beside_the_marks(desk: Desk) -> None:
    definition = require(desk, "Reviewed")
    approve(desk, '[creation.fields.addition.custom]\n"Reviewed" = true\n')
    assert desk.apply().states == {ADD: "done"}
    (made,) = additions_of(desk, 38, 15)
    values = {field["caption"]: field["value"] for field in made["customFields"]}
    assert values["Reviewed"] is True
    assert values["Subscription ID"]
    assert definition["id"] in {field["id"] for field in made["customFields"]}


def test_the_settings_give_any_other_field_of_a_new_record(desk: Desk) -> None:
    approve(desk, '[creation.fields.addition]\ninvoiceDescription = "Cloud"\n')
    assert desk.apply().states == {ADD: "done"}
    assert additions_of(desk, 38, 15)[0]["invoiceDescription"] == "Cloud"


def share_caption(desk: Desk) -> int:
    """Give the screen of agreements a custom field of the caption that the one of additions has."""
    definitions = desk.sandbox.connectwise.user_defined_fields
    definitions[52] = {**definitions[OWNER], "id": 52, "caption": "Reviewed"}
    return next(key for key, one in definitions.items() if one["caption"] == "Reviewed")


def reviewed(desk: Desk) -> list[Any]:
    (made,) = additions_of(desk, 38, 15)
    return [field["value"] for field in made["customFields"] if field["caption"] == "Reviewed"]


def test_a_caption_of_several_screens_is_that_of_the_record_created(desk: Desk) -> None:
    share_caption(desk)
    approve(desk, "[creation.fields.addition.custom]\nReviewed = true\n")
    assert desk.apply().states == {ADD: "done"}
    assert reviewed(desk) == [True]


def test_where_no_record_shows_which_field_is_meant_its_id_is_asked_for_and_taken(desk: Desk) -> None:
    own = share_caption(desk)
    for addition in desk.sandbox.connectwise.additions.values():
        addition["customFields"] = []
    approve(desk, "[creation.fields.addition.custom]\nReviewed = true\n")
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    told = desk.read().get(MISMATCHES, ADD, "Result")
    ids = f"({own} and 52)"
    assert f"names Reviewed, which several custom fields are called {ids}: write the id in its place" in told
    settings = f'[creation.fields.addition.custom]\n"{own}" = true\n'
    (desk.folder / "xlsync.toml").write_text(settings, encoding="utf-8")
    assert desk.apply().states == {ADD: "done"}
    assert reviewed(desk) == [True]


def test_a_caption_that_nobody_knows_creates_nothing_and_is_named(desk: Desk) -> None:
    approve(desk, '[creation.fields.addition.custom]\n"Reviewd" = true\n')
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (3, [])
    told = desk.read().get(MISMATCHES, ADD, "Result")
    assert "names Reviewd, which is no custom field of this ConnectWise" in told


def test_what_cannot_be_used_in_the_settings_stops_before_any_write(desk: Desk) -> None:
    approve(
        desk,
        "[creation.fields.additions]\na = 1\n"
        "[creation.fields.addition]\nquantity = 5\n'Cost Centre' = 1\nwhen = 2026-10-01\n"
        "[creation.fields.addition.custom]\nReviewed = {id = 1}\n",
    )
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (1, [])
    for told in (
        "additions must be a table, and one of company, contact",
        "quantity is given by xlsync itself",
        "'Cost Centre' is no field's name: captions stand under [creation.fields.addition.custom]",
        "when must be a text, a number",
        "'Reviewed' must be a text, a number, true or false",
    ):
        assert told in ran.err + ran.out


def company_of(desk: Desk, label: str) -> dict[str, Any]:
    companies = desk.sandbox.connectwise.companies.values()
    record: dict[str, Any] = next(one for one in companies if label.startswith(one["name"]))
    return record


def test_check_tells_that_a_customer_has_no_contact_for_its_new_agreement(desk: Desk) -> None:
    hand = desk.read()
    key = next(
        key
        for key in hand.rows(NEW)
        if hand.get(NEW, key, "Kind") == "Agreement"
        and hand.get(NEW, key, "Customer") not in {"(create new)", None}
    )
    customer = hand.get(NEW, key, "Customer")
    assert f"has none for {customer}" not in desk.check().err
    company_of(desk, customer)["defaultContact"] = None
    assert f"has none for {customer}" in desk.check("--refresh").err
    with desk.editing() as hand:
        hand.set(NEW, key, {"Contact First Name": "Ada"})
    assert f"has none for {customer}" not in desk.check().err


def test_check_tells_it_of_a_customer_that_somebody_entered_on_the_row(desk: Desk) -> None:
    key, label = "agreement:bss:618|Monthly", "Kestrel Optics [KESTREL1]"
    with desk.editing() as hand:
        hand.set(NEW, key, {"Customer": label})
    assert f"has none for {label}" not in desk.check().err
    company_of(desk, label)["defaultContact"] = None
    assert f"has none for {label}" in desk.check("--refresh").err


def test_without_a_check_apply_says_so_before_it_asks_or_writes_anything(desk: Desk) -> None:
    key, label = "agreement:bss:618|Monthly", "Kestrel Optics [KESTREL1]"
    with desk.editing() as hand:
        hand.set(NEW, key, {"Customer": label})
        hand.approve(key)
    company_of(desk, label)["defaultContact"] = None
    ran = desk.run("apply", str(desk.file))
    assert (ran.code, desk.sent()) == (3, [])
    assert "Nothing was done: 1 skipped" in ran.err
    assert "has no default contact in ConnectWise: fill in Contact First Name on its row" in ran.err


def test_a_contact_is_created_without_its_address_where_the_types_cannot_be_read(desk: Desk) -> None:
    with desk.editing() as hand:
        choose_every_link(hand)
        hand.approve("customer:bss:624", Contact_First_Name="Ada", Contact_Email="ada@zephyr.example")
    desk.be_impatient()
    desk.sandbox.fail("forbid", path="communicationTypes", times=9)
    ran = desk.apply()
    contact = next(one for one in ran.json["actions"] if one["kind"] == "CreateContact")
    assert contact["state"] == "done"
    assert "without the e-mail address, since the communication types cannot be read" in contact["detail"]
    assert not desk.sandbox.connectwise.contacts[contact["id"]]["communicationItems"]
