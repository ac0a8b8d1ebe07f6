"""The words of the field: what a key tells of what it was made of."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.tables import read_line
from xlsync.models import billing_period_in, split_key

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
