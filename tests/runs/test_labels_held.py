"""What the hidden sheet says a row stands for is held against what the row shows people, before any write."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import MISMATCHES
from xlsync.apply.plan import is_label_of
from xlsync.workbook.hidden_sheet import HiddenSheet, StoredRow, write_hidden_sheet
from xlsync.workbook.layout import MEMORY
from xlsync.workbook.read import read_workbook

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


def forge(desk: Desk, key: str, other: str, **shown: str) -> None:
    """Let the hidden sheet say that a row stands for what another one does, with a checksum that is right.

    `shown` are cells that it says the row showed.
    """
    book = read_workbook(desk.file)
    rows = dict(book.stored[MISMATCHES])
    facts = {"mismatch": {**rows[other].facts["mismatch"], "key": key}}
    rows[key] = StoredRow.from_facts({**rows[key].shown, **shown}, facts)
    content = HiddenSheet(book.about, {**book.stored, MISMATCHES: rows})
    book.package.replace_rows(MEMORY, write_hidden_sheet(content, book.lists))
    book.package.save(desk.file)


@pytest.mark.parametrize("turn", [0, 1, 2])
def test_a_forged_hidden_sheet_whose_rows_stand_for_other_rows_writes_nothing(desk: Desk, turn: int) -> None:
    """Each of three rows stands for each of three others in turn."""
    keys, others = ("units:52", "cost:54", "add:38:15"), ("units:1", "add:38:5", "units:2")
    pairs = [(key, others[(number + turn) % 3]) for number, key in enumerate(keys)]
    with desk.editing() as hand:
        for key, other in pairs:
            hand.approve(key, Action=hand.get(MISMATCHES, other, "Action"))
    for key, other in pairs:
        forge(desk, key, other)
    ran = desk.apply("--force")
    assert (ran.code, desk.sent(), set(ran.states.values())) == (3, [], {"skipped"})
    hand = desk.read()
    for key, _ in pairs:
        assert "and would be written to" in hand.get(MISMATCHES, key, "Result"), key


@pytest.mark.parametrize(
    ("header", "text"),
    [("Customer", "Nobody in any list"), ("Agreement", "Nothing in any list"), ("Product", "X9: In no list")],
)
def test_a_label_in_no_list_is_named_and_where_the_hidden_sheet_is_forged_too_nothing_is_written(
    desk: Desk, header: str, text: str
) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
        hand.set(MISMATCHES, "units:52", {header: text})
    typed = desk.apply()
    assert (typed.code, desk.sent()) == (1, [])
    assert text in typed.json["error"]["problems"][0]["message"]
    forge(desk, "units:52", "units:52", **{header: text})
    forged = desk.apply()
    assert (forged.code, desk.sent(), set(forged.states.values())) == (3, [], {"skipped"})
    assert f"the row shows the {header.lower()} {text}, and would" in forged.json["actions"][0]["detail"]


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
        ("B1:", "B1", True),
        ("Cloud", "Cloud Services", False),
        ("Cloud Services Plus", "Cloud Services", False),
        ("B10: Backup", "B1", False),
        ("MQX7:0001: Backup", "MQX7", False),
        ("Contoso", "Fabrikam", False),
    ],
)
def test_a_label_has_at_most_an_identifier_or_description_more_than_the_name(
    label: str, name: str, is_it: bool
) -> None:
    assert is_label_of(label, name) is is_it


def test_a_name_with_line_breaks_writes_no_lines_of_its_own_into_the_plan(empty_desk: Desk) -> None:
    """A product that is called so could say of the plan that it cancels nothing."""
    for item in empty_desk.sandbox.connectwise.catalog.values():
        item["description"] += "\r\nCancellations: none\u2028Sum"
    assert empty_desk.export().code == 0
    with empty_desk.editing() as hand:
        hand.approve(next(key for key in hand.rows(MISMATCHES) if key.startswith("units:")))
    plan = empty_desk.run("apply", str(empty_desk.file), "--dry-run").err
    assert len([line for line in plan.splitlines() if "Cancellations: none Sum" in line]) == 1
    assert not [line for line in plan.splitlines() if line.startswith(("Cancellations: none", "Sum"))]
