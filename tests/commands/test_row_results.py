"""What stands in a row's *Result*: every reason once."""

from __future__ import annotations

import pytest

from xlsync.apply.plan import Outcome, State
from xlsync.commands.writing import row_results
from xlsync.records import replace
from xlsync.ribbon.texts import outcomes_text


@pytest.mark.parametrize("name", ["Acme", "Acme, Inc", "Acme, which is not approved, Inc"])
def test_a_reason_stands_once_in_a_row_whatever_the_name_holds(name: str) -> None:
    customer = f"customer:report:{name}"
    refused = Outcome(
        key=customer,
        kind="CreateCompany",
        subject=f"customer {name}",
        rows=(customer,),
        state=State.SKIPPED,
        detail="already taken",
    )
    contact = Outcome(
        key="contact",
        kind="CreateContact",
        subject="contact Ann",
        rows=(customer,),
        state=State.SKIPPED,
        detail=f"needs customer {name}, which is skipped: already taken",
        waits_for=customer,
    )
    assert row_results((refused, contact)) == {customer: ("skipped: already taken", False)}


def test_people_read_the_subject_once_and_never_the_key() -> None:
    lost = Outcome(
        key="update:52",
        kind="UpdateAddition",
        subject="Backup for Acme",
        rows=("units:52",),
        state=State.SKIPPED,
        detail="changed since export: ConnectWise Units was 3 and is now 4",
    )
    named = replace(lost, detail="restore Backup for Acme: 3 units (now 4): it stays")
    assert outcomes_text("2026-10-28-1", [lost, named]).splitlines()[1:3] == [
        "• skipped Backup for Acme: changed since export: ConnectWise Units was 3 and is now 4",
        "• skipped restore Backup for Acme: 3 units (now 4): it stays",
    ]


def test_a_row_of_several_actions_with_one_result_shows_it_once() -> None:
    """A new customer's row makes the company and its contact."""
    row = "customer:bss:622"
    company = Outcome(
        key=row,
        kind="CreateCompany",
        subject="customer Acme",
        rows=(row,),
        state=State.ALREADY,
        detail="carried out on 2026-11-29 by run 20261129-140736-709ba9a",
    )
    contact = replace(company, key=f"contact:{row}", kind="CreateContact", subject="contact Ann")
    assert row_results((company, contact)) == {row: (company.text, False)}
