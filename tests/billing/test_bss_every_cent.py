"""Every cent of hundreds of generated months, read over HTTP from the sandbox, and losses on the way."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import simplejson
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from werkzeug import Request, Response

from tests.helpers.fake_bss import ANNA, BORIS, CREDIT, GROUPS, MARCH, invoice, item, read_billing, sub
from tests.helpers.remote import reply
from xlsync.billing.bss import Bss
from xlsync.errors import ApiError
from xlsync.models import Status
from xlsync.reconcile.billed import Billed, account_for
from xlsync.sandbox.bss import api
from xlsync.sandbox.listening import Listener
from xlsync.sandbox.state import SandboxBss
from xlsync.settings import BssSettings

Json = dict[str, Any]

# One server serves all months: each test begins with a month of its own.
MANY = settings(max_examples=30, suppress_health_check=list(HealthCheck))


class Wire:
    """The sandbox's BSS over HTTP, and what happens on the way from it to the reader.

    `spoil` is given each list of entries before it is sent; `before_page` is called before each page of
    invoices with their lines, with the number of pages that were sent before.
    """

    def __init__(self) -> None:
        self.state = SandboxBss(unit_groups=GROUPS)
        self._api = api.BssApi(self.state)
        self.begin([], 500)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Answer at the address that the block is given."""
        server = Listener(lambda request, _: self._answer(request), 0)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.close()
            thread.join()

    def begin(self, invoices: list[Json], page: int) -> None:
        """Hold these invoices, and serve so many on a page."""
        self.state.invoices, self.state.largest_page = invoices, page
        self.spoil: Callable[[list[Json]], None] = lambda _: None
        self.before_page: Callable[[int], None] = lambda _: None
        self._sent = 0

    def _answer(self, request: Request) -> Response:
        is_list = request.path == "/api/invoices" and "include" in request.args
        if is_list:
            self.before_page(self._sent)
            self._sent += 1
        answered = self._api.answer(request, request.path)
        if answered.status_code != 200 or not (is_list or request.path.endswith("/items")):
            return answered
        body = simplejson.loads(answered.get_data(as_text=True), use_decimal=True)
        self.spoil(body["data"] if isinstance(body, dict) else body)
        return reply(body)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def bss(wire: Wire) -> Iterator[Bss]:
    with wire.serving() as url:
        keys = BssSettings(
            url=url,
            client_key=api.CLIENT_KEY,
            client_secret=api.CLIENT_SECRET,
            username=api.USERNAME,
            password=api.PASSWORD,
        )
        one = Bss(keys, plans={}, patience=0.001)
        with one.service:
            yield one


@dataclass(frozen=True)
class Reading:
    """What was read of a month: the money by invoice and currency, and what became of every cent."""

    money: dict[tuple[str, str], Decimal]
    billed: tuple[Billed, ...]

    @property
    def named(self) -> set[str]:
        """The invoices that are named because they do not add up."""
        return {gap.invoice for one in self.billed for gap in one.gaps}


def read(bss: Bss) -> Reading:
    """Read a month as an export does: its invoices with their lines, and the list of its invoices."""
    billing = read_billing(bss, MARCH, by="invoice-date")
    billing = billing.with_listed(bss.list_invoice_totals(dt.date(2026, 2, 1), MARCH.last))
    statuses = {line.key: list(Status)[n % len(Status)] for n, line in enumerate(billing.lines)}
    money: Counter[tuple[str, str]] = Counter()
    for line in billing.lines:
        money[line.invoice, line.currency] += line.amount  # type: ignore[assignment]
    return Reading(dict(money), account_for(billing.lines, statuses, billing.invoices))  # type: ignore[arg-type]


def truth(invoices: list[Json]) -> dict[tuple[str, str], Decimal]:
    """The money of invoices, negative for credits, as the BSS holds it."""
    signs = {one["code"]: -1 if one["type"] is CREDIT else 1 for one in invoices}
    return {(one["code"], one["currency"]): signs[one["code"]] * one["totalBeforeTax"] for one in invoices}


@st.composite
def months(draw: st.DrawFn, least: int = 1) -> list[Json]:
    """Make the invoices of a month: debits and credits, in two currencies, with lines of customers."""
    made = []
    for number in range(draw(st.integers(least, 6))):
        code = f"EX-{number}"
        lines = []
        for at in range(draw(st.integers(1, 4))):
            quantity, price = Decimal(draw(st.integers(1, 40))), Decimal(draw(st.integers(1, 99_999))) / 100
            holders = [sub(f"s-{code}-{at}", draw(st.sampled_from([ANNA, BORIS])))]
            line = item(f"{code}-{at}", quantity=quantity, unitPrice=price, subscriptions=holders)
            if draw(st.booleans()):  # a line of two subscriptions, which is served as two
                one = line | {"quantity": quantity, "total": line["total"]}
                other = item(
                    f"{code}-{at}",
                    quantity=Decimal(1),
                    unitPrice=price,
                    subscriptions=[sub(f"t-{code}-{at}")],
                )
                line |= {"total": one["total"] + other["total"], "_parts": [one, other]}
            lines.append(line)
        total = sum((line["total"] for line in lines), Decimal(0))
        more: Json = {"type": CREDIT} if draw(st.integers(0, 4)) == 0 else {}
        day = f"2026-03-{draw(st.integers(1, 28)):02}T04:10:22+02:00"
        more |= {"currency": draw(st.sampled_from(["EUR", "USD"])), "invoiceDate": day, "createdAt": day}
        record = invoice(code, totalBeforeTax=total, total=total, **more)
        del record["analysisItems"]
        made.append(record | {"items": lines})
    return made


PAGES = st.integers(1, 7)


@MANY
@given(invoices=months(), page=PAGES)
def test_every_cent_of_every_month_is_read_and_adds_up(
    wire: Wire, bss: Bss, invoices: list[Json], page: int
) -> None:
    wire.begin(invoices, page)
    reading = read(bss)
    assert reading.money == truth(invoices)
    for one in reading.billed:
        assert one.invoices == one.lines.amount == sum(share.amount for share in one.parts.values())
        assert (one.unexplained, one.gaps) == (0, ())


def _drop(lines: list[Json], at: int, _: Decimal) -> None:
    del lines[at]


def _double(lines: list[Json], at: int, _: Decimal) -> None:
    lines.append(dict(lines[at]))


def _alter(lines: list[Json], at: int, by: Decimal) -> None:
    lines[at]["total"] += by


def _turn(lines: list[Json], at: int, _: Decimal) -> None:
    lines[at]["total"] = -lines[at]["total"]


@pytest.mark.parametrize("change", [_drop, _double, _alter, _turn])
@MANY
@given(invoices=months(), page=PAGES, data=st.data())
def test_a_line_that_is_dropped_doubled_or_altered_on_the_way_is_found_and_its_invoice_named(
    wire: Wire, bss: Bss, change: Callable[[list[Json], int, Decimal], None], invoices: list[Json], page: int,
    data: st.DataObject,
) -> None:  # fmt: skip
    wire.begin(invoices, page)
    spoilt = data.draw(st.sampled_from(invoices))
    at, by = data.draw(st.integers(0, 7)), Decimal(data.draw(st.integers(1, 9999))) / 100
    asked_apart = data.draw(
        st.booleans()
    )  # the list leaves its lines out, so that they are read by themselves

    def spoil(entries: list[Json]) -> None:
        for lines in [one["analysisItems"] for one in entries if one.get("code") == spoilt["code"]]:
            if asked_apart:
                lines.clear()
            else:
                change(lines, at % len(lines), by)
        if asked_apart and entries and str(entries[0].get("id", "")).startswith(f"{spoilt['code']}-"):
            change(entries, at % len(entries), by)

    wire.spoil = spoil
    reading = read(bss)
    if reading.money == truth(invoices):  # its only line was left out of the list, and was asked for apart
        assert change is _drop
        assert not asked_apart
        assert reading.named == set()
    else:
        assert reading.named == {spoilt["code"]}


@pytest.mark.parametrize("how", ["lost", "of another currency", "with another total", "without a total"])
@MANY
@given(invoices=months(), page=PAGES, data=st.data())
def test_an_invoice_that_is_lost_or_altered_on_the_way_is_named(
    wire: Wire, bss: Bss, how: str, invoices: list[Json], page: int, data: st.DataObject
) -> None:
    wire.begin(invoices, page)
    spoilt = data.draw(st.sampled_from(invoices))
    others = data.draw(st.sampled_from(invoices))

    def spoil(entries: list[Json]) -> None:
        for entry in [one for one in entries if one.get("code") == spoilt["code"]]:
            match how:
                case "lost":
                    entries.remove(entry)
                case "of another currency":
                    entry["currency"] = "GBP"
                case "with another total":
                    entry["totalBeforeTax"] += 1
                case _:
                    entry["totalBeforeTax"] = None
        for entry in [one for one in entries if one is not spoilt and one.get("code") == others["code"]]:
            if how == "without a total":  # and another one is wrong
                entry["analysisItems"][0]["total"] += 1

    if how == "without a total":
        assume(others is not spoilt)
    wire.spoil = spoil
    named = {others["code"]} if how == "without a total" else {spoilt["code"]}
    stopped = ""
    try:
        assert read(bss).named == named
    except ApiError as error:
        stopped = error.message
    if stopped:  # nothing else was on its page
        assert how == "lost"
        assert "is empty" in stopped or "gives only" in stopped


@pytest.mark.parametrize("how", ["taken out", "put before the others", "put behind the others", "repeated"])
@MANY
@given(invoices=months(least=2), page=st.integers(2, 3), data=st.data())
def test_a_list_that_changes_while_it_is_read_loses_none_of_the_others(
    wire: Wire, bss: Bss, how: str, invoices: list[Json], page: int, data: st.DataObject
) -> None:
    changed = data.draw(st.sampled_from(invoices))
    rest = [one for one in invoices if one is not changed]
    wire.begin(list(invoices) if how in ("taken out", "repeated") else rest, page)
    when = data.draw(st.integers(1, 3))

    def change(number: int) -> None:
        if number == when:
            match how:
                case "taken out":
                    wire.state.invoices = rest
                case "put before the others":
                    wire.state.invoices = [changed, *rest]
                case "put behind the others":
                    wire.state.invoices = [*rest, changed]
                case _:
                    wire.state.invoices = [*invoices, changed]

    wire.before_page = change
    reading = read(bss)
    assert {key: money for key, money in reading.money.items() if key[0] != changed["code"]} == truth(rest)
    assert reading.named <= {changed["code"]}
    whole = truth([changed]).items() <= reading.money.items()
    assert whole or how != "repeated"
    is_listed = any(one is changed for one in wire.state.invoices)
    assert whole or not is_listed or reading.named == {changed["code"]}
