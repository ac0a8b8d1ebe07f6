"""Past months: no write of theirs undoes what the latest complete month bills."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.tables import read_case
from xlsync.models import ActionLabel, Addition, Mismatch, MismatchKind, Month
from xlsync.reconcile.charges import read_charges
from xlsync.reconcile.mismatches import find_mismatches
from xlsync.reconcile.past import LatestMonth, bill_latest, hold_to_latest, offered
from xlsync.records import replace

AUGUST, OCTOBER = Month(2026, 8), Month(2026, 10)
KEY = (1, 2, "")


def differing(billed: int, held: int) -> Mismatch:
    return Mismatch(
        key="units:9",
        kind=MismatchKind.UNITS_DIFFER,
        customer="Contoso",
        product="Backup",
        company=7,
        agreement=1,
        item=2,
        addition=Addition(id=9, agreement_id=1, item_id=2, quantity=Decimal(held)),
        bss_units=Decimal(billed),
        connectwise_units=Decimal(held),
        unit_price=Decimal(1),
        impact=Decimal(billed - held),
        action=ActionLabel.UPDATE_UNITS,
        explanation="Already invoiced: the change shows on the next invoice.",
    )


def latest(units: int | None, *open_companies: int) -> LatestMonth:
    billed = {} if units is None else {KEY: Decimal(units)}
    return LatestMonth(OCTOBER, billed, {}, frozenset(open_companies))


def test_a_row_whose_new_units_are_not_billed_now_offers_no_write_and_says_which_month_bills_what() -> None:
    found = hold_to_latest(differing(5, 8), AUGUST, latest(8))
    assert (found.action, offered(found)) == (None, (ActionLabel.IGNORE,))
    assert found.explanation.endswith("Billed 5 in 2026-08; 2026-10 bills 8, which ConnectWise has.")
    assert found.explanation.startswith("Already invoiced:")


def test_a_row_whose_new_units_are_billed_now_too_keeps_its_action() -> None:
    found = hold_to_latest(differing(5, 8), AUGUST, latest(5))
    assert (found.action, found.is_held) == (ActionLabel.UPDATE_UNITS, False)


def test_what_a_past_month_was_billed_too_little_for_is_to_be_billed_by_hand() -> None:
    found = hold_to_latest(differing(8, 5), AUGUST, latest(5))
    assert found.by_hand == 3
    assert found.explanation.endswith("ConnectWise has. 2026-08 itself must be billed by hand: 3.00.")
    known = hold_to_latest(replace(differing(8, 5), by_hand=Decimal(0)), AUGUST, latest(5))
    assert known.by_hand == 0
    assert "by hand" not in known.explanation
    assert hold_to_latest(differing(5, 8), AUGUST, latest(8)).by_hand is None
    yearly = replace(differing(8, 5), months=12, unit_price=Decimal(120), impact=Decimal(30))
    assert hold_to_latest(yearly, AUGUST, latest(5)).by_hand == 360  # what the year was billed too little for


def test_an_addition_is_cancelled_by_a_past_month_only_if_nothing_billed_now_can_be_it() -> None:
    only = only_in_connectwise(marked(9, ""))
    assert ActionLabel.CANCEL_ADDITION not in offered(hold_to_latest(only, AUGUST, latest(4)))
    assert ActionLabel.CANCEL_ADDITION not in offered(hold_to_latest(only, AUGUST, latest(None, 7)))
    assert ActionLabel.CANCEL_ADDITION in offered(hold_to_latest(only, AUGUST, latest(None)))


def only_in_connectwise(addition: Addition, *beside: int) -> Mismatch:
    return Mismatch(
        key="only:9", kind=MismatchKind.ONLY_IN_CONNECTWISE, customer="Contoso", product="Backup", company=7,
        agreement=1, item=2, addition=addition, connectwise_units=addition.quantity, beside=beside,
    )  # fmt: skip


def marked(id_: int, mark: str) -> Addition:
    return Addition(id=id_, agreement_id=1, item_id=2, quantity=Decimal(4), contract_mark=mark)


def billing(**contracts: int) -> LatestMonth:
    whole = {KEY: Decimal(sum(contracts.values()))}
    return LatestMonth(
        OCTOBER, whole | {(1, 2, name): Decimal(n) for name, n in contracts.items()}, {}, frozenset()
    )


def test_the_one_addition_of_now_is_held_to_all_that_is_billed_now_whatever_its_mark() -> None:
    one, ended = marked(9, "S1"), 8
    held = hold_to_latest(only_in_connectwise(one, ended, 9), AUGUST, billing(s2=4), [one])
    assert (held.is_held, "2026-10 bills 4, which ConnectWise has" in held.explanation) == (True, True)


def test_of_several_additions_of_now_each_is_held_to_what_its_contract_bills_now() -> None:
    one, other = marked(9, "S1"), marked(10, "S3")
    row = only_in_connectwise(one, 9, 10)
    assert not hold_to_latest(row, AUGUST, billing(s3=4), [one, other]).is_held
    assert hold_to_latest(row, AUGUST, billing(s1=4, s3=4), [one, other]).is_held
    unmarked = hold_to_latest(row, AUGUST, billing(s3=4, s5=4), [one, other])
    assert (unmarked.is_held, "2026-10 bills what is not known" in unmarked.explanation) == (True, True)


def test_an_addition_that_a_past_month_lacks_is_held_to_what_its_own_contract_bills_now() -> None:
    row = Mismatch(
        key="add:1:2:S5", kind=MismatchKind.NOT_IN_CONNECTWISE, customer="Contoso", product="Backup",
        agreement=1, item=2, bss_units=Decimal(3), contract_id="S5", action=ActionLabel.CREATE_ADDITION,
    )  # fmt: skip
    active = [marked(9, "S1"), marked(10, "S3")]
    now = hold_to_latest(row, AUGUST, billing(s1=4, s3=4, s5=3), active)
    assert (now.action, now.is_held) == (ActionLabel.CREATE_ADDITION, False)


@pytest.mark.parametrize(("now", "is_held"), [((3, 2, 0), True), ((5, 2, 0), False), ((5, 2, 4), False)])
def test_a_contract_beside_the_one_addition_of_another_is_held_to_what_it_is_billed_now(
    now: tuple[int, int, int], is_held: bool
) -> None:
    case = read_case(
        """
        line  link  contract  units
        a     1:10  S1        5
        b     1:10  S2        2

        addition  quantity  until  mark
        71        5         10-14  S1
        72        2         -      S2
        """
    )
    keys = [(1, 10, name) for name in ("s1", "s2", "s3")]
    units = {(1, 10, ""): Decimal(sum(now)), **dict(zip(keys, map(Decimal, now), strict=True))}
    billed = LatestMonth(OCTOBER.plus(1), units, {}, frozenset())
    found = find_mismatches(OCTOBER, case.lines, case.charges, case.links, case.books, latest=billed)
    assert [(row.key, row.is_held) for row in found.mismatches] == [("add:1:10:S1", is_held)]


def test_what_the_latest_month_bills_is_not_known_while_a_line_of_the_product_is_not_linked() -> None:
    case = read_case(
        """
        line  link  contract  units  cost
        a     1:10  S1        5      2
        b     1:-   S2        3      2
        c     1:11  S3        4      2
        """
    )
    lines = [
        replace(line, product="Visio") if line.key == "c" else line
        for charge in case.charges
        for line in charge.lines
    ]
    billed = bill_latest(OCTOBER, read_charges(lines, {}), case.links)
    assert (billed.units[1, 10, ""], billed.costs[1, 10, ""]) == (None, None)
    assert (billed.units[1, 11, ""], billed.costs[1, 11, ""]) == (4, 2)


@given(st.integers(0, 5), st.integers(0, 5), st.none() | st.integers(0, 5))
def test_a_past_month_never_offers_units_that_the_latest_month_does_not_bill(
    billed: int, held: int, now: int | None
) -> None:
    found = hold_to_latest(differing(billed, held), AUGUST, latest(now))
    assert (found.action is not None) == (billed == (now or 0))
