"""ConnectWise's lists: read whole once, then only what changed, and never wrong without their cache."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.remote import all_lists
from xlsync.connectwise.client import ConnectWise
from xlsync.errors import ApiError
from xlsync.models import Lists
from xlsync.sandbox.connectwise.api import json_response
from xlsync.sandbox.server import ReceivedRequest, Sandbox
from xlsync.store import Cache

NOW = dt.datetime.now(dt.UTC)  # the sandbox stamps what changes with the time of this machine
SETUP = {
    "/company/companies/types",
    "/finance/agreements/types",
    "/finance/billingCycles",
    "/procurement/types",
    "/procurement/subcategories/",
    "/company/countries",
}
WHOLE = {
    "/company/companies": "deletedFlag=False",
    "/finance/agreements": "cancelledFlag=False",
    "/procurement/catalog": "inactiveFlag=False",
}


class Reading:
    """A sandbox, its lists, and a cache between two readings."""

    def __init__(self, sandbox: Sandbox, connectwise: ConnectWise) -> None:
        self.sandbox = sandbox
        self.connectwise = connectwise
        self.cache: Any = {}
        self.seen: list[ReceivedRequest] = []

    def read(self, *, later: dt.timedelta = dt.timedelta(), refresh: bool = False) -> Lists:
        """Read the lists so much later; what was asked for is in `seen`."""
        self.sandbox.log.clear()
        lists = all_lists(self.connectwise, self.cache, now=NOW + later, refresh=refresh)
        self.seen = list(self.sandbox.log)
        return lists

    @property
    def conditions(self) -> dict[str, str]:
        """What was asked of each of the three long lists."""
        return {r.path: r.query.get("conditions", "") for r in self.seen if r.path in WHOLE}

    @property
    def setup(self) -> set[str]:
        """The setup tables that were asked for."""
        return {request.path for request in self.seen} - set(WHOLE)

    def change(self, table: str, key: int, **fields: Any) -> None:
        """Change a record behind xlsync's back, as a person in ConnectWise does."""
        record = {**self.sandbox.connectwise.table(table)[key], **fields}
        self.sandbox.connectwise.commit((table, key, record))


@pytest.fixture
def reading(sandbox: Sandbox, connectwise: ConnectWise) -> Reading:
    return Reading(sandbox, connectwise)


def test_the_first_reading_is_whole_and_of_active_entries_with_their_fields_only(reading: Reading) -> None:
    lists = reading.read()
    assert reading.conditions == WHOLE
    assert reading.setup == SETUP
    assert all(r.query["fields"] and r.query["pageSize"] == "1000" for r in reading.seen if r.path in WHOLE)
    world = reading.sandbox.connectwise
    assert {c.id for c in lists.companies} == {k for k, r in world.companies.items() if not r["deletedFlag"]}
    assert {i.id for i in lists.items} == {k for k, r in world.catalog.items() if not r["inactiveFlag"]}
    active = {
        k for k, r in world.agreements.items() if not r["cancelledFlag"] and r["agreementStatus"] == "Active"
    }
    assert {a.id for a in lists.agreements} == active


def test_requests_are_counted_one_for_each_list(reading: Reading) -> None:
    reading.read()
    assert reading.connectwise.service.requests == len(reading.seen) == len(WHOLE) + len(SETUP)


def test_the_second_reading_asks_only_for_what_was_updated_since(reading: Reading) -> None:
    first = reading.read()
    assert reading.read(later=dt.timedelta(hours=1)) == first
    assert len(reading.seen) == len(WHOLE)
    assert all(conditions.startswith("lastUpdated>[") for conditions in reading.conditions.values())


def test_since_is_the_servers_time_less_an_overlap(reading: Reading) -> None:
    reading.read()
    reading.read()
    assert set(reading.conditions) == set(WHOLE)
    for text in reading.conditions.values():
        behind = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(text[len("lastUpdated>[") : -1])
        assert dt.timedelta(hours=1) <= behind < dt.timedelta(hours=2)


def test_a_renamed_company_shows_its_new_name(reading: Reading) -> None:
    first = reading.read()
    company = first.companies[3]
    reading.change("companies", company.id, name="Renamed GmbH")
    second = reading.read()
    assert {c.id: c.name for c in second.companies} == {c.id: c.name for c in first.companies} | {
        company.id: "Renamed GmbH"
    }
    assert reading.read() == second


def test_what_is_deleted_cancelled_or_made_inactive_disappears(reading: Reading) -> None:
    first = reading.read()
    company, agreement, item = first.companies[0], first.agreements[0], first.items[0]
    reading.change("companies", company.id, deletedFlag=True)
    reading.change("agreements", agreement.id, cancelledFlag=True)
    reading.change("catalog", item.id, inactiveFlag=True)
    second = reading.read()
    assert set(first.companies) - set(second.companies) == {company}
    assert set(first.agreements) - set(second.agreements) == {agreement}
    assert set(first.items) - set(second.items) == {item}


def test_what_comes_back_is_shown_again(reading: Reading) -> None:
    first = reading.read()
    reading.change("companies", first.companies[0].id, deletedFlag=True)
    reading.read()
    reading.change("companies", first.companies[0].id, deletedFlag=False)
    assert reading.read().companies == first.companies


def test_a_new_product_appears_with_exact_decimals(reading: Reading) -> None:
    first = reading.read()
    old = reading.sandbox.connectwise.catalog[first.items[0].id]
    reading.sandbox.connectwise.commit(
        ("catalog", 9001, {**old, "id": 9001, "identifier": "NEW", "price": Decimal("0.10"), "cost": 0})
    )
    for lists in (reading.read(), reading.read()):
        (new,) = [item for item in lists.items if item.id == 9001]
        assert (new.price, new.cost) == (Decimal("0.10"), Decimal(0))


def test_a_deletion_without_a_trace_is_seen_when_the_list_is_read_whole_after_a_week(
    reading: Reading,
) -> None:
    first = reading.read()
    gone = first.companies[-1]
    reading.sandbox.connectwise.commit(("companies", gone.id, None))
    assert gone in reading.read(later=dt.timedelta(days=7)).companies
    assert gone not in reading.read(later=dt.timedelta(days=7, seconds=1)).companies
    assert reading.conditions == WHOLE


def test_the_week_begins_with_the_last_whole_reading_not_the_last_reading(reading: Reading) -> None:
    reading.read()
    reading.read(later=dt.timedelta(days=6))
    reading.read(later=dt.timedelta(days=8))
    assert reading.conditions == WHOLE
    reading.read(later=dt.timedelta(days=14))
    assert reading.conditions != WHOLE


def test_setup_tables_are_read_again_after_a_day(reading: Reading) -> None:
    reading.read()
    reading.read(later=dt.timedelta(hours=23))
    assert reading.setup == set()
    reading.read(later=dt.timedelta(hours=24))
    assert reading.setup == SETUP


def test_a_clock_that_was_set_back_lets_everything_be_read_whole(reading: Reading) -> None:
    """Else what was read while it ran ahead would be used until that time has come."""
    reading.read(later=dt.timedelta(days=400))
    reading.read()
    assert reading.conditions == WHOLE
    assert reading.setup == SETUP


def test_refresh_reads_all_of_it_whole(reading: Reading) -> None:
    first = reading.read()
    reading.sandbox.connectwise.commit(("companies", first.companies[-1].id, None))
    second = reading.read(refresh=True)
    assert reading.conditions == WHOLE
    assert reading.setup == SETUP
    assert len(second.companies) == len(first.companies) - 1
    reading.read()
    assert all(conditions.startswith("lastUpdated>") for conditions in reading.conditions.values())


def test_a_tenant_that_refuses_the_condition_is_read_whole(reading: Reading) -> None:
    first = reading.read()
    with Refusing(reading.sandbox):
        assert reading.read() == first
    for path, whole in WHOLE.items():
        asked = [(r.query["conditions"], r.status) for r in reading.seen if r.path == path]
        assert [status for _, status in asked] == [400, 200]
        assert asked[1][0] == whole


class Refusing:
    """While it is open, the sandbox's ConnectWise answers 400 to conditions on `lastUpdated`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._api: Any = sandbox._connectwise_api

    def __enter__(self) -> None:
        answer = self._api.answer

        def strict(request: Any, path: str, **more: Any) -> Any:
            if "lastUpdated" in request.args.get("conditions", ""):
                return json_response({"code": "InvalidCondition", "message": "no lastUpdated"}, 400)
            return answer(request, path, **more)

        self._api.answer = strict

    def __exit__(self, *_: object) -> None:
        del self._api.answer


def test_any_other_failure_is_an_error_not_a_shorter_list(reading: Reading) -> None:
    reading.read()
    reading.sandbox.fail("error", path="GET /finance/agreements$", times=99)
    reading.connectwise.service._patience = 0.001
    with pytest.raises(ApiError) as raised:
        reading.read()
    assert raised.value.status == 500


@pytest.mark.parametrize("name", ["companies", "agreements", "catalog", "setup"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda cache, name: cache.pop(name),
        lambda cache, name: cache.update({name: None}),
        lambda cache, name: cache.update({name: []}),
        lambda cache, name: cache.update({name: {"of": "another version"}}),
    ],
)
def test_a_cache_that_lacks_a_list_or_holds_it_in_another_form_does_no_harm(
    reading: Reading, name: str, spoil: Callable[[Any, str], object]
) -> None:
    first = reading.read()
    spoil(reading.cache, name)
    assert reading.read() == first


def test_a_cache_that_is_thrown_away_while_it_is_read_does_no_harm(reading: Reading) -> None:
    class Forgetful(dict[str, Any]):
        """Holds everything until it has been asked for once."""

        def get(self, key: str, default: Any = None) -> Any:
            return self.pop(key, default)

    first = reading.read()
    reading.cache = Forgetful(reading.cache)
    assert reading.read() == first


def test_lists_are_the_same_through_a_cache_on_disk_and_after_it_is_deleted(
    reading: Reading, tmp_path: Path
) -> None:
    with Cache(tmp_path / "lists") as reading.cache:
        first = reading.read()
    with Cache(tmp_path / "lists") as reading.cache:
        assert reading.read() == first
        assert len(reading.seen) == len(WHOLE)
    with Cache(tmp_path / "empty") as reading.cache:
        assert reading.read() == first
        assert len(reading.seen) == len(WHOLE) + len(SETUP)


def test_progress_tells_how_many_records_came(reading: Reading) -> None:
    counts: list[int] = []
    lists = all_lists(reading.connectwise, now=NOW, progress=counts.append)
    assert sum(counts) >= len(lists.companies) + len(lists.agreements) + len(lists.items)
