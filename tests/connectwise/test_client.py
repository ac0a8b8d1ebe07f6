"""ConnectWise: lists by pages, additions side by side, exact values, and what a 404 means.

Against the sandbox, and against small servers where ConnectWise would have to hold much or answer oddly.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.helpers.remote import Silent, connected, connectwise_settings, reply
from xlsync.connectwise.client import PAGE_SIZE, ConnectWise, quoted_text
from xlsync.connectwise.records import (
    clean,
    read_addition,
    read_agreement,
    read_company,
    read_date,
    read_item,
    read_number,
    write_date,
)
from xlsync.errors import ApiError
from xlsync.models import Addition, Setup
from xlsync.records import replace
from xlsync.sandbox.server import Sandbox

API = "/v4_6_release/apis/3.0"


@contextmanager
def serving(
    answer: Callable[[Request], object], handler: type[WSGIRequestHandler] = Silent, **more: Any
) -> Iterator[ConnectWise]:
    """A ConnectWise that answers what a function says: JSON, the one page of a list, or a whole response."""

    def app(environ: Any, start: Any) -> Any:
        request = Request(environ)
        found = answer(request)
        if not isinstance(found, Response):
            found = Response(simplejson.dumps(found), content_type="application/json")
            found.headers["Link"] = f'<{request.base_url}?page=1>; rel="first"'
        return found(environ, start)

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=handler)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    keys = dict.fromkeys(
        ("XLSYNC_CW_COMPANY", "XLSYNC_CW_PUBLIC_KEY", "XLSYNC_CW_PRIVATE_KEY", "XLSYNC_CW_CLIENT_ID"),
        "made-up",
    )
    try:
        settings = connectwise_settings(f"http://127.0.0.1:{server.server_port}", keys, **more)
        with connected(settings) as connectwise:
            yield connectwise
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- lists


class Many:
    """A list of so many records that honours `id>` and the page size, as ConnectWise does.

    A page holds `most` records at most; `links` is whether it sends the Link header.
    """

    def __init__(self, count: int, *, most: int = 1000, links: bool = True) -> None:
        self.most, self.links = most, links
        self.records = [{"id": id_, "name": f"N{id_}"} for id_ in range(1, count + 1)]
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: Request) -> object:
        self.asked.append(request.args.to_dict())
        found = re.search(r"id>(\d+)$", request.args.get("conditions", ""))
        after = int(found[1]) if found else 0
        left = [record for record in self.records if record["id"] > after]  # type: ignore[operator]
        shown = left[: min(self.most, int(request.args["pageSize"]))]
        response = Response(simplejson.dumps(shown), content_type="application/json")
        if self.links:
            there = [f'<{request.base_url}?page=1>; rel="first"']
            there += [f'<{request.url}&page=2>; rel="next"'] if len(shown) < len(left) else []
            response.headers["Link"] = ", ".join(there)
        return response


@pytest.mark.parametrize(
    ("count", "most", "links", "requests"),
    [
        *((count, 1000, True, asked) for count, asked in ((0, 1), (1, 1), (999, 1), (1000, 2), (1001, 2))),
        (2000, 1000, True, 3),
        # without a Link header one more request proves the end
        *((count, 1000, False, asked) for count, asked in ((0, 1), (1, 2), (25, 2), (999, 2), (1000, 2))),
        (1001, 1000, False, 2),
        # a server that gives shorter pages than were asked for
        *((count, 100, True, asked) for count, asked in ((99, 1), (100, 1), (101, 2), (250, 3), (300, 3))),
        *((count, 100, False, asked) for count, asked in ((99, 2), (100, 2), (101, 2), (250, 3), (300, 4))),
        (60, 25, False, 3),
        *((count, 10, False, asked) for count, asked in ((9, 2), (10, 2), (11, 2), (35, 4))),
        (15, 4, True, 4),
    ],
)
def test_all_records_come_page_by_page_each_once(count: int, most: int, links: bool, requests: int) -> None:
    many, told = Many(count, most=most, links=links), []
    with serving(many) as connectwise:
        records, _ = connectwise.list_records("/company/companies", fields="id,name", progress=told.append)
        assert connectwise.service.requests == requests
    assert [record["id"] for record in records] == list(range(1, count + 1))
    assert sum(told) == count
    assert all(query["pageSize"] == str(PAGE_SIZE) == "1000" for query in many.asked)
    assert all(query["orderBy"] == "id asc" and query["fields"] == "id,name" for query in many.asked)
    assert all("page" not in query for query in many.asked)


def test_without_a_link_header_a_list_shorter_than_another_of_its_kind_takes_one_request() -> None:
    """The proof of its end is that the server gave a longer page: no request for each agreement more."""
    counts = {1: 9, 2: 8, 3: 0, 4: 8, 5: 9}
    lists = {id_: Many(count, most=10, links=False) for id_, count in counts.items()}

    def additions(request: Request) -> object:
        return lists[int(request.path.split("/")[-2])](request)

    with serving(additions) as connectwise:
        connectwise.side_by_side = 1
        connectwise.list_records("/finance/agreements/1/additions")
        asked = {}
        for id_ in (2, 3, 4, 5):
            before = connectwise.service.requests
            records, _ = connectwise.list_records(f"/finance/agreements/{id_}/additions")
            assert len(records) == counts[id_]
            asked[id_] = connectwise.service.requests - before
    assert asked == {2: 1, 3: 1, 4: 1, 5: 2}


@pytest.mark.parametrize("links", [True, False])
def test_recaps_come_page_by_page_from_a_server_that_caps_its_pages(links: bool) -> None:
    ids = range(1, 251)
    of = {
        id_: {"id": id_, "nextInvoiceDate": "2026-10-31T00:00:00Z", "nextInvoiceAmount": id_} for id_ in ids
    }

    def recaps(request: Request) -> object:
        text = request.args["conditions"]
        (wanted,) = re.findall(r"id in \(([\d,]+)\)", text)
        many = Many(0, most=40, links=links)
        many.records = [of[int(id_)] for id_ in wanted.split(",")]
        return many(request)

    with serving(recaps) as connectwise:
        found = connectwise.list_recaps(ids)
    assert isinstance(found, dict)
    assert {id_: recap.next_amount for id_, recap in found.items()} == {id_: id_ for id_ in ids}


def test_recaps_that_the_list_does_not_show_are_read_by_their_ids(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    ids = some_agreements(sandbox, 3)
    listed = connectwise.list_recaps(ids)
    sandbox.fail("empty", path="GET /finance/agreementrecap/$")
    assert connectwise.list_recaps([*ids, 999_999]) == listed
    sandbox.fail("empty", path="GET /finance/agreementrecap/$")
    sandbox.fail("forbid", path=f"GET /finance/agreementrecap/{ids[1]}$")
    assert isinstance(connectwise.list_recaps(ids), ApiError)


def test_the_second_page_keeps_the_condition_in_brackets() -> None:
    many = Many(1001)
    with serving(many) as connectwise:
        connectwise.list_records("/finance/agreements", conditions="a=1 or b=2")
    assert [query["conditions"] for query in many.asked] == ["a=1 or b=2", "(a=1 or b=2) and id>1000"]


def test_a_list_that_ends_where_conditions_are_joined_is_held_against_its_count() -> None:
    many = Many(1001, links=False)

    def answer(request: Request) -> object:
        if request.path.endswith("/count"):
            return {"count": 1001}
        joined = " and " in request.args.get("conditions", "")
        return Response("[]", content_type="application/json") if joined else many(request)

    with (
        serving(answer) as connectwise,
        pytest.raises(ApiError, match="ended after 1,000 records, and counts"),
    ):
        connectwise.list_records("/finance/agreements", conditions="a=1")


def test_a_page_that_repeats_is_an_error_not_an_endless_list() -> None:
    page = [{"id": id_} for id_ in range(1, 1001)]
    with serving(lambda _: page) as connectwise, pytest.raises(ApiError, match="the same page twice"):
        connectwise.list_records("/company/companies")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"id": 1}, "no list of records"),
        (None, "no list of records"),
        (["x"], "no list of records"),
        ([{"name": "x"}] * 1000, "a record without an id"),
    ],
)
def test_an_answer_that_is_no_list_is_an_error_not_an_empty_list(answer: object, told: str) -> None:
    with serving(lambda _: answer) as connectwise, pytest.raises(ApiError, match=told) as raised:
        connectwise.list_records("/company/companies")
    assert raised.value.path == "/company/companies"


def test_the_servers_time_is_that_of_the_first_page() -> None:
    times = iter(("Mon, 02 Nov 2026 12:00:00 GMT", "Mon, 02 Nov 2026 12:05:00 GMT"))

    class Clock(Silent):
        """Tells these times."""

        def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002
            return next(times)

    with serving(Many(1001), Clock) as connectwise:
        _, asked_at = connectwise.list_records("/company/companies")
    assert asked_at == "Mon, 02 Nov 2026 12:00:00 GMT"
    assert list(times) == []


def test_every_request_names_client_and_release(sandbox: Sandbox, connectwise: ConnectWise) -> None:
    connectwise.list_records("/company/companies", fields="id")
    headers = sandbox.log[-1].headers
    assert {name.lower(): value for name, value in headers.items()}["clientid"] == (
        sandbox.environ["XLSYNC_CW_CLIENT_ID"]
    )
    assert headers["Accept"] == "application/vnd.connectwise.com+json; version=2025.1"


# --- additions


def some_agreements(sandbox: Sandbox, count: int) -> list[int]:
    return sorted({record["agreementId"] for record in sandbox.connectwise.additions.values()})[:count]


def test_additions_are_read_for_each_agreement_once(sandbox: Sandbox, connectwise: ConnectWise) -> None:
    ids = some_agreements(sandbox, 5)
    told: list[int] = []
    found = connectwise.list_additions([*ids, *ids], told.append)
    assert sorted(found) == ids
    assert len(sandbox.log) == 5
    assert told == [1, 2, 3, 4, 5]
    for id_ in ids:
        additions = found[id_]
        assert not isinstance(additions, ApiError)
        assert [a.id for a in additions] == [r["id"] for r in sandbox.connectwise.additions.on_agreement(id_)]
        assert {a.agreement_id for a in additions} == {id_}


def test_one_agreement_that_fails_is_its_error_and_the_others_are_read(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    ids = some_agreements(sandbox, 4)
    sandbox.fail("error", path=f"/finance/agreements/{ids[1]}/additions$", times=99)
    found = connectwise.list_additions(ids)
    failed = found[ids[1]]
    assert isinstance(failed, ApiError)
    assert failed.status == 500
    assert failed.path.endswith(f"/finance/agreements/{ids[1]}/additions")
    assert [isinstance(found[id_], tuple) for id_ in ids] == [True, False, True, True]


def test_an_agreement_that_is_gone_is_an_error_not_an_empty_list(connectwise: ConnectWise) -> None:
    found = connectwise.list_additions([999_999])[999_999]
    assert isinstance(found, ApiError)
    assert found.status == 404


def test_one_broken_record_is_the_error_of_its_agreement_alone() -> None:
    def answer(request: Request) -> object:
        broken = {"id": 2, "quantity": 1}
        return [broken if "/2/" in request.path else {"id": 1, "product": {"id": 10}, "quantity": 1}]

    with serving(answer) as connectwise:
        found = connectwise.list_additions([1, 2])
    assert isinstance(found[1], tuple)
    assert isinstance(found[2], ApiError)
    assert "/finance/agreements/2/additions/2 (product)" in found[2].message


def test_the_additions_of_a_child_that_its_parents_list_shows_are_not_the_parents() -> None:
    """ConnectWise's own screen shows them there; whether its API does is not known."""

    def answer(request: Request) -> object:
        child = {"id": 2, "agreementId": 2, "product": {"id": 10}, "quantity": 5}
        own = [{"id": id_, "product": {"id": 10}, "quantity": 1} for id_ in (1, 3)]
        return [child] if "/2/" in request.path else [own[0] | {"agreementId": 1}, child, own[1]]

    with serving(answer) as connectwise:
        additions = connectwise.list_additions([1, 2])
    ids = {id_: [a.id for a in of_one] for id_, of_one in additions.items() if isinstance(of_one, tuple)}
    assert ids == {1: [1, 3], 2: [2]}


def test_an_agreement_of_more_than_a_page_of_additions_is_read_whole() -> None:
    def answer(request: Request) -> object:
        found = re.search(r"id>(\d+)", request.args.get("conditions", ""))
        first = int(found[1]) + 1 if found else 1
        return [{"id": n, "product": {"id": 10}, "quantity": n} for n in range(first, 1002)][:1000]

    with serving(answer) as connectwise:
        additions = connectwise.list_additions([1])[1]
    assert not isinstance(additions, ApiError)
    assert [addition.id for addition in additions] == list(range(1, 1002))


@pytest.mark.parametrize("links", [True, False])
def test_the_additions_of_a_server_with_shorter_pages_are_read_whole(links: bool) -> None:
    many = Many(130, most=50, links=links)
    many.records = [{**record, "product": {"id": 10}, "quantity": 1} for record in many.records]
    with serving(many) as connectwise:
        additions = connectwise.list_additions([1])[1]
        assert connectwise.service.requests == 3
    assert not isinstance(additions, ApiError)
    assert [addition.id for addition in additions] == list(range(1, 131))


@pytest.mark.parametrize(("shows", "takes"), [(True, True), (True, False), (False, False)])
def test_the_status_of_additions_is_asked_for_where_the_server_shows_and_takes_it(
    shows: bool, takes: bool
) -> None:
    asked: list[str] = []

    def answer(request: Request) -> object:
        fields = request.args.get("fields", "")
        asked.append(fields)
        if "additionStatus" in fields and not takes:
            return reply({"code": "ApiFindCondition", "message": "additionStatus is not recognized."}, 400)
        status = {"additionStatus": "Active"} if shows and (not fields or "Status" in fields) else {}
        return [{"id": 1, "product": {"id": 10}, "quantity": 1, **status}]

    with serving(answer, side_by_side=1) as connectwise:
        found = connectwise.list_additions(range(1, 6), with_status=True)
    statuses = [one[0].status for one in found.values() if not isinstance(one, ApiError)]
    assert statuses == ["Active" if shows and (takes or id_ == 1) else "" for id_ in range(1, 6)]
    assert asked[0] == ""
    assert all(asked[1:])
    refused = [fields for fields in asked if "additionStatus" in fields and not takes]
    assert len(refused) == (1 if shows and not takes else 0)


def test_a_server_that_ignores_conditions_is_an_error_not_a_list_without_its_end() -> None:
    page = simplejson.dumps([{"id": id_, "product": {"id": 10}, "quantity": 1} for id_ in range(1, 31)])
    with serving(lambda _: Response(page, content_type="application/json")) as connectwise:
        found = connectwise.list_additions([1])[1]
    assert isinstance(found, ApiError)
    assert "the same page twice" in found.message


def test_no_agreements_are_no_requests(sandbox: Sandbox, connectwise: ConnectWise) -> None:
    assert connectwise.list_additions([]) == {}
    assert sandbox.log == []


def test_one_addition_as_it_is_now_and_none_where_there_is_none(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    record = sandbox.connectwise.additions[1]
    found = connectwise.read_addition(record["agreementId"], 1)
    assert found is not None
    assert found.quantity == record["quantity"]
    assert connectwise.read_addition(record["agreementId"], 999_999) is None


def test_any_other_failure_to_read_one_addition_is_an_error(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    sandbox.fail("error", path="/additions/1$", times=99)
    with pytest.raises(ApiError):
        connectwise.read_addition(sandbox.connectwise.additions[1]["agreementId"], 1)


# --- values


def addition(**fields: Any) -> Addition:
    return read_addition({"id": 71, "product": {"id": 10}, "quantity": 1, **fields}, 1, whole=True)


def test_numbers_are_exact_through_the_wire_zero_is_zero_and_absent_is_none() -> None:
    text = (
        '[{"id": 1, "product": {"id": 10}, "quantity": 0.10, "unitPrice": 0, "unitCost": null},'
        ' {"id": 2, "product": {"id": 10}, "quantity": 0, "unitPrice": 1234567890123.4567, "unitCost": 0.0}]'
    )
    link = {"Link": '<http://127.0.0.1/?page=1>; rel="first"'}
    with serving(lambda _: Response(text, headers=link, content_type="application/json")) as connectwise:
        additions = connectwise.list_additions([1])[1]
    assert not isinstance(additions, ApiError)
    first, second = additions
    assert (first.quantity, first.unit_price, first.unit_cost) == (Decimal("0.10"), Decimal(0), None)
    assert (second.quantity, second.unit_cost) == (Decimal(0), Decimal(0))
    assert second.unit_price == Decimal("1234567890123.4567")
    assert {type(value) for value in (first.quantity, second.unit_price, second.unit_cost)} == {Decimal}


@pytest.mark.parametrize("record", [{"quantity": None}, {}])
def test_an_addition_without_quantity_is_the_error_of_its_agreement_not_zero(record: dict[str, Any]) -> None:
    def answer(request: Request) -> object:
        whole = {"id": 71, "product": {"id": 10}, "quantity": 0}
        return [whole, {"id": 72, "product": {"id": 10}, **record}] if "/2/" in request.path else [whole]

    with serving(answer) as connectwise:
        found = connectwise.list_additions([1, 2])
    assert isinstance(found[1], tuple)
    assert isinstance(found[2], ApiError)
    assert "/finance/agreements/2/additions answered with addition 72, which has no quantity" in (
        found[2].message
    )


def test_an_addition_without_included_units_has_zero() -> None:
    assert addition().less_included == 0
    assert addition(lessIncluded=Decimal("2.5")).less_included == Decimal("2.5")


@pytest.mark.parametrize("value", [True, "many", [], {}, float("nan"), "1e5", ""])
def test_what_is_no_number_is_an_error_not_zero(value: object) -> None:
    with pytest.raises(ApiError, match="where a number belongs"):
        read_number(value, "/x")


def test_a_number_that_would_fill_the_memory_is_an_error() -> None:
    assert read_number(Decimal("1e18"), "/x") == 10**18
    for number in (Decimal("1e19"), Decimal("1e999999999"), 10**4000):
        with pytest.raises(ApiError, match="where a number belongs"):
            read_number(number, "/x")


@pytest.mark.parametrize("field", ["cancelledDate", "effectiveDate"])
@pytest.mark.parametrize("value", ["31.12.2026", "soon", 5, {"on": 1}, "0001-01-01T00:00:00Z"])
def test_a_date_of_an_addition_that_cannot_be_read_is_an_error_not_none(field: str, value: object) -> None:
    with pytest.raises(ApiError, match="where a date belongs"):
        addition(**{field: value})


@given(st.decimals(-(10**12), 10**12, places=6))
def test_numbers_written_as_text_are_read_as_numbers(number: Decimal) -> None:
    assert read_number(f" {number:f} ", "/x") == number


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-10-01T00:00:00Z", dt.date(2026, 10, 1)),
        ("2026-10-01T23:59:59Z", dt.date(2026, 10, 1)),  # never through a local time
        ("2026-10-01T00:00:00+11:00", dt.date(2026, 10, 1)),
        ("2026-10-01", dt.date(2026, 10, 1)),
        ("10/1/2026", None),  # which may be the tenth of January
        ("10/31/2026 12:00:00 AM", dt.date(2026, 10, 31)),
        ("", None),
        (None, None),
        ("31/31/2026", None),
        ("soon", None),
    ],
)
def test_a_date_is_the_calendar_day_it_names(text: str | None, day: dt.date | None) -> None:
    assert read_date(text) == day


@given(st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 31)))
def test_dates_go_out_as_midnight_utc_without_milliseconds_and_come_back(day: dt.date) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00Z", write_date(day))
    assert read_date(write_date(day)) == day


def test_zero_width_marks_in_a_contract_mark_do_not_count() -> None:
    marks = [{"id": 41, "caption": "Subscription ID", "value": "\u200bS1\u200d \ufeff"}]
    assert addition(customFields=marks).contract_mark == "S1"
    assert clean("\u200e a\u2060b ") == "ab"


@pytest.mark.parametrize(
    "fields", [None, [], [{"caption": "Other", "value": "X"}], [{"caption": "Subscription ID"}]]
)
def test_an_addition_without_the_mark_has_none(fields: object) -> None:
    assert addition(customFields=fields).contract_mark == ""


def test_what_a_successor_takes_over_is_kept_as_it_came() -> None:
    fields = {
        "billCustomer": "NoCharge",
        "taxableFlag": False,
        "customFields": [{"id": 41}],
        "description": None,
    }
    assert addition(**fields).carried_over == {
        "billCustomer": "NoCharge",
        "taxableFlag": False,
        "customFields": [{"id": 41}],
    }


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"identifier": "X", "name": "Y"}, "without an id"),
        ({"id": True, "identifier": "X", "name": "Y"}, "without an id"),
        ({"id": "7", "identifier": "X", "name": "Y"}, "without an id"),
        ({"id": 7, "name": "Y"}, "record 7 has no identifier"),
        ({"id": 7, "identifier": "X", "name": ""}, "record 7 has no name"),
        ({"id": 7, "identifier": " \u200b", "name": "Y"}, "record 7 has no identifier"),
    ],
)
def test_a_required_field_that_is_missing_tells_the_record(record: dict[str, Any], told: str) -> None:
    with pytest.raises(ApiError, match=told):
        read_company(record)


def test_an_agreement_or_addition_without_its_reference_tells_the_record() -> None:
    with pytest.raises(ApiError, match=r"/finance/agreements/7 \(company\)"):
        read_agreement({"id": 7, "name": "Cloud"}, {})
    with pytest.raises(ApiError, match=r"/finance/agreements/1/additions/71 \(product\)"):
        read_addition({"id": 71, "quantity": 1}, 1, whole=False)


@pytest.mark.parametrize(
    "gone",
    [
        {"cancelledFlag": True},
        {"agreementStatus": "Cancelled"},
        {"agreementStatus": "Expired"},
        {"agreementStatus": "Inactive"},
    ],
)
def test_agreements_that_are_over_are_not_offered(gone: dict[str, Any]) -> None:
    record = {"id": 7, "name": "Cloud", "company": {"id": 1}}
    assert read_agreement(record, {}) is not None
    assert read_agreement({**record, **gone}, {}) is None


def test_an_agreement_tells_its_cycle_currency_and_dates() -> None:
    record = {
        "id": 7,
        "name": "Cloud",
        "company": {"id": 1},
        "billingCycle": {"id": 3, "name": "Quarterly billing"},
        "currency": {"currencyCode": "EUR"},
        "startDate": "2025-01-01T00:00:00Z",
        "endDate": "2026-12-31T00:00:00Z",
        "nextInvoiceDate": "2026-11-01T00:00:00Z",
        "prorateFlag": True,
    }
    found = read_agreement(record, {3: Setup(3, "Quarterly", months=3)})
    assert found is not None
    assert (found.billing_cycle, found.billing_months, found.currency) == ("Quarterly", 3, "EUR")
    assert (found.start, found.end) == (dt.date(2025, 1, 1), dt.date(2026, 12, 31))
    assert (found.next_invoice, found.prorated) == (dt.date(2026, 11, 1), True)
    endless = read_agreement({**record, "noEndingDateFlag": True}, {})
    assert endless is not None
    assert (endless.end, endless.billing_cycle, endless.billing_months) == (None, "Quarterly billing", None)


def test_a_product_tells_its_codes_and_its_money() -> None:
    record = {
        "id": 1,
        "identifier": "B",
        "vendorSku": " A1 ",
        "integrationXRef": "",
        "manufacturerPartNumber": "C3",
    }
    found = read_item({**record, "price": Decimal("0.10"), "cost": 0})
    assert found is not None
    assert (found.codes, found.price, found.cost) == (("A1", "C3"), Decimal("0.10"), Decimal(0))
    assert read_item({**record, "inactiveFlag": True}) is None


def test_setup_tables_stand_by_name_without_inactive_entries() -> None:
    records = [
        {"id": 1, "name": "zeta"},
        {"id": 2, "name": "Alpha", "category": {"name": "Cloud"}, "defaultFlag": True},
        {"id": 3, "name": "old", "inactiveFlag": True},
        {"id": 4, "description": "Monthly", "billingOptions": "Monthly"},
        {"id": 5, "name": "Per visit", "billingOptions": "Other"},
    ]
    with serving(lambda _: records) as connectwise:
        assert connectwise.list_setup("/procurement/subcategories/", "id,name") == (
            Setup(2, "Alpha", parent="Cloud", is_default=True),
            Setup(4, "Monthly", months=1),
            Setup(5, "Per visit"),
            Setup(1, "zeta"),
        )


@pytest.mark.parametrize(
    "identifier", ['Say "hi"', r"back\slash", "O'Brien & Söhne, 50% (+1)", "株式会社", "a[b]", "a;b=c"]
)
def test_a_condition_finds_a_text_whatever_stands_in_it(
    sandbox: Sandbox, connectwise: ConnectWise, identifier: str
) -> None:
    company = next(iter(sandbox.connectwise.companies.values()))
    company["name"] = identifier
    records, _ = connectwise.list_records(
        "/company/companies", fields="id", conditions=f"name={quoted_text(identifier)}"
    )
    assert [record["id"] for record in records] == [company["id"]]


@pytest.mark.parametrize("reads_patterns", [True, False])
def test_a_name_with_a_bracket_is_found_whether_or_not_the_server_takes_it_for_a_pattern(
    reads_patterns: bool,
) -> None:
    def companies(request: Request) -> object:
        asked = request.args["conditions"].removeprefix('name="').removesuffix('"')
        if reads_patterns:  # as the database does it: one of the signs in brackets
            literal = {"[[]": r"\[", "]": r"\]"}
            pattern = re.sub(r"\[\[\]|\[[^]]*\]|\]", lambda part: literal.get(part[0], part[0]), asked)
            return [{"id": n} for n, name in names.items() if re.fullmatch(pattern, name)]
        return [{"id": n} for n, name in names.items() if name == asked]

    names = {1: "Quay 1", 2: "Quay [1]"}
    with serving(companies) as connectwise:
        records = connectwise.list_named(
            "/company/companies", fields="id", field="name", text="Quay [1]", is_counted=False
        )
    assert {"id": 2} in records


# --- what a 404 means


def test_good_keys_pass(connectwise: ConnectWise) -> None:
    connectwise.check()


@pytest.mark.parametrize("release", ["v4_6_release", "v2026_1"])
@pytest.mark.parametrize("part", ["public_key", "private_key"])
def test_wrong_keys_which_the_cloud_answers_404_are_told_as_wrong_keys(
    sandbox: Sandbox, part: str, release: str
) -> None:
    wrong = connectwise_settings(f"{sandbox.url}/{release}/apis/3.0", sandbox.environ, **{part: "wrong"})
    with connected(wrong) as connectwise, pytest.raises(ApiError) as raised:
        connectwise.check()
    assert "may mean wrong keys" in raised.value.message
    assert "XLSYNC_CW_PRIVATE_KEY" in raised.value.hint
    assert "companyinfo" in "".join(request.path for request in sandbox.log)


def test_an_unknown_company_id_is_told_as_that(sandbox: Sandbox) -> None:
    wrong = connectwise_settings(sandbox.url, sandbox.environ, company="nobody")
    with connected(wrong) as connectwise, pytest.raises(ApiError) as raised:
        connectwise.check()
    assert raised.value.message == "ConnectWise: the site does not know the company id nobody"
    assert "XLSYNC_CW_COMPANY" in raised.value.hint


def test_another_release_of_the_site_is_found_and_used(sandbox: Sandbox) -> None:
    outdated = connectwise_settings(f"{sandbox.url}/v2019_5/apis/3.0", sandbox.environ)
    with connected(outdated) as connectwise:
        assert connectwise.find_codebase() == "v2026_1/"
        connectwise.check()
        assert connectwise.service.url == f"{sandbox.url}/v2026_1/apis/3.0"
        records, _ = connectwise.list_records("/company/companies", fields="id")
        assert records


def test_other_failures_are_passed_on_as_they_are(sandbox: Sandbox, connectwise: ConnectWise) -> None:
    sandbox.fail("error", path="GET /company/companies$", times=99)
    with pytest.raises(ApiError) as raised:
        connectwise.check()
    assert raised.value.status == 500
    assert not [request for request in sandbox.log if "companyinfo" in request.path]


def test_no_message_holds_a_key(sandbox: Sandbox) -> None:
    wrong = replace(connectwise_settings(sandbox.url, sandbox.environ), private_key="Sup3rSecretKey")
    with connected(wrong) as connectwise, pytest.raises(ApiError) as raised:
        connectwise.check()
    assert "Sup3rSecretKey" not in raised.value.message + raised.value.hint
    assert "Sup3rSecretKey" not in repr(wrong)


def test_an_agreements_invoices_since_a_day_are_asked_for_by_one_condition(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    """Live servers were seen to answer nothing to joined conditions, or to one on a date."""
    state = sandbox.connectwise
    days = ("2026-09-30T00:00:00Z", "2026-10-30T22:00:00Z", "2026-10-31T00:00:00Z", None)
    for id_, day in enumerate(days, 9001):
        state.commit(("invoices", id_, {"id": id_, "date": day, "agreement": {"id": 37, "name": "Cloud"}}))
    listed = connectwise.list_invoices(37, dt.date(2026, 10, 31))
    assert [invoice.id for invoice in listed if invoice.id > 9000] == [9002, 9003, 9004]
    assert {request.query["conditions"] for request in sandbox.log} == {"agreement/id=37"}


def test_invoices_that_are_not_listed_by_some_fields_are_listed_by_all(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    """A live server was seen to list none of its 123,761 invoices where three fields were asked for."""
    sandbox.connectwise.commit(("invoices", 9001, {"id": 9001, "agreement": {"id": 37, "name": "Cloud"}}))
    sandbox.fail("empty", path="GET /finance/invoices$")
    listed = connectwise.list_invoices(37, dt.date(2026, 10, 31))
    assert 9001 in {invoice.id for invoice in listed}
    assert ["fields" in request.query for request in sandbox.log] == [True, False]
