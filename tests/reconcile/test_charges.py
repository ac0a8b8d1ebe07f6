"""Units in force: what the month's billing leaves running of each contract."""

# ruff: noqa: D205, D212, D400, D403, D415  (docstrings hold tables)

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.tables import own_units, read_line, read_tables
from xlsync.amounts import tell_number
from xlsync.models import BillingLine
from xlsync.reconcile.charges import (
    Charge,
    covers_full_period,
    lacks_full_charge,
    last_day,
    lines_to_ask,
    read_charges,
)
from xlsync.records import replace


def charges_of(text: str | None) -> tuple[Charge, ...]:
    tables = read_tables(text)
    return read_charges([read_line(row) for row in tables["line"]], own_units(tables))


@pytest.fixture
def charges(request: pytest.FixtureRequest) -> tuple[Charge, ...]:
    """What the docstring's lines leave in force."""
    return charges_of(request.function.__doc__)


@pytest.fixture
def charge(charges: tuple[Charge, ...]) -> Charge:
    """The only contract of the docstring."""
    (only,) = charges
    return only


# --- which lines are in force


def test_a_renewal_its_increase_and_its_credit_add_up(charge: Charge) -> None:
    """
    line      units  from   to
    renewal   12     10-01  10-31
    increase  3      10-17  10-31
    credit    -2     10-20  10-31
    """
    assert charge.units == 13
    assert charge.sum_text == "12 + 3 from 2026-10-17 - 2 from 2026-10-20"


def test_an_earlier_periods_lines_are_not_in_force(charge: Charge) -> None:
    """
    line      units  from   to
    late      4      09-10  09-30
    undone    -1     09-20  09-30
    renewal   12     10-01  10-31
    """
    assert charge.units == 12
    assert [line.key for line in charge.lines] == ["renewal"]
    assert [line.key for line in charge.earlier] == ["late", "undone"]


def test_a_later_period_billed_in_advance_is_what_counts(charge: Charge) -> None:
    """
    line   units  from   to
    this   10     10-01  10-31
    next   12     11-01  11-30
    """
    assert charge.units == 12
    assert [line.key for line in charge.earlier] == ["this"]


def test_a_line_without_dates_counts(charge: Charge) -> None:
    """
    line     units  from   to
    typed    2      -      -
    renewal  12     10-01  10-31
    late     4      09-01  09-30
    """
    assert charge.units == 14
    assert {line.key for line in charge.lines} == {"typed", "renewal"}


def test_a_contract_of_lines_without_dates_alone_adds_them_all(charge: Charge) -> None:
    """
    line  units  from  to
    a     2      -     -
    b     3      -     -
    """
    assert charge.units == 5


def test_a_line_that_only_begins_counts(charge: Charge) -> None:
    """
    line  units  from   to
    a     2      10-01  -
    b     3      10-01  10-31
    """
    assert charge.units == 5


@pytest.mark.parametrize(
    ("credit", "units"),
    [
        ("-2     10    -20.00   10-01  10-31", 10),  # the whole price
        ("-2     10    -9.68    10-17  10-31", 10),  # 15 of 31 days
        ("-2     10    -10.00   10-17  10-31", 10),  # half a month of 30 days
        ("-2     10    -20.00   10-17  10-31", 10),  # the whole price, for a part of the month
        ("-2     4     -8.00    -      -", 10),  # days that are not told
        ("-12    10    -120.00  10-01  10-31", 0),
        ("-12    0.5   -6.00    10-01  10-31", None),  # half a euro less for each of twelve
        ("-12    10    -6.00    10-01  10-31", None),
        ("-12    0.5   -6.00    10-17  10-31", None),
        ("-11    0.5   -5.50    10-01  10-31", 1),
    ],
)
def test_a_credit_takes_units_back_where_its_money_fits_them(credit: str, units: int | None) -> None:
    head = "line    units  cost  amount   from   to"
    (charge,) = charges_of(f"{head}\nnew     12     10    120.00   10-01  10-31\ncredit  {credit}")
    assert charge.units == units
    assert ("whether it takes them back or corrects the price is not told" in charge.why) == (units is None)


@pytest.mark.parametrize(
    ("money", "days"),
    [
        ("-3.87", "10-01  10-31"),  # for 12 days of the month whose days it names
        ("-8.50", "10-01  10-31"),  # at an earlier price
        ("-15.00", "10-01  10-31"),
        ("-0.00", "10-20  10-31"),
    ],
)
def test_a_credit_of_some_units_takes_them_back_and_says_where_its_money_is_not_their_price(
    money: str, days: str
) -> None:
    head = "line    units  cost  amount   from   to"
    (charge,) = charges_of(
        f"{head}\nnew     12     10    120.00   10-01  10-31\ncredit  -1  10  {money}  {days}"
    )
    assert charge.units == 11
    assert charge.why == (
        f"A credit of {money[1:]} for 1 unit is not its price: "
        "it counts as units taken back; if it corrects a price, ignore this row."
    )


@pytest.mark.parametrize(
    ("second", "units"),
    [
        ("12  0.5   10-01  10-31  S1", None),  # half a euro more for each of twelve
        ("12  9     10-01  10-31  S1", 24),
        ("2   0.5   10-01  10-31  S1", 14),
        ("12  0     10-01  10-31  S1", 24),  # twelve that are free
        ("12  0.5   10-17  10-31  S1", 24),  # a part of the month
    ],
)
def test_as_many_units_at_a_fraction_of_the_price_may_be_a_surcharge(second: str, units: int | None) -> None:
    head = "line  units  cost  from  to  contract"
    (charge,) = charges_of(f"{head}\na  12  10  10-01  10-31  S1\nb  {second}")
    assert charge.units == units
    assert ("further units or a surcharge is not told" in charge.why) == (units is None)


def test_a_charge_that_was_credited_and_billed_anew_at_another_price_counts_once(charge: Charge) -> None:
    """
    line    units  cost  amount   from   to
    wrong   12     10    120.00   10-01  10-31
    credit  -12    10    -120.00  10-01  10-31
    right   12     0.5   6.00     10-01  10-31
    """
    assert charge.units == 12


def test_two_contracts_of_one_product_are_two_charges(charges: tuple[Charge, ...]) -> None:
    """
    line  contract  units  from   to
    a     S1        5      10-01  10-31
    b     S2        7      10-15  11-14
    """
    assert {charge.contract: charge.units for charge in charges} == {"bss:S1": 5, "bss:S2": 7}


def test_an_add_on_is_a_contract_of_its_own(charges: tuple[Charge, ...]) -> None:
    """
    line  contract  addon  product  units
    a     S1        -      Suite    5
    b     S1        A7     Voice    2
    """
    assert {charge.contract: charge.units for charge in charges} == {"bss:S1": 5, "bss:S1/A7": 2}


def test_two_products_on_one_contract_are_two_charges(charges: tuple[Charge, ...]) -> None:
    """
    line  contract  product  units
    a     S1        Suite    5
    b     S1        Voice    2
    """
    assert sorted(charge.units or 0 for charge in charges) == [2, 5]


def test_without_a_contract_id_the_customers_product_is_the_contract(charges: tuple[Charge, ...]) -> None:
    """
    line  contract  customer  product  units
    a     -         Contoso   Suite    5
    b     -         Contoso   Suite    2
    c     -         Fabrikam  Suite    1
    """
    assert {charge.contract: charge.units for charge in charges} == {
        "bss:Contoso//bss:Suite|Monthly|": 7,
        "bss:Fabrikam//bss:Suite|Monthly|": 1,
    }


def test_usage_and_one_time_lines_and_their_credits_are_not_compared() -> None:
    text = """
    line  type      charge    units
    a     Usage     -         120
    b     One-time  -         1
    c     Credit    Usage     -20
    d     Credit    One-time  -1
    """
    assert charges_of(text) == ()


# --- credits


def test_a_credit_without_a_charge_is_not_compared(charge: Charge) -> None:
    """
    line    units
    credit  -3
    """
    assert charge.units is None
    assert charge.why == "A credit without a charge is not compared: units are never negative."
    assert not charge.failure


def test_a_credit_of_this_period_beside_an_earlier_charge_is_not_compared(charge: Charge) -> None:
    """
    line    units  from   to
    charge  5      09-01  09-30
    credit  -3     10-10  10-31
    """
    assert charge.units is None


def test_credits_that_exceed_the_charges_are_not_compared(charge: Charge) -> None:
    """
    line    units
    charge  2
    credit  -3
    """
    assert charge.units is None
    assert charge.why == "Credits exceed charges (2 - 3): units are never negative."


def test_a_contract_credited_in_full_runs_zero_units(charge: Charge) -> None:
    """
    line    units  from   to
    charge  12     10-01  10-31
    credit  -12    10-15  10-31
    """
    assert charge.units == 0
    assert charge.units is not None


# --- no charge for a full period


def test_an_increase_alone_counts_the_bss_own_quantity_and_says_so(charge: Charge) -> None:
    """
    line      units  from   to          months
    increase  3      10-17  2027-03-31  12

    contract  own
    S1        15
    """
    assert charge.units == 15
    assert charge.why == ("Only a part month was billed (3 from 2026-10-17); the subscription has 15 units.")
    assert charge.costs == ()


@pytest.mark.parametrize(
    ("old", "units"),
    [
        ("old  5  10-05  10-19  A", {"A": None, "B": 5}),
        ("old  5  10-05  10-31  A\n    back  -5  10-20  10-31  A", {"A": None, "B": 5}),
        ("old  5  10-05  10-31  A", {"A": None, "B": None}),
        ("old  7  10-01  10-31  A", {"A": 7, "B": None}),
        ("old  7  10-01  10-31  A\n    back  -7  10-20  10-31  A", {"A": 0, "B": 5}),
        ("old  7  09-01  09-30  A", {"A": 7, "B": 5}),
    ],
)
def test_the_own_quantity_is_that_of_the_one_product_that_is_charged_last(
    old: str, units: dict[str, int | None]
) -> None:
    charges = charges_of(
        f"""
    line  units  from   to     product
    {old}
    new   5      10-20  10-31  B

    contract  own
    S1        5
    """
    )
    assert {charge.lines[0].product: charge.units for charge in charges} == units
    untold = [charge for charge in charges if charge.units is None]
    assert all("which of them the subscription's own quantity is of" in charge.why for charge in untold)


def test_an_earlier_full_period_does_not_make_an_increase_complete(charge: Charge) -> None:
    """
    line      units  from   to
    before    12     09-01  09-30
    increase  3      10-17  10-31

    contract  own
    S1        15
    """
    assert charge.units == 15


def test_from_a_report_an_increase_alone_is_not_compared(charge: Charge) -> None:
    """
    line      units  from   to     source
    increase  3      10-17  10-31  report
    """
    assert charge.units is None
    assert charge.why.endswith("a report does not tell how many units run: not compared.")
    assert not charge.failure


def test_without_a_contract_id_an_increase_alone_is_not_compared(charge: Charge) -> None:
    """
    line      units  from   to     contract
    increase  3      10-17  10-31  -
    """
    assert charge.units is None
    assert not charge.failure


def test_overlapping_full_periods_without_a_contract_id_are_not_compared(charge: Charge) -> None:
    """
    line    units  from   to     contract
    server  2      10-01  10-31  -
    other   1      10-15  11-14  -
    """
    assert charge.units is None
    assert "several subscriptions may run" in charge.why


def test_full_periods_one_after_another_without_a_contract_id_are_one_subscriptions(charge: Charge) -> None:
    """
    line      units  from   to     contract
    this      2      10-01  10-31  -
    increase  1      10-20  10-31  -
    next      3      11-01  11-30  -
    """
    assert charge.units == 3


def test_a_failed_read_of_the_own_quantity_is_a_failure_not_an_absence(charge: Charge) -> None:
    """
    line      units  from   to
    increase  3      10-17  10-31

    contract  own
    S1        the BSS hung up
    """
    assert charge.units is None
    assert charge.failure == "The BSS's own quantity could not be read: the BSS hung up"


def test_an_own_quantity_that_the_bss_does_not_tell_is_a_failure(charge: Charge) -> None:
    """
    line      units  from   to
    increase  3      10-17  10-31
    """
    assert charge.units is None
    assert charge.failure == "The BSS does not tell the subscription's own quantity."


def test_an_own_quantity_of_zero_is_a_number(charge: Charge) -> None:
    """
    line      units  from   to
    increase  3      10-17  10-31

    contract  own
    S1        0
    """
    assert charge.units == 0
    assert not charge.failure


def test_a_line_whose_plan_was_not_read_makes_its_contract_uncheckable(charge: Charge) -> None:
    """
    line  units  unread
    a     5      plan of S1: 500
    """
    assert charge.failure == "plan of S1: 500"


def test_what_was_not_read_of_an_earlier_period_does_not_matter(charge: Charge) -> None:
    """
    line  units  from   to     unread
    a     5      10-01  10-31  -
    b     5      09-01  09-30  plan: 500
    """
    assert charge.failure == ""
    assert charge.units == 5


def test_only_contracts_without_a_full_charge_are_asked_for_each_once() -> None:
    text = """
    line     contract  units  from   to     source
    full     S1        5      10-01  10-31  bss
    more     S2        1      10-09  10-31  bss
    again    S2        1      10-20  10-31  bss
    typed    -         1      10-09  10-31  bss
    report   S3        1      10-09  10-31  report
    credit   S4        -1     10-09  10-31  bss
    undated  S5        1      -      -      bss
    """
    lines = [read_line(row) for row in read_tables(text)["line"]]
    assert [line.contract_id for line in lines_to_ask(lines)] == ["S2"]


def test_credits_alone_do_not_lack_a_full_charge() -> None:
    assert not lacks_full_charge([read_line({"line": "a", "units": "-1"})])
    assert not lacks_full_charge([])


# --- costs


def test_the_cost_is_that_of_the_full_period(charge: Charge) -> None:
    """
    line      units  cost  from   to
    renewal   12     8.50  10-01  10-31
    increase  3      4.11  10-17  10-31
    credit    -1     7.77  10-01  10-31
    """
    assert charge.costs == (Decimal("8.5"),)


def test_several_unit_costs_are_all_kept_once_each(charge: Charge) -> None:
    """
    line  units  cost
    a     1      8.50
    b     1      9
    c     1      8.5
    """
    assert set(charge.costs) == {Decimal("8.5"), Decimal(9)}
    assert len(charge.costs) == 2


def test_an_absent_cost_is_none_and_a_cost_of_zero_is_one(charges: tuple[Charge, ...]) -> None:
    """
    line  contract  cost
    a     S1        -
    b     S2        0
    """
    assert [charge.costs for charge in charges] == [(), (Decimal(0),)]


# --- full periods


@pytest.mark.parametrize(
    ("start", "end", "months", "is_full"),
    [
        ("2026-10-01", "2026-10-31", "1", True),
        ("2026-10-01", "2026-10-30", "1", False),
        ("2026-10-02", "2026-10-31", "1", False),
        ("2026-10-17", "2026-11-16", "1", True),
        ("2026-02-01", "2026-02-28", "1", True),
        ("2026-01-31", "2026-02-27", "1", True),  # February has no 31st
        ("2028-02-29", "2029-02-27", "12", True),  # 2029 has no 29 February
        ("2025-11-01", "2026-10-31", "12", True),
        ("2026-04-01", "2026-10-31", "12", False),
        ("2026-10-01", "2026-12-31", "3", True),
        ("2026-10-01", "2026-11-30", "3", False),
        ("2026-10-01", "2026-12-31", "1", True),  # more than a period
        ("2026-10-17", "2026-11-16", "", True),  # a length that is not known: a whole month will do
        ("2026-10-17", "2027-10-16", "", True),
        ("2026-10-17", "2026-10-31", "", False),
        ("2026-10-17", "2026-11-30", "", False),
        ("", "2026-10-31", "1", True),
        ("2026-10-17", "", "1", True),
        ("2026-10-17", "9999-12-31", "1", True),  # without an end, as some write it
        ("2026-10-17", "9999-12-31", "", True),
        ("9999-12-01", "9999-12-31", "1", True),
    ],
)
def test_a_line_covers_a_full_period_or_only_a_part(start: str, end: str, months: str, is_full: bool) -> None:
    line = read_line({"line": "a", "from": start, "to": end, "months": months})
    assert covers_full_period(line) is is_full


@given(
    st.dates(dt.date(1950, 1, 1), dt.date(2150, 1, 1)),
    st.sampled_from([None, 1, 3, 6, 12, 36]),
    st.integers(0, 400),
)
def test_a_period_from_any_day_is_full_when_it_reaches_its_anniversary(
    start: dt.date, months: int | None, short: int
) -> None:
    end = last_day(start, months or 1) - dt.timedelta(days=short)
    if end < start:
        return
    line = read_line(
        {"line": "a", "from": str(start), "to": str(end), "months": "" if months is None else str(months)}
    )
    if months is not None:
        assert covers_full_period(line) is (short == 0)
    elif short == 0:
        assert covers_full_period(line)


# --- properties


def lines() -> st.SearchStrategy[BillingLine]:
    periods = st.sampled_from(
        [("10-01", "10-31"), ("10-17", "10-31"), ("09-01", "09-30"), ("09-12", "09-30"), ("", "")]
    )

    def line(contract: str, product: str, units: Decimal, period: tuple[str, str], cost: str) -> BillingLine:
        start, end = period
        row = {"line": "", "contract": contract, "product": product, "cost": cost, "from": start, "to": end}
        return read_line({**row, "units": str(units)})

    return st.builds(
        line,
        st.sampled_from(["S1", "S2", ""]),
        st.sampled_from(["Suite", "Voice"]),
        st.decimals(-5, 20, places=1),
        periods,
        st.sampled_from(["", "0", "8.5"]),
    )


def month_of_lines() -> st.SearchStrategy[list[BillingLine]]:
    return st.lists(lines(), max_size=8).map(
        lambda found: [replace(line, key=f"L{number}") for number, line in enumerate(found)]
    )


@given(month_of_lines(), st.randoms(use_true_random=False), st.sampled_from([{}, {"bss:S1": Decimal(4)}]))
def test_the_order_of_lines_does_not_change_what_is_in_force(
    lines: list[BillingLine], dice: object, own: dict[str, Decimal]
) -> None:
    shuffled = list(lines)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert read_charges(lines, own) == read_charges(shuffled, own)


@given(month_of_lines(), st.sampled_from([{}, {"bss:S1": Decimal(4)}, {"bss:S1": ValueError("x")}]))
def test_units_are_never_negative_and_every_line_is_in_force_or_earlier(
    lines: list[BillingLine], own: dict[str, Decimal | Exception]
) -> None:
    charges = read_charges(lines, own)
    assert all(charge.units is None or charge.units >= 0 for charge in charges)
    placed = [line.key for charge in charges for line in (*charge.lines, *charge.earlier)]
    assert sorted(placed) == sorted(line.key for line in lines)


@given(month_of_lines())
def test_a_contract_without_units_says_why_or_what_failed(lines: list[BillingLine]) -> None:
    for charge in read_charges(lines, {}):
        assert (charge.units is not None) or charge.why or charge.failure


@given(st.lists(st.decimals(0, 1000, places=3), min_size=1, max_size=20))
def test_net_units_are_exact_decimals(units: list[Decimal]) -> None:
    lines = [read_line({"line": str(n), "units": str(one)}) for n, one in enumerate(units)]
    (charge,) = read_charges(lines, {})
    assert charge.units == sum(units)


def test_a_tenth_and_two_tenths_are_three_tenths(charge: Charge) -> None:
    """
    line  units
    a     0.1
    b     0.2
    """
    assert charge.units == Decimal("0.3")
    assert charge.sum_text == "0.1 + 0.2"


@pytest.mark.parametrize(
    ("number", "told"),
    [("1E+3", "1000"), ("0.50", "0.5"), ("100", "100"), ("0E-4", "0"), ("-2.0", "-2"), ("1E-7", "0.0000001")],
)
def test_numbers_are_told_without_exponents_and_idle_zeros(number: str, told: str) -> None:
    assert tell_number(Decimal(number)) == told
