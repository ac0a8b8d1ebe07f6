"""Numbers as people write them: every reading that a text allows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlsync.billing.reports.numbers import read_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", "12"), ("0", "0"), ("-3", "-3"), ("+3", "3"), ("(3.50)", "-3.50"), ("3.5-", "-3.5"), ("−2",
            "-2"),
        ("1.234,50", "1234.50"), ("1,234.50", "1234.50"), ("1 234,50", "1234.50"), ("1\u202f234,5", "1234.5"),
        ("1'234.50", "1234.50"), ("1.234.567", "1234567"), ("1,234,567", "1234567"), ("0,125", "0.125"),
        ("1234,500", "1234.500"), (".5", "0.5"), ("10.3000", "10.3000"), ("€ 12,50", "12.50"),
        ("12.50 EUR", "12.50"), ("$1,234.50", "1234.50"), ("-€5.00", "-5.00"), ("$(5.05)", "-5.05"),
        ("$-", "0"), ("'6", "6"), ("4.5E-05", "0.000045"), ("1,5E+03", "1500"), ("1,23,456.00", "123456.00"),
        ("US$ 9.50", "9.50"), ("12,50 kr", "12.50"), ("CHF 5.05", "5.05"), ("5.05 CR", "-5.05"),
        ("5.05CR", "-5.05"), ("1,234.50 DR", "1234.50"), ("CR 5.05", "-5.05"), ("5.05 € CR", "-5.05"),
        ("5.05 EUR CR", "-5.05"), ("–5.05", "-5.05"), ("-5.05 CR", None), ("5.05 Cr", None),
    ],
)  # fmt: skip
def test_a_clear_number_is_read(text: str, number: str | None) -> None:
    read = read_number(text)
    if number is None:
        assert read is None
    else:
        assert read is not None
        assert read.is_clear
        assert (read.comma if read.point is None else read.point) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    ["x", "1,2,3", "1.23.456", "12 34", "1.234,567.8", "1,,2", "--1", "5%", "1.", ",", "1 23,4", "2026-03-01",
     "Infinity", "nan", "(-5)", "1e999", "²", "12abc"],
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize("text", ["1,234", "1.234", "999.000", "-12,345", "$1,234"])
def test_a_number_that_may_be_two_keeps_both_readings(text: str) -> None:
    read = read_number(text)
    assert read is not None
    assert not read.is_clear
    assert read.proves is None
    assert {read.point, read.comma} == {
        Decimal(text.replace("$", "").replace(",", ".")),
        Decimal(text.replace("$", "").replace(",", "").replace(".", "")),
    }


@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(".,"), st.booleans())
def test_a_number_written_either_way_is_read_back(number: Decimal, mark: str, grouped: bool) -> None:
    text = f"{number:,.2f}" if grouped else f"{number:.2f}"
    if mark == ",":
        text = text.translate(str.maketrans(".,", ",."))
    read = read_number(text)
    assert read is not None
    assert read.by(mark) == number  # type: ignore[arg-type]
    assert read.is_clear


@given(st.text(alphabet="0123456789.,'- ()€EUR$kr", max_size=14))
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    read = read_number(text)
    for number in (read.point, read.comma) if read is not None else ():
        assert number is None or number.is_finite()
