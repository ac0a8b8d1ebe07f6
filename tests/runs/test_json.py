"""The JSON that programs get from whole runs."""

from __future__ import annotations

from decimal import Decimal

from tests.helpers.desk import Desk

MONTH_FIELDS = [
    "month", "workbook", "environment", "lines", "linked", "unlinked", "mismatches", "complete", "all_clear",
    "billed", "money", "notices", "reports", "requests", "seconds",
]  # fmt: skip
APPLY_FIELDS = [
    "run", "workbook", "environment", "done", "already", "skipped", "failed", "unknown", "actions",
]  # fmt: skip
LABELS = [
    "Units differ", "Cost differs", "Not in ConnectWise", "Only in ConnectWise", "Not linked",
    "Several additions", "Billing period differs", "Currency differs", "Could not check",
    "Changed since export",
]  # fmt: skip


def test_json_of_export_and_check_has_the_fields_of_the_contract(empty_desk: Desk) -> None:
    for ran in (empty_desk.export(), empty_desk.check()):
        assert ran.code == 0
        assert list(ran.json) == MONTH_FIELDS
        assert list(ran.json["mismatches"]) == LABELS
        assert list(ran.json["requests"]) == ["bss", "connectwise"]
        assert ran.json["lines"] >= ran.json["linked"] + ran.json["unlinked"]
        assert ran.json["month"] == "2026-10"
    counted = {"bss": 0, "connectwise": 0}
    empty_desk.forget_log()
    told = empty_desk.check().json["requests"]
    for request in empty_desk.sandbox.log:
        counted[request.service] += 1
    assert told == counted


def test_money_names_every_currency_that_is_billed_also_where_nothing_is_at_stake(empty_desk: Desk) -> None:
    report = (
        "Customer,Product,Subscription ID,Quantity,Unit Price,Amount,Currency,Start Date,End Date",
        "AMBER LEAF BAKERY LTD,M365 Business Standard,s-1,4,10.30,41.20,EUR,2026-10-01,2026-10-31",
    )
    (empty_desk.folder / "report.csv").write_text("\n".join(report), encoding="utf-8")
    told = empty_desk.export("--from", "report.csv").json
    assert (told["all_clear"], told["money"]) == (True, {"EUR": {"more": "0.00", "less": "0.00"}})


def test_json_of_apply_has_the_fields_of_the_contract(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
    for ran in (desk.apply("--dry-run"), desk.apply()):
        assert list(ran.json) == APPLY_FIELDS
        assert all(list(a) == ["key", "kind", "state", "detail", "id"] for a in ran.json["actions"])
        assert ran.json["workbook"] == str(desk.file)
    kinds = {action["kind"]: action["id"] for action in ran.json["actions"]}
    assert kinds == {"UpdateAddition": 52, "CreateAddition": max(desk.sandbox.connectwise.additions)}
    assert ran.json["run"] in [one["run"] for one in desk.run("history", "--json").json["runs"]]


def test_standard_output_holds_the_json_alone(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.apply().out.count("\n") == 1
    assert desk.check().out.count("\n") == 1


def test_history_tells_every_write_with_what_it_was(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
    run = desk.apply().json["run"]
    told = desk.run("history", run, "--json").json
    assert told["finished"]
    writes = sorted((w["state"], w["path"], str(w["body"])) for w in told["writes"])
    assert writes == sorted(("done", request.path, str(request.body)) for request in desk.sandbox.writes)
    (update,) = (write for write in told["writes"] if write["kind"] == "UpdateAddition")
    assert Decimal(str(update["was"]["quantity"])) == 15
    assert "units 15 -> 18" in desk.run("history", run).out.replace("\n", " ")
