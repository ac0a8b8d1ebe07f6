"""Rows are as high as their text needs: neither cut nor a line too high."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsync.xlsx.cells import wrapped_lines

MEASURED = {  # in Calibri of 10 points, in a column of 100 digits
    "Billed 133.90 EUR by the distributor. Only suggested: on sheet Billing Lines set Match to confirmed, or"
    " choose another.": 1,
    "Billed 68.80 EUR by the distributor. Choose the ConnectWise customer and agreement on sheet Billing"
    " Lines.": 1,
    "Billed 18; ConnectWise has 15.": 1,
    "Several active additions of this product: 67 with 1, 68 with 2. Which of them counts must be settled in"
    " ConnectWise: cancel all but one, or mark each with its Subscription ID.": 2,
    "The month holds no charge for a full period, only 5 from 2026-10-12: 25 is the BSS's own quantity of the"
    " subscription. Billed 25; ConnectWise has 20. Prorated lines alone tell no unit cost: costs are not"
    " compared.": 2,
    "Billed yearly and not due this month. The distributor billed nothing for it this month. Billed yearly:"
    " cancelling it may give a running term away.": 2,
}


@pytest.mark.parametrize("text", MEASURED)
def test_explanations_take_the_lines_that_were_measured(text: str) -> None:
    assert wrapped_lines(text, 100) == MEASURED[text]


def test_lines_break_at_words_and_long_words_within() -> None:
    assert wrapped_lines("aaaaaa bbbbbb", 9) == 2
    assert wrapped_lines("a" * 30, 11.5) == 3
    assert wrapped_lines("one\n\nthree", 50) == 3
    assert wrapped_lines("", 50) == 1


def test_wide_letters_count_twice() -> None:
    assert wrapped_lines("\u8a9e" * 10, 11.5) == 2


@given(st.text(max_size=200), st.text(max_size=40), st.floats(1, 200))
def test_more_text_never_takes_fewer_lines(text: str, more: str, width: float) -> None:
    assert wrapped_lines(text, width) <= wrapped_lines(text + more, width)
