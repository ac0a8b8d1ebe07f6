"""A plan in words: the money first, every cancellation, and what is created as counts with names."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from xlsync.apply.action_base import Basis
from xlsync.apply.actions import (
    Action,
    Change,
    CreateAddition,
    CreateCompany,
    CreateInvoice,
    Field,
    Predecessor,
    UpdateAddition,
)
from xlsync.apply.plan import Outcome, State, count_states
from xlsync.apply.plan_text import tell_nothing, tell_plan
from xlsync.apply.set_fields import FieldChange, SetFields
from xlsync.models import Addition
from xlsync.records import replace

D = Decimal


def update(number: int, impact: str, currency: str = "EUR") -> UpdateAddition:
    return UpdateAddition(
        key=f"update:{number}",
        rows=(f"units:{number}",),
        seen=Addition(id=number, agreement_id=1, item_id=2, quantity=D(12)),
        changes=(Change(Field.QUANTITY, D(12), D(15)),),
        customer=f"Customer {number}",
        product="M365: Microsoft 365",
        impact=D(impact),
        basis=Basis(1, 3, currency),
    )


def cancel(number: int, impact: str) -> SetFields:
    return SetFields(
        key=f"cancel:{number}",
        rows=(f"only:{number}",),
        kind="CancelAddition",
        path=f"/finance/agreements/1/additions/{number}",
        changes=(FieldChange("cancelledDate", None, None),),
        what=f"cancel Backup for Customer {number}",
        subject=f"Backup for Customer {number}",
        impact=D(impact),
        stops=D(1),
        currency="EUR",
        basis=Basis(1, 3, "EUR"),
    )


def company(name: str) -> CreateCompany:
    return CreateCompany(key=f"customer:{name}", rows=(name,), name=name, identifier=name.upper(), type_id=1)


def test_changes_stand_by_money_with_customer_product_before_after_and_amount() -> None:
    lines = tell_plan([update(1, "3.00"), update(2, "-50.00"), update(3, "9.99")], "eu/maple").lines()
    assert lines == [
        "3 changes to write to eu/maple:",
        "Changes to additions, a month:",
        "  Customer 2 · M365: Microsoft 365: units 12 -> 15, -50.00 EUR",
        "  Customer 3 · M365: Microsoft 365: units 12 -> 15, +9.99 EUR",
        "  Customer 1 · M365: Microsoft 365: units 12 -> 15, +3.00 EUR",
        "Together, a month:",
        "  +12.99 / -50.00 EUR",
    ]


def test_names_of_several_lines_make_no_lines_of_the_plan() -> None:
    forged = company("Acme\n  Nothing else")
    assert tell_plan([forged], "site").lines()[-1] == "  customer Acme   Nothing else"


def test_money_of_two_currencies_is_summed_apart() -> None:
    sums = tell_plan([update(1, "3"), update(2, "4", "USD"), cancel(3, "-5")], "site").sums
    assert sums == ("+3.00 / -5.00 EUR", "+4.00 USD")


def test_every_cancellation_is_told_however_little_room_there_is() -> None:
    actions: list[Action] = [update(number, "1") for number in range(30)]
    actions += [cancel(number, "-2") for number in range(30, 50)]
    lines = tell_plan(actions, "site").lines(12)
    assert sum("cancel Backup" in line for line in lines) == 20
    assert sum("Microsoft 365" in line for line in lines) == 12
    assert "  … and 18 more" in lines


def test_what_is_created_is_counted_with_names_below() -> None:
    lines = tell_plan([company("Acme"), company("Delta")], "site").lines()
    assert lines[1:] == ["To create: 2 customers", "  customer Acme", "  customer Delta"]


def test_invoices_stand_by_amount_with_their_sum_in_each_currency() -> None:
    actions = [
        CreateInvoice(
            key=f"invoice:{number}",
            rows=(f"invoice:{number}",),
            agreement=number,
            seen_date=dt.date(2026, 10, 31),
            seen_amount=D(amount),
            customer=f"Customer {number}",
            name="Cloud Services",
            currency=currency,
        )
        for number, amount, currency in ((1, "20", "EUR"), (2, "1000.50", "EUR"), (3, "7", "USD"))
    ]
    assert tell_plan(actions, "site").lines() == [
        "3 changes to write to site:",
        "To invoice: 1,020.50 EUR, 7.00 USD",
        "  Customer 2 · Cloud Services: 1,000.50 EUR on 2026-10-31",
        "  Customer 1 · Cloud Services: 20.00 EUR on 2026-10-31",
        "  Customer 3 · Cloud Services: 7.00 USD on 2026-10-31",
    ]


def test_a_new_addition_is_a_change_from_nothing() -> None:
    action = CreateAddition(
        key="add:1",
        rows=("add:1",),
        agreement="agreement:new",
        item=5,
        quantity=D(4),
        unit_cost=None,
        effective=None,
        customer="Acme",
        product="B: Backup",
        impact=D(8),
        currency="EUR",
    )
    text = tell_plan([action, update(1, "3")], "site")
    assert "  Acme · B: Backup: new addition, 0 -> 4 units, +8.00 EUR" in text.lines()
    assert text.sums == ("+11.00 EUR",)


@pytest.mark.parametrize(
    ("units", "cost", "told"),
    [
        ("15", "3.00", "units 12 -> 15 from 2026-10-15"),
        ("15", "2.50", "units 12 -> 15, cost 3.00 -> 2.50 from 2026-10-15"),
        ("12", "2.50", "cost 3.00 -> 2.50 from 2026-10-15"),
        ("12", "3.00", "units 12 -> 12 from 2026-10-15"),
    ],
)
def test_a_change_from_a_date_on_tells_units_and_cost_before_and_after(
    units: str, cost: str, told: str
) -> None:
    old = Addition(id=7, agreement_id=1, item_id=2, quantity=D(12), unit_cost=D("3.00"))
    action = CreateAddition(
        key="successor:7",
        rows=("units:7",),
        agreement=1,
        item=2,
        quantity=D(units),
        unit_cost=D(cost),
        effective=dt.date(2026, 10, 15),
        customer="Acme",
        product="B: Backup",
        succeeds=Predecessor("cancel:7", old),
        currency="EUR",
    )
    assert tell_plan([action], "site").changes == (f"Acme · B: Backup: {told}",)


def test_a_plan_without_an_approved_row_says_so() -> None:
    assert tell_nothing(()) == "Nothing to do: no row is approved."


def test_a_plan_whose_changes_were_made_earlier_says_so() -> None:
    done = [
        Outcome(key=key, kind="UpdateAddition", subject="Backup for Acme", rows=(key,), state=State.ALREADY)
        for key in ("units:1", "units:2")
    ]
    assert tell_nothing(done[:1]) == "Nothing to do: the change was made earlier."
    assert tell_nothing(done) == "Nothing to do: all 2 changes were made earlier."
    undone = [
        replace(one, taken_back={one.key: "taken back on 2026-11-02 by run 2026-11-02-2"}) for one in done
    ]
    assert count_states([done[0], undone[1]]) == "1 no change needed, 1 taken back earlier"
    anew = "To have one made anew, empty its Result."
    assert (
        tell_nothing(undone)
        == f"Nothing to do: all 2 changes were made earlier, and taken back since. {anew}"
    )
    assert tell_nothing([done[0], undone[1]]) == (
        f"Nothing to do: all 2 changes were made earlier, and 1 of them taken back since. {anew}"
    )
