"""Where every cent went: invoices, their lines, and the five parts of the money."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xlsync.amounts import cents
from xlsync.models import BillingLine, LineType, Month, Status
from xlsync.reconcile.billed import FATES, Fate, Gap, InvoiceTotal, MonthSums, account_for, why_incomplete
from xlsync.records import replace

OCTOBER = Month(2026, 10)
CENT = Decimal("0.01")
AMOUNTS = st.integers(-(10**9), 10**9).flatmap(
    lambda number: st.sampled_from([Decimal(number) / 100, Decimal(number) / 10_000])
)


def line(key: int, invoice: str, amount: Decimal, currency: str = "EUR") -> BillingLine:
    return BillingLine(
        key=str(key),
        invoice=invoice,
        type=LineType.RECURRING,
        charge=LineType.RECURRING,
        customer="Contoso",
        product="Backup",
        units=Decimal(1),
        cost=None,
        amount=amount,
        currency=currency,
    )


def totals_of(lines: list[BillingLine]) -> tuple[InvoiceTotal, ...]:
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for one in lines:
        sums[one.invoice, one.currency] += one.amount
    return tuple(InvoiceTotal(number=n, currency=c, total=cents(total, 1)) for (n, c), total in sums.items())


MONTHS = st.lists(
    st.tuples(st.sampled_from("ABC"), AMOUNTS, st.sampled_from(["EUR", "USD"]), st.sampled_from([*Status])),
    min_size=1,
    max_size=30,
).map(lambda rows: [(line(n, i, a, c), status) for n, (i, a, c, status) in enumerate(rows)])


@settings(max_examples=150)
@given(MONTHS)
def test_the_parts_are_the_lines_and_the_lines_are_the_invoices(
    month: list[tuple[BillingLine, Status]],
) -> None:
    lines = [one for one, _ in month]
    found = account_for(lines, {one.key: status for one, status in month}, totals_of(lines))
    assert {one.currency for one in found} == {one.currency for one in lines}
    for billed in found:
        assert sum((share.amount for share in billed.parts.values()), Decimal(0)) == billed.lines.amount
        assert sum(share.lines for share in billed.parts.values()) == billed.lines.lines
        assert billed.invoices == billed.lines.amount
        assert (billed.unexplained, billed.gaps) == (0, ())
        every = [billed.lines, *billed.parts.values()]
        assert all(share.amount == share.amount.quantize(CENT) for share in every)
        for fate, share in billed.parts.items():
            own = [
                one.amount for one, s in month if one.currency == billed.currency and str(FATES[s]) == fate
            ]
            assert len(own) == share.lines
            assert abs(sum(own, Decimal(0)) - share.amount) <= 3 * CENT  # a cent for each of three invoices
    assert sum(billed.lines.lines for billed in found) == len(lines)


@settings(max_examples=150)
@given(MONTHS, st.data())
def test_a_line_that_is_dropped_doubled_or_altered_on_the_way_is_found_every_time(
    month: list[tuple[BillingLine, Status]], data: st.DataObject
) -> None:
    lines = [one for one, _ in month]
    invoices = totals_of(lines)
    at = data.draw(st.integers(0, len(lines) - 1))
    spoilt = lines[at]
    how = data.draw(st.sampled_from(["dropped", "doubled", "altered", "of another currency"]))
    other = data.draw(AMOUNTS)
    read = lines[:at] + lines[at + 1 :]
    match how:
        case "doubled":
            read = [*lines, replace(spoilt, key="again")]
        case "altered":
            assume(abs(other - spoilt.amount) >= CENT)
            read.append(replace(spoilt, amount=other))
        case "of another currency":
            read.append(replace(spoilt, currency="GBP"))
        case _:
            pass
    assume(how == "altered" or abs(spoilt.amount) >= CENT)
    found = account_for(read, {one.key: Status.OK for one in read}, invoices)
    assert spoilt.invoice in {gap.invoice for billed in found for gap in billed.gaps}


def test_gaps_of_two_invoices_that_cancel_each_other_are_named_all_the_same() -> None:
    lines = [line(1, "A", Decimal(10)), line(2, "B", Decimal(10))]
    invoices = (
        InvoiceTotal(number="A", currency="EUR", total=Decimal(15)),
        InvoiceTotal(number="B", currency="EUR", total=Decimal(5)),
    )
    (billed,) = account_for(lines, dict.fromkeys("12", Status.OK), invoices)
    assert billed.unexplained == 0
    assert billed.gaps == (Gap("A", Decimal(5)), Gap("B", Decimal(-5)))


def test_an_invoice_without_lines_is_unexplained_and_one_without_a_total_cannot_be_held_against() -> None:
    (billed,) = account_for([], {}, [InvoiceTotal(number="A", currency="EUR", total=Decimal(7))])
    assert (billed.unexplained, billed.lines.lines) == (7, 0)
    (billed,) = account_for(
        [line(1, "A", Decimal(3))], {"1": Status.OK}, [InvoiceTotal(number="A", currency="EUR", total=None)]
    )
    assert (billed.invoices, billed.unexplained) == (None, None)


def test_where_one_invoice_says_no_total_the_others_are_held_against_their_lines_all_the_same() -> None:
    lines = [line(1, "A", Decimal(3)), line(2, "B", Decimal(4)), line(3, "C", Decimal(5))]
    totals = [("A", None), ("A", Decimal(9)), ("B", Decimal(5)), ("C", Decimal(5))]
    invoices = [InvoiceTotal(number=number, currency="EUR", total=total) for number, total in totals]
    (billed,) = account_for(lines, dict.fromkeys("123", Status.OK), invoices)
    assert (billed.invoices, billed.unexplained) == (None, None)
    assert billed.gaps == (Gap("B", Decimal(1)),)


def test_without_invoices_there_is_no_total_but_five_parts() -> None:
    lines = [line(1, "A", Decimal(3)), line(2, "A", Decimal(4))]
    (billed,) = account_for(lines, {"1": Status.OK, "2": Status.CONFIRM_LINK}, None)
    assert (billed.invoices, billed.unexplained, billed.gaps) == (None, None, ())
    assert {fate: share.amount for fate, share in billed.parts.items() if share.lines} == {
        str(Fate.AGREES): 3,
        str(Fate.TO_LINK): 4,
    }


BEFORE = MonthSums(10, {"EUR": Decimal(1000), "USD": Decimal(-5)})


def test_a_month_is_incomplete_on_its_last_day_and_complete_on_the_day_after() -> None:
    assert "not over" in why_incomplete(OCTOBER, dt.date(2026, 10, 31), BEFORE, BEFORE)
    assert why_incomplete(OCTOBER, dt.date(2026, 11, 1), BEFORE, BEFORE) == ""


def test_a_month_with_less_than_four_fifths_of_the_customers_or_money_before_is_incomplete() -> None:
    day = dt.date(2026, 12, 1)
    assert why_incomplete(OCTOBER, day, MonthSums(8, {"EUR": Decimal(800)}), BEFORE) == ""
    assert "7 customers" in why_incomplete(OCTOBER, day, MonthSums(7, {"EUR": Decimal(800)}), BEFORE)
    assert "799.99 EUR" in why_incomplete(OCTOBER, day, MonthSums(8, {"EUR": Decimal("799.99")}), BEFORE)
    assert "0.00 EUR" in why_incomplete(OCTOBER, day, MonthSums(8, {"GBP": Decimal(2000)}), BEFORE)
    assert why_incomplete(OCTOBER, day, MonthSums(0, {}), None) == ""
    nameless = MonthSums(8, {"": Decimal(2)})
    assert "bills 0.00, 2026-09 billed 2.00" in why_incomplete(OCTOBER, day, MonthSums(8, {}), nameless)
