"""The BSS's own quantity of a subscription or an add-on."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.helpers.fake_bss import Fake, d, invoice, item, march, sub
from tests.helpers.remote import reply
from xlsync.billing.bss import Bss
from xlsync.errors import ApiError


def test_own_units_come_from_the_subscription_or_the_add_on(fake: Fake, bss: Bss) -> None:
    addon = sub(relatedAddon={"id": "a-1", "name": "x"})
    other = sub(relatedAddon={"id": "a-2", "name": "x"})
    lost, gone = sub("s-2"), sub("s-3")
    fake.invoices = [invoice("EX-1", *(
        item(f"i-{n}", subscriptions=[one]) for n, one in enumerate((sub(), addon, other, lost, gone, sub()))
    ))]  # fmt: skip
    fake.answers |= {
        "/api/subscriptions/s-1": {"id": "s-1", "quantity": 0, "status": "Active"},
        "/api/subscriptions/s-3": {"id": "s-3", "quantity": 5, "status": "Cancelled"},
        "/api/subscriptions/s-1/addons": [
            {"id": "a-1", "status": "Active", "quantity": Decimal("2.5"), "product": {"id": "p-7"}},
            {"id": "zz", "status": "Inactive", "quantity": 4, "product": {"id": "p-1"}},
            {"id": "zy", "status": "Active", "quantity": 3, "product": {"id": "p-1"}},
        ],
    }
    units = bss.list_own_units(march(bss))
    assert units["bss:s-1"] == 0
    assert units["bss:s-1/a-1"] == d("2.5")
    assert units["bss:s-1/a-2"] == 3
    lost_error, gone_error = units["bss:s-2"], units["bss:s-3"]
    assert isinstance(lost_error, ApiError)
    assert lost_error.status == 404
    assert isinstance(gone_error, ApiError)
    assert "the subscription is Cancelled" in gone_error.message
    assert len(fake.asked("/addons")) == 1


@pytest.mark.parametrize("answer", [None, "x", 5, {"data": [{"id": "other"}]}])
def test_own_units_of_an_add_on_that_is_not_told_are_an_error(fake: Fake, bss: Bss, answer: object) -> None:
    fake.answers["/api/subscriptions/s-1/addons"] = reply(answer)
    fake.invoices = [invoice("EX-1", item(subscriptions=[sub(relatedAddon={"id": "a-1", "name": "x"})]))]
    (units,) = bss.list_own_units(march(bss)).values()
    assert isinstance(units, ApiError)
    assert "tells of 0 add-ons Mail Standard" in units.message


@pytest.mark.parametrize("answer", [{"id": "s-1"}, {"id": "s-1", "quantity": None}, [], "x"])
def test_own_units_without_a_quantity_are_an_error(fake: Fake, bss: Bss, answer: object) -> None:
    fake.answers["/api/subscriptions/s-1"] = answer
    fake.invoices = [invoice("EX-1", item())]
    (units,) = bss.list_own_units(march(bss)).values()
    assert isinstance(units, ApiError)
