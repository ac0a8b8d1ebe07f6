"""Nothing is sent twice, and nothing is written on a stale look: lost answers, lagging lists, others."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.helpers.additions import additions_of
from tests.helpers.desk import Desk
from tests.helpers.hand import MISMATCHES
from tests.helpers.still_clock import stop_clock
from xlsync.commands.write_test import TenantBehaviour, store_tenant
from xlsync.config import load_settings

ADD = "add:38:15"


def approve(desk: Desk, *keys: str) -> None:
    with desk.editing() as hand:
        hand.approve(*keys)
    desk.be_impatient()


@pytest.mark.parametrize("seconds", [1, 30])
def test_an_addition_that_is_committed_after_the_connection_was_cut_is_not_made_twice(
    desk: Desk, seconds: int
) -> None:
    approve(desk, ADD)
    stop_clock(desk.sandbox)
    desk.sandbox.fail("commit-late", write=1, seconds=seconds)
    first = desk.apply()
    assert (first.code, first.states) == (3, {ADD: "unknown"})
    at_once = desk.apply()
    assert (at_once.states, len(desk.sent())) == ({ADD: "skipped"}, 1)
    assert "apply it after" in at_once.json["actions"][0]["detail"]
    desk.let_minutes_pass()
    last = desk.apply()
    assert (last.code, last.states, len(desk.sent())) == (0, {ADD: "already"}, 1)
    assert len(additions_of(desk, 38, 15)) == 1


def test_a_list_that_does_not_show_a_new_addition_is_not_believed(desk: Desk) -> None:
    approve(desk, ADD)
    assert desk.apply().states == {ADD: "done"}
    with desk.editing() as hand:
        hand.set(MISMATCHES, ADD, {"Result": None})  # approved anew by mistake
    desk.sandbox.fail("hide-new", seconds=300)
    assert desk.apply().states == {ADD: "already"}
    assert len(additions_of(desk, 38, 15)) == 1


@pytest.mark.parametrize("is_tested", [True, False], ids=["a test of writing told the lag", "untested"])
def test_a_creation_that_met_an_error_after_it_was_made_is_looked_for_until_lists_show_it(
    desk: Desk, is_tested: bool
) -> None:
    """A lag that a test of writing told counts though nothing else is waited for."""
    if is_tested:
        environment = load_settings(bss=False, connectwise=True).environment
        behaviour = TenantBehaviour("2026-11-01", "today", 1, takes_twins=True, needs_custom_fields=False)
        store_tenant(desk.home, environment, behaviour)
        desk.be_impatient()
    with desk.editing() as hand:
        hand.approve(ADD)
    desk.sandbox.fail("hide-new", seconds=0.9)
    desk.sandbox.fail("error-after", write=1)
    ran = desk.apply()
    assert (ran.code, ran.states, len(desk.sent())) == (0, {ADD: "done"}, 1)


def test_a_customer_and_agreement_that_no_list_shows_yet_get_their_additions_in_the_same_run(
    approved: Desk,
) -> None:
    approved.sandbox.fail("hide-new", seconds=300)
    ran = approved.apply()
    assert (ran.code, set(ran.states.values())) == (0, {"done"})


NEW_PRODUCT = "add:27:product:"  # how the key of a row begins whose product is to be created
NOT_NOW = 600  # seconds


def approved_row(desk: Desk, start: str) -> str:
    return next(key for key in desk.read().rows(MISMATCHES) if key.startswith(start))


def make_product_and_check(desk: Desk, fault: str) -> str:
    """Apply all rows, with a fault at the new product's addition, and check; returns its row's new key."""
    seconds = NOT_NOW if fault == "commit-late" else 0
    desk.sandbox.fail(fault, path=r"POST /finance/agreements/27/additions", seconds=seconds)
    assert desk.apply().json["unknown"] == (1 if fault == "commit-late" else 0)
    assert desk.check().code == 0
    key = approved_row(desk, "add:27:")
    assert not key.startswith(NEW_PRODUCT)  # the product is linked by now
    approve(desk, key)
    desk.forget_log()
    return key


def test_a_creation_without_an_answer_is_not_sent_again_where_its_row_has_another_key_by_now(
    approved: Desk,
) -> None:
    key = make_product_and_check(approved, "commit-late")
    ran = approved.apply()
    assert (ran.states[key], approved.sent()) == ("skipped", [])
    assert "without an answer" in ran.json["actions"][0]["detail"]


def test_an_addition_that_no_list_shows_is_found_where_its_row_has_another_key_by_now(approved: Desk) -> None:
    approved.sandbox.fail("hide-new", seconds=NOT_NOW, path=r"GET .*/additions")
    key = make_product_and_check(approved, "delay")
    ran = approved.apply()
    assert (ran.states[key], approved.sent()) == ("already", [])


def test_an_addition_that_a_colleague_ended_after_its_answer_was_lost_is_not_made_again(desk: Desk) -> None:
    approve(desk, ADD)
    stop_clock(desk.sandbox)
    desk.sandbox.fail("commit-late", write=1, seconds=5)
    assert desk.apply().states == {ADD: "unknown"}
    desk.let_minutes_pass()
    (made,) = additions_of(desk, 38, 15)
    made["cancelledDate"] = "2026-11-30T00:00:00Z"
    ran = desk.apply()
    assert (ran.states, len(desk.sent())) == ({ADD: "skipped"}, 1)
    assert f"addition {made['id']} was made since, and ends on 2026-11-30" in ran.json["actions"][0]["detail"]


def marked(desk: Desk, contract: str) -> list[dict[str, object]]:
    """The custom fields of an addition that is marked with a contract."""
    fields = [dict(field) for field in desk.addition(52)["customFields"]]
    return [
        {**field, "value": contract if field["caption"] == "Subscription ID" else None} for field in fields
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [("unitCost", Decimal(99)), ("effectiveDate", "2026-12-01T00:00:00Z"), ("customFields", "another")],
)
def test_an_addition_of_other_cost_day_or_contract_is_not_what_the_row_asks_for(
    desk: Desk, field: str, value: object
) -> None:
    approve(desk, ADD)
    shown = {name: desk.read().get(MISMATCHES, ADD, name) for name in ("New Units", "New Cost")}
    additions = desk.sandbox.connectwise.additions
    theirs = max(additions) + 1
    additions[theirs] = {
        **additions[52],
        "id": theirs,
        "agreementId": 38,
        "product": {"id": 15},
        "quantity": Decimal(str(shown["New Units"])),
        "unitCost": Decimal(str(shown["New Cost"])),
        "effectiveDate": "2026-10-01T00:00:00Z",
        "customFields": marked(desk, ""),
    }
    assert desk.apply().states == {ADD: "already"}
    with desk.editing() as hand:
        hand.set(MISMATCHES, ADD, {"Result": None})
    additions[theirs][field] = marked(desk, str(value)) if field == "customFields" else value
    ran = desk.apply()
    assert (ran.states, desk.sent()) == ({ADD: "skipped"}, [])
    assert f"addition {theirs} was made since, with" in ran.json["actions"][0]["detail"]


def test_a_new_product_that_a_colleague_made_at_another_price_is_not_put_on_an_agreement(
    approved: Desk,
) -> None:
    hand, catalog = approved.read(), approved.sandbox.connectwise.catalog
    key = approved_row(approved, NEW_PRODUCT)
    product = key.removeprefix("add:27:")
    theirs = max(catalog) + 1
    names = {"identifier": "Identifier", "description": "Name"}
    shown = {field: hand.get("New in ConnectWise", product, header) for field, header in names.items()}
    catalog[theirs] = {**catalog[15], **shown, "id": theirs, "price": Decimal(9000)}
    ran = approved.apply()
    assert (ran.states[product], ran.states[key]) == ("already", "skipped")
    told = next(action["detail"] for action in ran.json["actions"] if action["key"] == key)
    assert "Unit Price was 1.50 and is now 9,000.00" in told


def test_nothing_is_written_for_a_customer_that_was_deleted(desk: Desk) -> None:
    approve(desk, ADD, "units:52")
    for agreement in (37, 38):
        company = desk.sandbox.connectwise.agreements[agreement]["company"]["id"]
        desk.sandbox.connectwise.companies[company]["deletedFlag"] = True
    ran = desk.apply()
    assert (set(ran.states.values()), desk.sent()) == ({"skipped"}, [])
    assert all("the customer was deleted" in action["detail"] for action in ran.json["actions"])


TWINS = {"companies": "CreateCompany", "contacts": "CreateContact", "catalog": "CreateCatalogItem"}


def test_a_customer_contact_or_product_that_another_machine_made_at_the_same_time_is_named(
    approved: Desk,
) -> None:
    made: dict[str, int] = {}
    for table, path in (
        ("companies", "company/companies"),
        ("contacts", "company/contacts"),
        ("catalog", "procurement/catalog"),
    ):

        def colleague(table: str = table) -> None:
            held = approved.sandbox.connectwise.table(table)
            made[table] = max(held) + 1
            held[made[table]] = {**held[made[table] - 1], "id": made[table], "identifier": "THEIRS"}

        approved.sandbox.fail("call-after", path=f"POST /{path}$", call=colleague)
    ran = approved.apply()
    assert ran.code == 3
    details = {action["kind"]: action["detail"] for action in ran.json["actions"]}
    for table, kind in TWINS.items():
        assert f"made {made[table]} of the same at the same time" in details[kind]


def test_what_connectwise_stored_otherwise_is_told_and_the_run_exits_3(desk: Desk) -> None:
    """An addition without its first day, that is not billed, and of another price than the row showed."""
    approve(desk, ADD)
    stored = {"quantity": Decimal(77), "effectiveDate": None, "billCustomer": "DoNotBill", "unitPrice": 0}
    desk.sandbox.fail("stores", write=1, fields=stored)
    ran = desk.apply()
    assert (ran.code, ran.states) == (3, {ADD: "done"})
    assert "ConnectWise stored quantity 77 instead of" in " ".join(ran.err.split())
    result = desk.read().get(MISMATCHES, ADD, "Result")
    assert "ConnectWise stored quantity 77 instead of" in result
    assert "stored effectiveDate empty instead of 2026-10-01" in result
    assert "stored billCustomer DoNotBill instead of Billable" in result
    assert "bills it at 0.00 a unit, the row showed" in result


def test_what_was_made_though_its_answer_was_lost_is_compared_with_what_was_sent_and_with_its_twins(
    desk: Desk,
) -> None:
    approve(desk, ADD)

    def otherwise() -> None:
        additions = desk.sandbox.connectwise.additions
        made = max(additions)
        additions[made] |= {"lessIncluded": Decimal(2), "unitPrice": Decimal(99)}
        additions[made + 1] = {**additions[made], "id": made + 1}
        raise ConnectionAbortedError

    desk.sandbox.fail("call-after", write=1, call=otherwise)
    ran = desk.apply()
    assert (ran.code, ran.states) == (3, {ADD: "done"})
    told = ran.json["actions"][0]["detail"]
    assert "ConnectWise stored lessIncluded 2 instead of empty" in told
    assert "bills it at 99.00 a unit, the row showed" in told
    assert f"made {max(desk.sandbox.connectwise.additions)} of the same at the same time" in told
    assert told.endswith("(the answer was lost, it is there)")


def test_a_cost_that_connectwise_rounds_is_done_and_told_with_what_it_stored(desk: Desk) -> None:
    approve(desk, "units:55", "cost:55")

    def rounded() -> None:
        desk.addition(55)["unitCost"] = Decimal("8.4")

    desk.sandbox.fail("call-after", path="^PATCH", call=rounded)
    ran = desk.apply()
    assert (ran.code, ran.states, len(desk.sent())) == (3, {"update:55": "done"}, 1)
    assert ran.json["actions"][0]["detail"] == "ConnectWise stored cost 8.40 instead of 8.45"
    assert desk.apply().states == {"update:55": "already"}


def test_a_change_that_is_accepted_and_not_carried_out_is_unknown(desk: Desk) -> None:
    approve(desk, "units:55")
    was = desk.addition(55)["quantity"]

    def as_before() -> None:
        desk.addition(55)["quantity"] = was

    desk.sandbox.fail("call-after", path="^PATCH", call=as_before)
    ran = desk.apply()
    assert (ran.code, ran.states) == (3, {"update:55": "unknown"})


def test_a_look_for_twins_that_fails_is_told_and_the_run_exits_3(desk: Desk) -> None:
    approve(desk, ADD)
    twice = {"path": "GET .*/38/additions$", "times": 9}
    desk.sandbox.fail("call-after", write=1, call=lambda: desk.sandbox.fail("forbid", **twice))
    ran = desk.apply()
    assert (ran.code, ran.states) == (3, {ADD: "done"})
    assert "whether another run or person made the same" in desk.read().get(MISMATCHES, ADD, "Result")


def test_undo_restores_the_value_that_stood_there_just_before_the_write(desk: Desk) -> None:
    approve(desk, "units:55", "cost:55")
    wanted = desk.read().get(MISMATCHES, "units:55", "New Units")
    desk.addition(55)["quantity"] = Decimal(wanted)  # a colleague was first; the cost is still to do
    ran = desk.apply()
    assert ran.states == {"update:55": "done"}
    assert desk.run("undo", ran.json["run"], "--yes").code == 0
    assert desk.addition(55)["quantity"] == Decimal(wanted)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [("inactiveFlag", True, "the product is inactive now"), ("price", Decimal(9000), "Unit Price was")],
)
def test_an_addition_is_held_to_the_product_that_its_row_showed(
    desk: Desk, field: str, value: object, told: str
) -> None:
    approve(desk, ADD)
    desk.sandbox.connectwise.catalog[15][field] = value
    ran = desk.apply()
    assert (ran.code, ran.states, desk.sent()) == (3, {ADD: "skipped"}, [])
    assert told in ran.json["actions"][0]["detail"]


def test_two_of_the_same_that_were_made_at_the_same_time_are_both_named(desk: Desk) -> None:
    approve(desk, ADD)

    def colleague() -> None:
        additions = desk.sandbox.connectwise.additions
        made = max(additions)
        additions[made + 1] = {**additions[made], "id": made + 1}

    desk.sandbox.fail("call-after", write=1, call=colleague)
    ran = desk.apply()
    assert (ran.code, ran.states) == (3, {ADD: "done"})
    assert f"made {max(desk.sandbox.connectwise.additions)} of the same" in ran.json["actions"][0]["detail"]


def test_a_customer_of_this_very_name_under_another_identifier_is_named_and_not_made_again(
    approved: Desk,
) -> None:
    with approved.editing() as hand:
        name = hand.get("New in ConnectWise", "customer:bss:622", "Name")
    company = next(iter(approved.sandbox.connectwise.companies.values()))
    company["name"] = name
    ran = approved.apply("--force")
    assert ran.states["customer:bss:622"] == "skipped"
    assert not [path for _, path in approved.sent() if path == "/company/companies"]


def test_yes_over_limit_lifts_the_limits_for_its_row_only(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:53", New_Units=5000)
        hand.set(MISMATCHES, "units:52", {"Approve": "Yes, over limit"})
    stopped = desk.apply()
    assert (stopped.code, desk.sent()) == (1, [])
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:53", {"Approve": "Yes, over limit"})
    assert desk.apply().states == {"update:52": "done", "update:53": "done"}


def test_undo_leaves_a_product_that_a_colleague_put_on_an_agreement_of_the_run(approved: Desk) -> None:
    ran = approved.apply("--force")
    made = next(a["id"] for a in ran.json["actions"] if a["kind"] == "CreateCatalogItem")
    additions = approved.sandbox.connectwise.additions
    theirs = max(additions) + 1
    additions[theirs] = {**additions[53], "id": theirs, "product": {"id": made}}
    undone = approved.run("undo", "last", "--yes", "--json")
    assert not approved.sandbox.connectwise.catalog[made].get("inactiveFlag")
    told = next(a["detail"] for a in undone.json["actions"] if a["key"].endswith(f"/catalog/{made}"))
    assert f"it is in use by addition {theirs}" in told


def test_undo_leaves_an_agreement_on_which_a_colleague_built(approved: Desk) -> None:
    ran = approved.apply("--force")
    assert ran.code == 0
    made = next(a["id"] for a in ran.json["actions"] if a["kind"] == "CreateAgreement")
    additions = approved.sandbox.connectwise.additions
    theirs = max(additions) + 1
    additions[theirs] = {**additions[53], "id": theirs, "agreementId": made}
    undone = approved.run("undo", "last", "--yes", "--json")
    assert undone.code == 3
    assert approved.sandbox.connectwise.agreements[made]["cancelledFlag"] is False
    told = next(a["detail"] for a in undone.json["actions"] if a["key"].endswith(f"/agreements/{made}"))
    assert f"it is in use by addition {theirs}" in told
