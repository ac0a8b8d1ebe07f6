"""What differs on a target: units, cost, and what cannot be compared, case by case.

The docstrings hold tables, whose defaults `tables.py` tells.
"""

# ruff: noqa: D205, D212, D400, D403, D415  (docstrings hold tables)

from __future__ import annotations

import pytest

from tests.helpers.tables import Case, read_addition, read_case
from xlsync.models import ActionLabel, Status


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
    assert "the subscription has 15 units" in case.explanation
    assert "Cost not compared: a part month tells no unit cost." in case.explanation


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


def test_an_addition_is_active_by_the_months_last_day(case: Case) -> None:
    """
    line  units  link
    a     1      1:10
    b     1      2:10
    c     1      3:10
    d     1      4:10
    e     1      5:10

    addition  agreement  quantity  from   until  price
    71        1          1         10-31  -      10
    72        2          1         11-01  -      10
    73        3          1         -      10-31  12.5
    74        4          1         -      11-01  10
    75        5          1         -      10-01  10

    mismatch            key
    Not in ConnectWise  add:2:10
    Not in ConnectWise  add:3:10
    Not in ConnectWise  add:5:10

    line  status
    a     OK
    d     OK
    """
    assert "Addition 72 (1 unit) starts on 2026-11-01. Do not create" in case.row("add:2:10").explanation
    assert [case.row(f"add:{n}:10").action for n in (2, 3, 5)] == [None] * 3, "a warning is not a default"
    assert "starts on" not in case.row("add:3:10").explanation
    lost = "(1 unit at 12.50, which a new one would not keep) ended on 2026-10-31"
    assert lost in case.row("add:3:10").explanation
    assert "Addition 75 (1 unit) ended on" in case.row("add:5:10").explanation


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


def test_an_addition_is_not_preset_where_another_agreement_of_the_customer_could_not_be_read(
    case: Case,
) -> None:
    """
    line  link
    a     1:10

    agreement
    1
    2

    failed  why
    2       403

    mismatch            key       action
    Not in ConnectWise  add:1:10  -
    """
    told = "Agreement 2 could not be read: if it has this product already, the customer would pay twice."
    assert case.explanation.endswith(told)


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


def test_an_addition_that_ended_with_the_month_billed_it_and_its_successor_bills_what_follows(
    case: Case,
) -> None:
    """
    line  units  link
    a     4      1:10
    b     4      2:10
    c     4      3:10
    d     4      4:10
    e     4      5:10
    f     4      6:10
    g     4      7:10

    agreement  next
    1          11-30
    2          -
    3          11-30
    4          11-30
    5          10-31
    6          10-31
    7          10-31

    addition  agreement  quantity  from   until  price
    71        1          6         -      10-31  10
    72        1          4         11-01  -      10
    73        2          6         -      10-31  10
    74        2          3         11-01  -      10
    75        3          3         -      10-31  15
    76        4          4         11-01  -      10
    77        5          3         -      10-31  15
    78        5          4         11-01  -      15
    79        6          3         -      10-31  10
    80        7          3         -      10-31  0

    mismatch            key       impact
    Not in ConnectWise  add:3:10  40.00
    Not in ConnectWise  add:4:10  40.00
    Not in ConnectWise  add:6:10  40.00
    Not in ConnectWise  add:7:10  40.00
    Not in ConnectWise  add:2:10  10.00
    Not in ConnectWise  add:1:10  0.00
    Not in ConnectWise  add:5:10  0.00
    """
    assert (case.row("add:5:10").by_hand, case.row("add:6:10").by_hand) == (15, 10)
    assert "2026-10 itself must be billed by hand: 15.00 EUR." in case.row("add:5:10").explanation
    keys = ("add:1:10", "add:2:10", "add:3:10", "add:4:10", "add:7:10")
    assert [case.row(key).by_hand for key in keys] == [0, 0, 15, 40, 0]
    assert "billed by hand" not in case.row("add:1:10").explanation
    assert "billed by hand" not in case.row("add:7:10").explanation
    assert case.row("add:3:10").explanation.count("itself must be billed by hand: 15.00 EUR.") == 1


def test_a_row_whose_addition_has_a_successor_names_it_and_presets_nothing(case: Case) -> None:
    """
    line  units  cost  link
    a     6      5     1:10
    b     6      5     2:10

    addition  agreement  quantity  cost  from   until
    71        1          4         4     -      11-14
    72        1          6         5     11-15  -
    73        2          4         5     -      11-14

    mismatch      key
    Units differ  units:71
    Units differ  units:73
    Cost differs  cost:71
    """
    told = "Addition 71 ends on 2026-11-14, and addition 72 (6 units) follows on 2026-11-15: a change here"
    for key in ("units:71", "cost:71"):
        assert told in case.row(key).explanation
        assert case.row(key).action is None
    assert case.row("units:73").action is ActionLabel.UPDATE_UNITS


def test_more_units_are_not_preset_beside_an_addition_that_bills_some_of_them_too(case: Case) -> None:
    """
    line  units  link  contract
    a     7      1:10  S1
    b     5      2:10  S2
    c     3      2:10  S3
    d     4      3:10  S4
    e     7      4:10  S5
    f     7      5:10  S6

    addition  agreement  quantity  from   until  mark
    71        1          5         -      -      -
    72        1          2         11-01  -      -
    73        2          5         -      -      S2
    74        2          3         -      10-31  -
    75        3          5         -      -      -
    76        3          2         11-01  -      -
    77        4          5         -      -      -
    78        4          2         11-01  -      S9
    79        5          5         10-15  -      -
    80        5          2         -      10-14  -

    mismatch      key       action
    Units differ  units:73  -
    Units differ  units:71  -
    Units differ  units:77  Update units
    Units differ  units:79  Update units
    Units differ  units:75  Update units
    """
    twice = "with more units here the customer would pay for them twice."
    later = f"Addition 72 (2 units) starts beside it on 2026-11-01: {twice}"
    ended = f"Addition 74 (3 units) ran beside it until 2026-10-31: {twice}"
    assert case.row("units:71").explanation.endswith(later)
    assert case.row("units:73").explanation.endswith(ended)


def test_an_addition_with_its_contracts_units_is_told_apart_from_one_that_ended_or_begins_later(
    case: Case,
) -> None:
    """
    line  units  link  contract
    a     5      1:10  S1
    b     2      1:10  S2
    c     5      2:10  S3
    d     2      2:10  S4
    e     5      3:10  S5
    f     2      3:10  S6

    addition  agreement  quantity  from   until  mark
    71        1          2         -      -      S2
    72        1          5         -      10-31  S1
    73        1          8         11-01  -      S1
    74        2          2         -      -      S4
    75        2          5         11-01  -      S3
    76        3          7         -      -      S5
    77        3          2         -      10-14  S6

    mismatch            key          bss  action  impact
    Not in ConnectWise  add:2:10:S3  5    -       50.00
    Not in ConnectWise  add:1:10:S1  5    -       -30.00

    line  status
    a     Mismatch
    b     OK
    c     Mismatch
    d     OK
    e     OK
    f     OK
    """
    row = case.row("add:1:10:S1")
    assert row.by_hand == 0
    assert "Addition 73 (8 units) starts on 2026-11-01." in row.explanation


def test_what_an_addition_beside_it_billed_until_the_end_of_a_past_month_is_not_billed_by_hand(
    case: Case,
) -> None:
    """
    line  units  link  contract
    a     8      1:10  S1
    b     8      2:10  S2

    addition  agreement  quantity  until
    71        1          5         -
    72        1          3         10-31
    73        2          5         -
    74        2          3         10-14

    mismatch      key       action
    Units differ  units:71  -
    Units differ  units:73  -
    """
    assert (case.row("units:71").by_hand, case.row("units:73").by_hand) == (0, None)


def test_only_what_billed_these_units_all_month_long_leaves_nothing_to_bill_by_hand(case: Case) -> None:
    """
    line  units  link  contract  from
    a     8      1:10  S1        10-01
    b     8      2:10  S2        10-01
    c     5      3:10  S3        10-01
    d     5      4:10  S4        10-15
    e     5      5:10  S5        10-01

    contract  own
    S4        5

    addition  agreement  quantity  from   until  mark
    71        1          5         -      -      -
    72        1          3         -      10-31  S9
    73        1          3         11-01  -      -
    74        2          5         -      -      -
    75        2          3         10-20  10-31  -
    76        3          5         11-01  10-31  -
    77        4          5         10-15  10-31  -
    78        5          4         -      10-14  -
    79        5          5         10-15  10-31  -

    mismatch            key
    Not in ConnectWise  add:3:10
    Not in ConnectWise  add:4:10
    Not in ConnectWise  add:5:10
    Units differ        units:71
    Units differ        units:74
    """
    keys = ("units:71", "units:74", "add:3:10", "add:4:10", "add:5:10")
    assert [case.row(key).by_hand for key in keys] == [None, None, None, 0, 0]


def test_among_several_additions_those_that_ended_or_begin_later_are_told_to_their_contract(
    case: Case,
) -> None:
    """
    line  units  link  contract
    a     5      1:10  S1
    b     2      1:10  S2
    c     3      1:10  S3
    d     5      2:10  S4
    e     2      2:10  S5
    f     3      2:10  S6
    g     5      3:10  S7
    h     2      3:10  S8

    addition  agreement  quantity  from   until  mark
    71        1          5         -      -      S1
    72        1          2         -      -      S2
    73        1          3         11-01  -      S3
    74        2          5         -      -      S4
    75        2          2         -      -      S5
    76        2          3         -      10-31  S6
    77        3          4         -      11-14  S7
    78        3          2         -      -      S8
    79        3          5         11-15  -      S7

    mismatch            key          action
    Not in ConnectWise  add:1:10:S3  -
    Not in ConnectWise  add:2:10:S6  -
    Units differ        units:77     -
    """
    assert "Addition 73 (3 units) starts on 2026-11-01." in case.row("add:1:10:S3").explanation
    assert "Addition 76 (3 units) ended on 2026-10-31." in case.row("add:2:10:S6").explanation
    assert "addition 79 (5 units) follows on 2026-11-15" in case.row("units:77").explanation


def test_a_later_addition_that_ended_on_the_day_it_began_is_no_successor(case: Case) -> None:
    """
    line  units  link
    a     6      1:10
    b     6      2:10

    addition  agreement  quantity  from   until
    71        1          6         11-01  11-01
    72        2          4         -      11-14
    73        2          6         11-15  11-15

    mismatch            key       action
    Not in ConnectWise  add:1:10  -
    Units differ        units:72  Update units
    """
    assert "Addition 71" not in case.row("add:1:10").explanation
    assert "follows" not in case.row("units:72").explanation
