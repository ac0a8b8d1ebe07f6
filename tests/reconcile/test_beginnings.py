"""From when on an addition may begin: never before the bill start date, nor in what is invoiced."""

# ruff: noqa: D205, D212, D400, D403, D415  (docstrings hold tables)

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.tables import OCTOBER, Case
from xlsync.models import ActionLabel, Agreement, Mismatch, MismatchKind
from xlsync.reconcile.beginnings import begin_where_allowed, closed_until, why_refused
from xlsync.reconcile.mismatches import find_mismatches
from xlsync.reconcile.past import offered
from xlsync.records import replace

DAYS = st.dates(dt.date(2026, 8, 1), dt.date(2027, 2, 28))


def test_a_new_addition_begins_no_earlier_than_its_agreement_bills(case: Case) -> None:
    """
    line  units  link  contract
    a     2      1:10  S1
    b     2      2:10  S2
    c     2      3:10  S3

    agreement  bills  next
    1          10-01  -
    2          10-17  -
    3          11-05  10-31

    mismatch            key
    Not in ConnectWise  add:1:10
    Not in ConnectWise  add:2:10
    Not in ConnectWise  add:3:10
    """
    assert [case.row(f"add:{number}:10").begins for number in (1, 2, 3)] == [
        dt.date(2026, 10, 1),
        dt.date(2026, 10, 17),
        dt.date(2026, 11, 5),
    ]
    assert "at the earliest" not in case.row("add:1:10").explanation
    assert "2026-10-17 at the earliest: the agreement bills from 2026-10-17 only." in (
        case.row("add:2:10").explanation
    )
    assert "at the earliest: the agreement bills from 2026-11-05 only." in case.row("add:3:10").explanation


def test_a_new_addition_begins_when_units_do_that_no_credit_takes_back_from_the_same_day(case: Case) -> None:
    """
    line  units  link  contract  from
    a     7      1:10  S1        10-01
    b     -7     1:10  S1        10-01
    c     9      1:10  S1        10-11
    d     0      2:10  S2        10-01
    e     3      2:10  S3        10-16
    f     5      3:10  S4        10-01
    g     -1     3:10  S4        10-16
    h     3      4:10  S5        10-01
    i     -6     4:10  S6        10-01
    j     6      4:10  S6        10-11

    contract  own
    S3        3
    S6        6

    mismatch            key        begins
    Not in ConnectWise  add:1:10   2026-10-11
    Not in ConnectWise  add:4:10   2026-10-01
    Not in ConnectWise  add:3:10   2026-10-01
    Not in ConnectWise  add:2:10   2026-10-16
    """


def test_where_the_month_is_lost_the_row_says_how_much_must_be_billed_by_hand(case: Case) -> None:
    """
    line  units  link  contract
    a     2      1:10  S1
    b     2      2:10  S2

    agreement  bills
    1          10-17
    2          11-05

    mismatch            key
    Not in ConnectWise  add:1:10
    Not in ConnectWise  add:2:10
    """
    assert case.row("add:1:10").by_hand is None
    lost = case.row("add:2:10")
    assert lost.by_hand == Decimal("20.00")
    assert lost.action is ActionLabel.CREATE_ADDITION
    assert "2026-10 itself must be billed by hand: 20.00 EUR." in lost.explanation


def test_the_whole_cycle_is_lost_where_an_agreement_bills_yearly(case: Case) -> None:
    """
    line  units  link  contract  months
    a     2      1:10  S1        12

    agreement  months  bills
    1          12      11-05

    mismatch            key
    Not in ConnectWise  add:1:10
    """
    assert case.row("add:1:10").by_hand == Decimal("20.00")


def test_only_where_an_agreement_does_not_prorate_is_its_invoiced_period_closed(case: Case) -> None:
    """
    line  units  link  contract
    a     2      1:10  S1
    b     2      2:10  S2
    c     2      3:10  S3
    d     2      4:10  S4

    agreement  next   prorates
    1          11-30  -
    2          11-30  yes
    3          10-31  -
    4          10-15  -

    mismatch            key
    Not in ConnectWise  add:1:10
    Not in ConnectWise  add:2:10
    Not in ConnectWise  add:3:10
    Not in ConnectWise  add:4:10
    """
    closed = case.row("add:1:10")
    assert closed.begins == dt.date(2026, 11, 30)
    assert "does not prorate, and what comes before 2026-11-30 is invoiced" in closed.explanation
    assert closed.by_hand == Decimal("20.00")
    for number in (2, 3):
        assert case.row(f"add:{number}:10").begins == dt.date(2026, 10, 1)
    within = case.row("add:4:10")
    assert (within.begins, within.by_hand) == (dt.date(2026, 10, 15), None)
    assert "does not prorate, and what comes before 2026-10-15 is invoiced" in within.explanation


def test_an_agreement_that_ends_before_it_takes_an_addition_offers_none(case: Case) -> None:
    """
    line  units  link  contract
    a     2      1:10  S1

    agreement  next   ends
    1          11-30  10-31

    mismatch            key
    Not in ConnectWise  add:1:10
    """
    row = case.row("add:1:10")
    assert (row.begins, row.action, row.by_hand) == (None, None, Decimal("20.00"))
    assert offered(row) == (ActionLabel.IGNORE,)
    assert "The agreement ends on 2026-10-31" in row.explanation


def test_no_write_is_offered_on_an_agreement_that_has_ended(case: Case) -> None:
    """
    line  units  link  contract
    a     2      1:10  S1
    b     2      12:10  S2
    c     1      3:11  S3

    agreement  ends
    1          11-10
    12         11-10
    3          11-10

    addition  agreement  item  units  cost
    71        1          10    5      3
    73        3          10    5      -

    mismatch             key
    Not in ConnectWise   add:12:10
    Units differ         units:71
    Not in ConnectWise   add:3:11
    Only in ConnectWise  only:73
    """
    args = (OCTOBER, case.lines, case.charges, case.links, case.books)
    for today, is_held in ((dt.date(2026, 11, 10), False), (dt.date(2026, 11, 11), True)):
        rows = find_mismatches(*args, today=today).mismatches
        assert {row.kind for row in rows} == {row.kind for row in case.findings.mismatches}
        for row in rows:
            assert (offered(row) == (ActionLabel.IGNORE,)) == is_held
            assert (row.action is None) == (is_held or row.kind is MismatchKind.ONLY_IN_CONNECTWISE)
            told = "The agreement ended on 2026-11-10: nothing is written on it while that stands."
            assert row.explanation.endswith(told) == is_held


@given(DAYS, st.none() | DAYS, st.none() | DAYS, st.booleans())
def test_the_day_that_is_proposed_is_never_one_that_is_refused(
    begins: dt.date, bill_start: dt.date | None, next_invoice: dt.date | None, prorated: bool
) -> None:
    agreement = Agreement(
        id=1, name="A", company_id=1, bill_start=bill_start, next_invoice=next_invoice, prorated=prorated
    )
    row = Mismatch(
        key="add:1:10", kind=MismatchKind.NOT_IN_CONNECTWISE, customer="C", product="P", begins=begins
    )
    row = replace(row, bill_start=agreement.bill_start, closed_until=closed_until(agreement))
    row = begin_where_allowed(row, OCTOBER, agreement, Decimal(1))
    assert row.begins is not None
    assert not why_refused(row.begins, row.bill_start, row.closed_until)
    assert row.begins >= begins
    assert row.begins == begins or row.begins in {bill_start, next_invoice}
