"""Money a month, in cents: what a mismatch, a change or a year's amount comes to. PURE."""

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
