"""What is asked for, request by request: an export asks for nothing that the month does not need."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.helpers.closed_port import closed_port
from tests.helpers.command import run
from tests.helpers.desk import Desk, settle
from tests.helpers.hand import LINES
from tests.helpers.world import World
from xlsync.sandbox.server import ReceivedRequest
from xlsync.settings import SIDE_BY_SIDE

ID = re.compile(r"/(\d+|[0-9a-f]{8}-[0-9a-f-]{27})(?=/|$)")
LISTS = ("/company/companies", "/finance/agreements", "/procurement/catalog")


Log = tuple[ReceivedRequest, ...]


def asked(log: Log) -> Counter[str]:
    """How often each kind of thing was asked for; ids stand as N."""
    return Counter(f"{request.service} {ID.sub('/N', request.path)}" for request in log)


@pytest.fixture(scope="module")
def second(world: World, tmp_path_factory: pytest.TempPathFactory) -> Log:
    """What is asked for where October is exported again the same day."""
    folder = tmp_path_factory.mktemp("again")
    world.renew()
    world.lay_out(folder)
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, world.sandbox, folder)
        assert run("export", "--month", "2026-10", "--output", "again.xlsx").code == 0
    return tuple(world.sandbox.log)


def test_the_first_export_asks_for_each_thing_once(world: World) -> None:
    assert asked(world.log)["bss /api/subscriptions/N/currentInstallmentplan"] > 0
    urls = Counter(
        (request.service, request.path, str(sorted(request.query.items()))) for request in world.log
    )
    assert {url: count for url, count in urls.items() if count > 1} == {}


def test_the_first_export_reads_additions_of_linked_companies_only(world: World) -> None:
    world.renew()
    agreements = world.sandbox.connectwise.agreements
    read = {
        int(found[1])
        for request in world.log
        if (found := re.fullmatch(r"/finance/agreements/(\d+)/additions", request.path))
    }
    assert 0 < len(read) < len(agreements)
    assert all(not agreements[id_]["cancelledFlag"] for id_ in read)


def test_a_second_export_of_the_day_asks_for_changes_of_the_lists_only(second: Log) -> None:
    for path in LISTS:
        conditions = [request.query.get("conditions", "") for request in second if request.path == path]
        changed = [text for text in conditions if text.startswith("lastUpdated>[")]
        others = [text for text in conditions if text not in changed]
        assert len(changed) == 1
        assert all(text.startswith("identifier in (") for text in others)  # proposals, looked up


def test_a_second_export_of_the_day_asks_for_no_plan_and_no_setup_table(second: Log) -> None:
    kinds = asked(second)
    assert kinds["bss /api/subscriptions/N/currentInstallmentplan"] == 0
    assert not [
        kind for kind in kinds if kind.endswith(("/types", "Cycles", "/subcategories/", "/countries"))
    ]


def test_a_second_export_of_the_day_asks_for_invoices_and_additions_again(second: Log) -> None:
    kinds = asked(second)
    assert kinds["bss /api/invoices"] == 2  # those of the month, and the heads of the month before
    assert kinds["bss /oauth/token"] == 1
    additions = [request for request in second if request.path.endswith("/additions")]
    assert len(additions) == len({request.path for request in additions}) > 0


def test_the_first_check_asks_for_each_thing_once(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(LINES, hand.line("DELTA"), {"Note": "Ask Pia"})
    desk.forget_log()
    assert desk.run("check", str(desk.file), "--json").code == 0
    urls = Counter((request.path, str(sorted(request.query.items()))) for request in desk.sandbox.log)
    assert {url: count for url, count in urls.items() if count > 1} == {}
    assert not any(path.endswith("/additions") for path, _ in urls)


def test_a_check_stops_asking_for_what_only_an_earlier_one_needed(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.set(LINES, hand.line("DELTA"), {"ConnectWise Customer": ""})
    assert desk.run("check", str(desk.file), "--json").code == 0
    recaps: list[set[str]] = []
    for note in ("Ask Pia", "Ask Tom", "Ask Uwe"):
        with desk.editing() as hand:
            hand.set(LINES, hand.line("DELTA"), {"Note": note})
        desk.forget_log()
        assert desk.run("check", str(desk.file), "--json").code == 0
        recaps.append(
            {
                request.query["conditions"]
                for request in desk.sandbox.log
                if request.path == "/finance/agreementrecap/"
            }
        )
    assert recaps[0] != recaps[1] == recaps[2] != set()


def test_a_fault_of_the_workbook_is_told_though_the_bss_does_not_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk.editing() as hand:
        hand.set(LINES, hand.line("DELTA"), {"ConnectWise Customer": "No such customer"})
    monkeypatch.setenv("XLSYNC_BSS_URL", f"http://127.0.0.1:{closed_port()}")
    ran = desk.run("check", str(desk.file))
    assert ran.code == 1
    assert "No such customer" in ran.err


def test_every_list_of_records_names_its_fields(world: World) -> None:
    """But for the first additions, read side by side, which show whether this server knows their status."""
    lists = [
        request
        for request in world.log
        if request.service == "connectwise" and request.path.endswith(("/additions", *LISTS))
    ]
    without = [request.path for request in lists if "fields" not in request.query]
    assert all(path.endswith("/additions") for path in without)
    assert len(without) <= SIDE_BY_SIDE


def test_answers_come_packed_over_kept_connections(world: World) -> None:
    headers = [request.headers for request in world.log]
    assert all("gzip" in found.get("Accept-Encoding", "") for found in headers)
    assert all(found.get("Connection", "keep-alive") == "keep-alive" for found in headers)


def test_the_counts_of_the_json_are_those_of_the_service(world: World) -> None:
    sent = Counter(request.service for request in world.log)
    assert world.told["requests"] == {"bss": sent["bss"], "connectwise": sent["connectwise"]}


def test_an_apply_of_changes_reads_once_what_they_rest_upon_and_looks_around_each_of_them(desk: Desk) -> None:
    with desk.editing() as hand:
        hand.approve("units:52", "units:53", "units:55")
    desk.forget_log()
    assert set(desk.apply().states.values()) == {"done"}
    assert asked(tuple(desk.sandbox.log)) == {
        "connectwise /finance/agreements": 1,
        "connectwise /company/companies": 1,
        "connectwise /finance/billingCycles": 1,
        "connectwise /finance/agreements/N/additions": 1,  # for the plan
        "connectwise /finance/agreements/N/additions/N": 9,  # a look before, the write and a look after
    }
