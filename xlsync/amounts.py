"""Amounts: money in cents, and how numbers, costs and counts are written. PURE."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

DIGITS: Final = 100  # sums of money never lose one
_CENT: Final = Decimal("0.01")


def cents(amount: Decimal, months: int) -> Decimal:
    """A month of an amount that is billed for so many, in cents."""
    with localcontext(prec=DIGITS):
        return (amount / months).quantize(_CENT, ROUND_HALF_UP)


def impact_of(units: Decimal | None, price: Decimal | None, months: int) -> Decimal | None:
    """The *Monthly Impact* of units at a price per billing cycle; None where either is not known."""
    return None if units is None or price is None else cents(units * price, months)


def counted(number: int, what: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def tell_number(number: Decimal) -> str:
    """A number as people write it: no exponent, no idle zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tell_cost(cost: Decimal) -> str:
    """A cost with two decimals, or as many more as it has."""
    text = tell_number(cost)
    return f"{cost:.2f}" if len(text.partition(".")[2]) < 2 else text
