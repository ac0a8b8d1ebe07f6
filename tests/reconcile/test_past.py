"""Past months: no write of theirs undoes what the latest complete month bills."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from xlsync.models import ActionLabel, Addition, Mismatch, MismatchKind, Month
from xlsync.reconcile.past import LatestMonth, hold_to_latest, offered
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


def test_an_addition_is_cancelled_by_a_past_month_only_if_nothing_billed_now_can_be_it() -> None:
    row = differing(0, 4)
    only = Mismatch(
        key="only:9", kind=MismatchKind.ONLY_IN_CONNECTWISE, customer="Contoso", product="Backup",
        company=7, agreement=1, item=2, addition=row.addition, connectwise_units=Decimal(4),
    )  # fmt: skip
    assert ActionLabel.CANCEL_ADDITION not in offered(hold_to_latest(only, AUGUST, latest(4)))
    assert ActionLabel.CANCEL_ADDITION not in offered(hold_to_latest(only, AUGUST, latest(None, 7)))
    assert ActionLabel.CANCEL_ADDITION in offered(hold_to_latest(only, AUGUST, latest(None)))


@given(st.integers(0, 5), st.integers(0, 5), st.none() | st.integers(0, 5))
def test_a_past_month_never_offers_units_that_the_latest_month_does_not_bill(
    billed: int, held: int, now: int | None
) -> None:
    found = hold_to_latest(differing(billed, held), AUGUST, latest(now))
    assert (found.action is not None) == (billed == (now or 0))
