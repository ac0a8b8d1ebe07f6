"""Rules that last: what is ignored and until when, free and minimum units, products summed and split."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES, Hand, day
from tests.helpers.tables import read_case, read_line
from xlsync.models import ActionLabel, BillingLine, LineType, Link, Mismatch, MismatchKind, Month, Status
from xlsync.plain_json import from_plain, to_plain
from xlsync.reconcile.charges import Charge, read_charges
from xlsync.reconcile.mismatches import Findings, find_mismatches
from xlsync.reconcile.rules import (
    Rule,
    RuleKind,
    Scope,
    find_ignore_rules,
    read_note,
    read_until,
    tell_ignored,
    with_unit_rules,
)
from xlsync.reconcile.targets import Books
from xlsync.records import replace

OCTOBER, SEPTEMBER = Month(2026, 10), Month(2026, 9)
LINE = replace(
    read_line({"line": "L1", "contract": "S1", "units": "5", "customer": "Contoso"}),
    customer_id="77",
    product_id="P1",
    product_code="MQX7:1",
    product="Backup",
)


def ignore(scope: Scope, about: str, until: str = "") -> Rule:
    return Rule(
        kind=RuleKind.IGNORE,
        scope=scope,
        about=about,
        reason="billed by hand",
        until=dt.date.fromisoformat(until) if until else None,
    )


def unit_rule(kind: RuleKind, units: Decimal | int, about: str = "S1") -> Rule:
    return Rule(kind=kind, scope=Scope.CONTRACT, about=about, units=Decimal(units))


def charge(units: Decimal | int | None, line: BillingLine = LINE) -> Charge:
    known = None if units is None else Decimal(units)
    return Charge(contract=line.contract, lines=(line,), earlier=(), units=known)


# Pure: what a rule is about, and how long it holds


@pytest.mark.parametrize(
    ("scope", "about"),
    [
        (Scope.CONTRACT, "s1"),
        (Scope.PRODUCT, "mqx7:1"),
        (Scope.PRODUCT, "P1"),
        (Scope.PRODUCT, "BACKUP"),
        (Scope.CUSTOMER, "77"),
        (Scope.CUSTOMER, "contoso"),
    ],
)
def test_a_rule_is_about_an_id_or_a_name_in_any_case(scope: Scope, about: str) -> None:
    assert ignore(scope, about).covers(LINE)
    assert not ignore(scope, f"{about}x").covers(LINE)
    assert not ignore(scope, "").covers(replace(LINE, customer_id="", product_id="", contract_id=""))


@pytest.mark.parametrize(
    ("until", "month", "holds"),
    [
        ("2026-10-31", OCTOBER, True),
        ("2026-10-01", OCTOBER, True),
        ("2026-09-30", OCTOBER, False),
        ("2026-09-30", SEPTEMBER, True),
        ("", OCTOBER, True),
    ],
)
def test_a_rule_holds_for_months_that_begin_on_or_before_its_last_day(
    until: str, month: Month, holds: bool
) -> None:
    rule = ignore(Scope.CONTRACT, "S1", until)
    mismatch = Mismatch(
        key="units:1",
        kind=MismatchKind.UNITS_DIFFER,
        customer="Contoso",
        product="Backup",
        line_keys=("L1",),
    )
    found = find_ignore_rules(month, [LINE], [rule]).rule_for(mismatch)
    assert rule.holds(month) == holds
    assert (found is not None) == holds
    if found and until:
        assert tell_ignored(found) == f"Ignored until {until}: billed by hand."


def test_a_mismatch_is_ignored_only_where_all_of_its_lines_are() -> None:
    other = replace(LINE, key="L2", contract_id="S2")
    mismatch = Mismatch(
        key="units:1",
        kind=MismatchKind.UNITS_DIFFER,
        customer="Contoso",
        product="Backup",
        line_keys=("L1", "L2"),
    )
    one, both = ignore(Scope.CONTRACT, "S1"), ignore(Scope.CONTRACT, "S2")
    assert find_ignore_rules(OCTOBER, [LINE, other], [one]).rule_for(mismatch) is None
    assert find_ignore_rules(OCTOBER, [LINE, other], [one, both]).rule_for(mismatch) is not None


def test_a_rule_about_a_customer_covers_what_is_only_in_connectwise_in_a_month_without_a_line_of_it() -> None:
    only = Mismatch(
        key="only:1",
        kind=MismatchKind.ONLY_IN_CONNECTWISE,
        customer="Fabrikam",
        customer_id="78",
        product="Backup",
    )
    by_id, by_name = ignore(Scope.CUSTOMER, "78"), ignore(Scope.CUSTOMER, "fabrikam")
    for rule in (by_id, by_name):
        found = find_ignore_rules(OCTOBER, [LINE], [rule])
        assert found.rule_for(only) == rule
        assert found.rule_for(replace(only, customer="Contoso", customer_id="79")) is None
    of_contract = replace(only, customer_id="")  # of a contract alone only the customer's name is known
    assert find_ignore_rules(OCTOBER, [LINE], [by_name]).rule_for(of_contract) == by_name
    namesake = replace(LINE, customer="Fabrikam")  # another customer of that name, which is not ignored
    assert find_ignore_rules(OCTOBER, [namesake], [by_id]).rule_for(only) == by_id
    assert find_ignore_rules(OCTOBER, [namesake], [ignore(Scope.CUSTOMER, "77")]).rule_for(only) is None


def test_no_write_is_preset_where_a_rule_ignores_a_part_of_what_it_counts() -> None:
    case = read_case(
        """
        line  contract  units  cost
        a     S1        5      2
        b     S2        3      2

        addition  quantity  cost
        71        3         1
        """
    )

    def rows(*rules: Rule) -> dict[str, Mismatch]:
        by_rule = find_ignore_rules(OCTOBER, case.lines, rules)
        args = (OCTOBER, case.lines, case.charges, case.links, case.books)
        return {row.key: row for row in find_mismatches(*args, rules=by_rule).mismatches}

    told = "1 of its 2 lines (billed by hand) and all units are counted here: enter those to bill."
    assert rows()["units:71"].action is ActionLabel.UPDATE_UNITS
    row = rows(ignore(Scope.CONTRACT, "S1"))["units:71"]
    assert (row.action, row.explanation.endswith(told)) == (None, True)
    assert rows(ignore(Scope.CONTRACT, "S1"))["cost:71"].action is ActionLabel.UPDATE_COST
    both = rows(ignore(Scope.CONTRACT, "S1"), ignore(Scope.CONTRACT, "S2"))
    assert {row.action for row in both.values()} == {ActionLabel.IGNORE}


def test_a_rule_is_the_same_after_it_was_kept() -> None:
    rule = Rule(
        kind=RuleKind.MINIMUM,
        scope=Scope.CONTRACT,
        about="S1",
        reason="frame contract",
        until=dt.date(2026, 12, 31),
        units=Decimal("2.5"),
        when="2026-11-02T12:00:00+00:00",
        workbook="xlsync-2026-10.xlsx",
    )
    assert from_plain(to_plain(rule), Rule) == rule


def test_a_rule_ignores_lines_that_are_never_compared_and_lets_them_hinder_nothing() -> None:
    line = read_line({"line": "L1", "contract": "S1", "units": "-1", "amount": "-3"})
    credit = replace(line, type=LineType.CREDIT)
    usage = replace(LINE, key="L9", type=LineType.USAGE, charge=LineType.USAGE)
    charges = read_charges([credit], {})
    links = {credit.key: Link(), usage.key: Link()}
    rule = ignore(Scope.CONTRACT, "S1")
    books = Books(agreements={}, items={}, additions={})

    def find(rules: list[Rule]) -> Findings:
        lines = [credit, usage]
        return find_mismatches(
            OCTOBER, lines, charges, links, books, rules=find_ignore_rules(OCTOBER, lines, rules)
        )

    assert find([]).statuses == dict.fromkeys(links, Status.NOT_COMPARED)
    assert set(find([]).uncompared) == {credit.key}
    assert find([rule]).statuses == {credit.key: Status.IGNORED, usage.key: Status.NOT_COMPARED}
    assert find([rule]).uncompared == {}


# Pure: free and minimum units

UNITS = st.decimals(0, 10_000, places=2, allow_nan=False)


@given(units=UNITS, free=UNITS, minimum=UNITS, free_first=st.booleans())
def test_units_are_never_negative_and_the_minimum_wins(
    units: Decimal, free: Decimal, minimum: Decimal, free_first: bool
) -> None:
    rules = [unit_rule(RuleKind.FREE, free), unit_rule(RuleKind.MINIMUM, minimum)]
    (ruled,) = with_unit_rules(OCTOBER, [charge(units)], rules if free_first else rules[::-1])
    assert ruled.units is not None
    assert ruled.units >= 0
    assert ruled.units >= minimum
    assert ruled.units == max(units - free, Decimal(0), minimum)


@given(units=UNITS, free=UNITS)
def test_free_units_take_no_more_than_there_are(units: Decimal, free: Decimal) -> None:
    (ruled,) = with_unit_rules(OCTOBER, [charge(units)], [unit_rule(RuleKind.FREE, free)])
    assert ruled.units == max(units - free, 0)
    assert bool(ruled.why) == (ruled.units != units)


@given(units=st.none() | UNITS, about=st.sampled_from(["S2", "", "S1x"]))
def test_other_contracts_and_unknown_units_stay_as_they_are(units: Decimal | None, about: str) -> None:
    rules = [unit_rule(RuleKind.FREE, 2, about), unit_rule(RuleKind.MINIMUM, 99, about)]
    assert with_unit_rules(OCTOBER, [charge(units)], rules) == (charge(units),)
    of_it = [unit_rule(RuleKind.MINIMUM, 99)]
    assert with_unit_rules(OCTOBER, [charge(None)], of_it) == (charge(None),)


def test_units_of_a_subscription_are_not_those_of_its_add_on() -> None:
    add_on = replace(LINE, addon_id="A1")
    both = [charge(5), charge(5, add_on)]
    of_subscription = with_unit_rules(OCTOBER, both, [unit_rule(RuleKind.FREE, 2)])
    assert [one.units for one in of_subscription] == [3, 5]
    note = read_note("free 2", add_on, "", "")
    assert note is not None
    assert [one.units for one in with_unit_rules(OCTOBER, both, [note])] == [5, 3]


@pytest.mark.parametrize(
    ("note", "kind", "units", "until"),
    [
        ("free 2", RuleKind.FREE, "2", None),
        ("Minimum 10, frame contract until 2026-12-31", RuleKind.MINIMUM, "10", dt.date(2026, 12, 31)),
        (" FREE 0.5 - test seats", RuleKind.FREE, "0.5", None),
    ],
)
def test_a_note_makes_a_rule_of_its_contract(
    note: str, kind: RuleKind, units: str, until: dt.date | None
) -> None:
    rule = read_note(note, LINE, "", "")
    assert rule is not None
    assert (rule.kind, rule.units, rule.until) == (kind, Decimal(units), until)
    assert rule.covers(LINE)


@pytest.mark.parametrize("note", ["free 2, staff", "free 2.", "free 2: Pia", "free 2 2026-10", "FREE 2"])
def test_what_follows_the_number_of_a_note_is_its_reason(note: str) -> None:
    rule = read_note(note, LINE, "", "")
    assert rule is not None
    assert rule.units == 2


@pytest.mark.parametrize(
    "note",
    ["", "Ask Pia", "feel free 2 call", "free", "minimum of 3", "2 free", "free 1234567890123", "free ٣"],
)
def test_another_note_makes_no_rule(note: str) -> None:
    assert read_note(note, LINE, "", "") is None


# Whole runs


def rules(desk: Desk) -> list[dict[str, Any]]:
    found = desk.run("links", "rules", "--json").json["rules"]
    assert isinstance(found, list)
    return found


def premium(hand: Hand) -> str:
    """The billing line of row `units:52`."""
    return hand.line("Redstart Textiles", "Business Premium")


def note(desk: Desk, text: str | None, key: str = "") -> None:
    with desk.editing() as hand:
        hand.set(LINES, key or premium(hand), {"Note": text})


def write_notes(desk: Desk, texts: Sequence[str | None]) -> None:
    """Write each note beside the one line of a contract of its own; the next notes go to the same lines."""
    with desk.editing() as hand:
        contracts = hand.column(LINES, "Contract ID")
        linked = [key for key, status in hand.column(LINES, "Status").items() if status in {"OK", "Mismatch"}]
        lines_of = Counter(contracts.values())
        of_one_line = sorted(key for key in linked if contracts[key] and lines_of[contracts[key]] == 1)
        for key, text in zip(of_one_line, texts, strict=False):
            hand.set(LINES, key, {"Note": text})


@pytest.mark.parametrize(
    ("option", "about", "ignored"),
    [
        ("--contract", "", {"units:52"}),
        ("--product", "M365 - Business Premium (New Commerce)", {"units:52"}),
        ("--customer", "Redstart Textiles", {"units:52", "units:53", "units:55", "cost:54", "cost:55"}),
    ],
)
def test_a_line_a_product_or_a_customer_is_ignored_by_command(
    desk: Desk, option: str, about: str, ignored: set[str]
) -> None:
    hand = desk.read()
    about = about or hand.get(LINES, premium(hand), "Contract ID")
    words = ("--reason", "billed by hand", "--until", "2026-10-31")
    assert desk.run("links", "ignore", option, about, *words).code == 0
    (rule,) = rules(desk)
    assert (rule["about"], rule["reason"], rule["until"]) == (about, "billed by hand", "2026-10-31")
    before = desk.check().json["mismatches"]
    hand = desk.read()
    actions = hand.column(MISMATCHES, "Action")
    of_redstart = {key for key, name in hand.column(MISMATCHES, "Customer").items() if "Redstart" in name}
    assert {key for key in of_redstart if actions[key] == "Ignore"} == ignored
    for key in ignored:
        text = hand.get(MISMATCHES, key, "Explanation")
        assert text.startswith("Ignored until 2026-10-31: billed by hand.")
    assert hand.get(LINES, premium(hand), "Status") == "Ignored"
    assert sum(before.values()) < len(hand.rows(MISMATCHES))


def test_a_rule_whose_day_is_past_ignores_nothing(desk: Desk) -> None:
    words = ("--customer", "Redstart Textiles", "--reason", "test", "--until", "2026-09-30")
    desk.run("links", "ignore", *words)
    desk.check()
    assert desk.read().get(MISMATCHES, "units:52", "Action") == "Update units"


def ignore_row(desk: Desk, key: str, **cells: Any) -> None:
    with desk.editing() as hand:
        hand.set(MISMATCHES, key, {"Action": "Ignore", **cells})


def test_a_row_that_is_ignored_without_a_reason_is_ignored_in_this_month_only(desk: Desk) -> None:
    ignore_row(desk, "units:52", Until="2026-12-31")
    asked = desk.check()
    assert "without a Reason the row is ignored in this month only, whatever Until says" in asked.err
    ignore_row(desk, "units:52", Until=None)
    assert rules(desk) == []
    assert desk.read().get(LINES, premium(desk.read()), "Status") == "Ignored"
    assert "without a Reason" not in desk.check().err
    desk.file.unlink()
    desk.export()
    assert desk.read().get(MISMATCHES, "units:52", "Action") == "Update units"


def test_a_reason_keeps_a_row_ignored_until_its_day_or_the_end_of_its_month(desk: Desk) -> None:
    untils = {"units:52": None, "units:53": day("2026-12-31"), "units:55": "2026-12-31", "cost:54": "2026-12"}
    lasts = {"units:52": None, "units:53": "2026-12-31", "units:55": "2026-12-31", "cost:54": "2026-12-31"}
    with desk.editing() as hand:
        for key, until in untils.items():
            cells = {"Action": "Ignore", "Reason": f"billed by hand, {key}", "Until": until}
            hand.set(MISMATCHES, key, cells)
    told = desk.check().err
    assert not [key for key in untils if key in told]
    kept = {rule["about"]: rule for rule in rules(desk)}
    assert {about: rule["until"] for about, rule in kept.items()} == lasts
    for key, rule in kept.items():
        assert (rule["kind"], rule["scope"], rule["reason"]) == ("ignore", "row", f"billed by hand, {key}")
    desk.check()
    assert {rule["about"]: rule for rule in rules(desk)} == kept
    desk.file.unlink()
    assert desk.export().code == 0
    hand = desk.read()
    for key, last in lasts.items():
        assert hand.get(MISMATCHES, key, "Action") == "Ignore"
        assert hand.get(MISMATCHES, key, "Reason") == f"billed by hand, {key}"
        shown = hand.get(MISMATCHES, key, "Until")
        assert (str(shown.date()) if shown else None) == last
    assert untils.keys() <= set(list(hand.rows(MISMATCHES))[-5:])  # they stand behind what is open
    with desk.editing() as hand:
        hand.approve(*untils)
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (0, [])
    assert ran.err.count("Nothing is written for this row (its Action is Ignore)") == len(untils)


def test_another_reason_or_day_replaces_the_rule_and_an_emptied_reason_ends_it(desk: Desk) -> None:
    ignore_row(desk, "units:52", Reason="billed by hand", Until="2026-12-31")
    desk.check()
    ignore_row(desk, "units:52", Reason="frame contract", Until=None)
    desk.check()
    assert [(rule["reason"], rule["until"]) for rule in rules(desk)] == [("frame contract", None)]
    ignore_row(desk, "units:52", Reason=None)
    desk.check()
    assert rules(desk) == []
    assert desk.read().get(MISMATCHES, "units:52", "Action") == "Ignore"


@pytest.mark.parametrize(
    ("until", "what"),
    [
        ("2026-09-30", "2026-09-30 is before 2026-10"),
        ("soon", "'soon' is not a date"),
        ("2026-13", "'2026-13' is not a date"),
    ],
)
def test_an_until_that_would_not_ignore_the_row_is_a_problem(desk: Desk, until: str, what: str) -> None:
    ignore_row(desk, "units:52", Reason="billed by hand", Until=until)
    with desk.editing() as hand:
        hand.approve("units:53")
    ran = desk.apply()
    assert (ran.code, desk.sent()) == (1, [])
    assert what in ran.err + ran.out


def test_a_check_makes_no_rule_of_a_row_whose_until_or_reason_cannot_be_read(desk: Desk) -> None:
    """Such a row is ignored for this month; a rule without an end is not what was typed."""
    ignore_row(desk, "units:52", Reason="billed by hand", Until="31/12/2026")
    ignore_row(desk, "units:53", Reason="billed by hand", Until="2026-09-30")
    ignore_row(desk, "units:55", Reason='="billed by"&" hand"')
    told = desk.check().err
    assert rules(desk) == []
    assert told.count("(its row waits)") == 3
    assert "without a Reason" not in told
    ignore_row(desk, "units:52", Until=day("2026-12-31"))
    ignore_row(desk, "units:53", Until=None)
    ignore_row(desk, "units:55", Reason="billed by hand")
    desk.check()
    lasts = {rule["about"]: rule["until"] for rule in rules(desk)}
    assert lasts == {"units:52": "2026-12-31", "units:53": None, "units:55": None}
    ignore_row(desk, "units:52", Until="soon")
    ignore_row(desk, "units:53", Action="Ignroe")
    assert "'Ignroe' is not possible" in desk.check().err
    assert {rule["about"]: rule["until"] for rule in rules(desk)} == lasts


def test_an_apply_keeps_the_rules_that_the_workbook_makes(desk: Desk) -> None:
    ignore_row(desk, "units:52", Reason="billed by hand")
    with desk.editing() as hand:
        hand.approve("units:53")
    assert desk.apply().code == 0
    assert [rule["about"] for rule in rules(desk)] == ["units:52"]


def test_clearing_ignore_ends_the_rule_of_the_row(desk: Desk) -> None:
    ignore_row(desk, "units:52", Reason="billed by hand")
    desk.check()
    assert len(rules(desk)) == 1
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Action": "Update units"})
    desk.check()
    assert rules(desk) == []
    hand = desk.read()
    assert hand.get(MISMATCHES, "units:52", "Action") == "Update units"
    assert hand.get(LINES, premium(hand), "Status") == "Mismatch"
    with desk.editing() as hand:
        hand.approve("units:52")
    assert desk.apply().code == 0


def test_a_rule_about_a_product_makes_no_rule_of_its_rows(desk: Desk) -> None:
    note(desk, "Ask Pia")
    words = ("--product", "M365 - Business Premium (New Commerce)", "--reason", "elsewhere")
    desk.run("links", "ignore", *words)
    desk.check()
    desk.check()
    assert [rule["scope"] for rule in rules(desk)] == ["product"]


def test_a_row_that_a_person_takes_up_in_spite_of_a_wide_rule_is_open_from_then_on(desk: Desk) -> None:
    product = "M365 - Business Premium (New Commerce)"
    desk.run("links", "ignore", "--product", product, "--reason", "elsewhere")
    ignored = desk.check().json
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Action": "Update units"})
    for _ in range(2):  # it stays so
        ran = desk.check("--refresh")
        hand = desk.read()
        assert hand.get(MISMATCHES, "units:52", "Action") == "Update units"
        assert hand.get(LINES, premium(hand), "Status") == "Mismatch"
        assert "A rule ignores it (elsewhere)" in hand.get(MISMATCHES, "units:52", "Explanation")
        assert ran.json["mismatches"]["Units differ"] == ignored["mismatches"]["Units differ"] + 1
        now, then = ran.json["billed"]["EUR"], ignored["billed"]["EUR"]
        moved = Decimal(now["differs"]) - Decimal(then["differs"])
        assert moved == Decimal(then["ignored"]) - Decimal(now["ignored"]) > 0
    with desk.editing() as hand:
        hand.set(MISMATCHES, "units:52", {"Action": "Ignore"})
    assert desk.check().json["mismatches"] == ignored["mismatches"]
    assert desk.read().get(LINES, premium(desk.read()), "Status") == "Ignored"


def test_a_rule_that_was_forgotten_ignores_no_longer(desk: Desk) -> None:
    ignore_row(desk, "units:53", Reason="billed by hand")
    desk.run("links", "ignore", "--product", "Power BI Pro (New Commerce)", "--reason", "elsewhere")
    desk.check()
    assert len(rules(desk)) == 2
    assert desk.run("links", "forget", "Power BI Pro (New Commerce)", "units:53", "--yes").code == 0
    assert rules(desk) == []
    desk.check()
    actions = desk.read().column(MISMATCHES, "Action")
    assert [actions[key] for key in ("units:53", "units:55", "cost:55")] == [
        "Update units", "Update units", "Update cost",
    ]  # fmt: skip
    assert rules(desk) == []


def test_forgetting_one_rule_leaves_those_that_only_resemble_it(desk: Desk) -> None:
    for customer in ("Redstart Textiles", "Red"):
        desk.run("links", "ignore", "--customer", customer, "--reason", "test 1")
    desk.run("links", "forget", "Red", "1", "test", "--yes")
    assert [rule["about"] for rule in rules(desk)] == ["Redstart Textiles"]


def test_what_nobody_bills_is_ignored_by_its_row(desk: Desk) -> None:
    ignore_row(desk, "only:62", Reason="leaves in November")
    desk.check()
    desk.file.unlink()
    desk.export()
    assert desk.read().get(MISMATCHES, "only:62", "Action") == "Ignore"


def test_a_customer_is_ignored_with_what_nobody_bills(desk: Desk) -> None:
    desk.run("links", "ignore", "--customer", "Dipper Brewery", "--reason", "leaves in November")
    desk.check()
    actions = desk.read().column(MISMATCHES, "Action")
    assert (actions["only:62"], actions["only:64"]) == ("Ignore", None)
    with desk.editing() as hand:
        hand.approve("only:62", "only:64", Action="Cancel addition")
    assert desk.apply("--force").json["done"] == 2  # what a person chooses counts more


def test_the_rule_of_a_row_names_its_customer_and_product(desk: Desk) -> None:
    ignore_row(desk, "units:52", Reason="billed by hand")
    assert desk.check().code == 0
    (rule,) = desk.run("links", "rules", "--json").json["rules"]
    assert (rule["customer"], rule["product"]) == (
        "Redstart Textiles",
        "M365 - Business Premium (New Commerce)",
    )
    assert (
        "row Redstart Textiles · M365 - Business Premium (New Commerce) (units:52)"
        in desk.run("links", "rules").out
    )
    desk.run("links", "export", "team.csv")
    desk.run("links", "forget", "units:52", "--yes")
    desk.run("links", "import", "team.csv")
    assert desk.run("links", "rules", "--json").json["rules"] == [rule]


def test_a_note_whose_number_is_not_clear_makes_no_rule_and_is_told(desk: Desk) -> None:
    texts = ("free 2,5 for staff", "minimum 1,000", "minimum 1 000", "free 10 %", "Free 2-3", "free .5")
    write_notes(desk, texts)
    told = " ".join(desk.check().err.split())
    for text in texts:
        assert f"The note {text!r} makes no rule, its number is not clear" in told
    assert rules(desk) == []


def test_of_different_notes_on_two_lines_of_one_contract_the_one_that_is_left_counts(desk: Desk) -> None:
    """One contract has one rule of a kind, and the order of rows would decide which."""
    with desk.editing() as hand:
        products = hand.column(LINES, "Product")
        first, second = [
            key
            for key, customer in hand.column(LINES, "Customer").items()
            if customer == "Cedar Point Surveyors" and "Business Premium" in str(products[key])
        ]
        assert hand.get(LINES, first, "Contract ID") == hand.get(LINES, second, "Contract ID")
        hand.set(LINES, first, {"Note": "free 1 until 2026-12"})
        hand.set(LINES, second, {"Note": "free 1, staff"})
    told = "another line of this contract has another such note: leave one of them"
    for _ in range(2):
        said = " ".join(desk.check().err.split())
        assert all(f"{desk.read().place(LINES, key, 'Note')}: {told}" in said for key in (first, second))
        assert "no rule any more" not in said
    with desk.editing() as hand:
        hand.set(LINES, second, {"Note": None})
    said = desk.check().err
    assert told not in said
    assert "no rule any more" not in said
    assert [(rule["kind"], rule["until"]) for rule in rules(desk)] == [("free", "2026-12-31")]


@pytest.mark.parametrize(
    ("note_text", "last"),
    [
        ("free 2 until 2026-12-05.", "2026-12-05"),
        ("free 2 UNTIL 2027-02, staff", "2027-02-28"),
        ("free 2 until 2026-13", "None"),
        ("free 2 until 2026-12-3", "None"),
        ("free 2 until 2026-12-32", "None"),
        ("free 2 until 31.12.2026", "None"),
    ],
)
def test_a_note_names_a_last_day_or_month(note_text: str, last: str) -> None:
    """As *Until* on *Mismatches* does."""
    assert str(read_until(note_text)) == last


def test_a_note_whose_end_cannot_be_read_is_told(desk: Desk) -> None:
    note(desk, "free 2 until 31.12.2026")
    place = desk.read().place(LINES, premium(desk.read()), "Note")
    told = f"{place}: The note 'free 2 until 31.12.2026' names no day that can be read, so it has no end"
    assert told in " ".join(desk.check().err.split())


@pytest.mark.parametrize(
    ("by_note", "units", "told"),
    [
        ("free 2, test seats", 16, "2 of 18 units are free by rule. To bill: 16; ConnectWise has 15."),
        (
            "minimum 20 until 2026-12-31",
            20,
            "At least 20 units are billed by rule; the distributor billed 18. To bill: 20; ConnectWise has",
        ),
        ("free 30", 0, "30 of 18 units are free by rule. To bill: 0; ConnectWise has 15."),
    ],
)
def test_free_and_minimum_units_by_note(desk: Desk, by_note: str, units: int, told: str) -> None:
    note(desk, by_note)
    desk.check()
    hand = desk.read()
    assert hand.get(MISMATCHES, "units:52", "BSS Units") == units
    assert hand.get(MISMATCHES, "units:52", "New Units") == units
    assert told in hand.get(MISMATCHES, "units:52", "Explanation")
    assert hand.get(LINES, premium(hand), "Units") == 18  # what was billed is shown as it is
    assert [rule["units"] for rule in rules(desk)] == [int(by_note.split()[1].rstrip(","))]
    if units == 20:
        with desk.editing() as hand:
            hand.approve("units:52")
        assert desk.apply().code == 0
        assert desk.addition(52)["quantity"] == 20


def test_a_note_that_was_read_before_brings_back_no_rule_that_was_changed_or_ended_since(desk: Desk) -> None:
    note(desk, "free 2")
    desk.check()
    (rule,) = rules(desk)
    for units in ("3", "0"):
        desk.run("links", "units", "--contract", rule["about"], "--free", units)
        told = (
            f"{desk.read().place(LINES, premium(desk.read()), 'Note')}: the note 'free 2' is no rule any more"
        )
        assert any(text.startswith(told) for text in desk.check().json["notices"])
        assert [str(rule["units"]) for rule in rules(desk)] == ["3"] * (units == "3")
    note(desk, "free 2, as agreed")
    assert not [text for text in desk.check().json["notices"] if "no rule any more" in text]
    assert [rule["units"] for rule in rules(desk)] == [2]


def test_a_rule_ends_with_its_note_and_that_is_told(desk: Desk) -> None:
    """Whether the note is emptied, says nothing of units, or is another rule from now on."""
    write_notes(desk, ("free 2", "free 3", "free 4"))
    desk.check()
    assert sorted((rule["kind"], rule["units"]) for rule in rules(desk)) == [
        ("free", 2), ("free", 3), ("free", 4),
    ]  # fmt: skip
    write_notes(desk, (None, "Ask Pia", "minimum 20"))
    notices = desk.check().json["notices"]
    for units in (2, 3, 4):
        ended = f"the rule of the note 'free {units}' was ended with it"
        assert [text.endswith(ended) for text in notices].count(True) == 1
    assert [(rule["kind"], rule["units"]) for rule in rules(desk)] == [("minimum", 20)]


def test_a_rule_stays_while_another_line_of_its_contract_says_it(desk: Desk) -> None:
    hand = desk.read()
    products = hand.column(LINES, "Product")
    charged = {key: (id_, products[key]) for key, id_ in hand.column(LINES, "Contract ID").items() if id_}
    ((contract, product), _), *_ = Counter(charged.values()).most_common(1)
    first, second, *_ = (key for key, of_line in charged.items() if of_line == (contract, product))
    for key in (first, second):
        note(desk, "free 2", key)
    desk.check()
    note(desk, None, first)
    assert not [text for text in desk.check().json["notices"] if "was ended" in text]
    assert [rule["about"] for rule in rules(desk)] == [contract]


def test_free_and_minimum_units_by_command_last_and_zero_ends_them(desk: Desk) -> None:
    contract = str(desk.read().get(LINES, premium(desk.read()), "Contract ID"))
    words = ("--contract", contract, "--free", "3", "--minimum", "10", "--reason", "frame contract")
    assert desk.run("links", "units", *words).code == 0
    assert {rule["kind"] for rule in rules(desk)} == {"free", "minimum"}
    desk.check()
    assert "units:52" not in desk.read().rows(MISMATCHES)  # 18 - 3 are the 15 that ConnectWise has
    assert desk.run("export", "--month", "2026-09").code == 0
    september = Hand(desk.folder / "xlsync-2026-09.xlsx")
    assert "units:52" not in september.rows(MISMATCHES)
    ran = desk.run("links", "units", "--contract", contract, "--free", "0", "--minimum", "0")
    told = f"Ended: free units of contract {contract}\nEnded: minimum units of contract {contract}\n"
    assert (ran.code, ran.err) == (0, told)
    assert rules(desk) == []
    ran = desk.run("links", "units", "--contract", contract, "--free", "0")
    assert ran.err == f"There was no rule: free units of contract {contract}\n"
    desk.check()
    assert desk.read().get(MISMATCHES, "units:52", "BSS Units") == 18


def test_of_two_numbers_one_that_is_wrong_lets_neither_be_kept(desk: Desk) -> None:
    assert desk.run("links", "units", "--contract", "c", "--free", "3", "--minimum", "ten").code == 2
    assert rules(desk) == []


def test_what_a_rule_is_about_is_known_without_the_spaces_around_it(desk: Desk) -> None:
    assert desk.run("links", "units", "--contract", " c ", "--free", "3").code == 0
    assert [rule["about"] for rule in rules(desk)] == ["c"]


def test_a_rule_that_says_too_little_or_too_much_is_a_wrong_use(desk: Desk) -> None:
    for words in (
        ("units", "--contract", " ", "--free", "1"),
        ("ignore", "--reason", "x"),
        ("ignore", "--reason", "x", "--contract", "a", "--customer", "b"),
        ("ignore", "--contract", "a"),
        ("ignore", "--contract", "a", "--reason", "x", "--until", "31.12.2026"),
        ("units", "--contract", "a"),
        ("units", "--contract", "a", "--free", "-1"),
        ("units", "--contract", "a", "--free", "two"),
    ):
        assert desk.run("links", *words).code == 2
    assert rules(desk) == []


def test_several_products_are_summed_on_one_catalog_item(desk: Desk) -> None:
    """Siskin's 3 Exchange and 5 Web Filter seats on the item of its 2 cloud PCs."""
    with desk.editing() as hand:
        label = hand.get(LINES, hand.line("Siskin Electrics", "Windows 365"), "ConnectWise Product")
        for product in ("Exchange", "Web Filter"):
            hand.set(LINES, hand.line("Siskin Electrics", product), {"ConnectWise Product": label})
    assert desk.check().code == 0
    hand = desk.read()
    assert hand.get(MISMATCHES, "add:38:15", "BSS Units") == 10
    assert not {"add:38:5", "add:38:26"} & hand.rows(MISMATCHES).keys()
    assert "2 + 3 + 5" in hand.get(MISMATCHES, "add:38:15", "Explanation") or "of 3 contracts" in hand.get(
        MISMATCHES, "add:38:15", "Explanation"
    )
    desk.file.unlink()
    desk.export()  # remembered
    assert desk.read().get(MISMATCHES, "add:38:15", "BSS Units") == 10
    with desk.editing() as hand:
        hand.approve("add:38:15")
    assert desk.apply().code == 0
    assert desk.addition(max(desk.sandbox.connectwise.additions))["quantity"] == 10
    desk.check()
    assert "add:38:15" not in desk.read().rows(MISMATCHES)


def test_one_product_is_split_over_agreements_by_contract(desk: Desk) -> None:
    """Brambling's two contracts of one product: one of them moves to an agreement of its own."""
    agreements = desk.sandbox.connectwise.agreements
    own = next(one for one in agreements.values() if one["company"]["name"] == "Brambling Roofing")
    extra = max(agreements) + 1
    agreements[extra] = {**own, "id": extra, "name": "Cloud Services Workshop"}
    assert desk.check("--refresh").code == 0
    with desk.editing() as hand:
        lines = [k for k, name in hand.column(LINES, "Customer").items() if name == "Brambling Roofing"]
        (small,) = (key for key in lines if hand.get(LINES, key, "Units") == 2)
        (big,) = (key for key in lines if hand.get(LINES, key, "Units") == 10)
        hand.set(LINES, small, {"ConnectWise Agreement": "Cloud Services Workshop"})
    assert desk.check().code == 0
    with desk.editing() as hand:  # a choice may hold for the customer's other lines too
        hand.set(LINES, big, {"ConnectWise Agreement": "Cloud Services"})
    assert desk.check().code == 0
    for _ in range(2):
        hand = desk.read()
        assert hand.get(LINES, small, "ConnectWise Agreement") == "Cloud Services Workshop"
        assert hand.get(LINES, big, "ConnectWise Agreement") == "Cloud Services"
        assert hand.get(MISMATCHES, f"add:{extra}:7", "BSS Units") == 2
        desk.file.unlink()
        desk.export()  # next time nothing is asked again
    assert hand.get(LINES, small, "Match") in {"chosen", "remembered"}
