"""What live servers were seen to answer to reads, and what xlsync makes of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.helpers.remote import all_lists, connected, connectwise_settings
from xlsync.connectwise.client import ConnectWise
from xlsync.connectwise.records import read_agreement, read_date, read_item, read_recap, read_setup
from xlsync.errors import ApiError
from xlsync.models import Agreement, Lists
from xlsync.sandbox.server import Sandbox

NOW = dt.datetime.now(dt.UTC)
LISTS = ("/company/companies", "/finance/agreements", "/procurement/catalog")


def lists_of(connectwise: ConnectWise, cache: Any = None) -> Lists:
    return all_lists(connectwise, cache, now=NOW)


@pytest.mark.parametrize("path", LISTS)
def test_an_empty_list_stops_the_reading_and_is_not_kept(
    sandbox: Sandbox, connectwise: ConnectWise, path: str
) -> None:
    cache: dict[str, Any] = {}
    sandbox.fail("empty", path=f"GET {path}$")
    with pytest.raises(ApiError, match=f"GET {path} gave an empty list, without a single") as caught:
        lists_of(connectwise, cache)
    assert "xlsync doctor" in caught.value.hint
    assert lists_of(connectwise, cache).companies


def test_an_empty_page_where_more_was_promised_is_an_error(sandbox: Sandbox) -> None:
    with connected(connectwise_settings(sandbox.url, sandbox.environ)) as connectwise:
        sandbox.fail("empty", path="GET /company/companies$", skip=1)
        sandbox.connectwise.largest_page = 25
        with pytest.raises(ApiError, match="gave an empty page where more was promised"):
            connectwise.list_records("/company/companies", fields="id")
        records, _ = connectwise.list_records("/company/companies", fields="id")
    assert len(records) == len(sandbox.connectwise.companies)


def test_a_list_that_is_cut_off_is_read_again(sandbox: Sandbox, connectwise: ConnectWise) -> None:
    sandbox.fail("cut", path="GET /finance/agreements$")
    assert lists_of(connectwise).agreements


def test_every_command_finds_a_codebase_that_changed(sandbox: Sandbox) -> None:
    outdated = connectwise_settings(f"{sandbox.url}/v2025_9/apis/3.0", sandbox.environ)
    with connected(outdated) as connectwise:
        assert lists_of(connectwise).companies
    with connected(outdated) as connectwise:
        assert connectwise.list_additions([1])[1]
        asked = [request.path for request in sandbox.log if "companyinfo" in request.path]
        assert len(asked) == 2


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-10-31T00:00:00Z", dt.date(2026, 10, 31)),
        ("31/10/2026", dt.date(2026, 10, 31)),
        ("10/31/2026", dt.date(2026, 10, 31)),
        ("31.10.2026", None),
        ("04/04/2026", dt.date(2026, 4, 4)),
        ("03/04/2026", None),
        ("99/04/2026", None),
        ("2026-13-01", None),
    ],
)
def test_a_date_that_could_be_read_two_ways_is_none(text: str, day: dt.date | None) -> None:
    assert read_date(text) == day


def test_a_recap_tells_which_of_its_dates_are_unclear() -> None:
    recap = read_recap({"id": 7, "nextInvoiceDate": "03/04/2026", "lastInvoiceDate": "28/02/2026"})
    assert (recap.next_date, recap.last_date) == (None, dt.date(2026, 2, 28))
    assert recap.unclear == "next invoice date 03/04/2026"


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-11-01T00:00:00Z", [1]),
        ("2026-11-01T05:00:00Z", [1]),  # midnight of New York
        ("2026-11-01T23:00:00Z", [1, 2]),  # midnight of Paris, unless it is the evening of a program
        ("2026-11-01T10:00:00.000Z", [1, 2]),
        ("2026-11-01T23:00:00+01:00", [1]),
        ("0001-01-01T00:00:00Z", []),
        ("1900-01-01T00:00:00Z", []),
        ("9999-12-31T00:00:00Z", []),
        ("1.11.2026", []),
        ("Nov 1, 2026", []),
        (20261101, []),
    ],
)
def test_a_recaps_date_that_is_not_sure_is_told_and_an_agreement_counts_to_its_last_day(
    text: object, days: list[int]
) -> None:
    recap = read_recap({"id": 7, "nextInvoiceDate": text})
    assert recap.unclear == ("" if len(days) == 1 else f"next invoice date {text}")
    record = {"id": 1, "name": "Cloud", "company": {"id": 2}, "nextInvoiceDate": text}
    agreement = read_agreement(record, CYCLES)
    assert agreement is not None
    assert agreement.next_invoice == (dt.date(2026, 11, days[-1]) if days else None)


CYCLES = {
    1: read_setup({"id": 1, "name": "Monthly", "billingOptions": "Monthly"}),
    4: read_setup({"id": 4, "name": "One Time", "billingOptions": "NotRecurring"}),
    5: read_setup({"id": 5, "name": "Triennial", "billingOptions": None}),
}


@pytest.mark.parametrize(
    ("cycle", "trouble"),
    [
        ({"id": 1, "name": "Monthly"}, ""),
        (None, "never recurs (billing cycle none)"),
        ({"id": 4, "name": "One Time"}, "never recurs (billing cycle One Time)"),
        ({"id": 5, "name": "Triennial"}, "is not known (billing cycle Triennial)"),
        ({"id": 9, "name": "New"}, "is not known (billing cycle New)"),
    ],
)
def test_an_agreement_whose_cycle_says_nothing_says_so(cycle: Any, trouble: str) -> None:
    record = {"id": 1, "name": "Cloud", "company": {"id": 2}, "billingCycle": cycle}
    agreement = read_agreement(record, CYCLES)
    assert isinstance(agreement, Agreement)
    assert trouble in agreement.cycle_trouble
    assert bool(trouble) == bool(agreement.cycle_trouble)
    without_table = read_agreement(record, {})
    assert without_table is not None
    assert without_table.cycle_trouble == ""


def test_children_and_bundles_are_known(connectwise: ConnectWise, sandbox: Sandbox) -> None:
    state = sandbox.connectwise
    state.agreements[2]["parentAgreement"] = {"id": 1, "name": "Head Office Contract", "_info": {}}
    item = next(record for record in state.catalog.values() if not record["inactiveFlag"])
    item["productClass"] = "Bundle"
    lists = lists_of(connectwise)
    assert next(one for one in lists.agreements if one.id == 2).parent == "Head Office Contract"
    assert [one.id for one in lists.items if one.is_bundle] == [item["id"]]
    assert read_item({"id": 1, "identifier": "X", "productClass": "Agreement"}) is not None


def test_only_a_404_with_its_code_says_that_an_addition_is_gone(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    assert connectwise.read_addition(1, 999_999) is None
    sandbox.fail("no-endpoint", path=r"/additions/\d+$", times=9)
    with pytest.raises(ApiError) as caught:
        connectwise.read_addition(1, 1)
    assert caught.value.codes == ("ConnectWiseApi",)


def test_a_release_that_is_refused_is_told_with_the_setting(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    sandbox.connectwise.releases = ("2026.1", "2026.4")
    with pytest.raises(ApiError, match=r"does not support the API version '2025\.1'") as caught:
        lists_of(connectwise)
    assert "[connectwise] release" in caught.value.hint


def test_a_list_that_goes_on_without_end_is_given_up(sandbox: Sandbox) -> None:
    sandbox.connectwise.largest_page = 1
    connectwise = ConnectWise(connectwise_settings(sandbox.url, sandbox.environ), most_pages=3)
    with connectwise.service, pytest.raises(ApiError, match="did not end after 3 pages"):
        connectwise.list_records("/company/companies", fields="id")
    assert len(sandbox.log) == 3
