"""Plan: what is done in which order, what is settled without a request, and where the limits are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsync.apply.actions import (
    ORDER,
    Action,
    Change,
    CreateAddition,
    CreateAgreement,
    CreateCatalogItem,
    CreateCompany,
    CreateContact,
    Field,
    UpdateAddition,
)
from xlsync.apply.kinds.additions import judge_creation, judge_update
from xlsync.apply.limits import check_limits
from xlsync.apply.plan import (
    Outcome,
    Plan,
    State,
    build_plan,
    first_lost,
    outcome,
)
from xlsync.apply.set_fields import end_addition
from xlsync.errors import UnsafePlan
from xlsync.models import Addition
from xlsync.records import replace
from xlsync.settings import Limits

SEEN = Addition(
    id=71, agreement_id=1, item_id=10, quantity=Decimal(12), unit_price=Decimal(10), unit_cost=Decimal(8)
)


def company(key: str = "customer:a") -> CreateCompany:
    return CreateCompany(key=key, rows=(key,), name="Contoso", identifier="Contoso")


def contact(of: int | str = "customer:a", key: str = "contact:a") -> CreateContact:
    return CreateContact(key=key, rows=(key,), company=of, first_name="Ada", last_name="Byron")


def agreement(
    of: int | str = "customer:a", contact: int | str | None = "contact:a", key: str = "agreement:a"
) -> CreateAgreement:
    return CreateAgreement(key=key, rows=(key,), company=of, contact=contact, name="Cloud", type_id=1)


def product(key: str = "product:a") -> CreateCatalogItem:
    return CreateCatalogItem(
        key=key,
        rows=(key,),
        identifier="B1",
        description="Backup",
        customer_description="Backup",
        type_id=1,
        subcategory_id=1,
    )


def new(
    units: str = "5",
    *,
    on: int | str = 1,
    item: int | str = 10,
    monthly: str = "0",
    key: str = "add:1:10",
    beside: tuple[int, ...] = (),
) -> CreateAddition:
    return CreateAddition(
        key=key,
        rows=(key,),
        agreement=on,
        item=item,
        quantity=Decimal(units),
        unit_cost=None,
        effective=None,
        customer="Contoso",
        product="Backup",
        beside=beside,
        monthly=Decimal(monthly),
    )


def update(
    before: str | None = "12",
    after: str = "15",
    field: Field = Field.QUANTITY,
    *,
    monthly: str = "0",
    key: str = "update:71",
) -> UpdateAddition:
    seen = None if before is None else Decimal(before)
    return UpdateAddition(
        key=key,
        rows=("units:71",),
        seen=SEEN,
        changes=(Change(field, seen, Decimal(after)),),
        customer="Contoso",
        product="Backup",
        monthly=Decimal(monthly),
    )


def to_do(_: Action) -> Outcome | None:
    return None


# --- order of need


def test_actions_stand_in_order_of_need_whatever_was_approved_first() -> None:
    actions: list[Action] = [
        update(),
        new(on="agreement:a", item="product:a"),
        product(),
        agreement(),
        contact(),
        company(),
    ]
    assert [type(action).__name__ for action in build_plan(actions, to_do).actions] == [
        "CreateCompany",
        "CreateContact",
        "CreateAgreement",
        "CreateCatalogItem",
        "CreateAddition",
        "UpdateAddition",
    ]


def test_every_kind_of_action_has_its_place() -> None:
    assert set(ORDER) == set(Action.__args__)
    assert len(ORDER) == len(set(ORDER))


APPROVED: tuple[Action, ...] = (
    company("c1"),
    company("c2"),
    contact("c1"),
    agreement("c1"),
    product(),
    update(),
    new(on="agreement:a"),
    new(key="add:2:10", item="product:a"),
)


@given(st.permutations(APPROVED))
def test_the_plan_does_not_depend_on_the_order_of_rows_and_respects_every_need(actions: list[Action]) -> None:
    plan = build_plan(actions, to_do)
    assert plan == build_plan(sorted(actions, key=lambda action: action.key), to_do)
    done: set[str] = set()
    all_keys = {action.key for action in actions}
    for action in plan.actions:
        assert set(action.needs) & all_keys <= done
        done.add(action.key)
    assert done == all_keys


def test_needs_are_what_is_still_to_be_created_never_what_exists() -> None:
    assert new(on="agreement:a", item="product:a").needs == ("agreement:a", "product:a")
    assert new(on=1, item=10).needs == ()
    assert agreement(7, None).needs == ()
    assert agreement("customer:a", "contact:a").needs == ("customer:a", "contact:a")
    assert contact(7).needs == ()
    assert company().needs == product().needs == update().needs == ()


def test_what_needs_a_settled_failure_is_skipped_with_that_reason_and_the_rest_goes_on() -> None:
    def judge(action: Action) -> Outcome | None:
        return outcome(action, State.SKIPPED, "taken") if action.key == "customer:a" else None

    actions: list[Action] = [company(), contact(), agreement(), new(on="agreement:a"), update()]
    plan = build_plan(actions, judge)
    assert [action.key for action in plan.actions] == ["update:71"]
    told = {result.key: result.text for result in plan.outcomes}
    assert told["customer:a"] == "skipped: taken"
    assert told["contact:a"] == "skipped: needs customer Contoso, which is skipped: taken"
    assert told["agreement:a"].startswith("skipped: needs customer Contoso, which is skipped: taken")
    assert told["add:1:10"].startswith("skipped: needs agreement Cloud, which is skipped: needs customer")
    assert not [text for text in told.values() if any(f"{key}," in text for key in told)]


def test_what_needs_something_that_is_there_already_is_done() -> None:
    def judge(action: Action) -> Outcome | None:
        return outcome(action, State.ALREADY, "id 7", 7) if isinstance(action, CreateCompany) else None

    plan = build_plan([company(), contact()], judge)
    assert [action.key for action in plan.actions] == ["contact:a"]
    assert [result.id for result in plan.outcomes] == [7]


@pytest.mark.parametrize("state", [State.SKIPPED, State.FAILED, State.UNKNOWN])
def test_skipped_failed_and_unknown_are_lost(state: State) -> None:
    lost = outcome(company(), state)
    assert first_lost(contact(), {lost.key: lost}) == lost


@pytest.mark.parametrize("state", [State.DONE, State.ALREADY])
def test_done_and_already_are_not_lost(state: State) -> None:
    there = outcome(company(), state, id=7)
    assert first_lost(contact(), {there.key: there}) is None


def test_a_record_whose_id_is_unknown_is_lost_to_those_that_need_it() -> None:
    there = outcome(company(), State.ALREADY)
    assert first_lost(contact(), {there.key: there}) == there


@given(st.lists(st.sampled_from(APPROVED), unique=True), st.data())
def test_every_action_is_either_planned_or_settled_exactly_once(
    actions: list[Action], data: st.DataObject
) -> None:
    def judge(action: Action) -> Outcome | None:
        state = data.draw(st.sampled_from([None, *State]))
        return None if state is None else outcome(action, state)

    plan = build_plan(actions, judge)
    keys = [action.key for action in plan.actions] + [result.key for result in plan.outcomes]
    assert sorted(keys) == sorted(action.key for action in actions)


# --- seen, live, wanted


def live(
    units: str = "12", cost: str | None = "8", price: str | None = "10", cancelled: str = "", item: int = 10
) -> Addition:
    return replace(
        SEEN,
        quantity=Decimal(units),
        unit_cost=None if cost is None else Decimal(cost),
        unit_price=None if price is None else Decimal(price),
        cancelled=dt.date.fromisoformat(cancelled) if cancelled else None,
        item_id=item,
    )


def judged(action: UpdateAddition, now: Addition | None) -> str:
    result = judge_update(action, now)
    return "do it" if result is None else result.text


def test_live_as_seen_is_done() -> None:
    assert judged(update("12", "15"), live()) == "do it"
    assert judged(update("12", "15"), live(units="12.00", cost="8.0")) == "do it"


def test_live_as_wanted_is_already() -> None:
    result = judge_update(update("12", "15"), live(units="15.0"))
    assert result is not None
    assert (result.text, result.id) == ("already 15 units: no change needed", 71)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (live(units="13"), "ConnectWise Units was 12 and is now 13"),
        (live(cost="9"), "ConnectWise Cost was 8.00 and is now 9.00"),
        (live(cost=None), "ConnectWise Cost was 8.00 and is now empty"),
        (live(price="11"), "Unit Price was 10.00 and is now 11.00"),
        (replace(live(), less_included=Decimal(2)), "lessIncluded was 0 and is now 2"),
        (live(price=None), "Unit Price was 10.00 and is now empty"),
        (live(item=11), "it is another product now"),
        (live(cancelled="2026-10-15"), "the addition has been cancelled as of 2026-10-15"),
        (live(units="0"), "ConnectWise Units was 12 and is now 0"),
    ],
)
def test_anything_else_that_the_row_showed_and_that_is_different_now_skips_it(
    now: Addition, told: str
) -> None:
    result = judge_update(update("12", "15"), now)
    assert result is not None
    assert result.state is State.SKIPPED
    assert result.changed
    assert result.text == f"skipped: changed since export: {told}; run check, look again and approve again"


def test_an_addition_that_is_gone_is_skipped_by_its_id() -> None:
    assert judged(update(), None) == "skipped: addition 71 is no longer there"


def test_of_two_wanted_values_one_that_is_there_already_does_not_stop_the_other() -> None:
    both = replace(
        update(),
        changes=(
            Change(Field.QUANTITY, Decimal(12), Decimal(15)),
            Change(Field.UNIT_COST, Decimal(8), Decimal(9)),
        ),
    )
    assert judged(both, live(units="15", cost="8")) == "do it"
    assert judged(both, live(units="15", cost="9")) == "already 15 units, cost 9.00: no change needed"
    assert "ConnectWise Cost was 8.00 and is now 7.00" in judged(both, live(units="15", cost="7"))


def test_zero_and_absent_are_different_values() -> None:
    cost = update("8", "0", Field.UNIT_COST)
    assert judged(cost, live(cost=None)).startswith("skipped: changed since export")
    assert judged(cost, live(cost="0")) == "already cost 0.00: no change needed"


@given(st.decimals(0, 20, places=1), st.decimals(0, 20, places=1), st.sampled_from(["12", "12.0", "15", "3"]))
def test_what_is_not_seen_and_not_wanted_is_never_written_over(
    seen: Decimal, wanted: Decimal, now: str
) -> None:
    action = replace(
        update(), seen=replace(SEEN, quantity=seen), changes=(Change(Field.QUANTITY, seen, wanted),)
    )
    result = judge_update(action, live(units=now))
    if Decimal(now) == wanted:
        assert result is not None
        assert result.state is State.ALREADY
    elif Decimal(now) == seen:
        assert result is None
    else:
        assert result is not None
        assert result.state is State.SKIPPED


def test_an_addition_made_since_with_these_units_is_the_one() -> None:
    made = replace(SEEN, id=99, quantity=Decimal("5.0"))
    result = judge_creation(new("5"), [made])
    assert result is not None
    assert (result.text, result.id) == ("already there (addition 99): no change needed", 99)


def test_an_addition_made_since_with_other_units_is_not_doubled() -> None:
    result = judge_creation(new("5"), [replace(SEEN, id=99, quantity=Decimal(4))])
    assert result is not None
    assert "addition 99 was made since, with 4 units" in result.text
    assert result.changed


@pytest.mark.parametrize(
    "other",
    [
        replace(SEEN, id=71, quantity=Decimal(5)),  # stood there when it was approved
        replace(SEEN, id=99, quantity=Decimal(5), item_id=11),
        replace(SEEN, id=71, quantity=Decimal(5), cancelled=dt.date(2026, 10, 1)),
    ],
)
def test_additions_that_stood_there_or_are_of_another_product_do_not_count(other: Addition) -> None:
    assert judge_creation(new("5", beside=(71,)), [other]) is None


def test_an_addition_that_was_made_since_and_ended_counts_unless_xlsync_made_it() -> None:
    ended = replace(SEEN, id=99, cancelled=dt.date(2026, 10, 1))
    judged = judge_creation(new("5", beside=(71,)), [ended])
    assert judged is not None
    assert (judged.state, judged.changed) == (State.SKIPPED, True)
    assert judge_creation(new("5", beside=(71,)), [ended], made={99}) is None


# --- limits


def over(*actions: Action, limits: Limits | None = None) -> str:
    """What is over the limits, empty where nothing is."""
    try:
        check_limits(Plan(actions), limits or Limits())
    except UnsafePlan as error:
        return error.message.split("\n  ", 1)[1]
    return ""


def test_over_a_limit_nothing_is_written_and_force_is_named() -> None:
    with pytest.raises(UnsafePlan, match="nothing was written") as raised:
        check_limits(Plan((update("5", "0"),)), Limits(zero=0))
    assert "--force" in raised.value.hint
    assert [where for where, _ in raised.value.problems] == ["limits"]


def test_the_default_limits_are_those_of_the_design() -> None:
    assert Limits() == Limits(creations=50, percent=Decimal(500), units=Decimal(1000), money=Decimal(10000))


def creations(count: int) -> Sequence[Action]:
    return [company(f"customer:{n}") for n in range(count)]


def test_fifty_creations_pass_and_fifty_one_do_not() -> None:
    assert over(*creations(50)) == ""
    told = over(*creations(51))
    assert told.startswith("51 creations, the limit is 50: create customer ")
    assert told.endswith("; and 46 more")


def test_creations_of_every_kind_count_updates_do_not() -> None:
    made = [company(), contact(), agreement(), product(), new()]
    assert over(*made, update(), limits=Limits(creations=5)) == ""
    assert over(*made, limits=Limits(creations=4)).startswith("5 creations, the limit is 4: ")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("10", "60", ""),  # + 500 %
        ("10", "60.1", "a change of 501 %, the limit is 500 %"),
        ("10", "61", "a change of 510 %, the limit is 500 %"),
        ("1000", "2000", ""),  # 1000 units
        ("1000", "2001", "a change of 1001 units, the limit is 1000"),
        ("2000", "1000", ""),
        ("2000", "999.5", "a change of 1000.5 units, the limit is 1000"),
        ("5", "0", "a drop to zero"),
        ("5", "0.1", "a fall by nine tenths or more"),
        ("1000", "1", "a fall by nine tenths or more"),
        ("5", "0.51", ""),
        ("0", "1000", ""),  # no percentage of nothing
        ("0", "1000.1", "a change of 1000.1 units, the limit is 1000"),
        ("0", "0", ""),
        (None, "1000", ""),
    ],
)
def test_a_change_of_units_at_and_over_its_limits(before: str | None, after: str, told: str) -> None:
    found = over(update(before, after), limits=Limits(zero=0))
    assert found.endswith(told)
    assert bool(found) is bool(told)


def test_a_fall_cannot_be_more_than_a_hundred_percent() -> None:
    assert over(update("100", "1"), limits=Limits(percent=Decimal(99))) == ""
    assert "a change of 99 %, the limit is 98 %" in over(
        update("100", "1"), limits=Limits(percent=Decimal(98))
    )


def test_the_units_of_a_creation_are_limited_too() -> None:
    assert over(new("1000")) == ""
    assert over(new("1001")).endswith(": a change of 1001 units, the limit is 1000")


def test_a_cancellation_is_a_drop_to_zero_and_one_for_a_successor_is_none() -> None:
    day = dt.date(2026, 10, 31)
    ended = end_addition(SEEN, day, rows=("only:71",), what="cancel it", subject="it", begins=None)
    assert over(ended) == ""  # its successor bills on
    assert over(replace(ended, stops=Decimal(3)), limits=Limits(zero=0)) == "cancel it: a drop to zero"
    assert over(replace(ended, stops=Decimal(0))) == ""
    assert "a change of 1001 units" in over(replace(ended, stops=Decimal(1001)))


def test_so_many_drops_to_zero_are_let_through_as_the_settings_say() -> None:
    drops = [update("5", "0", key="a"), update("6", "0", key="b")]
    assert over(*drops, limits=Limits(zero=2)) == ""
    assert over(*drops, limits=Limits(zero=1)).endswith("\n  2 drops to zero, the limit is 1")


def test_a_new_addition_of_zero_is_no_drop() -> None:
    assert over(new("0")) == ""


def test_a_change_of_cost_has_no_limit_of_units() -> None:
    assert over(update("8", "9000", Field.UNIT_COST)) == ""
    assert over(update("8", "0", Field.UNIT_COST)) == ""


def test_monthly_money_up_and_down_is_added_without_sign() -> None:
    up, down = new(monthly="6000"), update(monthly="-4000")
    assert over(up, down) == ""
    assert over(replace(up, monthly=Decimal("6000.01")), down).startswith(
        "10,000.01 of monthly money, the limit is 10,000.00: create addition Backup"
    )


def test_money_over_its_limit_is_told_in_cents() -> None:
    """A price by the year is a twelfth each month, with any number of places."""
    shares = [new(monthly=str(Decimal(5000) + Decimal(1) / 3)), update(monthly="-5000")]
    assert over(*shares).startswith("10,000.34 of monthly money, the limit is 10,000.00: ")


def test_creating_companies_contacts_agreements_and_products_moves_no_money() -> None:
    assert [action.monthly for action in (company(), contact(), agreement(), product())] == [0] * 4


def test_every_limit_that_is_passed_is_named_with_the_row_it_is_about() -> None:
    drop = update("10", "0", monthly="-20000")
    found = over(*creations(51), drop, new("2000", key="add:9:9"), limits=Limits(zero=0))
    assert [line.split(": create customer")[0].split(".00: ")[0] for line in found.splitlines()] == [
        "52 creations, the limit is 50",
        "  update Backup for Contoso: units 10 -> 0: a drop to zero",
        "  create addition Backup for Contoso: 2000 units: a change of 2000 units, the limit is 1000",
        "  20,000.00 of monthly money, the limit is 10,000",
    ]
    assert found.endswith("the limit is 10,000.00: update Backup for Contoso: units 10 -> 0")


def test_what_is_settled_already_counts_for_no_limit() -> None:
    settled = tuple(outcome(action, State.ALREADY) for action in creations(60))
    check_limits(Plan((), settled), Limits())


def test_a_limit_of_zero_lets_nothing_through() -> None:
    nothing = Limits(creations=0, percent=Decimal(0), units=Decimal(0), money=Decimal(0))
    assert over(company(), limits=nothing)
    assert over(update("12", "12.1"), limits=nothing)
    assert over(limits=nothing) == ""


# --- words


def test_results_read_as_the_design_says() -> None:
    action = update()
    assert outcome(action, State.DONE, "units 12 -> 15").text == "done units 12 -> 15"
    assert outcome(action, State.ALREADY, "15 units").text == "already 15 units: no change needed"
    assert outcome(action, State.SKIPPED, "why").text == "skipped: why"
    assert outcome(action, State.FAILED, "why").text == "failed: why"
    assert outcome(action, State.UNKNOWN, "why").text == "unknown: why"
    assert outcome(action, State.DONE).text == "done"


def test_actions_tell_what_they_do() -> None:
    assert str(company()) == "create customer Contoso [Contoso]"
    assert str(contact()) == "create contact Ada Byron"
    assert str(replace(contact(), last_name="")) == "create contact Ada"
    assert str(agreement()) == "create agreement Cloud"
    assert str(replace(agreement(), customer="Contoso")) == "create agreement Cloud for Contoso"
    assert str(replace(contact(), customer="Contoso")) == "create contact Ada Byron for Contoso"
    assert str(product()) == "create product B1: Backup"
    assert str(new("5.50")) == "create addition Backup for Contoso: 5.5 units"
    assert str(update("12", "15")) == "update Backup for Contoso: units 12 -> 15"
    assert str(update(None, "8", Field.UNIT_COST)) == "update Backup for Contoso: cost none -> 8.00"
