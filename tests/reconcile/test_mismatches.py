"""Mismatches of a whole month: what is ignored, their order and keys, and what holds whatever the month.

The docstrings hold tables, whose defaults `tables.py` tells.
"""

# ruff: noqa: D205, D212, D400, D403, D415  (docstrings hold tables)

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.tables import OCTOBER, Case, read_addition, read_books, read_line, read_link
from xlsync.models import ActionLabel, Addition, BillingLine, Link, Mismatch, MismatchKind, Status
from xlsync.reconcile.charges import read_charges
from xlsync.reconcile.mismatches import Findings, RowChoices, find_mismatches
from xlsync.reconcile.rules import Rule, RuleKind, Scope, find_ignore_rules
from xlsync.reconcile.verdict import Uncompared
from xlsync.records import replace

# --- ignored


def test_an_ignored_row_makes_its_lines_ignored(case: Case) -> None:
    """
    line  units  link  contract  product
    a     5      1:10  S1        Backup
    b     7      -     S2        Mailbox
    c     7      1:11  S3        Vault

    addition  item  quantity
    71        10    1
    72        11    1

    ignored
    units:71
    link:bss:Contoso:bss:Mailbox

    mismatch      key
    Units differ  units:72
    Units differ  units:71
    Not linked    link:bss:Contoso:bss:Mailbox

    line  status
    a     Ignored
    b     Ignored
    c     Mismatch
    """
    assert len(case.findings.mismatches) == 3


def test_a_line_is_ignored_only_when_all_its_rows_are(case: Case) -> None:
    """
    line  units  cost
    a     5      9

    addition  quantity  cost
    71        1         8

    ignored
    units:71

    mismatch      key
    Cost differs  cost:71
    Units differ  units:71

    line  status
    a     Mismatch
    """
    assert case.row("cost:71")


def test_a_mismatch_knows_whether_a_rule_ignores_it_or_a_person(case: Case) -> None:
    """
    line  units
    a     5

    addition  quantity
    71        1

    mismatch      key
    Units differ  units:71
    """

    def find(*rules: Rule) -> Mismatch:
        ruled = find_ignore_rules(OCTOBER, case.lines, rules)
        (found,) = find_mismatches(
            OCTOBER, case.lines, case.charges, case.links, case.books, RowChoices({"units:71"}), ruled
        ).mismatches
        assert found.action is ActionLabel.IGNORE
        return found

    rule = Rule(kind=RuleKind.IGNORE, scope=Scope.ROW, about="units:71")
    assert find(rule).is_ruled
    assert (find(replace(rule, reason="by hand")).reason, find().reason) == ("by hand", "")
    assert not find().is_ruled


# --- order and keys


def test_rows_stand_by_money_at_stake_whichever_way_it_goes(case: Case) -> None:
    """
    line  product  contract  units  amount  link
    a     A        S1        2      1       1:10
    b     B        S2        1      1       1:11
    c     C        S3        1      25      -
    d     D        S4        9      15      1:12

    addition  item  quantity
    71        10    1
    72        11    4
    73        12    1
    74        12    1

    mismatch           key
    Units differ       units:72
    Not linked         link:bss:Contoso:bss:C
    Several additions  several:1:12:S4
    Units differ       units:71
    """
    assert case.row("units:72").impact == -30


def test_what_is_billed_for_a_year_is_at_stake_by_the_month(case: Case) -> None:
    """
    line  product  contract  units  amount  link  months
    a     A        S1        9      120     1:12  12
    b     B        S2        9      240     -     12
    c     C        S3        9      15      -     1

    agreement  months
    1          12

    addition  item  quantity
    73        12    1
    74        12    1

    mismatch           key
    Not linked         link:bss:Contoso:bss:B
    Not linked         link:bss:Contoso:bss:C
    Several additions  several:1:12:S1
    """
    assert case.row("several:1:12:S1").stake == 10


def lines_and_additions() -> st.SearchStrategy[tuple[list[BillingLine], dict[str, Link], list[Addition]]]:
    rows = st.fixed_dictionaries(
        {
            "customer": st.sampled_from(["Contoso", "Fabrikam"]),
            "product": st.sampled_from(["Suite", "Voice"]),
            "contract": st.sampled_from(["S1", "S2", "s1", ""]),
            "units": st.sampled_from(["0", "0.1", "0.2", "5", "-5", "7"]),
            "cost": st.sampled_from(["", "0", "8.5"]),
            "type": st.sampled_from(["", "", "", "Usage"]),
            "period": st.sampled_from(["10-01 10-31", "10-17 10-31", "09-01 09-30", " "]),
            "source": st.sampled_from(["bss", "bss", "report"]),
            "unread": st.sampled_from(["", "", "", "", "500"]),
            "currency": st.sampled_from(["EUR", "EUR", "EUR", "USD"]),
            "months": st.sampled_from(["1", "1", "1", "", "12"]),
            "link": st.sampled_from(["1:10", "1:10", "1:10", "1:11", "2:10", "1:10?", "1:-", "", "new:10"]),
        }
    )
    additions = st.fixed_dictionaries(
        {
            "agreement": st.sampled_from(["1", "1", "2"]),
            "item": st.sampled_from(["10", "10", "11"]),
            "quantity": st.sampled_from(["0", "0.3", "5", "10"]),
            "cost": st.sampled_from(["", "0", "8.5"]),
            "price": st.sampled_from(["", "0", "3.333"]),
            "mark": st.sampled_from(["", "S1", "s2"]),
            "until": st.sampled_from(["", "", "10-31"]),
        }
    )

    def build(rows: list[dict[str, str]], additions: list[dict[str, str]]) -> Any:
        lines = [
            read_line(
                {**row, "line": f"L{n}", **dict(zip(("from", "to"), row["period"].split(" "), strict=True))}
            )
            for n, row in enumerate(rows)
        ]
        links = {f"L{n}": read_link(row["link"]) for n, row in enumerate(rows)}
        return lines, links, [read_addition({**a, "addition": str(70 + n)}) for n, a in enumerate(additions)]

    return st.builds(build, st.lists(rows, max_size=7), st.lists(additions, max_size=5))


def find(lines: Sequence[BillingLine], links: dict[str, Link], additions: Sequence[Addition]) -> Findings:
    books = read_books({}, links.values())
    agreements = {**read_books({"agreement": [{"agreement": "1"}, {"agreement": "2"}]}, ()).agreements}
    books = replace(
        books,
        agreements={**agreements, **books.agreements},
        additions={id_: tuple(a for a in additions if a.agreement_id == id_) for id_ in (1, 2)},
        linked_items=frozenset({11}),
    )
    charges = read_charges(lines, {"bss:S1": Decimal(5)})
    return find_mismatches(OCTOBER, lines, charges, links, books)


@given(lines_and_additions(), st.randoms(use_true_random=False))
def test_the_order_of_lines_and_additions_does_not_change_the_findings(
    month: tuple[list[BillingLine], dict[str, Link], list[Addition]], dice: Any
) -> None:
    lines, links, additions = month
    shuffled, turned = list(lines), list(additions)
    dice.shuffle(shuffled)
    dice.shuffle(turned)
    assert find(lines, links, additions) == find(shuffled, links, turned)


@given(lines_and_additions())
def test_every_line_has_a_status_and_every_row_a_key_of_its_own(
    month: tuple[list[BillingLine], dict[str, Link], list[Addition]],
) -> None:
    lines, links, additions = month
    found = find(lines, links, additions)
    assert found.statuses.keys() == links.keys()
    keys = [row.key for row in found.mismatches]
    assert len(keys) == len(set(keys))
    assert {key for row in found.mismatches for key in row.line_keys} <= links.keys()


@given(lines_and_additions())
def test_no_line_is_ok_while_a_row_stands_for_it_and_none_a_mismatch_without_one(
    month: tuple[list[BillingLine], dict[str, Link], list[Addition]],
) -> None:
    found = find(*month)
    with_rows = {key for row in found.mismatches for key in row.line_keys}
    for key, status in found.statuses.items():
        if status is Status.OK:
            assert key not in with_rows
        if status is Status.MISMATCH:
            assert key in with_rows


@given(lines_and_additions())
def test_units_are_never_negative_and_actions_only_where_they_can_be_done(
    month: tuple[list[BillingLine], dict[str, Link], list[Addition]],
) -> None:
    for row in find(*month).mismatches:
        assert row.bss_units is None or row.bss_units >= 0
        if row.action is not None:
            assert row.action in ActionLabel.offered(row.kind)
            assert (row.addition is None) is (row.action is ActionLabel.CREATE_ADDITION)
        if row.impact is not None:
            assert row.impact == row.impact.quantize(Decimal("0.01"))


@given(lines_and_additions())
def test_a_target_with_an_open_line_of_its_product_gives_no_update(
    month: tuple[list[BillingLine], dict[str, Link], list[Addition]],
) -> None:
    lines, links, additions = month
    rows = find(lines, links, additions).mismatches
    waiting = {(row.customer, row.product) for row in rows if row.kind is MismatchKind.NOT_LINKED}
    of = {line.key: (line.customer, line.product, line.source) for line in lines}
    not_linked = {of[key] for row in rows if row.kind is MismatchKind.NOT_LINKED for key in row.line_keys}
    for row in rows:
        if row.kind is not MismatchKind.NOT_LINKED:
            assert not {of[key] for key in row.line_keys} & not_linked, (row, waiting)


@given(lines_and_additions())
def test_two_rows_never_change_the_same_value(
    month: tuple[list[BillingLine], dict[str, Link], list[Addition]],
) -> None:
    rows: Sequence[Mismatch] = find(*month).mismatches
    changed = [(row.addition.id, row.kind) for row in rows if row.addition is not None]
    assert len(changed) == len(set(changed))


@given(lines_and_additions())
def test_an_update_that_is_done_is_found_no_more(
    month: tuple[list[BillingLine], dict[str, Link], list[Addition]],
) -> None:
    lines, links, additions = month
    now = {addition.id: addition for addition in additions}
    for row in find(lines, links, additions).mismatches:
        if row.addition is None or row.bss_units is None:
            continue
        if row.action is ActionLabel.UPDATE_UNITS:
            now[row.addition.id] = replace(now[row.addition.id], quantity=row.bss_units)
        elif row.action is ActionLabel.UPDATE_COST:
            now[row.addition.id] = replace(now[row.addition.id], unit_cost=row.bss_cost)
    left = find(lines, links, list(now.values())).mismatches
    assert not [row for row in left if row.action in {ActionLabel.UPDATE_UNITS, ActionLabel.UPDATE_COST}]


# --- lines that agree and hinder the all clear


def test_a_line_that_agrees_and_is_not_billed_to_the_customer_is_named(case: Case) -> None:
    """
    line  units  cost  link  contract
    a     5      2     1:10  S1
    b     5      2     2:10  S2
    c     5      2     3:10  S3
    d     5      2     4:10  S4
    e     5      2     5:10  S5

    agreement  ends   bills
    1          -      -
    2          10-15  -
    3          -      11-01
    4          10-31  10-31
    5          -      -

    addition  agreement  quantity  cost  billed
    71        1          5         2     DoNotBill
    72        2          5         2     Billable
    73        3          5         2     -
    74        4          5         2     Billable
    75        5          5         2     -

    mismatch  key
    """
    assert set(case.findings.statuses.values()) == {Status.OK}
    assert case.findings.uncompared == dict.fromkeys("abc", Uncompared.NOT_BILLED)


def test_a_contract_that_is_charged_for_an_earlier_month_alone_hinders_the_all_clear(case: Case) -> None:
    """
    line  units  cost  link  contract  from   to
    a     5      2     1:10  S1        10-01  10-31
    b     5      2     2:10  S2        09-01  09-30
    c     5      2     3:10  S3        09-15  10-14
    d     5      2     4:10  S4        -      -

    addition  agreement  quantity  cost
    71        1          5         2
    72        2          5         2
    73        3          5         2
    74        4          5         2

    mismatch  key
    """
    assert case.findings.statuses["b"] is Status.OK
    assert case.findings.uncompared == {"b": Uncompared.EARLIER_PERIOD}


def test_a_product_that_is_billed_afterwards_beside_one_that_is_not_is_compared(case: Case) -> None:
    """
    line  units  cost  link  contract  product  from   to
    a     5      2     1:10  S1        Mailbox  10-01  10-31
    b     5      2     2:11  S2        Backup   09-01  09-30
    c     5      2     3:11  S3        Backup   09-01  09-30

    addition  agreement  item  quantity  cost
    71        1          10    5         2
    72        2          11    5         2
    73        3          11    5         2

    mismatch  key
    """
    assert case.findings.uncompared == {}


def test_a_month_that_is_billed_afterwards_is_compared(case: Case) -> None:
    """
    line  units  cost  link  contract  from   to
    a     5      2     1:10  S1        09-01  09-30
    b     5      2     2:10  S2        09-01  09-30

    addition  agreement  quantity  cost
    71        1          5         2
    72        2          5         2

    mismatch  key
    """
    assert case.findings.uncompared == {}
