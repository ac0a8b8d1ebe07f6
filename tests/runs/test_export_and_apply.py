"""Whole runs by the real commands: export, approve, apply, apply again."""

from __future__ import annotations

import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from tests.helpers.desk import OCTOBER, Desk, records
from tests.helpers.hand import LINES, MISMATCHES, NEW
from xlsync.apply.one_writer import one_writer
from xlsync.config import load_settings
from xlsync.sandbox.server import Sandbox


def test_apply_writes_what_was_approved_and_nothing_else(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "cost:54", "add:38:15")
        hand.approve("units:53", New_Units=19)
        hand.approve("units:55")
        hand.approve("cost:55")
        hand.set(MISMATCHES, "units:7", {"Approve": "No"})
        hand.set(MISMATCHES, "units:69", {"Action": "Ignore"})
    ran = desk.apply()
    assert ran.code == 0
    made = max(desk.sandbox.connectwise.additions)
    told = desk.changes
    assert (
        told.pop(("additions", made)).items()
        >= {
            "agreementId": 38,
            "quantity": Decimal(2),
            "unitCost": Decimal("38.2"),
            "billCustomer": "Billable",
            "effectiveDate": "2026-10-01T00:00:00Z",
        }.items()
    )
    assert told == {
        ("additions", 52): {"quantity": 18},
        ("additions", 53): {"quantity": 19},
        ("additions", 54): {"unitCost": Decimal("5.05")},
        ("additions", 55): {"quantity": 4, "unitCost": Decimal("8.45")},
    }
    assert desk.addition(made)["product"]["id"] == 15
    assert len(desk.sandbox.writes) == 5  # both rows of addition 55 in one request
    assert (ran.json["done"], ran.json["skipped"]) == (5, 0)


def test_a_new_addition_carries_its_contract(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("add:38:15")
        key = hand.line("Siskin Electrics", "Windows 365")
        contract = hand.get(LINES, key, "Contract ID")
    desk.apply()
    made = desk.addition(max(desk.sandbox.connectwise.additions))
    assert {field["caption"]: field["value"] for field in made["customFields"]} == {
        "Subscription ID": contract,
        "Subscription Name": "Windows 365 Business 2 vCPU 8 GB 128 GB",
        "Reviewed": None,  # ConnectWise answers with every field that it defines
    }


def test_a_second_apply_writes_nothing_and_ends_well(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "cost:54", "add:38:15", "units:55", "cost:55")
    desk.apply()
    after = records(desk.sandbox)
    desk.forget_log()
    again = desk.apply()
    assert (again.code, desk.sent(), records(desk.sandbox)) == (0, [], after)
    assert set(again.states.values()) == {"already"}


def test_results_stand_in_the_rows_they_are_of_and_a_backup_beside(desk: Desk) -> None:
    untouched = desk.file.read_bytes()
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
    approved = desk.file.read_bytes()
    desk.apply()
    results = {k: text for k, text in desk.read().column(MISMATCHES, "Result").items() if text}
    assert results.keys() == {"units:52", "add:38:15"}
    assert all(text.startswith("done") for text in results.values())
    assert (desk.folder / "xlsync-2026-10.backup.xlsx").read_bytes() == approved != untouched


def test_check_after_apply_finds_the_mended_rows_gone(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "cost:54", "add:38:15")
    desk.apply()
    assert desk.check().code == 0
    hand = desk.read()
    assert not {"units:52", "cost:54", "add:38:15"} & hand.rows(MISMATCHES).keys()
    assert hand.get(LINES, hand.line("Redstart Textiles", "Business Premium"), "Status") == "OK"


def test_a_dry_run_sends_no_write_and_changes_no_file(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
    before = {path: path.read_bytes() for path in desk.folder.glob("*.xlsx")}
    ran = desk.apply("--dry-run")
    assert (ran.code, desk.sent(), desk.changes) == (0, [], {})
    assert set(ran.states.values()) == {"planned"}
    assert {path: path.read_bytes() for path in desk.folder.glob("*.xlsx")} == before


def test_without_yes_and_without_a_terminal_nothing_is_written(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    ran = desk.run("apply", OCTOBER)
    assert (ran.code, desk.sent(), desk.changes) == (1, [], {})
    assert "--yes" in ran.err
    assert "Not written" in ran.err


def test_a_workbook_without_approvals_is_nothing_to_do(desk: Desk) -> None:
    ran = desk.apply()
    assert (ran.code, ran.json["actions"], desk.sent()) == (0, [], [])
    assert "Nothing to do" in ran.err


def test_an_empty_new_units_stands_for_the_bss_units(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", New_Units=None)
    desk.apply()
    assert desk.changes == {("additions", 52): {"quantity": 18}}


def test_zero_units_are_a_number_and_not_an_empty_cell(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:55", New_Units=0)
    assert desk.apply("--force").code == 0
    assert desk.changes == {("additions", 55): {"quantity": 0}}


def test_fractions_of_units_and_cost_arrive_as_they_were_typed(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:55", New_Units=0.1, New_Cost=3.4567)
    desk.apply("--force")
    assert desk.changes == {("additions", 55): {"quantity": Decimal("0.1"), "unitCost": Decimal("3.4567")}}


def test_the_demo_needs_no_account_and_keeps_its_state_between_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XLSYNC_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    desk = Desk(Sandbox(), tmp_path, tmp_path / OCTOBER)
    assert desk.export("--demo").code == 0
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
    assert desk.apply("--demo").json["done"] == 2
    assert set(desk.apply("--demo").states.values()) == {"already"}
    assert desk.check("--demo").code == 0
    assert "units:52" not in desk.read().rows(MISMATCHES)
    assert desk.run("apply", OCTOBER, "--yes").code == 1  # the demo's workbook is of no other environment


def test_hostile_names_are_text_cells(desk: Desk) -> None:
    hand = desk.read()
    formulas = [key for key, product in hand.column(LINES, "Product").items() if product == "=1+1"]
    assert formulas
    assert all(hand.cell(LINES, key, "Product").data_type == "s" for key in formulas)
    for customer in (
        '"Quoted" & O\'Brien Daughters',
        "+Plus Pharmacy",
        "@Home Care",
        "株式会社ひかり",
        "مخبز النور",
    ):
        keys = [key for key, name in hand.column(LINES, "Customer").items() if name == customer]
        assert keys
        assert all(hand.cell(LINES, key, "Customer").data_type == "s" for key in keys)


NASTY = {  # by account, none of which is linked
    622: "=2+2",
    617: 'The "Big" O\'Neil \\ Co.',
    618: "Upper\nLower",
    623: "Blå Bølge 🌊",
    624: "Night\u200bjar",
    625: "مقهى الزيتون",
}


def test_hostile_names_reach_connectwise_as_they_are_in_the_bss(empty_desk: Desk) -> None:
    desk, bss = empty_desk, empty_desk.sandbox.bss
    parts = [
        part
        for invoice in bss.invoices
        for item in invoice["items"]
        for part in (item, *item.get("_parts", ()))
    ]
    held = [
        bought["account"]
        for bought in (*bss.subscriptions.values(), *(one for part in parts for one in part["subscriptions"]))
    ]
    for account in (*bss.accounts.values(), *held):
        account["name"] = NASTY.get(account["id"], account["name"])
    assert desk.export().code == 0
    with desk.editing() as hand:
        for account in NASTY:
            key = f"customer:bss:{account}"
            assert hand.cell(NEW, key, "For").data_type == "s"
            hand.approve(key, Identifier=f"NASTY{account}")
            shown = hand.get(NEW, key, "For")
            for line, customer in hand.column(LINES, "Customer").items():
                if customer == shown:  # it may look like another, so its lines ask for it
                    hand.set(LINES, line, {"ConnectWise Customer": "(create new)"})
    assert desk.apply().code == 0
    names = {request.body["identifier"]: request.body["name"] for request in desk.sandbox.writes}
    for account, name in NASTY.items():
        sent = " ".join(name.split()) if "\n" in name else name  # ConnectWise makes a line break a blank
        assert names[f"NASTY{account}"] in {name, sent}
    assert len(desk.sandbox.writes) == len(NASTY)


def test_a_second_apply_is_refused_while_one_writes_to_the_same_environment(approved: Desk) -> None:
    with one_writer(approved.home, load_settings(bss=False, connectwise=True).environment):
        refused = approved.apply()
        assert refused.code == 1
        assert "Another run writes to" in refused.err
        assert approved.apply("--dry-run").code == 0
    assert approved.sent() == []
    assert approved.apply().code == 0


def test_an_identifier_with_a_line_break_is_looked_up_as_connectwise_keeps_it(approved: Desk) -> None:
    with approved.editing() as hand:
        hand.set(NEW, "customer:bss:622", {"Identifier": "QUILL\nBOOKS"})
    assert approved.apply().code == 0
    again = approved.apply()
    assert (again.code, set(again.states.values())) == (0, {"already"})


def test_no_list_name_or_rule_of_an_export_or_a_check_points_at_nothing(desk: Desk) -> None:
    def lost(file: Path) -> list[str]:
        with zipfile.ZipFile(file) as package:
            return [name for name in package.namelist() if b"#REF!" in package.read(name)]

    assert lost(desk.file) == []
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.check().code == 0
    assert lost(desk.file) == []
