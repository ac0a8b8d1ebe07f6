"""Unit costs that differ, and the monthly impact, case by case."""

# ruff: noqa: D205, D212, D400, D403, D415  (docstrings hold tables)

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.helpers.tables import Case, read_case
from xlsync.models import ActionLabel, Status


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
    assert "Cost not compared: a part month tells no unit cost" in case.explanation


def test_where_the_bss_tells_no_cost_prorating_is_not_blamed(case: Case) -> None:
    """
    line  units  cost
    a     3      -

    mismatch            key
    Not in ConnectWise  add:1:10
    """
    assert "cost" not in case.explanation


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


def test_a_cost_for_other_months_than_the_agreement_bills_is_no_default_where_no_period_is_told(
    case: Case,
) -> None:
    """
    line  units  cost  months  from        to
    a     4      120   -       2026-10-01  2027-09-30

    addition  quantity  cost
    71        3         10

    mismatch      key       action
    Cost differs  cost:71   -
    Units differ  units:71  Update units
    """
    assert case.row("cost:71").explanation.endswith(
        "The line is for 12 months, the agreement bills Monthly, and no billing period is told: whether the "
        "cost is for the whole of it is not known."
    )


def test_an_addition_for_other_months_than_the_agreement_bills_is_no_default_where_no_period_is_told(
    case: Case,
) -> None:
    """
    line  units  cost  months  from        to
    a     4      120   -       2026-10-01  2027-09-30

    mismatch            key       action
    Not in ConnectWise  add:1:10  -
    """
    assert "The line is for 12 months" in case.row("add:1:10").explanation


def test_a_part_month_beside_the_month_that_the_agreement_bills_tells_no_other_months(case: Case) -> None:
    """
    line  units  cost  months  from        to
    a     4      12    -       2026-10-01  2026-10-31
    b     1      12    -       2026-10-17  2026-10-31

    addition  quantity  cost
    71        5         10

    mismatch      key      action
    Cost differs  cost:71  Update cost
    """
    assert "no billing period" not in case.row("cost:71").explanation
