"""Marks in ConnectWise: an addition's contract and a product's code, for links that nobody remembers."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES, NEW, day
from tests.helpers.world import DeskAfter

PIPIT = "Pipit Tutors"
EXTRA = "Cloud Services Extra"


def customs(addition: dict[str, Any]) -> dict[str, Any]:
    """The custom fields that have a value."""
    fields = addition.get("customFields", ())
    return {field["caption"]: field["value"] for field in fields if field.get("value")}


def newest(desk: Desk) -> dict[str, Any]:
    return desk.addition(max(desk.sandbox.connectwise.additions))


def set_creation(desk: Desk, text: str) -> None:
    (desk.folder / "xlsync.toml").write_text(f"[creation]\n{text}\n", encoding="utf-8")


def forget_everything(desk: Desk) -> None:
    """A colleague's machine: no link, no cache, no workbook; ConnectWise alone knows."""
    for name in ("links", "cache", "journal"):
        shutil.rmtree(desk.home / name, ignore_errors=True)
    desk.file.unlink()
    assert desk.links() == []


def move_to_extra(desk: Desk) -> None:
    """Pipit's Exchange line on one agreement, its other line on the other, as a person chose."""
    with desk.editing() as hand:
        line = hand.line(PIPIT, "Exchange")
        assert hand.get(LINES, line, "ConnectWise Agreement") is None
        hand.set(LINES, line, {"ConnectWise Agreement": EXTRA})
    assert desk.check().code == 0
    with desk.editing() as hand:
        hand.set(LINES, hand.line(PIPIT, "Standard"), {"ConnectWise Agreement": "Cloud Services"})
    assert desk.check().code == 0
    with desk.editing() as hand:
        (row,) = (key for key in hand.rows(MISMATCHES) if key.startswith("add:") and key.endswith(":5")
                  and hand.get(MISMATCHES, key, "Customer") == PIPIT)  # fmt: skip
        hand.approve(row)
    assert desk.apply().code == 0


def create_dark_web_watch(desk: Desk) -> dict[str, Any]:
    """The product that the catalog lacks, created; renamed since, so that no name tells it."""
    with desk.editing() as hand:
        hand.set(LINES, hand.line("", "Dark Web Watch"), {"ConnectWise Product": "(create new)"})
    assert desk.check().code == 0
    with desk.editing() as hand:
        (key,) = (key for key, name in hand.column(NEW, "Name").items() if name == "Dark Web Watch")
        hand.approve(key, Price=1.5)
    assert desk.apply().code == 0
    catalog = desk.sandbox.connectwise.catalog
    item = catalog[max(catalog)]
    item |= {"identifier": "ZZ-1", "description": "Sentinel", "customerDescription": "Sentinel"}
    assert isinstance(item, dict)
    return item


# Links carried by marks


def test_a_link_is_carried_by_the_mark_alone(desk_after: DeskAfter) -> None:
    desk = desk_after(move_to_extra)
    line = desk.read().line(PIPIT, "Exchange")
    contract = desk.read().get(LINES, line, "Contract ID")
    forget_everything(desk)
    assert desk.export().code == 0
    hand = desk.read()
    assert hand.get(LINES, line, "ConnectWise Agreement") == EXTRA
    assert hand.get(LINES, line, "Status") == "OK"
    assert desk.check().code == 0
    (kept,) = (link for link in desk.links() if link[1] == f"bss:{contract}")
    assert kept[-1] == "marked in ConnectWise"


def test_where_only_the_contract_is_forgotten_the_match_says_marked_in_connectwise(
    desk_after: DeskAfter,
) -> None:
    desk = desk_after(move_to_extra)
    line = desk.read().line(PIPIT, "Exchange")
    assert desk.check().code == 0
    hand = desk.read()
    assert hand.get(LINES, line, "Match") != "marked in ConnectWise"
    contract = str(hand.get(LINES, line, "Contract ID"))
    assert desk.run("links", "forget", contract, "--yes").code == 0
    desk.file.unlink()
    desk.export()
    hand = desk.read()
    assert hand.get(LINES, line, "ConnectWise Agreement") == EXTRA
    assert hand.get(LINES, line, "Match") == "marked in ConnectWise"


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        ("", "vendorSku"),
        ('code_field = "integrationXRef"', "integrationXRef"),
        ('code_field = "none"', None),
    ],
)
def test_a_created_product_carries_its_code_where_the_settings_say(
    desk: Desk, setting: str, field: str | None
) -> None:
    set_creation(desk, setting)
    line = desk.read().line("", "Dark Web Watch")
    item = create_dark_web_watch(desk)
    fields = {"vendorSku", "integrationXRef", "manufacturerPartNumber"}
    assert {name for name in fields if item.get(name)} == ({field} if field else set())
    forget_everything(desk)
    assert desk.export().code == 0
    linked = desk.read().get(LINES, line, "ConnectWise Product")
    assert linked == ("ZZ-1: Sentinel" if field else None)


def test_a_created_addition_carries_subscription_id_and_name(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("add:38:15")
        line = hand.line("Siskin Electrics", "Windows 365")
        marks = {
            "Subscription ID": hand.get(LINES, line, "Contract ID"),
            "Subscription Name": hand.get(LINES, line, "Product"),
        }
    assert desk.apply().code == 0
    assert customs(newest(desk)) == marks


def test_a_setting_leaves_created_additions_unmarked(desk: Desk) -> None:
    set_creation(desk, "mark_additions = false")
    with desk.editing() as hand:
        hand.approve("add:38:15")
    assert desk.apply().code == 0
    assert customs(newest(desk)) == {}
    assert "customFields" not in desk.sandbox.writes[0].body


@pytest.mark.parametrize("captions", [(), ("Subscription ID",), ("Subscription Name",)])
def test_only_the_custom_fields_that_the_tenant_has_are_written(
    desk: Desk, captions: tuple[str, ...]
) -> None:
    state = desk.sandbox.connectwise
    for key, field in list(state.user_defined_fields.items()):
        if field["caption"] not in captions:
            del state.user_defined_fields[key]
    for addition in state.additions.values():
        addition["customFields"] = [f for f in addition["customFields"] if f["caption"] in captions]
    with desk.editing() as hand:
        hand.approve("add:38:15")
    assert desk.apply().code == 0
    assert customs(newest(desk)).keys() == set(captions)


def test_the_first_addition_of_a_new_agreement_is_marked_too(desk: Desk) -> None:
    """No addition shows the ids of the custom fields there: their definitions do."""
    with desk.editing() as hand:
        line = hand.line("Quillfeather Books")
        new = {"ConnectWise Customer": "(create new)", "ConnectWise Agreement": "(create new)"}
        hand.set(LINES, line, new)
        contract = hand.get(LINES, line, "Contract ID")
    desk.check()
    with desk.editing() as hand:
        hand.approve("customer:bss:622", Contact_First_Name="Ada", Identifier="QUILL")
        hand.approve("agreement:bss:622|Monthly", "add:agreement:bss:622|Monthly:1")
    assert desk.apply().code == 0
    assert customs(newest(desk))["Subscription ID"] == contract


def test_existing_additions_are_never_marked(desk: Desk) -> None:
    """Neither by a change, nor by a cancellation, nor by a successor; a mark that was there stays."""
    desk.addition(53)["customFields"][0]["value"] = "by hand"
    desk.check()
    with desk.editing() as hand:
        hand.approve("units:55", "cost:55", "cost:54")
        hand.approve("units:52", "units:53", Effective_From=day("2026-10-14"))
        hand.approve("only:62", Action="Cancel addition")
    before = {key: customs(one) for key, one in desk.sandbox.connectwise.additions.items()}
    assert desk.apply("--force").code == 0
    after = {key: customs(one) for key, one in desk.sandbox.connectwise.additions.items()}
    assert {key: after[key] for key in before} == before
    made = after.keys() - before.keys()
    assert sorted(after[key].get("Subscription ID", "") for key in made) == ["", "by hand"]
