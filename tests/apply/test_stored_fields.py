"""What ConnectWise stored of a creation, held against what was sent."""

from __future__ import annotations

from decimal import Decimal

import pytest

from xlsync.apply.stored_fields import id_in, tell_differences, unanswered_fields

SENT = {
    "product": {"id": 15},
    "quantity": Decimal(5),
    "unitCost": Decimal("1.50"),
    "effectiveDate": "2026-10-01T00:00:00Z",
}


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"id": None}, {"id": "7"}, {"id": 0}, {"id": -3}, {"id": True}]
)
def test_an_answer_that_tells_no_id_that_can_be_one_is_not_believed(answer: object) -> None:
    assert id_in(answer) is None


def test_the_same_values_in_another_form_are_no_difference() -> None:
    stored = {
        "id": 7,
        "product": {"id": 15, "identifier": "X"},
        "quantity": Decimal("5.00"),
        "unitCost": Decimal("1.5"),
        "effectiveDate": "2026-10-01T00:00:00.000Z",
    }
    assert (id_in(stored), tell_differences(SENT, stored)) == (7, "")


def test_what_an_answer_leaves_out_is_to_be_read_and_otherwise_stored_empty() -> None:
    assert unanswered_fields(SENT, {"id": 7, "quantity": Decimal(5), "unitCost": None}) == [
        "product",
        "unitCost",
        "effectiveDate",
    ]
    told = tell_differences(SENT, {**SENT, "effectiveDate": None})
    assert told == "ConnectWise stored effectiveDate empty instead of 2026-10-01"


def test_numbers_and_dates_of_another_form_are_compared_by_what_they_say() -> None:
    stored = {"product": {"id": 15}, "quantity": "5", "unitCost": "1.500", "effectiveDate": "10/01/2026"}
    told = tell_differences(SENT, stored)
    assert told == "ConnectWise stored effectiveDate 10/01/2026 instead of 2026-10-01"  # which day is it?


def test_an_end_or_included_units_that_nobody_sent_are_told() -> None:
    stored = {**SENT, "cancelledDate": "2026-10-05T00:00:00Z", "lessIncluded": Decimal(3)}
    assert tell_differences(SENT, stored).split("; ") == [
        "ConnectWise stored lessIncluded 3 instead of empty",
        "ConnectWise stored cancelledDate 2026-10-05 instead of empty",
    ]
    assert tell_differences(SENT, {**SENT, "lessIncluded": Decimal(0)}) == ""


def test_a_text_of_any_length_is_told_shortly() -> None:
    assert len(tell_differences({"name": "Acme"}, {"name": "x" * 100_000})) < 150


def test_each_value_that_was_stored_otherwise_is_told() -> None:
    changed = {"product": {"id": 16}, "quantity": Decimal(3), "effectiveDate": "2026-11-01T00:00:00Z"}
    stored = {**SENT, **changed}
    assert tell_differences(SENT, stored).split("; ") == [
        "ConnectWise stored product 16 instead of 15",
        "ConnectWise stored quantity 3 instead of 5",
        "ConnectWise stored effectiveDate 2026-11-01 instead of 2026-10-01",
    ]


@pytest.mark.parametrize("name", ["unitPrice", "lessIncluded", "price", "cost"])
def test_money_and_included_units_that_were_stored_otherwise_are_told(name: str) -> None:
    """A successor takes price and included units over; a product is created with price and cost."""
    told = tell_differences({name: Decimal("3.20")}, {"id": 7, name: Decimal("0.01")})
    assert told == f"ConnectWise stored {name} 0.01 instead of 3.2"
