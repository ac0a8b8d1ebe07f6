"""Reads that begin before others end, so that the rates of both systems are used from the beginning."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from tests.helpers.desk import Desk
from tests.helpers.tables import OCTOBER, read_line
from xlsync.connectwise.lists import Tables
from xlsync.gather.ahead import needed_in_any_case
from xlsync.links.memory import Memory, PeriodAgreement, Remembered
from xlsync.models import SetupTables

ADDITIONS = r"GET /finance/agreements/\d+/additions$"
PLANS = "GET /api/subscriptions/.*/currentInstallmentplan$"


def test_additions_are_asked_for_while_billing_plans_are_still_read(empty_desk: Desk) -> None:
    asked = threading.Event()
    seen: list[bool] = []
    empty_desk.sandbox.fail("call", path=ADDITIONS, call=asked.set)
    empty_desk.sandbox.fail("call", path=PLANS, times=999, call=lambda: seen.append(asked.wait(60)))
    assert empty_desk.export().code == 0
    assert seen
    assert all(seen)


MOST = 12  # requests of the first minute: all lists and a few additions


def waits_for_its_turn(desk: Desk) -> None:
    """Let the rate pass so few requests that reading all additions takes many minutes."""
    settings = f"[connectwise]\nrequests_per_minute = {MOST}\n"
    (desk.folder / "xlsync.toml").write_text(settings, encoding="utf-8")


def asked_of_connectwise(desk: Desk) -> list[str]:
    """The paths of all requests to ConnectWise: more than those of a minute if the others were waited for."""
    return [request.path for request in desk.sandbox.log if request.service == "connectwise"]


def test_an_error_ends_an_export_at_once_while_additions_wait_for_their_turn(empty_desk: Desk) -> None:
    waits_for_its_turn(empty_desk)
    empty_desk.sandbox.fail("empty", path="GET /procurement/catalog$")
    ran = empty_desk.export()
    assert ran.code == 1
    assert len(asked_of_connectwise(empty_desk)) <= MOST
    assert "/procurement/catalog gave an empty list" in ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one thread")
def test_ctrl_c_ends_an_export_at_once_while_additions_wait_for_their_turn(empty_desk: Desk) -> None:
    waits_for_its_turn(empty_desk)
    main = threading.get_ident()
    empty_desk.sandbox.fail(
        "call", path=ADDITIONS, skip=1, call=lambda: signal.pthread_kill(main, signal.SIGINT)
    )
    ran = empty_desk.export()
    assert ran.code == 1
    assert len(asked_of_connectwise(empty_desk)) <= MOST
    assert ran.err.endswith("Stopped.\n")
    assert not empty_desk.file.exists()


def record(id_: int, name: str, **more: Any) -> Mapping[str, Any]:
    return {"id": id_, "identifier": name, "name": name, **more}


def test_a_remembered_customer_waits_for_its_plans_and_a_new_one_does_not() -> None:
    """Which agreement of a remembered customer is meant may be decided by the billing period."""
    tables = Tables(
        companies=[record(1, "Contoso"), record(2, "Fabrikam"), record(3, "Woodgrove")],
        agreements=[record(10 * id_, f"A{id_}", company={"id": id_}) for id_ in (1, 2, 3)],
        items=[],
        setup=SetupTables(),
    )
    contoso, fabrikam, woodgrove = (
        read_line({"line": name, "customer": name}) for name in ("Contoso", "Fabrikam", "Woodgrove")
    )
    known = Remembered(company_id=2, by_period=(PeriodAgreement(12, 20),))
    memory = Memory(customers={fabrikam.customer_key: known})
    needed = needed_in_any_case([contoso], [fabrikam, woodgrove], tables, OCTOBER, memory)
    assert needed == {10, 30}
    assert needed_in_any_case([contoso, fabrikam], [woodgrove], tables, OCTOBER, memory) == {10, 20, 30}
