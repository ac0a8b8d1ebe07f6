"""Creations of which nobody knows what became, and their undo."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from tests.helpers.remote import connected, connectwise_settings
from xlsync.apply.actions import CreateAddition
from xlsync.apply.journal import Journal
from xlsync.apply.lookup import Live
from xlsync.apply.perform import perform
from xlsync.apply.plan import Plan, State
from xlsync.apply.runs import list_runs
from xlsync.apply.undo import plan_undo
from xlsync.gather.systems import silent
from xlsync.models import Addition
from xlsync.records import replace
from xlsync.sandbox.server import Sandbox
from xlsync.settings import Creation


def test_undo_ends_no_addition_of_the_same_values_that_was_there_before(
    sandbox: Sandbox, seen: Addition, tmp_path: Path
) -> None:
    """Two contracts may have as many units of a product, from the same day on."""
    action = CreateAddition(
        key="add",
        rows=("add",),
        agreement=seen.agreement_id,
        item=seen.item_id,
        quantity=seen.quantity,
        unit_cost=None,
        effective=seen.effective,
        customer="Contoso",
        product="Backup",
        beside=(seen.id,),
    )
    sandbox.fail("hang-up-before", write=1)
    settings = replace(connectwise_settings(sandbox.url, sandbox.environ), seconds_until_unknown=0)
    now = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
    journal = Journal.begin(tmp_path, "demo", command="apply", workbook="", month="2026-10", now=now)
    with connected(settings) as connectwise:
        (result,) = perform(Plan((action,)), Live(connectwise, Creation()), journal)
        journal.end()
        runs = list_runs(tmp_path, "demo")
        plan = plan_undo(runs[0], runs, Live(connectwise, Creation()), silent)
    assert (result.state, plan.actions) == (State.UNKNOWN, ())
    assert [left.key for left in plan.outcomes] == ["add"]
