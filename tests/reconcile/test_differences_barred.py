"""Targets that cannot be compared, or were invoiced already, case by case."""

# ruff: noqa: D205, D212, D400, D403, D415  (docstrings hold tables)

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.helpers.tables import OCTOBER, Case, read_books, read_case, read_line, read_link
from xlsync.models import ActionLabel, Agreement, MismatchKind
from xlsync.reconcile.charges import read_charges
from xlsync.reconcile.explanations import tell_agreement
from xlsync.reconcile.mismatches import find_mismatches
from xlsync.records import replace


def test_after_the_months_end_the_next_invoice_shows_the_change(case: Case) -> None:
    """
    line  units  cost  link  contract
    a     2      5     1:10  S1
    b     2      5     2:10  S2
    c     2      5     3:10  S3
    d     2      5     4:10  S4

    agreement  next
    1          11-01
    2          10-31
    3          -
    4          11-30

    addition  agreement  quantity  cost
    71        1          1         4
    72        2          1         4
    74        4          1         4

    mismatch            key
    Not in ConnectWise  add:3:10
    Units differ        units:71
    Units differ        units:72
    Units differ        units:74
    Cost differs        cost:71
    Cost differs        cost:72
    Cost differs        cost:74
    """
    arrears = " If the agreement is billed in arrears, that invoice bills 2026-10."
    for number, day in ((1, "2026-11-01"), (4, "2026-11-30")):
        begins = f"Already invoiced: the change shows on the next invoice, {day}."
        for key in (f"units:7{number}", f"cost:7{number}"):
            assert case.row(key).explanation.startswith(begins)
            assert (arrears in case.row(key).explanation) == (number == 1)
    for key in ("units:72", "cost:72", "add:3:10"):
        assert "Already invoiced" not in case.row(key).explanation


@pytest.mark.parametrize(
    ("months", "day", "bills"),
    [
        (3, dt.date(2026, 12, 31), True),
        (3, dt.date(2027, 1, 1), True),
        (3, dt.date(2027, 1, 31), False),
        (12, dt.date(2027, 4, 30), True),
        (12, dt.date(2027, 10, 31), False),
        (None, dt.date(2026, 12, 31), False),
    ],
)
def test_an_invoice_in_arrears_bills_the_months_of_its_cycle(
    months: int | None, day: dt.date, bills: bool
) -> None:
    agreement = Agreement(id=1, name="A", company_id=1, billing_months=months, next_invoice=day)
    told = tell_agreement(OCTOBER, agreement)
    assert ("If the agreement is billed in arrears, that invoice bills 2026-10." in told) is bills


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


def test_another_billing_period_stands_in_place_of_units_and_cost(case: Case) -> None:
    """
    line  units  cost  months
    a     5      120   12

    addition  quantity  cost  price
    71        2         9     1151.9

    mismatch                key          bss  cw  impact  action
    Billing period differs  period:1:10  5    -   -       -

    line  status
    a     Mismatch
    """
    assert "The distributor bills Annual, the agreement Monthly" in case.explanation
    assert case.explanation.endswith("The agreement has 2 units at 1,151.90.")
    assert case.row("period:1:10").unit_price == Decimal("1151.9")
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
    assert case.explanation == (
        "The distributor bills in USD, the agreement in EUR. The agreement has 1 unit at 10.00."
    )


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


def test_a_target_that_is_billed_in_two_currencies_is_not_compared(case: Case) -> None:
    """
    line  units  cost  contract  currency
    a     2      5     S1        EUR
    b     2      5     S2        USD

    agreement  currency
    1          -

    addition  quantity  cost
    71        4         5

    mismatch          key            action
    Currency differs  currency:1:10  -
    """
    assert "bills in EUR and USD, the agreement in one currency" in case.explanation
