"""Mismatches: the month's billing against ConnectWise's additions, case by case.

The docstrings hold billing lines and additions, and the rows that are expected of them. Where a table does
not say otherwise a line is 1 unit of Contoso's Backup, contract S1, October, monthly, in EUR, linked to
agreement 1 and product 10, and an addition has no cost and a unit price of 10.
"""

# ruff: noqa: D205, D212, D400, D403, D415  (docstrings hold tables)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import OCTOBER, Case, read_addition, read_books, read_case, read_line, read_link, read_tables

from xlsync.models import ActionLabel, Addition, BillingLine, Link, Mismatch, MismatchKind, Status
from xlsync.reconcile import Findings, find_mismatches
from xlsync.units import read_charges


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """The tables of the test's docstring, already found to give what they expect."""
    found = read_case(request.function.__doc__)
    assert found.found == found.expected
    return found


# --- units


def test_equal_units_are_ok_and_give_no_row(case: Case) -> None:
    """
    line  units
    a     12

    addition  quantity
    71        12.00

    mismatch  key

    line  status
    a     OK
    """
    assert case.findings.mismatches == ()


def test_other_units_give_an_update(case: Case) -> None:
    """
    line  units
    a     15

    addition  quantity
    71        12

    mismatch      key       bss  cw  difference  price  impact  action
    Units differ  units:71  15   12  3           10     30.00   Update units

    line  status
    a     Mismatch
    """
    assert case.explanation == "Billed 15; ConnectWise has 12."


def test_fewer_units_billed_than_in_connectwise_are_money_down(case: Case) -> None:
    """
    line  units
    a     9

    addition  quantity
    71        12

    mismatch      key       bss  cw  difference  impact
    Units differ  units:71  9    12  -3          -30.00
    """
    assert case.row("units:71").addition == read_addition({"addition": "71", "quantity": "12"})


def test_the_lines_of_a_target_are_netted_and_the_row_says_how(case: Case) -> None:
    """
    line      units  from   to
    renewal   12     10-01  10-31
    increase  3      10-17  10-31
    credit    -1     10-20  10-31
    earlier   5      09-01  09-30

    addition  quantity
    71        12

    mismatch      key       bss  cw  impact  lines
    Units differ  units:71  14   12  20.00   credit increase renewal

    line      status
    renewal   Mismatch
    increase  Mismatch
    credit    Mismatch
    earlier   Not compared
    """
    assert "Billed 14 (12 + 3 from 2026-10-17 - 1 from 2026-10-20)" in case.explanation


def test_the_contracts_of_a_target_are_added_and_the_row_names_each(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7.5

    addition  quantity
    71        5

    mismatch      key       bss   cw  impact
    Units differ  units:71  12.5  5   75.00

    line  status
    a     Mismatch
    b     Mismatch
    """
    assert "Billed 12.5 (5 + 7.5, of 2 contracts)" in case.explanation


def test_two_customers_on_one_agreement_are_added(case: Case) -> None:
    """
    line  customer  contract  units
    a     Contoso   S1        5
    b     Fabrikam  S2        2

    addition  quantity
    71        7

    mismatch  key

    line  status
    a     OK
    b     OK
    """
    assert case.findings.statuses == {"a": Status.OK, "b": Status.OK}


def test_a_tenth_and_two_tenths_equal_three_tenths(case: Case) -> None:
    """
    line  contract  units
    a     S1        0.1
    b     S2        0.2

    addition  quantity
    71        0.3

    mismatch  key

    line  status
    a     OK
    """
    assert not case.findings.mismatches


def test_a_contract_credited_in_full_asks_for_zero_units(case: Case) -> None:
    """
    line    units  from   to
    charge  12     10-01  10-31
    credit  -12    10-15  10-31

    addition  quantity
    71        12

    mismatch      key       bss  cw  difference  impact   action
    Units differ  units:71  0    12  -12         -120.00  Update units
    """
    assert case.row("units:71").bss_units == 0


def test_zero_units_against_an_addition_of_zero_are_ok(case: Case) -> None:
    """
    line    units
    charge  12
    credit  -12

    addition  quantity
    71        0

    mismatch  key

    line    status
    charge  OK
    credit  OK
    """
    assert not case.findings.mismatches


def test_zero_units_without_an_addition_are_ok_nothing_of_zero_is_created(case: Case) -> None:
    """
    line    units
    charge  12
    credit  -12

    mismatch  key

    line    status
    charge  OK
    credit  OK
    """
    assert not case.findings.mismatches


def test_units_against_an_addition_of_zero_differ(case: Case) -> None:
    """
    line  units
    a     12

    addition  quantity
    71        0

    mismatch      key       bss  cw  impact
    Units differ  units:71  12   0   120.00
    """
    assert "ConnectWise has 0." in case.explanation


def test_included_units_are_named_and_left_alone(case: Case) -> None:
    """
    line  units  cost
    a     15     4

    addition  quantity  included  cost
    71        12        2         3

    mismatch      key       bss  cw  impact
    Units differ  units:71  15   12  30.00
    Cost differs  cost:71   15   12  -15.00
    """
    for row in case.findings.mismatches:
        assert "2 units are included (lessIncluded) and left alone." in row.explanation


def test_the_bss_own_quantity_is_compared_where_an_increase_is_billed_alone(case: Case) -> None:
    """
    line      units  from   to     cost
    increase  3      10-17  10-31  4.11

    contract  own
    S1        15

    addition  quantity  cost
    71        12        8

    mismatch      key       bss  cw  bss cost
    Units differ  units:71  15   12  -

    line      status
    increase  Mismatch
    """
    assert "15 is the BSS's own quantity of the subscription." in case.explanation
    assert "Prorated lines alone tell no unit cost: costs are not compared." in case.explanation


def test_an_increase_alone_is_ok_where_the_own_quantity_is_right(case: Case) -> None:
    """
    line      units  from
    increase  3      10-17

    contract  own
    S1        15

    addition  quantity
    71        15

    mismatch  key

    line      status
    increase  OK
    """
    assert not case.findings.mismatches


def test_from_a_report_an_increase_alone_is_not_compared(case: Case) -> None:
    """
    line      units  from   source
    increase  3      10-17  report

    addition  quantity
    71        12

    mismatch  key

    line      status
    increase  Not compared
    """
    assert not case.findings.mismatches


def test_a_credit_without_a_charge_is_not_compared_nor_called_missing(case: Case) -> None:
    """
    line    units
    credit  -3

    addition  quantity  item
    71        12        10

    linked before  billed
    10             monthly

    mismatch  key

    line    status
    credit  Not compared
    """
    assert not case.findings.mismatches


# --- active additions


def test_an_addition_is_active_by_the_months_last_day(case: Case) -> None:
    """
    line  units  link
    a     1      1:10
    b     1      2:10
    c     1      3:10
    d     1      4:10
    e     1      5:10

    addition  agreement  quantity  from   until
    71        1          1         10-31  -
    72        2          1         11-01  -
    73        3          1         -      10-31
    74        4          1         -      11-01
    75        5          1         -      10-01

    mismatch            key
    Not in ConnectWise  add:2:10
    Not in ConnectWise  add:3:10
    Not in ConnectWise  add:5:10

    line  status
    a     OK
    d     OK
    """
    assert "One begins after the month" in case.row("add:2:10").explanation
    assert "72 with 1 from 2026-11-01" in case.row("add:2:10").explanation
    assert "begins after" not in case.row("add:3:10").explanation


def test_of_several_additions_only_the_active_one_counts(case: Case) -> None:
    """
    line  units
    a     5

    addition  quantity  from   until
    71        3         -      10-15
    72        5         10-16  -
    73        9         11-01  -

    mismatch  key

    line  status
    a     OK
    """
    assert not case.findings.mismatches


# --- not in ConnectWise


def test_linked_lines_without_an_addition_offer_to_create_one(case: Case) -> None:
    """
    line  units  cost  from   to
    a     4      8.5   10-12  11-11

    mismatch            key       bss  cw  difference  bss cost  price  impact  action           begins
    Not in ConnectWise  add:1:10  4    -   4           8.5       10     40.00   Create addition  2026-10-12

    line  status
    a     Mismatch
    """
    row = case.row("add:1:10")
    assert row.contract_id == "S1"
    assert row.addition is None
    assert row.explanation == "Billed 4; the agreement has no active addition of this product."


@pytest.mark.parametrize(
    ("start", "begins"),
    [("10-01", "2026-10-01"), ("10-31", "2026-10-31"), ("09-30", "2026-10-01"), ("11-01", "2026-10-01")],
)
def test_a_new_addition_begins_with_the_charge_within_the_month_else_with_the_month(
    start: str, begins: str
) -> None:
    case = read_case(f"line  from  to\na  {start}  2026-11-30\n")
    assert str(case.row("add:1:10").begins) == begins


def test_a_new_addition_of_several_contracts_carries_no_mark(case: Case) -> None:
    """
    line  contract  units
    a     S1        4
    b     S2        1

    mismatch            key       bss  impact
    Not in ConnectWise  add:1:10  5    50.00
    """
    assert case.row("add:1:10").contract_id == ""


def test_what_is_still_to_be_created_is_not_in_connectwise(case: Case) -> None:
    """
    line  units  link
    a     4      new-agreement:10
    b     2      1:new-product
    c     3      1:other-product

    new          price
    new-product  2.50

    mismatch            key                  bss  price  impact  action
    Not in ConnectWise  add:new-agreement:10  4    10     40.00   Create addition
    Not in ConnectWise  add:1:new-product     2    2.5    5.00    Create addition
    Not in ConnectWise  add:1:other-product   3    -      -       Create addition
    """
    assert set(case.findings.statuses.values()) == {Status.MISMATCH}


def test_without_a_price_there_is_no_impact_and_the_amount_decides_the_place(case: Case) -> None:
    """
    line  units  link  amount
    a     1      1:10  20
    b     1      1:11  500
    c     1      1:12  30

    item  price
    11    -
    12    25

    mismatch            key       impact
    Not in ConnectWise  add:1:11  -
    Not in ConnectWise  add:1:12  25.00
    Not in ConnectWise  add:1:10  10.00
    """
    assert case.row("add:1:11").unit_price is None


def test_additions_beside_are_told_so_that_a_new_one_is_known_for_new(case: Case) -> None:
    """
    line  units
    a     4

    addition  quantity  item  until
    72        1         10    10-01
    71        1         10    10-01
    80        1         11    -

    mismatch            key
    Not in ConnectWise  add:1:10
    """
    assert case.row("add:1:10").beside == (71, 72)


# --- costs


def test_another_cost_is_a_row_of_its_own(case: Case) -> None:
    """
    line  units  cost
    a     15     9

    addition  quantity  cost
    71        12        8

    mismatch      key       bss  cw  bss cost  cw cost  impact  action
    Units differ  units:71  15   12  9         8        30.00   Update units
    Cost differs  cost:71   15   12  9         8        -15.00  Update cost
    """
    assert case.row("cost:71").explanation == "A unit costs 9.00; ConnectWise has 8.00."
    assert case.row("cost:71").action is ActionLabel.UPDATE_COST


def test_a_lower_cost_is_money_up_times_the_units_billed(case: Case) -> None:
    """
    line  units  cost
    a     3      7.25

    addition  quantity  cost
    71        3         8

    mismatch      key      impact
    Cost differs  cost:71  2.25
    """
    assert case.findings.statuses["a"] is Status.MISMATCH


def test_costs_that_are_written_differently_are_equal(case: Case) -> None:
    """
    line  cost
    a     8.50

    addition  quantity  cost
    71        1         8.5000

    mismatch  key

    line  status
    a     OK
    """
    assert not case.findings.mismatches


def test_an_absent_cost_of_the_bss_gives_no_comparison(case: Case) -> None:
    """
    line  cost
    a     -

    addition  quantity  cost
    71        1         8

    mismatch  key

    line  status
    a     OK
    """
    assert not case.findings.mismatches


def test_a_cost_of_zero_is_a_cost(case: Case) -> None:
    """
    line  units  cost  contract  link
    a     2      0     S1        1:10
    b     2      8     S2        2:10

    addition  agreement  quantity  cost
    71        1          2         8
    72        2          2         0

    mismatch      key      bss cost  cw cost  impact
    Cost differs  cost:71  0         8        16.00
    Cost differs  cost:72  8         0        -16.00
    """
    assert case.row("cost:72").explanation == "A unit costs 8.00; ConnectWise has 0.00."


def test_an_absent_cost_in_connectwise_differs_from_any_cost(case: Case) -> None:
    """
    line  units  cost  contract  link
    a     2      8     S1        1:10
    b     2      0     S2        2:10

    addition  agreement  quantity  cost
    71        1          2         -
    72        2          2         -

    mismatch      key      bss cost  cw cost  impact
    Cost differs  cost:71  8         -        -16.00
    Cost differs  cost:72  0         -        0.00
    """
    assert case.row("cost:71").explanation == "A unit costs 8.00; ConnectWise has none."


def test_several_unit_costs_are_named_and_not_compared(case: Case) -> None:
    """
    line  contract  units  cost
    a     S1        2      8.50
    b     S2        2      9

    addition  quantity  cost
    71        3         7

    mismatch      key       bss  cw  bss cost
    Units differ  units:71  4    3   -
    """
    assert "Several unit costs (8.50, 9.00): costs are not compared." in case.explanation


def test_several_unit_costs_with_equal_units_are_ok(case: Case) -> None:
    """
    line  contract  units  cost
    a     S1        2      8.50
    b     S2        2      9

    addition  quantity  cost
    71        4         7

    mismatch  key

    line  status
    a     OK
    b     OK
    """
    assert not case.findings.mismatches


def test_costs_are_compared_on_the_line_of_the_full_period(case: Case) -> None:
    """
    line      units  cost  from   to
    renewal   12     8     10-01  10-31
    increase  3      4.11  10-17  10-31

    addition  quantity  cost
    71        15        7

    mismatch      key      bss cost  impact
    Cost differs  cost:71  8         -15.00
    """
    assert case.row("cost:71").bss_units == 15


def test_prorated_charges_beside_a_full_credit_tell_no_cost(case: Case) -> None:
    """
    line      units  cost  from   to     contract
    increase  3      4.11  10-17  10-31  S1
    credit    -1     8     10-01  10-31  S1

    contract  own
    S1        15

    addition  quantity  cost
    71        12        7

    mismatch      key       bss  bss cost
    Units differ  units:71  15   -
    """
    assert "Prorated lines alone tell no unit cost" in case.explanation


def test_where_the_bss_tells_no_cost_prorating_is_not_blamed(case: Case) -> None:
    """
    line  units  cost
    a     3      -

    mismatch            key
    Not in ConnectWise  add:1:10
    """
    assert "cost" not in case.explanation


# --- monthly impact


def test_the_impact_is_that_of_a_month_of_the_agreements_cycle(case: Case) -> None:
    """
    line  units  cost  months  link  contract
    a     15     90    12      1:10  S1
    b     4      9     3       2:10  S2
    c     4      9     1       3:10  S3

    agreement  months
    1          12
    2          3
    3          1

    addition  agreement  quantity  price  cost
    71        1          12        120    60
    72        2          3         30     6

    mismatch            key       impact
    Not in ConnectWise  add:3:10  40.00
    Cost differs        cost:71   -37.50
    Units differ        units:71  30.00
    Units differ        units:72  10.00
    Cost differs        cost:72   -4.00
    """
    assert case.row("units:71").months == 12


def test_the_addition_has_the_price_and_the_catalog_where_it_has_none(case: Case) -> None:
    """
    line  units  link  contract
    a     2      1:10  S1
    b     2      1:11  S2
    c     2      1:12  S3
    d     2      1:13  S4

    item  price
    10    99
    11    3
    12    7
    13    -

    addition  item  quantity  price
    71        10    1         5
    72        11    1         -
    73        12    1         0
    74        13    1         -

    mismatch      key       price  impact
    Units differ  units:71  5      5.00
    Units differ  units:72  3      3.00
    Units differ  units:73  0      0.00
    Units differ  units:74  -      -
    """
    assert case.row("units:74").impact is None


@pytest.mark.parametrize(
    ("units", "price", "months", "impact"),
    [
        ("1", "0.005", 1, "0.01"),
        ("1", "0.015", 1, "0.02"),  # half-even would give 0.02 too,
        ("1", "0.025", 1, "0.03"),  # and here 0.02
        ("1", "0.0249", 1, "0.02"),
        ("1", "10", 12, "0.83"),
        ("1", "0.06", 12, "0.01"),  # exactly half a cent
        ("1", "1", 3, "0.33"),
        ("0.5", "0.01", 1, "0.01"),
    ],
)
def test_the_impact_is_rounded_half_up_to_cents_both_ways(
    units: str, price: str, months: int, impact: str
) -> None:
    def impact_of(billed: str, quantity: str) -> Decimal | None:
        case = read_case(
            f"line  units  months\na  {billed}  {months}\n\n"
            f"agreement  months\n1  {months}\n\n"
            f"addition  quantity  price\n71  {quantity}  {price}\n"
        )
        return case.row("units:71").impact

    assert impact_of(str(7 + Decimal(units)), "7") == Decimal(impact)
    assert impact_of("7", str(7 + Decimal(units))) == -Decimal(impact)


# --- already invoiced


def test_after_the_months_end_the_next_invoice_shows_the_change(case: Case) -> None:
    """
    line  units  cost  link  contract
    a     2      5     1:10  S1
    b     2      5     2:10  S2
    c     2      5     3:10  S3

    agreement  next
    1          11-01
    2          10-31
    3          -

    addition  agreement  quantity  cost
    71        1          1         4
    72        2          1         4

    mismatch            key
    Not in ConnectWise  add:3:10
    Units differ        units:71
    Units differ        units:72
    Cost differs        cost:71
    Cost differs        cost:72
    """
    begins = "Already invoiced: the change shows on the next invoice, 2026-11-01."
    assert case.row("units:71").explanation.startswith(begins)
    assert case.row("cost:71").explanation.startswith(begins)
    for key in ("units:72", "cost:72", "add:3:10"):
        assert "Already invoiced" not in case.row(key).explanation


def test_every_row_of_an_agreement_that_is_invoiced_begins_by_saying_so(case: Case) -> None:
    """
    line  units  link   contract  months  currency
    a     2      1:10   S1        1       EUR
    b     2      1:11   S2        12      USD
    c     2      1:12   S3        1       EUR
    d     2      1:13   S4        1       EUR
    e     2      11:10  S5        1       EUR

    agreement  next
    1          11-01
    11         11-01

    addition  item  quantity
    71        12    1
    72        12    1
    73        14    1

    failed  why
    11      no answer

    linked before  billed
    14             monthly

    mismatch                key
    Not in ConnectWise      add:1:10
    Not in ConnectWise      add:1:13
    Only in ConnectWise     only:73
    Currency differs        currency:1:11
    Billing period differs  period:1:11
    Several additions       several:1:12:S3
    Could not check         unchecked:11:10
    """
    for row in case.findings.mismatches:
        assert row.explanation.startswith("Already invoiced:")


# --- only in ConnectWise


def test_an_addition_of_a_linked_product_without_a_line_is_only_in_connectwise(case: Case) -> None:
    """
    line  link
    a     1:10

    addition  item  quantity  cost  price
    71        10    1         -     10
    72        11    3         2     5

    linked before  billed
    11             monthly

    mismatch             key      customer  product  bss  cw  difference  cw cost  price  impact  action
    Only in ConnectWise  only:72  Contoso   Item 11  -    3   -3          2        5      -15.00  -

    line  status
    a     OK
    """
    row = case.row("only:72")
    assert ActionLabel.offered(row.kind) == (ActionLabel.CANCEL_ADDITION, ActionLabel.IGNORE)
    assert row.explanation == "The distributor billed nothing for it this month."


def test_a_product_that_was_never_linked_to_this_bss_is_the_msps_own(case: Case) -> None:
    """
    line  link
    a     1:10

    addition  item  quantity
    71        10    1
    72        11    3

    mismatch  key
    """
    assert not case.findings.mismatches


def test_a_product_linked_elsewhere_this_month_is_linked_to_this_bss(case: Case) -> None:
    """
    line  link  contract  customer
    a     1:10  S1        Contoso
    b     2:11  S2        Fabrikam

    addition  agreement  item  quantity
    71        1          10    1
    72        1          11    3
    73        2          11    1

    mismatch             key      customer
    Only in ConnectWise  only:72  Contoso
    """
    assert case.row("only:72").impact == -30


def test_a_product_that_is_only_suggested_is_not_linked_to_this_bss(case: Case) -> None:
    """
    line  link   contract  customer
    a     1:10   S1        Contoso
    b     2:11?  S2        Fabrikam

    addition  agreement  item  quantity
    71        1          10    1
    72        1          11    3

    mismatch    key
    Not linked  link:bss:Fabrikam:bss:Backup
    """
    assert not [row for row in case.findings.mismatches if row.kind is MismatchKind.ONLY_IN_CONNECTWISE]


def test_an_agreement_that_no_line_is_linked_to_this_month_is_left_alone(case: Case) -> None:
    """
    line  link
    a     1:10

    addition  agreement  item  quantity
    71        1          10    1
    72        2          10    3

    linked before  billed
    10             monthly

    mismatch  key
    """
    assert not case.findings.mismatches


def test_a_suggested_agreement_is_not_linked_this_month(case: Case) -> None:
    """
    line  link
    a     1:10?

    addition  agreement  item  quantity
    72        1          11    3

    linked before  billed
    11             monthly

    mismatch    key
    Not linked  link:bss:Contoso:bss:Backup
    """
    assert case.findings.statuses["a"] is Status.CONFIRM_LINK


def test_an_inactive_addition_without_a_line_is_no_mismatch(case: Case) -> None:
    """
    line  link
    a     1:10

    addition  item  quantity  from   until
    71        10    1         -      -
    72        11    3         -      10-31
    73        11    3         11-01  -

    linked before  billed
    11             monthly

    mismatch  key
    """
    assert not case.findings.mismatches


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("b  1:11?  Recurring  1   -   10-01  10-31", "its link is only suggested"),
        ("b  1:11   Usage      1   -   10-01  10-31", "it is usage"),
        ("b  1:11   One-time   1   -   10-01  10-31", "it is billed once"),
        ("b  1:11   Recurring  -1  -   10-01  10-31", "it is a credit without a charge"),
    ],
)
def test_any_line_that_is_linked_to_an_addition_keeps_it_from_being_only_in_connectwise(
    line: str, why: str
) -> None:
    case = read_case(
        "line  link  type  units  cost  from  to\n"
        "a     1:10  Recurring  1  -  10-01  10-31\n"
        f"{line}\n\n"
        "addition  item  quantity\n71  10  1\n72  11  3\n\n"
        "linked before  billed\n11  monthly\n"
    )
    assert "only:72" not in {row.key for row in case.findings.mismatches}, why


def test_a_line_that_is_not_linked_may_be_what_is_only_in_connectwise(case: Case) -> None:
    """
    line  link  contract  product
    a     1:10  S1        Backup
    b     1:-   S2        Mailbox

    addition  item  quantity
    71        10    1
    72        11    3

    linked before  billed
    11             monthly

    mismatch             key
    Only in ConnectWise  only:72
    Not linked           link:bss:Contoso:bss:Mailbox
    """
    assert "A line of this customer is not linked yet and may be it." in case.row("only:72").explanation


def test_what_is_billed_yearly_and_not_due_comes_last_and_says_so(case: Case) -> None:
    """
    line  link
    a     1:10

    addition  item  quantity  price  from
    70        10    1         1      2025-03-01
    71        11    9         500    2025-03-01
    72        12    1         1      2025-03-01
    73        13    9         500    2024-10-15

    linked before  billed
    11             yearly
    12             monthly
    13             yearly

    mismatch             key
    Only in ConnectWise  only:73
    Only in ConnectWise  only:72
    Only in ConnectWise  only:71
    """
    assert case.row("only:71").last
    assert case.row("only:71").explanation.startswith("Billed yearly and not due this month.")
    assert "not due" not in case.row("only:73").explanation
    assert not case.row("only:72").last


def test_on_a_yearly_agreement_all_is_billed_yearly(case: Case) -> None:
    """
    line  link  months
    a     1:10  12

    agreement  months
    1          12

    addition  item  quantity  price  from
    70        10    1         1      2025-10-01
    71        11    2         60     2025-03-01

    linked before  billed
    11             monthly

    mismatch             key      impact
    Only in ConnectWise  only:71  -10.00
    """
    assert case.row("only:71").last


def test_the_not_due_stand_last_behind_rows_without_any_money(case: Case) -> None:
    """
    line  link  contract  amount  product
    a     1:10  S1        0       Backup
    b     1:-   S2        0       Mailbox

    addition  item  quantity  price  from
    70        10    1         0      2025-10-01
    71        11    2         60     2025-03-01

    linked before  billed
    11             yearly

    mismatch             key
    Not linked           link:bss:Contoso:bss:Mailbox
    Only in ConnectWise  only:71
    """
    assert case.row("only:71").impact == -120


def test_an_addition_whose_product_is_no_longer_active_is_still_named() -> None:
    tables = read_tables("line  link\na     1:10\n\naddition  item  quantity\n72  11  3\n\n"
                         "linked before  billed\n11  monthly\n")  # fmt: skip
    links = {"a": read_link("1:10")}
    lines = [read_line(row) for row in tables["line"]]
    books = read_books(tables, links.values())
    books = replace(books, items={10: books.items[10]})
    found = find_mismatches(OCTOBER, lines, read_charges(lines, {}), links, books)
    (only,) = [row for row in found.mismatches if row.key == "only:72"]
    assert only.product == "product 11"
    assert only.impact == -30


# --- not linked


def test_one_row_stands_for_a_customers_product_that_is_not_linked(case: Case) -> None:
    """
    line  customer  product  contract  units  amount  link  cost
    a     Contoso   Backup   S1        2      20      -     10
    b     Contoso   Backup   S2        3      30      -     10
    c     Contoso   Mailbox  S3        1      5       -     5
    d     Fabrikam  Backup   S4        1      10      -     10

    mismatch    key                           customer  product  bss  cw  bss cost  impact  action  lines
    Not linked  link:bss:Contoso:bss:Backup   Contoso   Backup   5    -   10        -       -       a b
    Not linked  link:bss:Fabrikam:bss:Backup  Fabrikam  Backup   1    -   10        -       -       d
    Not linked  link:bss:Contoso:bss:Mailbox  Contoso   Mailbox  1    -   5         -       -       c

    line  status
    a     Not linked
    d     Not linked
    """
    row = case.row("link:bss:Contoso:bss:Backup")
    assert row.explanation == (
        "Billed 50.00 EUR by the distributor. "
        "Choose the ConnectWise customer, agreement and product on sheet Billing Lines."
    )
    assert ActionLabel.offered(row.kind) == (ActionLabel.IGNORE,)


def test_money_of_two_currencies_is_told_apart_where_nothing_is_linked(case: Case) -> None:
    """
    line  customer  product  contract  units  amount  currency  link
    a     Contoso   Backup   S1        2      20      EUR       -
    b     Contoso   Backup   S2        3      30.5    USD       -

    mismatch    key                          customer  product  bss  cw  impact  action  lines
    Not linked  link:bss:Contoso:bss:Backup  Contoso   Backup   5    -   -       -       a b
    """
    row = case.row("link:bss:Contoso:bss:Backup")
    assert row.explanation.startswith("Billed 20.00 EUR and 30.50 USD by the distributor. ")


def test_a_product_billed_in_two_ways_is_still_one_row(case: Case) -> None:
    """
    line  contract  months  link
    a     S1        1       -
    b     S2        12      -

    mismatch    key                          lines
    Not linked  link:bss:Contoso:bss:Backup  a b
    """
    assert len(case.findings.mismatches) == 1


def test_usage_one_time_and_earlier_lines_are_never_called_not_linked(case: Case) -> None:
    """
    line  contract  type       from   to     link
    a     S2        Usage      10-01  10-31  -
    b     S1        One-time   10-01  10-31  -
    c     S1        Recurring  09-01  09-30  1:10
    d     S1        Recurring  10-01  10-31  1:10

    addition  quantity
    71        1

    mismatch  key

    line  status
    a     Not compared
    b     Not compared
    c     Not compared
    d     OK
    """
    assert not case.findings.mismatches


def test_a_credit_without_a_charge_is_not_asked_to_be_linked(case: Case) -> None:
    """
    line  units  link
    a     -3     -

    mismatch  key

    line  status
    a     Not compared
    """
    assert not case.findings.mismatches


def test_a_link_that_lacks_a_part_names_it(case: Case) -> None:
    """
    line  link
    a     1:-

    mismatch    key
    Not linked  link:bss:Contoso:bss:Backup

    line  status
    a     Not linked
    """
    assert "Choose the ConnectWise product on sheet" in case.explanation


def test_a_suggested_link_counts_for_nothing_until_it_is_confirmed(case: Case) -> None:
    """
    line  units  link
    a     4      1:10?

    addition  quantity
    71        1

    mismatch    key                          bss  cw  price  impact  action
    Not linked  link:bss:Contoso:bss:Backup  4    -   10     40.00   -

    line  status
    a     Confirm link
    """
    assert "set Match to confirmed" in case.explanation


def test_a_suggestion_that_lacks_a_part_is_not_linked_rather_than_to_be_confirmed(case: Case) -> None:
    """
    line  link
    a     1:-?

    mismatch    key
    Not linked  link:bss:Contoso:bss:Backup

    line  status
    a     Not linked
    """
    assert case.row("link:bss:Contoso:bss:Backup").item is None


@pytest.mark.parametrize("other", ["-", "1:-", "1:10?", "2:10?"])
def test_a_target_waits_for_the_customers_other_lines_of_the_product(other: str) -> None:
    case = read_case(
        f"line  contract  units  link\na  S1  5  1:10\nb  S2  7  {other}\n\naddition  quantity\n71  12\n"
    )
    (row,) = case.findings.mismatches
    assert row.kind is MismatchKind.NOT_LINKED
    assert row.bss_units == 7
    assert "Its other lines wait for it: half the units would bill too little." in row.explanation
    assert case.findings.statuses["a"] is Status.NOT_LINKED


def test_a_target_does_not_wait_for_another_customers_or_products_line(case: Case) -> None:
    """
    line  customer  product  contract  units  link  amount
    a     Contoso   Backup   S1        5      1:10  50
    b     Fabrikam  Backup   S2        7      -     20
    c     Contoso   Mailbox  S3        7      1:-   10

    addition  quantity
    71        1

    mismatch      key
    Units differ  units:71
    Not linked    link:bss:Fabrikam:bss:Backup
    Not linked    link:bss:Contoso:bss:Mailbox

    line  status
    a     Mismatch
    """
    assert case.row("units:71").bss_units == 5


def test_a_target_does_not_wait_for_what_is_never_compared(case: Case) -> None:
    """
    line  contract  units  type       from   to     link
    a     S1        5      Recurring  10-01  10-31  1:10
    b     S2        7      Usage      10-01  10-31  -
    c     S3        -7     Credit     10-01  10-31  -

    addition  quantity
    71        5

    mismatch  key

    line  status
    a     OK
    """
    assert not case.findings.mismatches


def test_all_lines_of_a_waiting_target_wait_those_of_another_product_too(case: Case) -> None:
    """
    line  product  contract  units  link
    a     Backup   S1        5      1:10
    b     Backup   S2        5      -
    c     Vault    S3        5      1:10

    addition  quantity
    71        15

    mismatch    key
    Not linked  link:bss:Contoso:bss:Backup

    line  status
    a     Not linked
    b     Not linked
    c     Not linked
    """
    assert case.row("link:bss:Contoso:bss:Backup").line_keys == ("b",)


def test_lines_of_one_contract_that_are_linked_differently_are_not_linked(case: Case) -> None:
    """
    line  units  contract  link
    a     5      S1        1:10
    b     7      S1        2:10

    addition  agreement  quantity
    71        1          5
    72        2          7

    mismatch    key                          bss
    Not linked  link:bss:Contoso:bss:Backup  12
    """
    assert "link all lines of a contract alike" in case.explanation


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


# --- several additions, told apart by contract


def test_several_active_additions_must_be_settled_by_a_person(case: Case) -> None:
    """
    line  units  amount
    a     5      40

    addition  quantity
    71        2
    72        3

    mismatch           key                bss  cw  difference  impact  action
    Several additions  several:1:10:S1    5    5   0           -       -

    line  status
    a     Mismatch
    """
    assert "71 with 2, 72 with 3" in case.explanation
    assert case.row("several:1:10:S1").addition is None
    assert ActionLabel.offered(MismatchKind.SEVERAL_ADDITIONS) == (ActionLabel.IGNORE,)


def test_two_marked_additions_are_each_compared_with_their_contract(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7

    addition  quantity  mark
    71        5         S1
    72        6         S2

    mismatch      key       bss  cw  lines
    Units differ  units:72  7    6   b

    line  status
    a     OK
    b     Mismatch
    """
    assert case.row("units:72").addition == read_addition({"addition": "72", "quantity": "6", "mark": "S2"})


def test_marks_are_compared_without_case(case: Case) -> None:
    """
    line  contract  units
    a     abc-1     5
    b     DEF-2     7

    addition  quantity  mark
    71        7         def-2
    72        5         ABC-1

    mismatch  key

    line  status
    a     OK
    b     OK
    """
    assert not case.findings.mismatches


def test_one_marked_and_one_unmarked_serve_two_contracts(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7

    addition  quantity  mark
    71        9         S1
    72        7         -

    mismatch      key       bss  cw
    Units differ  units:71  5    9

    line  status
    a     Mismatch
    b     OK
    """
    assert case.row("units:71").line_keys == ("a",)


def test_the_unmarked_one_takes_all_contracts_that_have_no_mark(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7
    c     S3        1

    addition  quantity  mark
    71        5         S1
    72        7         -

    mismatch      key       bss  cw  lines
    Units differ  units:72  8    7   b c
    """
    assert "(7 + 1, of 2 contracts)" in case.explanation


def test_both_marked_the_same_are_several(case: Case) -> None:
    """
    line  contract  units
    a     S1        5

    addition  quantity  mark
    71        5         S1
    72        5         s1

    mismatch           key              bss  cw
    Several additions  several:1:10:S1  5    10
    """
    assert "71 with 5, 72 with 5" in case.explanation


def test_several_unmarked_beside_a_marked_one_are_several_for_the_rest(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7

    addition  quantity  mark
    71        5         S1
    72        1         -
    73        2         -

    mismatch           key              lines
    Several additions  several:1:10:S2  b

    line  status
    a     OK
    b     Mismatch
    """
    assert "72 with 1, 73 with 2" in case.explanation


def test_an_addition_marked_for_a_contract_that_is_not_billed_is_only_in_connectwise(case: Case) -> None:
    """
    line  contract  units
    a     S1        5

    addition  quantity  mark
    71        5         S1
    72        7         S2

    mismatch             key      cw
    Only in ConnectWise  only:72  7

    line  status
    a     OK
    """
    assert case.row("only:72").action is None


def test_an_only_addition_that_is_marked_for_another_contract_says_so(case: Case) -> None:
    """
    line  contract  units  link
    a     S1        5      1:10
    b     S3        5      2:10

    addition  agreement  quantity  mark
    71        1          7         S2
    72        2          7         s3

    mismatch      key
    Units differ  units:71
    Units differ  units:72
    """
    assert "marked with S2, which none of these lines is of" in case.row("units:71").explanation
    assert "marked with" not in case.row("units:72").explanation


def test_marks_of_other_contracts_do_not_tell_apart(case: Case) -> None:
    """
    line  contract  units
    a     S9        5

    addition  quantity  mark
    71        5         S1
    72        7         S2

    mismatch           key
    Several additions  several:1:10:S9
    """
    assert not [row for row in case.findings.mismatches if row.kind is MismatchKind.ONLY_IN_CONNECTWISE]


def test_a_contract_without_an_addition_left_is_not_in_connectwise_with_its_mark(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7
    c     S3        1

    addition  quantity  mark
    71        5         S1
    72        7         S2

    mismatch            key          bss
    Not in ConnectWise  add:1:10:S3  1

    line  status
    a     OK
    b     OK
    c     Mismatch
    """
    assert case.row("add:1:10:S3").contract_id == "S3"


def test_the_only_active_addition_counts_for_all_contracts_whatever_its_mark(case: Case) -> None:
    """
    line  contract  units
    a     S1        5
    b     S2        7

    addition  quantity  mark  until
    71        12        S1    -
    72        7         S2    10-15

    mismatch  key

    line  status
    a     OK
    b     OK
    """
    assert not case.findings.mismatches


def test_an_add_on_shares_its_contracts_mark_but_not_its_product(case: Case) -> None:
    """
    line  contract  addon  product  units  link
    a     S1        -      Suite    5      1:10
    b     S1        A7     Voice    2      1:11

    addition  item  quantity  mark
    71        10    5         S1
    72        10    9         -
    73        11    2         S1
    74        11    8         -

    mismatch             key
    Only in ConnectWise  only:72
    Only in ConnectWise  only:74

    line  status
    a     OK
    b     OK
    """
    assert case.row("only:72").connectwise_units == 9


def test_lines_without_a_contract_are_never_told_apart_by_an_empty_mark(case: Case) -> None:
    """
    line  contract  units
    a     -         5

    addition  quantity  mark
    71        5         -
    72        7         -

    mismatch           key
    Several additions  several:1:10:rest
    """
    assert "71 with 5, 72 with 7" in case.explanation


# --- what cannot be compared


def test_another_billing_period_stands_in_place_of_units_and_cost(case: Case) -> None:
    """
    line  units  cost  months
    a     5      120   12

    addition  quantity  cost
    71        1         9

    mismatch                key          bss  cw  impact  action
    Billing period differs  period:1:10  5    -   -       -

    line  status
    a     Mismatch
    """
    assert "The distributor bills Annual, the agreement Monthly" in case.explanation
    assert ActionLabel.offered(MismatchKind.BILLING_PERIOD_DIFFERS) == (ActionLabel.IGNORE,)


def test_another_currency_stands_in_place_of_units_and_cost(case: Case) -> None:
    """
    line  units  cost  currency
    a     5      12    USD

    addition  quantity  cost
    71        1         9

    mismatch          key            bss  impact  action
    Currency differs  currency:1:10  5    -       -
    """
    assert case.explanation == "The distributor bills in USD, the agreement in EUR."


def test_both_may_differ_and_nothing_is_created_either(case: Case) -> None:
    """
    line  units  currency  months
    a     5      USD       3

    mismatch                key
    Currency differs        currency:1:10
    Billing period differs  period:1:10
    """
    assert all(row.action is None for row in case.findings.mismatches)


def test_one_line_of_another_period_is_enough(case: Case) -> None:
    """
    line  contract  units  months
    a     S1        5      1
    b     S2        1      12

    addition  quantity
    71        5

    mismatch                key
    Billing period differs  period:1:10

    line  status
    a     Mismatch
    b     Mismatch
    """
    assert "bills Annual," in case.explanation


@pytest.mark.parametrize(
    ("line_months", "agreement_months"), [("-", "1"), ("1", "-"), ("-", "-"), ("1", "1"), ("12", "12")]
)
def test_a_period_that_is_not_known_does_not_differ(line_months: str, agreement_months: str) -> None:
    case = read_case(
        f"line  months  to\na  {line_months}  2027-12-31\n\nagreement  months\n1  {agreement_months}\n\n"
        "addition  quantity\n71  1\n"
    )
    assert not case.findings.mismatches


@pytest.mark.parametrize(("line", "agreement"), [("-", "EUR"), ("EUR", "-"), ("-", "-")])
def test_a_currency_that_is_not_known_does_not_differ(line: str, agreement: str) -> None:
    case = read_case(
        f"line  currency\na  {line}\n\nagreement  currency\n1  {agreement}\n\naddition  quantity\n71  1\n"
    )
    assert not case.findings.mismatches


# --- could not check


def test_additions_that_were_not_read_are_not_an_absence(case: Case) -> None:
    """
    line  units  link  contract
    a     5      1:10  S1
    b     5      2:10  S2

    addition  agreement  quantity
    72        2          5

    failed  why
    1       500 Server Error

    linked before  billed
    10             monthly

    mismatch         key             bss  cw  impact  action
    Could not check  unchecked:1:10  5    -   -       -

    line  status
    a     Mismatch
    b     OK
    """
    assert case.explanation == "The agreement's additions could not be read: 500 Server Error"


def test_an_agreement_whose_additions_nobody_read_could_not_be_checked() -> None:
    lines = [read_line({"line": "a"})]
    links = {"a": read_link("1:10")}
    books = replace(read_books({}, links.values()), additions={})
    (row,) = find_mismatches(OCTOBER, lines, read_charges(lines, {}), links, books).mismatches
    assert row.kind is MismatchKind.COULD_NOT_CHECK


def test_an_own_quantity_that_was_not_read_could_not_be_checked(case: Case) -> None:
    """
    line  units  from
    a     3      10-17

    contract  own
    S1        no answer

    addition  quantity
    71        12

    mismatch         key             bss  cw
    Could not check  unchecked:1:10  -    -

    line  status
    a     Mismatch
    """
    assert "The BSS's own quantity could not be read: no answer" in case.explanation


def test_a_plan_that_was_not_read_could_not_be_checked(case: Case) -> None:
    """
    line  units  unread
    a     3      plan: 500

    addition  quantity
    71        3

    mismatch         key
    Could not check  unchecked:1:10
    """
    assert case.explanation == "plan: 500"


def test_a_failed_read_of_one_contract_leaves_the_whole_target_unchecked(case: Case) -> None:
    """
    line  contract  units  unread
    a     S1        3      -
    b     S2        4      plan: 500

    addition  quantity
    71        3

    mismatch         key             lines
    Could not check  unchecked:1:10  a b

    line  status
    a     Mismatch
    b     Mismatch
    """
    assert case.findings.mismatches[0].connectwise_units is None


def test_a_contract_that_cannot_be_compared_leaves_its_target_to_a_person(case: Case) -> None:
    """
    line  contract  units  from   source
    a     S1        5      10-01  report
    b     S2        3      10-17  report

    addition  quantity
    71        5

    mismatch         key
    Could not check  unchecked:1:10

    line  status
    a     Mismatch
    b     Not compared
    """
    assert "The other units of this product alone would bill too little" in case.explanation


def test_a_failed_read_of_what_is_not_linked_is_told_on_its_row(case: Case) -> None:
    """
    line  units  unread     link
    a     3      plan: 500  -

    mismatch    key                          bss
    Not linked  link:bss:Contoso:bss:Backup  3
    """
    assert case.explanation.endswith("plan: 500")


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
