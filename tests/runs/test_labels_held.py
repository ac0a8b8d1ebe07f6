"""What the hidden sheet says a row stands for is held against what the row shows people, before any write."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import MISMATCHES
from xlsync.apply.plan import is_label_of

INVOICES = "Invoices"
REDSTART = 37  # the agreement of addition 52


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("name", "Somebody else's", "the row shows the agreement Cloud Services, and would be written to"),
        (
            "company",
            "Somebody Else Ltd",
            "the row shows the customer Redstart Textiles, and would be written",
        ),
    ],
)
def test_a_row_whose_hidden_facts_stand_for_another_agreement_is_not_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, field: str, value: str, told: str
) -> None:
    """The names of the ids behind the row are others than its labels: as after forging, or a mix-up."""
    monkeypatch.setenv("XLSYNC_INVOICING", "enabled")
    with desk.editing() as hand:
        hand.approve("units:52")
        hand.set(INVOICES, f"invoice:{REDSTART}", {"Approve": "Yes"})
    agreement: dict[str, Any] = desk.sandbox.connectwise.agreements[REDSTART]
    if field == "company":
        company = desk.sandbox.connectwise.companies[agreement["company"]["id"]]
        company["name"] = agreement["company"]["name"] = value
    else:
        agreement[field] = value
    ran = desk.apply()
    assert (ran.code, desk.sent(), ran.json["skipped"]) == (3, [], 1)
    assert f"{told} {'to ' if field == 'company' else ''}{value}" in desk.read().get(
        MISMATCHES, "units:52", "Result"
    )
    invoiced = desk.run("invoice", str(desk.file), "--yes", "--json")
    assert (invoiced.code, desk.sent()) == (3, [])
    assert told in invoiced.json["actions"][0]["detail"]


@pytest.mark.parametrize("key", ["units:52", "add:38:15"])
def test_a_row_whose_hidden_facts_stand_for_another_product_is_not_written(desk: Desk, key: str) -> None:
    with desk.editing() as hand:
        hand.approve(key)
    for item in desk.sandbox.connectwise.catalog.values():
        item["identifier"] = f"OTHER-{item['id']}"
    for addition in desk.sandbox.connectwise.additions.values():
        addition["product"]["identifier"] = f"OTHER-{addition['product']['id']}"
    ran = desk.apply()
    assert (ran.code, desk.sent(), ran.json["skipped"]) == (3, [], 1)
    assert "and would be written to OTHER-" in desk.read().get(MISMATCHES, key, "Result")


@pytest.mark.parametrize(
    ("label", "name", "is_it"),
    [
        ("Cloud Services", "cloud  services", True),
        ("Cloud Services [37]", "Cloud Services", True),
        ("B1: Backup", "B1", True),
        ("", "Cloud Services", True),  # the row shows the distributor's name, or none
        ("Cloud", "Cloud Services", False),
        ("Contoso", "Fabrikam", False),
    ],
)
def test_a_label_may_have_more_than_the_name_and_never_less(label: str, name: str, is_it: bool) -> None:
    assert is_label_of(label, name) is is_it
