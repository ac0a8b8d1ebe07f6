"""A tenant that refuses part of what xlsync asks for: the rest goes on, and nobody is misled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import simplejson

from tests.helpers.desk import OCTOBER, Desk
from tests.helpers.hand import MISMATCHES
from tests.helpers.remote import all_lists
from xlsync.apply.actions import CreateAddition
from xlsync.apply.journal import Journal
from xlsync.apply.lookup import Live
from xlsync.apply.perform import perform
from xlsync.apply.plan import Outcome, Plan, State
from xlsync.connectwise.client import ConnectWise
from xlsync.errors import ApiError
from xlsync.models import Lists
from xlsync.records import replace
from xlsync.sandbox.connectwise.api import json_response
from xlsync.sandbox.server import Sandbox
from xlsync.settings import Creation
from xlsync.store import Cache

REDSTART = "Redstart Textiles"
NOW = dt.datetime.now(dt.UTC)  # the sandbox stamps what changes with the time of this machine


@contextmanager
def refusing(sandbox: Sandbox, path: str, status: int) -> Iterator[None]:
    """While it is open, the sandbox's ConnectWise answers this status to reads of a path."""
    api: Any = sandbox._connectwise_api
    answer = api.answer

    def strict(request: Any, asked: str, **more: Any) -> Any:
        if asked == path and request.method == "GET":
            return json_response({"code": "Security", "message": "not for these keys"}, status)
        return answer(request, asked, **more)

    api.answer = strict
    try:
        yield
    finally:
        api.answer = answer


# --- an addition's marks


@pytest.fixture
def create(sandbox: Sandbox, connectwise: ConnectWise, tmp_path: Path) -> Callable[[], Outcome]:
    """Put a product on an agreement that has no addition yet."""
    world = sandbox.connectwise
    filled = {record["agreementId"] for record in world.additions.values()}
    empty = [id_ for id_, r in world.agreements.items() if id_ not in filled and not r["cancelledFlag"]]
    action = CreateAddition(
        key="create",
        rows=("row",),
        agreement=empty[0],
        item=next(id_ for id_, r in world.catalog.items() if not r["inactiveFlag"]),
        quantity=Decimal(3),
        unit_cost=None,
        effective=None,
        customer="Contoso",
        product="Backup",
        contract_id="S1",
        contract_name="Backup",
    )

    def run() -> Outcome:
        journal = Journal.begin(
            tmp_path, "demo", command="apply", workbook="x.xlsx", month="2026-10", now=NOW
        )
        (result,) = perform(Plan((action,)), Live(connectwise, Creation()), journal)
        journal.end()
        return result

    return run


def marks_of(sandbox: Sandbox, id_: int | None) -> list[str]:
    assert id_ is not None
    fields = sandbox.connectwise.additions[id_]["customFields"]
    return [field["value"] for field in fields if field.get("value")]


def test_a_new_addition_carries_its_contract(create: Callable[[], Outcome], sandbox: Sandbox) -> None:
    result = create()
    assert result.state is State.DONE
    assert marks_of(sandbox, result.id) == ["S1", "Backup"]


@pytest.mark.parametrize("status", [400, 403, 404])
def test_where_custom_fields_may_not_be_read_an_addition_is_created_without(
    create: Callable[[], Outcome], sandbox: Sandbox, status: int
) -> None:
    with refusing(sandbox, "/system/userDefinedFields", status):
        result = create()
    assert result.state is State.DONE
    assert marks_of(sandbox, result.id) == []


@pytest.mark.parametrize("status", [401, 500])
def test_any_other_failure_to_read_custom_fields_creates_nothing(
    create: Callable[[], Outcome], sandbox: Sandbox, status: int
) -> None:
    before = dict(sandbox.connectwise.additions)
    with refusing(sandbox, "/system/userDefinedFields", status):
        result = create()
    assert result.state in {State.SKIPPED, State.FAILED}
    assert dict(sandbox.connectwise.additions) == before


# --- lists


def lists_of(connectwise: ConnectWise, cache: Any = None) -> Lists:
    return all_lists(connectwise, cache, now=NOW)


@contextmanager
def spoiled(sandbox: Sandbox, path: str, changes: dict[str, Any]) -> Iterator[None]:
    """While it is open, every record of a list has these fields beside its own; None takes one away."""
    api: Any = sandbox._connectwise_api
    answer = api.answer

    def generous(request: Any, asked: str, **more: Any) -> Any:
        response = answer(request, asked, **more)
        if asked != path:
            return response
        records = [
            {name: value for name, value in {**record, **changes}.items() if value is not None}
            for record in simplejson.loads(response.get_data(), use_decimal=True)
        ]
        spoilt = json_response(records)
        spoilt.headers["Link"] = response.headers["Link"]
        return spoilt

    api.answer = generous
    try:
        yield
    finally:
        api.answer = answer


@pytest.mark.parametrize("path", ["/company/companies", "/finance/agreements", "/procurement/catalog"])
def test_only_what_was_asked_for_is_kept_however_much_a_server_sends(
    sandbox: Sandbox, connectwise: ConnectWise, tmp_path: Path, path: str
) -> None:
    more = {"score": {"rate": Decimal("0.10")}, "_info": {"parts": [Decimal(1)]}, "limit": Decimal("0.5")}
    currency = {"id": 1, "currencyCode": "EUR", "rate": Decimal("1.0800"), "steps": [{"of": Decimal("0.1")}]}
    usual = lists_of(connectwise)
    with Cache(tmp_path) as cache:
        with spoiled(
            sandbox, path, more if path != "/finance/agreements" else {**more, "currency": currency}
        ):
            read = lists_of(connectwise, cache)
            assert lists_of(connectwise, cache) == read
        name = {"/company/companies": "companies", "/finance/agreements": "agreements"}.get(path, "catalog")
        kept = cache[name]["records"]
    assert (read.companies, read.items, read.odd) == (usual.companies, usual.items, ())
    assert [a.id for a in read.agreements] == [a.id for a in usual.agreements]
    assert not [record for record in kept if {"score", "_info", "limit"} & set(record)]
    if path == "/finance/agreements":
        assert {a.currency for a in read.agreements} == {"EUR"}
        assert kept[0]["currency"]["steps"] == [{"of": "0.1"}]
        assert set(kept[0]["company"]) == {"id"}


@pytest.mark.parametrize(
    ("table", "path", "changes", "told"),
    [
        ("companies", "/company/companies", {"name": "  "}, "has no name"),
        ("catalog", "/procurement/catalog", {"identifier": None}, "has no identifier"),
        ("catalog", "/procurement/catalog", {"price": "dear"}, "where a number belongs"),
        ("agreements", "/finance/agreements", {"company": None}, "(company)"),
    ],
)
def test_one_record_that_cannot_be_used_is_left_out_and_told(
    sandbox: Sandbox, connectwise: ConnectWise, table: str, path: str, changes: dict[str, Any], told: str
) -> None:
    usual = lists_of(connectwise)
    names = {"companies": "companies", "catalog": "items", "agreements": "agreements"}
    id_ = getattr(usual, names[table])[2].id
    world = sandbox.connectwise.table(table)
    record = {**world[id_], **changes}
    sandbox.connectwise.commit((table, id_, {k: v for k, v in record.items() if v is not None}))
    found = lists_of(connectwise)
    (notice,) = found.odd
    assert f"id {id_} (ConnectWise: GET {path}" in notice
    assert told in notice
    for name in names.values():
        assert {one.id for one in getattr(usual, name)} - {one.id for one in getattr(found, name)} == (
            {id_} if name == names[table] else set()
        )


def test_many_records_that_cannot_be_used_are_one_notice(sandbox: Sandbox, connectwise: ConnectWise) -> None:
    count = len(lists_of(connectwise).items)
    with spoiled(sandbox, "/procurement/catalog", {"identifier": None}):
        found = lists_of(connectwise)
    (notice,) = found.odd
    assert notice.startswith("Left out of ConnectWise's products: id ")
    assert notice.endswith(f"; {count - 3} more.")
    assert found.items == ()


def test_a_record_without_an_id_is_an_error(sandbox: Sandbox, connectwise: ConnectWise) -> None:
    with (
        spoiled(sandbox, "/company/companies", {"id": None}),
        pytest.raises(ApiError, match="a record without an id"),
    ):
        lists_of(connectwise)


TABLES = {
    "company_types": ("/company/companies/types", "types of customers"),
    "agreement_types": ("/finance/agreements/types", "types of agreements"),
    "billing_cycles": ("/finance/billingCycles", "Billing periods were not compared"),
    "product_types": ("/procurement/types", "types of products"),
    "subcategories": ("/procurement/subcategories/", "categories of products"),
    "countries": ("/company/countries", "countries"),
}


@pytest.mark.parametrize("status", [403, 404])
def test_a_setup_table_that_may_not_be_read_is_empty_and_told_and_asked_for_again(
    sandbox: Sandbox, connectwise: ConnectWise, status: int
) -> None:
    usual = lists_of(connectwise)
    for name, (path, told) in TABLES.items():
        cache: dict[str, Any] = {}
        with refusing(sandbox, path, status):
            found = lists_of(connectwise, cache)
        assert found.setup == replace(usual.setup, **{name: ()})
        (notice,) = found.odd
        assert told in notice
        assert str(status) in notice
        unknown = name == "billing_cycles"
        assert {a.billing_months for a in found.agreements} == (
            {None} if unknown else {a.billing_months for a in usual.agreements}
        )
        assert [a.billing_cycle for a in found.agreements] == [a.billing_cycle for a in usual.agreements]
        assert lists_of(connectwise, cache) == usual


def test_a_setup_table_without_an_entry_is_told_and_asked_for_again(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    """A live server was seen to answer an empty list of what it has."""
    usual = lists_of(connectwise)
    for path, told in TABLES.values():
        cache: dict[str, Any] = {}
        sandbox.fail("empty", path=f"GET {path}$")
        (notice,) = lists_of(connectwise, cache).odd
        assert told in notice
        assert notice.endswith("gave an empty list, without a single entry")
        assert lists_of(connectwise, cache) == usual


def test_any_other_failure_to_read_a_setup_table_is_an_error(
    sandbox: Sandbox, connectwise: ConnectWise
) -> None:
    with refusing(sandbox, "/finance/billingCycles", 500), pytest.raises(ApiError):
        lists_of(connectwise)


# --- a whole month


def test_a_month_goes_on_where_no_setup_table_may_be_read(empty_desk: Desk) -> None:
    sandbox = empty_desk.sandbox
    with ExitStack() as stack:
        for path, _ in TABLES.values():
            stack.enter_context(refusing(sandbox, path, 403))
        exported = empty_desk.run("export", "--month", "2026-10")
        checked = empty_desk.run("check", OCTOBER)
    for ran in (exported, checked):
        assert ran.code == 0
        for _, told in TABLES.values():
            assert told in " ".join(ran.err.split())


def test_a_month_whose_additions_may_not_be_read_says_first_that_nothing_was_compared(
    empty_desk: Desk,
) -> None:
    sandbox = empty_desk.sandbox
    sandbox.fail("forbid", path=r"GET /finance/agreements/\d+/additions", times=500)
    ran = empty_desk.run("export", "--month", "2026-10", "--json")
    first = ran.json["notices"][0]
    assert first.startswith("NOTHING WAS COMPARED: the additions of all ")
    assert "answered 403" in first
    assert "`xlsync doctor`" in first
    assert first.endswith("run `xlsync check`.")
    assert ran.err.startswith("Note: NOTHING WAS COMPARED: ")
    assert (ran.code, ran.json["all_clear"]) == (0, False)
    assert set(ran.json["mismatches"]) >= {"Could not check"}


def test_where_the_additions_of_one_agreement_may_not_be_read_that_is_said_first(empty_desk: Desk) -> None:
    empty_desk.sandbox.fail("forbid", path="GET /finance/agreements/37/additions", times=5)
    first = empty_desk.export().json["notices"][0]
    assert first.startswith("Not all was compared: the additions of 1 of ")


def test_a_month_goes_on_beside_odd_records_and_tells_them(empty_desk: Desk) -> None:
    sandbox = empty_desk.sandbox
    company = next(iter(sandbox.connectwise.companies))
    record = {**sandbox.connectwise.companies[company], "name": " "}
    sandbox.connectwise.commit(("companies", company, record))
    for id_, record in list(sandbox.connectwise.additions.items()):
        sandbox.connectwise.commit(("additions", id_, {**record, "quantity": None}))
    ran = empty_desk.run("export", "--month", "2026-10", "--json")
    assert ran.code == 0
    assert f"Left out of ConnectWise's customers: id {company} " in " ".join(ran.err.split())
    assert ran.json["mismatches"]["Could not check"] >= 1
    told = empty_desk.read().column(MISMATCHES, "Explanation").values()
    assert any("which has no quantity" in text for text in told)
    assert {request.status for request in sandbox.log} <= {200, 204, 404}


# --- answers of another shape


QUILL = {"identifier": "QUILL", "name": "Quillfeather Books"}
COMPANIES, ADDITIONS, ADDITION = (
    "/company/companies",
    "/finance/agreements/27/additions",
    "/finance/agreements/39/additions/62",
)


@pytest.mark.parametrize(
    "odd",
    [
        {COMPANIES: [QUILL], ADDITION: []},  # a company without an id
        {COMPANIES: [{"id": "7", **QUILL}], ADDITIONS: [{"id": 1, "product": 5, "quantity": 1}]},
        {
            COMPANIES: [{"id": True, **QUILL}],
            ADDITIONS: [{"id": 1, "product": {"id": 5}, "quantity": 1, "customFields": 5}],
        },
    ],
)
def test_looks_that_are_answered_oddly_skip_what_they_were_for_and_the_rest_goes_on(
    approved: Desk, odd: dict[str, list[object]]
) -> None:
    api: Any = approved.sandbox._connectwise_api
    answer = api.answer

    def strange(request: Any, asked: str, **more: Any) -> Any:
        is_it = asked in odd and request.method == "GET"
        return json_response(odd[asked]) if is_it else answer(request, asked, **more)

    api.answer = strange
    try:
        ran = approved.apply()
    finally:
        api.answer = answer
    assert ran.code == 3, ran.err
    assert 0 < ran.json["skipped"] < len(ran.json["actions"])
    assert ran.json["failed"] == ran.json["unknown"] == 0
    details = {action["key"]: action["detail"] for action in ran.json["actions"]}
    told = [key for key, detail in details.items() if "could not be looked up" in detail]
    rows = {COMPANIES: "customer:bss:622", ADDITIONS: "add:27:", ADDITION: "cancel:62"}
    for path in odd:
        assert any(key.startswith(rows[path]) for key in told), (path, details)


def test_additions_that_a_list_hides_and_a_count_tells_are_not_called_missing(desk: Desk) -> None:
    before = desk.read().column(MISMATCHES, "Mismatch")
    list_of_52 = f"GET /finance/agreements/{desk.addition(52)['agreementId']}/additions$"
    desk.sandbox.fail("empty", path=list_of_52)
    assert desk.check().code == 0
    assert desk.read().column(MISMATCHES, "Mismatch") == before  # the list was read once more
    desk.sandbox.fail("empty", path=list_of_52, times=99)
    assert desk.check().code == 0
    hand = desk.read()
    rows = hand.column(MISMATCHES, "Mismatch")
    of_it = {rows[key] for key, name in hand.column(MISMATCHES, "Customer").items() if name == REDSTART}
    assert of_it == {"Could not check"}
    texts = hand.column(MISMATCHES, "Explanation").values()
    assert any("gave an empty list, and counts" in text for text in texts)
