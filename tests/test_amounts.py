"""How counts and names are written."""

from __future__ import annotations

import pytest

from xlsync.amounts import shortened


@pytest.mark.parametrize(
    ("names", "text"),
    [("", ""), ("A", "A"), ("AB", "A, B"), ("ABC", "A, B and 1 more"), ("ABCD", "A, B and 2 more")],
)
def test_a_long_list_shows_its_first_names_and_the_number_of_the_others(names: str, text: str) -> None:
    assert shortened([*names], 2) == text


def test_a_list_of_phrases_is_parted_by_semicolons() -> None:
    assert shortened(["A, or B", "C", "D"], 2, "; ", "; and ") == "A, or B; C; and 1 more"
