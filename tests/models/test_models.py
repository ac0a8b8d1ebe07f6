"""The words of the field: what keys tell of what they were made of, and an addition of its status."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.tables import read_line
from xlsync.models import Addition, billing_period_in, split_key
from xlsync.records import replace

LINE = read_line({"line": "a"})
PERIODS = st.sampled_from(["", "Monthly", "Annual", "P1Y"])


@given(code=st.text("ab|:", max_size=6), billing=PERIODS, commitment=PERIODS)
def test_a_product_key_tells_the_billing_period_whatever_the_products_code_holds(
    code: str, billing: str, commitment: str
) -> None:
    line = replace(LINE, product_code=code, billing_period=billing, commitment_period=commitment)
    assert billing_period_in(line.product_key) == billing


def test_a_key_that_is_no_product_key_tells_no_period() -> None:
    assert billing_period_in("bss:7") == ""


@given(id_=st.text("ab|:", min_size=1, max_size=6), source=st.sampled_from(["bss", "report"]))
def test_a_customer_key_tells_its_source_and_the_id_there(id_: str, source: str) -> None:
    line = replace(LINE, customer_id=id_, source=source)
    assert split_key(line.customer_key) == (source, id_)


@pytest.mark.parametrize(("ended", "is_told"), [(-2, True), (-1, False), (0, False), (1, False)])
@pytest.mark.parametrize("begun", [-2, -90])
def test_an_active_addition_contradicts_its_end_once_that_is_past_in_every_time_zone(
    ended: int, is_told: bool, begun: int
) -> None:
    """ConnectWise decides by its own day, which may be the one before or after this machine's."""
    today = dt.date(2026, 11, 1)
    active = addition("Active", today + dt.timedelta(begun), today + dt.timedelta(ended))
    assert bool(active.contradiction(today)) is is_told


@pytest.mark.parametrize(("ends", "is_told"), [(-1, False), (0, False), (1, True), (None, True)])
def test_a_cancelled_addition_contradicts_its_end_while_that_is_ahead_in_every_time_zone(
    ends: int | None, is_told: bool
) -> None:
    today = dt.date(2026, 11, 1)
    end = None if ends is None else today + dt.timedelta(ends)
    assert bool(addition("Cancelled", dt.date(2026, 1, 1), end).contradiction(today)) is is_told
    assert not addition("Cancelled", today, end).contradiction(today)  # it may not have begun there


def addition(status: str, effective: dt.date, cancelled: dt.date | None) -> Addition:
    return Addition(
        id=1, agreement_id=2, item_id=3, quantity=Decimal(1),
        effective=effective, cancelled=cancelled, status=status,
    )  # fmt: skip
