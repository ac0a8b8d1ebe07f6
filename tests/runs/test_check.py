"""Whole runs of check: what it keeps, renews and lets lapse."""

from __future__ import annotations

import re
from decimal import Decimal

from openpyxl.comments import Comment
from openpyxl.worksheet.cell_range import CellRange

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES, NEW, Hand, day
from xlsync.workbook.hidden_sheet import HiddenSheet, write_hidden_sheet
from xlsync.workbook.layout import LIST_COLUMNS, START_CELLS, START_NAMES
from xlsync.workbook.read import read_workbook


def decorate(hand: Hand) -> None:
    """What people leave in a workbook beside xlsync's cells."""
    hand.set(LINES, hand.line("DELTA"), {"Note": "Ask Pia"})
    hand.sheet(LINES).cell(1, 25).value = "My column"
    hand.sheet(LINES).cell(hand.rows(LINES)[hand.line("DELTA")], 25).value = "mine"
    hand.cell(MISMATCHES, "units:52", "New Units").comment = Comment("look twice", "Pia")
    mine = hand.book.create_sheet("My sums")
    mine["A1"], mine["A2"] = 3, "=A1*2"


def test_check_and_apply_keep_notes_columns_sheets_and_comments(desk: Desk) -> None:
    with desk.editing() as hand:
        decorate(hand)
        hand.approve("units:52")
    for command in (desk.check, desk.apply, desk.check):
        command()
        hand = desk.read()
        line = hand.line("DELTA")
        assert hand.get(LINES, line, "Note") == "Ask Pia"
        assert hand.sheet(LINES).cell(1, 25).value == "My column"
        assert hand.sheet(LINES).cell(hand.rows(LINES)[line], 25).value == "mine"
        assert (hand.sheet("My sums")["A1"].value, hand.sheet("My sums")["A2"].value) == (3, "=A1*2")
        if "units:52" in hand.rows(MISMATCHES):
            assert hand.cell(MISMATCHES, "units:52", "New Units").comment.text == "look twice"


def test_check_keeps_an_approval_whose_values_still_hold(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", New_Units=17)
        hand.set(MISMATCHES, "units:53", {"Action": "Ignore"})
    checked = desk.check()
    assert "Yes was removed" not in checked.err
    hand = desk.read()
    assert (hand.get(MISMATCHES, "units:52", "Approve"), hand.get(MISMATCHES, "units:52", "New Units")) == (
        "Yes",
        17,
    )
    assert hand.get(MISMATCHES, "units:53", "Action") == "Ignore"
    assert hand.get(LINES, hand.line("Redstart Textiles", "Teams"), "Status") == "Ignored"
    assert desk.apply().code == 0
    assert desk.changes == {("additions", 52): {"quantity": 17}}


def test_check_lets_an_approval_lapse_when_the_bss_bills_other_units(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:53")
        hand.set(MISMATCHES, "units:1", {"Approve": "Yes, when Pia agrees"})  # no approval: it stays
    desk.addition(1)["quantity"] += 1
    for invoice in desk.sandbox.bss.invoices:
        for item in invoice["items"]:
            (held, *_) = item["subscriptions"] or [{}]
            if (
                held.get("account", {}).get("name") == "Redstart Textiles"
                and "Premium" in item["description"]
            ):
                item["quantity"] = Decimal("30.0")
    checked = desk.check()
    hand = desk.read()
    places = re.findall(r"(\S+): Yes was removed: the row's figures changed", checked.err)
    assert places == [hand.place(MISMATCHES, "units:52", "Approve")]
    assert hand.get(MISMATCHES, "units:1", "Approve") == "Yes, when Pia agrees"
    assert (hand.get(MISMATCHES, "units:52", "Approve"), hand.get(MISMATCHES, "units:53", "Approve")) == (
        None,
        "Yes",
    )
    assert (hand.get(MISMATCHES, "units:52", "BSS Units"), hand.get(MISMATCHES, "units:52", "New Units")) == (
        30,
        30,
    )


def test_check_lets_an_approval_lapse_when_a_value_changes_that_nobody_typed(desk: Desk) -> None:
    simulator = "product:bss:MQX7E1D4EF33A:0001|Monthly|Monthly"
    with desk.editing() as hand:
        hand.approve("add:38:15")
        hand.approve("add:38:5", Effective_From=day("2026-10-20"))
        hand.approve(simulator, "agreement:bss:649|Monthly")
    desk.sandbox.connectwise.agreements[38]["billStartDate"] = "2026-10-15T00:00:00Z"
    for invoice in desk.sandbox.bss.invoices:
        for item in invoice["items"]:
            if "Phishing Simulator" in item["description"]:
                item["unitPrice"] *= 2
                item["total"] *= 2
    checked = desk.check("--refresh")
    hand = desk.read()
    places = re.findall(r"(New in ConnectWise!.+|Mismatches!.+): Yes was removed: (.*) changed", checked.err)
    assert sorted(places) == [
        (hand.place(MISMATCHES, "add:38:15", "Approve"), "Effective From"),
        (hand.place(NEW, simulator, "Approve"), "Cost"),
    ]
    assert hand.get(MISMATCHES, "add:38:15", "Effective From") == day("2026-10-15")
    approvals = [hand.get(MISMATCHES, key, "Approve") for key in ("add:38:15", "add:38:5")]
    assert (approvals, hand.get(NEW, simulator, "Approve")) == ([None, "Yes"], None)
    assert hand.get(NEW, "agreement:bss:649|Monthly", "Approve") == "Yes"


def test_check_lets_an_approval_lapse_that_was_pasted_with_the_cells_of_another_row(desk: Desk) -> None:
    pasted = ("Approve", "Customer", "Product", "Mismatch", "New Units", "ConnectWise Units", "BSS Units")
    with desk.editing() as hand:
        hand.approve("units:7", "units:53")
        hand.set(MISMATCHES, "units:53", {"Explanation": "as agreed with Pia"})  # the row is the same
        hand.set(
            MISMATCHES, "units:69", {header: hand.get(MISMATCHES, "units:7", header) for header in pasted}
        )
    checked = desk.check()
    hand = desk.read()
    place = hand.place(MISMATCHES, "units:69", "Approve")
    told = f"{place}: Yes was removed: Customer, BSS Units, ConnectWise Units had been altered beside it."
    assert told in checked.err
    approvals = hand.column(MISMATCHES, "Approve")
    assert {key for key, yes in approvals.items() if yes} == {"units:7", "units:53"}


def test_check_takes_no_link_from_a_line_over_which_another_was_pasted(desk: Desk) -> None:
    with desk.editing() as hand:
        line, other = hand.line("Quillfeather Books"), hand.line("Zephyr Kitesurf")
        hand.set(LINES, line, {"ConnectWise Customer": "Delta Ltd"})
        hand.set(LINES, other, {"Customer": "Quillfeather Books", "ConnectWise Customer": "Delta Ltd"})
    before = desk.links()
    checked = desk.check()
    (problem,) = checked.json["error"]["problems"]
    assert (checked.code, problem["where"]) == (1, desk.read().place(LINES, other, "Customer"))
    assert problem["message"].endswith("put 'Zephyr Kitesurf' back, and look at the link again")
    assert desk.links() == before


def test_no_lasting_rule_is_made_on_a_row_over_which_another_was_pasted(desk: Desk) -> None:
    ignored = {"Action": "Ignore", "Reason": "agreed"}
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:53", ignored)
        hand.set(MISMATCHES, "units:69", {"Customer": "Willowbrook Solicitors", **ignored})
        hand.set(MISMATCHES, "units:7", {"BSS Units": 99, **ignored})
    checked, hand = desk.check(), desk.read()
    for key, altered in (("units:69", "Customer"), ("units:7", "BSS Units")):
        place = hand.place(MISMATCHES, key, "Action")
        assert checked.err.count(place) == 1
        assert f"{place}: Ignore was removed: {altered} had been altered beside it." in checked.err
        assert hand.get(MISMATCHES, key, "Action") != "Ignore"
    assert desk.check().code == 0
    (rule,) = desk.run("links", "rules", "--json").json["rules"]
    assert "Redstart" in rule["customer"]
    with desk.editing() as hand:
        line = hand.line("Quillfeather Books")
        hand.set(LINES, line, {"Customer": "Zephyr Kitesurf", "Note": "free 2"})
    (problem,) = desk.check().json["error"]["problems"]
    assert problem["where"] == desk.read().place(LINES, line, "Customer")
    with desk.editing() as hand:
        hand.set(LINES, line, {"Note": "ask them"})  # a note that makes no rule: the line is renewed
    assert desk.check().code == 0


def test_a_lasting_rule_stays_as_it_was_where_another_row_was_pasted_over_its_own(desk: Desk) -> None:
    until = {"units:53": "2027-01-31", "units:7": None, "units:69": None}
    with desk.editing() as hand:
        for key, last in until.items():
            hand.set(MISMATCHES, key, {"Action": "Ignore", "Reason": f"agreed {key}", "Until": last})
    desk.check()
    rules = desk.run("links", "rules", "--json").json["rules"]
    shown = ("Customer", "Product", "Action", "Reason", "Until", "BSS Units")
    hand = desk.read()
    before = {key: [str(hand.get(MISMATCHES, key, header))[:10] for header in shown] for key in until}
    with desk.editing() as hand:
        for key, other in (("units:53", "units:7"), ("units:69", "units:52")):  # the last is not ignored
            hand.set(MISMATCHES, key, {header: hand.get(MISMATCHES, other, header) for header in shown})
    checked, hand = desk.check(), desk.read()
    for key in ("units:53", "units:69"):
        place = hand.place(MISMATCHES, key, "Action")
        assert f"{place}: The row is ignored as before: Customer, Product, BSS Units had been" in checked.err
        assert checked.err.count(place) == 1
    assert desk.run("links", "rules", "--json").json["rules"] == rules
    after = {key: [str(hand.get(MISMATCHES, key, header))[:10] for header in shown] for key in until}
    assert after == before
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:53", {"Until": "2027-02-28"})
    desk.check()
    (rule,) = (
        one for one in desk.run("links", "rules", "--json").json["rules"] if one["about"] == "units:53"
    )
    assert (rule["reason"], rule["until"]) == ("agreed units:53", "2027-02-28")


def test_a_row_that_is_ignored_this_month_stays_so_where_another_row_was_pasted_over_it(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Action": "Ignore"})
    desk.check()
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Customer": "Willowbrook Solicitors", "Reason": "agreed"})
    for _ in range(2):
        checked, hand = desk.check(), desk.read()
        assert [hand.get(MISMATCHES, "units:52", header) for header in ("Action", "Reason")] == [
            "Ignore",
            None,
        ]
    assert "removed" not in checked.err
    assert desk.run("links", "rules", "--json").json["rules"] == []


def test_an_approval_stays_where_a_value_holds_what_no_cell_can(empty_desk: Desk) -> None:
    empty_desk.sandbox.bss.accounts[624]["billingAddress"]["city"] = "Mill\x07town"
    empty_desk.export()
    with empty_desk.editing() as hand:
        line = hand.line("Zephyr Kitesurf")
        hand.set(LINES, line, {"ConnectWise Customer": "(create new)"})
        hand.approve("customer:bss:624")
    assert "Yes was removed" not in empty_desk.check().err
    hand = empty_desk.read()
    shown = [hand.get(NEW, "customer:bss:624", header) for header in ("Approve", "City")]
    assert shown == ["Yes", "Mill\ufffdtown"]


def test_a_reason_or_an_end_without_ignore_is_told_as_long_as_it_stands_there(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Reason": "Paid until spring", "Until": day("2027-03-31")})
        hand.set(MISMATCHES, "link:bss:617:bss:MQX7FDCDA26FB:0001", {"Reason": "They leave"})
        hand.set(MISMATCHES, "units:53", {"Action": "Ignore", "Reason": "Ours"})
    for _ in range(2):
        ran = desk.check()
        hand = desk.read()
        told = " ".join(ran.err.split())
        for key in ("units:52", "link:bss:617:bss:MQX7FDCDA26FB:0001"):
            assert f"{hand.place(MISMATCHES, key, 'Reason')}: Reason counts only where" in told
        assert told.count(" counts only where Action is Ignore") == 3
        assert f"{hand.place(MISMATCHES, 'units:52', 'Until')}: Until counts only where" in told
    assert desk.run("links", "rules", "--json").json["rules"] != []


def test_check_tells_entries_that_were_renamed_or_deleted_by_name_and_works(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(
            LINES,
            hand.line("DELTA"),
            {"ConnectWise Customer": "Delta Ltd", "ConnectWise Agreement": "Cloud Services"},
        )
        hand.set(LINES, hand.line("Kestrel Optics"), {
            "ConnectWise Customer": "Kestrel Optics [KESTREL1]", "ConnectWise Agreement": "Cloud Services",
        })  # fmt: skip
    for company in desk.sandbox.connectwise.companies.values():
        if company["identifier"] == "KESTREL1":
            company["deletedFlag"] = True
        if company["name"] == "Delta Ltd":
            company["name"] = "Delta Limited"
    checked = desk.check("--refresh")
    assert checked.code == 0
    assert "Kestrel Optics [KESTREL1]" in checked.err
    assert "Delta Limited" in checked.err


def test_a_workbook_of_an_earlier_version_without_a_newer_column_or_step_is_checked_and_applied(
    desk: Desk,
) -> None:
    invoices = START_CELLS["to_invoice"]
    with desk.editing() as hand:
        start = hand.sheet("Start")
        start[invoices].value = start[invoices].offset(0, -1).value = None
        del hand.book.defined_names["xlsync_first_to_invoice"]
        page, at = hand.sheet(LINES), hand.columns(LINES)["Evidence"]
        for row in range(1, page.max_row + 1):
            page.cell(row, at).value = "Remark" if row == 1 else None
        page.tables["BillingLines"].tableColumns[at - 1].name = "Remark"
        hand.approve("units:52")
    assert desk.check().code == 0
    hand = desk.read()
    assert hand.at("Start", invoices) is None, "a number without a label"
    assert set(hand.column(LINES, "Remark").values()) == {None}
    assert any(hand.column(LINES, "Candidates").values())
    assert desk.apply().states == {"update:52": "done"}


def test_a_workbook_of_an_earlier_version_with_fewer_lists_is_applied_and_checked(desk: Desk) -> None:
    book = read_workbook(desk.file)
    lists = {header: values for header, values in book.lists.items() if not header.startswith("Held")}
    columns = {column.header: index for index, column in enumerate(LIST_COLUMNS)}
    gone = {
        (row, columns[header]): None
        for header in book.lists.keys() - lists.keys()
        for row in range(1 + len(book.lists[header]))
    }
    book.package.change_cells("Lists", gone)
    book.package.replace_rows("_xlsync", write_hidden_sheet(HiddenSheet(book.about, book.stored), lists))
    book.package.save(desk.file)
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.apply().states == {"update:52": "done"}
    for _ in range(2):
        assert desk.check("--refresh").code == 0
    assert read_workbook(desk.file).lists.keys() == book.lists.keys()


def insert_rows_into_start(hand: Hand, above: int, rows: int) -> None:
    """Insert rows as a spreadsheet program does: merged cells and names move too."""
    start = hand.sheet("Start")
    merged = [str(cells) for cells in start.merged_cells.ranges]
    for cells in merged:
        start.unmerge_cells(cells)
    start.move_range(f"A{above}:I70", rows)
    for cells in map(CellRange, merged):
        cells.shift(row_shift=rows if cells.min_row >= above else 0)
        start.merge_cells(str(cells))
    for name in ("xlsync_month", "xlsync_environment"):
        hand.book.defined_names[
            name
        ].attr_text = f"Start!$C${start_row(name) + rows * (start_row(name) >= above)}"


def start_row(name: str) -> int:
    return int(START_NAMES[name].rpartition("$")[2])


def start_values(desk: Desk, first: int = 1) -> list[list[object]]:
    """What stands on *Start* from a row on, without the time of a check."""
    hand = desk.read()
    rows = [[hand.at("Start", f"{letter}{row}") for letter in "BCEFGH"] for row in range(first, first + 60)]
    return [row for row in rows if row[0] != "Checked"]


def test_numbers_stand_beside_their_labels_where_a_person_put_rows_above_all_of_start(desk: Desk) -> None:
    desk.check("--refresh")
    before = start_values(desk)
    with desk.editing() as hand:
        insert_rows_into_start(hand, above=1, rows=2)
        hand.put("Start", "B1", "October, looked at by Pia")
    assert desk.check("--refresh").code == 0
    assert start_values(desk, 3) == before
    assert desk.read().at("Start", "B1") == "October, looked at by Pia"


def test_start_is_renewed_also_where_a_person_renamed_it(desk: Desk) -> None:
    desk.check("--refresh")
    before = start_values(desk)
    with desk.editing() as hand:
        hand.sheet("Start").title = "Pia's page"
        for name, place in START_NAMES.items():
            hand.book.defined_names[name].attr_text = place.replace("Start", "'Pia''s page'")
    desk.addition(52)["quantity"] += 1
    checked = desk.run("check", str(desk.file), "--refresh")
    assert checked.code == 0
    assert "Its sheet Pia's page says what to do next." in checked.out
    with desk.editing() as hand:
        hand.sheet("Pia's page").title = "Start"
    labels = [row[0] for row, old in zip(start_values(desk), before, strict=True) if row != old]
    assert "To bill more" in labels


def test_start_is_told_to_be_missing_and_nobody_is_sent_to_it_where_it_was_deleted(desk: Desk) -> None:
    with desk.editing() as hand:
        del hand.book["Start"]
    checked = desk.run("check", str(desk.file))
    assert checked.code == 0
    assert "The sheet Start is not there any more" in checked.err
    assert "what to do next" not in checked.out


def test_start_is_left_and_told_where_its_tables_came_apart(desk: Desk) -> None:
    with desk.editing() as hand:
        insert_rows_into_start(hand, above=20, rows=1)
        hand.put("Start", "B20", "mine")
    before = start_values(desk)
    checked = desk.check("--refresh")
    assert (checked.code, start_values(desk)) == (0, before)
    assert "Start was not renewed and shows older numbers" in checked.err
