"""What stands in a row's *Result*: every reason once."""

from __future__ import annotations

import pytest

from xlsync.apply.plan import Outcome, State
from xlsync.commands.writing import row_results


@pytest.mark.parametrize("name", ["Acme", "Acme, Inc", "Acme, which is not approved, Inc"])
def test_a_reason_stands_once_in_a_row_whatever_the_name_holds(name: str) -> None:
    customer = f"customer:report:{name}"
    refused = Outcome(
        key=customer, kind="CreateCompany", rows=(customer,), state=State.SKIPPED, detail="already taken"
    )
    contact = Outcome(
        key="contact",
        kind="CreateContact",
        rows=(customer,),
        state=State.SKIPPED,
        detail=f"needs {customer}, which is skipped: already taken",
        waits_for=customer,
    )
    assert row_results((refused, contact)) == {customer: ("skipped: already taken", False)}
