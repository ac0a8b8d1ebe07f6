"""What differs on a target: units, cost, and what cannot be compared, case by case.

The docstrings hold tables, whose defaults `tables.py` tells.
"""

# ruff: noqa: D205, D212, D400, D403, D415  (docstrings hold tables)

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tables import OCTOBER, Case, read_addition, read_books, read_case, read_line, read_link

from xlsync.models import ActionLabel, MismatchKind, Status
from xlsync.reconcile.charges import read_charges
from xlsync.reconcile.mismatches import find_mismatches

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
