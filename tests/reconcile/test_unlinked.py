"""*Not linked*: what is billed without a link that counts, case by case.

The docstrings hold tables, whose defaults `tables.py` tells.
"""

# ruff: noqa: D205, D212, D400, D403, D415  (docstrings hold tables)

from __future__ import annotations

import pytest

from tests.helpers.tables import Case, read_case
from xlsync.models import ActionLabel, MismatchKind, Status


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
    assert "Link all lines of this customer and product; until then" in row.explanation
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


def test_a_failed_read_of_what_is_not_linked_is_told_on_its_row(case: Case) -> None:
    """
    line  units  unread     link
    a     3      plan: 500  -

    mismatch    key                          bss
    Not linked  link:bss:Contoso:bss:Backup  3
    """
    assert case.explanation.endswith("plan: 500")
