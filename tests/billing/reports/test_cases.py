"""Made-up reports in the shapes that distributors send, each with its right reading; skipped where absent."""

from __future__ import annotations

import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from xlsync.billing.reports.reading import read_reports
from xlsync.errors import ReportError
from xlsync.models import BillingLine, Month
from xlsync.settings import ReportSettings

CASES = Path(__file__).parents[4] / "shared" / "cases" / "reports"
EXPECTED: dict[str, Any] = (
    json.loads((CASES / "expected.json").read_text("utf-8")) if (CASES / "expected.json").exists() else {}
)
NUMBERS = {"units", "amount", "cost", "billing", "commitment"}


def fields(line: BillingLine) -> dict[str, Any]:
    return {
        "customer": line.customer,
        "contract": line.contract_id or None,
        "product": line.product,
        "units": line.units,
        "cost": line.cost,
        "amount": line.amount,
        "currency": line.currency or None,
        "type": str(line.type),
        "date": str(line.start) if line.start else None,
        "billing": line.billing_months or 0,
        "commitment": line.commitment_months or 0,
    }


def is_one(name: str, value: Any, wanted: Any) -> bool:
    for one in wanted if isinstance(wanted, list) else [wanted]:
        if value is None or one is None:
            if value is one:
                return True
        elif name not in NUMBERS:
            if value == one:
                return True
        elif abs(Decimal(value) - Decimal(one)) <= (abs(Decimal(one)) / 1000 if name == "cost" else 0):
            return True
    return False


def has_words(wanted: list[Any], text: str) -> bool:
    return all(
        any(re.search(word, text, re.IGNORECASE) for word in (one if isinstance(one, list) else [one]))
        for one in wanted
    )


@pytest.mark.skipif(not EXPECTED, reason="the cases are not beside the project")
@pytest.mark.parametrize("name", EXPECTED or ["none"])
def test_a_report_is_read_as_it_should_be_or_refused(name: str) -> None:
    case = EXPECTED[name]
    expect = case["expect"]
    given = tomllib.loads(case["settings"] or "").get("report", {})
    paths = [CASES / one for one in (name, *case.get("with", ()))]
    try:
        read = read_reports(paths, Month.parse(case["month"]), ReportSettings(**given))
    except ReportError as error:
        text = f"{error.message}\n{error.hint}"
        wanted = expect.get("refused") or expect.get("or_refused")
        assert wanted, text
        assert has_words(wanted, text), text
    else:
        assert "lines" in expect
        text = "\n".join(read.notices)
        rest = [fields(line) for line in read.lines]
        for wanted in expect["lines"]:
            told = {key: value for key, value in wanted.items() if key != "status"}
            match = next(
                (own for own in rest if all(is_one(key, own[key], value) for key, value in told.items())),
                None,
            )
            assert match is not None, (wanted, rest)
            rest.remove(match)
        assert not rest
    assert has_words(case.get("told", []), text), text
