"""A tenant that refuses part of what xlsync asks for: the rest goes on, and nobody is misled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from xlsync.actions import CreateAddition
from xlsync.apply import perform
from xlsync.config import ConnectWiseSettings, Creation
from xlsync.connectwise import ConnectWise
from xlsync.journal import Journal
from xlsync.live import Live
from xlsync.plan import Outcome, Plan, State
from xlsync.sandbox.connectwise import json_response
from xlsync.sandbox.server import Sandbox

NOW = dt.datetime.now(dt.UTC)  # the sandbox stamps what changes with the time of this machine


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(lines=20) as one:
        yield one


@pytest.fixture
def connectwise(sandbox: Sandbox) -> Iterator[ConnectWise]:
    keys = sandbox.environ
    one = ConnectWise(
        ConnectWiseSettings(
            url=f"{sandbox.url}/v4_6_release/apis/3.0",
            company=keys["XLSYNC_CW_COMPANY"],
            public_key=keys["XLSYNC_CW_PUBLIC_KEY"],
            private_key=keys["XLSYNC_CW_PRIVATE_KEY"],
            client_id=keys["XLSYNC_CW_CLIENT_ID"],
        )
    )
    one.service._patience = 0.001
    with one.service:
        yield one


@contextmanager
def refusing(sandbox: Sandbox, path: str, status: int) -> Iterator[None]:
    """While it is open, the sandbox's ConnectWise answers this status to reads of a path."""
    api: Any = sandbox._connectwise_api
    answer = api.answer

    def strict(request: Any, asked: str) -> Any:
        if asked == path and request.method == "GET":
            return json_response({"code": "Security", "message": "not for these keys"}, status)
        return answer(request, asked)

    api.answer = strict
    try:
        yield
    finally:
        del api.answer


# --- an addition's marks


@pytest.fixture
def create(sandbox: Sandbox, connectwise: ConnectWise, tmp_path: Path) -> Callable[[], Outcome]:
    """Put a product on an agreement that has no addition yet."""
    world = sandbox.connectwise
    filled = {record["agreementId"] for record in world.additions.values()}
    agreement = next(
        id_ for id_, r in world.agreements.items() if id_ not in filled and not r["cancelledFlag"]
    )
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
