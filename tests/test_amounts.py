"""How counts and names are written."""

from __future__ import annotations

from decimal import Decimal

import pytest

from xlsync.amounts import shortened, tell_money


@pytest.mark.parametrize(
    ("names", "text"),
    [("", ""), ("A", "A"), ("AB", "A, B"), ("ABC", "A, B and 1 more"), ("ABCD", "A, B and 2 more")],
)
def test_a_long_list_shows_its_first_names_and_the_number_of_the_others(names: str, text: str) -> None:
    assert shortened([*names], 2) == text


def test_a_list_of_phrases_is_parted_by_semicolons() -> None:
    assert shortened(["A, or B", "C", "D"], 2, "; ", "; and ") == "A, or B; C; and 1 more"


def test_money_has_its_currency_behind_it_where_that_is_known() -> None:
    assert tell_money(Decimal("-1234.5"), "EUR") == "-1,234.50 EUR"
    assert [tell_money(Decimal(2), "", sign) for sign in ("", "+")] == ["2.00", "+2.00"]
