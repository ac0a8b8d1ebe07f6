"""*Only in ConnectWise*: additions that nothing was billed for, case by case.

The docstrings hold tables, whose defaults `tables.py` tells.
"""

# ruff: noqa: D205, D212, D400, D403, D415  (docstrings hold tables)

from __future__ import annotations

import inspect

import pytest

from tests.helpers.tables import OCTOBER, Case, read_books, read_case, read_line, read_link, read_tables
from xlsync.models import ActionLabel, Choice, Evidence, MismatchKind, Status
from xlsync.reconcile.charges import read_charges
from xlsync.reconcile.mismatches import find_mismatches
from xlsync.reconcile.unmatched import BilledBefore
from xlsync.records import replace


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


def test_usage_whose_product_is_only_suggested_is_linked_to_its_agreement_all_the_same() -> None:
    """
    line  link  type
    a     1:10  Usage

    addition  item  quantity
    72        11    3

    linked before  billed
    11             monthly
    """
    case = read_case(
        test_usage_whose_product_is_only_suggested_is_linked_to_its_agreement_all_the_same.__doc__
    )
    link = replace(case.links["a"], item=Choice(10, Evidence.SUGGESTED, 87))
    findings = find_mismatches(OCTOBER, case.lines, case.charges, {"a": link}, case.books)
    assert [row.key for row in findings.mismatches] == ["only:72"]


def test_additions_of_an_agreement_without_a_compared_line_that_could_not_be_read_hinder_the_all_clear() -> (
    None
):
    """
    line  link  type   contract
    a     1:10  -      S1
    b     2:11  Usage  S2

    agreement
    1
    2
    3

    addition  agreement  quantity
    71        1          1

    failed  why
    2       403
    3       403
    """
    text = inspect.getdoc(
        test_additions_of_an_agreement_without_a_compared_line_that_could_not_be_read_hinder_the_all_clear
    )
    case = read_case(text)
    told = "The additions of agreement Agreement {} of {} could not be read: "
    assert [doubt.startswith(told.format(2, "Contoso")) for doubt in case.findings.doubts] == [True]
    args = (OCTOBER, case.lines, case.charges, case.links, case.books)
    (doubt,) = find_mismatches(*args, vanished={3: BilledBefore("Fabrikam")}).doubts
    assert doubt.startswith(told.format(3, "Fabrikam and of 1 other agreement"))
    assert not find_mismatches(*args, is_complete=False).doubts
    linked = {**case.links, "a": replace(case.links["a"], agreement=Choice(2, Evidence.EXACT))}
    findings = find_mismatches(OCTOBER, case.lines, case.charges, linked, case.books)
    assert ([row.kind for row in findings.mismatches], findings.doubts) == (
        [MismatchKind.COULD_NOT_CHECK],
        (),
    )


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


def test_units_that_are_included_are_named_also_where_nothing_is_billed(case: Case) -> None:
    """
    line  link
    a     1:10

    addition  item  quantity  included
    70        10    1         0
    71        11    9         4

    linked before  billed
    11             monthly

    mismatch             key
    Only in ConnectWise  only:71
    """
    assert "4 units are included (lessIncluded) and left alone." in case.row("only:71").explanation


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


def test_a_successor_is_due_when_the_addition_is_that_it_continues(case: Case) -> None:
    """
    line  link
    a     1:10

    addition  item  quantity  from        until       mark
    70        10    1         -           -           -
    71        11    5         2024-10-15  2025-06-30  S1
    72        11    5         2025-02-15  2025-06-30  S2
    73        11    8         2025-07-01  2026-02-28  S1
    74        11    9         2026-03-01  -           S1
    75        12    9         2025-03-10  2026-10-01  -
    76        12    9         2026-10-01  -           -

    linked before  billed
    11             yearly
    12             yearly

    mismatch             key
    Only in ConnectWise  only:74
    Only in ConnectWise  only:76
    """
    assert not case.row("only:74").not_due
    assert case.row("only:76").not_due


def test_what_is_billed_for_several_months_is_due_once_in_so_many(case: Case) -> None:
    """
    line  link  months
    a     1:10  1
    b     2:10  3

    agreement  months
    1          1
    2          3

    addition  agreement  item  quantity  from
    70        1          10    1         -
    71        1          11    1         2026-07-31
    72        1          12    1         2026-08-15
    73        1          13    1         2023-10-01
    74        1          14    1         2024-10-01
    75        2          10    1         -
    76        2          12    1         2026-09-01

    linked before  billed
    11             quarterly
    12             quarterly
    13             triennial
    14             triennial

    mismatch             key
    Only in ConnectWise  only:71
    Only in ConnectWise  only:73
    Only in ConnectWise  only:72
    Only in ConnectWise  only:74
    Only in ConnectWise  only:76
    """
    assert [key for key in ("only:71", "only:73") if case.row(key).not_due] == []
    assert case.row("only:72").explanation.startswith("Billed every 3 months and not due this month.")
    assert case.row("only:76").explanation.startswith("Billed every 3 months and not due this month.")
    assert case.row("only:74").explanation.startswith("Billed every 36 months and not due this month.")


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


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["One-time"], "billed"),
        (["Credit"], "credited"),
        (["One-time", "Credit"], "billed"),
        (["One-time", "Recurring"], ""),
        (["One-time", "Usage"], ""),
        (["Usage"], ""),
    ],
)
def test_an_addition_whose_only_lines_are_billed_or_credited_once_hinders_the_all_clear(
    lines: list[str], told: str
) -> None:
    charges = {"Credit": "One-time"}
    case = read_case(
        "line  link  type  charge  units  contract\n"
        + "".join(
            f"{n}  1:11  {type_}  {charges.get(type_, type_)}  3  S{n}\n" for n, type_ in enumerate(lines)
        )
        + "\naddition  item  quantity  until\n72  11  3  -\n73  11  1  10-31\n"
    )
    doubt = (
        "ConnectWise bills 3 units of Item 11 for Contoso each cycle (addition 72), and the distributor "
        f"{told} it once: it is compared with nothing."
    )
    assert case.findings.doubts == ((doubt,) if told else ())


def test_a_product_on_a_second_agreement_of_the_customer_is_named_and_hinders_nothing(case: Case) -> None:
    """
    line  units  link  contract
    a     5      1:10  S1
    b     5      3:11  S2

    agreement
    2

    addition  agreement  item  quantity  until
    71        1          10    5         -
    72        2          10    5         -
    73        2          10    5         10-15
    74        3          11    5         -
    75        2          12    5         -

    mismatch  key
    """
    (notice,) = case.findings.notices
    assert notice.startswith("Agreement Agreement 2, which no line is linked to, has Backup for Contoso too")
    assert notice.endswith("(addition 72, 5 units): the customer may pay twice.")
    assert case.findings.doubts == ()


def test_a_second_agreement_that_bills_nothing_in_the_month_is_not_named(case: Case) -> None:
    """
    line  units  link  contract
    a     5      1:10  S1

    agreement  ends   bills
    2          09-30  -
    3          -      11-01

    addition  agreement  item  quantity
    71        1          10    5
    72        2          10    5
    73        3          10    5

    mismatch  key
    """
    assert case.findings.notices == ()
