"""Numbers in the answers of services."""

from __future__ import annotations

from decimal import Decimal

import pytest

from xlsync.rest.failures import read_json


@pytest.mark.parametrize("number", ["1e-999999", "0E-999999999", "1e31", "-1E999999999", "NaN", "Infinity"])
def test_a_number_that_would_fill_the_memory_or_is_none_is_no_json(number: str) -> None:
    with pytest.raises(ValueError, match=r"size|Expecting value"):
        read_json(f'{{"quantity": {number}}}'.encode())


@pytest.mark.parametrize("number", ["12.50", "1e3", "1.5E-7", "17.200000000000003", "-0.0"])
def test_every_other_number_is_exact(number: str) -> None:
    assert read_json(number.encode()) == Decimal(number)
