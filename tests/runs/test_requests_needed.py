"""What is asked for, request by request: an export asks for nothing that the month does not need."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.helpers.desk import Desk
from tests.helpers.hand import LINES
from tests.helpers.rest_service import closed_port
from xlsync.settings import SIDE_BY_SIDE

ID = re.compile(r"/(\d+|[0-9a-f]{8}-[0-9a-f-]{27})(?=/|$)")
LISTS = ("/company/companies", "/finance/agreements", "/procurement/catalog")


def asked(desk: Desk) -> Counter[str]:
    """How often each kind of thing was asked for; ids stand as N."""
    return Counter(f"{request.service} {ID.sub('/N', request.path)}" for request in desk.sandbox.log)


@pytest.fixture
def twice(empty_desk: Desk) -> Desk:
    """A desk on which October was exported, and is exported again the same day."""
    assert empty_desk.export().code == 0
    empty_desk.forget_log()
    assert empty_desk.export("--output", "again.xlsx").code == 0
    return empty_desk


def test_the_first_export_asks_for_each_thing_once(empty_desk: Desk) -> None:
    assert empty_desk.export().code == 0
    assert asked(empty_desk)["bss /api/subscriptions/N/currentInstallmentplan"] > 0
    urls = Counter(
        (request.service, request.path, str(sorted(request.query.items())))
        for request in empty_desk.sandbox.log
    )
    assert {url: count for url, count in urls.items() if count > 1} == {}


def test_the_first_export_reads_additions_of_linked_companies_only(empty_desk: Desk) -> None:
    assert empty_desk.export().code == 0
    agreements = empty_desk.sandbox.connectwise.agreements
    read = {
        int(found[1])
        for request in empty_desk.sandbox.log
        if (found := re.fullmatch(r"/finance/agreements/(\d+)/additions", request.path))
    }
    assert 0 < len(read) < len(agreements)
    assert all(not agreements[id_]["cancelledFlag"] for id_ in read)


def test_a_second_export_of_the_day_asks_for_changes_of_the_lists_only(twice: Desk) -> None:
    for path in LISTS:
        conditions = [
            request.query.get("conditions", "") for request in twice.sandbox.log if request.path == path
        ]
        changed = [text for text in conditions if text.startswith("lastUpdated>[")]
        others = [text for text in conditions if text not in changed]
        assert len(changed) == 1
        assert all(text.startswith("identifier in (") for text in others)  # proposals, looked up


def test_a_second_export_of_the_day_asks_for_no_plan_and_no_setup_table(twice: Desk) -> None:
    kinds = asked(twice)
    assert kinds["bss /api/subscriptions/N/currentInstallmentplan"] == 0
    assert not [
        kind for kind in kinds if kind.endswith(("/types", "Cycles", "/subcategories/", "/countries"))
    ]


def test_a_second_export_of_the_day_asks_for_invoices_and_additions_again(twice: Desk) -> None:
    kinds = asked(twice)
    assert kinds["bss /api/invoices"] == 2  # those of the month, and the heads of the month before
    assert kinds["bss /oauth/token"] == 1
    additions = [request for request in twice.sandbox.log if request.path.endswith("/additions")]
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


def test_every_list_of_records_names_its_fields(empty_desk: Desk) -> None:
    """But for the first additions, read side by side, which show whether this server knows their status."""
    assert empty_desk.export().code == 0
    lists = [
        request
        for request in empty_desk.sandbox.log
        if request.service == "connectwise" and request.path.endswith(("/additions", *LISTS))
    ]
    without = [request.path for request in lists if "fields" not in request.query]
    assert all(path.endswith("/additions") for path in without)
    assert len(without) <= SIDE_BY_SIDE


def test_answers_come_packed_over_kept_connections(empty_desk: Desk) -> None:
    assert empty_desk.export().code == 0
    headers = [request.headers for request in empty_desk.sandbox.log]
    assert all("gzip" in found.get("Accept-Encoding", "") for found in headers)
    assert all(found.get("Connection", "keep-alive") == "keep-alive" for found in headers)


def test_the_counts_of_the_json_are_those_of_the_service(empty_desk: Desk) -> None:
    told = empty_desk.export().json["requests"]
    sent = Counter(request.service for request in empty_desk.sandbox.log)
    assert told == {"bss": sent["bss"], "connectwise": sent["connectwise"]}
