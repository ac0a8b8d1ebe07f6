"""Amounts: money in cents, and how numbers, costs and counts are written. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

DIGITS: Final = 100  # precision in which sums of money are exact
_CENT: Final = Decimal("0.01")


def cents(amount: Decimal, months: int) -> Decimal:
    """Divide an amount billed for `months` months into one month's share, rounded to cents."""
    with localcontext(prec=DIGITS):
        return (amount / months).quantize(_CENT, ROUND_HALF_UP)


def impact_of(units: Decimal | None, price: Decimal | None, months: int) -> Decimal | None:
    """Return the *Monthly Impact*: units times price a month of the cycle; None where either is unknown."""
    return None if units is None or price is None else cents(units * price, months)


def counted(number: int, what: str) -> str:
    """Write a count with its noun, in the plural where needed: `1 line`, `2 lines`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def shortened(names: Sequence[object], most: int, between: str = ", ", last: str = " and ") -> str:
    """Write the first `most` names, and the number of the others: `A, B and 3 more`."""
    shown = between.join(map(str, names[:most]))
    return f"{shown}{last}{len(names) - most} more" if len(names) > most else shown


def tell_time_left(seconds: float) -> str:
    """Write how long something still takes: `40 s left`, `3 min left`."""
    return f"{seconds:.0f} s left" if seconds < 90 else f"{seconds / 60:.0f} min left"


def counted_units(units: Decimal) -> str:
    """`1 unit`, `2.5 units`."""
    return f"{tell_number(units)} unit{'' if units == 1 else 's'}"


def tell_number(number: Decimal) -> str:
    """Write a number without an exponent and without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tell_money(amount: Decimal, currency: str, sign: str = "") -> str:
    """Write an amount in cents with its currency, if that is known; a `+` as `sign` signs positive ones."""
    return f"{amount:{sign},.2f} {currency}".rstrip()


def plain_cost(cost: Decimal) -> str:
    """Write a cost with at least two decimals, and with all that it has: `1250.00`."""
    text = tell_number(cost)
    return f"{cost:.2f}" if len(text.partition(".")[2]) < 2 else text


def tell_cost(cost: Decimal) -> str:
    """Write a cost like `plain_cost`, in thousands: `1,250.00`."""
    return f"{Decimal(plain_cost(cost)):,f}"
