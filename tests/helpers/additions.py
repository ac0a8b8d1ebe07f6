"""Additions of the sandbox's ConnectWise, as tests of their dates and of undo look at them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.helpers.desk import Desk, records
from xlsync.apply.actions import Change, Field, UpdateAddition
from xlsync.models import Addition
from xlsync.sandbox.connectwise.writes import empty_customs

SEEN = {  # of addition 52, as a tenant may have filled it
    "unitPrice": Decimal("23.45"),
    "unitCost": Decimal("17.20"),
    "lessIncluded": Decimal(2),
    "billCustomer": "DoNotBill",
    "taxableFlag": False,
    "invoiceDescription": "Seats of the Hamburg office",
    "description": "Premium seats (Hamburg)",
}
EXPORTED_CUSTOMS = {"Subscription ID": None, "Subscription Name": "by hand", "Cost Centre": "4711"}


def additions_of(desk: Desk, agreement: int, item: int) -> list[dict[str, Any]]:
    """The additions of one product on an agreement, the oldest first."""
    held = desk.sandbox.connectwise.additions.on_agreement(agreement)
    return [addition for addition in held if addition["product"]["id"] == item]


def customs(addition: dict[str, Any]) -> dict[str, Any]:
    return {field["caption"]: field.get("value") for field in addition["customFields"]}


def days(addition: dict[str, Any]) -> tuple[str | None, str | None]:
    """When an addition begins and when it ends."""
    begins, ends = addition.get("effectiveDate"), addition.get("cancelledDate")
    return begins and begins[:10], ends and ends[:10]


def fill_52(desk: Desk) -> None:
    """Addition 52 with values of its own, and a third custom field; renewed in the workbook."""
    state = desk.sandbox.connectwise
    definition = {**state.user_defined_fields[42], "id": 43, "caption": "Cost Centre"}
    state.user_defined_fields[43] = definition
    fields = empty_customs(state, "additions")
    for field in fields:
        if value := EXPORTED_CUSTOMS[field["caption"]]:
            field["value"] = value
    state.additions[52] = {**state.additions[52], **SEEN, "customFields": fields}
    assert desk.check().code == 0
    desk.forget_log()
    desk.before = records(desk.sandbox)


def one_more_unit(seen: Addition) -> UpdateAddition:
    """Make the update of an addition by one unit."""
    return UpdateAddition(
        key="update",
        rows=("units",),
        seen=seen,
        changes=(Change(Field.QUANTITY, seen.quantity, seen.quantity + 1),),
        customer="Contoso",
        product="Backup",
    )
