"""The billing of November 2026, with which the demo goes on, with surprises of its own.

Every subscription is billed on with the units that October left, so that what is linked in October is linked
in November. The surprises concern subscriptions on which both systems agree in October.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from xlsync.sandbox.world.sales import first, last, money

if TYPE_CHECKING:
    from xlsync.sandbox.world.story import Story

NOVEMBER: Final = (2026, 11)
_MORE_UNITS, _DEARER, _ENDED, _BUYS_MORE = 0, 1, 2, 3  # which of the customers that agree
_BOUGHT: Final = "M365 - Business Basic (New Commerce)"
_NEW_CUSTOMER: Final = "Dabchick Opticians"


def bill(story: Story) -> None:
    """Issue November's invoices, after those of the other months."""
    sold = story.sold
    sold.runs = {NOVEMBER: []}
    by_customer = {held.customer.id: held for held in reversed(story.agreed) if held.term == "month"}
    surprised = list(by_customer.values())[::-1]
    surprised[_MORE_UNITS].now += 2
    surprised[_DEARER].cost = money(surprised[_DEARER].cost * Decimal("1.05"))
    for held, change in ((surprised[_MORE_UNITS], "quantity"), (surprised[_ENDED], "status")):
        record = sold.bss.subscriptions[held.id]
        record[change] = "Cancelled" if change == "status" else int(held.now)
    for held in sold.held:
        is_due = held.term != "annual" or (held.start.month == NOVEMBER[1] and held.start.year < NOVEMBER[0])
        if is_due and held.now and sold.bss.subscriptions[held.id]["status"] == "Active":
            sold.charge(held, NOVEMBER, held.now)
    for held, product, count, key in sold.held_addons:
        price = Decimal(product.offer.cost)
        line = sold.line(held, first(NOVEMBER), last(NOVEMBER), price, count, addon=(product, key))
        sold.runs[NOVEMBER].append(line)
    new = sold.customer(_NEW_CUSTOMER)
    for customer, units in ((surprised[_BUYS_MORE].customer, "3"), (new, "4")):
        held = sold.subscribe(
            customer, story.products[_BOUGHT], [Decimal(0)] * 3, now=Decimal(units), start=first(NOVEMBER)
        )
        sold.charge(held, NOVEMBER, held.now)
    sold.close()
