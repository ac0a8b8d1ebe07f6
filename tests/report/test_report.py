"""The month's figures: exact, agreeing with the sheets, whatever was written, taken back or checked since."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import zipfile
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES, MISMATCHES, day
from xlsync.apply.ledger import list_writes
from xlsync.apply.runs import Run, Write
from xlsync.errors import XlsyncError
from xlsync.models import BillingLine, Choice, Evidence, LineType, Link, Mismatch, MismatchKind
from xlsync.reconcile.targets import ComparedTarget
from xlsync.reconcile.verdict import MonthVerdict, Verdict
from xlsync.records import replace
from xlsync.report.facts import Facts, MismatchRow
from xlsync.report.figures import FigureGroup, Figures
from xlsync.report.month import Report, make_report, with_currencies_of_agreements
from xlsync.report.page import is_shown, notes
from xlsync.report.write import build, find_office, pdf_beside, write_report

MONTH, ENVIRONMENT = "2026-10", "site/company"
SUMS = [*Figures.__struct_fields__, "found", "margin"]
SECOND = "2026-10-09T10:00:{:02}.000+02:00"


def line(key: str, **facts: Any) -> BillingLine:
    known = {
        "invoice": "I-1",
        "type": LineType.RECURRING,
        "charge": LineType.RECURRING,
        "customer": "Heron Press",
        "customer_id": facts.get("customer", "Heron Press"),
        "product": "Mail Plan",
        "product_id": facts.get("product", "Mail Plan"),
        "units": Decimal(10),
        "cost": Decimal("4.00"),
        "amount": Decimal("40.00"),
        "currency": "EUR",
        "billing_months": 1,
    }
    return BillingLine(key=key, **(known | facts))


def link(company: int | str, agreement: int | str, item: int | str) -> Link:
    parts = (Choice(to, Evidence.EXACT) for to in (company, agreement, item))
    return Link(**dict(zip(("company", "agreement", "item"), parts, strict=True)))


def addition(id_: int, **facts: Any) -> ComparedTarget:
    known = {
        "agreement": 3,
        "item": 5,
        "company": 1,
        "customer": "Heron Press",
        "product": "Mail Plan",
        "currency": "EUR",
        "addition": id_,
        "units": Decimal(10),
        "unit_price": Decimal("5.00"),
    }
    return ComparedTarget(**(known | facts))


def run(second: int, *writes: Write, command: str = "apply", month: str = MONTH, **facts: Any) -> Run:
    known = {"environment": ENVIRONMENT, "workbook": "w.xlsx", "who": "ada", "is_finished": True}
    at = SECOND.format(second)
    stamped = tuple(replace(write, at=at) for write in writes)
    return Run(
        id=f"run-{second}",
        number=f"2026-10-28-{second}",
        at=at,
        command=command,
        month=month,
        writes=stamped,
        **(known | facts),
    )


def update(id_: int, state: str = "done", **fields: tuple[Any, Any]) -> Write:
    """A PATCH of an addition: of each field its former and its new value."""
    return Write(
        key=f"update:{id_}",
        kind="UpdateAddition",
        what=f"update {id_}",
        at="",
        method="PATCH",
        path=f"/finance/agreements/3/additions/{id_}",
        body=[{"op": "replace", "path": name, "value": new} for name, (_, new) in fields.items()],
        was={name: old for name, (old, _) in fields.items()},
        rows=(f"units:{id_}",),
        state=state,
        id=id_,
    )


def creation(id_: int, key: str = "add:3:5", succeeds: int | None = None, **body: Any) -> Write:
    return Write(
        key=key,
        kind="CreateAddition",
        what="create addition",
        at="",
        method="POST",
        path="/finance/agreements/3/additions",
        body={"product": {"id": 5}, "quantity": 4, **body},
        rows=(key,),
        state="done",
        id=id_,
        succeeds=succeeds,
    )


def row(key: str, kind: MismatchKind = MismatchKind.UNITS_DIFFER, **facts: Any) -> MismatchRow:
    own = {name: facts.pop(name) for name in ("result", "is_noted", "is_ignored") if name in facts}
    known = {"customer": "Heron Press", "product": "Mail Plan", "company": 1, "agreement": 3, "item": 5}
    mismatch = Mismatch(key=key, kind=kind, **(known | facts))
    return MismatchRow(
        mismatch=mismatch, customer="Heron", agreement="Cloud", product="M", kind=str(kind), **own
    )


def facts(lines: Iterable[BillingLine] = (), **others: Any) -> Facts:
    """A workbook whose lines are all linked to company 1, agreement 3, item 5, unless told otherwise."""
    known = tuple(lines)
    names = {"company": {1: "Heron Press Ltd"}, "agreement": {3: "Cloud"}, "item": {5: "M5: Mail"}}
    links = {entry.key: link(1, 3, 5) for entry in known} | others.pop("links", {})
    others = {"names": names} | others
    return Facts(month=MONTH, environment=ENVIRONMENT, lines=known, links=links, **others)


def total(report: Report, currency: str = "EUR") -> Figures:
    (found,) = [group.figures for group in report.totals if group.currency == currency]
    return found


def number(value: Any) -> Decimal:
    """A cell's number, exactly as it is shown."""
    return Decimal(str(value))


# Sums

CURRENCIES = st.sampled_from(["EUR", "USD", ""])
AMOUNTS = st.decimals(-100_000, 100_000, places=2) | st.decimals(-10, 10, places=6)
UNITS = st.decimals(0, 5000, places=0) | st.decimals(0, 50, places=3)
PRICES = st.none() | st.decimals(0, 900, places=4)
CHOICES = st.none() | st.builds(
    Choice, st.integers(1, 4), st.sampled_from([Evidence.EXACT, Evidence.SUGGESTED, Evidence.CHOSEN])
)
LINKS = st.builds(Link, company=CHOICES, agreement=CHOICES, item=CHOICES)
ADDITIONS = st.builds(
    addition,
    st.integers(1, 8),
    agreement=st.integers(1, 4),
    item=st.integers(1, 4),
    company=st.none() | st.integers(1, 4),
    currency=CURRENCIES,
    months=st.sampled_from([1, 3, 12, 36]),
    units=UNITS,
    included=st.sampled_from([Decimal(0), Decimal(2)]),
    unit_price=PRICES,
    has_ended=st.booleans(),
)
WRITES = st.one_of(
    st.builds(
        lambda id_, old, new, state: update(id_, state, quantity=(old, new), unitCost=(old, new)),
        st.integers(1, 8), UNITS, UNITS, st.sampled_from(["done", "failed", "unknown"]),
    ),
    st.builds(
        lambda id_, end: update(id_, cancelledDate=(None, end)),
        st.integers(1, 8), st.sampled_from([None, "2026-10-31T00:00:00Z"]),
    ),
    st.builds(lambda id_, units: creation(id_, quantity=units), st.integers(100, 103), UNITS),
    st.builds(
        lambda id_, units: creation(
            id_, f"successor:{id_ - 100}", id_ - 100, quantity=units, unitPrice=Decimal("3.35")
        ),
        st.integers(101, 108), UNITS,
    ),
)  # fmt: skip


FEWER = settings(max_examples=50)  # each is a whole month


@st.composite
def months(draw: st.DrawFn) -> tuple[Facts, list[Run]]:
    """A month as no sandbox makes it: odd links, odd prices, several currencies, and any writes."""
    count = draw(st.integers(0, 8))
    lines = [
        line(
            f"l{n}",
            customer=draw(st.sampled_from(["Heron", "Ibis", "Jay"])),
            product=draw(st.sampled_from(["Mail", "Office"])),
            amount=draw(AMOUNTS),
            currency=draw(CURRENCIES),
            charge=draw(st.sampled_from(LineType)),
            billing_months=draw(st.sampled_from([None, 1, 3, 12])),
        )
        for n in range(count)
    ]
    keys = [entry.key for entry in lines]
    rows = [
        row(
            f"units:{n}",
            draw(st.sampled_from(MismatchKind)),
            impact=draw(st.none() | AMOUNTS),
            line_keys=tuple(draw(st.lists(st.sampled_from(keys), max_size=2))) if keys else (),
            agreement=draw(st.integers(1, 4)),
            result=draw(st.sampled_from(["", "done units 2", "failed: no"])),
        )
        for n in range(draw(st.integers(0, 4)))
    ]
    seen = facts(
        lines,
        links={key: draw(LINKS) for key in keys},
        compared=tuple({entry.key: entry for entry in draw(st.lists(ADDITIONS, max_size=6))}.values()),
        rows=tuple(rows),
    )
    writes = draw(st.lists(st.lists(WRITES, max_size=4), max_size=3))
    commands = st.sampled_from(["apply", "undo"])
    return seen, [run(n, *group, command=draw(commands)) for n, group in enumerate(writes)]


@FEWER
@given(months())
def test_the_sum_of_customers_is_the_total_is_the_sum_of_products(month: tuple[Facts, list[Run]]) -> None:
    report = make_report(*month)
    for one in report.totals:
        for name in SUMS:
            wanted = getattr(one.figures, name)
            for groups in (report.customers, report.products):
                found = [getattr(g.figures, name) for g in groups if g.currency == one.currency]
                assert sum(found, Decimal(0)) == wanted, name


@FEWER
@given(months())
def test_billed_is_the_sum_of_the_lines_of_each_currency(month: tuple[Facts, list[Run]]) -> None:
    report = make_report(*month)
    lines = with_currencies_of_agreements(month[0]).lines
    for currency in {entry.currency for entry in lines}:
        amounts = [entry.amount for entry in lines if entry.currency == currency]
        assert total(report, currency).billed == sum(amounts, Decimal(0))
        assert total(report, currency).lines == len(amounts)


@FEWER
@given(months())
def test_open_rows_of_the_kinds_and_of_the_customers_are_the_same(month: tuple[Facts, list[Run]]) -> None:
    report = make_report(*month)
    for one in report.totals:
        own = [kind for kind in report.kinds if kind.currency == one.currency]
        assert sum(kind.count for kind in own) == one.figures.open
        assert sum((kind.up for kind in own), Decimal(0)) == one.figures.up
        assert sum((kind.down for kind in own), Decimal(0)) == one.figures.down
    assert len(report.open) == sum(one.figures.open for one in report.totals)


@FEWER
@given(months())
def test_without_writes_nothing_was_found(month: tuple[Facts, list[Run]]) -> None:
    report = make_report(month[0], [])
    assert all(one.figures.before == one.figures.after for one in report.totals)
    assert (report.writes, set(report.created.values())) == ((), {0})


@FEWER
@given(months(), st.randoms())
def test_the_order_of_runs_and_facts_does_not_matter(month: tuple[Facts, list[Run]], chance: Any) -> None:
    seen, runs = month
    mixed = [list(part) for part in (seen.lines, seen.compared, runs)]
    for part in mixed:
        chance.shuffle(part)
    lines, compared, turned = mixed
    again = make_report(replace(seen, lines=tuple(lines), compared=tuple(compared)), turned)
    assert again.totals == make_report(seen, runs).totals


def test_money_of_no_currency_is_that_of_its_agreement_so_that_there_is_a_margin() -> None:
    lines = [line("a", currency=""), line("b", currency="", amount=Decimal(7))]
    links = {"b": Link()}
    report = make_report(facts(lines, links=links, compared=(addition(9),)), [])
    (one,) = report.totals
    assert (one.currency, one.figures.billed, one.figures.revenue, one.figures.cost) == ("EUR", 47, 50, 40)
    two = (addition(9), addition(8, agreement=4, currency="USD"))
    apart = make_report(facts(lines, links=links, compared=two), []).totals
    assert [(one.currency, one.figures.billed) for one in apart] == [("EUR", 40), ("", 7), ("USD", 0)]


def test_money_is_never_added_across_currencies() -> None:
    lines = [line("a"), line("b", currency="USD", amount=Decimal(7))]
    report = make_report(facts(lines, compared=(addition(9), addition(8, currency="USD"))), [])
    assert [(one.currency, one.figures.billed) for one in report.totals] == [("EUR", 40), ("USD", 7)]
    assert [(one.currency, one.figures.before) for one in report.totals] == [("EUR", 50), ("USD", 50)]
    assert [group.currency for group in report.customers] == ["EUR", "USD"]


# Before and after


def test_a_done_update_moves_after_and_not_before() -> None:
    found = total(
        make_report(facts([line("a")], compared=(addition(9),)), [run(1, update(9, quantity=(10, 13)))])
    )
    assert (found.before, found.after, found.found) == (50, 65, 15)


def test_a_check_after_apply_changes_no_figure() -> None:
    runs = [run(1, update(9, quantity=(10, 13)))]
    exported = facts([line("a")], compared=(addition(9),))
    checked = facts([line("a")], compared=(addition(9, units=Decimal(13)),))
    assert make_report(exported, runs).totals == make_report(checked, runs).totals


@pytest.mark.parametrize(
    ("renewed_at", "is_of_november", "after"),
    [
        ("2026-10-30T09:00:00+00:00", False, 60),
        ("2026-10-01T09:00:00+00:00", False, 65),
        ("2026-10-30T09:00:00+00:00", True, 65),
    ],
)
def test_units_that_a_check_read_after_the_last_write_are_those_of_now(
    renewed_at: str, is_of_november: bool, after: int
) -> None:
    """Somebody changed them by hand. What another month's run wrote is no change of this month."""
    runs = [run(1, update(9, quantity=(10, 13)))]
    if is_of_november:
        runs.append(run(2, update(9, quantity=(13, 12)), month="2026-11"))
    checked = facts([line("a")], compared=(addition(9, units=Decimal(12)),), renewed_at=renewed_at)
    found = total(make_report(checked, runs))
    assert (found.before, found.after) == (50, after)


@pytest.mark.parametrize("state", ["failed", "unknown", "skipped"])
def test_a_write_that_is_not_done_counts_for_nothing_and_is_told(state: str) -> None:
    runs = [run(1, update(9, state, quantity=(10, 13)))]
    report = make_report(facts([line("a")], compared=(addition(9),)), runs)
    assert total(report).found == 0
    assert report.states == {state: 1}
    assert any("without a known outcome" in note for note in notes(report)) == (state == "unknown")


def test_of_several_writes_of_one_addition_the_latest_value_wins() -> None:
    runs = [run(2, update(9, quantity=(13, 11))), run(1, update(9, quantity=(10, 13)))]
    found = total(make_report(facts([line("a")], compared=(addition(9),)), runs))
    assert (found.before, found.after) == (50, 55)


def test_an_undo_takes_found_revenue_back() -> None:
    done = run(1, update(9, quantity=(10, 13)))
    back = run(2, update(9, quantity=(13, 10)), command="undo")
    report = make_report(facts([line("a")], compared=(addition(9),)), [back, done])
    assert (total(report).before, total(report).after) == (50, 50)
    assert [(write.command, write.is_taken_back) for write in report.writes] == [
        ("apply", True),
        ("undo", False),
    ]


def test_a_write_whose_undo_was_undone_is_in_force_again() -> None:
    runs = [
        run(1, update(9, quantity=(10, 13))),
        run(2, update(9, quantity=(13, 10)), command="undo"),
        run(3, update(9, quantity=(10, 13)), command="undo"),
    ]
    seen = facts([line("a")], compared=(addition(9),), rows=(row("units:9", result="done units 10 -> 13"),))
    report = make_report(seen, runs)
    assert (total(report).found, report.open) == (15, ())
    assert [write.is_taken_back for write in report.writes] == [False, True, False]


def test_an_undo_of_another_month_does_not_count() -> None:
    other = run(0, update(7, quantity=(1, 2)), command="undo", month="2026-09")
    report = make_report(
        facts([line("a")], compared=(addition(9), addition(7))), [run(1, update(9, quantity=(10, 13))), other]
    )
    assert total(report).found == 15
    assert len(report.writes) == 1


def test_runs_of_another_month_or_environment_do_not_count() -> None:
    runs = [
        run(1, update(9, quantity=(10, 13)), month="2026-09"),
        run(2, update(9, quantity=(10, 14)), environment="other/company"),
    ]
    report = make_report(facts([line("a")], compared=(addition(9),)), runs)
    assert (total(report).found, report.writes) == (0, ())
    assert list_writes(runs, "2026-09", ENVIRONMENT)[0].after == "units 13"


def test_a_yearly_change_is_rounded_once_as_on_the_sheet() -> None:
    yearly = addition(9, months=12, unit_price=Decimal("100.10"))
    found = total(make_report(facts([line("a")], compared=(yearly,)), [run(1, update(9, quantity=(10, 13)))]))
    assert found.found == Decimal("25.03")  # 3 * 100.10 / 12 = 25.025
    assert found.before == Decimal("83.42")


def test_included_units_are_not_billed() -> None:
    seen = facts([line("a")], compared=(addition(9, included=Decimal(4)),))
    assert total(make_report(seen, [])).before == 30


def test_an_addition_without_a_price_is_in_no_sum_and_told() -> None:
    report = make_report(facts([line("a")], compared=(addition(9, unit_price=None),)), [])
    assert (total(report).before, total(report).unpriced) == (0, 1)
    assert any("1 addition without a price" in note for note in notes(report))


def test_a_cost_set_right_is_no_revenue() -> None:
    report = make_report(facts([line("a")], compared=(addition(9),)), [run(1, update(9, unitCost=(4, 5)))])
    assert (total(report).found, total(report).cost_impact) == (0, -10)
    assert any("-10.00 EUR" in note for note in notes(report))


def test_a_created_addition_counts_before_and_after_a_check_alike() -> None:
    asked = row("add:3:5", MismatchKind.NOT_IN_CONNECTWISE, unit_price=Decimal(5), line_keys=("a",))
    without = addition(0, addition=None, units=Decimal(0), unit_price=None)
    runs = [run(1, creation(77))]
    exported = make_report(facts([line("a")], compared=(without,), rows=(asked,)), runs)
    checked = make_report(facts([line("a")], compared=(addition(77, units=Decimal(4)),)), runs)
    for report in (exported, checked):
        assert (total(report).before, total(report).after, total(report).revenue) == (0, 20, 20)
        assert report.created["Addition"] == 1
        assert [group.name for group in report.customers] == ["Heron Press Ltd"]


@pytest.mark.parametrize("price", [{}, {"unitPrice": Decimal("5.00")}])
def test_a_created_addition_that_the_customer_does_not_pay_for_brings_no_money(price: dict[str, Any]) -> None:
    asked = row("add:3:5", MismatchKind.NOT_IN_CONNECTWISE, unit_price=Decimal("5.00"))
    without = addition(0, addition=None, units=Decimal(0), unit_price=None)
    created = creation(77, billCustomer="DoNotBill", **price)
    report = make_report(facts(compared=(without,), rows=(asked,)), [run(1, created)])
    assert (report.created["Addition"], total(report).found, total(report).unpriced) == (1, 0, 0)


def test_a_creation_that_was_taken_back_was_not_created() -> None:
    back = update(77, cancelledDate=(None, "2026-10-01T00:00:00Z"))
    runs = [run(1, creation(77, unitPrice=5)), run(2, back, command="undo")]
    report = make_report(facts([line("a")], compared=(addition(9),)), runs)
    assert (total(report).found, report.created["Addition"]) == (0, 0)


def test_an_addition_that_the_month_ended_stays_in_before() -> None:
    runs = [run(1, update(9, cancelledDate=(None, "2026-10-31T00:00:00Z")))]
    ended = facts([line("a")], compared=(addition(9, has_ended=True),))
    assert (total(make_report(ended, runs)).before, total(make_report(ended, runs)).after) == (50, 0)


def test_an_addition_that_others_ended_is_in_no_sum() -> None:
    assert total(make_report(facts([line("a")], compared=(addition(9, has_ended=True),)), [])).before == 0


def test_a_successor_and_its_predecessor_are_one_change() -> None:
    ended = update(9, cancelledDate=(None, "2026-10-14T00:00:00Z"))
    following = creation(10, "successor:9", 9, quantity=13, unitPrice=Decimal("100.10"))
    yearly = addition(9, months=12, unit_price=Decimal("100.10"))
    found = total(make_report(facts([line("a")], compared=(yearly,)), [run(1, ended, following)]))
    assert found.found == Decimal("25.03")


# Margin


def test_margin_holds_a_month_against_a_month() -> None:
    lines = [line("a"), line("b", amount=Decimal("60.00"), billing_months=12)]
    found = total(make_report(facts(lines, compared=(addition(9),)), []))
    assert (found.billed, found.cost, found.revenue, found.margin) == (100, 45, 50, 5)
    assert found.rate == Decimal("0.1")


@pytest.mark.parametrize(
    "other",
    [
        {"charge": LineType.USAGE},
        {"charge": LineType.ONE_TIME},
        {"currency": "USD"},  # than its agreement
    ],
    ids=str,
)
def test_margin_leaves_out_what_cannot_be_compared(other: dict[str, Any]) -> None:
    report = make_report(facts([line("a", **other)], compared=(addition(9),)), [])
    assert {one.figures.cost for one in report.totals} == {0}
    assert {one.figures.revenue for one in report.totals} == {0}


def test_margin_leaves_out_a_term_of_which_a_part_is_billed() -> None:
    """An annual term increased half-way bills the increase alone."""
    part = line("a", billing_months=12, start=dt.date(2026, 10, 6), end=dt.date(2027, 4, 30))
    found = total(make_report(facts([part], compared=(addition(9, months=12),)), []))
    assert (found.revenue, found.cost) == (0, 0)
    whole = replace(part, start=dt.date(2026, 10, 1), end=dt.date(2027, 9, 30))
    assert total(make_report(facts([whole], compared=(addition(9, months=12),)), [])).cost > 0


def test_margin_leaves_out_suggested_links() -> None:
    suggested = replace(link(1, 3, 5), agreement=Choice(3, Evidence.SUGGESTED, 80))
    seen = facts([line("a")], links={"a": suggested}, compared=(addition(9),))
    assert total(make_report(seen, [])).margin == 0


def test_what_is_linked_and_not_billed_at_all_is_a_negative_margin() -> None:
    without = addition(0, addition=None, units=Decimal(0), unit_price=None)
    assert total(make_report(facts([line("a")], compared=(without,)), [])).margin == -40


# Customers and products


def test_a_line_without_a_link_stands_with_its_customers_other_lines() -> None:
    lines = [line("a"), line("b", product="Office")]
    report = make_report(facts(lines, links={"b": Link()}), [])
    assert [(g.name, g.is_linked, g.figures.lines) for g in report.customers] == [
        ("Heron Press Ltd", True, 2)
    ]
    assert [(g.name, g.is_linked) for g in report.products] == [("M5: Mail", True), ("Office", False)]


def test_customers_of_one_name_stay_apart() -> None:
    lines = [line("a", customer_id="1"), line("b", customer_id="2")]
    report = make_report(facts(lines, links={"a": Link(), "b": Link()}), [])
    assert [group.name for group in report.customers] == ["Heron Press", "Heron Press"]


def test_what_was_created_belongs_to_its_line_at_once() -> None:
    made = Write(
        key="customer:new", kind="CreateCompany", what="create customer", at="", method="POST",
        path="/company/companies", body={}, state="done", id=1,
    )  # fmt: skip
    links = {"a": link("customer:new", "agreement:new", "product:new")}
    report = make_report(facts([line("a")], links=links), [run(1, made)])
    assert [(group.name, group.is_linked) for group in report.customers] == [("Heron Press Ltd", True)]
    assert report.created["Customer"] == 1


# Open mismatches


def test_open_is_what_is_neither_done_nor_ignored() -> None:
    rows = (
        row("units:1", impact=Decimal(5)),
        row("units:2", result="done units 2 -> 3", is_noted=True),
        row("units:3", result="already: units are 3"),
        row("units:4", result="failed: refused", impact=Decimal(-2)),
        row("units:5", is_ignored=True),
    )
    report = make_report(facts([line("a")], rows=rows), [])
    assert (len(report.open), report.ignored) == (2, 1)
    assert [(k.kind, k.count, k.up, k.down) for k in report.kinds] == [("Units differ", 2, 5, -2)]


@pytest.mark.parametrize("typed", ["done", "Done by Ann on the phone", "already billed by hand"])
def test_a_row_of_which_a_person_typed_that_it_is_done_is_open_while_no_run_says_so(typed: str) -> None:
    seen = facts([line("a")], compared=(addition(9),), rows=(row("units:9", result=typed),))
    assert len(make_report(seen, []).open) == 1
    assert make_report(seen, [run(1, update(9, quantity=(10, 13)))]).open == ()


@pytest.mark.parametrize("is_due", [True, False])
def test_a_month_with_a_row_that_was_opened_since_the_check_is_not_all_clear(is_due: bool) -> None:
    """A person takes back an Ignore; what is not due hinders no all clear."""
    judged = MonthVerdict(Verdict(True, "No mismatch."))
    report = make_report(facts(rows=(row("units:1", not_due=not is_due),), month_verdict=judged), [])
    assert (report.verdict.all_clear, "judges anew" in report.verdict.text) == (not is_due, is_due)
    ignored = facts(rows=(row("units:1", is_ignored=True),), month_verdict=judged)
    assert make_report(ignored, []).verdict == judged.verdict


@pytest.mark.parametrize(("minutes", "is_clear"), [(-1, False), (0, False), (1, True)])
def test_a_month_that_was_written_to_after_the_check_is_not_all_clear(minutes: int, is_clear: bool) -> None:
    """An undo of what the check found right."""
    written = run(1, update(9, quantity=(10, 13)))
    at = dt.datetime.fromisoformat(written.at).astimezone() + dt.timedelta(minutes=minutes)
    judged = facts(month_verdict=MonthVerdict(Verdict(True, "No mismatch.")), renewed_at=at.isoformat())
    assert make_report(judged, [written]).verdict.all_clear is is_clear


def test_a_row_whose_write_was_taken_back_is_open_again() -> None:
    rows = (row("units:9", result="done units 10 -> 13"),)
    seen = facts([line("a")], compared=(addition(9),), rows=rows)
    done = run(1, update(9, quantity=(10, 13)))
    back = run(2, update(9, quantity=(13, 10)), command="undo")
    assert make_report(seen, [done]).open == ()
    assert len(make_report(seen, [done, back]).open) == 1


# The workbook


def hostile() -> Report:
    name = "=1+1|\x07_x0041_ \ud800"
    lines = [line("a", customer=name, product="@SUM(A1)"), line("b", customer="#N/A", product="日本")]
    rows = (row("units:1", impact=Decimal("1.5"), explanation="=HYPERLINK(1)\nsecond"),)
    runs = [run(1, replace(update(9, quantity=(10, 13)), what="-2+3 for =cmd|calc"))]
    return make_report(
        facts(lines, links={"a": Link(), "b": Link()}, compared=(addition(9),), rows=rows), runs
    )


def test_no_text_becomes_a_formula_or_an_error() -> None:
    book = build(hostile(), "2026-11-02 08:00")
    cells = [cell for page in book for line_ in page.iter_rows() for cell in line_ if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert {"=1+1|\ufffd_x005F_x0041_ \ufffd", "#N/A"} <= {cell.value for cell in cells}


def test_an_empty_month_has_a_report_too(tmp_path: Path) -> None:
    report = make_report(facts(), [])
    write_report(report, tmp_path / "r.xlsx", "2026-11-02 08:00")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert book.sheetnames == ["Report", "By Customer", "By Product", "Open Mismatches", "Writes"]
    assert book["Writes"]["A2"].value == "None"


def test_a_report_is_written_over_a_report_and_over_nothing_else(tmp_path: Path) -> None:
    path, report = tmp_path / "r.xlsx", make_report(facts([line("a")]), [])
    write_report(report, path, "2026-11-02 08:00")
    write_report(report, path, "2026-11-02 08:01")
    for content in (b"not a workbook", b""):
        path.write_bytes(content)
        with pytest.raises(XlsyncError, match="is not a report"):
            write_report(report, path, "2026-11-02 08:02")
        assert path.read_bytes() == content
    openpyxl.Workbook().save(path)
    locked = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):  # as if each part had a password
        for match in re.finditer(re.escape(header), bytes(locked)):
            locked[match.start() + flags] |= 1
    for content in (path.read_bytes(), bytes(locked)):
        path.write_bytes(content)
        with pytest.raises(XlsyncError, match="is not a report"):
            write_report(report, path, "2026-11-02 08:02")
    assert [file.name for file in tmp_path.iterdir()] == ["r.xlsx"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(XlsyncError, match="cannot be written"):
        write_report(make_report(facts(), []), tmp_path / "none" / "r.xlsx", "2026-11-02 08:00")


# By the real commands


def test_report_needs_no_network_and_agrees_with_the_sheets(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:7", "add:38:15", "cost:54")
        hand.approve("only:62", Action="Cancel addition")
        hand.set(MISMATCHES, "units:69", {"Action": "Ignore"})
        impacts = hand.column(MISMATCHES, "Monthly Impact")
        amounts = hand.column(LINES, "Amount")
        explanations = hand.column(MISMATCHES, "Explanation")
    desk.apply("--force")
    desk.forget_log()
    told = desk.run("report", str(desk.file), "--json")
    assert (told.code, len(desk.sandbox.log)) == (0, 0)
    euro = next(one for one in told.json["totals"] if one["currency"] == "EUR")
    done = ("units:52", "units:7", "add:38:15", "only:62")
    assert euro["billed"] == sum(map(number, amounts.values()))
    assert euro["found"] == sum(number(impacts[key]) for key in done)
    settled = {*done, "cost:54", "units:69"}
    left = [number(value or 0) for key, value in impacts.items() if key not in settled]
    assert euro["open"] == len(left)
    due = {key for key, text in explanations.items() if "not due this month" not in text}
    assert len(due) < len(impacts)
    left = [number(value or 0) for key, value in impacts.items() if key in due - settled]
    assert (euro["up"], euro["down"]) == (sum(i for i in left if i > 0), sum(i for i in left if i < 0))
    assert (told.json["ignored"], told.json["created"]["Addition"], len(told.json["writes"])) == (1, 1, 5)


def test_the_sheets_of_the_report_add_up_to_its_page(desk: Desk) -> None:
    assert desk.run("report", str(desk.file)).code == 0
    book = openpyxl.load_workbook(desk.folder / "xlsync-2026-10-report.xlsx")
    cells = [cell for line_ in book["Report"].iter_rows() for cell in line_]
    label = next(cell for cell in cells if cell.value == "Billed by the distributor")
    billed = book["Report"].cell(label.row + 1, label.column)
    for title in ("By Customer", "By Product"):
        sheet = book[title]
        columns = {cell.value: cell.column for cell in sheet[1]}
        rows = [r for r in range(2, sheet.max_row + 1) if sheet.cell(r, columns["Currency"]).value == "EUR"]
        amounts = [number(sheet.cell(r, columns["Billed"]).value) for r in rows]
        is_total = [sheet.cell(r, 1).value == "Total" for r in rows]
        assert is_total.count(True) == 1
        assert sum(a for a, t in zip(amounts, is_total, strict=True) if not t) == number(billed.value)
        assert amounts[is_total.index(True)] == number(billed.value)
    assert len(book["Report"]._charts) == 3


def test_a_check_between_changes_neither_before_nor_found(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:7", "add:38:15")
        hand.approve("only:62", Action="Cancel addition")
    desk.apply("--force")
    first = desk.run("report", str(desk.file), "--json").json
    assert desk.check().code == 0
    second = desk.run("report", str(desk.file), "--json").json
    for one, other in zip(first["totals"], second["totals"], strict=True):
        assert (one["before"], one["after"], one["found"]) == (
            other["before"],
            other["after"],
            other["found"],
        )


def test_an_addition_from_a_date_on_is_found_once(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", Effective_From=day("2026-11-01"))
        impact = number(hand.get(MISMATCHES, "units:52", "Monthly Impact"))
    assert set(desk.apply().states.values()) == {"done"}
    report = desk.run("report", str(desk.file), "--json").json
    assert [one["found"] for one in report["totals"] if one["currency"] == "EUR"] == [impact]


def test_after_undo_the_report_is_as_before(desk: Desk) -> None:
    before = desk.run("report", str(desk.file), "--json").json
    with desk.editing() as hand:
        hand.approve("units:52", "add:38:15")
        hand.approve("only:62", Action="Cancel addition")
    desk.run("undo", desk.apply("--force").json["run"], "--yes", "--json")
    after = desk.run("report", str(desk.file), "--json").json
    assert after["totals"] == before["totals"]
    assert (after["created"]["Addition"], len(after["writes"])) == (0, 6)


def test_a_workbook_of_another_environment_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLSYNC_CW_COMPANY", "another")
    ran = desk.run("report", str(desk.file))
    assert (ran.code, list(desk.folder.glob("*report*"))) == (1, [])
    assert "belongs to" in ran.err


def test_history_of_a_month_tells_who_when_before_and_after(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "cost:54")
    run_id = desk.apply().json["run"]
    told = desk.run("history", "--month", "2026-10").out
    (run,) = desk.run("history", "--json").json["runs"]
    assert f"  {run['who']}  apply {run['number']}  done\n" in told
    assert "units 15 -> 18\n" in told
    writes = desk.run("history", "--month", "2026-10", "--json").json["writes"]
    assert sorted((w["before"], w["after"], w["state"]) for w in writes) == [
        ("cost 4.80", "cost 5.05", "done"),
        ("units 15", "units 18", "done"),
    ]
    assert desk.run("history", "--month", "2026-09", "--json").json["writes"] == []
    assert desk.run("history", run_id, "--month", "2026-10").code == 2


def test_what_is_printed_is_never_smaller_than_eight_points_and_no_last_page_is_short(desk: Desk) -> None:
    assert desk.run("report", str(desk.file), "--output", "r.xlsx").code == 0
    for page in openpyxl.load_workbook(desk.folder / "r.xlsx"):
        scale = page.page_setup.scale
        sizes = {cell.font.size for line in page.iter_rows() for cell in line if cell.value is not None}
        assert scale * min(sizes) / 100 >= 8, (page.title, scale, min(sizes))
        assert sum(page.column_dimensions[name].width for name in page.column_dimensions) * scale <= 13_800
        ends = [0, *(one.id for one in page.row_breaks.brk), page.max_row]
        counts = [last - first for first, last in pairwise(ends)]
        if page.title != "Report":
            assert min(counts) * 3 >= max(counts), (page.title, counts)
    with zipfile.ZipFile(desk.folder / "r.xlsx") as package:
        charts = [package.read(name).decode() for name in package.namelist() if "charts/chart" in name]
    letters = {int(size) for chart in charts for size in re.findall(r'sz="(\d+)"', chart)}
    assert len(charts) == 3
    assert min(letters) * 0.8 >= 800


def test_a_yearly_charge_counts_a_twelfth_beside_monthly_money() -> None:
    yearly = line("a", billing_months=12, amount=Decimal(120))
    setup = line("b", charge=LineType.ONE_TIME, type=LineType.ONE_TIME, amount=Decimal(7))
    found = total(make_report(facts([yearly, setup, line("c", amount=Decimal(10))]), []))
    assert (found.billed, found.monthly) == (137, 20)


def test_a_currency_in_which_nothing_is_billed_has_no_block() -> None:
    assert not is_shown(FigureGroup("USD", "USD", True, Figures(before=Decimal(77), after=Decimal(77))))
    assert is_shown(FigureGroup("USD", "USD", True, Figures(lines=1)))
    assert is_shown(FigureGroup("USD", "USD", True, Figures(open=1)))


@pytest.mark.skipif(find_office() is None, reason="LibreOffice is not on this machine")
def test_libreoffice_reads_the_report_and_makes_a_pdf(desk: Desk) -> None:
    ran = desk.run("report", str(desk.file), "--pdf", "--json")
    assert ran.code == 0, ran.err
    assert Path(ran.json["pdf"]).read_bytes().startswith(b"%PDF-")
    assert pdf_beside(Path(ran.json["report"])) == Path(ran.json["pdf"]), "the next report takes its place"
    breaks = sum(len(page.row_breaks.brk) + 1 for page in openpyxl.load_workbook(ran.json["report"]))
    pages = len(re.findall(rb"/Type */Page\b", Path(ran.json["pdf"]).read_bytes()))
    assert pages == breaks, "no page is split across, whatever stands in for Calibri on this machine"


@pytest.mark.parametrize("content", [b"a person's own file", b"%PDF-1.7 of a person", b""])
def test_the_pdf_takes_a_free_name_where_a_persons_file_has_its_own(tmp_path: Path, content: bytes) -> None:
    report = tmp_path / "xlsync-2026-10-report.xlsx"
    usual = report.with_suffix(".pdf")
    assert pdf_beside(report) == usual
    usual.write_bytes(content)
    assert pdf_beside(report).name == "xlsync-2026-10-report-2.pdf"
    pdf_beside(report).write_bytes(b"%PDF-1.7\n<</Title(xlsync report)>>")
    assert pdf_beside(report).name == "xlsync-2026-10-report-2.pdf"  # made anew each time


def test_without_libreoffice_the_report_is_there_and_the_pdf_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_office() is not None and shutil.which("soffice") is None and shutil.which("libreoffice") is None:
        pytest.skip("LibreOffice is where no PATH is needed")
    monkeypatch.setenv("PATH", "")
    ran = desk.run("report", str(desk.file), "--pdf")
    assert ran.code == 1
    assert "Install LibreOffice" in ran.err
    assert zipfile.is_zipfile(desk.folder / "xlsync-2026-10-report.xlsx")
